"""Median, quantile and mode pooling: what needs a window's values in order."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from .. import geometry
from ..core import calls, checks, engine, layouts
from ..core.docstrings import cube, documented
from ..core.prepared import Memo, Prepared
from . import missing

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]

#: Largest window: its taps are sorted all at once, in scratch.
MOST_TAPS = 65536


METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


class MedianPool(Protocol):
    """Signature of median_pool."""

    def __call__(
        self,
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
        dtype: Any = None,
        out: Any = None,
    ) -> Array: ...


class QuantilePool(Protocol):
    """Signature of quantile_pool."""

    def __call__(
        self,
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
        dtype: Any = None,
        out: Any = None,
    ) -> Array: ...


class ModePool(Protocol):
    """Signature of mode_pool."""

    def __call__(
        self,
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        axis: Any = None,
        ignore: Any = None,
        out: Any = None,
    ) -> Array: ...


_POOL = """{Summary} of each window of the {last_axes}.

    Parameters
    ----------
    x : array_like of {kinds}
        At least {axes}. The others are carried along: batch, channels, any number of them. Any strides.
    {q}{kernel_size}
    {stride}
    padding : int, {ints}, {pairs}, "valid", "same" or "same_lower"
        Implicit border that does not count. Any amount, as long as every window touches the input.
    {dilation}
    {ceil_mode}
    {method}{axis}
    {more}
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
    >>> cpool.{name}(np.broadcast_to(x, {shape}), {given}).ravel()
    array({answer})
    """

_SUMMARY = {"median": "Median", "quantile": "Quantiles", "mode": "Most frequent value"}
_RETURNS = {
    "median": """The middle value of the elements inside the input, of an even number the mean of the two, as
        `numpy.median`: floats keep their dtype, integers and bool give float64, unless `dtype` says otherwise.""",
    "quantile": """Of one `q` the shape of a median; several are a new first axis. Equal to `numpy.quantile` up to the
        last bit. Floats keep their dtype, integers and bool give float64, unless `dtype` says otherwise.""",
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
        "refused": "",
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
        skip = ignore if ignore is not None and _holds(source.dtype, ignore) else None

        def count(x: layouts.View, y: layouts.View, order: Axes) -> Any:
            return engine.ordered(type, plan, source.axes, x, y, skip=skip)

        return calls.prepare(source, plan, source.dtype, count)
    result = np.dtype((np.float64 if whole else source.dtype) if dtype is None else dtype)
    if result.name not in engine.SUMS or result.kind in ("b" if whole else "biu"):
        raise TypeError(f"dtype must be a float or, of integers, an integer; got {result} for x of {source.dtype}")
    calls.enough(plan, result, "min_count", min_count)
    several = q if isinstance(q, tuple) else None

    def read(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        pitch = 0
        if several is not None:
            pitch, y = y.strides[0], layouts.View(y.shape[1:], y.strides[1:], y.itemsize, y.type)
        quantiles = np.array([q] if several is None else several)
        return engine.ordered(type, plan, source.axes, x, y, quantiles, method, pitch, omits, min_count)

    return calls.prepare(source, plan, result, read, None if several is None else len(several))


def _holds(dtype: Any, value: int) -> bool:
    """Whether a dtype of integers or bool has this value."""
    if dtype.kind == "b":
        return 0 <= value <= 1
    limits = np.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)


def label(ignore: Any) -> int | None:
    """Return the label that does not count, checked. One that `x` cannot hold may be given: then all count."""
    if ignore is None or isinstance(ignore, (bool, np.bool_)):
        return None if ignore is None else int(ignore)
    return checks.integer("ignore", ignore, -(2**63), 2**64 - 1)


def quantiles(q: Any, method: Any, nan_policy: Any, min_count: Any) -> dict[str, Any]:
    """Return these as `statistic` takes them, checked."""
    array = np.asarray(q)
    if array.dtype.kind not in "fiu" or array.ndim > 1:
        raise TypeError(f"q must be a number or a sequence of numbers, got {q!r}")
    if not array.size or not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"q must lie between 0 and 1, got {q!r}")
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    parts = tuple(map(float, array)) if array.ndim else float(array)
    least = checks.integer("min_count", min_count, 1)
    return dict(q=parts, method=method, omits=missing.policy(nan_policy) == "omit", min_count=least)


class _Pools:
    """One public function: its prepared calls, and how one is made."""

    def __init__(self, op: str, ndim: int, check: Callable[..., dict[str, Any]]) -> None:
        self.op, self.ndim, self.check, self.memo = op, ndim, check, Memo()

    def __call__(
        self, x: Any, windows: tuple[Any, Any, Any, Any], ceil_mode: bool, axis: Any, out: Any, more: tuple[Any, ...],
        dtype: Any = None, told_apart: Any = None, refuse_nan: bool = False,
    ) -> Array:  # fmt: skip
        """Pool; `windows` is kernel, stride, padding and dilation; `check` makes of `more` what `statistic` takes.

        `told_apart` stands for what of `more` has equals that are not the same, as the float 0.0 has in 0.
        """
        layout = calls.described(out)
        key = (*windows, axis, dtype, layout, *(more if told_apart is None else told_apart))
        call = self.memo.get(x, key, (ceil_mode,))
        if call is None:
            x = checks.array("x", x)
            source = calls.source(x, axis, self.ndim, layout)
            plan = geometry.plan(source.sizes, *windows, ceil_mode=ceil_mode, needs_input=True)
            call = self.memo.keep(statistic(self.op, plan, source, dtype, **self.check(*more)), x, key, (ceil_mode,))
        calls.refuse_overlap(out, x)
        if refuse_nan:
            missing.refuse_nan(x)
        return call.forward(x, out)


def _median(ndim: int) -> MedianPool:
    pools = _Pools("median", ndim, partial(quantiles, 0.5, "linear"))

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
        dtype: Any = None,
        out: Any = None,
    ) -> Array:
        windows = (kernel_size, stride, padding, dilation)
        return pools(x, windows, ceil_mode, axis, out, (nan_policy, min_count), dtype, None, nan_policy == "raise")

    return _named(pool, "median", ndim, "4")


def _quantile(ndim: int) -> QuantilePool:
    pools = _Pools("quantile", ndim, quantiles)

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
        dtype: Any = None,
        out: Any = None,
    ) -> Array:
        windows, more = (kernel_size, stride, padding, dilation), (method, nan_policy, min_count)
        # A float's text tells it apart; an int that equals it is another argument.
        text = (float, repr(q), *more) if isinstance(q, float) else None
        return pools(x, windows, ceil_mode, axis, out, (q, *more), dtype, text, nan_policy == "raise")

    return _named(pool, "quantile", ndim, "[0.5, 1], 4")


def _mode(ndim: int) -> ModePool:
    pools = _Pools("mode", ndim, lambda ignore: dict(ignore=label(ignore)))

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
        out: Any = None,
    ) -> Array:
        windows = (kernel_size, stride, padding, dilation)
        return pools(x, windows, ceil_mode, axis, out, (ignore,))

    return _named(pool, "mode", ndim, "4")


Pool = TypeVar("Pool", bound=Callable[..., Any])


def _named(pool: Pool, op: str, ndim: int, given: str) -> Pool:
    """Name a function and document it."""
    return documented(
        pool, f"{op}_pool{ndim}d", ndim, _POOL, Summary=_SUMMARY[op], returns=_RETURNS[op], most=MOST_TAPS,
        shape=cube(ndim, 4), given=given, **_TEXTS[op],
    )  # fmt: skip


median_pool1d, median_pool2d, median_pool3d = (_median(d) for d in (1, 2, 3))
quantile_pool1d, quantile_pool2d, quantile_pool3d = (_quantile(d) for d in (1, 2, 3))
mode_pool1d, mode_pool2d, mode_pool3d = (_mode(d) for d in (1, 2, 3))
