/* A slice is a group of sequences of one minibatch that one thread takes through the network.
 *
 * Its sequences lie longest first, packed by step: row offset[t] + i is step t of sequence i, so no padding is computed or
 * stored. The rows of a step are a prefix of the rows of the step before.
 *
 * An arena keeps one segment of the steps at a time; usually that is all of them. Otherwise what each segment begins with is also
 * kept, and training goes forward once, then back segment by segment, and computes each again (Chen et al., 2016).
 */
#ifndef SKLEARN_RNN_SLICE_H
#define SKLEARN_RNN_SLICE_H

#include <string.h>

#include "interface/job.h"
#include "levels/real.h"
#include "plan/segments.h"
#include "weights/touched.h"

typedef struct walk walk;
typedef struct slice slice;

struct slice {
    const rnn_axis *axis;
    const rnn_data *data;       /* on this axis */
    isize index, worker;        /* its place among the slices of a minibatch; which worker has it */
    isize rows, steps;          /* sequences; steps of the longest */
    isize *offset;              /* (steps + 1,) first row of each step */
    isize *length, *sample;     /* (rows,) */
    isize n_segments;
    const isize *segment_start; /* (n_segments + 1,) first step of each segment, and the end of the last */
    isize segment, first, end;  /* the present segment: its number, its steps */
    int again;                  /* the segment was computed before, so what outlives it has been written and is left alone */
    int carried;                /* the first step continues from given states */
    int has_backward;           /* not only forward */
    double loss, tail_loss[MAX_TAILS];  /* of the head; of each tail */
    real *arena;
    walk *walks;                /* (n_nodes, MAX_DIRECTIONS) */
    const slice *source;        /* on the second axis: the same sequences on the first one, sorted by their lengths there */
    const isize *source_row;    /* (rows,) and the row of each among them */
};

static inline isize rows_at(const slice *s, isize t) { return s->offset[t + 1] - s->offset[t]; }

static inline isize rows_of(const slice *s, isize first, isize end) { return s->offset[end] - s->offset[first]; }

/* First row of step t in a buffer that keeps all steps of the segment, or only the present one. */
static inline isize row_at(const slice *s, isize t, int kept) { return kept ? rows_of(s, s->first, t) : 0; }

/* Step of the k-th turn of a direction in the segment, and the step some steps before it. */
static inline isize step_of(const slice *s, int reverse, isize k) { return reverse ? s->end - 1 - k : s->first + k; }
static inline isize before(int reverse, isize t, isize shift) { return reverse ? t + shift : t - shift; }

/* Rows of step t whose sequences have a step `shift` steps before in a stream; they are a prefix. */
static inline isize rows_reaching(const slice *s, const rnn_stream *of, int reverse, isize t, isize shift)
{
    const isize from = before(reverse, t, shift);
    if (from < 0)
        return s->carried || (from == -1 && of->begins_with) ? rows_at(s, t) : 0;
    return from >= s->steps ? 0 : least(rows_at(s, t), rows_at(s, from));
}

/* Whether this is the first walk through the last segment, after which what is written once per sequence is complete. */
static inline int is_complete(const slice *s) { return s->end == s->steps && !s->again; }

/* ---- rows of streams ---- */

/* Rows of step t that pass a gradient on to the step `shift` steps before: what a call gives before the first step takes none. */
static inline isize rows_passing(const slice *s, const rnn_stream *to, int reverse, isize t, isize shift)
{
    if (before(reverse, t, shift) < 0 && (s->carried || !to->begins_with))
        return 0;
    return rows_reaching(s, to, reverse, t, shift);
}

/* Which of the carried rows belong to the beginning of a segment: training keeps those of each segment, and of the first one
 * only if they can be given. */
static inline isize carried_at(const rnn_network *network, const slice *s, isize segment)
{
    return network->training && segment > 0 ? segment - !s->axis->has_beginning : 0;
}

/* (rows, ld) step t of a stream, which may lie up to `reach` steps before the segment. */
static inline real *stream_rows(const rnn_network *network, const slice *s, const rnn_stream *out, isize t)
{
    if (out->life == ONCE)
        return s->arena + out->at;
    if (t >= s->first)
        return s->arena + out->at + row_at(s, t, out->life == KEPT) * out->ld;
    return s->arena + out->before +
           (carried_at(network, s, s->segment) * out->reach + s->first - 1 - t) * network->max_rows * out->ld;
}

/* (rows, ld_d) the gradient of step t of a stream, which lies in the segment */
static inline real *gradient_rows(const slice *s, const rnn_stream *out, isize t)
{
    return s->arena + out->d + (out->life == ONCE ? 0 : row_at(s, t, 1) * out->ld_d);
}

