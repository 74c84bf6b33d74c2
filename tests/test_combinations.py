"""Parts and words together that no other file puts together."""

import numpy as np
import pandas as pd
import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.layers import Conv1D

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 12
RNG = np.random.default_rng(0)
X = np.dstack([RNG.normal(size=(N, 5)), RNG.integers(0, 3, (N, 5))])
X[0, 2, 1] = X[1, :, 1] = 7.0  # codes of the first two sequences only
Y = X[:, :, 0].sum(axis=1)
WEIGHTS = np.where(np.arange(N) < 2, 0.0, 1.0)


def frames(X):
    return [pd.DataFrame({"n": x[:, 0], "code": x[:, 1].astype(int).astype(str)}) for x in X]


# ---- codes of sequences of weight 0 --------------------------------------------------------------


@pytest.mark.parametrize("carrier", [np.asarray, list, frames])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_codes_of_sequences_of_weight_0_are_unknown(carrier, early_stopping):
    rnn, without = (
        RNNRegressor(
            4,
            categorical_features=[1],
            early_stopping=early_stopping,
            validation_fraction=0.3,
            max_iter=2,
            random_state=0,
        )
        for _ in range(2)
    )
    rnn.fit(carrier(X), Y, WEIGHTS)
    without.fit(carrier(X[2:]), Y[2:])
    assert len(rnn.categories_[0]) == 3
    np.testing.assert_array_equal(rnn.categories_[0], without.categories_[0])
    np.testing.assert_array_equal(rnn.predict(carrier(X)), without.predict(carrier(X)))


def test_steps_of_weight_0_keep_their_codes():
    weights = np.ones((N, 5))
    weights[0, 2], weights[1] = 0.0, 0.0
    rnn = RNNClassifier(4, categorical_features=[1], mode="many_to_many", max_iter=1)
    rnn.fit(X, X[:, :, 0] > 0, weights)
    assert rnn.categories_[0].tolist() == [0, 1, 2, 7]  # the network reads step 2 of the first one
    weights[0] = 0.0
    assert rnn.fit(X, X[:, :, 0] > 0, weights).categories_[0].tolist() == [0, 1, 2]


def test_weights_of_0_leave_the_codes_of_a_continued_fit():
    rnn = RNNRegressor(4, categorical_features=[1], warm_start=True, max_iter=1).fit(X, Y)
    assert rnn.fit(X, Y, WEIGHTS).categories_[0].tolist() == [0, 1, 2, 7]
    assert rnn.partial_fit(X, Y, WEIGHTS).categories_[0].tolist() == [0, 1, 2, 7]


# ---- frames with strings -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [float, int, bool])
def test_numbers_are_refused_where_fit_found_strings(dtype):
    rnn = RNNRegressor(4, categorical_features=["code"], max_iter=1).fit(frames(X), Y)
    others = [frame.assign(code=frame["code"].astype(int).astype(dtype)) for frame in frames(X)]
    with pytest.raises(ValueError, match=r"`X\[0\]` must hold strings in column 'code'"):
        rnn.predict(others)


def test_another_order_of_columns_is_named_before_their_strings():
    rnn = RNNRegressor(4, categorical_features=["code"], max_iter=1).fit(frames(X), Y)
    with pytest.raises(ValueError, match="same order"):
        rnn.predict([frame[["code", "n"]] for frame in frames(X)])


# ---- advice --------------------------------------------------------------------------------------


def test_large_tables_are_named_where_memory_is_short():
    rnn = RNNRegressor(4, categorical_features=[1], embedding_dim=2**30)
    with pytest.raises(MemoryError, match=r"smaller `embedding_dim` than \[1073741824\]"):
        rnn.fit(X, Y)


@pytest.mark.parametrize(
    "options", [{"embedding_dim": [3]}, {"embedding_init": np.zeros((4, 2))}], ids=str
)
def test_tables_need_categorical_features(options):
    (name,) = options
    with pytest.raises(
        ValueError, match=rf"`{name}` must .* if `categorical_features` selects no column"
    ):
        RNNRegressor(4, **options).fit(X, Y)


# ---- validation data that the loss cannot judge --------------------------------------------------


@pytest.mark.parametrize(("loss", "bad"), [("gamma", 0.0), ("gamma", -1.0), ("poisson", -1.0)])
def test_the_loss_of_validation_targets_needs_their_sign(loss, bad):
    rnn = RNNRegressor(4, loss=loss, early_stopping=True, scoring="loss", max_iter=2)
    y_val = np.array([1.0, bad, 2.0])
    with pytest.raises(ValueError, match=rf"`y_val` must .* with loss='{loss}', got {bad}"):
        rnn.fit(X, np.abs(Y) + 1, X_val=X[:3], y_val=y_val)
    assert not hasattr(rnn, "params_")
    rnn.fit(X, np.abs(Y) + 1, X_val=X[:3], y_val=y_val, sample_weight_val=[1, 0, 1])
    assert np.isfinite(rnn.validation_scores_).all()


# ---- networks beyond the limits of the core ------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"input_layers": [Conv1D(2, 17)] * 40}, "fewer Conv1D layers, or a smaller `kernel_size`"),
        (
            {"input_layers": [Conv1D(2, 17)], "categorical_features": "all"},
            "`kernel_size`",
        ),
    ],
    ids=["layers", "sources"],
)
def test_too_wide_convolutions_are_named(options, advice):
    codes = np.zeros((N, 5, 6))
    with pytest.raises(ValueError, match=advice):
        RNNRegressor(4, **options).fit(codes, Y)
