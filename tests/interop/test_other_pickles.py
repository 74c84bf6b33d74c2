"""Models are kept by cloudpickle and skops."""

import pickle

import cloudpickle
import numpy as np
import skops.io
from kept_models import assert_equally_good

from sklearn_rnn.preprocessing import SequenceScaler


def by_skops(thing):
    """Copy by skops, which must not need trust in anything but our own classes."""
    data = skops.io.dumps(thing)
    untrusted = skops.io.get_untrusted_types(data=data)
    parts = [thing]
    for name in ("cell", "input_layers", "pooling"):
        value = getattr(thing, name, ())
        parts += value if isinstance(value, (list, tuple)) else [value]
    ours = {type(part) for part in parts if not isinstance(part, str)}
    assert set(untrusted) == {f"{c.__module__}.{c.__name__}" for c in ours}
    return skops.io.loads(data, trusted=untrusted)


def test_cloudpickle_keeps_a_model(fitted):
    rnn, X = fitted
    assert_equally_good(pickle.loads(cloudpickle.dumps(rnn)), rnn, X)


def test_skops_keeps_a_model(fitted):
    rnn, X = fitted
    assert_equally_good(by_skops(rnn), rnn, X)


def test_skops_keeps_a_scaler(ragged):
    X, _, _ = ragged
    scaler = SequenceScaler().fit(X)
    for ours, theirs in zip(scaler.transform(X), by_skops(scaler).transform(X), strict=True):
        np.testing.assert_array_equal(ours, theirs)
