"""Maximum and minimum pooling, and their gradient."""

from __future__ import annotations

from typing import Any, Literal, Protocol, overload

import numpy as np

from .. import geometry
from ..core import calls, checks, engine, layouts
from ..core.docstrings import cube, documented, halved_cube
from ..core.prepared import Memo, Prepared
from . import missing
from .averages import avg_pool1d, avg_pool2d, avg_pool3d

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class Pool(Protocol):
    """Signature of max_pool and min_pool."""

    @overload
    def __call__(
        self,
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: Literal[False] = False,
        *,
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        initial: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Array: ...
    @overload
    def __call__(
        self,
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        *,
        return_indices: Literal[True],
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        initial: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> tuple[Array, Array]: ...
    @overload
    def __call__(
        self,
        x: Any,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        ceil_mode: bool,
        return_indices: Literal[True],
        *,
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        initial: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> tuple[Array, Array]: ...
    @overload
    def __call__(
        self,
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
        *,
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        initial: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Any: ...


class Backward(Protocol):
    """Signature of max_pool_backward."""

    def __call__(
        self, grad_output: Any, indices: Any, input_shape: Any, *, axis: Any = None, out: Any = None
    ) -> Array: ...


_POOL = """{Extreme} of each window of the {last_axes}.

    Parameters
    ----------
    {x}
    {kernel_size}
    {stride}
    {padding}
    {dilation}
    {ceil_mode}
    return_indices : bool
        Also return where each {extreme} stands.
    {axis}
    {nan_policy}
    {min_count}
    {where}
    {initial}
    index_dtype : numpy.int64 or numpy.int32
        Data type of the indices.
    {out}

    Returns
    -------
    ndarray or (ndarray, ndarray)
        The pooled array, with `x`'s dtype and memory order; with `return_indices` also the position of each
        {extreme} in its plane, row-major over the pooled axes. Of equal values the first counts, of several NaN the
        last (torch's rule); where no element counts, the window's first. A zero is +0 and a NaN the positive quiet
        one, whichever stand in the window: so the bits are the same with and without indices. A masked array gives a
        masked array, masked where no element counts.

    Raises
    ------
    TypeError
        If `x` has another dtype, or an argument is not an integer where one belongs.
    ValueError
        If an argument is out of range, the kernel exceeds the padded input, or a window lies wholly in padding.

    See Also
    --------
    max_pool{d}d_backward : The gradient, for minima too.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.arange({size}.0).reshape({cube})
    >>> cpool.{name}(x, 2).ravel()
    {example}
    """

_BACKWARD = """Gradient of max_pool{d}d and its siblings with respect to their input.

    Each output gradient goes to the element that won its window; where windows overlap, they add up. Serves min,
    adaptive max and fractional max pooling too: it needs the indices alone.

    Parameters
    ----------
    {grad_output}
    indices : array_like of integers, shape of grad_output
        What the forward pass returned with ``return_indices=True``; any integer dtype, checked before use.
    {input_shape}
    {axis}
    {out_gradient}

    Returns
    -------
    ndarray, shape input_shape
        Bit-identical for any number of threads.

    Raises
    ------
    TypeError
        If the gradient is not floating point, or the indices are not integers.
    ValueError
        If the shapes do not fit one another, or an index lies outside its plane.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> y, indices = cpool.max_pool{d}d(np.zeros({cube}), 1, return_indices=True)
    >>> cpool.{name}(np.ones_like(y), indices, {cube}).sum()
    np.float64({sum})
    """


def select(
    op: str, plan: geometry.Plan, source: calls.Source, with_indices: bool = False, index_dtype: Any = np.int64
) -> Prepared:
    """Prepare op "max" or "min" over the windows of `plan`; "nanmax" and "nanmin" pass NaN over."""
    kind = np.dtype(index_dtype)
    if kind.name not in engine.INDEX_TYPES:
        raise TypeError(f"index_dtype must be int32 or int64, got {kind}")
    if with_indices and plan.elements - 1 > np.iinfo(kind).max:
        raise ValueError(f"index_dtype={kind} cannot count the elements of a plane {source.sizes}")
    type = calls.computed_in(engine.PICKS if with_indices else engine.VALUES, source.dtype)

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        if not with_indices:
            return engine.values(op, type, plan, source.axes, x, y)
        at = calls.output_view(None, y.shape, order, kind)
        return engine.picks(op, type, plan, source.axes, x, y, at)

    return calls.prepare(source, plan, source.dtype, make)


def _pool(op: str, ndim: int) -> Pool:
    memo = Memo()

    def pool(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
        *,
        axis: Any = None,
        nan_policy: str = "propagate",
        min_count: int = 1,
        where: Any = None,
        initial: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Any:
        layout = None if out is None else calls.described(out)
        given = (
            kernel_size,
            stride,
            padding,
            dilation,
            axis,
            nan_policy,
            min_count,
            where,
            initial,
            index_dtype,
            layout,
        )
        flags = (ceil_mode, return_indices)
        call = memo.get(x, given, flags)
        if call is None:
            least = checks.integer("min_count", min_count, 1)
            if missing.concerns(x, nan_policy, where, initial, least):
                return missing.extreme(
                    op, pool, _MAX[ndim], _AVERAGE[ndim], x, nan_policy, where, initial, least,
                    checks.flag("return_indices", return_indices), out, kernel_size=kernel_size, stride=stride,
                    padding=padding, dilation=dilation, ceil_mode=ceil_mode, axis=axis, index_dtype=index_dtype,
                )  # fmt: skip
            x = checks.array("x", x)
            source = calls.source(x, axis, ndim, layout)
            plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
            with_indices = checks.flag("return_indices", return_indices)
            reduction = f"nan{op}" if nan_policy == "omit" and x.dtype.kind not in "biu" else op
            call = memo.keep(select(reduction, plan, source, with_indices, index_dtype), x, given, flags)
        if out is not None:
            calls.refuse_overlap(out, x)
        return call.pick(x, index_dtype, out) if return_indices else call.forward(x, out)

    extreme = {"max": "maximum", "min": "minimum"}[op]
    return documented(
        pool,
        f"{op}_pool{ndim}d",
        ndim,
        _POOL,
        extreme=extreme,
        Extreme=extreme.capitalize(),
        size=4**ndim,
        cube=cube(ndim, 4),
        example=halved_cube(ndim, {"max": np.max, "min": np.min}[op]),
    )


def scatter(source: calls.Source, shape: Axes, at: Array) -> Prepared:
    """Prepare adding a gradient along indices laid out as `at` into one of `shape`."""
    if 0 in source.sizes and 0 not in shape:
        raise ValueError(f"grad_output of shape {source.shape} is empty, but input_shape={shape} is not")
    indices, fresh = engine.view_of(at), source.out is None

    def make(gx: layouts.View, gy: layouts.View) -> Any:
        return engine.scatter(source.axes, engine.SUMS[source.dtype.name], gx, gy, indices, fresh=fresh)

    return calls.prepare_gradient(source, shape, make)


def _backward(ndim: int) -> Backward:
    memo = Memo()

    def backward(grad_output: Any, indices: Any, input_shape: Any, *, axis: Any = None, out: Any = None) -> Array:
        at = calls.index_array(indices)
        layout = calls.described(out)
        given = (input_shape, axis, layout, at.shape, at.strides, at.dtype)
        grad = grad_output
        call = memo.get(grad, given)
        if call is None:
            grad = calls.gradient("grad_output", grad_output)
            calls.same_shape("indices", at, "grad_output", grad.shape)
            source = calls.source(grad, axis, ndim, layout, "grad_output")
            call = memo.keep(scatter(source, calls.input_shape(input_shape, source), at), grad, given)
        calls.refuse_overlap(out, grad, at)
        return call.backward(grad, out, at)

    return documented(backward, f"max_pool{ndim}d_backward", ndim, _BACKWARD, cube=cube(ndim, 2), sum=2.0**ndim)


max_pool1d, max_pool2d, max_pool3d = (_pool("max", d) for d in (1, 2, 3))
_MAX = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}
_AVERAGE = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}
min_pool1d, min_pool2d, min_pool3d = (_pool("min", d) for d in (1, 2, 3))
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = (_backward(d) for d in (1, 2, 3))
