"""Texts, or lists of tokens, as sequences of integer codes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._data import arguments
from ._data.unpacking import as_objects
from ._documentation import Documented
from ._estimators.advice import level_of_caller
from ._pickles import Pickled
from ._rules import Allowed, boolean, either, integer
from ._text import bpe
from ._text.analyzers import NAMES, TOKEN_PATTERN, analyzer_of, check_pattern, listed, text_of
from ._text.codes import (
    STOP,
    check_codes,
    check_fitted,
    count,
    decode,
    encode,
    given_vocabulary,
    lay_out,
    number,
    read_codes,
    vocabulary,
)
from ._text.factors import ALLOWED, LOWER, SHAPE, TOKEN, is_factor, name_of, values_of
from ._text.reading import read_documents
from ._text.vectors import rows_of
from ._typing import Analyzer, Array, ArrayLike, Integer, KeyedVectors, SequenceNotStr

__all__ = ["TokenEncoder"]

_RULES = {
    "analyzer": Allowed(
        lambda value: callable(value) or (isinstance(value, str) and value in NAMES),
        "one of " + ", ".join(map(repr, NAMES)) + " or a callable",
    ),
    "factors": Allowed(
        lambda value: (
            len(value) > 0 and all(map(is_factor, value))
            if isinstance(value, (list, tuple))
            else is_factor(value)
        ),
        f"one or a list of {ALLOWED}",
    ),
    "lowercase": boolean,
    "min_count": integer(1),
    "max_tokens": either(None, integer(1)),
    "vocabulary": Allowed(
        lambda value: (
            value is None
            or (isinstance(value, Iterable) and not isinstance(value, (str, bytes, Set, Iterator)))
        ),
        "None or an iterable of str in an order, such as a list",
    ),
    "unknown": Allowed(lambda value: isinstance(value, str), "a str"),
    "boundaries": boolean,
}


class TokenEncoder(Pickled, TransformerMixin, Documented, auto_wrap_output_keys=None):
    """Encode texts, or lists of tokens, as sequences of integer codes.

    The code of a token is its place in the vocabulary that `fit` learns, which begins with the most
    frequent token. Code 0 stands for all tokens that are not in the vocabulary. In a `Pipeline`
    before an estimator with ``categorical_features="all"``, each code becomes a vector that the
    network learns.

    Parameters
    ----------
    analyzer : {"word", "char", "bpe"} or callable, default="word"
        What the tokens of a text are. "word": what matches `token_pattern`. "char": its characters
        (code points). "bpe": pieces of words, learned by byte-pair encoding [1]_ of the bytes of
        the texts; this needs the package ``tokenizers`` (``pip install 'sklearn-rnn[text]'``). A
        callable takes a text, as it is, and returns a list of str. Lists of tokens are not
        analysed.
    token_pattern : str, default="(?u)\\\\b\\\\w\\\\w+\\\\b"
        Regular expression of the tokens of "word": as in `CountVectorizer`, words of at least two
        letters, digits or underscores, without punctuation. If it has a group, the token is what
        matches this group. ``r"\\w+|[^\\w\\s]"`` keeps short words and punctuation.
    factors : str, callable, or list of those, default="token"
        What is encoded of each token: "token" (the token itself), "lower" (the token in lowercase),
        "shape" (X, x or d for each run of capitals, other letters or digits: "Xx-d" for
        "Boeing-747"), "prefix3" or "suffix3" (its first or last 3 characters; any number from 1 to
        99), or what a callable returns for it (a str). A list gives several codes per token, side
        by side, each with a vocabulary of its own. With "bpe" only "token".
    lowercase : bool, default=True
        If True, texts are lowercased before they are analysed. If `factors` has "shape", they are
        analysed as they are, and the tokens are lowercased for all factors except "shape". It has
        no effect on lists of tokens and on the texts that a callable analyses: if `fit` gets lists
        with capitals and `transform` gets texts, set it to False.
    min_count : int, default=1
        How often a token must occur in `fit` to get a code of its own. With "bpe": how often a pair
        of pieces must occur to become one piece.
    max_tokens : int or None, default=None
        Maximum number of tokens with a code of their own: the most frequent ones. Code 0 and the
        codes of `boundaries` do not count. None means no limit, except for "bpe", which learns at
        most 30,000 pieces. Pieces of one byte are kept in any case.
    vocabulary : iterable of str or None, default=None
        The tokens with a code of their own, in the order of codes, whatever texts `fit` gets;
        `min_count` and `max_tokens` do not apply. Codes are then the same in each fold of a
        cross-validation, as `embedding_init` needs. If `factors` is a list, it is the vocabulary of
        "token" (or "lower"), and those of other factors are learned. Not for "bpe".
    unknown : str, default="<unk>"
        What `inverse_transform` writes for code 0.
    boundaries : bool, default=False
        If True, each text begins with the code 1 and ends with the code 2, and tokens have the
        codes from 3.

    Attributes
    ----------
    vocabulary_ : dict or list of dict
        Codes by tokens, in the order of codes: by decreasing count, then by token ("bpe": all
        pieces). If `factors` is a list, one dict for each of them.
    n_codes_ : int or list of int
        Number of codes, with code 0 and those of `boundaries`. If `factors` is a list, one number
        for each of them.

    See Also
    --------
    sklearn.feature_extraction.text.CountVectorizer : Counts tokens, without their order.

    Notes
    -----
    Texts are never normalised, except for `lowercase`: two ways to write the same letter ("é" as
    one code point, or as "e" and a combining accent) are different tokens, and a combining accent
    ends a token of "word". Use ``unicodedata.normalize("NFC", text)`` before, where texts differ in
    this. With "char" and "bpe", if ``lowercase=False`` and no token is unknown, `inverse_transform`
    returns exactly the texts that `transform` got.

    There is no `set_output`, because the result is not a table.

    References
    ----------
    .. [1] R. Sennrich, B. Haddow and A. Birch, "Neural Machine Translation of Rare Words with
       Subword Units", ACL 2016.

    Examples
    --------
    >>> from sklearn_rnn.text import TokenEncoder
    >>> encoder = TokenEncoder().fit(["the cat sat", "the dog sat", "the cow"])
    >>> encoder.vocabulary_
    {'the': 1, 'sat': 2, 'cat': 3, 'cow': 4, 'dog': 5}
    >>> encoder.transform(["the dog barked"])[0]
    array([1, 5, 0], dtype=int32)
    >>> encoder.inverse_transform([[1, 5, 0]])
    ['the dog <unk>']

    A classifier of texts:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_rnn import RNNClassifier
    >>> texts = ["very good", "good", "not good", "bad", "very bad", "not bad"] * 5
    >>> labels = [1, 1, 0, 0, 0, 1] * 5
    >>> rnn = RNNClassifier(8, categorical_features="all", embedding_dim=4, random_state=0)
    >>> make_pipeline(TokenEncoder(), rnn).fit(texts, labels).predict(["not bad", "not good"])
    array([1, 0])
    """

    _STATE_FORMAT = 1

    # Set by `fit`.
    n_codes_: Any  # an int; a list of these if `factors` is a list
    vocabulary_: Any  # a dict from str to int, or a list of these

    def __init__(
        self,
        analyzer: Analyzer = "word",
        *,
        token_pattern: str = TOKEN_PATTERN,
        factors: str | Callable[[str], Any] | SequenceNotStr[str | Callable[[str], Any]] = "token",
        lowercase: bool = True,
        min_count: Integer = 1,
        max_tokens: Integer | None = None,
        vocabulary: Iterable[str] | None = None,
        unknown: str = "<unk>",
        boundaries: bool = False,
    ) -> None:
        self.analyzer = analyzer
        self.token_pattern = token_pattern
        self.factors = factors
        self.lowercase = lowercase
        self.min_count = min_count
        self.max_tokens = max_tokens
        self.vocabulary = vocabulary
        self.unknown = unknown
        self.boundaries = boundaries

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : array-like of str, or of lists of str, of shape (n_samples,)
            Texts, or lists of tokens: a list, tuple, array, or a column of pandas, polars or
            pyarrow.
        y : None
            Ignored.

        Returns
        -------
        self : TokenEncoder
            Fitted encoder.

        Raises
        ------
        ValueError, TypeError
            If a parameter is not as described, `X` holds anything else than texts or than lists of
            tokens (the message says where), or no token gets a code.
        ImportError
            If the package ``tokenizers`` is missing, with ``analyzer="bpe"``.
        """
        self._learn(X)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> Array:
        """Learn the vocabulary, and encode the same texts.

        Parameters
        ----------
        X : array-like of str, or of lists of str, of shape (n_samples,)
            Texts, or lists of tokens, as for `fit`.
        y : None
            Ignored.

        Returns
        -------
        codes : object array of ndarray, of shape (n_samples,)
            As `transform` returns them.

        Raises
        ------
        ValueError, TypeError, ImportError
            As `fit`.
        """
        return self._encode(*self._learn(X))

    def transform(self, X: ArrayLike) -> Array:
        """Encode texts or lists of tokens.

        Parameters
        ----------
        X : array-like of str, or of lists of str, of shape (n_samples,)
            Texts, or lists of tokens, in any form that `fit` takes. A text without tokens becomes
            one unknown token, since a sequence must have a step (but not with `boundaries`).

        Returns
        -------
        codes : object array of ndarray, of shape (n_samples,)
            Codes of each text, int32 of shape (n_tokens_i,); if `factors` is a list,
            (n_tokens_i, n_factors).

        Raises
        ------
        ValueError, TypeError
            If `X` holds anything else than texts or than lists of tokens (the message says where).
            Unknown tokens are no error.
        """
        check_is_fitted(self)
        documents, are_texts = read_documents(X, arguments.X)
        if are_texts and self._is_bpe() and self._model is None:
            raise ValueError(
                "`X` must hold lists of tokens, as in fit: analyzer='bpe' learns the pieces of "
                "texts only from texts."
            )
        numbered = self._number(documents, are_texts, self._model)
        if are_texts and not self._of_texts and len(documents) > 1 and max(numbered.lengths) <= 1:
            warnings.warn(
                f"`X` holds {len(documents)} texts of one token at most, but `fit` got lists of "
                "tokens. If `X` is one list of tokens, pass [X].",
                stacklevel=level_of_caller(),
            )
        return self._encode(numbered, are_texts)

    def inverse_transform(self, X: ArrayLike) -> list[Any]:
        """Return the texts, or lists of tokens, with these codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_tokens[, n_factors]), or list, tuple or object array \
of (n_tokens_i,) or (n_tokens_i, n_factors)
            Codes. If `factors` is a list, only those of "token" (or "lower") are read.

        Returns
        -------
        texts : list of str, or list of list of str
            If `fit` saw texts, their tokens, with spaces between them except for "char" and "bpe".
            Otherwise lists of tokens. Code 0 becomes `unknown`; codes of `boundaries` are left out.

        Raises
        ------
        ValueError
            If `X` holds anything else than codes, or no factor is the token.
        """
        check_is_fitted(self)
        j = self._token_factor()
        packed = read_codes(X, len(self._factor_list()), arguments.X)
        codes = check_codes(packed, j, self._n_codes()[j], arguments.X)
        documents = decode(codes, packed.offsets, self._vocabularies()[j])
        if self._of_texts:
            return [text_of(tokens, self.analyzer, self.unknown) for tokens in documents]
        return [[self.unknown if t is None else t for t in tokens] for tokens in documents]

    def vectors(self, keyed_vectors: Mapping[str, Any] | KeyedVectors) -> Any:
        """Return given vectors of tokens in the order of codes.

        Parameters
        ----------
        keyed_vectors : dict or mapping
            Vectors of one length by tokens, for example `KeyedVectors` of gensim.

        Returns
        -------
        vectors : ndarray of shape (n_codes, n_dimensions)
            Row c has the vector of the token with code c. Rows of tokens without a vector, of
            code 0 and of `boundaries` are NaN. If `factors` is a list, the codes are those of
            "token" (or "lower").

        Raises
        ------
        ValueError
            If no token has a vector, or vectors are not finite numbers of one length.

        Notes
        -----
        For `embedding_init` of a network in a `Pipeline`, set `vocabulary`: otherwise each fit of
        the pipeline learns codes of its own, to which the vectors would not belong.

        Examples
        --------
        >>> from sklearn_rnn.text import TokenEncoder
        >>> encoder = TokenEncoder().fit(["the cat sat", "the dog"])
        >>> encoder.vocabulary_
        {'the': 1, 'cat': 2, 'dog': 3, 'sat': 4}
        >>> encoder.vectors({"cat": [1.0, 2.0], "dog": [3.0, 4.0], "cow": [5.0, 6.0]})
        array([[nan, nan],
               [nan, nan],
               [ 1.,  2.],
               [ 3.,  4.],
               [nan, nan]])
        """
        check_is_fitted(self)
        j = self._token_factor()
        return rows_of(keyed_vectors, self._vocabularies()[j], self._n_codes()[j])

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Name what each step of the result holds.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of str of shape (n_factors,)
            The names of `factors`.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        """
        check_is_fitted(self)
        return np.array([name_of(factor) for factor in self._factor_list()], dtype=object)

    def _upgraded(self, state, state_format):
        if "vocabulary_" in state:
            check_fitted(state)
        return state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    # ---- factors ---------------------------------------------------------------------------------

    def _factor_list(self):
        return self.factors if isinstance(self.factors, (list, tuple)) else [self.factors]

    def _vocabularies(self):
        """Return the vocabulary of each factor."""
        return [self.vocabulary_] if isinstance(self.vocabulary_, dict) else self.vocabulary_

    def _n_codes(self):
        """Return the number of codes of each factor."""
        return self.n_codes_ if isinstance(self.n_codes_, list) else [self.n_codes_]

    def _token_factor(self):
        """Return the number of the factor that is the token."""
        factors = self._factor_list()
        for factor in (TOKEN, LOWER):
            if factor in factors:
                return factors.index(factor)
        raise ValueError(
            f"`factors` must contain 'token' (or 'lower') to tell which token a code stands for, "
            f"got {self.factors!r}."
        )

    # ---- fitting ---------------------------------------------------------------------------------

    def _learn(self, X):
        """Learn from documents, and return them as numbers."""
        self._check_parameters()
        documents, are_texts = read_documents(X, arguments.X)
        model = None
        if are_texts and self._is_bpe():
            texts = self._lowercased(documents)
            model = bpe.learn(texts, self.min_count, self.max_tokens)
        numbered = self._number(documents, are_texts, model)
        counts = np.bincount(numbered.numbers, minlength=len(numbered.distinct))
        first = STOP + 1 if self.boundaries else 1
        vocabularies = [
            self._learned(count(values, counts), first, model)
            for values in self._values(numbered.distinct, are_texts)
        ]
        if self.vocabulary is not None:
            vocabularies[self._token_factor()] = given_vocabulary(self.vocabulary, first)
        elif not all(vocabularies):
            raise ValueError(self._why_empty(counts))
        n_codes = [first + len(learned) for learned in vocabularies]
        several = isinstance(self.factors, (list, tuple))
        self.vocabulary_ = vocabularies if several else vocabularies[0]
        self.n_codes_ = n_codes if several else n_codes[0]
        self._model, self._of_texts, self._first = model, are_texts, first
        return numbered, are_texts

    def _with_vocabulary(self, tokens, model, of_texts):
        """Set what a fit would have learned, and return the encoder; tokens: in order of codes."""
        first = STOP + 1 if self.boundaries else 1
        self.vocabulary_ = {token: first + i for i, token in enumerate(tokens)}
        self.n_codes_ = first + len(tokens)
        self._model, self._of_texts, self._first = model, of_texts, first
        return self

    def _learned(self, counts, first, model):
        """Return the vocabulary of tokens with these counts, or of the pieces of a model."""
        if model is None:
            return vocabulary(counts, first, self.min_count, self.max_tokens)
        return vocabulary({piece: counts[piece] for piece in bpe.tokens_of(model)}, first, 0)

    def _check_parameters(self):
        for name, rule in _RULES.items():
            rule.check(name, getattr(self, name))
        check_pattern(self.token_pattern)
        if self.vocabulary is not None:
            self._token_factor()
        if self._is_bpe():
            if self.factors != TOKEN:
                raise ValueError(
                    f"`factors` must be 'token' with analyzer='bpe', got {self.factors!r}: pieces "
                    "of bytes have no other."
                )
            if self.vocabulary is not None:
                raise ValueError("`vocabulary` must be None with analyzer='bpe', which learns it.")

    def _is_bpe(self):
        return isinstance(self.analyzer, str) and self.analyzer == "bpe"

    def _why_empty(self, counts):
        if counts.size == 0:
            advice = "; see `token_pattern`" if self.analyzer == "word" else ""
            return f"`X` must have at least one token: no text has any{advice}."
        return (
            "`min_count` must not exceed the count of the most frequent token, got "
            f"{self.min_count}: no token would have a code."
        )

    # ---- encoding --------------------------------------------------------------------------------

    def _encode(self, numbered, are_texts):
        """Return the codes of documents, of which `_number` made numbers."""
        distinct = numbered.distinct
        values = self._values(distinct, are_texts)
        known = self._vocabularies()
        tables = [encode(own, codes) for own, codes in zip(values, known, strict=True)]
        codes = np.stack(tables, axis=1)[numbered.numbers]
        packed = lay_out(codes, numbered.lengths, self._first > 1)
        items = packed.cut()
        return as_objects(
            items if isinstance(self.factors, (list, tuple)) else [item[:, 0] for item in items]
        )

    def _tokens_of(self, X, i):
        """Return the tokens of X[i], one for each step of its codes; "" for a boundary."""
        documents, are_texts = read_documents(X, arguments.X)
        numbered = self._number([documents[i]], are_texts, self._model)
        tokens = [numbered.distinct[number] for number in numbered.numbers]
        return ["", *tokens, ""] if self._first > 1 else tokens or [self.unknown]

    def _number(self, documents, are_texts, model):
        """Return the tokens of documents as numbers."""
        if not are_texts:
            return number(documents, listed)
        return number(
            self._lowercased(documents), analyzer_of(self.analyzer, self.token_pattern, model)
        )

    def _lowercased(self, texts):
        """Return texts as the analyzer gets them."""
        as_they_are = callable(self.analyzer) or not self.lowercase or self._keeps_case()
        return texts if as_they_are else [text.lower() for text in texts]

    def _keeps_case(self):
        """Tell whether tokens of texts have the case of the text, because a factor needs it."""
        return SHAPE in self._factor_list()

    def _values(self, tokens, are_texts):
        """Return a list for each factor with its values for some tokens."""
        of_analyzer = are_texts and not callable(self.analyzer)
        lowercase = self.lowercase and of_analyzer and self._keeps_case()
        return [values_of(factor, tokens, lowercase) for factor in self._factor_list()]
