"""Average and sum pooling, and their gradients."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .. import geometry
from ..core import calls, checks, engine, layouts
from ..core.docstrings import cube, documented, halved_cube
from ..core.prepared import Memo, Prepared
from . import missing

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class Pool(Protocol):
    """Signature of avg_pool."""

    def __call__(
        self,
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
        out: Any = None,
    ) -> Array: ...


class Backward(Protocol):
    """Signature of avg_pool_backward."""

    def __call__(
        self,
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
        out: Any = None,
    ) -> Array: ...


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
    dtype : dtype, optional
        Of the result, instead of `x`'s or float64. Integers, for integers and bool alone, are rounded half to even
        and kept in range.
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
        If an argument is out of range or the kernel exceeds the padded input.

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
        Each output's gradient divided by its divisor, added to every element of its window. Bit-identical for any
        number of threads.

    Raises
    ------
    TypeError
        If the gradient is not floating point, or an argument is not an integer where one belongs.
    ValueError
        If an argument is out of range, or grad_output does not have the shape of the forward pass's output.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.{name}(np.ones({ones}), {cube}, 2).ravel()[:2]
    array([{share}, {share}])
    """


def average(
    plan: geometry.Plan, source: calls.Source, dtype: Any = None, *, omits: bool = False, min_count: int = 1
) -> Prepared:
    """Prepare averages over the windows of `plan`; of `dtype`, or the natural one if None.

    `omits` passes NaN over; windows in which fewer than `min_count` elements count give NaN.
    """
    result = calls.averaged(source.dtype, dtype)
    type = engine.sums_as(source.dtype, result, plan.window)
    calls.enough(plan, result, "min_count", min_count)

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        if min_count == 1 and (not omits or source.dtype.kind in "biu"):
            return engine.values("sum", type, plan, source.axes, x, y, divide=True)
        return engine.values("total", type, plan, source.axes, x, y, divide=True, omits=omits, least=min_count)

    return calls.prepare(source, plan, result, make)


def _pool(ndim: int) -> Pool:
    memo = Memo()

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
        out: Any = None,
    ) -> Array:
        layout = None if out is None else calls.described(out)
        given = (
            kernel_size,
            stride,
            padding,
            divisor_override,
            dilation,
            axis,
            nan_policy,
            min_count,
            where,
            dtype,
            layout,
        )
        flags = (ceil_mode, count_include_pad)
        call = memo.get(x, given, flags)
        if call is None:
            least = checks.integer("min_count", min_count, 1)
            if missing.concerns(x, nan_policy, where):
                return missing.average(
                    ndim, pool, x, nan_policy, where, dtype, out, divisor_override, axis, least,
                    kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode,
                    count_include_pad=count_include_pad, dilation=dilation,
                )  # fmt: skip
            x = checks.array("x", x)
            source = calls.source(x, axis, ndim, layout)
            plan = geometry.plan(
                source.sizes, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override
            )
            call = memo.keep(average(plan, source, dtype, omits=nan_policy == "omit", min_count=least), x, given, flags)
        if out is not None:
            calls.refuse_overlap(out, x)
        return call.forward(x, out)

    return documented(
        pool, f"avg_pool{ndim}d", ndim, _POOL, size=4**ndim, cube=cube(ndim, 4), example=halved_cube(ndim, np.mean)
    )


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


def _backward(ndim: int) -> Backward:
    memo = Memo()

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
        out: Any = None,
    ) -> Array:
        grad = grad_output
        layout = calls.described(out)
        given = (input_shape, kernel_size, stride, padding, divisor_override, dilation, axis, layout)
        flags = (ceil_mode, count_include_pad)
        call = memo.get(grad, given, flags)
        if call is None:
            grad = calls.gradient("grad_output", grad_output)
            source = calls.source(grad, axis, ndim, layout, "grad_output")
            to = calls.input_shape(input_shape, source)
            plan = geometry.plan(
                calls.sizes(to, source.axes), kernel_size, stride, padding, dilation, ceil_mode, count_include_pad,
                divisor_override,
            )  # fmt: skip
            call = memo.keep(spread(source, to, plan), grad, given, flags)
        calls.refuse_overlap(out, grad)
        return call.backward(grad, out)

    return documented(
        backward, f"avg_pool{ndim}d_backward", ndim, _BACKWARD, ones=cube(ndim, 1), cube=cube(ndim, 2), share=0.5**ndim
    )


avg_pool1d, avg_pool2d, avg_pool3d = (_pool(d) for d in (1, 2, 3))
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = (_backward(d) for d in (1, 2, 3))
