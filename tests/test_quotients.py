"""Sums of small integers are exact, so their averages must be the nearest numbers, wherever the division is done."""

import numpy as np
import pytest

import cpool
from cpool import reference


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", range(1, 10))
def test_nearest(kernel, stride, dtype, threads):
    for width in (9, 12, 47):
        x = np.random.default_rng(width).integers(-99, 99, (2, 7, width)).astype(dtype)
        for padding, dilation, counted in [(0, 1, True), (kernel // 2, 1, True), (kernel // 2, 1, False), (0, 2, True)]:
            if dilation * (kernel - 1) >= width:
                continue
            arguments = dict(kernel_size=(2, kernel), stride=(1, stride), padding=(0, padding), dilation=(1, dilation))
            ours = cpool.avg_pool2d(x, **arguments, count_include_pad=counted)
            expected = reference.avg_pool2d(x, **arguments, count_include_pad=counted)
            np.testing.assert_array_equal(ours, expected, strict=True)
            sums = cpool.avg_pool2d(x, **arguments, divisor_override=1)
            for divisor in (-7, 4):
                ours = cpool.avg_pool2d(x, **arguments, divisor_override=divisor)
                np.testing.assert_array_equal(ours, sums / sums.dtype.type(divisor), strict=True)
