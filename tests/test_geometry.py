"""Random geometry: the fast functions and the slow reference agree, or both refuse."""

import tracemalloc

import numpy as np
import pytest
from cases import difficult
from hypothesis import given
from hypothesis import strategies as st

import cpool
from cpool import geometry, reference

small = st.integers(1, 5)


def per_axis(numbers, ndim):
    return st.one_of(numbers, st.tuples(*[numbers] * ndim))


@st.composite
def poolings(draw):
    """Return ndim, an array in some memory order, and arguments; some have no answer."""
    ndim = draw(st.integers(1, 3))
    longest = {1: 40, 2: 20, 3: 8}[ndim]
    lead = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    shape = lead + tuple(draw(st.lists(st.integers(1, longest), min_size=ndim, max_size=ndim)))
    x = difficult(shape, draw(st.sampled_from([np.float32, np.float64])), draw(st.integers(0, 99)))
    memory = draw(st.sampled_from(["C", "F", "reversed", "stepped", "read-only"]))
    if memory == "F":
        x = np.asfortranarray(x)
    elif memory == "reversed":
        x = x[..., ::-1]
    elif memory == "stepped":
        wide = np.full((*shape, 2), np.nan, x.dtype)
        wide[..., 1] = x
        x = wide[..., 1]
    elif memory == "read-only":
        x.flags.writeable = False
    pads = st.integers(0, 6)
    arguments = dict(
        kernel_size=draw(per_axis(st.integers(1, 9), ndim)),
        stride=draw(st.one_of(st.none(), per_axis(small, ndim))),
        padding=draw(
            st.one_of(
                st.sampled_from([0, 0, 1, "valid", "same", "same_lower"]),
                per_axis(pads, ndim),
                st.tuples(*[st.tuples(pads, pads)] * ndim),
            )
        ),
        dilation=draw(per_axis(st.integers(1, 3), ndim)),
        ceil_mode=draw(st.booleans()),
    )
    axis = None
    if draw(st.booleans()):
        axis = tuple(draw(st.permutations(range(x.ndim)))[:ndim])
    return ndim, x, arguments, axis


def answer(function, *arguments, **keywords):
    """Return what a function returns, or None where it refuses."""
    try:
        return function(*arguments, **keywords)
    except ValueError:
        return None


#: Infinities of both signs in one window: NaN is right, NumPy's warning is about the oracle.
quiet = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")


@given(poolings(), st.sampled_from(["max", "min"]))
def test_selection(pooling, op):
    ndim, x, arguments, axis = pooling
    name = f"{op}_pool{ndim}d"
    ours = answer(getattr(cpool, name), x, **arguments, return_indices=True, axis=axis)
    theirs = answer(getattr(reference, name), x, **arguments, return_indices=True, axis=axis)
    assert (ours is None) == (theirs is None)
    if ours is None:
        return
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])
    np.testing.assert_array_equal(getattr(cpool, name)(x, **arguments, axis=axis), theirs[0])
    grad = np.arange(theirs[0].size, dtype=x.dtype).reshape(theirs[0].shape)
    backward = f"max_pool{ndim}d_backward"
    np.testing.assert_array_equal(
        getattr(cpool, backward)(grad, ours[1], x.shape, axis=axis),
        getattr(reference, backward)(grad, ours[1], x.shape, axis=axis),
    )


@quiet
@given(poolings(), st.booleans(), st.sampled_from([None, None, 1, 7, -2]))
def test_average(pooling, count_include_pad, divisor_override):
    ndim, x, arguments, axis = pooling
    keywords = dict(arguments, count_include_pad=count_include_pad, divisor_override=divisor_override, axis=axis)
    name = f"avg_pool{ndim}d"
    ours, theirs = (answer(getattr(module, name), x, **keywords) for module in (cpool, reference))
    assert (ours is None) == (theirs is None)
    if ours is None:
        return
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    grad = np.linspace(-1, 1, theirs.size, dtype=x.dtype).reshape(theirs.shape)
    np.testing.assert_allclose(
        getattr(cpool, name + "_backward")(grad, x.shape, **keywords),
        getattr(reference, name + "_backward")(grad, x.shape, **keywords),
        rtol=1e-4,
        atol=1e-5,
    )


