"""Search for the tokens that a decoder gives a high probability: greedily, or with a beam.

What decodes has `step(tokens)`, which feeds the last token of each row and returns outputs before
the softmax (n_rows, n_tokens), and `reorder(rows)`, after which row i goes on from row ``rows[i]``.
At first it has one row per sequence. The token with the number `stop` ends an answer; fed at the
first step it stands for the start.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Answer(NamedTuple):
    """The tokens that were found for a sequence, without the stop."""

    tokens: np.ndarray  # (n,) intp
    log_likelihood: float  # of these tokens, and of the stop unless the answer was cut


def log_softmax(outputs):
    """Return log-probabilities (n_rows, n_tokens) in float64 from outputs before the softmax."""
    outputs = outputs.astype(np.float64)
    outputs -= outputs.max(axis=1, keepdims=True)
    return outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))


def greedy(decoder, n_sequences, stop, max_length):
    """Take the most probable token at each step; return the tokens (n_i,) of each sequence.

    An answer that does not stop within `max_length` tokens is cut there.
    """
    owners, found = [], []
    owner, tokens = np.arange(n_sequences), np.full(n_sequences, stop)
    for _ in range(max_length):
        tokens = decoder.step(tokens).argmax(axis=1)
        going = np.flatnonzero(tokens != stop)
        if len(going) == 0:
            break
        if len(going) < len(tokens):
            owner, tokens = owner[going], tokens[going]
            decoder.reorder(going)
        owners.append(owner)
        found.append(tokens)
    return _by_owner(owners, found, n_sequences)


def _by_owner(owners, found, n_sequences):
    """Gather the tokens of each step, with the sequences that they belong to, by sequence."""
    if not owners:
        return [np.zeros(0, dtype=np.intp) for _ in range(n_sequences)]
    owner, tokens = np.concatenate(owners), np.concatenate(found)
    ends = np.cumsum(np.bincount(owner, minlength=n_sequences))
    return np.split(tokens[np.argsort(owner, kind="stable")], ends[:-1])


def beam_search(decoder, n_sequences, stop, width, max_length, length_penalty):
    """Keep the `width` most probable beginnings of each answer (Sutskever et al., 2014).

    An answer that stops leaves the beam, which then goes on with one beginning less, so that
    `width` answers are found in the end; those that do not stop within `max_length` tokens are cut.

    Returns
    -------
    answers : list of lists of Answer
        For each sequence at most `width` answers, best first: in the order of their log-likelihood
        divided by ``n ** length_penalty``, where n counts their tokens and the stop.
    """
    beam = _Beam(n_sequences, stop, width)
    for _ in range(max_length):
        rows = beam.extend(log_softmax(decoder.step(beam.tokens)))
        if len(rows) == 0:
            break
        decoder.reorder(rows)
    beam.cut()
    return [_ranked(answers, length_penalty) for answers in beam.answers]


def _ranked(answers, length_penalty):
    """Sort pairs (answer, number of its tokens and stop), best first; return the answers."""

    def value(pair):
        answer, n = pair
        return answer.log_likelihood / n**length_penalty

    return [answer for answer, _ in sorted(answers, key=value, reverse=True)]


class _Beam:
    """The beginnings of answers, by rows in the order of their sequences, and answers found."""

    def __init__(self, n_sequences, stop, width):
        self.stop = stop
        self.owner = np.arange(n_sequences)  # (n_rows,) the sequence of each row
        self.tokens = np.full(n_sequences, stop)  # (n_rows,) the last token of each row
        self.log_likelihood = np.zeros(n_sequences)
        self.room = np.full(n_sequences, width)  # (n_sequences,) beginnings that may go on
        self.steps = []  # the row of the step before, and the token, of each row
        self.answers = [[] for _ in range(n_sequences)]

    def extend(self, log_p):
        """Extend the rows by the best tokens; return the rows from which the new ones go on."""
        rows, tokens, values = self._best(self.log_likelihood[:, np.newaxis] + log_p)
        stops = tokens == self.stop
        for row, value in zip(rows[stops], values[stops], strict=True):
            self._finish(row, value, len(self.steps) + 1)
        self.room -= np.bincount(self.owner[rows[stops]], minlength=len(self.room))
        rows, self.tokens, self.log_likelihood = (v[~stops] for v in (rows, tokens, values))
        self.steps.append((rows, self.tokens))
        self.owner = self.owner[rows]
        return rows

    def _best(self, values):
        """Return row, token and value of the best of values (n_rows, n_tokens) per sequence."""
        n_rows, n_tokens = values.shape
        k = min(int(self.room.max()), n_tokens)
        tokens = np.argpartition(-values, k - 1, axis=1)[:, :k].ravel()
        rows = np.repeat(np.arange(n_rows), k)
        values, owner = values[rows, tokens], self.owner[rows]
        order = np.lexsort((tokens, rows, -values, owner))
        rank = np.arange(len(order)) - np.searchsorted(owner, owner)  # `owner` is in order
        kept = order[rank < self.room[owner]]
        return rows[kept], tokens[kept], values[kept]

    def cut(self):
        """Take the rows that have not stopped as answers."""
        for row, value in enumerate(self.log_likelihood):
            self._finish(row, value, len(self.steps))

    def _finish(self, row, value, n):
        """Add the beginning of a row to the answers; n: its tokens, and 1 if it has stopped."""
        owner, tokens = self.owner[row], []
        for rows, chosen in reversed(self.steps):
            tokens.append(chosen[row])
            row = rows[row]
        tokens = np.array(tokens[::-1], dtype=np.intp)
        self.answers[owner].append((Answer(tokens, float(value)), n))
