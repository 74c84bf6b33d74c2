"""What the estimators must know of each loss; its arithmetic is in `_core`."""

from typing import NamedTuple

import numpy as np


class Loss(NamedTuple):
    task: str  # "classes" or "numbers"
    out_activation: str  # what makes a prediction of the head's output
    power: int  # the loss of targets c times larger is c ** power times larger


LOSSES = {
    "softmax": Loss("classes", "softmax", 0),
    "logistic": Loss("classes", "logistic", 0),
    "squared_error": Loss("numbers", "identity", 2),
    "absolute_error": Loss("numbers", "identity", 1),
    "huber": Loss("numbers", "identity", 2),
    "poisson": Loss("numbers", "exp", 0),
}

REGRESSION_LOSSES = tuple(name for name, loss in LOSSES.items() if loss.task == "numbers")


def classification_loss(n_classes):
    """Return the loss and the number of outputs for so many classes."""
    return ("logistic", 1) if n_classes == 2 else ("softmax", n_classes)


def unit_of_loss(loss, y_scale):
    """Return the factor from the loss of targets divided by `y_scale` to that of the targets.

    For several outputs it is the mean over them, which is exact when all outputs are learned
    equally well or have the same scale.
    """
    with np.errstate(over="ignore"):  # a squared loss of huge targets is no float any more
        return float(np.mean(y_scale ** LOSSES[loss].power))
