/* A region of memory, from which the plan claims one array after another. */
#ifndef SKLEARN_RNN_REGION_H
#define SKLEARN_RNN_REGION_H

#include <stddef.h>

#include "interface/network.h"
#include "levels/real.h"
#include "plan/sizes.h"

/* The most numbers whose bytes can still be counted, with some room for rounding up. */
static const isize LARGEST_REGION = (isize)1 << 59;

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>

/* Numbers in a gap; bytes up to which NumPy would not free memory but reuse it, with the poisoned gaps. */
enum { GAP = 64, REUSED_BYTES = 1024 };

static isize add_gap(rnn_region *region, isize first, isize end)
{
    if (region->n_gaps == MAX_GAPS)
        return end;
    region->gap[region->n_gaps].first = first;
    region->gap[region->n_gaps++].end = end + GAP;
    return end + GAP;
}

/* memory (copies, region's size) */
static void poison_gaps(const rnn_region *region, isize copies, void *memory)
{
    for (isize copy = 0; copy < copies && copies * region->size * (isize)sizeof(real) > REUSED_BYTES; copy++)
        for (int i = 0; i < region->n_gaps; i++) {
            real *first = (real *)memory + copy * region->size + region->gap[i].first;
            ASAN_POISON_MEMORY_REGION(first, (size_t)(region->gap[i].end - region->gap[i].first) * sizeof(real));
        }
}
#else
static isize add_gap(rnn_region *region, isize first, isize end) { (void)region; (void)first; return end; }
static void poison_gaps(const rnn_region *region, isize copies, void *memory) { (void)region; (void)copies; (void)memory; }
#endif

/* at + rows * columns, or -1 if that is too large or `at` is -1 */
static isize end_of(isize at, isize rows, isize columns)
{
    isize size, end;
    const int fits = at >= 0 && !__builtin_mul_overflow(rows, columns, &size) && !__builtin_add_overflow(at, size, &end);
    return fits && end <= LARGEST_REGION ? end : -1;
}

/* a * b, or more than any region holds if that is too large */
static isize times(isize a, isize b)
{
    isize product;
    return __builtin_mul_overflow(a, b, &product) || product > LARGEST_REGION ? LARGEST_REGION + 1 : product;
}

/* Take (rows, columns) from a region; returns their position. After an overflow the region's size stays -1. */
static isize claim(rnn_region *region, isize rows, isize columns)
{
    const isize at = region->size, end = end_of(at, rows, columns);
    region->size = end < 0 ? -1 : add_gap(region, end, whole_vectors(end + 1));
    return end < 0 ? 0 : at;
}

#endif
