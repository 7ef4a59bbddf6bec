"""lp pooling against torch where installed, and against its definition."""

import numpy as np
import pytest

import cpool


def definition(x, p, k, s):
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (-2, -1))[..., ::s, ::s, :, :]
    if p == np.inf:
        return np.abs(windows).max((-2, -1))
    with np.errstate(invalid="ignore"):
        return (windows.astype(np.float64) ** p).sum((-2, -1)) ** (1 / p)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("p", [1, 2, 3, 1.5, -1, np.inf])
@pytest.mark.parametrize(("k", "s"), [(2, 2), (3, 1), (5, 1)])
def test_definition(dtype, p, k, s, threads):
    x = np.random.default_rng(0).uniform(0.5, 3, (2, 3, 21, 18)).astype(dtype)
    y = cpool.lp_pool2d(x, p, k, s)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, definition(x, p, k, s).astype(dtype), rtol=2e-3 if dtype == np.float16 else 2e-5)


@pytest.mark.parametrize("p", [1, 2, 2.5, 3])
def test_torch(p):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, 13, 17)).astype(np.float32)
    expected = torch.nn.functional.lp_pool2d(torch.from_numpy(x), p, 3, 2).numpy()
    ours = cpool.lp_pool2d(x, p, 3, 2)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_minus_infinity_has_no_square_root(dtype):
    assert np.isnan(cpool.lp_pool1d(np.array([-np.inf, 2], dtype), 0.5, 2)).all()


@pytest.mark.parametrize(
    ("p", "error"), [(0, ValueError), (float("nan"), ValueError), ("2", TypeError), (None, TypeError)]
)
def test_bad_norm(p, error):
    with pytest.raises(error, match="norm_type"):
        cpool.lp_pool2d(np.ones((4, 4)), p, 2)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="floating point"):
        cpool.lp_pool2d(np.ones((4, 4), int), 2, 2)


@pytest.mark.parametrize("power", [1.5, -2.5, 1 / 3, 2, 3, 4, -3, -2, 0.4, 7, 100.5, 1e-3, -1e-3, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers(dtype, power):
    """The gradient of a norm of one element whose output is 1 is a power of it, whatever float it is."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2**32, 3001, np.uint32).view(np.float32)
    kinds = np.array([0, np.inf, np.nan, 1, 2, 0.5, np.sqrt(0.5), 1e-45, 1e-38, 3.4e38], np.float32)
    with np.errstate(invalid="ignore"):  # NaN of all kinds
        x = np.concatenate([kinds, -kinds, bits, rng.uniform(0, 4, 999).astype(np.float32)]).astype(dtype)
    ones = np.ones_like(x)
    found = cpool.lp_pool1d_backward(ones, x, ones, power + 1, 1)
    with np.errstate(all="ignore"):
        powers = (x.astype(np.float64) ** (power + 1 - 1)).astype(dtype)
    expected = np.where((x == 0) & (power < 0), 0, powers)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=2 * np.finfo(dtype).eps, atol=0)


def test_no_gradient_where_the_largest_magnitude_is_0():
    gx = cpool.lp_pool1d_backward(np.array([np.inf, 2.0]), np.array([0.0, 0, 0, -3]), np.array([0.0, 3]), np.inf, 2)
    assert gx.tolist() == [0, 0, 0, -2]
