/* Gradients of weights: what a block of rows adds to them. */
#ifndef SKLEARN_RNN_GRADIENTS_H
#define SKLEARN_RNN_GRADIENTS_H

#include "interface/job.h"
#include "levels/vec.h"
#include "plan/sizes.h"
#include "weights/gemm.h"

/* A product with at least this many results is worth a call of BLAS. */
enum { BLAS_RESULTS = 1 << 12 };

/* Whether BLAS computes a product with this many results, summed over a block of rows. This depends only on sizes and the SIMD
 * level: the engine offers BLAS only at the levels where it was measured to be faster. */
static inline int by_blas(const rnn_job *job, isize results) { return job->gemm && results >= BLAS_RESULTS; }

/* One A of a weight gradient, and where A^T d goes (NULL if the weights are frozen). */
typedef struct {
    operand a;
    real *c;
} gradient_operand;

/* C (+)= A^T d for each operand, and db (+)= column sums of d; d (n, columns), C (., columns) with row length ld_c. Each panel
 * of d is copied once, so that the inner loop reads it in order. */
static void weight_gradients(const rnn_job *job, real *panel, isize n, const real *d, isize ld_d, isize columns,
                             int n_operands, const gradient_operand *operands, isize ld_c, real *db, int accumulate)
{
    for (isize column = 0; column < columns; column += PANEL_COLUMNS) {
        const isize width = least(columns - column, PANEL_COLUMNS);
        for (isize j = 0; j < width; j += LANES) {
            vec sum = accumulate ? vload(db + column + j) : vset(0);
            for (isize k = 0; k < n; k++) {
                const vec x = vload(d + k * ld_d + column + j);
                vstore(panel + k * width + j, x);
                sum += x;
            }
            vstore(db + column + j, sum);
        }
        for (int o = 0; o < n_operands; o++) {
            const operand *a = &operands[o].a;
            if (by_blas(job, a->run * columns))
                continue;
            for (int r = 0; r < a->n_runs; r++)
                transposed_product(a->run, width / LANES, n, a->a + a->run_start[r], a->ld_a, panel, accumulate,
                                   operands[o].c + r * a->run * ld_c + column, ld_c);
        }
    }
    for (int o = 0; o < n_operands; o++) {
        const operand *a = &operands[o].a;
        if (!by_blas(job, a->run * columns))
            continue;
        for (int r = 0; r < a->n_runs; r++)
            job->gemm(1, a->run, columns, n, a->a + a->run_start[r], a->ld_a, d, ld_d, accumulate,
                      operands[o].c + r * a->run * ld_c, ld_c);
    }
}

#endif
