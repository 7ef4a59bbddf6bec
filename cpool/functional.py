"""The public functions: check, plan, allocate, run. Names and argument order follow ``torch.nn.functional``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np

from . import _args, _engine, _layout, geometry, threads

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class SelectingPool(Protocol):
    """Signature of max_pool and min_pool."""

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
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Any: ...


class AveragingPool(Protocol):
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
        out: Any = None,
    ) -> Array: ...


class NormPool(Protocol):
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


class SelectingBackward(Protocol):
    """Signature of max_pool_backward."""

    def __call__(
        self, grad_output: Any, indices: Any, input_shape: Any, *, axis: Any = None, out: Any = None
    ) -> Array: ...


class AveragingBackward(Protocol):
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


# ------------------------------------------------------------------------------------------------- shared checks


def _gradient(name: str, value: Any) -> Array:
    """Return `value` as a float32 or float64 array."""
    array = _args.array(name, value)
    if array.dtype.name not in _engine.GRADIENTS:
        raise TypeError(f"{name} must be float32 or float64, got {array.dtype}")
    return array


def _numbers(table: dict[str, _engine.Numbers], dtype: Any, name: str = "x") -> _engine.Numbers:
    """Return how the kernels of `table` treat `dtype`."""
    if dtype.name not in table:
        raise TypeError(f"{name} must have one of the dtypes {', '.join(table)}, got {dtype}")
    return table[dtype.name]


class _Prepared(NamedTuple):
    """A call with everything decided but the arrays."""

    run: Callable[..., None]
    shape: Axes
    order: Axes | None  # memory order of new outputs where it is not C order
    dtype: Any
    bits: bool  # the arrays have no buffer of their own

    def new(self, dtype: Any) -> Array:
        if self.order is None:
            return np.empty(self.shape, dtype)
        return _layout.empty(self.shape, self.order, dtype)


def _out_layout(out: Any, x: Array) -> Any:
    """Return shape, strides and dtype of the checked `out`."""
    if out is None:
        return None
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    _refuse_overlap(out, x)
    return out.shape, out.strides, out.dtype


def _output_view(out: Any, shape: Axes, order: Axes, dtype: Any, storage: int) -> _layout.View:
    """Return the view of the output: the checked `out`, or a new array in `order`."""
    if out is None:
        return _layout.View(shape, _layout.dense_strides(shape, order, dtype.itemsize), dtype.itemsize, storage)
    if out[2] != dtype or not out[2].isnative:
        raise TypeError(f"out must have dtype {dtype}, got {out[2]}")
    if out[0] != shape:
        raise ValueError(f"out must have shape {shape}, got {out[0]}")
    return _layout.View(shape, out[1], dtype.itemsize, storage)


def _sizes(shape: Axes, axes: Axes) -> Axes:
    return tuple(shape[a] for a in axes)


def _with_sizes(shape: Axes, axes: Axes, sizes: Axes) -> Axes:
    """Return `shape` with the lengths of `axes` replaced."""
    result = list(shape)
    for axis, size in zip(axes, sizes, strict=True):
        result[axis] = size
    return tuple(result)


def _result(out: Any, shape: Axes, like: Array) -> Array:
    """Return the checked `out`, or a new array with the dtype and memory order of `like`."""
    if out is None:
        return _layout.empty(shape, _layout.memory_order(like.shape, like.strides), like.dtype)
    _output_view(_out_layout(out, like), shape, (), like.dtype, 0)
    checked: Array = out
    return checked


def _refuse_overlap(out: Array, *inputs: Array) -> None:
    for array in inputs:
        if np.may_share_memory(out, array):
            raise ValueError("out overlaps an input in memory; it must be an array of its own")


def _index_array(value: Any) -> Array:
    """Return `value` as an int32 or int64 array with the same values."""
    indices = _args.array("indices", value)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"indices must be integers, got dtype {indices.dtype}")
    if indices.dtype.name in _engine.INDEX_TYPES:
        return indices
    if indices.dtype == np.uint64 and indices.size and indices.max() > np.iinfo(np.int64).max:
        raise ValueError(f"indices must lie in the plane; got {indices.max()}")
    return indices.astype(np.int64)


def _input_shape(shape: Any, grad: Array, axes: Axes) -> Axes:
    """Return the checked `input_shape` of a backward pass."""
    result = _args.shape("input_shape", shape)
    if len(result) != grad.ndim:
        raise ValueError(f"input_shape={result} must have as many axes as grad_output, whose shape is {grad.shape}")
    if _with_sizes(result, axes, _sizes(grad.shape, axes)) != grad.shape:
        raise ValueError(
            f"input_shape={result} and grad_output of shape {grad.shape} must agree on every axis that is not pooled"
        )
    return result


# --------------------------------------------------------------------------------------------------- max and min

_SELECT_DOC = """{Extreme} of each window of the last {d} axes{axes_note}.

    Parameters
    ----------
    x : array_like of float, integer or bool
        At least {d} axes. The others are carried along: batch, channels, any number of them. Any strides.
    kernel_size : int or {d} ints
        Window lengths.
    stride : int or {d} ints, optional
        Distance of windows; the kernel size if None.
    padding : int, {d} ints, {d} (before, after) pairs, "valid", "same" or "same_lower"
        Implicit border that never wins. Any amount, as long as every window touches the input.
    dilation : int or {d} ints
        Distance of the taps within a window.
    ceil_mode : bool
        Round the output length up; the last window must start inside the input or its leading padding.
    return_indices : bool
        Also return where each {extreme} stands.
    axis : int or {d} ints, optional
        The pooled axes, the last {d} if None.
    index_dtype : numpy.int64 or numpy.int32
        Data type of the indices.
    out : ndarray, optional
        Written in place and returned; shape and dtype of the result, not overlapping `x`.

    Returns
    -------
    ndarray or (ndarray, ndarray)
        The pooled array, with `x`'s dtype and memory order; with `return_indices` also the position of each
        {extreme} in its plane, row-major over the pooled axes. Of equal values the first counts. NaN propagates, the
        last NaN counts (torch's rule).

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
    >>> x = np.arange({size}.0).reshape({shape})
    >>> cpool.{name}(x, 2).ravel()
    array({example})
    """


@lru_cache(maxsize=1024, typed=True)
def _prepare_selection(
    op: str,
    ndim: int,
    shape: Axes,
    strides: Axes,
    dtype: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    with_indices: bool,
    axis: Any,
    index_dtype: Any,
    out: Any,
) -> _Prepared:
    kind = np.dtype(index_dtype)
    if kind.name not in _engine.INDEX_TYPES:
        raise TypeError(f"index_dtype must be int32 or int64, got {kind}")
    numbers = _numbers(_engine.PICKS if _args.flag("return_indices", with_indices) else _engine.VALUES, dtype)
    axes = _args.pooled_axes(axis, ndim, len(shape))
    plan = geometry.plan(_sizes(shape, axes), kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    order = _layout.memory_order(shape, strides)
    out_shape = _with_sizes(shape, axes, plan.out_shape)
    x = _layout.View(shape, strides, dtype.itemsize, numbers.storage)
    y = _output_view(out, out_shape, order, dtype, numbers.storage)
    if with_indices:
        if plan.elements - 1 > np.iinfo(kind).max:
            raise ValueError(f"index_dtype={kind} cannot count the elements of a plane {_sizes(shape, axes)}")
        at = _output_view(None, out_shape, order, kind, _engine.INDEX_TYPES[kind.name])
        run = _engine.picks(op, numbers, plan, axes, x, y, at)
    else:
        run = _engine.values(op, numbers, plan, axes, x, y)
    natural = order == tuple(range(len(shape)))
    return _Prepared(run, out_shape, None if natural else order, dtype, dtype.name == "bfloat16")


def _select_pool(op: str, ndim: int) -> SelectingPool:
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
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Any:
        x = _args.array("x", x)
        call = _prepare_selection(
            op, ndim, x.shape, x.strides, x.dtype,
            _args.hashable("kernel_size", kernel_size), _args.hashable("stride", stride),
            _args.hashable("padding", padding), _args.hashable("dilation", dilation),
            ceil_mode, return_indices, _args.hashable("axis", axis), index_dtype, _out_layout(out, x),
        )  # fmt: skip
        y = call.new(x.dtype) if out is None else out
        source, to = (x, y) if not call.bits else (_engine.buffer(x), _engine.buffer(y))
        if not return_indices:
            call.run(threads.limit, source, to)
            return y
        indices = call.new(index_dtype)
        call.run(threads.limit, source, to, indices)
        return y, indices

    pool.__name__ = pool.__qualname__ = f"{op}_pool{ndim}d"
    size = 4**ndim
    pool.__doc__ = _SELECT_DOC.format(
        d=ndim,
        name=pool.__name__,
        Extreme="Maximum" if op == "max" else "Minimum",
        extreme="maximum" if op == "max" else "minimum",
        axes_note="" if ndim > 1 else ", which is one: a signal",
        size=size,
        shape=", ".join(["4"] * ndim),
        example=_example(op, ndim),
    )
    return pool


def _example(op: str, ndim: int) -> str:
    """Return the repr of pooling 0, 1, 2, ... in a cube of side 4 by 2."""
    grid = np.arange(4.0**ndim).reshape((2, 2) * ndim)
    taps = tuple(range(1, 2 * ndim, 2))
    reduction: Any = getattr(np, {"max": "max", "min": "min", "avg": "mean"}[op])
    values: Array = reduction(grid, axis=taps)
    return repr(values.ravel())[len("array(") : -1]


_MAX_BACKWARD_DOC = """Gradient of max_pool{d}d and min_pool{d}d with respect to their input.

    Each output gradient goes to the element that won its window; where windows overlap, they add up.

    Parameters
    ----------
    grad_output : array_like of float32 or float64
        Gradient of the output.
    indices : array_like of integers, shape of grad_output
        What the forward pass returned with ``return_indices=True``; any integer dtype, checked before use.
    input_shape : sequence of int
        Shape of the forward pass's `x`.
    axis : int or {d} ints, optional
        The pooled axes, the last {d} if None.
    out : ndarray, optional
        Written in place and returned.

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
    >>> x = np.zeros({ones_shape})
    >>> y, indices = cpool.max_pool{d}d(x, 1, return_indices=True)
    >>> cpool.max_pool{d}d_backward(np.ones_like(y), indices, x.shape).sum()
    np.float64({ones_sum})
    """


def _max_backward(ndim: int) -> SelectingBackward:
    def backward(grad_output: Any, indices: Any, input_shape: Any, *, axis: Any = None, out: Any = None) -> Array:
        grad = _gradient("grad_output", grad_output)
        at = _index_array(indices)
        if at.shape != grad.shape:
            raise ValueError(f"indices must have the shape of grad_output {grad.shape}, got {at.shape}")
        axes = _args.pooled_axes(axis, ndim, grad.ndim, "grad_output")
        shape = _input_shape(input_shape, grad, axes)
        if grad.size == 0 and 0 not in [n for a, n in enumerate(shape) if a not in axes]:
            raise ValueError(f"grad_output of shape {grad.shape} is empty, but input_shape={shape} is not")
        gx = _result(out, shape, grad)
        _refuse_overlap(gx, grad, at)
        if grad.size:
            plan = geometry.scatter_plan(_sizes(shape, axes), _sizes(grad.shape, axes))
            bad = _engine.scatter(plan, axes, gx, grad, at)
            if bad is not None:
                raise ValueError(f"indices must lie in the plane, 0 to {plan.elements - 1}; got {bad[0]} to {bad[1]}")
        return gx

    backward.__name__ = backward.__qualname__ = f"max_pool{ndim}d_backward"
    backward.__doc__ = _MAX_BACKWARD_DOC.format(
        d=ndim, ones_shape=f"({', '.join(['2'] * ndim)},)", ones_sum=f"{2.0**ndim}"
    )
    return backward


# ------------------------------------------------------------------------------------------------------- average

_AVG_DOC = """Average of each window of the last {d} axes{axes_note}.

    Parameters
    ----------
    x : array_like of float, integer or bool
        At least {d} axes. The others are carried along: batch, channels, any number of them. Any strides.
    kernel_size : int or {d} ints
        Window lengths.
    stride : int or {d} ints, optional
        Distance of windows; the kernel size if None.
    padding : int, {d} ints, {d} (before, after) pairs, "valid", "same" or "same_lower"
        Implicit border of zeros. Any amount; a window wholly in padding gives 0.
    ceil_mode : bool
        Round the output length up; the last window must start inside the input or its leading padding.
    count_include_pad : bool
        Whether the padding counts in the divisor. What ceil_mode adds beyond the padding never does.
    divisor_override : int, optional
        The whole divisor, instead of the window's count. Not 0.
    dilation : int or {d} ints
        Distance of the taps within a window.
    axis : int or {d} ints, optional
        The pooled axes, the last {d} if None.
    out : ndarray, optional
        Written in place and returned; shape and dtype of the result, not overlapping `x`.

    Returns
    -------
    ndarray
        The averages, in `x`'s memory order: floats keep their dtype, integers and bool give float64. 2-byte floats are
        summed as float32, integers exactly. The order of each sum is fixed, so the result is bit-identical for any
        number of threads, any memory order and any instruction set.

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
    >>> x = np.arange({size}.0).reshape({shape})
    >>> cpool.{name}(x, 2).ravel()
    array({example})
    """


@lru_cache(maxsize=1024, typed=True)
def _prepare_average(
    ndim: int,
    shape: Axes,
    strides: Axes,
    dtype: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Any,
    dilation: Any,
    axis: Any,
    out: Any,
) -> _Prepared:
    numbers = _numbers(_engine.SUMS, dtype)
    result = dtype if dtype.kind not in "biu" else np.dtype(np.float64)
    axes = _args.pooled_axes(axis, ndim, len(shape))
    plan = geometry.plan(
        _sizes(shape, axes), kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override
    )
    order = _layout.memory_order(shape, strides)
    out_shape = _with_sizes(shape, axes, plan.out_shape)
    x = _layout.View(shape, strides, dtype.itemsize, numbers.storage)
    y = _output_view(out, out_shape, order, result, numbers.storage if result == dtype else 0)
    run = _engine.values("sum", numbers, plan, axes, x, y, divide=True)
    natural = order == tuple(range(len(shape)))
    return _Prepared(run, out_shape, None if natural else order, result, dtype.name == "bfloat16")


def _avg_pool(ndim: int) -> AveragingPool:
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
        out: Any = None,
    ) -> Array:
        x = _args.array("x", x)
        call = _prepare_average(
            ndim, x.shape, x.strides, x.dtype, _args.hashable("kernel_size", kernel_size),
            _args.hashable("stride", stride), _args.hashable("padding", padding), ceil_mode, count_include_pad,
            _args.hashable("divisor_override", divisor_override), _args.hashable("dilation", dilation),
            _args.hashable("axis", axis), _out_layout(out, x),
        )  # fmt: skip
        y: Array = call.new(call.dtype) if out is None else out
        source, to = (x, y) if not call.bits else (_engine.buffer(x), _engine.buffer(y))
        call.run(threads.limit, source, to)
        return y

    pool.__name__ = pool.__qualname__ = f"avg_pool{ndim}d"
    pool.__doc__ = _AVG_DOC.format(
        d=ndim,
        name=pool.__name__,
        axes_note="" if ndim > 1 else ", which is one: a signal",
        size=4**ndim,
        shape=", ".join(["4"] * ndim),
        example=_example("avg", ndim),
    )
    return pool


_AVG_BACKWARD_DOC = """Gradient of avg_pool{d}d with respect to its input.

    Parameters
    ----------
    grad_output : array_like of float32 or float64
        Gradient of the output.
    input_shape : sequence of int
        Shape of the forward pass's `x`.
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, dilation, axis
        As in the forward pass.
    out : ndarray, optional
        Written in place and returned.

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
    >>> cpool.avg_pool{d}d_backward(np.ones({out_shape}), {in_shape}, 2).ravel()[:2]
    array([{share}, {share}])
    """


def _avg_backward(ndim: int) -> AveragingBackward:
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
        grad = _gradient("grad_output", grad_output)
        axes = _args.pooled_axes(axis, ndim, grad.ndim, "grad_output")
        shape = _input_shape(input_shape, grad, axes)
        plan = geometry.plan(
            _sizes(shape, axes), kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override
        )
        if _sizes(grad.shape, axes) != plan.out_shape:
            raise ValueError(
                f"grad_output of shape {grad.shape} does not belong to input_shape={shape}: its pooled axes must have "
                f"lengths {plan.out_shape}"
            )
        gx = _result(out, shape, grad)
        _refuse_overlap(gx, grad)
        if gx.size:
            _engine.spread(plan, axes, gx, grad)
        return gx

    backward.__name__ = backward.__qualname__ = f"avg_pool{ndim}d_backward"
    backward.__doc__ = _AVG_BACKWARD_DOC.format(
        d=ndim,
        out_shape=f"({', '.join(['1'] * ndim)},)",
        in_shape=f"({', '.join(['2'] * ndim)},)",
        share=0.5**ndim,
    )
    return backward


# ------------------------------------------------------------------------------------------------------------- lp


@lru_cache(maxsize=1024, typed=True)
def _prepare_norm(
    ndim: int,
    shape: Axes,
    strides: Axes,
    dtype: Any,
    norm_type: float,
    kernel_size: Any,
    stride: Any,
    ceil_mode: bool,
    padding: Any,
    dilation: Any,
    axis: Any,
    out: Any,
) -> _Prepared:
    if dtype.kind in "biu":
        raise TypeError(f"x must be floating point, got {dtype}")
    numbers = _numbers(_engine.SUMS, dtype)
    axes = _args.pooled_axes(axis, ndim, len(shape))
    plan = geometry.plan(_sizes(shape, axes), kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    order = _layout.memory_order(shape, strides)
    out_shape = _with_sizes(shape, axes, plan.out_shape)
    x = _layout.View(shape, strides, dtype.itemsize, numbers.storage)
    y = _output_view(out, out_shape, order, dtype, numbers.storage)
    if norm_type == float("inf"):
        run = _engine.values("max", numbers, plan, axes, x, y, norm=_engine.MAGNITUDE)
    else:
        norm = {1.0: _engine.PLAIN, 2.0: _engine.SQUARE}.get(norm_type, _engine.POWER)
        run = _engine.values("sum", numbers, plan, axes, x, y, norm=norm, power=norm_type)
    natural = order == tuple(range(len(shape)))
    return _Prepared(run, out_shape, None if natural else order, dtype, dtype.name == "bfloat16")


_LP_DOC = """Norm of each window of the last {d} axes: ``sum(x**p) ** (1/p)``.

    Parameters
    ----------
    x : array_like of float
        At least {d} axes.
    norm_type : float
        p. Not 0; infinity takes the largest magnitude.
    kernel_size, stride, ceil_mode, padding, dilation, axis, out
        As in `max_pool{d}d`; padding adds nothing to the sum.

    Returns
    -------
    ndarray
        With `x`'s dtype and memory order. The sign is kept, as in torch: p = 1 is the plain sum, and a negative sum
        or a negative number to a fractional power gives NaN.

    Raises
    ------
    TypeError, ValueError
        As `max_pool{d}d`, and if `norm_type` is not a number other than 0.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.lp_pool{d}d(np.full({shape}, 3.0), 2, 2).ravel()
    array([{example}])
    """


def _lp_pool(ndim: int) -> NormPool:
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
        call = _prepare_norm(
            ndim, x.shape, x.strides, x.dtype, _args.nonzero_number("norm_type", norm_type),
            _args.hashable("kernel_size", kernel_size), _args.hashable("stride", stride), ceil_mode,
            _args.hashable("padding", padding), _args.hashable("dilation", dilation), _args.hashable("axis", axis),
            _out_layout(out, x),
        )  # fmt: skip
        y: Array = call.new(call.dtype) if out is None else out
        source, to = (x, y) if not call.bits else (_engine.buffer(x), _engine.buffer(y))
        call.run(threads.limit, source, to)
        return y

    pool.__name__ = pool.__qualname__ = f"lp_pool{ndim}d"
    pool.__doc__ = _LP_DOC.format(
        d=ndim, shape=f"({', '.join(['2'] * ndim)},)", example=repr(np.sqrt([9.0 * 2**ndim]))[len("array([") : -2]
    )
    return pool


# --------------------------------------------------------------------------------------------------- the functions

max_pool1d, max_pool2d, max_pool3d = (_select_pool("max", d) for d in (1, 2, 3))
min_pool1d, min_pool2d, min_pool3d = (_select_pool("min", d) for d in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (_avg_pool(d) for d in (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = (_lp_pool(d) for d in (1, 2, 3))
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = (_max_backward(d) for d in (1, 2, 3))
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = (_avg_backward(d) for d in (1, 2, 3))


_POOLS: dict[str, tuple[Any, ...]] = {
    "max": (max_pool1d, max_pool2d, max_pool3d),
    "avg": (avg_pool1d, avg_pool2d, avg_pool3d),
}


def _global_axes(x: Array, axis: Any) -> Axes:
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    if not 1 <= len(given) <= 3:
        raise ValueError(f"axis must name one to three axes, got {axis!r}")
    return _args.pooled_axes(given, len(given), x.ndim)


def _global_pool(op: str, x: Any, axis: Any, keepdims: bool) -> Array:
    x = _args.array("x", x)
    axes = _global_axes(x, axis)
    sizes = _sizes(x.shape, axes)
    if op == "max":
        y: Array = _POOLS["max"][len(axes) - 1](x, sizes, 1, axis=axes)
    else:
        y = _POOLS["avg"][len(axes) - 1](x, sizes, 1, axis=axes)
    return y if _args.flag("keepdims", keepdims) else np.squeeze(y, axes)


def global_max_pool(x: Any, axis: Any = (-2, -1), keepdims: bool = True) -> Array:
    """Maximum over whole planes.

    Parameters
    ----------
    x : array_like of float, integer or bool
    axis : int or up to 3 ints
        The pooled axes.
    keepdims : bool
        Keep the pooled axes with length 1.

    Returns
    -------
    ndarray
        One number per plane: for (N, C, H, W), shape (N, C, 1, 1).

    Raises
    ------
    TypeError, ValueError
        As `max_pool2d`.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.global_max_pool(np.arange(8.0).reshape(1, 2, 2, 2), keepdims=False)
    array([[3., 7.]])
    """
    return _global_pool("max", x, axis, keepdims)


def global_avg_pool(x: Any, axis: Any = (-2, -1), keepdims: bool = True) -> Array:
    """Average over whole planes.

    Parameters
    ----------
    x : array_like of float, integer or bool
    axis : int or up to 3 ints
        The pooled axes.
    keepdims : bool
        Keep the pooled axes with length 1.

    Returns
    -------
    ndarray
        One number per plane: for (N, C, H, W), shape (N, C, 1, 1).

    Raises
    ------
    TypeError, ValueError
        As `avg_pool2d`.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.global_avg_pool(np.arange(8.0).reshape(1, 2, 2, 2), keepdims=False)
    array([[1.5, 5.5]])
    """
    return _global_pool("avg", x, axis, keepdims)


def pool2d(x: Any, pool_size: Any, mode: str = "max") -> Array:
    """Pool with stride 1 and no padding, as the textbook's two loops do.

    Parameters
    ----------
    x : array_like
        At least 2 axes. Lists of whole numbers are welcome: integers are pooled as float64.
    pool_size : int or 2 ints
        Window height and width.
    mode : "max" or "avg"

    Returns
    -------
    ndarray
        Shape (..., H - h + 1, W - w + 1).

    Raises
    ------
    ValueError
        If `mode` is something else, or the window is larger than `x`.

    Examples
    --------
    >>> import cpool
    >>> cpool.pool2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], (2, 2))
    array([[4., 5.],
           [7., 8.]])
    >>> cpool.pool2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], (2, 2), mode="avg")
    array([[2., 3.],
           [5., 6.]])
    """
    array = _args.array("x", x)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if mode == "max":
        result: Array = max_pool2d(array, pool_size, 1)
        return result
    if mode == "avg":
        return avg_pool2d(array, pool_size, 1)
    raise ValueError(f"mode must be 'max' or 'avg', got {mode!r}")
