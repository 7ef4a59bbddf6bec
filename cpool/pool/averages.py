"""Average and sum pooling, and their gradients."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks, engine, layouts
from ..core.docstrings import halved_cube
from ..core.prepared import Prepared
from ..core.public import Elements, Maskable, functions
from . import missing

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


_POOL = """Average of each window of the {last_axes}.

    Parameters
    ----------
    {x}
    {kernel_size}
    {stride}
    padding : int, {ints}, {pairs}, "valid", "same" or "same_lower"
        Implicit border of zeros. Any amount; a window wholly in padding gives 0.
    {ceil_mode}
    count_include_pad : bool
        Whether the padding counts in the divisor. What ceil_mode adds beyond the padding never does.
    divisor_override : int, optional
        The whole divisor, instead of the window's count. Not 0. With 1 the result is the sum.
    {dilation}
    {axis}
    {nan_policy}
        What is passed over does not count in the divisor.
    {min_count}
    {where}
    {averaged_dtype}
    {out}

    Returns
    -------
    ndarray
        The averages, in `x`'s memory order: floats keep their dtype, integers and bool give float64. 2-byte floats are
        summed as float32, integers exactly below 2**53. The order of each sum is fixed, so the result is bit-identical
        for any number of threads, any memory order and any instruction set. NaN where no element counts; a masked
        array gives a masked array.

    Raises
    ------
    TypeError
        If `x` has another dtype, or an argument is not an integer where one belongs.
    ValueError
        If an argument is out of range or the kernel exceeds the padded input (but with `ceil_mode`).

    See Also
    --------
    avg_pool{d}d_backward : The gradient.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.arange({size}.0).reshape({cube})
    >>> cpool.{name}(x, 2).ravel()
    {example}
    """

_BACKWARD = """Gradient of avg_pool{d}d with respect to its input.

    Parameters
    ----------
    {grad_output}
    {input_shape}
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, dilation, axis
        As in the forward pass.
    {out_gradient}

    Returns
    -------
    ndarray, shape input_shape
        Each output's gradient divided by its divisor, added to every element of its window; where all divisors are
        equal, sums are divided. Bit-identical for any number of threads.

    Raises
    ------
    TypeError
        If the gradient is not floating point, or an argument is not an integer where one belongs.
    ValueError
        If an argument is out of range, or grad_output does not have the shape of the forward pass's output.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.{name}(np.ones({ones}), {twos}, 2).ravel()[:2]
    array([{share}, {share}])
    """


def average(
    plan: geometry.Plan, source: calls.Source, dtype: Any = None, *, omits: bool = False, min_count: int = 1
) -> Prepared:
    """Prepare averages over the windows of `plan`; of `dtype`, or the natural one if None.

    `omits` passes NaN over; windows in which fewer than `min_count` elements count give NaN.
    """
    result = calls.averaged(source.dtype, dtype)
    type = engine.sums_as(source.dtype, result, plan)
    calls.enough(plan, source, result, "min_count", min_count, min_count)
    mask = None if source.where is None else engine.Mask(source.where, np.nan, omits)

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        if min_count == 1 and mask is None and (not omits or source.dtype.kind in "biu"):
            run = layouts.canonical(source.axes, x, y).run
            added_as = engine.whole_sums(plan, source.dtype, result, run) or type
            return engine.values("sum", added_as, plan, source.axes, x, y, divide=True)
        state: dict[str, Any] = dict(omits=omits or mask is not None, least=min_count)
        return engine.values("total", type, plan, source.axes, x, y, divide=True, mask=mask, **state)

    return calls.prepare(source, plan, result, make)


def _pool(
    ndim: int,
    x: Maskable,
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
    out: Any = None,
) -> calls.Windowed:
    source = calls.source(x, axis, ndim, out)
    plan = geometry.plan(
        source.sizes, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override
    )
    least = checks.integer("min_count", min_count, 1)
    omits = missing.policy(nan_policy) == "omit"
    reduce = partial(average, dtype=checks.optional_dtype("dtype", dtype), omits=omits, min_count=least)
    return calls.Windowed(plan, source, reduce, partial(missing.number, omits=omits, least=least))


def spread(source: calls.Source, shape: Axes, plan: geometry.Plan, divide: bool = True) -> Prepared:
    """Prepare spreading a gradient over the windows of `plan` into one of `shape`."""
    if source.sizes != plan.out_shape:
        raise ValueError(
            f"grad_output of shape {source.shape} does not belong to input_shape={shape}: its pooled axes must have "
            f"lengths {plan.out_shape}"
        )
    return calls.prepare_gradient(
        source, shape, lambda gx, gy: engine.spread(plan, source.axes, source.dtype, gx, gy, divide)
    )


def _backward(
    ndim: int,
    grad_output: Elements,
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
    out: Any = None,
) -> Prepared:
    calls.differentiable(grad_output.dtype)
    source = calls.source(grad_output, axis, ndim, out, "grad_output")
    shape = calls.input_shape(input_shape, source)
    sizes = calls.sizes(shape, source.axes)
    plan = geometry.plan(sizes, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override)
    return spread(source, shape, plan)


avg_pool1d, avg_pool2d, avg_pool3d = functions(
    "avg_pool{d}d", _POOL, _pool, lambda d: dict(example=halved_cube(d, np.mean)), missing.some
)
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = functions(
    "avg_pool{d}d_backward", _BACKWARD, _backward, lambda d: dict(share=0.5**d)
)
