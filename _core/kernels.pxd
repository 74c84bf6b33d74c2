"""The C interface of the kernels, as Cython sees it."""
from libc.stdint cimport int32_t, uint32_t, uint64_t


cdef extern from "interface/isize.h" nogil:
    ctypedef Py_ssize_t isize


cdef extern from "interface/rosters.h" nogil:
    ctypedef enum rnn_option_type:
        CHOICE
        BOOLEAN

    ctypedef struct rnn_option:
        const char *name
        rnn_option_type type
        const char *choices
        double preset, least, below

    ctypedef enum rnn_rows:
        ROWS_OF_SOURCE
        ROW_PER_SEQUENCE

    ctypedef struct rnn_kind_info:
        const char *name
        const rnn_option *options
        rnn_rows rows
        bint has_units, has_cell, has_directions, one_direction, reads_codes, stem_first
        bint reads_one, reads_equal, reads_shifts, reads_once, needs_earlier, merges, reads_stems
        bint reads_beginning, reads_memory
        bint only_last_rows, training_only, is_output, is_tail, of_sequences

    ctypedef enum rnn_targets:
        NUMBERS
        NUMBERS_PER_QUANTILE
        TWO_CLASSES
        CLASS_PER_OUTPUT
        LABEL_PER_OUTPUT
        CLASS_PER_GROUP
        NUMBER_PER_GROUP

    ctypedef struct rnn_loss_info:
        const char *name
        rnn_targets targets
        const char *link

    ctypedef struct rnn_optimizer_info:
        const char *name
        int n_moments


cdef extern from "interface/network.h" nogil:
    enum:
        BLOCK_ROWS
        MAX_BLOCKS
        MAX_DIRECTIONS
        MAX_NODES
        MAX_OPTIONS
        MAX_OWN
        MAX_NORM_ARRAYS
        MAX_SHIFT
        MAX_AXES
        MAX_SOURCES
        MAX_STATES
        MAX_TAILS

    ctypedef enum rnn_initial:
        ZEROS
        CONSTANTS
        GLOROT
        ORTHOGONAL
        FROM_0_TO_1
        EMBEDDING

    ctypedef enum rnn_lifetime:
        ONCE

    ctypedef struct rnn_tensor:
        int node, direction
        const char *stem
        int n_groups, n_axes
        isize units, columns
        int decays
        rnn_initial initial
        double *constant
        isize at, size, summed, touched, ld_touched, codes
        int is_table, frozen

    ctypedef struct rnn_packing:
        pass

    ctypedef struct rnn_stream:
        isize parts, units, ld
        rnn_lifetime life

    ctypedef struct rnn_source:
        int node, shift, stem

    ctypedef struct rnn_cell:
        const char *gates
        const char **state_name
        int n_blocks, n_states, n_x, n_h, reads_output
        int *memory

    ctypedef struct rnn_direction:
        int reverse

    ctypedef struct rnn_node:
        int kind, cell, n_directions, axis, first_source, n_sources, n_beginnings
        isize units
        double *option
        double *cell_option
        rnn_direction *direction
        int frozen
        int needed
        rnn_cell declared
        rnn_stream out
        isize ld_gates

    ctypedef struct rnn_carried:
        int node, state, back
        isize at, column

    ctypedef struct rnn_region:
        isize size

    ctypedef struct rnn_axis:
        int data
        isize n_features, stride, window
        isize *column
        isize max_steps, max_slice_steps, length, source_row

    ctypedef struct rnn_network:
        int n_axes
        rnn_axis axis[2]
        const unsigned char *frozen
        int n_nodes, n_sources
        rnn_node *node
        rnn_source *source
        rnn_tensor *tensor
        rnn_packing *packing
        int per_step, training, input_gradient, by_step, carried, probe, session, result, loss
        double huber_delta, label_smoothing
        isize n_quantiles, n_groups, n_targets
        const unsigned char *allowed
        const double *quantile
        const isize *group
        const int *group_loss
        const double *group_weight
        int head, n_tensors
        isize outputs, output_width
        isize max_rows, max_steps
        isize n_params, n_summed, n_pieces, n_workers, probe_bytes
        rnn_region packed, gradient, arena, touched
        isize n_codes, n_ints, walk_bytes
        int n_carried
        rnn_carried *carried_state
        isize state_columns

    int last_axis(const rnn_network *network)
    isize steps_of(const rnn_axis *axis, isize n)


