"""Occlusion and integrated gradients, against predictions and central differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._inspection import outputs as _outputs
from sklearn_rnn.cells import GRU, LSTM
from sklearn_rnn.inspection import integrated_gradients, occlusion
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Attention, Conv1D
from sklearn_rnn.preprocessing import SequenceScaler, to_nested
from sklearn_rnn.transfer import MultiTaskRNN

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*has as many columns.*",
    "ignore:X has feature names",
)
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(14, 6, 2))
RAGGED = [x[:n] for x, n in zip(X, RANDOM.randint(3, 7, size=14), strict=True)]
CODES = [np.column_stack([x[:, 0], RANDOM.randint(0, 4, size=len(x)), x[:, 1]]) for x in RAGGED]
Y = np.abs(X[:, 0, 0]) + 1
MEANS = np.concatenate(RAGGED).mean(axis=0)


def small(kind=RNNRegressor, **params):
    defaults = {"hidden_layer_sizes": 5, "max_iter": 4, "random_state": 0}
    return kind(**{**defaults, "learning_rate_init": 0.02, **params})


REGRESSORS = [
    {},
    {"cell": LSTM(peepholes=True), "bidirectional": True, "dtype": "float64"},
    {"cell": GRU(zoneout=0.2), "dropout": 0.3, "pooling": "mean", "input_noise": 0.1},
    {"cell": "jordan", "normalize_X": False},
    {"loss": "poisson", "input_layers": [Conv1D(4, 3, stride=2, activation="tanh")]},
    {"loss": "quantile", "hidden_layer_sizes": (4, 4), "connections": "residual"},
    {"pooling": Attention(3), "layer_normalization": "layer", "dtype": "float64"},
]


@pytest.mark.parametrize("params", REGRESSORS)
def test_integrated_gradients_sum_to_the_difference_of_the_predictions(params):
    rnn = small(**params).fit(RAGGED, Y)
    attributions = integrated_gradients(rnn, RAGGED, baseline=[0.1, 0.2], n_steps=150)
    assert isinstance(attributions, list)
    start = [np.broadcast_to([0.1, 0.2], x.shape) for x in RAGGED]
    expected = rnn.predict(RAGGED) - rnn.predict(start)
    assert_allclose([a.sum() for a in attributions], expected, atol=2e-6)
    assert [a.shape for a in attributions] == [x.shape for x in RAGGED]


def test_integrated_gradients_are_slopes_along_the_line():
    rnn = small(cell="lstm", dtype="float64").fit(X, Y)
    x, start, epsilon = X[0], np.array([0.3, -0.2]), 1e-5
    points, shares = np.polynomial.legendre.leggauss(20)
    slopes = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        change = np.zeros_like(x)
        change[place] = epsilon
        line = [start + (point + 1) / 2 * (x - start) for point in points]
        after, before = (rnn.predict(np.add(line, c)) for c in (change, -change))
        slopes[place] = shares / 2 @ (after - before) / (2 * epsilon)
    attributions = integrated_gradients(rnn, x[np.newaxis], baseline=start)
    assert_allclose(attributions[0], slopes * (x - start), atol=1e-8)


def test_sequences_may_be_many(monkeypatch):
    rnn = small().fit(RAGGED, Y)
    expected = integrated_gradients(rnn, RAGGED, n_steps=9)
    monkeypatch.setattr(_outputs, "AT_ONCE", 4)
    for a, b in zip(integrated_gradients(rnn, RAGGED, n_steps=9), expected, strict=True):
        assert_allclose(a, b, rtol=1e-12)


def classes_of(n):
    return np.digitize(X[:, 0, 0], np.linspace(-1, 1, n + 1)[1:-1])


@pytest.mark.parametrize("n_classes", [2, 4])
def test_probabilities_of_classes_are_explained(n_classes):
    names = np.array(list("abcd"))[classes_of(n_classes)]
    rnn = small(RNNClassifier, label_smoothing=0.1).fit(X, names)
    p, p_start = rnn.predict_proba(X), rnn.predict_proba(np.zeros_like(X))
    best = p.argmax(axis=1)
    for target, column in [
        (None, best),
        *((name, np.full(14, i)) for i, name in enumerate(rnn.classes_)),
    ]:
        expected = (p - p_start)[np.arange(14), column]
        sums = integrated_gradients(rnn, X, target=target, baseline=0).sum(axis=(1, 2))
        assert_allclose(sums, expected, atol=1e-6)
        hidden = occlusion(rnn, X, target=target, baseline=0, window=9, per_feature=False)
        assert_allclose(hidden[:, 2].sum(axis=1), expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"`target` must be one of the classes"):
        occlusion(rnn, X, target="z")


def test_one_of_several_outputs_is_explained():
    several = np.column_stack([Y, -3 * Y + 5])
    labels = (X[:, :2, 0] > 0).astype(int)
    columns = np.column_stack([classes_of(3), classes_of(2)])
    tasks = {"n": Y, "c": classes_of(3)}
    for kind, y, targets in (
        (RNNRegressor, several, range(2)),
        (RNNClassifier, labels, range(2)),
        (RNNClassifier, columns, range(5)),
        (MultiTaskRNN, tasks, range(3)),
    ):
        rnn = small(kind).fit(X, y)
        sums = np.column_stack(
            [integrated_gradients(rnn, X, target=k, baseline=0).sum(axis=(1, 2)) for k in targets]
        )
        ends = [
            rnn.predict(each) if kind is RNNRegressor else probabilities(rnn, each)
            for each in (X, np.zeros_like(X))
        ]
        assert_allclose(sums, (ends[0] - ends[1])[:, : len(targets)], atol=3e-6)
        with pytest.raises(ValueError, match=r"`target` must be the number of an output"):
            integrated_gradients(rnn, X)


def probabilities(rnn, each):
    if isinstance(rnn, MultiTaskRNN):
        return np.column_stack([rnn.predict(each)["n"], rnn.predict_proba(each)["c"]])
    p = rnn.predict_proba(each)
    return np.hstack(p) if isinstance(p, list) else p


def test_the_output_of_one_step_is_explained():
    y = [x[:, 0] for x in RAGGED]
    rnn = small(mode="many_to_many").fit(RAGGED, y)
    start = rnn.predict([np.zeros_like(x) for x in RAGGED])
    for step in (-1, 0, 2, -3):
        expected = [p[step] - q[step] for p, q in zip(rnn.predict(RAGGED), start, strict=True)]
        attributions = integrated_gradients(rnn, RAGGED, step=step, baseline=0)
        assert_allclose([a.sum() for a in attributions], expected, atol=1e-6)
        for a in attributions:  # later steps do not matter
            assert not a[
                len(a) + step + 1 if step < -1 else step + 1 if step >= 0 else len(a) :
            ].any()
    hidden = occlusion(rnn, RAGGED, step=1, window=2, stride=2)
    for x, a in zip(RAGGED, hidden, strict=True):  # each alone
        assert_allclose(a, occlusion(rnn, [x], step=1, window=2, stride=2, baseline=MEANS)[0])
    with pytest.raises(ValueError, match=r"`step` must be from -3 to 2"):
        occlusion(rnn, RAGGED, step=3)
    with pytest.raises(ValueError, match=r"`step` must be -1 with mode='many_to_one'"):
        occlusion(small().fit(X, Y), X, step=0)
    tags = [np.where(x[:, 0] > 0, "up", "down") for x in RAGGED]
    tagger = small(RNNClassifier, mode="many_to_many", transitions=True).fit(RAGGED, tags)
    hidden = occlusion(tagger, RAGGED, target="up", step=0, baseline=0, window=9, per_feature=False)
    start = tagger.predict_proba([np.zeros_like(x) for x in RAGGED])
    expected = [p[0, 1] - q[0, 1] for p, q in zip(tagger.predict_proba(RAGGED), start, strict=True)]
    assert_allclose([a[0].sum() for a in hidden], expected, atol=1e-6)
    jordan = small(cell="jordan", loss="poisson").fit(X, Y)
    with pytest.raises(ValueError, match=r"a cell that does not read the output, or y must be"):
        integrated_gradients(jordan, X)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_tags_that_may_not_follow_each_other_are_explained():
    tags = [np.where(x[:, 0] > 0, "B-x", "O") for x in RAGGED]
    for of_one in tags:
        of_one[1:][(of_one[:-1] == "B-x") & (of_one[1:] == "O")] = "I-x"
    facts = {"mode": "many_to_many", "transitions": True, "dtype": "float64", "max_iter": 20}
    tagger = small(RNNClassifier, allowed_transitions="BIO", **facts).fit(RAGGED, tags)
    p, q = (tagger.predict_proba(each) for each in (RAGGED, [0 * x for x in RAGGED]))
    k = list(tagger.classes_).index("I-x")
    for step in (-1, 0):
        facts = {"target": "I-x", "step": step, "baseline": 0, "n_steps": 100}
        sums = [a.sum() for a in integrated_gradients(tagger, RAGGED, **facts)]
        expected = [a[step, k] - b[step, k] for a, b in zip(p, q, strict=True)]
        assert_allclose(sums, expected, atol=1e-7)
    assert not np.any(sums)  # no sequence begins inside an entity


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("step", [-1, 1])
def test_probabilities_that_a_cell_reads_are_explained(n_classes, step):
    facts = {"cell": "jordan", "max_iter": 40, "dtype": "float64", "label_smoothing": 0.1}
    y = np.digitize(X[:, :, 0], np.linspace(-1, 1, n_classes + 1)[1:-1])
    if step == -1:
        y = y[:, 0]
    rnn = small(RNNClassifier, mode="many_to_one" if step == -1 else "many_to_many", **facts)
    ends = [rnn.fit(X, y).predict_proba(each) for each in (X, np.full_like(X, 0.3))]
    for target in (0, 1):
        facts = {"target": target, "step": step, "baseline": 0.3, "n_steps": 100}
        sums = integrated_gradients(rnn, X, **facts).sum(axis=(1, 2))
        p, q = (each if step == -1 else each[:, step] for each in ends)
        assert_allclose(sums, (p - q)[:, target], atol=1e-7)


@pytest.mark.parametrize("n_tags", [2, 4])
@pytest.mark.parametrize("step", [-1, 1])
def test_probabilities_of_tags_with_transitions_are_explained(n_tags, step):
    tags = [np.digitize(x[:, 0], np.linspace(-1, 1, n_tags + 1)[1:-1]) for x in RAGGED]
    facts = {"mode": "many_to_many", "transitions": True, "dtype": "float64", "max_iter": 30}
    tagger = small(RNNClassifier, **facts).fit(RAGGED, tags)
    start = [np.full_like(x, 0.2) for x in RAGGED]
    ends = tagger.predict_proba(RAGGED), tagger.predict_proba(start)
    for target in (None, 1):
        attributions = integrated_gradients(
            tagger, RAGGED, step=step, target=target, baseline=0.2, n_steps=100
        )
        columns = [p[step].argmax() if target is None else 1 for p in ends[0]]
        expected = [p[step, k] - q[step, k] for p, q, k in zip(*ends, columns, strict=True)]
        assert_allclose([a.sum() for a in attributions], expected, atol=1e-7)
    later = [a[2:] for a in attributions]
    assert step == -1 or any(a.any() for a in later)  # other tags tell about this one


def test_occlusion_is_the_change_of_the_prediction_without_a_window():
    rnn = small().fit(RAGGED, Y)
    for window, stride in ((1, 1), (2, 1), (4, 1), (3, 2), (2, 2), (4, 3)):
        facts = {"window": window, "stride": stride}
        got = occlusion(rnn, RAGGED, **facts)
        together = occlusion(rnn, RAGGED, per_feature=False, **facts)
        for x, a, b in zip(RAGGED, got, together, strict=True):
            whole = rnn.predict([x])[0]
            sums, counts, shared = np.zeros_like(x), np.zeros(len(x)), np.zeros(len(x))
            last = max(len(x) - window, 0)
            for first in {*range(0, last, stride), last}:
                hidden = slice(first, first + window)
                counts[hidden] += 1
                for j in range(2):
                    changed = x.copy()
                    changed[hidden, j] = MEANS[j]
                    sums[hidden, j] += whole - rnn.predict([changed])[0]
                changed = x.copy()
                changed[hidden] = MEANS
                shared[hidden] += whole - rnn.predict([changed])[0]
            assert_allclose(a, sums / counts[:, None], atol=2e-6)
            assert_allclose(b, np.repeat(shared / counts / 2, 2).reshape(-1, 2), atol=2e-6)


def test_categories_are_compared_with_unknown_ones():
    rnn = small(categorical_features=[1], embedding_dim=3, dtype="float64", max_iter=20)
    rnn.fit(CODES, [x[:, 1].sum() + x[0, 0] for x in CODES])
    start = [np.column_stack([x[:, 0] * 0, np.full(len(x), 99), x[:, 2] * 0]) for x in CODES]
    expected = rnn.predict(CODES) - rnn.predict(start)
    attributions = integrated_gradients(rnn, CODES, baseline=0)
    assert [a.shape for a in attributions] == [x.shape for x in CODES]
    assert_allclose([a.sum() for a in attributions], expected, atol=1e-8)
    assert all(a[:, 1].any() for a in attributions)
    hidden = occlusion(rnn, CODES, baseline=0, window=9, per_feature=False)
    assert_allclose([a[0].sum() for a in hidden], expected, atol=1e-8)
    only = [x[:, 1:2] for x in CODES]
    rnn = small(categorical_features="all", input_layers=[Conv1D(3, 2, activation="tanh")]).fit(
        only, Y
    )
    expected = rnn.predict(only) - rnn.predict([np.full_like(x, 99) for x in only])
    sums = [a.sum() for a in integrated_gradients(rnn, only)]
    assert_allclose(sums, expected, atol=2e-6)


@pytest.mark.parametrize("method", [occlusion, integrated_gradients])
def test_attributions_have_the_form_of_X(method):
    rnn = small().fit(X, Y)
    dense = method(rnn, X)
    assert dense.shape == X.shape and dense.dtype == np.float64
    as_list = method(rnn, list(X))
    assert_allclose(np.stack(as_list), dense)
    table = to_nested(X)
    nested = method(rnn, table)
    assert list(nested.columns) == list(table.columns) and nested.shape == table.shape
    assert_allclose(nested.iloc[3, 1], dense[3, :, 1])
    flat = small().fit(X[:, :, 0], Y)
    assert method(flat, X[:, :, 0]).shape == (14, 6)
    pipe = make_pipeline(SequenceScaler(), small()).fit(X, Y)
    expected = method(pipe[-1], pipe[0].transform(X), baseline=0)
    assert_array_equal(method(pipe, X, baseline=0), expected)


@pytest.mark.parametrize("method", [occlusion, integrated_gradients])
def test_faults_are_named(method):
    rnn = small().fit(X, Y)
    for options, message in (
        ({"baseline": [0, 0, 0]}, r"`baseline` must be None, a finite number, or one for each"),
        ({"baseline": "mean"}, r"`baseline` must be numbers"),
        ({"target": 1}, r"`target` must be the number of an output, from 0 to 0"),
        ({"window": 0} if method is occlusion else {"n_steps": 0}, "must be an integer"),
    ):
        with pytest.raises(ValueError, match=message):
            method(rnn, X, **options)
    with pytest.raises(
        ValueError,
        match=r"`stride` must be at most `window`, 2, so that each step is hidden, got 3",
    ):
        occlusion(rnn, X, window=2, stride=3)
    with pytest.raises(TypeError, match=r"`estimator` must be an RNNClassifier, RNNRegressor or"):
        method(RNNLanguageModel(4, max_iter=1).fit(["ab", "ba"]), X)
