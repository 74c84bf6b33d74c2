"""Types in the signatures of the public classes and functions.

The names that a parameter allows are listed here because type checkers do not compute them; a test
compares them with the rosters.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

T_co = TypeVar("T_co", covariant=True)
Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Estimator = TypeVar("Estimator")

# ---- numbers ------------------------------------------------------------------------------------

Integer: TypeAlias = int | np.integer[Any]
Number: TypeAlias = float | np.floating[Any] | np.integer[Any]
RandomState: TypeAlias = Integer | np.random.RandomState | None

# ---- arrays, and what can be read as arrays -----------------------------------------------------

Array: TypeAlias = NDArray[Any]  # also an object array with one array per sequence
Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.intp]


class SupportsArray(Protocol):
    """An array, a data frame or a column of a data frame."""

    def __array__(self) -> np.ndarray[Any, Any]: ...


class SequenceNotStr(Protocol[T_co]):
    """A list or a tuple; a str is refused, because it must allow every object behind `in`."""

    def __getitem__(self, index: SupportsIndex, /) -> T_co: ...
    def __contains__(self, value: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T_co]: ...
    def __reversed__(self) -> Iterator[T_co]: ...
    def index(self, value: Any, /) -> int: ...
    def count(self, value: Any, /) -> int: ...


class KeyedVectors(Protocol):
    """Vectors of words, as gensim holds them."""

    @property
    def key_to_index(self) -> Any: ...
    def __getitem__(self, key: Any, /) -> Any: ...


# NumPy's own `ArrayLike` allows numbers and str, but not labels of other types or None.
ArrayLike: TypeAlias = SupportsArray | SequenceNotStr[Any]
SequencesLike: TypeAlias = ArrayLike  # X in any form
Targets: TypeAlias = ArrayLike  # y, in most estimators
TextsLike: TypeAlias = str | ArrayLike
States: TypeAlias = Mapping[str, ArrayLike]
Sizes: TypeAlias = Integer | SequenceNotStr[Integer] | NDArray[np.integer[Any]]
Range: TypeAlias = SequenceNotStr[Number] | SupportsArray  # (low, high)
Columns: TypeAlias = Hashable | SequenceNotStr[Hashable]  # of a data frame
# What these are depends on an argument, such as the library of a data frame.
Frame: TypeAlias = Any
Transformed: TypeAlias = Any

# ---- other arguments ----------------------------------------------------------------------------

Scoring: TypeAlias = str | Callable[..., Any] | None
Analyzer: TypeAlias = Literal["word", "char", "bpe"] | Callable[[str], Any]
Ax: TypeAlias = "Axes | None"
AxOrAxes: TypeAlias = "Axes | SequenceNotStr[Axes] | NDArray[Any] | None"

# ---- names --------------------------------------------------------------------------------------

Activation: TypeAlias = Literal["identity", "tanh", "relu", "logistic"]
AttentionName: TypeAlias = Literal["additive", "dot", "general"]
Backend: TypeAlias = Literal["auto", "tqdm", "rich"]  # of progress bars
BiasInitializer: TypeAlias = Literal["zeros", "pytorch", "chrono"]
BiasInitializerWithoutGates: TypeAlias = Literal["zeros", "pytorch"]
CellName: TypeAlias = Literal[
    "elman", "lstm", "gru", "jordan", "indrnn", "mgu", "mingru", "minlstm"
]
Connections: TypeAlias = Literal["residual", "skip"]
DType: TypeAlias = Literal["float32", "float64"]
FrameName: TypeAlias = Literal["pandas", "polars", "pyarrow"]
InitialState: TypeAlias = Literal["zeros", "learned"]
LossName: TypeAlias = Literal[
    "squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"
]
LossOfSteps: TypeAlias = Literal["squared_error", "absolute_error", "huber", "poisson", "gamma"]
MergeMode: TypeAlias = Literal["concat", "sum", "ave", "mul"]
Mode: TypeAlias = Literal["many_to_one", "many_to_many"]
Norm: TypeAlias = Literal["layer", "rms"]
Optimizer: TypeAlias = Literal["sgd", "adam", "adamw", "rmsprop", "adagrad"]
PoolingName: TypeAlias = Literal["last", "mean", "max"]
RateSchedule: TypeAlias = Literal[
    "constant", "invscaling", "adaptive", "cosine", "exponential", "one_cycle"
]
Solver: TypeAlias = Optimizer | Literal["lbfgs"]
Subset: TypeAlias = Literal["train", "test", "all"]
TagScheme: TypeAlias = Literal["BIO", "BIOES"]
WeightInitializer: TypeAlias = Literal[
    "glorot_uniform",
    "glorot_normal",
    "orthogonal",
    "identity",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "pytorch",
    "zeros",
]
