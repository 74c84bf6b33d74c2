/* A head whose outputs are scores of the tags of a sequence: a conditional random field over a linear chain (Lafferty, McCallum and
 * Pereira, 2001; Lample et al., 2016).
 *
 * Its outputs z and the arrays `transitions`, `start` and `end` score whole sequences of tags: see chain.h. The loss of a sequence
 * is minus the logarithm of the probability of its tags, log Z - score(y). Where a step has weight 0 its tag is unknown, and
 * score(y) is the logarithm of a sum over all tags that it could have. The other steps of a sequence have one weight, by which the
 * loss is multiplied; divided by the sum of all weights, the loss is a mean over steps.
 *
 * With p the marginals, and q those given the known tags:
 *
 *     d_z = p - q,   d_transitions = sum over pairs of steps of the same of pairs of tags
 *
 * The rows a are kept for a segment, those of b for the present step. With several segments, training keeps the rows a with which
 * each begins. Predictions need all steps at once.
 */
#ifndef SKLEARN_RNN_CRF_H
#define SKLEARN_RNN_CRF_H

#include "nodes/chain.h"
#include "nodes/head.h"

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
    const isize n = node->units, width = node->width, kept = network->segment_rows, rows = network->max_rows,
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
    return s->arena + node->kept[CRF_BEFORE + known] + carried_at(network, s->segment) * network->max_rows * node->width;
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

