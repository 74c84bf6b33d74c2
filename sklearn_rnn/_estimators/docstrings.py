"""The docstrings of the estimators, filled from the table of parameters and from shared parts.

A line ``{name}`` in a docstring stands for a part. Sentences that hold for one kind of estimator
only are not shared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .._docstrings import with_parts
from .._typing import Decorated
from .groups import under_headings
from .parameters import CLASSIFIER, LANGUAGE_MODEL, MULTITASK, OF_X, REGRESSOR, parameters_of

WIDTH = 100

ATTRIBUTES = {
    "tasks_": (
        "dict of str to str",
        {MULTITASK: "The kind of each task, in the order of the outputs; see `tasks`."},
    ),
    "task_weights_": ("dict of str to float", {MULTITASK: "The weight of each task in `score`."}),
    "classes_": (
        {
            CLASSIFIER: "ndarray of shape (n_classes,) or list of those",
            MULTITASK: "dict of str to ndarray of shape (n_classes,)",
            LANGUAGE_MODEL: "ndarray of shape (n_classes,)",
        },
        {
            MULTITASK: "The class labels of each task of classes, sorted. A label that occurs only "
            "with weight 0 is not included.",
            CLASSIFIER: "The class labels, sorted. A label that occurs only with weight 0 is not "
            "included. If y has several columns of classes, a list with the labels of each "
            "column; for multilabel y, the numbers of the columns.",
            LANGUAGE_MODEL: "The labels of texts, sorted, if y of the first fit had labels; "
            "otherwise there is no such attribute.",
        },
    ),
    "transitions_": (
        "ndarray of shape (n_classes, n_classes)",
        {
            CLASSIFIER: "With ``transitions=True``, the score of each pair of labels at two "
            "successive steps: from the label of the row to that of the column, in the order of "
            "`classes_`; -inf where `allowed_transitions` does not allow it."
        },
    ),
    "start_transitions_, end_transitions_": (
        "ndarray of shape (n_classes,)",
        {
            CLASSIFIER: "With ``transitions=True``, the score of each label at the first and at "
            "the last step of a sequence; -inf where it is not allowed."
        },
    ),
    "encoder_": (
        "TokenEncoder",
        {LANGUAGE_MODEL: "The fitted encoder of texts, with `vocabulary_`."},
    ),
    "y_mean_, y_scale_": (
        "ndarray of shape (n_targets,)",
        {
            REGRESSOR: "Weighted mean and standard deviation of the targets of positive weight; 0 "
            "and 1 without `normalize_y`, and scale 1 for a constant target. `partial_fit` and "
            "`warm_start` update them.",
            MULTITASK: "Weighted mean and standard deviation of the targets of each task of "
            'numbers, in the order of `tasks_`; 0 and 1 for the losses "poisson" and "gamma".',
        },
    ),
    "x_mean_, x_scale_": (
        "ndarray of shape (n_features,)",
        dict.fromkeys(
            OF_X,
            "Mean that the network subtracts from each feature, and scale that it divides by; for "
            "2-D X one of each. 0 and 1 with ``normalize_X=False``. `partial_fit` and `warm_start` "
            "update them.",
        ),
    ),
    "categories_": (
        "list of ndarray",
        dict.fromkeys(
            OF_X,
            "For each of the `categorical_features`, its codes or strings in the first fit, "
            "sorted; those of sequences of weight 0 are left out. Without such features there is "
            "no such attribute.",
        ),
    ),
    "n_features_in_": (
        "int",
        dict.fromkeys(
            OF_X,
            "Number of features per step; for 2-D X the number of its columns, which are steps.",
        ),
    ),
    "feature_names_in_": (
        "ndarray of shape (`n_features_in_`,)",
        dict.fromkeys(
            OF_X,
            "Column names, if X was a data frame with named columns (also a nested table), or a "
            "list of such frames.",
        ),
    ),
    "n_layers_": ("int", "Number of recurrent layers."),
    "n_outputs_": (
        "int",
        {
            CLASSIFIER: "Number of outputs of the network; 1 for two classes, but 2 with "
            "``transitions=True``. If y has several "
            "columns of classes, the total number of classes.",
            REGRESSOR: "Number of outputs of the network: one per target, or per target and "
            "quantile.",
            MULTITASK: "Number of outputs of the network: one for each task of numbers or of two "
            "classes, and one per class for other tasks.",
            LANGUAGE_MODEL: "Number of outputs of the network: the codes of `encoder_`.",
        },
    ),
    "out_activation_": (
        "str",
        {
            CLASSIFIER: 'Function from these outputs to predictions: "logistic" for two classes '
            'and for multilabel y, else "softmax".',
            REGRESSOR: 'Function from these outputs to predictions: "identity", or "exp" for '
            '``loss="poisson"`` and "gamma".',
            MULTITASK: '"by task": each task has its own function from these outputs to '
            "predictions.",
            LANGUAGE_MODEL: 'Function from these outputs to predictions: "softmax".',
        },
    ),
    "n_iter_": (
        "int",
        'Number of complete epochs in the last `fit` or `partial_fit`; with the solver "lbfgs", of '
        "iterations.",
    ),
    "t_": (
        "int",
        'Number of sequences seen in training, over all epochs; with the solver "lbfgs", over all '
        "evaluations of the loss.",
    ),
    "loss_": (
        "float",
        {
            CLASSIFIER: "Training loss of the last epoch, without the penalty. With "
            "``transitions=True``, minus the log-likelihood of the sequences of labels, divided by "
            "the number of labels (or their weight).",
            REGRESSOR: "Training loss of the last epoch, without the penalty, in units of y "
            '(squared for "squared_error" and "huber"). For several outputs it is the normalised '
            "loss times the mean of their units, which is exact if they are learned equally well.",
            MULTITASK: "Training loss of the last epoch, without the penalty: the sum over tasks "
            "of the mean loss times the weight of the task (`task_weights`). Numbers are "
            "normalised.",
            LANGUAGE_MODEL: "Training loss of the last epoch, without the penalty: minus the mean "
            "log-likelihood per token.",
        },
    ),
    "best_loss_": (
        "float or None",
        "Lowest training loss of an epoch; None with `early_stopping`.",
    ),
    "loss_curve_": (
        "list of float",
        "Training loss of each epoch; `warm_start` and `partial_fit` append to it.",
    ),
    "validation_scores_": (
        "list of float or None",
        "Score on the held-out sequences after each epoch, see `scoring`; `warm_start` appends to "
        "it. None without `early_stopping`.",
    ),
    "history_": (
        "dict of str to ndarray of shape (n_epochs,)",
        "A record of each epoch, for example for ``pandas.DataFrame(rnn.history_)``: "
        '"loss" is `loss_curve_`; "validation_loss" is the loss of the data that `early_stopping` '
        "holds out, in the same units, weighted as in training but without `label_smoothing`; "
        '"validation_score" is their score, see `scoring`; "learning_rate" is the rate of the last '
        'update; "window_length" is the number of steps of a window with `bptt`. All are float64. '
        "They are NaN where there is no such number, or where a held-out target has no loss (a "
        "class that is not in y). `warm_start` and `partial_fit` append to them.",
    ),
    "best_validation_score_": (
        "float or None",
        "Highest validation score of the last fit, which is the score of the weights that it kept.",
    ),
    "window_lengths_": (
        "list of int or None",
        "Number of steps in the windows of each epoch of the last fit. It grows with "
        '``TruncatedBPTT(schedule="grow")``; with "random" it is the mean that was asked for. None '
        "without `bptt`.",
    ),
    "params_": ("ndarray of shape (n_params,)", "All weights, in the order of `weights_`."),
    "weights_": (
        "dict of str to ndarray",
        "The same weights under PyTorch's names and in its shapes, as read-only copies. They apply "
        "to normalised X, as the network reads it.",
    ),
}

PARTS = {
    "notes": """
