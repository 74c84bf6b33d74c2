/* Products with packed weights.
 *
 * B is packed in panels of up to PANEL vectors of columns, each row-major in k, so that the inner loop reads it in order. A tile
 * of C, up to TILE rows by one panel, stays in registers over the whole of k. Sums run over k in one order whatever the
 * number of rows, so the bits of a row do not depend on its neighbours.
 */
#ifndef SKLEARN_RNN_GEMM_H
#define SKLEARN_RNN_GEMM_H

#include "interface/network.h"
#include "levels/vec.h"
#include "plan/sizes.h"

enum { TILE = 6 };
/* One A of a product and its packed B. The columns of A come in runs (gates, directions) of equal length. */
typedef struct {
    const real *a;                      /* IN  (rows, ...) */
    const real *b;                      /* IN  packed panels (n_runs * run, columns) */
    isize ld_a;
    int n_runs;
    isize run;
    const isize *run_start;             /* (n_runs,) where each run begins in a row of A */
} operand;

static const isize AT_ONCE[] = {0};     /* run_start of one run at the beginning */

/* The operand of a product with a source: its columns, and the weights `b`; the rows are still missing. */
static inline operand operand_of(const rnn_stream *out, const real *b)
{
    return (operand){.b = b, .ld_a = out->ld, .n_runs = (int)out->parts, .run = out->units, .run_start = out->start};
}

/* C (M, N vectors) = init + sum over operands of A B, whose rows begin at `row`, whose columns begin at `column`; ld_init 0
 * repeats one row. */
#define TILE_ARGS \
    int n_operands, const operand *operands, isize row, isize column, real *c, isize ld_c, const real *init, isize ld_init

static inline __attribute__((always_inline)) void tile(const int M, const int N, TILE_ARGS)
{
    vec acc[TILE][PANEL];
#pragma GCC unroll 8
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            acc[m][n] = vload(init + m * ld_init + n * LANES);
    for (int o = 0; o < n_operands; o++) {
        const isize ld_a = operands[o].ld_a, run = operands[o].run;
        const real *first = operands[o].a + row * ld_a, *b = operands[o].b + column * operands[o].n_runs * run;
        for (int r = 0; r < operands[o].n_runs; r++) {
            const real *a = first + operands[o].run_start[r];
            for (isize k = 0; k < run; k++, a++, b += N * LANES) {
                vec line[PANEL];
#pragma GCC unroll 4
                for (int n = 0; n < N; n++)
                    line[n] = vload(b + n * LANES);
#pragma GCC unroll 8
                for (int m = 0; m < M; m++)
#pragma GCC unroll 4
                    for (int n = 0; n < N; n++)
                        acc[m][n] += a[m * ld_a] * line[n];
            }
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            vstore(c + m * ld_c + n * LANES, acc[m][n]);
}

/* C (M, N vectors) = init + A^T B, with A (k, M) from column `row` on and B (k, N vectors) contiguous. */
static inline __attribute__((always_inline)) void transposed_tile(const int M, const int N, TILE_ARGS)
{
    const real *a = operands->a + row, *b = operands->b;
    const isize ld_a = operands->ld_a;
    (void)n_operands;
    (void)column;
    vec acc[TILE][PANEL];
#pragma GCC unroll 8
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            acc[m][n] = vload(init + m * ld_init + n * LANES);
    for (isize k = operands->run; k > 0; k--, a += ld_a, b += N * LANES) {
        vec line[PANEL];
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            line[n] = vload(b + n * LANES);
#pragma GCC unroll 8
        for (int m = 0; m < M; m++)
#pragma GCC unroll 4
            for (int n = 0; n < N; n++)
                acc[m][n] += a[m] * line[n];
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; m++)
#pragma GCC unroll 4
        for (int n = 0; n < N; n++)
            vstore(c + m * ld_c + n * LANES, acc[m][n]);
}

typedef void (*tile_function)(TILE_ARGS);

#define DEFINE_TILE(kind, M, N) \
    static void kind##_##M##x##N(TILE_ARGS) { kind(M, N, n_operands, operands, row, column, c, ld_c, init, ld_init); }
#define DEFINE_TILES(kind, N) \
    DEFINE_TILE(kind, 1, N) DEFINE_TILE(kind, 2, N) DEFINE_TILE(kind, 3, N) \
    DEFINE_TILE(kind, 4, N) DEFINE_TILE(kind, 5, N) DEFINE_TILE(kind, 6, N)
#define TILE_ROW(kind, N) {kind##_1x##N, kind##_2x##N, kind##_3x##N, kind##_4x##N, kind##_5x##N, kind##_6x##N}

DEFINE_TILES(tile, 1) DEFINE_TILES(tile, 2)
DEFINE_TILES(transposed_tile, 1) DEFINE_TILES(transposed_tile, 2)
#if VEC_BYTES == 64
DEFINE_TILES(tile, 3) DEFINE_TILES(tile, 4)
DEFINE_TILES(transposed_tile, 3) DEFINE_TILES(transposed_tile, 4)
#endif

/* [vectors - 1][rows - 1] */
static const tile_function tiles[PANEL][TILE] = {
    TILE_ROW(tile, 1), TILE_ROW(tile, 2),
#if VEC_BYTES == 64
    TILE_ROW(tile, 3), TILE_ROW(tile, 4),
#endif
};
static const tile_function transposed_tiles[PANEL][TILE] = {
    TILE_ROW(transposed_tile, 1), TILE_ROW(transposed_tile, 2),
#if VEC_BYTES == 64
    TILE_ROW(transposed_tile, 3), TILE_ROW(transposed_tile, 4),
#endif
};

static const real zero_row[PANEL * LANES];

/* Rows of the next tile when `rows` are left: as few tiles as possible, of equal size (7 = 4 + 3, not 6 + 1). */
static inline isize tile_rows(isize rows)
{
    isize n_tiles = (rows + TILE - 1) / TILE;
    return (rows + n_tiles - 1) / n_tiles;
}

/* C (rows, columns) = init + sum of A B; init NULL: zero; columns a multiple of LANES. */
static void product(isize rows, isize columns, int n_operands, const operand *operands, real *c, isize ld_c,
                    const real *init, isize ld_init)
{
    for (isize column = 0; column < columns; column += PANEL_COLUMNS) {
        isize vectors = least(columns - column, PANEL_COLUMNS) / LANES, m;
        for (isize row = 0; row < rows; row += m) {
            m = tile_rows(rows - row);
            tiles[vectors - 1][m - 1](n_operands, operands, row, column, c + row * ld_c + column, ld_c,
                                      init ? init + row * ld_init + column : zero_row, init ? ld_init : 0);
        }
    }
}

/* C (m, vectors) (+)= A^T B, with A (k, m) and B (k, vectors) a contiguous panel. */
static void transposed_product(isize m, isize vectors, isize k, const real *a, isize ld_a, const real *b, int accumulate,
                               real *c, isize ld_c)
{
    const operand whole = {.a = a, .b = b, .ld_a = ld_a, .n_runs = 1, .run = k, .run_start = AT_ONCE};
    isize n;
    for (isize row = 0; row < m; row += n) {
        n = tile_rows(m - row);
        real *to = c + row * ld_c;
        transposed_tiles[vectors - 1][n - 1](1, &whole, row, 0, to, ld_c, accumulate ? to : zero_row, accumulate ? ld_c : 0);
    }
}

#endif
