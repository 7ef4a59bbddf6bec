"""NaN policies, masks and masked arrays."""

import inspect
import itertools
import warnings
from functools import partial

import numpy as np
import pytest
from cases import difficult

import cpool
from cpool import reference
from cpool.core import prepared

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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kernel", "padding"), [((2, 2), 0), ((4, 2), (2, 0)), ((2, 2, 2), (1, 1, 0)), ((1, 4, 2), 0)])
@pytest.mark.parametrize(
    "more", [{}, dict(divisor_override=3), dict(count_include_pad=False), dict(min_count=3), dict(ceil_mode=True)]
)
def test_pairs_of_columns_become_averages_at_once(kernel, padding, more, dtype):
    d = len(kernel)
    pool, slow = (getattr(module, f"avg_pool{d}d") for module in (cpool, reference))
    rng, eps = np.random.default_rng(d), 16 * np.finfo(dtype).eps
    for wide in (*range(2, 37), 64, 67):
        x = rng.standard_normal((3, *(5,) * (d - 2), 8, wide)).astype(dtype)
        x[rng.random(x.shape) < 0.3] = np.nan
        x[rng.random(x.shape) < 0.02] = np.inf
        least = more.get("min_count", 1)
        shape = dict(kernel_size=kernel, padding=padding, ceil_mode="ceil_mode" in more)
        count = slow((x == x).astype(float), **shape, divisor_override=1)
        seen = slow(np.ones(x.shape), **shape, divisor_override=1)
        total = slow(np.where(x == x, x, 0).astype(float), **shape, divisor_override=1)
        padded = slow(np.ones(x.shape), **shape)  # the share that lies inside
        by = count if "count_include_pad" in more else np.round(seen / np.maximum(padded, 1e-9)) - seen + count
        by = more.get("divisor_override", np.maximum(by, 1))
        expected = np.where((count < least) & (seen > 0), np.nan, total / by)
        ours = pool(x, kernel, padding=padding, nan_policy="omit", **more)
        np.testing.assert_allclose(ours, expected, rtol=eps, atol=eps, err_msg=f"{wide}")


def test_padding_counts_as_before():
    x = np.array([[np.nan, 2.0], [4.0, 6.0]])
    assert cpool.avg_pool2d(x, 2, padding=1, nan_policy="omit").tolist() == [
        [pytest.approx(np.nan, nan_ok=True), 0.5],
        [1, 1.5],
    ]
    assert cpool.avg_pool2d(x, 2, nan_policy="omit").item() == 4


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "stepped": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
}
FAMILIES = {
    "max": [{}, dict(initial=1), dict(min_count=3, initial=0)],
    "min": [{}, dict(initial=1), dict(min_count=3, initial=0)],
    "avg": [{}, dict(count_include_pad=False, min_count=2), dict(divisor_override=3)],
    "var": [{}, dict(ddof=1.5), dict(min_count=3)],
    "std": [dict(ddof=1)],
    "median": [{}, dict(min_count=2)],
    "quantile": [dict(q=0.3), dict(q=[0, 0.8, 1], method="higher")],
    "mode": [dict(ignore=2)],
}


def answer(function, *args, **kwargs):
    """Return what a function returns, or that it refuses."""
    try:
        return function(*args, **kwargs)
    except ValueError:
        return "refused"


