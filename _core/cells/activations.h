/* The activations that a cell may choose, each with its derivative in terms of its result. */
#ifndef SKLEARN_RNN_ACTIVATIONS_H
#define SKLEARN_RNN_ACTIVATIONS_H

#include "interface/rosters.h"
#include "levels/vec.h"

typedef enum { TANH, RELU, IDENTITY, LOGISTIC } rnn_activation;

/* The choices are words in the order of `rnn_activation`. */
#define ACTIVATION_OPTION(preset_) \
    {.name = "activation", .type = CHOICE, .choices = "tanh relu identity logistic", .preset = preset_}

/* y = act(a) */
static inline vec activate(rnn_activation act, vec a)
{
    switch (act) {
    case TANH:
        return vtanh(a);
    case RELU:
        return vselect(a < 0, vset(0), a);      /* not max(0, a): NaN must survive */
    case LOGISTIC:
        return vsigmoid(a);
    default:
        return a;
    }
}

/* d_a = d_y act'(a); tanh' = 1 - y^2, relu' = [y > 0], logistic' = y (1 - y) */
static inline vec activate_backward(rnn_activation act, vec d_y, vec y)
{
    switch (act) {
    case TANH:
        return d_y * ((1 - y) * (1 + y));
    case RELU:
        return vselect(y > 0, d_y, vset(0));
    case LOGISTIC:
        return d_y * (y * (1 - y));
    default:
        return d_y;
    }
}

#endif
