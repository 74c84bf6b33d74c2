/* Dropout: in training, a stream times a random mask of zeros and 1 / (1 - rate) (Srivastava et al., 2014). The mask is drawn
 * again in backward. In a prediction the node's stream is that of its source.
 */
#ifndef SKLEARN_RNN_DROP_H
#define SKLEARN_RNN_DROP_H

#include "levels/random.h"
#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"

enum { DROP_RATE, DROP_LAYER };

static const rnn_option drop_options[] = {
    {.name = "rate", .type = NUMBER, .least = 0, .below = 1},
    {.name = "layer", .type = NUMBER, .least = 0, .below = 1 << 16},    /* distinguishes the masks of a network's nodes */
    {0}};

/* to (n, ld_to) (+)= mask * from (n, ld_from), rows of step t; padding becomes 0 */
static void drop_rows(const rnn_job *job, const slice *s, const rnn_node *node, isize t, isize n, const real *from, isize ld_from,
                      real *to, isize ld_to, int accumulate)
{
    const rnn_stream *out = &node->out;
    const uint32_t layer = (uint32_t)node->option[DROP_LAYER];
    for (isize i = 0; i < n; i++, from += ld_from, to += ld_to)
        for (isize part = 0; part < out->parts; part++) {
            const real *from_part = from + out->start[part];
            real *to_part = to + out->start[part];
            if (job->batch.dropping)
                dropout_row(job, PURPOSE_DROPOUT, layer, node->option[DROP_RATE], s->sample[i], t, part * out->units, out->units,
                            from_part, to_part, accumulate);
            else
                for (isize j = 0; j < out->units; j++)
                    to_part[j] = accumulate ? to_part[j] + from_part[j] : from_part[j];
            memset(to_part + out->units, 0, (size_t)(out->width - out->units) * sizeof(real));
        }
}

static void drop_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    (void)d;
    if (network->training)
        drop_rows(job, s, node, t, node->out.life == ONCE ? s->rows : rows_at(s, t), source_rows(network, s, source, 0, t),
                  stream_of(network, source)->ld, stream_rows(network, s, &node->out, t), node->out.ld, 0);
}

static void drop_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    (void)d;
    if (passes_gradient(network, source))
        drop_rows(job, s, node, t, node->out.life == ONCE ? s->rows : rows_at(s, t), gradient_rows(s, &node->out, t),
                  node->out.ld_d, source_gradient(network, s, source, 0, t), stream_of(network, source)->ld_d,
                  !source->overwrites);
}

/* In a stage of its own: rows per sequence count as those of step 0. */
static int drop_forward(rnn_job *job, slice *s, int number)
{
    if (job->network->node[number].out.life != ONCE)
        for (isize t = s->first; t < s->end; t++)
            drop_forward_step(job, s, number, 0, t);
    else if (is_complete(s))
        drop_forward_step(job, s, number, 0, 0);
    return 0;
}

static int drop_backward(rnn_job *job, slice *s, int number)
{
    if (job->network->node[number].out.life != ONCE)
        for (isize t = s->end - 1; t >= s->first; t--)
            drop_backward_step(job, s, number, 0, t);
    else if (s->end == s->steps)
        drop_backward_step(job, s, number, 0, 0);
    return 0;
}

#define drop_kind { \
    .info = {.name = "drop", .options = drop_options, .rows = ROWS_OF_SOURCE, .reads_one = 1, .reads_equal = 1, .reads_once = 1, \
             .needs_earlier = 1, .training_only = 1, .in_place = 1}, \
    .shape = shape_as_source, .forward_step = drop_forward_step, .backward_step = drop_backward_step, .forward = drop_forward, \
    .backward = drop_backward}

#endif
