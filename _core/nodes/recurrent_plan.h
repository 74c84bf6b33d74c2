/* The plan of recurrent nodes: their shapes, multiplications, parameters and memory. */
#ifndef SKLEARN_RNN_RECURRENT_PLAN_H
#define SKLEARN_RNN_RECURRENT_PLAN_H

#include <string.h>

#include "cells/roster.h"
#include "nodes/normalization_plan.h"
#include "plan/region.h"
#include "plan/shapes.h"
#include "plan/stages.h"
#include "plan/weights.h"

/* Options of every recurrent node, whatever its cell; their names differ from those of cells. */
enum { INITIAL_STATE, RECURRENT_DROPOUT, ZONEOUT, NORMALIZATION, RECURRENCE };
enum { INITIAL_ZEROS, INITIAL_LEARNED, INITIAL_SOURCE };

static const rnn_option recurrent_options[] = {
    {.name = "initial_state", .type = CHOICE, .choices = "zeros learned source"},       /* of each sequence, unless given */
    {.name = "recurrent_dropout", .type = NUMBER, .least = 0, .below = 1},
    {.name = "zoneout", .type = NUMBER, .least = 0, .below = 1},
    {.name = "normalization", .type = CHOICE, .choices = "none layer rms"},     /* in the order of rnn_normalization */
    /* whether the products with h are those with its own h, or with sources of the stem "weight_hh" */
    {.name = "recurrence", .type = CHOICE, .choices = "own source"},
    {0}};

/* Whether sequences begin with states that are parameters. */
static inline int learns_initial_states(const rnn_node *node) { return node->option[INITIAL_STATE] == INITIAL_LEARNED; }

/* All gates take the products with h as those with other sources; the bias of these products stays. */
static void take_h_from_source(rnn_cell *cell)
{
    cell->h_from_source = 1;
    cell->n_h = 0;
    for (int block = 0; block < cell->n_blocks; block++)
        cell->h_gate[block] = -1;
}

static void recurrent_declare(rnn_node *node)
{
    cell_roster[node->cell].declare(&node->declared, node->cell_option);
    node->normalization = (rnn_normalization)node->option[NORMALIZATION];
    if (node->normalization)
        part_products(&node->declared);
    if (node->option[RECURRENCE])
        take_h_from_source(&node->declared);
}

static void recurrent_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    (void)from;
    node->width = whole_vectors(node->units);
    shape_stream(&node->out, node->n_directions, node->units, node->width, row_length(node->n_directions * node->width));
    for (int d = 0; d < node->n_directions; d++)
        node->out.backwards[d] = node->direction[d].reverse;
    group_blocks(&node->declared);
}

static double recurrent_work(const rnn_node *node, double inputs)
{
    double work = 0;
    for (int g = 0; g < node->declared.n_groups; g++) {
        const rnn_block_group *group = &node->declared.group[g];
        work += group->n_blocks * (double)node->width * (group->takes_x * inputs + group->takes_h * (double)node->units);
    }
    return work;
}

static int recurrent_operands(const rnn_node *node)
{
    int n = 0;
    for (int g = 0; g < node->declared.n_groups; g++)
        n += node->declared.group[g].takes_x * node->n_sources + node->declared.group[g].takes_h;
    return n;
}

/* ---- parameters ---- */

/* The weights of what takes the place of the previous state. */
static void add_weights_of_h(rnn_network *network, int number, int d)
{
    add_source_weights(network, number, d, STEM_HH, weight_stems[STEM_HH]);
    network->tensor[network->n_tensors - 1].initial = ORTHOGONAL;
}

/* U, the weights of the previous state; returns NULL if no gate reads it. */
static rnn_tensor *add_state_weights(rnn_network *network, int number, int d)
{
    const rnn_node *node = &network->node[number];
    if (node->declared.h_from_source)
        add_weights_of_h(network, number, d);
    if (!node->declared.n_h)
        return NULL;
    return add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = "weight_hh", .n_groups = node->declared.n_h, .n_axes = 2, .units = node->units,
        .columns = node->units, .decays = 1, .initial = ORTHOGONAL});
}

