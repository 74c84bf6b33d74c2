/* One direction of one layer: forward through the steps of a segment, and back.
 */
#ifndef SKLEARN_RNN_LAYER_H
#define SKLEARN_RNN_LAYER_H

#include <string.h>

#include "cells/roster.h"
#include "interface/job.h"
#include "levels/real.h"
#include "plan/blocks.h"
#include "plan/plan.h"
#include "plan/sizes.h"
#include "run/slice.h"
#include "run/stop.h"
#include "weights/gemm.h"
#include "weights/gradients.h"

/* Where the walk through the steps finds its rows. */
typedef struct {
    const rnn_layer *layer;
    const rnn_direction *way;
    const cell_functions *cell;
    int d, x_kept, states_kept, gates_kept;     /* kept: the arena holds all steps of the segment, not only the present one */
    real *x, *gates, *h, *c, *d_out, *zeros;    /* in a cell without cell state, c points to h and is never read */
    real *h_before, *c_before;                  /* states that the segment begins with, where they are kept */
    isize ld_d_out;
} walk;

static walk walk_of(const rnn_network *network, const slice *s, int l, int d)
{
    const rnn_layer *layer = &network->layer[l];
    const isize carried = d * layer->width + state_before(network, s->segment) * layer->ld_h;
    return (walk){
        .layer = layer, .way = &layer->direction[d], .cell = functions_of(layer->cell), .d = d,
        .x_kept = network->training || l > 0, .gates_kept = network->training,
        .states_kept = states_kept(network, l),
        .x = s->arena + (layer->x >= 0 ? layer->x : network->layer[l - 1].h),
        .gates = s->arena + layer->gates + d * layer->cell->n_blocks * layer->width,
        .h = s->arena + layer->h + d * layer->width,
        .c = s->arena + (layer->c >= 0 ? layer->c + d * layer->width : layer->h),
        .d_out = s->arena + (layer->d_out >= 0 ? layer->d_out + d * layer->width : network->zeros),
        .ld_d_out = layer->d_out >= 0 ? layer->ld_h : 0,
        .zeros = s->arena + network->zeros,
        .h_before = s->arena + layer->h_before + carried,
        .c_before = s->arena + (layer->c >= 0 ? layer->c_before : layer->h_before) + carried,
    };
}

/* (rows, Hp) the states (h, or c) before step t, of which some rows must continue */
static const real *states_before(const walk *w, const slice *s, isize t, int kept, const real *states, const real *before_segment)
{
    const isize prev = before(w->d, t);
    return kept && prev < s->first ? before_segment : states + row_at(s, prev, kept) * w->layer->ld_h;
}

/* The rows of step t that continue (or start) and what the cell reads and writes there. */
static cell_step step_rows(const walk *w, const slice *s, isize t, int starting)
{
    const rnn_layer *layer = w->layer;
    const isize n_old = continuing(s, w->d, t), first = starting ? n_old : 0;
    const isize h_at = (row_at(s, t, w->states_kept) + first) * layer->ld_h,
                c_at = (row_at(s, t, w->gates_kept) + first) * layer->ld_h;
    cell_step step = {
        .rows = starting ? rows_at(s, t) - n_old : n_old, .width = layer->width, .activation = layer->activation,
        .gates = w->gates + (row_at(s, t, w->gates_kept) + first) * layer->ld_gates, .ld_gates = layer->ld_gates,
        .h_prev = w->zeros, .c_prev = w->zeros,
        .h = w->h + h_at, .c = w->c + c_at, .ld_h = layer->ld_h,
        .d_out = w->d_out + (w->ld_d_out ? (rows_of(s, s->first, t) + first) * w->ld_d_out : 0), .ld_d_out = w->ld_d_out,
    };
    if (!starting && n_old) {
        step.h_prev = states_before(w, s, t, w->states_kept, w->h, w->h_before);
        step.c_prev = states_before(w, s, t, w->gates_kept, w->c, w->c_before);
        step.ld_h_prev = step.ld_c_prev = layer->ld_h;
    }
    return step;
}

