"""Truncated back-propagation: a twin in plain NumPy, the plan of windows, and the estimators."""

import pickle
import re
import tracemalloc
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import reference
from cases import NOT_SANITIZED, nodes_of_estimator
from fits import same_state
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier, RNNRegressor, TruncatedBPTT, _core
from sklearn_rnn._training import windowed, windows
from sklearn_rnn._training.windows import Lanes
from sklearn_rnn.cells import Elman
from sklearn_rnn.layers import Conv1D

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
LENGTHS = (7, 23, 11, 16, 3)
X = [RNG.standard_normal((n, 2)) for n in LENGTHS]
Y = [x[:, 0] + np.r_[0, x[:-1, 1]] for x in X]  # of each step
LAST = np.array([y[-1] for y in Y])
SERIES = RNG.standard_normal((120, 2))
OF_SERIES = SERIES[:, 0] + np.roll(SERIES[:, 1], 1)
PER_STEP = {"mode": "many_to_many"}
EACH_MODE = pytest.mark.parametrize("mode, y", [("many_to_one", LAST), ("many_to_many", Y)])
TWIN = {
    "hidden_layer_sizes": 3,
    "solver": "sgd",
    "momentum": 0.0,
    "learning_rate_init": 0.2,
    "max_grad_norm": None,
    "normalize_X": False,
    "normalize_y": False,
    "shuffle": False,
    "dtype": "float64",
    "batch_size": 2,
    "max_iter": 2,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}
RTOL_TWIN = 1e-9


def quick(estimator=RNNRegressor, **options):
    return estimator(4, **{"max_iter": 2, "tol": 0.0, "random_state": 0, **options})


# ---- the twin -----------------------------------------------------------------------------------


class Twin:
    """Gradient descent on windows, straight from the definition: losses of epochs, weights."""

    def __init__(self, rnn, X, y, initial_state=None):
        start = clone(rnn).set_params(learning_rate_init=1e-300, max_iter=1, bptt=None)
        start.fit(X, y, initial_state=initial_state)
        self.weights = {name: np.array(w) for name, w in start.weights_.items()}
        self.nodes, self.rate = nodes_of_estimator(start), rnn.learning_rate_init
        self.per_step = rnn.mode == "many_to_many"

    def step(self, X, y, w, divisor, begin=None, taught_from=None, kept_after=None, factor=1.0):
        """Learn from some windows; return the sums of weighted losses and weights, and states."""
        options = {"nodes": self.nodes, "initial_state": begin}
        kept = [len(x) for x in X] if kept_after is None else kept_after
        states = reference.final_states(
            self.weights, X, self.nodes, kept, initial_state=begin, link="squared_error"
        )
        loss, gradient, _ = reference.loss_and_grad(
            self.weights,
            X,
            y,
            w,
            loss="squared_error",
            per_step=self.per_step,
            divisor=divisor,
            taught_from=taught_from,
            carry_factor=factor,
            **options,
        )
        for name, d_w in gradient.items():
            self.weights[name] = self.weights[name] - self.rate * d_w
        return loss * divisor, states


def spans_of(n, steps, overlap=0):
    """List the windows of a sequence: begin, end, and the first step that is taught."""
    spans = [(0, min(steps, n), 0)]
    while spans[-1][1] < n:
        begin = spans[-1][0] + steps - overlap
        spans.append((begin, min(begin + steps, n), overlap))
    return spans


def learn_windows(twin, X, y, w, spans, batch_size, *, overlap=0, factor=1.0, given=None):
    """Learn one epoch window by window; `spans` of each sequence. Return its loss."""
    weighed = [w[i][a + t : b].any() for i in range(len(X)) for a, b, t in spans[i]]
    divisor = batch_size * sum(map(np.sum, w)) / sum(weighed)
    total = 0.0
    for first in range(0, len(X), batch_size):
        group, states = list(range(first, min(first + batch_size, len(X)))), {}
        for number in range(max(len(spans[i]) for i in group)):
            going = [i for i in group if number < len(spans[i])]
            cut = [spans[i][number] for i in going]

            def of(rows, going=going, cut=cut):
                return [rows[i][a:b] for i, (a, b, _) in zip(going, cut, strict=True)]

            begin = {k: np.array([states[i][k] for i in going]) for k in states.get(going[0], ())}
            if number == 0 and given is not None:
                begin = {k: rows[going] for k, rows in given.items()}
            ends = [b == len(X[i]) for i, (_, b, _) in zip(going, cut, strict=True)]
            kept = [b - a - overlap * (not end) for (a, b, _), end in zip(cut, ends, strict=True)]
            taught_from = [t for *_, t in cut]
            arguments = of(X), of(y), of(w), divisor, begin or None, taught_from, kept, factor
            loss, after = twin.step(*arguments)
            total += loss
            states = {i: {k: after[k][j] for k in after} for j, i in enumerate(going)}
    return total / sum(map(np.sum, w))


def check(rnn, twin, losses):
    np.testing.assert_allclose(rnn.loss_curve_, losses, rtol=RTOL_TWIN)
    for name, w in rnn.weights_.items():
        np.testing.assert_allclose(w, twin.weights[name], rtol=RTOL_TWIN, atol=1e-12)


