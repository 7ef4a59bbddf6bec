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


class _AdaptiveWindows(_Windows):
    """Windows that cover each axis with a given number of outputs."""

    def __init__(self, sizes: Any, output_size: Any) -> None:
        self.sizes = sizes
        given = _each(output_size, len(sizes))
        self.out = tuple(n if o is None else o for n, o in zip(sizes, given, strict=True))

    def _raw(self, i: int, o: int) -> list[int]:
        n, m = self.sizes[i], self.out[i]
        return list(range(o * n // m, -(-(o + 1) * n // m)))

    def padded_count(self, output: tuple[int, ...]) -> int:
        return len(self.taps(output))


def _at(position: tuple[int, ...]) -> Any:
    """Return the index of one position in every plane."""
    return (..., *position)


def _planes(x: Array, ndim: int, axis: Any) -> tuple[Array, tuple[int, ...]]:
    """Return `x` with the pooled axes last, and those axes."""
    axes = tuple(range(-ndim, 0)) if axis is None else tuple(a % x.ndim for a in _each(axis, ndim))
    return np.moveaxis(x, axes, range(-ndim, 0)), axes


def _each_window(x: Any, ndim: int, axis: Any, windows_of: Any, dtype: Any, reduce: Any) -> Array:
    """Reduce each window of each plane by ``reduce(values, places)``, the taps inside in row-major order."""
    planes, axes = _planes(np.asarray(x), ndim, axis)
    windows = windows_of(planes.shape[-ndim:])
    lead = planes.shape[:-ndim]
    y = np.empty(lead + windows.out, dtype or planes.dtype)
    for output in windows.outputs():
        taps = windows.taps(output)
        if not taps:
            raise ValueError("a window lies wholly in padding")
        places = [int(np.ravel_multi_index(tap, windows.sizes)) for tap in taps]
        for plane in np.ndindex(lead):
            y[plane + output] = reduce([planes[plane + tap] for tap in taps], places)
    return np.moveaxis(y, range(-ndim, 0), axes)


def _winner(better: Any, values: list[Any], omit: bool) -> int:
    """Return the position of the winning value: first of the best, last NaN; the first if nothing counts."""
    best = 0
    for t in range(1, len(values)):
        if omit:
            replaces = not np.isnan(values[t]) and (np.isnan(values[best]) or better(values[t], values[best]))
        else:
            replaces = np.isnan(values[t]) or better(values[t], values[best])
        if replaces:
            best = t
    return best


def _pick(better: Any, x: Any, ndim: int, axis: Any, windows_of: Any, return_indices: bool, omit: bool) -> Any:
    def value(values: list[Any], places: list[int]) -> Any:
        return values[_winner(better, values, omit)]

    def place(values: list[Any], places: list[int]) -> int:
        return places[_winner(better, values, omit)]

    y = _each_window(x, ndim, axis, windows_of, None, value)
    return (y, _each_window(x, ndim, axis, windows_of, np.int64, place)) if return_indices else y


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
        nan_policy: str = "propagate",
    ) -> Any:
        def windows(sizes: Any) -> _Windows:
            return _Windows(sizes, kernel_size, stride, padding, dilation, ceil_mode)

        return _pick(better, x, ndim, axis, windows, return_indices, nan_policy == "omit")

    pool.__doc__ = f"Pool {ndim} axes by trying every tap in row-major order: first tie and last NaN win."
    return pool


def _adaptive_select(ndim: int) -> Any:
    def pool(x: Any, output_size: Any, return_indices: bool = False, *, axis: Any = None) -> Any:
        def windows(sizes: Any) -> _Windows:
            return _AdaptiveWindows(sizes, output_size)

        return _pick(lambda v, m: v > m, x, ndim, axis, windows, return_indices, False)

    pool.__doc__ = f"Pool {ndim} axes over windows that cover them."
    return pool


def _adaptive_average(ndim: int) -> Any:
    def pool(x: Any, output_size: Any, *, axis: Any = None) -> Array:
        def windows(sizes: Any) -> _Windows:
            return _AdaptiveWindows(sizes, output_size)

        def mean(values: list[Any], places: list[int]) -> Any:
            return np.mean(values, dtype=np.float64)

        return _each_window(x, ndim, axis, windows, None, mean)

    pool.__doc__ = f"Average {ndim} axes over windows that cover them."
    return pool


def _statistic(reduce: Any, ndim: int, floating: bool) -> Any:
    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        axis: Any = None,
    ) -> Array:
        def windows(sizes: Any) -> _Windows:
            return _Windows(sizes, kernel_size, stride, padding, dilation, ceil_mode)

        dtype = np.float64 if floating and np.asarray(x).dtype.kind in "biu" else None
        return _each_window(x, ndim, axis, windows, dtype, lambda values, places: reduce(values))

    pool.__doc__ = f"Reduce the taps inside each window of {ndim} axes."
    return pool


