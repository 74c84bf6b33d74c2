/* The order of the loops: a slice goes layer by layer through the network and back; workers take slices until none is left.
 */
#ifndef SKLEARN_RNN_DRIVER_H
#define SKLEARN_RNN_DRIVER_H

static int forward(rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (int l = 0; l < network->n_layers; l++) {
        if (l > 0 && network->layer[l].x >= 0)
            drop_steps(job, s, l - 1, 0, s->steps, s->arena + network->layer[l - 1].h, s->arena + network->layer[l].x);
        for (int d = 0; d < network->n_directions; d++)
            if (layer_forward(job, s, l, d))
                return 1;
    }
    return 0;
}

static void scatter_input_gradient(const rnn_job *job, const slice *s)
{
    const isize n = job->network->n_features, ld = whole_vectors(n);
    const real *d_x = s->arena + job->network->d_input;
    for (isize t = 0; t < s->steps; t++)
        for (isize i = 0; i < rows_at(s, t); i++, d_x += ld)
            memcpy((real *)job->d_values + (job->offsets[s->sample[i]] + t) * n, d_x, (size_t)n * sizeof(real));
}

static int train_slice(rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (isize t = 0; t < s->steps; t++)
        gather_step(job, s, t, s->arena + network->layer[0].x + s->offset[t] * network->n_features);
    if (forward(job, s) || train_head(job, s))
        return 1;
    for (int l = network->n_layers - 1; l >= 0; l--) {
        const real *d_last = l == network->n_layers - 1 && !network->per_step ? s->arena + network->d_last : NULL;
        for (int d = 0; d < network->n_directions; d++)
            if (layer_backward(job, s, l, d, d_last))
                return 1;
        if (l > 0 && network->layer[l].x >= 0) {
            real *d_out = s->arena + network->layer[l - 1].d_out;
            drop_steps(job, s, l - 1, 0, s->steps, d_out, d_out);
        }
    }
    if (job->d_values)
        scatter_input_gradient(job, s);
    return 0;
}

static int predict_slice(rnn_job *job, const slice *s) { return forward(job, s) || predict_head(job, s); }

enum { WAIT_WORK = POLL_WORK >> 10 };

/* Take slices until none is left. Worker 0 goes on looking for signals while others finish theirs. */
static void work(rnn_job *job, isize worker, int (*task)(rnn_job *, const slice *))
{
    const unsigned control = flush_denormals();
    isize index;
    if (worker == 0)
        job->control = control;
    while ((index = __atomic_fetch_add(&job->next_slice, 1, __ATOMIC_RELAXED)) < job->n_slices) {
        slice s;
        open_slice(job, index, worker, &s);
        if (task(job, &s))
            break;
        __atomic_fetch_add(&job->done_slices, 1, __ATOMIC_RELAXED);
    }
    for (isize turn = 0; worker == 0 && __atomic_load_n(&job->done_slices, __ATOMIC_RELAXED) < job->n_slices; turn++) {
        if (interrupted(job, 0, WAIT_WORK))
            break;
        wait_a_turn(turn);
    }
    restore_denormals(control);
}

/* Phases: the slices of a minibatch there and back, or there only. */
static void train(rnn_job *job, isize worker) { work(job, worker, train_slice); }
static void predict(rnn_job *job, isize worker) { work(job, worker, predict_slice); }

#endif
