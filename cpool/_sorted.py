"""Median and mode pooling: what needs a window's values in order."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from . import _args, _call, _engine, _layout, geometry
from ._docs import cube, documented
from ._prepared import Memo, Prepared

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]

#: Largest window: its taps are sorted all at once, in scratch.
MOST_TAPS = 65536


class Pool(Protocol):
    """Signature of median_pool and mode_pool."""

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
        out: Any = None,
    ) -> Array: ...


_POOL = """{Summary} of each window of the last {d} axes.

    Parameters
    ----------
    x : array_like of {kinds}
        At least {d} axes. The others are carried along: batch, channels, any number of them. Any strides.
    {kernel_size}
    {stride}
    padding : int, {d} ints, {d} (before, after) pairs, "valid", "same" or "same_lower"
        Implicit border that does not count. Any amount, as long as every window touches the input.
    {dilation}
    {ceil_mode}
    {axis}
    {out}

    Returns
    -------
    ndarray
        {returns}

    Raises
    ------
    TypeError
        If `x` has another dtype, or an argument is not an integer where one belongs.
    ValueError
        If an argument is out of range, a window lies wholly in padding, or has more than {most} elements.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.array({example})
    >>> cpool.{name}(np.broadcast_to(x, {shape}), {kernel}).ravel()
    array([{answer}])
    """

_TEXTS = {
    "median": {
        "Summary": "Median",
        "kinds": "float, integer or bool",
        "returns": """The middle value of the elements inside the input, of an even number the mean of the two, as
        `numpy.median`: floats keep their dtype, integers and bool give float64. NaN propagates.""",
    },
    "mode": {
        "Summary": "Most frequent value",
        "kinds": "integer or bool",
        "returns": """With `x`'s dtype: of equally frequent values the smallest. No value appears that was not there, so
        labels stay labels.""",
    },
}


def statistic(op: str, plan: geometry.Plan, source: _call.Source, dtype: Any = None) -> Prepared:
    """Prepare op "median" or "mode" over the windows of `plan`; a median of `dtype`, or the natural one if None."""
    type = _call.computed_in(_engine.VALUES, source.dtype)
    whole = source.dtype.kind in "biu"
    if op == "mode" and not whole:
        raise TypeError(f"x must be integer or bool, got {source.dtype}")
    taps = math.prod(w.kernel for w in plan.axes)
    if taps > MOST_TAPS:
        raise ValueError(
            f"kernel_size={tuple(w.kernel for w in plan.axes)} makes windows of {taps} elements, more than {MOST_TAPS}"
        )
    result = source.dtype
    if op == "median":
        result = np.dtype((np.float64 if whole else source.dtype) if dtype is None else dtype)
        if result.name not in _engine.SUMS or result.kind in ("b" if whole else "biu"):
            raise TypeError(f"dtype must be a float or, of integers, an integer; got {result} for x of {source.dtype}")

    def make(x: _layout.View, y: _layout.View, order: Axes) -> Any:
        return _engine.ordered(type, plan, source.axes, x, y, None if op == "mode" else np.array([0.5]))

    return _call.prepare(source, plan, result, make)


def _pool(op: str, ndim: int) -> Pool:
    memo = Memo()

    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        axis: Any = None,
        out: Any = None,
    ) -> Array:
        layout = _call.described(out)
        given = (kernel_size, stride, padding, dilation, axis, layout)
        call = memo.get(x, given, (ceil_mode,))
        if call is None:
            x = _args.array("x", x)
            source = _call.source(x, axis, ndim, layout)
            plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
            call = memo.keep(statistic(op, plan, source), x, given, (ceil_mode,))
        _call.refuse_overlap(out, x)
        return call.forward(x, out)

    texts = {key: text.format(d=ndim) for key, text in _TEXTS[op].items()}
    return documented(
        pool, f"{op}_pool{ndim}d", ndim, _POOL, **texts, most=MOST_TAPS, example="[7, 1, 1, 3]",
        shape=cube(ndim, 4), kernel=4, answer="2." if op == "median" else "1",
    )  # fmt: skip


median_pool1d, median_pool2d, median_pool3d = (_pool("median", d) for d in (1, 2, 3))
mode_pool1d, mode_pool2d, mode_pool3d = (_pool("mode", d) for d in (1, 2, 3))
