"""Seq2SeqRegressor: a target is a sequence of numbers of a length of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from .._data import arguments
from .._data.arguments import Argument
from .._data.packed import Packed, offsets_of
from .._data.series import Series, read_future, read_series
from .._data.unpacking import as_objects
from .._floating_point import floating_point_ignored
from .._model.fitted_pair import fed_back
from .._model.pair_decoder import Answerer, run_free
from .._typing import (
    Array,
    ArrayLike,
    AttentionName,
    Connections,
    DType,
    Floats,
    Integer,
    LossOfSteps,
    MergeMode,
    Norm,
    Number,
    Optimizer,
    RandomState,
    Scoring,
    SequencesLike,
    Sizes,
    Targets,
)
from .advice import level_of_caller
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
    TeacherForcing,
    Vectors,
    Verbose,
)
from .parameters import REGRESSOR
from .seq2seq import _PairRNN, check_attention, numbers_of_steps, read_sequence_weights
from .seq2seq_parameters import ATTRIBUTES, PARTS, TABLE

HORIZON = Argument("horizon")


@documented(REGRESSOR, TABLE, ATTRIBUTES, PARTS)
class Seq2SeqRegressor(_PairRNN):
    """Encoder and decoder that turn a sequence into a sequence of numbers of another length.

    The encoder reads X [4]_ [9]_. The decoder begins with states computed from the last states of
    the encoder, and predicts the numbers of one step at a time; at each step it reads those of the
    step before, and known inputs of this step, if there are any (`X_future`). In training it reads
    the true numbers, see `teacher_forcing`; in predictions it reads its own. With `attention`, the
    decoder also looks up states of the encoder.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    Seq2SeqClassifier : The same for sequences of labels.
    sklearn_rnn.RNNRegressor : Numbers for each sequence, or for each step of X.

    Notes
    -----
    X is a 3-D array ``(n_samples, n_timesteps, n_features)``; or a list, tuple or object array of
    ``(n_timesteps_i, n_features)``, of any lengths; or a 2-D array or data frame ``(n_samples,
    n_timesteps)`` with one feature per step. To predict sequences from single rows (one to many),
    pass them as sequences of one step, ``X[:, np.newaxis]``.

    Each minibatch of B sequences minimises ``sum(w * loss) / (B * m)`` over all steps of the
    targets, where m is the mean total weight of a target: each step counts the same.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.seq2seq import Seq2SeqRegressor
    >>> phase = np.random.RandomState(0).uniform(0, 6, size=(100, 1))
    >>> waves = np.sin(phase + 0.4 * np.arange(25))
    >>> X, y = waves[:, :15], waves[:, 15:]
    >>> seq2seq = Seq2SeqRegressor(16, max_iter=60, random_state=0).fit(X, y)
    >>> seq2seq.predict(X[:3]).shape
    (3, 10)
    >>> seq2seq.predict(X[:3], horizon=20).shape
    (3, 20)
    >>> seq2seq.score(X, y) > 0.9
    True
    """

    _HOLDS = "sequences of numbers"

    # Set by `fit`. `Any` stands for None, which users need not test for.
    horizon_: int | Any
    x_future_mean_: Array
    x_future_scale_: Array
    y_mean_: Floats
    y_scale_: Floats

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_partial_fit_request: Callable[..., Self]
    set_predict_request: Callable[..., Self]
    set_score_request: Callable[..., Self]

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (100,),
        *,
        cell: Cells = "gru",
        bidirectional: bool = True,
        input_layers: InputLayers = (),
        connections: Connections | None = None,
        categorical_features: Features = None,
        embedding_dim: Dimensions = "auto",
        embedding_init: Vectors = None,
        word_dropout: Number = 0.0,
        merge_mode: MergeMode = "concat",
        layer_normalization: Norm | None = None,
        decoder_layer_sizes: Sizes | None = None,
        decoder_cell: Cells | None = None,
        attention: AttentionName | None = None,
        output_layer_sizes: Sizes = (),
        dropout: Number = 0.0,
        output_dropout: Number | None = None,
        input_dropout: Number = 0.0,
        input_noise: Number = 0.0,
        teacher_forcing: TeacherForcing = 1.0,
        max_grad_norm: Number | None = 1.0,
        max_grad_value: Number | None = None,
        solver: Optimizer = "adam",
        alpha: Number = 0.0,
        l1_ratio: Number = 0.0,
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
        shuffle: bool = True,
        tol: Number = 1e-4,
        n_iter_no_change: Number = 10,
        early_stopping: bool = False,
        validation_fraction: Number = 0.1,
        scoring: Scoring = None,
        warm_start: bool = False,
        frozen: Frozen = (),
        random_state: RandomState = None,
        verbose: Verbose = 0,
        loss: LossOfSteps = "squared_error",
        huber_delta: Number = 1.0,
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
        self.layer_normalization = layer_normalization
        self.decoder_layer_sizes = decoder_layer_sizes
        self.decoder_cell = decoder_cell
        self.attention = attention
        self.output_layer_sizes = output_layer_sizes
        self.dropout = dropout
        self.output_dropout = output_dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.teacher_forcing = teacher_forcing
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
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
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.frozen = frozen
        self.random_state = random_state
        self.verbose = verbose
        self.loss = loss
        self.huber_delta = huber_delta
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
        X_future: SequencesLike | None = None,
        groups: ArrayLike | None = None,
        X_val: SequencesLike | None = None,
        y_val: Targets | None = None,
        sample_weight_val: ArrayLike | None = None,
        X_future_val: SequencesLike | None = None,
        callbacks: Callbacks = None,
    ) -> Self:
        """Fit the network to sequences and their targets.

        {ctrl_c}

        Parameters
        ----------
        {X_of_fit}
        y : sequences of numbers
            ``(n_samples, n_steps)``, ``(n_samples, n_steps, n_outputs)``, or a list or object array
            of ``(n_steps_i,)`` or ``(n_steps_i, n_outputs)``, of at least one step each.
        {sample_weight}
        X_future : sequences or None, default=None
            Inputs that are known for each step of y, for example the day of the week: numbers
            ``(n_samples, n_steps[, n_features])``, or a list of ``(n_steps_i[, n_features])``.
            Predictions then need them, too. In `cross_val_score` and searches they need
            ``set_fit_request(X_future=True)`` and ``set_score_request(X_future=True)``, see the
            metadata routing of scikit-learn.
        {groups}
        {validation}
        X_future_val : sequences or None, default=None
            The known inputs of the validation data, if `X_future` is given.
        {callbacks}

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
            initial_state=X_future,
            groups=groups,
            validation=(X_val, y_val, sample_weight_val, X_future_val),
            callbacks=callbacks,
        )

    @floating_point_ignored
    def partial_fit(
        self,
        X: SequencesLike,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        X_future: SequencesLike | None = None,
        learning_rate_init: Number | None = None,
    ) -> Self:
        """Learn from each sequence once, in minibatches of `batch_size`.

        {continuing}

        Mean and scale of X and y follow the data as in `RNNRegressor`; those of `X_future` are
        those of the first call.

        Parameters
        ----------
        {X}
        y : sequences of numbers
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            One weight per sequence. Unlike in `fit`, their size counts, too: a weight of 2 doubles
            the gradient.
        X_future : sequences or None, default=None
            The known inputs, if there are some, as in `fit`.
        {learning_rate_of_partial_fit}

        Returns
        -------
        {self}

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, or if they do not match the previous
            fit. Also if the training diverges; what was learned before that minibatch is kept.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            initial_state=X_future,
            incremental=True,
            learning_rate_init=learning_rate_init,
        )

    @floating_point_ignored
    def predict(
        self,
        X: SequencesLike,
        *,
        horizon: Integer | ArrayLike | None = None,
        X_future: SequencesLike | None = None,
    ) -> Array:
        """Predict a sequence of numbers for each sequence.

        Parameters
        ----------
        {X}
        horizon : int, array-like of int of shape (n_samples,) or None, default=None
            Number of steps to predict, for all sequences or for each one. None means that of
            `X_future`, or else that of the targets in `fit`, if all had the same.
        X_future : sequences or None, default=None
            The known inputs of these steps, if `fit` had some.

        Returns
        -------
        y : ndarray or object array of ndarray
            Predictions in the units of y, float64: ``(n_samples, horizon)``, or ``(n_samples,
            horizon, n_outputs)`` if y had columns in `fit`. If the horizons differ, an object array
            of ``(horizon_i[, n_outputs])``.

        Raises
        ------
        {errors_of_predict}
        """
        model = self._fitted_model()
        sequences, offsets, future = self._steps(model, X, horizon, X_future)
        rows = model.target.decode(model.forecasts(sequences, offsets, future))
        lengths = np.diff(offsets)
        if (lengths == lengths[0]).all():
            return rows.reshape(sequences.n_samples, int(lengths[0]), *rows.shape[1:])
        return as_objects(Packed(rows, offsets).cut())

    @floating_point_ignored
    def score(
        self,
        X: SequencesLike,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        X_future: SequencesLike | None = None,
    ) -> float:
        """Return the coefficient of determination R2 of the predictions, over all steps.

        Parameters
        ----------
        {X}
        y : sequences of numbers
            As in `fit`; each is compared with a prediction of as many steps.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the sequences.
        X_future : sequences or None, default=None
            The known inputs, if `fit` had some.

        Returns
        -------
        score : float
            At most 1.

        Raises
        ------
        {errors_of_score}
        """
        model = self._fitted_model()
        sequences = model.read(X, type(self).__name__)
        weights = read_sequence_weights(sample_weight, sequences, arguments.SAMPLE_WEIGHT)
        taught = None if weights is None else weights > 0
        targets = read_series(y, sequences.n_samples, taught=taught)
        future = self._known(model.target, X_future, sequences, targets)
        outputs = model.forecasts(sequences, targets.offsets, future)
        if weights is not None:
            weights = np.repeat(weights, targets.lengths)
        score = model.target.numbers.score(model.target.encode(targets), outputs, weights)
        if np.isnan(score):
            what = "R2 is not defined for fewer than two targets with weight."
            warnings.warn(what, UndefinedMetricWarning, stacklevel=level_of_caller())
        return score

    @floating_point_ignored
    def attention_weights(
        self,
        X: SequencesLike,
        *,
        horizon: Integer | ArrayLike | None = None,
        X_future: SequencesLike | None = None,
    ) -> list[Array]:
        """Return the attention weight of each step of X for each predicted step.

        Parameters
        ----------
        {X}
        horizon : int, array-like of int of shape (n_samples,) or None, default=None
            Number of steps to predict, as in `predict`.
        X_future : sequences or None, default=None
            The known inputs of these steps, if `fit` had some.

        Returns
        -------
        weights : list of ndarrays of shape (horizon_i, n_timesteps_i)
            Rows sum to 1.

        Raises
        ------
        ValueError
            If ``attention=None``, or if an argument is not as described.
        """
        model = self._fitted_model()
        check_attention(model)
        return model.attention_of_forecasts(*self._steps(model, X, horizon, X_future))

    def _steps(self, model, X, horizon, X_future):
        """Return X as sequences, the offsets of the steps to predict, and their known inputs."""
        sequences = model.read(X, type(self).__name__)
        future = self._known(model.target, X_future, sequences)
        offsets = _offsets(model.target, horizon, future, sequences.n_samples)
        return sequences, offsets, future

    def _known(self, target, X_future, sequences, targets=None):
        """Return known inputs as Packed, or None; targets: those with the same steps, or None."""
        _check_whether_known(target, X_future)
        if X_future is None:
            return None
        future = read_future(X_future, targets, target)
        if future.n_samples != sequences.n_samples:
            raise ValueError(
                f"`X_future` must have one sequence for each of the {sequences.n_samples} of X, "
                f"got {future.n_samples}."
            )
        return future

    # ---- what the base asks for ----

    def _check_validation(self, X_future, validation):
        """Check which data to validate with are given."""
        *given, X_future_val = validation
        super()._check_validation(None, (*given, None))
        if given[0] is None and X_future_val is not None:
            raise ValueError("`X_future_val` needs `X_val`, which is None.")
        if given[0] is not None and (X_future is None) != (X_future_val is None):
            raise ValueError(
                "`X_future` and `X_future_val` must both be given, or neither, when `X_val` is "
                "given."
            )
        is_own = self.scoring is None or (isinstance(self.scoring, str) and self.scoring == "loss")
        if X_future is not None and self.early_stopping and not is_own:
            raise ValueError(
                "`X_future` with early_stopping=True needs scoring=None or 'loss': other scores do "
                f"not pass it to `predict`; got scoring={self.scoring!r}."
            )

    def _read_target(self, y, n_samples, argument, taught):
        return read_series(y, n_samples, argument, taught)

    def _read_future(self, X_future, targets, target, y_name):
        """Return known inputs of the steps of the targets as Packed, or None."""
        if target is not None:
            _check_whether_known(target, X_future)
        if X_future is None:
            return None
        validates = y_name is arguments.Y_VAL
        X_name = arguments.X_FUTURE_VAL if validates else arguments.X_FUTURE
        return read_future(X_future, targets, target, (X_name, y_name))

    def _learn(self, packed, weights, future, categories, before, incremental):
        """Return the target, and outputs to absorb (see `Scale.continued`) or None."""
        if weights is not None:
            weights = np.repeat(weights, packed.lengths)
        facts = {"loss": self.loss, "dtype": self.dtype, "normalize": self.normalize_y}
        return Series.learn(packed, weights, before, future, **facts, relative=not incremental)

    def _encode(self, target, packed, future, argument):
        """Return the numbers to predict, and what the decoder reads."""
        targets = np.ascontiguousarray(target.encode(packed, argument), self.dtype)
        fed = target.fed(targets, packed.offsets, future, self.dtype)
        return Packed(targets, packed.offsets), fed

    def _answers_fed(self, target):
        """Return the function from outputs to what is fed, and the columns for it."""
        return lambda outputs: outputs, slice(0, target.n_outputs)

    def _own_validator(self, model, held_out, n_threads, evaluation):
        """Return the function params -> (R2, value), see `validator`."""
        examples, network, target = held_out.examples, model.network, model.target
        answerer = Answerer(network, examples.sequences, examples.scaling)
        future = examples.fed.values[:, target.n_outputs :]
        offsets = examples.fed.offsets
        next_fed = fed_back(network, target, offsets, future)

        def validate(params):
            answerer.load(params)
            outputs = np.concatenate(run_free(answerer, np.diff(offsets), next_fed))
            score = target.numbers.score(examples.targets, outputs, examples.weights)
            return score, -score

        return validate


def _check_whether_known(target, X_future):
    if (X_future is None) != (target.n_future == 0):
        must, got = ("be given", "it") if X_future is None else ("be None", "no `X_future`")
        raise ValueError(f"`X_future` must {must}, because `fit` got {got}.")


def _offsets(target, horizon, future, n_samples):
    """Return the offsets of the steps to predict."""
    if horizon is None:
        if future is not None:
            return future.offsets
        if target.horizon is None:
            raise ValueError(
                "`horizon` must be given, the number of steps to predict: the targets of fit had "
                "several lengths."
            )
        horizon = target.horizon
    offsets = offsets_of(numbers_of_steps(horizon, n_samples, HORIZON))
    if future is not None and not np.array_equal(offsets, future.offsets):
        raise ValueError(
            f"`horizon` must be the number of steps of `X_future`, or None; got {horizon!r}."
        )
    return offsets
