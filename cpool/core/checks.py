"""Checks of what users type. Each error names the argument, its value and what is accepted."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

#: Largest kernel, stride, padding or dilation. With axes below 2**63 no window position can then overflow int64.
LARGEST = 2**31 - 1


def integer(name: str, value: Any, lowest: int, highest: int = LARGEST) -> int:
    """Return `value` as an int in [lowest, highest]; bool, float and str are refused."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}") from None
    if not lowest <= number <= highest:
        raise ValueError(f"{name} must be between {lowest} and {highest}, got {number}")
    return number


def sequence(value: Any) -> bool:
    """Return whether `value` is a sequence of values: a tuple, a list, or an array that has an axis."""
    return isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def ints(name: str, value: Any, count: int, lowest: int) -> tuple[int, ...]:
    """Return `value`, an int or a sequence of `count` ints, as a tuple of `count` ints >= lowest."""
    if sequence(value):
        if len(value) != count:
            raise ValueError(f"{name} must be an int or {count} ints, got {value!r}")
        return tuple(integer(f"{name}[{i}]", v, lowest) for i, v in enumerate(value))
    return (integer(name, value, lowest),) * count


def per_axis(name: str, value: Any, ndim: int, lowest: int) -> tuple[int, ...]:
    """Return the same, one for each pooled axis; as in torch, a sequence of one stands for all."""
    return ints(name, value[0] if sequence(value) and len(value) == 1 else value, ndim, lowest)


def strides(value: Any, kernel: tuple[int, ...]) -> tuple[int, ...]:
    """Return the stride of each axis: the kernel, if `value` is None or, as torch has it, an empty sequence."""
    if value is None or (sequence(value) and len(value) == 0):
        return kernel
    return per_axis("stride", value, len(kernel), 1)


def _float(name: str, value: Any) -> float:
    if isinstance(value, (bool, np.bool_, str)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be a number that a float holds, got {value!r}") from None


def number(name: str, value: Any, lowest: float) -> float:
    """Return `value` as a finite float >= lowest."""
    result = _float(name, value)
    if not lowest <= result < np.inf:
        raise ValueError(f"{name} must be a number of at least {lowest}, got {value!r}")
    return result


def nonzero_number(name: str, value: Any) -> float:
    """Return `value` as a float other than 0 and NaN."""
    number = _float(name, value)
    if number == 0 or number != number:
        raise ValueError(f"{name} must not be 0 or NaN, got {value!r}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool; only bool and np.bool_ are accepted."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def shape(name: str, value: Any) -> tuple[int, ...]:
    """Return `value` as a tuple of non-negative ints whose product fits int64."""
    if isinstance(value, (str, bytes)) or not (isinstance(value, Sequence) or sequence(value)):
        raise TypeError(f"{name} must be a sequence of ints, got {value!r}")
    lengths = tuple(integer(f"{name}[{i}]", v, 0, 2**63 - 1) for i, v in enumerate(value))
    product = 1
    for length in lengths:
        product *= max(length, 1)
    if product > (2**63 - 1) // 8:
        raise ValueError(f"{name}={lengths} has more elements than an array can hold")
    return lengths


def _axes(n: int) -> str:
    return "1 axis" if n == 1 else f"{n} axes"


def pooled_axes(axis: Any, ndim_pooled: int, ndim: int, name: str = "x") -> tuple[int, ...]:
    """Return the pooled axes as non-negative ints, in the order given; the last ones when `axis` is None."""
    if ndim < ndim_pooled:
        raise ValueError(f"{name} must have at least {_axes(ndim_pooled)}, got {ndim}")
    if axis is None:
        return tuple(range(ndim - ndim_pooled, ndim))
    given = tuple(axis) if sequence(axis) else (axis,)
    if len(given) != ndim_pooled:
        raise ValueError(f"axis must name {_axes(ndim_pooled)}, got {axis!r}")
    axes = tuple(integer("axis", a, -ndim, ndim - 1) % ndim for a in given)
    if len(set(axes)) != ndim_pooled:
        raise ValueError(f"axis names an axis twice: {axis!r}")
    return axes


def dtype(name: str, value: Any) -> Any:
    """Return `value` as a dtype, in native byte order: that of results."""
    try:
        return np.dtype(value).newbyteorder("=")
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a dtype, got {value!r}") from None


def optional_dtype(name: str, value: Any) -> Any:
    """Return `value` as a dtype, but None as it is."""
    return None if value is None else dtype(name, value)


def generator(name: str, value: Any) -> np.random.Generator:
    """Return `value`, a generator of random numbers or what one is seeded with, as such a generator."""
    try:
        return np.random.default_rng(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a numpy.random.Generator or a seed for one, got {value!r}") from None


def _has_masks(value: Any) -> bool:
    """Return whether `value` is a masked array, or a list or tuple that holds one, however deep."""
    if isinstance(value, (list, tuple)):
        return any(_has_masks(v) for v in value if isinstance(v, (list, tuple, np.ma.MaskedArray)))
    return isinstance(value, np.ma.MaskedArray)


def array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return `value` as a plain aligned ndarray in native byte order, not copied where it already is one."""
    if type(value) is np.ndarray and value.dtype.isnative and value.flags.aligned:
        return value
    if _has_masks(value):
        raise TypeError(f"{name} is a masked array, whose mask would be lost; fill it first, e.g. {name}.filled(0)")
    try:
        result = np.asarray(value)
    except ValueError as error:  # of lists that differ in length
        raise ValueError(f"{name} must be an array: {error}") from None
    except RuntimeError as error:  # of torch's tensors that are differentiated
        raise TypeError(f"{name} must be an array: {error}") from None
    if result.ndim == 0 and result.dtype.kind in "OSU":
        raise TypeError(f"{name} must be an array, got {type(value).__name__}")
    if not result.dtype.isnative:
        result = result.astype(result.dtype.newbyteorder("="))
    return np.require(result, requirements="A")
