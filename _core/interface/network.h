/* What a network is: nodes, each of which reads the streams of others and writes its own, and the tables of its parameters.
 *
 * H is the number of units of a direction of a node, Hp the same padded to whole vectors. All arrays are row-major. Positions
 * ("at", "packed", "gradient") are counted in numbers from the beginning of a region, not in bytes. Of a stream's `at`, `d` and
 * `before` and a node's `gates`, -1 means that there is no such array.
 *
 * The caller fills in what is marked "given" and allocates the tables; `plan` fills in the rest.
 */
#ifndef SKLEARN_RNN_NETWORK_H
#define SKLEARN_RNN_NETWORK_H

#include "interface/isize.h"

enum {
    MAX_DIRECTIONS = 2, MAX_BLOCKS = 8, MAX_STATES = 3, MAX_OWN = 2, MAX_KEPT = 10, MAX_OPTIONS = 8,
    MAX_NODES = 401, MAX_SOURCES = 80,                  /* of a node */
    MAX_SHIFT = 16, MAX_CARRIED = MAX_NODES, MAX_TAILS = 8,
    MAX_AXES = 2,
};

/* Weight gradients are taken once this many rows (steps x sequences) of gate gradients wait in cache. */
enum { BLOCK_ROWS = 128 };

/* ---- parameters ---- */

typedef enum { ZEROS, CONSTANTS, GLOROT, ORTHOGONAL, FROM_0_TO_1, EMBEDDING } rnn_initial;

/* An array of parameters. Its rows are groups (gates) of `units` rows. In the flat vector it has no padding; a slice's gradient
 * holds it transposed, (columns, ld), each group beginning at its own column. */
typedef struct {
    int node, direction;
    const char *stem;                                   /* its name without that of the node */
    int n_groups, n_axes;                               /* 1: (groups * units,); 2: (groups * units, columns);
                                                           3: (groups, units) */
    isize units, columns;
    int decays;                                         /* weights are penalised, biases are not */
    rnn_initial initial;
    double constant[MAX_BLOCKS];                        /* initial value of each group, for CONSTANTS */
    isize at, size;                                     /* in the flat parameters */
    isize summed;                                       /* in the flat gradient, which has no tables */
    isize gradient, ld, column[MAX_BLOCKS];             /* in a slice's gradient, unless it is a table */
    int is_table;                                       /* a minibatch reads few of its rows, and only these have gradients */
    int is_tied;                                        /* an embedding, too, reads rows of it */
    int frozen;                                         /* training does not change it: it has no gradient */
    isize most_touched;                                 /* rows that a slice can touch, of a table or a tied array */
    isize touched, ld_touched;                          /* in a slice's rows: (most_touched, ld_touched) their gradients */
    isize codes;                                        /* in a slice's codes: (1 + 2 most_touched,) how many it has touched,
                                                           and which */
} rnn_tensor;

typedef enum {
    COLUMNS,        /* panels of T^T: B[i][block, j] = T[group * units + j][first + i] */
    ROWS,           /* panels of T: B[i][part, j] = T[first_row + i][first + part * units + j] */
    PADDED,         /* vectors, each group padded to `width`; the sum of two tensors */
} rnn_format;

/* A tensor, or some of its columns, in the form in which kernels read it. */
typedef struct {
    rnn_format format;
    int tensor[2];                                      /* -1: no second one, which only PADDED may have */
    int n_blocks, group[2][MAX_BLOCKS];                 /* COLUMNS, PADDED: group of the tensor in each block, or -1 */
    isize first, k;                                     /* COLUMNS: k columns from `first` on; ROWS: k rows */
    isize first_row;                                    /* ROWS: the first of them */
    isize parts, units, width;                          /* `width` is that of a block or part; ROWS has `parts` of them */
    isize at;                                           /* in the packed weights */
} rnn_packing;

/* ---- streams and sources ---- */

typedef enum {
    PRESENT,        /* one step, which the next one overwrites */
    KEPT,           /* all steps of a segment */
    ONCE,           /* one row per sequence */
    NOWHERE,        /* the node passes its rows on at once */
} rnn_lifetime;

/* What a node writes: rows packed by step (or one per sequence), each of `parts` runs of `units` numbers, `width` apart. */
typedef struct {
    isize parts, units, width, ld;
    isize start[MAX_DIRECTIONS];                        /* of each part in a row */
    int backwards[MAX_DIRECTIONS];                      /* whether a part runs from the last step to the first */
    rnn_lifetime life;
    isize at;                                           /* in a worker's arena: (rows, ld) */
    isize d, ld_d;                                      /* there: its gradient */
    int reach;                                          /* greatest shift at which it is read */
    int begins_with;                                    /* node whose first state is the step before the first one; 0: none is */
    isize before;                                       /* there: (segments, reach, max_rows, ld) the steps before a
                                                           segment, latest first */
    int has_gradient;
    int zeroed;                                         /* its gradient begins with zeros, to which all readers add */
} rnn_stream;