/* gates (rows, n_blocks * Hp) = b + x W + h_prev U, each block with what its cell needs; rows that start have no h_prev */
static void gate_products(const walk *w, const real *packed, const cell_step *step, const real *x, int starting)
{
    const rnn_layer *layer = w->layer;
    const rnn_cell *cell = layer->cell;
    const isize inputs = layer->input_parts * layer->inputs;
    const real *weight_x = packed + w->way->w, *weight_h = packed + w->way->u;
    for (int first = 0, end; first < cell->n_blocks; first = end) {
        end = group_end(cell, first);
        const isize columns = (end - first) * layer->width;
        operand operands[2];
        int n_operands = 0;
        if (cell->x_gate[first] >= 0) {
            operands[n_operands++] = (operand){.a = x, .b = weight_x, .ld_a = layer->ld_x, .n_runs = (int)layer->input_parts,
                                               .run = layer->inputs, .run_start = {0, layer->input_width}};
            weight_x += inputs * columns;
        }
        if (cell->h_gate[first] >= 0) {
            if (!starting)
                operands[n_operands++] = (operand){.a = step->h_prev, .b = weight_h, .ld_a = step->ld_h_prev, .n_runs = 1,
                                                   .run = layer->hidden};
            weight_h += layer->hidden * columns;
        }
        product(step->rows, columns, n_operands, operands, step->gates + first * layer->width, layer->ld_gates,
                packed + w->way->bias + first * layer->width, 0);
    }
}

static inline isize work_of_step(const rnn_layer *layer, isize rows)
{
    return rows * layer->cell->n_blocks * layer->width * (layer->input_parts * layer->inputs + layer->hidden);
}

/* All steps of the segment in one direction of layer l; 1 when interrupted. */
static int layer_forward(rnn_job *job, const slice *s, int l, int d)
{
    const walk w = walk_of(job->network, s, l, d);
    for (isize k = 0; k < s->end - s->first; k++) {
        const isize t = step_of(s, d, k);
        real *x = w.x + row_at(s, t, w.x_kept) * w.layer->ld_x;
        if (!w.x_kept)
            gather_step(job, s, t, x);
        for (int starting = 0; starting < 2; starting++) {
            const cell_step step = step_rows(&w, s, t, starting);
            if (step.rows) {
                gate_products(&w, job->packed, &step, x, starting);
                w.cell->forward_step(&step);
            }
            x += step.rows * w.layer->ld_x;
        }
        if (poll_stop(job, s->worker, work_of_step(w.layer, rows_at(s, t))))
            return 1;
    }
    return 0;
}

/* h_prev (rows of steps first..end, Hp): the states before these steps, zeros where a sequence starts */
static void gather_previous_states(const walk *w, const slice *s, isize first, isize end, real *h_prev, isize ld)
{
    const size_t bytes = (size_t)w->layer->width * sizeof(real);
    for (isize t = first; t < end; t++) {
        const isize n_old = continuing(s, w->d, t);
        const real *from = n_old ? states_before(w, s, t, 1, w->h, w->h_before) : NULL;
        for (isize i = 0; i < rows_at(s, t); i++, h_prev += ld)
            if (i < n_old)
                memcpy(h_prev, from + i * w->layer->ld_h, bytes);
            else
                memset(h_prev, 0, bytes);
    }
}

/* Gate blocks as runs of columns, gate by gate. */
static operand gate_operand(const rnn_layer *layer, const int *gate_of_block, const real *gates, const real *b)
{
    operand a = {.a = gates, .b = b, .ld_a = layer->ld_gates, .n_runs = layer->cell->n_gates, .run = layer->hidden};
    for (int gate = 0; gate < a.n_runs; gate++)
        a.run_start[gate] = block_of(gate_of_block, gate) * layer->width;
    return a;
}

