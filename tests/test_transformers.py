"""What all transformers of sequences promise: carriers, lengths, independence, and more.

Hypothesis draws the sequences; test_scaler*.py, test_imputer.py and test_lags.py have the numbers.
"""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("hypothesis")

from hostile import storm
from hostile_calls import call_of
from hostile_carriers import carriers, objects, pa, pl
from hostile_values import UNSURE, data_sets, draw_X, which_spoiled
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_rnn import RNNRegressor
from sklearn_rnn.preprocessing import (
    Differences,
    Lags,
    PerStep,
    SequenceImputer,
    SequenceScaler,
    from_nested,
)

# Each kind of transformer, for sequences of features and, apart, for a 2-D X.
OF_FEATURES = [
    SequenceScaler(),
    SequenceScaler("robust", per_sequence=True),
    SequenceImputer("median", add_indicator=True),
    SequenceImputer("last", add_indicator=True, add_elapsed=True),
    SequenceImputer("linear", add_elapsed=True),
    Differences(2, fill_value="keep"),
    Differences(lag=2),
    Lags((0, 1, 3)),
    Lags(2, fill_value=-1),
    PerStep(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
    PerStep(MinMaxScaler()),
]
OF_2D = [
    SequenceScaler(),
    SequenceScaler("minmax", per_sequence=True),
    *(SequenceImputer(strategy) for strategy in ("mean", "last", "linear", "constant")),
    *(Differences(2, fill_value="keep"), Differences(lag=2), Lags(1), Lags(2, fill_value=-1)),
    PerStep(MinMaxScaler()),
]
INVERTIBLE = [
    SequenceScaler(),
    SequenceImputer("last", add_indicator=True),
    Differences(2, fill_value="keep"),
    PerStep(MinMaxScaler()),
]


def named(transformer):
    return str(transformer).replace("\n", "")


of_features = pytest.mark.parametrize("transformer", OF_FEATURES, ids=named)
few = settings(max_examples=8, deadline=None, derandomize=True, database=None)


@st.composite
def drawn(draw, two_d=False, flat=None, dtypes=(np.float32, np.float64)):
    """Sequences (n_timesteps_i, n_features), or (n_timesteps_i,) if flat or 2-D, with NaN."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_samples = draw(st.integers(1, 5))
    even = two_d or draw(st.booleans())
    lengths = [draw(st.integers(2, 6))] * n_samples if even else rng.integers(1, 7, n_samples)
    flat = two_d or (draw(st.booleans()) if flat is None else flat)
    shape = () if flat else (draw(st.integers(1, 3)),)
    dtype = draw(st.sampled_from(dtypes))
    items = [(rng.normal(size=(n, *shape)) * 10).astype(dtype) for n in lengths]
    share = draw(st.sampled_from([0, 0.3]))
    for item in items:
        item[rng.random(item.shape) < share] = np.nan
    items[0][0] = 1  # each feature has an observation
    return items


def let_nan_pass(transformer, items, *, inverse=False):
    """Return the items, without NaN if the transformer must not see it, or its inverse."""
    summed_up = inverse and isinstance(transformer, Differences)
    if not summed_up and transformer.__sklearn_tags__().input_tags.allow_nan:
        return items
    return [np.nan_to_num(item) for item in items]


def rows(X):
    """Each sequence of any carrier as an array (n_timesteps_i, n_features)."""
    arrays = map(np.asarray, X if isinstance(X, (list, tuple, np.ndarray)) else np.asarray(X))
    return [array.reshape(len(array), -1) for array in arrays]


def same(one, other):
    for a, b in zip(rows(one), rows(other), strict=True):
        np.testing.assert_array_equal(a, b)


# Sequences in any carrier


@pytest.mark.parametrize("two_d", [False, True], ids=["sequences", "2-D"])
@pytest.mark.parametrize("i", range(max(len(OF_FEATURES), len(OF_2D))))
def test_every_carrier_gets_the_same_numbers_and_keeps_its_form(i, two_d):
    transformer = (OF_2D if two_d else OF_FEATURES)[i % len(OF_2D if two_d else OF_FEATURES)]

    @few
    @given(drawn(two_d, dtypes=[np.float64]))
    def run(items):
        items = let_nan_pass(transformer, items)
        expected = clone(transformer).fit_transform(np.stack(items) if two_d else items)
        for carry in carriers(items, two_d):
            X = carry(items)
            before = pickle.dumps(X)
            fitted = clone(transformer).fit(X)
            result = fitted.transform(X)
            assert pickle.dumps(X) == before
            same(result, expected)
            assert [len(x) for x in rows(result)] == [len(x) for x in items]
            assert len(fitted.get_feature_names_out()) == (
                len(result[0]) if two_d else rows(result)[0].shape[1]
            )
            nested = type(X) is list and type(X[0]) is list  # rectangular ones are arrays
            if type(X) in (tuple, list) and not nested:
                assert type(result) is type(X)
            else:
                assert type(result) in (np.ndarray, list)

    run()


@of_features
def test_a_sequence_does_not_depend_on_the_others(transformer):
    @few
    @given(drawn(), st.integers(0, 2**32 - 1))
    def run(items, seed):
        items = let_nan_pass(transformer, items)
        fitted = clone(transformer).fit(items)
        whole = fitted.transform(items)
        assert {x.dtype for x in whole} == {items[0].dtype}
        order = np.random.default_rng(seed).permutation(len(items))
        same([whole[i] for i in order], fitted.transform([items[i] for i in order]))
        for item, result in zip(items, whole, strict=True):
            same(fitted.transform([item]), [result])

    run()


@pytest.mark.parametrize("transformer", INVERTIBLE, ids=named)
def test_the_inverse_gives_every_carrier_back(transformer):
    @few
    @given(drawn(flat=False, dtypes=[np.float64]))
    def run(items):
        items = let_nan_pass(transformer, items, inverse=True)
        for carry in carriers(items, two_d=False):
            fitted = clone(transformer).fit(carry(items))
            back = fitted.inverse_transform(fitted.transform(carry(items)))
            for x, restored in zip(items, rows(back), strict=True):
                np.testing.assert_allclose(restored, x, rtol=1e-9, atol=1e-9)

    run()


# Hostile input


@st.composite
def hostile_calls(draw, method):
    """Calls with X good or spoiled; the scaler and `PerStep` have tests of their own."""
    data = draw(data_sets(n_min=1))
    listed = OF_2D if data.two_d else OF_FEATURES
    ours = [each for each in listed if not isinstance(each, (SequenceScaler, PerStep))]
    transformer = clone(draw(st.sampled_from(ours)))
    if method == "transform" or draw(st.booleans()):
        transformer.fit(np.stack(data.X) if data.two_d else data.X)
    X, verdict = draw_X(draw, data, bool(which_spoiled(draw, ["X"])))
    call = call_of(transformer, method, {"X": (X, min(verdict, UNSURE))})  # NaN and None are good
    return replace(call, gives_back=True)


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_whatever_comes_is_answered_or_refused_by_name(method):
    tally = storm(hostile_calls(method), 120)
    assert min(tally["answered"], tally["refused"]) > 20, dict(tally)


# The contract of scikit-learn


@parametrize_with_checks(
    [
        *(SequenceImputer("linear"), Lags(1)),
        *(Differences(), Differences(2, lag=3, fill_value="keep")),
    ],
    expected_failed_checks=lambda estimator: (
        {"check_array_api_input": "sums of differences need a start"}
        if str(estimator) == "Differences()"
        else {}
    ),
)
def test_scikit_learn_accepts_them(estimator, check):
    check(estimator)


@pytest.mark.parametrize("transformer", [SequenceImputer(), Differences(), Lags(1)], ids=named)
def test_scikit_learn_really_looked(transformer):
    assert sum(1 for _ in estimator_checks_generator(transformer)) > 40


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@of_features
def test_pickles_clones_and_frames(transformer):
    rng = np.random.default_rng(0)
    names = ["a", "b"]
    frames = [
        pd.DataFrame(rng.normal(size=(n, 2)), columns=names, index=range(7, 7 + n)) for n in (3, 5)
    ]
    if transformer.__sklearn_tags__().input_tags.allow_nan:
        frames[0].iloc[1, 0] = np.nan
    fitted = clone(transformer).fit(frames)
    again = pickle.loads(pickle.dumps(fitted))
    result = fitted.transform(frames)
    same(again.transform(frames), result)
    same(copy.deepcopy(fitted).transform(frames), result)
    assert again.feature_names_in_.tolist() == names
    assert str(clone(fitted).get_params()) == str(transformer.get_params())
    assert not hasattr(clone(fitted), "n_features_in_")
    assert str(eval(repr(fitted)).get_params()) == str(fitted.get_params())
    with config_context(transform_output="pandas"):
        as_frames = fitted.transform(objects(frames))
    assert type(as_frames) is np.ndarray
    for frame, x, values in zip(as_frames, frames, result, strict=True):
        assert frame.columns.tolist() == fitted.get_feature_names_out().tolist()
        assert frame.index.equals(x.index)
        np.testing.assert_array_equal(frame, values)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.transform([frame.rename(columns={"a": "z"}) for frame in frames])
    with pytest.raises(
        ValueError, match=r"`X\[0\]` must hold real numbers|steps of `X`: (could|Cannot)"
    ):
        fitted.transform([[["u", "v"]], [["w", "x"], ["y", "z"]]])
    with pytest.raises(ValueError, match="must not have masked entries"):
        fitted.transform([np.ma.masked_array(np.ones((2, 2)), [[0, 1], [0, 0]])])


@of_features
def test_a_nested_table_gets_the_same_numbers_and_stays_one(transformer):
    rng = np.random.default_rng(0)
    items = [rng.normal(size=(n, 2)) for n in (3, 1, 4)]
    if transformer.__sklearn_tags__().input_tags.allow_nan:
        items[0][1, 0] = np.nan
    expected = clone(transformer).fit(items).transform(items)
    cells = {"a": [x[:, 0].tolist() for x in items], "b": [x[:, 1].tolist() for x in items]}
    for X in (
        pd.DataFrame(cells, index=[7, 8, 9]),
        pl.DataFrame(cells),
        pa.table(cells),
        np.array([[x[:, 0], x[:, 1]] for x in items], dtype=object),
    ):
        result = clone(transformer).fit_transform(X)
        assert type(result) is type(X)
        names = transformer.fit(X).get_feature_names_out().tolist()
        same(from_nested(result), expected)
        if not isinstance(X, np.ndarray):
            assert list(getattr(result, "column_names", result.columns)) == names
    framed = clone(transformer).set_output(transform="pandas").fit_transform(X)
    assert framed.columns.tolist() == transformer.get_feature_names_out().tolist()
    assert clone(transformer).fit_transform(pd.DataFrame(cells, index=[7, 8, 9])).index[0] == 7


@pytest.mark.parametrize("transformer", INVERTIBLE, ids=named)
def test_the_inverse_gives_a_nested_table_back(transformer):
    rng = np.random.default_rng(0)
    cells = {name: [rng.normal(size=n).tolist() for n in (3, 1, 4)] for name in "ab"}
    if not isinstance(transformer, Differences):  # sums would be missing from there on
        cells["a"][0][1] = None
    for X in (pd.DataFrame(cells, index=[7, 8, 9]), pl.DataFrame(cells), pa.table(cells)):
        fitted = clone(transformer).fit(X)
        back = fitted.inverse_transform(fitted.transform(X))
        assert type(back) is type(X)
        assert list(getattr(back, "column_names", back.columns)) == ["a", "b"]
        for x, restored in zip(from_nested(X), from_nested(back), strict=True):
            np.testing.assert_allclose(restored, x, rtol=1e-12)
    again = fitted.inverse_transform(fitted.transform(pd.DataFrame(cells, index=[7, 8, 9])))
    assert again.index.tolist() == [7, 8, 9]


def test_columns_of_a_table_go_through_transformers_of_their_own():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 6, size=12)
    X = pd.DataFrame({name: [rng.normal(size=n) for n in lengths] for name in "abc"})
    X["a"] = [np.r_[x[0], np.nan, x[2:]] for x in X["a"]]
    y = np.array([x[-1] for x in X["c"]])
    prepared = make_column_transformer(
        (make_pipeline(SequenceImputer("last"), Differences()), ["a"]),
        (Lags(), ["b", "c"]),
        verbose_feature_names_out=False,
    )
    names = ["a_diff1", "b", "c", "b_lag1", "c_lag1"]
    parts = [
        *Differences().fit_transform(SequenceImputer("last").fit_transform(X[["a"]])).to_numpy().T,
        *Lags().fit_transform(X[["b", "c"]]).to_numpy().T,
    ]
    expected = [np.column_stack([part[i] for part in parts]) for i in range(len(X))]
    table = clone(prepared).set_output(transform="pandas").fit_transform(X)
    assert table.columns.tolist() == names
    rnn = RNNRegressor(4, max_iter=2, random_state=0)
    pipeline = make_pipeline(prepared, rnn).fit(X, y)
    np.testing.assert_array_equal(
        pipeline.predict(X), clone(rnn).fit(expected, y).predict(expected)
    )


def test_a_pipeline_takes_them_through_a_search_in_two_processes():
    rng = np.random.default_rng(0)
    X = objects([rng.normal(size=(n, 2)) for n in rng.integers(3, 6, size=12)])
    for x in X:
        x[1, 0] = np.nan
    y = np.array([x[-1, 1] for x in X])
    pipeline = make_pipeline(
        *(SequenceImputer("last"), Lags((0, 1)), Differences(), SequenceScaler()),
        RNNRegressor(4, max_iter=2, random_state=0),
    )
    grid = {
        "sequenceimputer": [SequenceImputer("linear", add_indicator=True, add_elapsed=True)],
        "lags__lags": [(0, 1), 1],
    }
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    alone = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    assert np.isfinite(search.predict(X)).all()
    names = search.best_estimator_[:-1].get_feature_names_out(["a", "b"])
    lagged = ["_lag1"] if search.best_params_["lags__lags"] == 1 else ["", "_lag1"]
    before = ["a", "b", "missingindicator_a", "elapsed_a"]
    assert names.tolist() == [f"{name}{lag}_diff1" for lag in lagged for name in before]


def test_metadata_go_past_those_that_do_not_ask_for_them():
    rng = np.random.default_rng(0)
    X, weights = list(rng.normal(size=(6, 4, 2))), rng.random(6)
    y = np.array([x[-1, 1] for x in X])
    steps = SequenceImputer(), Differences(), Lags()
    with config_context(enable_metadata_routing=True):
        rnn = RNNRegressor(4, max_iter=2, random_state=0).set_fit_request(sample_weight=True)
        scaler = SequenceScaler().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(*steps, scaler, rnn).fit(X, y, sample_weight=weights)
    seen = make_pipeline(*map(clone, steps)).fit_transform(X)
    expected = SequenceScaler().fit(seen, sample_weight=weights)
    np.testing.assert_array_equal(pipeline[-2].mean_, expected.mean_)
    by_hand = RNNRegressor(4, max_iter=2, random_state=0)
    by_hand.fit(expected.transform(seen), y, sample_weight=weights)
    assert pipeline[-1].loss_ == by_hand.loss_
