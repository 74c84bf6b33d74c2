"""Nothing about a `.npz` file as an archive is believed."""

import io
import struct
import zipfile

import numpy as np
import pytest
from forged_files import archive, sealed
from kept_models import assert_load_fails, assert_same_predictions, classifier

from sklearn_rnn import RNNClassifier
from sklearn_rnn._model import weight_files as _weight_files


def with_array(name, change):
    return lambda arrays: archive([(k, change(a) if k == name else a) for k, a in arrays.items()])


def overlapping(arrays):
    """Let the directory say that one member is as large as the whole archive."""
    content = bytearray(archive(arrays.items()))
    at = content.find(b"PK\1\2")
    content[at + 20 : at + 28] = struct.pack("<LL", len(content), len(content))
    return sealed(bytes(content[:-64]))


def with_another_time(arrays):
    """Change what nobody reads: the seconds in the header of the first member."""
    content = bytearray(archive(arrays.items()))
    content[10] ^= 1
    return bytes(content)


def members_of(arrays):
    """Return the parts of an archive of these: [name, local header, content] of each, the rest."""
    content = archive(arrays.items())
    infos = zipfile.ZipFile(io.BytesIO(content)).infolist()
    ends = [*(info.header_offset for info in infos[1:]), content.find(b"PK\1\2")]
    parts = []
    for info, end in zip(infos, ends, strict=True):
        begin = end - info.file_size
        parts.append([info.filename, content[info.header_offset : begin], content[begin:end]])
    return parts, content[ends[-1] : -64]


def put_together(parts, rest, n_gap=0, gap_at=-1):
    """Write members one after another, with a gap before one or before the directory, and seal."""
    content, directory, at = b"", bytearray(rest), 0
    for i, (_, header, array) in enumerate(parts):
        content += b"#" * (n_gap if gap_at == i else 0)
        at = directory.find(b"PK\1\2", at + 1 if i else 0)
        directory[at + 42 : at + 46] = struct.pack("<L", len(content))
        content += header + array
    content += b"#" * (n_gap if gap_at == -1 else 0)
    directory[-6:-2] = struct.pack("<L", len(content))
    return sealed(content + bytes(directory))


def with_gap(at):
    return lambda arrays: put_together(*members_of(arrays), n_gap=7, gap_at=at)


def with_local(change):
    """Change the local header of the first member, as a list of its bytes, and nothing else."""

    def forge(arrays):
        parts, rest = members_of(arrays)
        header = bytearray(parts[0][1])
        change(header)
        parts[0][1] = bytes(header)
        return put_together(parts, rest)

    return forge


def with_directory(change):
    """Change the directory alone."""

    def forge(arrays):
        parts, rest = members_of(arrays)
        rest = bytearray(rest)
        change(rest)
        return put_together(parts, rest)

    return forge


def set_bytes(at, value):
    def change(content):
        content[at : at + len(value)] = value

    return change


def with_swapped_names(arrays):
    """Let local headers and directory call two arrays of one shape by each other's names."""
    parts, rest = members_of(arrays)
    a, b = (next(p for p in parts if p[0] == f"bias_{k}h_l0.npy") for k in "ih")
    a[1], b[1] = a[1].replace(b"bias_ih", b"bias_hh"), b[1].replace(b"bias_hh", b"bias_ih")
    return put_together(parts, rest)


def with_wrong_crcs(arrays):
    """State another CRC-32 of the first member, in its header and in the directory."""
    parts, rest = members_of(arrays)
    rest, header = bytearray(rest), bytearray(parts[0][1])
    header[14:18] = rest[16:20] = b"abcd"
    parts[0][1] = bytes(header)
    return put_together(parts, rest)


def with_shared_bytes(arrays):
    """Let two members of one form lie at the same place."""
    arrays = {**arrays, "bias_hh_l0": arrays["bias_ih_l0"]}
    content = bytearray(archive(arrays.items()))
    infos = zipfile.ZipFile(io.BytesIO(content)).infolist()
    at = {info.filename: info.header_offset for info in infos}
    entry = content.rfind(b"bias_hh_l0.npy") - 46
    content[entry + 42 : entry + 46] = struct.pack("<L", at["bias_ih_l0.npy"])
    return sealed(bytes(content[:-64]))


