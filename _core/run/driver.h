/* The order of the loops. A segment of a slice goes stage by stage forward through the network, and back; within a stage it
 * goes step by step through all its nodes. Workers take slices until none is left.
 */
#ifndef SKLEARN_RNN_DRIVER_H
#define SKLEARN_RNN_DRIVER_H

#include "nodes/roster.h"
#include "run/slice.h"
#include "run/states.h"
#include "run/stop.h"

/* All steps of the segment forward through a stage; 1 when interrupted. */
static int stage_forward(rnn_job *job, slice *s, const rnn_stage *stage)
{
    const rnn_network *network = job->network;
    const int *nodes = network->order;
    if (stage->by_segment)
        return kind_of(network, nodes[stage->first])->forward(job, s, nodes[stage->first]);
    for (int d = 0; d < stage->n_directions; d++)
        for (isize k = 0; k < s->end - s->first; k++) {
            const isize t = step_of(s, stage->reverse[d], k);
            for (int i = stage->first; i < stage->end; i++)
                kind_of(network, nodes[i])->forward_step(job, s, nodes[i], d, t);
            if (poll_stop(job, s->worker, rows_at(s, t) * stage->work))
                return 1;
        }
    return 0;
}

/* What the readers in a stage left over, in the order in which they would have added it without segments: the greatest shift
 * first, because it comes from the latest step. */
static void take_all_left_over(const rnn_network *network, const slice *s, const rnn_stage *stage)
{
    for (int shift = stage->reach; shift > 0; shift--)
        for (int i = stage->end - 1; i >= stage->first; i--) {
            const rnn_node *node = &network->node[network->order[i]];
            for (int j = 0; j < node->n_sources; j++) {
                const rnn_source *source = source_of(network, node, j);
                if (source->shift == shift && passes_gradient(network, source))
                    take_left_over(network, s, source);
            }
        }
}

/* And back. */
static int stage_backward(rnn_job *job, slice *s, const rnn_stage *stage)
{
    const rnn_network *network = job->network;
    const int *nodes = network->order_back;
    if (stage->first_back == stage->end_back)
        return 0;
    take_all_left_over(network, s, stage);
    if (stage->by_segment)
        return kind_of(network, nodes[stage->first_back])->backward(job, s, nodes[stage->first_back]);
    for (int d = 0; d < stage->n_directions; d++) {
        for (int i = stage->first_back; i < stage->end_back; i++)
            if (kind_of(network, nodes[i])->begin_backward)
                kind_of(network, nodes[i])->begin_backward(job, s, nodes[i], d);
        for (isize k = s->end - s->first - 1; k >= 0; k--) {
            const isize t = step_of(s, stage->reverse[d], k);
            for (int i = stage->end_back - 1; i >= stage->first_back; i--)
                kind_of(network, nodes[i])->backward_step(job, s, nodes[i], d, t);
            if (poll_stop(job, s->worker, rows_at(s, t) * stage->work_back))
                return 1;
        }
    }
    return 0;
}

static void open_nodes(rnn_job *job, slice *s)
{
    const rnn_network *network = job->network;
    for (int i = s->axis->first_node; i < s->axis->end_node; i++) {
        const int node = network->order[i];
        for (int d = 0; kind_of(network, node)->open && d < network->node[node].n_directions; d++)
            kind_of(network, node)->open(job, s, node, d);
    }
}

/* A segment forward through all stages of its axis. */
static int segment_forward(rnn_job *job, slice *s)
{
    const rnn_network *network = job->network;
    open_nodes(job, s);
    for (int i = s->axis->first_stage; i < s->axis->end_stage; i++)
        if (stage_forward(job, s, &network->stage[i]))
            return 1;
    if (job->final_state && !s->again)
        put_final_streams(job, s);
    carry_over(job, s);
    if (network->result != network->head && s->axis == &network->axis[last_axis(network)])
        put_states(job, s);
    return 0;
}

