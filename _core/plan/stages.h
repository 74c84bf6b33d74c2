/* Which nodes a result needs, in what order the loops go through them, and how long their streams live. */
#ifndef SKLEARN_RNN_STAGES_H
#define SKLEARN_RNN_STAGES_H

#include "interface/network.h"
#include "plan/kind.h"
#include "plan/sizes.h"

static void mark_needed(rnn_network *network, int number)
{
    rnn_node *node = &network->node[number];
    if (node->needed)
        return;
    node->needed = 1;
    for (int i = 0; i < node->n_sources + node->n_beginnings; i++)
        mark_needed(network, source_of(network, node, i)->node);
}

/* A prediction drops nothing: who reads a dropout node reads its source. */
static void pass_by_training_only(rnn_network *network)
{
    while (info_of(network, network->result)->training_only)
        network->result = source_of(network, &network->node[network->result], 0)->node;
    for (int i = 0; i < network->n_sources; i++) {
        rnn_source *source = &network->source[i];
        while (info_of(network, source->node)->training_only)
            source->node = source_of(network, &network->node[source->node], 0)->node;
    }
}

static int is_per_step(const rnn_network *network, int number)
{
    const rnn_rows rows = info_of(network, number)->rows;
    if (rows != ROWS_OF_SOURCE)
        return rows == ROW_PER_STEP;
    return is_per_step(network, source_of(network, &network->node[number], 0)->node);
}

static int goes_backwards(const rnn_node *node)
{
    return node->n_directions > 1 || node->direction[0].reverse;
}

/* Whether these nodes can go step by step together: in one direction, each with one row per step. */
static int can_interleave(const rnn_network *network, int first, int end)
{
    int reverse = -1;
    for (int i = first; i < end; i++) {
        const rnn_node *node = &network->node[network->order[i]];
        if (!is_per_step(network, network->order[i]))
            return 0;
        if (!info_of(network, network->order[i])->has_directions)
            continue;
        if (node->n_directions > 1 || (reverse >= 0 && reverse != node->direction[0].reverse))
            return 0;
        reverse = node->direction[0].reverse;
    }
    return 1;
}

/* Whether a node can take all steps of a segment at once: it must not read itself. */
static int goes_by_segment(const rnn_network *network, int number)
{
    const rnn_node *node = &network->node[number];
    for (int i = 0; i < node->n_sources; i++)
        if (source_of(network, node, i)->node == number)
            return 0;
    return kind_of(network, number)->forward != NULL;
}

static void add_stage(rnn_network *network, int first, int end)
{
    rnn_stage *stage = &network->stage[network->n_stages++];
    *stage = (rnn_stage){.axis = network->node[network->order[first]].axis, .first = first, .end = end, .n_directions = 1,
                         .by_segment = end == first + 1 && goes_by_segment(network, network->order[first])};
    for (int i = first; i < end; i++) {
        rnn_node *node = &network->node[network->order[i]];
        node->stage = network->n_stages - 1;
        stage->work += node->work;
        for (int j = 0; j < node->n_sources; j++)
            stage->reach = (int)most(stage->reach, source_of(network, node, j)->shift);
        if (!info_of(network, network->order[i])->has_directions)
            continue;
        stage->n_directions = node->n_directions;
        for (int d = 0; d < node->n_directions; d++)
            stage->reverse[d] = node->direction[d].reverse;
    }
}

/* End of the stage that begins at node `first` of the order: after the last node that one of its nodes reads, or -1 if a node
 * reads a later one at the same step. */
static int loop_end(const rnn_network *network, int first, const int *place)
{
    int end = first + 1, is_loop = 0;
    for (int i = first; i < end; i++) {
        const rnn_node *node = &network->node[network->order[i]];
        for (int j = 0; j < node->n_sources; j++) {
            const rnn_source *source = source_of(network, node, j);
            if (place[source->node] < i)
                continue;
            if (source->shift == 0)
                return -1;
            is_loop = 1;
            end = (int)most(end, place[source->node] + 1);
        }
    }
    return is_loop && !can_interleave(network, first, end) ? -1 : end;
}

/* In a prediction the data need not be kept if only the next stage reads them, each step at its turn: they become part of it. */
static void join_data(rnn_network *network)
{
    if (network->training || network->n_stages < 2 || !network->node[0].needed)
        return;
    const rnn_stage *next = &network->stage[1];
    if (next->by_segment || next->axis != network->stage[0].axis)
        return;
    for (int i = 0; i < network->n_ordered; i++) {
        const rnn_node *node = &network->node[network->order[i]];
        for (int j = 0; j < node->n_sources; j++) {
            const rnn_source *source = source_of(network, node, j);
            if (source->node == 0 && (node->stage != 1 || source->shift > 0))
                return;
        }
    }
    network->stage[1].first = 0;
    for (int i = 1; i < network->n_ordered; i++)
        network->node[network->order[i]].stage--;
    network->n_stages--;
    for (int i = 0; i < network->n_stages; i++)
        network->stage[i] = network->stage[i + 1];
}

