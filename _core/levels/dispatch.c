/* Which SIMD levels were compiled in, and which of them this processor runs. */
#include "interface/kernels.h"

extern const rnn_kernels rnn_baseline_32, rnn_baseline_64;
#if defined(__x86_64__)
extern const rnn_kernels rnn_avx2_32, rnn_avx2_64, rnn_avx512_32, rnn_avx512_64;
#endif

static int anywhere(void) { return 1; }
#if defined(__x86_64__)
static int with_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static int with_avx512(void)
{
    return with_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}
#endif

/* The levels, slowest first. */
static const struct {
    int (*runs_here)(void);
    const rnn_kernels *of_float, *of_double;
} levels[] = {
    {anywhere, &rnn_baseline_32, &rnn_baseline_64},
#if defined(__x86_64__)
    {with_avx2, &rnn_avx2_32, &rnn_avx2_64},
    {with_avx512, &rnn_avx512_32, &rnn_avx512_64},
#endif
};

enum { N_LEVELS = sizeof levels / sizeof *levels };

const char *rnn_compiled_level(int level) { return level < N_LEVELS ? levels[level].of_float->simd_level : NULL; }

const rnn_kernels *rnn_kernels_of(int real_bytes, int level)
{
    if (level < 0 || level >= N_LEVELS || !levels[level].runs_here())
        return NULL;
    return real_bytes == 4 ? levels[level].of_float : levels[level].of_double;
}
