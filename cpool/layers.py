"""Layers: hold their parameters, remember what backward needs, while they are in training mode.

The gradient of a maximum goes to where the winner stood when the input was pooled. To find that costs more than the
maximum alone, and it cannot be found later: by then the input may have been overwritten, and NumPy does not tell. So a
layer is told beforehand, as torch's modules are, whether a backward pass will come: `train()`, as it begins, or
`eval()`.

A layer's parameters are those of its function that may be given by position, but for arrays, in the order of torch's
modules; and by name those that its gradient has too, as `axis`. What type checkers read is beside this file;
`tests/stubs.py` writes it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from . import functional as F
from .core import checks
from .core.public import maskable

Array = np.ndarray[Any, Any]


class _Layer:
    """A pooling function with its parameters, and its gradient."""

    _name: ClassVar[str]
    #: The function whose gradient it has, if another; what is given at each call; what is drawn from, and not shown.
    _gradient_of: ClassVar[str | None] = None
    _at_call: ClassVar[tuple[str, ...]] = ("x", "indices")
    _drawn: ClassVar[tuple[str, ...]] = ()

    # What follows from the functions' signatures; the last, arguments of the gradient that are known at a call.
    _function: ClassVar[Callable[..., Any]]
    _gradient: ClassVar[Callable[..., Any]]
    _parameters: ClassVar[tuple[str, ...]]
    _defaults: ClassVar[dict[str, Any]]  # of those that are shown where they are something else
    _of_gradient: ClassVar[tuple[str, ...]]
    _remembers: ClassVar[tuple[str, ...]]
    training: bool = True
    _memory: dict[str, Any] | None = None

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

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and pickles hold: all but what is remembered."""
        return {name: value for name, value in vars(self).items() if name != "_memory"}

    def __repr__(self) -> str:
        held = self._arguments(self._parameters)
        usual = {p: repr(v) for p, v in self._defaults.items()}
        shown = [f"{p}={v!r}" for p, v in held.items() if repr(v) != usual.get(p)]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _arguments(self, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names}

    def _remember(self, **known: Any) -> None:
        self._memory = {name: known[name] for name in self._remembers} if self.training else None

    def __call__(self, x: Any) -> Any:
        """Pool `x`; in training mode, remember what its gradient is computed from (arrays without a copy).

        Returns
        -------
        ndarray, or (ndarray, ndarray) if `return_indices`
            As the function.

        Raises
        ------
        TypeError
            In training mode if `x` is a masked array, of which there is no gradient. Else as the function.
        ValueError
            As the function.
        """
        x = maskable("x", x)
        if self.training and isinstance(x, np.ma.MaskedArray):
            raise TypeError("x is a masked array, of which there is no gradient: call eval() first, or fill x")
        more = self._arguments(self._parameters + self._drawn)
        wanted = checks.flag("return_indices", more.pop("return_indices", False))
        picks = wanted or (self.training and "indices" in self._remembers)
        result = self._function(x, **more, return_indices=True) if picks else self._function(x, **more)
        y, indices = result if picks else (result, None)
        self._remember(x=x, output=y, input_shape=x.shape, indices=indices)
        return result if wanted else y

    def backward(self, grad_output: Any) -> Array:
        """Return the gradient of the last input.

        Raises
        ------
        RuntimeError
            If the layer was not called before, or not in training mode.
        """
        if self._memory is None:
            raise RuntimeError(
                f"{type(self).__name__}.backward was called before forward in training mode: "
                "call the layer on x first, after train() if eval() was called"
            )
        result: Array = self._gradient(grad_output, **self._memory, **self._arguments(self._of_gradient))
        return result


def _layers(base: type[_Layer], ndims: tuple[int, ...] = (1, 2, 3)) -> list[Any]:
    """Return the layers of one kind for each number of axes."""
    return [_layer(base, f"{base.__name__[1:]}{d}d", d) for d in ndims]


