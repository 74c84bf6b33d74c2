"""Reptile, which learns from many small tasks a good start for new ones."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import ClassVar, Self

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from .._data import arguments
from .._data.arguments import Argument, naming
from .._data.finite import check_range
from .._floating_point import floating_point_ignored, floating_point_of_caller
from .._live.following import Following, split_callbacks
from .._model.network import fill_unknown_rows
from .._pickles import Pickled
from .._rules import Allowed, either, integer, number
from .._training.epochs import Training
from .._training.examples import Examples, Weighing
from .._training.freezing import frozen_names
from .._training.progress import Progress, Settings, new_seed
from .._training.reptile import Task, TaskTrainer, meta_train, rate_of
from .._training.threads import effective_n_threads
from .._typing import (
    Integer,
    Number,
    RandomState,
    SequenceNotStr,
    SequencesLike,
    Targets,
)
from .advice import warn_of_interruption
from .callbacks import as_callbacks
from .classifier import RNNClassifier
from .drawn import Drawn
from .parameter_types import BatchSize, Callbacks, Verbose
from .parameters import VERBOSE, check_parameters
from .regressor import RNNRegressor
from .task_list import read_task_list

RULES = {
    "estimator": Allowed(
        lambda value: isinstance(value, (RNNClassifier, RNNRegressor)),
        "an RNNClassifier or RNNRegressor (instead of passing a Pipeline, transform the X of each "
        "task)",
    ),
    "n_inner": integer(1),
    "n_iter": integer(1),
    "inner_learning_rate": either(None, number(0, open_low=True)),
    "outer_learning_rate": number(0, 1, open_low=True, closed_high=True),
    "batch_size": either("auto", integer(1)),
    "verbose": VERBOSE,
}
# Parameters of the estimator that updates on a task do not use, with the values that turn them off.
OF_WHOLE_FITS = {
    **{"early_stopping": False, "scoring": None, "warm_start": False},
    **{"learning_rate": "constant", "warmup": 0.0, "ema_decay": None},
    **{"bptt": None, "gradient_accumulation_steps": 1},
}
N_REPORTS = 100  # about so many times `verbose` prints a line and callbacks are called
FITTED = ("estimator_", "loss_curve_", "n_iter_")


class Reptile(Pickled, MetaEstimatorMixin, Drawn):
    """Learn initial weights from many small tasks, so that a new task needs only a few updates.

    In each iteration, Reptile [1]_ draws a task, trains the present weights on it for a few
    updates, and moves the weights towards the result. The weights come close to good weights of
    every task. `adapt` then needs only a few sequences and updates for a new task: another
    patient, machine or speaker.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        The network, and how it is trained on a task (`solver`, `alpha`, `max_grad_norm`, `dropout`
        and so on). The moments of the optimizer start from 0 in each iteration, for which
        ``beta_1=0`` is recommended with "adam" [1]_. Reptile does not use `max_iter`, `tol`,
        `n_iter_no_change`, `early_stopping`, `warm_start`, schedules of the learning rate,
        `warmup`, `ema_decay`, `bptt` and `gradient_accumulation_steps`.
    n_inner : int, default=5
        Number of updates on the task in each iteration. With 1, Reptile is no more than training
        on all tasks together.
    n_iter : int, default=1000
        Number of iterations.
    inner_learning_rate : float, default=None
        Learning rate of the updates on a task; None means `learning_rate_init` of the estimator.
    outer_learning_rate : float, default=1.0
        How far the weights move towards the result of an iteration, as a share of the distance:
        above 0 and at most 1. This is the value of the first iteration; it falls linearly to 0.
    batch_size : int or "auto", default=10
        Sequences per minibatch; smaller tasks have one minibatch. "auto" is as in the estimator.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the order of tasks and minibatches, and dropout. The same
        number gives the same bits, for any number of threads.
    verbose : int, ProgressBar or LivePlot, default=0
        1 prints about 100 lines during the training. A `ProgressBar` or `LivePlot` of
        `sklearn_rnn.progress` shows a bar or a picture of the losses.

    Attributes
    ----------
    estimator_ : RNNClassifier or RNNRegressor
        The estimator with the learned weights. Its own predictions fit no task. Pass it as
        `weights_init`, or continue it with its `partial_fit`.
    loss_curve_ : list of float
        For each iteration, the mean training loss over its updates, in units of y.
    n_iter_ : int
        Number of iterations.

    See Also
    --------
    transfer : Start from the body of an estimator that was fitted to one large task.

    Notes
    -----
    Mean and scale of X and y, and `classes_`, are computed from all tasks together.

    References
    ----------
    .. [1] A. Nichol, J. Achiam, J. Schulman, "On first-order meta-learning algorithms",
       arXiv:1803.02999, 2018.

    Examples
    --------
    Each task is a sine wave of its own amplitude and phase:

    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.transfer import Reptile
    >>> rng = np.random.RandomState(0)
    >>> def wave(n_points):
    ...     amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, np.pi)
    ...     X = rng.uniform(-1, 1, size=(n_points, 2, 1))
    ...     return X, amplitude * np.sin(X.sum(axis=(1, 2)) - phase)
    >>> tasks = [wave(30) for _ in range(100)]
    >>> rnn = RNNRegressor(32, learning_rate_init=0.01, beta_1=0.0)
    >>> reptile = Reptile(rnn, n_inner=10, n_iter=500, random_state=0).fit(tasks)

    Ten points of a new wave suffice:

    >>> X, y = wave(110)
    >>> reptile.adapt(X[:10], y[:10]).score(X[10:], y[10:]) > 0.9
    True
    """

    _STATE_FORMAT = 1
    __metadata_request__fit: ClassVar = {"tasks": UNUSED}  # they are what X and y are elsewhere

    # Set by `fit`.
    estimator_: RNNClassifier | RNNRegressor
    loss_curve_: list[float]
    n_iter_: int

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]

    def __init__(
        self,
        estimator: RNNClassifier | RNNRegressor,
        *,
        n_inner: Integer = 5,
        n_iter: Integer = 1000,
        inner_learning_rate: Number | None = None,
        outer_learning_rate: Number = 1.0,
        batch_size: BatchSize = 10,
        random_state: RandomState = None,
        verbose: Verbose = 0,
    ) -> None:
        self.estimator = estimator
        self.n_inner = n_inner
        self.n_iter = n_iter
        self.inner_learning_rate = inner_learning_rate
        self.outer_learning_rate = outer_learning_rate
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    @floating_point_ignored
    def fit(
        self, tasks: SequenceNotStr[tuple[SequencesLike, Targets]], *, callbacks: Callbacks = None
    ) -> Self:
        """Learn weights that adapt to tasks like these.

        On Ctrl-C, training stops with a warning and keeps what it has learned so far; before the
        end of the first iteration, `KeyboardInterrupt` is raised.

        Parameters
        ----------
        tasks : list of (X, y)
            X and y of each task, as for `fit` of the estimator. The form of X and the kind of y
            must be the same in all tasks; the classes may differ.
        callbacks : callable, ProgressBar, LivePlot, or list of these, default=None
            Called about 100 times during the training as ``callback(reptile, info)``, when
            ``reptile.estimator_`` has the present weights. info is a dict with iteration, n_iter,
            loss (the mean since the previous call), outer_learning_rate and seconds. If a callback
            returns true, training stops.

        Returns
        -------
        self : object
            The fitted object.

        Raises
        ------
        ValueError
            If a parameter or a task is not as described (the message names it), or if the training
            diverges. The object stays as it was.
        """
        callbacks = as_callbacks(callbacks)
        model, training, trainer, rng = self._prepare(tasks)
        losses = []

        def show():
            fill_unknown_rows(training.network, training.progress.params, training.frozen)
            estimator = clone(self.estimator)
            estimator._take_over(model, training)
            self.estimator_, self.loss_curve_, self.n_iter_ = estimator, losses, len(losses)

        report = _Reports(self, callbacks, show)
        before = {name: value for name, value in vars(self).items() if name in FITTED}
        plan = self.n_iter, self.n_inner, float(self.outer_learning_rate)
        try:
            report.following.begin()
            for loss in meta_train(trainer, training.progress, *plan, rng):
                losses.append(loss)
                if report.is_due(len(losses)) and report.make(losses):
                    break
        except KeyboardInterrupt:
            if not losses:
                raise
            report.following.close()  # the warning comes below bars, not within their lines
            warn_of_interruption()
        except Exception:
            if not report.calling:  # an error of a callback does not undo what was learned
                self._restore(before)
            raise
        finally:
            report.following.close()
        show()
        return self

    def _prepare(self, tasks):
        """Read the tasks and plan the training, without changing anything.

        Returns the initial model, its training, the trainer, and the random generator.
        """
        rnn = self._learner(self.estimator)
        words = check_parameters(vars(rnn))
        read, members = read_task_list(rnn, tasks)
        with naming("random_state"):
            rnn.random_state = rng = check_random_state(self.random_state)
        model, training, _ = rnn._plan(words, read)
        members = [indices[np.isin(indices, training.indices)] for indices in members]
        parts = [Task.of(training.examples, indices) for indices in members if len(indices)]
        trainer = TaskTrainer(training, parts, effective_n_threads(rnn.n_threads))
        return model, training, trainer, rng

    def _drawn_rnn(self):
        return self.estimator_ if hasattr(self, "estimator_") else self.estimator

    def _restore(self, fitted):
        """Set the fitted attributes to earlier ones."""
        for name in FITTED:
            vars(self).pop(name, None)
        vars(self).update(fitted)

    @floating_point_ignored
    def adapt(
        self, X: SequencesLike, y: Targets, n_steps: Integer = 20
    ) -> RNNClassifier | RNNRegressor:
        """Return a copy of `estimator_`, trained further on a new task.

        Parameters
        ----------
        X, y : as those of a task
            A few sequences and their targets. Labels must be classes of the tasks of `fit`.
        n_steps : int, default=20
            Number of updates.

        Returns
        -------
        estimator : RNNClassifier or RNNRegressor
            A fitted estimator for the new task, with the parameters of `estimator`.

        Raises
        ------
        ValueError
            If an argument is not as described, or if the training diverges.
        """
        check_is_fitted(self)
        integer(1).check("n_steps", n_steps)
        rnn = self._learner(self.estimator_)
        check_parameters(vars(rnn))
        model = self.estimator_._fitted_model()
        with naming("random_state"):
            rng = check_random_state(self.random_state)
        training = self._training_on(X, y, model, rnn, rng)
        task = Task(training.indices, training.weighing)
        trainer = TaskTrainer(training, [task], effective_n_threads(rnn.n_threads))
        trainer.take_updates(0, training.progress, n_steps, rng)
        fill_unknown_rows(training.network, training.progress.params, training.frozen)
        adapted = clone(self.estimator_)
        adapted._take_over(model, training)
        return adapted

    def _learner(self, estimator):
        """Return a clone of the estimator with the parameters for updates on a task."""
        for name, rule in RULES.items():
            rule.check(name, getattr(self, name))
        if estimator.solver == "lbfgs":
            raise ValueError(
                "`solver` of the estimator must use minibatches, such as 'adam' or 'sgd', "
                "got 'lbfgs'."
            )
        rate = self.inner_learning_rate
        rate = estimator.learning_rate_init if rate is None else float(rate)
        given = {"learning_rate_init": rate, "batch_size": self.batch_size}
        unused = {name: value for name, value in OF_WHOLE_FITS.items() if name in vars(estimator)}
        return clone(estimator).set_params(**unused, **given)

    def _training_on(self, X, y, model, rnn, rng):
        """Return the training of a fitted model on a new task; the scales of the model stay."""
        network, given = model.network, (X, y, None)
        names = arguments.X, Argument("y", "targets"), None
        known = network.per_step, model.form, model.categories
        sequences, *_, rows, _ = rnn._read(given, *known, names)
        check_range(sequences, network.dtype, model.scale.in_use)
        targets = model.target.encode_taught(rows, slice(None))
        examples = Examples(sequences, targets, None, network.per_step, model.scale.in_use)
        everything = np.arange(sequences.n_samples)
        examples, indices, _ = rnn._weigh_classes(examples, model.target, everything)
        settings = Settings.of(vars(rnn))
        return Training(
            network=network,
            examples=examples,
            indices=indices,
            weighing=Weighing.of(examples, indices),
            settings=settings,
            progress=Progress.begin(model.params.copy(), new_seed(rng), settings),
            n_epochs=1,
            loss_unit=model.target.loss_unit,
            frozen=frozen_names(network, rnn.frozen),
        )


class _Reports:
    """Prints the progress and calls the callbacks, about `N_REPORTS` times."""

    def __init__(self, reptile, callbacks, show):
        self.reptile, self.show = reptile, show
        self.callbacks, followers, self.verbose = split_callbacks(callbacks, reptile.verbose)
        self.following = Following(followers, reptile, reptile.n_iter)
        self.every = max(1, reptile.n_iter // N_REPORTS)
        self.begin, self.calling = perf_counter(), False

    def is_due(self, iteration):
        return iteration % self.every == 0 or iteration == self.reptile.n_iter

    def make(self, losses):
        """Print a line and call the callbacks; return whether one of them wants to stop."""
        iteration, n_iter = len(losses), self.reptile.n_iter
        info = {
            "iteration": iteration,
            "n_iter": n_iter,
            "loss": float(np.mean(losses[-self.every :])),
            "outer_learning_rate": rate_of(self.reptile.outer_learning_rate, iteration - 1, n_iter),
            "seconds": perf_counter() - self.begin,
        }
        if self.verbose:
            print(
                f"iteration {iteration:{len(str(n_iter))}}/{n_iter}  loss {info['loss']:.5g}  "
                f"outer rate {info['outer_learning_rate']:.3g}  {info['seconds']:.2f} s"
            )
        with floating_point_of_caller():
            self.following.show({"epoch": iteration, "max_iter": n_iter, **info})
        if not self.callbacks:
            return False
        self.show()
        self.calling = True
        with floating_point_of_caller():
            stop = [bool(callback(self.reptile, dict(info))) for callback in self.callbacks]
        self.calling = False
        return any(stop)
