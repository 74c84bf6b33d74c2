"""PerStep: transformers of scikit-learn over the steps of sequences in any carrier."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaler_data import LENGTHS, carriers, dense, flat, objects, ragged
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import NMF, PCA, IncrementalPCA
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_rnn import RNNClassifier
from sklearn_rnn.preprocessing import PerStep, SequenceScaler, from_nested, to_nested

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def columns(i):
    """The columns of sequence i: numbers with a gap, strings."""
    n, rng = LENGTHS[i], np.random.default_rng(i)
    volt = rng.normal(size=n)
    volt[0] = np.nan if n > 1 else volt[0]
    return {"volt": volt, "mode": rng.choice(["off", "on"], n).tolist(), "amp": rng.normal(size=n)}


def frames(library="pandas"):
    items = [LIBRARIES[library](columns(i)) for i in range(len(LENGTHS))]
    if library == "pandas":
        for i, item in enumerate(items):
            item.index += 10 * i
    return items


def nested(library):
    cells = [columns(i) for i in range(len(LENGTHS))]
    if library is None:
        table = np.empty((len(cells), 3), dtype=object)
        for i, each in enumerate(cells):
            table[i] = [np.array(cell) for cell in each.values()]
        return table
    table = {name: [list(each[name]) for each in cells] for name in cells[0]}
    return LIBRARIES[library](table)


def by_type(select=("volt", "amp", "mode"), **options):
    """Numbers are imputed and scaled, strings become columns of 0 and 1."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    kinds = [("n", numbers, list(select[:2])), ("s", OneHotEncoder(**options), [select[2]])]
    return ColumnTransformer(kinds, verbose_feature_names_out=False)


ALL = pd.concat(frames(), ignore_index=True)
NAMES = ["volt", "amp", "missingindicator_volt", "mode_off", "mode_on"]

# Carriers and numbers


@carriers
def test_each_step_is_transformed_as_a_row_and_given_back_in_the_carrier(X):
    for transformer, width in ((StandardScaler(), None), (SplineTransformer(3), 5)):
        expected = transformer.fit_transform(flat(X))
        step = PerStep(transformer)
        for result in (step.fit_transform(X), step.transform(X)):
            np.testing.assert_allclose(flat_steps(result, expected.shape[1]), expected, atol=1e-14)
            one, came = SequenceScaler().fit_transform(X), np.asarray(flat(X))
            if width is None:
                assert type(result) is type(one)
                assert [np.shape(x) for x in result] == [np.shape(x) for x in one]
            else:
                assert result[0].shape == (*np.shape(one[0])[:1], width * came.shape[1])
        if width is None:
            back = step.inverse_transform(result)
            assert type(back) is type(one)
            np.testing.assert_allclose(flat(back), flat(X))


def flat_steps(X, n_columns):
    return np.concatenate([np.reshape(item, (-1, n_columns)) for item in X])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("wrap", [list, tuple, objects])
def test_frames_reach_the_transformer_with_names_strings_and_gaps(wrap, library):
    step = PerStep(by_type()).fit(wrap(frames(library)))
    expected = by_type().fit_transform(ALL)
    result = step.transform(wrap(frames(library)))
    assert isinstance(result, {list: list, tuple: tuple, objects: np.ndarray}[wrap])
    np.testing.assert_allclose(np.concatenate(result), expected)
    assert step.feature_names_in_.tolist() == ["volt", "mode", "amp"]
    assert step.get_feature_names_out().tolist() == NAMES
    assert step.n_features_in_ == 3


