"""A pickled or copied model predicts and learns on as its original."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from kept_models import (
    assert_equally_good,
    assert_same_predictions,
    classifier,
    targets,
)
from make_models import outputs

import sklearn_rnn
from sklearn_rnn import RNNClassifier
from sklearn_rnn._pickles import InconsistentStateWarning


def by_joblib(rnn, tmp_path, mmap_mode=None):
    joblib.dump(rnn, tmp_path / "rnn.joblib")
    return joblib.load(tmp_path / "rnn.joblib", mmap_mode=mmap_mode)


def by_mapped_joblib(rnn, tmp_path):
    copied = by_joblib(rnn, tmp_path, mmap_mode="r")
    assert not copied.params_.flags.writeable
    return copied


WAYS = {
    "deepcopy": lambda rnn, tmp_path: copy.deepcopy(rnn),
    **{f"pickle {p}": lambda r, _, p=p: pickle.loads(pickle.dumps(r, p)) for p in (2, 4, 5)},
    "joblib": by_joblib,
    "mapped joblib": by_mapped_joblib,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_kept_model_predicts_and_learns_on_as_its_original(way, fitted, tmp_path):
    rnn, X = fitted
    assert_equally_good(WAYS[way](rnn, tmp_path), rnn, X)


def is_plain(value):
    """Tell whether a value is made of arrays of numbers or labels, and Python's plain types."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(is_plain(k) and is_plain(v) for k, v in value.items())
    return isinstance(value, np.ndarray) or type(value) in (str, int, float, bool, type(None))


def test_the_state_is_arrays_and_plain_values(fitted):
    state = fitted[0].__getstate__()
    cells_and_layers = [state["cell"], state["pooling"], *state["input_layers"]]
    given = [part for part in cells_and_layers if hasattr(part, "get_params")]
    assert all(is_plain(part.get_params()) for part in given)
    strange = [value for value in state.values() if not is_plain(value)]
    assert all(value in given or value == given for value in strange)
    assert state["_state_format"] == 3
    assert state["_sklearn_rnn_version"] == sklearn_rnn.__version__


def test_another_version_warns_and_a_newer_format_raises():
    fitted, X = classifier()
    state, rnn = fitted.__getstate__(), RNNClassifier()
    with pytest.warns(InconsistentStateWarning, match="RNNClassifier was pickled by.*9.9"):
        rnn.__setstate__({**state, "_sklearn_rnn_version": "9.9"})
    assert_same_predictions(rnn, fitted, X)
    for state_format in (4, "x", None):
        with pytest.raises(ValueError, match=rf"state format {state_format}.*upgrade"):
            rnn.__setstate__({**state, "_state_format": state_format})


def test_an_unfitted_model_is_kept_as_well():
    copied = pickle.loads(pickle.dumps(RNNClassifier(7, cell="gru")))
    assert copied.hidden_layer_sizes == 7 and not hasattr(copied, "params_")


def test_predicting_writes_nothing(fitted):
    rnn, X = fitted
    before = pickle.dumps(rnn)
    outputs(rnn, X), rnn.predict(X), rnn.hidden_states(X), rnn.weights_
    rnn.score(X, targets(rnn, X))
    assert pickle.dumps(rnn) == before
