"""Layers: hold their parameters, remember what backward needs."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from . import functional as F

Array = np.ndarray[Any, Any]


class _Layer:
    """A pooling function with its parameters. Subclasses name the parameters that are shown by repr."""

    _parameters: ClassVar[tuple[str, ...]]
    ndim: ClassVar[int]
    _memory: Any = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{p}={getattr(self, p)!r}' for p in self._parameters)})"

    def _remembered(self) -> Any:
        if self._memory is None:
            raise RuntimeError(f"{type(self).__name__}.backward was called before forward: call the layer on x first")
        return self._memory

    def _function(self, pattern: str) -> Any:
        return getattr(F, pattern.format(self.ndim))


class _MaxPool(_Layer):
    """Max pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> layer = cpool.MaxPool2d(3, stride=2, padding=1)
    >>> layer
    MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)
    >>> layer(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    >>> layer.backward(np.ones((1, 1, 2, 2))).sum()
    np.float64(4.0)
    """

    _parameters = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode

    def __call__(self, x: Any) -> Array:
        """Pool `x` and remember where the maxima stood."""
        x = np.asanyarray(x)
        y, indices = self._function("max_pool{}d")(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, return_indices=True
        )
        self._memory = indices, x.shape
        result: Array = y
        return result

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before.
        """
        indices, shape = self._remembered()
        result: Array = self._function("max_pool{}d_backward")(grad_output, indices, shape)
        return result


class _AvgPool(_Layer):
    """Average pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> layer = cpool.AvgPool2d(2)
    >>> layer(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    >>> layer.backward(np.ones((1, 1, 2, 2)))[0, 0, 0]
    array([0.25, 0.25, 0.25, 0.25])
    """

    _parameters = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def _arguments(self) -> tuple[Any, ...]:
        return tuple(getattr(self, p) for p in self._parameters)

    def __call__(self, x: Any) -> Array:
        """Pool `x` and remember its shape."""
        x = np.asanyarray(x)
        result: Array = self._function("avg_pool{}d")(x, *self._arguments())
        self._memory = x.shape
        return result

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before.
        """
        result: Array = self._function("avg_pool{}d_backward")(grad_output, self._remembered(), *self._arguments())
        return result


class MaxPool1d(_MaxPool):
    __doc__ = _MaxPool.__doc__
    ndim = 1


class MaxPool2d(_MaxPool):
    __doc__ = _MaxPool.__doc__
    ndim = 2


class MaxPool3d(_MaxPool):
    __doc__ = _MaxPool.__doc__
    ndim = 3


class AvgPool1d(_AvgPool):
    __doc__ = _AvgPool.__doc__
    ndim = 1


class AvgPool2d(_AvgPool):
    __doc__ = _AvgPool.__doc__
    ndim = 2


class AvgPool3d(_AvgPool):
    __doc__ = _AvgPool.__doc__
    ndim = 3
