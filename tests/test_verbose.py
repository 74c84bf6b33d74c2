"""What a fit prints."""

import sys

from sklearn_rnn import RNNClassifier


def test_verbose_1_prints_a_line_per_epoch(dense, capsys):
    X, labels, _ = dense
    RNNClassifier(2, max_iter=2, verbose=1).fit(X, labels)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all(word in lines[0] for word in ("loss", "rate", " s", "steps/s"))
    assert "validation" not in lines[0]
    rnn = RNNClassifier(2, verbose=1, early_stopping=True, tol=9.0, n_iter_no_change=1)
    rnn.fit(X, labels)
    lines = capsys.readouterr().out.splitlines()
    assert "validation" in lines[0] and "did not improve" in lines[-1]
    RNNClassifier(2, max_iter=2).fit(X, labels)
    assert capsys.readouterr().out == ""


def test_verbose_2_prints_lines_where_tqdm_is_missing(dense, capsys, monkeypatch):
    X, labels, _ = dense
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    RNNClassifier(2, max_iter=2, verbose=2).fit(X, labels)
    assert capsys.readouterr().out.count("epoch") == 2
