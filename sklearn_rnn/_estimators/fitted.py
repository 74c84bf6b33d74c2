"""The fitted estimator: its predictions, states and weights, and how it is saved."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from os import PathLike
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._available_if import available_if
from .._data.arguments import Argument, naming
from .._data.carriers import as_numbers
from .._data.unpacking import as_carried
from .._data.weights import read_weights, relative
from .._floating_point import floating_point_ignored
from .._model import weight_files
from .._model.attributes import (
    FITTED,
    SCALES,
    check_whole,
    history,
    holds_of,
    network_in,
    upgrade,
    without_average,
)
from .._model.description import check_alike, describe, described
from .._model.fitted import FittedModel
from .._model.network_description import FORMAT, LATER, upgraded_cell
from .._model.summary import NetworkSummary, summarized
from .._model.words import CODES, words_of
from .._pickles import Pickled
from .._rules import INTEGER_BITS, boolean, integer
from .._training.history import as_arrays
from .._training.progress import Progress, Settings, new_seed
from .._training.threads import effective_n_threads
from .._typing import Array, ArrayLike, Floats, Integer, SequencesLike
from ..layers import Attention
from .drawn import Drawn
from .misread import check_reader
from .parameters import LATER_IN_TRAINING, check, check_parameters, parameters_of

# Parameters that may be an object with options, and an example of one.
OBJECTS = {
    "bptt": "TruncatedBPTT(100)",
    "cell": "GRU()",
    "decoder_cell": "GRU()",
    "pooling": "Attention(32)",
}


def _pools_by_attention(rnn):
    """Tell whether an estimator has attention, as it was fitted or as it would be."""
    if hasattr(rnn, "params_"):
        return rnn._fitted_model().network.words.pooling.kind == "attention"
    return isinstance(rnn.pooling, Attention)


class _FittedRNN(Pickled, Drawn):
    """An estimator with a fitted model, which predicts.

    The model is kept as fitted attributes, which are arrays and plain values. Only `_set_fitted`,
    `_become` and `set_weights` write them.
    """

    _STATE_FORMAT = FORMAT
    _Model = FittedModel
    _HOLDS = "classes"  # what the targets are, see `attributes.OF_KINDS`
    _KIND: str  # one of those of the table of parameters
    # Parameters of other kinds of estimators that this kind has as attributes of its class.
    _FIXED = ()
    _ADVICE = "Fit it again; for long-term storage, keep the arrays of `weights_`"

    # Set by `fit`. `Any` stands for None, which users need not test for.
    best_loss_: float | Any
    best_validation_score_: float | Any
    categories_: list[Array]
    feature_names_in_: Array
    loss_: float
    loss_curve_: list[float]
    n_features_in_: int
    n_iter_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    params_: Array
    t_: int
    validation_scores_: list[float] | Any
    window_lengths_: list[int] | Any
    x_mean_: Array
    x_scale_: Array

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator, or options of an object that is a parameter.

        Parameters
        ----------
        **params : dict
            Values by name, such as ``dropout=0.1``. A name such as ``cell__peepholes`` sets an
            option of `cell`, which must be an object of `sklearn_rnn.cells`; `bptt` and `pooling`
            may be objects with options, too.

        Returns
        -------
        self : estimator
            This estimator.

        Raises
        ------
        ValueError
            If there is no such parameter or option.
        """
        for word, example in OBJECTS.items():
            if not hasattr(self, word):
                continue
            value = params.get(word, getattr(self, word))
            options = [name for name in params if name.startswith(f"{word}__")]
            if options and not hasattr(value, "set_params"):
                raise ValueError(
                    f"`{options[0]}` is an option of an object such as {word}={example}, but "
                    f"`{word}` is {value!r}: set `{word}` to an object first."
                )
        return super().set_params(**params)

    def _params(self):
        """Return the parameters by name, with those that are fixed for this kind of estimator."""
        return {**{name: getattr(self, name) for name in self._FIXED}, **vars(self)}

    @staticmethod
    def _check_parameters(params):
        """Check a dict of parameters; return the words among them."""
        return check_parameters(params)

    # ---- fitted attributes ----

    def _fitted_attributes(self):
        """Return the fitted attributes."""
        return {k: v for k, v in vars(self).items() if k in FITTED}

    def _set_fitted(self, attributes):
        """Replace the fitted attributes, the new ones all at once."""
        old = self._fitted_attributes()
        vars(self).update(attributes)
        for name in old.keys() - attributes.keys():
            delattr(self, name)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "params_")

    def _fitted_model(self):
        """Return the model that was fitted, even if the parameters have changed since.

        This checks every fitted attribute that a prediction uses. The model stays the same if
        another thread fits this estimator.
        """
        attributes = vars(self).copy()
        if "params_" not in attributes:
            check_is_fitted(self)
        return self._Model.from_attributes(attributes)

    def _threads(self):
        """Return how many threads a prediction may use; the parameter may have changed since."""
        check("n_threads", self.n_threads)
        return effective_n_threads(self.n_threads)

    # ---- use ----

    def _read_X(self, model, X):
        """Return X, as a method of the fitted estimator got it, as sequences."""
        return model.read(X, type(self).__name__)

    def _predict(self, X, results, initial_state=None, return_state=False):
        """Return results(model, outputs) in the carrier of X, and perhaps the states at the end.

        outputs(raw=False, result="linked") computes the outputs by rows; see
        `FittedModel.outputs`.
        """
        boolean.check("return_state", return_state)
        model = self._fitted_model()
        sequences = self._read_X(model, X)
        n_threads, per_step = self._threads(), model.network.per_step
        if initial_state is None and not return_state:
            outputs = partial(model.outputs, sequences, n_threads)
            carried = _carried(results(model, outputs), sequences, per_step)
            if per_step:
                check_reader(carried)
            return carried
        state = {}

        def outputs(raw=False, result="linked"):
            given = initial_state, raw, result
            rows, final_state = model.outputs_and_states(sequences, n_threads, *given)
            state.update(final_state)
            return rows

        carried = _carried(results(model, outputs), sequences, per_step)
        return (carried, state) if return_state else carried

    def _score(self, X, y, sample_weight):
        """Return the score over sequences, or over steps."""
        target, *compared = self._compared(X, y, sample_weight)
        return target.score(*compared)

    def _compared(self, X, y, sample_weight):
        """Return the target; encoded targets, outputs and weights of all rows."""
        model = self._fitted_model()
        sequences = self._read_X(model, X)
        outputs = model.outputs(sequences, self._threads(), result=model.network.result)
        per_step = model.network.per_step
        weights = read_weights(sample_weight, sequences, per_step)
        taught = None if weights is None else weights > 0
        rows = model.target.read(y, sequences, per_step, taught=taught)
        weights = None if weights is None else relative(weights)
        return model.target, model.target.encode(rows), outputs, weights

    @floating_point_ignored
    def hidden_states(
        self, X: SequencesLike, *, layer: Integer = -1, return_sequences: bool = False
    ) -> Array:
        """Return the states of a recurrent layer.

        These are the states after a projection or transition layers, but before `merge_mode`
        combines the two directions, before `layer_normalization`, and before
        ``connections="residual"`` adds what the layer reads.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.
        layer : int, default=-1
            Which layer; negative numbers count from the last.
        return_sequences : bool, default=False
            Whether to return the states at all steps, or only the last ones of each sequence. Must
            be False if an input layer has a stride.

        Returns
        -------
        states : ndarray or object array of ndarray
            Last states ``(n_samples, n_units)``; the last state of a reverse direction is that at
            the sequence's first step. At all steps ``(n_samples, n_timesteps, n_units)``, or for
            a list of sequences an object array of ``(n_timesteps_i, n_units)``. n_units is the size
            of the layer, or with a projection or transition layers the size of the last of them; a
            bidirectional layer has twice as many, those of its forward direction first. They have
            the dtype of the network.

        Raises
        ------
        ValueError
            If there is no such layer, if X does not match the fit, or with `return_sequences` if an
            input layer has a stride.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_rnn import RNNRegressor
        >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
        >>> rnn = RNNRegressor(8, max_iter=300, random_state=0).fit(X, X.sum(axis=(1, 2)))
        >>> rnn.hidden_states(X[:3]).shape
        (3, 8)
        >>> rnn.hidden_states(X[:3], return_sequences=True).shape
        (3, 5, 8)
        """
        model = self._fitted_model()
        n_layers = model.network.n_layers
        if not integer(-n_layers).test(layer) or layer >= n_layers:
            raise ValueError(
                f"`layer` must be an integer from {-n_layers} to {n_layers - 1}, got {layer!r}."
            )
        if not boolean.test(return_sequences):
            raise ValueError(
                f"`return_sequences` must be {boolean.text}, got {return_sequences!r}."
            )
        if return_sequences and model.network.stride > 1:
            raise ValueError(
                "`return_sequences` must be False with an input layer of "
                f"stride={model.network.stride}: not every step of X has states."
            )
        sequences = self._read_X(model, X)
        states = model.hidden_states(
            sequences, int(layer) % n_layers, bool(return_sequences), self._threads()
        )
        return as_carried(states, sequences, return_sequences)

    @available_if(_pools_by_attention)
    @floating_point_ignored
    def attention_weights(self, X: SequencesLike) -> Array:
        """Return the weight of each step in attention pooling.

        Available with ``pooling=Attention(units)``.

        Parameters
        ----------
        X : sequences
            In any form that `fit` takes.

        Returns
        -------
        weights : ndarray or object array of ndarray
            ``(n_samples, n_timesteps)``, or for a list of sequences an object array of
            ``(n_timesteps_i,)``; those of each sequence sum to 1.

        Raises
        ------
        ValueError
            If X does not match the fit, or if an input layer has a stride.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_rnn import RNNRegressor
        >>> from sklearn_rnn.layers import Attention
        >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
        >>> rnn = RNNRegressor(8, pooling=Attention(4), max_iter=100, random_state=0)
        >>> weights = rnn.fit(X, X.sum(axis=(1, 2))).attention_weights(X)
        >>> weights.shape
        (30, 5)
        >>> bool(np.allclose(weights.sum(axis=1), 1))
        True
        """
        model = self._fitted_model()
        if model.network.stride > 1:
            raise ValueError(
                "`attention_weights` needs input layers without a stride, got "
                f"stride={model.network.stride}: not every step of X has a weight."
            )
        sequences = self._read_X(model, X)
        weights = model.attention_weights(sequences, self._threads())
        return as_carried(weights, sequences, True)

    def summary(self, n_timesteps: Integer | None = None) -> NetworkSummary:
        """Return a table of the layers of the fitted network.

        Parameters
        ----------
        n_timesteps : int or None, default=None
            Number of steps of a sequence, for the multiplications and the time of a whole one.

        Returns
        -------
        summary : sklearn_rnn.inspection.NetworkSummary
            With a row for each part of the network: the shape of its output, its parameters, their
            kB, and the number of multiplications by weights per step or per sequence. ``print``
            shows it, and so do notebooks; its `rows` are a list. With `n_timesteps`, the time of a
            prediction for one sequence is measured on this machine (the median of a few), without
            the time for reading X.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `n_timesteps` is not such a number.

        See Also
        --------
        sklearn_rnn.inspection.memory_footprint : The memory of a fit and a prediction.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_rnn import RNNRegressor
        >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
        >>> rnn = RNNRegressor(8, cell="lstm", max_iter=300, random_state=0)
        >>> print(rnn.fit(X, X.sum(axis=(1, 2))).summary())
        RNNRegressor: 393 parameters, 1.6 kB (float32)
        <BLANKLINE>
        Part    Kind   Output            Parameters   kB  Multiplications
        -----------------------------------------------------------------
        X       input  (n_timesteps, 2)
        l0      lstm   (n_timesteps, 8)         384  1.5     320 per step
        last_0  last   (8,)
        head    head   (1,)                       9  0.0   8 per sequence
        <BLANKLINE>
        Multiplications by weights: 320 per step, 8 per sequence.
        """
        if n_timesteps is not None:
            integer(1, INTEGER_BITS).check("n_timesteps", n_timesteps)
            n_timesteps = int(n_timesteps)
        model = self._fitted_model()
        facts = type(self).__name__, n_timesteps, self._threads()
        return summarized(model.network, model.params, *facts)

    # ---- training ----

    @property
    def history_(self) -> dict[str, Floats]:
        """The record of each epoch, as a dict of float64 arrays (n_epochs,)."""
        if not hasattr(self, "params_"):
            raise AttributeError(
                f"This {type(self).__name__} has no `history_` before it is fitted: call `fit`."
            )
        return as_arrays(self.loss_curve_, self._history)

    # ---- weights ----

    @property
    def weights_(self) -> dict[str, Array]:
        """Weights under PyTorch's names, as fresh read-only arrays.

        Each recurrent layer has ``weight_ih_l0`` (n_gates * n_units, n_inputs), ``weight_hh_l0``
        (n_gates * n_units, n_units), ``bias_ih_l0`` and ``bias_hh_l0`` (n_gates * n_units,).
        ``l0`` is the number of the layer; names of the reverse direction end in ``_reverse``. The
        gates are in this order, which is that of PyTorch where it has the cell: i f g o for "lstm",
        f g o for "lstm" with `coupled_gates`, r z n for "gru", f n for "mgu", z n for "mingru" and
        i f g for "minlstm". The output has ``head.weight`` (n_outputs, n_inputs) and ``head.bias``.
        With ``transitions=True``, it also has ``head.transitions`` (n_outputs, n_outputs),
        ``head.start`` and ``head.end`` (n_outputs,), whose values are without effect where
        `allowed_transitions` does not allow them.

        Some cells have other arrays: "jordan" has ``weight_oh_l0`` (n_units, n_outputs) instead of
        ``weight_hh_l0`` and ``bias_hh_l0``; "indrnn" has ``weight_hh_l0`` (n_units,) and no
        ``bias_hh_l0``; "mingru" and "minlstm" have only ``weight_ih_l0`` and ``bias_ih_l0``.

        Options add arrays:

        - `peepholes`: ``weight_c_l0`` (3, n_units), or (2, n_units) with `coupled_gates`;
        - `normalization` of a cell: ``norm_weight_ih_l0`` (n_gates * n_units,), with "layer" also
          ``norm_bias_ih_l0``, and ``norm_weight_hh_l0``; for "lstm" also ``norm_weight_c_l0``
          (n_units,) and with "layer" ``norm_bias_c_l0``. ``bias_hh_l0`` is then added after the
          norm of the product with ``weight_hh_l0``;
        - ``initial_state="learned"``: ``initial_h_l0`` (n_units,), and ``initial_c_l0`` for "lstm";
        - `projection_size`: ``projection_0.weight`` (projection_size, n_units) for layer 0;
        - `transition_layer_sizes`: ``transition_0_0.weight`` (size, n_inputs) and
          ``transition_0_0.bias`` for layer 0 and its first transition layer, and so on; the last
          transition layer also has ``weight_skip`` with `transition_shortcut`;
        - `categorical_features`: ``embedding_0.weight`` (n_codes + 1, embedding_dim) for the first
          of them, whose last row is that of unknown codes, and so on;
        - `input_layers`: ``input_0.weight`` and ``input_0.bias`` for the first of them, and so on;
        - `layer_normalization`: ``norm_0.weight`` for the norm behind layer 0, and so on, and with
          "layer" also ``norm_0.bias``;
        - ``pooling=Attention(units)``: ``attention.weight`` (units, n_inputs), ``attention.bias``
          and ``attention.score`` (units,);
        - `output_layer_sizes`: ``output_0.weight`` and ``output_0.bias`` for the first of them, and
          so on;
        - a decoder: those of its layers, norms, output layers and embeddings under names with
          ``decoder_``, such as ``weight_ih_decoder_l0``; ``initial_0.weight`` and
          ``initial_0.bias`` for the initial states of its first layer, and so on; with `attention`
          ``attention_keys.weight`` (not with "dot"), and either ``decoder_attention.weight``,
          ``decoder_attention.bias`` and ``decoder_attention.score`` ("additive") or
          ``decoder_attended.weight``.

        The arrays of a plain network of "elman", "lstm" or "gru", except those of the head and
        converted to tensors, can be loaded by ``load_state_dict`` of ``torch.nn.RNN``, ``LSTM`` or
        ``GRU``, which then needs normalised X: ``(X - x_mean_) / x_scale_``. A network is plain if
        `connections`, `merge_mode` and `reset_after` have their defaults and no option above is
        used.
        """
        model = self._fitted_model()
        params = model.params.copy()
        params.flags.writeable = False
        return model.network.views(params)

    @floating_point_ignored
    def set_weights(self, weights: Mapping[str, ArrayLike]) -> Self:
        """Replace all weights.

        Parameters
        ----------
        weights : dict of str to array-like
            What `weights_` returns: the same names and shapes, finite numbers.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If a name is missing or unknown, a shape differs, or a value is not a real number that
            is finite in the dtype of the network. The weights then stay as they were.
        TypeError
            If `weights` is not a dict.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_rnn import RNNRegressor
        >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
        >>> rnn = RNNRegressor(8, max_iter=300, random_state=0).fit(X, X.sum(axis=(1, 2)))
        >>> weights = dict(rnn.weights_)
        >>> weights["head.bias"] = weights["head.bias"] + 1.0
        >>> rnn.set_weights(weights).weights_["head.bias"].shape
        (1,)
        """
        network = self._fitted_model().network
        params = np.empty(network.n_params, network.dtype)
        views = network.views(params)
        if not isinstance(weights, Mapping):
            raise TypeError(
                f"`weights` must be a dict like `weights_`, got {type(weights).__name__}."
            )
        if set(weights) != set(views):
            raise ValueError(
                "`weights` must have the names of `weights_`: "
                f"missing {sorted(set(views) - set(weights))}, "
                f"unknown {sorted(set(weights) - set(views), key=str)}."
            )
        for name, view in views.items():
            value = as_numbers(weights[name], Argument(f"weights[{name!r}]", whole="weights"))
            if value.shape != view.shape:
                raise ValueError(
                    f"`weights[{name!r}]` must have shape {view.shape}, got {value.shape}."
                )
            with np.errstate(over="ignore"):
                view[...] = value
            if not np.isfinite(view).all():
                raise ValueError(f"`weights[{name!r}]` must be finite in {network.dtype}.")
        vars(self).update(params_=params, **without_average(vars(self)))
        return self

    @floating_point_ignored
    def save_weights(self, file: str | PathLike[str]) -> None:
        """Write the fitted network to a file that holds no code.

        The file holds the weights, under the names of `weights_`, and what else predictions need:
        the architecture, the form of X, its mean and scale, and `classes_`, or mean and scale of y.
        It also holds what `partial_fit` needs to update means and scales. It does not hold the
        history of training or the other parameters of the estimator: use `pickle` to keep them.

        Parameters
        ----------
        file : str or path-like
            A name that ends in ``.safetensors`` or ``.npz``, which chooses the format. An existing
            file of that name is replaced once the new one is complete.

        Raises
        ------
        ValueError
            If the name has another ending or belongs to something other than a file, the fitted
            attributes are damaged, or `classes_` are neither numbers nor strings.
        """
        check_is_fitted(self)
        attributes = vars(self).copy()
        network = check_whole(attributes)
        weight_files.write(file, describe(attributes), network, attributes["params_"])

    @floating_point_ignored
    def load_weights(self, file: str | PathLike[str]) -> Self:
        """Load the network from a file that `save_weights` wrote.

        An unfitted estimator takes everything from the file, including the parameters that define
        the network (`cell`, `hidden_layer_sizes`, `mode`, `dtype`, ...). It can then predict, but
        has no history: `t_` and `n_iter_` are 0, `loss_` is NaN; `partial_fit` continues as after
        `fit`. A fitted estimator must have the
        same network, classes and form of X as the file; it takes the weights and the means and
        scales of X and y, and keeps the rest, as with `set_weights`. Both can be trained further.

        Everything in the file is checked before it is used: unlike a pickle, the file may come from
        anyone.

        Parameters
        ----------
        file : str or path-like
            A name that ends in ``.safetensors`` or ``.npz``.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If the file was not written by `save_weights`, is incomplete, or holds another network
            than the fitted one. The estimator then stays as it was.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> from sklearn_rnn import RNNRegressor
        >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
        >>> rnn = RNNRegressor(8, max_iter=300, random_state=0).fit(X, X.sum(axis=(1, 2)))
        >>> file = os.path.join(tempfile.mkdtemp(), "sums.safetensors")
        >>> rnn.save_weights(file)
        >>> other = RNNRegressor().load_weights(file)
        >>> other
        RNNRegressor(hidden_layer_sizes=(8,))
        >>> bool((other.predict(X) == rnn.predict(X)).all())
        True
        """

        description, params = weight_files.read(
            file, lambda description: network_in(described(description))
        )
        attributes = {**described(description), "params_": params}
        network = check_whole(attributes)
        if hasattr(self, "params_"):
            check_alike(vars(self), attributes)
            new = {k: attributes[k] for k in ("params_", *SCALES) if k in attributes}
            new.update(without_average(vars(self)))
            self._set_fitted({**self._fitted_attributes(), **new})
        else:
            self._become(network, attributes)
        return self

    def _become(self, network, attributes):
        """Take over a model that has no history of training."""
        holds = holds_of(attributes, network)
        if holds != self._HOLDS:
            raise ValueError(
                f"`file` must hold a network for {type(self).__name__}, got one that predicts "
                f"{holds}, with loss={network.loss!r}."
            )
        params = {**words_of(network), "normalize_X": attributes["_x_moments"] is not None}
        params.update(self._params_of(network, attributes))
        params = {name: value for name, value in params.items() if name in vars(self)}
        self._check_parameters({**self._params(), **params})
        with naming("random_state"):
            rng = check_random_state(self.random_state)
        settings = Settings.of(self._params())
        progress = Progress.begin(attributes["params_"], new_seed(rng), settings, was_fit=True)
        # All at once.
        vars(self).update({**params, **attributes, **history(network, progress)})

    def _params_of(self, network, attributes):
        """Return the parameters, besides the words of the network, that a weight file describes."""
        names = {"tasks": "tasks_", "task_weights": "task_weights_"}
        params = {name: attributes.get(attribute) for name, attribute in names.items()}
        if network.allowed is not None:
            params["allowed_transitions"] = np.array(network.allowed)
        return params

    # ---- scikit-learn and pickle ----

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        tags.non_deterministic = False
        return tags

    def __sklearn_clone__(self):
        copied = super().__sklearn_clone__()
        if "weights_init" in vars(self):
            copied.weights_init = self.weights_init  # not a clone, which would not be fitted
        return copied

    def __getstate__(self):
        state = super().__getstate__()
        if "loss_curve_" in state:  # `partial_fit` appends to it, which must not change a copy
            state["loss_curve_"] = copy.copy(state["loss_curve_"])
            if isinstance(facts := state.get("_history"), dict):
                state["_history"] = {name: copy.copy(column) for name, column in facts.items()}
        return state

    def _upgraded(self, state, state_format):
        state = upgrade(state, state_format)
        if self._HOLDS == "numbers":
            state.setdefault("quantile", 0.5)
        elif self._HOLDS == "classes":
            state.setdefault("label_smoothing", 0.0)
            state.setdefault("transitions", False)
            state.setdefault("allowed_transitions", None)
        if state_format < 3:
            state["cell"] = upgraded_cell(state["cell"], state.pop("activation"))
            state.update(LATER, l1_ratio=0.0)
        of_kind = parameters_of(self._KIND)
        for name in (*CODES, *LATER_IN_TRAINING):
            if name in of_kind:
                state.setdefault(name, of_kind[name].default)
        if state_format < 2:  # from before these parameters existed
            state.update(normalize_X=False, scoring=None)
        if "params_" in state:
            state.setdefault("window_lengths_", None)
            state.setdefault("_history", {})
            check_whole(state)
        return state


def _carried(results, sequences, per_step):
    """Return results, or each of a list or dict of results, in the carrier of X."""
    if isinstance(results, dict):
        return {name: as_carried(rows, sequences, per_step) for name, rows in results.items()}
    if isinstance(results, list):
        return [as_carried(rows, sequences, per_step) for rows in results]
    return as_carried(results, sequences, per_step)
