"""Errors about unknown parameters suggest the right ones."""

from __future__ import annotations

from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any, Self

PACKAGE = __name__.partition(".")[0]

# Parameters, and what other libraries call them.
ELSEWHERE = {
    "alpha": "weight_decay l2 reg_lambda c2",
    "bptt": "stateful truncation truncated_bptt bptt_steps",
    "cell": "rnn_type cell_type layer_type rnn",
    "channels": "filters n_filters out_channels",
    "embedding_dim": "embedding_size embed_dim",
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
    "random_state": "seed random_seed",
    "solver": "optimizer optim algorithm",
    "transitions": "crf use_crf",
}
OURS = {word: name for name, words in ELSEWHERE.items() for word in words.split()}


class SuggestsParameters:
    """A mixin of the public estimators: errors about unknown parameters suggest a known one."""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = _suggesting(cls.__init__)

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
                    f"Invalid parameter {name!r} for estimator {self}.{_hint(name, names)} "
                    f"Valid parameters are: {sorted(names)}."
                )
        return super().set_params(**parameters)


def _suggesting(init):
    """Return a constructor whose error about an unknown keyword suggests a known one."""

    @wraps(init)
    def __init__(self, *args, **parameters):
        try:
            init(self, *args, **parameters)
        except TypeError:
            known = signature(init).parameters
            takes_all = any(p.kind is p.VAR_KEYWORD for p in known.values())
            unknown = [name for name in parameters if name not in known]
            if takes_all or not unknown:
                raise
            raise TypeError(
                f"{type(self).__name__}() got an unexpected keyword argument {unknown[0]!r}."
                f"{_hint(unknown[0], [name for name in known if name != 'self'])}"
            ) from None

    return __init__


def _hint(name, names):
    """Return a question with the parameter that a wrong name may mean, after a space, or ""."""
    similar = get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    found = next((n for n in (OURS.get(name.lower()), *similar) if n in names), None)
    if found is not None:
        return f" Did you mean `{found}`?"
    if "cell" in names:
        cells = import_module(f"{PACKAGE}.cells")
        for cell in (vars(cells)[kind] for kind in ("LSTM", "GRU", "Elman")):
            if name in signature(cell).parameters:
                return f" It is an option of cells: `cell={cell.__name__}({name}=...)`."
    return ""
