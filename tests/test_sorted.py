"""Median, quantile and mode pooling against the reference and NumPy."""

import itertools
import math
import warnings

import numpy as np
import pytest
from cases import channels_last
from hypothesis import given, settings
from hypothesis import strategies as st

import cpool
from cpool import reference
from cpool.core import networks, strategies

GEOMETRIES = [(2, None, 0, 1), (3, 1, 1, 1), (3, 2, 2, 1), ((1, 5), (2, 1), (0, 2), 1), (2, 1, 1, 2), (7, 3, 3, 1)]


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize(("k", "s", "p", "d"), GEOMETRIES)
def test_mode_equals_reference(k, s, p, d, dtype, threads):
    x = np.random.default_rng(0).integers(0, 5, (2, 13, 18)).astype(dtype)
    np.testing.assert_array_equal(cpool.mode_pool2d(x, k, s, p, d), reference.mode_pool2d(x, k, s, p, d))


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize(("k", "s", "p", "d"), GEOMETRIES)
def test_median_equals_reference(k, s, p, d, dtype, threads):
    x = np.random.default_rng(0).standard_normal((2, 13, 18)) * 50
    # By way of int64: what a negative float becomes as an unsigned integer is undefined in C.
    x = x.astype(dtype) if dtype[0] == "f" else x.astype(np.int64).astype(dtype)
    y = cpool.median_pool2d(x, k, s, p, d)
    assert y.dtype == (x.dtype if x.dtype.kind == "f" else np.float64)
    np.testing.assert_array_equal(y, reference.median_pool2d(x, k, s, p, d).astype(y.dtype))


def test_median_propagates_nan_and_orders_infinities():
    x = np.random.default_rng(0).standard_normal((40, 40)).astype(np.float32)
    flat = x.reshape(-1)
    flat[::17], flat[5::23], flat[9::29] = np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(cpool.median_pool2d(x, 3, 1, 1), reference.median_pool2d(x, 3, 1, 1))


@pytest.mark.parametrize("axis", [(1, 2), (2, 1), (0, 3)])
def test_any_axes_and_orders(axis, threads):
    x = np.random.default_rng(0).integers(0, 4, (6, 7, 8, 5)).astype(np.int32)
    for array in (x, np.asfortranarray(x), x[:, ::-1, :, ::-1]):
        for name in ("mode_pool2d", "median_pool2d"):
            ours, slow = getattr(cpool, name), getattr(reference, name)
            np.testing.assert_array_equal(ours(array, 3, 2, 1, axis=axis), slow(array, 3, 2, 1, axis=axis))


def test_volumes_signals_and_large_windows():
    x = np.random.default_rng(0).integers(0, 9, (6, 20, 31)).astype(np.uint8)
    np.testing.assert_array_equal(cpool.mode_pool3d(x, 3, 2, 1), reference.mode_pool3d(x, 3, 2, 1))
    np.testing.assert_array_equal(cpool.mode_pool1d(x, 5, 1, 2), reference.mode_pool1d(x, 5, 1, 2))
    np.testing.assert_array_equal(cpool.median_pool2d(x, (20, 31)), np.median(x, (1, 2), keepdims=True))
    out = np.empty((6, 1, 1), np.uint8)
    assert cpool.mode_pool2d(x, (20, 31), out=out) is out
    assert out.ravel().tolist() == [np.bincount(plane.ravel()).argmax() for plane in x]


METHODS = ["linear", "lower", "higher", "nearest", "midpoint"]
FLOATS = ["f2", "f4", "f8"]


