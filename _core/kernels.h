/* The C interface of the kernels: what a network is, what one minibatch needs, and one table of functions per real type and
 * SIMD level. The Python side of it is _core.pyx.
 *
 * Letters: T steps, B batch, I inputs, H hidden units, G gates; Hp is H padded to whole vectors, D the number of directions.
 * All arrays are row-major and owned by NumPy; the kernels fill them and allocate nothing. Positions inside an arena
 * ("offset in ...") are counted in numbers, not bytes.
 */
#ifndef SKLEARN_RNN_KERNELS_H
#define SKLEARN_RNN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef ptrdiff_t isize;
_Static_assert(sizeof(isize) == 8, "sizes are counted in 64 bits");

enum { MAX_BLOCKS = 4, MAX_LAYERS = 64, MAX_DIRECTIONS = 2, POLL_WORK = 1 << 22 };

/* Weight gradients are taken once this many rows (steps x sequences) of gate gradients wait in cache. */
enum { BLOCK_ROWS = 128 };

/* Description of a cell. Its gate buffer is a row of blocks, each Hp wide; a block receives the product of the input with one
 * gate of W, or of the previous state with one gate of U, or both. GRU keeps the two parts of n apart. */
typedef struct {
    const char *name;
    const char *gates;              /* names in the order of the parameters, separated by blanks */
    const char *activations;        /* the choices, separated by blanks; "" if there is none */
    int n_gates, n_blocks;
    int x_gate[MAX_BLOCKS];         /* gate of W whose product with x goes into this block, or -1 */
    int h_gate[MAX_BLOCKS];         /* gate of U whose product with h goes into this block, or -1 */
    int forget_gate;                /* the gate whose bias starts at 1, or -1 */
    int has_cell_state;
    int gates_end_with_forward;     /* backward does not read the gates: d_out may be stored in their place */
} rnn_cell;

/* Where one direction of one layer lies. */
typedef struct {
    isize weight_ih, weight_hh, bias_ih, bias_hh;       /* in the flat parameters (and their gradient) */
    isize bias, w, u, ut, wt;                           /* in the packed weights; t: for backward */
    isize d_w, d_u, d_b;                                /* in a slice's gradient: (D_below*I, ld), (H, ld), (ld) */
} rnn_direction;

/* One recurrent layer. Activations are packed by step; directions stand side by side in a row. */
typedef struct {
    const rnn_cell *cell;
    int activation;                                     /* index into the cell's activations */
    isize inputs, input_parts, input_width;             /* a row of x: input_parts runs of `inputs`, input_width apart */
    isize hidden, width;                                /* H, Hp */
    isize ld_x, ld_gates, ld_h;                         /* row lengths; ld_h serves h, c and d_out */
    isize x, gates, h, c, d_out;                        /* in a worker's arena; -1: not kept */
    isize d_h, d_c;                                     /* there, (rows, Hp): gradient carried back in time */
    isize h_before, c_before;                           /* there, (max_segments - 1, rows, ld_h): states segments begin with */
    rnn_direction direction[MAX_DIRECTIONS];
} rnn_layer;

/* The linear map from the last layer's states (or each step's) to the outputs. */
typedef struct {
    isize weight, bias;                                 /* in the flat parameters */
    isize packed_bias, w, wt;                           /* in the packed weights */
    isize d_w, d_b;                                     /* in a slice's gradient: (D*H, width), (width) */
    isize outputs, width;                               /* n_outputs, padded */
} rnn_head;

/* A parameter array in the flat vector. */
typedef struct {
    isize offset, size;
    int decays;                                         /* weights are penalised, biases are not */
} rnn_tensor;

enum { MAX_TENSORS = MAX_LAYERS * MAX_DIRECTIONS * 4 + 2 };

/* Memory that the plan cuts into parts. AddressSanitizer notices only accesses beyond an array, so its builds have poisoned gaps
 * between the parts, which no code may touch. */
typedef struct {
    isize size;
#ifdef __SANITIZE_ADDRESS__
    int n_gaps;
    struct { isize first, end; } gap[MAX_LAYERS * MAX_DIRECTIONS * 5 + 16];
#endif
} rnn_region;

typedef struct {
    /* set by the caller, with cell, activation and hidden of each layer, and head.outputs (0: the states are the output) */
    isize n_features;
    int n_layers, n_directions, per_step, training;
    int keep_input_gradient;
    int loss;                                           /* index into the losses */
    double huber_delta, dropout;
    isize max_rows, max_steps, max_slice_steps;         /* of a slice: sequences, longest one, sum of lengths */
    isize segment_rows;                                 /* rows (steps x sequences) that an arena keeps at a time */
    rnn_layer layer[MAX_LAYERS];
    /* filled by plan(): parameters, packed weights, a slice's gradient, a worker's arena */
    rnn_head head;
    int n_tensors;
    rnn_tensor tensor[MAX_TENSORS];
    isize n_params, arena_ints, max_segments;
    rnn_region packed, gradient, arena;
    isize n_pieces;                                     /* of the gradient, for the norm */
    isize widest;                                       /* greatest width of a layer */
    isize h_prev, panel, last, d_last, logits, dropped, zeros, d_input;     /* in a worker's arena; zeros (widest,) */
} rnn_network;

