"""scikit-learn's `available_if`, as type checkers should see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._typing import Decorated

    def available_if(check: Callable[[Any], bool]) -> Callable[[Decorated], Decorated]:
        """Make a method available only where the check says so."""
        ...

else:
    from sklearn.utils.metaestimators import available_if

__all__ = ["available_if"]
