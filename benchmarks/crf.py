"""What `transitions=True` costs: training and predictions against the softmax of each step.

    python benchmarks/crf.py [--tags 2 20 200] [--runs 7] [--quick]

A bidirectional LSTM of 64 units, 500 sequences of 30 steps with 32 features, on one thread. Both
heads are timed in turn in one process, in time of the processor. The table has the least time of
each and the ratio of these: other processes only add to a time.
"""

import time
import warnings

import harness
import numpy as np

from sklearn_rnn import RNNClassifier

TAGS = (2, 20, 200)
N_SAMPLES, N_STEPS, N_FEATURES, UNITS, EPOCHS = 500, 30, 32, 64, 2


def problem(n_tags, n_samples):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, N_STEPS, N_FEATURES))
    y = rng.integers(0, n_tags, (n_samples, N_STEPS))
    y.flat[:n_tags] = np.arange(n_tags)
    return X, y


def model_of(transitions):
    return RNNClassifier(
        UNITS,
        cell="lstm",
        bidirectional=True,
        mode="many_to_many",
        transitions=transitions,
        max_iter=EPOCHS,
        n_iter_no_change=np.inf,
        random_state=0,
        n_threads=1,
    )


def seconds_of(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def measure(n_tags, runs, n_samples):
    """Rows of one number of tags: an epoch of training, and each prediction."""
    X, y = problem(n_tags, n_samples)
    heads = {name: model_of(name == "transitions") for name in ("softmax", "transitions")}
    tasks = {
        "fit, an epoch": lambda model: model.fit(X, y),
        "predict": lambda model: model.predict(X),
        "predict_proba": lambda model: model.predict_proba(X),
    }
    rows = []
    for task, call in tasks.items():
        times = {name: [] for name in heads}
        for _ in range(runs):
            for name, model in heads.items():
                times[name].append(seconds_of(lambda model=model, call=call: call(model)))
        per = EPOCHS if task.startswith("fit") else 1
        least = {name: 1e3 * min(values) / per for name, values in times.items()}
        ratio = least["transitions"] / least["softmax"]
        rows.append({"tags": n_tags, "task": task, **least, "ratio": ratio, "seconds": times})
    return rows


COLUMNS = {
    "tags": "tags",
    "task": "task",
    "softmax (ms)": "softmax",
    "transitions (ms)": "transitions",
    "ratio": lambda row: f"{row['ratio']:.2f}",
}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--tags", nargs="+", type=int, default=TAGS)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="few sequences, nothing written")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    for n_tags in options.tags:
        if options.quick:
            print(harness.table(COLUMNS, measure(n_tags, 1, 20)), flush=True)
            continue
        rows = measure(n_tags, options.runs, N_SAMPLES)
        title = "Tags learned as sequences, and one by one"
        harness.write("crf", title, COLUMNS, rows, ("tags", "task"))


if __name__ == "__main__":
    main()
