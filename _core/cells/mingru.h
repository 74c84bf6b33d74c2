/* Minimal gated recurrent unit (Feng et al., 2024, "Were RNNs all we needed?"). The gate and the new content depend on x alone:
 *
 *     z = sigmoid(x W + b),  n = x W + b             each with its own columns, order z n
 *     h = (1 - z) * h_prev + z * n
 *
 * This is the paper's plain form. Its form in logarithms keeps n positive, which only a parallel scan over the steps needs. Gate
 * buffer: two blocks; z overwrites its pre-activation, d_gates overwrite both.
 */
#ifndef SKLEARN_RNN_MINGRU_H
#define SKLEARN_RNN_MINGRU_H

#include "cells/declare.h"
#include "cells/step.h"
#include "interface/rosters.h"
#include "levels/vec.h"

static const rnn_option mingru_options[] = {{0}};

static void mingru_declare(rnn_cell *cell, const double *option)
{
    (void)option;
    cell->gates = "z n";
    gate(cell, X_ONLY);
    gate(cell, X_ONLY);
    gate_replaces_state(cell, 0);
    state(cell, "h");
}

static void mingru_forward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_z = s->gates + row * s->ld_gates, *gate_n = gate_z + s->width, *h = h_state->now + row * h_state->ld;
        const real *h_prev = h_state->prev + row * h_state->ld_prev;
        for (isize j = 0; j < s->width; j += LANES) {
            vec z = vsigmoid(vload(gate_z + j)), before = vload(h_prev + j);
            /* h = (1 - z) * h_prev + z * n */
            vstore(gate_z + j, z);
            vstore(h + j, before + z * (vload(gate_n + j) - before));
        }
    }
}

static void mingru_backward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_z = s->gates + row * s->ld_gates, *gate_n = gate_z + s->width, *d_h = h_state->d + row * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev, *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec z = vload(gate_z + j), n = vload(gate_n + j), dh = vload(d_h + j) + vload(d_out + j);
            /* h = (1 - z) * h_prev + z * n */
            vstore(gate_z + j, dh * (n - vload(h_prev + j)) * (z * (1 - z)));
            vstore(gate_n + j, dh * z);
            vstore(d_h + j, dh * (1 - z));
        }
    }
}

#endif
