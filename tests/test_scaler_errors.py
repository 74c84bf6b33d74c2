"""What the scaler refuses, it names."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scaler_data import dense, flat, ragged
from sklearn.exceptions import NotFittedError

from sklearn_rnn._pickles import InconsistentStateWarning
from sklearn_rnn.preprocessing import SequenceScaler


@pytest.mark.parametrize(
    ("X", "sample_weight", "message"),
    [
        (ragged(), [0, 0, 0, 0], "`sample_weight` must not be zero everywhere"),
        (ragged(), [1, -1, 1, 1], "`sample_weight` must not be negative"),
        (ragged(), [1, 1], "there are 4 sequences, but `sample_weight` has 2"),
        (dense(None), np.ones((6, 4)), r"shape \(n_samples,\) .* pass `X\[:, :, np.newaxis\]`"),
    ],
)
def test_weights_that_make_no_sense_are_refused(X, sample_weight, message):
    with pytest.raises(ValueError, match=message):
        SequenceScaler().fit(X, sample_weight=sample_weight)


@pytest.mark.parametrize("method", ["partial_fit", "transform", "inverse_transform"])
@pytest.mark.parametrize(
    ("seen", "came", "words"),
    [
        (dense(None), dense(), ("2-D", "got sequences", "np.stack")),
        (dense(None), ragged(None), ("2-D", "got sequences", "np.stack")),
        (dense(), dense(None), ("as a 3-D array, a list or a nested table", "got 2-D")),
        (
            ragged(None),
            dense(None),
            ("a list or a nested table", "got 2-D", "np.newaxis"),
        ),
    ],
)
def test_the_kind_seen_in_fit_is_asked_for_by_name(seen, came, words, method):
    scaler = SequenceScaler().fit(seen)
    words = ("SequenceScaler was fitted on", *words)
    with pytest.raises(ValueError, match=".*".join(words)):
        getattr(scaler, method)(came)


def test_3d_arrays_and_lists_are_one_kind():
    scaler = SequenceScaler().fit(dense())
    np.testing.assert_array_equal(
        flat(scaler.transform(list(dense()))), flat(scaler.transform(dense()))
    )


@pytest.mark.parametrize("method", ["partial_fit", "transform", "inverse_transform"])
@pytest.mark.parametrize(
    ("seen", "came"),
    [(ragged(), ragged(2)), (dense(), dense(2)), (dense(None), dense(None)[:, :2])],
)
def test_the_number_of_features_is_kept(seen, came, method):
    scaler = SequenceScaler().fit(seen)
    with pytest.raises(ValueError, match="X has 2 features, but SequenceScaler is expecting"):
        getattr(scaler, method)(came)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "transform", "inverse_transform"])
@pytest.mark.parametrize("value", [-np.inf, np.inf])
@pytest.mark.parametrize("make", [ragged, dense])
def test_what_is_infinite_is_named(make, value, method):
    scaler = SequenceScaler().fit(make())
    X = make()
    X[2][1, 0] = value
    with pytest.raises(ValueError, match=r"`X` must be finite: sequence 2 has .* at step 1"):
        getattr(scaler, method)(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 0, 3)), "`X` must have at least 1 step"),
        (np.ones((2, 3, 0)), "`X` must have at least 1 feature per step"),
        (np.ones((0, 3, 2)), "0 sample"),
        ([], "`X` must hold at least one sequence"),
        (np.ones((2, 3, 4, 5)), r"got an array of shape \(2, 3, 4, 5\)"),
        (np.ma.masked_equal(np.ones((2, 3)), 1), "`X` must not have masked entries"),
        (np.array([[1e308, -1e308]]), "their variance overflows float64"),
    ],
)
def test_what_is_no_sequence_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        SequenceScaler().fit(X)


@pytest.mark.parametrize("name", ["with_mean", "with_std", "copy", "per_sequence"])
def test_parameters_must_be_bools(name):
    with pytest.raises(ValueError, match=f"`{name}` must be True or False, got 'no'"):
        SequenceScaler(**{name: "no"}).fit(dense())


def test_a_fit_that_fails_changes_nothing():
    scaler = SequenceScaler().fit(pd.DataFrame(dense(None), columns=list("abcd")))
    before = dict(vars(scaler))
    with pytest.raises(ValueError, match="zero everywhere"):
        scaler.fit(ragged(), sample_weight=[0, 0, 0, 0])
    with pytest.raises(ValueError, match="must be finite"):
        scaler.fit(np.array([[np.inf, 1]]))
    assert vars(scaler) == before


@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_an_unfitted_scaler_says_so(method):
    with pytest.raises(NotFittedError):
        getattr(SequenceScaler(), method)(ragged())


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "partial_fit"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale_", np.ones(1)),
        ("scale_", np.array([1.0, 0.0, 1.0])),
        ("scale_", np.float32([1, 1, 1])),
        ("scale_", None),
        ("mean_", np.array([0.0, np.nan, 0.0])),
        ("mean_", [0.0, 0.0, 0.0]),
        ("var_", -np.ones(3)),
        ("n_steps_seen_", -1),
        ("n_steps_seen_", np.nan),
        ("n_steps_seen_", "many"),
        ("_input_kind", "4d"),
    ],
)
def test_a_damaged_state_is_named(name, value, method):
    scaler = SequenceScaler().fit(ragged())
    setattr(scaler, name, value)
    with pytest.raises(ValueError, match=f"`{name}` must be .*the state is damaged"):
        getattr(scaler, method)(ragged())


def test_one_sequence_is_told_how_to_be_given():
    scaler = SequenceScaler().fit(dense())
    with pytest.raises(ValueError, match=r"Pass one sequence as `\[X\]`"):
        scaler.transform(dense()[0])


def test_a_state_of_another_format_is_refused():
    scaler = SequenceScaler().fit(ragged())
    state = scaler.__getstate__()
    assert state["_state_format"] == 3
    with pytest.raises(ValueError, match=r"in state format 4.* up to 3: upgrade sklearn_rnn"):
        SequenceScaler().__setstate__({**state, "_state_format": 4})


def test_a_scaler_of_another_version_warns():
    scaler = SequenceScaler().fit(ragged())
    state, again = scaler.__getstate__(), SequenceScaler()
    with pytest.warns(InconsistentStateWarning, match="SequenceScaler was pickled by.*9.9.*Fit it"):
        again.__setstate__({**state, "_sklearn_rnn_version": "9.9"})
    np.testing.assert_array_equal(again.mean_, scaler.mean_)


@pytest.mark.parametrize("state_format", [1, 2])
@pytest.mark.parametrize(("make", "kind"), [(dense, "3d"), (ragged, "ragged")])
def test_a_scaler_of_an_earlier_format_is_read(make, kind, state_format):
    scaler = SequenceScaler().fit(make())
    state = {**scaler.__getstate__(), "_state_format": state_format}
    for name in ("method", "per_sequence", "feature_range", "quantile_range"):
        del state[name]
    if state_format == 1:
        state["_fitted_kind"] = kind
        del state["_input_kind"]
    del state["_sklearn_rnn_version"]
    again = SequenceScaler()
    with pytest.warns(InconsistentStateWarning, match="an unknown version"):
        again.__setstate__(state)
    assert vars(again).keys() == vars(scaler).keys()
    np.testing.assert_array_equal(flat(again.transform(make())), flat(scaler.transform(make())))


def test_pickles_find_the_scaler_where_it_was():
    scaler = SequenceScaler().fit(ragged())
    now, before = b"sklearn_rnn._preprocessing.scaler", b"sklearn_rnn.preprocessing"
    pickled = pickle.dumps(scaler, protocol=0)
    assert now in pickled
    again = pickle.loads(pickled.replace(now, before))
    np.testing.assert_array_equal(again.scale_, scaler.scale_)
