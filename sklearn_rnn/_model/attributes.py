"""The fitted attributes: what a fit sets on an estimator, checked before each use.

They are a dict, for example `vars` of an estimator. They may come from a file or have been changed
by hand, so they must be checked before the kernels read the arrays among them.
"""

import reprlib
from math import isnan
from numbers import Real

import numpy as np

from .._data.form import KINDS
from .._data.moments import N_MOMENTS
from .._rules import Allowed, boolean, either, integer, number, one_of
from .._training.history import KEPT
from .._training.losses import LOSSES
from .._training.optimizers import SOLVERS, n_moments
from .network_description import FORMAT, from_description
from .network_description import describe as describe_network

# Every attribute that a fit sets. Others, such as those of a subclass or a callback, are not ours.
FITTED = frozenset(
    "n_features_in_ feature_names_in_ categories_ classes_ x_mean_ x_scale_ y_mean_ y_scale_ "
    "params_ n_layers_ n_outputs_ _x_moments _y_moments _taught tasks_ task_weights_ "
    "out_activation_ n_iter_ t_ loss_ best_loss_ loss_curve_ validation_scores_ "
    "best_validation_score_ window_lengths_ _history _input_kind _y_is_1d _architecture _optimizer "
    "longest_target_ _y_is_str horizon_ x_future_mean_ x_future_scale_ "
    "n_timesteps_ _code_mean _code_scale "
    "encoder_ _has_stops _n_given".split()
)
# Mean and scale of X and y, and the moments from which they are continued.
ARRAYS = (
    *("x_mean_", "x_scale_", "_x_moments", "y_mean_", "y_scale_", "_y_moments"),
    *("x_future_mean_", "x_future_scale_", "_code_mean", "_code_scale"),
)
SCALES = (*ARRAYS, "_taught")

LONGEST = 300  # letters of a quoted error message
COUNT = integer(0, 62)
RULES = {
    "n_features_in_": integer(1),
    "_input_kind": one_of(KINDS),
    "_y_is_1d": boolean,
    "_y_is_str": boolean,
    "longest_target_": COUNT,
    "horizon_": either(None, integer(1)),
    "n_timesteps_": either(None, integer(1)),
    "_has_stops": boolean,
    "_n_given": COUNT,
    "_taught": Allowed(
        lambda v: isinstance(v, (tuple, list)) and len(v) == 2 and all(map(COUNT.test, v)),
        "two counts",
    ),
    "t_": COUNT,
    "loss_curve_": Allowed(lambda v: isinstance(v, list), "a list"),
    "best_loss_": Allowed(lambda v: v is None or isinstance(v, Real), "a number or None"),
    "validation_scores_": Allowed(lambda v: v is None or isinstance(v, list), "None or a list"),
    "_history": Allowed(
        lambda v: (
            isinstance(v, dict)
            and v.keys() <= set(KEPT)
            and all(isinstance(column, list) for column in v.values())
        ),
        f"a dict of lists, whose names are among {KEPT}",
    ),
    "solver": one_of(SOLVERS),
    "seed": integer(0, 64),
    "learning_rate": number(0),
    "n_updates": COUNT,
    "n_passes": COUNT,
    "best": Allowed(lambda v: isinstance(v, Real) and not isnan(v), "a number or infinity"),
    "no_improvement": COUNT,
    "n_averaged": COUNT,
    "was_fit": boolean,
}
OPTIMIZER = {"solver", "moments", "seed", "learning_rate", "n_updates", "n_passes"}
AVERAGING = {"raw_params", "n_averaged"}  # both with `ema_decay`, otherwise neither
JUDGEMENT = {"best", "no_improvement"}  # `_optimizer` has both, or with validation neither
LATER = {"was_fit"}  # earlier versions did not have it


