/* What one minibatch needs: the data, the minibatch, the parameters, and how the workers keep in step. */
#ifndef SKLEARN_RNN_JOB_H
#define SKLEARN_RNN_JOB_H

#include <stdint.h>

#include "interface/isize.h"
#include "interface/network.h"

enum { POLL_WORK = 1 << 22, CACHE_LINE = 64 };

typedef struct {
    int kind;                                           /* index into the optimizers */
    int nesterov;
    double learning_rate, momentum, beta_1, beta_2, epsilon;
    double alpha, l1_ratio;                             /* penalty alpha (l1_ratio |W|_1 + (1 - l1_ratio) / 2 |W|^2), or
                                                           decoupled decay by its gradient */
    double max_norm, max_value;                         /* infinity: no clipping */
    double correction_1, correction_2;                  /* 1 - beta^t */
} rnn_optimizer;

/* C (m, n) = [C +] op(A) B, row-major; op(A) (m, k) is A, or A^T where `transposed` */
typedef void (*rnn_gemm)(int transposed, isize m, isize n, isize k, const void *a, isize ld_a, const void *b, isize ld_b,
                         int accumulate, void *c, isize ld_c);

/* Data on one axis, shared by all minibatches. */
typedef struct {
    const void *values;                                 /* IN (n_steps, n_features) float or double */
    int values_are_double;
    const double *shift, *factor;                       /* IN (n_features,) x = (value - shift) * factor; NULL: the value */
    const isize *first, *end;                           /* IN (n_samples,) sample i has rows first[i] to end[i] - 1 */
    /* only if the samples are windows of sequences; otherwise NULL */
    const isize *sequence;                              /* IN (n_samples,) to which it belongs, for targets per sequence */
    const isize *taught_from;                           /* IN (n_samples,) losses of earlier steps are not counted */
    const isize *kept_after;                            /* IN (n_samples,) steps after which the final state is taken */
    const isize *result_offsets;                        /* IN (n_samples + 1) the same of results, in steps of the network */
    const int32_t *labels;                              /* IN (n, n_targets) classes, or NULL */
    const void *targets;                                /* IN (n, n_targets) real, or NULL */
    const double *weights;                              /* IN (n,) or NULL for ones */
} rnn_data;

/* What a prediction of a "crf" returns: the marginal probabilities of the tags of each step, their logarithms, or int32 the tags
 * of the best path (-1 where no path is allowed, -2 where an output is not finite). */
typedef enum { LINKED_RESULT, LOG_RESULT, BEST_RESULT } rnn_result;

/* One minibatch, or one chunk to predict. */
typedef struct {
    const isize *samples;                               /* IN (size,) longest first */
    isize size, n_slices;
    isize n_sources;                                    /* of a decoder: sequences that it has read on the first axis */
    isize part, n_parts;                                /* of a minibatch that comes in several calls: slice q of this one
                                                           has place q * n_parts + part among the gradients */
    isize n_places;                                     /* in use, by slices of all parts */
    double total_weight;
    double divisor;                                     /* divides the weighted sum of losses, for the gradient */
    int raw;                                            /* predict: the outputs before the link */
    rnn_result result;                                  /* predict of a "crf", unless raw */
    int dropping;
    uint32_t update;                                    /* its number: part of the dropout masks' counter */
    void *output;                                       /* OUT real: the rows of the result's stream, (n, parts * units) */
    double *row_losses;                                 /* INOUT (n,) predict adds losses to these, writes no outputs; or NULL */
    void *d_values;                                     /* OUT (n_steps, n_features) real, or NULL */
    double *slice_loss;                                 /* OUT (n_places,) */
    double loss, gradient_norm;                         /* OUT sum(w l) / sum(w); before clipping */
    int too_large;                                      /* OUT: the square of the clipped gradient overflows */
} rnn_batch;

struct rnn_job;

/* What the workers share. Worker 0 counts its work at each step, and every worker looks at each step whether to stop: on one
 * cache line, each count would take the line away from all the others. */
typedef struct {
    _Alignas(CACHE_LINE) int stop;                      /* shared flag: drop this minibatch */
    unsigned control;                                   /* worker 0's floating-point control outside the kernels */
    isize n_workers;
    void (*poll)(struct rnn_job *job);                  /* called by worker 0 after every POLL_WORK multiplications */
    void *owner;
    _Alignas(CACHE_LINE) isize next_slice;              /* shared counter, touched atomically */
    _Alignas(CACHE_LINE) isize work_until_poll;         /* worker 0's own */
    double last_poll;
} rnn_synchronisation;

/* One minibatch on its way through the kernels. */
typedef struct rnn_job {
    const rnn_network *network;
    rnn_data data[MAX_AXES];                            /* labels, targets and weights are those of the last axis in use */
    rnn_batch batch;
    rnn_optimizer optimizer;
    uint64_t seed;                                      /* key of the dropout masks */
    /* parameters and their copies */
    void *params, *packed, *gradient, *moments;         /* flat, packed, flat (n_summed,), (n_moments, n_params) */
    void *slice_gradients;                              /* (most places, gradient.size) */
    void *slice_rows;                                   /* (most places, touched.size) the same of tables */
    isize *slice_codes;                                 /* (most places, n_codes) */
    const void **touched_walks;                         /* (n_workers, 3, ld_walks); on cache lines of their own, for workers write
                                                           to theirs at the same time */
    isize ld_walks;                                     /* most places, and a rest */
    double *piece_norms;                                /* (n_pieces,) sums of squares */
    /* workers */
    void *arenas;                                       /* (n_workers, arena.size) */
    isize *arena_ints;                                  /* (n_workers, n_ints) */
    void *walks;                                        /* (n_workers, walk_bytes) */
    const void *initial_state;                          /* IN (n_samples, state_columns) or NULL: zeros or learned states */
    void *final_state;                                  /* OUT the same, or NULL */
    double carry_factor;                                /* of gradients, at each step back in time; usually 1 */
    double *probe;                                      /* OUT (n_slices, n_nodes, 2, max_steps) or NULL: squares of d_h */
    rnn_gemm gemm;                                      /* BLAS for big products outside the time loop, or NULL */
    rnn_synchronisation sync;
} rnn_job;

/* The data to which outputs belong. */
static inline const rnn_data *data_of_result(const rnn_job *job) { return &job->data[last_axis(job->network)]; }

/* A phase of a minibatch; it does this worker's share. */
typedef void (*rnn_phase)(rnn_job *job, isize worker);

#endif
