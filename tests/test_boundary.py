"""What the engine refuses at the boundary: nothing unchecked reaches C."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
from cases import GRU, draw_dataset, draw_params, make_engine, make_network, set_optimizer

from sklearn_rnn import _core
from sklearn_rnn._model.network import Node, Source

LENGTHS = (3, 5, 1, 4)


def problem(**changes):
    rng = np.random.default_rng(0)
    network = make_network(GRU, (5,), **changes)
    return network, draw_params(network, rng), draw_dataset(network, LENGTHS, rng)


def changed(data, **changes):
    arrays = {name: getattr(data, name) for name in ("values", "offsets", "targets", "weights")}
    return _core.Dataset(**arrays | changes)


def as_fortran(array):
    return np.asfortranarray(array)


def byte_swapped(array):
    return array.astype(array.dtype.newbyteorder())


def misaligned(array):
    """Return the array, not on a multiple of the size of its numbers."""
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    copy = buffer[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


WRONG_VALUES = {
    "integers": lambda x: x.astype(int),
    "float16": lambda x: x.astype(np.float16),
    "one dimension": np.ravel,
    "three dimensions": lambda x: x[None],
    "columns first": as_fortran,
    "byte-swapped": byte_swapped,
    "misaligned": misaligned,
    "a list": np.ndarray.tolist,
    "nothing": lambda x: None,
}


@pytest.mark.parametrize("wrong", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_values_must_be_what_c_reads(wrong):
    _, _, data = problem()
    with pytest.raises(ValueError, match="`values` must be a C-contiguous array"):
        changed(data, values=wrong(data.values))


@pytest.mark.parametrize(
    "offsets, message",
    [
        ([0, 3, 8, 9, 12], "run from 0 to the number of rows"),
        ([1, 3, 8, 9, 13], "run from 0 to the number of rows"),
        ([0, 8, 3, 9, 13], "sequence 1 has no steps"),
        ([0, 3, 3, 9, 13], "sequence 1 has no steps"),
        ([], "run from 0 to the number of rows"),
    ],
)
def test_offsets_must_cut_the_values(offsets, message):
    _, _, data = problem()
    with pytest.raises(ValueError, match=message):
        changed(data, offsets=np.array(offsets, np.intp))
    with pytest.raises(ValueError, match="`offsets` must be a C-contiguous array"):
        changed(data, offsets=np.array(offsets, np.int16))


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize(
    "name, wrong",
    [
        ("targets", lambda x: x[:-1]),
        ("targets", lambda x: x[:, :1]),
        ("targets", lambda x: x.astype(np.float32)),
        ("targets", as_fortran),
        ("targets", lambda x: None),
        ("weights", lambda x: np.ones(len(x) - 1)),
        ("weights", lambda x: np.ones(len(x), np.float32)),
        ("weights", lambda x: np.ones((len(x), 1))),
    ],
)
def test_targets_and_weights_must_fit_the_network(name, wrong, per_step):
    network, params, data = problem(per_step=per_step)
    engine = make_engine(network, params, data, training=True)
    with pytest.raises(ValueError, match=f"`{name}` must be a C-contiguous array"):
        engine.loss_and_grad(changed(data, **{name: wrong(data.targets)}))


@pytest.mark.parametrize(
    "loss, n_classes", [("softmax", 3), ("logistic", 2), ("multilabel", 2), ("multioutput", 4)]
)
@pytest.mark.parametrize("wrong", [-1, "one too many"])
def test_classes_must_be_known(wrong, loss, n_classes):
    network, params, data = problem(loss=loss, n_outputs=3)
    engine = make_engine(network, params, data, training=True)
    targets = data.targets.copy()
    targets[2:3].reshape(-1)[-1] = n_classes if wrong == "one too many" else wrong
    with pytest.raises(ValueError, match=f"`targets` must be classes 0 to {n_classes - 1}"):
        engine.loss_and_grad(changed(data, targets=targets))


@pytest.mark.parametrize(
    "wrong",
    [lambda p: p[:-1], lambda p: p.astype(np.float32), lambda p: np.repeat(p, 2)[::2], list],
)
def test_parameters_must_be_the_flat_vector(wrong):
    network, params, data = problem()
    engine = make_engine(network, params, data, training=True)
    with pytest.raises(ValueError, match="`params` must be a C-contiguous array"):
        engine.load(wrong(params))


def test_parameters_that_change_are_those_that_were_loaded():
    network, params, data = problem()
    engine = make_engine(network, params, data, training=True)
    indices, state = np.arange(4), np.zeros((1, len(params)))
    with pytest.raises(ValueError, match="`params` must be the array that was loaded"):
        engine.train_minibatch(data, indices, params.copy(), state, 0.1, 1)
    engine.load(params)
    engine.train_minibatch(data, indices, params, state, 0.1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s[0],
        lambda s: s[:, :-1].copy(),
        lambda s: np.vstack([s, s]),
        lambda s: s.astype(np.float32),
        lambda s: np.repeat(s, 2, axis=1)[:, ::2],
        np.ndarray.tolist,
    ],
)
def test_the_memory_of_the_optimizer_must_be_its_vectors(wrong):
    network, params, data = problem()
    engine = make_engine(network, params, data, training=True)
    state = np.zeros((1, len(params)))
    with pytest.raises(ValueError, match="`moments` must be a C-contiguous writeable array"):
        engine.train_minibatch(data, np.arange(4), params, wrong(state), 0.1, 1)


def test_only_what_may_be_written_is_written():
    network, params, data = problem()
    frozen = params.copy()
    frozen.flags.writeable = False
    engine = make_engine(network, frozen, data, training=True)  # reading is fine
    with pytest.raises(ValueError, match="`params` must be a C-contiguous writeable array"):
        engine.train_minibatch(data, np.arange(4), frozen, np.zeros((1, len(params))), 0.1, 1)


@pytest.mark.parametrize("indices", [[-1], [4], [0, 1, 99]])
def test_indices_must_be_those_of_sequences(indices):
    network, params, data = problem()
    engine = make_engine(network, params, data, training=True)
    with pytest.raises(IndexError, match="`indices` must lie in 0 to 3"):
        engine.loss_and_grad(data, np.array(indices))


def test_a_minibatch_must_fit_the_workspace():
    network, params, data = problem()
    engine = make_engine(network, params, data, np.array([0, 2]), training=True)
    with pytest.raises(ValueError, match="must hold 1 to 2 sequences, got 3"):
        engine.loss_and_grad(data, np.array([0, 2, 2]))
    with pytest.raises(ValueError, match="must hold 1 to 2 sequences, got 0"):
        engine.loss_and_grad(data, np.array([], np.intp))
    with pytest.raises(ValueError, match="longer than the `lengths`"):
        engine.loss_and_grad(data, np.array([1, 2]))


def test_features_must_be_those_of_the_network():
    network, params, data = problem()
    for training in (False, True):
        engine = make_engine(network, params, data, training=training)
        other = changed(data, values=np.ascontiguousarray(data.values[:, :2]))
        with pytest.raises(ValueError, match="`values` must have 3 features, got 2"):
            engine.loss_and_grad(other) if training else engine.predict(other)


def test_an_engine_knows_what_it_was_made_for():
    network, params, data = problem()
    with pytest.raises(ValueError, match="`load` must be called first"):
        network.engine(LENGTHS, 4, 1, False).predict(data)
    with pytest.raises(ValueError, match="made for training"):
        make_engine(network, params, data, training=False).loss_and_grad(data)
    with pytest.raises(ValueError, match="not made for training"):
        make_engine(network, params, data, training=True).predict(data)


def node(**changes):
    """Return a recurrent node that reads the data, changed."""
    return Node(
        **{"kind": "recurrent", "name": "l0", "sources": (Source(-1),), "units": 3}
        | {"cell": "lstm"}
        | changes
    )


HEAD = Node("head", "head", (Source(0),), units=2)
IMPOSSIBLE_NODES = {
    "none": [],
    "too many": [node()] * 500,
    "an unknown kind": [node(kind="abacus"), HEAD],
    "an unknown cell": [node(cell="abacus"), HEAD],
    "unknown directions": [node(directions="sideways"), HEAD],
    "an unknown option": [node(options=(("abacus", 1),)), HEAD],
    "an unknown choice": [node(cell="elman", options=(("activation", "abacus"),)), HEAD],
    "no units": [node(units=0), HEAD],
    "too many units": [node(units=2**40), HEAD],
    "no sources": [node(sources=()), HEAD],
    "a node beyond the last": [node(sources=(Source(7),)), HEAD],
    "a node before the data": [node(sources=(Source(-2),)), HEAD],
    "a shift to later steps": [node(sources=(Source(-1, 1),)), HEAD],
    "a long shift": [node(sources=(Source(-1, -1000),)), HEAD],
    "unknown weights": [node(sources=(Source(-1, 0, "abacus"),)), HEAD],
    "only weights of outputs": [node(sources=(Source(-1, 0, "weight_oh"),)), HEAD],
    "itself at the same step": [node(sources=(Source(-1), Source(0))), HEAD],
    "a drop of itself": [node(), Node("drop", "d", (Source(1),)), HEAD],
    "a drop of two": [node(), Node("drop", "d", (Source(0), Source(0))), HEAD],
    "a rate of 1": [node(), Node("drop", "d", (Source(0),), options=(("rate", 1.0),)), HEAD],
    "a rate of NaN": [node(), Node("drop", "d", (Source(0),), options=(("rate", np.nan),)), HEAD],
    "a sum of two widths": [node(), Node("add", "a", (Source(0), Source(-1))), HEAD],
    "the data once more": [Node("data", "x", (Source(-1),)), node(sources=(Source(0),)), HEAD],
    "two heads": [node(), HEAD, Node("head", "other", (Source(0),), units=9)],
    "a reader after the head": [node(), HEAD, node(name="l1", sources=(Source(1),))],
    "names twice": [node(), node(), Node("head", "head", (Source(1),), units=2)],
    "a forget bias of NaN": [node(options=(("forget_bias", np.nan),)), HEAD],
    "half a peephole": [node(options=(("peepholes", 0.5),)), HEAD],
    "a loop without data": [
        node(sources=(Source(1, -1),)),
        node(name="l1", sources=(Source(0),)),
        Node("head", "head", (Source(1),), units=2),
    ],
    "a sum of two directions": [
        *(node(), node(name="l1", directions="reverse"), Node("add", "a", (Source(0), Source(1)))),
        Node("head", "head", (Source(2),), units=2),
    ],
    "a target per step of last states": [
        *(node(), Node("last", "last", (Source(0),))),
        Node("head", "head", (Source(1),), units=2),
    ],
    "a shifted head": [node(), Node("head", "head", (Source(0, -1),), units=2)],
    "a head of steps and last states": [
        *(node(), Node("last", "last", (Source(0),))),
        Node("head", "head", (Source(0), Source(1)), units=2),
    ],
    "steps of last states": [node(), Node("last", "a", (Source(0),)), node(sources=(Source(1),))],
    "no head": [node()],
    "a node that the head does not need": [node(), node(name="l1"), HEAD],
}


@pytest.mark.parametrize("nodes", IMPOSSIBLE_NODES.values(), ids=IMPOSSIBLE_NODES)
def test_impossible_nodes_are_refused(nodes):
    network, _, _ = problem()
    with pytest.raises(ValueError, match=r"must|cannot be computed"):
        replace(network, nodes=tuple(nodes), per_step=True).engine(LENGTHS, 4, 1, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "abacus"},
        {"loss": "logistic"},
        {"dtype": "float16"},
        {"n_features": 0},
        {"huber_delta": 0.0},
        {"huber_delta": np.nan},
        {"quantile": 0.0},
        {"quantile": np.nan},
        {"quantile": (0.5, 0.5)},
        {"quantile": ()},
        {"loss": "quantile", "quantile": (0.2, 0.5, 0.8)},
        {"loss": "multioutput"},
        {"loss": "multioutput", "groups": (2, 1)},
        {"loss": "multioutput", "groups": (2, 0)},
        {"loss": "multitask"},
        {"loss": "multitask", "groups": (("softmax", 2), ("huber", 1))},
        {"loss": "multitask", "groups": (("huber", 2),)},
        {"loss": "multitask", "groups": (("quantile", 1), ("huber", 1))},
        {"loss": "multitask", "groups": (("multitask", 1), ("huber", 1))},
    ],
)
def test_an_impossible_network_is_refused(changes):
    network, _, _ = problem()
    with pytest.raises(ValueError, match="must"):
        replace(network, **changes).engine(LENGTHS, 4, 1, True)


@pytest.mark.parametrize(
    "options",
    [
        {"session": True, "training": False},
        {"session": True, "carried": True, "training": True},
        {"result": 7, "training": False},
        {"result": -1, "training": False},
        {"memory_budget": -5, "training": True},
    ],
)
def test_impossible_engines_are_refused(options):
    network, _, _ = problem()
    with pytest.raises(ValueError, match="must"):
        network.engine(LENGTHS, 4, 1, **options)


def test_a_session_takes_steps_alone():
    network, params, data = problem()
    session = network.session(3)
    with pytest.raises(ValueError, match="`load` must be called first"):
        session.step(np.zeros((3, network.n_features)))
    session.load(params)
    with pytest.raises(ValueError, match="A session takes data step by step"):
        session.predict(data)
    for bad in (
        np.zeros((2, network.n_features)),
        np.zeros((3, network.n_features), np.int64),
        None,
    ):
        with pytest.raises(ValueError, match="`values` must be"):
            session.step(bad)
    with pytest.raises(ValueError, match="`scale` must be positive"):
        session.normalise_by(np.zeros(network.n_features), np.zeros(network.n_features))
    with pytest.raises(ValueError, match="must be made with session=True"):
        _core.Session(
            **network.facts(),
            n_threads=1,
            training=False,
            lengths=LENGTHS,
            batch_size=1,
            carried=True,
        )


def test_a_network_beyond_the_memory_is_refused():
    network = make_network(GRU, (10**6,))
    with pytest.raises(MemoryError, match=r"workspace of this network, .* would take"):
        network.engine(LENGTHS, 4, 1, True)


def test_nothing_is_no_data():
    network, params, data = problem()
    engine = make_engine(network, params, data, training=True)
    with pytest.raises(TypeError, match="None"):
        engine.loss_and_grad(None)
    with pytest.raises(TypeError, match="None"):
        engine.train_minibatch(None, np.arange(4), params, np.zeros((1, len(params))), 0.1, 1)
    with pytest.raises(TypeError, match="None"):
        make_engine(network, params, data, training=False).predict(None)


@pytest.mark.parametrize("kind", [_core.Dataset, _core.Engine])
def test_what_c_reads_is_never_half_made(kind):
    with pytest.raises(TypeError):
        kind.__new__(kind)


def test_an_unknown_solver_is_refused():
    network, params, data = problem()
    engine = make_engine(network, params, data, training=True)
    with pytest.raises(ValueError, match="`solver` must be one of"):
        set_optimizer(engine, "abacus")


def test_an_engine_holds_the_parameters_that_it_reads_again():
    # For the gradient of the input, and in products that BLAS does.
    network, params, data = problem()
    engine = make_engine(network, params, data, training=True)
    copy = params.copy()
    engine.load(copy)
    alive = weakref.ref(copy)
    del copy
    assert alive() is not None


@pytest.mark.parametrize(
    "weights", [np.ones(3), np.ones((4, 1)), np.ones(4, np.float32), np.float64(1.0), [1.0] * 4]
)
def test_weights_of_labels_are_checked_before_they_are_used(weights):
    values, offsets = np.zeros((8, 2)), np.array([0, 2, 4, 6, 8])
    with pytest.raises(ValueError, match="`weights` must"):
        _core.Dataset(values, offsets, np.zeros(4, np.int32), weights)


@pytest.mark.parametrize(
    "z", [np.zeros(3), np.zeros((3, 2)), np.zeros((3, 1), np.int64), None, 0.0]
)
def test_logits_of_two_classes_are_a_column(z):
    with pytest.raises(ValueError, match=r"`z` must be a C-contiguous array of float64"):
        _core.probabilities_of_two(z)


def test_a_cell_is_described_with_its_options():
    assert _core.describe_cell("lstm") == _core.CELLS["lstm"]
    assert _core.describe_cell("lstm", peepholes=True).gates == ("i", "f", "g", "o")
    assert _core.describe_cell("lstm", coupled_gates=True).gates == ("f", "g", "o")
    for wrong in ({"coupled_gates": 2}, {"abacus": 1}):
        with pytest.raises(ValueError, match="lstm"):
            _core.describe_cell("lstm", **wrong)
    with pytest.raises(ValueError, match="cell"):
        _core.describe_cell("abacus")
