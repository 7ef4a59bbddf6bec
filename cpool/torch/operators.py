"""What torch's dispatcher knows of cpool: one operator for each map, its kernel, shapes, derivatives and batching.

    extreme, pick      maxima or minima of windows; pick says also where they stand
    average, spread    averages, and their transpose: each is the other's derivative
    norm               roots of sums of powers
    scatter, unpool    put values where indices say, adding them up, or the last one counts

All but extreme, pick and norm are linear in their first argument; scatter's transpose is `torch.gather`, which is taken
for unpool's too, as torch does: where an index stands twice, each of its values has the gradient, not the last alone.

`windows` holds five integers for each pooled axis, in the order of `geometry.output_length`: kernel, stride, padding
before, padding after, dilation. Or it holds one: the length of the output, whose windows are adaptive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

import cpool

from .. import geometry
from ..core import layouts

Ints = Sequence[Any]  # integers, or symbols under torch.compile
Context = Any

#: Integers per axis of windows that slide.
SLIDING = 5

#: The one level that forward mode has, named because `torch.compile` enters it unseen by `torch.autograd.forward_ad`.
FORWARD = 0

LIBRARY = torch.library.Library("cpool", "DEF")

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


def _transposed(name: str, grad: Tensor, *arguments: Any, **keywords: Any) -> Tensor:
    """Call one of cpool's backward functions on a gradient of any float type."""
    wide = grad if grad.dtype == torch.float64 else grad.float()  # they take 4 and 8 bytes
    return _tensor(getattr(cpool, name)(_array(wide), *arguments, **keywords)).to(grad.dtype)


def _with_sizes(x: Tensor, sizes: Ints) -> tuple[Any, ...]:
    """Return the shape of `x` with other lengths along the last axes."""
    return (*x.shape[: x.ndim - len(sizes)], *sizes)


def _like(x: Tensor, sizes: Ints, dtype: torch.dtype | None = None) -> Tensor:
    """Return what cpool allocates for `x`, with other lengths along the last axes."""
    order = layouts.memory_order(tuple(x.shape), tuple(x.stride()))
    return torch.empty_permuted(_with_sizes(x, sizes), order, dtype=dtype or x.dtype, device=x.device)


# ----------------------------------------------------------------------------------------------------------- windows


def _ndim(windows: Ints) -> int:
    """Return how many axes are pooled."""
    return len(windows) // SLIDING or len(windows)


def _lengths(x: Tensor, windows: Ints, ceil_mode: bool = False) -> list[Any]:
    """Return the lengths of the output."""
    if len(windows) < SLIDING:
        return list(windows)
    axes = zip(x.shape[-_ndim(windows) :], *(windows[i::SLIDING] for i in range(SLIDING)), strict=True)
    return [geometry.output_length(n, k, s, before, after, d, ceil_mode) for n, k, s, before, after, d in axes]


def _function(kind: str, windows: Ints, **sliding: Any) -> Callable[..., Any]:
    """Return cpool's function of a kind (max, min, avg, lp) over these windows; adaptive ones have no `sliding`."""
    if len(windows) < SLIDING:
        return partial(getattr(cpool, f"adaptive_{kind}_pool{len(windows)}d"), output_size=tuple(windows))
    return partial(getattr(cpool, f"{kind}_pool{_ndim(windows)}d"), **_arguments(windows), **sliding)


def _arguments(windows: Ints) -> dict[str, Any]:
    """Return the arguments of cpool's functions that stand for windows that slide."""
    kernel, stride, before, after, dilation = (tuple(windows[i::SLIDING]) for i in range(SLIDING))
    padding = tuple(zip(before, after, strict=True))
    return dict(kernel_size=kernel, stride=stride, padding=padding, dilation=dilation)


# --------------------------------------------------------------------------------------------------------- operators


