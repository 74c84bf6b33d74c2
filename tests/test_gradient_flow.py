"""gradient_flow: norms of gradients against central differences, verdicts and pictures."""

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor, _core
from sklearn_rnn._inspection.gradient_flow import judged
from sklearn_rnn.cells import GRU, LSTM, Elman
from sklearn_rnn.inspection import GradientFlow, GradientFlowDisplay, gradient_flow
from sklearn_rnn.language import RNNLanguageModel
from sklearn_rnn.layers import Conv1D
from sklearn_rnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(12, 6, 2))
RAGGED = [x[:n] for x, n in zip(X, RANDOM.randint(3, 7, size=12), strict=True)]
EPSILON = 1e-5


def small(kind=RNNRegressor, **params):
    defaults = {"hidden_layer_sizes": 4, "max_iter": 2, "dtype": "float64", "random_state": 0}
    return kind(**{**defaults, **params})


def gradient_of_state(rnn, x, y, n_back):
    """Central differences (n_units,) of the loss of x with respect to h, so many steps back."""
    cut = len(x) - n_back
    _, state = rnn.predict([x[:cut]], initial_state=None, return_state=True)
    name = "h_l0"
    slopes = np.zeros(state[name].shape[1])
    for j in range(len(slopes)):
        ends = []
        for change in (EPSILON, -EPSILON):
            moved = {key: values.copy() for key, values in state.items()}
            moved[name][0, j] += change
            output = rnn.predict([x[cut:]], initial_state=moved)[0]
            ends.append(((output - y) / rnn.y_scale_) ** 2)
        slopes[j] = (ends[0] - ends[1]).item() / (2 * EPSILON)
    return slopes


CELLS = ["elman", "lstm", "gru", "indrnn", "mgu", "mingru", "minlstm", LSTM(peepholes=True)]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_norms_of_each_cell_are_those_of_central_differences(cell):
    y = X[:, :, 0].sum(axis=1)
    rnn = small(cell=cell).fit(X, y)
    norms = gradient_flow(rnn, X, y).norms["l0"]
    assert norms.shape == (6,)
    for n_back in (1, 3, 5):
        slopes = [gradient_of_state(rnn, x, t, n_back) for x, t in zip(X, y, strict=True)]
        expected = np.sqrt(np.mean(np.square(slopes).sum(axis=1)))
        assert_allclose(norms[n_back], expected, rtol=1e-4)


def norms_by_reference(rnn, X, y):
    """Return the norms of a fitted regressor, computed by the reference, one sequence at a time."""
    network, squares = rnn._fitted_model().network, {}
    head, counts = len(network.nodes) - 1, np.zeros(max(map(len, X)))
    for x, target in zip(X, y, strict=True):
        n = len(x)
        counts[:n] += 1
        for end in {n - 1, 0} if network.per_step else {n - 1}:
            z = (x - rnn.x_mean_) / rnn.x_scale_ if rnn.normalize_X else x
            run = reference.Run(rnn.weights_, z, network.nodes, network.loss)
            taught = (np.atleast_1d(target)[end % np.size(target)] - rnn.y_mean_) / rnn.y_scale_
            error = run.value(run.raw, head, end) - taught
            run.add_gradient(2 * error, run.raw, head, end)
            run.backward({name: np.zeros(w.shape) for name, w in rnn.weights_.items()})
            states = [item for item in run.d_values if item[0] == run.states]
            for _, i, direction, t in states:
                is_reverse = direction != reference.FORWARD
                if network.per_step and end != (0 if is_reverse else n - 1):
                    continue
                name = f"{network.nodes[i].name}{reference.SUFFIX[direction]}"
                of_h = run.d_values[run.states, i, direction, t][0]
                norms = squares.setdefault(name, np.zeros(len(counts)))
                norms[t if is_reverse else n - 1 - t] += (of_h**2).sum()
    return {name: np.sqrt(norms / counts) for name, norms in squares.items()}


VARIANTS = [
    LSTM(peepholes=True, coupled_gates=True),
    LSTM(projection_size=2),
    LSTM(normalization="layer"),
    GRU(reset_after=False, zoneout=0.3),
    Elman(transition_layer_sizes=(3,)),
    Elman(initial_state="learned"),
]


