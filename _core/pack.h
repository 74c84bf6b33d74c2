/* Conversion between the two forms of the weights: flat parameters in PyTorch's shapes, and packed panels for the products.
 * `pack` packs the parameters after each update; `reduce` sums the packed gradients of all slices into a flat one.
 */
#ifndef SKLEARN_RNN_PACK_H
#define SKLEARN_RNN_PACK_H

#include <math.h>
#include <string.h>

enum { PIECE = 64 };    /* rows of a gate that are reduced together */

/* The next piece of work; every worker counts all pieces and does its own. */
typedef struct {
    isize next, worker, n_workers;
} turns;

static inline int my_turn(turns *t) { return t->next++ % t->n_workers == t->worker; }

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

/* End of the group of blocks that begins at `first`: those that take the same operands. */
static inline int group_end(const rnn_cell *cell, int first)
{
    int end = first + 1;
    while (end < cell->n_blocks && (cell->x_gate[end] >= 0) == (cell->x_gate[first] >= 0) &&
           (cell->h_gate[end] >= 0) == (cell->h_gate[first] >= 0))
        end++;
    return end;
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
    turns t = {.worker = worker, .n_workers = job->n_workers};
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

/* flat[j][i] = sum over slices of d[i][j], i < k, j < n; plus the penalty. Returns the sum of squares. */
static double reduce_block(const rnn_job *job, isize from, isize ld, isize k, isize n, isize to, double alpha)
{
    const rnn_network *network = job->network;
    const real *slices = (const real *)job->slice_gradients + from, *params = (const real *)job->params + to;
    real *flat = (real *)job->gradient + to;
    double squares = 0;
    for (isize i = 0; i < k; i++) {
        real sum[PIECE + LANES];
        for (isize j = 0; j < n; j += LANES) {
            vec total = vload(slices + i * ld + j);
            for (isize s = 1; s < job->n_slices; s++)
                total += vload(slices + s * network->gradient.size + i * ld + j);
            vstore(sum + j, total);
        }
        for (isize j = 0; j < n; j++) {
            const real g = alpha > 0 ? sum[j] + (real)alpha * params[j * k + i] : sum[j];
            flat[j * k + i] = g;
            squares += (double)g * (double)g;
        }
    }
    return squares;
}

static int block_of(const int *gate_of_block, int gate)
{
    int block = 0;
    while (gate_of_block[block] != gate)
        block++;
    return block;
}

static isize count_pieces(const rnn_network *network)
{
    isize pieces = (network->head.outputs + PIECE - 1) / PIECE;
    for (int l = 0; l < network->n_layers; l++)
        pieces += network->n_directions * network->layer[l].cell->n_gates * ((network->layer[l].hidden + PIECE - 1) / PIECE);
    return pieces;
}

/* Phase: sum the slices' gradients, in the order of the slices, into the flat gradient; the penalty; sums of squares by piece. */
static void reduce(rnn_job *job, isize worker)
{
    const rnn_network *network = job->network;
    const rnn_head *head = &network->head;
    const double alpha = optimizer_list[job->optimizer.kind].decoupled_decay ? 0 : job->optimizer.alpha;
    turns t = {.worker = worker, .n_workers = job->n_workers};
    if (job->stop)
        return;
    if (worker == 0)
        job->loss = sum(job->n_slices, job->slice_loss);
    for (int l = 0; l < network->n_layers; l++)
        for (int d = 0; d < network->n_directions; d++) {
            const rnn_layer *layer = &network->layer[l];
            const rnn_direction *way = &layer->direction[d];
            const isize inputs = layer->input_parts * layer->inputs, ld = layer->cell->n_blocks * layer->width;
            for (int gate = 0; gate < layer->cell->n_gates; gate++)
                for (isize j = 0; j < layer->hidden; j += PIECE) {
                    const isize n = least(PIECE, layer->hidden - j), row = gate * layer->hidden + j,
                                x_column = block_of(layer->cell->x_gate, gate) * layer->width + j,
                                h_column = block_of(layer->cell->h_gate, gate) * layer->width + j;
                    if (!my_turn(&t))
                        continue;
                    job->piece_norms[t.next - 1] =
                        reduce_block(job, way->d_w + x_column, ld, inputs, n, way->weight_ih + row * inputs, alpha) +
                        reduce_block(job, way->d_u + h_column, ld, layer->hidden, n, way->weight_hh + row * layer->hidden,
                                     alpha) +
                        reduce_block(job, way->d_b + x_column, ld, 1, n, way->bias_ih + row, 0) +
                        reduce_block(job, way->d_b + h_column, ld, 1, n, way->bias_hh + row, 0);
                }
        }
    const isize states = network->n_directions * network->layer[network->n_layers - 1].hidden;
    for (isize j = 0; j < head->outputs; j += PIECE) {
        const isize n = least(PIECE, head->outputs - j);
        if (!my_turn(&t))
            continue;
        job->piece_norms[t.next - 1] =
            reduce_block(job, head->d_w + j, head->width, states, n, head->weight + j * states, alpha) +
            reduce_block(job, head->d_b + j, head->width, 1, n, head->bias + j, 0);
    }
}

#endif
