"""Networks that begin with what other data have taught them."""

from ._estimators.transfer import transfer

__all__ = ["transfer"]
