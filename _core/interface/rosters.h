/* Descriptions of the entries of the rosters: cells, losses, optimizers. */
#ifndef SKLEARN_RNN_ROSTERS_H
#define SKLEARN_RNN_ROSTERS_H

enum { MAX_BLOCKS = 4 };

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

typedef enum { NUMBERS, TWO_CLASSES, CLASS_PER_OUTPUT } rnn_targets;

typedef struct {
    const char *name;
    rnn_targets targets;                                /* TWO_CLASSES: with one output */
} rnn_loss_info;

typedef struct {
    const char *name;
    int n_moments;                                        /* vectors kept per parameter */
    int decoupled_decay;                                /* alpha shrinks the weights apart from the gradient */
    int keeps_squares;                                  /* of the gradient; they overflow long before the gradient */
} rnn_optimizer_info;

#endif
