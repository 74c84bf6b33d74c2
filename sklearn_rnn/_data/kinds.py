"""The kinds of targets, by the losses of their networks."""

from __future__ import annotations

from .._training.losses import LOSSES
from .label_columns import Indicator, LabelColumns
from .labels import Labels
from .tags import Tags
from .targets import Numbers
from .tasks import Tasks

Target = Labels | Tags | Indicator | LabelColumns | Numbers | Tasks

KINDS = {"multilabel": Indicator, "multioutput": LabelColumns, "multitask": Tasks}


def target_in(attributes, network):
    """Return the target that the attributes of an estimator describe."""
    if network.has_transitions:
        return Tags.from_attributes(attributes, network)
    kind = Labels if LOSSES[network.loss].targets == "classes" else Numbers
    return KINDS.get(network.loss, kind).from_attributes(attributes, network)
