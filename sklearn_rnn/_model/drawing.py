"""A diagram of a network as an SVG element: no scripts, no ids, the colour of the text around."""

from html import escape
from typing import NamedTuple

# In pixels.
WIDTH, CARD, SLIM, GAP = 244, 44, 24, 20
LANE, LOOP, BACK, BRACKET, EDGE_OF_DRAWING = 12, 46, 26, 34, 8
FRAME, TITLE_OF_FRAME = 8, 20
ARROW = 5
# Hues that are seen on white and on black.
HUES = {
    "recurrent": "#3b82d6",
    "embed": "#9b6dd7",
    "dense": "#2f9e72",
    "head": "#2f9e72",
    "crf": "#2f9e72",
    "tail": "#2f9e72",
    "pool": "#d9822b",
    "attend": "#d9822b",
    "context": "#d9822b",
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MARK = "sklearn-rnn-network"


class Place(NamedTuple):
    """Where a box is."""

    top: float
    height: float

    @property
    def middle(self):
        return self.top + self.height / 2

    @property
    def bottom(self):
        return self.top + self.height


def drawn(diagram, title):
    """Return an SVG element that draws a diagram; title: text for those who cannot see it."""
    return _Drawing(diagram).finished(title)


class _Drawing:
    """The boxes one below the other; lines past boxes on the left, to earlier steps on the right.

    What is drawn is collected in `parts`.
    """

    def __init__(self, diagram):
        self.boxes, edges, self.repeats = diagram
        self.straight = [e for e in edges if not e.label and e.end == e.start + 1]
        self.past = _lanes([e for e in edges if not e.label and e.end > e.start + 1])
        self.back = _lanes([e for e in edges if e.label and e.start > e.end])
        has_frame = any(box.half for box in self.boxes)
        self.margin = EDGE_OF_DRAWING + FRAME * has_frame
        self.left = self.margin + LANE * (1 + len(set(self.past.values())) if self.past else 0)
        self.right = self.left + WIDTH
        self.loops = self.right + LOOP * any(box.loops for box in self.boxes)
        self.bracket = self.loops + (BACK + LANE * len(set(self.back.values()))) * bool(self.back)
        self.width = self.bracket + BRACKET * bool(self.repeats) + self.margin
        self.centre = self.left + WIDTH / 2
        self.places, self.frames, self.height = self._placed()
        self.parts = []

    def _placed(self):
        """Return the place of each box, the frames (half, top, bottom), and the height."""
        places, frames, top, half = [], [], EDGE_OF_DRAWING, ""
        for box in self.boxes:
            if box.half != half:
                if half:
                    frames[-1] = (*frames[-1], top - GAP + FRAME)
                    top += FRAME
                half = box.half
                frames.append((half, top))
                top += TITLE_OF_FRAME + FRAME / 2
            height = CARD if _is_card(box) else SLIM
            places.append(Place(top, height))
            top += height + GAP
        bottom = top - GAP
        if frames:
            bottom += FRAME
            frames[-1] = (*frames[-1], bottom)
        return places, frames, bottom + EDGE_OF_DRAWING

    def finished(self, title):
        for frame in self.frames:
            self._frame(*frame)
        for edge, lane in self.past.items():
            self._line_past(edge, lane)
        for edge, lane in self.back.items():
            self._line_back(edge, lane)
        for edge in self.straight:
            start, end = self.places[edge.start], self.places[edge.end]
            self._line(f"M{self.centre:g} {start.bottom:g}V{end.top - 1:g}")
            self._head(self.centre, end.top - 1, "down")
        for box, place in zip(self.boxes, self.places, strict=True):
            self._box(box, place)
        for repeat in self.repeats:
            self._bracket(*repeat)
        return (
            f'<svg class="{MARK}" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'aria-label="{escape(title)}" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" '
            f'style="display:block;max-width:100%;height:auto;font-family:{FONT}" '
            f'fill="currentColor" font-size="12">{"".join(self.parts)}</svg>'
        )

    # ---- strokes ----

    def _line(self, path, opacity=0.6, **more):
        more = "".join(f' {name}="{value}"' for name, value in more.items())
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="{opacity}"{more}/>'
        )

    def _head(self, x, y, to):
        """Draw the head of an arrow that ends at (x, y)."""
        dx, dy = {"down": (0, -1), "right": (-1, 0), "left": (1, 0)}[to]
        side = ARROW * 0.6
        corners = [
            (x, y),
            (x + dx * ARROW + dy * side, y + dy * ARROW + dx * side),
            (x + dx * ARROW - dy * side, y + dy * ARROW - dx * side),
        ]
        path = "L".join(f"{a:g} {b:g}" for a, b in corners)
        self.parts.append(f'<path d="M{path}Z" fill-opacity="0.75"/>')

    def _text(self, x, y, text, anchor="start", size=12, opacity=1.0, bold=False):
        style = ' font-weight="600"' if bold else ""
        style += f' fill-opacity="{opacity}"' if opacity < 1 else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}"{style}>'
            f"{escape(text)}</text>"
        )

    def _line_past(self, edge, lane):
        """Draw a line on the left, from a box to one that is not the next."""
        x = self.left - LANE * (1 + lane)
        start, end = self.places[edge.start].middle + 5, self.places[edge.end].middle - 5
        of, to = self._left_of(edge.start), self._left_of(edge.end)
        self._line(
            f"M{of:g} {start:g}H{x + 5:g}Q{x:g} {start:g} {x:g} {start + 5:g}"
            f"V{end - 5:g}Q{x:g} {end:g} {x + 5:g} {end:g}H{to - 1:g}"
        )
        self._head(to - 1, end, "right")

    def _left_of(self, i):
        return self.centre - 10 if self.boxes[i].kind == "add" else self.left

    def _line_back(self, edge, lane):
        """Draw a line on the right, from a box to one that reads it at the next step."""
        x = self.loops + LANE * (1 + lane)
        start, end = self.places[edge.start].middle + 12, self.places[edge.end].middle + 12
        if self.boxes[edge.start].kind == "add":
            right, start = self.centre + 10, start - 12
        else:
            right = self.right
        self._line(
            f"M{right:g} {start:g}H{x - 5:g}Q{x:g} {start:g} {x:g} {start - 5:g}"
            f"V{end + 5:g}Q{x:g} {end:g} {x - 5:g} {end:g}H{self.right + 1:g}"
        )
        self._head(self.right + 1, end, "left")
        self._text(x + 4, (start + end) / 2 + 4, edge.label, size=10, opacity=0.8)

    # ---- boxes ----

    def _box(self, box, place):
        self.parts.append(f"<g><title>{escape(described(box))}</title>")
        if box.kind == "add":
            self._sum(place)
        elif box.kind in ("input", "output"):
            self._end(box, place)
        else:
            self._card(box, place)
        self.parts.append("</g>")
        if box.notes:
            self._text(
                self.centre + 8, place.bottom + 14, ", ".join(box.notes), size=10, opacity=0.8
            )

    def _sum(self, place):
        x, y = self.centre, place.middle
        self.parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="10" fill-opacity="0.05" stroke="currentColor" '
            f'stroke-opacity="0.6"/>'
        )
        self._line(f"M{x - 5:g} {y:g}h10M{x:g} {y - 5:g}v10", 0.9)

    def _end(self, box, place):
        """Draw what the network reads or predicts."""
        if box.kind == "output":
            self._text(self.centre, place.middle + 4, box.label, "middle", bold=True)
            return
        self.parts.append(
            f'<rect x="{self.left:g}" y="{place.top:g}" width="{WIDTH}" height="{place.height:g}" '
            f'rx="{place.height / 2:g}" fill-opacity="0.05" stroke="currentColor" '
            f'stroke-opacity="0.35"/>'
        )
        text = f"{box.name} ({box.label})" if box.shape is None else f"{box.name} {_shape(box)}"
        self._text(self.centre, place.middle + 4, text, "middle")

    def _card(self, box, place):
        hue, x, y = HUES.get(box.kind, "currentColor"), self.left, place.top
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{place.height:g}" rx="5" '
            f'fill="{hue}" fill-opacity="{0.12 if box.kind in HUES else 0.05}" stroke="{hue}" '
            f'stroke-opacity="{0.8 if box.kind in HUES else 0.35}"/>'
        )
        ends = x + 9, x + WIDTH - 9
        if not _is_card(box):
            self._text(ends[0], y + 16, box.label)
            if box.n_params:
                self._text(ends[1], y + 16, _parameters(box), "end", 11, 0.85)
        else:
            self._text(ends[0], y + 18, box.label, bold=True, size=13)
            room = WIDTH - 24 - 8 * len(box.label)
            self._text(ends[1], y + 18, box.fact, "end", _fitting(12, box.fact, room))
            shape = _shape(box).replace(" of y", "")  # the frame tells whose steps these are
            self._text(ends[0], y + 35, shape or box.name, size=11, opacity=0.85)
            if box.n_params:
                self._text(ends[1], y + 35, _parameters(box), "end", 11, 0.85)
        step = place.height / 2
        for i, label in enumerate(box.loops):
            height = 20 if len(box.loops) == 1 else 14
            self._loop(y + step * (i + 0.5) if len(box.loops) > 1 else place.middle, height, label)

    def _loop(self, y, height, label):
        """Draw a cell that reads its own state."""
        x, top, bottom = self.right, y - height / 2, y + height / 2
        self._line(f"M{x:g} {bottom:g}h6a{height / 2:g} {height / 2:g} 0 0 0 0 {-height}h-5")
        self._head(x + 1, top, "left")
        self._text(x + 8 + height / 2, y + 3.5, label, size=10, opacity=0.8)

    # ---- around boxes ----

    def _frame(self, half, top, bottom):
        steps = "n_timesteps of X" if half == "encoder" else "n_timesteps of y"
        self.parts.append(
            f'<rect x="{EDGE_OF_DRAWING / 2:g}" y="{top:g}" '
            f'width="{self.width - EDGE_OF_DRAWING:g}" height="{bottom - top:g}" rx="8" '
            f'fill-opacity="0.03" stroke="currentColor" stroke-opacity="0.35" '
            f'stroke-dasharray="4 3"/>'
        )
        x = self.width - EDGE_OF_DRAWING - 6  # lines cross the left side
        self._text(x, top + 16, f"{half}, {steps}", "end", 11, 0.85)

    def _bracket(self, first, end, count):
        x, top, bottom = self.bracket, self.places[first].top, self.places[end - 1].bottom
        self._line(f"M{x:g} {top:g}h4V{bottom:g}h-4")
        self._text(x + 8, (top + bottom) / 2 + 4, f"× {count}", bold=True)


