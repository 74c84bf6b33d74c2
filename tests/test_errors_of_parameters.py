"""A bad parameter is named, with what came, before anything is changed."""

import pickle
import re
from fractions import Fraction

import numpy as np
import pytest
from bad_input import LABELS, NUMBERS, RAGGED

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import LSTM, Cell, Elman
from sklearn_rnn.layers import Conv1D, Dense
from sklearn_rnn.preprocessing import SequenceScaler

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
        ("connections", "dense"),
        ("connections", False),
        ("connections", ["skip"]),
        ("categorical_features", 1),
        ("categorical_features", b"all"),
        ("embedding_dim", 0),
        ("embedding_dim", 2.5),
        ("embedding_dim", "large"),
        ("embedding_dim", ()),
        ("embedding_init", "glove"),
        ("mode", "one_to_many"),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", Fraction(10**30 - 1, 10**30)),
        ("max_grad_norm", 0),
        ("max_grad_value", -1.0),
        ("solver", "newton"),
        ("alpha", -1e-4),
        ("l1_ratio", -0.1),
        ("l1_ratio", 1.5),
        ("l1_ratio", np.nextafter(1.0, 2.0)),
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
        ("frozen", 3),
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


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"hidden_layer_sizes": (2,) * 65}, "`hidden_layer_sizes`.*at most 64"),
        ({"output_layer_sizes": (2,) * 65}, "`output_layer_sizes`.*at most 64"),
        ({"input_layers": [Dense(2)] * 65}, "`input_layers`.*at most 64"),
        ({"cell": Elman(transition_layer_sizes=(2,) * 65)}, "`transition_layer_sizes`.*at most 64"),
        ({"quantile": np.arange(1, 1002) / 1002}, "`quantile`.*at most 1000"),
        (
            {"hidden_layer_sizes": (2,) * 64, "cell": Elman(transition_layer_sizes=(2,) * 9)},
            "`hidden_layer_sizes`.*at most 399 parts, but it has 642.*`transition_layer_sizes`",
        ),
    ],
)
def test_more_parts_than_a_network_can_have_are_refused_by_name(refuses, parameters, message):
    refuses(RNNRegressor(**parameters), message, RAGGED, NUMBERS)


@pytest.mark.parametrize(
    "cell, name",
    [
        (Elman(input_initializer="identity"), "input_initializer"),
        (
            Elman(recurrent_initializer="identity", transition_layer_sizes=(2,)),
            "recurrent_initializer",
        ),
    ],
)
def test_an_initializer_that_a_shape_cannot_have_is_refused_by_name(refuses, cell, name):
    message = rf"`{name}` of a cell must not be 'identity'.*has shape \(4, [23]\) per gate"
    refuses(RNNRegressor(4, cell=cell), message, RAGGED, NUMBERS)


def test_a_convolution_of_too_many_features_is_refused_by_name():
    X = np.random.RandomState(0).randint(3, size=(6, 4, 5))
    rnn = RNNRegressor(2, categorical_features="all", input_layers=[Conv1D(2, 17)])
    with pytest.raises(ValueError, match=r"`input_layers`.*at most 80.*one has 85.*`kernel_size`"):
        rnn.fit(X, np.arange(6.0))


def test_a_bad_option_of_a_cell_is_named(refuses):
    rnn = RNNRegressor(cell=Elman(activation="sin"))
    message = r"`activation`.*'tanh', 'relu', 'logistic', got cell=Elman\(activation='sin'\)"
    refuses(rnn, message, RAGGED, NUMBERS)
    for cell in (Cell("abacus"), Cell(Elman()), Elman):
        refuses(RNNRegressor(cell=cell), "`cell`.*sklearn_rnn.cells.*got", RAGGED, NUMBERS)


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


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        ({"learning_rate": 0.01}, r"got 0\.01\. Give a number as `learning_rate_init`\."),
        ({"learning_rate": "cosin"}, "got 'cosin'. Did you mean 'cosine'?"),
        ({"loss": "mse"}, r"Did you mean 'squared_error'\?"),
        ({"loss": "MAE"}, r"Did you mean 'absolute_error'\?"),
        ({"cell": "LSTM"}, r"got 'LSTM'\. Did you mean 'lstm'\?"),
        ({"solver": "Adam"}, r"Did you mean 'adam'\?"),
        ({"mode": "many-to-many"}, r"Did you mean 'many_to_many'\?"),
        ({"mode": "seq2seq"}, r"see sklearn_rnn\.seq2seq\."),
        ({"connections": "Residual"}, r"Did you mean 'residual'\?"),
        ({"cell": "transformer"}, r"got 'transformer'\.$"),
    ],
)
def test_words_of_other_libraries_lead_to_ours(parameters, hint):
    with pytest.raises(ValueError, match=hint):
        RNNRegressor(**parameters).fit(np.ones((4, 3, 2)), np.arange(4))


