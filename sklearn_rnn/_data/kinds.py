"""The kinds of targets, by the losses of their networks."""

from __future__ import annotations

from .._training.losses import LOSSES
from .label_columns import Indicator, LabelColumns
from .labels import Labels
from .next_tokens import NextTokens
from .series import Series
from .tags import Tags
from .targets import Numbers
from .tasks import Tasks
from .tokens import Tokens

Target = Labels | Tags | Indicator | LabelColumns | Numbers | Tasks | NextTokens | Tokens | Series

KINDS = {"multilabel": Indicator, "multioutput": LabelColumns, "multitask": Tasks}
PAIRS = {"classes": Tokens, "numbers": Series}  # of decoders, by what they hold


def target_in(attributes, network):
    """Return the target that the attributes of an estimator describe."""
    if network.has_transitions:
        return Tags.from_attributes(attributes, network)
    if "encoder_" in attributes:
        return NextTokens.from_attributes(attributes, network)
    holds = LOSSES[network.loss].targets
    if network.is_pair:
        return PAIRS[holds].from_attributes(attributes, network)
    kind = Labels if holds == "classes" else Numbers
    return KINDS.get(network.loss, kind).from_attributes(attributes, network)
