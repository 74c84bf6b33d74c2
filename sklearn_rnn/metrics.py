"""Scores for one target per step, for entities, and for sequences of other lengths.

The scores of `sklearn.metrics` take one target per sample. Those of steps take an array
(n_samples, n_timesteps[, k]), or a list, tuple or object array with one array
(n_timesteps_i[, k]) per sequence; the two arguments may have different forms. Those that need no
probabilities work with `sklearn.metrics.make_scorer` without further arguments; `step_scorer` makes
any scorer of scikit-learn one of steps.
"""

from ._metrics.classes import (
    step_classification_report,
    step_confusion_matrix,
    step_f1_score,
    step_log_loss,
    step_roc_auc,
)
from ._metrics.edits import edit_distance, sequence_error_rate, token_error_rate
from ._metrics.entities import entity_classification_report, entity_f1_score
from ._metrics.errors import (
    step_mean_absolute_error,
    step_mean_pinball_loss,
    step_root_mean_squared_error,
)
from ._metrics.scorers import step_scorer
from ._metrics.steps import sequence_accuracy, step_accuracy, step_r2

__all__ = [
    "edit_distance",
    "entity_classification_report",
    "entity_f1_score",
    "sequence_accuracy",
    "sequence_error_rate",
    "step_accuracy",
    "step_classification_report",
    "step_confusion_matrix",
    "step_f1_score",
    "step_log_loss",
    "step_mean_absolute_error",
    "step_mean_pinball_loss",
    "step_r2",
    "step_roc_auc",
    "step_root_mean_squared_error",
    "step_scorer",
    "token_error_rate",
]
