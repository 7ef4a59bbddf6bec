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


@pytest.mark.parametrize("stride", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (2, 3), (5, 4)])
@pytest.mark.parametrize("kernel", [(1, 3), (2, 2), (3, 3), (4, 3), (3, 5), (7, 9)])
def test_shares_of_every_stride(kernel, stride, threads):
    """The sums of a gradient are exact too, if its divisor is 1; and else close to the reference."""
    rng = np.random.default_rng(0)
    for sizes in [(9, 11), (10, 33), (40, 66)]:
        for padding, dilation in [((0, 0), (1, 1)), ((kernel[0] // 2, kernel[1] // 2), (1, 1)), ((0, 1), (1, 2)),
                                  ((2, 9), (2, 1))]:  # fmt: skip
            arguments = dict(kernel_size=kernel, stride=stride, padding=padding, dilation=dilation)
            if any(n + 2 * p < (k - 1) * d + 1 for n, p, k, d in zip(sizes, padding, kernel, dilation, strict=True)):
                continue
            y = cpool.avg_pool2d(np.zeros((2, *sizes), np.float32), **arguments)
            grad = rng.integers(-99, 99, y.shape).astype(np.float32)
            ours = cpool.avg_pool2d_backward(grad, (2, *sizes), **arguments, divisor_override=1)
            expected = reference.avg_pool2d_backward(grad, (2, *sizes), **arguments, divisor_override=1)
            np.testing.assert_array_equal(ours, expected, strict=True)
            for counted in (True, False):
                ours = cpool.avg_pool2d_backward(grad, (2, *sizes), **arguments, count_include_pad=counted)
                expected = reference.avg_pool2d_backward(grad, (2, *sizes), **arguments, count_include_pad=counted)
                np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stride", [(1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2)])
def test_shares_with_depth(stride):
    for shape in [(2, 7, 8, 9), (9, 8, 7, 2)]:  # the second one is channels-last in memory
        x = np.zeros(shape, np.float32)
        if shape[0] == 9:
            x = np.moveaxis(x, -1, 0)
        y = cpool.avg_pool3d(x, (2, 3, 3), stride, (1, 1, 0))
        grad = np.random.default_rng(0).integers(-99, 99, y.shape).astype(np.float32)
        grad = np.moveaxis(np.ascontiguousarray(np.moveaxis(grad, 0, -1)), -1, 0) if shape[0] == 9 else grad
        for counted in (True, False):
            arguments = dict(kernel_size=(2, 3, 3), stride=stride, padding=(1, 1, 0), count_include_pad=counted)
            ours = cpool.avg_pool3d_backward(grad, x.shape, **arguments)
            np.testing.assert_allclose(
                ours, reference.avg_pool3d_backward(grad, x.shape, **arguments), rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1000, 1), (3, 997, 400), ((2, 3), (500, 7), (3, 2))])
def test_shares_far_apart(kernel, stride, dilation):
    """Most phases are reached by no tap: they are zeros, and take no room."""
    arguments = dict(kernel_size=kernel, stride=stride, padding=1, dilation=dilation)
    y = cpool.avg_pool2d(np.zeros((2, 1803, 1803), np.float32), **arguments)
    grad = np.random.default_rng(0).integers(1, 99, y.shape).astype(np.float32)
    ours = cpool.avg_pool2d_backward(grad, (2, 1803, 1803), **arguments)
    np.testing.assert_allclose(ours, reference.avg_pool2d_backward(grad, ours.shape, **arguments), rtol=1e-6)


def test_divisors_beyond_what_floats_hold_are_rounded_alike():
    """In tiles in which all windows have one divisor as in others, so in every memory order."""
    kernel, padding, stride = (4999, 4999, 5), (2499, 2499, 2), (1, 1, 2)
    x = np.full((1, 1, 1, 20000), 1e9 / 3, "f4")
    one = cpool.avg_pool3d(x, kernel, stride, padding, ceil_mode=True).ravel()
    assert len(np.unique(one[3:-3])) == 1
    last = np.ascontiguousarray(np.broadcast_to(x[0, ..., None], (1, 1, 20000, 16)))
    other = cpool.avg_pool3d(last, kernel, stride, padding, ceil_mode=True, axis=(0, 1, 2))
    np.testing.assert_array_equal(other[0, 0, :, 0], one)
