/* The rows that a node reads from its sources at one step, and the rows to which it passes their gradients. */
#ifndef SKLEARN_RNN_SOURCES_H
#define SKLEARN_RNN_SOURCES_H

#include "interface/job.h"
#include "plan/kind.h"
#include "run/slice.h"
#include "weights/gemm.h"

/* (., ld) the rows of a source that belong to step t. */
static inline real *source_rows(const rnn_network *network, const slice *s, const rnn_source *source, int reverse, isize t)
{
    return stream_rows(network, s, stream_of(network, source), before(reverse, t, source->shift));
}

/* copy (rows of step t, width): the first n rows of `from` (n, ld), then `others` (width,), or zeros if that is NULL; returns
 * where the next step's rows go */
static inline real *gather_step(const rnn_network *network, const slice *s, isize t, isize n, const real *from, isize ld,
                                isize width, const real *others, real *copy)
{
    const size_t bytes = (size_t)width * sizeof(real);
    for (isize i = 0; i < rows_at(s, t); i++, copy += network->ld_gathered)
        if (i < n)
            memcpy(copy, from + i * ld, bytes);
        else if (others)
            memcpy(copy, others, bytes);
        else
            memset(copy, 0, bytes);
    return copy;
}

/* copy: what a shifted source gives to steps first..end, zeros where a sequence has no such step */
static inline void gather_source(const rnn_network *network, const slice *s, const rnn_source *source, int reverse, isize first,
                                 isize end, real *copy)
{
    const rnn_stream *of = stream_of(network, source);
    for (isize t = first; t < end; t++) {
        const isize n = rows_reaching(s, of, reverse, t, source->shift);
        const real *from = n ? source_rows(network, s, source, reverse, t) : NULL;
        copy = gather_step(network, s, t, n, from, of->ld, of->ld, NULL, copy);
    }
}

/* (., ld_d) where the gradient of a source at step t goes. What belongs to steps before the segment is left over for those. */
static inline real *source_gradient(const rnn_network *network, const slice *s, const rnn_source *source, int reverse, isize t)
{
    const rnn_stream *out = stream_of(network, source);
    const isize from = before(reverse, t, source->shift);
    if (from >= s->first || out->life == ONCE)
        return gradient_rows(s, out, from);
    return s->arena + source->left_over + (s->first - 1 - from) * network->max_rows * out->ld_d;
}

/* apart (n,) *= r^shift, before it is added to the gradient of a source `shift` steps before; r is `carry_factor`. Product and
 * sum are separate loops: in one loop they would be rounded differently, depending on where segments begin. */
static inline void scale_passed(const rnn_job *job, const rnn_source *source, isize n, real *apart)
{
    if (job->carry_factor == 1)
        return;
    double factor = 1;
    for (int k = 0; k < source->shift; k++)
        factor *= job->carry_factor;
    for (isize i = 0; i < n; i++)
        apart[i] *= (real)factor;
}

/* Add to the gradient of a shifted source what its reader left over in the segment after this one; what it leaves over in this
 * segment begins with zeros. */
static void take_left_over(const rnn_network *network, const slice *s, const rnn_source *source)
{
    const rnn_stream *out = stream_of(network, source);
    for (isize back = 1; back <= source->shift && (s->n_segments > 1 || out->begins_with); back++) {
        real *left = s->arena + source->left_over + (back - 1) * network->max_rows * out->ld_d;
        const isize t = s->end - back;
        if (s->end < s->steps && t >= s->first) {
            real *d = gradient_rows(s, out, t);
            for (isize i = 0; i < rows_at(s, t) * out->ld_d; i++)
                d[i] += left[i];
        }
        memset(left, 0, (size_t)(network->max_rows * out->ld_d) * sizeof(real));
    }
}

/* to (n rows) (+)= from, part by part; where it overwrites, padding becomes 0 */
static void add_rows(isize n, const rnn_stream *from_stream, const real *from, isize ld_from, const rnn_stream *to_stream,
                     real *to, isize ld_to, int accumulate)
{
    for (isize i = 0; i < n; i++, from += ld_from, to += ld_to)
        for (isize part = 0; part < to_stream->parts; part++) {
            const real *from_part = from + from_stream->start[part];
            real *to_part = to + to_stream->start[part];
            for (isize j = 0; j < to_stream->units; j++)
                to_part[j] = accumulate ? to_part[j] + from_part[j] : from_part[j];
            if (!accumulate)
                memset(to_part + to_stream->units, 0, (size_t)(to_stream->width - to_stream->units) * sizeof(real));
        }
}

/* Rows of a stream that belong to step t; where it has a row per sequence, all of them. */
static inline isize rows_there(const slice *s, const rnn_stream *out, isize t)
{
    return out->life == ONCE ? s->rows : rows_at(s, t);
}

/* A node in a stage of its own, step by step; rows per sequence count as those of step 0. */
static inline int each_step_forward(rnn_job *job, slice *s, int number, node_step step)
{
    if (job->network->node[number].out.life != ONCE)
        for (isize t = s->first; t < s->end; t++)
            step(job, s, number, 0, t);
    else if (is_complete(s))
        step(job, s, number, 0, 0);
    return 0;
}

static inline int each_step_backward(rnn_job *job, slice *s, int number, node_step step)
{
    if (job->network->node[number].out.life != ONCE)
        for (isize t = s->end - 1; t >= s->first; t--)
            step(job, s, number, 0, t);
    else if (s->end == s->steps)
        step(job, s, number, 0, 0);
    return 0;
}

/* Whether the stage of a node goes from the last step to the first. */
static inline int goes_in_reverse(const rnn_network *network, const rnn_node *node)
{
    return network->stage[node->stage].reverse[0];
}

/* Whether a reader passes a gradient on to this source. */
static inline int passes_gradient(const rnn_network *network, const rnn_source *source)
{
    return stream_of(network, source)->d >= 0;
}

#endif