def check(function, x, **arguments):
    """Compare a function with the reference's; both may refuse."""
    q = [arguments.pop("q")] if "q" in arguments else []
    arguments = {k: v for k, v in arguments.items() if k in inspect.signature(getattr(cpool, function)).parameters}
    ours, theirs = (answer(getattr(module, function), x, *q, **arguments) for module in (cpool, reference))
    assert isinstance(ours, str) == isinstance(theirs, str), (ours, theirs)
    if isinstance(theirs, str):
        return
    if isinstance(theirs, tuple):
        (ours, *indices), (theirs, *places) = ours, theirs
        np.testing.assert_array_equal(indices, places)
    assert isinstance(ours, np.ma.MaskedArray) == isinstance(theirs, np.ma.MaskedArray)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(np.ma.getmaskarray(ours), np.ma.getmaskarray(theirs))
    sums = function.startswith(("avg", "var", "std"))
    tolerance = dict(rtol=2e-3 if ours.dtype == np.float16 else 1e-6, atol=1e-3) if sums else dict(rtol=1e-15)
    ours, theirs = (np.ma.filled(y, 0).astype(np.float64) for y in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, **tolerance)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int64, bool])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_equal_reference(name, dtype, layout):
    rng = np.random.default_rng(7)
    floats = np.dtype(dtype).kind == "f"
    if name == "mode" and floats:
        return
    x = rng.integers(0, 2 if dtype is bool else 9, (2, 3, 9, 11)).astype(dtype)
    mask = rng.random(x.shape) < 0.5
    mask[0, :, :5] = False  # windows with nothing
    mask[1, :, :5] = True  # and with everything
    if floats:
        x[rng.random(x.shape) < 0.05] = np.nan
        x[rng.random(x.shape) < 0.05] = -np.inf if name in ("max", "min") else 0
    for arrange, more, arguments in itertools.product((layout, "C"), FAMILIES[name], GEOMETRIES):
        given = arguments | more
        for policy in ("propagate", "omit"):
            check(name + "_pool2d", LAYOUTS[layout](x), where=LAYOUTS[arrange](mask), nan_policy=policy, **given)
        check(name + "_pool2d", LAYOUTS[layout](x), where=mask[0, 0], **given)
        check(name + "_pool2d", np.ma.MaskedArray(LAYOUTS[layout](x), ~mask), **given)


def test_masks_of_long_rows_and_many_planes():
    """Strategies of their own: windows over thousands of columns, tiny planes, one row in all."""
    rng = np.random.default_rng(8)
    for shape, kernel, stride in (
        ((2, 3, 2100), (1, 2050), 1),
        ((64, 3, 4), 2, 1),
        ((300, 2, 2), 2, 2),
        ((1, 40, 40), 40, 1),
    ):
        x = rng.standard_normal(shape)
        for part in (0.02, 0.5, 1 - 1e-3):
            for name in ("max", "avg", "var"):
                check(name + "_pool2d", x, kernel_size=kernel, stride=stride, where=rng.random(shape) < part)


@pytest.mark.parametrize("layout", ["C", "channels"])
def test_masks_of_tall_planes(layout):
    """Planes of more than a band is copied of: each band has rows of its own, of the mask too."""
    rng = np.random.default_rng(5)
    shape = (2, 3, 900, 60)
    x, mask = rng.standard_normal(shape).astype(np.float32), rng.random(shape) < 0.7
    blocks = np.where(mask, x, np.nan).reshape(2, 3, 450, 2, 30, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing counts in some
        highest, mean = np.nanmax(blocks, (3, 5)), np.nanmean(blocks.astype(np.float64), (3, 5))
    if layout == "channels":
        x, mask = (np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, mask))
        x, mask = np.moveaxis(x, -1, 1), np.moveaxis(mask, -1, 1)
    np.testing.assert_array_equal(cpool.max_pool2d(x, 2, where=mask), highest)
    np.testing.assert_allclose(cpool.avg_pool2d(x, 2, where=mask), mean, rtol=1e-5, atol=1e-6)
    x[0, 0, 800, 7] = np.nan
    mask[0, 0, 800, 7] = True
    poisoned = np.isnan(highest)
    poisoned[0, 0, 400, 3] = True
    np.testing.assert_array_equal(np.isnan(cpool.max_pool2d(x, 2, where=mask)), poisoned)
    np.testing.assert_array_equal(np.isnan(cpool.avg_pool2d(x, 2, where=mask)), poisoned)


def test_masks_of_wide_rows():
    """Rows that are done a tile of columns at a time."""
    rng = np.random.default_rng(9)
    x, mask = rng.standard_normal((3, 9000)).astype(np.float32), rng.random((3, 9000)) < 0.7
    for name in ("max", "avg", "median", "var"):
        check(name + "_pool2d", x, kernel_size=(2, 3), stride=(1, 2), where=mask)
        check(name + "_pool2d", x, kernel_size=(2, 3), stride=(1, 5), where=mask[0])


def test_masks_of_volumes():
    rng = np.random.default_rng(10)
    x, mask = rng.standard_normal((2, 6, 7, 8)), rng.random((2, 6, 7, 8)) < 0.6
    mask[:, 0] = True
    for name, kernel in itertools.product(("max", "avg", "median", "var"), (2, (3, 1, 2), (2, 7, 8))):
        for laid in (mask, np.moveaxis(mask, 1, -1).copy().transpose(0, 3, 1, 2)):
            check(name + "_pool3d", x, kernel_size=kernel, stride=1, where=laid)
            check(name + "_pool3d", np.asfortranarray(x), kernel_size=kernel, stride=1, where=laid)
        if name == "max":
            check("max_pool3d", x, kernel_size=kernel, stride=1, where=mask, return_indices=True)


