/* The rows that a node reads from its sources at one step, and the rows to which it passes their gradients. */
#ifndef SKLEARN_RNN_SOURCES_H
#define SKLEARN_RNN_SOURCES_H

#include "interface/job.h"
#include "run/slice.h"
#include "weights/gemm.h"

/* (., ld) the rows of a source that belong to step t. */
static inline real *source_rows(const rnn_network *network, const slice *s, const rnn_source *source, int reverse, isize t)
{
    return stream_rows(network, s, stream_of(network, source), before(reverse, t, source->shift));
}

/* (., ld_d) where the gradient of a source at step t goes. What belongs to steps before the segment is left over for those. */
static inline real *source_gradient(const rnn_network *network, const slice *s, const rnn_source *source, int reverse, isize t)
{
    const rnn_stream *out = stream_of(network, source);
    const isize from = before(reverse, t, source->shift);
    if (from >= s->first || out->life == ONCE)
        return gradient_rows(s, out, from);
    return s->arena + source->left_over + (s->first - 1 - from) * network->max_rows * out->ld_d;
}

/* Add to the gradient of a shifted source what its reader left over in the segment after this one; what it leaves over in this
 * segment begins with zeros. */
static void take_left_over(const rnn_network *network, const slice *s, const rnn_source *source)
{
    const rnn_stream *out = stream_of(network, source);
    for (isize back = 1; back <= source->shift && s->n_segments > 1; back++) {
        real *left = s->arena + source->left_over + (back - 1) * network->max_rows * out->ld_d;
        const isize t = s->end - back;
        if (s->end < s->steps && t >= s->first) {
            real *d = gradient_rows(s, out, t);
            for (isize i = 0; i < rows_at(s, t) * out->ld_d; i++)
                d[i] += left[i];
        }
        memset(left, 0, (size_t)(network->max_rows * out->ld_d) * sizeof(real));
    }
}

/* Whether the stage of a node goes from the last step to the first. */
static inline int goes_in_reverse(const rnn_network *network, const rnn_node *node)
{
    return network->stage[node->stage].reverse[0];
}

/* Whether a reader passes a gradient on to this source. */
static inline int passes_gradient(const rnn_network *network, const rnn_source *source)
{
    return stream_of(network, source)->d >= 0;
}

#endif