@pytest.mark.parametrize(
    ("make", "name", "hint"),
    [
        (RNNClassifier, "lr", "`learning_rate_init`?"),
        (RNNRegressor, "hidden_size", "`hidden_layer_sizes`?"),
        (RNNClassifier, "bidirectionnal", "`bidirectional`?"),
        (RNNClassifier, "activation", "`cell=Elman(activation=...)`."),
        (RNNClassifier, "peepholes", "`cell=LSTM(peepholes=...)`."),
        (LSTM, "recurent_dropout", "`recurrent_dropout`?"),
        (SequenceScaler, "methods", "`method`?"),
        (RNNClassifier, "nonlinearity", "`cell=Elman(activation=...)`."),
        (RNNClassifier, "input_size", "`fit` learns it from the data: leave it out."),
        (RNNClassifier, "callbacks", "It is an argument of `fit`."),
        (RNNClassifier, "ignore_index", "the `sample_weight` 0 in `fit`."),
        (RNNRegressor, "batch_first", "(n_samples, n_timesteps, n_features)."),
        (
            RNNRegressor,
            "validation_data",
            "`X_val` and `y_val` to `fit`, with early_stopping=True.",
        ),
        (RNNRegressor, "validation_split", "`validation_fraction`?"),
        (RNNRegressor, "return_sequences", "`mode`?"),
        (LSTM, "units", "RNNClassifier(hidden_layer_sizes=..., cell=LSTM())."),
        (RNNClassifier, "nonsense", "."),
    ],
)
def test_unknown_parameters_lead_to_known_ones(make, name, hint):
    with pytest.raises(TypeError, match=f"^{make.__name__}.*'{name}'.*{re.escape(hint)}$"):
        make(**{name: 1})
    estimator = make()
    before = repr(estimator)
    with pytest.raises(ValueError, match=f"^Invalid parameter '{name}' .*{re.escape(hint)} Valid"):
        estimator.set_params(**{next(iter(estimator.get_params())): 1, name: 1})
    assert repr(estimator) == before


def test_values_without_names_lead_to_names():
    with pytest.raises(
        TypeError, match=r"^RNNClassifier.*2 values .* Only `hidden_layer_sizes` may"
    ):
        RNNClassifier(64, "lstm")
    with pytest.raises(TypeError, match=r"^LSTM.*1 value .* None may"):
        LSTM(64)
    with pytest.raises(TypeError, match="multiple values for argument 'hidden_layer_sizes'"):
        RNNClassifier(64, hidden_layer_sizes=64)


def test_subclasses_may_have_parameters_of_their_own():
    class Mine(RNNClassifier):
        def __init__(self, lr=0.1, **options):
            super().__init__(**options)
            self.lr = lr

    assert Mine(lr=2, cell="lstm").set_params(lr=3).lr == 3
    with pytest.raises(TypeError, match=r"^Mine.*Did you mean `solver`\?"):
        Mine(optimizer="adam")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"epochs": 4}, "It is a parameter of the constructor: RNNRegressor(max_iter=4)."),
        ({"batch_size": 8}, "It is a parameter of the constructor: RNNRegressor(batch_size=8)."),
        ({"verbose": object()}, "It is a parameter of the constructor: RNNRegressor(verbose=...)."),
        ({"validation_data": ()}, "Give `X_val` and `y_val` to `fit`, with early_stopping=True."),
        ({"sample_weights": None}, "Did you mean `sample_weight`?"),
        ({"nonsense": 1}, "argument 'nonsense'."),
    ],
)
def test_keywords_of_fit_lead_to_where_they_belong(given, hint):
    with pytest.raises(TypeError, match=rf"^RNNRegressor\.fit\(\) got .*{re.escape(hint)}$"):
        RNNRegressor().fit(RAGGED, NUMBERS, **given)


def test_the_number_of_units_leads_from_cells_to_estimators():
    hint = "RNNClassifier(hidden_layer_sizes=32, cell=LSTM())."
    with pytest.raises(TypeError, match=re.escape(hint) + "$"):
        LSTM(32)
