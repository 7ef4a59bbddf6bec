"""From checked arguments to a prepared call: which kernel (instruction set, dtype, reduction), on how many threads.

Everything but the arrays is decided here once for each distinct call, and cached by the public functions.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from . import _build_info, _layout, _runtime, geometry, threads
from .geometry import Plan

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class Numbers(NamedTuple):
    """What a kernel computes with, and the code by which it loads and stores the array's elements (rows.pxi)."""

    ctype: str
    storage: int = 0


_HALF, _BFLOAT, _FLOAT = 1, 2, 11
_INTEGERS = {"int8": 3, "int16": 4, "int32": 5, "int64": 6, "uint8": 7, "uint16": 8, "uint32": 9, "uint64": 10}
_FLOATS = {
    "float16": Numbers("float", _HALF),
    "bfloat16": Numbers("float", _BFLOAT),
    "float32": Numbers("float"),
    "float64": Numbers("double"),
}
#: Maximum and minimum keep integers in their own width.
VALUES = _FLOATS | {name: Numbers(name + "_t") for name in _INTEGERS} | {"bool": Numbers("uint8_t")}
#: With indices, narrow integers ride in a float type that holds them exactly.
PICKS = (
    _FLOATS
    | {name: Numbers("float", code) for name, code in _INTEGERS.items() if name[-1] in "86"}
    | {name: Numbers("double", code) for name, code in _INTEGERS.items() if name[-1] == "2"}
    | {name: Numbers(name + "_t") for name in ("int64", "uint64")}
    | {"bool": Numbers("float", _INTEGERS["uint8"])}
)
#: Sums: 2-byte floats as float, integers as double, in which sums below 2**53 are exact.
SUMS = (
    _FLOATS
    | {name: Numbers("double", code) for name, code in _INTEGERS.items()}
    | {"bool": Numbers("double", _INTEGERS["uint8"])}
)
GRADIENTS = {"float32": Numbers("float"), "float64": Numbers("double")}
INDEX_TYPES = {"int32": _INTEGERS["int32"], "int64": _INTEGERS["int64"]}
#: Below this a sum s is a float, and so near is s / n to its float that both round to the same integer: 2**-24 of s / n
#: is less than 1 / (2 * n), by which it can miss the middle between two integers.
_EXACT_AS_FLOAT = 2**23
#: How numbers that were computed in double are stored.
AS_DOUBLE = {name: n.storage for name, n in SUMS.items()} | {"float32": _FLOAT}

#: A plane of so many elements stays in the cache while it is zeroed and then added to: no need to go row by row.
_SCATTERED_AS_ONE = 2**17

#: What a norm does to each element before the sum (rows.pxi), and undoes after it.
PLAIN, SQUARE, POWER, MAGNITUDE = 1, 2, 3, 4


def sums_as(source: Any, result: Any, taps: int) -> tuple[Numbers, int]:
    """Return how to sum `taps` elements of dtype `source`, and how to store a result of another dtype `result`."""
    integers = [name for name in SUMS if name in _INTEGERS]
    accepted = [name for name in SUMS if name not in integers and name != "bool"]
    if source.kind in "biu":
        accepted += integers
    if result.name not in accepted:
        raise TypeError(f"dtype must be one of {', '.join(accepted)} for x of {source}, got {result}")
    if SUMS[source.name].ctype == SUMS[result.name].ctype == "float":
        return SUMS[source.name], SUMS[result.name].storage
    if result.kind in "iu" and taps << 8 * source.itemsize < _EXACT_AS_FLOAT:
        return Numbers("float", SUMS[source.name].storage), SUMS[result.name].storage
    return Numbers("double", AS_DOUBLE[source.name]), AS_DOUBLE[result.name]


def _choose_level() -> str:
    """Return the best instruction set that was built and that this CPU has, at most CPOOL_ISA."""
    runnable = [level for level in _build_info.LEVELS if _runtime.cpu_runs(level)]
    wanted = os.environ.get("CPOOL_ISA", "")
    if not wanted:
        return runnable[-1]
    if wanted not in ("baseline", "v3", "v4"):
        raise ImportError(f"CPOOL_ISA must be 'baseline', 'v3' or 'v4', got {wanted!r}")
    return [level for level in runnable if level == "baseline" or level <= wanted][-1]


LEVEL = _choose_level()
_kernels: ModuleType = importlib.import_module(f"cpool._kernels_{LEVEL}")


@cache
def _kernel(name: str, *ctypes: str) -> Any:
    """Return the function that makes calls of one kernel for the given C types."""
    fused = getattr(_kernels, name)
    (signature,) = (s for s in fused.__signatures__ if s.split("|") == list(ctypes))
    return fused.__signatures__[signature]


def _nothing(*arguments: Any) -> None:
    """Stand in for the kernel where there is nothing to compute."""


def view_of(array: Array) -> _layout.View:
    """Return the shape and strides of an array."""
    return _layout.View(array.shape, array.strides, array.itemsize)


