/* Vector words: one text for every instruction set, on GCC/Clang vector extensions.
 *
 * Includer defines:  real       float or double
 *                    REAL_BITS  32 or 64
 *                    VEC_BYTES  16, 32 or 64
 *
 * All loads and stores are unaligned. Every function is elementwise, so a result never depends on its place in a vector.
 */
#ifndef SKLEARN_RNN_VEC_H
#define SKLEARN_RNN_VEC_H

#include <stdint.h>

#if REAL_BITS == 32
typedef int32_t lane_int;
#else
typedef int64_t lane_int;
#endif

#define LANES ((isize)(VEC_BYTES / sizeof(real)))

typedef real vec __attribute__((vector_size(VEC_BYTES)));
typedef real vec_unaligned __attribute__((vector_size(VEC_BYTES), aligned(sizeof(real)), may_alias));
typedef lane_int ivec __attribute__((vector_size(VEC_BYTES)));

static inline vec vload(const real *p) { return *(const vec_unaligned *)p; }
static inline void vstore(real *p, vec x) { *(vec_unaligned *)p = x; }
static inline vec vset(real x) { return x - (vec){0}; }                 /* x - 0, not x + 0: keeps -0 */

/* mask ? a : b, mask lanes all ones or all zeros, as comparisons give them */
static inline vec vselect(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }

/* exp(x): 0 below the smallest normal number, infinity above the largest; NaN stays NaN. */
static inline vec vexp(vec x)
{
#if REAL_BITS == 32
    const real hi = 88.72284f, lo = -87.336544f, log2e = 1.44269504f, ln2_hi = 0.693145751953125f, ln2_lo = 1.42860677e-6f;
    const real magic = 12582912.0f; const int mantissa = 23;
    static const real c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
#else
    const real hi = 709.782712893384, lo = -708.3964185322641, log2e = 1.4426950408889634, ln2_hi = 0.6931471803691238,
               ln2_lo = 1.9082149292705877e-10;
    const real magic = 6755399441055744.0; const int mantissa = 52;
    static const real c[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                             1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0};
#endif
    vec shifted = x * log2e + magic, n = shifted - magic, r = (x - n * ln2_hi) - n * ln2_lo;
    vec p = vset(c[0]);
    for (unsigned i = 1; i < sizeof c / sizeof *c; i++) p = p * r + c[i];
    vec y = (vec)((ivec)p + ((ivec)shifted << mantissa));               /* p * 2^n, by the exponent's bits */
    y = vselect(x > hi, vset((real)__builtin_inf()), y);
    y = vselect(x < lo, vset(0), y);
    return vselect(x == x, y, x);
}

/* 1 / (1 + exp(-x)) */
static inline vec vsigmoid(vec x) { return 1 / (1 + vexp(-x)); }

/* tanh(x) */
static inline vec vtanh(vec x)
{
    return 1 - 2 / (1 + vexp(2 * x));
}

#endif
