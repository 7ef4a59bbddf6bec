"""Windows that reach farther into padding than is stored: they are read from tables, of the taps inside alone."""

import numpy as np
import pytest

import cpool
from cpool import geometry, reference
from cpool.core import prepared


@pytest.fixture(params=[0, 2, geometry.MOST_STORED_PADDING])
def stored(request, monkeypatch):
    """Let that much padding be stored, and prepare all calls anew."""
    monkeypatch.setattr(geometry, "MOST_STORED_PADDING", request.param)
    prepared.forget(True)
    yield request.param
    prepared.forget(False)


def same(name, x, *args, exact=True, **more):
    ours = getattr(cpool, name)(x, *args, **more)
    theirs = getattr(reference, name)(x, *args, **more)
    for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (ours, theirs)), strict=True):
        assert a.dtype == b.dtype
        if exact:
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 40])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 1, 1), (4, 3, 2), (20, 7, 3), (100, 100, 1), (100, 1, 1)]
)
@pytest.mark.parametrize("dtype", ["f4", "u1"])
def test_averages_of_nothing_but_padding(kernel, stride, dilation, channels, dtype, stored, threads):
    """They are 0, also where they share a tile with others, and whatever lay in scratch."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (9, 120, channels)).astype(dtype)
    arguments = (kernel, stride, 2 * kernel + 110)
    more = dict(dilation=dilation, axis=1)
    same("avg_pool1d", x, *arguments, **more, exact=False)
    if dtype == "u1":
        same("avg_pool1d", x, *arguments, **more, dtype=np.uint8)
        return
    x[rng.random(x.shape) < 0.1] = np.nan
    same("avg_pool1d", x, *arguments, **more, exact=False, nan_policy="omit")
    if channels < 40:
        padding = (3, 2 * kernel + 110)
        same("avg_pool2d", x, (2, kernel), (1, stride), padding, axis=(0, 1), exact=False, nan_policy="omit")


@pytest.mark.parametrize("axis", [0, 1])
def test_dilated_windows_whose_first_taps_inside_do_not_rise(axis, stored, threads):
    """Of windows that begin at -4, -3, -2 and have a tap at every third element: 2, 0, 1."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((70, 60, 8)).astype(np.float32)
    if axis:
        x = x.transpose(1, 0, 2)
    kernel, padding, dilation = [[2, 2], [0, 0], [1, 1]]
    kernel[axis], padding[axis], dilation[axis] = 18, 50, 3
    for name in ("max_pool2d", "min_pool2d"):
        same(name, x, kernel, 1, padding, dilation, axis=(0, 1), return_indices=True)
        same(name, x.astype(np.uint8), kernel, 2, padding, dilation, axis=(0, 1))
    same("avg_pool2d", x, kernel, 1, padding, dilation=dilation, axis=(0, 1), exact=False)
    y = cpool.avg_pool2d(x, kernel, 1, padding, dilation=dilation, axis=(0, 1))
    g = rng.integers(-3, 4, y.shape).astype(np.float32)
    same("avg_pool2d_backward", g, x.shape, kernel, 1, padding, dilation=dilation, axis=(0, 1), exact=False)
    x[rng.random(x.shape) < 0.01] = np.nan
    same("avg_pool2d", x, kernel, 1, padding, dilation=dilation, axis=(0, 1), exact=False, nan_policy="omit")


@pytest.mark.parametrize("dtype", ["u1", "f4", "i8"])
def test_order_statistics(dtype, stored, threads):
    x = np.random.default_rng(2).integers(0, 9, (3, 11, 13)).astype(dtype)
    same("median_pool2d", x, (3, 4), (2, 2), (1, 3))
    same("quantile_pool2d", x, [0.25, 1], (3, 4), 1, (2, 6), dilation=(2, 3))
    if dtype != "f4":
        same("mode_pool2d", x, (3, 4), (2, 2), (1, 3))


def test_no_window_sees_anything():
    """Then none is too small for `min_count`, which integers could not say."""
    x = np.ones((2, 4), np.int8)
    assert (cpool.avg_pool2d(x, 1, 3, (1, 0), min_count=4, dtype=np.int16) == 0).all()


@pytest.mark.parametrize("order", ["first", "last"])
def test_slabs_that_see_nothing_beside_windows_of_pixels(order, stored, threads):
    """Windows of several pixels with many channels are folded at once; not if there are slabs of padding alone."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, 4, 4, 16)).astype(np.float32)
    axis = (0, 1, 2)
    if order == "first":
        x, axis = x.transpose(3, 0, 1, 2).copy(), (1, 2, 3)
    padding = ((11, 3), (0, 0), (0, 0))
    same("avg_pool3d", x, (1, 2, 2), (1, 2, 2), padding, axis=axis, exact=False)
    g = rng.standard_normal((3, 1, 3, 16)).astype(np.float32)  # of windows that begin two slabs apart and see one
    shape, padding = (5, 1, 1, 16), ((0, 0), (0, 0), (1, 1))
    if order == "first":
        g, shape = g.transpose(3, 0, 1, 2).copy(), (16, 5, 1, 1)
    same("avg_pool3d_backward", g, shape, 1, (2, 1, 1), padding, axis=axis, exact=False)
