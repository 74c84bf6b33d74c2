/* Jordan's network (1986): the hidden units see the output of the step before, after the link, instead of themselves:
 *
 *     h = act(x W + b + y_prev V)                  act: identity, tanh, relu or logistic
 *
 * y_prev = link(output), 0 at the first step, is a source of the node, like x: the cell itself keeps nothing from step to step.
 * Gate buffer as Elman's.
 */
#ifndef SKLEARN_RNN_JORDAN_H
#define SKLEARN_RNN_JORDAN_H

#include "cells/activations.h"
#include "cells/declare.h"
#include "cells/elman.h"
#include "cells/step.h"

static const rnn_option jordan_options[] = {ACTIVATION_OPTION(TANH), {0}};

static void jordan_declare(rnn_cell *cell, const double *option)
{
    (void)option;
    cell->gates = "h";
    gate(cell, X_ONLY);
    state(cell, "h");
    cell->gates_end_with_forward = 1;
    cell->reads_output = 1;
}

static void jordan_forward_step(const cell_step *s) { elman_forward_step(s); }
static void jordan_backward_step(const cell_step *s) { elman_backward_step(s); }

#endif