/* A stream as a node reads it. */
typedef struct {
    int node, shift;                                    /* given: whose stream; steps back, at least 0 */
    int stem;                                           /* given: index into `weight_stems` */
    int overwrites;                                     /* its reader writes the gradient of the stream; others add to it */
    int at_once;                                        /* the gradient is passed on at each step, not by blocks */
    isize left_over;                                    /* shifted: gradient of the steps before the segment, in a worker's arena:
                                                           (shift, max_rows, ld), latest first */
    isize first;                                        /* its first column in the tensor */
    int tensor[MAX_DIRECTIONS];
    isize packed[MAX_DIRECTIONS][MAX_BLOCKS];           /* COLUMNS by group of blocks */
    isize packed_rows[MAX_DIRECTIONS];                  /* ROWS, for the gradient of the source */
    isize gradient[MAX_DIRECTIONS];                     /* (columns, ld) in a slice's gradient */
} rnn_source;

/* ---- nodes ---- */

/* Blocks that take the same products. */
typedef struct {
    int first, n_blocks, takes_x, takes_h;
    int late;                                           /* `takes_h`, but not of h: of what the cell has put into `late_block` */
} rnn_block_group;

/* Which gates are in which blocks. */
typedef struct {
    int n_blocks;
    int x_gate[MAX_BLOCKS], h_gate[MAX_BLOCKS];         /* in each block: gate with a product of the sources, of h, or -1 */
    int x_block[MAX_BLOCKS], h_block[MAX_BLOCKS];       /* block of each gate */
    int late_block;
} rnn_blocks;

/* What a cell declares. Its gate buffer is a row of blocks, each Hp wide; a block receives the products of one gate with the
 * sources, or with the previous state h, or with both. */
typedef struct {
    const char *gates, *state_name[MAX_STATES];         /* names; those of the gates separated by blanks */
    int n_blocks, n_states, n_own, n_groups;
    int n_x, n_h;                                       /* gates with a product of the sources, of h */
    int x_gate[MAX_BLOCKS], h_gate[MAX_BLOCKS];         /* in each block: which of these, or -1 */
    int x_block[MAX_BLOCKS], h_block[MAX_BLOCKS];       /* block of each of these */
    rnn_blocks joined;                                  /* with a norm, all products are apart; these are the cell's blocks */
    int n_late, late_block;                             /* 1 if U of the last gate multiplies that block instead of h; else 0 */
    rnn_block_group group[MAX_BLOCKS];
    double bias[MAX_BLOCKS];                            /* initial bias of each gate */
    int memory[MAX_BLOCKS];                             /* of each gate: 1 where an open one (1) keeps the state, -1 where it
                                                           replaces the state, or 0 */
    struct {
        const char *stem;
        int n_vectors;                                  /* shape (n_vectors, H), or (H,) if 1 */
        rnn_initial initial;
    } own[MAX_OWN];                                     /* parameters of its own */
    int reads_output;                                   /* the output of the step before is one of its sources */
    int h_from_source;                                  /* sources with weights "weight_hh" take the place of the previous h */
    int gates_end_with_forward;                         /* backward does not read the gates: d_out may be stored in their place */
    int seen_state;                                     /* with a norm, h sees that of this state; 0: of none */
} rnn_cell;

typedef enum { NO_NORM, LAYER_NORM, RMS_NORM } rnn_normalization;

enum { MAX_NORM_ARRAYS = 5 };       /* of a direction of a node */

/* Where the arrays of a node's norms are: gains of the products of the sources and of h, by gate; what is added to both, by
 * block of the cell; gain and bias of the state that h sees. */
typedef struct {
    isize gain_ih, gain_hh, bias, gain_state, bias_state;
} rnn_norm_arrays;

/* One direction of a node. */
typedef struct {
    int reverse;
    int first_tensor, n_tensors, n_groups;
    isize first_piece;                                  /* among the sums of squares of the gradient */
    isize bias, u[MAX_BLOCKS], own[MAX_OWN];            /* packed weights; u by group of blocks */
    isize u_rows, late_rows;                            /* for the gradient of h, and of what a late gate multiplies */
    isize d_bias, d_u, d_own[MAX_OWN];                  /* in a slice's gradient */
    int u_is_frozen;
    rnn_norm_arrays norm, d_norm;                       /* packed weights; in a slice's gradient */
    isize initial[MAX_STATES], d_initial[MAX_STATES];   /* learned states of the beginning: packed, and in that gradient */
    isize x_start[MAX_BLOCKS], h_start[MAX_BLOCKS];     /* where each gate begins in a row of gate gradients */
} rnn_direction;