def _is_card(box):
    """Tell whether a box has two lines of text."""
    return box.kind not in ("input", "output", "add", "last", "merge", "norm", "pool")


def _fitting(size, text, room):
    """Return a font size, at most `size`, at which a text is no wider than `room`."""
    return round(min(size, room / (0.53 * max(1, len(text)))), 1)


def _shape(box):
    if box.shape is None:
        return ""
    return f"({', '.join(map(str, box.shape))}{',' * (len(box.shape) == 1)})"


def _parameters(box):
    return f"{box.n_params:,} parameter{'s' * (box.n_params != 1)}"


def described(box):
    """Return what a box shows as one line."""
    label = box.label if box.kind == "output" else f"{box.name}: {box.label}"
    facts = [label, box.fact, _shape(box), _parameters(box) if box.n_params else ""]
    facts += [f"reads its state at {step}" for step in box.loops]
    return ", ".join(filter(None, [*facts, *box.notes]))


def _lanes(edges):
    """Return the lane of each edge: lines of one lane do not overlap, unless they begin together.

    Lanes are numbered from the boxes outwards; short lines are near the boxes.
    """
    spans = {}
    for edge in edges:
        low, high = sorted((edge.start, edge.end))
        before = spans.get(edge.start, (low, high))
        spans[edge.start] = min(low, before[0]), max(high, before[1])
    lanes, of_start = [], {}
    for start, (low, high) in sorted(spans.items(), key=lambda item: item[1][1] - item[1][0]):
        free = (i for i, taken in enumerate(lanes) if all(high < a or low > b for a, b in taken))
        lane = next(free, len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append((low, high))
        of_start[start] = lane
    return {edge: of_start[edge.start] for edge in edges}