@pytest.mark.parametrize("library", [*LIBRARIES, None])
def test_nested_tables_become_nested_tables(library):
    X = nested(library)
    select = ("volt", "amp", "mode") if library else (0, 2, 1)
    step = PerStep(by_type(select))
    result = step.fit_transform(X)
    assert type(result) is type(X) and result.shape == (len(LENGTHS), 5)
    expected = np.asarray(by_type().fit_transform(ALL), dtype=float)
    cells = result
    if library is not None:
        names = result.column_names if library == "pyarrow" else list(result.columns)
        assert names == NAMES == step.get_feature_names_out().tolist()
        cells = np.array(
            [[np.asarray(c, float) for c in np.asarray(result[n])] for n in names], dtype=object
        ).T
    for j in range(5):
        np.testing.assert_allclose(np.concatenate(list(cells[:, j])).astype(float), expected[:, j])
    if library is not None:  # a nested table and a list of frames are one kind
        steps = step.transform(frames(library))
        np.testing.assert_allclose(np.concatenate(steps).astype(float), expected)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_keeps_names_and_types_of_columns(library):
    kinds = [("n", StandardScaler(), ["volt"]), ("same", "passthrough", ["mode"])]
    step = PerStep(ColumnTransformer(kinds, verbose_feature_names_out=False))
    X = frames(library)
    for result in (
        clone(step).set_output(transform=library).fit_transform(X),
        step.fit(X).set_output(transform=library).transform(X),
    ):
        assert type(result) is list and {type(item) for item in result} == {LIBRARIES[library]}
        assert list(result[0].columns) == ["volt", "mode"]
        for item, frame in zip(result, X, strict=True):
            assert list(item["mode"]) == list(frame["mode"])
            assert str(item["volt"].dtype).lower() == "float64"
            if library == "pandas":
                assert item.index.equals(frame.index)
    with config_context(transform_output=library):
        for carrier in (dense(), ragged(), dense(None)):
            result = PerStep(PCA(1)).fit_transform(carrier)
            frame = result[0] if isinstance(result, list) else result
            assert isinstance(frame, LIBRARIES[library])
    assert type(clone(step).set_output(transform="default").fit(X).transform(X)[0]) is np.ndarray


def test_transformers_without_frames_of_their_own_get_them_by_their_names():
    class Doubled(BaseEstimator):
        def fit(self, X, y=None):
            self.fitted_ = True
            return self

        def transform(self, X):
            return 2 * np.asarray(X)

        def get_feature_names_out(self, input_features=None):
            return np.array([f"2 {name}" for name in input_features], dtype=object)

    result = PerStep(Doubled()).set_output(transform="pandas").fit_transform(ragged())
    assert result[0].columns.tolist() == ["2 x0", "2 x1", "2 x2"]
    np.testing.assert_array_equal(result[0], 2 * ragged()[0])
    assert not hasattr(PerStep(Doubled()), "inverse_transform")
    assert not hasattr(PerStep(Doubled()), "partial_fit")


def test_arrays_of_strings_are_encoded_and_decoded():
    words = [np.array(list("abca"))[:, None], np.array(list("bb"))[:, None]]
    for X in (words, np.array([list("abc"), list("bca")]), [list("abca"), list("bb")]):
        for encoder in (OrdinalEncoder(), OneHotEncoder(handle_unknown="ignore")):
            step = PerStep(encoder).fit(X)
            back = step.inverse_transform(step.transform(X))
            assert flat_steps(back, 1).tolist() == flat_steps(X, 1).tolist()
    assert step.transform([list("z")])[0].tolist() == [[0, 0, 0]]
    step = PerStep(OneHotEncoder()).fit(np.array([list("abc"), list("bca")]))
    assert step.get_feature_names_out().tolist() == ["x0_a", "x0_b", "x0_c"]
    assert step.transform(np.array([list("abc")])).shape == (1, 3, 3)


def test_columns_of_2d_frames_are_steps_of_one_feature():
    X = pd.DataFrame(dense(None), columns=list("abcd"), index=list("uvwxyz"))
    step = PerStep(StandardScaler()).set_output(transform="pandas").fit(X)
    result = step.transform(X)
    assert result.columns.tolist() == list("abcd") == step.get_feature_names_out().tolist()
    assert result.index.tolist() == list("uvwxyz")
    np.testing.assert_allclose(result, (X - X.to_numpy().mean()) / X.to_numpy().std())
    binned = PerStep(KBinsDiscretizer(3, encode="onehot-dense")).fit(dense(None))
    assert binned.transform(dense(None)).shape == (6, 4, 3)
    assert binned.inverse_transform(binned.transform(dense(None))).shape == (6, 4)


# What is learned


