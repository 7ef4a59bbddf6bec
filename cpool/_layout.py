"""Which memory: any array as the canonical view (P, D, H, W, I), without a copy.

P: independent planes. D, H, W: the pooled axes (missing ones have length 1). I: the contiguous run under one pixel:
1 for NCHW memory, C for channels-last memory, N*C for Fortran order. Kernels accept any strides on all but I.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Layout:
    """How the axes of an array map to (P, D, H, W, I)."""

    planes: tuple[int, ...]
    pooled: tuple[int, ...]
    inner: tuple[int, ...]

    def canonical(self, array: Array) -> Array:
        """Return `array` as (planes..., D, H, W, I); the planes' axes stay apart."""
        a = array.transpose(self.planes + self.pooled + self.inner)
        lead = len(self.planes)
        shape = a.shape
        missing = (1,) * (3 - len(self.pooled))
        run = math.prod(shape[lead + len(self.pooled) :])
        return a.reshape(shape[:lead] + missing + shape[lead : lead + len(self.pooled)] + (run,))

    def canonical_groups(self, *arrays: Array) -> Iterator[tuple[Array, ...]]:
        """Yield all arrays as 5-D (P, D, H, W, I) views; several groups where the planes' axes do not merge."""
        views = [self.canonical(a) for a in arrays]
        lead = len(self.planes)
        split = max(_unmergeable(v, lead) for v in views)
        for index in np.ndindex(views[0].shape[:split]):
            yield tuple(v[index].reshape((-1,) + v.shape[lead:]) for v in views)


def _unmergeable(view: Array, lead: int) -> int:
    """Return how many leading axes must be looped over so that the other leading ones are one strided axis."""
    step = None
    for axis in range(lead - 1, -1, -1):
        if view.shape[axis] == 1:
            continue
        if step is not None and view.strides[axis] != step:
            return axis + 1
        step = view.strides[axis] * view.shape[axis]
    return 0


def _inner_axes(array: Array, pooled: tuple[int, ...]) -> tuple[int, ...]:
    """Return the unpooled axes that lie contiguous under one pixel, outermost first."""
    if array.strides[pooled[-1]] == array.itemsize or (array.flags.c_contiguous and pooled[-1] == array.ndim - 1):
        return ()
    inner: list[int] = []
    step = array.itemsize
    others = [a for a in range(array.ndim) if a not in pooled and array.shape[a] > 1 and array.strides[a] >= step]
    for axis in sorted(others, key=lambda a: array.strides[a]):
        if array.strides[axis] != step:
            break
        inner.insert(0, axis)
        step *= array.shape[axis]
    return tuple(inner)


def layout_of(pooled: tuple[int, ...], first: Array, *others: Array) -> Layout:
    """Return a layout that views every one of the arrays without a copy; where they disagree, I = 1 does."""
    inner = _inner_axes(first, pooled)
    if inner and any(_inner_axes(a, pooled) != inner for a in others):
        inner = ()
    return Layout(tuple(a for a in range(first.ndim) if a not in pooled + inner), pooled, inner)


def empty_like(array: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return a new array of `shape` whose axes lie in memory in the order of those of `array`."""
    if array.flags.c_contiguous:
        return np.empty(shape, dtype)
    order = sorted(range(array.ndim), key=lambda a: -abs(array.strides[a]))
    back = np.argsort(order)
    return np.empty([shape[a] for a in order], dtype).transpose(back)
