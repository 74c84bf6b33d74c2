/* The roster of cells. A cell is one file and two lines here; kernels, estimators and tests read this list.
 *
 * A file defines, for the cell NAME:
 *
 *     static const rnn_cell NAME_cell                          its description (rosters.h)
 *     static void NAME_forward_step(const cell_step *s)        gates: pre-activations -> what backward needs; writes h (and c)
 *     static void NAME_backward_step(const cell_step *s)       gates -> d_gates; carries d_h (and d_c) one step back
 *
 * Both take one step of one group of rows. Between steps, layer.h does the products: gates += x W + h_prev U before
 * forward, d_h += d_gates U^T after backward.
 */
#ifndef SKLEARN_RNN_CELL_ROSTER_H
#define SKLEARN_RNN_CELL_ROSTER_H

#include "cells/elman.h"
#include "cells/gru.h"
#include "cells/lstm.h"
#include "cells/step.h"
#include "interface/rosters.h"

#define CELLS(CELL) CELL(elman) CELL(lstm) CELL(gru)

typedef struct {
    const rnn_cell *cell;
    cell_function forward_step, backward_step;
} cell_functions;

#define CELL_FUNCTIONS(name) {&name##_cell, name##_forward_step, name##_backward_step},
#define CELL_POINTER(name) &name##_cell,

static const cell_functions cell_roster[] = {CELLS(CELL_FUNCTIONS)};
static const rnn_cell *const cell_list[] = {CELLS(CELL_POINTER) NULL};

static const cell_functions *functions_of(const rnn_cell *cell)
{
    const cell_functions *entry = cell_roster;
    while (entry->cell != cell)
        entry++;
    return entry;
}

#endif
