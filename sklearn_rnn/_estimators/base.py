"""The part of `fit` that both estimators share: from X and y to the fitted attributes."""

import sys
import warnings
from dataclasses import fields, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from .._data import arguments
from .._data.arguments import naming
from .._data.finite import check_range
from .._data.form import InputForm
from .._data.moments import LEAST_SCALES, Moments, go_on
from .._data.reader import read_X
from .._data.weights import read_weights, relative
from .._model.architecture import difference, network_of
from .._model.network import absorb_input_scale, initialize
from .._model.state import check_going_on, learned
from .._training.epochs import (
    Examples,
    Progress,
    Settings,
    Task,
    Weighing,
    next_seed,
    train,
    without_equal_weights,
)
from .._training.held_out import HeldOut, validator
from .._training.losses import plateau
from .._training.threads import blas_held_at_one_thread, effective_n_threads
from .callbacks import CallbackSupportMixin, Observers, as_callbacks
from .fitted import _FittedRNN
from .parameters import check_parameters
from .validation import split

OURS = ("sklearn", "sklearn_rnn")  # packages at whose lines no warning should point


class _RNNBase(CallbackSupportMixin, _FittedRNN):
    """A recurrent network that learns. A subclass defines what a target means, by these methods:

    _read_y(y, sequences, per_step, name, taught)
                                            -> rows, one per sequence or per step; rows that are
                                               not taught may hold anything
    _learn_y(rows, weights, taught, ...)    -> targets, loss, n_outputs; sets fitted attributes
    _encode_y(rows, name)                   -> targets that outputs compare with
    _class_factors(examples, incremental)   -> factor per class, last one for unknown ones; or None
    _score_rows(targets, outputs, weights)  -> score
    _loss_unit(loss)                        -> factor from the loss to the units of the user
    """

    # ---- fit ----

    def _fit(
        self,
        X,
        y,
        sample_weight,
        *,
        validation=(None, None, None),
        callbacks=None,
        incremental=False,
        **learn_options,
    ):
        """Read everything, train, and store the result; incremental means `partial_fit`.

        Only `_take_over` and `_set_fitted` change `self`, so an earlier error leaves it as it was.
        """
        callbacks = as_callbacks(callbacks)
        self._check(validation, incremental)
        draft = self._draft(going_on=incremental or self.warm_start)
        task, held = draft._prepare(X, y, sample_weight, validation, incremental, learn_options)
        n_threads = effective_n_threads(self.n_threads)

        def show():
            self._take_over(draft, task)

        if held is not None:
            task.validate = validator(
                self.scoring, held, task, self, show, draft._score_rows, n_threads
            )
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        facts = None if incremental else {"X": X, "y": y, "metadata": metadata}
        observers = Observers(self, task.n_epochs, callbacks, facts, show)
        if not incremental:
            self._warn_of_batch_size(len(task.indices))
        before, n_updates = self._fitted_state(), task.progress.n_updates
        try:
            observers.begin()
            end = train(task, n_threads, observers)
            show()
            observers.end(self._tell(end, task))
        except BaseException:
            # If a callback fails, what was learned before stays. A diverged `fit` keeps nothing,
            # nor does one whose `scoring` fails after the first epoch; a diverged `partial_fit`
            # keeps what it had before that minibatch.
            kept = incremental or (task.progress.n_iter > 0 and not task.progress.diverged)
            kept = kept and task.progress.n_updates > n_updates
            if kept and task.progress.is_finite():
                show()
            else:
                self._set_fitted(before)
            raise
        finally:
            observers.close()
        return self

    def _check(self, validation, incremental):
        """Check the parameters, and that arguments and parameters match."""
        check_parameters(vars(self))
        X_val, y_val, weight_val = validation
        if X_val is None and not (y_val is None and weight_val is None):
            raise ValueError("`y_val` and `sample_weight_val` need `X_val`, which is None.")
        if X_val is not None and y_val is None:
            raise ValueError("`X_val` needs `y_val`, which is None.")
        if X_val is not None and not self.early_stopping:
            raise ValueError("`X_val` is used only with early_stopping=True; got False.")
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: set it to False first."
            )

    def _draft(self, going_on):
        """Make a copy to write on; it has the fitted state only if training continues from it."""
        draft = object.__new__(type(self))
        dropped = () if going_on else self._fitted_state()
        vars(draft).update((k, v) for k, v in vars(self).items() if k not in dropped)
        return draft

    def _prepare(self, X, y, sample_weight, validation, incremental, learn_options):
        """Read the data and plan the training; called on the draft.

        Returns the task, and the held-out sequences or None.
        """
        going_on = hasattr(self, "params_")
        if going_on:
            self._check_unchanged()
        read = self._read_examples(X, y, sample_weight, going_on, incremental, learn_options)
        examples, with_weight, loss, n_outputs = read
        network = network_of(vars(self), examples.sequences.n_features, n_outputs, loss)
        settings = Settings(**{f.name: getattr(self, f.name) for f in fields(Settings)})
        with naming("random_state"):
            rng = check_random_state(self.random_state)
        # Drawn first: a fit that continues must hold out the same sequences as the one before.
        indices, held = self._hold_out(examples, X, y, sample_weight, with_weight, validation, rng)
        factors = self._class_factors(examples, incremental)
        weighted = examples.with_class_weights(factors)
        indices = indices[weighted.have_weight()[indices]]
        if len(indices) == 0:
            raise ValueError("`class_weight` leaves no sequence to train on: all weights are 0.")
        scaling = self._scale_X(examples, indices, network, going_on, incremental)
        check_range(examples.sequences, self.dtype, scaling)
        weighted, weighing = self._weigh(weighted, indices, incremental)
        task = Task(
            network=network,
            examples=replace(weighted, scaling=scaling),
            indices=indices,
            weighing=weighing,
            settings=settings,
            progress=self._begin(network, settings, rng, going_on, incremental),
            n_epochs=1 if incremental else self.max_iter,
            planned=not incremental,
            loss_unit=self._loss_unit(loss),
        )
        if held is not None:
            held = held.as_trained(factors, scaling, self.dtype)
            task.progress.validation_scores = list(getattr(self, "validation_scores_", None) or [])
        elif not incremental:
            task.plateau = self._plateau(task)
        return task, held

    def _read_examples(self, X, y, sample_weight, going_on, incremental, learn_options):
        """Return examples of the sequences with weight, their indices, the loss and n_outputs."""
        per_step = self.mode == "many_to_many"
        sequences, rows, weights = self._read(X, y, sample_weight, per_step, not going_on)
        if not incremental:  # only the ratios of weights count
            weights = without_equal_weights(weights)
        taught = slice(None) if weights is None else weights > 0
        targets, loss, n_outputs = self._learn_y(
            rows, weights, taught, going_on, incremental, **learn_options
        )
        if weights is not None:
            weights = np.array(weights, order="C") if incremental else relative(weights)
        examples = Examples(sequences, targets, weights, per_step)
        with_weight = np.flatnonzero(examples.have_weight())
        if len(with_weight) < sequences.n_samples:
            examples = examples.take(with_weight)
        return examples, with_weight, loss, n_outputs

    def _scale_X(self, examples, indices, network, going_on, incremental):
        """Return mean and scale of X for the network, or None; sets them on the draft.

        Each step has the weight of its sequence, without class weights. In a network with one
        direction, steps after the last taught step of a sequence are never read and do not count.
        """
        n_features = network.n_features
        if not self.normalize_X or (going_on and self._x_moments is None):
            if not going_on:
                self.x_mean_, self.x_scale_ = np.zeros(n_features), np.ones(n_features)
                self._x_moments = None
            return None
        if not incremental:
            examples = examples.with_equal_weights_as_ones(indices)
        weights = examples.weights_of_steps(indices, up_to_the_last_taught=network.is_causal)
        values = examples.sequences.values
        moments, least = Moments.of_rows(values, weights), LEAST_SCALES[values.dtype.name]
        if not incremental:
            moments = moments.with_weights_of_mean_1()
        if not going_on:
            self.x_mean_, self.x_scale_ = moments.scale("X", least)
            self._x_moments = moments.as_array()
        else:
            in_use = self.x_mean_, self.x_scale_
            now, absorbed, self._x_moments = go_on(in_use, self._x_moments, moments, "X", least)
            self.params_ = absorb_input_scale(network, self.params_, in_use, now, absorbed)
            self.x_mean_, self.x_scale_ = now
        return self.x_mean_, self.x_scale_

    def _weigh(self, examples, indices, incremental):
        """Return examples with their training weights, and the units of these weights.

        `partial_fit` uses weights as given: the unit of a row is 1, that of a sequence is the mean
        number of taught steps per sequence over all calls.
        """
        if not incremental:
            examples = examples.with_equal_weights_as_ones(indices)
            self._taught = (examples.n_taught(indices), len(indices))
            return examples, Weighing.of(examples, indices)
        n_rows, n_sequences = getattr(self, "_taught", (0, 0))
        n_rows += examples.n_taught(indices)
        n_sequences += len(indices)
        self._taught = (n_rows, n_sequences)
        return examples, Weighing(n_rows / n_sequences, 0.0 if examples.weights is None else 1.0)

    def _plateau(self, task):
        """Return the loss above which training is hardly better than a constant prediction."""
        examples = task.examples
        with blas_held_at_one_thread():  # more threads could change the bits
            return plateau(
                task.network.loss,
                examples.rows(examples.targets, task.indices),
                examples.rows(examples.weights, task.indices),
                float(self.tol),
                task.network.huber_delta,
            )

    def _read(self, X, y, sample_weight, per_step, reset, names=arguments.TRAINING):
        """Return X as sequences; y and weights by rows, one per sequence or per step."""
        X_name, y_name, weight_name = names
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        form = None if reset else InputForm.from_attributes(vars(self))
        sequences, form = read_X(X, type(self).__name__, form, X_name)
        if reset:
            vars(self).update(form.as_attributes())
        # Weights come first: a target of weight 0 may be anything.
        weights = read_weights(sample_weight, sequences, per_step, weight_name)
        taught = None if weights is None else weights > 0
        rows = self._read_y(y, sequences, per_step, y_name, taught)
        return sequences, rows, weights

    def _check_unchanged(self):
        """Refuse to continue training if the parameters do not match the fitted network."""
        fitted = self._fitted_network()
        check_going_on(vars(self), fitted)
        loss = getattr(self, "loss", fitted.loss)
        changed = difference(
            fitted, network_of(vars(self), fitted.n_features, fitted.n_outputs, loss)
        )
        normalized = self._x_moments is not None
        if changed is None and normalized != bool(self.normalize_X):
            changed = "normalize_X", normalized, self.normalize_X
        if changed is not None:
            name, before, _ = changed
            raise ValueError(
                f"`{name}` must not change between a fit and its continuation (warm_start, "
                f"partial_fit): the fitted network has {name}={before!r}, "
                f"got {getattr(self, name)!r}."
            )

    def _begin(self, network, settings, rng, going_on, incremental):
        """Return the progress that training starts with: a new one, or that of the last fit."""
        if not going_on:
            params = initialize(network, rng)
            seed = int(rng.randint(2**64, dtype=np.uint64))
            return Progress.begin(params, seed, settings)
        params = self.params_.copy()
        # A `partial_fit` appends to the list itself: a copy would cost more with each call.
        curve = self.loss_curve_ if incremental else list(self.loss_curve_)
        best = self.best_loss_
        best = min(curve, default=np.inf) if best is None else best
        kept = {"n_sequences": self.t_, "loss_curve": curve, "best_loss": best}
        if incremental:
            return Progress.resume(params, self._optimizer, settings, **kept)
        return Progress.begin(params, next_seed(self._optimizer["seed"]), settings, **kept)

    def _hold_out(self, examples, X, y, sample_weight, with_weight, validation, rng):
        """Return the sequences to train on, and those to validate with: given ones, or part of X.

        Without early stopping the latter are None.
        """
        X_val, y_val, weight_val = validation
        per_step, indices = examples.per_step, np.arange(examples.sequences.n_samples)
        if not self.early_stopping:
            return indices, None
        if X_val is None:
            labels = None if per_step or examples.targets.ndim > 1 else examples.targets
            indices, held = split(len(indices), self.validation_fraction, labels, rng)
            positions = with_weight[held]
            return indices, HeldOut(examples.take(held), X, y, sample_weight, positions)
        sequences, rows, weights = self._read(
            X_val, y_val, weight_val, per_step, reset=False, names=arguments.VALIDATION
        )
        weights = without_equal_weights(weights)
        weights = None if weights is None else relative(weights)
        held = Examples(sequences, self._encode_y(rows, arguments.Y_VAL), weights, per_step)
        positions = np.flatnonzero(held.have_weight())
        if len(positions) < sequences.n_samples:
            held = held.take(positions)
        else:
            positions = None
        return indices, HeldOut(held, X_val, y_val, weight_val, positions, is_given=True)

    def _take_over(self, draft, task):
        """Set the fitted state to that of the draft, with the training so far."""
        state = learned(task.network, task.progress)
        if task.planned:
            state["loss_curve_"] = list(state["loss_curve_"])
        self._set_fitted({**draft._fitted_state(), **state})

    def _warn_of_batch_size(self, n_sequences):
        if self.batch_size != "auto" and self.batch_size > n_sequences:
            warnings.warn(
                f"`batch_size`={self.batch_size} is larger than the number of training sequences, "
                f"{n_sequences}: each minibatch has all of them.",
                stacklevel=level_of_caller(),
            )

    def _tell(self, end, task):
        """Warn about an end that the user can act on; return the message for `verbose`."""
        if end == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=level_of_caller())
        advice = []
        if end == "max_iter" and task.planned and task.settings.learning_rate != "cosine":
            advice.append(
                f"Maximum number of epochs (max_iter={task.n_epochs}) reached and the optimization "
                "has not converged yet. Increase max_iter."
            )
        if end in ("max_iter", "no_progress") and task.progress.best > task.plateau:
            advice.append(
                "Training ended before the loss was 2 % below that of the best constant "
                "prediction: the network has learned almost nothing from X. Try another "
                "`learning_rate_init`, cell='gru' or 'lstm' for long sequences, or a larger "
                "`n_iter_no_change`, and check that each target belongs to its sequence."
            )
        if advice:
            warnings.warn(" ".join(advice), ConvergenceWarning, stacklevel=level_of_caller())
        if end == "no_progress":
            what = "Training loss" if task.validate is None else "Validation score"
            return (
                f"{what} did not improve more than tol={float(task.settings.tol):g} for "
                f"{task.settings.n_iter_no_change} consecutive epochs."
            )
        return None


def level_of_caller():
    """Return the `stacklevel` of a warning that points at the caller of scikit-learn or us."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        level, frame = level + 1, frame.f_back
    return level
