/* Layer norm (Ba, Kiros and Hinton, 2016) and rms norm (Zhang and Sennrich, 2019) of a row:
 *
 *     u = (a - mean(a)) s,  s = 1 / sqrt(var(a) + epsilon)         layer
 *     u = a s,              s = 1 / sqrt(mean(a^2) + epsilon)      rms
 *     y = gain * u + bias
 *
 * and back:
 *
 *     v = gain * d_y,  d_a = s (v - mean(v) - u mean(u v))         layer; rms has no mean(v)
 *
 * This is levels/rows.h for blocks of gates. A row has blocks of `units` numbers each, `width` apart, and means are taken over
 * these numbers only. The padding of a, gain and bias is 0; nothing reads the padding of u and d_a.
 */
#ifndef SKLEARN_RNN_NORMS_H
#define SKLEARN_RNN_NORMS_H

#include "interface/network.h"
#include "levels/rows.h"
#include "levels/vec.h"

/* The numbers over which a mean is taken. */
typedef struct {
    int n_blocks;
    isize units, width;
    real share;                                         /* 1 / (n_blocks * units) */
} blocks_shape;

static inline blocks_shape shape_of_blocks(int n_blocks, isize units, isize width)
{
    return (blocks_shape){n_blocks, units, width, 1 / (real)(n_blocks * units)};
}

/* The moments that turn a into u. */
typedef struct {
    real mean, scale;                                   /* rms: mean 0 */
} norm_moments;

static inline vec normalised(vec a, norm_moments m) { return (a - m.mean) * m.scale; }

/* ---- sums: two at a time, so that an addition need not wait for the one before ---- */

static inline vec block_sum(isize width, const real *a)
{
    vec even = vset(0), odd = vset(0);
    isize j = 0;
    for (; j + LANES < width; j += 2 * LANES) {
        even += vload(a + j);
        odd += vload(a + j + LANES);
    }
    return (j < width ? even + vload(a + j) : even) + odd;
}

static inline vec square(vec x) { return x * x; }

/* (a - mean)^2 over the `units` real columns of a block */
static inline vec block_squares(isize units, const real *a, real mean)
{
    vec even = vset(0), odd = vset(0);
    isize j = 0;
    for (; j + 2 * LANES <= units; j += 2 * LANES) {
        even += square(vload(a + j) - mean);
        odd += square(vload(a + j + LANES) - mean);
    }
    if (j + LANES <= units) {
        even += square(vload(a + j) - mean);
        j += LANES;
    }
    return (j < units ? even + square(vselect(first_lanes(units - j), vload(a + j) - mean, vset(0))) : even) + odd;
}

/* The moments of a row. The variance is the mean of squared differences, because that of squares loses its digits where the mean
 * is far from 0. */
static inline norm_moments moments_of(rnn_normalization method, const blocks_shape *shape, const real *a)
{
    norm_moments m = {0, 0};
    vec sum = vset(0), squares = vset(0);
    if (method == LAYER_NORM) {
        for (int b = 0; b < shape->n_blocks; b++)
            sum += block_sum(shape->width, a + b * shape->width);
        m.mean = vsum(sum) * shape->share;
    }
    for (int b = 0; b < shape->n_blocks; b++)
        squares += block_squares(shape->units, a + b * shape->width, m.mean);
    m.scale = 1 / square_root(vsum(squares) * shape->share + NORM_EPSILON);
    return m;
}

/* ---- back ---- */

/* mean(v) and mean(u v) */
typedef struct {
    real v, uv;
} norm_slopes;

static inline norm_slopes slopes_of(rnn_normalization method, const blocks_shape *shape, vec sum_v, vec sum_uv)
{
    return (norm_slopes){method == LAYER_NORM ? vsum(sum_v) * shape->share : 0, vsum(sum_uv) * shape->share};
}

static inline vec norm_gradient(vec v, vec u, real scale, norm_slopes mean) { return scale * (v - mean.v - u * mean.uv); }

/* ---- the norm of a state ---- */

/* The norm of a state that h is computed from, as a cell finds it in its step. */
typedef struct {
    rnn_normalization method;
    blocks_shape shape;
    const real *gain, *bias;                            /* IN    (Hp,) */
    real *d_gain, *d_bias;                              /* INOUT (Hp,) their gradients, to which backward adds; rms: no d_bias */
} state_norm;

/* h = o * tanh(norm(c)), one row */
static inline void see_through_norm(const state_norm *norm, const real *c, const real *o, real *h)
{
    const norm_moments m = moments_of(norm->method, &norm->shape, c);
    for (isize j = 0; j < norm->shape.width; j += LANES)
        vstore(h + j, vload(o + j) * vtanh(vload(norm->bias + j) + vload(norm->gain + j) * normalised(vload(c + j), m)));
}

/* And back: adds to d_c; d_h (with d_out the gradient of h) -> d_o. */
static inline void see_through_norm_backward(const state_norm *norm, const real *c, const real *o, const real *d_out, real *d_h,
                                             real *d_c)
{
    const norm_moments m = moments_of(norm->method, &norm->shape, c);
    vec sum_v = vset(0), sum_uv = vset(0);
    for (isize j = 0; j < norm->shape.width; j += LANES) {
        const vec gain = vload(norm->gain + j), u = normalised(vload(c + j), m), t = vtanh(vload(norm->bias + j) + gain * u),
                  dh = vload(d_h + j) + vload(d_out + j), d_y = dh * vload(o + j) * ((1 - t) * (1 + t)), v = gain * d_y;
        vstore(norm->d_gain + j, vload(norm->d_gain + j) + d_y * u);
        if (norm->method == LAYER_NORM)
            vstore(norm->d_bias + j, vload(norm->d_bias + j) + d_y);
        sum_v += v;
        sum_uv += u * v;
        vstore(d_h + j, dh * t);
        vstore(d_c + j, vload(d_c + j) + m.scale * v);      /* d_c += s v, */
    }
    const norm_slopes mean = slopes_of(norm->method, &norm->shape, sum_v, sum_uv);
    for (isize j = 0; j < norm->shape.width; j += LANES)        /* less s (mean(v) + u mean(u v)) */
        vstore(d_c + j, vload(d_c + j) + norm_gradient(vset(0), normalised(vload(c + j), m), m.scale, mean));
}

#endif
