"""SequenceAutoencoder: sequences into vectors, from which a decoder computes them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._data import arguments
from .._data.arguments import Argument
from .._data.carriers import as_numbers
from .._data.finite import check_finite_rows
from .._data.packed import Packed
from .._data.reconstruction import Reconstruction
from .._data.unpacking import as_objects
from .._data.weights import relative
from .._floating_point import floating_point_ignored
from .._model.fitted_pair import FittedAutoencoder
from .._typing import (
    Array,
    ArrayLike,
    Connections,
    DType,
    Floats,
    Integer,
    MergeMode,
    Norm,
    Number,
    Optimizer,
    RandomState,
    Scoring,
    SequencesLike,
    Sizes,
)
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
from .seq2seq import _PairRNN, numbers_of_steps, read_sequence_weights
from .seq2seq_parameters import ATTRIBUTES, AUTOENCODER, PARTS, TABLE

VECTORS, N_TIMESTEPS = Argument("vectors"), Argument("n_timesteps")


@documented(AUTOENCODER, TABLE, ATTRIBUTES, PARTS)
class SequenceAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, _PairRNN):
    """Encoder and decoder that learn to repeat sequences, and so to describe each by one vector.

    The encoder reads a sequence; the vector is the last states of its top layer. From it alone the
    decoder computes the sequence again, step by step; at each step it reads the step before [13]_.
    Training minimises the squared error, or for codes the cross-entropy, averaged over features.
    Vectors serve as features for other estimators; sequences that are not repeated well are
    unusual [14]_.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    Seq2SeqRegressor : The same network for other targets than X.

    Notes
    -----
    X is a 3-D array ``(n_samples, n_timesteps, n_features)``; or a list, tuple or object array of
    ``(n_timesteps_i, n_features)``, of any lengths; or a 2-D array or data frame ``(n_samples,
    n_timesteps)`` with one feature per step.

    References
    ----------
    {references}
    .. [13] N. Srivastava, E. Mansimov, R. Salakhutdinov, "Unsupervised learning of video
       representations using LSTMs", ICML 2015.
    .. [14] P. Malhotra et al., "LSTM-based encoder-decoder for multi-sensor anomaly detection",
       arXiv:1607.00148, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.seq2seq import SequenceAutoencoder
    >>> phase = np.random.RandomState(0).uniform(0, 6, size=(100, 1))
    >>> X = np.sin(phase + 0.5 * np.arange(12))
    >>> autoencoder = SequenceAutoencoder(8, max_iter=60, random_state=0).fit(X)
    >>> vectors = autoencoder.transform(X[:3])
    >>> vectors.shape
    (3, 16)
    >>> autoencoder.inverse_transform(vectors).shape
    (3, 12)
    >>> noise = np.random.RandomState(1).normal(size=(3, 12))
    >>> bool(autoencoder.score_samples(X).min() > autoencoder.score_samples(noise).max())
    True
    """

    _Model = FittedAutoencoder
    _HOLDS = "steps"

    # Set by `fit`. `Any` stands for None, which users need not test for.
    n_timesteps_: int | Any

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_partial_fit_request: Callable[..., Self]
    set_score_request: Callable[..., Self]
    set_inverse_transform_request: Callable[..., Self]

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
        self.normalize_X = normalize_X
        self.dtype = dtype
        self.memory_budget = memory_budget
        self.n_threads = n_threads

    @with_callbacks
    @floating_point_ignored
    def fit(
        self,
        X: SequencesLike,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        X_val: SequencesLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        callbacks: Callbacks = None,
    ) -> Self:
        """Fit the network to sequences.

        {ctrl_c}

        Parameters
        ----------
        {X_of_fit}
        y : None
            Ignored.
        {sample_weight}
        {groups}
        X_val, sample_weight_val : as those without "_val", default=None
            Validation data for `early_stopping`, instead of a part of X.
        callbacks : callable, ProgressBar, LivePlot, or list of these, default=None
            Called after each epoch as ``callback(estimator, info)``; see `RNNClassifier.fit`.

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
        validation = X_val, X_val, sample_weight_val, None
        return self._fit(
            X, X, sample_weight, groups=groups, validation=validation, callbacks=callbacks
        )

    @floating_point_ignored
    def partial_fit(
        self,
        X: SequencesLike,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        learning_rate_init: Number | None = None,
    ) -> Self:
        """Learn from each sequence once, in minibatches of `batch_size`.

        {continuing}

        Parameters
        ----------
        {X}
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            One weight per sequence. Unlike in `fit`, their size counts, too: a weight of 2 doubles
            the gradient.
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
            X, X, sample_weight, incremental=True, learning_rate_init=learning_rate_init
        )

    @floating_point_ignored
    def transform(self, X: SequencesLike) -> Array:
        """Return the vector of each sequence: the last states of the encoder's top layer.

        Parameters
        ----------
        {X}

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_units)
            With ``bidirectional=True`` n_units is twice the size of the layer; the states of the
            forward direction come first. They have the dtype of the network.

        Raises
        ------
        {errors_of_predict}
        """
        model = self._fitted_model()
        return model.vectors(model.read(X, type(self).__name__), self._threads())

    @floating_point_ignored
    def inverse_transform(
        self, vectors: ArrayLike, n_timesteps: Integer | ArrayLike | None = None
    ) -> Array:
        """Compute sequences from vectors.

        Parameters
        ----------
        vectors : array-like of shape (n_samples, n_units)
            What `transform` returns.
        n_timesteps : int, array-like of int of shape (n_samples,) or None, default=None
            Number of steps, for all sequences or for each one. None means that of the sequences in
            `fit`, if all had the same.

        Returns
        -------
        X : ndarray or object array of ndarray
            ``(n_samples, n_timesteps, n_features)``, or ``(n_samples, n_timesteps)`` if X was 2-D
            in `fit`. If the numbers of steps differ, an object array of ``(n_timesteps_i,
            n_features)``. For codes, the most probable ones; if some of them are strings, the
            arrays hold objects.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        model = self._fitted_model()
        vectors = _read_vectors(vectors, model)
        lengths = _lengths(n_timesteps, model.target.n_timesteps, len(vectors))
        values = model.target.answers(model.reconstructed(vectors, lengths))
        rows = model.target.with_codes(model.finite(model.target.decode(values)), model.categories)
        if (lengths == lengths[0]).all():
            shape = (len(vectors), -1) if model.target.is_2d else (len(vectors), lengths[0], -1)
            return rows.reshape(shape)
        return as_objects(Packed(rows, np.cumsum([0, *lengths])).cut())

    @floating_point_ignored
    def score_samples(self, X: SequencesLike) -> Floats:
        """Return how well each sequence is computed again from its vector.

        Parameters
        ----------
        {X}

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Mean over steps and features of minus the squared error, in units of the scale of each
            feature, and for codes of the logarithm of the probability. Unusual sequences have low
            scores.

        Raises
        ------
        {errors_of_predict}
        """
        model = self._fitted_model()
        return model.scores(model.read(X, type(self).__name__), self._threads())

    @floating_point_ignored
    def score(
        self, X: SequencesLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the mean of `score_samples`.

        Parameters
        ----------
        {X}
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the sequences.

        Returns
        -------
        score : float
            At most 0.

        Raises
        ------
        {errors_of_predict}
        """
        model = self._fitted_model()
        sequences = model.read(X, type(self).__name__)
        weights = read_sequence_weights(sample_weight, sequences, arguments.SAMPLE_WEIGHT)
        weights = None if weights is None else relative(weights)
        return float(np.average(model.scores(sequences, self._threads()), weights=weights))

    @property
    def _n_features_out(self):
        return self._fitted_model().n_units

    # ---- what the base asks for ----

    def _read_pair(self, given, form, categories, target, names=arguments.TRAINING):
        X_name, _, weight_name = names
        names = X_name, X_name, weight_name
        X, _, sample_weight, _ = given
        sequences, form, categories, _, weights, _ = super()._read_pair(
            (X, (), sample_weight, None), form, categories, target, names
        )
        return sequences, form, categories, sequences, weights, None

    def _read_target(self, y, n_samples, argument, taught):
        """Return None: the target is X."""
        return None

    def _learn(self, sequences, weights, future, categories, before, incremental):
        """Return the target, and None: its scale stays."""
        if weights is not None:
            weights = np.repeat(weights, sequences.lengths)
        tables = tuple(zip(categories.columns, categories.n_rows, strict=True))
        return Reconstruction.learn(sequences, weights, before, tables), None

    def _encode(self, target, sequences, future, argument):
        """Return the steps to compute, and what the decoder reads."""
        targets = target.encode(sequences, self.dtype)
        return targets, target.fed(targets)

    def _examples(self, target, *args):
        examples = super()._examples(target, *args)
        if not target.codes:
            return examples
        return replace(examples, group_weights=np.full(target.n_features, 1 / target.n_features))

    def _target_tables(self, target, tables):
        """List the tables of what the decoder reads: as those of X, and a row for the start."""
        return tuple((column, rows + 1, width) for column, rows, width in tables)

    def _answers_fed(self, target):
        """Return the function from outputs to what is fed, and the columns for it."""
        return target.answers, slice(None)

    def _own_validator(self, model, held_out, n_threads, evaluation):
        """Return the function params -> (score, -score), see `validator`."""
        examples = held_out.examples
        weights = None if examples.weights is None else examples.of_sequences(examples.weights)

        def validate(params):
            scores = replace(model, params=params).scores(examples.sequences, n_threads)
            score = float(np.average(scores, weights=weights))
            return score, -score

        return validate

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.transformer_tags.preserves_dtype = [self.dtype]
        return tags


def _read_vectors(vectors, model):
    """Return vectors (n_samples, n_units) in the dtype of the network."""
    rows = as_numbers(vectors, VECTORS)
    if rows.ndim != 2 or rows.shape[1] != model.n_units or len(rows) == 0:
        raise ValueError(
            f"`{VECTORS}` must have shape (n_samples, {model.n_units}), as `transform` returns "
            f"them; got {rows.shape}."
        )
    check_finite_rows(rows, VECTORS)
    return np.ascontiguousarray(rows, dtype=model.network.dtype)


def _lengths(n_timesteps, fitted, n_samples):
    """Return the number of steps of each sequence (n_samples,)."""
    if n_timesteps is None and fitted is None:
        raise ValueError("`n_timesteps` must be given: the sequences of fit had several lengths.")
    return numbers_of_steps(fitted if n_timesteps is None else n_timesteps, n_samples, N_TIMESTEPS)
