"""What `memory_footprint` says before a fit, against what NumPy then allocates."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT, _core, _memory
from sklearn_rnn._model import words
from sklearn_rnn.cells import GRU, LSTM, Cell, Elman
from sklearn_rnn.inspection import memory_footprint
from sklearn_rnn.layers import Attention, Conv1D, Dense
from sklearn_rnn.transfer import MultiTaskRNN

N_SAMPLES, N_TIMESTEPS, N_FEATURES = 48, 40, 4
TOLERANCE = 0.1
UNITS = 96

PLAIN = [Cell(cell) for cell in _core.CELLS]
CELLS = [
    *PLAIN,
    LSTM(peepholes=True, normalization="layer", zoneout=0.1, initial_state="learned"),
    LSTM(projection_size=24),
    GRU(normalization="rms", recurrent_dropout=0.1),
    Elman(transition_layer_sizes=(32, 48)),
]
TWO = {"hidden_layer_sizes": (UNITS, UNITS)}
LONG = {"n_timesteps": 400}
CODES = {"categorical_features": [0, 2], "n_codes": [20_000, 300], "embedding_dim": [48, 8]}
REGRESSORS = [
    *({"cell": cell} for cell in CELLS),
    *({"cell": cell, "mode": "many_to_many"} for cell in PLAIN),
    *({**TWO, "connections": how, "dropout": 0.2} for how in (None, "residual", "skip")),
    *({**TWO, "bidirectional": True, "merge_mode": m} for m in ("concat", "sum", "ave", "mul")),
    *({"pooling": pooling} for pooling in ("mean", "max", Attention(32))),
    {"bidirectional": True, "pooling": Attention(16), "cell": "lstm"},
    {"input_layers": [Conv1D(96, 5), Dense(48)], "input_dropout": 0.1, "input_noise": 0.1},
    {"input_layers": [Conv1D(64, 8, stride=4)], **LONG},
    *({**TWO, "layer_normalization": norm} for norm in ("layer", "rms")),
    {"output_layer_sizes": (96, 48), "output_dropout": 0.3},
    *({"dtype": "float64", "mode": mode} for mode in ("many_to_one", "many_to_many")),
    *({"solver": solver} for solver in _core.OPTIMIZERS),
    {"solver": "lbfgs", "batch_size": "auto", "dtype": "float64", "alpha": 0.1},
    {"solver": "lbfgs", "batch_size": "auto", "hidden_layer_sizes": 200},
    {"ema_decay": 0.9, "hidden_layer_sizes": 200},
    {"ema_decay": 0.9, "early_stopping": True, "hidden_layer_sizes": 200, "batch_size": 8},
    *({"batch_size": size, "n_threads": 2} for size in (1, 8, 48)),
    *({"hidden_layer_sizes": size, "batch_size": 16} for size in (16, 300)),
    {**LONG, "memory_budget": 750_000},
    {**LONG, "memory_budget": 1_100_000, "cell": "lstm", "mode": "many_to_many", "n_threads": 2},
    {"early_stopping": True, "validation_fraction": 0.5},
    {"early_stopping": True, "validation_fraction": 0.5, "scoring": "loss", **LONG},
    {"early_stopping": True, "scoring": "r2", "solver": "sgd", "hidden_layer_sizes": 128},
    {"n_outputs": 30, "mode": "many_to_many"},
    {"n_outputs": 5, "loss": "quantile", "quantile": [0.1, 0.5, 0.9], "mode": "many_to_many"},
    {"loss": "poisson"},
    {"bptt": TruncatedBPTT(10, schedule="random"), "mode": "many_to_many"},
    {"bptt": 10, "cell": LSTM(initial_state="learned"), "gradient_accumulation_steps": 2},
    CODES,
    {**CODES, "mode": "many_to_many", "n_threads": 2, "solver": "sgd"},
    {**LONG, "bptt": 50, "hidden_layer_sizes": 64},
    {**LONG, "bptt": TruncatedBPTT(60, 20), "mode": "many_to_many", "batch_size": 16},
    {**LONG, "bptt": TruncatedBPTT(40, carry=False), "mode": "many_to_many", "batch_size": 32},
    {"batch_size": 8, "gradient_accumulation_steps": 3},
    {"ragged": True},
    {"ragged": True, "bidirectional": True, "early_stopping": True},
]
CLASSIFIERS = [
    {},
    {"n_classes": 40},
    {"n_classes": 40, "mode": "many_to_many"},
    {"n_outputs": 6, "cell": "elman"},
    {"n_classes": [3, 9, 2]},
    {"early_stopping": True, "n_classes": 3, "bidirectional": True},
]
FACTS = ("n_timesteps", "n_outputs", "n_classes", "n_codes")


def lengths_of(n_timesteps, ragged):
    lengths = np.full(N_SAMPLES, n_timesteps)
    if ragged:
        lengths[::3] //= 2
    return lengths


def draw(classifies, per_step, lengths, facts, ragged):
    """Return X and y of these lengths."""
    rng = np.random.default_rng(0)
    n = int(lengths.sum())
    X = rng.normal(size=(n, N_FEATURES))
    codes = facts.get("n_codes") or []
    for column, n_codes in zip((0, 2), codes, strict=False):
        X[:, column] = np.arange(n) % n_codes
        facts["n_codes"] = [min(n, n_codes) for n_codes in codes]
    n_rows = n if per_step else len(lengths)
    n_classes = facts.get("n_classes", 2)
    if not classifies:
        y = np.abs(
            rng.normal(size=(n_rows, facts["n_outputs"]) if "n_outputs" in facts else n_rows)
        )
    elif "n_outputs" in facts:
        y = np.arange(n_rows * facts["n_outputs"]).reshape(n_rows, -1) % 5 // 3
    elif isinstance(n_classes, list):
        y = np.stack([np.arange(n_rows) % k for k in n_classes], axis=1)
    else:
        y = np.arange(n_rows) % n_classes
    ends = np.cumsum(lengths)[:-1]
    if ragged:
        return np.split(X, ends), np.split(y, ends) if per_step else y
    y = y.reshape(len(lengths), lengths[0], *y.shape[1:]) if per_step else y
    return X.reshape(len(lengths), lengths[0], N_FEATURES), y


def peak(function, *args):
    """Return the bytes that a call takes at most, of those that NumPy reports."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function(*args)
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return highest - before