typedef struct {
    int kind;                                           /* index into the optimizers */
    int nesterov;
    double learning_rate, momentum, beta_1, beta_2, epsilon;
    double alpha;                                       /* penalty alpha / 2 |W|^2, or decoupled decay */
    double max_norm, max_value;                         /* infinity: no clipping */
    double correction_1, correction_2;                  /* 1 - beta^t */
} rnn_optimizer;

/* C (m, n) = [C +] op(A) B, row-major; op(A) (m, k) is A, or A^T where `transposed` */
typedef void (*rnn_gemm)(int transposed, isize m, isize n, isize k, const void *a, isize ld_a, const void *b, isize ld_b,
                         int accumulate, void *c, isize ld_c);

/* One minibatch (or one chunk to predict) on its way through the kernels. */
typedef struct rnn_job {
    const rnn_network *network;
    /* data, shared by all minibatches */
    const void *values;                                 /* IN (n_steps, n_features) float or double */
    int values_are_double;
    const double *shift, *factor;                       /* IN (n_features,) x = (value - shift) * factor; NULL: the value */
    const isize *offsets;                               /* IN (n_samples + 1) */
    const int32_t *labels;                              /* IN (n,) classes, or NULL */
    const void *targets;                                /* IN (n, n_outputs) real, or NULL */
    const double *weights;                              /* IN (n,) or NULL for ones */
    /* this minibatch */
    const isize *samples;                               /* IN (batch,) longest first */
    isize batch, n_slices;
    double total_weight;
    double divisor;                                     /* divides the weighted sum of losses, for the gradient */
    int raw;                                            /* predict: before the link */
    void *output;                                       /* OUT (n, n_outputs) real, or (n, D*H) without a head */
    void *d_values;                                     /* OUT (n_steps, n_features) real, or NULL */
    double *slice_loss;                                 /* OUT (n_slices,) */
    /* parameters and their copies */
    void *params, *packed, *gradient, *state;           /* flat, packed, flat, (n_state, n_params) */
    void *slice_gradients;                              /* (n_slices, gradient.size) */
    double *piece_norms;                                /* (n_pieces,) sums of squares */
    double loss, gradient_norm;                         /* OUT of the batch: sum(w l) / sum(w); before clipping */
    int too_large;                                      /* OUT: the square of the clipped gradient overflows */
    rnn_optimizer optimizer;
    /* dropout: keys of the counter-based generator */
    uint64_t seed;
    uint32_t update;
    int dropping;
    /* workers */
    void *arenas;                                       /* (n_workers, arena.size) */
    isize *arena_ints;                                  /* (n_workers, arena_ints) */
    isize n_workers;
    isize next_slice;                                   /* shared counter, touched atomically */
    int stop;                                           /* shared flag: drop this minibatch */
    void (*poll)(struct rnn_job *job);                  /* called by worker 0 after every POLL_WORK multiplications */
    isize work_until_poll;
    unsigned control;                                   /* worker 0's floating-point control outside the kernels */
    double last_poll;
    void *owner;
    rnn_gemm gemm;                                      /* BLAS for big products outside the time loop, or NULL */
} rnn_job;

typedef enum { NUMBERS, TWO_CLASSES, CLASS_PER_OUTPUT } rnn_targets;

typedef struct {
    const char *name;
    rnn_targets targets;                                /* TWO_CLASSES: with one output */
} rnn_loss_info;

typedef struct {
    const char *name;
    int n_state;                                        /* vectors kept per parameter */
    int decoupled_decay;                                /* alpha shrinks the weights apart from the gradient */
    int keeps_squares;                                  /* of the gradient; they overflow long before the gradient */
} rnn_optimizer_info;

/* A phase of a minibatch; it does this worker's share. */
typedef void (*rnn_phase)(rnn_job *job, isize worker);

typedef struct {
    const char *simd_level;
    int real_bytes;
    const rnn_cell *const *cells;                       /* the rosters; each ends with NULL (a NULL name) */
    const rnn_loss_info *losses;
    const rnn_optimizer_info *optimizers;
    int (*plan)(rnn_network *network);                  /* 0, or -1 when a size overflows */
    void (*poison_gaps)(const rnn_region *region, isize copies, void *memory);      /* a no-op without AddressSanitizer */
    rnn_phase pack, train, predict, reduce, update;
    /* losses[i] = loss of row i of raw outputs (n, n_outputs), 0 where its weight is 0; row (head.width,) is scratch */
    void (*row_losses)(const rnn_job *job, isize n, const void *outputs, void *row, double *losses);
    void (*math)(int function, isize n, const void *x, void *y);       /* 0 exp, 1 sigmoid, 2 tanh */
} rnn_kernels;

/* The tables of a real type (4 or 8 bytes), slowest level first; NULL after the last one that was compiled and runs here. */
const rnn_kernels *rnn_kernels_of(int real_bytes, int level);
const char *rnn_compiled_level(int level);              /* name of the level, or NULL after the last */

#endif
