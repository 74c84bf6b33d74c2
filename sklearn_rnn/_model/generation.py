"""Sequences that a network makes by itself: what it predicts is what it reads next."""

from dataclasses import dataclass

import numpy as np

MOST_OUTPUTS = 1 << 25  # numbers of the outputs of all sequences at one step
IN_CACHE = 1 << 17  # numbers that are worked on at a time
CHUNK = 32  # random numbers that are drawn for a sequence at a time


@dataclass(frozen=True)
class Choice:
    """How the next token is chosen from the outputs of the network before the softmax."""

    temperature: float  # 0: the most probable token
    top_k: int | None
    top_p: float | None
    excluded: tuple[int, ...]  # rows that are never chosen

    def __call__(self, z, u):
        """Return the column that is chosen in each row of z (n, n_outputs); u (n,) is in [0, 1)."""
        n_rows = max(1, IN_CACHE // z.shape[1])
        chosen = np.empty(len(z), dtype=np.intp)
        for rows in (slice(i, i + n_rows) for i in range(0, len(z), n_rows)):
            chosen[rows] = self._of_rows(z[rows], u[rows])
        return chosen

    def _of_rows(self, z, u):
        z = z.astype(np.float64)
        z[:, self.excluded] = -np.inf
        if self.temperature == 0:
            return z.argmax(axis=1)
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z / self.temperature)
        if self.top_k is None and self.top_p is None:
            return _inverse_cdf(p, u)
        order = _largest(p, self.top_k)
        p = np.take_along_axis(p, order, axis=1)
        if self.top_p is not None:
            before = np.cumsum(p, axis=1) - p
            p[before >= self.top_p * p.sum(axis=1, keepdims=True)] = 0
            p[:, 0] = np.maximum(p[:, 0], 1e-300)  # always kept, whatever the rounding
        return np.take_along_axis(order, _inverse_cdf(p, u)[:, np.newaxis], axis=1)[:, 0]


def _largest(p, k):
    """Return the columns of the k largest numbers in each row, the largest first; None: all."""
    n = p.shape[1]
    if k is None or k >= n:
        return np.argsort(-p, axis=1, kind="stable")
    # Among equal numbers the first column wins, also at the border.
    border = np.partition(p, n - k, axis=1)[:, n - k, np.newaxis]
    rank = np.where(p > border, 0, np.where(p == border, 1, 2)).astype(np.int8)
    kept = np.sort(np.argsort(rank, axis=1, kind="stable")[:, :k], axis=1)
    within = np.argsort(-np.take_along_axis(p, kept, axis=1), axis=1, kind="stable")
    return np.take_along_axis(kept, within, axis=1)


def _inverse_cdf(p, u):
    """Return for each row the first column whose cumulative share exceeds u."""
    total = np.cumsum(p, axis=1)
    # Rounding must not reach the sum itself, beyond which there is no column.
    at = np.minimum(u * total[:, -1], np.nextafter(total[:, -1], 0))
    return (total <= at[:, np.newaxis]).sum(axis=1)


class Uniforms:
    """Random numbers in [0, 1), a stream for each sequence that depends on seed and number only."""

    def __init__(self, seed, numbers):
        self.generators = [
            np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, i])) for i in numbers
        ]
        self.drawn = np.empty((len(self.generators), CHUNK))

    def at(self, step, rows):
        """Return the numbers of some sequences at a step, the one after that of the last call."""
        if step % CHUNK == 0:
            for row in rows.tolist():
                self.generators[row].random(out=self.drawn[row])
        return self.drawn[rows, step % CHUNK]


def advanced(network, params, codes, states, n):
    """Return a session of n sequences that has read `codes`, and its outputs before the link.

    states (n, n_columns) are those with which the sequences begin, or None.
    """
    m = n if states is not None else 1  # the same for all
    session, outputs = _session(network, params, m, states), None
    for code in codes.tolist():
        outputs = session.step(np.full((m, 1), code, dtype=np.float64), True)
    if m < n:
        states = np.repeat(session.state_rows(), n, axis=0)
        session, outputs = _session(network, params, n, states), np.repeat(outputs, n, axis=0)
    return session, outputs


def _session(network, params, n, states):
    session = network.session(n)
    session.load(params)
    if states is not None:
        session.set_state_rows(states)
    return session


def generate(network, params, prompt, states, n, max_length, choice, stop, seed):
    """Return a list of n arrays with what follows a prompt.

    The codes here are what the network reads and the number of its output. A sequence ends before
    the code `stop`, or after `max_length` codes. Sequence i does not depend on n. states: those
    with which the sequences begin (n, n_columns), or None.
    """
    most, result = max(1, MOST_OUTPUTS // network.n_outputs), []
    for first in range(0, n, most):
        numbers = range(first, min(first + most, n))
        own = None if states is None else states[first : first + most]
        session, z = advanced(network, params, prompt, own, len(numbers))
        written = _Written(len(numbers))
        uniforms = Uniforms(seed, numbers)
        _go_on(network, params, session, z, max_length, choice, stop, uniforms, written)
        result += written.cut()
    return result


def _go_on(network, params, session, z, max_length, choice, stop, uniforms, written):
    """Write codes until all sequences have ended; the session gives up rows of those that have."""
    owner = np.arange(session.n_sequences)  # the sequence of each row of the session
    going = np.ones(len(owner), dtype=bool)
    codes = np.zeros(len(owner), dtype=np.intp)
    for step in range(max_length):
        own = owner[going]
        codes[going] = choice(z[going], uniforms.at(step, own))
        going[going] = codes[going] != stop
        written.add(owner[going], codes[going])
        n_going = int(np.count_nonzero(going))
        if n_going == 0 or step == max_length - 1:
            return
        if 2 * n_going <= len(owner):
            states = session.state_rows()[going]
            session = _session(network, params, n_going, states)
            owner, codes = owner[going], codes[going]
            going = np.ones(n_going, dtype=bool)
        z = session.step(codes[:, np.newaxis].astype(np.float64), True)


class _Written:
    """The codes of sequences that grow, step by step, until each of them ends."""

    def __init__(self, n):
        self.codes, self.lengths = np.empty((n, CHUNK), dtype=np.int32), np.zeros(n, dtype=np.intp)

    def add(self, rows, codes):
        """Append a code to some sequences."""
        if len(rows) > 0 and self.lengths[rows[0]] == self.codes.shape[1]:
            self.codes = np.concatenate([self.codes, np.empty_like(self.codes)], axis=1)
        self.codes[rows, self.lengths[rows]] = codes
        self.lengths[rows] += 1

    def cut(self):
        return [row[:n] for row, n in zip(self.codes, self.lengths.tolist(), strict=True)]