/* ---- beginning ---- */

static void enter_segment(slice *s, isize segment, int again)
{
    s->segment = segment;
    s->first = s->segment_start[segment];
    s->end = s->segment_start[segment + 1];
    s->again = again;
}

/* Point a slice on an axis at the memory of its worker. */
static void open_memory(const rnn_job *job, int a, isize index, isize worker, slice *s)
{
    const rnn_network *network = job->network;
    isize *ints = job->arena_ints + worker * network->n_ints;
    s->axis = &network->axis[a];
    s->data = &job->data[a];
    s->index = index;
    s->worker = worker;
    s->arena = (real *)job->arenas + worker * network->arena.size;
    s->walks = (walk *)((char *)job->walks + worker * network->walk_bytes);
    s->offset = ints + s->axis->offset;
    s->length = ints + s->axis->length;
    s->sample = ints + s->axis->sample;
    s->carried = (network->session || job->initial_state) && a == last_axis(network);
    s->source = NULL;
    s->has_backward = 0;
    s->loss = 0;
    for (int i = 0; i < network->n_tails; i++)
        s->tail_loss[i] = 0;
    memset(s->arena + network->zeros, 0, (size_t)network->widest * sizeof(real));
}

static inline isize length_of(const slice *s, isize sample)
{
    return steps_of(s->axis, s->data->end[sample] - s->data->first[sample]);
}

/* Pack by step the sequences that are listed, longest first, and cut the steps into segments. */
static void lay_out_steps(slice *s, isize *bounds)
{
    for (isize i = 0; i < s->rows; i++)
        s->length[i] = length_of(s, s->sample[i]);
    s->steps = s->length[0];
    s->offset[0] = 0;
    for (isize t = 0, running = s->rows; t < s->steps; t++) {
        while (s->length[running - 1] <= t)
            running--;
        s->offset[t + 1] = s->offset[t] + running;
    }
    s->segment_start = cut_into_segments(s->axis, s->offset, s->steps, bounds, &s->n_segments);
}

static void open_slice(const rnn_job *job, isize index, isize worker, slice *s)
{
    const int a = last_axis(job->network);
    open_memory(job, a, index * job->batch.n_parts + job->batch.part, worker, s);
    s->rows = 0;
    for (isize i = index; i < job->batch.size; i += job->batch.n_slices)
        s->sample[s->rows++] = job->batch.samples[i];
    lay_out_steps(s, job->arena_ints + worker * job->network->n_ints + s->axis->bounds);
}

/* The same sequences on the first axis: `s` learns which row of `source` each of its rows is. */
static void open_source(const rnn_job *job, slice *s, slice *source)
{
    isize *ints = job->arena_ints + s->worker * job->network->n_ints, *row = ints + s->axis->source_row;
    open_memory(job, 0, s->index, s->worker, source);
    source->rows = s->rows;
    /* longest first, those of one length in the order of `s`: sorted by one number that says both */
    for (isize i = 0; i < s->rows; i++)
        source->sample[i] = (source->axis->max_steps - length_of(source, s->sample[i])) * s->rows + i;
    sort_codes(s->rows, source->sample);
    for (isize i = 0; i < s->rows; i++) {
        const isize of = source->sample[i] % s->rows;
        source->sample[i] = s->sample[of];
        row[of] = i;
    }
    lay_out_steps(source, ints + source->axis->bounds);
    s->source = source;
    s->source_row = row;
}

/* A slice that has just step 1 of each sequence: step 0 was in an earlier call. */
static void open_session(const rnn_job *job, slice *s)
{
    open_memory(job, last_axis(job->network), 0, 0, s);
    s->rows = job->batch.size;
    for (isize i = 0; i < s->rows; i++) {
        s->sample[i] = i;
        s->length[i] = 2;
    }
    s->steps = 2;
    for (isize t = 0; t <= 2; t++)
        s->offset[t] = t * s->rows;
    s->n_segments = 1;
    s->segment_start = NULL;            /* there is only the segment that is set here */
    s->segment = 0;
    s->first = 1;
    s->end = 2;
    s->again = 0;
}

/* The sequences on the first axis as `open_source` has left them; `s` finds them as its source. */
static void reopen_source(const rnn_job *job, slice *s, slice *source)
{
    open_memory(job, 0, 0, 0, source);
    source->rows = job->batch.n_sources;
    source->steps = source->length[0];
    source->n_segments = 1;
    source->segment_start = NULL;
    source->segment = 0;
    source->first = 0;
    source->end = source->steps;
    source->again = 1;
    s->source = source;
    s->source_row = job->arena_ints + s->worker * job->network->n_ints + s->axis->source_row;
}

#endif
