"""The register of tools, and what becomes of a cell."""

import re
import signal
import threading
import time
import traceback
import warnings
from contextlib import contextmanager

from .case import CARRIERS, MODES, NESTED, Case, agree

TOOLS = {}


class Tool:
    """One of scikit-learn's tools.

    use(case, model, X)   uses it as its own documentation tells
    want(case)            what should come out, by another way
    ways                  by label: how docs/carriers.md tells to use it where it refuses X; the
                          first that does not return NotImplemented counts
    """

    def __init__(self, name, use, want, ways, modes, carriers):
        self.name, self.use, self.want, self.ways = name, use, want, ways
        self.modes, self.carriers = modes, carriers


def tool(name, modes=MODES, carriers=CARRIERS, *, want=None, **ways):
    """Register the function below as a tool."""

    def add(use):
        reference = want or (lambda c: use(c, c.lookup(), c.index))
        of_label = {
            label: {"table": _table, "index": _index}[label](use) if way is True else way
            for label, way in ways.items()
        }
        TOOLS[name] = Tool(name, use, reference, of_label, modes, carriers)
        return use

    return add


def _table(use):
    """The same use of a nested table, or of a table of steps."""
    return lambda c: use(c, c.rnn(), c.table)


def _index(use):
    """The same use of `ByIndex`."""

    def by_index(c):
        from sklearn_rnn.model_selection import ByIndex

        model = ByIndex(c.rnn(), c.X)
        return use(c, model, model.numbers)

    return by_index


class Late(Exception):
    """A cell took too long."""


@contextmanager
def at_most(seconds):
    def alarm(*_):
        raise Late(f"more than {seconds} s")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, alarm)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run_cell(tool, case):
    """Return a dict: whether it works as it is, by which documented way, and what was said."""
    begin = time.perf_counter()
    cell = {"tool": tool.name, "carrier": case.carrier, "mode": case.mode}
    try:
        with at_most(120), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = tool.want(case)
    except ImportError as error:
        return {**cell, "plain": "absent", "way": "absent", "message": str(error)}
    except Exception as error:
        want = error
    cell["plain"], cell["message"] = _attempt(lambda: tool.use(case, case.rnn(), case.X), want)
    cell["way"] = "as it is" if cell["plain"] == "works" else "none"
    for label, way in tool.ways.items():
        if cell["way"] != "none":
            break
        status, message = _attempt(lambda way=way: way(case), want)
        if status == "works":
            cell["way"] = label
        elif status != "not for this":
            cell["message"] += f" || {label}: {status}: {message}"
    cell["seconds"] = round(time.perf_counter() - begin, 2)
    return cell


def _attempt(use, want):
    """Return what became of a use, and what was said."""
    with at_most(120), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            got = use()
        except Exception as error:
            inside = any(
                "/sklearn_rnn/" in f.filename for f in traceback.extract_tb(error.__traceback__)
            )
            text = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return ("fails inside" if inside else "fails"), text[:300]
    if got is NotImplemented:
        return "not for this", ""
    said = " ".join(str(w.message) for w in seen)
    if not isinstance(want, Exception) and agree(got, want):
        return "works", ""
    if "Scoring failed" in said:
        return "fails", "all scores are NaN, with a warning"
    text = f"gives {got!r}, reference {want!r}"[:300]
    advises = re.search("step_scorer|to_nested|max_features", said)
    return ("wrong, but warned" if advises else "wrong"), text


def register():
    """Fill the register."""
    from . import configuration, ensembles, scores, selection, splitters, tables  # noqa: F401


def run(tools=None, carriers=CARRIERS, modes=MODES):
    """Run the cells of some tools (a part of their names) and yield them."""
    register()
    for carrier in carriers:
        for mode in modes:
            case = Case(carrier, mode)
            for each in TOOLS.values():
                named = tools is None or re.search(tools, each.name)
                if named and mode in each.modes and _takes(each, carrier):
                    yield run_cell(each, case)


def _takes(tool, carrier):
    """Tell whether a tool has a cell for a carrier; a nested table is like frames in a list."""
    if carrier in NESTED:
        return "frames" in tool.carriers and (len(tool.carriers) > 3 or "object" not in carrier)
    return carrier in tool.carriers
