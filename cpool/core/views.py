"""What a view of windows is a view of: integers only.

The element at position ``o`` of a kept axis with stride ``s`` and position ``t`` of a reduced one with stride ``r``
lies ``o * s + t * r`` bytes from the first. With the unit ``u = gcd(s, r)`` that is position
``o * (s / u) + t * (r / u)`` of one axis of memory: the two are windows along it, ``s / u`` apart, whose taps are
``r / u`` apart. So the shape and the strides of a view tell the geometry of a pooling, whoever made the view.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from . import checks

Axes = tuple[int, ...]

#: Axes that a pooling reduces at most.
MOST_POOLED = 3


class Windows(NamedTuple):
    """A view of windows as the pooling that reduces it.

    The memory under the view, from the view's first element, has `shape` and `strides`: the view's kept axes, and then
    the reduced ones that are no windows of a kept one, each of which is one window. Its first and last element are the
    view's. `axes` are the pooled ones, the outermost in memory first, with one `kernel`, `stride` and `dilation` each.
    Axes of the view in `flipped` run against the axis whose windows they are: the first element is that of the view
    with them reversed.
    """

    shape: Axes
    strides: Axes
    axes: Axes
    kernel: Axes
    stride: Axes
    dilation: Axes
    flipped: Axes


class Run(NamedTuple):
    """Reduced axes that are one strided axis."""

    axes: Axes
    length: int
    stride: int


def _runs(shape: Axes, strides: Axes, reduced: Axes) -> list[Run]:
    """Merge the reduced axes where memory allows; those of length 1 are left out, whose stride means nothing."""
    runs: list[Run] = []
    for axis in sorted(reduced, key=lambda a: -abs(strides[a])):
        if shape[axis] == 1:
            continue
        run = Run((axis,), shape[axis], strides[axis])
        if runs and runs[-1].stride == run.length * run.stride:
            outer = runs.pop()
            run = Run(outer.axes + run.axes, outer.length * run.length, run.stride)
        runs.append(run)
    return runs


def _partners(shape: Axes, strides: Axes, kept: Axes, runs: list[Run]) -> dict[Run, int]:
    """Return of which kept axis each run is the windows, if of any; each axis has one at most.

    Several may do: rows of a picture are windows along its columns too, very far apart. The one with the smallest
    stride times dilation is meant. Two are never meant: taps so far apart that all windows lie between the first two,
    as the rows of a matrix between two elements of a column; and windows with more memory between them than in them, as
    a few columns of a wide matrix, of which a pooling would visit the rest.
    """
    found = []
    for run in runs:
        for axis in kept:
            s, r = abs(strides[axis]), abs(run.stride)
            if shape[axis] > 1 and 0 < r < s * shape[axis] and s <= 2 * r * run.length:
                found.append((s * r // math.gcd(s, r) ** 2, run, axis))
    partners: dict[Run, int] = {}
    for _, run, axis in sorted(found):
        if run not in partners and axis not in partners.values():
            partners[run] = axis
    return partners


@lru_cache(maxsize=512)
def windows(shape: Axes, strides: Axes, reduced: Axes) -> Windows | None:
    """Return the pooling that reduces some axes of a view, or None if they are no windows of the others.

    Parameters
    ----------
    shape, strides : tuple of int
        The view's. No length may be 0.
    reduced : tuple of int
        Its reduced axes, each once, from 0.

    Examples
    --------
    Rows of 6 float32, as blocks of 2 x 3:

    >>> blocks = windows((4, 2, 2, 3), (48, 24, 12, 4), (1, 3))
    >>> blocks.shape, blocks.kernel, blocks.stride
    ((8, 6), (2, 3), (2, 3))

    A sliding window of 5 over 100 float64; the columns of a matrix:

    >>> windows((96, 5), (8, 8), (1,))
    Windows(shape=(100,), strides=(8,), axes=(0,), kernel=(5,), stride=(1,), dilation=(1,), flipped=())
    >>> windows((4, 6), (48, 8), (0,)) is None
    True
    """
    kept = tuple(a for a in range(len(shape)) if a not in reduced)
    runs = _runs(shape, strides, reduced)
    partners = _partners(shape, strides, kept, runs)
    if not partners or len(runs) > MOST_POOLED:
        return None
    lengths, steps = [shape[a] for a in kept], [strides[a] for a in kept]
    pooled: list[tuple[int, int, int, int]] = []
    flipped: Axes = ()
    for run in runs:
        if run not in partners:
            pooled.append((len(lengths), run.length, 1, 1))
            lengths.append(run.length)
            steps.append(run.stride)
            continue
        i = kept.index(partners[run])
        unit = math.gcd(steps[i], run.stride)
        s, r = abs(steps[i]) // unit, abs(run.stride) // unit
        pooled.append((i, run.length, s, r))
        if (steps[i] > 0) != (run.stride > 0):
            flipped += run.axes
        lengths[i] = (lengths[i] - 1) * s + (run.length - 1) * r + 1
        steps[i] = unit if steps[i] > 0 else -unit
    pooled.sort(key=lambda axis: -abs(steps[axis[0]]))
    if max(max(axis) for axis in pooled) > checks.LARGEST:
        return None
    axes, kernel, stride, dilation = zip(*pooled, strict=True)
    return Windows(tuple(lengths), tuple(steps), axes, kernel, stride, dilation, flipped)
