"""L-BFGS: iterations on all training sequences at once, instead of epochs of minibatches.

The optimizer is scipy's L-BFGS-B (Byrd, Lu, Nocedal and Zhu, 1995; Zhu, Byrd, Lu and Nocedal,
1997). Most iterations evaluate the loss once.
"""

from time import perf_counter

import numpy as np

from .. import _memory
from .._model.network import fill_unknown_rows
from .minibatches import engine_of
from .threads import blas_held_at_one_thread

# Sequences that the engine takes at once: 32 slices of 8. Memory does not grow with more sequences.
CHUNK = 256

# Vectors (n_params,) of float64 that scipy's optimizer and its caller keep: 10 pairs of steps and
# changes of the gradient; points, gradients and copies of them.
N_VECTORS = 41

# Warnings about an end without convergence, for `str.format` with the settings of that name.
UNCONVERGED = {
    "max_iter": "Maximum number of iterations (max_iter={max_iter}) reached and the optimization "
    "has not converged yet. Increase max_iter.",
    "max_fun": "Maximum number of evaluations of the loss (max_fun={max_fun}) reached and the "
    "optimization has not converged yet. Increase max_fun.",
    "imprecise": "L-BFGS found no lower loss, although the gradient is larger than tol={tol:g}: "
    "further progress is smaller than the rounding errors. Raise tol, or set dtype='float64'.",
}


def workspace_of(settings, lengths, carried=False):
    """Return the arguments of `Network.engine`, as `minibatches.workspace_of` does."""
    return {
        "training": True,
        "lengths": lengths,
        "batch_size": min(CHUNK, len(lengths)),
        "memory_budget": settings.memory_budget,
        "carried": carried,
    }


class _End(Exception):
    """Raised to stop the optimizer; the argument is the reason."""


class Objective:
    """The mean loss over all training sequences plus the penalty, and its gradient.

    Losses and gradients of chunks are added in float64, always in the same order.
    """

    def __init__(self, training, n_threads):
        network, examples = training.network, training.examples
        indices = np.ascontiguousarray(training.indices, dtype=np.intp)
        lengths = examples.sequences.lengths[indices]
        workspace = workspace_of(training.settings, lengths, examples.initial_state is not None)
        self.engine = engine_of(training, workspace, n_threads)
        self.dataset = examples.dataset()
        self.chunks = [indices[i : i + CHUNK] for i in range(0, len(indices), CHUNK)]
        weights = np.array([_weight_of(examples, chunk) for chunk in self.chunks])
        self.shares = (weights / weights.sum()).tolist()
        self.engine.weigh_by(float(weights.sum()), 0.0)
        self.alpha = float(training.settings.alpha)
        self.penalised = None
        if self.alpha > 0:
            self.penalised = _penalised(network, examples, indices, training.frozen)
        self.params = np.empty(network.n_params, network.dtype)

    def __call__(self, x):
        """Return loss, value and gradient (n_params,); the value is the loss plus the penalty."""
        self.params[...] = x
        self.engine.load(self.params)
        loss, gradient = 0.0, np.zeros(len(x))
        for chunk, share in zip(self.chunks, self.shares, strict=True):
            loss_of_chunk, d_params = self.engine.loss_and_grad(self.dataset, chunk)
            loss += share * loss_of_chunk
            gradient += d_params
        value = loss
        if self.penalised is not None:
            # alpha / 2 sum(w^2)
            pull = self.alpha * np.where(self.penalised, x, 0.0)
            value, gradient = loss + 0.5 * float(pull @ x), gradient + pull
        return loss, value, gradient


def _weight_of(examples, indices):
    """Return the total weight of the targets of some sequences."""
    if examples.weights is None:
        return float(examples.n_taught(indices))
    return float(examples.rows(examples.weights, indices).sum())


def _penalised(network, examples, indices, frozen):
    """Tell which parameters (n_params,) have a penalty; those in `frozen` have none.

    Of embeddings, only the vectors of codes that occur have one.
    """
    penalised = np.zeros(network.n_params, dtype=bool)
    for tensor, view in zip(network.tensors, network.views(penalised).values(), strict=True):
        node = network.nodes[tensor.node]
        if tensor.name in frozen:
            continue
        if node.kind == "embed":
            column = dict(node.options)["column"]
            values = examples.sequences.values[examples.sequences.rows(indices), column]
            view[np.unique(values).astype(np.intp)] = tensor.decays
        else:
            view[...] = tensor.decays
    return penalised


