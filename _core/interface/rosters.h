/* Descriptions of the entries of the rosters: kinds of nodes, cells and their options, losses, optimizers. */
#ifndef SKLEARN_RNN_ROSTERS_H
#define SKLEARN_RNN_ROSTERS_H

typedef enum { CHOICE, BOOLEAN, NUMBER } rnn_option_type;

/* An option of a cell, or of another kind of node. A choice is the number of a word in `choices`. */
typedef struct {
    const char *name;
    rnn_option_type type;
    const char *choices;                                /* separated by blanks */
    double preset;                                      /* value unless another is given */
    double least, below;                                /* allowed numbers, if least < below; else any */
} rnn_option;

/* How many rows the stream of a kind of node has. */
typedef enum { ROWS_OF_SOURCE, ROW_PER_STEP, ROW_PER_SEQUENCE } rnn_rows;

/* What callers and the plan must know of a kind of node. */
typedef struct {
    const char *name;
    const rnn_option *options;                          /* or NULL; its cell may have more */
    rnn_rows rows;
    int has_units, has_cell, has_directions;
    int one_direction;                                  /* only one of them at a time */
    int reads_codes;                                    /* it reads the codes in a column of X, its first option; no sources */
    int stem_first;                                     /* arrays are called "weight_ih_l0", not "l0.weight" */
    /* what it reads */
    int reads_one, reads_equal;                         /* one source; sources of one width and direction, which are its own */
    int reads_shifts, reads_once;                       /* sources at earlier steps; streams with a row per sequence */
    int needs_earlier;                                  /* its first source is an earlier node: it has the form of its stream */
    int merges;                                         /* it reads both directions of a stream and makes one part of them */
    int reads_stems;                                    /* sources with other weights than the first stem's */
    int reads_beginning;                                /* a row per sequence of the other axis: its states before the first step */
    int reads_memory;                                   /* all its sources but the first belong to the other axis */
    /* how its streams live */
    int on_demand;                                      /* it makes its stream only for nodes that read it */
    int only_last_rows;                                 /* it reads only the last rows of a stream */
    int may_be_seeded;                                  /* back-propagation can begin with the gradient of its last rows */
    int training_only;                                  /* in a prediction, its source takes its place */
    int in_place;                                       /* a lone reader may change the gradient of its source in place */
    int gathers;                                        /* it copies rows of earlier steps for the gradients of weights */
    int gathers_forward;                                /* and for products forward */
    int is_output;                                      /* it has the outputs, their loss and its gradient */
    int is_tail;                                        /* it has more of them, for the head */
    int of_sequences;                                   /* a result, or the loss, needs all steps of a sequence; no node reads it */
} rnn_kind_info;

/* What a row has as its target. */
typedef enum {
    NUMBERS,                /* a number for each output */
    NUMBERS_PER_QUANTILE,   /* a number for each run of `n_quantiles` outputs */
    TWO_CLASSES,            /* class 0 or 1, with one output */
    CLASS_PER_OUTPUT,       /* one of as many classes as outputs */
    LABEL_PER_OUTPUT,       /* 0 or 1 for each output */
    CLASS_PER_GROUP,        /* a class for each group of outputs */
    NUMBER_PER_GROUP,       /* for each group of outputs a number, or the number of a class; NaN if it is missing */
} rnn_targets;

typedef struct {
    const char *name;
    rnn_targets targets;
    const char *link;                                   /* from outputs to predictions */
} rnn_loss_info;

typedef struct {
    const char *name;
    int n_moments;                                      /* vectors kept per parameter */
    int decoupled_decay;                                /* alpha shrinks the weights apart from the gradient */
    int keeps_squares;                                  /* of the gradient; they overflow long before the gradient */
} rnn_optimizer_info;

#endif
