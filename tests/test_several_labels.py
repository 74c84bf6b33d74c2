"""Several labels per target: columns of 0 and 1 (multilabel), and of classes (multioutput)."""

import pickle

import numpy as np
import pandas as pd
import pytest
import reference
from cases import as_read
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.metrics import step_accuracy

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 5, 2))
RAGGED = [x[: 2 + i % 4] for i, x in enumerate(X)]
ABOVE = X.sum(axis=1) > 0  # (60, 2)
INDICATOR = np.column_stack([ABOVE, ABOVE[:, 0] ^ ABOVE[:, 1]]).astype(int)
COLUMNS = np.column_stack(
    [np.array(["no", "yes"])[INDICATOR[:, 0]], np.array(["a", "b", "c"])[ABOVE.sum(axis=1)]]
)
QUICK = {"hidden_layer_sizes": 5, "max_iter": 5, "random_state": 0, "dtype": "float64"}
Y = {"multilabel": INDICATOR, "multioutput": COLUMNS}

each_kind = pytest.mark.parametrize("kind", Y)
each_mode = pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])


def per_step(y, X=RAGGED):
    """Return labels of which each sequence has its own at all steps."""
    return [np.repeat(row[np.newaxis], len(x), axis=0) for row, x in zip(y, X, strict=True)]


def fitted(kind, mode="many_to_one", y=None, **changes):
    y = Y[kind] if y is None else y
    return RNNClassifier(mode=mode, **QUICK | changes).fit(
        RAGGED, y if mode == "many_to_one" else per_step(y)
    )


# ---- conventions of scikit-learn ----------------------------------------------------------------


