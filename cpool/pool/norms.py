"""Lp norms of windows, and their gradient."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .. import geometry, threads
from ..core import calls, checks, engine, layouts
from ..core.prepared import Prepared
from ..core.public import Elements, Function, functions
from .averages import spread
from .extremes import scatter, select

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


_POOL = """Norm of each window of the {last_axes}: ``sum(x**p) ** (1/p)``.

    Parameters
    ----------
    {floats}
    norm_type : float
        p. Not 0; infinity takes the largest magnitude, -infinity the smallest.
    {kernel_size}
    {stride}
    {ceil_mode}
    padding : int, {ints}, {pairs}, "valid", "same" or "same_lower"
        Implicit border that adds nothing. Any amount, as long as every window touches the input.
    {dilation}
    {axis}
    {out}

    Returns
    -------
    ndarray
        With `x`'s dtype and memory order. The sign is kept, as in torch: p = 1 is the plain sum, and a negative sum
        or a negative number to a fractional power gives NaN (-infinity to another positive one than 0.5 is
        infinity, as in C's ``pow``). Take ``abs(x)`` for ONNX's rule.

    Raises
    ------
    TypeError
        If `x` is not floating point, or an argument is not a number where one belongs.
    ValueError
        If an argument is out of range, or a window lies wholly in padding.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.{name}(np.full({twos}, 3.0), 2, 2).ravel()
    {example}
    """

_BACKWARD = """Gradient of lp_pool{d}d with respect to its input.

    Parameters
    ----------
    {grad_output}
    x, output : array_like of float
        Input and result of the forward pass.
    norm_type, kernel_size, stride, ceil_mode, padding, dilation, axis
        As in the forward pass.
    {out_gradient}

    Returns
    -------
    ndarray, shape of x
        ``grad_output * x**(p-1) * output**(1-p)``, summed over the windows of each element; 0 where the output is 0,
        and for p below 1 where x is 0. For infinite p it goes to the first of the largest or smallest magnitudes,
        with its sign.

    Raises
    ------
    TypeError
        If an array is not floating point, or their dtypes differ.
    ValueError
        If the shapes do not fit one another or the arguments.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.full({twos}, 3.0)
    >>> y = cpool.lp_pool{d}d(x, 2, 2)
    >>> cpool.{name}(np.ones_like(y), x, y, 2, 2).ravel()[:2]
    {gradient}
    """


#: What norms become as p goes there, of magnitudes.
_LIMITS = {np.inf: "max", -np.inf: "min"}


def norm(plan: geometry.Plan, source: calls.Source, p: float) -> Prepared:
    """Prepare norms over the windows of `plan`."""
    calls.floating(source.dtype)
    type = calls.computed_in(engine.SUMS, source.dtype)

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        if limit := _LIMITS.get(p):
            return engine.values(limit, type, plan, source.axes, x, y, norm="magnitude")
        kind = "plain" if p == 1 else "square" if p == 2 else "power"
        return engine.values("sum", type, plan, source.axes, x, y, norm=kind, power=p)

    return calls.prepare(source, plan, source.dtype, make)


def _pool(
    ndim: int,
    x: Elements,
    norm_type: Any,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
    *,
    padding: Any = 0,
    dilation: Any = 1,
    axis: Any = None,
    out: Any = None,
) -> calls.Windowed:
    p = checks.nonzero_number("norm_type", norm_type)
    source = calls.source(x, axis, ndim, out)
    plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    return calls.Windowed(plan, source, partial(norm, p=p))


def _along_winners(
    limit: str, plan: geometry.Plan, axis: Any, ndim: int, grad: Array, x: Array, y: Array, out: Array | None = None
) -> Array:
    """Give each gradient to the largest or smallest magnitude, with its sign."""
    source = calls.source(grad, axis, ndim, None if out is None else calls.described(out))
    magnitudes = np.abs(x)
    _, indices = select(limit, plan, calls.source(magnitudes, axis, ndim, None), True)(magnitudes)
    gx: Array = scatter(source, x.shape, indices)(grad, indices, out=out)
    if engine.explained.get() is not None:
        return gx
    gx[x == 0] = 0  # an infinite gradient times 0 would be NaN
    gx *= np.sign(x)
    return calls.settled(gx)


def _backward(
    ndim: int,
    grad_output: Elements,
    x: Elements,
    output: Elements,
    norm_type: Any,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
    *,
    padding: Any = 0,
    dilation: Any = 1,
    axis: Any = None,
    out: Any = None,
) -> Function:
    for name, array in (("grad_output", grad_output), ("x", x), ("output", output)):
        calls.differentiable(array.dtype, name)
    dtype, working = x.dtype, np.dtype(engine.SUMS[x.dtype.name])
    if not grad_output.dtype == dtype == output.dtype:
        raise TypeError(
            f"grad_output, x and output must have one dtype, got {grad_output.dtype}, {dtype}, {output.dtype}"
        )
    p = checks.nonzero_number("norm_type", norm_type)
    axes = checks.pooled_axes(axis, ndim, x.ndim)
    plan = geometry.plan(
        calls.sizes(x.shape, axes), kernel_size, stride, padding, dilation, ceil_mode, needs_input=True
    )
    for name, array in (("grad_output", grad_output), ("output", output)):
        calls.same_shape(name, array, "the output", calls.with_sizes(x.shape, axes, plan.out_shape))
    order = layouts.memory_order(x.shape, x.strides)
    calls.output_view(out, x.shape, order, dtype)
    if limit := _LIMITS.get(p):
        return partial(_along_winners, limit, plan, axis, ndim)

    def outline(shape: Axes) -> tuple[Axes, Axes, Any]:  # of arrays that lie densely and alike
        return shape, layouts.dense_strides(shape, order, working.itemsize), working

    total = spread(calls.Source(*outline(grad_output.shape), axes, outline(x.shape)), x.shape, plan, divide=False)
    share = engine.powers(working.name, math.prod(grad_output.shape), 1 - p, zeros=True)
    factor = engine.powers(working.name, math.prod(x.shape), p - 1, zeros=p < 1)

    def dense(a: Array) -> bool:
        return (a.shape, a.strides, a.dtype) == outline(a.shape)

    def laid(a: Array) -> Array:
        if not dense(a):
            given, a = a, layouts.empty(a.shape, order, working)
            np.copyto(a, given)
        return a.transpose(order).reshape(-1)

    def back(grad: Array, x: Array, y: Array, out: Array | None = None) -> Array:
        shares = layouts.empty(grad.shape, order, working)
        gx = out if out is not None and dense(out) else layouts.empty(x.shape, order, working)
        share(threads.limit, laid(grad), laid(shares), laid(y))
        total(shares, out=gx)
        factor(threads.limit, laid(gx), laid(gx), laid(x))
        if out is gx or (out is None and gx.dtype == dtype):
            return gx
        result = layouts.empty(x.shape, order, dtype) if out is None else out
        if engine.explained.get() is None:
            with np.errstate(over="ignore", under="ignore"):
                np.copyto(result, gx, casting="same_kind")
            calls.settled(result)
        return result

    return back


lp_pool1d, lp_pool2d, lp_pool3d = functions(
    "lp_pool{d}d", _POOL, _pool, lambda d: dict(example=repr(np.array([np.sqrt(9.0 * 2**d)])))
)
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = functions(
    "lp_pool{d}d_backward", _BACKWARD, _backward, lambda d: dict(gradient=repr(np.full(2, 2.0 ** (-d / 2))))
)
