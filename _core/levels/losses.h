/* The roster of losses. An elementwise loss takes an output z (before the link) and its target y, and returns the loss and its
 * derivative with respect to z; softmax takes a whole row. The link turns outputs into predictions. A row has `width` numbers,
 * in whole vectors, of which the first n are outputs.
 */
#ifndef SKLEARN_RNN_LOSSES_H
#define SKLEARN_RNN_LOSSES_H

#include <math.h>
#include <stdint.h>

#include "interface/network.h"
#include "interface/rosters.h"
#include "levels/vec.h"
#include "plan/sizes.h"

/* Loss of one row (elementwise losses: mean over the outputs). z, whose padding is finite, may be overwritten; d (width),
 * which may be the same array, is the gradient with respect to z, with zeros in the padding. */
typedef double (*loss_function)(const rnn_network *network, real *z, const real *y, int32_t label, real *d);
typedef void (*link_function)(isize n, isize width, real *z);

static inline vec vabs(vec x) { return vselect(x < 0, -x, x); }

/* mean over the n real columns of f(z, y, &d) */
#define ELEMENTWISE_LOSS(name) \
    static double name##_loss(const rnn_network *network, real *z, const real *y, int32_t label, real *d) \
    { \
        const isize n = network->outputs; \
        double sum = 0; \
        (void)label; \
        for (isize j = 0; j < n; j += LANES) { \
            const isize live = least(n - j, LANES); \
            real target[LANES] = {0}, loss[LANES], slope[LANES]; \
            vec d_z; \
            for (isize i = 0; i < live; i++) \
                target[i] = y[j + i]; \
            vstore(loss, name(network, vload(z + j), vload(target), &d_z)); \
            vstore(slope, d_z); \
            for (isize i = 0; i < LANES; i++) \
                d[j + i] = i < live ? slope[i] / (real)n : 0; \
            for (isize i = 0; i < live; i++) \
                sum += (double)loss[i]; \
        } \
        return sum / (double)n; \
    }

/* l = (z - y)^2 */
static inline vec squared_error(const rnn_network *network, vec z, vec y, vec *d)
{
    (void)network;
    *d = 2 * (z - y);
    return (z - y) * (z - y);
}

/* l = |z - y| */
static inline vec absolute_error(const rnn_network *network, vec z, vec y, vec *d)
{
    vec e = z - y;
    (void)network;
    *d = vselect(e > 0, vset(1), vselect(e < 0, vset(-1), e));
    return vabs(e);
}

/* l = e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2); e = z - y (Huber, 1964) */
static inline vec huber(const rnn_network *network, vec z, vec y, vec *d)
{
    const real delta = (real)network->huber_delta;
    vec e = z - y, a = vabs(e);
    ivec outside = a > delta;
    *d = vselect(outside, vselect(e > 0, vset(delta), vset(-delta)), e);
    return vselect(outside, delta * (a - delta / 2), e * e / 2);
}

/* l = exp(z) - y z: minus the log-likelihood of a Poisson count with log link, without the term that does not depend on z */
static inline vec poisson(const rnn_network *network, vec z, vec y, vec *d)
{
    vec rate = vexp(z);
    (void)network;
    *d = rate - y;
    return rate - y * z;
}

ELEMENTWISE_LOSS(squared_error)
ELEMENTWISE_LOSS(absolute_error)
ELEMENTWISE_LOSS(huber)
ELEMENTWISE_LOSS(poisson)

/* l = log(1 + exp(z)) - label z = max(z, 0) - label z + log(1 + exp(-|z|)) */
static double logistic_loss(const rnn_network *network, real *z, const real *y, int32_t label, real *d)
{
    real p[LANES];
    double a = (double)z[0];
    (void)y;
    vstore(p, vsigmoid(vload(z)));
    for (isize j = 0; j < network->output_width; j++)
        d[j] = j == 0 ? p[0] - (real)label : 0;
    return (a > 0 ? a : 0) - label * a + log1p(exp(-fabs(a)));
}