def named(case):
    return "-".join(f"{name}={value}" for name, value in case.items()).replace(" ", "")


def told_and_taken(estimator, given, ragged):
    lengths = lengths_of(given.pop("n_timesteps", N_TIMESTEPS), ragged)
    per_step = estimator.mode == "many_to_many"
    X, y = draw(isinstance(estimator, RNNClassifier), per_step, lengths, given, ragged)
    facts = {**given, "n_features": N_FEATURES}
    if ragged:
        facts["n_timesteps"] = lengths
    else:
        facts.update(n_timesteps=int(lengths[0]), n_samples=N_SAMPLES)
    told = memory_footprint(estimator, **facts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clone(estimator).set_params(max_iter=1).fit(
            X, y
        )  # what is taken once and kept, such as modules
        return told, peak(estimator.fit, X, y), peak(estimator.predict, X)


@pytest.fixture(autouse=True)
def no_room_for_blas(monkeypatch):
    """Leave out the test that BLAS finds address space, which NumPy reports as memory."""
    monkeypatch.setattr(_memory, "BLAS_BUFFER_BYTES", 0)


@pytest.mark.parametrize(
    "kind, case",
    [*((RNNRegressor, case) for case in REGRESSORS), *((RNNClassifier, c) for c in CLASSIFIERS)],
    ids=lambda value: named(value) if isinstance(value, dict) else value.__name__,
)
def test_a_fit_and_a_prediction_take_what_was_told(kind, case):
    case = {"hidden_layer_sizes": UNITS, "n_threads": 1, "batch_size": 24, **case}
    ragged = case.pop("ragged", False)
    given = {name: case.pop(name) for name in FACTS if name in case}
    estimator = kind(max_iter=2, random_state=0, **case)
    told, of_fit, of_predict = told_and_taken(estimator, given, ragged)
    assert told.fit == pytest.approx(of_fit, rel=TOLERANCE)
    assert told.predict == pytest.approx(of_predict, rel=TOLERANCE)


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_a_fit_of_several_tasks_takes_what_was_told(mode):
    X, numbers = draw(False, mode == "many_to_many", lengths_of(N_TIMESTEPS, False), {}, False)
    y = {"a": numbers, "b": np.round(numbers).astype(int) % 3}
    rnn = MultiTaskRNN(UNITS, mode=mode, n_threads=1, batch_size=24, max_iter=2, random_state=0)
    facts = {"n_timesteps": N_TIMESTEPS, "n_samples": N_SAMPLES}
    with pytest.raises(ValueError, match=r"`n_outputs`.*or `n_classes`.*got None"):
        memory_footprint(rnn, **facts, n_features=N_FEATURES)
    told = memory_footprint(rnn, **facts, n_features=N_FEATURES, n_outputs=1, n_classes=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clone(rnn).fit(X, y)
        assert told.fit == pytest.approx(peak(rnn.fit, X, y), rel=TOLERANCE)
    assert told.predict == pytest.approx(peak(rnn.predict, X), rel=TOLERANCE)
    assert memory_footprint(rnn, **facts) == told


PLAIN_FACTS = {"n_timesteps": 50, "n_features": 3, "n_samples": 200}


def test_nothing_is_allocated_or_refused_for_its_size():
    facts = {**PLAIN_FACTS, "n_timesteps": 10**9}
    taken = peak(lambda: memory_footprint(RNNRegressor(n_threads=1), **facts))
    told = memory_footprint(RNNRegressor(n_threads=1), **facts)
    assert taken < 500_000 < 10**12 < told.activations < told.fit


def test_activations_are_those_of_an_engine():
    rnn = RNNRegressor((40, 30), batch_size=32, n_threads=2, cell="lstm")
    network = words.network_of(vars(rnn), 3, 1, "squared_error")
    lowest = [tensor.name for tensor in network.tensors if tensor.name.endswith("_l0")]
    told = set()
    for frozen in ([], lowest):
        engine = network.engine(np.full(200, 50), 32, 2, training=True, frozen=frozen)
        told.add(memory_footprint(rnn.set_params(frozen=frozen), **PLAIN_FACTS).activations)
        assert engine.n_bytes_of_steps in told
    assert len(told) == 2


def test_an_engine_that_was_only_planned_loads_nothing():
    network = words.network_of(vars(RNNRegressor(4)), 3, 1, "squared_error")
    engine = network.engine(np.full(2, 5), 2, 1, training=False, planning=True)
    with pytest.raises(ValueError, match="planning=False"):
        engine.load(np.zeros(network.n_params, dtype=network.dtype))


def test_a_budget_limits_what_is_told_and_is_refused_as_in_fit():
    rnn = RNNRegressor(64, n_threads=1, memory_budget=700_000)
    facts = {**PLAIN_FACTS, "n_timesteps": 2000}
    assert memory_footprint(rnn, **facts).activations <= 700_000
    with pytest.raises(ValueError, match="`memory_budget` must be at least"):
        memory_footprint(rnn.set_params(memory_budget=1000), **facts)


def test_the_number_of_threads_may_be_given():
    rnn = RNNRegressor(n_threads=1, batch_size=64)
    one, two = (memory_footprint(rnn, **PLAIN_FACTS, n_threads=n) for n in (None, 2))
    assert two.activations == 2 * one.activations


def test_a_fitted_estimator_needs_no_sizes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 6, 3))
    X[:, :, 1] = rng.integers(4, size=(30, 6))
    rnn = RNNClassifier(8, max_iter=1, tol=0.0, categorical_features=[1], n_threads=1)
    sizes = {"n_timesteps": 6, "n_samples": 30}
    told = memory_footprint(rnn, **sizes, n_features=3, n_classes=5, n_codes=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rnn.fit(X, np.arange(30) % 5)
    assert memory_footprint(rnn, **sizes) == told
    assert told.n_params == rnn.params_.size
    wider = memory_footprint(rnn.set_params(hidden_layer_sizes=80), **sizes)
    assert wider.fit > told.fit and wider.predict == told.predict


def test_embeddings_have_the_dimension_of_those_that_the_fit_begins_with():
    X, y = np.arange(40).reshape(20, 2, 1) % 5, np.arange(20) % 2
    words = {"categorical_features": "all", "max_iter": 1, "batch_size": 20, "tol": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = RNNClassifier(4, embedding_dim=7, **words).fit(X, y)
    rnn = RNNClassifier(4, weights_init=source, **words)
    told = memory_footprint(rnn, n_timesteps=2, n_features=1, n_samples=20, n_codes=5)
    assert told.n_params == source.params_.size


def test_a_footprint_is_shown_in_readable_units():
    text = repr(memory_footprint(RNNRegressor(64, n_threads=1), **PLAIN_FACTS))
    assert text.startswith("MemoryFootprint(n_params=13313, parameters=53.3 kB, optimizer=107 kB, ")
    assert "validation=0 B" in text and " MB" in text


@pytest.mark.parametrize(
    "estimator, facts, message",
    [
        (RNNRegressor(), {"n_samples": None}, "`n_samples`.*got None"),
        (RNNRegressor(), {"n_samples": 0}, "`n_samples`.*got 0"),
        (RNNRegressor(), {"n_timesteps": 1.5}, "`n_timesteps`.*got 1.5"),
        (RNNRegressor(), {"n_timesteps": [3, 0], "n_samples": None}, "`n_timesteps`.*got"),
        (RNNRegressor(), {"n_timesteps": [2**63], "n_samples": None}, "`n_timesteps`.*got"),
        (RNNRegressor(bptt=4, bidirectional=True), {}, "`bptt` needs bidirectional=False"),
        (RNNRegressor(), {"n_timesteps": [3, 4]}, "`n_samples`.*2.*got 200"),
        (RNNRegressor(), {"n_features": None}, "`n_features`.*got None"),
        (RNNRegressor(), {"n_outputs": 0}, "`n_outputs`.*got 0"),
        (RNNRegressor(), {"n_classes": 2}, "`n_classes`.*RNNRegressor.*got 2"),
        (RNNClassifier(), {"n_outputs": 1}, "`n_outputs`.*got 1"),
        (RNNClassifier(), {"n_classes": 1}, "`n_classes`.*got 1"),
        (RNNClassifier(), {"n_classes": [2, 1]}, "`n_classes`.*got"),
        (RNNClassifier(), {"n_classes": 3, "n_outputs": 2}, "`n_outputs`.*`n_classes`.*got 2"),
        (RNNRegressor(), {"n_codes": 4}, "`n_codes`.*got 4"),
        (RNNRegressor(categorical_features=[0]), {}, "`n_codes`.*got None"),
        (RNNRegressor(categorical_features=[0]), {"n_codes": [3, 4]}, "`n_codes`.*got"),
        (RNNRegressor(categorical_features="from_dtype"), {}, "`categorical_features`.*from_dtype"),
        (RNNRegressor(), {"n_threads": 0}, "`n_threads`.*got 0"),
        (RNNRegressor(dropout=2), {}, "`dropout`.*got 2"),
        (RNNRegressor(bptt=5, bidirectional=True), {}, "`bptt` needs bidirectional=False"),
        (RNNRegressor(frozen=["x"]), {}, "`frozen`.*'x' matches none"),
        (RNNRegressor(early_stopping=True), {"n_samples": 5}, "`validation_fraction`"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(estimator, facts, message):
    with pytest.raises(ValueError, match=message):
        memory_footprint(estimator, **{**PLAIN_FACTS, **facts})


def test_other_estimators_are_refused():
    with pytest.raises(TypeError, match=r"`estimator`.*got int"):
        memory_footprint(3, **PLAIN_FACTS)
