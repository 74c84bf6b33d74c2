/* Attention over the steps of the source: at each step of the target a mean of values, weighted by how a query q matches the keys
 * of all source steps j of the same sequence:
 *
 *     c = sum over j of a_j value_j,   a = softmax of e over j
 *
 *     additive (Bahdanau, Cho and Bengio, 2015):   u_j = tanh(q + key_j),   e_j = score . u_j,   q = x W^T + b
 *     dot (Luong, Pham and Manning, 2015):         e_j = q . key_j,                              q = x
 *
 * x is the first source; keys and values are streams of the other axis, all of whose steps are kept. Per row only q, the
 * greatest e and the sum of exp(e - greatest) are kept, so memory grows with the sum of both lengths, not with their product;
 * backward computes e and a again. All sums over j run from the first step to the last, and gradients of keys and values are
 * added from the last target step to the first: bits depend neither on segments nor on other sequences.
 */
#ifndef SKLEARN_RNN_CONTEXT_H
#define SKLEARN_RNN_CONTEXT_H

#include "cells/declare.h"
#include "levels/rows.h"
#include "nodes/sources.h"
#include "plan/shapes.h"
#include "plan/weights.h"
#include "run/stop.h"
#include "run/walk.h"
#include "weights/gradients.h"

enum { CONTEXT_SCORE };
enum { SCORE_ADDITIVE, SCORE_DOT };
enum { CONTEXT_QUERY, CONTEXT_KEYS, CONTEXT_VALUES };   /* its sources */
/* What it keeps: weights a (rows, source steps) of one row, in a session of all rows of the step, in training of the rows of a
 * block; in training also the greatest e and the denominator of each row, u of LANES source steps, and a row of d_q. */
enum { CONTEXT_A, CONTEXT_SOFTMAX, CONTEXT_ROWS };

static const rnn_option context_options[] = {{.name = "score", .type = CHOICE, .choices = "additive dot"}, {0}};

static inline int is_additive(const rnn_node *node) { return (int)node->option[CONTEXT_SCORE] == SCORE_ADDITIVE; }

/* ---- the plan ---- */

/* q has the layout of the keys, each part padded. */
static void context_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    const rnn_stream *keys = stream_of(network, source_of(network, node, CONTEXT_KEYS)),
                     *values = stream_of(network, source_of(network, node, CONTEXT_VALUES));
    const isize width = whole_vectors(values->units);
    (void)from;
    node->units = keys->units;
    node->width = whole_vectors(keys->units);
    for (isize part = 0; part < keys->parts; part++)
        gate(&node->declared, X_ONLY);
    shape_stream(&node->out, values->parts, values->units, width, row_length(values->parts * width));
}

static double context_work(const rnn_node *node, double inputs) { return (double)node->width * inputs; }

static void context_add_weights(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    rnn_source *query = source_of(network, node, CONTEXT_QUERY);
    const int parts = node->declared.n_x;
    if (!is_additive(node))
        return;
    add_source_weights(network, number, d, 0, "weight");
    add_vector(network, number, parts, "bias", ZEROS, 0, &direction->bias, &direction->d_bias);
    add_vector(network, number, parts, "score", GLOROT, 0, &direction->own[0], &direction->d_own[0]);
    query->packed[d][0] = pack_blocks(network, query->tensor[d], 0, columns_of(network, query), parts, node->declared.x_gate,
                                      node->units, node->width);
    for (int part = 0; part < parts; part++)
        direction->x_start[part] = part * node->width;
}

static inline isize weights_ld(const rnn_network *network) { return whole_vectors(network->axis[0].max_steps); }

static void context_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    const isize row = node->declared.n_x * node->width,
                kept = network->training ? axis_of(network, node)->segment_rows : network->max_rows;
    (void)n_before;
    node->gates_kept = network->training;
    node->ld_gates = row_length(row);
    node->gates = claim(&network->arena, kept, node->ld_gates);
    node->kept[CONTEXT_A] = claim(&network->arena, network->training ? network->max_rows + BLOCK_ROWS
                                                   : network->session ? network->max_rows : 1, weights_ld(network));
    if (!network->training)
        return;
    node->kept[CONTEXT_SOFTMAX] = claim(&network->arena, kept, 2);
    node->kept[CONTEXT_ROWS] = claim(&network->arena, LANES + 1, row);
}

/* ---- the source of one row ---- */

