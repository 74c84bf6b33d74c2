"""Cells as objects: their options are those of the core, and they behave as scikit-learn's do."""

import enum
import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_html_repr

from sklearn_rnn import RNNClassifier, RNNRegressor, _core, cells
from sklearn_rnn._model import network_description, parts, words
from sklearn_rnn.cells import GRU, LSTM, Cell, Elman

CLASSES = [getattr(cells, name) for name in cells.__all__ if name != "Cell"]
X = np.random.RandomState(0).normal(size=(30, 5, 2))
Y = X[:, :, 0].sum(axis=1)


def fitted(cell, **others):
    return RNNRegressor(3, cell=cell, max_iter=2, tol=0.0, random_state=0, **others).fit(X, Y)


@pytest.mark.parametrize("cell", CLASSES)
def test_a_signature_is_that_of_the_core(cell):
    signature = inspect.signature(cell).parameters
    options = parts.CELLS[cell.kind]
    assert {name: p.default for name, p in signature.items()} == {
        name: option.default for name, option in options.items()
    }
    for name in options:
        assert f"    {name} : " in cell.__doc__


def test_every_cell_with_options_has_a_class():
    assert {cell.kind for cell in CLASSES} <= set(_core.CELLS)
    assert parts.CELL_CLASSES == {cell.kind: cell for cell in CLASSES}
    assert parts.CELLS.keys() == _core.CELLS.keys()
    shared = set(inspect.signature(Cell).parameters)
    for kind, options in parts.CELLS.items():
        assert kind in parts.CELL_CLASSES or options.keys() <= shared


def test_a_cell_by_its_name_takes_shared_options():
    cell = Cell("lstm", bias_initializer="chrono", input_initializer="he_normal")
    named = fitted(LSTM(bias_initializer="chrono", input_initializer="he_normal"))
    assert np.array_equal(fitted(cell).params_, named.params_)
    assert not np.array_equal(named.params_, fitted("lstm").params_)


@pytest.mark.parametrize("option", [{"recurrent_initializer": "identity"}])
def test_a_cell_by_its_name_refuses_what_it_cannot_have(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"`{name}` of a cell must be .* with kind='jordan'"):
        fitted(Cell("jordan", **option))


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [("choice", "b", "c"), ("boolean", np.bool_(True), 1), ("number", np.float32(0.5), 1)],
)
def test_options_of_each_type_are_checked_and_made_plain(type_, good, bad, monkeypatch):
    option = _core.Option("option", type_, ("a", "b"), "a", 0.0, 1.0)
    monkeypatch.setitem(parts.CELLS, "gru", {"option": parts._core_option(option)})
    cell = GRU()
    cell.option = good
    value = parts.cell_part(cell)["option"]
    assert value == good and type(value) is {"choice": str, "boolean": bool, "number": float}[type_]
    cell.option = bad
    with pytest.raises(ValueError, match="`option` of a cell must be"):
        parts.cell_part(cell)


@pytest.mark.parametrize("cell", CLASSES)
def test_an_object_means_the_same_as_its_name(cell):
    wanted = fitted(cell.kind)
    for same in (cell(), Cell(cell.kind)):
        assert np.array_equal(fitted(same).params_, wanted.params_)


def test_an_option_changes_the_network():
    tanh, relu = fitted(Elman()), fitted(Elman(activation="relu"))
    assert not np.array_equal(tanh.predict(X), relu.predict(X))
    assert (relu.hidden_states(X) >= 0).all()


@pytest.mark.parametrize("cell", [Cell("lstm"), Elman(), Elman(activation="relu"), LSTM(), GRU()])
def test_a_cell_is_cloned_shown_and_pickled_as_an_estimator_is(cell):
    rnn = RNNClassifier(cell=cell)
    for other in (clone(rnn), pickle.loads(pickle.dumps(rnn))):
        assert type(other.cell) is type(cell) and other.cell is not cell
        assert other.cell.get_params() == cell.get_params()
    assert repr(rnn) == f"RNNClassifier(cell={cell!r})"
    assert type(cell).__name__ in estimator_html_repr(rnn)
    with pytest.raises(ValueError, match=r"'abacus'.*Valid parameters are"):
        rnn.set_params(cell__abacus=1)


