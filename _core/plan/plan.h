/* The sizes and positions of all arrays of a network, worked out once per fit, and only here. */
#ifndef SKLEARN_RNN_PLAN_H
#define SKLEARN_RNN_PLAN_H

#include "interface/wish.h"
#include "plan/kind.h"
#include "plan/region.h"
#include "plan/segments.h"
#include "plan/sizes.h"
#include "plan/slices.h"
#include "plan/stages.h"
#include "plan/weights.h"

/* Prediction keeps the states of about this many rows (steps x sequences) at a time: few enough to stay in cache. */
enum { PREDICT_SEGMENT_ROWS = 1024 };
/* The steps of a slice stay below this, so that their products with a few gates cannot overflow before they are checked. */
static const isize MOST_STEPS = (isize)1 << 60;
/* More multiplications per row than any network that fits into memory has. */
static const double MOST_WORK = (double)((isize)1 << 45);

/* ---- shapes ---- */

static void shape_node(rnn_network *network, int number)
{
    rnn_node *node = &network->node[number];
    const node_kind *kind = kind_of(network, number);
    node->needed = 0;
    node->gates = -1;
    node->declared = (rnn_cell){0};
    if (kind->declare)
        kind->declare(node);
    kind->shape(network, number, node->n_sources ? stream_of(network, source_of(network, node, 0)) : NULL);
    if (!kind->info.is_tail)        /* nobody reads its rows */
        network->widest = most(network->widest, node->width);
}

/* Multiplications of each node per row, forward; all shapes must be known. */
static void count_work(rnn_network *network)
{
    for (int i = 0; i < network->n_nodes; i++) {
        rnn_node *node = &network->node[i];
        double inputs = 0;      /* sizes have not been checked yet */
        for (int j = 0; j < node->n_sources; j++)
            inputs += (double)columns_of(network, source_of(network, node, j));
        const double work = kind_of(network, i)->work ? kind_of(network, i)->work(node, inputs) : 0;
        node->work = work < MOST_WORK ? (isize)work : (isize)MOST_WORK;
    }
}

/* Multiplications of a minibatch forward, and back in training; n_steps: those of each axis. */
static double work_of(const rnn_network *network, const isize *n_steps, isize n_sequences)
{
    double total = 0;
    for (int i = 0; i < network->n_ordered; i++) {
        const rnn_node *node = &network->node[network->order[i]];
        const int read = node->n_sources ? source_of(network, node, 0)->node : network->order[i];
        const isize rows = is_per_step(network, read) ? n_steps[node->axis] : n_sequences;
        total += (double)rows * (double)(node->work + (network->training ? node->work_back : 0)) * node->n_directions;
    }
    return total;
}

/* ---- memory ---- */

/* Whether an axis is not cut into segments: the source of a network of two axes, one that a node goes through backwards, and in a
 * prediction one whose results need all steps. */
static int is_one_segment(const rnn_network *network, int a)
{
    const rnn_axis *axis = &network->axis[a];
    if (a < last_axis(network) || (!network->training && info_of(network, network->result)->of_sequences))
        return 1;
    for (int i = axis->first_node; i < axis->end_node; i++)
        if (goes_backwards(&network->node[network->order[i]]))
            return 1;
    return 0;
}

static int greatest_reach(const rnn_network *network, const rnn_axis *axis)
{
    int reach = 0;
    for (int i = axis->first_node; i < axis->end_node; i++)
        reach = (int)most(reach, network->node[network->order[i]].out.reach);
    return reach;
}

/* A node of some kinds that alone reads a stream changes its gradient in place. */
static int works_in_place(const rnn_network *network, int number)
{
    const rnn_node *node = &network->node[number];
    const rnn_source *source = source_of(network, node, 0);
    int n_readers = 0;
    if (!info_of(network, number)->in_place)
        return 0;
    const int fits = node->out.ld_d == stream_of(network, source)->ld_d;
    for (int i = 0; i < network->n_ordered; i++) {
        const rnn_node *reader = &network->node[network->order[i]];
        for (int j = 0; j < reader->n_sources + reader->n_beginnings; j++)
            n_readers += source_of(network, reader, j)->node == source->node;
    }
    return fits && n_readers == 1 && !node->out.reach && source->node != 0 && stream_of(network, source)->has_gradient;
}

