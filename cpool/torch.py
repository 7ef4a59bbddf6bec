"""Pooling of torch's CPU tensors by cpool: without a copy, with autograd, under ``torch.compile``.

The functions have the names and arguments of ``torch.nn.functional``; padding may also be one (before, after) pair per
axis, of any size, and averages and norms may be dilated. `accelerate` swaps the pooling layers of a model. Underneath
lie custom operators (``torch.ops.cpool``) for any number of pooled axes: the axes are counted by `kernel`.

Examples
--------
>>> import torch, cpool.torch
>>> x = torch.arange(16.0).reshape(4, 4).requires_grad_()
>>> cpool.torch.max_pool2d(x, 2).sum().backward()
>>> x.grad.nonzero().tolist()
[[1, 1], [1, 3], [3, 1], [3, 3]]
"""

# No postponed annotations here: torch reads the operators' schemas from them.
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

import cpool

from . import _docs, _layout, geometry

__all__ = [
    "accelerate",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "min_pool1d",
    "min_pool2d",
    "min_pool3d",
]  # fmt: skip

Module = TypeVar("Module", bound=torch.nn.Module)
Context = Any

# ------------------------------------------------------------------------------------------------ tensors and arrays


def _array(x: Tensor) -> Any:
    """Return the tensor's memory as an array."""
    x = x.detach().resolve_neg()
    if x.dtype == torch.bfloat16:
        import ml_dtypes  # NumPy's bfloat16

        return x.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return x.numpy()


def _tensor(a: Any) -> Tensor:
    """Return the array's memory as a tensor."""
    if a.dtype.name == "bfloat16":
        return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(a)


def _wide(x: Tensor) -> Tensor:
    """Return a gradient in a type that cpool's backward passes take."""
    return x if x.dtype == torch.float64 else x.float()


def _like(x: Tensor, sizes: Sequence[Any], dtype: Any = None) -> Tensor:
    """Return what cpool allocates for `x`, with other lengths along the last axes."""
    shape = (*x.shape[: x.ndim - len(sizes)], *sizes)
    order = _layout.memory_order(tuple(x.shape), tuple(x.stride()))
    return torch.empty_permuted(shape, order, dtype=dtype or x.dtype, device=x.device)


def _pairs(padding: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(padding[::2], padding[1::2], strict=True))


def _lengths(
    x: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], ceil: bool
) -> list[Any]:
    """Return the lengths of the output; they may be symbols."""
    axes = zip(x.shape[x.ndim - len(kernel) :], kernel, stride, _pairs(padding), dilation, strict=True)
    return [geometry.output_length(n, k, s, before, after, d, ceil) for n, k, s, (before, after), d in axes]


def _pool(name: str, d: int) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(cpool, f"{name}{d}d")
    return function


# --------------------------------------------------------------------------------------------------------- operators


@torch.library.custom_op("cpool::extreme", mutates_args=(), device_types="cpu")
def _extreme(
    x: Tensor, op: str, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    ceil_mode: bool,
) -> Tensor:  # fmt: skip
    pool = _pool(f"{op}_pool", len(kernel))
    return _tensor(pool(_array(x), tuple(kernel), tuple(stride), _pairs(padding), tuple(dilation), ceil_mode))


