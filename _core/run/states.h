/* What goes on from one segment to the next, and from call to call: states, and the last rows of streams that are read later.
 *
 * The states of a call (initial_state, final_state) are rows of numbers, one per sequence, which hold one state after another
 * as the plan has laid them out.
 */
#ifndef SKLEARN_RNN_STATES_H
#define SKLEARN_RNN_STATES_H

#include "interface/job.h"
#include "plan/stages.h"
#include "run/slice.h"
#include "run/walk.h"

/* Where the states are from which the first step of the segment continues. */
static inline real *state_at_beginning(const rnn_job *job, const slice *s, const rnn_node *node, int i, isize segment)
{
    const rnn_network *network = job->network;
    if (!keeps_state(network, node, i))
        return s->arena + node->state[i];
    return s->arena + node->before[i] + carried_at(network, s, segment) * network->max_rows * node->out.ld;
}

/* Keep the states at the end of a segment for the next one; those that are not kept per step stay where they are. */
static void carry_states(const rnn_job *job, const slice *s, const rnn_node *node)
{
    const rnn_network *network = job->network;
    const isize ld = node->out.ld, t = s->end - 1, n = s->end < s->steps ? rows_at(s, s->end) : rows_at(s, t);
    for (int i = 0; i < node->declared.n_states; i++) {
        if (keeps_state(network, node, i))
            memcpy(state_at_beginning(job, s, node, i, s->segment + 1), s->arena + node->state[i] + row_at(s, t, 1) * ld,
                   (size_t)(n * ld) * sizeof(real));
    }
}

/* Keep the last `reach` steps of a stream that are read after the segment. */
static void carry_stream(const rnn_network *network, const slice *s, const rnn_stream *out)
{
    real *to = s->arena + out->before + carried_at(network, s, s->segment + 1) * out->reach * network->max_rows * out->ld;
    for (isize back = out->reach; back > 0; back--) {       /* the oldest first: it may come from the same memory */
        const isize t = s->end - back;
        if (t < 0 && !s->carried && !(t == -1 && out->begins_with))
            continue;
        const isize n = t >= 0 ? rows_at(s, t) : s->rows;
        memmove(to + (back - 1) * network->max_rows * out->ld, stream_rows(network, s, out, t),
                (size_t)(n * out->ld) * sizeof(real));
    }
}

/* At the end of a segment that another one follows, or of a step of a session. */
static void carry_over(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    if (s->end == s->steps && !(network->session && s->carried))
        return;
    for (int i = s->axis->first_node; i < s->axis->end_node; i++) {
        const rnn_node *node = &network->node[network->order[i]];
        if (node->declared.n_states)
            carry_states(job, s, node);
        if (node->out.reach)
            carry_stream(network, s, &node->out);
    }
}

/* ---- states that come from the other axis ---- */

/* Column number `column` of a stream, counted without padding. */
static inline isize column_of(const rnn_stream *out, isize column)
{
    return out->start[column / out->units] + column % out->units;
}

/* to (rows, ld): the state of a node that begins at column `first` of the row of each sequence on the first axis */
static void take_beginning(const slice *s, const rnn_node *node, const rnn_stream *from, isize first, real *to)
{
    for (isize row = 0; row < s->rows; row++, to += node->out.ld) {
        const real *values = s->arena + from->at + s->source_row[row] * from->ld;
        memset(to, 0, (size_t)node->width * sizeof(real));
        for (isize j = 0; j < node->units; j++)
            to[j] = values[column_of(from, first + j)];
    }
}

/* Set the states before the first step of the cells that read them from the first axis, also where streams are read later. */
static void take_beginnings(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (int i = s->axis->first_node; i < s->axis->end_node; i++) {
        const rnn_stream *out = &network->node[network->order[i]].out;
        if (!out->begins_with)
            continue;
        const rnn_node *node = &network->node[out->begins_with];
        const rnn_stream *from = stream_of(network, beginning_of(network, node));
        for (int k = 0; k < node->declared.n_states && out == &node->out; k++)
            take_beginning(s, node, from, k * node->units, state_at_beginning(job, s, node, k, 0));
        if (out->reach)
            take_beginning(s, node, from, 0, s->arena + out->before);
    }
}

/* Add d (rows, ld_d), the gradient of such a state, to that of the stream on the first axis. */
static void pass_beginning(const slice *s, const rnn_node *node, const rnn_stream *to, isize first, const real *d, isize ld_d)
{
    for (isize row = 0; row < s->rows; row++, d += ld_d) {
        real *sum = s->arena + to->d + s->source_row[row] * to->ld_d;
        for (isize j = 0; j < node->units; j++)
            sum[column_of(to, first + j)] += d[j];
    }
}

