/* The tables of parameters: all arrays in the flat vector, the forms in which they are packed, and their places in a slice's
 * gradient. Nothing else lists parameters.
 */
#ifndef SKLEARN_RNN_PLAN_WEIGHTS_H
#define SKLEARN_RNN_PLAN_WEIGHTS_H

#include "interface/network.h"
#include "plan/region.h"
#include "plan/sizes.h"

/* Stems of the weights of sources: those of the input, and those of the output of the step before. */
static const char *const weight_stems[] = {"weight_ih", "weight_oh", NULL};
enum { N_STEMS = sizeof weight_stems / sizeof *weight_stems - 1 };

/* Add an array to the flat vector; it belongs to the direction whose arrays were added last. */
static rnn_tensor *add_tensor(rnn_network *network, rnn_tensor tensor)
{
    rnn_direction *direction = &network->node[tensor.node].direction[tensor.direction];
    const isize end = end_of(network->n_params, tensor.n_groups * tensor.units, tensor.columns);
    tensor.at = end < 0 ? 0 : network->n_params;
    tensor.size = end < 0 ? 0 : end - network->n_params;
    network->n_params = end;
    if (direction->n_tensors++ == 0)
        direction->first_tensor = network->n_tensors;
    direction->n_groups = (int)most(direction->n_groups, tensor.n_groups);
    network->tensor[network->n_tensors] = tensor;
    return &network->tensor[network->n_tensors++];
}

static int number_of(const rnn_network *network, const rnn_tensor *tensor) { return (int)(tensor - network->tensor); }

/* Put the gradient of a tensor there; its groups begin at these blocks. */
static void place_gradient(rnn_tensor *tensor, isize at, isize ld, const int *block, isize width)
{
    tensor->gradient = at;
    tensor->ld = ld;
    for (int group = 0; group < tensor->n_groups; group++)
        tensor->column[group] = (block ? block[group] : group) * width;
}

static isize pack_as(rnn_network *network, rnn_packing packing)
{
    const isize rows = packing.format == PADDED ? 1 : packing.k,
                columns = packing.format == ROWS ? whole_vectors(packing.parts * packing.width)
                                                 : packing.n_blocks * packing.width;
    packing.at = claim(&network->packed, rows, columns);
    network->packing[network->n_packings++] = packing;
    return packing.at;
}

/* Panels of k columns of a tensor from `first` on, for some blocks. */
static isize pack_blocks(rnn_network *network, int tensor, isize first, isize k, int n_blocks, const int *group, isize units,
                         isize width)
{
    rnn_packing packing = {.format = COLUMNS, .tensor = {tensor, -1}, .n_blocks = n_blocks, .first = first, .k = k,
                           .units = units, .width = width};
    for (int b = 0; b < n_blocks; b++)
        packing.group[0][b] = group[b];
    return pack_as(network, packing);
}

/* Panels of all rows of a tensor, for the gradient of what its columns are multiplied with. */
static isize pack_for_backward(rnn_network *network, int tensor, isize first, const rnn_stream *of)
{
    const rnn_tensor *t = &network->tensor[tensor];
    return pack_as(network, (rnn_packing){.format = ROWS, .tensor = {tensor, -1}, .first = first, .k = t->n_groups * t->units,
                                          .parts = of->parts, .units = of->units, .width = of->width});
}

static isize columns_of(const rnn_network *network, const rnn_source *source)
{
    const rnn_stream *out = stream_of(network, source);
    return out->parts * out->units;
}

/* The array of a stem: its columns are those of the sources with this stem, one after another. */
static void add_source_weights(rnn_network *network, int number, int d, int stem, const char *name)
{
    rnn_node *node = &network->node[number];
    const int n_groups = node->kind == HEAD ? 1 : node->declared.n_x;
    isize columns = 0;
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        if (source->stem != stem)
            continue;
        source->first = columns;
        source->tensor[d] = network->n_tensors;
        columns += columns_of(network, source);
    }
    if (columns == 0)
        return;
    rnn_tensor *tensor = add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = name, .n_groups = n_groups, .n_axes = 2, .units = node->units, .columns = columns,
        .decays = 1, .initial = GLOROT});
    if (!network->training)
        return;
    const isize ld = node->kind == HEAD ? node->width : node->declared.n_blocks * node->width;
    const isize at = claim(&network->gradient, columns, ld);
    place_gradient(tensor, at, ld, node->kind == HEAD ? NULL : node->declared.x_block, node->width);
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        if (source->stem != stem)
            continue;
        source->gradient[d] = at + source->first * ld;
        if (stream_of(network, source)->has_gradient)
            source->packed_rows[d] = pack_for_backward(network, source->tensor[d], source->first, stream_of(network, source));
    }
}

