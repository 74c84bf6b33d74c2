"""Seq2SeqClassifier: a target is a sequence of labels of a length of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self

import numpy as np

from .._data import arguments
from .._data.tokens import Tokens, exact_match, read_tokens
from .._floating_point import floating_point_ignored
from .._model.pair_decoder import Answerer, beam_answers, greedy_answers
from .._rules import integer
from .._typing import (
    Array,
    ArrayLike,
    AttentionName,
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
    Targets,
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
from .parameters import CLASSIFIER
from .seq2seq import _PairRNN, check_attention, read_sequence_weights
from .seq2seq_parameters import ATTRIBUTES, PARTS, TABLE

AUTO_WIDTH = 8, 50  # least and greatest number of elements of the vectors of labels


@documented(CLASSIFIER, TABLE, ATTRIBUTES, PARTS)
class Seq2SeqClassifier(_PairRNN):
    """Encoder and decoder that turn a sequence into a sequence of labels of another length.

    The encoder reads X [4]_ [9]_. The decoder begins with states computed from the last states of
    the encoder, and predicts one label at a time until it predicts a stop; at each step it reads
    the label before. Training minimises the cross-entropy of the labels and the stop, by gradient
    descent on minibatches. With `attention`, the decoder also looks up states of the encoder.

    It is not a classifier in the sense of scikit-learn, because its targets are sequences: folds
    are not stratified.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    Seq2SeqRegressor : The same for sequences of numbers.
    sklearn_rnn.RNNClassifier : One label per sequence, or one per step of X.

    Notes
    -----
    X is a 3-D array ``(n_samples, n_timesteps, n_features)``; or a list, tuple or object array of
    ``(n_timesteps_i, n_features)``, of any lengths; or a 2-D array or data frame ``(n_samples,
    n_timesteps)`` with one feature per step. Columns of integer codes, such as letters, belong to
    the `categorical_features`.

    Each minibatch of B sequences minimises ``sum(w * loss) / (B * m)`` over all labels and stops,
    where m is the mean total weight of a target: each label counts the same.

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn.seq2seq import Seq2SeqClassifier
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.randint(3, size=(rng.randint(1, 5), 1)) for _ in range(200)]
    >>> y = ["".join("abc"[i] for i in x[::-1, 0]) for x in X]  # reversed
    >>> seq2seq = Seq2SeqClassifier(32, categorical_features="all", max_iter=60, random_state=0)
    >>> seq2seq = seq2seq.fit(X, y)
    >>> seq2seq.predict([np.array([[0], [1], [2]])])
    array(['cba'], dtype=object)
    >>> seq2seq.score(X, y) > 0.9
    True
    """

    # Set by `fit`.
    classes_: Array
    longest_target_: int

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
        decoder_embedding_dim: Integer | Literal["auto"] = "auto",
        attention: AttentionName | None = None,
        output_layer_sizes: Sizes = (),
        dropout: Number = 0.0,
        output_dropout: Number | None = None,
        input_dropout: Number = 0.0,
        input_noise: Number = 0.0,
        teacher_forcing: TeacherForcing = 1.0,
        label_smoothing: Number = 0.0,
        beam_width: Integer = 1,
        length_penalty: Number = 1.0,
        max_length: Integer | None = None,
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
        self.decoder_embedding_dim = decoder_embedding_dim
        self.attention = attention
        self.output_layer_sizes = output_layer_sizes
        self.dropout = dropout
        self.output_dropout = output_dropout
        self.input_dropout = input_dropout
        self.input_noise = input_noise
        self.teacher_forcing = teacher_forcing
        self.label_smoothing = label_smoothing
        self.beam_width = beam_width
        self.length_penalty = length_penalty
        self.max_length = max_length
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
        y: Targets,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        X_val: SequencesLike | None = None,
        y_val: Targets | None = None,
        sample_weight_val: ArrayLike | None = None,
        callbacks: Callbacks = None,
    ) -> Self:
        """Fit the network to sequences and their targets.

        {ctrl_c}

        Parameters
        ----------
        {X_of_fit}
        y : sequences of labels
            A list, tuple, object array or column with one sequence for each of X: a str, whose
            letters are the labels, or a list or array of labels (numbers or strings) of any
            length, also 0; or a 2-D array ``(n_samples, n_labels)``. All labels must have
            one type, and none may be missing.
        {sample_weight}
        {groups}
        {validation}
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
        validation = X_val, y_val, sample_weight_val, None
        return self._fit(
            X, y, sample_weight, groups=groups, validation=validation, callbacks=callbacks
        )

    @floating_point_ignored
    def partial_fit(
        self,
        X: SequencesLike,
        y: Targets,
        sample_weight: ArrayLike | None = None,
        classes: str | ArrayLike | None = None,
        *,
        learning_rate_init: Number | None = None,
    ) -> Self:
        """Learn from each sequence once, in minibatches of `batch_size`.

        {continuing}

        Parameters
        ----------
        {X}
        y : sequences of labels
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            One weight per sequence. Unlike in `fit`, their size counts, too: a weight of 2 doubles
            the gradient.
        classes : array-like of shape (n_classes,) or str, default=None
            All labels that y can have in any call; required in the first call, unless `fit` was
            called before.
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
            incremental=True,
            learning_rate_init=learning_rate_init,
            classes=classes,
        )

    @floating_point_ignored
    def predict(self, X: SequencesLike, *, max_length: Integer | None = None) -> Array:
        """Predict a sequence of labels for each sequence.

        Parameters
        ----------
        {X}
        max_length : int or None, default=None
            Maximum number of labels, at which a prediction is cut. None means the parameter
            `max_length`.

        Returns
        -------
        y : object array of shape (n_samples,)
            Arrays of labels ``(n_labels_i,)``; or str, if that is what y held in `fit`.

        Raises
        ------
        {errors_of_predict}
        """
        model = self._fitted_model()
        search = self._search(model, max_length)
        return model.target.decode(model.answers(self._sequences(model, X), *search))

    @floating_point_ignored
    def kbest(
        self, X: SequencesLike, k: Integer, *, max_length: Integer | None = None
    ) -> tuple[list[Array], list[Floats]]:
        """Find the k best answers to each sequence by beam search.

        The width of the beam is k, or `beam_width` if that is larger. A `Pipeline` has no such
        method: call ``pipeline[-1].kbest(pipeline[:-1].transform(X), k)``.

        Parameters
        ----------
        {X}
        k : int
            Number of answers, at least 1. There may be fewer if `max_length` is small.
        max_length : int or None, default=None
            As in `predict`.

        Returns
        -------
        answers : list of object arrays of shape (k,)
            For each sequence its answers, best first; see `length_penalty`.
        log_likelihoods : list of ndarrays of shape (k,)
            Logarithms of their probabilities. That of an answer that was cut does not include a
            stop.

        Raises
        ------
        {errors_of_predict}
        """
        integer(1, 16).check("k", k)
        model = self._fitted_model()
        width, *search = self._search(model, max_length)
        found = model.best_answers(self._sequences(model, X), max(width, int(k)), *search)
        found = [answers[:k] for answers in found]
        answers = [model.target.decode([each.tokens for each in answers]) for answers in found]
        return answers, [np.array([each.log_likelihood for each in every]) for every in found]

    @floating_point_ignored
    def score_samples(self, X: SequencesLike, y: Targets) -> Floats:
        """Return the log-likelihood of each target, given its sequence.

        Parameters
        ----------
        {X}
        y : sequences of labels
            As in `fit`.

        Returns
        -------
        log_likelihoods : ndarray of shape (n_samples,)
            Sums over the labels and the stop; -inf if y has a label that was not in `fit`.

        Raises
        ------
        {errors_of_score}
        """
        model = self._fitted_model()
        sequences = self._sequences(model, X)
        codes = model.target.codes(read_tokens(y, sequences.n_samples))
        return model.log_likelihoods(sequences, codes, self._threads())

    @floating_point_ignored
    def score(self, X: SequencesLike, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of predictions that equal their targets exactly.

        Parameters
        ----------
        {X}
        y : sequences of labels
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the sequences.

        Returns
        -------
        score : float
            From 0 to 1.

        Raises
        ------
        {errors_of_score}
        """
        model = self._fitted_model()
        sequences = self._sequences(model, X)
        weights = read_sequence_weights(sample_weight, sequences, arguments.SAMPLE_WEIGHT)
        taught = None if weights is None else weights > 0
        codes = model.target.codes(read_tokens(y, sequences.n_samples, taught=taught))
        return exact_match(model.answers(sequences, *self._search(model)), codes, weights)

    @floating_point_ignored
    def attention_weights(self, X: SequencesLike, y: Targets | None = None) -> list[Array]:
        """Return the attention weight of each step of X for each label of an answer.

        Parameters
        ----------
        {X}
        y : sequences of labels or None, default=None
            The answers; None means the predictions.

        Returns
        -------
        weights : list of ndarrays of shape (n_labels_i, n_timesteps_i)
            Rows sum to 1.

        Raises
        ------
        ValueError
            If ``attention=None``, or if X or y do not match the fit.
        """
        model = self._fitted_model()
        check_attention(model)
        sequences = self._sequences(model, X)
        if y is None:
            y = model.target.decode(model.answers(sequences, *self._search(model)))
        codes = model.target.codes(read_tokens(y, sequences.n_samples))
        return model.attention(sequences, codes)

    # ---- what the base asks for ----

    def _sequences(self, model, X):
        return model.read(X, type(self).__name__)

    def _search(self, model, max_length=None):
        """Return the width of the beam, the longest answer and the penalty of a search."""
        for name in ("beam_width", "length_penalty", "max_length"):
            TABLE[name].rule.check(name, getattr(self, name))
        TABLE["max_length"].rule.check("max_length", max_length)
        return self._settings_of_search(model.target, max_length)

    def _settings_of_search(self, target, max_length=None):
        longest = max_length or self.max_length or max(2 * target.longest, 1)
        return int(self.beam_width), int(longest), float(self.length_penalty)

    def _read_target(self, y, n_samples, argument, taught):
        return read_tokens(y, n_samples, argument, taught)

    def _learn(self, written, weights, future, categories, before, incremental, classes=None):
        """Return the target, and None: there are no scales of outputs to absorb."""
        if not incremental:
            return Tokens.learn(written, before), None
        if before is None and classes is None:
            raise ValueError(
                "`classes` must be passed to the first call of partial_fit: the labels that y can "
                "have in any call."
            )
        if classes is not None:
            given = Tokens.of_argument(classes, written)
            if before is not None and not np.array_equal(given.classes, before.classes):
                raise ValueError(
                    f"`classes` must be those of the previous fit, {before.classes}; got "
                    f"{given.classes}."
                )
            if before is None:
                return given, None
        return Tokens.learn(written, before), None

    def _encode(self, target, written, future, argument):
        """Return the labels and stops to predict, and what the decoder reads."""
        if argument is arguments.Y:
            codes = target.encode_taught(written)
        else:  # held out: may have labels that are not among the classes
            codes = target.codes(written, argument)
        return target.with_stops(codes), target.fed(codes, np.float32)

    def _target_tables(self, target, tables):
        width = self.decoder_embedding_dim
        if width == "auto":
            least, most = AUTO_WIDTH
            width = min(most, max(least, (len(target.classes) + 1) // 2))
        return ((0, target.n_rows, int(width)),)

    def _answers_fed(self, target):
        """Return the function from outputs to the most probable labels, and the column for them."""
        return lambda outputs: outputs[:, : target.stop].argmax(axis=1)[:, np.newaxis], slice(0, 1)

    def _own_validator(self, model, held_out, n_threads, evaluation):
        """Return the function params -> (exact match, value), see `validator`.

        While no answer is right, the loss tells whether there is progress.
        """
        examples, network, target = held_out.examples, model.network, model.target
        width, *search = self._settings_of_search(target)
        codes = target.without_stops(examples.targets, examples.fed.offsets)
        weights = None if examples.weights is None else examples.of_sequences(examples.weights)
        answerer = Answerer(network, examples.sequences, examples.scaling, width)
        has_loss = not target.has_unknown(codes.values)

        def validate(params):
            answerer.load(params)
            if width == 1:
                answers = greedy_answers(answerer, target.stop, search[0])
            else:
                found = beam_answers(answerer, target.stop, width, *search)
                answers = [each[0].tokens for each in found]
            score = exact_match(answers, codes, weights)
            return score, evaluation.mean_loss(params) if score == 0 and has_loss else -score

        return validate
