"""cpool.reduce: NumPy's values, shapes, dtypes, warnings and errors for any array, and a pooling where it is one."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import cpool
from cpool import reduce

NAMES = reduce.__all__
SUMMATIONS = ["mean", "sum", "nanmean", "nansum"]
DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


def dtypes_of(name):
    return [dtype for dtype in DTYPES if name != "mode" or dtype[0] != "f"]


def numpys(name):
    """NumPy's function, or for the mode what counts each window by itself."""

    def most_frequent(a, axis=None, keepdims=False):
        values = np.unique(a)
        counts = np.stack([np.sum(a == value, axis=axis, keepdims=keepdims) for value in values])
        return values[np.argmax(counts, axis=0)]

    return getattr(np, name, most_frequent)


def outcome(function, *arguments, **keywords):
    """Return what a call gives or raises, and of what it warns but for overflow and inf - inf, which cpool does not."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*arguments, **keywords)
        except Exception as error:
            result = type(error)
    messages = {(w.category, str(w.message)) for w in caught}
    return result, {m for m in messages if "encountered in" not in m[1]}


def assert_as_numpy(name, a, **keywords):
    """Compare value, shape, dtype, warnings and error with NumPy's."""
    ours, our_warnings = outcome(getattr(reduce, name), a, **keywords)
    theirs, their_warnings = outcome(numpys(name), a, **keywords)
    if isinstance(theirs, type):
        assert ours is theirs
        return
    assert type(ours) is type(theirs)
    assert np.shape(ours) == np.shape(theirs)
    assert ours.dtype == theirs.dtype
    if name in SUMMATIONS and ours.dtype.kind == "f":
        unit, given = float(np.finfo(ours.dtype).eps), np.asarray(a)
        large = float(np.abs(given.astype("f8")).max()) if given.dtype.name in ("int64", "uint64") else 0
        ours, theirs = np.asarray(ours, "f8"), np.asarray(theirs, "f8")
        np.testing.assert_allclose(ours, theirs, rtol=unit if "mean" in name else 0, atol=unit * large)
    else:
        np.testing.assert_array_equal(ours, theirs)
    assert our_warnings == their_warnings


@pytest.fixture
def poolings(monkeypatch):
    """Return the list of the poolings that will have been made: the windows of each."""
    made = []
    pool = reduce._View.pool

    def spy(view, *arguments, **keywords):
        made.append(view.windows)
        return pool(view, *arguments, **keywords)

    monkeypatch.setattr(reduce._View, "pool", spy)
    return made


