"""Gradients by central differences in float64, for every function that has one."""

import itertools

import numpy as np
import pytest

import cpool
from cpool import reference


def numerical(function, x, grad, step=1e-6):
    """Return the gradient of sum(grad * function(x))."""
    gradient = np.empty_like(x)
    flat = x.reshape(-1)
    for i in range(flat.size):
        kept = flat[i]
        flat[i] = kept + step
        above = (grad * function(x)).sum()
        flat[i] = kept - step
        below = (grad * function(x)).sum()
        flat[i] = kept
        gradient.reshape(-1)[i] = (above - below) / (2 * step)
    return gradient


def spaced(shape, seed=0):
    """Return positive values no two of which are closer than a step."""
    n = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(n) + 1.0).reshape(shape) / n + 0.1


SHAPES = {1: (2, 9), 2: (2, 6, 7), 3: (1, 4, 5, 3)}


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(("k", "s", "p"), [(2, 2, 0), (3, 2, 1), (3, 1, 1)])
def test_max_min_and_average(ndim, k, s, p):
    x = spaced(SHAPES[ndim])
    backward = getattr(cpool, f"max_pool{ndim}d_backward")
    for op in ("max", "min"):
        pool = getattr(cpool, f"{op}_pool{ndim}d")
        y, indices = pool(x, k, s, p, return_indices=True)
        grad = spaced(y.shape, 1)
        expected = numerical(lambda a, pool=pool: pool(a, k, s, p), x, grad)
        np.testing.assert_allclose(backward(grad, indices, x.shape), expected, rtol=1e-5, atol=1e-7)
    pool, backward = getattr(cpool, f"avg_pool{ndim}d"), getattr(cpool, f"avg_pool{ndim}d_backward")
    for include in (True, False):
        grad = spaced(pool(x, k, s, p).shape, 1)
        expected = numerical(lambda a, i=include: pool(a, k, s, p, count_include_pad=i), x, grad)
        ours = backward(grad, x.shape, k, s, p, count_include_pad=include)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("norm", [1, 2, 3, 1.5, -1, np.inf])
@pytest.mark.parametrize(("k", "s", "p"), [(2, 2, 0), (3, 1, 1)])
def test_norms(ndim, norm, k, s, p):
    x = spaced(SHAPES[ndim])
    pool, backward = getattr(cpool, f"lp_pool{ndim}d"), getattr(cpool, f"lp_pool{ndim}d_backward")
    y = pool(x, norm, k, s, padding=p)
    grad = spaced(y.shape, 1)
    ours = backward(grad, x, y, norm, k, s, padding=p)
    expected = numerical(lambda a: pool(a, norm, k, s, padding=p), x, grad)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-7)
    if np.isfinite(norm):
        slow = getattr(reference, f"lp_pool{ndim}d_backward")(grad, x, y, norm, k, s, padding=p)
        np.testing.assert_allclose(ours, slow, rtol=1e-9)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_adaptive(ndim):
    x = spaced(SHAPES[ndim])
    pool, backward = (getattr(cpool, f"adaptive_avg_pool{ndim}d{b}") for b in ("", "_backward"))
    grad = spaced(pool(x, 3).shape, 1)
    np.testing.assert_allclose(backward(grad, x.shape), numerical(lambda a: pool(a, 3), x, grad), rtol=1e-5)
    pool, backward = getattr(cpool, f"adaptive_max_pool{ndim}d"), getattr(cpool, f"max_pool{ndim}d_backward")
    _, indices = pool(x, 3, return_indices=True)
    expected = numerical(lambda a: pool(a, 3), x, grad)
    np.testing.assert_allclose(backward(grad, indices, x.shape), expected, rtol=1e-5, atol=1e-7)


def test_norm_of_nothing_has_no_slope():
    x = np.zeros((1, 4, 4))
    for p in (0.5, 1, 2, 3, -1):
        y = np.zeros((1, 2, 2))
        np.testing.assert_array_equal(cpool.lp_pool2d_backward(y + 1, x, y, p, 2), x)


LAYERS = [
    (cpool.MaxPool2d(3, 2, 1), "max_pool2d"),
    (cpool.MinPool2d(2), "min_pool2d"),
    (cpool.AvgPool2d(3, 2, 1, False, False), "avg_pool2d"),
    (cpool.LpPool2d(2, 3, 1), "lp_pool2d"),
    (cpool.AdaptiveMaxPool2d(3), "adaptive_max_pool2d"),
    (cpool.AdaptiveAvgPool2d((2, None)), "adaptive_avg_pool2d"),
]


@pytest.mark.parametrize(("layer", "name"), LAYERS, ids=lambda v: v if isinstance(v, str) else "")
def test_layers(layer, name):
    x = spaced((2, 3, 6, 7))
    with pytest.raises(RuntimeError, match="before forward"):
        type(layer)(**{p: getattr(layer, p) for p in layer._parameters}).backward(x)
    y = layer(x)
    arguments = {p: getattr(layer, p) for p in layer._parameters}
    np.testing.assert_array_equal(y, getattr(cpool, name)(x, **arguments))
    grad = spaced(y.shape, 1)
    np.testing.assert_allclose(layer.backward(grad), numerical(layer, x, grad), rtol=1e-5, atol=1e-7)


