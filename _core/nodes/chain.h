/* Linear chains: sums over all sequences of tags, and the best of them, by dynamic programming. A sequence y has the score
 *
 *     start[y_0] + sum over t of z_t[y_t] + sum over t > 0 of T[y_t-1][y_t] + end[y_last]
 *
 * and probability exp(score) / sum of exp(score) over all sequences (Lafferty, McCallum and Pereira, 2001). The recursions of
 * forward and backward keep logarithms, a row per sequence, each relative to its greatest number, so that no length of sequences
 * overflows or loses digits:
 *
 *     a_t = log(exp(a_t-1) E) + z_t,    b_t = log(E exp(z_t+1 + b_t+1)),    E = exp(T - greatest of T)
 *
 * No E is above 1, so a sum is exact unless it is tiny; then it is computed again from logarithms, one by one. What is not
 * allowed has the score -infinity, and so has padding. A row's bits depend on nothing but the row.
 */
#ifndef SKLEARN_RNN_CHAIN_H
#define SKLEARN_RNN_CHAIN_H

#include <math.h>
#include <string.h>

#include "interface/job.h"
#include "levels/vec.h"
#include "plan/sizes.h"
#include "weights/gemm.h"

/* Sums below this may have lost digits: numbers of less than 1e-38 (1e-308) count as 0. */
static const real LEAST_SUM = (real)(REAL_BITS == 32 ? 1e-28 : 1e-290);

typedef struct {
    isize n, width;             /* tags; padded */
    real *scores;               /* (n, width) T: from row to column */
    real *start, *end;          /* (width,) */
    real *forward, *backward;   /* panels (n, width) of E, and of its transpose */
    real greatest;              /* of T */
    real *powers, *sums;        /* (max_rows, width) scratch */
} chain;

/* ---- the tables ---- */

static inline int is_allowed(const unsigned char *allowed, isize n, isize from, isize to)
{
    return !allowed || allowed[from * (n + 1) + to];
}

/* Panels of exp(T - greatest) or its transpose, as pack.h makes them. */
static void pack_powers(const chain *c, int transposed, real *packed)
{
    for (isize column = 0; column < c->width; column += PANEL_COLUMNS) {
        const isize width = least(PANEL_COLUMNS, c->width - column);
        real *panel = packed + column * c->n;
        for (isize i = 0; i < c->n; i++)
            for (isize j = 0; j < width; j++) {
                const isize from = transposed ? column + j : i, to = transposed ? i : column + j;
                panel[i * width + j] = column + j < c->n ? c->scores[from * c->width + to] - c->greatest : -(real)INFINITY;
            }
        for (isize i = 0; i < c->n * width; i += LANES)
            vstore(panel + i, vexp(vload(panel + i)));
    }
}

/* Fill the tables from T (n, n), start and end (n,). `allowed` (n + 1, n + 1) or NULL: whether a tag may follow another one; the
 * last row is for the start, the last column for the end. */
static void fill_chain(chain *c, const real *transitions, const real *start, const real *end, const unsigned char *allowed)
{
    const real never = -(real)INFINITY;
    c->greatest = never;
    for (isize i = 0; i < c->n; i++)
        for (isize j = 0; j < c->width; j++) {
            const real score = j < c->n && is_allowed(allowed, c->n, i, j) ? transitions[i * c->n + j] : never;
            c->scores[i * c->width + j] = score;
            c->greatest = score > c->greatest ? score : c->greatest;
        }
    if (!(c->greatest > never))
        c->greatest = 0;
    for (isize j = 0; j < c->width; j++) {
        c->start[j] = j < c->n && is_allowed(allowed, c->n, c->n, j) ? start[j] : never;
        c->end[j] = j < c->n && is_allowed(allowed, c->n, j, c->n) ? end[j] : never;
    }
    pack_powers(c, 0, c->forward);
    pack_powers(c, 1, c->backward);
}

/* ---- rows of logarithms ---- */

static inline real row_greatest(isize width, const real *a)
{
    real lane[LANES];
    vec greatest = vload(a);
    for (isize j = LANES; j < width; j += LANES) {
        const vec x = vload(a + j);
        greatest = vselect(x > greatest, x, greatest);
    }
    vstore(lane, greatest);
    for (isize i = 1; i < LANES; i++)
        lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    return lane[0];
}

