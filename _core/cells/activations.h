/* The activations that a cell may choose, each with its derivative in terms of its result. */
#ifndef SKLEARN_RNN_ACTIVATIONS_H
#define SKLEARN_RNN_ACTIVATIONS_H

#include "interface/rosters.h"
#include "levels/vec.h"

typedef enum { IDENTITY, TANH, RELU, LOGISTIC } rnn_activation;

/* The choices are words in the order of `rnn_activation`. */
#define ACTIVATION_OPTION(preset_) \
    {.name = "activation", .type = CHOICE, .choices = "identity tanh relu logistic", .preset = preset_}

/* y = act(a) */
static inline vec activate(rnn_activation act, vec a)
{
    switch (act) {
    case IDENTITY: return a;
    case TANH:     return vtanh(a);
    case RELU:     return vselect(a < 0, vset(0), a);                   /* not max(0, a): NaN must survive */
    default:       return vsigmoid(a);
    }
}

/* d_a = d_y act'(a); tanh' = 1 - y^2, relu' = [y > 0], logistic' = y (1 - y) */
static inline vec activate_backward(rnn_activation act, vec d_y, vec y)
{
    switch (act) {
    case IDENTITY: return d_y;
    case TANH:     return d_y * ((1 - y) * (1 + y));
    case RELU:     return vselect(y > 0, d_y, vset(0));
    default:       return d_y * (y * (1 - y));
    }
}

#endif
