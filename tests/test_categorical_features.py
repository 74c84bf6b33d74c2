"""Estimators whose features are codes: embeddings from `fit` to weight files."""

import json
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._model import network_description
from sklearn_rnn._model.network import absorb_input_scale
from sklearn_rnn.layers import Conv1D

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 40
RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, 12, (N, 6))  # a sequence of codes per row
MIXED = [  # a number, a code, another number, another code
    np.column_stack(
        [
            RNG.normal(size=n),
            RNG.choice([3, 5, 20], n),
            10 + RNG.normal(size=n),
            RNG.integers(0, 4, n),
        ]
    )
    for n in RNG.integers(2, 7, N)
]
Y = np.array([x[:, 0].sum() + (x[:, 1] == 5).sum() for x in MIXED])
LABELS = (TOKENS < 4).sum(axis=1) > 2


def regressor(**options):
    options = {"categorical_features": [1, 3], "max_iter": 3, "random_state": 0} | options
    return RNNRegressor(**{"hidden_layer_sizes": 6} | options)


def classifier(**options):
    options = {"categorical_features": "all", "max_iter": 3, "random_state": 0} | options
    return RNNClassifier(**{"hidden_layer_sizes": 6} | options)


def tables(rnn):
    return [w for name, w in rnn.weights_.items() if name.startswith("embedding_")]


def assert_unknown_rows_are_means(rnn):
    for table in tables(rnn):
        np.testing.assert_allclose(table[-1], table[:-1].mean(axis=0), rtol=1e-5, atol=1e-7)


def test_codes_are_learned_where_their_size_means_nothing():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 30, (300, 8))
    y = np.isin(X, rng.permutation(30)[:15]).sum(axis=1) > 4
    rnn = RNNClassifier(16, categorical_features="all", max_iter=60, random_state=0)
    assert rnn.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.85


def test_arrays_are_named_in_the_order_of_the_features():
    rnn = regressor(embedding_dim=[2, 5]).fit(MIXED, Y)
    shapes = {name: w.shape for name, w in rnn.weights_.items()}
    assert list(shapes)[:3] == ["embedding_0.weight", "embedding_1.weight", "weight_ih_l0"]
    assert shapes["embedding_0.weight"] == (4, 2)
    assert shapes["embedding_1.weight"] == (5, 5)
    assert shapes["weight_ih_l0"] == (18, 2 + 2 + 5)
    assert [known.tolist() for known in rnn.categories_] == [[3, 5, 20], [0, 1, 2, 3]]
    assert [w.shape[1] for w in tables(regressor().fit(MIXED, Y))] == [2, 2]
    assert [w.shape[1] for w in tables(regressor(embedding_dim=7).fit(MIXED, Y))] == [7, 7]


def test_without_categorical_features_there_are_no_categories():
    rnn = regressor(categorical_features=None).fit(MIXED, Y)
    assert not hasattr(rnn, "categories_")
    assert not tables(rnn)


def test_only_the_order_of_codes_matters():
    other = [x * [1, 7, 1, 1000] + [0, 2, 0, 5] for x in MIXED]
    rnn, renamed = regressor().fit(MIXED, Y), regressor().fit(other, Y)
    np.testing.assert_array_equal(rnn.params_, renamed.params_)
    np.testing.assert_array_equal(rnn.predict(MIXED), renamed.predict(other))
    np.testing.assert_array_equal(rnn.x_mean_, renamed.x_mean_)


