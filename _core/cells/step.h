/* What a cell sees of one step of a group of rows. */
#ifndef SKLEARN_RNN_STEP_H
#define SKLEARN_RNN_STEP_H

#include "cells/norms.h"
#include "interface/network.h"
#include "levels/real.h"

/* Where sequences start, `prev` repeats a row of zeros (ld 0). Without d gates U^T, which is added after backward, d is the whole
 * gradient with respect to prev. */
typedef struct {
    const real *prev;   isize ld_prev;              /* IN    (rows, Hp) */
    real *now;          isize ld;                   /* OUT in forward, IN in backward (rows, Hp); may be prev itself in forward */
    real *d;                                        /* INOUT (rows, Hp) contiguous: gradient with respect to now, then to prev */
} cell_state;

typedef struct {
    isize rows, width;                              /* width: Hp, whole vectors; padding stays 0 */
    const double *option;
    real *gates;        isize ld_gates;             /* INOUT (rows, n_blocks * Hp) */
    cell_state state[MAX_STATES];
    const real *d_out;  isize ld_d_out;             /* IN    (rows, Hp) gradient of h from above; backward only; ld 0: zeros */
    const real *own[MAX_OWN];                       /* IN    (n_vectors, Hp) */
    real *d_own[MAX_OWN];                           /* INOUT its gradient, to which backward adds */
    const state_norm *norm;                         /* of the state that the cell declared as seen through one, or NULL */
    int again;                                      /* with norms: forward is computed again, and h is not wanted */
    const real *d_late; isize ld_d_late;            /* IN    (rows, Hp) gradient of what a late gate multiplies; ld 0: zeros */
} cell_step;

typedef void (*cell_function)(const cell_step *);

#endif
