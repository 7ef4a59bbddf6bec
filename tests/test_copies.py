"""Gradients of averages over windows that lie side by side: each element gets a copy of one share."""

import itertools

import numpy as np
import pytest

import cpool
from cpool import reference


def shares(shape, seed=0):
    """Return small whole numbers that are sums of nothing else, so that results are exact whatever the order."""
    return 12.0 * np.random.default_rng(seed).integers(-9, 10, shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 7, 8, 9, 12, 33])
def test_every_width(kernel, dtype, threads):
    """Rows of each number of windows around whole vectors; what is left over behind the last window is 0."""
    for windows, left, padding in itertools.product([1, 2, 3, 5, 7, 8, 9, 16, 17, 40], [0, 1], [0, kernel // 2]):
        shape = (5, 211, windows * kernel + left * (kernel - 1) - padding)
        if shape[2] < 2:
            continue
        given = dict(kernel_size=kernel, stride=kernel, padding=padding, divisor_override=1)
        g = shares(cpool.avg_pool1d(np.zeros(shape, dtype), **given).shape).astype(dtype)
        strategies = cpool.explain(cpool.avg_pool1d_backward, g, shape, **given).strategies
        assert strategies == ("copies",) or shape[2] * g.itemsize < 192  # these are turned, or folded
        padded = np.zeros((*shape[:2], shape[2] + 2 * padding + kernel), dtype)
        padded[..., : g.shape[-1] * kernel] = np.repeat(g, kernel, -1)
        ours = cpool.avg_pool1d_backward(g, shape, **given)
        np.testing.assert_array_equal(ours, padded[..., padding : padding + shape[2]], strict=True)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_planes_and_volumes(dtype, count_include_pad, threads):
    """Rows above each other, slabs behind each other, padding and a rest along each axis, on divisors that differ."""
    for sizes, kernel, ceil in itertools.product(
        [(33, 60), (64, 52), (5, 32, 56), (7, 33, 63)], (2, 3, 5), (False, True)
    ):
        d, shape = len(sizes), (3, 2, *sizes)
        given = dict(kernel_size=kernel, stride=kernel, padding=kernel // 2, ceil_mode=ceil)
        given |= dict(count_include_pad=count_include_pad)
        pool, backward = (getattr(cpool, f"avg_pool{d}d{end}") for end in ("", "_backward"))
        g = np.random.default_rng(1).random(pool(np.zeros(shape, dtype), **given).shape).astype(dtype)
        strategies = set(cpool.explain(backward, g, shape, **given).strategies)
        assert (strategies == {"copies"}) == (dtype != "float16")  # which is not what it is summed in
        expected = getattr(reference, f"avg_pool{d}d_backward")(g, shape, **given)
        np.testing.assert_allclose(backward(g, shape, **given), expected, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_global_windows_and_those_of_adaptive_pooling(threads):
    """One share fills a plane, or each of equal blocks."""
    for sizes, out in [((7, 7), 1), ((3, 50), 1), ((70, 70), 1), ((12, 48), (4, 2)), ((9, 90), (9, 3))]:
        g = shares((9, 7, *np.broadcast_to(out, 2))).astype(np.float32)
        plan = cpool.explain(cpool.adaptive_avg_pool2d_backward, g, (9, 7, *sizes))
        assert set(plan.strategies) == {"copies"}
        tall, wide = (n // m for n, m in zip(sizes, g.shape[2:], strict=True))
        expected = np.repeat(np.repeat(g, tall, -2), wide, -1) / np.float32(tall * wide)
        np.testing.assert_allclose(cpool.adaptive_avg_pool2d_backward(g, (9, 7, *sizes)), expected, rtol=1e-6)


def test_rows_that_do_not_lie_densely(threads):
    """Results are written where they belong, and nothing beside them."""
    g = shares((3, 40, 16)).astype(np.float32)
    room = np.full((3, 80, 60), 77, np.float32)
    cpool.avg_pool2d_backward(g, (3, 80, 48), (2, 3), (2, 3), out=room[..., 5:53], divisor_override=1)
    np.testing.assert_array_equal(room[..., 5:53], np.repeat(np.repeat(g, 2, -2), 3, -1))
    assert (room[..., :5] == 77).all()
    assert (room[..., 53:] == 77).all()


def test_long_rows_are_cut(threads):
    """Each piece of a row goes on where the one before ended."""
    for kernel, padding in [(2, 0), (3, 1), (5, 2), (20, 7)]:
        shape = (2, 50_003)
        given = dict(kernel_size=kernel, stride=kernel, padding=padding, divisor_override=1)
        g = shares(cpool.avg_pool1d(np.zeros(shape, np.float32), **given).shape).astype(np.float32)
        expected = np.zeros((2, shape[1] + 2 * padding), np.float32)
        expected[:, : g.shape[1] * kernel] = np.repeat(g, kernel, -1)[:, : expected.shape[1]]
        ours = cpool.avg_pool1d_backward(g, shape, **given)
        np.testing.assert_array_equal(ours, expected[:, padding : padding + shape[1]])


def test_nan_and_zeros():
    """A share is a result: its zero is +0, its NaN stays where it is."""
    g = np.tile(np.array([-0.0, np.nan, np.inf, 2], np.float32), (200, 1))
    ours = cpool.avg_pool1d_backward(g, (200, 9), 2, 2)
    np.testing.assert_array_equal(ours, [[0, 0, np.nan, np.nan, np.inf, np.inf, 1, 1, 0]] * 200)
    assert not np.signbit(ours[:, [0, 1, 8]]).any()
