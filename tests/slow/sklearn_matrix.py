"""Which tools of scikit-learn take which carriers of X, with checked numbers.

    python tests/slow/sklearn_matrix.py                  the cells that do not work, and the counts
    python tests/slow/sklearn_matrix.py --tools voting   those whose name has this
    python tests/slow/sklearn_matrix.py --nested         nested tables as carriers, too
    python tests/slow/sklearn_matrix.py --json FILE      all cells; --read FILE ... counts them

A cell is a tool, a carrier and a mode. It is tried as scikit-learn's documentation tells, and if
that does not work, as docs/carriers.md tells: by a scorer of steps, a nested table, and so on. It
works if its numbers are those of another way: numbers of sequences that an estimator looks up, or
a loop. It needs matplotlib, imbalanced-learn, rich, skops and polars, and about ten minutes.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from matrix.case import CARRIERS, MODES, NESTED
from matrix.tools import run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", help="a regular expression")
    parser.add_argument("--carriers", nargs="+", choices=[*CARRIERS, *NESTED])
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--nested", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--read", nargs="+")
    options = parser.parse_args()
    carriers = options.carriers or (*CARRIERS, *(NESTED if options.nested else ()))
    if options.read:
        cells = [cell for file in options.read for cell in json.loads(Path(file).read_text())]
    else:
        cells = list(run(options.tools, carriers, options.modes))
    for cell in cells:
        if cell["way"] == "none" or cell["plain"] == "wrong":
            print(" | ".join(cell[name] for name in ("way", "plain", "tool", "carrier", "mode")))
            print("    " + cell["message"])
    if options.json:
        Path(options.json).write_text(json.dumps(cells, indent=1))
    for what, group in [
        ("carriers of today", [c for c in cells if c["carrier"] in CARRIERS]),
        ("nested tables", [c for c in cells if c["carrier"] in NESTED]),
    ]:
        if group:
            print(f"{what}: {summary(group)}")


def summary(cells):
    """Return the counts, as it is and by the documented way."""
    plain = Counter(cell["plain"] for cell in cells)
    ways = Counter(cell["way"] for cell in cells)
    n_works = sum(n for way, n in ways.items() if way not in ("none", "absent"))
    return (
        f"{len(cells)} cells; as it is: {dict(plain.most_common())}; "
        f"by the documented way {n_works} work: {dict(ways.most_common())}"
    )


if __name__ == "__main__":
    main()
