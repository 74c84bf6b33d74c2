"""Throughput of a training step against the number of hidden units, drawn with the core's limit.

    python benchmarks/plot_kernels.py [--quick] [--redraw]

LSTM and GRU, float32, one thread, 64 sequences of 100 steps and 16 features. Work is counted alike
for all libraries (`training_flops` in steps.py), the limit is the rate of a large matrix product.
"""

import dataclasses
import os
import tempfile

import harness
import kernels
import steps

HIDDEN = (16, 32, 64, 128, 256, 512)
DRAWN = {  # Okabe and Ito's colours, which the colour-blind tell apart
    "sklearn_rnn": ("sklearn_rnn", "#0072B2", "o"),
    "torch": ("PyTorch", "#D55E00", "s"),
    "jax": ("JAX", "#009E73", "^"),
}
CELLS = ("lstm", "gru")


def measure(hidden, runs, seconds):
    """Rows of cell, library and hidden units: GFLOP/s."""
    rows = []
    shapes = {str(n): dataclasses.asdict(steps.Shape(100, 64, 16, n)) for n in hidden}
    for cell in CELLS:
        job = {
            "task": "train",
            "cell": cell,
            "threads": 1,
            "dtype": "float32",
            "ragged": False,
            "shapes": shapes,
            "seconds": seconds,
        }
        jobs = {library: {**job, "library": library} for library in (*DRAWN, "matrix")}
        results = harness.in_turn(kernels.__file__, jobs, runs, 1)
        limit = max(results.pop("matrix"))
        for library, times in results.items():
            for n in hidden:
                ms = harness.summary([result[str(n)]["ms"] for result in times])
                flops = kernels.work_of(job, str(n)).training_flops(cell)
                rows.append(
                    {
                        "cell": cell,
                        "library": library,
                        "hidden": n,
                        "ms": ms,
                        "gflops": 1e-6 * flops / ms["median"],
                        "matrix_gflops": limit,
                    }
                )
    return rows


def draw(rows, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
    limit = max(row["matrix_gflops"] for row in rows)
    for ax, cell in zip(axes, CELLS, strict=True):
        mine = [row for row in rows if row["cell"] == cell]
        ax.axhline(limit, color="black", linestyle="--", linewidth=1)
        ax.text(HIDDEN[0], 1.015 * limit, f"one large matrix product: {limit:.0f}", fontsize=10)
        for library, (label, colour, marker) in DRAWN.items():
            points = [(row["hidden"], row["gflops"]) for row in mine if row["library"] == library]
            ax.plot(*zip(*sorted(points), strict=True), marker, ls="-", color=colour, label=label)
        ax.set_xscale("log", base=2)
        ax.set_xticks(HIDDEN, [str(n) for n in HIDDEN], fontsize=10)
        ax.minorticks_off()
        ax.set_ylim(0, 1.12 * limit)
        ax.set_xlabel("hidden units", fontsize=11)
        ax.set_title(f"{cell.upper()}, one training step", fontsize=12)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("GFLOP/s, one thread, float32", fontsize=11)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        frameon=False,
        fontsize=11,
        ncols=len(DRAWN),
        loc="outside lower center",
    )
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})


COLUMNS = {
    "cell": "cell",
    "library": "library",
    "hidden units": "hidden",
    "ms": lambda row: kernels.spread(row["ms"]),
    "GFLOP/s": lambda row: f"{row['gflops']:.1f}",
    "matrix product, GFLOP/s": lambda row: f"{row['matrix_gflops']:.1f}",
}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="for a size in a run")
    parser.add_argument("--quick", action="store_true", help="1 short run, nothing written")
    parser.add_argument("--redraw", action="store_true", help="from the figures of the last run")
    options = parser.parse_args()
    picture = harness.RESULTS / "kernels.png"
    if options.redraw:
        draw(harness.read("plot_kernels")["rows"], picture)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(steps.jax_environment(folder))
        if options.quick:
            rows = measure(HIDDEN[:4], 1, 0.02)
            print(harness.table(COLUMNS, rows))
            draw(rows, os.path.join(folder, "kernels.png"))
            return
        rows = measure(HIDDEN, options.runs, options.seconds)
    harness.write(
        "plot_kernels",
        "Throughput of a training step: T,B,I 100,64,16, float32, one thread",
        COLUMNS,
        rows,
        ("cell", "library", "hidden"),
        ("torch", "jax", "matplotlib"),
    )
    draw(rows, picture)


if __name__ == "__main__":
    main()
