"""The rosters that C keeps, and the choice of a SIMD level."""
import os
from collections import namedtuple

from libc.math cimport isfinite
from libc.string cimport memset

from kernels cimport (
    BOOLEAN, CHOICE, CLASS_PER_OUTPUT, MAX_OPTIONS, NUMBER_PER_GROUP, NUMBERS, NUMBERS_PER_QUANTILE, TWO_CLASSES, rnn_cell,
    rnn_compiled_level, rnn_kernels, rnn_kernels_of, rnn_kind_info, rnn_math, rnn_option
)

# An option of a cell or of another node: `type` is "choice" (of `choices`), "boolean" or "number" (from `least` to below `below`,
# if these are given).
Option = namedtuple("Option", "name type choices default least below")
# What a cell has by default; `memory` is 1 for each gate of which an open one (of value 1) keeps the state, -1 for one that
# replaces the state, 0 for others.
CellInfo = namedtuple("CellInfo", "name gates options states reads_output memory hidden_product")
# targets: what a row has, "classes", "numbers", or "tasks" of both kinds; of_group: whether a task may have this loss.
LossInfo = namedtuple("LossInfo", "name targets link of_group")


cdef dict read_options(const rnn_option *options):
    """Options by name, from an array that ends with an empty entry, or from NULL."""
    cdef int i = 0
    table = {}
    while options != NULL and options[i].name != NULL:
        option = options[i]
        name, choices, default, limits = option.name.decode(), (), option.preset, (None, None)
        if option.type == CHOICE:
            choices = tuple(option.choices.decode().split())
            default = choices[<int>option.preset]
        elif option.type == BOOLEAN:
            default = option.preset != 0
        elif option.least < option.below:
            limits = option.least, option.below
        table[name] = Option(name, ("choice", "boolean", "number")[<int>option.type], choices, default, *limits)
        i += 1
    return table


cdef double option_value(option, value, str owner) except? -1:
    """A value of an option as C stores it."""
    if option.type == "choice":
        return index_of(option.choices, value, f"{owner}.{option.name}")
    number = float(value)
    if option.type == "boolean" and number not in (0, 1):
        raise ValueError(f"`{owner}.{option.name}` must be True or False, got {value!r}.")
    if not isfinite(number) or (option.least is not None and not option.least <= number < option.below):
        limits = "a finite number" if option.least is None else f"from {option.least} to below {option.below}"
        raise ValueError(f"`{owner}.{option.name}` must be {limits}, got {value!r}.")
    return number


cdef int fill_options(double *values, dict table, dict given, str owner) except -1:
    """Store the values of all options of a table in its order: those given, and defaults."""
    for i, option in enumerate(table.values()):
        values[i] = option_value(option, given.get(option.name, option.default), owner)
    return 0


cdef object read_cell(int number, dict given):
    """What cell `number` declares with these options, and with defaults for others; None after the last one."""
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef const rnn_option *options
    cdef rnn_cell cell
    cdef double[MAX_OPTIONS] values
    cdef int k
    cdef const char *name = kernels.describe_cell(number, NULL, NULL, &options)
    if name == NULL:
        return None
    kind, table = name.decode(), read_options(options)
    fill_options(values, table, given, kind)
    memset(&cell, 0, sizeof(cell))
    kernels.describe_cell(number, values, &cell, &options)
    states = tuple(cell.state_name[k].decode() for k in range(cell.n_states))
    gates = tuple(cell.gates.decode().split())
    memory = tuple(cell.memory[k] for k in range(len(gates)))
    return CellInfo(kind, gates, table, states, bool(cell.reads_output), memory, cell.n_h > 0)


cdef dict read_cells():
    cells = {}
    while (info := read_cell(len(cells), {})) is not None:
        cells[info.name] = info
    return cells