@pytest.mark.parametrize("cell", [*_core.CELLS, *VARIANTS], ids=str)
@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_norms_of_layers_and_directions_are_those_of_the_reference(cell, mode):
    sequences = [3 + 2 * x[: 1 + i] for i, x in enumerate(X[:6])]
    y = [x[:, 0] if mode == "many_to_many" else x[0, 1] for x in sequences]
    layers = {"hidden_layer_sizes": (3, 2), "normalize_X": False}
    ways = [layers, {"hidden_layer_sizes": (2, 3), "bidirectional": cell != "jordan"}]
    for params in ways:
        rnn = small(cell=cell, mode=mode, learning_rate_init=0.02, **params).fit(sequences, y)
        norms = gradient_flow(rnn, sequences, y).norms
        expected = norms_by_reference(rnn, sequences, y)
        assert set(norms) == set(expected)
        for name in norms:
            assert_allclose(norms[name], expected[name], rtol=1e-8, atol=1e-12, err_msg=name)


def test_norms_of_linear_layers_are_those_of_products_of_weights():
    rnn = small(cell=Elman(activation="identity"), hidden_layer_sizes=(3, 3))
    y = X[:, 0, 0]
    weights = rnn.fit(X, y).weights_
    u_0, u_1 = weights["weight_hh_l0"], weights["weight_hh_l1"]
    w_1, head = weights["weight_ih_l1"], weights["head.weight"][0]
    slope = 2 * (rnn.predict(X) - y) / rnn.y_scale_
    upper, lower = [head], [w_1.T @ head]  # by steps back
    for _ in range(5):
        upper.append(u_1.T @ upper[-1])
        lower.append(w_1.T @ upper[-1] + u_0.T @ lower[-1])
    flow = gradient_flow(rnn, X, y)
    rms = np.sqrt(np.mean(slope**2))
    for name, expected in (("l0", lower), ("l1", upper)):
        assert_allclose(flow.norms[name], rms * np.linalg.norm(expected, axis=1), rtol=1e-9)


def test_steps_are_counted_back_from_the_end_of_each_sequence():
    y = [x[0, 0] for x in RAGGED]
    rnn = small(cell="gru", bidirectional=True).fit(RAGGED, y)
    norms = gradient_flow(rnn, RAGGED, y).norms
    assert set(norms) == {"l0", "l0_reverse"}
    lengths = np.array([len(x) for x in RAGGED])
    for name in norms:
        alone = [gradient_flow(rnn, [x], [t]).norms[name] for x, t in zip(RAGGED, y, strict=True)]
        for k in range(lengths.max()):
            squares = [norm[k] ** 2 for norm in alone if len(norm) > k]
            assert_allclose(norms[name][k], np.sqrt(np.mean(squares)), rtol=1e-9)
    assert (norms["l0_reverse"] > 0).all() and (norms["l0"] > 0).all()


def test_of_targets_per_step_one_is_taught():
    tags = [(x[:, 0] > 0).astype(int) for x in RAGGED]
    numbers = [x[:, 0] for x in RAGGED]
    for kind, y, params in (
        (RNNClassifier, tags, {"transitions": True}),
        (RNNClassifier, tags, {"cell": "jordan"}),
        (RNNRegressor, numbers, {"bidirectional": True}),
    ):
        rnn = small(kind, mode="many_to_many", **params).fit(RAGGED, y)
        for name, norms in gradient_flow(rnn, RAGGED, y).norms.items():
            assert norms[0] == norms.max(), name
            assert (norms > 0).all()


def linear(factor):
    """A network whose gradient is multiplied by a factor at each step back."""
    long = RANDOM.normal(size=(5, 40, 1))
    cell = Elman(activation="identity")
    rnn = small(cell=cell, hidden_layer_sizes=2, normalize_X=False).fit(long, long[:, 0, 0])
    weights = dict(rnn.weights_)
    weights["weight_hh_l0"] = factor * np.eye(2)
    return rnn.set_weights(weights), long, long[:, 0, 0]


def test_verdicts_follow_the_norms_and_bring_advice():
    for factor, verdict in ((0.5, "vanishing"), (1.5, "exploding"), (1.0, "fine"), (0.9, "fine")):
        flow = gradient_flow(*linear(factor))
        norms = flow.norms["l0"]
        assert_allclose(norms[1:] / norms[:-1], factor, rtol=1e-9)
        assert flow.verdict == flow.verdicts["l0"] == verdict
        assert bool(flow.advice) == (verdict != "fine")
        assert f"The gradient flow is {verdict}." in str(flow)
        assert f"39 steps back, the gradient is {factor**38:.2g} times" in str(flow)
    assert any("max_grad_norm" in each for each in gradient_flow(*linear(1.5)).advice)
    assert "it falls below 1 % 8 steps back" in str(gradient_flow(*linear(0.5)))  # 0.5**7
    rnn, long, y = linear(0.5)
    weights = {name: np.zeros_like(value) for name, value in rnn.weights_.items()}
    assert gradient_flow(rnn.set_weights(weights), long, y).verdict == "none"


