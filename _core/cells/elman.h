/* Simple recurrent unit (Elman, 1990), with both biases as in PyTorch:
 *
 *     h = act(x W + b_x + h_prev U + b_h)          act: tanh or relu
 *
 * Gate buffer: one block. Forward stores h only; the gates are free until backward fills them with d_gates, so the gradient
 * from above (d_out) may be stored in their place.
 */
#ifndef SKLEARN_RNN_ELMAN_H
#define SKLEARN_RNN_ELMAN_H

#include "cells/step.h"
#include "interface/rosters.h"
#include "levels/vec.h"

static const rnn_cell elman_cell = {
    .name = "elman", .gates = "h", .activations = "tanh relu",
    .n_gates = 1, .n_blocks = 1, .x_gate = {0}, .h_gate = {0},
    .forget_gate = -1, .has_cell_state = 0, .gates_end_with_forward = 1,
};

enum { ELMAN_TANH, ELMAN_RELU };

static void elman_forward_step(const cell_step *s)
{
    for (isize row = 0; row < s->rows; row++) {
        const real *gates = s->gates + row * s->ld_gates;
        real *h = s->h + row * s->ld_h;
        if (s->activation == ELMAN_TANH)
            for (isize j = 0; j < s->width; j += LANES)
                vstore(h + j, vtanh(vload(gates + j)));
        else
            for (isize j = 0; j < s->width; j += LANES) {
                vec a = vload(gates + j);
                vstore(h + j, vselect(a < 0, vset(0), a));      /* not max(0, a): NaN must survive */
            }
    }
}

static void elman_backward_step(const cell_step *s)
{
    for (isize row = 0; row < s->rows; row++) {
        real *gates = s->gates + row * s->ld_gates, *d_h = s->d_h + row * s->width;
        const real *h = s->h + row * s->ld_h, *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec dh = vload(d_h + j) + vload(d_out + j), y = vload(h + j);
            /* tanh' = 1 - h^2; relu' = [h > 0] */
            vec d = s->activation == ELMAN_TANH ? dh * ((1 - y) * (1 + y)) : vselect(y > 0, dh, vset(0));
            vstore(gates + j, d);
            vstore(d_h + j, vset(0));
        }
    }
}

#endif