def test_one_element_that_does_not_count():
    """Wherever it stands, the chunk that sees it is not pooled as if all counted."""
    x = np.random.default_rng(11).standard_normal((2, 12, 36)).astype(np.float32)
    for place in itertools.product(range(2), (0, 5, 11), (0, 1, 17, 34, 35)):
        mask = np.ones(x.shape, bool)
        mask[place] = False
        for name in ("max", "avg"):
            check(name + "_pool2d", x, kernel_size=2, where=mask)


def test_windows_in_padding_alone():
    """Their average is 0, with a mask as without; where a window has elements and none counts, it is NaN."""
    x, mask = np.ones((1, 2)), np.array([[True, False]])
    expected = [[0, 1, np.nan, 0]]
    y = cpool.avg_pool2d(x, 1, 1, (0, 1), where=mask)
    np.testing.assert_array_equal(y, expected)
    y = cpool.avg_pool2d(np.ma.MaskedArray(x, ~mask), 1, 1, (0, 1))
    assert y.tolist() == [[0, 1, None, 0]]


def test_a_masked_array_may_lack_nothing():
    """Its result is masked all the same, where windows are too small and the dtype has no NaN."""
    y = cpool.avg_pool1d(np.ma.MaskedArray([1, 2, 3, 4]), 2, min_count=3, dtype=np.int32)
    assert y.mask.tolist() == [True, True]
    assert cpool.max_pool1d(np.ma.MaskedArray([1, 2, 3, 4]), 2).tolist() == [2, 4]


def test_a_mask_is_laid_beside_its_array():
    x = np.ones((2, 8, 8, 32), np.float32).transpose(0, 3, 1, 2)  # channels-last
    mask = np.ones((2, 32, 8, 8), bool)
    mask[0, 0, 0, 0] = False
    assert cpool.explain(cpool.avg_pool2d, x, 2, where=mask).jobs[0].memory.run == 32


def test_indices_of_masked_extremes_are_of_elements_that_count():
    x = np.array([[-np.inf, 5, -np.inf, np.nan]])
    for where, value, place in (
        ([1, 0, 1, 0], -np.inf, 0),
        ([0, 0, 1, 0], -np.inf, 2),
        ([0, 0, 0, 0], np.nan, 0),
        ([1, 1, 1, 1], np.nan, 3),
        ([1, 1, 1, 0], 5, 1),
    ):
        y, at = cpool.max_pool1d(x, 4, where=np.array(where, bool), return_indices=True)
        np.testing.assert_array_equal(y, [[value]])
        assert at.item() == place
    counts = np.array([[0, 0, 1, 1]], bool)
    y, at = cpool.max_pool1d(np.zeros((1, 4), np.uint8), 4, where=counts, return_indices=True, index_dtype=np.int32)
    assert (y.item(), at.item(), at.dtype) == (0, 2, np.int32)


