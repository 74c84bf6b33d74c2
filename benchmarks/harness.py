"""What the scripts share: worker processes, timing, the machine's description, result files.

A script hands `worker` its function of one job (a dict) and describes the jobs; `in_turn` runs each
job in a process of its own, so that two libraries never share threads, caches or settings.
"""

import argparse
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("sklearn-rnn", "numpy", "scipy", "scikit-learn")


def arguments(doc):
    """Parser of the command line; the script's docstring is its help."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def max_iter_is_a_budget():
    """Silence the advice to raise `max_iter`, here and in joblib's workers."""
    advice = "Maximum number of epochs"
    warnings.filterwarnings("ignore", advice)
    os.environ["PYTHONWARNINGS"] = f"ignore:{advice}"


# ---- processes ----


def worker(work):
    """In a worker process (`--worker JOB`): print the result of `work(job)` as JSON and leave."""
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(work(json.loads(sys.argv[2]))))
        sys.exit()


def run_job(script, job, threads):
    """Result of one job of `script`, run in its own process with `threads` threads.

    The BLAS of NumPy and SciPy stays at one thread, as `fit` holds it; PyTorch does not use it.
    """
    done = subprocess.run(
        [sys.executable, script, "--worker", json.dumps(job)],
        env=dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS="1"),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"job {job} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(script, jobs, runs, threads):
    """Name -> results of `runs` runs; the jobs (a dict) are taken in turn: all meet one noise."""
    results = {name: [] for name in jobs}
    for run in range(runs):
        for name, job in jobs.items():
            results[name].append(run_job(script, {**job, "run": run}, threads))
    return results


# ---- timing ----


def seconds_of(function, budget, least=3, slow=1.0):
    """Median seconds of a call: two to warm up, `least` or more until `budget` seconds are used.

    What takes more than `slow` seconds is called once to warm up, and timed once; what takes five
    times as long needs no warming up.
    """
    start = time.perf_counter()
    function()
    first = time.perf_counter() - start
    if first > 5 * slow:
        return first
    if first > slow:
        least = 1
    else:
        function()
    times = []
    while len(times) < least or sum(times) < budget:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def summary(values):
    """Median, least and greatest of the runs."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


# ---- memory ----


def status(name):
    """A size of this process in bytes, from the table of the kernel (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def greatest_size():
    """Greatest resident size that this process ever had, where nothing better is known."""
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_of(function):
    """Bytes by which the resident size rose over its present value while `function` ran."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = status("VmRSS")
    except OSError:
        before = greatest_size()
        function()
        return greatest_size() - before
    function()
    return status("VmHWM") - before


# ---- where and with what ----


def cpu_count():
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_name():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine(packages=()):
    """Processor, cores, SIMD level and versions; nothing that names the machine itself."""
    from sklearn_rnn import _core

    versions = {"python": platform.python_version()}
    for package in (*PACKAGES, *packages):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "cpu": cpu_name(),
        "cores": cpu_count(),
        "simd_level": _core.simd_level(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


# ---- results ----


def version_of(machine):
    """Version of ours in a description of a machine."""
    return machine["versions"][PACKAGES[0]]


def table(columns, rows):
    """Markdown table; `columns` maps a heading to the key of a row or to a function of a row."""

    def text(value):
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    lines = [list(columns)]
    for row in rows:
        lines.append([text(key(row) if callable(key) else row[key]) for key in columns.values()])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def read(name):
    """Machine and rows of results/NAME.json."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def save(name, machine, rows):
    """Write results/NAME.json: the machine on the first line, then a line for each row."""
    lines = ",\n".join(map(json.dumps, rows))
    text = f'{{"machine": {json.dumps(machine)}, "rows": [\n{lines}\n]}}\n'
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text)


def report(title, columns, rows, key, machine, date, command, summarize=None):
    """Text of results/NAME.md: the table, what `summarize` says, and where and when."""
    text = [f"# {title}", "", *([table(columns, rows), ""] if columns else ())]
    text += [*(summarize(rows) if summarize else ()), ""]
    for version in sorted({row["version"] for row in rows} - {version_of(machine)}):
        old = [" ".join(str(row[k]) for k in key) for row in rows if row["version"] == version]
        text += [f"Measured with {PACKAGES[0]} {version}: {', '.join(old)}.", ""]
    text += [
        f"{machine['cpu']}, {machine['cores']} cores, SIMD level {machine['simd_level']}, "
        f"{machine['system']}; "
        + ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
        + f"; {date}.",
        f"Made by `python benchmarks/{command}`.",
    ]
    return "\n".join(text) + "\n"


def write(
    name,
    title,
    columns,
    rows,
    key,
    packages=(),
    summarize=None,
    command=None,
    across_versions=False,
    quiet=False,
):
    """Write results/NAME.json and results/NAME.md, and print the table unless `quiet`.

    Rows of an earlier run on the same machine with the same versions are kept, unless a new row has
    the same `key` (names of entries): so a part can be run again. `summarize(rows)` gives lines to
    put under the table, or all of the text if `columns` is None. With `across_versions` rows of
    another version of ours are kept as well, and named.
    """
    where, date = machine(packages), datetime.date.today().isoformat()
    rows = json.loads(json.dumps(rows))  # as they will be read again
    merged = {}
    if (RESULTS / f"{name}.json").exists():
        before = read(name)
        then = version_of(before["machine"])
        if across_versions:
            before["machine"]["versions"][PACKAGES[0]] = version_of(where)
        if before["machine"] == where:
            merged = {
                tuple(str(row[k]) for k in key): {"version": then, **row} for row in before["rows"]
            }
    made = {"date": date, "version": version_of(where)}
    merged.update({tuple(str(row[k]) for k in key): {**row, **made} for row in rows})
    rows = list(merged.values())
    save(name, where, rows)
    text = report(title, columns, rows, key, where, date, command or name + ".py", summarize)
    (RESULTS / f"{name}.md").write_text(text)
    if not quiet:
        print(text, end="")
