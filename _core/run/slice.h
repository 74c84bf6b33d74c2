/* A slice is a group of sequences of one minibatch that one thread takes through the network.
 *
 * Its sequences lie longest first, packed by step: row offset[t] + i is step t of sequence i, so no padding is computed or
 * stored. The rows of a step are two groups: those that continue (a prefix; their previous state is the same prefix of the
 * neighbouring step) and those that start (their previous state is zero, so they take no product with U).
 *
 * An arena keeps one segment of the steps at a time; usually that is all of them. Otherwise the states that each segment begins
 * with are also kept, and training goes forward once, then back segment by segment, and computes each again (Chen et al., 2016).
 */
#ifndef SKLEARN_RNN_SLICE_H
#define SKLEARN_RNN_SLICE_H

#include <stdint.h>
#include <string.h>

#include "interface/job.h"
#include "levels/random.h"
#include "levels/real.h"
#include "plan/sizes.h"

typedef struct {
    isize index, worker;        /* which slice; which worker has it */
    isize rows, steps;          /* sequences; steps of the longest */
    isize *offset;              /* (steps + 1,) first row of each step */
    isize *length, *sample;     /* (rows,) */
    isize n_segments;
    const isize *segment_start; /* (n_segments + 1,) first step of each segment, and the end of the last */
    isize segment, first, end;  /* the present segment: its number, its steps */
    double loss;                /* its share of the loss, so far */
    real *arena;
} slice;

static inline isize rows_at(const slice *s, isize t) { return s->offset[t + 1] - s->offset[t]; }

static inline isize rows_of(const slice *s, isize first, isize end) { return s->offset[end] - s->offset[first]; }

/* First row of step t in a buffer that keeps all steps of the segment, or only the present one. */
static inline isize row_at(const slice *s, isize t, int kept) { return kept ? rows_of(s, s->first, t) : 0; }

/* Step of the k-th turn of a direction in the segment, and the step it continues from. */
static inline isize step_of(const slice *s, int d, isize k) { return d ? s->end - 1 - k : s->first + k; }
static inline isize before(int d, isize t) { return d ? t + 1 : t - 1; }

/* Rows of step t that continue; the rest start here. */
static inline isize continuing(const slice *s, int d, isize t)
{
    const isize prev = before(d, t);
    return prev < 0 || prev >= s->steps ? 0 : least(rows_at(s, t), rows_at(s, prev));
}

/* First step of the block that ends before step `end`; it has at least BLOCK_ROWS rows, if there are that many. Blocks are cut
 * from the last step on, the same with and without segments, so that gradients are summed in one order. */
static inline isize block_start(const slice *s, isize end)
{
    isize first = end - 1;
    while (first > 0 && rows_of(s, first, end) < BLOCK_ROWS)
        first--;
    return first;
}

/* Cut the steps into segments of whole blocks that fit into an arena, from the last step on. */
static void cut_into_segments(const rnn_network *network, slice *s, isize *bounds)
{
    isize *start = bounds + network->max_segments;
    *start = s->steps;
    for (isize t = s->steps, first; t > 0; t = first) {
        first = block_start(s, t);
        if (rows_of(s, first, *start) > network->segment_rows)
            *--start = t;
    }
    *--start = 0;
    s->segment_start = start;
    s->n_segments = bounds + network->max_segments - start;
}

/* Row of the states that a segment begins with, among those kept: training keeps them for each segment but the first. */
static inline isize state_before(const rnn_network *network, isize segment)
{
    return (network->training && segment > 0 ? segment - 1 : 0) * network->max_rows;
}

static void enter_segment(slice *s, isize segment)
{
    s->segment = segment;
    s->first = s->segment_start[segment];
    s->end = s->segment_start[segment + 1];
}

static void open_slice(const rnn_job *job, isize index, isize worker, slice *s)
{
    const rnn_network *network = job->network;
    s->index = index;
    s->worker = worker;
    s->arena = (real *)job->arenas + worker * network->arena.size;
    s->offset = job->arena_ints + worker * network->arena_ints;
    s->length = s->offset + network->max_steps + 1;
    s->sample = s->length + network->max_rows;
    s->loss = 0;
    s->rows = 0;
    for (isize i = index; i < job->batch.size; i += job->batch.n_slices, s->rows++) {
        s->sample[s->rows] = job->batch.samples[i];
        s->length[s->rows] = job->data.offsets[job->batch.samples[i] + 1] - job->data.offsets[job->batch.samples[i]];
    }
    s->steps = s->length[0];
    s->offset[0] = 0;
    for (isize t = 0, running = s->rows; t < s->steps; t++) {
        while (s->length[running - 1] <= t)
            running--;
        s->offset[t + 1] = s->offset[t] + running;
    }
    cut_into_segments(network, s, s->sample + network->max_rows);
    memset(s->arena + network->zeros, 0, (size_t)network->widest * sizeof(real));
}

/* x (n,) = values (n,) of the data, normalised in double, in the network's real type */
#define DEFINE_GATHER(type) \
    static void gather_##type(isize n, const type *restrict values, const double *restrict shift, \
                              const double *restrict factor, real *restrict x) \
    { \
        if (shift) \
            for (isize j = 0; j < n; j++) \
                x[j] = (real)(((double)values[j] - shift[j]) * factor[j]); \
        else \
            for (isize j = 0; j < n; j++) \
                x[j] = (real)values[j]; \
    }

DEFINE_GATHER(float)
DEFINE_GATHER(double)

/* x (rows, I) = step t of the data */
static void gather_step(const rnn_job *job, const slice *s, isize t, real *x)
{
    const isize n = job->network->n_features;
    for (isize i = 0; i < rows_at(s, t); i++, x += n) {
        const isize from = (job->data.offsets[s->sample[i]] + t) * n;
        if (job->data.values_are_double)
            gather_double(n, (const double *)job->data.values + from, job->data.shift, job->data.factor, x);
        else
            gather_float(n, (const float *)job->data.values + from, job->data.shift, job->data.factor, x);
    }
}

/* to = states of layer l at one step of one sequence, under dropout; units are numbered without the padding */
static void drop_row(const rnn_job *job, int l, isize sample, isize t, const real *from, real *to)
{
    const rnn_layer *layer = &job->network->layer[l];
    for (int d = 0; d < job->network->n_directions; d++, from += layer->width, to += layer->width) {
        dropout_row(job, (uint32_t)l, sample, t, d * layer->hidden, layer->hidden, from, to);
        memset(to + layer->hidden, 0, (size_t)(layer->width - layer->hidden) * sizeof(real));
    }
}

static void drop_steps(const rnn_job *job, const slice *s, int l, isize first, isize end, const real *from, real *to)
{
    const isize ld = job->network->layer[l].ld_h;
    for (isize t = first; t < end; t++)
        for (isize i = 0; i < rows_at(s, t); i++, from += ld, to += ld)
            drop_row(job, l, s->sample[i], t, from, to);
}

#endif
