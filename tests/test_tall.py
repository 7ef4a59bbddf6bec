"""Windows that share results along H ("band flat") and along W ("flat"): every height around powers of 2, dilation,
padding; those that move by more than 1."""

import numpy as np
import pytest
from cases import LAYOUTS, difficult, laid_out

import cpool
from cpool import reference

#: Rows shorter than a vector, as long as several, and with a rest.
WIDTHS = [7, 33, 130]


def views(x, kernel, dilation):
    """Return all windows of the last two axes, each as one axis in row-major order."""
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(-2, -1))[..., :: dilation[0], :: dilation[1]]
    return windows.reshape(*windows.shape[:-2], -1)


def maxima(x, kernel, padding=(0, 0), dilation=(1, 1)):
    """Return maxima and indices of floats by torch's rule: the first of equal values, but the last NaN."""
    around = [(0, 0), *((p, p) for p in padding)]
    plane = np.arange(x[0].size).reshape(1, *x[0].shape)
    values = views(np.pad(x, around, constant_values=-np.inf), kernel, dilation)
    inside = views(np.pad(plane, around, constant_values=-1), kernel, dilation)
    nan = np.isnan(values)
    # among values that are all -inf, what is padding does not count
    first = np.where(
        nan.any(-1),
        values.shape[-1] - 1 - nan[..., ::-1].argmax(-1),
        ((values == values.max(-1, keepdims=True)) & (inside >= 0)).argmax(-1),
    )
    places = np.take_along_axis(np.broadcast_to(inside, values.shape), first[..., None], -1)[..., 0]
    return values.max(-1), places


def is_band_flat(name, *arguments, **keywords):
    """Whether a call takes the strategy that is tested here."""
    return cpool.explain(getattr(cpool, name), *arguments, **keywords).strategies[-2] == "band flat"


