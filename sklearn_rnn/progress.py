"""Live progress: bars and pictures of a training that runs."""

from ._live.live_plot import LivePlot
from ._live.progress_bar import ProgressBar
from ._live.searches import search_progress

__all__ = ["LivePlot", "ProgressBar", "search_progress"]
