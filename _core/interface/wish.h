/* What a caller wants to do with a network, for which the plan finds room. */
#ifndef SKLEARN_RNN_WISH_H
#define SKLEARN_RNN_WISH_H

#include "interface/network.h"

typedef enum { PLAN_MADE, PLAN_TOO_LARGE, PLAN_TOO_LONG, PLAN_OVER_BUDGET, PLAN_WITHOUT_ORDER } rnn_plan_result;

typedef struct {
    const isize *lengths[MAX_AXES];     /* IN    of the longest sequences on each axis, longest first; NULL: only the parameters
                                                 are planned */
    isize n_lengths;            /* IN */
    isize batch;                /* INOUT sequences in the largest minibatch */
    isize n_workers;            /* IN    at most */
    isize budget;               /* IN    bytes of all arenas, -1: no limit */
    isize n_slices;             /* OUT   of the largest minibatch */
    isize least_budget;         /* OUT   if the budget is too small: one that is enough */
    int node;                   /* OUT   without an order: the node with which the trouble begins */
} rnn_wish;

#endif