static void claim_stream(rnn_network *network, int number, isize n_before)
{
    rnn_region *arena = &network->arena;
    rnn_node *node = &network->node[number];
    rnn_stream *out = &node->out;
    const isize rows = network->max_rows, kept = out->life == KEPT ? axis_of(network, node)->segment_rows : rows;
    if (out->life != NOWHERE)
        out->at = claim(arena, kept, out->ld);
    out->before = claim(arena, times(n_before, rows), out->reach * out->ld);
    if (!out->has_gradient)
        return;
    if (works_in_place(network, number))
        out->d = network->node[source_of(network, node, 0)->node].out.d;
    else
        out->d = claim(arena, kept, out->ld_d);
}

/* Room for the gradients of shifted sources: of one step or a block of them, and of the steps before a segment. */
static void claim_left_over(rnn_network *network, const rnn_node *node)
{
    const isize rows = network->max_rows + (network->stage[node->stage].by_segment ? BLOCK_ROWS : 0);
    const int has_segments = axis_of(network, node)->max_segments > 1;
    for (int i = 0; i < node->n_sources; i++) {
        rnn_source *source = source_of(network, node, i);
        const rnn_stream *from = stream_of(network, source);
        if (source->shift == 0 || !from->has_gradient)
            continue;
        const isize left_over = has_segments || from->begins_with ? source->shift * network->max_rows : 0;
        source->left_over = claim(&network->arena, left_over, from->ld_d);
        network->rows_passed = most(network->rows_passed, rows);
        network->widest_passed = most(network->widest_passed, from->ld_d);
    }
}

/* Copies of rows of earlier steps that the weight gradients of a node need; makes their rows long enough. */
static int count_gathered(rnn_network *network, const rnn_node *node)
{
    int n = node->declared.n_h > 0;
    for (int i = 0; i < node->n_sources; i++) {
        const rnn_source *source = source_of(network, node, i);
        if (source->shift == 0)
            continue;
        n++;
        network->ld_gathered = most(network->ld_gathered, row_length(stream_of(network, source)->ld));
    }
    return n;
}

/* How many segments keep what they begin with. */
static isize segments_with_before(const rnn_network *network, const rnn_axis *axis)
{
    return network->training ? axis->max_segments - 1 + axis->has_beginning : most(axis->max_segments > 1, axis->has_beginning);
}

static void plan_arena(rnn_network *network)
{
    rnn_region *arena = &network->arena;
    const int training = network->training;
    const isize waiting = network->max_rows + BLOCK_ROWS;
    int n_gathered = 0;
    *arena = (rnn_region){0};
    network->rows_passed = network->widest_passed = 0;
    network->ld_gathered = row_length(network->widest);
    for (int i = 0; i < network->n_ordered; i++) {
        const int number = network->order[i];
        rnn_node *node = &network->node[number];
        const isize n_before = segments_with_before(network, axis_of(network, node));
        claim_stream(network, number, n_before);
        if (kind_of(network, number)->claim)
            kind_of(network, number)->claim(network, node, n_before);
        claim_left_over(network, node);
        if (training ? info_of(network, number)->gathers : info_of(network, number)->gathers_forward)
            n_gathered = (int)most(n_gathered, count_gathered(network, node));
    }
    network->zeros = claim(arena, 1, network->widest);
    network->logits = claim(arena, waiting, network->head >= 0 ? network->node[network->head].width : 0);
    for (int i = 0; i < n_gathered; i++)
        network->gathered[i] = claim(arena, waiting, network->ld_gathered);
    if (!training)
        return;
    network->panel = claim(arena, waiting, PANEL_COLUMNS);
    network->passed = claim(arena, network->rows_passed, network->widest_passed);
}

static isize claim_ints(rnn_network *network, isize n)
{
    const isize at = network->n_ints;
    network->n_ints += n;
    return at;
}

/* A worker's integers, and the walks of all its recurrent nodes. */
static void plan_bookkeeping(rnn_network *network)
{
    network->n_ints = 0;
    for (int a = 0; a < network->n_axes; a++) {
        rnn_axis *axis = &network->axis[a];
        axis->offset = claim_ints(network, axis->max_steps + 1);
        axis->length = claim_ints(network, network->max_rows);
        axis->sample = claim_ints(network, network->max_rows);
        axis->bounds = claim_ints(network, axis->max_segments + 1);
        axis->source_row = claim_ints(network, a > 0 ? network->max_rows : 0);
    }
    network->walk_bytes = network->n_nodes * MAX_DIRECTIONS * network->walk_size;
    for (int i = 0; i < network->n_nodes; i++) {
        rnn_node *node = &network->node[i];
        node->operands = network->walk_bytes;
        node->n_operands = kind_of(network, i)->n_operands ? kind_of(network, i)->n_operands(node) : 0;
        network->walk_bytes += node->n_directions * node->n_operands * network->operand_size;
    }
    network->walk_bytes = (network->walk_bytes + 63) / 64 * 64;
}