static inline isize tag_of(const rnn_job *job, const slice *s, isize i, isize t)
{
    return known_tag(&job->data, job->data.first[s->sample[i]], t);
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

/* ---- forward ---- */

/* Add what tag y of step t adds to the score of a sequence without unknown tags; y_before is that of the step before. */
static inline double score_of_tag(const chain *c, isize t, isize y_before, isize y, const real *z)
{
    return (double)z[y] + (double)(t == 0 ? c->start[y] : c->scores[y_before * c->width + y]);
}

/* a (width,) of step t given the known tags, whose rows are relative to *score (unless NULL) */
static void step_forward_known(const chain *c, isize t, isize y, const real *before, const real *z, real *a, double *score)
{
    double relative = 0;
    if (t == 0)
        relative = begin_forward(c, z, a);
    else
        step_forward(c, 1, before, z, a, &relative, 0);
    if (y >= 0)
        relative += keep_tag(c, y, a);
    if (score)
        *score += relative;
}

/* -log of the probability of the known tags; it is not negative, apart from rounding */
static inline double loss_of_tags(const crf_sequence *sequence)
{
    const double loss = sequence->log_z - sequence->score;
    return loss < 0 ? 0 : loss;
}

/* The score of the known tags of step t, and at the end of a sequence its loss; z (rows, width). */
static void crf_score_step(const rnn_job *job, slice *s, const rnn_node *node, const chain *c, isize t, const real *z)
{
    const rnn_network *network = job->network;
    const real *a = crf_kept(network, s, node, 0, t), *before = t ? crf_kept(network, s, node, 1, t - 1) : NULL;
    real *a_known = crf_kept(network, s, node, 1, t);
    crf_sequence *sequence = crf_sequences(s, node);
    for (isize i = 0; i < rows_at(s, t); i++, sequence++) {
        const isize y = tag_of(job, s, i, t), row = i * c->width;
        if (sequence->has_unknown && sequence->weight != 0)
            step_forward_known(c, t, y, before + row, z + row, a_known + row, s->again ? NULL : &sequence->score);
        if (s->again || sequence->weight == 0)
            continue;
        if (!sequence->has_unknown)
            sequence->score += score_of_tag(c, t, t ? tag_of(job, s, i, t - 1) : 0, y, z + row);
        if (t < s->length[i] - 1)
            continue;
        sequence->log_z += log_sum(c->n, a + row, 1, c->end);
        sequence->score += sequence->has_unknown ? log_sum(c->n, a_known + row, 1, c->end) : (double)c->end[y];
        s->loss += loss_of_tags(sequence) * sequence->weight / job->batch.total_weight;
    }
}

/* a of step t, for all its rows */
static void crf_forward_step(const rnn_job *job, slice *s, const rnn_node *node, const chain *c, isize t, const real *z)
{
    const rnn_network *network = job->network;
    real *a = crf_kept(network, s, node, 0, t);
    crf_sequence *sequence = crf_sequences(s, node);
    if (t > 0) {
        step_forward(c, rows_at(s, t), crf_kept(network, s, node, 0, t - 1), z, a, s->again ? NULL : &sequence->log_z,
                     sizeof(crf_sequence) / sizeof(double));
        return;
    }
    for (isize i = 0; i < s->rows; i++) {
        const double relative = begin_forward(c, z + i * c->width, a + i * c->width);
        if (!s->again)
            sequence[i].log_z = relative;
    }
}

/* The best way to each tag of step t, and at the end of a sequence its last tag. */
static void crf_best_step(const rnn_job *job, slice *s, const rnn_node *node, const chain *c, isize t, const real *z)
{
    const rnn_network *network = job->network;
    const isize width = c->width;
    real *best[] = {crf_rows(network, s, node, ROWS_OF_B), crf_rows(network, s, node, ROWS_OF_BEST)};
    real *now = best[t % 2];
    tag_number *from = (tag_number *)crf_kept(network, s, node, 0, t);
    crf_sequence *sequence = crf_sequences(s, node);
    for (isize i = 0; i < rows_at(s, t); i++, z += width, now += width) {
        if (t == 0)
            begin_forward(c, z, now);
        else
            step_best(c, best[1 - t % 2] + i * width, z, now, from + i * width);
        if (!is_finite_row(width, z))
            sequence[i].best = NOT_FINITE;
        if (t < s->length[i] - 1 || sequence[i].best == NOT_FINITE)
            continue;
        sequence[i].best = best_last(c, now);
        if (!(now[sequence[i].best] + c->end[sequence[i].best] > -(real)INFINITY))
            sequence[i].best = NO_PATH;     /* no sequence of tags of this length is allowed */
    }
}

/* Keep the last rows of a segment for the next one. */
static void crf_carry(const rnn_network *network, const slice *s, const rnn_node *node)
{
    const isize rows = rows_at(s, s->end - 1) * node->width, next = carried_at(network, s->segment + 1);
    for (int known = 0; known < 2; known++)
        memcpy(s->arena + node->kept[CRF_BEFORE + known] + next * network->max_rows * node->width,
               crf_kept(network, s, node, known, s->end - 1), (size_t)rows * sizeof(real));
}

/* ---- results ---- */

/* The tags of the best paths, from the last one back. */
static void crf_put_paths(const rnn_job *job, const slice *s, const rnn_node *node)
{
    int32_t *output = job->batch.output;
    for (isize i = 0; i < s->rows; i++) {
        isize tag = crf_sequences(s, node)[i].best;
        for (isize t = s->length[i] - 1; t >= 0; t--) {
            output[target_of(job, s, i, t)] = (int32_t)tag;
            if (t > 0 && tag >= 0)
                tag = (isize)((const tag_number *)crf_kept(job->network, s, node, 0, t))[i * node->width + tag];
        }
    }
}

/* b of the sequences whose last step is t: they are the rows from `first` on. */
static inline void begin_b(const chain *c, const slice *s, isize t, isize first, real *b)
{
    for (isize i = first; i < rows_at(s, t); i++)
        memcpy(b + i * c->width, c->end, (size_t)c->width * sizeof(real));
}

static inline isize rows_after(const slice *s, isize t) { return t + 1 < s->steps ? rows_at(s, t + 1) : 0; }

/* The marginals of all steps, from the last one back. */
static void crf_put_marginals(const rnn_job *job, const slice *s, const rnn_node *node, const chain *c)
{
    const rnn_network *network = job->network;
    real *b = crf_rows(network, s, node, ROWS_OF_B), *later = crf_rows(network, s, node, ROWS_OF_LATER),
         *p = crf_rows(network, s, node, ROWS_OF_BEST);
    for (isize t = s->steps - 1; t >= 0; t--) {
        const isize n = rows_at(s, t);
        const real *a = crf_kept(network, s, node, 0, t);
        begin_b(c, s, t, rows_after(s, t), b);
        for (isize i = 0; i < n; i++) {
            const isize row = i * c->width;
            if (job->batch.result == LOG_RESULT)
                log_marginals(c, a + row, b + row, p);
            else
                marginals(c, a + row, b + row, 1, p);
            memcpy((real *)job->batch.output + target_of(job, s, i, t) * c->n, p, (size_t)c->n * sizeof(real));
        }
        if (t > 0) {
            begin_step_back(c, n, s->arena + node->gates + row_at(s, t, 1) * c->width, b, later, c->powers);
            step_back(c, n, later, c->powers, b);
        }
    }
}

static int crf_forward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const int best = !network->training && job->batch.result == BEST_RESULT;
    if (!network->training && job->batch.raw)
        return head_forward_blocks(job, s, number);
    if (!network->training && !puts_outputs(job, number))
        return 0;
    if (s->first == 0 && !s->again) {
        open_chain(job, s, node);
        for (isize i = 0; i < s->rows; i++)
            crf_sequences(s, node)[i] = network->training ? open_sequence(&job->data, job->data.first[s->sample[i]], s->length[i])
                                                          : (crf_sequence){0};
    }
    const chain c = chain_of(network, s, node);
    for (isize first = s->first, end; first < s->end; first = end) {
        for (end = first + 1; end < s->end && rows_of(s, first, end) < BLOCK_ROWS;)
            end++;
        real *z = s->arena + node->gates + row_at(s, first, 1) * node->width;
        linear_products(job, s, node, 0, first, end, z, node->width);
        for (isize t = first; t < end; z += rows_at(s, t++) * node->width) {
            if (best)
                crf_best_step(job, s, node, &c, t, z);
            else
                crf_forward_step(job, s, node, &c, t, z);
            if (network->training)
                crf_score_step(job, s, node, &c, t, z);
        }
        if (poll_stop(job, s->worker, rows_of(s, first, end) * node->work))
            return 1;
    }
    if (network->training && s->end < s->steps && !s->again)
        crf_carry(network, s, node);
    if (network->training)
        return 0;
    if (best)
        crf_put_paths(job, s, node);
    else
        crf_put_marginals(job, s, node, &c);
    return 0;
}

