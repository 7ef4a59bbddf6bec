"""Variance and standard deviation pooling."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from .. import geometry
from ..core import calls, checks, engine, layouts
from ..core.prepared import Prepared
from ..core.public import Function, Maskable, functions
from . import missing

Axes = tuple[int, ...]


_POOL = """{Summary} of each window of the {last_axes}.

    Parameters
    ----------
    {x}
    {kernel_size}
    {stride}
    {uncounted_padding}
    {ceil_mode}
    ddof : float
        What is taken off the number of elements that count before the sum of squared distances is divided by it: 1 for
        the unbiased estimate. Not negative.
    {dilation}
    {axis}
    {nan_policy}
    {min_count}
    {where}
    {averaged_dtype}
    {out}

    Returns
    -------
    ndarray
        As `numpy.{ufunc}` of the elements inside the input, in `x`'s memory order; computed in float64, whatever the
        dtypes. Parts of a window are merged by what their means differ (Chan, Golub and LeVeque 1979): of float64's 16
        digits as many are lost as the mean has more than the deviation. Bit-identical for any number of threads, any
        memory order and any instruction set. NaN where no more than `ddof` elements count, or one is infinite.

    Raises
    ------
    TypeError
        If `x` has another dtype, or an argument is not a number where one belongs.
    ValueError
        If an argument is out of range, a window lies wholly in padding, or `x` holds NaN with ``nan_policy="raise"``.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.array([1.0, 3.0, 5.0, 5.0])
    >>> cpool.{name}(np.broadcast_to(x, {cube}), 4, ddof=0).ravel()
    array([{answer}])
    """


def variance(
    plan: geometry.Plan,
    source: calls.Source,
    dtype: Any = None,
    *,
    root: bool = False,
    ddof: float = 0,
    omits: bool = False,
    min_count: int = 1,
) -> Prepared:
    """Prepare variances, or with `root` standard deviations, over the windows of `plan`; `omits` passes NaN over."""
    result = calls.averaged(source.dtype, dtype)
    calls.enough(plan, source, result, "min_count", min_count, min_count)
    calls.enough(plan, source, result, "ddof", ddof, math.floor(ddof) + 1)
    mask = None if source.where is None else engine.Mask(source.where, math.nan, omits)
    omits |= mask is not None

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        return engine.values(
            "moments", "float64", plan, source.axes, x, y, mask=mask, omits=omits, least=min_count, ddof=ddof, root=root
        )

    return calls.prepare(source, plan, result, make)


def _pool(
    root: bool,
    ndim: int,
    x: Maskable,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *,
    ddof: float = 0,
    dilation: Any = 1,
    axis: Any = None,
    nan_policy: str = "propagate",
    min_count: int = 1,
    where: Any = None,
    dtype: Any = None,
    out: Any = None,
) -> calls.Windowed:
    source = calls.source(x, axis, ndim, out)
    plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    degrees, least = checks.number("ddof", ddof, 0), checks.integer("min_count", min_count, 1)
    omits = missing.policy(nan_policy) == "omit"
    dtype = checks.optional_dtype("dtype", dtype)
    reduce = partial(variance, dtype=dtype, root=root, ddof=degrees, omits=omits, min_count=least)
    needed = max(least, math.floor(degrees) + 1)
    return calls.Windowed(plan, source, reduce, partial(missing.number, omits=omits, least=needed))


def _pools(root: bool, **words: str) -> list[Function]:
    name = words["ufunc"] + "_pool{d}d"
    return functions(name, _POOL, partial(_pool, root), lambda ndim: words, missing.some)


var_pool1d, var_pool2d, var_pool3d = _pools(False, Summary="Variance", ufunc="var", answer="2.75")
std_pool1d, std_pool2d, std_pool3d = _pools(True, Summary="Standard deviation", ufunc="std", answer="1.6583124")