# The attributes that describe targets, by kind of target.
OF_KINDS = {
    "classes": {"classes_"},
    "numbers": {"y_mean_", "y_scale_", "_y_is_1d", "_y_moments"},
    "steps": {"n_timesteps_", "_code_mean", "_code_scale"},
    "sequences of classes": {"classes_", "_y_is_str", "longest_target_"},
    "sequences of numbers": {
        *("y_mean_", "y_scale_", "_y_is_1d", "_y_moments"),
        *("horizon_", "x_future_mean_", "x_future_scale_"),
    },
    "tasks": {"classes_", "y_mean_", "y_scale_", "_y_moments", "tasks_", "task_weights_"},
    "tokens": {"encoder_", "classes_", "_has_stops", "_n_given"},
}
OF_NUMBERS = ("numbers", "sequences of numbers")
OF_TARGETS = set().union(*OF_KINDS.values())


def holds_of(fitted, network):
    """Return what the targets are, a key of OF_KINDS: of a network of tokens, the next token."""
    if network.is_pair:
        holds = LOSSES[network.loss].targets
        return "steps" if "n_timesteps_" in fitted else f"sequences of {holds}"
    return "tokens" if "encoder_" in fitted else LOSSES[network.loss].targets


# ---- checks at each use --------------------------------------------------------------------------


def checked(fitted):
    """Return the network that was fitted, after a check of all that a prediction uses."""
    network = network_in(fitted)
    _check_array(fitted, "params_", network.dtype, (network.n_params,))
    n_features = _check(fitted, "n_features_in_")
    n_per_step = 1 if _check(fitted, "_input_kind") == "2d" else n_features
    if n_per_step != network.n_features:
        raise _damaged("n_features_in_", f"that of a network for {network.n_features}", n_features)
    for name in ("x_mean_", "x_scale_"):
        _check_array(fitted, name, np.float64, (network.n_features,))
    _check_moments(fitted, "_x_moments", network.n_features)
    _check_categories(fitted, network)
    holds = holds_of(fitted, network)
    if network.is_pair:
        _check_pair(fitted, network, holds)
        return network
    words = network.words
    if holds != "tokens" and (words.tie_embeddings or words.adaptive_softmax is not None):
        raise _damaged("_architecture", "that of a network without tied embeddings or tails", holds)
    if holds == "classes":
        _check_classes(fitted, network)
    elif holds == "tokens":
        _check_tokens(fitted, network)
    elif holds == "tasks":
        _check_tasks(fitted, network)
    else:
        _check_numbers(fitted, network)
    return network


def _check_numbers(fitted, network):
    for name in ("y_mean_", "y_scale_"):
        _check_array(fitted, name, np.float64, (network.n_targets,))
    if _check(fitted, "_y_is_1d") and network.n_targets > 1:
        raise _damaged("_y_is_1d", f"False with {network.n_targets} targets", True)


def network_in(fitted, file_format=FORMAT):
    """Return the network that `_architecture` describes."""
    try:
        return from_description(_kept(fitted, "_architecture"), file_format)
    except ValueError as error:
        raise ValueError(f"`_architecture` is damaged: {str(error)[:LONGEST]}") from error


def check_continuing(fitted, network):
    """Check what continued training needs in addition."""
    for name in ("t_", "loss_curve_", "best_loss_", "validation_scores_", "_taught"):
        _check(fitted, name)
    if holds_of(fitted, network) in OF_NUMBERS:
        _check_moments(fitted, "_y_moments", network.n_targets)
    # If the best loss is unknown, it is the least of the curve; checking a long curve takes time.
    if fitted["best_loss_"] is None and not all(isinstance(v, Real) for v in fitted["loss_curve_"]):
        raise _damaged("loss_curve_", "numbers", fitted["loss_curve_"])
    n_epochs = len(fitted["loss_curve_"])
    for name, column in _check(fitted, "_history").items():
        if len(column) != n_epochs:
            raise _damaged(f"_history[{name!r}]", f"a list of {n_epochs} numbers", column)
    optimizer = _kept(fitted, "_optimizer")
    names = set(optimizer) if isinstance(optimizer, dict) else set()
    pairs = [pair for pair in (JUDGEMENT, AVERAGING) if names & pair]
    if names - LATER != OPTIMIZER.union(*pairs):
        raise _damaged("_optimizer", f"a dict of {sorted(OPTIMIZER)}", sorted(map(str, names)))
    for name in names - {"moments", "raw_params"}:
        _check(optimizer, name, "_optimizer[{!r}]")
    shape = (n_moments(optimizer["solver"]), network.n_params)
    _check_array(optimizer, "moments", network.dtype, shape, "_optimizer[{!r}]")
    if "raw_params" in names:
        shape = (network.n_params,)
        _check_array(optimizer, "raw_params", network.dtype, shape, "_optimizer[{!r}]")


