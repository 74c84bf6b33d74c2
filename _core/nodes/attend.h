/* Attention pooling, one row per sequence (Bahdanau, Cho and Bengio, 2015; Yang et al., 2016):
 *
 *     u_t = tanh(h_t W^T + b),   e_t = score . u_t,   a = softmax of e over the steps,   y = sum over t of a_t h_t
 *
 * Forward goes through the steps once. Per sequence it keeps the greatest e so far, the sum of exp(e - greatest), and the sum of
 * h weighted in the same way (Milakov and Gimelshein, 2018). So longer sequences need no more memory, and the order of the sums
 * does not depend on the segments. Backward computes u and e again, block by block of rows.
 */
#ifndef SKLEARN_RNN_ATTEND_H
#define SKLEARN_RNN_ATTEND_H

#include "cells/declare.h"
#include "levels/rows.h"
#include "nodes/sources.h"
#include "plan/shapes.h"
#include "plan/weights.h"
#include "run/stop.h"
#include "weights/gradients.h"

/* What it keeps: vectors of numbers per sequence, and the u and e of a block of rows. */
enum { ATTEND_PER_SEQUENCE, ATTEND_U, ATTEND_E };
enum { GREATEST, DENOMINATOR, D_Y_Y, N_PER_SEQUENCE };

/* ---- the plan ---- */

static void attend_declare(rnn_node *node) { gate(&node->declared, X_ONLY); }

static void attend_shape(rnn_network *network, int number, const rnn_stream *from)
{
    shape_padded(network, number, from);
    network->node[number].width = whole_vectors(network->node[number].units);
}

static double attend_work(const rnn_node *node, double inputs) { return (double)node->width * inputs; }

static void attend_add_weights(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    rnn_source *source = source_of(network, node, 0);
    add_source_weights(network, number, d, 0, "weight");
    add_vector(network, number, 1, "bias", ZEROS, 0, &direction->bias, &direction->d_bias);
    add_vector(network, number, 1, "score", GLOROT, 0, &direction->own[0], &direction->d_own[0]);
    source->packed[d][0] = pack_blocks(network, source->tensor[d], 0, columns_of(network, source), 1, node->declared.x_gate,
                                       node->units, node->width);
}

static void attend_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    const isize waiting = network->max_rows + BLOCK_ROWS;
    (void)n_before;
    node->kept[ATTEND_PER_SEQUENCE] = claim(&network->arena, N_PER_SEQUENCE, whole_vectors(network->max_rows));
    node->kept[ATTEND_U] = claim(&network->arena, waiting, node->width);
    node->kept[ATTEND_E] = claim(&network->arena, 1, waiting + LANES);
}

/* ---- scores ---- */

static inline real *attend_vector(const rnn_network *network, const slice *s, const rnn_node *node, int which)
{
    return s->arena + node->kept[ATTEND_PER_SEQUENCE] + which * whole_vectors(network->max_rows);
}

/* u (n, width) and e (n,) of the rows from step t on */
static void attend_scores(const rnn_job *job, const slice *s, const rnn_node *node, isize t, isize n, real *u, real *e)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, 0);
    const real *packed = job->packed, *score = packed + node->direction[0].own[0];
    operand h = operand_of(stream_of(network, source), packed + source->packed[0][0]);
    h.a = source_rows(network, s, source, 0, t);
    product(n, node->width, 1, &h, u, node->width, packed + node->direction[0].bias, 0);
    for (isize i = 0; i < n; i++, u += node->width) {
        vec sum = vset(0);
        for (isize j = 0; j < node->width; j += LANES) {
            const vec tanh = vtanh(vload(u + j));
            vstore(u + j, tanh);
            sum += tanh * vload(score + j);
        }
        e[i] = vsum(sum);
    }
}

/* ---- forward ---- */

/* y = y keep + h weight */
static inline void attend_add_row(const rnn_stream *out, const rnn_stream *from, const real *h, real keep, real weight, real *y)
{
    for (isize part = 0; part < out->parts; part++)
        for (isize j = 0; j < out->units; j += LANES) {
            real *to = y + out->start[part] + j;
            vstore(to, vload(to) * keep + row_load(h + from->start[part], j, out->units) * weight);
        }
}