def buffer(array: Array) -> Array:
    """Return the array as something with a buffer: bfloat16 has none, its bits do."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def values(
    op: str,
    numbers: Numbers,
    plan: Plan,
    axes: Axes,
    x: _layout.View,
    y: _layout.View,
    divide: bool = False,
    norm: int = 0,
    power: float = 0.0,
) -> Callable[..., None]:
    """Prepare op "max", "min" or "sum": a function of (thread limit, x, y)."""
    if 0 in y.shape:
        return _nothing
    work = math.prod(y.shape) * plan.taps
    call = _kernel("values", numbers.ctype)(
        0, op, plan.packed, _layout.pack(axes, x, y), threads.share(work), divide, norm, power
    )
    run: Callable[..., None] = call.run
    return run


def _as_one_row(plan: Plan, axes: Axes, *views: _layout.View) -> tuple[Plan, Axes, list[_layout.View]]:
    """Take planes of which each is one window for rows, where memory allows: the order of their elements stays."""
    flat, rows = _layout.flattened(axes, *views) if plan.whole and len(axes) > 1 else (axes, list(views))
    return (plan.as_one_row(), flat, rows) if flat != axes else (plan, axes, rows)


def picks(
    op: str, numbers: Numbers, plan: Plan, axes: Axes, x: _layout.View, y: _layout.View, indices: _layout.View
) -> Callable[..., None]:
    """Prepare op "max" or "min" with indices: a function of (thread limit, x, y, indices)."""
    if 0 in y.shape:
        return _nothing
    share = threads.share(math.prod(y.shape) * plan.taps)
    if len(axes) > 1 and plan.axes[-1].size == plan.axes[-1].out == plan.axes[-1].kernel == 1:
        plan, axes = geometry.plan_of(plan.axes[:-1], plan.divisor), axes[:-1]  # rows of one number are slow
    rows, flat, views = _as_one_row(plan, axes, x, y, indices)
    if rows.apart:
        find = _kernel("locates", numbers.ctype)(0, rows.packed, _layout.pack(flat, *views), share)
        if find is not None:
            pool = values(op, numbers, plan, axes, x, y)

            def pool_and_find(limit: int, x: Array, y: Array, indices: Array) -> None:
                pool(limit, x, y)
                find.run(limit, x, y, indices)

            return pool_and_find
    lane = "int32_t" if rows.reach < 2**30 and numbers.ctype == "float" else "int64_t"
    call = _kernel("picks", numbers.ctype, lane)(0, 0, op, rows.packed, _layout.pack(flat, *views), share)
    run: Callable[..., None] = call.run
    return run


def sorts(op: str, numbers: Numbers, plan: Plan, axes: Axes, x: _layout.View, y: _layout.View) -> Callable[..., None]:
    """Prepare op "median" or "mode": a function of (thread limit, x, y)."""
    if 0 in y.shape:
        return _nothing
    work = math.prod(y.shape) * plan.window
    call = _kernel("sorts", numbers.ctype)(0, op, plan.packed, _layout.pack(axes, x, y), threads.share(work))
    run: Callable[..., None] = call.run
    return run


def scatter(
    axes: Axes, dtype: Any, index_dtype: Any, gx: _layout.View, gy: _layout.View, indices: _layout.View,
    assign: bool = False, fresh: bool = False,
) -> Callable[..., None]:  # fmt: skip
    """Prepare adding gy to gx = 0 along indices, or with `assign` letting the last one stand.

    `fresh` says that gx is a new array, in which something may have been written when an error is found.

    Returns a function of (thread limit, gx, gy, indices), which refuses indices outside the plane.
    """
    if 0 in gx.shape:
        return _nothing
    elements = math.prod(gx.shape[a] for a in axes)
    share = threads.share(math.prod(gx.shape) + math.prod(gy.shape))
    workers = min(share, threads.PROCESSORS)
    if elements <= _SCATTERED_AS_ONE and math.prod(gx.shape) >= 4 * workers * elements:
        axes, (gx, gy, indices) = _layout.flattened(axes, gx, gy, indices)
    plan = geometry.scatter_plan(tuple(gx.shape[a] for a in axes), tuple(gy.shape[a] for a in axes))
    make = _kernel("scatter_back", GRADIENTS[dtype.name].ctype, index_dtype.name + "_t")
    call = make(0, 0, plan.packed, _layout.pack(axes, gx, gy, indices), share, workers, assign, fresh)

    def run(*arguments: Any) -> None:
        bad = call.run(*arguments)
        if bad is not None:
            raise ValueError(f"indices must lie in the plane, 0 to {elements - 1}; got {bad[0]} to {bad[1]}")

    return run


def spread(
    plan: Plan, axes: Axes, dtype: Any, gx: _layout.View, gy: _layout.View, divide: bool = True
) -> Callable[..., None]:
    """Prepare spreading gy over the plan's windows into gx: a function of (thread limit, gx, gy)."""
    if 0 in gx.shape:
        return _nothing
    mirrored = plan.mirrored()
    if mirrored is not None:
        pool = values("sum", GRADIENTS[dtype.name], mirrored, axes, gy, gx, divide)
        return lambda limit, gx, gy: pool(limit, gy, gx)
    work = math.prod(gx.shape) + math.prod(gy.shape) * plan.taps
    if plan.elements < 2**24:  # so that the divisor, as one product, is exact in every float type
        plan, axes, (gx, gy) = _as_one_row(plan, axes, gx, gy)
    make = _kernel("spread_back", GRADIENTS[dtype.name].ctype)
    call = make(0, plan.packed, _layout.pack(axes, gx, gy), threads.share(work), divide)
    run: Callable[..., None] = call.run
    return run
