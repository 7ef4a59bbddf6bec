"""What type checkers see: checked by mypy and pyright, and run by nobody."""

from typing import Any, assert_type

import numpy as np

import cpool

Array = np.ndarray[Any, Any]
Pair = tuple[Array, Array]
x = np.zeros((4, 4))

assert_type(cpool.max_pool2d(x, 2), Array)
assert_type(cpool.max_pool2d(x, 2, return_indices=True), Pair)
assert_type(cpool.min_pool3d(x, 2, 2, 0, 1, False, True), Pair)
assert_type(cpool.adaptive_max_pool2d(x, 2), Array)
assert_type(cpool.adaptive_max_pool2d(x, 2, True), Pair)
assert_type(cpool.fractional_max_pool2d(x, 2, 2, return_indices=True), Pair)
assert_type(cpool.avg_pool2d(x, 2, padding="same"), Array)
assert_type(cpool.reduce.mean(x, axis=1, dtype="f4"), Any)
assert_type(cpool.max_pool2d_backward(x, x, (4, 4)), Array)
assert_type(cpool.MaxPool2d(2, stride=1).eval()(x), Any)  # a pair with return_indices
assert_type(cpool.AvgPool2d(2, stride=1, axis=(0, 1)).eval()(x), Array)
assert_type(cpool.MaxUnpool2d(2)(x, x, output_size=(4, 4)), Array)
assert_type(cpool.AvgPool3d(2, ceil_mode=True).backward(x), Array)
