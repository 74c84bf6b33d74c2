"""The parameters of the estimators in one table: what each may be, its default, and its text.

The class docstrings are filled from it (see docstrings.py). The signatures of the constructors are
written out, because scikit-learn reads them; a test compares them with the table.
"""

from math import inf
from typing import NamedTuple

import numpy as np

from .. import _core
from .._data.categories import DIMENSIONS, FEATURES, MOST_AUTO, VECTORS
from .._data.tags import RULE as TRANSITIONS
from .._data.tasks import KINDS
from .._live.following import Follower
from .._model.words import CONNECTIONS, DTYPES, MERGE_MODES, MODES, NORMS, RULES, Words
from .._rules import BYTE_BITS, Allowed, boolean, either, integer, is_real, number, one_of, shown
from .._text.analyzers import TOKEN_PATTERN
from .._training.freezing import NAMES
from .._training.held_out import SCORING
from .._training.losses import REGRESSION_LOSSES
from .._training.optimizers import LBFGS, LEARNING_RATE, SOLVERS
from .._truncated_bptt import BPTT, check_options
from ..text import _RULES as TEXT_RULES

# Parameters that must not be 0 in the dtype of the core, which flushes denormal numbers to 0.
NEVER_ZERO = ("epsilon", "max_grad_value", "huber_delta")
CLASSIFIER, REGRESSOR, MULTITASK = "classifier", "regressor", "multitask"
LANGUAGE_MODEL = "language model"
OF_X = CLASSIFIER, REGRESSOR, MULTITASK  # the kinds whose networks read X as it is given
# An estimator from whose fitted model another one can start. `FrozenEstimator` hands on the
# attribute that is tested for.


def _holder_of_network(value):
    """Return what to pass in place of an object that holds a network, after a space, or ""."""
    if isinstance(value, type):
        return ""
    if hasattr(value, "named_steps"):
        return " Of a Pipeline, pass the last step, `pipeline[-1]`."
    for name in ("best_estimator_", "estimator_"):  # searches, and Reptile
        if hasattr(getattr(value, name, None), "_fitted_model"):
            return f" Pass its `{name}`."
    return ""


SOURCE = Allowed(
    lambda value: not isinstance(value, type) and hasattr(value, "_fitted_model"),
    "a fitted RNNClassifier, RNNRegressor or MultiTaskRNN",
    _holder_of_network,
)
VERBOSE = Allowed(
    lambda value: boolean.test(value) or integer(0).test(value) or isinstance(value, Follower),
    f"{integer(0).text}, or an object of `sklearn_rnn.progress`",
    integer(0).hint,
)
# Parameters of training that earlier versions did not have; their defaults change nothing.
LATER_IN_TRAINING = (
    *("bptt", "ema_decay", "frozen", "gradient_accumulation_steps", "max_fun", "warmup"),
    "weights_init",
)


class Parameter(NamedTuple):
    rule: Allowed | None  # None: scikit-learn checks it
    default: object
    kind: str  # what stands behind the name in a docstring
    text: str  # one line per paragraph
    more: dict = {}  # noqa: RUF012  sentences that hold for one kind of estimator only
    of: tuple = (*OF_X, LANGUAGE_MODEL)  # the kinds of estimators that have it
    # What differs from the above for one kind of estimator: fields by kind.
    own: dict = {}  # noqa: RUF012

    def of_kind(self, kind):
        """Return the parameter as an estimator of this kind has it."""
        return self._replace(**self.own.get(kind, {}))


def named(names):
    return ", ".join(f'"{name}"' for name in names)


def _are_tasks(value):
    """Tell whether this is a dict from names of tasks to kinds."""
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(kind, str) and kind in KINDS
        for name, kind in value.items()
    )


def choices(names):
    return "{" + named(names) + "}"


# For each parameter, the values that "lbfgs" allows, and why it allows no others.
FIXED = "it minimises one function of the weights, in which nothing is random"
LBFGS_ALLOWS = {
    "dropout": ((0,), FIXED),
    "output_dropout": ((0, None), FIXED),
    "input_dropout": ((0,), FIXED),
    "input_noise": ((0,), FIXED),
    "word_dropout": ((0,), FIXED),
    "l1_ratio": ((0,), "the penalty must be smooth"),
    "max_grad_norm": ((1.0, None), "it does not clip the gradient, with either value"),
    "max_grad_value": ((None,), "it does not clip the gradient"),
    "ema_decay": ((None,), "it does not average weights"),
    "early_stopping": ((False,), "it looks only at the gradient to decide when to stop"),
    "bptt": ((None,), "it uses whole sequences"),
    "gradient_accumulation_steps": ((1,), "it uses all sequences at once"),
}
RANDOM_OPTIONS = ("recurrent_dropout", "zoneout")  # of cells

