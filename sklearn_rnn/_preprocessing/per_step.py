"""PerStep: a transformer of scikit-learn, applied to all steps of sequences."""

from __future__ import annotations

import re
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Literal, Self

import numpy as np
from sklearn import get_config
from sklearn.base import OneToOneFeatureMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from .._available_if import available_if
from .._data import arguments
from .._data.carriers import as_labels, is_ragged
from .._data.form import InputForm
from .._data.frames import is_frame
from .._data.nested import is_nested
from .._data.steps import raw_steps
from .._data.values import numbers_of_objects
from .._data.weights import step_weights
from .._docstrings import with_parts
from .._floating_point import floating_point_of_caller
from .._rules import shown
from .._typing import Array, ArrayLike, SequencesLike, Targets, Transformed
from .carriers import InCarriers
from .stacking import as_array, as_table, cut, stack

_PARTS = {
    "X": """
X : array-like of shape (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps), \
or list, tuple or object array of (n_timesteps_i, n_features) or (n_timesteps_i,), or nested table
""",
    "y": """
y : array-like of shape (n_samples,), or one value per step, default=None
""",
    "fit_params": """
**fit_params : dict
    Arguments for the same method of `transformer`. `sample_weight`, and names that end in
    "__sample_weight", may have one weight per sequence or per step, as for `SequenceScaler`.
    All other arguments are passed on unchanged.
""",
}


def _has(method):
    """Return a check that the transformer has a method."""

    def check(self):
        getattr(vars(self).get("transformer_", self.transformer), method)
        return True

    return check


