"""A network of two axes whose target is made step by step."""


cdef class Decoder(Stepping):
    """The second axis of a network, one step at a time, for sequences whose steps on the first axis are all known.

    It is an `Engine` made with `session`, `carried` and `by_step`. `lengths` are those of the longest sources, `target_lengths`
    are ones; there are as many of both, and that is the largest number of rows. `begin` reads the sources; then each `step`
    takes one step of every row. Between steps `reorder` chooses the rows that go on, as beam search does; several rows may go on
    from one, and share its source. One thread at a time may use it.
    """
    cdef Dataset source                     # to which the kernels point
    cdef bint stepped                       # since `begin` or `reorder`

    def __init__(self, **_):
        super().__init__()
        if self.network.n_axes < 2:
            raise ValueError("A decoder must be made with a network whose result is on axis 1.")
        self.n_rows = 0
        self.argument, self.way_out = "values", "begin again"

    def load(self, params):
        """See `Engine.load`."""
        super().load(params)
        self.n_rows, self.source, self.stepped = 0, None, False

    def begin(self, Dataset source not None, indices):
        """Read some sources; row i then belongs to number `indices[i]`, and its states are those with which its target begins.

        Parameters
        ----------
        source : Dataset
            Its targets and weights are not used.
        indices : ndarray of shape (n_rows,), intp

        Raises
        ------
        ValueError
            If there are more rows or longer sequences than the decoder was made for, or if the data do not fit the network.
        IndexError
            If there is no such sequence.
        RuntimeError
            If another thread is using the decoder.
        """
        cdef rnn_job *job = self.job
        cdef rnn_phase *phases = [self.kernels.begin_decoding, NULL]
        cdef const isize *chosen = <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,))
        cdef isize i, n = len(indices)
        cdef isize *taken = <isize *>job.batch.samples
        self.refuse_if_running()
        if not self.loaded:
            raise ValueError("`load` must be called first.")
        self.check_axis(source, 0)
        self.check_room(source, chosen, n)
        self.attach_axis(source, 0)
        for i in range(n):
            taken[i] = chosen[i]
        self.n_rows, self.source, self.stepped = n, source, False
        self.set_state_rows(np.broadcast_to(self.initial_state(), (self.max_batch, self.network.state_columns)))
        job.batch.size = job.batch.n_sources = n
        job.batch.n_slices, job.sync.stop = 1, 0
        self.running = True
        with nogil:
            run_phases(NULL, 0, job, phases)
        self.running = False

    cdef int refuse_before_begin(self) except -1:
        if self.n_rows == 0:
            raise ValueError("`begin` must be called first.")
        return 0

    cdef int check_room(self, Dataset source, const isize *indices, isize n) except -1:
        """Refuse more rows, and more or longer sequences, than there is room for."""
        cdef const rnn_axis *axis = &self.network.axis[0]
        cdef isize i, length, total = 0, longest = 0
        if not 1 <= n <= self.max_batch:
            raise ValueError(f"`indices` must hold 1 to {self.max_batch} rows, as many as the decoder was made for, got {n}.")
        for i in range(n):
            if not 0 <= indices[i] < source.n_samples:
                raise IndexError(f"`indices` must lie in 0 to {source.n_samples - 1}, got {indices[i]}.")
            length = steps_of(axis, source.offset_data[indices[i] + 1] - source.offset_data[indices[i]])
            longest, total = max(longest, length), total + length
        if longest > axis.max_steps or total > axis.max_slice_steps:
            raise ValueError("The sequences must not be longer than the `lengths` that the decoder was made for.")
        return 0

    def step(self, values, bint raw=False):
        """See `Session.step`: one step of each row, with what is fed to it, (n_rows, n_target_features)."""
        self.refuse_before_begin()
        output = super().step(values, raw)
        self.stepped = True
        return output

    def reorder(self, rows):
        """Let row i go on from the old row `rows[i]`: its states, and its source.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,), intp
            There may be fewer rows than before, or more, and one old row may be there several times, or not at all.

        Raises
        ------
        ValueError
            If there are more rows than the decoder was made for.
        IndexError
            If there is no such row.
        """
        cdef const isize *from_row = <const isize *>pointer_to(rows, "rows", cnp.NPY_INTP, (-1,))
        cdef isize i, n = len(rows)
        self.refuse_if_running()
        self.refuse_before_begin()
        if not 1 <= n <= self.max_batch:
            raise ValueError(f"`rows` must hold 1 to {self.max_batch} rows, as many as the decoder was made for, got {n}.")
        for i in range(n):
            if not 0 <= from_row[i] < self.n_rows:
                raise IndexError(f"`rows` must lie in 0 to {self.n_rows - 1}, got {from_row[i]}.")
        for i in range(self.network.n_carried):
            states = self.state_view(i)
            states[:n] = states[rows]
        at = self.network.axis[1].source_row
        sources = self.ints[at:at + self.max_batch]
        sources[:n] = sources[rows]
        self.n_rows, self.stepped = n, False

    def attention(self):
        """Weights of the source steps at the last step, of the last node that attends.

        Returns
        -------
        weights : ndarray of shape (n_rows, longest source)
            Each row sums to 1; 0 beyond the end of a source.

        Raises
        ------
        ValueError
            If no step was taken since `begin` or `reorder`, or if the network has no attention.
        RuntimeError
            If another thread is using the decoder.
        """
        cdef const isize *lengths = <const isize *>cnp.PyArray_DATA(self.ints) + self.network.axis[0].length
        cdef int node = 0
        self.refuse_if_running()
        for number in self.tables.numbers():
            if self.tables.info_of(number).reads_memory:
                node = number
        if node == 0:
            raise ValueError("`attention` needs a network that has a node of the kind 'context'.")
        if not self.stepped:
            raise ValueError("`step` must be called before `attention`, and again after `reorder`.")
        weights = np.empty((self.n_rows, lengths[0]), dtype=self.dtype)     # the longest source is the first
        self.job.batch.size = self.n_rows
        self.kernels.attention(self.job, node, lengths[0], cnp.PyArray_DATA(weights))
        return weights

    @property
    def max_rows(self):
        return self.max_batch