/* The keys and values of the sequence of a row, whose step j lies at row offset[j] of the rows below. */
typedef struct {
    const rnn_stream *keys, *values;
    const real *key, *value;
    real *d_key, *d_value;      /* NULL: they get no gradient */
    const isize *offset;
    isize steps;
} context_memory;

static inline context_memory memory_of(const rnn_network *network, const slice *s, const rnn_node *node, isize i)
{
    const slice *from = s->source;
    const isize row = s->source_row[i];
    const rnn_stream *keys = stream_of(network, source_of(network, node, CONTEXT_KEYS)),
                     *values = stream_of(network, source_of(network, node, CONTEXT_VALUES));
    return (context_memory){
        .keys = keys, .values = values, .offset = from->offset, .steps = from->length[row],
        .key = stream_rows(network, from, keys, 0) + row * keys->ld,
        .value = stream_rows(network, from, values, 0) + row * values->ld,
        .d_key = keys->d >= 0 ? gradient_rows(from, keys, 0) + row * keys->ld_d : NULL,
        .d_value = values->d >= 0 ? gradient_rows(from, values, 0) + row * values->ld_d : NULL};
}

static inline const real *key_at(const context_memory *m, isize j) { return m->key + m->offset[j] * m->keys->ld; }
static inline const real *value_at(const context_memory *m, isize j) { return m->value + m->offset[j] * m->values->ld; }

/* Where a part of a row of a stream ends: after its padding, or in data, which have none, after the last number. */
static inline isize end_of_part(const rnn_stream *stream) { return stream->width; }

/* x . y, where x has its parts `width` apart and zeros behind them */
static inline real dot_with_row(const real *x, isize width, const rnn_stream *stream, const real *y)
{
    vec sum = vset(0);
    for (isize part = 0; part < stream->parts; part++)
        for (isize j = 0; j < stream->units; j += LANES)
            sum += vload(x + part * width + j) * row_load(y + stream->start[part], j, end_of_part(stream));
    return vsum(sum);
}

/* ---- scores ---- */

/* e of one key, and its u (parts, width) */
static inline real additive_score(const rnn_stream *keys, const real *q, const real *key, const real *score, isize width, real *u)
{
    vec sum = vset(0);
    for (isize part = 0; part < keys->parts; part++)
        for (isize j = 0; j < width; j += LANES) {
            const isize at = part * width + j;
            const vec tanh = vtanh(vload(q + at) + row_load(key + keys->start[part], j, end_of_part(keys)));
            if (u)
                vstore(u + at, tanh);
            sum += tanh * vload(score + at);
        }
    return vsum(sum);
}

/* e (n,) of source steps from `first` on; u (n, parts, width) unless NULL */
static void context_scores(const rnn_job *job, const rnn_node *node, const context_memory *m, const real *q, isize first, isize n,
                           real *e, real *u)
{
    const real *score = (const real *)job->packed + node->direction[0].own[0];
    const isize width = node->width, row = node->declared.n_x * width;
    if (is_additive(node))
        for (isize k = 0; k < n; k++)
            e[k] = additive_score(m->keys, q, key_at(m, first + k), score, width, u ? u + k * row : NULL);
    else
        for (isize k = 0; k < n; k++)
            e[k] = dot_with_row(q, width, m->keys, key_at(m, first + k));
}

/* e (n,) becomes softmax of e, with zeros up to the next whole vector; softmax (2,) = greatest, denominator */
static void context_softmax(isize n, real *e, real *softmax)
{
    real greatest = e[0];
    vec sum = vset(0);
    for (isize j = 1; j < n; j++)
        greatest = e[j] > greatest ? e[j] : greatest;
    for (isize j = 0; j < n; j += LANES) {
        const vec weight = vselect(first_lanes(n - j), vexp(vload(e + j) - greatest), vset(0));
        vstore(e + j, weight);
        sum += weight;
    }
    const real denominator = vsum(sum);
    for (isize j = 0; j < n; j += LANES)
        vstore(e + j, vload(e + j) / denominator);
    if (softmax) {
        softmax[0] = greatest;
        softmax[1] = denominator;
    }
}

/* ---- forward ---- */

/* Numbers of a row with the parts of one stream, laid out with those of another; the rest of each part becomes 0. */
static void context_lay_out(const rnn_stream *from, const real *x, const rnn_node *node, real *q)
{
    const isize n = node->declared.n_x * node->units;
    memset(q, 0, (size_t)(node->declared.n_x * node->width) * sizeof(real));
    for (isize k = 0; k < n; k++)
        q[k / node->units * node->width + k % node->units] = x[from->start[k / from->units] + k % from->units];
}

