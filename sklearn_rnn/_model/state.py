"""The fitted state: the attributes that a fit sets on an estimator, checked before each use.

A state is a dict of fitted attributes, for example `vars` of an estimator. It may come from a file
or have been changed by hand, so it must be checked before the kernels read its arrays.
"""

import re
import reprlib
from math import isnan
from numbers import Real

import numpy as np

from .. import _core
from .._data.form import KINDS
from .._data.moments import N_MOMENTS
from .._rules import Allowed, boolean, integer, number, one_of
from .._training.losses import LOSSES
from .._training.optimizers import SOLVERS
from .architecture import FORMAT, difference, from_description
from .architecture import describe as describe_network

# Every attribute that a fit sets. Others, such as those of a subclass or a callback, are not ours.
STATE = frozenset(
    "n_features_in_ feature_names_in_ classes_ x_mean_ x_scale_ y_mean_ y_scale_ params_ "
    "n_layers_ n_outputs_ _x_moments _y_moments _taught "
    "out_activation_ n_iter_ t_ loss_ best_loss_ loss_curve_ validation_scores_ "
    "best_validation_score_ _input_kind _y_is_1d _architecture _optimizer".split()
)
# The attributes in a weight file besides the weights, named there without underscores at the ends.
DESCRIPTION = (
    "_architecture",
    "_input_kind",
    "n_features_in_",
    "feature_names_in_",
    "classes_",
    "x_mean_",
    "x_scale_",
    "_x_moments",
    "y_mean_",
    "y_scale_",
    "_y_moments",
    "_y_is_1d",
    "_taught",
)
# Mean and scale of X and y, and the moments from which they are continued.
ARRAYS = ("x_mean_", "x_scale_", "_x_moments", "y_mean_", "y_scale_", "_y_moments")
SCALES = (*ARRAYS, "_taught")

LONGEST = 300  # letters of a quoted error message
COUNT = integer(0, 62)
RULES = {
    "n_features_in_": integer(1),
    "_input_kind": one_of(KINDS),
    "_y_is_1d": boolean,
    "_taught": Allowed(
        lambda v: isinstance(v, (tuple, list)) and len(v) == 2 and all(map(COUNT.test, v)),
        "two counts",
    ),
    "t_": COUNT,
    "loss_curve_": Allowed(lambda v: isinstance(v, list), "a list"),
    "best_loss_": Allowed(lambda v: v is None or isinstance(v, Real), "a number or None"),
    "validation_scores_": Allowed(lambda v: v is None or isinstance(v, list), "None or a list"),
    "solver": one_of(SOLVERS),
    "seed": integer(0, 64),
    "learning_rate": number(0),
    "n_updates": COUNT,
    "n_passes": COUNT,
    "best": Allowed(lambda v: isinstance(v, Real) and not isnan(v), "a number or infinity"),
    "no_improvement": COUNT,
}
OPTIMIZER = {"solver", "moments", "seed", "learning_rate", "n_updates", "n_passes"}
JUDGEMENT = {"best", "no_improvement"}  # `_optimizer` has both, or with validation neither


# ---- checks at each use -------------------------------------------------------------------------


def checked(state):
    """Return the network of a state, after a check of everything that a prediction uses."""
    network = network_of(state)
    _check_array(state, "params_", network.dtype, (network.n_params,))
    n_features = _check(state, "n_features_in_")
    n_per_step = 1 if _check(state, "_input_kind") == "2d" else n_features
    if n_per_step != network.n_features:
        raise _damaged("n_features_in_", f"that of a network for {network.n_features}", n_features)
    for name in ("x_mean_", "x_scale_"):
        _check_array(state, name, np.float64, (network.n_features,))
    _check_moments(state, "_x_moments", network.n_features)
    if LOSSES[network.loss].targets == "classes":
        _check_classes(state, network)
    else:
        for name in ("y_mean_", "y_scale_"):
            _check_array(state, name, np.float64, (network.n_outputs,))
        if _check(state, "_y_is_1d") and network.n_outputs > 1:
            raise _damaged("_y_is_1d", f"False with {network.n_outputs} outputs", True)
    return network


def network_of(state, state_format=FORMAT):
    """Return the network that `_architecture` describes."""
    try:
        return from_description(_kept(state, "_architecture"), state_format)
    except ValueError as error:
        raise ValueError(f"`_architecture` is damaged: {str(error)[:LONGEST]}") from error


def check_going_on(state, network):
    """Check what continued training needs in addition."""
    for name in ("t_", "loss_curve_", "best_loss_", "validation_scores_", "_taught"):
        _check(state, name)
    if LOSSES[network.loss].targets == "numbers":
        _check_moments(state, "_y_moments", network.n_outputs)
    # If the best loss is unknown, it is the least of the curve; checking a long curve takes time.
    if state["best_loss_"] is None and not all(isinstance(v, Real) for v in state["loss_curve_"]):
        raise _damaged("loss_curve_", "numbers", state["loss_curve_"])
    optimizer = _kept(state, "_optimizer")
    names = set(optimizer) if isinstance(optimizer, dict) else set()
    if names - JUDGEMENT != OPTIMIZER or names & JUDGEMENT not in (set(), JUDGEMENT):
        raise _damaged("_optimizer", f"a dict of {sorted(OPTIMIZER)}", sorted(map(str, names)))
    for name in names - {"moments"}:
        _check(optimizer, name, "_optimizer[{!r}]")
    shape = (_core.OPTIMIZERS[optimizer["solver"]], network.n_params)
    _check_array(optimizer, "moments", network.dtype, shape, "_optimizer[{!r}]")


