"""The parameters of the estimators with an encoder and a decoder, as in parameters.py."""

from .._model.pair_words import ATTENTIONS, RULES, PairWords
from .._rules import Allowed, either, integer, is_real, number, one_of
from .._training.losses import LOSSES_OF_TASKS
from .._training.optimizers import LBFGS, SOLVERS
from .docstrings import ATTRIBUTES as ATTRIBUTES_OF_ALL
from .docstrings import PARTS as PARTS_OF_ALL
from .parameters import CLASSIFIER, REGRESSOR, Parameter, check_together, choices, named
from .parameters import TABLE as TABLE_OF_ALL

AUTOENCODER = "autoencoder"
LINEAR = "linear"
LOSSES = tuple(name for name in LOSSES_OF_TASKS if name != "quantile")
SHARES = Allowed(
    lambda value: (
        callable(value)
        or (isinstance(value, str) and value == LINEAR)
        or (is_real(value) and 0 <= value <= 1)
    ),
    f"a number from 0 to 1, {LINEAR!r} or a callable",
)


def _as(name, default=None, text=None, **changes):
    """Return a parameter of all estimators with another default or text."""
    parameter = TABLE_OF_ALL[name]
    if default is not None:
        changes["default"] = default
    return parameter._replace(text=parameter.text if text is None else text, **changes)


