"""Texts and prompts as a language model reads them, and texts as it writes them."""

from dataclasses import dataclass, replace

import numpy as np

from .._data import arguments
from .._data.arguments import Argument, naming
from .._data.weights import read_weights
from .._training.examples import Examples
from .reading import Read

PROMPT = Argument("prompt")


@dataclass(frozen=True, eq=False)
class ReadTexts(Read):
    """What `fit` read and learned from texts."""

    given: np.ndarray | None = None  # (n_samples, n_given) vectors of the texts with steps

    def with_states(self, state, network):
        """Add the states with which the texts begin."""
        states = self.target.beginnings(self.given, network)
        return replace(self, examples=replace(self.examples, initial_state=states))


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts as a fitted model reads them; those of no steps are left out."""

    examples: Examples
    kept: np.ndarray  # (n_kept,) their numbers
    n_texts: int
    given: np.ndarray | None


def as_texts(codes, y, sample_weight, target, names=arguments.TRAINING[1:], needs_y=True):
    """Return `Texts`; codes: those of the texts, as the encoder returns them."""
    (y_name, weight_name), n_texts = names, len(codes)
    given = target.given(y, n_texts, y_name) if needs_y else None
    sequences, targets = target.sequences(codes)
    weights = read_weights(sample_weight, sequences, False, weight_name)
    if weights is not None:
        weights = np.repeat(weights, sequences.lengths)
    examples, kept = Examples(sequences, targets, weights, True), np.arange(n_texts)
    if sequences.lengths.min() == 0:
        kept = np.flatnonzero(sequences.lengths > 0)
        examples = replace(examples, sequences=sequences.take(kept))
        given = None if given is None else given[kept]
    return Texts(examples, kept, n_texts, given)


def read_prompt(prompt, target):
    """Return a prompt as a text or as tokens, and the rows of what the network reads of it."""
    encoder = target.encoder
    if prompt is None:
        prompt = "" if encoder._of_texts else []
    if encoder._of_texts != isinstance(prompt, str):
        wanted = "a str" if encoder._of_texts else "a list of str, as the texts of fit"
        raise ValueError(f"`prompt` must be {wanted}, got {type(prompt).__name__}.")
    with naming(PROMPT):
        return prompt, target.rows_of(encoder.transform([prompt])[0][:-1])


def given_of_samples(target, y, n_samples):
    """Return the vectors of samples (n_samples, n_given), or None; y: one for all, or one each."""
    if y is None:
        return target.given(None, n_samples)
    is_label = target.labels is not None
    is_one = np.ndim(y) == (0 if is_label else 1) or isinstance(y, str)
    return target.given([y] * n_samples if is_one else y, n_samples)


def continued(prompt, drawn, encoder):
    """Return a list with the prompt and what follows, as texts or as lists of tokens."""
    following = encoder.inverse_transform(drawn)
    if not encoder._of_texts:
        return [[*prompt, *tokens] for tokens in following]
    joined = isinstance(encoder.analyzer, str) and encoder.analyzer in ("char", "bpe")
    between = "" if joined or not prompt else " "
    return [prompt + (between + text if text else "") for text in following]
