/* Norms within a recurrent node (Ba, Kiros and Hinton, 2016), between the products of a step and the cell:
 *
 *     gates = norm(x W + b_ih) + norm(h_prev U) + b_hh         each norm over all gates
 *
 * b_ih is normalised, so that changes of W and b_ih can absorb a new scale of x. b_hh is not: it is added behind the norm of h U,
 * of an rms norm too, and the initial bias of a gate is set there. Where a sequence starts, h U is 0, and so is its norm.
 *
 * The products lie apart in the node's gate buffer: those of the sources gate by gate, then those of h_prev. Forward replaces
 * them by u (see cells/norms.h), keeps the scale of both, and adds them into the blocks that the cell expects. Backward adds u
 * again and lets the cell compute its gates again, so the gates are not kept; then d_products overwrite u.
 */
#ifndef SKLEARN_RNN_NORMALIZATION_H
#define SKLEARN_RNN_NORMALIZATION_H

#include "cells/norms.h"
#include "nodes/normalization_plan.h"
#include "nodes/regularise.h"
#include "run/walk.h"

/* Products of one kind, of all gates. */
typedef struct {
    blocks_shape shape;
    isize column;                                       /* of the first gate in a row of products */
    const int *block;                                   /* of each gate among the cell's */
    const real *gain;                                   /* IN    (n_gates * Hp,) */
    real *d_gain;                                       /* INOUT its gradient */
    norm_moments moments;                               /* of the present row */
} normed_products;

static normed_products products_of_sources(const rnn_job *job, const walk *w)
{
    const rnn_cell *cell = &w->node->declared;
    return (normed_products){
        .shape = shape_of_blocks(cell->n_x, w->node->units, w->node->width), .column = 0, .block = cell->joined.x_block,
        .gain = (const real *)job->packed + w->direction->norm.gain_ih, .d_gain = w->gradient + w->direction->d_norm.gain_ih};
}

static normed_products products_of_state(const rnn_job *job, const walk *w)
{
    const rnn_cell *cell = &w->node->declared;
    return (normed_products){
        .shape = shape_of_blocks(cell->n_h - cell->n_late, w->node->units, w->node->width), .column = cell->n_x * w->node->width,
        .block = cell->joined.h_block,
        .gain = (const real *)job->packed + w->direction->norm.gain_hh, .d_gain = w->gradient + w->direction->d_norm.gain_hh};
}

/* The last gate's, where that is late. */
static normed_products late_products(const rnn_job *job, const walk *w)
{
    const isize early = w->node->declared.n_h - 1, width = w->node->width;
    normed_products late = products_of_state(job, w);
    late.shape = shape_of_blocks(1, w->node->units, width);
    late.column += early * width;
    late.block += early;
    late.gain += early * width;
    late.d_gain += early * width;
    return late;
}

/* Before each segment: the norm of the state that h sees, which is a part of the cell's steps. */
static void open_norm(const rnn_job *job, const slice *s, walk *w)
{
    const rnn_node *node = w->node;
    const rnn_norm_arrays *arrays = &w->direction->norm, *d = &w->direction->d_norm;
    w->norm = (state_norm){
        .method = node->normalization, .shape = shape_of_blocks(1, node->units, node->width),
        .gain = (const real *)job->packed + arrays->gain_state, .d_gain = w->gradient + d->gain_state,
        .bias = node->normalization == LAYER_NORM ? (const real *)job->packed + arrays->bias_state
                                                  : s->arena + job->network->zeros,
        .d_bias = w->gradient + d->bias_state};
}

/* Before back-propagation. */
static void begin_norm_gradients(const walk *w)
{
    rnn_norm_arrays offsets;
    const isize n = lay_out_norms(w->node, 0, &offsets) * w->node->width;
    memset(w->gradient + w->direction->d_norm.gain_ih, 0, (size_t)n * sizeof(real));
}

/* ---- forward ---- */

/* u of a vector of one product; unless it is there already, it takes the place of a. */
static inline vec take_u(const int again, const normed_products *p, real *a)
{
    if (again)
        return vload(a);
    const vec u = normalised(vload(a), p->moments);
    vstore(a, u);
    return u;
}

/* to = bias + gain u, one gate of one product or of both */
static inline __attribute__((always_inline)) void join_gate(const int again, const normed_products *x, real *a_x,
                                                            const real *gain_x, const normed_products *h, real *a_h,
                                                            const real *gain_h, const real *bias, real *to)
{
    for (isize j = 0; j < x->shape.width; j += LANES) {
        vec y = vload(bias + j);
        if (a_x)
            y += vload(gain_x + j) * take_u(again, x, a_x + j);
        if (a_h)
            y += vload(gain_h + j) * take_u(again, h, a_h + j);
        vstore(to + j, y);
    }
}