/* ---- backward ---- */

/* Where the gradients of a slice go, and the pairs of steps that wait for a product. */
typedef struct {
    real *transitions, *start, *end;        /* (n, width) to a tag from another, (width,), (width,) */
    real *pairs;                            /* the same as the first, of what needs no product with E */
    real *u[2], *v[2];                      /* rows of the pairs of steps of this block; the second are `_KNOWN` */
    isize n[2];
    isize waiting_first;                    /* step of the first of these pairs */
} crf_gradients;

static crf_gradients crf_gradients_of(const rnn_job *job, const slice *s, const rnn_node *node)
{
    const rnn_network *network = job->network;
    const isize half = (network->max_rows + BLOCK_ROWS) * node->width;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient.size, *u = s->arena + node->kept[CRF_U],
         *v = s->arena + node->kept[CRF_V];
    return (crf_gradients){
        .transitions = gradient + transitions_of(network, node)->gradient, .start = gradient + node->direction[0].d_own[CRF_START],
        .end = gradient + node->direction[0].d_own[CRF_END], .pairs = s->arena + node->kept[CRF_PAIRS], .u = {u, u + half},
        .v = {v, v + half}};
}

static inline void add_to_row(isize width, const real *from, real *to)
{
    for (isize j = 0; j < width; j += LANES)
        vstore(to + j, vload(to + j) + vload(from + j));
}

/* What the unknown tags of one sequence add: d (width,), which holds the marginals p times `scale`, becomes scale (p - q); and the
 * pairs of this step and the one before. z, b and d are rows of step t. */
static void crf_unknown_backward(const chain *c, crf_gradients *g, isize t, const real *before, const real *a, const real *z,
                                 real *b, real scale, real *q, real *later, real *d)
{
    marginals(c, a, b, -scale, q);
    add_to_row(c->width, q, d);
    if (t == 0)
        return;
    real *u = g->u[1] + g->n[1] * c->width, *v = g->v[1] + g->n[1] * c->width;
    begin_step_back(c, 1, z, b, later, v);
    step_back(c, 1, later, v, b);
    pair_marginals(c, before, later, c->sums, -scale, u, v, g->pairs);
    g->n[1]++;
}

