/* Vector operations, written once for every instruction set with the vector extensions of GCC and Clang.
 *
 * All loads and stores are unaligned. Every function is elementwise, so a result never depends on its place in a vector.
 */
#ifndef SKLEARN_RNN_VEC_H
#define SKLEARN_RNN_VEC_H

#include <stdint.h>

#include "interface/isize.h"
#include "levels/real.h"

#if REAL_BITS == 32
typedef int32_t lane_int;
enum { MANTISSA_BITS = 23, BIAS = 127 };
#else
typedef int64_t lane_int;
enum { MANTISSA_BITS = 52, BIAS = 1023 };
#endif

#define LANES ((isize)(VEC_BYTES / sizeof(real)))

typedef real vec __attribute__((vector_size(VEC_BYTES)));
typedef real vec_unaligned __attribute__((vector_size(VEC_BYTES), aligned(sizeof(real)), may_alias));
typedef lane_int ivec __attribute__((vector_size(VEC_BYTES)));

static inline vec vload(const real *p) { return *(const vec_unaligned *)p; }
static inline void vstore(real *p, vec x) { *(vec_unaligned *)p = x; }
static inline vec vset(real x) { return x - (vec){0}; }                 /* x - 0, not x + 0: keeps -0 */

/* mask ? a : b; each lane of the mask is all ones or all zeros, as comparisons return it */
static inline vec vselect(ivec mask, vec a, vec b) { return (vec)((mask & (ivec)a) | (~mask & (ivec)b)); }

/* min(max(x, lo), hi); NaN stays NaN. Clang turns two selects into min and max; GCC does not: tanh was 20 to 35 % slower. */
#if defined(__x86_64__) && !defined(__clang__)
/* The builtins behind _mm_min_ps and the like, because their header takes as long to compile as all of ours. */
#define VEC_OP_16_32(op) __builtin_ia32_##op##ps
#define VEC_OP_16_64(op) __builtin_ia32_##op##pd
#define VEC_OP_32_32(op) __builtin_ia32_##op##ps256
#define VEC_OP_32_64(op) __builtin_ia32_##op##pd256
#ifndef __has_builtin
#define __has_builtin(name) 0
#endif
#if VEC_BYTES == 64 && __has_builtin(__builtin_ia32_minps512_mask) && __has_builtin(__builtin_ia32_minpd512_mask)
#define VEC_512(name, a, b) __builtin_ia32_##name##512_mask(a, b, a, -1, 4)      /* in all lanes, rounding as usual */
#define VEC_512_minps(a, b) VEC_512(minps, a, b)
#define VEC_512_maxps(a, b) VEC_512(maxps, a, b)
#define VEC_512_minpd(a, b) VEC_512(minpd, a, b)
#define VEC_512_maxpd(a, b) VEC_512(maxpd, a, b)
#define VEC_OP_64_32(op) VEC_512_##op##ps
#define VEC_OP_64_64(op) VEC_512_##op##pd
#elif VEC_BYTES == 64
#include <immintrin.h>
#define VEC_OP_64_32(op) _mm512_##op##_ps
#define VEC_OP_64_64(op) _mm512_##op##_pd
#endif
#define VEC_OP_(op, bytes, bits) VEC_OP_##bytes##_##bits(op)
#define VEC_OP(op, bytes, bits) VEC_OP_(op, bytes, bits)
static inline vec vclamp(vec x, real lo, real hi)
{
    return VEC_OP(max, VEC_BYTES, REAL_BITS)(vset(lo), VEC_OP(min, VEC_BYTES, REAL_BITS)(vset(hi), x));
}
#else
static inline vec vclamp(vec x, real lo, real hi)
{
    x = vselect(x < lo, vset(lo), x);
    return vselect(x > hi, vset(hi), x);
}
#endif

static inline real square_root(real x)
{
    return REAL_BITS == 32 ? (real)__builtin_sqrtf((float)x) : (real)__builtin_sqrt((double)x);
}

static inline vec vsqrt(vec x)
{
    real lane[LANES];
    vstore(lane, x);
    for (isize i = 0; i < LANES; i++)
        lane[i] = square_root(lane[i]);
    return vload(lane);
}

