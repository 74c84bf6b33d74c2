"""A state that is damaged or makes no sense is refused before the kernels see it."""

import copy
import pickle

import numpy as np
import pytest
from kept_models import classifier, regressor

from sklearn_rnn._model.network_description import ADDED

DAMAGES = {
    "truncated": lambda a: a[..., :-1],
    "emptied": lambda a: a[..., :0],
    "transposed": lambda a: a.T if a.ndim > 1 else a[:, np.newaxis],
    "listed": lambda a: a.tolist(),
    "missing": lambda a: None,
}
# What else makes an array unfit for the kernels, or for arithmetic in double precision.
DAMAGES_OF_NUMBERS = {
    **DAMAGES,
    "halved": lambda a: a.astype(np.float16),
    "of objects": lambda a: a.astype(object),
    "swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "with gaps": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
}
ARRAYS = [
    (classifier, "params_", DAMAGES_OF_NUMBERS),
    (classifier, "classes_", DAMAGES),
    (classifier, "_optimizer", DAMAGES_OF_NUMBERS),
    (regressor, "params_", DAMAGES_OF_NUMBERS),
    (regressor, "y_mean_", DAMAGES_OF_NUMBERS),
    (regressor, "y_scale_", DAMAGES_OF_NUMBERS),
    (regressor, "_optimizer", DAMAGES_OF_NUMBERS),
]

LEARNING_ONLY = {"_optimizer", "moments", "t_", "loss_curve_", "best_loss_", "validation_scores_"}


def assert_refused(rnn, X, name, unpickled=True):
    """Hold that predictions and learning on refuse a state, and that it cannot be unpickled."""
    before = pickle.dumps(rnn)
    if name not in LEARNING_ONLY:
        for predict in (rnn.predict, rnn.hidden_states):
            with pytest.raises(ValueError, match=name):
                predict(X)
    with pytest.raises(ValueError, match=name):
        rnn.partial_fit(X, np.zeros(len(X)))
    assert pickle.dumps(rnn) == before
    if unpickled:
        with pytest.raises(ValueError, match=name):
            pickle.loads(before)


@pytest.mark.parametrize(
    "make, name, damage", [(m, n, d) for m, n, damages in ARRAYS for d in damages]
)
def test_a_damaged_array_is_noticed_before_the_kernels_see_it(make, name, damage):
    rnn, X = make()
    holder = vars(rnn)
    if name == "_optimizer":
        holder, name = rnn._optimizer, "moments"
    holder[name] = DAMAGES_OF_NUMBERS[damage](holder[name])
    # Pickles hold arrays in one piece, and NumPy swaps bytes back.
    assert_refused(rnn, X, name, unpickled=damage not in ("swapped", "with gaps"))


