/* How a minibatch is cut into slices. The rule depends only on the minibatch and the network, never on threads, so that any
 * number of threads gives the same bits.
 */
#ifndef SKLEARN_RNN_SLICES_H
#define SKLEARN_RNN_SLICES_H

#include "interface/network.h"
#include "levels/real.h"
#include "plan/kind.h"
#include "plan/sizes.h"

/* Sequences of a slice; more for wide nodes, whose weights are read from memory for each step of each slice. */
enum { SLICE_ROWS = 8, WIDE_SLICE_ROWS = 16, WIDE_NODE = 256 };
/* Smaller minibatches still make two slices, if these have at least this many sequences. */
enum { FEWEST_SLICE_ROWS = 4 };
enum { MAX_SLICES = 32, MAX_GRADIENT_BYTES = 256 << 20 };
enum { PREDICT_SLICE_ROWS = 16, PREDICT_SLICES = 32 };

static isize rows_wanted(const rnn_network *network)
{
    if (!network->training)
        return PREDICT_SLICE_ROWS;
    for (int i = 0; i < network->n_nodes; i++)
        if (info_of(network, i)->has_cell && network->node[i].units >= WIDE_NODE)
            return WIDE_SLICE_ROWS;
    return SLICE_ROWS;
}

/* How many slices a minibatch is cut into. In a prediction, where a row's bits do not depend on the slices, there is at least
 * one for each worker. */
static isize slices_of(const rnn_network *network, isize batch)
{
    const isize rows = rows_wanted(network), wanted = (batch + rows - 1) / rows;
    if (!network->training)
        return most(wanted, least(network->n_workers, batch));
    const isize bytes = most(1, network->gradient.size * (isize)sizeof(real));
    return most(1, least(most(wanted, least(2, batch / FEWEST_SLICE_ROWS)), least(MAX_SLICES, MAX_GRADIENT_BYTES / bytes)));
}

/* The same once the plan is made. With accumulated gradients, a minibatch may be larger than planned; slices may not, so there
 * are more of them. */
static isize slices_that_fit(const rnn_network *network, isize batch)
{
    const isize wanted = slices_of(network, batch), rows = network->max_rows;
    return network->training ? most(wanted, (batch + rows - 1) / rows) : wanted;
}

/* Sequences in the largest minibatch that a call of the kernels takes. */
static isize largest_batch(const rnn_network *network, isize batch, isize n_sequences)
{
    return most(1, least(network->training ? batch : PREDICT_SLICE_ROWS * PREDICT_SLICES, n_sequences));
}

#endif
