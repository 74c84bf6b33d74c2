#define REAL_BITS 32
#define VEC_BYTES 16
#define SIMD_LEVEL "baseline"
#define TABLE rnn_baseline_32
#include "levels/kernels.inc.h"
