"""Bad input: an error that names what is wrong, before anything is changed."""

import pickle
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import DataConversionWarning, NotFittedError

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import Cell, Elman

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


@pytest.fixture(params=["unfitted", "fitted"])
def refuses(request):
    """Check that `fit` raises this message and leaves the estimator, fitted or not, as it was."""

    def check(rnn, message, X, y, error=ValueError, method="fit", **options):
        if request.param == "fitted":
            vars(rnn).update(fitted_like(rnn)._fitted_state())
        before = pickle.dumps(rnn)
        with pytest.raises(error, match=message):
            getattr(rnn, method)(X, y, **options)
        assert pickle.dumps(rnn) == before

    return check


def fitted_like(rnn):
    """Fit an estimator of this kind on good data."""
    per_step = rnn.mode == "many_to_many"
    if isinstance(rnn, RNNClassifier):
        y = [np.where(y > 0, "a", "b") for y in STEPS] if per_step else LABELS
        return RNNClassifier(2, mode=rnn.mode, max_iter=1).fit(RAGGED, y)
    y = STEPS if per_step else NUMBERS
    mode = rnn.mode if rnn.mode in ("many_to_one", "many_to_many") else "many_to_one"
    return RNNRegressor(2, mode=mode, max_iter=1).fit(RAGGED, y)


# ---- parameters -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value",
    [
        ("hidden_layer_sizes", 0),
        ("hidden_layer_sizes", (8, -1)),
        ("hidden_layer_sizes", ()),
        ("hidden_layer_sizes", 2.5),
        ("hidden_layer_sizes", "8"),
        ("cell", "lstn"),
        ("cell", None),
        ("bidirectional", "yes"),
        ("mode", "one_to_many"),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", Fraction(10**30 - 1, 10**30)),
        ("max_grad_norm", 0),
        ("max_grad_value", -1.0),
        ("solver", "lbfgs"),
        ("alpha", -1e-4),
        ("batch_size", 0),
        ("batch_size", "all"),
        ("learning_rate", "fast"),
        ("learning_rate_init", 0.0),
        ("learning_rate_init", np.nan),
        ("power_t", np.inf),
        ("momentum", 1.0),
        ("nesterovs_momentum", 1),
        ("beta_1", 1.0),
        ("beta_2", -0.5),
        ("epsilon", 0.0),
        ("max_iter", 0),
        ("max_iter", 2.0),
        ("shuffle", None),
        ("tol", -1.0),
        ("n_iter_no_change", 0),
        ("early_stopping", "auto"),
        ("validation_fraction", 1.0),
        ("validation_fraction", 0.0),
        ("warm_start", 0),
        ("verbose", -1),
        ("verbose", 0.5),
        ("loss", "mse"),
        ("huber_delta", 0.0),
        ("normalize_y", "yes"),
        ("dtype", "float16"),
        ("memory_budget", 0),
        ("memory_budget", 1e6),
        ("n_threads", 0),
        ("n_threads", True),
        ("random_state", "seed"),
    ],
)
def test_a_bad_parameter_is_named_with_what_came(refuses, name, value):
    came = "'seed'" if name == "random_state" else re.escape(repr(value))
    refuses(RNNRegressor(**{name: value}), f"`{name}`.*{came}", RAGGED, NUMBERS)


@pytest.mark.parametrize("value", ["balance", 3, {"a": -1.0}, {"a": np.nan}, {"c": 1.0, "a": 2.0}])
def test_a_bad_class_weight_is_named(refuses, value):
    refuses(RNNClassifier(class_weight=value), "`class_weight`", RAGGED, LABELS)


def test_a_bad_option_of_a_cell_is_named(refuses):
    rnn = RNNRegressor(cell=Elman(activation="sin"))
    message = r"`activation`.*'tanh', 'relu', got cell=Elman\(activation='sin'\)"
    refuses(rnn, message, RAGGED, NUMBERS)
    for cell in (Cell("abacus"), Cell(Elman()), Elman):
        refuses(RNNRegressor(cell=cell), "`cell`.*sklearn_rnn.cells.*got", RAGGED, NUMBERS)


