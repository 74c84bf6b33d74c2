"""Networks that begin with what other data have taught them."""

from ._estimators.reptile import Reptile
from ._estimators.transfer import transfer

__all__ = ["Reptile", "transfer"]