/* All ones in the first n lanes, zeros in the others */
static inline ivec first_lanes(isize n)
{
    ivec number;
    for (isize i = 0; i < LANES; i++)
        number[i] = (lane_int)i;
    return number < (lane_int)n;
}

/* The first n numbers, then zeros; nothing behind them is read. */
static inline vec vload_first(const real *p, isize n)
{
    real lane[LANES] = {0};
    for (isize i = 0; i < n; i++)
        lane[i] = p[i];
    return vload(lane);
}

/* Half a vector and less, for sums of all lanes. */
typedef real vec_16 __attribute__((vector_size(16)));
#if VEC_BYTES >= 32
typedef real vec_32 __attribute__((vector_size(32)));
#endif

/* The sum of all lanes, in one order: the upper half is added to the lower one until one lane is left. */
static inline real vsum(vec x)
{
#if VEC_BYTES == 64
    const union { vec whole; vec_32 half[2]; } all = {x};
    const union { vec_32 whole; vec_16 half[2]; } rest = {all.half[0] + all.half[1]};
    const vec_16 last = rest.half[0] + rest.half[1];
#elif VEC_BYTES == 32
    const union { vec whole; vec_16 half[2]; } all = {x};
    const vec_16 last = all.half[0] + all.half[1];
#else
    const vec_16 last = x;
#endif
#if REAL_BITS == 32
    return (last[0] + last[2]) + (last[1] + last[3]);
#else
    return last[0] + last[1];
#endif
}

/* exp, sigmoid and tanh share one reduction, x = n ln2 + r, and one function of y = r / 2, |y| <= ln2 / 4:
 *
 *     q = y coth y,    e^x = 2^n e^r = 2^n (q + y) / (q - y)
 *
 * q is even and nearly 1. It takes 2 coefficients in float32 and 5 in float64, where e^r takes 6 and 11, and the division is the
 * one that sigmoid and tanh need anyway. There are no tables, branches or selects: arguments are clamped to where 2^n is 0 or
 * infinity, or tanh is 1. Sigmoid and tanh subtract n ln2 as one product, a tenth faster than as two; its rounding error changes
 * the result no more than a change of x by an ULP would.
 *
 * A rational tanh in float32 (degrees 9 / 8) made an LSTM step's activations 3 % faster, but was off by 5.5 ULP.
 */
static const real LOG2E = (real)1.4426950408889634074, LN2 = (real)0.69314718055994530942;
/* ln2 in two parts; n times the first is exact */
static const real LN2_HIGH = (real)(REAL_BITS == 32 ? 0.693145751953125 : 0.693147180369123816490),
                  LN2_LOW = (real)(REAL_BITS == 32 ? 1.42860682030941723212e-6 : 1.90821492927058770002e-10);

/* The bits of x + ROUND end in the integer nearest to x; */
static const real ROUND = (real)((lane_int)3 << (MANTISSA_BITS - 1));
/* from the bits of n + BIAS + ROUND this makes 2^n, from 0 (n = -BIAS) to infinity (n = BIAS + 1). */
static inline vec power_of_two(ivec bits) { return (vec)(bits << MANTISSA_BITS); }

/* (v coth(v / k) - k) / z as a polynomial in z = v^2; k is a power of two that the compiler sees.
 *
 * c fits (y coth y - 1) / y^2 on |y| <= ln2 / 4, minimax for the relative error of y coth y (which is also that of tanh y), below
 * 2.2e-9 in float32 and 8.5e-19 in float64: benchmarks/fit_coefficients.py. */
static inline vec coth_polynomial(vec z, real k)
{
#if REAL_BITS == 32
    static const real c[] = {0.3333325168f, -0.0221341112f};
#else
    static const real c[] = {0.33333333333333204702, -0.022222222221614078316, 0.0021164020230443974199,
                             -0.00021163395608274825594, 0.000021187373008337181321};
#endif
    enum { LAST = sizeof c / sizeof *c - 1 };
    real scale = 1 / k;
    for (int i = 0; i < LAST; i++)
        scale /= k * k;
    vec p = vset(c[LAST] * scale);
    for (int i = LAST - 1; i >= 0; i--)
        p = p * z + c[i] * (scale *= k * k);
    return p;
}

