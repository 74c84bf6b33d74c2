"""Converters, splitters and transformers refuse what they would misread."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_rnn import RNNClassifier
from sklearn_rnn._datasets.packaged import WORD_LIST
from sklearn_rnn.datasets import load_hyphenation, make_oscillators, make_parity
from sklearn_rnn.metrics import step_accuracy, step_f1_score
from sklearn_rnn.model_selection import RollingOrigin, SequenceKFold
from sklearn_rnn.preprocessing import (
    PerStep,
    from_aeon,
    from_awkward,
    from_lengths,
    from_padded,
    to_awkward,
    to_datasets,
    to_frame,
)

MASKED = np.ma.masked_array(np.zeros((2, 1, 3)), np.eye(2, 3)[:, np.newaxis])
TWICE = [pd.DataFrame(np.zeros((2, 2)), columns=["a", "a"])]


@pytest.mark.parametrize("X", [MASKED, list(MASKED)], ids=["array", "list"])
def test_from_aeon_keeps_no_masked_entry(X):
    with pytest.raises(ValueError, match="must not have masked entries"):
        from_aeon(X)


@pytest.mark.parametrize(
    ("convert", "package"),
    [(to_frame, "pandas"), (to_awkward, "awkward"), (to_datasets, "datasets")],
)
def test_columns_of_one_name_are_not_merged(convert, package):
    pytest.importorskip(package)
    with pytest.raises(ValueError, match=r"`(X|columns)` must have .*distinct"):
        convert(TWICE)


def test_names_that_are_numbers_become_fields_of_awkward():
    pytest.importorskip("awkward")
    table = pd.DataFrame({0: [[1.0, 2.0]], "b": [[3.0, 4.0]]})
    assert to_awkward(table).fields == ["0", "b"]
    np.testing.assert_array_equal(from_awkward(to_awkward(table))[0], [[1, 3], [2, 4]])


def test_names_that_are_numbers_become_columns_of_data_sets():
    pytest.importorskip("datasets")
    table = pd.DataFrame({0: [[1.0, 2.0]], "b": [[3.0, 4.0]]})
    assert to_datasets(table).column_names == ["0", "b"]


def test_from_padded_refuses_cells_of_sequences():
    with pytest.raises(ValueError, match="use `from_nested`"):
        from_padded(pd.DataFrame({"a": [[1.0, 2.0]], "b": [[3.0, 4.0]]}))


def test_lengths_do_not_overflow():
    with pytest.raises(ValueError, match="the sum is 1844674407370955162"):
        from_lengths(np.zeros((4, 1)), np.array([2**63, 2**63 - 1, 5], dtype=np.uint64))


@pytest.mark.parametrize("splitter", [RollingOrigin(1, n_splits=1), SequenceKFold(2)])
def test_splitters_refuse_what_has_no_length_and_groups_without_order(splitter):
    for X in (None, 3, {"a": 1}):
        with pytest.raises(TypeError, match="`X` must hold sequences"):
            list(splitter.split(X))
    X = np.zeros((4, 3))
    for groups in ([None] * 4, pd.Series([1, "a", 1, "a"], dtype=object), [np.nan, 1, 2, 3]):
        with pytest.raises(ValueError, match="`groups` must"):
            list(splitter.split(X, groups=groups))


def test_per_step_refuses_what_it_cannot_stack():
    with pytest.raises(ValueError, match="distinct column names, but 'a' occurs twice"):
        PerStep(StandardScaler()).fit(TWICE)
    with pytest.raises(ValueError, match=r"the same number of steps .* got 2 to 3"):
        PerStep(StandardScaler()).fit(np.eye(3)).inverse_transform([[1.0, 2.0, 3.0], [1.0, 2.0]])
    with pytest.raises(ValueError, match="`X` must hold smaller numbers"):
        PerStep(StandardScaler()).fit([[10**400, 1.0]])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_nested_table_needs_names_that_differ(frame):
    X = frame({"a": [[1.0, 2.0]], "b": [[3.0, 4.0]]})
    squares = PerStep(PolynomialFeatures(2))
    with pytest.raises(ValueError, match=r"must return distinct names .* '1' occurs twice"):
        make_pipeline(squares, clone(squares)).fit_transform(X)


def test_labels_in_cells_are_refused():
    y = pd.DataFrame({"y": [np.array([0, 1, 1]), np.array([0, 1])]})
    for call in (
        lambda: step_accuracy(y, y),
        lambda: step_f1_score(y.to_numpy(), y.to_numpy()),
        lambda: RNNClassifier(4, mode="many_to_many").fit([[1.0, 2.0, 3.0], [1.0, 2.0]], y),
    ):
        with pytest.raises(ValueError, match="must not be a table whose cells are sequences"):
            call()


def test_generators_name_the_argument():
    with pytest.raises(ValueError, match="`random_state`"):
        make_parity(4, random_state="a")
    with pytest.raises(ValueError, match="`kinds` must be some of"):
        make_oscillators(4, kinds=3)
    pytest.importorskip("pyphen")
    if not WORD_LIST.exists():
        pytest.skip("there is no list of words")
    with pytest.raises(ValueError, match="`language` must be one of"):
        load_hyphenation(["en_US"])
