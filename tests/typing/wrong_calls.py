"""Wrong calls. Each must be an error for mypy and basedpyright, which report unused comments."""

from typing import Any

import numpy as np

from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT, set_simd_level, unpad
from sklearn_rnn.cells import GRU, LSTM, Cell, Elman
from sklearn_rnn.datasets import load_basic_motions, make_adding, make_parity
from sklearn_rnn.forecasting import RNNForecaster, make_windows
from sklearn_rnn.inspection import LossCurveDisplay, memory_footprint
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Attention, Conv1D, Dense
from sklearn_rnn.metrics import entity_f1_score, step_accuracy
from sklearn_rnn.model_selection import RollingOrigin, SequenceKFold
from sklearn_rnn.preprocessing import (
    Lags,
    SequenceImputer,
    SequenceScaler,
    from_padded,
    to_frame,
    to_padded,
)
from sklearn_rnn.progress import ProgressBar
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor
from sklearn_rnn.text import TokenEncoder
from sklearn_rnn.transfer import MultiTaskRNN, Reptile

X, y = make_adding(20, 10, random_state=0)


def constructors() -> None:
    RNNClassifier(cell="lstmm")  # type: ignore[arg-type]
    RNNClassifier(mode=3)  # type: ignore[arg-type]
    RNNClassifier(mode="many_to_more")  # type: ignore[arg-type]
    RNNClassifier(8, "lstm")  # type: ignore[call-arg]
    RNNClassifier("64")  # type: ignore[arg-type]
    RNNClassifier(hidden_layer_size=8)  # type: ignore[call-arg]
    RNNClassifier(solver="Adam")  # type: ignore[arg-type]
    RNNClassifier(learning_rate=0.01)  # type: ignore[arg-type]
    RNNClassifier(learning_rate_init="0.01")  # type: ignore[arg-type]
    RNNClassifier(batch_size="all")  # type: ignore[arg-type]
    RNNClassifier(max_iter=1.5)  # type: ignore[arg-type]
    RNNClassifier(pooling=Attention)  # type: ignore[arg-type]
    RNNClassifier(dtype=np.float32)  # type: ignore[arg-type]
    RNNClassifier(class_weight="equal")  # type: ignore[arg-type]
    RNNClassifier(random_state=np.random.default_rng(0))  # type: ignore[arg-type]
    RNNClassifier(categorical_features="every")  # type: ignore[arg-type]
    RNNClassifier(allowed_transitions="IOB")  # type: ignore[arg-type]
    RNNClassifier(verbose="tqdm")  # type: ignore[arg-type]
    ProgressBar(backend="ipython")  # type: ignore[arg-type]
    RNNClassifier(bptt="auto")  # type: ignore[arg-type]
    RNNClassifier(loss="squared_error")  # type: ignore[call-arg]
    RNNRegressor(loss="mse")  # type: ignore[arg-type]
    RNNRegressor(quantile="median")  # type: ignore[arg-type]
    RNNRegressor(class_weight="balanced")  # type: ignore[call-arg]
    RNNLanguageModel(analyzer="words")  # type: ignore[arg-type]
    Seq2SeqClassifier(attention="bahdanau")  # type: ignore[arg-type]
    Seq2SeqClassifier(solver="lbfgs")  # type: ignore[arg-type]
    Seq2SeqRegressor(loss="quantile")  # type: ignore[arg-type]
    Seq2SeqRegressor(teacher_forcing="exponential")  # type: ignore[arg-type]
    Reptile()  # type: ignore[call-arg]
    MultiTaskRNN(tasks=["classes"])  # type: ignore[arg-type]
    RNNForecaster()  # type: ignore[call-arg]
    RNNForecaster(24, 168, known_future="any")  # type: ignore[arg-type]
    TruncatedBPTT()  # type: ignore[call-arg]
    TruncatedBPTT(50, schedule="growing")  # type: ignore[arg-type]


