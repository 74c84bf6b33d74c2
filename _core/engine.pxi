"""The engine: what Python calls to train and to predict."""
from libc.math cimport INFINITY, isfinite, pow
from libc.stdint cimport uint32_t, uint64_t

from kernels cimport (
    BEST_RESULT, LINKED_RESULT, ONCE, last_axis, rnn_batch, rnn_carried, rnn_job, rnn_network, rnn_node, rnn_optimizer,
    rnn_result, rnn_tensor
)

cdef tuple RESULTS = ("linked", "log", "best")     # in the order of rnn_result


cdef class Engine(Runner):
    """A workspace in which a network learns and predicts; `Workspace` has the parameters."""
    cdef bint optimizing

    def load(self, params):
        """Pack the flat parameter vector for the products.

        Parameters
        ----------
        params : ndarray of shape (n_params,), the network's dtype
            The engine keeps it; `train_minibatch` changes it in place.

        Raises
        ------
        ValueError
            If it is not such an array, or the engine was made with `planning`.
        RuntimeError
            If another thread is using the engine.
        """
        self.refuse_if_running()
        if self.planned is not None:
            raise ValueError("`load` needs an engine made with planning=False, which has memory.")
        self.job.params = pointer_to(params, "params", self.kind, (self.network.n_params,))
        self.params = params
        self.job.batch.size = self.job.batch.n_slices = 0
        self.run(self.kernels.pack, NULL, NULL, NULL)
        self.loaded = True

    def set_optimizer(self, solver, *, momentum, nesterovs_momentum, beta_1, beta_2, epsilon, alpha, max_grad_norm,
                      max_grad_value, seed, l1_ratio=0.0):
        """Choose how `train_minibatch` updates.

        Parameters
        ----------
        solver : str
            A name in `OPTIMIZERS`.
        momentum : float
        nesterovs_momentum : bool
        beta_1, beta_2, epsilon : float
            Of Adam and its relatives.
        alpha : float
            Factor of the penalty `alpha * (l1_ratio * sum(|w|) + (1 - l1_ratio) / 2 * sum(w^2))`, or of the decay by its gradient
            where the optimizer decays the weights apart.
        max_grad_norm, max_grad_value : float or None
            Limits of the gradient's norm and of its elements; None: no clipping.
        seed : int
            64 bits, the key of the dropout masks.
        l1_ratio : float
            Share of L1 in the penalty, from 0 to 1.

        Raises
        ------
        ValueError
            If there is no such solver.
        """
        cdef rnn_optimizer chosen = self.job.optimizer
        cdef double max_norm = INFINITY if max_grad_norm is None else max_grad_norm
        cdef double max_value = INFINITY if max_grad_value is None else max_grad_value
        cdef uint64_t key = seed
        chosen.kind = index_of(OPTIMIZERS, solver, "solver")
        chosen.momentum, chosen.nesterov = momentum, nesterovs_momentum
        chosen.beta_1, chosen.beta_2, chosen.epsilon = beta_1, beta_2, epsilon
        chosen.alpha, chosen.l1_ratio = alpha, l1_ratio
        self.job.optimizer, self.job.seed = chosen, key
        self.max_grad_norm, self.max_grad_value = max_norm, max_value
        self.optimizing = True

    def weigh_by(self, double divisor, double mean_weight):
        """Compute the gradient of `sum(w l) / divisor` in every minibatch, and scale clipping with the weights.

        Parameters
        ----------
        divisor : float
            The same for all minibatches, so that a weight counts the same in each; 0: each minibatch's own `sum(w)`.
        mean_weight : float
            Mean of the positive weights of all training data. The limits of clipping are multiplied by the mean of the positive
            weights in the minibatch, divided by this one. 0: the limits are not changed.
        """
        if not (0 <= divisor < INFINITY and 0 <= mean_weight < INFINITY):
            raise ValueError(f"`divisor` and `mean_weight` must be finite and not negative, got {divisor} and {mean_weight}.")
        self.divisor, self.mean_weight = divisor, mean_weight

    def train_minibatch(self, data not None, indices, params, moments, double learning_rate, long update, *,
                        initial_state=None, final_state=None, double carry_factor=1.0, part=None, n_parts=None):
        """Forward, loss, back-propagation through time, clipping and one step of the optimizer.

        Parameters
        ----------
        data : Dataset, PairedDataset or Windows
            A `PairedDataset` if and only if the network has nodes of axis 1. `Windows`, `final_state` and a `carry_factor` need
            an engine made with `windowed`.
        indices : ndarray of shape (batch,), intp
            Of sequences or windows.
        params : ndarray of shape (n_params,), changed in place
            The array that was loaded.
        moments : ndarray of shape (n_vectors, n_params), changed in place
        learning_rate : float
        update : int
            Number of this update, from 1: for Adam's correction and the dropout masks.
        initial_state : ndarray of shape (n_windows, n_state_columns), the network's dtype; or None
            The states from which the windows (or sequences) of this minibatch start, in the columns of `state_layout`; they get
            no gradient. None means zeros or learned states.
        final_state : ndarray of shape (n_windows, n_state_columns), changed in place; or None
            The rows of this minibatch are set to the states after `kept_after` steps of each window. They are undefined if the
            call raises.
        carry_factor : float
            Factor of the gradient at each step back in time within a window. If windows end at each step with probability c, the
            factor 1 / (1 - c) makes the expected gradient that of whole sequences (Tallec and Ollivier, 2017).
        part : int or None
            None means that this call has the whole minibatch. Otherwise the minibatch comes in several calls, and this is number
            `part`, counted from 0. Only the last call updates the weights; the calls before it change nothing. Part 0 always
            starts a new minibatch.
        n_parts : int or None
            Number of parts; None means `n_accumulated`.

        Returns
        -------
        loss, total_weight : float
            `sum(w l) / sum(w)` without penalty, and `sum(w)`, over all parts. (0, 0), and no update, if `sum(w)` is 0 or if this
            is not the last part.

        Raises
        ------
        FloatingPointError
            If the loss, the norm of the gradient, or (where the optimizer keeps squares) the square of that norm is not finite.
            Nothing is changed then, nor after an exception in a signal handler, such as KeyboardInterrupt.
        """
        cdef rnn_job *job = self.job
        cdef isize n_samples
        optimizer = &job.optimizer
        solver = list(OPTIMIZERS)[optimizer.kind]
        if not (self.network.training and self.optimizing) or update < 1:
            raise ValueError("`train_minibatch` needs an engine made for training, a call of `set_optimizer` before, and an "
                             "`update` of at least 1.")
        if params is not self.params:
            raise ValueError("`params` must be the array that was loaded.")
        pointer_to(params, "params", self.kind, (self.network.n_params,), True)
        job.moments = pointer_to(moments, "moments", self.kind, (OPTIMIZERS[solver], self.network.n_params), True)
        if part is None:
            part, n_parts = 0, 1
        elif n_parts is None:
            n_parts = self.n_accumulated
        n_samples = self.attach(data, True, initial_state)
        optimizer.learning_rate = learning_rate
        optimizer.correction_1 = 1 - pow(optimizer.beta_1, update)
        optimizer.correction_2 = 1 - pow(optimizer.beta_2, update)
        job.batch.update, job.batch.dropping, job.batch.d_values = <uint32_t>update, True, NULL
        try:
            self.pass_states(n_samples, final_state, carry_factor)
            self.take_minibatch(data, n_samples, <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,)),
                                len(indices), part, n_parts)
            if part < n_parts - 1:
                self.run(self.kernels.train, NULL, NULL, NULL)
            elif self.weight > 0:
                self.fill_places()
                self.run(self.kernels.train, self.kernels.reduce, self.kernels.update, self.kernels.pack)
            elif final_state is not None:       # there are no targets, but the states go on
                self.run(self.kernels.predict, NULL, NULL, NULL)
        finally:
            self.forget_states()
        if part < n_parts - 1 or self.weight <= 0:
            return 0.0, 0.0
        self.refuse_divergence()
        loss = job.batch.loss if n_parts == 1 else job.batch.loss * (job.batch.total_weight / self.weight)
        return loss, self.weight

    cdef int refuse_divergence(self) except -1:
        """Raise if the minibatch had numbers with which it could not update."""
        cdef const rnn_batch *batch = &self.job.batch
        if not isfinite(batch.loss):
            raise FloatingPointError(f"the loss is {batch.loss}")
        if not isfinite(batch.gradient_norm):
            raise FloatingPointError(f"the norm of the gradient is {batch.gradient_norm}")
        if batch.too_large:
            raise FloatingPointError(f"the norm of the gradient is {batch.gradient_norm:.3g}, whose square overflows "
                                     f"{self.dtype}")
        return 0

    def loss_and_grad(self, data not None, indices=None, *, long update=0, bint dropout=False, bint input_gradient=False,
                      initial_state=None, final_state=None, double carry_factor=1.0):
        """Loss of a minibatch and its gradient with respect to the parameters (and the input), without penalty or clipping.

        Parameters
        ----------
        data : Dataset, PairedDataset or Windows
        indices : ndarray of shape (batch,), intp; or None for all sequences or windows
        update : int
            Number of the update whose dropout masks are drawn.
        dropout : bool
            Whether to drop units.
        input_gradient : bool
            Whether to return the gradient of the input too. Needs an engine made with `input_gradient`.
        initial_state, final_state, carry_factor
            See `train_minibatch`.

        Returns
        -------
        loss : float
        d_params : ndarray of shape (n_params,)
        d_values : ndarray of shape (n_steps, n_features), only with `input_gradient`
            Of a `PairedDataset`, with respect to the values of its source.

        Raises
        ------
        ValueError
            If the engine was not made for this, if the data do not fit it, or if with `input_gradient` indices repeat or windows
            overlap.
        """
        cdef rnn_job *job = self.job
        cdef rnn_optimizer kept = job.optimizer
        cdef isize n_samples
        if not self.network.training:
            raise ValueError("`loss_and_grad` needs an engine made for training.")
        n_samples = self.attach(data, True, initial_state)
        if indices is None:
            indices = np.arange(n_samples, dtype=np.intp)
        self.take_minibatch(data, n_samples, <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,)), len(indices))
        d_values = None
        if input_gradient:
            if not self.network.input_gradient:
                raise ValueError("`loss_and_grad` needs an engine made with `input_gradient` for the gradient of the input.")
            if len(np.unique(indices)) < len(indices):
                raise ValueError("`indices` must not repeat for the gradient of the input.")
            if isinstance(data, Windows) and (<Windows>data).overlap(indices):
                raise ValueError("Windows must not overlap for the gradient of the input.")
            read = data.source if isinstance(data, PairedDataset) else data.data if isinstance(data, Windows) else data
            d_values = np.zeros(read.values.shape, self.dtype)
        job.batch.d_values = cnp.PyArray_DATA(d_values) if input_gradient else NULL
        job.batch.update, job.batch.dropping = <uint32_t>update, dropout
        job.optimizer.alpha = 0
        if self.probed is not None:
            self.probed[...] = 0
            job.probe = <double *>cnp.PyArray_DATA(self.probed)
        try:
            self.pass_states(n_samples, final_state, carry_factor)
            self.run(self.kernels.train, self.kernels.reduce, NULL, NULL)
        finally:
            self.forget_states()
            job.optimizer = kept
            job.probe = NULL
        d_params = self.flat_gradient()
        return (job.batch.loss, d_params, d_values) if input_gradient else (job.batch.loss, d_params)

    def advance(self, data not None, indices, long update, *, initial_state=None, final_state):
        """Compute the states after windows as in training, but without a loss or a gradient; also between parts of a minibatch.

        Parameters
        ----------
        data : Dataset or Windows
        indices : ndarray of shape (batch,), intp
        update : int
            Number of the update whose dropout masks are drawn.
        initial_state, final_state
            See `train_minibatch`.

        Raises
        ------
        ValueError
            If the engine was not made with `windowed`, or the data do not fit it.
        """
        cdef rnn_job *job = self.job
        cdef isize n_samples
        if not self.windowed:
            raise ValueError("`advance` needs an engine made with `windowed`.")
        n_samples = self.attach(data, False, initial_state)
        job.batch.update, job.batch.dropping = <uint32_t>update, True
        try:
            self.pass_states(n_samples, final_state, 1)
            self.take_sequences(data, n_samples, <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,)),
                                len(indices), self.max_batch * self.n_accumulated)
            self.run(self.kernels.predict, NULL, NULL, NULL)
        finally:
            self.forget_states()

    cdef object flat_gradient(self):
        """Copy of the gradient (n_params,), with zeros for frozen arrays and rows of tables that were not read."""
        cdef const rnn_network *network = self.network
        cdef const rnn_tensor *tensor
        cdef int i
        cdef isize slice
        if network.n_summed == network.n_params:
            return np.array(self.gradient)
        d_params = np.zeros(network.n_params, dtype=self.dtype)
        for i in range(network.n_tensors):
            tensor = &network.tensor[i]
            if tensor.frozen:
                continue
            if not tensor.is_table:
                d_params[tensor.at:tensor.at + tensor.size] = self.gradient[tensor.summed:tensor.summed + tensor.size]
                continue
            table = d_params[tensor.at:tensor.at + tensor.size].reshape(tensor.units, tensor.columns)
            for slice in range(self.job.batch.n_places - 1, -1, -1):    # the first one that has a row holds its sum
                first = slice * network.n_codes + tensor.codes
                codes = self.slice_codes[first + 1:first + 1 + self.slice_codes[first]]
                first = slice * network.touched.size + tensor.touched
                rows = self.slice_rows[first:first + len(codes) * tensor.ld_touched].reshape(len(codes), tensor.ld_touched)
                table[codes] = rows[:, :tensor.columns]
        return d_params

    def gradients_of_states(self):
        """Norms of the gradient of h, over units and sequences, in the last call of `loss_and_grad`.

        Returns
        -------
        norms : dict of str to ndarray of shape (n_steps,), float64
            By node and direction: "l0", "l0_reverse", ...
        """
        cdef const rnn_node *node
        cdef int i, d
        if self.probed is None:
            raise ValueError("`gradients_of_states` needs an engine made with `probe`.")
        squares, norms = self.probed.sum(axis=0), {}
        for i in range(self.network.n_nodes):
            node = &self.network.node[i]
            for d in range(node.n_directions if self.tables.info_of(i).has_cell else 0):
                norms[self.tables.direction_name(i, d)] = np.sqrt(squares[i, d])
        return norms

    def row_losses(self, samples not None, outputs):
        """Loss of each row of raw outputs and the targets of `samples`; 0 where the weight is 0.

        Parameters
        ----------
        samples : Dataset or PairedDataset
        outputs : ndarray of shape (n, n_outputs), the network's dtype
            n is n_samples, or n_steps for a network with a target per step.

        Returns
        -------
        losses : ndarray of shape (n,), float64

        Raises
        ------
        ValueError
            If `samples` or `outputs` do not fit the network.
        """
        cdef rnn_network *network = self.network
        cdef Dataset data = self.data_of_result(samples)
        self.attach(samples, True)
        n = data.n_steps if network.per_step else data.n_samples
        losses, row = np.empty(n), np.empty(network.output_width, dtype=self.dtype)
        cdef isize n_rows = n
        cdef const void *output_data = pointer_to(outputs, "outputs", self.kind, (n, network.outputs))
        cdef void *row_data = cnp.PyArray_DATA(row)
        cdef double *loss_data = <double *>cnp.PyArray_DATA(losses)
        with nogil:
            self.kernels.row_losses(self.job, n_rows, output_data, row_data, loss_data)
        return losses

    def predict(self, samples not None, *, bint raw=False, bint losses=False, initial_state=None, bint return_state=False,
                result="linked"):
        """Outputs of all sequences (or steps), after the link unless `raw`; or the states of the node that is the result.

        Parameters
        ----------
        samples : Dataset or PairedDataset
            A `PairedDataset` if and only if the result is on axis 1, whose steps then have the outputs.
        raw : bool
        losses : bool
            Whether to return the loss of each row (n,), float64, instead of its outputs: what `row_losses` makes of raw outputs,
            up to rounding. It needs no memory for outputs (except with a head of kind "crf"), and computes tails only for rows
            whose targets are their classes.
        initial_state : ndarray of shape (n_samples, n_state_columns), the network's dtype; or None for those of the data
            Needs an engine made with `carried`. See `state_layout`.
        return_state : bool
            Whether to return the states after each sequence's last step too.
        result : {"linked", "log", "best"}
            Of a head of kind "crf" and without `raw`: the marginal probabilities of the tags, their logarithms, or the best tags.

        Returns
        -------
        outputs : ndarray of shape (n, n_columns)
            The stream of the node that is the result; a head has `n_outputs` columns. n is n_samples, or the sum of all steps (of
            the network: with a stride there are fewer) where that stream (of a head: the target) has a row per step. The best
            tags are int32 of shape (n,): -1 in sequences for which `allowed` leaves no tags, -2 if an output is not finite.
        final_state : ndarray of shape (n_samples, n_state_columns), only with `return_state`
        """
        cdef rnn_job *job = self.job
        cdef rnn_network *network = self.network
        cdef const rnn_node *of_result = &network.node[network.result]
        cdef isize first
        cdef const isize *order_data
        cdef bint per_step = network.per_step
        cdef Dataset data = self.data_of_result(samples)
        if losses and network.result != network.head:
            raise ValueError("`losses` must be False where the result is not the head.")
        if losses and self.tables.info_of(network.result).of_sequences:     # known once all steps have outputs
            if return_state:
                raise ValueError("`return_state` must be False with `losses` and a head of kind 'crf'.")
            return self.row_losses(samples, self.predict(samples, raw=True, initial_state=initial_state))
        self.attach(samples, losses)
        if network.training:
            raise ValueError("`predict` needs an engine that was not made for training.")
        if network.result != network.head:
            per_step = of_result.out.life != ONCE
        n_rows = job.data[last_axis(network)].result_offsets[data.n_samples] if per_step else data.n_samples
        n_columns = network.outputs if network.result == network.head else of_result.out.parts * of_result.out.units
        job.batch.result = <rnn_result>index_of(RESULTS, result, "result")
        if job.batch.result != LINKED_RESULT and (raw or not self.tables.info_of(network.result).of_sequences):
            raise ValueError(f"`result` must be 'linked' with `raw`, or without a head of kind 'crf', got {result!r}.")
        if losses:
            output = np.zeros(n_rows)
        elif job.batch.result == BEST_RESULT:
            output = np.empty(n_rows, dtype=np.int32)
        else:
            output = np.empty((n_rows, n_columns), dtype=self.dtype)
        job.batch.output, job.batch.raw = cnp.PyArray_DATA(output), raw
        job.batch.row_losses = <double *>job.batch.output if losses else NULL
        state_shape, final_state = (data.n_samples, network.state_columns), None
        job.final_state = NULL
        initial_state = data.initial_state if initial_state is None else initial_state
        job.initial_state = self.pointer_to_states(initial_state, data.n_samples)
        if return_state:
            final_state = np.zeros(state_shape, dtype=self.dtype)
            job.final_state = cnp.PyArray_DATA(final_state)
        lengths = np.diff(data.offsets)
        order = np.argsort(-lengths, kind="stable")
        order_data = <const isize *>cnp.PyArray_DATA(order)
        try:
            for first in range(0, data.n_samples, self.max_batch):
                self.take_minibatch(samples, data.n_samples, order_data + first, min(self.max_batch, data.n_samples - first))
                self.run(self.kernels.predict, NULL, NULL, NULL)
        finally:
            job.initial_state = job.final_state = NULL
            job.batch.row_losses = NULL
        return (output, final_state) if return_state else output

    def initial_state(self):
        """Return the states with which sequences begin unless others are given, (n_state_columns,): learned ones, or zeros."""
        cdef const rnn_network *network = self.network
        cdef const rnn_carried *carried
        cdef const rnn_tensor *tensor
        cdef int i, j
        row = np.zeros(network.state_columns, dtype=self.dtype)
        for i in range(network.n_carried):
            carried = &network.carried_state[i]
            if carried.state < 0:
                continue
            stem = b"initial_" + network.node[carried.node].declared.state_name[carried.state]
            for j in range(network.n_tensors):
                tensor = &network.tensor[j]
                if tensor.node == carried.node and tensor.stem == stem:
                    row[carried.column:carried.column + tensor.size] = self.params[tensor.at:tensor.at + tensor.size]
        return row