# ---- X --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "X, message",
    [
        (changed(RAGGED, 3, ill(RAGGED[3], 2, np.nan)), "`X`.*sequence 3 has NaN"),
        (changed(RAGGED, 1, ill(RAGGED[1], 0, np.inf)), "`X`.*sequence 1 has infinity"),
        (changed(RAGGED, 1, ill(RAGGED[1], 0, 1e300)), "`X`.*'float32'.*sequence 1 has 1e\\+300"),
        (changed(DENSE, (2, 1, 0), np.nan), "`X`.*sequence 2 has NaN"),
        (changed(DENSE, (4, 1, 0), -1e39), "`X`.*with dtype='float32'.*sequence 4 has -1e\\+39"),
        (changed(DENSE[:, :, 0], (5, 3), np.inf), "`X`.*sequence 5 has infinity"),
        (changed(RAGGED, 2, np.empty((0, 3))), "`X\\[2\\]` has none"),
        (changed(RAGGED, 4, RAGGED[4][:, :2]), "`X\\[4\\]` has 2"),
        (changed(RAGGED, 4, RAGGED[4][:, 0]), "`X\\[4\\]` is 1-D"),
        (changed(RAGGED, 0, np.zeros((2, 3, 1))), "`X\\[0\\]` has shape \\(2, 3, 1\\)"),
        (changed(RAGGED, 5, np.array([["a", "b", "c"]])), "`X\\[5\\]`.*strings"),
        (changed(RAGGED, 5, RAGGED[5] + 1j), "`X\\[5\\]`.*complex"),
        (list("abcdef"), "`X` must hold real numbers, but it holds strings"),
        (np.array([["1", "2"]] * 6), "`X` must hold real numbers"),
        (DENSE + 1j, "[Cc]omplex"),
        ([], "`X`.*empty"),
        (DENSE[:0], "0 sample"),
        (DENSE[:, :0], "`X`.*at least 1 step"),
        (DENSE[:, :, :0], "`X`.*at least 1 feature"),
        (DENSE[0, 0], "Reshape your data"),
        (DENSE[None], "`X` must be 3-D"),
        (3.0, "scalar|[Ee]xpected"),
        (
            [[np.datetime64("NaT"), np.datetime64("2020")]] * 6,
            "`X` must hold real numbers, .*dates",
        ),
        (np.array([[np.datetime64("NaT")] * 2] * 6, object), "`X` must be finite.*has NaN"),
        (np.zeros((6, 2), [("a", float)]), "`X` must hold real numbers, but it holds structures"),
        ([[np.ma.array([1.0, 9.0], mask=[0, 1])]] * 6, "`X` must not have masked entries"),
        ([1.0, 2.0, 3.0], "`X` must hold sequences, got one of 3.*Reshape your data: .*\\[X\\]"),
    ],
)
def test_bad_sequences_are_named(refuses, X, message):
    refuses(RNNRegressor(2, max_iter=1, normalize_X=False), message, X, NUMBERS)


def test_sparse_data_are_refused(refuses):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        RNNRegressor().fit(sparse.csr_matrix(DENSE[:, :, 0]), NUMBERS)
    with pytest.raises(TypeError, match="sparse"):
        RNNRegressor().fit([sparse.csr_matrix(x) for x in RAGGED], NUMBERS)


def test_the_dtype_decides_what_overflows():
    X = changed(RAGGED, 1, ill(RAGGED[1], 0, 1e39))
    RNNRegressor(2, max_iter=1, dtype="float64").fit(X, NUMBERS)
    rnn = RNNRegressor(2, max_iter=1).fit(RAGGED, NUMBERS)
    with pytest.raises(ValueError, match="sequence 1 has 1e\\+39"):
        rnn.predict(X)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "hidden_states", "score"])
