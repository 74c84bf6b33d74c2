/* Sizes in numbers: whole vectors, rows and panels. */
#ifndef SKLEARN_RNN_SIZES_H
#define SKLEARN_RNN_SIZES_H

#include "interface/isize.h"
#include "levels/vec.h"

/* Vectors of columns in a panel of packed weights, and so in a tile of a product. */
#if VEC_BYTES == 64
enum { PANEL = 4 };     /* 24 accumulators of 32 registers */
#else
enum { PANEL = 2 };     /* 12 of 16 */
#endif

#define PANEL_COLUMNS ((isize)PANEL * LANES)

enum { PIECE = 64 };    /* rows of a gate whose gradients are reduced together */
enum { TABLE_PIECES = 16 };     /* of a table, whose rows are few where they are touched */

static inline isize least(isize a, isize b) { return a < b ? a : b; }
static inline isize most(isize a, isize b) { return a > b ? a : b; }
static inline isize whole_vectors(isize n) { return (n + LANES - 1) / LANES * LANES; }

/* Row length for a number of columns: multiples of 4 KB would map all rows to the same few cache sets. */
static inline isize row_length(isize columns)
{
    return columns * (isize)sizeof(real) % 4096 ? columns : columns + LANES;
}

#endif
