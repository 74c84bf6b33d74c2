/* A tail of an adaptive softmax (Grave, Joulin, Cisse, Grangier and Jegou, 2017).
 *
 * The classes are sorted by frequency. The head has an output for each of the most frequent ones, and behind them one for each
 * tail; a tail has an output for each class of a run of the others, and reads a narrow projection of what the head reads:
 *
 *     p(class) = p_head(class)                  for a frequent class
 *     p(class) = p_head(tail) p_tail(class)     for another
 *
 * Training computes a tail only for the rows whose targets are among its classes. The loss is a sum over head and tails, so each
 * has its own part of it. A prediction computes the logarithms of all probabilities, which are the outputs before the link.
 */
#ifndef SKLEARN_RNN_TAIL_H
#define SKLEARN_RNN_TAIL_H

#include "nodes/head.h"

enum { TAIL_ROWS = 32 };        /* that are computed together: few, because they may have many outputs */
enum { TAIL_INPUTS, TAIL_D_INPUTS };

/* ---- the plan ---- */

static void tail_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    (void)from;
    node->width = whole_vectors(node->units);
    shape_stream(&node->out, 1, node->units, node->width, node->width);
    network->tail[network->n_tails++] = number;
    network->outputs += node->units - 1;        /* that of the head is not a class */
}

static void tail_add_weights(rnn_network *network, int number, int d) { linear_add_weights(network, number, d, 0); }

static void tail_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    const rnn_stream *from = stream_of(network, source_of(network, node, 0));
    (void)n_before;
    node->gates = claim(&network->arena, TAIL_ROWS, node->width);
    node->kept[TAIL_INPUTS] = claim(&network->arena, TAIL_ROWS, from->ld);
    node->kept[TAIL_D_INPUTS] = claim(&network->arena, network->training ? TAIL_ROWS : 0, from->ld_d);
}

/* ---- rows ---- */

/* Rows of one block that are computed together. */
typedef struct {
    isize n, row[TAIL_ROWS], target[TAIL_ROWS];         /* their numbers in the block, and those of their targets */
    const real *x;                                      /* (rows of the block, ld) the source */
    real *d_x;                                          /* (rows of the block, ld_d) its gradient, or NULL */
} tail_rows;

/* The rows of a block, none of them taken yet. In training the gradient of the source begins with zeros. */
static tail_rows open_tail_rows(const rnn_job *job, const slice *s, const rnn_node *node, isize first, isize end)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *from = stream_of(network, source);
    tail_rows taken = {.x = source_rows(network, s, source, 0, first)};
    if (network->training && passes_gradient(network, source)) {
        taken.d_x = source_gradient(network, s, source, 0, first);
        if (source->overwrites)
            memset(taken.d_x, 0, (size_t)(linear_rows(network, s, node, first, end) * from->ld_d) * sizeof(real));
    }
    return taken;
}

/* (n, width) the outputs of the rows */
static real *tail_outputs(const rnn_job *job, const slice *s, const rnn_node *node, const tail_rows *taken)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *from = stream_of(network, source);
    operand a = operand_of(from, (const real *)job->packed + source->packed[0][0]);
    real *x = s->arena + node->kept[TAIL_INPUTS], *z = s->arena + node->gates;
    for (isize k = 0; k < taken->n; k++)
        memcpy(x + k * from->ld, taken->x + taken->row[k] * from->ld, (size_t)from->ld * sizeof(real));
    a.a = x;
    product(taken->n, node->width, 1, &a, z, node->width, NULL, 0);
    return z;
}

/* d_W += x^T d_z, d_x += d_z W^T */
static void tail_gradients(const rnn_job *job, const slice *s, const rnn_node *node, const tail_rows *taken, const real *d_z)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *from = stream_of(network, source);
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    if (!node->frozen) {
        gradient_operand input = {.a = operand_of(from, NULL), .c = gradient + source->gradient[0]};
        input.a.a = s->arena + node->kept[TAIL_INPUTS];
        weight_gradients(job, s->arena + network->panel, taken->n, d_z, node->width, node->width, 1, &input, node->width,
                         gradient + node->direction[0].d_bias, 1);
    }
    if (!taken->d_x)
        return;
    const operand a = {.a = d_z, .b = (const real *)job->packed + source->packed_rows[0], .ld_a = node->width, .n_runs = 1,
                       .run = node->units, .run_start = AT_ONCE};
    real *d = s->arena + node->kept[TAIL_D_INPUTS];
    product(taken->n, whole_vectors(from->parts * from->width), 1, &a, d, from->ld_d, NULL, 0);
    for (isize k = 0; k < taken->n; k++, d += from->ld_d)
        for (isize j = 0; j < from->parts * from->width; j++)
            taken->d_x[taken->row[k] * from->ld_d + j] += d[j];
}

