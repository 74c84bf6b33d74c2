"""The engine: takes all memory, cuts minibatches into slices, and runs the phases on a team of threads."""
import threading
from itertools import accumulate

from cpython.exc cimport PyErr_CheckSignals
from libc.limits cimport INT_MAX
from libc.math cimport INFINITY, isfinite, pow
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from blas cimport gemm_double, gemm_float
from kernels cimport (
    BLOCK_ROWS, CLASS_PER_GROUP, CLASS_PER_OUTPUT, MAX_DIRECTIONS, MOST_HELPERS, NUMBER_PER_GROUP, NUMBERS,
    NUMBERS_PER_QUANTILE, ONCE, PLAN_MADE, PLAN_OVER_BUDGET, PLAN_TOO_LONG, POLL_WORK, ROW_PER_SEQUENCE, SIGNAL_NANOSECONDS,
    TWO_CLASSES, rnn_batch, rnn_carried, rnn_data, rnn_job, rnn_kind_info, rnn_network, rnn_node, rnn_optimizer, rnn_phase,
    rnn_targets, rnn_team, rnn_tensor, rnn_wish, run_phases, start_helpers, steps_of, stop_job
)

# Below this many multiplications, about half a millisecond, one thread does everything. On a quiet machine a second one would
# still help, but on a busy one each minibatch may wait for a helper: at 2^23 it took up to half as long again, at 2^24 a fifth.
# A prediction waits only once.
cdef double THREADS_WORTH = 1 << 24, PREDICT_THREADS_WORTH = 1 << 23
# More threads than the machine has cores only wait; but up to 16 are allowed on any machine.
cdef isize MOST_THREADS = min(max(os.cpu_count() or 1, 16), 1 + MOST_HELPERS)


cdef object NO_GROUPS = np.zeros(1, dtype=np.intp)      # the first of no groups, which is also the end


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


cdef object memory_module = None