/* exp(x), with gradual underflow unless the processor flushes subnormals */
static inline vec vexp(vec x)
{
    x = vclamp(x, -(BIAS + MANTISSA_BITS + 1) * LN2, (BIAS + 2) * LN2);
    vec shifted = x * LOG2E + (ROUND + 2 * BIAS), n = shifted - (ROUND + 2 * BIAS);
    vec r = (x - n * LN2_HIGH) - n * LN2_LOW, z = r * r, q = z * coth_polynomial(z, 2) + 2;
    /* 2^n in two factors: 2^n e^r may be finite where 2^n overflows */
    vec half = x * (LOG2E / 2) + (ROUND + BIAS);
    vec s1 = power_of_two((ivec)half), s2 = power_of_two((ivec)shifted - (ivec)half);
    /* e^r = 1 + 2 r / (q - r) */
    vec w = (r + r) / (q - r);
    return (s1 + s1 * w) * s2;
}

/* 1 / (1 + exp(-x)); 0 below the smallest normal number */
static inline vec vsigmoid(vec x)
{
    x = vclamp(x, -(BIAS + 1) * LN2, BIAS * LN2);
    /* -x = n ln2 + r,  s = 2^n */
    vec shifted = x * -LOG2E + (ROUND + BIAS), n = shifted - (ROUND + BIAS), s = power_of_two((ivec)shifted);
    vec r = n * -LN2 - x, z = r * r, q = z * coth_polynomial(z, 2) + 2;
    /* (q - r) / (q - r + s (q + r)) */
    return (q - r) / ((q - r) + s * (q + r));
}

/* tanh(x), odd to the last bit, never beyond 1 */
static inline vec vtanh(vec x)
{
    const real one = (MANTISSA_BITS + 3) * (LN2 / 2);
    x = vclamp(x, -one, one);
    /* 2 x = n ln2 + 2 y,  s = 2^n */
    vec shifted = x * (2 * LOG2E) + (ROUND + BIAS), n = shifted - (ROUND + BIAS), s = power_of_two((ivec)shifted);
    vec y = x - n * (LN2 / 2), z = y * y, g = z * coth_polynomial(z, 1);
    /* ((s - 1) q + (s + 1) y) / ((s + 1) q + (s - 1) y), q = 1 + g; the large terms last, to round once */
    vec p = s + 1, m = 1 - s, pg = p * g, mg = m * g;
    return ((p * y - mg) - m) / ((pg - m * y) + p);
}

/* log(x) for x >= 0: -infinity below the smallest normal number
 *
 *     x = 2^n m, 1/sqrt(2) <= m < sqrt(2),  s = (m - 1) / (m + 1),  log m = 2 (s + s^3/3 + s^5/5 + ...)
 */
static inline vec vlog(vec x)
{
#if REAL_BITS == 32
    static const real c[] = {1 / 3.0f, 1 / 5.0f, 1 / 7.0f, 1 / 9.0f};
    const lane_int sqrt_half = 0x3f3504f3;
#else
    static const real c[] = {1 / 3.0, 1 / 5.0, 1 / 7.0, 1 / 9.0, 1 / 11.0, 1 / 13.0, 1 / 15.0, 1 / 17.0, 1 / 19.0, 1 / 21.0};
    const lane_int sqrt_half = 0x3fe6a09e667f3bcd;
#endif
    enum { LAST = sizeof c / sizeof *c - 1 };
    const real least = (real)(REAL_BITS == 32 ? 0x1p-126 : 0x1p-1022),
               greatest = (real)(REAL_BITS == 32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023);
    const ivec n = ((ivec)x - sqrt_half) >> MANTISSA_BITS;
    const vec m = (vec)((ivec)x - (n << MANTISSA_BITS)), s = (m - 1) / (m + 1), z = s * s;
    vec p = vset(c[LAST]), exponent;
    for (int i = LAST - 1; i >= 0; i--)
        p = p * z + c[i];
    exponent = __builtin_convertvector(n, vec);
    const vec log = exponent * LN2_HIGH + ((s + s) + ((s + s) * (z * p) + exponent * LN2_LOW));
    return vselect(x < least, vset(-(real)__builtin_inf()), vselect(x <= greatest, log, x));
}

#endif
