"""Median and mode pooling against the reference and NumPy."""

import numpy as np
import pytest

import cpool
from cpool import reference

GEOMETRIES = [(2, None, 0, 1), (3, 1, 1, 1), (3, 2, 2, 1), ((1, 5), (2, 1), (0, 2), 1), (2, 1, 1, 2), (7, 3, 3, 1)]


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize(("k", "s", "p", "d"), GEOMETRIES)
def test_mode_equals_reference(k, s, p, d, dtype, threads):
    x = np.random.default_rng(0).integers(0, 5, (2, 13, 18)).astype(dtype)
    np.testing.assert_array_equal(cpool.mode_pool2d(x, k, s, p, d), reference.mode_pool2d(x, k, s, p, d))


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize(("k", "s", "p", "d"), GEOMETRIES)
def test_median_equals_reference(k, s, p, d, dtype, threads):
    x = np.random.default_rng(0).standard_normal((2, 13, 18)) * 50
    # By way of int64: what a negative float becomes as an unsigned integer is undefined in C.
    x = x.astype(dtype) if dtype[0] == "f" else x.astype(np.int64).astype(dtype)
    y = cpool.median_pool2d(x, k, s, p, d)
    assert y.dtype == (x.dtype if x.dtype.kind == "f" else np.float64)
    np.testing.assert_array_equal(y, reference.median_pool2d(x, k, s, p, d).astype(y.dtype))


def test_median_propagates_nan_and_orders_infinities():
    x = np.random.default_rng(0).standard_normal((40, 40)).astype(np.float32)
    flat = x.reshape(-1)
    flat[::17], flat[5::23], flat[9::29] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(cpool.median_pool2d(x, 3, 1, 1), reference.median_pool2d(x, 3, 1, 1))


@pytest.mark.parametrize("axis", [(1, 2), (2, 1), (0, 3)])
def test_any_axes_and_orders(axis, threads):
    x = np.random.default_rng(0).integers(0, 4, (6, 7, 8, 5)).astype(np.int32)
    for array in (x, np.asfortranarray(x), x[:, ::-1, :, ::-1]):
        for name in ("mode_pool2d", "median_pool2d"):
            ours, slow = getattr(cpool, name), getattr(reference, name)
            np.testing.assert_array_equal(ours(array, 3, 2, 1, axis=axis), slow(array, 3, 2, 1, axis=axis))


def test_volumes_signals_and_large_windows():
    x = np.random.default_rng(0).integers(0, 9, (6, 20, 31)).astype(np.uint8)
    np.testing.assert_array_equal(cpool.mode_pool3d(x, 3, 2, 1), reference.mode_pool3d(x, 3, 2, 1))
    np.testing.assert_array_equal(cpool.mode_pool1d(x, 5, 1, 2), reference.mode_pool1d(x, 5, 1, 2))
    np.testing.assert_array_equal(cpool.median_pool2d(x, (20, 31)), np.median(x, (1, 2), keepdims=True))
    out = np.empty((6, 1, 1), np.uint8)
    assert cpool.mode_pool2d(x, (20, 31), out=out) is out
    assert out.ravel().tolist() == [np.bincount(plane.ravel()).argmax() for plane in x]


def test_refused():
    with pytest.raises(TypeError, match="integer or bool"):
        cpool.mode_pool2d(np.ones((4, 4)), 2)
    with pytest.raises(ValueError, match="elements"):
        cpool.median_pool2d(np.ones((4, 4)), 300, padding=200)
    with pytest.raises(ValueError, match="wholly"):
        cpool.median_pool2d(np.ones((4, 4)), 2, padding=3)
