/* Pack the weights: flat parameters in PyTorch's shapes -> packed panels for the products, after each update. */
#ifndef SKLEARN_RNN_PACK_H
#define SKLEARN_RNN_PACK_H

#include "interface/job.h"
#include "levels/real.h"
#include "plan/blocks.h"
#include "plan/sizes.h"
#include "weights/turns.h"

/* Panels of B (k, H columns of one or more blocks) from the rows of a (G*H, k) weight: B[k][block, j] = weight[gate * H + j][k]. */
static void pack_transposed(turns *t, const real *weight, isize k, const int *gate_of_block, int first, int end, isize hidden,
                            isize width, real *packed)
{
    const isize columns = (end - first) * width;
    for (isize column = 0; column < columns; column += PANEL_COLUMNS) {
        const isize n = least(PANEL_COLUMNS, columns - column);
        real *panel = packed + column * k;
        if (!my_turn(t))
            continue;
        for (isize c = 0; c < n; c++) {
            const isize block = first + (column + c) / width, j = (column + c) % width;
            const real *row = weight + (gate_of_block[block] * hidden + j) * k;
            for (isize i = 0; i < k; i++)
                panel[i * n + c] = j < hidden ? row[i] : 0;
        }
    }
}

/* Panels of B = weight (k, parts * part), each part padded to part_width columns. */
static void pack_plain(turns *t, const real *weight, isize k, isize parts, isize part, isize part_width, isize columns,
                       real *packed)
{
    for (isize column = 0; column < columns; column += PANEL_COLUMNS) {
        const isize n = least(PANEL_COLUMNS, columns - column);
        real *panel = packed + column * k;
        if (!my_turn(t))
            continue;
        isize source[PANEL_COLUMNS];
        for (isize c = 0; c < n; c++) {
            const isize p = (column + c) / part_width, j = (column + c) % part_width;
            source[c] = p < parts && j < part ? p * part + j : -1;
        }
        for (isize i = 0; i < k; i++)
            for (isize c = 0; c < n; c++)
                panel[i * n + c] = source[c] >= 0 ? weight[i * parts * part + source[c]] : 0;
    }
}

static void pack_direction(turns *t, const rnn_network *network, const rnn_layer *layer, const rnn_direction *way,
                           const real *params, real *packed)
{
    const rnn_cell *cell = layer->cell;
    const isize inputs = layer->input_parts * layer->inputs, gates = cell->n_gates * layer->hidden;
    real *w = packed + way->w, *u = packed + way->u;
    for (int first = 0, end; first < cell->n_blocks; first = end) {
        end = group_end(cell, first);
        if (cell->x_gate[first] >= 0) {
            pack_transposed(t, params + way->weight_ih, inputs, cell->x_gate, first, end, layer->hidden, layer->width, w);
            w += inputs * (end - first) * layer->width;
        }
        if (cell->h_gate[first] >= 0) {
            pack_transposed(t, params + way->weight_hh, layer->hidden, cell->h_gate, first, end, layer->hidden, layer->width,
                            u);
            u += layer->hidden * (end - first) * layer->width;
        }
    }
    if (network->training)
        pack_plain(t, params + way->weight_hh, gates, 1, layer->hidden, layer->width, layer->width, packed + way->ut);
    if (network->training && (layer > network->layer || network->keep_input_gradient))
        pack_plain(t, params + way->weight_ih, gates, layer->input_parts, layer->inputs, layer->input_width,
                   whole_vectors(layer->input_parts * layer->input_width), packed + way->wt);
    if (!my_turn(t))
        return;
    for (int b = 0; b < cell->n_blocks; b++)
        for (isize j = 0; j < layer->width; j++) {
            real bias = 0;
            if (j < layer->hidden && cell->x_gate[b] >= 0)
                bias += params[way->bias_ih + cell->x_gate[b] * layer->hidden + j];
            if (j < layer->hidden && cell->h_gate[b] >= 0)
                bias += params[way->bias_hh + cell->h_gate[b] * layer->hidden + j];
            packed[way->bias + b * layer->width + j] = bias;
        }
}

/* Phase: flat parameters -> packed panels. */
static void pack(rnn_job *job, isize worker)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const rnn_head *head = &network->head;
    const isize states = network->n_directions * last->hidden;
    const real *params = job->params;
    const int head_gate[] = {0};
    real *packed = job->packed;
    turns t = {.worker = worker, .n_workers = job->sync.n_workers};
    for (const rnn_layer *layer = network->layer; layer <= last; layer++)
        for (int d = 0; d < network->n_directions; d++)
            pack_direction(&t, network, layer, &layer->direction[d], params, packed);
    pack_transposed(&t, params + head->weight, states, head_gate, 0, 1, head->outputs, head->width, packed + head->w);
    if (network->training)
        pack_plain(&t, params + head->weight, head->outputs, network->n_directions, last->hidden, last->width,
                   network->n_directions * last->width, packed + head->wt);
    if (my_turn(&t))
        for (isize j = 0; j < head->width; j++)
            packed[head->packed_bias + j] = j < head->outputs ? params[head->bias + j] : 0;
}

#endif
