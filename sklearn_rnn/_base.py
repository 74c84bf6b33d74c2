"""What both estimators do: a fit from X and y to the parameters, and what is kept of it."""

import sys
import warnings
from dataclasses import fields

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from . import _network
from ._callbacks import CallbackSupportMixin, Observers, as_callbacks
from ._fitted import _FittedRNN
from ._network import Network
from ._parameters import MODES, check_parameters, layer_sizes
from ._state import check_going_on, learned
from ._threads import effective_n_threads
from ._training import Examples, Progress, Settings, Task, next_seed, train
from ._validation import naming, read_weights, read_X, split

# The parameters that must not change between a fit and its continuation.
FIXED = ("cell", "activation", "hidden_layer_sizes", "bidirectional", "mode", "loss", "dtype")
OURS = ("sklearn", "sklearn_rnn")  # whose lines no warning should point at


class _RNNBase(CallbackSupportMixin, _FittedRNN):
    """A recurrent network that learns. What a target means is up to the subclass, which has

    _read_y(y, sequences, per_step, name, taught)
                                            -> rows, one per sequence or per step; what is not
                                               taught may have come as anything
    _learn_y(rows, weights, taught, ...)    -> targets, loss, n_outputs; sets fitted attributes
    _encode_y(rows, name)                   -> targets that outputs compare with
    _weigh(examples, incremental)           -> examples with weights of its own, if it has any
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
        """Read everything, train, and take over the result; incremental: `partial_fit`.

        Only `_take_over` and `_set_fitted` change `self`: an error before leaves it as it was.
        """
        callbacks = as_callbacks(callbacks)
        self._check(validation, incremental)
        draft = self._draft(going_on=incremental or self.warm_start)
        task = draft._prepare(X, y, sample_weight, validation, incremental, learn_options)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        facts = None if incremental else {"X": X, "y": y, "metadata": metadata}
        observers = Observers(
            self, task.n_epochs, callbacks, facts, show=lambda: self._take_over(draft, task)
        )
        before, n_updates = self._fitted_state(), task.progress.n_updates
        try:
            observers.begin()
            end = train(task, effective_n_threads(self.n_threads), observers)
            self._take_over(draft, task)
            observers.end(self._tell(end, task))
        except BaseException:
            # What was learned before a callback failed stays. A diverged fit leaves nothing, a
            # diverged `partial_fit` what it had before that minibatch.
            kept = incremental or not task.progress.diverged
            kept = kept and task.progress.n_updates > n_updates
            if kept and np.isfinite(task.progress.params).all():
                self._take_over(draft, task)
            else:
                self._set_fitted(before)
            raise
        finally:
            observers.close()
        return self

    def _check(self, validation, incremental):
        """Check the parameters, and that arguments and parameters go together."""
        check_parameters(vars(self))
        X_val, y_val, weight_val = validation
        if X_val is None and not (y_val is None and weight_val is None):
            raise ValueError("`y_val` and `sample_weight_val` need `X_val`, which is None.")
        if X_val is not None and y_val is None:
            raise ValueError("`X_val` needs `y_val`, which is None.")
        if X_val is not None and not self.early_stopping:
            raise ValueError("`X_val` is used with early_stopping=True only; got False.")
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: set it to False before."
            )

    def _draft(self, going_on):
        """Make a twin to write on; it begins with the fitted state if that is gone on with."""
        draft = object.__new__(type(self))
        dropped = () if going_on else self._fitted_state()
        vars(draft).update((k, v) for k, v in vars(self).items() if k not in dropped)
        return draft

    def _prepare(self, X, y, sample_weight, validation, incremental, learn_options):
        """Read the data and plan the training; called on the draft."""
        going_on = hasattr(self, "params_")
        if going_on:
            self._check_unchanged()
        per_step = self.mode == "many_to_many"
        sequences, rows, weights = self._read(X, y, sample_weight, per_step, not going_on)
        taught = slice(None) if weights is None else weights > 0
        learned = self._learn_y(rows, weights, taught, going_on, incremental, **learn_options)
        targets, loss, n_outputs = learned
        examples = Examples(sequences, targets, weights, per_step).with_weight()
        network = self._choose_network(sequences.n_features, n_outputs, loss)
        settings = Settings(**{f.name: getattr(self, f.name) for f in fields(Settings)})
        with naming("random_state"):
            rng = check_random_state(self.random_state)
        # Drawn first: a fit that goes on must hold out the same sequences as the one before.
        indices, held = self._hold_out(examples, validation, rng)
        progress = self._begin(network, settings, rng, going_on, incremental)
        task = Task(
            network=network,
            examples=self._weigh(examples, incremental),
            indices=indices,
            settings=settings,
            progress=progress,
            n_epochs=1 if incremental else self.max_iter,
            planned=not incremental,
            loss_unit=self._loss_unit(loss),
        )
        if held is not None:
            self._judge_by(held, task)
        task.indices = task.indices[task.examples.have_weight()[task.indices]]
        if len(task.indices) == 0:
            raise ValueError("`class_weight` leaves no sequence to train on: all weights are 0.")
        return task

    def _read(self, X, y, sample_weight, per_step, reset, suffix=""):
        """Return X as sequences; y and weights by rows, one per sequence or per step."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        sequences = read_X(self, X, dtype=self.dtype, reset=reset, name=f"X{suffix}")
        # Weights come first: what has weight 0 may be anything.
        name = f"sample_weight{suffix}"
        weights = read_weights(sample_weight, sequences, per_step, name=name)
        taught = None if weights is None else weights > 0
        rows = self._read_y(y, sequences, per_step, f"y{suffix}", taught)
        return sequences, rows, weights

    def _choose_network(self, n_features, n_outputs, loss):
        sizes = tuple(map(int, layer_sizes(self.hidden_layer_sizes)))
        return Network(
            n_features=n_features,
            cell=self.cell,
            activation=self.activation,
            hidden_layer_sizes=sizes,
            bidirectional=bool(self.bidirectional),
            n_outputs=n_outputs,
            loss=loss,
            huber_delta=float(getattr(self, "huber_delta", 1.0)),
            per_step=self.mode == "many_to_many",
            dropout=float(self.dropout),
            dtype=self.dtype,
        )

    def _check_unchanged(self):
        """Refuse to go on with parameters that the fitted network does not have."""
        fitted = self._fitted_network()
        check_going_on(vars(self), fitted)
        network = self._choose_network(
            fitted.n_features, fitted.n_outputs, getattr(self, "loss", fitted.loss)
        )
        before, now = ({**vars(n), "mode": MODES[n.per_step]} for n in (fitted, network))
        for name in FIXED:
            if before[name] != now[name]:
                raise ValueError(
                    f"`{name}` must not change between a fit and its continuation (warm_start, "
                    f"partial_fit): the fitted network has {name}={before[name]!r}, "
                    f"got {getattr(self, name)!r}."
                )

    def _begin(self, network, settings, rng, going_on, incremental):
        """Return where the training starts: anew, or from what was fitted."""
        if not going_on:
            params = _network.initialize(network, rng)
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

    def _hold_out(self, examples, validation, rng):
        """Return the sequences to train on, and examples to validate with: given ones, or others.

        Without early stopping the latter are None.
        """
        X_val, y_val, weight_val = validation
        per_step, indices = examples.per_step, np.arange(examples.sequences.n_samples)
        if not self.early_stopping:
            return indices, None
        if X_val is None:
            labels = None if per_step or examples.targets.ndim > 1 else examples.targets
            indices, held = split(len(indices), self.validation_fraction, labels, rng)
            held = examples.take(held)
        else:
            read = self._read(X_val, y_val, weight_val, per_step, reset=False, suffix="_val")
            sequences, rows, weights = read
            targets = self._encode_y(rows, "y_val")
            held = Examples(sequences, targets, weights, per_step).with_weight()
        taught = len(held.targets) if held.weights is None else np.count_nonzero(held.weights)
        if taught < 2:
            raise ValueError("`y_val` must have at least 2 targets with weight, to be scored.")
        return indices, held

    def _judge_by(self, held, task):
        """Have the training scored on these examples after each epoch."""
        predict = _network.predictor(
            task.network, held.sequences, effective_n_threads(self.n_threads)
        )
        task.validate = lambda params: self._score_rows(held.targets, predict(params), held.weights)
        task.progress.validation_scores = list(getattr(self, "validation_scores_", None) or [])

    def _take_over(self, draft, task):
        """Make the fitted state that of the draft after so much training."""
        state = learned(task.network, task.progress)
        if task.planned:
            state["loss_curve_"] = list(state["loss_curve_"])
        self._set_fitted({**draft._fitted_state(), **state})

    def _tell(self, end, task):
        """Warn of an end that the user can do something about; return what `verbose` says."""
        if end == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=level_of_caller())
        elif end == "max_iter" and task.planned and task.settings.learning_rate != "cosine":
            warnings.warn(
                f"Maximum number of epochs (max_iter={task.n_epochs}) reached and the optimization "
                "has not converged yet. Increase max_iter.",
                ConvergenceWarning,
                stacklevel=level_of_caller(),
            )
        elif end == "no_progress":
            what = "Training loss" if task.validate is None else "Validation score"
            return (
                f"{what} did not improve more than tol={float(task.settings.tol):g} for "
                f"{task.settings.n_iter_no_change} consecutive epochs."
            )
        return None


def level_of_caller():
    """Return the `stacklevel` of a warning that is to point at who called scikit-learn or us."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        level, frame = level + 1, frame.f_back
    return level
