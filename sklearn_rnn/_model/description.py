"""The description of a fitted model in a weight file, as values that JSON can hold."""

import re

import numpy as np

from .._data.moments import N_MOMENTS
from .._rules import integer
from .._text.description import describe as describe_encoder
from .._text.description import encoder_of
from .._version import __version__
from .attributes import SCALES, network_in, upgrade
from .network_description import FORMAT
from .words import difference

# The attributes in a weight file besides the weights, named there without underscores at the ends.
DESCRIPTION = (
    "_architecture",
    "_input_kind",
    "n_features_in_",
    "feature_names_in_",
    "categories_",
    "classes_",
    "x_mean_",
    "x_scale_",
    "_x_moments",
    "y_mean_",
    "y_scale_",
    "_y_moments",
    "_y_is_1d",
    "_taught",
    "tasks_",
    "task_weights_",
    "longest_target_",
    "_y_is_str",
    "horizon_",
    "x_future_mean_",
    "x_future_scale_",
    "n_timesteps_",
    "_code_mean",
    "_code_scale",
    "encoder_",
    "_has_stops",
    "_n_given",
)
# Allowed dtypes of classes and names in JSON: fixed-size numbers, fixed-width strings, objects.
STORABLE = re.compile(r"<U[1-9][0-9]{0,5}|bool|u?int(8|16|32|64)|float(16|32|64)|object")
MOST_BYTES = 1 << 24
DICTS = ("_architecture", "tasks_", "task_weights_")  # of plain values
LISTS = ("classes_", "categories_")  # which may be lists of arrays
# May differ between the fitted estimator and a file that it loads.
MAY_DIFFER = (
    "_architecture",
    "task_weights_",
    "longest_target_",
    "horizon_",
    "n_timesteps_",
    *SCALES,
)


def describe(attributes):
    """Return what a prediction needs besides the weights, as values that JSON can hold."""
    facts = {"format": FORMAT, "version": __version__}
    for name in DESCRIPTION:
        if name in attributes:
            facts[name.strip("_")] = _as_json(attributes[name], name)
    return facts


def described(facts):
    """Return the fitted attributes that the description in a file describes."""
    file_format = facts.get("format") if isinstance(facts, dict) else None
    if not integer(1).test(file_format):
        raise ValueError("it does not state its format")
    if file_format > FORMAT:
        raise ValueError(
            f"it has format {file_format}, of sklearn_rnn {facts.get('version')}; this version "
            f"reads formats up to {FORMAT}: upgrade sklearn_rnn"
        )
    names = {name.strip("_"): name for name in DESCRIPTION}
    if unknown := facts.keys() - names.keys() - {"format", "version"}:
        raise ValueError(f"it has the entries {sorted(unknown)}, which are not in its format")
    attributes = {
        name: _from_json(facts[public], name) for public, name in names.items() if public in facts
    }
    if isinstance(attributes.get("tasks_"), dict) and isinstance(attributes.get("classes_"), list):
        names = [name for name, kind in attributes["tasks_"].items() if kind == "classes"]
        if len(names) == len(attributes["classes_"]):
            attributes["classes_"] = dict(zip(names, attributes["classes_"], strict=True))
    if isinstance(attributes.get("_taught"), list):
        attributes["_taught"] = tuple(attributes["_taught"])
    return upgrade(attributes, file_format)


def check_alike(fitted, attributes):
    """Refuse attributes with another network or another kind of data than the fitted ones."""
    differing = difference(network_in(fitted), network_in(attributes))
    if differing is None:
        ours, theirs = (
            {**a, "normalize_X": a["_x_moments"] is not None} for a in (fitted, attributes)
        )
        differing = next(
            (
                (name, ours[name], theirs[name])
                for name in ("normalize_X", *DESCRIPTION)
                if name in ours and name in theirs and name not in MAY_DIFFER
                if not _equal(ours[name], theirs[name])
            ),
            None,
        )
    if differing is not None:
        name, ours, theirs = differing
        raise ValueError(
            f"`file` must hold the network that was fitted, with {name.strip('_')}={ours!r}; "
            f"got {theirs!r}."
        )


def _equal(value, other):
    """Tell whether two values, arrays or lists or dicts of arrays are equal."""
    if isinstance(value, dict) and isinstance(other, dict):
        return list(value) == list(other) and all(_equal(v, other[k]) for k, v in value.items())
    if hasattr(value, "vocabulary_") and hasattr(other, "vocabulary_"):
        return describe_encoder(value) == describe_encoder(other)
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(_equal, value, other))
    return not isinstance(value, list) and np.array_equal(value, other)


def _as_json(value, name):
    """Write an array as its dtype and values, and a list of arrays as one; a plain value stays."""
    if name == "encoder_":
        return describe_encoder(value)
    if name == "classes_" and isinstance(value, dict):  # of tasks, whose names are in `tasks_`
        value = list(value.values())
    if name in LISTS and isinstance(value, list):
        return [_as_json(each, name) for each in value]
    if not isinstance(value, np.ndarray):
        return value
    dtype = f"<U{value.itemsize // 4}" if value.dtype.kind == "U" else value.dtype.name
    written = {"dtype": dtype, "values": value.ravel().tolist()}
    try:
        _from_json(written, name)
    except ValueError as error:
        raise ValueError(
            f"`{name}` of dtype {value.dtype} cannot be kept in a weight file ({error}); numbers "
            "and strings can. Encode the labels, or use pickle."
        ) from error
    return written


def _from_json(written, name):
    """Read what `_as_json` wrote."""
    if name == "encoder_":
        return encoder_of(written)
    if name in LISTS and isinstance(written, list):
        if not all(isinstance(each, dict) for each in written):
            raise ValueError(f"`{name}` has columns without a dtype")
        return [_from_json(each, name) for each in written]
    if not isinstance(written, dict) or name in DICTS:
        return written
    dtype, values = written.get("dtype"), written.get("values")
    if not (isinstance(dtype, str) and STORABLE.fullmatch(dtype) and isinstance(values, list)):
        raise ValueError(f"`{name}` has a dtype that is not of numbers, strings or objects")
    if not all(isinstance(value, (str, bool, int, float)) for value in values):
        raise ValueError(f"`{name}` has values other than numbers and strings")
    if np.dtype(dtype).itemsize * len(values) > MOST_BYTES:
        raise ValueError(f"`{name}` has more than {MOST_BYTES} bytes")
    if dtype.startswith("<U") and any(len(str(value)) > int(dtype[2:]) for value in values):
        raise ValueError(f"`{name}` has longer strings than {dtype} holds")
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"`{name}` is not of dtype {dtype}: {error}") from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"`{name}` is not finite in {dtype}")
    if name in ("_x_moments", "_y_moments"):
        if len(array) % N_MOMENTS:
            raise ValueError(f"`{name}` does not have a whole number of columns")
        array = array.reshape(N_MOMENTS, -1)
    return array