/* Pass on the gradients of all these states: what the cell carries back, and what readers of earlier steps left over. */
static void pass_beginnings(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (int i = s->axis->first_node; i < s->axis->end_node; i++) {
        const rnn_node *node = &network->node[network->order[i]];
        const rnn_stream *to = node->n_beginnings ? stream_of(network, beginning_of(network, node)) : NULL;
        for (int k = 0; to && to->d >= 0 && k < node->declared.n_states; k++)
            pass_beginning(s, node, to, k * node->units, s->arena + node->d_state[k], node->width);
        for (int j = 0; j < node->n_sources; j++) {
            const rnn_source *source = source_of(network, node, j);
            const rnn_stream *read = stream_of(network, source);
            if (source->shift == 0 || !read->begins_with || read->d < 0)
                continue;
            const rnn_node *cell = &network->node[read->begins_with];
            to = stream_of(network, beginning_of(network, cell));
            if (to->d >= 0)
                pass_beginning(s, cell, to, 0, s->arena + source->left_over, read->ld_d);
        }
    }
}

/* ---- the states as the result ---- */

/* Return the rows of the result's stream, where that is not the head's, in this segment. */
static void put_states(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    const rnn_stream *out = &network->node[network->result].out;
    const isize columns = out->parts * out->units, first = out->life == ONCE ? 0 : s->first,
                end = out->life == ONCE ? is_complete(s) : s->end;
    for (isize t = first; t < end; t++) {
        const real *row = stream_rows(network, s, out, t);
        for (isize i = 0; i < (out->life == ONCE ? s->rows : rows_at(s, t)); i++, row += out->ld) {
            const isize at = out->life == ONCE ? s->sample[i] : s->data->result_offsets[s->sample[i]] + t;
            for (isize part = 0; part < out->parts; part++)
                memcpy((real *)job->batch.output + at * columns + part * out->units, row + out->start[part],
                       (size_t)out->units * sizeof(real));
        }
    }
}

/* ---- given and returned states ---- */

/* Set the states that the slice begins with. */
static void take_initial_states(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (int i = 0; i < network->n_carried; i++) {
        const rnn_carried *carried = &network->carried_state[i];
        const rnn_node *node = &network->node[carried->node];
        const isize units = node->out.units, ld = node->out.ld;
        const real *from = (const real *)job->initial_state + carried->column;
        real *to = s->arena + carried->at;
        for (isize row = 0; row < s->rows; row++, to += ld) {
            memset(to, 0, (size_t)node->out.width * sizeof(real));
            memcpy(to, from + s->sample[row] * network->state_columns, (size_t)units * sizeof(real));
        }
    }
}

/* Whether step t is the one after which the states of a row are returned: its last step, or the one that `kept_after` says. */
static inline int is_final(const slice *s, isize row, isize t)
{
    const isize *kept_after = s->data->kept_after;
    return t + 1 == (kept_after ? kept_after[s->sample[row]] : s->length[row]);
}

/* Return one state (rows, ld) after step t, for the sequences for which it is the final one; ld 0: all have the same. */
static void put_final(const rnn_job *job, const slice *s, const rnn_carried *carried, isize t, const real *rows, isize ld)
{
    const rnn_network *network = job->network;
    const size_t bytes = (size_t)network->node[carried->node].out.units * sizeof(real);
    isize row = s->data->kept_after || t + 1 == s->steps ? 0 : rows_at(s, t + 1);      /* those before it go on */
    for (; row < rows_at(s, t); row++)
        if (is_final(s, row, t))
            memcpy((real *)job->final_state + s->sample[row] * network->state_columns + carried->column, rows + row * ld, bytes);
}

/* The states of one node, after each step. */
static void put_final_states(const rnn_job *job, const slice *s, const walk *w, isize t)
{
    for (int i = 0; i < job->network->n_carried; i++) {
        const rnn_carried *carried = &job->network->carried_state[i];
        if (&job->network->node[carried->node] == w->node && carried->state >= 0)
            put_final(job, s, carried, t, state_rows(s, &w->state[carried->state], t), w->state[carried->state].ld);
    }
}

/* The last rows of streams, at the end of each segment. If a stream is read both with and without dropout, both have the same
 * columns; the one without dropout is written last and stays. */
static void put_final_streams(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (int i = network->n_carried - 1; i >= 0; i--) {
        const rnn_carried *carried = &network->carried_state[i];
        const rnn_stream *out = &network->node[carried->node].out;
        if (carried->state >= 0)
            continue;
        for (isize t = s->first; t < s->end; t++)
            if (t >= carried->back || s->carried)
                put_final(job, s, carried, t, stream_rows(network, s, out, t - carried->back), out->ld);
            else
                put_final(job, s, carried, t, s->arena + network->zeros, 0);
    }
}

#endif
