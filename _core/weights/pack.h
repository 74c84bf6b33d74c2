/* From the flat parameters, in PyTorch's shapes, to the forms that the kernels read. */
#ifndef SKLEARN_RNN_PACK_H
#define SKLEARN_RNN_PACK_H

#include "interface/job.h"
#include "levels/real.h"
#include "plan/sizes.h"
#include "weights/turns.h"

/* Panels of B (k, n_blocks * width): B[i][block, j] = T[group * units + j][first + i]. */
static void pack_columns(turns *t, const rnn_packing *p, const rnn_tensor *tensor, const real *flat, real *packed)
{
    const isize columns = p->n_blocks * p->width;
    for (isize column = 0; column < columns; column += PANEL_COLUMNS) {
        const isize n = least(PANEL_COLUMNS, columns - column);
        real *panel = packed + column * p->k;
        if (!my_turn(t))
            continue;
        for (isize c = 0; c < n; c++) {
            const isize group = p->group[0][(column + c) / p->width], j = (column + c) % p->width;
            const real *row = flat + (group * p->units + j) * tensor->columns + p->first;
            for (isize i = 0; i < p->k; i++)
                panel[i * n + c] = j < p->units ? row[i] : 0;
        }
    }
}

/* Panels of B (k, parts * width): B[i][part, j] = T[first_row + i][first + part * units + j]. */
static void pack_rows(turns *t, const rnn_packing *p, const rnn_tensor *tensor, const real *flat, real *packed)
{
    const isize columns = whole_vectors(p->parts * p->width);
    flat += p->first_row * tensor->columns;
    for (isize column = 0; column < columns; column += PANEL_COLUMNS) {
        const isize n = least(PANEL_COLUMNS, columns - column);
        real *panel = packed + column * p->k;
        if (!my_turn(t))
            continue;
        isize source[PANEL_COLUMNS];
        for (isize c = 0; c < n; c++) {
            const isize part = (column + c) / p->width, j = (column + c) % p->width;
            source[c] = part < p->parts && j < p->units ? p->first + part * p->units + j : -1;
        }
        for (isize i = 0; i < p->k; i++)
            for (isize c = 0; c < n; c++)
                panel[i * n + c] = source[c] >= 0 ? flat[i * tensor->columns + source[c]] : 0;
    }
}

/* One vector of n_blocks * width numbers: the sum of the groups of up to two tensors (biases) in each block. */
static void pack_padded(turns *t, const rnn_packing *p, const rnn_tensor *tensors, const real *params, real *packed)
{
    if (!my_turn(t))
        return;
    for (int block = 0; block < p->n_blocks; block++)
        for (isize j = 0; j < p->width; j++) {
            real total = 0;
            for (int i = 0; i < 2; i++)
                if (p->tensor[i] >= 0 && p->group[i][block] >= 0 && j < p->units)
                    total += params[tensors[p->tensor[i]].at + p->group[i][block] * p->units + j];
            packed[block * p->width + j] = total;
        }
}

/* Phase: flat parameters -> packed forms. */
static void pack(rnn_job *job, isize worker)
{
    const rnn_network *network = job->network;
    const real *params = job->params;
    turns t = {.worker = worker, .n_workers = job->sync.n_workers};
    for (int i = 0; i < network->n_packings; i++) {
        const rnn_packing *p = &network->packing[i];
        const rnn_tensor *tensor = &network->tensor[p->tensor[0]];
        real *packed = (real *)job->packed + p->at;
        if (p->format == COLUMNS)
            pack_columns(&t, p, tensor, params + tensor->at, packed);
        else if (p->format == ROWS)
            pack_rows(&t, p, tensor, params + tensor->at, packed);
        else
            pack_padded(&t, p, network->tensor, params, packed);
    }
}

#endif
