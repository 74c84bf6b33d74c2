/* All kernels for one real type and one SIMD level. The including file sets REAL_BITS, VEC_BYTES, SIMD_LEVEL and TABLE. */
#include <string.h>

#include "cells/roster.h"
#include "interface/kernels.h"
#include "levels/losses.h"
#include "levels/optimizers.h"
#include "levels/vec.h"
#include "plan/plan.h"
#include "run/driver.h"
#include "weights/pack.h"
#include "weights/reduce.h"
#include "weights/update.h"

static rnn_plan_result plan(rnn_network *network, rnn_wish *wish)
{
    network->kinds = kind_roster;
    network->walk_size = sizeof(walk);
    network->operand_size = sizeof(operand);
    return plan_network(network, wish);
}

/* See rnn_kernels. */
static void row_losses(const rnn_job *job, isize n, const void *outputs, void *row, double *losses)
{
    kind_of(job->network, job->network->head)->row_losses(job, n, outputs, row, losses);
}

/* y = f(x) with the vector functions of the cells; the last vector is padded */
static void math(rnn_math function, isize n, const void *x, void *y)
{
    for (isize i = 0; i < n; i += LANES) {
        const size_t bytes = (size_t)least(LANES, n - i) * sizeof(real);
        real lane[LANES] = {0};
        memcpy(lane, (const real *)x + i, bytes);
        const vec v = vload(lane);
        vstore(lane, function == MATH_EXP       ? vexp(v)
                     : function == MATH_SIGMOID ? vsigmoid(v)
                     : function == MATH_TANH    ? vtanh(v)
                                                : vlog(v));
        memcpy((real *)y + i, lane, bytes);
    }
}

const rnn_kernels TABLE = {
    .simd_level = SIMD_LEVEL, .losses = loss_list, .optimizers = optimizer_list, .weight_stems = weight_stems,
    .describe_kind = describe_kind, .describe_cell = describe_cell, .plan = plan, .slices_of = slices_that_fit,
    .work_of = work_of, .poison_gaps = poison_gaps, .clear_place = clear_place,
    .pack = pack, .train = train, .predict = predict, .reduce = reduce, .update = update, .session_step = session_step,
    .begin_decoding = begin_decoding, .attention = attention,
    .row_losses = row_losses, .math = math,
};
