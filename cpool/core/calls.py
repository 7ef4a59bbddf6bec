"""What every public function does around its kernel: check the arrays, prepare the call once, allocate the result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..geometry import Plan
from . import checks, engine, layouts
from .prepared import Prepared

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


class Source(NamedTuple):
    """What a call is prepared for: everything about its input and `out` but their elements."""

    shape: Axes
    strides: Axes
    dtype: Any
    axes: Axes
    out: Any
    where: layouts.View | None = None  # the array that says which elements count

    @property
    def sizes(self) -> Axes:
        """Lengths of the pooled axes."""
        return sizes(self.shape, self.axes)


#: Prepares a call for a plan and an input: a reduction of one of the families.
Prepare = Callable[[Plan, Source], Prepared]


class Windowed(NamedTuple):
    """A pooling by windows, before it is prepared: it may yet be cut into pieces.

    `reduce` lacks plan and source. `some` does what is left where not all elements count (`pool.missing.pooled`);
    `settles` says that it is needed even if all do.
    """

    plan: Plan
    source: Source
    reduce: partial[Prepared]
    some: partial[Any] | None = None
    settles: bool = False

    def prepared(self) -> Prepared:
        """Return what is called on arrays."""
        return self.reduce(self.plan, self.source)


def dense_source(shape: Axes, dtype: Any, axes: Axes) -> Source:
    """Return what a call for an array in C order is prepared for; there need be none yet."""
    return Source(shape, layouts.dense_strides(shape, tuple(range(len(shape))), dtype.itemsize), dtype, axes, None)


def source(x: Any, axis: Any, ndim: int, out: Any, name: str = "x") -> Source:
    """Return what a call of `ndim` pooled axes is prepared for; `x` is an array or its outline, `out` as described."""
    return Source(x.shape, x.strides, x.dtype, checks.pooled_axes(axis, ndim, x.ndim, name), out)


def prepare(
    source: Source,
    plan: Plan,
    result: Any,
    make: Callable[[layouts.View, layouts.View, Axes], Callable[..., None]],
    several: int | None = None,
    index_dtype: Any = None,
) -> Prepared:
    """Lay out input and output, of dtype `result`; `make` gets their views and memory order.

    An output of `several` results has them along a first axis. With an `index_dtype` there are indices besides.
    """
    order = layouts.memory_order(source.shape, source.strides)
    shape = with_sizes(source.shape, source.axes, plan.out_shape)
    if several is not None:
        shape, order = (several, *shape), (0, *(a + 1 for a in order))
    x = engine.view_of(source)
    y = output_view(source.out, shape, order, result)
    bits = "bfloat16" in (source.dtype.name, result.name)
    return Prepared(make(x, y, order), shape, order, result, bits, index_dtype)


def computed_in(table: dict[str, str], dtype: Any, name: str = "x") -> str:
    """Return what `dtype` is computed in by `table`."""
    if dtype.name not in table:
        raise TypeError(f"{name} must have one of the dtypes {', '.join(table)}, got {dtype}")
    return table[dtype.name]


def averaged(source: Any, dtype: Any) -> Any:
    """Return the dtype of averages of `source`: `dtype`, or the natural one if None."""
    computed_in(engine.SUMS, source)
    natural = source if source.kind not in "biu" else np.dtype(np.float64)
    result = natural if dtype is None else checks.dtype("dtype", dtype)
    accepted = [name for name in engine.SUMS if "float" in name or (source.kind in "biu" and name != "bool")]
    if result.name not in accepted:
        raise TypeError(f"dtype must be one of {', '.join(accepted)} for x of {source}, got {result}")
    return result


def enough(plan: Plan, source: Source, result: Any, name: str, value: float, least: float) -> None:
    """Refuse windows of fewer than `least` elements, as an argument asks for, where the result has no NaN for them.

    Where a mask says what counts, that is seen with the mask.
    """
    empty = 0 in source.shape or 0 in plan.out_shape
    if result.kind in "iu" and source.where is None and not empty and plan.fewest < least:
        raise ValueError(f"{name}={value:g} is too much for a window of {plan.fewest:g} elements: {result} has no NaN")


def floating(dtype: Any) -> None:
    """Refuse integers and bool."""
    if dtype.kind in "biu":
        raise TypeError(f"x must be floating point, got {dtype}")


def settled(y: Array) -> Array:
    """Return the floats `y` with the one zero and the one NaN that kernels store, so that their bits are defined."""
    y[y == 0] = 0
    y[y != y] = np.nan
    return y


def differentiable(dtype: Any, name: str = "grad_output") -> None:
    """Refuse what has no derivative."""
    computed_in({type: sum for type, sum in engine.SUMS.items() if "float" in type}, dtype, name)


def sizes(shape: Axes, axes: Axes) -> Axes:
    """Return the lengths of `axes`."""
    return tuple(shape[a] for a in axes)


def with_sizes(shape: Axes, axes: Axes, lengths: Axes) -> Axes:
    """Return `shape` with the lengths of `axes` replaced."""
    result = list(shape)
    for axis, length in zip(axes, lengths, strict=True):
        result[axis] = length
    return tuple(result)


def described(out: Any) -> Any:
    """Return shape, strides and dtype of `out`, checked."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    if not out.flags.aligned:
        raise ValueError("out is not aligned in memory")
    if layouts.overlaps_itself(out.shape, out.strides, out.itemsize):
        raise ValueError(f"out must have room for each element, got shape {out.shape} with strides {out.strides}")
    return out.shape, out.strides, out.dtype


