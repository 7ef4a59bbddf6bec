"""Adaptive pooling: the output's size is given, the windows follow. The average's gradient; max has max_pool's."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks
from ..core.docstrings import halved_cube
from ..core.prepared import Prepared
from ..core.public import Elements, functions
from .averages import average, spread
from .extremes import select

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
    >>> cpool.{name}(np.ones({ones}), {twos}).ravel()[:2]
    array([{share}, {share}])
    """


def output_sizes(value: Any, ndim: int) -> tuple[int | None, ...]:
    """Return the checked output size, one per pooled axis."""
    given = tuple(value) if checks.sequence(value) else (value,) * ndim
    if len(given) != ndim:
        raise ValueError(f"output_size must be an int, None or {ndim} of them, got {value!r}")
    return tuple(None if v is None else checks.integer("output_size", v, 0) for v in given)


def _windows(x: Any, output_size: Any, axis: Any, ndim: int, out: Any, reduce: partial[Prepared]) -> calls.Windowed:
    source = calls.source(x, axis, ndim, out)
    return calls.Windowed(geometry.adaptive_plan(source.sizes, output_sizes(output_size, ndim)), source, reduce)


def _max_pool(
    ndim: int,
    x: Elements,
    output_size: Any,
    return_indices: bool = False,
    *,
    axis: Any = None,
    index_dtype: Any = np.int64,
    out: Any = None,
) -> calls.Windowed:
    with_indices = checks.flag("return_indices", return_indices)
    reduce = partial(select, "max", with_indices=with_indices, index_dtype=index_dtype)
    return _windows(x, output_size, axis, ndim, out, reduce)


def _avg_pool(
    ndim: int, x: Elements, output_size: Any, *, axis: Any = None, dtype: Any = None, out: Any = None
) -> calls.Windowed:
    return _windows(x, output_size, axis, ndim, out, partial(average, dtype=dtype))


def _backward(ndim: int, grad_output: Elements, input_shape: Any, *, axis: Any = None, out: Any = None) -> Prepared:
    calls.differentiable(grad_output.dtype)
    source = calls.source(grad_output, axis, ndim, out, "grad_output")
    shape = calls.input_shape(input_shape, source)
    return spread(source, shape, geometry.adaptive_plan(calls.sizes(shape, source.axes), source.sizes))


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = functions(
    "adaptive_max_pool{d}d", _MAX, _max_pool, lambda d: dict(example=halved_cube(d, np.max))
)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = functions(
    "adaptive_avg_pool{d}d", _AVG, _avg_pool, lambda d: dict(example=halved_cube(d, np.mean))
)
adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward, adaptive_avg_pool3d_backward = functions(
    "adaptive_avg_pool{d}d_backward", _BACKWARD, _backward, lambda d: dict(share=0.5**d)
)