/* Where the carried states are before the first step. */
static void place_carried(rnn_network *network)
{
    for (int i = 0; i < network->n_carried; i++) {
        rnn_carried *carried = &network->carried_state[i];
        const rnn_node *node = &network->node[carried->node];
        if (carried->state < 0)
            carried->at = node->out.before + carried->back * network->max_rows * node->out.ld;
        else
            carried->at = keeps_state(network, node, carried->state) ? node->before[carried->state] : node->state[carried->state];
    }
}

/* Everything that depends on the rows that an arena keeps of the last axis; returns the bytes of all arenas, or -1. */
static isize plan_segments(rnn_network *network, isize segment_rows)
{
    for (int a = 0; a < network->n_axes; a++) {
        rnn_axis *axis = &network->axis[a];
        axis->segment_rows = a == last_axis(network) ? segment_rows : axis->max_slice_steps;
        axis->max_segments = most_segments(network, axis);
    }
    plan_arena(network);
    plan_bookkeeping(network);
    if (network->arena.size < 0)
        return -1;
    place_carried(network);
    const isize bytes = network->arena.size * (isize)sizeof(real) + network->n_ints * (isize)sizeof(isize);
    const isize total = times(network->n_workers, bytes);
    return total > LARGEST_REGION ? -1 : total + network->probe_bytes;
}

/* Shorten the segments, then use fewer workers, until the arenas fit into the budget. */
static rnn_plan_result keep_within(rnn_network *network, rnn_wish *wish)
{
    const rnn_axis *axis = &network->axis[last_axis(network)];
    const isize whole = axis->max_slice_steps, most_workers = network->n_workers,
                shortest = is_one_segment(network, last_axis(network)) ? whole
                                                                       : least_segment(network, greatest_reach(network, axis));
    wish->least_budget = -1;
    for (network->n_workers = most_workers; network->n_workers > 0; network->n_workers--)
        for (isize rows = whole;; rows = most(shortest, rows * 7 / 8)) {
            const isize needed = plan_segments(network, rows);
            if (needed >= 0 && needed <= wish->budget)
                return PLAN_MADE;
            if (needed >= 0 && (wish->least_budget < 0 || needed < wish->least_budget))
                wish->least_budget = needed;
            if (rows <= shortest)
                break;
        }
    return wish->least_budget < 0 ? PLAN_TOO_LARGE : PLAN_OVER_BUDGET;
}

/* Room for the gradients of the rows of tables that a slice touches. */
static void plan_touched(rnn_network *network)
{
    network->touched = (rnn_region){0};
    network->n_codes = 0;
    for (int i = 0; i < network->n_tensors && network->training; i++) {
        rnn_tensor *tensor = &network->tensor[i];
        if (!(tensor->is_table || tensor->is_tied) || tensor->frozen)
            continue;
        const int reader = tensor->is_tied ? network->tied : tensor->node;
        tensor->ld_touched = whole_vectors(tensor->columns);
        tensor->most_touched = least(tensor->units, axis_of(network, &network->node[reader])->max_slice_steps);
        tensor->codes = network->n_codes;
        network->n_codes += 1 + 2 * tensor->most_touched;
        tensor->touched = claim(&network->touched, tensor->most_touched, tensor->ld_touched);
    }
}

/* The steps of the largest slice; 0 if they are too many. */
static int count_steps(rnn_network *network, const rnn_wish *wish)
{
    network->max_steps = 1;
    for (int a = 0; a < network->n_axes; a++) {
        rnn_axis *axis = &network->axis[a];
        double total = 0;
        for (isize i = 0; i < least(network->max_rows, wish->n_lengths); i++)
            total += (double)wish->lengths[a][i];
        if (total > (double)MOST_STEPS)
            return 0;
        axis->max_steps = wish->n_lengths ? most(1, wish->lengths[a][0]) : 1;
        axis->max_slice_steps = (isize)most(1, (isize)total);
        network->max_steps = most(network->max_steps, axis->max_steps);
    }
    return 1;
}

