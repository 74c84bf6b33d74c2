"""The engine: takes all memory, cuts minibatches into slices, and runs the phases on a team of threads."""
import threading

from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport Py_INCREF
from libc.limits cimport INT_MAX
from libc.math cimport INFINITY, isfinite, pow
from libc.stdint cimport int32_t, uint32_t
from libc.stdlib cimport qsort
from libc.string cimport memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec
from posix.types cimport pid_t
from posix.unistd cimport getpid

from blas cimport gemm_double, gemm_float
from kernels cimport (
    BLOCK_ROWS, CACHE_LINE, MAX_LAYERS, MOST_HELPERS, NUMBERS, POLL_WORK, SIGNAL_NANOSECONDS, TWO_CLASSES, prepare_team, rnn_job,
    rnn_network, rnn_optimizer, rnn_phase, rnn_team, run_phases, start_helpers, stop_job
)

# A minibatch is cut into slices of SLICE_ROWS sequences; more for wide layers, whose weights are read from memory for each
# step of each slice. The rule depends only on the batch and the network, never on threads, so that any number of threads
# gives the same bits.
cdef isize SLICE_ROWS = 8, WIDE_SLICE_ROWS = 16, WIDE_LAYER = 256
# Smaller minibatches still make two slices, if these have at least this many sequences.
cdef isize FEWEST_SLICE_ROWS = 4
cdef isize MAX_SLICES = 32, MAX_GRADIENT_BYTES = 256 << 20
cdef isize PREDICT_SLICE_ROWS = 16, PREDICT_SLICES = 32
# Prediction keeps the states of this many rows (steps x sequences) at a time: few enough to stay in cache.
cdef isize PREDICT_SEGMENT_ROWS = 1024
# Below this many multiplications, about half a millisecond, one thread does everything. On a quiet machine a second one would
# still help, but on a busy one each minibatch may wait for a helper: at 2^23 it took up to half as long again, at 2^24 a fifth.
# A prediction waits only once.
cdef double THREADS_WORTH = 1 << 24, PREDICT_THREADS_WORTH = 1 << 23
# More threads than the machine has cores only wait; but up to 16 are allowed on any machine.
cdef isize MOST_THREADS = min(max(os.cpu_count() or 1, 16), 1 + MOST_HELPERS)
# Features, units and outputs stay below this, so that their products with a few gates cannot overflow before they are checked.
cdef isize LARGEST = 1 << 31
# The steps of a slice stay below this, for the same reason.
cdef isize MOST_STEPS = 1 << 60


cdef class Team:
    """Helper threads for the engine that has taken the team. Without one they sleep; they never end."""
    cdef rnn_team team
    cdef pid_t process

    def __cinit__(self):
        prepare_team(&self.team)
        self.process = getpid()
        Py_INCREF(self)     # the threads read it until the process ends


cdef list idle_teams = []


cdef Team take_team():
    """A team that is not in use, with the threads it has so far."""
    cdef Team team
    while idle_teams:
        team = idle_teams.pop()
        if team.process == getpid():    # in a forked child the threads of its parent do not exist
            return team
    return Team()


cdef struct ranked:
    isize length, position, sample


cdef int longest_first(const void *a, const void *b) noexcept nogil:
    cdef const ranked *p = <const ranked *>a
    cdef const ranked *q = <const ranked *>b
    if p.length != q.length:
        return -1 if p.length > q.length else 1
    return -1 if p.position < q.position else 1


cdef double seconds() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec + 1e-9 * now.tv_nsec


cdef object aligned_empty(isize n, dtype):
    """Uninitialised vector of n numbers that begins on a cache line."""
    itemsize = np.dtype(dtype).itemsize
    buffer = np.empty(n * itemsize + CACHE_LINE, dtype=np.uint8)
    start = -buffer.ctypes.data % CACHE_LINE
    return buffer[start:start + n * itemsize].view(dtype)


