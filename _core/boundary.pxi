"""Checks of what comes from Python: arrays, types, names, data."""
from kernels cimport CACHE_LINE, MATH_SIGMOID, isize, rnn_data, rnn_kernels_of, rnn_node


cdef void *pointer_to(object array, str name, int kind, tuple shape, bint writeable=False) except NULL:
    """Data of a C-contiguous array of this type and shape (-1: any length)."""
    cdef cnp.ndarray a
    cdef int i
    cdef bint fits = isinstance(array, np.ndarray)
    if fits:
        a = array
        fits = (cnp.PyArray_TYPE(a) == kind and a.ndim == len(shape) and cnp.PyArray_IS_C_CONTIGUOUS(a)
                and cnp.PyArray_ISALIGNED(a) and not cnp.PyArray_ISBYTESWAPPED(a)
                and (not writeable or cnp.PyArray_ISWRITEABLE(a)))
        if fits:
            for i in range(a.ndim):
                fits = fits and (shape[i] == -1 or a.shape[i] == shape[i])
    if not fits:
        came = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        wanted = np.dtype(cnp.PyArray_DescrFromType(kind))
        shape_text = str(shape).replace("-1", "any")
        raise ValueError(f"`{name}` must be a C-contiguous {'writeable ' if writeable else ''}array of {wanted} and shape "
                         f"{shape_text}, got {came}.")
    return cnp.PyArray_DATA(a)


cdef int type_of(object dtype) except -1:
    if dtype not in ("float32", "float64"):
        raise ValueError(f"`dtype` must be 'float32' or 'float64', got {dtype!r}.")
    return cnp.NPY_FLOAT32 if dtype == "float32" else cnp.NPY_FLOAT64


cdef int index_of(object roster, object value, str name) except -1:
    roster = tuple(roster)
    if value not in roster:
        raise ValueError(f"`{name}` must be one of {roster}, got {value!r}.")
    return roster.index(value)


cdef object aligned_empty(isize n, dtype):
    """Uninitialised vector of n numbers that begins on a cache line."""
    itemsize = np.dtype(dtype).itemsize
    buffer = np.empty(n * itemsize + CACHE_LINE, dtype=np.uint8)
    start = -<isize>cnp.PyArray_DATA(buffer) % CACHE_LINE
    return buffer[start:start + n * itemsize].view(dtype)


