/* A network: its layers and head, and where their arrays are.
 *
 * Letters: T steps, B batch, I inputs, H hidden units, G gates; Hp is H padded to whole vectors, D the number of directions.
 * All arrays are row-major and owned by NumPy; the kernels fill them and allocate nothing. Positions inside an arena
 * ("offset in ...") are counted in numbers, not bytes.
 */
#ifndef SKLEARN_RNN_NETWORK_H
#define SKLEARN_RNN_NETWORK_H

#include "interface/isize.h"
#include "interface/rosters.h"

enum { MAX_LAYERS = 64, MAX_DIRECTIONS = 2 };

/* Weight gradients are taken once this many rows (steps x sequences) of gate gradients wait in cache. */
enum { BLOCK_ROWS = 128 };

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

#endif
