"""NaN policies, masks and masked arrays."""

import numpy as np
import pytest
from cases import difficult

import cpool
from cpool import reference

GEOMETRIES = [
    dict(kernel_size=2),
    dict(kernel_size=3, stride=1, padding=1),
    dict(kernel_size=(2, 5), stride=(1, 2), padding="same", dilation=(2, 1)),
    dict(kernel_size=3, stride=2, padding=1, ceil_mode=True, axis=(-1, 0)),
]


def with_nan(shape, dtype=np.float64, part=0.4):
    x = difficult(shape, dtype)
    x[np.random.default_rng(5).random(shape) < part] = np.nan
    return x


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_omit_equals_reference(op, arguments, dtype):
    x = with_nan((4, 9, 11), dtype)
    name = f"{op}_pool2d"
    y, indices = getattr(cpool, name)(x, **arguments, nan_policy="omit", return_indices=True)
    expected, where = getattr(reference, name)(x, **arguments, nan_policy="omit", return_indices=True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, where)
    np.testing.assert_array_equal(getattr(cpool, name)(x, **arguments, nan_policy="omit"), expected)


@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_average_counts_what_is_there(arguments):
    x = np.random.default_rng(0).standard_normal((4, 9, 11))
    x[np.random.default_rng(5).random(x.shape) < 0.5] = np.nan
    valid = ~np.isnan(x)
    kernel, rest = arguments["kernel_size"], {k: v for k, v in arguments.items() if k != "kernel_size"}
    total = reference.avg_pool2d(np.where(valid, x, 0), kernel, divisor_override=1, **rest)
    count = reference.avg_pool2d(valid.astype(float), kernel, divisor_override=1, **rest)
    with np.errstate(invalid="ignore"):
        expected = total / count
    ours = cpool.avg_pool2d(x, kernel, count_include_pad=False, nan_policy="omit", **rest)
    np.testing.assert_allclose(ours, expected)
    np.testing.assert_allclose(
        cpool.avg_pool2d(np.where(valid, x, 7), kernel, count_include_pad=False, where=valid, **rest), expected
    )
    masked = cpool.avg_pool2d(np.ma.MaskedArray(x, ~valid), kernel, count_include_pad=False, **rest)
    np.testing.assert_array_equal(masked.mask, count == 0)
    np.testing.assert_allclose(masked.filled(np.nan), expected)
    fixed = cpool.avg_pool2d(x, kernel, divisor_override=3, nan_policy="omit", **rest)
    np.testing.assert_allclose(fixed, np.where(count == 0, np.nan, total / 3))


def test_padding_counts_as_before():
    x = np.array([[np.nan, 2.0], [4.0, 6.0]])
    assert cpool.avg_pool2d(x, 2, padding=1, nan_policy="omit").tolist() == [
        [pytest.approx(np.nan, nan_ok=True), 0.5],
        [1, 1.5],
    ]
    assert cpool.avg_pool2d(x, 2, nan_policy="omit").item() == 4


def test_where_with_integers():
    x = np.arange(16, dtype=np.int16).reshape(4, 4)
    assert cpool.max_pool2d(x, 2, where=x < 15).tolist() == [[5, 7], [13, 14]]
    with pytest.raises(ValueError, match="initial"):
        cpool.max_pool2d(x, 2, where=x < 9)
    y, indices = cpool.max_pool2d(x, 2, where=x < 9, initial=-1, return_indices=True)
    assert y.tolist() == [[5, 7], [8, -1]]
    assert indices.tolist() == [[5, 7], [8, 10]]
    assert cpool.min_pool2d(x, 2, where=[True, False, True, True], initial=99).tolist() == [[0, 2], [8, 10]]
    assert cpool.max_pool2d(x, 2, initial=12).tolist() == [[12, 12], [13, 15]]
    np.testing.assert_array_equal(cpool.avg_pool2d(x, 2, where=x < 9), [[2.5, 4.5], [8, np.nan]])
    masked = cpool.max_pool2d(np.ma.masked_greater(x, 8), 2)
    assert masked.tolist() == [[5, 7], [8, None]]
    flags = x > 8
    assert cpool.max_pool2d(flags, 2, where=x > 13, initial=False).tolist() == [[False, False], [False, True]]


def test_the_identity_may_be_a_value():
    x = np.array([[np.nan, -np.inf], [-np.inf, np.nan]])
    assert [v.item() for v in cpool.max_pool2d(x, 2, nan_policy="omit", return_indices=True)] == [-np.inf, 1]
    x = np.full((2, 2), -128, np.int8)
    where = [[False, False], [True, True]]
    assert [v.item() for v in cpool.max_pool2d(x, 2, where=where, return_indices=True)] == [-128, 2]


def test_raise_and_refuse():
    x = np.zeros((4, 4))
    assert cpool.avg_pool2d(x, 2, nan_policy="raise").shape == (2, 2)
    x[1, 1] = np.nan
    for pool in (cpool.max_pool2d, cpool.min_pool2d, cpool.avg_pool2d):
        with pytest.raises(ValueError, match="NaN"):
            pool(x, 2, nan_policy="raise")
        with pytest.raises(ValueError, match="nan_policy"):
            pool(x, 2, nan_policy="ignore")
        with pytest.raises(TypeError, match="where"):
            pool(x, 2, where=1)
        with pytest.raises(ValueError, match="where"):
            pool(x, 2, where=np.ones((3, 3), bool))
        out = np.empty((2, 2), np.float32)
        with pytest.raises(TypeError, match="out"):
            pool(x, 2, nan_policy="omit", out=out)
        out = np.empty((2, 2))
        assert pool(x, 2, nan_policy="omit", out=out) is out
        assert out.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("more", [dict(nan_policy="omit"), dict(nan_policy="raise"), dict(where=np.ones((4, 4), bool))])
@pytest.mark.parametrize("pool", [cpool.max_pool2d, cpool.min_pool2d, cpool.avg_pool2d])
def test_out_must_not_overlap_the_input(pool, more):
    x = np.arange(16.0).reshape(4, 4)
    for out in (x[:2, :2], x[2:, 2:]):
        with pytest.raises(ValueError, match="overlaps"):
            pool(x, 2, **more, out=out)
    with pytest.raises(ValueError, match="overlaps"):
        pool(np.ma.MaskedArray(x, x > 9), 2, out=x[:2, :2])
    assert x.ravel().tolist() == list(range(16))


@pytest.mark.parametrize(
    ("dtype", "initial", "error"),
    [("i4", 2**62, ValueError), ("u1", -1, ValueError), ("i8", 2.5, ValueError), ("i2", np.nan, ValueError),
     ("f4", "2", TypeError), ("f8", [1], TypeError), ("?", 2, ValueError)],
)  # fmt: skip
def test_initial_must_be_an_element(dtype, initial, error):
    with pytest.raises(error, match="initial"):
        cpool.max_pool2d(np.zeros((4, 4), dtype), 2, initial=initial)
