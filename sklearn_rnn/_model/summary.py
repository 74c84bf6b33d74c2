"""A table of the parts of a network: shapes, parameters, multiplications and time."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import prod
from time import perf_counter
from typing import NamedTuple

import numpy as np

from .._data.packed import Sequences, offsets_of_equal
from .network import DATA, POOLING, TRAINING_ONLY, predictor

N_MEASURED = 7
HEADER = ("Part", "Kind", "Output", "Parameters", "kB", "Multiplications")


class Row(NamedTuple):
    """One part of a network in its summary."""

    name: str
    kind: str
    shape: tuple[int | str, ...]  # of the output: (n_units,) or ("n_timesteps", n_units)
    n_params: int
    n_bytes: int
    n_multiplications: int  # by weights
    per: str  # "step", "step of y" or "sequence"


@dataclass(frozen=True)
class NetworkSummary:
    """A table of the parts of a network; see the method `summary` of estimators.

    Attributes
    ----------
    title : str
        The class of the estimator, and the sum of parameters and bytes.
    rows : list of Row
        The parts, in the order in which they are computed. A row has `name`, `kind`, `shape` of the
        output, `n_params`, `n_bytes`, `n_multiplications` and `per`, which says whether these are
        per "step", "step of y" or "sequence".
    n_params, n_bytes : int
        Sums over the rows.
    n_timesteps : int or None
        Number of steps of a sequence.
    n_multiplications : int or None
        Of a whole sequence of n_timesteps; None if that is not known.
    milliseconds : float or None
        The time of one prediction for one sequence of n_timesteps, as measured; None if
        `n_timesteps` is None or for an encoder with a decoder.

    See Also
    --------
    MemoryFootprint : The memory that a fit and a prediction take.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> X = np.random.RandomState(0).normal(size=(20, 10, 3))
    >>> summary = RNNRegressor(8, max_iter=5, random_state=0).fit(X, X[:, 0, 0]).summary()
    >>> [(row.name, row.n_params) for row in summary.rows]
    [('X', 0), ('l0', 312), ('last_0', 0), ('head', 9)]
    """

    title: str
    rows: list[Row]
    n_params: int
    n_bytes: int
    n_timesteps: int | None = None
    n_multiplications: int | None = None
    milliseconds: float | None = None

    def __str__(self):
        cells = [HEADER, *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [self.title, ""]
        for row in cells:
            texts = [
                text.ljust(width) if i < 3 else text.rjust(width)
                for i, (text, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(texts).rstrip())
        lines.insert(3, "-" * max(map(len, lines[2:])))
        return "\n".join([*lines, "", *self._notes()])

    __repr__ = __str__

    def _repr_html_(self):
        head = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in HEADER)
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:{"left" if i < 3 else "right"}">{escape(text)}</td>'
                for i, text in enumerate(_cells(row))
            )
            + "</tr>"
            for row in self.rows
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._notes())
        return (
            f"<div><p><b>{escape(self.title)}</b></p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{notes}</div>"
        )

    def _notes(self):
        sums = {}
        for row in self.rows:
            sums[row.per] = sums.get(row.per, 0) + row.n_multiplications
        counts = [f"{n:,} per {per}" for per, n in sums.items() if n]
        notes = [f"Multiplications by weights: {', '.join(counts)}."]
        if self.n_multiplications is not None:
            notes.append(f"For {self.n_timesteps:,} steps: {self.n_multiplications:,}.")
        if self.milliseconds is not None:
            notes.append(
                f"A prediction for one sequence of {self.n_timesteps:,} steps takes "
                f"{self.milliseconds:.3g} ms (measured, on this machine)."
            )
        return notes


def _cells(row):
    """Return the texts of a row."""
    shape = ", ".join(map(str, row.shape)) + ("," if len(row.shape) == 1 else "")
    n = f"{row.n_multiplications:,} per {row.per}" if row.n_multiplications else ""
    n_params = f"{row.n_params:,}" if row.n_params else ""
    n_bytes = f"{row.n_bytes / 1000:,.1f}" if row.n_params else ""
    return row.name, row.kind, f"({shape})", n_params, n_bytes, n


def summarized(network, params, owner, n_timesteps=None, n_threads=1):
    """Return the summary of a network; `owner`: the name of the class of the estimator."""
    rows = list(rows_of(network).values())
    n_params, n_bytes = network.n_params, network.n_params * np.dtype(network.dtype).itemsize
    title = f"{owner}: {n_params:,} parameters, {n_bytes / 1000:,.1f} kB ({network.dtype})"
    facts = {}
    if n_timesteps is not None and not network.is_pair:
        n_steps = (n_timesteps - 1) // network.stride + 1
        times = {"step": n_steps, "sequence": 1}
        facts["n_multiplications"] = sum(times[row.per] * row.n_multiplications for row in rows)
        facts["milliseconds"] = _measured(network, params, n_timesteps, n_threads)
    return NetworkSummary(title, rows, n_params, n_bytes, n_timesteps, **facts)


def rows_of(network):
    """Return the row of X and that of each node that a prediction uses, by their numbers."""
    rows = {DATA: Row("X", "input", ("n_timesteps", network.n_features), 0, 0, 0, "step")}
    used = (i for i, node in enumerate(network.nodes) if node.kind not in TRAINING_ONLY)
    return {**rows, **{i: _row(network, i) for i in used}}


def _row(network, i):
    node, itemsize = network.nodes[i], np.dtype(network.dtype).itemsize
    tensors = [tensor for tensor in network.tensors if tensor.node == i]
    n_params = sum(prod(tensor.shape) for tensor in tensors)
    n_multiplications = sum(prod(t.shape) for t in tensors if _multiplies(node, t.stem))
    once = _is_once(network, i)
    shape = (network.width(i),) if once else (_steps(node, network.stride), network.width(i))
    if once and node.kind not in POOLING:
        per = "sequence"
    else:
        per = "step of y" if node.axis else "step"
    facts = n_params, n_params * itemsize, n_multiplications, per
    return Row(node.name, _kind(node), shape, *facts)


def _steps(node, stride):
    if node.axis:
        return "n_timesteps of y"
    return "n_timesteps" if stride == 1 else f"n_timesteps / {stride}"


def _multiplies(node, stem):
    """Tell whether each element of an array is a factor at each step."""
    return not (node.kind == "embed" or "bias" in stem or stem.startswith("initial")) and (
        stem not in ("transitions", "start", "end")
    )


def _kind(node):
    """Return a word for a node."""
    kind = node.cell if node.kind == "recurrent" else node.kind
    method = dict(node.options).get("method")
    kind = f"{kind} ({method})" if isinstance(method, str) else kind
    return kind if node.directions == "forward" else f"{kind}, {node.directions}"


def _is_once(network, i):
    """Tell whether a node has one row per sequence."""
    if i < 0:
        return False
    node = network.nodes[i]
    if node.kind in (*POOLING, "last"):
        return True
    read = [s for s in node.sources if s.weight != "initial" and s.shift == 0]
    if node.kind == "context":
        return False
    return bool(read) and all(
        s.node != DATA and s.node < i and _is_once(network, s.node) for s in read
    )


def _measured(network, params, n_timesteps, n_threads):
    """Return the median of the milliseconds that a prediction for one sequence takes."""
    values = np.zeros((n_timesteps, network.n_features), network.dtype)
    sequences = Sequences(values, offsets_of_equal(1, n_timesteps), "3d")
    times = []
    for _ in range(N_MEASURED):
        start = perf_counter()
        predictor(network, sequences, None, n_threads)(params, result=network.result)
        times.append(perf_counter() - start)
    return float(np.median(times)) * 1e3