static inline real *context_queries(const slice *s, const rnn_node *node, isize t)
{
    return s->arena + node->gates + row_at(s, t, node->gates_kept) * node->ld_gates;
}

/* q (rows, ld_gates) of step t; where a sequence has no such step of x, x is 0 */
static void context_find_queries(const rnn_job *job, const slice *s, const rnn_node *node, isize t, real *q)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, CONTEXT_QUERY);
    const rnn_stream *from = stream_of(network, source);
    const isize n = rows_reaching(s, from, 0, t, source->shift), rows = rows_at(s, t), columns = node->declared.n_x * node->width;
    const real *x = n ? source_rows(network, s, source, 0, t) : NULL;
    if (is_additive(node)) {
        const real *bias = (const real *)job->packed + node->direction[0].bias;
        operand a = operand_of(from, (const real *)job->packed + source->packed[0][0]);
        a.a = x;
        product(n, columns, 1, &a, q, node->ld_gates, bias, 0);
        product(rows - n, columns, 0, NULL, q + n * node->ld_gates, node->ld_gates, bias, 0);
        return;
    }
    for (isize i = 0; i < rows; i++, q += node->ld_gates)
        if (i < n)
            context_lay_out(from, x + i * from->ld, node, q);
        else
            memset(q, 0, (size_t)columns * sizeof(real));
}

/* N vectors of y = sum over j of a_j value_j, from one place of a part on */
static inline __attribute__((always_inline)) void context_columns(const int N, const context_memory *m, const real *a, isize at,
                                                                  isize j, real *y)
{
    vec acc[4];
#pragma GCC unroll 4
    for (int n = 0; n < N; n++)
        acc[n] = vset(0);
    for (isize step = 0; step < m->steps; step++) {
        const real *value = value_at(m, step) + at;
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            acc[n] += a[step] * (N == 1 ? row_load(value, j, end_of_part(m->values)) : vload(value + j + n * LANES));
    }
#pragma GCC unroll 4
    for (int n = 0; n < N; n++)
        vstore(y + n * LANES, acc[n]);
}

static void context_mean(const context_memory *m, const real *a, const rnn_stream *out, real *y)
{
    for (isize part = 0; part < out->parts; part++) {
        const isize end = end_of_part(m->values), at = m->values->start[part];
        isize j = 0;
        for (; j + 4 * LANES <= end; j += 4 * LANES)
            context_columns(4, m, a, at, j, y + out->start[part] + j);
        for (; j < end; j += LANES)
            context_columns(1, m, a, at, j, y + out->start[part] + j);
    }
}

/* Multiplications for the source steps of one row; a tanh counts as eight. */
static inline isize context_work_of_row(const rnn_node *node, const context_memory *m)
{
    const isize keys = node->declared.n_x * node->width * (is_additive(node) ? 9 : 1);
    return m->steps * (keys + node->out.parts * node->out.width);
}

static void context_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    real *q = context_queries(s, node, t), *y = stream_rows(network, s, &node->out, t), *a = s->arena + node->kept[CONTEXT_A],
         *softmax = network->training ? s->arena + node->kept[CONTEXT_SOFTMAX] + row_at(s, t, 1) * 2 : NULL;
    isize work = 0;
    (void)d;
    context_find_queries(job, s, node, t, q);
    for (isize i = 0; i < rows_at(s, t); i++, q += node->ld_gates, y += node->out.ld) {
        const context_memory m = memory_of(network, s, node, i);
        context_scores(job, node, &m, q, 0, m.steps, a, NULL);
        context_softmax(m.steps, a, softmax ? softmax + 2 * i : NULL);
        context_mean(&m, a, &node->out, y);
        work += context_work_of_row(node, &m);
        a += network->session ? weights_ld(network) : 0;
    }
    poll_stop(job, s->worker, work);
}

/* In a session, the weights (rows, columns) of the last step; 0 beyond the end of a source. */
static void put_attention(const rnn_network *network, const slice *s, int number, isize columns, real *weights)
{
    const rnn_node *node = &network->node[number];
    const real *a = s->arena + node->kept[CONTEXT_A];
    for (isize i = 0; i < s->rows; i++, a += weights_ld(network), weights += columns) {
        const isize steps = s->source->length[s->source_row[i]];
        memset(weights, 0, (size_t)columns * sizeof(real));
        memcpy(weights, a, (size_t)steps * sizeof(real));
    }
}

/* ---- backward: the gradient of the values, in blocks of target steps ---- */

