"""Networks that go on one step at a time."""


cdef class Stepping(Engine):
    """What sessions and decoders share: one step of each row on the last axis, and the states with which it goes on."""
    cdef object offsets, scaling, y_mean, y_scale
    cdef bint flat
    cdef isize n_rows                       # that take the next step
    cdef str argument, way_out              # in errors: what `step` reads, and what to do if its results are not finite

    def __init__(self, **_):
        if not self.network.session:
            raise ValueError(f"A {type(self).__name__.lower()} must be made with session=True.")
        self.n_rows = self.max_batch
        self.offsets = np.arange(-1, self.max_batch, dtype=np.intp)     # the present step counts as step 1 of its sequence
        self.data().first = <const isize *>cnp.PyArray_DATA(self.offsets)
        self.job.sync.poll = NULL       # a step is never left half done
        self.arenas[...] = 0

    cdef rnn_data *data(self) noexcept:
        """The data of the last axis."""
        return &self.job.data[last_axis(self.network)]

    cdef const rnn_axis *axis(self) noexcept:
        return &self.network.axis[last_axis(self.network)]

    def normalise_by(self, mean, scale):
        """Read `(values - mean) / scale`, computed in float64; both are ndarrays of shape (n_features,), float64."""
        self.scaling = mean, factor_of(mean, scale, self.axis().n_features)
        self.data().shift = <const double *>cnp.PyArray_DATA(self.scaling[0])
        self.data().factor = <const double *>cnp.PyArray_DATA(self.scaling[1])

    def step(self, values, bint raw=False):
        """Take one step of each sequence.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features), float32 or float64
            Finite, and not too large for the network.
        raw : bool
            Whether to return the outputs before the link.

        Returns
        -------
        outputs : ndarray of shape (n_rows, n_outputs)
            In the network's dtype, unless `scale_outputs_by` asks for more.

        Raises
        ------
        ValueError
            If values are not as described; the states then stay as they were. Also if the outputs are not finite; the states have
            then gone on, and may not be finite either.
        RuntimeError
            If another thread is using the session.
        """
        cdef rnn_job *job = self.job
        cdef rnn_data *data = self.data()
        cdef isize n = self.n_rows
        cdef int kind = cnp.NPY_FLOAT64
        cdef cnp.npy_intp[2] shape
        cdef rnn_phase *phases = [self.kernels.session_step, NULL]
        self.refuse_if_running()
        if not self.loaded:
            raise ValueError("`load` must be called first.")
        if isinstance(values, np.ndarray) and cnp.PyArray_TYPE(values) == cnp.NPY_FLOAT32:
            kind = cnp.NPY_FLOAT32
        data.values = pointer_to(values, "values", kind, (n, self.axis().n_features))
        data.values_are_double = kind == cnp.NPY_FLOAT64
        self.check_range()
        if self.axis().n_features > self.network.node[self.axis().data].units:
            self.check_codes()
        shape[0], shape[1] = n, self.network.outputs
        output = cnp.PyArray_EMPTY(2, shape, self.kind, 0)
        job.batch.output, job.batch.raw, job.batch.size, job.batch.n_slices = cnp.PyArray_DATA(output), raw, n, 1
        job.sync.stop = 0
        self.running = True
        with nogil:
            run_phases(NULL, 0, job, phases)
        self.running = False
        self.check_results()
        return output if self.y_scale is None else self.in_units_of_y(output)

    def scale_outputs_by(self, mean, scale, bint flat):
        """Let `step` return outputs * scale + mean, as float64, of one output and if `flat` as (n_sequences,).

        Both are ndarrays of shape (n_outputs,), float64.
        """
        pointer_to(scale, "scale", cnp.NPY_FLOAT64, (self.network.outputs,))
        pointer_to(mean, "mean", cnp.NPY_FLOAT64, (self.network.outputs,))
        self.y_mean, self.y_scale, self.flat = mean, scale, flat and self.network.outputs == 1

    cdef object in_units_of_y(self, output):
        """The outputs in the units of y: the quick way for few sequences, with the bits of NumPy."""
        cdef const double *scale = <const double *>cnp.PyArray_DATA(self.y_scale)
        cdef const double *mean = <const double *>cnp.PyArray_DATA(self.y_mean)
        cdef isize i, n_outputs = self.network.outputs, n = self.n_rows * n_outputs
        cdef cnp.npy_intp[2] shape
        cdef double *y
        cdef void *z = cnp.PyArray_DATA(output)
        cdef bint finite = True
        shape[0], shape[1] = self.n_rows, n_outputs
        result = cnp.PyArray_EMPTY(1 if self.flat else 2, shape, cnp.NPY_FLOAT64, 0)
        y = <double *>cnp.PyArray_DATA(result)
        for i in range(n):      # two loops, because a product and a sum in one would be rounded only once on some processors
            y[i] = ((<const float *>z)[i] if self.kind == cnp.NPY_FLOAT32 else (<const double *>z)[i]) * scale[i % n_outputs]
        for i in range(n):
            y[i] += mean[i % n_outputs]
            finite = finite and isfinite(y[i])
        if not finite:
            raise ValueError(f"`{self.argument}` leads to results that are not finite: {self.way_out}.")
        return result

    cdef int check_results(self) except -1:
        """Refuse outputs that are not finite."""
        cdef const void *z = self.job.batch.output
        cdef isize i
        cdef bint finite = True
        for i in range(self.n_rows * self.network.outputs):
            finite = finite and isfinite((<const float *>z)[i] if self.kind == cnp.NPY_FLOAT32 else (<const double *>z)[i])
        if not finite:
            raise ValueError(f"`{self.argument}` leads to results that are not finite in {self.dtype}: {self.way_out}, and scale "
                             "X as for `fit`, or use dtype='float64'.")
        return 0

    cdef int check_range(self) except -1:
        """Refuse values that are not finite, or too large after normalisation."""
        cdef const rnn_data *data = self.data()
        cdef isize i, j, n_features = self.axis().n_features
        cdef double value, largest = 1e30 if self.kind == cnp.NPY_FLOAT32 else 1e300
        for i in range(self.n_rows):
            for j in range(n_features):
                if data.values_are_double:
                    value = (<const double *>data.values)[i * n_features + j]
                else:
                    value = (<const float *>data.values)[i * n_features + j]
                if data.shift != NULL:
                    value = (value - data.shift[j]) * data.factor[j]
                if not -largest <= value <= largest:
                    raise ValueError(f"`{self.argument}` must be finite and at most {largest:g} after normalisation, got "
                                     f"{'inf or NaN' if not isfinite(value) else f'{value:g}'} in row {i}, feature {j}.")
        return 0

    cdef int check_codes(self) except -1:
        """Refuse codes that are no rows of their table."""
        cdef const rnn_data *data = self.data()
        cdef const rnn_node *node
        cdef isize i, at
        cdef int number
        cdef double code
        for number in self.tables.numbers():
            node = &self.network.node[number]
            if not self.tables.info_of(number).reads_codes or node.axis != last_axis(self.network):
                continue
            for i in range(self.n_rows):
                at = i * self.axis().n_features + <isize>node.option[0]
                code = (<const double *>data.values)[at] if data.values_are_double else (<const float *>data.values)[at]
                if not 0 <= code < node.option[1] or code != <isize>code:
                    raise ValueError(f"`{self.argument}` must hold integers from 0 to {<isize>node.option[1] - 1} in column "
                                     f"{<isize>node.option[0]}, got {code:g} in row {i}.")
        return 0

    cdef object state_view(self, int i):
        """View of state number i of all rows, (max_rows, n_columns)."""
        cdef const rnn_carried *carried = &self.network.carried_state[i]
        cdef const rnn_node *node = &self.network.node[carried.node]
        cdef isize rows = self.max_batch, ld = node.out.ld
        self.refuse_if_running()
        return self.arenas[carried.at:carried.at + rows * ld].reshape(rows, ld)[:, :node.out.units]

    def state_rows(self):
        """Copy of the states of all rows, (max_rows, n_columns); `state_layout` names the columns."""
        rows = np.empty((self.max_batch, self.network.state_columns), dtype=self.dtype)
        for i, (_, first, n) in enumerate(self.state_layout()):
            rows[:, first:first + n] = self.state_view(i)
        return rows

    def set_state_rows(self, rows):
        """Replace the states by an array like that of `state_rows`."""
        for i, (_, first, n) in enumerate(self.state_layout()):
            self.state_view(i)[...] = rows[:, first:first + n]


cdef class Session(Stepping):
    """A network with its states, for sequences that arrive step by step.

    It is an `Engine` made with `session`, `carried` and `by_step`, and with a length of 1 for each sequence. `load` lets all
    sequences begin. One thread at a time may use it.
    """
    def __init__(self, **_):
        super().__init__()
        if self.network.n_axes > 1:
            raise ValueError("A session must be made with a network of one axis: make a decoder of this one.")
        self.argument, self.way_out = "x", "reset the stream"

    def load(self, params):
        """See `Engine.load`."""
        super().load(params)
        self.begin(slice(None))

    def begin(self, rows):
        """Set the states of some sequences, a NumPy index, to those with which sequences begin."""
        states = self.state_rows()
        states[rows] = self.initial_state()
        self.set_state_rows(states)

    @property
    def n_sequences(self):
        return self.max_batch
