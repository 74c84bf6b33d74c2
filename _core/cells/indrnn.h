/* Independently recurrent units (Li et al., 2018): each unit sees only itself at the step before:
 *
 *     h = act(x W + b + u * h_prev)                act: relu (as in the paper), identity, tanh or logistic
 *
 * Gate buffer: one block, free between forward and backward as Elman's.
 */
#ifndef SKLEARN_RNN_INDRNN_H
#define SKLEARN_RNN_INDRNN_H

#include "cells/activations.h"
#include "cells/declare.h"
#include "cells/step.h"

enum { INDRNN_ACTIVATION };

static const rnn_option indrnn_options[] = {ACTIVATION_OPTION(RELU), {0}};

static void indrnn_declare(rnn_cell *cell, const double *option)
{
    (void)option;
    cell->gates = "h";
    gate(cell, X_ONLY);
    state(cell, "h");
    own(cell, "weight_hh", 1, FROM_0_TO_1);
    cell->gates_end_with_forward = 1;
}

static void indrnn_forward_step(const cell_step *s)
{
    const rnn_activation act = (rnn_activation)s->option[INDRNN_ACTIVATION];
    const cell_state *h_state = &s->state[0];
    const real *u = s->own[0];
    for (isize row = 0; row < s->rows; row++) {
        const real *gates = s->gates + row * s->ld_gates, *h_prev = h_state->prev + row * h_state->ld_prev;
        real *h = h_state->now + row * h_state->ld;
        for (isize j = 0; j < s->width; j += LANES)
            vstore(h + j, activate(act, vload(gates + j) + vload(u + j) * vload(h_prev + j)));
    }
}

static void indrnn_backward_step(const cell_step *s)
{
    const rnn_activation act = (rnn_activation)s->option[INDRNN_ACTIVATION];
    const cell_state *h_state = &s->state[0];
    const real *u = s->own[0];
    real *d_u = s->d_own[0];
    for (isize row = 0; row < s->rows; row++) {
        real *gates = s->gates + row * s->ld_gates, *d_h = h_state->d + row * s->width;
        const real *h = h_state->now + row * h_state->ld, *h_prev = h_state->prev + row * h_state->ld_prev,
                   *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec d_a = activate_backward(act, vload(d_h + j) + vload(d_out + j), vload(h + j));
            vstore(gates + j, d_a);
            vstore(d_u + j, vload(d_u + j) + d_a * vload(h_prev + j));
            vstore(d_h + j, d_a * vload(u + j));
        }
    }
}

#endif
