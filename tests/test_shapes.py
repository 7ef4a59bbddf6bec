"""Shapes that a kernel has something of its own for: widths around vectors, gaps between windows, slabs that are alike,
gradients of one picture that several threads share."""

import itertools

import numpy as np
import pytest
from cases import difficult

import cpool
from cpool import reference
from cpool.core import engine


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


def numbers(shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8"])
@pytest.mark.parametrize("stride", [3, 5])
def test_thirds_and_fifths_of_every_width(stride, dtype):
    """Rows of which each third or fifth element is taken: by shuffles of whole vectors, up to the last few."""
    for width in range(stride, 90):
        x = difficult((2, width), "float32", seed=width)
        x = (x if dtype.startswith("float") else np.nan_to_num(abs(x), posinf=9)).astype(dtype)
        for kernel in (stride - 1, stride, stride + 1):
            if kernel <= width:
                ours = cpool.max_pool1d(x, kernel, stride, return_indices=True)
                theirs = reference.max_pool1d(x, kernel, stride, return_indices=True)
                same(ours[0], theirs[0])
                same(ours[1], theirs[1])
                same(cpool.max_pool1d(x, kernel, stride), theirs[0])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("padding", [0, 1, (1, 0), (0, 1)])
@pytest.mark.parametrize("kernel", [(2, 2), (3, 3), (2, 3), (5, 2), (4, 3)])
def test_indices_by_halves_of_many_rows(kernel, padding, dtype, threads):
    """Output rows whose windows are inside the input are found together, but not across planes that lie end to end."""
    for shape in ((3, 14, 41), (5, 12, 64), (2, 2, 9, 30)):
        x = difficult(shape, "float32", seed=shape[1])
        x = (x if dtype.startswith("float") else np.nan_to_num(abs(x), posinf=9)).astype(dtype)
        for stride in ((2, 2), (kernel[0], 2), (1, 2)):
            ours = cpool.max_pool2d(x, kernel, stride, padding, return_indices=True)
            theirs = reference.max_pool2d(x, kernel, stride, padding, return_indices=True)
            same(ours[0], theirs[0])
            same(ours[1], theirs[1])
            out = np.empty(tuple(2 * n for n in ours[0].shape), dtype)[tuple(slice(None, None, 2) for _ in shape)]
            ours = cpool.max_pool2d(x, kernel, stride, padding, return_indices=True, out=out)
            same(np.ascontiguousarray(out), theirs[0])
            same(ours[1], theirs[1])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("side", [(9, 10), (14, 14), (3, 33), (56, 56), (8, 9, 10), (100, 90)])
def test_the_extreme_of_a_plane_is_that_of_a_row(side, dtype):
    """Of planes that are dense, whatever lies between them; others are folded row by row."""
    x = difficult((5, 3, *side), "float32", seed=side[0])
    x = (x if dtype.startswith("float") else np.nan_to_num(abs(x), posinf=9)).astype(dtype)
    wide = np.repeat(x, 2, axis=-1)
    for given in (x, np.repeat(x, 2, axis=1)[:, ::2], wide[..., ::2], x[..., ::-1]):
        for name in ("max", "min"):
            theirs = getattr(np, name)(given, tuple(range(2, x.ndim)), keepdims=True)
            same(getattr(cpool, f"{name}_pool{len(side)}d")(given, given.shape[2:]), theirs)
    taken = cpool.explain(getattr(cpool, f"max_pool{len(side)}d"), x, side).strategies
    one_row = 256 < x[0, 0].nbytes <= 32768 and x[0, 0].size >= 32
    assert (taken == ("singly",)) == one_row, taken


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(9, 14, 14), (40, 6, 12), (5, 8, 14), (1000, 14, 14), (20, 2, 6)])
def test_indices_of_short_rows_that_follow_one_another(shape, dtype, threads):
    """They are found as vectors, which write into the row behind, but not behind the last one."""
    x = difficult(shape, dtype, seed=shape[1])
    theirs = reference.max_pool2d(x, 2, return_indices=True)
    buffer = np.full(theirs[0].size + 16, 77, dtype)
    out = buffer[: theirs[0].size].reshape(theirs[0].shape)
    ours = cpool.max_pool2d(x, 2, return_indices=True, out=out)
    same(out, theirs[0])
    same(ours[1], theirs[1])
    assert (buffer[theirs[0].size :] == 77).all()
    upside_down = np.ascontiguousarray(x[:, ::-1])[:, ::-1]
    ours = cpool.max_pool2d(upside_down, 2, return_indices=True)
    same(ours[0], theirs[0])
    same(ours[1], theirs[1])


