"""A network of encoder and decoder that answers step by step, for many sequences."""

from __future__ import annotations

import numpy as np

from .. import _core
from .decoding import beam_search, greedy
from .network import ready

# Of one group of sequences: more take more memory, and are no faster.
MOST_ROWS, MOST_STEPS = 256, 1 << 17


class Answerer:
    """Decodes for some sequences with the weights that `load` was given.

    The sequences are decoded in groups of about equal length. `width` is the number of rows that a
    sequence may have. A row's results depend on no other row.
    """

    def __init__(self, network, sequences, scaling, width=1):
        n = sequences.n_samples
        self.network, self.n_sequences = network, n
        fitting = MOST_STEPS // int(sequences.lengths.max())
        self.size = max(1, min(n, fitting, MOST_ROWS // width))
        self.order = np.argsort(-sequences.lengths, kind="stable")
        self.source = _core.Dataset(
            sequences.values, sequences.offsets, None, None, *(scaling or (None, None))
        )
        longest = sequences.lengths[self.order[: self.size]]
        self.decoder = network.decoder(longest, self.size * width)

    def load(self, params):
        self.decoder.load(params)

    def run(self, decode):
        """Return the results of decode(decoder, indices), one for each sequence, in their order."""
        results = [None] * self.n_sequences
        with ready(self.decoder):
            for start in range(0, self.n_sequences, self.size):
                indices = np.ascontiguousarray(self.order[start : start + self.size], np.intp)
                self.decoder.begin(self.source, indices)
                decoded = decode(self.decoder, indices)
                for i, result in zip(indices, decoded, strict=True):
                    results[i] = result
        return results


class TokenSteps:
    """What the searches of `decoding` need: tokens in, outputs before the softmax out."""

    def __init__(self, decoder):
        self.decoder = decoder

    def step(self, tokens):
        fed = np.ascontiguousarray(tokens[:, np.newaxis], dtype=np.float32)
        return self.decoder.step(fed, raw=True)

    def reorder(self, rows):
        self.decoder.reorder(np.ascontiguousarray(rows, dtype=np.intp))


def greedy_answers(answerer, stop, max_length):
    """Return the tokens of each sequence, see `decoding.greedy`."""
    return answerer.run(
        lambda decoder, indices: greedy(TokenSteps(decoder), len(indices), stop, max_length)
    )


def beam_answers(answerer, stop, width, max_length, length_penalty):
    """Return the best answers of each sequence, see `decoding.beam_search`."""
    given = stop, width, max_length, length_penalty
    return answerer.run(
        lambda decoder, indices: beam_search(TokenSteps(decoder), len(indices), *given)
    )


def attention_along(answerer, fed):
    """Return the attention (n_steps_i, longest source) of each sequence when it reads `fed`."""

    def next_fed(_, indices, t):
        return fed.values[fed.offsets[indices] + t]

    return run_free(answerer, fed.lengths, next_fed, attention_of)


def attention_of(decoder, outputs):
    """Return the attention (n_rows, longest source) of the last step of a decoder."""
    return decoder.attention()


def outputs_of(decoder, outputs):
    return outputs


def run_free(answerer, lengths, next_fed, result=outputs_of):
    """Decode a given number of steps of each sequence, at least 1; list their rows.

    next_fed(outputs, indices, t) returns what is fed at step t to the sequences `indices`, where
    outputs are those of the step before, or None at the first. result(decoder, outputs) returns the
    rows of a step.
    """
    lengths = np.asarray(lengths, dtype=np.intp)

    def decode(decoder, indices):
        order = np.argsort(-lengths[indices], kind="stable")
        if (order != np.arange(len(order))).any():
            decoder.reorder(np.ascontiguousarray(order, dtype=np.intp))
        sequences, steps, outputs = indices[order], [], None
        for t in range(lengths[sequences[0]]):
            n = int(np.searchsorted(-lengths[sequences], -t))
            if n < len(sequences):
                decoder.reorder(np.arange(n, dtype=np.intp))
                sequences, outputs = sequences[:n], outputs[:n]
            outputs = decoder.step(np.ascontiguousarray(next_fed(outputs, sequences, t)))
            steps.append(result(decoder, outputs))
        results = [None] * len(indices)
        for row, i in enumerate(order):
            results[i] = np.stack([step[row] for step in steps[: lengths[indices[i]]]])
        return results

    return answerer.run(decode)
