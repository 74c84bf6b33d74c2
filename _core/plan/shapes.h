/* Shapes of streams, and of the blocks of gates. */
#ifndef SKLEARN_RNN_SHAPES_H
#define SKLEARN_RNN_SHAPES_H

#include "interface/network.h"
#include "plan/sizes.h"

static void shape_stream(rnn_stream *out, isize parts, isize units, isize width, isize ld)
{
    *out = (rnn_stream){.parts = parts, .units = units, .width = width, .ld = ld, .at = -1, .d = -1, .before = -1,
                        .ld_d = most(ld, whole_vectors(parts * width)), .start = {0, width}};
}

/* The stream of a node that has the columns of what it reads. */
static void shape_as_source(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    node->out = *from;
}

/* The same, with each part padded to whole vectors. */
static void shape_padded(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    node->width = whole_vectors(from->units);
    shape_stream(&node->out, from->parts, from->units, node->width, row_length(from->parts * node->width));
    node->out.backwards[0] = from->backwards[0];
    node->out.backwards[1] = from->backwards[1];
}

/* Groups of blocks that take the same products. */
static void group_blocks(rnn_cell *cell)
{
    cell->n_groups = 0;
    for (int b = 0; b < cell->n_blocks; b++) {
        const int takes_x = cell->x_gate[b] >= 0, takes_h = cell->h_gate[b] >= 0,
                  late = takes_h && cell->h_gate[b] >= cell->n_h - cell->n_late;
        if (!takes_x && !takes_h)
            continue;
        rnn_block_group *last = b > 0 ? &cell->group[cell->n_groups - 1] : NULL;
        if (last && last->takes_x == takes_x && last->takes_h == takes_h && last->late == late)
            last->n_blocks++;
        else
            cell->group[cell->n_groups++] = (rnn_block_group){b, 1, takes_x, takes_h, late};
    }
}

#endif
