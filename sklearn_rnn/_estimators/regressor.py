"""RNNRegressor: a target is one number or several."""

import warnings

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning

from .._data.arguments import naming
from .._data.carriers import as_numbers
from .._data.finite import check_finite_rows
from .._data.moments import Moments, go_on
from .._data.steps import pack_steps
from .._data.unpacking import as_carried
from .._data.values import filled
from .._floating_point import floating_point_ignored
from .._model.network import absorb_output_scale
from .._training.losses import unit_of_loss
from ..metrics import r2
from .base import _RNNBase, level_of_caller
from .callbacks import with_callbacks
from .fitted import finite
from .validation import one_per_sequence


class RNNRegressor(RegressorMixin, _RNNBase):
    """Recurrent neural network that predicts numbers for sequences, or for each of their steps.

    Training minimises a loss by gradient descent on minibatches, with back-propagation through
    time. Parameters and attributes that `sklearn.neural_network.MLPRegressor` also has keep their
    names and meanings.

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
        `early_stopping` the validation score must rise by `tol`. Here the loss is in normalised
        units.
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
        at random, whatever `shuffle` is. Pass `X_val` instead if the sequences follow each other
        in time.
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
    loss : {"squared_error", "absolute_error", "huber", "poisson"}, default="squared_error"
        The loss to minimise, as a weighted mean over sequences or steps and a mean over outputs.
        "squared_error" has no factor 1/2. "huber" is quadratic up to `huber_delta` and linear
        beyond. "poisson" is ``exp(z) - y * z``, the negative log-likelihood of counts with rate
        ``exp(z)``, without the terms that depend on y alone; y must not be negative.
    huber_delta : float, default=1.0
        Error beyond which "huber" is linear, in units of the normalised target.
    normalize_y : bool, default=True
        Whether the network learns ``(y - y_mean_) / y_scale_``; with ``loss="poisson"`` it never
        does. Targets held out for `early_stopping` are included in the mean and scale.
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
    y_mean_, y_scale_ : ndarray of shape (n_outputs,)
        Weighted mean and standard deviation of the targets of positive weight; 0 and 1 without
        `normalize_y`, and scale 1 for a constant target. `partial_fit` and `warm_start` update
        them.
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
        Number of outputs of the network.
    out_activation_ : str
        Function from these outputs to predictions: "identity", or "exp" for ``loss="poisson"``.
    n_iter_ : int
        Number of complete epochs in the last `fit` or `partial_fit`.
    t_ : int
        Number of sequences seen in training, over all epochs.
    loss_ : float
        Training loss of the last epoch, without the penalty, in units of y (squared for
        "squared_error" and "huber"). For several outputs it is the normalised loss times the mean
        of their units, which is exact if they are learned equally well.
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
    RNNClassifier : The same networks for class labels.
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
    >>> from sklearn_rnn import RNNRegressor
    >>> rng = np.random.RandomState(0)
    >>> X = rng.normal(size=(100, 6, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> rnn = RNNRegressor(hidden_layer_sizes=8, max_iter=500, random_state=0).fit(X, y)
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
        loss="squared_error",
        huber_delta=1.0,
        normalize_y=True,
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
        y : array-like of numbers
            ``(n_samples,)`` or ``(n_samples, n_outputs)``. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps[, n_outputs])``, or a list or object array of
            ``(n_timesteps_i[, n_outputs])``.
        sample_weight : array-like, default=None
            One weight per sequence; with ``mode="many_to_many"`` also one per step, in any form
            that y may have. Only their ratios count. Sequences or steps of weight 0 are ignored,
            and their y may be anything: None, NaN, infinity.
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
    def partial_fit(self, X, y, sample_weight=None):
        """Learn from each sequence once, in minibatches of `batch_size`.

        Training continues from the previous fit, with the state of its optimizer. Ctrl-C raises
        `KeyboardInterrupt`, and the estimator keeps what it has learned so far.

        Means and scales of X and y accumulate over all calls. Those in use are updated when one of
        them has moved by more than 1 % of the scale. If the scale of a column changes by a factor
        below 2, the weights are changed with it so that predictions stay the same.

        Parameters
        ----------
        X, y
            As in `fit`.
        sample_weight : array-like, default=None
            In the form of `fit`, but not only their ratios count: a weight of 2 doubles the
            gradient. With ``mode="many_to_many"`` the loss of a sequence is divided by the mean
            number of steps of positive weight per sequence, over all calls.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, if they do not match the previous fit,
            or with `early_stopping`. Also if the training diverges; what was learned before that
            minibatch is kept.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    @floating_point_ignored
    def predict(self, X):
        """Predict the target of each sequence, or of each step.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.

        Returns
        -------
        y : ndarray or object array of ndarray
            float64, in the units of `y`. With ``mode="many_to_one"`` ``(n_samples,)``, or
            ``(n_samples, n_outputs)`` if that is what `y` was in fit. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps[, n_outputs])``, or for a list of sequences an object array
            of ``(n_timesteps_i[, n_outputs])``.

        Raises
        ------
        ValueError
            If X has another kind or another number of features than in `fit`.
        """
        twin = self._now()
        network, sequences, outputs = twin._outputs(X)
        with np.errstate(over="ignore"):
            rows = finite(outputs * twin.y_scale_ + twin.y_mean_, network)
        return as_carried(rows[:, 0] if twin._y_is_1d else rows, sequences, network.per_step)

    @floating_point_ignored
    def score(self, X, y, sample_weight=None):
        """Return the coefficient of determination R2 of the predictions.

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
            R2 over all sequences, or with ``mode="many_to_many"`` over all steps.

        Raises
        ------
        ValueError
            If X, y and the weights do not match each other or the fit.
        """
        return self._score(X, y, sample_weight)

    # ---- the meaning of y ----

    def _read_y(self, y, sequences, per_step, name, taught=None):
        """Return targets (n_rows,) or (n_rows, n_outputs).

        Rows outside the mask `taught` (n_rows,) may hold None, NaN or infinity.
        """
        if per_step:
            return pack_steps(y, sequences, name, taught=taught)
        with naming(name):
            y = one_per_sequence(y, sequences, name, as_numbers)
        if y.ndim > 2 or y.size == 0:
            raise ValueError(
                f"`{name}` must be (n_samples,) or (n_samples, n_outputs) with mode='many_to_one', "
                f"got shape {y.shape}; one target per step needs mode='many_to_many'."
            )
        with np.errstate(over="ignore"):
            y = filled(y.astype(np.float64, copy=False), taught)
        check_finite_rows(y, name)
        return y

    def _learn_y(self, rows, weights, taught, going_on, incremental):
        """Return normalised targets (n_rows, n_outputs), the loss and its number of outputs.

        Sets mean and scale, computed from the taught rows only.
        """
        if not going_on:
            self._y_is_1d = rows.ndim == 1
        wanted = self._as_columns(rows)[taught]
        if self.loss == "poisson" and wanted.min() < 0:
            raise ValueError(f"`y` must not be negative with loss='poisson', got {wanted.min()}.")
        self._scale_y(wanted, None if weights is None else weights[taught], going_on, incremental)
        targets = np.zeros((len(rows), wanted.shape[1]), dtype=self.dtype)
        targets[taught] = self._normalise(wanted, "y")
        return targets, self.loss, targets.shape[1]

    def _normalise(self, columns, name):
        """Return columns (n_rows, n_outputs) in the units of the network."""
        with np.errstate(over="ignore"):
            targets = (columns - self.y_mean_) / self.y_scale_
        if not (np.abs(targets) <= np.finfo(self.dtype).max).all():
            largest = np.abs(columns).max()
            raise ValueError(f"`{name}` has values up to {largest:g}, which overflow.")
        return targets

    def _scale_y(self, wanted, weights, going_on, incremental):
        """Set the weighted mean and scale of columns (n_taught, n_outputs), on the draft."""
        if not self.normalize_y or self.loss == "poisson":
            if not going_on:
                self.y_mean_, self.y_scale_ = np.zeros(wanted.shape[1]), np.ones(wanted.shape[1])
                self._y_moments = None
            return
        if going_on and self._y_moments is None:
            return
        moments = Moments.of(wanted, weights)
        if not incremental:
            moments = moments.with_weights_of_mean_1()
        if not going_on:
            self.y_mean_, self.y_scale_ = moments.scale("y")
            self._y_moments = moments.as_array()
        else:
            in_use = self.y_mean_, self.y_scale_
            now, absorbed, self._y_moments = go_on(in_use, self._y_moments, moments, "y")
            self.params_ = absorb_output_scale(
                self._fitted_network(), self.params_, in_use, now, absorbed
            )
            self.y_mean_, self.y_scale_ = now
            self._rescale_best(in_use[1], now[1], absorbed)

    def _rescale_best(self, before, after, absorbed):
        """Convert the best loss in the optimizer's state to the new scale of y.

        If the network did not absorb the change, its predictions have changed: start again from
        infinity.
        """
        moved = before != after
        if "best" not in self._optimizer or not moved.any():
            return
        best, no_improvement = np.inf, 0
        if absorbed[moved].all():
            units = unit_of_loss(self.loss, before) / unit_of_loss(self.loss, after)
            best = self._optimizer["best"] * units
            no_improvement = self._optimizer["no_improvement"]
        self._optimizer = {**self._optimizer, "best": best, "no_improvement": no_improvement}

    def _as_columns(self, rows, name="y"):
        """Return rows as (n_rows, n_outputs), with n_outputs as in fit; one output may be 1-D."""
        columns = rows.reshape(len(rows), -1)
        n_outputs = len(self.y_mean_) if hasattr(self, "y_mean_") else columns.shape[1]
        if columns.shape[1] != n_outputs:
            was = "one number" if n_outputs == 1 else f"{n_outputs} columns"
            raise ValueError(
                f"`{name}` must have {was} per target, as in fit; got rows of shape {rows.shape}."
            )
        return columns.astype(np.float64, copy=False)

    def _encode_y(self, rows, name="y"):
        return self._normalise(self._as_columns(rows, name), name)

    def _class_factors(self, examples, incremental):
        return None

    def _score_rows(self, targets, outputs, weights):
        """Return R2, which is the same in normalised units."""
        if not np.isfinite(outputs).all():
            return float("nan")
        score = r2(targets, outputs, weights)
        if np.isnan(score):
            what = "R2 is not defined for fewer than two targets with weight."
            warnings.warn(what, UndefinedMetricWarning, stacklevel=level_of_caller())
        return score

    def _loss_unit(self, loss):
        return unit_of_loss(loss, self.y_scale_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
