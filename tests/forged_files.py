"""Weight files with parts exchanged, as `save_weights` would never write them."""

import copy
import hashlib
import io
import json
import struct
import zipfile

import numpy as np

import sklearn_rnn
from sklearn_rnn._model import weight_files as _weight_files


def rewritten(content, change):
    """Return a .safetensors file with change(header), which may return bytes to write instead."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    changed = change(header)
    if not isinstance(changed, bytes):
        changed = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(changed)) + changed + content[8 + length :]


def entry(name, **changes):
    return lambda header: header[name].update(changes)


def forge(file, rnn, change):
    """Write a file with a changed description and the checksum that belongs to it."""
    facts = copy.deepcopy(sklearn_rnn._model.state.describe(vars(rnn)))
    change(facts)
    _weight_files.write(file, facts, rnn._fitted_model().network, rnn.params_)


def sealed(content):
    """Return an archive with its checksum as its comment."""
    content = content[:-2] + struct.pack("<H", 64)
    return content + hashlib.sha256(content).hexdigest().encode()


def archive(arrays, compression=zipfile.ZIP_STORED):
    """Return an .npz file of these (name, array or bytes), with the right checksum."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as members:
        for name, content in arrays:
            if not isinstance(content, bytes):
                member = io.BytesIO()
                np.lib.format.write_array(member, np.asanyarray(content))
                content = member.getvalue()
            members.writestr(f"{name}.npy", content)
    return sealed(stream.getvalue())