cdef int describe(rnn_network *network, n_features, cell, activation, hidden_layer_sizes, bidirectional, n_outputs) except -1:
    """Fill in the architecture; everything else is zero."""
    cdef const rnn_kernels *kernels = rnn_kernels_of(8, 0)
    cdef int k, number = index_of(CELLS, cell, "cell")
    sizes = tuple(hidden_layer_sizes)
    if not 1 <= len(sizes) <= MAX_LAYERS or not 1 <= min(sizes) <= max(sizes) < LARGEST:
        raise ValueError(f"`hidden_layer_sizes` must hold 1 to {MAX_LAYERS} sizes of 1 to {LARGEST - 1}, got {sizes}.")
    if not 1 <= n_features < LARGEST:
        raise ValueError(f"`n_features` must be 1 to {LARGEST - 1}, got {n_features}.")
    if not 0 <= n_outputs < LARGEST:
        raise ValueError(f"`n_outputs` must be 0 to {LARGEST - 1}, got {n_outputs}.")
    memset(network, 0, sizeof(rnn_network))
    network.n_features = n_features
    network.n_layers = len(sizes)
    network.n_directions = 2 if bidirectional else 1
    network.head.outputs = n_outputs
    for k in range(network.n_layers):
        network.layer[k].cell = kernels.cells[number]
        network.layer[k].hidden = sizes[k]
        if CELLS[cell].activations:
            network.layer[k].activation = index_of(CELLS[cell].activations, activation, "activation")
    return 0


def parameter_layout(n_features, cell, hidden_layer_sizes, bidirectional, n_outputs):
    """List the parameter arrays in the flat vector.

    Returns
    -------
    layout : list of (name, offset, shape)
        Under PyTorch's names: by layer and direction `weight_ih_l0` (G*H, I), `weight_hh_l0` (G*H, H), `bias_ih_l0` and
        `bias_hh_l0` (G*H,), the reverse direction with the suffix `_reverse`; then `head.weight` and `head.bias`.
    """
    cdef rnn_network network
    cdef int k, d
    activations = CELLS[cell].activations if cell in CELLS else ()
    describe(&network, n_features, cell, activations[0] if activations else None, hidden_layer_sizes, bidirectional, n_outputs)
    if rnn_kernels_of(8, 0).plan(&network):
        raise ValueError(f"`hidden_layer_sizes`={tuple(hidden_layer_sizes)} is too large for {n_features} features and "
                         f"{n_outputs} outputs: they need 2**59 numbers or more.")
    layout = []
    for k in range(network.n_layers):
        inputs = network.layer[k].input_parts * network.layer[k].inputs
        hidden = network.layer[k].hidden
        gates = network.layer[k].cell.n_gates * hidden
        for d in range(network.n_directions):
            way, suffix = network.layer[k].direction[d], f"l{k}" + ("_reverse" if d else "")
            layout += [(f"weight_ih_{suffix}", way.weight_ih, (gates, inputs)),
                       (f"weight_hh_{suffix}", way.weight_hh, (gates, hidden)),
                       (f"bias_ih_{suffix}", way.bias_ih, (gates,)),
                       (f"bias_hh_{suffix}", way.bias_hh, (gates,))]
    states = network.n_directions * network.layer[network.n_layers - 1].hidden
    if n_outputs:
        layout += [("head.weight", network.head.weight, (n_outputs, states)), ("head.bias", network.head.bias, (n_outputs,))]
    return layout


cdef void call_signal_handlers(rnn_job *job) noexcept nogil:
    """Let Python's signal handlers run, at most every SIGNAL_NANOSECONDS; an exception in them ends the minibatch."""
    cdef double now = seconds()
    if now - job.sync.last_poll < 1e-9 * SIGNAL_NANOSECONDS:
        return
    job.sync.last_poll = now
    with gil:
        try:
            PyErr_CheckSignals()
        except BaseException as raised:
            (<Engine>job.sync.owner).pending = raised
            stop_job(job)


