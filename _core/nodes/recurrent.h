/* A recurrent node: in each direction, products with the sources and the previous state, and then a cell, step by step. */
#ifndef SKLEARN_RNN_RECURRENT_H
#define SKLEARN_RNN_RECURRENT_H

#include "cells/roster.h"
#include "nodes/normalization.h"
#include "nodes/recurrent_plan.h"
#include "nodes/regularise.h"
#include "nodes/sources.h"
#include "run/states.h"
#include "run/walk.h"
#include "weights/gradients.h"

/* The rows of step t that begin at `first`, and what the cell reads and writes there. */
static cell_step step_rows(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, isize rows, int continues)
{
    const rnn_node *node = w->node;
    const isize prev = before(w->reverse, t, 1);
    cell_step step;     /* only what the cell declared is set: clearing the rest would take time at each step */
    step.rows = rows;
    step.width = node->width;
    step.option = node->cell_option;
    step.gates = w->gates + (row_at(s, t, node->gates_kept) + first) * node->ld_gates;
    step.ld_gates = node->ld_gates;
    step.d_out = w->d_out + (w->ld_d_out ? (row_at(s, t, 1) + first) * w->ld_d_out : 0);
    step.ld_d_out = w->ld_d_out;
    for (int i = 0; i < node->declared.n_states; i++) {
        const walk_state *from = &w->state[i];
        cell_state *state = &step.state[i];
        state->prev = continues ? state_rows(s, from, prev) + first * from->ld : from->initial;
        state->ld_prev = continues ? from->ld : 0;
        state->now = from->rows + (row_at(s, t, from->kept) + first) * from->ld;
        state->ld = from->ld;
        state->d = from->d + first * node->width;
    }
    for (int i = 0; i < node->declared.n_own; i++) {
        step.own[i] = (const real *)job->packed + w->direction->own[i];
        step.d_own[i] = w->gradient + w->direction->d_own[i];
    }
    step.norm = node->normalization ? &w->norm : NULL;
    if (w->zone)
        take_states_apart(job, s, w, t, first, &step);
    return step;
}

/* gates (rows, n_blocks * Hp) = bias + sources W + h_prev U, each block with what its gate takes; of a late gate, U is left out.
 * `reaching` tells for each source (last: for h_prev) how many rows of the step have it; those from `first` on are computed.
 * Where sequences start, h_prev is the learned one, if there is one. */
static void gate_products(const rnn_job *job, const walk *w, const cell_step *step, isize first, const real *const *rows_of,
                          const isize *reaching)
{
    const rnn_node *node = w->node;
    const operand *from = w->operands;
    for (int g = 0; g < node->declared.n_groups; g++) {
        const rnn_block_group *group = &node->declared.group[g];
        operand here[MAX_SOURCES + 1];
        int n = 0;
        for (int i = group->takes_x ? 0 : node->n_sources; i < node->n_sources + group->takes_h - group->late; i++, from++)
            if (reaching[i] > first) {
                here[n] = *from;
                here[n++].a = rows_of[i] + first * from->ld_a;
            } else if (i == node->n_sources && has_masked_initial(w)) {
                here[n] = *from;
                here[n++].a = rows_of[i] + first * from->ld_a;
            } else if (i == node->n_sources && w->learns_initial) {
                here[n] = *from;
                here[n].a = w->state[0].initial;
                here[n++].ld_a = 0;
            }
        const isize column = group->first * node->width;
        product(step->rows, group->n_blocks * node->width, n, here, step->gates + column, step->ld_gates,
                (const real *)job->packed + w->direction->bias + column, 0);
    }
}

/* Let the cell write what U of a late gate multiplies, and add that product to the gate. Without a previous h, it is zeros. */
static void late_product(const walk *w, const cell_step *step, isize first, int has_previous)
{
    const rnn_node *node = w->node;
    operand late = w->operands[node->n_operands - 1];
    real *gate = step->gates + (node->declared.late_block - 1) * node->width;
    w->cell->late_forward_step(step);
    if (!has_previous)
        return;
    real *rows = step->gates + node->declared.late_block * node->width;
    if (w->h_mask)
        mask_rows(w, first, step->rows, rows, step->ld_gates, rows, step->ld_gates);
    late.a = rows;
    late.ld_a = step->ld_gates;
    product(step->rows, node->width, 1, &late, gate, step->ld_gates, gate, step->ld_gates);
}

