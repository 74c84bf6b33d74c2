"""Bars and pictures of a training that runs; tests/interop has those of tqdm, rich and IPython."""

import pickle
import sys
import warnings
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from cases import run_python
from joblib import parallel_config
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    LeaveOneOut,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn._live import live_plot, progress_bar, searches
from sklearn_rnn._live.bars import TqdmBars, bars_of
from sklearn_rnn.forecasting import RNNForecaster
from sklearn_rnn.preprocessing import SequenceScaler
from sklearn_rnn.progress import LivePlot, ProgressBar, search_progress
from sklearn_rnn.transfer import Reptile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).normal(size=(24, 6, 2))
Y = X.sum(axis=(1, 2))


class Bars:
    """Bars that keep what they are told."""

    def __init__(self):
        self.bars, self.kept, self.is_closed = [], [], False

    def add(self, name, total, unit, *, keep=True):
        self.bars.append(SimpleNamespace(name=name, total=total, shown=[], has_ended=False))
        return self.bars[-1]

    def show(self, bar, done, text, total):
        assert not bar.has_ended and not self.is_closed
        bar.total = total
        bar.shown.append((done, text))

    def end(self, bar):
        bar.has_ended = True

    def close(self):
        self.is_closed = True


@pytest.fixture
def bars(monkeypatch):
    """Return a list of the bars that are made."""
    made = []

    def make(backend):
        made.append(Bars())
        return made[-1]

    monkeypatch.setattr(progress_bar, "bars_of", make)
    monkeypatch.setattr(searches, "bars_of", make)
    monkeypatch.setattr(progress_bar, "SECONDS", 0.0)  # show each epoch
    return made


def small(**params):
    return RNNRegressor(3, **{"max_iter": 4, "random_state": 0, **params})


# ---- ProgressBar --------------------------------------------------------------------------------


def test_a_bar_shows_each_epoch_and_the_best(bars):
    rnn = small(early_stopping=True, verbose=ProgressBar()).fit(X, Y)
    ((bar,),) = [each.bars for each in bars]
    assert (bar.name, bar.total, bars[0].is_closed) == ("RNNRegressor", 4, True)
    assert [done for done, _ in bar.shown] == [1, 2, 3, 4]
    scores = rnn.validation_scores_
    for i, (_, text) in enumerate(bar.shown):
        best = int(np.argmax(scores[: i + 1]))
        assert text == (
            f"loss {rnn.loss_curve_[i]:.4g}  validation {scores[i]:.4g}  "
            f"best {scores[best]:.4g} (epoch {best + 1})"
        )
    small(verbose=ProgressBar()).fit(X, Y)
    assert "validation" not in bars[1].bars[0].shown[-1][1]


def test_a_bar_is_drawn_rarely_but_with_the_last_epoch(bars, monkeypatch):
    monkeypatch.setattr(progress_bar, "SECONDS", 1000.0)
    rnn = small(verbose=ProgressBar()).fit(X, Y)
    (first, _), (last, text) = bars[0].bars[0].shown
    assert (first, last) == (1, 4) and text.startswith(f"loss {rnn.loss_curve_[-1]:.4g}  best ")


def test_warnings_of_the_end_come_after_the_bar(bars, monkeypatch):
    states = []
    monkeypatch.setattr(warnings, "warn", lambda *args, **kwargs: states.append(bars[-1].is_closed))
    rnn, reptile = small(), Reptile(RNNRegressor(3, beta_1=0.0), n_iter=3, random_state=0)

    def interrupt(rnn, info):
        if info.get("epoch", info.get("iteration")) == 2:
            raise KeyboardInterrupt

    rnn.fit(X, Y, callbacks=ProgressBar())
    rnn.fit(X, Y, callbacks=[ProgressBar(), interrupt])
    reptile.fit([(X, Y), (X, -Y)], callbacks=[ProgressBar(), interrupt])
    assert states == [True] * 3


def test_in_a_notebook_bars_that_end_early_are_neither_red_nor_left():
    styles = []

    class Bar:
        """What is used of tqdm.notebook.tqdm, which styles bars as it does."""

        container, n = None, 0

        def __init__(self, total, leave, **options):
            self.total, self.leave = total, leave

        def close(self):
            self.display("danger" if self.n < self.total else "success" if self.leave else "gone")

        def display(self, bar_style, check_delay=False):
            styles.append(bar_style)

    bars = TqdmBars.__new__(TqdmBars)
    bars.new, bars.bars = Bar, []
    for keep in (True, False):
        bars.add("fit", 9, "epoch", keep=keep).n = 3
    bars.close()
    assert styles == ["gone", "danger", "info"] and bars.bars == []


