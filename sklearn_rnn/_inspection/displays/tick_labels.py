"""Ticks with given labels, of which as many are written as there is room for.

Only imported where something is drawn, because it imports matplotlib.
"""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import Formatter, Locator
from matplotlib.transforms import Bbox


class RoomyLocator(Locator):
    """Ticks at places of an axis in increasing order, those left out that are too close.

    extent: the room in points that a label takes along the axis.
    """

    def __init__(self, places, extent):
        self._places = np.asarray(places, dtype=np.float64)
        self._extent = extent

    def __call__(self):
        axes = self.axis.axes
        box = Bbox.unit().transformed(axes.transAxes - axes.figure.dpi_scale_trans)
        length = 72 * (box.width if self.axis.axis_name == "x" else box.height)
        span = abs(np.subtract(*self.axis.get_view_interval()))
        needed, kept = self._extent * span / max(length, 1e-9), []
        for place in self._places:
            if not kept or place - kept[-1] >= needed * (1 - 1e-9):
                kept.append(place)
        return kept

    def tick_values(self, vmin, vmax):
        return self._places


class LabelFormatter(Formatter):
    """The labels of places."""

    def __init__(self, places, labels):
        self._labels = dict(zip(map(float, places), labels, strict=True))

    def __call__(self, x, pos=None):
        return self._labels.get(float(x), "")
