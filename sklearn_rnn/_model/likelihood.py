"""The loss of each step of texts, in blocks: all outputs of a large vocabulary would not fit."""

import numpy as np

from .._data.packed import Packed
from .network import prepared

MOST_OUTPUTS = 1 << 24  # numbers of a block


def row_losses(network, params, examples, n_threads):
    """Return the loss of each step (n_steps,), float64, of a causal network; examples: `Examples`.

    A block has some whole sequences, or a part of a long one, whose states go on to the next part.
    The blocks do not change the result.
    """
    sequences = examples.sequences
    losses, most = np.empty(sequences.n_steps), max(1, MOST_OUTPUTS // network.n_outputs)
    for first, last in blocks(sequences.offsets, most):
        state = None if examples.initial_state is None else examples.initial_state[first:last]
        start, stop = sequences.offsets[[first, last]].tolist()
        offsets = sequences.offsets[first : last + 1] - start
        for part in range(start, stop, most if last == first + 1 else stop - start):
            rows = slice(part, min(part + most, stop) if last == first + 1 else stop)
            if last == first + 1:
                offsets = np.array([0, rows.stop - rows.start], dtype=np.intp)
            block = Packed(sequences.values[rows], offsets)
            losses[rows], state = _of_block(
                network, params, block, examples.targets[rows], n_threads, state
            )
    return losses


def blocks(offsets, most):
    """Cut sequences into blocks (first, last) of at most `most` steps, or of one sequence."""
    first, n_samples = 0, len(offsets) - 1
    while first < n_samples:
        fitting = int(np.searchsorted(offsets, offsets[first] + most, side="right")) - 1
        last = max(fitting, first + 1)
        yield first, last
        first = last


def _of_block(network, params, block, targets, n_threads, state):
    """Return the losses of a block, and the states after its sequences."""
    engine, dataset = prepared(
        network, block, None, n_threads, initial_state=state, targets=targets
    )
    engine.load(params)
    outputs, state = engine.predict(dataset, raw=True, return_state=True)
    return engine.row_losses(dataset, outputs), state
