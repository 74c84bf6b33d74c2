"""Time of one training step or prediction of a minibatch against PyTorch, JAX and ONNX Runtime.

    python benchmarks/kernels.py [--quick] [--task predict] [--rival torch jax] [--ragged]
                                 [--dtype float64] [--shapes wide] [--cells gru] [--threads 1 2]

A training step is forward, loss and BPTT, no optimizer. Weights change with every update, so
packing them belongs to a step of ours; in prediction they stay, and every library prepares them
beforehand. What each library is asked to do stands in steps.py.
"""

import dataclasses
import math
import os
import statistics
import tempfile

import harness
import numpy as np
import steps
from steps import CELLS, RIVALS, Shape, Work

SHAPES = {
    "tiny": Shape(50, 32, 8, 32),
    "univariate": Shape(100, 32, 1, 64),
    "sensors": Shape(100, 32, 16, 128),
    "medium": Shape(100, 64, 64, 256),
    "wide": Shape(50, 64, 256, 512),
    "rows": Shape(28, 128, 28, 128),
    "pixels": Shape(784, 64, 1, 128),
    "long": Shape(1000, 16, 3, 64),
    "day": Shape(24, 256, 15, 128),
    "single": Shape(200, 1, 8, 64),
    "spectra": Shape(1000, 8, 64, 64),
    "narrow": Shape(100, 128, 8, 16),
    "odd": Shape(50, 32, 8, 33),
    "words": Shape(100, 16, 300, 100),
    "stacked": Shape(100, 32, 16, 128, layers=2),
    "two-way": Shape(100, 32, 16, 128, directions=2),
}
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}  # of the norm of a gradient or of the output
DEFAULT_RIVALS = {"train": ["torch"], "predict": ["torch", "onnxruntime"]}
KEY = ("task", "shape", "cell", "threads", "dtype", "ragged", "rival")


# ---- in a worker process ----


def work_of(job, name):
    return Work(job["task"], Shape(**job["shapes"][name]), job["dtype"], job["ragged"])


def check(job):
    """Name of shape and rival -> largest relative difference of ours from theirs."""
    errors = {}
    for name in job["shapes"]:
        work = work_of(job, name)
        step, read = steps.ours(work, job["cell"], job["threads"])
        ours = read(step())
        for rival in job["rivals"]:
            if steps.can(rival, work):
                step, read = steps.LIBRARIES[rival](work, job["cell"], job["threads"])
                errors[f"{name}, {rival}"] = max(
                    float(np.linalg.norm(ours[key] - theirs) / np.linalg.norm(theirs))
                    for key, theirs in read(step()).items()
                )
    return errors


def milliseconds(library, work, job):
    step, _ = steps.LIBRARIES[library](work, job["cell"], job["threads"])
    return 1e3 * harness.seconds_of(step, job["seconds"])


def time_shapes(job):
    """Milliseconds for each shape in one library; ours, if ragged, also of the dense twin."""
    times = {}
    for name in job["shapes"]:
        work = work_of(job, name)
        times[name] = {"ms": milliseconds(job["library"], work, job)}
        if job["ragged"] and job["library"] == "sklearn_rnn":
            times[name]["dense_ms"] = milliseconds("sklearn_rnn", work.dense_twin(), job)
    return times


def run(job):
    if job.get("check"):
        return check(job)
    if job["library"] == "matrix":
        return steps.matrix_rate(job["dtype"])
    return time_shapes(job)


# ---- the comparison ----


def quick_part(job, result):
    """The job without the shapes that one run is enough for: calls of more than 5 seconds."""
    if job["library"] in ("sklearn_rnn", "matrix"):
        return job
    shapes = {name: size for name, size in job["shapes"].items() if result[name]["ms"] < 5000}
    return {**job, "shapes": shapes}


