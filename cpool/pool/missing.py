"""Elements that do not count: NaN by `nan_policy`, masks by `where`, masked arrays.

All are one thing, the mask of what is valid. An element that is not is replaced by one that changes nothing, the
reduction's identity or 0, and what the mask itself pools to tells which windows hold nothing (its maximum), where the
first valid element stands (the maximum's index), and how many count (its sum).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks, engine

Array = np.ndarray[Any, Any]


def some(pool_some: Callable[..., Any], pool: Callable[..., Any], ndim: int, given: dict[str, Any]) -> Any:
    """Prepare a call of `pool`, of all arguments `given`, in which only some elements may count; return None of others.

    That NaN is passed over, and no more, is of the others: leaves do that as they fold. `pool_some` is a function of
    `pool`, the number of axes, an array, which of its elements count (None if all do), whether the result will be
    masked where none does, and the other arguments. It returns the result, where nothing counts, and indices if asked.
    """
    given = given.copy()
    masked, nan_policy, where = given.pop("x").masked, given.pop("nan_policy"), given.pop("where")
    given.pop("out")
    if not masked and nan_policy in ("propagate", "omit") and where is None and given.get("initial") is None:
        return None

    def call(x: Any, out: Array | None = None) -> Any:
        array, mask = valid(x, nan_policy, where)
        y, empty, *indices = pool_some(pool, ndim, array, mask, masked, **given)
        y = _finish(y, empty, x, out)
        return (y, *indices) if indices else y

    return call


def valid(x: Any, nan_policy: Any, where: Any) -> tuple[Array, Array | None]:
    """Return `x` as an array, and which of its elements count; None if all do."""
    if nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(f"nan_policy must be 'propagate', 'omit' or 'raise', got {nan_policy!r}")
    masked = isinstance(x, np.ma.MaskedArray)
    mask = ~np.ma.getmaskarray(x) if masked else None
    array = checks.array("x", x.data if masked else x)
    if where is not None:
        given = checks.array("where", where)
        if given.dtype != np.bool_:
            raise TypeError(f"where must be boolean, got {given.dtype}")
        try:
            given = np.broadcast_to(given, array.shape)
        except ValueError:
            raise ValueError(f"where of shape {given.shape} does not broadcast to x of shape {array.shape}") from None
        mask = given if mask is None else mask & given
    if nan_policy != "propagate" and array.dtype.kind not in "biu":
        number = array == array
        if nan_policy == "raise" and not (number if mask is None else number | ~mask).all():
            raise ValueError("x holds NaN, and nan_policy='raise'")
        mask = number if mask is None else mask & number
    return array, None if mask is None or mask.all() else mask


def _identity(op: str, dtype: Any) -> Any:
    """Return the number that changes no maximum or minimum."""
    if dtype.kind == "b":
        return op == "min"
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if op == "max" else np.iinfo(dtype).max
    return -np.inf if op == "max" else np.inf


def _element(initial: Any, dtype: Any) -> Any:
    """Return `initial` as an element of `dtype`; integers and bool must hold it as it is."""
    if not isinstance(initial, (int, float, np.generic)):
        raise TypeError(f"initial must be a number, got {initial!r}")
    try:
        element = dtype.type(initial)
    except (OverflowError, ValueError):
        element = None
    if element is None or (dtype.kind in "biu" and element != initial):
        raise ValueError(f"initial must be a number that {dtype} holds, got {initial!r}")
    return element


def _finish(y: Array, empty: Array, x: Any, out: Array | None) -> Array:
    """Return `y` in `out`, and masked if the input was."""
    if out is not None:
        if not isinstance(out, np.ndarray) or out.dtype != y.dtype:
            raise TypeError(f"out must be a NumPy array of dtype {y.dtype}, got {getattr(out, 'dtype', type(out))}")
        if out.shape != y.shape:
            raise ValueError(f"out must have shape {y.shape}, got {out.shape}")
        np.copyto(out, y)
        y = out
    return np.ma.MaskedArray(y, empty) if isinstance(x, np.ma.MaskedArray) else y


def extreme(
    op: str,
    pool: Callable[..., Any],
    ndim: int,
    array: Array,
    mask: Array | None,
    masked: bool,
    *,
    return_indices: Any,
    initial: Any,
    **arguments: Any,
) -> tuple[Array, ...]:
    """Pool by `pool`, a max or min function as `op` says."""
    calls.computed_in(engine.VALUES, array.dtype)
    has_nan = array.dtype.kind not in "biu"
    start = None if initial is None else _element(initial, array.dtype)
    lowest = _identity(op, array.dtype)
    filled = array if mask is None else np.where(mask, array, np.asarray(lowest, array.dtype))
    result = pool(filled, return_indices=return_indices, **arguments)
    y, *indices = result if return_indices else (result,)
    empty: Array = np.zeros(y.shape, bool)
    if mask is not None:
        turned = op == "min"  # the minimum finds what counts where the mask is turned round
        found, first = pool(mask ^ turned, return_indices=True, **arguments)
        empty = found == turned
        for at in indices:
            # Where nothing but the identity was found, it may have been put there: the first element that counts wins.
            np.copyto(at, first, where=(y == lowest))
        if initial is None and has_nan:
            y[empty] = np.nan
        elif initial is None and engine.explained.get() is None and empty.any() and not masked:
            raise ValueError(f"initial is needed: a window has no element that counts, and {array.dtype} has no NaN")
    if start is not None:
        y = (np.maximum if op == "max" else np.minimum)(y, start)
        y = calls.settled(y) if has_nan else y
    return (y, empty, *indices)


def average(
    pool: Callable[..., Any],
    ndim: int,
    array: Array,
    mask: Array | None,
    masked: bool,
    *,
    dtype: Any,
    divisor_override: Any,
    axis: Any,
    **arguments: Any,
) -> tuple[Array, ...]:
    """Average by `pool`: sums of what counts, by the window's divisor less the elements that do not count."""
    if mask is None:
        y = pool(array, divisor_override=divisor_override, axis=axis, dtype=dtype, **arguments)
        return y, np.zeros(y.shape, bool)
    natural = np.dtype(np.float64) if array.dtype.kind in "biu" else array.dtype
    result = natural if dtype is None else np.dtype(dtype)
    working = np.dtype(np.float64) if natural.itemsize == 8 else np.dtype(np.float32)
    filled = np.where(mask, array, np.zeros((), array.dtype))
    total = pool(filled, divisor_override=1, axis=axis, dtype=working, **arguments)
    skipped = pool(~mask, divisor_override=1, axis=axis, **arguments)
    axes = checks.pooled_axes(axis, ndim, array.ndim)
    plan = geometry.plan(calls.sizes(array.shape, axes), divisor_override=divisor_override, **arguments)
    inside = plan.product([w.taps for w in plan.axes], axes, array.ndim)
    empty = (skipped == inside) & (inside > 0)
    if divisor_override is None:
        divisor = np.maximum(plan.product([w.count for w in plan.axes], axes, array.ndim) - skipped, 1)
    else:
        divisor = np.float64(divisor_override)
    y = total / divisor.astype(working)
    if result.kind in "iu":
        if engine.explained.get() is None and empty.any() and not masked:
            raise ValueError(f"dtype={result} has no NaN for the windows in which no element counts")
        limits = np.iinfo(result.name)
        y = np.clip(np.rint(y), limits.min, limits.max)
    else:
        y[empty] = np.nan
        y = calls.settled(y)
    return y.astype(result), empty