_SOLVERS = tuple(name for name in SOLVERS if name != LBFGS)
NETWORK = {
    "hidden_layer_sizes": _as(
        "hidden_layer_sizes", (100,), "Units of each recurrent layer of the encoder, from X up."
    ),
    "cell": _as(
        "cell",
        text="The recurrence of the encoder: a name or an object of `sklearn_rnn.cells`, or a list "
        "with one for each layer. See `RNNClassifier`, which has the same cells, and also "
        '"jordan", which needs an output at each step of X.',
    ),
    "bidirectional": _as(
        "bidirectional",
        True,
        "Whether each layer of the encoder reads the sequence in both directions, each with "
        "`hidden_layer_sizes` units.",
    ),
    "input_layers": _as(
        "input_layers",
        text="Layers of `sklearn_rnn.layers` that X goes through before the recurrent layers; "
        "without strides.",
    ),
    "connections": _as("connections"),
    "categorical_features": _as("categorical_features"),
    "embedding_dim": _as("embedding_dim"),
    "embedding_init": _as("embedding_init"),
    "word_dropout": _as("word_dropout"),
    "merge_mode": _as("merge_mode"),
    "layer_normalization": _as("layer_normalization"),
    "decoder_layer_sizes": Parameter(
        RULES["decoder_layer_sizes"],
        None,
        "int, tuple of int or None",
        "Units of each recurrent layer of the decoder; None means `hidden_layer_sizes`. Each "
        "begins with states computed from the last states of the encoder's top layer, "
        "``tanh(W h + b)``. `connections`, `layer_normalization` and `dropout` apply to it as to "
        "the encoder.",
    ),
    "decoder_cell": Parameter(
        RULES["decoder_cell"],
        None,
        "str, Cell, list of these or None",
        "The cell of the decoder, as `cell`; None means `cell`. Its `initial_state` has no effect.",
    ),
    "decoder_embedding_dim": Parameter(
        RULES["decoder_embedding_dim"],
        "auto",
        'int or "auto"',
        "Number of elements of the vector in which the decoder reads the label of the step before. "
        '"auto" is half the number of classes, rounded up, but at least 8 and at most 50.',
        of=(CLASSIFIER,),
    ),
    "attention": Parameter(
        RULES["attention"],
        None,
        f"{choices(ATTENTIONS)} or None",
        "How the decoder looks up states of the encoder at each of its steps. None means that it "
        'knows only the last states. With "additive" [10]_, the score of a state h is '
        "``v . tanh(W q + b + U h)``, where q is the state of the decoder's top layer at the step "
        "before; the mean of the states, weighted by the softmax of their scores, is read by the "
        'first layer of the decoder and by the output. With "general" [11]_, the score is '
        '``q . (U h)``, and with "dot" ``q . h``, where q is the present state; the output '
        "reads ``tanh(W [c; q])``, where c is the weighted mean. With "
        '"dot", q and h must have one width: after a bidirectional encoder, set '
        '`decoder_layer_sizes` to twice `hidden_layer_sizes`, or `merge_mode` to "sum".',
    ),
    "output_layer_sizes": _as("output_layer_sizes"),
    "dropout": _as("dropout"),
    "output_dropout": _as("output_dropout"),
    "input_dropout": _as("input_dropout"),
    "input_noise": _as("input_noise"),
}
DECODING = {
    "teacher_forcing": Parameter(
        SHARES,
        1.0,
        f'float, "{LINEAR}" or callable',
        "The probability with which, in training, the decoder reads at each step the true target "
        "of the step before instead of its own best answer (scheduled sampling [12]_). A number "
        f'from 0 to 1; "{LINEAR}", which falls from 1 to 0 in a straight line over `max_iter` '
        "epochs; or a callable f, where f(done) must return such a number; done is the share of "
        "the training that is over, at least 0 and below 1. While the probability changes, losses "
        "of different epochs cannot be compared, so only `early_stopping` can end training before "
        "`max_iter`. `partial_fit` does not know that "
        "share: unless this is a number, its decoder always reads true targets. A value below 1 "
        "makes training slower.",
    ),
    "label_smoothing": _as(
        "label_smoothing",
        text="Fraction s, at least 0 and below 1, of each target that is spread evenly over the "
        "classes and the stop (Szegedy et al., 2016).",
        of=(CLASSIFIER,),
    ),
    "beam_width": Parameter(
        integer(1, 16),
        1,
        "int",
        "The number of answers that a prediction follows at each step (beam search [9]_); 1 takes "
        "the most probable label at each step.",
        of=(CLASSIFIER,),
    ),
    "length_penalty": Parameter(
        number(0),
        1.0,
        "float",
        "Beam search chooses the answer with the highest log-likelihood divided by ``n ** "
        "length_penalty``, where n counts its labels and the stop. 0 favours short answers.",
        of=(CLASSIFIER,),
    ),
    "max_length": Parameter(
        either(None, integer(1)),
        None,
        "int or None",
        "Maximum number of labels in a predicted sequence, at which it is cut. None means twice "
        "the longest target of `fit`.",
        of=(CLASSIFIER,),
    ),
}
_LATER = ("gradient_accumulation_steps", "learning_rate", "learning_rate_init")
_LATER += ("power_t", "warmup", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon")
_LATER += ("ema_decay", "max_iter", "shuffle")
TRAINING = {
    "max_grad_norm": _as(
        "max_grad_norm",
        text="Maximum Euclidean norm of the gradient of a minibatch; a longer gradient is scaled "
        "down to it [7]_. With weights, see `RNNClassifier`.",
    ),
    "max_grad_value": _as("max_grad_value"),
    "solver": Parameter(
        one_of(_SOLVERS),
        "adam",
        choices(_SOLVERS),
        'Optimizer that updates the weights. "adamw" is Adam with decoupled weight decay.',
    ),
    "alpha": _as("alpha", more={}),
    "l1_ratio": _as("l1_ratio"),
    "batch_size": _as(
        "batch_size",
        text='Sequences per minibatch. "auto" is 16, or for more than 1024 sequences one 64th of '
        "them, up to 128.",
    ),
    **{name: _as(name) for name in _LATER},
    "tol": _as(
        "tol",
        text="Smallest change that counts as progress: the training loss must fall by `tol`, or "
        "with `early_stopping` the validation score must rise by `tol`.",
    ),
    "n_iter_no_change": _as("n_iter_no_change"),
    "early_stopping": _as(
        "early_stopping",
        more={
            CLASSIFIER: "As long as no held-out answer is right, progress means that their loss "
            "falls by `tol`.",
            REGRESSOR: "Mean and scale of y are computed from all sequences, held out or not.",
        },
    ),
    "validation_fraction": _as("validation_fraction", more={}),
    "scoring": _as("scoring", more={}),
    "warm_start": _as("warm_start"),
    "frozen": _as(
        "frozen",
        text="Arrays of `weights_` that training does not change: names, or shell patterns as for "
        "`fnmatch`. See `RNNClassifier`.",
    ),
    "random_state": _as("random_state"),
    "verbose": _as("verbose"),
    "loss": Parameter(
        one_of(LOSSES),
        "squared_error",
        "str",
        f"The loss to minimise, one of {named(LOSSES)}; see `RNNRegressor`.",
        of=(REGRESSOR,),
    ),
    "huber_delta": _as("huber_delta", of=(REGRESSOR,)),
    "normalize_y": _as("normalize_y", of=(REGRESSOR,)),
    "normalize_X": _as(
        "normalize_X",
        text="Whether the network reads ``(X - x_mean_) / x_scale_``. Mean and scale are computed "
        "over all steps of the training sequences, each with the weight of its sequence. Features "
        "of only 0 and 1 are not scaled; constant features have scale 1.",
    ),
    "dtype": _as("dtype"),
    "memory_budget": _as("memory_budget"),
    "n_threads": _as("n_threads"),
}
TABLE = {**NETWORK, **DECODING, **TRAINING}
BOTH = {CLASSIFIER, REGRESSOR}
for _name, _p in TABLE.items():
    if set(_p.of) >= BOTH and _name != "attention":
        TABLE[_name] = _p._replace(of=(*_p.of, AUTOENCODER))


def check_parameters(params):
    """Check a dict of the constructor's parameters; return the words among them.

    A ValueError names the first invalid one.
    """
    for name in TABLE:
        if name in params and TABLE[name].rule is not None:
            TABLE[name].rule.check(name, params[name])
    check_together(params)
    return PairWords.of(params)


def taught_share(value):
    """Return the function from the share of the training that is done to a probability.

    value: the parameter `teacher_forcing`, or 1 if nothing is sampled.
    """
    if is_real(value):
        return lambda done: float(value)

    def share(done):
        if done is None:
            return 1.0
        if isinstance(value, str):
            return 1.0 - done
        found = value(done)
        if not SHARES.test(found) or not is_real(found):
            raise ValueError(
                "`teacher_forcing` must return a number from 0 to 1, but it returned "
                f"{found!r} for {done:.4g}."
            )
        return float(found)

    return share


_OF_X = "x_mean_, x_scale_", "categories_", "n_features_in_", "feature_names_in_"
_OF_TRAINING = (
    *("best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_"),
    "history_",
)
_OF_LOSS = "Training loss of the last epoch, without the penalty"


def _for_all(name):
    """Return an attribute whose text holds for all of these estimators."""
    what, text = ATTRIBUTES_OF_ALL[name]
    return what, text[REGRESSOR]


ATTRIBUTES = {
    "classes_": (
        "ndarray of shape (n_classes,)",
        {CLASSIFIER: "The labels, or letters, in the targets of `fit`, sorted; without the stop."},
    ),
    "longest_target_": (
        "int",
        {CLASSIFIER: "Number of labels in the longest target of `fit`."},
    ),
    "horizon_": (
        "int or None",
        {REGRESSOR: "Number of steps of the targets of `fit`; None if they had several lengths."},
    ),
    "n_timesteps_": (
        "int or None",
        {AUTOENCODER: "Number of steps of X in `fit`; None if there were several lengths."},
    ),
    "y_mean_, y_scale_": (
        "ndarray of shape (n_outputs,)",
        {REGRESSOR: "Mean and scale of y; 0 and 1 without `normalize_y`."},
    ),
    "x_future_mean_, x_future_scale_": (
        "ndarray of shape (n_future_features,)",
        {REGRESSOR: "Mean and scale of `X_future` in the first fit, if it was given."},
    ),
    **{name: _for_all(name) for name in _OF_X},
    "n_iter_": ("int", "Number of complete epochs in the last `fit` or `partial_fit`."),
    "t_": ("int", "Number of sequences seen in training, over all epochs."),
    "loss_": (
        "float",
        {
            CLASSIFIER: f"{_OF_LOSS}: minus the mean log-likelihood of labels and stops, with "
            "`label_smoothing`.",
            REGRESSOR: ATTRIBUTES_OF_ALL["loss_"][1][REGRESSOR],
            AUTOENCODER: f"{_OF_LOSS}: the mean over steps and features, of normalised numbers "
            "and of codes.",
        },
    ),
    **{name: ATTRIBUTES_OF_ALL[name] for name in (*_OF_TRAINING, "params_", "weights_")},
    "n_layers_": ("int", "Number of recurrent layers of the encoder."),
    "n_outputs_": (
        "int",
        {
            CLASSIFIER: "Number of outputs of the decoder: one for each class, and the stop.",
            REGRESSOR: "Number of outputs of the decoder.",
            AUTOENCODER: "Number of outputs of the decoder: one for each feature of numbers, and "
            "one for each vector of the `categorical_features`.",
        },
    ),
    "out_activation_": (
        "str",
        {
            CLASSIFIER: 'Function from these outputs to probabilities: "softmax".',
            REGRESSOR: ATTRIBUTES_OF_ALL["out_activation_"][1][REGRESSOR],
            AUTOENCODER: 'Function from these outputs to steps: "identity", or with '
            '`categorical_features` "by task".',
        },
    ),
}
PARTS = {
    **PARTS_OF_ALL,
    "references": PARTS_OF_ALL["references"]
    + """
.. [9] I. Sutskever, O. Vinyals, Q. V. Le, "Sequence to sequence learning with neural networks",
   NeurIPS 2014.
.. [10] D. Bahdanau, K. Cho, Y. Bengio, "Neural machine translation by jointly learning to align
   and translate", ICLR 2015.
.. [11] M.-T. Luong, H. Pham, C. D. Manning, "Effective approaches to attention-based neural
   machine translation", EMNLP 2015.
.. [12] S. Bengio et al., "Scheduled sampling for sequence prediction with recurrent neural
   networks", NeurIPS 2015.
""",
    "validation": """
X_val, y_val, sample_weight_val : as those without "_val", default=None
    Validation data for `early_stopping`, instead of a part of X.
""",
    "callbacks": """
callbacks : callable, ProgressBar, LivePlot, or list of these, default=None
    Called after each epoch as ``callback(estimator, info)``; see `RNNClassifier.fit`.
""",
    "warnings_of_fit": """
ConvergenceWarning
    If `max_iter` ended the training, except with a `learning_rate` that plans all epochs; or if
    training ended before the network did better than the best constant prediction.
UserWarning
    If `batch_size`, or its product with `gradient_accumulation_steps`, is larger than the
    number of training sequences.
""",
    "sample_weight": """
sample_weight : array-like of shape (n_samples,), default=None
    One weight per sequence. Only their ratios count. Sequences of weight 0 are ignored, and
    their y may be anything.
""",
    "errors_of_predict": """
ValueError
    If X has another form or another number of features than in `fit`, or if another argument is
    not as described.
""",
}
