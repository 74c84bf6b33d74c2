/* The tables of parameters: all arrays in the flat vector, the forms in which they are packed, and their places in a slice's
 * gradient. Nothing else lists parameters.
 */
#ifndef SKLEARN_RNN_PLAN_WEIGHTS_H
#define SKLEARN_RNN_PLAN_WEIGHTS_H

#include "interface/network.h"
#include "plan/kind.h"
#include "plan/region.h"
#include "plan/sizes.h"

/* Stems of the weights of sources: those of the input, of the output of the step before, of what takes the place of the previous
 * state, and of a shortcut. What is read as initial states has no weights. */
static const char *const weight_stems[] = {"weight_ih", "weight_oh", "weight_hh", "weight_skip", "initial", NULL};
enum { N_STEMS = sizeof weight_stems / sizeof *weight_stems - 1 };
enum { STEM_HH = 2, STEM_INITIAL = 4 };     /* of these */

/* Add an array to the flat vector; it belongs to the direction whose arrays were added last. */
static rnn_tensor *add_tensor(rnn_network *network, rnn_tensor tensor)
{
    rnn_direction *direction = &network->node[tensor.node].direction[tensor.direction];
    const isize end = end_of(network->n_params, tensor.n_groups * tensor.units, tensor.columns);
    tensor.at = end < 0 ? 0 : network->n_params;
    tensor.size = end < 0 ? 0 : end - network->n_params;
    tensor.summed = network->n_summed;
    tensor.frozen = network->frozen && network->frozen[network->n_tensors];
    network->n_summed += tensor.is_table ? 0 : tensor.size;
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

/* Panels of the rows of some gates, for the gradient of what the columns of a tensor are multiplied with. */
static isize pack_gates_for_backward(rnn_network *network, int tensor, int first_gate, int n_gates, isize first,
                                     const rnn_stream *of)
{
    const isize units = network->tensor[tensor].units;
    return pack_as(network, (rnn_packing){.format = ROWS, .tensor = {tensor, -1}, .first = first, .k = n_gates * units,
                                          .first_row = first_gate * units, .parts = of->parts, .units = of->units,
                                          .width = of->width});
}

/* The same of all gates. */
static isize pack_for_backward(rnn_network *network, int tensor, isize first, const rnn_stream *of)
{
    return pack_gates_for_backward(network, tensor, 0, network->tensor[tensor].n_groups, first, of);
}

static isize columns_of(const rnn_network *network, const rnn_source *source)
{
    const rnn_stream *out = stream_of(network, source);
    return out->parts * out->units;
}

/* Blocks in a row of a weight gradient: those of all products, unless every product has a gradient of its own. */
static int gradient_blocks(const rnn_node *node, int n_gates)
{
    return node->normalization ? n_gates : node->declared.n_blocks;
}

/* Whether the array of a stem multiplies a source; what is read of the other axis is not multiplied. */
static int has_stem(const rnn_network *network, const rnn_node *node, const rnn_source *source, int stem)
{
    return source->stem == stem && network->node[source->node].axis == node->axis;
}

/* The array of a stem: its columns are those of the sources with this stem, one after another. */
static void add_source_weights(rnn_network *network, int number, int d, int stem, const char *name)
{
    rnn_node *node = &network->node[number];
    const isize ld = gradient_blocks(node, node->declared.n_x) * node->width;
    isize columns = 0;
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        if (!has_stem(network, node, source, stem))
            continue;
        source->first = columns;
        source->tensor[d] = network->n_tensors;
        columns += columns_of(network, source);
    }
    if (columns == 0)
        return;
    rnn_tensor *tensor = add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = name, .n_groups = node->declared.n_x, .n_axes = 2, .units = node->units,
        .columns = columns, .decays = 1, .initial = GLOROT});
    if (!network->training)
        return;
    const isize at = claim(&network->gradient, columns, ld);
    place_gradient(tensor, at, ld, node->declared.x_block, node->width);
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        if (!has_stem(network, node, source, stem))
            continue;
        source->gradient[d] = at + source->first * ld;
        if (stream_of(network, source)->has_gradient)
            source->packed_rows[d] = pack_for_backward(network, source->tensor[d], source->first, stream_of(network, source));
    }
}

/* An array (n_groups * units,) of a node of one direction, which is not the weight of a product: its places in the packed weights
 * and in a slice's gradient, each group padded. Constants, such as biases and gains, are not penalised. */
static void add_vector(rnn_network *network, int number, int n_groups, const char *stem, rnn_initial initial, double constant,
                       isize *packed, isize *gradient)
{
    const rnn_node *node = &network->node[number];
    rnn_tensor tensor = {.node = number, .stem = stem, .n_groups = n_groups, .n_axes = 1, .units = node->units, .columns = 1,
                         .decays = initial == GLOROT, .initial = initial};
    rnn_packing vectors = {.format = PADDED, .tensor = {network->n_tensors, -1}, .n_blocks = n_groups, .units = node->units,
                           .width = node->width};
    for (int group = 0; group < n_groups; group++) {
        tensor.constant[group] = constant;
        vectors.group[0][group] = group;
    }
    rnn_tensor *added = add_tensor(network, tensor);
    *packed = pack_as(network, vectors);
    if (!network->training)
        return;
    *gradient = claim(&network->gradient, 1, n_groups * node->width);
    place_gradient(added, *gradient, n_groups * node->width, NULL, node->width);
}

/* Whether the parameters of a direction are a table. */
static inline int has_table(const rnn_network *network, const rnn_direction *direction)
{
    return direction->n_tensors > 0 && network->tensor[direction->first_tensor].is_table;
}

/* Fill the tables, node by node, and number the pieces in which gradients are reduced. */
static void plan_weights(rnn_network *network)
{
    network->n_params = network->n_summed = 0;
    network->n_tensors = network->n_packings = 0;
    network->n_pieces = 0;
    for (int i = 0; i < network->n_nodes; i++) {
        rnn_node *node = &network->node[i];
        for (int d = 0; d < node->n_directions; d++) {
            rnn_direction *direction = &node->direction[d];
            direction->n_tensors = direction->n_groups = 0;
            if (kind_of(network, i)->add_weights)
                kind_of(network, i)->add_weights(network, i, d);
            direction->first_piece = network->n_pieces;
            network->n_pieces += has_table(network, direction) ? TABLE_PIECES
                                                               : direction->n_groups * ((node->units + PIECE - 1) / PIECE);
        }
    }
    if (network->tied >= 0)     /* the first array of the head is "weight" */
        network->tensor[network->node[network->head].direction[0].first_tensor].is_tied = 1;
}

#endif
