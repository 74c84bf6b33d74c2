/* The head: a linear map from its sources to the outputs, their loss, and the way back.
 *
 * It reads one row per sequence, or the rows of all steps in blocks. If other nodes read its stream (the outputs after the
 * link), or if it is in one stage with them, it goes step by step and keeps its logits; a target per sequence then belongs to
 * the last step.
 */
#ifndef SKLEARN_RNN_HEAD_H
#define SKLEARN_RNN_HEAD_H

#include "levels/losses.h"
#include "nodes/linear.h"
#include "nodes/sources.h"
#include "plan/shapes.h"
#include "run/stop.h"
#include "run/walk.h"

/* ---- the plan ---- */

static void head_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    (void)from;
    node->width = whole_vectors(node->units);
    shape_stream(&node->out, 1, node->units, node->width, node->width);
    network->head = number;
    network->outputs += node->units;
}

static void head_add_weights(rnn_network *network, int number, int d) { linear_add_weights(network, number, d, 1); }

static void head_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    const rnn_stage *stage = &network->stage[node->stage];
    (void)n_before;
    if (stage->by_segment && node->out.life == NOWHERE)
        return;         /* it goes block by block and needs only `logits` */
    node->gates_kept = network->training;
    node->gates = claim(&network->arena, network->training ? axis_of(network, node)->segment_rows : network->max_rows, node->width);
}

/* ---- results ---- */

/* Number of the target, and of the result, of row i at step t; -1: it has none. */
static inline isize target_of(const rnn_job *job, const slice *s, isize i, isize t)
{
    const rnn_data *data = s->data;
    const isize sample = s->sample[i];
    if (data->taught_from && t < data->taught_from[sample])
        return -1;
    if (job->network->per_step)
        return data->first[sample] + t;
    if (t < s->length[i] - 1)
        return -1;
    return data->sequence ? data->sequence[sample] : sample;
}

/* ---- tails: see tail.h ---- */

/* Classes that are outputs of the head itself: the others of its outputs are tails. */
static inline isize n_frequent(const rnn_network *network) { return network->node[network->head].units - network->n_tails; }

/* First class of tail number k */
static inline isize first_class(const rnn_network *network, int k)
{
    isize first = n_frequent(network);
    for (int i = 0; i < k; i++)
        first += network->node[network->tail[i]].units;
    return first;
}

/* Number of a node among the tails */
static inline int tail_of(const rnn_network *network, int number)
{
    int k = 0;
    while (network->tail[k] != number)
        k++;
    return k;
}

/* Number of the tail that a class belongs to, or -1 */
static inline int tail_of_class(const rnn_network *network, isize label)
{
    int k = -1;
    while (k + 1 < network->n_tails && label >= first_class(network, k + 1))
        k++;
    return k;
}

/* One row of results, of which the tails have written log p_tail: log p of all classes, and p unless raw. */
static void put_all_outputs(const rnn_job *job, isize at, real *z)
{
    const rnn_network *network = job->network;
    const isize frequent = n_frequent(network);
    real *output = (real *)job->batch.output + at * network->outputs, *of_tail = output + frequent;
    log_softmax_part(network->node[network->head].units, z);
    memcpy(output, z, (size_t)frequent * sizeof(real));
    for (int k = 0; k < network->n_tails; of_tail += network->node[network->tail[k++]].units)
        for (isize j = 0; j < network->node[network->tail[k]].units; j++)
            of_tail[j] += z[frequent + k];
    if (!job->batch.raw)
        exp_part(network->outputs, output);
}

/* ---- one row ---- */

static double head_loss(const rnn_job *job, isize target, real *z);

/* One row of results, after the link unless raw; or its loss. z may be overwritten. */
static void put_output(const rnn_job *job, isize at, real *z)
{
    const rnn_network *network = job->network;
    const double *weights = data_of_result(job)->weights;
    if (job->batch.row_losses) {
        if (!weights || weights[at] != 0)
            job->batch.row_losses[at] += head_loss(job, at, z);
        return;
    }
    if (network->n_tails) {
        put_all_outputs(job, at, z);
        return;
    }
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
    const rnn_data *data = data_of_result(job);
    const isize at = target * network->n_targets;
    const real *y = data->targets ? (const real *)data->targets + at : NULL;
    return loss_roster[network->loss].loss(network, z, y, data->labels ? data->labels + at : NULL, z);
}

/* The same for the outputs of the head alone, some of which may stand for tails. */
static double head_loss(const rnn_job *job, isize target, real *z)
{
    const rnn_network *network = job->network;
    if (network->n_tails == 0)
        return loss_of_row(job, target, z);
    const rnn_node *head = &network->node[network->head];
    const isize label = data_of_result(job)->labels[target];
    const int tail = tail_of_class(network, label);
    return softmax_loss_of(network, head->units, head->width, tail < 0 ? label : n_frequent(network) + tail, z, z);
}

