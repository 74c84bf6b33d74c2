"""Bars of tqdm and rich, and pictures in IPython, as they are shown."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sklearn_rnn import RNNClassifier
from sklearn_rnn._live.live_plot import _InNotebook
from sklearn_rnn.progress import ProgressBar, search_progress

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_verbose_2_shows_a_bar(dense, capsys):
    X, labels, _ = dense
    RNNClassifier(2, max_iter=2, verbose=2).fit(X, labels)
    output = capsys.readouterr()
    assert "2/2" in output.err and output.out == ""


@pytest.mark.parametrize("backend", ["tqdm", "rich"])
def test_a_bar_shows_the_last_epoch_and_the_best_one(dense, capsys, monkeypatch, backend):
    pytest.importorskip(backend)
    monkeypatch.setenv("COLUMNS", "160")
    X, labels, _ = dense
    bar = ProgressBar(backend)
    rnn = RNNClassifier(2, max_iter=3, early_stopping=True, random_state=0, verbose=bar)
    rnn.fit(X, labels)
    output = capsys.readouterr()
    last = output.err.replace("\r", "\n").strip().splitlines()[-1]
    assert output.out == "" and last.startswith("RNNClassifier") and "3/3" in last
    assert f"loss {rnn.loss_:.4g}  validation {rnn.validation_scores_[-1]:.4g}  best " in last

    def stop(rnn, info):
        if info["epoch"] == 2:
            raise RuntimeError("stopped")

    for _ in range(2):  # rich refuses a second bar while another one is open
        with pytest.raises(RuntimeError, match="stopped"):
            rnn.fit(X, labels, callbacks=stop)
        assert "2/3" in capsys.readouterr().err


@pytest.mark.parametrize("backend", ["tqdm", "rich"])
def test_a_search_in_worker_processes_shows_its_fits(dense, capsys, monkeypatch, backend):
    pytest.importorskip(backend)
    monkeypatch.setenv("COLUMNS", "160")
    X, labels, _ = dense
    grid = {"cell": ["elman", "gru"]}
    search = GridSearchCV(RNNClassifier(2, max_iter=3, random_state=0), grid, cv=2, n_jobs=2)
    with search_progress(search, backend=backend):
        search.fit(X, labels)
    shown = capsys.readouterr().err
    assert "5/5" in shown and "fits" in shown
    assert search.best_estimator_.verbose == search.estimator.verbose == 0


def test_ipython_shows_one_picture_and_updates_it():
    pytest.importorskip("matplotlib")
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    picture = _InNotebook()
    with capture_output() as captured:
        for epoch in range(3):
            picture.figure.clear()
            picture.figure.subplots().plot(np.arange(epoch + 2))
            picture.show()
    shown = captured.outputs
    assert len({output.transient["display_id"] for output in shown}) == 1
    assert [output.update for output in shown] == [False, True, True]
    assert all(output.data["image/png"] for output in shown)