X is a 3-D array ``(n_samples, n_timesteps, n_features)``; or a list, tuple or object array of
``(n_timesteps_i, n_features)``, of any lengths; or a 2-D array or data frame
``(n_samples, n_timesteps)`` with one feature per step; or a list of 1-D arrays, which is the
ragged form of the latter. Data frames, alone or in a list, are those of pandas, polars and
pyarrow; their columns must hold numbers, or in lists of data frames also strings if they are
among the `categorical_features`. NA counts as NaN. X may also be a nested table: a frame or a
2-D object array with one row per sequence, one column per feature, and an array or list of
steps in each cell (see `sklearn_rnn.preprocessing.to_nested`).

Use `sklearn_rnn.unpad` on padded data, and `sklearn_rnn.preprocessing.from_frame` on tables
with one row per step. Nothing is padded internally: a sequence costs only its own steps.

With minibatches of B sequences, each minimises ``sum(w * loss) / (B * m)``, where m is the mean
total weight of a training sequence; a smaller last minibatch is divided by the same B. So a
weight counts the same in every minibatch, and with ``mode="many_to_many"`` a step counts the
same in short and in long sequences. Steps of weight 0 are ignored. `loss_` is the weighted
mean. With `bptt` and a target per step, B and m count windows instead of sequences.