def renamed(arrays):
    """Leave out the end of a member's name, in its header and in the directory."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as members:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array)
            members.writestr(name if name == "head.bias" else f"{name}.npy", member.getvalue())
    return sealed(content.getvalue())


def in_order(change):
    return lambda arrays: archive(change(list(arrays.items())))


def with_long_header(arrays):
    """Fill the header of an array with spaces."""
    array = arrays["head.bias"]
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {array.shape}, }}"
    content = b"\x93NUMPY\1\0" + struct.pack("<H", 1014) + header.ljust(1013).encode() + b"\n"
    content += array.tobytes()
    return archive([(k, content if k == "head.bias" else a) for k, a in arrays.items()])


ARCHIVES = {
    "something before the first member": with_gap(0),
    "something between members": with_gap(1),
    "something before the directory": with_gap(-1),
    "names swapped in the headers of members": with_swapped_names,
    "another name in a header": with_local(set_bytes(30, b"W")),
    "another size in a header": with_local(set_bytes(18, b"\0\0\0\0")),
    "another date in a header": with_local(set_bytes(12, b"\x22\0")),
    "flags in a header": with_local(set_bytes(6, b"\0\x08")),
    "no header": with_local(set_bytes(0, b"KP")),
    "another CRC-32 in a header": with_local(set_bytes(14, b"abcd")),
    "another CRC-32 in the directory": with_directory(set_bytes(16, b"abcd")),
    "a wrong CRC-32": with_wrong_crcs,
    "another size in the directory": with_directory(set_bytes(20, b"\0\0\0\0")),
    "flags in the directory": with_directory(set_bytes(8, b"\0\x08")),
    "another number of members": with_directory(set_bytes(-14, b"\1\0\1\0")),
    "members that share their bytes": with_shared_bytes,
    "members in another order": in_order(lambda items: [items[1], items[0], *items[2:]]),
    "the description first": in_order(lambda items: items[-1:] + items[:-1]),
    "a member of another name": renamed,
    "spaces in the header of an array": with_long_header,
    "compressed": lambda a: archive(a.items(), zipfile.ZIP_DEFLATED),
    "a bomb": lambda a: archive({**a, "head.bias": np.zeros(10**7)}.items(), zipfile.ZIP_BZIP2),
    "an array too few": lambda a: archive(list(a.items())[1:]),
    "an array too many": lambda a: archive([*a.items(), ("extra", np.zeros(1))]),
    "no checksum": lambda a: archive(a.items())[:-66] + b"\0\0",
    "a checksum of something else": lambda a: archive(a.items())[:-64] + b"0" * 64,
    "a checksum that is none": lambda a: archive(a.items())[:-64] + b"PK\5\6" * 16,
    "another shape": with_array("head.bias", lambda v: v[None]),
    "a transposed array": with_array("weight_ih_l0", np.transpose),
    "another dtype": with_array("head.bias", lambda v: v.astype(np.float64)),
    "swapped bytes": with_array("head.bias", lambda v: v.astype(">f4")),
    "a text in place of an array": with_array("head.bias", str),
    "an array in place of a text": with_array("sklearn_rnn", lambda v: np.zeros(9)),
    "bytes that are no array": with_array("head.bias", lambda v: b"abacus"),
    "a huge shape": with_array(
        "head.bias",
        lambda v: (
            b"\x93NUMPY\1\0\x76\0"
            + b"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }".ljust(
                118
            )
            + v.tobytes()
        ),
    ),
    "an overlap": overlapping,
    "another comment": lambda a: archive(a.items())[:-66] + b"\3\0abc",
    "another time": with_another_time,
    "nothing": lambda a: b"",
    "an empty archive": lambda a: archive([]),
    "something before": lambda a: b"MZ" * 100 + archive(a.items())[:-40],
}


@pytest.mark.parametrize("what", ARCHIVES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_is_not_believed(what, tmp_path):
    rnn, _ = classifier()
    file = tmp_path / "model.npz"
    rnn.save_weights(file)
    with np.load(file) as opened:
        arrays = dict(opened)
    file.write_bytes(ARCHIVES[what](arrays))
    assert_load_fails(file, rnn, "`file` .* cannot be loaded")


def test_archives_are_forged_from_a_sound_one(tmp_path):
    rnn, X = classifier()
    file = tmp_path / "model.npz"
    rnn.save_weights(file)
    with np.load(file) as opened:
        arrays = dict(opened)
    for content in (archive(arrays.items()), put_together(*members_of(arrays))):
        file.write_bytes(content)
        assert_same_predictions(RNNClassifier().load_weights(file), rnn, X)


def test_an_archive_of_more_than_zip_holds_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(_weight_files, "MOST_ARCHIVE", 1000)
    with pytest.raises(ValueError, match=r"must be a \.safetensors file"):
        classifier()[0].save_weights(tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_of_an_archive_that_comes_twice_is_refused(tmp_path):
    rnn, _ = classifier()
    file = tmp_path / "model.npz"
    rnn.save_weights(file)
    with np.load(file) as opened:
        file.write_bytes(archive([*opened.items(), ("head.bias", np.ones(1, np.float32))]))
    assert_load_fails(file, rnn, "twice")
