/* The words in which a cell declares its gates, states and parameters. */
#ifndef SKLEARN_RNN_DECLARE_H
#define SKLEARN_RNN_DECLARE_H

#include "interface/network.h"

/* Which products reach a gate: those of both input and previous state, summed in one block; of one of them; or of both, in two
 * blocks, of which the second is that of the state. A LATE gate, which must be the last one and alone, takes both in one block,
 * but its U multiplies what the cell has written in the block after that. */
typedef enum { BOTH, X_ONLY, APART, LATE } rnn_takes;

static inline int add_block(rnn_cell *cell)
{
    const int block = cell->n_blocks++;
    cell->x_gate[block] = cell->h_gate[block] = -1;
    return block;
}

/* The next gate; its blocks follow those of the gates before. */
static inline void gate(rnn_cell *cell, rnn_takes takes)
{
    int block = add_block(cell);
    cell->x_block[cell->n_x] = block;
    cell->x_gate[block] = cell->n_x++;
    if (takes == X_ONLY)
        return;
    if (takes == APART)
        block = add_block(cell);
    cell->h_block[cell->n_h] = block;
    cell->h_gate[block] = cell->n_h++;
    if (takes == LATE) {
        cell->n_late = 1;
        cell->late_block = add_block(cell);
    }
}

static inline void initial_bias(rnn_cell *cell, int number, double value) { cell->bias[number] = value; }

/* What an open gate (of value 1) does to the state: biases for long memory depend on it (see initializers.py). */
static inline void gate_keeps_state(rnn_cell *cell, int number) { cell->memory[number] = 1; }
static inline void gate_replaces_state(rnn_cell *cell, int number) { cell->memory[number] = -1; }

/* The next state, in the order in which a step finds them; the first one is h, the output. */
static inline void state(rnn_cell *cell, const char *name) { cell->state_name[cell->n_states++] = name; }

/* With a norm in the node, h is computed from the norm of this state, which a step finds as `norm`. */
static inline void seen_through_norm(rnn_cell *cell, int state) { cell->seen_state = state; }

/* Parameters of the cell's own, n_vectors of H numbers: a step finds them, each padded to Hp, in the order of these calls. */
static inline void own(rnn_cell *cell, const char *stem, int n_vectors, rnn_initial initial)
{
    cell->own[cell->n_own].stem = stem;
    cell->own[cell->n_own].n_vectors = n_vectors;
    cell->own[cell->n_own++].initial = initial;
}

#endif