def test_codes_are_never_normalised():
    rnn = regressor().fit(MIXED, Y)
    steps = np.concatenate(MIXED)
    np.testing.assert_allclose(rnn.x_mean_, steps.mean(axis=0) * [1, 0, 1, 0])
    np.testing.assert_allclose(rnn.x_scale_, np.where([1, 0, 1, 0], steps.std(axis=0), 1.0))
    plain = [(x - rnn.x_mean_) / rnn.x_scale_ for x in MIXED]
    given = regressor(normalize_X=False).fit(plain, Y)
    np.testing.assert_allclose(given.predict(plain), rnn.predict(MIXED), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_vector_stands_for_a_code(n_threads):
    rnn = regressor(n_threads=n_threads).fit(MIXED, Y)
    weights = dict(rnn.weights_)
    weights["embedding_0.weight"] = weights["embedding_0.weight"][[1, 0, 2, 3]]  # 3 and 5
    swapped = [x.copy() for x in MIXED]
    for x in swapped:
        x[:, 1] = np.select([x[:, 1] == 3, x[:, 1] == 5], [5, 3], x[:, 1])
    expected = rnn.predict(MIXED)
    rnn.set_weights(weights)
    np.testing.assert_array_equal(rnn.predict(swapped), expected)


def test_a_network_absorbs_other_scales_of_the_numbers_alone():
    rnn = regressor(connections="skip", hidden_layer_sizes=(5, 4), dtype="float64").fit(MIXED, Y)
    network, (mean, scale) = rnn._fitted_model().network, (rnn.x_mean_, rnn.x_scale_)
    numbers = np.array([1, 0, 1, 0])
    after = mean + 0.1 * numbers, scale * (1 + 0.2 * numbers)
    params = absorb_input_scale(network, rnn.params_, (mean, scale), after, numbers > 0)
    expected = rnn.predict(MIXED)
    rnn.x_mean_, rnn.x_scale_, rnn.params_ = *after, params
    np.testing.assert_allclose(rnn.predict(MIXED), expected, rtol=1e-9)


# ---- unknown codes ------------------------------------------------------------------------------


def test_unknown_codes_have_the_mean_of_all_vectors():
    rnn = regressor().fit(MIXED, Y)
    assert_unknown_rows_are_means(rnn)
    unknown = [x * [1, 0, 1, 1] + [0, 4, 0, 0] for x in MIXED]
    weights = dict(rnn.weights_)
    weights["embedding_0.weight"] = np.repeat(weights["embedding_0.weight"][-1:], 4, axis=0)
    np.testing.assert_array_equal(rnn.predict(unknown), rnn.set_weights(weights).predict(MIXED))


def test_partial_fit_knows_the_codes_of_its_first_call():
    rnn = regressor()
    rnn.partial_fit(MIXED, Y)
    before = [known.copy() for known in rnn.categories_]
    new = [np.add(x, [0, 100, 0, 0]) for x in MIXED]
    weights = dict(rnn.weights_)
    rnn.partial_fit(new, Y)
    assert_unknown_rows_are_means(rnn)
    for ours, theirs in zip(rnn.categories_, before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    known, other = tables(rnn)
    np.testing.assert_array_equal(known[:-1], weights["embedding_0.weight"][:-1])  # not touched
    assert np.any(other != weights["embedding_1.weight"])


def test_partial_fit_learns_as_fit_does():
    fitted = regressor(max_iter=1).fit(MIXED, Y)
    partial = regressor().partial_fit(MIXED, Y)
    np.testing.assert_allclose(partial.params_, fitted.params_, rtol=1e-5, atol=1e-6)


def test_validation_data_may_have_unknown_codes():
    new = [np.add(x, [0, 1, 0, 50]) for x in MIXED]
    rnn = regressor(early_stopping=True).fit(MIXED, Y, X_val=new, y_val=Y)
    assert rnn.score(new, Y) == pytest.approx(max(rnn.validation_scores_))


def test_held_out_codes_are_known():
    rnn = regressor(early_stopping=True).fit(MIXED, Y)
    assert rnn.categories_[0].tolist() == [3, 5, 20]
    assert_unknown_rows_are_means(rnn)


# ---- continued fits -----------------------------------------------------------------------------


def test_warm_start_goes_on_with_the_same_tables():
    rnn = regressor(warm_start=True).fit(MIXED, Y)
    once = regressor(max_iter=6).fit(MIXED, Y)
    rnn.fit([np.add(x, [0, 0, 5, 0]) for x in MIXED], Y)
    assert rnn.loss_ < once.loss_curve_[0]
    assert rnn.x_scale_[1] == rnn.x_scale_[3] == 1.0
    assert rnn.x_mean_[1] == rnn.x_mean_[3] == 0.0


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"categorical_features": [1]},
            r"`categorical_features` must not change .*\[1, 3\], and now",
        ),
        (
            {"categorical_features": None},
            r"`categorical_features` must not change .*now selects \[\]",
        ),
        ({"embedding_dim": 9}, r"`embedding_dim` must not change .*embedding_dim=\[2, 2\], got 9"),
    ],
)
def test_tables_must_not_change_in_a_continued_fit(change, message):
    rnn = regressor(warm_start=True).fit(MIXED, Y)
    params = rnn.params_.copy()
    with pytest.raises(ValueError, match=message):
        rnn.set_params(**change).fit(MIXED, Y)
    np.testing.assert_array_equal(rnn.params_, params)