def test_labels_of_0_and_1_are_those_of_mlp_classifier():
    flat, y = make_multilabel_classification(40, n_features=6, n_classes=4, random_state=0)
    theirs = MLPClassifier(4, max_iter=3, random_state=0).fit(flat, y)
    ours = RNNClassifier(4, max_iter=3, random_state=0).fit(flat, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        a, b = (getattr(rnn, method)(flat) for rnn in (ours, theirs))
        assert a.shape == b.shape and a.dtype.kind == b.dtype.kind
    assert ours.predict(flat).dtype == theirs.predict(flat).dtype
    assert ours.out_activation_ == theirs.out_activation_ and ours.n_outputs_ == theirs.n_outputs_
    np.testing.assert_array_equal(ours.predict(flat), ours.predict_proba(flat) > 0.5)
    assert ours.score(flat, y) == accuracy_score(y, ours.predict(flat))
    for given in (sparse.csr_array(y), sparse.csc_matrix(y), list(y), y.tolist(), y.astype(bool),
                  y.astype(float), pd.DataFrame(y)):  # fmt: skip
        again = clone(ours).fit(flat, given)
        np.testing.assert_array_equal(again.params_, ours.params_)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # of the forest
def test_columns_of_classes_are_those_of_a_random_forest():
    y = np.column_stack([INDICATOR[:, 0], ABOVE.sum(axis=1)])
    flat = X.reshape(60, -1)
    theirs, ours = RandomForestClassifier(3).fit(flat, y), RNNClassifier(**QUICK).fit(X, y)
    assert isinstance(ours.classes_, list)
    for a, b in zip(ours.classes_, theirs.classes_, strict=True):
        np.testing.assert_array_equal(a, b)
    for method in ("predict_proba", "predict_log_proba"):
        results = getattr(ours, method)(X), getattr(theirs, method)(flat)
        assert [a.shape for a in results[0]] == [b.shape for b in results[1]]
    assert ours.predict(X).shape == theirs.predict(flat).shape
    assert ours.out_activation_ == "softmax" and ours.n_outputs_ == 2 + 3
    expected = [
        c[p.argmax(axis=1)] for c, p in zip(ours.classes_, ours.predict_proba(X), strict=True)
    ]
    np.testing.assert_array_equal(ours.predict(X), np.column_stack(expected))
    right = (ours.predict(X) == y).all(axis=1)
    assert ours.score(X, y) == right.mean()


def test_columns_keep_their_own_types():
    frame = pd.DataFrame({"colour": ["red", "blue"] * 30, "number": [3, 1, 2] * 20})
    for y in (frame, frame.to_numpy(dtype=object), frame.to_numpy(dtype=object).tolist()):
        rnn = RNNClassifier(**QUICK).fit(X, y)
        assert list(rnn.classes_[0]) == ["blue", "red"] and list(rnn.classes_[1]) == [1, 2, 3]
        assert rnn.classes_[1].dtype.kind == "i"
        predicted = rnn.predict(X)
        assert predicted.dtype == object and predicted[0, 1] in (1, 2, 3)
        assert 0 <= rnn.score(X, y) <= 1


# ---- what is learned ----------------------------------------------------------------------------


@each_mode
@each_kind
def test_the_loss_is_that_of_scikit_learn_and_the_reference(kind, mode):
    rnn = fitted(kind, mode)
    y = Y[kind] if mode == "many_to_one" else np.concatenate(per_step(Y[kind]))
    model = rnn._fitted_model()
    probabilities = rnn.predict_proba(RAGGED)
    if kind == "multilabel":
        columns = np.concatenate(probabilities) if mode == "many_to_many" else probabilities
        losses = [log_loss(y[:, j], columns[:, j]) for j in range(3)]
    else:
        columns = probabilities
        if mode == "many_to_many":
            columns = [np.concatenate(each) for each in probabilities]
        losses = [log_loss(y[:, j], columns[j]) for j in range(2)]
    arguments = rnn.weights_, as_read(rnn, RAGGED)
    codes = model.target.encode(tuple(y.T))
    targets = codes
    if mode == "many_to_many":
        targets = np.split(codes, np.cumsum([len(x) for x in RAGGED])[:-1])
    options = {"nodes": model.network.nodes, "loss": kind, "groups": model.network.groups}
    expected = reference.loss(*arguments, targets, per_step=mode == "many_to_many", **options)
    assert np.mean(losses) == pytest.approx(expected, rel=1e-9)


@each_mode
@each_kind
def test_several_labels_are_learned(kind, mode):
    if mode == "many_to_one":
        rnn = RNNClassifier(16, max_iter=200, learning_rate_init=0.02, random_state=0).fit(
            X, Y[kind]
        )
        assert rnn.score(X, Y[kind]) > 0.9
        return
    steps = [(np.cumsum(x, axis=0) > 0).astype(int) for x in X]
    if kind == "multioutput":
        steps = [np.column_stack([s[:, 0], s.sum(axis=1)]) for s in steps]
    rnn = RNNClassifier(16, mode=mode, max_iter=100, learning_rate_init=0.02, random_state=0)
    assert rnn.fit(X, np.stack(steps)).score(X, steps) > 0.9


@each_kind
def test_results_per_step_come_in_the_carrier_of_X(kind):
    n_labels = Y[kind].shape[1]
    for given in (RAGGED, X):
        rnn = RNNClassifier(mode="many_to_many", **QUICK).fit(given, per_step(Y[kind], given))
        predicted = rnn.predict(given)
        assert all(p.shape == (len(x), n_labels) for p, x in zip(predicted, given, strict=True))
        assert isinstance(predicted, np.ndarray)
        probabilities = rnn.predict_proba(given)
        sizes = [len(c) for c in rnn.classes_] if kind == "multioutput" else [n_labels]
        assert isinstance(probabilities, list) == (kind == "multioutput")
        for of_label, size in zip(
            probabilities if kind == "multioutput" else [probabilities], sizes, strict=True
        ):
            assert all(p.shape == (len(x), size) for p, x in zip(of_label, given, strict=True))
        state = rnn.predict_proba(given, return_state=True)[1]
        assert state["h_l0"].shape == (60, 5)


@each_mode
@each_kind
def test_a_stream_gives_the_same_bits(kind, mode):
    rnn = fitted(kind, mode)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        stream = rnn.stream(4, method=method)
        results = [stream.step(X[:4, t]) for t in range(5)]
        expected = getattr(rnn, method)(X[:4])
        if kind == "multilabel" or method == "predict":
            results, expected = [[result] for result in results], [expected]
        for j, of_label in enumerate(expected):
            for t in range(5) if mode == "many_to_many" else [4]:
                ours = of_label[:, t] if mode == "many_to_many" else of_label
                np.testing.assert_array_equal(results[t][j], ours)


@each_kind
def test_labels_per_step_come_in_any_carrier(kind):
    y = per_step(Y[kind])
    as_objects = np.empty(len(y), dtype=object)
    as_objects[:] = y
    rnns = [
        RNNClassifier(mode="many_to_many", **QUICK).fit(RAGGED, given)
        for given in (
            y,
            tuple(y),
            as_objects,
            [rows.tolist() for rows in y],
            list(map(pd.DataFrame, y)),
        )
    ]
    for rnn in rnns:
        np.testing.assert_array_equal(rnn.params_, rnns[0].params_)
        assert rnn.score(RAGGED, y) == rnns[0].score(RAGGED, as_objects)
    assert rnns[0].score(RAGGED, y) == step_accuracy(y, rnns[0].predict(RAGGED))


def test_logarithms_of_small_probabilities_are_finite():
    for kind in Y:
        rnn = fitted(kind, dtype="float32")
        weights = rnn.weights_
        rnn.set_weights(
            {**weights, "head.bias": weights["head.bias"] - 500 * np.arange(rnn.n_outputs_)}
        )
        logs = rnn.predict_log_proba(RAGGED)
        assert all(np.isfinite(each).all() for each in (logs if kind == "multioutput" else [logs]))


# ---- weights ------------------------------------------------------------------------------------


@each_mode
@each_kind
def test_labels_of_weight_0_may_be_anything(kind, mode):
    weights = np.where(np.arange(60) % 3 == 1, 0.0, 2.0)
    garbage = Y[kind].astype(object)
    garbage[weights == 0] = None
    labels = [garbage, np.where(weights[:, None] == 0, Y[kind][:1], Y[kind])]
    rnns = []
    for y in labels:
        y = y if mode == "many_to_one" else per_step(y)
        rnns.append(RNNClassifier(mode=mode, **QUICK).fit(RAGGED, y, weights))
        assert rnns[-1].score(RAGGED, y, weights) == rnns[0].score(RAGGED, y, weights)
    np.testing.assert_array_equal(rnns[0].params_, rnns[1].params_)


def test_class_weights_of_columns_multiply():
    settings = QUICK | {"normalize_X": False}  # class weights are no part of the scale of X
    of_first = np.where(COLUMNS[:, 0] == "yes", 3.0, 1.0)
    of_second = np.array([{"a": 0.5, "b": 1.0, "c": 2.0}[label] for label in COLUMNS[:, 1]])
    for class_weight, weights in (
        ([{"yes": 3.0}, {"a": 0.5, "c": 2.0}], of_first * of_second),
        ("balanced", compute_sample_weight("balanced", COLUMNS)),
    ):
        ours = RNNClassifier(**settings, class_weight=class_weight).fit(X, COLUMNS)
        theirs = RNNClassifier(**settings).fit(X, COLUMNS, weights)
        np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-9)