@_extreme.register_fake
def _(x: Tensor, op: str, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Tensor:
    return _like(x, _lengths(x, kernel, stride, padding, dilation, ceil_mode))


@torch.library.custom_op("cpool::pick", mutates_args=(), device_types="cpu")
def _pick(
    x: Tensor, op: str, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    pool = _pool(f"{op}_pool", len(kernel))
    y, at = pool(_array(x), tuple(kernel), tuple(stride), _pairs(padding), tuple(dilation), ceil_mode, True)
    return _tensor(y), _tensor(at)


@_pick.register_fake
def _(
    x: Tensor, op: str, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Tensor, Tensor]:
    sizes = _lengths(x, kernel, stride, padding, dilation, ceil_mode)
    return _like(x, sizes), _like(x, sizes, torch.int64)


@torch.library.custom_op("cpool::adaptive_pick", mutates_args=(), device_types="cpu")
def _adaptive_pick(x: Tensor, output_size: Sequence[int]) -> tuple[Tensor, Tensor]:
    y, at = _pool("adaptive_max_pool", len(output_size))(_array(x), tuple(output_size), True)
    return _tensor(y), _tensor(at)


@_adaptive_pick.register_fake
def _(x: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    return _like(x, output_size), _like(x, output_size, torch.int64)


@torch.library.custom_op("cpool::scatter", mutates_args=(), device_types="cpu")
def _scatter(grad: Tensor, indices: Tensor, sizes: Sequence[int]) -> Tensor:
    """Add `grad` at `indices` to zeros of `sizes`: the gradient of every maximum and minimum."""
    shape = (*grad.shape[: grad.ndim - len(sizes)], *sizes)
    gx = getattr(cpool, f"max_pool{len(sizes)}d_backward")(_array(_wide(grad)), _array(indices), shape)
    return _tensor(gx).to(grad.dtype)


@_scatter.register_fake
def _(grad: Tensor, indices: Tensor, sizes: Any) -> Tensor:
    return _like(grad, sizes)


@torch.library.custom_op("cpool::gather", mutates_args=(), device_types="cpu")
def _gather(x: Tensor, indices: Tensor, ndim: int) -> Tensor:
    """Fetch x at `indices`: the transpose of scatter, the gradient of unpooling."""
    y = getattr(cpool, f"max_unpool{ndim}d_backward")(_array(_wide(x)), _array(indices))
    return _tensor(y).to(x.dtype)


@_gather.register_fake
def _(x: Tensor, indices: Tensor, ndim: int) -> Tensor:
    return _like(x, indices.shape[indices.ndim - ndim :])


@torch.library.custom_op("cpool::unpool", mutates_args=(), device_types="cpu")
def _unpool(
    x: Tensor, indices: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int],
    sizes: Sequence[int],
) -> Tensor:  # fmt: skip
    pool = _pool("max_unpool", len(sizes))
    return _tensor(pool(_array(x), _array(indices), tuple(kernel), tuple(stride), tuple(padding), tuple(sizes)))


@_unpool.register_fake
def _(x: Tensor, indices: Tensor, kernel: Any, stride: Any, padding: Any, sizes: Any) -> Tensor:
    return _like(x, sizes)


@torch.library.custom_op("cpool::average", mutates_args=(), device_types="cpu")
def _average(
    x: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
) -> Tensor:  # fmt: skip
    y = _pool("avg_pool", len(kernel))(
        _array(x), tuple(kernel), tuple(stride), _pairs(padding), ceil_mode, count_include_pad, divisor_override,
        dilation=tuple(dilation),
    )  # fmt: skip
    return _tensor(y)


@_average.register_fake
def _(
    x: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, count: bool, divisor: Any
) -> Tensor:
    return _like(x, _lengths(x, kernel, stride, padding, dilation, ceil_mode))


@torch.library.custom_op("cpool::average_backward", mutates_args=(), device_types="cpu")
def _average_backward(
    grad: Tensor, sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
) -> Tensor:  # fmt: skip
    gx = getattr(cpool, f"avg_pool{len(kernel)}d_backward")(
        _array(_wide(grad)), (*grad.shape[: grad.ndim - len(kernel)], *sizes), tuple(kernel), tuple(stride),
        _pairs(padding), ceil_mode, count_include_pad, divisor_override, dilation=tuple(dilation),
    )  # fmt: skip
    return _tensor(gx).to(grad.dtype)


@_average_backward.register_fake
def _(
    grad: Tensor, sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, count: bool, div: Any
) -> Tensor:
    return _like(grad, sizes)


@torch.library.custom_op("cpool::norm", mutates_args=(), device_types="cpu")
def _norm(
    x: Tensor, norm_type: float, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], ceil_mode: bool,
) -> Tensor:  # fmt: skip
    pool, more = _pool("lp_pool", len(kernel)), dict(padding=_pairs(padding), dilation=tuple(dilation))
    return _tensor(pool(_array(x), norm_type, tuple(kernel), tuple(stride), ceil_mode, **more))


@_norm.register_fake
def _(x: Tensor, norm_type: float, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Tensor:
    return _like(x, _lengths(x, kernel, stride, padding, dilation, ceil_mode))


@torch.library.custom_op("cpool::norm_backward", mutates_args=(), device_types="cpu")
def _norm_backward(
    grad: Tensor, x: Tensor, y: Tensor, norm_type: float, kernel: Sequence[int], stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], ceil_mode: bool,
) -> Tensor:  # fmt: skip
    arrays = (_array(_wide(v)) for v in (grad, x, y))
    gx = getattr(cpool, f"lp_pool{len(kernel)}d_backward")(
        *arrays, norm_type, tuple(kernel), tuple(stride), ceil_mode, padding=_pairs(padding), dilation=tuple(dilation)
    )
    return _tensor(gx).to(grad.dtype)


@_norm_backward.register_fake
def _(
    grad: Tensor, x: Tensor, y: Tensor, p: float, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
) -> Tensor:
    return _like(grad, x.shape[x.ndim - len(kernel) :])


@torch.library.custom_op("cpool::adaptive_average", mutates_args=(), device_types="cpu")
def _adaptive_average(x: Tensor, output_size: Sequence[int]) -> Tensor:
    return _tensor(_pool("adaptive_avg_pool", len(output_size))(_array(x), tuple(output_size)))


@_adaptive_average.register_fake
def _(x: Tensor, output_size: Any) -> Tensor:
    return _like(x, output_size)


@torch.library.custom_op("cpool::adaptive_average_backward", mutates_args=(), device_types="cpu")
def _adaptive_average_backward(grad: Tensor, sizes: Sequence[int]) -> Tensor:
    shape = (*grad.shape[: grad.ndim - len(sizes)], *sizes)
    gx = getattr(cpool, f"adaptive_avg_pool{len(sizes)}d_backward")(_array(_wide(grad)), shape)
    return _tensor(gx).to(grad.dtype)


@_adaptive_average_backward.register_fake
def _(grad: Tensor, sizes: Any) -> Tensor:
    return _like(grad, sizes)


# --------------------------------------------------------------------------------------------------------- gradients


def _keep_indices(ctx: Context, inputs: Any, output: Any) -> None:
    x, indices = inputs[0], output[1]
    d = len(inputs[2] if len(inputs) > 2 else inputs[1])
    ctx.sizes = x.shape[x.ndim - d :]
    ctx.mark_non_differentiable(indices)
    ctx.save_for_backward(indices)


def _along_indices(ctx: Context, grad: Tensor, _: Any) -> Tensor:
    (indices,) = ctx.saved_tensors
    return _scatter(grad, indices, ctx.sizes)


_pick.register_autograd(lambda ctx, *g: (_along_indices(ctx, *g), *(None,) * 6), setup_context=_keep_indices)
_adaptive_pick.register_autograd(lambda ctx, *g: (_along_indices(ctx, *g), None), setup_context=_keep_indices)


def _keep_places(ctx: Context, inputs: Any, output: Any) -> None:
    _, indices, *ctx.rest, sizes = inputs
    ctx.ndim = len(sizes)
    ctx.save_for_backward(indices)


def _fetch(ctx: Context, grad: Tensor) -> tuple[Tensor | None, ...]:
    return _gather(grad, ctx.saved_tensors[0], ctx.ndim), None, *(None for _ in ctx.rest), None


_scatter.register_autograd(_fetch, setup_context=_keep_places)
_unpool.register_autograd(_fetch, setup_context=_keep_places)


def _keep_targets(ctx: Context, inputs: Any, output: Any) -> None:
    x, indices, ndim = inputs
    ctx.sizes = x.shape[x.ndim - ndim :]
    ctx.save_for_backward(indices)


_gather.register_autograd(
    lambda ctx, grad: (_scatter(grad, ctx.saved_tensors[0], ctx.sizes), None, None), setup_context=_keep_targets
)


def _keep_average(ctx: Context, inputs: Any, output: Any) -> None:
    x, *ctx.arguments = inputs
    ctx.sizes = x.shape[x.ndim - len(inputs[1]) :]


def _keep_average_backward(ctx: Context, inputs: Any, output: Any) -> None:
    ctx.arguments = inputs[2:]


_average.register_autograd(
    lambda ctx, grad: (_average_backward(grad, ctx.sizes, *ctx.arguments), *(None,) * 7), setup_context=_keep_average
)
_average_backward.register_autograd(  # the average is linear: the gradient of its gradient is an average
    lambda ctx, grad: (_average(grad, *ctx.arguments), *(None,) * 8), setup_context=_keep_average_backward
)


def _keep_norm(ctx: Context, inputs: Any, output: Any) -> None:
    x, *ctx.arguments = inputs
    ctx.save_for_backward(x, output)


_norm.register_autograd(
    lambda ctx, grad: (_norm_backward(grad, *ctx.saved_tensors, *ctx.arguments), *(None,) * 6),
    setup_context=_keep_norm,
)


def _keep_adaptive(ctx: Context, inputs: Any, output: Any) -> None:
    x, given = inputs
    ctx.sizes, ctx.output_size = x.shape[x.ndim - len(given) :], given


def _keep_adaptive_backward(ctx: Context, inputs: Any, output: Any) -> None:
    grad, sizes = inputs
    ctx.output_size = grad.shape[grad.ndim - len(sizes) :]


_adaptive_average.register_autograd(
    lambda ctx, grad: (_adaptive_average_backward(grad, ctx.sizes), None), setup_context=_keep_adaptive
)
_adaptive_average_backward.register_autograd(
    lambda ctx, grad: (_adaptive_average(grad, ctx.output_size), None), setup_context=_keep_adaptive_backward
)


# --------------------------------------------------------------------------------------------------------- functions


def _each(value: Any, d: int) -> list[int]:
    """Return an int or one per axis as one per axis."""
    if isinstance(value, (tuple, list)):
        return list(value) if len(value) == d else list(value) * d
    return [value] * d


def _both(padding: Any, d: int) -> list[int]:
    """Return padding as before and after, axis by axis."""
    given = padding if isinstance(padding, (tuple, list)) else [padding] * d
    given = list(given) * d if len(given) == 1 else given
    return [side for p in given for side in (p if isinstance(p, (tuple, list)) else (p, p))]


def _checked(x: Any, d: int) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"x must be a torch tensor, got {type(x).__name__}")
    if x.device.type != "cpu":
        raise ValueError(f"x must be on the CPU, got a tensor on {x.device}")
    if x.ndim < d:
        raise ValueError(f"x must have at least {d} axes, got shape {tuple(x.shape)}")