/* U, the weights of the previous state; returns NULL if no gate reads it. */
static rnn_tensor *add_state_weights(rnn_network *network, int number, int d)
{
    const rnn_node *node = &network->node[number];
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
    bias[0] = add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = "bias_ih", .n_groups = cell->n_x, .n_axes = 1, .units = node->units, .columns = 1,
        .initial = CONSTANTS});
    for (int gate = 0; gate < cell->n_x; gate++)
        bias[0]->constant[gate] = cell->bias[gate];
    bias[1] = cell->n_h ? add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = "bias_hh", .n_groups = cell->n_h, .n_axes = 1, .units = node->units, .columns = 1,
        .initial = ZEROS}) : NULL;
    rnn_packing sum = {.format = PADDED, .tensor = {number_of(network, bias[0]), bias[1] ? number_of(network, bias[1]) : -1},
                       .n_blocks = cell->n_blocks, .units = node->units, .width = node->width};
    for (int b = 0; b < cell->n_blocks; b++) {
        sum.group[0][b] = cell->x_gate[b];
        sum.group[1][b] = cell->h_gate[b];
    }
    node->direction[d].bias = pack_as(network, sum);
}

/* What backward reads of U, and where the gradients of U (or NULL) and of the biases go. */
static void plan_recurrent_gradients(rnn_network *network, rnn_node *node, int d, rnn_tensor *hh, rnn_tensor *const bias[2])
{
    rnn_direction *direction = &node->direction[d];
    const rnn_cell *cell = &node->declared;
    const isize ld = cell->n_blocks * node->width;
    const rnn_stream h = {.parts = 1, .units = node->units, .width = node->width};
    if (!network->training)
        return;
    if (hh) {
        direction->u_rows = pack_for_backward(network, number_of(network, hh), 0, &h);
        direction->d_u = claim(&network->gradient, node->units, ld);
        place_gradient(hh, direction->d_u, ld, cell->h_block, node->width);
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
static void add_recurrent_weights(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    const rnn_cell *cell = &node->declared;
    rnn_tensor *bias[2];
    add_source_weights(network, number, d, 0, weight_stems[0]);
    rnn_tensor *hh = add_state_weights(network, number, d);
    add_biases(network, number, d, bias);
    plan_recurrent_gradients(network, node, d, hh, bias);
    add_own_arrays(network, number, d);
    for (int stem = 1; stem < N_STEMS; stem++)
        add_source_weights(network, number, d, stem, weight_stems[stem]);
    pack_for_forward(network, node, d, hh);
    for (int gate = 0; gate < cell->n_x; gate++)
        direction->x_start[gate] = cell->x_block[gate] * node->width;
    for (int gate = 0; gate < cell->n_h; gate++)
        direction->h_start[gate] = cell->h_block[gate] * node->width;
}

static void add_head_weights(rnn_network *network, int number)
{
    static const int one_group[] = {0};
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[0];
    add_source_weights(network, number, 0, 0, "weight");
    rnn_tensor *bias = add_tensor(network, (rnn_tensor){
        .node = number, .stem = "bias", .n_groups = 1, .n_axes = 1, .units = node->units, .columns = 1, .initial = ZEROS});
    direction->bias = pack_as(network, (rnn_packing){
        .format = PADDED, .tensor = {number_of(network, bias), -1}, .n_blocks = 1, .units = node->units, .width = node->width});
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        source->packed[0][0] = pack_blocks(network, source->tensor[0], source->first, columns_of(network, source), 1, one_group,
                                           node->units, node->width);
    }
    if (network->training) {
        direction->d_bias = claim(&network->gradient, 1, node->width);
        place_gradient(bias, direction->d_bias, node->width, NULL, node->width);
    }
}

/* Fill the tables, node by node, and number the pieces in which gradients are reduced. */
static void plan_weights(rnn_network *network)
{
    network->n_params = network->n_tensors = network->n_packings = 0;
    network->n_pieces = 0;
    for (int i = 0; i < network->n_nodes; i++) {
        rnn_node *node = &network->node[i];
        for (int d = 0; d < node->n_directions; d++) {
            rnn_direction *direction = &node->direction[d];
            direction->n_tensors = direction->n_groups = 0;
            if (node->kind == RECURRENT)
                add_recurrent_weights(network, i, d);
            else if (node->kind == HEAD)
                add_head_weights(network, i);
            direction->first_piece = network->n_pieces;
            network->n_pieces += direction->n_groups * ((node->units + PIECE - 1) / PIECE);
        }
    }
}

#endif