def test_another_kind_or_number_of_features_than_in_fit_is_refused(method):
    def call(rnn, X):
        return rnn.score(X, LABELS) if method == "score" else getattr(rnn, method)(X)

    rnn = RNNClassifier(2, max_iter=1).fit(DENSE, LABELS)
    with pytest.raises(ValueError, match="X has 2 features, but RNNClassifier is expecting 3 feat"):
        call(rnn, DENSE[:, :, :2])
    with pytest.raises(ValueError, match="X has 2 features, but RNNClassifier is expecting 3 feat"):
        call(rnn, [x[:, :2] for x in RAGGED])
    with pytest.raises(ValueError, match=r"fitted on: sequences.*got 2-D"):
        call(rnn, DENSE[:, :, 0])
    rnn = RNNClassifier(2, max_iter=1).fit(DENSE[:, :, 0], LABELS)
    with pytest.raises(ValueError, match="X has 3 features, but RNNClassifier is expecting 4 feat"):
        call(rnn, DENSE[:, :3, 0])
    with pytest.raises(ValueError, match=r"fitted on: 2-D.*got sequences"):
        call(rnn, DENSE[:, :, :1])
    with pytest.raises(ValueError, match=r"fitted on: 2-D.*got sequences"):
        call(rnn, [x[:, 0] for x in RAGGED])


@pytest.mark.parametrize("n_features", [3, 1])
def test_one_sequence_is_told_how_to_be_given(n_features):
    X = DENSE[:, :, :n_features]
    rnn = RNNRegressor(2, max_iter=1).fit(X, NUMBERS)
    for one in (X[0], pd.DataFrame(X[0]), X[0].tolist()):
        if n_features == 1 and isinstance(one, list):
            continue  # nested lists are sequences as those of other lengths
        with pytest.raises(ValueError, match=r"fitted on: sequences.*Pass one sequence as `\[X"):
            rnn.predict(one)
    assert rnn.predict([X[0]]).shape == (1,)
    with pytest.raises(ValueError) as error:
        rnn.predict(np.ones((5, 2)))
    assert ("np.newaxis" in str(error.value)) == (n_features == 1)


def test_partial_fit_refuses_other_features_and_keeps_the_model(refuses):
    rnn = RNNRegressor(2).partial_fit(RAGGED, NUMBERS)
    before = pickle.dumps(rnn)
    for X in (DENSE[:, :, :2], DENSE[:, :, 0]):
        with pytest.raises(ValueError, match=r"3 features|fitted on"):
            rnn.partial_fit(X, NUMBERS)
    assert pickle.dumps(rnn) == before


def test_what_is_not_fitted_says_so():
    rnn = RNNClassifier()
    calls = [
        lambda: rnn.predict(DENSE),
        lambda: rnn.predict_proba(DENSE),
        lambda: rnn.predict_log_proba(DENSE),
        lambda: rnn.score(DENSE, LABELS),
        lambda: rnn.hidden_states(DENSE),
        lambda: rnn.weights_,
        lambda: rnn.set_weights({}),
    ]
    for call in calls:
        with pytest.raises(NotFittedError):
            call()


# ---- y --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y, message",
    [
        (NUMBERS[:5], "`y`.*6 sequences.*\\(5,\\)"),
        (changed(NUMBERS, 2, np.nan), "`y` must be finite: `y\\[2\\]` is NaN"),
        (changed(NUMBERS, 2, np.inf), "`y` must be finite: `y\\[2\\]` is infinity"),
        (STEPS, "`y`.*many_to_many"),
        (np.zeros((6, 2, 2)), "`y`.*many_to_many"),
        (np.array(list("abcdef")), "`y` must hold real numbers, but it holds strings"),
        (list("123456"), "`y` must hold real numbers, but it holds strings"),
        (np.array(["2020", "NaT"] * 3, "M8[Y]"), "`y` must hold real numbers, but it holds dates"),
        (np.array([np.timedelta64(1, "D")] * 6, object), "`y` must hold real numbers"),
        (np.zeros(6, [("a", int)]), "`y` must hold real numbers, but it holds structures"),
        (None, "requires y to be passed, but the target y is None"),
        (3.0, "`y`"),
    ],
)
def test_bad_targets_of_a_regressor_are_named(refuses, y, message):
    refuses(RNNRegressor(2, max_iter=1), message, RAGGED, y)


