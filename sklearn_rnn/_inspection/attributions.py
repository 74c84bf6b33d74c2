"""What occlusion and integrated gradients share: what is explained, and what it is compared to."""

from __future__ import annotations

import numpy as np

from .._rules import shown
from .displays.reading import network_and_X
from .outputs import Output, check_kind


def begin(estimator, X, target, step):
    """Return the model, X as its network reads it, X as sequences, and the output."""
    rnn, X = network_and_X(estimator, X)
    check_kind(rnn)
    model = rnn._fitted_model()
    sequences = rnn._read_X(model, X)
    return model, X, sequences, Output.of(model, sequences, target, step, rnn._threads())


def baseline_values(model, sequences, baseline):
    """Return the values to compare with (n_steps, n_features), of X as `sequences` hold it."""
    values = sequences.values.astype(np.float64)
    if baseline is not None:
        try:
            row = np.asarray(baseline, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"`baseline` must be numbers, got {shown(baseline)}.") from error
        if row.shape not in ((), (values.shape[1],)) or not np.isfinite(row).all():
            raise ValueError(
                "`baseline` must be None, a finite number, or one for each of the "
                f"{values.shape[1]} features, got {shown(baseline)}."
            )
    else:
        row = values.mean(axis=0)
    changed = np.broadcast_to(row, values.shape).copy()
    for column, n_rows, _ in model.network.tables:  # the code of unknown categories
        changed[:, column] = n_rows - 1
    return changed
