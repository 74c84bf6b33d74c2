/* Gaussian noise: in training, a stream plus normal numbers of one standard deviation (Bishop, 1995). In a prediction the node's
 * stream is that of its source. Its gradient is that of its source.
 */
#ifndef SKLEARN_RNN_NOISE_H
#define SKLEARN_RNN_NOISE_H

#include "levels/random.h"
#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"

enum { NOISE_STD, NOISE_LAYER };

static const rnn_option noise_options[] = {
    {.name = "std", .type = NUMBER, .least = 0, .below = __builtin_inf()},
    {.name = "layer", .type = NUMBER, .least = 0, .below = 1 << 16},    /* distinguishes the noise of a network's nodes */
    {0}};

static void noise_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *out = &node->out;
    const uint32_t layer = (uint32_t)node->option[NOISE_LAYER];
    const real deviation = (real)node->option[NOISE_STD];
    (void)d;
    if (!network->training)
        return;
    const real *from = source_rows(network, s, source, 0, t);
    real *to = stream_rows(network, s, out, t);
    for (isize i = 0; i < rows_there(s, out, t); i++, from += stream_of(network, source)->ld, to += out->ld) {
        memcpy(to, from, (size_t)(out->start[out->parts - 1] + out->width) * sizeof(real));
        for (isize part = 0; part < out->parts && job->batch.dropping; part++)
            noise_row(job, layer, deviation, s->sample[i], t, part * out->units, out->units, from + out->start[part],
                      to + out->start[part]);
    }
}

static void noise_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *to = stream_of(network, source);
    (void)d;
    if (!passes_gradient(network, source))
        return;
    const real *d_out = gradient_rows(s, &node->out, t);
    real *d_source = source_gradient(network, s, source, 0, t);
    if (d_source != d_out)
        add_rows(rows_there(s, &node->out, t), &node->out, d_out, node->out.ld_d, to, d_source, to->ld_d, !source->overwrites);
}

static int noise_forward(rnn_job *job, slice *s, int number) { return each_step_forward(job, s, number, noise_forward_step); }
static int noise_backward(rnn_job *job, slice *s, int number) { return each_step_backward(job, s, number, noise_backward_step); }

#define noise_kind { \
    .info = {.name = "noise", .options = noise_options, .rows = ROWS_OF_SOURCE, .reads_one = 1, .reads_equal = 1, \
             .reads_once = 1, .needs_earlier = 1, .training_only = 1, .in_place = 1}, \
    .shape = shape_as_source, .forward_step = noise_forward_step, .backward_step = noise_backward_step, \
    .forward = noise_forward, .backward = noise_backward}

#endif
