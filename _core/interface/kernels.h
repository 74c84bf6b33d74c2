/* The interface of the kernels: one table of functions per real type and SIMD level. The Python side of it is _core.pyx. */
#ifndef SKLEARN_RNN_KERNELS_H
#define SKLEARN_RNN_KERNELS_H

#include "interface/isize.h"
#include "interface/job.h"
#include "interface/network.h"
#include "interface/rosters.h"

/* What `math` computes. */
typedef enum { MATH_EXP, MATH_SIGMOID, MATH_TANH } rnn_math;

typedef struct {
    const char *simd_level;
    int real_bytes;
    const rnn_cell *const *cells;                       /* the rosters; each ends with NULL (a NULL name) */
    const rnn_loss_info *losses;
    const rnn_optimizer_info *optimizers;
    int (*plan)(rnn_network *network);                  /* 0, or -1 when a size overflows */
    void (*poison_gaps)(const rnn_region *region, isize copies, void *memory);      /* a no-op without AddressSanitizer */
    rnn_phase pack, train, predict, reduce, update;
    /* losses[i] = loss of row i of raw outputs (n, n_outputs), 0 where its weight is 0; row (head.width,) is scratch */
    void (*row_losses)(const rnn_job *job, isize n, const void *outputs, void *row, double *losses);
    void (*math)(rnn_math function, isize n, const void *x, void *y);
} rnn_kernels;

/* The tables of a real type (4 or 8 bytes), slowest level first; NULL after the last one that was compiled and runs here. */
const rnn_kernels *rnn_kernels_of(int real_bytes, int level);
const char *rnn_compiled_level(int level);              /* name of the level, or NULL after the last */

#endif
