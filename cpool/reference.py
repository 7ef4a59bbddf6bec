"""Pooling in slow, obvious NumPy, with the signatures of the fast functions: documentation and oracle.

Every function here loops over output positions, lists the taps of each window one by one, and looks at those that lie
inside the input. Nothing is shared with the fast code: not the window tables, not the argument checks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _each(value: Any, ndim: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * ndim


class _Windows:
    """The windows of `ndim` axes of the given sizes: output shape, taps and divisors."""

    def __init__(self, sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> None:
        n = len(sizes)
        self.sizes = sizes
        self.kernel = _each(kernel, n)
        self.stride = self.kernel if stride is None else _each(stride, n)
        self.dilation = _each(dilation, n)
        if padding in ("valid", "same", "same_lower"):
            self.padding = [self._same(i, padding) for i in range(n)]
        else:
            self.padding = [_each(p, 2) for p in _each(padding, n)]
        self.out = tuple(self._length(i, ceil_mode) for i in range(n))

    def _same(self, i: int, rule: str) -> tuple[int, int]:
        if rule == "valid":
            return 0, 0
        windows = math.ceil(self.sizes[i] / self.stride[i])
        missing = max(0, (windows - 1) * self.stride[i] + self.dilation[i] * (self.kernel[i] - 1) + 1 - self.sizes[i])
        return (missing // 2, missing - missing // 2) if rule == "same" else (missing - missing // 2, missing // 2)

    def _length(self, i: int, ceil_mode: bool) -> int:
        """Count the windows: those that fit, and with `ceil_mode` one that hangs over but starts inside."""
        before, after = self.padding[i]
        room = self.sizes[i] + before + after - self.dilation[i] * (self.kernel[i] - 1) - 1
        if room < 0 and not (ceil_mode and -room < self.stride[i]):
            raise ValueError("the kernel is larger than the padded input")
        windows = math.ceil(room / self.stride[i]) + 1 if ceil_mode else room // self.stride[i] + 1
        if ceil_mode and (windows - 1) * self.stride[i] >= self.sizes[i] + before:
            windows -= 1
        return int(windows)

    def outputs(self) -> Iterator[tuple[int, ...]]:
        return itertools.product(*(range(n) for n in self.out))

    def _raw(self, i: int, o: int) -> list[int]:
        first = o * self.stride[i] - self.padding[i][0]
        return [first + t * self.dilation[i] for t in range(self.kernel[i])]

    def taps(self, output: tuple[int, ...]) -> list[tuple[int, ...]]:
        """List the positions of a window that lie inside the input, in row-major order."""
        inside = [[x for x in self._raw(i, o) if 0 <= x < self.sizes[i]] for i, o in enumerate(output)]
        return list(itertools.product(*inside))

    def padded_count(self, output: tuple[int, ...]) -> int:
        """Count the positions of a window that lie inside the input and its padding."""
        return math.prod(
            sum(x < self.sizes[i] + self.padding[i][1] for x in self._raw(i, o)) for i, o in enumerate(output)
        )


def _at(position: tuple[int, ...]) -> Any:
    """Return the index of one position in every plane."""
    return (..., *position)


def _planes(x: Array, ndim: int, axis: Any) -> tuple[Array, tuple[int, ...]]:
    """Return `x` with the pooled axes last, and those axes."""
    axes = tuple(range(-ndim, 0)) if axis is None else tuple(a % x.ndim for a in _each(axis, ndim))
    return np.moveaxis(x, axes, range(-ndim, 0)), axes


def _select(better: Any, ndim: int) -> Any:
    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
        *,
        axis: Any = None,
    ) -> Any:
        planes, axes = _planes(np.asarray(x), ndim, axis)
        sizes = planes.shape[-ndim:]
        windows = _Windows(sizes, kernel_size, stride, padding, dilation, ceil_mode)
        lead = planes.shape[:-ndim]
        y = np.empty(lead + windows.out, planes.dtype)
        indices = np.empty(lead + windows.out, np.int64)
        for plane in np.ndindex(lead):
            for output in windows.outputs():
                taps = windows.taps(output)
                if not taps:
                    raise ValueError("a window lies wholly in padding")
                winner = taps[0]
                for tap in taps[1:]:
                    value, best = planes[plane + tap], planes[plane + winner]
                    if better(value, best) or np.isnan(value):
                        winner = tap
                y[plane + output] = planes[plane + winner]
                indices[plane + output] = np.ravel_multi_index(winner, sizes)
        y, indices = (np.moveaxis(a, range(-ndim, 0), axes) for a in (y, indices))
        return (y, indices) if return_indices else y

    pool.__doc__ = f"Pool {ndim} axes by trying every tap in row-major order: first tie and last NaN win."
    return pool


def _average(ndim: int) -> Any:
    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
        *,
        dilation: Any = 1,
        axis: Any = None,
    ) -> Array:
        planes, axes = _planes(np.asarray(x), ndim, axis)
        windows = _Windows(planes.shape[-ndim:], kernel_size, stride, padding, dilation, ceil_mode)
        y = np.zeros(planes.shape[:-ndim] + windows.out, planes.dtype)
        for output in windows.outputs():
            taps = windows.taps(output)
            total = sum((planes[_at(tap)].astype(np.float64) for tap in taps), np.zeros(planes.shape[:-ndim]))
            count = divisor_override or (windows.padded_count(output) if count_include_pad else len(taps))
            y[_at(output)] = total / count if taps else 0
        return np.moveaxis(y, range(-ndim, 0), axes)

    pool.__doc__ = f"Average {ndim} axes: the float64 sum of the taps inside, divided by the rule's divisor."
    return pool


def _select_backward(ndim: int) -> Any:
    def backward(grad_output: Any, indices: Any, input_shape: Any, *, axis: Any = None) -> Array:
        grads, axes = _planes(np.asarray(grad_output), ndim, axis)
        at, _ = _planes(np.asarray(indices), ndim, axis)
        sizes = tuple(input_shape[a] for a in axes)
        gx = np.zeros(grads.shape[:-ndim] + sizes, grads.dtype)
        for position in np.ndindex(grads.shape):
            plane = position[: grads.ndim - ndim]
            gx[plane + tuple(int(i) for i in np.unravel_index(int(at[position]), sizes))] += grads[position]
        return np.moveaxis(gx, range(-ndim, 0), axes)

    backward.__doc__ = f"Give each output's gradient over {ndim} axes to its winner; overlapping windows add up."
    return backward


def _average_backward(ndim: int) -> Any:
    def backward(
        grad_output: Any,
        input_shape: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
        *,
        dilation: Any = 1,
        axis: Any = None,
    ) -> Array:
        grads, axes = _planes(np.asarray(grad_output), ndim, axis)
        sizes = tuple(input_shape[a] for a in axes)
        windows = _Windows(sizes, kernel_size, stride, padding, dilation, ceil_mode)
        gx = np.zeros(grads.shape[:-ndim] + sizes, grads.dtype)
        for output in windows.outputs():
            taps = windows.taps(output)
            count = divisor_override or (windows.padded_count(output) if count_include_pad else len(taps))
            for tap in taps:
                gx[_at(tap)] += grads[_at(output)] / grads.dtype.type(count)
        return np.moveaxis(gx, range(-ndim, 0), axes)

    backward.__doc__ = f"Give each output's gradient over {ndim} axes, divided, to every tap of its window."
    return backward


max_pool1d, max_pool2d, max_pool3d = (_select(lambda v, m: v > m, d) for d in (1, 2, 3))
min_pool1d, min_pool2d, min_pool3d = (_select(lambda v, m: v < m, d) for d in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (_average(d) for d in (1, 2, 3))
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = (_select_backward(d) for d in (1, 2, 3))
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = (_average_backward(d) for d in (1, 2, 3))


def pool2d(x: Any, pool_size: Any, mode: str = "max") -> Array:
    """The textbook page: two loops over the output, one window at a time."""
    x = np.asarray(x, np.float64)
    height, width = _each(pool_size, 2)
    y = np.zeros((x.shape[-2] - height + 1, x.shape[-1] - width + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            window = x[i : i + height, j : j + width]
            y[i, j] = window.max() if mode == "max" else window.mean()
    return y
