/* Which SIMD levels were compiled in, and which of them this processor runs. */
#include "kernels.h"

extern const rnn_kernels rnn_baseline_32, rnn_baseline_64;
#if defined(__x86_64__)
extern const rnn_kernels rnn_avx2_32, rnn_avx2_64, rnn_avx512_32, rnn_avx512_64;
#endif

static const struct {
    const rnn_kernels *of_float, *of_double;
} levels[] = {
    {&rnn_baseline_32, &rnn_baseline_64},
#if defined(__x86_64__)
    {&rnn_avx2_32, &rnn_avx2_64},
    {&rnn_avx512_32, &rnn_avx512_64},
#endif
};

enum { N_LEVELS = sizeof levels / sizeof *levels };

static int level_runs_here(int level)
{
#if defined(__x86_64__)
    if (level == 1)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (level == 2)
        return level_runs_here(1) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    return level == 0;
}

const char *rnn_compiled_level(int level) { return level < N_LEVELS ? levels[level].of_float->simd_level : NULL; }

const rnn_kernels *rnn_kernels_of(int real_bytes, int level)
{
    if (level < 0 || level >= N_LEVELS || !level_runs_here(level))
        return NULL;
    return real_bytes == 4 ? levels[level].of_float : levels[level].of_double;
}