def _damaged(name, wanted, came):
    """Return the error about a value; an array is described by its dtype and shape."""
    if isinstance(came, np.ndarray):
        came = f"{came.dtype} of shape {came.shape}"
    else:
        came = reprlib.repr(came)
    return ValueError(f"`{name}` must be {wanted}, got {came}: the fitted attributes are damaged.")


def _kept(fitted, name, label="{}"):
    try:
        return fitted[name]
    except KeyError:
        raise ValueError(
            f"`{label.format(name)}` is missing: the fitted attributes are damaged."
        ) from None


def _check(fitted, name, label="{}"):
    value = _kept(fitted, name, label)
    if not RULES[name].test(value):
        raise _damaged(label.format(name), RULES[name].text, value)
    return value


def _check_array(fitted, name, dtype, shape, label="{}"):
    array = _kept(fitted, name, label)
    fits = isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape
    if not (fits and array.flags.c_contiguous):
        wanted = f"a contiguous {np.dtype(dtype)} array of shape {shape}"
        raise _damaged(label.format(name), wanted, array)


def _check_moments(fitted, name, n_columns):
    """Check the moments from which a scale is updated; None means a fixed scale."""
    if _kept(fitted, name) is not None:
        _check_array(fitted, name, np.float64, (N_MOMENTS, n_columns))


def _check_classes(fitted, network):
    classes = _kept(fitted, "classes_")
    if network.loss == "multilabel":
        if not np.array_equal(classes, np.arange(network.n_outputs)):
            raise _damaged("classes_", f"the numbers of {network.n_outputs} columns", classes)
        return
    n_classes = 2 if network.loss == "logistic" else network.n_outputs - network.is_pair
    sizes, columns = (n_classes,), [classes]
    if network.loss == "multioutput":
        sizes, columns = network.groups, classes
        if not isinstance(classes, list) or len(classes) != len(sizes):
            raise _damaged("classes_", f"a list of {len(sizes)} arrays of labels", classes)
    _check_columns(columns, sizes)


def _check_pair(fitted, network, holds):
    """Check what describes targets with steps of their own."""
    if holds == "sequences of classes":
        _check_classes(fitted, network)
        _check(fitted, "_y_is_str")
        _check(fitted, "longest_target_")
        n_rows = [rows for _, rows, _ in network.target_tables]
        if n_rows != [network.n_outputs]:
            raise _damaged("_architecture", f"that of a table of {network.n_outputs} rows", n_rows)
    elif holds == "sequences of numbers":
        _check_numbers(fitted, network)
        _check(fitted, "horizon_")
        n_future = network.n_target_features - network.n_outputs
        for name in ("x_future_mean_", "x_future_scale_") if n_future else ():
            _check_array(fitted, name, np.float64, (n_future,))
    elif holds == "steps":
        _check(fitted, "n_timesteps_")
        if network.n_target_features != network.n_features:
            raise _damaged("_architecture", "that of a decoder of X", network.n_target_features)
        n_numbers = network.n_features - len(network.tables)
        for name in ("_code_mean", "_code_scale"):
            _check_array(fitted, name, np.float64, (n_numbers,))
    else:
        raise _damaged("_architecture", "that of a decoder of labels or numbers", network.loss)


def _check_columns(columns, sizes):
    """Check the classes of each column of labels."""
    for n_classes, column in zip(sizes, columns, strict=True):
        fits = isinstance(column, np.ndarray) and column.shape == (n_classes,)
        if not fits or column.dtype.kind in "cV":
            raise _damaged("classes_", f"an array of labels of shape ({n_classes},)", column)


