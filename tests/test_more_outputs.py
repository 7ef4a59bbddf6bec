"""More outputs than inputs, axes of one, windows larger than the plane: where parts of scratch could overlap."""

import functools
import itertools

import numpy as np
import pytest

import cpool
from cpool import reference

SIZES = [(5, 1), (8, 1), (28, 4), (1, 1), (1, 6), (2, 3), (7, 5)]
OUTPUTS = [(1, 2), (1, 7), (7, 1), (3, 9), (40, 1), (1, 40), (11, 13)]


def numbers(shape, dtype, seed=0):
    return np.random.default_rng(seed).integers(-60, 60, shape).astype(dtype)


@functools.cache
def slow(size, out):
    """Return maxima, their indices and averages of (2, 5, *size) numbers, by the reference: the same for all dtypes."""
    x = numbers((2, 5, *size), np.float64)
    return (*reference.adaptive_max_pool2d(x, out, return_indices=True), reference.adaptive_avg_pool2d(x, out))


@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "float64", "int64"])
def test_adaptive_with_more_outputs_than_inputs(dtype, threads):
    for size, out in itertools.product(SIZES, OUTPUTS):
        x = numbers((2, 5, *size), dtype)
        expected, where, average = slow(size, out)
        for order in (
            x,
            np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
            np.ascontiguousarray(x[..., ::-1])[..., ::-1],
        ):
            y, at = cpool.adaptive_max_pool2d(order, out, return_indices=True)
            np.testing.assert_array_equal(y, expected)
            np.testing.assert_array_equal(at, where)
            np.testing.assert_array_equal(cpool.adaptive_max_pool2d(order, out), expected)
            ours = cpool.adaptive_avg_pool2d(order, out, dtype="float16" if dtype == "float16" else None)
            np.testing.assert_allclose(ours, average, rtol=2e-3 if dtype == "float16" else 1e-6)


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_the_heap_is_whole_after_many_calls(index_dtype):
    """Each writes what it must and no more, or the C library aborts."""
    x = numbers((2, 5, 8, 1), "float32")
    expected, where = reference.adaptive_max_pool2d(x, (1, 7), return_indices=True)
    for _ in range(200):
        y, at = cpool.adaptive_max_pool2d(x, (1, 7), return_indices=True, index_dtype=index_dtype)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(at, where)


@pytest.mark.parametrize("size", [(5, 1, 1), (1, 8, 1), (3, 28, 4), (2, 5, 1), (1, 1, 10)])
@pytest.mark.parametrize("out", [(1, 1, 7), (7, 1, 2), (1, 9, 9), (5, 5, 1)])
def test_volumes(size, out, threads):
    x = numbers((3, *size), "float32")
    expected, where = reference.adaptive_max_pool3d(x, out, return_indices=True)
    y, at = cpool.adaptive_max_pool3d(x, out, return_indices=True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(at, where)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(1, 10, 7), (1, 4, 6), (2, 10, 7), (1, 1, 7), (3, 5, 5), (1, 10, 3)])
@pytest.mark.parametrize("out", [(5, 5, 1), (5, 2, 3), (2, 10, 7), (3, 5, 7), (4, 1, 1), (1, 20, 7)])
def test_the_average_gradient_is_the_transpose(size, out, dtype, threads):
    """Where one depth becomes many, each input slab is reached by several of them."""
    x, g = numbers((1, *size), np.float64), numbers((1, *out), np.float64, 1)
    units = np.eye(x.size).reshape(-1, *size)
    expected = (reference.adaptive_avg_pool3d(units, out) * g).reshape(x.size, -1).sum(1).reshape(x.shape)
    gx = cpool.adaptive_avg_pool3d_backward(g.astype(dtype), x.shape)
    np.testing.assert_allclose(gx, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 4000, 20000])
def test_averages_of_windows_wholly_in_wide_padding(stride):
    x = numbers((3, 4), np.float32)
    for padding in (4, 5000, (5000, 1), (0, 9000)):
        given = dict(stride=stride, padding=padding if isinstance(padding, int) else (padding,))
        expected = reference.avg_pool1d(x, 2, **given)
        np.testing.assert_allclose(cpool.avg_pool1d(x, 2, **given), expected)


def test_dilation_far_beyond_the_input_costs_no_memory():
    x = np.arange(12.0).reshape(2, 6)
    given = dict(stride=1, padding=((0, 2**31 - 1),), dilation=2**31 - 1)
    np.testing.assert_array_equal(cpool.median_pool1d(x, 2, **given), x)
    np.testing.assert_array_equal(cpool.max_pool1d(x, 2, **given), x)


@pytest.mark.parametrize("planes", [9, 17, 25])
@pytest.mark.parametrize("dtype", ["u1", "i1", "?"])
def test_the_last_of_planes_that_are_turned_needs_no_more_scratch(planes, dtype):
    """Long windows of planes that are turned eight at a time, and of one that is left."""
    x = np.random.default_rng(0).integers(0, 9, (planes, 4, 66)).astype(dtype)
    told = cpool.explain(cpool.max_pool2d, x, (2, 64), (2, 2))
    assert told.strategies[-1] == "long"
    assert told.planes_at_once > 1
    np.testing.assert_array_equal(cpool.max_pool2d(x, (2, 64), (2, 2)), reference.max_pool2d(x, (2, 64), (2, 2)))


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [31, 64])
def test_global_maxima_of_few_channels(channels, size):
    """Channels beside one another are rows that are folded at once; their places are searched for."""
    x = np.moveaxis(np.random.default_rng(0).standard_normal((2, size, size, channels)).astype("f4"), -1, 1)
    x[0, 0, 5, 5] = x[0, 0, 20, 20] = 9
    x[1, -1, 3, 4] = x[1, -1, 30, 1] = np.nan
    y, indices = cpool.adaptive_max_pool2d(x, 1, return_indices=True)
    expected = reference.adaptive_max_pool2d(x, 1, return_indices=True)
    np.testing.assert_array_equal(y, expected[0])
    np.testing.assert_array_equal(indices, expected[1])
    np.testing.assert_array_equal(cpool.adaptive_max_pool2d(x, 1), y)
    if channels > 1:
        assert cpool.explain(cpool.adaptive_max_pool2d, x, 1).strategies[0] == "as it lies"
        along = cpool.explain(cpool.adaptive_max_pool2d, x, 1, return_indices=True).strategies[-1]
        assert along.endswith("then search")
