/* An embedding: for each step, the row of a table that the code in X at this step selects (Bengio et al., 2003).
 *
 *     x = table[code]        d_table[code] += d_x
 *
 * With word dropout (Bowman et al., 2016), training replaces each code at random by that of unknown ones, whose row is so trained.
 *
 * A tied embedding has no table: its rows are those of the head's weights from `first_row` on (Press and Wolf, 2017), to whose
 * gradient `reduce` adds its own.
 *
 * A minibatch needs few rows of a large table. So the table is not packed: the node reads the flat parameters. For the same
 * reason a slice's gradient has only the rows that its sequences read, see weights/touched.h.
 */
#ifndef SKLEARN_RNN_EMBED_H
#define SKLEARN_RNN_EMBED_H

#include "levels/random.h"
#include "plan/kind.h"
#include "plan/shapes.h"
#include "plan/weights.h"
#include "run/slice.h"
#include "weights/touched.h"

enum { EMBED_COLUMN, EMBED_ROWS, EMBED_WORD_DROPOUT, EMBED_UNKNOWN, EMBED_TIED, EMBED_FIRST_ROW };

static inline const rnn_tensor *table_of(const rnn_network *network, const rnn_node *node)
{
    const rnn_node *owner = node->option[EMBED_TIED] ? &network->node[network->head] : node;
    return &network->tensor[owner->direction[0].first_tensor];
}

/* Whether the code at step t of a sequence is replaced. */
static inline int is_replaced(const rnn_job *job, const rnn_node *node, isize sample, isize t)
{
    const double rate = node->option[EMBED_WORD_DROPOUT];
    return rate > 0 && job->network->training && job->batch.dropping &&
           is_drawn(job, PURPOSE_WORD_DROPOUT, (uint32_t)node->axis, rate, sample, t, (isize)node->option[EMBED_COLUMN]);
}

/* The code at step t of a sequence. Callers refuse others than those of rows; reading must be safe even so. */
static inline isize code_at(const rnn_job *job, const slice *s, const rnn_node *node, isize sample, isize t)
{
    if (is_replaced(job, node, sample, t))
        return (isize)node->option[EMBED_UNKNOWN];
    const rnn_data *data = s->data;
    const isize at = (data->first[sample] + t) * s->axis->n_features + (isize)node->option[EMBED_COLUMN];
    const double code = data->values_are_double ? ((const double *)data->values)[at] : (double)((const float *)data->values)[at];
    return code >= 0 && code < node->option[EMBED_ROWS] ? (isize)code : 0;
}

/* The row of the table for that step */
static inline isize row_of_code(const rnn_job *job, const slice *s, const rnn_node *node, isize sample, isize t)
{
    return (isize)node->option[EMBED_FIRST_ROW] + code_at(job, s, node, sample, t);
}

/* Before the first segment: find the rows that the slice touches, and set their gradients to zero. */
static void embed_open(rnn_job *job, slice *s, int number, int d)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_tensor *table = table_of(network, node);
    (void)d;
    if (!s->has_backward || table->frozen || s->segment > 0 || s->again)
        return;
    isize *codes = touched_codes(job, table, s->index), n = 0;
    for (isize i = 0; i < s->rows; i++)
        for (isize t = 0; t < s->length[i]; t++) {
            codes[1 + n++] = row_of_code(job, s, node, s->sample[i], t);
            if (n == 2 * table->most_touched)       /* at most half of them are distinct */
                n = distinct_codes(n, codes + 1);
        }
    codes[0] = distinct_codes(n, codes + 1);
    memset(touched_rows(job, table, s->index), 0, (size_t)(codes[0] * table->ld_touched) * sizeof(real));
}

static void embed_forward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out;
    const real *table = (const real *)job->params + table_of(network, node)->at;
    real *x = stream_rows(network, s, out, t);
    (void)d;
    for (isize i = 0; i < rows_at(s, t); i++, x += out->ld) {
        memcpy(x, table + row_of_code(job, s, node, s->sample[i], t) * out->units, (size_t)out->units * sizeof(real));
        memset(x + out->units, 0, (size_t)(out->width - out->units) * sizeof(real));
    }
}

static void embed_backward_step(rnn_job *job, slice *s, int number, int d, isize t)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out;
    const rnn_tensor *table = table_of(network, node);
    const isize *codes = touched_codes(job, table, s->index);
    const real *d_x = gradient_rows(s, out, t);
    (void)d;
    if (table->frozen)
        return;
    for (isize i = 0; i < rows_at(s, t); i++, d_x += out->ld_d) {
        const isize place = place_of(codes + 1, codes[0], row_of_code(job, s, node, s->sample[i], t));
        real *row = touched_rows(job, table, s->index) + place * table->ld_touched;
        for (isize j = 0; j < out->width; j += LANES)
            vstore(row + j, vload(row + j) + vload(d_x + j));
    }
}

static void embed_shape(rnn_network *network, int number, const rnn_stream *from)
{
    rnn_node *node = &network->node[number];
    (void)from;
    if (node->option[EMBED_TIED])
        network->tied = number;
    node->width = whole_vectors(node->units);
    shape_stream(&node->out, 1, node->units, node->width, row_length(node->width));
}

static void embed_add_weights(rnn_network *network, int number, int d)
{
    const rnn_node *node = &network->node[number];
    if (!node->option[EMBED_TIED])
        add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = "weight", .n_groups = 1, .n_axes = 2, .units = (isize)node->option[EMBED_ROWS],
        .columns = node->units, .decays = 1, .is_table = 1, .initial = EMBEDDING});
}

static const rnn_option embed_options[] = {
    {.name = "column", .type = NUMBER, .least = 0, .below = (double)(1u << 31)},        /* of X (on the second axis: of y), with the codes */
    {.name = "rows", .type = NUMBER, .preset = 1, .least = 1, .below = (double)(1u << 31)},     /* of the table */
    {.name = "word_dropout", .type = NUMBER, .least = 0, .below = 1},
    {.name = "unknown", .type = NUMBER, .least = 0, .below = (double)(1u << 31)},               /* the row of unknown codes */
    {.name = "tied", .type = BOOLEAN},
    {.name = "first_row", .type = NUMBER, .least = 0, .below = (double)(1u << 31)},             /* of those in head.weight */
    {0}};

#define embed_kind { \
    .info = {.name = "embed", .options = embed_options, .rows = ROW_PER_STEP, .has_units = 1, .reads_codes = 1}, \
    .shape = embed_shape, .add_weights = embed_add_weights, \
    .open = embed_open, .forward_step = embed_forward_step, .backward_step = embed_backward_step}

#endif
