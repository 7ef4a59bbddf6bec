"""What planted faults were once not noticed for: rare geometries, far places, cuts between threads, kept calls."""

import copy
import inspect
import itertools
import pickle

import numpy as np
import pytest
from cases import channels_last

import cpool
from cpool import reference


def whole(shape, dtype=np.float32, seed=0):
    """Return small whole numbers, of which sums are exact in any order."""
    return np.random.default_rng(seed).integers(-99, 99, shape).astype(dtype)


def same(ours, theirs):
    np.testing.assert_array_equal(ours, theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype


# --------------------------------------------------------------------------------------------------------- geometry

ASYMMETRIC = [
    dict(kernel_size=2, stride=2, padding=((1, 0), (1, 0))),  # as many outputs as tiles would make
    dict(kernel_size=2, stride=2, padding=((0, 0), (1, 0))),
    dict(kernel_size=2, stride=1, padding=((0, 1), (0, 1))),  # as many outputs as inputs, and nothing in front
    dict(kernel_size=(1, 3), stride=1, padding=((0, 0), (0, 2))),
    dict(kernel_size=3, stride=3, padding=((1, 0), (2, 0)), ceil_mode=True),
]


@pytest.mark.parametrize("arguments", ASYMMETRIC)
def test_more_padding_on_one_side(arguments, threads):
    x = whole((3, 4, 6, 8)) - 200  # below 0: padding would win if it could
    for laid in (x, channels_last(x)):
        for name in ("max_pool2d", "min_pool2d"):
            ours = getattr(cpool, name)(laid, **arguments, return_indices=True)
            theirs = getattr(reference, name)(x, **arguments, return_indices=True)
            same(ours[0], theirs[0])
            same(ours[1], theirs[1])
            same(getattr(cpool, name)(laid, **arguments), theirs[0])
        for counted in (True, False):
            given = arguments | dict(count_include_pad=counted)
            y = cpool.avg_pool2d(laid, **given)
            np.testing.assert_allclose(y, reference.avg_pool2d(x, **given), rtol=1e-6)
            g = whole(y.shape, seed=1)
            expected = reference.avg_pool2d_backward(g, x.shape, **given)
            np.testing.assert_allclose(cpool.avg_pool2d_backward(g, x.shape, **given), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("size", [3, 5, 9, 12])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_gradient_of_a_lone_window(size, dilation):
    """Only its taps see it, not what lies between them; and not what is left over behind."""
    kernel = (size - 1) // dilation + 1
    for padding in (0, 1):
        given = dict(kernel_size=kernel, stride=99, padding=padding, dilation=dilation, divisor_override=1)
        y = cpool.avg_pool1d(whole((2, size)), **given)
        assert y.shape == (2, 1)
        g = whole(y.shape, seed=1)
        same(cpool.avg_pool1d_backward(g, (2, size), **given), reference.avg_pool1d_backward(g, (2, size), **given))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("kernel", [64, 513, 600, 1025, 4201])
def test_long_windows(kernel, dilation, dtype, threads):
    """Few windows of very many columns, with a number left over at each halving."""
    span = (kernel - 1) * dilation + 1
    for lead, laid in [((2,), np.asarray), ((1, 9), channels_last)]:
        x = laid(whole((*lead, span + 1000), dtype))
        given = dict(kernel_size=kernel, stride=1000, padding=kernel // 3, dilation=dilation)
        if dilation == 1 and (x.shape[1] == 9) == (kernel == 4201):  # rows by blocks; of channels the longest alone
            for pool in (cpool.max_pool1d, cpool.avg_pool1d):
                assert cpool.explain(pool, x, **given).strategies[-1] in ("long", "singly")
        theirs = reference.max_pool1d(x, **given, return_indices=True)
        ours = cpool.max_pool1d(x, **given, return_indices=True)
        same(ours[0], theirs[0])
        same(ours[1], theirs[1])
        same(cpool.max_pool1d(x, **given), theirs[0])
        given["divisor_override"] = 1
        same(cpool.avg_pool1d(x, **given), reference.avg_pool1d(x, **given))


@pytest.mark.parametrize("along", [dict(kernel_size=3, stride=1), dict(kernel_size=2), dict(kernel_size=5, stride=3)])
def test_rows_that_lie_ready(along, threads):
    """Rows of volumes that are pooled along W alone lie as they would in scratch."""
    given = {name: (1, 1, n) for name, n in along.items()}
    for x in (whole((5, 2, 3, 60)), whole((4, 6, 3, 60))[::2, ::3], whole((3, 4, 5, 60))[:, ::2]):
        for name in ("max_pool3d", "avg_pool3d"):
            same(getattr(cpool, name)(x, **given), getattr(reference, name)(x, **given))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("n", [48, 49, 63, 64, 65, 127, 475, 512, 515, 3001, 8192])
def test_one_number_of_a_row(n, dtype):
    """What fills a last block must not win, nor may a lane that fills no vector be left out."""
    x = -1 - np.arange(3 * n).reshape(3, n)[:, ::-1] % 1000
    for array in (x.astype(dtype), -x.astype(dtype)):
        for name in ("max", "min", "avg"):
            y = getattr(cpool, f"adaptive_{name}_pool1d" if name != "min" else "min_pool1d")
            given = dict(output_size=1) if name != "min" else dict(kernel_size=n)
            numpys = {"max": np.max, "min": np.min, "avg": np.mean}[name]
            np.testing.assert_allclose(y(array, **given)[:, 0], numpys(array.astype(np.float64), -1), rtol=1e-6)
        last = np.zeros((1, n), dtype)
        last[0, -1] = n
        assert cpool.avg_pool1d(last, n).item() == 1


@pytest.mark.parametrize("kernel", [(1, 100), (3, 640)])
def test_gradients_of_long_windows(kernel, threads):
    """Each output divided by its own count, be it seen by hundreds of inputs."""
    shape = (2, 9, 700)
    given = dict(kernel_size=kernel, stride=(1, 1), padding=(0, kernel[1] // 3), count_include_pad=False)
    g = whole(cpool.avg_pool2d(np.zeros(shape, np.float32), **given).shape)
    expected = reference.avg_pool2d_backward(g.astype(np.float64), shape, **given)
    np.testing.assert_allclose(cpool.avg_pool2d_backward(g, shape, **given), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kernel", [(9, 1), (70, 2), (2, 20, 1), (10, 9, 2), (3, 11, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_tall_windows_in_memory_that_is_no_row(kernel, dilation, threads):
    """Rows that must be loaded first, one after the other: trees of trees, over D too."""
    d = len(kernel)
    sizes = tuple((k - 1) * dilation + 1 + more for k, more in zip(kernel, (2, 5, 4)[-d:], strict=True))
    stride = (*(k + 1 for k in kernel[:-1]), 1)
    x = whole((2, *sizes), np.float16)
    given = dict(kernel_size=kernel, stride=stride, dilation=dilation)
    expected = getattr(reference, f"avg_pool{d}d")(x.astype(np.float64), **given, divisor_override=1)
    for laid in (
        x,
        np.repeat(x, 2, -1)[..., ::2],
        x.astype(np.float32)[..., ::-1].copy()[..., ::-1],
        np.asfortranarray(x),
    ):
        y = getattr(cpool, f"avg_pool{d}d")(laid, **given, divisor_override=1, dtype="f4")
        np.testing.assert_array_equal(y, expected)
        y = getattr(cpool, f"max_pool{d}d")(laid, **given)
        np.testing.assert_array_equal(y, getattr(reference, f"max_pool{d}d")(x, **given))


def test_tiles_that_see_more_than_the_first():
    """Windows that begin far in padding: the first tiles see little, and have little scratch, the next ones much."""
    x = whole((3, 9000))
    for kernel, stride in ((3, 1), (12, 5), (2, 2)):
        given = dict(stride=stride, padding=20000, divisor_override=1)
        plan = cpool.explain(cpool.avg_pool1d, x, kernel, **given)
        assert not plan.windows[0].uniform
        assert plan.tiles[1] < plan.shape[1]
        same(cpool.avg_pool1d(x, kernel, **given), reference.avg_pool1d(x, kernel, **given))


@pytest.mark.parametrize("kernel", [(2, 2, 2), (2, 2, 3), (2, 1, 1)])
def test_windows_that_end_behind_the_last_slab(kernel):
    """Many rows are folded at once where they lie, but not where one slab of their windows is padding."""
    x = -1 - np.abs(whole((2, 4, 12, 40)))
    given = dict(stride=2, padding=(1, 0, 0))
    assert cpool.explain(cpool.max_pool3d, x, kernel, **given).strategies[:2] == ("as it lies", "as it lies")
    same(cpool.max_pool3d(x, kernel, **given), reference.max_pool3d(x, kernel, **given))
    given["divisor_override"] = 1
    same(cpool.avg_pool3d(x, kernel, **given), reference.avg_pool3d(x, kernel, **given))


@pytest.mark.parametrize("kernel", [(3, 3, 3), (5, 2, 3), (7, 9, 5), (2, 3, 11)])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_same_sums_in_every_memory_order(kernel, stride, threads):
    """To the bit, of numbers whose sum depends on its order."""
    x = np.random.default_rng(0).standard_normal((3, 5, 9, 10, 12)).astype(np.float32)
    expected = cpool.avg_pool3d(x, kernel, stride)
    for laid in (channels_last(x), np.asfortranarray(x), np.repeat(x, 2, -1)[..., ::2], x[..., ::-1].copy()[..., ::-1]):
        np.testing.assert_array_equal(cpool.avg_pool3d(laid, kernel, stride), expected)
        np.testing.assert_array_equal(cpool.avg_pool3d(laid[1:2], kernel, stride), expected[1:2])


def test_the_search_begins_inside_the_row():
    """Windows of one long row each that begin in padding: what lies in front of them is another row."""
    x = np.full((3, 4, 60), -9.0, np.float32)
    x[..., -3] = 5  # the value that is searched stands in the row above, too
    x[..., 40] = 5
    given = dict(kernel_size=(1, 50), stride=(1, 60), padding=((0, 0), (8, 0)))
    same(cpool.max_pool2d(x, **given, return_indices=True)[1], reference.max_pool2d(x, **given, return_indices=True)[1])


def test_tiles_of_padding_alone(threads):
    """Channels make rows so long that they are cut, and some parts see no input."""
    x = whole((2, 24, 3, 10))
    given = dict(kernel_size=(1, 2), stride=1, padding=((0, 0), (3000, 2500)), divisor_override=1)
    expected = reference.avg_pool2d(x, **given)
    plan = cpool.explain(cpool.avg_pool2d, channels_last(x), **given)
    assert plan.tiles[1] < plan.shape[-1]
    same(cpool.avg_pool2d(channels_last(x), **given), expected)
    same(cpool.avg_pool2d(x, **given), expected)


@pytest.mark.parametrize("kernel", [(3, 3), (5, 2), (9, 9), (3, 25)])
def test_windows_of_more_taps_than_are_compared_at_once(kernel):
    """Channels are lanes: nine taps are compared first, then four at a time, and 64 are pointed to at once."""
    for channels, dtype in itertools.product((16, 200), (np.float32, np.float64, np.int64)):
        x = channels_last(whole((1, channels, 27, 50)))
        ours = cpool.max_pool2d(x.astype(dtype), kernel, return_indices=True)
        for mine, theirs in zip(ours, reference.max_pool2d(x.astype(dtype), kernel, return_indices=True), strict=True):
            same(mine, theirs)


@pytest.mark.parametrize("planes", [23, 24, 27, 31])
def test_the_last_planes_that_are_turned_may_be_few(planes):
    """Rows of fewer planes than a vector has lanes are laid out in another way; scratch has room for both."""
    x = np.random.default_rng(0).integers(0, 99, (planes, 360)).astype(np.int32)
    for more in (dict(kernel_size=106, stride=2), dict(kernel_size=200, stride=1), dict(kernel_size=9, stride=2)):
        ours = cpool.max_pool1d(x, **more, return_indices=True)
        for mine, theirs in zip(ours, reference.max_pool1d(x, **more, return_indices=True), strict=True):
            same(mine, theirs)


PLANES = {
    "rows": ((26, 130, 97), [((3, 3), (2, 2), (1, 1)), ((2, 5), (2, 3), (0, 2)), ((9, 2), (4, 2), (4, 0))]),
    "slabs": ((26, 14, 30, 29), [((3, 3, 3), (2, 2, 2), (1, 1, 1)), ((2, 3, 2), (1, 3, 2), (0, 1, 1))]),
}


@pytest.mark.parametrize("bands", PLANES)
def test_bands_of_planes(bands):
    """Planes too large to be turned at once are turned band by band; of few planes the bits are the same."""
    rng = np.random.default_rng(0)
    shape, windows = PLANES[bands]
    ndim = len(shape) - 1
    max_pool, backward = getattr(cpool, f"max_pool{ndim}d"), getattr(cpool, f"avg_pool{ndim}d_backward")
    adaptive = getattr(cpool, f"adaptive_avg_pool{ndim}d")
    adaptive_backward = getattr(cpool, f"adaptive_avg_pool{ndim}d_backward")
    x = rng.integers(-9, 9, shape).astype(np.float32)

    def check(pool, arrays, *arguments, **keywords):
        """That all planes are turned, in bands, or halved, and that each has the result that it has alone."""
        for layout in arrays:
            job = cpool.explain(pool, layout, *arguments, **keywords).jobs[0]
            assert job.together or (job.kind == "picks" and job.strategy.along == "halves")
            assert job.scratch_bytes < x.nbytes
            together = pool(layout, *arguments, **keywords)
            for i, plane in enumerate(layout):
                alone = pool(plane, *(a[1:] if a[:1] == shape[:1] else a for a in arguments), **keywords)
                for ours, theirs in zip(parts(together), parts(alone), strict=True):
                    same(ours[i], theirs)

    def parts(result):
        return result if isinstance(result, tuple) else (result,)

    for kernel, stride, padding in windows:
        given = dict(kernel_size=kernel, stride=stride, padding=padding)
        check(max_pool, [x, x[..., ::-1, ::-1], x.astype(np.float16)], return_indices=True, **given)
        g = rng.random(max_pool(x, **given).shape, np.float32)
        for counts in (True, False):
            check(backward, [g, g[..., ::-1, ::-1], g.astype(np.float16)], shape, count_include_pad=counts, **given)
    for out in [(9, 33, 21), (17, 50, 40)]:
        check(adaptive, [x], out[-ndim:])
    check(adaptive_backward, [rng.random((26, *(n // 3 for n in shape[1:])), np.float32)], shape)


@pytest.mark.parametrize("channels", [2, 3, 4, 5, 7, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_planes_beside_channels(channels, dtype):
    """Few channels of many small pictures: pictures become channels beside them."""
    x = whole((20, 9, 7, channels)).astype(dtype)
    last = dict(axis=(1, 2))
    for pool, arguments in [
        (cpool.max_pool2d, (2,)), (cpool.avg_pool2d, (3, 2, 1)), (cpool.adaptive_max_pool2d, ((4, 5),)),
    ]:  # fmt: skip
        assert cpool.explain(pool, x, *arguments, **last).planes_at_once
        same(pool(x, *arguments, **last), np.moveaxis(pool(np.moveaxis(x, 3, 1), *arguments), 1, 3))
    ours = cpool.max_pool2d(x[:, ::-1], 3, 2, **last, return_indices=True)
    theirs = reference.max_pool2d(x[:, ::-1], 3, 2, **last, return_indices=True)
    for mine, other in zip(ours, theirs, strict=True):
        same(mine, other)
    if x.dtype.kind == "f":
        g = whole((20, 4, 3, channels)).astype(dtype)
        ours = cpool.avg_pool2d_backward(g, x.shape, 2, **last)
        same(ours, cpool.reference.avg_pool2d_backward(g, x.shape, 2, **last))


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7])
def test_gradients_of_wide_rows(stride, threads):
    """Rows are cut into tiles: each phase of the result goes on where it ended."""
    for padding, dilation in [(0, 1), (2, 1), (1, 2)]:
        given = dict(kernel_size=5, stride=stride, padding=padding, dilation=dilation, divisor_override=1)
        shape = (2, 70_001)
        g = whole(cpool.avg_pool1d(np.zeros(shape, np.float32), **given).shape)
        expected = np.zeros((2, shape[1] + 2 * padding), np.float32)
        for t in range(5):
            expected[:, t * dilation : t * dilation + (g.shape[1] - 1) * stride + 1 : stride] += g
        plan = cpool.explain(cpool.avg_pool1d_backward, g, shape, **given)
        assert plan.strategies[-1] == ("flat" if stride == 1 else "spread")
        assert plan.tiles[1] < shape[1]
        ours = cpool.avg_pool1d_backward(g, shape, **given)
        np.testing.assert_array_equal(ours, expected[:, padding : padding + shape[1]])


@pytest.mark.parametrize("planes", [7, 12])
def test_wide_rows_of_windows_that_follow_no_rule(planes, threads):
    """Rows are turned, or if there are enough planes these."""
    x = whole((planes, 3, 1500))
    for out in [(3, 700), (2, 1499), (5, 1600)]:
        for pool in (cpool.adaptive_max_pool2d, cpool.adaptive_avg_pool2d):
            plan = cpool.explain(pool, x, out)
            assert plan.strategies[-1] == ("turned" if planes < 8 else "rows")
            assert plan.planes_at_once == (0 if planes < 8 else 8)
            assert plan.tiles[1] < out[1]
        ours = cpool.adaptive_max_pool2d(x, out, return_indices=True)
        theirs = reference.adaptive_max_pool2d(x, out, return_indices=True)
        same(ours[0], theirs[0])
        same(ours[1], theirs[1])
        same(cpool.adaptive_max_pool2d(x, out), theirs[0])
        np.testing.assert_allclose(
            cpool.adaptive_avg_pool2d(x, out), reference.adaptive_avg_pool2d(x, out), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fractional_equals_reference(ndim, dtype):
    rng = np.random.default_rng(3)
    for kernel, size in [(2, (6, 7, 5)[:ndim]), (3, (4, 3, 6)[:ndim]), (1, (1, 9, 8)[:ndim])]:
        x = rng.standard_normal((2, 3, *(11, 17, 9)[:ndim])).astype(dtype)
        given = dict(kernel_size=kernel, output_size=size, random_samples=rng.random((2, 3, ndim)).astype(dtype))
        name = f"fractional_max_pool{ndim}d"
        ours = getattr(cpool, name)(x, **given, return_indices=True)
        theirs = getattr(reference, name)(x, **given, return_indices=True)
        same(ours[0], theirs[0])
        same(ours[1], theirs[1])


def test_rows_of_padding_in_front_of_values_that_are_all_the_lowest():
    """With dilation the first tap inside is not the first column."""
    x = np.full((2, 7, 9), -np.inf, np.float32)
    for kernel, stride, padding in [(3, 1, 1), (4, 2, 2)]:
        given = dict(kernel_size=kernel, stride=stride, padding=padding, dilation=2)
        ours = cpool.max_pool2d(x, **given, return_indices=True)
        theirs = reference.max_pool2d(x, **given, return_indices=True)
        same(ours[0], theirs[0])
        same(ours[1], theirs[1])


# ------------------------------------------------------------------------------------------------------- far places

#: A plane of 2**32 elements of which memory holds 2**18: row h begins at element h.
FAR = (2**17, 2**15)


def far_plane(dtype, falling=False):
    """Return a plane in which each element is greater (or less) than those in front of it and above it."""
    line = np.arange(sum(FAR)).astype(dtype)
    line = line[::-1].copy() if falling else line
    return np.lib.stride_tricks.as_strided(line, FAR, (line.itemsize,) * 2, writeable=False)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u8"])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [
    (2, (2**17 - 1, 10000), (2**16, 2**14)),  # places in the window are beyond 2**31 too
    ((2, 64), (2**17 - 2, 2**15 - 64), 1),
    ((1, 3), (2**17 - 1, 1000), (1, 2)),
    ((2**17 - 4, 2), (1, 2**15 - 2), 1),
])  # fmt: skip
def test_planes_beyond_32_bits(kernel, stride, dilation, dtype):
    (kh, kw), (sh, sw), (dh, dw) = (np.broadcast_to(v, 2).astype(np.int64) for v in (kernel, stride, dilation))
    y, at = cpool.max_pool2d(far_plane(dtype), kernel, stride, 0, dilation, return_indices=True)
    h = np.arange(y.shape[0])[:, None] * sh + (kh - 1) * dh
    w = np.arange(y.shape[1]) * sw + (kw - 1) * dw
    same(at, h * FAR[1] + w)
    assert at.max() > 2**31
    same(y, (h + w).astype(dtype))
    y, at = cpool.min_pool2d(far_plane(dtype, falling=True), kernel, stride, 0, dilation, return_indices=True)
    same(at, h * FAR[1] + w)
    same(y, (sum(FAR) - 1 - h - w).astype(dtype))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("kernel", [(2, 16), (1, 40), (3, 1500), (1, 2600)])
def test_zeros_and_nan_are_found_whatever_their_sign(kernel, dtype):
    """A window's maximum is +0 where it holds -0 alone; of several NaN the last one counts, of zeros the first."""
    rng = np.random.default_rng(0)
    shape = (2, kernel[0] * 2, kernel[1] * 2 + 3)
    for values in ([-0.0], [-0.0, 0.0], [-0.0, -1.0], [np.nan, -np.nan, -0.0]):
        x = np.full(shape, -3, dtype)
        for plane in x.reshape(2, -1):
            plane[rng.integers(0, plane.size, 12)] = rng.choice(values, 12)
        for op, sign in (("max", 1), ("min", -1)):
            given = np.multiply(x, sign, dtype=dtype)
            for laid in (given, np.ascontiguousarray(given[..., ::-1])[..., ::-1], channels_last(given[None])[0]):
                ours = getattr(cpool, f"{op}_pool2d")(laid, kernel, return_indices=True)
                theirs = getattr(reference, f"{op}_pool2d")(given, kernel, return_indices=True)
                same(ours[1], theirs[1])
                np.testing.assert_array_equal(ours[0], theirs[0])


# ---------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(("dtype", "kernels"), [
    ("uint8", [(181, 181), (182, 182), (255, 257), (256, 256), (511, 512), (256, 1023), (520, 505)]),
    ("int8", [(182, 182), (256, 1023)]),
    ("uint16", [(11, 11), (12, 12), (16, 16), (31, 33), (30, 34)]),
    ("int16", [(12, 12), (31, 33)]),
])  # fmt: skip
def test_averages_next_to_the_middle_of_two_integers(dtype, kernels):
    """Sums next to a half, as large as the dtype makes them: one too few is another integer."""
    info = np.iinfo(dtype)
    for kernel in kernels:
        n = kernel[0] * kernel[1]
        for base in (info.max - 1, info.max - 2, info.max // 2, info.min, info.min + 1):
            for more in (n // 2 - 1, n // 2, n // 2 + 1, (n + 1) // 2):
                x = np.full((1, n), base, dtype)
                x[0, np.random.default_rng(more).permutation(n)[:more]] += np.array(1, dtype)
                up = 2 * more > n or (2 * more == n and base % 2 == 1)
                y = cpool.avg_pool2d(x.reshape(kernel), kernel, dtype=dtype)
                assert y.item() == base + up, (kernel, base, more)


@pytest.mark.parametrize("dtype", ["f8", "i4", "i8", "u4"])
def test_a_float_result_is_summed_as_double(dtype):
    x = np.array([[2**25, 2, 1, 1]]).astype(dtype)
    same(cpool.avg_pool1d(x, 4, divisor_override=1, dtype="f4"), np.array([[2**25 + 4]], "f4"))
    many = np.full((1, 1000), 2**24 + 1).astype(dtype)
    same(cpool.avg_pool1d(many, 1000, dtype="f8"), np.array([[2.0**24 + 1]]))


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_short_floats_are_rounded_half_to_even(name):
    """Averages of neighbours are in the middle between two; a quarter more or less is not."""
    dtype = np.dtype(name if name == "float16" else pytest.importorskip("ml_dtypes").bfloat16)
    near = np.arange(0x3C00, 0x3C40, dtype=np.uint16)
    for bits in (near, near | 0x8000):
        low, high = bits[:-1].view(dtype).astype(np.float64), bits[1:].view(dtype).astype(np.float64)
        even = np.where(bits[:-1] % 2, bits[1:], bits[:-1])
        for part, expected in [((2, 2), even), ((3, 1), bits[:-1]), ((1, 3), bits[1:])]:
            x = np.stack([low] * part[0] + [high] * part[1], -1).astype(dtype)
            np.testing.assert_array_equal(cpool.avg_pool1d(x, 4)[:, 0].view(np.uint16), expected)


@pytest.mark.parametrize("dtype", ["i4", "u4", "i8"])
def test_integers_with_indices_are_told_apart(dtype):
    x = np.array([[2**30, 2**30 + 1, 2**30, 2**30 + 2, 2**30 + 3]]).astype(dtype)
    y, at = cpool.max_pool1d(x, 2, 1, return_indices=True)
    same(y, np.maximum(x[:, 1:], x[:, :-1]))
    assert at.tolist() == [[1, 1, 3, 4]]


@pytest.mark.parametrize("wanted", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_averages_are_clipped(wanted):
    """Beyond the range of the result, at its very end, and one before it."""
    info = np.iinfo(wanted)
    x = np.array([info.max, info.min], wanted)[:, None, None] * np.ones((1, 2, 2), wanted)
    for override in (1, -1, 4):
        y = cpool.avg_pool2d(x, 2, divisor_override=override, dtype=wanted).ravel().tolist()
        exact = [4 * int(v[0, 0]) / override for v in x]
        assert y == [max(info.min, min(info.max, round(v))) for v in exact] or max(map(abs, exact)) >= 2**53
    assert cpool.avg_pool2d(x[:1], 2, divisor_override=1, dtype=wanted).item() == info.max
    assert cpool.avg_pool2d(x[:1], 2, dtype=wanted).item() == info.max  # as a double it may be one more


# ---------------------------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
@pytest.mark.parametrize("layout", ["dense", "stepped"])
def test_gradients_at_the_cuts_between_threads(index_dtype, layout, threads):
    """One plane, all of its rows begun and ended, by output rows that see one element and by such that see all."""
    height, width = 256, 256
    rng = np.random.default_rng(0)
    begins = np.arange(height) * width
    at = np.concatenate([
        np.repeat(begins[:, None], width, 1),  # each output row knows the first element of an input row alone,
        np.repeat(begins[:, None] + width - 1, width, 1),  # or the last one
        (rng.integers(0, height, (600, 1)) * width + rng.integers(0, width, (600, width))),  # or others of it
        begins[None, :], begins[None, :] + width - 1,  # and the last ones all
    ]).astype(index_dtype)  # fmt: skip
    for _ in range(5):
        g = rng.integers(1, 9, at.shape).astype(np.float32)
        expected = np.bincount(at.ravel(), g.ravel(), height * width).reshape(1, height, width)
        out = np.full((1, height, width if layout == "dense" else 2 * width), 7, np.float32)
        target = out if layout == "dense" else out[..., ::2]
        cpool.max_pool2d_backward(g[None], at[None], (1, height, width), out=target)
        np.testing.assert_array_equal(target, expected)
        np.testing.assert_array_equal(cpool.max_pool2d_backward(g[None], at[None], (1, height, width)), expected)
        assert layout == "dense" or (out[..., 1::2] == 7).all()


def test_a_row_wider_than_a_block_of_scratch(threads):
    """Rows of one gradient, stored as another type, longer than what is summed at once."""
    width = 150_001
    at = np.array([[0, width - 1, 70_000, 65_536, 32_768, 65_535, 131_072]])
    g = whole(at.shape, np.float16)
    for index in (at, np.concatenate([at, at], 1)[:, : at.shape[1]]):
        gx = cpool.max_pool1d_backward(g, index, (1, width))
        assert gx.dtype == np.float16
        same(gx[0, index[0]], g[0])
        assert np.count_nonzero(gx) == np.count_nonzero(g)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("bad", ["one behind", "in front", "2**32"])
def test_an_index_outside_is_refused_wherever_it_stands(bad, dtype, threads):
    for shape in [(1, 300, 300), (64, 8, 8), (1, 3, 9)]:
        n = shape[1] * shape[2]
        index = {"one behind": n, "in front": -1, "2**32": 2**32 + 3}[bad]
        g = np.ones(shape, dtype)
        for place in [(0, 0, 0), (-1, -1, -1), (shape[0] // 2, -1, 0), (0, 0, -1)]:
            at = np.zeros(shape, np.int64)
            at[place] = index
            for target in (None, np.full(shape, 7, dtype)):
                with pytest.raises(ValueError, match=str(index)):
                    cpool.max_pool2d_backward(g, at, shape, out=target)
                assert target is None or (target == 7).all()


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_indices_of_every_dtype(dtype):
    x = whole((2, 3, 10, 12))
    y, at = cpool.max_pool2d(x, 3, 2, return_indices=True)
    expected = reference.max_pool2d_backward(y, at, x.shape)
    same(cpool.max_pool2d_backward(y, at.astype(dtype), x.shape), expected)
    unpooled = reference.max_unpool2d(y, at, 3, 2, output_size=x.shape)
    same(cpool.max_unpool2d(y, at.astype(dtype), 3, 2, output_size=x.shape), unpooled)
    if np.dtype(dtype).itemsize == 8:
        far = at.astype(dtype)
        far[0, 0, 0, 0] += np.array(2**32, dtype)
        with pytest.raises(ValueError, match="indices"):
            cpool.max_pool2d_backward(y, far, x.shape)
    if dtype == "u8":
        far[0, 0, 0, 0] = 2**64 - 1
        with pytest.raises(ValueError, match=str(2**64 - 1)):
            cpool.max_pool2d_backward(y, far, x.shape)


# ------------------------------------------------------------------------------------------------ memory, kept calls


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "median_pool2d"])
def test_results_lie_as_the_input_does(name):
    pool = getattr(cpool, name)
    x = whole((4, 6, 8, 10))
    assert pool(x[..., ::-1], 2).flags.c_contiguous
    assert pool(x[::-1, :, ::-1], 2).flags.c_contiguous
    assert pool(np.asfortranarray(x), 2).flags.f_contiguous
    assert pool(np.asfortranarray(x)[:, ::-1, ::-1], 2).flags.f_contiguous
    assert np.moveaxis(pool(channels_last(x), 2), 1, -1).flags.c_contiguous


@pytest.mark.parametrize("window", [(2, 2), ((2, 1), 1)])  # the second leaves rows as long as they are
def test_out_lies_otherwise_than_the_input(window, threads):
    """Whatever is one in the input need not be one in `out`: channels, leading axes, rows."""
    x = whole((4, 6, 8, 10))
    expected = reference.max_pool2d(x, *window)
    average = reference.avg_pool2d(x, *window, divisor_override=1)
    h, w = expected.shape[2:]
    rooms = [
        np.zeros((8, 6, 2 * h, 2 * w), np.float32)[::2, :, ::2, ::2],
        np.zeros((4, 6, h, w), np.float32),
        np.zeros((4, 12, h, w), np.float32)[:, ::2],
        np.zeros((4, 6, h, w + 1), np.float32)[..., :w],
        np.zeros((4, 6, h + 1, w), np.float32)[:, :, 1:],
        channels_last(np.zeros((4, 6, h, w), np.float32)),
        channels_last(np.zeros((4, 8, h, w), np.float32))[:, :6],
        np.zeros((h + 1, w, 6, 4), np.float32).transpose(3, 2, 0, 1)[:, :, :h],
        np.zeros((4, 6, h, w), np.float32)[::-1, :, ::-1, ::-1],
    ]
    for laid in (x, channels_last(x), np.asfortranarray(x), np.ascontiguousarray(x[:, ::-1])[:, ::-1]):
        for room in rooms:
            np.testing.assert_array_equal(cpool.max_pool2d(laid, *window, out=room), expected)
            y, _ = cpool.max_pool2d(laid, *window, out=room, return_indices=True)
            np.testing.assert_array_equal(y, expected)
            np.testing.assert_array_equal(cpool.avg_pool2d(laid, *window, divisor_override=1, out=room), average)


@pytest.mark.parametrize("shape", [(3, 2, 8, 100), (40, 8, 10), (5, 4, 6, 7)])
def test_planes_do_not_follow_one_another(shape):
    """Rows with something behind them, planes with rows behind them: in what is read, and in what is written."""
    *lead, high, wide = shape
    x = whole(shape)
    rooms = [
        np.zeros((*lead, high + 2, wide), np.float32)[..., :high, :],
        np.zeros((*lead, high, wide + 3))[..., :wide],
    ]
    for window, laid in itertools.product(((2, 2), (high, wide), (high, 2)), rooms):
        laid[...] = x
        expected, places = reference.max_pool2d(x, window, return_indices=True)
        y, indices = cpool.max_pool2d(laid, window, return_indices=True)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(indices, places)
        out = np.zeros((*y.shape[:-2], y.shape[-2] + 1, y.shape[-1]), laid.dtype)[..., : y.shape[-2], :]
        np.testing.assert_array_equal(cpool.max_pool2d(laid, window, out=out), expected)
        grad = whole(y.shape).astype(laid.dtype)
        gx = np.zeros_like(rooms[1]).astype(laid.dtype)[..., :wide]
        room = np.full((*lead, high + 1, wide + 1), 7, laid.dtype)[..., 1:, 1:]
        for into in (None, gx, room):
            ours = cpool.max_pool2d_backward(grad, indices, shape, out=into)
            np.testing.assert_array_equal(ours, reference.max_pool2d_backward(grad, places, shape))


#: Another value for each argument.
OTHER = dict(
    kernel_size=3, stride=1, padding=1, dilation=2, ceil_mode=True, return_indices=True, axis=(0, 2), norm_type=1,
    index_dtype=np.int32, nan_policy="raise", initial=50.0, divisor_override=3, count_include_pad=False, dtype="f4",
    output_size=2, input_shape=(3, 8, 8),
)  # fmt: skip
#: Functions that keep what they prepare, and a call of each.
KEPT = {
    "max_pool2d": dict(kernel_size=2),
    "min_pool2d": dict(kernel_size=2),
    "avg_pool2d": dict(kernel_size=2),
    "median_pool2d": dict(kernel_size=2),
    "mode_pool2d": dict(kernel_size=2),
    "lp_pool2d": dict(norm_type=2, kernel_size=2),
    "adaptive_max_pool2d": dict(output_size=4),
    "adaptive_avg_pool2d": dict(output_size=4),
    "avg_pool2d_backward": dict(input_shape=(3, 9, 9), kernel_size=2),
    "adaptive_avg_pool2d_backward": dict(input_shape=(3, 9, 9)),
}


@pytest.mark.parametrize("name", KEPT)
def test_every_argument_makes_another_call(name):
    """A call that was prepared serves those alone that are given the same, argument by argument."""
    ours, slow, base = getattr(cpool, name), getattr(reference, name), KEPT[name]
    x = whole((3, 4, 4) if "backward" in name else (3, 9, 9), np.int64 if "mode" in name else np.float64)
    for changed in [p for p in inspect.signature(ours).parameters if p in OTHER]:
        if (name, changed) == ("adaptive_avg_pool2d_backward", "axis"):
            continue  # no other axes fit the gradient
        padded = dict(padding=1, kernel_size=2) if changed == "count_include_pad" else {}
        padded |= dict(input_shape=(3, 7, 7)) if padded and "backward" in name else {}
        given = base | padded
        if changed == "ceil_mode" and "backward" in name:
            given = given | dict(input_shape=(3, 8, 8))
        for arguments in (given, given | {changed: OTHER[changed]}, given):
            try:
                expected = slow(x, **arguments)
            except ValueError:
                with pytest.raises(ValueError):  # noqa: PT011
                    ours(x, **arguments)
                continue
            found = ours(x, **arguments)
            assert isinstance(found, tuple) == isinstance(expected, tuple)
            pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
            for a, b in pairs:
                assert a.dtype == b.dtype, changed
                np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=changed)


def test_names_make_another_call():
    """Equal values by other names, equal numbers of other types, and numbers that are nearly equal."""
    x = whole((3, 9, 9), np.float64)
    for _ in range(2):
        for given in (dict(stride=1), dict(dilation=1), dict(padding=1), dict(stride=1, padding=1)):
            for kernel in (2, int("3")):
                same(cpool.max_pool2d(x, kernel, **given), reference.max_pool2d(x, kernel, **given))
                same(cpool.max_pool2d(kernel_size=kernel, x=x, **given), reference.max_pool2d(x, kernel, **given))
        for p in (2, 2.0, float("2"), 3.0, np.nextafter(3, 4), 1e-300):
            same(cpool.lp_pool2d(abs(x), p, 2), cpool.lp_pool2d([*abs(x)], np.float64(p), 2))


def test_the_last_call_serves_no_other():
    """A call that was made twice is known by what it was given; the next one may be nearly the same."""
    x = whole((3, 9, 9))
    rooms = [
        np.zeros((3, 4, 4), "f4"),
        np.zeros((3, 4, 8), "f4")[..., ::2],
        np.zeros((4, 4, 3), "f4").transpose(2, 0, 1),
    ]
    for first, second in itertools.permutations(
        [dict(stride=1), dict(dilation=1), dict(padding=1), dict(), *(dict(out=room) for room in rooms)], 2
    ):
        for given in (first, first, second):
            windows = {name: value for name, value in given.items() if name != "out"}
            same(cpool.max_pool2d(x, 2, **given), reference.max_pool2d(x, 2, **windows))
    for first, second in itertools.permutations([np.float32, np.int32, np.uint32, np.dtype(">f4")], 2):
        for dtype in (first, first, second):
            y = cpool.max_pool2d(x.astype(dtype), 2)
            same(y, reference.max_pool2d(x.astype(dtype), 2).astype(y.dtype))
            assert y.dtype == np.dtype(dtype).newbyteorder("=")


def test_what_may_change_is_not_kept():
    x, kernel, where = whole((3, 9, 9)), [2, 2], np.ones((9, 9), bool)
    for _ in range(3):
        same(cpool.max_pool2d(x, kernel), reference.max_pool2d(x, kernel))
        kernel[0] += 1
        for array in (x, where):
            same(cpool.max_pool2d(array, 2, where=where), reference.max_pool2d(array, 2, where=where))
        where[:3, 0] ^= True


def test_a_kept_call_writes_to_no_array_that_is_read_only():
    x, out = whole((3, 8, 8)), np.zeros((3, 4, 4), np.float32)
    for _ in range(2):
        out.flags.writeable = True
        same(cpool.max_pool2d(x, 2, out=out), reference.max_pool2d(x, 2))
        out.flags.writeable = False
        with pytest.raises(ValueError, match="read-only"):
            cpool.max_pool2d(x, 2, out=out)


@pytest.mark.parametrize("name", cpool.functional.__all__)
def test_functions_are_functions(name):
    """They are known by their names, say what they take, and what is wrong with what they are given."""
    function = getattr(cpool, name)
    assert function.__name__ == function.__qualname__ == name
    assert inspect.isroutine(function)
    assert pickle.loads(pickle.dumps(function)) is function
    assert copy.deepcopy(function) is function
    for wrong in (dict(), dict(x=0, grad_output=0, indices=0), dict(kernal_size=2)):
        with pytest.raises(TypeError, match=rf"{name}\(\).* argument"):
            function(**wrong)


def test_out_makes_another_call():
    x = whole((3, 8, 8))
    for name, more in [("max_pool2d", {}), ("avg_pool2d", {}), ("median_pool2d", {}), ("lp_pool2d", dict(norm_type=2))]:
        pool = getattr(cpool, name)
        expected = pool(abs(x), kernel_size=2, **more)
        for room in (np.zeros((3, 4, 4), "f4"), np.zeros((3, 4, 8), "f4")[..., ::2], np.zeros((6, 4, 4), "f4")[::2]):
            same(pool(abs(x), kernel_size=2, **more, out=room), expected)
            same(pool(abs(x), kernel_size=2, **more), expected)


def test_out_must_be_aligned():
    room = np.zeros(4 * 16 + 1, np.uint8)[1:].view("f4").reshape(1, 4, 4)
    with pytest.raises(ValueError, match="aligned"):
        cpool.max_pool2d(whole((1, 8, 8)), 2, out=room)


def test_the_gradient_has_as_many_planes_as_the_input():
    g, at = np.ones((3, 4, 4), np.float32), np.zeros((3, 4, 4), int)
    for shape in [(2, 8, 8), (4, 8, 8)]:
        with pytest.raises(ValueError, match="agree"):
            cpool.max_pool2d_backward(g, at, shape)
        with pytest.raises(ValueError, match="agree"):
            cpool.avg_pool2d_backward(g, shape, 2)
        with pytest.raises(ValueError, match="agree"):
            cpool.adaptive_avg_pool2d_backward(g, shape)


def test_an_axis_is_named_once():
    for axis in [(1, 1), (-1, 2)]:
        with pytest.raises(ValueError, match="twice"):
            cpool.max_pool2d(whole((3, 8, 8)), 2, axis=axis)


def test_what_is_omitted_is_rounded_too():
    x = np.array([[1, 2, 9, 4], [1, 2, 9, 9]], np.int16)
    valid = np.array([[True, True, False, True], [True, True, False, False]])
    assert cpool.avg_pool2d(x, (2, 4), where=valid, dtype="i2").item() == 2
    assert cpool.avg_pool2d(x, (1, 4), where=valid, dtype="i2").ravel().tolist() == [2, 2]
    x = np.ma.MaskedArray([[1.0, np.nan]], [[False, True]])
    assert cpool.avg_pool1d(x, 2, nan_policy="raise").item() == 1


def test_indices_make_another_call():
    """Their dtype, and how they lie."""
    x = whole((3, 8, 8))
    y, at = cpool.max_pool2d(x, 2, return_indices=True)
    expected = reference.max_pool2d_backward(y, at, x.shape)
    swapped = np.ascontiguousarray(at.transpose(2, 1, 0)).transpose(2, 1, 0)
    stepped = np.repeat(at, 2, -1)[..., ::2]
    for index in (at, at.astype(np.int32), swapped, stepped, stepped.astype(np.int32), swapped.astype(np.int32), at):
        same(cpool.max_pool2d_backward(y, index, x.shape), expected)
    same(cpool.max_pool2d_backward(y, at, (3, 9, 8)), reference.max_pool2d_backward(y, at, (3, 9, 8)))


# ------------------------------------------------------------------------------------- what counts, and what is kept


def test_a_mask_where_and_nan_hold_together():
    x = np.ma.MaskedArray([[1.0, 9.0, np.nan, 5.0]], [[False, True, False, False]])
    given = dict(where=[[True, True, True, False]], nan_policy="omit")
    assert cpool.max_pool1d(x, 4, **given).item() == 1
    assert cpool.avg_pool1d(x, 4, **given).item() == 1


def test_windows_in_which_nothing_counts():
    y = cpool.max_pool1d(np.ones((1, 4)), 2, where=[[True, True, False, False]])
    np.testing.assert_array_equal(y, [[1, np.nan]])
    y = cpool.avg_pool1d(np.ones((1, 2)), 1, 1, 1, where=[[True, False]])
    np.testing.assert_array_equal(y, [[0, 1, np.nan, 0]])  # padding is no element that was passed over


def test_padding_is_less_than_any_number(threads):
    x = np.full((3, 9, 40), -np.inf, np.float32)
    for k in (2, 3, 5):
        same(cpool.max_pool2d(x, k, 1, k // 2), np.full_like(cpool.max_pool2d(x, k, 1, k // 2), -np.inf))


def test_rows_left_over_between_planes(threads):
    x = whole((6, 5, 600))
    same(cpool.max_pool2d(x, 2), reference.max_pool2d(x, 2))
    same(cpool.max_pool2d(x, 2, return_indices=True)[1], reference.max_pool2d(x, 2, return_indices=True)[1])


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_tall_windows_that_share_rows(stride, threads):
    x = whole((2, 60, 300))
    same(cpool.max_pool2d(x, (11, 3), (stride, 1)), reference.max_pool2d(x, (11, 3), (stride, 1)))


def test_gradients_of_long_windows_of_channels(threads):
    for stride, n, channels in ((1, 1001, 64), (2, 501, 128)):
        g = channels_last(whole((1, channels, n), np.float64))
        given = dict(kernel_size=600, stride=stride, padding=300, count_include_pad=False)
        ours, theirs = (m.avg_pool1d_backward(g, (1, channels, 1000), **given) for m in (cpool, reference))
        np.testing.assert_allclose(ours, theirs, atol=1e-11)


def test_dtypes_of_indices_make_another_call():
    x = whole((2, 8, 8))
    wide = cpool.max_pool2d(x, 2, return_indices=True)[1]
    narrow = cpool.max_pool2d(x, 2, return_indices=True, index_dtype=np.int32)[1]
    assert narrow.dtype == np.int32
    np.testing.assert_array_equal(narrow, wide)
    g = np.ones(wide.shape, np.float32)
    gx = cpool.max_pool2d_backward(g, wide, x.shape)
    as_far_apart = np.stack([narrow, narrow], -1)[..., 0]
    assert as_far_apart.strides == wide.strides
    for at in (narrow, as_far_apart):
        same(cpool.max_pool2d_backward(g, at, x.shape), gx)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", [(7, 7), (8, 8), (5, 5), (8, 4), (4, 7), (5, 6), (8, 5)])
def test_small_windows_that_are_whole_rows(kernel, dtype, threads):
    """Rows and columns at once, of as many planes as make vectors, and some more; nothing behind the last is read."""
    for planes in (8, 9, 15, 33, 300):
        shape = planes, 2 * kernel[0] + 1, kernel[1]  # two windows, and a row that none sees
        x = whole(shape, dtype)
        x[1, 0, 0], x[2, kernel[0] - 1, -1] = np.nan, np.inf
        one, two = x[:, : kernel[0]], x[:, :-1]  # planes apart, or end to end
        for array in (x, one, one.copy(), two.copy(), one.reshape(-1, 1, *kernel) if planes % 2 else one[::2]):
            if len(array) >= 8:
                assert cpool.explain(cpool.avg_pool2d, array, kernel).strategies[-1] == "condensed"
            same(cpool.avg_pool2d(array, kernel), reference.avg_pool2d(array, kernel))
            given = dict(divisor_override=-4)
            same(cpool.avg_pool2d(array, kernel, **given), reference.avg_pool2d(array, kernel, **given))
            for name in ("max_pool2d", "min_pool2d"):
                for policy in ("propagate", "omit"):
                    ours = getattr(cpool, name)(array, kernel, nan_policy=policy)
                    same(ours, getattr(reference, name)(array, kernel, nan_policy=policy))
        for array in (x, one.copy()):
            out = np.empty((planes, array.shape[1] // kernel[0], 2), dtype)[..., :1]
            same(cpool.max_pool2d(array, kernel, out=out), reference.max_pool2d(array, kernel))
