"""Pooling of dask arrays: lazy, with any chunking, also along pooled axes.

The functions have the names and arguments of cpool's, but for ``out``, ``where`` and ``initial``; ``nan_policy`` is
"propagate" or "omit", and ``min_count`` not of maxima and minima. Each output chunk is one task. It is given the input
elements that its windows see, so of a neighbouring chunk only the rows that a window reaches into are moved. A task
pools on one thread: the parallelism is dask's. Maxima, their indices, medians, quantiles and modes are those of one
machine to the bit; averages and norms may differ in the last one, as a piece may be summed in another order.

Examples
--------
>>> import dask.array, cpool.dask
>>> x = dask.array.ones((4, 1000, 1000), chunks=(1, 300, 400))
>>> y = cpool.dask.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
>>> y.shape, float(y.mean())
((4, 500, 500), 1.0)
"""

from __future__ import annotations

import inspect
import itertools
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed

from . import functional, geometry
from .core import calls, checks, docstrings, public
from .core.pieces import Part, parts_of_chunks, plan_of_parts

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


#: Parameters that a dask array has no use for: there is no array to write to, and none that lies beside it.
_WITHOUT = ("out", "where", "initial")


def _twin(name: str, ndim: int) -> Any:
    """Return the function of that name for dask arrays: what it prepares is done chunk by chunk."""
    function = getattr(functional, f"{name}{ndim}d")
    signature = inspect.signature(function)
    signature = signature.replace(parameters=[p for p in signature.parameters.values() if p.name not in _WITHOUT])

    def pool(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        x = given["x"]
        if not isinstance(x, da.Array):
            raise TypeError(f"x must be a dask array, got {type(x).__name__}")
        if any(np.isnan(n) for n in x.shape):
            raise ValueError(f"x must have known chunk sizes, got shape {x.shape}; call x.compute_chunk_sizes() first")
        source = calls.dense_source(x.shape, x.dtype, ())
        given["x"] = public.Outline(source.shape, source.strides, source.dtype, False)
        windowed = function.decide(given)
        if not isinstance(windowed, calls.Windowed):  # it looks at the elements first
            said = ", ".join(f"{name}={given[name]!r}" for name in ("nan_policy", "min_count") if name in given)
            raise ValueError(f"{function.__name__} of a dask array cannot have {said}")
        plan, axes, reduce = windowed.plan, windowed.source.axes, windowed.reduce
        if isinstance(q := reduce.keywords.get("q"), tuple):
            return da.stack([pool_blocks(partial(reduce, q=each), plan, x, axes) for each in q])
        index_dtype = given.get("index_dtype", np.int64) if given.get("return_indices") else None
        return pool_blocks(reduce, plan, x, axes, index_dtype)

    pool.__signature__ = signature  # type: ignore[attr-defined]
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


def _three(name: str) -> list[Any]:
    return docstrings.three(__name__, _TEXT, name, _twin, name)


max_pool1d, max_pool2d, max_pool3d = _three("max_pool")
min_pool1d, min_pool2d, min_pool3d = _three("min_pool")
avg_pool1d, avg_pool2d, avg_pool3d = _three("avg_pool")
lp_pool1d, lp_pool2d, lp_pool3d = _three("lp_pool")
median_pool1d, median_pool2d, median_pool3d = _three("median_pool")
quantile_pool1d, quantile_pool2d, quantile_pool3d = _three("quantile_pool")
mode_pool1d, mode_pool2d, mode_pool3d = _three("mode_pool")
var_pool1d, var_pool2d, var_pool3d = _three("var_pool")
std_pool1d, std_pool2d, std_pool3d = _three("std_pool")
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = _three("adaptive_max_pool")
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = _three("adaptive_avg_pool")
__all__ = [name for name in functional.__all__ if name in globals()]
