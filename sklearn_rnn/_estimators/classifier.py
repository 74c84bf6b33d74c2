"""RNNClassifier: a target is one of a set of classes."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .. import _core
from .._data import arguments
from .._data.arguments import naming
from .._data.carriers import as_labels
from .._data.steps import pack_steps
from .._data.unpacking import as_carried
from .._data.values import family, settled_labels
from .._floating_point import floating_point_ignored
from .._training.losses import classification_loss
from .base import _RNNBase
from .callbacks import with_callbacks
from .parameters import number
from .validation import one_per_sequence


class RNNClassifier(ClassifierMixin, _RNNBase):
    """Recurrent neural network that classifies sequences, or each of their steps.

    Training minimises the cross-entropy by gradient descent on minibatches, with back-propagation
    through time. Parameters and attributes that `sklearn.neural_network.MLPClassifier` also has
    keep their names and meanings.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64,)
        Units of each recurrent layer, from the input up.
    cell : {"elman", "lstm", "gru"}, default="gru"
        The recurrence. "elman" is the simple network [1]_; "lstm" has a cell state with input,
        forget and output gates [2]_ [3]_; "gru" has reset and update gates [4]_, and its reset
        comes after the product, as in PyTorch, cuDNN and Keras.
    activation : {"tanh", "relu"}, default="tanh"
        Activation of the "elman" cell. Other cells accept only the default.
    bidirectional : bool, default=False
        Whether each layer reads the sequence in both directions, each with `hidden_layer_sizes`
        units; the next layer reads the states of both, those of the forward direction first.
    mode : {"many_to_one", "many_to_many"}, default="many_to_one"
        One target per sequence, or one per step.
    dropout : float, default=0.0
        Fraction of the states that are set to zero during training, between layers and before the
        output; at least 0 and below 1.
    max_grad_norm : float or None, default=1.0
        Maximum Euclidean norm of the gradient of a minibatch; a longer gradient is scaled down to
        it [5]_. With weights, both this norm and `max_grad_value` are multiplied by the mean of the
        positive weights in the minibatch, divided by their mean over all training data, so that
        clipping does not undo the weights.
    max_grad_value : float or None, default=None
        Each entry of the gradient is clipped to plus or minus this value.
    solver : {"sgd", "adam", "adamw", "rmsprop", "adagrad"}, default="adam"
        Optimizer that updates the weights. "adamw" is Adam with decoupled weight decay.
    alpha : float, default=0.0
        Strength of the L2 penalty, ``alpha / 2 * sum(w ** 2)`` over all weights except biases; it
        is not divided by the size of the minibatch. For "adamw", the weight decay per unit of
        learning rate.
    batch_size : int or "auto", default="auto"
        Sequences per minibatch. "auto" is 16, or for more than 1024 sequences one 64th of them, up
        to 128.
    learning_rate : {"constant", "invscaling", "adaptive", "cosine"}, default="constant"
        Schedule of the learning rate, for every solver.

        - "constant": `learning_rate_init`;
        - "invscaling": ``learning_rate_init / (t_ + 1) ** power_t``, set at each epoch;
        - "adaptive": divided by 5 whenever training would stop for lack of progress, until it is
          below 1e-6;
        - "cosine": from `learning_rate_init` to 0 over `max_iter` epochs, set at each minibatch
          [6]_. Reaching `max_iter` then gives no warning. In `partial_fit`, where the number of
          epochs is unknown, the rate is constant.
    learning_rate_init : float, default=0.005
        Initial learning rate.
    power_t : float, default=0.5
        Exponent of "invscaling", not negative.
    momentum : float, default=0.9
        Momentum of "sgd", from 0 to below 1.
    nesterovs_momentum : bool, default=True
        Whether the momentum of "sgd" is Nesterov's.
    beta_1 : float, default=0.9
        Decay of the mean of gradients in "adam" and "adamw".
    beta_2 : float, default=0.999
        Decay of the mean of squared gradients in "adam", "adamw" and "rmsprop".
    epsilon : float, default=1e-8
        Added to the root of the mean of squared gradients, by which the update is divided; for
        "adam" and "adamw" after the bias correction, as in PyTorch.
    max_iter : int, default=200
        Maximum number of epochs.
    shuffle : bool, default=True
        Whether to draw new minibatches in each epoch; otherwise they follow the order of X.
    tol : float, default=1e-4
        Smallest change that counts as progress: the training loss must fall by `tol`, or with
        `early_stopping` the validation score must rise by `tol`.
    n_iter_no_change : int or np.inf, default=10
        Training stops after more than this number of epochs in a row without progress. Without
        `early_stopping`, the number is multiplied by 4 while the best loss is above 0.98 times the
        loss of the best constant prediction; a fit that ends there gives a warning.
    early_stopping : bool, default=False
        Whether to judge progress by the score on held-out sequences, and to keep the weights of
        the epoch where it was best. The score uses the class weights of training. Balanced class
        weights, or mean and scale of y, are computed from all sequences, held out or not; mean and
        scale of X are computed from the training sequences alone.
    validation_fraction : float, default=0.1
        Fraction of the sequences that `early_stopping` holds out when `fit` gets no `X_val`: drawn
        at random, whatever `shuffle` is, and stratified by class where that is possible. Pass
        `X_val` instead if the sequences follow each other in time.
    scoring : str, callable or None, default=None
        The score that `early_stopping` uses. None means the method `score`; "loss" means minus the
        loss, weighted as in training. Otherwise it is a name or function as for `GridSearchCV`,
        called as ``scoring(estimator, X, y)`` with the held-out sequences in the form in which they
        were passed, and with their ``sample_weight`` if it accepts that. It gets no class weights,
        and sees `loss_curve_` as it was before the epoch.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous fit instead of new ones. The
        optimizer starts afresh.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation split, the order of minibatches and dropout.
        The same number gives the same bits, for any number of threads.
    verbose : int, default=0
        1 prints a line per epoch; 2 and more show a progress bar if tqdm is installed.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, ``{class: weight}``; a class that is not named has weight 1. With
        "balanced", the weight of a class is inversely proportional to the sum of its sample weights
        in y, including what `early_stopping` holds out; `partial_fit` does not support this.
    normalize_X : bool, default=True
        Whether the network reads ``(X - x_mean_) / x_scale_``. Mean and scale are computed over all
        steps of the training sequences, each with the sample weight of its sequence. With weights
        per step, a sequence has the mean of its positive weights, and unless `bidirectional`, steps
        after the last one of positive weight are left out. Features of only 0 and 1 are not scaled;
        constant features have scale 1.
    dtype : {"float32", "float64"}, default="float32"
        Type of the numbers that the network computes with.
    memory_budget : int or None, default=None
        Maximum number of bytes that `fit` keeps for the steps of a minibatch, in all threads
        together; None means no limit. If long sequences need more, `fit` keeps only some of the
        states and computes the steps between them again during back-propagation (Chen et al.,
        2016): the results are the same and take a third more time. If the budget is too small, an
        error names the smallest one that suffices. A bidirectional network needs room for all
        steps.
    n_threads : int or None, default=None
        Maximum number of threads for `fit` and for each prediction, limited to the number of cores
        or 16, whichever is larger. Results do not depend on it. Minibatches of less than half a
        millisecond use one thread. None means 1 in a joblib worker, otherwise OMP_NUM_THREADS, or
        if that is not set, the number of cores that this process may use. A forked child always
        uses one thread.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted. A label that occurs only with weight 0 is not included.
    x_mean_, x_scale_ : ndarray of shape (n_features,)
        Mean that the network subtracts from each feature, and scale that it divides by; for 2-D X
        one of each. 0 and 1 with ``normalize_X=False``. `partial_fit` and `warm_start` update them.
    n_features_in_ : int
        Number of features per step; for 2-D X the number of its columns, which are steps.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X was a data frame with named columns, or a list of such frames.
    n_layers_ : int
        Number of recurrent layers.
    n_outputs_ : int
        Number of outputs of the network; 1 for two classes.
    out_activation_ : str
        Function from these outputs to predictions: "logistic" for two classes, else "softmax".
    n_iter_ : int
        Number of complete epochs in the last `fit` or `partial_fit`.
    t_ : int
        Number of sequences seen in training, over all epochs.
    loss_ : float
        Training loss of the last epoch, without the penalty.
    best_loss_ : float or None
        Lowest training loss of an epoch; None with `early_stopping`.
    loss_curve_ : list of float
        Training loss of each epoch; `warm_start` and `partial_fit` append to it.
    validation_scores_ : list of float or None
        Score on the held-out sequences after each epoch, see `scoring`; `warm_start` appends to it.
        None without `early_stopping`.
    best_validation_score_ : float or None
        Highest validation score of the last fit, which is the score of the weights that it kept.
    params_ : ndarray of shape (n_params,)
        All weights, in the order of `weights_`.
    weights_ : dict of str to ndarray
        The same weights under PyTorch's names and in its shapes, as read-only copies. They apply to
        normalised X, as the network reads it.

    See Also
    --------
    RNNRegressor : The same networks for numeric targets.
    sklearn_rnn.preprocessing.SequenceScaler : Scales features of sequences of any form.
    sklearn_rnn.metrics : Scores per step, for `make_scorer`.

    Notes
    -----
    X is a 3-D array ``(n_samples, n_timesteps, n_features)``; or a list, tuple or object array of
    ``(n_timesteps_i, n_features)``, of any lengths; or a 2-D array or data frame
    ``(n_samples, n_timesteps)`` with one feature per step; or a list of 1-D arrays, which is the
    ragged form of the latter. Data frames, alone or in a list, are those of pandas, polars and
    pyarrow; their columns must hold numbers, and NA counts as NaN. Use `sklearn_rnn.unpad` on
    padded data. Nothing is padded internally: a sequence costs only its own steps.

    With minibatches of B sequences, each minimises ``sum(w * loss) / (B * m)``, where m is the mean
    total weight of a training sequence; a smaller last minibatch is divided by the same B. So a
    weight counts the same in every minibatch, and with ``mode="many_to_many"`` a step counts the
    same in short and in long sequences. Steps of weight 0 are ignored. `loss_` is the weighted
    mean.

    Initially, input and output weights are Glorot uniform, recurrent weights are orthogonal, and
    biases are 0, except those of the forget gate, which are 1.

    The defaults were chosen by cross-validation on training data (benchmarks/defaults.py). Over
    eight tasks and 20 seeds, "gru" had 0.7 times the error of "lstm" and took 0.85 times as long.
    An initial forget bias of 1 was better than 0 for tasks that need a long memory, and no worse
    over all tasks. For `n_iter_no_change`, 10 was better than 5, and 20 was not reliably better.
    Minibatches of 16 with a rate of 0.005 did best; a penalty of 0 was as good as 1e-4, and
    clipping at 1 as good as at 5. `max_iter` is an upper bound: `tol` usually ends a fit earlier.
    Larger minibatches for more than 1024 sequences are for speed.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    .. [2] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.
    .. [3] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with
       LSTM", Neural Computation 12, 2000.
    .. [4] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
       machine translation", EMNLP 2014.
    .. [5] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML 2013.
    .. [6] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR
       2017.

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
    """

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        cell="gru",
        activation="tanh",
        bidirectional=False,
        mode="many_to_one",
        dropout=0.0,
        max_grad_norm=1.0,
        max_grad_value=None,
        solver="adam",
        alpha=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.005,
        power_t=0.5,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        max_iter=200,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        scoring=None,
        warm_start=False,
        random_state=None,
        verbose=0,
        class_weight=None,
        normalize_X=True,
        dtype="float32",
        memory_budget=None,
        n_threads=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.activation = activation
        self.bidirectional = bidirectional
        self.mode = mode
        self.dropout = dropout
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.class_weight = class_weight
        self.normalize_X = normalize_X
        self.dtype = dtype
        self.memory_budget = memory_budget
        self.n_threads = n_threads

    @with_callbacks
    @floating_point_ignored
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        callbacks=None,
    ):
        """Fit the network to sequences and their targets.

        On Ctrl-C, training stops with a warning and the estimator keeps what it has learned so far;
        if it has learned nothing yet, `KeyboardInterrupt` is raised. (After the warning, a grid
        search continues with its next candidate.)

        Parameters
        ----------
        X : sequences
            3-D array ``(n_samples, n_timesteps, n_features)``; list, tuple or object array of
            ``(n_timesteps_i, n_features)`` or ``(n_timesteps_i,)``; 2-D array or data frame
            ``(n_samples, n_timesteps)``.
        y : array-like of labels
            ``(n_samples,)``. With ``mode="many_to_many"`` ``(n_samples, n_timesteps)``, or a list
            or object array of ``(n_timesteps_i,)``. A last axis of length 1 is flattened with a
            warning. Labels must be of one type, for example strings or numbers, and not missing.
        sample_weight : array-like, default=None
            One weight per sequence; with ``mode="many_to_many"`` also one per step, in any form
            that y may have. Only their ratios count. Sequences or steps of weight 0 are ignored,
            and their y may be anything: None, NaN, an unknown label.
        X_val, y_val, sample_weight_val : as X, y and sample_weight, default=None
            Validation data for `early_stopping`, instead of a part of X. A Pipeline does not
            transform `X_val`: transform it yourself, or have scikit-learn route it
            (``set_config(enable_metadata_routing=True)``, ``set_fit_request(X_val=True,
            y_val=True)``, and ``transform_input=["X_val"]`` of the Pipeline).
        callbacks : callable or list of callables, default=None
            Called as ``callback(estimator, info)`` after each epoch, when the estimator is ready
            to predict. info is a dict with epoch, max_iter, loss, validation_score (or None),
            learning_rate, seconds and steps_per_second. If a callback returns true, training stops;
            if it raises an error, so does `fit`, and the estimator keeps what it has learned so
            far. During the call the estimator has the current weights, not the best ones; changing
            them does not affect the training. Callbacks are not stored.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not as described (the message names them), or if the
            training diverges: the loss, its gradient or a weight is no longer finite. The estimator
            stays as it was.
        MemoryError
            If the network is too large for these sequences.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` ended the training, except with ``learning_rate="cosine"``; or if training
            ended before the network did better than the best constant prediction.
        UserWarning
            If `batch_size` is larger than the number of training sequences.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            validation=(X_val, y_val, sample_weight_val),
            callbacks=callbacks,
        )

    @floating_point_ignored
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Learn from each sequence once, in minibatches of `batch_size`.

        Training continues from the previous fit, with the state of its optimizer. Ctrl-C raises
        `KeyboardInterrupt`, and the estimator keeps what it has learned so far.

        Mean and scale of X accumulate over all calls. Those in use are updated when one of them has
        moved by more than 1 % of the scale. If the scale of a feature changes by a factor below 2,
        the weights are changed with it so that predictions stay the same.

        Parameters
        ----------
        X, y
            As in `fit`.
        sample_weight : array-like, default=None
            In the form of `fit`, but not only their ratios count: a weight of 2 doubles the
            gradient. With ``mode="many_to_many"`` the loss of a sequence is divided by the mean
            number of steps of positive weight per sequence, over all calls.
        classes : array-like of shape (n_classes,), default=None
            All classes that y can have in any call; required in the first call, unless `fit` was
            called before.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, if they do not match the previous fit,
            if y has other classes, or with `early_stopping`. Also if the training diverges; what
            was learned before that minibatch is kept.
        """
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    @floating_point_ignored
    def predict(self, X):
        """Predict the class of each sequence, or of each step.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.

        Returns
        -------
        y : ndarray or object array of ndarray
            With ``mode="many_to_one"`` labels ``(n_samples,)``. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps)``, or for a list of sequences an object array of
            ``(n_timesteps_i,)``.

        Raises
        ------
        ValueError
            If X has another kind or another number of features than in `fit`.
        """
        twin = self._now()
        network, sequences, outputs = twin._outputs(X)
        labels = twin.classes_[twin._codes(outputs).astype(np.intp)]
        return as_carried(labels, sequences, network.per_step)

    @floating_point_ignored
    def predict_proba(self, X):
        """Predict the probability of each class, for each sequence or each step.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.

        Returns
        -------
        probabilities : ndarray or object array of ndarray
            With ``mode="many_to_one"`` ``(n_samples, n_classes)``, columns in the order of
            `classes_`. With ``mode="many_to_many"`` ``(n_samples, n_timesteps, n_classes)``, or for
            a list of sequences an object array of ``(n_timesteps_i, n_classes)``. They have the
            dtype of the network.

        Raises
        ------
        ValueError
            If X has another kind or another number of features than in `fit`.
        """
        twin = self._now()
        logistic = twin._fitted_network().loss == "logistic"
        network, sequences, outputs = twin._outputs(X, raw=logistic)
        if logistic:
            p = _core.vector_math("sigmoid", outputs)
            # 1 - p is exact from 1/2 on; where it is small it would lose its digits.
            rest = np.where(p > 0.75, _core.vector_math("sigmoid", -outputs), 1 - p)
            outputs = np.concatenate([rest, p], axis=1)
        return as_carried(outputs, sequences, network.per_step)

    @floating_point_ignored
    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class.

        It is computed from the network's outputs, so it stays finite where a probability is too
        small for its dtype.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.

        Returns
        -------
        log_probabilities : ndarray or object array of ndarray
            In the shape that `predict_proba` returns.

        Raises
        ------
        ValueError
            If X has another kind or another number of features than in `fit`.
        """
        network, sequences, z = self._now()._outputs(X, raw=True)
        if network.loss == "logistic":
            z = np.concatenate([-np.logaddexp(0, z), -np.logaddexp(0, -z)], axis=1)
        else:
            with np.errstate(over="ignore"):
                z = z - z.max(axis=1, keepdims=True)
            z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
            z = z.clip(min=np.finfo(z.dtype).min)  # -inf becomes the least float
        return as_carried(z, sequences, network.per_step)

    @floating_point_ignored
    def score(self, X, y, sample_weight=None):
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.
        y : targets
            One per sequence, or with ``mode="many_to_many"`` one per step, as in `fit`.
        sample_weight : weights, default=None
            One per sequence, or with ``mode="many_to_many"`` also one per step. Sequences or steps
            of weight 0 do not count.

        Returns
        -------
        score : float
            Accuracy over all sequences, or with ``mode="many_to_many"`` over all steps.

        Raises
        ------
        ValueError
            If X, y and the weights do not match each other or the fit.
        """
        return self._score(X, y, sample_weight)

    # ---- the meaning of y ----

    def _read_y(self, y, sequences, per_step, name, taught=None):
        """Return labels (n_rows,); rows outside the mask `taught` (n_rows,) may hold anything."""
        if per_step:
            labels = pack_steps(y, sequences, name, numeric=False, taught=taught)
            if labels.ndim == 2 and labels.shape[1] != 1:
                raise ValueError(
                    f"`{name}` must have one label per step, got {labels.shape[1]}; convert "
                    f"one-hot labels with [labels.argmax(axis=1) for labels in {name}]."
                )
            with naming(name):
                return column_or_1d(labels, warn=True)
        given, y = y, one_per_sequence(y, sequences, name, as_labels)
        if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1):
            raise ValueError(
                f"`{name}` must have one label per sequence with mode='many_to_one', got shape "
                f"{y.shape}. Convert one-hot rows with argmax(axis=1); for several labels per "
                "sequence use sklearn.multioutput.MultiOutputClassifier, for one label per step "
                "mode='many_to_many'."
            )
        with naming(name):
            labels = column_or_1d(y, warn=True)
            natural = isinstance(given, (list, tuple))
            return settled_labels(labels, name, taught, natural=natural)

    def _learn_y(self, labels, weights, taught, going_on, incremental, classes=None):
        """Return codes (n_rows,), the loss and its number of outputs; sets `classes_`.

        Rows that are not taught may have any label, which does not become a class.
        """
        with naming("y"):
            check_classification_targets(labels[taught])
            seen = None if incremental or going_on else np.unique(labels[taught])
        if incremental:
            self._choose_classes(classes, going_on)
        elif not going_on:
            self.classes_ = seen
        codes = self._encode_y(labels)
        unseen = labels[taught][codes[taught] < 0]
        if len(unseen) > 0:
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {np.unique(unseen)} are not "
                f"among {self.classes_}."
            )
        return codes.clip(min=0), *classification_loss(len(self.classes_))

    def _choose_classes(self, classes, going_on):
        """Read the argument `classes` of `partial_fit`."""
        if classes is None:
            if not going_on:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return
        given, classes = classes, as_labels(classes, arguments.CLASSES)
        if classes.ndim != 1 or len(classes) == 0:
            raise ValueError(f"`classes` must be a list or 1-D array of labels, got {given!r}.")
        with naming(arguments.CLASSES):
            natural = isinstance(given, (list, tuple))
            classes = np.unique(settled_labels(classes, arguments.CLASSES, natural=natural))
        if going_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"`classes` must be those of the first call to partial_fit, {self.classes_}; "
                f"got {classes}."
            )
        self.classes_ = classes

    def _encode_y(self, labels, name="y"):
        """Return the number of each label's class, -1 for a label of no class."""
        classes = self.classes_
        ours, theirs = family(classes.dtype), family(labels.dtype)
        try:
            # NumPy would compare numbers with strings as strings; for objects it raises TypeError.
            if ours != theirs and "objects" not in (ours, theirs):
                raise TypeError(f"got {theirs}")
            if {classes.dtype.kind, labels.dtype.kind} == {"i", "u"}:
                # NumPy would compare both as floats, in which large ones may become equal.
                classes, labels = classes.astype(object), labels.astype(object)
            codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
        except TypeError as error:
            raise ValueError(
                f"`{name}` must have labels of the type of `classes_`, {ours} ({classes.dtype}): "
                f"{error}."
            ) from error
        return np.where(classes[codes] == labels, codes, -1).astype(np.int32)

    def _class_factors(self, examples, incremental):
        """Return the weight of each class, and last 1 for unknown labels; None without weights.

        "balanced" counts all taught examples, held out or not. In `fit` only the ratios of the
        class weights count, in `partial_fit` the weights themselves.
        """
        if self.class_weight is None:
            return None
        codes, n_classes = examples.targets, len(self.classes_)
        factors = np.ones(n_classes + 1)
        if isinstance(self.class_weight, str):
            if incremental:
                raise ValueError(
                    "class_weight='balanced' is not supported for partial_fit, which never sees "
                    "all of `y`. Use sklearn.utils.class_weight.compute_class_weight('balanced', "
                    "classes=classes, y=y) on enough of it, and pass the result as a dict."
                )
            weights = np.ones(len(codes)) if examples.weights is None else examples.weights
            per_class = np.bincount(codes, weights, minlength=n_classes)
            seen = np.flatnonzero(per_class > 0)
            factors[seen] = weights.sum() / n_classes / per_class[seen]
        else:
            factors[:-1] = self._read_class_weight()
        if not incremental:  # scale the greatest one to about 1, see `relative`
            _, exponent = np.frexp(factors[:-1].max())
            with np.errstate(over="ignore"):
                factors = np.ldexp(factors, -exponent).clip(max=1e300)
        return factors

    def _read_class_weight(self):
        """Return a factor per class; a class that the dict does not name has 1."""
        given = dict(self.class_weight)
        if not all(map(number(0).test, given.values())):
            raise ValueError(
                f"`class_weight` must have finite weights of at least 0, got {self.class_weight}."
            )
        factors = np.array([given.pop(c, 1.0) for c in self.classes_.tolist()], dtype=np.float64)
        if given and len(self.class_weight) - len(given) < len(self.classes_):
            raise ValueError(
                f"`class_weight` names {sorted(given, key=str)}, which are not among the classes "
                f"{self.classes_}."
            )
        return factors

    def _codes(self, outputs):
        """Return the number of the most probable class for each row of the network's outputs."""
        return outputs[:, 0] > 0.5 if len(self.classes_) == 2 else outputs.argmax(axis=1)

    def _score_rows(self, codes, outputs, weights):
        """Return the accuracy."""
        return float(np.average(self._codes(outputs) == codes, weights=weights))

    def _loss_unit(self, loss):
        return 1.0