struct node_kind;       /* see plan/kind.h */

typedef struct {
    /* given */
    int kind;                                           /* index into the roster of kinds */
    int cell;                                           /* index into the roster */
    int n_directions;
    isize units;                                        /* of each direction */
    double option[MAX_OPTIONS], cell_option[MAX_OPTIONS];   /* of its kind, of its cell */
    int axis;                                           /* on whose steps its rows are */
    int first_source, n_sources;
    int n_beginnings;                                   /* 1 if one more source, behind those, has the states before the first
                                                           step, one after another; else 0 */
    rnn_direction direction[MAX_DIRECTIONS];            /* given: `reverse` */
    int frozen;                                         /* all of its parameters are */
    /* filled in by plan() */
    int needed, stage;
    int learns;                                         /* its stream depends on what has a gradient */
    rnn_cell declared;
    rnn_stream out;
    isize width;                                        /* Hp */
    isize gates, ld_gates;                              /* in a worker's arena: (rows, ld_gates); a head: (rows, Hp) logits */
    int gates_kept;
    isize state[MAX_STATES], before[MAX_STATES], d_state[MAX_STATES];   /* (rows, ld), (segments, max_rows, ld), (max_rows, Hp) */
    isize d_late;                                       /* (max_rows, Hp) gradient of what a late gate multiplies */
    isize h_mask, dropped;                              /* recurrent dropout: (directions, max_rows, Hp), (max_rows, ld) */
    isize zone, apart[MAX_STATES], d_kept[MAX_STATES];  /* zoneout: (Hp,), (rows, ld) new states, (max_rows, Hp) */
    isize gates_column;                                 /* of the second direction in a row of gates */
    rnn_normalization normalization;
    isize norm_scales, joined;                          /* in a worker's arena: of each norm of products (rows, directions,
                                                           norms); of a step (max_rows, Hp of the cell's blocks and states) */
    isize operands, n_operands;                         /* in a worker's walks; of each direction */
    isize kept[MAX_KEPT];                               /* in a worker's arena: what else its kind keeps */
    int seeds;                                          /* whether back-propagation of its source begins with it */
    int seeded_by;                                      /* the node with whose gradient it begins, or -1 */
    isize work, work_back;                              /* multiplications per row, forward and back */
} rnn_node;

/* Nodes that go through a segment together, step by step; several only where they must. */
typedef struct {
    int axis;
    int first, end;                                     /* in the network's `order` */
    int n_directions, reverse[MAX_DIRECTIONS];
    int by_segment;                                     /* its one node takes all steps of a segment at once */
    int first_back, end_back;                           /* in `order_back` */
    int reach;                                          /* greatest shift of a source */
    isize work, work_back;                              /* multiplications per row, forward and back */
} rnn_stage;

/* A state that calls take and return: one of a cell's, or (state -1) a stream that is read `back` + 1 steps later. */
typedef struct {
    int node, state, back;
    isize at;                                           /* in a worker's arena, before the first step: (max_rows, ld) */
    isize column;                                       /* in a row of states, where it has the units of its node */
} rnn_carried;

/* ---- axes ---- */

/* A time axis: the steps of X (the source), or those of y (the target). A minibatch has the same sequences on both. */
typedef struct {
    /* given */
    int data;                                           /* the node that is its data */
    isize n_features;
    isize stride, window;                               /* step t of the axis reads `window` steps of the data from step
                                                           stride * t back: the data node has `window` times as many units */
    isize *column;                                      /* of the values, for each column of the data's stream; NULL: they have
                                                           no codes */
    /* filled in by plan() */
    int first_node, end_node, first_stage, end_stage;   /* in the network's `order`, and among its stages */
    isize max_steps, max_slice_steps;                   /* of a slice: longest sequence, sum of lengths */
    isize segment_rows, max_segments;                   /* rows (steps x sequences) that an arena keeps at a time */
    int has_beginning;                                  /* there is room for what comes before the first step */
    isize offset, length, sample, bounds, source_row;   /* in a worker's integers */
} rnn_axis;

/* ---- the network ---- */

/* Memory that the plan cuts into parts. AddressSanitizer notices only accesses beyond an array, so its builds have poisoned gaps
 * between the parts, which no code may touch. */
enum { MAX_GAPS = 4096 };

