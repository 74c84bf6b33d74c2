"""The annotations of the public surface: all are there, and they agree with what is checked.

`mypy` and `basedpyright`, outside pytest, check how the examples and tests/typing use them.
"""

import ast
import inspect
import re
import runpy
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from sklearn.utils._metadata_requests import RequestMethod

import sklearn_rnn
from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT, _core, _typing, cells
from sklearn_rnn._converters import nested
from sklearn_rnn._data import tags, tasks
from sklearn_rnn._estimators import parameters, seq2seq_parameters
from sklearn_rnn._forecasting import parameters as forecasting
from sklearn_rnn._live import bars
from sklearn_rnn._model import pair_words, parts, words
from sklearn_rnn._model_selection import sequence_kfold
from sklearn_rnn._preprocessing import imputer
from sklearn_rnn._training import initializers, losses, optimizers
from sklearn_rnn._truncated_bptt import OPTIONS
from sklearn_rnn.forecasting import RNNForecaster
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Attention, Conv1D, Dense
from sklearn_rnn.model_selection import SequenceKFold
from sklearn_rnn.preprocessing import SequenceImputer
from sklearn_rnn.seq2seq import Seq2SeqClassifier, Seq2SeqRegressor, SequenceAutoencoder
from sklearn_rnn.text import _RULES as RULES_OF_TEXTS
from sklearn_rnn.text import TokenEncoder
from sklearn_rnn.transfer import MultiTaskRNN

PACKAGE = Path(sklearn_rnn.__file__).parent
MODULES = (
    "sklearn_rnn",
    *(f"sklearn_rnn.{path.stem}" for path in PACKAGE.glob("[!_]*.py")),
)
PUBLIC = {
    f"{name}.{each}": getattr(import_module(name), each)
    for name in MODULES
    for each in import_module(name).__all__
}
CLASSES = {name: each for name, each in PUBLIC.items() if isinstance(each, type)}
FUNCTIONS = {
    name: each
    for name, each in PUBLIC.items()
    if callable(each) and name not in CLASSES and inspect.isfunction(each)
}


# ---- everything has a type ----------------------------------------------------------------------


def own_bases(cls):
    return [base for base in cls.__mro__ if base.__module__.startswith("sklearn_rnn")]


def methods_of(cls):
    """Yield name and function of the public methods and properties that the package defines."""
    for base in own_bases(cls):
        for name, member in vars(base).items():
            if name.startswith("_") and name not in ("__init__", "__call__"):
                continue
            if isinstance(member, property):
                yield name, member.fget
            elif isinstance(member, (classmethod, staticmethod)):
                yield name, member.__func__
            elif not isinstance(member, (type, RequestMethod)):
                member = inspect.unwrap(getattr(member, "fn", member))  # also of `available_if`
                if inspect.isfunction(member):
                    yield name, member


def without_type(function):
    """Return the names of the parameters without annotation, and "return" if it has none."""
    signature = inspect.signature(inspect.unwrap(function))
    names = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty and name not in ("self", "cls")
    ]
    return names + ["return"] * (signature.return_annotation is signature.empty)


def test_there_is_much_to_annotate():
    assert len(CLASSES) > 30 and len(FUNCTIONS) > 40
    assert len(list(methods_of(RNNClassifier))) > 15


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_annotated(name):
    assert without_type(FUNCTIONS[name]) == []


@pytest.mark.parametrize("name", CLASSES)
def test_every_method_is_annotated(name):
    # The constructor of a dataclass gets its annotations from the fields.
    missing = {method: without_type(f) for method, f in methods_of(CLASSES[name])}
    assert {method: names for method, names in missing.items() if names} == {}


def test_what_is_compiled_has_types_too():
    compiled = {name for name, each in PUBLIC.items() if type(each) is type(_core.simd_level)}
    assert compiled == {"sklearn_rnn.get_simd_level", "sklearn_rnn.set_simd_level"}
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    declared = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in compiled:
        function = PUBLIC[name]
        names = [arg.arg for arg in declared[function.__name__].args.args]
        assert names == list(inspect.signature(function).parameters)


