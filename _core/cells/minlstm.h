/* Minimal LSTM (Feng et al., 2024, "Were RNNs all we needed?"). The gates and the new content depend on x alone, and the gates
 * are normalised, so that the weights of old and new content sum to 1:
 *
 *     i, f = sigmoid(x W + b),  g = x W + b          each with its own columns, order i f g
 *     h = f / (f + i) * h_prev + i / (f + i) * g
 *
 * This is the paper's plain form; mingru.h says why. Gate buffer: three blocks; i and f overwrite their pre-activations, d_gates
 * overwrite all.
 */
#ifndef SKLEARN_RNN_MINLSTM_H
#define SKLEARN_RNN_MINLSTM_H

#include "cells/declare.h"
#include "cells/step.h"
#include "interface/rosters.h"
#include "levels/vec.h"

static const rnn_option minlstm_options[] = {{0}};

static void minlstm_declare(rnn_cell *cell, const double *option)
{
    (void)option;
    cell->gates = "i f g";
    for (int number = 0; number < 3; number++)
        gate(cell, X_ONLY);
    initial_bias(cell, 1, 1);       /* as in lstm.h */
    gate_replaces_state(cell, 0);
    gate_keeps_state(cell, 1);
    state(cell, "h");
}

/* sigmoid(a), but never 0: the sum of two gates divides. */
static inline vec positive_sigmoid(vec a)
{
    const real lowest = REAL_BITS == 32 ? -80 : -700, highest = 80;
    return vsigmoid(vclamp(a, lowest, highest));
}

static void minlstm_forward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_i = s->gates + row * s->ld_gates, *gate_f = gate_i + s->width, *gate_g = gate_f + s->width,
             *h = h_state->now + row * h_state->ld;
        const real *h_prev = h_state->prev + row * h_state->ld_prev;
        for (isize j = 0; j < s->width; j += LANES) {
            vec i = positive_sigmoid(vload(gate_i + j)), f = positive_sigmoid(vload(gate_f + j));
            vstore(gate_i + j, i);
            vstore(gate_f + j, f);
            /* h = f / (f + i) * h_prev + i / (f + i) * g */
            vstore(h + j, (f * vload(h_prev + j) + i * vload(gate_g + j)) / (f + i));
        }
    }
}

static void minlstm_backward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_i = s->gates + row * s->ld_gates, *gate_f = gate_i + s->width, *gate_g = gate_f + s->width,
             *d_h = h_state->d + row * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev, *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec i = vload(gate_i + j), f = vload(gate_f + j), dh = vload(d_h + j) + vload(d_out + j), scale = 1 / (f + i);
            vec old = f * scale, new = i * scale;
            /* h = old * h_prev + new * g;  d old / d f = old * new / f = - d new / d f, and the same of i with the other sign */
            vec d_ratio = dh * (vload(h_prev + j) - vload(gate_g + j)) * (old * new);
            vstore(gate_i + j, d_ratio * (i - 1));
            vstore(gate_f + j, d_ratio * (1 - f));
            vstore(gate_g + j, dh * new);
            vstore(d_h + j, dh * old);
        }
    }
}

#endif
