/* Random numbers by counter: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011).
 *
 * A number is a function of (seed, purpose, layer, update, sample, step, unit) alone, so a dropout mask, or noise, is the same
 * for any slice, thread or order of the batch, is never stored, and can be drawn again.
 */
#ifndef SKLEARN_RNN_RANDOM_H
#define SKLEARN_RNN_RANDOM_H

#include <stdint.h>

#include "interface/job.h"
#include "levels/vec.h"
#include "plan/sizes.h"

enum { DRAW = 64 };     /* numbers drawn at a time: 16 counters of 4 words */

/* Fill words[64] for the counters (block * 16 + 0..15, step, sample, update) under the key (seed, layer). */
static inline void philox_draw(uint32_t *restrict words, uint32_t block, uint32_t step, uint32_t sample, uint32_t update,
                               uint64_t seed, uint32_t layer)
{
    uint32_t a[16], b[16], c[16], d[16];
    uint32_t key_0 = (uint32_t)seed ^ (layer * 0x9E3779B9u), key_1 = (uint32_t)(seed >> 32) + layer;
    for (int i = 0; i < 16; i++) {
        a[i] = block * 16 + (uint32_t)i;
        b[i] = step;
        c[i] = sample;
        d[i] = update;
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 16; i++) {
            uint64_t p = (uint64_t)a[i] * 0xD2511F53u, q = (uint64_t)c[i] * 0xCD9E8D57u;
            uint32_t a_next = (uint32_t)(q >> 32) ^ b[i] ^ key_0, c_next = (uint32_t)(p >> 32) ^ d[i] ^ key_1;
            b[i] = (uint32_t)q;
            d[i] = (uint32_t)p;
            a[i] = a_next;
            c[i] = c_next;
        }
        key_0 += 0x9E3779B9u;
        key_1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 16; i++) {
        words[i] = a[i];
        words[16 + i] = b[i];
        words[32 + i] = c[i];
        words[48 + i] = d[i];
    }
}

/* What a random number is for: part of the key, so that no two uses draw the same numbers. */
typedef enum { PURPOSE_DROPOUT, PURPOSE_NOISE, PURPOSE_RECURRENT_DROPOUT, PURPOSE_ZONEOUT, PURPOSE_WORD_DROPOUT } rnn_purpose;

/* to (units,) = `hit` with probability `rate`, else `miss`, for one step of one sample */
static inline void mask_row(const rnn_job *job, rnn_purpose purpose, uint32_t layer, double rate, isize sample, isize step,
                            isize first_unit, isize units, real hit, real miss, real *to)
{
    const uint32_t threshold = (uint32_t)(rate * 4294967296.0), key = layer | (uint32_t)purpose << 16;
    uint32_t words[DRAW];
    for (isize unit = 0, n; unit < units; unit += n) {
        const isize number = first_unit + unit, at = number % DRAW;
        n = least(units - unit, DRAW - at);
        philox_draw(words, (uint32_t)(number / DRAW), (uint32_t)step, (uint32_t)sample, job->batch.update, job->seed, key);
        for (isize i = 0; i < n; i++)
            to[unit + i] = words[at + i] < threshold ? hit : miss;
    }
}

/* Whether number `unit` is drawn, which happens with probability `rate`, for one step of one sample. */
static inline int is_drawn(const rnn_job *job, rnn_purpose purpose, uint32_t layer, double rate, isize sample, isize step,
                           isize unit)
{
    real drawn;
    mask_row(job, purpose, layer, rate, sample, step, unit, 1, 1, 0, &drawn);
    return drawn > 0;
}

/* to (+)= from * mask / (1 - rate), for the `units` of one step of one sample; the mask of `layer` is drawn from the job's
 * key. */
