"""The rosters that C keeps, and the choice of a SIMD level."""
import os
from collections import namedtuple

from kernels cimport rnn_compiled_level, rnn_kernels, rnn_kernels_of, rnn_math

CellInfo = namedtuple("CellInfo", "name gates activations forget_gate")

cdef dict read_cells():
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef int i = 0
    cells = {}
    while kernels.cells[i] != NULL:
        cell = kernels.cells[i]
        name = cell.name.decode()
        cells[name] = CellInfo(name, tuple(cell.gates.decode().split()), tuple(cell.activations.decode().split()),
                               cell.forget_gate)
        i += 1
    return cells

cdef tuple read_losses():
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef int i = 0
    names = []
    while kernels.losses[i].name != NULL:
        names.append(kernels.losses[i].name.decode())
        i += 1
    return tuple(names)

cdef dict read_optimizers():
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef int i = 0
    vectors = {}
    while kernels.optimizers[i].name != NULL:
        vectors[kernels.optimizers[i].name.decode()] = kernels.optimizers[i].n_moments
        i += 1
    return vectors

CELLS = read_cells()
LOSSES = read_losses()
OPTIMIZERS = read_optimizers()


def compiled_simd_levels():
    """Names of the SIMD levels in this build, slowest first."""
    levels, level = [], 0
    while rnn_compiled_level(level) != NULL:
        levels.append(rnn_compiled_level(level).decode())
        level += 1
    return tuple(levels)


def simd_levels():
    """Names of the SIMD levels that this processor supports, slowest first."""
    return tuple(name for level, name in enumerate(compiled_simd_levels()) if rnn_kernels_of(4, level) != NULL)


cdef int present_level = 0


def set_simd_level(name):
    """Use the kernels of this SIMD level from now on.

    Parameters
    ----------
    name : str
        One of "baseline", "avx2" and "avx512" that this processor supports: `show_versions` lists them.

    Raises
    ------
    ValueError
        If this processor, or this build, has no such level.
    """
    global present_level
    if name not in simd_levels():
        raise ValueError(f"The SIMD level must be one of {simd_levels()} on this processor, got {name!r}.")
    present_level = compiled_simd_levels().index(name)


def simd_level():
    """Name of the SIMD level in use."""
    return compiled_simd_levels()[present_level]


try:
    set_simd_level(os.environ.get("SKLEARN_RNN_SIMD") or simd_levels()[-1])
except ValueError as error:
    raise ImportError(f"SKLEARN_RNN_SIMD: {error}") from None


def vector_math(name, x):
    """Apply the kernels' own `exp`, `sigmoid` or `tanh` to a contiguous float32 or float64 array."""
    functions = ("exp", "sigmoid", "tanh")
    x = np.ascontiguousarray(x)
    if name not in functions or x.dtype not in (np.float32, np.float64):
        raise ValueError(f"Expected one of {functions} and a float32 or float64 array, got {name!r} and {x.dtype}.")
    y = np.empty_like(x)
    kernels = rnn_kernels_of(x.itemsize, present_level)
    kernels.math(<rnn_math>functions.index(name), x.size, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y))
    return y
