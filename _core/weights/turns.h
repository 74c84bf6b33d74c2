/* How the workers divide a phase among themselves. */
#ifndef SKLEARN_RNN_TURNS_H
#define SKLEARN_RNN_TURNS_H

#include "interface/isize.h"

/* The next piece of work; every worker counts all pieces and does its own. */
typedef struct {
    isize next, worker, n_workers;
} turns;

static inline int my_turn(turns *t) { return t->next++ % t->n_workers == t->worker; }

#endif