def attributes_of(cls):
    """Return the names under "Attributes" in the docstring of a class."""
    doc = inspect.cleandoc(cls.__doc__)
    section = re.search(r"^Attributes\n-+\n(.*?)(?=^\w.*\n---|\Z)", doc, re.DOTALL | re.MULTILINE)
    lines = section[1].splitlines() if section else ()
    heads = (re.match(r"(\w+(?:, \w+)*) : ", line) for line in lines)
    return [name for head in heads if head for name in head[1].split(", ")]


@pytest.mark.parametrize("name", CLASSES)
def test_every_documented_attribute_has_a_type(name):
    cls = CLASSES[name]
    typed = {each for base in own_bases(cls) for each in vars(base).get("__annotations__", ())}
    typed |= {each for each, _ in methods_of(cls)}  # properties
    assert [each for each in attributes_of(cls) if each not in typed] == []


@pytest.mark.parametrize("name", CLASSES)
def test_every_request_of_metadata_has_a_type(name):
    for base in own_bases(CLASSES[name]):
        made = {each for each, member in vars(base).items() if isinstance(member, RequestMethod)}
        declared = vars(base).get("__annotations__", {})
        assert made == {each for each in declared if each.endswith("_request")}


# ---- the types agree with the rosters and the rules ---------------------------------------------

ROSTERS = {
    "Activation": parts.ACTIVATIONS,
    "AttentionName": pair_words.ATTENTIONS,
    "Backend": bars.BACKENDS,
    "BiasInitializer": initializers.BIASES,
    "CellName": _core.CELLS,
    "Connections": words.CONNECTIONS,
    "DType": words.DTYPES,
    "FrameName": nested.LIBRARIES,
    "LossName": losses.REGRESSION_LOSSES,
    "LossOfSteps": losses.LOSSES_OF_TASKS,
    "MergeMode": words.MERGE_MODES,
    "Mode": words.MODES,
    "Norm": words.NORMS,
    "Optimizer": _core.OPTIMIZERS,
    "PoolingName": parts.WORDS_OF_POOLING,
    "RateSchedule": optimizers.SCHEDULES,
    "TagScheme": tags.SCHEMES,
    "WeightInitializer": initializers.WEIGHTS,
}
NAMES = sorted({name for roster in ROSTERS.values() for name in roster} | set(tasks.KINDS))


@pytest.mark.parametrize("alias", ROSTERS)
def test_names_are_those_of_the_roster(alias):
    assert set(get_args(getattr(_typing, alias))) == set(ROSTERS[alias])


def accepts(type_, value):
    """Tell whether a type checker would accept a value, for the types that parameters have."""
    origin, args = get_origin(type_), get_args(type_)
    if type_ is Any:
        return True
    if origin in (Union, UnionType):
        return any(accepts(each, value) for each in args)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in args)
    if origin is Callable:
        return callable(value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            accepts(args[0], key) and accepts(args[1], each) for key, each in value.items()
        )
    if origin is _typing.SequenceNotStr:
        return isinstance(value, (list, tuple)) and all(accepts(args[0], each) for each in value)
    if origin is Iterable:
        return isinstance(value, Iterable) and all(accepts(args[0], each) for each in value)
    if type_ is _typing.SupportsArray:
        return hasattr(value, "__array__")
    if type_ is _typing.KeyedVectors:
        return hasattr(value, "key_to_index")
    if type_ is float:
        return isinstance(value, (float, int))
    return isinstance(value, origin or type_)


