/* The penalty of the weights: alpha (l1_ratio sum |w| + (1 - l1_ratio) / 2 sum w^2), that of the elastic net (Zou and Hastie,
 * 2005).
 */
#ifndef SKLEARN_RNN_PENALTY_H
#define SKLEARN_RNN_PENALTY_H

#include "interface/job.h"
#include "levels/optimizers.h"
#include "levels/real.h"

/* Its gradient is l2 w + l1 sign(w). */
typedef struct {
    real l1, l2;
} penalty;

/* That of an array in the gradient of the loss: none for biases, nor where the optimizer decays the weights apart. */
static inline penalty penalty_of(const rnn_optimizer *optimizer, const rnn_tensor *tensor)
{
    const int apart = optimizer_list[optimizer->kind].decoupled_decay;
    const double alpha = tensor->decays && !apart ? optimizer->alpha : 0;
    return (penalty){.l1 = (real)(alpha * optimizer->l1_ratio), .l2 = (real)(alpha * (1 - optimizer->l1_ratio))};
}

/* The sign, a subgradient of |w| (0 at 0). */
static inline real sign_of(real w) { return (real)((w > 0) - (w < 0)); }

/* A gradient g with that of the penalty of w */
static inline real add_penalty(real g, real w, penalty p)
{
    if (p.l2 > 0)
        g += p.l2 * w;
    if (p.l1 > 0)
        g += p.l1 * sign_of(w);
    return g;
}

/* Decay apart from the gradient (Loshchilov and Hutter, 2019): an update multiplies w by `keep`, and moves it by `shrink` towards
 * zero. */
typedef struct {
    real keep, shrink;
} weight_decay;

static inline weight_decay decay_of(const rnn_optimizer *optimizer, const rnn_tensor *tensor)
{
    const int decays = tensor->decays && optimizer_list[optimizer->kind].decoupled_decay;
    const double rate = decays ? optimizer->learning_rate : 0, l2 = optimizer->alpha * (1 - optimizer->l1_ratio);
    return (weight_decay){.keep = (real)(1 - rate * l2), .shrink = (real)(rate * (optimizer->alpha * optimizer->l1_ratio))};
}

/* w (n,) decayed, where `keep` alone does not do it */
static inline void decay_weights(isize n, real *w, weight_decay decay)
{
    for (isize i = 0; i < n; i++)
        w[i] = w[i] * decay.keep - decay.shrink * sign_of(w[i]);
}

#endif
