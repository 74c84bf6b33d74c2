"""What a fit and a prediction of an estimator will take, told before they run."""

from dataclasses import dataclass, fields

import numpy as np

from ._data.categories import Categories, columns_of, dimensions, vectors_of
from ._data.label_columns import Indicator, LabelColumns
from ._data.labels import Labels
from ._data.moments import CHUNK
from ._data.scales import Scale
from ._data.targets import Numbers
from ._estimators.base import _RNNBase
from ._estimators.parameters import check, check_parameters
from ._model.words import network_of
from ._rules import integer, shown
from ._training.epochs import workspace_of
from ._training.held_out import n_held_out
from ._training.losses import LOSSES
from ._training.progress import Settings, n_vectors_of
from ._training.threads import effective_n_threads

__all__ = ["MemoryFootprint", "memory_footprint"]

UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
BYTES_OF_X = 8  # for each number: X is taken to be float64, which NumPy makes by default
BYTES_OF_RESULT = 16  # for each output in the units of y, or label: its last step makes a copy
BYTES_OF_SEQUENCE = 32  # its length, its place in X, and in the order of a pass
# What reading takes for a moment before the workspace: for each number of a chunk whose moments are
# computed, each target per step, each step with a weight, and each step with codes.
BYTES_OF_CHUNK, BYTES_OF_TARGET, BYTES_OF_WEIGHT, BYTES_OF_CODES = 18, 24, 16, 12


@dataclass(frozen=True)
class MemoryFootprint:
    """What a fit and a prediction take, in bytes: see `memory_footprint`.

    Attributes
    ----------
    n_params : int
        Number of parameters of the network.
    parameters : int
        The parameters during `fit`.
    optimizer : int
        The moments of the solver, and with `early_stopping` the best parameters so far.
    activations : int
        What the steps of a minibatch keep in `fit`, in all threads; `memory_budget` limits it.
    gradients : int
        The gradients of the parameters in `fit`: one for each slice of a minibatch, and their sum.
    packed : int
        The weights in the form that products read, and tables of the network, in `fit`.
    validation : int
        The predictions of the held-out sequences, with `early_stopping`.
    data : int
        Copies of the data that `fit` makes.
    fit : int
        All that `fit` takes when it takes most.
    predict : int
        All that `predict` takes, besides the fitted estimator.
    """

    n_params: int
    parameters: int
    optimizer: int
    activations: int
    gradients: int
    packed: int
    validation: int
    data: int
    fit: int
    predict: int

    def __repr__(self):
        sizes = {field.name: getattr(self, field.name) for field in fields(self)}
        n_params = sizes.pop("n_params")
        sizes = [f"{name}={_readable(n_bytes)}" for name, n_bytes in sizes.items()]
        return f"{type(self).__name__}(n_params={n_params}, {', '.join(sizes)})"