@pytest.mark.parametrize(
    "y, message",
    [
        (LABELS[:5], "`y`.*6 sequences.*\\(5,\\)"),
        (changed(np.arange(6.0), 2, np.nan), "`y` must be finite: `y\\[2\\]` is NaN"),
        (NUMBERS, "continuous"),
        (["a", np.nan, "b"] * 2, "`y` must have no missing labels: `y\\[1\\]` is nan"),
        (np.zeros(6, [("a", int)]), "`y` must hold labels, but it holds structures"),
        (np.array([Decimal("sNaN")] * 6, object), "`y` must have no missing labels"),
        (STEPS, "`y`.*many_to_many"),
        (np.zeros((6, 2)), "`y`.*many_to_many"),
        (None, "requires y to be passed, but the target y is None"),
    ],
)
def test_bad_labels_are_named(refuses, y, message):
    refuses(RNNClassifier(2, max_iter=1), message, RAGGED, y)


@pytest.mark.parametrize(
    "y, message",
    [
        (STEPS[:5], "`y`.*6 sequences"),
        (changed(STEPS, 3, STEPS[3][:2]), "sequence 3 has 3 steps, but `y\\[3\\]` has 2"),
        (changed(STEPS, 3, changed(STEPS[3], 1, np.nan)), "sequence 3 has NaN"),
        (NUMBERS, "`y`.*one target per step"),
        (changed(STEPS, 0, np.zeros((2, 2))), "`y\\[0\\]` is 2-D, but `y\\[1\\]` is 1-D"),
    ],
)
def test_bad_targets_per_step_are_named(refuses, y, message):
    refuses(RNNRegressor(2, mode="many_to_many", max_iter=1), message, RAGGED, y)


def test_several_labels_per_step_are_refused(refuses):
    y = [np.zeros((len(x), 2), int) for x in RAGGED]
    rnn = RNNClassifier(2, mode="many_to_many", max_iter=1)
    refuses(rnn, "`y` must have one label per step, got 2", RAGGED, y)


def test_negative_counts_are_refused(refuses):
    refuses(RNNRegressor(2, loss="poisson"), "`y` must not be negative.*poisson", RAGGED, NUMBERS)


def test_targets_that_overflow_are_refused(refuses):
    y = changed(NUMBERS, 1, 1e200)
    refuses(RNNRegressor(2, normalize_y=False), "`y`.*1e\\+200.*overflow", RAGGED, y)
    RNNRegressor(2, max_iter=1).fit(RAGGED, y)


def test_a_column_of_labels_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        rnn = RNNClassifier(2, max_iter=1).fit(RAGGED, LABELS[:, None])
    assert rnn.predict(RAGGED).shape == (6,)


def test_targets_of_another_form_than_in_fit_are_refused():
    two = np.stack([NUMBERS, NUMBERS], axis=1)
    rnn = RNNRegressor(2).partial_fit(RAGGED, two)
    for y in (NUMBERS, NUMBERS[:, None], two[:, [0, 1, 1]]):
        with pytest.raises(ValueError, match="`y` must have 2 columns"):
            rnn.partial_fit(RAGGED, y)
        with pytest.raises(ValueError, match="`y` must have 2 columns"):
            rnn.score(RAGGED, y)
    with pytest.raises(ValueError, match="`y` must have one number"):
        RNNRegressor(2).partial_fit(RAGGED, NUMBERS).partial_fit(RAGGED, two)


