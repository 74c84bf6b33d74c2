"""The results of benchmarks are kept small, and a part of them can be measured again."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from sklearn_rnn import RNNClassifier

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
pytestmark = pytest.mark.skipif(
    not BENCHMARKS.exists(), reason="the benchmarks do not lie beside these tests"
)


@pytest.fixture
def harness(tmp_path, monkeypatch):
    """The module that the benchmarks share, writing to another folder."""
    spec = importlib.util.spec_from_file_location("harness", BENCHMARKS / "harness.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


@pytest.fixture
def script(monkeypatch):
    """Function that imports a script by its name."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_stored_results_take_a_line_for_each_row():
    files = list(BENCHMARKS.glob("results/*.json"))
    assert files
    for file in files:
        lines, rows = file.read_text().splitlines(), json.loads(file.read_text())["rows"]
        assert [json.loads(line.rstrip(",")) for line in lines[1:-1]] == rows


def test_a_part_that_is_measured_again_replaces_its_rows(harness, capsys):
    columns = {"cell": "cell", "ms": "ms"}
    harness.write("speed", "Speed", columns, [{"cell": c, "ms": 1.0} for c in "ab"], ["cell"])
    harness.write("speed", "Speed", columns, [{"cell": "b", "ms": 2.0}], ["cell"])
    assert [(row["cell"], row["ms"]) for row in harness.read("speed")["rows"]] == [
        ("a", 1.0),
        ("b", 2.0),
    ]
    text = (harness.RESULTS / "speed.md").read_text()
    assert "| a    | 1  |\n| b    | 2  |" in text and "Made by `python benchmarks/speed.py`" in text
    assert capsys.readouterr().out.endswith(text)


def test_every_architecture_can_be_fitted_and_has_one_to_compare(script):
    architectures = script("architectures").ARCHITECTURES
    X, y = np.zeros((4, 6, 3)), [0, 1, 0, 1]
    for architecture in architectures.values():
        RNNClassifier(**architecture.settings(8), learning_rate="cosine", max_iter=1).fit(X, y)
        assert architecture.plain in architectures


def test_two_fits_take_turns(script):
    X, y = np.zeros((4, 6, 3)), [0, 1, 0, 1]
    turns, order = script("architectures").Turns(), []

    class Noting(list):
        def __init__(self, number):
            self.number = number

        def append(self, seconds):
            order.append(self.number)

    turns.seconds = Noting(0), Noting(1)
    models = [RNNClassifier(2, max_iter=3, tol=0, learning_rate="cosine") for _ in range(2)]
    script("architectures").fit_in_turn(turns, models, X, y)
    assert order == [0, 1, 0, 1, 0, 1]


def test_a_failure_of_one_of_two_fits_ends_both(script):
    X, y = np.zeros((4, 6, 3)), [0, 1, 0, 1]
    for models in ([-1, 2], [2, -1]):
        models = [RNNClassifier(units, max_iter=3, learning_rate="cosine") for units in models]
        with pytest.raises(ValueError, match="hidden_layer_sizes"):
            script("architectures").fit_in_turn(script("architectures").Turns(), models, X, y)


def test_a_score_is_better_only_beyond_the_spread(script):
    compare = script("accuracy").compare
    old = script("accuracy").FIRST_RELEASE["digits"]["accuracy"]
    assert compare("digits", "accuracy", old)["better beyond the spread"] == "no"
    better = [value + 0.01 for value in old]
    assert compare("digits", "accuracy", better)["better beyond the spread"] == "yes"
    megawatts = [value + 50 for value in script("accuracy").FIRST_RELEASE["vic_elec"]["MAE (MW)"]]
    assert compare("vic_elec", "MAE (MW)", megawatts)["better beyond the spread"] == "no"


@pytest.mark.parametrize("task", ["train", "predict"])
def test_steps_and_growing_sizes_can_be_timed(script, task):
    steps = script("steps")
    work = steps.Work(task, steps.Shape(3, 4, 2, 5), "float32", ragged=True)
    step, read = steps.ours(work, "gru", 1)
    assert all(np.isfinite(result).all() for result in read(step()).values())
    make = script("scaling").engine_and_step({"T": 3, "B": 4, "I": 2, "H": 5, "layers": 2}, 1)
    assert np.isfinite(make()[1]()[0])


def test_probabilities_of_counted_texts_sum_to_1(script):
    script("ngrams").check(np.random.RandomState(0))


def test_letters_are_aligned_with_their_sounds(script):
    words = ["ax", "bax", "box", "ab", "oxa", "bo"]
    sounds = {"a": ["A"], "b": ["B"], "o": ["O"], "x": ["K", "S"]}
    phones = [[phone for letter in word for phone in sounds[letter]] for word in words]
    model = script("letter_to_sound").LetterToSound().fit(words, phones)
    assert model.predict(["xob"]) == [["K", "S", "O", "B"]]


def test_the_nearest_pronunciation_counts(script, monkeypatch):
    models = script("text_models")
    listed = {"either": [("IY", "DH", "ER"), ("AY", "DH", "ER")], "at": [("AE", "T")]}
    monkeypatch.setattr(models.corpora, "pronunciations", lambda: listed)
    errors = models.pronunciation_errors(["either", "at"], [["AY", "DH", "ER"], ["AE", "D", "T"]])
    assert errors == {"word error": 0.5, "phone error": 0.2}


def test_every_task_of_texts_has_models_and_bars(script):
    text = script("text")
    for task in text.TASKS.values():
        scores = {(model, "seconds"): 0.0 for model in task.models}
        assert task.models and all(bar(scores) is None for bar in task.bars)
    bar = text.against("error", "rival", "ours", less=True)
    assert bar({("ours", "error"): 1.0, ("rival", "error"): 2.0}).reached
    assert not bar({("ours", "error"): 2.0, ("rival", "error"): 2.0}).reached