def _check_tokens(fitted, network):
    """Check what describes texts; their codes are both the data and the classes."""
    n_codes = getattr(fitted["encoder_"], "n_codes_", None)
    shape = [(0, n_codes)] if integer(1).test(n_codes) else None
    if shape is None or network.n_outputs != n_codes or network.loss != "softmax":
        wanted = f"an encoder with {network.n_outputs} codes"
        raise _damaged("encoder_", wanted, fitted["encoder_"])
    tables = [(column, rows) for column, rows, _ in network.tables]
    words = network.words
    if tables != shape or network.n_features != 1 or not network.per_step or words.bidirectional:
        raise _damaged("_architecture", "that of a network of tokens", tables)
    if fitted["_x_moments"] is not None:
        raise _damaged("_x_moments", "None with an `encoder_`", fitted["_x_moments"])
    _check(fitted, "_has_stops")
    n_given = _check(fitted, "_n_given")
    if "classes_" in fitted:
        _check_columns([fitted["classes_"]], [n_given])


def _check_tasks(fitted, network):
    """Check what describes several tasks; `groups` has the loss and number of outputs of each."""
    tasks, groups = _kept(fitted, "tasks_"), network.groups
    kinds = [_kind_of_task(loss) for loss, _ in groups]
    named = isinstance(tasks, dict) and all(isinstance(name, str) for name in tasks)
    if not named or list(tasks.values()) != kinds:
        raise _damaged("tasks_", f"a dict from names to {kinds}", tasks)
    weights = _kept(fitted, "task_weights_")
    of_tasks = isinstance(weights, dict) and list(weights) == list(tasks)
    if not of_tasks or not all(map(number(0).test, weights.values())):
        raise _damaged("task_weights_", f"a dict of numbers for the tasks {list(tasks)}", weights)
    of_classes = {
        name: 2 if loss == "logistic" else size
        for (name, kind), (loss, size) in zip(tasks.items(), groups, strict=True)
        if kind == "classes"
    }
    classes = _kept(fitted, "classes_")
    if not isinstance(classes, dict) or list(classes) != list(of_classes):
        raise _damaged(
            "classes_", f"a dict of the classes of the tasks {list(of_classes)}", classes
        )
    _check_columns(classes.values(), of_classes.values())
    n_numbers = len(groups) - len(of_classes)
    for name in ("y_mean_", "y_scale_"):
        _check_array(fitted, name, np.float64, (n_numbers,))
    n_scaled = n_numbers - sum(LOSSES[loss].out_activation == "exp" for loss, _ in groups)
    moments = _kept(fitted, "_y_moments")
    if (moments is None) != (n_scaled == 0):
        raise _damaged("_y_moments", f"the moments of {n_scaled} tasks", moments)
    _check_moments(fitted, "_y_moments", n_scaled)


def _kind_of_task(loss):
    """Return the kind of a task with this loss, as in `tasks_`."""
    if LOSSES[loss].targets == "classes":
        return "classes"
    return "numbers" if loss == "squared_error" else loss


def _check_categories(fitted, network):
    categories = fitted.get("categories_", [])
    shapes = [(rows - 1,) for _, rows, _ in network.tables]
    if not isinstance(categories, list) or len(categories) != len(shapes):
        raise _damaged("categories_", f"a list of {len(shapes)} arrays", categories)
    for known, shape in zip(categories, shapes, strict=True):
        fits = isinstance(known, np.ndarray) and known.shape == shape and known.dtype.kind in "iU"
        if not fits:
            raise _damaged("categories_", f"arrays of codes or strings of shapes {shapes}", known)


# ---- checks when attributes are loaded -----------------------------------------------------


