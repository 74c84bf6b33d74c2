"""A fitted network of encoder and decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import _core
from .._data.reconstruction import Reconstruction
from .decoding import log_softmax
from .fitted import FittedModel
from .halves import decode_from, last_states
from .network import ready
from .pair_decoder import (
    MOST_ROWS,
    MOST_STEPS,
    Answerer,
    attention_along,
    attention_of,
    beam_answers,
    greedy_answers,
    run_free,
)


@dataclass(frozen=True, eq=False)
class FittedPair(FittedModel):
    """A network of encoder and decoder with its weights, and what X and y mean to it."""

    def answerer(self, sequences, width=1):
        """Return what decodes for these sequences with these weights."""
        answerer = Answerer(self.network, sequences, self.scale.in_use, width)
        answerer.load(self.params)
        return answerer

    def taught_outputs(self, sequences, fed, n_threads, raw=False):
        """Return outputs (n_rows, n_outputs) when the decoder reads `fed`; raw: before the link."""
        network, scaling = self.network, self.scale.in_use or (None, None)
        engine = network.engine(
            sequences.lengths,
            sequences.n_samples,
            n_threads,
            training=False,
            target_lengths=fed.lengths,
        )
        source = _core.Dataset(sequences.values, sequences.offsets, None, None, *scaling)
        with ready(engine):
            engine.load(self.params)
            pairs = _core.PairedDataset(source, _core.Dataset(fed.values, fed.offsets))
            return self.finite(engine.predict(pairs, raw=raw))

    # ---- labels ----

    def answers(self, sequences, width, max_length, length_penalty):
        """Return the codes of the best answer to each sequence."""
        stop = self.target.stop
        if width == 1:
            return greedy_answers(self.answerer(sequences), stop, max_length)
        found = self.best_answers(sequences, width, max_length, length_penalty)
        return [answers[0].tokens for answers in found]

    def best_answers(self, sequences, width, max_length, length_penalty):
        """Return the best answers to each sequence, see `decoding.beam_search`."""
        answerer = self.answerer(sequences, width)
        return beam_answers(answerer, self.target.stop, width, max_length, length_penalty)

    def log_likelihoods(self, sequences, codes, n_threads):
        """Return the log-likelihood (n_samples,) of each sequence of codes, and of its stop.

        It is minus infinity if a code is -1, that of a label of no class.
        """
        found = [
            self._log_likelihoods(sequences.take(part), codes.take(part), n_threads)
            for part in _groups(codes.lengths + 1, MOST_STEPS)
        ]
        return np.concatenate(found)

    def _log_likelihoods(self, sequences, codes, n_threads):
        outputs = self.taught_outputs(sequences, self.target.fed(codes), n_threads, raw=True)
        wanted = self.target.with_stops(codes)
        log_p = log_softmax(outputs)[np.arange(len(outputs)), wanted.values.clip(min=0)]
        log_p[wanted.values < 0] = -np.inf
        return np.add.reduceat(log_p, wanted.offsets[:-1])

    # ---- numbers ----

    def forecasts(self, sequences, offsets, future):
        """Return outputs (n_steps, n_outputs) of a decoder that reads its own outputs.

        offsets: those of the steps; future: known inputs of the steps as Packed, or None.
        """
        next_fed = self._fed_back(offsets, future)
        rows = run_free(self.answerer(sequences), np.diff(offsets), next_fed)
        return self.finite(np.concatenate(rows))

    def _fed_back(self, offsets, future):
        known = None if future is None else self.target.normalised(future, self.network.dtype)
        return fed_back(self.network, self.target, offsets, known)

    # ---- attention ----

    def attention(self, sequences, codes):
        """Return the attention (n_labels_i, n_timesteps_i) of each sequence along its codes."""
        rows = attention_along(self.answerer(sequences), self.target.fed(codes))
        # The last row of each is that of the stop.
        return [row[:-1, :n] for row, n in zip(rows, sequences.lengths, strict=True)]

    def attention_of_forecasts(self, sequences, offsets, future):
        """Return the attention (n_steps_i, n_timesteps_i) of each sequence along its forecasts."""
        next_fed = self._fed_back(offsets, future)
        rows = run_free(self.answerer(sequences), np.diff(offsets), next_fed, attention_of)
        return [row[:, :n] for row, n in zip(rows, sequences.lengths, strict=True)]


@dataclass(frozen=True, eq=False)
class FittedAutoencoder(FittedPair):
    """A network of encoder and decoder that computes X again."""

    _target_in = Reconstruction.from_attributes

    @property
    def n_units(self):
        """Number of elements of a vector."""
        last = next(i for i, node in enumerate(self.network.nodes) if node.name == "initial_0")
        return sum(self.network.width(s.node) for s in self.network.nodes[last].sources)

    def vectors(self, sequences, n_threads):
        """Return the last states of the encoder (n_samples, n_units)."""
        facts = self.network, self.params, sequences, self.scale.in_use, n_threads
        return self.finite(last_states(*facts))

    def reconstructed(self, vectors, lengths):
        """Return the outputs (n_steps, n_outputs) for vectors, of so many steps each."""
        target, dtype = self.target, self.network.dtype

        def next_fed(outputs, n):
            fed = np.tile(target.start, (n, 1)) if outputs is None else target.answers(outputs)
            return fed.astype(dtype)

        parts = []
        for start in range(0, len(vectors), MOST_ROWS):
            part = slice(start, start + MOST_ROWS)
            facts = vectors[part], int(lengths[part].max()), next_fed
            steps = decode_from(self.network, self.params, *facts)
            parts += [row[:n] for row, n in zip(steps, lengths[part], strict=True)]
        return np.concatenate(parts)

    def scores(self, sequences, n_threads):
        """Return how well each sequence (n_samples,) is computed again from its vector."""
        outputs = self.reconstructed(self.vectors(sequences, n_threads), sequences.lengths)
        scores = self.target.log_likelihoods(self.target.encode(sequences).values, outputs)
        return np.add.reduceat(scores, sequences.offsets[:-1]) / sequences.lengths


def _groups(lengths, most):
    """Cut the numbers of sequences into groups of at most so many steps, or of one sequence."""
    group = (np.cumsum(lengths) - 1) // most
    return np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(group)) + 1)


def fed_back(network, target, offsets, known):
    """Return the function `next_fed` of `run_free` that feeds outputs back.

    known: the known inputs (n_steps, n_future) in the units of the network, or None.
    """
    n, dtype = target.n_outputs, network.dtype

    def next_fed(outputs, indices, t):
        fed = np.zeros((len(indices), target.n_fed), dtype=dtype)
        if outputs is not None:
            fed[:, :n] = outputs
        if known is not None:
            fed[:, n:] = known[offsets[indices] + t]
        return fed

    return next_fed
