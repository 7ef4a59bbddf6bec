"""The reference itself: complete, on demand, and right where NumPy or the definition says what is right."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import cpool
from cpool import reference

X = np.random.default_rng(0).standard_normal((2, 6, 7))


@pytest.mark.parametrize("name", cpool.functional.__all__)
def test_has_every_function_with_its_signature(name):
    ours = dict(inspect.signature(getattr(cpool, name)).parameters)
    slow = dict(inspect.signature(getattr(reference, name)).parameters)
    ours.pop("out", None)
    assert set(ours) <= set(slow)
    assert [n for n in slow if n in ours] == list(ours)
    assert all(slow[n].default == p.default and slow[n].kind is p.kind for n, p in ours.items())
    assert getattr(reference, name).__doc__


def test_is_imported_when_asked_for():
    code = """
import sys, cpool
assert "reference" in dir(cpool) and "max_pool2d" in dir(cpool)
assert "cpool.reference" not in sys.modules
assert cpool.reference.max_pool2d([[1, 2], [3, 4]], 2).item() == 4
try:
    cpool.referenze
except AttributeError as error:
    assert "referenze" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_knows_nothing_of_the_engine():
    """Alone in an interpreter without cpool, it works."""
    code = f"""
import runpy, sys
sys.modules["cpool"] = None
assert runpy.run_path({reference.__file__!r})["avg_pool2d"]([[1, 2], [3, 6]], 2).item() == 3
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def windows(x=X):
    return sliding_window_view(x, (2, 3), (-2, -1))[:, ::2]


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "nearest", "midpoint"])
def test_quantiles_are_those_of_numpy(method):
    for q in (0, 0.3, 1, [0.1, 0.5, 0.77]):
        ours = reference.quantile_pool2d(X, q, (2, 3), (2, 1), method=method)
        np.testing.assert_allclose(ours, np.quantile(windows(), q, (-2, -1), method=method))
    x = np.where(X < -0.5, np.nan, X)
    assert np.isnan(windows(x)).any()
    ours = reference.quantile_pool2d(x, 0.3, (2, 3), (2, 1), method=method, nan_policy="omit")
    np.testing.assert_allclose(ours, np.nanquantile(windows(x), 0.3, (-2, -1), method=method))


@pytest.mark.parametrize("ddof", [0, 1])
def test_variances_are_those_of_numpy(ddof):
    ours = reference.var_pool2d(X, (2, 3), (2, 1), ddof=ddof)
    np.testing.assert_allclose(ours, windows().var((-2, -1), ddof=ddof))
    np.testing.assert_allclose(reference.std_pool2d(X, (2, 3), (2, 1), ddof=ddof) ** 2, ours)
    x = np.where(X < -0.5, np.nan, X)
    ours = reference.var_pool2d(x, (2, 3), (2, 1), ddof=ddof, nan_policy="omit")
    np.testing.assert_allclose(ours, np.nanvar(windows(x), (-2, -1), ddof=ddof))
    padded = reference.var_pool1d([1, 3, 5], 3, 1, 1)
    np.testing.assert_allclose(padded, [1, 8 / 3, 1])  # the padding does not count
    assert np.isnan(reference.var_pool1d([1.0, 2.0], 1, ddof=1)).all()


def test_medians_and_modes():
    x = np.array([2**60 + 1, 2**60 + 3, 2**60 + 2])
    assert reference.median_pool1d(x, 3, dtype=np.int64).item() == 2**60 + 2
    assert reference.median_pool1d(np.array([1, 2]), 2).item() == 1.5
    assert reference.median_pool1d(np.array([1, 2]), 2, dtype=np.int8).item() == 2  # half to even
    assert reference.median_pool1d([1.0, np.nan, 3.0], 3, nan_policy="omit").item() == 2
    assert np.isnan(reference.median_pool1d([1.0, np.nan, 3.0], 3).item())
    assert reference.median_pool1d([-np.inf, np.inf, np.inf], 3).item() == np.inf
    labels = np.array([0, 0, 2, 0, 0, 0])
    assert reference.mode_pool1d(labels, 3).tolist() == [0, 0]
    assert reference.mode_pool1d(labels, 3, ignore=0).tolist() == [2, 0]


def test_too_few_elements():
    x = np.array([1.0, np.nan, np.nan, np.nan, 5.0, 6.0])
    for pool, expected in [
        (reference.max_pool1d, [1, 6]),
        (reference.min_pool1d, [1, 5]),
        (reference.avg_pool1d, [1, 5.5]),
        (reference.median_pool1d, [1, 5.5]),
    ]:
        np.testing.assert_array_equal(pool(x, 3, nan_policy="omit"), expected)
        np.testing.assert_array_equal(pool(x, 3, nan_policy="omit", min_count=2), [np.nan, expected[1]])
        with pytest.raises(ValueError, match="NaN"):
            pool(x, 3, nan_policy="raise")


def test_gradients_of_short_floats_are_rounded_once():
    """2048 ones are 2048, which a sum in float16 reaches; one more it does not."""
    ones = np.ones(4096, np.float16)
    assert reference.max_pool1d_backward(ones, np.zeros(4096, int), (1,)).item() == 4096
    gx = reference.avg_pool1d_backward(ones[:3], (3,), 3, 1, 1, divisor_override=3)
    assert gx.dtype == np.float16
    np.testing.assert_array_equal(gx, np.array([2 / 3, 1, 2 / 3]).astype(np.float16))
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    assert reference.adaptive_avg_pool1d_backward(np.ones(300, bfloat16), (1,)).astype(float).item() == 300


def test_one_entry_stands_for_all_axes():
    expected = reference.avg_pool2d(X, 2, 2, 1)
    np.testing.assert_array_equal(reference.avg_pool2d(X, (2, 2), (), (1,)), expected)
    np.testing.assert_array_equal(reference.avg_pool2d(X, [2], [2], ((1, 1), (1, 1))), expected)
    with pytest.raises(ValueError, match="axes"):
        reference.avg_pool2d(X, (2, 2, 2))
