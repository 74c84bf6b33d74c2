"""The memory that a fit and a prediction of an estimator will take."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from sklearn.base import BaseEstimator

from .._data.categories import Categories, columns_of, vectors_of
from .._data.label_columns import Indicator, LabelColumns
from .._data.labels import Labels
from .._data.scales import Scale
from .._data.tags import Tags
from .._data.targets import Numbers
from .._data.tasks import Tasks
from .._estimators.base import _RNNBase
from .._estimators.parameters import check, check_parameters
from .._estimators.seq2seq import _PairRNN
from .._model.words import network_of
from .._rules import INTEGER_BITS, integer, shown
from .._training.footprint import of_fit, of_predictions
from .._training.freezing import frozen_names
from .._training.progress import Settings
from .._training.threads import effective_n_threads
from .._typing import ArrayLike, Integer, SequenceNotStr

UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


@dataclass(frozen=True)
class MemoryFootprint:
    """Memory that a fit and a prediction take, in bytes; see `memory_footprint`.

    Attributes
    ----------
    n_params : int
        Number of parameters of the network.
    parameters : int
        The parameters, in `fit`.
    optimizer : int
        The moments of the solver (with "lbfgs" the memory of scipy), the average of the weights
        (with `ema_decay`) and the best weights so far (with `early_stopping`), in `fit`.
    activations : int
        Activations of all steps of a minibatch and their gradients, for all threads, in `fit`;
        `memory_budget` limits them.
    gradients : int
        Gradients of the parameters, in `fit`: one for each slice of a minibatch, and their sum.
    packed : int
        Copies of the weights in the form that matrix products read, and internal tables, in `fit`.
    validation : int
        Predictions for the held-out sequences, with `early_stopping`.
    data : int
        Copies of the data, in `fit`.
    fit : int
        The most that `fit` takes at any time. With large data and a small network, it takes the
        most while it reads the data.
    predict : int
        The most that `predict` takes, without the fitted estimator.

    See Also
    --------
    memory_footprint : Returns this.

    Examples
    --------
    >>> from sklearn_rnn import RNNClassifier
    >>> from sklearn_rnn.inspection import memory_footprint
    >>> rnn = RNNClassifier(64)
    >>> footprint = memory_footprint(rnn, n_timesteps=100, n_features=8, n_samples=500)
    >>> footprint.n_params, footprint.parameters
    (14273, 57092)
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
    estimator: BaseEstimator,
    *,
    n_timesteps: Integer | ArrayLike,
    n_features: Integer | None = None,
    n_samples: Integer | None = None,
    n_outputs: Integer | None = None,
    n_classes: Integer | SequenceNotStr[Integer] | None = None,
    n_codes: Integer | SequenceNotStr[Integer] | None = None,
    n_threads: Integer | None = None,
) -> MemoryFootprint:
    """Return how much memory a fit and a prediction of an estimator will take.

    Nothing is trained or allocated: the network and its workspace are planned as in `fit` and
    `predict`. The memory of Python, of your data and of callbacks is not counted; with the schedule
    "grow" of `TruncatedBPTT`, neither is that of windows longer than `steps`.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor or MultiTaskRNN
        Unfitted or fitted. `fit` is planned with the present parameters; `predict` with the fitted
        network, if there is one and it has as many features.
    n_timesteps : int or array-like of shape (n_samples,)
        Number of steps of all sequences, or of each one.
    n_features : int or None, default=None
        Number of features of X. None means as fitted.
    n_samples : int or None, default=None
        Number of sequences in `fit` and in `predict`; required if `n_timesteps` is an integer.
    n_outputs : int or None, default=None
        Number of targets of a regressor, or of 0/1 labels of a classifier (multilabel), or of tasks
        of numbers of a MultiTaskRNN. None means as fitted, or for an unfitted regressor 1.
    n_classes : int, list of int or None, default=None
        Number of classes; a list for several columns of classes (multioutput), or several tasks of
        classes. None means as fitted, or for an unfitted classifier 2.
    n_codes : int, list of int or None, default=None
        Number of different codes in each of the `categorical_features`. None means as fitted.
    n_threads : int or None, default=None
        Number of threads. None means the parameter `n_threads` of the estimator.

    Returns
    -------
    footprint : MemoryFootprint
        Bytes by use. If `n_timesteps` is an integer, X is assumed to be one array of float64, which
        is not copied; otherwise a list of such arrays, which is copied into one. The numbers are
        within 10 % of what is allocated if the network takes at least half a megabyte and the data
        less than the network. Temporary memory for reading large data and the longest of random
        windows are only estimated.

    Raises
    ------
    ValueError
        If an argument or a parameter of the estimator is not as described, or if `memory_budget`
        is too small.
    TypeError
        If `estimator` is of another class.

    See Also
    --------
    sklearn_rnn.RNNClassifier.summary : Lists the parts of a network with their bytes.

    Notes
    -----
    The memory of BLAS is not counted: 32 MB of address space for each thread that calls it, most of
    which is never used. If several processes fit, each takes this much memory.

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
    refused = isinstance(estimator, _PairRNN) or getattr(estimator, "_HOLDS", None) == "tokens"
    if not isinstance(estimator, _RNNBase) or refused:
        raise TypeError(
            "`estimator` must be an RNNClassifier, RNNRegressor or MultiTaskRNN, got "
            f"{type(estimator).__name__}."
        )
    words = check_parameters(vars(estimator))
    model = estimator._fitted_model() if hasattr(estimator, "params_") else None
    if model is not None and n_features not in (None, model.network.n_features):
        model = None  # it cannot predict X with so many features
    lengths, is_list = _lengths(n_timesteps, n_samples)
    n_features = _n_features(n_features, model)
    target = _target(estimator, n_outputs, n_classes, model)
    tables = _tables(estimator, n_features, n_codes, model)
    facts = n_features, target.n_outputs, target.loss, target.groups
    network = network_of(vars(estimator), *facts, tables, words)
    if estimator.bptt is not None:
        network.check_causal("`bptt` needs")
    check("n_threads", n_threads)
    n_threads = effective_n_threads(estimator.n_threads if n_threads is None else n_threads)
    predicting = network if model is None else model.network
    facts_of_fit = {
        "n_epochs": int(estimator.max_iter),
        "frozen": frozen_names(network, estimator.frozen),
    }
    if estimator.early_stopping:
        facts_of_fit["fraction"] = estimator.validation_fraction
        facts_of_fit["scores_estimator"] = estimator.scoring not in (None, "loss")
    settings = Settings.of(vars(estimator))
    return MemoryFootprint(
        n_params=network.n_params,
        **of_fit(network, settings, lengths, is_list, n_threads, **facts_of_fit),
        predict=of_predictions(predicting, lengths, is_list, n_threads),
    )


# ---- what is asked for --------------------------------------------------------------------------


def _lengths(n_timesteps, n_samples):
    """Return the length of each sequence (n_samples,), and whether they are those of a list."""
    if np.ndim(n_timesteps) == 0:
        integer(1).check("n_timesteps", n_timesteps)
        if n_samples is None:
            raise ValueError(
                "`n_samples` must be the number of sequences if `n_timesteps` is an integer, got "
                "None: the size of minibatches depends on it."
            )
        integer(1).check("n_samples", n_samples)
        return np.full(int(n_samples), int(n_timesteps), dtype=np.intp), False
    lengths = np.asarray(n_timesteps)
    is_1d = lengths.ndim == 1 and lengths.dtype.kind in "iu"
    if not is_1d or lengths.min(initial=1) < 1 or lengths.max(initial=1) >= 2**INTEGER_BITS:
        raise ValueError(
            f"`n_timesteps` must be {integer(1).text}, or a 1-D array with one for each "
            f"sequence; got {shown(n_timesteps)}."
        )
    if lengths.size == 0 or n_samples not in (None, len(lengths)):
        raise ValueError(
            f"`n_samples` must be None or the length of `n_timesteps`, {len(lengths)}, which must "
            f"be at least 1; got {shown(n_samples)}."
        )
    return lengths.astype(np.intp), True


def _n_features(n_features, model):
    if n_features is None and model is not None:
        return model.network.n_features
    integer(1).check("n_features", n_features)
    return int(n_features)


def _target(estimator, n_outputs, n_classes, model):
    """Return a target with so many outputs or classes; None: as fitted, or the simplest one."""
    if estimator._HOLDS == "tasks":
        return _tasks(estimator, n_outputs, n_classes, model)
    if estimator._HOLDS == "numbers":
        return _numbers(estimator, n_outputs, n_classes, model)
    if n_outputs is not None and n_classes is not None:
        raise ValueError(
            "`n_outputs` must be None if `n_classes` is given (a list, for several columns of "
            f"classes), got {shown(n_outputs)}."
        )
    if n_outputs is not None:
        integer(2).check("n_outputs", n_outputs)
        return Indicator(int(n_outputs))
    if n_classes is None and model is not None:
        return model.target
    n_classes = 2 if n_classes is None else n_classes
    several = isinstance(n_classes, (list, tuple))
    columns = _labels(n_classes, 1 + several, "two or more")
    if estimator.transitions and not several:
        return Tags(columns[0].classes)
    return LabelColumns(columns) if several else columns[0]


def _labels(n_classes, fewest, how_many):
    """Return labels of so many classes for each column; a list has `fewest` numbers or more."""
    counts = n_classes if isinstance(n_classes, (list, tuple)) else [n_classes]
    if len(counts) < fewest or not all(map(integer(2).test, counts)):
        raise ValueError(
            f"`n_classes` must be an integer of at least 2, or a list of {how_many} of those, "
            f"got {shown(n_classes)}."
        )
    return tuple(Labels(np.arange(n)) for n in counts)


def _tasks(estimator, n_outputs, n_classes, model):
    """Return the target of several tasks."""
    if n_outputs is None and n_classes is None:
        if model is not None:
            return model.target
        raise ValueError(
            "`n_outputs` or `n_classes` must be given for a MultiTaskRNN that is not fitted to "
            "such X: the number of tasks of numbers, or a list with the number of classes of each "
            "other task; got None for both."
        )
    targets = ()
    if n_outputs is not None:
        integer(1).check("n_outputs", n_outputs)
        number = Numbers(Scale.fixed(1), True, "squared_error", estimator.dtype)
        targets = (number,) * int(n_outputs)
    if n_classes is not None:
        targets += _labels(n_classes, 1, "one or more")
    names = tuple(map(str, range(len(targets))))
    return Tasks(names, targets, (1.0,) * len(targets), estimator.dtype)


def _numbers(estimator, n_outputs, n_classes, model):
    """Return the target of a regression."""
    if n_classes is not None:
        raise ValueError(
            f"`n_classes` must be None for a {type(estimator).__name__}, got {shown(n_classes)}."
        )
    if n_outputs is None:
        n_outputs = 1 if model is None else model.target.n_targets
    integer(1).check("n_outputs", n_outputs)
    facts = {name: getattr(estimator, name) for name in ("loss", "dtype", "quantile")}
    return Numbers(Scale.fixed(int(n_outputs)), n_outputs == 1, **facts)


def _tables(estimator, n_features, n_codes, model):
    """Return column, rows and columns of the table of each categorical feature."""
    features = estimator.categorical_features
    names = None if model is None else model.form.feature_names
    if isinstance(features, str) and features == "from_dtype":
        if model is None:
            raise ValueError(
                "`categorical_features` must list the columns if the estimator is not fitted, "
                "because there is no data frame with types to look at; got 'from_dtype'."
            )
        columns = model.categories.columns
    else:
        columns = columns_of(features, n_features, names)
    if n_codes is None and model is not None and columns == model.categories.columns:
        categories = model.categories
    else:
        categories = Categories(columns, _codes(n_codes, columns))
    vectors = vectors_of(estimator.embedding_init, categories, estimator.dtype, names)
    known = model if estimator.warm_start else None
    if known is None and (body := estimator._body_to_begin_with()) is not None:
        known = body.model
    return estimator._tables(categories, vectors, known)


def _codes(n_codes, columns):
    """Return the codes of each column, which are 0 to n - 1."""
    if not columns:
        if n_codes is not None:
            raise ValueError(
                f"`n_codes` must be None without `categorical_features`, got {shown(n_codes)}."
            )
        return ()
    counts = list(n_codes) if np.ndim(n_codes) == 1 else [n_codes] * len(columns)
    if len(counts) != len(columns) or not all(map(integer(1).test, counts)):
        raise ValueError(
            "`n_codes` must be the number of different codes in each of the "
            f"`categorical_features`, or a list with a number for each of these {len(columns)} "
            f"columns; got {shown(n_codes)}."
        )
    return tuple(map(np.arange, counts))
