"""The summary of a network: its rows, and what is shown."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import LSTM
from sklearn_rnn.inspection import NetworkSummary
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Attention, Conv1D
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).normal(size=(12, 6, 2))
Y = X[:, 0, 0]


def small(kind=RNNRegressor, **params):
    return kind(**{"hidden_layer_sizes": 4, "max_iter": 1, "random_state": 0, **params})


def test_rows_count_parameters_and_multiplications():
    rnn = small(hidden_layer_sizes=(8, 5), cell="lstm", output_layer_sizes=(3,)).fit(X, Y)
    summary = rnn.summary(n_timesteps=100)
    assert isinstance(summary, NetworkSummary)
    rows = {row.name: row for row in summary.rows}
    assert list(rows) == ["X", "l0", "l1", "last_0", "output_0", "head"]
    assert rows["X"].shape == ("n_timesteps", 2) and rows["X"].n_params == 0
    assert rows["l0"].n_params == 4 * (8 * 2 + 8 * 8 + 8 + 8)
    assert rows["l0"].n_multiplications == 4 * (8 * 2 + 8 * 8) and rows["l0"].per == "step"
    assert rows["l1"].shape == ("n_timesteps", 5)
    assert rows["l1"].n_multiplications == 4 * (5 * 8 + 5 * 5)
    assert rows["last_0"].shape == (5,) and rows["head"].shape == (1,)
    assert rows["output_0"][3:] == (18, 72, 15, "sequence")
    assert summary.n_params == sum(row.n_params for row in summary.rows) == rnn.params_.size
    assert summary.n_bytes == sum(row.n_bytes for row in summary.rows) == rnn.params_.nbytes
    assert summary.n_multiplications == 100 * (320 + 260) + 15 + 3
    assert 0 < summary.milliseconds < 1000
    without = rnn.summary()
    assert without.n_multiplications is without.milliseconds is None


def test_rows_of_other_parts():
    rnn = small(
        input_layers=[Conv1D(4, 3, stride=2)], pooling=Attention(3), layer_normalization="layer"
    ).fit(X, Y)
    rows = {row.name: row for row in rnn.summary().rows}
    assert rows["input_0"].shape == ("n_timesteps / 2", 4)
    assert rows["input_0"].n_multiplications == 4 * 3 * 2
    assert rows["attention"][2:] == ((4,), 3 * 4 + 3 + 3, 4 * 18, 3 * 4 + 3, "step")
    assert rows["norm_0"].per == "sequence" and rows["norm_0"].kind == "norm (layer)"
    assert rnn.summary(101).n_multiplications == 51 * (24 + rows["l0"].n_multiplications + 15) + 8

    codes = np.arange(72).reshape(12, 6, 1) % 4
    rnn = small(RNNClassifier, categorical_features="all", embedding_dim=3, dtype="float64")
    rows = {row.name: row for row in rnn.fit(codes, Y > 0).summary(5).rows}
    assert rows["embedding_0"][2:6] == (("n_timesteps", 3), 15, 120, 0)
    per_step = small(mode="many_to_many", cell=LSTM(projection_size=2), bidirectional=True)
    rows = per_step.fit(X, X[:, :, 0]).summary().rows
    assert rows[-1].per == "step" and rows[-1].shape == ("n_timesteps", 1)
    assert sum("reverse" in row.kind for row in rows) == 2


def test_every_estimator_has_a_summary():
    labels = (X[:, :, 0] > 0).astype(int)
    for rnn, data in (
        (small(RNNClassifier, mode="many_to_many", transitions=True), (X, labels)),
        (small(RNNClassifier, cell="jordan", mode="many_to_many"), (X, labels)),
        (small(RNNLanguageModel), (["abab", "ba"],)),
        (small(Seq2SeqClassifier, attention="additive"), (X, labels)),
        (small(Seq2SeqRegressor), (X, X[:, :, 0])),
    ):
        summary = rnn.fit(*data).summary(20)
        assert summary.n_params == sum(row.n_params for row in summary.rows)
        is_pair = isinstance(rnn, (Seq2SeqClassifier, Seq2SeqRegressor))
        assert (summary.milliseconds is None) == is_pair
        assert any(row.per == "step of y" for row in summary.rows) == is_pair
        assert str(summary).startswith(f"{type(rnn).__name__}: ")


class Cells(HTMLParser):
    """The texts of the cells of a table."""

    def __init__(self):
        super().__init__()
        self.rows, self._inside = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        self._inside = tag in ("th", "td")

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.rows[-1][-1] += data


def test_the_table_is_the_same_as_text_and_as_html():
    summary = small(hidden_layer_sizes=(8, 5)).fit(X, Y).summary(100)
    cells = Cells()
    cells.feed(summary._repr_html_())
    lines = str(summary).split("\n")
    assert lines[0] == f"RNNRegressor: {summary.n_params} parameters, 2.1 kB (float32)"
    table = lines[2:3] + lines[4 : 4 + len(summary.rows)]
    for line, row in zip(table, cells.rows, strict=True):
        assert re.split(r"  +", line) == [text for text in row if text]
    assert len({len(line) for line in table if "per" in line}) == 1  # in columns
    assert "For 100 steps:" in str(summary) and "ms (measured" in str(summary)
    assert repr(summary) == str(summary)


def test_faults_are_named():
    with pytest.raises(NotFittedError):
        RNNRegressor().summary()
    rnn = small().fit(X, Y)
    for n_timesteps in (0, 1.5, "ten"):
        with pytest.raises(ValueError, match=r"`n_timesteps` must be an integer"):
            rnn.summary(n_timesteps)
