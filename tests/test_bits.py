"""The raw bits of results: which zero and which NaN come out, whatever order the operands are met in."""

import os
import subprocess
import sys

import numpy as np
import pytest

import cpool
from cpool.core import driver

DTYPES = ["float16", "float32", "float64"]
LEVELS = driver.levels()


def bits(x):
    return np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}")


def one_form(x):
    """Return whether every zero is +0 and every NaN the positive quiet one without payload."""
    quiet = bits(np.array(np.nan, x.dtype))
    return (bits(x)[x == 0] == 0).all() and (bits(x)[x != x] == quiet).all()


def special(shape, dtype, seed=0):
    """Return NaN of both signs with payloads, infinities and zeros of both signs, and few other numbers."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, shape).astype(dtype)
    payload = bits(np.array([np.nan], dtype)) | np.array(5, f"u{x.dtype.itemsize}")
    nan = payload.view(dtype)[0]
    for value in (nan, -nan, np.inf, -np.inf):
        x[rng.random(shape) < 0.03] = value
    x[(x == 0) & (rng.random(shape) < 0.5)] = -0.0
    return x


def forward(x):
    """Return what the forward functions make of planes."""
    windows = [
        (2, 2, 0, 1),
        (3, 1, 1, 1),
        (3, 2, 1, 1),
        (2, 1, 1, 2),
        ((5, 3), 1, (2, 1), 1),
        ((1, 20), 20, 0, 1),
        (1, 1, 0, 1),
    ]
    for k, s, p, d in windows:
        for name in ("max_pool2d", "min_pool2d"):
            yield name, getattr(cpool, name)(x, k, s, p, d, return_indices=True)[0]
            yield name, getattr(cpool, name)(x, k, s, p, d)
        yield "avg_pool2d", cpool.avg_pool2d(x, k, s, p, dilation=d)
        yield "avg_pool2d", cpool.avg_pool2d(x, k, s, p, dilation=d, divisor_override=-3)
        yield "median_pool2d", cpool.median_pool2d(x, k, s, p, d)
        for power in (1, 2, 3, 0.5, np.inf):
            yield "lp_pool2d", cpool.lp_pool2d(x, power, k, s, padding=p, dilation=d)
        yield "omit", cpool.avg_pool2d(x, k, s, p, dilation=d, nan_policy="omit")
        yield "var_pool2d", cpool.var_pool2d(x, k, s, p, dilation=d)
        yield "omit", cpool.std_pool2d(x, k, s, p, dilation=d, nan_policy="omit")
        yield "omit", cpool.max_pool2d(x, k, s, p, d, nan_policy="omit", initial=-0.0)
    for size in (1, (4, 7), (1, 60), (30, 3)):
        yield "adaptive_max_pool2d", cpool.adaptive_max_pool2d(x, size)
        yield "adaptive_max_pool2d", cpool.adaptive_max_pool2d(x, size, return_indices=True)[0]
        yield "adaptive_avg_pool2d", cpool.adaptive_avg_pool2d(x, size)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_zero_and_one_nan_come_out(dtype, threads):
    x = special((3, 13, 41), dtype)
    assert not one_form(x)
    nan, zero = set(), set()
    with np.errstate(all="ignore"):
        for name, y in forward(x):
            assert one_form(y), name
            nan |= {name} if (y != y).any() else set()
            zero |= {name} if (y == 0).any() else set()
    assert {"max_pool2d", "avg_pool2d", "lp_pool2d", "median_pool2d", "adaptive_avg_pool2d"} <= nan & zero


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["max_pool2d", "min_pool2d"])
def test_the_same_bits_with_and_without_indices(name, dtype, threads):
    pool = getattr(cpool, name)
    for seed, shape in enumerate([(2, 9, 33), (1, 40, 40), (5, 6, 7), (2, 3, 300)]):
        x = special(shape, dtype, seed)
        for k, s, p, d in [
            (2, 2, 0, 1),
            (3, 1, 1, 1),
            ((3, 17), (3, 17), 0, 1),
            (6, 1, 3, 1),
            (2, 3, 1, 2),
            (3, 1, 0, 1),
        ]:
            if np.max(k) > shape[2]:
                continue
            y, at = pool(x, k, s, p, d, return_indices=True)
            np.testing.assert_array_equal(bits(y), bits(pool(x, k, s, p, d)))
            found = np.take_along_axis(x.reshape(shape[0], -1), at.reshape(shape[0], -1), 1).reshape(y.shape)
            np.testing.assert_array_equal(y, found)  # the same number, if not the same bits


@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_one_zero_and_one_nan_in_gradients(dtype, threads):
    x = special((3, 12, 30), dtype)
    with np.errstate(all="ignore"):
        for k, s, p, d in [(2, 2, 0, 1), (3, 1, 1, 1), (3, 2, 1, 1), (2, 1, 1, 2), (3, 4, 0, 1)]:
            y, at = cpool.max_pool2d(x, k, s, p, d, return_indices=True)
            g = special(y.shape, dtype, 1)
            gradients = [
                cpool.max_pool2d_backward(g, at, x.shape),
                cpool.max_pool2d_backward(g, np.zeros_like(at), x.shape),
                cpool.avg_pool2d_backward(g, x.shape, k, s, p, dilation=d),
                cpool.avg_pool2d_backward(g, x.shape, k, s, p, divisor_override=-3, dilation=d),
                cpool.adaptive_avg_pool2d_backward(g, x.shape),
                cpool.adaptive_avg_pool2d_backward(g, (3, 5, 70)),
            ]
            for power in (1, 2, 3, 0.5, np.inf):
                y = cpool.lp_pool2d(x, power, k, s, padding=p, dilation=d)
                gradients.append(cpool.lp_pool2d_backward(g, x, y, power, k, s, padding=p, dilation=d))
            for gx in gradients:
                assert (gx != gx).any()
                assert one_form(gx)


def test_unpooling_copies_bits():
    x = special((2, 4, 5), "float32")
    at = np.arange(20).reshape(4, 5) * np.ones((2, 1, 1), int)
    np.testing.assert_array_equal(bits(cpool.max_unpool2d(x, at, 1)), bits(x))


def test_opposite_infinities():
    x = np.array([[np.inf, -np.inf, 1.0, 2.0]])
    assert bits(cpool.avg_pool1d(x, 2, 1))[0, 0] == bits(np.array(np.nan))
    assert one_form(cpool.median_pool1d(x, 2, 1))


POWERS = """
import hashlib, numpy as np, cpool
x = np.abs(np.random.default_rng(0).standard_normal((4, 30, 41))) + 0.1
digest = hashlib.sha256()
for dtype in ("f4", "f8"):
    for power in (0.5, 1.5, 3, 7, -2):
        y = cpool.lp_pool2d(x.astype(dtype), power, 3, 2)
        gx = cpool.lp_pool2d_backward(np.ones_like(y), x.astype(dtype), y, power, 3, 2)
        digest.update(y.tobytes() + gx.tobytes())
