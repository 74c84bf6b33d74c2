"""Types of the parameters of the estimators, where several of them share one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from .._live.following import Follower
from .._truncated_bptt import TruncatedBPTT
from .._typing import (
    ArrayLike,
    CellName,
    Integer,
    KeyedVectors,
    Number,
    PoolingName,
    RateSchedule,
    SequenceNotStr,
    SupportsArray,
    TagScheme,
)
from ..cells import Cell
from ..layers import Attention, Conv1D, Dense

# In a list, any str is allowed: checkers forget which strings a variable with a list holds.
Cells: TypeAlias = CellName | Cell | SequenceNotStr[str | Cell]
InputLayers: TypeAlias = SequenceNotStr[Dense | Conv1D]
Pooling: TypeAlias = PoolingName | Attention
Truncation: TypeAlias = Integer | TruncatedBPTT | None
BatchSize: TypeAlias = Integer | Literal["auto"]
LearningRate: TypeAlias = RateSchedule | Callable[[float], float]
Features: TypeAlias = Literal["all", "from_dtype"] | ArrayLike | None
Dimensions: TypeAlias = Integer | Literal["auto"] | SequenceNotStr[Integer]
Vectors: TypeAlias = ArrayLike | Mapping[Any, Any] | KeyedVectors | None
ClassWeight: TypeAlias = (
    Literal["balanced"] | Mapping[Any, Number] | SequenceNotStr[Mapping[Any, Number]] | None
)
Transitions: TypeAlias = TagScheme | SequenceNotStr[Any] | NDArray[Any] | None
Quantiles: TypeAlias = Number | SequenceNotStr[Number] | SupportsArray
TeacherForcing: TypeAlias = Number | Literal["linear"] | Callable[[float], float]
Frozen: TypeAlias = str | SequenceNotStr[str]
Verbose: TypeAlias = Integer | Follower
Callback: TypeAlias = Callable[[Any, dict[str, Any]], Any] | Follower
Callbacks: TypeAlias = Callback | SequenceNotStr[Callback] | None
