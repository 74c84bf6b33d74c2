"""Weight files: what is written and read, and for which estimators."""

import copy
import io
import json
import os
import pickle
import re

import make_models
import numpy as np
import pytest
from forged_files import forge
from kept_models import (
    assert_equal,
    assert_load_fails,
    assert_same_predictions,
    classifier,
    regressor,
    targets,
    train_on,
)
from make_models import outputs
from sklearn.base import clone

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._model import weight_files as _weight_files


def test_an_unfitted_estimator_becomes_the_model_of_a_weight_file(fitted, file):
    rnn, X = fitted
    assert rnn.save_weights(file) is None
    loaded = type(rnn)(random_state=0, solver=rnn.solver)
    assert loaded.load_weights(file) is loaded
    assert_same_predictions(loaded, rnn, X)
    for name in ("bidirectional", "mode", "dtype", "dropout"):
        assert getattr(loaded, name) == getattr(rnn, name), name
    assert vars(loaded).keys() == vars(rnn).keys()
    assert (loaded.t_, loaded.n_iter_, loaded.loss_curve_) == (0, 0, [])
    again = pickle.loads(pickle.dumps(loaded))
    assert_equal(train_on(again, X).params_, train_on(loaded, X).params_)
    assert not np.array_equal(loaded.params_, rnn.params_)
    loaded.set_params(warm_start=True, max_iter=1).fit(X, targets(rnn, X))
    assert loaded.n_iter_ == 1 and len(loaded.loss_curve_) == 2


def test_a_fitted_estimator_takes_weights_and_scale_of_a_file(model_name, fitted, file):
    rnn, X = fitted
    rnn.save_weights(file)
    other, _ = make_models.fit(model_name, random_state=1, dropout=0.5)
    before = vars(other).copy()
    assert not np.array_equal(outputs(other, X), outputs(rnn, X))
    assert other.load_weights(str(file)) is other
    assert_same_predictions(other, rnn, X)
    changed = {name for name, value in vars(other).items() if value is not before[name]}
    arrays = {"params_", "x_mean_", "x_scale_", "_x_moments", "y_mean_", "y_scale_", "_taught"}
    arrays |= {"_y_moments"} if getattr(rnn, "_y_moments", None) is not None else set()
    assert changed == arrays & vars(rnn).keys()


def test_classes_and_names_of_every_kind_come_back(file):
    rnn, X = RNNClassifier(2, max_iter=1), np.random.RandomState(0).normal(size=(6, 4))
    rnn.fit(X, [0, 1] * 3)
    for classes in (
        [False, True],
        [-1, 7],
        np.array([1, 2], dtype=np.uint8),
        np.array([1.0, 2.0**53]),
        np.array([-1, 2], dtype=np.float32),
        ["", 'ünï\ud800\U0001f600\n"'],
        np.array(["a", "b"], dtype="<U9"),
        np.array(["a", "b"], dtype=object),
        np.array([2**70, 2**71], dtype=object),
    ):
        rnn.classes_ = np.array(classes)
        rnn.feature_names_in_ = np.array(["t 0", "t 1", "ü", '"'], dtype=object)
        rnn.save_weights(file)
        loaded = RNNClassifier().load_weights(file)
        assert_equal(loaded.classes_, rnn.classes_)
        assert_equal(loaded.feature_names_in_, rnn.feature_names_in_)
        assert type(loaded.classes_[0]) is type(rnn.classes_[0])


def test_classes_that_no_weight_file_can_hold_are_refused(file):
    rnn, _ = classifier()
    for classes in (np.array(["2020", "2021"], "M8[Y]"), np.array([(1,), (1, 2)], dtype=object)):
        rnn.classes_ = classes
        with pytest.raises(ValueError, match=r"`classes_` of dtype .* cannot be kept"):
            rnn.save_weights(file)
    assert not file.exists()


def test_names_of_files_say_their_format(tmp_path):
    rnn, _ = classifier()
    for name in ("model", "model.pt", "model.pkl", "model.npz.gz", ".npz"):
        for method in (rnn.save_weights, rnn.load_weights):
            with pytest.raises(ValueError, match="`file` must have a name that ends in"):
                method(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        rnn.load_weights(tmp_path / "nowhere.npz")
    with pytest.raises(ValueError, match="not fitted"):
        RNNClassifier().save_weights(tmp_path / "model.npz")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"cell": "gru"}, "cell='gru'; got 'lstm'"),
        ({"hidden_layer_sizes": (3, 1)}, r"hidden_layer_sizes=\(3, 1\); got \(3,\)"),
        ({"bidirectional": True}, "bidirectional=True; got False"),
        ({"dtype": "float64"}, "dtype='float64'; got 'float32'"),
    ],
)
def test_a_fitted_estimator_refuses_another_network(file, changes, message):
    classifier()[0].save_weights(file)
    other, _ = make_models.fit("lstm_names", **changes)
    before = pickle.dumps(other)
    with pytest.raises(ValueError, match=f"must hold the network that was fitted.*{message}"):
        other.load_weights(file)
    assert pickle.dumps(other) == before


