"""Ragged sequences of two features, in all forms of nested tables."""

import numpy as np
import pytest

from sklearn_rnn.preprocessing import to_nested

pd, pl, pa = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))

rng = np.random.default_rng(0)
X = [rng.normal(size=(length, 2)) for length in (3, 1, 4, 2, 5, 3)]
NAMES = ["acc", "gyro"]
LABELS, NUMBERS = list("pqpqpq"), rng.normal(size=6)
TAGS = [np.where(x[:, 0] > 0, "up", "down") for x in X]
STEPS = [x[:, 1] for x in X]


def array_of(make, sequences=X):
    table = np.empty((len(sequences), 2), dtype=object)
    for i, x in enumerate(sequences):
        for j in range(2):
            table[i, j] = make(x[:, j])
    return table


def pandas_of(make, sequences=X):
    return pd.DataFrame(array_of(make, sequences), columns=NAMES)


def lists_of(library, sequences=X):
    columns = {name: [x[:, j].tolist() for x in sequences] for j, name in enumerate(NAMES)}
    if library == "polars":
        return pl.DataFrame(columns)
    if library == "pyarrow":
        return pa.table(columns)
    arrays = {name: pa.array(column) for name, column in columns.items()}
    return pd.DataFrame({name: pd.arrays.ArrowExtensionArray(a) for name, a in arrays.items()})


FORMS = {
    "array of arrays": lambda s=X: array_of(np.asarray, s),
    "array of lists": lambda s=X: array_of(list, s),
    "array of tuples": lambda s=X: array_of(tuple, s),
    "array of Series": lambda s=X: array_of(pd.Series, s),
    "array of polars": lambda s=X: array_of(pl.Series, s),
    "pandas, arrays": lambda s=X: pandas_of(np.asarray, s),
    "pandas, lists": lambda s=X: pandas_of(list, s),
    "pandas, Series": lambda s=X: pandas_of(pd.Series, s),
    "pandas, Arrow": lambda s=X: lists_of("pandas", s),
    "pandas, own dtype": lambda s=X: to_nested(s, NAMES),
    "polars": lambda s=X: lists_of("polars", s),
    "pyarrow": lambda s=X: lists_of("pyarrow", s),
    "pyarrow, chunks": lambda s=X: pa.concat_tables([lists_of("pyarrow", [x]) for x in s]),
}
forms = pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)


def small(cls, **params):
    return cls(4, max_iter=2, random_state=0, **params)
