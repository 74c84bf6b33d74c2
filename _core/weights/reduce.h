/* Sum the packed gradients of all slices into a flat one, with the penalty. */
#ifndef SKLEARN_RNN_REDUCE_H
#define SKLEARN_RNN_REDUCE_H

#include "interface/job.h"
#include "levels/optimizers.h"
#include "levels/vec.h"
#include "plan/blocks.h"
#include "plan/plan.h"
#include "plan/sizes.h"
#include "weights/sum.h"
#include "weights/turns.h"

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
            for (isize s = 1; s < job->batch.n_slices; s++)
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

/* Phase: sum the slices' gradients, in the order of the slices, into the flat gradient; the penalty; sums of squares by piece. */
static void reduce(rnn_job *job, isize worker)
{
    const rnn_network *network = job->network;
    const rnn_head *head = &network->head;
    const double alpha = optimizer_list[job->optimizer.kind].decoupled_decay ? 0 : job->optimizer.alpha;
    turns t = {.worker = worker, .n_workers = job->sync.n_workers};
    if (job->sync.stop)
        return;
    if (worker == 0)
        job->batch.loss = sum_of(job->batch.n_slices, job->batch.slice_loss);
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
