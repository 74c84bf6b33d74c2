/* The sum of a vector, in its order. */
#ifndef SKLEARN_RNN_SUM_H
#define SKLEARN_RNN_SUM_H

#include "interface/isize.h"

static inline double sum_of(isize n, const double *x)
{
    double total = 0;
    for (isize i = 0; i < n; i++)
        total += x[i];
    return total;
}

#endif
