/* Layer norm (Ba, Kiros and Hinton, 2016) or rms norm (Zhang and Sennrich, 2019) of each row of a stream, over all its parts
 * (levels/rows.h), with a gain per unit and, for layer norm, a bias.
 *
 * Nothing is kept: backward computes mean and variance again from the row that the node reads.
 */
#ifndef SKLEARN_RNN_NORM_H
#define SKLEARN_RNN_NORM_H

#include "levels/rows.h"
#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"
#include "plan/weights.h"

enum { NORM_LAYER, NORM_RMS };

static const rnn_option norm_options[] = {{.name = "method", .type = CHOICE, .choices = "layer rms"}, {0}};

static inline int is_centred(const rnn_node *node) { return (int)node->option[0] == NORM_LAYER; }

/* ---- the plan ---- */

static void norm_shape(rnn_network *network, int number, const rnn_stream *from)
{
    shape_padded(network, number, from);
    network->node[number].units = from->units;
}

static void norm_add_weights(rnn_network *network, int number, int d)
{
    const rnn_node *node = &network->node[number];
    rnn_direction *direction = &network->node[number].direction[d];
    const int parts = (int)node->out.parts;
    add_vector(network, number, parts, "weight", CONSTANTS, 1, &direction->own[0], &direction->d_own[0]);
    if (is_centred(node))
        add_vector(network, number, parts, "bias", ZEROS, 0, &direction->bias, &direction->d_bias);
}

/* ---- steps ---- */

static inline row_shape shape_of_row(const rnn_stream *out)
{
    return (row_shape){.parts = out->parts, .units = out->units, .start = out->start};
}

static void norm_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    const row_shape shape = shape_of_row(&node->out);
    const int centred = is_centred(node);
    const real *gain = (const real *)job->packed + node->direction[d].own[0],
               *bias = centred ? (const real *)job->packed + node->direction[d].bias : NULL;
    const real *x = source_rows(network, s, source, 0, t);
    real *y = stream_rows(network, s, &node->out, t);
    for (isize i = 0; i < rows_there(s, &node->out, t); i++, x += stream_of(network, source)->ld, y += node->out.ld)
        normalise_row(&shape, x, norm_of_row(&shape, x, centred), gain, bias, y);
}

/* Gradients of gain and bias begin with zeros in each slice; rows are added in one order, whatever the segments. */
static void norm_begin_backward(rnn_job *job, slice *s, int number, int d)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    const size_t bytes = (size_t)(node->out.parts * node->out.width) * sizeof(real);
    if (s->end < s->steps)
        return;
    memset(gradient + node->direction[d].d_own[0], 0, bytes);
    if (is_centred(node))
        memset(gradient + node->direction[d].d_bias, 0, bytes);
}

static void norm_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *from = stream_of(network, source);
    const row_shape shape = shape_of_row(&node->out);
    const int centred = is_centred(node), passes = passes_gradient(network, source);
    const real *gain = (const real *)job->packed + node->direction[d].own[0];
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size,
         *d_gain = gradient + node->direction[d].d_own[0], *d_bias = centred ? gradient + node->direction[d].d_bias : NULL;
    const real *x = source_rows(network, s, source, 0, t), *d_y = gradient_rows(s, &node->out, t);
    real *d_x = passes ? source_gradient(network, s, source, 0, t) : NULL;
    for (isize i = 0; i < rows_there(s, &node->out, t); i++) {
        const row_norm norm = norm_of_row(&shape, x + i * from->ld, centred);
        norm_gradients(&shape, x + i * from->ld, norm, d_y + i * node->out.ld_d, d_gain, d_bias);
        if (passes)
            normalise_row_backward(&shape, x + i * from->ld, norm, centred, gain, d_y + i * node->out.ld_d, !source->overwrites,
                                   d_x + i * from->ld_d);
    }
}

static int norm_forward(rnn_job *job, slice *s, int number) { return each_step_forward(job, s, number, norm_forward_step); }

static int norm_backward(rnn_job *job, slice *s, int number)
{
    norm_begin_backward(job, s, number, 0);
    return each_step_backward(job, s, number, norm_backward_step);
}

#define norm_kind { \
    .info = {.name = "norm", .options = norm_options, .rows = ROWS_OF_SOURCE, .reads_one = 1, .reads_equal = 1, .reads_once = 1, \
             .needs_earlier = 1, .in_place = 1}, \
    .shape = norm_shape, .add_weights = norm_add_weights, .forward_step = norm_forward_step, \
    .begin_backward = norm_begin_backward, .backward_step = norm_backward_step, .forward = norm_forward, \
    .backward = norm_backward}

#endif
