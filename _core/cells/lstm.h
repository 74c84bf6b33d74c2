/* Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers, Schmidhuber and Cummins, 2000):
 *
 *     i, f, o = sigmoid(x W + b_x + h_prev U + b_h)          each with its own columns, order i f g o as in PyTorch
 *     g = tanh(x W + b_x + h_prev U + b_h)
 *     c = f * c_prev + i * g
 *     h = o * tanh(c)
 *
 * Gate buffer: four blocks i f g o; gates overwrite pre-activations, d_gates overwrite gates.
 */
#ifndef SKLEARN_RNN_LSTM_H
#define SKLEARN_RNN_LSTM_H

#include "cells/step.h"
#include "interface/rosters.h"
#include "levels/vec.h"

static const rnn_cell lstm_cell = {
    .name = "lstm", .gates = "i f g o", .activations = "",
    .n_gates = 4, .n_blocks = 4, .x_gate = {0, 1, 2, 3}, .h_gate = {0, 1, 2, 3},
    .forget_gate = 1, .has_cell_state = 1, .gates_end_with_forward = 0,
};

static void lstm_forward_step(const cell_step *s)
{
    for (isize row = 0; row < s->rows; row++) {
        real *gate_i = s->gates + row * s->ld_gates, *gate_f = gate_i + s->width, *gate_g = gate_f + s->width,
             *gate_o = gate_g + s->width;
        const real *c_prev = s->c_prev + row * s->ld_c_prev;
        real *c = s->c + row * s->ld_h, *h = s->h + row * s->ld_h;
        for (isize j = 0; j < s->width; j += LANES) {
            vec i = vsigmoid(vload(gate_i + j)), f = vsigmoid(vload(gate_f + j)), g = vtanh(vload(gate_g + j)),
                o = vsigmoid(vload(gate_o + j));
            /* c = f * c_prev + i * g;  h = o * tanh(c) */
            vec cell = f * vload(c_prev + j) + i * g;
            vstore(gate_i + j, i);
            vstore(gate_f + j, f);
            vstore(gate_g + j, g);
            vstore(gate_o + j, o);
            vstore(c + j, cell);
            vstore(h + j, o * vtanh(cell));
        }
    }
}

static void lstm_backward_step(const cell_step *s)
{
    for (isize row = 0; row < s->rows; row++) {
        real *gate_i = s->gates + row * s->ld_gates, *gate_f = gate_i + s->width, *gate_g = gate_f + s->width,
             *gate_o = gate_g + s->width, *d_h = s->d_h + row * s->width, *d_c = s->d_c + row * s->width;
        const real *c_prev = s->c_prev + row * s->ld_c_prev, *c = s->c + row * s->ld_h,
                   *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec i = vload(gate_i + j), f = vload(gate_f + j), g = vload(gate_g + j), o = vload(gate_o + j);
            vec dh = vload(d_h + j) + vload(d_out + j), t = vtanh(vload(c + j));
            /* h = o * tanh(c) */
            vec d_o = dh * t, dc = vload(d_c + j) + dh * o * ((1 - t) * (1 + t));
            /* c = f * c_prev + i * g, each gate through its own derivative */
            vstore(gate_i + j, dc * g * (i * (1 - i)));
            vstore(gate_f + j, dc * vload(c_prev + j) * (f * (1 - f)));
            vstore(gate_g + j, dc * i * ((1 - g) * (1 + g)));
            vstore(gate_o + j, d_o * (o * (1 - o)));
            vstore(d_c + j, dc * f);
            vstore(d_h + j, vset(0));
        }
    }
}

#endif
