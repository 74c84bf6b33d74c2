/* A dense node: an activation of a linear map of its sources:
 *
 *     y = act(x_1 W_1 + x_2 W_2 + ... + b)         act: identity, tanh, relu or logistic; b on request
 *
 * Each x is a source at its shift, or zeros where a sequence has no such step. With one source at shifts 0, -1, ..., 1 - k the
 * node is a causal convolution. It also serves as a layer of a deep transition (Pascanu et al., 2014), with a source of the step
 * before, and as the projection of the states of an LSTM (Sak et al., 2014).
 *
 * It reads one row per sequence, or the rows of all steps in blocks. In a stage with others, or if it reads itself, it goes step
 * by step. Its gradient d_y becomes d_z in place.
 */
#ifndef SKLEARN_RNN_DENSE_H
#define SKLEARN_RNN_DENSE_H

#include "cells/activations.h"
#include "nodes/linear.h"
#include "plan/shapes.h"
#include "run/stop.h"
#include "run/walk.h"

enum { DENSE_ACTIVATION, DENSE_BIAS };

static const rnn_option dense_options[] = {ACTIVATION_OPTION(IDENTITY), {.name = "bias", .type = BOOLEAN, .preset = 1}, {0}};

/* ---- the plan ---- */

static void dense_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    (void)from;
    node->width = whole_vectors(node->units);
    shape_stream(&node->out, 1, node->units, node->width, row_length(node->width));
    node->out.backwards[0] = node->direction[0].reverse;
}

static void dense_add_weights(rnn_network *network, int number, int d)
{
    linear_add_weights(network, number, d, network->node[number].option[DENSE_BIAS] != 0);
}

/* ---- the activation ---- */

static inline int dense_reverse(const rnn_node *node) { return node->direction[0].reverse; }

/* y (rows, width) = act(z) in place; padding becomes 0 */
static void dense_activate(const rnn_node *node, isize rows, real *y, isize ld)
{
    const rnn_activation act = (rnn_activation)node->option[DENSE_ACTIVATION];
    if (act == IDENTITY)
        return;
    for (isize i = 0; i < rows; i++, y += ld) {
        for (isize j = 0; j < node->width; j += LANES)
            vstore(y + j, activate(act, vload(y + j)));
        memset(y + node->units, 0, (size_t)(node->width - node->units) * sizeof(real));
    }
}

/* d_z (rows, width) = d_y act'(z) in place */
static void dense_activate_backward(const rnn_node *node, isize rows, const real *y, isize ld, real *d, isize ld_d)
{
    const rnn_activation act = (rnn_activation)node->option[DENSE_ACTIVATION];
    if (act == IDENTITY)
        return;
    for (isize i = 0; i < rows; i++, y += ld, d += ld_d)
        for (isize j = 0; j < node->width; j += LANES)
            vstore(d + j, activate_backward(act, vload(d + j), vload(y + j)));
}

/* ---- the rows of steps first..end, or those of all sequences ---- */

static void dense_forward_rows(const rnn_job *job, const slice *s, const rnn_node *node, isize first, isize end)
{
    real *y = stream_rows(job->network, s, &node->out, first);
    linear_products(job, s, node, dense_reverse(node), first, end, y, node->out.ld);
    dense_activate(node, linear_rows(job->network, s, node, first, end), y, node->out.ld);
}

/* d_y -> d_z, and the gradients of the sources */
static void dense_backward_rows(const rnn_job *job, const slice *s, const rnn_node *node, isize first, isize end)
{
    const rnn_stream *out = &node->out;
    real *d = gradient_rows(s, out, first);
    dense_activate_backward(node, linear_rows(job->network, s, node, first, end), stream_rows(job->network, s, out, first),
                            out->ld, d, out->ld_d);
    linear_source_gradients(job, s, node, dense_reverse(node), first, end, d, out->ld_d);
}

static void dense_gradient_rows(const rnn_job *job, const slice *s, const rnn_node *node, isize first, isize end, int accumulate)
{
    linear_weight_gradients(job, s, node, dense_reverse(node), first, end, gradient_rows(s, &node->out, first), node->out.ld_d,
                            accumulate);
}

/* ---- step by step ---- */

static void dense_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    (void)d;
    dense_forward_rows(job, s, &job->network->node[number], t, t + 1);
}

static void dense_begin_backward(rnn_job *job, slice *s, int number, int d)
{
    begin_blocks(&walk_of(s, number, d)->waiting, s, dense_reverse(&job->network->node[number]));
}

static void dense_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_node *node = &job->network->node[number];
    const int reverse = dense_reverse(node);
    waiting_rows *waiting = &walk_of(s, number, d)->waiting;
    dense_backward_rows(job, s, node, t, t + 1);
    if (is_block(waiting, s, reverse, t)) {
        dense_gradient_rows(job, s, node, waiting->first, waiting->end, waiting->accumulate);
        begin_next_block(waiting, reverse);
    }
}

/* ---- in a stage of its own ---- */

/* Blocks need not be the same as in backward: no sum goes over their rows. */
static int dense_forward_blocks(rnn_job *job, slice *s, const rnn_node *node)
{
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s->offset, end);
        dense_forward_rows(job, s, node, first, end);
        if (poll_stop(job, s->worker, rows_of(s, first, end) * node->work))
            return 1;
    }
    return 0;
}

static int dense_backward_blocks(rnn_job *job, slice *s, const rnn_node *node)
{
    const int reverse = dense_reverse(node);
    waiting_rows block;
    begin_blocks(&block, s, reverse);
    for (isize k = s->end - s->first - 1; k >= 0; k--) {
        if (!is_block(&block, s, reverse, step_of(s, reverse, k)))
            continue;
        dense_backward_rows(job, s, node, block.first, block.end);
        dense_gradient_rows(job, s, node, block.first, block.end, block.accumulate);
        if (poll_stop(job, s->worker, rows_of(s, block.first, block.end) * node->work_back))
            return 1;
        begin_next_block(&block, reverse);
    }
    return 0;
}

static int dense_forward(rnn_job *job, slice *s, int number)
{
    const rnn_node *node = &job->network->node[number];
    if (!is_once(job->network, node))
        return dense_forward_blocks(job, s, node);
    if (is_complete(s))
        dense_forward_rows(job, s, node, 0, 1);
    return 0;
}

static int dense_backward(rnn_job *job, slice *s, int number)
{
    const rnn_node *node = &job->network->node[number];
    if (!is_once(job->network, node))
        return dense_backward_blocks(job, s, node);
    if (s->end == s->steps) {
        dense_backward_rows(job, s, node, 0, 1);
        dense_gradient_rows(job, s, node, 0, 1, 0);
    }
    return 0;
}

#define dense_kind { \
    .info = {.name = "dense", .options = dense_options, .rows = ROWS_OF_SOURCE, .has_units = 1, .has_directions = 1, \
             .one_direction = 1, .reads_shifts = 1, .reads_once = 1, .needs_earlier = 1, .reads_stems = 1, .gathers = 1, \
             .gathers_forward = 1}, \
    .declare = linear_declare, .shape = dense_shape, .work = linear_work, .add_weights = dense_add_weights, \
    .forward_step = dense_forward_step, .begin_backward = dense_begin_backward, .backward_step = dense_backward_step, \
    .forward = dense_forward, .backward = dense_backward}

#endif