def describe_cell(kind, **options):
    """Describe a cell with these options.

    Parameters
    ----------
    kind : str
        One of `CELLS`.
    **options
        Values of its options; an option that is not given has its default.

    Returns
    -------
    info : CellInfo
        As in `CELLS`, where all options have their defaults.

    Raises
    ------
    ValueError
        If there is no such cell, option or value.
    """
    number, table = index_of(CELLS, kind, "cell"), CELLS[kind].options
    if unknown := options.keys() - table.keys():
        raise ValueError(f"`options` of {kind} must be among {sorted(table)}, got {sorted(unknown)}.")
    return read_cell(number, options)


cdef dict read_kinds():
    """Options of each kind of node but the data, which are always node 0."""
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef const rnn_kind_info *info
    cdef int kind = 1
    kinds = {}
    while True:
        info = kernels.describe_kind(kind)
        if info == NULL:
            return kinds
        kinds[info.name.decode()] = read_options(info.options)
        kind += 1


cdef tuple read_weight_stems():
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef int i = 0
    stems = []
    while kernels.weight_stems[i] != NULL:
        stems.append(kernels.weight_stems[i].decode())
        i += 1
    return tuple(stems)


cdef dict read_losses():
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef int i = 0
    losses = {}
    while kernels.losses[i].name != NULL:
        loss = kernels.losses[i]
        targets = "numbers" if loss.targets in (NUMBERS, NUMBERS_PER_QUANTILE) else "classes"
        if loss.targets == NUMBER_PER_GROUP:
            targets = "tasks"
        of_group = loss.targets in (NUMBERS, TWO_CLASSES, CLASS_PER_OUTPUT)
        losses[loss.name.decode()] = LossInfo(loss.name.decode(), targets, loss.link.decode(), of_group)
        i += 1
    return losses


cdef dict read_optimizers():
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef int i = 0
    moments = {}
    while kernels.optimizers[i].name != NULL:
        moments[kernels.optimizers[i].name.decode()] = kernels.optimizers[i].n_moments
        i += 1
    return moments


CELLS = read_cells()
KINDS = read_kinds()
cdef tuple STEMS = read_weight_stems()      # of the weights of sources
LOSSES = read_losses()
LOSSES_OF_GROUPS = tuple(name for name, loss in LOSSES.items() if loss.of_group)
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

    See Also
    --------
    get_simd_level : Returns the level in use.

    Examples
    --------
    >>> from sklearn_rnn import get_simd_level, set_simd_level
    >>> level = get_simd_level()
    >>> set_simd_level("baseline")
    >>> get_simd_level()
    'baseline'
    >>> set_simd_level(level)
    """
    global present_level
    if name not in simd_levels():
        raise ValueError(f"The SIMD level must be one of {simd_levels()} on this processor, got {name!r}.")
    present_level = compiled_simd_levels().index(name)


def simd_level():
    """Return the name of the SIMD level in use.

    Returns
    -------
    name : str
        "baseline", "avx2" or "avx512".

    See Also
    --------
    set_simd_level : Sets the level.

    Examples
    --------
    >>> from sklearn_rnn import get_simd_level
    >>> get_simd_level() in ("baseline", "avx2", "avx512")
    True
    """
    return compiled_simd_levels()[present_level]


try:
    set_simd_level(os.environ.get("SKLEARN_RNN_SIMD") or simd_levels()[-1])
except ValueError as error:
    raise ImportError(f"SKLEARN_RNN_SIMD: {error}") from None


def vector_math(name, x):
    """Apply the kernels' own `exp`, `sigmoid`, `tanh` or `log` to a contiguous float32 or float64 array."""
    functions = ("exp", "sigmoid", "tanh", "log")
    x = np.ascontiguousarray(x)
    if name not in functions or x.dtype not in (np.float32, np.float64):
        raise ValueError(f"Expected one of {functions} and a float32 or float64 array, got {name!r} and {x.dtype}.")
    y = np.empty_like(x)
    kernels = rnn_kernels_of(x.itemsize, present_level)
    kernels.math(<rnn_math>functions.index(name), x.size, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y))
    return y