typedef struct {
    isize size;
#ifdef __SANITIZE_ADDRESS__
    int n_gaps;
    struct { isize first, end; } gap[MAX_GAPS];
#endif
} rnn_region;

typedef struct {
    /* given: node 0 is the data, the last one that of the second axis if there is one; each node has its sources in a row; the
     * tables have room for all that plan() adds */
    int n_axes;                                         /* that the result needs */
    rnn_axis axis[MAX_AXES];
    int n_nodes, n_sources;
    const struct node_kind *kinds;                      /* the roster */
    const unsigned char *frozen;                        /* (n_tensors,) whether each is; NULL: none is */
    rnn_node *node;
    rnn_source *source;
    rnn_tensor *tensor;
    rnn_packing *packing;
    int per_step, training;
    int input_gradient;                                 /* whether the gradient of the data is computed */
    int by_step;                                        /* all nodes go step by step, also where no loop asks for it */
    int carried;                                        /* the states before the first step are given, not zero */
    int probe;                                          /* the squares of the gradients of h are kept */
    int session;                                        /* one slice of all sequences, one step at a time */
    int result;                                         /* node whose stream is the output */
    int loss;                                           /* index into the losses */
    double huber_delta;
    double label_smoothing;                             /* of losses of classes, at least 0 and below 1 */
    isize n_quantiles, n_groups;
    const double *quantile;                             /* (n_quantiles,) */
    const isize *group;                                 /* (n_groups + 1,) first output of each group, and the end */
    const int *group_loss;                              /* (n_groups,) of "multitask": number of the loss of each group */
    const double *group_weight;                         /* (n_groups,) and its weight */
    isize n_targets;                                    /* numbers or labels that a row has as its target */
    const unsigned char *allowed;                       /* of a "crf", (outputs + 1, outputs + 1): whether a tag may follow another;
                                                           the last row is for the start, the last column for the end;
                                                           NULL: all are allowed */
    /* filled in by plan() */
    int tied;                                           /* the embedding that reads the weights of the head, or -1 */
    int head, n_tensors, n_packings, n_ordered, n_stages;
    int order[MAX_NODES];                               /* the nodes that the result needs */
    int order_back[MAX_NODES];                          /* those of them that learn; others have no backward */
    rnn_stage stage[MAX_NODES];
    int n_tails, tail[MAX_TAILS];                       /* nodes with more outputs than the head's, in the order of classes */
    isize outputs, output_width;                        /* of the head and its tails; padded */
    isize max_rows, max_steps;                          /* of a slice: sequences, longest one on any axis */
    isize n_params, n_summed, n_pieces;                 /* without tables; pieces of the gradient, for its norm */
    isize n_workers;
    isize probe_bytes;                                  /* of all slices: (n_slices, n_nodes, 2, max_steps) */
    rnn_region packed, gradient, arena;
    rnn_region touched;                                 /* of a slice: gradients of the rows of tables that it touches */
    isize n_codes;                                      /* of a slice: integers for the numbers of these rows */
    isize n_ints;                                       /* a worker's integers */
    isize walk_size, operand_size, walk_bytes;          /* of a walk, of an operand, of a worker's walks: bytes */
    isize widest;                                       /* greatest width of a node */
    isize rows_passed, widest_passed;                   /* most rows, greatest width of gradients of a shifted source */
    isize panel, logits, zeros, passed;                 /* in a worker's arena; zeros (widest,), passed (rows_passed, its ld) */
    int n_carried;
    rnn_carried carried_state[MAX_CARRIED];
    isize state_columns;                                /* in a row of states */
    isize gathered[MAX_SOURCES + 1], ld_gathered;       /* there: copies of rows of earlier steps, (waiting, ld_gathered) each */
} rnn_network;

/* Source number i of a node, and the stream that it reads. */
static inline rnn_source *source_of(const rnn_network *network, const rnn_node *node, int i)
{
    return &network->source[node->first_source + i];
}

static inline rnn_stream *stream_of(const rnn_network *network, const rnn_source *source)
{
    return &network->node[source->node].out;
}

/* The source with the states before the first step, or NULL. */
static inline rnn_source *beginning_of(const rnn_network *network, const rnn_node *node)
{
    return node->n_beginnings ? &network->source[node->first_source + node->n_sources] : NULL;
}

static inline const rnn_axis *axis_of(const rnn_network *network, const rnn_node *node) { return &network->axis[node->axis]; }

/* The axis of the result. */
static inline int last_axis(const rnn_network *network) { return network->n_axes - 1; }

/* How many steps of an axis n steps of its data make. */
static inline isize steps_of(const rnn_axis *axis, isize n) { return (n - 1) / axis->stride + 1; }

#endif