def agree(x, kernel, padding=(0, 0), dilation=(1, 1)):
    """Check maxima and minima, with places and without; return whether they were made in the manner that is tested."""
    expected, places = maxima(x, kernel, padding, dilation)
    arguments = dict(kernel_size=kernel, stride=1, padding=padding, dilation=dilation)
    ours, at = cpool.max_pool2d(x, **arguments, return_indices=True)
    np.testing.assert_array_equal(ours, expected, strict=True)
    np.testing.assert_array_equal(at, places, strict=True)
    np.testing.assert_array_equal(cpool.max_pool2d(x, **arguments), expected, strict=True)
    ours, at = cpool.min_pool2d(-x, **arguments, return_indices=True)
    np.testing.assert_array_equal(-ours, expected, strict=True)
    np.testing.assert_array_equal(at, places, strict=True)
    np.testing.assert_array_equal(-cpool.min_pool2d(-x, **arguments), expected, strict=True)
    return is_band_flat("max_pool2d", x, **arguments) and is_band_flat("min_pool2d", x, **arguments)


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [9, 10, 16, 17])
def test_every_height(kernel, dilation, threads):
    span = (kernel - 1) * dilation + 1
    for height in (span, span + 1, 2 * span - 1, 2 * span, 2 * span + 1, 3 * span + 2):
        for padding in {0, kernel // 4, kernel // 2}:
            for width in WIDTHS:
                x = difficult((2, height, width), "float32", seed=height)
                taken = agree(x, (kernel, 2), (padding, 0), (dilation, 1))
                assert taken == (height + 2 * padding - span + 1 > 4)  # else nothing is shared


@pytest.mark.parametrize("kernel", [(40, 1), (151, 1), (25, 7)])
def test_more_rows_than_one_part_of_a_plane(kernel, threads):
    assert agree(difficult((1, 300, 290), "float32"), kernel)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "uint16", "int8"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_dtype(width, dtype):
    x = difficult((2, 14, width), "float32", seed=width)
    x = x.astype(dtype) if np.dtype(dtype).kind == "f" else np.nan_to_num(x, posinf=9, neginf=0).astype(dtype)
    given = dict(kernel_size=(9, 2), stride=1, padding=(3, 1))
    assert is_band_flat("max_pool2d", x, **given)
    expected, places = reference.max_pool2d(x, **given, return_indices=True)
    ours, at = cpool.max_pool2d(x, **given, return_indices=True)
    np.testing.assert_array_equal(ours, expected, strict=True)
    np.testing.assert_array_equal(at, places, strict=True)
    np.testing.assert_array_equal(cpool.max_pool2d(x, **given), expected, strict=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout):
    x = difficult((3, 19, 131), "float32")
    kernel, padding = (9, 9), (4, 4)  # in Fortran order columns are rows
    expected, places = maxima(x, kernel, padding)
    for given in (laid_out(x, layout), laid_out(x, layout).astype(x.dtype.newbyteorder("="))):
        assert is_band_flat("max_pool2d", given, kernel, 1, padding)
        ours, at = cpool.max_pool2d(given, kernel, 1, padding, return_indices=True)
        np.testing.assert_array_equal(ours, expected)
        np.testing.assert_array_equal(at, places)
        np.testing.assert_array_equal(cpool.max_pool2d(given, kernel, 1, padding), expected)


def test_depth_and_magnitudes():
    """Of windows with depth every slab is reduced; the norm of infinite power takes magnitudes first."""
    x = difficult((2, 4, 14, 40), "float32")
    assert is_band_flat("max_pool3d", x, (2, 9, 1), 1)
    expected, places = reference.max_pool3d(x, (2, 9, 1), 1, return_indices=True)
    ours, at = cpool.max_pool3d(x, (2, 9, 1), 1, return_indices=True)
    np.testing.assert_array_equal(ours, expected)
    np.testing.assert_array_equal(at, places)
    np.testing.assert_array_equal(cpool.max_pool3d(x, (2, 9, 1), 1), expected)
    x = np.random.default_rng(0).standard_normal((2, 14, 40)).astype("float32")
    assert is_band_flat("lp_pool2d", x, np.inf, (9, 1), 1)
    np.testing.assert_array_equal(cpool.lp_pool2d(x, np.inf, (9, 1), 1), cpool.max_pool2d(abs(x), (9, 1), 1))


@pytest.mark.parametrize("kernel", [*range(9, 24), 31, 33, 50, 63, 64, 70])
def test_sums_of_every_length(kernel):
    """Along H and along W: blocks of powers of 4, and what is left over of them. Whole numbers have exact sums."""
    x = np.random.default_rng(0).integers(-99, 99, (2, kernel + 40, 60)).astype(np.float32)
    assert is_band_flat("avg_pool2d", x, (kernel, 1), 1)
    assert cpool.explain(cpool.avg_pool1d, x.mT.copy(), kernel, 1).strategies == ("flat",)
    given = dict(stride=1, divisor_override=1)
    expected = np.lib.stride_tricks.sliding_window_view(x, kernel, 1).sum(-1)
    np.testing.assert_array_equal(cpool.avg_pool2d(x, (kernel, 1), **given), expected)
    np.testing.assert_array_equal(cpool.avg_pool1d(x.mT.copy(), kernel, **given).mT, expected)


@pytest.mark.parametrize("kernel", [*range(9, 24), 31, 33, 50, 63, 64, 70])
def test_places_of_every_length(kernel):
    """Along W: blocks of powers of 4, of which the last overlaps the one before."""
    x = np.random.default_rng(0).integers(-99, 99, (3, kernel + 60)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, -1)
    y, at = cpool.max_pool1d(x, kernel, 1, return_indices=True)
    np.testing.assert_array_equal(y, windows.max(-1))
    np.testing.assert_array_equal(at, windows.argmax(-1) + np.arange(y.shape[1]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [31, 60, 130])
def test_averages_of_more_than_caches_hold(width, dtype, threads):
    """Then what comes next is asked for, piece by piece; the sums are those of fewer planes."""
    x = np.random.default_rng(3).random((-(-(9 << 20) // (40 * width * np.dtype(dtype).itemsize)), 40, width), dtype)
    for out in (1, 3):
        whole = cpool.adaptive_avg_pool2d(x, out)
        parts = [cpool.adaptive_avg_pool2d(part, out) for part in np.array_split(x, 5)]
        np.testing.assert_array_equal(whole, np.concatenate(parts), strict=True)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64"])
@pytest.mark.parametrize("stride", [2, 3, 7])
def test_windows_that_move_by_more(stride, dtype, threads):
    """Along H, and along W of one number a column, of a few channels, and of so many that they are a vector."""
    rng = np.random.default_rng(0)
    for kernel in (24 * stride, 25 * stride + 1, 31 * stride):
        x = rng.integers(0, 99, (kernel + 200 * stride, 37)).astype(dtype)
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel, 0)[::stride]
        values, places = windows.max(-1), windows.argmax(-1) + stride * np.arange(len(windows))[:, None]
        variances = windows.var(-1, dtype=float)
        assert is_band_flat("max_pool2d", x, (kernel, 1), (stride, 1))
        np.testing.assert_array_equal(cpool.max_pool2d(x, (kernel, 1), (stride, 1)), values)
        np.testing.assert_allclose(cpool.var_pool2d(x, (kernel, 1), (stride, 1)), variances, rtol=1e-5)
        for channels in (1, 3, 37):
            given = dict(stride=stride, axis=0)
            some = np.ascontiguousarray(x[:, :channels])
            for more in ({}, {"return_indices": True}):
                assert cpool.explain(cpool.max_pool1d, some, kernel, **given, **more).strategies == ("flat",)
            ours, at = cpool.max_pool1d(some, kernel, **given, return_indices=True)
            np.testing.assert_array_equal(ours, values[:, :channels])
            np.testing.assert_array_equal(at, places[:, :channels])
            np.testing.assert_array_equal(cpool.max_pool1d(some, kernel, **given), values[:, :channels])
            ours = cpool.avg_pool1d(some, kernel, **given, dtype=float)
            np.testing.assert_allclose(ours, windows[:, :channels].mean(-1, dtype=float), rtol=1e-12)
            np.testing.assert_allclose(cpool.var_pool1d(some, kernel, **given), variances[:, :channels], rtol=1e-5)


@pytest.mark.parametrize("channels", [2, 3, 7])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(170, 170, 0), (900, 450, 9), (9001, 9000, 1), (128, 100, 64)]
)
def test_long_windows_of_few_channels(channels, kernel, stride, padding, threads):
    """Each channel is a row of its own: the same bits as those of an array in which it is one."""
    x = difficult((2 * kernel + 90, channels), "float32")
    pools = [cpool.max_pool1d, cpool.avg_pool1d]
    if not padding and channels < 4:  # of doubles more are a vector
        pools.append(cpool.var_pool1d)
    for pool in pools:
        assert cpool.explain(pool, x, kernel, stride, padding, axis=0).strategies == ("long",)
        ours = pool(x, kernel, stride, padding, axis=0)
        np.testing.assert_array_equal(ours, pool(x.T.copy(), kernel, stride, padding).T)


def test_long_windows_side_by_side_need_little_room():
    x = np.zeros(2 * 10**8, np.uint8)
    for pool in (cpool.max_pool1d, cpool.avg_pool1d, cpool.var_pool1d):
        for axes in (x, x.reshape(-1, 2), x.reshape(-1, 20)):
            assert cpool.explain(pool, axes, len(axes) // 2, axis=0).scratch_bytes < 10**6
            assert cpool.explain(pool, axes, len(axes) // 4, len(axes) // 100, axis=0).scratch_bytes < 10**6