/* The row of the weights of target step t, behind those of the later steps of a block; `end` is the step after its last one. */
static inline isize waiting_row(const slice *s, isize t, isize end) { return rows_of(s, t + 1, end); }

/* A row at the steps first..last of a block; its sequence ends before the other steps. */
typedef struct {
    const slice *s;
    isize row, first, last, end;
    const real *a, *d_c;        /* of row 0: weights at step end - 1, gradients at the first step of the segment */
    isize ld_a, ld_d;
} context_block;

/* d_value_j += a_j d_c for J source steps and N vectors; each sum goes from the last target step to the first. */
static inline __attribute__((always_inline)) void value_gradient_tile(const int J, const int N, const context_memory *m,
                                                                      const context_block *block, isize j, isize to, isize from)
{
    vec acc[4][PANEL];
#pragma GCC unroll 4
    for (int k = 0; k < J; k++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            acc[k][n] = vload(m->d_value + m->offset[j + k] * m->values->ld_d + to + n * LANES);
    for (isize t = block->last; t >= block->first; t--) {
        const real *a = block->a + (waiting_row(block->s, t, block->end) + block->row) * block->ld_a + j,
                   *d_c = block->d_c + (row_at(block->s, t, 1) + block->row) * block->ld_d + from;
#pragma GCC unroll 4
        for (int n = 0; n < N; n++) {
            const vec d = vload(d_c + n * LANES);
#pragma GCC unroll 4
            for (int k = 0; k < J; k++)
                acc[k][n] += a[k] * d;
        }
    }
#pragma GCC unroll 4
    for (int k = 0; k < J; k++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            vstore(m->d_value + m->offset[j + k] * m->values->ld_d + to + n * LANES, acc[k][n]);
}

/* The same for all source steps and N vectors. */
static inline __attribute__((always_inline)) void value_gradient_columns(const int N, const context_memory *m,
                                                                         const context_block *block, isize to, isize from)
{
    isize j = 0;
    for (; j + 4 <= m->steps; j += 4)
        value_gradient_tile(4, N, m, block, j, to, from);
    for (; j < m->steps; j++)
        value_gradient_tile(1, N, m, block, j, to, from);
}

/* d_value_j += a_j d_c of all rows of a block of target steps: together, because each d_value is read and written again. */
static void context_value_gradients(const rnn_job *job, const slice *s, const rnn_node *node, const waiting_rows *waiting)
{
    const rnn_network *network = job->network;
    const rnn_stream *out = &node->out;
    for (isize i = 0, last = waiting->end - 1; i < rows_at(s, waiting->first); i++) {
        const context_memory m = memory_of(network, s, node, i);
        while (rows_at(s, last) <= i)
            last--;
        const context_block block = {
            .s = s, .row = i, .first = waiting->first, .last = last, .end = waiting->end, .ld_a = weights_ld(network),
            .a = s->arena + node->kept[CONTEXT_A], .d_c = s->arena + out->d, .ld_d = out->ld_d};
        for (isize part = 0; part < out->parts && m.d_value; part++) {
            const isize to = m.values->start[part], from = out->start[part];
            isize column = 0;
            for (; column + PANEL_COLUMNS <= out->width; column += PANEL_COLUMNS)
                value_gradient_columns(PANEL, &m, &block, to + column, from + column);
            for (; column < out->width; column += LANES)
                value_gradient_columns(1, &m, &block, to + column, from + column);
        }
    }
}

/* ---- backward: the gradients of queries, keys and scores, step by step ---- */

/* What backward needs of one row: u of LANES source steps and d_q, which it writes; d_c and c, and the weights it finds again. */
typedef struct {
    real *u, *d_q, *a;
    const real *d_c;
    real d_c_c;                 /* d_c . c, the mean of d_a under a */
} context_row;

/* d_c . value_j */
static inline real gradient_of_weight(const rnn_stream *out, const real *d_c, const rnn_stream *values, const real *value)
{
    vec sum = vset(0);
    for (isize part = 0; part < out->parts; part++)
        for (isize j = 0; j < out->width; j += LANES)
            sum += vload(d_c + out->start[part] + j) * row_load(value + values->start[part], j, end_of_part(values));
    return vsum(sum);
}

/* d_u = d_e score (1 - u^2);  d_key_j += d_u,  d_q += sum of d_u,  d_score += sum of d_e u, for n source steps */
static void context_additive_gradients(const rnn_node *node, const context_memory *m, isize first, isize n, const real *d_e,
                                       const real *score, const real *u, real *d_q, real *d_score)
{
    const rnn_stream *keys = m->keys;
    const isize row = node->declared.n_x * node->width;
    for (isize part = 0; part < keys->parts; part++)
        for (isize j = 0; j < node->width; j += LANES) {
            const isize at = part * node->width + j;
            const vec factor = vload(score + at);
            vec sum = vload(d_q + at), sum_of_score = vload(d_score + at);
            for (isize k = 0; k < n; k++) {
                const vec tanh = vload(u + k * row + at), d_u = d_e[k] * factor * (1 - tanh * tanh);
                sum += d_u;
                sum_of_score += d_e[k] * tanh;
                if (!m->d_key)
                    continue;
                real *d_key = m->d_key + m->offset[first + k] * keys->ld_d + keys->start[part] + j;
                vstore(d_key, vload(d_key) + d_u);
            }
            vstore(d_q + at, sum);
            vstore(d_score + at, sum_of_score);
        }
}

/* d_q += sum of d_e key_j,  d_key_j += d_e q, for n source steps */
static void context_dot_gradients(const rnn_node *node, const context_memory *m, isize first, isize n, const real *d_e,
                                  const real *q, real *d_q)
{
    const rnn_stream *keys = m->keys;
    for (isize part = 0; part < keys->parts; part++)
        for (isize j = 0; j < node->width; j += LANES) {
            const isize at = part * node->width + j;
            vec sum = vload(d_q + at);
            for (isize k = 0; k < n; k++) {
                sum += d_e[k] * row_load(key_at(m, first + k) + keys->start[part], j, end_of_part(keys));
                if (!m->d_key)
                    continue;
                real *d_key = m->d_key + m->offset[first + k] * keys->ld_d + keys->start[part] + j;
                vstore(d_key, vload(d_key) + d_e[k] * vload(q + at));
            }
            vstore(d_q + at, sum);
        }
}

/* From d_c of one row compute d_q, in place of q, and its weights; add to the gradients of keys and score. */
static void context_row_backward(const rnn_job *job, const rnn_node *node, const context_memory *m, const context_row *row,
                                 const real *softmax, real *d_score, real *q)
{
    const real *score = (const real *)job->packed + node->direction[0].own[0];
    const size_t bytes = (size_t)(node->declared.n_x * node->width) * sizeof(real);
    memset(row->d_q, 0, bytes);
    for (isize first = 0; first < m->steps; first += LANES) {
        const isize n = least(LANES, m->steps - first);
        real *a = row->a + first, d_e[LANES] = {0};
        context_scores(job, node, m, q, first, n, a, is_additive(node) ? row->u : NULL);
        for (isize k = 0; k < n; k++)
            d_e[k] = gradient_of_weight(&node->out, row->d_c, m->values, value_at(m, first + k));
        /* a = exp(e - greatest) / denominator,  d_e = a (d_a - d_c . c) */
        vstore(a, vexp(vload(a) - softmax[0]) / softmax[1]);
        vstore(d_e, vload(a) * (vload(d_e) - row->d_c_c));
        if (is_additive(node))
            context_additive_gradients(node, m, first, n, d_e, score, row->u, row->d_q, d_score);
        else
            context_dot_gradients(node, m, first, n, d_e, q, row->d_q);
    }
    memcpy(q, row->d_q, bytes);
}

/* d_x (n rows, ld) (+)= d_q W, or d_q laid out as x */
static void context_pass_rows(const rnn_job *job, const rnn_node *node, const rnn_source *source, isize n, const real *d_q,
                              real *d_x, int overwrites)
{
    const rnn_stream *to = stream_of(job->network, source);
    const isize columns = whole_vectors(to->parts * to->width);
    if (is_additive(node)) {
        const operand a = {.a = d_q, .b = (const real *)job->packed + source->packed_rows[0], .ld_a = node->ld_gates,
                           .n_runs = node->declared.n_x, .run = node->units, .run_start = node->direction[0].x_start};
        product(n, columns, 1, &a, d_x, to->ld_d, overwrites ? NULL : d_x, to->ld_d);
        return;
    }
    for (isize i = 0; i < n; i++, d_q += node->ld_gates, d_x += to->ld_d) {
        if (overwrites)
            memset(d_x, 0, (size_t)columns * sizeof(real));
        for (isize k = 0; k < node->declared.n_x * node->units; k++)
            d_x[to->start[k / to->units] + k % to->units] += d_q[k / node->units * node->width + k % node->units];
    }
}

/* The gradient of x at step t, or some steps before: then it is summed apart, as everywhere. */
static void context_pass_to_query(const rnn_job *job, const slice *s, const rnn_node *node, isize t, const real *d_q)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, CONTEXT_QUERY);
    const rnn_stream *to = stream_of(network, source);
    const isize n = rows_passing(s, to, 0, t, source->shift), ld = to->ld_d;
    if (n == 0 || !passes_gradient(network, source))
        return;
    real *d_x = source_gradient(network, s, source, 0, t), *apart = s->arena + network->passed;
    if (source->shift == 0) {
        context_pass_rows(job, node, source, n, d_q, d_x, source->overwrites);
        return;
    }
    context_pass_rows(job, node, source, n, d_q, apart, 1);
    scale_passed(job, source, n * ld, apart);
    for (isize i = 0; i < n * ld; i++)
        d_x[i] += apart[i];
}

