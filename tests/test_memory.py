"""Reads and writes stay inside the arrays, calls leak nothing and need little besides their results."""

import ctypes
import gc
import mmap
import sys
import tracemalloc

import numpy as np
import pytest

import cpool

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="mprotect and /proc")
PAGE = mmap.PAGESIZE


class Guarded:
    """Memory between two pages that may not be touched."""

    def __init__(self, pages):
        self.map = mmap.mmap(-1, (pages + 2) * PAGE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.pages = pages
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for page in (0, pages + 1):
            assert libc.mprotect(self.address + page * PAGE, PAGE, 0) == 0

    def array(self, x, at_end):
        """Return a copy of `x` that touches the page behind, or the one in front."""
        room = self.pages * PAGE
        start = PAGE + (room - x.nbytes if at_end else 0)
        buffer = (ctypes.c_char * x.nbytes).from_address(self.address + start)
        placed = np.frombuffer(buffer, x.dtype).reshape(x.shape)
        placed[...] = x
        return placed


@LINUX
@pytest.mark.parametrize("stride", [0, -1])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_small_planes_that_none_follows(dtype, stride):
    """Whole planes of which none lies behind in memory, where vectors of their rows would reach."""
    room = Guarded(4)
    x = np.arange(64 * 25, dtype=dtype).reshape(64, 5, 5)
    x = room.array(x, True)[::-1] if stride else np.broadcast_to(room.array(x[0], True), x.shape)
    assert (cpool.max_pool2d(x, 5).ravel() == x.max((1, 2))).all()


@LINUX
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i2", "f2"])
def test_guard_pages(dtype, at_end, threads):
    """One element too far, read or written, would end the test run."""
    rng = np.random.default_rng(0)
    rooms = [Guarded(16) for _ in range(3)]
    for shape in [
        (1, 1),
        (1, 7),
        (3, 5),
        (2, 9, 9),
        (3, 13, 14),
        (2, 3, 7, 7),
        (1, 1, 33),
        (2, 17, 70),
        (9, 1),
        (3, 7, 2),
    ]:
        x = rooms[0].array(rng.integers(0, 9, shape).astype(dtype), at_end)
        if shape[-1] >= 3:  # rows that are read where they lie
            for k in (2, 3):
                cpool.max_pool1d(x, k, 2, return_indices=True)
                np.testing.assert_array_equal(cpool.max_pool1d(x, k, 2), cpool.max_pool1d(x.copy(), k, 2))
        for k, s, p in [(1, 1, 0), (2, 2, 0), (2, 2, 1), (3, 2, 1), (3, 1, 1), (5, 1, 2), (2, 3, 1)]:
            if min(shape[-2:]) + 2 * p < k:
                continue
            expected, places = cpool.max_pool2d(x.copy(), k, s, p, return_indices=True)
            out = rooms[1].array(np.zeros_like(expected), at_end)
            np.testing.assert_array_equal(cpool.max_pool2d(x, k, s, p, out=out), expected)
            cpool.min_pool2d(x, k, s, p, return_indices=True, out=out)
            cpool.median_pool2d(x, k, s, p)
            turned = x[..., ::-1, ::-1]
            np.testing.assert_array_equal(cpool.max_pool2d(turned, k, s, p), cpool.max_pool2d(turned.copy(), k, s, p))
            cpool.max_pool2d(turned, k, s, p, return_indices=True)
            cpool.max_pool2d(x[..., ::-1, :] if x.ndim > 1 else x, k, s, p)
            mean = cpool.avg_pool2d(x, k, s, p)
            np.testing.assert_array_equal(
                cpool.avg_pool2d(x, k, s, p, out=rooms[1].array(np.zeros_like(mean), at_end)), mean
            )
            if dtype in ("f4", "f8"):
                grad = rooms[1].array(expected, at_end)
                at = rooms[2].array(places.astype(np.int32), at_end)
                gx = rooms[0].array(np.zeros(shape, dtype), at_end)
                cpool.max_pool2d_backward(grad, at, shape, out=gx)
                cpool.avg_pool2d_backward(grad, shape, k, s, p, out=gx)
                x = rooms[0].array(rng.integers(0, 9, shape).astype(dtype), at_end)


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE


@LINUX
def test_nothing_leaks():
    x = np.random.default_rng(0).standard_normal((4, 8, 40, 40)).astype(np.float32)

    def calls(n):
        for i in range(n):
            y, at = cpool.max_pool2d(x, 3, 2, 1, return_indices=True)
            cpool.max_pool2d_backward(y, at, x.shape)
            cpool.avg_pool2d_backward(cpool.avg_pool2d(x, 2), x.shape, 2)
            cpool.median_pool2d(x[0], 3)
            cpool.lp_pool2d(x, 2.5, 2)
            with pytest.raises(ValueError, match="indices"):
                cpool.max_pool2d_backward(y, at + 10**6, x.shape)
            cpool.max_pool2d(x[:, :, : 10 + i % 20], 2)

    calls(100)
    gc.collect()
    before = resident()
    calls(400)
    gc.collect()
    assert resident() - before < 8 * 2**20


def forget_scratch():
    """Have a call need so much scratch that none is kept: a masked window is copied whole."""
    x = np.zeros((1, 1536, 1536), np.float32)
    where = np.ones(x.shape, bool)
    where[0, 0, 0] = False
    assert cpool.explain(cpool.max_pool2d, x, 1536, where=where).scratch_bytes > 2**23
    assert cpool.max_pool2d(x, 1536, where=where).item() == 0


def test_scratch_that_waits_for_the_next_call():
    """A short block does not serve a longer call, and what is too long is not kept."""
    x = np.random.default_rng(0).standard_normal((8, 64, 200)).astype(np.float32)
    for width in (9, 200, 30, 121, 10, 200):
        y = cpool.max_pool2d(x[:, :, :width], 3, 2)
        np.testing.assert_array_equal(y[:, 5, 3], x[:, 10:13, 6:9].max((1, 2)))
        if width == 121:
            forget_scratch()


@LINUX
@pytest.mark.parametrize(
    "name", ["max", "indices", "index of the plane", "avg", "median", "tall", "tall indices", "lone", "far"]
)
def test_little_memory_besides_the_result(name):
    """At most 1 MiB a thread, however large the array (and some for the interpreter)."""
    x = np.zeros((1, 4096, 4096), np.float32)
    call = {
        "max": lambda: cpool.max_pool2d(x, 31, 16),
        "indices": lambda: cpool.max_pool2d(x, 31, 16, return_indices=True),
        "index of the plane": lambda: cpool.max_pool2d(x, 4096, return_indices=True),
        "avg": lambda: cpool.avg_pool2d(x, 31, 16),
        "median": lambda: cpool.median_pool2d(x, 3, 16),
        "lone": lambda: cpool.avg_pool2d(x, (31, 2), (16, 2**23)),  # no second window: its distance means nothing
        "far": lambda: cpool.avg_pool2d(x, (31, 2), (16, 2**23), ((0, 0), (2**25, 0)), dilation=(1, 2)),
        "tall": lambda: cpool.max_pool2d(x, (99, 3), (1, 3)),
        "tall indices": lambda: cpool.max_pool2d(x, (99, 3), (1, 3), return_indices=True, index_dtype=np.int32),
    }[name]
    before_threads = cpool.get_num_threads()
    cpool.set_num_threads(2)
    call()
    forget_scratch()
    with open("/proc/self/clear_refs", "w") as file:  # the peak starts anew
        file.write("5")
    start = resident()
    result = call()
    with open("/proc/self/status") as file:
        peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    cpool.set_num_threads(before_threads)
    results = result if isinstance(result, tuple) else (result,)
    assert peak - start < 2 * 2**20 + 2**20 + sum(array.nbytes for array in results)


@pytest.mark.slow
def test_planes_beyond_32_bits():
    """2.2 GiB of bytes: positions and indices exceed 2**31."""
    height, width = 2**15 + 2, 2**16 + 2**12
    try:
        x = np.zeros((height, width), np.uint8)
    except MemoryError:
        pytest.skip("needs 2.5 GB")
    x[-1, -1] = 200
    x[-2, -3] = 100
    y, at = cpool.max_pool2d(x, (2, 2**12), return_indices=True)
    assert y[-1, -1] == 200
    assert at[-1, -1] == height * width - 1 > 2**31
    assert cpool.avg_pool2d(x, (2, 2**12))[-1, -1] == 300 / 2**13
    assert cpool.global_max_pool(x).item() == 200


def test_sizes_are_checked_before_memory_is_asked_for():
    x = np.broadcast_to(np.float32(0), (2**20, 2**20))  # one element that looks like 2**40
    with pytest.raises((ValueError, MemoryError)):
        cpool.max_pool2d(np.broadcast_to(np.float32(0), (2**31, 2**31)), 1)
    with pytest.raises(ValueError, match="index_dtype"):
        cpool.max_pool2d(x, 2**19, return_indices=True, index_dtype=np.int32)
    with pytest.raises(ValueError, match="padding"):
        cpool.avg_pool2d(np.ones((4, 4)), 2, 1, 2**62)
    with pytest.raises((ValueError, MemoryError)):
        cpool.avg_pool2d(np.ones((4, 4)), 2, 1, 2**33)


@pytest.mark.parametrize("repeated", [0, 1, 2])
@pytest.mark.parametrize("planes", [3, 24])
def test_axes_that_repeat_their_elements(repeated, planes):
    """Broadcast arrays: the distance 0 along a pooled axis is no sign that there is no such axis."""
    rng = np.random.default_rng(repeated)
    once = [4, 5, 6]
    once[repeated] = 1
    x = np.broadcast_to(rng.standard_normal((planes, *once)), (planes, 4, 5, 6))
    assert x.strides[1 + repeated] == 0
    copy = np.ascontiguousarray(x)
    for size in (1, (2, 3, 1), (4, 5, 7), (9, 1, 1)):
        for ours, theirs in zip(
            cpool.adaptive_max_pool3d(x, size, return_indices=True),
            cpool.adaptive_max_pool3d(copy, size, return_indices=True),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(cpool.adaptive_avg_pool3d(x, size), cpool.adaptive_avg_pool3d(copy, size))
    shape = (planes, 8, 10, 12)
    np.testing.assert_array_equal(cpool.avg_pool3d_backward(x, shape, 2), cpool.avg_pool3d_backward(copy, shape, 2))
    np.testing.assert_array_equal(
        cpool.adaptive_avg_pool3d_backward(x, (planes, 9, 3, 2)),
        cpool.adaptive_avg_pool3d_backward(copy, (planes, 9, 3, 2)),
    )
    np.testing.assert_array_equal(cpool.var_pool3d(x, 2, 1), cpool.var_pool3d(copy, 2, 1))


@pytest.mark.parametrize(
    ("name", "shape", "arguments", "more"),
    [
        ("avg_pool1d", (1, 10**8), (10**8,), {}),
        ("avg_pool1d", (1, 10**8), (10**8,), dict(nan_policy="omit")),
        ("max_pool2d", (4096, 20003), ((1, 3), (1, 10**4)), dict(return_indices=True)),
        ("max_pool2d", (4096, 20003), ((1, 3), (1, 10**4), 0, 2), {}),
        ("max_pool1d", (2**33,), (3, 2**31 - 1), dict(return_indices=True)),
        ("avg_pool1d", (2**33,), (3, 2**31 - 1), dict(dilation=2)),
    ],
)
def test_scratch_does_not_grow_with_windows_or_strides(name, shape, arguments, more):
    x = np.broadcast_to(np.float32(1), shape)
    assert cpool.explain(getattr(cpool, name), x, *arguments, **more).scratch_bytes < 2**20
    if x.size > 10**9:  # of few windows
        y = getattr(cpool, name)(x, *arguments, **more)
        if "return_indices" in more:
            y, indices = y
            assert indices.tolist() == [o * arguments[1] for o in range(len(y))]
        assert (y == 1).all()


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "arguments", "limit"),
    [
        ("adaptive_avg_pool2d", "f2", (1, 8, 4096, 200), (1,), 0.1),
        ("avg_pool3d", "f2", (1, 1, 64, 4096, 100), (3,), 0.1),
        ("max_pool3d", "f2", (1, 1, 64, 2048, 100), (3,), 0.1),
        ("avg_pool2d", "f2", (1, 400, 400, 64), ((300, 3), 1), 1.5),
        # Tall windows share what lies in 7500 rows, of a line of the cache.
        ("avg_pool2d", "f2", (1, 4, 20000, 100), ((5000, 3), 1), 3),
        ("avg_pool2d", "u1", (1, 4, 20000, 100), ((5000, 3), 1), 4.5),
        ("var_pool2d", "f4", (1, 4, 20000, 100), ((5000, 3), 1), 13),
    ],
)
def test_scratch_does_not_grow_with_what_is_loaded(name, dtype, shape, arguments, limit):
    x = np.broadcast_to(np.zeros((), dtype), shape)
    assert cpool.explain(getattr(cpool, name), x, *arguments).scratch_bytes < limit * 2**20


