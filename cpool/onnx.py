"""ONNX's pooling operators for its reference evaluator, by ONNX's rules. Needs ``pip install "numpy-cpool[onnx]"``.

``onnx.reference.ReferenceEvaluator(model, new_ops=[*cpool.onnx.OPS])`` runs a model with cpool's kernels. The rules are
those of https://onnx.ai/onnx/operators: padding is (begins, ends), an average leaves padding out unless told otherwise,
a norm is of magnitudes, and an index counts from the start of the whole tensor.

Examples
--------
>>> import numpy as np, onnx.helper, onnx.reference
>>> import cpool.onnx
>>> node = onnx.helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])
>>> evaluator = onnx.reference.ReferenceEvaluator(node, new_ops=[*cpool.onnx.OPS])
>>> evaluator.run(None, {"x": np.arange(16.0).reshape(1, 1, 4, 4)})[0].ravel()
array([ 5.,  7., 13., 15.])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from . import functional

Array = np.ndarray[Any, Any]
Ints = Sequence[int]

#: cpool's name of an auto_pad; None where pads say it.
_PADDING = {None: None, "NOTSET": None, "VALID": "valid", "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}


def _function(pattern: str, x: Array) -> Any:
    """Return the function for an array of batch, channels and one to three spatial axes."""
    if not 3 <= x.ndim <= 5:
        raise ValueError(f"the input must have 3 to 5 axes (N, C and 1 to 3 spatial ones), got shape {x.shape}")
    return getattr(functional, pattern.format(x.ndim - 2))


def _entries(name: str, value: Ints | None, count: int, default: int | None = None) -> tuple[int, ...]:
    """Return an attribute of `count` integers; one that is not given is `default` for each, if there is one."""
    entries = tuple(value or ())
    if not entries and default is not None:
        return (default,) * count
    if len(entries) != count:
        raise ValueError(f"{name} must have {count} entries for this input, got {list(entries)}")
    return entries


def _windows(
    x: Array, kernel_shape: Ints, strides: Ints | None, pads: Ints | None, dilations: Ints | None, auto_pad: str | None
) -> dict[str, Any]:
    """Return ONNX's attributes as cpool's arguments."""
    d = x.ndim - 2
    if auto_pad not in _PADDING:
        raise ValueError(f"auto_pad must be {', '.join(name for name in _PADDING if name)}; got {auto_pad!r}")
    around = _entries("pads", pads, 2 * d, 0)
    return dict(
        kernel_size=_entries("kernel_shape", kernel_shape, d),
        stride=_entries("strides", strides, d, 1),
        padding=_PADDING[auto_pad] or tuple(zip(around[:d], around[d:], strict=True)),
        dilation=_entries("dilations", dilations, d, 1),
    )


def _planes(x: Array) -> Array:
    """Return the number of each plane of `x`, to be broadcast against indices in planes."""
    return np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


class MaxPool(OpRun):  # type: ignore[misc]
    """MaxPool with its second output, Indices, in row-major (storage_order=0) or column-major order of a plane."""

    def _run(
        self,
        x: Array,
        auto_pad: str | None = None,
        ceil_mode: int | None = None,
        dilations: Ints | None = None,
        kernel_shape: Ints = (),
        pads: Ints | None = None,
        storage_order: int | None = None,
        strides: Ints | None = None,
    ) -> tuple[Array, ...]:
        pool = _function("max_pool{}d", x)
        arguments = _windows(x, kernel_shape, strides, pads, dilations, auto_pad)
        if len(self.output) == 1:
            return (pool(x, **arguments, ceil_mode=bool(ceil_mode)),)
        y, indices = pool(x, **arguments, ceil_mode=bool(ceil_mode), return_indices=True)
        sizes = x.shape[2:]
        if storage_order:
            indices = np.ravel_multi_index(np.unravel_index(indices, sizes), sizes, order="F")
        return y, indices + _planes(x) * math.prod(sizes)


class AveragePool(OpRun):  # type: ignore[misc]
    """AveragePool; padding counts only with count_include_pad=1."""

    def _run(
        self,
        x: Array,
        auto_pad: str | None = None,
        ceil_mode: int | None = None,
        count_include_pad: int | None = None,
        dilations: Ints | None = None,
        kernel_shape: Ints = (),
        pads: Ints | None = None,
        strides: Ints | None = None,
    ) -> tuple[Array]:
        pool = _function("avg_pool{}d", x)
        arguments = _windows(x, kernel_shape, strides, pads, dilations, auto_pad)
        return (pool(x, **arguments, ceil_mode=bool(ceil_mode), count_include_pad=bool(count_include_pad)),)


class LpPool(OpRun):  # type: ignore[misc]
    """LpPool: the norm of the magnitudes."""

    def _run(
        self,
        x: Array,
        auto_pad: str | None = None,
        ceil_mode: int | None = None,
        dilations: Ints | None = None,
        kernel_shape: Ints = (),
        p: int = 2,
        pads: Ints | None = None,
        strides: Ints | None = None,
    ) -> tuple[Array]:
        pool = _function("lp_pool{}d", x)
        arguments = _windows(x, kernel_shape, strides, pads, dilations, auto_pad)
        return (pool(np.abs(x), p, **arguments, ceil_mode=bool(ceil_mode)),)


class GlobalMaxPool(OpRun):  # type: ignore[misc]
    """The maximum of each plane."""

    def _run(self, x: Array) -> tuple[Array]:
        return (_function("adaptive_max_pool{}d", x)(x, 1),)


class GlobalAveragePool(OpRun):  # type: ignore[misc]
    """The average of each plane."""

    def _run(self, x: Array) -> tuple[Array]:
        return (_function("adaptive_avg_pool{}d", x)(x, 1),)


class GlobalLpPool(OpRun):  # type: ignore[misc]
    """The norm of each plane's magnitudes."""

    def _run(self, x: Array, p: int = 2) -> tuple[Array]:
        return (_function("lp_pool{}d", x)(np.abs(x), p, x.shape[2:]),)


