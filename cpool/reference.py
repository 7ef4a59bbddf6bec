"""Pooling in slow, obvious NumPy, with the signatures of the fast functions but for ``out``: documentation and oracle.

A window of one axis is a row of positions, ``o*stride - padding + t*dilation``; those in ``[0, size)`` are its taps.
The windows of several axes are all combinations of theirs. Every function takes all windows of all planes as one array,
taps last and in row-major order, and reduces that axis; every gradient adds along the same positions. Nothing is shared
with the fast code: not the window tables, not the argument checks. Memory grows with outputs times taps.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class _Axis(NamedTuple):
    """The windows of one axis: where each would take its elements, the axis' length, and where its padding ends."""

    positions: Array  # shape (windows, taps)
    size: int
    end: int


class _Windows(NamedTuple):
    """The windows of all pooled axes."""

    out: tuple[int, ...]
    places: Array  # shape (windows, taps): row-major position in the plane; 0 for what lies outside
    inside: Array  # shape (windows, taps): which of them lie in the input
    padded: Array  # shape (windows,): how many of them lie in the input or its padding


class _Planes:
    """Moves the pooled axes of an array last and flattens them, and back."""

    def __init__(self, ndim: int, axis: Any, rank: int) -> None:
        if rank < ndim:
            raise ValueError(f"{ndim} axes are pooled, but there are {rank}")
        self.axes = tuple(range(rank - ndim, rank)) if axis is None else tuple(a % rank for a in _each(axis, ndim))

    def sizes(self, shape: Any) -> tuple[int, ...]:
        return tuple(shape[a] for a in self.axes)

    def flat(self, x: Any) -> Array:
        """Return `x` with shape (..., elements of a plane)."""
        moved: Array = np.moveaxis(_array(x), self.axes, range(-len(self.axes), 0))
        return moved.reshape(*moved.shape[: -len(self.axes)], math.prod(moved.shape[-len(self.axes) :]))

    def whole(self, y: Array, sizes: tuple[int, ...], extra: int = 0) -> Array:
        """Return what `flat` would make `y` of; `extra` axes stand in front of those of the input."""
        y = y.reshape(*y.shape[:-1], *sizes)
        return np.moveaxis(y, range(-len(sizes), 0), [a + extra for a in self.axes])


def _array(x: Any) -> Array:
    """Return `x` as a plain array in the machine's byte order."""
    array: Array = np.asarray(x)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _each(value: Any, ndim: int) -> tuple[Any, ...]:
    """Return one value per axis; as in torch, one alone stands for all."""
    is_sequence = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    given = tuple(value) if is_sequence else (value,)
    if len(given) not in (1, ndim):
        raise ValueError(f"{value!r} is not one value, nor one for each of {ndim} axes")
    return given * ndim if len(given) == 1 else given


def _pairs(padding: Any, ndim: int) -> list[tuple[int, int]]:
    """Return (before, after) for each axis."""
    if isinstance(padding, np.ndarray):
        padding = padding.tolist()
    if isinstance(padding, (tuple, list)) and any(isinstance(p, (tuple, list, np.ndarray)) for p in padding):
        padding = [*padding] * (ndim if len(padding) == 1 else 1)
        if len(padding) != ndim:
            raise ValueError(f"{padding!r} has not one pair for each of {ndim} axes")
        return [(before, after) for before, after in (_each(p, 2) for p in padding)]
    return [(p, p) for p in _each(padding, ndim)]


