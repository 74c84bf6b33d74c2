"""Draw the pictures of the pages: `python docs/pictures/draw.py [name ...]`."""

import sys

import directions
import gates
import networks
import pairs
import steps
import windows
import writing

DRAWINGS = {
    name.removeprefix("draw_"): function
    for module in (steps, windows, gates, directions, writing, pairs, networks)
    for name, function in vars(module).items()
    if name.startswith("draw_")
}

if __name__ == "__main__":
    for name in sys.argv[1:] or DRAWINGS:
        DRAWINGS[name]()