TABLE = {
    "hidden_layer_sizes": Parameter(
        RULES["hidden_layer_sizes"],
        (64,),
        "int or tuple of int",
        "Units of each recurrent layer, from the input up.",
        own={LANGUAGE_MODEL: {"default": (100,)}},
    ),
    "cell": Parameter(
        RULES["cell"],
        "gru",
        "str, Cell, or a list of these",
        f'The recurrence, one of {named(_core.CELLS)}; or a list with one for each layer. "elman" '
        'is the simple network [1]_; "lstm" has a cell state with input, forget and output gates '
        '[2]_ [3]_; "gru" has reset and update gates [4]_; the reset gate acts after the product '
        'with the previous state, as in PyTorch, cuDNN and Keras. "jordan" reads the output of the '
        'previous step instead of its own state, and the units of "indrnn" do not read each other. '
        '"mgu" is a "gru" with a single gate; the gates of "mingru" and "minlstm" read only the '
        "input, which makes them several times faster. To set the options of a cell, pass an "
        "object of `sklearn_rnn.cells`, where each cell is described: "
        '``cell=Elman(activation="relu")``.',
        own={LANGUAGE_MODEL: {"default": "lstm"}},
    ),
    "analyzer": Parameter(
        TEXT_RULES["analyzer"],
        "word",
        '{"word", "char", "bpe"} or callable',
        'What the tokens of a text are, as in `sklearn_rnn.text.TokenEncoder`: "word", its words; '
        '"char", its characters; "bpe", pieces of words that are learned from the texts; or a '
        "callable from a text to a list of str. Lists of tokens are not analysed.",
        of=(LANGUAGE_MODEL,),
    ),
    "token_pattern": Parameter(
        None,
        TOKEN_PATTERN,
        "str",
        'Regular expression of the tokens of "word". The default leaves out punctuation and words '
        r'of one letter; ``r"\w+|[^\w\s]"`` keeps both.',
        of=(LANGUAGE_MODEL,),
    ),
    "lowercase": Parameter(
        TEXT_RULES["lowercase"],
        True,
        "bool",
        "Whether texts are lowercased before they are analysed. Texts for a callable and lists of "
        "tokens stay as they are.",
        of=(LANGUAGE_MODEL,),
    ),
    "min_count": Parameter(
        TEXT_RULES["min_count"],
        1,
        "int",
        "How often a token must occur in `fit` to be known; all others are one unknown token.",
        of=(LANGUAGE_MODEL,),
    ),
    "max_tokens": Parameter(
        TEXT_RULES["max_tokens"],
        None,
        "int or None",
        "Maximum number of known tokens: the most frequent ones. None means no limit, except for "
        '"bpe", which learns at most 30,000 pieces.',
        of=(LANGUAGE_MODEL,),
    ),
    "vocabulary": Parameter(
        TEXT_RULES["vocabulary"],
        None,
        "iterable of str or None",
        "The known tokens, instead of those in `fit`; for example for `partial_fit`, which "
        "otherwise knows only the tokens of its first call.",
        of=(LANGUAGE_MODEL,),
    ),
    "bidirectional": Parameter(
        RULES["bidirectional"],
        False,
        "bool",
        "Whether each layer reads the sequence in both directions, each with `hidden_layer_sizes` "
        "units. `merge_mode` says how the next layer reads the states of both. "
        'Must be False for ``cell="jordan"``.',
        of=OF_X,
    ),
    "input_layers": Parameter(
        RULES["input_layers"],
        (),
        "list of Dense and Conv1D",
        "Layers of `sklearn_rnn.layers` that X goes through before the recurrent layers, for "
        'example a `Conv1D` for raw signals. With ``connections="skip"``, every layer reads the '
        "output of the last of them instead of X.",
        own={
            LANGUAGE_MODEL: {
                "text": "Layers of `sklearn_rnn.layers` that the vectors of the tokens go through "
                "before the recurrent layers. They must not have a stride."
            }
        },
    ),
    "connections": Parameter(
        RULES["connections"],
        None,
        f"{choices(CONNECTIONS)} or None",
        'Connections besides those from each layer to the next. With "residual", each layer from '
        "the second on adds what it reads to its states (after dropout), and the next layer or the "
        "output reads the sum [5]_, which makes deep networks easier to train. Only layers with as "
        "many units as the layer below do this: "
        'without such a layer, the network is the same as with None. With "skip", every layer also '
        "reads X, in columns after the states of the layer below, and the output reads every layer "
        "[6]_. With one layer, the network is always the same as with None.",
    ),
    "categorical_features": Parameter(
        FEATURES,
        None,
        '"all", "from_dtype", array-like or None',
        "The features that hold integer codes, from 0 to below 2**31, instead of numbers: a mask, "
        "indices, or, if X is a list of data frames or a nested table, names of columns, which may "
        'also hold strings. "all" means all features, "from_dtype" all columns of strings and '
        "categories in data frames. In place of each code, the network reads a vector that it "
        "learns (an embedding; Bengio et al., 2003); codes are not normalised. Each such feature "
        "has one vector for each code in the first fit (`categories_`), and one for all other "
        "codes, which is the mean of the vectors that were trained, unless `word_dropout` trains "
        "it. A minibatch updates, and `alpha` penalises, only the vectors of its own codes.",
        of=OF_X,
    ),
    "embedding_dim": Parameter(
        DIMENSIONS,
        "auto",
        'int, list of int or "auto"',
        "Number of elements of each vector: one number for all categorical features, or a list "
        'with one for each. "auto" takes the length of the vectors in `embedding_init`, or else '
        f"half the number of codes, rounded up, but at most {MOST_AUTO}.",
        own={
            LANGUAGE_MODEL: {
                "kind": 'int or "auto"',
                "text": 'Number of elements of the vector of each token. "auto" takes the length '
                "of the vectors in `embedding_init`, or else half the number of codes, rounded up, "
                f"but at most {MOST_AUTO}.",
            }
        },
    ),
    "embedding_init": Parameter(
        VECTORS,
        None,
        "array-like, dict, KeyedVectors, list or dict of those, or None",
        "Initial vectors, for example pretrained word vectors, which help most with little "
        "training data: a dict from codes (or strings) to vectors, `KeyedVectors` of gensim, or an "
        "array. The rows of an array are those of `categories_`, or of the codes from 0 to at "
        "least the greatest one in X, as `sklearn_rnn.text.TokenEncoder.vectors` returns them. A "
        "code without a vector, or with a row of NaN, starts from a random one. With several "
        "categorical features, pass a list with one of these, or None, for each, or a dict from "
        "names or indices of features to these; otherwise all features start from the same. "
        'Training changes the vectors unless `frozen` names them: ``frozen="embedding*"``. None '
        "means random vectors.",
        own={
            LANGUAGE_MODEL: {
                "kind": "dict of str to array-like, KeyedVectors or None",
                "text": "Initial vectors by tokens: a dict, or `KeyedVectors` of gensim. Tokens "
                "that it does not have get random vectors. Training changes the vectors unless "
                '`frozen` names them: ``frozen="embedding*"``. None means random vectors.',
            }
        },
    ),
    "word_dropout": Parameter(
        RULES["word_dropout"],
        0.0,
        "float",
        "Fraction of the codes that training replaces by the unknown one, drawn anew for each step "
        "and each categorical feature (Bowman et al., 2016); at least 0 and below 1. This trains "
        "the vector for unknown codes, which then is not the mean of the others, and teaches the "
        "network to do without some of the codes. Predictions replace nothing.",
        own={
            LANGUAGE_MODEL: {
                "text": "Fraction of the tokens that training reads as the unknown one, drawn anew "
                "for each step (Bowman et al., 2016); at least 0 and below 1. This trains the "
                "vector of unknown tokens, and makes the model rely less on the last few tokens. "
                "The tokens to predict are not replaced."
            }
        },
    ),
    "tie_embeddings": Parameter(
        boolean,
        False,
        "bool",
        "Whether the vectors of the tokens are also the weights of the output (Press and Wolf, "
        "2017), which saves most of the weights of a model with many tokens. `embedding_dim` must "
        'then be "auto" or the number of units that the output reads.',
        of=(LANGUAGE_MODEL,),
    ),
    "adaptive_softmax": Parameter(
        RULES["adaptive_softmax"],
        None,
        '"auto", list of int or None',
        "For models with many tokens, an approximation of the softmax that trains much faster "
        "(Grave et al., 2017). Rare tokens are in groups, each of which has one output of the "
        "network. The probabilities within a group are computed only where one of its tokens "
        "follows, from a projection to a quarter of the width or less. A list has the number of "
        "the first token of each group; tokens are "
        'numbered in the order of `vocabulary_`, after the start (0) and the end (1). "auto" means '
        "[2000, 10000, 50000], without those above half the number of tokens. Scores are exact "
        "probabilities of this model. "
        "Not with `tie_embeddings`, `label_smoothing` or a cell that reads the output.",
        of=(LANGUAGE_MODEL,),
    ),
    "merge_mode": Parameter(
        RULES["merge_mode"],
        "concat",
        choices(MERGE_MODES),
        "How the states of the two directions of a bidirectional layer are combined (Schuster and "
        'Paliwal, 1997): "concat" puts them side by side, those of the forward direction first; '
        '"sum", "ave" and "mul" take their sum, average or product, unit by unit, which halves the '
        "number of weights that read them.",
        of=OF_X,
    ),
    "pooling": Parameter(
        RULES["pooling"],
        "last",
        '{"last", "mean", "max"} or Attention',
        'How the states of a sequence become one row for the output. "last" takes the last state '
        'of each direction. "mean" and "max" take the mean or maximum of each unit over all steps, '
        "for targets that depend on the whole sequence. `sklearn_rnn.layers.Attention` takes a "
        "weighted mean with learned weights, for targets that depend on a few of the steps. All "
        'but "last" need ``mode="many_to_one"`` and do not go with the cell "jordan".',
        of=OF_X,
    ),
    "output_layer_sizes": Parameter(
        RULES["output_layer_sizes"],
        (),
        "tuple of int",
        "Widths of fully connected layers with rectified linear units (ReLU) between the states "
        "and the output (Pascanu et al., 2014), for targets that are not a linear function of the "
        "states.",
    ),
    "layer_normalization": Parameter(
        RULES["layer_normalization"],
        None,
        f"{choices(NORMS)} or None",
        "Normalization of the input of each recurrent layer above the first, and of the input of "
        "the output, which makes deep networks easier to train, above all with "
        '``connections="residual"``. "layer" is layer normalization (Ba et al., 2016); "rms" only '
        'divides by the root mean square (Zhang and Sennrich, 2019). With "residual", the sums '
        "that are passed on to the next sum are not normalised.",
    ),
    "mode": Parameter(
        RULES["mode"],
        "many_to_one",
        choices(MODES),
        "One target per sequence, or one per step.",
        of=OF_X,
    ),
    "transitions": Parameter(
        RULES["transitions"],
        False,
        "bool",
        "Whether to learn the labels of a sequence together instead of one by one: a conditional "
        "random field over a linear chain, which is also called a CRF (Lafferty et al., 2001; "
        "Lample et al., 2016). Besides the output for each step and class, the network learns a "
        "score for each pair of labels at two successive steps (`transitions_`), and for labels at "
        "the start and the end. Training maximises the probability of whole sequences of labels, "
        "and `loss_` is minus its logarithm per step. `predict` returns the most probable sequence "
        "of labels (Viterbi, 1967), and `predict_proba` the marginal probability of each label, "
        'whose maximum may be another one. Needs ``mode="many_to_many"`` and one column of y. '
        "Where a step has `sample_weight` 0, its label is unknown, and training sums over all that "
        "it could be; the other weights must be equal within a sequence. Must be False with "
        '`class_weight`, `bptt` and the cell "jordan".',
        of=(CLASSIFIER,),
    ),
    "allowed_transitions": Parameter(
        TRANSITIONS,
        None,
        'None, {"BIO", "BIOES"}, list of pairs, or ndarray',
        "With ``transitions=True``, which label may follow which; training and predictions leave "
        'out all other sequences. "BIO" and "BIOES" are the schemes of named entities, with labels '
        'such as "O", "B-PER" and "I-PER": an entity begins with B and goes on with I of the same '
        'type; with "BIOES", it also ends with E, and an entity of one step is S. A list has the '
        "allowed pairs of labels, (from, to), in which None stands for the start or the end; "
        "without such pairs, any label may start or end. An array (n_classes, n_classes) has True "
        "and False in the order of `classes_`; it may have one more row for the start and one more "
        "column for the end. None allows all.",
        of=(CLASSIFIER,),
    ),
    "dropout": Parameter(
        RULES["dropout"],
        0.0,
        "float",
        "Fraction of the states that are set to zero during training, between layers and before "
        "the output (Srivastava et al., 2014), which reduces overfitting; at least 0 and below 1.",
    ),
    "output_dropout": Parameter(
        RULES["output_dropout"],
        None,
        "float or None",
        "Dropout before the output and after each of the output layers; None means the value of "
        "`dropout`.",
    ),
    "input_dropout": Parameter(
        RULES["input_dropout"],
        0.0,
        "float",
        "Fraction of the features, and of the elements of embeddings, that are set to zero during "
        "training, the same ones at all steps of a sequence (Gal and Ghahramani, 2016), so that "
        "the network does not rely on a few of them; at least 0 and below 1.",
        own={
            LANGUAGE_MODEL: {
                "text": "Fraction of the elements of the vectors of tokens that are set to zero "
                "during training, the same ones at all steps of a text (Gal and Ghahramani, 2016); "
                "at least 0 and below 1."
            }
        },
    ),
    "input_noise": Parameter(
        RULES["input_noise"],
        0.0,
        "float",
        "Standard deviation of the Gaussian noise that is added to numeric features during "
        "training (Bishop, 1995), which reduces overfitting to few sequences. Its unit is that of "
        "normalised X, or of X with ``normalize_X=False``.",
        of=OF_X,
    ),
    "max_grad_norm": Parameter(
        either(None, number(0, open_low=True)),
        1.0,
        "float or None",
        "Maximum Euclidean norm of the gradient of a minibatch; a longer gradient is scaled down "
        "to it [7]_. With weights, both this norm and `max_grad_value` are multiplied by the mean "
        "of the positive weights in the minibatch, divided by their mean over all training data, "
        "so that clipping does not undo the weights.",
    ),
    "max_grad_value": Parameter(
        either(None, number(0, open_low=True)),
        None,
        "float or None",
        "Each entry of the gradient is clipped to plus or minus this value.",
    ),
    "solver": Parameter(
        one_of(SOLVERS),
        "adam",
        choices(SOLVERS),
        'Optimizer that updates the weights. "adamw" is Adam with decoupled weight decay. "lbfgs" '
        "is L-BFGS-B of scipy (Byrd et al., 1995; Zhu et al., 1997), for small data and networks: "
        "each iteration uses all sequences at once and counts as an epoch. Set "
        '``dtype="float64"`` with it. It does not clip gradients, and accepts only 1 (the default) '
        "and None for `max_grad_norm`. It refuses dropout, zoneout, noise, `l1_ratio`, "
        "`max_grad_value`, `ema_decay`, `early_stopping`, `bptt`, `gradient_accumulation_steps` "
        "and `partial_fit`. It ignores `batch_size`, `shuffle`, `n_iter_no_change` and all "
        "parameters of learning rates and of other solvers.",
    ),
    "alpha": Parameter(
        number(0),
        0.0,
        "float",
        "Strength of the penalty on the weights, ``alpha / 2 * sum(w ** 2)``, or see `l1_ratio`. "
        "The sum runs over all weights except biases, gains of norms and learned initial states; "
        'it is not divided by the size of the minibatch. For "adamw", it is the weight decay per '
        "unit of learning rate.",
        more={
            CLASSIFIER: "With `transitions`, the scores of the start and the end are not penalised "
            "either."
        },
    ),
    "l1_ratio": Parameter(
        number(0, 1, closed_high=True),
        0.0,
        "float",
        "Share of L1 in the penalty, from 0 to 1, as in `SGDClassifier` and `ElasticNet`: the "
        "penalty is ``alpha * (l1_ratio * sum(abs(w)) + (1 - l1_ratio) / 2 * sum(w ** 2))``. L1 "
        "brings weights that are not needed close to 0, but seldom to exactly 0.",
    ),
    "bptt": Parameter(
        BPTT,
        None,
        "int, TruncatedBPTT or None",
        "Truncated back-propagation through time, for long sequences. Training cuts sequences into "
        "windows of `bptt` steps and updates the weights after each window. Each window starts "
        "from the states at the end of the previous one, but gradients stop at its first step. "
        'With ``mode="many_to_one"`` there is one update per minibatch, and gradients flow through '
        "the last `bptt` steps of each sequence. `sklearn_rnn.TruncatedBPTT` has the details and "
        "more options. None means whole sequences. Otherwise `bidirectional` must be False, "
        '`pooling` must be "last", and input layers must not have a stride.',
        own={
            LANGUAGE_MODEL: {
                "default": 100,
                "text": "Truncated back-propagation through time, for texts of more than `bptt` "
                "tokens. Training cuts them into windows of `bptt` tokens and updates the weights "
                "after each window. Each window starts from the states at the end of the previous "
                "one, but gradients stop at its first token. `sklearn_rnn.TruncatedBPTT` has more "
                "options. None means whole texts.",
            }
        },
    ),
    "batch_size": Parameter(
        either("auto", integer(1)),
        "auto",
        'int or "auto"',
        'Sequences per minibatch. "auto" is 16, or for more than 1024 sequences one 64th of them, '
        'up to 128. With `bptt` and ``mode="many_to_many"``, it is the number of windows per '
        'minibatch, and "auto" counts windows. If there are fewer sequences than `batch_size`, '
        "long ones are cut into parts that are trained side by side, so one long series is learned "
        "like a batch of shorter ones.",
        own={
            LANGUAGE_MODEL: {
                "text": 'Texts per minibatch. "auto" is 16, or for more than 1024 texts one 64th '
                "of them, up to 128. With `bptt`, it is the number of windows per minibatch, and "
                '"auto" counts windows. If there are fewer texts than `batch_size`, long ones are '
                "cut into parts that are trained side by side, each from its own beginning."
            }
        },
    ),
    "gradient_accumulation_steps": Parameter(
        integer(1),
        1,
        "int",
        "Number k of minibatches whose gradients are summed before each update of the weights. The "
        "update is that of one minibatch of ``k * batch_size`` sequences (fewer at the end of an "
        "epoch), up to rounding errors; with up to 256 sequences it is usually the same bit for "
        "bit. The memory for gradients grows with k; the memory for the steps does not.",
    ),
    "learning_rate": Parameter(
        LEARNING_RATE,
        "constant",
        "str or callable",
        "Schedule of the learning rate, for every solver.\n"
        "\n"
        '- "constant": `learning_rate_init`;\n'
        '- "invscaling": ``learning_rate_init / (t_ + 1) ** power_t``, set at each epoch;\n'
        '- "adaptive": divided by 5 whenever training would stop for lack of progress, until it is '
        "below 1e-6;\n"
        '- "cosine": from `learning_rate_init` to 0 [8]_;\n'
        '- "exponential": ``learning_rate_init * 0.01 ** done``;\n'
        '- "one_cycle": up from ``learning_rate_init / 25`` to `learning_rate_init` over the first '
        "30 % of the fit, in a straight line, then down to 0 on a cosine (Smith and Topin, 2018), "
        "with a constant momentum;\n"
        "- a callable f: ``learning_rate_init * f(done)``, where f must return a finite number of "
        "at least 0. An estimator with a callable can be pickled if the callable can.\n"
        "\n"
        "done is the share of the training that is done: updates so far over all updates of "
        "`max_iter` epochs, from 0 to below 1. The last four schedules set the rate anew for each "
        "update, and do not warn when training reaches `max_iter`. `partial_fit` does not know how "
        "many epochs there will be: with these four it uses `learning_rate_init`. After `fit`, it "
        "uses at most a tenth of `learning_rate_init` with every schedule.",
    ),
    "learning_rate_init": Parameter(
        number(0, open_low=True),
        0.005,
        "float",
        'Initial learning rate; with "one_cycle" the highest one.',
    ),
    "power_t": Parameter(number(0), 0.5, "float", 'Exponent of "invscaling", not negative.'),
    "warmup": Parameter(
        number(0, 1),
        0.0,
        "float",
        "Share of the training, at least 0 and below 1, during which the learning rate rises from "
        "0: while done (see `learning_rate`) is below `warmup`, the rate is multiplied by "
        '``done / warmup`` (Goyal et al., 2017). Must be 0 with "one_cycle", which has a rise of '
        "its own. `partial_fit` does not use it.",
    ),
    "momentum": Parameter(number(0, 1), 0.9, "float", 'Momentum of "sgd", from 0 to below 1.'),
    "nesterovs_momentum": Parameter(
        boolean, True, "bool", 'Whether the momentum of "sgd" is Nesterov\'s.'
    ),
    "beta_1": Parameter(
        number(0, 1), 0.9, "float", 'Decay of the mean of gradients in "adam" and "adamw".'
    ),
    "beta_2": Parameter(
        number(0, 1),
        0.999,
        "float",
        'Decay of the mean of squared gradients in "adam", "adamw" and "rmsprop".',
    ),
    "epsilon": Parameter(
        number(0, open_low=True),
        1e-8,
        "float",
        "Added to the root of the mean of squared gradients, by which the update is divided; for "
        '"adam" and "adamw" after the bias correction, as in PyTorch.',
    ),
    "ema_decay": Parameter(
        either(None, number(0, 1, open_low=True)),
        None,
        "float or None",
        "Decay d of an exponential average of the weights over the updates (Polyak and Juditsky, "
        "1992), for example 0.99; above 0 and below 1. After t updates the average is the sum over "
        "i of ``d ** (t - i) * w_i * (1 - d) / (1 - d ** t)``, where w_i are the weights after "
        "update i. The fitted network has the averaged weights, and `early_stopping` and callbacks "
        "see them too; `loss_` is the loss of the weights that are averaged. `partial_fit` "
        "continues the average; `warm_start`, `set_weights` and `load_weights` begin a new one. "
        "Large embeddings make each update slower, because all of their vectors are averaged.",
    ),
    "max_iter": Parameter(integer(1), 200, "int", "Maximum number of epochs."),
    "max_fun": Parameter(
        integer(1),
        15000,
        "int",
        'Maximum number of evaluations of the loss with "lbfgs"; checked after each iteration.',
    ),
    "shuffle": Parameter(
        boolean,
        True,
        "bool",
        "Whether to draw new minibatches in each epoch; otherwise they follow the order of X.",
    ),
    "tol": Parameter(
        number(0),
        1e-4,
        "float",
        "Smallest change that counts as progress: the training loss must fall by `tol`, or with "
        '`early_stopping` the validation score must rise by `tol`. With "lbfgs", training stops '
        "when no entry of the gradient is larger than `tol`.",
        {REGRESSOR: "Here the loss is in normalised units."},
    ),
    "n_iter_no_change": Parameter(
        Allowed(
            lambda value: integer(1).test(value) or (is_real(value) and value == inf),
            f"{integer(1).text}, or np.inf",
            integer(1).hint,
        ),
        10,
        "int or np.inf",
        "Training stops after more than this number of epochs in a row without progress. Without "
        "`early_stopping`, the number is multiplied by 4 while the best loss is above 0.98 times "
        "the loss of the best constant prediction; a fit that ends there gives a warning.",
    ),
    "early_stopping": Parameter(
        boolean,
        False,
        "bool",
        "Whether to judge progress by the score on held-out sequences, and to keep the weights of "
        "the epoch where it was best. Mean and scale of X are computed from the training sequences "
        "alone.",
        {
            CLASSIFIER: "The score uses the class weights of training; balanced ones are computed "
            "from all sequences, held out or not.",
            REGRESSOR: "Mean and scale of y are computed from all sequences, held out or not.",
            MULTITASK: "Mean and scale of the targets are computed from all sequences, held out or "
            "not.",
        },
        own={
            LANGUAGE_MODEL: {
                "text": "Whether to judge progress by the score on held-out texts, and to keep the "
                "weights of the epoch where it was best. The vocabulary is that of all texts, held "
                "out or not."
            }
        },
    ),
    "validation_fraction": Parameter(
        number(0, 1, open_low=True),
        0.1,
        "float",
        "Fraction of the sequences that `early_stopping` holds out when `fit` gets no `X_val`. "
        "They are drawn at random, whatever `shuffle` is; pass `X_val` instead if the sequences "
        "follow each other in time.",
        {CLASSIFIER: "Where possible, they are stratified by class, unless y has several columns."},
        own={
            LANGUAGE_MODEL: {
                "text": "Fraction of the texts that `early_stopping` holds out when `fit` gets no "
                "`X_val`, drawn at random. If `fit` gets one long text, this fraction of its "
                "tokens is held out, at its end."
            }
        },
    ),
    "scoring": Parameter(
        SCORING,
        None,
        "str, callable or None",
        'The score that `early_stopping` uses. None means the method `score`; "loss" means minus '
        "the loss, weighted as in training. Otherwise it is a name or function as for "
        "`GridSearchCV`, called as ``scoring(estimator, X, y)`` with the held-out sequences in the "
        "form in which they were passed, and with their ``sample_weight`` if it accepts that. It "
        "sees `loss_curve_` as it was before the epoch.",
        {
            CLASSIFIER: "It gets no class weights.",
            MULTITASK: "Names of scikit-learn's scores fail, because `predict` returns a dict.",
        },
        own={
            LANGUAGE_MODEL: {
                "text": 'The score that `early_stopping` uses. None and "loss" mean the method '
                "`score`. Otherwise it is a function, called as ``scoring(estimator, X, y)`` with "
                "the held-out texts. It sees `loss_curve_` as it was before the epoch."
            }
        },
    ),
    "warm_start": Parameter(
        boolean,
        False,
        "bool",
        "Whether `fit` continues from the weights of the previous fit instead of new ones. The "
        "optimizer starts afresh.",
    ),
    "frozen": Parameter(
        NAMES,
        (),
        "str, or tuple or list of str",
        "Arrays of `weights_` that training does not change: names, or shell patterns as for "
        '`fnmatch`, for example ``"embedding*"`` or ``("weight_*_l0", "embedding*")``. Frozen '
        "arrays have no update, no penalty and no decay, and do not count in the norm that "
        "`max_grad_norm` limits, as with ``requires_grad=False`` in PyTorch. Training is faster if "
        "the lowest layers are "
        "frozen completely. A first fit without `weights_init` leaves frozen arrays at their "
        "initial values, most of which are random. The parameter may change between calls of "
        "`partial_fit` or fits with `warm_start`; `partial_fit` keeps the moments of frozen "
        "arrays. If later data change the mean and scale of X or y, frozen weights may change too, "
        "so that the network computes the "
        "same function as before.",
        own={
            LANGUAGE_MODEL: {
                "text": "Arrays of `weights_` that training does not change: names, or shell "
                'patterns as for `fnmatch`, for example ``("embedding*",)``. They have no update, '
                "no penalty and no decay, and do not count in the norm that `max_grad_norm` "
                "limits. The parameter may change between calls of `partial_fit` or fits with "
                "`warm_start`."
            }
        },
    ),
    "weights_init": Parameter(
        either(None, SOURCE),
        None,
        "fitted estimator or None",
        "A fitted RNNClassifier, RNNRegressor or MultiTaskRNN: the first fit starts from its body. "
        "The body is the embeddings, input layers and recurrent layers; attention, "
        "`output_layer_sizes` and the output start from new weights. The parameters that define "
        "the body must be equal: `sklearn_rnn.transfer.transfer` sets them. Before the first "
        "update, the recurrent layers compute the same states from X as those of the fitted "
        "estimator: where the mean or scale of X differs, either the weights absorb the change, or "
        'the old mean and scale are kept. States of "jordan" differ, because it reads the output. '
        "Codes that the estimator knows start from its vectors, other codes from its vector for "
        "unknown codes. `clone` keeps the estimator itself, not a copy. In the grid of a search, "
        "wrap it in `sklearn.frozen.FrozenEstimator`.",
        of=OF_X,
    ),
    "random_state": Parameter(
        None,
        None,
        "int, RandomState instance or None",
        "Source of the initial weights, the validation split, the order of minibatches, dropout, "
        "zoneout and noise. The same number gives the same bits, for any number of threads.",
        own={
            LANGUAGE_MODEL: {
                "text": "Source of the initial weights, the validation split, the order of "
                "minibatches, dropout and zoneout. The same number gives the same bits, for any "
                "number of threads. `sample` has a `random_state` of its own."
            }
        },
    ),
    "verbose": Parameter(
        VERBOSE,
        0,
        "int, ProgressBar or LivePlot",
        "1 prints a line per epoch; 2 and more show a progress bar if tqdm is installed. A "
        "`ProgressBar` or `LivePlot` of `sklearn_rnn.progress` shows a bar of tqdm or rich, or a "
        "picture of the losses.",
    ),
    "tasks": Parameter(
        either(None, Allowed(_are_tasks, f"a dict from names to kinds, each {one_of(KINDS).text}")),
        None,
        "dict of str to str, or None",
        "The kind of each task, ``{name: kind}``. If it is not given, the targets decide: floats "
        "are numbers, even whole ones, and everything else is classes. (Integers with missing "
        "values in a pandas column are floats.) The kinds are:\n"
        "\n"
        '- "classes", whose loss is the cross-entropy;\n'
        '- "numbers", whose loss is the squared error;\n'
        '- "squared_error" (the same), "absolute_error", "huber" (linear for errors above the '
        'scale of the target), "poisson" or "gamma": numbers with this loss of `RNNRegressor`.',
        of=(MULTITASK,),
    ),
    "task_weights": Parameter(
        either(
            None,
            Allowed(
                lambda v: isinstance(v, dict) and all(map(number(0).test, v.values())),
                "a dict from names to numbers of at least 0",
            ),
        ),
        None,
        "dict of str to float, or None",
        "The weight of each task, ``{name: weight}``; a task that is not named has weight 1. The "
        "loss is the sum over tasks of the weight times the mean loss over the targets of the "
        "task, so a task with few targets counts as much as one with many. A task of weight 0 is "
        "not trained, and its predictions mean nothing.",
        of=(MULTITASK,),
    ),
    "class_weight": Parameter(
        either(
            None,
            either(
                "balanced",
                Allowed(
                    lambda v: (
                        isinstance(v, dict)
                        or (isinstance(v, list) and all(isinstance(each, dict) for each in v))
                    ),
                    "a dict {class: weight}, or for several outputs a list of those",
                ),
            ),
        ),
        None,
        'dict, list of dict, "balanced" or None',
        "Weights of the classes, ``{class: weight}``; a class that is not named has weight 1. With "
        '"balanced", the weight of a class is inversely proportional to the sum of its sample '
        "weights in y, including what `early_stopping` holds out; `partial_fit` does not support "
        'this. If y has several columns of classes, pass "balanced" or a list with one dict for '
        "each column; a target is weighted by the product of the weights of its classes. Must be "
        "None for multilabel y.",
        of=(CLASSIFIER,),
    ),
    "label_smoothing": Parameter(
        number(0, 1),
        0.0,
        "float",
        "Fraction s, at least 0 and below 1, of each target that is spread evenly over the K "
        "classes (Szegedy et al., 2016): training compares the probabilities with ``1 - s + s / "
        "K`` for the true class and ``s / K`` for each other one, as in PyTorch and Keras. This "
        "keeps the network from becoming too sure of itself, above all where labels are wrong. If "
        "y has several columns, each is smoothed over its own classes. `loss_` is the smoothed "
        'loss. Scores, also ``scoring="loss"``, compare with the labels as they are. Must be 0 '
        "with ``transitions=True``.",
        of=(CLASSIFIER, LANGUAGE_MODEL),
        own={
            LANGUAGE_MODEL: {
                "text": "Fraction s, at least 0 and below 1, of each target that is spread evenly "
                "over all K tokens (Szegedy et al., 2016): training compares the probabilities "
                "with ``1 - s + s / K`` for the true token and ``s / K`` for each other one. "
                "`loss_` is the smoothed loss; scores compare with the tokens as they are."
            }
        },
    ),
    "loss": Parameter(
        one_of(REGRESSION_LOSSES),
        "squared_error",
        "str",
        "The loss to minimise: a weighted mean over sequences or steps, and a mean over outputs.\n"
        "\n"
        '- "squared_error", without a factor 1/2;\n'
        '- "absolute_error";\n'
        '- "huber": quadratic up to `huber_delta` and linear beyond;\n'
        '- "quantile": the pinball loss, which makes predictions quantiles of the target, see '
        "`quantile` [9]_;\n"
        '- "poisson": ``exp(z) - y * z``, the negative log-likelihood of counts with rate '
        "``exp(z)``, without the terms that depend on y alone; y must not be negative;\n"
        '- "gamma": ``z + y * exp(-z)``, half the gamma deviance for the mean ``exp(z)``, without '
        "the terms that depend on y alone; y must be positive. It suits targets whose spread grows "
        "with their mean, such as amounts and durations.\n",
        of=(REGRESSOR,),
    ),
    "huber_delta": Parameter(
        RULES["huber_delta"],
        1.0,
        "float",
        'Error beyond which "huber" is linear, in units of the normalised target.',
        of=(REGRESSOR,),
    ),
    "quantile": Parameter(
        RULES["quantile"],
        0.5,
        "float or list of float",
        'The quantile that ``loss="quantile"`` predicts, above 0 and below 1; or a list of them in '
        "increasing order, for example to predict an interval. With a list, predictions have one "
        "more axis, and the loss is the mean over the quantiles.",
        of=(REGRESSOR,),
    ),
    "normalize_y": Parameter(
        boolean,
        True,
        "bool",
        'Whether the network learns ``(y - y_mean_) / y_scale_``; with ``loss="poisson"`` or '
        '"gamma" it never does. Targets held out for `early_stopping` are included in the mean and '
        "scale.",
        of=(REGRESSOR,),
    ),
    "normalize_X": Parameter(
        boolean,
        True,
        "bool",
        "Whether the network reads ``(X - x_mean_) / x_scale_``. Mean and scale are computed over "
        "all steps of the training sequences, each with the sample weight of its sequence. With "
        "weights per step, a sequence has the mean of its positive weights, and unless "
        "`bidirectional`, steps after the last one of positive weight are left out. Features of "
        "only 0 and 1 are not scaled; constant features have scale 1.",
        of=OF_X,
    ),
    "dtype": Parameter(
        RULES["dtype"],
        "float32",
        choices(DTYPES),
        "Type of the numbers that the network computes with.",
    ),
    "memory_budget": Parameter(
        either(None, integer(1, BYTE_BITS)),
        None,
        "int or None",
        "Maximum number of bytes that `fit` keeps for the steps of a minibatch, in all threads "
        "together; None means no limit. If long sequences need more, `fit` keeps only some of the "
        "states and computes the steps between them again during back-propagation (Chen et al., "
        "2016): the results are the same and take a third more time. If the budget is too small, "
        "an error names the smallest one that suffices. A bidirectional network needs room for all "
        "steps.",
    ),
    "n_threads": Parameter(
        either(None, integer(1)),
        None,
        "int or None",
        "Maximum number of threads for `fit` and for each prediction, limited to the number of "
        "cores or 16, whichever is larger. Results do not depend on it. Minibatches of less than "
        "half a millisecond use one thread. None means 1 in a joblib worker, otherwise "
        "OMP_NUM_THREADS, or if that is not set, the number of cores that this process may use. A "
        "forked child always uses one thread.",
    ),
}


