"""X is read once, by one function, which tells its form and writes on no estimator."""

import numpy as np
import pandas as pd
import pytest

from sklearn_rnn._data import arguments
from sklearn_rnn._data.form import InputForm
from sklearn_rnn._data.reader import read_X

RAGGED = [np.arange(6.0).reshape(3, 2), np.ones((1, 2))]
NAMED = [pd.DataFrame(x, columns=["a", "b"]) for x in RAGGED]


def test_the_form_is_what_fit_learns():
    forms = {
        "ragged": read_X(RAGGED, "Model")[1],
        "3d": read_X(np.ones((4, 3, 2)), "Model")[1],
        "2d": read_X(np.ones((4, 3)), "Model")[1],
    }
    assert [(f.kind, f.n_features) for f in forms.values()] == [
        ("sequences", 2),
        ("sequences", 2),
        ("2d", 3),
    ]
    assert all(f.feature_names is None for f in forms.values())
    assert read_X(NAMED, "Model")[1].feature_names.tolist() == ["a", "b"]
    assert read_X(pd.DataFrame({"t0": [1.0], "t1": [2.0]}), "Model")[1].n_features == 2


def test_a_form_survives_as_attributes():
    for X in (RAGGED, NAMED, np.ones((4, 3))):
        form = read_X(X, "Model")[1]
        again = InputForm.from_attributes(form.as_attributes())
        assert (again.kind, again.n_features) == (form.kind, form.n_features)
        assert again.feature_names is form.feature_names
        assert read_X(X, "Model", again)[1] is again


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((4, 2)), r"`X_val` must be of the kind that Model was fitted on: sequences"),
        ([np.ones((3, 1))], "X_val has 1 features, but Model is expecting 2 features as input.$"),
        (
            np.ones((4, 2, 5)),
            r"expecting 2 features as input. If its axes are swapped, use np.swap",
        ),
        ([np.array([[0.0, np.nan]])], "`X_val` must be finite: sequence 0 has NaN at step 0"),
        ("word", "`X_val` must hold sequences, such as a list of them, got 'word'"),
    ],
)
def test_errors_name_the_argument_and_the_class(X, message):
    form = InputForm("sequences", 2)
    with pytest.raises(ValueError, match=message):
        read_X(X, "Model", form, arguments.X_VAL)


def test_names_of_columns_must_be_those_of_fit_if_asked_for():
    form = read_X(NAMED, "Model")[1]
    other = [frame.rename(columns={"a": "c"}) for frame in NAMED]
    with pytest.raises(ValueError, match="feature names should match"):
        read_X(other, "Model", form)
    with pytest.warns(UserWarning, match="Model was fitted with feature names"):
        read_X(RAGGED, "Model", form)
    read_X(other, "Model", form, names=False)


def test_missing_values_pass_where_they_are_allowed_and_infinity_never():
    X = [np.array([[0.0, np.nan], [1.0, 2.0]]), np.array([[np.nan, 3.0]])]
    np.testing.assert_array_equal(read_X(X, "Model", allow_nan=True)[0].values, np.concatenate(X))
    frames = [pd.DataFrame({"a": [1, None]}, dtype="Int64"), pd.DataFrame({"a": [2.5]})]
    read = read_X(frames, "Model", allow_nan=True)[0].values
    np.testing.assert_array_equal(read, [[1.0], [np.nan], [2.5]])
    X[0][1, 1] = -np.inf
    with pytest.raises(ValueError, match="`X` must be finite: sequence 0 has infinity at step 1"):
        read_X(X, "Model", allow_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 3, 2), (4, 3)])
def test_arrays_of_floats_are_not_copied(shape, dtype):
    X = np.ones(shape, dtype)
    assert np.shares_memory(read_X(X, "Model")[0].values, X)


def test_the_role_of_an_argument_is_not_its_name():
    renamed = arguments.Argument("sequences", "features")
    with pytest.raises(ValueError, match=r"`sequences` must be finite.*from_padded\(sequences"):
        read_X(np.array([[1.0, np.nan]]), "Model", argument=renamed)
    item = renamed.item(3)
    assert (str(item), item.whole, item.holds) == ("sequences[3]", "sequences", "features")
    assert str(item.item(1)) == "sequences[3][1]" and item.item(1).whole == "sequences"
