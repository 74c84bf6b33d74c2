/* The roster of optimizers: one elementwise step each, on a vector of parameters w, gradient g and state p, q.
 */
#ifndef SKLEARN_RNN_OPTIMIZERS_H
#define SKLEARN_RNN_OPTIMIZERS_H

#include <float.h>
#include <math.h>
#include <string.h>

enum { UPDATE_BLOCK = 4096 };

/* An optimizer's constants in the real type. */
typedef struct {
    real learning_rate, momentum, beta_1, beta_2, epsilon;
    real rest_1, rest_2;                /* 1 - beta, subtracted in double */
    real corrected_rate;                /* Adam: learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) */
    real corrected_epsilon;             /* Adam: epsilon sqrt(1 - beta_2^t) */
    int nesterov;
} constants;

static inline vec vsqrt(vec x)
{
    real lane[LANES];
    vstore(lane, x);
    for (isize i = 0; i < LANES; i++)
        lane[i] = REAL_BITS == 32 ? (real)__builtin_sqrtf((float)lane[i]) : (real)__builtin_sqrt((double)lane[i]);
    return vload(lane);
}

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

/* name, step, vectors of state, decoupled decay (Loshchilov and Hutter, 2019), keeps squares */
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

#define DEFINE_UPDATE(name, step, n_state, decoupled, squares) \
    static void name##_update(isize n, real *w, const real *g, real *p, real *q, const constants *k, real scale, \
                              real bound, real keep) \
    { \
        for (isize i = 0; i < n; i += LANES) { \
            const size_t bytes = (size_t)least(LANES, n - i) * sizeof(real); \
            real lane[4][LANES] = {{0}}; \
            memcpy(lane[0], w + i, bytes); \
            memcpy(lane[1], g + i, bytes); \
            memcpy(lane[2], p + i, bytes); \
            if (n_state > 1) \
                memcpy(lane[3], q + i, bytes); \
            vec a = vload(lane[2]), b = vload(lane[3]); \
            vstore(lane[0], step(vload(lane[0]) * keep, clip(vload(lane[1]) * scale, bound), &a, &b, k)); \
            vstore(lane[2], a); \
            vstore(lane[3], b); \
            memcpy(w + i, lane[0], bytes); \
            memcpy(p + i, lane[2], bytes); \
            if (n_state > 1) \
                memcpy(q + i, lane[3], bytes); \
        } \
    }

OPTIMIZERS(DEFINE_UPDATE)

#define UPDATE_FUNCTION(name, step, n_state, decoupled, squares) name##_update,
#define OPTIMIZER_INFO(name, step, n_state, decoupled, squares) {#name, n_state, decoupled, squares},

static const update_function update_functions[] = {OPTIMIZERS(UPDATE_FUNCTION)};
static const rnn_optimizer_info optimizer_list[] = {OPTIMIZERS(OPTIMIZER_INFO) {NULL, 0, 0, 0}};

static inline double sum(isize n, const double *x)
{
    double total = 0;
    for (isize i = 0; i < n; i++)
        total += x[i];
    return total;
}

static const double LARGEST_SQUARE = REAL_BITS == 32 ? FLT_MAX : DBL_MAX, LEAST_NORMAL = REAL_BITS == 32 ? FLT_MIN : DBL_MIN;

/* Phase: one step of the optimizer, block by block. Nothing changes if the loss, the gradient's norm or the squares that the
 * optimizer keeps are not finite. */
static void update(rnn_job *job, isize worker)
{
    const rnn_network *network = job->network;
    const rnn_optimizer *optimizer = &job->optimizer;
    const rnn_optimizer_info *info = &optimizer_list[optimizer->kind];
    const double norm = sqrt(sum(network->n_pieces, job->piece_norms)),
                 largest = fmin(fmin(norm, optimizer->max_norm), optimizer->max_value);     /* bound of the clipped entries */
    const int too_large = info->keeps_squares && largest > sqrt(LARGEST_SQUARE);
    if (worker == 0) {
        job->gradient_norm = norm;
        job->too_large = too_large;
    }
    if (job->stop || !isfinite(job->loss) || !isfinite(norm) || too_large)
        return;
    const real scale = (real)(norm > optimizer->max_norm ? optimizer->max_norm / norm : 1);
    const constants k = {
        .learning_rate = (real)optimizer->learning_rate, .momentum = (real)optimizer->momentum,
        .beta_1 = (real)optimizer->beta_1, .beta_2 = (real)optimizer->beta_2, .epsilon = (real)optimizer->epsilon,
        .rest_1 = (real)(1 - optimizer->beta_1), .rest_2 = (real)(1 - optimizer->beta_2),
        .corrected_rate = (real)(optimizer->learning_rate * sqrt(optimizer->correction_2) / optimizer->correction_1),
        .corrected_epsilon = (real)fmax(optimizer->epsilon * sqrt(optimizer->correction_2), LEAST_NORMAL),
        .nesterov = optimizer->nesterov,
    };
    real *w = job->params, *p = job->state, *q = info->n_state > 1 ? p + network->n_params : p;
    const real *g = job->gradient;
    isize block = 0;
    for (int i = 0; i < network->n_tensors; i++) {
        const rnn_tensor *tensor = &network->tensor[i];
        const real keep = (real)(info->decoupled_decay && tensor->decays ? 1 - optimizer->learning_rate * optimizer->alpha : 1);
        for (isize done = 0; done < tensor->size; done += UPDATE_BLOCK, block++) {
            const isize at = tensor->offset + done;
            if (block % job->n_workers == worker)
                update_functions[optimizer->kind](least(UPDATE_BLOCK, tensor->size - done), w + at, g + at, p + at, q + at, &k,
                                                  scale, (real)optimizer->max_value, keep);
        }
    }
}

#endif