def _operator(schema: str, fake: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Turn a function of CPU tensors into an operator; `fake` returns what it would return, unfilled."""

    def register(kernel: Callable[..., Any]) -> Any:
        name = schema[: schema.index("(")]
        LIBRARY.define(schema, tags=torch.Tag.pt2_compliant_tag)
        LIBRARY.impl(name, kernel, "CPU")
        operator = getattr(torch.ops.cpool, name).default
        torch.library.register_fake(operator, fake, lib=LIBRARY)
        torch.library.register_vmap(operator, partial(_batched, operator), lib=LIBRARY)
        return operator

    return register


def _batched(operator: Any, info: Any, axes: tuple[int | None, ...], *arguments: Any) -> Any:
    """Run an operator on a batch: one more leading axis of each tensor."""
    leading = [
        (a.expand(info.batch_size, *a.shape) if axis is None else a.movedim(axis, 0)) if isinstance(a, Tensor) else a
        for a, axis in zip(arguments, axes, strict=True)
    ]
    result = operator(*leading)
    return result, (0, 0) if isinstance(result, tuple) else 0


def _values(x: Tensor, windows: Ints, ceil_mode: bool = False, *_: Any) -> Tensor:
    return _like(x, _lengths(x, windows, ceil_mode))


def _averages(x: Tensor, windows: Ints, ceil_mode: bool = False, *_: Any) -> Tensor:
    """The same for averages, which of integers and bool are float64."""
    return _like(x, _lengths(x, windows, ceil_mode), x.dtype if x.is_floating_point() else torch.float64)


def _values_and_places(x: Tensor, windows: Ints, ceil_mode: bool, op: str) -> tuple[Tensor, Tensor]:
    sizes = _lengths(x, windows, ceil_mode)
    return _like(x, sizes), _like(x, sizes, torch.int64)


@_operator("extreme(Tensor x, SymInt[] windows, bool ceil_mode, str op) -> Tensor", _values)
def extreme(x: Tensor, windows: Ints, ceil_mode: bool, op: str) -> Tensor:
    """Maxima or minima, as `op` says."""
    return _tensor(_function(op, windows, ceil_mode=ceil_mode)(_array(x)))


@_operator("pick(Tensor x, SymInt[] windows, bool ceil_mode, str op) -> (Tensor, Tensor)", _values_and_places)
def pick(x: Tensor, windows: Ints, ceil_mode: bool, op: str) -> tuple[Tensor, Tensor]:
    """Maxima or minima, and their indices."""
    y, indices = _function(op, windows, ceil_mode=ceil_mode)(_array(x), return_indices=True)
    return _tensor(y), _tensor(indices)


@_operator("norm(Tensor x, SymInt[] windows, bool ceil_mode, float p) -> Tensor", _values)
def norm(x: Tensor, windows: Ints, ceil_mode: bool, p: float) -> Tensor:
    """Roots of sums of powers, for a finite p."""
    return _tensor(_function("lp", windows, ceil_mode=ceil_mode)(_array(x), norm_type=p))


DIVISOR = "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None"


@_operator(f"average(Tensor x, SymInt[] windows, {DIVISOR}) -> Tensor", _averages)
def average(x: Tensor, windows: Ints, *divisor: Any) -> Tensor:
    """Averages; a divisor_override of 1 makes them sums."""
    return _tensor(_function("avg", windows, **_named(divisor))(_array(x)))


@_operator(
    f"spread(Tensor grad, SymInt[] sizes, SymInt[] windows, {DIVISOR}) -> Tensor",
    lambda grad, sizes, *_: _like(grad, sizes),
)
def spread(grad: Tensor, sizes: Ints, windows: Ints, *divisor: Any) -> Tensor:
    """Add to each element its share of the windows that it is in: the transpose of average."""
    shape = _with_sizes(grad, sizes)
    if len(windows) < SLIDING:
        return _transposed(f"adaptive_avg_pool{len(windows)}d_backward", grad, shape)
    name = f"avg_pool{_ndim(windows)}d_backward"
    return _transposed(name, grad, shape, **_arguments(windows), **_named(divisor))


def _named(divisor: Sequence[Any]) -> dict[str, Any]:
    """Return what follows the windows by name; the dispatcher leaves out defaults, which are cpool's too."""
    return dict(zip(("ceil_mode", "count_include_pad", "divisor_override"), divisor, strict=False))


@_operator(
    "scatter(Tensor grad, Tensor indices, SymInt[] sizes) -> Tensor", lambda grad, indices, sizes: _like(grad, sizes)
)
def scatter(grad: Tensor, indices: Tensor, sizes: Ints) -> Tensor:
    """Add `grad` at `indices` to zeros: the gradient of every maximum and minimum."""
    return _transposed(f"max_pool{len(sizes)}d_backward", grad, _array(indices), _with_sizes(grad, sizes))


@_operator(
    "unpool(Tensor x, Tensor indices, SymInt[] sizes, SymInt[] kernel, SymInt[] stride, SymInt[] padding) -> Tensor",
    lambda x, indices, sizes, *_: _like(x, sizes),
)
def unpool(x: Tensor, indices: Tensor, sizes: Ints, *windows: Ints) -> Tensor:
    """Put `x` at `indices` into zeros; of several values the last counts."""
    function = getattr(cpool, f"max_unpool{len(sizes)}d")
    return _tensor(function(_array(x), _array(indices), *map(tuple, windows), output_size=tuple(sizes)))


def _fetch(x: Tensor, indices: Tensor, ndim: int) -> Tensor:
    """Return `x` at `indices`, which count its last axes in row-major order."""
    rows, at = (t.reshape(*t.shape[:-ndim], math.prod(t.shape[-ndim:])) for t in (x, indices))
    return rows.gather(-1, at.long()).reshape(indices.shape)


# ------------------------------------------------------------------------------------------------------- derivatives
#
# `torch.library.register_autograd` knows neither forward mode (tangents are lost without a word) nor `torch.func` (it
# refuses). So the dispatcher's Autograd kernels are our own. They are written in operators that are differentiable
# themselves, so derivatives of any order and in any mixture of modes follow.


class Reverse(_SingleLevelFunction):
    """Reverse mode of a result that the operator has computed; subclasses add `setup_context` and `backward`.

    Of a single level: where transforms of `torch.func` are nested, each comes to the Autograd kernel on its own.
    """

    @classmethod
    def of(cls, operator: Any, *arguments: Any) -> Any:
        """Run the operator and record how to come back."""
        result = _below_autograd(operator, *arguments)
        with enable_single_level_autograd_function():
            return cls.apply(lambda: result, *arguments)

    @staticmethod
    def forward(result: Callable[[], Any], *_: Any) -> Any:
        return result()


def _below_autograd(operator: Any, *arguments: Any) -> Any:
    with torch._C._AutoDispatchBelowAutograd():
        return operator(*arguments)


def _dual(primal: Tensor, tangent: Tensor) -> Tensor:
    return forward_ad.make_dual(primal, tangent, level=FORWARD)


def _differentiable(operator: Any, forward: Callable[..., Any], reverse: Callable[..., Any]) -> None:
    """Differentiate an operator by its first argument.

    ``forward(x, tangent, *rest)`` returns dual results for a primal `x`; ``reverse(x, *rest)`` records the way back.
    """

    def kernel(x: Tensor, *rest: Any) -> Any:
        level = FORWARD if torch._C._are_functorch_transforms_active() else None  # None is fast outside forward mode
        primal, tangent = forward_ad.unpack_dual(x, level=level)
        if tangent is not None:
            return forward(primal, tangent, *rest)
        if x.requires_grad and torch.is_grad_enabled():
            return reverse(x, *rest)
        return _below_autograd(operator, x, *rest)

    LIBRARY.impl(operator, kernel, "Autograd")


def _linear(operator: Any, transpose: Callable[..., Tensor]) -> None:
    """Differentiate an operator that is linear in its first argument.

    ``transpose(grad, shape, *rest)`` is its transpose, which leads back to a first argument of `shape`.
    """

    class Linear(Reverse):
        @staticmethod
        def setup_context(ctx: Context, inputs: Any, output: Any) -> None:
            _, x, *rest = inputs
            ctx.shape, ctx.rest = x.shape, [a for a in rest if not isinstance(a, Tensor)]
            ctx.save_for_backward(*(a for a in rest if isinstance(a, Tensor)))

        @staticmethod
        def backward(ctx: Context, grad: Tensor) -> Any:
            rest = (*ctx.saved_tensors, *ctx.rest)
            return None, transpose(grad, ctx.shape, *rest), *(None for _ in rest)

    def forward(x: Tensor, tangent: Tensor, *rest: Any) -> Tensor:
        return _dual(operator(x, *rest), operator(tangent, *rest))

    _differentiable(operator, forward, partial(Linear.of, operator))


_linear(average, lambda grad, shape, windows, *divisor: spread(grad, shape[-_ndim(windows) :], windows, *divisor))
_linear(spread, lambda grad, shape, sizes, *rest: average(grad, *rest))
_linear(scatter, lambda grad, shape, indices, sizes: _fetch(grad, indices, len(sizes)))
_linear(unpool, lambda grad, shape, indices, sizes, *_: _fetch(grad, indices, len(sizes)))


class Pick(Reverse):
    """Gradients go where the extremes stood."""

    @staticmethod
    def setup_context(ctx: Context, inputs: Any, output: Any) -> None:
        _, x, windows, *_ = inputs
        _, indices = output
        ctx.sizes = x.shape[-_ndim(windows) :]
        ctx.mark_non_differentiable(indices)
        ctx.set_materialize_grads(False)  # no zeros for the indices
        ctx.save_for_backward(indices)

    @staticmethod
    def backward(ctx: Context, grad: Tensor | None, _: Any) -> Any:
        (indices,) = ctx.saved_tensors
        return None, None if grad is None else scatter(grad, indices, ctx.sizes), None, None, None


def _pick_forward(x: Tensor, tangent: Tensor, windows: Ints, ceil_mode: bool, op: str) -> tuple[Tensor, Tensor]:
    y, indices = pick(x, windows, ceil_mode, op)
    return _dual(y, _fetch(tangent, indices, _ndim(windows))), indices


_differentiable(pick, _pick_forward, partial(Pick.of, pick))


_differentiable(
    extreme, lambda *arguments: _pick_forward(*arguments)[0], lambda *arguments: Pick.of(pick, *arguments)[0]
)


class Norm(Reverse):
    """Gradients of norms: dy is the sum of ``x**(p-1) * dx``, times ``y**(1-p)``. y is computed again, as an in-place
    layer behind may have changed it."""

    @staticmethod
    def setup_context(ctx: Context, inputs: Any, output: Tensor) -> None:
        _, x, ctx.windows, ctx.ceil_mode, ctx.p = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx: Context, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        inner, outer = _chain(x, norm(x, ctx.windows, ctx.ceil_mode, ctx.p), ctx.p)
        sizes = x.shape[-_ndim(ctx.windows) :]
        gx = inner * spread(outer * grad, sizes, ctx.windows, ctx.ceil_mode, True, 1)
        return None, gx.to(grad.dtype), None, None, None

    @staticmethod
    def jvp(ctx: Context, _: Any, tangent: Tensor, *__: Any) -> Tensor:
        (x,) = ctx.saved_tensors
        y = norm(x, ctx.windows, ctx.ceil_mode, ctx.p)
        return _norm_tangent(tangent, x, y, ctx.windows, ctx.ceil_mode, ctx.p)


def _norm_tangent(tangent: Tensor, x: Tensor, y: Tensor, windows: Ints, ceil_mode: bool, p: float) -> Tensor:
    """Return dy."""
    inner, outer = _chain(x, y, p)
    return (outer * average(inner * tangent, windows, ceil_mode, True, 1)).to(y.dtype)


def _norm_forward(x: Tensor, tangent: Tensor, *rest: Any) -> Tensor:
    if x.requires_grad and torch.is_grad_enabled():  # the way back is to be differentiated forward: it saves duals
        return Norm.of(norm, _dual(x, tangent), *rest)
    y = norm(x, *rest)
    return _dual(y, _norm_tangent(tangent, x, y, *rest))


_differentiable(norm, _norm_forward, partial(Norm.of, norm))


def _chain(x: Tensor, y: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """Return ``x**(p-1)`` and ``y**(1-p)``, at least in float32; negative powers of 0 count as 0."""
    x, y = (v if v.dtype == torch.float64 else v.float() for v in (x, y))
    return x ** (p - 1) if p >= 1 else _power(x, p - 1), _power(y, 1 - p)


def _power(base: Tensor, exponent: float) -> Tensor:
    """Return a power, but 0 of 0, with 0 for its derivatives."""
    zero = base == 0
    return torch.where(zero, 0, torch.where(zero, 1, base) ** exponent)
