"""docs/comparison.md, row by row: what it claims of cpool, and of the others where they are installed."""

import pathlib
import re

import numpy as np
import pytest

import cpool

TABLE = pathlib.Path(__file__).parent.parent / "docs" / "comparison.md"


def block_reduce(*arguments, **keywords):
    return pytest.importorskip("skimage.measure").block_reduce(*arguments, **keywords)


def ndimage():
    return pytest.importorskip("scipy.ndimage")


def numbers(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def test_every_row_has_its_test():
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("|")][2:]
    named = [re.search(r"`(test_\w+)` \|$", row)[1] for row in rows]
    assert len(named) == len(set(named))
    assert set(named) <= set(globals())


def test_axes():
    x = numbers(2, 3, 4, 6, 8)
    assert cpool.max_pool2d(x, 2, axis=(1, 3)).shape == (2, 1, 4, 3, 8)
    assert cpool.avg_pool1d(x, 2).shape == (2, 3, 4, 6, 4)
    assert cpool.max_pool3d(x[0, 0], 2).shape == (2, 3, 4)


def test_axes_of_torch():
    torch = pytest.importorskip("torch")
    for shape in [(4, 4), (1, 1, 1, 4, 4)]:
        with pytest.raises(RuntimeError):
            torch.nn.functional.max_pool2d(torch.zeros(shape), 2)


def test_stride():
    x = numbers(9)
    np.testing.assert_array_equal(cpool.max_pool1d(x, 3, 2), cpool.max_pool1d(x, 3, 1)[::2])


def test_remainder():
    x = -np.arange(1.0, 6.0)
    assert cpool.max_pool1d(x, 2).tolist() == [-1, -3]
    assert cpool.max_pool1d(x, 2, ceil_mode=True).tolist() == [-1, -3, -5]
    assert cpool.avg_pool1d(x, 2, ceil_mode=True).tolist() == [-1.5, -3.5, -5]


def test_remainder_of_scikit_image():
    assert block_reduce(-np.arange(1.0, 6.0), 2, np.max).tolist() == [-1, -3, 0]
    assert block_reduce(np.ones(5), 2, np.mean).tolist() == [1, 1, 0.5]


def test_padding():
    x = np.arange(1.0, 5.0)
    assert cpool.max_pool1d(x, 3, 1, [(0, 2)]).tolist() == [3, 4, 4, 4]
    assert cpool.max_pool1d(x, 2, 1, "same").tolist() == [2, 3, 4, 4]
    assert cpool.max_pool1d(x, 2, 1, "same_lower").tolist() == [1, 2, 3, 4]
    assert cpool.max_pool1d(x, 5, 2, 4).tolist() == [1, 3, 4, 4]


def test_padding_of_torch():
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError, match="pad"):
        torch.nn.functional.max_pool1d(torch.ones(1, 1, 4), 5, 2, 4)


@pytest.mark.parametrize("dtype", ["f2", "f4", "i1", "i8"])
def test_padding_never_wins(dtype):
    assert (cpool.max_pool2d(np.full((4, 4), -7, dtype), 3, 1, 1) == -7).all()
    assert (cpool.min_pool2d(np.full((4, 4), 7, dtype), 3, 1, 1) == 7).all()


def test_window_wholly_in_padding():
    with pytest.raises(ValueError, match="wholly into padding"):
        cpool.max_pool2d(np.ones((1, 9)), (2, 3), 1, 1, (2, 1))


def test_dilation():
    x = np.arange(12).reshape(3, 4)
    assert cpool.max_pool2d(x, 2, 1, 0, 2).tolist() == [[10, 11]]
    assert cpool.min_pool2d(x, 2, 1, 0, 2).tolist() == [[0, 1]]
    assert cpool.median_pool2d(x, 2, 1, 0, 2).tolist() == [[5, 6]]
    assert cpool.mode_pool2d(x, 2, 1, 0, 2).tolist() == [[0, 1]]
    assert cpool.avg_pool2d(x, 2, 1, dilation=2).tolist() == [[5, 6]]
    assert cpool.lp_pool2d(x.astype(float), 1, 2, 1, dilation=2).tolist() == [[20, 24]]


def test_divisor():
    x = np.full(5, 6.0)
    assert cpool.avg_pool1d(x, 3, 2, 1).tolist() == [4, 6, 4]
    assert cpool.avg_pool1d(x, 3, 2, 1, count_include_pad=False).tolist() == [6, 6, 6]
    assert cpool.avg_pool1d(x, 3, 2, 1, divisor_override=6).tolist() == [2, 3, 2]
    assert cpool.avg_pool1d(x, 2, 2, ceil_mode=True).tolist() == [6, 6, 6]


def test_ties():
    assert cpool.max_pool2d(np.zeros((4, 4)), 2, return_indices=True)[1].tolist() == [[0, 2], [8, 10]]