cdef extern from "interface/wish.h" nogil:
    ctypedef enum rnn_plan_result:
        PLAN_MADE
        PLAN_TOO_LONG
        PLAN_OVER_BUDGET
        PLAN_WITHOUT_ORDER

    ctypedef struct rnn_wish:
        const isize *lengths[2]
        isize n_lengths, batch, n_workers, budget, n_slices, least_budget
        int node


cdef extern from "interface/job.h" nogil:
    enum:
        CACHE_LINE
        POLL_WORK

    ctypedef struct rnn_optimizer:
        int kind, nesterov
        double learning_rate, momentum, beta_1, beta_2, epsilon, alpha, l1_ratio, max_norm, max_value
        double correction_1, correction_2

    ctypedef void (*rnn_gemm)(int transposed, isize m, isize n, isize k, const void *a, isize ld_a, const void *b, isize ld_b,
                              int accumulate, void *c, isize ld_c) noexcept nogil

    ctypedef struct rnn_data:
        const void *values
        int values_are_double
        const double *shift
        const double *factor
        const isize *first
        const isize *end
        const isize *sequence
        const isize *taught_from
        const isize *kept_after
        const isize *result_offsets
        const int32_t *labels
        const void *targets
        const double *weights

    ctypedef enum rnn_result:
        LINKED_RESULT
        LOG_RESULT
        BEST_RESULT

    ctypedef struct rnn_batch:
        const isize *samples
        isize size, n_slices, n_sources, part, n_parts, n_places
        double total_weight, divisor
        int raw, dropping
        rnn_result result
        uint32_t update
        void *output
        double *row_losses
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
        rnn_data data[2]
        rnn_batch batch
        rnn_optimizer optimizer
        uint64_t seed
        void *params
        void *packed
        void *gradient
        void *moments
        void *slice_gradients
        void *slice_rows
        isize *slice_codes
        const void **touched_walks
        isize ld_walks
        double *piece_norms
        void *arenas
        isize *arena_ints
        void *walks
        const void *initial_state
        void *final_state
        double carry_factor
        double *probe
        rnn_gemm gemm
        rnn_synchronisation sync

    ctypedef void (*rnn_phase)(rnn_job *job, isize worker) noexcept nogil


cdef extern from "interface/kernels.h" nogil:
    ctypedef enum rnn_math:
        MATH_SIGMOID

    ctypedef struct rnn_kernels:
        const rnn_loss_info *losses
        const rnn_optimizer_info *optimizers
        const char *const *weight_stems
        const rnn_kind_info *(*describe_kind)(int kind) noexcept nogil
        const char *(*describe_cell)(int i, const double *option, rnn_cell *cell, const rnn_option **options) noexcept nogil
        rnn_plan_result (*plan)(rnn_network *network, rnn_wish *wish) noexcept nogil
        isize (*slices_of)(const rnn_network *network, isize batch) noexcept nogil
        double (*work_of)(const rnn_network *network, const isize *n_steps, isize n_sequences) noexcept nogil
        void (*poison_gaps)(const rnn_region *region, isize copies, void *memory) noexcept nogil
        rnn_phase pack, train, predict, reduce, update, session_step, begin_decoding
        void (*attention)(const rnn_job *job, int node, isize columns, void *weights) noexcept nogil
        void (*clear_place)(const rnn_job *job, isize place) noexcept nogil
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
