/* The roster of optimizers: one elementwise step each, on a vector of parameters w, gradient g and moments p, q.
 */
#ifndef SKLEARN_RNN_OPTIMIZERS_H
#define SKLEARN_RNN_OPTIMIZERS_H

#include <string.h>

#include "interface/rosters.h"
#include "levels/vec.h"
#include "plan/sizes.h"

/* An optimizer's constants in the real type. */
typedef struct {
    real learning_rate, momentum, beta_1, beta_2, epsilon;
    real rest_1, rest_2;                /* 1 - beta, subtracted in double */
    real corrected_rate;                /* Adam: learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) */
    real corrected_epsilon;             /* Adam: epsilon sqrt(1 - beta_2^t) */
    int nesterov;
} constants;

/* v = momentum v - rate g;  w += v, or with Nesterov's look-ahead w += momentum v - rate g */
static inline vec sgd(vec w, vec g, vec *v, vec *unused, const constants *k)
{
    (void)unused;
    *v = k->momentum * *v - k->learning_rate * g;
    return w + (k->nesterov ? k->momentum * *v - k->learning_rate * g : *v);
}

/* m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w -= rate m' / (sqrt(v') + eps) with m' = m / (1 - b1^t) and
 * v' = v / (1 - b2^t)     (Kingma and Ba, 2015), numerator and denominator multiplied by sqrt(1 - b2^t) */
static inline vec adam(vec w, vec g, vec *m, vec *v, const constants *k)
{
    *m = k->beta_1 * *m + k->rest_1 * g;
    *v = k->beta_2 * *v + k->rest_2 * (g * g);
    return w - k->corrected_rate * *m / (vsqrt(*v) + k->corrected_epsilon);
}

/* v = b2 v + (1 - b2) g^2;  w -= rate g / (sqrt(v) + eps)     (Tieleman and Hinton, 2012) */
static inline vec rmsprop(vec w, vec g, vec *v, vec *unused, const constants *k)
{
    (void)unused;
    *v = k->beta_2 * *v + k->rest_2 * (g * g);
    return w - k->learning_rate * g / (vsqrt(*v) + k->epsilon);
}

/* v += g^2;  w -= rate g / (sqrt(v) + eps)     (Duchi, Hazan and Singer, 2011) */
static inline vec adagrad(vec w, vec g, vec *v, vec *unused, const constants *k)
{
    (void)unused;
    *v += g * g;
    return w - k->learning_rate * g / (vsqrt(*v) + k->epsilon);
}

/* name, step, vectors of moments, decoupled decay (Loshchilov and Hutter, 2019), keeps squares */
#define OPTIMIZERS(OPTIMIZER) \
    OPTIMIZER(sgd, sgd, 1, 0, 0) OPTIMIZER(adam, adam, 2, 0, 1) OPTIMIZER(adamw, adam, 2, 1, 1) \
    OPTIMIZER(rmsprop, rmsprop, 1, 0, 1) OPTIMIZER(adagrad, adagrad, 1, 0, 1)

static inline vec clip(vec g, real bound)
{
    return vselect(g > bound, vset(bound), vselect(g < -bound, vset(-bound), g));
}

/* Update n parameters. The gradient is scaled (clipping by norm), then clipped by value; keep = 1 - rate alpha, or 1. */
typedef void (*update_function)(isize n, real *w, const real *g, real *p, real *q, const constants *k, real scale, real bound,
                                real keep);

#define DEFINE_UPDATE(name, step, n_moments, decoupled, squares) \
    static void name##_update(isize n, real *w, const real *g, real *p, real *q, const constants *k, real scale, \
                              real bound, real keep) \
    { \
        for (isize i = 0; i < n; i += LANES) { \
            const size_t bytes = (size_t)least(LANES, n - i) * sizeof(real); \
            real lane[4][LANES] = {{0}}; \
            memcpy(lane[0], w + i, bytes); \
            memcpy(lane[1], g + i, bytes); \
            memcpy(lane[2], p + i, bytes); \
            if (n_moments > 1) \
                memcpy(lane[3], q + i, bytes); \
            vec a = vload(lane[2]), b = vload(lane[3]); \
            vstore(lane[0], step(vload(lane[0]) * keep, clip(vload(lane[1]) * scale, bound), &a, &b, k)); \
            vstore(lane[2], a); \
            vstore(lane[3], b); \
            memcpy(w + i, lane[0], bytes); \
            memcpy(p + i, lane[2], bytes); \
            if (n_moments > 1) \
                memcpy(q + i, lane[3], bytes); \
        } \
    }

OPTIMIZERS(DEFINE_UPDATE)

#define UPDATE_FUNCTION(name, step, n_moments, decoupled, squares) name##_update,
#define OPTIMIZER_INFO(name, step, n_moments, decoupled, squares) {#name, n_moments, decoupled, squares},

static const update_function update_functions[] = {OPTIMIZERS(UPDATE_FUNCTION)};
static const rnn_optimizer_info optimizer_list[] = {OPTIMIZERS(OPTIMIZER_INFO) {NULL, 0, 0, 0}};

#endif
