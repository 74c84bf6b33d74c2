#if defined(__x86_64__)
#define TARGET "avx2,fma"
#include "levels/target_begin.h"
#define REAL_BITS 32
#define VEC_BYTES 32
#define SIMD_LEVEL "avx2"
#define TABLE rnn_avx2_32
#include "levels/kernels.inc.h"
#include "levels/target_end.h"
#endif
