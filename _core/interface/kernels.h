/* The interface of the kernels: one table of functions per real type and SIMD level. The Python side of it is _core.pyx. */
#ifndef SKLEARN_RNN_KERNELS_H
#define SKLEARN_RNN_KERNELS_H

#include "interface/job.h"
#include "interface/rosters.h"
#include "interface/wish.h"

/* What `math` computes. */
typedef enum { MATH_EXP, MATH_SIGMOID, MATH_TANH, MATH_LOG } rnn_math;

typedef struct {
    const char *simd_level;
    const rnn_loss_info *losses;                        /* rosters; each ends with a NULL name */
    const rnn_optimizer_info *optimizers;
    const char *const *weight_stems;
    const rnn_kind_info *(*describe_kind)(int kind);    /* NULL after the last; 0 are the data */
    /* Name and options of cell number i, and (where `cell` is not NULL) what it declares with these values; NULL after the
     * last. */
    const char *(*describe_cell)(int i, const double *option, rnn_cell *cell, const rnn_option **options);
    rnn_plan_result (*plan)(rnn_network *network, rnn_wish *wish);
    isize (*slices_of)(const rnn_network *network, isize batch);        /* how many slices a minibatch is cut into */
    double (*work_of)(const rnn_network *network, const isize *n_steps, isize n_sequences);     /* multiplications of a
                                                                                                  minibatch; steps of each axis */
    void (*poison_gaps)(const rnn_region *region, isize copies, void *memory);      /* a no-op without AddressSanitizer */
    rnn_phase pack, train, predict, reduce, update, session_step;
    rnn_phase begin_decoding;                               /* the first axis of a decoder, and the states that come from it */
    /* weights (batch.size, columns) = those of a node's last step of a session on the source steps, 0 beyond the end */
    void (*attention)(const rnn_job *job, int node, isize columns, void *weights);
    void (*clear_place)(const rnn_job *job, isize place);   /* zeros, for a slice that a part does not have */
    /* losses[i] = loss of row i of raw outputs (n, n_outputs), 0 where its weight is 0; row (output_width,) is scratch */
    void (*row_losses)(const rnn_job *job, isize n, const void *outputs, void *row, double *losses);
    void (*math)(rnn_math function, isize n, const void *x, void *y);
} rnn_kernels;

/* The tables of a real type (4 or 8 bytes), slowest level first; NULL after the last one that was compiled and runs here. */
const rnn_kernels *rnn_kernels_of(int real_bytes, int level);
const char *rnn_compiled_level(int level);              /* name of the level, or NULL after the last */

#endif