/* b of step t, given the known tags: only a known one is possible. */
static inline void mask_b(const chain *c, isize y, real *b)
{
    for (isize j = 0; y >= 0 && j < c->width; j++)
        if (j != y)
            b[j] = -(real)INFINITY;
}

/* z (rows, width) of step t becomes its gradient. */
static void crf_backward_step(const rnn_job *job, const slice *s, const rnn_node *node, const chain *c, crf_gradients *g, isize t,
                              real *z)
{
    const rnn_network *network = job->network;
    const isize n = rows_at(s, t), width = c->width, first_row = rows_of(s, g->waiting_first, t) * width;
    const real *a = crf_kept(network, s, node, 0, t), *a_known = crf_kept(network, s, node, 1, t),
               *before = t ? crf_kept(network, s, node, 0, t - 1) : NULL,
               *before_known = t ? crf_kept(network, s, node, 1, t - 1) : NULL;
    real *b = crf_rows(network, s, node, ROWS_OF_B), *b_known = crf_rows(network, s, node, ROWS_OF_B_KNOWN),
         *later = crf_rows(network, s, node, ROWS_OF_LATER), *spare = crf_rows(network, s, node, ROWS_OF_BEST),
         *u = g->u[0] + first_row, *v = g->v[0] + first_row;
    const crf_sequence *sequence = crf_sequences(s, node);
    begin_b(c, s, t, rows_after(s, t), b);
    begin_b(c, s, t, rows_after(s, t), b_known);
    if (t > 0)
        begin_step_back(c, n, z, b, later, v);
    for (isize i = 0; i < n; i++) {
        const isize row = i * width, y = tag_of(job, s, i, t);
        const real scale = (real)(sequence[i].weight / job->batch.divisor);
        real *d = z + row, *p = spare;
        if (sequence[i].weight == 0) {
            memset(d, 0, (size_t)width * sizeof(real));
            continue;
        }
        marginals(c, a + row, b + row, scale, p);
        if (sequence[i].has_unknown) {
            mask_b(c, y, b_known + row);
            crf_unknown_backward(c, g, t, before_known + row, a_known + row, z + row, b_known + row, scale, spare + width,
                                 spare + 2 * width, p);
        } else {
            p[y] -= scale;
            if (t > 0)
                g->pairs[y * width + tag_of(job, s, i, t - 1)] -= scale;
        }
        memcpy(d, p, (size_t)width * sizeof(real));
        if (t == 0)
            add_to_row(width, d, g->start);
        if (t == s->length[i] - 1)
            add_to_row(width, d, g->end);
    }
    if (t == 0)
        return;
    step_back(c, n, later, v, b);
    for (isize i = 0; i < n; i++)
        pair_marginals(c, before + i * width, later + i * width, c->sums + i * width,
                       (real)(sequence[i].weight / job->batch.divisor), u + i * width, v + i * width, g->pairs);
}

/* d_transitions += sum over the waiting pairs of v_j u_i, still without E */
static void crf_pairs_backward(const rnn_job *job, const slice *s, const rnn_node *node, const chain *c, crf_gradients *g)
{
    for (int known = 0; known < 2 && !transitions_of(job->network, node)->frozen; known++) {
        const gradient_operand v = {.a = {.a = g->v[known], .ld_a = c->width, .n_runs = 1, .run = c->n, .run_start = AT_ONCE},
                                    .c = g->transitions};
        if (g->n[known] > 0)
            weight_gradients(job, s->arena + job->network->panel, g->n[known], g->u[known], c->width, c->width, 1, &v, c->width,
                             g->pairs + c->n * c->width, 1);
    }
}

/* d_transitions = d_transitions E + pairs */
static void crf_finish_transitions(const chain *c, const crf_gradients *g)
{
    for (isize column = 0; column < c->width; column += PANEL_COLUMNS) {
        const isize width = least(PANEL_COLUMNS, c->width - column);
        const real *panel = c->backward + column * c->n;
        for (isize to = 0; to < c->n; to++)
            for (isize j = 0; j < width; j += LANES) {
                real *d = g->transitions + to * c->width + column + j;
                vstore(d, vload(d) * vload(panel + to * width + j) + vload(g->pairs + to * c->width + column + j));
            }
    }
}