VALUES = [
    *(None, True, False, 0, 1, 3, 0.5, 1.5, np.inf, -1, np.int64(3), np.float32(0.5)),
    *((), [], [3], (3, 2), [0.2, 0.8], [True, False], np.array([3, 2]), np.eye(2), np.zeros(2)),
    *({}, {"a": 1.0}, {"a": "classes"}, {"a": [0.5]}, [{0: 1.0}], [("a", "b")], ["a", "b"]),
    *(len, cells.LSTM, cells.LSTM(), ["gru", cells.LSTM()], Dense(3), [Dense(3), Conv1D(2, 2)]),
    *(Attention(3), TruncatedBPTT(5), RNNRegressor(), np.random.RandomState(0), object()),
]
STRINGS = [*NAMES, "auto", "balanced", "all", "from_dtype", "linear", "word", "lstmm", "", "fixed"]
# `fit` checks these further, because the data decide which values are valid.
DECIDED_LATER = ("categorical_features", "class_weight", "factors", "vocabulary")
OBJECTS = {
    "cell": lambda value: words.cells_of(value, 1 + isinstance(value, (list, tuple))),
    "decoder_cell": lambda value: value is None or OBJECTS["cell"](value),
    "pooling": parts.pooling_part,
    "input_layers": lambda value: [parts.layer_part(each) for each in value],
}


def allows(name, rule, value):
    """Tell whether a constructor's parameter may have a value."""
    if not rule.test(value):
        return False
    if name in OBJECTS:
        try:
            OBJECTS[name](value)
        except (TypeError, ValueError):
            return False
    return True


def rules_of_parameters():
    """Return the rules of the parameters of constructors, by class."""
    kinds = {
        RNNClassifier: (parameters.CLASSIFIER, None),
        RNNRegressor: (parameters.REGRESSOR, None),
        MultiTaskRNN: (parameters.MULTITASK, None),
        RNNLanguageModel: (parameters.LANGUAGE_MODEL, None),
        Seq2SeqClassifier: (parameters.CLASSIFIER, seq2seq_parameters.TABLE),
        Seq2SeqRegressor: (parameters.REGRESSOR, seq2seq_parameters.TABLE),
        SequenceAutoencoder: (seq2seq_parameters.AUTOENCODER, seq2seq_parameters.TABLE),
    }
    tables = {
        cls: {name: p.rule for name, p in parameters.parameters_of(*kind).items() if p.rule}
        for cls, kind in kinds.items()
    }
    for kind, cls in parts.CLASSES.items():
        tables[cls] = {name: option.rule for name, option in parts.TABLES[kind].items()}
    return {
        **tables,
        TruncatedBPTT: OPTIONS,
        RNNForecaster: forecasting._RULES,
        SequenceImputer: imputer._RULES,
        SequenceKFold: sequence_kfold._RULES,
        TokenEncoder: RULES_OF_TEXTS,
    }


RULES = rules_of_parameters()
PARAMETERS = [
    (cls, name) for cls, rules in RULES.items() for name in rules if name not in DECIDED_LATER
]
# Types of matplotlib are unknown when the package runs.
WITH_KNOWN_TYPES = [name for name in CLASSES if not name.startswith("sklearn_rnn.inspection.")]


@pytest.mark.parametrize("name_of_class", WITH_KNOWN_TYPES)
def test_every_default_has_the_type_of_its_parameter(name_of_class):
    cls = CLASSES[name_of_class]
    hints = get_type_hints(cls.__init__)
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.default is not parameter.empty:
            assert accepts(hints[name], parameter.default), name


@pytest.mark.parametrize(("cls", "name"), PARAMETERS)
def test_a_type_allows_what_the_rule_allows(cls, name):
    type_, rule = get_type_hints(cls.__init__)[name], RULES[cls][name]
    for value in VALUES:
        assert accepts(type_, value) >= allows(name, rule, value), value
    for value in STRINGS:
        assert accepts(type_, value) == allows(name, rule, value), value


# ---- what type checkers read --------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_right_calls_run():
    runpy.run_path(str(Path(__file__).parent / "typing" / "right_calls.py"))
