"""Errors about unknown parameters, and keywords of `fit`, suggest the right ones."""

from __future__ import annotations

from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any, Self

PACKAGE = __name__.partition(".")[0]

# Parameters, and what other libraries call them.
ELSEWHERE = {
    "activation": "nonlinearity act",
    "alpha": "weight_decay l2 reg_lambda c2",
    "bptt": "stateful truncation truncated_bptt bptt_steps",
    "cell": "rnn_type cell_type layer_type rnn",
    "channels": "filters n_filters out_channels",
    "beta_1": "betas",
    "dropout": "dropout_rate p",
    "embedding_dim": "embedding_size embed_dim",
    "epsilon": "eps",
    "hidden_layer_sizes": "hidden_size hidden_dim hidden_units hidden_layers n_hidden "
    "units n_units layers n_layers num_layers",
    "learning_rate_init": "lr eta eta0",
    "loss": "criterion objective loss_function",
    "max_grad_norm": "clipnorm clip_norm max_norm gradient_clip_val",
    "max_grad_value": "clipvalue clip_value",
    "max_iter": "epochs n_epochs num_epochs max_epochs max_iterations n_iter",
    "mode": "return_sequences many_to_many task",
    "n_iter_no_change": "patience",
    "n_threads": "n_jobs num_threads threads",
    "pooling": "attention",
    "random_state": "seed random_seed",
    "solver": "optimizer optim algorithm",
    "transitions": "crf use_crf",
    "validation_fraction": "validation_split val_split",
}
OURS = {word: name for name, words in ELSEWHERE.items() for word in words.split()}
# What other libraries ask for, and `fit` learns from the data.
LEARNED = (
    "input_size input_dim n_features n_inputs in_features "
    "output_size output_dim n_classes num_classes n_outputs"
).split()
# What needs no parameter here.
WITHOUT = {
    "batch_first": "Leave it out: X is always (n_samples, n_timesteps, n_features).",
    "ignore_index": "Give steps without a class the `sample_weight` 0 in `fit`.",
    "validation_data": "Give `X_val` and `y_val` to `fit`, with early_stopping=True.",
}
UNITS = "hidden_layer_sizes"


class SuggestsParameters:
    """A mixin of the public estimators: errors about unknown parameters suggest a known one."""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = _suggesting(cls.__init__)
        if "fit" in vars(cls):
            cls.fit = _fit_suggesting(cls.fit)

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **parameters : dict
            New values by name. ``name__option=...`` sets an option of the object that is the
            parameter `name`.

        Returns
        -------
        self : estimator instance
            This estimator.

        Raises
        ------
        ValueError
            If there is no parameter of a given name; then none is changed.
        """
        names = self.get_params(deep=False)
        for name in (key.partition("__")[0] for key in parameters):
            if name not in names:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}."
                    f"{_hint(name, names, type(self))} Valid parameters are: {sorted(names)}."
                )
        return super().set_params(**parameters)


def _suggesting(init):
    """Return a constructor whose error about an unknown keyword suggests a known one."""

    @wraps(init)
    def __init__(self, *args, **parameters):
        try:
            init(self, *args, **parameters)
        except TypeError:
            message = _message(type(self), args, parameters, signature(init).parameters)
            if message is None:
                raise
            raise TypeError(message) from None

    return __init__


def _fit_suggesting(fit):
    """Return a `fit` whose error about an unknown keyword says where it belongs."""

    @wraps(fit)
    def suggesting(self, *args, **arguments):
        try:
            return fit(self, *args, **arguments)
        except TypeError:
            message = _message_of_fit(self, arguments, signature(fit).parameters)
            if message is None:
                raise
            raise TypeError(message) from None

    return suggesting


def _message_of_fit(estimator, by_name, parameters):
    """Return what is wrong with the keywords of `fit`, or None; parameters: in its signature."""
    unknown = [name for name in by_name if name not in parameters]
    if not unknown or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    name, owner = unknown[0], type(estimator)
    message = f"{owner.__name__}.fit() got an unexpected keyword argument {name!r}."
    ours = OURS.get(name.lower(), name)
    if ours in estimator.get_params(deep=False):
        value = by_name[name]
        value = repr(value) if isinstance(value, (bool, int, float, str)) else "..."
        call = f"{owner.__name__}({ours}={value})"
        return f"{message} It is a parameter of the constructor: {call}."
    if name in WITHOUT and "X_val" in parameters:
        return f"{message} {WITHOUT[name]}"
    similar = get_close_matches(name.lower(), parameters, n=1, cutoff=0.75)
    return f"{message} Did you mean `{similar[0]}`?" if similar else message


def _message(owner, args, by_name, parameters):
    """Return what is wrong with the arguments of a constructor, or None.

    args, by_name: what it got; parameters: those in its signature, with `self`.
    """
    _, *known = parameters.values()
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in known):
        return None
    names = [p.name for p in known]
    unknown = [name for name in by_name if name not in names]
    if unknown:
        return (
            f"{owner.__name__}() got an unexpected keyword argument {unknown[0]!r}."
            f"{_hint(unknown[0], names, owner)}"
        )
    first = [f"`{p.name}`" for p in known if p.kind is not p.KEYWORD_ONLY]
    if len(args) > len(first):
        given = "1 value" if len(args) == 1 else f"{len(args)} values"
        may = f"Only {' and '.join(first)} may" if first else "None may"
        return (
            f"{owner.__name__}() got {given} without names. {may} be given without its name: "
            f"write `{owner.__name__}(..., name=value)`.{_units_of_cell(owner, args[len(first)])}"
        )
    return None


def _units_of_cell(owner, n_units):
    """Return where the number of units belongs, after a space, if a class is a cell, or ""."""
    if owner.__module__ != f"{PACKAGE}.cells":
        return ""
    if not isinstance(n_units, int):
        n_units = "..."
    return (
        f" The number of units is `{UNITS}` of the estimator: "
        f"RNNClassifier({UNITS}={n_units}, cell={owner.__name__}())."
    )


def _hint(name, names, owner):
    """Return a sentence on what a wrong name may mean, after a space, or "".

    names: the parameters of the class `owner`.
    """
    lower = name.lower()
    ours = OURS.get(lower, name)
    if ours in names:
        return f" Did you mean `{ours}`?"
    if ours == UNITS and (hint := _units_of_cell(owner, None)):
        return hint
    if "cell" in names:
        if lower in WITHOUT:
            return f" {WITHOUT[lower]}"
        if lower in LEARNED:
            return " `fit` learns it from the data: leave it out."
        if name in signature(owner.fit).parameters:
            return " It is an argument of `fit`."
        cells = import_module(f"{PACKAGE}.cells")
        for cell in (vars(cells)[kind] for kind in ("LSTM", "GRU", "Elman")):
            if ours in signature(cell).parameters:
                return f" It is an option of cells: `cell={cell.__name__}({ours}=...)`."
    similar = get_close_matches(lower, names, n=1, cutoff=0.75)
    return f" Did you mean `{similar[0]}`?" if similar else ""
