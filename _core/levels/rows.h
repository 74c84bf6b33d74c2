/* Sums over a row and its norm: layer norm (Ba, Kiros and Hinton, 2016), RMS norm (Zhang and Sennrich, 2019).
 *
 * A row has `parts` runs of `units` numbers (directions, gates), which begin at start[part]. What lies behind the last number of
 * a part is padding: it has no part in sums, and is read only where arguments are said to be padded. A row's bits depend on
 * nothing but the row.
 */
#ifndef SKLEARN_RNN_ROWS_H
#define SKLEARN_RNN_ROWS_H

#include "levels/vec.h"

typedef struct {
    isize parts, units;
    const isize *start;
} row_shape;

/* A row is normalised as (x - shift) * scale. */
typedef struct {
    real shift, scale;
} row_norm;

static const real NORM_EPSILON = (real)1e-5;

/* Numbers j to j + LANES of a part, with zeros behind its last one. */
static inline vec row_load(const real *part, isize j, isize units)
{
    return units - j >= LANES ? vload(part + j) : vload_first(part + j, units - j);
}

/* x . y */
static inline real row_dot(const row_shape *shape, const real *x, const real *y)
{
    vec sum = vset(0);
    for (isize part = 0; part < shape->parts; part++)
        for (isize j = 0; j < shape->units; j += LANES)
            sum += row_load(x + shape->start[part], j, shape->units) * row_load(y + shape->start[part], j, shape->units);
    return vsum(sum);
}

static inline real row_mean(const row_shape *shape, const real *x)
{
    vec sum = vset(0);
    for (isize part = 0; part < shape->parts; part++)
        for (isize j = 0; j < shape->units; j += LANES)
            sum += row_load(x + shape->start[part], j, shape->units);
    return vsum(sum) / (real)(shape->parts * shape->units);
}

/* shift = mean(x) if centred, else 0;  scale = 1 / sqrt(mean((x - shift)^2) + epsilon) */
static inline row_norm norm_of_row(const row_shape *shape, const real *x, int centred)
{
    const real shift = centred ? row_mean(shape, x) : 0;
    vec squares = vset(0);
    for (isize part = 0; part < shape->parts; part++)
        for (isize j = 0; j < shape->units; j += LANES) {
            const vec d = row_load(x + shape->start[part], j, shape->units) - shift;
            squares += vselect(first_lanes(shape->units - j), d * d, vset(0));
        }
    const vec variance = vset(vsum(squares) / (real)(shape->parts * shape->units));
    return (row_norm){shift, (1 / vsqrt(variance + NORM_EPSILON))[0]};
}

/* (x - shift) scale, for numbers j to j + LANES of a part */
static inline vec row_normal(const real *part, isize j, isize units, row_norm norm)
{
    return (row_load(part, j, units) - norm.shift) * norm.scale;
}

/* y = (x - shift) scale gain + bias, with bias NULL: 0; gain, bias and y are padded, the first two with zeros */
static inline void normalise_row(const row_shape *shape, const real *x, row_norm norm, const real *gain, const real *bias,
                                 real *y)
{
    for (isize part = 0; part < shape->parts; part++)
        for (isize j = 0; j < shape->units; j += LANES) {
            const isize at = shape->start[part] + j;
            const vec normal = row_normal(x + shape->start[part], j, shape->units, norm);
            vstore(y + at, normal * vload(gain + at) + (bias ? vload(bias + at) : vset(0)));
        }
}

/* d_gain += d_y normal,  d_bias += d_y (unless NULL), where normal = (x - shift) scale; all but x are padded, d_y with zeros */
static inline void norm_gradients(const row_shape *shape, const real *x, row_norm norm, const real *d_y, real *d_gain,
                                  real *d_bias)
{
    for (isize part = 0; part < shape->parts; part++)
        for (isize j = 0; j < shape->units; j += LANES) {
            const isize at = shape->start[part] + j;
            const vec normal = row_normal(x + shape->start[part], j, shape->units, norm), d = vload(d_y + at);
            vstore(d_gain + at, vload(d_gain + at) + d * normal);
            if (d_bias)
                vstore(d_bias + at, vload(d_bias + at) + d);
        }
}

/* d_x (+)= scale (d - mean(d) - normal mean(d normal)), where d = d_y gain and the first mean is there if centred; d_x may be
 * d_y. All but x are padded, d_y and gain with zeros; the padding of d_x becomes zeros. */
static inline void normalise_row_backward(const row_shape *shape, const real *x, row_norm norm, int centred, const real *gain,
                                          const real *d_y, int accumulate, real *d_x)
{
    const real n = (real)(shape->parts * shape->units);
    vec sum = vset(0), products = vset(0);
    for (isize part = 0; part < shape->parts; part++)
        for (isize j = 0; j < shape->units; j += LANES) {
            const isize at = shape->start[part] + j;
            const vec normal = row_normal(x + shape->start[part], j, shape->units, norm);
            const vec d = vload(d_y + at) * vload(gain + at);
            sum += d;
            products += d * normal;
        }
    const real mean = centred ? vsum(sum) / n : 0, product = vsum(products) / n;
    for (isize part = 0; part < shape->parts; part++)
        for (isize j = 0; j < shape->units; j += LANES) {
            const isize at = shape->start[part] + j;
            const vec normal = row_normal(x + shape->start[part], j, shape->units, norm);
            vec d = (vload(d_y + at) * vload(gain + at) - mean - normal * product) * norm.scale;
            if (accumulate)
                d += vload(d_x + at);
            vstore(d_x + at, vselect(first_lanes(shape->units - j), d, vset(0)));
        }
}

#endif
