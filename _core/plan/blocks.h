/* How a cell's gates lie in its gate buffer, block by block. */
#ifndef SKLEARN_RNN_BLOCKS_H
#define SKLEARN_RNN_BLOCKS_H

#include "interface/network.h"

/* End of the group of blocks that begins at `first`: those that take the same operands. */
static inline int group_end(const rnn_cell *cell, int first)
{
    int end = first + 1;
    while (end < cell->n_blocks && (cell->x_gate[end] >= 0) == (cell->x_gate[first] >= 0) &&
           (cell->h_gate[end] >= 0) == (cell->h_gate[first] >= 0))
        end++;
    return end;
}

/* The first block that receives the product with this gate. */
static int block_of(const int *gate_of_block, int gate)
{
    int block = 0;
    while (gate_of_block[block] != gate)
        block++;
    return block;
}

static isize columns_with(const int *gate_of_block, const rnn_layer *layer)
{
    isize blocks = 0;
    for (int b = 0; b < layer->cell->n_blocks; b++)
        blocks += gate_of_block[b] >= 0;
    return blocks * layer->width;
}

#endif
