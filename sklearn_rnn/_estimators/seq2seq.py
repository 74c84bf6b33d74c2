"""What the estimators with an encoder and a decoder share."""

from dataclasses import dataclass

import numpy as np

from .._data import arguments
from .._data.carriers import is_ragged
from .._data.categories import check_columns
from .._data.reader import learn_X, read_X
from .._data.weights import read_weights, relative
from .._model.fitted_pair import FittedPair
from .._model.pair_words import network_of_pair
from .._rules import integer
from .._training.examples import without_equal_weights
from .._training.held_out import HeldOut
from .._training.pairs import PairedExamples, Sampling
from .base import _RNNBase
from .reading import Read
from .seq2seq_parameters import check_parameters, taught_share


@dataclass(frozen=True, eq=False)
class PairRead(Read):
    """What `fit` read and learned from X, y and sample_weight."""

    def with_states(self, state, network):
        """Return this: an encoder begins with its own states."""
        return self


class _PairRNN(_RNNBase):
    """An encoder and a decoder that learn. A subclass says what its targets are:

    _read_target(y, n_samples, argument, taught)   -> targets by sequences, with `offsets`
    _learn(read, weights, future, categories, before, incremental, ...)
                                -> target, and outputs to absorb (see `Scale.continued`) or None
    _encode(target, read, future, argument)    -> what is to be predicted at each step, and what
                                                  the decoder reads, as Packed
    _target_tables(target, tables)   the tables of what the decoder reads; tables: those of X
    _answers_fed(target)        what scheduled sampling feeds, and its columns, see `Sampling`
    """

    _Model = FittedPair
    _KIND = "seq2seq"
    _HOLDS = "sequences of classes"
    _check_parameters = staticmethod(check_parameters)

    def _params(self):
        """Return the parameters, with values of those that these estimators do not have."""
        return {"bptt": None, "max_fun": 1, "attention": None, **vars(self)}

    # ---- reading ----

    def _read_and_learn(self, given, before, incremental, learn_options):
        """Read X, y and sample_weight, and learn the target; before: the model to continue."""
        form = None if before is None else before.form
        categories = None if before is None else before.categories
        known = None if before is None else before.target
        sequences, form, categories, targets, weights, future = self._read_pair(
            given, form, categories, known
        )
        if before is not None:
            facts = form, sequences.n_features, categories
            check_columns(self.categorical_features, given[0], *facts)
        if not incremental:  # only the ratios of weights count
            weights = without_equal_weights(weights)
        if weights is not None:
            weights = np.array(weights, order="C") if incremental else relative(weights)
        kept = np.arange(sequences.n_samples) if weights is None else np.flatnonzero(weights > 0)
        n_samples = sequences.n_samples
        if len(kept) < n_samples:
            sequences, targets, weights = sequences.take(kept), targets.take(kept), weights[kept]
            future = None if future is None else future.take(kept)
        facts = targets, weights, future, categories, known, incremental
        target, absorbed = self._learn(*facts, **learn_options)
        examples = self._examples(target, sequences, targets, weights, future)
        return PairRead(n_samples, examples, kept, form, categories, target, absorbed)

    def _read_pair(self, given, form, categories, target, names=arguments.TRAINING):
        """Return X as sequences, its form and categories; targets, weights, known inputs.

        Targets of sequences of weight 0 may be anything. target: that of the fit, or None.
        """
        (X, y, sample_weight, future), (X_name, y_name, weight_name) = given, names
        owner, is_first = type(self).__name__, form is None
        if y is None:
            raise ValueError(f"{owner} requires y to be passed, but the target y is None.")
        if is_first:
            sequences, form, categories = learn_X(X, owner, self.categorical_features, X_name)
        else:
            sequences, form = read_X(X, owner, form, X_name, categories=categories)
        weights = read_sequence_weights(sample_weight, sequences, weight_name)
        taught = None if weights is None else weights > 0
        targets = self._read_target(y, sequences.n_samples, y_name, taught)
        future = self._read_future(future, targets, target, y_name)
        if is_first and categories.columns and taught is not None and not taught.all():
            sequences, categories = categories.of_sequences(sequences, taught)
        return sequences, form, categories, targets, weights, future

    def _read_future(self, X_future, targets, target, y_name):
        """Return known inputs of the steps of the targets, or None."""
        return None

    def _examples(self, target, sequences, targets, weights, future, argument=arguments.Y):
        """Return pairs to train on, or with an `argument` for validation, to validate with."""
        wanted, fed = self._encode(target, targets, future, argument)
        if weights is not None:
            weights = np.repeat(weights, fed.lengths)
        sampling = None
        if self.teacher_forcing != 1:
            share = taught_share(self.teacher_forcing)
            sampling = Sampling(share, *self._answers_fed(target))
        return PairedExamples(sequences, wanted.values, weights, True, fed=fed, sampling=sampling)

    def _hold_out(self, read, given, validation, network, rng):
        """Return the sequences to train on, and those to validate with, see `_RNNBase`."""
        if not self.early_stopping or validation[0] is None:
            return super()._hold_out(read, given, validation, network, rng)
        sequences, _, _, targets, weights, future = self._read_pair(
            validation, read.form, read.categories, read.target, arguments.VALIDATION
        )
        weights = without_equal_weights(weights)
        weights = None if weights is None else relative(weights)
        examples = self._examples(read.target, sequences, targets, weights, future, arguments.Y_VAL)
        positions = None
        if not examples.have_weight().all():
            positions = np.flatnonzero(examples.have_weight())
            examples = examples.take(positions)
        held_out = HeldOut(examples, *validation[:-1], positions, is_given=True)
        return np.arange(read.examples.sequences.n_samples), held_out

    # ---- the network ----

    def _network_of(self, words, facts, tables, target):
        """Return the network of these words; see `_RNNBase`."""
        given = self._params(), *facts, tables
        return network_of_pair(*given, target.n_fed, self._target_tables(target, tables), words)

    def _target_tables(self, target, tables):
        """List the tables of what the decoder reads: none, it reads numbers."""
        return ()

    def _body_to_begin_with(self):
        """Return None: these fits begin with new weights."""
        return None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.one_d_labels = False
        return tags


def read_sequence_weights(sample_weight, sequences, argument):
    """Return weights (n_samples,), or None."""
    if sample_weight is not None and is_ragged(sample_weight) and len(sample_weight) > 0:
        raise ValueError(
            f"`{argument}` must have one weight per sequence, but it holds one array per sequence."
        )
    return read_weights(sample_weight, sequences, False, argument)


def numbers_of_steps(given, n_samples, argument):
    """Return the number of steps of each sequence (n_samples,); given: one for all, or for each."""
    numbers = np.asarray(given)
    if numbers.shape not in ((), (n_samples,)) or not all(map(integer(1).test, numbers.flat)):
        raise ValueError(
            f"`{argument}` must be an integer of at least 1, or {n_samples} of these; got "
            f"{given!r}."
        )
    return np.broadcast_to(numbers.astype(np.intp), (n_samples,))


def check_attention(model):
    """Refuse a fitted model without attention."""
    if model.network.words.attention is None:
        raise ValueError(
            "`attention_weights` needs an estimator that was fitted with `attention`, got "
            "attention=None."
        )
