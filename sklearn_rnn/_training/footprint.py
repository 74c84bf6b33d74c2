"""The bytes that a training and predictions take, counted before they run.

An engine plans its workspace without allocating it. To that, these functions add the arrays whose
sizes depend on the data or the parameters. They assume that X is float64.
"""

import numpy as np

from .._data.moments import CHUNK
from . import lbfgs, minibatches, windowed
from .held_out import n_held_out
from .losses import LOSSES
from .optimizers import LBFGS
from .progress import n_vectors_of

OF_X = 8  # for each number
OF_RESULT = 16  # for each output in units of y, or each label; the last step makes a copy
OF_SEQUENCE = 32  # its length, its place in X and its place in the order of a pass
# Temporary memory for reading, given back before the workspace is taken: for each number of a chunk
# whose moments are computed, each target of a step, each step with a weight, each step with codes.
OF_CHUNK, OF_TARGET, OF_WEIGHT, OF_CODES = 18, 24, 16, 12


def of_fit(
    network,
    settings,
    lengths,
    is_list,
    n_threads,
    *,
    n_epochs,
    frozen=(),
    fraction=None,
    scores_estimator=False,
):
    """Return the bytes that a training on sequences of these lengths takes, as a dict by use.

    is_list: whether X is a list, which must be copied. frozen: names of arrays that do not change.
    fraction: share of the sequences that early stopping holds out. scores_estimator: whether early
    stopping calls a scorer with the estimator.
    """
    of_params = network.n_params * np.dtype(network.dtype).itemsize
    n_vectors = n_vectors_of(settings)
    trainer = lbfgs if settings.solver == LBFGS else minibatches
    taken = {
        "parameters": of_params,
        "optimizer": n_vectors * of_params,
        "validation": 0,
        "data": _of_data(network, lengths) + _of_X(network, lengths) * is_list,
    }
    reading = _of_reading(network, lengths, has_weights=fraction is not None)
    # Temporary: the test whether moments are finite, or one vector for the average or the best one.
    has_another = fraction is not None or settings.ema_decay is not None
    passing = max(n_vectors * network.n_params, of_params if has_another else 0)
    # `fit` sets copies on the estimator. A scorer sees old copies while new ones are made.
    result = (1 + n_vectors) * of_params
    results = 2 * result if scores_estimator else 0
    if fraction is not None:
        held_out, lengths = _split(lengths, fraction)
        taken["validation"] = of_predictions(network, held_out, False, n_threads)
        if scores_estimator:  # beside the engine of its predictions, there is that of the losses
            workspace = network.workspace(held_out, len(held_out), n_threads, training=False)
            taken["validation"] += sum(workspace.values())
        taken["data"] += _of_data(network, held_out) + _of_X(network, held_out)
        taken["optimizer"] += of_params  # the best parameters so far
    if trainer is lbfgs:
        taken["optimizer"] += lbfgs.N_VECTORS * network.n_params * np.dtype(np.float64).itemsize
    if settings.bptt is None:
        workspace = trainer.workspace_of(settings, lengths)
    else:
        workspace = windowed.workspace_of(settings, lengths, network, n_epochs)
    workspace = network.workspace(**workspace, n_threads=n_threads, frozen=frozen)
    kept = taken["parameters"] + taken["optimizer"] + taken["validation"]
    training = kept + max(sum(workspace.values()) + max(passing, results), result, results)
    return {
        **taken,
        "activations": workspace["steps"],
        "gradients": workspace["gradients"],
        "packed": workspace["weights"] + workspace["tables"],
        "fit": taken["data"] + max(reading, training),
    }


def of_predictions(network, lengths, is_list, n_threads):
    """Return the bytes that predictions for sequences of these lengths take."""
    workspace = network.workspace(lengths, len(lengths), n_threads, training=False)
    n_outputs = _n_rows(network, lengths) * network.n_outputs
    outputs = n_outputs * np.dtype(network.dtype).itemsize
    n_columns = network.n_outputs if _has_numbers(network) else _n_columns(network)
    n_results = _n_rows(network, lengths) * n_columns
    # The test whether outputs are finite makes a mask; after it the workspace is given back.
    predicting = outputs + max(sum(workspace.values()) + n_outputs, OF_RESULT * n_results)
    reading = OF_CODES * int(lengths.sum()) if network.tables else 0
    of_X = _of_X(network, lengths) if is_list else 0
    return of_X + OF_SEQUENCE * len(lengths) + max(reading, predicting)


def _split(lengths, fraction):
    """Return lengths of the sequences that early stopping holds out, and of those to train on.

    Which sequences these will be is not known, so for both the longest ones are assumed.
    """
    n = n_held_out(len(lengths), fraction)
    longest = np.sort(lengths)[::-1]
    return longest[:n], longest[: len(lengths) - n]


def _of_reading(network, lengths, has_weights):
    """Return the temporary bytes that reading X and y takes, before there is a workspace."""
    n_steps = int(lengths.sum())
    of_step = OF_WEIGHT if has_weights else 0
    if network.per_step:
        of_step = max(of_step, OF_TARGET * _n_columns(network))
    if network.tables:
        of_step = max(of_step, OF_CODES)
    return max(OF_CHUNK * min(n_steps * network.n_features, CHUNK), of_step * n_steps)


def _of_X(network, lengths):
    """Return the bytes of a copy of X."""
    return int(lengths.sum()) * network.n_features * OF_X


def _of_data(network, lengths):
    """Return the bytes of the encoded targets and of what is kept for each sequence."""
    are_codes = LOSSES[network.loss].targets == "classes"
    itemsize = np.dtype(np.int32 if are_codes else network.dtype).itemsize
    n_targets = _n_rows(network, lengths) * _n_columns(network)
    return n_targets * itemsize + OF_SEQUENCE * len(lengths)


def _n_rows(network, lengths):
    """Return the number of rows of targets."""
    return int(lengths.sum()) if network.per_step else len(lengths)


def _n_columns(network):
    """Return the number of columns of targets."""
    if LOSSES[network.loss].targets == "tasks":
        return len(network.groups)
    if _has_numbers(network):
        return network.n_targets
    return network.n_outputs if network.loss == "multilabel" else max(1, len(network.groups))


def _has_numbers(network):
    """Tell whether encoded targets and predictions are floats."""
    return LOSSES[network.loss].targets in ("numbers", "tasks")
