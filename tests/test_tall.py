"""Tall windows that move by 1, the strategy "band flat": every height around powers of 2, dilation, padding."""

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


def agree(x, kernel, padding=(0, 0), dilation=(1, 1)):
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


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [5, 6, 9, 16])
def test_every_height(kernel, dilation, threads):
    span = (kernel - 1) * dilation + 1
    for height in (span, span + 1, 2 * span - 1, 2 * span, 2 * span + 1, 3 * span + 2):
        for padding in {0, kernel // 4, kernel // 2}:
            for width in WIDTHS:
                x = difficult((2, height, width), "float32", seed=height)
                agree(x, (kernel, 2), (padding, 0), (dilation, 1))


@pytest.mark.parametrize("kernel", [(40, 1), (151, 1), (25, 7)])
def test_more_rows_than_one_part_of_a_plane(kernel, threads):
    agree(difficult((1, 300, 290), "float32"), kernel)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int64", "uint16", "int8"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_dtype(width, dtype):
    x = difficult((2, 14, width), "float32", seed=width)
    x = x.astype(dtype) if np.dtype(dtype).kind == "f" else np.nan_to_num(x, posinf=9, neginf=0).astype(dtype)
    expected, places = reference.max_pool2d(x, (6, 2), 1, (3, 1), return_indices=True)
    ours, at = cpool.max_pool2d(x, (6, 2), 1, (3, 1), return_indices=True)
    np.testing.assert_array_equal(ours, expected, strict=True)
    np.testing.assert_array_equal(at, places, strict=True)
    np.testing.assert_array_equal(cpool.max_pool2d(x, (6, 2), 1, (3, 1)), expected, strict=True)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout):
    x = difficult((3, 19, 131), "float32")
    expected, places = maxima(x, (5, 5), (2, 2))
    for given in (laid_out(x, layout), laid_out(x, layout).astype(x.dtype.newbyteorder("="))):
        ours, at = cpool.max_pool2d(given, 5, 1, 2, return_indices=True)
        np.testing.assert_array_equal(ours, expected)
        np.testing.assert_array_equal(at, places)
        np.testing.assert_array_equal(cpool.max_pool2d(given, 5, 1, 2), expected)


def test_depth_and_magnitudes():
    """Of windows with depth every slab is reduced; the norm of infinite power takes magnitudes first."""
    x = difficult((2, 4, 12, 40), "float32")
    expected, places = reference.max_pool3d(x, (2, 5, 1), 1, return_indices=True)
    ours, at = cpool.max_pool3d(x, (2, 5, 1), 1, return_indices=True)
    np.testing.assert_array_equal(ours, expected)
    np.testing.assert_array_equal(at, places)
    np.testing.assert_array_equal(cpool.max_pool3d(x, (2, 5, 1), 1), expected)
    x = np.random.default_rng(0).standard_normal((2, 12, 40)).astype("float32")
    np.testing.assert_array_equal(cpool.lp_pool2d(x, np.inf, (5, 1), 1), cpool.max_pool2d(abs(x), (5, 1), 1))
