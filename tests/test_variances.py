"""Variance and standard deviation pooling, and `min_count`: against NumPy's functions over views of windows."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import cpool
from cpool import reference

POOLS = {1: (cpool.var_pool1d, cpool.std_pool1d), 2: (cpool.var_pool2d, cpool.std_pool2d)}
POOLS[3] = (cpool.var_pool3d, cpool.std_pool3d)
KERNEL = (3, 4, 5)
rng = np.random.default_rng(5)


def windows(x, kernel):
    """Return all windows of the last axes, each as one last axis."""
    d = len(kernel)
    view = sliding_window_view(x, kernel, tuple(range(x.ndim - d, x.ndim)))
    return view.reshape(*view.shape[:-d], -1)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("ddof", [0, 1, 2.5])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int16", "uint8", "bool"])
def test_numpys_over_views_of_windows(d, ddof, dtype):
    x = (rng.normal(size=(2, 6, 9, 11)) * 40 + 60).clip(0, 200).astype(dtype)
    kernel = KERNEL[:d]
    wide = windows(x, kernel).astype("float64")
    for pool, numpys in zip(POOLS[d], (np.var, np.std), strict=True):
        y = pool(x, kernel, 1, ddof=ddof)
        assert y.dtype == (x.dtype if x.dtype.kind == "f" else np.float64)
        rounding = {"float16": 1e-3, "float32": 1e-6}.get(dtype, 1e-9)
        np.testing.assert_allclose(y, numpys(wide, -1, ddof=ddof), rtol=rounding)


@pytest.mark.parametrize("kernel", [2, 7, 31])
def test_a_mean_far_from_0_costs_few_digits(kernel):
    x = 1e6 + rng.normal(size=(1, 80, 90))
    exact = windows(x - 1e6, (kernel, kernel)).var(-1)
    np.testing.assert_allclose(cpool.var_pool2d(x, kernel, 1), exact, rtol=1e-7)
    single = (1e4 + rng.normal(size=(1, 80, 90))).astype("float32")
    exact = windows(single.astype("float64") - 1e4, (kernel, kernel)).var(-1)
    np.testing.assert_allclose(cpool.var_pool2d(single, kernel, 1), exact, rtol=1e-6)


def test_padding_does_not_count_and_constant_windows_have_no_variance():
    np.testing.assert_allclose(cpool.var_pool1d([1, 3, 5], 3, 1, 1), [1, 8 / 3, 1])
    assert (cpool.std_pool2d(np.full((9, 9), 0.1), 3, 1, 1) == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_makes_its_windows_nan(value):
    x = rng.normal(size=(4, 20))
    x[1, 7] = value
    y = cpool.var_pool1d(x, 3, 1)
    assert np.isnan(y[1, 5:8]).all()
    assert np.isnan(y).sum() == 3
    assert np.isnan(cpool.var_pool1d(x[1, 7:8], 1)).all()


def test_nan_is_passed_over():
    x = rng.normal(size=(3, 20, 21))
    x[rng.random(x.shape) < 0.3] = np.nan
    x[0, :6, :6] = np.nan
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        expected = np.nanvar(windows(x, (3, 3)), -1, ddof=1)
    np.testing.assert_allclose(cpool.var_pool2d(x, 3, 1, ddof=1, nan_policy="omit"), expected)
    counts = (~np.isnan(windows(x, (3, 3)))).sum(-1)
    y = cpool.var_pool2d(x, 3, 1, nan_policy="omit", min_count=5)
    assert (np.isnan(y) == (counts < 5)).all()
    with pytest.raises(ValueError, match="x holds NaN"):
        cpool.var_pool2d(x, 3, nan_policy="raise")


def test_windows_of_few_elements_are_nan_or_where_there_is_none_an_error():
    assert np.isnan(cpool.var_pool1d([1.0, 2.0], 1, ddof=1)).all()
    assert np.isnan(cpool.var_pool1d([[1.0, 2.0, 4.0]], 3, 1, 1, min_count=3)).tolist() == [[True, False, True]]
    assert cpool.var_pool1d([1, 5], 2, ddof=1.5, dtype=np.int32).tolist() == [16]
    with pytest.raises(ValueError, match="ddof=2 is too much for a window of 2 elements: int32 has no NaN"):
        cpool.var_pool1d([1, 2, 4], 3, 1, 1, ddof=2, dtype=np.int32)
    assert cpool.var_pool1d([1, 2, 6], 3, dtype=np.int32).item() == 5  # 14 / 3, rounded


@pytest.mark.parametrize("name", ["avg_pool2d", "max_pool2d", "min_pool2d"])
@pytest.mark.parametrize("nan_policy", ["propagate", "omit"])
def test_min_count(name, nan_policy):
    x = rng.normal(size=(2, 12, 13)).astype("float32")
    x[rng.random(x.shape) < 0.3] = np.nan
    for least in (1, 4, 7, 10):
        given = dict(kernel_size=3, stride=1, padding=1, nan_policy=nan_policy, min_count=least)
        y, expected = getattr(cpool, name)(x, **given), getattr(reference, name)(x, **given)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    assert np.isnan(y).all()


def test_min_count_of_integers():
    x = np.arange(12).reshape(3, 4)
    short = np.ones((3, 4), bool)
    short[1, 1:3] = False
    assert (np.isnan(cpool.avg_pool2d(x, 3, 1, 1, min_count=9)) == short).all()
    with pytest.raises(ValueError, match="min_count=5 is too much for a window of 4 elements: int8 has no NaN"):
        cpool.avg_pool2d(x, 3, 1, 1, min_count=5, dtype=np.int8)
    with pytest.raises(ValueError, match="initial is needed: a window has too few elements"):
        cpool.max_pool2d(x, 3, 1, 1, min_count=5)
    assert cpool.max_pool2d(x, 3, 1, 1, min_count=9, initial=-1).tolist() == [[-1] * 4, [-1, 10, 11, -1], [-1] * 4]
    assert cpool.max_pool2d(x, 3, 1, 1, min_count=9, initial=99)[1].tolist() == [99] * 4


def test_refused():
    x = np.ones((4, 4))
    with pytest.raises(ValueError, match="ddof must be a number of at least 0, got -1"):
        cpool.var_pool2d(x, 2, ddof=-1)
    with pytest.raises(TypeError, match="ddof must be a number, got '1'"):
        cpool.var_pool2d(x, 2, ddof="1")
    with pytest.raises(TypeError, match=r"dtype must be one of .* for x of float64, got int8"):
        cpool.std_pool2d(x, 2, dtype=np.int8)
    with pytest.raises(ValueError, match="nan_policy must be"):
        cpool.std_pool2d(x, 2, nan_policy="ignore")
    with pytest.raises(ValueError, match="min_count must be between 1"):
        cpool.std_pool2d(x, 2, min_count=0)
    with pytest.raises(TypeError, match="x must have one of the dtypes"):
        cpool.std_pool2d(x.astype(complex), 2)
    with pytest.raises(ValueError, match="padding"):
        cpool.std_pool1d(np.ones(1), 2, dilation=2, padding=1)


def test_by_axis_out_and_strategies():
    x = rng.normal(size=(8, 9, 3)).astype("float32")
    expected = np.moveaxis(cpool.var_pool2d(np.ascontiguousarray(np.moveaxis(x, 2, 0)), 3, 2), 0, 2)
    out = np.empty(expected.shape, "float32")
    assert cpool.var_pool2d(x, 3, 2, axis=(0, 1), out=out) is out
    assert (out == expected).all()
    plan = cpool.explain(cpool.var_pool2d, np.zeros((64, 7, 7)), 7)
    assert plan.planes_at_once
    assert plan.scratch_bytes > 3 * 64 * 49 * 8  # each of three numbers a lane


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32", "uint8"])
def test_averages_of_some_elements_keep_integers_in_range(dtype):
    limits = np.iinfo(dtype)
    x = np.full((2, 6), limits.max, dtype)
    x[1] = limits.min
    where = np.ones(x.shape, bool)
    where[:, 0] = False
    for given in (dict(where=where), dict(nan_policy="raise", min_count=2)):
        y = cpool.avg_pool1d(x, 3, 1, divisor_override=1, dtype=dtype, **given)
        assert y.tolist() == [[limits.max] * 4, [limits.min] * 4]


@pytest.mark.parametrize(
    "given", [dict(kernel_size=3, stride=1, padding=1), dict(kernel_size=2), dict(kernel_size=4, stride=3)]
)
def test_totals_where_little_is_missing(given):
    """Where nothing is missing sums do, chunk by chunk; one NaN must be met wherever it is."""
    for place in [(0, 0, 0), (2, 39, 40), (1, 20, 3), (2, 0, 40), (0, 39, 0)]:
        x = rng.normal(size=(3, 40, 41)).astype("float32")
        plain = cpool.avg_pool2d(x, **given)
        assert (cpool.avg_pool2d(x, nan_policy="omit", **given) == plain).all()
        x[place] = np.nan
        y = cpool.avg_pool2d(x, nan_policy="omit", **given)
        np.testing.assert_allclose(y, reference.avg_pool2d(x, nan_policy="omit", **given), rtol=1e-5, atol=1e-6)
        assert not np.isnan(y).any()
