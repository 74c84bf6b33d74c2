/* Linear maps of sources, for heads and dense nodes: the products forward, and the gradients of weights and of sources. All
 * functions take the rows of the steps from `first` to `end`, or all rows of streams with one row per sequence. A row's bits do
 * not depend on the number of rows.
 */
#ifndef SKLEARN_RNN_LINEAR_H
#define SKLEARN_RNN_LINEAR_H

#include "cells/declare.h"
#include "interface/job.h"
#include "nodes/sources.h"
#include "plan/weights.h"
#include "run/slice.h"
#include "weights/gemm.h"
#include "weights/gradients.h"

/* ---- the plan ---- */

/* One block of outputs, which reads all sources. */
static void linear_declare(rnn_node *node) { gate(&node->declared, X_ONLY); }

static double linear_work(const rnn_node *node, double inputs) { return (double)node->width * inputs; }

/* The arrays: the weights of the first stem, the bias if there is one, and the weights of the others. */
static void linear_add_weights(rnn_network *network, int number, int d, int has_bias)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    add_source_weights(network, number, d, 0, "weight");
    direction->bias = -1;
    if (has_bias)
        add_vector(network, number, 1, "bias", ZEROS, 0, &direction->bias, &direction->d_bias);
    else if (network->training)     /* sums that nobody reads */
        direction->d_bias = claim(&network->gradient, 1, node->width);
    for (int stem = 1; stem < STEM_INITIAL; stem++)
        add_source_weights(network, number, d, stem, weight_stems[stem]);
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        source->packed[d][0] = pack_blocks(network, source->tensor[d], source->first, columns_of(network, source), 1,
                                           node->declared.x_gate, node->units, node->width);
    }
}

/* ---- rows ---- */

/* Whether a node has one row per sequence, as its sources have. */
static inline int is_once(const rnn_network *network, const rnn_node *node)
{
    return stream_of(network, source_of(network, node, 0))->life == ONCE;
}

static inline isize linear_rows(const rnn_network *network, const slice *s, const rnn_node *node, isize first, isize end)
{
    return is_once(network, node) ? s->rows : rows_of(s, first, end);
}

/* Whether what a source gives to steps first..end lies in one piece: all their sequences reach the steps that it reads, and these
 * have no other rows. */
static int lies_together(const slice *s, const rnn_stream *of, const rnn_source *source, int reverse, isize first, isize end)
{
    const isize low = least(first, before(reverse, first, source->shift)),
                high = most(end - 1, before(reverse, end - 1, source->shift));
    if (source->shift == 0)
        return 1;
    if (end == first + 1)
        return rows_reaching(s, of, reverse, first, source->shift) == rows_at(s, first);
    return low >= s->first && high < s->end && rows_at(s, low) == rows_at(s, high);
}

/* The sources as operands of a product, with what they give to steps first..end; zeros where a sequence has no such step. */
static void find_operands(const rnn_job *job, const slice *s, const rnn_node *node, int reverse, isize first, isize end,
                          operand *operands)
{
    const rnn_network *network = job->network;
    int n_gathered = 0;
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        const rnn_stream *of = stream_of(network, source);
        operands[i] = operand_of(of, (const real *)job->packed + source->packed[0][0]);
        if (lies_together(s, of, source, reverse, first, end)) {
            operands[i].a = source_rows(network, s, source, reverse, first);
            continue;
        }
        real *copy = s->arena + network->gathered[n_gathered++];
        gather_source(network, s, source, reverse, first, end, copy);
        operands[i].a = copy;
        operands[i].ld_a = network->ld_gathered;
    }
}

/* z (rows, ld_z) = b + sum of sources W */
static void linear_products(const rnn_job *job, const slice *s, const rnn_node *node, int reverse, isize first, isize end,
                            real *z, isize ld_z)
{
    const isize bias = node->direction[0].bias;
    operand operands[MAX_SOURCES];
    find_operands(job, s, node, reverse, first, end, operands);
    product(linear_rows(job->network, s, node, first, end), node->width, node->n_sources, operands, z, ld_z,
            bias < 0 ? NULL : (const real *)job->packed + bias, 0);
}

/* dW (+)= sources^T d_z, db (+)= sum of d_z (rows, ld_z); frozen weights are left out */
static void linear_weight_gradients(const rnn_job *job, const slice *s, const rnn_node *node, int reverse, isize first, isize end,
                                    const real *d_z, isize ld_z, int accumulate)
{
    const rnn_network *network = job->network;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size;
    operand operands[MAX_SOURCES];
    gradient_operand inputs[MAX_SOURCES];
    int n = 0;
    if (node->frozen)
        return;
    find_operands(job, s, node, reverse, first, end, operands);
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        if (!network->tensor[source->tensor[0]].frozen)
            inputs[n++] = (gradient_operand){.a = operands[i], .c = gradient + source->gradient[0]};
    }
    weight_gradients(job, s->arena + network->panel, linear_rows(network, s, node, first, end), d_z, ld_z, node->width,
                     n, inputs, node->width, gradient + node->direction[0].d_bias, accumulate);
}

/* d_source (+)= d_z W^T for one source. What goes to other steps is summed apart, so that it does not matter for its bits in
 * which segment they lie. */
static void pass_to_source(const rnn_job *job, const slice *s, const rnn_node *node, const rnn_source *source, int reverse,
                           isize first, isize end, const real *d_z, isize ld_z)
{
    const rnn_network *network = job->network;
    const rnn_stream *to = stream_of(network, source);
    const isize n = linear_rows(network, s, node, first, end), ld = to->ld_d, columns = whole_vectors(to->parts * to->width);
    const operand a = {.a = d_z, .b = (const real *)job->packed + source->packed_rows[0], .ld_a = ld_z, .n_runs = 1,
                       .run = node->units, .run_start = AT_ONCE};
    if (source->shift == 0) {
        real *d = source_gradient(network, s, source, reverse, first);
        product(n, columns, 1, &a, d, ld, source->overwrites ? NULL : d, ld);
        return;
    }
    real *apart = s->arena + network->passed;
    product(n, columns, 1, &a, apart, ld, NULL, 0);
    scale_passed(job, source, n * ld, apart);
    for (isize t = first; t < end; apart += rows_at(s, t++) * ld) {
        const isize n_passed = rows_passing(s, to, reverse, t, source->shift) * ld;
        real *d = n_passed ? source_gradient(network, s, source, reverse, t) : NULL;
        for (isize i = 0; i < n_passed; i++)
            d[i] += apart[i];
    }
}

/* The same for all sources, the greatest shift first: so a row is added to in the order of the steps that read it, from the last
 * one back, as it is step by step and where segments end. */
static void linear_source_gradients(const rnn_job *job, const slice *s, const rnn_node *node, int reverse, isize first, isize end,
                                    const real *d_z, isize ld_z)
{
    const rnn_network *network = job->network;
    for (int shift = network->stage[node->stage].reach; shift >= 0; shift--)
        for (int i = 0; i < node->n_sources; i++) {
            const rnn_source *source = source_of(network, node, i);
            if (source->shift == shift && passes_gradient(network, source))
                pass_to_source(job, s, node, source, reverse, first, end, d_z, ld_z);
        }
}

#endif
