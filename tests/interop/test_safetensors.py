"""The package safetensors reads our weight files, and we read its."""

import pytest
from kept_models import assert_equal, assert_same_predictions
from safetensors import safe_open
from safetensors.numpy import load_file, save_file


def test_safetensors_reads_our_files_and_we_read_its(fitted, tmp_path):
    rnn, X = fitted
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    rnn.save_weights(ours)
    weights = load_file(ours)
    assert weights.keys() == rnn.weights_.keys()
    for name, weight in rnn.weights_.items():
        assert_equal(weights[name], weight)
    with safe_open(ours, "np") as opened:
        metadata = opened.metadata()
    save_file(weights, theirs, metadata)
    assert_same_predictions(type(rnn)().load_weights(theirs), rnn, X)
    save_file(weights, theirs)
    with pytest.raises(ValueError, match="metadata"):
        type(rnn)().load_weights(theirs)
