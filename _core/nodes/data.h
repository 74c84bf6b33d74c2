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

/* x (units,) = one row of the data, without the codes that embeddings read */
static void gather_row(const slice *s, isize row, isize n, real *x)
{
    const rnn_data *data = s->data;
    const isize from = row * s->axis->n_features, *column = s->axis->column;
    if (column && data->values_are_double)
        gather_columns_double(n, column, (const double *)data->values + from, data->shift, data->factor, x);
    else if (column)
        gather_columns_float(n, column, (const float *)data->values + from, data->shift, data->factor, x);
    else if (data->values_are_double)
        gather_double(n, (const double *)data->values + from, data->shift, data->factor, x);
    else
        gather_float(n, (const float *)data->values + from, data->shift, data->factor, x);
}

/* x (rows, window * n_features) = step t: steps stride * t, stride * t - 1, ... of the data, zeros before the first one */
static void gather_windows(const slice *s, isize t, real *x)
{
    const rnn_axis *axis = s->axis;
    const isize n = axis->n_features;
    for (isize i = 0; i < rows_at(s, t); i++)
        for (isize from = axis->stride * t, back = 0; back < axis->window; back++, from--, x += n)
            if (from >= 0)
                gather_row(s, s->data->first[s->sample[i]] + from, n, x);
            else
                memset(x, 0, (size_t)n * sizeof(real));
}

static void data_forward_step(rnn_job *job, slice *s, int node, int d, isize t)
{
    const rnn_network *network = job->network;
    const isize n = network->node[node].units;
    real *x = stream_rows(network, s, &network->node[node].out, t);
    (void)d;
    if (s->axis->window > 1 || s->axis->stride > 1) {
        gather_windows(s, t, x);
        return;
    }
    for (isize i = 0; i < rows_at(s, t); i++, x += n)
        gather_row(s, s->data->first[s->sample[i]] + t, n, x);
}

/* Gradient of one row of the data: windows that overlap add to it. */
static void add_row(const rnn_job *job, const slice *s, isize row, isize n, const real *d_x)
{
    const isize *column = s->axis->column;
    const double *factor = s->data->factor;
    real *d_value = (real *)job->batch.d_values + row * s->axis->n_features;
    for (isize j = 0; j < n; j++) {
        const isize at = column ? column[j] : j;
        d_value[at] += factor ? (real)((double)d_x[j] * factor[at]) : d_x[j];
    }
}

static void data_backward_step(rnn_job *job, slice *s, int node, int d, isize t)
{
    const rnn_axis *axis = s->axis;
    const rnn_stream *out = &job->network->node[node].out;
    const isize n = out->units / axis->window;
    (void)d;
    if (out->d < 0 || !job->batch.d_values)
        return;
    const real *d_x = gradient_rows(s, out, t);
    for (isize i = 0; i < rows_at(s, t); i++, d_x += out->ld_d) {
        const isize first = s->data->first[s->sample[i]], from = axis->stride * t;
        for (isize back = 0; back < axis->window && back <= from; back++)
            add_row(job, s, first + from - back, n, d_x + back * n);
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