# ---- weights --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weights, message",
    [
        (np.zeros(6), "`sample_weight`.*zero"),
        (changed(np.ones(6), 4, -1.0), "`sample_weight\\[4\\]` is -1"),
        (np.ones(5), "`sample_weight`.*\\(6,\\).*\\(5,\\)"),
        (np.ones((6, 2)), "`sample_weight`.*\\(6,\\)"),
        (changed(np.ones(6), 1, np.nan), "`sample_weight\\[1\\]` is NaN"),
        (0.0, "`sample_weight`.*zero"),
    ],
)
def test_bad_weights_are_named(refuses, weights, message):
    refuses(RNNRegressor(2, max_iter=1), message, RAGGED, NUMBERS, sample_weight=weights)
    refuses(RNNClassifier(2, max_iter=1), message, RAGGED, LABELS, sample_weight=weights)


@pytest.mark.parametrize(
    "weights, message",
    [
        ([0 * w for w in ONES], "`sample_weight`.*zero"),
        (changed(ONES, 3, np.array([1.0, -1.0, 1.0])), "`sample_weight`.*-1.0 in sequence 3"),
        (changed(ONES, 1, np.ones(3)), "sequence 1 has 4 steps, but `sample_weight\\[1\\]` has 3"),
        (np.ones(5), "`sample_weight`.*6.*5"),
    ],
)
def test_bad_weights_per_step_are_named(refuses, weights, message):
    rnn = RNNRegressor(2, mode="many_to_many", max_iter=1)
    refuses(rnn, message, RAGGED, STEPS, sample_weight=weights)


# ---- classes, validation, callbacks -----------------------------------------------------------


def test_partial_fit_wants_the_classes_first_and_no_others_later(refuses):
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        RNNClassifier(2).partial_fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match=r"`y` has classes not in.*'b'"):
        RNNClassifier(2).partial_fit(RAGGED, LABELS, classes=["a", "c"])
    rnn = RNNClassifier(2).partial_fit(RAGGED, LABELS, classes=["a", "b", "c"])
    before = pickle.dumps(rnn)
    with pytest.raises(ValueError, match=r"`y` has classes not in.*'d'"):
        rnn.partial_fit(RAGGED, changed(LABELS, 0, "d"))
    with pytest.raises(ValueError, match="`classes` must be those of the first call"):
        rnn.partial_fit(RAGGED, LABELS, classes=["a", "b"])
    with pytest.raises(ValueError, match="`y`"):
        rnn.partial_fit(RAGGED, np.arange(6))
    assert pickle.dumps(rnn) == before
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        RNNClassifier(2, class_weight="balanced").partial_fit(RAGGED, LABELS, classes=["a", "b"])


def test_partial_fit_refuses_early_stopping(refuses):
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        RNNRegressor(2, early_stopping=True).partial_fit(RAGGED, NUMBERS)


@pytest.mark.parametrize(
    "name, value",
    [
        ("cell", "lstm"),
        ("hidden_layer_sizes", 3),
        ("bidirectional", True),
        ("dtype", "float64"),
        ("mode", "many_to_many"),
        ("loss", "huber"),
    ],
)
def test_going_on_with_another_network_is_refused(name, value):
    rnn = RNNRegressor(2, warm_start=True, max_iter=1).fit(RAGGED, NUMBERS)
    rnn.set_params(**{name: value})
    for method in (rnn.fit, rnn.partial_fit):
        with pytest.raises(ValueError, match=f"`{name}` must not change.*has {name}=.*{value!r}"):
            method(RAGGED, NUMBERS)


def test_validation_data_must_be_complete_and_wanted(refuses):
    rnn = RNNRegressor(2, max_iter=1, early_stopping=True)
    refuses(rnn, "`X_val` needs `y_val`", RAGGED, NUMBERS, X_val=RAGGED)
    refuses(rnn, "need `X_val`", RAGGED, NUMBERS, y_val=NUMBERS)
    refuses(rnn, "need `X_val`", RAGGED, NUMBERS, sample_weight_val=NUMBERS)
    given = {"X_val": RAGGED, "y_val": NUMBERS}
    refuses(RNNRegressor(2), "early_stopping=True", RAGGED, NUMBERS, **given)
    bad = {**given, "X_val": changed(RAGGED, 2, ill(RAGGED[2], 0, np.nan))}
    refuses(rnn, "`X_val`.*sequence 2 has NaN", RAGGED, NUMBERS, **bad)
    refuses(rnn, "`y_val`.*6 sequences", RAGGED, NUMBERS, **{**given, "y_val": NUMBERS[:2]})
    refuses(rnn, "X_val has 2 features", RAGGED, NUMBERS, **{**given, "X_val": DENSE[:, :, :2]})
    refuses(rnn, "`sample_weight_val`", RAGGED, NUMBERS, **given, sample_weight_val=-(NUMBERS**2))