/* Take step t, whose scores are e (rows,), into the sums. */
static void attend_step(const rnn_network *network, const slice *s, const rnn_node *node, isize t, const real *e)
{
    const rnn_stream *out = &node->out, *from = stream_of(network, source_of(network, node, 0));
    const real *h = stream_rows(network, s, from, t);
    real *y = s->arena + out->at;
    for (isize first = 0, n; first < rows_at(s, t); first += LANES) {
        real *greatest = attend_vector(network, s, node, GREATEST) + first,
             *denominator = attend_vector(network, s, node, DENOMINATOR) + first, keep[LANES], weight[LANES];
        n = least(LANES, rows_at(s, t) - first);
        const ivec running = first_lanes(n);
        const vec score = vload(e + first), before = t == 0 ? score : vload(greatest),
                  now = vselect(score > before, score, before), sum = t == 0 ? vset(0) : vload(denominator);
        vstore(keep, vexp(before - now));
        vstore(weight, vexp(score - now));
        vstore(greatest, vselect(running, now, vload(greatest)));
        vstore(denominator, vselect(running, sum * vload(keep) + vload(weight), vload(denominator)));
        for (isize i = 0; i < n; i++)
            attend_add_row(out, from, h + (first + i) * from->ld, keep[i], weight[i], y + (first + i) * out->ld);
    }
}

static void attend_finish(const rnn_network *network, const slice *s, const rnn_node *node)
{
    const rnn_stream *out = &node->out;
    const real *denominator = attend_vector(network, s, node, DENOMINATOR);
    real *y = s->arena + out->at;
    for (isize i = 0; i < s->rows; i++, y += out->ld)
        for (isize j = 0; j < out->parts * out->width; j++)
            y[j] /= denominator[i];
}

static int attend_forward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    real *u = s->arena + node->kept[ATTEND_U], *e = s->arena + node->kept[ATTEND_E];
    if (s->again)
        return 0;
    if (s->first == 0)
        memset(s->arena + node->out.at, 0, (size_t)(s->rows * node->out.ld) * sizeof(real));
    for (isize first = s->first, end; first < s->end; first = end) {
        for (end = first + 1; end < s->end && rows_of(s, first, end) < BLOCK_ROWS;)
            end++;
        attend_scores(job, s, node, first, rows_of(s, first, end), u, e);
        for (isize t = first; t < end; t++)
            attend_step(network, s, node, t, e + rows_of(s, first, t));
        if (poll_stop(job, s->worker, rows_of(s, first, end) * node->work))
            return 1;
    }
    if (is_complete(s))
        attend_finish(network, s, node);
    return 0;
}

/* ---- backward ---- */

/* d_y . y of each sequence */
static void attend_begin_backward(const rnn_network *network, const slice *s, const rnn_node *node)
{
    const rnn_stream *out = &node->out;
    const row_shape shape = {out->parts, out->units, out->start};
    real *products = attend_vector(network, s, node, D_Y_Y);
    for (isize i = 0; i < s->rows; i++)
        products[i] = row_dot(&shape, s->arena + out->d + i * out->ld_d, s->arena + out->at + i * out->ld);
}

/* e (rows of step t,) becomes a = exp(e - greatest) / denominator */
static void attend_weights(const rnn_network *network, const slice *s, const rnn_node *node, isize t, real *e)
{
    const real *greatest = attend_vector(network, s, node, GREATEST), *denominator = attend_vector(network, s, node, DENOMINATOR);
    for (isize first = 0; first < rows_at(s, t); first += LANES) {
        const vec score = vload(e + first), a = vexp(score - vload(greatest + first)) / vload(denominator + first);
        vstore(e + first, vselect(first_lanes(rows_at(s, t) - first), a, score));
    }
}