/* From the gate gradients of steps first..end, compute their share of d_W, d_U, d_b, and the gradient of the input. */
static void block_gradients(const rnn_job *job, const walk *w, const slice *s, int l, isize first, isize end, int accumulate)
{
    const rnn_network *network = job->network;
    const rnn_layer *layer = w->layer;
    const rnn_cell *cell = layer->cell;
    const isize row = row_at(s, first, 1), n = rows_of(s, first, end), ld_c = cell->n_blocks * layer->width,
                ld_h_prev = row_length(layer->width);
    const real *d_gates = w->gates + row * layer->ld_gates;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size, *h_prev = s->arena + network->h_prev,
         *panel = s->arena + network->panel;
    gather_previous_states(w, s, first, end, h_prev, ld_h_prev);
    for (int block = 0, next; block < cell->n_blocks; block = next) {
        next = group_end(cell, block);
        const isize column = block * layer->width;
        gradient_operand operands[2];
        int n_operands = 0;
        if (cell->x_gate[block] >= 0)
            operands[n_operands++] = (gradient_operand){
                .a = {.a = w->x + row * layer->ld_x, .ld_a = layer->ld_x, .n_runs = (int)layer->input_parts,
                      .run = layer->inputs, .run_start = {0, layer->input_width}},
                .c = gradient + w->way->d_w + column};
        if (cell->h_gate[block] >= 0)
            operands[n_operands++] = (gradient_operand){
                .a = {.a = h_prev, .ld_a = ld_h_prev, .n_runs = 1, .run = layer->hidden},
                .c = gradient + w->way->d_u + column};
        weight_gradients(job, panel, n, d_gates + column, layer->ld_gates, (next - block) * layer->width, n_operands, operands,
                         ld_c, gradient + w->way->d_b + column, accumulate);
    }
    if (l > 0 || network->keep_input_gradient) {
        const isize columns = whole_vectors(layer->input_parts * layer->input_width), ld = l > 0 ? layer->ld_x : columns;
        const operand a = gate_operand(layer, cell->x_gate, d_gates, (const real *)job->packed + w->way->wt);
        real *d_x = s->arena + (l > 0 ? network->layer[l - 1].d_out : network->d_input) + row * ld;
        if (!by_blas(job, layer->inputs * layer->hidden)) {
            product(n, columns, 1, &a, d_x, ld, w->d ? d_x : NULL, ld);
            return;
        }
        const real *weight = (const real *)job->params + w->way->weight_ih;
        const isize ld_weight = layer->input_parts * layer->inputs;
        if (w->d == 0)
            memset(d_x, 0, (size_t)(n * ld) * sizeof(real));
        for (int gate = 0; gate < a.n_runs; gate++)
            for (isize part = 0; part < layer->input_parts; part++)
                job->gemm(0, n, layer->inputs, layer->hidden, a.a + a.run_start[gate], a.ld_a,
                          weight + gate * layer->hidden * ld_weight + part * layer->inputs, ld_weight, 1,
                          d_x + part * layer->input_width, ld);
    }
}

/* Set the initial d_h and d_c of back-propagation. d_last (rows, ld_h): gradient of the last states, or NULL. */
static void begin_backward(const slice *s, const rnn_layer *layer, int d, const real *d_last)
{
    real *d_h = s->arena + layer->d_h, *d_c = s->arena + layer->d_c;
    const size_t bytes = (size_t)layer->width * sizeof(real);
    for (isize i = 0; i < s->rows; i++)
        if (d_last)
            memcpy(d_h + i * layer->width, d_last + i * layer->ld_h + d * layer->width, bytes);
        else
            memset(d_h + i * layer->width, 0, bytes);
    memset(d_c, 0, (size_t)s->rows * bytes);
}

/* Back through all steps of the segment in one direction of layer l; 1 when interrupted. */
static int layer_backward(rnn_job *job, const slice *s, int l, int d, const real *d_last)
{
    const rnn_network *network = job->network;
    const walk w = walk_of(network, s, l, d);
    const rnn_layer *layer = w.layer;
    real *d_h = s->arena + layer->d_h, *d_c = s->arena + layer->d_c;
    int accumulate = s->end < s->steps;
    if (!accumulate)
        begin_backward(s, layer, d, d_last);

    isize first = d ? s->first : s->end, end = first;   /* steps whose gate gradients wait */
    for (isize k = s->end - s->first - 1; k >= 0; k--) {
        const isize t = step_of(s, d, k), n_old = continuing(s, d, t);
        for (int starting = 0; starting < 2; starting++) {
            cell_step step = step_rows(&w, s, t, starting);
            step.d_h = d_h + (starting ? n_old * layer->width : 0);
            step.d_c = d_c + (starting ? n_old * layer->width : 0);
            if (step.rows)
                w.cell->backward_step(&step);
        }
        if (n_old) {
            const operand a = gate_operand(layer, layer->cell->h_gate, w.gates + row_at(s, t, 1) * layer->ld_gates,
                                           (const real *)job->packed + w.way->ut);
            product(n_old, layer->width, 1, &a, d_h, layer->width, d_h, layer->width);
        }
        first = least(first, t);
        end = most(end, t + 1);
        if (rows_of(s, first, end) >= BLOCK_ROWS || k == 0) {
            block_gradients(job, &w, s, l, first, end, accumulate);
            accumulate = 1;
            first = d ? end : first;
            end = first;
        }
        if (poll_stop(job, s->worker, 2 * work_of_step(layer, rows_at(s, t))))
            return 1;
    }
    return 0;
}

#endif