def compare(job, rivals, runs):
    """Rows of one cell and number of threads: checked first, then all libraries in turn."""
    cell, threads = job["cell"], job["threads"]
    for name, error in harness.run_job(
        __file__, {**job, "rivals": rivals, "check": True}, threads
    ).items():
        if not error < TOLERANCE[job["dtype"]]:
            raise SystemExit(f"{name}, {cell}: relative difference {error:.1e}, nothing is timed.")
    jobs = {}
    for library in ("sklearn_rnn", *rivals):
        able = {k: v for k, v in job["shapes"].items() if steps.can(library, work_of(job, k))}
        if able:
            jobs[library] = {**job, "library": library, "shapes": able}
    if job["task"] == "train" and threads == 1 and not job["ragged"] and cell != "elman":
        jobs["matrix"] = {**job, "library": "matrix"}
    results = harness.in_turn(__file__, jobs, 1, threads)
    again = {library: quick_part(jobs[library], results[library][0]) for library in jobs}
    for library, more in harness.in_turn(__file__, again, runs - 1, threads).items():
        results[library] += more
    rates = results.pop("matrix", None)

    rows = []
    for name in job["shapes"]:
        work = work_of(job, name)
        ours = [result[name]["ms"] for result in results["sklearn_rnn"]]
        row = {
            "task": job["task"],
            "shape": name,
            "size": str(work.shape),
            "cell": cell,
            "threads": threads,
            "dtype": job["dtype"],
            "ragged": job["ragged"],
            "sklearn_rnn_ms": harness.summary(ours),
        }
        if rates:
            row["matrix_gflops"] = statistics.median(rates)
            flops = work.training_flops(cell)
            row["share"] = 1e-6 * flops / statistics.median(ours) / row["matrix_gflops"]
        if job["ragged"]:
            more = work.dense_twin().n_steps() / work.n_steps()  # a step or so of rounding
            row["ragged_over_dense"] = more * statistics.median(
                result[name]["ms"] / result[name]["dense_ms"] for result in results["sklearn_rnn"]
            )
        for rival in rivals:
            if name in jobs.get(rival, {"shapes": ()})["shapes"]:
                theirs = [result[name]["ms"] for result in results[rival] if name in result]
                ratio = statistics.median(theirs) / statistics.median(ours)
                rows.append(
                    {**row, "rival": rival, "rival_ms": harness.summary(theirs), "ratio": ratio}
                )
    return rows


# ---- the report ----


def spread(times):
    """Median (least to greatest) in three digits, or all before the point."""
    median, least, greatest = (
        f"{times[key]:.3g}" if times[key] < 1000 else f"{times[key]:.0f}"
        for key in ("median", "min", "max")
    )
    return f"{median} ({least} to {greatest})"