/* List the needed nodes of an axis, its data first; returns whether any of them reads no others. */
static int order_axis(rnn_network *network, int a, int *place)
{
    rnn_axis *axis = &network->axis[a];
    int reads_X = 0;
    axis->first_node = network->n_ordered;
    for (int turn = -1; turn < network->n_nodes; turn++) {
        const int i = turn < 0 ? axis->data : turn;
        if (!network->node[i].needed || network->node[i].axis != a || turn == axis->data)
            continue;
        reads_X |= network->node[i].n_sources == 0;
        place[i] = network->n_ordered;
        network->order[network->n_ordered++] = i;
    }
    axis->end_node = network->n_ordered;
    return reads_X;
}

/* Derive the stages of an axis; see `order_stages`. */
static int add_stages(rnn_network *network, const rnn_axis *axis, const int *place, int *first)
{
    const int after_data = axis->first_node + network->node[axis->data].needed,
              by_step = network->by_step && (!network->session || axis == &network->axis[last_axis(network)]);
    int end_per_step = axis->first_node;
    while (end_per_step < axis->end_node && is_per_step(network, network->order[end_per_step]) &&
           !info_of(network, network->order[end_per_step])->of_sequences)
        end_per_step++;
    for (int i = axis->first_node, end; i < axis->end_node; i = end) {
        end = loop_end(network, i, place);
        if (by_step && i == after_data)
            end = end < 0 || !can_interleave(network, i, end_per_step) ? -1 : (int)most(end, end_per_step);
        *first = network->order[i];
        if (end < 0)
            return -1;
        add_stage(network, i, end);
    }
    return 0;
}

/* Derive the stages, axis by axis; returns 0, or -1 if there is no order of the loops: then `first` is the node with which the
 * trouble begins. */
static int order_stages(rnn_network *network, int *first)
{
    int place[MAX_NODES], reads_X = 0, stage = 0;
    *first = network->result;
    network->n_ordered = network->n_stages = 0;
    for (int a = 0; a < network->n_axes; a++)
        reads_X |= order_axis(network, a, place);
    if (!reads_X)       /* loops that read nothing but each other */
        return -1;
    for (int a = 0; a < network->n_axes; a++)
        if (add_stages(network, &network->axis[a], place, first))
            return -1;
    join_data(network);
    for (int a = 0; a < network->n_axes; a++) {
        network->axis[a].first_stage = stage;
        while (stage < network->n_stages && network->stage[stage].axis == a)
            stage++;
        network->axis[a].end_stage = stage;
    }
    return 0;
}

/* ---- how long the streams live, and who writes their gradients ---- */

/* Whether state i of a recurrent node is kept for all steps of a segment. */
static inline int keeps_state(const rnn_network *network, const rnn_node *node, int i)
{
    return i == 0 ? node->out.life == KEPT : network->training;
}

/* The first node that reads the last rows of a recurrent node passes its gradient on as what back-propagation begins with. */
static void find_seeds(rnn_network *network)
{
    for (int i = 0; i < network->n_nodes; i++)
        network->node[i].seeded_by = -1;
    for (int i = 0; i < network->n_ordered; i++) {
        const int number = network->order[i];
        rnn_node *node = &network->node[number];
        if (!info_of(network, number)->only_last_rows)
            continue;
        const int read = source_of(network, node, 0)->node;
        rnn_node *from = &network->node[read];
        node->seeds = info_of(network, read)->may_be_seeded && from->seeded_by < 0;
        if (node->seeds)
            from->seeded_by = number;
    }
}

/* Whether the buffer of the present step ends with the last row of each sequence: it does if the steps are gone through one by
 * one in the direction of the stream, since the rows of sequences that have ended are left alone. */
static int ends_with_last(const rnn_network *network, int number)
{
    const rnn_stream *out = &network->node[number].out;
    if (network->stage[network->node[number].stage].by_segment)
        return 0;
    return info_of(network, number)->has_directions || !(out->backwards[0] || out->backwards[1]);
}

/* Mark the streams that have gradients: those that depend on parameters that are not frozen, or on X if its gradient is asked
 * for. */