@pytest.mark.parametrize(
    "class_weight, y, message",
    [
        ("balanced", INDICATOR, "`class_weight` must be None for multilabel y.*sample_weight"),
        ({0: 1.0}, INDICATOR, "`class_weight` must be None"),
        ({"yes": 1.0}, COLUMNS, "`class_weight` must be a list of 2 dicts"),
        ([{"yes": 1.0}], COLUMNS, "`class_weight` must be a list of 2 dicts"),
        ([{"yes": 1.0}, {"z": 1.0}], COLUMNS, "`class_weight` must name only classes of `y`"),
        ([{"yes": 1.0}], COLUMNS[:, 0], "`class_weight` must be a dict"),
        ([3], COLUMNS, "`class_weight` must be"),
        ([{"yes": -1.0}, {}], COLUMNS, "`class_weight` must have finite weights"),
    ],
)  # fmt: skip
def test_class_weights_must_fit_the_columns(class_weight, y, message):
    rnn = RNNClassifier(**QUICK, class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        rnn.fit(X, y)


# ---- going on -----------------------------------------------------------------------------------


@each_kind
def test_early_stopping_and_warm_start_take_several_labels(kind):
    y = Y[kind]
    rnn = fitted(kind, early_stopping=True, validation_fraction=0.3)
    assert all(0 <= score <= 1 for score in rnn.validation_scores_)
    rnn = RNNClassifier(**QUICK, early_stopping=True, scoring="loss")
    rnn.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    before = rnn.params_
    rnn.set_params(warm_start=True).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert rnn.params_.shape == before.shape
    with pytest.raises(ValueError, match=f"`y` must have {y.shape[1]} columns, as in fit; got 1"):
        rnn.set_params(early_stopping=False).fit(X, y[:, 0])
    with pytest.raises(ValueError, match="`y` must have one column of labels, as in fit; got"):
        RNNClassifier(**QUICK, warm_start=True).fit(X, y[:, 0]).fit(X, y)


CLASSES = {"multilabel": range(3), "multioutput": [["no", "yes", "maybe"], ["a", "b", "c"]]}


@each_kind
def test_partial_fit_knows_all_classes_from_the_first_call(kind):
    y, classes = Y[kind], CLASSES[kind]
    with pytest.raises(ValueError, match="`classes` must be passed"):
        RNNClassifier(**QUICK).partial_fit(X, y)
    rnn = RNNClassifier(**QUICK).partial_fit(X[:5], y[:5], classes=classes)
    rnn.partial_fit(X[5:], y[5:]).partial_fit(X, y, classes=classes)
    assert len(rnn.classes_) == len(classes) and rnn.predict(X).shape == y.shape
    with pytest.raises(ValueError, match="`classes` must be those of the first call"):
        rnn.partial_fit(X, y, classes=[[0, 1]] * y.shape[1])
    y = y.copy()
    y[3, 1] = {"multilabel": 2, "multioutput": "z"}[kind]
    with pytest.raises(ValueError, match=r"not in `self.classes_` of column 1"):
        rnn.partial_fit(X, y)


@pytest.mark.parametrize(
    "classes, message",
    [
        ([0, 2], "`classes` must be range\\(3\\)"),
        (
            [[0, 1], [0, 1]],
            "`classes` must have one list for each of the 3 columns of y, got 2",
        ),
        ([[0, 1], [0, 1], [1]], "at least 2 classes per column"),
        (3, "`classes` must be a list"),
    ],
)
def test_classes_must_fit_the_columns(classes, message):
    with pytest.raises(ValueError, match=message):
        RNNClassifier(**QUICK).partial_fit(X, INDICATOR, classes=classes)


def test_y_of_one_column_is_refused_after_several():
    rnn = RNNClassifier(**QUICK).partial_fit(X, INDICATOR[:, :2], classes=[0, 1])
    for y, others in (
        (INDICATOR[:, 0], {"classes": [0, 1]}),
        (INDICATOR[:, 0], {}),
        (INDICATOR, {}),
    ):
        with pytest.raises(ValueError, match="`y` must have 2 columns, as in fit"):
            rnn.partial_fit(X, y, **others)
    rnn = RNNClassifier(**QUICK).partial_fit(X, INDICATOR[:, 0], classes=[0, 1])
    with pytest.raises(ValueError, match="`y` must have one column of labels, as in fit; got 2"):
        rnn.partial_fit(X, INDICATOR[:, :2], classes=[0, 1])


def test_columns_of_0_and_1_may_be_classes_of_their_own_in_partial_fit():
    rnn = RNNClassifier(**QUICK).partial_fit(X, INDICATOR, classes=[[0, 1]] * 3)
    assert [p.shape for p in rnn.predict_proba(X)] == [(60, 2)] * 3


# ---- files and pickles --------------------------------------------------------------------------


@each_mode
@each_kind
@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_files_and_pickles_keep_several_labels(kind, mode, ending, tmp_path):
    rnn = fitted(kind, mode)
    file = tmp_path / f"weights.{ending}"
    rnn.save_weights(file)
    y = Y[kind] if mode == "many_to_one" else per_step(Y[kind])
    for again in (
        RNNClassifier().load_weights(file),
        pickle.loads(pickle.dumps(rnn)),
        clone(rnn).fit(RAGGED, y),
    ):
        for ours, theirs in zip(again.predict(RAGGED), rnn.predict(RAGGED), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert str(again.classes_) == str(rnn.classes_)
    again.load_weights(file).partial_fit(RAGGED, y)
    other = RNNClassifier(mode=mode, **QUICK)
    y = (
        np.roll(Y[kind], 1, axis=1)
        if kind == "multioutput"
        else np.column_stack([INDICATOR, 1 - INDICATOR])
    )
    other.fit(RAGGED, y if mode == "many_to_one" else per_step(y))
    with pytest.raises(ValueError, match="`file` must hold the network that was fitted"):
        other.load_weights(file)


@pytest.mark.parametrize(
    "kind, classes",
    [
        ("multilabel", np.array([0, 1, 3])),
        ("multilabel", [0, 1]),
        ("multioutput", [np.array(["no", "yes"])]),
        ("multioutput", np.array(["no", "yes"])),
        ("multioutput", [np.array(["no", "yes"]), np.array(["a", "b"])]),
        ("multioutput", [np.array(["no", "yes"]), ["a", "b", "c"]]),
    ],
)
def test_damaged_classes_are_refused(kind, classes):
    rnn = fitted(kind)
    rnn.classes_ = classes
    for use in (lambda: rnn.predict(RAGGED), lambda: pickle.loads(pickle.dumps(rnn))):
        with pytest.raises(ValueError, match=r"`classes_` must be.*damaged"):
            use()
    rnn = fitted("multioutput")
    rnn.classes_[1] = rnn.classes_[1][::-1].copy()
    with pytest.raises(ValueError, match="`classes_` must be distinct labels in order"):
        pickle.loads(pickle.dumps(rnn))


# ---- labels of steps by mistake -----------------------------------------------------------------


def test_a_warning_names_the_mode_if_y_has_as_many_columns_as_X_has_steps(recwarn):
    y = (X[:, :, 0] > 0).astype(int)
    with pytest.warns(UserWarning, match="as many columns as X has steps, 5.*mode='many_to_many'"):
        rnn = RNNClassifier(**QUICK, tol=0.0).fit(X, y)
    recwarn.clear()
    rnn.score(X, y)
    fitted("multilabel", y=y)
    assert not any("columns" in str(w.message) for w in recwarn)


def test_sets_of_labels_are_told_how_to_become_columns():
    with pytest.raises(ValueError, match=r"several labels for a sequence.*MultiLabelBinarizer\.$"):
        RNNClassifier().fit(np.zeros((2, 3, 1)), [["a"], ["a", "b"]])
    with pytest.raises(ValueError, match=r"mode='many_to_many'\.$"):
        RNNRegressor().fit(np.zeros((2, 3, 1)), [[1.0], [1.0, 2.0]])
