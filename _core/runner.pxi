"""What runs the kernels: it cuts minibatches into slices, and runs the phases on a team of threads."""
import threading

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.stdlib cimport qsort
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from kernels cimport (
    CLASS_PER_GROUP, CLASS_PER_OUTPUT, MAX_AXES, NUMBER_PER_GROUP, NUMBERS, NUMBERS_PER_QUANTILE, POLL_WORK, SIGNAL_NANOSECONDS,
    TWO_CLASSES, last_axis, rnn_batch, rnn_data, rnn_job, rnn_network, rnn_phase, rnn_targets, rnn_team, run_phases,
    start_helpers, steps_of, stop_job
)

# Below this many multiplications, about half a millisecond, one thread does everything. On a quiet machine a second one would
# still help, but on a busy one each minibatch may wait for a helper: at 2^23 it took up to half as long again, at 2^24 a fifth.
# A prediction waits only once.
cdef double THREADS_WORTH = 1 << 24, PREDICT_THREADS_WORTH = 1 << 23


cdef int longest_first(const void *a, const void *b) noexcept nogil:
    cdef const ranked *p = <const ranked *>a
    cdef const ranked *q = <const ranked *>b
    if p.length != q.length:
        return -1 if p.length > q.length else 1
    if p.source_length != q.source_length:
        return -1 if p.source_length > q.source_length else 1
    return -1 if p.position < q.position else 1


cdef double seconds() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec + 1e-9 * now.tv_nsec


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
            (<Runner>job.sync.owner).pending = raised
            stop_job(job)