def test_a_bar_goes_where_estimators_go(bars):
    rnn = small(verbose=ProgressBar("rich"))
    assert clone(rnn).verbose.backend == "rich" and clone(rnn).verbose is not rnn.verbose
    assert pickle.loads(pickle.dumps(rnn.fit(X, Y))).verbose.backend == "rich"
    pipeline = make_pipeline(SequenceScaler(), rnn)
    pipeline.set_params(rnnregressor__verbose__backend="tqdm").fit(X, Y)
    assert rnn.verbose.backend == "tqdm" and len(bars) == 2
    GridSearchCV(pipeline, {"rnnregressor__cell": ["gru"]}, cv=2).fit(X, Y)
    RNNForecaster(2, 4, estimator=rnn).fit(np.arange(40.0))
    assert len(bars) == 6 and all(each.is_closed for each in bars)
    small().fit(X, Y, callbacks=[ProgressBar(), lambda rnn, info: info["epoch"] == 2])
    assert [done for done, _ in bars[-1].bars[0].shown] == [1, 2]
    for verbose, callbacks in ((0, ProgressBar()), (ProgressBar(), None)):
        reptile = Reptile(RNNRegressor(3, beta_1=0.0), n_iter=3, random_state=0, verbose=verbose)
        reptile.fit([(X, Y), (X, -Y)], callbacks=callbacks)
        assert [done for done, _ in bars[-1].bars[0].shown] == [1, 2, 3] and bars[-1].is_closed
    n_made = len(bars)
    rnn.partial_fit(X, Y)
    assert len(bars) == n_made


def test_a_bar_is_closed_if_training_is_stopped(bars):
    for error in (RuntimeError, KeyboardInterrupt):

        def fail(rnn, info, error=error):
            raise error

        rnn = small(verbose=ProgressBar())
        if error is RuntimeError:
            with pytest.raises(RuntimeError):
                rnn.fit(X, Y, callbacks=fail)
        else:
            with pytest.warns(UserWarning, match="interrupted"):
                rnn.fit(X, Y, callbacks=fail)
        assert bars[-1].is_closed and len(bars[-1].bars[0].shown) == 1


def test_what_is_shown_changes_no_bit_and_its_errors_do_not_stop_the_training(bars, monkeypatch):
    plain = small(early_stopping=True, dropout=0.1).fit(X, Y)
    rnn = small(early_stopping=True, dropout=0.1, verbose=ProgressBar()).fit(X, Y)
    np.testing.assert_array_equal(rnn.params_, plain.params_)
    monkeypatch.setattr(Bars, "show", lambda *args: 1 / 0)
    rnn = small(early_stopping=True, dropout=0.1, verbose=ProgressBar())
    with pytest.warns(RuntimeWarning, match="ProgressBar failed.*ZeroDivisionError") as caught:
        rnn.fit(X, Y)
    (warning,) = [each for each in caught if each.category is RuntimeWarning]
    assert warning.filename == __file__
    assert bars[-1].is_closed and rnn.n_iter_ == 4
    np.testing.assert_array_equal(rnn.params_, plain.params_)


def test_missing_packages_and_wrong_settings_are_named(monkeypatch):
    for name in ("tqdm", "tqdm.auto", "rich"):
        monkeypatch.setitem(sys.modules, name, None)
    for backend in ("auto", "tqdm", "rich"):
        with pytest.raises(ImportError, match=r"tqdm or rich.*sklearn-rnn\[progress\]"):
            small(verbose=ProgressBar(backend)).fit(X, Y)
    with pytest.raises(ValueError, match="`backend` must be one of"):
        small(verbose=ProgressBar("rihc")).fit(X, Y)
    with pytest.raises(ValueError, match=r"`verbose` must be .* `sklearn_rnn.progress`, got"):
        small(verbose="tqdm").fit(X, Y)
    with pytest.raises(TypeError, match=r"`callbacks` must be .* `sklearn_rnn.progress`"):
        small().fit(X, Y, callbacks=["tqdm"])