class MaxUnpool(OpRun):  # type: ignore[misc]
    """Put maxima back; an index counts from the start of the output that the attributes give."""

    def _run(
        self,
        x: Array,
        indices: Array,
        output_shape: Array | None = None,
        kernel_shape: Ints = (),
        pads: Ints | None = None,
        strides: Ints | None = None,
    ) -> tuple[Array]:
        d = x.ndim - 2
        kernel, step = _entries("kernel_shape", kernel_shape, d), _entries("strides", strides, d, 1)
        pad = _entries("pads", pads, 2 * d, 0)
        sizes = tuple((x.shape[2 + i] - 1) * step[i] + kernel[i] - pad[i] - pad[d + i] for i in range(d))
        if any(n < 0 for n in sizes):
            raise ValueError(
                f"kernel_shape, strides and pads give an output of {sizes} for an input of shape {x.shape}"
            )
        if indices.shape != x.shape:
            raise ValueError(f"indices must have the input's shape {x.shape}, got {indices.shape}")
        shape = x.shape[:2] + sizes
        whole = shape if output_shape is None else tuple(int(n) for n in np.ravel(output_shape))
        fits = len(whole) == x.ndim and all(n >= least for n, least in zip(whole, shape, strict=True))
        if not fits or whole[:2] != shape[:2]:
            raise ValueError(f"output_shape must be {shape}, or longer along the last {d} axes; got {whole}")
        if x.size == 0:
            return (np.zeros(whole, x.dtype),)
        # All planes at once, as one signal of the output's length. Where that is less than the input's, no kernel alone
        # leads to it, but padding does, which takes away elements at both ends.
        more = math.prod(shape) - x.size
        padding = max(0, (1 - more) // 2)
        long = functional.max_unpool1d(
            x.reshape(1, -1), np.reshape(indices, (1, -1)), more + 1 + 2 * padding, stride=1, padding=padding
        )
        y = long.reshape(shape)
        if whole == shape:
            return (y,)
        larger = np.zeros(whole, y.dtype)
        larger[tuple(slice(0, n) for n in shape)] = y
        return (larger,)


#: Every operator class here, for ``ReferenceEvaluator(model, new_ops=[*OPS])``.
OPS = [MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool, GlobalLpPool, MaxUnpool]
