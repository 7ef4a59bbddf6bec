"""Pooling of dask arrays: lazy, with any chunking, also along pooled axes.

The functions have the names and arguments of cpool's, but for ``out``; ``where`` may be a dask array. Whether windows
hold too little, or `x` holds NaN that ``nan_policy="raise"`` refuses, is seen when a chunk is computed; not NaN
between windows which no task reads.

Each output chunk is one task. Where no window reaches beyond its chunk the graph is blockwise, and dask fuses it with
what comes before and after; else a task is given its chunk and, of the chunks behind, only the rows that a window
reaches into. Tasks are made when they are needed, not when a function is called. A task pools on one thread: the
parallelism is dask's. Maxima, their indices, medians, quantiles and modes are those of one machine to the bit; averages
and norms may differ in the last one, as a piece may be summed in another order.

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
import operator
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, partial
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.array.chunk import getitem
from dask.base import tokenize
from dask.blockwise import blockwise
from dask.highlevelgraph import HighLevelGraph, Layer, MaterializedLayer
from dask.layers import ArrayBlockwiseDep

from . import functional, geometry
from .core import calls, checks, docstrings, layouts, public
from .core.pieces import Part, parts_of_chunks, restricted
from .pool import missing

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class _Cut(NamedTuple):
    """What one chunk of the result is made from, along one axis.

    `reads` names chunks of the input and how many of their first elements are read, 0 for all; `lengths` says how many
    these are. Joined, they begin at `begin` of the whole axis, and `windows` lie over them; None of an axis not pooled.
    """

    reads: tuple[tuple[int, int], ...]
    lengths: Axes
    begin: int
    windows: geometry.AxisWindows | None


class _Axis:
    """How an axis is cut into the chunks of the result; where it is pooled none of them is empty."""

    def __init__(self, windows: geometry.AxisWindows | None, chunks: Axes) -> None:
        self.windows, self.chunks = windows, chunks
        self.edges = [0, *itertools.accumulate(chunks)]
        self.own = [(i, i + 1) for i in range(len(chunks))]
        if windows is None:
            self.parts = [Part(b, e, b, e) for b, e in itertools.pairwise(self.edges)]
            self.reach = self.own
        else:
            self.parts = parts_of_chunks(windows, chunks) or [Part(0, 0, 0, 1)]  # of a result without elements
            first = np.searchsorted(self.edges, [p.begin for p in self.parts], "right") - 1
            end = np.searchsorted(self.edges, [p.end for p in self.parts])
            self.reach = list(zip(first.tolist(), end.tolist(), strict=True))  # chunks that a part reads from
        self.out = tuple(p.last - p.first for p in self.parts)

    @property
    def aligned(self) -> bool:
        """Whether each chunk makes one of the result, and reads no other."""
        return self.reach == self.own

    @cached_property
    def cuts(self) -> list[_Cut]:
        """Of each part; made when tasks are, for an array may have very many."""
        return [self._cut(part, *reach) for part, reach in zip(self.parts, self.reach, strict=True)]

    def _cut(self, part: Part, first: int, end: int) -> _Cut:
        """Return a cut from the start of its first chunk to where its windows end; a single chunk is read whole."""
        begin, stop = self.edges[first], self.edges[end] if end == first + 1 else part.end
        if self.windows is None:
            return _Cut(((first, 0),), (stop - begin,), begin, None)
        blocks = [i for i in range(first, end) if self.chunks[i]]
        lengths = tuple(min(self.edges[i + 1], stop) - self.edges[i] for i in blocks)
        reads = tuple((i, n if n < self.chunks[i] else 0) for i, n in zip(blocks, lengths, strict=True))
        return _Cut(reads, lengths, begin, restricted(self.windows, Part(part.first, part.last, begin, stop)))


class _Shared(NamedTuple):
    """What all tasks of a result have in common; `sizes` are those of the whole axes.

    `masked`: the second half of a task's pieces tells which elements count.
    """

    reduce: partial[Any]
    some: partial[Any] | None
    settles: bool
    refuses_nan: bool
    masked: bool
    divisor: int | None
    axes: Axes
    sizes: Axes
    index_dtype: Any


def _joined(cuts: tuple[_Cut, ...], pieces: tuple[Any, ...]) -> Array:
    """Return the input of one task from its pieces, which come in the order of the axes; a single one is not copied."""
    arrays = [checks.array("x", piece) for piece in pieces]
    for array, shape in zip(arrays, itertools.product(*(c.lengths for c in cuts)), strict=True):
        if array.shape != shape:
            raise ValueError(f"x must have the chunks that it says; a piece of shape {shape} has shape {array.shape}")
    if len(arrays) == 1:
        return arrays[0]
    edges = [[0, *itertools.accumulate(c.lengths)] for c in cuts]
    joined = np.empty([e[-1] for e in edges], arrays[0].dtype)
    places = itertools.product(*([slice(*pair) for pair in itertools.pairwise(e)] for e in edges))
    for place, array in zip(places, arrays, strict=True):
        joined[place] = array
    return joined


def _pool_chunk(shared: _Shared, cuts: tuple[_Cut, ...], *pieces: Any) -> Any:
    """Pool the input of one task; with an index dtype also return the indices in the whole plane."""
    n = len(pieces) // (2 if shared.masked else 1)
    x = _joined(cuts, pieces[:n])
    mask = _joined(cuts, pieces[n:]) if shared.masked else None
    pooled = [cuts[a] for a in shared.axes]
    plan = geometry.plan_of((c.windows for c in pooled if c.windows is not None), shared.divisor)
    source = calls.Source(x.shape, x.strides, x.dtype, shared.axes, None)
    windowed = calls.Windowed(plan, source, shared.reduce, shared.some, shared.settles)
    if shared.refuses_nan:
        missing.refuse_nan(x, mask)
    if mask is not None or shared.settles:
        y, _, *indices = missing.pooled(windowed, x, mask, alone=True)
    else:
        result = windowed.prepared().alone()(x)
        y, *indices = result if shared.index_dtype is not None else (result,)
    if shared.index_dtype is None:
        return y
    (at,) = indices
    here = np.unravel_index(at, calls.sizes(x.shape, shared.axes))
    there = [i + c.begin for i, c in zip(here, pooled, strict=True)]
    return y, np.ravel_multi_index(there, shared.sizes).astype(shared.index_dtype)


class _Tasks(ArrayBlockwiseDep):  # type: ignore[misc]
    """The function that makes a chunk of the result, by the chunk's place."""

    def __init__(self, shared: _Shared, axes: list[_Axis]) -> None:
        super().__init__(tuple(axis.out for axis in axes))
        self.shared, self.axes = shared, axes

    def __getitem__(self, at: Axes) -> Any:
        return partial(_pool_chunk, self.shared, tuple([a.cuts[i] for a, i in zip(self.axes, at, strict=True)]))


