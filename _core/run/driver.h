/* The order of the loops: a segment of a slice goes layer by layer forward through the network, and back; workers take slices
 * until none is left.
 */
#ifndef SKLEARN_RNN_DRIVER_H
#define SKLEARN_RNN_DRIVER_H

#include <string.h>

#include "interface/job.h"
#include "levels/real.h"
#include "nodes/head.h"
#include "nodes/layer.h"
#include "plan/plan.h"
#include "plan/sizes.h"
#include "run/slice.h"

/* Keep the last states of the segment, with which the next one begins. */
static void keep_last_step(const rnn_network *network, const slice *s)
{
    const isize to = state_before(network, s->segment + 1);
    for (int l = 0; l < network->n_layers; l++) {
        const rnn_layer *layer = &network->layer[l];
        const isize from = row_at(s, s->end - 1, 1) * layer->ld_h;
        const size_t bytes = (size_t)(rows_at(s, s->end) * layer->ld_h) * sizeof(real);
        if (states_kept(network, l))
            memcpy(s->arena + layer->h_before + to * layer->ld_h, s->arena + layer->h + from, bytes);
        if (network->training && layer->c >= 0)
            memcpy(s->arena + layer->c_before + to * layer->ld_h, s->arena + layer->c + from, bytes);
    }
}

/* One segment through all layers; 1 when interrupted. */
static int forward(rnn_job *job, slice *s, isize segment)
{
    const rnn_network *network = job->network;
    enter_segment(s, segment);
    for (int l = 0; l < network->n_layers; l++) {
        const isize x = network->layer[l].x;
        if (l == 0 && network->training)
            for (isize t = s->first; t < s->end; t++)
                gather_step(job, s, t, s->arena + x + row_at(s, t, 1) * network->n_features);
        if (l > 0 && x >= 0)
            drop_steps(job, s, l - 1, s->first, s->end, s->arena + network->layer[l - 1].h, s->arena + x);
        for (int d = 0; d < network->n_directions; d++)
            if (layer_forward(job, s, l, d))
                return 1;
    }
    if (s->end < s->steps)
        keep_last_step(network, s);
    if (!network->per_step)
        gather_last_states(network, s);
    return 0;
}

/* One segment back through all layers; 1 when interrupted. */
static int backward(rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (int l = network->n_layers - 1; l >= 0; l--) {
        const real *d_last = l == network->n_layers - 1 && !network->per_step ? s->arena + network->d_last : NULL;
        for (int d = 0; d < network->n_directions; d++)
            if (layer_backward(job, s, l, d, d_last))
                return 1;
        if (l > 0 && network->layer[l].x >= 0) {
            real *d_out = s->arena + network->layer[l - 1].d_out;
            drop_steps(job, s, l - 1, s->first, s->end, d_out, d_out);
        }
    }
    return 0;
}

static void scatter_input_gradient(const rnn_job *job, const slice *s)
{
    const isize n = job->network->n_features, ld = whole_vectors(n);
    const real *d_x = s->arena + job->network->d_input;
    for (isize t = s->first; t < s->end; t++)
        for (isize i = 0; i < rows_at(s, t); i++, d_x += ld) {
            real *d_value = (real *)job->batch.d_values + (job->data.offsets[s->sample[i]] + t) * n;
            for (isize j = 0; j < n; j++)
                d_value[j] = job->data.factor ? (real)((double)d_x[j] * job->data.factor[j]) : d_x[j];
        }
}

static int train_slice(rnn_job *job, slice *s)
{
    const int per_step = job->network->per_step;
    for (isize segment = 0; segment < s->n_segments; segment++)
        if (forward(job, s, segment))
            return 1;
    if (!per_step)
        train_head_once(job, s);
    for (isize segment = s->n_segments - 1; segment >= 0; segment--) {
        if (segment < s->n_segments - 1 && forward(job, s, segment))
            return 1;
        if ((per_step && train_head_per_step(job, s)) || backward(job, s))
            return 1;
        if (job->batch.d_values)
            scatter_input_gradient(job, s);
    }
    job->batch.slice_loss[s->index] = s->loss;
    return 0;
}

static int predict_slice(rnn_job *job, slice *s)
{
    const int per_step = job->network->per_step;
    for (isize segment = 0; segment < s->n_segments; segment++)
        if (forward(job, s, segment) || (per_step && predict_head_per_step(job, s)))
            return 1;
    if (!per_step)
        predict_head_once(job, s);
    return 0;
}

/* Take slices until none is left. */
static void work(rnn_job *job, isize worker, int (*task)(rnn_job *, slice *))
{
    isize index;
    while ((index = __atomic_fetch_add(&job->sync.next_slice, 1, __ATOMIC_RELAXED)) < job->batch.n_slices) {
        slice s;
        open_slice(job, index, worker, &s);
        if (task(job, &s))
            break;
    }
}

/* Phases: the slices of a minibatch forward and back, or only forward. */
static void train(rnn_job *job, isize worker) { work(job, worker, train_slice); }
static void predict(rnn_job *job, isize worker) { work(job, worker, predict_slice); }

#endif