def group(rows, *keys):
    """Values of the keys -> rows."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def section_name(task, dtype, ragged):
    task = {"train": "Training step", "predict": "Prediction"}[task]
    return f"{task}, {dtype}" + ", ragged" * ragged


def faster(rows):
    """For each minibatch the row of the rival that is quicker, if there are several rivals."""
    groups = group(rows, "shape", "cell", "threads").values()
    if max(map(len, groups)) < 2:
        return []
    return [{**min(rows, key=lambda row: row["ratio"]), "rival": "the faster"} for rows in groups]


def means(sections):
    """Table of geometric mean and least ratio by section, cell, threads and rival."""
    lines = []
    for kind, rows in sections.items():
        rows = [*rows, *faster(rows)]
        for (rival, cell, threads), some in group(rows, "rival", "cell", "threads").items():
            least = min(some, key=lambda row: row["ratio"])
            mean = math.prod(row["ratio"] for row in some) ** (1 / len(some))
            lines.append(
                {
                    "work": section_name(*kind),
                    "rival": RIVALS.get(rival, rival),
                    "cell": cell,
                    "threads": threads,
                    "shapes": len(some),
                    "geometric mean": f"{mean:.2f}",
                    "least": f"{least['ratio']:.2f} ({least['shape']})",
                }
            )
    return harness.table({key: key for key in lines[0]}, lines)


def times(rows):
    """Table of our milliseconds and the ratios, one line for each minibatch and number of threads.

    A rival's time is our time multiplied by its ratio.
    """
    lines = []
    for (threads, shape), some in group(rows, "threads", "shape").items():
        line = {"threads": threads, "shape": shape, "T,B,I,H": some[0]["size"]}
        for row in some:
            line[f"{row['cell']}, ms"] = spread(row["sklearn_rnn_ms"])
            line[f"{row['cell']}, {RIVALS[row['rival']]}"] = f"{row['ratio']:.2f}"
        lines.append(line)
    headings = [f"{cell}, {what}" for cell in CELLS for what in ("ms", *RIVALS.values())]
    headings = [heading for heading in headings if any(heading in line for line in lines)]
    columns = {
        heading: lambda line, heading=heading: line.get(heading, "-") for heading in headings
    }
    return harness.table({key: key for key in ("threads", "shape", "T,B,I,H")} | columns, lines)


def by_cell(rows, heads, value, digits=2):
    """Table with one column for each cell, of a value that some rows have."""
    rows = [row for row in rows if value in row]
    cells = [cell for cell in CELLS if any(row["cell"] == cell for row in rows)]
    lines = []
    for key, some in group(rows, *heads).items():
        of = {row["cell"]: f"{row[value]:.{digits}f}" for row in some}
        lines.append({**dict(zip(heads, key, strict=True)), **{c: of.get(c, "-") for c in cells}})
    return harness.table({key: key for key in lines[0]}, lines) if lines else None


def report(rows):
    """Lines of the whole text, tables under headings."""
    places = {name: place for place, name in enumerate((*CELLS, *RIVALS, *SHAPES))}
    order = ("rival", "cell", "threads", "shape")
    rows = sorted(rows, key=lambda row: [places.get(row[key], row[key]) for key in order])
    sections = group(rows, "task", "dtype", "ragged")
    sections = {k: sections[k] for k in sorted(sections, key=lambda k: (k[0] != "train", *k[1:]))}
    rows = [{**row, "work": section_name(*kind)} for kind, rows in sections.items() for row in rows]
    one = {
        tuple(row[k] for k in KEY[:-1]): row for row in rows
    }  # ours is the same beside any rival
    for row in one.values():
        alone = one.get(tuple(1 if k == "threads" else row[k] for k in KEY[:-1]))
        if alone and row["threads"] > 1:
            row["gain"] = alone["sklearn_rnn_ms"]["median"] / row["sklearn_rnn_ms"]["median"]
    one = list(one.values())
    rates = group([row for row in one if "share" in row], "dtype")
    rates = {dtype: [row["matrix_gflops"] for row in some] for (dtype,), some in rates.items()}

    parts = [
        ("Ratios: time of the rival over ours", means(sections)),
        (
            "Share of the core's best matrix rate that a training step reaches, one thread",
            by_cell(one, ("work", "shape", "size"), "share"),
        ),
        (
            "Gain of more threads: ours on one thread over ours",
            by_cell(one, ("work", "threads", "shape"), "gain"),
        ),
        (
            "Ragged over dense: our time per step, lengths from 1 to T against equal ones",
            by_cell(one, ("work", "threads", "shape"), "ragged_over_dense"),
        ),
        *((section_name(*kind), times(rows)) for kind, rows in sections.items()),
    ]
    lines = []
    for heading, table in parts:
        if table:
            lines += [f"## {heading}", "", table, ""]
        if table and heading.startswith("Share"):
            for dtype, values in rates.items():
                rate = f"{min(values):.1f} to {max(values):.1f} GFLOP/s"
                lines += [f"Best matrix rate of a core, {dtype}: {rate}.", ""]
    return lines[:-1]


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--task", choices=DEFAULT_RIVALS, default="train")
    parser.add_argument(
        "--rival", nargs="+", choices=RIVALS, help="PyTorch; in prediction also ONNX Runtime"
    )
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--dtype", choices=TOLERANCE, default="float32")
    parser.add_argument("--ragged", action="store_true", help="lengths from 1 to n_timesteps")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="for a shape in a run")
    parser.add_argument("--quick", action="store_true", help="1 short run, nothing written")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds = 1, 0.05
    rivals = options.rival or DEFAULT_RIVALS[options.task]
    shapes = {
        name: dataclasses.asdict(SHAPES[name])
        for name in options.shapes
        if not options.ragged or SHAPES[name].batch > 1
    }
    works = [Work(options.task, SHAPES[name], options.dtype, options.ragged) for name in shapes]
    if not any(steps.can(rival, work) for rival in rivals for work in works):
        parser.error("none of these rivals does this work")
    rows = []
    with tempfile.TemporaryDirectory() as compiled:
        os.environ.update(steps.jax_environment(compiled))
        for cell in options.cells:
            for threads in options.threads:
                job = {
                    "task": options.task,
                    "cell": cell,
                    "threads": threads,
                    "dtype": options.dtype,
                    "ragged": options.ragged,
                    "shapes": shapes,
                    "seconds": options.seconds,
                }
                rows += compare(job, rivals, options.runs)
    if options.quick:
        print("\n".join(report(rows)))
    else:
        harness.write(
            "kernels",
            "A training step and a prediction of one minibatch",
            None,
            rows,
            KEY,
            ("torch", "jax", "onnxruntime"),
            report,
        )


harness.worker(run)
if __name__ == "__main__":
    main()