Unless the options of a cell choose other initial values, input and output weights are Glorot
uniform, recurrent weights are orthogonal, and biases are 0, except those of the forget gates of
"lstm" and "minlstm", which are 1. Vectors of embeddings are uniform between -0.05 and 0.05.

The defaults were chosen by cross-validation on training data of eight tasks of 40 to 1347
sequences (benchmarks/results/defaults.md). Another value replaces a default only if its errors
are smaller by more than two standard errors, over seeds and over tasks. Over 20 seeds, "gru"
had 0.7 times the error of "lstm" and took 0.85 times as long. An initial forget bias of 1 was
better than 0 for tasks that need a long memory, and no worse over all tasks. With
`n_iter_no_change` at 5, fits took three quarters of the time and had 1.2 times the error; 20
was not reliably better than 10. Minibatches of 32 had 1.4 times the error of those of 16, and 8
was not reliably better. No other rate, size of minibatches, schedule, warm-up, average,
clipping, dropout, normalization or initial values was better over all tasks, though several
were for one or two; "constant" also means the same whatever `max_iter` is. In classification
with so few sequences, `early_stopping` had 1.5 to 6 times the error. `max_iter` is an upper
bound: `tol` usually ends a fit earlier. Larger minibatches for more than 1024 sequences are for
speed.
""",
    "references": """
.. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
.. [2] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997.
.. [3] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with
   LSTM", Neural Computation 12, 2000.
.. [4] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
   machine translation", EMNLP 2014.
.. [5] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR
   2016.
.. [6] A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, 2013.
.. [7] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
   networks", ICML 2013.
.. [8] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR
   2017.
""",
    # ---- fit and partial_fit
    "ctrl_c": """
On Ctrl-C, training stops with a warning and the estimator keeps what it has learned so far;
if it has learned nothing yet, `KeyboardInterrupt` is raised. (After the warning, a grid
search continues with its next candidate.)
""",
    "X_of_fit": """
X : sequences
    3-D array ``(n_samples, n_timesteps, n_features)``; list, tuple or object array of
    ``(n_timesteps_i, n_features)`` or ``(n_timesteps_i,)``; 2-D array or data frame
    ``(n_samples, n_timesteps)``; or nested table ``(n_samples, n_features)``.
""",
    "initial_state": """
initial_state : dict of str to array-like of shape (n_samples, n), default=None
    States before the first step of each sequence, by the names that `predict` returns with
    `return_state`; no gradient flows into them. None means zeros, or the states that the
    network learns (see `sklearn_rnn.cells`). `bidirectional` must be False and `pooling`
    "last", and input layers must not have a stride. With `early_stopping`, `scoring` must be
    None or "loss".
""",
    "groups": """
groups : array-like of shape (n_samples,), default=None
    For `early_stopping`, the group of each sequence, for example the person or the day that it
    comes from. Whole groups are then held out, a fraction `validation_fraction` of them. Of 32
    random choices, the one whose share of the targets is closest to this fraction is used; if
    each target is one class, the share of every class is compared, and rare classes count as
    much as others. Groups have no effect with `X_val`, and raise an error without
    `early_stopping`.
    `cross_val_score` passes them on with ``params={"groups": groups}``; a search does after
    ``set_config(enable_metadata_routing=True)`` and ``set_fit_request(groups=True)``.
""",
    "validation_and_callbacks": """
X_val, y_val, sample_weight_val, initial_state_val : as those without "_val", default=None
    Validation data for `early_stopping`, instead of a part of X. A Pipeline does not
    transform `X_val`: transform it yourself, or have scikit-learn route it
    (``set_config(enable_metadata_routing=True)``, ``set_fit_request(X_val=True,
    y_val=True)``, and ``transform_input=["X_val"]`` of the Pipeline).