def numbers(size, dtype, seed=0):
    """Return small whole numbers, whose sums are exact in any order, with NaN and infinities; and extreme integers."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, size).astype(dtype)
    if x.dtype.kind == "f":
        x[rng.random(size) < 0.3] = np.nan
        x[rng.random(size) < 0.05] = np.inf
    elif x.dtype.kind in "iu":
        x[rng.random(size) < 0.1] = np.iinfo(dtype).max
        x[rng.random(size) < 0.1] = np.iinfo(dtype).min
    return x


@st.composite
def strided(draw, dtypes):
    """Draw any view whatever of a buffer: overlapping, reversed, repeated."""
    ndim = draw(st.integers(1, 5))
    shape = draw(st.lists(st.integers(1, 4), min_size=ndim, max_size=ndim))
    steps = draw(st.lists(st.integers(-7, 12), min_size=ndim, max_size=ndim))
    reach = [(n - 1) * s for n, s in zip(shape, steps, strict=True)]
    first = -sum(min(r, 0) for r in reach)
    buffer = numbers(first + sum(max(r, 0) for r in reach) + 1, draw(st.sampled_from(dtypes)), draw(st.integers(0, 99)))
    return as_strided(buffer[first:], shape, [s * buffer.itemsize for s in steps], writeable=False)


@st.composite
def windowed(draw, dtypes):
    """Draw a view as hosts make them, sliced, reversed and transposed at will."""
    ndim = draw(st.integers(1, 3))
    kernel = draw(st.lists(st.integers(1, 4), min_size=ndim, max_size=ndim))
    blocks = draw(st.booleans())
    sizes = [k * draw(st.integers(1, 4)) if blocks else k + draw(st.integers(0, 6)) for k in kernel]
    x = numbers(np.prod(sizes), draw(st.sampled_from(dtypes)), draw(st.integers(0, 99))).reshape(sizes)
    if draw(st.booleans()):
        x = np.asfortranarray(x)
    if blocks:
        a = x.reshape([n for size, k in zip(sizes, kernel, strict=True) for n in (size // k, k)])
        axes = list(range(1, 2 * ndim, 2))
    else:
        a = sliding_window_view(x, kernel)
        axes = list(range(ndim, 2 * ndim))
    a = a[tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, 3, -1]))) for _ in range(a.ndim))]
    order = draw(st.permutations(range(a.ndim)))
    return a.transpose(order), tuple(order.index(axis) for axis in axes)


def keywords(draw, name):
    chosen = {"keepdims": draw(st.booleans())}
    if name in SUMMATIONS and draw(st.booleans()):
        chosen["dtype"] = draw(st.sampled_from(["f2", "f4", "f8", "i8", "u1", "c8", "none such"]))
    return chosen


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_any_view_and_any_axes(name, data):
    a = data.draw(strided(dtypes_of(name)))
    axes = data.draw(st.lists(st.integers(-a.ndim, a.ndim - 1), max_size=a.ndim).map(tuple))
    axis = data.draw(st.sampled_from([axes, axes, axes, None, -1, 0, a.ndim]))
    assert_as_numpy(name, a, axis=axis, **keywords(data.draw, name))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_windows(name, data):
    a, axes = data.draw(windowed(dtypes_of(name)))
    assert_as_numpy(name, a, axis=axes, **keywords(data.draw, name))


@given(strided(DTYPES), st.sets(st.integers(0, 4)))
def test_memory_is_what_the_view_spans(a, axes):
    """Nothing before its first byte or behind its last one may be read."""
    view = reduce._view(a, tuple(axis for axis in sorted(axes) if axis < a.ndim))
    if view is not None:
        assert np.lib.array_utils.byte_bounds(view.memory) == np.lib.array_utils.byte_bounds(a)


def slid(x, *arguments):
    return sliding_window_view(x, *arguments)


def blocks(x, *kernel):
    return x.reshape([n for size, k in zip(x.shape, kernel, strict=True) for n in (size // k, k)])


#: For each kind of view of a picture (24, 30) or a volume (6, 8, 10): how it is made, its reduced axes, and the
#: kernel, stride and dilation of the pooling.
VIEWS = {
    "one axis": (lambda x: slid(x, 5, 1), -1, (5,), (1,), (1,)),
    "outer axis": (lambda x: slid(x, 5, 0), -1, (5,), (1,), (1,)),
    "both axes": (lambda x: slid(x, (3, 5)), (-2, -1), (3, 5), (1, 1), (1, 1)),
    "one of both axes": (lambda x: slid(x, (3, 5)), -1, (5,), (1,), (1,)),
    "transposed": (lambda x: slid(x, (3, 5)).transpose(2, 1, 3, 0), (0, 2), (3, 5), (1, 1), (1, 1)),
    "Fortran": (lambda x: slid(np.asfortranarray(x), (3, 5)), (2, 3), (5, 3), (1, 1), (1, 1)),
    "stride": (lambda x: slid(x, (3, 5))[::2, ::3], (2, 3), (3, 5), (2, 3), (1, 1)),
    "dilation": (lambda x: slid(x, (5, 7))[..., ::2, ::3], (2, 3), (3, 3), (1, 1), (2, 3)),
    "stride and dilation": (lambda x: slid(x, 7, 1)[:, ::2, ::3], 2, (3,), (2,), (3,)),
    "reversed windows": (lambda x: slid(x, (3, 5))[::-1, ::-1], (2, 3), (3, 5), (1, 1), (1, 1)),
    "reversed taps": (lambda x: slid(x, (3, 5))[..., ::-1], (2, 3), (3, 5), (1, 1), (1, 1)),
    "reversed input": (lambda x: slid(x[::-1, ::-1], (3, 5)), (2, 3), (3, 5), (1, 1), (1, 1)),
    "repeated windows": (lambda x: np.broadcast_to(slid(x, 5, 1), (2, 24, 26, 5)), -1, (5,), (1,), (1,)),
    "repeated taps": (
        lambda x: np.broadcast_to(slid(x, 5, 1)[..., None], (24, 26, 5, 2)), (2, 3), (5, 2), (1, 1), (1, 1)
    ),
    "blocks": (lambda x: blocks(x, 2, 3), (1, 3), (2, 3), (2, 3), (1, 1)),
    "blocks, Fortran": (lambda x: blocks(np.asfortranarray(x), 2, 3), (1, 3), (3, 2), (3, 2), (1, 1)),
    "blocks of part of a picture": (lambda x: blocks(x[:, :27], 2, 3), (1, 3), (2, 3), (2, 3), (1, 1)),
    "blocks of rows": (lambda x: blocks(x, 1, 3), (1, 3), (3,), (3,), (1,)),
    "blocks in two axes": (lambda x: x.reshape(6, 2, 2, 30), (1, 2), (4,), (4,), (1,)),
    "blocks, copied": (lambda x: blocks(x, 2, 3).swapaxes(1, 2).copy(), (2, 3), (6,), (6,), (1,)),
    "rows": (lambda x: x, 1, (30,), (30,), (1,)),
    "volume": (lambda x: slid(x, (2, 3, 4)), (3, 4, 5), (2, 3, 4), (1, 1, 1), (1, 1, 1)),
    "blocks of a volume": (lambda x: blocks(x, 2, 2, 2), (1, 3, 5), (2, 2, 2), (2, 2, 2), (1, 1, 1)),
    "planes of a volume": (lambda x: x, (1, 2), (80,), (80,), (1,)),
    "parts of planes": (lambda x: x[:, 1:5, 2:9], (1, 2), (4, 7), (8, 1), (1, 1)),
    "gaps": (lambda x: slid(x, (3, 5))[::4, ::10], (2, 3), (3, 5), (4, 10), (1, 1)),
    "memory map": (lambda x: blocks(x.view(np.memmap), 2, 3), (1, 3), (2, 3), (2, 3), (1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", VIEWS)
def test_views_of_windows_are_pooled(kind, name, poolings):
    view, axis, kernel, stride, dilation = VIEWS[kind]
    x = np.random.default_rng(0).integers(0, 99, (6, 8, 10) if "vol" in kind or "planes" in kind else (24, 30))
    a = view(x.astype("i4" if name == "mode" else "f4"))
    assert_as_numpy(name, a, axis=axis)
    assert poolings[0][3:6] == (kernel, stride, dilation)
    assert_as_numpy(name, a, axis=axis, keepdims=True)
    assert len(poolings) == 2


PICTURE = np.arange(24.0, dtype=np.float32).reshape(4, 6)
NOT_POOLED = {
    "columns": (PICTURE, 0, {}),
    "a few of many columns": (PICTURE[:, :2], 1, {}),
    "all": (PICTURE, None, {}),
    "no axis": (PICTURE, (), {}),
    "twice": (slid(PICTURE, 2, 1), (-1, -1), {}),
    "a list": (slid(PICTURE, 2, 1), [-1], {}),
    "a flag": (slid(PICTURE, 2, 1), True, {}),
    "not an axis": (slid(PICTURE, 2, 1), 3, {}),
    "a fraction": (slid(PICTURE, 2, 1), 1.5, {}),
    "one position": (slid(PICTURE[0], 6), -1, {}),
    "repeated": (np.broadcast_to(PICTURE[0], (3, 6)), 0, {}),
    "four dimensions": (blocks(np.zeros((4, 4, 4, 4)), 2, 2, 2, 2), (1, 3, 5, 7), {}),
    "empty": (np.empty((0, 3)), 1, {}),
    "nothing in windows": (np.empty((3, 0)), 1, {}),
    "a list of lists": (PICTURE.tolist(), 1, {}),
    "a number": (np.float64(3), None, {}),
    "byte order": (blocks(PICTURE.astype(">f4"), 2, 2), (1, 3), {}),
    "complex": (blocks(PICTURE.astype("c8"), 2, 2), (1, 3), {}),
    "long double": (blocks(PICTURE.astype("g"), 2, 2), (1, 3), {}),
    "objects": (blocks(PICTURE.astype(object), 2, 2), (1, 3), {}),
    "dates": (blocks(PICTURE.astype("M8[s]"), 2, 2), (1, 3), {}),
    "masked": (blocks(np.ma.masked_greater(PICTURE, 9), 2, 2), (1, 3), {}),
    "matrix": (PICTURE.view(np.matrix), 1, {}),
    "keepdims=2": (blocks(PICTURE, 2, 2), (1, 3), {"keepdims": 2}),
    "keepdims=None": (blocks(PICTURE, 2, 2), (1, 3), {"keepdims": None}),
}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mode"])
@pytest.mark.parametrize("kind", NOT_POOLED)
def test_anything_else_goes_to_numpy(kind, name, poolings):
    a, axis, more = NOT_POOLED[kind]
    assert_as_numpy(name, a, axis=axis, **more)
    assert not poolings


def test_mode_of_anything():
    """What cannot be pooled is counted all the same."""
    labels = np.array([[3, 1, 1, 3], [2, 2, 0, 1]], np.uint8)
    assert reduce.mode(labels) == 1
    assert type(reduce.mode(labels)) is np.uint8
    assert reduce.mode(labels.tolist(), 0).tolist() == [2, 1, 0, 1]
    assert reduce.mode(labels > 1, axis=0, keepdims=True).tolist() == [[True, False, False, False]]
    out = np.empty(4, np.int64)
    assert reduce.mode(labels, 0, out=out) is out
    assert out.tolist() == [2, 1, 0, 1]
    large = np.random.default_rng(0).integers(0, 9, (2, 70000))  # more than a pooling sorts
    assert reduce.mode(large, 1).tolist() == [np.bincount(row).argmax() for row in large]
    assert reduce.mode(np.empty((0, 3), int), 1).shape == (0,)
    for bad, error in [
        (dict(a=np.empty((3, 0), int), axis=1), ValueError),
        (dict(a=np.zeros(3)), TypeError),
        (dict(a=np.ma.masked_equal(labels, 1)), TypeError),
        (dict(a=labels, axis=2), np.exceptions.AxisError),
        (dict(a=labels, axis=(0, 0)), ValueError),
        (dict(a=labels, axis=0, out=np.empty(3, np.uint8)), ValueError),
    ]:
        with pytest.raises(error):
            reduce.mode(**bad)


@pytest.mark.parametrize("name", NAMES)
def test_out(name, poolings):
    """Written where it fits as it is; anything else is NumPy's affair."""
    a = sliding_window_view(np.random.default_rng(0).integers(0, 99, (24, 30), dtype="i4"), (3, 5))
    expected = getattr(reduce, name)(a, axis=(2, 3))
    room = np.zeros((22, 2, 26, 3), expected.dtype)
    for out, keepdims, pooled in [
        (np.empty_like(expected), False, True),
        (np.empty((22, 26, 1, 1), expected.dtype), True, True),
        (room[:, 1, :, 1], False, True),
        (np.asfortranarray(expected), False, True),
        (np.empty(expected.shape, np.longdouble), False, False),
    ]:
        poolings.clear()
        assert getattr(reduce, name)(a, axis=(2, 3), keepdims=keepdims, out=out) is out
        np.testing.assert_allclose(out.reshape(expected.shape).astype(float), expected, rtol=1e-15)
        assert bool(poolings) is pooled
    assert not room[:, 0].any()
    for wrong in (np.empty((26, 22), expected.dtype), expected.tolist()):
        theirs, _ = outcome(getattr(np, name, np.max), a, axis=(2, 3), out=wrong)
        ours, _ = outcome(getattr(reduce, name), a, axis=(2, 3), out=wrong)
        assert isinstance(ours, type)
        assert ours is theirs
    read_only = np.zeros_like(expected)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        getattr(reduce, name)(a, axis=(2, 3), out=read_only)


