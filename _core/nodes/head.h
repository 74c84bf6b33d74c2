/* From the last layer's states to outputs and loss, and back: each sequence's own last states, or the states of all steps in
 * blocks.
 */
#ifndef SKLEARN_RNN_HEAD_H
#define SKLEARN_RNN_HEAD_H

#include <string.h>

#include "interface/job.h"
#include "levels/losses.h"
#include "levels/vec.h"
#include "plan/plan.h"
#include "run/slice.h"
#include "run/stop.h"
#include "weights/gemm.h"
#include "weights/gradients.h"

/* z (n, width) = b + h W */
static void head_products(const rnn_job *job, isize n, const real *h, real *z)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const rnn_head *head = &network->head;
    const real *packed = job->packed;
    const operand a = {.a = h, .b = packed + head->w, .ld_a = last->ld_h, .n_runs = network->n_directions,
                       .run = last->hidden, .run_start = {0, last->width}};
    product(n, head->width, 1, &a, z, head->width, packed + head->packed_bias, 0);
}

/* Loss of one row, whose target is number `target` of the data; z becomes its gradient. */
static double row_loss(const rnn_job *job, isize target, real *z)
{
    const rnn_network *network = job->network;
    const rnn_head *head = &network->head;
    const double weight = job->data.weights ? job->data.weights[target] : 1;
    if (weight == 0) {          /* not taught: its target is ignored */
        memset(z, 0, (size_t)head->width * sizeof(real));
        return 0;
    }
    const real *y = job->data.targets ? (const real *)job->data.targets + target * head->outputs : NULL;
    const double loss = loss_roster[network->loss].loss(network, z, y, job->data.labels ? job->data.labels[target] : 0, z);
    const real scale = (real)(weight / job->batch.divisor);
    for (isize j = 0; j < head->width; j += LANES)
        vstore(z + j, vload(z + j) * scale);
    return loss * weight / job->batch.total_weight;
}

/* See rnn_kernels. */
static void row_losses(const rnn_job *job, isize n, const void *outputs, void *row, double *losses)
{
    const rnn_network *network = job->network;
    const isize columns = network->head.outputs;
    real *z = row;
    for (isize i = 0; i < n; i++) {
        const real *y = job->data.targets ? (const real *)job->data.targets + i * columns : NULL;
        memset(z, 0, (size_t)network->head.width * sizeof(real));
        memcpy(z, (const real *)outputs + i * columns, (size_t)columns * sizeof(real));
        losses[i] = job->data.weights && job->data.weights[i] == 0
                        ? 0
                        : loss_roster[network->loss].loss(network, z, y, job->data.labels ? job->data.labels[i] : 0, z);
    }
}

/* Gradients of n rows of the head: its weights, and d_h (n, ld_h) = d_z W^T. */
static void head_gradients(const rnn_job *job, const slice *s, isize n, const real *h, const real *d_z, real *d_h, int accumulate)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const rnn_head *head = &network->head;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    const gradient_operand a = {
        .a = {.a = h, .ld_a = last->ld_h, .n_runs = network->n_directions, .run = last->hidden, .run_start = {0, last->width}},
        .c = gradient + head->d_w};
    const operand b = {.a = d_z, .b = (const real *)job->packed + head->wt, .ld_a = head->width, .n_runs = 1,
                       .run = head->outputs};
    weight_gradients(job, s->arena + network->panel, n, d_z, head->width, head->width, 1, &a, head->width,
                     gradient + head->d_b, accumulate);
    product(n, network->n_directions * last->width, 1, &b, d_h, last->ld_h, NULL, 0);
}

/* last (rows, ld_h): each sequence's own last state, in the reverse direction the one at t = 0. Only sequences whose last step
 * lies in this segment are copied, while that step is in the arena. */
static void gather_last_states(const rnn_network *network, const slice *s)
{
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const int kept = states_kept(network, network->n_layers - 1);
    for (isize i = 0; i < s->rows; i++)
        for (int d = 0; d < network->n_directions; d++) {
            const isize t = d ? 0 : s->length[i] - 1, column = d * last->width;
            if (t >= s->first && t < s->end)
                memcpy(s->arena + network->last + i * last->ld_h + column,
                       s->arena + last->h + (row_at(s, t, kept) + i) * last->ld_h + column, (size_t)last->width * sizeof(real));
        }
}