@pytest.mark.parametrize("features", [[False, True, False, True], np.array([3, 1])])
def test_the_same_features_may_be_named_in_another_way(features):
    rnn = regressor(warm_start=True).fit(MIXED, Y)
    rnn.set_params(categorical_features=features, embedding_dim=[2, 2]).fit(MIXED, Y)


# ---- given vectors ------------------------------------------------------------------------------


def test_given_vectors_are_where_training_begins():
    rows = np.arange(12.0).reshape(4, 3)
    given = [{5: [1.0, 2.0], 77: [0.0, 0.0]}, rows]
    rnn = regressor(embedding_init=given, max_iter=1, learning_rate_init=1e-6).fit(MIXED, Y)
    first, second = tables(rnn)
    np.testing.assert_allclose(first[1], [1.0, 2.0], atol=1e-4)
    assert np.abs(first[[0, 2]]).max() < 0.06
    np.testing.assert_allclose(second[:-1], rows, atol=1e-4)
    assert_unknown_rows_are_means(rnn)


def test_vectors_must_have_the_given_dimension():
    with pytest.raises(ValueError, match=r"`embedding_init` must have .*`embedding_dim`=5.*got 2"):
        regressor(embedding_init=[{5: [1.0, 2.0]}, None], embedding_dim=5).fit(MIXED, Y)


def test_vectors_must_be_finite_in_the_dtype():
    with pytest.raises(ValueError, match=r"`embedding_init\[0\]` must be finite in float32"):
        regressor(embedding_init=[{5: [1e300]}, None]).fit(MIXED, Y)


# ---- frames -------------------------------------------------------------------------------------


def frames():
    names = {3: "low", 5: "mid", 20: "top"}
    X = [pd.DataFrame(x, columns=["a", "b", "c", "d"]) for x in MIXED]
    return [x.assign(b=x.b.map(names).astype("category"), d=x.d.map("c{:.0f}".format)) for x in X]