/* dW (+)= d_q^T x, db (+)= sum of d_q, over the rows of steps first..end */
static void context_weight_gradients(const rnn_job *job, const slice *s, const rnn_node *node, const waiting_rows *waiting)
{
    const rnn_network *network = job->network;
    const rnn_source *source = source_of(network, node, CONTEXT_QUERY);
    const isize columns = node->declared.n_x * node->width;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    gradient_operand x = {.a = operand_of(stream_of(network, source), NULL), .c = gradient + source->gradient[0]};
    if (source->shift == 0)
        x.a.a = stream_rows(network, s, stream_of(network, source), waiting->first);
    else {
        real *copy = s->arena + network->gathered[0];
        gather_source(network, s, source, 0, waiting->first, waiting->end, copy);
        x.a.a = copy;
        x.a.ld_a = network->ld_gathered;
    }
    weight_gradients(job, s->arena + network->panel, rows_of(s, waiting->first, waiting->end),
                     context_queries(s, node, waiting->first), node->ld_gates, columns, 1, &x, columns,
                     gradient + node->direction[0].d_bias, waiting->accumulate);
}

static void context_begin_backward(rnn_job *job, slice *s, int number, int d)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    begin_blocks(&walk_of(s, number, d)->waiting, s, 0);
    if (s->end == s->steps && is_additive(node))
        memset(gradient + node->direction[d].d_own[0], 0, (size_t)(node->declared.n_x * node->width) * sizeof(real));
}