@pytest.mark.parametrize(
    "make, name",
    [(make, name) for make, name, _ in ARRAYS if name not in ("classes_", "_optimizer")],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_cannot_be_unpickled(make, name, value):
    rnn, _ = make()
    getattr(rnn, name)[-1] = value
    with pytest.raises(ValueError, match=f"`{name}` must be finite"):
        pickle.loads(pickle.dumps(rnn))


@pytest.mark.parametrize(
    "make, name, value, message",
    [
        (classifier, "classes_", np.array(["up", "down"]), "in order"),
        (classifier, "classes_", np.array(["up", "up"]), "in order"),
        (classifier, "classes_", np.array([0, "up"], dtype=object), "in order"),
        (regressor, "y_scale_", np.array([1.0, 0.0]), "positive"),
        (regressor, "y_scale_", np.array([1.0, -1.0]), "positive"),
        (regressor, "feature_names_in_", np.array(["a"], dtype=object), "names"),
        (regressor, "loss_curve_", ["x"], "loss_curve_"),
    ],
)
def test_what_makes_no_sense_cannot_be_unpickled(make, name, value, message):
    rnn, _ = make()
    setattr(rnn, name, value)
    rnn.best_loss_ = None
    with pytest.raises(ValueError, match=message):
        pickle.loads(pickle.dumps(rnn))


@pytest.mark.parametrize("value", [None, [], np.zeros(3), "lstm", {}])
def test_an_architecture_that_is_none_is_noticed(value):
    for make in (classifier, regressor):
        rnn, X = make()
        rnn._architecture = value
        assert_refused(rnn, X, "_architecture")


@pytest.mark.parametrize("value", [None, "abacus", -1, [], np.nan, {}, 1j])
def test_a_strange_entry_of_the_architecture_is_noticed(value):
    for make in (classifier, regressor):
        rnn, X = make()
        for name, before in rnn._architecture.items():
            copied = copy.deepcopy(rnn)
            copied._architecture[name] = value
            if value != before:
                assert_refused(copied, X, "_architecture")


def of_network(**changes):
    return lambda architecture: architecture.update(changes)


def of_cell(**changes):
    return lambda architecture: architecture["cell"][0].update(changes)


OTHER_ARCHITECTURES = {
    "features": of_network(n_features=3),
    "many features": of_network(n_features=2**40),
    "dtype": of_network(dtype="float32"),
    "a loss of three classes": of_network(loss="softmax"),
    "a loss of two classes": of_network(loss="logistic"),
    "outputs": of_network(n_outputs=1),
    "many outputs": of_network(n_outputs=2**30),
    "cell": of_cell(kind="lstm"),
    "no cell": of_cell(kind="abacus"),
    "an option of another cell": of_cell(options={"activation": "tanh"}),
    "options that are none": of_cell(options=[]),
    "units": of_network(hidden_layer_sizes=[3, 3]),
    "many units": of_network(hidden_layer_sizes=[2**30, 2]),
    "a share of a unit": of_network(hidden_layer_sizes=[3.5, 2]),
    "one direction": of_network(bidirectional=False),
    "one layer": of_network(hidden_layer_sizes=[2]),
    "many layers": of_network(hidden_layer_sizes=100 * [2]),
    "no layers": of_network(hidden_layer_sizes=[]),
    "no cells": of_network(cell=[]),
    "cells that are none": of_network(cell=[1]),
    "other connections": of_network(connections="skip"),
    "another pooling": of_network(pooling={"kind": "abacus", "options": {}}),
    "an entry too many": of_cell(extra=0),
}


@pytest.mark.parametrize("change", OTHER_ARCHITECTURES.values(), ids=OTHER_ARCHITECTURES)
def test_an_architecture_that_is_not_that_of_the_weights_is_noticed(change):
    rnn, X = regressor()
    before = copy.deepcopy(rnn._architecture)
    change(rnn._architecture)
    assert rnn._architecture != before
    assert_refused(rnn, X, "damaged")


@pytest.mark.parametrize(
    "name, value",
    [
        ("solver", "abacus"),
        ("seed", -1),
        ("seed", 2**64),
        ("seed", 1.5),
        ("seed", None),
        ("learning_rate", np.nan),
        ("learning_rate", -1.0),
        ("n_updates", -1),
        ("n_updates", 2**63),
        ("n_passes", -2),
        ("n_passes", "x"),
        ("best", np.nan),
        ("no_improvement", None),
        ("extra", 1),
    ],
)
def test_an_altered_memory_of_the_optimizer_is_noticed(name, value):
    rnn, X = classifier()
    rnn._optimizer[name] = value
    assert_refused(rnn, X, "_optimizer")


@pytest.mark.parametrize(
    "make, name, value",
    [
        (classifier, "_architecture", None),
        (classifier, "_optimizer", []),
        (classifier, "_input_kind", "4d"),
        (classifier, "_input_kind", []),
        (classifier, "n_features_in_", 3),
        (classifier, "n_features_in_", "x"),
        (classifier, "t_", -1),
        (classifier, "loss_curve_", None),
        (classifier, "best_loss_", "x"),
        (classifier, "validation_scores_", 0),
        (regressor, "_y_is_1d", True),
        (regressor, "_y_is_1d", None),
    ],
)
def test_an_altered_attribute_is_noticed(make, name, value):
    rnn, X = make()
    setattr(rnn, name, value)
    assert_refused(rnn, X, name)


def test_a_deleted_attribute_is_a_damaged_state():
    for make in (classifier, regressor):
        rnn, X = make()
        needed = {"params_", "n_features_in_", "t_", "loss_curve_", "best_loss_", "classes_"}
        needed |= {"y_mean_", "y_scale_", "_input_kind", "_y_is_1d", "_architecture", "_optimizer"}
        for name in needed & vars(rnn).keys():
            copied = pickle.loads(pickle.dumps(rnn))
            delattr(copied, name)
            unfitted = name == "params_"
            if name not in LEARNING_ONLY:
                with pytest.raises(ValueError, match="not fitted" if unfitted else name):
                    copied.predict(X)
            if not unfitted:
                with pytest.raises(ValueError, match=name):
                    copied.partial_fit(X, rnn.predict(X))
        for name in rnn._architecture.keys() - ADDED.keys():  # which older states lack
            copied = pickle.loads(pickle.dumps(rnn))
            del copied._architecture[name]
            with pytest.raises(ValueError, match="_architecture"):
                copied.predict(X)
