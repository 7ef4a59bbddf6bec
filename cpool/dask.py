"""Pooling of dask arrays: lazy, with any chunking, also along pooled axes.

The functions have the names and arguments of cpool's, but for ``out``, ``where`` and, of others than medians and
quantiles, ``nan_policy``. Each output chunk is one task. It is given the input elements that its windows see, so of a
neighbouring chunk only the rows that a window reaches into are moved. A task pools on one thread: the parallelism is
dask's. Maxima, their indices, medians, quantiles and modes are those of one machine to the bit; averages and norms may
differ in the last one, as a piece may be summed in another order.

Examples
--------
>>> import dask.array, cpool.dask
>>> x = dask.array.ones((4, 1000, 1000), chunks=(1, 300, 400))
>>> y = cpool.dask.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
>>> y.shape, float(y.mean())
((4, 500, 500), 1.0)
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed

from . import geometry
from .core import calls, checks, docstrings
from .core.pieces import Part, parts_of_chunks, plan_of_parts
from .pool import adaptive
from .pool.averages import average
from .pool.extremes import select
from .pool.norms import norm
from .pool.order_statistics import label, quantiles, statistic

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "median_pool1d",
    "median_pool2d",
    "median_pool3d",
    "min_pool1d",
    "min_pool2d",
    "min_pool3d",
    "mode_pool1d",
    "mode_pool2d",
    "mode_pool3d",
    "quantile_pool1d",
    "quantile_pool2d",
    "quantile_pool3d",
]  # fmt: skip

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


def _pool_part(
    prepare: calls.Prepare, whole: geometry.Plan, parts: tuple[Part, ...], axes: Axes,
    index_dtype: Any, x: Array,
) -> Any:  # fmt: skip
    """Pool the input of one task; with an `index_dtype` also return the indices in the whole plane."""
    plan = plan_of_parts(whole, parts)
    x = checks.array("x", x)
    call = prepare(plan, calls.Source(x.shape, x.strides, x.dtype, axes, None)).alone()
    if index_dtype is None:
        return call(x)
    y, at = call(x)
    here = np.unravel_index(at, calls.sizes(x.shape, axes))
    there = [i + p.begin for i, p in zip(here, parts, strict=True)]
    return y, np.ravel_multi_index(there, [w.size for w in whole.axes]).astype(index_dtype)


def pool_blocks(prepare: calls.Prepare, plan: geometry.Plan, x: Any, axes: Axes, index_dtype: Any = None) -> Any:
    """Build the lazy result: block by block, in the order of the axes."""
    whole = prepare(plan, calls.dense_source(x.shape, x.dtype, axes))  # refuses what is wrong, now
    task = delayed(_pool_part, pure=True, nout=None if index_dtype is None else 2)
    cuts: list[list[Any]] = []
    for axis, chunks in enumerate(x.chunks):
        if axis in axes:
            cuts.append(parts_of_chunks(plan.axes[axes.index(axis)], chunks))
        else:
            edges = np.cumsum([0, *chunks]).tolist()
            cuts.append([Part(b, e, b, e) for b, e in itertools.pairwise(edges)])
    kinds = [whole.dtype] if index_dtype is None else [whole.dtype, np.dtype(index_dtype)]
    blocks = [np.empty([len(c) for c in cuts], object) for _ in kinds]
    for at in np.ndindex(blocks[0].shape):
        parts = [c[i] for c, i in zip(cuts, at, strict=True)]
        piece = x[tuple(slice(p.begin, p.end) for p in parts)]
        done = task(prepare, plan, tuple(parts[a] for a in axes), axes, index_dtype, piece)
        shape = tuple(p.last - p.first for p in parts)
        for block, kind, value in zip(blocks, kinds, [done] if index_dtype is None else done, strict=True):
            block[at] = da.from_delayed(value, shape, kind)
    results = [da.block(b.tolist()) for b in blocks]
    return results[0] if index_dtype is None else tuple(results)


def _given(x: Any, axis: Any, ndim: int) -> tuple[Any, Axes, Axes]:
    """Return the checked array, its pooled axes and their lengths."""
    if not isinstance(x, da.Array):
        raise TypeError(f"x must be a dask array, got {type(x).__name__}")
    if any(np.isnan(n) for n in x.shape):
        raise ValueError(f"x must have known chunk sizes, got shape {x.shape}; call x.compute_chunk_sizes() first")
    axes = checks.pooled_axes(axis, ndim, x.ndim, "x")
    return x, axes, tuple(int(x.shape[a]) for a in axes)


def _selected(op: str, plan: geometry.Plan, x: Any, axes: Axes, return_indices: Any, index_dtype: Any) -> Any:
    with_indices = checks.flag("return_indices", return_indices)
    prepare = partial(select, op, with_indices=with_indices, index_dtype=index_dtype)
    return pool_blocks(prepare, plan, x, axes, index_dtype if with_indices else None)


def _extreme(op: str, d: int) -> Any:
    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
        return_indices: bool = False, *, axis: Any = None, index_dtype: Any = np.int64,
    ) -> Any:  # fmt: skip
        x, axes, sizes = _given(x, axis, d)
        plan = geometry.plan(sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
        return _selected(op, plan, x, axes, return_indices, index_dtype)

    return pool


def _avg(d: int) -> Any:
    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None, *, dilation: Any = 1, axis: Any = None,
        dtype: Any = None,
    ) -> Any:  # fmt: skip
        x, axes, sizes = _given(x, axis, d)
        plan = geometry.plan(
            sizes, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override
        )
        return pool_blocks(partial(average, dtype=dtype), plan, x, axes)

    return pool


def _lp(d: int) -> Any:
    def pool(
        x: Any, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *, padding: Any = 0,
        dilation: Any = 1, axis: Any = None,
    ) -> Any:  # fmt: skip
        x, axes, sizes = _given(x, axis, d)
        p = checks.nonzero_number("norm_type", norm_type)
        plan = geometry.plan(sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
        return pool_blocks(partial(norm, p=p), plan, x, axes)

    return pool


def _ordered(d: int, x: Any, windows: tuple[Any, ...], axis: Any, op: str, **given: Any) -> Any:
    """Pool by `statistic`; `windows` is kernel, stride, padding, dilation and ceil_mode."""
    x, axes, sizes = _given(x, axis, d)
    plan = geometry.plan(sizes, *windows, needs_input=True)
    return pool_blocks(partial(statistic, op, **given), plan, x, axes)


def _without_raise(nan_policy: Any) -> Any:
    """Refuse the policy that would need the values now."""
    if isinstance(nan_policy, str) and nan_policy == "raise":
        raise ValueError("nan_policy must be 'propagate' or 'omit' of a dask array, got 'raise'")
    return nan_policy


def _median(d: int) -> Any:
    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False, *,
        axis: Any = None, nan_policy: str = "propagate", min_count: int = 1, dtype: Any = None,
    ) -> Any:  # fmt: skip
        windows = (kernel_size, stride, padding, dilation, ceil_mode)
        given = quantiles(0.5, "linear", _without_raise(nan_policy), min_count)
        return _ordered(d, x, windows, axis, "median", dtype=dtype, **given)

    return pool


def _quantile(d: int) -> Any:
    def pool(
        x: Any, q: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, *, method: str = "linear", axis: Any = None, nan_policy: str = "propagate",
        min_count: int = 1, dtype: Any = None,
    ) -> Any:  # fmt: skip
        windows = (kernel_size, stride, padding, dilation, ceil_mode)
        given = quantiles(q, method, _without_raise(nan_policy), min_count)
        one_or_more = given.pop("q")
        if isinstance(one_or_more, float):
            return _ordered(d, x, windows, axis, "quantile", q=one_or_more, dtype=dtype, **given)
        return da.stack([_ordered(d, x, windows, axis, "quantile", q=q, dtype=dtype, **given) for q in one_or_more])

    return pool


def _mode(d: int) -> Any:
    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False, *,
        axis: Any = None, ignore: Any = None,
    ) -> Any:  # fmt: skip
        windows = (kernel_size, stride, padding, dilation, ceil_mode)
        return _ordered(d, x, windows, axis, "mode", ignore=label(ignore))

    return pool


def _adaptive_max(d: int) -> Any:
    def pool(
        x: Any, output_size: Any, return_indices: bool = False, *, axis: Any = None, index_dtype: Any = np.int64
    ) -> Any:
        x, axes, sizes = _given(x, axis, d)
        plan = geometry.adaptive_plan(sizes, adaptive.output_sizes(output_size, d))
        return _selected("max", plan, x, axes, return_indices, index_dtype)

    return pool


def _adaptive_avg(d: int) -> Any:
    def pool(x: Any, output_size: Any, *, axis: Any = None, dtype: Any = None) -> Any:
        x, axes, sizes = _given(x, axis, d)
        plan = geometry.adaptive_plan(sizes, adaptive.output_sizes(output_size, d))
        return pool_blocks(partial(average, dtype=dtype), plan, x, axes)

    return pool


_TEXT = """Do lazily what :func:`cpool.{name}` does, on a dask array.

    Parameters
    ----------
    x : dask.array.Array
        Of known shape, chunked as it likes.
    **arguments
        As of :func:`cpool.{name}`; checked at once, before anything is computed.

    Returns
    -------
    dask.array.Array, or two of them
        Cut where the input is cut.

    Raises
    ------
    TypeError, ValueError
        As :func:`cpool.{name}`; also if `x` is no dask array or its shape is not known.
    """
_three = partial(docstrings.three, __name__, _TEXT)

max_pool1d, max_pool2d, max_pool3d = _three("max_pool", _extreme, "max")
min_pool1d, min_pool2d, min_pool3d = _three("min_pool", _extreme, "min")
avg_pool1d, avg_pool2d, avg_pool3d = _three("avg_pool", _avg)
lp_pool1d, lp_pool2d, lp_pool3d = _three("lp_pool", _lp)
median_pool1d, median_pool2d, median_pool3d = _three("median_pool", _median)
quantile_pool1d, quantile_pool2d, quantile_pool3d = _three("quantile_pool", _quantile)
mode_pool1d, mode_pool2d, mode_pool3d = _three("mode_pool", _mode)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = _three("adaptive_max_pool", _adaptive_max)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = _three("adaptive_avg_pool", _adaptive_avg)
