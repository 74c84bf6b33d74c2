/* All kernels for one real type and one SIMD level. The including file sets REAL_BITS, VEC_BYTES, SIMD_LEVEL and TABLE. */
#include <string.h>

#include "cells/roster.h"
#include "interface/kernels.h"
#include "levels/losses.h"
#include "levels/optimizers.h"
#include "levels/vec.h"
#include "plan/plan.h"
#include "plan/sizes.h"
#include "run/driver.h"
#include "weights/pack.h"
#include "weights/reduce.h"
#include "weights/update.h"

/* y = f(x) with the vector functions of the cells; the last vector is padded */
static void math(rnn_math function, isize n, const void *x, void *y)
{
    for (isize i = 0; i < n; i += LANES) {
        const size_t bytes = (size_t)least(LANES, n - i) * sizeof(real);
        real lane[LANES] = {0};
        memcpy(lane, (const real *)x + i, bytes);
        const vec v = vload(lane);
        vstore(lane, function == MATH_EXP ? vexp(v) : function == MATH_SIGMOID ? vsigmoid(v) : vtanh(v));
        memcpy((real *)y + i, lane, bytes);
    }
}

const rnn_kernels TABLE = {
    .simd_level = SIMD_LEVEL, .real_bytes = sizeof(real),
    .cells = cell_list, .losses = loss_list, .optimizers = optimizer_list,
    .plan = plan, .poison_gaps = poison_gaps, .pack = pack, .train = train, .predict = predict, .reduce = reduce,
    .update = update, .row_losses = row_losses, .math = math,
};