def test_nan():
    x = np.array([np.nan, np.nan, 3, 4])
    y, index = cpool.max_pool1d(x, 4, return_indices=True)
    assert np.isnan(y)
    assert index == 1
    assert cpool.max_pool1d(x, 4, nan_policy="omit") == 4
    with pytest.raises(ValueError, match="NaN"):
        cpool.max_pool1d(x, 4, nan_policy="raise")


def test_nan_in_scipy():
    x = np.array([1, np.nan, 3, 0, 0, 0.0])
    assert ndimage().maximum_filter1d(x, 3)[2] == 3
    assert np.isnan(ndimage().uniform_filter1d(x, 3)[1:]).all()


def test_masks():
    x = np.arange(4.0)
    assert cpool.max_pool1d(x, 4, where=x < 2, initial=-1) == 1
    masked = cpool.avg_pool1d(np.ma.masked_greater(x, 1), 2)
    assert masked.mask.tolist() == [False, True]
    assert masked[0] == 0.5


def test_index_layout():
    x = numbers(2, 3, 4, 5)
    y, index = cpool.max_pool2d(x, 2, return_indices=True)
    assert index.dtype == np.int64
    assert cpool.max_pool2d(x, 2, return_indices=True, index_dtype=np.int32)[1].dtype == np.int32
    h, w = index // 5, index % 5
    n, c = np.ogrid[:2, :3]
    np.testing.assert_array_equal(x[n[..., None, None], c[..., None, None], h, w], y)


def test_integers():
    x = np.array([2**50, 2**50 + 1, 7, 8])
    assert cpool.max_pool1d(x, 2).tolist() == [2**50 + 1, 8]
    assert cpool.max_pool1d(x, 2).dtype == x.dtype
    assert cpool.avg_pool1d(x, 2).tolist() == [2**50 + 0.5, 7.5]
    assert cpool.avg_pool1d(x[2:], 2, dtype=np.int64) == 8
    assert cpool.max_pool1d(np.array([False, True]), 2).dtype == bool


def test_integers_in_torch():
    torch = pytest.importorskip("torch")
    for function, dtype in [("max_pool2d", torch.bool), ("avg_pool2d", torch.int32)]:
        with pytest.raises(NotImplementedError):
            getattr(torch.nn.functional, function)(torch.zeros(1, 4, 4, dtype=dtype), 2)


def test_half_sums():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for dtype in (np.float16, ml_dtypes.bfloat16):
        assert cpool.avg_pool2d(np.ones((1, 64, 64), dtype), 64) == 1


def test_infinity_stays_in_its_windows():
    x = np.ones(8)
    x[2] = np.inf
    assert np.isfinite(cpool.avg_pool1d(x, 3, 1)).tolist() == [False] * 3 + [True] * 3


def test_infinity_in_scipy():
    x = np.ones(8)
    x[2] = np.inf
    assert np.isnan(ndimage().uniform_filter1d(x, 3)[4:]).all()


def test_lp():
    x = np.array([1.0, -5, 2, 3])
    np.testing.assert_allclose(cpool.lp_pool1d(x, 1, 2), [-4, 5])
    np.testing.assert_allclose(cpool.lp_pool1d(x, np.inf, 2), [5, 3])
    np.testing.assert_allclose(cpool.lp_pool1d(x, -np.inf, 2), [1, 2])
    torch = pytest.importorskip("torch")
    for p in (1, 2, np.inf, -np.inf):
        theirs = torch.nn.functional.lp_pool1d(torch.from_numpy(x)[None], p, 2)[0]
        np.testing.assert_allclose(cpool.lp_pool1d(x, p, 2), theirs.numpy())


def test_unpool_duplicates():
    assert cpool.max_unpool1d(np.array([1.0, 2.0]), np.array([3, 3]), 2).tolist() == [0, 0, 0, 2]


def test_median_and_mode():
    x = np.array([3, 3, 1, 1, 2])
    assert cpool.median_pool1d(x, 5) == 2
    assert cpool.mode_pool1d(x, 5) == 1


def test_sums():
    x = numbers(3, 8, 8, dtype=np.float64)
    total = x.reshape(3, 4, 2, 4, 2).sum((2, 4))
    np.testing.assert_allclose(cpool.avg_pool2d(x, 2, divisor_override=1), total)


def test_same_bits():
    x = numbers(2, 5, 33, 37)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    before = cpool.get_num_threads()
    try:
        cpool.set_num_threads(1)
        one = cpool.avg_pool2d(x, 5, 2, 2)
        cpool.set_num_threads(3)
        np.testing.assert_array_equal(cpool.avg_pool2d(x, 5, 2, 2), one)
        np.testing.assert_array_equal(cpool.avg_pool2d(last, 5, 2, 2), one)
    finally:
        cpool.set_num_threads(before)
