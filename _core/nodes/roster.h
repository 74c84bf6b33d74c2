/* The roster of kinds of nodes. A kind is one file and two lines here. */
#ifndef SKLEARN_RNN_NODES_H
#define SKLEARN_RNN_NODES_H

#include "nodes/add.h"
#include "nodes/data.h"
#include "nodes/drop.h"
#include "nodes/head.h"
#include "nodes/kind.h"
#include "nodes/last.h"
#include "nodes/recurrent.h"

/* In the order of rnn_kind. */
static const node_kind kind_roster[] = {
    {.name = "data", .forward_step = data_forward_step, .backward_step = data_backward_step},
    {.name = "recurrent", .open = recurrent_open, .forward_step = recurrent_forward_step,
     .begin_backward = recurrent_begin_backward, .backward_step = recurrent_backward_step},
    {.name = "drop", .options = drop_options, .forward_step = drop_forward_step, .backward_step = drop_backward_step,
     .forward = drop_forward, .backward = drop_backward},
    {.name = "add", .forward_step = add_forward_step, .backward_step = add_backward_step},
    {.name = "last", .forward = last_forward, .backward = last_backward},
    {.name = "head", .forward_step = head_forward_step, .begin_backward = head_begin_backward,
     .backward_step = head_backward_step, .forward = head_forward, .backward = head_backward},
};

enum { N_KINDS = sizeof kind_roster / sizeof *kind_roster };
_Static_assert(N_KINDS == HEAD + 1, "the roster has a line for each rnn_kind");

/* For the boundary: name and options (or NULL) of a kind; NULL after the last one. */
static const char *describe_kind(int kind, const rnn_option **options)
{
    if (kind < 0 || kind >= N_KINDS)
        return NULL;
    *options = kind_roster[kind].options;
    return kind_roster[kind].name;
}

#endif
