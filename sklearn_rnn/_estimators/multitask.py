"""MultiTaskRNN: several named targets, classes and numbers together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import UndefinedMetricWarning

from .._data.tasks import KINDS, TaskReader, Tasks
from .._floating_point import floating_point_ignored
from .._typing import (
    Array,
    ArrayLike,
    Connections,
    DType,
    Floats,
    Integer,
    MergeMode,
    Mode,
    Norm,
    Number,
    RandomState,
    Scoring,
    SequencesLike,
    Sizes,
    Solver,
    States,
)
from .advice import level_of_caller
from .base import _RNNBase
from .callbacks import with_callbacks
from .docstrings import documented
from .parameter_types import (
    BatchSize,
    Callbacks,
    Cells,
    Dimensions,
    Features,
    Frozen,
    InputLayers,
    LearningRate,
    Pooling,
    Truncation,
    Vectors,
    Verbose,
)
from .parameters import MULTITASK
from .streaming import StreamingMixin


@documented(MULTITASK)
class MultiTaskRNN(StreamingMixin, _RNNBase):
    """Recurrent neural network that learns several named targets (tasks) together.

    All tasks share the network up to its last layer, and each has outputs and a loss of its own
    [9]_: cross-entropy for classes, squared error for numbers. The target of a task may be missing
    for some sequences or steps, which then have no effect on this task. The network and its
    training are those of `RNNClassifier` and `RNNRegressor`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    sklearn_rnn.RNNClassifier : The same networks for class labels alone.
    sklearn_rnn.RNNRegressor : The same networks for numeric targets alone.

    Notes
    -----
    A minibatch of B sequences minimises the sum over tasks g of
    ``c_g * sum(w * loss_g) / (B * m_g)``. Here c_g is the weight of the task (`task_weights`), w
    the sample weights, the inner sum runs over the targets of the task that are not missing, and
    m_g is their mean total weight per training sequence.

    `GridSearchCV` and `cross_validate` cannot cut a dict y into folds: pass a data frame,
    ``pd.DataFrame(y)``, whose columns may be lists of arrays, or a structured array. The columns
    of a plain 2-D array are named in the order of the parameter `tasks`, or "0", "1" and so on
    without it.

    {notes}

    References
    ----------
    {references}
    .. [9] R. Caruana, "Multitask learning", Machine Learning 28, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.transfer import MultiTaskRNN
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.normal(size=(rng.randint(3, 9), 2)) for _ in range(100)]
    >>> totals = np.array([x.sum() for x in X])
    >>> y = {"sign": np.where(totals > 0, "up", "down"), "total": totals.copy()}
    >>> y["total"][30:] = np.nan  # known for 30 sequences only
    >>> rnn = MultiTaskRNN(hidden_layer_sizes=8, max_iter=500, random_state=0).fit(X, y)
    >>> rnn.tasks_
    {'sign': 'classes', 'total': 'numbers'}
    >>> predicted = rnn.predict(X[:3])
    >>> predicted["sign"].shape, predicted["total"].shape
    ((3,), (3,))
    >>> rnn.score(X, y) > 0.9
    True
    """

    _HOLDS = "tasks"

    _KIND = MULTITASK

    # Set by `fit`.
    classes_: dict[str, Array]
    task_weights_: dict[str, float]
    tasks_: dict[str, str]
    y_mean_: Floats
    y_scale_: Floats

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_predict_request: Callable[..., Self]
    set_predict_proba_request: Callable[..., Self]
    set_score_request: Callable[..., Self]

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (64,),
        *,
        cell: Cells = "gru",
        bidirectional: bool = False,
        input_layers: InputLayers = (),
        connections: Connections | None = None,
        categorical_features: Features = None,
        embedding_dim: Dimensions = "auto",
        embedding_init: Vectors = None,
        word_dropout: Number = 0.0,
        merge_mode: MergeMode = "concat",
        pooling: Pooling = "last",
        output_layer_sizes: Sizes = (),
        layer_normalization: Norm | None = None,
        mode: Mode = "many_to_one",
        dropout: Number = 0.0,
        output_dropout: Number | None = None,
        input_dropout: Number = 0.0,
        input_noise: Number = 0.0,
        max_grad_norm: Number | None = 1.0,
        max_grad_value: Number | None = None,
        solver: Solver = "adam",
        alpha: Number = 0.0,
        l1_ratio: Number = 0.0,
        bptt: Truncation = None,
        batch_size: BatchSize = "auto",
        gradient_accumulation_steps: Integer = 1,
        learning_rate: LearningRate = "constant",
        learning_rate_init: Number = 0.005,
        power_t: Number = 0.5,
        warmup: Number = 0.0,
        momentum: Number = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: Number = 0.9,
        beta_2: Number = 0.999,
        epsilon: Number = 1e-8,
        ema_decay: Number | None = None,
        max_iter: Integer = 200,
        max_fun: Integer = 15000,
        shuffle: bool = True,
        tol: Number = 1e-4,
        n_iter_no_change: Number = 10,
        early_stopping: bool = False,
        validation_fraction: Number = 0.1,
        scoring: Scoring = None,
        warm_start: bool = False,
        frozen: Frozen = (),
        weights_init: BaseEstimator | None = None,
        random_state: RandomState = None,
        verbose: Verbose = 0,
        tasks: Mapping[str, str] | None = None,
        task_weights: Mapping[str, Number] | None = None,
        normalize_X: bool = True,
        dtype: DType = "float32",
        memory_budget: Integer | None = None,
        n_threads: Integer | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.input_layers = input_layers
        self.connections = connections
        self.categorical_features = categorical_features
        self.embedding_dim = embedding_dim
        self.embedding_init = embedding_init
        self.word_dropout = word_dropout
        self.merge_mode = merge_mode
        self.pooling = pooling
        self.output_layer_sizes = output_layer_sizes
        self.layer_normalization = layer_normalization
        self.mode = mode
        self.dropout = dropout
        self.output_dropout = output_dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.bptt = bptt
        self.batch_size = batch_size
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.warmup = warmup
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.ema_decay = ema_decay
        self.max_iter = max_iter
        self.max_fun = max_fun
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.frozen = frozen
        self.weights_init = weights_init
        self.random_state = random_state
        self.verbose = verbose
        self.tasks = tasks
        self.task_weights = task_weights
        self.normalize_X = normalize_X
        self.dtype = dtype
        self.memory_budget = memory_budget
        self.n_threads = n_threads

    @property
    def _target_kind(self):
        return TaskReader(dict(self.tasks or {}))

    @with_callbacks
    @floating_point_ignored
    def fit(
        self,
        X: SequencesLike,
        y: Mapping[str, Any] | ArrayLike,
        sample_weight: Mapping[str, Any] | ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        initial_state: States | None = None,
        X_val: SequencesLike | None = None,
        y_val: Mapping[str, Any] | ArrayLike | None = None,
        sample_weight_val: Mapping[str, Any] | ArrayLike | None = None,
        initial_state_val: States | None = None,
        callbacks: Callbacks = None,
    ) -> Self:
        """Fit the network to sequences and the targets of all tasks.

        {ctrl_c}

        Parameters
        ----------
        {X_of_fit}
        y : dict of str to array-like, or data frame
            The targets of each task: labels or numbers ``(n_samples,)``; with
            ``mode="many_to_many"`` ``(n_samples, n_timesteps)``, or a list or object array of
            ``(n_timesteps_i,)``. Missing ones are None, NaN, NA or masked; a None in such a list
            stands for all steps of a sequence. y may also be a structured array, or an array with
            one column per task. `y_val` need not have all tasks.
        sample_weight : array-like, default=None
            One weight per sequence; with ``mode="many_to_many"`` also one per step. Only their
            ratios count. All tasks ignore sequences or steps of weight 0.
        {groups}
        {initial_state}
        {validation_and_callbacks}

        Returns
        -------
        {self}

        Raises
        ------
        {errors_of_fit}
        TypeError
            If y is neither a dict nor a table.

        Warns
        -----
        {warnings_of_fit}
        """
        return self._fit(
            X,
            y,
            sample_weight,
            groups=groups,
            initial_state=initial_state,
            validation=(X_val, y_val, sample_weight_val, initial_state_val),
            callbacks=callbacks,
        )

    # For each method: model -> (whether it needs outputs before the link, what decodes them).
    _STREAMED: ClassVar = {
        "predict": lambda model: (False, model.target.decode),
        "predict_proba": lambda model: (True, model.target.probabilities),
    }

    @overload
    def predict(
        self,
        X: SequencesLike,
        *,
        initial_state: States | None = ...,
        return_state: Literal[False] = ...,
    ) -> dict[str, Array]: ...

    @overload
    def predict(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: Literal[True]
    ) -> tuple[dict[str, Array], dict[str, Array]]: ...

    @overload
    def predict(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: bool
    ) -> dict[str, Array] | tuple[dict[str, Array], dict[str, Array]]: ...

    @floating_point_ignored
    def predict(
        self, X: SequencesLike, *, initial_state: States | None = None, return_state: bool = False
    ) -> dict[str, Array] | tuple[dict[str, Array], dict[str, Array]]:
        """Predict the targets of all tasks for each sequence, or for each step.

        Parameters
        ----------
        {X}
        {states}

        Returns
        -------
        y : dict of str to ndarray or object array of ndarray
            For each task labels, or numbers as float64: ``(n_samples,)``; with
            ``mode="many_to_many"`` ``(n_samples, n_timesteps)``, or for a list of sequences an
            object array of ``(n_timesteps_i,)``.
        {returned_state}

        Raises
        ------
        {errors_of_predict}
        """

        def results(model, outputs):
            decoded = model.target.decode(outputs())
            for name, target in zip(model.target.names, model.target.targets, strict=True):
                if target.holds == "numbers":
                    model.finite(decoded[name])
            return decoded

        return self._predict(X, results, initial_state, return_state)

    @overload
    def predict_proba(
        self,
        X: SequencesLike,
        *,
        initial_state: States | None = ...,
        return_state: Literal[False] = ...,
    ) -> dict[str, Array]: ...

    @overload
    def predict_proba(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: Literal[True]
    ) -> tuple[dict[str, Array], dict[str, Array]]: ...

    @overload
    def predict_proba(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: bool
    ) -> dict[str, Array] | tuple[dict[str, Array], dict[str, Array]]: ...

    @floating_point_ignored
    def predict_proba(
        self, X: SequencesLike, *, initial_state: States | None = None, return_state: bool = False
    ) -> dict[str, Array] | tuple[dict[str, Array], dict[str, Array]]:
        """Predict the probability of each class, for each task of classes.

        Parameters
        ----------
        {X}
        {states}

        Returns
        -------
        probabilities : dict of str to ndarray or object array of ndarray
            For each task of classes ``(n_samples, n_classes)``, columns in the order of
            `classes_`; with ``mode="many_to_many"`` ``(n_samples, n_timesteps, n_classes)``, or for
            a list of sequences an object array of ``(n_timesteps_i, n_classes)``. They have the
            dtype of the network.
        {returned_state}

        Raises
        ------
        {errors_of_predict}
        """
        return self._predict(
            X,
            lambda model, outputs: model.target.probabilities(outputs(raw=True)),
            initial_state,
            return_state,
        )

    @floating_point_ignored
    def score_tasks(
        self,
        X: SequencesLike,
        y: Mapping[str, Any] | ArrayLike,
        sample_weight: Mapping[str, Any] | ArrayLike | None = None,
    ) -> dict[str, float]:
        """Return the score of each task.

        Parameters
        ----------
        {parameters_of_score}

        Returns
        -------
        scores : dict of str to float
            Accuracy for classes, R2 for numbers, over the targets that are not missing. NaN where
            it is not defined: for a task without targets in y, or R2 of a single number.

        Raises
        ------
        {errors_of_score}
        """
        target, *compared = self._compared(X, y, sample_weight)
        return target.scores(*compared)

    @floating_point_ignored
    def score(
        self,
        X: SequencesLike,
        y: Mapping[str, Any] | ArrayLike,
        sample_weight: Mapping[str, Any] | ArrayLike | None = None,
    ) -> float:
        """Return the mean of the scores of the tasks, weighted by `task_weights_`.

        Tasks without a defined score are left out, see `score_tasks`.

        Parameters
        ----------
        {parameters_of_score}

        Returns
        -------
        score : float
            At most 1.

        Raises
        ------
        {errors_of_score}
        """
        score = self._score(X, y, sample_weight)
        if np.isnan(score):
            what = "The score is not defined: no task of positive weight has enough targets."
            warnings.warn(what, UndefinedMetricWarning, stacklevel=level_of_caller())
        return score

    def _task_weights(self, names):
        """Return the weight of each task, by name."""
        given = dict(self.task_weights or {})
        if unknown := [name for name in given if name not in names]:
            raise ValueError(
                f"`task_weights` must name only tasks of `y`, {list(names)}; got {unknown}."
            )
        weights = {name: float(given.get(name, 1.0)) for name in names}
        if not any(weights.values()):
            raise ValueError(f"`task_weights` must be positive for at least one task, got {given}.")
        return weights

    def _weights_of(self, rows, weights):
        """Return the weights of rows, 0 where no task of positive weight has a target."""
        return rows.weigh(weights, self._task_weights(rows.names))

    def _weigh_tasks(self, examples, target, indices=None):
        """Return examples with a factor for the loss of each task."""
        rows = examples.targets, examples.weights
        if indices is not None:
            rows = (examples.rows(each, indices) for each in rows)
        factors = target.group_weights(*rows)
        if indices is not None:
            target.check_taught(factors)
        return replace(examples, group_weights=factors)

    def _learn_target(self, rows, weights, taught, before, incremental):
        """Return the target of all tasks, and outputs to absorb (see `Scale.continued`) or None."""
        if before is not None:
            self._check_kinds(before.kinds)
        return Tasks.learn(
            rows,
            weights,
            taught,
            before,
            task_weights=self._task_weights(rows.names),
            dtype=self.dtype,
        )

    def _check_kinds(self, fitted):
        """Refuse `tasks` that differ from the kinds of the fitted tasks, by name."""
        for name, kind in (self.tasks or {}).items():
            if name not in fitted or KINDS[kind] != KINDS[fitted[name]]:
                raise ValueError(
                    "`tasks` must not change between a fit and its continuation (warm_start): the "
                    f"fitted tasks are {fitted}, got {{{name!r}: {kind!r}}}."
                )

    def _warn_of_mode(self, sequences, target):
        """Do not warn: each task has one target."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False  # y says the names of its tasks
        return tags
