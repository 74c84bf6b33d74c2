/* From the gradients of all slices to a flat one, with the penalty. */
#ifndef SKLEARN_RNN_REDUCE_H
#define SKLEARN_RNN_REDUCE_H

#include <string.h>

#include "interface/job.h"
#include "levels/optimizers.h"
#include "levels/vec.h"
#include "plan/sizes.h"
#include "plan/weights.h"
#include "weights/penalty.h"
#include "weights/sum.h"
#include "weights/touched.h"
#include "weights/turns.h"

/* flat[j][i] = sum over slices of d[i][j], i < k, j < n; plus the penalty. Returns the sum of squares. `at` is the place of
 * flat[0] in the parameters. */
static double reduce_block(const rnn_job *job, isize from, isize ld, isize k, isize n, isize to, isize at, penalty pulls)
{
    const rnn_network *network = job->network;
    const real *slices = (const real *)job->slice_gradients + from, *params = (const real *)job->params + at;
    real *flat = (real *)job->gradient + to;
    double squares = 0;
    for (isize i = 0; i < k; i++) {
        real sum[PIECE + LANES];
        for (isize j = 0; j < n; j += LANES) {
            vec total = vload(slices + i * ld + j);
            for (isize s = 1; s < job->batch.n_places; s++)
                total += vload(slices + s * network->gradient.size + i * ld + j);
            vstore(sum + j, total);
        }
        for (isize j = 0; j < n; j++) {
            const real g = add_penalty(sum[j], params[j * k + i], pulls);
            flat[j * k + i] = g;
            squares += (double)g * (double)g;
        }
    }
    return squares;
}

/* Add to rows first to end of a flat gradient what an embedding that reads them adds; returns their sum of squares. */
static double add_tied_rows(const rnn_job *job, isize worker, const rnn_tensor *tensor, isize first, isize end)
{
    const isize columns = tensor->columns;
    real *flat = (real *)job->gradient + tensor->summed;
    double squares = 0;
    touched_walk walk = walk_touched(job, worker, tensor, first, end);
    for (isize row; (row = next_touched(&walk)) >= 0;) {
        const real *g = take_touched(&walk, row, 0);
        for (isize j = 0; j < columns; j++)
            flat[row * columns + j] += g[j];
    }
    for (isize i = first * columns; i < end * columns; i++)
        squares += (double)flat[i] * (double)flat[i];
    return squares;
}

/* Rows j to j + n of one group, in all tensors of a direction that have so many groups and are not frozen; returns their sum of
 * squares. */
static double reduce_piece(const rnn_job *job, isize worker, const rnn_direction *direction, int group, isize j, isize n)
{
    const rnn_tensor *tensor = &job->network->tensor[direction->first_tensor];
    double squares = 0;
    for (int i = 0; i < direction->n_tensors; i++, tensor++) {
        const isize first = (group * tensor->units + j) * tensor->columns;
        if (group >= tensor->n_groups || tensor->frozen)
            continue;
        const double of_block = reduce_block(job, tensor->gradient + tensor->column[group] + j, tensor->ld, tensor->columns, n,
                                             tensor->summed + first, tensor->at + first, penalty_of(&job->optimizer, tensor));
        squares += tensor->is_tied ? add_tied_rows(job, worker, tensor, j, j + n) : of_block;
    }
    return squares;
}

/* The rows of a piece of a table that the minibatch has touched; returns their sum of squares. */
static double reduce_rows(const rnn_job *job, isize worker, const rnn_tensor *table, isize piece)
{
    const real *params = (const real *)job->params + table->at;
    const isize columns = table->columns;
    const penalty pulls = penalty_of(&job->optimizer, table);
    double squares = 0;
    touched_walk walk = walk_touched(job, worker, table, piece_start(table, piece), piece_start(table, piece + 1));
    for (isize row; (row = next_touched(&walk)) >= 0;) {
        real *g = take_touched(&walk, row, 0);
        for (isize j = 0; j < columns; j++) {
            g[j] = add_penalty(g[j], params[row * columns + j], pulls);
            squares += (double)g[j] * (double)g[j];
        }
    }
    return squares;
}

/* Set a place to zero that no slice has filled: loss, gradients and the number of touched rows. */
static void clear_place(const rnn_job *job, isize place)
{
    const rnn_network *network = job->network;
    real *gradient = (real *)job->slice_gradients + place * network->gradient.size;
    job->batch.slice_loss[place] = 0;
    for (int i = 0; i < network->n_tensors; i++) {
        const rnn_tensor *tensor = &network->tensor[i];
        if (tensor->frozen)
            continue;
        if (tensor->is_table || tensor->is_tied)
            touched_codes(job, tensor, place)[0] = 0;
        if (tensor->is_table)
            continue;
        for (int group = 0; group < tensor->n_groups; group++)
            for (isize column = 0; column < tensor->columns; column++)
                memset(gradient + tensor->gradient + tensor->column[group] + column * tensor->ld, 0,
                       (size_t)whole_vectors(tensor->units) * sizeof(real));
    }
}

/* Phase: sum the slices' gradients, in the order of the slices, into the flat gradient; the penalty; sums of squares by piece. */
static void reduce(rnn_job *job, isize worker)
{
    const rnn_network *network = job->network;
    turns t = {.worker = worker, .n_workers = job->sync.n_workers};
    if (job->sync.stop)
        return;
    if (worker == 0)
        job->batch.loss = sum_of(job->batch.n_places, job->batch.slice_loss);
    for (int i = 0; i < network->n_nodes; i++)
        for (int d = 0; d < network->node[i].n_directions; d++) {
            const rnn_direction *direction = &network->node[i].direction[d];
            const isize units = network->node[i].units;
            isize piece = direction->first_piece;
            if (has_table(network, direction)) {
                const rnn_tensor *table = &network->tensor[direction->first_tensor];
                for (isize part = 0; part < TABLE_PIECES; part++)
                    if (my_turn(&t))
                        job->piece_norms[piece + part] = table->frozen ? 0 : reduce_rows(job, worker, table, part);
                continue;
            }
            for (int group = 0; group < direction->n_groups; group++)
                for (isize j = 0; j < units; j += PIECE, piece++)
                    if (my_turn(&t))
                        job->piece_norms[piece] = reduce_piece(job, worker, direction, group, j, least(PIECE, units - j));
        }
}

#endif
