/* The head: a linear map from its sources to the outputs, their loss, and the way back.
 *
 * It reads one row per sequence, or the rows of all steps in blocks. If other nodes read its stream (the outputs after the
 * link), or if it is in one stage with them, it goes step by step and keeps its logits; a target per sequence then belongs to
 * the last step.
 */
#ifndef SKLEARN_RNN_HEAD_H
#define SKLEARN_RNN_HEAD_H

#include "cells/declare.h"
#include "levels/losses.h"
#include "nodes/sources.h"
#include "plan/shapes.h"
#include "plan/weights.h"
#include "run/stop.h"
#include "run/walk.h"
#include "weights/gradients.h"

/* ---- the plan ---- */

/* One block of outputs, which reads all sources. */
static void head_declare(rnn_node *node) { gate(&node->declared, X_ONLY); }

static void head_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    (void)from;
    node->width = whole_vectors(node->units);
    shape_stream(&node->out, 1, node->units, node->width, node->width);
    network->head = number;
    network->outputs = node->units;
    network->output_width = node->width;
}

static double head_work(const rnn_node *node, double inputs) { return (double)node->width * inputs; }

static void head_add_weights(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[0];
    (void)d;
    add_source_weights(network, number, 0, 0, "weight");
    rnn_tensor *bias = add_tensor(network, (rnn_tensor){
        .node = number, .stem = "bias", .n_groups = 1, .n_axes = 1, .units = node->units, .columns = 1, .initial = ZEROS});
    direction->bias = pack_as(network, (rnn_packing){
        .format = PADDED, .tensor = {number_of(network, bias), -1}, .n_blocks = 1, .units = node->units, .width = node->width});
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        source->packed[0][0] = pack_blocks(network, source->tensor[0], source->first, columns_of(network, source), 1,
                                           node->declared.x_gate, node->units, node->width);
    }
    if (network->training) {
        direction->d_bias = claim(&network->gradient, 1, node->width);
        place_gradient(bias, direction->d_bias, node->width, NULL, node->width);
    }
}

static void head_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    const rnn_stage *stage = &network->stage[node->stage];
    (void)n_before;
    if (stage->end == stage->first + 1 && node->out.life == NOWHERE)
        return;         /* it goes block by block and needs only `logits` */
    node->gates_kept = network->training;
    node->gates = claim(&network->arena, network->training ? network->segment_rows : network->max_rows, node->width);
}

/* ---- products ---- */

/* Whether the head has one row per sequence. */
static inline int is_once(const rnn_network *network, const rnn_node *node)
{
    return stream_of(network, source_of(network, node, 0))->life == ONCE;
}

/* z (n, width) = b + sum of sources W, for the rows from step t on */
static void head_products(const rnn_job *job, const slice *s, const rnn_node *node, isize t, isize n, real *z)
{
    const rnn_network *network = job->network;
    const real *packed = job->packed;
    operand operands[MAX_SOURCES];
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        operands[i] = operand_of(stream_of(network, source), packed + source->packed[0][0]);
        operands[i].a = source_rows(network, s, source, 0, t);
    }
    product(n, node->width, node->n_sources, operands, z, node->width, packed + node->direction[0].bias, 0);
}

/* Gradients of n rows from step `first` on: of the weights, and of the sources. */
static void head_weight_gradients(const rnn_job *job, const slice *s, const rnn_node *node, isize first, isize n, const real *d_z,
                                  int accumulate)
{
    const rnn_network *network = job->network;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    gradient_operand inputs[MAX_SOURCES];
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        inputs[i] = (gradient_operand){.a = operand_of(stream_of(network, source), NULL), .c = gradient + source->gradient[0]};
        inputs[i].a.a = source_rows(network, s, source, 0, first);
    }
    weight_gradients(job, s->arena + network->panel, n, d_z, node->width, node->width, node->n_sources, inputs, node->width,
                     gradient + node->direction[0].d_bias, accumulate);
}

/* d_source (n rows) (+)= d_z W^T */
static void head_source_gradients(const rnn_job *job, const slice *s, const rnn_node *node, isize t, isize n, const real *d_z)
{
    const rnn_network *network = job->network;
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        const rnn_stream *to = stream_of(network, source);
        if (!passes_gradient(network, source))
            continue;
        const operand a = {.a = d_z, .b = (const real *)job->packed + source->packed_rows[0], .ld_a = node->width, .n_runs = 1,
                           .run = node->units, .run_start = AT_ONCE};
        real *d = source_gradient(network, s, source, 0, t);
        product(n, whole_vectors(to->parts * to->width), 1, &a, d, to->ld_d, source->overwrites ? NULL : d, to->ld_d);
    }
}