def _same(size: int, kernel: int, stride: int, dilation: int, rule: str) -> tuple[int, int]:
    """Return the padding that gives ``ceil(size / stride)`` windows; an odd rest goes to the end, or to the start."""
    missing = max(0, (math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
    small = missing // 2
    return {"valid": (0, 0), "same": (small, missing - small), "same_lower": (missing - small, small)}[rule]


def _sliding(sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> _Windows:
    """Return the windows that move by a stride: those that fit, and with `ceil_mode` one that hangs over the end."""
    ndim = len(sizes)
    kernel = _each(kernel, ndim)
    stride = kernel if stride is None or np.size(stride) == 0 else _each(stride, ndim)
    steps = list(zip(sizes, kernel, stride, _each(dilation, ndim), strict=True))
    pads = [_same(*step, padding) for step in steps] if isinstance(padding, str) else _pairs(padding, ndim)
    axes = []
    for (size, k, s, d), (before, after) in zip(steps, pads, strict=True):
        room = size + before + after - d * (k - 1) - 1
        windows = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (windows - 1) * s >= size + before:  # it must begin in the input or the padding before it
            windows -= 1
        if size < 1 or windows < 1:
            raise ValueError(
                f"no window of {k} elements, {d} apart, fits an axis of {size} padded by {before}, {after}"
            )
        positions = np.arange(windows)[:, None] * s - before + np.arange(k) * d
        axes.append(_Axis(positions, size, size + after))
    return _combined(axes)


def _covering(sizes: Any, output_size: Any) -> _Windows:
    """Return windows that cover each axis with a given number of outputs: ``floor(i*n/m)`` to ``ceil((i + 1)*n/m)``."""
    axes = []
    for n, given in zip(sizes, _each(output_size, len(sizes)), strict=True):
        if n < 1:
            raise ValueError(f"an axis of {n} cannot be covered")
        m = n if given is None else given
        axes.append(_rows([range(i * n // m, -(-(i + 1) * n // m)) for i in range(m)], n))
    return _combined(axes)


def _fractional(sizes: Any, kernel: Any, lengths: Any, samples: Any) -> _Windows:
    """Return windows at Graham's pseudo-random places, in the samples' float type; the last ends with the axis."""
    axes = []
    for n, k, m, sample in zip(sizes, kernel, lengths, samples, strict=True):
        if not 1 <= m <= n - k + 1:
            raise ValueError(f"{m} windows of {k} elements do not fit an axis of {n}")
        alpha = type(sample)(n - k) / type(sample)(max(m - 1, 1))
        starts = [int((type(sample)(i) + sample) * alpha) - int(sample * alpha) for i in range(m - 1)] + [n - k]
        axes.append(_rows([range(start, start + k) for start in starts], n))
    return _combined(axes)


def _rows(windows: list[range], size: int) -> _Axis:
    """Return windows of one axis that follow no stride; the shorter ones are filled up from beyond the input."""
    longest = max((len(w) for w in windows), default=1)
    positions = [[*w, *[size] * (longest - len(w))] for w in windows]
    return _Axis(np.array(positions, np.int64).reshape(-1, longest), size, size)


def _combined(axes: list[_Axis]) -> _Windows:
    """Return the windows of several axes: each of the first with each of the second, and so on; so are their taps."""
    places, inside, padded = np.zeros((1, 1), np.int64), np.ones((1, 1), bool), np.ones(1, np.int64)
    for positions, size, end in axes:
        shape = places.shape[0] * positions.shape[0], places.shape[1] * positions.shape[1]
        inside = (inside[:, None, :, None] & (positions[:, None] >= 0) & (positions[:, None] < size)).reshape(shape)
        places = (places[:, None, :, None] * size + positions[:, None]).reshape(shape)
        padded = np.outer(padded, (positions < end).sum(1)).ravel()
    return _Windows(tuple(len(a.positions) for a in axes), np.where(inside, places, 0), inside, padded)


def _counting(x: Any, nan_policy: str = "propagate", where: Any = None) -> tuple[Array, Array]:
    """Return `x` as an array, and which elements count: not masked, in `where`, and no NaN if those are omitted."""
    counts = ~np.ma.getmaskarray(x) if isinstance(x, np.ma.MaskedArray) else np.ones(np.shape(x), bool)
    if where is not None:
        counts = counts & np.broadcast_to(where, counts.shape)
    x = _array(x)
    if nan_policy == "raise" and ((x != x) & counts).any():
        raise ValueError("x holds NaN, and nan_policy='raise'")
    return x, counts & (x == x) if nan_policy == "omit" else counts


def _touching(windows: _Windows) -> _Windows:
    """Refuse windows that lie wholly in padding, where they have no answer."""
    if not windows.inside.any(-1).all():
        raise ValueError("a window lies wholly in padding")
    return windows


def _as(y: Array, dtype: Any) -> Array:
    """Return `y`, computed as float64, in another dtype: integers are rounded half to even and kept in range."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        return y.astype(dtype)
    limits = np.iinfo(dtype)
    above = y >= float(limits.max)
    result = np.rint(np.where(above, 0, np.maximum(y, limits.min))).astype(dtype)
    result[above] = limits.max
    return result


def _natural(x: Array, dtype: Any) -> Any:
    """Return the dtype of averages and the like: `dtype` if given, else that of floats, and float64 of all others."""
    if dtype is not None:
        return np.dtype(dtype)
    return np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype


def _finish(y: Array, empty: Array, x: Any) -> Array:
    """Mark the windows in which too few elements count: masked if `x` is, else NaN; integers have none."""
    if isinstance(x, np.ma.MaskedArray):
        return np.ma.MaskedArray(y, empty)
    if empty.any():
        if y.dtype.kind in "biu":
            raise ValueError(f"a window has no element that counts, and {y.dtype} has no NaN")
        y[empty] = np.nan
    return y


# ----------------------------------------------------------------------------------------------- maxima and minima


def _winner(better: Any, values: Array, counts: Array, inside: Array) -> Array:
    """Try every tap in turn: the first of the best wins, the last NaN; the window's first if nothing counts."""
    best: Array = np.where(counts.any(-1), counts.argmax(-1), inside.argmax(-1))
    for t in range(values.shape[-1]):
        value, champion = values[..., t], np.take_along_axis(values, best[..., None], -1)[..., 0]
        best = np.where(counts[..., t] & (better(value, champion) | (value != value)), t, best)
    return best


def _extreme(
    better: Any,
    x: Any,
    planes: _Planes,
    windows: _Windows,
    return_indices: bool,
    index_dtype: Any,
    nan_policy: str = "propagate",
    where: Any = None,
    initial: Any = None,
    min_count: int = 1,
) -> Any:
    array, counting = _counting(x, nan_policy, where)
    values = planes.flat(array)[..., windows.places]
    counts = planes.flat(counting)[..., windows.places] & windows.inside
    best = _winner(better, values, counts, windows.inside)
    y = np.take_along_axis(values, best[..., None], -1)[..., 0]
    empty = counts.sum(-1) < min_count
    if initial is not None:
        first = y.dtype.type(initial)
        y = np.where(empty | better(first, y) | (first != first), first, y)
        empty = np.zeros_like(empty) if not isinstance(x, np.ma.MaskedArray) else empty
    y = planes.whole(_finish(y, empty, x), windows.out)
    if not return_indices:
        return y
    places = np.take_along_axis(np.broadcast_to(windows.places, values.shape), best[..., None], -1)[..., 0]
    return y, planes.whole(places, windows.out).astype(index_dtype)


def _extreme_pool(better: Any, ndim: int) -> Any:
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
        min_count: int = 1,
        where: Any = None,
        initial: Any = None,
        index_dtype: Any = np.int64,
    ) -> Any:
        """Try every tap of each window in row-major order: the first of the best wins, and of NaN the last."""
        planes = _Planes(ndim, axis, np.ndim(x))
        windows = _touching(_sliding(planes.sizes(np.shape(x)), kernel_size, stride, padding, dilation, ceil_mode))
        return _extreme(better, x, planes, windows, return_indices, index_dtype, nan_policy, where, initial, min_count)

    return pool


def _adaptive_max_pool(ndim: int) -> Any:
    def pool(
        x: Any, output_size: Any, return_indices: bool = False, *, axis: Any = None, index_dtype: Any = np.int64
    ) -> Any:
        """Take the maximum over windows that cover the axes."""
        planes = _Planes(ndim, axis, np.ndim(x))
        windows = _covering(planes.sizes(np.shape(x)), output_size)
        return _extreme(np.greater, x, planes, windows, return_indices, index_dtype)

    return pool


def _fractional_max_pool(ndim: int) -> Any:
    def pool(
        x: Any,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        *,
        random_samples: Any = None,
        rng: Any = None,
    ) -> Any:
        """Take the maximum over windows at pseudo-random places, other ones for each plane."""
        x = _array(x)
        lead, sizes = x.shape[:-ndim], x.shape[-ndim:]
        if output_size is None:
            lengths = tuple(int(n * float(r)) for n, r in zip(sizes, _each(output_ratio, ndim), strict=True))
        else:
            lengths = _each(output_size, ndim)
        kind = np.float64 if x.dtype == np.float64 else np.float32
        if random_samples is None:
            random_samples = np.random.default_rng(rng).random((*lead, ndim), kind)
        samples = np.asarray(random_samples).astype(kind)
        if ndim == 2:  # torch gives a plane's samples to W, H in 2d, but to D, H, W in 3d
            samples = samples[..., ::-1]
        y, indices = np.empty(lead + lengths, x.dtype), np.empty(lead + lengths, np.int64)
        for plane in np.ndindex(lead):
            windows = _fractional(sizes, _each(kernel_size, ndim), lengths, samples[plane])
            y[plane], indices[plane] = _extreme(
                np.greater, x[plane], _Planes(ndim, None, ndim), windows, True, np.int64
            )
        return (y, indices) if return_indices else y

    return pool


def _scatter(ndim: int) -> Any:
    def backward(grad_output: Any, indices: Any, input_shape: Any, *, axis: Any = None) -> Array:
        """Give each output's gradient to its winner; where windows overlap, gradients add up."""
        grad = _array(grad_output)
        planes = _Planes(ndim, axis, grad.ndim)
        sizes = planes.sizes(input_shape)
        flat = planes.flat(grad)
        gx = np.zeros((*flat.shape[:-1], math.prod(sizes)))
        _add(gx, planes.flat(indices), flat)
        return planes.whole(gx, sizes).astype(grad.dtype)

    return backward


def _add(gx: Array, places: Array, share: Array) -> None:
    """Add `share` at `places` of each plane, in row-major order."""
    places, share = np.broadcast_arrays(places, share)
    for plane in np.ndindex(gx.shape[:-1]):
        np.add.at(gx[plane], places[plane].astype(np.int64), share[plane])


# --------------------------------------------------------------------------------------------------------- averages


def _divisors(windows: _Windows, skipped: Any, include_pad: bool, override: Any) -> Any:
    """Return what the sums are divided by; a window in padding alone has the sum 0, whatever that is."""
    if override is not None:
        return override
    return np.maximum((windows.padded if include_pad else windows.inside.sum(-1)) - skipped, 1)


def _mean(
    x: Any,
    planes: _Planes,
    windows: _Windows,
    dtype: Any,
    include_pad: bool = True,
    divisor_override: Any = None,
    nan_policy: str = "propagate",
    where: Any = None,
    min_count: int = 1,
) -> Array:
    array, counting = _counting(x, nan_policy, where)
    counts = planes.flat(counting)[..., windows.places] & windows.inside
    total = np.sum(planes.flat(array)[..., windows.places], -1, dtype=np.float64, where=counts)
    inside, counted = windows.inside.sum(-1), counts.sum(-1)
    y = _as(total / _divisors(windows, inside - counted, include_pad, divisor_override), _natural(array, dtype))
    return planes.whole(_finish(y, (counted < min_count) & (inside > 0), x), windows.out)


def _avg_pool(ndim: int) -> Any:
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
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        dtype: Any = None,
    ) -> Array:
        """Divide the float64 sum of the taps inside by the rule's divisor, less the elements that do not count."""
        planes = _Planes(ndim, axis, np.ndim(x))
        windows = _sliding(planes.sizes(np.shape(x)), kernel_size, stride, padding, dilation, ceil_mode)
        return _mean(x, planes, windows, dtype, count_include_pad, divisor_override, nan_policy, where, min_count)

    return pool


def _adaptive_avg_pool(ndim: int) -> Any:
    def pool(x: Any, output_size: Any, *, axis: Any = None, dtype: Any = None) -> Array:
        """Average over windows that cover the axes."""
        planes = _Planes(ndim, axis, np.ndim(x))
        return _mean(x, planes, _covering(planes.sizes(np.shape(x)), output_size), dtype)

    return pool


def _spread(grad: Array, planes: _Planes, windows: _Windows, sizes: Any, divisors: Any) -> Array:
    """Give each output's gradient, divided, to every tap of its window."""
    share = planes.flat(grad.astype(np.float64)) / divisors
    gx = np.zeros((*share.shape[:-1], math.prod(sizes)))
    _add(gx, windows.places[windows.inside], np.repeat(share, windows.inside.sum(-1), -1))
    return planes.whole(gx, sizes).astype(grad.dtype)


def _avg_pool_backward(ndim: int) -> Any:
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
        """Give each output's gradient, divided by the window's divisor, to every tap of the window."""
        grad = _array(grad_output)
        planes = _Planes(ndim, axis, grad.ndim)
        sizes = planes.sizes(input_shape)
        windows = _sliding(sizes, kernel_size, stride, padding, dilation, ceil_mode)
        return _spread(grad, planes, windows, sizes, _divisors(windows, 0, count_include_pad, divisor_override))

    return backward


def _adaptive_avg_pool_backward(ndim: int) -> Any:
    def backward(grad_output: Any, input_shape: Any, *, axis: Any = None) -> Array:
        """Give each output's gradient, divided by the size of its window, to every tap of the window."""
        grad = _array(grad_output)
        planes = _Planes(ndim, axis, grad.ndim)
        sizes = planes.sizes(input_shape)
        windows = _covering(sizes, planes.sizes(grad.shape))
        return _spread(grad, planes, windows, sizes, windows.inside.sum(-1))

    return backward


def _variance(root: bool, ndim: int) -> Any:
    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        *,
        ddof: Any = 0,
        dilation: Any = 1,
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        dtype: Any = None,
    ) -> Array:
        """Average the squared distances of the taps inside from their mean; NaN of `ddof` elements or fewer."""
        planes = _Planes(ndim, axis, np.ndim(x))
        windows = _touching(_sliding(planes.sizes(np.shape(x)), kernel_size, stride, padding, dilation, ceil_mode))
        array, counting = _counting(x, nan_policy, where)
        values = planes.flat(array)[..., windows.places].astype(np.float64)
        counts = planes.flat(counting)[..., windows.places] & windows.inside
        n = counts.sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = values.sum(-1, where=counts) / n
            y = ((values - mean[..., None]) ** 2).sum(-1, where=counts) / np.maximum(n - ddof, 0)
        empty = (n <= ddof) | (n < min_count)
        y = _as(np.sqrt(y) if root else y, _natural(array, dtype))
        return planes.whole(_finish(y, empty, x), windows.out)

    return pool


# ------------------------------------------------------------------------------------------------------------ norms


def _lp_pool(ndim: int) -> Any:
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
        """Take ``sum(x**p) ** (1/p)`` as it is written; the largest or smallest magnitude if p is infinite."""
        x = _array(x)
        planes = _Planes(ndim, axis, x.ndim)
        windows = _touching(_sliding(planes.sizes(x.shape), kernel_size, stride, padding, dilation, ceil_mode))
        values = planes.flat(x)[..., windows.places].astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if norm_type == np.inf:
                y = np.max(np.abs(values), -1, where=windows.inside, initial=0)
            elif norm_type == -np.inf:
                y = np.min(np.abs(values), -1, where=windows.inside, initial=np.inf)
            else:
                y = np.sum(values**norm_type, -1, where=windows.inside) ** (1 / norm_type)
        return planes.whole(_as(y, x.dtype), windows.out)

    return pool


def _lp_pool_backward(ndim: int) -> Any:
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
        """Add ``g * x**(p-1) * y**(1-p)`` over the windows of each x, 0 where y is; infinite p: to one of them."""
        x = _array(x)
        planes = _Planes(ndim, axis, x.ndim)
        sizes = planes.sizes(x.shape)
        windows = _touching(_sliding(sizes, kernel_size, stride, padding, dilation, ceil_mode))
        g, y = (planes.flat(np.asarray(a).astype(np.float64)) for a in (grad_output, output))
        flat = planes.flat(x.astype(np.float64))
        gx = np.zeros(flat.shape)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if np.isinf(norm_type):
                better = np.greater if norm_type > 0 else np.less
                values = np.abs(flat)[..., windows.places]
                counts = np.broadcast_to(windows.inside, values.shape)
                best = _winner(better, values, counts, windows.inside)
                places = np.take_along_axis(np.broadcast_to(windows.places, values.shape), best[..., None], -1)[..., 0]
                _add(gx, places, g)
                gx *= np.sign(flat)
            else:
                share = np.where(y == 0, 0, g * y ** (1 - norm_type))
                _add(gx, windows.places[windows.inside], np.repeat(share, windows.inside.sum(-1), -1))
                gx = np.where((flat == 0) & (norm_type < 1), 0, gx * flat ** (norm_type - 1))
        return planes.whole(gx, sizes).astype(x.dtype)

    return backward


# ------------------------------------------------------------------------------------------------- order statistics


def _quantiles(
    x: Any,
    q: Array,
    planes: _Planes,
    windows: _Windows,
    method: str,
    nan_policy: str,
    min_count: int,
    where: Any,
    dtype: Any,
) -> Array:
    """Return the quantiles `q`, on an axis in front, of each window's sorted elements."""
    array, counting = _counting(x, nan_policy, where)
    values = planes.flat(array)[..., windows.places]
    counts = planes.flat(counting)[..., windows.places] & windows.inside
    last = (
        np.iinfo(array.dtype).max
        if array.dtype.kind in "iu"
        else array.dtype.type(True if array.dtype.kind == "b" else np.inf)
    )
    ordered = np.sort(np.where(counts, values, np.asarray(last, array.dtype)), -1)  # what does not count comes last
    n = counts.sum(-1)
    empty, nan = n < min_count, ((values != values) & counts).any(-1)
    rank = q.reshape(-1, *[1] * n.ndim) * np.maximum(n - 1, 0)
    if method in ("lower", "higher", "nearest"):
        rank = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}[method](rank)

    def at(ranks: Array) -> Array:
        return np.stack([np.take_along_axis(ordered, r[..., None].astype(np.int64), -1)[..., 0] for r in ranks])

    low, high = at(np.floor(rank)), at(np.ceil(rank))
    part = np.full(rank.shape, 0.5) if method == "midpoint" else rank % 1
    kind = np.dtype(_natural(array, dtype))
    with np.errstate(invalid="ignore", over="ignore"):
        between = _as(_between(low.astype(np.float64), high.astype(np.float64), part), kind)
        element = (
            low.astype(kind) if kind.kind not in "iu" or kind == array.dtype else _as(low.astype(np.float64), kind)
        )
    y = np.where(rank % 1 == 0, element, between)  # where a rank is whole, the element itself
    if nan.any():
        y[..., nan] = np.nan
    return planes.whole(_finish(y, np.broadcast_to(empty, y.shape), x), windows.out, extra=1)


def _between(low: Array, high: Array, part: Array) -> Array:
    """Go `part` of the way from `low` to `high`, from the nearer end as NumPy does; half the sum in the middle."""
    y = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    y = np.where(part == 0.5, (low + high) / 2, y)
    return np.where(np.isfinite(y), y, low * (1 - part) + high * part)  # of infinite ends, and where sums overflow


def _quantile_pool(ndim: int) -> Any:
    def pool(
        x: Any,
        q: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        method: str = "linear",
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        dtype: Any = None,
    ) -> Array:
        """Sort each window, and read between the elements at ``q * (n - 1)`` by `method`; NaN makes NaN."""
        planes = _Planes(ndim, axis, np.ndim(x))
        windows = _touching(_sliding(planes.sizes(np.shape(x)), kernel_size, stride, padding, dilation, ceil_mode))
        parts = np.asarray(q, np.float64)
        y = _quantiles(x, parts.ravel(), planes, windows, method, nan_policy, min_count, where, dtype)
        return y.reshape(*parts.shape, *y.shape[1:])

    return pool


def _median_pool(ndim: int) -> Any:
    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        dtype: Any = None,
    ) -> Array:
        """Sort each window and take the middle, of two the mean; NaN makes NaN."""
        planes = _Planes(ndim, axis, np.ndim(x))
        windows = _touching(_sliding(planes.sizes(np.shape(x)), kernel_size, stride, padding, dilation, ceil_mode))
        y: Array = _quantiles(x, np.array([0.5]), planes, windows, "midpoint", nan_policy, min_count, where, dtype)[0]
        return y

    return pool


def _label(ignore: Any, dtype: Any) -> Any:
    """Return `ignore` as an element, None if it is none that arrays of `dtype` hold."""
    try:
        return None if ignore is None or dtype.type(ignore) != ignore else dtype.type(ignore)
    except OverflowError:
        return None


def _mode_pool(ndim: int) -> Any:
    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        axis: Any = None,
        ignore: Any = None,
        where: Any = None,
    ) -> Array:
        """Take the value that occurs most often, of several the smallest; `ignore` only where there is no other."""
        planes = _Planes(ndim, axis, np.ndim(x))
        windows = _touching(_sliding(planes.sizes(np.shape(x)), kernel_size, stride, padding, dilation, ceil_mode))
        array, counting = _counting(x, where=where)
        flat, counts = planes.flat(array), planes.flat(counting)
        label = _label(ignore, array.dtype)
        y = np.full((*flat.shape[:-1], len(windows.places)), 0 if label is None else label, array.dtype)
        empty = np.zeros(y.shape, bool)
        for plane, window in itertools.product(np.ndindex(flat.shape[:-1]), range(len(windows.places))):
            places = windows.places[window][windows.inside[window]]
            values = flat[plane][places][counts[plane][places]]
            empty[(*plane, window)] = not len(values)
            if label is not None:
                values = values[values != label]
            if len(values):
                labels, times = np.unique(values, return_counts=True)
                y[(*plane, window)] = labels[times.argmax()]
        if label is not None and not isinstance(x, np.ma.MaskedArray):
            empty[:] = False
        return planes.whole(_finish(y, empty, x), windows.out)

    return pool


# -------------------------------------------------------------------------------------------------------- unpooling


def _max_unpool(ndim: int) -> Any:
    def unpool(
        x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Array:
        """Put each value back to its index, zeros elsewhere; of several values in one place the last stays."""
        x = _array(x)
        planes = _Planes(ndim, None, x.ndim)
        if output_size is None:
            kernel = _each(kernel_size, ndim)
            step = kernel if stride is None or np.size(stride) == 0 else _each(stride, ndim)
            rules = zip(planes.sizes(x.shape), kernel, step, _each(padding, ndim), strict=True)
            output_size = [(n - 1) * s + k - 2 * p for n, k, s, p in rules]
        sizes = tuple(output_size)[-ndim:]
        flat, places = planes.flat(x), planes.flat(indices)
        y = np.zeros((*flat.shape[:-1], math.prod(sizes)), x.dtype)
        for position in np.ndindex(flat.shape):
            y[(*position[:-1], int(places[position]))] = flat[position]
        return planes.whole(y, sizes)

    return unpool


def _max_unpool_backward(ndim: int) -> Any:
    def backward(grad_output: Any, indices: Any) -> Array:
        """Fetch the gradient at each index."""
        planes = _Planes(ndim, None, np.ndim(indices))
        places = planes.flat(indices).astype(np.int64)
        return planes.whole(np.take_along_axis(planes.flat(grad_output), places, -1), np.shape(indices)[-ndim:])

    return backward


# ----------------------------------------------------------------------------------------------------- whole planes


def global_max_pool(x: Any, axis: Any = (-2, -1), keepdims: bool = True) -> Array:
    """Take the maximum of each plane; NaN wins."""
    return np.asarray(np.max(_array(x), _each(axis, np.size(axis)), keepdims=keepdims))


def global_avg_pool(x: Any, axis: Any = (-2, -1), keepdims: bool = True) -> Array:
    """Take the average of each plane."""
    x = _array(x)
    axes = _each(axis, np.size(axis))
    return np.asarray(np.mean(x, axes, dtype=np.float64, keepdims=keepdims)).astype(_natural(x, None))


def pool2d(x: Any, pool_size: Any, mode: str = "max") -> Array:
    """Pool as the textbook does: two loops over the output, one window at a time. Integers are pooled as float64."""
    x = _array(x)
    x = x.astype(np.float64) if x.dtype.kind in "iu" else x
    height, width = _each(pool_size, 2)
    lengths = x.shape[-2] - height + 1, x.shape[-1] - width + 1
    y = np.zeros((*x.shape[:-2], *lengths), x.dtype if mode == "max" else _natural(x, None))
    for i, j in np.ndindex(lengths):
        window = x[..., i : i + height, j : j + width]
        y[..., i, j] = window.max((-2, -1)) if mode == "max" else window.mean((-2, -1), dtype=np.float64)
    return y


def _three(name: str, make: Callable[..., Any], *arguments: Any, dims: tuple[int, ...] = (1, 2, 3)) -> list[Any]:
    """Return the functions of one name for each number of pooled axes."""
    functions = []
    for ndim in dims:
        function = make(*arguments, ndim)
        function.__name__ = function.__qualname__ = name.format(ndim)
        functions.append(function)
    return functions


max_pool1d, max_pool2d, max_pool3d = _three("max_pool{}d", _extreme_pool, np.greater)
min_pool1d, min_pool2d, min_pool3d = _three("min_pool{}d", _extreme_pool, np.less)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = _three("adaptive_max_pool{}d", _adaptive_max_pool)
fractional_max_pool2d, fractional_max_pool3d = _three("fractional_max_pool{}d", _fractional_max_pool, dims=(2, 3))
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = _three("max_pool{}d_backward", _scatter)
avg_pool1d, avg_pool2d, avg_pool3d = _three("avg_pool{}d", _avg_pool)
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = _three("avg_pool{}d_backward", _avg_pool_backward)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = _three("adaptive_avg_pool{}d", _adaptive_avg_pool)
adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward, adaptive_avg_pool3d_backward = _three(
    "adaptive_avg_pool{}d_backward", _adaptive_avg_pool_backward
)
var_pool1d, var_pool2d, var_pool3d = _three("var_pool{}d", _variance, False)
std_pool1d, std_pool2d, std_pool3d = _three("std_pool{}d", _variance, True)
lp_pool1d, lp_pool2d, lp_pool3d = _three("lp_pool{}d", _lp_pool)
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = _three("lp_pool{}d_backward", _lp_pool_backward)
quantile_pool1d, quantile_pool2d, quantile_pool3d = _three("quantile_pool{}d", _quantile_pool)
median_pool1d, median_pool2d, median_pool3d = _three("median_pool{}d", _median_pool)
mode_pool1d, mode_pool2d, mode_pool3d = _three("mode_pool{}d", _mode_pool)
max_unpool1d, max_unpool2d, max_unpool3d = _three("max_unpool{}d", _max_unpool)
max_unpool1d_backward, max_unpool2d_backward, max_unpool3d_backward = _three(
    "max_unpool{}d_backward", _max_unpool_backward
)
