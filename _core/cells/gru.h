/* Gated recurrent unit (Cho et al., 2014), reset after the product as in PyTorch, cuDNN and Keras:
 *
 *     r, z = sigmoid(x W + b_x + h_prev U + b_h)             each with its own columns, order r z n as in PyTorch
 *     n = tanh(n_x + r * n_h)                                n_x = x W_n + b_xn,  n_h = h_prev U_n + b_hn
 *     h = (1 - z) * n + z * h_prev
 *
 * or, on request, before the product as in the paper:
 *
 *     n = tanh(x W_n + b_xn + (r * h_prev) U_n + b_hn)
 *
 * Gate buffer: four blocks r z n_x n_h, because r multiplies only one part of n. Forward stores n in the place of n_x and leaves
 * n_h as it is; backward overwrites all four. With the reset before the product the blocks are r, z, n and r * h_prev, and
 * backward overwrites the first three.
 */
#ifndef SKLEARN_RNN_GRU_H
#define SKLEARN_RNN_GRU_H

#include "cells/declare.h"
#include "cells/step.h"
#include "interface/rosters.h"
#include "levels/vec.h"

enum { GRU_RESET_AFTER };

static const rnn_option gru_options[] = {{.name = "reset_after", .type = BOOLEAN, .preset = 1}, {0}};

static void gru_declare(rnn_cell *cell, const double *option)
{
    cell->gates = "r z n";
    gate(cell, BOTH);
    gate(cell, BOTH);
    gate(cell, option[GRU_RESET_AFTER] ? APART : LATE);
    gate_keeps_state(cell, 1);
    state(cell, "h");
}

/* ---- reset after the product ---- */

static void gru_forward_after(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_r = s->gates + row * s->ld_gates, *gate_z = gate_r + s->width, *gate_n = gate_z + s->width,
             *gate_n_h = gate_n + s->width, *h = h_state->now + row * h_state->ld;
        const real *h_prev = h_state->prev + row * h_state->ld_prev;
        for (isize j = 0; j < s->width; j += LANES) {
            vec r = vsigmoid(vload(gate_r + j)), z = vsigmoid(vload(gate_z + j));
            /* n = tanh(n_x + r * n_h);  h = (1 - z) * n + z * h_prev */
            vec n = vtanh(vload(gate_n + j) + r * vload(gate_n_h + j));
            vstore(gate_r + j, r);
            vstore(gate_z + j, z);
            vstore(gate_n + j, n);
            vstore(h + j, n + z * (vload(h_prev + j) - n));
        }
    }
}

static void gru_backward_after(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_r = s->gates + row * s->ld_gates, *gate_z = gate_r + s->width, *gate_n = gate_z + s->width,
             *gate_n_h = gate_n + s->width, *d_h = h_state->d + row * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev, *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec r = vload(gate_r + j), z = vload(gate_z + j), n = vload(gate_n + j), n_h = vload(gate_n_h + j);
            vec dh = vload(d_h + j) + vload(d_out + j);
            /* h = (1 - z) * n + z * h_prev;  n = tanh(n_x + r * n_h) */
            vec d_n = dh * (1 - z) * ((1 - n) * (1 + n));
            vstore(gate_r + j, d_n * n_h * (r * (1 - r)));
            vstore(gate_z + j, dh * (vload(h_prev + j) - n) * (z * (1 - z)));
            vstore(gate_n + j, d_n);
            vstore(gate_n_h + j, d_n * r);
            vstore(d_h + j, dh * z);
        }
    }
}

/* ---- reset before the product ---- */

static void gru_late_forward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_r = s->gates + row * s->ld_gates, *late = gate_r + 3 * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev;
        for (isize j = 0; j < s->width; j += LANES) {
            vec r = vsigmoid(vload(gate_r + j));
            vstore(gate_r + j, r);
            vstore(late + j, r * vload(h_prev + j));
        }
    }
}

static void gru_forward_before(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_z = s->gates + row * s->ld_gates + s->width, *gate_n = gate_z + s->width,
             *h = h_state->now + row * h_state->ld;
        const real *h_prev = h_state->prev + row * h_state->ld_prev;
        for (isize j = 0; j < s->width; j += LANES) {
            vec z = vsigmoid(vload(gate_z + j)), n = vtanh(vload(gate_n + j));
            /* h = (1 - z) * n + z * h_prev */
            vstore(gate_z + j, z);
            vstore(gate_n + j, n);
            vstore(h + j, n + z * (vload(h_prev + j) - n));
        }
    }
}

static void gru_backward_before(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_z = s->gates + row * s->ld_gates + s->width, *gate_n = gate_z + s->width, *d_h = h_state->d + row * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev, *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec z = vload(gate_z + j), n = vload(gate_n + j), dh = vload(d_h + j) + vload(d_out + j);
            /* h = (1 - z) * n + z * h_prev */
            vstore(gate_z + j, dh * (vload(h_prev + j) - n) * (z * (1 - z)));
            vstore(gate_n + j, dh * (1 - z) * ((1 - n) * (1 + n)));
            vstore(d_h + j, dh * z);
        }
    }
}

static void gru_late_backward_step(const cell_step *s)
{
    const cell_state *h_state = &s->state[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gate_r = s->gates + row * s->ld_gates, *d_h = h_state->d + row * s->width;
        const real *h_prev = h_state->prev + row * h_state->ld_prev, *d_late = s->d_late + row * s->ld_d_late;
        for (isize j = 0; j < s->width; j += LANES) {
            vec r = vload(gate_r + j), d = vload(d_late + j);
            /* r * h_prev */
            vstore(gate_r + j, d * vload(h_prev + j) * (r * (1 - r)));
            vstore(d_h + j, vload(d_h + j) + d * r);
        }
    }
}

/* ---- */

static void gru_forward_step(const cell_step *s)
{
    if (s->option[GRU_RESET_AFTER])
        gru_forward_after(s);
    else
        gru_forward_before(s);
}

static void gru_backward_step(const cell_step *s)
{
    if (s->option[GRU_RESET_AFTER])
        gru_backward_after(s);
    else
        gru_backward_before(s);
}

#endif
