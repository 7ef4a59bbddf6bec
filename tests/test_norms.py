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


@pytest.mark.parametrize(
    ("p", "error"), [(0, ValueError), (float("nan"), ValueError), ("2", TypeError), (None, TypeError)]
)
def test_bad_norm(p, error):
    with pytest.raises(error, match="norm_type"):
        cpool.lp_pool2d(np.ones((4, 4)), p, 2)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="floating point"):
        cpool.lp_pool2d(np.ones((4, 4), int), 2, 2)
