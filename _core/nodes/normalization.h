/* Norms within a recurrent node (Ba, Kiros and Hinton, 2016), between the products of a step and the cell:
 *
 *     gates = norm(x W + b_ih) + norm(h_prev U) + b_hh         each norm over all gates
 *
 * b_ih is normalised, so that a new scale of x can be made up for in W and b_ih. b_hh is not: it is the bias behind the norm of
 * h U, also of an rms norm, and an initial bias of a gate begins there. Where a sequence starts, h U is 0, and so is its norm.
 *
 * The products lie apart in the node's gate buffer: those of the sources gate by gate, then those of h_prev. Forward replaces
 * them by u (see cells/norm.h), keeps the scale of both, and joins them in the blocks that the cell expects. Backward joins u
 * again and lets the cell compute its gates again, which so need not be kept; then d_products overwrite u.
 */
#ifndef SKLEARN_RNN_NORMALIZATION_H
#define SKLEARN_RNN_NORMALIZATION_H

#include "cells/norm.h"
#include "nodes/normalization_plan.h"
#include "run/walk.h"

/* Products of one kind, of all gates. */
typedef struct {
    norm_shape shape;
    isize column;                                       /* of the first gate in a row of products */
    const int *block;                                   /* of each gate among the cell's */
    const real *gain;                                   /* IN    (n_gates * Hp,) */
    real *d_gain;                                       /* INOUT its gradient */
} normed_products;

static normed_products products_of_sources(const rnn_job *job, const walk *w)
{
    const rnn_cell *cell = &w->node->declared;
    return (normed_products){
        .shape = shape_of_norm(cell->n_x, w->node->units, w->node->width), .column = 0, .block = cell->joined.x_block,
        .gain = (const real *)job->packed + w->direction->norm.gain_ih, .d_gain = w->gradient + w->direction->d_norm.gain_ih};
}

static normed_products products_of_state(const rnn_job *job, const walk *w)
{
    const rnn_cell *cell = &w->node->declared;
    return (normed_products){
        .shape = shape_of_norm(cell->n_h, w->node->units, w->node->width), .column = cell->n_x * w->node->width,
        .block = cell->joined.h_block,
        .gain = (const real *)job->packed + w->direction->norm.gain_hh, .d_gain = w->gradient + w->direction->d_norm.gain_hh};
}