def _readable(n_bytes):
    """Return a number of bytes with three digits and a unit: 53.3 kB."""
    value, unit = float(n_bytes), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{n_bytes} B" if unit == 0 else f"{value:#.3g}".rstrip(".") + f" {UNITS[unit]}"


def memory_footprint(
    estimator,
    *,
    n_timesteps,
    n_features=None,
    n_samples=None,
    n_outputs=None,
    n_classes=None,
    n_codes=None,
    n_threads=None,
):
    """Return how much memory a fit and a prediction of an estimator will take.

    Nothing is trained or allocated: the network and its workspace are planned as `fit` and
    `predict` would plan them. What Python itself, the data of the caller, and callbacks take is not
    counted.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Unfitted or fitted. `fit` counts for its parameters, as if it had not been fitted; `predict`
        of a fitted estimator counts for the network that was fitted.
    n_timesteps : int or array-like of shape (n_samples,)
        Number of steps of the sequences, or of each of them.
    n_features : int or None, default=None
        Number of features of X. None: that of the fit.
    n_samples : int or None, default=None
        Number of sequences to fit and to predict, with `n_timesteps` an integer.
    n_outputs : int or None, default=None
        Number of targets of a regression, or of labels of 0 and 1 (multilabel). None: as fitted, or
        1 number.
    n_classes : int, list of int or None, default=None
        Number of classes; a list has one for each of several outputs (multioutput). None: as
        fitted, or 2.
    n_codes : int, list of int or None, default=None
        Number of different codes in each of the `categorical_features`. None: as fitted.
    n_threads : int or None, default=None
        Number of threads. None: the parameter `n_threads` of the estimator.

    Returns
    -------
    footprint : MemoryFootprint
        Bytes, by their use. X is taken to be one array of float64 for an integer `n_timesteps`,
        which `fit` does not copy, and a list of such arrays otherwise, which it packs into one.

    Raises
    ------
    ValueError
        If an argument or a parameter of the estimator is not as described, or `memory_budget` is
        too small.
    TypeError
        If `estimator` is of another class.

    Notes
    -----
    Memory that BLAS takes for itself is not counted: 32 MB of address space for each thread that
    calls it, of which little is touched. Fits in several processes take as much each.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.inspection import memory_footprint
    >>> rnn = RNNClassifier(128, cell="lstm", batch_size=32, n_threads=2)
    >>> footprint = memory_footprint(rnn, n_timesteps=10_000, n_features=8, n_samples=1000)
    >>> footprint.n_params, footprint.parameters
    (70785, 283140)
    >>> rnn.set_params(memory_budget=20_000_000)
    RNNClassifier(batch_size=32, cell='lstm', hidden_layer_sizes=128,
                  memory_budget=20000000, n_threads=2)
    >>> less = memory_footprint(rnn, n_timesteps=10_000, n_features=8, n_samples=1000)
    >>> bool(less.activations <= 20_000_000 < footprint.activations)
    True
    """
    if not isinstance(estimator, _RNNBase):
        raise TypeError(
            "`estimator` must be an RNNClassifier or an RNNRegressor, got "
            f"{type(estimator).__name__}."
        )
    words = check_parameters(vars(estimator))
    model = estimator._fitted_model() if hasattr(estimator, "params_") else None
    lengths, is_ragged = _lengths(n_timesteps, n_samples)
    n_features = _n_features(n_features, model)
    target = _target(estimator, n_outputs, n_classes, model)
    tables = _tables(estimator, n_features, n_codes, model)
    facts = n_features, target.n_outputs, getattr(estimator, "loss", target.loss), target.groups
    network = network_of(vars(estimator), *facts, tables, words)
    check("n_threads", n_threads)
    n_threads = effective_n_threads(estimator.n_threads if n_threads is None else n_threads)
    if model is not None and model.network.n_features != n_features:
        model = None  # it could not predict
    predicting = network if model is None else model.network
    copied = lengths if is_ragged else lengths[:0]
    return MemoryFootprint(
        **_of_fit(estimator, network, lengths, copied, n_threads),
        predict=_of_X(predicting, copied)
        + max(
            _of_predict(predicting, lengths, n_threads),
            BYTES_OF_CODES * int(lengths.sum()) * bool(predicting.tables),
        ),
    )


# ---- what is asked for --------------------------------------------------------------------------


def _lengths(n_timesteps, n_samples):
    """Return the length of each sequence (n_samples,), and whether they were given one by one."""
    if np.ndim(n_timesteps) == 0:
        integer(1).check("n_timesteps", n_timesteps)
        if n_samples is None:
            raise ValueError(
                "`n_samples` must be the number of sequences where `n_timesteps` is an integer, "
                "got None: the size of minibatches depends on it."
            )
        integer(1).check("n_samples", n_samples)
        return np.full(int(n_samples), int(n_timesteps), dtype=np.intp), False
    lengths = np.asarray(n_timesteps)
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or lengths.min(initial=1) < 1:
        raise ValueError(
            "`n_timesteps` must be an integer of at least 1, or a 1-D array of those, one for each "
            f"sequence; got {shown(n_timesteps)}."
        )
    if lengths.size == 0 or n_samples not in (None, len(lengths)):
        raise ValueError(
            "`n_samples` must be None, or the number of sequences in `n_timesteps`, which is "
            f"{len(lengths)} and must be at least 1; got {shown(n_samples)}."
        )
    return lengths.astype(np.intp), True


def _n_features(n_features, model):
    if n_features is None and model is not None:
        return model.network.n_features
    integer(1).check("n_features", n_features)
    return int(n_features)


def _target(estimator, n_outputs, n_classes, model):
    """Return a target with so many outputs or classes; None: as fitted, or the simplest one."""
    if n_outputs is not None:
        integer(1).check("n_outputs", n_outputs)
    if estimator._target_kind is Numbers:
        if n_classes is not None:
            raise ValueError(
                f"`n_classes` must be None for a {type(estimator).__name__}, got "
                f"{shown(n_classes)}."
            )
        if n_outputs is None:
            n_outputs = 1 if model is None else model.target.n_targets
        scale = Scale.fixed(int(n_outputs))
        facts = {name: getattr(estimator, name) for name in ("loss", "dtype", "quantile")}
        return Numbers(scale, n_outputs == 1, **facts)
    if n_outputs is not None and n_classes is not None:
        raise ValueError(
            "`n_outputs` must be None where `n_classes` is given: a list of numbers of classes has "
            f"one for each output; got {shown(n_outputs)}."
        )
    if n_outputs is not None:
        return Indicator(int(n_outputs))
    if isinstance(n_classes, (list, tuple)):
        if len(n_classes) < 2 or not all(map(integer(2).test, n_classes)):
            raise ValueError(
                "`n_classes` must be an integer of at least 2, or a list of at least two of those, "
                f"got {shown(n_classes)}."
            )
        return LabelColumns(tuple(Labels(np.arange(n)) for n in n_classes))
    if n_classes is None and model is not None:
        return model.target
    n_classes = 2 if n_classes is None else n_classes
    integer(2).check("n_classes", n_classes)
    return Labels(np.arange(n_classes))


def _tables(estimator, n_features, n_codes, model):
    """Return column, rows and columns of the table of each categorical feature."""
    features = estimator.categorical_features
    if n_codes is None and model is not None:
        return model.network.tables
    if isinstance(features, str) and features == "from_dtype":
        raise ValueError(
            "`categorical_features` must be the columns themselves: there is no frame whose types "
            "tell them; got 'from_dtype'."
        )
    columns = columns_of(features, n_features)
    if not columns:
        if n_codes is not None:
            raise ValueError(
                f"`n_codes` must be None without `categorical_features`, got {shown(n_codes)}."
            )
        return ()
    counts = list(n_codes) if np.ndim(n_codes) == 1 else [n_codes] * len(columns)
    if len(counts) != len(columns) or not all(map(integer(1).test, counts)):
        raise ValueError(
            "`n_codes` must be the number of different codes in the `categorical_features`, or a "
            f"list with one for each of these {len(columns)} columns; got {shown(n_codes)}."
        )
    categories = Categories(columns, tuple(map(np.arange, counts)))
    vectors = vectors_of(estimator.embedding_init, categories, estimator.dtype)
    widths = dimensions(estimator.embedding_dim, categories, vectors)
    return tuple(zip(columns, categories.n_rows, widths, strict=True))


# ---- what it takes ------------------------------------------------------------------------------


def _of_fit(estimator, network, lengths, copied, n_threads):
    """Return the fields of a footprint that concern `fit`, a dict."""
    params, settings = vars(estimator), Settings.of(vars(estimator))
    of_params = network.n_params * np.dtype(network.dtype).itemsize
    moments = n_vectors_of(settings) * of_params
    data = _of_X(network, copied) + _of_targets(network, lengths)
    data, validation = data + BYTES_OF_SEQUENCE * len(lengths), 0
    reading = _of_reading(network, lengths, params["early_stopping"])
    transient = n_vectors_of(settings) * network.n_params  # tests whether all are finite
    # What `fit` sets on the estimator is a copy. While a scorer reads it, the next one is made.
    n_shown = 2 if params["early_stopping"] and params["scoring"] not in (None, "loss") else 0
    if params["early_stopping"]:
        held_out, lengths = _split(lengths, params["validation_fraction"])
        validation = _of_predict(network, held_out, n_threads)
        data += _of_X(network, held_out) + _of_targets(network, held_out)
        moments += of_params  # the best parameters so far
        transient = max(transient, of_params)  # and better ones, before they replace them
    workspace = network.workspace(**workspace_of(settings, lengths), n_threads=n_threads)
    kept = of_params + moments
    shown_at = (1 + n_vectors_of(settings)) * of_params
    training = sum(workspace.values()) + max(transient, n_shown * shown_at)
    return {
        "n_params": network.n_params,
        "parameters": of_params,
        "optimizer": moments,
        "activations": workspace["steps"],
        "gradients": workspace["gradients"],
        "packed": workspace["weights"] + workspace["tables"],
        "validation": validation,
        "data": data,
        "fit": data + max(reading, kept + validation + max(training, max(n_shown, 1) * shown_at)),
    }


def _split(lengths, fraction):
    """Return lengths of the sequences that early stopping holds out, and of those it trains on.

    Which they are is not known: both may be the longest ones.
    """
    n = n_held_out(len(lengths), fraction)
    longest = np.sort(lengths)[::-1]
    return longest[:n], longest[: len(lengths) - n]


def _of_predict(network, lengths, n_threads):
    """Return the bytes that a prediction takes for its workspace and its results."""
    workspace = network.workspace(lengths, len(lengths), n_threads, training=False)
    n_rows = _n_rows(network, lengths)
    outputs = n_rows * network.n_outputs * np.dtype(network.dtype).itemsize
    finite = n_rows * network.n_outputs  # a test of each output
    is_numbers = LOSSES[network.loss].targets == "numbers"
    results = n_rows * BYTES_OF_RESULT * (network.n_outputs if is_numbers else 1)
    of_sequences = BYTES_OF_SEQUENCE * len(lengths)
    return outputs + of_sequences + max(sum(workspace.values()) + finite, results)


def _n_rows(network, lengths):
    """Return the number of targets of sequences of these lengths."""
    return int(lengths.sum()) if network.per_step else len(lengths)


def _of_reading(network, lengths, has_weights=False):
    """Return the bytes that reading X and y takes for a moment, before there is a workspace."""
    n_steps = int(lengths.sum())
    of_steps = BYTES_OF_WEIGHT * has_weights
    if network.per_step:
        of_steps = max(of_steps, BYTES_OF_TARGET * network.n_targets)
    if network.tables:
        of_steps = max(of_steps, BYTES_OF_CODES)
    return max(BYTES_OF_CHUNK * min(n_steps * network.n_features, CHUNK), of_steps * n_steps)


def _of_X(network, lengths):
    """Return the bytes of a copy of sequences of these lengths, and of their offsets."""
    return int(lengths.sum()) * network.n_features * BYTES_OF_X + 8 * len(lengths)


def _of_targets(network, lengths):
    """Return the bytes of the encoded targets of sequences of these lengths."""
    n_columns, itemsize = network.n_targets, np.dtype(network.dtype).itemsize
    if LOSSES[network.loss].targets == "classes":
        several = {"multilabel": network.n_outputs, "multioutput": len(network.groups)}
        n_columns, itemsize = several.get(network.loss, 1), 4
    return _n_rows(network, lengths) * n_columns * itemsize
