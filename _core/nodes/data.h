/* The data as a stream: gathered from the sequences, normalised, in the network's real type. */
#ifndef SKLEARN_RNN_DATA_H
#define SKLEARN_RNN_DATA_H

#include "plan/kind.h"
#include "plan/shapes.h"
#include "run/slice.h"

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
static void data_forward_step(rnn_job *job, slice *s, int node, int d, isize t)
{
    const rnn_data *data = &job->data;
    const isize n = job->network->n_features;
    real *x = stream_rows(job->network, s, &job->network->node[node].out, t);
    (void)d;
    for (isize i = 0; i < rows_at(s, t); i++, x += n) {
        const isize from = (data->offsets[s->sample[i]] + t) * n;
        if (data->values_are_double)
            gather_double(n, (const double *)data->values + from, data->shift, data->factor, x);
        else
            gather_float(n, (const float *)data->values + from, data->shift, data->factor, x);
    }
}

static void data_backward_step(rnn_job *job, slice *s, int node, int d, isize t)
{
    const rnn_stream *out = &job->network->node[node].out;
    const isize n = job->network->n_features;
    (void)d;
    if (out->d < 0 || !job->batch.d_values)
        return;
    const real *d_x = gradient_rows(s, out, t);
    for (isize i = 0; i < rows_at(s, t); i++, d_x += out->ld_d) {
        real *d_value = (real *)job->batch.d_values + (job->data.offsets[s->sample[i]] + t) * n;
        for (isize j = 0; j < n; j++)
            d_value[j] = job->data.factor ? (real)((double)d_x[j] * job->data.factor[j]) : d_x[j];
    }
}

static void data_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    (void)from;
    shape_stream(&node->out, 1, node->units, node->units, node->units);
}

#define data_kind {.info = {.name = "data", .rows = ROW_PER_STEP}, .shape = data_shape, \
    .forward_step = data_forward_step, .backward_step = data_backward_step}

#endif