static int crf_backward(rnn_job *job, slice *s, int number)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const chain c = chain_of(network, s, node);
    const size_t bytes = (size_t)c.width * sizeof(real);
    crf_gradients g = crf_gradients_of(job, s, node);
    if (s->end == s->steps) {
        memset(g.transitions, 0, (size_t)c.n * bytes);
        memset(g.pairs, 0, (size_t)(c.n + 1) * bytes);
        memset(g.start, 0, bytes);
        memset(g.end, 0, bytes);
    }
    for (isize end = s->end, first; end > s->first; end = first) {
        first = block_start(s->offset, end);
        const isize n = rows_of(s, first, end);
        real *z = s->arena + node->gates + row_at(s, first, 1) * c.width;
        g.waiting_first = most(first, 1);
        g.n[0] = first < end && g.waiting_first < end ? rows_of(s, g.waiting_first, end) : 0;
        g.n[1] = 0;
        for (isize t = end - 1; t >= first; t--)
            crf_backward_step(job, s, node, &c, &g, t, z + rows_of(s, first, t) * c.width);
        crf_pairs_backward(job, s, node, &c, &g);
        linear_weight_gradients(job, s, node, 0, first, end, z, c.width, end < s->steps);
        linear_source_gradients(job, s, node, 0, first, end, z, c.width);
        if (poll_stop(job, s->worker, n * (node->work + node->work_back)))
            return 1;
    }
    if (s->first == 0)
        crf_finish_transitions(&c, &g);
    return 0;
}

/* ---- losses of raw outputs ---- */

/* Loss of one sequence of n raw outputs (n, tags), whose first row is `first`; each step that is known gets an equal share. */
static void crf_sequence_losses(const rnn_job *job, const slice *s, const rnn_node *node, const chain *c, isize first, isize n,
                                const real *outputs, real *z, double *losses)
{
    const rnn_network *network = job->network;
    real *a[] = {crf_rows(network, s, node, ROWS_OF_B), crf_rows(network, s, node, ROWS_OF_BEST)},
         *known[] = {crf_rows(network, s, node, ROWS_OF_B_KNOWN), crf_rows(network, s, node, ROWS_OF_LATER)};
    crf_sequence sequence = open_sequence(&job->data, first, n);
    isize n_known = 0;
    for (isize t = 0; t < n; t++) {
        real *now = a[t % 2];
        memset(z, 0, (size_t)c->width * sizeof(real));
        memcpy(z, outputs + t * c->n, (size_t)c->n * sizeof(real));
        if (t == 0)
            sequence.log_z = begin_forward(c, z, now);
        else
            step_forward(c, 1, a[1 - t % 2], z, now, &sequence.log_z, 0);
        const isize y = known_tag(&job->data, first, t);
        step_forward_known(c, t, y, known[1 - t % 2], z, known[t % 2], &sequence.score);
        n_known += y >= 0;
    }
    sequence.log_z += log_sum(c->n, a[(n - 1) % 2], 1, c->end);
    sequence.score += log_sum(c->n, known[(n - 1) % 2], 1, c->end);
    for (isize t = 0; t < n; t++)
        losses[t] = known_tag(&job->data, first, t) < 0 ? 0 : loss_of_tags(&sequence) / (double)n_known;
}

/* See node_kind. */
static void crf_row_losses(const rnn_job *job, isize n, const void *outputs, void *row, double *losses)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[network->head];
    const slice s = {.arena = job->arenas};
    open_chain(job, &s, node);
    const chain c = chain_of(network, &s, node);
    for (isize sample = 0, at = 0; at < n; at = job->data.end[sample++])
        crf_sequence_losses(job, &s, node, &c, at, job->data.end[sample] - at, (const real *)outputs + at * c.n, row, losses + at);
}

#define crf_kind { \
    .info = {.name = "crf", .rows = ROW_PER_STEP, .has_units = 1, .needs_earlier = 1, .on_demand = 1, .is_output = 1, \
             .of_sequences = 1}, \
    .declare = linear_declare, .shape = head_shape, .work = crf_work, .add_weights = crf_add_weights, .claim = crf_claim, \
    .forward = crf_forward, .backward = crf_backward, .row_losses = crf_row_losses}

#endif
