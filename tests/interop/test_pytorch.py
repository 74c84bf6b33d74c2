"""PyTorch takes our weights, and computes what the stored results say."""

import make_models
import numpy as np
import pytest
import pytorch_results
import torch
from cases import RTOL_TORCH_GRADIENTS, RTOL_TORCH_OUTPUTS, as_read, assert_close
from kept_models import SUFFIXES
from make_fixtures import FILES
from networks import add_convolution, add_deep_output, add_node, add_projected_layer
from safetensors.numpy import load_file

from sklearn_rnn import RNNClassifier, _core
from sklearn_rnn._model.network import Network, ready


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


# ---- Networks of nodes --------------------------------------------------------------------------


def gradients_of_both(nodes, torch_layer, pairs, n_steps=7):
    """Return outputs, and gradients of the sum of their squares, from PyTorch and from the engine.

    `pairs` holds a name of ours, a parameter of PyTorch's, and what makes its values ours; the
    nodes end with a head that passes its source on.
    """
    network = Network(3, tuple(nodes), "squared_error", 1.0, True, "float64")
    params = np.zeros(network.n_params)
    views = network.views(params)
    with torch.no_grad():
        for name, parameter, ours in pairs:
            views[name][...] = ours(parameter.numpy())
    views["head.weight"][...] = np.eye(network.n_outputs)
    x = np.random.default_rng(0).standard_normal((1, n_steps, 3))
    outputs = torch_layer(torch.tensor(x))
    (outputs**2).mean().backward()
    data = _core.Dataset(x[0], np.array([0, n_steps]), np.zeros((n_steps, network.n_outputs)))
    engine = network.engine(np.array([n_steps]), 1, 1, True)
    engine.load(params)
    with ready(engine):
        _, d_params = engine.loss_and_grad(data)
    predicting = network.engine(np.array([n_steps]), 1, 1, False)
    predicting.load(params)
    assert_close(
        predicting.predict(data), outputs[0].detach().numpy(), RTOL_TORCH_OUTPUTS["float64"]
    )
    gradients = network.views(d_params)
    for name, parameter, ours in pairs:
        expected = ours(parameter.grad.numpy())
        assert_close(gradients[name], expected, RTOL_TORCH_GRADIENTS["float64"], name)


@pytest.mark.parametrize("directions", ["forward", "both"])
def test_pytorch_has_the_same_projections(directions):
    nodes, both = [], directions == "both"
    below = add_projected_layer(nodes, [-1], 5, 2, directions=directions)
    above = add_projected_layer(nodes, below, 4, 2, "l1", directions=directions)
    add_deep_output(nodes, above, (), 2 * (1 + both))
    options = {"batch_first": True, "bidirectional": both, "proj_size": 2}
    layers = [torch.nn.LSTM(n, h, **options).double() for n, h in ((3, 5), (2 * (1 + both), 4))]
    pairs = []
    for k, layer in enumerate(layers):
        for name, parameter in layer.named_parameters():
            stem, end = name.split("_l0")
            projection = f"l{k}_projection{end}.weight"
            pairs.append(
                (projection if stem == "weight_hr" else f"{stem}_l{k}{end}", parameter, np.asarray)
            )
    gradients_of_both(nodes, lambda x: layers[1](layers[0](x)[0])[0], pairs)


def latest_step_first(weight):
    """Return a weight of Conv1d as that of a dense node."""
    return weight[:, :, ::-1].transpose(0, 2, 1).reshape(len(weight), -1)


def test_pytorch_has_the_same_convolutions():
    nodes, kernel_sizes = [], (3, 5)
    below = add_convolution(nodes, [-1], 4, 3, activation="tanh")
    below = add_convolution(nodes, below, 6, 5, "conv1", activation="relu")
    add_deep_output(nodes, below, (5,), 5, activation="logistic")
    convolutions = [torch.nn.Conv1d(3, 4, 3).double(), torch.nn.Conv1d(4, 6, 5).double()]
    linear = torch.nn.Linear(6, 5).double()

    def run(x):
        x = x.transpose(1, 2)
        for convolution, function, k in zip(
            convolutions, (torch.tanh, torch.relu), kernel_sizes, strict=True
        ):
            x = function(convolution(torch.nn.functional.pad(x, (k - 1, 0))))
        return torch.sigmoid(linear(x.transpose(1, 2)))

    pairs = [
        ("output0.weight", linear.weight, np.asarray),
        ("output0.bias", linear.bias, np.asarray),
    ]
    for k, convolution in enumerate(convolutions):
        pairs.append((f"conv{k}.weight", convolution.weight, latest_step_first))
        pairs.append((f"conv{k}.bias", convolution.bias, np.asarray))
    gradients_of_both(nodes, run, pairs)


def test_pytorch_has_the_same_strides():
    nodes, n_steps = [], 11
    options = (("activation", "tanh"), ("bias", True))
    add_node(nodes, "dense", [-1], "conv0", units=4, options=options)
    add_node(nodes, "head", [add_node(nodes, "last", [0])], "head", units=4)
    convolution = torch.nn.Conv1d(3, 4, 5, stride=2).double()
    network = Network(3, tuple(nodes), "squared_error", 1.0, False, "float64", stride=2, window=5)
    params = np.zeros(network.n_params)
    views = network.views(params)
    views["conv0.weight"][...] = latest_step_first(convolution.weight.detach().numpy())
    views["conv0.bias"][...] = convolution.bias.detach().numpy()
    x = np.random.default_rng(0).standard_normal((1, n_steps, 3))
    padded = torch.nn.functional.pad(torch.tensor(x).transpose(1, 2), (4, 0))
    expected = torch.tanh(convolution(padded))[0].T.detach().numpy()
    engine = network.engine(np.array([n_steps]), 1, 1, False, result=0)
    engine.load(params)
    actual = engine.predict(_core.Dataset(x[0], np.array([0, n_steps])))
    assert_close(actual, expected, RTOL_TORCH_OUTPUTS["float64"])