/* The largest slice and its segments. */
static rnn_plan_result plan_slices(rnn_network *network, rnn_wish *wish)
{
    rnn_axis *axis = &network->axis[last_axis(network)];
    network->n_workers = wish->n_workers;
    wish->batch = network->session ? wish->n_lengths : largest_batch(network, wish->batch, wish->n_lengths);
    wish->n_slices = network->session ? 1 : slices_of(network, wish->batch);
    network->max_rows = most((wish->batch + wish->n_slices - 1) / wish->n_slices, least(wish->batch, rows_wanted(network)));
    if (!count_steps(network, wish))
        return PLAN_TOO_LONG;
    network->n_workers = least(network->n_workers, wish->n_slices);
    plan_touched(network);
    if (network->touched.size < 0)
        return PLAN_TOO_LARGE;
    network->probe_bytes = network->probe ? times(wish->n_slices * network->n_nodes * MAX_DIRECTIONS * (isize)sizeof(double),
                                                  network->max_steps)
                                          : 0;
    if (network->carried)
        axis->max_steps = most(axis->max_steps, 2);     /* a session counts the step before, too */
    isize segment_rows = axis->max_slice_steps;
    if (!network->training && !is_one_segment(network, last_axis(network)))
        segment_rows = least(segment_rows, PREDICT_SEGMENT_ROWS + least_segment(network, greatest_reach(network, axis)));
    if (network->training && wish->budget >= 0)
        return keep_within(network, wish);
    return plan_segments(network, segment_rows) < 0 ? PLAN_TOO_LARGE : PLAN_MADE;
}

/* A node that only in training stands between another and those who read it; a prediction passes it by. */
static int only_passes_on(const rnn_network *network, int number, int source)
{
    return info_of(network, number)->training_only && source_of(network, &network->node[number], 0)->node == source;
}

/* How many steps before the first are read of a stream, directly or through nodes that only pass it on. */
static int reach_of_readers(const rnn_network *network, int number)
{
    int reach = network->node[number].out.reach;
    for (int i = 0; i < network->n_ordered; i++)
        if (only_passes_on(network, network->order[i], number))
            reach = (int)most(reach, reach_of_readers(network, network->order[i]));
    return reach;
}

static int add_carried(rnn_network *network, int number, int state, int back)
{
    if (network->n_carried == MAX_CARRIED)
        return -1;
    network->carried_state[network->n_carried++] = (rnn_carried){
        .node = number, .state = state, .back = back, .column = network->state_columns};
    return 0;
}

/* One step of a stream, wherever it is read: all its places have the same columns. */
static int add_carried_stream(rnn_network *network, int number, int back)
{
    if (back < network->node[number].out.reach && add_carried(network, number, -1, back))
        return -1;
    for (int i = 0; i < network->n_ordered; i++)
        if (only_passes_on(network, network->order[i], number) && add_carried_stream(network, network->order[i], back))
            return -1;
    return 0;
}

/* The states that calls take and return, in the order of the nodes, which is the same in training and in a prediction; -1 if
 * there are too many. */
static int list_carried(rnn_network *network)
{
    network->n_carried = 0;
    network->state_columns = 0;
    for (int i = 0; i < network->n_ordered; i++) {
        const int number = network->order[i];
        const rnn_node *node = &network->node[number];
        if (info_of(network, number)->training_only || node->axis != last_axis(network))
            continue;
        /* a cell that reads the output, or another source in the place of h, does not read its h */
        for (int k = node->declared.reads_output || node->declared.h_from_source; k < node->declared.n_states;
             k++, network->state_columns += node->out.units)
            if (add_carried(network, number, k, 0))
                return -1;
        for (int back = 0; back < reach_of_readers(network, number); back++, network->state_columns += node->out.units)
            if (add_carried_stream(network, number, back))
                return -1;
    }
    return 0;
}

/* Fill in all that follows from what is given; without a wish only the parameters. */
static rnn_plan_result plan_network(rnn_network *network, rnn_wish *wish)
{
    network->widest = network->outputs = network->output_width = 0;
    network->packed = network->gradient = network->arena = (rnn_region){0};
    network->head = network->tied = -1;
    network->n_tails = 0;
    network->n_axes = 1 + network->node[network->result].axis;
    for (int a = 0; a < network->n_axes; a++)
        shape_node(network, network->axis[a].data);
    for (int i = 0; i < network->n_nodes; i++)
        shape_node(network, i);
    network->output_width = whole_vectors(network->outputs);
    count_work(network);
    if (!network->training)
        pass_by_training_only(network);
    mark_needed(network, network->result);
    for (int i = 0; i < network->n_tails && network->result == network->head; i++)
        mark_needed(network, network->tail[i]);
    if (order_stages(network, &wish->node))
        return PLAN_WITHOUT_ORDER;
    choose_lifetimes(network);
    plan_weights(network);
    if (network->n_params < 0 || network->packed.size < 0 || network->gradient.size < 0)
        return PLAN_TOO_LARGE;
    if (list_carried(network))
        return PLAN_TOO_LARGE;
    return wish->lengths[0] ? plan_slices(network, wish) : PLAN_MADE;
}

#endif