def test_importing_loads_nothing_that_draws():
    code = """
import sys, sklearn_rnn
before = set(sys.modules)  # scikit-learn may import rich
import sklearn_rnn.progress
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(new & {"tqdm", "rich", "IPython", "matplotlib"}, "tqdm" in before, "IPython" in before)
"""
    assert run_python(code).stdout.split() == ["set()", "False", "False"]


# ---- LivePlot -----------------------------------------------------------------------------------


@pytest.fixture
def notebook(monkeypatch):
    """Return a list of what a notebook is told: ("display" or "update", PNG)."""
    pytest.importorskip("matplotlib")
    told = []

    class Handle:
        def update(self, picture):
            told.append(("update", picture))

    def display(picture, display_id=False):
        told.append(("display", picture))
        assert display_id is True
        return Handle()

    module, inner = ModuleType("IPython"), ModuleType("IPython.display")
    module.version_info = (9, 0)
    module.get_ipython = lambda: SimpleNamespace(kernel=object())
    module.display, inner.display = inner, display
    inner.Image = lambda data, format: data
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return told


def test_a_picture_changes_in_place_and_not_too_often(notebook):
    plain = small(early_stopping=True).fit(X, Y)
    rnn = small(early_stopping=True, verbose=LivePlot(every=1000)).fit(X, Y)
    assert [what for what, _ in notebook] == ["display", "update"]  # first and last epoch
    assert all(picture.startswith(b"\x89PNG") for _, picture in notebook)
    assert notebook[0][1] != notebook[1][1]
    np.testing.assert_array_equal(rnn.params_, plain.params_)
    assert clone(rnn).verbose.every == 1000


