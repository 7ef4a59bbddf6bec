"""Which memory: any array as the canonical view (P, D, H, W, I), without a copy.

P: independent planes. D, H, W: the pooled axes (missing ones have length 1). I: the contiguous run under one pixel:
1 for NCHW memory, C for channels-last memory, N*C for Fortran order. Only I must be contiguous: kernels accept any
strides on the others. Like a window plan, a layout is integers alone: it needs shapes and strides, not the arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Axes = tuple[int, ...]

#: A run is cut (its outer axes become planes) before one pixel fills this many elements of a thread's scratch.
LONGEST_RUN = 8192


@dataclass(frozen=True)
class View:
    """Shape, strides and element size of one array, and the name of the type in which it stores numbers."""

    shape: Axes
    strides: Axes
    itemsize: int
    type: str


def memory_order(shape: Axes, strides: Axes) -> Axes:
    """Return the axes from the outermost to the innermost in memory; C order wherever strides leave a choice."""
    step = 1
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            continue
        if abs(strides[axis]) < step:
            return tuple(sorted(range(len(shape)), key=lambda a: -abs(strides[a])))
        step = abs(strides[axis])
    return tuple(range(len(shape)))


def overlaps_itself(shape: Axes, strides: Axes, itemsize: int) -> bool:
    """Return whether elements may lie on one another: an axis' stride is less than what the axes inside it take."""
    if 0 in shape:
        return False
    taken = itemsize
    for stride, n in sorted((abs(stride), n) for stride, n in zip(strides, shape, strict=True) if n > 1):
        if stride < taken:
            return True
        taken += (n - 1) * stride
    return False


def dense_strides(shape: Axes, order: Axes, itemsize: int) -> Axes:
    """Return the strides of a new array whose axes lie in memory in `order`."""
    strides = [0] * len(shape)
    step = itemsize
    for axis in reversed(order):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def empty(shape: Axes, order: Axes, dtype: Any) -> np.ndarray[Any, Any]:
    """Return a new array of `shape` whose axes lie in memory in `order`."""
    if order == tuple(range(len(shape))):
        return np.empty(shape, dtype)
    return np.empty([shape[a] for a in order], dtype).transpose(np.argsort(order))


def _run_axes(view: View, pooled: Axes) -> Axes:
    """Return the unpooled axes that lie contiguous under one pixel, outermost first.

    An axis of one element has any stride and says nothing.
    """
    if any(view.strides[a] == view.itemsize and view.shape[a] > 1 for a in pooled):
        return ()
    run: list[int] = []
    step = view.itemsize
    others = [a for a in range(len(view.shape)) if a not in pooled and view.shape[a] > 1 and view.strides[a] >= step]
    for axis in sorted(others, key=lambda a: view.strides[a]):
        if view.strides[axis] != step or step * view.shape[axis] > LONGEST_RUN * view.itemsize:
            break
        run.insert(0, axis)
        step *= view.shape[axis]
    return tuple(run)


def _merged(axes: list[int], views: list[View]) -> list[list[int]]:
    """Group leading axes that are one strided axis in every view."""
    groups: list[list[int]] = []
    for axis in axes:
        if groups:
            outer = groups[-1][-1]
            if all(v.strides[outer] == v.strides[axis] * v.shape[axis] for v in views):
                groups[-1].append(axis)
                continue
        groups.append([axis])
    return groups


def flattened(pooled: Axes, *views: View) -> tuple[Axes, list[View]]:
    """Take the pooled axes for one, of row-major planes, if they lie so in every view; else change nothing."""
    axes = list(pooled)
    if any(len(_merged(axes, [v])) > 1 for v in views):
        return pooled, list(views)
    *rest, last = axes

    def flat(view: View) -> View:
        shape = list(view.shape)
        shape[last] = math.prod(shape[a] for a in axes)
        for axis in rest:
            shape[axis] = 1
        return View(tuple(shape), view.strides, view.itemsize, view.type)

    return (last,), [flat(v) for v in views]


@dataclass(frozen=True)
class Memory:
    """Up to four arrays, which differ only along the pooled axes, as (planes, D, H, W, run).

    Attributes
    ----------
    lead : tuple of int
        Lengths of the axes that count planes, outermost first.
    run : int
        Contiguous elements under one pixel.
    views : tuple of View
        The arrays, with strides of D, H, W and of the leading axes alone.
    """

    lead: Axes
    run: int
    views: tuple[View, ...]

    @property
    def planes(self) -> int:
        """How many there are."""
        return math.prod(self.lead)

    def packed(self, types: tuple[str, ...]) -> np.ndarray[Any, Any]:
        """Return one int64 array: planes, number of leading axes, run; lengths of the leading axes; for each of four
        arrays the number of its type among `types`, then strides in bytes."""
        parts = [self.planes, len(self.lead), self.run, *self.lead]
        for view in self.views:
            parts += [types.index(view.type), *view.strides]
        parts += [0] * ((4 - len(self.views)) * (4 + len(self.lead)))
        return np.array(parts, np.int64)

    def shared(self, n: int, fewest: int) -> Memory:
        """Return the memory with channels cut into n blocks, each a plane of its own; into fewer where n does not
        divide them, or blocks would have less than `fewest` channels."""
        blocks = next((m for m in range(n, 1, -1) if self.run % m == 0 and self.run // m >= fewest), 1)
        if blocks == 1:
            return self
        run, lead = self.run // blocks, self.lead if self.planes > 1 else ()
        views = (View((), (*v.strides[: 3 + len(lead)], run * v.itemsize), v.itemsize, v.type) for v in self.views)
        return Memory((*lead, blocks), run, tuple(views))

    def joined(self, rows: tuple[int, ...]) -> Memory | None:
        """Return the planes as rows of one, if they follow one another; each array has so many `rows` in a plane."""
        if len(self.lead) != 1:
            return None
        views = []
        for view, n in zip(self.views, rows, strict=True):
            d, h, w, plane = view.strides
            if n > 1 and self.planes > 1 and plane != n * h:
                return None
            views.append(View((), (d, plane if n == 1 else h, w, 0), view.itemsize, view.type))
        return Memory((1,), self.run, tuple(views))


def canonical(pooled: Axes, *views: View, runs: bool = True) -> Memory:
    """Return what the driver needs to know of up to four arrays; without `runs` each channel is a plane of its own."""
    first = views[0]
    run: Axes = ()  # innermost axes that lie so in all views
    for axes in zip(*(reversed(_run_axes(v, pooled)) for v in views if runs), strict=False):
        if len(set(axes)) > 1:
            break
        run = (axes[0], *run)
    leading = [a for a in range(len(first.shape)) if a not in pooled + run and first.shape[a] != 1]
    groups = _merged(sorted(leading, key=lambda a: -abs(first.strides[a])), list(views)) or [[]]
    lead = tuple(math.prod(first.shape[a] for a in g) for g in groups)
    strided = []
    for v in views:
        strides = [0] * (3 - len(pooled)) + [v.strides[a] for a in pooled]
        strides += [v.strides[g[-1]] if g else 0 for g in groups]
        strided.append(View((), tuple(strides), v.itemsize, v.type))
    return Memory(lead, math.prod(first.shape[a] for a in run), tuple(strided))
