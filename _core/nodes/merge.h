/* Merging of the two directions of a stream: for each unit their sum, average or product (Schuster and Paliwal, 1997). The result
 * belongs to no direction. The stream that is read has two parts, each padded to whole vectors.
 */
#ifndef SKLEARN_RNN_MERGE_H
#define SKLEARN_RNN_MERGE_H

#include "nodes/sources.h"
#include "plan/kind.h"
#include "plan/shapes.h"

enum { MERGE_SUM, MERGE_AVE, MERGE_MUL };

static const rnn_option merge_options[] = {{.name = "method", .type = CHOICE, .choices = "sum ave mul"}, {0}};

static inline int merge_method(const rnn_node *node) { return (int)node->option[0]; }

static void merge_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *from = stream_of(network, source);
    const int method = merge_method(node);
    const real factor = method == MERGE_AVE ? (real)0.5 : 1;
    const real *a = source_rows(network, s, source, 0, t), *b = a + from->start[1];
    real *y = stream_rows(network, s, &node->out, t);
    (void)d;
    for (isize i = 0; i < rows_there(s, &node->out, t); i++, a += from->ld, b += from->ld, y += node->out.ld)
        for (isize j = 0; j < node->width; j += LANES) {
            const vec va = vload(a + j), vb = vload(b + j);
            vstore(y + j, method == MERGE_MUL ? va * vb : (va + vb) * factor);
        }
}

/* y = a b:  da = dy b, db = dy a;   y = factor (a + b):  da = db = dy factor */
static void merge_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    const rnn_stream *from = stream_of(network, source);
    const int method = merge_method(node), adds = !source->overwrites;
    const vec factor = vset(method == MERGE_AVE ? (real)0.5 : 1);
    (void)d;
    if (!passes_gradient(network, source))
        return;
    const real *a = source_rows(network, s, source, 0, t), *b = a + from->start[1], *dy = gradient_rows(s, &node->out, t);
    real *da = source_gradient(network, s, source, 0, t), *db = da + from->start[1];
    for (isize i = 0; i < rows_there(s, &node->out, t); i++) {
        for (isize j = 0; j < node->width; j += LANES) {
            const vec by_a = vload(dy + j) * (method == MERGE_MUL ? vload(b + j) : factor),
                      by_b = vload(dy + j) * (method == MERGE_MUL ? vload(a + j) : factor);
            vstore(da + j, adds ? vload(da + j) + by_a : by_a);
            vstore(db + j, adds ? vload(db + j) + by_b : by_b);
        }
        a += from->ld, b += from->ld, dy += node->out.ld_d, da += from->ld_d, db += from->ld_d;
    }
}

static int merge_forward(rnn_job *job, slice *s, int number) { return each_step_forward(job, s, number, merge_forward_step); }
static int merge_backward(rnn_job *job, slice *s, int number) { return each_step_backward(job, s, number, merge_backward_step); }

static void merge_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    node->width = from->width;
    shape_stream(&node->out, 1, from->units, node->width, row_length(node->width));
}

#define merge_kind { \
    .info = {.name = "merge", .options = merge_options, .rows = ROWS_OF_SOURCE, .reads_one = 1, .reads_once = 1, \
             .needs_earlier = 1, .merges = 1}, \
    .shape = merge_shape, .forward_step = merge_forward_step, .backward_step = merge_backward_step, .forward = merge_forward, \
    .backward = merge_backward}

#endif