/* The biases, one for each product of a gate as in PyTorch; kernels read their sum. */
static void add_biases(rnn_network *network, int number, int d, rnn_tensor *bias[2])
{
    rnn_node *node = &network->node[number];
    const rnn_cell *cell = &node->declared;
    const int n_h = cell->h_from_source ? cell->n_x : cell->n_h;
    bias[0] = add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = "bias_ih", .n_groups = cell->n_x, .n_axes = 1, .units = node->units, .columns = 1,
        .initial = node->normalization ? ZEROS : CONSTANTS});
    bias[1] = n_h ? add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = "bias_hh", .n_groups = n_h, .n_axes = 1, .units = node->units, .columns = 1,
        .initial = node->normalization ? CONSTANTS : ZEROS}) : NULL;
    /* A norm would take away much of an initial bias before it: there the bias behind it begins with that. */
    for (int gate = 0; gate < cell->n_x; gate++)
        bias[node->normalization ? 1 : 0]->constant[gate] = cell->bias[gate];
    const int adds_both = bias[1] && !node->normalization;
    rnn_packing sum = {.format = PADDED, .tensor = {number_of(network, bias[0]), adds_both ? number_of(network, bias[1]) : -1},
                       .n_blocks = cell->n_blocks, .units = node->units, .width = node->width};
    for (int b = 0; b < cell->n_blocks; b++) {
        sum.group[0][b] = cell->x_gate[b];
        sum.group[1][b] = cell->h_from_source ? cell->x_gate[b] : cell->h_gate[b];
    }
    node->direction[d].bias = pack_as(network, sum);
}

/* What backward reads of U, and where the gradients of U (or NULL) and of the biases go. */
static void plan_recurrent_gradients(rnn_network *network, rnn_node *node, int d, rnn_tensor *hh, rnn_tensor *const bias[2])
{
    rnn_direction *direction = &node->direction[d];
    const rnn_cell *cell = &node->declared;
    const isize ld = cell->n_blocks * node->width, ld_u = gradient_blocks(node, cell->n_h) * node->width;
    const rnn_stream h = {.parts = 1, .units = node->units, .width = node->width};
    if (!network->training)
        return;
    if (hh) {
        const int n_early = cell->n_h - cell->n_late;
        direction->u_rows = pack_gates_for_backward(network, number_of(network, hh), 0, n_early, 0, &h);
        if (cell->n_late)
            direction->late_rows = pack_gates_for_backward(network, number_of(network, hh), n_early, 1, 0, &h);
        direction->d_u = claim(&network->gradient, node->units, ld_u);
        direction->u_is_frozen = hh->frozen;
        place_gradient(hh, direction->d_u, ld_u, node->normalization ? NULL : cell->h_block, node->width);
    }
    direction->d_bias = claim(&network->gradient, 1, ld);
    place_gradient(bias[0], direction->d_bias, ld, cell->x_block, node->width);
    if (bias[1])
        place_gradient(bias[1], direction->d_bias, ld, cell->h_block, node->width);
}

/* The arrays of the cell's own, such as peepholes: vectors, each padded. */
static void add_own_arrays(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    const rnn_cell *cell = &node->declared;
    for (int i = 0; i < cell->n_own; i++) {
        const int n_vectors = cell->own[i].n_vectors;
        rnn_tensor *own = add_tensor(network, (rnn_tensor){
            .node = number, .direction = d, .stem = cell->own[i].stem, .n_groups = n_vectors, .n_axes = n_vectors > 1 ? 3 : 1,
            .units = node->units, .columns = 1, .decays = 1, .initial = cell->own[i].initial});
        rnn_packing vectors = {.format = PADDED, .tensor = {number_of(network, own), -1}, .n_blocks = n_vectors,
                               .units = node->units, .width = node->width};
        for (int v = 0; v < n_vectors; v++)
            vectors.group[0][v] = v;
        direction->own[i] = pack_as(network, vectors);
        if (!network->training)
            continue;
        direction->d_own[i] = claim(&network->gradient, 1, n_vectors * node->width);
        place_gradient(own, direction->d_own[i], n_vectors * node->width, NULL, node->width);
    }
}

/* The name of the array with which state number i of a cell begins. */
static const char *initial_stem(const rnn_cell *cell, int i)
{
    return strcmp(cell->state_name[i], "c") ? "initial_h" : "initial_c";
}

