/* Recurrent dropout and zoneout: noise in the states of a recurrent node in training.
 *
 * Recurrent dropout (Gal and Ghahramani, 2016): U reads h_prev times a mask of zeros and 1 / (1 - rate), the same at all steps of
 * a sequence. A prediction drops nothing.
 *
 * Zoneout (Krueger et al., 2017): after each step, each unit of each state s keeps its previous value with probability `rate`; a
 * prediction takes the mean:
 *
 *     s = m * s_prev + (1 - m) * s_new          m: 0 or 1 in training, `rate` in a prediction
 *
 * The cell itself computes s_new (of which c_new gives h_new), to a place of its own, and backward begins from there.
 */
#ifndef SKLEARN_RNN_REGULARISE_H
#define SKLEARN_RNN_REGULARISE_H

#include "levels/random.h"
#include "nodes/recurrent_plan.h"
#include "run/walk.h"

static inline uint32_t number_of_node(const rnn_job *job, const walk *w) { return (uint32_t)(w->node - job->network->node); }

/* ---- recurrent dropout ---- */

/* Before each segment: the masks of all sequences. */
static void draw_h_masks(const rnn_job *job, const slice *s, walk *w)
{
    const rnn_node *node = w->node;
    const double rate = node->option[RECURRENT_DROPOUT];
    if (rate == 0 || !job->network->training || !job->batch.dropping)
        return;
    real *mask = s->arena + node->h_mask + w->d * job->network->max_rows * node->width;
    w->h_mask = mask;
    w->dropped = s->arena + node->dropped;
    for (isize row = 0; row < s->rows; row++, mask += node->width) {
        mask_row(job, PURPOSE_RECURRENT_DROPOUT, number_of_node(job, w), rate, s->sample[row], 0, w->d * node->units, node->units,
                 0, (real)(1 / (1 - rate)), mask);
        memset(mask + node->units, 0, (size_t)(node->width - node->units) * sizeof(real));
    }
}

/* Whether learned states, which all sequences begin with, reach U through the mask of each. */
static inline int has_masked_initial(const walk *w) { return w->h_mask && w->learns_initial; }

/* to (n, ld_to) = from (n, ld) * masks of rows `first` to first + n; they may be the same */
static void mask_rows(const walk *w, isize first, isize n, const real *from, isize ld, real *to, isize ld_to)
{
    const isize width = w->node->width;
    const real *mask = w->h_mask + first * width;
    for (isize row = 0; row < n; row++, from += ld, to += ld_to, mask += width)
        for (isize j = 0; j < width; j += LANES)
            vstore(to + j, vload(from + j) * vload(mask + j));
}

/* to (n, Hp) += from (n, Hp) * masks */
static void add_masked_rows(const walk *w, isize n, const real *from, real *to)
{
    for (isize j = 0; j < n * w->node->width; j += LANES)
        vstore(to + j, vload(to + j) + vload(from + j) * vload(w->h_mask + j));
}

/* ---- zoneout ---- */

static void begin_zoneout(const rnn_job *job, const slice *s, walk *w)
{
    const rnn_node *node = w->node;
    const double rate = node->option[ZONEOUT];
    if (rate == 0)
        return;
    w->zone = s->arena + node->zone;
    w->zone_is_random = job->network->training && job->batch.dropping;
    for (isize j = 0; j < node->width; j++)
        w->zone[j] = j < node->units ? (real)rate : 0;
}

/* m of state i, for one row of step t */
static const real *zone_of(const rnn_job *job, const slice *s, const walk *w, int i, isize row, isize t)
{
    const rnn_node *node = w->node;
    if (w->zone_is_random)
        mask_row(job, PURPOSE_ZONEOUT, number_of_node(job, w), node->option[ZONEOUT], s->sample[row], t,
                 (i * node->n_directions + w->d) * node->units, node->units, 1, 0, w->zone);
    return w->zone;
}

/* Let the cell write (backward: read) its new states apart. */
static void take_states_apart(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, cell_step *step)
{
    const rnn_node *node = w->node;
    for (int i = 0; i < node->declared.n_states; i++)
        step->state[i].now = s->arena + node->apart[i] + node->out.start[w->d] +
                             (row_at(s, t, job->network->training) + first) * node->out.ld;
}

/* s = m * s_prev + (1 - m) * s_new for each state */
static void zone_forward(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, const cell_step *step)
{
    for (int i = 0; i < w->node->declared.n_states; i++) {
        const cell_state *from = &step->state[i];
        const walk_state *to = &w->state[i];
        real *now = to->rows + (row_at(s, t, to->kept) + first) * to->ld;
        for (isize row = 0; row < step->rows; row++, now += to->ld) {
            const real *m = zone_of(job, s, w, i, first + row, t), *prev = from->prev + row * from->ld_prev,
                       *new = from->now + row * from->ld;
            for (isize j = 0; j < step->width; j += LANES) {
                vec old = vload(prev + j), next = vload(new + j), keep = vload(m + j);
                vstore(now + j, vselect(keep == 1, old, next + keep * (old - next)));
            }
        }
    }
}

/* d_new = (1 - m) * d takes the place of d, to which d_out has been added; m * d waits for the end of the step. */
static void zone_backward(const rnn_job *job, const slice *s, const walk *w, isize t, isize first, cell_step *step)
{
    const isize width = step->width;
    const real *zeros = s->arena + job->network->zeros;
    for (int i = 0; i < w->node->declared.n_states; i++) {
        real *d = step->state[i].d, *d_kept = s->arena + w->node->d_kept[i] + first * width;
        for (isize row = 0; row < step->rows; row++, d += width, d_kept += width) {
            const real *m = zone_of(job, s, w, i, first + row, t), *d_out = i == 0 ? step->d_out + row * step->ld_d_out : zeros;
            for (isize j = 0; j < width; j += LANES) {
                vec whole = vload(d + j) + vload(d_out + j), keep = vload(m + j);
                vstore(d + j, (1 - keep) * whole);
                vstore(d_kept + j, keep * whole);
            }
        }
    }
    step->d_out = zeros;
    step->ld_d_out = 0;
}

/* At the end of a step back: d_prev += m * d, for so many rows. */
static void add_kept_gradients(const slice *s, const walk *w, isize rows)
{
    for (int i = 0; i < w->node->declared.n_states; i++) {
        real *d = w->state[i].d;
        const real *d_kept = s->arena + w->node->d_kept[i];
        for (isize j = 0; j < rows * w->node->width; j += LANES)
            vstore(d + j, vload(d + j) + vload(d_kept + j));
    }
}

#endif