def test_partial_fits_go_on_where_the_transformer_can():
    whole, parts = PerStep(StandardScaler()).fit(ragged()), PerStep(StandardScaler())
    for item in ragged():
        parts.partial_fit([item])
    np.testing.assert_allclose(parts.transformer_.mean_, whole.transformer_.mean_)
    np.testing.assert_allclose(parts.transformer_.var_, whole.transformer_.var_)
    before = parts.transformer_
    with pytest.raises(ValueError, match="X has 2 features, but PerStep is expecting 3"):
        parts.partial_fit(ragged(2))
    assert parts.transformer_ is before
    assert PerStep(IncrementalPCA(2)).partial_fit(ragged()).transform(ragged())[0].shape == (5, 2)


@pytest.mark.parametrize(
    "weights", [np.array([1, 0, 2, 0.5]), [np.arange(n) + 1.0 for n in LENGTHS]]
)
def test_weights_reach_the_transformer_once_per_step(weights):
    own = np.repeat(weights, LENGTHS) if len(np.shape(weights[0])) == 0 else np.concatenate(weights)
    expected = StandardScaler().fit(flat(ragged()), sample_weight=own)
    step = PerStep(StandardScaler()).fit(ragged(), sample_weight=weights)
    np.testing.assert_allclose(step.transformer_.mean_, expected.mean_)
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        step = make_pipeline(PerStep(scaler), FunctionTransformer())
        for method in ("fit", "fit_transform"):
            getattr(step, method)(ragged(), sample_weight=weights)
            np.testing.assert_allclose(step[0].transformer_.mean_, expected.mean_)
        with pytest.raises(ValueError, match=r"sample_weight.* not explicitly set"):
            PerStep(StandardScaler()).fit(ragged(), sample_weight=weights)
    chain = PerStep(make_pipeline(StandardScaler()))
    chain.fit(ragged(), standardscaler__sample_weight=weights)
    np.testing.assert_allclose(chain.transformer_[0].mean_, expected.mean_)


@pytest.mark.parametrize("make", [ragged, dense])
def test_transformers_that_learn_from_y_get_one_target_per_step(make):
    X = make()
    per_step = [item[:, 1] + 1e-3 * item[:, 0] for item in X]
    for y in (per_step, objects(per_step), np.stack(per_step) if make is dense else per_step):
        selected = PerStep(SelectKBest(f_regression, k=1)).fit_transform(X, y)
        np.testing.assert_array_equal(flat(selected)[:, 0], flat(X)[:, 1])
    y = np.arange(len(X)) % 2
    codes = [np.full((len(item), 1), label) for item, label in zip(X, y, strict=True)]
    encoder = TargetEncoder(target_type="continuous", smooth=1e-9).set_output(transform="default")
    encoded = PerStep(encoder).fit(codes, y).transform(codes)
    np.testing.assert_allclose(flat(encoded), flat(codes), atol=1e-6)
    with pytest.raises(ValueError, match=r"the target y is None .* `y` must have one target per"):
        PerStep(SelectKBest(f_regression, k=1)).fit(X, [np.ones(99)] * len(X))
    PerStep(StandardScaler()).fit(X, [np.ones(99)] * len(X))  # it does not need y


def test_parameters_are_nested_and_the_prototype_is_left_alone():
    prototype = StandardScaler()
    step = PerStep(prototype).set_params(transformer__with_mean=False).fit(ragged())
    assert not hasattr(prototype, "mean_") and not step.transformer_.with_mean
    again = clone(step)
    assert repr(again) == repr(step) == "PerStep(transformer=StandardScaler(with_mean=False))"
    assert not hasattr(again, "transformer_")
    loaded = pickle.loads(pickle.dumps(step)).transform(ragged())
    np.testing.assert_array_equal(flat(loaded), flat(step.transform(ragged())))


