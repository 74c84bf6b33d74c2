"""Generated problems with a known solution: adding, copying, parity."""

from __future__ import annotations

import numpy as np

from .._data.unpacking import as_objects
from .._typing import Array, Floats, Integer, Integers, RandomState
from .arguments import lengths_of, positive, random_numbers


def make_adding(
    n_samples: Integer = 1000, n_timesteps: Integer = 50, *, random_state: RandomState = None
) -> tuple[Floats, Floats]:
    """Generate the adding problem: the target is the sum of two marked numbers.

    One number is marked in each half of a sequence. To solve the problem, a network must remember a
    number for up to `n_timesteps` steps. Always predicting the mean has a mean squared error of
    1/6.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.
    n_timesteps : int, default=50
        Number of steps of each sequence, at least 2.
    random_state : int, RandomState instance or None, default=None
        Seed. An integer gives the same data at each call, on every platform.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 2)
        A number, uniform in [0, 1), and a marker, 0 or 1.
    y : ndarray of shape (n_samples,)
        The sum of the two marked numbers.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid.

    See Also
    --------
    make_copying : Generates a problem with one target per step.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.

    Examples
    --------
    >>> from sklearn_rnn.datasets import make_adding
    >>> X, y = make_adding(n_samples=3, n_timesteps=10, random_state=0)
    >>> X.shape
    (3, 10, 2)
    >>> bool(((X[:, :, 0] * X[:, :, 1]).sum(axis=1) == y).all())
    True
    """
    positive(n_samples=n_samples)
    positive(2, n_timesteps=n_timesteps)
    rng, half = random_numbers(random_state), n_timesteps // 2
    X = np.zeros((n_samples, n_timesteps, 2))
    X[:, :, 0] = rng.uniform(size=(n_samples, n_timesteps))
    rows = np.arange(n_samples)
    first = rng.randint(half, size=n_samples, dtype=np.int64)
    second = half + rng.randint(n_timesteps - half, size=n_samples, dtype=np.int64)
    X[rows, first, 1] = X[rows, second, 1] = 1
    return X, X[rows, first, 0] + X[rows, second, 0]


def make_copying(
    n_samples: Integer = 1000,
    *,
    n_symbols: Integer = 8,
    n_copied: Integer = 5,
    gap: Integer = 15,
    random_state: RandomState = None,
) -> tuple[Floats, Integers, Floats]:
    """Generate the copying problem: repeat symbols after a gap.

    A sequence has `n_copied` symbols, `gap` blanks and `n_copied` signals. At the signals, the
    symbols must be repeated in the same order. Only these last steps are learned: pass
    `sample_weight` to `fit`, with ``mode="many_to_many"``. Guessing has an accuracy of
    ``1 / n_symbols``.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.
    n_symbols : int, default=8
        Number of different symbols.
    n_copied : int, default=5
        Number of symbols to repeat.
    gap : int, default=15
        Number of blank steps between the symbols and the signals.
    random_state : int, RandomState instance or None, default=None
        Seed. An integer gives the same data at each call, on every platform.

    Returns
    -------
    X : ndarray of shape (n_samples, 2 * n_copied + gap, n_symbols + 2)
        One-hot vectors: a symbol, the blank or the signal.
    y : ndarray of int of shape (n_samples, 2 * n_copied + gap)
        The symbol to repeat at each signal; 0 before the signals.
    sample_weight : ndarray of shape (n_samples, 2 * n_copied + gap)
        1 at the signals, 0 before.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid.

    See Also
    --------
    make_adding : Generates a problem with one target per sequence.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.
    M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural networks", ICML 2016.

    Examples
    --------
    >>> from sklearn_rnn.datasets import make_copying
    >>> X, y, weights = make_copying(n_samples=2, n_copied=3, gap=4, random_state=0)
    >>> X.argmax(axis=2)
    array([[4, 7, 5, 8, 8, 8, 8, 9, 9, 9],
           [0, 3, 3, 8, 8, 8, 8, 9, 9, 9]])
    >>> y[:, -3:]
    array([[4, 7, 5],
           [0, 3, 3]])
    """
    positive(n_samples=n_samples, n_symbols=n_symbols, n_copied=n_copied)
    positive(0, gap=gap)
    rng = random_numbers(random_state)
    n_timesteps = 2 * n_copied + gap
    symbols = rng.randint(n_symbols, size=(n_samples, n_copied), dtype=np.int64)
    tokens = np.full((n_samples, n_timesteps), n_symbols)  # the blank
    tokens[:, :n_copied] = symbols
    tokens[:, -n_copied:] = n_symbols + 1  # the signal
    y = np.zeros((n_samples, n_timesteps), dtype=np.int64)
    weights = np.zeros((n_samples, n_timesteps))
    y[:, -n_copied:], weights[:, -n_copied:] = symbols, 1
    return np.eye(n_symbols + 2)[tokens], y, weights


def make_parity(
    n_samples: Integer = 1000,
    n_timesteps: Integer | tuple[Integer, Integer] = (3, 20),
    *,
    n_taught: Integer = 3,
    random_state: RandomState = None,
) -> tuple[Array, Array, Array]:
    """Generate the parity problem: the target at each step is the parity of the bits so far.

    The target is 1 if the number of ones so far is odd. A network must change its state at every
    one. Only the last steps of a sequence are learned: pass `sample_weight` to `fit`, with
    ``mode="many_to_many"``.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of sequences.
    n_timesteps : int or tuple of two int, default=(3, 20)
        Number of steps of all sequences, or the minimum and the maximum.
    n_taught : int, default=3
        Number of steps at the end of each sequence that have weight 1.
    random_state : int, RandomState instance or None, default=None
        Seed. An integer gives the same data at each call, on every platform.

    Returns
    -------
    X : object array of shape (n_samples,) of ndarray (n_timesteps_i, 1)
        Bits.
    y : object array of shape (n_samples,) of ndarray of int (n_timesteps_i,)
        Parity of the bits up to each step.
    sample_weight : object array of shape (n_samples,) of ndarray (n_timesteps_i,)
        1 at the last `n_taught` steps, 0 before.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid.

    See Also
    --------
    make_copying : Generates a problem of memory, with sequences of one length.

    Examples
    --------
    >>> from sklearn_rnn.datasets import make_parity
    >>> X, y, weights = make_parity(n_samples=2, n_timesteps=(3, 5), random_state=0)
    >>> X[0].ravel()
    array([0., 1., 1.])
    >>> y[0], weights[0]
    (array([0, 1, 0]), array([1., 1., 1.]))
    """
    positive(n_samples=n_samples, n_taught=n_taught)
    rng = random_numbers(random_state)
    lengths = lengths_of(n_timesteps, n_samples, rng)
    bits = [rng.randint(2, size=length, dtype=np.int64) for length in lengths]
    weights = [(np.arange(length) >= length - n_taught).astype(float) for length in lengths]
    X = as_objects([sequence[:, np.newaxis].astype(float) for sequence in bits])
    return X, as_objects([np.cumsum(sequence) % 2 for sequence in bits]), as_objects(weights)
