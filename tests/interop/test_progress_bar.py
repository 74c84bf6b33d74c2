"""With tqdm installed, `verbose=2` shows a bar."""

from sklearn_rnn import RNNClassifier


def test_verbose_2_shows_a_bar(dense, capsys):
    X, labels, _ = dense
    RNNClassifier(2, max_iter=2, verbose=2).fit(X, labels)
    output = capsys.readouterr()
    assert "2/2" in output.err and output.out == ""
