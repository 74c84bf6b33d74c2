/* The roster of losses. An elementwise loss takes an output z (before the link) and its target y, and returns the loss and its
 * derivative with respect to z; others take a whole row. The link turns outputs into predictions. A row has `output_width`
 * numbers, in whole vectors, of which the first `outputs` are outputs.
 */
#ifndef SKLEARN_RNN_LOSSES_H
#define SKLEARN_RNN_LOSSES_H

#include <math.h>
#include <stdint.h>

#include "interface/network.h"
#include "interface/rosters.h"
#include "levels/vec.h"
#include "plan/sizes.h"

/* name, link, name of the link for users, targets */
#define LOSSES(LOSS) \
    LOSS(softmax, softmax, "softmax", CLASS_PER_OUTPUT) LOSS(logistic, logistic, "logistic", TWO_CLASSES) \
    LOSS(multilabel, logistic, "logistic", LABEL_PER_OUTPUT) LOSS(multioutput, softmax_by_group, "softmax", CLASS_PER_GROUP) \
    LOSS(squared_error, identity, "identity", NUMBERS) LOSS(absolute_error, identity, "identity", NUMBERS) \
    LOSS(huber, identity, "identity", NUMBERS) LOSS(quantile, identity, "identity", NUMBERS_PER_QUANTILE) \
    LOSS(poisson, exp, "exp", NUMBERS) LOSS(gamma, exp, "exp", NUMBERS) \
    LOSS(multitask, by_task, "by task", NUMBER_PER_GROUP)

#define LOSS_NUMBER(name, link, link_name, targets) NUMBER_OF_##name,
enum {LOSSES(LOSS_NUMBER)};

/* Loss of one row: the mean over its outputs, or over its groups of outputs. z, whose padding is finite, may be overwritten; d,
 * which may be the same array, is the gradient with respect to z, with zeros in the padding. Of y and labels (n_targets,), the
 * loss has one. */
typedef double (*loss_function)(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d);
typedef void (*link_function)(const rnn_network *network, real *z);

static inline vec vabs(vec x) { return vselect(x < 0, -x, x); }

