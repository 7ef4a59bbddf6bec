"""The error of averages against exact sums: never larger than torch's."""

import math

import numpy as np
import pytest

import cpool

torch = pytest.importorskip("torch")


def exact(x, k):
    """Return averages of k x k tiles, summed without rounding."""
    tiles = x.astype(np.float64).reshape(x.shape[0] // k, k, x.shape[1] // k, k).transpose(0, 2, 1, 3)
    return np.array([[math.fsum(tile.ravel()) / (k * k) for tile in row] for row in tiles])


@pytest.mark.parametrize("kind", ["normal", "positive", "mixed"])
@pytest.mark.parametrize("k", [3, 8, 16, 64])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_error_is_at_most_that_of_torch(dtype, k, kind):
    rng = np.random.default_rng(k)
    x = rng.standard_normal((8 * k, 8 * k))
    x = {"normal": x, "positive": abs(x), "mixed": x * 10.0 ** rng.uniform(-3, 3, x.shape)}[kind].astype(dtype)
    expected = exact(x, k)
    ours = np.sqrt(np.mean((cpool.avg_pool2d(x, k).astype(np.float64) - expected) ** 2))
    theirs = torch.nn.functional.avg_pool2d(torch.from_numpy(x)[None], k)[0].numpy().astype(np.float64)
    theirs = np.sqrt(np.mean((theirs - expected) ** 2))
    unit = np.finfo(dtype).eps * np.abs(expected).max()
    assert ours <= 1.05 * theirs + 0.05 * unit