@pytest.mark.parametrize("channels", [3, 128, 300])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [((2, 2), (4, 4), 0), ((3, 2), (3, 7), 1), ((1, 3), (2, 5), (0, 1))]
)
def test_columns_that_no_window_sees(kernel, stride, padding, channels, threads):
    """Channels beside each other, and wide rows, which are cut into tiles: what lies between windows is not folded."""
    x = numbers((2, 9, 101, channels))
    of_planes = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    for pool in (cpool.max_pool2d, cpool.avg_pool2d):
        expected = pool(of_planes, kernel, stride, padding).transpose(0, 2, 3, 1)
        same(pool(x, kernel, stride, padding, axis=(1, 2)), np.ascontiguousarray(expected))
    x[:, 2:4, 7] = np.nan
    of_planes = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    ours = cpool.avg_pool2d(x, kernel, stride, padding, axis=(1, 2), nan_policy="omit")
    theirs = cpool.avg_pool2d(of_planes, kernel, stride, padding, nan_policy="omit").transpose(0, 2, 3, 1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("sizes", [((12, 10, 9), (5, 3, 2)), ((9, 7, 16), (2, 7, 4)), ((8, 3, 40), (1, 1, 1))])
def test_slabs_that_are_alike(sizes, channels, threads):
    """Gradients of adaptive averages of volumes: slabs, rows and columns that see the same are copied."""
    shape, outputs = sizes
    grad = numbers((2, *outputs, channels), "float64")
    ours = cpool.adaptive_avg_pool3d_backward(grad, (2, *shape, channels), axis=(1, 2, 3))
    theirs = reference.adaptive_avg_pool3d_backward(grad, (2, *shape, channels), axis=(1, 2, 3))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    planes = np.ascontiguousarray(np.moveaxis(grad, -1, 1))
    same(
        cpool.adaptive_avg_pool3d_backward(planes, (2, channels, *shape)),
        np.ascontiguousarray(np.moveaxis(ours, -1, 1)),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize(
    ("shape", "outputs", "jobs"),
    [
        ((9, 11, 60), (4, 3), 2), ((70, 5, 33), (5, 8), 1), ((9, 11, 60), (2, 40), 1), ((30, 40, 41), (3, 20), 1),
        ((16, 7, 300), (7, 11), 1), ((9, 6, 5, 90), (6, 4, 7), 2), ((3, 9, 600), (8, 280), 1),
    ],
)  # fmt: skip
def test_runs_of_columns_that_are_alike(shape, outputs, jobs, dtype, threads):
    """Gradients of adaptive averages of long rows: one column of each run is made; few rows that are alike are summed
    before they are widened."""
    name = f"adaptive_avg_pool{len(outputs)}d_backward"
    grad = numbers((shape[0], *outputs), dtype)
    ours, theirs = (getattr(module, name)(grad, shape) for module in (cpool, reference))
    np.testing.assert_allclose(ours, theirs, rtol=2e-3 if dtype == "float16" else 1e-6, atol=1e-3)
    assert len(cpool.explain(getattr(cpool, name), grad, shape).jobs) == jobs
    last = np.ascontiguousarray(np.moveaxis(grad[:, None], 1, -1))
    axis = tuple(range(1, len(shape)))
    same(getattr(cpool, name)(np.repeat(last, 9, -1), (*shape, 9), axis=axis)[..., 3], ours)


@pytest.mark.parametrize("padding", [0, (1, 0, 1), 1])
@pytest.mark.parametrize(
    ("kernel", "stride"), [(3, 1), ((5, 2, 3), (2, 3, 2)), ((9, 3, 2), (4, 1, 2)), ((3, 9, 3), (1, 9, 2))]
)
def test_rows_of_many_slabs(kernel, stride, padding, threads):
    """D is folded of many rows at once, but not where a slab is padding; the order of sums is that of single rows."""
    x = numbers((3, 12, 11, 21))
    for name in ("max_pool3d", "avg_pool3d"):
        ours, theirs = (getattr(module, name)(x, kernel, stride, padding) for module in (cpool, reference))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)
        strided = np.asarray(x, order="F")
        same(np.ascontiguousarray(getattr(cpool, name)(strided, kernel, stride, padding)), ours)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "uint16", "int16"])
