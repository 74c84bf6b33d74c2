/* Update the parameters from the flat gradient, with clipping and decay. */
#ifndef SKLEARN_RNN_UPDATE_H
#define SKLEARN_RNN_UPDATE_H

#include <float.h>
#include <math.h>

#include "interface/job.h"
#include "levels/optimizers.h"
#include "levels/real.h"
#include "plan/sizes.h"
#include "weights/penalty.h"
#include "weights/sum.h"
#include "weights/touched.h"

enum { UPDATE_BLOCK = 4096 };

static const double LARGEST_SQUARE = REAL_BITS == 32 ? FLT_MAX : DBL_MAX, LEAST_NORMAL = REAL_BITS == 32 ? FLT_MIN : DBL_MIN;

/* One step of the optimizer for the rows of a piece of a table that the minibatch has touched. All others stay as they are,
 * moments too, as with SparseAdam of PyTorch. */
static void update_rows(const rnn_job *job, isize worker, const rnn_tensor *table, isize piece, real *w, real *p, real *q,
                        const constants *k, real scale, weight_decay decay)
{
    touched_walk walk = walk_touched(job, worker, table, piece_start(table, piece), piece_start(table, piece + 1));
    for (isize row; (row = next_touched(&walk)) >= 0;) {
        const real *g = take_touched(&walk, row, 1);
        const isize at = table->at + row * table->columns;
        if (decay.shrink > 0)
            decay_weights(table->columns, w + at, decay);
        update_functions[job->optimizer.kind](table->columns, w + at, g, p + at, q + at, k, scale,
                                              (real)job->optimizer.max_value, decay.shrink > 0 ? 1 : decay.keep);
    }
}

/* Phase: one step of the optimizer, block by block. Nothing changes if the loss, the gradient's norm or the squares that the
 * optimizer keeps are not finite. */
static void update(rnn_job *job, isize worker)
{
    const rnn_network *network = job->network;
    const rnn_optimizer *optimizer = &job->optimizer;
    const rnn_optimizer_info *info = &optimizer_list[optimizer->kind];
    const double norm = sqrt(sum_of(network->n_pieces, job->piece_norms)),
                 largest = fmin(fmin(norm, optimizer->max_norm), optimizer->max_value);     /* bound of the clipped entries */
    const int too_large = info->keeps_squares && largest > sqrt(LARGEST_SQUARE);
    if (worker == 0) {
        job->batch.gradient_norm = norm;
        job->batch.too_large = too_large;
    }
    if (job->sync.stop || !isfinite(job->batch.loss) || !isfinite(norm) || too_large)
        return;
    const real scale = (real)(norm > optimizer->max_norm ? optimizer->max_norm / norm : 1);
    const constants k = {
        .learning_rate = (real)optimizer->learning_rate, .momentum = (real)optimizer->momentum,
        .beta_1 = (real)optimizer->beta_1, .beta_2 = (real)optimizer->beta_2, .epsilon = (real)optimizer->epsilon,
        .rest_1 = (real)(1 - optimizer->beta_1), .rest_2 = (real)(1 - optimizer->beta_2),
        .corrected_rate = (real)(optimizer->learning_rate * sqrt(optimizer->correction_2) / optimizer->correction_1),
        .corrected_epsilon = (real)fmax(optimizer->epsilon * sqrt(optimizer->correction_2), LEAST_NORMAL),
        .nesterov = optimizer->nesterov,
    };
    real *w = job->params, *p = job->moments, *q = info->n_moments > 1 ? p + network->n_params : p;
    const real *g = job->gradient;
    isize block = 0;
    for (int i = 0; i < network->n_tensors; i++) {
        const rnn_tensor *tensor = &network->tensor[i];
        const weight_decay decay = decay_of(optimizer, tensor);
        if (tensor->frozen)
            continue;
        for (isize piece = 0; piece < TABLE_PIECES && tensor->is_table; piece++, block++)
            if (block % job->sync.n_workers == worker)
                update_rows(job, worker, tensor, piece, w, p, q, &k, scale, decay);
        for (isize done = 0; done < tensor->size && !tensor->is_table; done += UPDATE_BLOCK, block++) {
            const isize at = tensor->at + done, n = least(UPDATE_BLOCK, tensor->size - done);
            if (block % job->sync.n_workers != worker)
                continue;
            if (decay.shrink > 0)
                decay_weights(n, w + at, decay);
            update_functions[optimizer->kind](n, w + at, g + tensor->summed + done, p + at, q + at, &k, scale,
                                              (real)optimizer->max_value, decay.shrink > 0 ? 1 : decay.keep);
        }
    }
}

#endif