def test_a_fitted_estimator_refuses_other_classes_and_another_form_of_X(file):
    rnn, X = classifier()
    rnn.save_weights(file)
    with pytest.raises(ValueError, match="classes="):
        clone(rnn).fit(X, np.arange(len(X)) % 2).load_weights(file)
    flat = [x[:, 0] for x in X]
    with pytest.raises(ValueError, match="n_features=1; got 2"):
        clone(rnn).fit(flat, ["down", "up"] * (len(X) // 2)).load_weights(file)


def test_the_file_of_a_classifier_is_none_for_a_regressor(file):
    for make, other in ((classifier, RNNRegressor), (regressor, RNNClassifier)):
        rnn, _ = make()
        rnn.save_weights(file)
        unfitted = other()
        with pytest.raises(ValueError, match=f"`file` must hold a network for {other.__name__}"):
            unfitted.load_weights(file)
        assert unfitted.get_params() == other().get_params() and not hasattr(unfitted, "params_")


def test_what_is_no_file_is_refused(file):
    rnn, _ = classifier()
    file.mkdir()
    for method in (rnn.save_weights, rnn.load_weights):
        with pytest.raises(ValueError, match="`file` must be the name of a file"):
            method(file)
        for nothing in (None, 3, b"model.npz", io.BytesIO()):
            with pytest.raises(TypeError, match="`file` must be a str or path-like"):
                method(nothing)
    file.rmdir()
    os.mkfifo(file)  # which would wait for somebody to write into it
    for method in (rnn.save_weights, rnn.load_weights):
        with pytest.raises(ValueError, match="`file` must be the name of a file"):
            method(file)


def test_a_file_is_replaced_with_its_rights_and_through_a_link(file, tmp_path):
    rnn, X = classifier()
    link = tmp_path / f"link{file.suffix}"
    link.symlink_to(file)
    rnn.save_weights(link)
    file.chmod(0o600)
    rnn.set_weights({name: -weight for name, weight in rnn.weights_.items()}).save_weights(link)
    assert link.is_symlink() and file.stat().st_mode & 0o777 == 0o600
    assert_same_predictions(RNNClassifier().load_weights(file), rnn, X)


def test_a_file_may_have_the_longest_name_and_must_have_a_folder(file):
    rnn, _ = classifier()
    longest = file.with_name("m" * (255 - len(file.suffix)) + file.suffix)
    rnn.save_weights(longest)
    assert [longest] == list(file.parent.iterdir())
    nowhere = file.parent / "nowhere" / file.name
    with pytest.raises(FileNotFoundError, match=re.escape(f"{str(nowhere)!r}")):
        rnn.save_weights(nowhere)


def test_a_subclass_with_parameters_of_its_own_loads_weights(file):
    class Sized(RNNRegressor):
        def __init__(self, width=3):
            super().__init__(width)
            self.width = width

    rnn, X = make_models.fit("elman_poisson")
    rnn.save_weights(file)
    loaded = Sized().load_weights(file)
    assert_same_predictions(loaded, rnn, X)
    assert loaded.cell == "elman" and loaded.get_params() == {"width": 3}


def test_a_bad_random_state_is_named_when_weights_are_loaded(file):
    rnn, _ = classifier()
    rnn.save_weights(file)
    unfitted = RNNClassifier(random_state="x")
    with pytest.raises(ValueError, match="`random_state`"):
        unfitted.load_weights(file)
    assert unfitted.get_params() == RNNClassifier(random_state="x").get_params()


@pytest.mark.parametrize("dtype, value", [("float64", "1e999"), ("float16", "1e6")])
def test_classes_that_are_not_finite_are_refused(dtype, value, file, monkeypatch):
    rnn, _ = classifier()
    sound = copy.deepcopy(rnn)
    rnn.classes_ = np.array([0, 123.25], dtype)
    dumps = json.dumps
    forged = lambda v, **kw: dumps(v, **kw).replace("123.25", value)  # noqa: E731
    monkeypatch.setattr(_weight_files.json, "dumps", forged)
    forge(file, rnn, lambda facts: None)
    monkeypatch.undo()
    assert_load_fails(file, sound)


def test_a_damaged_model_is_not_written(file):
    rnn, _ = classifier()
    rnn.params_[0] = np.nan
    with pytest.raises(ValueError, match="`params_` must be finite"):
        rnn.save_weights(file)
    assert not file.exists()


def test_numpy_reads_our_files(fitted, tmp_path):
    rnn, _ = fitted
    ours, theirs = tmp_path / "ours.npz", tmp_path / "theirs.npz"
    rnn.save_weights(ours)
    with np.load(ours, allow_pickle=False) as opened:
        arrays = dict(opened)
    assert arrays.keys() == {*rnn.weights_, "sklearn_rnn"}
    for name, weight in rnn.weights_.items():
        assert_equal(arrays[name], weight)
    np.savez(theirs, **arrays)
    assert_load_fails(theirs, rnn, "does not end as an archive of `save_weights` does")