callbacks : callable, ProgressBar, LivePlot, or list of these, default=None
    Called as ``callback(estimator, info)`` after each epoch, when the estimator is ready
    to predict. info is a dict with epoch, max_iter, loss, validation_loss and validation_score
    (None without `early_stopping`), learning_rate (None with "lbfgs"), window_length (None
    without `bptt`), seconds and steps_per_second. If a callback returns true, training stops;
    if it raises an error, so does `fit`, and the estimator keeps what it has learned so far.
    During the call the estimator has the current weights, not the best ones; changing them
    does not affect the training. Callbacks are not stored.
""",
    "self": """
self : object
    The fitted estimator.
""",
    "errors_of_fit": """
ValueError
    If a parameter or the data are not as described (the message names them), or if the
    training diverges: the loss, its gradient or a weight is no longer finite. The estimator
    stays as it was.
MemoryError
    If the network is too large for these sequences.
""",
    "warnings_of_fit": """
ConvergenceWarning
    If `max_iter` ended the training, except with a `learning_rate` that plans all epochs
    ("cosine", "exponential", "one_cycle" or a callable); if training ended before the
    network did better than the best constant prediction; or, with the solver "lbfgs", if
    `max_fun` or rounding errors ended the training.
UserWarning
    If `batch_size`, or its product with `gradient_accumulation_steps`, is larger than the
    number of training sequences or windows; if `solver` is "lbfgs" and `dtype` is "float32"; or
    if X probably means something else: a long table, integer codes, padding, swapped axes, or
    large numbers with ``normalize_X=False``; or, of classes, if y does: -100 besides classes
    from 0 on, classes as rows with a single 1, or only one class.
""",
    "continuing": """
Training continues from the previous call, with the state of its optimizer. After `fit`, the
learning rate is at most a tenth of `learning_rate_init`; see the argument of this name. Ctrl-C
raises `KeyboardInterrupt`, and the estimator keeps what it has learned so far.
""",
    "parameters_of_partial_fit": """
X : sequences
    In any form that `fit` takes.
y : targets
    As in `fit`.
sample_weight : array-like, default=None
    Weights in the form of `fit`. Here their size counts, too: a weight of 2 doubles the
    gradient. With ``mode="many_to_many"`` the loss of a sequence is divided by the mean
    number of steps of positive weight per sequence, over all calls.
""",
    "learning_rate_of_partial_fit": """
learning_rate_init : float, default=None
    Learning rate of this call, in place of the parameter (and of a rate that "adaptive" has
    lowered). None means the rate that `learning_rate` gives, but at most a tenth of the
    parameter if `fit` has ever trained the estimator or it was loaded from a file: at the full
    rate, a few new sequences would undo what many epochs have learned. An estimator that only
    `partial_fit` has trained keeps the full rate.
""",
    "initial_state_of_partial_fit": """
initial_state : dict of str to array-like of shape (n_samples, n), default=None
    As in `fit`. To learn from a sequence that arrives block by block, pass the states that
    `predict` returned for one block with the next block. If whole sequences are at hand,
    use `bptt`.
""",
    # ---- texts
    "texts_of_fit": """
X : list of str, list of list of str, or str
    Texts; or lists of tokens, which are taken as they are; or one long text. Also an array or
    a column of texts.
""",
    "validation_of_texts": """
X_val, y_val, sample_weight_val : as those without "_val", default=None
    Validation data for `early_stopping`, instead of a part of X.
callbacks : callable, ProgressBar, LivePlot, or list of these, default=None
    Called as ``callback(estimator, info)`` after each epoch, when the estimator is ready to
    write and to score. info is a dict with epoch, max_iter, loss, validation_loss and
    validation_score (None without `early_stopping`), learning_rate, window_length (None without
    `bptt`), seconds and steps_per_second. If a callback returns true, training stops; if it
    raises an error, so does `fit`, and the estimator keeps what it has learned so far.
    Callbacks are not stored.
""",
    "texts": """
X : list of str, list of list of str, or str
    Texts, in any form that `fit` takes. If `fit` got one long text, texts have no end here
    either.