def probabilities_of_two(z):
    """Probabilities of two classes, from the logits of the second.

    Parameters
    ----------
    z : ndarray of shape (n, 1), float32 or float64

    Returns
    -------
    probabilities : ndarray of shape (n, 2)
        1 - p is exact from 1/2 on; where it is small it would lose its digits, and comes from the logit as well.
    """
    cdef bint is_float = isinstance(z, np.ndarray) and cnp.PyArray_TYPE(z) == cnp.NPY_FLOAT32
    cdef int kind = cnp.NPY_FLOAT32 if is_float else cnp.NPY_FLOAT64
    cdef void *logits = pointer_to(z, "z", kind, (-1, 1))
    cdef cnp.npy_intp[2] shape
    cdef isize i, n = len(z)
    cdef void *both
    cdef float *of_float
    cdef double *of_double
    shape[0], shape[1] = n, 2
    probabilities = cnp.PyArray_EMPTY(2, shape, kind, 0)
    both = cnp.PyArray_DATA(probabilities)
    of_float, of_double = <float *>both, <double *>both
    for i in range(2 * n):      # -z, z
        if is_float:
            of_float[i] = (<float *>logits)[i // 2] * (1 if i % 2 else -1)
        else:
            of_double[i] = (<double *>logits)[i // 2] * (1 if i % 2 else -1)
    rnn_kernels_of(4 if is_float else 8, present_level).math(MATH_SIGMOID, 2 * n, both, both)
    for i in range(n):
        if is_float:
            if of_float[2 * i + 1] <= 0.75:
                of_float[2 * i] = 1 - of_float[2 * i + 1]
        elif of_double[2 * i + 1] <= 0.75:
            of_double[2 * i] = 1 - of_double[2 * i + 1]
    return probabilities


cdef object factor_of(mean, scale, isize n_features):
    """The inverse of a scale (n_features,), after a check of it and of the mean."""
    pointer_to(scale, "scale", cnp.NPY_FLOAT64, (n_features,))
    pointer_to(mean, "mean", cnp.NPY_FLOAT64, (n_features,))
    with np.errstate(divide="ignore"):
        factor = 1 / scale
    if not (np.isfinite(factor).all() and (factor > 0).all()):
        raise ValueError("`scale` must be positive and finite, and so must be its inverse.")
    return factor


cdef class Dataset:
    """Sequences packed one after another, with targets and weights; all are checked here, once.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n_features), float32 or float64
    offsets : ndarray of shape (n_samples + 1,), intp
        Sequence i is `values[offsets[i]:offsets[i + 1]]`.
    targets : ndarray of shape (n,) or, for several outputs, (n, n_targets), int32; (n, n_targets), the network's dtype; or None
        n is n_samples, or n_steps for a network with a target per step. With several tasks, classes are numbers of the network's
        dtype, and NaN is a missing target.
    weights : ndarray of shape (n,), float64; or None for ones
    mean, scale : ndarray of shape (n_features,), float64; or None
        The network reads `(values - mean) / scale`, computed in float64.
    initial_state : ndarray of shape (n_samples, n_state_columns), the network's dtype; or None
        The states before the first step of each sequence, for engines made with `carried`. See `state_layout`.
    """
    cdef readonly object values, offsets, targets, weights, mean, factor, initial_state
    cdef list nodes_of_codes                # of each axis, the nodes whose codes are known to be in range
    cdef object checked_groups              # the groups whose classes are
    cdef readonly isize n_samples, n_steps, n_features
    cdef object least_of_columns, greatest_of_columns
    cdef const isize *least_label           # of each column of integer targets
    cdef const isize *greatest_label
    cdef int values_are_double
    cdef const void *value_data
    cdef const isize *offset_data
    cdef const double *shift_data
    cdef const double *factor_data

    def __cinit__(self, values, offsets, targets=None, weights=None, mean=None, scale=None, initial_state=None):
        cdef isize i
        kind = cnp.NPY_FLOAT64 if getattr(values, "dtype", None) == np.float64 else cnp.NPY_FLOAT32
        self.values_are_double = kind == cnp.NPY_FLOAT64
        self.value_data = pointer_to(values, "values", kind, (-1, -1))
        self.offset_data = <const isize *>pointer_to(offsets, "offsets", cnp.NPY_INTP, (-1,))
        self.n_samples, self.n_steps, self.n_features = len(offsets) - 1, values.shape[0], values.shape[1]
        if self.n_samples < 0 or self.offset_data[0] != 0 or self.offset_data[self.n_samples] != self.n_steps:
            raise ValueError("`offsets` must run from 0 to the number of rows of `values`.")
        for i in range(self.n_samples):
            if self.offset_data[i + 1] <= self.offset_data[i]:
                raise ValueError(f"`offsets` must increase: sequence {i} has no steps.")
        self.values, self.offsets, self.targets, self.weights = values, offsets, targets, weights
        self.initial_state, self.nodes_of_codes = initial_state, [None] * MAX_AXES
        if mean is not None or scale is not None:
            self.mean, self.factor = mean, factor_of(mean, scale, self.n_features)
            self.shift_data = <const double *>cnp.PyArray_DATA(self.mean)
            self.factor_data = <const double *>cnp.PyArray_DATA(self.factor)
        if getattr(targets, "dtype", None) == np.int32:
            pointer_to(targets, "targets", cnp.NPY_INT32, (-1,) * min(targets.ndim, 2))
            if weights is not None:
                pointer_to(weights, "weights", cnp.NPY_FLOAT64, (len(targets),))
            labels = targets if weights is None else targets[weights != 0]
            self.least_of_columns = np.atleast_1d(labels.min(axis=0, initial=0)).astype(np.intp)
            self.greatest_of_columns = np.atleast_1d(labels.max(axis=0, initial=0)).astype(np.intp)
            self.least_label = <const isize *>cnp.PyArray_DATA(self.least_of_columns)
            self.greatest_label = <const isize *>cnp.PyArray_DATA(self.greatest_of_columns)

    cdef int check_classes_of_groups(self, losses, first) except -1:
        """Refuse targets that are not classes of their task; first (n_groups + 1,): where the outputs of each task begin."""
        if self.checked_groups is losses:
            return 0
        rows = self.targets if self.weights is None else self.targets[self.weights != 0]
        for i, (loss, n_classes) in enumerate(zip(losses, np.diff(first))):
            n_classes = {"softmax": n_classes, "logistic": 2}.get(tuple(LOSSES)[loss])
            column = rows[:, i]
            if n_classes is not None and not ((column >= 0) & (column < n_classes) & (column == np.floor(column))
                                              | np.isnan(column)).all():
                raise ValueError(f"`targets` must be classes 0 to {n_classes - 1}, or NaN, in column {i}.")
        self.checked_groups = losses
        return 0

    cdef int check_codes(self, NodeTables tables, int axis) except -1:
        """Refuse codes that are no rows of the tables of a network on this axis."""
        cdef const rnn_node *node
        cdef int i
        if self.nodes_of_codes[axis] is tables.nodes:
            return 0
        for i in tables.numbers():
            node = &tables.network.node[i]
            if not tables.info_of(i).reads_codes or node.axis != axis:
                continue
            column, n = int(node.option[0]), int(node.option[1])
            codes = self.values[:, column]
            if not ((codes >= 0) & (codes < n) & (codes == np.floor(codes))).all():
                raise ValueError(f"Column {column} of `values` must hold integers from 0 to {n - 1}.")
        self.nodes_of_codes[axis] = tables.nodes
        return 0


cdef class PairedDataset:
    """Sequences on two time axes, for networks with nodes of both: what is read, and the targets with what is fed to them.

    Parameters
    ----------
    source : Dataset
        What the nodes of axis 0 read; its targets and weights are not used.
    target : Dataset
        As many sequences, of any lengths: what the nodes of axis 1 read at each step (`n_target_features` columns, perhaps none),
        with targets and weights per step.
    """
    cdef readonly Dataset source, target
    cdef readonly isize n_samples

    def __cinit__(self, Dataset source not None, Dataset target not None):
        if source.n_samples != target.n_samples:
            raise ValueError(f"`source` and `target` must have the same number of sequences, got {source.n_samples} and "
                             f"{target.n_samples}.")
        for name, data in (("source", source), ("target", target)):
            if data.initial_state is not None:
                raise ValueError(f"`{name}` must not have an `initial_state`: networks with two axes make it themselves.")
        self.source, self.target, self.n_samples = source, target, source.n_samples


cdef class Windows:
    """Windows over the rows of a dataset, each within one sequence, for truncated back-propagation through time.

    The arrays may be changed in place between calls: a lane is one window that moves. Each minibatch checks the windows it uses.

    Parameters
    ----------
    data : Dataset
        Its `initial_state` is not used: states are given with each call.
    first, length : ndarray of shape (n_windows,), intp
        Window i has `length[i]` steps, which are the rows of `data.values` from `first[i]` on.
    sample : ndarray of shape (n_windows,), intp
        The sequence to which these rows belong. With one target per sequence, the window has the target and weight of that.
    taught_from : ndarray of shape (n_windows,), intp; or None for zeros
        Losses of earlier steps of the window do not count. (With one target per sequence, it belongs to the last step.)
    kept_after : ndarray of shape (n_windows,), intp; or None for `length`
        Number of steps of the window after which `final_state` is taken.
    """
    cdef readonly Dataset data
    cdef readonly object first, length, sample, taught_from, kept_after
    cdef readonly isize n_windows
    cdef const isize *first_data
    cdef const isize *length_data
    cdef const isize *sample_data
    cdef const isize *taught_data
    cdef const isize *kept_data
    cdef object in_use                      # (5, n_windows): copies of what was checked, so that only checked values are used
    cdef isize *in_use_data

    def __cinit__(self, Dataset data not None, first, length, sample, taught_from=None, kept_after=None):
        cdef tuple shape
        self.first_data = <const isize *>pointer_to(first, "first", cnp.NPY_INTP, (-1,))
        self.n_windows = len(first)
        shape = (self.n_windows,)
        self.length_data = <const isize *>pointer_to(length, "length", cnp.NPY_INTP, shape)
        self.sample_data = <const isize *>pointer_to(sample, "sample", cnp.NPY_INTP, shape)
        if taught_from is not None:
            self.taught_data = <const isize *>pointer_to(taught_from, "taught_from", cnp.NPY_INTP, shape)
        if kept_after is not None:
            self.kept_data = <const isize *>pointer_to(kept_after, "kept_after", cnp.NPY_INTP, shape)
        self.data, self.first, self.length, self.sample = data, first, length, sample
        self.taught_from, self.kept_after = taught_from, kept_after
        self.in_use = np.zeros((5, self.n_windows), dtype=np.intp)
        self.in_use_data = <isize *>cnp.PyArray_DATA(self.in_use)

    cdef int use(self, isize i) except -1:
        """Check window i, and copy it for a minibatch."""
        cdef isize first = self.first_data[i], length = self.length_data[i], sample = self.sample_data[i]
        cdef isize taught_from = 0 if self.taught_data == NULL else self.taught_data[i]
        cdef isize kept_after = length if self.kept_data == NULL else self.kept_data[i]
        cdef isize begin, end, n = self.n_windows
        if not 0 <= sample < self.data.n_samples:
            raise ValueError(f"`sample` must be from 0 to {self.data.n_samples - 1}, got {sample} in window {i}.")
        begin, end = self.data.offset_data[sample], self.data.offset_data[sample + 1]
        if not begin <= first < end:
            raise ValueError(f"`first` must be a row of sequence {sample}, from {begin} to {end - 1}, got {first} in window {i}.")
        if not 1 <= length <= end - first:
            raise ValueError(f"`length` must be from 1 to {end - first}, so that the window ends within sequence {sample}, got "
                             f"{length} in window {i}.")
        if not 0 <= taught_from <= length:
            raise ValueError(f"`taught_from` must be from 0 to {length}, the `length` of the window, got {taught_from} in window "
                             f"{i}.")
        if not 1 <= kept_after <= length:
            raise ValueError(f"`kept_after` must be from 1 to {length}, the `length` of the window, got {kept_after} in window "
                             f"{i}.")
        self.in_use_data[i], self.in_use_data[n + i], self.in_use_data[2 * n + i] = first, first + length, sample
        self.in_use_data[3 * n + i], self.in_use_data[4 * n + i] = taught_from, kept_after
        return 0

    cdef void point(self, rnn_data *data) noexcept:
        """Let the kernels read the windows that are in use."""
        cdef isize n = self.n_windows
        data.first, data.end, data.sequence = self.in_use_data, self.in_use_data + n, self.in_use_data + 2 * n
        data.taught_from, data.kept_after = self.in_use_data + 3 * n, self.in_use_data + 4 * n

    cdef bint overlap(self, indices):
        """Whether two of these windows, which are in use, share a row."""
        order = np.asarray(indices)[np.argsort(self.in_use[0, indices])]
        return bool(np.any(self.in_use[1, order[:-1]] > self.in_use[0, order[1:]]))
