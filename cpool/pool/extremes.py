"""Maximum and minimum pooling, and their gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks, engine, layouts
from ..core.docstrings import halved_cube
from ..core.prepared import Prepared
from ..core.public import Elements, Function, Indices, Maskable, functions
from . import missing

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


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
        If an argument is out of range, the kernel exceeds the padded input (but with `ceil_mode`), or a window lies
        wholly in padding.

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
    >>> y, indices = cpool.max_pool{d}d(np.zeros({twos}), 1, return_indices=True)
    >>> cpool.{name}(np.ones_like(y), indices, {twos}).sum()
    np.float64({sum})
    """


def select(
    op: str, plan: geometry.Plan, source: calls.Source, with_indices: bool = False, index_dtype: Any = np.int64
) -> Prepared:
    """Prepare op "max" or "min" over the windows of `plan`; "nanmax", "nanmin" and all with a mask pass NaN over."""
    kind = checks.dtype("index_dtype", index_dtype)
    if kind.name not in engine.INDEX_TYPES:
        raise TypeError(f"index_dtype must be int32 or int64, got {kind}")
    if with_indices and plan.elements - 1 > np.iinfo(kind).max:
        raise ValueError(f"index_dtype={kind} cannot count the elements of a plane {source.sizes}")
    type = calls.computed_in(engine.PICKS if with_indices else engine.VALUES, source.dtype)
    omits, mask = op.startswith("nan"), None
    if source.where is not None and source.dtype.kind not in "biu":
        op = f"nan{op.removeprefix('nan')}"
    if source.where is not None:
        mask = engine.Mask(source.where, engine.neutral(op, source.dtype), omits)

    def make(x: layouts.View, y: layouts.View, order: Axes) -> Any:
        if not with_indices:
            return engine.values(op, type, plan, source.axes, x, y, mask=mask)
        at = calls.output_view(None, y.shape, order, kind)
        return engine.picks(op, type, plan, source.axes, x, y, at, mask)

    return calls.prepare(source, plan, source.dtype, make, index_dtype=kind if with_indices else None)


def _pool(
    op: str,
    ndim: int,
    x: Maskable,
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
) -> calls.Windowed:
    source = calls.source(x, axis, ndim, out)
    plan = geometry.plan(source.sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    omits = missing.policy(nan_policy) == "omit"
    reduction = f"nan{op}" if omits and x.dtype.kind not in "biu" else op
    least = checks.integer("min_count", min_count, 1)
    with_indices = checks.flag("return_indices", return_indices)
    index_dtype = checks.dtype("index_dtype", index_dtype)
    reduce = partial(select, reduction, with_indices=with_indices, index_dtype=index_dtype)
    some = partial(missing.extreme, op=op, omits=omits, initial=initial, least=least)
    return calls.Windowed(plan, source, reduce, some, initial is not None or least > 1)


def _pools(op: str, extreme: str, reduction: Any) -> list[Function]:
    def words(ndim: int) -> dict[str, Any]:
        return dict(extreme=extreme, Extreme=extreme.capitalize(), example=halved_cube(ndim, reduction))

    return functions(f"{op}_pool{{d}}d", _POOL, partial(_pool, op), words, missing.some)


def scatter(source: calls.Source, shape: Axes, at: Any) -> Prepared:
    """Prepare adding a gradient along indices, an array that lies as `at`, into one of `shape`."""
    if 0 in source.sizes and 0 not in shape:
        raise ValueError(f"grad_output of shape {source.shape} is empty, but input_shape={shape} is not")
    indices, fresh = engine.view_of(at), source.out is None

    def make(gx: layouts.View, gy: layouts.View) -> Any:
        return engine.scatter(source.axes, engine.SUMS[source.dtype.name], gx, gy, indices, fresh=fresh)

    return calls.prepare_gradient(source, shape, make)


def _backward(
    ndim: int, grad_output: Elements, indices: Indices, input_shape: Any, *, axis: Any = None, out: Any = None
) -> Prepared:
    calls.differentiable(grad_output.dtype)
    calls.same_shape("indices", indices, "grad_output", grad_output.shape)
    source = calls.source(grad_output, axis, ndim, out, "grad_output")
    return scatter(source, calls.input_shape(input_shape, source), indices)


max_pool1d, max_pool2d, max_pool3d = _pools("max", "maximum", np.max)
min_pool1d, min_pool2d, min_pool3d = _pools("min", "minimum", np.min)
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = functions(
    "max_pool{d}d_backward", _BACKWARD, _backward, lambda d: dict(sum=2.0**d)
)