def check_whole(fitted):
    """Return the network that was fitted, after a check that all is undamaged and finite."""
    network = checked(fitted)
    holds = holds_of(fitted, network)
    for name in sorted(OF_TARGETS - OF_KINDS[holds]):
        if name in fitted:
            raise _damaged(name, f"absent with loss={network.loss!r}", fitted[name])
    if holds in OF_NUMBERS:
        _check_moments(fitted, "_y_moments", network.n_targets)
    _check(fitted, "_taught")
    arrays = [(name, fitted[name]) for name in ("params_", *ARRAYS) if fitted.get(name) is not None]
    if "_optimizer" in fitted:
        check_continuing(fitted, network)
        kept = fitted["_optimizer"]
        names = [name for name in ("moments", "raw_params") if name in kept]
        arrays += [(f"_optimizer[{name!r}]", kept[name]) for name in names]
    for name, array in arrays:
        if not np.isfinite(array).all():
            raise _damaged(name, "finite", array[~np.isfinite(array)][0].item())
    for name in ("x_scale_", "y_scale_", "x_future_scale_", "_code_scale"):
        if name in fitted and not (fitted[name] > 0).all():
            raise _damaged(name, "positive", fitted[name].tolist())
    for name in ("_x_moments", "_y_moments"):
        if fitted.get(name) is not None:
            weight, _, deviation, *_ = fitted[name]
            if not (weight > 0).all() or not (deviation >= 0).all():
                raise _damaged(name, "moments of numbers", fitted[name])
    for known in fitted.get("categories_", ()):
        if not _are_in_order(known) or (known.dtype.kind == "i" and known[0] < 0):
            raise _damaged("categories_", "distinct codes in order", known)
    classes = fitted.get("classes_", [])
    classes = list(classes.values()) if isinstance(classes, dict) else classes
    for column in classes if isinstance(classes, list) else [classes]:
        if not _are_in_order(column):
            raise _damaged("classes_", "distinct labels in order", column.tolist())
    if fitted["_x_moments"] is None and (
        fitted["x_mean_"].any() or (fitted["x_scale_"] != 1).any()
    ):
        raise _damaged("_x_moments", "an array beside a mean and scale of X", None)
    names = fitted.get("feature_names_in_")
    if names is not None:
        n_features = fitted["n_features_in_"]
        if not (isinstance(names, np.ndarray) and names.shape == (n_features,)):
            raise _damaged("feature_names_in_", f"an array of {n_features} names", names)
    return network


def _are_in_order(classes):
    try:
        return np.array_equal(np.unique(classes), classes)
    except TypeError:  # objects that do not compare
        return False


# ---- attributes of earlier versions --------------------------------------------------------------


def upgrade(fitted, file_format):
    """Return fitted attributes in the format of this version."""
    if file_format == FORMAT:
        return fitted
    fitted = dict(fitted)
    if "_architecture" in fitted:
        network = network_in(fitted, file_format)
        fitted["_architecture"] = describe_network(network)
    if "vectors" in fitted.get("_optimizer", ()):
        optimizer = dict(fitted["_optimizer"])
        optimizer["moments"] = optimizer.pop("vectors")
        fitted["_optimizer"] = optimizer
    if file_format == 1 and "_architecture" in fitted:
        n_features = network.n_features
        fitted.update(x_mean_=np.zeros(n_features), x_scale_=np.ones(n_features), _x_moments=None)
        fitted["_taught"] = (0, 0)
    if file_format == 1 and "y_mean_" in fitted:
        fitted["_y_moments"] = None
    return fitted


def without_average(fitted):
    """Return the fitted attributes that change when other weights replace an average of weights.

    Training then continues from the new weights, not from those that were averaged.
    """
    optimizer = fitted.get("_optimizer")
    if not isinstance(optimizer, dict) or not optimizer.keys() & AVERAGING:
        return {}
    return {"_optimizer": {k: v for k, v in optimizer.items() if k not in AVERAGING}}


# ---- what training sets --------------------------------------------------------------------------


def history(network, progress, in_place=False):
    """Return the attributes that hold the history of training, and what its continuation needs.

    in_place: see `Progress.curves`.
    """
    judged = progress.validates and progress.best < np.inf
    best_loss = None if progress.validates else min(progress.best_loss, progress.loss)
    scores = [*progress.earlier_scores, *progress.scores] if progress.validates else None
    losses, facts = progress.curves(in_place)
    return {
        "_optimizer": progress.optimizer(),
        "n_layers_": network.n_layers,
        "n_outputs_": network.n_outputs,
        "out_activation_": LOSSES[network.loss].out_activation,
        "n_iter_": progress.n_iter,
        "t_": progress.n_sequences,
        "loss_": progress.loss,
        "best_loss_": best_loss,
        "loss_curve_": losses,
        "_history": facts,
        "validation_scores_": scores,
        "best_validation_score_": progress.best_score if judged else None,
        "window_lengths_": progress.window_lengths,
    }
