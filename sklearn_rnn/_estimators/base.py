"""The part of `fit` that all estimators share: from X and y to the fitted attributes."""

from dataclasses import replace
from functools import partial
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from .._data import arguments
from .._data.arguments import naming
from .._data.categories import dimensions, vectors_of
from .._data.finite import check_range
from .._data.moments import LEAST_SCALES, Moments
from .._data.scales import Scale
from .._data.weights import relative
from .._model.attributes import check_continuing, history
from .._model.body import Body
from .._model.network import absorb_input_scale, absorb_output_scale, initialize
from .._model.words import difference, network_of
from .._training import lbfgs
from .._training.epochs import Training, train
from .._training.examples import Examples, Weighing, without_equal_weights
from .._training.freezing import frozen_names
from .._training.held_out import HeldOut, split, split_groups, validator
from .._training.losses import plateau
from .._training.optimizers import LBFGS, SHARE_AFTER_FIT
from .._training.progress import Progress, Settings, new_seed, next_seed
from .._training.threads import blas_held_at_one_thread, effective_n_threads
from .advice import tell_end, warn_of_data, warn_of_settings
from .callbacks import CallbackSupportMixin, Observers, as_callbacks
from .parameters import check
from .reading import _ReadingRNN, rows_of_states
from .transfer import model_of

NOTHING = (None, None, None, None)  # in place of X, y, weights and states


