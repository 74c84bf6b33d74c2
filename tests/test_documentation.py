"""Parameters are documented as they are checked; the examples run."""

import doctest
import inspect
import re
from importlib.util import find_spec

import numpy as np
import pytest
from public_names import MEMBERS, PUBLIC

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._estimators import parameters as _parameters
from sklearn_rnn._estimators import seq2seq_parameters as _seq2seq
from sklearn_rnn._estimators.groups import GROUPS
from sklearn_rnn._training import losses as _losses
from sklearn_rnn._training import optimizers as _optimizers
from sklearn_rnn.cells import LSTM, Cell, Elman, Jordan
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Attention, Conv1D
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor, SequenceAutoencoder
from sklearn_rnn.transfer import MultiTaskRNN


def test_rosters_are_those_of_the_core():
    assert set(_losses.LOSSES) == set(_core.LOSSES)
    assert set(_optimizers.SOLVERS) == {*_core.OPTIMIZERS, "lbfgs"}


@pytest.mark.parametrize(
    "estimator, kind",
    [
        (RNNClassifier, "classifier"),
        (RNNRegressor, "regressor"),
        (MultiTaskRNN, "multitask"),
        (RNNLanguageModel, "language model"),
        (Seq2SeqClassifier, "classifier"),
        (Seq2SeqRegressor, "regressor"),
        (SequenceAutoencoder, "autoencoder"),
    ],
)
def test_a_signature_is_that_of_the_table(estimator, kind):
    table = _seq2seq.TABLE if estimator.__module__.split(".")[-1].startswith("seq") else None
    table = {name: p.default for name, p in _parameters.parameters_of(kind, table).items()}
    signature = inspect.signature(estimator).parameters
    assert [(name, p.default) for name, p in signature.items()] == list(table.items())
    documented = dict(re.findall(r"^    (\w+) : (.*)$", estimator.__doc__, flags=re.MULTILINE))
    for name, parameter in signature.items():
        text = documented[name].split("default=")[1].strip('"').replace(r"\\", "\\")
        assert text == f"{parameter.default}" or float(text) == parameter.default, name
        positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        assert positional == (name == "hidden_layer_sizes")


def test_every_parameter_has_its_place_under_one_heading():
    grouped = [name for names in GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {*_parameters.TABLE, *_seq2seq.TABLE}
    doc = RNNClassifier.__doc__.split("Attributes\n")[0]
    assert re.findall(r"^    -- (.+) --$", doc, flags=re.MULTILINE) == [
        heading for heading in GROUPS if heading not in ("Decoder", "Texts")
    ]


EVERYTHING = PUBLIC | MEMBERS
EXAMPLES = {name: each for name, each in EVERYTHING.items() if ">>>" in (each.__doc__ or "")}
# Packages that few have.
NEEDS = {
    "load_basic_motions": "aeon",
    "load_italy_power_demand": "aeon",
    "load_japanese_vowels": "aeon",
    "load_vic_elec": "tsdata",
    "from_awkward": "awkward",
    "to_awkward": "awkward",
    "from_datasets": "datasets",
    "to_datasets": "datasets",
}


METHODS = (
    *("fit", "partial_fit", "predict", "predict_proba", "score", "score_tasks"),
    *("score_samples", "perplexity", "bits_per_token", "sample", "predict_next_proba"),
    *("kbest", "transform", "inverse_transform"),
)
ESTIMATORS = (
    *(RNNClassifier, RNNRegressor, MultiTaskRNN, RNNLanguageModel),
    *(Seq2SeqClassifier, Seq2SeqRegressor, SequenceAutoencoder),
)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_docstrings_are_complete_and_fit_on_a_line(estimator):
    methods = [getattr(estimator, name) for name in METHODS if hasattr(estimator, name)]
    for doc in (inspect.getdoc(thing) for thing in (estimator, *methods)):
        assert "Parameters\n----------\n" in doc
        assert not re.search(r"^ *\{\w+\}$", doc, flags=re.MULTILINE)
        assert max(map(len, doc.split("\n"))) <= 96


@pytest.mark.parametrize("estimator", ESTIMATORS[-3:])
def test_attributes_of_decoders_are_documented(estimator):
    X = np.arange(48.0).reshape(8, 3, 2)
    rnn = estimator(2, max_iter=1, batch_size=8).fit(X, (X[:, :, 0] > 20).astype(int))
    fitted = {name for name in vars(rnn) if name.endswith("_") and not name.startswith("_")}
    section = estimator.__doc__.split("Attributes\n")[1].split("See Also")[0]
    documented = re.findall(r"^    (\w+(?:, \w+)*) :", section, flags=re.MULTILINE)
    documented = {name for names in documented for name in names.split(", ")}
    assert fitted - documented == {"window_lengths_"}  # None: they have no windows
    assert "lbfgs" not in estimator.__doc__ and "transitions" not in estimator.__doc__


def test_what_holds_for_one_estimator_is_said_there_alone():
    of_classes, of_numbers = (" ".join(e.__doc__.split()) for e in (RNNClassifier, RNNRegressor))
    for text in ("class weight", "classes", "`transitions`"):
        assert text in of_classes and text not in of_numbers
    for text in ("scale of y", "normalised units"):
        assert text in of_numbers and text not in of_classes


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_run(name):
    package = NEEDS.get(name.rpartition(".")[2])
    if package and find_spec(package) is None:
        pytest.skip(f"needs {package}")
    if "Display" in name:
        pytest.importorskip("matplotlib").use("agg")
    runner = doctest.DocTestRunner()
    # Without the names of its module: users do not have them either.
    test = doctest.DocTestParser().get_doctest(EXAMPLES[name].__doc__, {}, name, None, None)
    result = runner.run(test)
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize(
    "params",
    [
        {"cell": LSTM(peepholes=True, normalization="layer", initial_state="learned")},
        {"cell": LSTM(projection_size=2), "bidirectional": True},
        {"cell": Elman(transition_layer_sizes=(3, 4))},
        {"cell": Jordan()},
        {"cell": Cell("indrnn")},
        {"input_layers": [Conv1D(3, 2)], "layer_normalization": "layer", "pooling": Attention(2)},
        {"categorical_features": [0], "output_layer_sizes": (3,)},
    ],
)
def test_every_array_of_weights_is_documented(params):
    X = np.arange(24).reshape(4, 3, 2) % 5
    rnn = RNNClassifier(3, max_iter=1, **params)
    with pytest.warns(UserWarning):
        rnn.fit(X, [0, 1, 0, 1])
    doc = RNNClassifier.weights_.__doc__
    for name in rnn.weights_:
        name = name.replace("_reverse", "").replace("transition_0_1.", "transition_0_0.")
        assert f"``{name}``" in doc or f"``{name.split('.')[-1]}``" in doc, name