def parts() -> None:
    LSTM("lstm")  # type: ignore[call-arg, arg-type]
    LSTM(reset_after=True)  # type: ignore[call-arg]
    GRU(normalization="batch")  # type: ignore[arg-type]
    Cell("rnn")  # type: ignore[arg-type]
    Elman(activation="sigmoid")  # type: ignore[arg-type]
    Elman(bias_initializer="chrono")  # type: ignore[arg-type]
    Dense()  # type: ignore[call-arg]
    Conv1D(8)  # type: ignore[call-arg]
    Attention("dot")  # type: ignore[arg-type]


def methods(file: Any) -> None:
    rnn = RNNRegressor()
    rnn.fit()  # type: ignore[call-arg]
    rnn.fit(X)  # type: ignore[call-arg]
    rnn.fit(3, y)  # type: ignore[arg-type]
    rnn.fit("abc", y)  # type: ignore[arg-type]
    rnn.fit(X, y, verbose=1)  # type: ignore[call-arg]
    rnn.fit(X, y, callbacks=1)  # type: ignore[arg-type]
    rnn.fit(dict(X=X), y)  # type: ignore[arg-type]
    rnn.predict()  # type: ignore[call-overload]
    rnn.predict(X, True)  # type: ignore[call-overload]
    rnn.predict(None)  # type: ignore[call-overload]
    rnn.predict(X, initial_state=np.zeros(3))  # type: ignore[call-overload]
    rnn.predict(X).keys()  # type: ignore[attr-defined]
    rnn.stream(method="score")  # type: ignore[arg-type]
    rnn.hidden_states(X, layer="last")  # type: ignore[arg-type]
    rnn.summary("20")  # type: ignore[arg-type]
    rnn.save_weights(3)  # type: ignore[arg-type]
    rnn.set_weights([1.0])  # type: ignore[arg-type]
    rnn.summary().milliseconds + 1  # type: ignore[operator]
    rnn.loss_curve_.mean()  # type: ignore[attr-defined]
    RNNClassifier().partial_fit(X, y, classes=2)  # type: ignore[arg-type]
    RNNLanguageModel().sample(temperature="hot")  # type: ignore[arg-type]
    RNNLanguageModel().stream(method="predict")  # type: ignore[arg-type]
    Seq2SeqClassifier().kbest(X)  # type: ignore[call-arg]
    RNNForecaster(24, 168).backtest(y, refit="always")  # type: ignore[arg-type]
    TokenEncoder(analyzer="sentence")  # type: ignore[arg-type]
    SequenceScaler("max")  # type: ignore[arg-type]
    SequenceImputer(strategy="most_frequent")  # type: ignore[arg-type]
    Lags(fill_value="last")  # type: ignore[arg-type]
    SequenceKFold(stratify="y")  # type: ignore[arg-type]
    RollingOrigin()  # type: ignore[call-arg]
    LossCurveDisplay.from_estimator()  # type: ignore[call-arg]


def functions(table: Any) -> None:
    unpad(X)  # type: ignore[call-arg]
    set_simd_level(512)  # type: ignore[arg-type]
    load_basic_motions(subset="validation")  # type: ignore[call-overload]
    load_basic_motions(True)  # type: ignore[call-overload]
    make_parity(10, "long")  # type: ignore[arg-type]
    make_windows(table, past=24, horizon=12)  # type: ignore[call-arg]
    make_windows(table, target="y", past=24.5, horizon=12)  # type: ignore[arg-type]
    memory_footprint(RNNRegressor())  # type: ignore[call-arg]
    step_accuracy(y)  # type: ignore[call-arg]
    entity_f1_score(y, y, scheme="IOB")  # type: ignore[arg-type]
    from_padded(X, side="middle")  # type: ignore[arg-type]
    to_padded(X, return_lengths=True).mean()  # type: ignore[attr-defined]
    to_frame(X, frame="dask")  # type: ignore[arg-type]