static inline isize work_of_head(const rnn_network *network, isize rows)
{
    return rows * network->head.width * network->n_directions * network->layer[network->n_layers - 1].hidden;
}

/* Loss of a slice from its last states, and their gradient. */
static void train_head_once(rnn_job *job, slice *s)
{
    const rnn_network *network = job->network;
    const int l = network->n_layers - 1;
    const rnn_layer *last = &network->layer[l];
    real *z = s->arena + network->logits, *h = s->arena + network->last, *d_last = s->arena + network->d_last;
    for (isize i = 0; job->batch.dropping && i < s->rows; i++)
        drop_row(job, l, s->sample[i], 0, h + i * last->ld_h, h + i * last->ld_h);
    head_products(job, s->rows, h, z);
    for (isize i = 0; i < s->rows; i++)
        s->loss += row_loss(job, s->sample[i], z + i * network->head.width);
    head_gradients(job, s, s->rows, h, z, d_last, 0);
    for (isize i = 0; job->batch.dropping && i < s->rows; i++)
        drop_row(job, l, s->sample[i], 0, d_last + i * last->ld_h, d_last + i * last->ld_h);
}

/* Loss of the steps of a segment, and the gradient of their states; 1 when interrupted. */
static int train_head_per_step(rnn_job *job, slice *s)
{
    const rnn_network *network = job->network;
    const int l = network->n_layers - 1;
    const rnn_layer *last = &network->layer[l];
    real *z = s->arena + network->logits;
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s, end);
        const isize row = row_at(s, first, 1), n = rows_of(s, first, end);
        real *h = s->arena + last->h + row * last->ld_h, *d_out = s->arena + last->d_out + row * last->ld_h, *z_row = z;
        if (job->batch.dropping) {
            real *dropped = s->arena + network->dropped;
            drop_steps(job, s, l, first, end, h, dropped);
            h = dropped;
        }
        head_products(job, n, h, z);
        for (isize t = first; t < end; t++)
            for (isize i = 0; i < rows_at(s, t); i++, z_row += network->head.width)
                s->loss += row_loss(job, job->data.offsets[s->sample[i]] + t, z_row);
        head_gradients(job, s, n, h, z, d_out, end < s->steps);
        if (job->batch.dropping)
            drop_steps(job, s, l, first, end, d_out, d_out);
        if (poll_stop(job, s->worker, 3 * work_of_head(network, n)))
            return 1;
    }
    return 0;
}

/* One row of results: outputs, after the link unless raw, or without a head the states themselves. */
static void put_result(const rnn_job *job, isize at, const real *h, real *z)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const rnn_head *head = &network->head;
    if (head->outputs) {
        if (!job->batch.raw)
            loss_roster[network->loss].link(head->outputs, head->width, z);
        memcpy((real *)job->batch.output + at * head->outputs, z, (size_t)head->outputs * sizeof(real));
        return;
    }
    for (int d = 0; d < network->n_directions; d++)
        memcpy((real *)job->batch.output + (at * network->n_directions + d) * last->hidden, h + d * last->width,
               (size_t)last->hidden * sizeof(real));
}

/* Results of a slice from its last states. */
static void predict_head_once(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    const isize ld_h = network->layer[network->n_layers - 1].ld_h;
    const real *h = s->arena + network->last;
    real *z = s->arena + network->logits;
    head_products(job, s->rows, h, z);
    for (isize i = 0; i < s->rows; i++)
        put_result(job, s->sample[i], h + i * ld_h, z + i * network->head.width);
}

/* Results of the steps of a segment; 1 when interrupted. */
static int predict_head_per_step(rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const isize width = network->head.width;
    real *z = s->arena + network->logits;
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s, end);
        const real *h = s->arena + last->h + row_at(s, first, 1) * last->ld_h;
        real *z_row = z;
        const isize n = rows_of(s, first, end);
        head_products(job, n, h, z);
        for (isize t = first; t < end; t++)
            for (isize i = 0; i < rows_at(s, t); i++, z_row += width, h += last->ld_h)
                put_result(job, job->data.offsets[s->sample[i]] + t, h, z_row);
        if (poll_stop(job, s->worker, work_of_head(network, n)))
            return 1;
    }
    return 0;
}

#endif
