"""Nothing in the header or the description of a weight file is believed."""

import copy
import json
import pickle
import struct
import time
import tracemalloc

import numpy as np
import pytest
from forged_files import entry, forge, rewritten
from kept_models import assert_load_fails, classifier, regressor
from make_models import fit

from sklearn_rnn._model import weight_files as _weight_files
from sklearn_rnn._model.words import from_description

HEADERS = {
    "another shape": entry("head.bias", shape=[2]),
    "a transposed shape": entry("weight_ih_l0", shape=[2, 12]),
    "a negative shape": entry("head.bias", shape=[-1]),
    "a huge shape": entry("head.bias", shape=[2**62]),
    "a shape of huge shapes": entry("head.bias", shape=[10**4000] * 10**3),
    "no shape": entry("head.bias", shape=None),
    "another dtype": entry("head.bias", dtype="F64"),
    "an unknown dtype": entry("head.bias", dtype="BF16"),
    "no offsets": entry("head.bias", data_offsets=None),
    "fractions for offsets": entry("head.bias", data_offsets=[0.0, 4.0]),
    "strings for offsets": entry("head.bias", data_offsets=["0", "4"]),
    "negative offsets": entry("head.bias", data_offsets=[-4, 0]),
    "huge offsets": entry("head.bias", data_offsets=[2**63, 2**63 + 4]),
    "an overlap": entry("head.bias", data_offsets=[0, 4]),
    "something besides": entry("head.bias", extra=0),
    "an entry that is none": lambda h: h.update({"head.bias": []}),
    "an array too few": lambda h: h.pop("head.bias") and None,
    "an array too many": lambda h: h.update(extra=h["head.bias"]),
    "no metadata": lambda h: h.pop("__metadata__") and None,
    "other metadata": lambda h: h.update(__metadata__={"format": "pt"}),
    "metadata that are none": lambda h: h.update(__metadata__=[]),
    "a checksum that is no string": lambda h: h["__metadata__"].update(sha256=0),
    "another checksum": lambda h: h["__metadata__"].update(sha256="0" * 64),
    "another description": lambda h: h["__metadata__"].update(
        sklearn_rnn=h["__metadata__"]["sklearn_rnn"].replace("down", "dawn")
    ),
    "a name twice": lambda h: json.dumps(h).replace("{", '{"head.bias": {}, ', 1).encode(),
    "spaces": lambda h: json.dumps(h).encode(),
    "a space of another kind": lambda h: json.dumps(h, separators=(",", ":")).encode() + b"\n",
    "an escaped letter": lambda h: (
        json.dumps(h, separators=(",", ":")).replace("bias", "\\u0062ias").encode()
    ),
    "a list": lambda h: b"[]",
    "no JSON": lambda h: b"\x80\x04K\x01.",
    "nothing": lambda h: b"",
    "deep nesting": lambda h: b"[" * 10**6,
    "deep nesting of names": lambda h: b'{"a":' * 10**6,
    "a long number": lambda h: b'{"a":' + b"9" * 10**6 + b"}",
    "UTF-16": lambda h: json.dumps(h).encode("utf-16"),
    "a fraction in a shape": entry("head.bias", shape=[1.0]),
    "a fraction at the end of offsets": lambda h: h["head.bias"].update(
        data_offsets=[h["head.bias"]["data_offsets"][0], float(h["head.bias"]["data_offsets"][1])]
    ),
    "entries in another order": lambda h: h.update(
        {"head.bias": dict(sorted(h["head.bias"].items()))}
    ),
    "something else in the metadata": lambda h: h["__metadata__"].update(format="pt"),
    "too many spaces at its end": lambda h: (
        json.dumps(h, separators=(",", ":")).encode() + b" " * 64
    ),
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_is_not_believed(what, tmp_path):
    rnn, _ = classifier()
    file = tmp_path / "model.safetensors"
    rnn.save_weights(file)
    file.write_bytes(rewritten(file.read_bytes(), HEADERS[what]))
    assert_load_fails(file, rnn, "`file` .* cannot be loaded")


@pytest.mark.parametrize("length", [0, 2**24 + 1, 2**31, 2**63, 2**64 - 1])
def test_the_length_of_a_header_is_not_believed(length, tmp_path):
    rnn, _ = classifier()
    file = tmp_path / "model.safetensors"
    rnn.save_weights(file)
    file.write_bytes(struct.pack("<Q", length) + file.read_bytes()[8:])
    assert_load_fails(file, rnn)


def in_architecture(**changes):
    return lambda facts: facts["architecture"].update(changes)


def in_cell(**changes):
    return lambda facts: facts["architecture"]["cell"][0].update(changes)


DESCRIPTIONS = {
    "no format": lambda f: f.pop("format"),
    "a newer format": lambda f: f.update(format=4),
    "a format that is no number": lambda f: f.update(format="1"),
    "something unknown": lambda f: f.update(params=0),
    "no architecture": lambda f: f.pop("architecture"),
    "an architecture that is none": lambda f: f.update(architecture=[1]),
    "an entry too few": lambda f: f["architecture"].pop("cell"),
    "an entry too many": in_architecture(extra=0),
    "a huge layer": in_architecture(hidden_layer_sizes=[2**31 - 1]),
    "a long number": in_architecture(hidden_layer_sizes=[10**4000]),
    "too many layers": in_architecture(hidden_layer_sizes=[2] * 1000),
    "too many outputs": in_architecture(n_outputs=2**31 - 1),
    "an entry of a cell too few": lambda f: f["architecture"]["cell"][0].pop("kind"),
    "an entry of a cell too many": in_cell(extra=0),
    "a cell that is none": in_architecture(cell=[1]),
    "cells of cells": in_architecture(cell=[[[[0]]]]),
    "options that are none": in_cell(options=[]),
    "an unknown cell": in_cell(kind="abacus"),
    "an unknown pooling": in_architecture(pooling={"kind": "abacus", "options": {}}),
    "another dtype": in_architecture(dtype="float64"),
    "an unknown dtype": in_architecture(dtype="float16"),
    "an unknown loss": in_architecture(loss="abacus"),
    "the loss of a regressor": in_architecture(loss="huber"),
    "a dropout of everything": in_architecture(dropout=1.0),
    "no features": lambda f: f.update(n_features_in=0),
    "other features": lambda f: f.update(n_features_in=3),
    "another kind of X": lambda f: f.update(input_kind="2d"),
    "no classes": lambda f: f.pop("classes"),
    "a class too many": lambda f: f["classes"]["values"].append("z"),
    "classes out of order": lambda f: f["classes"]["values"].reverse(),
    "classes that are lists": lambda f: f["classes"].update(values=[["a"], ["b"]]),
    "classes of another dtype": lambda f: f["classes"].update(dtype="int64"),
    "classes of a structure": lambda f: f["classes"].update(dtype="i4,i4"),
    "classes without a width": lambda f: f["classes"].update(dtype="<U0", values=["a" * 9999] * 2),
    "a width in other digits": lambda f: f["classes"].update(dtype="<U\u0663"),
    "classes longer than they say": lambda f: f["classes"].update(dtype="<U1"),
    "a mean of y": lambda f: f.update(y_mean=None),
    "huge classes": lambda f: f["classes"].update(dtype="<U999999", values=["a"] * 1000),
    "names of other features": lambda f: f.update(
        feature_names_in={"dtype": "object", "values": ["a"]}
    ),
}


@pytest.mark.parametrize("what", DESCRIPTIONS)
def test_a_forged_description_is_refused(what, file):
    rnn, _ = classifier()
    forge(file, rnn, DESCRIPTIONS[what])
    assert_load_fails(file, rnn)


def with_part(kind, **options):
    return {"kind": kind, "options": options}


def with_option(name, value):
    return lambda network: network["cell"][0]["options"].update({name: value})


HUGE, MANY = 2**31 - 1, 200_000
WIDE = with_part("dense", units=HUGE, activation="relu")
# name -> model of make_models.py, change of its architecture
LARGE = {
    "a table": ("attention_codes", lambda a: a.update(tables=[[1, HUGE, HUGE]])),
    "tables": (
        "attention_codes",
        lambda a: a.update(n_features=10**6, tables=[[i, 2, 1] for i in range(100_000)]),
    ),
    "a table of a column that is not there": (
        "attention_codes",
        lambda a: a.update(tables=[[2, 3, 2]]),
    ),
    "a table twice": ("attention_codes", lambda a: a.update(tables=[[1, 4, 2]] * 2)),
    "attention": (
        "attention_codes",
        lambda a: a.update(pooling=with_part("attention", units=HUGE), hidden_layer_sizes=[HUGE]),
    ),
    "an output layer": ("attention_codes", lambda a: a.update(output_layer_sizes=[HUGE, HUGE])),
    "output layers": ("attention_codes", lambda a: a.update(output_layer_sizes=[1] * MANY)),
    "input layers of many units": ("quantiles", lambda a: a.update(input_layers=[WIDE, WIDE])),
    "input layers": ("quantiles", lambda a: a.update(input_layers=[WIDE] * 20_000)),
    "cells": ("quantiles", lambda a: a.update(cell=a["cell"] * 20_000)),
    "transitions": ("quantiles", with_option("transition_layer_sizes", [1] * MANY)),
    "a wide transition": ("quantiles", with_option("transition_layer_sizes", [HUGE])),
    "quantiles": (
        "quantiles",
        lambda a: a.update(n_outputs=MANY, quantile=[(i + 1) / (MANY + 1) for i in range(MANY)]),
    ),
    "a quantile too few": ("quantiles", lambda a: a.update(quantile=[0.2, 0.8])),
    "layers": ("multilabel", lambda a: a.update(hidden_layer_sizes=[1] * MANY)),
    "a projection": (
        "multilabel",
        lambda a: (with_option("projection_size", HUGE)(a), a.update(hidden_layer_sizes=[HUGE])),
    ),
    "groups": ("multioutput", lambda a: a.update(groups=[2] * MANY)),
    "groups of many outputs": ("multioutput", lambda a: a.update(groups=[HUGE, HUGE])),
    "a group of one": ("multioutput", lambda a: a.update(groups=[4, 1])),
    "a wide convolution": (
        "convolution_norm",
        lambda a: a["input_layers"][0]["options"].update(kernel_size=HUGE),
    ),
    "more sources than a node has": (
        "attention_codes",
        lambda a: a.update(
            n_features=64,
            tables=[[i, 2, 1] for i in range(64)],
            input_layers=[
                with_part("conv1d", channels=1, kernel_size=17, stride=1, activation="relu")
            ],
        ),
    ),
}


@pytest.mark.parametrize("what", LARGE)
def test_a_large_network_is_refused_before_memory_is_taken(what):
    name, change = LARGE[what]
    architecture = copy.deepcopy(fit(name)[0]._architecture)
    from_description(copy.deepcopy(architecture))
    change(architecture)
    start = time.process_time()
    with pytest.raises(ValueError):
        from_description(architecture)
    assert time.process_time() - start < 5  # 1 on a quiet machine
    tracemalloc.start()
    with pytest.raises(ValueError):
        from_description(architecture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e8


@pytest.mark.parametrize(
    "name, change",
    [
        ("attention_codes", lambda a: a.update(tables=[[1, 10**9, 2]])),
        ("quantiles", lambda a: a.update(input_layers=[WIDE])),
        ("convolution_norm", lambda a: a["input_layers"][0]["options"].update(channels=10**9)),
        ("multilabel", with_option("projection_size", HUGE)),
    ],
)
def test_arrays_that_a_file_does_not_hold_take_no_memory(name, change, file):
    rnn, _ = fit(name)
    forge(file, rnn, lambda facts: change(facts["architecture"]))
    tracemalloc.start()
    assert_load_fails(file, rnn, "cannot be loaded|damaged")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e7


@pytest.mark.parametrize("classes", [5, None, "ab", {"dtype": "<U1", "values": ["a"]}])
def test_classes_of_a_regressor_are_refused(classes, file):
    rnn, _ = regressor()
    forge(file, rnn, lambda facts: facts.update(classes=classes))
    assert_load_fails(file, rnn)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_forged_scale_is_refused(value, file, monkeypatch):
    rnn, _ = regressor()
    dumps = json.dumps
    rnn.y_scale_[0] = 123.25
    forged = lambda v, **kw: dumps(v, **kw).replace("123.25", value)  # noqa: E731
    monkeypatch.setattr(_weight_files.json, "dumps", forged)
    forge(file, rnn, lambda facts: None)
    monkeypatch.undo()
    assert_load_fails(file, rnn)


def test_forged_weights_that_are_not_finite_are_refused(file):
    rnn, _ = classifier()
    sound = copy.deepcopy(rnn)
    rnn.params_[3] = np.inf
    forge(file, rnn, lambda facts: None)
    assert_load_fails(file, sound, "`params_` must be finite")


def test_a_pickle_under_our_names_is_refused(file):
    rnn, _ = classifier()
    file.write_bytes(pickle.dumps(rnn))
    assert_load_fails(file, rnn)
