"""From checked arguments to the kernel: choose the instruction set once, the dtype's kernel and the threads per call."""

from __future__ import annotations

import importlib
import math
import os
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from . import _build_info, _layout, _runtime, threads
from .geometry import Plan

Array = np.ndarray[Any, Any]

#: What the kernels call each dtype. Values and gradients; a new dtype is one more line here and in the kernels' T.
VALUE_TYPES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
INDEX_TYPES = {np.dtype(np.int32): "int32_t", np.dtype(np.int64): "int64_t"}


def _choose_level() -> str:
    """Return the best instruction set that was built and that this CPU has, at most CPOOL_ISA."""
    runnable = [level for level in _build_info.LEVELS if level == "baseline" or int(level[1:]) <= _runtime.cpu_level()]
    wanted = os.environ.get("CPOOL_ISA", "")
    if not wanted:
        return runnable[-1]
    if wanted not in ("baseline", "v3", "v4"):
        raise ImportError(f"CPOOL_ISA must be 'baseline', 'v3' or 'v4', got {wanted!r}")
    return [level for level in runnable if level == "baseline" or level <= wanted][-1]


LEVEL = _choose_level()
_kernels: ModuleType = importlib.import_module(f"cpool._kernels_{LEVEL}")


@cache
def kernel(name: str, *types: str) -> Any:
    """Return the compiled function of one kernel for the given C types."""
    fused = getattr(_kernels, name)
    (signature,) = (s for s in fused.__signatures__ if s.split("|") == list(types))
    return fused.__signatures__[signature]


def _taps(plan: Plan) -> int:
    return sum(min(w.kernel, w.size) for w in plan.axes)


def forward(name: str, x: Array, axes: tuple[int, ...], plan: Plan, out: Array) -> None:
    """Run a value kernel ("max", "min", "avg") into `out`."""
    run = kernel(name + "_forward", VALUE_TYPES[x.dtype])
    work = out.size * _taps(plan)
    for xs, ys in _layout.layout_of(axes, x, out).canonical_groups(x, out):
        run(xs, ys, plan.packed, *threads.share(work, xs.shape[0] * ys.shape[1], ys.shape[2]))


def forward_with_indices(name: str, x: Array, axes: tuple[int, ...], plan: Plan, out: Array, indices: Array) -> None:
    """Run a selecting kernel ("argmax", "argmin") into `out` and `indices`."""
    run = kernel(name + "_forward", VALUE_TYPES[x.dtype], INDEX_TYPES[indices.dtype])
    work = out.size * _taps(plan)
    for xs, ys, at in _layout.layout_of(axes, x, out, indices).canonical_groups(x, out, indices):
        run(xs, ys, at, plan.packed, *threads.share(work, xs.shape[0] * ys.shape[1], ys.shape[2]))


def max_backward(grad: Array, indices: Array, axes: tuple[int, ...], out: Array) -> None:
    """Scatter `grad` along `indices` into `out`; refuse indices outside the plane before anything is written."""
    size = math.prod(out.shape[a] for a in axes)
    layout = _layout.layout_of(axes, grad, indices, out)
    check = kernel("indices_in_plane", INDEX_TYPES[indices.dtype])
    for (at,) in layout.canonical_groups(indices):
        if not check(at, size, threads.share(indices.size, at.shape[0], 1)[1]):
            raise ValueError(
                f"indices must lie in the plane, 0 to {size - 1}; got values from {indices.min()} to {indices.max()}"
            )
    run = kernel("max_backward", VALUE_TYPES[grad.dtype], INDEX_TYPES[indices.dtype])
    for gs, at, to in layout.canonical_groups(grad, indices, out):
        run(gs, at, to, threads.share(out.size + grad.size, to.shape[0], 1)[1])


def avg_backward(grad: Array, axes: tuple[int, ...], plan: Plan, out: Array) -> None:
    """Spread `grad` over the plan's windows into `out`."""
    run = kernel("avg_backward", VALUE_TYPES[grad.dtype])
    work = out.size + grad.size * _taps(plan)
    for gs, to in _layout.layout_of(axes, grad, out).canonical_groups(grad, out):
        run(gs, to, plan.packed, *threads.share(work, to.shape[0], to.shape[2]))