/* Gradients to which several readers add begin with zeros. */
static void begin_gradients(const rnn_network *network, const slice *s)
{
    for (int i = s->axis->first_node; i < s->axis->end_node; i++) {
        const rnn_stream *out = &network->node[network->order[i]].out;
        const isize rows = out->life == ONCE ? s->rows : rows_of(s, s->first, s->end);
        if (out->has_gradient && out->zeroed && (out->life != ONCE || s->end == s->steps))
            memset(s->arena + out->d, 0, (size_t)(rows * out->ld_d) * sizeof(real));
    }
}

static int segment_backward(rnn_job *job, slice *s)
{
    const rnn_network *network = job->network;
    for (int i = s->axis->end_stage - 1; i >= s->axis->first_stage; i--)
        if (stage_backward(job, s, &network->stage[i]))
            return 1;
    return 0;
}

/* All segments of a slice forward, on one axis. */
static int slice_forward(rnn_job *job, slice *s)
{
    if (s->carried)
        take_initial_states(job, s);
    else if (s->axis->has_beginning && s->source)
        take_beginnings(job, s);
    for (isize segment = 0; segment < s->n_segments; segment++) {
        enter_segment(s, segment, 0);
        if (segment_forward(job, s))
            return 1;
    }
    return 0;
}

/* All segments back; the gradients of the last one have begun. */
static int slice_backward(rnn_job *job, slice *s)
{
    for (isize segment = s->n_segments - 1; segment >= 0; segment--) {
        if (segment < s->n_segments - 1) {
            enter_segment(s, segment, 1);
            if (segment_forward(job, s))
                return 1;
            begin_gradients(job->network, s);
        }
        if (segment_backward(job, s))
            return 1;
    }
    if (s->source)
        pass_beginnings(job, s);
    return 0;
}

/* Nodes of the second axis read streams of the first one, so the first goes forward first, and back last. */
static int predict_slice(rnn_job *job, slice *s)
{
    slice source;
    if (last_axis(job->network) > 0) {
        open_source(job, s, &source);
        if (slice_forward(job, &source))
            return 1;
    }
    return slice_forward(job, s);
}

static int train_slice(rnn_job *job, slice *s)
{
    slice source;
    const int has_source = last_axis(job->network) > 0;
    s->has_backward = 1;
    if (has_source) {
        open_source(job, s, &source);
        source.has_backward = 1;
        if (slice_forward(job, &source))
            return 1;
        begin_gradients(job->network, &source);
    }
    if (slice_forward(job, s))
        return 1;
    begin_gradients(job->network, s);
    if (slice_backward(job, s) || (has_source && slice_backward(job, &source)))
        return 1;
    for (int i = 0; i < job->network->n_tails; i++)
        s->loss += s->tail_loss[i];
    job->batch.slice_loss[s->index] = s->loss;
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

/* Phases: the slices of a minibatch forward and back; only forward (in training also to compute states without a gradient); the
 * next step of a session. */
static void train(rnn_job *job, isize worker) { work(job, worker, train_slice); }
static void predict(rnn_job *job, isize worker) { work(job, worker, predict_slice); }

static void session_step(rnn_job *job, isize worker)
{
    slice s, source;
    (void)worker;
    open_session(job, &s);
    if (last_axis(job->network) > 0)
        reopen_source(job, &s, &source);
    segment_forward(job, &s);
}

/* The first axis of a decoder, for the sequences in the batch; then the states of its rows are those before the first step. */
static void begin_decoding(rnn_job *job, isize worker)
{
    slice s, source;
    (void)worker;
    open_session(job, &s);
    for (isize i = 0; i < s.rows; i++)
        s.sample[i] = job->batch.samples[i];
    open_source(job, &s, &source);
    slice_forward(job, &source);
    take_beginnings(job, &s);
}

/* See rnn_kernels. */
static void attention(const rnn_job *job, int node, isize columns, void *weights)
{
    slice s, source;
    open_session(job, &s);
    reopen_source(job, &s, &source);
    put_attention(job->network, &s, node, columns, weights);
}

#endif
