/* Simple recurrent unit (Elman, 1990), with both biases as in PyTorch:
 *
 *     h = act(x W + b_x + h_prev U + b_h)          act: identity, tanh, relu or logistic
 *
 * Gate buffer: one block. Forward stores h only; the gates are free until backward fills them with d_gates, so the gradient
 * from above (d_out) may be stored in their place.
 */
#ifndef SKLEARN_RNN_ELMAN_H
#define SKLEARN_RNN_ELMAN_H

#include "cells/activations.h"
#include "cells/declare.h"
#include "cells/step.h"

enum { ELMAN_ACTIVATION };

static const rnn_option elman_options[] = {ACTIVATION_OPTION(TANH), {0}};

static void elman_declare(rnn_cell *cell, const double *option)
{
    (void)option;
    cell->gates = "h";
    gate(cell, BOTH);
    state(cell, "h");
    cell->gates_end_with_forward = 1;
}

static void elman_forward_step(const cell_step *s)
{
    const rnn_activation act = (rnn_activation)s->option[ELMAN_ACTIVATION];
    for (isize row = 0; row < s->rows; row++) {
        const real *gates = s->gates + row * s->ld_gates;
        real *h = s->state[0].now + row * s->state[0].ld;
        for (isize j = 0; j < s->width; j += LANES)
            vstore(h + j, activate(act, vload(gates + j)));
    }
}

static void elman_backward_step(const cell_step *s)
{
    const rnn_activation act = (rnn_activation)s->option[ELMAN_ACTIVATION];
    for (isize row = 0; row < s->rows; row++) {
        real *gates = s->gates + row * s->ld_gates, *d_h = s->state[0].d + row * s->width;
        const real *h = s->state[0].now + row * s->state[0].ld, *d_out = s->d_out + row * s->ld_d_out;
        for (isize j = 0; j < s->width; j += LANES) {
            vec dh = vload(d_h + j) + vload(d_out + j);
            vstore(gates + j, activate_backward(act, dh, vload(h + j)));
            vstore(d_h + j, vset(0));
        }
    }
}

#endif
