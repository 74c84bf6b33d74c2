/* What a cell gets to see: one step of one group of rows. */
#ifndef SKLEARN_RNN_CELL_STEP_H
#define SKLEARN_RNN_CELL_STEP_H

#include "interface/isize.h"
#include "levels/real.h"

/* Rows of one step. Where sequences start, h_prev and c_prev repeat a row of zeros (ld 0); d_out too where no loss arrives. */
typedef struct {
    isize rows, width;                              /* width: Hp, whole vectors; padding stays 0 */
    int activation;
    real *gates;        isize ld_gates;             /* INOUT (rows, n_blocks * Hp) */
    const real *h_prev; isize ld_h_prev;            /* IN    (rows, Hp) */
    const real *c_prev; isize ld_c_prev;            /* IN    (rows, Hp) */
    real *h, *c;        isize ld_h;                 /* OUT in forward, IN in backward (rows, Hp) */
    const real *d_out;  isize ld_d_out;             /* IN    (rows, Hp) gradient of h from above; backward only */
    real *d_h, *d_c;                                /* INOUT (rows, Hp) contiguous, gradient carried back in time: of h and c
                                                       coming in; of c_prev, and of h_prev without d_gates U^T, going out */
} cell_step;

typedef void (*cell_function)(const cell_step *);

#endif