def test_out_may_be_the_memory():
    x = np.random.default_rng(0).random(20)
    expected = np.max(sliding_window_view(x, 3), axis=-1)
    assert reduce.max(sliding_window_view(x, 3), axis=-1, out=x[:18]).base is x
    np.testing.assert_array_equal(x[:18], expected)


@pytest.mark.parametrize(
    ("dtype", "taps", "pooled"),
    [("i1", 100, True), ("u4", 2**20, True), ("u4", 2**22, False), ("i8", 2, False), ("u8", 2, False), ("?", 9, True)],
)
def test_sums_of_integers_are_exact(dtype, taps, pooled, poolings):
    a = np.full((2, taps), True if dtype == "?" else np.iinfo(dtype).max, dtype)
    assert_as_numpy("sum", a, axis=1)
    assert_as_numpy("nansum", a, axis=1)
    assert len(poolings) == 2 * pooled


@pytest.mark.parametrize(
    ("name", "given", "dtype", "pooled"),
    [
        ("mean", "f2", None, True),
        ("mean", "f2", "f2", False),  # NumPy then rounds every sum
        ("mean", "f2", "f4", True),
        ("nanmean", "f2", None, False),
        ("nanmean", "f2", "f4", False),
        ("nanmean", "f4", "f8", False),  # cpool adds what is not NaN in the elements' dtype
        ("nansum", "f4", "f8", False),
        ("nansum", "f8", None, True),
        ("nansum", "i2", "f8", True),
        ("sum", "f2", None, False),
        ("sum", "f4", "f8", True),
        ("sum", "f8", "f4", False),
        ("sum", "i2", "f4", True),
        ("sum", "i1", "i2", True),
        ("sum", "u1", "u1", False),
        ("sum", "i1", "u8", False),
        ("mean", "i4", "f4", False),
        ("mean", "u1", "f4", True),
        ("mean", "f8", "i4", False),
        ("nanmean", "f8", "i4", False),
        ("mean", "?", None, True),
        ("mean", "f8", "nonsense", False),
    ],
)
def test_dtypes_of_sums(name, given, dtype, pooled, poolings):
    a = np.arange(40).astype(given).reshape(10, 4)
    assert_as_numpy(name, a, axis=1, dtype=dtype)
    assert bool(poolings) is pooled