def test_drawing_takes_a_small_part_of_the_time(notebook, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(live_plot, "perf_counter", lambda: clock.now)

    def draw(*args, **kwargs):
        clock.now += 1.0

    monkeypatch.setattr(live_plot.LossCurveDisplay, "from_history", draw)

    def epoch(rnn, info):
        clock.now += 1.0

    small(max_iter=12).fit(X, Y, callbacks=[LivePlot(every=0), epoch])
    assert len(notebook) == 3 + 1  # at each fifth second, and at the end


def test_the_picture_is_that_of_the_history(notebook, monkeypatch):
    drawn = []
    original = live_plot.LossCurveDisplay.from_history

    def keep(history, **options):
        drawn.append(({name: list(column) for name, column in history.items()}, options["log"]))
        return original(history, **options)

    monkeypatch.setattr(live_plot.LossCurveDisplay, "from_history", keep)
    rnn = small(early_stopping=True).fit(X, Y, callbacks=LivePlot(every=1000, log=True))
    history, log = drawn[-1]
    assert log and [len(each["loss"]) for each, _ in drawn] == [1, 4]
    for name, column in history.items():
        np.testing.assert_array_equal(column, rnn.history_[name])


def test_without_a_notebook_or_a_window_a_warning_says_what_to_do():
    matplotlib = pytest.importorskip("matplotlib")
    with (
        matplotlib.rc_context(),
        pytest.warns(UserWarning, match="LivePlot draws nothing.*agg") as caught,
    ):
        matplotlib.use("agg", force=True)
        rnn = small(verbose=LivePlot()).fit(X, Y)
    assert rnn.n_iter_ == 4 and caught[0].filename == __file__
    with pytest.raises(ValueError, match="`every`"):
        small(verbose=LivePlot(every=-1)).fit(X, Y)
    with pytest.raises(ValueError, match="`log`"):
        small(verbose=LivePlot(log="yes")).fit(X, Y)


def test_a_window_is_drawn_again(monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, calls = pyplot.figure(), []
    monkeypatch.setattr(pyplot, "figure", lambda **options: figure)
    monkeypatch.setattr(type(figure.canvas), "required_interactive_framework", "a toolkit")
    figure.show = lambda: calls.append("show")
    figure.canvas.draw_idle = lambda: calls.append("draw")
    figure.canvas.flush_events = lambda: calls.append("flush")
    small(verbose=LivePlot(every=1000)).fit(X, Y)
    assert calls == ["show", "draw", "flush", "draw", "flush"]
    assert len(figure.axes[0].lines[0].get_xdata()) == 4
    pyplot.close(figure)


# ---- search_progress ----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", [None, "threading", "multiprocessing"])
def test_a_search_shows_its_fits_and_their_epochs(bars, backend):
    pipeline = make_pipeline(SequenceScaler(), small(verbose=True))
    search = GridSearchCV(pipeline, {"rnnregressor__cell": ["elman", "gru"]}, cv=2)
    with parallel_config(backend or "sequential", **({"n_jobs": 2} if backend else {})):
        with search_progress(search):
            search.fit(X, Y)
    fits, *epochs = bars[0].bars
    assert (fits.name, fits.total, fits.shown[-1][0]) == ("fits", 5, 5) and bars[0].is_closed
    assert [bar.name for bar in epochs] == [f"fit {i}, RNNRegressor" for i in range(1, 6)]
    assert all(bar.total == 4 and bar.has_ended for bar in epochs)
    assert all(bar.shown and "best" in bar.shown[0][1] for bar in epochs)
    assert pipeline[-1].verbose is search.best_estimator_[-1].verbose is True
    plain = clone(search).set_params(estimator__rnnregressor__verbose=0).fit(X, Y)
    np.testing.assert_array_equal(
        plain.best_estimator_[-1].params_, search.best_estimator_[-1].params_
    )


def test_other_functions_that_fit_are_counted(bars):
    rnn = RNNClassifier(3, max_iter=2)
    with search_progress(rnn):
        cross_val_score(rnn, X, Y > 0, cv=3)
    with search_progress(rnn, n_fits=3):
        cross_val_score(rnn, X, Y > 0, cv=3)
    with search_progress(rnn, n_fits=1):  # there are more
        cross_val_score(rnn, X, Y > 0, cv=3)
    assert [each.bars[0].total for each in bars] == [None, 3, None]
    assert [each.bars[0].shown[-1] for each in bars] == [(3, "0 running")] * 3


def test_how_many_fits_a_search_has():
    grid = {"cell": ["gru", "lstm"]}
    cases = [
        (GridSearchCV(small(), grid), 11),
        (GridSearchCV(small(), [grid, {"dropout": [0.1]}], cv=KFold(3), refit=False), 9),
        (GridSearchCV(small(), grid, cv=[(0, 1), (1, 0)]), 5),
        (GridSearchCV(small(), grid, cv=iter([])), None),
        (GridSearchCV(small(), grid, cv=LeaveOneOut()), None),
        (RandomizedSearchCV(small(), {"dropout": [0.1, 0.2, 0.3]}, n_iter=2, cv=2), 5),
        (RandomizedSearchCV(small(), grid, n_iter=9, cv=2), 5),
        (HalvingGridSearchCV(small(), grid), None),
        (small(), None),
    ]
    for search, n_fits in cases:
        assert searches._n_fits_of(search) == n_fits


def test_after_an_error_everything_is_as_before(bars, monkeypatch):
    bar = ProgressBar()
    search = GridSearchCV(small(verbose=bar), {"cell": ["nonsense"]}, cv=2, error_score="raise")
    with pytest.raises(ValueError, match="nonsense"), search_progress(search):
        search.fit(X, Y)
    assert search.estimator.verbose is bar and bars[-1].is_closed
    with pytest.raises(ValueError, match="`estimator` must hold a network"):
        search_progress(GridSearchCV(Ridge(), {})).__enter__()
    with pytest.raises(ValueError, match="`n_fits`"):
        search_progress(small(), n_fits=0).__enter__()
    monkeypatch.setattr(Bars, "show", lambda *args: 1 / 0)
    search.set_params(param_grid={"cell": ["gru"]})
    with pytest.warns(RuntimeWarning, match="search_progress failed.*ZeroDivisionError"):
        with search_progress(search):
            search.fit(X, Y)
    assert search.estimator.verbose is bar and search.best_estimator_.predict(X).shape == (24,)


def test_a_network_that_outlives_its_search_shows_nothing(bars):
    rnn = small()
    with search_progress(rnn):
        copied = clone(rnn)
    assert isinstance(copied.verbose, searches._Reporter)
    assert copied.fit(X, Y).n_iter_ == 4 and len(bars) == 1


def test_bars_are_made_by_name():
    with pytest.raises(ValueError, match="Did you mean 'tqdm'"):
        bars_of("tqmd")