def _run(task: Any, *chunks: Any) -> Any:
    return task(*chunks)


class _Windows(Layer):  # type: ignore[misc]
    """The tasks of windows that reach beyond their chunk: made once they are asked for, and only those asked for.

    A chunk of the result is one task. It reads its own chunk of the input as it is, and heads of the chunks behind,
    each of which is one task that runs where that chunk lies. `inputs` are names of arrays that are cut alike; `first`
    are places along axes of the result that the input has not, of one chunk each.
    """

    has_legacy_tasks = True  # dask would make all of them to see

    def __init__(self, name: str, inputs: list[str], tasks: _Tasks, first: Axes) -> None:
        super().__init__()
        self.name, self.inputs, self.tasks, self.first = name, inputs, tasks, first

    def _made(self, places: Iterable[Any]) -> dict[Any, Any]:
        """Return the tasks of the chunks at `places`."""
        layer: dict[Any, Any] = {}
        head_of = cache(lambda lengths: partial(getitem, index=tuple(slice(n or None) for n in lengths)))
        for at in places:
            keys = []
            along = [axis.cuts[i].reads for axis, i in zip(self.tasks.axes, at, strict=True)]
            for (number, x), reads in itertools.product(enumerate(self.inputs), itertools.product(*along)):
                blocks, lengths = zip(*reads, strict=True)
                key = x, *blocks
                if any(lengths):
                    head = f"head-{number}-{self.name}", *blocks, *lengths
                    layer[head] = head_of(lengths), key
                    key = head
                keys.append(key)
            layer[self.name, *self.first, *at] = self.tasks[at], *keys
        return layer

    @cached_property
    def _all(self) -> dict[Any, Any]:
        return self._made(itertools.product(*map(range, self.tasks.numblocks)))

    def __getitem__(self, key: Any) -> Any:
        return self._all[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def is_materialized(self) -> bool:
        return "_all" in self.__dict__

    def get_output_keys(self) -> set[Any]:
        return {(self.name, *self.first, *at) for at in itertools.product(*map(range, self.tasks.numblocks))}

    def cull(self, keys: set[Any], all_hlg_keys: Any) -> Any:
        made = self._made(at[len(self.first) :] for _, *at in self.get_output_keys() & keys)
        needed = MaterializedLayer(made, annotations=self.annotations)
        return needed.cull(keys, {*all_hlg_keys, *needed})


def pool_blocks(
    windowed: calls.Windowed, x: Any, where: Any = None, refuses_nan: bool = False, index_dtype: Any = None
) -> Any:
    """Build the lazy result, or with an index dtype the result and its indices.

    Where every window lies in one chunk and every chunk has windows, the graph is blockwise, which dask fuses with what
    comes before and after. Else it is one layer.
    """
    plan, source = windowed.plan, windowed.source
    whole = windowed.prepared()  # refuses what is wrong, now
    along = dict(zip(source.axes, plan.axes, strict=True))
    every = [_Axis(along.get(axis), chunks) for axis, chunks in enumerate(x.chunks)]
    sizes = tuple(w.size for w in plan.axes)
    shared = _Shared(
        windowed.reduce, windowed.some, windowed.settles, refuses_nan, where is not None, plan.divisor, source.axes,
        sizes, index_dtype,
    )  # fmt: skip
    tasks, inputs = _Tasks(shared, every), [x] if where is None else [x, where]
    names = [array.name for array in inputs]
    first = whole.shape[: len(whole.shape) - x.ndim]  # several quantiles
    name = f"pool-{tokenize(shared, plan, names)}"
    meta = np.empty((0,) * len(whole.shape), whole.dtype)
    if all(axis.aligned for axis in every):
        i = tuple(range(x.ndim))
        new = {x.ndim + n: length for n, length in enumerate(first)}
        pairs = [part for each in names for part in (each, i)]
        blocks = dict.fromkeys(names, x.numblocks)
        layer = blockwise(_run, name, (*new, *i), tasks, i, *pairs, numblocks=blocks, new_axes=new)
    else:
        layer = _Windows(name, names, tasks, (0,) * len(first))
    graph = HighLevelGraph.from_collections(name, layer, dependencies=inputs)
    result = da.Array(graph, name, (*((n,) for n in first), *tasks.chunks), meta=meta)
    if index_dtype is None:
        return result
    return tuple(
        result.map_blocks(operator.getitem, i, meta=meta.astype(t)) for i, t in enumerate((whole.dtype, index_dtype))
    )


def _beside(x: Any, where: Any) -> Any:
    """Return which elements of a dask array count, cut as it is."""
    mask = where if isinstance(where, da.Array) else da.asarray(checks.array("where", where))
    if checks.array("where", mask._meta).dtype != np.bool_:
        raise TypeError(f"where must be boolean, got {mask.dtype}")
    stretched = {axis: -1 for axis, n in enumerate(mask.shape) if n == 1}  # dask stretches one chunk alone
    try:
        return da.broadcast_to(mask.rechunk(stretched), x.shape).rechunk(x.chunks)
    except ValueError:
        raise ValueError(f"where of shape {mask.shape} does not broadcast to x of shape {x.shape}") from None


def _twin(name: str, ndim: int) -> Any:
    """Return the function of that name for dask arrays: what it prepares is done chunk by chunk."""
    function = getattr(functional, f"{name}{ndim}d")
    signature = inspect.signature(function)
    signature = signature.replace(parameters=[p for p in signature.parameters.values() if p.name != "out"])

    def pool(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{function.__name__}(): {error}") from None
        x = given["x"]
        if not isinstance(x, da.Array):
            raise TypeError(f"x must be a dask array, got {type(x).__name__}")
        if any(np.isnan(n) for n in x.shape):
            raise ValueError(f"x must have known chunk sizes, got shape {x.shape}; call x.compute_chunk_sizes() first")
        policy = missing.policy(given.get("nan_policy", "propagate"))
        where = None if given.get("where") is None else _beside(x, given.pop("where"))
        dtype = checks.array("x", x._meta).dtype
        strides = layouts.dense_strides(x.shape, tuple(range(x.ndim)), dtype.itemsize)
        windowed = function.decide(given | {"x": public.Outline(x.shape, strides, dtype, False)})
        if where is not None:
            laid = layouts.View(x.shape, tuple(s // dtype.itemsize for s in strides), 1, "uint8")
            windowed = windowed._replace(source=windowed.source._replace(where=laid))
        index_dtype = given.get("index_dtype", np.int64) if given.get("return_indices") else None
        return pool_blocks(windowed, x, where, policy == "raise", index_dtype)

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