print(digest.hexdigest())
"""


def test_powers_do_not_depend_on_the_instruction_set_of_numpy_or_cpool():
    """NumPy's own power has an AVX-512 form that rounds differently; whether it is used can be chosen."""
    digests = set()
    features = np._core._multiarray_umath.__cpu_dispatch__
    for level in LEVELS:
        for disabled in ("", " ".join(features)):
            environment = os.environ | {"CPOOL_ISA": level, "NPY_DISABLE_CPU_FEATURES": disabled}
            digests.add(
                subprocess.check_output([sys.executable, "-W", "ignore", "-c", POWERS], env=environment, text=True)
            )
    assert len(digests) == 1


def test_sums_of_three_slabs_have_one_order_in_every_memory():
    """Gradients of uneven adaptive averages, of which some elements are seen by three slabs, others by four."""
    grad = np.random.default_rng(0).standard_normal((16, 8, 7, 1))
    last = np.ascontiguousarray(np.moveaxis(grad, 0, -1))
    results = []
    for g in (grad, np.moveaxis(last, -1, 0)):
        for out in (None, np.empty((16, 3, 9, 4)), np.moveaxis(np.empty((3, 9, 4, 16)), -1, 0)):
            results.append(cpool.adaptive_avg_pool3d_backward(g, (16, 3, 9, 4), out=out).tobytes())
    assert len(set(results)) == 1
