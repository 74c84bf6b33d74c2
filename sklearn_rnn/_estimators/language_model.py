"""RNNLanguageModel: the next token of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils import check_random_state

from .._data import arguments
from .._data.arguments import naming
from .._data.categories import vectors_of
from .._data.form import InputForm
from .._data.next_tokens import NextTokens
from .._data.weights import relative
from .._floating_point import floating_point_ignored
from .._model.generation import Choice, advanced, generate
from .._model.network import Evaluation
from .._model.stream import Stream
from .._model.words import Words
from .._rules import either, integer, number
from .._training.examples import without_equal_weights
from .._training.held_out import HeldOut
from .._training.progress import new_seed
from .._typing import (
    Analyzer,
    Array,
    ArrayLike,
    Connections,
    DType,
    Floats,
    Integer,
    Norm,
    Number,
    RandomState,
    Scoring,
    SequenceNotStr,
    Sizes,
    Solver,
    TextsLike,
)
from ..text import TokenEncoder
from .base import _RNNBase
from .callbacks import with_callbacks
from .docstrings import documented
from .parameter_types import (
    BatchSize,
    Callbacks,
    Cells,
    Dimensions,
    Frozen,
    InputLayers,
    LearningRate,
    Truncation,
    Vectors,
    Verbose,
)
from .parameters import LANGUAGE_MODEL, check
from .streaming import StreamingMixin
from .texts import ReadTexts, as_texts, continued, given_of_samples, read_prompt

# The parameters of the encoder.
ENCODING = ("analyzer", "token_pattern", "lowercase", "min_count", "max_tokens", "vocabulary")
SAMPLING = {
    "n_samples": integer(1),
    "max_length": integer(0),
    "temperature": number(0),
    "top_k": either(None, integer(1)),
    "top_p": either(None, number(0, 1, open_low=True, closed_high=True)),
}


@documented(LANGUAGE_MODEL)
class RNNLanguageModel(DensityMixin, StreamingMixin, _RNNBase):
    """Recurrent neural network that models texts: the probability of each token given those before.

    The model is a vector for each token, recurrent layers, and a softmax over all tokens [9]_. It
    scores texts, and it writes new ones, token by token.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    sklearn_rnn.text.TokenEncoder : The encoder of texts.
    sklearn_rnn.RNNClassifier : Classes of texts, or of their tokens.

    Notes
    -----
    A list of texts, or of lists of tokens, is learned text by text: each begins with a start, and
    its end is predicted like a token. One text, a str, is learned as a part of an endless one: it
    has no end, and `sample` never stops before `max_length`. Texts with more than `bptt` tokens are
    trained in windows, side by side, see `sklearn_rnn.TruncatedBPTT`.

    Log-likelihoods are natural logarithms. The end of a text counts as a token, and so do tokens
    that are not in the vocabulary, all of which are the same unknown token. Scores of models with
    different vocabularies are therefore comparable only if all tokens of the texts are in both.

    In `weights_`, row j of ``embedding_0.weight`` and of ``head.weight`` belongs to code j + 1 of
    `encoder_`, and the last row to code 0, the unknown token. If no text of `fit` has an unknown
    token, its vector is the mean of the others, unless `word_dropout` trains it. With
    `tie_embeddings` there is no ``embedding_0.weight``. With `adaptive_softmax`, ``head.weight``
    has rows for the first tokens, and behind them one row for each group of rarer ones; the first
    group has the arrays ``tail_0_projection.weight`` and ``tail_0.weight``, and so on.

    Labels or vectors of texts (y) become the states with which the network begins. Each label, or
    element of a vector, has a fixed random pattern of 1 and -1 over the units. The patterns are not
    learned; the weights learn what they mean.

    References
    ----------
    {references}
    .. [9] T. Mikolov et al., "Recurrent neural network based language model", INTERSPEECH 2010.

    Examples
    --------
    >>> from sklearn_rnn.language import RNNLanguageModel
    >>> names = ["anna", "hannah", "ann", "nan", "hana", "anan"] * 20
    >>> model = RNNLanguageModel(16, analyzer="char", max_iter=20, tol=0, random_state=0)
    >>> model = model.set_params(n_iter_no_change=20, learning_rate="cosine").fit(names)
    >>> model.score(names) > -1
    True
    >>> len(model.sample(3, random_state=0))
    3
    >>> int(model.score_samples(["anna", "xyz"]).argmax())
    0
    """

    _HOLDS = "tokens"
    _KIND = LANGUAGE_MODEL
    _NEEDS_Y = False
    _KEEPS_UNKNOWN = True
    # Fixed: what the networks of other estimators can also be.
    _FIXED = (
        *("mode", "bidirectional", "merge_mode", "pooling", "categorical_features"),
        *("input_noise", "normalize_X", "weights_init"),
    )
    mode = "many_to_many"
    bidirectional = False
    merge_mode = "concat"
    pooling = "last"
    categorical_features = "all"
    input_noise = 0.0
    normalize_X = False
    weights_init = None

    # Set by `fit`.
    classes_: Array
    encoder_: TokenEncoder

    # Made by scikit-learn, for metadata routing.
    set_fit_request: Callable[..., Self]
    set_partial_fit_request: Callable[..., Self]
    set_score_request: Callable[..., Self]

    def __init__(
        self,
        hidden_layer_sizes: Sizes = (100,),
        *,
        cell: Cells = "lstm",
        analyzer: Analyzer = "word",
        token_pattern: str = r"(?u)\b\w\w+\b",
        lowercase: bool = True,
        min_count: Integer = 1,
        max_tokens: Integer | None = None,
        vocabulary: Iterable[str] | None = None,
        input_layers: InputLayers = (),
        connections: Connections | None = None,
        embedding_dim: Dimensions = "auto",
        embedding_init: Vectors = None,
        word_dropout: Number = 0.0,
        tie_embeddings: bool = False,
        adaptive_softmax: Literal["auto"] | SequenceNotStr[Integer] | None = None,
        output_layer_sizes: Sizes = (),
        layer_normalization: Norm | None = None,
        dropout: Number = 0.0,
        output_dropout: Number | None = None,
        input_dropout: Number = 0.0,
        max_grad_norm: Number | None = 1.0,
        max_grad_value: Number | None = None,
        solver: Solver = "adam",
        alpha: Number = 0.0,
        l1_ratio: Number = 0.0,
        bptt: Truncation = 100,
        batch_size: BatchSize = "auto",
        gradient_accumulation_steps: Integer = 1,
        learning_rate: LearningRate = "constant",
        learning_rate_init: Number = 0.005,
        power_t: Number = 0.5,
        warmup: Number = 0.0,
        momentum: Number = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: Number = 0.9,
        beta_2: Number = 0.999,
        epsilon: Number = 1e-8,
        ema_decay: Number | None = None,
        max_iter: Integer = 200,
        max_fun: Integer = 15000,
        shuffle: bool = True,
        tol: Number = 1e-4,
        n_iter_no_change: Number = 10,
        early_stopping: bool = False,
        validation_fraction: Number = 0.1,
        scoring: Scoring = None,
        warm_start: bool = False,
        frozen: Frozen = (),
        random_state: RandomState = None,
        verbose: Verbose = 0,
        label_smoothing: Number = 0.0,
        dtype: DType = "float32",
        memory_budget: Integer | None = None,
        n_threads: Integer | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.analyzer = analyzer
        self.token_pattern = token_pattern
        self.lowercase = lowercase
        self.min_count = min_count
        self.max_tokens = max_tokens
        self.vocabulary = vocabulary
        self.input_layers = input_layers
        self.connections = connections
        self.embedding_dim = embedding_dim
        self.embedding_init = embedding_init
        self.word_dropout = word_dropout
        self.tie_embeddings = tie_embeddings
        self.adaptive_softmax = adaptive_softmax
        self.output_layer_sizes = output_layer_sizes
        self.layer_normalization = layer_normalization
        self.dropout = dropout
        self.output_dropout = output_dropout
        self.input_dropout = input_dropout
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.bptt = bptt
        self.batch_size = batch_size
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.warmup = warmup
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.ema_decay = ema_decay
        self.max_iter = max_iter
        self.max_fun = max_fun
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.frozen = frozen
        self.random_state = random_state
        self.verbose = verbose
        self.label_smoothing = label_smoothing
        self.dtype = dtype
        self.memory_budget = memory_budget
        self.n_threads = n_threads

    @with_callbacks
    @floating_point_ignored
    def fit(
        self,
        X: TextsLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        X_val: TextsLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        callbacks: Callbacks = None,
    ) -> Self:
        """Fit the model to texts.

        {ctrl_c}

        Parameters
        ----------
        {texts_of_fit}
        y : array-like of shape (n_texts,) or (n_texts, n_given), default=None
            A label or a vector for each text; the model then learns which texts belong to which
            label or vector. The numbers in vectors should not be much larger than 1.
        sample_weight : array-like of shape (n_texts,), default=None
            Weights of the texts. Only their ratios count; texts of weight 0 teach nothing, but
            their tokens are in the vocabulary.
        {groups}
        {validation_of_texts}

        Returns
        -------
        {self}

        Raises
        ------
        {errors_of_fit}

        Warns
        -----
        {warnings_of_fit}
        """
        check("early_stopping", self.early_stopping)
        return self._fit(
            X,
            y,
            sample_weight,
            groups=groups,
            validation=(X_val, y_val, sample_weight_val, None),
            callbacks=callbacks,
            cuts=self.early_stopping and X_val is None,
        )

    @floating_point_ignored
    def partial_fit(
        self,
        X: TextsLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        classes: ArrayLike | None = None,
        learning_rate_init: Number | None = None,
    ) -> Self:
        """Learn from each text once, in minibatches of `batch_size`.

        {continuing}

        The first call, unless `fit` was called before, learns the vocabulary; other tokens of later
        texts are unknown. The parameter `vocabulary` can name the tokens in advance.

        Parameters
        ----------
        {texts_of_fit}
        y : array-like of shape (n_texts,) or (n_texts, n_given), default=None
            The labels or vectors of the texts, as in `fit`.
        sample_weight : array-like of shape (n_texts,), default=None
            Weights of the texts; a weight of 2 doubles the gradient.
        classes : array-like of shape (n_classes,), default=None
            All labels that y can have in any call; None means those of the first call.
        {learning_rate_of_partial_fit}

        Returns
        -------
        {self}

        Raises
        ------
        ValueError
            If a parameter or the texts are not as described, if they do not match the previous fit,
            or with `early_stopping`. Also if the training diverges; what was learned before that
            minibatch is kept.
        """
        return self._fit(
            X,
            y,
            sample_weight,
            incremental=True,
            learning_rate_init=learning_rate_init,
            classes=classes,
        )

    # ---- scores ----

    @floating_point_ignored
    def score_samples(self, X: TextsLike, y: ArrayLike | None = None) -> Floats:
        """Return the log-likelihood of each text.

        Parameters
        ----------
        {texts}

        Returns
        -------
        log_likelihoods : ndarray of shape (n_texts,)
            Natural logarithm of the probability of each text, as float64: the sum over its tokens,
            and its end.

        Raises
        ------
        {errors_of_texts}
        """
        texts, losses = self._losses(X, y)
        result = np.zeros(texts.n_texts)
        if len(texts.kept) > 0:
            result[texts.kept] = -np.add.reduceat(losses, texts.examples.sequences.offsets[:-1])
        return result

    @floating_point_ignored
    def score(
        self, X: TextsLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the mean log-likelihood per token.

        Parameters
        ----------
        {texts}
        {weights_of_texts}

        Returns
        -------
        score : float
            The mean over all tokens of all texts, and their ends; natural logarithm. 0 is the best.

        Raises
        ------
        {errors_of_texts}
        """
        return -self._mean_loss(X, y, sample_weight)

    @floating_point_ignored
    def perplexity(
        self, X: TextsLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the perplexity, ``exp(-score)``.

        A model that chooses among n tokens by chance has a perplexity of n.

        Parameters
        ----------
        {texts}
        {weights_of_texts}

        Returns
        -------
        perplexity : float
            At least 1.

        Raises
        ------
        {errors_of_texts}
        """
        with np.errstate(over="ignore"):
            return float(np.exp(self._mean_loss(X, y, sample_weight)))

    @floating_point_ignored
    def bits_per_token(
        self, X: TextsLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the mean number of bits per token to encode these texts, ``-score / log(2)``.

        Parameters
        ----------
        {texts}
        {weights_of_texts}

        Returns
        -------
        bits : float
            Bits per token; with ``analyzer="char"`` per character.

        Raises
        ------
        {errors_of_texts}
        """
        return self._mean_loss(X, y, sample_weight) / float(np.log(2))

    def _mean_loss(self, X, y, sample_weight):
        texts, losses = self._losses(X, y, sample_weight)
        if len(losses) == 0:
            raise ValueError("`X` must have at least one token to be scored, got none.")
        weights = texts.examples.weights
        return float(np.average(losses, weights=None if weights is None else relative(weights)))

    def _losses(self, X, y, sample_weight=None):
        """Return Texts, and minus the log-likelihood of each of their tokens."""
        model, n_threads = self._fitted_model(), self._threads()
        texts = self._texts(X, y, sample_weight, model.target)
        examples = texts.examples
        states = model.target.beginnings(texts.given, model.network)
        if examples.sequences.n_samples == 0:
            return texts, np.zeros(0)
        weights = None if examples.weights is None else relative(examples.weights)
        examples = replace(examples, initial_state=states, weights=weights)
        evaluation = Evaluation(model.network, examples, n_threads)
        return texts, model.finite(evaluation.row_losses(model.params))

    # ---- generation ----

    @floating_point_ignored
    def sample(
        self,
        n_samples: Integer = 1,
        *,
        prompt: str | SequenceNotStr[str] | None = None,
        y: Any = None,
        max_length: Integer = 100,
        temperature: Number = 1.0,
        top_k: Integer | None = None,
        top_p: Number | None = None,
        random_state: RandomState = None,
    ) -> list[Any]:
        """Write texts: draw token after token with the probabilities of the model.

        The unknown token is never drawn.

        Parameters
        ----------
        n_samples : int, default=1
            Number of texts.
        prompt : str or list of str, default=None
            How all texts begin: a text, or if `fit` got lists of tokens, such a list. It may have
            unknown tokens.
        y : label, array-like of shape (n_given,) or array-like of those, default=None
            The label or vector of the texts, if `fit` got y: one for all texts, or one for each.
        max_length : int, default=100
            Maximum number of tokens after the prompt. A model of one long text always writes this
            number.
        temperature : float, default=1.0
            Outputs before the softmax are divided by this number. Below 1, probable tokens become
            more probable; 0 means always the most probable one.
        top_k : int or None, default=None
            If given, only the `top_k` most probable tokens are drawn (Fan et al., 2018).
        top_p : float or None, default=None
            If given, tokens are drawn only from the smallest set of most probable ones that
            together have at least this probability, after `temperature` and `top_k` (Holtzman et
            al., 2020).
        random_state : int, RandomState instance or None, default=None
            Source of the random numbers. With the same number, text i is the same for any
            `n_samples`.

        Returns
        -------
        texts : list of str, or list of list of str
            Texts with the prompt. Tokens of "word" and of callables are joined by spaces. If `fit`
            got lists of tokens, lists of tokens.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        given = {"n_samples": n_samples, "max_length": max_length, "temperature": temperature}
        given.update(top_k=top_k, top_p=top_p)
        for name, value in given.items():
            SAMPLING[name].check(name, value)
        with naming("random_state"):
            seed = new_seed(check_random_state(random_state))
        model, n_samples = self._fitted_model(), int(n_samples)
        target, network = model.target, model.network
        choice = Choice(float(temperature), top_k, top_p, target.never_drawn)
        states = target.beginnings(given_of_samples(target, y, n_samples), network)
        prompt, rows = read_prompt(prompt, target)
        begin = rows, states, n_samples, int(max_length)
        drawn = generate(network, model.params, *begin, choice, target.stop, seed)
        return continued(prompt, [target.codes_of(each) for each in drawn], target.encoder)

    @floating_point_ignored
    def predict_next_proba(
        self, prompt: str | SequenceNotStr[str] | None = None, *, y: Any = None
    ) -> Array:
        """Return the probability of each token after a prompt.

        Parameters
        ----------
        prompt : str or list of str, default=None
            The beginning of a text, as for `sample`; None means that the text begins.
        y : label or array-like of shape (n_given,), default=None
            The label or vector of the text, if `fit` got y.

        Returns
        -------
        probabilities : ndarray of shape (n_codes,)
            In the order of the codes of `encoder_`: 0 is an unknown token, 1 the start (which never
            follows), 2 the end; `encoder_.vocabulary_` has the others. In the dtype of the network.

        Raises
        ------
        ValueError
            If an argument is not as described.

        Examples
        --------
        >>> from sklearn_rnn.language import RNNLanguageModel
        >>> model = RNNLanguageModel(8, analyzer="char", max_iter=60, random_state=0)
        >>> model = model.set_params(learning_rate="cosine").fit(["ab", "ac", "ab"] * 30)
        >>> p = model.predict_next_proba("a")
        >>> bool(p[model.encoder_.vocabulary_["b"]] > p[model.encoder_.vocabulary_["c"]])
        True
        """
        model = self._fitted_model()
        states = model.target.beginnings(given_of_samples(model.target, y, 1), model.network)
        _, rows = read_prompt(prompt, model.target)
        session, _ = advanced(model.network, model.params, rows[:-1], states, 1)
        outputs = session.step(np.full((1, 1), rows[-1], dtype=np.float64))
        return model.finite(model.target.in_order_of_codes(outputs)[0])

    # For each method: model -> (whether it needs outputs before the link, what decodes them).
    _STREAMED: ClassVar = {
        "predict_next_proba": lambda model: (False, model.target.in_order_of_codes)
    }

    def stream(
        self,
        n_streams: Integer = 1,
        *,
        method: Literal["predict_next_proba"] = "predict_next_proba",
    ) -> Stream:
        """Return a `Stream`, which predicts the next token of texts that arrive token by token.

        Its ``step(codes)`` takes the next code of each text (n_streams,); the first one must be 1,
        the start. It returns the probabilities of the token after it, (n_streams, n_codes), as
        `predict_next_proba` does.

        Parameters
        ----------
        n_streams : int, default=1
            Number of texts, which advance together.
        method : str, default="predict_next_proba"
            The only method whose results ``step`` can return.

        Returns
        -------
        stream : Stream
            With the methods ``step(codes)``, ``reset(rows)`` and ``reorder(rows)``, and the
            attribute ``state``.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        return super().stream(n_streams, method=method)

    # ---- reading ----

    def _read_X(self, model, X):
        texts = self._texts(X, None, None, model.target, needs_y=False)
        if len(texts.kept) < texts.n_texts:
            raise ValueError(
                "`X` must have at least one token in each text, but text "
                f"{int(np.setdiff1d(np.arange(texts.n_texts), texts.kept)[0])} has none."
            )
        return texts.examples.sequences

    def _read_and_learn(self, given, before, incremental, learn_options):
        """Read texts, learn the vocabulary if there is no model before, and return a `ReadTexts`.

        With `cuts`, one long text is cut where its held-out part begins.
        """
        X, y, sample_weight, _ = given
        cuts, classes = (learn_options.get(name) for name in ("cuts", "classes"))
        is_long = isinstance(X, str)
        documents = [X] if is_long else X
        if before is None:
            encoder = TokenEncoder(**{name: getattr(self, name) for name in ENCODING})
            encoder.set_params(boundaries=True)
            codes = encoder.fit_transform(documents)
            target = NextTokens(encoder, has_stops=not is_long)
            target = target.with_given(y, len(codes), classes)
        else:
            target = before.target
            target.check_classes(classes)
            self._check_encoding(target.encoder)
            codes = target.encoder.transform(documents)
        texts = as_texts(codes, y, sample_weight, target)
        examples, kept, given = texts.examples, texts.kept, texts.given
        if not incremental:
            weights = without_equal_weights(examples.weights)
            examples = replace(examples, weights=None if weights is None else relative(weights))
        with_weight = np.flatnonzero(examples.have_weight()) if len(kept) > 0 else kept
        if len(with_weight) == 0:
            raise ValueError("`X` must have at least one token to learn from.")
        if len(with_weight) < len(kept):
            examples, kept = examples.take(with_weight), kept[with_weight]
            given = None if given is None else given[with_weight]
        if cuts and not target.has_stops and len(kept) == 1:
            examples = self._cut(examples)
            kept, given = np.repeat(kept, 2), None if given is None else np.repeat(given, 2, axis=0)
        form = InputForm("sequences", 1)
        facts = texts.n_texts, examples, kept, form, target.categories, target, None
        unknown = bool((examples.sequences.values == target.rows_of(0)).any())
        return ReadTexts(*facts, learns_unknown=unknown, given=given)

    def _cut(self, examples):
        """Return the examples of one text in two parts, the last of which is to be held out."""
        sequences, n = examples.sequences, examples.sequences.n_steps
        n_val = int(np.ceil(self.validation_fraction * n))
        if n_val < 2 or n_val >= n:
            raise ValueError(
                "`validation_fraction` must leave at least 2 tokens to validate and 1 to train "
                f"on, but {self.validation_fraction} of the number of tokens, {n}, is {n_val}. "
                "Change it, or pass `X_val`."
            )
        offsets = np.array([0, n - n_val, n], dtype=np.intp)
        return replace(examples, sequences=replace(sequences, offsets=offsets))

    def _hold_out(self, read, given, validation, network, rng):
        """See `_RNNBase`; of one long text, the last part is held out."""
        X_val, y_val, weight_val, _ = validation
        examples, target = read.examples, read.target
        if not self.early_stopping or (X_val is None and (target.has_stops or read.n_samples > 1)):
            return super()._hold_out(read, given, validation, network, rng)
        if X_val is not None:
            texts = self._texts(X_val, y_val, weight_val, target, names=arguments.VALIDATION)
            if len(texts.kept) == 0:
                raise ValueError("`X_val` must have at least one token to be scored.")
            states = target.beginnings(texts.given, network)
            held_out = replace(texts.examples, initial_state=states)
            given = X_val, y_val, weight_val
            return np.arange(examples.sequences.n_samples), HeldOut(
                held_out, *given, None, is_given=True
            )
        held_out, X = examples.take(np.array([1])), None
        if callable(self.scoring):  # nothing else reads the text itself
            X = target.encoder.inverse_transform([target.codes_of(held_out.targets)])[0]
        _, y, _ = given[:-1]
        return np.zeros(1, dtype=np.intp), HeldOut(held_out, X, y, None, None, is_given=True)

    def _texts(self, X, y, sample_weight, target, *, names=arguments.TRAINING, needs_y=True):
        """Return texts as `Texts`, encoded as in fit."""
        X_name, *others = names
        with naming(X_name):
            codes = target.encoder.transform([X] if isinstance(X, str) else X)
        return as_texts(codes, y, sample_weight, target, others, needs_y)

    def _check_encoding(self, encoder):
        """Refuse parameters of the encoder that have changed since the first fit."""
        for name in ENCODING:
            before, now = getattr(encoder, name), getattr(self, name)
            if name == "vocabulary" and None not in (before, now):
                before, now = list(before), list(now)
            if before is not now and before != now:
                raise ValueError(
                    f"`{name}` must not change between a fit and its continuation (warm_start, "
                    f"partial_fit): the fitted encoder has {name}={before!r}, got {now!r}."
                )

    def _tables(self, categories, vectors, known):
        """See `_RNNBase`; a table that is tied to the weights of the output has their width."""
        ((column, rows, width),) = super()._tables(categories, vectors, known)
        if not self.tie_embeddings:
            return ((column, rows, width),)
        wanted = Words.of(self._params()).width_of_output
        is_auto = isinstance(self.embedding_dim, str) and vectors is None
        if not is_auto and width != wanted:
            raise ValueError(
                f"`embedding_dim` must be {wanted} with tie_embeddings=True, the number of units "
                f"that the output reads; got {width}."
            )
        return ((column, rows, wanted),)

    def _given_vectors(self, read):
        """Return the given vectors of tokens as rows of the table, or None."""
        if self.embedding_init is None:
            return None
        with naming("embedding_init"):
            vectors = read.target.encoder.vectors(self.embedding_init)
        return vectors_of(vectors, read.categories, self.dtype)

    def _params_of(self, network, attributes):
        encoder, ((_, _, dimension),) = attributes["encoder_"], network.tables
        return {**{name: getattr(encoder, name) for name in ENCODING}, "embedding_dim": dimension}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = False
        tags.target_tags.required = False
        return tags