def test_large_integers_are_exact_under_a_mask():
    x = np.array([2**63 + 1, 2**63 + 2, 2**63 + 3, 7], np.uint64)
    for where, kernel in (([1, 1, 1, 0], 4), ([1, 0, 0, 0], 4)):
        y = cpool.median_pool1d(x, kernel, where=np.array(where, bool), dtype=np.uint64)
        assert y.item() == sorted(x[np.array(where, bool)].tolist())[sum(where) // 2]


def test_a_dtype_is_refused_with_a_mask_as_without():
    x, where = np.ones(4), np.array([1, 0, 1, 1], bool)
    for dtype in ("i4", "?", "c8"):
        for pool in (cpool.avg_pool1d, cpool.var_pool1d, cpool.median_pool1d):
            with pytest.raises(TypeError, match="dtype must be"):
                pool(x, 2, where=where, dtype=dtype)


def test_a_mask_is_read_when_the_call_is_made():
    """Calls are prepared once for masks that lie alike, whatever they hold."""
    x = np.arange(16.0).reshape(4, 4)
    mask = np.zeros((4, 4), bool)
    for i in range(16):
        mask[:] = False
        mask.flat[i] = True
        assert np.nanmax(cpool.max_pool2d(x, 4, where=mask)) == i
        assert np.nansum(cpool.avg_pool2d(x, 2, where=mask)) == i
        assert np.nansum(cpool.median_pool2d(x, 2, where=mask)) == i


def test_bytes_of_a_mask_are_true_if_they_are_not_0():
    """As those of OpenCV are, which has 255 for True."""
    x, mask = np.arange(64.0).reshape(8, 8), np.zeros((8, 8), np.uint8)
    mask[2:5, 1:6] = 255
    for name in ("max", "avg", "std", "median"):
        pool = getattr(cpool, name + "_pool2d")
        for least in (1, 2):
            y = pool(x, 3, where=mask.view(bool), min_count=least)
            np.testing.assert_array_equal(y, pool(x, 3, where=mask > 0, min_count=least))


def test_masked_calls_are_explained():
    x, mask = np.ones((64, 64), np.float32), np.ones((64, 64), bool)
    mask[3] = False
    plan = cpool.explain(cpool.max_pool2d, x, 2, where=mask)
    assert plan.bytes_read == x.nbytes + mask.nbytes
    assert plan.strategies == ("as it lies", "halves")


@pytest.mark.parametrize("name", ["max", "min", "avg", "var", "median"])
def test_what_is_explained_is_not_written(name):
    x, out = np.arange(64.0).reshape(8, 8), np.full((4, 4), 7.0)
    for more in (dict(where=x > 3), dict(where=x > 3, min_count=2)):
        cpool.explain(getattr(cpool, f"{name}_pool2d"), x, 2, out=out, **more if name != "var" else dict(where=x > 3))
        assert (out == 7).all()


def test_no_generator_is_drawn_from():
    rng = np.random.default_rng(0)
    cpool.explain(cpool.fractional_max_pool2d, np.zeros((8, 8)), 2, output_size=4, rng=rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_all_quantiles_are_written():
    x = np.zeros((3, 20, 20))
    for q in (0.5, [0.1, 0.5, 0.9]):
        for kernel in (3, 15):
            assert cpool.explain(cpool.quantile_pool2d, x, q, kernel).bytes_written == (
                cpool.quantile_pool2d(x, q, kernel).nbytes
            )


def test_what_was_explained_computes_as_before():
    """The calls that an explanation prepares compute nothing, and must not be kept."""
    x, mask = np.arange(4096.0).reshape(64, 64), np.zeros((64, 64), bool)
    mask[:32] = True
    for more in (dict(min_count=2), dict(initial=1.0), dict(min_count=2, return_indices=True)):
        for pool in (cpool.max_pool2d, cpool.min_pool2d):
            cpool.explain(pool, x, 2, where=mask, **more)
            check(pool.__name__, x, kernel_size=2, where=mask, **more)


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
     ("f4", "2", TypeError), ("f8", [1], TypeError), ("?", 2, ValueError), ("f4", 1e300, ValueError),
     ("f2", 10**400, ValueError), ("i4", np.float64(1e300), ValueError),
     ("f8", np.str_("3"), TypeError), ("f8", np.datetime64("2020"), TypeError),
     ("f4", np.complex64(3), TypeError), ("i8", np.timedelta64(3, "s"), TypeError)],
)  # fmt: skip
def test_initial_must_be_an_element(dtype, initial, error):
    with pytest.raises(error, match="initial"):
        cpool.max_pool2d(np.zeros((4, 4), dtype), 2, initial=initial)


@pytest.mark.parametrize("initial", [np.inf, -np.inf, np.nan, True, np.float16(2), np.int8(-3), 1e-300])
def test_initial_of_floats(initial):
    y = cpool.max_pool1d(np.zeros(2, np.float32), 2, initial=initial)
    np.testing.assert_array_equal(y, [np.maximum(np.float32(0), np.float32(initial))])


@pytest.mark.parametrize("x", [np.array(["NaT"], "M8[s]"), np.array([None]), np.ma.zeros(3, [("a", "f4")])])
def test_dtypes_are_looked_at_before_elements(x):
    with pytest.raises(TypeError, match="x must have one of the dtypes"):
        cpool.max_pool1d(x, 1, nan_policy="raise")


