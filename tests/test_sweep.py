"""Every function over dtypes, layouts and parameters: the answer of the reference, and the dtype promised."""

import numpy as np
import pytest
from cases import LAYOUTS, laid_out

import cpool
from cpool import reference

INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
FLOATS = ["f2", "f4", "f8"]
SHAPES = {1: (2, 3, 9), 2: (2, 6, 7), 3: (2, 4, 5, 3)}
WINDOWS = [
    dict(kernel_size=2),
    dict(kernel_size=3, stride=1, padding=1),
    dict(kernel_size=2, stride=2, padding="same", dilation=2),
    dict(kernel_size=3, stride=2, padding=1, ceil_mode=True),
    dict(kernel_size=2, stride=1, padding="same_lower"),
    dict(kernel_size=1, stride=3, padding="valid"),
    dict(kernel_size=3, stride=2, padding=(2, 0)),  # more in front than behind; one pair per axis below
]
AVERAGES = [dict(count_include_pad=False), dict(divisor_override=3), dict()]
EXTREMES = [f"{op}_pool{d}d" for op in ("max", "min") for d in (1, 2, 3)]
SORTED = [("median", d, t) for d in (1, 2, 3) for t in [*FLOATS, *INTEGERS]]
SORTED += [("mode", d, t) for d in (1, 2, 3) for t in INTEGERS]
ADAPTIVE = [f"adaptive_{op}_pool{d}d" for op in ("max", "avg") for d in (1, 2, 3)]


def windows(ndim):
    """Yield the sweep's window arguments for `ndim` axes."""
    for given in WINDOWS:
        padding = given.get("padding", 0)
        yield given | {"padding": (padding,) * ndim if isinstance(padding, tuple) else padding}


def array(ndim, dtype, high=100):
    """Return numbers that every dtype holds exactly, with ties."""
    x = np.random.default_rng(ndim).integers(0, high, SHAPES[ndim])
    return (x % 2 if dtype == "?" else x).astype(dtype)


def tolerance(dtype):
    return {"f2": 1e-3, "f4": 1e-6}.get(dtype, 1e-13)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes(name, dtype):
    ours, slow, ndim = getattr(cpool, name), getattr(reference, name), int(name[-2])
    x = array(ndim, dtype)
    for arguments in windows(ndim):
        expected, places = slow(x, **arguments, return_indices=True)
        for layout in LAYOUTS:
            laid = laid_out(x, layout)
            y, indices = ours(laid, **arguments, return_indices=True)
            assert y.dtype == x.dtype
            np.testing.assert_array_equal(y, expected)
            np.testing.assert_array_equal(indices, places)
            np.testing.assert_array_equal(ours(laid, **arguments), expected)
    compact = ours(x, 2, return_indices=True, index_dtype=np.int32)[1]
    assert compact.dtype == np.int32


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_averages(ndim, dtype):
    ours, slow = getattr(cpool, f"avg_pool{ndim}d"), getattr(reference, f"avg_pool{ndim}d")
    x = array(ndim, dtype)
    for arguments in windows(ndim):
        for more in AVERAGES:
            expected = slow(x.astype(np.float64), **arguments, **more)
            for layout in LAYOUTS:
                y = ours(laid_out(x, layout), **arguments, **more)
                assert y.dtype == (x.dtype if dtype in FLOATS else np.float64)
                np.testing.assert_allclose(y, expected, rtol=tolerance(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("norm_type", [1, 2, 3, 2.5, np.inf])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_norms(ndim, norm_type, dtype):
    ours, slow = getattr(cpool, f"lp_pool{ndim}d"), getattr(reference, f"lp_pool{ndim}d")
    x = array(ndim, dtype, high=12)
    for given in windows(ndim):
        arguments = dict(given)
        expected = slow(x.astype(np.float64), norm_type, **arguments)
        for layout in LAYOUTS:
            y = ours(laid_out(x, layout), norm_type, **arguments)
            assert y.dtype == x.dtype
            np.testing.assert_allclose(y, expected, rtol=10 * tolerance(dtype))


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("name", ADAPTIVE)
def test_adaptive(name, dtype):
    ours, slow, ndim = getattr(cpool, name), getattr(reference, name), int(name[-2])
    x = array(ndim, dtype)
    for output_size in (1, 2, 5, (None,) * ndim):
        expected = slow(x if "max" in name else x.astype(np.float64), output_size)
        for layout in LAYOUTS:
            y = ours(laid_out(x, layout), output_size)
            assert y.dtype == (np.float64 if "avg" in name and dtype in INTEGERS else x.dtype)
            np.testing.assert_allclose(y, expected, rtol=tolerance(dtype))


@pytest.mark.parametrize(("op", "ndim", "dtype"), SORTED)
def test_sorted(op, ndim, dtype):
    ours, slow = getattr(cpool, f"{op}_pool{ndim}d"), getattr(reference, f"{op}_pool{ndim}d")
    x = array(ndim, dtype, high=6)
    for arguments in windows(ndim):
        expected = slow(x, **arguments)
        for layout in LAYOUTS:
            y = ours(laid_out(x, layout), **arguments)
            assert y.dtype == expected.dtype
            np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_gradients(ndim, dtype):
    x = array(ndim, dtype)
    for arguments in windows(ndim):
        y, indices = getattr(cpool, f"max_pool{ndim}d")(x, **arguments, return_indices=True)
        grad = np.random.default_rng(1).integers(1, 9, y.shape).astype(dtype)
        scattered = getattr(reference, f"max_pool{ndim}d_backward")(grad, indices, x.shape)
        spread = getattr(reference, f"avg_pool{ndim}d_backward")(grad, x.shape, **arguments)
        for layout in LAYOUTS:
            laid, at = laid_out(grad, layout), laid_out(indices, layout)
            gx = getattr(cpool, f"max_pool{ndim}d_backward")(laid, at, x.shape)
            np.testing.assert_array_equal(gx, scattered)
            gx = getattr(cpool, f"avg_pool{ndim}d_backward")(laid, x.shape, **arguments)
            np.testing.assert_allclose(gx, spread, rtol=10 * tolerance(dtype))
            assert gx.dtype == grad.dtype
