/* What a conditional random field keeps, its parameters, and what is known of the tags of a sequence: see crf.h. */
#ifndef SKLEARN_RNN_CRF_PLAN_H
#define SKLEARN_RNN_CRF_PLAN_H

#include "nodes/chain.h"
#include "nodes/linear.h"

/* What it keeps in a worker's arena. `_KNOWN` are the recursions given the known tags, of sequences with unknown ones. */
enum {
    CRF_A, CRF_A_KNOWN,                     /* (rows, width) logarithms of the way forward; the best path: tags before each tag */
    CRF_BEFORE, CRF_BEFORE_KNOWN,           /* (segments, max_rows, width) the row with which each segment begins */
    CRF_ROWS,                               /* (N_CRF_ROWS, max_rows, width) and two more rows */
    CRF_TABLES,                             /* (3 n + 3, width) of the chain */
    CRF_SEQUENCES,                          /* (max_rows,) of `crf_sequence` */
    CRF_U, CRF_V,                           /* (2 waiting, width) of pairs of steps; the second half is `_KNOWN` */
    CRF_PAIRS,                              /* (n + 1, width) marginals of pairs, to a tag from another; a row for sums */
};
enum { ROWS_OF_POWERS, ROWS_OF_SUMS, ROWS_OF_LATER, ROWS_OF_B, ROWS_OF_B_KNOWN, ROWS_OF_BEST, N_CRF_ROWS };
enum { NO_PATH = -1, NOT_FINITE = -2 };
enum { CRF_START, CRF_END };                /* its own parameters */

/* What is known of a sequence. */
typedef struct {
    double log_z, score, weight;            /* the weight is that of its known steps, 0 if there are none */
    isize has_unknown;                      /* whether some tags are unknown */
    isize best;                             /* the last tag of the best path; NO_PATH, or NOT_FINITE: an output was not */
} __attribute__((may_alias)) crf_sequence;

/* ---- the plan ---- */

static double crf_work(const rnn_node *node, double inputs)
{
    return (double)node->width * (inputs + 2 * (double)node->width);
}

static void crf_add_weights(rnn_network *network, int number, int d)
{
    rnn_node *node = &network->node[number];
    rnn_direction *direction = &node->direction[d];
    linear_add_weights(network, number, d, 1);
    rnn_tensor *transitions = add_tensor(network, (rnn_tensor){
        .node = number, .direction = d, .stem = "transitions", .n_groups = 1, .n_axes = 2, .units = node->units,
        .columns = node->units, .decays = 1, .initial = ZEROS});
    if (network->training)
        place_gradient(transitions, claim(&network->gradient, node->units, node->width), node->width, NULL, node->width);
    add_vector(network, number, 1, "start", ZEROS, 0, &direction->own[CRF_START], &direction->d_own[CRF_START]);
    add_vector(network, number, 1, "end", ZEROS, 0, &direction->own[CRF_END], &direction->d_own[CRF_END]);
}

static inline const rnn_tensor *transitions_of(const rnn_network *network, const rnn_node *node)
{
    const rnn_direction *direction = &node->direction[0];
    return &network->tensor[direction->first_tensor + direction->n_tensors - 3];
}

static void crf_claim(rnn_network *network, rnn_node *node, isize n_before)
{
    rnn_region *arena = &network->arena;
    const isize n = node->units, width = node->width, kept = axis_of(network, node)->segment_rows, rows = network->max_rows,
                waiting = rows + BLOCK_ROWS;
    node->gates_kept = 1;
    node->gates = claim(arena, kept, width);
    node->kept[CRF_A] = claim(arena, kept, width);
    node->kept[CRF_ROWS] = claim(arena, times(N_CRF_ROWS, rows) + 2, width);
    node->kept[CRF_TABLES] = claim(arena, times(3, n) + 3, width);
    node->kept[CRF_SEQUENCES] = claim(arena, rows, (isize)(sizeof(crf_sequence) / sizeof(real)));
    if (!network->training)
        return;
    node->kept[CRF_A_KNOWN] = claim(arena, kept, width);
    node->kept[CRF_BEFORE] = claim(arena, times(n_before, rows), width);
    node->kept[CRF_BEFORE_KNOWN] = claim(arena, times(n_before, rows), width);
    node->kept[CRF_U] = claim(arena, 2 * waiting, width);
    node->kept[CRF_V] = claim(arena, 2 * waiting, width);
    node->kept[CRF_PAIRS] = claim(arena, n + 1, width);
}

/* ---- memory ---- */

static inline real *crf_rows(const rnn_network *network, const slice *s, const rnn_node *node, int which)
{
    return s->arena + node->kept[CRF_ROWS] + which * network->max_rows * node->width;
}

static inline crf_sequence *crf_sequences(const slice *s, const rnn_node *node)
{
    return (crf_sequence *)(s->arena + node->kept[CRF_SEQUENCES]);
}

/* (rows, width) step t of what is kept for a segment, or the row before the segment */
static inline real *crf_kept(const rnn_network *network, const slice *s, const rnn_node *node, int known, isize t)
{
    if (t >= s->first)
        return s->arena + node->kept[CRF_A + known] + row_at(s, t, 1) * node->width;
    return s->arena + node->kept[CRF_BEFORE + known] + carried_at(network, s, s->segment) * network->max_rows * node->width;
}

static inline chain chain_of(const rnn_network *network, const slice *s, const rnn_node *node)
{
    const isize n = node->units, width = node->width;
    real *tables = s->arena + node->kept[CRF_TABLES];
    return (chain){.n = n, .width = width, .forward = tables, .backward = tables + n * width, .scores = tables + 2 * n * width,
                   .start = tables + 3 * n * width, .end = tables + (3 * n + 1) * width,
                   .greatest = tables[(3 * n + 2) * width],
                   .powers = crf_rows(network, s, node, ROWS_OF_POWERS), .sums = crf_rows(network, s, node, ROWS_OF_SUMS)};
}

/* Fill the tables of the chain from the parameters. */
static void open_chain(const rnn_job *job, const slice *s, const rnn_node *node)
{
    const rnn_network *network = job->network;
    const real *packed = job->packed;
    real *tables = s->arena + node->kept[CRF_TABLES];
    chain c = chain_of(network, s, node);
    fill_chain(&c, (const real *)job->params + transitions_of(network, node)->at, packed + node->direction[0].own[CRF_START],
               packed + node->direction[0].own[CRF_END], network->allowed);
    tables[(3 * c.n + 2) * c.width] = c.greatest;
}

/* ---- tags ---- */

/* The tag of step t, or -1 if it is unknown; `first` is the first row of the sequence. */
static inline isize known_tag(const rnn_data *data, isize first, isize t)
{
    return data->weights && data->weights[first + t] == 0 ? -1 : data->labels[first + t];
}

static inline isize tag_of(const slice *s, isize i, isize t)
{
    return known_tag(s->data, s->data->first[s->sample[i]], t);
}

/* Read what the weights of n steps say. */
static crf_sequence open_sequence(const rnn_data *data, isize first, isize n)
{
    crf_sequence sequence = {.weight = data->weights ? 0 : 1};
    for (isize t = 0; data->weights && t < n; t++) {
        const double weight = data->weights[first + t];
        sequence.has_unknown |= weight == 0;
        if (weight != 0)
            sequence.weight = weight;
    }
    return sequence;
}

#endif
