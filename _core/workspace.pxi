"""Workspaces: what an engine shall be able to do, the plan of its network, and all of its memory."""
from itertools import accumulate

from libc.limits cimport INT_MAX
from libc.math cimport isfinite
from libc.string cimport memset

from blas cimport gemm_double, gemm_float
from kernels cimport (
    BLOCK_ROWS, CACHE_LINE, CLASS_PER_GROUP, CLASS_PER_OUTPUT, LABEL_PER_OUTPUT, MAX_DIRECTIONS, MOST_HELPERS,
    NUMBER_PER_GROUP, NUMBERS_PER_QUANTILE, PLAN_MADE, PLAN_OVER_BUDGET, PLAN_TOO_LONG, ROW_PER_SEQUENCE, TWO_CLASSES, last_axis,
    rnn_job, rnn_kind_info, rnn_network, rnn_node, rnn_targets, rnn_wish
)

# More threads than the machine has cores only wait; but up to 16 are allowed on any machine.
cdef isize MOST_THREADS = min(max(os.cpu_count() or 1, 16), 1 + MOST_HELPERS)

cdef isize POINTERS_IN_LINE = CACHE_LINE // sizeof(void *)

cdef object NO_GROUPS = np.zeros(1, dtype=np.intp)      # the first of no groups, which is also the end


cdef struct ranked:         # a sequence of a minibatch, and by what it is sorted
    isize length, source_length, position, sample   # its steps; those on the first of two axes, else 0


cdef object memory_module = None


cdef object limits_of_memory():
    """The module `sklearn_rnn._memory`, imported when it is first needed: this one must do without the package."""
    global memory_module
    if memory_module is None:
        import sklearn_rnn._memory
        memory_module = sklearn_rnn._memory
    return memory_module