/* mean over the n real columns of function(z, y, &d) */
#define ELEMENTWISE_LOSS(name, function) \
    static double name##_loss(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d) \
    { \
        const isize n = network->outputs; \
        double sum = 0; \
        (void)labels; \
        for (isize j = 0; j < n; j += LANES) { \
            const isize live = least(n - j, LANES); \
            real target[LANES] = {0}, loss[LANES], slope[LANES]; \
            vec d_z; \
            for (isize i = 0; i < live; i++) \
                target[i] = y[j + i]; \
            vstore(loss, function(network, vload(z + j), vload(target), &d_z)); \
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

/* l = z + y exp(-z): half the gamma deviance with log link, without the terms that do not depend on z */
static inline vec gamma_deviance(const rnn_network *network, vec z, vec y, vec *d)
{
    vec ratio = y * vexp(-z);
    (void)network;
    *d = 1 - ratio;
    return z + ratio;
}

ELEMENTWISE_LOSS(squared_error, squared_error)
ELEMENTWISE_LOSS(absolute_error, absolute_error)
ELEMENTWISE_LOSS(huber, huber)
ELEMENTWISE_LOSS(poisson, poisson)
ELEMENTWISE_LOSS(gamma, gamma_deviance)

/* l = q e for e >= 0, else (q - 1) e; e = y - z, for each target and quantile q (Koenker and Bassett, 1978) */
static double quantile_loss(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d)
{
    const isize n = network->outputs, n_quantiles = network->n_quantiles;
    const real share = 1 / (real)n;
    double sum = 0;
    (void)labels;
    for (isize j = 0; j < n; j++) {
        const real q = (real)network->quantile[j % n_quantiles], e = y[j / n_quantiles] - z[j];
        sum += (double)(e >= 0 ? q * e : (q - 1) * e);
        d[j] = e > 0 ? -q * share : e < 0 ? (1 - q) * share : e;
    }
    for (isize j = n; j < network->output_width; j++)
        d[j] = 0;
    return sum / (double)n;
}

/* ---- classes ---- */

/* With label smoothing s, the target of a class among n is (1 - s) one-hot + s / n (Szegedy et al., 2016). That of label 0 or 1: */
static inline double smooth_label(const rnn_network *network, int32_t label)
{
    return (1 - network->label_smoothing) * label + network->label_smoothing / 2;
}

/* What it adds to the loss of n outputs z: s (z_label - mean of z) */
static inline double loss_of_smoothing(const rnn_network *network, isize n, const real *z, isize label)
{
    const double s = network->label_smoothing;
    double sum = 0;
    if (!(s > 0))
        return 0;
    for (isize j = 0; j < n; j++)
        sum += (double)z[j];
    return s * ((double)z[label] - sum / (double)n);
}

/* and to its gradient */
static inline void smooth_gradient(const rnn_network *network, isize n, isize label, real *d)
{
    const double s = network->label_smoothing;
    if (!(s > 0))
        return;
    for (isize j = 0; j < n; j++)
        d[j] -= (real)(s / (double)n);
    d[label] += (real)s;
}

/* l = log(1 + exp(z)) - label z = max(z, 0) - label z + log(1 + exp(-|z|)) */
static double logistic_loss(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d)
{
    const double label = smooth_label(network, labels[0]), a = (double)z[0];
    real p[LANES];
    (void)y;
    vstore(p, vsigmoid(vload(z)));
    for (isize j = 0; j < network->output_width; j++)
        d[j] = j == 0 ? p[0] - (real)label : 0;
    return (a > 0 ? a : 0) - label * a + log1p(exp(-fabs(a)));
}

/* the same for each output */
static double multilabel_loss(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d)
{
    const isize n = network->outputs;
    double sum = 0;
    (void)y;
    for (isize j = 0; j < n; j += LANES) {
        real p[LANES];
        vstore(p, vsigmoid(vload(z + j)));
        for (isize i = 0; i < LANES; i++) {
            const double a = (double)z[j + i];
            d[j + i] = 0;
            if (j + i < n) {
                const double label = smooth_label(network, labels[j + i]);
                sum += (a > 0 ? a : 0) - label * a + log1p(exp(-fabs(a)));
                d[j + i] = (p[i] - (real)label) / (real)n;
            }
        }
    }
    return sum / (double)n;
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

/* l = log(sum exp(z - greatest)) + (greatest - z[label]), which avoids cancellation, for n outputs in `width` numbers */
static double softmax_loss_of(const rnn_network *network, isize n, isize width, isize label, real *z, real *d)
{
    const real greatest = greatest_of(n, z);
    const double lead = (double)greatest - (double)z[label] + loss_of_smoothing(network, n, z, label);
    const double log_sum = softmax_row(n, width, greatest, z);
    for (isize j = 0; j < width; j++)
        d[j] = z[j];
    d[label] -= 1;
    smooth_gradient(network, n, label, d);
    return log_sum + lead;
}

static double softmax_loss(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d)
{
    (void)y;
    return softmax_loss_of(network, network->outputs, network->output_width, labels[0], z, d);
}

/* as softmax_row, for n numbers between others, which stay */
static inline double softmax_part(isize n, real greatest, real *z)
{
    double sum = 0;
    for (isize j = 0; j < n; j += LANES) {
        const isize live = least(n - j, LANES);
        real part[LANES];
        for (isize i = 0; i < LANES; i++)
            part[i] = i < live ? z[j + i] : greatest;
        vstore(part, vexp(vload(part) - greatest));
        for (isize i = 0; i < live; i++)
            z[j + i] = part[i];
    }
    for (isize j = 0; j < n; j++)
        sum += (double)z[j];
    const real scale = (real)(1 / sum);
    for (isize j = 0; j < n; j++)
        z[j] *= scale;
    return log(sum);
}

/* n numbers between others: z -> exp(z), or the sum of exp(z - greatest) without a change of z */
static inline void exp_part(isize n, real *z)
{
    for (isize j = 0; j < n; j += LANES) {
        const isize live = least(n - j, LANES);
        real part[LANES] = {0};
        for (isize i = 0; i < live; i++)
            part[i] = z[j + i];
        vstore(part, vexp(vload(part)));
        for (isize i = 0; i < live; i++)
            z[j + i] = part[i];
    }
}

static inline double sum_of_exp(isize n, real greatest, const real *z)
{
    double sum = 0;
    for (isize j = 0; j < n; j += LANES) {
        const isize live = least(n - j, LANES);
        real part[LANES] = {0};
        for (isize i = 0; i < live; i++)
            part[i] = z[j + i] - greatest;
        vstore(part, vexp(vload(part)));
        for (isize i = 0; i < live; i++)
            sum += (double)part[i];
    }
    return sum;
}

/* z -> log(exp(z) / sum exp(z)), for n numbers between others */
static inline void log_softmax_part(isize n, real *z)
{
    const real greatest = greatest_of(n, z), log_sum = (real)log(sum_of_exp(n, greatest, z));
    for (isize j = 0; j < n; j++)
        z[j] = (z[j] - greatest) - log_sum;
}

/* the softmax loss of each group of outputs */
static double multioutput_loss(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d)
{
    const isize n_groups = network->n_groups, *group = network->group;
    double sum = 0;
    (void)y;
    for (isize g = 0; g < n_groups; g++) {
        const isize n = group[g + 1] - group[g], label = labels[g];
        real *p = z + group[g], *d_g = d + group[g];
        const real greatest = greatest_of(n, p);
        sum += (double)greatest - (double)p[label];
        sum += loss_of_smoothing(network, n, p, label);
        sum += softmax_part(n, greatest, p);
        for (isize j = 0; j < n; j++)
            d_g[j] = p[j] - (j == label);
        smooth_gradient(network, n, label, d_g);
        for (isize j = 0; j < n; j++)
            d_g[j] /= (real)n_groups;
    }
    for (isize j = network->outputs; j < network->output_width; j++)
        d[j] = 0;
    return sum / (double)n_groups;
}

/* ---- several tasks ---- */

/* f(x) by vector operations: the first number of f(x, ..., x) */
#define FIRST_OF(result, f, x) do { real lanes_[LANES]; vstore(lanes_, f(vset(x))); (result) = lanes_[0]; } while (0)

/* The elementwise loss of one output z, whose derivative goes to d. */
static double loss_of_one(const rnn_network *network, int loss, real z, real y, real *d)
{
    real losses[LANES], slopes[LANES];
    vec l, d_z = vset(0);
    switch (loss) {
    case NUMBER_OF_absolute_error: l = absolute_error(network, vset(z), vset(y), &d_z); break;
    case NUMBER_OF_huber: l = huber(network, vset(z), vset(y), &d_z); break;
    case NUMBER_OF_poisson: l = poisson(network, vset(z), vset(y), &d_z); break;
    case NUMBER_OF_gamma: l = gamma_deviance(network, vset(z), vset(y), &d_z); break;
    default: l = squared_error(network, vset(z), vset(y), &d_z);
    }
    vstore(losses, l);
    vstore(slopes, d_z);
    *d = slopes[0];
    return (double)losses[0];
}

/* The loss of the n outputs z of a task, not weighted; its gradient d may be z. y is a number, or that of a class. */
static double loss_of_task(const rnn_network *network, int loss, isize n, real *z, real y, real *d)
{
    if (loss == NUMBER_OF_softmax) {
        const isize label = (isize)y;
        const real greatest = greatest_of(n, z);
        const double lead = (double)greatest - (double)z[label];
        const double log_sum = softmax_part(n, greatest, z);
        for (isize j = 0; j < n; j++)
            d[j] = z[j] - (j == label);
        return log_sum + lead;
    }
    if (loss == NUMBER_OF_logistic) {
        const double a = (double)z[0];
        real p;
        FIRST_OF(p, vsigmoid, z[0]);
        d[0] = p - y;
        return (a > 0 ? a : 0) - (double)y * a + log1p(exp(-fabs(a)));
    }
    return loss_of_one(network, loss, z[0], y, d);
}

/* l = sum_g weight_g l_g over the groups of outputs whose target is not NaN */
static double multitask_loss(const rnn_network *network, real *z, const real *y, const int32_t *labels, real *d)
{
    double sum = 0;
    (void)labels;
    for (isize g = 0; g < network->n_groups; g++) {
        const isize first = network->group[g], n = network->group[g + 1] - first;
        const double weight = network->group_weight[g];
        const int is_taught = weight > 0 && !isnan(y[g]);
        if (is_taught)
            sum += weight * loss_of_task(network, network->group_loss[g], n, z + first, y[g], d + first);
        for (isize j = first; j < first + n; j++)
            d[j] = is_taught ? d[j] * (real)weight : 0;
    }
    for (isize j = network->outputs; j < network->output_width; j++)
        d[j] = 0;
    return sum;
}

/* ---- links ---- */

static void identity_link(const rnn_network *network, real *z) { (void)network; (void)z; }

static void softmax_link(const rnn_network *network, real *z)
{
    softmax_row(network->outputs, network->output_width, greatest_of(network->outputs, z), z);
}

static void softmax_by_group_link(const rnn_network *network, real *z)
{
    for (isize g = 0; g < network->n_groups; g++) {
        const isize first = network->group[g], n = network->group[g + 1] - first;
        softmax_part(n, greatest_of(n, z + first), z + first);
    }
}

/* each group by the link of its own loss */
static void by_task_link(const rnn_network *network, real *z)
{
    for (isize g = 0; g < network->n_groups; g++) {
        const isize first = network->group[g], n = network->group[g + 1] - first;
        real *z_g = z + first;
        switch (network->group_loss[g]) {
        case NUMBER_OF_softmax: softmax_part(n, greatest_of(n, z_g), z_g); break;
        case NUMBER_OF_logistic: FIRST_OF(*z_g, vsigmoid, *z_g); break;
        case NUMBER_OF_poisson: case NUMBER_OF_gamma: FIRST_OF(*z_g, vexp, *z_g); break;
        default: break;
        }
    }
}

static void logistic_link(const rnn_network *network, real *z)
{
    for (isize j = 0; j < network->output_width; j += LANES)
        vstore(z + j, vsigmoid(vload(z + j)));
}

static void exp_link(const rnn_network *network, real *z)
{
    for (isize j = 0; j < network->output_width; j += LANES)
        vstore(z + j, vexp(vload(z + j)));
}

/* d_z += d_y times the derivative of the link, whose result is y */
typedef void (*link_backward_function)(const rnn_network *network, const real *y, const real *d_y, real *d_z);

static void identity_backward(const rnn_network *network, const real *y, const real *d_y, real *d_z)
{
    (void)y;
    for (isize j = 0; j < network->outputs; j++)
        d_z[j] += d_y[j];
}

static void logistic_backward(const rnn_network *network, const real *y, const real *d_y, real *d_z)
{
    for (isize j = 0; j < network->outputs; j++)
        d_z[j] += d_y[j] * (y[j] * (1 - y[j]));
}

static void exp_backward(const rnn_network *network, const real *y, const real *d_y, real *d_z)
{
    for (isize j = 0; j < network->outputs; j++)
        d_z[j] += d_y[j] * y[j];
}

/* of n outputs */
static inline void softmax_part_backward(isize n, const real *y, const real *d_y, real *d_z)
{
    double mean = 0;
    for (isize j = 0; j < n; j++)
        mean += (double)y[j] * (double)d_y[j];
    for (isize j = 0; j < n; j++)
        d_z[j] += y[j] * (d_y[j] - (real)mean);
}

static void softmax_backward(const rnn_network *network, const real *y, const real *d_y, real *d_z)
{
    softmax_part_backward(network->outputs, y, d_y, d_z);
}

static void softmax_by_group_backward(const rnn_network *network, const real *y, const real *d_y, real *d_z)
{
    for (isize g = 0; g < network->n_groups; g++) {
        const isize first = network->group[g];
        softmax_part_backward(network->group[g + 1] - first, y + first, d_y + first, d_z + first);
    }
}

static void by_task_backward(const rnn_network *network, const real *y, const real *d_y, real *d_z)
{
    for (isize g = 0; g < network->n_groups; g++) {
        const isize j = network->group[g];
        switch (network->group_loss[g]) {
        case NUMBER_OF_softmax: softmax_part_backward(network->group[g + 1] - j, y + j, d_y + j, d_z + j); break;
        case NUMBER_OF_logistic: d_z[j] += d_y[j] * (y[j] * (1 - y[j])); break;
        case NUMBER_OF_poisson: case NUMBER_OF_gamma: d_z[j] += d_y[j] * y[j]; break;
        default: d_z[j] += d_y[j];
        }
    }
}

#define LOSS_FUNCTIONS(name, link, link_name, targets) {name##_loss, link##_link, link##_backward},
#define LOSS_INFO(name, link, link_name, targets) {#name, targets, link_name},

static const struct {
    loss_function loss;
    link_function link;
    link_backward_function link_backward;
} loss_roster[] = {LOSSES(LOSS_FUNCTIONS)};
static const rnn_loss_info loss_list[] = {LOSSES(LOSS_INFO) {NULL, NUMBERS, NULL}};

#endif
