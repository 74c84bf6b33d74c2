/* The sizes and positions of all arrays of a network, worked out once per fit, and only here. */
#ifndef SKLEARN_RNN_PLAN_H
#define SKLEARN_RNN_PLAN_H

#include "interface/network.h"
#include "plan/blocks.h"
#include "plan/region.h"
#include "plan/sizes.h"

enum { PIECE = 64 };    /* rows of a gate that are reduced together */

/* Arrays in the flat vector have no padding. */
static isize claim_tensor(rnn_network *network, isize rows, isize columns, int decays)
{
    const isize at = network->n_params, end = end_of(at, rows, columns);
    network->n_params = end;
    if (end < 0)
        return 0;
    network->tensor[network->n_tensors++] = (rnn_tensor){.offset = at, .size = end - at, .decays = decays};
    return at;
}

static void plan_parameters(rnn_network *network)
{
    for (int l = 0; l < network->n_layers; l++) {
        rnn_layer *layer = &network->layer[l];
        const isize gates = layer->cell->n_gates * layer->hidden;
        for (int d = 0; d < network->n_directions; d++) {
            rnn_direction *way = &layer->direction[d];
            way->weight_ih = claim_tensor(network, gates, layer->input_parts * layer->inputs, 1);
            way->weight_hh = claim_tensor(network, gates, layer->hidden, 1);
            way->bias_ih = claim_tensor(network, gates, 1, 0);
            way->bias_hh = claim_tensor(network, gates, 1, 0);
        }
    }
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    network->head.weight = claim_tensor(network, network->head.outputs, network->n_directions * last->hidden, 1);
    network->head.bias = claim_tensor(network, network->head.outputs, 1, 0);
}

static void plan_weights(rnn_network *network)
{
    rnn_region *packed = &network->packed, *gradient = &network->gradient;
    for (int l = 0; l < network->n_layers; l++) {
        rnn_layer *layer = &network->layer[l];
        const rnn_cell *cell = layer->cell;
        const isize inputs = layer->input_parts * layer->inputs, columns = cell->n_blocks * layer->width,
                    gates = cell->n_gates * layer->hidden;
        for (int d = 0; d < network->n_directions; d++) {
            rnn_direction *way = &layer->direction[d];
            way->bias = claim(packed, 1, columns);
            way->w = claim(packed, inputs, columns_with(cell->x_gate, layer));
            way->u = claim(packed, layer->hidden, columns_with(cell->h_gate, layer));
            if (!network->training)
                continue;
            way->ut = claim(packed, gates, layer->width);
            if (l > 0 || network->keep_input_gradient)
                way->wt = claim(packed, gates, whole_vectors(layer->input_parts * layer->input_width));
            way->d_w = claim(gradient, inputs, columns);
            way->d_u = claim(gradient, layer->hidden, columns);
            way->d_b = claim(gradient, 1, columns);
        }
    }
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const isize states = network->n_directions * last->hidden;
    rnn_head *head = &network->head;
    head->packed_bias = claim(packed, 1, head->width);
    head->w = claim(packed, states, head->width);
    if (network->training) {
        head->wt = claim(packed, head->outputs, network->n_directions * last->width);
        head->d_w = claim(gradient, states, head->width);
        head->d_b = claim(gradient, 1, head->width);
    }
}

/* Segments end at block boundaries, so a full one has less than a block and a step of unused rows. */
static isize most_segments(const rnn_network *network)
{
    if (network->segment_rows >= network->max_slice_steps)
        return 1;
    return network->max_slice_steps / (network->segment_rows - BLOCK_ROWS - network->max_rows + 1) + 1;
}

/* Whether the states of all steps of a segment are kept, or only those of the present step. */
static inline int states_kept(const rnn_network *network, int l)
{
    return network->training || l < network->n_layers - 1 || network->per_step;
}

