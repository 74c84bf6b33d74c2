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
from .docstrings import documented
from .fitted import finite
from .parameters import REGRESSOR
from .validation import one_per_sequence


@documented(REGRESSOR)
class RNNRegressor(RegressorMixin, _RNNBase):
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
            validation=(X_val, y_val, sample_weight_val),
            callbacks=callbacks,
        )

    @floating_point_ignored
    def partial_fit(self, X, y, sample_weight=None):
        """Learn from each sequence once, in minibatches of `batch_size`.

        {continuing}

        Means and scales of X and y accumulate over all calls. Those in use are updated when one of
        them has moved by more than 1 % of the scale. If the scale of a column changes by a factor
        below 2, the weights are changed with it so that predictions stay the same.

        Parameters
        ----------
        {parameters_of_partial_fit}

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
        return self._fit(X, y, sample_weight, incremental=True)

    @floating_point_ignored
    def predict(self, X):
        """Predict the target of each sequence, or of each step.

        Parameters
        ----------
        {X}

        Returns
        -------
        y : ndarray or object array of ndarray
            float64, in the units of `y`. With ``mode="many_to_one"`` ``(n_samples,)``, or
            ``(n_samples, n_outputs)`` if that is what `y` was in fit. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps[, n_outputs])``, or for a list of sequences an object array
            of ``(n_timesteps_i[, n_outputs])``.

        Raises
        ------
        {errors_of_predict}
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
        {parameters_of_score}

        Returns
        -------
        score : float
            R2 over all sequences, or with ``mode="many_to_many"`` over all steps.

        Raises
        ------
        {errors_of_score}
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
