"""Layers: hold their parameters, remember what backward needs, while they are in training mode.

What type checkers read, written by tests/stubs.py from the signatures.
"""

# ruff: noqa: E501
# fmt: off

from typing import Any, Self

import numpy as np

Array = np.ndarray[Any, Any]

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

class _Layer:
    training: bool
    def train(self, mode: bool = True) -> Self: ...
    def eval(self) -> Self: ...
    def backward(self, grad_output: Any) -> Array: ...
class AdaptiveAvgPool1d(_Layer):
    output_size: Any
    axis: Any
    def __init__(self, output_size: Any, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class AdaptiveAvgPool2d(_Layer):
    output_size: Any
    axis: Any
    def __init__(self, output_size: Any, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class AdaptiveAvgPool3d(_Layer):
    output_size: Any
    axis: Any
    def __init__(self, output_size: Any, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class AdaptiveMaxPool1d(_Layer):
    output_size: Any
    return_indices: bool
    axis: Any
    def __init__(self, output_size: Any, return_indices: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class AdaptiveMaxPool2d(_Layer):
    output_size: Any
    return_indices: bool
    axis: Any
    def __init__(self, output_size: Any, return_indices: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class AdaptiveMaxPool3d(_Layer):
    output_size: Any
    return_indices: bool
    axis: Any
    def __init__(self, output_size: Any, return_indices: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class AvgPool1d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: Any
    dilation: Any
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Any = None, *, dilation: Any = 1, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class AvgPool2d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: Any
    dilation: Any
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Any = None, *, dilation: Any = 1, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class AvgPool3d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: Any
    dilation: Any
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Any = None, *, dilation: Any = 1, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class FractionalMaxPool2d(_Layer):
    kernel_size: Any
    output_size: Any
    output_ratio: Any
    return_indices: bool
    rng: Any
    def __init__(self, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False, rng: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class FractionalMaxPool3d(_Layer):
    kernel_size: Any
    output_size: Any
    output_ratio: Any
    return_indices: bool
    rng: Any
    def __init__(self, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False, rng: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class LpPool1d(_Layer):
    norm_type: Any
    kernel_size: Any
    stride: Any
    ceil_mode: bool
    padding: Any
    dilation: Any
    axis: Any
    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *, padding: Any = 0, dilation: Any = 1, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class LpPool2d(_Layer):
    norm_type: Any
    kernel_size: Any
    stride: Any
    ceil_mode: bool
    padding: Any
    dilation: Any
    axis: Any
    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *, padding: Any = 0, dilation: Any = 1, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class LpPool3d(_Layer):
    norm_type: Any
    kernel_size: Any
    stride: Any
    ceil_mode: bool
    padding: Any
    dilation: Any
    axis: Any
    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False, *, padding: Any = 0, dilation: Any = 1, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Array: ...
class MaxPool1d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    return_indices: bool
    ceil_mode: bool
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False, ceil_mode: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class MaxPool2d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    return_indices: bool
    ceil_mode: bool
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False, ceil_mode: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class MaxPool3d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    return_indices: bool
    ceil_mode: bool
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False, ceil_mode: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class MaxUnpool1d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None: ...
    def __call__(self, x: Any, indices: Any, output_size: Any = None) -> Array: ...
class MaxUnpool2d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None: ...
    def __call__(self, x: Any, indices: Any, output_size: Any = None) -> Array: ...
class MaxUnpool3d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None: ...
    def __call__(self, x: Any, indices: Any, output_size: Any = None) -> Array: ...
class MinPool1d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    return_indices: bool
    ceil_mode: bool
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False, ceil_mode: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class MinPool2d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    return_indices: bool
    ceil_mode: bool
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False, ceil_mode: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
class MinPool3d(_Layer):
    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    return_indices: bool
    ceil_mode: bool
    axis: Any
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False, ceil_mode: bool = False, *, axis: Any = None) -> None: ...
    def __call__(self, x: Any) -> Any: ...
