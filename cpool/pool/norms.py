"""Lp norms of windows, and their gradient."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .. import geometry
from ..core import calls, checks, driver, engine, layouts
from ..core.docstrings import cube, documented
from ..core.prepared import Memo, Prepared
from .averages import spread
from .extremes import scatter, select

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class Pool(Protocol):
    """Signature of lp_pool."""

    def __call__(
        self,
        x: Any,
        norm_type: Any,
        kernel_size: Any,
        stride: Any = None,
        ceil_mode: bool = False,
        *,
        padding: Any = 0,
        dilation: Any = 1,
        axis: Any = None,
        out: Any = None,
    ) -> Array: ...


class Backward(Protocol):
    """Signature of lp_pool_backward."""

    def __call__(
        self,
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
        out: Any = None,
    ) -> Array: ...


_POOL = """Norm of each window of the {last_axes}: ``sum(x**p) ** (1/p)``.

    Parameters
    ----------
    {floats}
    norm_type : float
        p. Not 0; infinity takes the largest magnitude.
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
        or a negative number to a fractional power gives NaN. Take ``abs(x)`` for ONNX's rule.

    Raises
    ------
    TypeError
        If `x` is not floating point, or an argument is not a number where one belongs.
    ValueError
        If an argument is out of range, or a window lies wholly in padding.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.{name}(np.full({cube}, 3.0), 2, 2).ravel()
    {example}
    """

_BACKWARD = """Gradient of lp_pool{d}d with respect to its input.

    Parameters
    ----------
    {grad_output}
    x, output : array_like of float32 or float64
        Input and result of the forward pass.
    norm_type, kernel_size, stride, ceil_mode, padding, dilation, axis
        As in the forward pass.
    {out_gradient}

    Returns
    -------
    ndarray, shape of x
        ``grad_output * x**(p-1) * output**(1-p)``, summed over the windows of each element; 0 where the output is 0.
        For p = infinity the gradient goes to the first of the largest magnitudes, with its sign.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or their dtypes differ.
    ValueError
        If the shapes do not fit one another or the arguments.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.full({cube}, 3.0)
    >>> y = cpool.lp_pool{d}d(x, 2, 2)
    >>> cpool.{name}(np.ones_like(y), x, y, 2, 2).ravel()[:2]
    {gradient}
    """


def norm(plan: geometry.Plan, source: calls.Source, p: float) -> Prepared:
    """Prepare norms over the windows of `plan`."""
    calls.floating(source.dtype)
    type = calls.computed_in(engine.SUMS, source.dtype)

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        if p == np.inf:
            return engine.values("max", type, plan, source.axes, x, y, norm="magnitude")
        kind = "plain" if p == 1 else "square" if p == 2 else "power"
        return engine.values("sum", type, plan, source.axes, x, y, norm=kind, power=p)

    return calls.prepare(source, plan, source.dtype, make)


def _pool(ndim: int) -> Pool:
    memo = Memo()

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
        out: Any = None,
    ) -> Array:
        p = checks.nonzero_number("norm_type", norm_type)
        layout = calls.described(out)
        given = (repr(p), kernel_size, stride, padding, dilation, axis, layout)
        call = memo.get(x, given, (ceil_mode,))
        if call is None:
            x = checks.array("x", x)
            source = calls.source(x, axis, ndim, layout)
            plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
            call = memo.keep(norm(plan, source, p), x, given, (ceil_mode,))
        calls.refuse_overlap(out, x)
        return call.forward(x, out)

    return documented(
        pool, f"lp_pool{ndim}d", ndim, _POOL, cube=cube(ndim, 2), example=repr(np.array([np.sqrt(9.0 * 2**ndim)]))
    )


def _power(a: Array, exponent: float) -> Array:
    """Return ``a ** exponent`` in the same memory order; by the C library, for NumPy's rounds as the CPU has it."""
    order = layouts.memory_order(a.shape, a.strides)
    result = layouts.empty(a.shape, order, a.dtype)
    np.copyto(result, a)
    driver.raise_to(engine.LEVEL, result.transpose(order).reshape(-1), exponent)
    return result


def _backward(ndim: int) -> Backward:
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
        out: Any = None,
    ) -> Array:
        grad, x, y = (calls.gradient(n, a) for n, a in (("grad_output", grad_output), ("x", x), ("output", output)))
        if not grad.dtype == x.dtype == y.dtype:
            raise TypeError(f"grad_output, x and output must have one dtype, got {grad.dtype}, {x.dtype}, {y.dtype}")
        p = checks.nonzero_number("norm_type", norm_type)
        axes = checks.pooled_axes(axis, ndim, x.ndim)
        plan = geometry.plan(
            calls.sizes(x.shape, axes), kernel_size, stride, padding, dilation, ceil_mode, needs_input=True
        )
        for name, array in (("grad_output", grad), ("output", y)):
            calls.same_shape(name, array, "the output", calls.with_sizes(x.shape, axes, plan.out_shape))
        source = calls.source(grad, axis, ndim, calls.described(out))
        calls.refuse_overlap(out, grad, x, y)
        working = np.dtype(engine.SUMS[x.dtype.name])
        if working != x.dtype:  # powers of 2-byte floats as floats, rounded once
            order = layouts.memory_order(x.shape, x.strides)
            calls.output_view(source.out, x.shape, order, x.dtype)
            wide = backward(
                grad.astype(working), x.astype(working), y.astype(working), p, kernel_size, stride, ceil_mode,
                padding=padding, dilation=dilation, axis=axis,
            )  # fmt: skip
            gx = layouts.empty(x.shape, order, x.dtype) if out is None else out
            gx[...] = wide
            return calls.settled(gx)
        if p == np.inf:
            magnitudes = np.abs(x)
            winners = select("max", plan, calls.source(magnitudes, axis, ndim, None), True, np.int64)
            _, indices = winners.pick(magnitudes, np.int64)
            gx = scatter(source, x.shape, indices).backward(grad, out, indices)
            gx *= np.sign(x)
            return calls.settled(gx)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = np.where(y == 0, 0, grad * _power(y, 1 - p)).astype(x.dtype, copy=False)
            factor = _power(x, p - 1)
        factor[(x == 0) & (p < 1)] = 0
        source = source._replace(strides=share.strides)
        gx = spread(source, x.shape, plan, divide=False).backward(share, out)
        with np.errstate(invalid="ignore", over="ignore"):
            gx *= factor
        return calls.settled(gx)

    return documented(
        backward, f"lp_pool{ndim}d_backward", ndim, _BACKWARD, cube=cube(ndim, 2),
        gradient=repr(np.full(2, 2.0 ** (-ndim / 2))),
    )  # fmt: skip


lp_pool1d, lp_pool2d, lp_pool3d = (_pool(d) for d in (1, 2, 3))
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = (_backward(d) for d in (1, 2, 3))
