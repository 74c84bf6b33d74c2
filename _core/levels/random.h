/* Random numbers by counter: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011).
 *
 * A number is a function of (seed, purpose, layer, update, sample, step, unit) alone, so a dropout mask is the same for any
 * slice, thread or order of the batch, is never stored, and can be drawn again in backward.
 */
#ifndef SKLEARN_RNN_RANDOM_H
#define SKLEARN_RNN_RANDOM_H

#include <stdint.h>

#include "interface/job.h"
#include "levels/real.h"
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
typedef enum { PURPOSE_DROPOUT, PURPOSE_RECURRENT_DROPOUT, PURPOSE_ZONEOUT } rnn_purpose;

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

#endif
