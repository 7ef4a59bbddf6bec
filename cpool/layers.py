"""Layers: hold their parameters, remember what backward needs, while they are in training mode.

The gradient of a maximum goes to where the winner stood when the input was pooled. To find that costs more than the
maximum alone, and it cannot be found later: by then the input may have been overwritten, and NumPy does not tell. So a
layer is told beforehand, as torch's modules are, whether a backward pass will come: `train()`, as it begins, or
`eval()`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from . import functional as F
from .core import checks

Array = np.ndarray[Any, Any]


class _Layer:
    """A pooling function with its parameters. Subclasses name the parameters that are shown by repr."""

    _parameters: ClassVar[tuple[str, ...]]
    ndim: ClassVar[int]
    training: bool = True
    _memory: Any = None

    def train(self, mode: bool = True) -> Self:
        """Enter training mode, in which calls remember what `backward` needs; or leave it, with mode=False.

        Returns
        -------
        layer
            The layer itself.

        Raises
        ------
        TypeError
            If `mode` is neither True nor False.
        """
        self.training = checks.flag("mode", mode)
        return self

    def eval(self) -> Self:
        """Leave training mode: calls cost what the function costs, and remember nothing.

        Returns
        -------
        layer
            The layer itself.
        """
        return self.train(False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{p}={getattr(self, p)!r}' for p in self._parameters)})"

    def _remember(self, memory: Any) -> None:
        self._memory = memory if self.training else None

    def _remembered(self) -> Any:
        if self._memory is None:
            raise RuntimeError(
                f"{type(self).__name__}.backward was called before forward in training mode: "
                "call the layer on x first, after train() if eval() was called"
            )
        return self._memory

    def _function(self, pattern: str) -> Any:
        return getattr(F, pattern.format(self.ndim))


class _Picking(_Layer):
    """A layer whose backward pass needs the indices of the elements that won."""

    def _pool(self, x: Array, return_indices: bool) -> Any:
        raise NotImplementedError

    def __call__(self, x: Any) -> Array:
        """Pool `x`; in training mode, remember where the winners stood."""
        x = np.asanyarray(x)
        result = self._pool(x, return_indices=self.training)
        pair: tuple[Array, Array | None] = result if self.training else (result, None)
        y, indices = pair
        self._remember((indices, x.shape))
        return y

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before, or not in training mode.
        """
        indices, shape = self._remembered()
        result: Array = self._function("max_pool{}d_backward")(grad_output, indices, shape)
        return result


class _MaxPool(_Picking):
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

    Where no backward pass follows, maxima alone are computed, at the function's cost:

    >>> layer.eval()(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """

    _name = "max_pool{}d"
    _parameters = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode

    def _pool(self, x: Array, return_indices: bool) -> Any:
        return self._function(self._name)(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, return_indices
        )


class _MinPool(_MaxPool):
    """Min pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.MinPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 0.,  2.],
             [ 8., 10.]]]])
    """

    _name = "min_pool{}d"


class _AdaptiveMaxPool(_Picking):
    """Adaptive max pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    output_size
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> layer = cpool.AdaptiveMaxPool2d((1, None))
    >>> layer
    AdaptiveMaxPool2d(output_size=(1, None))
    >>> layer(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[12., 13., 14., 15.]]]])
    """

    _parameters = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def _pool(self, x: Array, return_indices: bool) -> Any:
        return self._function("adaptive_max_pool{}d")(x, self.output_size, return_indices)


class _FractionalMaxPool(_Picking):
    """Fractional max pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, output_size, output_ratio
        As in the function of the same name.
    rng : numpy.random.Generator or int, optional
        Draws the windows, anew at each call.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> layer = cpool.FractionalMaxPool2d(2, output_ratio=0.6, rng=0)
    >>> layer(np.zeros((1, 3, 10, 10))).shape
    (1, 3, 6, 6)
    """

    _parameters = ("kernel_size", "output_size", "output_ratio")

    def __init__(self, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, rng: Any = None) -> None:
        self.kernel_size = kernel_size
        self.output_size = output_size
        self.output_ratio = output_ratio
        self.rng = np.random.default_rng(rng)

    def _pool(self, x: Array, return_indices: bool) -> Any:
        return self._function("fractional_max_pool{}d")(
            x, self.kernel_size, self.output_size, self.output_ratio, return_indices, rng=self.rng
        )


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
        """Pool `x`; in training mode, remember its shape."""
        x = np.asanyarray(x)
        result: Array = self._function("avg_pool{}d")(x, *self._arguments())
        self._remember(x.shape)
        return result

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before, or not in training mode.
        """
        result: Array = self._function("avg_pool{}d_backward")(grad_output, self._remembered(), *self._arguments())
        return result


