"""Median, quantile and mode pooling: what needs a window's values in order."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks, driver, engine, layouts
from ..core.prepared import Prepared
from ..core.public import Function, Maskable, functions
from . import missing

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]

#: Largest window: its taps are sorted all at once, in scratch.
MOST_TAPS = 65536

_POOL = """{Summary} of each window of the {last_axes}.

    Parameters
    ----------
    x : array_like of {kinds}
        At least {axes}. The others are carried along: batch, channels, any number of them. Any strides.
    {q}{kernel_size}
    {stride}
    {uncounted_padding}
    {dilation}
    {ceil_mode}
    {method}{axis}
    {more}
    {where}
    {out}

    Returns
    -------
    ndarray
        {returns}

    Raises
    ------
    TypeError
        If `x` has another dtype, or an argument is not a number where one belongs.
    ValueError
        If an argument is out of range, a window lies wholly in padding, or has more than {most} elements{refused}.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.array([7, 1, 1, 3])
    >>> cpool.{name}(np.broadcast_to(x, {cube}), {given}).ravel()
    array({answer})
    """

_SUMMARY = {"median": "Median", "quantile": "Quantiles", "mode": "Most frequent value"}
_RETURNS = {
    "median": """The middle value of the elements inside the input, of an even number the mean of the two, as
        `numpy.median`: floats keep their dtype, integers and bool give float64, unless `dtype` says otherwise.""",
    "quantile": """Of one `q` the shape of a median; several are a new first axis. Equal to `numpy.quantile` up to the
        last bit, but between infinities, where that has NaN. Floats keep their dtype, integers and bool give float64,
        unless `dtype` says otherwise.""",
    "mode": """With `x`'s dtype: of equally frequent values the smallest. No value appears that was not there, so
        labels stay labels.""",
}
_NUMBERS = {
    "kinds": "float, integer or bool",
    "q": "",
    "method": "",
    "more": """nan_policy : "propagate", "omit" or "raise"
        Whether NaN makes a window's result NaN, does not count, or is a ValueError.
    min_count : int
        Windows in which fewer elements count give NaN.
    dtype : dtype, optional
        Of the result. Elements of that dtype are kept as they are; what lies between two is computed in double
        precision, and for an integer dtype rounded half to even.""",
    "refused": """.
        If `x` holds NaN, with ``nan_policy="raise"``; if a window is short of `min_count` and `dtype` has no NaN""",
}
_TEXTS = {
    "median": {**_NUMBERS, "answer": "[2.]"},
    "quantile": {
        **_NUMBERS,
        "q": """q : float or sequence of float
        In [0, 1]. All of them are read from windows that are put in order once.
    """,
        "method": """method : "linear", "lower", "higher", "nearest" or "midpoint"
        What is taken between two elements, as of `numpy.quantile`.
    """,
        "answer": "[2., 7.]",
    },
    "mode": {
        "kinds": "integer or bool",
        "q": "",
        "method": "",
        "more": """ignore : int, optional
        A label that does not count, unless a window has nothing else.""",
        "refused": """.
        If `where` leaves a window nothing, and there is no label `ignore` to give""",
        "answer": "[1]",
    },
}


def statistic(
    op: str,
    plan: geometry.Plan,
    source: calls.Source,
    dtype: Any = None,
    *,
    q: float | tuple[float, ...] = 0.5,
    method: str = "linear",
    omits: bool = False,
    min_count: int = 1,
    ignore: int | None = None,
) -> Prepared:
    """Prepare op "quantile" (or "median") or "mode" over the windows of `plan`.

    Quantiles are of `dtype`, or the natural one if None; of several `q` the result has a first axis more.
    """
    type = calls.computed_in(engine.VALUES, source.dtype)
    whole = source.dtype.kind in "biu"
    if op == "mode" and not whole:
        raise TypeError(f"x must be integer or bool, got {source.dtype}")
    taps = math.prod(w.kernel for w in plan.axes)
    if taps > MOST_TAPS:
        raise ValueError(
            f"kernel_size={tuple(w.kernel for w in plan.axes)} makes windows of {taps} elements, more than {MOST_TAPS}"
        )
    if op == "mode":
        mask = _mask(source, type, ignore, omits)

        def count(x: layouts.View, y: layouts.View, order: Axes) -> Any:
            return engine.ordered(type, plan, source.axes, x, y, skip=ignore, mask=mask)

        return calls.prepare(source, plan, source.dtype, count)
    natural = np.dtype(np.float64) if whole else source.dtype
    result = natural if dtype is None else checks.dtype("dtype", dtype)
    if result.name not in engine.SUMS or result.kind in ("b" if whole else "biu"):
        raise TypeError(f"dtype must be a float or, of integers, an integer; got {result} for x of {source.dtype}")
    calls.enough(plan, source, result, "min_count", min_count, min_count)
    mask = _mask(source, type, None if whole else np.nan, omits)
    several = q if isinstance(q, tuple) else None

    def read(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        pitch = 0
        if several is not None:
            pitch, y = y.strides[0], layouts.View(y.shape[1:], y.strides[1:], y.itemsize, y.type)
        quantiles = np.array([q] if several is None else several)
        more: dict[str, Any] = dict(omits=omits, least=min_count, mask=mask)
        return engine.ordered(type, plan, source.axes, x, y, quantiles, method, pitch, **more)

    return calls.prepare(source, plan, result, read, None if several is None else len(several))


def _mask(source: calls.Source, type: str, skip: Any, omits: bool) -> engine.Mask | None:
    """Return what counts; the others are read as what is passed over, or if there is no such thing as the greatest."""
    if source.where is None:
        return None
    return engine.Mask(source.where, engine.neutral("min", np.dtype(type)) if skip is None else skip, omits)


def label(ignore: Any, dtype: Any) -> int | None:
    """Return the label that does not count, checked; None of one that `dtype` does not hold, for then all count."""
    if ignore is None:
        return None
    whole = isinstance(ignore, (bool, np.bool_))
    value = int(ignore) if whole else checks.integer("ignore", ignore, -(2**63), 2**64 - 1)
    if dtype.kind not in "iu":
        return value if 0 <= value <= 1 else None
    limits = np.iinfo(dtype)
    return value if limits.min <= value <= limits.max else None


def quantiles(q: Any, method: Any, nan_policy: Any, min_count: Any) -> dict[str, Any]:
    """Return these as `statistic` takes them, checked."""
    array = checks.array("q", q)
    if array.dtype.kind not in "fiu" or array.ndim > 1:
        raise TypeError(f"q must be a number or a sequence of numbers, got {q!r}")
    if not array.size:
        raise ValueError(f"q must hold at least one number, got {q!r}")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"q must lie between 0 and 1 (quantiles, not percentiles), got {q!r}")
    if not isinstance(method, str) or method not in driver.METHODS:
        raise ValueError(f"method must be one of {', '.join(driver.METHODS)}, got {method!r}")
    parts = tuple(map(float, array)) if array.ndim else float(array)
    least = checks.integer("min_count", min_count, 1)
    return dict(q=parts, method=method, omits=missing.policy(nan_policy) == "omit", min_count=least)


def _quantile(
    ndim: int,
    x: Maskable,
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
    out: Any = None,
) -> calls.Windowed:
    source = calls.source(x, axis, ndim, out)
    plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    more = quantiles(q, method, nan_policy, min_count)
    some = partial(missing.number, omits=more["omits"], least=more["min_count"])
    dtype = checks.optional_dtype("dtype", dtype)
    return calls.Windowed(plan, source, partial(statistic, "quantile", dtype=dtype, **more), some)


def _median(
    ndim: int,
    x: Maskable,
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
    out: Any = None,
) -> calls.Windowed:
    more = dict(axis=axis, nan_policy=nan_policy, min_count=min_count, where=where, dtype=dtype, out=out)
    return _quantile(ndim, x, 0.5, kernel_size, stride, padding, dilation, ceil_mode, **more)


def _mode(
    ndim: int,
    x: Maskable,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    *,
    axis: Any = None,
    ignore: Any = None,
    where: Any = None,
    out: Any = None,
) -> calls.Windowed:
    source = calls.source(x, axis, ndim, out)
    plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    skip = label(ignore, x.dtype)
    some = partial(missing.number, omits=False, answers=skip is not None, instead="ignore=, a label that x can hold")
    return calls.Windowed(plan, source, partial(statistic, "mode", ignore=skip), some)


def _pools(op: str, prepare: Function, given: str) -> list[Function]:
    words = dict(Summary=_SUMMARY[op], returns=_RETURNS[op], most=MOST_TAPS, given=given, **_TEXTS[op])
    return functions(op + "_pool{d}d", _POOL, prepare, lambda ndim: words, missing.some)


median_pool1d, median_pool2d, median_pool3d = _pools("median", _median, "4")
quantile_pool1d, quantile_pool2d, quantile_pool3d = _pools("quantile", _quantile, "[0.5, 1], 4")
mode_pool1d, mode_pool2d, mode_pool3d = _pools("mode", _mode, "4")
