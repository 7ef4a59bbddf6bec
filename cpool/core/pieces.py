"""A pooling cut into pieces: which inputs a stretch of outputs needs, and its windows over these alone.

For work that does not fit or does not lie in one memory: dask's chunks, files that are streamed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..geometry import AxisWindows, Listed, Plan, plan_of

Axes = tuple[int, ...]


class Part(NamedTuple):
    """A stretch of one axis: outputs [first, last), and the inputs [begin, end) that their windows see."""

    first: int
    last: int
    begin: int
    end: int


def _parts(windows: AxisWindows, edges: np.ndarray[Any, Any]) -> list[Part]:
    """Return the stretches of outputs between `edges`; each sees at least one input, also where all is padding."""
    firsts, lasts = edges[:-1], edges[1:]
    begins = np.minimum(np.minimum.reduceat(windows.begin[: edges[-1]], firsts), windows.size - 1)
    ends = np.clip(np.maximum.reduceat(windows.end[: edges[-1]], firsts), begins + 1, windows.size)
    return [Part(*p) for p in zip(*(column.tolist() for column in (firsts, lasts, begins, ends)), strict=True)]


def part(windows: AxisWindows, first: int, last: int) -> Part:
    """Return the stretch of outputs [first, last)."""
    return _parts(windows, np.array([first, last]))[0]


def parts_of_chunks(windows: AxisWindows, chunks: Axes) -> list[Part]:
    """Cut an axis where its input is cut: an output belongs to the chunk in which its window begins.

    Examples
    --------
    >>> from cpool import geometry
    >>> parts_of_chunks(geometry.plan((8,), 3, 2, 1).axes[0], (4, 4))
    [Part(first=0, last=3, begin=0, end=6), Part(first=3, last=4, begin=5, end=8)]
    """
    cuts = np.searchsorted(windows.begin, np.cumsum(chunks)[:-1])
    return _parts(windows, np.unique([0, *cuts, windows.out]))


def restricted(windows: AxisWindows, piece: Part) -> AxisWindows:
    """Return the windows of a stretch over its inputs alone; the divisors stay those of the whole axis."""
    first, last, begin, end = piece
    begins, ends = np.minimum(windows.begin[first:last], end) - begin, windows.end[first:last] - begin
    return AxisWindows(
        end - begin, last - first, windows.kernel, windows.stride, windows.step,
        windows.before - first * windows.stride + begin, windows.sliding,
        Listed(begins, np.maximum(ends, begins), windows.count[first:last]),
    )  # fmt: skip


def plan_of_parts(plan: Plan, parts: Iterable[Part]) -> Plan:
    """Return the plan of one piece, a stretch along each pooled axis."""
    return plan_of((restricted(w, p) for w, p in zip(plan.axes, parts, strict=True)), plan.divisor)