class _AdaptiveAvgPool(_Layer):
    """Adaptive average pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    output_size
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.AdaptiveAvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """

    _parameters = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def __call__(self, x: Any) -> Array:
        """Pool `x`; in training mode, remember its shape."""
        x = np.asanyarray(x)
        result: Array = self._function("adaptive_avg_pool{}d")(x, self.output_size)
        self._remember(x.shape)
        return result

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before, or not in training mode.
        """
        result: Array = self._function("adaptive_avg_pool{}d_backward")(grad_output, self._remembered())
        return result


class _LpPool(_Layer):
    """Lp pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    norm_type, kernel_size, stride, ceil_mode
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> layer = cpool.LpPool2d(2, kernel_size=2)
    >>> layer(np.full((1, 1, 2, 2), 3.0))
    array([[[[6.]]]])
    >>> layer.backward(np.ones((1, 1, 1, 1)))[0, 0, 0]
    array([0.5, 0.5])
    """

    _parameters = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.ceil_mode = ceil_mode

    def _arguments(self) -> tuple[Any, ...]:
        return tuple(getattr(self, p) for p in self._parameters)

    def __call__(self, x: Any) -> Array:
        """Pool `x`; in training mode, remember it and the result (no copies: keep both until `backward`)."""
        x = np.asanyarray(x)
        result: Array = self._function("lp_pool{}d")(x, *self._arguments())
        self._remember((x, result))
        return result

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before, or not in training mode.
        """
        result: Array = self._function("lp_pool{}d_backward")(grad_output, *self._remembered(), *self._arguments())
        return result


class _MaxUnpool(_Layer):
    """Unpooling layer: call it on an array and its indices, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, stride, padding
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> y, indices = cpool.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2, return_indices=True)
    >>> cpool.MaxUnpool2d(2)(y, indices)[0, 0, 3]
    array([ 0., 13.,  0., 15.])
    """

    _parameters = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def __call__(self, x: Any, indices: Any, output_size: Any = None) -> Array:
        """Put `x` back to `indices`; in training mode, remember those (no copy: keep them until `backward`)."""
        result: Array = self._function("max_unpool{}d")(
            x, indices, self.kernel_size, self.stride, self.padding, output_size
        )
        self._remember(np.asanyarray(indices))
        return result

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before, or not in training mode.
        """
        result: Array = self._function("max_unpool{}d_backward")(grad_output, self._remembered())
        return result


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    __doc__ = _AdaptiveAvgPool.__doc__
    ndim = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    __doc__ = _AdaptiveAvgPool.__doc__
    ndim = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    __doc__ = _AdaptiveAvgPool.__doc__
    ndim = 3


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    __doc__ = _AdaptiveMaxPool.__doc__
    ndim = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    __doc__ = _AdaptiveMaxPool.__doc__
    ndim = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    __doc__ = _AdaptiveMaxPool.__doc__
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


class LpPool1d(_LpPool):
    __doc__ = _LpPool.__doc__
    ndim = 1


class LpPool2d(_LpPool):
    __doc__ = _LpPool.__doc__
    ndim = 2


class LpPool3d(_LpPool):
    __doc__ = _LpPool.__doc__
    ndim = 3


class MaxPool1d(_MaxPool):
    __doc__ = _MaxPool.__doc__
    ndim = 1


class MaxPool2d(_MaxPool):
    __doc__ = _MaxPool.__doc__
    ndim = 2


class MaxPool3d(_MaxPool):
    __doc__ = _MaxPool.__doc__
    ndim = 3


class MaxUnpool1d(_MaxUnpool):
    __doc__ = _MaxUnpool.__doc__
    ndim = 1


class MaxUnpool2d(_MaxUnpool):
    __doc__ = _MaxUnpool.__doc__
    ndim = 2


class MaxUnpool3d(_MaxUnpool):
    __doc__ = _MaxUnpool.__doc__
    ndim = 3


class MinPool1d(_MinPool):
    __doc__ = _MinPool.__doc__
    ndim = 1


class MinPool2d(_MinPool):
    __doc__ = _MinPool.__doc__
    ndim = 2


class MinPool3d(_MinPool):
    __doc__ = _MinPool.__doc__
    ndim = 3


class FractionalMaxPool2d(_FractionalMaxPool):
    __doc__ = _FractionalMaxPool.__doc__
    ndim = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    __doc__ = _FractionalMaxPool.__doc__
    ndim = 3


__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LpPool1d",
    "LpPool2d",
    "LpPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "MinPool1d",
    "MinPool2d",
    "MinPool3d",
]
