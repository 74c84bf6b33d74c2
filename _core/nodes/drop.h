/* Dropout: in training, a stream times a random mask of zeros and 1 / (1 - rate): a new one at each step (Srivastava et al.,
 * 2014), or one for all steps of a sequence (Gal and Ghahramani, 2016). The mask is drawn again in backward. In a prediction the
 * node's stream is that of its source.
 */
#ifndef SKLEARN_RNN_DROP_H
#define SKLEARN_RNN_DROP_H

#include "levels/random.h"
#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"

enum { DROP_RATE, DROP_LAYER, DROP_PER_SEQUENCE };

static const rnn_option drop_options[] = {
    {.name = "rate", .type = NUMBER, .least = 0, .below = 1},
    {.name = "layer", .type = NUMBER, .least = 0, .below = 1 << 16},    /* distinguishes the masks of a network's nodes */
    {.name = "per_sequence", .type = BOOLEAN},
    {0}};

/* to (n, ld_to) (+)= mask * from (n, ld_from), rows of step t; padding becomes 0 */
static void drop_rows(const rnn_job *job, const slice *s, const rnn_node *node, isize t, isize n, const real *from, isize ld_from,
                      real *to, isize ld_to, int accumulate)
{
    const rnn_stream *out = &node->out;
    const uint32_t layer = (uint32_t)node->option[DROP_LAYER];
    const isize step = node->option[DROP_PER_SEQUENCE] ? 0 : t;
    for (isize i = 0; i < n; i++, from += ld_from, to += ld_to)
        for (isize part = 0; part < out->parts; part++) {
            const real *from_part = from + out->start[part];
            real *to_part = to + out->start[part];
            if (job->batch.dropping)
                dropout_row(job, PURPOSE_DROPOUT, layer, node->option[DROP_RATE], s->sample[i], step, part * out->units,
                            out->units, from_part, to_part, accumulate);
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
        drop_rows(job, s, node, t, rows_there(s, &node->out, t), source_rows(network, s, source, 0, t),
                  stream_of(network, source)->ld, stream_rows(network, s, &node->out, t), node->out.ld, 0);
}

static void drop_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    (void)d;
    if (passes_gradient(network, source))
        drop_rows(job, s, node, t, rows_there(s, &node->out, t), gradient_rows(s, &node->out, t), node->out.ld_d,
                  source_gradient(network, s, source, 0, t), stream_of(network, source)->ld_d, !source->overwrites);
}

static int drop_forward(rnn_job *job, slice *s, int number) { return each_step_forward(job, s, number, drop_forward_step); }
static int drop_backward(rnn_job *job, slice *s, int number) { return each_step_backward(job, s, number, drop_backward_step); }

#define drop_kind { \
    .info = {.name = "drop", .options = drop_options, .rows = ROWS_OF_SOURCE, .reads_one = 1, .reads_equal = 1, .reads_once = 1, \
             .needs_earlier = 1, .training_only = 1, .in_place = 1}, \
    .shape = shape_as_source, .forward_step = drop_forward_step, .backward_step = drop_backward_step, .forward = drop_forward, \
    .backward = drop_backward}

#endif