static inline real greatest_of(isize n, const real *z)
{
    real greatest = z[0];
    for (isize j = 1; j < n; j++)
        greatest = z[j] > greatest ? z[j] : greatest;
    return greatest;
}

/* z -> exp(z) / sum exp(z) in place; returns log(sum exp(z - greatest)) */
static inline double softmax_row(isize n, isize width, real greatest, real *z)
{
    double sum = 0;
    for (isize j = n; j < width; j++)
        z[j] = -(real)INFINITY;
    for (isize j = 0; j < width; j += LANES)
        vstore(z + j, vexp(vload(z + j) - greatest));
    for (isize j = 0; j < n; j++)
        sum += (double)z[j];
    const real scale = (real)(1 / sum);
    for (isize j = 0; j < width; j += LANES)
        vstore(z + j, vload(z + j) * scale);
    return log(sum);
}

/* l = log(sum exp(z - greatest)) + (greatest - z[label]), which avoids cancellation */
static double softmax_loss(const rnn_network *network, real *z, const real *y, int32_t label, real *d)
{
    const real greatest = greatest_of(network->outputs, z);
    const double lead = (double)greatest - (double)z[label];
    const double log_sum = softmax_row(network->outputs, network->output_width, greatest, z);
    (void)y;
    for (isize j = 0; j < network->output_width; j++)
        d[j] = z[j];
    d[label] -= 1;
    return log_sum + lead;
}

static void identity_link(isize n, isize width, real *z) { (void)n; (void)width; (void)z; }
static void softmax_link(isize n, isize width, real *z) { softmax_row(n, width, greatest_of(n, z), z); }

static void logistic_link(isize n, isize width, real *z)
{
    (void)n;
    for (isize j = 0; j < width; j += LANES)
        vstore(z + j, vsigmoid(vload(z + j)));
}

static void exp_link(isize n, isize width, real *z)
{
    (void)n;
    for (isize j = 0; j < width; j += LANES)
        vstore(z + j, vexp(vload(z + j)));
}

/* d_z += d_y times the derivative of the link, whose result is y; n outputs */
typedef void (*link_backward_function)(isize n, const real *y, const real *d_y, real *d_z);

static void identity_backward(isize n, const real *y, const real *d_y, real *d_z)
{
    (void)y;
    for (isize j = 0; j < n; j++)
        d_z[j] += d_y[j];
}

static void logistic_backward(isize n, const real *y, const real *d_y, real *d_z)
{
    for (isize j = 0; j < n; j++)
        d_z[j] += d_y[j] * (y[j] * (1 - y[j]));
}

static void exp_backward(isize n, const real *y, const real *d_y, real *d_z)
{
    for (isize j = 0; j < n; j++)
        d_z[j] += d_y[j] * y[j];
}

static void softmax_backward(isize n, const real *y, const real *d_y, real *d_z)
{
    double mean = 0;
    for (isize j = 0; j < n; j++)
        mean += (double)y[j] * (double)d_y[j];
    for (isize j = 0; j < n; j++)
        d_z[j] += y[j] * (d_y[j] - (real)mean);
}

/* name, link, targets */
#define LOSSES(LOSS) \
    LOSS(softmax, softmax, CLASS_PER_OUTPUT) LOSS(logistic, logistic, TWO_CLASSES) \
    LOSS(squared_error, identity, NUMBERS) LOSS(absolute_error, identity, NUMBERS) \
    LOSS(huber, identity, NUMBERS) LOSS(poisson, exp, NUMBERS)

#define LOSS_FUNCTIONS(name, link, targets) {name##_loss, link##_link, link##_backward},
#define LOSS_INFO(name, link, targets) {#name, targets, #link},

static const struct {
    loss_function loss;
    link_function link;
    link_backward_function link_backward;
} loss_roster[] = {LOSSES(LOSS_FUNCTIONS)};
static const rnn_loss_info loss_list[] = {LOSSES(LOSS_INFO) {NULL, NUMBERS, NULL}};

#endif
