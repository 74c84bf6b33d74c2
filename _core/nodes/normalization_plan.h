/* The plan of norms within a recurrent node: separate products, gains and biases, memory. See normalization.h. */
#ifndef SKLEARN_RNN_NORMALIZATION_PLAN_H
#define SKLEARN_RNN_NORMALIZATION_PLAN_H

#include <string.h>

#include "plan/region.h"
#include "plan/weights.h"

/* Keep the cell's blocks as those that are joined later, and give every product a block: the sources' first. */
static void part_products(rnn_cell *cell)
{
    rnn_blocks *joined = &cell->joined;
    joined->n_blocks = cell->n_blocks;
    memcpy(joined->x_gate, cell->x_gate, sizeof joined->x_gate);
    memcpy(joined->h_gate, cell->h_gate, sizeof joined->h_gate);
    memcpy(joined->x_block, cell->x_block, sizeof joined->x_block);
    memcpy(joined->h_block, cell->h_block, sizeof joined->h_block);
    joined->late_block = cell->late_block;
    cell->n_blocks = cell->n_x + cell->n_h;
    for (int b = 0; b < cell->n_blocks; b++) {
        const int takes_x = b < cell->n_x, number = takes_x ? b : b - cell->n_x;
        cell->x_gate[b] = takes_x ? number : -1;
        cell->h_gate[b] = takes_x ? -1 : number;
        *(takes_x ? &cell->x_block[number] : &cell->h_block[number]) = b;
    }
    if (cell->n_late) {
        cell->late_block = cell->n_blocks++;
        cell->x_gate[cell->late_block] = cell->h_gate[cell->late_block] = -1;
    }
}

/* Products of a step under a norm of their own: those of the sources, of h, and of what a late gate multiplies. */
static inline int norms_of_products(const rnn_cell *cell) { return 2 + cell->n_late; }

/* Where the arrays are, one after another; returns how many vectors they take. */
static isize lay_out_norms(const rnn_node *node, isize at, rnn_norm_arrays *arrays)
{
    const rnn_cell *cell = &node->declared;
    const isize width = node->width;
    arrays->gain_ih = at;
    arrays->gain_hh = arrays->gain_ih + cell->n_x * width;
    arrays->bias = arrays->gain_hh + cell->n_h * width;
    arrays->gain_state = arrays->bias + cell->joined.n_blocks * width;
    arrays->bias_state = arrays->gain_state + width;
    return cell->n_x + cell->n_h + cell->joined.n_blocks + 2;
}

/* A gain or a bias of a norm, by gate. */
static rnn_tensor *add_norm_array(rnn_network *network, int number, int d, const char *stem, int n_gates, double initial)
{
    rnn_tensor *tensor = add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = stem, .n_groups = n_gates, .n_axes = 1, .units = network->node[number].units,
        .columns = 1, .initial = CONSTANTS});
    for (int gate = 0; gate < n_gates; gate++)
        tensor->constant[gate] = initial;
    return tensor;
}

/* Pack the gates of a tensor, or the sum of two, into these blocks (NULL: in their order). */
static isize pack_gates(rnn_network *network, const rnn_node *node, const rnn_tensor *tensor, const int *gate,
                        const rnn_tensor *other, const int *gate_of_other, int n_blocks)
{
    rnn_packing packing = {.format = PADDED,
                           .tensor = {number_of(network, tensor), other ? number_of(network, other) : -1},
                           .n_blocks = n_blocks, .units = node->units, .width = node->width};
    for (int b = 0; b < n_blocks; b++) {
        packing.group[0][b] = gate ? gate[b] : b;
        packing.group[1][b] = other ? gate_of_other[b] : -1;
    }
    return pack_as(network, packing);
}

/* The arrays of all norms of a direction. `bias_hh` is not part of what is normalised, but added behind the norm of h U. */
static void add_norms(rnn_network *network, int number, int d, rnn_tensor *bias_hh)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    const rnn_cell *cell = &node->declared;
    const rnn_blocks *joined = &cell->joined;
    const int is_layer = node->normalization == LAYER_NORM;
    rnn_tensor *gain_ih = add_norm_array(network, number, d, "norm_weight_ih", cell->n_x, 1),
               *bias_ih = is_layer ? add_norm_array(network, number, d, "norm_bias_ih", cell->n_x, 0) : NULL,
               *gain_hh = add_norm_array(network, number, d, "norm_weight_hh", cell->n_h, 1),
               *gain_state = cell->seen_state ? add_norm_array(network, number, d, "norm_weight_c", 1, 1) : NULL,
               *bias_state = cell->seen_state && is_layer ? add_norm_array(network, number, d, "norm_bias_c", 1, 0) : NULL;
    direction->norm.gain_ih = pack_gates(network, node, gain_ih, NULL, NULL, NULL, cell->n_x);
    direction->norm.gain_hh = pack_gates(network, node, gain_hh, NULL, NULL, NULL, cell->n_h);
    direction->norm.bias = pack_gates(network, node, bias_hh, joined->h_gate, bias_ih, joined->x_gate, joined->n_blocks);
    if (gain_state)
        direction->norm.gain_state = pack_gates(network, node, gain_state, NULL, NULL, NULL, 1);
    if (bias_state)
        direction->norm.bias_state = pack_gates(network, node, bias_state, NULL, NULL, NULL, 1);
    if (!network->training)
        return;
    rnn_norm_arrays *to = &direction->d_norm;
    const isize n = lay_out_norms(node, 0, to) * node->width;
    lay_out_norms(node, claim(&network->gradient, 1, n), to);
    place_gradient(gain_ih, to->gain_ih, n, NULL, node->width);
    place_gradient(gain_hh, to->gain_hh, n, NULL, node->width);
    place_gradient(bias_hh, to->bias, n, joined->h_block, node->width);
    if (bias_ih)
        place_gradient(bias_ih, to->bias, n, joined->x_block, node->width);
    if (gain_state)
        place_gradient(gain_state, to->gain_state, n, NULL, node->width);
    if (bias_state)
        place_gradient(bias_state, to->bias_state, n, NULL, node->width);
}

/* A scale per row and norm, and what the cell sees of a step. */
static void claim_norms(rnn_network *network, rnn_node *node)
{
    const rnn_cell *cell = &node->declared;
    const isize rows = network->max_rows;
    node->norm_scales = claim(&network->arena, network->training ? axis_of(network, node)->segment_rows : rows,
                              norms_of_products(cell) * node->n_directions);
    node->joined = claim(&network->arena, rows, (cell->joined.n_blocks + cell->n_states) * node->width);
}

#endif