def test_unpool_layer():
    y, indices = cpool.max_pool2d(spaced((2, 3, 6, 6)), 2, return_indices=True)
    layer = cpool.MaxUnpool2d(2)
    back = layer(y, indices)
    grad = spaced(back.shape, 1)
    np.testing.assert_allclose(layer.backward(grad), numerical(lambda a: cpool.max_unpool2d(a, indices, 2), y, grad))


def test_fractional_layer():
    x = spaced((2, 3, 9, 9))
    layer = cpool.FractionalMaxPool2d(2, output_ratio=0.6, rng=0)
    y = layer(x)
    gx = layer.backward(np.ones_like(y))
    assert gx.shape == x.shape
    assert gx.sum() == y.size


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_planes_of_width_one_that_lie_apart(ndim):
    """Rows of one element are dense by themselves, but need not follow one another (found by fuzzing)."""
    shape = (2, 40, *(1,) * (ndim - 1))
    x = np.asfortranarray(np.random.default_rng(0).standard_normal(shape))
    out = np.full((2, 2 * 20, *(1,) * (ndim - 1)), np.nan)[:, ::2]
    kernel = (2, *(1,) * (ndim - 1))
    y, indices = getattr(cpool, f"max_pool{ndim}d")(x, kernel, return_indices=True)
    expected, _ = getattr(reference, f"max_pool{ndim}d")(x, kernel, return_indices=True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(getattr(cpool, f"max_pool{ndim}d")(x, kernel, out=out), expected)
    np.testing.assert_array_equal(getattr(cpool, f"max_pool{ndim}d")(x, kernel), expected)
    gx = getattr(cpool, f"max_pool{ndim}d_backward")(y, np.ascontiguousarray(indices), shape)
    np.testing.assert_array_equal(gx, getattr(reference, f"max_pool{ndim}d_backward")(y, indices, shape))


@pytest.mark.parametrize("planes", [1, 5])
def test_elements_behind_the_last_winner(planes, threads):
    """They are 0, whatever `out` held."""
    indices = np.arange(64 * planes).reshape(planes, 8, 8) % 900 + 1000
    out = np.full((planes, 128, 128), 7, np.float32)  # farther than is zeroed ahead
    gx = cpool.max_pool2d_backward(np.ones(indices.shape, np.float32), indices, out.shape, out=out)
    assert gx.sum() == 64 * planes
    assert np.count_nonzero(gx) == 64 * planes


def test_sums_that_are_nan_in_a_plane_that_threads_share(threads):
    """There is one NaN, whose bits are the same wherever in the plane it is, and whoever adds there."""
    indices = np.arange(256 * 256).reshape(256, 256) * 4
    indices[::50, 5] = indices[::50, 4]
    grad = np.ones((256, 256), np.float32)
    grad[::50, 4], grad[::50, 5] = np.inf, -np.inf
    got = cpool.max_pool2d_backward(grad, indices, (512, 512))
    expected = np.zeros((512, 512), np.float32)
    expected.reshape(-1)[indices] = 1
    expected.reshape(-1)[indices[::50, 4]] = np.nan
    assert (got.view(np.int32) == expected.view(np.int32)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_elements_that_win_many_windows(dtype, index_dtype):
    """In rows of several hundred outputs: sums of what follows in a row, in the order of the outputs, bit for bit."""
    rng = np.random.default_rng(3)
    runs = np.repeat(rng.integers(0, 900, 150), rng.integers(1, 40, 150))
    for n in (65, 300, 1000, runs.size):
        indices = np.ascontiguousarray(np.tile(runs[:n], (2, 1)), index_dtype)
        indices[1] = rng.permutation(indices[1])  # and few of them in a row
        grad = rng.standard_normal((2, n)).astype(dtype)
        expected = np.zeros((2, 900), dtype)
        for plane in range(2):
            np.add.at(expected[plane], indices[plane], grad[plane])
        for width in (n, 1):  # one row of outputs, or as many
            shape = (2, n // width, width)
            got = cpool.max_pool2d_backward(grad.reshape(shape), indices.reshape(shape), (2, 30, 30))
            np.testing.assert_array_equal(got.reshape(2, 900), expected)
    bad = indices.copy()
    bad[0, -1] = 900
    with pytest.raises(ValueError, match="indices must lie in the plane, 0 to 899"):
        cpool.max_pool1d_backward(grad, bad, (2, 900))


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_short_axes_under_far_padding(ceil_mode):
    """Gradients along axes of one and two elements, where windows reach far into padding, are those of the matrix that
    averages are."""
    for size, kernel, stride, dilation, before, behind in itertools.product((1, 2), (2, 3), (1, 2, 3), (1, 2, 4),
                                                                          (0, 2, 5), (0, 3, 5)):  # fmt: skip
        given = dict(padding=[(before, behind)], dilation=dilation, ceil_mode=ceil_mode)
        try:
            matrix = cpool.avg_pool1d(np.eye(size), kernel, stride, **given)  # row i: what element i gives
        except ValueError:  # no window
            continue
        grad = np.arange(1.0, matrix.shape[1] + 1)
        ours = cpool.avg_pool1d_backward(grad, (size,), kernel, stride, **given)
        np.testing.assert_allclose(ours, matrix @ grad, rtol=1e-12)
