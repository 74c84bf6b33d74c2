/* Where one direction of a recurrent node finds its rows in the present segment, and what it remembers from step to step. */
#ifndef SKLEARN_RNN_WALK_H
#define SKLEARN_RNN_WALK_H

#include "cells/roster.h"
#include "interface/job.h"
#include "nodes/recurrent_plan.h"
#include "plan/stages.h"
#include "run/slice.h"
#include "weights/gemm.h"

typedef struct {
    real *rows;                 /* (rows, ld) of all steps of the segment, or only of the present one */
    const real *before;         /* (rows, ld) of the step before the segment, where all are kept */
    isize ld;
    int kept;
    const real *initial;        /* (Hp,) with which sequences begin */
    real *d;                    /* (rows, Hp) gradient carried back in time */
} walk_state;

/* Backward: steps whose gradients wait in cache until they make a block of rows. */
typedef struct {
    isize first, end;
    int accumulate;             /* the slice's gradient has a block already */
} waiting_rows;

static inline void begin_blocks(waiting_rows *w, const slice *s, int reverse)
{
    w->first = w->end = reverse ? s->first : s->end;
    w->accumulate = s->end < s->steps;
}

/* Add step t; whether the block is complete. */
static inline int is_block(waiting_rows *w, const slice *s, int reverse, isize t)
{
    w->first = least(w->first, t);
    w->end = most(w->end, t + 1);
    return rows_of(s, w->first, w->end) >= BLOCK_ROWS || t == (reverse ? s->end - 1 : s->first);
}

static inline void begin_next_block(waiting_rows *w, int reverse)
{
    w->first = w->end = reverse ? w->end : w->first;
    w->accumulate = 1;
}

struct walk {
    const rnn_node *node;
    const rnn_direction *direction;
    const cell_functions *cell;
    int d, reverse;
    int learns_initial;         /* sequences begin with states that are parameters */
    real *gates, *gradient;     /* gradient: that of the slice */
    walk_state state[MAX_STATES];
    state_norm norm;            /* of the state that h sees through one, where the node has norms */
    const real *d_out;
    isize ld_d_out;             /* 0: no gradient per step arrives, d_out is a row of zeros */
    waiting_rows waiting;
    const real *h_mask;         /* (rows, Hp) recurrent dropout, NULL: none now */
    real *dropped;              /* (rows, ld) h times its mask, or the gradient of that */
    real *zone;                 /* (Hp,) zoneout, NULL: none */
    int zone_is_random;
    operand *operands;          /* by group of blocks: its sources and, where it takes h, the previous state */
};

static inline walk *walk_of(const slice *s, int node, int d) { return &s->walks[node * MAX_DIRECTIONS + d]; }

/* (rows, ld) a state at step t, which may be the one before the segment */
static inline const real *state_rows(const slice *s, const walk_state *state, isize t)
{
    return state->kept && t < s->first ? state->before : state->rows + row_at(s, t, state->kept) * state->ld;
}

/* The operands of a walk are those of all its products; only their rows differ from step to step. */
static void set_operands(const rnn_job *job, const walk *w)
{
    const rnn_network *network = job->network;
    const rnn_node *node = w->node;
    operand *to = w->operands;
    for (int g = 0; g < node->declared.n_groups; g++) {
        const rnn_block_group *group = &node->declared.group[g];
        for (int i = 0; group->takes_x && i < node->n_sources; i++) {
            const rnn_source *source = source_of(network, node, i);
            *to++ = operand_of(stream_of(network, source), (const real *)job->packed + source->packed[w->d][g]);
        }
        if (group->takes_h)
            *to++ = (operand){.b = (const real *)job->packed + w->direction->u[g], .ld_a = w->state[0].ld, .n_runs = 1,
                              .run = node->units, .run_start = AT_ONCE};
    }
}

/* Before each segment. */
static void open_walk(rnn_job *job, const slice *s, int number, int d)
{
    const rnn_network *network = job->network;
    const rnn_node *node = &network->node[number];
    const rnn_stream *out = &node->out;
    walk *w = walk_of(s, number, d);
    *w = (walk){
        .node = node, .direction = &node->direction[d], .cell = &cell_roster[node->cell], .d = d,
        .reverse = node->direction[d].reverse, .learns_initial = learns_initial_states(node),
        .gates = s->arena + node->gates + d * node->gates_column,
        .gradient = network->training ? (real *)job->slice_gradients + s->index * network->gradient.size : NULL,
        .d_out = out->d >= 0 ? s->arena + out->d + out->start[d] : s->arena + network->zeros,
        .ld_d_out = out->d >= 0 ? out->ld_d : 0,
        .operands = (operand *)((char *)s->walks + node->operands) + d * node->n_operands,
    };
    for (int i = 0; i < node->declared.n_states; i++)
        w->state[i] = (walk_state){
            .rows = s->arena + node->state[i] + out->start[d],
            .before = s->arena + node->before[i] + carried_at(network, s, s->segment) * network->max_rows * out->ld + out->start[d],
            .ld = out->ld, .kept = keeps_state(network, node, i), .d = s->arena + node->d_state[i],
            .initial = w->learns_initial ? (const real *)job->packed + w->direction->initial[i] : s->arena + network->zeros};
    set_operands(job, w);
}

#endif