def output_view(out: Any, shape: Axes, order: Axes, dtype: Any) -> layouts.View:
    """Return the view of the output: the checked `out`, or a new array in `order`."""
    if out is None:
        strides = layouts.dense_strides(shape, order, dtype.itemsize)
    else:
        out_shape, strides, out_dtype = out
        if out_dtype != dtype or not out_dtype.isnative:
            raise TypeError(f"out must have dtype {dtype}, got {out_dtype}")
        if out_shape != shape:
            raise ValueError(f"out must have shape {shape}, got {out_shape}")
    return layouts.View(shape, strides, dtype.itemsize, engine.stored(dtype))


def prepare_gradient(
    source: Source, shape: Axes, make: Callable[[layouts.View, layouts.View], Callable[..., None]]
) -> Prepared:
    """Lay out a backward pass from the gradient that `source` describes to one of `shape`, the input's."""
    order = layouts.memory_order(source.shape, source.strides)
    gy = engine.view_of(source)
    gx = output_view(source.out, shape, order, source.dtype)
    return Prepared(make(gx, gy), shape, order, source.dtype, source.dtype.name == "bfloat16", back=True)


def index_array(name: str, value: Any) -> Array:
    """Return `value` as an int32 or int64 array with the same values."""
    indices = checks.array(name, value)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got dtype {indices.dtype}")
    if indices.dtype.kind == "i" and indices.itemsize >= 4:
        return indices
    if indices.dtype == np.uint64 and indices.size and indices.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must lie in the plane; got {indices.max()}")
    return indices.astype(np.int64)


def input_shape(shape: Any, source: Source) -> Axes:
    """Return the checked `input_shape` of a backward pass."""
    checked = checks.shape("input_shape", shape)
    if len(checked) != len(source.shape):
        raise ValueError(f"input_shape={checked} must have as many axes as grad_output, whose shape is {source.shape}")
    if with_sizes(checked, source.axes, source.sizes) != source.shape:
        raise ValueError(
            f"input_shape={checked} and grad_output of shape {source.shape} must agree on every axis that is not pooled"
        )
    return checked


def same_shape(name: str, array: Any, of: str, shape: Axes) -> None:
    """Refuse an array of another shape."""
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape of {of} {shape}, got {array.shape}")