def parameters_of(kind, table=None):
    """Return the parameters of one kind of estimator, by name; the table may be another one."""
    table = TABLE if table is None else table
    return {name: p.of_kind(kind) for name, p in table.items() if kind in p.of}


def check(name, value):
    """Check one parameter of the constructor."""
    rule = TABLE[name].rule
    if rule is not None:
        rule.check(name, value)


def check_parameters(params):
    """Check a dict of the constructor's parameters; return the words among them.

    A ValueError names the first invalid one.
    """
    for name in TABLE:
        if name in params:
            check(name, params[name])
    check_together(params)
    check_options(params["bptt"], params["mode"])
    words = Words.of(params)
    if params.get("solver") == LBFGS:
        _check_for_lbfgs(params, words)
    return words


def check_together(params):
    """Refuse values that do not go with those of other parameters, a dict."""
    least = float(np.finfo(params["dtype"]).tiny)  # as float32 it would cast the other operand
    for name in NEVER_ZERO:
        if params.get(name) is not None and params[name] < least:
            raise ValueError(
                f"`{name}` must be at least {least:.4g} with dtype={params['dtype']!r}, "
                f"got {params[name]!r}."
            )
    _check_transitions(params)
    if params.get("warmup") and params.get("learning_rate") == "one_cycle":
        raise ValueError(
            "`warmup` must be 0 with learning_rate='one_cycle', which has a rise of its own; "
            f"got {params['warmup']!r}."
        )


