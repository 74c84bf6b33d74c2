/* All kernels for one real type and one SIMD level. The including file sets REAL_BITS, VEC_BYTES, SIMD_LEVEL and TABLE. */
#include "kernels.h"

#if REAL_BITS == 32
typedef float real;
#else
typedef double real;
#endif

#include <math.h>
#include <string.h>

#include "processor.h"
#include "vec.h"
#include "gemm.h"
#include "random.h"
#include "cells.h"
#include "losses.h"
#include "optimizers.h"
#include "pack.h"
#include "plan.h"
#include "slice.h"
#include "layer.h"
#include "head.h"
#include "driver.h"

/* y = f(x) with the vector functions of the cells; the last vector is padded */
static void math(int function, isize n, const void *x, void *y)
{
    for (isize i = 0; i < n; i += LANES) {
        const size_t bytes = (size_t)least(LANES, n - i) * sizeof(real);
        real lane[LANES] = {0};
        memcpy(lane, (const real *)x + i, bytes);
        const vec v = vload(lane);
        vstore(lane, function == 0 ? vexp(v) : function == 1 ? vsigmoid(v) : vtanh(v));
        memcpy((real *)y + i, lane, bytes);
    }
}

const rnn_kernels TABLE = {
    .simd_level = SIMD_LEVEL, .real_bytes = sizeof(real),
    .cells = cell_list, .losses = loss_list, .optimizers = optimizer_list,
    .plan = plan, .poison_gaps = poison_gaps, .pack = pack, .train = train, .predict = predict, .reduce = reduce,
    .update = update, .row_losses = row_losses, .math = math,
};