@pytest.mark.parametrize("features", ["from_dtype", ["b", "d"]])
def test_frames_of_strings_are_as_their_codes(features, tmp_path):
    X = frames()
    rnn = regressor(categorical_features=features).fit(X, Y)
    assert [known.tolist() for known in rnn.categories_] == [
        ["low", "mid", "top"],
        ["c0", "c1", "c2", "c3"],
    ]
    expected = regressor().fit(MIXED, Y)
    np.testing.assert_array_equal(rnn.params_, expected.params_)
    np.testing.assert_array_equal(rnn.predict(X), expected.predict(MIXED))
    rnn.save_weights(tmp_path / "model.safetensors")
    other = RNNRegressor().load_weights(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(other.predict(X), rnn.predict(X))
    new = [x.assign(b="new") for x in X]
    np.testing.assert_array_equal(
        rnn.predict(new), expected.predict([x * [1, 0, 1, 1] for x in MIXED])
    )
    rnn.partial_fit(X, Y)
    with pytest.raises(ValueError, match="A stream needs categorical features with integer codes"):
        rnn.stream()


# ---- with scikit-learn, pickles and files -------------------------------------------------------


def test_words_work_in_grids_pipelines_and_clones():
    rnn = classifier(categorical_features=[0], embedding_init=np.ones((12, 3)))
    assert clone(rnn).get_params()["embedding_init"] is not None
    pipe = make_pipeline(FunctionTransformer(), classifier())
    grid = GridSearchCV(pipe, {"rnnclassifier__embedding_dim": [2, "auto"]}, cv=2)
    grid.fit(TOKENS, LABELS)
    assert grid.predict(TOKENS).shape == (N,)


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
def test_pickles_and_files_keep_the_tables(ending, tmp_path):
    rnn = regressor().fit(MIXED, Y)
    expected = rnn.predict(MIXED)
    again = pickle.loads(pickle.dumps(rnn))
    np.testing.assert_array_equal(again.predict(MIXED), expected)
    rnn.save_weights(tmp_path / f"model.{ending}")
    other = RNNRegressor().load_weights(tmp_path / f"model.{ending}")
    assert other.get_params()["categorical_features"] == [1, 3]
    np.testing.assert_array_equal(other.predict(MIXED), expected)
    other.partial_fit(MIXED, Y)
    clone(other).fit(MIXED, Y)
    different = regressor().fit([np.add(x, [0, 1, 0, 0]) for x in MIXED], Y)
    with pytest.raises(ValueError, match="with categories="):
        different.load_weights(tmp_path / f"model.{ending}")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c[:1], "a list of 2 arrays"),
        (lambda c: [c[0], c[1][:2]], "arrays of codes or strings of shapes"),
        (lambda c: [c[0], c[1].astype(float)], "arrays of codes or strings of shapes"),
        (lambda c: [c[0][::-1], c[1]], "distinct codes in order"),
    ],
)
def test_damaged_categories_are_refused(change, message):
    rnn = regressor().fit(MIXED, Y)
    rnn.categories_ = change(rnn.categories_)
    with pytest.raises(ValueError, match=f"`categories_` must be .*{message}"):
        pickle.loads(pickle.dumps(rnn))


def test_a_description_holds_the_tables():
    network = regressor(embedding_dim=[2, 5]).fit(MIXED, Y)._fitted_model().network
    facts = network_description.describe(network)
    assert facts["tables"] == [(1, 4, 2), (3, 5, 5)]
    assert network_description.from_description(json.loads(json.dumps(facts))) == network


@pytest.mark.parametrize(
    "tables",
    [
        None,
        "13",
        [1, 3],
        [[1, 4]],
        [[1, 4, 2], [1, 4, 2]],
        [[3, 5, 2], [1, 4, 2]],
        [[4, 5, 2]],
        [[-1, 5, 2]],
        [[1, 1, 2]],
        [[1, 4, 0]],
        [[1, 4.0, 2]],
        [[True, 4, 2]],
        [[1, 2**31, 2]],
    ],
)
def test_forged_tables_are_refused(tables):
    network = regressor().fit(MIXED, Y)._fitted_model().network
    facts = {**network_description.describe(network), "tables": tables}
    with pytest.raises(ValueError, match=r"`?tables`? must be"):
        network_description.from_description(facts)


# ---- streams and states -------------------------------------------------------------------------


