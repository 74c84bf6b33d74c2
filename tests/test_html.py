"""The HTML representation: scikit-learn's, with a drawing of the network."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._estimators.drawn import planned_network
from sklearn_rnn._model.diagram import diagram_of
from sklearn_rnn._model.summary import rows_of
from sklearn_rnn.cells import LSTM, Elman
from sklearn_rnn.forecasting import RNNForecaster
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Attention, Conv1D
from sklearn_rnn.preprocessing import SequenceScaler
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor, SequenceAutoencoder
from sklearn_rnn.transfer import MultiTaskRNN, Reptile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).normal(size=(12, 6, 2))
Y, CLASSES = X[:, 0, 0], np.arange(12) % 3
LABELS, CODES = (X[:, :, 0] > 0).astype(int), np.arange(144).reshape(12, 6, 2) % 5
ONCE = {"max_iter": 1, "random_state": 0}
HAS_TABLE = hasattr(RNNRegressor(), "_get_params_html") and "estimator-table" in (
    sklearn.base.BaseEstimator()._repr_html_()
)


def make(kind, *args, **params):
    return kind(*args, **{**ONCE, **params})


ALL_PARTS = {
    "cell": ["lstm", "gru", "mgu"],
    "input_layers": [Conv1D(3, 2, stride=2)],
    "connections": "skip",
    "pooling": "mean",
    "output_layer_sizes": (4,),
    "dropout": 0.1,
}
CASES = {
    "gru": (make(RNNClassifier, 4), (X, CLASSES)),
    "all parts": (make(RNNRegressor, (3, 3, 2), **ALL_PARTS), (X, Y)),
    "attention": (make(RNNClassifier, 4, pooling=Attention(3)), (X, CLASSES)),
    "tags": (make(RNNClassifier, 4, mode="many_to_many", transitions=True), (X, LABELS)),
    "jordan": (make(RNNRegressor, 4, cell="jordan", mode="many_to_many"), (X, LABELS)),
    "projection": (
        make(RNNRegressor, (4, 4), cell=LSTM(projection_size=2), bidirectional=True),
        (X, Y),
    ),
    "transition": (make(RNNRegressor, 4, cell=Elman(transition_layer_sizes=(2, 3))), (X, Y)),
    "codes": (make(RNNClassifier, 4, categorical_features=[0], word_dropout=0.1), (CODES, CLASSES)),
    "residual": (
        make(
            RNNClassifier,
            (4,) * 20,
            bidirectional=True,
            connections="residual",
            layer_normalization="layer",
        ),
        (X, CLASSES),
    ),
    "language": (make(RNNLanguageModel, 4, tie_embeddings=True), (["an ox an ox", "an ox"],)),
    "adaptive": (
        make(RNNLanguageModel, 4, analyzer="char", adaptive_softmax=[3, 5]),
        (["abcdefgh"],),
    ),
    "additive": (make(Seq2SeqClassifier, 4, attention="additive"), (X, LABELS)),
    "general": (
        make(Seq2SeqClassifier, (4, 4), attention="general", connections="residual"),
        (X, LABELS),
    ),
    "numbers": (make(Seq2SeqRegressor, (4, 3)), (X, X[:, :, 0])),
    "autoencoder": (make(SequenceAutoencoder, 4), (X,)),
    "tasks": (make(MultiTaskRNN, 4), (X, {"sign": Y > 0, "number": Y})),
    "reptile": (Reptile(RNNRegressor(4, beta_1=0.0), n_iter=2), ([(X, Y), (X, -Y)],)),
    "forecaster": (RNNForecaster(2, 4, estimator=RNNRegressor(4, max_iter=1)), (np.arange(40.0),)),
}


def drawings(estimator):
    """Return the drawings in the representation of an estimator, as trees."""
    svgs = re.findall(r"<svg class=\"sklearn-rnn-network\".*?</svg>", estimator._repr_html_())
    return [ElementTree.fromstring(svg) for svg in svgs]


def titles(tree):
    """Return the descriptions of the boxes."""
    return [title.text for title in tree.iter("{http://www.w3.org/2000/svg}title")]


def fitted_network(estimator):
    networks = getattr(estimator, "estimators_", None) or [getattr(estimator, "estimator_", None)]
    rnn = networks[0] or estimator
    return rnn, rnn._fitted_model().network


@pytest.mark.parametrize("name", CASES)
def test_the_network_is_drawn_before_and_after_the_fit(name):
    estimator, data = CASES[name]
    before = drawings(estimator)
    assert before and "parameters" not in " ".join(titles(before[0]))
    estimator.fit(*data)
    tree = drawings(estimator)[0]
    rnn, network = fitted_network(estimator)
    diagram = diagram_of(network, rows_of(network), holds=rnn._HOLDS)
    total = sum(box.n_params or 0 for box in diagram.boxes)
    for first, end, count in diagram.repeats:
        total += (count - 1) * sum(box.n_params for box in diagram.boxes[first:end])
    assert total == network.n_params
    shown = " ".join(titles(tree))
    for box in diagram.boxes:
        assert not box.n_params or f"{box.n_params:,} parameter" in shown
    assert {e.end for e in diagram.edges} >= set(range(len(diagram.boxes))) - {
        i for i, box in enumerate(diagram.boxes) if box.kind == "input"
    }
    if name != "adaptive":  # only the data tell how many groups there are
        planned = diagram_of(planned_network(rnn), holds=rnn._HOLDS)
        kinds = [(box.kind, box.label) for box in diagram.boxes]
        assert [(b.kind, b.label) for b in planned.boxes if b.kind != "output"] == kinds[:-1]
        assert planned.edges == diagram.edges


@pytest.mark.parametrize("name", CASES)
def test_a_drawing_needs_nothing_from_elsewhere(name):
    for tree in drawings(CASES[name][0]):
        assert tree.get("role") == "img" and tree.get("aria-label").startswith("The network of ")
        for element in tree.iter():
            tag = element.tag.rpartition("}")[2]
            assert tag in {"svg", "g", "title", "rect", "path", "circle", "text"}
            assert not {"id", "href", "class"} & set(element.attrib) or tag == "svg"
            assert element.get("stroke", "#currentColor")[0] in "#c"


def diagram(**params):
    return diagram_of(planned_network(RNNRegressor(**params)), holds="numbers")


def test_recurrences_are_arrows():
    boxes, edges, _ = diagram(hidden_layer_sizes=4, bidirectional=True)
    assert boxes[1].loops == ("t − 1", "t + 1") and boxes[1].fact == "2 × 4 units"
    assert diagram(hidden_layer_sizes=4).boxes[1].loops == ("t − 1",)
    assert [tuple(edge) for edge in edges] == [(0, 1, ""), (1, 2, ""), (2, 3, ""), (3, 4, "")]
    boxes, edges, _ = diagram(cell="jordan", mode="many_to_many")
    assert boxes[1].loops == () and (2, 1, "t − 1") in edges
    boxes, edges, _ = diagram(cell=LSTM(projection_size=2), bidirectional=True)
    assert boxes[2].label == "projection" and (2, 1, "t ± 1") in edges


def test_connections_pass_boxes():
    boxes, edges, _ = diagram(hidden_layer_sizes=(4, 4), connections="residual", dropout=0.1)
    assert [box.kind for box in boxes[1:4]] == ["recurrent", "recurrent", "add"]
    assert (1, 3, "") in edges and boxes[1].notes == ("dropout 0.1",)
    _, edges, _ = diagram(hidden_layer_sizes=(4, 3), connections="skip")
    assert {(0, 1, ""), (0, 2, ""), (1, 3, ""), (2, 3, "")} <= set(edges)


def test_equal_layers_are_drawn_once():
    boxes, _, repeats = diagram(hidden_layer_sizes=(4,) * 20)
    assert [tuple(repeat) for repeat in repeats] == [(1, 2, 20)]
    assert len(boxes) == 5 and boxes[1].name == "l0 … l19"
    assert diagram(hidden_layer_sizes=(4, 4, 4)).repeats == []
    estimator = RNNRegressor((8,) * 20)
    (tree,) = drawings(estimator)
    assert float(tree.get("height")) < 400
    assert "× 20" in [text.text for text in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_a_failing_drawing_leaves_the_diagram_of_sklearn():
    for estimator in (
        RNNClassifier(cell="nonsense"),
        Seq2SeqClassifier(attention="nonsense"),
        Reptile("nonsense"),
        RNNForecaster(2, 4, estimator="nonsense"),
        RNNRegressor(None),
    ):
        assert drawings(estimator) == [] and "sk-container" in estimator._repr_html_()
        assert "sk-container" in estimator._repr_mimebundle_()["text/html"]


def test_a_drawing_is_part_of_larger_diagrams():
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(4, max_iter=1, random_state=0))
    search = GridSearchCV(pipeline, {"rnnclassifier__cell": ["elman"]}, cv=2)
    for estimator in (pipeline, search, search.fit(X, CLASSES)):
        assert len(drawings(estimator)) == HAS_TABLE
    if HAS_TABLE:
        assert any(title.startswith("l0: elman, 4 units") for title in titles(drawings(search)[0]))
        assert "Parameters" in RNNClassifier()._repr_html_()


def test_the_drawing_is_shown_once_and_only_with_diagrams():
    rnn = RNNClassifier(4)
    bundle = rnn._repr_mimebundle_()
    assert len(drawings(rnn)) == bundle["text/html"].count("<svg class=") == 1
    with sklearn.config_context(display="text"):
        assert not hasattr(rnn, "_repr_html_")
        assert rnn._repr_mimebundle_() == {"text/plain": repr(rnn)}