cdef object limits_of_memory():
    """The module `sklearn_rnn._memory`, imported when it is first needed: this one must do without the package."""
    global memory_module
    if memory_module is None:
        import sklearn_rnn._memory
        memory_module = sklearn_rnn._memory
    return memory_module


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
    n_features, nodes, loss, huber_delta, quantile, groups, per_step, dtype, stride, window
        The network: see `sklearn_rnn._model.network`.
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
    result : int or None
        The node whose stream `predict` returns; None: the last one, the head.
    by_step : bool
        Go through all nodes at each step, instead of through all steps of each node. The results are the same, except where BLAS
        adds up in another order. A loop through several nodes is always gone through like this.
    input_gradient : bool
        Make room for the gradient with respect to the data (training only).
    probe : bool
        Make room for the squares of the gradients of h (training only).
    carried : bool
        Continue from given states, those of the data: see `Dataset`.
    windowed : bool
        Make room for `Windows`, and for states that calls take and return (training only). `lengths` are those of the longest
        windows.
    session : bool
        Make room for a `Session`.
    n_accumulated : int
        A minibatch may have so many times `batch_size` sequences (training only): it is cut into more slices, not into larger
        ones, so only the memory for gradients grows. Or it is given in so many parts: see `train_minibatch`.
    frozen : sequence of str
        Names of arrays that `train_minibatch` leaves as they are (training only): they have no gradient, no penalty, no decay and
        no moments. What only leads to them does not go back.
    group_weights : sequence of float, or None for ones
        What each group of the loss "multitask" counts.
    planning : bool
        Take no memory, and only count it, see `planned`: nothing else can be done with this engine.

    Attributes
    ----------
    planned : dict of str to int, or None
        With `planning`, the bytes that the workspace would take: "weights" (packed for the products), "steps" (activations and
        their gradients, of all threads), "gradients" (of the parameters, one for each slice, and their sum), "tables".
    """
    cdef NodeTables tables
    cdef rnn_network *network
    cdef rnn_job *job
    cdef const rnn_kernels *kernels
    cdef int kind
    cdef isize max_batch, n_accumulated, n_taught
    cdef bint loaded, running, windowed
    cdef object pending
    cdef readonly object dtype
    cdef readonly dict planned
    cdef bint optimizing
    cdef double divisor, mean_weight, max_grad_norm, max_grad_value, weight
    cdef list slices_of_parts
    cdef object quantiles, first_of_groups, losses_of_groups, group_weights, frozen
    cdef object job_memory, params, packed, arenas, ints, walks, losses, norms, probed, samples, ranks
    cdef object slice_gradients, slice_rows, slice_codes, touched_walks, gradient, result_offsets

    def __cinit__(self, *, n_features, nodes, loss, per_step, dtype, n_threads, training, lengths, batch_size, huber_delta=1.0,
                  quantile=0.5, groups=(), stride=1, window=1, memory_budget=None, result=None, by_step=False,
                  input_gradient=False, probe=False, carried=False, windowed=False, session=False, n_accumulated=1,
                  frozen=(), group_weights=None, planning=False):
        cdef rnn_network *network
        self.planned = {} if planning else None
        self.kind = type_of(dtype)
        self.job_memory = aligned_empty(sizeof(rnn_job), np.uint8)
        self.job = <rnn_job *>cnp.PyArray_DATA(self.job_memory)
        memset(self.job, 0, sizeof(rnn_job))
        self.dtype = np.dtype(dtype)
        self.kernels = rnn_kernels_of(self.dtype.itemsize, present_level)
        self.tables = tables_of(n_features, nodes, window)
        self.network = network = &self.tables.network
        network.loss = index_of(LOSSES, loss, "loss")
        if not huber_delta > 0:
            raise ValueError(f"`huber_delta` must be positive, got {huber_delta}.")
        network.huber_delta = huber_delta
        self.set_quantiles(quantile)
        self.set_groups(groups, group_weights)
        if not 1 <= stride < LARGEST:
            raise ValueError(f"`stride` must be 1 to {LARGEST - 1}, got {stride}.")
        network.stride = stride
        network.per_step, network.training, network.by_step = per_step, training, by_step
        network.carried, self.windowed = carried or windowed, windowed
        network.session, network.probe = session, training and probe
        network.input_gradient = training and input_gradient
        if result is not None:
            if not 0 <= result < network.n_nodes - 1:
                raise ValueError(f"`result` must be from 0 to {network.n_nodes - 2}, got {result}.")
            network.result = result + 1
        self.check_result(loss)
        if windowed:
            self.check_windowed()
        if frozen:
            self.freeze(tensors(n_features, nodes, window), frozen)
        if not 1 <= n_accumulated < LARGEST or (n_accumulated > 1 and (probe or not training)):
            raise ValueError(f"`n_accumulated` must be 1, or up to {LARGEST - 1} for training without `probe`, got "
                             f"{n_accumulated}.")
        self.n_accumulated, self.slices_of_parts = n_accumulated, []
        self.allocate(np.asarray(lengths, dtype=np.intp), batch_size, n_threads, memory_budget)
        if planning:
            return
        self.job.network, self.job.carry_factor = network, 1
        if threading.current_thread() is threading.main_thread():   # only this one runs signal handlers
            self.job.sync.poll = call_signal_handlers
        self.job.sync.owner = <void *>self
        # BLAS in the wheels of numpy and scipy uses AVX: 3 times as fast as our baseline kernels, no faster than our others.
        if training and self.kernels == rnn_kernels_of(self.dtype.itemsize, 0) and self.blas_can_count():
            limits_of_memory().check_room_for_blas(network.n_workers)
            self.job.gemm = gemm_float if self.kind == cnp.NPY_FLOAT32 else gemm_double
        self.job.sync.last_poll = seconds()

    cdef set_quantiles(self, quantile):
        """Keep the quantile or quantiles, increasing numbers between 0 and 1, where C finds them."""
        cdef const double *values
        cdef isize i, n
        self.quantiles = np.array(quantile, dtype=np.float64, ndmin=1)
        n, values = self.quantiles.size, <const double *>cnp.PyArray_DATA(self.quantiles)
        increasing = n > 0 and self.quantiles.ndim == 1 and values[n - 1] < 1
        for i in range(n):
            increasing = increasing and (values[i - 1] if i > 0 else 0) < values[i]
        if not increasing:
            raise ValueError(f"`quantile` must be between 0 and 1, and several in increasing order, got {quantile}.")
        self.network.quantile, self.network.n_quantiles = values, n

    cdef set_groups(self, groups, weights):
        """Keep the first output of each group, and the number of outputs, where C finds them; for tasks also loss and weight."""
        cdef bint of_tasks = self.kernels.losses[self.network.loss].targets == NUMBER_PER_GROUP
        if not groups and weights is None:
            self.first_of_groups = NO_GROUPS
            self.network.group = <const isize *>cnp.PyArray_DATA(self.first_of_groups)
            return
        losses = [loss for loss, _ in groups] if of_tasks else []
        sizes = [size for _, size in groups] if of_tasks else groups
        if any(not 1 <= size < LARGEST for size in sizes):
            raise ValueError(f"`groups` must have 1 to {LARGEST - 1} outputs each, got {groups}.")
        for loss, size in zip(losses, sizes):
            if loss not in LOSSES_OF_GROUPS or (size > 1 and loss != "softmax"):
                raise ValueError(f"`groups` must have losses among {LOSSES_OF_GROUPS}, and 1 output each except for 'softmax', "
                                 f"got {loss!r} with {size}.")
        weights = [1.0] * len(groups) if weights is None else list(map(float, weights))
        if len(weights) != len(groups) or not all(isfinite(weight) and weight >= 0 for weight in weights):
            raise ValueError(f"`group_weights` must be a finite number of at least 0 for each of {len(groups)} groups, got "
                             f"{weights}.")
        self.first_of_groups = np.array([*accumulate(sizes, initial=0)], dtype=np.intp)
        self.losses_of_groups = np.array([index_of(LOSSES, loss, "loss") for loss in losses], dtype=np.intc)
        self.group_weights = np.array(weights)
        self.network.group = <const isize *>cnp.PyArray_DATA(self.first_of_groups)
        self.network.group_loss = <const int *>cnp.PyArray_DATA(self.losses_of_groups)
        self.network.group_weight = <const double *>cnp.PyArray_DATA(self.group_weights)
        self.network.n_groups = len(groups)

    cdef int check_result(self, loss) except -1:
        """Refuse heads and modes that do not go together, and set the number of targets."""
        cdef rnn_network *network = self.network
        cdef rnn_node *result = &network.node[network.result]
        cdef rnn_targets targets = self.kernels.losses[network.loss].targets
        cdef bint has_groups = targets in (CLASS_PER_GROUP, NUMBER_PER_GROUP)
        is_head = self.tables.info_of(network.result).is_output
        if is_head and targets == TWO_CLASSES and result.units > 1:
            raise ValueError(f"A head must have 1 unit for the {loss} loss, got {result.units}.")
        if is_head and targets == NUMBERS_PER_QUANTILE and result.units % network.n_quantiles:
            raise ValueError(f"A head must have {network.n_quantiles} units, one for each quantile, or a multiple of that, got "
                             f"{result.units}.")
        if is_head and has_groups and network.group[network.n_groups] != result.units:
            raise ValueError(f"A head must have one unit for each output in `groups`, got {result.units} for "
                             f"{network.group[network.n_groups]}.")
        network.n_targets = result.units
        if targets == NUMBERS_PER_QUANTILE:
            network.n_targets = result.units // network.n_quantiles
        elif has_groups:
            network.n_targets = network.n_groups
        elif targets == CLASS_PER_OUTPUT:
            network.n_targets = 1
        if is_head and network.per_step and self.tables.is_once(network.result):
            raise ValueError("A head that reads last states must not have a target per step.")
        if network.training and not is_head:
            raise ValueError("The last node must be a head for training.")
        if network.carried and not self.windowed and not self.is_causal():
            raise ValueError("`carried` must be False in networks with a reverse direction.")
        if network.per_step and network.stride > 1:
            raise ValueError(f"`stride` must be 1 in a network with a target per step, got {network.stride}.")
        if network.column != NULL and network.stride > 1:
            raise ValueError(f"`stride` must be 1 in a network that reads codes in its data, got {network.stride}.")
        if network.carried and not self.windowed and (network.stride > 1 or network.window > 1):
            raise ValueError("`carried` must be False in a network that reads windows of its data.")
        if network.session and not (network.carried and is_head and not network.training):
            raise ValueError("A session must be made with carried=True and training=False, and its last node must be a head.")
        if network.session:
            self.check_session()
        return 0

    cdef int freeze(self, list listed, frozen) except -1:
        """Mark the arrays with these names, and the nodes that have no others."""
        cdef rnn_node *node = self.network.node
        names = {tensor.name for tensor in listed}
        if unknown := set(frozen) - names:
            raise ValueError(f"`frozen` must hold names of arrays, {sorted(names)}, got {sorted(unknown)}.")
        if names == set(frozen) or not self.network.training:
            raise ValueError("`frozen` must leave some arrays to train, and needs training=True.")
        self.frozen = np.array([tensor.name in frozen for tensor in listed], dtype=np.uint8)
        self.network.frozen = <const unsigned char *>cnp.PyArray_DATA(self.frozen)
        for tensor in listed:
            node[tensor.node + 1].frozen = True
        for tensor in listed:
            node[tensor.node + 1].frozen &= tensor.name in frozen
        return 0

    cdef object node_of_all_steps(self):
        """The first node that reads all steps of a sequence at once, or None."""
        cdef const rnn_kind_info *info
        cdef int i
        for i in range(1, self.network.n_nodes):
            info = self.tables.info_of(i)
            if info.rows == ROW_PER_SEQUENCE and not info.only_last_rows:
                return self.tables.nodes[i - 1]
        return None

    cdef int check_session(self) except -1:
        """Refuse nodes that read all steps of a sequence."""
        node = self.node_of_all_steps()
        if node is not None:
            raise ValueError(f"A session must not have node {node.name!r}, which reads all steps of a sequence.")
        return 0

    cdef int check_windowed(self) except -1:
        """Refuse networks whose states do not go on from window to window."""
        cdef const rnn_network *network = self.network
        node = self.node_of_all_steps()
        if not network.training or network.session:
            raise ValueError("`windowed` must be False in an engine that was not made for training.")
        if not self.is_causal():
            raise ValueError("`windowed` must be False in a network with a reverse direction, which begins at the last step of a "
                             "sequence.")
        if network.stride > 1 or network.window > 1:
            raise ValueError(f"`windowed` must be False in a network with a stride, got stride={network.stride} and "
                             f"window={network.window}.")
        if node is not None:
            raise ValueError(f"`windowed` must be False in a network with pooling other than 'last': node {node.name!r} reads "
                             "all steps of a sequence.")
        return 0

    cdef bint is_causal(self):
        return all(node.directions == "forward" for node in self.tables.nodes)

    cdef bint blas_can_count(self) noexcept:
        """Whether every size that a product may have fits into an int."""
        cdef rnn_network *network = self.network
        cdef isize largest = max(network.n_features, network.output_width, network.max_rows + BLOCK_ROWS)
        cdef int i
        for i in range(network.n_tensors):
            largest = max(largest, network.tensor[i].columns)
        for i in range(network.n_nodes):
            largest = max(largest, network.node[i].ld_gates, network.node[i].out.ld)
        return largest <= INT_MAX

    cdef allocate(self, lengths, batch_size, n_threads, memory_budget):
        """Plan, and allocate all memory: packed weights, a gradient per slice, an arena per thread."""
        cdef rnn_network *network = self.network
        cdef rnn_wish wish
        cdef int i
        cdef isize n_places
        memset(&wish, 0, sizeof(wish))
        if lengths.size > 1:
            lengths = np.ascontiguousarray(np.sort(lengths)[::-1])
        elif lengths.size == 0:
            lengths = np.ones(1, dtype=np.intp)
        if network.stride > 1:
            lengths = (lengths - 1) // network.stride + 1
        wish.lengths, wish.n_lengths = <const isize *>cnp.PyArray_DATA(lengths), lengths.size
        wish.batch = min(batch_size, lengths.size)
        wish.n_workers = max(1, min(n_threads, MOST_THREADS))
        wish.budget = -1 if memory_budget is None else max(0, min(memory_budget, 1 << 62))
        made = self.tables.plan(self.kernels, &wish)
        if made == PLAN_TOO_LONG:
            raise ValueError(f"`lengths` must sum to less than 2**60 steps, got a sequence of {lengths[0]}.")
        if made == PLAN_OVER_BUDGET:
            raise ValueError(f"`memory_budget` must be at least {wish.least_budget} bytes for this network and minibatch and "
                             f"sequences of {network.max_steps} steps, got {memory_budget}.")
        if made != PLAN_MADE:
            raise ValueError("`hidden_layer_sizes` is too large for these sequences: the workspace needs 2**59 numbers or more.")
        for i in range(1, network.n_nodes):
            if network.training and not network.node[i].needed:
                raise ValueError(f"Node {self.tables.nodes[i - 1].name!r} must lead to the head, directly or through others.")
        self.max_batch = wish.batch
        n_places = self.job.most_places = wish.n_slices * self.n_accumulated
        if self.planned is not None:
            self.take_memory(wish.n_slices)
            return
        with self.room_for(n_places):
            self.take_memory(wish.n_slices)
        self.job.packed, self.job.arenas = cnp.PyArray_DATA(self.packed), cnp.PyArray_DATA(self.arenas)
        self.job.arena_ints = <isize *>cnp.PyArray_DATA(self.ints)
        self.job.walks = cnp.PyArray_DATA(self.walks)
        self.job.batch.samples = <const isize *>cnp.PyArray_DATA(self.samples)
        self.job.batch.slice_loss = <double *>cnp.PyArray_DATA(self.losses)
        self.kernels.poison_gaps(&network.packed, 1, self.job.packed)
        self.kernels.poison_gaps(&network.arena, network.n_workers, self.job.arenas)
        if network.training:
            self.job.slice_gradients = cnp.PyArray_DATA(self.slice_gradients)
            self.job.gradient = cnp.PyArray_DATA(self.gradient)
            self.job.slice_rows = cnp.PyArray_DATA(self.slice_rows)
            self.job.slice_codes = <isize *>cnp.PyArray_DATA(self.slice_codes)
            self.job.touched_walks = <const void **>cnp.PyArray_DATA(self.touched_walks)
            self.job.piece_norms = <double *>cnp.PyArray_DATA(self.norms)
            self.kernels.poison_gaps(&network.gradient, n_places, self.job.slice_gradients)
            self.kernels.poison_gaps(&network.touched, n_places, self.job.slice_rows)

    cdef take_memory(self, isize n_slices):
        """Allocate all arrays, or with `planning` count their bytes."""
        cdef const rnn_network *network = self.network
        workers, parts = int(network.n_workers), int(self.n_accumulated)    # what is counted may be more than fits into an isize
        places = parts * int(n_slices)
        self.packed = self.new_aligned("weights", network.packed.size)
        self.arenas = self.new_aligned("steps", workers * network.arena.size)
        self.ints = self.new_array("steps", workers * network.n_ints, np.intp)
        self.walks = self.new_aligned("tables", workers * network.walk_bytes, np.uint8)
        self.samples = self.new_array("tables", parts * self.max_batch, np.intp)
        self.ranks = self.new_array("tables", parts * self.max_batch * sizeof(ranked), np.uint8)
        self.losses = self.new_array("tables", places, np.float64)
        self.losses[...] = 0
        if self.planned is not None:
            self.count("tables", self.tables.memory.nbytes + sizeof(rnn_network) + self.job_memory.nbytes)
        if not network.training:
            return
        self.slice_gradients = self.new_aligned("gradients", places * network.gradient.size)
        self.gradient = self.new_aligned("gradients", network.n_summed)
        if self.frozen is not None:
            self.gradient[...] = 0
        self.slice_rows = self.new_aligned("gradients", places * network.touched.size)
        self.slice_codes = self.new_array("gradients", places * network.n_codes, np.intp)
        self.touched_walks = self.new_array("gradients", 3 * workers * places if network.n_codes else 0, np.uintp)
        self.norms = self.new_array("gradients", network.n_pieces, np.float64)
        self.norms[...] = 0
        if network.probe:
            n = n_slices * network.n_nodes * MAX_DIRECTIONS * network.max_steps
            self.probed = self.new_array("steps", n, np.float64)
            if self.planned is None:
                self.probed = self.probed.reshape(n_slices, network.n_nodes, MAX_DIRECTIONS, network.max_steps)

    cdef object new_array(self, str use, n, dtype):
        """Uninitialised vector of n numbers; with `planning` they are only counted, and it is empty."""
        return np.empty(n if self.planned is None else self.count(use, n * np.dtype(dtype).itemsize), dtype=dtype)

    cdef object new_aligned(self, str use, n, dtype=None):
        """The same, of numbers of the network unless `dtype` says otherwise; it begins on a cache line."""
        dtype = self.dtype if dtype is None else dtype
        return aligned_empty(n if self.planned is None else self.count(use, n * np.dtype(dtype).itemsize), dtype)

    cdef object count(self, str use, n_bytes):
        """Add to `planned`; return 0, the size of an array that is only planned."""
        self.planned[use] = self.planned.get(use, 0) + int(n_bytes)
        return 0

    cdef object room_for(self, isize n_places):
        """Context in which the workspace is allocated."""
        cdef const rnn_network *network = self.network
        arenas = self.n_bytes_of_steps
        weights = (network.packed.size + network.n_summed) * self.dtype.itemsize
        gradients = int(n_places) * (network.gradient.size + network.touched.size) * self.dtype.itemsize
        gradients += int(n_places) * network.n_codes * sizeof(isize)
        if self.n_accumulated > 1 and arenas + weights < gradients:
            advice = "lower `gradient_accumulation_steps`, or take a smaller `hidden_layer_sizes`"
        elif arenas < weights + gradients:
            advice = "take a smaller `hidden_layer_sizes`"
        elif network.session:
            advice = "take fewer `n_streams`"
        elif not network.training:
            advice = "lower `n_threads`, or cut the sequences"
        elif not self.is_causal():
            advice = "lower `batch_size` or `n_threads`, or cut the sequences"
        else:
            advice = "set or lower `memory_budget`, lower `batch_size` or `n_threads`, or cut the sequences"
        workspace = f"The workspace of this network, for sequences of up to {network.max_steps} steps,"
        return limits_of_memory().memory_for(arenas + weights + gradients, workspace, advice)

    cdef int refuse_if_running(self) except -1:
        if self.running:
            raise RuntimeError("Another thread is using it: an engine or a stream serves one thread at a time.")
        return 0

    cdef run(self, rnn_phase first, rnn_phase second, rnn_phase third, rnn_phase fourth):
        """Run phases (the last may be NULL) one after another, on helpers too if there is enough work."""
        cdef rnn_job *job = self.job
        cdef rnn_phase *phases = [first, second, third, fourth]
        cdef double worth = THREADS_WORTH if self.network.training else PREDICT_THREADS_WORTH
        cdef int n_helpers = min(self.network.n_workers, job.batch.n_slices) - 1 if self.work_of_batch() >= worth else 0
        cdef Team team = None
        cdef rnn_team *helpers = NULL
        if n_helpers > 0:
            team = take_team()
            helpers = &team.team
            if start_helpers(helpers, n_helpers) < n_helpers:   # the system refuses more: do not try again
                n_helpers = helpers.n_helpers
                self.network.n_workers = 1 + n_helpers
        job.sync.next_slice = job.sync.stop = 0
        job.sync.work_until_poll = POLL_WORK
        self.running, self.pending = True, None
        with nogil:
            run_phases(helpers, n_helpers, job, phases)
        self.running = False
        if team is not None:
            idle_teams.append(team)
        if self.pending is not None:
            pending, self.pending = self.pending, None
            self.slices_of_parts.clear()
            raise pending

    cdef double work_of_batch(self) noexcept:
        """Multiplications of the minibatch forward and back; a count, so that threads never depend on a clock."""
        cdef const rnn_job *job = self.job
        cdef isize i, n_steps = 0
        for i in range(job.batch.size):
            n_steps += self.steps_of(job.batch.samples[i])
        return self.kernels.work_of(self.network, n_steps, job.batch.size)

    cdef isize steps_of(self, isize sample) noexcept:
        """Steps of a sequence, as the network counts them."""
        return steps_of(self.network, self.job.data.end[sample] - self.job.data.first[sample])

    cdef isize attach(self, object samples, bint taught, initial_state=None) except -1:
        """Point the job at a `Dataset`, or `Windows` of one, after a check that their shapes match this network.

        Returns the number of sequences or windows.
        """
        cdef rnn_network *network = self.network
        cdef Windows windows = samples if isinstance(samples, Windows) else None
        cdef Dataset data = samples if windows is None else windows.data
        cdef isize n_samples = data.n_samples if windows is None else windows.n_windows
        cdef rnn_job *job = self.job
        cdef rnn_targets kind
        cdef tuple shape
        if network.session:
            raise ValueError("A session takes data step by step: call `step`.")
        if data.n_features != network.n_features:
            raise ValueError(f"`values` must have {network.n_features} features, got {data.n_features}.")
        self.refuse_if_running()
        if not self.loaded:
            raise ValueError("`load` must be called first.")
        if windows is not None and not self.windowed:
            raise ValueError("`Windows` need an engine made with `windowed`.")
        if network.n_features > network.node[0].units:
            data.check_codes(self.tables)
        n = data.n_steps if network.per_step else data.n_samples
        job.data.values, job.data.values_are_double = data.value_data, data.values_are_double
        job.data.first, job.data.end = data.offset_data, data.offset_data + 1
        job.data.sequence = job.data.taught_from = job.data.kept_after = NULL
        job.data.result_offsets = data.offset_data
        if windows is not None:
            windows.point(&job.data)
        elif initial_state is None:
            initial_state = data.initial_state
        if network.stride > 1:
            lengths = (np.diff(data.offsets) - 1) // network.stride + 1
            self.result_offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
            job.data.result_offsets = <const isize *>cnp.PyArray_DATA(self.result_offsets)
        job.data.shift, job.data.factor = data.shift_data, data.factor_data
        job.data.labels = NULL
        job.data.targets = NULL
        job.data.weights = NULL
        job.initial_state = NULL
        if network.training:
            job.initial_state = self.pointer_to_states(initial_state, n_samples)
        if not taught:
            return n_samples
        kind = self.kernels.losses[network.loss].targets
        shape = (n,)
        if kind not in (TWO_CLASSES, CLASS_PER_OUTPUT):
            shape += (network.n_targets,)
        if kind in (NUMBERS, NUMBERS_PER_QUANTILE, NUMBER_PER_GROUP):
            job.data.targets = pointer_to(data.targets, "targets", self.kind, shape)
            if kind == NUMBER_PER_GROUP:
                data.check_classes_of_groups(self.losses_of_groups, self.first_of_groups)
        else:
            job.data.labels = <const int32_t *>pointer_to(data.targets, "targets", cnp.NPY_INT32, shape)
            self.check_labels(data)
        if data.weights is not None:
            job.data.weights = <const double *>pointer_to(data.weights, "weights", cnp.NPY_FLOAT64, (n,))
        return n_samples

    cdef const void *pointer_to_states(self, initial_state, isize n_samples) except? NULL:
        """Data of given states, which an engine needs if it was made with `carried`; else NULL."""
        if (initial_state is not None) != self.network.carried and not self.windowed:
            raise ValueError("`initial_state` must be given if and only if the engine was made with `carried`.")
        if initial_state is None:
            return NULL
        return pointer_to(initial_state, "initial_state", self.kind, (n_samples, self.network.state_columns))

    cdef int check_labels(self, Dataset data) except -1:
        """Refuse labels that are not classes of their outputs."""
        cdef const rnn_network *network = self.network
        cdef rnn_targets targets = self.kernels.losses[network.loss].targets
        cdef isize i, n_classes
        for i in range(network.n_targets):
            n_classes = 2
            if targets == CLASS_PER_OUTPUT:
                n_classes = network.outputs
            elif targets == CLASS_PER_GROUP:
                n_classes = network.group[i + 1] - network.group[i]
            if data.least_label[i] < 0 or data.greatest_label[i] >= n_classes:
                column = f" in column {i}" if network.n_targets > 1 else ""
                raise ValueError(f"`targets` must be classes 0 to {n_classes - 1}, got {data.least_label[i]} to "
                                 f"{data.greatest_label[i]}{column}.")
        return 0

    cdef int pass_states(self, isize n_samples, final_state, double carry_factor) except -1:
        """Set what a call on windows asks for besides the states they begin with; `forget_states` undoes it."""
        cdef rnn_job *job = self.job
        if not self.windowed and (final_state is not None or carry_factor != 1):
            raise ValueError("`final_state` and `carry_factor` need an engine made with `windowed`.")
        if not 0 <= carry_factor < INFINITY:
            raise ValueError(f"`carry_factor` must be finite and not negative, got {carry_factor}.")
        if final_state is not None:
            job.final_state = pointer_to(final_state, "final_state", self.kind, (n_samples, self.network.state_columns), True)
        job.carry_factor = carry_factor
        return 0

    cdef void forget_states(self) noexcept:
        self.job.initial_state = self.job.final_state = NULL
        self.job.carry_factor = 1

    cdef int take_minibatch(self, object samples, isize n_samples, const isize *indices, isize batch, isize part=0,
                            isize n_parts=1) except -1:
        """Make some sequences of a `Dataset`, or some `Windows`, the next minibatch, or a part of it; sum its weights."""
        cdef rnn_job *job = self.job
        cdef Windows windows = samples if isinstance(samples, Windows) else None
        cdef isize *taken = <isize *>job.batch.samples
        cdef ranked *ranks = <ranked *>cnp.PyArray_DATA(self.ranks)
        cdef isize i, length, total = 0
        cdef bint sorted_already = True
        cdef isize most = self.max_batch * (self.n_accumulated if n_parts == 1 else 1)
        if not 1 <= batch <= most:
            raise ValueError(f"A minibatch must hold 1 to {most} sequences, got {batch}.")
        self.begin_part(part, n_parts)
        for i in range(batch):
            if not 0 <= indices[i] < n_samples:
                raise IndexError(f"`indices` must lie in 0 to {n_samples - 1}, got {indices[i]}.")
            if windows is not None:
                windows.use(indices[i])
            length = self.steps_of(indices[i])
            sorted_already = sorted_already and (i == 0 or length <= ranks[i - 1].length)
            ranks[i].length, ranks[i].position, ranks[i].sample = length, i, indices[i]
        if not sorted_already:
            qsort(ranks, batch, sizeof(ranked), longest_first)
        job.batch.size, job.batch.n_slices = batch, self.kernels.slices_of(self.network, batch)
        for i in range(batch):
            taken[i] = ranks[i].sample
        for i in range(0, batch, job.batch.n_slices):
            total += ranks[i].length
        if ranks[0].length > self.network.max_steps or total > self.network.max_slice_steps:
            raise ValueError("The sequences must not be longer than the `lengths` that the engine was made for.")
        self.weigh_batch(indices)
        job.batch.n_places = job.batch.n_slices
        if n_parts > 1:
            self.slices_of_parts.append(job.batch.n_slices)
            job.batch.n_places = max((n - 1) * n_parts + m + 1 for m, n in enumerate(self.slices_of_parts))
        return 0

    cdef int begin_part(self, isize part, isize n_parts) except -1:
        """Refuse a part that does not follow the one before; part 0 begins anew, whatever was before."""
        cdef rnn_batch *now = &self.job.batch
        if not 0 <= part < n_parts <= self.n_accumulated:
            raise ValueError(f"`part` must be from 0 to below `n_parts`, which must be at most {self.n_accumulated}, got {part} "
                             f"of {n_parts}.")
        if part > 0 and (len(self.slices_of_parts) != part or now.n_parts != n_parts):
            raise ValueError(f"Parts of a minibatch must follow each other from 0 on, got part {part} of {n_parts}.")
        if n_parts > 1 and self.divisor == 0:
            raise ValueError("A minibatch in parts needs a divisor: call `weigh_by`.")
        if part == 0:
            self.weight, self.n_taught = 0, 0
            self.slices_of_parts.clear()
        now.part, now.n_parts = part, n_parts
        return 0

    cdef void fill_places(self) noexcept:
        """Clear the places of slices that a part does not have."""
        cdef const rnn_batch *batch = &self.job.batch
        cdef isize place
        if batch.n_parts == 1:
            return
        for place in range(batch.n_places):
            if place // batch.n_parts >= self.slices_of_parts[place % batch.n_parts]:
                self.kernels.clear_place(self.job, place)

    cdef void weigh_batch(self, const isize *indices) noexcept:
        """Sum the weights of the minibatch so far, choose the divisor of the loss, and scale the limits of clipping."""
        cdef rnn_job *job = self.job
        cdef const rnn_data *data = &job.data
        cdef isize i, j, first, end, sample
        cdef double share
        for i in range(job.batch.size):
            sample = indices[i]
            if self.network.per_step:
                first, end = data.first[sample], data.end[sample]
                if data.taught_from != NULL:
                    first += data.taught_from[sample]
            else:
                first = sample if data.sequence == NULL else data.sequence[sample]
                end = first + 1
                if data.taught_from != NULL and data.taught_from[sample] == data.end[sample] - data.first[sample]:
                    end = first
            if job.data.weights == NULL:
                self.weight += end - first
                continue
            for j in range(first, end):
                self.weight += job.data.weights[j]
                self.n_taught += job.data.weights[j] > 0
        job.batch.divisor = self.divisor if self.divisor > 0 else self.weight
        job.batch.total_weight = self.weight if job.batch.n_parts == 1 else self.divisor     # that of all parts is not known yet
        share = self.weight / (self.n_taught * self.mean_weight) if self.n_taught and self.mean_weight > 0 else 1
        job.optimizer.max_norm = self.max_grad_norm * share
        job.optimizer.max_value = self.max_grad_value * share

    @property
    def arena_size(self):
        """Numbers that each thread keeps for the slice it works on."""
        return self.network.arena.size

    @property
    def n_bytes_of_steps(self):
        """Bytes that all threads together keep for the steps, and their offsets; `memory_budget` limits them."""
        cdef const rnn_network *network = self.network
        each = network.arena.size * self.dtype.itemsize + network.n_ints * sizeof(isize)
        return int(network.n_workers) * each + network.probe_bytes

    @property
    def work_counted(self):
        """Multiplications of worker 0, which has counted them since it last looked for signals."""
        return POLL_WORK - self.job.sync.work_until_poll

    @property
    def uses_blas(self):
        """Whether the BLAS of the process should be held at one thread while this engine runs."""
        return self.job.gemm != NULL

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
        data : Dataset or Windows
            `Windows`, `final_state` and a `carry_factor` need an engine made with `windowed`.
        indices : ndarray of shape (batch,), intp
            Of sequences or windows.
        params : ndarray of shape (n_params,), changed in place
            The array that was loaded.
        moments : ndarray of shape (n_vectors, n_params), changed in place
        learning_rate : float
        update : int
            Number of this update, from 1: for Adam's correction and the dropout masks.
        initial_state : ndarray of shape (n_windows, n_state_columns), the network's dtype; or None
            The states with which the windows (or sequences) of this minibatch begin, as `state_layout` names them; they get no
            gradient. None: as sequences begin, with zeros or learned states.
        final_state : ndarray of shape (n_windows, n_state_columns), changed in place; or None
            The rows of this minibatch become the states after `kept_after` steps of each window. They mean nothing if the call
            raises.
        carry_factor : float
            By what the gradient is multiplied each time it goes one step back in time within a window. With windows that end at
            each step with probability c, 1 / (1 - c) makes the expected gradient that of whole sequences (Tallec and Ollivier,
            2017).
        part : int or None
            None: the whole minibatch. Otherwise it comes in parts, in as many calls: this one is number `part`, from 0 on. Only
            the last one updates, for all of them; nothing has changed before. It begins anew with part 0.
        n_parts : int or None
            How many parts there are; None: `n_accumulated`.

        Returns
        -------
        loss, total_weight : float
            `sum(w l) / sum(w)` without penalty, and `sum(w)`, over all parts; (0, 0) and no update if that is 0, or if parts are
            still to come.

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
        self.take_minibatch(data, n_samples, <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,)), len(indices),
                            part, n_parts)
        optimizer.learning_rate = learning_rate
        optimizer.correction_1 = 1 - pow(optimizer.beta_1, update)
        optimizer.correction_2 = 1 - pow(optimizer.beta_2, update)
        job.batch.update, job.batch.dropping, job.batch.d_values = <uint32_t>update, True, NULL
        try:
            self.pass_states(n_samples, final_state, carry_factor)
            if part < n_parts - 1:
                self.run(self.kernels.train, NULL, NULL, NULL)
            elif self.weight > 0:
                self.fill_places()
                self.run(self.kernels.train, self.kernels.reduce, self.kernels.update, self.kernels.pack)
            elif final_state is not None:       # nothing is taught, but the states go on
                self.run(self.kernels.predict, NULL, NULL, NULL)
        finally:
            self.forget_states()
        if part < n_parts - 1 or self.weight <= 0:
            return 0.0, 0.0
        if not isfinite(job.batch.loss):
            raise FloatingPointError(f"the loss is {job.batch.loss}")
        if not isfinite(job.batch.gradient_norm):
            raise FloatingPointError(f"the norm of the gradient is {job.batch.gradient_norm}")
        if job.batch.too_large:
            raise FloatingPointError(f"the norm of the gradient is {job.batch.gradient_norm:.3g}, whose square overflows "
                                     f"{self.dtype}")
        loss = job.batch.loss if n_parts == 1 else job.batch.loss * (job.batch.total_weight / self.weight)
        return loss, self.weight

    def loss_and_grad(self, data not None, indices=None, *, long update=0, bint dropout=False, bint input_gradient=False,
                      initial_state=None, final_state=None, double carry_factor=1.0):
        """Loss of a minibatch and its gradient with respect to the parameters (and the input), without penalty or clipping.

        Parameters
        ----------
        data : Dataset or Windows
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

        Raises
        ------
        ValueError
            If the engine was not made for this, the data do not fit it, or `indices` repeat or windows overlap with
            `input_gradient`.
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
            d_values = np.zeros((<Windows>data).data.values.shape if isinstance(data, Windows) else data.values.shape, self.dtype)
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
        """Let states go on over windows as in training, without a loss or a gradient; also between parts of a minibatch.

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
        parts = self.slices_of_parts.copy(), self.weight, self.n_taught, job.batch.part, job.batch.n_parts
        job.batch.update, job.batch.dropping, job.batch.advancing = <uint32_t>update, True, True
        try:
            self.take_minibatch(data, n_samples, <const isize *>pointer_to(indices, "indices", cnp.NPY_INTP, (-1,)), len(indices))
            self.pass_states(n_samples, final_state, 1)
            self.run(self.kernels.predict, NULL, NULL, NULL)
        finally:
            self.forget_states()
            job.batch.advancing = False
            self.slices_of_parts, self.weight, self.n_taught, job.batch.part, job.batch.n_parts = parts

    cdef object flat_gradient(self):
        """Copy of the gradient (n_params,), with zeros for frozen arrays and for rows of tables that were not touched."""
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
                first = slice * network.touched.size + tensor.gradient
                rows = self.slice_rows[first:first + len(codes) * tensor.ld].reshape(len(codes), tensor.ld)
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

    def row_losses(self, Dataset data not None, outputs):
        """Loss of each row of raw outputs and the targets of `data`; 0 where the weight is 0.

        Parameters
        ----------
        data : Dataset
        outputs : ndarray of shape (n, n_outputs), the network's dtype
            n is n_samples, or n_steps for a network with a target per step.

        Returns
        -------
        losses : ndarray of shape (n,), float64

        Raises
        ------
        ValueError
            If `data` or `outputs` do not fit the network.
        """
        cdef rnn_network *network = self.network
        self.attach(data, True)
        n = data.n_steps if network.per_step else data.n_samples
        losses, row = np.empty(n), np.empty(network.output_width, dtype=self.dtype)
        cdef isize n_rows = n
        cdef const void *output_data = pointer_to(outputs, "outputs", self.kind, (n, network.outputs))
        cdef void *row_data = cnp.PyArray_DATA(row)
        cdef double *loss_data = <double *>cnp.PyArray_DATA(losses)
        with nogil:
            self.kernels.row_losses(self.job, n_rows, output_data, row_data, loss_data)
        return losses

    def predict(self, Dataset data not None, *, bint raw=False, initial_state=None, bint return_state=False):
        """Outputs of all sequences (or steps), after the link unless `raw`; or the states of the node that is the result.

        Parameters
        ----------
        data : Dataset
        raw : bool
        initial_state : ndarray of shape (n_samples, n_state_columns), the network's dtype; or None for those of the data
            Needs an engine made with `carried`. See `state_layout`.
        return_state : bool
            Whether to return the states after each sequence's last step too.

        Returns
        -------
        outputs : ndarray of shape (n, n_columns)
            The stream of the node that is the result; a head has `n_outputs` columns. n is n_samples, or the sum of all steps (of
            the network: with a stride there are fewer) where that stream (of a head: the target) has a row per step.
        final_state : ndarray of shape (n_samples, n_state_columns), only with `return_state`
        """
        cdef rnn_job *job = self.job
        cdef rnn_network *network = self.network
        cdef const rnn_node *result = &network.node[network.result]
        cdef isize first
        cdef const isize *order_data
        cdef bint per_step = network.per_step
        self.attach(data, False)
        if network.training:
            raise ValueError("`predict` needs an engine that was not made for training.")
        if network.result != network.head:
            per_step = result.out.life != ONCE
        n_rows = job.data.result_offsets[data.n_samples] if per_step else data.n_samples
        output = np.empty((n_rows, result.out.parts * result.out.units), dtype=self.dtype)
        job.batch.output, job.batch.raw = cnp.PyArray_DATA(output), raw
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
                self.take_minibatch(data, data.n_samples, order_data + first, min(self.max_batch, data.n_samples - first))
                self.run(self.kernels.predict, NULL, NULL, NULL)
        finally:
            job.initial_state = job.final_state = NULL
        return (output, final_state) if return_state else output

    def state_layout(self):
        """List the states that go on from step to step: see the function of this name."""
        return self.tables.state_layout()

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