def test_each_step_is_judged_by_the_larger_of_two_directions():
    long = np.random.RandomState(0).normal(size=(5, 100, 1))
    new = gradient_flow(small(bidirectional=True, cell="gru"), long, long[:, 0, 0])
    assert new.verdict == "vanishing"  # in the middle
    steps = np.arange(41.0)
    for factor, other, verdict in ((0.6, 0.6, "vanishing"), (0.8, 0.8, "fine"), (0.6, 1.0, "fine")):
        norms = {"l0": 2 * factor**steps, "l0_reverse": 2 * other**steps}
        flow = judged(norms)
        assert judged({"l0": norms["l0"]}).verdict == "vanishing"
        assert flow.verdicts == dict.fromkeys(norms, verdict)
        assert f"at the first step is {1 / other:.2g} times that one step from an end" in str(flow)
        if factor == other:
            weakest = f"and {factor**19:.2g} times at the weakest step, 21 of 41."
            assert weakest in flow.reasons[0]
    assert judged({"l0": 0.5**steps, "l0_reverse": 1.5**steps}).verdict == "exploding"
    assert judged({"l0": 0 * steps, "l0_reverse": 1 + steps}).verdict == "fine"
    per_step = small(bidirectional=True, mode="many_to_many", cell="elman")
    flow = gradient_flow(per_step, long, long[:, :, 0])
    assert [reason.partition(":")[0] for reason in flow.reasons[:2]] == ["l0", "l0_reverse"]


def test_small_gradients_are_no_fault_by_themselves():
    long = np.random.RandomState(0).normal(size=(5, 100, 1))
    y = long[:, 0, 0]
    new = gradient_flow(small(cell="gru"), long, y)
    assert "only if y depends on these steps" in new.reasons[-1]
    assert any("bidirectional=True" in each for each in new.advice)
    assert "What to try if training fails or the score is low:" in str(new)
    fitted = gradient_flow(small(cell="gru").fit(long, y), long, y)
    assert fitted.verdict == "vanishing"
    assert "If its score is good, nothing is wrong." in fitted.reasons[-1]
    for params in ({"bidirectional": True}, {"cell": "jordan"}, {"mode": "many_to_many"}):
        targets = long[:, :, 0] if "mode" in params else y
        flow = gradient_flow(small(**{"cell": "gru", **params}), long, targets)
        assert flow.verdict == "vanishing"
        assert not any("bidirectional" in each for each in flow.advice)
        has_pooling = any("pooling='max'" in each for each in flow.advice)
        assert has_pooling == ("bidirectional" in params)


def test_the_repr_is_one_short_line():
    flow = judged({"l0": 0.5 ** np.arange(119.0)})
    assert repr(flow) == "GradientFlow('vanishing', first and last norms: l0 1 to 3e-36)"
    assert len(repr(judged({f"l{i}": np.ones(50) for i in range(9)}))) < 140


def test_an_estimator_that_is_not_fitted_has_the_weights_of_the_first_epoch():
    y = X[:, 0, 0]
    for cell in (GRU(bias_initializer="chrono"), "elman"):
        rnn = small(cell=cell)
        flow = gradient_flow(rnn, X, y)
        assert not hasattr(rnn, "params_")
        rnn.set_params(learning_rate_init=1e-12, max_iter=1).fit(X, y)
        assert_allclose(flow.norms["l0"], gradient_flow(rnn, X, y).norms["l0"], rtol=1e-6)


def test_of_a_text_the_last_token_is_taught():
    texts = ["a b c a b", "b a c c a b", "c b"]
    rnn = small(RNNLanguageModel, token_pattern=r"\w")
    first = gradient_flow(rnn, texts).norms["l0"]
    assert not hasattr(rnn, "params_") and first.shape == (7,)
    norms = gradient_flow(rnn.fit(texts), texts).norms["l0"]
    model = rnn._fitted_model()
    examples, nodes = rnn._texts(texts, None, None, model.target).examples, model.network.nodes
    squares, counts, head = np.zeros(7), np.zeros(7), len(nodes) - 1
    ends = examples.targets[examples.sequences.offsets[1:] - 1]
    for x, end in zip(examples.sequences.cut(), ends, strict=True):
        run = reference.Run(rnn.weights_, x, nodes, model.network.loss)
        d_raw = reference.softmax(run.value(run.raw, head, len(x) - 1)[np.newaxis])[0]
        d_raw[int(end)] -= 1
        run.add_gradient(d_raw, run.raw, head, len(x) - 1)
        run.backward({name: np.zeros(w.shape) for name, w in rnn.weights_.items()})
        of_h = [run.d_values[run.states, head - 1, 1, t][0] for t in range(len(x))]
        squares[: len(x)] += (np.array(of_h)[::-1] ** 2).sum(axis=1)
        counts[: len(x)] += 1
    assert_allclose(norms, np.sqrt(squares / counts), rtol=1e-8)
    adaptive = small(RNNLanguageModel, token_pattern=r"\w", adaptive_softmax=[2]).fit(texts)
    assert (gradient_flow(adaptive, texts).norms["l0"] > 0).all()


