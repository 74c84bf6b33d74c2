"""The parts of a network as boxes from the input to the output, and what reads what."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from .network import DATA, TARGET_DATA, TRAINING_ONLY

LEAST_REPEATS = 4  # so many equal groups of boxes are drawn once
LONGEST_GROUP = 6
# Begin the names of linear maps that have a purpose of their own.
STEMS = {
    "initial_": "initial state",
    "projection_": "projection",
    "attention_keys": "attention keys",
    "tail_": "projection",
}


class Edge(NamedTuple):
    """The box `end` reads the box `start`; both are indices."""

    start: int
    end: int
    label: str = ""  # "t − 1" if `end` reads what `start` gave at the step before


@dataclass(frozen=True)
class Box:
    """One part of a network, or several that are alike."""

    name: str  # as in the summary
    kind: str  # that of the node, "input" or "output"
    label: str
    half: str = ""  # "encoder" or "decoder"
    fact: str = ""
    shape: tuple | None = None  # of the output; None: not known before the fit
    n_params: int | None = None
    loops: tuple[str, ...] = ()  # the steps of its own state that it reads: "t − 1", "t + 1"
    notes: tuple[str, ...] = ()  # dropout and noise on its output

    @property
    def looks(self):
        """What is drawn of it besides its name."""
        return replace(self, name="")


class Repeat(NamedTuple):
    """Boxes from `first` to before `end` stand for `count` such groups."""

    first: int
    end: int
    count: int


class Diagram(NamedTuple):
    boxes: list[Box]
    edges: list[Edge]
    repeats: list[Repeat]


def diagram_of(network, rows=None, *, holds="classes"):
    """Return the boxes and edges of a network.

    rows: the rows of its summary by node, and that of X; None for a network whose numbers of
    features, codes and outputs are not known. holds: what the targets are, see `_FittedRNN`.
    """
    building = _Boxes(network, rows)
    for i in range(len(network.nodes)):
        building.add(i)
    boxes, edges = building.finished(_output_of(network, rows, holds))
    return _without_repeats(boxes, edges)


class _Boxes:
    """Boxes of a network, to which nodes are added one after another."""

    def __init__(self, network, rows):
        self.network, self.rows = network, rows
        self.boxes, self.members = [], []  # `members`: the nodes in each box
        self.places = {}  # the box of each node
        self._add_input(DATA)

    def _add_input(self, data):
        """Add a box for X, or for what is read at each step of y."""
        name, half, label = "X", "encoder" if self.network.is_pair else "", "input"
        if data == TARGET_DATA:
            name, half, label = "y", "decoder", "step before"
        shape = self.rows[DATA].shape if self.rows and data == DATA else None
        self.places[data] = len(self.boxes)
        self.boxes.append(Box(name, "input", label, half, shape=shape))
        self.members.append([])

    def add(self, i):
        """Add a node, in a box of its own unless it belongs to that of a similar one."""
        node = self.network.nodes[i]
        if node.axis and TARGET_DATA not in self.places:
            self._add_input(TARGET_DATA)
        if node.kind in TRAINING_ONLY:
            of = self.places[i] = self.places[node.sources[0].node]
            box = self.boxes[of]
            note = _note_of(node)
            if note not in box.notes:
                self.boxes[of] = replace(box, notes=(*box.notes, note))
            return
        for place, members in enumerate(self.members):
            if members and _key(self.network.nodes[members[0]]) == _key(node):
                members.append(i)
                self.places[i] = place
                return
        self.places[i] = len(self.boxes)
        half = ("encoder", "decoder")[node.axis] if self.network.is_pair else ""
        self.boxes.append(Box(node.name, node.kind, "", half))
        self.members.append([i])

    def finished(self, output):
        """Return all boxes, with `output` as the last one, and the edges between them."""
        boxes = [
            self._described(box, members) if members else box
            for box, members in zip(self.boxes, self.members, strict=True)
        ]
        n = len(self.network.nodes)
        edges = {edge for i in range(n) for edge in self._edges_to(i)}
        edges.add(Edge(self.places[n - 1], len(boxes)))
        tails = (i for i, box in enumerate(boxes) if box.kind == "tail")
        edges.update(Edge(i, len(boxes)) for i in tails)
        return [*boxes, output], _in_both_directions(edges)

    def _edges_to(self, i):
        node, end = self.network.nodes[i], self.places[i]
        if node.kind in TRAINING_ONLY:
            return
        if node.kind == "embed":
            yield Edge(self.places[TARGET_DATA if node.axis else DATA], end)
        for source in node.sources:
            start = self.places[source.node]
            earlier = source.shift < 0 and start >= end
            yield Edge(start, end, _step(node.directions) if earlier else "")

    def _described(self, box, members):
        """Return a box with what is to be said of its nodes."""
        nodes = [self.network.nodes[i] for i in members]
        first, names = nodes[0], list(dict.fromkeys(node.name for node in nodes))
        loops = ()
        if first.kind == "recurrent" and self._reads_itself(first):
            loops = tuple(dict.fromkeys(step for node in nodes for step in _steps(node)))
        facts = {"label": _label_of(self.network, first), "fact": self._fact(nodes)}
        if self.rows is not None:
            rows = [self.rows[i] for i in members]
            facts["n_params"] = sum(row.n_params for row in rows)
            facts["shape"] = _shape_of([row.shape for row in rows])
        name = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        return replace(box, name=name, loops=loops, **facts)

    @staticmethod
    def _reads_itself(node):
        """Tell whether a cell reads its own state, and not that of another node."""
        return not any(source.shift < 0 for source in node.sources)

    def _fact(self, nodes):
        """Return the size of nodes in words, as far as it is known."""
        first = nodes[0]
        if first.kind == "embed":
            return self._fact_of_tables(nodes)
        if first.kind in ("head", "crf", "tail") and self.rows is None:
            return ""
        if first.kind in ("head", "crf"):
            return _counted(first.units, "output")
        if not first.units or first.kind == "context":
            return ""
        fact = _units_of(nodes)
        if (taps := _taps(self.network, first)) is not None:
            fact = f"{_counted(first.units, 'channel')}, kernel {taps}"
        activation = dict(first.options).get("activation")
        shown = first.kind == "dense" and activation not in (None, "identity")
        return fact + (f", {activation}" if shown else "")

    def _fact_of_tables(self, nodes):
        tables = [(dict(node.options)["rows"], node.units) for node in nodes]
        if self.rows is None:
            widths = {units for _, units in tables}
            return f"{widths.pop()} columns" if len(widths) == 1 and 0 not in widths else ""
        if len(tables) == 1:
            return "{:,} × {:,}".format(*tables[0])
        return f"{len(tables)} tables"


def _in_both_directions(edges):
    """Return the edges in order, with one for two that differ only in their direction."""
    labels = {}
    for start, end, label in sorted(edges):
        labels.setdefault((start, end, bool(label)), []).append(label)
    return [
        Edge(start, end, found[0] if len(found) == 1 else "t ± 1")
        for (start, end, _), found in labels.items()
    ]


def _key(node):
    """Return what nodes in one box have in common."""
    name = node.name.removesuffix("_reverse")
    if node.kind in ("embed", "last", "pool", "tail") or name.startswith("initial_"):
        name = re.sub(r"_\d+", "", name)
    return node.axis, node.kind, name


def _note_of(node):
    """Return what training does to a stream."""
    options = dict(node.options)
    if node.kind == "noise":
        return f"noise {options['std']:g}"
    return f"dropout {options['rate']:g}"


def _step(directions):
    return "t + 1" if directions == "reverse" else "t − 1"


def _steps(node):
    directions = ("forward", "reverse") if node.directions == "both" else (node.directions,)
    return map(_step, directions)


def _input_layer(network, node):
    """Return the input layer that a node named "input_0" etc. is made of, as a part."""
    words = network.words.encoder if network.is_pair else network.words
    return words.input_layers[int(node.name.removeprefix("input_"))]


def _taps(network, node):
    """Return how many steps a convolution reads; None for other nodes."""
    if not node.name.startswith("input_"):
        return None
    return dict(_input_layer(network, node).options).get("kernel_size")


def _units_of(nodes):
    """Return the units of nodes side by side, each of one or two directions, in words."""
    units = [n.units for n in nodes for _ in range(1 + (n.directions == "both"))]
    if len(set(units)) > 1:
        return f"{' + '.join(f'{n:,}' for n in units)} units"
    return f"{len(units)} × " * (len(units) > 1) + _counted(units[0], "unit")


def _counted(n, noun):
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _shape_of(shapes):
    """Return the shape of streams side by side."""
    if len({shape[:-1] for shape in shapes}) > 1:
        return None
    return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))


def _label_of(network, node):
    """Return the words for a node that are drawn."""
    method = dict(node.options).get("method")
    if node.name.startswith("input_"):
        return _input_layer(network, node).kind
    if node.kind == "dense":
        stems = (stem for stem in STEMS if node.name.startswith(stem))
        return STEMS.get(next(stems, None), "dense")
    return {
        "recurrent": node.cell,
        "embed": "embedding",
        "merge": f"{method} of both directions",
        "norm": f"{method} norm",
        "last": "last state",
        "pool": f"{method} over the steps",
        "attend": "attention",
        "context": f"attention ({dict(node.options).get('score')})",
        "head": "dense",
        "crf": "dense and CRF",
        "add": "sum",
    }.get(node.kind, node.kind)


# ---- output -------------------------------------------------------------------------------------


def _output_of(network, rows, holds):
    """Return the box for what the network predicts."""
    when = "sequence"
    if network.per_step:
        when = "step of y" if network.is_pair else "step"
    label, half = _predicted(network, rows is not None, holds), "decoder" if network.is_pair else ""
    return Box("output", "output", f"{label} per {when}", half)


def _predicted(network, is_known, holds):
    """Return what is predicted, in words."""
    if network.groups and is_known:
        noun = "column" if holds in ("classes", "steps") else "task"
        return _counted(len(network.groups), noun)
    if holds == "tasks":
        return "all tasks"
    if network.loss == "softmax" or holds in ("classes", "tokens", "sequences of classes"):
        return _classes(network, is_known, holds)
    if not is_known:
        return "numbers"
    numbers = _counted(network.n_targets, "number")
    return numbers if network.n_quantiles == 1 else f"{numbers}, {network.n_quantiles} quantiles"


def _classes(network, is_known, holds):
    noun = "token" if holds == "tokens" else "class"
    if not is_known:
        return f"one {noun}"
    if network.loss == "multilabel":
        return _counted(network.n_outputs, "label")
    n = 2 if network.loss == "logistic" else network.n_outputs
    if holds == "sequences of classes":
        return f"1 of {n - 1:,} classes, or the end,"
    return f"1 of {n:,} {noun}{'es' if noun == 'class' else 's'}"


# ---- deep networks ------------------------------------------------------------------------------


def _without_repeats(boxes, edges):
    """Return a diagram in which equal groups of boxes, one behind the other, are drawn once."""
    looks, kept, places, repeats, i = [box.looks for box in boxes], [], [], [], 0
    while i < len(boxes):
        size, count = _repeated(looks, i)
        group = boxes[i : i + size]
        first = len(kept)
        if count > 1:
            last = boxes[i + size * (count - 1) : i + size * count]
            group = [
                replace(a, name=f"{a.name} … {b.name}") for a, b in zip(group, last, strict=True)
            ]
            repeats.append(Repeat(first, first + size, count))
        kept += group
        places += [*range(first, first + size)] * count
        i += size * count
    moved = (Edge(places[e.start], places[e.end], e.label) for e in edges)
    edges = [e for e in dict.fromkeys(moved) if e.label or e.start < e.end]
    return Diagram(kept, edges, repeats)


def _repeated(looks, i):
    """Return the size of the group of boxes that begins at i, and how often it follows itself."""
    best = 1, 1
    for size in range(1, LONGEST_GROUP + 1):
        group, count = looks[i : i + size], 1
        while looks[i + size * count : i + size * (count + 1)] == group:
            count += 1
        if count >= LEAST_REPEATS and size * count > best[0] * best[1]:
            best = size, count
    return best
