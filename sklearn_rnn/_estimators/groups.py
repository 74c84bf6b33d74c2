"""The headings under which the docstrings of the estimators list their parameters."""

import re

GROUPS = {
    "Network": (
        *("hidden_layer_sizes", "cell", "bidirectional", "merge_mode", "connections"),
        *("layer_normalization", "input_layers", "output_layer_sizes", "pooling"),
    ),
    "Decoder": (
        *("decoder_layer_sizes", "decoder_cell", "decoder_embedding_dim", "attention"),
        *("teacher_forcing", "beam_width", "length_penalty", "max_length"),
    ),
    "Texts": (
        *("analyzer", "token_pattern", "lowercase", "min_count", "max_tokens", "vocabulary"),
        *("tie_embeddings", "adaptive_softmax"),
    ),
    "X": (
        *("normalize_X", "categorical_features", "embedding_dim", "embedding_init"),
        "word_dropout",
    ),
    "Targets and loss": (
        *("mode", "tasks", "task_weights", "loss", "huber_delta", "quantile", "normalize_y"),
        *("class_weight", "label_smoothing", "transitions", "allowed_transitions"),
    ),
    "Dropout, noise and penalties": (
        *("dropout", "output_dropout", "input_dropout", "input_noise", "alpha", "l1_ratio"),
    ),
    "Minibatches and windows": (*("batch_size", "gradient_accumulation_steps", "bptt", "shuffle"),),
    "Learning rate": ("learning_rate_init", "learning_rate", "power_t", "warmup"),
    "Optimizer": (
        *("solver", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon"),
        *("max_grad_norm", "max_grad_value", "ema_decay"),
    ),
    "End of training": (
        *("max_iter", "max_fun", "tol", "n_iter_no_change", "early_stopping"),
        *("validation_fraction", "scoring"),
    ),
    "Initial weights": ("warm_start", "weights_init", "frozen"),
    "Running": ("random_state", "n_threads", "memory_budget", "dtype", "verbose"),
}
HEADING = re.compile(r"-- (?P<heading>.+) --")


def under_headings(entries):
    """Return the entries of parameters, a dict by name, as a text with headings between groups."""
    lines = []
    for heading, names in GROUPS.items():
        if group := [entries[name] for name in names if name in entries]:
            lines += [f"-- {heading} --", *group]
    return "\n".join(lines)
