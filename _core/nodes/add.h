/* The sum of streams of one width: a residual connection (He et al., 2016). */
#ifndef SKLEARN_RNN_ADD_H
#define SKLEARN_RNN_ADD_H

#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"

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
        const isize n = rows_reaching(s, from, reverse, t, source->shift);
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
        const isize n = rows_passing(s, to, reverse, t, source->shift);
        if (n && passes_gradient(network, source))
            add_rows(n, &node->out, d_out, node->out.ld_d, to, source_gradient(network, s, source, reverse, t), to->ld_d,
                     !source->overwrites);
    }
}

#define add_kind { \
    .info = {.name = "add", .rows = ROW_PER_STEP, .reads_equal = 1, .reads_shifts = 1, .needs_earlier = 1}, \
    .shape = shape_padded, .forward_step = add_forward_step, .backward_step = add_backward_step}

#endif