/* The h of the step before as U reads it, (n, ld): of the rows that continue. Learned ones of rows that start follow if they are
 * masked. */
static const real *previous_h(const slice *s, const walk *w, isize t, isize n)
{
    const walk_state *h = &w->state[0];
    const real *rows = n ? state_rows(s, h, before(w->reverse, t, 1)) : NULL;
    if (!w->h_mask)
        return rows;
    mask_rows(w, 0, n, rows, h->ld, w->dropped, h->ld);
    if (has_masked_initial(w))
        mask_rows(w, n, rows_at(s, t) - n, h->initial, 0, w->dropped + n * h->ld, h->ld);
    return w->dropped;
}

static void recurrent_open(rnn_job *job, slice *s, int number, int d)
{
    open_walk(job, s, number, d);
    draw_h_masks(job, s, walk_of(s, number, d));
    begin_zoneout(job, s, walk_of(s, number, d));
    if (job->network->node[number].normalization)
        open_norm(job, s, walk_of(s, number, d));
}

static void recurrent_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const walk *w = walk_of(s, number, d);
    const rnn_node *node = w->node;
    const real *rows_of[MAX_SOURCES + 1];
    isize reaching[MAX_SOURCES + 1];
    const isize rows = rows_at(s, t), n_old = rows_reaching(s, &node->out, w->reverse, t, 1);
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        reaching[i] = rows_reaching(s, stream_of(network, source), w->reverse, t, source->shift);
        rows_of[i] = reaching[i] ? source_rows(network, s, source, w->reverse, t) : NULL;
    }
    reaching[node->n_sources] = n_old;
    rows_of[node->n_sources] = previous_h(s, w, t, n_old);
    for (isize first = 0, end; first < rows; first = end) {
        end = rows;     /* of the rows that have the same sources */
        for (int i = 0; i <= node->n_sources; i++)
            if (reaching[i] > first && reaching[i] < end)
                end = reaching[i];
        cell_step step = step_rows(job, s, w, t, first, end - first, first < n_old);
        gate_products(job, w, &step, first, rows_of, reaching);
        const int has_previous = first < n_old || w->learns_initial;
        if (node->normalization)
            normalise_products(job, s, w, t, first, has_previous, &step);
        else if (node->declared.n_late)
            late_product(w, &step, first, has_previous);
        w->cell->forward_step(&step);
        if (w->zone)
            zone_forward(job, s, w, t, first, &step);
    }
    if (job->final_state && !s->again)
        put_final_states(job, s, w, t);
}

/* Squares of the gradient of h at step t, summed over the units and the sequences. */
static void put_probe(rnn_job *job, const slice *s, const walk *w, isize t)
{
    const rnn_network *network = job->network;
    const isize number = w->node - network->node;
    double squares = 0;
    for (isize row = 0; row < rows_at(s, t); row++) {
        const real *d_h = w->state[0].d + row * w->node->width,
                   *d_out = w->d_out + (w->ld_d_out ? (row_at(s, t, 1) + row) * w->ld_d_out : 0);
        for (isize j = 0; j < w->node->units; j++) {
            const double d = (double)(d_h[j] + d_out[j]);
            squares += d * d;
        }
    }
    job->probe[((s->index * network->n_nodes + number) * MAX_DIRECTIONS + w->d) * network->max_steps + t] = squares;
}

/* ---- backward ---- */

/* Set what back-propagation begins with: the gradient of the last states where those are read, and zeros. */
static void recurrent_begin_backward(rnn_job *job, slice *s, int number, int d)
{
    const rnn_network *network = job->network;
    walk *w = walk_of(s, number, d);
    const rnn_node *node = w->node;
    const isize width = node->width;
    begin_blocks(&w->waiting, s, w->reverse);
    if (w->waiting.accumulate)
        return;
    for (int i = 0; i < node->declared.n_states; i++)
        memset(w->state[i].d, 0, (size_t)(s->rows * width) * sizeof(real));
    for (int i = 0; i < node->declared.n_own; i++)
        memset(w->gradient + w->direction->d_own[i], 0, (size_t)(node->declared.own[i].n_vectors * width) * sizeof(real));
    if (node->normalization)
        begin_norm_gradients(w);
    for (int i = 0; i < node->declared.n_states && w->learns_initial; i++)
        memset(w->gradient + w->direction->d_initial[i], 0, (size_t)width * sizeof(real));
    if (node->seeded_by < 0)
        return;
    const rnn_stream *last = &network->node[node->seeded_by].out;
    for (isize row = 0; row < s->rows; row++)
        memcpy(w->state[0].d + row * width, s->arena + last->d + row * last->ld_d + last->start[d], (size_t)width * sizeof(real));
}

