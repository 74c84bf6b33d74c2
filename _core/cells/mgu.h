/* Minimal gated unit (Zhou et al., 2016): one gate in the place of the two of a GRU:
 *
 *     f = sigmoid(x W + b_x + h_prev U + b_h)                each with its own columns, order f n
 *     n = tanh(x W_n + b_xn + (f * h_prev) U_n + b_hn)
 *     h = (1 - f) * h_prev + f * n
 *
 * Gate buffer: three blocks f, n, f * h_prev; gates overwrite pre-activations, d_gates overwrite gates, the third block stays.
 */
#ifndef SKLEARN_RNN_MGU_H
#define SKLEARN_RNN_MGU_H

#include "cells/declare.h"
#include "cells/step.h"
#include "interface/rosters.h"
#include "levels/vec.h"

static const rnn_option mgu_options[] = {{0}};

static void mgu_declare(rnn_cell *cell, const double *option)
{
    (void)option;
    cell->gates = "f n";
    gate(cell, BOTH);
    gate(cell, LATE);
    gate_replaces_state(cell, 0);
    state(cell, "h");
}

static void mgu_late_forward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_f = s->gates + row * s->ld_gates, *late = gate_f + 2 * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev;
        for (isize j = 0; j < s->width; j += LANES) {
            vec f = vsigmoid(vload(gate_f + j));
            vstore(gate_f + j, f);
            vstore(late + j, f * vload(h_prev + j));
        }
    }
}

static void mgu_forward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_f = s->gates + row * s->ld_gates, *gate_n = gate_f + s->width, *h = h_state->now + row * h_state->ld;
        const real *h_prev = h_state->prev + row * h_state->ld_prev;
        for (isize j = 0; j < s->width; j += LANES) {
            vec n = vtanh(vload(gate_n + j)), before = vload(h_prev + j);
            /* h = (1 - f) * h_prev + f * n */
            vstore(gate_n + j, n);
            vstore(h + j, before + vload(gate_f + j) * (n - before));
        }
    }
}

/* Here d_h becomes the whole gradient of h; the late step needs it. */
static void mgu_backward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_f = s->gates + row * s->ld_gates, *gate_n = gate_f + s->width, *d_h = h_state->d + row * s->width;
        const real *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec n = vload(gate_n + j), dh = vload(d_h + j) + vload(d_out + j);
            vstore(gate_n + j, dh * vload(gate_f + j) * ((1 - n) * (1 + n)));
            vstore(d_h + j, dh);
        }
    }
}

static void mgu_late_backward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_f = s->gates + row * s->ld_gates, *d_h = h_state->d + row * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev, *h = h_state->now + row * h_state->ld,
                   *d_late = s->d_late + row * s->ld_d_late;
        for (isize j = 0; j < s->width; j += LANES) {
            vec f = vload(gate_f + j), before = vload(h_prev + j), dh = vload(d_h + j), d = vload(d_late + j);
            /* (dh * (n - h_prev) + d * h_prev) * f', where f' = f * (1 - f) and f * (n - h_prev) = h - h_prev */
            vstore(gate_f + j, (dh * (vload(h + j) - before) + d * before * f) * (1 - f));
            vstore(d_h + j, dh * (1 - f) + d * f);
        }
    }
}

#endif
