/* One row per sequence: the mean or the maximum of a stream over all steps.
 *
 * Steps are always taken from the first to the last. The gradient of a maximum goes to the first step that has it, whose number
 * is kept. If a number is NaN, so is the maximum.
 */
#ifndef SKLEARN_RNN_POOL_H
#define SKLEARN_RNN_POOL_H

#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/region.h"
#include "plan/shapes.h"

enum { POOL_MEAN, POOL_MAX };
enum { POOL_STEPS };        /* (rows, ld) of `step_number`: in training, the step that has the maximum */

typedef lane_int step_number __attribute__((may_alias));

static const rnn_option pool_options[] = {{.name = "method", .type = CHOICE, .choices = "mean max"}, {0}};

static inline int pools_maximum(const rnn_node *node) { return (int)node->option[0] == POOL_MAX; }

/* best (n,) = max(best, x), and where x is greater `step` (n,) = t */
static void take_maximum(isize n, isize t, const real *restrict x, real *restrict best, step_number *restrict step)
{
    for (isize j = 0; j < n; j++) {
        const int wins = (x[j] > best[j]) | (x[j] != x[j]);
        step[j] = wins ? (step_number)t : step[j];
        best[j] = wins ? x[j] : best[j];
    }
}

static void take_maximum_alone(isize n, const real *restrict x, real *restrict best)
{
    for (isize j = 0; j < n; j++)
        best[j] = (x[j] > best[j]) | (x[j] != x[j]) ? x[j] : best[j];
}

/* Take one part of a row at step t into that of the sequence. */
static void pool_part(const rnn_network *network, int maximum, isize n, isize t, const real *x, real *y, step_number *step)
{
    if (t == 0) {
        memcpy(y, x, (size_t)n * sizeof(real));
        if (maximum && network->training)
            memset(step, 0, (size_t)n * sizeof *step);
    } else if (!maximum)
        for (isize j = 0; j < n; j++)
            y[j] += x[j];
    else if (network->training)
        take_maximum(n, t, x, y, step);
    else
        take_maximum_alone(n, x, y);
}

/* y = sum / length */
static void divide_by_lengths(const slice *s, const rnn_stream *out)
{
    real *y = s->arena + out->at;
    for (isize i = 0; i < s->rows; i++, y += out->ld)
        for (isize part = 0; part < out->parts; part++)
            for (isize j = 0; j < out->units; j++)
                y[out->start[part] + j] /= (real)s->length[i];
}

static int pool_forward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out, *from = stream_of(network, source_of(network, node, 0));
    step_number *steps = (step_number *)(s->arena + node->kept[POOL_STEPS]);
    const int maximum = pools_maximum(node);
    if (s->again)
        return 0;
    if (s->first == 0)
        memset(s->arena + out->at, 0, (size_t)(s->rows * out->ld) * sizeof(real));
    for (isize t = s->first; t < s->end; t++) {
        const real *x = stream_rows(network, s, from, t);
        for (isize i = 0; i < rows_at(s, t); i++)
            for (isize part = 0; part < out->parts; part++) {
                const isize column = i * out->ld + out->start[part];
                pool_part(network, maximum, out->units, t, x + i * from->ld + from->start[part], s->arena + out->at + column,
                          steps + column);
            }
    }
    if (is_complete(s) && !maximum)
        divide_by_lengths(s, out);
    return 0;
}

/* d_x (n,) (+)= d_y / length, or d_y at the step that has the maximum */
static void pool_part_backward(int maximum, isize n, isize t, isize length, const real *d_y, const step_number *step, int adds,
                               real *d_x)
{
    const real share = 1 / (real)length;
    for (isize j = 0; j < n; j++) {
        const real d = maximum ? (step[j] == (step_number)t ? d_y[j] : 0) : d_y[j] * share;
        d_x[j] = adds ? d_x[j] + d : d;
    }
}

static int pool_backward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *out = &node->out, *to = stream_of(network, source);
    const step_number *steps = (const step_number *)(s->arena + node->kept[POOL_STEPS]);
    const int maximum = pools_maximum(node), adds = !source->overwrites;
    if (!passes_gradient(network, source))
        return 0;
    for (isize t = s->end - 1; t >= s->first; t--) {
        real *d_x = gradient_rows(s, to, t);
        for (isize i = 0; i < rows_at(s, t); i++, d_x += to->ld_d)
            for (isize part = 0; part < out->parts; part++) {
                real *d_part = d_x + to->start[part];
                pool_part_backward(maximum, out->units, t, s->length[i], s->arena + out->d + i * out->ld_d + out->start[part],
                                   steps + i * out->ld + out->start[part], adds, d_part);
                if (!adds)
                    memset(d_part + to->units, 0, (size_t)(to->width - to->units) * sizeof(real));
            }
    }
    return 0;
}

static void pool_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    (void)n_before;
    if (network->training && pools_maximum(node))
        node->kept[POOL_STEPS] = claim(&network->arena, network->max_rows, node->out.ld);
}

#define pool_kind { \
    .info = {.name = "pool", .options = pool_options, .rows = ROW_PER_SEQUENCE, .reads_one = 1, .reads_equal = 1, \
             .needs_earlier = 1}, \
    .shape = shape_padded, .claim = pool_claim, .forward = pool_forward, .backward = pool_backward}

#endif