def _layer(base: type[_Layer], layer: str, ndim: int) -> Any:
    function = getattr(F, f"{base._name}{ndim}d")
    gradient = getattr(F, f"{base._gradient_of or base._name}{ndim}d_backward")
    taken, known = (inspect.signature(f).parameters for f in (function, gradient))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    held = [p for p in taken.values() if p.kind is kind and p.name not in base._at_call]
    if "return_indices" in taken and "ceil_mode" in taken:  # the last but one in torch's modules, last in its functions
        held.insert(-1, held.pop())
    named = [p for p in taken.values() if p.kind is p.KEYWORD_ONLY and p.name in known and p.name != "out"]
    parameters = tuple(p.name for p in (*held, *named))
    signature = inspect.Signature([*held, *(taken[name].replace(kind=kind) for name in base._drawn), *named])

    def __init__(self: _Layer, *args: Any, **kwargs: Any) -> None:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{layer}(): {error}") from None
        given.apply_defaults()
        values = given.arguments
        if "stride" in values and values["stride"] is None:
            values["stride"] = values["kernel_size"]
        vars(self).update(values, **{name: checks.generator(name, values[name]) for name in base._drawn})

    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    __init__.__signature__ = inspect.Signature([itself, *signature.parameters.values()])  # type: ignore[attr-defined]
    required = [p.name for p in known.values() if p.default is p.empty and p.name != "grad_output"]
    attributes = {
        "__doc__": base.__doc__,
        "__module__": __name__,
        "__init__": __init__,
        "_function": staticmethod(function),
        "_gradient": staticmethod(gradient),
        "_parameters": parameters,
        "_defaults": {p.name: p.default for p in (*held, *named) if p in named or p.name == "return_indices"},
        "_of_gradient": tuple(name for name in parameters if name in known),
        "_remembers": tuple(name for name in required if name not in parameters),
    }
    return type(layer, (base,), attributes)


class _MaxPool(_Layer):
    """Max pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode, axis
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

    Of pictures whose channels come last, with the places of the maxima for `MaxUnpool2d`:

    >>> y, indices = cpool.MaxPool2d(2, return_indices=True, axis=(1, 2))(np.arange(48.0).reshape(1, 4, 4, 3))
    >>> indices[0, :, :, 0]
    array([[ 5,  7],
           [13, 15]])
    """

    _name = "max_pool"


class _MinPool(_Layer):
    """Min pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, return_indices, ceil_mode, axis
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.MinPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 0.,  2.],
             [ 8., 10.]]]])
    """

    _name = "min_pool"
    _gradient_of = "max_pool"


class _AdaptiveMaxPool(_Layer):
    """Adaptive max pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    output_size, return_indices, axis
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

    _name = "adaptive_max_pool"
    _gradient_of = "max_pool"


class _FractionalMaxPool(_Layer):
    """Fractional max pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, output_size, output_ratio, return_indices
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

    _name = "fractional_max_pool"
    _gradient_of = "max_pool"
    _drawn = ("rng",)


class _AvgPool(_Layer):
    """Average pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, dilation, axis
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

    _name = "avg_pool"


class _AdaptiveAvgPool(_Layer):
    """Adaptive average pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    output_size, axis
        As in the function of the same name.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> cpool.AdaptiveAvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """

    _name = "adaptive_avg_pool"


class _LpPool(_Layer):
    """Lp pooling layer: call it on an array, then `backward` on the output's gradient.

    Parameters
    ----------
    norm_type, kernel_size, stride, ceil_mode, padding, dilation, axis
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

    _name = "lp_pool"


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

    _name = "max_unpool"
    _at_call = ("x", "indices", "output_size")

    def __call__(self, x: Any, indices: Any, output_size: Any = None) -> Array:  # type: ignore[override]
        """Put `x` back to `indices`; in training mode, remember those (no copy: keep them until `backward`)."""
        y: Array = self._function(x, indices, **self._arguments(self._parameters), output_size=output_size)
        self._remember(indices=np.asanyarray(indices))
        return y


MaxPool1d, MaxPool2d, MaxPool3d = _layers(_MaxPool)
MinPool1d, MinPool2d, MinPool3d = _layers(_MinPool)
AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d = _layers(_AdaptiveMaxPool)
FractionalMaxPool2d, FractionalMaxPool3d = _layers(_FractionalMaxPool, (2, 3))
AvgPool1d, AvgPool2d, AvgPool3d = _layers(_AvgPool)
AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d = _layers(_AdaptiveAvgPool)
LpPool1d, LpPool2d, LpPool3d = _layers(_LpPool)
MaxUnpool1d, MaxUnpool2d, MaxUnpool3d = _layers(_MaxUnpool)
__all__ = sorted(name for name, layer in vars().items() if name[0] != "_" and hasattr(layer, "_function"))
