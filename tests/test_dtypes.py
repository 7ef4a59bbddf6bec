"""Every dtype: max and min keep it, averages of floats keep it, averages of integers are exact in float64."""

import numpy as np
import pytest

import cpool
from cpool import reference

ml_dtypes = pytest.importorskip("ml_dtypes")
INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
HALVES = [np.float16, ml_dtypes.bfloat16]
LAYOUTS = ["C", "channels-last", "reversed"]


def array(dtype, layout, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    shape = (2, 3, 13, 19)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        x = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    else:
        x = (rng.standard_normal(shape) * 3).astype(dtype)
    if layout == "channels-last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return x[..., ::-1] if layout == "reversed" else x


def windows(x, k, s, p, fill):
    """Return the windows of the padded array as the last axis, in row-major order."""
    padded = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)], constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (k, k), (2, 3))[:, :, ::s, ::s]
    return view.reshape(*view.shape[:4], -1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("geometry", [(2, 2, 0), (3, 2, 1), (5, 1, 2)])
@pytest.mark.parametrize("dtype", [*INTEGERS, *HALVES])
def test_max_and_min(dtype, geometry, layout, threads):
    k, s, p = geometry
    x = array(dtype, layout)
    kind = np.dtype(dtype).kind
    low, high = (False, True) if kind == "b" else (-np.inf, np.inf)
    if kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    for op, fill in [("max", low), ("min", high)]:
        pool = getattr(cpool, f"{op}_pool2d")
        y = pool(x, k, s, p)
        assert y.dtype == x.dtype
        expected = getattr(windows(x, k, s, p, fill), op)(-1)
        np.testing.assert_array_equal(y, expected)
        z, indices = pool(x, k, s, p, return_indices=True)
        np.testing.assert_array_equal(z, y)
        flat = np.ascontiguousarray(x).reshape(2, 3, -1)
        np.testing.assert_array_equal(np.take_along_axis(flat, indices.reshape(2, 3, -1), -1), y.reshape(2, 3, -1))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_averages_of_integers(dtype, layout):
    x = array(dtype, layout)
    y = cpool.avg_pool2d(x, 3, 2, 1)
    assert y.dtype == np.float64
    expected = windows(x, 3, 2, 1, 0).astype(np.float64).mean(-1)
    np.testing.assert_allclose(y, expected, rtol=1e-14, atol=0 if np.dtype(dtype).itemsize < 8 else 1e4)


@pytest.mark.parametrize(("dtype", "kernel", "divisor"), [
    ("uint8", 2, None), ("uint8", 3, None), ("int8", 2, 7), ("uint8", 181, None), ("uint16", 11, None), ("int16", 5, 3),
    ("uint16", 12, None), ("bool", 2, None), ("int32", 3, None),
])  # fmt: skip
def test_integers_of_averages_are_rounded_half_to_even(dtype, kernel, divisor):
    """Also where sums are taken in float32: against integer arithmetic."""
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype if dtype != "bool" else "uint8")
    x = rng.integers(info.min, info.max, (3, 2 * kernel + 40, 2 * kernel + 40), endpoint=True, dtype=info.dtype)
    x[1] = info.max - rng.integers(0, 2, x[1].shape, dtype=info.dtype)  # sums as large as they get
    x = x.astype(dtype)
    wanted = np.int64 if dtype == "bool" else dtype
    y = cpool.avg_pool2d(x, kernel, 1, divisor_override=divisor, dtype=wanted)
    sums = np.lib.stride_tricks.sliding_window_view(x.astype(np.int64), (kernel, kernel), (1, 2)).sum((-1, -2))
    n = divisor or kernel**2
    q, r = np.divmod(sums, n)
    q += (2 * r > n) | ((2 * r == n) & (q % 2 == 1))
    np.testing.assert_array_equal(y, np.clip(q, np.iinfo(wanted).min, np.iinfo(wanted).max))


@pytest.mark.parametrize("dtype", HALVES)
def test_averages_of_halves_are_summed_as_float32(dtype):
    """A float16 sum of ones stalls at 2048."""
    x = np.ones((1, 64, 64), dtype)
    assert cpool.avg_pool2d(x, 64) == 1
    x = array(dtype, "C")
    expected = windows(x.astype(np.float32), 3, 1, 0, 0).mean(-1).astype(dtype)
    y = cpool.avg_pool2d(x, 3, 1)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y.astype(np.float32), expected.astype(np.float32), rtol=2**-7)