def test_a_validation_set_that_is_too_small_is_refused(refuses):
    rnn = RNNRegressor(2, early_stopping=True)
    refuses(rnn, "validation set is too small.*`validation_fraction`", RAGGED, NUMBERS)
    rnn = RNNRegressor(2, early_stopping=True)
    given = {"X_val": RAGGED[:1], "y_val": NUMBERS[:1]}
    refuses(rnn, "`y_val`.*at least 2", RAGGED, NUMBERS, **given)


@pytest.mark.parametrize("callbacks", [3, "print", [print, 3]])
def test_what_is_no_callback_is_refused(refuses, callbacks):
    refuses(RNNRegressor(2), "`callbacks`", RAGGED, NUMBERS, error=TypeError, callbacks=callbacks)


def test_frames_of_dates_are_refused(refuses):
    frame = pd.DataFrame({"a": [1.0] * 6, "b": np.array(["NaT"] * 6, "M8[D]")})
    refuses(RNNRegressor(2), "`X`.*its column 'b' holds dates", frame, NUMBERS)


class Hostile:
    """Raises what nobody expects when NumPy asks for an array."""

    shape, ndim = (6, 3), 2

    def __array__(self, *args, **kwargs):
        raise KeyError("no")


def test_what_raises_anything_at_all_is_named(refuses):
    refuses(RNNRegressor(2), "`X` cannot be read", Hostile(), NUMBERS)
    refuses(RNNRegressor(2), "`y` .*cannot be read", RAGGED, Hostile())


@pytest.mark.parametrize("value", [0, True, 2.0, "2", 2**31])
def test_a_bad_number_of_threads_is_refused_by_predictions_too(value):
    rnn = RNNRegressor(2, max_iter=1).fit(RAGGED, NUMBERS).set_params(n_threads=value)
    for method in (rnn.predict, rnn.hidden_states):
        with pytest.raises(ValueError, match="`n_threads` must be None or an integer"):
            method(RAGGED)


# ---- hidden states, weights, size -------------------------------------------------------------


def test_a_layer_that_is_not_there_is_refused():
    rnn = RNNRegressor((2, 3), max_iter=1).fit(RAGGED, NUMBERS)
    for layer in (2, -3, 0.5, None, True):
        with pytest.raises(ValueError, match="`layer` must be an integer from -2 to 1"):
            rnn.hidden_states(RAGGED, layer=layer)
    with pytest.raises(ValueError, match="`return_sequences` must be True or False, got 'no'"):
        rnn.hidden_states(RAGGED, return_sequences="no")


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("head.bias", None, "missing \\['head.bias'\\]"),
        ("extra", np.zeros(2), "unknown \\['extra'\\]"),
        ("head.bias", np.zeros(2), "head.bias.*shape \\(1,\\), got \\(2,\\)"),
        ("weight_hh_l0", np.zeros((2, 6)), "weight_hh_l0.*shape \\(6, 2\\)"),
        ("head.bias", [np.nan], "head.bias.*finite"),
        ("head.bias", [1e300], "head.bias.*finite in float32"),
        ("head.bias", ["x"], "head.bias.*strings"),
        ("head.bias", [1j], "head.bias.*complex"),
    ],
)
def test_bad_weights_of_the_network_are_named(name, value, message):
    rnn = RNNRegressor(2, max_iter=1).fit(RAGGED, NUMBERS)
    before = pickle.dumps(rnn)
    weights = {**rnn.weights_, "head.weight": np.ones((1, 2)), name: value}
    weights = {k: w for k, w in weights.items() if w is not None}
    with pytest.raises(ValueError, match=message):
        rnn.set_weights(weights)
    assert pickle.dumps(rnn) == before