def _check_transitions(params):
    """Refuse what does not go with sequences of labels that are learned together."""
    if not params.get("transitions"):
        if params.get("allowed_transitions") is not None:
            raise ValueError(
                "`allowed_transitions` must be None unless transitions=True, got "
                f"{shown(params['allowed_transitions'])}."
            )
        return
    for name, why in (
        ("bptt", "it needs whole sequences"),
        ("class_weight", "labels are learned together; use `sample_weight` per sequence"),
    ):
        if params[name] is not None:
            raise ValueError(
                f"`{name}` must be None with transitions=True: {why}; got {shown(params[name])}."
            )
    if params["label_smoothing"] > 0:
        raise ValueError(
            "`label_smoothing` must be 0 with transitions=True: labels are learned together; got "
            f"{params['label_smoothing']!r}."
        )


def _check_for_lbfgs(params, words):
    """Refuse what "lbfgs" does not support."""
    for name, (allowed, reason) in LBFGS_ALLOWS.items():
        if params.get(name, allowed[0]) not in allowed:
            values = " or ".join(map(repr, allowed))
            raise ValueError(
                f"`{name}` must be {values} with solver='lbfgs': {reason}; got {params[name]!r}."
            )
    for cell in words.cell:
        for name in RANDOM_OPTIONS:
            if dict(cell.options).get(name):
                raise ValueError(
                    f"`{name}` of a cell must be 0 with solver='lbfgs': {FIXED}; "
                    f"got {cell[name]!r}."
                )