static inline isize work_of_head(const rnn_node *node, isize rows) { return rows * node->work; }

/* ---- results ---- */

/* Number of the target, and of the result, of row i at step t; -1: it has none. */
static inline isize target_of(const rnn_job *job, const slice *s, isize i, isize t)
{
    if (job->network->per_step)
        return job->data.offsets[s->sample[i]] + t;
    return t == s->length[i] - 1 ? s->sample[i] : -1;
}

/* One row of results, after the link unless raw. */
static void put_output(const rnn_job *job, isize at, real *z)
{
    const rnn_network *network = job->network;
    if (!job->batch.raw)
        loss_roster[network->loss].link(network, z);
    memcpy((real *)job->batch.output + at * network->outputs, z, (size_t)network->outputs * sizeof(real));
}

static inline int puts_outputs(const rnn_job *job, int number)
{
    return !job->network->training && job->network->result == number;
}

/* ---- loss ---- */

/* Loss of one row of raw outputs z, whose target is number `target` of the data; z becomes its gradient. */
static double loss_of_row(const rnn_job *job, isize target, real *z)
{
    const rnn_network *network = job->network;
    const rnn_data *data = &job->data;
    const isize at = target * network->n_targets;
    const real *y = data->targets ? (const real *)data->targets + at : NULL;
    return loss_roster[network->loss].loss(network, z, y, data->labels ? data->labels + at : NULL, z);
}

/* What the row adds to the loss of the minibatch; z becomes the gradient of that. */
static double weighted_loss(const rnn_job *job, isize target, real *z)
{
    const rnn_network *network = job->network;
    const rnn_data *data = &job->data;
    const double weight = data->weights ? data->weights[target] : 1;
    if (weight == 0) {          /* not taught: its target is ignored */
        memset(z, 0, (size_t)network->output_width * sizeof(real));
        return 0;
    }
    const double loss = loss_of_row(job, target, z);
    const real scale = (real)(weight / job->batch.divisor);
    for (isize j = 0; j < network->output_width; j += LANES)
        vstore(z + j, vload(z + j) * scale);
    return loss * weight / job->batch.total_weight;
}

/* See rnn_kernels. */
static void row_losses(const rnn_job *job, isize n, const void *outputs, void *row, double *losses)
{
    const rnn_network *network = job->network;
    const isize columns = network->outputs;
    real *z = row;
    for (isize i = 0; i < n; i++) {
        memset(z, 0, (size_t)network->output_width * sizeof(real));
        memcpy(z, (const real *)outputs + i * columns, (size_t)columns * sizeof(real));
        losses[i] = job->data.weights && job->data.weights[i] == 0 ? 0 : loss_of_row(job, i, z);
    }
}

/* Loss of the rows of step t; z becomes its gradient. */
static double step_loss(const rnn_job *job, const slice *s, isize t, real *z)
{
    double loss = 0;
    for (isize i = 0; i < rows_at(s, t); i++, z += job->network->output_width) {
        const isize target = target_of(job, s, i, t);
        if (target >= 0)
            loss += weighted_loss(job, target, z);
        else
            memset(z, 0, (size_t)job->network->output_width * sizeof(real));
    }
    return loss;
}

/* ---- one row per sequence ---- */

static int head_forward_once(rnn_job *job, slice *s, int number)
{
    const rnn_node *node = &job->network->node[number];
    real *z = s->arena + job->network->logits;
    if (!puts_outputs(job, number) || !is_complete(s))
        return 0;
    head_products(job, s, node, 0, s->rows, z);
    for (isize i = 0; i < s->rows; i++)
        put_output(job, s->sample[i], z + i * node->width);
    return 0;
}

static int head_backward_once(rnn_job *job, slice *s, int number)
{
    const rnn_node *node = &job->network->node[number];
    real *z = s->arena + job->network->logits;
    if (s->end < s->steps)
        return 0;
    head_products(job, s, node, 0, s->rows, z);
    for (isize i = 0; i < s->rows; i++)
        s->loss += weighted_loss(job, s->sample[i], z + i * node->width);
    head_weight_gradients(job, s, node, 0, s->rows, z, 0);
    head_source_gradients(job, s, node, 0, s->rows, z);
    return 0;
}

/* ---- the rows of all steps, in blocks ---- */

static int head_forward_blocks(rnn_job *job, slice *s, int number)
{
    const rnn_node *node = &job->network->node[number];
    if (!puts_outputs(job, number))
        return 0;
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s->offset, end);
        const isize n = rows_of(s, first, end);
        real *z = s->arena + job->network->logits;
        head_products(job, s, node, first, n, z);
        for (isize t = first; t < end; t++)
            for (isize i = 0; i < rows_at(s, t); i++, z += node->width) {
                const isize at = target_of(job, s, i, t);
                if (at >= 0)
                    put_output(job, at, z);
            }
        if (poll_stop(job, s->worker, work_of_head(node, n)))
            return 1;
    }
    return 0;
}

