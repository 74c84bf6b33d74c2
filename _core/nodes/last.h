/* One row per sequence: the last state of each unit, that is of a reverse direction the one at the first step.
 *
 * Its gradient needs no buffer per step where the stream is that of a recurrent node: there it is what back-propagation begins
 * with.
 */
#ifndef SKLEARN_RNN_LAST_H
#define SKLEARN_RNN_LAST_H

#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"

/* Step of the last state of sequence i, or -1 if it lies outside the segment. */
static inline isize last_step(const slice *s, isize i, int backwards)
{
    const isize t = backwards ? 0 : s->length[i] - 1;
    return t >= s->first && t < s->end ? t : -1;
}

/* Copy the states of the sequences whose last step lies in this segment, while that step is in the arena. */
static int last_forward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out, *from = stream_of(network, source_of(network, node, 0));
    if (s->again)
        return 0;
    for (isize i = 0; i < s->rows; i++)
        for (isize part = 0; part < out->parts; part++) {
            const isize t = last_step(s, i, from->backwards[part]), column = out->start[part];
            if (t >= 0)
                memcpy(s->arena + out->at + i * out->ld + column, stream_rows(network, s, from, t) + i * from->ld + column,
                       (size_t)out->width * sizeof(real));
        }
    return 0;
}

static int last_backward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out, *to = stream_of(network, source_of(network, node, 0));
    if (node->seeds || to->d < 0)
        return 0;
    for (isize i = 0; i < s->rows; i++)
        for (isize part = 0; part < out->parts; part++) {
            const isize t = last_step(s, i, to->backwards[part]);
            if (t < 0)
                continue;
            real *d = gradient_rows(s, to, t) + i * to->ld_d + to->start[part];
            const real *d_last = s->arena + out->d + i * out->ld_d + out->start[part];
            for (isize j = 0; j < out->units; j++)
                d[j] += d_last[j];
        }
    return 0;
}

#define last_kind { \
    .info = {.name = "last", .rows = ROW_PER_SEQUENCE, .reads_one = 1, .reads_equal = 1, .needs_earlier = 1, \
             .only_last_rows = 1}, \
    .shape = shape_as_source, .forward = last_forward, .backward = last_backward}

#endif