def _damaged(name, wanted, came):
    """Return the error about a value; an array is described by its dtype and shape."""
    if isinstance(came, np.ndarray):
        came = f"{came.dtype} of shape {came.shape}"
    else:
        came = reprlib.repr(came)
    return ValueError(f"`{name}` must be {wanted}, got {came}: the fitted state is damaged.")


def _kept(state, name, label="{}"):
    try:
        return state[name]
    except KeyError:
        raise ValueError(
            f"`{label.format(name)}` is missing: the fitted state is damaged."
        ) from None


def _check(state, name, label="{}"):
    value = _kept(state, name, label)
    if not RULES[name].test(value):
        raise _damaged(label.format(name), RULES[name].text, value)
    return value


def _check_array(state, name, dtype, shape, label="{}"):
    array = _kept(state, name, label)
    fits = isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape
    if not (fits and array.flags.c_contiguous):
        wanted = f"a contiguous {np.dtype(dtype)} array of shape {shape}"
        raise _damaged(label.format(name), wanted, array)


def _check_moments(state, name, n_columns):
    """Check the moments from which a scale is updated; None means a fixed scale."""
    if _kept(state, name) is not None:
        _check_array(state, name, np.float64, (N_MOMENTS, n_columns))


def _check_classes(state, network):
    classes = _kept(state, "classes_")
    shape = (2 if network.loss == "logistic" else network.n_outputs,)
    fits = isinstance(classes, np.ndarray) and classes.shape == shape
    if not fits or classes.dtype.kind in "cV":
        raise _damaged("classes_", f"an array of labels of shape {shape}", classes)


# ---- checks when a state is loaded ---------------------------------------------------------------


def check_whole(state):
    """Return the network of a state, after a check that all of it is undamaged and finite."""
    network = checked(state)
    of_classes = LOSSES[network.loss].targets == "classes"
    of_numbers = ("y_mean_", "y_scale_", "_y_is_1d", "_y_moments")
    for name in of_numbers if of_classes else ("classes_",):
        if name in state:
            raise _damaged(name, f"absent with loss={network.loss!r}", state[name])
    if not of_classes:
        _check_moments(state, "_y_moments", network.n_outputs)
    _check(state, "_taught")
    arrays = [(name, state[name]) for name in ("params_", *ARRAYS) if state.get(name) is not None]
    if "_optimizer" in state:
        check_going_on(state, network)
        arrays.append(("_optimizer['moments']", state["_optimizer"]["moments"]))
    for name, array in arrays:
        if not np.isfinite(array).all():
            raise _damaged(name, "finite", array[~np.isfinite(array)][0].item())
    for name in ("x_scale_", "y_scale_"):
        if name in state and not (state[name] > 0).all():
            raise _damaged(name, "positive", state[name].tolist())
    for name in ("_x_moments", "_y_moments"):
        if state.get(name) is not None:
            weight, _, deviation, *_ = state[name]
            if not (weight > 0).all() or not (deviation >= 0).all():
                raise _damaged(name, "moments of numbers", state[name])
    if "classes_" in state and not _are_in_order(state["classes_"]):
        raise _damaged("classes_", "distinct labels in order", state["classes_"].tolist())
    if state["_x_moments"] is None and (state["x_mean_"].any() or (state["x_scale_"] != 1).any()):
        raise _damaged("_x_moments", "an array beside a mean and scale of X", None)
    names = state.get("feature_names_in_")
    if names is not None:
        n_features = state["n_features_in_"]
        if not (isinstance(names, np.ndarray) and names.shape == (n_features,)):
            raise _damaged("feature_names_in_", f"an array of {n_features} names", names)
    return network


def _are_in_order(classes):
    try:
        return np.array_equal(np.unique(classes), classes)
    except TypeError:  # objects that do not compare
        return False


# ---- states of earlier versions -----------------------------------------------------------------


def upgrade(state, state_format):
    """Return a state in the format of this version."""
    if state_format == FORMAT:
        return state
    state = dict(state)
    if "_architecture" in state:
        network = network_of(state, state_format)
        state["_architecture"] = describe_network(network)
    if "_optimizer" in state:
        optimizer = dict(state["_optimizer"])
        optimizer["moments"] = optimizer.pop("vectors")
        state["_optimizer"] = optimizer
    if state_format == 1 and "_architecture" in state:
        n_features = network.n_features
        state.update(x_mean_=np.zeros(n_features), x_scale_=np.ones(n_features), _x_moments=None)
        state["_taught"] = (0, 0)
    if state_format == 1 and "y_mean_" in state:
        state["_y_moments"] = None
    return state