static int head_backward_blocks(rnn_job *job, slice *s, int number)
{
    const rnn_node *node = &job->network->node[number];
    real *z = s->arena + job->network->logits;
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s->offset, end);
        const isize n = rows_of(s, first, end);
        head_products(job, s, node, first, n, z);
        for (isize t = end - 1; t >= first; t--)        /* the order in which a head that goes step by step meets them */
            s->loss += step_loss(job, s, t, z + rows_of(s, first, t) * node->width);
        head_weight_gradients(job, s, node, first, n, z, end < s->steps);
        head_source_gradients(job, s, node, first, n, z);
        if (poll_stop(job, s->worker, 3 * work_of_head(node, n)))
            return 1;
    }
    return 0;
}

/* ---- step by step ---- */

/* (rows, width) the logits of step t, where they are kept */
static real *logits_of(const slice *s, const rnn_node *node, isize t)
{
    return s->arena + node->gates + row_at(s, t, node->gates_kept) * node->width;
}

/* Add to d_z (rows, width) what comes back through the link from those who read the outputs y. */
static void add_gradient_of_outputs(const rnn_job *job, const slice *s, const rnn_node *node, isize t, real *d_z)
{
    const rnn_network *network = job->network;
    const real *y = stream_rows(network, s, &node->out, t), *d_y = gradient_rows(s, &node->out, t);
    for (isize i = 0; i < rows_at(s, t); i++)
        loss_roster[network->loss].link_backward(network, y + i * node->width, d_y + i * node->out.ld_d, d_z + i * node->width);
}

static void head_begin_backward(rnn_job *job, slice *s, int number, int d)
{
    begin_blocks(&walk_of(s, number, d)->waiting, s, goes_in_reverse(job->network, &job->network->node[number]));
}

static void head_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out;
    const isize n = rows_at(s, t), width = node->width;
    real *z = logits_of(s, node, t), *y = out->life == NOWHERE ? NULL : stream_rows(network, s, out, t);
    (void)d;
    if (network->training && !y)        /* nobody needs it before backward */
        return;
    head_products(job, s, node, t, n, z);
    for (isize i = 0; i < n; i++) {
        if (y) {
            memcpy(y + i * width, z + i * width, (size_t)width * sizeof(real));
            loss_roster[network->loss].link(network, y + i * width);
        }
        const isize at = puts_outputs(job, number) ? target_of(job, s, i, t) : -1;
        if (at >= 0)
            put_output(job, at, z + i * width);
    }
}

static void head_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_node *node = &job->network->node[number];
    waiting_rows *waiting = &walk_of(s, number, d)->waiting;
    const isize n = rows_at(s, t);
    real *z = logits_of(s, node, t);
    if (node->out.life == NOWHERE)
        head_products(job, s, node, t, n, z);
    s->loss += step_loss(job, s, t, z);
    if (node->out.life != NOWHERE)
        add_gradient_of_outputs(job, s, node, t, z);
    head_source_gradients(job, s, node, t, n, z);
    if (is_block(waiting, s, goes_in_reverse(job->network, node), t)) {
        const isize first = waiting->first;
        head_weight_gradients(job, s, node, first, rows_of(s, first, waiting->end), logits_of(s, node, first),
                              waiting->accumulate);
        begin_next_block(waiting, goes_in_reverse(job->network, node));
    }
}

/* ---- in a stage of its own ---- */

static int head_forward(rnn_job *job, slice *s, int number)
{
    const int once = is_once(job->network, &job->network->node[number]);
    return once ? head_forward_once(job, s, number) : head_forward_blocks(job, s, number);
}

static int head_backward(rnn_job *job, slice *s, int number)
{
    const int once = is_once(job->network, &job->network->node[number]);
    return once ? head_backward_once(job, s, number) : head_backward_blocks(job, s, number);
}

#define head_kind { \
    .info = {.name = "head", .rows = ROWS_OF_SOURCE, .has_units = 1, .reads_once = 1, .needs_earlier = 1, .on_demand = 1, \
             .is_output = 1}, \
    .declare = head_declare, .shape = head_shape, .work = head_work, .add_weights = head_add_weights, .claim = head_claim, \
    .forward_step = head_forward_step, .begin_backward = head_begin_backward, .backward_step = head_backward_step, \
    .forward = head_forward, .backward = head_backward}

#endif
