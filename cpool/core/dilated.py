"""Windows whose taps lie so far apart along the last axis that a row of scratch would hold little else than what lies
between them: the taps become an axis of their own, and the outputs one that is carried along. Nothing is copied.

    x[.., w] with w = first + o*stride + t*step    is    x[.., o, .., t],  pooled over t alone
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..geometry import Table
from . import layouts, strategies

Array = np.ndarray[Any, Any]

#: Inputs from one tap to the next, from which on it is too much to read what lies between them.
_APART = 8
#: Outputs of which taps lie side by side that are carried along together: an axis of that length is a run of channels.
_TOGETHER = 512
#: Axes that a view has more than its array, and most that NumPy has.
_MORE_AXES, _MOST_AXES = 2, 64
#: Indices that are made others at once.
_PLACED = 2**16
#: Most parts: where windows do not move evenly there would be one for each output.
_MOST_PARTS = 256


@dataclass(frozen=True)
class Part:
    """Outputs [begin, begin + rows * columns), which have the same taps inside the input and one count.

    Attributes
    ----------
    table : Table
        The one window over the axis of taps.
    axis, begin, rows, columns : int
        The axis of the outputs, the first of them, and how many: an axis of rows and one of columns.
    first, stride, step : int
        Input of the first tap inside, and from one output and from one tap to the next.
    """

    table: Table
    axis: int
    begin: int
    rows: int
    columns: int
    first: int
    stride: int
    step: int

    def _split(self, shape: Any, strides: Any, taps: int, stride: int, step: int) -> tuple[Any, Any]:
        a = self.axis
        apart = strides[a]
        return (
            (*shape[:a], self.rows, self.columns, *shape[a + 1 :], taps),
            (*strides[:a], self.columns * stride * apart, stride * apart, *strides[a + 1 :], step * apart),
        )

    def read(self, x: Any) -> Any:
        """Return the view of an input, of an array or of what is known of one."""
        split = self._split(x.shape, x.strides, self.table.size, self.stride, self.step)
        return self._of(x, self.first, *split)

    def written(self, y: Any) -> Any:
        """Return the view of an output."""
        return self._of(y, self.begin, *self._split(y.shape, y.strides, 1, 1, 1))

    def _of(self, view: Any, begin: int, shape: Any, strides: Any) -> Any:
        if isinstance(view, layouts.View):
            return replace(view, shape=shape, strides=strides)
        view = view[(slice(None),) * self.axis + (slice(begin, None),)]
        return np.lib.stride_tricks.as_strided(view, shape, strides)

    def axes(self, pooled: tuple[int, ...], ndim: int) -> tuple[int, ...]:
        """Return which axes of such views are pooled."""
        return (*(a + (a > self.axis) for a in pooled[:-1]), ndim + 1)

    def place(self, at: Array, size: int) -> None:
        """Make indices into planes of which a row has all taps such into planes whose rows have `size` elements."""
        o = np.arange(self.rows * self.columns).reshape(self.rows, self.columns, *(1,) * (at.ndim - self.axis - 2))
        n = max(1, _PLACED * self.rows // max(1, at.size))
        for row in range(0, self.rows, n):
            some = at[(slice(None),) * self.axis + (slice(row, row + n),)]
            rows, tap = np.divmod(some, self.table.size)
            found = rows * size + self.first + o[row : row + n] * self.stride + tap * self.step
            np.copyto(some, found, where=some >= 0, casting="same_kind")


def parts(w: Table, unit: int, axis: int, ndim: int) -> list[Part]:
    """Return the parts of all outputs of the last pooled axis, whose pixels have `unit` bytes, the largest first; none
    if taps are near, or windows move unevenly, or one sees nothing, or NumPy has no views of so many axes."""
    wide = strategies.WIDEST_ROW
    if w.step < _APART or w.kernel == 1 or 2 * w.span * unit <= wide or w.size * unit <= wide or not w.out:
        return []
    if ndim + _MORE_AXES > _MOST_AXES:
        return []
    o = np.arange(w.out, dtype=np.int64)
    first, taps = (o * w.stride - w.before, np.full(w.out, w.kernel)) if w.uniform else (w.first, w.taps)
    before = np.maximum(0, -(first // w.step))
    inside = np.minimum(taps, (w.size - 1 - first) // w.step + 1) - before
    if inside.min() < 1:
        return []
    count = w.count if len(w.count) == w.out else np.broadcast_to(w.count[:1], w.out)
    kinds = [before, inside, taps, count, np.diff(first, append=first[-1] + w.stride)]
    changes = np.any([np.diff(kind) != 0 for kind in kinds], 0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), w.out]
    if len(edges) > _MOST_PARTS:
        return []
    found = []
    for begin, end in itertools.pairwise(edges):
        stride = int(first[begin + 1] - first[begin]) if end - begin > 1 else 1
        table = Table(
            int(inside[begin]), 1, int(taps[begin]), int(taps[begin]), 1, int(before[begin]), True,
            -before[begin : begin + 1], taps[begin : begin + 1], count[begin : begin + 1],
        )  # fmt: skip
        rest = (end - begin) % _TOGETHER if stride == 1 and end - begin > _TOGETHER else end - begin
        for start, n, columns in ((begin, end - begin - rest, _TOGETHER), (end - rest, rest, rest)):
            if n:
                source = int(first[start]) + int(before[start]) * w.step
                found.append(Part(table, axis, start, n // columns, columns, source, stride, w.step))
    return sorted(found, key=lambda part: -part.rows * part.columns)