# ---- the attributes that training sets, and those that a weight file keeps ----------------------


def history(network, progress):
    """Return the attributes that hold the history of training, and what its continuation needs."""
    judged = progress.validates and progress.best < np.inf
    best_loss = None if progress.validates else min(progress.best_loss, progress.loss)
    scores = [*progress.earlier_scores, *progress.scores] if progress.validates else None
    return {
        "_optimizer": progress.optimizer_state(),
        "n_layers_": network.n_layers,
        "n_outputs_": network.n_outputs,
        "out_activation_": LOSSES[network.loss].out_activation,
        "n_iter_": progress.n_iter,
        "t_": progress.n_sequences,
        "loss_": progress.loss,
        "best_loss_": best_loss,
        "loss_curve_": [*progress.earlier_losses, *progress.losses],
        "validation_scores_": scores,
        "best_validation_score_": progress.best_score if judged else None,
    }


# Allowed dtypes of classes and names in JSON: fixed-size numbers, fixed-width strings, objects.
STORABLE = re.compile(r"<U[1-9][0-9]{0,5}|bool|u?int(8|16|32|64)|float(16|32|64)|object")
MOST_BYTES = 1 << 24
# May differ between the fitted estimator and a file that it loads.
MAY_DIFFER = ("_architecture", *SCALES)


def describe(state):
    """Return what a prediction needs besides the weights, as values that JSON can hold."""
    from .._version import __version__

    facts = {"format": FORMAT, "version": __version__}
    for name in DESCRIPTION:
        if name in state:
            facts[name.strip("_")] = _as_json(state[name], name)
    return facts


def described(facts):
    """Return the part of a state that the description in a file describes."""
    file_format = facts.get("format") if isinstance(facts, dict) else None
    if not integer(1).test(file_format):
        raise ValueError("it does not state its format")
    if file_format > FORMAT:
        raise ValueError(
            f"it has format {file_format}, of sklearn_rnn {facts.get('version')}; this version "
            f"reads formats up to {FORMAT}: upgrade sklearn_rnn"
        )
    names = {name.strip("_"): name for name in DESCRIPTION}
    if unknown := facts.keys() - names.keys() - {"format", "version"}:
        raise ValueError(f"it has the entries {sorted(unknown)}, which are not in its format")
    state = {
        name: _from_json(facts[public], name) for public, name in names.items() if public in facts
    }
    if isinstance(state.get("_taught"), list):
        state["_taught"] = tuple(state["_taught"])
    return upgrade(state, file_format)


def check_alike(fitted, state):
    """Refuse a state whose network, or kind of data, differs from the fitted one."""
    differing = difference(network_of(fitted), network_of(state))
    if differing is None:
        ours, theirs = ({**s, "normalize_X": s["_x_moments"] is not None} for s in (fitted, state))
        differing = next(
            (
                (name, ours[name], theirs[name])
                for name in ("normalize_X", *DESCRIPTION)
                if name in ours and name in theirs and name not in MAY_DIFFER
                if not np.array_equal(ours[name], theirs[name])
            ),
            None,
        )
    if differing is not None:
        name, ours, theirs = differing
        raise ValueError(
            f"`file` must hold the network that was fitted, with {name.strip('_')}={ours!r}; "
            f"got {theirs!r}."
        )


def _as_json(value, name):
    """Write an array as its dtype and values; a plain value stays."""
    if not isinstance(value, np.ndarray):
        return value
    dtype = f"<U{value.itemsize // 4}" if value.dtype.kind == "U" else value.dtype.name
    written = {"dtype": dtype, "values": value.ravel().tolist()}
    try:
        _from_json(written, name)
    except ValueError as error:
        raise ValueError(
            f"`{name}` of dtype {value.dtype} cannot be kept in a weight file ({error}); numbers "
            "and strings can. Encode the labels, or use pickle."
        ) from error
    return written


def _from_json(written, name):
    """Read what `_as_json` wrote."""
    if not isinstance(written, dict) or name == "_architecture":
        return written
    dtype, values = written.get("dtype"), written.get("values")
    if not (isinstance(dtype, str) and STORABLE.fullmatch(dtype) and isinstance(values, list)):
        raise ValueError(f"`{name}` has a dtype that is not of numbers, strings or objects")
    if not all(isinstance(value, (str, bool, int, float)) for value in values):
        raise ValueError(f"`{name}` has values other than numbers and strings")
    if np.dtype(dtype).itemsize * len(values) > MOST_BYTES:
        raise ValueError(f"`{name}` has more than {MOST_BYTES} bytes")
    if dtype.startswith("<U") and any(len(str(value)) > int(dtype[2:]) for value in values):
        raise ValueError(f"`{name}` has longer strings than {dtype} holds")
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"`{name}` is not of dtype {dtype}: {error}") from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"`{name}` is not finite in {dtype}")
    if name in ("_x_moments", "_y_moments"):
        if len(array) % N_MOMENTS:
            raise ValueError(f"`{name}` does not have a whole number of columns")
        array = array.reshape(N_MOMENTS, -1)
    return array
