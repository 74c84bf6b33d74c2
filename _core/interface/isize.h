/* How sizes and positions are counted. */
#ifndef SKLEARN_RNN_ISIZE_H
#define SKLEARN_RNN_ISIZE_H

#include <stddef.h>

typedef ptrdiff_t isize;
_Static_assert(sizeof(isize) == 8, "sizes are counted in 64 bits");

#endif
