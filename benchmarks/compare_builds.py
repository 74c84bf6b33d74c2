"""Time of one training step or prediction in two builds of this package, side by side.

    python benchmarks/compare_builds.py OTHER_FOLDER [--rounds 4] [--seconds 0.02]

OTHER_FOLDER is another checkout, built in place. Each build runs in a process of its own, the two
in turn, with all shapes of kernels.py; a ratio is the median over the rounds.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import harness

HERE = Path(__file__).parents[1]

# What a process runs: it imports package, shapes and steps from its own folder.
WORKER = """
import json, sys
folder, task, threads, seconds = sys.argv[1:]
sys.path[:0] = [folder, folder + "/benchmarks"]
import harness, kernels, steps
times = {}
for name, shape in kernels.SHAPES.items():
    for cell in ("elman", "lstm", "gru"):
        step, _ = steps.ours(steps.Work(task, shape, "float32", False), cell, int(threads))
        times[f"{name} {cell}"] = 1e3 * harness.seconds_of(step, float(seconds))
print(json.dumps(times))
"""


def times_of(folder, task, threads, seconds):
    """Return milliseconds by shape and cell, from a new process."""
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(folder), task, str(threads)]
    result = subprocess.run([*command, str(seconds)], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.02)
    options = parser.parse_args()
    folders = [options.other.resolve(), HERE]
    print(harness.machine())
    for task in ("train", "predict"):
        for threads in (1, 2):
            rounds = []
            for number in range(options.rounds):
                pair = {}
                for folder in folders[:: 1 if number % 2 else -1]:
                    pair[folder] = times_of(folder, task, threads, options.seconds)
                rounds.append([pair[folder] for folder in folders])
            show(task, threads, rounds)


def show(task, threads, rounds):
    """Print a table of medians and ratios."""
    print(f"\n## {task}, {threads} thread{'s' * (threads > 1)}\n")
    print("| shape and cell | other, ms | this, ms | ratio | least to greatest |")
    print("|---|---|---|---|---|")
    medians = []
    for name in rounds[0][0]:
        other, this = ([pair[i][name] for pair in rounds] for i in (0, 1))
        ratios = sorted(b / a for a, b in zip(other, this, strict=True))
        medians.append(statistics.median(ratios))
        print(
            f"| {name} | {statistics.median(other):.3g} | {statistics.median(this):.3g} | "
            f"{medians[-1]:.3f} | {ratios[0]:.2f} to {ratios[-1]:.2f} |"
        )
    print(
        f"\nGeometric mean of the ratios: {math.exp(statistics.fmean(map(math.log, medians))):.3f}"
    )


if __name__ == "__main__":
    main()
