"""Data sets for examples: real data that come with installed packages, and generated data.

Nothing is downloaded: a loader reads files of an installed package. If the package is missing, the
error names it.
"""

from ._datasets.oscillators import make_oscillators
from ._datasets.packaged import (
    load_basic_motions,
    load_digit_rows,
    load_hyphenation,
    load_italy_power_demand,
    load_japanese_vowels,
    load_vic_elec,
)
from ._datasets.problems import make_adding, make_copying, make_parity
from ._datasets.sensors import make_sensor_recordings

__all__ = [
    "load_basic_motions",
    "load_digit_rows",
    "load_hyphenation",
    "load_italy_power_demand",
    "load_japanese_vowels",
    "load_vic_elec",
    "make_adding",
    "make_copying",
    "make_oscillators",
    "make_parity",
    "make_sensor_recordings",
]
