"""The C interface of the kernels, as Cython sees it."""
from libc.stdint cimport int32_t, uint32_t, uint64_t


cdef extern from "interface/isize.h" nogil:
    ctypedef Py_ssize_t isize


cdef extern from "interface/rosters.h" nogil:
    ctypedef struct rnn_cell:
        const char *name
        const char *gates
        const char *activations
        int n_gates
        int forget_gate

    ctypedef enum rnn_targets:
        NUMBERS
        TWO_CLASSES

    ctypedef struct rnn_loss_info:
        const char *name
        rnn_targets targets

    ctypedef struct rnn_optimizer_info:
        const char *name
        int n_moments


cdef extern from "interface/network.h" nogil:
    enum:
        BLOCK_ROWS
        MAX_LAYERS

    ctypedef struct rnn_direction:
        isize weight_ih, weight_hh, bias_ih, bias_hh

    ctypedef struct rnn_layer:
        const rnn_cell *cell
        int activation
        isize inputs, input_parts, hidden, width, ld_gates
        rnn_direction *direction

    ctypedef struct rnn_head:
        isize weight, bias, outputs, width

    ctypedef struct rnn_region:
        isize size

    ctypedef struct rnn_network:
        isize n_features
        int n_layers, n_directions, per_step, training, keep_input_gradient, loss
        double huber_delta, dropout
        isize max_rows, max_steps, max_slice_steps, segment_rows
        rnn_layer *layer
        rnn_head head
        isize n_params, arena_ints, n_pieces
        rnn_region packed, gradient, arena


cdef extern from "interface/job.h" nogil:
    enum:
        CACHE_LINE
        POLL_WORK

    ctypedef struct rnn_optimizer:
        int kind, nesterov
        double learning_rate, momentum, beta_1, beta_2, epsilon, alpha, max_norm, max_value, correction_1, correction_2

    ctypedef void (*rnn_gemm)(int transposed, isize m, isize n, isize k, const void *a, isize ld_a, const void *b, isize ld_b,
                              int accumulate, void *c, isize ld_c) noexcept nogil

    ctypedef struct rnn_data:
        const void *values
        int values_are_double
        const double *shift
        const double *factor
        const isize *offsets
        const int32_t *labels
        const void *targets
        const double *weights

    ctypedef struct rnn_batch:
        const isize *samples
        isize size, n_slices
        double total_weight, divisor
        int raw, dropping
        uint32_t update
        void *output
        void *d_values
        double *slice_loss
        double loss, gradient_norm
        int too_large

    ctypedef struct rnn_synchronisation:
        int stop
        isize n_workers
        void (*poll)(rnn_job *job) noexcept nogil
        void *owner
        isize next_slice, work_until_poll
        double last_poll

    ctypedef struct rnn_job:
        const rnn_network *network
        rnn_data data
        rnn_batch batch
        rnn_optimizer optimizer
        uint64_t seed
        void *params
        void *packed
        void *gradient
        void *moments
        void *slice_gradients
        double *piece_norms
        void *arenas
        isize *arena_ints
        rnn_gemm gemm
        rnn_synchronisation sync

    ctypedef void (*rnn_phase)(rnn_job *job, isize worker) noexcept nogil


cdef extern from "interface/kernels.h" nogil:
    ctypedef enum rnn_math:
        pass

    ctypedef struct rnn_kernels:
        int real_bytes
        const rnn_cell **cells
        const rnn_loss_info *losses
        const rnn_optimizer_info *optimizers
        int (*plan)(rnn_network *network) noexcept nogil
        void (*poison_gaps)(const rnn_region *region, isize copies, void *memory) noexcept nogil
        rnn_phase pack, train, predict, reduce, update
        void (*row_losses)(const rnn_job *job, isize n, const void *outputs, void *row, double *losses) noexcept nogil
        void (*math)(rnn_math function, isize n, const void *x, void *y) noexcept nogil

    const rnn_kernels *rnn_kernels_of(int real_bytes, int level)
    const char *rnn_compiled_level(int level)


cdef extern from "run/stop.h" nogil:
    enum:
        SIGNAL_NANOSECONDS

    void stop_job(rnn_job *job)


cdef extern from "run/team.h" nogil:
    enum:
        MOST_HELPERS

    ctypedef struct rnn_team:
        int n_helpers

    void prepare_team(rnn_team *team)
    int start_helpers(rnn_team *team, int n_helpers)
    void run_phases(rnn_team *team, int n_helpers, rnn_job *job, const rnn_phase *phases)
