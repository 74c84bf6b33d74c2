"""`weights_init`: fits that begin with the body of a fitted estimator; and `transfer`."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scale_settings import STILL, lists
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._model.body import names_of_body
from sklearn_rnn.cells import LSTM, Elman, Jordan
from sklearn_rnn.layers import Attention, Conv1D, Dense
from sklearn_rnn.preprocessing import SequenceScaler
from sklearn_rnn.transfer import MultiTaskRNN, transfer

NETWORKS = {
    "plain": {},
    "two directions": {"hidden_layer_sizes": (4, 3), "bidirectional": True, "merge_mode": "sum"},
    "residual": {"hidden_layer_sizes": (4, 4), "connections": "residual"},
    "skip": {"hidden_layer_sizes": (4, 3), "connections": "skip", "cell": ["lstm", "indrnn"]},
    "norms": {"hidden_layer_sizes": (4, 3), "layer_normalization": "layer", "cell": "mgu"},
    "cell": {"cell": LSTM(peepholes=True, normalization="layer", initial_state="learned")},
    "projection": {"cell": LSTM(projection_size=2), "hidden_layer_sizes": (4, 3)},
    "transitions": {"cell": Elman(transition_layer_sizes=(3,))},
    "dense": {"input_layers": [Dense(5)]},
    "convolution": {"input_layers": [Conv1D(5, 3)]},
    "stride": {"input_layers": [Conv1D(5, 3, stride=2)]},
    "output": {"pooling": Attention(3), "output_layer_sizes": (5,), "dropout": 0.2},
}
TRAINED = {"max_iter": 3, "random_state": 0, "dtype": "float64"}


def steps(X, numbers):
    """Return one label per step."""
    return [np.where(x[:, 0] > 5, "high", "low") for x in X]


def states(rnn, X):
    return [rnn.hidden_states(X, layer=layer) for layer in range(rnn.n_layers_)]


def other_X(seed, factor):
    """Return sequences whose columns have another mean and scale, and numbers."""
    X, _, numbers = lists(40, seed)
    return [x * factor + [1.0, 2.0, 1e-4] for x in X], numbers


@pytest.fixture
def source():
    X, _, numbers = lists()
    return RNNRegressor(4, **TRAINED).fit(X, numbers)


# ---- what a fit begins with ---------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.7, 5.0])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_fit_begins_with_the_states_of_the_source(network, factor):
    X, labels, numbers = lists()
    words = {"hidden_layer_sizes": 4, **network}
    regressor = RNNRegressor(**words, **TRAINED).fit(X, np.c_[numbers, -numbers])
    classifier = RNNClassifier(**words, **TRAINED).fit(X, labels)
    X, numbers = other_X(1, factor)
    still = {**words, **STILL, "max_iter": 1, "random_state": 3}
    to_one = RNNRegressor(**still, weights_init=classifier).fit(X, numbers)
    pairs = [(classifier, to_one)]
    if "pooling" not in network and network is not NETWORKS["stride"]:
        to_many = RNNClassifier(**still, mode="many_to_many", weights_init=regressor)
        pairs.append((regressor, to_many.fit(X, steps(X, numbers))))
    for before, after in pairs:
        for theirs, ours in zip(states(before, X), states(after, X), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)
            assert ours.std() > 0.001


def test_all_but_the_body_begins_as_without_a_source():
    X, labels, numbers = lists()
    words = {"pooling": Attention(3), "output_layer_sizes": (5,), "normalize_X": False}
    source = RNNClassifier(4, **words, **TRAINED).fit(X, labels)
    still = {**words, **STILL, "max_iter": 1, "random_state": 3}
    fresh = RNNRegressor(4, **still).fit(X, numbers)
    begun = RNNRegressor(4, **still, weights_init=source).fit(X, numbers)
    body = names_of_body(begun._fitted_model().network)
    assert set(body) == {f"{stem}_l0" for stem in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    for name, values in begun.weights_.items():
        same = source if name in body else fresh
        np.testing.assert_allclose(values, same.weights_[name], atol=1e-290)
        assert name.split(".")[0] in (*body, "attention", "output_0", "head")


def test_arrays_that_read_the_output_are_new():
    X, labels, numbers = lists()
    words = {"cell": Jordan(), "normalize_X": False, **STILL, "max_iter": 1}
    source = RNNRegressor(4, **words, random_state=0).fit(X, np.c_[numbers, numbers])
    begun = RNNClassifier(4, **words, random_state=3, weights_init=source).fit(X, labels)
    assert names_of_body(begun._fitted_model().network) == ("weight_ih_l0", "bias_ih_l0")
    np.testing.assert_array_equal(begun.weights_["weight_ih_l0"], source.weights_["weight_ih_l0"])
    assert begun.weights_["weight_oh_l0"].shape == (4, 1)


def test_a_source_of_another_dtype_is_converted(source):
    X, numbers = other_X(1, 1.0)
    begun = RNNRegressor(4, weights_init=source, max_iter=1, learning_rate_init=1e-30).fit(
        X, numbers
    )
    assert begun.params_.dtype == np.float32
    np.testing.assert_allclose(begun.hidden_states(X), source.hidden_states(X), atol=1e-5)


# ---- scales of X --------------------------------------------------------------------------------


def test_the_new_scale_is_used_where_the_weights_can_absorb_it(source):
    X, numbers = other_X(1, [0.7, 5.0, 1.0])
    fresh = RNNRegressor(4, **TRAINED).fit(X, numbers)
    begun = RNNRegressor(4, weights_init=source, **TRAINED).fit(X, numbers)
    for name in ("x_mean_", "x_scale_"):
        expected = getattr(fresh, name).copy()
        expected[1] = getattr(source, name)[1]  # a factor of 5
        np.testing.assert_array_equal(getattr(begun, name), expected)
    before = begun.x_scale_[1]
    begun.partial_fit(X[:1], numbers[:1])  # goes on from moments that belong to this scale
    np.testing.assert_allclose(begun.x_scale_[1], before, rtol=0.5)


def test_a_convolution_keeps_the_scale_of_the_source():
    X, _, numbers = lists()
    words = {"input_layers": [Conv1D(3, 2)], **TRAINED}
    source = RNNRegressor(4, **words).fit(X, numbers)
    begun = RNNRegressor(4, **words, weights_init=source).fit(*other_X(1, 0.9))
    np.testing.assert_array_equal(begun.x_mean_, source.x_mean_)
    np.testing.assert_array_equal(begun.x_scale_, source.x_scale_)


@pytest.mark.parametrize("layers", [(), [Conv1D(3, 2)]])
def test_a_column_that_was_constant_gets_its_own_scale(layers):
    X, _, numbers = lists()
    X = [x * [1, 0, 1] + [0, 7, 0] for x in X]
    words = {"hidden_layer_sizes": 4, "input_layers": layers}
    source = RNNRegressor(**words, **TRAINED).fit(X, numbers)
    other, other_numbers = other_X(1, 1.0)
    still = {**words, **STILL, "max_iter": 1, "random_state": 3}
    begun = RNNRegressor(**still, weights_init=source).fit(other, other_numbers)
    assert begun.x_scale_[1] > 50
    np.testing.assert_allclose(begun.hidden_states(X), source.hidden_states(X), atol=1e-9)


def test_without_normalization_weights_are_taken_as_they_are(source):
    X, numbers = other_X(1, 1.0)
    plain = clone(source).set_params(normalize_X=False).fit(X, numbers)
    still = {**STILL, "normalize_X": False, "max_iter": 1}
    begun = RNNRegressor(4, **still, weights_init=plain).fit(X, numbers)
    np.testing.assert_array_equal(begun.hidden_states(X), plain.hidden_states(X))


# ---- codes --------------------------------------------------------------------------------------


def codes(known, seed=0):
    rng = np.random.RandomState(seed)
    X = [np.c_[rng.choice(known, 6), rng.normal(size=6)] for _ in range(30)]
    return X, np.array([x[:, 1].sum() for x in X])


def test_vectors_are_copied_by_code():
    words = {"categorical_features": [0], **STILL, "max_iter": 1, "random_state": 1}
    source = RNNRegressor(4, embedding_dim=3, **words).fit(*codes([2, 5, 9]))
    begun = RNNRegressor(4, **words, weights_init=source).fit(*codes([5, 7, 9, 11]))
    theirs, ours = (rnn.weights_["embedding_0.weight"] for rnn in (source, begun))
    assert [known.tolist() for known in begun.categories_] == [[5, 7, 9, 11]]
    np.testing.assert_array_equal(ours[:4], theirs[[1, 3, 2, 3]])  # 3: the row of unknown codes
    X = codes([5, 7, 9, 11], seed=1)[0]
    np.testing.assert_allclose(begun.hidden_states(X), source.hidden_states(X), atol=1e-9)
    given = {5: [1.0, 2.0, 3.0], 7: [4.0, 5.0, 6.0]}
    begun.set_params(embedding_init=given).fit(*codes([5, 7, 9, 11]))
    ours = begun.weights_["embedding_0.weight"]
    np.testing.assert_array_equal(ours[:4], [theirs[1], given[7], theirs[2], theirs[3]])


def test_codes_and_strings_are_not_confused():
    X, numbers = codes([2, 5, 9])
    source = RNNRegressor(4, categorical_features=[0], max_iter=1).fit(X, numbers)
    frames = [pd.DataFrame({"a": x[:, 0].astype(int).astype(str), "b": x[:, 1]}) for x in X]
    begun = transfer(source, RNNRegressor(max_iter=1))
    with pytest.raises(
        ValueError, match="`categorical_features` must select columns of the same type"
    ):
        begun.fit(frames, numbers)


# ---- scikit-learn, pickles, further fits --------------------------------------------------------


def test_clones_searches_and_pickles_keep_the_source(source):
    X, numbers = other_X(1, 1.0)
    rnn = RNNRegressor(4, weights_init=source, **TRAINED)
    assert clone(rnn).weights_init is source
    assert rnn.get_params(deep=False)["weights_init"] is source
    fitted = rnn.fit(X, numbers)
    for again in (clone(rnn), pickle.loads(pickle.dumps(rnn)), make_pipeline(clone(rnn))):
        np.testing.assert_array_equal(again.fit(X, numbers).predict(X), fitted.predict(X))
    grid = {"weights_init": [None, FrozenEstimator(source)], "max_iter": [2]}
    search = GridSearchCV(rnn, grid, cv=2, error_score="raise").fit(X, numbers)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def test_only_the_first_fit_begins_with_the_source(source):
    X, numbers = other_X(1, 1.0)
    rnn = RNNRegressor(4, weights_init=source, **TRAINED)
    pieces = clone(rnn).set_params(tol=0.0)
    whole = clone(pieces).fit(X, numbers)
    for _ in range(3):
        pieces.partial_fit(X, numbers)
    np.testing.assert_array_equal(pieces.params_, whole.params_)
    warm = clone(rnn).set_params(warm_start=True).fit(X, numbers)
    alone = pickle.loads(pickle.dumps(warm)).set_params(weights_init=None)
    np.testing.assert_array_equal(warm.fit(X, numbers).params_, alone.fit(X, numbers).params_)
    assert not np.array_equal(warm.params_, rnn.fit(X, numbers).params_)


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, text",
    [
        ({"cell": "lstm"}, "cell='gru', but this estimator has cell='lstm'"),
        ({"hidden_layer_sizes": 5}, "hidden_layer_sizes=(4,), but this estimator has"),
        ({"hidden_layer_sizes": (4, 4)}, "hidden_layer_sizes=(4,)"),
        ({"bidirectional": True}, "bidirectional=False, but this estimator has bidirectional=True"),
        ({"input_layers": [Dense(3)]}, "input_layers=()"),
        ({"normalize_X": False}, "normalize_X=True, but this estimator has normalize_X=False"),
        ({"categorical_features": [0]}, "categorical_features=None"),
    ],
)
def test_another_body_is_refused_in_the_words_of_the_constructor(source, words, text):
    X, numbers = other_X(1, 1.0)
    if "categorical_features" in words:
        X = [np.c_[np.arange(len(x)), x[:, 1:]] for x in X]
    rnn = RNNRegressor(**{"hidden_layer_sizes": 4, **words}, max_iter=1).fit(X, numbers)
    before = pickle.dumps(rnn._fitted_attributes())
    with pytest.raises(ValueError, match=re.escape(text)):
        rnn.set_params(weights_init=source).fit(X, numbers)
    assert pickle.dumps(rnn._fitted_attributes()) == before
    begun = transfer(source, rnn)
    if "categorical_features" not in words:
        begun.fit(X, numbers)


def test_other_columns_are_refused(source):
    X, numbers = other_X(1, 1.0)
    rnn = RNNRegressor(4, weights_init=source, max_iter=1)
    with pytest.raises(ValueError, match=r"n_features=3, .* n_features=2\. `X` must have"):
        rnn.fit([x[:, :2] for x in X], numbers)
    frames = [pd.DataFrame(x, columns=["a", "b", "c"]) for x in X]
    named = RNNRegressor(4, max_iter=1).fit(frames, numbers)
    with pytest.raises(ValueError, match="`X` must have its columns in the order"):
        rnn.set_params(weights_init=named).fit(
            [frame[["b", "a", "c"]] for frame in frames], numbers
        )


def test_a_source_must_be_a_fitted_estimator(source):
    X, numbers = other_X(1, 1.0)
    for unfitted in (RNNRegressor(4), clone(source), FrozenEstimator(RNNClassifier())):
        with pytest.raises(NotFittedError, match="`weights_init` must be fitted, got"):
            RNNRegressor(4, weights_init=unfitted).fit(X, numbers)
        with pytest.raises(NotFittedError, match="`source` must be fitted, got"):
            transfer(unfitted, RNNRegressor())
    one, two = RNNRegressor(4), RNNRegressor(4)
    two.weights_init, one.weights_init = one, two
    with pytest.raises(NotFittedError, match="`weights_init` must be fitted"):
        one.fit(X, numbers)
    pipeline = make_pipeline(SequenceScaler(), RNNRegressor(4, **TRAINED)).fit(X, numbers)
    for bad in (RNNRegressor, 3, source.params_):
        with pytest.raises(ValueError, match=r"(?s)^`weights_init` must be None, .*, got [^`]*$"):
            RNNRegressor(4, weights_init=bad).fit(X, numbers)
    with pytest.raises(
        ValueError, match=r" Of a Pipeline, pass the last step, `pipeline\[-1\]`\.$"
    ):
        RNNRegressor(4, weights_init=pipeline).fit(X, numbers)
    RNNRegressor(4, weights_init=pipeline[-1], **TRAINED).fit(pipeline[:-1].transform(X), numbers)
    search = GridSearchCV(RNNRegressor(4, **TRAINED), {"alpha": [0.0]}, cv=2).fit(X, numbers)
    with pytest.raises(ValueError, match=r" Pass its `best_estimator_`\.$"):
        transfer(search, RNNRegressor())


# ---- transfer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_transfer_takes_the_parameters_of_the_body(network):
    X, labels, numbers = lists()
    words = {"hidden_layer_sizes": 4, **network}
    source = RNNRegressor(**words, **TRAINED, normalize_X=False).fit(X, numbers)
    target = RNNClassifier(7, cell="elman", max_iter=1, pooling="mean", dropout=0.1)
    before = repr(target)
    rnn = transfer(source, target)
    assert repr(target) == before and not hasattr(rnn, "params_")
    assert rnn.weights_init is source
    assert (rnn.pooling, rnn.output_layer_sizes, rnn.dropout) == ("mean", (), 0.1)
    assert (rnn.dtype, rnn.normalize_X) == ("float64", False)
    rnn.fit(X, labels)
    for cell in rnn.cell if isinstance(rnn.cell, list) else [rnn.cell]:
        assert cell is not network.get("cell") or isinstance(cell, str)


def test_several_tasks_give_and_take_bodies(source):
    X, labels, numbers = lists()
    several = transfer(source, MultiTaskRNN(**STILL, max_iter=1))
    several.fit(X, {"label": labels, "number": numbers})
    back = transfer(several, RNNClassifier(**STILL, max_iter=1)).fit(X, labels)
    for rnn in (several, back):
        np.testing.assert_allclose(rnn.hidden_states(X), source.hidden_states(X), atol=1e-9)


def test_a_chain_of_transfers_keeps_only_the_last_source(source):
    X, numbers = other_X(1, 1.0)
    target, rnn = RNNRegressor(max_iter=1, random_state=0), source
    for _ in range(20):
        before, rnn = rnn, transfer(rnn, target).fit(X, numbers)
    assert before.weights_init is not None and rnn.weights_init.weights_init is None
    assert np.array_equal(rnn.weights_init.params_, before.params_)
    assert len(pickle.dumps(rnn)) < 3 * len(pickle.dumps(source)) and len(repr(rnn)) < 1000


def test_a_frozen_body_stays_and_helps_with_few_labels():
    X = np.random.RandomState(0).normal(size=(600, 8, 2))
    energy = X.prod(axis=2).sum(axis=1)
    source = RNNRegressor(16, max_iter=60, random_state=0).fit(X[:400], energy[:400])
    few, labels = X[400:430], energy[400:430] > 0
    alone = RNNClassifier(16, frozen=["head.bias"], random_state=0)
    rnn = transfer(source, alone, frozen=True)
    assert rnn.frozen == ("head.bias", *names_of_body(source._fitted_model().network))
    begun = clone(rnn).set_params(max_iter=1, learning_rate_init=1e-30).fit(few, labels)
    rnn.fit(few, labels)
    for name, values in rnn.weights_.items():
        assert np.array_equal(values, begun.weights_[name]) == (name in rnn.frozen)
    np.testing.assert_allclose(rnn.hidden_states(few), source.hidden_states(few), atol=1e-5)
    scores = [each.fit(few, labels).score(X[430:], energy[430:] > 0) for each in (rnn, alone)]
    assert scores[0] > scores[1] + 0.1


def test_frozen_vectors_of_codes_are_those_of_the_source():
    words = {"categorical_features": [0], "embedding_dim": 3, "max_iter": 2}
    source = RNNRegressor(4, **words).fit(*codes([2, 5, 9]))
    rnn = transfer(source, RNNRegressor(max_iter=2), frozen=True).fit(*codes([5, 7]))
    theirs, ours = (each.weights_["embedding_0.weight"] for each in (source, rnn))
    np.testing.assert_array_equal(ours, theirs[[1, 3, 3]])


def test_arguments_of_transfer_are_checked(source):
    with pytest.raises(ValueError, match="`target` must be an RNNClassifier, RNNRegressor or"):
        transfer(source, make_pipeline(RNNClassifier()))
    with pytest.raises(ValueError, match="`frozen` must be True or False, got 'head'"):
        transfer(source, RNNClassifier(), frozen="head")
    with pytest.raises(ValueError, match=r"`target.frozen` must be a name .*, got 3"):
        transfer(source, RNNClassifier(frozen=3), frozen=True)
