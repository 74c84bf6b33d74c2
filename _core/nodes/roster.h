/* The roster of kinds of nodes. A kind is one file and its line here; plan, driver and Python read this list.
 *
 * A file defines, for the kind NAME, a table NAME_kind: what plan/kind.h says of it. Node 0 is of the first kind.
 */
#ifndef SKLEARN_RNN_NODES_H
#define SKLEARN_RNN_NODES_H

#include "nodes/add.h"
#include "nodes/attend.h"
#include "nodes/context.h"
#include "nodes/crf.h"
#include "nodes/data.h"
#include "nodes/dense.h"
#include "nodes/drop.h"
#include "nodes/embed.h"
#include "nodes/head.h"
#include "nodes/last.h"
#include "nodes/merge.h"
#include "nodes/noise.h"
#include "nodes/norm.h"
#include "nodes/pool.h"
#include "nodes/recurrent.h"
#include "nodes/tail.h"

static const node_kind kind_roster[] = {
    data_kind, recurrent_kind, dense_kind, drop_kind, noise_kind, add_kind, merge_kind, norm_kind, last_kind, pool_kind,
    attend_kind, context_kind, embed_kind, tail_kind, head_kind, crf_kind,
};

enum { N_KINDS = sizeof kind_roster / sizeof *kind_roster };

/* For the boundary: NULL after the last one. */
static const rnn_kind_info *describe_kind(int kind) { return kind < N_KINDS ? &kind_roster[kind].info : NULL; }

#endif