/* Gate blocks as runs of columns, gate by gate. */
static operand gate_operand(const rnn_node *node, int n_gates, const isize *start, const real *gates, const real *b)
{
    return (operand){.a = gates, .b = b, .ld_a = node->ld_gates, .n_runs = n_gates, .run = node->units, .run_start = start};
}

/* The gradient of what U of a late gate multiplies, from which the cell goes on. */
static void late_backward(const rnn_job *job, const slice *s, const walk *w, cell_step *step, const real *d_gates, isize first,
                          int has_previous)
{
    const rnn_node *node = w->node;
    const int early = node->declared.n_h - 1;
    real *d_late = s->arena + node->d_late;
    step->d_late = has_previous ? d_late : s->arena + job->network->zeros;
    step->ld_d_late = has_previous ? node->width : 0;
    if (has_previous) {
        const operand a = gate_operand(node, 1, w->direction->h_start + early, d_gates,
                                       (const real *)job->packed + w->direction->late_rows);
        product(step->rows, node->width, 1, &a, d_late, node->width, NULL, 0);
        if (w->h_mask)
            mask_rows(w, first, step->rows, d_late, node->width, d_late, node->width);
    }
    w->cell->late_backward_step(step);
}

/* d_source (n, columns) (+)= d_gates W^T for n rows of gate gradients */
static void pass_rows(const rnn_job *job, const walk *w, const rnn_source *source, isize n, const real *d_gates, real *d_source,
                      int overwrites)
{
    const rnn_network *network = job->network;
    const rnn_node *node = w->node;
    const rnn_stream *to = stream_of(network, source);
    const isize ld = to->ld_d, columns = whole_vectors(to->parts * to->width);
    const operand a = gate_operand(node, node->declared.n_x, w->direction->x_start, d_gates,
                                   (const real *)job->packed + source->packed_rows[w->d]);
    if (!by_blas(job, to->units * node->units)) {
        product(n, columns, 1, &a, d_source, ld, overwrites ? NULL : d_source, ld);
        return;
    }
    const rnn_tensor *tensor = &network->tensor[source->tensor[w->d]];
    const real *weight = (const real *)job->params + tensor->at + source->first;
    if (overwrites)
        memset(d_source, 0, (size_t)(n * ld) * sizeof(real));
    for (int gate = 0; gate < a.n_runs; gate++)
        for (isize part = 0; part < to->parts; part++)
            job->gemm(0, n, to->units, node->units, a.a + a.run_start[gate], a.ld_a,
                      weight + gate * node->units * tensor->columns + part * to->units, tensor->columns, 1,
                      d_source + to->start[part], ld);
}

/* The same for the rows of step t, which may be those of an earlier step of the source: then they are summed apart, so that it
 * does not matter for their bits in which segment that step lies. */
static void pass_step(const rnn_job *job, const slice *s, const walk *w, const rnn_source *source, isize t)
{
    const rnn_network *network = job->network;
    const rnn_stream *to = stream_of(network, source);
    const isize n = rows_passing(s, to, w->reverse, t, source->shift);
    const real *d_gates = w->gates + row_at(s, t, 1) * w->node->ld_gates;
    if (n == 0)
        return;
    real *d = source_gradient(network, s, source, w->reverse, t), *apart = s->arena + network->passed;
    if (source->shift == 0) {
        pass_rows(job, w, source, n, d_gates, d, source->overwrites && w->d == 0);
        return;
    }
    pass_rows(job, w, source, n, d_gates, apart, 1);
    scale_passed(job, source, n * to->ld_d, apart);
    for (isize i = 0; i < n * to->ld_d; i++)
        d[i] += apart[i];
}

static void pass_at_once(const rnn_job *job, const slice *s, const walk *w, isize t)
{
    for (int i = 0; i < w->node->n_sources; i++) {
        const rnn_source *source = source_of(job->network, w->node, i);
        if (source->at_once && passes_gradient(job->network, source))
            pass_step(job, s, w, source, t);
    }
}