@pytest.mark.parametrize(("shape", "kernel", "stride"), [
    ((33, 22, 24), 3, 1), ((20, 30, 41), (2, 3, 2), (2, 1, 2)), ((150, 170), (3, 4), (2, 1)), ((130, 9, 14), (5, 3), 2),
])  # fmt: skip
def test_pooled_axes_in_any_order(shape, kernel, stride, dtype, threads, monkeypatch):
    """Sums of arrays whose rows lie across memory are made along one axis after the other, and extremes along axes as
    they lie, with the bits of any other array."""
    monkeypatch.setattr(engine, "MANY", 2**13)
    ndim = len(kernel) if isinstance(kernel, tuple) else 3
    x = numbers(shape, "float32") * 90
    x = (x % 50 if dtype[0] == "u" else x).astype(dtype)
    given = dict(kernel_size=kernel, stride=stride, padding=1)
    calls = [(f"{op}_pool{ndim}d", given) for op in ("max", "min", "median", "var")]
    for more in ({}, dict(count_include_pad=False), dict(divisor_override=7), dict(dtype=dtype), dict(ceil_mode=True)):
        calls.append((f"avg_pool{ndim}d", given | more))
    for name, more in calls:
        expected = getattr(cpool, name)(x, **more)
        for order in itertools.permutations(range(len(shape))):
            turned = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
            same(np.ascontiguousarray(getattr(cpool, name)(turned, **more)), expected)
            out = np.empty_like(expected)
            same(getattr(cpool, name)(turned, **more, out=out), expected)
    gradient, aside = getattr(cpool, f"avg_pool{ndim}d_backward"), (2, 3, 2)[-ndim:]
    for given in (dict(kernel_size=aside), dict(kernel_size=kernel, stride=stride, padding=1)):
        grad = numbers(getattr(cpool, f"avg_pool{ndim}d")(x, **given).shape, "float32")
        expected = gradient(grad, input_shape=shape, **given)
        same(np.ascontiguousarray(gradient(np.asfortranarray(grad), input_shape=shape, **given)), expected)


