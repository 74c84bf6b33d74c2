"""Right calls, with the types of their results. They run, and type checkers find no error."""

from typing import TYPE_CHECKING, Any, assert_type

import numpy as np
from numpy.typing import NDArray

from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT, get_simd_level, unpad
from sklearn_rnn.cells import GRU, LSTM, Cell
from sklearn_rnn.datasets import load_digit_rows, make_adding, make_parity
from sklearn_rnn.forecasting import RNNForecaster, seasonal_naive
from sklearn_rnn.inspection import gradient_flow, memory_footprint, spectral_radius
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Attention, Conv1D, Dense
from sklearn_rnn.metrics import step_accuracy
from sklearn_rnn.model_selection import SequenceKFold
from sklearn_rnn.preprocessing import SequenceScaler, from_padded, to_lengths, to_padded
from sklearn_rnn.progress import LivePlot, ProgressBar
from sklearn_rnn.seq2seq import Seq2SeqClassifier
from sklearn_rnn.text import TokenEncoder
from sklearn_rnn.transfer import MultiTaskRNN, transfer

if TYPE_CHECKING:
    import pandas

    def frames(table: pandas.DataFrame, column: pandas.Series) -> None:
        RNNRegressor().fit(table, column)
        RNNRegressor().fit([table, table], column, groups=column)
        RNNForecaster(12, 24, target="y", time="date").fit(table).predict(fh=[1, 2, 3])


X, y = make_adding(20, 10, random_state=0)
assert_type(y, NDArray[np.float64])
labels = ["long" if total > 1 else "short" for total in y]

# ---- parameters ----------------------------------------------------------------------------------

RNNClassifier((32, 16), cell=["lstm", LSTM(peepholes=True)], input_layers=[Dense(8), Conv1D(8, 3)])
RNNClassifier(np.int64(8), cell=Cell("mgu"), pooling=Attention(4), bptt=TruncatedBPTT(50))
RNNClassifier(np.array([8, 8]), learning_rate=lambda done: 1 - done, class_weight={"a": 2})
RNNClassifier(class_weight=[{0: 1.0}, {1: 2.0}], frozen=["embedding*"], n_iter_no_change=np.inf)
RNNClassifier(categorical_features=[0, 2], embedding_dim=[3, 4], embedding_init={1: [0.5]})
RNNClassifier(allowed_transitions=[("a", "b"), ("b", "b")], random_state=np.random.RandomState(0))
RNNRegressor(quantile=[0.1, 0.5, 0.9], scoring=lambda rnn, X, y: 0.5, alpha=np.float32(0.1))
RNNRegressor(cell=GRU(reset_after=False), loss="gamma", max_grad_norm=None, embedding_dim="auto")
MultiTaskRNN(tasks={"tone": "classes"}, task_weights={"tone": 2})
RNNRegressor(random_state=np.random.default_rng(0).integers(100))
units = {"lstm": 8, "gru": 10}
RNNRegressor(8, cell=list(units))
for cell in ("gru", "lstm"):  # not in a list, of which checkers only know that it has str
    RNNRegressor(8, cell=cell)
RNNRegressor(verbose=ProgressBar("rich")).set_params(verbose=LivePlot())
settings: dict[str, Any] = {"max_iter": 10, "random_state": 0}  # not dict[str, int]
RNNClassifier(8, **settings)

# ---- results of fitted estimators ----------------------------------------------------------------

RNNRegressor(4, max_iter=1).fit(X, range(20))
rnn = RNNRegressor(4, cell="lstm", max_iter=2, tol=0, random_state=0).fit(X, y)
assert_type(rnn, RNNRegressor)
assert_type(rnn.predict(X), NDArray[Any])
predictions, state = rnn.predict(list(X), return_state=True)
assert_type(state, dict[str, NDArray[Any]])
rnn.predict(tuple(X[:, :3]), initial_state=state)
assert_type(rnn.score(X, y, sample_weight=np.ones(20)), float)
for flag in (True, False):  # of type bool: what comes is one of two
    rnn.predict(X, return_state=flag)
    to_padded(X, return_lengths=flag)
    load_digit_rows(return_X_y=flag)
assert_type(rnn.loss_curve_, list[float])
assert_type(rnn.history_["loss"], NDArray[np.float64])
assert_type(rnn.set_weights(rnn.weights_), RNNRegressor)
assert_type(rnn.stream(2).n_streams, int)
assert_type(rnn.summary(10).n_params, int)
assert_type(rnn.set_params(max_iter=3), RNNRegressor)
assert_type(memory_footprint(rnn, n_timesteps=10, n_features=2, n_samples=9).fit, int)
assert_type(spectral_radius(rnn)["l0"]["f"], float)
assert_type(gradient_flow(rnn, X, y).verdict, str)
assert_type(transfer(rnn, RNNClassifier()), RNNClassifier)

classifier = RNNClassifier(4, max_iter=2, tol=0).fit(X, labels, callbacks=lambda rnn, info: False)
assert_type(classifier, RNNClassifier)
assert_type(classifier.predict_proba(X[:2]), NDArray[Any])
assert_type(classifier.set_params(dropout=0.1), RNNClassifier)
classifier.classes_[classifier.predict_proba(X).argmax(axis=1)]

model = RNNLanguageModel(4, analyzer="char", max_iter=2, tol=0).fit(["abab", "baba"])
assert_type(model.perplexity("abab"), float)
len(model.encoder_.vocabulary_)
", ".join(model.sample(2, prompt="a", max_length=4))
answers, scores = Seq2SeqClassifier(4, max_iter=1).fit(X, ["ab"] * 20).kbest(X[:1], 2)
assert_type(scores, list[NDArray[np.float64]])

# ---- functions and transformers ------------------------------------------------------------------

assert_type(get_simd_level(), str)
assert_type(unpad(X, [10] * 20), list[NDArray[Any]])
assert_type(to_padded(X), NDArray[Any])
padded, lengths = to_padded(X, return_lengths=True)
rows, lengths = to_lengths(from_padded(padded, lengths=lengths))
assert_type(seasonal_naive(y, 3, season=2), NDArray[np.float64])
codes = TokenEncoder().fit_transform(["a few words"])
assert_type(codes, NDArray[Any])
digits, digit = load_digit_rows(return_X_y=True)
assert_type(digits, NDArray[Any])
assert_type(SequenceScaler().fit(X), SequenceScaler)
for train, _ in SequenceKFold(2).split(list(X), y):
    assert_type(train, NDArray[np.intp])
bits, parities, weights = make_parity(10, (3, 5), random_state=0)
assert_type(step_accuracy(parities, parities, sample_weight=weights), float)