/* The losses of the rows that were taken, and in training their gradients; then there are none. */
static void close_tail_rows(rnn_job *job, slice *s, int number, tail_rows *taken)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_data *data = s->data;
    const int tail = tail_of(network, number);
    if (taken->n == 0)
        return;
    real *z = tail_outputs(job, s, node, taken);
    for (isize k = 0; k < taken->n; k++) {
        const isize at = taken->target[k], label = data->labels[at] - first_class(network, tail);
        const double loss = softmax_loss_of(network, node->units, node->width, label, z + k * node->width, z + k * node->width);
        if (!network->training)
            job->batch.row_losses[at] += loss;
        else
            s->tail_loss[tail] += scaled_loss(job, at, node->width, loss, z + k * node->width);
    }
    if (network->training)
        tail_gradients(job, s, node, taken, z);
    taken->n = 0;
}

/* The losses of steps first..end, or of the last steps: of the rows whose targets are among the classes of the tail. */
static void tail_losses(rnn_job *job, slice *s, int number, isize first, isize end)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_data *data = s->data;
    const int tail = tail_of(network, number), once = is_once(network, node);
    tail_rows taken = open_tail_rows(job, s, node, first, end);
    for (isize t = first, row = 0; t < end; t++)
        for (isize i = 0; i < (once ? s->rows : rows_at(s, t)); i++, row++) {
            const isize at = target_of(job, s, i, once ? s->length[i] - 1 : t);
            if (at < 0 || (data->weights && data->weights[at] == 0) || tail_of_class(network, data->labels[at]) != tail)
                continue;
            taken.row[taken.n] = row;
            taken.target[taken.n++] = at;
            if (taken.n == TAIL_ROWS)
                close_tail_rows(job, s, number, &taken);
        }
    close_tail_rows(job, s, number, &taken);
}

/* log p_tail of all classes, to where they are in the rows of results; the head will add log p_head(tail) */
static void put_tail_outputs(const rnn_job *job, const slice *s, int number, isize first, isize end)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const int once = is_once(network, node);
    real *output = (real *)job->batch.output + first_class(network, tail_of(network, number));
    tail_rows taken = open_tail_rows(job, s, node, first, end);
    for (isize t = first, row = 0; t < end; t++)
        for (isize i = 0, n = once ? s->rows : rows_at(s, t); i < n; i++, row++) {
            const isize at = target_of(job, s, i, once ? s->length[i] - 1 : t);
            if (at >= 0) {
                taken.row[taken.n] = row;
                taken.target[taken.n++] = at;
            }
            if (taken.n < TAIL_ROWS && !(taken.n && t == end - 1 && i == n - 1))
                continue;
            real *z = tail_outputs(job, s, node, &taken);
            for (isize k = 0; k < taken.n; k++, z += node->width) {
                log_softmax_part(node->units, z);
                memcpy(output + taken.target[k] * network->outputs, z, (size_t)node->units * sizeof(real));
            }
            taken.n = 0;
        }
}

/* ---- the driver ---- */

/* A slice may have no row of these classes; then its gradient is 0. */
static void tail_open(rnn_job *job, slice *s, int number, int d)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_direction *direction = &node->direction[d];
    const rnn_tensor *tensor = &network->tensor[direction->first_tensor];
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    if (!s->has_backward || node->frozen || s->segment > 0 || s->again)
        return;
    memset(gradient + tensor->gradient, 0, (size_t)(tensor->columns * tensor->ld) * sizeof(real));
    memset(gradient + direction->d_bias, 0, (size_t)node->width * sizeof(real));
}

/* What a prediction asks of some steps. */
static void predict_tail(rnn_job *job, slice *s, int number, isize first, isize end)
{
    if (job->batch.row_losses)
        tail_losses(job, s, number, first, end);
    else
        put_tail_outputs(job, s, number, first, end);
}

static void tail_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    (void)d;
    if (puts_outputs(job, job->network->head))
        predict_tail(job, s, number, t, t + 1);
}

static int tail_forward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    if (!puts_outputs(job, network->head))
        return 0;
    if (is_once(network, node)) {
        if (is_complete(s))
            predict_tail(job, s, number, 0, 1);
        return 0;
    }
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s->offset, end);
        predict_tail(job, s, number, first, end);
        if (poll_stop(job, s->worker, rows_of(s, first, end) * node->work))
            return 1;
    }
    return 0;
}

static int tail_backward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    if (is_once(network, node)) {
        if (s->end == s->steps)
            tail_losses(job, s, number, 0, 1);
        return 0;
    }
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s->offset, end);
        tail_losses(job, s, number, first, end);
        if (poll_stop(job, s->worker, rows_of(s, first, end) * (node->work + node->work_back)))
            return 1;
    }
    return 0;
}

#define tail_kind { \
    .info = {.name = "tail", .rows = ROWS_OF_SOURCE, .has_units = 1, .reads_one = 1, .reads_once = 1, .needs_earlier = 1, \
             .on_demand = 1, .is_tail = 1}, \
    .declare = linear_declare, .shape = tail_shape, .work = linear_work, .add_weights = tail_add_weights, .claim = tail_claim, \
    .open = tail_open, .forward_step = tail_forward_step, .forward = tail_forward, .backward = tail_backward}

#endif