cdef class Workspace:
    """A network with all memory of a fit, or of a call of predict.

    Parameters
    ----------
    n_features, n_target_features, nodes, loss, huber_delta, quantile, groups, label_smoothing, per_step, dtype, stride, window
        The network: see `sklearn_rnn._model.network`. Only training smooths labels.
    n_threads : int
        Maximum number of threads. The results do not depend on it.
    training : bool
        Whether gradients are needed; otherwise states are kept only as long as they are needed.
    lengths : ndarray of shape (n_samples,)
        Lengths of the sequences that will be used; these may be shorter.
    target_lengths : ndarray of shape (n_samples,), or None
        The same on the second axis, which a network with nodes of axis 1 needs.
    batch_size : int
        Sequences in the largest minibatch (training only).
    memory_budget : int or None
        Maximum number of bytes for the activations of all threads (training only). If they need more, they are computed twice:
        the results are the same and take a third more time. The reverse direction of a network needs all steps at once, and so
        does the first of two axes.
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
        Make room for `Windows`, and for states that calls take and return (training only). `lengths` are the longest lengths of
        windows.
    session : bool
        Make room for a `Session`, or in a network of two axes for a `Decoder`.
    n_accumulated : int
        A minibatch may have up to `n_accumulated` times `batch_size` sequences (training only). It is cut into more slices, not
        into larger ones, so only the memory for gradients grows. Or it comes in up to that many parts: see `train_minibatch`.
    frozen : sequence of str
        Names of arrays that `train_minibatch` does not change (training only): no gradient, no penalty, no decay; their moments
        stay. A node has no backward if neither it nor any node that it depends on has other arrays.
    group_weights : sequence of float, or None for ones
        The weight of each group of the loss "multitask".
    allowed : array-like of shape (n_outputs + 1, n_outputs + 1), or None
        With a head of kind "crf", whether tag j may follow tag i; the last row is for the start of a sequence, the last column
        for its end. None: all are allowed.
    planning : bool
        Allocate nothing and only count the memory, see `planned`. Such an engine can do nothing else.

    Attributes
    ----------
    planned : dict of str to int, or None
        With `planning`, the bytes that the workspace would take: "weights" (packed for products), "steps" (activations and their
        gradients, of all threads), "gradients" (of the parameters: one for each slice, and their sum), "tables" (all else).
    """
    cdef NodeTables tables
    cdef rnn_network *network
    cdef rnn_job *job
    cdef const rnn_kernels *kernels
    cdef int kind
    cdef isize max_batch, n_accumulated
    cdef bint windowed
    cdef readonly object dtype
    cdef readonly dict planned
    cdef object quantiles, allowed, first_of_groups, losses_of_groups, group_weights, frozen
    cdef object job_memory, packed, arenas, ints, walks, losses, norms, probed, samples, ranks
    cdef object slice_gradients, slice_rows, slice_codes, touched_walks, gradient

    def __cinit__(self, *, n_features, nodes, loss, per_step, dtype, n_threads, training, lengths, batch_size, huber_delta=1.0,
                  quantile=0.5, groups=(), label_smoothing=0.0, allowed=None, stride=1, window=1, memory_budget=None, result=None,
                  by_step=False, input_gradient=False, probe=False, carried=False, windowed=False, session=False,
                  n_accumulated=1, frozen=(), group_weights=None, planning=False, n_target_features=0, target_lengths=None):
        cdef rnn_network *network
        self.planned = {} if planning else None
        self.kind = type_of(dtype)
        self.job_memory = aligned_empty(sizeof(rnn_job), np.uint8)
        self.job = <rnn_job *>cnp.PyArray_DATA(self.job_memory)
        memset(self.job, 0, sizeof(rnn_job))
        self.dtype = np.dtype(dtype)
        self.kernels = rnn_kernels_of(self.dtype.itemsize, present_level)
        self.tables = tables_of(n_features, nodes, window, n_target_features)
        self.network = network = &self.tables.network
        network.loss = index_of(LOSSES, loss, "loss")
        if not huber_delta > 0:
            raise ValueError(f"`huber_delta` must be positive, got {huber_delta}.")
        network.huber_delta = huber_delta
        self.smooth_labels(label_smoothing, training)
        self.set_quantiles(quantile)
        self.set_groups(groups, group_weights)
        self.set_allowed(allowed)
        if not 1 <= stride < LARGEST:
            raise ValueError(f"`stride` must be 1 to {LARGEST - 1}, got {stride}.")
        network.axis[0].stride = stride
        network.per_step, network.training, network.by_step = per_step, training, by_step
        network.carried, self.windowed = carried or windowed, windowed
        network.session, network.probe = session, training and probe
        network.input_gradient = training and input_gradient
        if result is not None:
            if not 0 <= result < len(self.tables.nodes):
                raise ValueError(f"`result` must be from 0 to {len(self.tables.nodes) - 1}, got {result}.")
            network.result = result + 1
        network.n_axes = 1 + network.node[network.result].axis
        self.check_result(loss)
        self.check_tails(loss, label_smoothing)
        if windowed:
            self.check_windowed()
        if network.carried:
            self.check_carried()
        if frozen:
            self.freeze(tensors(n_features, nodes, window, n_target_features), frozen)
        if not 1 <= n_accumulated < LARGEST or (n_accumulated > 1 and (probe or not training)):
            raise ValueError(f"`n_accumulated` must be 1, or up to {LARGEST - 1} for training without `probe`, got "
                             f"{n_accumulated}.")
        self.n_accumulated = n_accumulated
        self.allocate(self.sorted_lengths(lengths, target_lengths), batch_size, n_threads, memory_budget)
        if planning:
            return
        self.job.network, self.job.carry_factor = network, 1
        # BLAS in the wheels of numpy and scipy uses AVX: 3 times as fast as our baseline kernels, no faster than our others.
        if training and self.kernels == rnn_kernels_of(self.dtype.itemsize, 0) and self.blas_can_count():
            limits_of_memory().check_room_for_blas(network.n_workers)
            self.job.gemm = gemm_float if self.kind == cnp.NPY_FLOAT32 else gemm_double

    cdef int smooth_labels(self, double smoothing, bint training) except -1:
        """Set the smoothing of labels."""
        cdef rnn_targets targets = self.kernels.losses[self.network.loss].targets
        cdef bint has_classes = targets in (TWO_CLASSES, CLASS_PER_OUTPUT, LABEL_PER_OUTPUT, CLASS_PER_GROUP)
        if not 0 <= smoothing < 1:
            raise ValueError(f"`label_smoothing` must be at least 0 and below 1, got {smoothing}.")
        if smoothing > 0 and not has_classes:
            raise ValueError(f"`label_smoothing` must be 0 unless the loss is one of classes, got {smoothing}.")
        self.network.label_smoothing = smoothing if training else 0
        return 0

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
        """Keep the first output of each group, and the number of outputs, for C; for tasks also loss and weight."""
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

    cdef set_allowed(self, allowed):
        """Keep which tag may follow which, (n_outputs + 1, n_outputs + 1), for C."""
        if allowed is None:
            return
        head = self.tables.number_of_head()
        n = self.network.node[head].units + 1
        self.allowed = np.ascontiguousarray(np.asarray(allowed) != 0, dtype=np.uint8)
        if not self.tables.info_of(head).of_sequences or self.allowed.shape != (n, n):
            raise ValueError(f"`allowed` must have shape {(n, n)}, and needs a head of kind 'crf', got shape "
                             f"{self.allowed.shape}.")
        self.network.allowed = <const unsigned char *>cnp.PyArray_DATA(self.allowed)

    cdef int check_result(self, loss) except -1:
        """Refuse heads and modes that do not go together, and set the number of targets."""
        cdef rnn_network *network = self.network
        cdef rnn_node *result = &network.node[network.result]
        cdef rnn_targets targets = self.kernels.losses[network.loss].targets
        cdef bint has_groups = targets in (CLASS_PER_GROUP, NUMBER_PER_GROUP)
        is_head = self.tables.info_of(network.result).is_output
        of_sequences = self.tables.info_of(network.result).of_sequences
        if of_sequences and (loss != "softmax" or not network.per_step):
            raise ValueError(f"A head of kind 'crf' needs loss='softmax' and per_step=True, got {loss!r} and {network.per_step}.")
        if of_sequences and network.label_smoothing > 0:
            raise ValueError("`label_smoothing` must be 0 with a head of kind 'crf', which has no loss of single labels, got "
                             f"{network.label_smoothing}.")
        if of_sequences and network.session:
            raise ValueError("A session must not have a head of kind 'crf', which needs all steps of a sequence.")
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
        stride = network.axis[0].stride
        if network.per_step and stride > 1 and network.n_axes == 1:
            raise ValueError(f"`stride` must be 1 in a network with a target per step, got {stride}.")
        if network.axis[0].column != NULL and stride > 1:
            raise ValueError(f"`stride` must be 1 in a network that reads codes in its data, got {stride}.")
        if network.n_axes > 1 and not network.per_step:
            raise ValueError("A network whose result is on axis 1 must have a target per step.")
        if network.session and not (network.carried and is_head and not network.training):
            raise ValueError("A session must be made with carried=True and training=False, and its last node must be a head.")
        if network.session:
            self.check_session()
        return 0

    cdef int check_tails(self, loss, label_smoothing) except -1:
        """Refuse what does not go with tails."""
        cdef bint has_tails = any(node.kind == "tail" for node in self.tables.nodes)
        if has_tails and (loss != "softmax" or label_smoothing > 0):
            raise ValueError(f"A head with tails must have the loss 'softmax' with label_smoothing=0, got {loss!r} and "
                             f"{label_smoothing}.")
        if has_tails and self.network.training and self.network.by_step:
            raise ValueError("`by_step` must be False in training with tails.")
        return 0

    cdef int freeze(self, list listed, frozen) except -1:
        """Mark the arrays with these names as frozen, and the nodes all of whose arrays are."""
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
        """The first node that reads all steps of a sequence of the last axis at once, or None."""
        cdef const rnn_kind_info *info
        cdef int i
        for i in self.tables.numbers():
            info = self.tables.info_of(i)
            if info.rows == ROW_PER_SEQUENCE and not info.only_last_rows and self.network.node[i].axis == last_axis(self.network):
                return self.tables.nodes[i - 1]
        return None

    cdef int check_session(self) except -1:
        """Refuse nodes that read all steps of a sequence."""
        node = self.node_of_all_steps()
        if node is not None:
            raise ValueError(f"A session must not have node {node.name!r}, which reads all steps of a sequence.")
        return 0

    cdef int check_windowed(self) except -1:
        """Refuse what has no windows, and nodes that read all steps of a sequence."""
        node = self.node_of_all_steps()
        if self.tables.info_of(self.network.result).of_sequences:
            raise ValueError("`windowed` must be False with a head of kind 'crf', which needs all steps of a sequence.")
        if not self.network.training or self.network.session:
            raise ValueError("`windowed` must be False in an engine that was not made for training.")
        if self.network.n_axes > 1:
            raise ValueError("`windowed` must be False in a network with nodes of axis 1.")
        if node is not None:
            raise ValueError(f"`windowed` must be False in a network with pooling other than 'last': node {node.name!r} reads "
                             "all steps of a sequence.")
        return 0

    cdef int check_carried(self) except -1:
        """Refuse networks whose states cannot go on from call to call."""
        cdef const rnn_network *network = self.network
        word = "windowed" if self.windowed else "carried"
        if network.n_axes > 1 and network.session:
            return 0
        if network.n_axes > 1:
            raise ValueError(f"`{word}` must be False in a network with nodes of axis 1.")
        if not self.is_causal():
            raise ValueError(f"`{word}` must be False in a network with a reverse direction, which begins at the last step of a "
                             "sequence.")
        if network.axis[0].stride > 1 or network.axis[0].window > 1:
            raise ValueError(f"`{word}` must be False in a network that reads windows of its data, got "
                             f"stride={network.axis[0].stride} and window={network.axis[0].window}.")
        return 0

    cdef bint is_causal(self):
        return all(node.directions == "forward" for node in self.tables.nodes)

    cdef bint blas_can_count(self) noexcept:
        """Whether every size that a product may have fits into an int."""
        cdef rnn_network *network = self.network
        cdef isize largest = max(network.axis[0].n_features, network.axis[1].n_features, network.output_width,
                                 network.max_rows + BLOCK_ROWS)
        cdef int i
        for i in range(network.n_tensors):
            largest = max(largest, network.tensor[i].columns)
        for i in range(network.n_nodes):
            largest = max(largest, network.node[i].ld_gates, network.node[i].out.ld)
        return largest <= INT_MAX

    cdef list sorted_lengths(self, lengths, target_lengths):
        """The lengths on each axis, in steps of the network, longest first."""
        cdef const rnn_network *network = &self.tables.network
        if (target_lengths is not None) != (network.n_axes > 1):
            raise ValueError("`target_lengths` must be given if and only if the result is on axis 1.")
        listed = [np.asarray(lengths, dtype=np.intp)]
        if target_lengths is not None:
            listed.append(np.asarray(target_lengths, dtype=np.intp))
        if len(listed[-1]) != len(listed[0]):
            raise ValueError(f"`target_lengths` must be as many as `lengths`, {len(listed[0])}, got {len(listed[-1])}.")
        for i in range(len(listed)):
            if listed[i].size > 1:
                listed[i] = np.ascontiguousarray(np.sort(listed[i])[::-1])
            elif listed[i].size == 0:
                listed[i] = np.ones(1, dtype=np.intp)
        if network.axis[0].stride > 1:
            listed[0] = (listed[0] - 1) // network.axis[0].stride + 1
        return listed

    cdef allocate(self, list sorted_lengths, batch_size, n_threads, memory_budget):
        """Plan, and allocate all memory: packed weights, a gradient per slice, an arena per thread."""
        cdef rnn_network *network = self.network
        cdef rnn_wish wish
        cdef int i
        cdef isize n_places
        memset(&wish, 0, sizeof(wish))
        for i, lengths in enumerate(sorted_lengths):
            wish.lengths[i] = <const isize *>cnp.PyArray_DATA(lengths)
        wish.n_lengths = sorted_lengths[0].size
        wish.batch = min(batch_size, wish.n_lengths)
        wish.n_workers = max(1, min(n_threads, MOST_THREADS))
        wish.budget = -1 if memory_budget is None else max(0, min(memory_budget, 1 << 62))
        made = self.tables.plan(self.kernels, &wish)
        if made == PLAN_TOO_LONG:
            raise ValueError(f"`lengths` must sum to less than 2**60 steps, got a sequence of "
                             f"{max(lengths[0] for lengths in sorted_lengths)}.")
        if made == PLAN_OVER_BUDGET:
            raise ValueError(f"`memory_budget` must be at least {wish.least_budget} bytes for this network and minibatch and "
                             f"sequences of {network.max_steps} steps, got {memory_budget}.")
        if made != PLAN_MADE:
            raise ValueError("`hidden_layer_sizes` is too large for these sequences: the workspace needs 2**59 numbers or more.")
        for i in self.tables.numbers():
            if network.training and not network.node[i].needed:
                raise ValueError(f"Node {self.tables.nodes[i - 1].name!r} must lead to the head, directly or through others.")
        self.max_batch = wish.batch
        n_places = wish.n_slices * self.n_accumulated
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
            self.job.ld_walks = self.touched_walks.size // (3 * network.n_workers)
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
        in_walk = -(-places // POINTERS_IN_LINE) * POINTERS_IN_LINE
        self.touched_walks = self.new_aligned("gradients", 3 * workers * in_walk if network.n_codes else 0, np.uintp)
        self.norms = self.new_array("gradients", network.n_pieces, np.float64)
        self.norms[...] = 0
        if network.probe:
            n = n_slices * network.n_nodes * MAX_DIRECTIONS * network.max_steps
            self.probed = self.new_array("steps", n, np.float64)
            if self.planned is None:
                self.probed = self.probed.reshape(n_slices, network.n_nodes, MAX_DIRECTIONS, network.max_steps)

    cdef object new_array(self, str use, n, dtype):
        """Uninitialised vector of n numbers; with `planning` an empty one, and the bytes are counted."""
        return np.empty(n if self.planned is None else self.count(use, n * np.dtype(dtype).itemsize), dtype=dtype)

    cdef object new_aligned(self, str use, n, dtype=None):
        """The same, beginning on a cache line; dtype: None means that of the network."""
        dtype = self.dtype if dtype is None else dtype
        return aligned_empty(n if self.planned is None else self.count(use, n * np.dtype(dtype).itemsize), dtype)

    cdef object count(self, str use, n_bytes):
        """Add to `planned`; return 0, the size of arrays that are only planned."""
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
        elif network.session and network.n_axes > 1:
            advice = "cut the sequences"
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
    def uses_blas(self):
        """Whether the BLAS of the process should be held at one thread while this engine runs."""
        return self.job.gemm != NULL

    def state_layout(self):
        """List the states that go on from step to step: see the function of this name."""
        return self.tables.state_layout()
