/* The roster of cells. A cell is one file and two lines here; kernels, estimators and tests read this list.
 *
 * A file defines, for the cell NAME:
 *
 *     static const rnn_option NAME_options[]               its options, ending with {0}; a step finds their values in this order
 *     static void NAME_declare(cell, option)               its gates, states and own parameters, in the words of declare.h
 *     static void NAME_forward_step(const cell_step *s)    gates: pre-activations -> what backward needs; writes the states
 *     static void NAME_backward_step(const cell_step *s)   gates -> d_gates; carries the gradients of the states one step back
 *
 * The last two take one step of one group of rows. Between steps, nodes/recurrent.h does the products: gates += x W + h_prev U
 * before forward, d_h += d_gates U^T after backward.
 *
 * A cell with a late gate also defines
 *
 *     static void NAME_late_forward_step(const cell_step *s)     before its product with U: writes what U multiplies
 *     static void NAME_late_backward_step(const cell_step *s)    takes the gradient of that, before d_h += d_gates U^T
 */
#ifndef SKLEARN_RNN_CELLS_H
#define SKLEARN_RNN_CELLS_H

#include <stddef.h>

#include "cells/elman.h"
#include "cells/gru.h"
#include "cells/indrnn.h"
#include "cells/jordan.h"
#include "cells/lstm.h"
#include "cells/mgu.h"
#include "cells/mingru.h"
#include "cells/minlstm.h"

#define CELLS(CELL, LATE_CELL) \
    CELL(elman) CELL(lstm) LATE_CELL(gru) CELL(jordan) CELL(indrnn) LATE_CELL(mgu) CELL(mingru) CELL(minlstm)

typedef struct {
    const char *name;
    const rnn_option *options;
    void (*declare)(rnn_cell *cell, const double *option);
    cell_function forward_step, backward_step, late_forward_step, late_backward_step;
} cell_functions;

#define CELL_FITS(name) \
    _Static_assert(sizeof name##_options / sizeof *name##_options <= MAX_OPTIONS + 1, #name " has too many options");
CELLS(CELL_FITS, CELL_FITS)

#define CELL_FUNCTIONS(name) {#name, name##_options, name##_declare, name##_forward_step, name##_backward_step, NULL, NULL},
#define LATE_CELL_FUNCTIONS(name) \
    {#name, name##_options, name##_declare, name##_forward_step, name##_backward_step, name##_late_forward_step, \
     name##_late_backward_step},

static const cell_functions cell_roster[] = {CELLS(CELL_FUNCTIONS, LATE_CELL_FUNCTIONS)};

enum { N_CELLS = sizeof cell_roster / sizeof *cell_roster };

/* For the boundary: options of cell number i, and (where `cell` is not NULL) what it declares with these values; NULL after the
 * last one. */
static const char *describe_cell(int i, const double *option, rnn_cell *cell, const rnn_option **options)
{
    if (i < 0 || i >= N_CELLS)
        return NULL;
    *options = cell_roster[i].options;
    if (cell)
        cell_roster[i].declare(cell, option);
    return cell_roster[i].name;
}

#endif
