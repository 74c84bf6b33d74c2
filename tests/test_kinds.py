"""Kinds of nodes one by one: what the reference says of each, by hand."""

import numpy as np
import pytest
import reference
from cases import RTOL_REORDERED, assert_close
from networks import Network, add_node, stack_nodes


def nodes_with(kind, *, directions="forward", width=3, summary=None, **fields):
    """Return nodes of this kind behind a recurrent layer, perhaps of a summary, and a head."""
    nodes = list(stack_nodes("elman", (width,), directions=directions, n_outputs=0, per_step=True))
    stream = 0 if summary is None else add_node(nodes, summary, [0])
    stream = add_node(nodes, kind, [stream], kind, **fields)
    add_node(nodes, "head", [stream], "head", units=1)
    return nodes


def network_of(nodes, per_step, n_features=2, dtype="float64"):
    return Network(n_features, tuple(nodes), "squared_error", 1.0, per_step, dtype)


def streams(nodes, x, rng, **arrays):
    """Return the states of the first node (T, width), and those of the second (T, width)."""
    shapes = reference.layout(nodes, x.shape[1])
    weights = {name: rng.standard_normal(shape) for name, shape in shapes.items()} | arrays
    run = reference.Run(weights, x, nodes, "squared_error")
    first, second = (
        [run.value(run.stream, i, t) for t in range(len(x))] for i in (0, len(nodes) - 2)
    )
    return np.array(first), np.array(second), weights


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("method", ["mean", "max"])
@pytest.mark.parametrize("directions", ["forward", "both"])
def test_pool_is_the_mean_or_maximum_over_all_steps(method, directions, rng):
    nodes = nodes_with("pool", directions=directions, options=(("method", method),))
    h, pooled, _ = streams(nodes, rng.standard_normal((5, 2)), rng)
    expected = sum(h) / 5 if method == "mean" else np.sort(h, axis=0)[-1]
    for row in pooled:
        assert_close(row, expected, RTOL_REORDERED)


@pytest.mark.parametrize("summary", [None, "last"])
def test_merge_makes_one_stream_of_two_directions(summary, rng):
    x = rng.standard_normal((5, 2))
    expected = {
        "sum": lambda a, b: a + b,
        "ave": lambda a, b: (a + b) / 2,
        "mul": lambda a, b: a * b,
    }
    for method, function in expected.items():
        nodes = nodes_with(
            "merge", directions="both", summary=summary, options=(("method", method),)
        )
        h, merged, _ = streams(nodes, x, rng)
        if summary == "last":
            h = np.tile(np.concatenate([h[-1, :3], h[0, 3:]]), (5, 1))
        np.testing.assert_array_equal(merged, function(h[:, :3], h[:, 3:]))


def test_layer_norm_has_mean_0_and_variance_1_in_each_row(rng):
    nodes = nodes_with("norm", width=20, directions="both", options=(("method", "layer"),))
    arrays = {"norm.weight": np.ones(40), "norm.bias": np.zeros(40)}
    h, normal, _ = streams(nodes, 9 * rng.standard_normal((5, 2)), rng, **arrays)
    assert_close(normal.mean(axis=1) + 1, np.ones(5), RTOL_REORDERED)
    assert_close(normal.var(axis=1), h.var(axis=1) / (h.var(axis=1) + 1e-5), RTOL_REORDERED)
    gain, bias = {"norm.weight": np.full(40, 2.0), "norm.bias": np.arange(40.0)}.items()
    _, changed, _ = streams(nodes, rng.standard_normal((5, 2)), rng, **dict([gain, bias]))
    assert_close(changed.mean(axis=1), np.full(5, 19.5), RTOL_REORDERED)


def test_rms_norm_has_mean_square_1_in_each_row_and_no_bias(rng):
    nodes = nodes_with("norm", width=20, options=(("method", "rms"),))
    arrays = {"norm.weight": np.full(20, 3.0)}
    h, normal, weights = streams(nodes, 9 * rng.standard_normal((5, 2)), rng, **arrays)
    squares = np.mean(h**2, axis=1)
    assert_close(np.mean(normal**2, axis=1), 9 * squares / (squares + 1e-5), RTOL_REORDERED)
    assert "norm.bias" not in weights


def test_attention_without_scores_is_the_mean_and_with_large_ones_picks_a_step(rng):
    nodes = nodes_with("attend", units=4)
    x = rng.standard_normal((5, 2))
    h, summary, weights = streams(nodes, x, rng, **{"attend.score": np.zeros(4)})
    assert weights["attend.weight"].shape == (4, 3)
    assert_close(summary[0], h.mean(axis=0), RTOL_REORDERED)
    # The score is that of the first unit, which grows with the first state.
    weight, score = np.zeros((4, 3)), np.array([1e6, 0.0, 0.0, 0.0])
    weight[0, 0] = 0.1
    arrays = {"attend.weight": weight, "attend.bias": np.zeros(4), "attend.score": score}
    h, summary, _ = streams(nodes, x, rng, **arrays)
    assert_close(summary[0], h[h[:, 0].argmax()], RTOL_REORDERED)


def test_drop_and_noise_are_nothing_outside_training(rng):
    for kind, options in (("drop", {"rate": 0.5, "per_sequence": True}), ("noise", {"std": 9.0})):
        nodes = nodes_with(kind, options=(*options.items(), ("layer", 0)))
        h, same, _ = streams(nodes, rng.standard_normal((5, 2)), rng)
        np.testing.assert_array_equal(same, h)


def test_the_last_state_of_a_merged_stream_is_that_of_the_last_step(rng):
    nodes = nodes_with("merge", directions="both", options=(("method", "sum"),))[:-1]
    add_node(nodes, "last", [1])
    add_node(nodes, "head", [2], "head", units=1)
    h, last, _ = streams(nodes, rng.standard_normal((5, 2)), rng)
    np.testing.assert_array_equal(last[0], h[-1, :3] + h[-1, 3:])
