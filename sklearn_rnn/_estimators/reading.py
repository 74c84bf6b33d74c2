"""What `fit` reads: X, y and sample_weight, as examples and a target that was learned from them."""

from dataclasses import dataclass, replace

import numpy as np

from .._data import arguments
from .._data.categories import Categories, check_columns
from .._data.form import InputForm
from .._data.groups import read_groups
from .._data.kinds import Target
from .._data.reader import learn_X, read_X
from .._data.weights import read_weights, relative
from .._model.states import as_rows
from .._training.examples import Examples, without_equal_weights
from .fitted import _FittedRNN
from .misread import check_order_of_steps


@dataclass(frozen=True, eq=False)
class Read:
    """What `fit` read and learned from X, y and sample_weight."""

    n_samples: int  # of X
    examples: Examples  # of the sequences with weight
    positions: np.ndarray  # of these sequences in X
    form: InputForm
    categories: Categories
    target: Target
    absorbed: np.ndarray | None  # outputs to absorb, see `Scale.continued`
    learns_unknown: bool = False  # see `Training`
    groups: np.ndarray | None = None  # (n_examples,) numbers of groups that stay together

    def with_groups(self, groups):
        """Add the groups of the sequences of X, in any form, or None."""
        if groups is None:
            return self
        return replace(self, groups=read_groups(groups, self.n_samples)[self.positions])

    def with_states(self, state, network):
        """Add the states before the first steps, a dict of rows for each sequence of X, or None."""
        rows = rows_of_states(state, network, self.n_samples, "initial_state")
        rows = None if rows is None else rows[self.positions]
        return replace(self, examples=replace(self.examples, initial_state=rows))


def rows_of_states(state, network, n_samples, argument):
    """Check a dict of states, or None, and return it as rows (n_samples, n_columns)."""
    if state is None:
        return None
    network.check_causal(f"`{argument}` needs")
    return as_rows(network.state_layout, state, n_samples, network.dtype, argument)


class _ReadingRNN(_FittedRNN):
    """A recurrent network that can read what it is to learn. A subclass says what its targets are:

    _target_kind                    Labels, Numbers or a TaskReader, whose `read` reads y
    _learn_target(rows, weights, taught, before, incremental, ...)
                                    -> target, and outputs to absorb (see `Scale.continued`) or None
    _warn_of_mode(sequences, target)

    and where targets may be missing, `_weights_of`.
    """

    def _read_and_learn(self, given, before, incremental, learn_options):
        """Read X, y and sample_weight, and learn the target; before: the model to continue."""
        per_step = self.mode == "many_to_many"
        form, categories = None, None
        if before is not None:
            form, categories = before.form, before.categories
        X, *_ = given
        known = None if before is None else before.target
        read = self._read(given[:-1], per_step, form, categories, target=known)
        sequences, form, categories, rows, weights = read
        if before is not None:
            n_features = sequences.n_features
            check_columns(self.categorical_features, X, form, n_features, categories)
        if not incremental:  # only the ratios of weights count
            weights = without_equal_weights(weights)
        taught = slice(None) if weights is None else weights > 0
        target, absorbed = self._learn_target(
            rows,
            weights,
            taught,
            None if before is None else before.target,
            incremental,
            **learn_options,
        )
        if before is None and not per_step:
            self._warn_of_mode(sequences, target)
        targets = target.encode_taught(rows, taught)
        self._check_sequences(target, targets, weights, sequences)
        if weights is not None:
            weights = np.array(weights, order="C") if incremental else relative(weights)
        examples = Examples(sequences, targets, weights, per_step)
        positions = np.flatnonzero(examples.have_weight())
        if len(positions) < sequences.n_samples:
            examples = examples.take(positions)
        return Read(sequences.n_samples, examples, positions, form, categories, target, absorbed)

    def _read(self, given, per_step, form, categories, names=arguments.TRAINING, target=None):
        """Return X as sequences, its form and categories; y and weights by rows.

        A row is a sequence or a step. target: that of the fit, if there is one.
        """
        (X, y, sample_weight), (X_name, y_name, weight_name) = given, names
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        owner, is_first = type(self).__name__, form is None
        if is_first:
            sequences, form, categories = learn_X(X, owner, self.categorical_features, X_name)
            if form.kind == "2d":
                check_order_of_steps()
        else:
            sequences, form = read_X(X, owner, form, X_name, categories=categories)
        # Weights come first: a target of weight 0 may be anything.
        weights = read_weights(sample_weight, sequences, per_step, weight_name)
        taught = None if weights is None else weights > 0
        kind = self._target_kind if target is None else target
        rows = kind.read(y, sequences, per_step, y_name, taught)
        weights = self._weights_of(rows, weights)
        if is_first and categories.columns and weights is not None:
            kept = Examples(sequences, None, weights, per_step).have_weight()
            if not kept.all():
                sequences, categories = categories.of_sequences(sequences, kept)
        return sequences, form, categories, rows, weights

    def _check_sequences(self, target, targets, weights, sequences, names=arguments.TRAINING):
        """Refuse encoded targets and weights of steps that do not go together."""

    def _weights_of(self, rows, weights):
        """Return the weights of the rows that `_target_kind` read from y."""
        return weights
