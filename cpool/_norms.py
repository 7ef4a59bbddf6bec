"""Lp norms of windows, and their gradient."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from . import _args, _call, _engine, _layout, geometry
from ._averages import spread
from ._docs import cube, documented
from ._extremes import run, select

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


@lru_cache(maxsize=1024, typed=True)
def _prepare(
    ndim: int,
    shape: Axes,
    strides: Axes,
    dtype: Any,
    p: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
    padding: Any,
    dilation: Any,
    axis: Any,
    out: Any,
) -> _call.Prepared:
    _call.floating(dtype)
    numbers = _call.numbers(_engine.SUMS, dtype)
    source = _call.Source(shape, strides, dtype, _args.pooled_axes(axis, ndim, len(shape)), out)
    plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)

    def make(x: _layout.View, y: _layout.View, order: Axes) -> Any:
        if p == np.inf:
            return _engine.values("max", numbers, plan, source.axes, x, y, norm=_engine.MAGNITUDE)
        norm = _engine.PLAIN if p == 1 else _engine.SQUARE if p == 2 else _engine.POWER
        return _engine.values("sum", numbers, plan, source.axes, x, y, norm=norm, power=p)

    return _call.prepare(source, plan, numbers, dtype, numbers.storage, make)


def _pool(ndim: int) -> Pool:
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
        x = _args.array("x", x)
        call = _prepare(
            ndim, x.shape, x.strides, x.dtype, _args.nonzero_number("norm_type", norm_type),
            _args.hashable("kernel_size", kernel_size), _args.hashable("stride", stride), ceil_mode,
            _args.hashable("padding", padding), _args.hashable("dilation", dilation), _args.hashable("axis", axis),
            _call.out_layout(out, x),
        )  # fmt: skip
        return call(x, out)

    return documented(
        pool, f"lp_pool{ndim}d", ndim, _POOL, cube=cube(ndim, 2), example=repr(np.array([np.sqrt(9.0 * 2**ndim)]))
    )


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
        source = _call.Source(grad.shape, grad.strides, grad.dtype, axes, _call.out_layout(out, grad, x, y))
        if p == np.inf:
            forward = _call.Source(x.shape, x.strides, x.dtype, axes, None)
            magnitudes = np.abs(x)
            call = select("max", plan, forward._replace(strides=magnitudes.strides), True, np.int64)
            _, at = run(call, magnitudes, True, np.int64, None)
            indices = _engine.view_of(at)
            gx = _call.prepare_gradient(
                source, x.shape, lambda gx, gy: _engine.scatter(axes, grad.dtype, at.dtype, gx, gy, indices)
            ).gradient(grad, out, at)
            gx *= np.sign(x)
            return gx
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(y == 0, 0, grad * y ** (1 - p)).astype(x.dtype, copy=False)
            factor = x ** (p - 1)
        factor[(x == 0) & (p < 1)] = 0
        source = source._replace(strides=share.strides)
        gx = spread(source, x.shape, plan, divide=False).gradient(share, out)
        gx *= factor
        return gx

    return documented(
        backward, f"lp_pool{ndim}d_backward", ndim, _BACKWARD, cube=cube(ndim, 2),
        gradient=repr(np.full(2, 2.0 ** (-ndim / 2))),
    )  # fmt: skip


lp_pool1d, lp_pool2d, lp_pool3d = (_pool(d) for d in (1, 2, 3))
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = (_backward(d) for d in (1, 2, 3))
