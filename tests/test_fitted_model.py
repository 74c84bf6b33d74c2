"""Targets and the fitted model as values: what is learned of y, encoded, decoded and kept."""

import dataclasses

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._data.labels import Labels
from sklearn_rnn._data.sequences import from_dense
from sklearn_rnn._data.targets import Numbers
from sklearn_rnn._model.fitted import FittedModel

X = np.random.RandomState(0).normal(size=(12, 4, 2))
SEQUENCES = from_dense(X)
ALL = slice(None)


def learned(y, weights=None, taught=ALL, before=None, **changes):
    settings = {"loss": "squared_error", "dtype": "float64", "normalize": True, "relative": True}
    rows = Numbers.read(y, SEQUENCES, False)
    return Numbers.learn(rows, weights, taught, before, **settings | changes)


@pytest.mark.parametrize("labels", [["b", "a", "c"], [2, 0, 1], [True, False]])
def test_labels_are_numbered_in_order_and_found_again(labels):
    y = [labels[i % len(labels)] for i in range(12)]
    rows = Labels.read(y, SEQUENCES, False)
    target = Labels.learn(rows)
    codes = target.encode(rows)
    assert codes.dtype == np.int32 and list(target.classes[codes]) == y
    assert (target.loss, target.n_outputs) == (
        ("logistic", 1) if len(labels) == 2 else ("softmax", 3)
    )
    one_hot = np.eye(len(labels))[codes]
    outputs = one_hot[:, 1:] if target.n_outputs == 1 else one_hot
    assert list(target.decode(outputs)) == y and target.score(codes, outputs, None) == 1.0


def test_labels_of_no_class_are_told_from_others():
    target = Labels(np.array(["a", "b"]))
    rows = np.array(["a", "x", "b"])
    assert list(target.encode(rows)) == [0, -1, 1]
    assert list(target.encode_taught(rows, np.array([True, False, True]))) == [0, 0, 1]
    with pytest.raises(ValueError, match="`y` has classes not in"):
        target.encode_taught(rows, ALL)


@pytest.mark.parametrize("shape", [(12,), (12, 1), (12, 3)])
@pytest.mark.parametrize("normalize", [True, False])
def test_numbers_are_encoded_in_the_units_of_the_network_and_decoded(shape, normalize):
    y = 5 + 3 * np.random.RandomState(0).normal(size=shape)
    target, absorbed = learned(y, normalize=normalize)
    assert absorbed is None and target.n_outputs == y[0].size
    codes = target.encode_taught(y, ALL)
    if normalize:
        np.testing.assert_allclose([codes.mean(), codes.std()], [0, 1], atol=1e-12)
    back = target.decode(codes)
    assert back.shape == shape
    np.testing.assert_allclose(back, y, rtol=1e-12)
    assert target.score(codes, codes, None) == 1.0


def test_what_is_not_taught_has_no_part_in_the_scale():
    y = np.arange(12.0)
    taught = y < 6
    target, _ = learned(np.where(taught, y, 1e6), np.where(taught, 1.0, 0.0), taught)
    assert target.scale.mean == [2.5]
    assert not target.encode_taught(y, taught)[~taught].any()


def test_a_target_goes_on_as_another_value():
    before, _ = learned(np.arange(12.0))
    after, absorbed = learned(np.arange(12.0) + 5, before=before)
    assert before.scale.mean == [5.5] and after.scale.mean == [8.0] and absorbed.tolist() == [True]
    assert after.unit_since(before, absorbed) == before.loss_unit / after.loss_unit != 1
    assert after.unit_since(before, ~absorbed) is None
    kept, absorbed = learned(np.arange(12.0), before=before, normalize=False)
    assert kept is before and absorbed is None


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_model_is_a_value_that_attributes_hold(estimator):
    rnn = estimator(3, max_iter=1, tol=0.0).fit(X, np.arange(12) % 3)
    model = rnn._fitted_model()
    attributes = model.as_attributes()
    assert attributes.keys() <= vars(rnn).keys()
    assert all(np.array_equal(vars(rnn)[name], value) for name, value in attributes.items())
    again = FittedModel.from_attributes(attributes)
    outputs = [m.outputs(m.read(X, "RNN"), n_threads=1) for m in (model, again)]
    assert np.array_equal(*outputs)
    for value in (model, model.target, model.form):
        for field in dataclasses.fields(value):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, field.name, None)


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_partial_fit_that_fails_leaves_the_curve_alone(estimator):
    rnn, y = estimator(3), np.arange(12) % 3
    options = {"classes": [0, 1, 2]} if estimator is RNNClassifier else {}
    rnn.partial_fit(X, y, **options).partial_fit(X, y)
    curve, losses = rnn.loss_curve_, list(rnn.loss_curve_)
    assert len(curve) == 2
    with pytest.raises(ValueError, match="diverged"):
        rnn.set_params(learning_rate_init=1e300, max_grad_norm=None).partial_fit(X, y)
    assert rnn.loss_curve_ == losses
    rnn.set_params(learning_rate_init=0.01).partial_fit(X, y)
    assert rnn.loss_curve_ is curve and len(curve) == 3  # goes on in place
