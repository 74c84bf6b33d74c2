/* The sum of streams of one width: a residual connection (He et al., 2016). */
#ifndef SKLEARN_RNN_ADD_H
#define SKLEARN_RNN_ADD_H

#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"

/* to (n rows) (+)= from, part by part; where it overwrites, padding becomes 0 */
static void add_rows(isize n, const rnn_stream *from_stream, const real *from, isize ld_from, const rnn_stream *to_stream,
                     real *to, isize ld_to, int accumulate)
{
    for (isize i = 0; i < n; i++, from += ld_from, to += ld_to)
        for (isize part = 0; part < to_stream->parts; part++) {
            const real *from_part = from + from_stream->start[part];
            real *to_part = to + to_stream->start[part];
            for (isize j = 0; j < to_stream->units; j++)
                to_part[j] = accumulate ? to_part[j] + from_part[j] : from_part[j];
            if (!accumulate)
                memset(to_part + to_stream->units, 0, (size_t)(to_stream->width - to_stream->units) * sizeof(real));
        }
}

static void add_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const int reverse = goes_in_reverse(network, node);
    real *to = stream_rows(network, s, &node->out, t);
    (void)d;
    memset(to, 0, (size_t)(rows_at(s, t) * node->out.ld) * sizeof(real));
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        const rnn_stream *from = stream_of(network, source);
        const isize n = rows_reaching(s, reverse, t, source->shift);
        if (n)
            add_rows(n, from, source_rows(network, s, source, reverse, t), from->ld, &node->out, to, node->out.ld, i > 0);
    }
}

static void add_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const int reverse = goes_in_reverse(network, node);
    const real *d_out = gradient_rows(s, &node->out, t);
    (void)d;
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        const rnn_stream *to = stream_of(network, source);
        const isize n = rows_reaching(s, reverse, t, source->shift);
        if (n && passes_gradient(network, source))
            add_rows(n, &node->out, d_out, node->out.ld_d, to, source_gradient(network, s, source, reverse, t), to->ld_d,
                     !source->overwrites);
    }
}

static void add_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    node->width = whole_vectors(from->units);
    shape_stream(&node->out, from->parts, from->units, node->width, row_length(from->parts * node->width));
    node->out.backwards[0] = from->backwards[0];
    node->out.backwards[1] = from->backwards[1];
}

#define add_kind { \
    .info = {.name = "add", .rows = ROW_PER_STEP, .reads_equal = 1, .reads_shifts = 1, .needs_earlier = 1}, .shape = add_shape, \
    .forward_step = add_forward_step, .backward_step = add_backward_step}

#endif
