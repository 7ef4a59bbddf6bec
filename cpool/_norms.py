"""Lp norms of windows, and their gradient."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from . import _args, _call, _driver, _engine, _layout, geometry
from ._averages import spread
from ._docs import cube, documented
from ._extremes import scatter, select
from ._prepared import Memo, Prepared

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


_POOL = """Norm of each window of the last {d} axes: ``sum(x**p) ** (1/p)``.

    Parameters
    ----------
    {floats}
    norm_type : float
        p. Not 0; infinity takes the largest magnitude.
    {kernel_size}
    {stride}
    {ceil_mode}
    padding : int, {d} ints, {d} (before, after) pairs, "valid", "same" or "same_lower"
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


def norm(plan: geometry.Plan, source: _call.Source, p: float) -> Prepared:
    """Prepare norms over the windows of `plan`."""
    _call.floating(source.dtype)
    type = _call.computed_in(_engine.SUMS, source.dtype)

    def make(x: _layout.View, y: _layout.View, order: Axes) -> Any:
        if p == np.inf:
            return _engine.values("max", type, plan, source.axes, x, y, norm="magnitude")
        kind = "plain" if p == 1 else "square" if p == 2 else "power"
        return _engine.values("sum", type, plan, source.axes, x, y, norm=kind, power=p)

    return _call.prepare(source, plan, source.dtype, make)


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
        p = _args.nonzero_number("norm_type", norm_type)
        layout = _call.described(out)
        given = (repr(p), kernel_size, stride, padding, dilation, axis, layout)
        call = memo.get(x, given, (ceil_mode,))
        if call is None:
            x = _args.array("x", x)
            source = _call.source(x, axis, ndim, layout)
            plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
            call = memo.keep(norm(plan, source, p), x, given, (ceil_mode,))
        _call.refuse_overlap(out, x)
        return call.forward(x, out)

    return documented(
        pool, f"lp_pool{ndim}d", ndim, _POOL, cube=cube(ndim, 2), example=repr(np.array([np.sqrt(9.0 * 2**ndim)]))
    )


def _power(a: Array, exponent: float) -> Array:
    """Return ``a ** exponent`` in the same memory order; by the C library, for NumPy's rounds as the CPU has it."""
    order = _layout.memory_order(a.shape, a.strides)
    result = _layout.empty(a.shape, order, a.dtype)
    np.copyto(result, a)
    _driver.raise_to(_engine.LEVEL, result.transpose(order).reshape(-1), exponent)
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
        grad, x, y = (_call.gradient(n, a) for n, a in (("grad_output", grad_output), ("x", x), ("output", output)))
        if not grad.dtype == x.dtype == y.dtype:
            raise TypeError(f"grad_output, x and output must have one dtype, got {grad.dtype}, {x.dtype}, {y.dtype}")
        p = _args.nonzero_number("norm_type", norm_type)
        axes = _args.pooled_axes(axis, ndim, x.ndim)
        plan = geometry.plan(
            _call.sizes(x.shape, axes), kernel_size, stride, padding, dilation, ceil_mode, needs_input=True
        )
        for name, array in (("grad_output", grad), ("output", y)):
            _call.same_shape(name, array, "the output", _call.with_sizes(x.shape, axes, plan.out_shape))
        source = _call.source(grad, axis, ndim, _call.described(out))
        _call.refuse_overlap(out, grad, x, y)
        working = np.dtype(_engine.SUMS[x.dtype.name])
        if working != x.dtype:  # powers of 2-byte floats as floats, rounded once
            order = _layout.memory_order(x.shape, x.strides)
            _call.output_view(source.out, x.shape, order, x.dtype)
            wide = backward(
                grad.astype(working), x.astype(working), y.astype(working), p, kernel_size, stride, ceil_mode,
                padding=padding, dilation=dilation, axis=axis,
            )  # fmt: skip
            gx = _layout.empty(x.shape, order, x.dtype) if out is None else out
            gx[...] = wide
            return _call.settled(gx)
        if p == np.inf:
            magnitudes = np.abs(x)
            winners = select("max", plan, _call.source(magnitudes, axis, ndim, None), True, np.int64)
            _, indices = winners.pick(magnitudes, np.int64)
            gx = scatter(source, x.shape, indices).backward(grad, out, indices)
            gx *= np.sign(x)
            return _call.settled(gx)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = np.where(y == 0, 0, grad * _power(y, 1 - p)).astype(x.dtype, copy=False)
            factor = _power(x, p - 1)
        factor[(x == 0) & (p < 1)] = 0
        source = source._replace(strides=share.strides)
        gx = spread(source, x.shape, plan, divide=False).backward(share, out)
        with np.errstate(invalid="ignore", over="ignore"):
            gx *= factor
        return _call.settled(gx)

    return documented(
        backward, f"lp_pool{ndim}d_backward", ndim, _BACKWARD, cube=cube(ndim, 2),
        gradient=repr(np.full(2, 2.0 ** (-ndim / 2))),
    )  # fmt: skip


lp_pool1d, lp_pool2d, lp_pool3d = (_pool(d) for d in (1, 2, 3))
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = (_backward(d) for d in (1, 2, 3))
