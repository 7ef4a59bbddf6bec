"""Global pooling, and the textbook's function: shortcuts for max and average."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import checks
from ..core.docstrings import documented, public
from ..core.public import Function
from .adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from .averages import avg_pool2d
from .extremes import max_pool2d

Array = np.ndarray[Any, Any]

_GLOBAL = """{Summary} over whole planes.

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
        As `{op}_pool2d`.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.{name}(np.arange(8.0).reshape(1, 2, 2, 2), keepdims=False)
    array([[{answer}]])
    """


def _global_pool(op: str, pools: tuple[Function, ...], **words: str) -> Function:
    """Return the pooling of whole planes: adaptive pooling, of 1, 2 or 3 axes, to one output."""

    def pool(x: Any, axis: Any = (-2, -1), keepdims: bool = True) -> Array:
        x = checks.array("x", x)
        given = tuple(axis) if checks.sequence(axis) else (axis,)
        if not 1 <= len(given) <= 3:
            raise ValueError(f"axis must name one to three axes, got {axis!r}")
        axes = checks.pooled_axes(given, len(given), x.ndim)
        y: Array = pools[len(axes) - 1](x, 1, axis=axes)
        return y if checks.flag("keepdims", keepdims) else np.squeeze(y, axes)

    function = documented(pool, f"global_{op}_pool", 2, _GLOBAL, op=op, **words)
    function.__annotations__ = {"keepdims": bool}
    return function


global_max_pool = _global_pool(
    "max", (adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d), Summary="Maximum", answer="3., 7."
)
global_avg_pool = _global_pool(
    "avg", (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d), Summary="Average", answer="1.5, 5.5"
)


@public
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
    array = checks.array("x", x)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if not isinstance(mode, str) or mode not in ("max", "avg"):
        raise ValueError(f"mode must be 'max' or 'avg', got {mode!r}")
    result: Array = (max_pool2d if mode == "max" else avg_pool2d)(array, pool_size, 1)
    return result
