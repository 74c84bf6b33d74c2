/* A head whose outputs score the tags of a sequence: a conditional random field over a linear chain (Lafferty, McCallum and
 * Pereira, 2001; Lample et al., 2016).
 *
 * Its outputs z and the arrays `transitions`, `start` and `end` score whole sequences of tags: see chain.h. The loss of a
 * sequence is minus the logarithm of the probability of its tags, log Z - score(y). Where a step has weight 0 its tag is unknown,
 * and score(y) is the logarithm of a sum over all tags that it could have. The other steps of a sequence have one weight, by
 * which the loss is multiplied; divided by the sum of all weights, the loss is a mean over steps.
 *
 * With p the marginals, and q those given the known tags:
 *
 *     d_z = p - q,   d_transitions = sum over successive steps of the same difference, for pairs of tags
 *
 * The rows a are kept for a segment, those of b for the present step. With several segments, training keeps the rows a with which
 * each begins. Predictions need all steps at once.
 */
#ifndef SKLEARN_RNN_CRF_H
#define SKLEARN_RNN_CRF_H

#include "nodes/crf_plan.h"
#include "nodes/head.h"

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
        const isize y = tag_of(s, i, t), row = i * c->width;
        if (sequence->has_unknown && sequence->weight != 0)
            step_forward_known(c, t, y, before + row, z + row, a_known + row, s->again ? NULL : &sequence->score);
        if (s->again || sequence->weight == 0)
            continue;
        if (!sequence->has_unknown)
            sequence->score += score_of_tag(c, t, t ? tag_of(s, i, t - 1) : 0, y, z + row);
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
    const isize rows = rows_at(s, s->end - 1) * node->width, next = carried_at(network, s, s->segment + 1);
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
            crf_sequences(s, node)[i] = network->training ? open_sequence(s->data, s->data->first[s->sample[i]], s->length[i])
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

/* Where the gradients of a slice go, and the pairs of steps that wait to be multiplied together. */
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
        .transitions = gradient + transitions_of(network, node)->gradient,
        .start = gradient + node->direction[0].d_own[CRF_START],
        .end = gradient + node->direction[0].d_own[CRF_END], .pairs = s->arena + node->kept[CRF_PAIRS], .u = {u, u + half},
        .v = {v, v + half}};
}

static inline void add_to_row(isize width, const real *from, real *to)
{
    for (isize j = 0; j < width; j += LANES)
        vstore(to + j, vload(to + j) + vload(from + j));
}

/* What the unknown tags of one sequence add: d (width,), which holds the marginals p times `scale`, becomes scale (p - q); and
 * the pairs of this step and the one before. z, b and d are rows of step t. */
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
        const isize row = i * width, y = tag_of(s, i, t);
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
                g->pairs[y * width + tag_of(s, i, t - 1)] -= scale;
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
    const rnn_data *data = data_of_result(job);
    real *a[] = {crf_rows(network, s, node, ROWS_OF_B), crf_rows(network, s, node, ROWS_OF_BEST)},
         *known[] = {crf_rows(network, s, node, ROWS_OF_B_KNOWN), crf_rows(network, s, node, ROWS_OF_LATER)};
    crf_sequence sequence = open_sequence(data, first, n);
    isize n_known = 0;
    for (isize t = 0; t < n; t++) {
        real *now = a[t % 2];
        memset(z, 0, (size_t)c->width * sizeof(real));
        memcpy(z, outputs + t * c->n, (size_t)c->n * sizeof(real));
        if (t == 0)
            sequence.log_z = begin_forward(c, z, now);
        else
            step_forward(c, 1, a[1 - t % 2], z, now, &sequence.log_z, 0);
        const isize y = known_tag(data, first, t);
        step_forward_known(c, t, y, known[1 - t % 2], z, known[t % 2], &sequence.score);
        n_known += y >= 0;
    }
    sequence.log_z += log_sum(c->n, a[(n - 1) % 2], 1, c->end);
    sequence.score += log_sum(c->n, known[(n - 1) % 2], 1, c->end);
    for (isize t = 0; t < n; t++)
        losses[t] = known_tag(data, first, t) < 0 ? 0 : loss_of_tags(&sequence) / (double)n_known;
}

/* See node_kind. */
static void crf_row_losses(const rnn_job *job, isize n, const void *outputs, void *row, double *losses)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[network->head];
    const isize *ends = data_of_result(job)->end;
    const slice s = {.arena = job->arenas};
    open_chain(job, &s, node);
    const chain c = chain_of(network, &s, node);
    for (isize sample = 0, at = 0; at < n; at = ends[sample++])
        crf_sequence_losses(job, &s, node, &c, at, ends[sample] - at, (const real *)outputs + at * c.n, row,
                            losses + at);
}

#define crf_kind { \
    .info = {.name = "crf", .rows = ROW_PER_STEP, .has_units = 1, .needs_earlier = 1, .on_demand = 1, .is_output = 1, \
             .of_sequences = 1}, \
    .declare = linear_declare, .shape = head_shape, .work = crf_work, .add_weights = crf_add_weights, .claim = crf_claim, \
    .forward = crf_forward, .backward = crf_backward, .row_losses = crf_row_losses}

#endif