/* Make a row relative to its greatest number, which is returned. If all are -infinity, they stay. */
static inline real make_relative(isize width, real *a)
{
    const real greatest = row_greatest(width, a);
    if (greatest > -(real)INFINITY)
        for (isize j = 0; j < width; j += LANES)
            vstore(a + j, vload(a + j) - greatest);
    return greatest;
}

/* log(sum over k of exp(x[stride k] + y[k])), in double */
static double log_sum(isize n, const real *x, isize stride, const real *y)
{
    double greatest = -INFINITY, sum = 0;
    for (isize k = 0; k < n; k++)
        greatest = fmax(greatest, (double)x[k * stride] + (double)y[k]);
    if (greatest == -INFINITY)
        return greatest;
    for (isize k = 0; k < n; k++)
        sum += exp((double)x[k * stride] + (double)y[k] - greatest);
    return greatest + log(sum);
}

/* to (width,) = log(sums), where tiny sums are those of T and the logarithms `from` (n,): of a column j for the way forward, of a
 * row for the way back */
static inline void log_of_sums(const chain *c, const real *sums, const real *from, int back, real *to)
{
    for (isize j = 0; j < c->width; j += LANES)
        vstore(to + j, vlog(vload(sums + j)));
    for (isize j = 0; j < c->n; j++)
        if (sums[j] < LEAST_SUM)
            to[j] = (real)(log_sum(c->n, c->scores + (back ? j * c->width : j), back ? 1 : c->width, from) - (double)c->greatest);
}

/* ---- forward ---- */

/* a (width,) = start + z; returns what it is relative to */
static inline double begin_forward(const chain *c, const real *z, real *a)
{
    for (isize j = 0; j < c->width; j += LANES)
        vstore(a + j, vload(c->start + j) + vload(z + j));
    return (double)make_relative(c->width, a);
}

/* a (rows, width) = log(exp(before) E) + z, another array than `before`; adds what each row is relative to, unless NULL, to
 * log_scale[stride i] */
static void step_forward(const chain *c, isize rows, const real *before, const real *z, real *a, double *log_scale, isize stride)
{
    const operand powers = {.a = c->powers, .b = c->forward, .ld_a = c->width, .n_runs = 1, .run = c->n, .run_start = AT_ONCE};
    for (isize j = 0; j < rows * c->width; j += LANES)
        vstore(c->powers + j, vexp(vload(before + j)));
    product(rows, c->width, 1, &powers, c->sums, c->width, NULL, 0);
    for (isize i = 0; i < rows; i++, before += c->width, z += c->width, a += c->width) {
        log_of_sums(c, c->sums + i * c->width, before, 0, a);
        for (isize j = 0; j < c->width; j += LANES)
            vstore(a + j, vload(a + j) + vload(z + j));
        const real scale = make_relative(c->width, a);
        if (log_scale)
            log_scale[stride * i] += (double)scale + (double)c->greatest;
    }
}

/* Keep only one tag of a row; returns what the row is relative to. */
static inline double keep_tag(const chain *c, isize tag, real *a)
{
    const double kept = (double)a[tag];
    for (isize j = 0; j < c->width; j++)
        a[j] = -(real)INFINITY;
    a[tag] = 0;
    return kept;
}

/* ---- backward ---- */

/* later (rows, width) = z + b, relative to the greatest of each row, and v = exp of that */
static inline void begin_step_back(const chain *c, isize rows, const real *z, const real *b, real *later, real *v)
{
    for (isize i = 0; i < rows; i++, z += c->width, b += c->width, later += c->width, v += c->width) {
        for (isize j = 0; j < c->width; j += LANES)
            vstore(later + j, vload(z + j) + vload(b + j));
        make_relative(c->width, later);
        for (isize j = 0; j < c->width; j += LANES)
            vstore(v + j, vexp(vload(later + j)));
    }
}

/* b (rows, width), of the step before, = log(E v); leaves E v in `sums` */
static void step_back(const chain *c, isize rows, const real *later, const real *v, real *b)
{
    const operand powers = {.a = v, .b = c->backward, .ld_a = c->width, .n_runs = 1, .run = c->n, .run_start = AT_ONCE};
    product(rows, c->width, 1, &powers, c->sums, c->width, NULL, 0);
    for (isize i = 0; i < rows; i++, later += c->width, b += c->width) {
        log_of_sums(c, c->sums + i * c->width, later, 1, b);
        make_relative(c->width, b);
    }
}

