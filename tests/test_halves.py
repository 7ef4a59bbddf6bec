"""Windows of 2 and 3 columns that move by 2, the strategy "halves": widths around vectors, ties, NaN, edges."""

import numpy as np
import pytest
from cases import difficult

import cpool
from cpool import reference

WIDTHS = [*range(3, 38), 63, 64, 65, 67, 130]


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


def is_halved(pool, x, *arguments, **keywords):
    """Whether a call takes the strategy that is tested here: any but of one window does."""
    plan = cpool.explain(pool, x, *arguments, **keywords)
    return (plan.strategies[-1] == "halves") == (plan.shape[-1] > 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kernel", "padding"), [(2, 0), (2, 1), (3, 0), (3, 1)])
def test_every_width(kernel, padding, dtype, threads):
    for width in WIDTHS:
        x = difficult((3, 5, width), dtype, seed=width)
        arguments = dict(kernel_size=(3, kernel), stride=2, padding=(1, padding))
        for ceil_mode in (False, True):
            for name in ("max_pool2d", "min_pool2d"):
                assert is_halved(getattr(cpool, name), x, **arguments, ceil_mode=ceil_mode)
                ours = getattr(cpool, name)(x, **arguments, ceil_mode=ceil_mode, return_indices=True)
                theirs = getattr(reference, name)(x, **arguments, ceil_mode=ceil_mode, return_indices=True)
                same(ours[0], theirs[0])
                same(ours[1], theirs[1])
                same(getattr(cpool, name)(x, **arguments, ceil_mode=ceil_mode), theirs[0])
                taken = cpool.explain(getattr(cpool, name), x, **arguments, ceil_mode=ceil_mode, return_indices=True)
                assert (taken.strategies[-1] == "halves") == (ours[0][0, 0].nbytes >= 32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize(("kernel", "padding"), [(2, 0), (2, 1), (3, 0), (3, 1)])
def test_averages_of_every_width(kernel, padding, counted, dtype, threads):
    """Sums of small integers are exact, so the quotients must be the nearest numbers."""
    for width in WIDTHS:
        x = np.random.default_rng(width).integers(-99, 99, (2, 6, width)).astype(dtype)
        arguments = dict(kernel_size=(2, kernel), stride=2, padding=(0, padding), count_include_pad=counted)
        assert is_halved(cpool.avg_pool2d, x, **arguments)
        ours = cpool.avg_pool2d(x, **arguments)
        same(ours, reference.avg_pool2d(x, **arguments))
        sums = cpool.avg_pool2d(x, **arguments, divisor_override=1)
        same(cpool.avg_pool2d(x, **arguments, divisor_override=-7), sums / sums.dtype.type(-7))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel", [(1, 2, 2), (2, 2, 2), (1, 4, 2)])
def test_pairs_that_are_folded_with_their_rows(kernel, dtype, threads):
    """Two or four rows at once, all inside the input or not, of planes that are dense or not, or turned round."""
    for width in WIDTHS:
        x = difficult((2, 3, 4, 8, width + 3), dtype, seed=width)[..., :width]
        for given in (x.copy(), x, x[:, :, :, ::-1], x[:, :, 1:, 1:]):
            for keywords in (dict(), dict(ceil_mode=True), dict(nan_policy="omit")):
                arguments = dict(kernel_size=kernel, stride=(kernel[0], 2, 2), **keywords)
                same(cpool.max_pool3d(given, **arguments), reference.max_pool3d(given, **arguments))


@pytest.mark.parametrize("kernel", [(1, 2, 2), (2, 2, 2), (1, 4, 2)])
def test_sums_of_pairs_that_are_folded_with_their_rows(kernel, threads):
    """D first, then H, then W, and of four rows two and two: the last bits tell."""
    for width in WIDTHS:
        x = np.random.default_rng(width).standard_normal((2, 3, 4, 8, width)).astype(np.float32)
        high = (8 - kernel[1]) // 2 + 1
        rows = [
            x[:, :, d :: kernel[0], h : h + 2 * high - 1 : 2, : width // 2 * 2]
            for h in range(kernel[1])
            for d in range(kernel[0])
        ]
        pairs = [a + b for a, b in zip(rows[::2], rows[1::2], strict=True)]
        folded = pairs[0] if len(pairs) == 1 else pairs[0] + pairs[1]
        expected = folded[..., ::2] + folded[..., 1::2]
        same(cpool.avg_pool3d(x, kernel, (kernel[0], 2, 2), divisor_override=1), expected)
        same(cpool.avg_pool3d(x, kernel, (kernel[0], 2, 2), divisor_override=3), expected / np.float32(3))


def test_one_row():
    """A window one row high reads the caller's memory, also where there is one vector only."""
    for n in WIDTHS:
        x = difficult((2, n), "float32", seed=n)
        assert is_halved(cpool.max_pool1d, x, 3, 2)
        ours = cpool.max_pool1d(x, 3, 2, return_indices=True)
        theirs = reference.max_pool1d(x, 3, 2, return_indices=True)
        same(ours[0], theirs[0])
        same(ours[1], theirs[1])