/* d_e = a (d_y . h - d_y . y);  d_score += d_e u;  u becomes d_z = d_e score (1 - u^2), for the rows of step t */
static void attend_score_gradients(const rnn_job *job, const slice *s, const rnn_node *node, isize t, const real *a,
                                   real *d_score, real *u)
{
    const rnn_network *network = job->network;
    const rnn_stream *out = &node->out, *from = stream_of(network, source_of(network, node, 0));
    const row_shape shape = {out->parts, out->units, out->start};
    const real *h = stream_rows(network, s, from, t), *score = (const real *)job->packed + node->direction[0].own[0],
               *products = attend_vector(network, s, node, D_Y_Y);
    for (isize i = 0; i < rows_at(s, t); i++, u += node->width) {
        const real d_e = a[i] * (row_dot(&shape, s->arena + out->d + i * out->ld_d, h + i * from->ld) - products[i]);
        for (isize j = 0; j < node->width; j += LANES) {
            const vec tanh = vload(u + j);
            vstore(d_score + j, vload(d_score + j) + d_e * tanh);
            vstore(u + j, d_e * vload(score + j) * (1 - tanh * tanh));
        }
    }
}

/* d_h (+)= d_z W + a d_y, for the rows of steps first..end */
static void attend_source_gradients(const rnn_job *job, const slice *s, const rnn_node *node, isize first, isize end,
                                    const real *a, const real *d_z)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *out = &node->out, *to = stream_of(network, source);
    const operand z = {.a = d_z, .b = (const real *)job->packed + source->packed_rows[0], .ld_a = node->width, .n_runs = 1,
                       .run = node->units, .run_start = AT_ONCE};
    if (!passes_gradient(network, source))
        return;
    real *d_h = source_gradient(network, s, source, 0, first);
    product(rows_of(s, first, end), whole_vectors(to->parts * to->width), 1, &z, d_h, to->ld_d, source->overwrites ? NULL : d_h,
            to->ld_d);
    for (isize t = first; t < end; t++) {
        const real *d_y = s->arena + out->d;
        for (isize i = 0; i < rows_at(s, t); i++, a++, d_y += out->ld_d, d_h += to->ld_d)
            for (isize part = 0; part < out->parts; part++)
                for (isize j = 0; j < out->units; j++)
                    d_h[to->start[part] + j] += *a * d_y[out->start[part] + j];
    }
}

static void attend_block_backward(const rnn_job *job, const slice *s, const rnn_node *node, isize first, isize end)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, 0);
    const isize n = rows_of(s, first, end);
    real *u = s->arena + node->kept[ATTEND_U], *e = s->arena + node->kept[ATTEND_E],
         *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    gradient_operand h = {.a = operand_of(stream_of(network, source), NULL), .c = gradient + source->gradient[0]};
    h.a.a = source_rows(network, s, source, 0, first);
    attend_scores(job, s, node, first, n, u, e);
    for (isize t = first; t < end; t++) {
        const isize row = rows_of(s, first, t);
        attend_weights(network, s, node, t, e + row);
        attend_score_gradients(job, s, node, t, e + row, gradient + node->direction[0].d_own[0], u + row * node->width);
    }
    if (!node->frozen)
        weight_gradients(job, s->arena + network->panel, n, u, node->width, node->width, 1, &h, node->width,
                         gradient + node->direction[0].d_bias, end < s->steps);
    attend_source_gradients(job, s, node, first, end, e, u);
}

static int attend_backward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    if (s->end == s->steps) {
        real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
        memset(gradient + node->direction[0].d_own[0], 0, (size_t)node->width * sizeof(real));
        attend_begin_backward(network, s, node);
    }
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s->offset, end);
        attend_block_backward(job, s, node, first, end);
        if (poll_stop(job, s->worker, rows_of(s, first, end) * (node->work + node->work_back)))
            return 1;
    }
    return 0;
}

#define attend_kind { \
    .info = {.name = "attend", .rows = ROW_PER_SEQUENCE, .has_units = 1, .reads_one = 1, .reads_equal = 1, .needs_earlier = 1}, \
    .declare = attend_declare, .shape = attend_shape, .work = attend_work, .add_weights = attend_add_weights, \
    .claim = attend_claim, .forward = attend_forward, .backward = attend_backward}

#endif
