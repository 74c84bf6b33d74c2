"""RNNRegressor: a target is one number or several."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import ClassVar, Literal, Self, overload

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning

from .._data.targets import Numbers
from .._floating_point import floating_point_ignored
from .._model.words import quantile_of
from .._typing import (
    Array,
    ArrayLike,
    Connections,
    DType,
    Floats,
    Integer,
    LossName,
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
    Targets,
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
    Quantiles,
    Truncation,
    Vectors,
    Verbose,
)
from .parameters import REGRESSOR
from .streaming import StreamingMixin


@documented(REGRESSOR)
class RNNRegressor(RegressorMixin, StreamingMixin, _RNNBase):
    """Recurrent neural network that predicts numbers for sequences, or for each of their steps.

    Training minimises a loss by gradient descent on minibatches, with back-propagation through
    time. Parameters and attributes that `sklearn.neural_network.MLPRegressor` also has keep their
    names and meanings.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    RNNClassifier : The same networks for class labels.
    sklearn_rnn.preprocessing.SequenceScaler : Scales features of sequences of any form.
    sklearn_rnn.metrics : Scores per step, for `make_scorer`.

    Notes
    -----
    {notes}

    References
    ----------
    {references}
    .. [9] R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.normal(size=(100, 6, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> rnn = RNNRegressor(hidden_layer_sizes=8, max_iter=500, random_state=0).fit(X, y)
    >>> rnn.predict(X[:3]).shape
    (3,)
    >>> rnn.score(X, y) > 0.9
    True

    Bounds between which a target lies with a probability of about 80 %:

    >>> y = y + rng.normal(size=100)
    >>> rnn = RNNRegressor(4, loss="quantile", quantile=[0.1, 0.9], max_iter=50, random_state=0)
    >>> bounds = rnn.fit(X, y).predict(X)
    >>> bounds.shape
    (100, 2)
    >>> bool(0.7 < ((y > bounds[:, 0]) & (y < bounds[:, 1])).mean() < 0.9)
    True
    """

    _target_kind = Numbers
    _HOLDS = "numbers"

    _KIND = REGRESSOR

    # Set by `fit`.
    y_mean_: Floats
    y_scale_: Floats

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_partial_fit_request: Callable[..., Self]
    set_predict_request: Callable[..., Self]
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
        loss: LossName = "squared_error",
        huber_delta: Number = 1.0,
        quantile: Quantiles = 0.5,
        normalize_y: bool = True,
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
        self.loss = loss
        self.huber_delta = huber_delta
        self.quantile = quantile
        self.normalize_y = normalize_y
        self.normalize_X = normalize_X
        self.dtype = dtype
        self.memory_budget = memory_budget
        self.n_threads = n_threads

    @with_callbacks
    @floating_point_ignored
    def fit(
        self,
        X: SequencesLike,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        initial_state: States | None = None,
        X_val: SequencesLike | None = None,
        y_val: Targets | None = None,
        sample_weight_val: ArrayLike | None = None,
        initial_state_val: States | None = None,
        callbacks: Callbacks = None,
    ) -> Self:
        """Fit the network to sequences and their targets.

        {ctrl_c}

        Parameters
        ----------
        {X_of_fit}
        y : array-like of numbers
            ``(n_samples,)`` or ``(n_samples, n_outputs)``. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps[, n_outputs])``, or a list or object array of
            ``(n_timesteps_i[, n_outputs])``.
        sample_weight : array-like, default=None
            One weight per sequence; with ``mode="many_to_many"`` also one per step, in any form
            that y may have. Only their ratios count. Sequences or steps of weight 0 are ignored,
            and their y may be anything: None, NaN, infinity.
        {groups}
        {initial_state}
        {validation_and_callbacks}

        Returns
        -------
        {self}

        Raises
        ------
        {errors_of_fit}

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

    @floating_point_ignored
    def partial_fit(
        self,
        X: SequencesLike,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        initial_state: States | None = None,
        learning_rate_init: Number | None = None,
    ) -> Self:
        """Learn from each sequence once, in minibatches of `batch_size`.

        {continuing}

        Means and scales of X and y accumulate over all calls. Those in use are updated when one of
        them has moved by more than 1 % of the scale. If the scale of a column changes by a factor
        below 2, the weights are changed with it so that predictions stay the same (with "jordan"
        or a `Conv1D` only approximately: zeros precede the first step).

        Parameters
        ----------
        {parameters_of_partial_fit}
        {initial_state_of_partial_fit}
        {learning_rate_of_partial_fit}

        Returns
        -------
        {self}

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, if they do not match the previous fit,
            or with `early_stopping`. Also if the training diverges; what was learned before that
            minibatch is kept.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            initial_state=initial_state,
            incremental=True,
            learning_rate_init=learning_rate_init,
        )

    # By method: model -> whether outputs are needed before the link, and what decodes them.
    _STREAMED: ClassVar = {
        "predict": lambda model: (
            False,
            (lambda outputs: model.finite(model.target.decode(outputs)))
            if model.target.has_axis_of_quantiles
            else None,
        )
    }

    @overload
    def predict(
        self,
        X: SequencesLike,
        *,
        initial_state: States | None = ...,
        return_state: Literal[False] = ...,
    ) -> Array: ...

    @overload
    def predict(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: Literal[True]
    ) -> tuple[Array, dict[str, Array]]: ...

    @overload
    def predict(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: bool
    ) -> Array | tuple[Array, dict[str, Array]]: ...

    @floating_point_ignored
    def predict(
        self, X: SequencesLike, *, initial_state: States | None = None, return_state: bool = False
    ) -> Array | tuple[Array, dict[str, Array]]:
        """Predict the target of each sequence, or of each step.

        Parameters
        ----------
        {X}
        {states}

        Returns
        -------
        y : ndarray or object array of ndarray
            Predictions in the units of y, float64. With ``mode="many_to_one"`` ``(n_samples,)``, or
            ``(n_samples, n_outputs)`` if that is what `y` was in fit. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps[, n_outputs])``, or for a list of sequences an object array
            of ``(n_timesteps_i[, n_outputs])``. With a list of quantiles, there is one more axis,
            ``n_quantiles``, along which the predictions do not decrease.
        {returned_state}

        Raises
        ------
        {errors_of_predict}
        """
        return self._predict(
            X,
            lambda model, outputs: model.finite(model.target.decode(outputs())),
            initial_state,
            return_state,
        )

    @floating_point_ignored
    def score(self, X: SequencesLike, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination R2 of the predictions.

        With ``loss="quantile"`` it is D2 of the pinball loss, as in
        `sklearn.metrics.d2_pinball_score`, averaged over outputs and quantiles.

        Parameters
        ----------
        {parameters_of_score}

        Returns
        -------
        score : float
            R2, or D2, over all sequences, or with ``mode="many_to_many"`` over all steps.

        Raises
        ------
        {errors_of_score}
        """
        score = self._score(X, y, sample_weight)
        if np.isnan(score):
            name = "D2" if self._fitted_model().network.loss == "quantile" else "R2"
            what = f"{name} is not defined for fewer than two targets with weight."
            warnings.warn(what, UndefinedMetricWarning, stacklevel=level_of_caller())
        return score

    def _learn_target(self, rows, weights, taught, before, incremental):
        """Return the scale of y, and outputs to absorb (see `Scale.continued`) or None."""
        return Numbers.learn(
            rows,
            weights,
            taught,
            before,
            loss=self.loss,
            dtype=self.dtype,
            quantile=quantile_of(self.quantile),
            normalize=self.normalize_y,
            relative=not incremental,
        )

    def _warn_of_mode(self, sequences, target):
        """Do not warn: a sequence may well have as many target numbers as steps."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