class _RNNBase(CallbackSupportMixin, _ReadingRNN):
    """A recurrent network that learns, see `_ReadingRNN` for what a subclass says."""

    _NEEDS_Y = True
    # With metadata routing, groups reach only splitters unless `set_fit_request` requests them.
    __metadata_request__fit: ClassVar = {"groups": False}
    _KEEPS_UNKNOWN = False  # whether a fit that goes on leaves the vectors of unknown codes alone

    # ---- fit ----

    def _fit(
        self,
        X,
        y,
        sample_weight,
        *,
        initial_state=None,
        groups=None,
        validation=NOTHING,
        callbacks=None,
        incremental=False,
        learning_rate_init=None,
        **learn_options,
    ):
        """Read everything, train, and store the result; incremental means `partial_fit`.

        validation holds X, y, sample_weight and initial_state of the validation data; without it,
        early stopping holds out whole `groups` of X. learning_rate_init is the argument of
        `partial_fit`.

        Only `_take_over` and `_set_fitted` change `self`, so an earlier error leaves it as it was.
        """
        callbacks = as_callbacks(callbacks)
        words = self._check(initial_state, validation, incremental)
        if groups is not None and not self.early_stopping:
            raise ValueError(
                "`groups` needs early_stopping=True, got False: set it, or leave `groups` out."
            )
        if learning_rate_init is not None:
            check("learning_rate_init", learning_rate_init)
        given = X, y, sample_weight, initial_state
        model, training, held_out = self._prepare(
            words, given, validation, incremental, learn_options, groups
        )
        if incremental:
            limit_rate(training, learning_rate_init)
        training.progress.was_fit |= not incremental
        n_threads = effective_n_threads(self.n_threads)

        def show():
            self._take_over(model, training)

        if held_out is not None:
            own = partial(self._own_validator, model, held_out, n_threads)
            training.validate = validator(
                self.scoring, held_out, training, self, show, model.target, own, n_threads
            )
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        facts = None if incremental else {"X": X, "y": y, "metadata": metadata}
        observers = Observers(self, training.n_epochs, callbacks, facts, show)
        run = lbfgs.train if training.settings.solver == LBFGS else train
        warn_of_settings(training)
        if not incremental:
            warn_of_data(X, training.examples, model)
        before, n_updates = self._fitted_attributes(), training.progress.n_updates
        try:
            observers.begin()
            end = run(training, n_threads, observers)
            observers.close()  # warnings of the end come below bars, not within their lines
            show()
            observers.end(tell_end(end, training))
        except BaseException:
            # If a callback fails, what was learned before stays. A diverged `fit` keeps nothing,
            # nor does one whose `scoring` fails after the first epoch; a diverged `partial_fit`
            # keeps what it had before that minibatch.
            progress = training.progress
            kept = incremental or (progress.n_iter > 0 and not progress.diverged)
            if kept and progress.n_updates > n_updates and progress.is_finite():
                show()
            else:
                self._set_fitted(before)
            raise
        finally:
            observers.close()
        return self

    def _check(self, initial_state, validation, incremental):
        """Check the parameters, and the arguments against them; return the parameters as Words."""
        words = self._check_parameters(self._params())
        self._check_validation(initial_state, validation)
        if incremental and self.solver == LBFGS:
            raise ValueError(
                "partial_fit does not support solver='lbfgs', which needs all sequences at once: "
                "set `solver` to another one."
            )
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: set it to False first."
            )
        return words

    def _check_validation(self, initial_state, validation):
        """Check which data to validate with are given."""
        X_val, y_val, weight_val, state_val = validation
        others = {"y_val": y_val, "sample_weight_val": weight_val, "initial_state_val": state_val}
        for name, value in others.items():
            if X_val is None and value is not None:
                raise ValueError(f"`{name}` needs `X_val`, which is None.")
        if X_val is not None and (initial_state is None) != (state_val is None):
            raise ValueError(
                "`initial_state` and `initial_state_val` must both be given, or neither, when "
                "`X_val` is given."
            )
        is_own = self.scoring is None or (isinstance(self.scoring, str) and self.scoring == "loss")
        if initial_state is not None and self.early_stopping and not is_own:
            raise ValueError(
                "`initial_state` with early_stopping=True needs scoring=None or 'loss': other "
                f"scores do not pass it to `predict`; got scoring={self.scoring!r}."
            )
        if X_val is not None and y_val is None and self._NEEDS_Y:
            raise ValueError("`X_val` needs `y_val`, which is None.")
        if X_val is not None and not self.early_stopping:
            raise ValueError(
                "`X_val` needs early_stopping=True, got False: set it, or leave `X_val` out."
            )

    def _prepare(self, words, given, validation, incremental, learn_options, groups=None):
        """Read the data and plan the training, without changing anything.

        Returns the model that training begins with, the training, and the held-out sequences or
        None.
        """
        before = self._model_to_continue(words) if incremental or self.warm_start else None
        read = self._read_and_learn(given, before, incremental, learn_options)
        read = read.with_groups(groups)
        return self._plan(words, read, given, before, validation, incremental)

    def _plan(self, words, read, given=NOTHING, before=None, validation=NOTHING, incremental=False):
        """Plan the training on what was read, see `_prepare`."""
        examples, target = read.examples, read.target
        vectors, body = None, None
        if before is None:
            vectors = self._given_vectors(read)
            body = self._body_to_begin_with()
        network = self._network(words, read, vectors, before or (body and body.model))
        frozen = frozen_names(network, self.frozen)
        if body is not None:
            body.check(network, bool(self.normalize_X), read.form, read.categories)
        read = read.with_states(given[-1], network)
        examples = read.examples
        with naming("random_state"):
            rng = check_random_state(self.random_state)
        # Drawn first: a fit that continues must hold out the same sequences as the one before.
        indices, held_out = self._hold_out(read, given, validation, network, rng)
        weighted, indices, factors = self._weigh_classes(examples, target, indices, incremental)
        scale, x_absorbed = self._scale_X(examples, indices, network, before, incremental)
        if body is not None:
            scale = body.scale_for(scale, network)
        check_range(examples.sequences, self.dtype, scale.in_use)
        weighted, weighing, taught = self._weigh(weighted, indices, before, incremental)
        weighted = self._weigh_tasks(weighted, target, indices)
        settings = Settings.of(self._params())
        if before is None:
            progress = self._begin(network, read, indices, scale, rng, settings, vectors, body)
        else:
            absorbing = before, network, target, read.absorbed, scale, x_absorbed
            progress = self._continue(absorbing, settings, incremental)
        progress.has_windows = settings.bptt is not None
        model = self._Model(
            network, progress.params, target, read.form, read.categories, scale, taught
        )
        training = Training(
            network=network,
            examples=replace(weighted, scaling=scale.in_use),
            indices=indices,
            weighing=weighing,
            settings=settings,
            progress=progress,
            n_epochs=1 if incremental else self.max_iter,
            planned=not incremental,
            loss_unit=target.loss_unit,
            frozen=frozen,
            learns_unknown=read.learns_unknown or (before is not None and self._KEEPS_UNKNOWN),
        )
        if held_out is not None:
            held_out = held_out.as_trained(factors, scale.in_use, self.dtype)
            held_out = replace(held_out, examples=self._weigh_tasks(held_out.examples, target))
            progress.validates = True
        elif not incremental:
            training.plateau = self._plateau(training)
        return model, training, held_out

    def _model_to_continue(self, words):
        """Return the fitted model, or None; refuse parameters that do not match it."""
        if not hasattr(self, "params_"):
            return None
        model = self._fitted_model()
        fitted = model.network
        check_continuing(vars(self), fitted)
        loss = getattr(self, "loss", fitted.loss)
        facts = fitted.n_features, fitted.n_outputs, loss, fitted.groups
        tables = self._tables(model.categories, None, model)
        changed = difference(fitted, self._network_of(words, facts, tables, model.target))
        normalizes = model.scale.in_use is not None
        if changed is None and normalizes != bool(self.normalize_X):
            changed = "normalize_X", normalizes, self.normalize_X
        if changed is not None:
            name, before, _ = changed
            raise ValueError(
                f"`{name}` must not change between a fit and its continuation (warm_start, "
                f"partial_fit): the fitted network has {name}={before!r}, "
                f"got {getattr(self, name)!r}."
            )
        return model

    def _network(self, words, read, vectors, known):
        """Return the network for what was read; vectors and known: see `_tables`."""
        sequences, target = read.examples.sequences, read.target
        facts = sequences.n_features, target.n_outputs, target.loss, target.groups
        tables = self._tables(read.categories, vectors, known)
        return self._network_of(words, facts, tables, target)

    def _network_of(self, words, facts, tables, target):
        """Return the network of these words; facts, tables: arguments of `words.network_of`."""
        allowed = self._allowed(target, words)
        network = network_of(self._params(), *facts, tables, words, allowed)
        if self.bptt is not None:
            network.check_causal("`bptt` needs")
        return network

    def _allowed(self, target, words):
        """Return which tags may follow which, or None."""
        return None

    def _given_vectors(self, read):
        """Return the given rows of the tables, see `vectors_of`, or None."""
        facts = read.categories, self.dtype, read.form.feature_names
        return vectors_of(self.embedding_init, *facts)

    def _body_to_begin_with(self):
        """Return the body of `weights_init`, or None."""
        if self.weights_init is None:
            return None
        return Body(model_of(self.weights_init, "weights_init"))

    def _tables(self, categories, vectors, known):
        """Return column, rows and columns of the table of each categorical feature.

        vectors: given rows of the tables, or None; known: the model whose numbers of columns "auto"
        takes over, or None.
        """
        dimension = self.embedding_dim
        if known is not None and isinstance(dimension, str):
            widths = [width for _, _, width in known.network.tables]
            if len(widths) == len(categories.columns) > 0:
                dimension = widths
        widths = dimensions(dimension, categories, vectors)
        return tuple(zip(categories.columns, categories.n_rows, widths, strict=True))

    def _scale_X(self, examples, indices, network, before, incremental):
        """Return the scale of X, and features to absorb (see `Scale.continued`) or None.

        Each step has the weight of its sequence, without class weights. In a network that reads
        forward only, steps after the last taught step of a sequence are never read and do not
        count.
        """
        if before is None and not self.normalize_X:
            return Scale.fixed(network.n_features), None
        if before is not None and before.scale.in_use is None:
            return before.scale, None
        if not incremental:
            examples = examples.with_equal_weights_as_ones(indices)
        only_before = network.is_causal and not network.has_transitions
        weights = examples.weights_of_steps(indices, up_to_the_last_taught=only_before)
        values = examples.sequences.values
        moments, least = Moments.of_rows(values, weights), LEAST_SCALES[values.dtype.name]
        moments = moments.left_alone(network.code_columns)
        if not incremental:
            moments = moments.with_weights_of_mean_1()
        if before is None:
            return Scale.of(moments, arguments.X, least), None
        return before.scale.continued(moments, arguments.X, least)

    def _weigh_classes(self, examples, target, indices, incremental=False):
        """Return examples with class weights, those of `indices` with weight, and the factors."""
        class_weight = getattr(self, "class_weight", None)
        facts = examples.targets, examples.weights, incremental
        factors = target.class_factors(class_weight, *facts)
        examples = examples.with_class_weights(factors)
        indices = indices[examples.have_weight()[indices]]
        if len(indices) == 0:
            raise ValueError("`class_weight` leaves no sequence to train on: all weights are 0.")
        return examples, indices, factors

    def _weigh(self, examples, indices, before, incremental):
        """Return examples with their training weights, the units of these weights, and `taught`.

        `partial_fit` uses weights as given: the unit of a row is 1, that of a sequence is the mean
        number of taught steps per sequence over all calls.
        """
        if not incremental:
            examples = examples.with_equal_weights_as_ones(indices)
            taught = examples.n_taught(indices), len(indices)
            return examples, Weighing.of(examples, indices), taught
        n_rows, n_sequences = (0, 0) if before is None else before.taught
        n_rows += examples.n_taught(indices)
        n_sequences += len(indices)
        weighing = Weighing(n_rows, n_sequences, 0.0 if examples.weights is None else 1.0)
        return examples, weighing, (n_rows, n_sequences)

    def _weigh_tasks(self, examples, target, indices=None):
        """Return examples with a factor for the loss of each task, if there are several tasks.

        The factors are computed from the sequences `indices`; None means all.
        """
        return examples

    def _begin(self, network, read, indices, scale, rng, settings, vectors, body):
        """Return the progress that begins with new weights, or with those of a body."""
        # "chrono" biases need the steps of the network through the longest training sequence.
        longest = int(read.examples.sequences.lengths[indices].max() - 1) // network.stride + 1
        params = initialize(network, rng, longest, vectors)
        if body is not None:
            params = body.put_into(network, params, read.categories, scale, vectors)
        return Progress.begin(params, new_seed(rng), settings)

    def _continue(self, absorbing, settings, incremental):
        """Return the progress that continues the last fit; absorbing: see `absorb_scales`."""
        before, _, target, y_absorbed, *_ = absorbing
        params, optimizer = absorb_scales(before.params, *absorbing).copy(), dict(self._optimizer)
        if "raw_params" in optimizer:
            optimizer["raw_params"] = absorb_scales(optimizer["raw_params"], *absorbing)
        curve, best = self.loss_curve_, self.best_loss_
        history = {
            "n_sequences": self.t_,
            "earlier_losses": curve,
            "earlier_scores": self.validation_scores_ or [],
            "earlier_facts": self._history,
            "best_loss": min(curve, default=np.inf) if best is None else best,
        }
        if not incremental:
            return Progress.begin(params, next_seed(optimizer["seed"]), settings, **history)
        progress = Progress.resume(params, optimizer, settings, **history)
        if y_absorbed is not None:
            progress.rescale_best(target.unit_since(before.target, y_absorbed))
        return progress

    def _hold_out(self, read, given, validation, network, rng):
        """Return the sequences to train on, and those to validate with: given ones, or part of X.

        Without early stopping the latter are None.
        """
        examples = read.examples
        per_step, indices = examples.per_step, np.arange(examples.sequences.n_samples)
        if not self.early_stopping:
            return indices, None
        if validation[0] is None:
            labels = None if examples.targets.ndim > 1 else examples.targets
            if read.groups is not None:
                facts = read.groups, self.validation_fraction, examples, labels, rng
                indices, held_out = split_groups(*facts)
            else:
                labels = None if per_step else labels
                indices, held_out = split(len(indices), self.validation_fraction, labels, rng)
            return indices, HeldOut(examples.take(held_out), *given[:-1], read.positions[held_out])
        *validation, state = validation
        sequences, _, _, rows, weights = self._read(
            validation, per_step, read.form, read.categories, arguments.VALIDATION, read.target
        )
        state = rows_of_states(state, network, sequences.n_samples, "initial_state_val")
        weights = without_equal_weights(weights)
        weights = None if weights is None else relative(weights)
        targets = read.target.encode(rows, arguments.Y_VAL)
        if network.has_transitions and self.scoring == "loss" and targets.min() >= 0:
            self._check_sequences(read.target, targets, weights, sequences, arguments.VALIDATION)
        examples = Examples(sequences, targets, weights, per_step, initial_state=state)
        positions = None
        if not examples.have_weight().all():
            positions = np.flatnonzero(examples.have_weight())
            examples = examples.take(positions)
        return indices, HeldOut(examples, *validation, positions, is_given=True)

    def _own_validator(self, model, held_out, n_threads, evaluation):
        """Return the function params -> (score, value) of the method `score`, see `validator`."""
        examples, target = held_out.examples, model.target

        def validate(params):
            outputs = evaluation.outputs(params)
            score = target.score(examples.targets, outputs, examples.weights)
            return score, -score

        return validate

    def _plateau(self, training):
        """Return the loss above which training is hardly better than a constant prediction."""
        examples = training.examples
        with blas_held_at_one_thread():  # more threads could change the bits
            return plateau(
                training.network,
                examples.rows(examples.targets, training.indices),
                examples.rows(examples.weights, training.indices),
                float(self.tol),
                examples.group_weights,
            )

    def _take_over(self, model, training):
        """Set the fitted attributes to the model and its training so far."""
        progress = training.progress
        attributes = replace(model, params=progress.result.copy()).as_attributes()
        # `partial_fit` appends to the lists themselves: copies would take longer with each call.
        attributes.update(history(model.network, progress, in_place=not training.planned))
        self._set_fitted(attributes)


def limit_rate(training, learning_rate_init):
    """Set the learning rate of a pass of `partial_fit`; learning_rate_init: its argument."""
    settings, progress = training.settings, training.progress
    if learning_rate_init is not None:
        training.settings = replace(settings, learning_rate_init=float(learning_rate_init))
        if settings.learning_rate == "adaptive":  # its own rate stays for later calls
            training.settings = replace(training.settings, learning_rate="constant")
    elif progress.was_fit:
        training.highest_rate = SHARE_AFTER_FIT * settings.learning_rate_init


def absorb_scales(params, before, network, target, y_absorbed, scale, x_absorbed):
    """Return the weights `params` of the model `before`, adapted to new scales of X and y."""
    if y_absorbed is not None:
        in_use = before.target.scale_of_outputs, target.scale_of_outputs
        params = absorb_output_scale(network, params, *in_use, y_absorbed)
    if x_absorbed is not None:
        in_use = before.scale.in_use, scale.in_use
        params = absorb_input_scale(network, params, *in_use, x_absorbed)
    return params