/* copy: the previous h of steps first..end, the learned one or zeros where a sequence has none */
static void gather_previous(const rnn_network *network, const slice *s, const walk *w, isize first, isize end, real *copy)
{
    const real *initial = w->learns_initial ? w->state[0].initial : NULL;
    for (isize t = first; t < end; t++) {
        const isize n = rows_reaching(s, &w->node->out, w->reverse, t, 1);
        const real *from = previous_h(s, w, t, n);
        copy = gather_step(network, s, t, has_masked_initial(w) ? rows_at(s, t) : n, from, w->state[0].ld, w->node->width,
                           initial, copy);
    }
}

/* The inputs of steps first..end, each with the place of the gradient of its weights (NULL if these are frozen); the last one is
 * the previous state. */
static void find_inputs(const rnn_network *network, const slice *s, const walk *w, isize first, isize end,
                        gradient_operand *inputs)
{
    const rnn_node *node = w->node;
    int n_gathered = 0;
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        const rnn_stream *from = stream_of(network, source);
        inputs[i] = (gradient_operand){.a = operand_of(from, NULL), .c = w->gradient + source->gradient[w->d]};
        if (network->tensor[source->tensor[w->d]].frozen) {
            inputs[i].c = NULL;
            continue;
        }
        if (source->shift == 0) {
            inputs[i].a.a = stream_rows(network, s, from, first);
            continue;
        }
        real *copy = s->arena + network->gathered[n_gathered++];
        gather_source(network, s, source, w->reverse, first, end, copy);
        inputs[i].a.a = copy;
        inputs[i].a.ld_a = network->ld_gathered;
    }
    if (!node->declared.n_h)
        return;
    if (w->direction->u_is_frozen) {
        inputs[node->n_sources].c = NULL;
        return;
    }
    real *copy = s->arena + network->gathered[n_gathered];
    gather_previous(network, s, w, first, end, copy);
    inputs[node->n_sources] = (gradient_operand){
        .a = {.a = copy, .ld_a = network->ld_gathered, .n_runs = 1, .run = node->units, .run_start = AT_ONCE},
        .c = w->gradient + w->direction->d_u};
}

/* From the gate gradients of steps first..end, compute what they add to the gradients of weights and biases. */
static void block_weight_gradients(const rnn_job *job, const slice *s, const walk *w, isize first, isize end)
{
    const rnn_network *network = job->network;
    const rnn_node *node = w->node;
    const rnn_cell *cell = &node->declared;
    const isize n = rows_of(s, first, end);
    const real *d_gates = w->gates + row_at(s, first, 1) * node->ld_gates;
    gradient_operand inputs[MAX_SOURCES + 1];
    find_inputs(network, s, w, first, end, inputs);
    for (int g = 0; g < cell->n_groups; g++) {
        const rnn_block_group *group = &cell->group[g];
        const isize column = group->first * node->width;
        gradient_operand here[MAX_SOURCES + 1];
        int n_inputs = 0;
        for (int i = group->takes_x ? 0 : node->n_sources; i < node->n_sources + group->takes_h; i++) {
            if (!inputs[i].c)
                continue;
            gradient_operand *input = &here[n_inputs++];
            *input = inputs[i];
            input->c += column - (node->normalization && !group->takes_x ? cell->n_x * node->width : 0);
            if (group->late && i == node->n_sources) {      /* the rows are where the cell has written them */
                input->a.a = d_gates + cell->late_block * node->width;
                input->a.ld_a = node->ld_gates;
            }
        }
        weight_gradients(job, s->arena + network->panel, n, d_gates + column, node->ld_gates, group->n_blocks * node->width,
                         n_inputs, here, gradient_blocks(node, group->takes_x ? cell->n_x : cell->n_h) * node->width,
                         w->gradient + w->direction->d_bias + column, w->waiting.accumulate);
    }
}

/* The same, and what they add to the gradients of the sources. */
static void block_gradients(const rnn_job *job, const slice *s, const walk *w, isize first, isize end)
{
    const rnn_network *network = job->network;
    const rnn_node *node = w->node;
    const isize n = rows_of(s, first, end);
    const real *d_gates = w->gates + row_at(s, first, 1) * node->ld_gates;
    if (!node->frozen)
        block_weight_gradients(job, s, w, first, end);
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        if (!source->at_once && passes_gradient(network, source))
            pass_rows(job, w, source, n, d_gates, source_gradient(network, s, source, w->reverse, first),
                      source->overwrites && w->d == 0);
    }
}

