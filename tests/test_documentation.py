"""Parameters are documented as they are checked; the examples run."""

import doctest
import importlib
import inspect
import re

import pytest

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._estimators import parameters as _parameters
from sklearn_rnn._training import losses as _losses
from sklearn_rnn._training import optimizers as _optimizers


def test_rosters_are_those_of_the_core():
    assert set(_losses.LOSSES) == set(_core.LOSSES)
    assert set(_optimizers.SOLVERS) == set(_core.OPTIMIZERS)


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_every_parameter_is_checked_and_documented_with_its_default(estimator):
    documented = dict(re.findall(r"^    (\w+) : (.*)$", estimator.__doc__, flags=re.MULTILINE))
    for name, parameter in inspect.signature(estimator).parameters.items():
        assert name in _parameters.TABLE or name in ("activation", "random_state"), name
        text = documented[name].split("default=")[1].strip('"')
        assert text == f"{parameter.default}" or float(text) == parameter.default, name
        positional = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        assert positional == (name == "hidden_layer_sizes")


def test_both_estimators_say_the_same_of_what_they_share():
    def entries(estimator):
        parts = re.split(r"^    (\w+) : ", estimator.__doc__, flags=re.MULTILINE)
        texts = (re.split(r"\n\n {4}\S", text)[0] for text in parts[2::2])
        return dict(zip(parts[1::2], texts, strict=True))

    ours, theirs = entries(RNNClassifier), entries(RNNRegressor)
    names = inspect.signature(RNNClassifier).parameters.keys() & theirs.keys()
    for name in names - {"tol", "validation_fraction"}:
        assert ours[name] == theirs[name], name
    shared = inspect.signature(RNNClassifier).parameters.items()
    regressor = inspect.signature(RNNRegressor).parameters
    assert all(p.default == regressor[n].default for n, p in shared if n in regressor)


@pytest.mark.parametrize(
    "module",
    [
        "_estimators.classifier",
        "_estimators.regressor",
        "_estimators.fitted",
        "_data.sequences",
    ],
)
def test_examples_in_docstrings_run(module):
    result = doctest.testmod(importlib.import_module(f"sklearn_rnn.{module}"))
    assert result.attempted > 0 and result.failed == 0