def ones():
    return [np.ones(n) for n in LENGTHS]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("steps, overlap", [(1, 0), (4, 0), (6, 2), (5, 4), (30, 3)])
def test_windows_with_carried_states_learn_as_the_twin_does(cell, steps, overlap):
    rnn = RNNRegressor(cell=cell, bptt=TruncatedBPTT(steps, overlap), **PER_STEP, **TWIN)
    twin, spans = Twin(rnn, X, Y), [spans_of(n, steps, overlap) for n in LENGTHS]
    losses = [learn_windows(twin, X, Y, ones(), spans, 2, overlap=overlap) for _ in range(2)]
    check(rnn.fit(X, Y), twin, losses)


def test_windows_without_weight_carry_their_states_and_change_nothing():
    w = [np.tile([0.0, 0, 0, 0, 2, 1, 0, 1], 3)[:n] for n in LENGTHS]
    w[4][:] = 1.0
    rnn = RNNRegressor(bptt=4, **PER_STEP, **TWIN)
    twin, spans = Twin(rnn, X, Y), [spans_of(n, 4) for n in LENGTHS]
    mean = np.mean([v for row in w for v in row if v > 0])
    losses = [learn_windows(twin, X, Y, w, spans, 2) for _ in range(2)]
    rnn.fit(X, [np.where(v > 0, y, np.nan) for y, v in zip(Y, w, strict=True)], w)
    assert mean != 1.0
    check(rnn, twin, losses)