cdef class Runner(Workspace):
    """A workspace whose network runs on minibatches of datasets, and on parts of them."""
    cdef bint loaded, running
    cdef object pending, params, result_offsets
    cdef double divisor, mean_weight, max_grad_norm, max_grad_value
    cdef double weight                      # of the minibatch: of all parts so far
    cdef isize n_taught                     # rows that have it
    cdef list slices_of_parts

    def __cinit__(self):
        self.slices_of_parts = []
        if threading.current_thread() is threading.main_thread():   # only this one runs signal handlers
            self.job.sync.poll = call_signal_handlers
        self.job.sync.owner = <void *>self
        self.job.sync.last_poll = seconds()

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
        cdef isize i
        cdef isize[MAX_AXES] n_steps
        cdef int a
        for a in range(self.network.n_axes):
            n_steps[a] = 0
            for i in range(job.batch.size):
                n_steps[a] += self.steps_of(a, job.batch.samples[i])
        return self.kernels.work_of(self.network, n_steps, job.batch.size)

    cdef isize steps_of(self, int a, isize sample) noexcept:
        """Steps of a sequence on an axis, as the network counts them."""
        cdef const rnn_data *data = &self.job.data[a]
        return steps_of(&self.network.axis[a], data.end[sample] - data.first[sample])

    cdef isize attach(self, object samples, bint taught, initial_state=None) except -1:
        """Point the job at a `Dataset`, a `PairedDataset` or `Windows`, after a check that their shapes match this network.

        Returns the number of sequences or windows.
        """
        cdef rnn_network *network = self.network
        cdef Windows windows = samples if isinstance(samples, Windows) else None
        cdef Dataset data = self.data_of_result(samples)
        cdef isize n_samples = data.n_samples if windows is None else windows.n_windows
        cdef rnn_job *job = self.job
        if network.session:
            raise ValueError("A session takes data step by step: call `step`.")
        self.check_axis(data, last_axis(network))
        if network.n_axes > 1:
            self.check_axis((<PairedDataset>samples).source, 0)
        self.refuse_if_running()
        if not self.loaded:
            raise ValueError("`load` must be called first.")
        if windows is not None and not self.windowed:
            raise ValueError("`Windows` need an engine made with `windowed`.")
        if network.n_axes > 1:
            self.attach_axis((<PairedDataset>samples).source, 0)
        self.attach_axis(data, last_axis(network))
        if windows is not None:
            windows.point(&job.data[0])
        elif initial_state is None:
            initial_state = data.initial_state
        job.initial_state = NULL
        if network.training:
            job.initial_state = self.pointer_to_states(initial_state, n_samples)
        if taught:
            self.attach_targets(data, &job.data[last_axis(network)])
        return n_samples

    cdef Dataset data_of_result(self, object samples):
        """The data with the targets and outputs of what is given, after a check of how many axes that has."""
        if isinstance(samples, PairedDataset) != (self.network.n_axes > 1):
            wanted = "a PairedDataset" if self.network.n_axes > 1 else "a Dataset or Windows"
            raise ValueError(f"`data` must be {wanted} for this result of the network, got a {type(samples).__name__}.")
        if isinstance(samples, PairedDataset):
            return (<PairedDataset>samples).target
        return (<Windows>samples).data if isinstance(samples, Windows) else samples

    cdef int check_axis(self, Dataset data, int a) except -1:
        """Refuse data with columns that do not fit an axis."""
        cdef isize n_features = self.network.axis[a].n_features
        if data.n_features != n_features:
            of = " of `target`" if a else ""
            raise ValueError(f"`values`{of} must have {n_features} features, got {data.n_features}.")
        return 0

    cdef int attach_axis(self, Dataset data, int a) except -1:
        """Point an axis of the job at sequences, without their targets."""
        cdef rnn_data *to = &self.job.data[a]
        cdef isize stride = self.network.axis[a].stride
        if self.network.axis[a].n_features > self.network.node[self.network.axis[a].data].units:
            data.check_codes(self.tables, a)
        memset(to, 0, sizeof(rnn_data))
        to.values, to.values_are_double = data.value_data, data.values_are_double
        to.first, to.end = data.offset_data, data.offset_data + 1
        to.result_offsets = data.offset_data
        if stride > 1:
            lengths = (np.diff(data.offsets) - 1) // stride + 1
            self.result_offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.intp)
            to.result_offsets = <const isize *>cnp.PyArray_DATA(self.result_offsets)
        to.shift, to.factor = data.shift_data, data.factor_data
        return 0

    cdef int attach_targets(self, Dataset data, rnn_data *to) except -1:
        """Point the job at targets and weights."""
        cdef rnn_network *network = self.network
        cdef rnn_targets kind
        cdef tuple shape
        n = data.n_steps if network.per_step else data.n_samples
        kind = self.kernels.losses[network.loss].targets
        shape = (n,)
        if kind not in (TWO_CLASSES, CLASS_PER_OUTPUT):
            shape += (network.n_targets,)
        if kind in (NUMBERS, NUMBERS_PER_QUANTILE, NUMBER_PER_GROUP):
            to.targets = pointer_to(data.targets, "targets", self.kind, shape)
            if kind == NUMBER_PER_GROUP:
                data.check_classes_of_groups(self.losses_of_groups, self.first_of_groups)
        else:
            to.labels = <const int32_t *>pointer_to(data.targets, "targets", cnp.NPY_INT32, shape)
            self.check_labels(data)
        if data.weights is not None:
            to.weights = <const double *>pointer_to(data.weights, "weights", cnp.NPY_FLOAT64, (n,))
        return 0

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
        """Set `final_state` and `carry_factor` of a call; `forget_states` undoes it."""
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
        self.take_sequences(samples, n_samples, indices, batch, self.max_batch * (self.n_accumulated if n_parts == 1 else 1))
        self.begin_part(part, n_parts)
        self.weigh_batch(indices)
        self.job.batch.n_places = self.job.batch.n_slices
        if n_parts > 1:
            self.slices_of_parts.append(self.job.batch.n_slices)
            self.job.batch.n_places = max((n - 1) * n_parts + m + 1 for m, n in enumerate(self.slices_of_parts))
        return 0

    cdef int take_sequences(self, object samples, isize n_samples, const isize *indices, isize batch, isize most) except -1:
        """Let these sequences or windows run next, longest first, in slices."""
        cdef rnn_job *job = self.job
        cdef Windows windows = samples if isinstance(samples, Windows) else None
        cdef isize *taken = <isize *>job.batch.samples
        cdef ranked *ranks = <ranked *>cnp.PyArray_DATA(self.ranks)
        cdef isize i
        cdef int a = last_axis(self.network)
        cdef bint sorted_already = True
        if not 1 <= batch <= most:
            raise ValueError(f"A minibatch must hold 1 to {most} sequences, got {batch}.")
        for i in range(batch):
            if not 0 <= indices[i] < n_samples:
                raise IndexError(f"`indices` must lie in 0 to {n_samples - 1}, got {indices[i]}.")
            if windows is not None:
                windows.use(indices[i])
            ranks[i].length, ranks[i].source_length = self.steps_of(a, indices[i]), self.steps_of(0, indices[i]) if a else 0
            ranks[i].position, ranks[i].sample = i, indices[i]
            sorted_already = sorted_already and (i == 0 or longest_first(&ranks[i - 1], &ranks[i]) < 0)
        if not sorted_already:
            qsort(ranks, batch, sizeof(ranked), longest_first)
        job.batch.size, job.batch.n_slices = batch, self.kernels.slices_of(self.network, batch)
        for i in range(batch):
            taken[i] = ranks[i].sample
        for a in range(a + 1):
            self.check_slices(a)
        return 0

    cdef int check_slices(self, int a) except -1:
        """Refuse slices with more steps than there is room for; of those sorted by length, the first has most."""
        cdef const rnn_batch *batch = &self.job.batch
        cdef isize n_slices = batch.n_slices if a < last_axis(self.network) else 1
        cdef isize q, i, n, longest, total
        for q in range(n_slices):
            longest = total = 0
            for i in range(q, batch.size, batch.n_slices):
                n = self.steps_of(a, batch.samples[i])
                longest, total = max(longest, n), total + n
            if longest > self.network.axis[a].max_steps or total > self.network.axis[a].max_slice_steps:
                lengths = "lengths" if a == 0 else "target_lengths"
                raise ValueError(f"The sequences must not be longer than the `{lengths}` that the engine was made for.")
        return 0

    cdef int begin_part(self, isize part, isize n_parts) except -1:
        """Refuse a part that does not follow the previous one; part 0 always starts a new minibatch."""
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
        """Clear the places that no slice has filled, because a part has fewer slices than others."""
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
        cdef const rnn_data *data = &job.data[last_axis(self.network)]
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
            if data.weights == NULL:
                self.weight += end - first
                continue
            for j in range(first, end):
                self.weight += data.weights[j]
                self.n_taught += data.weights[j] > 0
        job.batch.divisor = self.divisor if self.divisor > 0 else self.weight
        job.batch.total_weight = self.weight if job.batch.n_parts == 1 else self.divisor     # that of all parts is not known yet
        share = self.weight / (self.n_taught * self.mean_weight) if self.n_taught and self.mean_weight > 0 else 1
        job.optimizer.max_norm = self.max_grad_norm * share
        job.optimizer.max_value = self.max_grad_value * share

    @property
    def work_counted(self):
        """Number of multiplications that worker 0 has counted since it last looked for signals."""
        return POLL_WORK - self.job.sync.work_until_poll