@pytest.mark.parametrize("size", [2**16, 2**20, 2**40, 2**62])
def test_absurd_sizes_are_refused_and_change_nothing(refuses, size):
    rnn = RNNRegressor(size, max_iter=1)
    refuses(rnn, "hidden_layer_sizes", RAGGED, NUMBERS, error=(MemoryError, ValueError))


# ---- what would be misread, vanish or overflow -------------------------------------------------


def test_masked_entries_are_refused_wherever_they_come(refuses):
    mask = np.zeros(6, bool)
    mask[2] = True
    rnn = RNNRegressor(2, max_iter=1)
    steps = np.ma.array(DENSE, mask=np.broadcast_to(mask[:, None, None], DENSE.shape))
    for X in (steps, steps[:, :, 0]):
        refuses(rnn, "`X` must not have masked", X, NUMBERS)
    masked = np.ma.array(np.arange(1.0, 7.0), mask=mask)
    refuses(rnn, "`y` must not have masked", RAGGED, masked)
    refuses(rnn, "`sample_weight` must not have masked", RAGGED, NUMBERS, sample_weight=masked)
    unmasked = np.ma.array(DENSE, mask=False)
    assert len(RNNRegressor(2, max_iter=1).fit(unmasked, NUMBERS).predict(unmasked)) == 6


def test_targets_whose_mean_overflows_are_refused(refuses):
    y = np.full(6, 1.7e308)
    y[0] = 1.6e308
    refuses(RNNRegressor(2, dtype="float64"), "`y` has values.*mean or scale", RAGGED, y)


@pytest.mark.parametrize("name", ["hidden_layer_sizes", "n_threads", "max_iter", "batch_size"])
@pytest.mark.parametrize("value", [10**30, 10**400])
def test_integers_beyond_those_of_the_core_are_named(refuses, name, value):
    refuses(RNNRegressor(**{name: value}), f"`{name}` must be.*below 2", RAGGED, NUMBERS)


def test_numbers_that_no_float_holds_are_named(refuses):
    refuses(RNNRegressor(alpha=10**400), "`alpha` must be a number", RAGGED, NUMBERS)


@pytest.mark.parametrize("name", ["epsilon", "max_grad_value", "huber_delta"])
def test_constants_that_vanish_in_the_dtype_are_named(refuses, name):
    small = {name: 1e-50}
    refuses(RNNRegressor(2, **small), f"`{name}`.*float32.*1e-50", RAGGED, NUMBERS)
    RNNRegressor(2, max_iter=1, dtype="float64", **small).fit(RAGGED, NUMBERS)


def test_weights_that_are_no_numbers_are_named(refuses):
    strings = list("abcdef")
    refuses(RNNRegressor(2), "`sample_weight`.*strings", RAGGED, NUMBERS, sample_weight=strings)
    for weight in ("x", None, 1j, 10**400):
        rnn = RNNClassifier(2, class_weight={"a": weight})
        refuses(rnn, "`class_weight` must have finite weights", RAGGED, LABELS)


def test_classes_that_are_no_list_are_named():
    for classes in ({"a", "b"}, "ab", [], [["a"], ["b"]]):
        with pytest.raises(ValueError, match="`classes` must be a list or 1-D array"):
            RNNClassifier(2).partial_fit(RAGGED, LABELS, classes=classes)


def test_validation_targets_must_be_like_those_of_training(refuses):
    two = np.stack([NUMBERS, NUMBERS], axis=1)
    rnn = RNNRegressor(2, max_iter=1, early_stopping=True, validation_fraction=0.5)
    for y, y_val in ((NUMBERS, two), (two, NUMBERS), (two, two[:, :1])):
        with pytest.raises(ValueError, match="`y_val` must have"):
            rnn.fit(RAGGED, y, X_val=RAGGED, y_val=y_val)
    rnn = RNNClassifier(2, max_iter=1, early_stopping=True)
    for y, y_val in ((LABELS, np.arange(6) % 2), (np.arange(6) % 2, LABELS)):
        with pytest.raises(ValueError, match="`y_val` must have labels of the type of `classes_`"):
            rnn.fit(RAGGED, y, X_val=RAGGED, y_val=y_val)