/* p (width,) = factor exp(a + b) / sum of that; p may be a or b */
static inline void marginals(const chain *c, const real *a, const real *b, real factor, real *p)
{
    vec sum = vset(0);
    for (isize j = 0; j < c->width; j += LANES)
        vstore(p + j, vload(a + j) + vload(b + j));
    make_relative(c->width, p);
    for (isize j = 0; j < c->width; j += LANES) {
        const vec power = vexp(vload(p + j));
        sum += power;
        vstore(p + j, power);
    }
    factor /= vsum(sum);
    for (isize j = 0; j < c->width; j += LANES)
        vstore(p + j, vload(p + j) * factor);
}

/* p (width,) = log of the same, with factor 1 */
static inline void log_marginals(const chain *c, const real *a, const real *b, real *p)
{
    const real log_of_sum = (real)log_sum(c->n, a, 1, b);
    for (isize j = 0; j < c->width; j += LANES)
        vstore(p + j, vload(a + j) + vload(b + j) - log_of_sum);
}

/* The marginals of pairs of tags at two steps are u_i E_ij v_j, with u = exp(a) of the first step, and v = exp(later) of the
 * second one divided by sum over i of u_i (E v)_i. This makes u, and multiplies v by factor / that sum. If the sum is tiny, it
 * adds the marginals to `pairs` (n, width), to the second tag from the first one, and clears v. */
static void pair_marginals(const chain *c, const real *a, const real *later, const real *sums, real factor, real *u, real *v,
                           real *pairs)
{
    vec total = vset(0);
    for (isize j = 0; j < c->width; j += LANES) {
        const vec power = vexp(vload(a + j));
        vstore(u + j, power);
        total += power * vload(sums + j);
    }
    const real sum = vsum(total);
    const int is_tiny = sum < LEAST_SUM;
    const vec share = vset(is_tiny ? 0 : factor / sum);
    for (isize j = 0; j < c->width; j += LANES)
        vstore(v + j, vload(v + j) * share);
    if (!is_tiny)
        return;
    double greatest = -INFINITY, all = 0;
    for (isize i = 0; i < c->n; i++)
        for (isize j = 0; j < c->n; j++)
            greatest = fmax(greatest, (double)a[i] + (double)c->scores[i * c->width + j] + (double)later[j]);
    if (greatest == -INFINITY)
        return;
    for (isize i = 0; i < c->n; i++)
        all += exp((double)a[i] + log_sum(c->n, c->scores + i * c->width, 1, later) - greatest);
    for (isize i = 0; i < c->n; i++)
        for (isize j = 0; j < c->n; j++) {
            const double score = (double)a[i] + (double)c->scores[i * c->width + j] + (double)later[j];
            pairs[j * c->width + i] += factor * (real)(exp(score - greatest) / all);
        }
}

/* ---- the best sequence of tags (Viterbi, 1967) ---- */

static inline int is_finite_row(isize width, const real *z)
{
    vec zeros = vset(0);
    for (isize j = 0; j < width; j += LANES)
        zeros += vload(z + j) * 0;
    return vsum(zeros) == 0;
}

typedef lane_int tag_number __attribute__((may_alias));

/* best (width,) = max over i of before_i + T_ij, plus z, relative to its greatest number; from (width,) = the first i that has
 * the maximum */
static inline void step_best(const chain *c, const real *before, const real *z, real *best, tag_number *from)
{
    for (isize j = 0; j < c->width; j += LANES) {
        vec most_so_far = vset(before[0]) + vload(c->scores + j);
        ivec tag = {0};
        for (isize i = 1; i < c->n; i++) {
            const vec score = before[i] + vload(c->scores + i * c->width + j);
            const ivec wins = score > most_so_far;
            most_so_far = vselect(wins, score, most_so_far);
            tag = (wins & (lane_int)i) | (~wins & tag);
        }
        vstore(best + j, most_so_far + vload(z + j));
        memcpy(from + j, &tag, sizeof tag);
    }
    make_relative(c->width, best);
}

/* The first tag with the greatest a + end. */
static inline isize best_last(const chain *c, const real *a)
{
    isize best = 0;
    for (isize j = 1; j < c->n; j++)
        if (a[j] + c->end[j] > a[best] + c->end[best])
            best = j;
    return best;
}

#endif