cdef class Engine:
    """A network bound to its workspace: all memory of a fit, or of a call of predict, is allocated here.

    Parameters
    ----------
    n_features, cell, activation, hidden_layer_sizes, bidirectional, n_outputs, loss, huber_delta, per_step, dropout, dtype
        The network, as in the estimators; with `n_outputs` 0 the last layer's states are the output.
    n_threads : int
        Maximum number of threads. The results do not depend on it.
    training : bool
        Whether gradients are needed; otherwise states are kept only as long as they are needed.
    lengths : ndarray of shape (n_samples,)
        Lengths of the sequences that will be used; these may be shorter.
    batch_size : int
        Sequences in the largest minibatch (training only).
    memory_budget : int or None
        Maximum number of bytes for the activations of all threads (training only). If they need more, they are computed twice:
        the results are the same and take a third more time. The reverse direction of a network needs all steps at once.
    """
    cdef rnn_network network
    cdef rnn_job *job
    cdef const rnn_kernels *kernels
    cdef int kind
    cdef isize max_batch, workers
    cdef bint loaded
    cdef object pending, dtype
    cdef bint optimizing
    cdef double divisor, mean_weight, max_grad_norm, max_grad_value
    cdef object job_memory, params, packed, arenas, ints, slice_gradients, gradient, losses, norms, samples, ranks

    def __cinit__(self, *, n_features, cell, activation, hidden_layer_sizes, bidirectional, n_outputs, loss, per_step, dtype,
                  n_threads, training, lengths, batch_size, huber_delta=1.0, dropout=0.0, memory_budget=None):
        cdef rnn_network *network = &self.network
        self.kind = type_of(dtype)
        self.job_memory = aligned_empty(sizeof(rnn_job), np.uint8)
        self.job = <rnn_job *>cnp.PyArray_DATA(self.job_memory)
        memset(self.job, 0, sizeof(rnn_job))
        self.dtype = np.dtype(dtype)
        self.kernels = rnn_kernels_of(self.dtype.itemsize, present_level)
        describe(network, n_features, cell, activation, hidden_layer_sizes, bidirectional, n_outputs)
        for k in range(network.n_layers):
            network.layer[k].cell = self.kernels.cells[index_of(CELLS, cell, "cell")]
        network.loss = index_of(LOSSES, loss, "loss")
        if not 0 <= dropout < 1 or not huber_delta > 0:
            raise ValueError(f"`dropout` must be from 0 to below 1 and `huber_delta` positive, got {dropout} and {huber_delta}.")
        network.huber_delta = huber_delta
        network.dropout = dropout
        network.per_step = per_step
        network.training = training
        if self.kernels.losses[network.loss].targets == TWO_CLASSES and n_outputs > 1:
            raise ValueError(f"`n_outputs` must be 1 for the {loss} loss, got {n_outputs}.")
        if training and n_outputs == 0:
            raise ValueError("`n_outputs` must be at least 1 for training, got 0.")
        if not training:
            batch_size = PREDICT_SLICE_ROWS * PREDICT_SLICES
        self.max_batch = max(1, min(batch_size, len(lengths)))
        self.workers = max(1, min(n_threads, MOST_THREADS))
        self.allocate(np.asarray(lengths, dtype=np.intp), memory_budget)
        self.job.network = network
        if threading.current_thread() is threading.main_thread():   # only this one runs signal handlers
            self.job.sync.poll = call_signal_handlers
        self.job.sync.owner = <void *>self
        # BLAS in the wheels of numpy and scipy uses AVX: 3 times as fast as our baseline kernels, no faster than our others.
        if training and self.kernels == rnn_kernels_of(self.dtype.itemsize, 0) and self.blas_can_count():
            from sklearn_rnn._memory import check_room_for_blas
            check_room_for_blas(self.workers)
            self.job.gemm = gemm_float if self.kind == cnp.NPY_FLOAT32 else gemm_double
        self.job.sync.last_poll = seconds()

    cdef isize rows_wanted(self) noexcept:
        """How many sequences a slice should have."""
        cdef int k
        if not self.network.training:
            return PREDICT_SLICE_ROWS
        for k in range(self.network.n_layers):
            if self.network.layer[k].hidden >= WIDE_LAYER:
                return WIDE_SLICE_ROWS
        return SLICE_ROWS

    cdef isize slices_of(self, isize batch) noexcept:
        """How many slices a minibatch is cut into."""
        cdef isize rows = self.rows_wanted(), most = (batch + rows - 1) // rows
        if not self.network.training:   # a row's bits do not depend on the slices: at least one for each thread
            return max(most, min(self.workers, batch))
        most = max(most, min(2, batch // FEWEST_SLICE_ROWS))
        bytes_each = self.network.gradient.size * self.kernels.real_bytes
        return max(1, min(most, MAX_SLICES, MAX_GRADIENT_BYTES // max(1, bytes_each)))

    cdef bint blas_can_count(self) noexcept:
        """Whether every size that a product may have fits into an int."""
        cdef rnn_network *network = &self.network
        cdef isize largest = max(network.n_features, network.head.width, network.max_rows + BLOCK_ROWS)
        cdef int k
        for k in range(network.n_layers):
            largest = max(largest, network.layer[k].ld_gates, network.layer[k].input_parts * network.layer[k].inputs)
        return largest <= INT_MAX

    cdef allocate(self, lengths, memory_budget):
        """Allocate all memory: packed weights, a gradient per slice, an arena per thread."""
        cdef rnn_network *network = &self.network
        cdef isize slices
        self.plan(network)      # sizes of weights and gradients, which the slices depend on
        slices = self.slices_of(self.max_batch)
        network.max_rows = max((self.max_batch + slices - 1) // slices, min(self.max_batch, self.rows_wanted()))
        longest = np.sort(lengths)[::-1][:network.max_rows] if lengths.size > network.max_rows else lengths
        if longest.sum(dtype=np.float64) > MOST_STEPS:
            raise ValueError(f"`lengths` must sum to less than 2**60 steps, got a sequence of "
                             f"{longest.max()}.")
        network.max_steps = max(1, longest.max(initial=1))
        network.segment_rows = network.max_slice_steps = max(1, longest.sum())
        if not network.training and network.n_directions == 1:
            network.segment_rows = min(network.max_slice_steps, PREDICT_SEGMENT_ROWS + self.least_segment())
        self.plan(network)
        self.workers = min(self.workers, slices)
        if network.training and memory_budget is not None:
            self.keep_within(memory_budget)
        with self.room_for(network, slices):
            self.take_planned(network)
            self.ints = np.empty(self.workers * network.arena_ints, dtype=np.intp)
            self.samples = np.empty(self.max_batch, dtype=np.intp)
            self.ranks = np.empty(self.max_batch * sizeof(ranked), dtype=np.uint8)
            self.losses = np.zeros(slices)
            if network.training:
                self.slice_gradients = aligned_empty(slices * network.gradient.size, self.dtype)
                self.gradient = aligned_empty(network.n_params, self.dtype)
                self.norms = np.zeros(network.n_pieces)
        self.job.arena_ints = <isize *>cnp.PyArray_DATA(self.ints)
        self.job.batch.samples = <const isize *>cnp.PyArray_DATA(self.samples)
        self.job.batch.slice_loss = <double *>cnp.PyArray_DATA(self.losses)
        if network.training:
            self.job.slice_gradients = cnp.PyArray_DATA(self.slice_gradients)
            self.job.gradient = cnp.PyArray_DATA(self.gradient)
            self.job.piece_norms = <double *>cnp.PyArray_DATA(self.norms)
            self.kernels.poison_gaps(&network.gradient, slices, self.job.slice_gradients)

    cdef int plan(self, rnn_network *network) except -1:
        """Work out the sizes and positions of everything."""
        if self.kernels.plan(network):
            raise ValueError("`hidden_layer_sizes` is too large for these sequences: the workspace needs 2**59 numbers or more.")
        return 0

    cdef object room_for(self, const rnn_network *network, isize slices):
        """Context in which the workspace is allocated."""
        arenas = self.arena_bytes(network)
        weights = (network.packed.size + network.n_params) * self.dtype.itemsize
        gradients = int(slices) * network.gradient.size * self.dtype.itemsize
        if arenas < weights + gradients:
            advice = "take a smaller `hidden_layer_sizes`"
        elif not network.training:
            advice = "lower `n_threads`, or cut the sequences"
        elif network.n_directions == 2:
            advice = "lower `batch_size` or `n_threads`, or cut the sequences"
        else:
            advice = "set or lower `memory_budget`, lower `batch_size` or `n_threads`, or cut the sequences"
        from sklearn_rnn._memory import memory_for
        return memory_for(arenas + weights + gradients,
                          f"The workspace of this network, for sequences of up to {network.max_steps} steps,", advice)

    cdef take_planned(self, const rnn_network *network):
        """Allocate the packed weights and the arenas of a plan."""
        packed = aligned_empty(network.packed.size, self.dtype)
        arenas = aligned_empty(self.workers * network.arena.size, self.dtype)
        self.packed, self.arenas = packed, arenas
        self.job.packed, self.job.arenas = cnp.PyArray_DATA(packed), cnp.PyArray_DATA(arenas)
        self.kernels.poison_gaps(&network.packed, 1, self.job.packed)
        self.kernels.poison_gaps(&network.arena, self.workers, self.job.arenas)

    cdef object arena_bytes(self, const rnn_network *network):
        """Bytes of the steps that all threads keep, and of their offsets."""
        return int(self.workers) * (network.arena.size * self.dtype.itemsize + network.arena_ints * sizeof(isize))

    cdef isize least_segment(self) noexcept:
        """Rows of the shortest segment allowed: room for several blocks, wherever these end."""
        return 2 * (BLOCK_ROWS + self.network.max_rows)

    cdef keep_within(self, budget):
        """Shorten the segments, then use fewer threads, until the arenas fit into `budget` bytes."""
        cdef rnn_network *network = &self.network
        cdef isize whole = network.segment_rows, least = whole if network.n_directions == 2 else self.least_segment()
        fewest = INFINITY
        for workers in range(self.workers, 0, -1):
            self.workers, network.segment_rows = workers, whole
            while True:
                self.plan(network)
                needed = self.arena_bytes(network)
                if needed <= budget:
                    return
                fewest = min(fewest, needed)
                if network.segment_rows <= least:
                    break
                network.segment_rows = max(least, network.segment_rows * 7 // 8)
        raise ValueError(f"`memory_budget` must be at least {fewest} bytes for this network and minibatch and sequences of "
                         f"{network.max_steps} steps, got {budget}.")

    cdef run(self, rnn_phase first, rnn_phase second, rnn_phase third, rnn_phase fourth):
        """Run phases (the last may be NULL) one after another, on helpers too if there is enough work."""
        cdef rnn_job *job = self.job
        cdef rnn_phase *phases = [first, second, third, fourth]
        cdef double worth = THREADS_WORTH if self.network.training else PREDICT_THREADS_WORTH
        cdef int n_helpers = min(self.workers, job.batch.n_slices) - 1 if self.work_of_batch() >= worth else 0
        cdef Team team = None
        cdef rnn_team *helpers = NULL
        if n_helpers > 0:
            team = take_team()
            helpers = &team.team
            if start_helpers(helpers, n_helpers) < n_helpers:   # the system refuses more: do not try again
                n_helpers = helpers.n_helpers
                self.workers = 1 + n_helpers
        job.sync.next_slice = job.sync.stop = 0
        job.sync.work_until_poll = POLL_WORK
        self.pending = None
        with nogil:
            run_phases(helpers, n_helpers, job, phases)
        if team is not None:
            idle_teams.append(team)
        if self.pending is not None:
            pending, self.pending = self.pending, None
            raise pending

    cdef double work_of_batch(self) noexcept:
        """Multiplications of the minibatch forward and back; a count, so that threads never depend on a clock."""
        cdef double steps = 0, per_step = 0, head_rows, head
        cdef isize i
        cdef int k
        for i in range(self.job.batch.size):
            steps += self.job.data.offsets[self.job.batch.samples[i] + 1] - self.job.data.offsets[self.job.batch.samples[i]]
        for k in range(self.network.n_layers):
            per_step += (self.network.n_directions * self.network.layer[k].cell.n_gates * self.network.layer[k].width
                         * (self.network.layer[k].input_parts * self.network.layer[k].inputs + self.network.layer[k].hidden))
        head_rows = steps if self.network.per_step else self.job.batch.size
        head = self.network.head.width * self.network.n_directions * self.network.layer[self.network.n_layers - 1].hidden
        return (steps * per_step + head_rows * head) * (3 if self.network.training else 1)

    cdef attach(self, Dataset data, bint taught):
        """Point the job at the data, after a check that their shapes match this network."""
        cdef rnn_network *network = &self.network
        cdef rnn_job *job = self.job
        if data.n_features != network.n_features:
            raise ValueError(f"`values` must have {network.n_features} features, got {data.n_features}.")
        if not self.loaded:
            raise ValueError("`load` must be called first.")
        n = data.n_steps if network.per_step else data.n_samples
        job.data.values, job.data.values_are_double, job.data.offsets = data.value_data, data.values_are_double, data.offset_data
        job.data.shift, job.data.factor = data.shift_data, data.factor_data
        job.data.labels = NULL
        job.data.targets = NULL
        job.data.weights = NULL
        if not taught:
            return
        kind = self.kernels.losses[network.loss].targets
        if kind != NUMBERS:
            job.data.labels = <const int32_t *>pointer_to(data.targets, "targets", cnp.NPY_INT32, (n,))
            n_classes = 2 if kind == TWO_CLASSES else network.head.outputs
            if data.least_label < 0 or data.greatest_label >= n_classes:
                raise ValueError(f"`targets` must be classes 0 to {n_classes - 1}, got {data.least_label} to "
                                 f"{data.greatest_label}.")
        else:
            job.data.targets = pointer_to(data.targets, "targets", self.kind, (n, network.head.outputs))
        if data.weights is not None:
            job.data.weights = <const double *>pointer_to(data.weights, "weights", cnp.NPY_FLOAT64, (n,))

    cdef int take_minibatch(self, Dataset data, const isize *indices, isize batch) except -1:
        """Make these samples the next minibatch, longest first, and sum its weights."""
        cdef rnn_job *job = self.job
        cdef isize *samples = <isize *>job.batch.samples
        cdef ranked *ranks = <ranked *>cnp.PyArray_DATA(self.ranks)
        cdef isize i, length, total = 0
        cdef bint sorted_already = True
        if not 1 <= batch <= self.max_batch:
            raise ValueError(f"A minibatch must hold 1 to {self.max_batch} sequences, got {batch}.")
        for i in range(batch):
            if not 0 <= indices[i] < data.n_samples:
                raise IndexError(f"`indices` must lie in 0 to {data.n_samples - 1}, got {indices[i]}.")
            length = job.data.offsets[indices[i] + 1] - job.data.offsets[indices[i]]
            sorted_already = sorted_already and (i == 0 or length <= ranks[i - 1].length)
            ranks[i].length, ranks[i].position, ranks[i].sample = length, i, indices[i]
        if not sorted_already:
            qsort(ranks, batch, sizeof(ranked), longest_first)
        job.batch.size, job.batch.n_slices = batch, self.slices_of(batch)
        for i in range(batch):
            samples[i] = ranks[i].sample
        for i in range(0, batch, job.batch.n_slices):
            total += ranks[i].length
        if ranks[0].length > self.network.max_steps or total > self.network.max_slice_steps:
            raise ValueError("The sequences are longer than `lengths` said.")
        self.weigh_batch(indices)
        return 0

    cdef void weigh_batch(self, const isize *indices) noexcept:
        """Sum the weights of the minibatch, choose the divisor of the loss, and scale the limits of clipping."""
        cdef rnn_job *job = self.job
        cdef isize i, j, first, end, n_rows = 0
        cdef double share
        job.batch.total_weight = 0
        for i in range(job.batch.size):
            first, end = indices[i], indices[i] + 1
            if self.network.per_step:
                first, end = job.data.offsets[first], job.data.offsets[end]
            if job.data.weights == NULL:
                job.batch.total_weight += end - first
                continue
            for j in range(first, end):
                job.batch.total_weight += job.data.weights[j]
                n_rows += job.data.weights[j] > 0
        job.batch.divisor = self.divisor if self.divisor > 0 else job.batch.total_weight
        share = job.batch.total_weight / (n_rows * self.mean_weight) if n_rows and self.mean_weight > 0 else 1
        job.optimizer.max_norm = self.max_grad_norm * share
        job.optimizer.max_value = self.max_grad_value * share

    @property
    def arena_size(self):
        """Numbers that each thread keeps for the slice it works on."""
        return self.network.arena.size

    @property
    def n_bytes_of_steps(self):
        """Bytes that all threads together keep for the steps, which `memory_budget` limits."""
        return self.arena_bytes(&self.network)

    @property
    def uses_blas(self):
        """Whether the BLAS of the process should be held at one thread while this engine runs."""
        return self.job.gemm != NULL

    def load(self, params):
        """Pack the flat parameter vector for the products."""
        self.job.params = pointer_to(params, "params", self.kind, (self.network.n_params,))
        self.params = params
        self.job.batch.size = self.job.batch.n_slices = 0
        self.run(self.kernels.pack, NULL, NULL, NULL)
        self.loaded = True

    def set_optimizer(self, solver, *, momentum, nesterovs_momentum, beta_1, beta_2, epsilon, alpha, max_grad_norm,
                      max_grad_value, seed):
        """Choose how `train_minibatch` updates. `seed` (64 bits) is the key of the dropout masks."""
        optimizer = &self.job.optimizer
        optimizer.kind = index_of(OPTIMIZERS, solver, "solver")
        optimizer.momentum, optimizer.nesterov = momentum, nesterovs_momentum
        optimizer.beta_1, optimizer.beta_2, optimizer.epsilon, optimizer.alpha = beta_1, beta_2, epsilon, alpha
        self.max_grad_norm = INFINITY if max_grad_norm is None else max_grad_norm
        self.max_grad_value = INFINITY if max_grad_value is None else max_grad_value
        self.job.seed = seed
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

    def train_minibatch(self, Dataset data not None, indices, params, moments, double learning_rate, long update):
        """Forward, loss, back-propagation through time, clipping and one step of the optimizer.

        Parameters
        ----------
        data : Dataset
        indices : ndarray of shape (batch,), intp
        params : ndarray of shape (n_params,), changed in place
            The array that was loaded.
        moments : ndarray of shape (n_vectors, n_params), changed in place
        learning_rate : float
        update : int
            Number of this update, from 1: for Adam's correction and the dropout masks.

        Returns
        -------
        loss, total_weight : float
            `sum(w l) / sum(w)` without penalty, and `sum(w)`; (0, 0) and no update if that is 0.

        Raises
        ------
        FloatingPointError
            If the loss, the norm of the gradient, or (where the optimizer keeps squares) the square of that norm is not finite.
            Nothing is changed then, nor after an exception in a signal handler, such as KeyboardInterrupt.
        """
        cdef rnn_job *job = self.job
        optimizer = &job.optimizer
        solver = list(OPTIMIZERS)[optimizer.kind]
        if not (self.network.training and self.optimizing) or update < 1:
            raise ValueError("`train_minibatch` needs an engine made for training, `set_optimizer` first, and updates counted "
                             "from 1.")
        if params is not self.params:
            raise ValueError("`params` must be the array that was loaded.")
        pointer_to(params, "params", self.kind, (self.network.n_params,), True)
        job.moments = pointer_to(moments, "moments", self.kind, (OPTIMIZERS[solver], self.network.n_params), True)
        self.attach(data, True)
        self.take_minibatch(data, <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,)), len(indices))
        if job.batch.total_weight <= 0:
            return 0.0, 0.0
        optimizer.learning_rate = learning_rate
        optimizer.correction_1 = 1 - pow(optimizer.beta_1, update)
        optimizer.correction_2 = 1 - pow(optimizer.beta_2, update)
        job.batch.update, job.batch.dropping, job.batch.d_values = <uint32_t>update, self.network.dropout > 0, NULL
        self.run(self.kernels.train, self.kernels.reduce, self.kernels.update, self.kernels.pack)
        if not isfinite(job.batch.loss):
            raise FloatingPointError(f"the loss is {job.batch.loss}")
        if not isfinite(job.batch.gradient_norm):
            raise FloatingPointError(f"the norm of the gradient is {job.batch.gradient_norm}")
        if job.batch.too_large:
            raise FloatingPointError(f"the norm of the gradient is {job.batch.gradient_norm:.3g}, whose square overflows "
                                     f"{self.dtype}")
        return job.batch.loss, job.batch.total_weight

    def loss_and_grad(self, Dataset data not None, indices=None, *, long update=0, bint dropout=False,
                      bint input_gradient=False):
        """Loss of a minibatch and its gradient with respect to the parameters (and the input), without penalty or clipping.

        Returns
        -------
        loss : float
        d_params : ndarray of shape (n_params,)
        d_values : ndarray of shape (n_steps, n_features), only with `input_gradient`
        """
        cdef rnn_job *job = self.job
        cdef rnn_optimizer kept = job.optimizer
        if not self.network.training:
            raise ValueError("`loss_and_grad` needs an engine made for training.")
        self.attach(data, True)
        if indices is None:
            indices = np.arange(data.n_samples, dtype=np.intp)
        self.take_minibatch(data, <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,)), len(indices))
        d_values = None
        if input_gradient:
            if len(np.unique(indices)) < len(indices):
                raise ValueError("`indices` must not repeat for the gradient of the input.")
            d_values = np.zeros((data.n_steps, data.n_features), dtype=self.dtype)
            self.keep_input_gradient()
        job.batch.d_values = cnp.PyArray_DATA(d_values) if input_gradient else NULL
        job.batch.update, job.batch.dropping = <uint32_t>update, dropout and self.network.dropout > 0
        job.optimizer.alpha = 0
        try:
            self.run(self.kernels.train, self.kernels.reduce, NULL, NULL)
        finally:
            job.optimizer = kept
        d_params = np.array(self.gradient)
        return (job.batch.loss, d_params, d_values) if input_gradient else (job.batch.loss, d_params)

    cdef keep_input_gradient(self):
        """Make a new plan with room for the gradient of the input; the weights are packed again."""
        cdef rnn_network grown = self.network
        if grown.keep_input_gradient:
            return
        grown.keep_input_gradient = True
        self.plan(&grown)
        with self.room_for(&grown, len(self.losses)):
            self.take_planned(&grown)
        self.network = grown
        self.run(self.kernels.pack, NULL, NULL, NULL)

    def row_losses(self, Dataset data not None, outputs):
        """Loss of each row of raw outputs (n, n_outputs) and the targets of `data`; 0 where the weight is 0.

        Returns
        -------
        losses : ndarray of shape (n,), float64
        """
        cdef rnn_network *network = &self.network
        self.attach(data, True)
        n = data.n_steps if network.per_step else data.n_samples
        losses, row = np.empty(n), np.empty(network.head.width, dtype=self.dtype)
        cdef isize n_rows = n
        cdef const void *output_data = pointer_to(outputs, "outputs", self.kind, (n, network.head.outputs))
        cdef void *row_data = cnp.PyArray_DATA(row)
        cdef double *loss_data = <double *>cnp.PyArray_DATA(losses)
        with nogil:
            self.kernels.row_losses(self.job, n_rows, output_data, row_data, loss_data)
        return losses

    def predict(self, Dataset data not None, *, bint raw=False):
        """Outputs of all sequences (or steps), after the link unless `raw`; without a head the last layer's states.

        Returns
        -------
        outputs : ndarray of shape (n, n_outputs) or (n, D*H)
            n is n_samples, or n_steps for a network with a target per step.
        """
        cdef rnn_job *job = self.job
        cdef rnn_network *network = &self.network
        cdef isize first
        cdef const isize *order_data
        self.attach(data, False)
        if network.training:
            raise ValueError("`predict` needs an engine that was not made for training.")
        columns = network.head.outputs or network.n_directions * network.layer[network.n_layers - 1].hidden
        output = np.empty((data.n_steps if network.per_step else data.n_samples, columns), dtype=self.dtype)
        job.batch.output, job.batch.raw = cnp.PyArray_DATA(output), raw
        lengths = np.diff(data.offsets)
        order = np.argsort(-lengths, kind="stable")
        order_data = <const isize *>cnp.PyArray_DATA(order)
        for first in range(0, data.n_samples, self.max_batch):
            self.take_minibatch(data, order_data + first, min(self.max_batch, data.n_samples - first))
            self.run(self.kernels.predict, NULL, NULL, NULL)
        return output
