"""Unpooling: put pooled values back where they came from, and the gradient of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import threads
from ..core import calls, checks, engine, layouts
from ..core.prepared import Prepared
from ..core.public import Elements, Function, Indices, functions

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


_UNPOOL = """Put maxima back where they stood, zeros elsewhere: a partial inverse of max_pool{d}d.

    Parameters
    ----------
    {x}
    indices : array_like of integers, shape of x
        What max_pool{d}d returned with ``return_indices=True``; any integer dtype, checked before use.
    kernel_size, stride, padding : int or {ints}
        As in the forward pass; only to derive the size of the output.
    output_size : {ints}, or a whole shape, optional
        Size of the output, which the parameters determine only up to a stride:
        ``(n - 1)*stride + kernel_size - 2*padding`` if None, and always less than a stride away from that.

    Returns
    -------
    ndarray
        With `x`'s dtype and memory order. Where an index stands twice, the last in row-major order counts.

    Raises
    ------
    TypeError
        If `x` has another dtype, or something else is not an integer.
    ValueError
        If the shapes do not fit one another, or an index lies outside its plane.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> y, indices = cpool.max_pool{d}d(np.arange({size}.0).reshape({cube}), 2, return_indices=True)
    >>> cpool.{name}(y, indices, 2).ravel()[-2:]
    {printed}
    """

_BACKWARD = """Gradient of max_unpool{d}d with respect to its input.

    Parameters
    ----------
    {grad_output}
    indices : array_like of integers
        As in the forward pass.

    Returns
    -------
    ndarray, shape of indices
        The gradient at each index.

    Raises
    ------
    TypeError, ValueError
        As `max_unpool{d}d`.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> g = np.arange({size}.0).reshape({cube})
    >>> cpool.{name}(g, np.full({ones}, 3)).ravel()
    array([3.])
    """


def _output_shape(shape: Axes, ndim: int, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Axes:
    """Return the checked shape of the output."""
    kernel = checks.per_axis("kernel_size", kernel_size, ndim, 1)
    step = checks.strides(stride, kernel)
    pad = checks.per_axis("padding", padding, ndim, 0)
    lead, pooled = shape[:-ndim], shape[-ndim:]
    natural = tuple((n - 1) * s + k - 2 * p for n, k, s, p in zip(pooled, kernel, step, pad, strict=True))
    if output_size is None:
        sizes = natural
    else:
        given = checks.shape("output_size", output_size)
        if len(given) == len(shape) and ndim != len(shape):
            if given[:-ndim] != lead:
                raise ValueError(f"output_size={given} must agree with x of shape {shape} on the leading axes")
            given = given[-ndim:]
        if len(given) != ndim:
            raise ValueError(f"output_size must be {ndim} ints or a whole shape, got {output_size!r}")
        for size, n, s in zip(given, natural, step, strict=True):
            if not n - s < size < n + s:
                raise ValueError(f"output_size={given} must be less than a stride {step} away from {natural}")
        sizes = given
    if min(sizes) < 1:
        raise ValueError(f"kernel_size, stride and padding give x of shape {shape} an output of {sizes}")
    return checks.shape("the output's shape", lead + sizes)


def _unpool(
    ndim: int,
    x: Elements,
    indices: Indices,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Function:
    calls.computed_in(engine.VALUES, x.dtype)
    calls.same_shape("indices", indices, "x", x.shape)
    axes = checks.pooled_axes(None, ndim, x.ndim)
    shape = _output_shape(x.shape, ndim, kernel_size, stride, padding, output_size)
    order, whole = layouts.memory_order(x.shape, x.strides), x.dtype.itemsize > 1
    # Bits are moved, whatever they mean; bytes as the bits of floats.
    type, size = {8: ("float64", 8), 2: ("uint16", 2)}.get(x.dtype.itemsize, ("float32", 4))
    values = layouts.View(x.shape, x.strides if whole else layouts.dense_strides(x.shape, order, size), size, type)
    to = layouts.View(shape, layouts.dense_strides(shape, order, size), size, type)
    run = engine.scatter(axes, type, to, values, engine.view_of(indices), assign=True, fresh=True)
    if whole:
        return Prepared(run, shape, order, x.dtype, back=True)

    def unpool(x: Array, at: Array) -> Array:
        numbers, y = layouts.empty(x.shape, order, np.float32), layouts.empty(shape, order, np.float32)
        numbers[...] = x
        run(threads.limit, y, numbers, at)
        return y.astype(x.dtype)

    return unpool


def _backward(ndim: int, grad_output: Elements, indices: Indices) -> Function:
    calls.differentiable(grad_output.dtype)
    axes = checks.pooled_axes(None, ndim, grad_output.ndim, "grad_output")
    lead = grad_output.shape[:-ndim]
    if indices.ndim != grad_output.ndim or indices.shape[:-ndim] != lead:
        raise ValueError(
            f"indices of shape {indices.shape} and grad_output of shape {grad_output.shape} differ in leading axes"
        )
    order, dtype = layouts.memory_order(indices.shape, indices.strides), grad_output.dtype
    to, at = calls.output_view(None, indices.shape, order, dtype), engine.view_of(indices)
    as_it_lies = len(layouts.flattened(axes, engine.view_of(grad_output))[0]) == 1
    given = grad_output if as_it_lies else calls.dense_source(grad_output.shape, dtype, axes)
    call = Prepared(
        engine.gather(axes, engine.view_of(given), to, at), indices.shape, order, dtype, dtype.name == "bfloat16"
    )
    return call if as_it_lies else lambda grad, at: call(np.ascontiguousarray(grad), at)


max_unpool1d, max_unpool2d, max_unpool3d = functions(
    "max_unpool{d}d", _UNPOOL, _unpool, lambda d: dict(printed=repr(np.array([0, 4.0**d - 1])))
)
max_unpool1d_backward, max_unpool2d_backward, max_unpool3d_backward = functions(
    "max_unpool{d}d_backward", _BACKWARD, _backward
)