def _most_frequent(values: list[Any]) -> Any:
    """Return the value that occurs most often, of several the smallest."""
    return max(sorted(set(values)), key=values.count)


def _norm(ndim: int) -> Any:
    def pool(
        x: Any,
        norm_type: Any,
        kernel_size: Any,
        stride: Any = None,
        ceil_mode: bool = False,
        *,
        padding: Any = 0,
        dilation: Any = 1,
        axis: Any = None,
    ) -> Array:
        def windows(sizes: Any) -> _Windows:
            return _Windows(sizes, kernel_size, stride, padding, dilation, ceil_mode)

        def norm(values: list[Any], places: list[int]) -> Any:
            if norm_type == np.inf:
                return np.max(np.abs(values))
            return np.sum(np.asarray(values, np.float64) ** norm_type) ** (1 / norm_type)

        with np.errstate(invalid="ignore"):
            return _each_window(x, ndim, axis, windows, None, norm)

    pool.__doc__ = f"Norm over {ndim} axes, as it is written."
    return pool


def _norm_backward(ndim: int) -> Any:
    def backward(
        grad_output: Any,
        x: Any,
        output: Any,
        norm_type: Any,
        kernel_size: Any,
        stride: Any = None,
        ceil_mode: bool = False,
        *,
        padding: Any = 0,
        dilation: Any = 1,
        axis: Any = None,
    ) -> Array:
        planes, axes = _planes(np.asarray(x), ndim, axis)
        grads, _ = _planes(np.asarray(grad_output), ndim, axis)
        norms, _ = _planes(np.asarray(output), ndim, axis)
        windows = _Windows(planes.shape[-ndim:], kernel_size, stride, padding, dilation, ceil_mode)
        gx = np.zeros(planes.shape)
        for output_at in windows.outputs():
            for plane in np.ndindex(planes.shape[:-ndim]):
                y, g = float(norms[plane + output_at]), float(grads[plane + output_at])
                taps = windows.taps(output_at)
                if norm_type == np.inf:  # to the first of the largest magnitudes
                    largest = max(taps, key=lambda tap: abs(planes[plane + tap]))
                    gx[plane + largest] += g * np.sign(planes[plane + largest])
                    continue
                for tap in taps:
                    if y != 0:
                        gx[plane + tap] += g * float(planes[plane + tap]) ** (norm_type - 1) * y ** (1 - norm_type)
        return np.moveaxis(gx, range(-ndim, 0), axes).astype(planes.dtype)

    backward.__doc__ = f"The derivative of the norm over {ndim} axes, tap by tap."
    return backward


def _unpool(ndim: int) -> Any:
    def unpool(
        x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Array:
        x = np.asarray(x)
        kernel, pad = _each(kernel_size, ndim), _each(padding, ndim)
        step = kernel if stride is None else _each(stride, ndim)
        sizes = output_size or [
            (n - 1) * s + k - 2 * p for n, s, k, p in zip(x.shape[-ndim:], step, kernel, pad, strict=True)
        ]
        sizes = tuple(sizes)[-ndim:]
        y = np.zeros(x.shape[:-ndim] + sizes, x.dtype)
        for position in np.ndindex(x.shape):
            at = np.unravel_index(int(indices[position]), sizes)
            y[position[: x.ndim - ndim] + tuple(int(i) for i in at)] = x[position]
        return y

    unpool.__doc__ = f"Put each value of {ndim} axes back to its index; the last one stays."
    return unpool


def _unpool_backward(ndim: int) -> Any:
    def backward(grad_output: Any, indices: Any) -> Array:
        grad = np.asarray(grad_output)
        gx = np.empty(np.shape(indices), grad.dtype)
        for position in np.ndindex(gx.shape):
            at = np.unravel_index(int(indices[position]), grad.shape[-ndim:])
            gx[position] = grad[position[: gx.ndim - ndim] + tuple(int(i) for i in at)]
        return gx

    backward.__doc__ = f"Fetch the gradient over {ndim} axes at each index."
    return backward


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
lp_pool1d, lp_pool2d, lp_pool3d = (_norm(d) for d in (1, 2, 3))
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = (_norm_backward(d) for d in (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (_adaptive_select(d) for d in (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (_adaptive_average(d) for d in (1, 2, 3))
median_pool1d, median_pool2d, median_pool3d = (_statistic(np.median, d, True) for d in (1, 2, 3))
mode_pool1d, mode_pool2d, mode_pool3d = (_statistic(_most_frequent, d, False) for d in (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = (_unpool(d) for d in (1, 2, 3))
max_unpool1d_backward, max_unpool2d_backward, max_unpool3d_backward = (_unpool_backward(d) for d in (1, 2, 3))
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