def test_first_windows_begin_with_the_given_states():
    given = {"h_l0": RNG.standard_normal((5, 3)), "c_l0": RNG.standard_normal((5, 3))}
    rnn = RNNRegressor(cell="lstm", bptt=4, **PER_STEP, **TWIN)
    twin, spans = Twin(rnn, X, Y, given), [spans_of(n, 4) for n in LENGTHS]
    losses = [learn_windows(twin, X, Y, ones(), spans, 2, given=given) for _ in range(2)]
    check(rnn.fit(X, Y, initial_state=given), twin, losses)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_random_windows_learn_as_the_twin_does(cell, monkeypatch):
    drawn, rounds_of = [], windows.random_rounds

    def remember(longest, steps, rng):
        drawn.append((longest, rounds_of(longest, steps, rng)))
        return drawn[-1][1]

    monkeypatch.setattr(windows, "random_rounds", remember)
    bptt = TruncatedBPTT(4, schedule="random")
    rnn = RNNRegressor(cell=cell, bptt=bptt, **PER_STEP, **TWIN).fit(X, Y)
    assert [longest for longest, _ in drawn] == [23, 16, 3] * 2
    assert len({tuple(rounds.end) for longest, rounds in drawn if longest > 3}) == 4
    twin, losses = Twin(rnn, X, Y), []
    # The divisor is that of windows of fixed length.
    n_windows = sum(-(-n // 4) for n in LENGTHS)
    for epoch in range(2):
        of_groups = [rounds for _, rounds in drawn[3 * epoch : 3 * epoch + 3]]
        spans = [
            [(a, min(b, n), 0) for a, b in zip(r.begin, r.end, strict=True) if a < n]
            for r, n in zip(np.repeat(of_groups, 2), LENGTHS, strict=False)
        ]
        twin.rate = 0.2 * n_windows / sum(map(len, spans))
        losses.append(learn_windows(twin, X, Y, ones(), spans, 2, factor=4 / 3))
    check(rnn, twin, losses)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("options", [{}, {"schedule": "random"}, {"carry": False}], ids=str)
def test_the_last_steps_learn_as_the_twin_does(cell, options, monkeypatch):
    drawn, draw = [], windowed.LastWindows.draw_windows

    def remember(self):
        drawn.append(draw(self))
        return drawn[-1]

    monkeypatch.setattr(windowed.LastWindows, "draw_windows", remember)
    rnn = RNNRegressor(cell=cell, bptt=TruncatedBPTT(4, **options), **TWIN).fit(X, LAST)
    twin, losses = Twin(rnn, X, LAST), []
    names = {"lstm": ("h_l0", "c_l0"), "gru": ("h_l0",)}[cell]
    factor = 4 / 3 if "schedule" in options else 1.0
    lengths = [n for minibatches, _ in drawn for _, n in minibatches]
    assert lengths == [4] * 6 or (factor > 1 and len(set(lengths)) > 2)
    for minibatches, _ in drawn:
        total = 0.0
        for numbers, n in minibatches:
            before = [max(len(X[i]) - n, 0) for i in numbers]
            begin = {name: np.zeros((len(numbers), 3)) for name in names}
            for j, i in enumerate(numbers):
                if before[j] and rnn.bptt.carry:
                    after = reference.final_states(
                        twin.weights, [X[i]], twin.nodes, [before[j]], link="squared_error"
                    )
                    for name in names:
                        begin[name][j] = after[name][0]
            last = [X[i][b:] for i, b in zip(numbers, before, strict=True)]
            total += twin.step(last, LAST[numbers], None, 2.0, begin, factor=factor)[0]
        losses.append(total / 5)
    check(rnn, twin, losses)


@pytest.mark.parametrize("steps", [2, 3])
def test_random_windows_have_the_gradient_of_whole_sequences_on_average(steps, monkeypatch):
    n, p = 4, 1 / steps
    x, y, z = SERIES[None, :n], OF_SERIES[None, :n], OF_SERIES[:1]
    options = {**TWIN, "learning_rate_init": 1e-6, "max_iter": 1, "batch_size": 1}

    def change(bptt, y, **others):
        rnn = RNNRegressor(**options, **others, bptt=bptt)
        start = clone(rnn).set_params(learning_rate_init=1e-300).fit(x, y).params_
        return rnn.fit(x, y).params_ - start

    random = TruncatedBPTT(steps, schedule="random")
    expected, mean = change(None, y, **PER_STEP) * -(-n // steps), 0.0
    for ends in np.ndindex((2,) * (n - 1)):
        end = np.array([*np.flatnonzero(ends) + 1, n])
        begin = np.array([0, *end[:-1]])
        rounds = windows.Rounds(begin, end, 0 * end, end - begin)
        monkeypatch.setattr(windows, "random_rounds", lambda *_, rounds=rounds: rounds)
        mean += p ** sum(ends) * (1 - p) ** (n - 1 - sum(ends)) * change(random, y, **PER_STEP)
    np.testing.assert_allclose(mean, expected, rtol=0, atol=1e-4 * np.abs(expected).max())

    expected, mean = change(None, z), 0.0
    for length in range(1, n + 1):
        rng = SimpleNamespace(geometric=lambda p, size, length=length: np.full(size, length))
        monkeypatch.setattr(windowed._Windowed, "rng_of_lengths", lambda self, rng=rng: rng)
        share = (1 - p) ** (length - 1) * (p if length < n else 1)
        mean += share * change(random, z)
    np.testing.assert_allclose(mean, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


# ---- the same bits as other data, or other trainings --------------------------------------------


def same_weights(a, b):
    np.testing.assert_array_equal(a.params_, b.params_)
    assert a.loss_curve_ == b.loss_curve_


EITHER = pytest.mark.parametrize("estimator", [RNNRegressor, RNNClassifier])


@EITHER
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_lanes, steps", [(4, 10), (3, 7), (7, 5), (5, 24)])
def test_a_series_is_learned_as_its_parts_cut_by_hand(estimator, n_lanes, steps, dtype):
    y = OF_SERIES if estimator is RNNRegressor else OF_SERIES > 0
    n_windows = -(-120 // steps)
    shares = [n_windows // n_lanes + (i < n_windows % n_lanes) for i in range(n_lanes)]
    ends = np.minimum(np.cumsum(shares) * steps, 120)[:-1]
    options = {"bptt": steps, "batch_size": n_lanes, "dtype": dtype, **PER_STEP}
    series = quick(estimator, **options).fit([SERIES], [y])
    parts = np.split(SERIES, ends), np.split(y, ends)
    same_weights(series, quick(estimator, **options, shuffle=False).fit(*parts))
    assert (series.t_, series._optimizer["n_updates"]) == (2, 2 * max(shares))


@pytest.mark.parametrize("bptt", [4, TruncatedBPTT(6, 2), TruncatedBPTT(4, carry=False)], ids=str)
def test_gradients_of_windows_are_accumulated(bptt):
    options = {"bptt": bptt, "dtype": "float64"}
    problems = [(PER_STEP, X, Y), (PER_STEP, [SERIES], [OF_SERIES]), ({}, X, LAST)]
    for mode, x, y in problems if bptt == 4 else problems[:2]:
        rnn = quick(**options, **mode, batch_size=2, gradient_accumulation_steps=2).fit(x, y)
        other = quick(**options, **mode, batch_size=4).fit(x, y)
        np.testing.assert_allclose(rnn.params_, other.params_, rtol=1e-7)
        assert rnn._optimizer["n_updates"] == other._optimizer["n_updates"]
        alone = quick(**options, **mode, batch_size=2).fit(x, y)
        assert alone._optimizer["n_updates"] > rnn._optimizer["n_updates"]


def test_frozen_arrays_stay_as_they_are():
    rnn = quick(**PER_STEP, bptt=4, frozen=["weight_hh*"], warm_start=True).fit(X, Y)
    before = rnn.weights_
    after = rnn.fit(X, Y).weights_
    np.testing.assert_array_equal(before["weight_hh_l0"], after["weight_hh_l0"])
    assert (before["weight_ih_l0"] != after["weight_ih_l0"]).any()


def test_rates_and_averages_count_windows():
    options = {**PER_STEP, "bptt": 10, "batch_size": 4, "shuffle": False, "ema_decay": 0.9}
    options |= {"learning_rate": "cosine", "warmup": 0.3}
    parts = np.split(SERIES, 4), np.split(OF_SERIES, 4)
    series, cut = quick(**options).fit([SERIES], [OF_SERIES]), quick(**options).fit(*parts)
    same_weights(series, cut)
    plain = quick(**{**options, "ema_decay": None}).fit(*parts)
    assert not np.array_equal(series.params_, plain.params_)


@pytest.mark.parametrize("cell", _core.CELLS)
def test_every_cell_learns_a_series_as_its_parts(cell):
    options = {"cell": cell, "bptt": 10, "batch_size": 4, **PER_STEP, "shuffle": False}
    options["input_layers"] = [Conv1D(3, 3)]
    parts = np.split(SERIES, 4), np.split(OF_SERIES, 4)
    series = quick(**options).fit([SERIES], [OF_SERIES])
    same_weights(series, quick(**options).fit(*parts))
    whole = quick(**{**options, "bptt": None}).fit(*parts)
    assert not np.array_equal(whole.params_, series.params_)
    long = quick(**{**options, "bptt": 30}).fit(*parts)
    same_weights(long, whole)


@pytest.mark.parametrize("bptt", [23, TruncatedBPTT(40, 10), TruncatedBPTT(23, carry=False)])
@EACH_MODE
def test_windows_as_long_as_sequences_change_nothing(bptt, mode, y):
    if mode == "many_to_one" and isinstance(bptt, TruncatedBPTT):
        bptt = TruncatedBPTT(40, carry=bptt.carry)
    options = {"mode": mode, "batch_size": 2, "dropout": 0.0}
    given = {"h_l0": RNG.standard_normal((5, 4))}
    for state in (None, given):
        whole = quick(**options).fit(X, y, initial_state=state)
        same_weights(quick(**options, bptt=bptt).fit(X, y, initial_state=state), whole)


def test_separate_windows_are_sequences_of_their_own():
    parts = [np.split(rows, range(4, len(rows), 4)) for rows in X]
    cut = [part for of_one in parts for part in of_one]
    targets = [part for rows in Y for part in np.split(rows, range(4, len(rows), 4))]
    options = {**PER_STEP, "batch_size": 3}
    rnn = quick(**options, bptt=TruncatedBPTT(4, carry=False)).fit(X, Y)
    same_weights(rnn, quick(**options).fit(cut, targets))
    assert rnn.t_ == 2 * len(X)


def test_separate_windows_overlap_without_teaching_twice():
    both = zip(X, Y, strict=True)
    cut = [(x[a:b], y[a:b], t) for x, y in both for a, b, t in spans_of(len(x), 6, 2)]
    w = [(np.arange(len(x)) >= t).astype(float) for x, _, t in cut]
    options = {**TWIN, **PER_STEP}
    rnn = RNNRegressor(**options, bptt=TruncatedBPTT(6, 2, carry=False)).fit(X, Y)
    plain = RNNRegressor(**options).fit([x for x, *_ in cut], [y for _, y, _ in cut], w)
    np.testing.assert_allclose(rnn.params_, plain.params_, rtol=1e-12)


def test_without_carried_states_only_the_last_steps_are_read():
    options = {"batch_size": 2, "normalize_X": False}
    rnn = quick(**options, bptt=TruncatedBPTT(5, carry=False)).fit(X, LAST)
    same_weights(rnn, quick(**options).fit([x[-5:] for x in X], LAST))
    assert not np.array_equal(rnn.params_, quick(**options, bptt=5).fit(X, LAST).params_)


@EACH_MODE
@pytest.mark.parametrize("carry", [True, False])
def test_states_that_are_given_stand_for_those_of_beginnings(mode, y, carry):
    options = {**TWIN, "mode": mode, "cell": "lstm", "bptt": TruncatedBPTT(4, carry=carry)}
    given = {"h_l0": np.zeros((5, 3)), "c_l0": np.zeros((5, 3))}
    plain, zeros, others = (RNNRegressor(**options) for _ in range(3))
    zeros.fit(X, y, initial_state=given)
    np.testing.assert_allclose(zeros.params_, plain.fit(X, y).params_, rtol=1e-12)
    others.fit(X, y, initial_state={name: rows + 0.5 for name, rows in given.items()})
    assert not np.allclose(others.params_, plain.params_)


@EACH_MODE
@pytest.mark.parametrize("carry", [True, False])
def test_states_of_beginnings_are_learned(mode, y, carry):
    cell = Elman(initial_state="learned")
    rnn = quick(mode=mode, cell=cell, bptt=TruncatedBPTT(8, carry=carry), batch_size=2)
    assert (rnn.fit(X, y).weights_["initial_h_l0"] != 0).all()


@pytest.mark.filterwarnings("ignore:`gradient_accumulation_steps`")
@pytest.mark.parametrize("k", [1, 2])
def test_states_are_learned_from_the_short_sequences_of_a_minibatch(k):
    cell = Elman(initial_state="learned")
    options = {**TWIN, "cell": cell, "batch_size": 5 // k, "max_iter": 1, "bptt": 8}
    rnn = RNNRegressor(**options, gradient_accumulation_steps=1 if k == 1 else 3)
    twin, n_updates = Twin(rnn, X, LAST), 2  # the second one begins with states that are not 0
    start, longer = twin.weights["initial_h_l0"], np.array(LENGTHS) > 8
    for _ in range(n_updates):
        h = {"h_l0": np.tile(twin.weights["initial_h_l0"], (longer.sum(), 1))}
        x = [x for x, is_longer in zip(X, longer, strict=True) if is_longer]
        n = [len(row) - 8 for row in x]
        options = {"initial_state": h, "link": "squared_error"}
        after = reference.final_states(twin.weights, x, twin.nodes, n, **options)
        weights, total = dict(twin.weights), 0.0
        total += twin.step([row[-8:] for row in x], LAST[longer], None, 5.0, after)[0]
        changes = {name: twin.weights[name] - w for name, w in weights.items()}
        assert not changes["initial_h_l0"].any()
        twin.weights = weights
        short = [x for x, is_longer in zip(X, longer, strict=True) if not is_longer]
        total += twin.step(short, LAST[~longer], None, 5.0)[0]
        twin.weights = {name: w + changes[name] for name, w in twin.weights.items()}
    assert (start != twin.weights["initial_h_l0"]).all()
    rnn.set_params(max_iter=n_updates).fit(X, LAST)
    assert rnn.loss_ == pytest.approx(total / 5, rel=RTOL_TWIN)
    check(rnn, twin, rnn.loss_curve_)


def test_all_parts_of_a_sequence_begin_with_the_states_given_for_it():
    state = {"h_l0": np.full((1, 4), 0.5)}
    options = {**PER_STEP, "bptt": 10, "batch_size": 4}
    series = quick(**options).fit([SERIES], [OF_SERIES], initial_state=state)
    parts = np.split(SERIES, 4), np.split(OF_SERIES, 4)
    state = {"h_l0": np.full((4, 4), 0.5)}
    same_weights(series, quick(**options).fit(*parts, initial_state=state))


def test_codes_are_learned_in_windows():
    codes = np.column_stack([SERIES[:, :1], np.arange(120) % 5])
    options = {**PER_STEP, "bptt": 10, "batch_size": 4, "categorical_features": [1]}
    series = quick(**options).fit([codes], [OF_SERIES])
    same_weights(series, quick(**options).fit(np.split(codes, 4), np.split(OF_SERIES, 4)))


SCHEDULES = [
    5,
    TruncatedBPTT(20, 5),
    TruncatedBPTT(20, carry=False),
    TruncatedBPTT(20, schedule="random"),
    TruncatedBPTT(5, schedule="grow"),
]


@pytest.mark.parametrize(
    "mode, bptt",
    [
        *(("many_to_many", bptt) for bptt in SCHEDULES),
        *(("many_to_one", bptt) for bptt in SCHEDULES if not getattr(bptt, "overlap", 0)),
    ],
    ids=str,
)
def test_neither_threads_nor_a_budget_change_a_bit(mode, bptt):
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((n, 2)) for n in rng.integers(100, 200, 12)]
    y = [x.cumsum(axis=0) / 10 for x in X]
    y = np.array([rows[-1] for rows in y]) if mode == "many_to_one" else y
    options = {"mode": mode, "dropout": 0.2, "batch_size": 8, "max_iter": 1, "random_state": 0}

    def fit(**changes):
        return RNNRegressor((48, 48), bptt=bptt, **options, **changes).fit(X, y)

    with pytest.raises(ValueError, match="`memory_budget` must be at least") as refusal:
        fit(memory_budget=1)
    least = int(re.search(r"at least (\d+)", str(refusal.value))[1])
    expected = fit(n_threads=1)
    for rnn in (fit(n_threads=3), fit(n_threads=1, memory_budget=least)):
        same_weights(rnn, expected)


def test_class_weights_are_weights_of_steps():
    labels = [np.where(y > 0, "up", "down") for y in Y]
    options = {**PER_STEP, "bptt": 4, "batch_size": 2, "dtype": "float64", "normalize_X": False}
    rnn = quick(RNNClassifier, **options, class_weight={"up": 3.0}).fit(X, labels)
    weights = [np.where(row == "up", 3.0, 1.0) for row in labels]
    other = quick(RNNClassifier, **options).fit(X, labels, weights)
    np.testing.assert_allclose(rnn.params_, other.params_, rtol=1e-9)


# ---- the plan -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_every_step_is_taught_once_and_states_go_on(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 60, rng.integers(1, 6))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
    steps, n_lanes = int(rng.integers(1, 12)), int(rng.integers(len(lengths), 20))
    overlap = int(rng.integers(0, steps))
    lanes = windows.cut(Lanes.of(offsets, range(len(lengths))), n_lanes, steps, overlap)
    assert len(lengths) <= len(lanes) <= n_lanes
    covered = [np.arange(a, a + n) for a, n in zip(lanes.first, lanes.length, strict=True)]
    np.testing.assert_array_equal(np.concatenate(covered), np.arange(offsets[-1]))
    at_ends = np.isin(lanes.first + lanes.length, offsets)
    assert ((lanes.length - overlap)[~at_ends] % (steps - overlap) == 0).all()
    listed, n_taught = windows.windows_of(lanes, steps, overlap)
    assert len(listed) == windows.count_windows(lanes.length, steps, overlap).sum()
    rounds = [windows.fixed_rounds(int(lanes.length.max()), steps, overlap)]
    rounds.append(windows.random_rounds(int(lanes.length.max()), max(steps, 2), rng))
    for each in rounds:
        taught = np.zeros(offsets[-1], dtype=int)
        reached = np.zeros(len(lanes), dtype=int)
        for i in range(len(each)):
            going = each.lanes_of(i, lanes.length)
            assert len(going) and (going < len(lanes)).all()
            assert (reached[going] == each.begin[i]).all()  # where the state was taken
            ends = np.minimum(each.end[i], lanes.length[going])
            for lane, end in zip(going, ends, strict=True):
                first = lanes.first[lane]
                taught[first + each.begin[i] + each.taught_from[i] : first + end] += 1
            reached[going] += np.minimum(each.kept_after[i], ends - each.begin[i])
        assert (taught == 1).all()
    each = zip(listed.first, listed.length, n_taught, strict=True)
    taught = [np.arange(a + t, a + n) for a, n, t in each]
    np.testing.assert_array_equal(np.sort(np.concatenate(taught)), np.arange(offsets[-1]))


def test_lanes_have_shares_in_proportion_to_lengths():
    lanes = windows.cut(Lanes.of(np.array([0, 1000, 1100, 1105]), range(3)), 12, 10)
    assert np.bincount(lanes.sample).tolist() == [10, 1, 1]
    assert np.ptp(lanes.length[lanes.sample == 0]) == 0
    assert len(windows.cut(Lanes.of(np.array([0, 95]), [0]), 64, 10)) == 10


@pytest.mark.parametrize("steps", [2, 5])
def test_random_windows_end_after_each_step_with_the_same_probability(steps):
    rng, n = np.random.RandomState(0), 20_000
    rounds = windows.random_rounds(n, steps, rng)
    for parity in (0, 1):  # at even and at odd steps
        ends = np.sum(rounds.end[:-1] % 2 == parity) / (n / 2)
        assert abs(ends - 1 / steps) < 5 * np.sqrt(1 / steps / (n / 2))
    lengths = np.diff(rounds.end)
    assert abs(np.corrcoef(lengths[1:], lengths[:-1])[0, 1]) < 5 / np.sqrt(len(lengths))


# ---- growing windows ----------------------------------------------------------------------------


def grown(bptt=None, **options):
    seen = []
    rnn = quick(
        **{"max_iter": 60, "n_iter_no_change": 1, "tol": 1e-3, "batch_size": 4, **options},
        bptt=bptt or TruncatedBPTT(2, schedule="grow"),
    )
    y = Y if rnn.mode == "many_to_many" else LAST
    rnn.fit(X, y, callbacks=lambda _, info: seen.append(info["window_length"]))
    assert seen == rnn.window_lengths_ and len(seen) == rnn.n_iter_
    return rnn


@pytest.mark.parametrize("mode", ["many_to_one", "many_to_many"])
def test_windows_grow_until_that_brings_nothing(mode):
    lengths = grown(mode=mode, learning_rate_init=0.05).window_lengths_
    distinct = list(dict.fromkeys(lengths))
    assert len(distinct) > 1 and distinct == [2 * 2**i for i in range(len(distinct))]
    assert sorted(lengths) == lengths and lengths[-1] < 2 * max(LENGTHS)
    never = grown(mode=mode, tol=1e9).window_lengths_  # only the first epoch is progress
    assert never == [2, 2, 2, 4, 4]


def test_windows_grow_before_the_rate_is_lowered():
    rates = []
    rnn = quick(
        **PER_STEP,
        bptt=TruncatedBPTT(2, schedule="grow"),
        learning_rate="adaptive",
        n_iter_no_change=1,
        tol=1e9,
        max_iter=12,
    )
    rnn.fit(X, Y, callbacks=lambda _, info: rates.append(info["learning_rate"]))
    first = rates.index(min(rates))
    lowered = next(i for i, rate in enumerate(rates) if rate < rates[0])
    assert rnn.window_lengths_[lowered - 1] == 4 and first > lowered


def test_windows_grow_no_further_than_the_memory_allows():
    options = {**PER_STEP, "tol": 0.0, "learning_rate_init": 0.05}
    with pytest.raises(ValueError, match="at least") as refusal:
        quick(**PER_STEP, bptt=TruncatedBPTT(4), batch_size=4, memory_budget=1).fit(X, Y)
    budget = int(re.search(r"at least (\d+)", str(refusal.value))[1])
    assert max(grown(**options).window_lengths_) > 4
    assert max(grown(**options, memory_budget=budget).window_lengths_) == 4


def test_a_pass_of_partial_fit_has_windows_of_the_first_length():
    rnn = quick(**PER_STEP, bptt=TruncatedBPTT(2, schedule="grow"), tol=1e9, n_iter_no_change=1)
    for _ in range(6):
        rnn.partial_fit(X, Y)
        assert rnn.window_lengths_ == [2]


# ---- how training goes on and ends --------------------------------------------------------------


def test_a_pass_of_partial_fit_is_one_update_for_each_window():
    rnn = quick(**PER_STEP, bptt=4, batch_size=5).partial_fit(X, Y)
    assert (rnn._optimizer["n_updates"], rnn.t_) == (6, 5)
    assert rnn._taught == (60, 5)
    rnn = pickle.loads(pickle.dumps(rnn)).partial_fit(X[:2], Y[:2])
    assert (rnn._optimizer["n_updates"], rnn.t_) == (6 + 2, 7)  # in 5 lanes


def test_a_pass_of_partial_fit_is_an_epoch_of_fit():
    options = {**TWIN, **PER_STEP, "bptt": 4, "max_iter": 1}
    fit, part = (RNNRegressor(**options) for _ in range(2))
    same_weights(fit.fit(X, Y), part.partial_fit(X, Y))


def test_warm_start_continues_with_other_windows():
    rnn = quick(**PER_STEP, bptt=4, batch_size=2, warm_start=True).fit(X, Y)
    before = rnn.params_.copy()
    rnn.set_params(bptt=TruncatedBPTT(8, 2)).fit(X, Y)
    assert not np.array_equal(before, rnn.params_)
    assert rnn.window_lengths_ == [8, 8] and len(rnn.loss_curve_) == 4
    assert rnn.set_params(bptt=None).fit(X, Y).window_lengths_ is None


def test_validation_is_on_whole_sequences():
    rnn = quick(**PER_STEP, bptt=4, early_stopping=True, max_iter=5)
    rnn.fit(X, Y, X_val=X, y_val=Y)
    assert rnn.score(X, Y) == pytest.approx(max(rnn.validation_scores_), rel=1e-6)


@EACH_MODE
@pytest.mark.parametrize("bptt", [4, TruncatedBPTT(4, carry=False)], ids=str)
def test_an_interrupt_within_a_pass_keeps_what_was_learned(mode, y, bptt, monkeypatch):
    rnn = quick(mode=mode, bptt=bptt, batch_size=2, max_iter=5)
    kind = {4: windowed.CarriedWindows}.get(bptt, windowed.SeparateWindows)
    kind = windowed.LastWindows if mode == "many_to_one" else kind
    train, count = kind.train, []

    def interrupted(*arguments):
        count.append(1)
        if len(count) == 2:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(kind, "train", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user"):
        rnn.fit(X, y)
    assert rnn._optimizer["n_updates"] == 1 and rnn.n_iter_ == 0 and np.isfinite(rnn.loss_)
    assert rnn.window_lengths_ == rnn.loss_curve_ == []
    monkeypatch.undo()
    assert len(rnn.predict(X)) == len(X) and rnn.partial_fit(X, y).t_ >= len(X)


def test_a_state_is_taken_over_only_with_its_update(monkeypatch):
    kept, train = {}, windowed.CarriedWindows.train

    def fail(self, *arguments):
        def refuse(*_, final_state, **__):
            final_state[:] = np.nan
            raise FloatingPointError("the loss is nan")

        before = self.states.copy()
        if len(kept) == 3:
            self.engine = SimpleNamespace(train_minibatch=refuse)
        try:
            result = train(self, *arguments)
        except FloatingPointError:
            np.testing.assert_array_equal(self.states, before)
            raise
        kept[len(kept)] = before
        return result

    monkeypatch.setattr(windowed.CarriedWindows, "train", fail)
    rnn = quick(**PER_STEP, bptt=4, batch_size=2)
    with pytest.raises(ValueError, match="training diverged: the loss is nan"):
        rnn.fit(X, Y)
    assert len(kept) == 3 and not hasattr(rnn, "params_")


def test_a_divergence_is_named():
    rnn = quick(**PER_STEP, bptt=4, solver="sgd", learning_rate_init=1e30, max_grad_norm=None)
    with pytest.raises(ValueError, match="The training diverged"):
        rnn.fit(X, Y)
    assert not hasattr(rnn, "params_")


def test_the_rate_is_set_at_each_window():
    rates, train = [], windowed.CarriedWindows.train

    def look(self, minibatch, params, moments, rate, update):
        rates.append(rate)
        return train(self, minibatch, params, moments, rate, update)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windowed.CarriedWindows, "train", look)
        quick(**PER_STEP, bptt=4, batch_size=5, learning_rate="cosine").fit(X, Y)
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(12) / 12)) / 2
    np.testing.assert_allclose(rates, expected)


@NOT_SANITIZED
def test_memory_does_not_grow_with_the_length_of_a_series():
    peaks = []
    for n in (100_000, 1_000_000):
        x = np.random.default_rng(0).standard_normal((n, 1), dtype=np.float32)
        rnn = RNNRegressor(16, bptt=100, max_iter=1, n_threads=1, **PER_STEP)
        tracemalloc.start()
        rnn.fit([x], [x[:, 0]])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Bytes per step, for copies of numbers. Whole sequences need 400.
    assert (peaks[1] - peaks[0]) / 900_000 < 20


# ---- the object, as scikit-learn sees it --------------------------------------------------------


def test_options_are_parameters_of_a_search():
    rnn = quick(**PER_STEP, bptt=TruncatedBPTT(2), max_iter=1, batch_size=1)
    grid = {"bptt__steps": [2, 8], "bptt__carry": [True, False]}
    search = GridSearchCV(rnn, grid, cv=2, error_score="raise").fit(X, Y)
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    assert rnn.bptt.steps == 2
    words = GridSearchCV(rnn, {"bptt": [None, 2, TruncatedBPTT(2)]}, cv=2).fit(X, Y)
    scores = words.cv_results_["mean_test_score"]
    assert scores[1] == scores[2] != scores[0]


@pytest.mark.parametrize("bptt", [None, 7, TruncatedBPTT(7), TruncatedBPTT(8, 2, schedule="grow")])
@EITHER
def test_it_is_cloned_shown_and_pickled_as_a_parameter(estimator, bptt):
    rnn = estimator(bptt=bptt)
    for other in (clone(rnn), pickle.loads(pickle.dumps(rnn))):
        assert repr(other) == repr(rnn)
        if isinstance(bptt, TruncatedBPTT):
            assert other.bptt is not bptt and other.bptt.get_params() == bptt.get_params()
    assert repr(rnn) == f"{estimator.__name__}({'' if bptt is None else f'bptt={bptt!r}'})"
    assert repr(TruncatedBPTT(7)) == "TruncatedBPTT(steps=7)"


def test_a_fit_does_not_write_on_it_nor_follow_it():
    bptt = TruncatedBPTT(np.int64(4), schedule="grow", carry=np.True_)
    rnn = quick(**PER_STEP, bptt=bptt, warm_start=True).fit(X, Y)
    assert rnn.bptt is bptt and bptt.steps == 4
    again = pickle.loads(pickle.dumps(rnn))
    bptt.steps = 0
    assert same_state(again, rnn)
    same_weights(again.fit(X, Y), rnn.set_params(bptt__steps=4).fit(X, Y))


def test_weight_files_and_earlier_pickles_know_nothing_of_it(tmp_path):
    rnn = quick(**PER_STEP, bptt=4).fit(X, Y)
    rnn.save_weights(tmp_path / "a.npz")
    loaded = RNNRegressor().load_weights(tmp_path / "a.npz")
    assert loaded.bptt is None and loaded.window_lengths_ is None
    np.testing.assert_array_equal(loaded.predict(X[:1])[0], rnn.predict(X[:1])[0])
    loaded.set_params(bptt=4).partial_fit(X, Y)
    state = rnn.__getstate__()
    del state["bptt"], state["window_lengths_"]
    earlier = RNNRegressor()
    earlier.__setstate__(state)
    assert earlier.bptt is None and earlier.window_lengths_ is None
    earlier.partial_fit(X, Y)


# ---- errors -------------------------------------------------------------------------------------


class Shape:
    """Has the look of what it is not."""

    steps = 4


@pytest.mark.parametrize(
    "bptt, message",
    [
        *(
            (value, r"`bptt` must be None, an integer of at least 1, or .*TruncatedBPTT`, got")
            for value in (0, -1, 2.5, True, "10", [10], TruncatedBPTT, Shape(), 2**31)
        ),
        *(
            (TruncatedBPTT(value), r"`steps` of TruncatedBPTT must be an integer of at least 1")
            for value in (0, None, "4", 1.5, True)
        ),
        (TruncatedBPTT(4, -1), r"`overlap` of .* an integer of at least 0.*got bptt=Trunc.*-1"),
        (TruncatedBPTT(4, 4), r"`overlap` of TruncatedBPTT must be below `steps`, 4, got bptt="),
        (TruncatedBPTT(4, schedule="slow"), r"`schedule` of .* one of 'fixed', 'random', 'grow'"),
        (TruncatedBPTT(4, carry=1), r"`carry` of TruncatedBPTT must be True or False, got bptt="),
        (TruncatedBPTT(1, schedule="random"), r"`steps` of .* at least 2 with schedule='random'"),
        (TruncatedBPTT(4, 1, schedule="random"), r"`overlap` of .* 0 with schedule='random'"),
        (
            TruncatedBPTT(4, schedule="random", carry=False),
            r"`carry` of .* True with schedule='random'",
        ),
    ],
)
def test_bad_options_are_named(bptt, message, refuses):
    refuses(quick(**PER_STEP, bptt=bptt), message, X, Y)


def test_an_overlap_needs_targets_per_step(refuses):
    rnn = quick(bptt=TruncatedBPTT(4, 1))
    refuses(rnn, r"`overlap` of .* 0 with mode='many_to_one'", X, LAST)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"bidirectional": True}, "`bptt` needs bidirectional=False"),
        ({"pooling": "mean"}, "`bptt` needs pooling='last'"),
        ({"input_layers": [Conv1D(2, 3, stride=2)]}, "`bptt` needs input layers without a stride"),
    ],
)
def test_networks_without_windows_are_named(options, message, refuses):
    refuses(quick(bptt=4, **options), message, X, LAST)


def test_a_budget_for_random_windows_is_refused_before_training():
    rnn = quick(**PER_STEP, bptt=TruncatedBPTT(4, schedule="random"), memory_budget=3000)
    with pytest.raises(ValueError, match="`memory_budget` must be at least"):
        rnn.fit(X, Y, callbacks=lambda *_: pytest.fail("a pass was learned"))


def test_a_batch_size_beyond_the_windows_warns():
    with pytest.warns(UserWarning, match="`batch_size`=99 is larger .* of windows, 30"):
        quick(**PER_STEP, bptt=4, batch_size=99).fit([SERIES], [OF_SERIES])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        quick(**PER_STEP, bptt=4, batch_size=30).fit([SERIES], [OF_SERIES])


def test_the_length_of_windows_is_shown(capsys):
    quick(**PER_STEP, bptt=4, verbose=1).fit(X, Y)
    assert capsys.readouterr().out.count("window 4") == 2