/* Before each segment: the norm of the state that h sees, which is a part of the cell's steps. */
static void open_norm(const rnn_job *job, const slice *s, walk *w)
{
    const rnn_node *node = w->node;
    const rnn_norm_arrays *arrays = &w->direction->norm, *d = &w->direction->d_norm;
    w->norm = (state_norm){
        .method = node->normalization, .shape = shape_of_norm(1, node->units, node->width),
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

/* to = bias + gain u, with u = (a - mean) scale in the place of a */
static inline void join_one(isize width, real *a, norm_moments m, const real *gain, const real *bias, real *to)
{
    for (isize j = 0; j < width; j += LANES) {
        const vec u = normalised(vload(a + j), m);
        vstore(a + j, u);
        vstore(to + j, vload(bias + j) + vload(gain + j) * u);
    }
}

/* to = bias + gain u of both products */
static inline void join_two(isize width, real *a, norm_moments m, const real *gain, real *b, norm_moments n, const real *gain_b,
                            const real *bias, real *to)
{
    for (isize j = 0; j < width; j += LANES) {
        const vec u = normalised(vload(a + j), m), v = normalised(vload(b + j), n);
        vstore(a + j, u);
        vstore(b + j, v);
        vstore(to + j, vload(bias + j) + vload(gain + j) * u + vload(gain_b + j) * v);
    }
}

/* One row of products with these moments -> u, and in joined (n_blocks * Hp) what the cell takes. */
static void join_row(const rnn_node *node, const normed_products *x, norm_moments of_x, const normed_products *h,
                     norm_moments of_h, const real *bias, real *products, real *joined)
{
    const rnn_blocks *blocks = &node->declared.joined;
    const isize width = node->width;
    for (int b = 0; b < blocks->n_blocks; b++) {
        const isize at = b * width, at_x = blocks->x_gate[b] * width, at_h = blocks->h_gate[b] * width;
        real *a_x = products + x->column + at_x, *a_h = products + h->column + at_h;
        if (at_h < 0)
            join_one(width, a_x, of_x, x->gain + at_x, bias + at, joined + at);
        else if (at_x < 0)
            join_one(width, a_h, of_h, h->gain + at_h, bias + at, joined + at);
        else
            join_two(width, a_x, of_x, x->gain + at_x, a_h, of_h, h->gain + at_h, bias + at, joined + at);
    }
}

/* Where a group of rows of step t that begins at `first` has its scales (of the sources' products, of h's). */
static real *scales_of(const slice *s, const walk *w, isize t, isize first)
{
    const rnn_node *node = w->node;
    return s->arena + node->norm_scales + ((row_at(s, t, node->gates_kept) + first) * node->n_directions + w->d) * 2;
}

/* Let a step's gates be the joined ones. */
static void point_at_joined(const slice *s, const rnn_node *node, cell_step *step)
{
    step->gates = s->arena + node->joined;
    step->ld_gates = node->declared.joined.n_blocks * node->width;
}

/* Products -> u and scales, and the gates of the step. */
static void normalise_products(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, cell_step *step)
{
    const rnn_node *node = w->node;
    const normed_products x = products_of_sources(job, w), h = products_of_state(job, w);
    const isize ld = step->ld_gates, ld_scales = 2 * node->n_directions;
    real *products = step->gates, *scales = scales_of(s, w, t, first);
    point_at_joined(s, node, step);
    for (isize row = 0; row < step->rows; row++, products += ld, scales += ld_scales) {
        const norm_moments of_x = moments_of(node->normalization, &x.shape, products + x.column),
                           of_h = moments_of(node->normalization, &h.shape, products + h.column);
        scales[0] = of_x.scale;
        scales[1] = of_h.scale;
        join_row(node, &x, of_x, &h, of_h, (const real *)job->packed + w->direction->norm.bias, products,
                 step->gates + row * step->ld_gates);
    }
}

/* ---- backward ---- */

/* u -> the gates of the step and its states, as forward left them. */
static void compute_gates_again(const rnn_job *job, const slice *s, const walk *w, cell_step *step)
{
    const rnn_node *node = w->node;
    const rnn_cell *cell = &node->declared;
    const normed_products x = products_of_sources(job, w), h = products_of_state(job, w);
    const norm_moments as_it_is = {0, 1};
    const isize ld = step->ld_gates;
    real *u = step->gates;
    point_at_joined(s, node, step);
    if (cell->gates_end_with_forward)
        return;
    real *states = step->gates + job->network->max_rows * step->ld_gates;
    for (int i = 0; i < cell->n_states; i++, states += job->network->max_rows * node->width) {
        step->state[i].now = states;
        step->state[i].ld = node->width;
    }
    for (isize row = 0; row < step->rows; row++, u += ld)
        join_row(node, &x, as_it_is, &h, as_it_is, (const real *)job->packed + w->direction->norm.bias, u,
                 step->gates + row * step->ld_gates);
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

/* After the cell went back: from the gradients of the joined gates to those of the products, which overwrite u, of the gains and
 * of the biases. */
static void part_gradients(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, const cell_step *step)
{
    const rnn_node *node = w->node;
    const normed_products x = products_of_sources(job, w), h = products_of_state(job, w);
    const real *scales = scales_of(s, w, t, first), *d_joined = step->gates;
    real *products = w->gates + (row_at(s, t, 1) + first) * node->ld_gates, *d_bias = w->gradient + w->direction->d_norm.bias;
    for (isize row = 0; row < step->rows; row++, d_joined += step->ld_gates) {
        part_row(node->normalization, &x, scales[0], d_joined, products);
        part_row(node->normalization, &h, scales[1], d_joined, products);
        for (isize j = 0; j < step->ld_gates; j += LANES)
            vstore(d_bias + j, vload(d_bias + j) + vload(d_joined + j));
        products += node->ld_gates;
        scales += 2 * node->n_directions;
    }
}

#endif
