"""Layers of a model: torch's own classes, whose forward pass is cpool's where that applies."""

# No postponed annotations here: TorchScript reads signatures from them.
from types import FunctionType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from . import functional

__all__ = ["accelerate", "restore"]

Module = TypeVar("Module", bound=nn.Module)

try:
    import ml_dtypes  # noqa: F401  # by which NumPy knows bfloat16

    FLOATS = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
except ImportError:
    FLOATS = {torch.float16, torch.float32, torch.float64}
ALL = FLOATS | {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


def _plain(x: Any) -> bool:
    """Return whether `x` is a plain tensor, dense and on the CPU."""
    return type(x) in (Tensor, nn.Parameter) and x.device.type == "cpu" and functional.dense(x)


class Layer:
    """What our subclasses have before torch's class: whether cpool applies, and both ways to pool."""

    _dtypes: set[torch.dtype]
    _arguments: tuple[str, ...]
    _ours: Any
    _theirs: Any

    def _applies(self, x: Any) -> bool:
        """Return whether cpool can pool `x`, and nobody records what is done to it."""
        return (
            _plain(x) and x.dtype in self._dtypes and not torch.jit.is_tracing() and not torch.compiler.is_exporting()
        )

    def _by_cpool(self, *tensors: Tensor, **more: Any) -> Any:
        """Pool by cpool, but as torch's layer does with arguments that cpool does not know."""
        given = {name: getattr(self, name) for name in self._arguments if hasattr(self, name)}
        if "return_indices" in given:
            given["return_indices"] = bool(given["return_indices"])  # as torch asks it
        try:
            return self._ours(*tensors, **given, **more)
        except (TypeError, ValueError):
            return self._theirs(*tensors, **more)


class Pool(Layer):
    """Pooling of one tensor."""

    def forward(self, input: Tensor):
        """Pool by cpool, or as torch's layer does."""
        if not torch.jit.is_scripting():  # noqa: SIM102  # TorchScript passes over what such a block holds
            if self._applies(input):
                return self._by_cpool(input)
        return self._theirs(input)


class Norm(Pool):
    """The same where torch multiplies what `ceil_mode` lets reach beyond the input up to a whole window."""

    ceil_mode: bool

    def _applies(self, x: Any) -> bool:
        return not self.ceil_mode and super()._applies(x)


class Unpool(Layer):
    """Unpooling of one tensor along another."""

    def forward(self, input: Tensor, indices: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Unpool by cpool, or as torch's layer does."""
        if not torch.jit.is_scripting():  # noqa: SIM102
            if self._applies(input) and _plain(indices):
                return self._by_cpool(input, indices, output_size=output_size)
        return self._theirs(input, indices, output_size)


_WINDOWS = ("kernel_size", "stride", "padding")
_KINDS = [
    ("MaxPool", "max_pool", Pool, ALL, (*_WINDOWS, "dilation", "ceil_mode", "return_indices")),
    ("AvgPool", "avg_pool", Pool, FLOATS, (*_WINDOWS, "ceil_mode", "count_include_pad", "divisor_override")),
    ("LPPool", "lp_pool", Norm, FLOATS, ("norm_type", "kernel_size", "stride", "ceil_mode")),
    ("AdaptiveMaxPool", "adaptive_max_pool", Pool, ALL, ("output_size", "return_indices")),
    ("AdaptiveAvgPool", "adaptive_avg_pool", Pool, FLOATS, ("output_size",)),
    ("MaxUnpool", "max_unpool", Unpool, ALL, _WINDOWS),
]


def _renamed(forward: FunctionType) -> FunctionType:
    """Return torch's forward pass under the name that it has in our classes, by which TorchScript compiles it."""
    renamed = FunctionType(forward.__code__, forward.__globals__, "_theirs", forward.__defaults__, forward.__closure__)
    renamed.__annotations__ = forward.__annotations__
    return renamed


def _layers() -> dict[type[nn.Module], type[nn.Module]]:
    """Return our subclass of each of torch's classes, of the same name: `repr` of a model stays."""
    layers = {}
    for name, function, base, dtypes, arguments in _KINDS:
        for d in (1, 2, 3):
            theirs = getattr(nn, f"{name}{d}d")
            ours = staticmethod(getattr(functional, f"{function}{d}d"))
            attributes = dict(
                _theirs=_renamed(theirs.forward), _ours=ours, _dtypes=dtypes, _arguments=arguments,
                __module__=__name__,
            )  # fmt: skip
            layers[theirs] = type(theirs.__name__, (base, theirs), attributes)
    return layers


OURS = _layers()
THEIRS = {ours: theirs for theirs, ours in OURS.items()}
globals().update({ours.__name__: ours for ours in THEIRS})  # where pickle looks for them


def _swap(model: Module, classes: dict[type[nn.Module], type[nn.Module]]) -> Module:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    for module in model.modules():
        if type(module) in classes:
            module.__class__ = classes[type(module)]
    return model


def accelerate(model: Module) -> Module:
    """Let the pooling layers of a model run on cpool, in place.

    Parameters
    ----------
    model : torch.nn.Module
        Layers of exactly torch's pooling classes (MaxPool, AvgPool, LPPool, AdaptiveMaxPool, AdaptiveAvgPool and
        MaxUnpool, 1d to 3d) become subclasses of them: parameters, buffers, hooks, names, the state dict and `repr`
        stay, and the model can be copied, pickled and saved. Subclasses of one's own are left alone.

    Returns
    -------
    torch.nn.Module
        `model` itself. Its layers are torch's wherever cpool does not apply: on other devices, for dtypes, kinds of
        tensors and arguments that cpool does not know, and while ``torch.jit``, ``torch.fx``, ``torch.export`` or
        ``torch.onnx`` record them.

    Raises
    ------
    TypeError
        If `model` is not a module.

    See Also
    --------
    restore : The way back.

    Examples
    --------
    >>> import torch, cpool.torch
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.MaxPool2d(2), torch.nn.AdaptiveAvgPool2d(1))
    >>> cpool.torch.accelerate(model) is model
    True
    >>> isinstance(model[1], torch.nn.MaxPool2d)
    True
    """
    return _swap(model, OURS)


def restore(model: Module) -> Module:
    """Undo `accelerate`, in place.

    Parameters
    ----------
    model : torch.nn.Module
        Its pooling layers become torch's own again; everything else stays.

    Returns
    -------
    torch.nn.Module
        `model` itself.

    Raises
    ------
    TypeError
        If `model` is not a module.

    Examples
    --------
    >>> import torch, cpool.torch
    >>> model = cpool.torch.accelerate(torch.nn.Sequential(torch.nn.MaxPool2d(2)))
    >>> type(cpool.torch.restore(model)[0]) is torch.nn.MaxPool2d
    True
    """
    return _swap(model, THEIRS)
