/* What the driver knows of a kind of node. */
#ifndef SKLEARN_RNN_KIND_H
#define SKLEARN_RNN_KIND_H

#include "interface/job.h"
#include "interface/rosters.h"
#include "run/slice.h"

/* One step of one direction of a node. Backward, all readers of the node's stream have passed on its gradient at this step. */
typedef void (*node_step)(rnn_job *job, slice *s, int node, int d, isize t);

/* All steps of a segment at once, for a node in a stage of its own; 1 when interrupted. */
typedef int (*node_pass)(rnn_job *job, slice *s, int node);

typedef struct {
    const char *name;                                   /* name and options (or NULL): for the boundary */
    const rnn_option *options;
    node_step forward_step, backward_step;
    node_pass forward, backward;                        /* NULL: step by step */
    void (*open)(rnn_job *job, slice *s, int node, int d);              /* before each segment, or NULL */
    void (*begin_backward)(rnn_job *job, slice *s, int node, int d);    /* before its steps go backward, or NULL */
} node_kind;

#endif
