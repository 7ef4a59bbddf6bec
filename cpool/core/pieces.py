"""A pooling cut into pieces: which inputs a stretch of outputs needs, and its windows over these alone.

For work that does not fit or does not lie in one memory: dask's chunks, files that are streamed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..geometry import AxisWindows, Plan, plan_of

Axes = tuple[int, ...]


class Part(NamedTuple):
    """A stretch of one axis: outputs [first, last), and the inputs [begin, end) that their windows see."""

    first: int
    last: int
    begin: int
    end: int


def part(windows: AxisWindows, first: int, last: int) -> Part:
    """Return the stretch of outputs [first, last); it sees at least one input, also where all is padding."""
    begin = min(int(windows.begin[first:last].min()), windows.size - 1)
    end = max(int(windows.end[first:last].max()), begin + 1)
    return Part(first, last, begin, min(end, windows.size))


def parts_of_chunks(windows: AxisWindows, chunks: Axes) -> list[Part]:
    """Cut an axis where its input is cut: an output belongs to the chunk in which its window begins.

    Examples
    --------
    >>> from cpool import geometry
    >>> parts_of_chunks(geometry.plan((8,), 3, 2, 1).axes[0], (4, 4))
    [Part(first=0, last=3, begin=0, end=6), Part(first=3, last=4, begin=5, end=8)]
    """
    cuts = np.searchsorted(windows.begin, np.cumsum(chunks)[:-1])
    edges = sorted({0, *(int(c) for c in cuts), windows.out})
    return [part(windows, first, last) for first, last in itertools.pairwise(edges)]


def _restricted(windows: AxisWindows, piece: Part) -> AxisWindows:
    """Return the windows of a stretch over its inputs alone; the divisors stay those of the whole axis."""
    first, last, begin, end = piece
    begins, ends = np.minimum(windows.begin[first:last], end) - begin, windows.end[first:last] - begin
    return AxisWindows(
        end - begin, last - first, windows.kernel, windows.stride, windows.step,
        windows.before - first * windows.stride + begin, windows.sliding,
        begins, np.maximum(ends, begins), windows.count[first:last],
    )  # fmt: skip


def plan_of_parts(plan: Plan, parts: Iterable[Part]) -> Plan:
    """Return the plan of one piece, a stretch along each pooled axis."""
    return plan_of((_restricted(w, p) for w, p in zip(plan.axes, parts, strict=True)), plan.divisor)
