"""Global pooling, and the textbook's function: shortcuts for max and average."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import checks
from ..core.docstrings import public
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

_MAX = {1: adaptive_max_pool1d, 2: adaptive_max_pool2d, 3: adaptive_max_pool3d}
_AVG = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def _global_pool(pools: Any, x: Any, axis: Any, keepdims: bool) -> Array:
    """Pool whole planes: adaptive pooling to one output."""
    x = checks.array("x", x)
    given = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if not 1 <= len(given) <= 3:
        raise ValueError(f"axis must name one to three axes, got {axis!r}")
    axes = checks.pooled_axes(given, len(given), x.ndim)
    y: Array = pools[len(axes)](x, 1, axis=axes)
    return y if checks.flag("keepdims", keepdims) else np.squeeze(y, axes)


@public
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
    return _global_pool(_MAX, x, axis, keepdims)


@public
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
    return _global_pool(_AVG, x, axis, keepdims)


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
    if mode not in ("max", "avg"):
        raise ValueError(f"mode must be 'max' or 'avg', got {mode!r}")
    result: Array = (max_pool2d if mode == "max" else avg_pool2d)(array, pool_size, 1)
    return result
