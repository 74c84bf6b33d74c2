/* What the plan and the driver know of a kind of node. */
#ifndef SKLEARN_RNN_KIND_H
#define SKLEARN_RNN_KIND_H

#include "interface/job.h"
#include "interface/rosters.h"

typedef struct slice slice;

/* One step of one direction of a node. Backward, all readers of the node's stream have passed on its gradient at this step. */
typedef void (*node_step)(rnn_job *job, slice *s, int node, int d, isize t);

/* All steps of a segment at once, for a node in a stage of its own; 1 when interrupted. */
typedef int (*node_pass)(rnn_job *job, slice *s, int node);

/* A function that is NULL has nothing to do, unless something else is said. */
typedef struct node_kind {
    rnn_kind_info info;
    /* the plan, in the order of the calls */
    void (*declare)(rnn_node *node);                            /* its gates, in the words of cells/declare.h */
    void (*shape)(rnn_network *network, int node, const rnn_stream *from);  /* its stream; `from` is the first one it reads */
    double (*work)(const rnn_node *node, double inputs);        /* multiplications per row, for so many columns of its sources */
    void (*add_weights)(rnn_network *network, int node, int d); /* the parameters of a direction */
    void (*claim)(rnn_network *network, rnn_node *node, isize n_before);    /* memory besides that of its stream; `n_before`:
                                                                   how many segments keep what they begin with */
    int (*n_operands)(const rnn_node *node);                    /* of the products of a direction that has a walk */
    /* the driver */
    void (*open)(rnn_job *job, slice *s, int node, int d);              /* before each segment */
    node_step forward_step;
    void (*begin_backward)(rnn_job *job, slice *s, int node, int d);    /* before its steps go backward */
    node_step backward_step;
    node_pass forward, backward;                                        /* NULL: step by step */
    /* of a kind that has outputs: losses[i] = loss of row i of raw outputs (n, n_outputs); see rnn_kernels */
    void (*row_losses)(const rnn_job *job, isize n, const void *outputs, void *row, double *losses);
} node_kind;

static inline const node_kind *kind_of(const rnn_network *network, int node)
{
    return &network->kinds[network->node[node].kind];
}

static inline const rnn_kind_info *info_of(const rnn_network *network, int node) { return &kind_of(network, node)->info; }

#endif