@pytest.mark.parametrize("name", ["mean", "sum", "nanmean", "nansum", "median", "nanmedian"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sums_of_any_numbers(name, dtype):
    x = np.random.default_rng(0).standard_normal((64, 64)).astype(dtype) + 3
    for a, axis in [(blocks(x, 8, 8), (1, 3)), (sliding_window_view(x, (5, 7)), (2, 3)), (x, 1)]:
        ours, theirs = getattr(reduce, name)(a, axis=axis), getattr(np, name)(a, axis=axis)
        np.testing.assert_allclose(ours, theirs, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("name", "message"),
    [("nanmax", "All-NaN"), ("nanmin", "All-NaN"), ("nanmean", "empty slice"), ("nanmedian", "All-NaN")],
)
def test_only_nan(name, message, poolings):
    """NumPy's warning, at the caller's line; inf - inf is another NaN, and no reason to warn."""
    a = np.array([[1, np.nan, 2], [np.inf, -np.inf, np.nan]], "f4").repeat(2, 1)
    assert_as_numpy(name, a, axis=1)
    a[0], a[1, -3:] = np.nan, 1
    with pytest.warns(RuntimeWarning, match=message) as caught:
        getattr(reduce, name)(a, axis=1)
    assert caught[0].filename == __file__ or name == "nanmedian"
    assert_as_numpy(name, a, axis=1)
    assert poolings
    assert reduce.nansum(a, axis=1)[0] == 0


def test_medians_of_many():
    """More than a pooling sorts."""
    a = np.random.default_rng(0).random((2, 70000), dtype="f4")
    assert_as_numpy("median", a, axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_they_travel(name):
    """A cluster's workers find a function by its name."""
    function = getattr(reduce, name)
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.__module__ == "cpool.reduce"


def test_imported_when_first_looked_at():
    loaded = "print('cpool.reduce' in sys.modules)"
    code = f"import sys, cpool; {loaded}; cpool.reduce.max; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no attribute 'reduction'"):
        cpool.reduction  # noqa: B018


def test_dask_coarsen(poolings):
    da = pytest.importorskip("dask.array")
    x = np.random.default_rng(0).random((40, 60))
    lazy = da.from_array(x, chunks=(10, 30))
    for name in NAMES:
        y = x.astype(np.int16) if name == "mode" else x
        ours = da.coarsen(getattr(reduce, name), lazy.astype(y.dtype), {0: 2, 1: 3})
        poolings.clear()
        np.testing.assert_allclose(ours.compute(scheduler="sync"), numpys(name)(blocks(y, 2, 3), axis=(1, 3)))
        assert ours.dtype == numpys(name)(y[:1]).dtype
        assert [w.kernel for w in poolings] == [(2, 3)] * 8
    poolings.clear()
    volume = da.random.default_rng(0).random((4, 6, 8, 10), chunks=(2, 6, 8, 10))
    assert da.coarsen(reduce.mean, volume, {2: 2, 3: 2}).compute().shape == (4, 6, 4, 5)
    assert [w.kernel for w in poolings] == [(2, 2)] * 2
    poolings.clear()
    assert isinstance(reduce.nanmax(volume, axis=1), da.Array)  # dask's own
    assert not poolings


@pytest.mark.filterwarnings("ignore:All-NaN", "ignore:Mean of empty")
def test_xarray(poolings):
    xr = pytest.importorskip("xarray")
    values = np.random.default_rng(0).random((24, 30))
    values[values < 0.1] = np.nan
    field = xr.DataArray(values, dims=("y", "x"))
    for name in NAMES:
        if name == "mode":
            continue
        ours, theirs = getattr(reduce, name), getattr(np, name)
        poolings.clear()
        coarse = field.coarsen(y=2, x=3)
        np.testing.assert_allclose(coarse.reduce(ours), coarse.reduce(theirs))
        padded = field.coarsen(x=4, boundary="pad")
        np.testing.assert_allclose(padded.reduce(ours), padded.reduce(theirs))
        windows = field.rolling(x=5, y=3).construct(x="dx", y="dy")
        np.testing.assert_allclose(windows.reduce(ours, ("dx", "dy")), windows.reduce(theirs, ("dx", "dy")))
        rolling = field.rolling(x=5, min_periods=1)
        np.testing.assert_allclose(rolling.reduce(ours), rolling.reduce(theirs))
        assert {w.kernel for w in poolings} >= {(2, 3), (4,), (3, 5), (5,)}


def test_scikit_image(poolings):
    measure = pytest.importorskip("skimage.measure")
    from skimage.util import view_as_blocks, view_as_windows

    x = np.random.default_rng(0).integers(0, 255, (24, 30), dtype=np.uint8)
    for name in NAMES:
        ours, theirs = getattr(reduce, name), numpys(name)
        poolings.clear()
        np.testing.assert_array_equal(measure.block_reduce(x, (5, 4), ours), measure.block_reduce(x, (5, 4), theirs))
        np.testing.assert_array_equal(
            ours(view_as_blocks(x, (4, 5)), axis=(2, 3)), numpys(name)(blocks(x, 4, 5), (1, 3))
        )
        windows = view_as_windows(x, (4, 5), step=(2, 3))
        np.testing.assert_array_equal(ours(windows, axis=(2, 3)), theirs(windows, axis=(2, 3)))
        assert [(w.kernel, w.stride) for w in poolings] == [((5, 4),) * 2, ((4, 5),) * 2, ((4, 5), (2, 3))]


def test_scipy_vectorized_filter(poolings):
    ndimage = pytest.importorskip("scipy.ndimage")
    vectorized_filter = getattr(ndimage, "vectorized_filter", None)
    if vectorized_filter is None:
        pytest.skip("SciPy before 1.16")
    x = np.random.default_rng(0).random((24, 30)).astype(np.float32)
    for name in NAMES:
        y = (99 * x).astype(np.int32) if name == "mode" else x
        ours, theirs = getattr(reduce, name), numpys(name)
        for more in [
            dict(size=3),
            dict(size=(3, 4), mode="valid"),
            dict(size=5, axes=(0,)),
            dict(size=3, batch_memory=4096),
        ]:
            poolings.clear()
            np.testing.assert_allclose(
                vectorized_filter(y, ours, **more), vectorized_filter(y, theirs, **more), rtol=1e-6
            )
            assert poolings
    np.testing.assert_array_equal(vectorized_filter(x, reduce.max, size=3), ndimage.maximum_filter(x, 3))


def test_mode_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(0).integers(0, 9, (8, 12, 10))
    for a, axis in [(x, (0, 2)), (x, None), (sliding_window_view(x, 4, 1), -1), (blocks(x, 2, 3, 5), (1, 3, 5))]:
        np.testing.assert_array_equal(reduce.mode(a, axis), stats.mode(a, axis=axis).mode)