def test_a_pipeline_with_a_network_is_searched_in_two_processes():
    X, y = objects(frames() * 2), np.array(list("abab" * 2))
    model = make_pipeline(PerStep(by_type()), RNNClassifier(4, max_iter=2, random_state=0))
    grid = {"perstep__transformer__n__standardscaler__with_mean": [False, True]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_[0].get_feature_names_out().tolist() == NAMES


@settings(max_examples=20, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    cells=st.lists(
        st.sampled_from([1.5, -2.0, 1e300, 5e-324, np.nan, np.inf, "a", "", "é", None, True]),
        min_size=1,
        max_size=6,
    ),
    n_features=st.integers(0, 3),
    wrap=st.sampled_from([list, tuple, objects, "frames"]),
)
def test_a_transformer_that_changes_nothing_gives_everything_back(lengths, cells, n_features, wrap):
    shapes = [(n, n_features) if n_features else (n,) for n in lengths]
    X = [np.resize(np.array(cells, dtype=object), shape) for shape in shapes]
    if wrap == "frames":
        X = [pd.DataFrame(item) for item in X]
    else:
        X = wrap(X)
    step = PerStep(FunctionTransformer()).fit(X)
    for result in (step.transform(X), step.inverse_transform(step.transform(X))):
        assert [np.shape(item) for item in result] == [np.shape(item) for item in X]
        for item, came in zip(result, X, strict=True):
            for a, b in zip(np.ravel(item), np.ravel(came), strict=True):
                assert a == b or (pd.isna(a) and pd.isna(b))


# Errors


class Dropping(TransformerMixin, BaseEstimator):
    def __init__(self, shape=slice(1, None)):
        self.shape = shape

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[self.shape]


@pytest.mark.parametrize("shape", [slice(1, None), (slice(None), slice(0)), (slice(None), 0)])
def test_transformers_must_return_a_row_per_step(shape):
    step = PerStep(Dropping(shape))
    for method in (step.fit_transform, step.fit(ragged()).transform):
        with pytest.raises(ValueError, match=r"`transformer` must return one row .* 16 steps"):
            method(ragged())
    step = PerStep(Dropping(shape))
    with pytest.raises(ValueError, match="one row"):
        step.fit_transform(ragged())
    assert not hasattr(step, "transformer_")


@pytest.mark.parametrize("transformer", [StandardScaler, "scaler", None, RNNClassifier(), 3])
def test_what_is_no_transformer_is_refused(transformer):
    with pytest.raises(TypeError, match="`transformer` must be a transformer of scikit-learn"):
        PerStep(transformer).fit(ragged())


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], "`X` must hold at least one sequence"),
        ([np.empty((0, 2)), np.ones((1, 2))], "at least 1 step in each sequence"),
        ([pd.DataFrame({"a": []}), pd.DataFrame({"a": [1]})], r"1 step in .* `X\[0\]` has none"),
        ([np.ones((2, 0))], "at least 1 feature per step"),
        ([pd.DataFrame(index=[0])], "at least 1 feature per step"),
        ([np.ones((2, 2)), np.ones((2, 3))], "the same .* in all sequences"),
        ([pd.DataFrame({"a": [1]}), np.ones((1, 1))], r"frames of one library.* `X\[1\]` is a nda"),
        ([pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})], "the same columns in all frames"),
        ([np.ones((2, 1)), np.array([["a"]])], "of one type"),
        (np.ones(3), "Reshape your data"),
        (np.ones((2, 3, 4, 5)), r"got an array of shape \(2, 3, 4, 5\)"),
        ([np.ma.masked_equal(np.ones((2, 1)), 1)], "must not have masked entries"),
        ({"a": np.ones((2, 1))}, "must be a list of sequences, got a dict"),
        (iter(ragged()), "must be a list of sequences, got an iterator"),
    ],
)
def test_what_is_no_sequence_is_named(X, message):
    with pytest.raises((TypeError, ValueError), match=f"`X`.*{message}|{message}"):
        PerStep(StandardScaler()).fit(X)


def test_later_sequences_must_have_the_form_of_fit():
    step = PerStep(by_type()).fit(frames())
    with pytest.raises(ValueError, match="feature names should match"):
        step.transform([frame.rename(columns={"volt": "V"}) for frame in frames()])
    step = PerStep(StandardScaler()).fit(ragged())
    with pytest.raises(ValueError, match="must be of the kind that PerStep was fitted on"):
        step.transform(dense(None))
    with pytest.raises(ValueError, match="X has 2 features, but PerStep is expecting 3"):
        step.transform(ragged(2))
    with pytest.raises(ValueError, match="`X` must have the 3 features per step"):
        step.inverse_transform(ragged(1))
    with pytest.raises(AttributeError, match=r"FunctionTransformer has it with"):
        PerStep(FunctionTransformer()).fit(ragged()).get_feature_names_out()


