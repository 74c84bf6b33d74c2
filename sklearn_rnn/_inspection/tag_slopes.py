"""The gradient of the probability of one tag, with transitions, with respect to all scores."""

from __future__ import annotations

import numpy as np


def slopes_of_tags(scores, offsets, rows, tags, transitions):
    """Return the gradient of one probability per sequence with respect to the scores of its steps.

    scores (n_steps, n_tags): what the network gives for each step. rows, tags (n_samples,): the
    step whose tag has the probability. transitions: scores of pairs of tags (n_tags, n_tags), of
    the first tag and of the last (n_tags,).

    The gradient is the covariance of two tags: p times (probabilities given that the tag is this
    one, minus probabilities), where p is the probability of the tag.
    """
    lengths, places = np.diff(offsets), rows - offsets[:-1]
    is_step = np.arange(lengths.max()) < lengths[:, np.newaxis]
    padded = np.zeros((*is_step.shape, scores.shape[1]))
    padded[is_step] = scores
    plain = _probabilities(padded, lengths, *transitions)
    each = np.arange(len(lengths))
    p = plain[each, places, tags]
    given = padded.copy()
    given[each, places] = -np.inf
    given[each, places, tags] = 0.0
    given = _probabilities(given, lengths, *transitions)
    given[p == 0] = plain[p == 0]  # tags that may not follow each other
    return (p[:, np.newaxis, np.newaxis] * (given - plain))[is_step]


def _probabilities(scores, lengths, pairs, start, end):
    """Return the probability of each tag at each step, both (n_samples, n_timesteps, n_tags)."""
    n_timesteps = scores.shape[1]
    before, after = np.empty(scores.shape), np.empty(scores.shape)
    before[:, 0] = start
    for t in range(1, n_timesteps):
        from_tags = (before[:, t - 1] + scores[:, t - 1])[:, :, np.newaxis] + pairs
        before[:, t] = np.logaddexp.reduce(from_tags, axis=1)
    after[:, -1] = end
    for t in range(n_timesteps - 2, -1, -1):
        to_tags = (after[:, t + 1] + scores[:, t + 1])[:, np.newaxis] + pairs
        is_last = (t == lengths - 1)[:, np.newaxis]
        after[:, t] = np.where(is_last, end, np.logaddexp.reduce(to_tags, axis=2))
    logs = before + scores + after
    with np.errstate(invalid="ignore"):
        return np.exp(logs - np.logaddexp.reduce(logs, axis=2, keepdims=True))