static void find_learning(rnn_network *network)
{
    int changed = 1;
    for (int i = 0; i < network->n_nodes; i++)
        network->node[i].learns = i == 0 ? network->input_gradient
                                         : kind_of(network, i)->add_weights != NULL && !network->node[i].frozen;
    while (changed) {       /* nodes without parameters may be in a loop */
        changed = 0;
        for (int i = 0; i < network->n_ordered; i++) {
            rnn_node *node = &network->node[network->order[i]];
            for (int j = 0; j < node->n_sources + node->n_beginnings && !node->learns; j++)
                changed |= node->learns = network->node[source_of(network, node, j)->node].learns;
        }
    }
}

/* List the nodes that have a backward, stage by stage. Its work is the products for sources and previous states, and those for
 * weights unless all are frozen. */
static void order_backward(rnn_network *network)
{
    int n = 0;
    for (int i = 0; i < network->n_stages; i++) {
        rnn_stage *stage = &network->stage[i];
        stage->first_back = n;
        stage->work_back = 0;
        for (int j = stage->first; j < stage->end; j++) {
            rnn_node *node = &network->node[network->order[j]];
            node->work_back = node->learns ? (2 - node->frozen) * node->work : 0;
            stage->work_back += node->work_back;
            if (node->learns)
                network->order_back[n++] = network->order[j];
        }
        stage->end_back = n;
    }
}

/* What one reader asks of a stream. */
static void serve_reader(rnn_network *network, int reader, rnn_source *source)
{
    const rnn_node *node = &network->node[reader], *from = &network->node[source->node];
    rnn_stream *out = stream_of(network, source);
    const rnn_stage *stage = &network->stage[node->stage];
    const int other_stage = node->stage != from->stage, only_last_rows = info_of(network, reader)->only_last_rows;
    source->overwrites = 0;
    source->at_once = source->shift > 0 || stage->end > stage->first + 1;
    out->reach = (int)most(out->reach, source->shift);
    if (out->life == NOWHERE)
        out->life = PRESENT;
    if (out->life == PRESENT &&
        ((other_stage && !(only_last_rows && ends_with_last(network, source->node))) || source->shift > 0))
        out->life = KEPT;
    if (node->seeds || !from->learns)
        return;
    out->has_gradient = network->training;
    out->zeroed |= source->shift > 0 || only_last_rows || node->axis != from->axis;
}

/* The last reader comes first in backward: unless the gradient begins with zeros, it overwrites what was there. */
static void choose_first_writer(rnn_network *network, int number)
{
    for (int i = network->n_ordered - 1; i >= 0; i--) {
        const rnn_node *reader = &network->node[network->order[i]];
        for (int j = 0; j < reader->n_sources && !reader->seeds; j++) {
            rnn_source *source = source_of(network, reader, j);
            if (source->node == number) {
                source->overwrites = 1;
                return;
            }
        }
    }
}

/* Which streams have a step before the first: those of cells that begin with given states, also where they are only passed on. */
static void find_beginnings(rnn_network *network)
{
    for (int a = 0; a < network->n_axes; a++)
        network->axis[a].has_beginning = network->carried && a == last_axis(network);
    for (int i = 0; i < network->n_ordered; i++) {
        const int number = network->order[i];
        rnn_node *node = &network->node[number];
        if (node->n_beginnings)
            node->out.begins_with = number;
        else if (info_of(network, number)->training_only)
            node->out.begins_with = stream_of(network, source_of(network, node, 0))->begins_with;
        network->axis[node->axis].has_beginning |= node->n_beginnings;
    }
}

static void choose_lifetimes(rnn_network *network)
{
    find_seeds(network);
    find_learning(network);
    order_backward(network);
    for (int i = 0; i < network->n_ordered; i++) {
        const int number = network->order[i];
        rnn_node *node = &network->node[number];
        const int on_demand = info_of(network, number)->on_demand, is_result = number == network->result && !on_demand;
        node->out.life = on_demand ? NOWHERE
                       : !is_per_step(network, number) ? ONCE
                       : network->training || is_result ? KEPT
                       : PRESENT;
    }
    for (int i = 0; i < network->n_ordered; i++) {
        const rnn_node *node = &network->node[network->order[i]];
        for (int j = 0; j < node->n_sources + node->n_beginnings; j++)
            serve_reader(network, network->order[i], source_of(network, node, j));
    }
    find_beginnings(network);
    for (int i = 0; i < network->n_ordered; i++)
        if (!network->node[network->order[i]].out.zeroed)
            choose_first_writer(network, network->order[i]);
}

#endif
