"""Adaptive, fractional and global pooling, and unpooling, against the reference and torch."""

import numpy as np
import pytest
from cases import channels_last, difficult

import cpool
from cpool import geometry, reference

SIZES = [((1, 1), 1), ((5, 7), (2, 3)), ((13, 17), (6, None)), ((14, 14), 7), ((9, 4), (4, 9)), ((6, 33), (1, 31))]


def numbers(shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("sizes", "output_size"), SIZES)
def test_adaptive_equals_reference(sizes, output_size, dtype, order, threads):
    x = np.asarray(difficult((2, 3, *sizes), dtype), order=order)
    y, indices = cpool.adaptive_max_pool2d(x, output_size, return_indices=True)
    expected, where = reference.adaptive_max_pool2d(x, output_size, return_indices=True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, where)
    np.testing.assert_array_equal(cpool.adaptive_max_pool2d(x, output_size), expected)
    x = np.asarray(numbers((2, 3, *sizes), dtype=dtype), order=order)
    np.testing.assert_allclose(
        cpool.adaptive_avg_pool2d(x, output_size), reference.adaptive_avg_pool2d(x, output_size), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(("sizes", "output_size"), SIZES)
def test_adaptive_equals_torch(sizes, output_size):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = difficult((2, 3, *sizes), np.float32)
    t = torch.from_numpy(x).requires_grad_()
    y, indices = functional.adaptive_max_pool2d(t, output_size, return_indices=True)
    ours, where = cpool.adaptive_max_pool2d(x, output_size, return_indices=True)
    np.testing.assert_array_equal(ours, y.detach().numpy())
    np.testing.assert_array_equal(where, indices.numpy())
    grad = numbers(ours.shape, 1)
    y.backward(torch.from_numpy(grad))
    np.testing.assert_allclose(cpool.max_pool2d_backward(grad, where, x.shape), t.grad.numpy(), rtol=1e-5, atol=1e-6)

    x = numbers((2, 3, *sizes))
    t = torch.from_numpy(x).requires_grad_()
    y = functional.adaptive_avg_pool2d(t, output_size)
    np.testing.assert_allclose(cpool.adaptive_avg_pool2d(x, output_size), y.detach().numpy(), rtol=1e-5, atol=1e-6)
    y.backward(torch.from_numpy(grad))
    ours = cpool.adaptive_avg_pool2d_backward(grad, x.shape)
    np.testing.assert_allclose(ours, t.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ndim", [1, 3])
def test_adaptive_in_one_and_three_axes(ndim):
    x = difficult((2, *(9, 5, 7)[:ndim]), np.float64)
    y, indices = getattr(cpool, f"adaptive_max_pool{ndim}d")(x, 4, return_indices=True)
    expected, where = getattr(reference, f"adaptive_max_pool{ndim}d")(x, 4, return_indices=True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, where)
    x = numbers(x.shape, dtype=np.float64)
    y = getattr(cpool, f"adaptive_avg_pool{ndim}d")(x, 4)
    np.testing.assert_allclose(y, getattr(reference, f"adaptive_avg_pool{ndim}d")(x, 4))
    # The gradient of a linear function is its transpose.
    g = numbers(y.shape, 1, np.float64)
    back = getattr(cpool, f"adaptive_avg_pool{ndim}d_backward")(g, x.shape)
    np.testing.assert_allclose((back * x).sum(), (g * y).sum())


def test_adaptive_sizes():
    x = np.zeros((2, 5, 6))
    assert cpool.adaptive_avg_pool2d(x, 0).shape == (2, 0, 0)
    assert cpool.adaptive_max_pool2d(x, (None, 3), axis=(0, 2)).shape == (2, 5, 3)
    for bad, error in [(-1, ValueError), (4.8e18, TypeError), (2**62, ValueError), ((1, 2, 3), ValueError)]:
        with pytest.raises(error, match="output_size"):
            cpool.adaptive_max_pool2d(x, bad)
    with pytest.raises(ValueError, match="size 0"):
        cpool.adaptive_avg_pool2d(np.zeros((2, 0, 3)), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ndim", [2, 3])
def test_fractional_equals_torch(ndim, dtype):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn.functional, f"fractional_max_pool{ndim}d")
    ours = getattr(cpool, f"fractional_max_pool{ndim}d")
    rng = np.random.default_rng(3)
    for kernel, size in [(2, (6, 7, 5)[:ndim]), (3, (4, 3, 6)[:ndim]), (1, (1, 9, 8)[:ndim]), (2, (1, 1, 1)[:ndim])]:
        x = rng.standard_normal((2, 3, *(11, 17, 9)[:ndim])).astype(dtype)
        samples = rng.random((2, 3, ndim)).astype(dtype)
        y, i = theirs(torch.from_numpy(x), kernel, size, return_indices=True, _random_samples=torch.from_numpy(samples))
        mine, where = ours(x, kernel, size, return_indices=True, random_samples=samples)
        np.testing.assert_array_equal(mine, y.numpy())
        np.testing.assert_array_equal(where, i.numpy())
        np.testing.assert_array_equal(ours(x, kernel, size, random_samples=samples), mine)


def test_fractional_arguments():
    x = np.zeros((2, 8, 8))
    assert cpool.fractional_max_pool2d(x, 2, output_ratio=(0.5, 0.8)).shape == (2, 4, 6)
    same = [cpool.fractional_max_pool2d(numbers((9, 9)), 2, 5, rng=7) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    for ratio in (0, -0.5, 1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"output_ratio|fit"):
            cpool.fractional_max_pool2d(x, 2, output_ratio=ratio)
    for size in (0, -1, 8):
        with pytest.raises(ValueError, match=r"output_size|fit"):
            cpool.fractional_max_pool2d(x, 2, size)
    with pytest.raises(ValueError, match="one of"):
        cpool.fractional_max_pool2d(x, 2)
    with pytest.raises(ValueError, match="one of"):
        cpool.fractional_max_pool2d(x, 2, 4, 0.5)
    with pytest.raises(ValueError, match="shape"):
        cpool.fractional_max_pool2d(x, 2, 4, random_samples=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        cpool.fractional_max_pool2d(x, 2, 4, random_samples=np.ones((2, 2)))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u2", "i4", "i8", "?"])
def test_unpool_equals_reference(dtype, threads):
    x = (numbers((2, 3, 9, 12)) * 50).astype(dtype)
    y, indices = cpool.max_pool2d(x, 3, 2, 1, return_indices=True)
    back = cpool.max_unpool2d(y, indices, 3, 2, 1, output_size=x.shape)
    np.testing.assert_array_equal(back, reference.max_unpool2d(y, indices, 3, 2, 1, output_size=x.shape))
    assert back.dtype == x.dtype


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_unpool_equals_torch(ndim):
    torch = pytest.importorskip("torch")
    x = numbers((2, 3, *(8, 6, 10)[:ndim]))
    y, indices = getattr(cpool, f"max_pool{ndim}d")(x, 2, return_indices=True)
    t = torch.from_numpy(y).requires_grad_()
    theirs = getattr(torch.nn.functional, f"max_unpool{ndim}d")(t, torch.from_numpy(indices), 2)
    ours = getattr(cpool, f"max_unpool{ndim}d")(y, indices.astype(np.uint16), 2)
    np.testing.assert_array_equal(ours, theirs.detach().numpy())
    grad = numbers(ours.shape, 1)
    theirs.backward(torch.from_numpy(grad))
    backward = getattr(cpool, f"max_unpool{ndim}d_backward")
    np.testing.assert_array_equal(backward(grad, indices), t.grad.numpy())
    np.testing.assert_array_equal(
        backward(grad, indices), getattr(reference, f"max_unpool{ndim}d_backward")(grad, indices)
    )


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_unpool_keeps_bits(name):
    """Those of NaN too, signalling ones."""
    dtype = np.dtype(getattr(pytest.importorskip("ml_dtypes"), name)) if name == "bfloat16" else np.dtype(name)
    bits = np.arange(65536, dtype=np.uint16)
    at = np.random.default_rng(0).permutation(65536)
    back = cpool.max_unpool1d(bits.view(dtype), at, 1)
    np.testing.assert_array_equal(back.view(np.uint16)[at], bits)


def test_unpool_the_last_duplicate_stays(threads):
    x = numbers((1, 64, 64))
    indices = np.random.default_rng(0).integers(0, 50, x.shape)
    expected = reference.max_unpool2d(x, indices, 2)
    np.testing.assert_array_equal(cpool.max_unpool2d(x, indices, 2), expected)


@pytest.mark.parametrize("bad", [-1, 16, 1250999896764, 2**32 + 3])
def test_unpool_refuses_indices_outside(bad, threads):
    x = np.ones((300, 2, 2))
    indices = np.zeros(x.shape, np.int64)
    indices[250, 1, 1] = bad
    with pytest.raises(ValueError, match=str(bad)):
        cpool.max_unpool2d(x, indices, 2)
    with pytest.raises(ValueError, match=str(bad)):
        cpool.max_unpool2d_backward(np.ones((300, 4, 4)), indices)


def test_unpool_arguments():
    x, indices = np.ones((2, 2)), np.zeros((2, 2), int)
    for size in [(1, 1), (6, 6), (4, 4, 4), (9, 4, 4)]:
        with pytest.raises(ValueError, match="output_size"):
            cpool.max_unpool2d(x, indices, 2, output_size=size)
    with pytest.raises(ValueError, match="shape"):
        cpool.max_unpool2d(x, indices[:1], 2)
    with pytest.raises(TypeError, match="integers"):
        cpool.max_unpool2d(x, indices * 1.0, 2)
    with pytest.raises(ValueError, match="padding"):
        cpool.max_unpool2d(x, indices, 2, padding=3)


def test_global_pooling():
    x = numbers((2, 3, 5, 7, 4), dtype=np.float64)
    np.testing.assert_allclose(cpool.global_avg_pool(x, axis=(2, 3, 4)), x.mean((2, 3, 4), keepdims=True))
    np.testing.assert_array_equal(cpool.global_max_pool(x, axis=1, keepdims=False), x.max(1))
    np.testing.assert_array_equal(cpool.global_max_pool(x, axis=(1, 3)), x.max((1, 3), keepdims=True))
    with pytest.raises(ValueError, match="axis"):
        cpool.global_max_pool(x, axis=(0, 1, 2, 3))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_of_unpooling_in_any_memory(dtype):
    rng = np.random.default_rng(0)
    grad = rng.standard_normal((2, 3, 6, 8)).astype(dtype)
    indices = rng.integers(0, 48, (2, 3, 4, 5))
    expected = np.take_along_axis(grad.reshape(2, 3, 48), indices.reshape(2, 3, 20), -1).reshape(indices.shape)
    for laid in (
        grad,
        np.asfortranarray(grad),
        np.ascontiguousarray(grad.swapaxes(2, 3)).swapaxes(2, 3),
        grad[..., ::-1].copy()[..., ::-1],
    ):
        for at in (indices, indices.astype(np.int32), channels_last(indices)):
            np.testing.assert_array_equal(cpool.max_unpool2d_backward(laid, at), expected)
    last = channels_last(grad)
    np.testing.assert_array_equal(cpool.max_unpool2d_backward(last, channels_last(indices)), expected)
    for bad in (-1, 48):
        indices[1, 2, 3, 4] = bad
        with pytest.raises(ValueError, match="indices must lie in the plane, 0 to 47"):
            cpool.max_unpool2d_backward(last, indices)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int16", "float16"])
@pytest.mark.parametrize(("n", "out"), [(50, 23), (50, 7), (301, 77), (9000, 4001), (40000, 9001), (30, 97)])
def test_few_rows_that_follow_no_rule(n, out, dtype, threads):
    """Windows of each number of taps are folded at every column, those that are listed kept; also in several tiles."""
    x = np.random.default_rng(0).integers(0, 99, (3, n)).astype(dtype)
    w = geometry.adaptive_windows(n, out, "W")
    assert "flat" in cpool.explain(cpool.adaptive_max_pool1d, x, out).strategies or out > n
    windows = [x[:, a:b] for a, b in zip(w.begin, w.end, strict=True)]
    y, at = cpool.adaptive_max_pool1d(x, out, return_indices=True)
    np.testing.assert_array_equal(y, np.stack([v.max(1) for v in windows], 1))
    np.testing.assert_array_equal(at, np.stack([v.argmax(1) for v in windows], 1) + w.begin)
    np.testing.assert_array_equal(cpool.adaptive_max_pool1d(x, out), y)
    expected = np.stack([v.mean(1, dtype=float) for v in windows], 1)
    np.testing.assert_allclose(cpool.adaptive_avg_pool1d(x, out), expected, rtol=1e-3 if dtype == "float16" else 1e-6)
