"""A network that goes on one step at a time."""
from kernels cimport KEPT


cdef class Session(Engine):
    """A network with its states, for sequences that arrive step by step. It is an `Engine` made with `carried`.

    Parameters
    ----------
    As of `Engine`, with `carried=True`, `by_step=True`, `training=False` and a length of 1 for each sequence.
    """
    cdef object offsets, scaling

    def __init__(self, **_):
        """The states are zero."""
        cdef isize n = self.max_batch
        if not self.network.carried:
            raise ValueError("A session must be made with carried=True.")
        self.offsets = np.arange(-1, n, dtype=np.intp)      # the present step counts as step 1 of its sequence
        self.job.data.offsets = <const isize *>cnp.PyArray_DATA(self.offsets)
        self.arenas[...] = 0

    def normalise_by(self, mean, scale):
        """Read `(values - mean) / scale`, computed in float64; both are ndarrays of shape (n_features,), float64."""
        factor = 1 / scale
        self.scaling = mean, factor
        self.job.data.shift = <const double *>pointer_to(mean, "mean", cnp.NPY_FLOAT64, (self.network.n_features,))
        self.job.data.factor = <const double *>pointer_to(factor, "factor", cnp.NPY_FLOAT64, (self.network.n_features,))

    def step(self, values, bint raw=False):
        """Take one step of each sequence.

        Parameters
        ----------
        values : ndarray of shape (n_sequences, n_features), float32 or float64

        Returns
        -------
        outputs : ndarray of shape (n_sequences, n_outputs)
        """
        cdef rnn_job *job = self.job
        cdef isize n = self.max_batch
        cdef int kind = cnp.NPY_FLOAT64
        cdef cnp.npy_intp[2] shape
        cdef rnn_phase *phases = [self.kernels.session_step, NULL]
        if not self.loaded:
            raise ValueError("`load` must be called first.")
        if isinstance(values, np.ndarray) and cnp.PyArray_TYPE(values) == cnp.NPY_FLOAT32:
            kind = cnp.NPY_FLOAT32
        job.data.values = pointer_to(values, "values", kind, (n, self.network.n_features))
        job.data.values_are_double = kind == cnp.NPY_FLOAT64
        shape[0], shape[1] = n, self.network.outputs
        output = cnp.PyArray_EMPTY(2, shape, self.kind, 0)
        job.batch.output, job.batch.raw, job.batch.size, job.batch.n_slices = cnp.PyArray_DATA(output), raw, n, 1
        job.sync.stop = 0
        job.sync.work_until_poll = POLL_WORK
        with nogil:
            run_phases(NULL, 0, job, phases)
        return output

    cdef object state_view(self, int i):
        """View of state number i of all sequences, (n_sequences, n_columns)."""
        cdef const rnn_carried *carried = &self.network.carried_state[i]
        cdef const rnn_node *node = &self.network.node[carried.node]
        cdef isize rows = self.network.max_rows, ld = node.out.ld, at
        if carried.state < 0:
            at = node.out.before + carried.back * rows * ld
        elif carried.state == 0 and node.out.life == KEPT:
            at = node.before[0]
        else:
            at = node.state[carried.state]
        return self.arenas[at:at + rows * ld].reshape(rows, ld)[:self.max_batch, :node.out.units]

    def state(self):
        """Copy of the states: a dict of name to ndarray (n_sequences, n_columns)."""
        return {name: self.state_view(i).copy() for i, (name, _, _) in enumerate(self.state_layout())}

    def set_state(self, state):
        """Replace the states; `state` is a dict like that of `state()`."""
        for i, (name, _, _) in enumerate(self.state_layout()):
            self.state_view(i)[...] = state[name]

    def reorder(self, rows):
        """Let sequence i go on from the states of sequence rows[i]."""
        for i in range(self.network.n_carried):
            view = self.state_view(i)
            view[...] = view[rows]
