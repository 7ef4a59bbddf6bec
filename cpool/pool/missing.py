"""Elements that do not count: NaN by `nan_policy`, masks by `where`, masked arrays.

All are one thing, the mask of what is valid. An element that is not is replaced by one that changes nothing, the
reduction's identity or 0, and what the mask itself pools to tells which windows hold nothing (its maximum), where the
first valid element stands (the maximum's index), and how many count (its sum).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks, engine
from ..core.public import Function

Array = np.ndarray[Any, Any]


def policy(nan_policy: Any) -> str:
    """Return the checked `nan_policy`."""
    if not isinstance(nan_policy, str) or nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(f"nan_policy must be 'propagate', 'omit' or 'raise', got {nan_policy!r}")
    return nan_policy


def refuse_nan(x: Array, counting: Any = True) -> None:
    """Refuse an array with NaN among the elements that count."""
    if x.dtype.kind not in "biu" and ((x != x) & counting).any():
        raise ValueError("x holds NaN, and nan_policy='raise'")


def refusing(pool: Function, ndim: int, given: dict[str, Any]) -> Function | None:
    """Prepare a call of `pool`, of all arguments `given`, that refuses NaN; return None of others."""
    if policy(given["nan_policy"]) != "raise":
        return None
    more = {name: value for name, value in given.items() if name not in ("x", "out")} | {"nan_policy": "propagate"}

    def call(x: Array, out: Array | None = None) -> Any:
        refuse_nan(x)
        return pool(x, **more, out=out)

    return call


def some(pool_some: Function, leaves_count: bool, pool: Function, ndim: int, given: dict[str, Any]) -> Function | None:
    """Prepare a call of `pool`, of all arguments `given`, of which leaves can do a part alone; return None of others.

    Leaves pass NaN over as they fold; whether they also count what is left, `leaves_count` says. `pool_some` is a
    function of `pool`, the number of axes, an array, which of its elements count (None if all do, and they need not be
    counted), whether the result is masked where too few do, and the other arguments. It returns the result, where too
    few count, and indices if they are asked for.
    """
    given = given | {"min_count": checks.integer("min_count", given["min_count"], 1)}
    masked, nan_policy, where = given.pop("x").masked, given.pop("nan_policy"), given.pop("where")
    given.pop("out")
    whole = isinstance(nan_policy, str) and nan_policy in ("propagate", "omit") and where is None and not masked
    if whole and given.get("initial") is None and (leaves_count or given["min_count"] == 1):
        return None

    def call(x: Any, out: Array | None = None) -> Any:
        array, mask = valid(x, nan_policy, where)
        if mask is None and given["min_count"] > 1:
            mask = np.ones(array.shape, bool)
        y, empty, *indices = pool_some(pool, ndim, array, mask, masked, **given)
        y = _finish(y, empty, x, out)
        return (y, *indices) if indices else y

    return call


def valid(x: Any, nan_policy: Any, where: Any) -> tuple[Array, Array | None]:
    """Return `x` as an array, and which of its elements count; None if all do."""
    policy(nan_policy)
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
    if nan_policy == "raise":
        refuse_nan(array, True if mask is None else mask)
    if nan_policy == "omit" and array.dtype.kind not in "biu":
        mask = (array == array) & (True if mask is None else mask)
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
        held = dtype.kind not in "biu" or element.item() == initial
    except (OverflowError, ValueError):
        held = False
    if not held:
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
    averages: tuple[Function, ...],
    pool: Function,
    ndim: int,
    array: Array,
    mask: Array | None,
    masked: bool,
    *,
    return_indices: Any,
    initial: Any,
    min_count: int,
    **arguments: Any,
) -> tuple[Array, ...]:
    """Pool by `pool`, a max or min function as `op` says; `averages` are the functions for 1, 2 and 3 axes."""
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
        if min_count > 1:
            windows = {name: value for name, value in arguments.items() if name != "index_dtype"}
            empty = averages[ndim - 1](mask, divisor_override=1, **windows) < min_count
        for at in indices:
            # Where nothing but the identity was found, it may have been put there: the first element that counts wins.
            np.copyto(at, first, where=(y == lowest))
        if initial is None and has_nan:
            y[empty] = np.nan
        elif initial is None and engine.explained.get() is None and empty.any() and not masked:
            raise ValueError(f"initial is needed: a window has too few elements that count; {array.dtype} has no NaN")
    if start is not None:
        y = np.where(empty, start, (np.maximum if op == "max" else np.minimum)(y, start))
        y = calls.settled(y) if has_nan else y
    return (y, empty, *indices)


def _rounded(y: Array, dtype: Any) -> Array:
    """Return `y` as integers: rounded half to even and kept in range."""
    limits = np.iinfo(dtype.name)
    rounded = np.rint(y)
    inside = (rounded > limits.min) & (rounded < limits.max)  # a limit may be no float: then it is the one beyond
    ends = np.where(rounded <= limits.min, limits.min, limits.max).astype(dtype)
    return np.where(inside, np.where(inside, rounded, 0).astype(dtype), ends)


def average(
    pool: Function,
    ndim: int,
    array: Array,
    mask: Array | None,
    masked: bool,
    *,
    dtype: Any,
    divisor_override: Any,
    axis: Any,
    min_count: int,
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
    empty = (inside - skipped < min_count) & (inside > 0)
    if divisor_override is None:
        divisor = np.maximum(plan.product([w.count for w in plan.axes], axes, array.ndim) - skipped, 1)
    else:
        divisor = np.float64(divisor_override)
    y = total / divisor.astype(working)
    if result.kind in "iu":
        if engine.explained.get() is None and empty.any() and not masked:
            raise ValueError(f"dtype={result} has no NaN for the windows in which too few elements count")
        return _rounded(y, result), empty
    y[empty] = np.nan
    return calls.settled(y).astype(result), empty