/* The states with which each sequence begins: vectors, each padded. */
static void add_initial_states(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    const rnn_cell *cell = &node->declared;
    for (int i = 0; i < cell->n_states && learns_initial_states(node); i++) {
        rnn_tensor *initial = add_tensor(network, (rnn_tensor){
            .node = number, .direction = d, .stem = initial_stem(cell, i), .n_groups = 1, .n_axes = 1, .units = node->units,
            .columns = 1, .initial = ZEROS});
        direction->initial[i] = pack_as(network, (rnn_packing){
            .format = PADDED, .tensor = {number_of(network, initial), -1}, .n_blocks = 1, .group = {{0}},
            .units = node->units, .width = node->width});
        if (!network->training)
            continue;
        direction->d_initial[i] = claim(&network->gradient, 1, node->width);
        place_gradient(initial, direction->d_initial[i], node->width, NULL, node->width);
    }
}

/* What forward reads, group by group of blocks. */
static void pack_for_forward(rnn_network *network, rnn_node *node, int d, const rnn_tensor *hh)
{
    const rnn_cell *cell = &node->declared;
    for (int g = 0; g < cell->n_groups; g++) {
        const rnn_block_group *group = &cell->group[g];
        for (int i = 0; group->takes_x && i < node->n_sources; i++) {
            rnn_source *source = source_of(network, node, i);
            source->packed[d][g] = pack_blocks(network, source->tensor[d], source->first, columns_of(network, source),
                                               group->n_blocks, cell->x_gate + group->first, node->units, node->width);
        }
        if (group->takes_h)
            node->direction[d].u[g] = pack_blocks(network, number_of(network, hh), 0, node->units, group->n_blocks,
                                                  cell->h_gate + group->first, node->units, node->width);
    }
}

/* All arrays of one direction; their order is that of the flat vector. */
static void recurrent_add_weights(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    const rnn_cell *cell = &node->declared;
    rnn_tensor *bias[2];
    add_source_weights(network, number, d, 0, weight_stems[0]);
    rnn_tensor *hh = add_state_weights(network, number, d);
    add_biases(network, number, d, bias);
    plan_recurrent_gradients(network, node, d, hh, bias);
    if (node->normalization)
        add_norms(network, number, d, bias[1]);
    add_own_arrays(network, number, d);
    for (int stem = 1; stem < STEM_INITIAL; stem++)
        if (stem != STEM_HH)
            add_source_weights(network, number, d, stem, weight_stems[stem]);
    add_initial_states(network, number, d);
    pack_for_forward(network, node, d, hh);
    for (int gate = 0; gate < cell->n_x; gate++)
        direction->x_start[gate] = cell->x_block[gate] * node->width;
    for (int gate = 0; gate < cell->n_h; gate++)
        direction->h_start[gate] = cell->h_block[gate] * node->width;
}

/* ---- memory ---- */

/* What regularise.h needs. */
static void claim_regularisation(rnn_network *network, rnn_node *node)
{
    rnn_region *arena = &network->arena;
    const isize rows = network->max_rows;
    if (node->option[RECURRENT_DROPOUT] > 0 && network->training) {
        node->h_mask = claim(arena, node->n_directions * rows, node->width);
        node->dropped = claim(arena, rows, node->out.ld);
    }
    if (node->option[ZONEOUT] == 0)
        return;
    node->zone = claim(arena, 1, node->width);
    for (int i = 0; i < node->declared.n_states; i++) {
        node->apart[i] = claim(arena, network->training ? axis_of(network, node)->segment_rows : rows, node->out.ld);
        node->d_kept[i] = claim(arena, network->training ? rows : 0, node->width);
    }
}

static void recurrent_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    rnn_region *arena = &network->arena;
    const rnn_cell *cell = &node->declared;
    const isize rows = network->max_rows, kept = network->training ? axis_of(network, node)->segment_rows : rows;
    node->gates_kept = network->training;
    node->gates_column = cell->n_blocks * node->width;
    node->ld_gates = row_length(node->n_directions * node->gates_column);
    if (node->normalization)
        claim_norms(network, node);
    if (cell->gates_end_with_forward && node->out.d >= 0 && !node->normalization)
        node->gates = node->out.d;      /* one block, like a row of the stream */
    else
        node->gates = claim(arena, kept, node->ld_gates);
    for (int i = 0; i < cell->n_states; i++) {
        node->state[i] = i == 0 ? node->out.at : claim(arena, kept, node->out.ld);
        node->before[i] = claim(arena, keeps_state(network, node, i) ? times(n_before, rows) : 0, node->out.ld);
        node->d_state[i] = claim(arena, network->training ? rows : 0, node->width);
    }
    if (cell->n_late)
        node->d_late = claim(arena, network->training ? rows : 0, node->width);
    claim_regularisation(network, node);
}

#endif