def test_options_are_parameters_of_a_search():
    rnn = RNNRegressor(2, cell=Elman(), max_iter=1, tol=0.0, random_state=0)
    grid = {"cell__activation": ["tanh", "relu"]}
    search = GridSearchCV(rnn, grid, cv=2, error_score="raise").fit(X, Y)
    assert [p["cell__activation"] for p in search.cv_results_["params"]] == ["tanh", "relu"]
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert rnn.cell.activation == "tanh"
    assert rnn.set_params(cell__activation="relu").cell.activation == "relu"


@pytest.mark.parametrize("word", ["cell", "pooling", "bptt"])
def test_options_need_an_object_that_has_them(word):
    rnn, before = RNNClassifier(), RNNClassifier().get_params()
    with pytest.raises(ValueError, match=rf"`{word}__units` is an option of an object such as"):
        rnn.set_params(alpha=1.0, **{f"{word}__units": 1})
    assert rnn.get_params() == before
    rnn.set_params(cell=Elman(), cell__activation="relu")
    assert rnn.cell.activation == "relu"


def test_a_class_in_place_of_a_cell_is_told_to_be_called():
    with pytest.raises(ValueError, match=r"`cell` must be .*: write LSTM\(\)\.$"):
        RNNClassifier(cell=LSTM).fit(X, Y)


def test_a_fit_does_not_write_on_a_cell():
    cell = Elman(activation="relu")
    rnn = fitted(cell)
    assert rnn.cell is cell and vars(cell) == vars(Elman(activation="relu"))


def test_what_is_fitted_does_not_change_with_the_object():
    rnn = fitted(Elman(activation="relu"), warm_start=True)
    expected = rnn.predict(X)
    rnn.cell.activation = "tanh"
    assert np.array_equal(rnn.predict(X), expected)
    with pytest.raises(ValueError, match=r"`cell` must not change.*Elman\(activation='relu'\)"):
        rnn.fit(X, Y)
    rnn.set_params(cell=Elman(activation="relu")).fit(X, Y)


@pytest.mark.parametrize("cell, word", [(Elman(activation="relu"), None), (Elman(), "elman")])
def test_a_weight_file_gives_the_simplest_word(cell, word, tmp_path):
    rnn = fitted(cell)
    rnn.save_weights(tmp_path / "a.npz")
    other = RNNRegressor().load_weights(tmp_path / "a.npz")
    assert repr(other.cell) == repr(word or cell)
    assert np.array_equal(other.predict(X), rnn.predict(X))
    with pytest.raises(ValueError, match=r"`file` must hold the network.*cell='gru'"):
        fitted("gru").load_weights(tmp_path / "a.npz")


class Word(str, enum.Enum):  # noqa: UP042  a StrEnum would be a plain str to `str`
    LSTM = "lstm"
    RELU = "relu"
    HUBER = "huber"
    FLOAT64 = "float64"


def test_words_may_be_of_a_subclass_of_str():
    rnn = fitted(Word.LSTM, loss=Word.HUBER, dtype=Word.FLOAT64)
    plain = fitted("lstm", loss="huber", dtype="float64")
    copied = pickle.loads(pickle.dumps(rnn)).partial_fit(X, Y)
    assert np.array_equal(rnn.predict(X), plain.predict(X))
    assert np.array_equal(copied.predict(X), plain.partial_fit(X, Y).predict(X))
    relu = fitted(Elman(activation=Word.RELU))
    assert np.array_equal(relu.predict(X), fitted(Elman(activation="relu")).predict(X))


def test_the_initial_bias_of_a_forget_gate_may_change_when_a_fit_continues(tmp_path):
    rnn = fitted(LSTM(forget_bias=0.5))
    rnn.save_weights(tmp_path / "a.npz")
    rnn.set_params(cell=LSTM(forget_bias=2.0)).partial_fit(X, Y)
    fitted(LSTM()).load_weights(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="`forget_bias` of a cell must be"):
        fitted(LSTM(forget_bias=1e30))


def test_a_cell_by_its_name_has_default_options():
    cell = Cell("lstm")
    cell.peepholes = True
    assert "weight_c_l0" not in fitted(cell).weights_


@pytest.mark.parametrize("cell", CLASSES)
def test_a_description_gives_its_network_back(cell):
    network = words.network_of(
        {**vars(RNNClassifier()), "cell": cell()}, n_features=3, n_outputs=1, loss="logistic"
    )
    assert network_description.from_description(network_description.describe(network)) == network
    assert words.difference(network, network) is None
