"""The scaler keeps the contract of scikit-learn."""

import pickle

import numpy as np
from scaler_data import flat, ragged
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_estimator,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sklearn_rnn.preprocessing import SequenceScaler


@parametrize_with_checks([SequenceScaler()])
def test_scikit_learn_accepts_the_scaler(estimator, check):
    check(estimator)


def test_scikit_learn_really_looked():
    # With the tag for 2-D arrays off nearly all of them would be left out, silently.
    assert sum(1 for _ in estimator_checks_generator(SequenceScaler())) > 40
    results = check_estimator(SequenceScaler(), on_fail=None, on_skip=None)
    assert {result["status"] for result in results} == {"passed"}


def test_a_fitted_scaler_survives_pickling_and_clone_forgets():
    scaler = SequenceScaler(with_mean=False).fit(ragged())
    again = pickle.loads(pickle.dumps(scaler))
    np.testing.assert_array_equal(flat(again.transform(ragged())), flat(scaler.transform(ragged())))
    assert clone(scaler).get_params() == scaler.get_params()
    assert not hasattr(clone(scaler), "mean_")


def test_carriers_are_told_by_tags():
    tags = SequenceScaler().__sklearn_tags__()
    assert tags.input_tags.two_d_array
    assert tags.input_tags.three_d_array
    assert tags.input_tags.allow_nan
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
