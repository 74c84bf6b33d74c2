#define REAL_BITS 64
#define VEC_BYTES 16
#define SIMD_LEVEL "baseline"
#define TABLE rnn_baseline_64
#include "levels/kernels.inc.h"