@pytest.mark.parametrize("dtype", [*HALVES, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(70, 1), (3, 70, 1, 1), (70, 1, 2)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_gradients_of_one_element_stay_in_their_array(dtype, shape, outputs, threads):
    """The stride of an axis of one element may be anything; here it leads behind the array."""
    whole = np.full(np.prod(shape) * 100, 7, dtype)
    item = whole.itemsize
    strides = [n * item for n in np.cumprod((1, *shape[:0:-1]))[::-1]]
    strides = [n if size > 1 else 16 * item for n, size in zip(strides, shape, strict=True)]
    out = np.lib.stride_tricks.as_strided(whole, shape, strides)
    g = np.ones((*shape[:-1], outputs), dtype)
    at = np.zeros(g.shape, np.int64)
    cpool.max_pool1d_backward(g, at, shape, out=out)
    expected = np.zeros(shape)
    expected[..., 0] = outputs
    np.testing.assert_array_equal(out.astype("f8"), expected)
    assert (whole[np.prod(shape) :] == 7).all()


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 21])
@pytest.mark.parametrize("shape", [(2, 45, 43, 8), (1, 43, 47, 37), (1, 44, 30, 600)])
def test_averages_of_halves_with_channels_last(dtype, kernel, shape, threads):
    """Widened as they are summed, or before: the same sums, to the last bit, as of floats; of padding and NaN too. As
    doubles they are loaded."""
    rng = np.random.default_rng(kernel)
    x = rng.standard_normal(shape).astype(dtype)
    x.view(np.uint16)[rng.random(shape) < 0.001] = 0xFFFF  # NaN, negative and not the one there is
    for windows in (
        ((kernel, 3), (kernel, 3), (0, 1), True, True), ((kernel, 3), (kernel + 1, 3), (kernel // 2, 1), True, False),
        ((kernel, 1), (kernel, 1), 0, True, True),
    ):  # fmt: skip
        found = cpool.avg_pool2d(x, *windows, axis=(1, 2))
        expected = cpool.avg_pool2d(x.astype(np.float32), *windows, axis=(1, 2))
        np.testing.assert_array_equal(found.view(np.uint16), halves_of(expected, dtype))
        found, expected = (cpool.avg_pool2d(a, *windows, axis=(1, 2), dtype=np.float64) for a in (x, x.astype("f8")))
        np.testing.assert_array_equal(found, expected)
    found = cpool.adaptive_avg_pool2d(x, (3, 4), axis=(1, 2))
    expected = cpool.adaptive_avg_pool2d(x.astype(np.float32), (3, 4), axis=(1, 2))
    np.testing.assert_array_equal(found.view(np.uint16), halves_of(expected, dtype))


@pytest.mark.parametrize("dtype", HALVES)
def test_doubles_are_rounded_once_to_halves(dtype):
    """Not to a float in between: these are a little more than the middle between two numbers, which floats are not."""
    one = np.float64(np.ones((), dtype))
    ulp = np.float64(np.spacing(np.ones((), dtype))) if dtype is np.float16 else 2.0**-7
    x = np.array([1 + ulp / 2 + 2**-40, -1 - ulp / 2 - 2**-40, 1 + ulp / 2, 1 + 1.5 * ulp - 2**-40, 1e-300, 1e300])
    expected = [one + ulp, -one - ulp, one, one + ulp, 0, np.inf]
    for pool in (cpool.median_pool1d, cpool.avg_pool1d):
        np.testing.assert_array_equal(pool(x, 1, dtype=dtype).astype("f8"), expected)


def halves_of(numbers, dtype):
    """The bits of numbers as floats of two bytes, of zeros and NaN the one there is."""
    with np.errstate(over="ignore", invalid="ignore"):
        y = numbers.astype(dtype)
    y[np.isnan(y)] = np.nan
    return np.where(y == 0, np.zeros((), dtype), y).view(np.uint16)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("layout", ["C", "channels last"])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride"),
    [
        ((70, 3, 4, 2), 2, 2), ((40, 5, 3, 3), 2, 1), ((2, 3, 37, 41), 3, 2), ((1, 1, 421, 400), 2, 2),
        ((1, 1, 421, 400), 3, 1), ((3, 1, 390, 350), 3, 2), ((1, 96, 19, 23), 3, 3), ((1, 96, 19, 23), 3, 2),
        ((2, 130, 70, 65), 3, 1), ((2, 130, 70, 65), 2, 2), ((1, 4000, 12, 12), 3, 1), ((5, 7, 13, 1), 1, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("odd", [False, True])
def test_gradients_of_halves_are_sums_of_floats(dtype, layout, shape, kernel, stride, odd, threads):
    """Alone or not, in place or aside, of small planes, large ones and channels."""
    rng = np.random.default_rng(0)
    x = rng.permutation(np.prod(shape)).reshape(shape).astype(np.float32)
    y, at = cpool.max_pool2d(x, (kernel, 1) if shape[3] == 1 else kernel, stride, return_indices=True)
    g = rng.standard_normal(y.shape).astype(np.float32)
    if odd:
        for value in (np.nan, np.inf, -np.inf, 0, -0.0, 1e-7):
            g[rng.random(g.shape) < 0.02] = value
    g = g.astype(dtype)
    if layout != "C":
        g, at = (np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1) for a in (g, at))
    expected = halves_of(cpool.max_pool2d_backward(g.astype(np.float32), at, shape), dtype)
    # The last one's strides of axes of one element say nothing.
    outs = (None, np.empty(shape, dtype), np.empty((*shape, 2), dtype)[..., 0], np.empty(shape[::-1], dtype).T)
    for out in outs:
        found = cpool.max_pool2d_backward(g, at, shape, out=out)
        np.testing.assert_array_equal(found.copy().view(np.uint16), expected)
    at[-1, -1, -1, -1] = shape[2] * shape[3]
    with pytest.raises(ValueError, match="indices"):
        cpool.max_pool2d_backward(g, at, shape)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("empty", [(2, 2, 0), (0, 2, 2), (0, 0, 0)])
def test_gradients_of_no_halves_are_zeros(dtype, empty):
    """There is nothing to load."""
    gx = cpool.adaptive_avg_pool3d_backward(np.ones((3, *empty), dtype), (3, 2, 2, 1))
    assert (gx.astype("f4") == np.zeros((3, 2, 2, 1))).all()


def test_every_float16_survives(monkeypatch):
    """Conversion and back: all 65536 of them, of zeros and NaN the one there is."""
    x = np.arange(65536, dtype=np.uint16).view(np.float16).reshape(1, 256, 256)
    y = cpool.max_pool2d(x, 1)
    expected = np.where(np.isnan(x), 0x7E00, np.where(x == 0, 0, x.view(np.uint16)))
    assert (y.view(np.uint16) == expected).all()
    np.testing.assert_array_equal(cpool.avg_pool2d(x, 1)[~np.isnan(x)], x[~np.isnan(x)])


def test_ties_at_the_lowest_integer_stand_inside_the_input():
    x = np.full((1, 4, 4), -128, np.int8)
    _, indices = cpool.max_pool2d(x, 3, 1, 1, return_indices=True)
    np.testing.assert_array_equal(indices[0], [[0, 0, 1, 2], [0, 0, 1, 2], [4, 4, 5, 6], [8, 8, 9, 10]])


@pytest.mark.parametrize(
    "divisor", [1, 2, 3, 4, 6, 7, 9, 10, 16, 49, 64, 100, 256, 257, 300, 1000, 32768, 40000, 65535]
)
def test_averages_of_bytes_are_bytes(divisor):
    """Every sum that 2 bytes hold, divided by powers of two, odd numbers, and others: half to even, 255 at most."""
    for taps in (1, 2, 9, 64, 257):
        sums = np.arange(255 * taps + 1)
        x = np.clip(sums[:, None] - 255 * np.arange(taps), 0, 255).astype(np.uint8)
        y = cpool.avg_pool1d(x, taps, divisor_override=divisor, dtype=np.uint8)
        np.testing.assert_array_equal(y[:, 0], np.minimum(np.rint(sums / divisor), 255))


@pytest.mark.parametrize("divisor", [1, 2, 3, 4, 6, 9, 27, 64, 100, 256, 1000, 4096, 32767, 32768, 40000])
def test_averages_of_integers_of_2_bytes_are_such_integers(divisor):
    """Sums next to the middle between two quotients, and the largest."""
    for taps in (1, 2, 9, 64, 1024):
        most = 65535 * taps
        near = np.arange(divisor // 2, most + 1, divisor)[:, None] + [-1, 0, 1]
        sums = np.unique(np.concatenate([near.ravel()[:: 1 + near.size // 3000], np.arange(most - 300, most + 1)]))
        sums = sums[(sums >= 0) & (sums <= most)]
        x = np.clip(sums[:, None] - 65535 * np.arange(taps), 0, 65535).astype(np.uint16)
        y = cpool.avg_pool1d(x, taps, divisor_override=divisor, dtype=np.uint16)
        np.testing.assert_array_equal(y[:, 0], np.minimum(np.rint(sums / divisor), 65535))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("laid", [np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, -1)[..., ::2]])
@pytest.mark.parametrize(
    "window",
    [(2,), (3, 2), (3, 1, 1), ((2, 5), (1, 3)), ((1, 4),), ((5, 1), 1), ((17, 15), 1, 0), ((16, 16), 1),
     ((17, 16), 1), ((11, 2), 1), ((11, 3), (1, 2)), (3, 2, 1, True), (3, 1, 1, False, False),
     (2, 2, 0, False, True, -3), (2, 2, 0, False, True, 70000), ((17, 16), 1, 0, False, True, 200)],
)  # fmt: skip
def test_bytes_are_averaged_in_every_layout(window, laid, dtype):
    """Also where their sums do not fit, divisors differ, or are no divisors of bytes."""
    most = np.iinfo(dtype).max
    x = np.random.default_rng(3).integers(0, most, (3, 2, 19, 70), dtype, endpoint=True)
    x[0, 0] = most
    for axis in (None, (0, 3), (1, 2)):
        kernel = window[0]
        if axis is not None and max(np.ravel(kernel)) > 2:
            continue
        y = cpool.avg_pool2d(laid(x), *window, axis=axis, dtype=dtype)
        np.testing.assert_array_equal(y, reference.avg_pool2d(x, *window, axis=axis, dtype=dtype))
