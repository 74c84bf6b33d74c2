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

/* The same of some columns. */
#define DEFINE_GATHER_COLUMNS(type) \
    static void gather_columns_##type(isize n, const isize *restrict column, const type *restrict values, \
                                      const double *restrict shift, const double *restrict factor, real *restrict x) \
    { \
        for (isize j = 0; j < n; j++) \
            x[j] = (real)(shift ? ((double)values[column[j]] - shift[column[j]]) * factor[column[j]] : values[column[j]]); \
    }

DEFINE_GATHER(float)
DEFINE_GATHER(double)
DEFINE_GATHER_COLUMNS(float)
DEFINE_GATHER_COLUMNS(double)

/* x (rows, I) = step t of the data, without the codes that embeddings read */
static void data_forward_step(rnn_job *job, slice *s, int node, int d, isize t)
{
    const rnn_data *data = &job->data;
    const isize n = job->network->node[node].units, *column = job->network->column;
    real *x = stream_rows(job->network, s, &job->network->node[node].out, t);
    (void)d;
    for (isize i = 0; i < rows_at(s, t); i++, x += n) {
        const isize from = (data->offsets[s->sample[i]] + t) * job->network->n_features;
        if (column && data->values_are_double)
            gather_columns_double(n, column, (const double *)data->values + from, data->shift, data->factor, x);
        else if (column)
            gather_columns_float(n, column, (const float *)data->values + from, data->shift, data->factor, x);
        else if (data->values_are_double)
            gather_double(n, (const double *)data->values + from, data->shift, data->factor, x);
        else
            gather_float(n, (const float *)data->values + from, data->shift, data->factor, x);
    }
}

static void data_backward_step(rnn_job *job, slice *s, int node, int d, isize t)
{
    const rnn_stream *out = &job->network->node[node].out;
    const isize n = out->units, *column = job->network->column;
    (void)d;
    if (out->d < 0 || !job->batch.d_values)
        return;
    const real *d_x = gradient_rows(s, out, t);
    for (isize i = 0; i < rows_at(s, t); i++, d_x += out->ld_d) {
        real *d_value = (real *)job->batch.d_values + (job->data.offsets[s->sample[i]] + t) * job->network->n_features;
        for (isize j = 0; j < n; j++) {
            const isize at = column ? column[j] : j;
            d_value[at] = job->data.factor ? (real)((double)d_x[j] * job->data.factor[at]) : d_x[j];
        }
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