def test_streams_take_codes():
    X = np.stack([x[:2] for x in MIXED])
    X[0, 1, 1] = 7.0  # unknown
    rnn = regressor(connections="skip").fit(MIXED, Y)
    stream = rnn.stream(N)
    for t in range(2):
        y = stream.step(X[:, t])
    np.testing.assert_array_equal(y, rnn.predict(X))
    with pytest.raises(ValueError, match=r"column 1 of `x` has 0\.5 in sequence 3"):
        stream.step(X[:, 0] + np.eye(N)[3][:, np.newaxis] * [0, 0.5 - X[3, 0, 1], 0, 0])
    _, state = rnn.predict(X[:, :1], return_state=True)
    np.testing.assert_array_equal(rnn.predict(X[:, 1:], initial_state=state), rnn.predict(X))


@pytest.mark.parametrize(
    "options",
    [
        {"connections": "skip"},
        {"bidirectional": True},
        {"input_dropout": 0.2, "input_noise": 0.1, "pooling": "mean"},
    ],
    ids=str,
)
def test_tables_work_with_other_words(options):
    sizes = {"hidden_layer_sizes": (5, 5), "dropout": 0.2, "memory_budget": None}
    one = regressor(**sizes, **options, n_threads=1).fit(MIXED, Y)
    two = regressor(**sizes, **options, n_threads=2).fit(MIXED, Y)
    np.testing.assert_array_equal(one.params_, two.params_)
    assert one.hidden_states(MIXED).shape[0] == N


def test_all_features_may_be_codes_and_a_jordan_network_reads_them():
    rnn = classifier(cell="jordan", mode="many_to_many").fit(TOKENS, TOKENS % 2)
    assert rnn.predict(TOKENS).shape == TOKENS.shape


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, message",
    [
        ({"categorical_features": 3}, '`categorical_features` must be None, "all", "from_dtype"'),
        ({"categorical_features": "some"}, '`categorical_features` must be "all", "from_dtype"'),
        ({"categorical_features": [9]}, "`categorical_features` must hold indices from 0 to 3"),
        ({"embedding_dim": 0}, "`embedding_dim` must be .*got 0"),
        ({"embedding_dim": "big"}, "`embedding_dim` must be .*got 'big'"),
        ({"embedding_dim": [2, 0.5]}, "`embedding_dim` must be .*got"),
        ({"embedding_dim": [2]}, "`embedding_dim` must have one entry for each of the 2"),
        (
            {"input_layers": [Conv1D(2, 1, stride=2)]},
            "`stride` of an input layer must be 1 with `categorical_features`",
        ),
        ({"embedding_init": "glove"}, "`embedding_init` must be None, an array of vectors"),
        (
            {"categorical_features": None, "embedding_init": [[1.0]]},
            "`embedding_init` must be None if `categorical_features` selects no column",
        ),
        ({"embedding_init": [None]}, "`embedding_init` must have one entry for each of the 2"),
    ],
)
def test_wrong_words_are_refused(words, message):
    rnn = regressor(**words)
    with pytest.raises(ValueError, match=message):
        rnn.fit(MIXED, Y)
    assert not hasattr(rnn, "params_")


@pytest.mark.parametrize("method", ["fit", "predict", "partial_fit"])
@pytest.mark.parametrize("code", [-1.0, 1.5, np.nan, 2.0**31])
def test_what_is_no_code_is_refused(method, code):
    bad = [x.copy() for x in MIXED]
    bad[4][1, 3] = code
    rnn = regressor().fit(MIXED, Y)
    before = rnn.params_.copy()
    arguments = (bad,) if method == "predict" else (bad, Y)
    message = re.escape(f"column 3 of `X` has {code:.10g} in sequence 4 at step 1")
    with pytest.raises(ValueError, match=f"`categorical_features` must select.*{message}"):
        getattr(rnn, method)(*arguments)
    np.testing.assert_array_equal(rnn.params_, before)


def test_large_codes_are_exact():
    codes = np.array([[0, 2**31 - 1], [2**31 - 2, 2**24 + 1], [1, 2**24]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rnn = RNNRegressor(2, categorical_features="all", max_iter=1).fit(codes, np.arange(3.0))
    assert rnn.categories_[0].tolist() == sorted(codes.ravel().tolist())
