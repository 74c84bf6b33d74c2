/* Gradients of tables of which a minibatch reads few rows, such as those of an embedding; and of rows of the head's weights that an
 * embedding reads.
 *
 * A slice's gradient of a table holds only the rows that its sequences touch: their numbers (codes) in ascending order, and one
 * sum for each. `reduce` and `update` walk through the rows that any slice has touched, in ascending order. The sum of a row over
 * the slices is kept where the first of them has it.
 */
#ifndef SKLEARN_RNN_TOUCHED_H
#define SKLEARN_RNN_TOUCHED_H

#include "interface/job.h"
#include "levels/vec.h"
#include "plan/sizes.h"
#include "weights/turns.h"

/* ---- sets of codes ---- */

static void sift_down(isize *codes, isize i, isize n)
{
    const isize code = codes[i];
    for (isize child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && codes[child + 1] > codes[child];
        if (codes[child] <= code)
            break;
        codes[i] = codes[child];
    }
    codes[i] = code;
}

/* Sort codes (n,) by heapsort (Williams, 1964), which needs no memory and is never slow. */
static void sort_codes(isize n, isize *codes)
{
    for (isize i = n / 2 - 1; i >= 0; i--)
        sift_down(codes, i, n);
    for (isize end = n - 1; end > 0; end--) {
        const isize greatest = codes[0];
        codes[0] = codes[end];
        codes[end] = greatest;
        sift_down(codes, 0, end);
    }
}

/* Sort codes (n,) and keep one of each; returns how many these are. */
static isize distinct_codes(isize n, isize *codes)
{
    isize kept = 0;
    sort_codes(n, codes);
    for (isize i = 0; i < n; i++)
        if (kept == 0 || codes[i] != codes[kept - 1])
            codes[kept++] = codes[i];
    return kept;
}

/* Place of the first of the codes (n,), in ascending order, that is not less than `code`. */
static inline isize place_of(const isize *codes, isize n, isize code)
{
    isize first = 0;
    while (n > 0) {
        const isize half = n / 2;
        if (codes[first + half] < code) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

/* ---- what a slice has touched ---- */

/* Their number, then the codes. */
static inline isize *touched_codes(const rnn_job *job, const rnn_tensor *table, isize slice)
{
    return job->slice_codes + slice * job->network->n_codes + table->codes;
}

/* (most_touched, ld_touched) the gradients of these rows */
static inline real *touched_rows(const rnn_job *job, const rnn_tensor *table, isize slice)
{
    return (real *)job->slice_rows + slice * job->network->touched.size + table->touched;
}

/* ---- what all slices have touched ---- */

/* First row of a piece of a table: pieces are reduced and updated apart. */
static inline isize piece_start(const rnn_tensor *table, isize piece)
{
    return least(table->units, piece * ((table->units + TABLE_PIECES - 1) / TABLE_PIECES));
}

/* Rows that are still to come: of each slice, its next code, the end of its codes, and the gradient of that row. */
typedef struct {
    isize n_slices, ld;
    const isize **code, **end;
    real **row;
} touched_walk;

/* Begin with the rows of the table from `first` to `end`. */
static touched_walk walk_touched(const rnn_job *job, isize worker, const rnn_tensor *table, isize first, isize end)
{
    const void **memory = job->touched_walks + worker * 3 * job->ld_walks;
    touched_walk w = {.n_slices = job->batch.n_places, .ld = table->ld_touched, .code = (const isize **)memory,
                      .end = (const isize **)memory + job->ld_walks, .row = (real **)memory + 2 * job->ld_walks};
    for (isize s = 0; s < w.n_slices; s++) {
        const isize *codes = touched_codes(job, table, s), n = codes[0], from = place_of(codes + 1, n, first);
        w.code[s] = codes + 1 + from;
        w.end[s] = codes + 1 + from + place_of(codes + 1 + from, n - from, end);
        w.row[s] = touched_rows(job, table, s) + from * table->ld_touched;
    }
    return w;
}

/* The next row that a slice has touched, or -1. */
static isize next_touched(const touched_walk *w)
{
    isize next = -1;
    for (isize s = 0; s < w->n_slices; s++)
        if (w->code[s] < w->end[s] && (next < 0 || *w->code[s] < next))
            next = *w->code[s];
    return next;
}

/* Go past that row; returns its sum over the slices. It is computed now, in their order, or was in an earlier walk. */
static real *take_touched(touched_walk *w, isize code, int summed_before)
{
    real *sum = NULL;
    for (isize s = 0; s < w->n_slices; s++) {
        if (w->code[s] == w->end[s] || *w->code[s] != code)
            continue;
        if (!sum)
            sum = w->row[s];
        else
            for (isize j = 0; j < w->ld && !summed_before; j += LANES)
                vstore(sum + j, vload(sum + j) + vload(w->row[s] + j));
        w->code[s]++;
        w->row[s] += w->ld;
    }
    return sum;
}

#endif