@given(st.integers(1, 300), st.integers(1, 20), st.integers(1, 20), st.integers(1, 5))
def test_same_padding_is_tensorflows(size, kernel, stride, dilation):
    """ceil(size / stride) outputs, the odd extra element at the end."""
    for rule, extra in [("same", 1), ("same_lower", 0)]:
        axis = geometry.plan((size,), kernel, stride, rule, dilation).axes[0]
        assert axis.out == -(-size // stride)
        total = max(0, (axis.out - 1) * stride + dilation * (kernel - 1) + 1 - size)
        assert axis.before == (total + 1 - extra) // 2


@pytest.mark.parametrize("dilation", [2**31 - 1, 2])
def test_the_largest_dilation_is_legal_for_one_tap(dilation):
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(cpool.max_pool2d(x, 1, dilation=dilation), x)


def test_plans_are_cached():
    assert geometry.plan((7, 7), 3, 2, 1) is geometry.plan((7, 7), (3, 3), [2, 2], ((1, 1), (1, 1)))


@pytest.mark.parametrize("width", [1537, 3000, 9005])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [((12, 4), (1, 3), (2, 1)), ((12, 4), (2, 3), (2, 1)), ((5, 3), (2, 1), 1), ((6, 9), 3, 4)],
)
def test_wide_rows_are_cut_into_columns(width, kernel, stride, padding):
    """The last columns are fewer, so more of their rows are done at once: in the same scratch."""
    x = np.random.default_rng(0).integers(-99, 99, (33, width)).astype(np.float32)
    (up, left), (down, right) = np.broadcast_to(padding, 2), np.broadcast_to(stride, 2)

    def windows(outside):
        padded = np.pad(x, ((up, up), (left, left)), constant_values=outside)
        return np.lib.stride_tricks.sliding_window_view(padded, np.broadcast_to(kernel, 2))[::down, ::right]

    y, indices = cpool.max_pool2d(x, kernel, stride, padding, return_indices=True)
    np.testing.assert_array_equal(y, windows(-np.inf).max((-1, -2)))
    np.testing.assert_array_equal(x.reshape(-1)[indices], y)
    room = np.full_like(y, 1e9)  # nothing of an earlier result lies there
    np.testing.assert_array_equal(cpool.max_pool2d(x, kernel, stride, padding, out=room), y)
    room.fill(1e9)
    average = cpool.avg_pool2d(x, kernel, stride, padding, out=room)
    np.testing.assert_array_equal(average, windows(0).mean((-1, -2)))  # sums of integers are exact


def test_long_axes_need_no_tables():
    """One of the windows that lie wholly inside stands for all of them, in plans and what is decided by them."""
    tracemalloc.start()
    try:
        plan = geometry.plan((10**9, 10**9), (3, 4), (1, 2), 1, needs_input=True)
        tables = plan.tables()
        assert (plan.out_shape, plan.fewest, plan.whole) == ((10**9, 499999999 + 1), 6, False)
        assert [table.one_count for table in tables] == [1, 3, 4]
        assert not plan.axes[0].identity
        assert geometry.plan((10**9,), 1).axes[0].identity
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "windows", [(5, 2, 3, 0, 0), (7, 1, 2, 6, 6), (3, 3, 1, 1, 0), (2, 5, 1, 9, 9), (4, 1, 3, 30, 0)]
)
@pytest.mark.parametrize("size", [1, 2, 9, 30])
@pytest.mark.parametrize("padding_counts", [False, True])
def test_some_windows_stand_for_all(windows, size, padding_counts):
    kernel, stride, step, before, after = windows
    if size + before + after < (kernel - 1) * step + 1:
        pytest.skip("no window fits")
    w = geometry.sliding_windows(size, kernel, stride, before, after, step, True, padding_counts, "W")
    assert set(w.counts.tolist()) == set(w.count.tolist())
    np.testing.assert_array_equal(np.broadcast_to(w.counts, w.out), w.count)
    begin, taps, count, o = w.some
    for some, all in ((begin, w.begin), (taps, w.taps), (count, w.count)):
        np.testing.assert_array_equal(some, all[o])
    assert set(zip(w.taps.tolist(), w.count.tolist(), strict=True)) == set(
        zip(taps.tolist(), count.tolist(), strict=True)
    )
    empty = np.flatnonzero(w.taps <= 0)
    assert w.first_empty() == (int(empty[0]) if len(empty) else None)
    table = w.forward()
    np.testing.assert_array_equal(np.where(w.taps > 0, table.first, 0), np.where(w.taps > 0, w.begin, 0))
    np.testing.assert_array_equal(table.taps, w.taps)