y : array-like of shape (n_texts,) or (n_texts, n_given), default=None
    The labels or vectors of the texts, if `fit` got them.
""",
    "weights_of_texts": """
sample_weight : array-like of shape (n_texts,), default=None
    Weights of the texts; each token counts with the weight of its text.
""",
    "errors_of_texts": """
ValueError, TypeError
    If X is not as described, or y does not match the fit.
""",
    # ---- predict and score
    "X": """
X : sequences
    In any form that `fit` takes.
""",
    "errors_of_predict": """
ValueError
    If X has another form or another number of features than in `fit`, or if `initial_state`
    or `return_state` is not as described.
""",
    "states": """
initial_state : dict of str to array-like of shape (n_samples, n), default=None
    States before the first step of each sequence, as `return_state` returns them; None
    means zeros, or the states that the network has learned. To predict long sequences in
    blocks, pass the states that were returned for one block with the next block. Blocks of
    other lengths need an X with features, not a 2-D one. `bidirectional` must be False and
    `pooling` "last", and input layers must not have a stride.
return_state : bool, default=False
    Whether to return, as a second result, the states after the last step of each sequence.
    The network must be as for `initial_state`.
""",
    "returned_state": """
state : dict of str to ndarray of shape (n_samples, n)
    Only with `return_state`: ``h_l0``, ``h_l1`` and so on, one per layer, after a projection
    or transition layers; for "lstm" also ``c_l0`` and so on; for "jordan" only ``y``, the
    output of the last step: probabilities, rates, or numbers in units of ``y_scale_``. A
    `Conv1D` adds the rows that it reads at later steps: ``x`` (normalised X at the last step),
    ``x_2`` (the step before) and so on, or ``input_0``, ``input_0_2`` and so on for the output
    of the first input layer. The arrays have the dtype of the network.
""",
    "parameters_of_score": """
X : sequences
    In any form that `fit` takes.
y : targets
    One per sequence, or with ``mode="many_to_many"`` one per step, as in `fit`.
sample_weight : weights, default=None
    One per sequence, or with ``mode="many_to_many"`` also one per step. Sequences or steps
    of weight 0 do not count.
""",
    "errors_of_score": """
ValueError
    If X, y and the weights do not match each other or the fit.
""",
}


def documented(
    kind: str, table: Any = None, attributes: Any = ATTRIBUTES, parts: Mapping[str, str] = PARTS
) -> Callable[[Decorated], Decorated]:
    """Return a class decorator that fills the docstrings of an estimator of this kind."""
    filled = {
        **parts,
        "parameters": under_headings(
            {
                name: _entry(
                    name, f"{p.kind}, default={_shown(p.default)}", [p.text, p.more.get(kind)]
                )
                for name, p in parameters_of(kind, table).items()
            }
        ),
        "attributes": "\n".join(
            _entry(name, _of(kind, what), [_of(kind, text)])
            for name, (what, text) in attributes.items()
            if isinstance(text, str) or kind in text
        ),
    }
    return with_parts(filled)


def _of(kind, text):
    """Return the text for one kind of estimator."""
    return text if isinstance(text, str) else text[kind]


def _entry(name, what, texts):
    """Return the entry of a parameter or an attribute, as in a section of numpydoc."""
    lines = _wrapped(" ".join(filter(None, texts)), WIDTH - 8)
    return "\n".join([f"{name} : {what}", *(f"    {line}" if line else line for line in lines)])


def _shown(default):
    """Return a default as one writes it: with double quotes, and small numbers as powers of 10."""
    if isinstance(default, str):
        default = default.replace("\\", r"\\")  # which Sphinx shows as one
        return f'"{default}"'
    if isinstance(default, float) and 0 < default < 1e-3:
        return f"{default:.0e}".replace("e-0", "e-")
    return repr(default)


def _wrapped(text, width):
    """Break each line of a text at spaces, but not within ``literals``."""
    lines = []
    for paragraph in text.split("\n"):
        indent, line = "  " if paragraph.startswith("- ") else "", ""
        for word in re.findall(r"[^\s`]*``[^`]*``\S*|\S+", paragraph):
            if not line:
                line = word
            elif len(line) + 1 + len(word) <= width:
                line += f" {word}"
            else:
                lines.append(line)
                line = indent + word
        lines.append(line)
    return lines