class _Run:
    """One call of scipy's optimizer: what it has evaluated, and the progress to update."""

    def __init__(self, training, objective, observers):
        self.training, self.objective, self.observers = training, objective, observers
        self.n_steps = int(training.examples.sequences.lengths[training.indices].sum())
        self.begin = None  # when the present iteration began
        self.n_evaluations = 0  # in the present iteration
        # Point, loss and value of the last evaluation; the value is NaN if anything is not finite.
        self.last = None
        self.value = None  # at the beginning of the present iteration

    def value_and_gradient(self, x):
        """Evaluate a point that the line search tries."""
        progress, is_first = self.training.progress, self.last is None
        if self.begin is None:
            # Not at the end of the previous iteration: there may be no other one.
            self.observers.begin_epoch()
            self.begin = perf_counter()
        loss, value, gradient = self.objective(x)
        is_finite = np.isfinite(value) and np.isfinite(gradient).all()
        if not is_finite and is_first:
            advice = "Lower `alpha`, or scale the data (sklearn_rnn.preprocessing.SequenceScaler)."
            reason = f"the loss is {value}, or its gradient is not finite, at the initial weights"
            raise progress.diverge(reason, advice)
        self.n_evaluations += 1
        self.last = x.copy(), loss, value if is_finite else np.nan
        if is_first:
            progress.loss, progress.best = loss * self.training.loss_unit, loss
            self.value = value
        if not is_finite:
            # Large enough for the line search to step back, but not by orders of magnitude.
            return 2 * abs(self.value) + 1, np.zeros(len(x))
        return value, gradient

    def end_iteration(self, x):
        """Make the point x, where an iteration ends, the result so far, and call the observers."""
        training, progress = self.training, self.training.progress
        if not np.array_equal(x, self.last[0]):
            self.value_and_gradient(x)
        _, loss, self.value = self.last
        if np.isnan(self.value):
            raise _End("imprecise")
        n_evaluations, self.n_evaluations = self.n_evaluations, 0
        progress.params[...] = x
        progress.n_sequences += n_evaluations * len(training.indices)
        progress.loss, progress.best = loss * training.loss_unit, loss
        progress.end_update()
        if not training.learns_unknown:
            fill_unknown_rows(training.network, progress.params, training.frozen)
        progress.end_epoch()
        seconds, self.begin = perf_counter() - self.begin, None
        steps_per_second = n_evaluations * self.n_steps / max(seconds, 1e-9)
        info = progress.info(training.n_epochs, seconds, steps_per_second)
        try:
            stop = self.observers.end_epoch(info)
        except StopIteration as error:  # scipy would understand it as a request to stop
            raise RuntimeError("A callback raised StopIteration.") from error
        if stop:
            raise _End("stopped")


def _check_room(n_params):
    """Raise MemoryError unless there is room for what scipy keeps."""
    with _memory.memory_for(
        8 * N_VECTORS * n_params,
        f"L-BFGS with {n_params} parameters",
        "use another `solver`, or a smaller `hidden_layer_sizes` or `embedding_dim`",
    ):
        np.empty(N_VECTORS * n_params)


def train(training, n_threads, observers):
    """Minimise the loss of all training sequences, and update `training.progress`.

    Observers are called for each iteration, as `epochs.train` does for each epoch. Returns why
    training ended: "converged", "stopped", "interrupted", or a key of `UNCONVERGED`.
    """
    from scipy.optimize import minimize  # importing it takes long

    settings, progress = training.settings, training.progress
    n_updates = progress.n_updates
    _check_room(len(progress.params))
    run = _Run(training, Objective(training, n_threads), observers)
    options = {
        "maxiter": training.n_epochs,
        "maxfun": settings.max_fun,
        "gtol": settings.tol,
        "ftol": 0.0,  # otherwise it would also stop when the loss falls slowly
    }
    try:
        with blas_held_at_one_thread():  # scipy calls BLAS: more threads could change the bits
            result = minimize(
                run.value_and_gradient,
                progress.params.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=run.end_iteration,
                options=options,
            )
    except _End as end:
        return str(end)
    except KeyboardInterrupt:
        if progress.n_updates == n_updates:
            raise
        return "interrupted"
    if result.status == 1:
        return "max_iter" if result.nit >= training.n_epochs else "max_fun"
    return "converged" if np.abs(result.jac).max() <= settings.tol else "imprecise"