def numbers(shape, dtype, seed=0):
    """Return few distinct numbers, so that some are equal; of floats some infinite."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2 if dtype == "?" else 40, shape).astype(dtype)
    if dtype in FLOATS:
        x = x / x.dtype.type(8) - 2
        x[rng.random(shape) < 0.02] = np.inf
        x[rng.random(shape) < 0.02] = -np.inf
    return x


def close(ours, theirs):
    """Equal, but for the last bit of what floats were computed from."""
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    unit = np.finfo(ours.dtype).eps if ours.dtype.kind == "f" else 0
    ours, theirs = ours.astype("f8"), theirs.astype("f8")
    largest = np.abs(theirs[np.isfinite(theirs)]).max(initial=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2 * unit * largest)


@pytest.mark.parametrize(("columns", "height"), [(c, h) for c in range(1, 7) for h in range(1, 5) if c * h <= 12])
def test_networks_find_every_rank(columns, height):
    """Of all zeros and ones, and so of all numbers: a network of minima and maxima commutes with thresholds."""
    n = columns * height
    each = [np.tri(height + 1, height, -1, dtype=int)[:, ::-1]] * columns
    inputs = np.array([np.concatenate(column) for column in itertools.product(*each)]).T
    expected = np.sort(inputs, 0)
    for wanted in [(0,), (n // 2,), tuple(sorted({n // 4, n - 1})), tuple(range(n)), tuple(range(n // 4, n // 2 + 1))]:
        network = networks.selecting(columns, height, wanted)
        rows = [*inputs, *[None] * (network.rows - n)]
        for low, high, a, b in network.steps:
            assert len({low, high, a, b} - {-1}) == 4 - (low < 0) - (high < 0)
            assert {low, high} & set(range(n)) == set()
            both = np.minimum(rows[a], rows[b]), np.maximum(rows[a], rows[b])
            for row, half in zip((low, high), both, strict=True):
                if row >= 0:
                    rows[row] = half
        for rank in wanted:
            np.testing.assert_array_equal(rows[network.order[rank]], expected[rank])


LARGE = [
    ((2, 300), 120, 1, 30, 1), ((2, 300), 90, 2, 0, 1), ((2, 400), 150, 4, 9, 2), ((40, 45), (15, 17), 1, 7, 1),
    ((50, 60), (21, 25), (3, 2), (2, 9), 1), ((12, 13, 14), 7, 1, 3, 1), ((20, 90), (20, 33), (20, 2), 0, (1, 2)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "i2", "u4", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize(("shape", "k", "s", "p", "d"), LARGE)
def test_large_windows_are_ranked(shape, k, s, p, d, dtype, threads, monkeypatch):
    """In tiles of a few windows each; channels one by one; with masks, NaN, infinities and several quantiles."""
    rng, n = np.random.default_rng(3), min(3, len(shape)) if isinstance(k, tuple) or len(shape) == 3 else 1
    x = numbers((2, *shape), dtype) if dtype[0] == "f" else rng.integers(0, 120, (2, *shape)).astype(dtype)
    if dtype in FLOATS:
        x.reshape(-1)[7] = np.nan
    name, q, where = f"quantile_pool{n}d", [0.5, 0.1, 1.0], rng.random(x.shape) < 0.9
    ours, slow = getattr(cpool, name), getattr(reference, name)
    monkeypatch.setattr(strategies, "MOST_IN_NETWORK", 1)  # of few bytes networks are quicker
    assert cpool.explain(ours, x, q, k, s, p, d).strategies == ("ranks",) * n
    with np.errstate(invalid="ignore"):
        for array in (x, np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)):
            close(ours(array, q, k, s, p, d), slow(x, q, k, s, p, d))
        more = dict(nan_policy="omit", min_count=3)
        close(ours(x, q, k, s, p, d, **more), slow(x, q, k, s, p, d, **more))
        close(ours(x, q, k, s, p, d, where=where), slow(x, q, k, s, p, d, where=where))
        for method in METHODS:
            np.testing.assert_array_equal(
                ours(x, 0.3, k, s, p, d, method=method), slow(x, 0.3, k, s, p, d, method=method)
            )


def test_ranked_integers_stay_exact():
    """Also those that a double does not hold."""
    x = (np.random.default_rng(0).integers(0, 2**20, 500) + 2**62).astype(np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(x, 101)
    assert cpool.explain(cpool.median_pool1d, x, 101, 1, dtype=np.int64).strategies == ("ranks",)
    np.testing.assert_array_equal(cpool.median_pool1d(x, 101, 1, dtype=np.int64), np.sort(windows, -1)[:, 50])


def test_networks_are_small():
    def halves(columns, height, rank):
        steps = networks.selecting(columns, height, (rank,)).steps
        return sum((low >= 0) + (high >= 0) for low, high, *_ in steps)

    assert halves(3, 3, 4) == 12
    assert halves(5, 5, 12) < 100
    assert halves(8, 1, 0) == 7


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["?", "i1", "u8", *FLOATS])
@pytest.mark.parametrize(("k", "s", "p", "d"), GEOMETRIES)
def test_quantiles_equal_reference(k, s, p, d, dtype, method):
    x = numbers((2, 13, 18), dtype)
    q = [0, 0.1, 0.5, 0.875, 1]
    with np.errstate(invalid="ignore"):
        expected = reference.quantile_pool2d(x, q, k, s, p, d, method=method)
        ours = cpool.quantile_pool2d(x, q, k, s, p, d, method=method)
        close(ours, expected)
        for i, one in enumerate(q):
            np.testing.assert_array_equal(cpool.quantile_pool2d(x, one, k, s, p, d, method=method), ours[i])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("k", "least"), [((3, 3), 1), ((3, 3), 7), ((2, 5), 4), ((1, 3), 2)])
def test_ranks_of_windows_in_which_few_count(k, least, method):
    """Of any number of elements, however many of them fewer windows have."""
    rng = np.random.default_rng(2)
    x = rng.integers(0, 90, (40, 75)).astype("f4")
    x[rng.random(x.shape) < np.linspace(0, 1, 75)] = np.nan
    windows = np.lib.stride_tricks.sliding_window_view(x, k).reshape(
        *(n - m + 1 for n, m in zip(x.shape, k, strict=True)), -1
    )
    counts = (windows == windows).sum(-1)
    assert set(range(math.prod(k) + 1)) == set(counts.ravel().tolist())
    for q in (0.0, 0.5, 0.6, 1.0, [0.2, 0.9]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy says that a window has NaN alone
            expected = np.nanquantile(windows.astype("f8"), q, -1, method=method)
        expected = np.where(counts >= least, expected, np.nan)
        ours = cpool.quantile_pool2d(x, q, k, 1, nan_policy="omit", min_count=least, method=method)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)
        masked = cpool.quantile_pool2d(np.nan_to_num(x), q, k, 1, where=x == x, min_count=least, method=method)
        np.testing.assert_array_equal(masked, ours)
        full = np.where(counts == math.prod(k), ours, np.nan)
        np.testing.assert_array_equal(cpool.quantile_pool2d(x, q, k, 1, min_count=least, method=method), full)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
def test_quantiles_equal_numpy(dtype, method):
    x = (np.random.default_rng(1).standard_normal((30, 40)) * 99).astype("i8").astype(dtype)
    windows = np.lib.stride_tricks.sliding_window_view(x, (4, 5))
    for q in (0.0, 0.3, 0.5, 0.77, 1.0, [0.25, 0.75]):
        with np.errstate(all="ignore"):
            expected = np.quantile(windows, q, (-2, -1), method=method)
        ours = cpool.quantile_pool2d(x, q, (4, 5), 1, method=method)
        assert ours.dtype == (x.dtype if x.dtype.kind == "f" else np.float64)
        # NumPy computes in x's dtype, also at which place q lies.
        np.testing.assert_allclose(ours, expected, rtol=0, atol=2e-4 if dtype == "f4" else 1e-13)


@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 20), st.integers(1, 70)), seed=st.integers(0, 99),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 6)), stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    dilation=st.integers(1, 3), pad=st.booleans(), dtype=st.sampled_from(["u1", "i2", "f2", "f4", "f8"]),
    order=st.sampled_from("CF"), part=st.sampled_from([0, 0.05, 0.6, 1]), policy=st.sampled_from(["propagate", "omit"]),
    method=st.sampled_from(METHODS), q=st.lists(st.floats(0, 1), min_size=1, max_size=3), least=st.integers(1, 3),
)  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_any_windows(shape, seed, kernel, stride, dilation, pad, dtype, order, part, policy, method, q, least):
    x = numbers(shape, dtype, seed)
    if dtype in FLOATS:
        x[np.random.default_rng(seed).random(shape) < part] = np.nan
    x = np.asarray(x, order=order)
    windows = (kernel, stride, [k // 2 for k in kernel] if pad else 0, dilation)
    more = dict(nan_policy=policy, min_count=least)
    try:
        with np.errstate(invalid="ignore"):
            expected = reference.quantile_pool2d(x, q, *windows, method=method, **more)
    except ValueError:
        with pytest.raises(ValueError, match=r"kernel|input|wholly"):
            cpool.quantile_pool2d(x, q, *windows, method=method, **more)
        return
    close(cpool.quantile_pool2d(x, q, *windows, method=method, **more), expected)
    with np.errstate(invalid="ignore"):
        close(cpool.median_pool2d(x, *windows, **more), reference.median_pool2d(x, *windows, **more))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("k", "s", "p", "d"), GEOMETRIES)
def test_nan_does_not_count(k, s, p, d, dtype, threads):
    x = numbers((2, 13, 60), dtype)
    x[:, :, 20:][np.random.default_rng(3).random((2, 13, 40)) < 0.3] = np.nan
    x[0, :9, 40:50] = np.nan
    for least in (1, 4):
        with np.errstate(invalid="ignore"):
            ours = cpool.median_pool2d(x, k, s, p, d, nan_policy="omit", min_count=least)
            expected = reference.median_pool2d(x, k, s, p, d, nan_policy="omit", min_count=least)
        close(ours, expected)
    assert np.isnan(expected).any()
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 5), (1, 2))
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        close(cpool.median_pool2d(x, (3, 5), 1, nan_policy="omit"), np.nanmedian(windows, (-2, -1)))


def test_integers_stay_exact():
    x = np.array([2**63 - 1, 2**63 - 2, 2**63 - 3, -(2**63), 2**53 + 1])
    assert cpool.median_pool1d(x, 3, 1, dtype=x.dtype).tolist() == [2**63 - 2, 2**63 - 3, 2**53 + 1]
    assert cpool.median_pool1d(x, 5, 1, dtype=x.dtype).tolist() == [2**63 - 3]
    assert cpool.quantile_pool1d(x, 1, 5, dtype=x.dtype).tolist() == [2**63 - 1]
    big = x.view(np.uint64)
    assert cpool.median_pool1d(big, 3, 1, dtype=np.uint64).tolist() == [2**63 - 2, 2**63 - 2, 2**63 - 3]
    assert cpool.median_pool1d(np.array([1, 2, 4]), 2, 1, dtype=np.int8).tolist() == [2, 3]  # half to even
    assert cpool.median_pool1d(np.array([1, 2, 4]), 2, 1, dtype=np.float16).dtype == np.float16


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "u2", "i8", "u8"])
@pytest.mark.parametrize(("k", "s", "p", "d"), GEOMETRIES)
def test_ignored_labels(k, s, p, d, dtype, threads):
    most = 1 if dtype == "?" else np.iinfo(dtype).max
    x = np.array([0, 0, 0, 1, 2, most], np.uint64).astype(dtype)[np.random.default_rng(0).integers(0, 6, (2, 13, 40))]
    x[0, :9, 10:20] = 0
    x[1, :9, 10:20] = most
    for label in (0, 1, most, 3):
        ours, expected = (m.mode_pool2d(x, k, s, p, d, ignore=label) for m in (cpool, reference))
        np.testing.assert_array_equal(ours, expected)
    np.testing.assert_array_equal(cpool.mode_pool2d(x, k, s, p, d, ignore=-5), cpool.mode_pool2d(x, k, s, p, d))


@pytest.mark.parametrize("axis", [(1, 2), (2, 1), (0, 3)])
def test_quantiles_of_any_axes_in_any_memory(axis, threads):
    x = numbers((6, 7, 8, 5), "f4")
    for array in (x, np.asfortranarray(x), x[:, ::-1, :, ::-1]):
        for q in (0.4, [0.1, 0.9]):
            with np.errstate(invalid="ignore"):
                expected = reference.quantile_pool2d(array, q, 3, 2, 1, axis=axis)
                close(cpool.quantile_pool2d(array, q, 3, 2, 1, axis=axis), expected)
                out = np.empty((*expected.shape, 2), "f4")[..., 0]
                assert cpool.quantile_pool2d(array, q, 3, 2, 1, axis=axis, out=out) is out
            close(out, expected)


def ranks(x, where, k, s, p, q):
    """Return the quantile "lower" of the elements that count, NaN excepted, of whole windows; NaN of none."""
    pads = [(0, 0)] * (x.ndim - len(k)) + [(p, p)] * len(k)
    x = np.where(where, x, np.nan)
    view = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, pads, constant_values=np.nan), k, tuple(range(-len(k), 0))
    )
    view = view[(..., *(slice(None, None, s),) * len(k), *(slice(None),) * len(k))]
    view = np.sort(view.reshape(*view.shape[: x.ndim], -1), -1)  # NaN comes last
    rank = np.floor(q * (np.isfinite(view).sum(-1) - 1)).astype(int)
    return np.take_along_axis(view, rank[..., None], -1)[..., 0]


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("k", [(3,), (5,), (2, 2), (3, 3), (5, 5), (4, 3), (3, 3, 3)])
def test_windows_of_tall_and_wide_planes(k, dtype):
    """Rows that several windows see, borders that are read down a column, and networks that are compiled."""
    rng = np.random.default_rng(len(k) * k[0])
    pool, padding = getattr(cpool, f"quantile_pool{len(k)}d"), k[0] // 2 if min(k) > 2 else 0
    for sizes in [(70, 41), (41, 70), (90, 3)] if k[1:] else [(200,), (9,)]:
        shape = 2, 3, *(5,) * (len(k) - 2), *sizes
        x = rng.integers(0, 99, shape).astype(dtype)
        for where in (None, rng.random(shape) < 0.999):  # few rows of a picture have one that does not count
            for s, q in ((1, 0.5), (2, 0.5), (1, 0.25)):
                expected = ranks(x, True if where is None else where, k, s, padding, q)
                for laid in (x, channels_last(x)):
                    ours = pool(laid, q, k, s, padding, method="lower", dtype=dtype, where=where)
                    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(("wide", "narrow"), [("u2", "u1"), ("u4", "u2"), ("u8", "u4"), ("i4", "i2"), ("u4", "i2")])
@pytest.mark.parametrize("k", [1, 3, 4])
def test_elements_that_a_smaller_integer_does_not_hold(k, wide, narrow):
    """They become the largest that it holds, whether a result is an element or lies between two."""
    most = np.iinfo(narrow).max
    x = np.random.default_rng(k).integers(0, 3 * most, (2, 40)).astype(wide)
    for stride in (1, k):
        ours = cpool.median_pool1d(x, k, stride, dtype=narrow)
        windows = np.lib.stride_tricks.sliding_window_view(x, k, -1)[:, ::stride]
        np.testing.assert_array_equal(ours, np.minimum(np.rint(np.median(windows, -1)), most))
        assert (ours == most).any()


def test_far_taps_need_no_room():
    x = np.arange(5.0)
    np.testing.assert_array_equal(cpool.median_pool1d(x, 3, 1, 10**9, 10**9), x)
    np.testing.assert_array_equal(cpool.median_pool1d(x, 2, 2**31 - 1, [(0, 5)], 5), [0.0])


@pytest.mark.parametrize("name", ["median_pool2d", "quantile_pool2d"])
def test_refused_statistics(name):
    def pool(x, *windows, **more):
        return getattr(cpool, name)(x, *([0.5] if name[0] == "q" else []), *windows, **more)

    x = np.ones((4, 4))
    with pytest.raises(ValueError, match="nan_policy"):
        pool(x, 2, nan_policy="ignore")
    for least, error in ((0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="min_count"):
            pool(x, 2, min_count=least)
    with pytest.raises(TypeError, match="dtype"):
        pool(x, 2, dtype=int)
    with pytest.raises(ValueError, match="min_count=5"):
        pool(x.astype(int), 2, min_count=5, dtype=int)
    assert np.isnan(pool(x.astype(int), 2, min_count=5)).all()
    assert pool(x, 2, nan_policy="raise").tolist() == [[1, 1], [1, 1]]
    x[0, 0] = np.nan
    out = np.zeros((2, 2))
    for _ in range(2):
        with pytest.raises(ValueError, match="NaN"):
            pool(x, 2, nan_policy="raise", out=out)
    assert not out.any()


def test_refused():
    for q in (-0.1, 1.5, [0.5, np.nan], []):
        with pytest.raises(ValueError, match="q must"):
            cpool.quantile_pool2d(np.ones((4, 4)), q, 2)
    for q in ("0.5", None, [[0.5]], [1j], True):
        with pytest.raises(TypeError, match="q must"):
            cpool.quantile_pool2d(np.ones((4, 4)), q, 2)
    with pytest.raises(ValueError, match="method"):
        cpool.quantile_pool2d(np.ones((4, 4)), 0.5, 2, method="median")
    for label in (1.5, "0", [0]):
        with pytest.raises(TypeError, match="ignore"):
            cpool.mode_pool2d(np.ones((4, 4), int), 2, ignore=label)
    with pytest.raises(TypeError, match="integer or bool"):
        cpool.mode_pool2d(np.ones((4, 4)), 2)
    with pytest.raises(ValueError, match="elements"):
        cpool.median_pool2d(np.ones((4, 4)), 300, padding=200)
    with pytest.raises(ValueError, match="wholly"):
        cpool.median_pool2d(np.ones((4, 4)), 2, padding=3)


@pytest.mark.parametrize(("planes", "shape"), [(70, (5, 6)), (300, (3, 3)), (9, (40, 2)), (1, (90, 2))])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_planes_are_ordered_side_by_side(planes, shape, channels, threads):
    """Planes become channels, or lanes go down narrow planes."""
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 9, (planes, *shape, channels)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    labels, counts = rng.integers(0, 4, x.shape), rng.random(x.shape) < 0.8
    for windows in (dict(kernel_size=(3, 2)), dict(kernel_size=3, stride=1, padding=1)):
        windows["axis"] = (1, 2)
        for more in ({}, dict(nan_policy="omit"), dict(where=counts, nan_policy="omit")):
            ours, theirs = (m.quantile_pool2d(x, [0.5, 0.2], **windows, **more) for m in (cpool, reference))
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        ours, theirs = (m.mode_pool2d(labels, **windows, ignore=0) for m in (cpool, reference))
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["u1", "i8", "f2", "f4", "f8"])
def test_turned_planes_are_stored_where_they_belong(dtype, threads):
    """Also in an output whose rows lie apart, of floats of two bytes, and where results are another type."""
    x = numbers((90, 11, 12), dtype)
    assert cpool.explain(cpool.median_pool2d, x, 3, 2, 1).planes_at_once
    with np.errstate(invalid="ignore"):
        for more in ({}, {"dtype": "f4"}, {"dtype": x.dtype}):
            expected = reference.median_pool2d(x, 3, 2, 1, **more)
            close(cpool.median_pool2d(x, 3, 2, 1, **more), expected)
            room = np.zeros((90, 12, 18), expected.dtype)
            cpool.median_pool2d(x, 3, 2, 1, out=room[:, ::2, ::3], **more)
            close(room[:, ::2, ::3].copy(), expected)
            assert not room[:, 1::2].any()


def test_far_taps_are_not_ranked():
    """What lies between them would have to be ranked, too."""
    x = np.zeros((60, 10**6), np.float32)
    plan = cpool.explain(cpool.median_pool2d, x, 50, (1, 10**4), 0, (1, 10**4))
    assert plan.strategies == ("network",) * 2
    assert plan.scratch_bytes < 10**8


def test_networks_of_large_windows_are_not_kept():
    """Modes of ever larger planes: what is built for one of them is not held for the next."""
    x = np.random.default_rng(0).integers(0, 9, 5010)
    kept = networks._kept.cache_info().currsize
    for n in range(5000, 5010):
        assert cpool.mode_pool1d(x[:n], n) == np.bincount(x[:n]).argmax()
    assert networks._kept.cache_info().currsize == kept


@pytest.mark.parametrize("k", [12, 40])
def test_a_few_windows_are_ranked_sooner_than_a_network_is_built(k):
    few, many = (np.zeros((n, 80, 80), np.float32) for n in (1, 2000))
    assert cpool.explain(cpool.median_pool2d, few, k).strategies == ("ranks",) * 2
    assert cpool.explain(cpool.median_pool2d, many, k).strategies == ("network",) * 2
