"""A case is a carrier of X in a mode, with y, its network, and a look-up of its sequences."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils import get_tags

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.preprocessing import to_nested

N, T, F = 30, 6, 2
EQUAL = ("3d", "2d", "pandas", "polars")  # carriers of sequences of one length
TABLES = ("2d", "pandas", "polars")  # whose columns are steps
LISTS = ("list2d", "list1d", "object", "frames")
CARRIERS = (*EQUAL, *LISTS)
NESTED = ("nested pandas", "nested polars", "nested object")
ONE, PER_STEP = ("clf", "reg"), ("tag", "seqreg")
MODES = (*ONE, *PER_STEP)


def objects(items):
    result = np.empty(len(items), dtype=object)
    result[:] = items
    return result


def make_X(carrier):
    rng = np.random.default_rng(3)
    lengths = np.full(N, T) if carrier in EQUAL else rng.integers(4, 10, size=N)
    X = [rng.normal(size=(n, F)) + i % 3 for i, n in enumerate(lengths)]
    if carrier == "3d":
        return np.array(X)
    if carrier in TABLES:
        return _framed(carrier, np.array(X)[:, :, 0], [f"t{i}" for i in range(T)])
    if carrier == "list1d":
        return [x[:, 0].copy() for x in X]
    if carrier == "object":
        return objects(X)
    if carrier == "frames":
        import pandas as pd

        return [pd.DataFrame(x, columns=["a", "b"]) for x in X]
    if carrier in NESTED:
        return nested_of(X, carrier.split()[1])
    return X


def _framed(library, values, names):
    if library == "pandas":
        import pandas as pd

        return pd.DataFrame(values, columns=names)
    if library == "polars":
        import polars as pl

        return pl.DataFrame({name: values[:, i] for i, name in enumerate(names)})
    return values


def nested_of(X, library):
    if library == "object":
        table = np.empty((len(X), F), dtype=object)
        for i, x in enumerate(X):
            for j in range(F):
                table[i, j] = x[:, j].copy()
        return table
    columns = {name: [x[:, j].tolist() for x in X] for j, name in enumerate("ab")}
    if library == "polars":
        import polars as pl

        return pl.DataFrame(columns)
    import pandas as pd

    return pd.DataFrame({name: objects(list(map(np.array, v))) for name, v in columns.items()})


def take(X, indices):
    """Return the sequences of these numbers, in their carrier."""
    indices = np.asarray(indices)
    if isinstance(X, list):
        return [X[i] for i in indices]
    if hasattr(X, "iloc"):
        return X.iloc[indices]
    return X[indices.tolist()] if hasattr(X, "columns") else X[indices]


def arrays_of(X):
    """Return the sequences of X as a list of arrays (n_timesteps_i, n_features)."""
    if hasattr(X, "columns"):
        table = np.asarray(X.to_pandas() if hasattr(X, "to_pandas") else X)
    else:
        table = X
    if isinstance(table, np.ndarray) and table.ndim == 2:
        if table.dtype == object:
            return [np.column_stack([np.asarray(cell) for cell in row]) for row in table]
        return [row[:, np.newaxis] for row in np.asarray(table, float)]
    return [np.asarray(x, float).reshape(len(x), -1) for x in table]


def flat(values):
    """Return all steps of all sequences in one row."""
    return np.concatenate([np.atleast_1d(value) for value in values])


class Case:
    """A carrier in a mode."""

    def __init__(self, carrier, mode):
        self.carrier, self.mode = carrier, mode
        self.X = make_X(carrier)
        self.sequences = arrays_of(self.X)
        self.lengths = [len(x) for x in self.sequences]
        self.per_step, self.classifies = mode in PER_STEP, mode in ("clf", "tag")
        self.equal, self.is_table = carrier in EQUAL, carrier in TABLES
        self.index = np.arange(float(N))[:, np.newaxis]
        self.y = self._make_y()

    def _make_y(self):
        rng = np.random.default_rng(4)
        means = np.array([x.mean() for x in self.sequences])
        if self.mode == "clf":
            return np.array(["a", "b", "c"])[np.arange(N) % 3]
        if self.mode == "reg":
            return means + 0.1 * rng.normal(size=N)
        if self.mode == "seqreg":
            return [m + 0.1 * rng.normal(size=n) for m, n in zip(means, self.lengths, strict=True)]
        return [
            np.array(["down", "up"])[(rng.random(n) < (i % 3 + 1) / 4).astype(int)]
            for i, n in enumerate(self.lengths)
        ]

    @property
    def binary(self):
        """Two classes of the sequences."""
        return np.array(["no", "yes"])[(np.arange(N) % 3 > 1).astype(int)]

    @property
    def table(self):
        """X for tools that want a table: itself, or a nested table."""
        return self.X if self.is_table else to_nested(self.X)

    @property
    def channels(self):
        """X as a nested table, also where it is a table of steps."""
        if not self.is_table:
            return self.table
        return to_nested(np.array(self.sequences))

    def rnn(self, **params):
        settings = {
            "hidden_layer_sizes": 4,
            "max_iter": 3,
            "batch_size": 8,
            "learning_rate_init": 0.05,
            "learning_rate": "cosine",
            "random_state": 0,
            "mode": "many_to_many" if self.per_step else "many_to_one",
        }
        return (RNNClassifier if self.classifies else RNNRegressor)(**{**settings, **params})

    def lookup(self, **params):
        """Return the network for numbers of sequences: scikit-learn then sees a plain table."""
        return (LookupClassifier if self.classifies else LookupRegressor)(self.rnn(**params), self)

    def fitted(self, train=slice(None), y=None):
        """Return the network, fitted to some sequences."""
        train = np.arange(N)[train]
        return self.rnn().fit(take(self.X, train), take(self.y if y is None else y, train))


class _Lookup(BaseEstimator):
    """An estimator whose X is the numbers of the sequences of a case."""

    def __init__(self, rnn, case):
        self.rnn, self.case = rnn, case

    def __sklearn_clone__(self):
        return type(self)(clone(self.rnn), self.case)

    def _found(self, X):
        return take(self.case.X, np.asarray(X)[:, 0].astype(int))

    def fit(self, X, y, sample_weight=None):
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.rnn_ = clone(self.rnn).fit(self._found(X), y, **weights)
        if hasattr(self.rnn_, "classes_"):
            self.classes_ = self.rnn_.classes_
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "rnn_")

    def predict(self, X):
        return self.rnn_.predict(self._found(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = get_tags(self.rnn).target_tags.multi_output
        return tags


def _score(self, X, y, sample_weight=None):
    return self.rnn_.score(self._found(X), y, sample_weight)


class LookupClassifier(ClassifierMixin, _Lookup):
    score = _score

    def predict_proba(self, X):
        return self.rnn_.predict_proba(self._found(X))

    def predict_log_proba(self, X):
        return self.rnn_.predict_log_proba(self._found(X))


class LookupRegressor(RegressorMixin, _Lookup):
    score = _score


def agree(a, b):
    """Tell whether two results agree: numbers, names, ragged arrays, or dicts and lists of them."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(agree(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) or (isinstance(a, np.ndarray) and a.dtype == object):
        return len(a) == len(b) and all(agree(x, y) for x, y in zip(a, b, strict=True))
    if not isinstance(a, (np.ndarray, np.generic, int, float, str, bool)):  # frames of sequences
        a, b = (list(map(np.asarray, arrays_of(each))) for each in (a, b))
        return agree(a, b)
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "USTO":
        return bool((a == b).all())
    return bool(np.allclose(a, b, rtol=1e-5, atol=1e-6))
