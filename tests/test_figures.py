"""Figures of speed and scores in the README and in the pages are those of benchmarks/results."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"

pytestmark = pytest.mark.skipif(
    not (RESULTS.exists() and (ROOT / "docs").exists()),
    reason="results and pages lie beside the tests in the source tree only",
)


def rows_of(name, **wanted):
    """Return the rows of a result that have these values."""
    rows = json.loads((RESULTS / f"{name}.json").read_text())["rows"]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def mean_and_least(ratios):
    return np.exp(np.mean(np.log(ratios))), min(ratios)


def ratios_of_kernels(rivals, **wanted):
    """Return the ratios of all shapes, of the faster of the rivals."""
    found = {"task": "train", "ragged": False, "dtype": "float32", "threads": 1, "cell": "lstm"}
    found = {rival: rows_of("kernels", **found | wanted, rival=rival) for rival in rivals}
    ratios = [{row["shape"]: row["ratio"] for row in rows} for rows in found.values()]
    return [min(each[shape] for each in ratios) for shape in ratios[0]]


SPEED = {
    ("`fit` on four data sets", "a plain PyTorch loop"): (
        lambda: [row["torch_ratio"] for row in rows_of("fit")]
    ),
    ("`fit` on four data sets", "skorch"): lambda: [row["skorch_ratio"] for row in rows_of("fit")],
    ("training step, LSTM", "PyTorch"): lambda: ratios_of_kernels(["torch"]),
    ("training step, GRU", "PyTorch"): lambda: ratios_of_kernels(["torch"], cell="gru"),
    ("training step, LSTM", "JAX"): lambda: ratios_of_kernels(["jax"]),
    ("training step, LSTM, lengths differ", "PyTorch, packed"): (
        lambda: ratios_of_kernels(["torch"], ragged=True)
    ),
    ("prediction, LSTM", "the faster of PyTorch, ONNX Runtime"): (
        lambda: ratios_of_kernels(["torch", "onnxruntime"], task="predict")
    ),
}


def test_the_table_of_the_readme_is_that_of_the_results():
    text = (ROOT / "README.md").read_text().split("\n## Speed\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", text, flags=re.MULTILINE)[1:]  # without the head
    table = [line.split(" | ") for line in lines]
    assert {(work, rival) for work, rival, *_ in table} == set(SPEED)
    for work, rival, *shown, script in table:
        digits = 1 if script == "`fit.py`" else 2  # as in the tables of results
        assert shown == [f"{x:.{digits}f}" for x in mean_and_least(SPEED[work, rival]())], work
    machine = json.loads((RESULTS / "kernels.json").read_text())["machine"]
    assert machine["cpu"] in text and f"SIMD level {machine['simd_level']}" in text


def test_no_shape_is_trained_more_slowly_than_by_pytorch():
    text = " ".join((ROOT / "README.md").read_text().split())
    assert "A training step was faster than PyTorch's on every shape measured" in text
    assert min(row["ratio"] for row in rows_of("kernels", task="train", rival="torch")) > 1


def forecast_error(model):
    (row,) = rows_of("forecast", model=model)
    return row["mae"]


def text_figure(task, model, measure=None):
    """Return a figure of benchmarks/results/text.json, whose measure may be the only one."""
    wanted = {"measure": measure} if measure else {}
    (row,) = rows_of("text", task=task, model=model, **wanted)
    return row["mean"]


def megabytes(case):
    (row,) = rows_of("memory", case=case, threads=1)
    return row["sklearn_rnn_bytes"]["median"] / 1e6


def shares(dtype, *shapes, **wanted):
    rows = rows_of("kernels", task="train", threads=1, ragged=False, dtype=dtype, **wanted)
    return [row["share"] for row in rows if row["shape"] in shapes and row["cell"] != "elman"]


# A sentence, with {} for each figure, and the figures as they are rounded there.
SENTENCES = {
    "docs/benchmarks/index.md": [
        (
            "a plain PyTorch loop takes up to {} times as long, skorch up to {} times.",
            lambda: [
                max(r[f"{name}_ratio"] for r in rows_of("fit")) for name in ("torch", "skorch")
            ],
        ),
        (
            "takes {} microseconds",
            lambda: [rows_of("fit")[0]["python"]["prediction_us"]["median"]],
        ),
        (
            "a PyTorch loop takes {} times as long for a training step, and {} to {} times as long "
            "to write the answers for 1,000 words",
            lambda: [
                rows_of("seq2seq", task="train")[0]["ratio"],
                *(f([r["ratio"] for r in rows_of("seq2seq", task="decode")]) for f in (min, max)),
            ],
        ),
        (
            "20,000 sequences of 200 x 8 takes {} MB beyond X, where PyTorch takes {} MB. "
            "A sequence of a million steps takes {} MB",
            lambda: [
                megabytes("many"),
                rows_of("memory", case="many", threads=1)[0]["torch_bytes"]["median"] / 1e6,
                megabytes("very long, budget"),
            ],
        ),
        (
            "This package computes them at {} to {} % ({} in float64) of the core's best rate",
            lambda: [
                100 * min(shares("float32", "medium", "wide")),
                100,
                100 * min(shares("float64", "medium", "wide")),
            ],
        ),
    ],
    "docs/words.md": [
        (
            "a network reaches {} bits per letter after 19 minutes of training on one core; a "
            "smaller network reaches {} after eight minutes, and counts of five letters {}.",
            lambda: [
                text_figure("letters of Shakespeare", model)
                for model in ("RNN, 20 minutes", "RNN, 5 minutes", "Witten-Bell, 5 letters")
            ],
        ),
        (
            "a network has a perplexity of {}, and counts of three words {}.",
            lambda: [
                text_figure("words of fortunes", model) for model in ("RNN", "Kneser-Ney, 3 words")
            ],
        ),
    ],
    "docs/seq2seq.md": [
        (
            "it gets {} % of new words and {} % of their phones wrong. "
            "A table of letters and their neighbours gets {} % and {} % wrong.",
            lambda: [
                100 * text_figure("spelling to sound", model, f"{kind} error")
                for model in ("RNN", "from memory")
                for kind in ("word", "phone")
            ],
        ),
    ],
    "examples/applications/plot_sentiment.py": [
        (
            "the linear model has an accuracy of {} %, and a network {} %",
            lambda: [
                100 * rows_of("sentiment", model=model)[0]["accuracy"]
                for model in ("tf-idf, linear", "network")
            ],
        ),
    ],
    "docs/when_not.md": [
        (
            "a network has an error of {} MW, gradient boosting one of {} MW, and repeating the "
            "week before one of {} MW",
            lambda: [
                forecast_error("rnn-5, calibrated"),
                forecast_error("boosting, 300 trees"),
                forecast_error("same hour of the week before"),
            ],
        ),
    ],
}


@pytest.mark.parametrize("page", SENTENCES)
def test_sentences_have_the_figures_of_the_results(page):
    text = " ".join((ROOT / page).read_text().split())
    for sentence, figures in SENTENCES[page]:
        pattern = r"([\d.]+)".join(re.escape(part) for part in sentence.split("{}"))
        shown = re.search(pattern, text)
        assert shown, sentence
        for word, figure in zip(shown.groups(), figures(), strict=True):
            digits = len(word.partition(".")[2])
            assert word == f"{figure:.{digits}f}", (sentence, figure)