/* One row of products, whose moments are known, -> u, and in `joined` (n_blocks * Hp) what the cell takes. That of a late gate is
 * added later, unless it is there `again`. */
static inline __attribute__((always_inline)) void join_row(const int again, const rnn_blocks *blocks, const normed_products *x,
                                                           const normed_products *h, const real *bias, real *products,
                                                           real *joined)
{
    const isize width = x->shape.width;
    for (int b = 0; b < blocks->n_blocks; b++, bias += width, joined += width) {
        const isize at_x = blocks->x_gate[b] * width, at_h = blocks->h_gate[b] * width;
        real *a_x = products + x->column + at_x, *a_h = products + h->column + at_h;
        if (at_x < 0 && at_h < 0)
            continue;
        if (at_h < 0 || (!again && blocks->h_gate[b] >= h->shape.n_blocks))
            join_gate(again, x, a_x, x->gain + at_x, h, NULL, NULL, bias, joined);
        else if (at_x < 0)
            join_gate(again, x, NULL, NULL, h, a_h, h->gain + at_h, bias, joined);
        else
            join_gate(again, x, a_x, x->gain + at_x, h, a_h, h->gain + at_h, bias, joined);
    }
}

/* (., ld) where the rows of step t from `first` on have their scales: of the sources' products, of h's, of a late one. */
static real *scales_of(const slice *s, const walk *w, isize t, isize first, isize *ld)
{
    const rnn_node *node = w->node;
    const isize n = norms_of_products(&node->declared);
    *ld = n * node->n_directions;
    return s->arena + node->norm_scales + (row_at(s, t, node->gates_kept) + first) * *ld + w->d * n;
}

/* Where they have their products. */
static real *products_at(const slice *s, const walk *w, isize t, isize first)
{
    return w->gates + (row_at(s, t, w->node->gates_kept) + first) * w->node->ld_gates;
}

/* Let a step's gates be the joined ones. */
static void point_at_joined(const slice *s, const rnn_node *node, cell_step *step)
{
    step->gates = s->arena + node->joined;
    step->ld_gates = node->declared.joined.n_blocks * node->width;
}

/* Products of the sources and of h -> u and scales, and the gates of the step. */
static void normalise_early_products(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, cell_step *step)
{
    const rnn_node *node = w->node;
    const isize ld = step->ld_gates;
    const real *bias = (const real *)job->packed + w->direction->norm.bias;
    isize ld_scales;
    normed_products x = products_of_sources(job, w), h = products_of_state(job, w);
    real *products = step->gates, *scales = scales_of(s, w, t, first, &ld_scales);
    point_at_joined(s, node, step);
    step->again = 0;
    for (isize row = 0; row < step->rows; row++, products += ld, scales += ld_scales) {
        x.moments = moments_of(node->normalization, &x.shape, products + x.column);
        h.moments = moments_of(node->normalization, &h.shape, products + h.column);
        scales[0] = x.moments.scale;
        scales[1] = h.moments.scale;
        join_row(0, &node->declared.joined, &x, &h, bias, products, step->gates + row * step->ld_gates);
    }
}

/* Let the cell write what U of a late gate multiplies, and add the norm of that product to the gate. Without a previous state it
 * is zeros, as its block still is. */
static void normalise_late_product(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, int has_previous,
                                   const cell_step *step)
{
    const rnn_node *node = w->node;
    const rnn_blocks *joined = &node->declared.joined;
    const isize width = node->width, ld = node->ld_gates;
    isize ld_scales;
    operand late = w->operands[node->n_operands - 1];
    normed_products p = late_products(job, w);
    real *products = products_at(s, w, t, first), *scales = scales_of(s, w, t, first, &ld_scales),
         *rows = products + node->declared.late_block * width, *gates = step->gates;
    w->cell->late_forward_step(step);
    for (isize row = 0; row < step->rows; row++)
        memcpy(rows + row * ld, gates + row * step->ld_gates + joined->late_block * width, (size_t)width * sizeof(real));
    if (w->h_mask && has_previous)
        mask_rows(w, first, step->rows, rows, ld, rows, ld);
    late.a = rows;
    late.ld_a = ld;
    if (has_previous)
        product(step->rows, width, 1, &late, products + p.column, ld, NULL, 0);
    for (isize row = 0; row < step->rows; row++, products += ld, scales += ld_scales, gates += step->ld_gates) {
        real *to = gates + *p.block * width;
        p.moments = moments_of(node->normalization, &p.shape, products + p.column);
        scales[2] = p.moments.scale;
        join_gate(0, &p, products + p.column, p.gain, NULL, NULL, NULL, to, to);
    }
}

