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

/* What a row has as its target. */
typedef enum {
    NUMBERS,                /* a number for each output */
    NUMBERS_PER_QUANTILE,   /* a number for each run of `n_quantiles` outputs */
    TWO_CLASSES,            /* class 0 or 1, with one output */
    CLASS_PER_OUTPUT,       /* one of as many classes as outputs */
    LABEL_PER_OUTPUT,       /* 0 or 1 for each output */
    CLASS_PER_GROUP,        /* a class for each group of outputs */
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
