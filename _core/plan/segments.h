/* Segments: the steps that an arena keeps at a time. How many there can be, and where they end. */
#ifndef SKLEARN_RNN_SEGMENTS_H
#define SKLEARN_RNN_SEGMENTS_H

#include "interface/network.h"
#include "plan/sizes.h"

/* Rows of the shortest segment allowed: room for several blocks, wherever these end, and for more steps than any source
 * reaches back. */
static inline isize least_segment(const rnn_network *network, int reach)
{
    return 2 * (BLOCK_ROWS + network->max_rows) + (reach > 1 ? (reach - 1) * network->max_rows : 0);
}

/* Segments end at block boundaries, so a full one has less than a block and a step of unused rows. */
static inline isize most_segments(const rnn_network *network, const rnn_axis *axis)
{
    if (axis->segment_rows >= axis->max_slice_steps)
        return 1;
    return axis->max_slice_steps / (axis->segment_rows - BLOCK_ROWS - network->max_rows + 1) + 1;
}

/* First step of the block that ends before step `end`; it has at least BLOCK_ROWS rows, if there are that many. Blocks are cut
 * from the last step on, the same with and without segments, so that gradients are summed in one order. */
static inline isize block_start(const isize *offset, isize end)
{
    isize first = end - 1;
    while (first > 0 && offset[end] - offset[first] < BLOCK_ROWS)
        first--;
    return first;
}

/* Cut `steps` steps, whose first rows are offset (steps + 1,), into segments of whole blocks that fit into an arena, from the
 * last step on. Returns the first step of each segment and the end of the last, in the memory of bounds (max_segments + 1,). */
static inline const isize *cut_into_segments(const rnn_axis *axis, const isize *offset, isize steps, isize *bounds,
                                             isize *n_segments)
{
    isize *start = bounds + axis->max_segments;
    *start = steps;
    for (isize t = steps, first; t > 0; t = first) {
        first = block_start(offset, t);
        if (offset[*start] - offset[first] > axis->segment_rows)
            *--start = t;
    }
    *--start = 0;
    *n_segments = bounds + axis->max_segments - start;
    return start;
}

#endif
