/* The real type. kernels_*.c set REAL_BITS and VEC_BYTES; with the defaults each header compiles alone. */
#ifndef SKLEARN_RNN_REAL_H
#define SKLEARN_RNN_REAL_H

#ifndef REAL_BITS
#define REAL_BITS 32
#endif
#ifndef VEC_BYTES
#define VEC_BYTES 16
#endif

#if REAL_BITS == 32
typedef float real;
#else
typedef double real;
#endif

#endif