/* d_h += d_gates U^T, for the first n rows of step t: the gradient with respect to h of the step before */
static void pass_to_previous(const rnn_job *job, const slice *s, const walk *w, isize t, isize n)
{
    const rnn_node *node = w->node;
    const operand a = gate_operand(node, node->declared.n_h - node->declared.n_late, w->direction->h_start,
                                   w->gates + row_at(s, t, 1) * node->ld_gates,
                                   (const real *)job->packed + w->direction->u_rows);
    real *d_h = w->state[0].d;
    if (!w->h_mask) {
        product(n, node->width, 1, &a, d_h, node->width, d_h, node->width);
        return;
    }
    product(n, node->width, 1, &a, w->dropped, node->width, NULL, 0);
    add_masked_rows(w, n, w->dropped, d_h);
}

/* Multiply the gradients of all states (rows, Hp), before these are passed to the step before. */
static void scale_carried_gradients(const walk *w, isize rows, real factor)
{
    for (int i = 0; i < w->node->declared.n_states; i++) {
        real *d = w->state[i].d;
        for (isize j = 0; j < rows * w->node->width; j += LANES)
            vstore(d + j, vload(d + j) * factor);
    }
}

/* Add to the gradients of the learned states those of the rows that start at a step, from the first of them on. */
static void initial_gradients(const walk *w, isize first, isize end)
{
    const isize width = w->node->width;
    for (int i = 0; i < w->node->declared.n_states; i++) {
        real *sum = w->gradient + w->direction->d_initial[i];
        for (isize row = first; row < end; row++)
            for (isize j = 0; j < width; j += LANES)
                vstore(sum + j, vload(sum + j) + vload(w->state[i].d + row * width + j));
    }
}

static void recurrent_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    walk *w = walk_of(s, number, d);
    const rnn_node *node = w->node;
    const isize rows = rows_at(s, t), n_old = rows_reaching(s, &node->out, w->reverse, t, 1);
    if (job->probe)
        put_probe(job, s, w, t);
    for (isize first = 0, end; first < rows; first = end) {
        end = first < n_old ? n_old : rows;
        cell_step step = step_rows(job, s, w, t, first, end - first, first < n_old);
        const real *d_gates = step.gates;
        if (w->zone)
            zone_backward(job, s, w, t, first, &step);
        if (node->normalization)
            compute_gates_again(job, s, w, &step);
        w->cell->backward_step(&step);
        if (node->declared.n_late && node->normalization)
            part_late_gradient(job, s, w, t, first, &step);
        if (node->declared.n_late)
            late_backward(job, s, w, &step, d_gates, first, first < n_old || w->learns_initial);
        if (node->normalization)
            part_gradients(job, s, w, t, first, &step);
    }
    const isize n_passed = w->learns_initial ? rows : n_old;
    if (n_passed && node->declared.n_h)
        pass_to_previous(job, s, w, t, n_passed);
    if (w->zone)
        add_kept_gradients(s, w, rows);
    if (job->carry_factor != 1 && t > 0)
        scale_carried_gradients(w, rows, (real)job->carry_factor);
    if (w->learns_initial)
        initial_gradients(w, n_old, rows);
    pass_at_once(job, s, w, t);
    if (is_block(&w->waiting, s, w->reverse, t)) {
        block_gradients(job, s, w, w->waiting.first, w->waiting.end);
        begin_next_block(&w->waiting, w->reverse);
    }
}

#define recurrent_kind { \
    .info = {.name = "recurrent", .options = recurrent_options, .rows = ROW_PER_STEP, .has_units = 1, .has_cell = 1, \
             .has_directions = 1, .stem_first = 1, .reads_shifts = 1, .reads_stems = 1, .reads_beginning = 1, .may_be_seeded = 1, \
             .gathers = 1}, \
    .declare = recurrent_declare, .shape = recurrent_shape, .work = recurrent_work, .add_weights = recurrent_add_weights, \
    .claim = recurrent_claim, .n_operands = recurrent_operands, .open = recurrent_open, \
    .forward_step = recurrent_forward_step, .begin_backward = recurrent_begin_backward, .backward_step = recurrent_backward_step}

#endif