@with_parts(_PARTS)
class PerStep(InCarriers):
    """Apply a transformer of scikit-learn to every step of sequences.

    All steps of all sequences become the rows of one table, with one column per feature. The
    transformer is fitted on this table or transforms it, and its result is cut into sequences
    again. Each step is therefore transformed by itself, and test sequences in a `Pipeline` never
    affect what was learned.

    If the sequences are frames or a nested table, the table is a frame with the same column names
    and types. A `ColumnTransformer` can then select columns by name or type, and strings and
    categories reach an encoder unchanged.

    Parameters
    ----------
    transformer : transformer of scikit-learn
        An object with `fit` and `transform`: a scaler, an imputer, an encoder, `PCA`,
        `ColumnTransformer`, or a `Pipeline` of these. It must return one row for each input row.
        Sparse results become dense.

    Attributes
    ----------
    transformer_ : transformer of scikit-learn
        The fitted transformer, a clone of `transformer`.
    n_features_in_ : int
        Number of features per step; number of columns if the sequences were 2-D.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the columns, if `X` was a frame, a list of frames or a nested table, with string
        column names.

    See Also
    --------
    SequenceScaler : Scales sequences, faster than ``PerStep(StandardScaler())``.
    SequenceImputer : Fills missing values from other steps of the same sequence.
    sklearn.compose.ColumnTransformer : Applies transformers to some columns each.

    Notes
    -----
    A 2-D `X` holds one sequence per row and one feature per step, so its table has one column. If
    the transformer also returns one column, the result is 2-D, otherwise 3-D.

    `SelectKBest`, `TargetEncoder` and others also learn from `y`. The transformer gets one target
    per step: if `y` has one target per sequence, it is repeated for each step. A `y` in another
    form is not passed on. `TargetEncoder.fit_transform` divides steps into folds, so steps of one
    sequence may be in several folds.

    With metadata routing, the transformer gets the sample weights and other arguments that it
    requests.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from sklearn_rnn.preprocessing import PerStep
    >>> X = [np.array([["up"], ["down"]]), np.array([["up"], ["up"], ["left"]])]
    >>> encode = PerStep(OneHotEncoder()).fit(X)
    >>> encode.get_feature_names_out(["move"])
    array(['move_down', 'move_left', 'move_up'], dtype=object)
    >>> encode.transform(X)[0]
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """

    _STATE_FORMAT = 1

    # Set by `fit`.
    transformer_: Any

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer

    def fit(self, X: SequencesLike, y: Targets | None = None, **fit_params: Any) -> Self:
        """Fit the transformer on all steps.

        Parameters
        ----------
        {X}
            Sequences of values that the transformer can read.
        {y}
            Targets. The transformer gets one per step, see the notes of the class.
        {fit_params}

        Returns
        -------
        self : PerStep
            Fitted transformer.

        Raises
        ------
        TypeError
            If `transformer` is not a transformer.
        ValueError, TypeError
            If `X` does not hold sequences, or the transformer cannot read its steps.
        """
        self._learn("fit", X, y, fit_params)
        return self

    @available_if(_has("partial_fit"))
    def partial_fit(self, X: SequencesLike, y: Targets | None = None, **fit_params: Any) -> Self:
        """Update the transformer with the steps of more sequences.

        This method exists only if the transformer has `partial_fit`.

        Parameters
        ----------
        {X}
            Sequences, as for `fit`.
        {y}
            As for `fit`.
        {fit_params}

        Returns
        -------
        self : PerStep
            Fitted transformer.

        Raises
        ------
        ValueError, TypeError
            As for `fit`, or if `X` has another form or number of features than in earlier calls.
        """
        self._learn("partial_fit", X, y, fit_params)
        return self

    @available_if(_has("inverse_transform"))
    def inverse_transform(self, X: SequencesLike) -> Transformed:
        """Undo `transform`.

        This method exists only if the transformer has `inverse_transform`.

        Parameters
        ----------
        {X}
            Transformed sequences.

        Returns
        -------
        X_original : ndarray, list, tuple or object array
            Sequences in the form of `X`, with the original features.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError, TypeError
            If `X` is not as `transform` returns it.
        """
        check_is_fitted(self)
        self._check_state()
        stacked = stack(X, type(self).__name__)
        values = as_array(stacked.values)  # inverse transforms take no column names
        self._check_width(values.shape[1])
        if self._input_kind == "2d" and (stacked.lengths != stacked.lengths[0]).any():
            raise ValueError(
                "`X` must have the same number of steps in each sequence, as `transform` returns "
                f"them for the 2-D `X` of `fit`; got {stacked.lengths.min()} to "
                f"{stacked.lengths.max()}."
            )
        with _naming_X():
            table = self.transformer_.inverse_transform(values)
        table = as_table(table, stacked.n_steps, type(self).__name__)
        if self._input_kind == "2d" and table.shape[1] == 1:
            return np.asarray(table).reshape(stacked.n_samples, -1)
        return self._named(cut(X, stacked, table), X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Name the columns of a 2-D result, or the features of each step.

        Parameters
        ----------
        input_features : array-like of str of shape (`n_features_in_`,), default=None
            Names of the input features; `feature_names_in_` or x0, x1, ... by default.

        Returns
        -------
        feature_names_out : ndarray of str of shape (n_features_out,)
            Names of the transformer; those of the input if a 2-D `X` stays 2-D.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        AttributeError
            If the inner transformer has no `get_feature_names_out`.
        ValueError
            If `input_features` differs from the names or the number of features in `fit`.
        """
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        transformer = self.transformer_
        if not hasattr(transformer, "get_feature_names_out"):
            raise AttributeError(
                f"`transformer` must have `get_feature_names_out`, got {shown(transformer)}. A "
                "FunctionTransformer has it with feature_names_out='one-to-one' or a function."
            )
        if self._input_kind != "2d":
            return transformer.get_feature_names_out(names)
        of_step = transformer.get_feature_names_out(np.array(["x0"], dtype=object))
        return names if len(of_step) == 1 else of_step

    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Choose the form of the results of `transform` and `fit_transform`.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            With "pandas" or "polars", each sequence becomes a frame, whose columns have the types
            that the transformer returns. None keeps the present choice.

        Returns
        -------
        self : PerStep
            This transformer.
        """
        super().set_output(transform=transform)
        for each in (self.transformer, vars(self).get("transformer_")):
            if hasattr(each, "set_output"):
                each.set_output(transform=transform)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata that the transformer requests.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
            The requests of the transformer.
        """
        mapping = MethodMapping()
        for method in ("fit", "partial_fit", "fit_transform"):
            mapping.add(caller=method, callee=method)
        router = MetadataRouter(owner=self)
        return router.add(transformer=self.transformer, method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if _is_tagged(self.transformer):
            inner = get_tags(self.transformer)
            tags.input_tags.allow_nan = inner.input_tags.allow_nan
            tags.input_tags.string = inner.input_tags.string
            tags.input_tags.categorical = inner.input_tags.categorical
            tags.input_tags.positive_only = inner.input_tags.positive_only
            tags.target_tags.required = _requires_y(self.transformer)
            tags.transformer_tags = inner.transformer_tags
            tags.non_deterministic = inner.non_deterministic
        return tags

    def _fit_transform(self, X, y, **fit_params):
        if not hasattr(self.transformer, "fit_transform"):
            return self.fit(X, y, **fit_params).transform(X)
        stacked, table = self._learn("fit_transform", X, y, fit_params)
        return self._in_output(cut(X, stacked, table), X)

    def _transform(self, X):
        check_is_fitted(self)
        self._check_state()
        form, owner = InputForm.from_attributes(vars(self)), type(self).__name__
        stacked = stack(X, owner, form)
        form.check(X, stacked, owner)
        with _naming_X(), floating_point_of_caller():
            table = self.transformer_.transform(stacked.values)
        return cut(X, stacked, as_table(table, stacked.n_steps, owner))

    def _in_output(self, result, X):
        is_list = isinstance(result, (list, tuple))
        is_list = is_list or (isinstance(result, np.ndarray) and result.ndim == 1)
        if is_list and is_frame(result[0]):  # the transformer has made frames itself
            return result
        named = hasattr(self.transformer_, "get_feature_names_out")
        if is_nested(X) and not named and self._output_form() == "default":
            return result  # with the names that its columns have
        return super()._in_output(result, X)

    def _learn(self, method, X, y, params):
        """Call a fitting method of the transformer; return the stacked X and the result."""
        owner = type(self).__name__
        self._check_transformer(owner)
        goes_on = method == "partial_fit" and "transformer_" in vars(self)
        form = InputForm.from_attributes(vars(self)) if goes_on else None
        stacked = stack(X, owner, form)
        if goes_on:
            form.check(X, stacked, owner)
        form = form or InputForm.of(X, stacked)
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, method, **params).transformer[method]
        params = {k: _per_step(k, value, stacked) for k, value in params.items()}
        targets, unread = _targets(y, stacked)
        if targets is not None:
            params["y"] = targets
        # Fit a copy, so that an error changes nothing.
        transformer = deepcopy(self.transformer_) if goes_on else clone(self.transformer)
        with _naming_X(unread), floating_point_of_caller():
            result = getattr(transformer, method)(stacked.values, **params)
        if method == "fit_transform":
            result = as_table(result, stacked.n_steps, owner)
        self._become({**form.as_attributes(), "transformer_": transformer})
        return stacked, result

    def _check_width(self, n_columns):
        """Refuse transformed sequences with another number of features than `transform` returns."""
        if not hasattr(self.transformer_, "get_feature_names_out"):
            return
        n_features = len(self.transformer_.get_feature_names_out())
        if n_columns != n_features:
            raise ValueError(
                f"`X` must have the {n_features} features per step that `transform` returns, got "
                f"{n_columns}."
            )

    def _check_transformer(self, owner):
        transformer = self.transformer
        fits = all(hasattr(transformer, method) for method in ("fit", "transform", "get_params"))
        if isinstance(transformer, type) or not fits:
            raise TypeError(
                "`transformer` must be a transformer of scikit-learn, with `fit` and `transform`, "
                f"such as {owner}(StandardScaler()); got {shown(transformer)}."
            )


@contextmanager
def _naming_X(unread=None):
    """Let plain errors of a transformer name X. unread: the error for which y was not passed on."""
    try:
        yield
    except OverflowError as error:
        raise ValueError(f"`X` must hold smaller numbers: {error}.") from error
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):  # callers may catch a subclass
            raise
        if unread is not None and re.search(r"\by\b", str(error)):
            raise type(error)(
                f"`transformer` cannot learn from the steps of `X`: {error} It did not get `y`, "
                f"because `y` does not have one target per step: {unread}"
            ) from error
        if re.search(r"\bX\b|`|keyword argument", str(error)):
            raise
        raise type(error)(f"`transformer` cannot read the steps of `X`: {error}") from error


def _requires_y(transformer):
    """Tell whether a transformer, or one in it, needs y to learn."""
    parts = transformer.get_params(deep=True).values()
    tagged = filter(_is_tagged, (transformer, *parts))
    return any(get_tags(part).target_tags.required for part in tagged)


def _is_tagged(part):
    return hasattr(part, "__sklearn_tags__") and not isinstance(part, type)


def _per_step(name, value, stacked):
    """Return an argument of the transformer; weights become one per step."""
    if name == "sample_weight" or name.endswith("__sample_weight"):
        return step_weights(value, stacked)
    return value


def _targets(y, stacked):
    """Return one target per step (repeated if y has one per sequence), and None or an error."""
    if y is None:
        return None, None
    try:
        labels = None if is_ragged(y) else numbers_of_objects(as_labels(y, arguments.Y))
        if labels is not None and labels.shape == (stacked.n_samples,):
            return np.repeat(labels, stacked.lengths), None
        packed = raw_steps(y, stacked, arguments.Y)
        return numbers_of_objects(packed.values), None
    except (TypeError, ValueError) as error:
        return None, error
