"""Warnings of `fit`: about settings and data before it begins, and about its end."""

import sys
import warnings

from sklearn.exceptions import ConvergenceWarning

from .._data.suspicious import findings
from .._data.suspicious_targets import findings_in_y
from .._model.network import DATA
from .._training import lbfgs
from .._training.minibatches import resolve_batch_size
from .._training.optimizers import LBFGS, ends_as_planned
from .._training.pairs import PairedExamples
from .._training.windows import count_windows

OURS = ("sklearn", "sklearn_rnn")  # packages at whose lines no warning should point


def warn_of_settings(training):
    """Warn about settings that this training cannot use as they are."""
    if training.settings.solver == LBFGS:
        _warn_of_precision(training.network)
    elif training.planned:
        _warn_of_batch_size(training)


def _warn_of_precision(network):
    if network.dtype == "float32":
        warnings.warn(
            "solver='lbfgs' with dtype='float32': rounding errors limit how far L-BFGS can "
            "lower the loss. Set dtype='float64'.",
            stacklevel=level_of_caller(),
        )


def _warn_of_batch_size(training):
    what, n = "training sequences", len(training.indices)
    settings, truncation = training.settings, training.settings.bptt
    if truncation is not None and training.network.per_step:
        lengths = training.examples.sequences.lengths[training.indices]
        each = count_windows(lengths, truncation.steps, truncation.overlap)
        what, n = "windows", int(each.sum())
    steps, batch_size = settings.gradient_accumulation_steps, settings.batch_size
    if batch_size != "auto" and batch_size > n:
        warnings.warn(
            f"`batch_size`={batch_size} is larger than the number of {what}, {n}: each "
            "minibatch has all of them.",
            stacklevel=level_of_caller(),
        )
        return
    batch_size = resolve_batch_size(batch_size, n)
    if batch_size * steps > n:
        warnings.warn(
            f"`gradient_accumulation_steps`={steps} times `batch_size`={batch_size} is larger "
            f"than the number of {what}, {n}: each update uses all of them.",
            stacklevel=level_of_caller(),
        )


def warn_of_data(X, examples, model):
    """Warn about an X or y that probably means something else than what was read."""
    of_X = findings(
        X,
        examples.sequences,
        model.form.feature_names,
        list(model.network.code_columns),
        cut=examples.per_step and examples.weights is not None,
        normalized=model.scale.in_use is not None or _normalizes(model.network),
    )
    of_y = findings_in_y(
        model.target,
        examples.targets,
        examples.weights,
        per_step=examples.per_step,
        several=isinstance(examples, PairedExamples),
    )
    for sentence in [*of_X, *of_y]:
        warnings.warn(sentence, stacklevel=level_of_caller())


def _normalizes(network):
    """Tell whether all cells that read X normalise their products with it."""
    readers = (network.nodes[i] for i, *_ in network.readers(DATA))
    return all(dict(node.options).get("normalization") for node in readers)


def warn_of_interruption():
    warnings.warn("Training interrupted by user.", stacklevel=level_of_caller())


def tell_end(end, training):
    """Warn about an end that the user can act on; return the message for `verbose`, or None."""
    if end == "interrupted":
        warn_of_interruption()
    advice = [*_on_epochs(end, training), *_on_plateau(end, training)]
    if advice:
        warnings.warn(" ".join(advice), ConvergenceWarning, stacklevel=level_of_caller())
    settings = training.settings
    if end == "converged":
        return f"No entry of the gradient is larger than tol={float(settings.tol):g}."
    if end == "no_progress":
        what = "Training loss" if training.validate is None else "Validation score"
        return (
            f"{what} did not improve more than tol={float(settings.tol):g} for "
            f"{settings.n_iter_no_change} consecutive epochs."
        )
    return None


def _on_epochs(end, training):
    """List the advice about a training that ended before it converged."""
    settings = training.settings
    if settings.solver == LBFGS:
        facts = {"max_iter": training.n_epochs, "max_fun": settings.max_fun}
        text = lbfgs.UNCONVERGED.get(end)
        return [] if text is None else [text.format(**facts, tol=float(settings.tol))]
    if end != "max_iter" or not training.planned or ends_as_planned(settings.learning_rate):
        return []
    return [
        f"Maximum number of epochs (max_iter={training.n_epochs}) reached and the "
        "optimization has not converged yet. Increase max_iter."
    ]


def _on_plateau(end, training):
    """List the advice about a training that has learned almost nothing."""
    if end in ("stopped", "interrupted") or training.progress.best <= training.plateau:
        return []
    other, patience = "`learning_rate_init`", ", or a larger `n_iter_no_change`"
    if training.settings.solver == LBFGS:
        other, patience = "`random_state` or `solver`", ""
    return [
        "Training ended before the loss was 2 % below that of the best constant "
        "prediction: the network has learned almost nothing from X. Try another "
        f"{other}, cell='gru' or 'lstm' for long sequences{patience}, and check that the "
        "targets are in the order of the sequences. sklearn_rnn.inspection.gradient_flow shows "
        "whether the gradient reaches early steps."
    ]


def level_of_caller():
    """Return the `stacklevel` of a warning that points at the caller of scikit-learn or us."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        level, frame = level + 1, frame.f_back
    return level