@pytest.mark.parametrize("k", [2000, 5000, 20000])
@pytest.mark.parametrize("more", [{}, {"return_indices": True}])
@pytest.mark.parametrize(("shape", "axis"), [((60000,), 0), ((60000, 21), 0), ((30, 60000), 1)])
def test_long_windows_share_what_they_have_in_common(shape, axis, k, more):
    """However little fits into a cache: else each window would be folded by itself."""
    x = np.broadcast_to(np.float32(0), shape)
    plan = cpool.explain(cpool.max_pool1d, x, k, 1, axis=axis, **more)
    assert plan.strategies == ("flat",)
    assert plan.tiles[1] >= k // 8
    assert plan.scratch_bytes < 70 * k * (21 if len(shape) == 2 and axis == 0 else 1) * 4


def test_tall_windows_share_rows():
    x = np.broadcast_to(np.float32(0), (9000, 100))
    for k in (32, 100, 1000, 5000):
        plan = cpool.explain(cpool.avg_pool2d, x, (k, 1), 1)
        assert plan.strategies == ("band flat", "none")
        assert plan.tiles[0] >= k // 2


@pytest.mark.parametrize("shape", [(4_000_000, 1), (400_000, 64), (4000, 1000)])
def test_scratch_of_gradients_does_not_grow_with_rows(shape):
    n, channels = shape
    g = np.broadcast_to(np.float16(1), (n // 2, channels))
    at = np.broadcast_to(np.int64(0), g.shape)
    assert cpool.explain(cpool.max_pool1d_backward, g, at, shape, axis=0).scratch_bytes < 2**20


def test_long_axes_of_many_lengths_are_not_all_remembered():
    """Tables of one call with an axis of 200,000 take up to 7 MB."""
    x = np.zeros(200_100, np.float32)
    tracemalloc.start()
    try:
        for n in range(200_000, 200_040):
            cpool.max_pool1d(x[:n], 3, 1, 1)
            cpool.avg_pool1d(x[:n], 3, 1, 1, count_include_pad=False, where=x[:n] == 0)
            cpool.avg_pool1d_backward(x[: n // 2], (n,), 2)
            cpool.adaptive_avg_pool1d(x[:n], n // 3 + 1)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100e6


@pytest.mark.parametrize("pitch", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32, np.float64])
def test_planes_that_overlap(dtype, pitch):
    signal = np.random.default_rng(0).integers(-9, 9, 80).astype(dtype)
    for wide in (3, 5, 6, 11):
        x = np.lib.stride_tricks.sliding_window_view(signal, wide)[: 9 * pitch : pitch]
        for pool in (cpool.max_pool1d, cpool.avg_pool1d, cpool.var_pool1d, cpool.median_pool1d):
            np.testing.assert_array_equal(pool(x, 3, 1), pool(x.copy(), 3, 1))
        for ours, expected in zip(
            cpool.adaptive_max_pool1d(x, 2, return_indices=True),
            cpool.adaptive_max_pool1d(x.copy(), 2, return_indices=True),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, expected)