@pytest.mark.parametrize("channels", [8, 33, 128, 208])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("height", [41, 4])
def test_channels_of_one_picture_are_shared_by_threads(dtype, channels, height, threads):
    """The gradient of a maximum of one picture, channels last: parts of it, or if it has few rows
    blocks of channels, are added to by several threads."""
    width = 2000 // height
    x = numbers((1, height, width, channels), dtype)
    y, indices = cpool.max_pool2d(x, (3, 3), (1, 2), 1, return_indices=True, axis=(1, 2))
    grad = numbers(y.shape, dtype, 1)
    expected = np.zeros((height * width, channels), dtype)
    for value, index in zip(grad.reshape(-1, channels), indices.reshape(-1, channels), strict=True):
        expected[index, np.arange(channels)] += value
    gx = cpool.max_pool2d_backward(grad, indices, x.shape, axis=(1, 2))
    same(gx.reshape(height * width, channels), expected)
    assert not np.signbit(gx[gx == 0]).any()
    grad[0, 1, 4] = -np.nan
    grad[0, 2, 6, channels - 1] = np.inf
    gx = cpool.max_pool2d_backward(grad, indices, x.shape, axis=(1, 2))
    flat = gx.reshape(height * width, channels)
    assert np.isnan(flat[indices[0, 1, 4], np.arange(channels)]).all()
    assert np.count_nonzero(np.isnan(gx)) == channels
    assert not np.signbit(gx[np.isnan(gx)]).any()  # one NaN comes out
    for bad in (-1, height * width, 2**40):
        wrong = indices.copy()
        wrong[0, -1, -1, channels - 1] = bad
        with pytest.raises(ValueError, match=f"got .*{bad}"):
            cpool.max_pool2d_backward(grad, wrong, x.shape, axis=(1, 2))


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("channels", [96, 130, 512])
def test_channels_of_few_windows_are_shared_by_threads(channels, padding, threads):
    """Windows of one picture, channels last, of which there are fewer than threads; and channels that are a slice."""
    x = numbers((1, 21, 30, 2 * channels), "float32")
    for part in (np.ascontiguousarray(x[..., :channels]), x[..., 5 : 5 + channels]):
        rows = np.moveaxis(part, -1, 1)
        for kernel in [(21, 30), (21 + 2 * padding, 30), (7, 30)]:
            given = dict(kernel_size=kernel, stride=(100, 100) if kernel[0] > 7 else kernel, padding=padding)
            for name in ("max", "min", "avg"):
                ours = getattr(cpool, f"{name}_pool2d")(part, **given, axis=(1, 2))
                theirs = getattr(cpool, f"{name}_pool2d")(np.ascontiguousarray(rows), **given)
                same(np.moveaxis(ours, -1, 1), theirs)
            ours = cpool.max_pool2d(part, **given, axis=(1, 2), return_indices=True)
            theirs = cpool.max_pool2d(np.ascontiguousarray(rows), **given, return_indices=True)
            for one, other in zip(ours, theirs, strict=True):
                same(np.moveaxis(one, -1, 1), other)
        for out in [(1, 1), (1, 4)]:
            ours = cpool.adaptive_avg_pool2d(part, out, axis=(1, 2))
            same(np.moveaxis(ours, -1, 1), cpool.adaptive_avg_pool2d(np.ascontiguousarray(rows), out))


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (3, 1), (3, 2), (9, 1)])
def test_windows_that_share_columns_of_many_channels(kernel, stride, threads):
    """Pixels of several KiB: blocks of channels come one after the other, so that a tile holds several windows."""
    x = numbers((2, 11, 14, 1536), "float32")
    rows = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    given = dict(kernel_size=kernel, stride=stride, padding=kernel // 2)
    tiles = cpool.explain(cpool.avg_pool2d, x, **given, axis=(1, 2)).tiles
    assert tiles[1] > 1
    for name in ("max", "avg"):
        ours = getattr(cpool, f"{name}_pool2d")(x, **given, axis=(1, 2))
        same(np.moveaxis(ours, -1, 1), getattr(cpool, f"{name}_pool2d")(rows, **given))
    ours = cpool.max_pool2d(x, **given, axis=(1, 2), return_indices=True)
    theirs = cpool.max_pool2d(rows, **given, return_indices=True)
    for one, other in zip(ours, theirs, strict=True):
        same(np.moveaxis(one, -1, 1), other)
    gx = cpool.avg_pool2d_backward(ours[0], x.shape, **given, axis=(1, 2))
    same(np.moveaxis(gx, -1, 1), cpool.avg_pool2d_backward(theirs[0], rows.shape, **given))


@pytest.mark.parametrize("planes", [1, 3, 5])
def test_long_planes_are_added_to_in_one_row(planes, threads):
    """Gradients of maxima of large planes: rows follow one another, whatever the windows of D, H and W."""
    x = numbers((planes, 13, 40, 37))
    y, indices = cpool.max_pool3d(x, (3, 4, 3), (1, 2, 1), 1, return_indices=True)
    grad = numbers(y.shape, seed=1)
    expected = np.zeros((planes, 13 * 40 * 37), np.float32)
    for p in range(planes):
        np.add.at(expected[p], indices[p].ravel(), grad[p].ravel())
    gx = cpool.max_pool3d_backward(grad, indices, x.shape)
    same(gx.reshape(planes, -1), expected)
    for step in ((2, 1, 1), (1, 2, 1), (1, 1, 2)):  # no planes without gaps
        room = np.zeros((planes, *(n * s for n, s in zip(x.shape[1:], step, strict=True))), np.float32)
        apart = room[(slice(None), *(slice(None, None, s) for s in step))]
        cpool.max_pool3d_backward(grad, indices, x.shape, out=apart)
        same(np.ascontiguousarray(apart), gx)
    pictures = x.reshape(planes, 13 * 40, 37)
    y, indices = cpool.max_pool2d(pictures, 3, 2, 1, return_indices=True)
    room = np.zeros((planes, 2 * 13 * 40, 37), np.float32)
    cpool.max_pool2d_backward(y, indices, pictures.shape, out=room[:, ::2])
    same(np.ascontiguousarray(room[:, ::2]), cpool.max_pool2d_backward(y, indices, pictures.shape))
    assert not room[:, 1::2].any()


@pytest.mark.parametrize("dtype", ["float32", "float16", "int16"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 3, 0), (2, 5, 1), (8, 8, 2), (4, 1, 1), (3, 2, 1)])
def test_long_pixels_are_rows(dtype, kernel, stride, padding, threads):
    """Windows along one axis alone: its pixels, if long, are rows, of many planes at once; places and NaN likewise."""
    x = numbers((5, 40, 90), dtype)
    short = np.ascontiguousarray(x[:, :, :3])
    for name in ("max_pool1d", "avg_pool1d"):
        pool = getattr(cpool, name)
        strategy = cpool.explain(pool, x, kernel, stride, padding, axis=1).strategies
        assert (strategy in (("as it lies",), ("band",))) == (dtype == "float32" or (dtype, name[0]) == ("int16", "m"))
        same(pool(x, kernel, stride, padding, axis=1)[:, :, :3], pool(short, kernel, stride, padding, axis=1))
    y, indices = cpool.max_pool1d(x, kernel, stride, padding, axis=1, return_indices=True)
    expected = cpool.max_pool1d(short, kernel, stride, padding, axis=1, return_indices=True)
    same(y[:, :, :3], expected[0])
    same(indices[:, :, :3], expected[1])


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int64"])
@pytest.mark.parametrize("more", [{}, {"ceil_mode": True}, {"divisor_override": 7}, {"count_include_pad": False}])
@pytest.mark.parametrize("kernel", [(3, 2, 5), (5, 1, 14), (4, 14, 14)])
def test_slabs_that_are_summed_first(kernel, more, dtype, threads):
    """Averages of volumes whose windows share no slabs: the order of sums is that of windows one by one."""
    x = numbers((40, 15, 14, 14), dtype)
    padding = (1, 0, 2) if kernel[0] < 5 else 0
    ours = cpool.avg_pool3d(x, kernel, padding=padding, **more)
    same(ours[3:5], cpool.avg_pool3d(x[3:5], kernel, padding=padding, **more))  # too few for that
    assert len(cpool.explain(cpool.avg_pool3d, x, kernel, padding=padding, **more).jobs) == 2
    assert len(cpool.explain(cpool.avg_pool3d, x[3:5], kernel, padding=padding, **more).jobs) == 1


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8", "int64"])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [((3, 2, 1), (2, 2, 1), 0), ((5, 5, 2), (5, 3, 2), (2, 1, 1))]
)
def test_few_columns_that_no_window_changes(kernel, stride, padding, dtype, threads):
    """They are channels: of averages only if all are divided by 1."""
    x = numbers((7, 12, 20, 2), dtype)
    for name in ("max_pool3d", "min_pool3d", "avg_pool3d"):
        ours, theirs = (getattr(module, name)(x, kernel, stride, padding) for module in (cpool, reference))
        np.testing.assert_allclose(ours, theirs, rtol=2e-3 if dtype == "float16" else 1e-6, atol=1e-5)
    plan = cpool.explain(cpool.max_pool3d, x, kernel, stride, padding)
    assert len(plan.windows) == 2
    ours, theirs = (module.max_pool3d(x, kernel, stride, padding, return_indices=True) for module in (cpool, reference))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