@pytest.mark.parametrize("policy", ["propagate", "omit"])
@pytest.mark.parametrize("pool", ["max", "min", "avg", "var", "std", "median"])
@pytest.mark.parametrize("order", ["C", "F", "channels last"])
def test_nan_far_from_what_is_masked(order, pool, policy, threads, monkeypatch):
    """NaN that counts makes results NaN, though no element of its band or plane is masked."""
    monkeypatch.setattr(cpool.core.strategies, "COUNTING", 4096)
    prepared.forget(True)
    x, where = np.ones((5, 40, 36), np.float32), np.ones((5, 40, 36), bool)
    x[-1, -2, -2] = x[2, 0, 5] = np.nan
    where[0, 3, 3] = where[2, -1, -1] = False
    if order != "C":
        axes = (0, 1, 2) if order == "F" else (1, 2, 0)
        x = np.asarray(x.transpose(axes), order="F" if order == "F" else "C").transpose(np.argsort(axes))
    pooling = getattr(cpool, f"{pool}_pool2d")
    for arguments in ((2,), (3, 1, 1), ((40, 36),)):
        y = pooling(x, *arguments, where=where, nan_policy=policy)
        expected = getattr(reference, f"{pool}_pool2d")(x, *arguments, where=where, nan_policy=policy)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
        assert np.isnan(y).any() == (policy == "propagate")
        if pool in ("max", "min"):
            both = pooling(x, *arguments, where=where, nan_policy=policy, return_indices=True)
            theirs = getattr(reference, f"{pool}_pool2d")(
                x, *arguments, where=where, nan_policy=policy, return_indices=True
            )
            for a, b in zip(both, theirs, strict=True):
                np.testing.assert_array_equal(a, b)
    prepared.forget(False)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("policy", ["propagate", "omit"])
@pytest.mark.parametrize("op", ["max", "min", "avg", "var", "std", "median", "quantile"])
def test_nan_in_planes_of_which_all_elements_count(op, policy, dtype):
    """Small planes are turned together: some of which nothing is masked, others of which something is, or no plane."""
    x = np.random.default_rng(0).standard_normal((400, 6, 9)).astype(dtype)
    x[0, 0, 0] = x[9, 3, 4] = x[-1, -1, -1] = np.nan
    pooling = partial(getattr(cpool, f"{op}_pool2d"), nan_policy=policy)
    expects = partial(getattr(reference, f"{op}_pool2d"), nan_policy=policy)
    q = [0.3] if op == "quantile" else []
    for masked in ((), (-1,), (0, 3, 3), (slice(3, 5), 2)):
        where = np.ones(x.shape, bool)
        if masked:
            where[masked] = False
        expected = expects(x, *q, 3, 1, where=where)
        assert np.isnan(expected).any() == (policy == "propagate" or masked == (-1,))
        rounding = dict(rtol=2e-3, atol=1e-3) if dtype == np.float16 else dict(rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(pooling(x, *q, 3, 1, where=where), expected, **rounding)
        array = pooling(np.ma.MaskedArray(x, ~where), *q, 3, 1)
        np.testing.assert_allclose(array.data[~array.mask], expected[~array.mask], **rounding)
        assert not array.mask.any() or masked == (-1,)


def test_averages_of_padding_beside_nan_and_a_mask():
    """Windows that see no element are 0, whatever lay in memory."""
    x, where = np.ones((8, 8)), np.ones((8, 8), bool)
    x[0, 1], where[7, 7] = np.nan, False
    for _ in range(3):
        np.full((64, 64), np.nan).copy()
        y = cpool.avg_pool2d(x, 1, 1, 4, where=where)
        assert np.argwhere(np.isnan(y)).tolist() == [[4, 5], [11, 11]]
        assert (y[:4] == 0).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_extremes_of_too_few_elements_are_nan(dtype):
    x = np.array([1, np.nan, np.nan, 2, 3, 4], dtype)
    for pool, both in ((cpool.max_pool1d, [3, 4]), (cpool.min_pool1d, [2, 3])):
        expected = np.array([np.nan, np.nan, np.nan, *both], dtype)
        np.testing.assert_array_equal(pool(x, 2, 1, nan_policy="omit", min_count=2), expected, strict=True)
        np.testing.assert_array_equal(pool(np.nan_to_num(x), 2, 1, where=x == x, min_count=2), expected, strict=True)
