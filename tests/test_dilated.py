"""Windows whose taps lie far apart: an axis of taps instead of rows with all that lies between them."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cpool
from cpool import reference
from cpool.core import dilated, prepared, strategies


@pytest.fixture(autouse=True, scope="module")
def short_rows():
    """Rows are wide early, so that small arrays have such windows; no call of this module is kept for another."""
    prepared.forget(True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strategies, "WIDEST_ROW", 64)
        yield
    prepared.forget(False)


@st.composite
def windows(draw):
    """Draw an array's shape and windows of which the last axis has taps far apart, some in padding."""
    d = draw(st.integers(1, 3))
    lead = tuple(draw(st.lists(st.integers(1, 4), max_size=2)))
    sizes = [draw(st.integers(3, 30 if d < 3 else 12)) for _ in range(d)]
    sizes[-1] = draw(st.integers(24, 2500 if d == 1 else 60))
    kernel = [draw(st.integers(1, 4)) for _ in range(d - 1)] + [draw(st.integers(2, 6))]
    dilation = [draw(st.integers(1, 3)) for _ in range(d - 1)] + [draw(st.integers(sizes[-1] // 8, sizes[-1] // 2))]
    stride = [draw(st.integers(1, 4)) for _ in range(d)]
    padding = [
        draw(st.integers(0, k * n // 3)) if draw(st.booleans()) else 0 for k, n in zip(kernel, dilation, strict=True)
    ]
    return d, (*lead, *sizes), (kernel, stride, padding), dilation, draw(st.booleans())


def numbers(shape, dtype, seed, nan):
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal(shape) * 20).astype(dtype)
    if nan and x.dtype.kind not in "iu":
        x[rng.random(shape) < 0.1] = np.nan
    return np.asfortranarray(x) if seed % 3 == 0 else x


def same(ours, theirs, exact):
    if isinstance(ours, tuple):
        for a, b in zip(ours, theirs, strict=True):
            same(a, b, exact)
    elif exact:
        np.testing.assert_array_equal(ours, theirs)
    else:
        loose = ours.dtype.itemsize == 2
        np.testing.assert_allclose(
            ours.astype("f8"), theirs.astype("f8"), rtol=0.01 if loose else 1e-5, atol=0.05 if loose else 1e-4
        )


@given(
    windows(), st.sampled_from(["max", "min", "avg", "var", "lp", "backward"]), st.integers(0, 2**20),
    st.sampled_from(["f4", "f8", "f2", "u1", "i8"]), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_equals_reference(drawn, family, seed, dtype, omits, masked, with_indices):
    d, shape, args, dilation, ceil = drawn
    x = numbers(shape, dtype, seed, omits)
    floating = x.dtype.kind not in "iu"
    more = {"dilation": dilation, "ceil_mode": ceil}
    if family in ("max", "min", "avg", "var"):
        if omits and floating:
            more["nan_policy"] = "omit"
        if masked:
            more["where"] = np.random.default_rng(seed).random(shape) < 0.7
    if family in ("max", "min"):
        more["return_indices"] = with_indices
    name = f"{family}_pool{d}d"
    if family == "lp":
        args, more["padding"] = (2, *args[:2]), args[2]
    elif family == "backward":
        name, args, more["count_include_pad"] = f"avg_pool{d}d_backward", (shape, *args), masked
    assume(floating or family not in ("lp", "backward"))
    if family == "backward":
        try:
            y = getattr(reference, f"avg_pool{d}d")(x, *args[1:], **more)
        except ValueError:  # there are no windows
            assume(False)
        x = numbers(y.shape, y.dtype, seed, False)
    try:
        expected = getattr(reference, name)(x, *args, **more)
    except ValueError:  # a window sees nothing
        with pytest.raises(ValueError):  # noqa: PT011
            getattr(cpool, name)(x, *args, **more)
        return
    same(getattr(cpool, name)(x, *args, **more), expected, family in ("max", "min"))


def test_taps_become_an_axis():
    """The calls of this module are what it is about."""
    taken = []
    with pytest.MonkeyPatch.context() as patch:
        parts = dilated.parts
        patch.setattr(dilated, "parts", lambda *of: taken.append(parts(*of)) or taken[-1])
        cpool.max_pool1d(np.arange(400.0), 3, 2, 20, 60)
    assert [(part.begin, part.table.size, part.rows * part.columns) for part in taken[0]] == [
        (10, 3, 140), (0, 2, 10), (150, 2, 10)
    ]  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("stride", [1, 7])
def test_nothing_between_taps_is_read(stride, threads):
    """The time and the scratch of three taps do not grow with what lies between them (this took 20 GB and hours)."""
    x = np.broadcast_to(np.float32(1), (2**33,))
    before = cpool.get_num_threads()
    cpool.set_num_threads(threads)
    try:
        windows = (3, stride * 2**20, 0)
        y, at = cpool.max_pool1d(x, *windows, 2**31 - 2**23, return_indices=True)
        assert (y == 1).all()
        assert (at == np.arange(len(y)) * stride * 2**20).all()
        assert (cpool.avg_pool1d(x, *windows, dilation=2**31 - 2**23) == 1).all()
        assert (cpool.var_pool1d(x, *windows, dilation=2**31 - 2**23) == 0).all()
        explained = cpool.explain(cpool.max_pool1d, x, *windows, 2**31 - 2**23)
        assert explained.scratch_bytes < 2**20
        assert explained.shape == y.shape
    finally:
        cpool.set_num_threads(before)
