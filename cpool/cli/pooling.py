"""The operations of the command line, and what each may be done to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import geometry
from ..core import calls
from ..core.prepared import Prepared
from ..pool.averages import average
from ..pool.extremes import select
from ..pool.order_statistics import label, statistic

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


#: Called with the part of the work that is done, from 0 to 1.
Report = Callable[[float], None]

#: What the result of an average or a median can be.
DTYPES = (
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
)  # fmt: skip


class Operation(NamedTuple):
    """What becomes of a window."""

    text: str
    prepare: Callable[..., Prepared]
    #: It may lie between the elements, so these must be numbers, not labels, and its dtype can be chosen.
    between: bool = False
    #: A window may lie wholly in padding.
    in_padding: bool = False
    #: A label can be left out.
    ignores: bool = False


ROUNDED = "Of integers it is rounded half to even into their dtype, unless --dtype is given."
OPERATIONS = {
    "max": Operation("Keep each window's maximum.", partial(select, "max")),
    "min": Operation("Keep each window's minimum.", partial(select, "min")),
    "avg": Operation(f"Keep each window's average. {ROUNDED}", average, between=True, in_padding=True),
    "median": Operation(f"Keep each window's median. {ROUNDED}", partial(statistic, "median"), between=True),
    "mode": Operation(
        "Keep each window's most frequent value. It is for labels; of equally frequent ones it takes the smallest.",
        partial(statistic, "mode"),
        ignores=True,
    ),
}
KEEPS_LABELS = ", ".join(op for op, operation in OPERATIONS.items() if not operation.between)


class Pooling(NamedTuple):
    """One operation over windows of the last `ndim` axes."""

    op: str
    ndim: int
    #: Arguments of `geometry.plan`.
    windows: dict[str, Any]
    #: Of the result; the input's if None.
    dtype: np.dtype[Any] | None = None
    #: Label that does not count.
    ignore: int | None = None

    def axes(self, shape: Axes) -> Axes:
        """Return the pooled axes."""
        if len(shape) < self.ndim:
            raise ValueError(f"an array of shape {shape} has no {self.ndim} axes to pool")
        return tuple(range(len(shape) - self.ndim, len(shape)))

    def plan(self, shape: Axes) -> geometry.Plan:
        """Return the windows over an array of this shape."""
        sizes = calls.sizes(shape, self.axes(shape))
        return geometry.plan(sizes, **self.windows, needs_input=not OPERATIONS[self.op].in_padding)

    def prepare(self, dtype: np.dtype[Any], labels: bool = False) -> calls.Prepare:
        """Return how to prepare a call for elements of this dtype, which may be labels."""
        operation = OPERATIONS[self.op]
        if self.ignore is not None:
            if not operation.ignores:
                raise TypeError(f"--ignore is of mode, not of {self.op}")
            return partial(operation.prepare, ignore=label(self.ignore, dtype))
        if not operation.between:
            return operation.prepare
        if labels:
            raise TypeError(f"{self.op} is not for labels, between 2 and 4 there is no label 3; take {KEEPS_LABELS}")
        if self.dtype is None and dtype == np.bool_:
            raise TypeError(f"{self.op} of bits gives no bits; take {KEEPS_LABELS}, or --dtype for the share of ones")
        result = dtype if self.dtype is None else self.dtype
        if result.kind in "iu" and not np.can_cast(dtype, result):
            raise TypeError(f"--dtype {result} cannot hold every value of {dtype}")
        return partial(operation.prepare, dtype=result)

    def __call__(self, x: Array, labels: bool = False) -> Array:
        """Pool an array."""
        x = np.ascontiguousarray(x, x.dtype.newbyteorder("="))
        source = calls.dense_source(x.shape, x.dtype, self.axes(x.shape))
        result: Array = self.prepare(x.dtype, labels)(self.plan(x.shape), source)(x)
        return result
