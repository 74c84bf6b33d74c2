"""Progress bars of tqdm and of rich, behind one interface."""

from importlib.util import find_spec

from .._rules import one_of

BACKENDS = ("auto", "tqdm", "rich")
INSTALL = "pip install 'sklearn-rnn[progress]'"


def bars_of(backend):
    """Return new bars of "tqdm" or "rich"; of tqdm if "auto", unless only rich is installed."""
    one_of(BACKENDS).check("backend", backend)
    if backend == "auto":
        backend = "rich" if find_spec("tqdm") is None and find_spec("rich") else "tqdm"
    try:
        return {"tqdm": TqdmBars, "rich": RichBars}[backend]()
    except ImportError as error:
        raise ImportError(
            f"A progress bar needs tqdm or rich; {backend} is not installed: {INSTALL}"
        ) from error


class TqdmBars:
    """Bars of tqdm, one below the other."""

    def __init__(self):
        from tqdm.auto import tqdm

        self.new = tqdm
        self.bars = []

    def add(self, name, total, unit, *, keep=True):
        """Add a bar; `keep`: whether it stays when it ends. Return it."""
        often = {"mininterval": 0.05, "miniters": 1}  # tqdm's guess of them skips slow epochs
        bar = self.new(total=total, desc=name, unit=unit, leave=keep, dynamic_ncols=True, **often)
        self.bars.append(bar)
        return bar

    def show(self, bar, done, text, total):
        """Show how much is done, and a text beside it."""
        bar.total = total
        bar.set_postfix_str(text, refresh=False)
        bar.update(done - bar.n)

    def end(self, bar):
        is_early = bar.total is not None and bar.n < bar.total
        if not bar.leave:
            bar.total = bar.n  # in a notebook, tqdm keeps a bar that ends early
        bar.close()
        if bar.leave and is_early and hasattr(bar, "container"):
            # In a notebook, tqdm makes it red, but training may well end before `max_iter`.
            bar.display(bar_style="info", check_delay=False)
        self.bars.remove(bar)

    def close(self):
        for bar in reversed(self.bars.copy()):
            self.end(bar)


class RichBars:
    """Bars of rich, one below the other."""

    def __init__(self):
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=20),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[unit]}"),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[text]}", markup=False),
        )
        self.progress = progress.Progress(*columns, console=Console(stderr=True))
        self.progress.start()
        self.passing = set()  # bars that go when they end

    def add(self, name, total, unit, *, keep=True):
        """Add a bar; `keep`: whether it stays when it ends. Return it."""
        bar = self.progress.add_task(name, total=total, unit=f"{unit}s", text="")
        if not keep:
            self.passing.add(bar)
        return bar

    def show(self, bar, done, text, total):
        """Show how much is done, and a text beside it."""
        self.progress.update(bar, completed=done, total=total, text=text)

    def end(self, bar):
        self.progress.stop_task(bar)
        if bar in self.passing:
            self.progress.remove_task(bar)
            self.passing.discard(bar)

    def close(self):
        for bar in list(self.passing):
            self.end(bar)
        self.progress.stop()
