"""The functions: they check arguments and say to the operators which windows are meant."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .. import geometry
from ..core import checks, docstrings
from ..pool import adaptive
from . import operators

__all__ = [
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
]


def dense(x: Tensor) -> bool:
    """Return whether each element of `x` lies in its memory, at strides: not sparse, quantized, nested, mkldnn's."""
    return x.layout == torch.strided and not x.is_quantized and not x.is_nested


def _checked(x: Any, d: int, name: str = "x", widens: bool | None = None) -> Tensor:
    """Return a checked tensor; under autocast narrow floats as float32 where torch's function `widens` them, as most of
    3 axes do."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch tensor, got {type(x).__name__}")
    if not dense(x):
        kind = "quantized" if x.is_quantized else "nested" if x.is_nested else x.layout
        raise TypeError(f"{name} must be a dense tensor, got a {kind} one")
    if x.device.type != "cpu":
        raise ValueError(f"{name} must be on the CPU, got a tensor on {x.device}")
    if x.ndim < d:
        raise ValueError(f"{name} must have at least {d} axes, got shape {tuple(x.shape)}")
    widens = d == 3 if widens is None else widens
    return (
        x.float() if widens and x.dtype in (torch.float16, torch.bfloat16) and torch.is_autocast_enabled("cpu") else x
    )


def _sliding(d: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> operators.Ints:
    """Return windows that slide, as operators take them."""
    if isinstance(padding, str):
        raise TypeError(f"padding must be ints or (before, after) pairs of ints, got {padding!r}")
    kernel = checks.per_axis("kernel_size", kernel_size, d, 1)
    strides = checks.strides(stride, kernel)
    steps = checks.per_axis("dilation", dilation, d, 1)
    axes = zip(kernel, strides, geometry.explicit_padding(padding, d), steps, strict=True)
    return [number for k, s, (before, after), step in axes for number in (k, s, before, after, step)]


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
        picks = checks.flag("return_indices", return_indices)
        x, operator = _checked(x, d, widens=d == 3 and not picks), operators.pick if picks else operators.extreme
        return operator(x, _sliding(d, kernel_size, stride, padding, dilation), checks.flag("ceil_mode", ceil_mode), op)

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
        x = _checked(x, d)
        return operators.average(
            x,
            _sliding(d, kernel_size, stride, padding, dilation),
            checks.flag("ceil_mode", ceil_mode),
            checks.flag("count_include_pad", count_include_pad),
            None if divisor_override is None else geometry.nonzero("divisor_override", divisor_override),
        )

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
        x = _checked(x, d)
        p = checks.nonzero_number("norm_type", norm_type)
        windows, ceil = _sliding(d, kernel_size, stride, padding, dilation), checks.flag("ceil_mode", ceil_mode)
        if math.isinf(p) and x.is_floating_point():
            return operators.extreme(x.abs(), windows, ceil, "max" if p > 0 else "min")
        return operators.norm(x, windows, ceil, p)

    return pool


def _adaptive_windows(x: Tensor, output_size: Any, d: int) -> operators.Ints:
    """Return adaptive windows, as operators take them; None keeps an axis."""
    return [
        n if out is None else out
        for n, out in zip(x.shape[x.ndim - d :], adaptive.output_sizes(output_size, d), strict=True)
    ]


def _make_adaptive_max(d: int) -> Callable[..., Any]:
    def pool(x: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        x = _checked(x, d)
        operator = operators.pick if checks.flag("return_indices", return_indices) else operators.extreme
        return operator(x, _adaptive_windows(x, output_size, d), False, "max")

    return pool


def _make_adaptive_average(d: int) -> Callable[..., Tensor]:
    def pool(x: Tensor, output_size: Any) -> Tensor:
        x = _checked(x, d)
        return operators.average(x, _adaptive_windows(x, output_size, d))

    return pool


def _make_unpool(d: int) -> Callable[..., Tensor]:
    def unpool(
        x: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Tensor:
        x, indices = _checked(x, d, widens=True), _checked(indices, d, "indices")
        kernel = checks.per_axis("kernel_size", kernel_size, d, 1)
        strides, pad = checks.strides(stride, kernel), checks.per_axis("padding", padding, d, 0)
        if output_size is not None:
            output_size = checks.shape("output_size", output_size)
            if len(output_size) not in (d, x.ndim):
                raise ValueError(f"output_size must have {d} or {x.ndim} entries, got {output_size}")
        else:
            axes = zip(x.shape[x.ndim - d :], kernel, strides, pad, strict=True)
            output_size = [(n - 1) * s + k - 2 * p for n, k, s, p in axes]
        return operators.unpool(x, indices, list(output_size)[-d:], kernel, strides, pad)

    return unpool


_TEXT = """Do what :func:`cpool.{name}` does on a CPU tensor, with autograd.

    Parameters
    ----------
    x : Tensor
        Pooled over its last axes; any dtype that cpool takes, any strides. Derivatives of floats, also 2-byte ones.
    **arguments
        As of ``torch.nn.functional``; padding may also be one (before, after) pair per axis.

    Returns
    -------
    Tensor or (Tensor, Tensor)
        As cpool's function, in the memory order of `x`; under autocast float32 where torch's is. To be differentiated
        any number of times, in reverse and forward mode, batched by ``torch.vmap``.

    Raises
    ------
    TypeError, ValueError
        As cpool's function; also for a tensor that is not on the CPU, or not dense.

    Examples
    --------
    >>> import torch, cpool.torch
    >>> x = torch.ones({d} * [4])
    >>> cpool.torch.{name}(CALL).unique()
    tensor([1.])
    """


def _three(name: str, call: str, make: Callable[..., Any], *arguments: Any) -> list[Callable[..., Any]]:
    return docstrings.three("cpool.torch", _TEXT.replace("CALL", call), name, make, *arguments)


max_pool1d, max_pool2d, max_pool3d = _three("max_pool", "x, 2", _make_extreme, "max")
min_pool1d, min_pool2d, min_pool3d = _three("min_pool", "x, 2", _make_extreme, "min")
avg_pool1d, avg_pool2d, avg_pool3d = _three("avg_pool", "x, 2", _make_average)
lp_pool1d, lp_pool2d, lp_pool3d = _three("lp_pool", "x, 2, 1", _make_norm)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = _three("adaptive_max_pool", "x, 2", _make_adaptive_max)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = _three(
    "adaptive_avg_pool", "x, 2", _make_adaptive_average
)
max_unpool1d, max_unpool2d, max_unpool3d = _three(
    "max_unpool", "x, torch.arange(4**{d}).reshape({d} * [4]), 1", _make_unpool
)
