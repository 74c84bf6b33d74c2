"""RNNClassifier: a target is one of a set of classes, or several labels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import ClassVar, Literal, Self, overload

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from .._available_if import available_if
from .._data import arguments
from .._data.label_columns import labels_of_argument, learn_labels
from .._data.labels import Labels, check_labels
from .._data.tags import Tags, allowed_of
from .._data.weights import read_weights
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
    ClassWeight,
    Dimensions,
    Features,
    Frozen,
    InputLayers,
    LearningRate,
    Pooling,
    Transitions,
    Truncation,
    Vectors,
    Verbose,
)
from .parameters import CLASSIFIER
from .streaming import StreamingMixin


def _has_transitions(rnn):
    """Tell whether a classifier has learned sequences of labels, or would."""
    if hasattr(rnn, "params_"):
        return rnn._fitted_model().network.has_transitions
    return bool(rnn.transitions)


@documented(CLASSIFIER)
class RNNClassifier(ClassifierMixin, StreamingMixin, _RNNBase):
    """Recurrent neural network that classifies sequences, or each of their steps.

    Training minimises the cross-entropy by gradient descent on minibatches, with back-propagation
    through time. A target is one label or several; the loss is the mean of their cross-entropies.
    Parameters and attributes that `sklearn.neural_network.MLPClassifier` also has keep their names
    and meanings.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    RNNRegressor : The same networks for numeric targets.
    sklearn_rnn.preprocessing.SequenceScaler : Scales features of sequences of any form.
    sklearn_rnn.metrics : Scores per step, for `make_scorer`.

    Notes
    -----
    {notes}

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNClassifier
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.normal(size=(rng.randint(3, 9), 2)) for _ in range(100)]
    >>> y = ["up" if x[:, 0].sum() > 0 else "down" for x in X]
    >>> rnn = RNNClassifier(hidden_layer_sizes=8, max_iter=500, random_state=0).fit(X, y)
    >>> rnn.predict(X[:3]).shape
    (3,)
    >>> rnn.score(X, y) > 0.9
    True

    Several labels per sequence (multilabel), here one for each feature:

    >>> labels = [[int(total > 0) for total in x.sum(axis=0)] for x in X]
    >>> rnn = RNNClassifier(hidden_layer_sizes=8, max_iter=500, random_state=0).fit(X, labels)
    >>> rnn.predict_proba(X[:3]).shape
    (3, 2)
    >>> rnn.score(X, labels) > 0.9
    True
    """

    _target_kind = Labels

    _KIND = CLASSIFIER

    # Set by `fit`.
    classes_: Array  # a list of these if y has several columns

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_partial_fit_request: Callable[..., Self]
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
        transitions: bool = False,
        allowed_transitions: Transitions = None,
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
        class_weight: ClassWeight = None,
        label_smoothing: Number = 0.0,
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
        self.transitions = transitions
        self.allowed_transitions = allowed_transitions
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
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
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
        y : array-like of labels
            ``(n_samples,)``, or ``(n_samples, n_outputs)`` for several labels per sequence. With
            ``mode="many_to_many"`` ``(n_samples, n_timesteps[, n_outputs])``, or a list or object
            array of ``(n_timesteps_i[, n_outputs])``. A last axis of length 1 is flattened with a
            warning. The labels in a column must be of one type, for example strings or numbers, and
            not missing.

            If y has several columns of only 0 and 1, it is multilabel: a 1 means that the sequence
            or step has the label of that column. Each label must occur. Such a y may be a sparse
            matrix. Any other y with several columns is multioutput: each column has classes of its
            own, at least two.
        sample_weight : array-like, default=None
            One weight per sequence; with ``mode="many_to_many"`` also one per step, in any form
            that y may have. Only their ratios count. Sequences or steps of weight 0 are ignored,
            and their y may be anything: None, NaN, an unknown label. With ``transitions=True`` the
            labels of such steps are unknown, and training sums over all that they could be; the
            other weights must be equal within a sequence.
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
            Also if, with ``mode="many_to_one"``, y has as many columns as X has steps.
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
        classes: ArrayLike | None = None,
        *,
        initial_state: States | None = None,
        learning_rate_init: Number | None = None,
    ) -> Self:
        """Learn from each sequence once, in minibatches of `batch_size`.

        {continuing}

        Mean and scale of X accumulate over all calls. Those in use are updated when one of them has
        moved by more than 1 % of the scale. If the scale of a feature changes by a factor below 2,
        the weights are changed with it so that predictions stay the same (with a `Conv1D` only
        approximately: zeros precede the first step).

        Parameters
        ----------
        {parameters_of_partial_fit}
        classes : array-like of shape (n_classes,), default=None
            All classes that y can have in any call; required in the first call, unless `fit` was
            called before. If y has several columns, a list with the classes of each column; for
            multilabel y ``range(n_outputs)``.
        {initial_state_of_partial_fit}
        {learning_rate_of_partial_fit}

        Returns
        -------
        {self}

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, if they do not match the previous fit,
            if y has other classes, or with `early_stopping`. Also if the training diverges; what
            was learned before that minibatch is kept.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            initial_state=initial_state,
            incremental=True,
            learning_rate_init=learning_rate_init,
            classes=classes,
        )

    # By method: model -> whether outputs are needed before the link, and what decodes them.
    _STREAMED: ClassVar = {
        "predict": lambda model: (False, model.target.decode),
        "predict_proba": lambda model: (
            model.network.loss == "logistic",
            model.target.probabilities,
        ),
        "predict_log_proba": lambda model: (
            True,
            floating_point_ignored(model.target.log_probabilities),
        ),
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
        """Predict the class of each sequence, or of each step.

        With ``transitions=True`` these are the most probable labels of all steps together.

        Parameters
        ----------
        {X}
        {states}

        Returns
        -------
        y : ndarray or object array of ndarray
            With ``mode="many_to_one"`` labels ``(n_samples,)``. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps)``, or for a list of sequences an object array of
            ``(n_timesteps_i,)``. If y had several columns in fit, there is one more axis,
            ``n_outputs``; multilabel predictions are 0 and 1.
        {returned_state}

        Raises
        ------
        {errors_of_predict}
        """
        return self._predict(
            X,
            lambda model, outputs: model.target.decode(outputs(result=model.network.result)),
            initial_state,
            return_state,
        )

    @overload
    def predict_proba(
        self,
        X: SequencesLike,
        *,
        initial_state: States | None = ...,
        return_state: Literal[False] = ...,
    ) -> Array: ...

    @overload
    def predict_proba(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: Literal[True]
    ) -> tuple[Array, dict[str, Array]]: ...

    @overload
    def predict_proba(
        self, X: SequencesLike, *, initial_state: States | None = ..., return_state: bool
    ) -> Array | tuple[Array, dict[str, Array]]: ...

    @floating_point_ignored
    def predict_proba(
        self, X: SequencesLike, *, initial_state: States | None = None, return_state: bool = False
    ) -> Array | tuple[Array, dict[str, Array]]:
        """Predict the probability of each class, for each sequence or each step.

        With ``transitions=True`` these are the marginal probabilities, given all of the sequence.

        Parameters
        ----------
        {X}
        {states}

        Returns
        -------
        probabilities : ndarray or object array of ndarray, or list of those
            With ``mode="many_to_one"`` ``(n_samples, n_classes)``, columns in the order of
            `classes_`. With ``mode="many_to_many"`` ``(n_samples, n_timesteps, n_classes)``, or for
            a list of sequences an object array of ``(n_timesteps_i, n_classes)``. They have the
            dtype of the network. For multilabel y, the last axis has the probability of each label,
            ``n_outputs`` instead of ``n_classes``. For multioutput y, the result is a list with
            one such array for each output.
        {returned_state}

        Raises
        ------
        {errors_of_predict}
        """

        def probabilities(model, outputs):
            # The probabilities of two classes are both computed from the output before the link.
            return model.target.probabilities(outputs(raw=model.network.loss == "logistic"))

        return self._predict(X, probabilities, initial_state, return_state)

    @floating_point_ignored
    def predict_log_proba(self, X: SequencesLike) -> Array:
        """Predict the logarithm of the probability of each class.

        It is computed from the network's outputs, so it stays finite where a probability is too
        small for its dtype. Labels that `allowed_transitions` does not allow get the lowest finite
        number of the dtype.

        Parameters
        ----------
        {X}

        Returns
        -------
        log_probabilities : ndarray or object array of ndarray
            In the shape that `predict_proba` returns.

        Raises
        ------
        ValueError
            If X has another form or another number of features than in `fit`.
        """

        def log_probabilities(model, outputs):
            of_tags = model.network.has_transitions
            rows = outputs(result="log") if of_tags else outputs(raw=True)
            return model.target.log_probabilities(rows)

        return self._predict(X, log_probabilities)

    @floating_point_ignored
    def score(self, X: SequencesLike, y: Targets, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy of the predictions.

        If y has several columns, a prediction is right only if all its labels are right (subset
        accuracy).

        Parameters
        ----------
        {parameters_of_score}

        Returns
        -------
        score : float
            Accuracy over all sequences, or with ``mode="many_to_many"`` over all steps.

        Raises
        ------
        {errors_of_score}
        """
        return self._score(X, y, sample_weight)

    @available_if(_has_transitions)
    @floating_point_ignored
    def score_samples(
        self, X: SequencesLike, y: Targets, sample_weight: ArrayLike | None = None
    ) -> Floats:
        """Return the log-likelihood of the labels of each sequence.

        Available with ``transitions=True``.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.
        y : array-like of labels
            One label per step, as in `fit`.
        sample_weight : array-like, default=None
            One weight per sequence or per step. Labels of weight 0 are unknown: the result is then
            the logarithm of the probability of all others. The size of other weights has no effect.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            ``log p(y | x)`` of all labels of a sequence together; -inf if `allowed_transitions`
            does not allow them, and 0 if all are unknown.

        Raises
        ------
        {errors_of_score}

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_rnn import RNNClassifier
        >>> X = np.random.RandomState(0).normal(size=(40, 5, 1))
        >>> y = (X[..., 0].cumsum(axis=1) > 0).astype(int)
        >>> rnn = RNNClassifier(8, mode="many_to_many", transitions=True, random_state=0)
        >>> rnn.fit(X, y).score_samples(X[:3], y[:3]).shape
        (3,)
        """
        model = self._fitted_model()
        sequences = model.read(X, type(self).__name__)
        weights = read_weights(sample_weight, sequences, per_step=True)
        known = None if weights is None else weights > 0
        rows = model.target.read(y, sequences, True, taught=known)
        codes = model.target.encode_taught(rows, slice(None) if known is None else known)
        weights = None if known is None else known.astype(np.float64)
        return -model.sequence_losses(sequences, codes, weights, self._threads())

    @property
    def transitions_(self) -> Array:
        return self._transition_scores()[0]

    @property
    def start_transitions_(self) -> Array:
        return self._transition_scores()[1]

    @property
    def end_transitions_(self) -> Array:
        return self._transition_scores()[2]

    def _transition_scores(self):
        model = self._fitted_model() if hasattr(self, "params_") else None
        if model is None or not model.network.has_transitions:
            raise AttributeError(
                f"This {type(self).__name__} has no scores of transitions: fit it with "
                "transitions=True."
            )
        return model.transition_scores()

    def _learn_target(self, labels, weights, taught, before, incremental, classes=None):
        """Return the classes of y, and None: there are no scales of outputs to absorb."""
        check_labels(labels, taught)
        if incremental:
            target = labels_of_argument(classes, labels, before)
        else:
            target = before or learn_labels(labels, taught)
        if self.transitions and not isinstance(target, Tags):
            if not isinstance(target, Labels):
                raise ValueError(
                    "`transitions` must be False for y with several columns, got True: tags are "
                    "one label per step."
                )
            target = Tags(target.classes, allowed_of(self.allowed_transitions, target.classes))
        return target, None

    def _check_sequences(self, target, targets, weights, sequences, names=arguments.TRAINING):
        if isinstance(target, Tags):
            target.check_sequences(targets, weights, sequences, names)

    def _allowed(self, target, words):
        if not (words.transitions and isinstance(target, Tags)):
            return None
        return allowed_of(self.allowed_transitions, target.classes)

    def _warn_of_mode(self, sequences, target):
        """Warn if the columns of y look like labels of steps."""
        n_columns = len(getattr(target, "columns", ()))
        if n_columns > 1 and (sequences.lengths == n_columns).all():
            warnings.warn(
                f"`y` has as many columns as X has steps, {n_columns}, and mode='many_to_one' "
                "learns them as labels of the whole sequence; for one label per step, set "
                "mode='many_to_many'.",
                stacklevel=level_of_caller(),
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags
