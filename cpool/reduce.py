"""NumPy's reductions, for arrays that are views of windows.

Many libraries hand a reduction a view in which every window is laid out along axes of its own, and `axis=`: dask's and
xarray's ``coarsen``, xarray's ``rolling``, scikit-image's ``block_reduce``, SciPy's ``vectorized_filter``, or a user
who called ``sliding_window_view``. NumPy then visits every window by itself. Such a view tells by its strides which
windows of which memory it shows, so these functions pool that memory instead, without copying it:

>>> import numpy as np
>>> import cpool
>>> x = np.arange(16.0).reshape(4, 4)
>>> cpool.reduce.max(x.reshape(2, 2, 2, 2), axis=(1, 3))
array([[ 5.,  7.],
       [13., 15.]])

Any other array goes to NumPy's function of the same name, and so does any argument that pooling would not treat as
NumPy does: the result is NumPy's in value, shape, dtype and error. Averages and sums may differ in the last bit, for
they are added in another order, and do not warn of overflow or of infinity less infinity.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.stride_tricks import as_strided

from .core import checks, views
from .core.docstrings import documented
from .pool.averages import avg_pool1d, avg_pool2d, avg_pool3d
from .pool.extremes import max_pool1d, max_pool2d, max_pool3d, min_pool1d, min_pool2d, min_pool3d
from .pool.order_statistics import (
    MOST_TAPS,
    median_pool1d,
    median_pool2d,
    median_pool3d,
    mode_pool1d,
    mode_pool2d,
    mode_pool3d,
)

Array = np.ndarray[Any, Any]

__all__ = ["max", "mean", "median", "min", "mode", "nanmax", "nanmean", "nanmedian", "nanmin", "nansum", "sum"]

_MAX = (max_pool1d, max_pool2d, max_pool3d)
_MIN = (min_pool1d, min_pool2d, min_pool3d)
_AVG = (avg_pool1d, avg_pool2d, avg_pool3d)
_MEDIAN = (median_pool1d, median_pool2d, median_pool3d)
_MODE = (mode_pool1d, mode_pool2d, mode_pool3d)

#: Sums of integers are computed in double: exact up to here.
_EXACT = 2**53


class Reduction(Protocol):
    """Signature of the reductions of values as they are."""

    def __call__(self, a: Any, axis: Any = None, *, keepdims: Any = False, out: Any = None) -> Any: ...


class Summation(Protocol):
    """Signature of sums and means."""

    def __call__(
        self, a: Any, axis: Any = None, *, keepdims: Any = False, out: Any = None, dtype: Any = None
    ) -> Any: ...


class _View(NamedTuple):
    """A view of windows `a`, reduced over `axes`, which is to pool the memory under it."""

    a: Array
    axes: tuple[int, ...]
    windows: views.Windows

    @property
    def taps(self) -> int:
        """Elements of a window."""
        return math.prod(self.windows.kernel)

    @property
    def kept(self) -> tuple[int, ...]:
        """Lengths of the axes that are not reduced."""
        return tuple(n for axis, n in enumerate(self.a.shape) if axis not in self.axes)

    @property
    def memory(self) -> Array:
        """The memory, from the first to the last element of the view and nothing beyond."""
        return as_strided(
            np.flip(self.a, self.windows.flipped), self.windows.shape, self.windows.strides, writeable=False
        )

    def pool(self, pools: tuple[Callable[..., Array], ...], out: Array | None, **arguments: Any) -> Array:
        """Return the memory pooled by the function for so many axes.

        After the kept axes the result has one of length 1 for each reduced one that is no window of a kept one.
        """
        w = self.windows
        if out is not None:
            out = out.reshape(self.kept + (1,) * (len(w.shape) - len(self.kept)))
        pool = pools[len(w.axes) - 1]
        return pool(self.memory, w.kernel, w.stride, dilation=w.dilation, axis=w.axes, out=out, **arguments)


class _Kind(NamedTuple):
    """One reduction: how NumPy does it, and how a pooling does.

    `dtype` tells which one the result has, from view, dtype= and out=; None where NumPy computes in another way than
    a pooling. `pool` computes it from view, this dtype and out.
    """

    numpy: Callable[..., Any]
    dtype: Callable[[_View, Any, Any], Any]
    pool: Callable[[_View, Any, Any], Array]


def _view(a: Any, axis: Any) -> _View | None:
    """Return `a` as a view of windows; None if it is none, is of another kind, or has an `axis` that NumPy refuses."""
    if type(a) not in (np.ndarray, np.memmap) or not a.size or not a.flags.aligned:
        return None
    if a.dtype.kind not in "biuf" or a.dtype.itemsize > 8 or not a.dtype.isnative:
        return None
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    try:
        axes = checks.pooled_axes(axes, len(axes), a.ndim, "a")
    except (TypeError, ValueError):
        return None
    windows = views.windows(a.shape, a.strides, axes)
    return None if windows is None else _View(a, axes, windows)


def _takes(out: Any, a: Array, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether the result of `a` can be written into `out` as it is; None is a new array."""
    if out is None:
        return True
    alike = type(out) is np.ndarray and out.shape == shape and out.dtype == dtype and out.dtype.isnative
    return bool(alike and out.flags.writeable and out.flags.aligned and not np.may_share_memory(out, a))


def _reduce(kind: _Kind, a: Any, axis: Any, keepdims: Any, out: Any, dtype: Any = None) -> Any:
    """Reduce by pooling if it can be, and by NumPy if not."""
    view = _view(a, axis) if isinstance(keepdims, (bool, np.bool_)) else None
    result = None if view is None else kind.dtype(view, dtype, out)
    if view is not None and result is not None:
        alone = tuple(1 if i in view.axes else n for i, n in enumerate(a.shape))
        shape = alone if keepdims else view.kept
        if _takes(out, a, shape, result):
            y = kind.pool(view, result, out)
            return y.reshape(shape) if out is None else out
    given = [("keepdims", keepdims, False), ("out", out, None), ("dtype", dtype, None)]
    # Subclasses need not take what was not given.
    return kind.numpy(a, axis=axis, **{name: value for name, value, default in given if value is not default})


def _own_dtype(view: _View, dtype: Any, out: Any) -> Any:
    return view.a.dtype


def _mode_dtype(view: _View, dtype: Any, out: Any) -> Any:
    return None if view.taps > MOST_TAPS or view.a.dtype.kind == "f" else view.a.dtype


def _median_dtype(view: _View, dtype: Any, out: Any) -> Any:
    if view.taps > MOST_TAPS:
        return None
    return view.a.dtype if view.a.dtype.kind == "f" else np.dtype(np.float64)


def _wide(view: _View, result: Any) -> Any:
    """Return `result` if it is a float as wide as the elements, and not float16, which NumPy rounds at every step."""
    return result if result in (np.float32, np.float64) and np.can_cast(view.a.dtype, result) else None


def _sum_dtype(view: _View, dtype: Any, out: Any) -> Any:
    given = view.a.dtype
    result = np.sum(np.zeros(1, given), dtype=dtype).dtype
    if result.kind not in "iu":
        return _wide(view, result)
    largest = view.taps << 8 * given.itemsize
    exact = given.kind != "f" and largest <= _EXACT and largest <= np.iinfo(result).max
    return result if exact and np.can_cast(given, result) else None


def _mean_dtype(view: _View, dtype: Any, out: Any) -> Any:
    given = view.a.dtype
    if given == np.float16 and dtype is None and out is None:  # NumPy too adds in float32 then, and then alone
        return given
    return _wide(view, np.mean(np.zeros(1, given), dtype=dtype).dtype)


def _omitting(rule: Callable[[_View, Any, Any], Any]) -> Callable[[_View, Any, Any], Any]:
    """Return the rule for sums that pass over NaN: those of floats have the dtype of the elements, not float16."""

    def omitting(view: _View, dtype: Any, out: Any) -> Any:
        result = rule(view, dtype, out)
        own = view.a.dtype
        return result if own.kind != "f" or own == result != np.float16 else None

    return omitting


def _has_nan(y: Array) -> bool:
    """Whether there is a NaN in `y`: the minimum finds out without an array of flags."""
    return y.dtype.kind == "f" and bool(np.isnan(y.min()))


def _warn(message: str) -> None:
    """Warn the caller of the public function as NumPy's would."""
    warnings.warn(message, RuntimeWarning, stacklevel=5)


def _nan_extreme(pools: Any) -> Any:
    def pool(view: _View, dtype: Any, out: Any) -> Array:
        y = view.pool(pools, out, nan_policy="omit")
        if _has_nan(y):
            _warn("All-NaN slice encountered")
        return y

    return pool


def _empty(view: _View, y: Array) -> Array | None:
    """Return which windows hold nothing but NaN, None if none; the sums `y` are NaN there, and where inf meets -inf."""
    if not _has_nan(y):
        return None
    return np.isnan(view.pool(_MAX, None, nan_policy="omit"))


def _nansum(view: _View, dtype: Any, out: Any) -> Array:
    y = view.pool(_AVG, out, dtype=dtype, divisor_override=1, nan_policy="omit")
    empty = _empty(view, y)
    if empty is not None:
        y[empty] = 0
    return y


def _nanmean(view: _View, dtype: Any, out: Any) -> Array:
    y = view.pool(_AVG, out, dtype=dtype, nan_policy="omit")
    empty = _empty(view, y)
    if empty is not None and empty.any():
        _warn("Mean of empty slice")
    return y


def _nanmedian(view: _View, dtype: Any, out: Any) -> Array:
    """Return medians; those of the windows with a NaN, which are NaN at first, by NumPy."""
    y = view.pool(_MEDIAN, out)
    if _has_nan(y):
        holed = np.isnan(y)
        last = tuple(range(-len(view.axes), 0))
        windows = np.moveaxis(view.a, view.axes, last)[holed.reshape(view.kept)]
        y[holed] = np.nanmedian(windows, axis=last)
    return y


def _numpys_mode(a: Any, axis: Any = None, keepdims: bool = False, out: Any = None) -> Any:
    """Return the most frequent values of any array, of several the smallest: NumPy has no such function."""
    a = checks.array("a", a)
    if a.dtype.kind not in "biu":
        raise TypeError(f"a must be integer or bool, got {a.dtype}")
    axes = tuple(range(a.ndim)) if axis is None else normalize_axis_tuple(axis, a.ndim)
    alone = [1 if i in axes else n for i, n in enumerate(a.shape)]
    taps = math.prod(a.shape[i] for i in axes)
    if not taps:
        raise ValueError(f"a of shape {a.shape} has no element along axis={axis!r}, and so no most frequent one")
    last = range(a.ndim - len(axes), a.ndim)
    ordered = np.sort(np.moveaxis(a, axes, last).reshape(-1, taps))
    position = np.arange(taps)
    first = np.ones(ordered.shape, bool)  # of equal values
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=first[:, 1:])
    counts = position - np.maximum.accumulate(np.where(first, position, 0), axis=1)
    y = np.take_along_axis(ordered, counts.argmax(axis=1, keepdims=True), axis=1)
    return np.max(y.reshape(alone), axis=axis, keepdims=keepdims, out=out)  # for keepdims and out as everywhere


_TEXT = """{summary}{like}.

    Parameters
    ----------
    a : array_like
        A view of windows is pooled; any other array goes to {numpy}.
    axis : int or tuple of int, optional
        The reduced axes, all if None.
    keepdims : bool
        Keep the reduced axes, with length 1.
    out : ndarray, optional
        Written in place and returned; shape of the result.{parameters}

    Returns
    -------
    ndarray or scalar
        The shape of `a` without the reduced axes. {returns}

    Raises
    ------
    TypeError, ValueError
        {raises}

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.array([{x}])
    >>> windows = np.lib.stride_tricks.sliding_window_view(x, 3)
    >>> cpool.reduce.{name}(windows, axis=-1)
    array([{answer}])
    """

_DTYPE = """
    dtype : dtype, optional
        In which to add, and of the result."""
_FLOATS = "Floats keep their dtype, integers and bool give float64."
_SKIPS = "NaN does not count; where there is nothing else, the result is NaN, with a RuntimeWarning."


def _named(function: Any, name: str, summary: str, returns: str, x: str, answer: str, **texts: str) -> Any:
    """Name and document a public function."""
    standard = {"numpy": f"`numpy.{name}`", "like": f", as `numpy.{name}`", "raises": f"As `numpy.{name}`."}
    texts = {"parameters": "", **standard, **texts}
    documented(function, name, 0, _TEXT, summary=summary, returns=returns, x=x, answer=answer, **texts)
    function.__module__ = __name__
    return function


def _reduction(kind: _Kind, *texts: str, **more: str) -> Reduction:
    def reduce(a: Any, axis: Any = None, *, keepdims: Any = False, out: Any = None) -> Any:
        return _reduce(kind, a, axis, keepdims, out)

    named: Reduction = _named(reduce, *texts, **more)
    return named


def _summation(kind: _Kind, *texts: str) -> Summation:
    def reduce(a: Any, axis: Any = None, *, keepdims: Any = False, out: Any = None, dtype: Any = None) -> Any:
        return _reduce(kind, a, axis, keepdims, out, dtype)

    named: Summation = _named(reduce, *texts, parameters=_DTYPE)
    return named


def _pooling(pools: Any) -> Any:
    return lambda view, dtype, out: view.pool(pools, out)


# From here on these names are no longer Python's.
max = _reduction(
    _Kind(np.max, _own_dtype, _pooling(_MAX)), "max", "Maximum", "NaN propagates.", "7, 1, 1, 3, 2", "7, 3, 3"
)
min = _reduction(
    _Kind(np.min, _own_dtype, _pooling(_MIN)), "min", "Minimum", "NaN propagates.", "7, 1, 2, 3, 2", "1, 1, 2"
)
mean = _summation(
    _Kind(np.mean, _mean_dtype, lambda view, dtype, out: view.pool(_AVG, out, dtype=dtype)),
    "mean", "Average", _FLOATS, "7, 1, 1, 4, 1", "3., 2., 2.",
)  # fmt: skip
sum = _summation(
    _Kind(np.sum, _sum_dtype, lambda view, dtype, out: view.pool(_AVG, out, dtype=dtype, divisor_override=1)),
    "sum", "Sum", "Floats keep their dtype; integers and bool are added in 64 bits.", "7, 1, 1, 3, 2", "9, 5, 6",
)  # fmt: skip
median = _reduction(
    _Kind(np.median, _median_dtype, _pooling(_MEDIAN)),
    "median", "Median", f"{_FLOATS} NaN propagates.", "7, 1, 1, 3, 2", "1., 1., 2.",
)  # fmt: skip
nanmax = _reduction(
    _Kind(np.nanmax, _own_dtype, _nan_extreme(_MAX)),
    "nanmax", "Maximum of what is not NaN", _SKIPS, "7, np.nan, 1, 3, 2", "7., 3., 3.",
)  # fmt: skip
nanmin = _reduction(
    _Kind(np.nanmin, _own_dtype, _nan_extreme(_MIN)),
    "nanmin", "Minimum of what is not NaN", _SKIPS, "7, np.nan, 1, 3, 2", "1., 1., 1.",
)  # fmt: skip
nanmean = _summation(
    _Kind(np.nanmean, _omitting(_mean_dtype), _nanmean),
    "nanmean", "Average of what is not NaN", f"{_FLOATS} {_SKIPS}", "7, np.nan, 1, 3, 2", "4., 2., 2.",
)  # fmt: skip
nansum = _summation(
    _Kind(np.nansum, _omitting(_sum_dtype), _nansum),
    "nansum", "Sum of what is not NaN", "Where there is nothing else, 0.", "7, np.nan, 1, 3, 2", "8., 4., 6.",
)  # fmt: skip
nanmedian = _reduction(
    _Kind(np.nanmedian, _median_dtype, _nanmedian),
    "nanmedian", "Median of what is not NaN", f"{_FLOATS} {_SKIPS}", "7, np.nan, 1, 3, 2", "4., 2., 2.",
)  # fmt: skip
mode = _reduction(
    _Kind(_numpys_mode, _mode_dtype, _pooling(_MODE)),
    "mode", "Most frequent value, of several the smallest", "The dtype is that of `a`.", "7, 1, 1, 3, 3", "1, 1, 3",
    like="", numpy="a slower function, which NumPy lacks",
    raises="If `a` is not integer or bool, or is empty; for `axis`, `keepdims` and `out` as `numpy.max`.",
)  # fmt: skip