static void context_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out;
    const row_shape shape = {out->parts, out->units, out->start};
    const real *d_c = gradient_rows(s, out, t), *c = stream_rows(network, s, out, t),
               *softmax = s->arena + node->kept[CONTEXT_SOFTMAX] + row_at(s, t, 1) * 2;
    real *d_score = (real *)job->slice_gradients + s->index * network->gradient.size + node->direction[d].d_own[0],
         *q = context_queries(s, node, t), *u = s->arena + node->kept[CONTEXT_ROWS];
    waiting_rows *waiting = &walk_of(s, number, d)->waiting;
    const int complete = is_block(waiting, s, 0, t);
    context_row row = {.u = u, .d_q = u + LANES * node->declared.n_x * node->width, .d_c = d_c,
                       .a = s->arena + node->kept[CONTEXT_A] + waiting_row(s, t, waiting->end) * weights_ld(network)};
    isize work = 0;
    for (isize i = 0; i < rows_at(s, t); i++, row.d_c += out->ld_d, row.a += weights_ld(network)) {
        const context_memory m = memory_of(network, s, node, i);
        row.d_c_c = row_dot(&shape, row.d_c, c + i * out->ld);
        context_row_backward(job, node, &m, &row, softmax + 2 * i, d_score, q + i * node->ld_gates);
        work += 2 * context_work_of_row(node, &m);
    }
    context_pass_to_query(job, s, node, t, q);
    if (complete) {
        context_value_gradients(job, s, node, waiting);
        if (is_additive(node) && !node->frozen)
            context_weight_gradients(job, s, node, waiting);
        begin_next_block(waiting, 0);
    }
    poll_stop(job, s->worker, work);
}

#define context_kind { \
    .info = {.name = "context", .options = context_options, .rows = ROW_PER_STEP, .reads_shifts = 1, .reads_memory = 1, \
             .gathers = 1}, \
    .shape = context_shape, .work = context_work, .add_weights = context_add_weights, .claim = context_claim, \
    .forward_step = context_forward_step, .begin_backward = context_begin_backward, .backward_step = context_backward_step}

#endif