def test_labels_of_another_type_are_not_scored():
    codes = np.arange(6) % 2
    for fitted, scored in ((codes, codes.astype(str)), (LABELS, codes), (codes, LABELS)):
        rnn = RNNClassifier(2, max_iter=1).fit(RAGGED, fitted)
        with pytest.raises(ValueError, match="`y` must have labels of the type of `classes_`"):
            rnn.score(RAGGED, scored)
        assert 0 <= rnn.score(RAGGED, fitted.astype(object)) <= 1


def test_a_column_of_labels_per_step_is_flattened_with_a_warning():
    y = np.tile(LABELS[:, None], (1, 4))
    rnn = RNNClassifier(2, mode="many_to_many", max_iter=1)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        rnn.fit(DENSE, y[:, :, None])
    assert rnn.predict(DENSE).shape == (6, 4)


def test_results_that_are_not_finite_are_an_error():
    X = np.random.RandomState(0).normal(size=(20, 4, 3))
    settings = {"cell": Elman(activation="relu"), "max_iter": 2, "tol": 0.0}
    regressor = RNNRegressor(16, random_state=0, **settings).fit(X, X.sum(axis=(1, 2)))
    with pytest.raises(ValueError, match=r"`X` must be at most 1e.*sequence 0 has 3e\+38"):
        regressor.predict(np.full_like(X, 3e38))
    regressor.params_ *= 1e10
    with pytest.raises(ValueError, match="`X` leads to results that are not finite"):
        regressor.predict(np.full_like(X, 1e29))
    regressor.params_[:] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        regressor.predict(X)


def test_a_huge_power_only_stops_the_learning():
    X = np.random.RandomState(0).normal(size=(20, 4, 3))
    settings = {"learning_rate": "invscaling", "max_iter": 3, "tol": 0.0}
    regressor = RNNRegressor(4, power_t=1000.0, **settings).fit(X, X.sum(axis=(1, 2)))
    assert np.isfinite(regressor.loss_)


def test_targets_without_a_column_are_refused():
    X = [np.ones((4, 2)), np.ones((3, 2))]
    with pytest.raises(ValueError, match="`y` must have one target per step, got none"):
        RNNRegressor(2, mode="many_to_many").fit(X, [np.zeros((4, 0)), np.zeros((3, 0))])


@pytest.mark.parametrize(
    "X, message",
    [
        ({"a": RAGGED[0]}, r"`X` must be a list of sequences, got a dict: list\(X.values\(\)\)"),
        (iter(RAGGED), r"`X` must be a list of sequences, got an iterator: list\(X\)"),
    ],
)
def test_a_dict_or_an_iterator_is_told_how_to_become_a_list(X, message):
    with pytest.raises(TypeError, match=message):
        RNNRegressor(2).fit(X, NUMBERS)


def test_weights_per_step_need_targets_per_step():
    weights = [np.ones(len(x)) for x in RAGGED]
    with pytest.raises(ValueError, match=r"`sample_weight` must have one weight per sequence with"):
        RNNRegressor(2).fit(RAGGED, NUMBERS, weights)


def test_axes_that_are_swapped_in_predict_are_noticed():
    rnn = RNNRegressor(2, max_iter=1).fit(DENSE, NUMBERS)
    with pytest.raises(ValueError, match=r"X has 50 features.*np\.swapaxes\(X, 1, 2\)"):
        rnn.predict(np.ones((2, 3, 50)))


def test_a_column_too_many_is_named():
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame(x, columns=list("abc")) for x in RAGGED]
    rnn = RNNRegressor(2, max_iter=1).fit(frames, NUMBERS)
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- time"):
        rnn.predict([frame.assign(time=1.0) for frame in frames])