static inline void dropout_row(const rnn_job *job, rnn_purpose purpose, uint32_t layer, double rate, isize sample, isize step,
                               isize first_unit, isize units, const real *from, real *to, int accumulate)
{
    const uint32_t threshold = (uint32_t)(rate * 4294967296.0), key = layer | (uint32_t)purpose << 16;
    const real scale = (real)(1 / (1 - rate));
    uint32_t words[DRAW];
    for (isize unit = 0, block = -1; unit < units; unit++) {
        const isize number = first_unit + unit;
        if (number / DRAW != block) {
            block = number / DRAW;
            philox_draw(words, (uint32_t)block, (uint32_t)step, (uint32_t)sample, job->batch.update, job->seed, key);
        }
        const real kept = words[number % DRAW] >= threshold ? from[unit] * scale : 0;
        to[unit] = accumulate ? to[unit] + kept : kept;
    }
}

/* ln(x) of positive normal numbers, to about ten digits */
static inline vec log_of_normal(vec x)
{
    /* x = 2^n m, sqrt(1/2) <= m < sqrt(2);  ln m = 2 artanh(s), s = (m - 1) / (m + 1) */
    const vec root = vset((real)0.70710678118654752440);
    const ivec offset = (ivec)vset(1) - (ivec)root, bits = (ivec)x + offset;
    const vec n = __builtin_convertvector((bits >> MANTISSA_BITS) - BIAS, vec);
    const vec m = (vec)((bits & (((lane_int)1 << MANTISSA_BITS) - 1)) + (ivec)root);
    const vec s = (m - 1) / (m + 1), z = s * s;
    vec series = vset((real)1 / 13);
    for (int k = 11; k > 0; k -= 2)
        series = series * z + (real)1 / (real)k;
    return n * LN2 + 2 * s * series;
}

/* sin(a) and cos(a) for |a| <= pi / 4, to about ten digits */
static inline void sine_and_cosine(vec a, vec *sine, vec *cosine)
{
    const vec z = a * a;
    vec s = vset(1), c = vset(1);
    for (int k = 10; k > 0; k -= 2) {
        s = 1 - s * z / (real)(k * (k + 1));
        c = 1 - c * z / (real)(k * (k - 1));
    }
    *sine = a * s;
    *cosine = c;
}

/* z[64] of the standard normal distribution from 64 words, in pairs: r cos(a) and r sin(a) with r^2 = -2 ln(u) and a uniform
 * angle (Box and Muller, 1958). The angle is one of an eighth of the circle to each side of 0, turned by 0 to 3 quarters. */
static inline void normal_draw(const uint32_t *restrict words, real *restrict z)
{
    static const real scale = (real)1 / 2147483648;
    for (isize i = 0; i < DRAW / 2; i += LANES) {
        real u[LANES], a[LANES], turn[LANES];
        for (isize k = 0; k < LANES; k++) {
            const uint32_t w = words[DRAW / 2 + i + k];
            u[k] = ((real)(int32_t)(words[i + k] >> 1) + (real)0.5) * scale;
            a[k] = (real)((int32_t)(w << 2) >> 2) * scale;
            turn[k] = (real)(w >> 30);
        }
        const vec r = vsqrt(-2 * log_of_normal(vload(u))), quarters = vload(turn);
        vec sine, cosine;
        sine_and_cosine(vload(a) * (real)3.14159265358979323846, &sine, &cosine);
        const ivec odd = (quarters == 1) | (quarters == 3), half = quarters >= 2;
        const vec first = r * vselect(odd, -sine, cosine), second = r * vselect(odd, cosine, sine);
        vstore(z + i, vselect(half, -first, first));
        vstore(z + DRAW / 2 + i, vselect(half, -second, second));
    }
}

/* to = from + deviation * noise, for the `units` of one step of one sample */
static inline void noise_row(const rnn_job *job, uint32_t layer, real deviation, isize sample, isize step, isize first_unit,
                             isize units, const real *from, real *to)
{
    uint32_t words[DRAW];
    real z[DRAW];
    for (isize unit = 0, block = -1; unit < units; unit++) {
        const isize number = first_unit + unit;
        if (number / DRAW != block) {
            block = number / DRAW;
            philox_draw(words, (uint32_t)block, (uint32_t)step, (uint32_t)sample, job->batch.update, job->seed,
                        layer | (uint32_t)PURPOSE_NOISE << 16);
            normal_draw(words, z);
        }
        to[unit] = from[unit] + deviation * z[number % DRAW];
    }
}

#endif
