"""Greedy and beam search, on languages small enough to list all of their sentences."""

from itertools import product

import numpy as np
import pytest

from sklearn_rnn._model.decoding import beam_search, greedy, log_softmax

STOP = 3  # and three other tokens


class Language:
    """Random outputs for each sequence and each beginning; `step` and `reorder` of a decoder."""

    def __init__(self, seeds, n_tokens=STOP + 1):
        self.n_tokens = n_tokens
        self.rows = [(seed, ()) for seed in seeds]
        self.n_steps = 0

    def outputs(self, seed, tokens):
        key = [seed, len(tokens), *map(int, tokens)]
        return np.random.default_rng(key).normal(scale=2.0, size=self.n_tokens)

    def step(self, tokens):
        self.n_steps += 1
        assert len(tokens) == len(self.rows)
        self.rows = [
            (seed, (*past, token)) for (seed, past), token in zip(self.rows, tokens, strict=True)
        ]
        return np.array([self.outputs(*row) for row in self.rows])

    def reorder(self, rows):
        self.rows = [self.rows[row] for row in rows]

    def log_likelihood(self, seed, tokens, stops):
        """Return that of tokens, and of the stop behind them."""
        past, total = (STOP,), 0.0
        for token in (*tokens, *([STOP] if stops else [])):
            total += log_softmax(self.outputs(seed, past)[np.newaxis])[0, token]
            past = (*past, token)
        return total


def all_answers(seed, max_length, penalty):
    """List (value, tokens, log-likelihood) of all answers, best first."""
    found = []
    for n in range(max_length + 1):
        stops = n < max_length
        for tokens in product(range(STOP), repeat=n):
            log_likelihood = Language([]).log_likelihood(seed, tokens, stops)
            found.append((log_likelihood / (n + stops) ** penalty, tokens, log_likelihood))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("max_length", [1, 2, 4])
def test_a_beam_with_room_for_all_finds_the_best_of_all_answers(max_length, penalty):
    seeds, width = [5, 6, 7], STOP**max_length * 2
    found = beam_search(Language(seeds), len(seeds), STOP, width, max_length, penalty)
    for seed, answers in zip(seeds, found, strict=True):
        expected = all_answers(seed, max_length, penalty)
        assert len(answers) == len(expected)
        for answer, (_, tokens, log_likelihood) in zip(answers, expected, strict=True):
            assert tuple(answer.tokens) == tokens
            np.testing.assert_allclose(answer.log_likelihood, log_likelihood, atol=1e-12)


@pytest.mark.parametrize("width", [2, 3, 9])
def test_a_narrow_beam_finds_as_many_answers_with_their_log_likelihoods(width):
    seeds, max_length = range(20), 6
    language = Language(seeds)
    for seed, answers in zip(
        seeds, beam_search(language, 20, STOP, width, max_length, 0.0), strict=True
    ):
        assert len(answers) == width == len({tuple(answer.tokens) for answer in answers})
        values = [answer.log_likelihood for answer in answers]
        assert values == sorted(values, reverse=True)
        for answer in answers:
            stops = len(answer.tokens) < max_length
            expected = language.log_likelihood(seed, answer.tokens, stops)
            np.testing.assert_allclose(answer.log_likelihood, expected, atol=1e-12)


def test_wider_beams_find_better_answers_on_average():
    found = [beam_search(Language(range(50)), 50, STOP, width, 6, 0.0) for width in (1, 3, 30)]
    means = [np.mean([answers[0].log_likelihood for answers in each]) for each in found]
    assert means == sorted(means) and means[0] < means[2]


def test_a_beam_of_one_is_greedy_search():
    expected = greedy(Language(range(30)), 30, STOP, 5)
    found = beam_search(Language(range(30)), 30, STOP, 1, 5, 1.0)
    assert {len(tokens) for tokens in expected} >= {0, 1, 2, 5}
    for tokens, (answer,) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(answer.tokens, tokens)


@pytest.mark.parametrize("search", [greedy, lambda *args: beam_search(*args[:3], 4, args[3], 1.0)])
def test_answers_do_not_depend_on_their_neighbours(search):
    together = search(Language(range(8)), 8, STOP, 5)
    for seed in range(8):
        (alone,) = search(Language([seed]), 1, STOP, 5)
        assert str(alone) == str(together[seed])


def test_a_beam_wider_than_the_vocabulary_has_all_there_is():
    (answers,) = beam_search(Language([0]), 1, STOP, 1000, 1, 1.0)
    assert len(answers) == STOP + 1


def test_search_ends_when_all_have_stopped():
    class Silent(Language):
        def outputs(self, seed, tokens):
            return np.eye(STOP + 1)[STOP]

    language = Silent(range(3))
    assert [len(tokens) for tokens in greedy(language, 3, STOP, 50)] == [0, 0, 0]
    assert language.n_steps == 1
    language = Silent(range(3))
    beam_search(language, 3, STOP, 1, 50, 1.0)
    assert language.n_steps == 1