def test_an_estimator_keeps_its_generator():
    rnn = small(random_state=np.random.RandomState(3))
    first, second = (gradient_flow(rnn, X, X[:, 0, 0]).norms["l0"] for _ in range(2))
    assert_allclose(first, second, rtol=0)
    assert rnn.random_state.randint(1000) == np.random.RandomState(3).randint(1000)


def test_carriers_pipelines_and_faults():
    y = [x[0, 0] for x in RAGGED]
    pipe = make_pipeline(SequenceScaler(), small(dtype="float32")).fit(RAGGED, y)
    scaled = pipe[0].transform(RAGGED)
    expected = gradient_flow(pipe[-1], scaled, y).norms["l0"]
    assert_allclose(gradient_flow(pipe, RAGGED, y).norms["l0"], expected)
    strided = small(input_layers=[Conv1D(3, 2, stride=2)]).fit(X, X[:, 0, 0])
    assert gradient_flow(strided, X, X[:, 0, 0]).norms["l0"].shape == (3,)
    labels = small(RNNClassifier).fit(X, X[:, 0, 0] > 0)
    with pytest.raises(ValueError, match=r"`y` has classes not in"):
        gradient_flow(labels, X, np.full(12, 3))
    with pytest.raises(TypeError, match=r"`estimator` must be an RNNClassifier"):
        gradient_flow(SequenceScaler(), X, y)


# ---- the picture --------------------------------------------------------------------------------


def test_a_display_draws_the_norms():
    pytest.importorskip("matplotlib")
    from pictures import new_figure

    y = [x[0, 0] for x in RAGGED]
    rnn = small(bidirectional=True, hidden_layer_sizes=(4, 4))
    flow = gradient_flow(rnn, RAGGED, y)
    for display in (
        GradientFlowDisplay.from_flow(flow, ax=new_figure().subplots()),
        GradientFlowDisplay.from_estimator(rnn, RAGGED, y, ax=new_figure().subplots()),
    ):
        assert set(display.lines_) == {"l0", "l0_reverse", "l1", "l1_reverse"}
        for name, line in display.lines_.items():
            assert_allclose(line.get_ydata(), flow.norms[name])
            assert list(line.get_xdata()) == list(range(6))
        assert display.ax_.get_yscale() == "log" and display.ax_.xaxis_inverted()
        legend = display.ax_.get_legend()
        assert legend.get_title().get_text() == f"Gradient flow: {flow.verdict}"
        assert legend.get_texts()[1].get_text() == "Layer 0, reverse"
    falling = GradientFlowDisplay({"l0": 0.1 ** np.arange(9.0)})
    assert falling.verdict == "vanishing"
    gone = GradientFlowDisplay({"l0": [1, 0.5, 0.1, 0, 0]}).plot(new_figure().subplots())
    assert np.isnan(gone.lines_["l0"].get_ydata()[3:]).all()
    with pytest.raises(ValueError, match=r"`norms` must be a dict"):
        GradientFlowDisplay({})
    for norms in ({0: [1.0]}, {"l0": [1.0, -1.0]}):
        with pytest.raises(ValueError, match=r"`norms` must have strings as keys"):
            GradientFlowDisplay(norms)
    with pytest.raises(TypeError, match=r"`flow` must be a GradientFlow"):
        GradientFlowDisplay.from_flow(flow.norms)
    assert isinstance(flow, GradientFlow)


def test_the_picture_is_the_stored_one():
    pytest.importorskip("matplotlib")
    from pictures import compare

    steps = np.arange(40)
    norms = {
        "l0": 0.8**steps * (1 + 0.3 * np.sin(steps / 3)),
        "l0_reverse": 0.85**steps,
        "l1": 3 * 0.7**steps,
    }
    compare(lambda figure: GradientFlowDisplay(norms).plot(figure.subplots()), "gradient_flow")
