"""What the docstrings of many functions share: one text for each parameter."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

PARAMETERS = {
    "x": """x : array_like of float, integer or bool
        At least {axes}. The others are carried along: batch, channels, any number of them. Any strides. Subclasses
        other than masked arrays are taken for plain arrays.""",
    "floats": """x : array_like of float
        At least {axes}. The others are carried along: batch, channels, any number of them. Any strides.""",
    "kernel_size": """kernel_size : int or {ints}
        One length per pooled axis; an int, or a sequence of one, stands for all. So with `stride`, `dilation` and
        integer `padding`.""",
    "stride": """stride : int or {ints}, optional
        Distance of windows; the kernel size if None or an empty sequence.""",
    "padding": """padding : int, {ints}, {pairs}, "valid", "same" or "same_lower"
        Implicit border that never wins. Any amount, as long as every window touches the input.""",
    "uncounted_padding": """padding : int, {ints}, {pairs}, "valid", "same" or "same_lower"
        Implicit border that does not count. Any amount, as long as every window touches the input.""",
    "averaged_dtype": """dtype : dtype, optional
        Of the result, instead of `x`'s or float64. Integers, for integers and bool alone, are rounded half to even
        and kept in range.""",
    "dilation": """dilation : int or {ints}
        Distance of the taps within a window.""",
    "ceil_mode": """ceil_mode : bool
        Round the output length up; the last window must start inside the input or its leading padding.""",
    "output_size": """output_size : int, None or {d} of them
        Length of each output axis; None keeps the input's.""",
    "axis": """axis : int or {ints}, optional
        The pooled axes, the {last_axes} if None.""",
    "out": """out : ndarray, optional
        Written in place and returned (of a masked `x`, as the data of a masked array); shape and dtype of the result,
        of the values if there are indices too; not overlapping `x`.""",
    "nan_policy": """nan_policy : "propagate", "omit" or "raise"
        Whether NaN makes its window's result NaN, is passed over (a window of nothing but NaN gives NaN), or is a
        ValueError.""",
    "min_count": """min_count : int
        Windows in which fewer elements count give NaN; a ValueError where the result's dtype has none.""",
    "where": """where : array_like of bool, optional
        Which elements count, broadcast against `x`.""",
    "initial": """initial : number, optional
        Counts as one more element of every window, and is the result of windows in which too few count. Without it
        these give NaN; integers, which have none, need it then.""",
    "grad_output": """grad_output : array_like of float
        Gradient of the output.""",
    "input_shape": """input_shape : sequence of int
        Shape of the forward pass's `x`.""",
    "out_gradient": """out : ndarray, optional
        Written in place and returned.""",
}


@cache
def _shared(ndim: int) -> dict[str, Any]:
    if ndim == 1:
        words = {"axes": "1 axis", "last_axes": "last axis", "ints": "a sequence of one"}
        words["pairs"] = "one (before, after) pair"
    else:
        words = {"axes": f"{ndim} axes", "last_axes": f"last {ndim} axes", "ints": f"{ndim} ints"}
        words["pairs"] = f"{ndim} (before, after) pairs"
    words |= {"d": str(ndim), "size": str(4**ndim)}
    words |= {"ones": cube(ndim, 1), "twos": cube(ndim, 2), "cube": cube(ndim, 4)}
    return words | {key: value.format(**words) for key, value in PARAMETERS.items()}


def public(function: Function) -> Function:
    """Mark a function as one of cpool's, wherever it is written."""
    function.__module__ = "cpool"
    return function


def documented(function: Function, name: str, ndim: int, text: str, **more: Any) -> Function:
    """Name a function of one dimensionality, and fill `text` with the shared texts and those of this function."""
    function.__name__ = function.__qualname__ = name
    function.__annotations__ = {}  # of what takes anything, help() need not say so for each argument
    function.__doc__ = text.format(name=name, **{**_shared(ndim), **more})
    return public(function)


def three(module: str, text: str, name: str, make: Callable[..., Any], *arguments: Any) -> list[Callable[..., Any]]:
    """Return the functions of one name for 1, 2 and 3 axes, which do elsewhere what cpool's do on arrays."""
    functions = []
    for ndim in (1, 2, 3):
        function = documented(make(*arguments, ndim), f"{name}{ndim}d", ndim, text)
        function.__module__ = module
        functions.append(function)
    return functions


def cube(ndim: int, side: int) -> str:
    """Return the shape of a cube as it is typed.

    >>> cube(2, 4)
    '(4, 4)'
    """
    return repr((side,) * ndim)


@cache
def halved_cube(ndim: int, reduction: Callable[..., Any]) -> str:
    """Return how the result prints of pooling 0, 1, 2, ... in a cube of side 4 by 2.

    >>> halved_cube(1, np.max)
    'array([1., 3.])'
    """
    grid = np.arange(4.0**ndim).reshape((2, 2) * ndim)
    return repr(reduction(grid, axis=tuple(range(1, 2 * ndim, 2))).ravel())
