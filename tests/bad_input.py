"""Small data for the tests of errors, and copies of it with one entry spoiled."""

import numpy as np

from sklearn_rnn import RNNClassifier, RNNRegressor

RNG = np.random.RandomState(0)
DENSE = RNG.normal(size=(6, 4, 3))
RAGGED = [RNG.normal(size=(length, 3)) for length in (2, 4, 1, 3, 5, 2)]
LABELS = np.array(["a", "b"] * 3)
NUMBERS = RNG.normal(size=6)
STEPS = [RNG.normal(size=len(x)) for x in RAGGED]
ONES = [np.ones(len(x)) for x in RAGGED]


def changed(sequence_or_array, index, value):
    """Copy, with one entry replaced."""
    if isinstance(sequence_or_array, list):
        return [value if i == index else item for i, item in enumerate(sequence_or_array)]
    result = np.array(sequence_or_array, dtype=np.result_type(sequence_or_array, value))
    result[index] = value
    return result


def ill(sequence, step, value):
    """Copy a sequence (n_timesteps, n_features) with `value` in one place."""
    return changed(sequence, (step, 1), value)


def fitted_like(rnn):
    """Fit an estimator of this kind on good data."""
    per_step = rnn.mode == "many_to_many"
    if isinstance(rnn, RNNClassifier):
        y = [np.where(y > 0, "a", "b") for y in STEPS] if per_step else LABELS
        return RNNClassifier(2, mode=rnn.mode, max_iter=1).fit(RAGGED, y)
    y = STEPS if per_step else NUMBERS
    mode = rnn.mode if rnn.mode in ("many_to_one", "many_to_many") else "many_to_one"
    return RNNRegressor(2, mode=mode, max_iter=1).fit(RAGGED, y)
