"""Adaptive pooling: the output's size is given, the windows follow. The average's gradient; max has max_pool's."""

from __future__ import annotations

from typing import Any, Literal, Protocol, overload

import numpy as np

from .. import geometry
from ..core import calls, checks
from ..core.docstrings import cube, documented, halved_cube
from ..core.prepared import Memo
from .averages import average, spread
from .extremes import select

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class MaxPool(Protocol):
    """Signature of adaptive_max_pool."""

    @overload
    def __call__(
        self,
        x: Any,
        output_size: Any,
        return_indices: Literal[False] = False,
        *,
        axis: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Array: ...
    @overload
    def __call__(
        self,
        x: Any,
        output_size: Any,
        *,
        return_indices: Literal[True],
        axis: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> tuple[Array, Array]: ...
    @overload
    def __call__(
        self,
        x: Any,
        output_size: Any,
        return_indices: Literal[True],
        *,
        axis: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> tuple[Array, Array]: ...
    @overload
    def __call__(
        self,
        x: Any,
        output_size: Any,
        return_indices: bool = False,
        *,
        axis: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Any: ...


class AvgPool(Protocol):
    """Signature of adaptive_avg_pool."""

    def __call__(self, x: Any, output_size: Any, *, axis: Any = None, dtype: Any = None, out: Any = None) -> Array: ...


class Backward(Protocol):
    """Signature of adaptive_avg_pool_backward."""

    def __call__(self, grad_output: Any, input_shape: Any, *, axis: Any = None, out: Any = None) -> Array: ...


_MAX = """Maximum over windows that cover the {last_axes} with as many outputs as asked.

    Parameters
    ----------
    {x}
    {output_size}
    return_indices : bool
        Also return where each maximum stands.
    {axis}
    index_dtype : numpy.int64 or numpy.int32
        Data type of the indices.
    {out}

    Returns
    -------
    ndarray or (ndarray, ndarray)
        As `max_pool{d}d`. Window i of an axis of length n with m outputs is ``floor(i*n/m)`` to ``ceil((i + 1)*n/m)``.

    Raises
    ------
    TypeError, ValueError
        As `max_pool{d}d`, and if an output size is negative.

    See Also
    --------
    max_pool{d}d_backward : The gradient.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.arange({size}.0).reshape({cube})
    >>> cpool.{name}(x, 2).ravel()
    {example}
    """

_AVG = """Average over windows that cover the {last_axes} with as many outputs as asked.

    Parameters
    ----------
    {x}
    {output_size}
    {axis}
    dtype : dtype, optional
        Of the result, as in `avg_pool{d}d`.
    {out}

    Returns
    -------
    ndarray
        As `avg_pool{d}d`. Window i of an axis of length n with m outputs is ``floor(i*n/m)`` to ``ceil((i + 1)*n/m)``.

    Raises
    ------
    TypeError, ValueError
        As `avg_pool{d}d`, and if an output size is negative.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.arange({size}.0).reshape({cube})
    >>> cpool.{name}(x, 2).ravel()
    {example}
    """

_BACKWARD = """Gradient of adaptive_avg_pool{d}d with respect to its input.

    Parameters
    ----------
    {grad_output}
    {input_shape}
    {axis}
    {out_gradient}

    Returns
    -------
    ndarray, shape input_shape
        Each output's gradient divided by its window's size, added to every element of the window.

    Raises
    ------
    TypeError, ValueError
        As `avg_pool{d}d_backward`.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.{name}(np.ones({ones}), {cube}).ravel()[:2]
    array([{share}, {share}])
    """


def output_sizes(value: Any, ndim: int) -> tuple[int | None, ...]:
    """Return the checked output size, one per pooled axis."""
    several = isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    given = tuple(value) if several else (value,) * ndim
    if len(given) != ndim:
        raise ValueError(f"output_size must be an int, None or {ndim} of them, got {value!r}")
    return tuple(None if v is None else checks.integer("output_size", v, 0) for v in given)


def _source_and_plan(x: Array, output_size: Any, axis: Any, ndim: int, layout: Any) -> tuple[Any, geometry.Plan]:
    source = calls.source(x, axis, ndim, layout)
    return source, geometry.adaptive_plan(source.sizes, output_sizes(output_size, ndim))


def _max_pool(ndim: int) -> MaxPool:
    memo = Memo()

    def pool(
        x: Any,
        output_size: Any,
        return_indices: bool = False,
        *,
        axis: Any = None,
        index_dtype: Any = np.int64,
        out: Any = None,
    ) -> Any:
        layout = calls.described(out)
        given = (output_size, axis, index_dtype, layout)
        call = memo.get(x, given, (return_indices,))
        if call is None:
            x = checks.array("x", x)
            source, plan = _source_and_plan(x, output_size, axis, ndim, layout)
            with_indices = checks.flag("return_indices", return_indices)
            call = select("max", plan, source, with_indices, index_dtype)
            memo.keep(call, x, given, (return_indices,))
        calls.refuse_overlap(out, x)
        return call.pick(x, index_dtype, out) if return_indices else call.forward(x, out)

    return documented(
        pool, f"adaptive_max_pool{ndim}d", ndim, _MAX, size=4**ndim, cube=cube(ndim, 4),
        example=halved_cube(ndim, np.max),
    )  # fmt: skip


def _avg_pool(ndim: int) -> AvgPool:
    memo = Memo()

    def pool(x: Any, output_size: Any, *, axis: Any = None, dtype: Any = None, out: Any = None) -> Array:
        layout = calls.described(out)
        given = (output_size, axis, dtype, layout)
        call = memo.get(x, given)
        if call is None:
            x = checks.array("x", x)
            source, plan = _source_and_plan(x, output_size, axis, ndim, layout)
            call = memo.keep(average(plan, source, dtype), x, given)
        calls.refuse_overlap(out, x)
        return call.forward(x, out)

    return documented(
        pool, f"adaptive_avg_pool{ndim}d", ndim, _AVG, size=4**ndim, cube=cube(ndim, 4),
        example=halved_cube(ndim, np.mean),
    )  # fmt: skip


def _backward(ndim: int) -> Backward:
    memo = Memo()

    def backward(grad_output: Any, input_shape: Any, *, axis: Any = None, out: Any = None) -> Array:
        grad = grad_output
        layout = calls.described(out)
        given = (input_shape, axis, layout)
        call = memo.get(grad, given)
        if call is None:
            grad = calls.gradient("grad_output", grad_output)
            source = calls.source(grad, axis, ndim, layout, "grad_output")
            to = calls.input_shape(input_shape, source)
            plan = geometry.adaptive_plan(calls.sizes(to, source.axes), source.sizes)
            call = memo.keep(spread(source, to, plan), grad, given)
        calls.refuse_overlap(out, grad)
        return call.backward(grad, out)

    return documented(
        backward, f"adaptive_avg_pool{ndim}d_backward", ndim, _BACKWARD, ones=cube(ndim, 1), cube=cube(ndim, 2),
        share=0.5**ndim,
    )  # fmt: skip


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (_max_pool(d) for d in (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (_avg_pool(d) for d in (1, 2, 3))
adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward, adaptive_avg_pool3d_backward = (
    _backward(d) for d in (1, 2, 3)
)