static void normalise_products(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, int has_previous,
                               cell_step *step)
{
    normalise_early_products(job, s, w, t, first, step);
    if (w->node->declared.n_late)
        normalise_late_product(job, s, w, t, first, has_previous, step);
}

/* ---- backward ---- */

/* u -> the gates and states of the step, as they were. */
static void compute_gates_again(const rnn_job *job, const slice *s, const walk *w, cell_step *step)
{
    const rnn_node *node = w->node;
    const rnn_cell *cell = &node->declared;
    const isize ld = step->ld_gates, rows = job->network->max_rows;
    const real *bias = (const real *)job->packed + w->direction->norm.bias;
    const normed_products x = products_of_sources(job, w), h = products_of_state(job, w);
    real *u = step->gates;
    point_at_joined(s, node, step);
    if (cell->gates_end_with_forward)
        return;
    for (int i = 0; i < cell->n_states; i++) {
        step->state[i].now = s->arena + node->joined + rows * (step->ld_gates + i * node->width);
        step->state[i].ld = node->width;
    }
    for (isize row = 0; row < step->rows; row++, u += ld)
        join_row(1, &cell->joined, &x, &h, bias, u, step->gates + row * step->ld_gates);
    step->again = 1;
    if (cell->n_late)
        w->cell->late_forward_step(step);
    w->cell->forward_step(step);
}

/* Back through the norm of one row: u -> d_products; adds to the gradient of the gain. */
static void part_row(rnn_normalization method, const normed_products *p, real scale, const real *d_joined, real *products)
{
    const isize width = p->shape.width;
    real *u = products + p->column;
    vec sum_v = vset(0), sum_uv = vset(0);
    for (int g = 0; g < p->shape.n_blocks; g++) {
        const real *d_y = d_joined + p->block[g] * width;
        for (isize j = 0, at = g * width; j < width; j += LANES, at += LANES) {
            const vec d = vload(d_y + j), v = vload(p->gain + at) * d, here = vload(u + at);
            vstore(p->d_gain + at, vload(p->d_gain + at) + d * here);
            sum_v += v;
            sum_uv += here * v;
        }
    }
    const norm_slopes mean = slopes_of(method, &p->shape, sum_v, sum_uv);
    for (int g = 0; g < p->shape.n_blocks; g++) {
        const real *d_y = d_joined + p->block[g] * width;
        for (isize j = 0, at = g * width; j < width; j += LANES, at += LANES)
            vstore(u + at, norm_gradient(vload(p->gain + at) * vload(d_y + j), vload(u + at), scale, mean));
    }
}

/* The product of a late gate, before the cell goes on from it. */
static void part_late_gradient(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, const cell_step *step)
{
    const normed_products late = late_products(job, w);
    isize ld_scales;
    const real *scales = scales_of(s, w, t, first, &ld_scales);
    real *products = products_at(s, w, t, first);
    for (isize row = 0; row < step->rows; row++)
        part_row(w->node->normalization, &late, scales[row * ld_scales + 2], step->gates + row * step->ld_gates,
                 products + row * w->node->ld_gates);
}

/* After the cell went back: from the gradients of the joined gates to those of the other products, which overwrite u, of gains
 * and biases. */
static void part_gradients(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, const cell_step *step)
{
    const rnn_node *node = w->node;
    const normed_products x = products_of_sources(job, w), h = products_of_state(job, w);
    isize ld_scales;
    const real *scales = scales_of(s, w, t, first, &ld_scales), *d_joined = step->gates;
    real *products = products_at(s, w, t, first), *d_bias = w->gradient + w->direction->d_norm.bias;
    for (isize row = 0; row < step->rows; row++, d_joined += step->ld_gates) {
        part_row(node->normalization, &x, scales[0], d_joined, products);
        part_row(node->normalization, &h, scales[1], d_joined, products);
        for (isize j = 0; j < step->ld_gates; j += LANES)
            vstore(d_bias + j, vload(d_bias + j) + vload(d_joined + j));
        products += node->ld_gates;
        scales += ld_scales;
    }
}

#endif
