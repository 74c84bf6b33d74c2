#if defined(__x86_64__)
#define TARGET "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"
#include "levels/target_begin.h"
#define REAL_BITS 64
#define VEC_BYTES 64
#define SIMD_LEVEL "avx512"
#define TABLE rnn_avx512_64
#include "levels/kernels.inc.h"
#include "levels/target_end.h"
#endif