/* What a row with a loss and its gradient z (width,) adds to those of the minibatch; z becomes the latter. */
static inline double scaled_loss(const rnn_job *job, isize target, isize width, double loss, real *z)
{
    const double *weights = data_of_result(job)->weights, weight = weights ? weights[target] : 1;
    const real scale = (real)(weight / job->batch.divisor);
    for (isize j = 0; j < width; j += LANES)
        vstore(z + j, vload(z + j) * scale);
    return loss * weight / job->batch.total_weight;
}

/* Numbers in a row of the head's outputs */
static inline isize width_of_head(const rnn_network *network) { return network->node[network->head].width; }

/* What the row adds to the loss of the minibatch; z becomes the gradient of that. */
static double weighted_loss(const rnn_job *job, isize target, real *z)
{
    const double *weights = data_of_result(job)->weights;
    const isize width = width_of_head(job->network);
    if (weights && weights[target] == 0) {          /* not taught: its target is ignored */
        memset(z, 0, (size_t)width * sizeof(real));
        return 0;
    }
    return scaled_loss(job, target, width, head_loss(job, target, z), z);
}

/* See node_kind. */
static void head_row_losses(const rnn_job *job, isize n, const void *outputs, void *row, double *losses)
{
    const rnn_network *network = job->network;
    const isize columns = network->outputs;
    const double *weights = data_of_result(job)->weights;
    real *z = row;
    for (isize i = 0; i < n; i++) {
        memset(z, 0, (size_t)network->output_width * sizeof(real));
        memcpy(z, (const real *)outputs + i * columns, (size_t)columns * sizeof(real));
        losses[i] = weights && weights[i] == 0 ? 0 : loss_of_row(job, i, z);
    }
}

/* Loss of row i at step t; z becomes its gradient. */
static double loss_at(const rnn_job *job, const slice *s, isize i, isize t, real *z)
{
    const isize target = target_of(job, s, i, t);
    if (target >= 0)
        return weighted_loss(job, target, z);
    memset(z, 0, (size_t)width_of_head(job->network) * sizeof(real));
    return 0;
}

/* Loss of the rows of step t; z becomes its gradient. */
static double step_loss(const rnn_job *job, const slice *s, isize t, real *z)
{
    double loss = 0;
    for (isize i = 0; i < rows_at(s, t); i++, z += width_of_head(job->network))
        loss += loss_at(job, s, i, t, z);
    return loss;
}

/* ---- one row per sequence ---- */

static int head_forward_once(rnn_job *job, slice *s, int number)
{
    const rnn_node *node = &job->network->node[number];
    real *z = s->arena + job->network->logits;
    if (!puts_outputs(job, number) || !is_complete(s))
        return 0;
    linear_products(job, s, node, 0, 0, 1, z, node->width);
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
    linear_products(job, s, node, 0, 0, 1, z, node->width);
    for (isize i = 0; i < s->rows; i++)
        s->loss += loss_at(job, s, i, s->length[i] - 1, z + i * node->width);
    linear_weight_gradients(job, s, node, 0, 0, 1, z, node->width, 0);
    linear_source_gradients(job, s, node, 0, 0, 1, z, node->width);
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
        linear_products(job, s, node, 0, first, end, z, node->width);
        for (isize t = first; t < end; t++)
            for (isize i = 0; i < rows_at(s, t); i++, z += node->width) {
                const isize at = target_of(job, s, i, t);
                if (at >= 0)
                    put_output(job, at, z);
            }
        if (poll_stop(job, s->worker, n * node->work))
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
        linear_products(job, s, node, 0, first, end, z, node->width);
        for (isize t = end - 1; t >= first; t--)        /* the order in which a head that goes step by step meets them */
            s->loss += step_loss(job, s, t, z + rows_of(s, first, t) * node->width);
        linear_weight_gradients(job, s, node, 0, first, end, z, node->width, end < s->steps);
        linear_source_gradients(job, s, node, 0, first, end, z, node->width);
        if (poll_stop(job, s->worker, n * (node->work + node->work_back)))
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
    linear_products(job, s, node, 0, t, t + 1, z, node->width);
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
    real *z = logits_of(s, node, t);
    if (node->out.life == NOWHERE)
        linear_products(job, s, node, 0, t, t + 1, z, node->width);
    s->loss += step_loss(job, s, t, z);
    if (node->out.life != NOWHERE)
        add_gradient_of_outputs(job, s, node, t, z);
    linear_source_gradients(job, s, node, 0, t, t + 1, z, node->width);
    if (is_block(waiting, s, goes_in_reverse(job->network, node), t)) {
        linear_weight_gradients(job, s, node, 0, waiting->first, waiting->end, logits_of(s, node, waiting->first), node->width,
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
    .declare = linear_declare, .shape = head_shape, .work = linear_work, .add_weights = head_add_weights, .claim = head_claim, \
    .forward_step = head_forward_step, .begin_backward = head_begin_backward, .backward_step = head_backward_step, \
    .forward = head_forward, .backward = head_backward, .row_losses = head_row_losses}

#endif
