"""Variance and standard deviation pooling."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .. import geometry
from ..core import calls, checks, engine, layouts
from ..core.docstrings import cube, documented
from ..core.prepared import Memo, Prepared
from . import missing

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class Pool(Protocol):
    """Signature of var_pool and std_pool."""

    def __call__(
        self,
        x: Any,
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
        dtype: Any = None,
        out: Any = None,
    ) -> Array: ...


_POOL = """{Summary} of each window of the last {d} axes.

    Parameters
    ----------
    {x}
    {kernel_size}
    {stride}
    padding : int, {d} ints, {d} (before, after) pairs, "valid", "same" or "same_lower"
        Implicit border that does not count. Any amount, as long as every window touches the input.
    {ceil_mode}
    ddof : float
        What is taken off the number of elements before the sum of squared distances is divided by it: 1 for the
        unbiased estimate. Not negative.
    {dilation}
    {axis}
    {nan_policy}
    {min_count}
    dtype : dtype, optional
        Of the result, instead of `x`'s or float64. Integers, for integers and bool alone, are rounded half to even
        and kept in range.
    {out}

    Returns
    -------
    ndarray
        As `numpy.{ufunc}` of the elements inside the input, in `x`'s memory order; computed in float64, whatever the
        dtypes. Parts of a window are merged by what their means differ (Chan, Golub and LeVeque 1979), so that a mean
        far from 0 costs few digits. Bit-identical for any number of threads, any memory order and any instruction
        set. NaN where no more than `ddof` elements count, or one is infinite.

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
    >>> cpool.{name}(np.broadcast_to(x, {shape}), 4, ddof=0).ravel()
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
    calls.enough(plan, result, "min_count", min_count)
    calls.enough(plan, result, "ddof", ddof + 1)

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        return engine.values(
            "moments", "float64", plan, source.axes, x, y, omits=omits, least=min_count, ddof=ddof, root=root
        )

    return calls.prepare(source, plan, result, make)


def _pool(root: bool, ndim: int) -> Pool:
    memo = Memo()

    def pool(
        x: Any,
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
        dtype: Any = None,
        out: Any = None,
    ) -> Array:
        layout = None if out is None else calls.described(out)
        given = (kernel_size, stride, padding, ddof, dilation, axis, nan_policy, min_count, dtype, layout)
        call = memo.get(x, given, (ceil_mode,))
        if call is None:
            x = checks.array("x", x)
            policy = missing.policy(nan_policy)
            source = calls.source(x, axis, ndim, layout)
            plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
            prepared = variance(
                plan, source, dtype, root=root, ddof=checks.number("ddof", ddof, 0), omits=policy == "omit",
                min_count=checks.integer("min_count", min_count, 1),
            )  # fmt: skip
            call = memo.keep(prepared, x, given, (ceil_mode,))
        if out is not None:
            calls.refuse_overlap(out, x)
        if nan_policy == "raise":
            missing.refuse_nan(x)
        return call.forward(x, out)

    summary, ufunc, answer = ("Standard deviation", "std", "1.6583124") if root else ("Variance", "var", "2.75")
    return documented(
        pool, f"{ufunc}_pool{ndim}d", ndim, _POOL, Summary=summary, ufunc=ufunc, answer=answer,
        shape=cube(ndim, 4),
    )  # fmt: skip


var_pool1d, var_pool2d, var_pool3d = (_pool(False, d) for d in (1, 2, 3))
std_pool1d, std_pool2d, std_pool3d = (_pool(True, d) for d in (1, 2, 3))
