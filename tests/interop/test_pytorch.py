"""PyTorch takes our weights, and computes what the stored results say."""

import make_models
import numpy as np
import pytest
import pytorch_results
import torch
from cases import RTOL_TORCH_GRADIENTS, as_read, assert_close
from kept_models import SUFFIXES
from make_fixtures import FILES
from safetensors.numpy import load_file

from sklearn_rnn import RNNClassifier


def test_pytorch_takes_the_weights_as_they_are(ragged):
    X, labels, _ = ragged
    rnn = RNNClassifier(5, cell="lstm", bidirectional=True, max_iter=1, dtype="float64")
    rnn.fit(X, labels)
    lstm = torch.nn.LSTM(3, 5, bidirectional=True, batch_first=True).double()
    weights = {k: torch.tensor(w) for k, w in rnn.weights_.items() if not k.startswith("head")}
    lstm.load_state_dict(weights)
    states, _ = lstm(torch.tensor(as_read(rnn, X[:1])[0])[None])
    ours = rnn.hidden_states(X[:1], return_sequences=True)[0]
    np.testing.assert_allclose(ours, states[0].detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pytorch_takes_the_weights_of_our_files(suffix, tmp_path):
    rnn, X = make_models.fit("lstm_objects")
    file = tmp_path / f"model{suffix}"
    rnn.save_weights(file)
    load = np.load if suffix == ".npz" else load_file
    names = [name for name in rnn.weights_ if not name.startswith("head")]
    arrays = load(file)
    lstm = torch.nn.LSTM(2, 2, batch_first=True).double()
    lstm.load_state_dict({name: torch.tensor(arrays[name]) for name in names})
    states, _ = lstm(torch.tensor((X - rnn.x_mean_) / rnn.x_scale_))
    ours = rnn.hidden_states(X, return_sequences=True)
    np.testing.assert_allclose(ours, states.detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_pytorch_computes_what_is_stored(file):
    stored, computed = np.load(file), pytorch_results.compute(*FILES[file])
    assert stored.keys() == computed.keys()
    for key in stored.keys() - {"torch_version"}:
        if stored[key].dtype.kind == "f":
            assert_close(computed[key], stored[key], RTOL_TORCH_GRADIENTS["float64"], key)
        else:
            np.testing.assert_array_equal(computed[key], stored[key])