static void plan_arena(rnn_network *network)
{
    rnn_region *arena = &network->arena;
    const int training = network->training, dropping = training && network->dropout > 0;
    const isize rows = network->max_rows, steps = network->segment_rows, waiting = rows + BLOCK_ROWS,
                carried = (training ? network->max_segments - 1 : network->max_segments > 1) * rows;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    for (int l = 0; l < network->n_layers; l++) {
        rnn_layer *layer = &network->layer[l];
        const int has_cell_state = layer->cell->has_cell_state;
        layer->x = l == 0 ? claim(arena, training ? steps : rows, layer->ld_x)
                 : dropping ? claim(arena, steps, layer->ld_x)
                 : -1;
        layer->gates = claim(arena, training ? steps : rows, layer->ld_gates);
        layer->h = claim(arena, states_kept(network, l) ? steps : rows, layer->ld_h);
        layer->h_before = claim(arena, states_kept(network, l) ? carried : 0, layer->ld_h);
        layer->c = has_cell_state ? claim(arena, training ? steps : rows, layer->ld_h) : -1;
        layer->c_before = has_cell_state ? claim(arena, training ? carried : 0, layer->ld_h) : -1;
        layer->d_out = !training || (layer == last && !network->per_step) ? -1
                     : layer->cell->gates_end_with_forward ? layer->gates
                     : claim(arena, steps, layer->ld_h);
        layer->d_h = claim(arena, training ? rows : 0, layer->width);
        layer->d_c = claim(arena, training ? rows : 0, layer->width);
    }
    network->zeros = claim(arena, 1, network->widest);
    network->last = claim(arena, rows, last->ld_h);
    network->logits = claim(arena, waiting, network->head.width);
    if (!training)
        return;
    network->d_last = claim(arena, rows, last->ld_h);
    network->h_prev = claim(arena, waiting, row_length(network->widest));
    network->panel = claim(arena, waiting, PANEL_COLUMNS);
    network->dropped = dropping ? claim(arena, waiting, last->ld_h) : -1;
    if (network->keep_input_gradient)
        network->d_input = claim(arena, steps, whole_vectors(network->n_features));
}

static isize count_pieces(const rnn_network *network)
{
    isize pieces = (network->head.outputs + PIECE - 1) / PIECE;
    for (int l = 0; l < network->n_layers; l++)
        pieces += network->n_directions * network->layer[l].cell->n_gates * ((network->layer[l].hidden + PIECE - 1) / PIECE);
    return pieces;
}

/* Fill in all that follows from the caller's settings; -1 when a size overflows. */
static int plan(rnn_network *network)
{
    isize inputs = network->n_features, parts = 1, input_width = network->n_features, ld_x = network->n_features;
    network->n_tensors = 0;
    network->n_params = network->widest = 0;
    network->packed = network->gradient = network->arena = (rnn_region){0};
    for (int l = 0; l < network->n_layers; l++) {
        rnn_layer *layer = &network->layer[l];
        layer->inputs = inputs;
        layer->input_parts = parts;
        layer->input_width = input_width;
        layer->ld_x = ld_x;
        layer->width = whole_vectors(layer->hidden);
        network->widest = most(network->widest, layer->width);
        layer->ld_gates = row_length(network->n_directions * layer->cell->n_blocks * layer->width);
        layer->ld_h = row_length(network->n_directions * layer->width);
        inputs = layer->hidden;
        parts = network->n_directions;
        input_width = layer->width;
        ld_x = layer->ld_h;
    }
    network->head.width = whole_vectors(network->head.outputs);
    plan_parameters(network);
    plan_weights(network);
    network->max_segments = most_segments(network);
    plan_arena(network);
    network->arena_ints = network->max_steps + 1 + 2 * network->max_rows + network->max_segments + 1;
    network->n_pieces = count_pieces(network);
    return network->n_params < 0 || network->packed.size < 0 || network->gradient.size < 0 || network->arena.size < 0 ? -1 : 0;
}

#endif