def _windows(d: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[list[int], ...]:
    kernel = _each(kernel_size, d)
    no_stride = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    return kernel, kernel if no_stride else _each(stride, d), _both(padding, d), _each(dilation, d)


def _make_extreme(op: str, d: int) -> Callable[..., Any]:
    def pool(
        x: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        _checked(x, d)
        windows = _windows(d, kernel_size, stride, padding, dilation)
        if return_indices or (x.requires_grad and torch.is_grad_enabled()):
            y, indices = _pick(x, op, *windows, ceil_mode)
            return (y, indices) if return_indices else y
        return _extreme(x, op, *windows, ceil_mode)

    return pool


def _make_average(d: int) -> Callable[..., Tensor]:
    def pool(
        x: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        dilation: Any = 1,
    ) -> Tensor:
        _checked(x, d)
        windows = _windows(d, kernel_size, stride, padding, dilation)
        return _average(x, *windows, ceil_mode, count_include_pad, divisor_override)

    return pool


def _make_norm(d: int) -> Callable[..., Tensor]:
    def pool(
        x: Tensor,
        norm_type: float,
        kernel_size: Any,
        stride: Any = None,
        ceil_mode: bool = False,
        *,
        padding: Any = 0,
        dilation: Any = 1,
    ) -> Tensor:
        _checked(x, d)
        windows = _windows(d, kernel_size, stride, padding, dilation)
        return _norm(x, float(norm_type), *windows, ceil_mode)

    return pool


def _make_adaptive(op: str, d: int) -> Callable[..., Any]:
    def pool(x: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        _checked(x, d)
        given = output_size if isinstance(output_size, (tuple, list)) else [output_size] * d
        sizes = [n if o is None else o for n, o in zip(x.shape[x.ndim - d :], given, strict=True)]
        if op == "avg":
            return _adaptive_average(x, sizes)
        y, indices = _adaptive_pick(x, sizes)
        return (y, indices) if return_indices else y

    return pool


def _make_unpool(d: int) -> Callable[..., Tensor]:
    def unpool(
        x: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Tensor:
        _checked(x, d)
        kernel, step, pad, _ = _windows(d, kernel_size, stride, padding, 1)
        if output_size is None:
            axes = zip(x.shape[x.ndim - d :], kernel, step, pad[::2], strict=True)
            output_size = [(n - 1) * s + k - 2 * p for n, k, s, p in axes]
        return _unpool(x, indices, kernel, step, pad[::2], list(output_size)[-d:])

    return unpool


_TEXT = """Do what :func:`cpool.{name}` does on a CPU tensor, with autograd.

    Parameters
    ----------
    x : Tensor
        Pooled over its last axes; any dtype that cpool takes, any strides. Gradients of floats, also 2-byte ones.
    **arguments
        As of ``torch.nn.functional``; padding may also be one (before, after) pair per axis.

    Raises
    ------
    TypeError, ValueError
        As cpool's function; also for a tensor that is not on the CPU.
    """
_three = partial(_docs.three, __name__, _TEXT)

max_pool1d, max_pool2d, max_pool3d = _three("max_pool", _make_extreme, "max")
min_pool1d, min_pool2d, min_pool3d = _three("min_pool", _make_extreme, "min")
avg_pool1d, avg_pool2d, avg_pool3d = _three("avg_pool", _make_average)
lp_pool1d, lp_pool2d, lp_pool3d = _three("lp_pool", _make_norm)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = _three("adaptive_max_pool", _make_adaptive, "max")
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = _three("adaptive_avg_pool", _make_adaptive, "avg")
max_unpool1d, max_unpool2d, max_unpool3d = _three("max_unpool", _make_unpool)

# ------------------------------------------------------------------------------------------------------------ models


def _layer(theirs: type[torch.nn.Module], name: str, *attributes: str) -> tuple[type[torch.nn.Module], type]:
    """Return torch's layer and its subclass that calls cpool's function for CPU tensors."""
    ours = globals()[name]

    def forward(self: Any, x: Tensor, *more: Any, **keywords: Any) -> Any:
        if x.device.type != "cpu":
            return theirs.forward(self, x, *more, **keywords)
        return ours(x, *more[:1], *(getattr(self, a) for a in attributes), *more[1:], **keywords)

    return theirs, type(theirs.__name__, (theirs,), {"forward": forward, "__module__": __name__})


_MAX = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVERAGE = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
_NORM = ("norm_type", "kernel_size", "stride", "ceil_mode")
_LAYERS = dict(
    made
    for d in (1, 2, 3)
    for made in (
        _layer(getattr(torch.nn, f"MaxPool{d}d"), f"max_pool{d}d", *_MAX),
        _layer(getattr(torch.nn, f"AvgPool{d}d"), f"avg_pool{d}d", *_AVERAGE, *(["divisor_override"] if d > 1 else [])),
        _layer(getattr(torch.nn, f"LPPool{d}d"), f"lp_pool{d}d", *_NORM),
        _layer(getattr(torch.nn, f"AdaptiveMaxPool{d}d"), f"adaptive_max_pool{d}d", "output_size", "return_indices"),
        _layer(getattr(torch.nn, f"AdaptiveAvgPool{d}d"), f"adaptive_avg_pool{d}d", "output_size"),
        _layer(getattr(torch.nn, f"MaxUnpool{d}d"), f"max_unpool{d}d", "kernel_size", "stride", "padding"),
    )
)


def accelerate(model: Module) -> Module:
    """Let the pooling layers of a model run on cpool, in place.

    Parameters
    ----------
    model : torch.nn.Module
        Layers of exactly torch's pooling classes are changed to subclasses of them: parameters, buffers, hooks, names
        and the state dict stay. On other devices than the CPU they do what they did before.

    Returns
    -------
    torch.nn.Module
        `model` itself.

    Examples
    --------
    >>> import torch, cpool.torch
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.MaxPool2d(2), torch.nn.AdaptiveAvgPool2d(1))
    >>> cpool.torch.accelerate(model) is model
    True
    >>> isinstance(model[1], torch.nn.MaxPool2d)
    True
    """
    for module in model.modules():
        if type(module) in _LAYERS:
            module.__class__ = _LAYERS[type(module)]
    return model