def test_errors_of_the_transformer_name_X():
    with pytest.raises(ValueError, match="`transformer` cannot read the steps of `X`: cou"):
        PerStep(StandardScaler()).fit([[["u", "v"]], [["w", "x"], ["y", "z"]]])
    with pytest.raises(
        ValueError, match=r"^Found unknown categories \['z'\] in column 0|of `X`: Fo"
    ):
        PerStep(OrdinalEncoder()).fit([list("ab")]).transform([list("az")])


@parametrize_with_checks([PerStep(StandardScaler()), PerStep(OrdinalEncoder())])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_a_nested_table_go_to_transformers_of_their_own(library):
    X = nested(library)
    kinds = [
        ("scaled", PerStep(make_pipeline(SimpleImputer(), StandardScaler())), ["volt", "amp"]),
        ("codes", PerStep(OneHotEncoder(sparse_output=False)), ["mode"]),
    ]
    both = ColumnTransformer(kinds, verbose_feature_names_out=False)
    table = both.set_output(transform=library).fit_transform(X)
    assert isinstance(table, LIBRARIES[library])
    assert list(table.columns) == ["volt", "amp", "mode_off", "mode_on"]
    expected = by_type().fit_transform(ALL)
    for j, name in ((0, "volt"), (1, "amp"), (4, "mode_on")):
        np.testing.assert_allclose(np.concatenate(list(table[name])), expected[:, j])
    assert "StandardScaler" in both._repr_html_()


def test_columns_are_selected_by_type():
    kinds = [("n", StandardScaler(), make_column_selector(dtype_include="number"))]
    step = PerStep(ColumnTransformer(kinds, remainder=OrdinalEncoder())).fit(frames())
    expected = kinds[0][1].fit_transform(ALL[["volt", "amp"]])
    np.testing.assert_allclose(np.concatenate(step.transform(frames()))[:, :2], expected)


@pytest.mark.filterwarnings("ignore:When `set_output` is configured")
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", None])
def test_nested_tables_need_no_names_of_the_transformer(library):
    table = to_nested(ragged(), frame=library)
    step = PerStep(FunctionTransformer(np.negative))
    for result in (step.fit_transform(table), step.transform(table)):
        assert type(result) is type(table)
        for x, own in zip(ragged(), from_nested(result), strict=True):
            np.testing.assert_array_equal(own, -x)
    with pytest.raises(AttributeError, match=r"FunctionTransformer has it with"):
        PerStep(clone(step.transformer)).set_output(transform="polars").fit_transform(table)


def test_types_of_polars_frames_are_brought_together():
    X = [pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [0.5]})]
    result = PerStep(FunctionTransformer()).fit_transform(X)
    assert np.concatenate(result).ravel().tolist() == [1, 2, 0.5]


def test_tags_are_those_of_the_transformer():
    for transformer in (NMF(), OneHotEncoder(), SimpleImputer(), PCA()):
        own, inner = get_tags(PerStep(transformer)).input_tags, get_tags(transformer).input_tags
        for tag in ("positive_only", "allow_nan", "string", "categorical"):
            assert getattr(own, tag) == getattr(inner, tag)
    learner = make_pipeline(StandardScaler(), TargetEncoder())
    assert get_tags(PerStep(learner)).target_tags.required


class _Interrupted(StandardScaler):
    def partial_fit(self, X, y=None, sample_weight=None):
        super().partial_fit(X)
        if len(X) == 2:
            raise RuntimeError


def test_a_failed_call_changes_nothing():
    step = PerStep(_Interrupted()).fit(ragged())
    before = pickle.dumps(step)
    for method in ("partial_fit", "fit", "fit_transform"):
        with pytest.raises(RuntimeError):
            getattr(step, method)([np.zeros((2, 3))])
        assert pickle.dumps(step) == before


def test_unknown_arguments_are_not_called_data():
    with pytest.raises(TypeError, match=r"^StandardScaler\.fit\(\) got an unexpected keyword"):
        PerStep(StandardScaler()).fit(ragged(), weight=1)
