"""Prints digests of the bits of many results, line by line, to compare instruction sets between machines.

    python tests/levels.py --random 1000              # calls that tests/explore.py draws: digests of input and results
    python tests/levels.py --directed --every 60      # groups of calls that reach all leaves; of lengths one in so many
    python tests/levels.py --show "avg float32 rows"  # of one group each call, by itself

A line is begun before its call, so that a crash has a name. Arrays of groups end where memory ends: what reads or
writes beyond them ends the process, too.
"""

import argparse
import ctypes
import faulthandler
import hashlib
import itertools
import mmap
import sys
import warnings
import zlib

import numpy as np

import cpool
import cpool.reduce
from cpool.core import engine

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = None

FLOATS = [np.dtype(t) for t in ("f4", "f8", "f2")] + [np.dtype(bfloat16)] * (bfloat16 is not None)
INTEGERS = [np.dtype(t) for t in ("u1", "u2", "i1", "i2", "i4", "u4", "i8", "u8", "?")]
#: Lengths of rows: whole vectors of 16, 32 and 64 bytes, and every remainder.
SHORT = range(1, 35)
LONG = [*range(35, 71), 79, 80, 81, 95, 96, 97, 127, 128, 129, 130, 159, 160, 161, 191, 192, 193, 255, 256, 257, 300]


def digest(arrays):
    """Return what tells one result's bits from another's."""
    parts = (str((a.dtype, a.shape)).encode() + a.tobytes() for a in (np.ma.filled(a, 0) for a in arrays))
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def all_of(result):
    return result if isinstance(result, tuple) else (result,)


# ------------------------------------------------------------------------------------------------------ random calls


def random_calls(first, calls):
    import explore

    for seed in range(first, first + calls):
        explore.strategies.TURNED = explore.SMALL_BANDS if seed % 4 == 3 else TURNED
        (call,) = explore.random_call(seed)
        print(seed, call.name, digest([r.memory for r in call.rooms.values()]), end=" ", flush=True)
        print(outcome(explore, call), flush=True)


def outcome(explore, call):
    """Return the digest of what a call returns with each number of threads, and in an array that is laid out anyhow."""
    results = []
    try:
        for threads in dict.fromkeys(call.threads):
            cpool.set_num_threads(threads)
            parts = all_of(explore.ours(call))
            results += parts
        if call.with_out and not call.spoilt and not isinstance(parts[0], np.ma.MaskedArray):
            array, memory, _ = explore.laid_out(call.choices, parts[0].shape, parts[0].dtype, as_output=True)
            explore.ours(call, out=array)
            results += [memory]
    except (TypeError, ValueError, MemoryError) as error:
        return "refused-" + hashlib.sha256(str(error).encode()).hexdigest()[:8]
    return digest(results)


# ------------------------------------------------------------------------------------------------------------ groups


class Edge:
    """Memory with none behind it."""

    def __init__(self, size):
        page = mmap.PAGESIZE
        self.map = mmap.mmap(-1, size + page)
        self.bytes = np.frombuffer(self.map, np.uint8)[:size]
        behind = ctypes.c_void_p(self.bytes.ctypes.data + size)
        if ctypes.CDLL(None).mprotect(behind, ctypes.c_size_t(page), 0):
            raise OSError("memory does not end there")

    def array(self, shape, dtype):
        size = int(np.prod(shape)) * dtype.itemsize
        return self.bytes[len(self.bytes) - size :].view(dtype).reshape(shape)


class Numbers:
    """Arrays at the edge, cut from a store of numbers, so that little is drawn."""

    def __init__(self, name, every=1):
        self.seed, self.every = zlib.crc32(name.encode()), every
        self.rng = np.random.default_rng(self.seed)
        self.calls = 0

    def __call__(self, shape, dtype, order="C", plain=None):
        self.calls += 1
        n = int(np.prod(shape))
        plain = self.calls % 2 == 0 if plain is None else plain
        store = stored(dtype.name, plain)
        at = int(self.rng.integers(len(store) - n))
        x = EDGE.array(shape if order == "C" else [shape[a] for a in order], dtype)
        x.reshape(-1)[:] = store[at : at + n]
        return x if order == "C" else x.transpose(np.argsort(order))

    def lengths(self, most=24):
        """Return all short lengths, and some of the long ones."""
        return self.some([*SHORT, *self.rng.permutation(LONG)[:most].tolist()])

    def some(self, items):
        """Return one in so many, with its number."""
        return list(enumerate(items))[self.seed % self.every :: self.every]


STORES = {}


def stored(name, plain):
    """Return numbers of a dtype: plain ones have no NaN, no infinity, and few equals."""
    if (name, plain) not in STORES:
        rng = np.random.default_rng(5)
        dtype = next(t for t in FLOATS + INTEGERS if t.name == name)
        n = 80_000
        if dtype.kind == "b":
            x = rng.random(n) < 0.5
        elif dtype in FLOATS:
            x = (rng.standard_normal(n) * 50).astype(dtype)
            if not plain:
                x[rng.random(n) < 0.2] = 3
                for value in (np.nan, -np.nan, np.inf, -np.inf):
                    x[rng.random(n) < 0.01] = value
                for value in (0.0, -0.0):
                    x[rng.random(n) < 0.15] = value
        elif plain:
            limits = np.iinfo(dtype)
            x = rng.integers(limits.min, limits.max, n, dtype, endpoint=True)
        else:
            x = rng.integers(max(-4, np.iinfo(dtype).min), 5, n).astype(dtype)
        STORES[name, plain] = x
    return STORES[name, plain]


def windows(k, s=None, p=0, d=1):
    return dict(kernel_size=k, stride=s, padding=p, dilation=d)


#: Windows of the rows of images: read where they lie, shared, flat, halved, in phases, long, one by one.
WINDOWS = [
    windows(2, 2), windows(3, 2, 1), windows(3, 1, 1), windows((1, 2), 1), windows((3, 1), 1), windows(5, 1, 2),
    windows((1, 9), 1, (0, 4)), windows((6, 1), 1), windows((2, 3), 3), windows((1, 4), 4), windows((2, 5), (1, 3)),
    windows((1, 7), (1, 5), (0, 3)), windows((1, 8), 8), windows(2, 1, 1, 2), windows((4, 2), (4, 2)), windows(1, 2),
]  # fmt: skip


def legal(shape, given):
    """Whether each axis has a window."""
    two = [v if isinstance(v, tuple) else (v, v) for v in (given["kernel_size"], given["padding"], given["dilation"])]
    return all(n + 2 * p >= d * (k - 1) + 1 for n, k, p, d in zip(shape[-2:], *two, strict=True))


def forward(dtype):
    """Yield functions of an array and windows, by name."""
    c = cpool
    yield "max", c.max_pool2d
    yield "min", c.min_pool2d
    yield "avg", c.avg_pool2d
    yield "avg-inside", lambda x, **g: c.avg_pool2d(x, **g, count_include_pad=False)
    yield "avg-by", lambda x, **g: c.avg_pool2d(x, **g, divisor_override=-3)
    yield "max-places", lambda x, **g: c.max_pool2d(x, **g, return_indices=True)
    yield "min-places", lambda x, **g: c.min_pool2d(x, **g, return_indices=True, index_dtype=np.int32)
    yield "var", c.var_pool2d
    if dtype in FLOATS:
        yield "max-omit", lambda x, **g: c.max_pool2d(x, **g, nan_policy="omit")
        yield "min-omit-places", lambda x, **g: c.min_pool2d(x, **g, nan_policy="omit", return_indices=True)
        yield "max-omit-places", lambda x, **g: c.max_pool2d(x, **g, nan_policy="omit", return_indices=True)
        yield "min-omit", lambda x, **g: c.min_pool2d(x, **g, nan_policy="omit", initial=1)
        yield "avg-omit", lambda x, **g: c.avg_pool2d(x, **g, nan_policy="omit", min_count=2)
        yield "avg-omit-by", lambda x, **g: c.avg_pool2d(x, **g, nan_policy="omit", divisor_override=5)
        yield "std-omit", lambda x, **g: c.std_pool2d(x, **g, nan_policy="omit", ddof=1)
        yield "lp-2", lambda x, **g: lp(x, 2, **g)
        yield "lp-1", lambda x, **g: lp(x, 1, **g)
        yield "lp-inf", lambda x, **g: lp(x, np.inf, **g)
        yield "lp-inverse", lambda x, **g: lp(x, -1, **g)
        yield "lp-3", lambda x, **g: lp(abs(x), 3, **g)


def lp(x, power, kernel_size, stride, padding, dilation):
    return cpool.lp_pool2d(x, power, kernel_size, stride, padding=padding, dilation=dilation)


def masked(f):
    """Return the function with a mask of the array's shape."""

    def call(numbers, x, **given):
        return f(x, **given, where=numbers.rng.random(x.shape) < 0.7)

    return call


def every_window(f, some, arrays):
    """Yield calls on numbered arrays: half of the windows, the other half of the next one."""
    for i, x in arrays:
        for given in some[i % 2 :: 2]:
            if legal(x.shape, given):
                yield lambda x=x, given=given, **out: f(x, **given, **out)


def rows(name, f, dtype, some):
    """Yield calls on rows of each length."""

    def calls(numbers):
        arrays = ((i, numbers((2, 7, n) if i % 5 else (1, 9, n), dtype)) for i, n in numbers.lengths(16))
        return every_window(f, some, arrays)

    return f"{name} {dtype.name} rows", calls


def channels(name, f, dtype, some):
    """Yield calls on images whose channels lie side by side."""

    def calls(numbers):
        lengths = numbers.some([*range(1, 41), 63, 64, 65, 127, 130])
        return every_window(f, some, ((i, numbers((1, n, 6, 5), dtype, (0, 2, 3, 1))) for i, n in lengths))

    return f"{name} {dtype.name} channels", calls


def planes(name, f, dtype, some):
    """Yield calls on many small planes, which are turned."""

    def calls(numbers):
        for i, n in numbers.some([4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 47, 48, 63, 64, 65, 100, 260]):
            for h, w in [(3, 3), (4, 7), (6, 5), (7, 7), (9, 8), (8, 13), (2, 16), (1, 20)][i % 2 :: 2]:
                x = numbers((n, h, w), dtype)
                for given in some[(i + h) % 3 :: 3]:
                    if legal(x.shape, given):
                        yield lambda x=x, given=given, **out: f(x, **given, **out)

    return f"{name} {dtype.name} planes", calls


def global_planes(name, f, dtype):
    """Yield calls on planes that are one window each."""

    def calls(numbers):
        for i, (h, w) in numbers.some(
            itertools.product([1, 2, 3, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17])
        ):
            for n in [8, 9, 15, 16, 17, 31, 33, 40, 64][i % 3 :: 3]:
                x = numbers((n, h, w), dtype)
                yield lambda x=x, h=h, w=w, **out: f(x, **windows((h, w)), **out)
        for _, h in numbers.some(range(1, 9)):  # rows of windows that do not share
            x = numbers((5, 4 * h, 6), dtype)
            yield lambda x=x, h=h, **out: f(x, **windows((h, 6)), **out)
        for _, n in numbers.some([48, 49, 63, 64, 65, 100, 128, 129, 200, 513]):
            x = numbers((9, 2, n), dtype)
            yield lambda x=x, n=n, **out: f(x, **windows((1, n)), **out)
            yield lambda x=x, n=n, **out: f(x, **windows((2, n)), **out)
            x = numbers((3, n, 3), dtype)
            yield lambda x=x, n=n, **out: f(x, **windows((n, 3)), **out)
            yield lambda x=x, n=n, **out: f(x, **windows((n, 1)), **out)

    return f"{name} {dtype.name} global", calls


def long_windows(name, f, dtype):
    """Yield calls of windows of many taps, along either axis, that share much or nothing."""

    def calls(numbers):
        for i, k in numbers.some([10, 17, 33, 48, 50, 64, 65, 73, 100, 130]):
            for s in [1, 2, 3, 50, k][i % 2 :: 2]:
                for n in (k, k + 1, k + 17, 2 * k + 40):
                    x = numbers((2, 2, n), dtype)
                    yield lambda x=x, k=k, s=s, **out: f(x, **windows((1, k), s, (0, 1)), **out)
                    x = numbers((2, n, 1 + n % 37), dtype)
                    yield lambda x=x, k=k, s=s, **out: f(x, **windows((k, 1), s, (1, 0)), **out)

    return f"{name} {dtype.name} long", calls


def adaptive(dtype):
    def calls(numbers):
        for i, n in numbers.lengths(20):
            x = numbers((3, 5, n), dtype)
            for m in {1, 5, n // 2 + 1, n, 2 * n + 1, 3 * n, 13 * n if n < 20 else 7}:
                yield lambda x=x, m=m, **out: cpool.adaptive_avg_pool2d(x, (2, m), **out)
                yield lambda x=x, m=m, **out: cpool.adaptive_max_pool2d(x, (3, m), **out)
                if i % 2:
                    yield lambda x=x, m=m, **out: cpool.adaptive_max_pool2d(x, (2, m), return_indices=True, **out)
            x = numbers((1, n, 3, 4), dtype, (0, 2, 3, 1))
            yield lambda x=x, **out: cpool.adaptive_avg_pool2d(x, (2, 3), **out)
            x = numbers((n, 6, 7), dtype)
            yield lambda x=x, **out: cpool.adaptive_avg_pool2d(x, (4, 3), **out)
            yield lambda x=x, **out: cpool.adaptive_max_pool2d(x, (4, 3), **out)

    return f"adaptive {dtype.name}", calls


def ordered(dtype):
    """Yield medians and quantiles, by compiled networks and others, and modes."""
    some = [
        windows(3, 1, 1), windows(5, 1, 2), windows(2, 2), windows((1, 3), 1), windows((5, 1), 1), windows((1, 9), 3),
        windows((3, 4), 2), windows((7, 1), 1, (3, 0)), windows((9, 2), 2),
    ]  # fmt: skip

    def calls(numbers):
        c = cpool
        for i, n in numbers.lengths(12):
            x = numbers((2, 9, n), dtype)
            for given in some[i % 2 :: 2]:
                if legal(x.shape, given):
                    yield lambda x=x, g=given, **out: c.median_pool2d(x, **g, **out)
                    for q, method in [(0.1, "linear"), (0.8, "linear"), ([0.0, 0.3], "lower"), (0.6, "nearest")][
                        i % 2 :: 2
                    ]:
                        yield lambda x=x, g=given, q=q, m=method: c.quantile_pool2d(x, q, **g, method=m)
                    if dtype in FLOATS:
                        yield lambda x=x, g=given, **out: c.median_pool2d(x, **g, nan_policy="omit", **out)
                    else:
                        yield lambda x=x, g=given, **out: c.mode_pool2d(x, **g, **out)
                        yield lambda x=x, g=given, **out: c.mode_pool2d(x, **g, ignore=x.dtype.type(1), **out)
            where = numbers.rng.random(x.shape) < 0.8
            yield lambda x=x, where=where: c.median_pool2d(x, 3, 1, 1, where=where)
            x = numbers((1, n, 6, 5), dtype, (0, 2, 3, 1))
            yield lambda x=x, **out: c.median_pool2d(x, 3, 1, 1, **out)
            if i % 4 == 0:
                x = numbers((3, 4, 5, n), dtype)
                yield lambda x=x, **out: c.median_pool3d(x, 3, 1, 1, **out)

    return f"ordered {dtype.name}", calls


def where(dtype):
    def calls(numbers):
        c = cpool
        functions = [c.max_pool2d, c.avg_pool2d, c.min_pool2d, c.var_pool2d]
        functions.append(lambda x, **g: c.max_pool2d(x, **g, return_indices=True))
        functions.append(lambda x, **g: c.avg_pool2d(x, **g, nan_policy="omit"))
        for i, n in numbers.lengths(16):
            for j, shape in enumerate([(2, 7, n), (n, 5, 6), (1, n, 6, 5)]):
                x = numbers(shape, dtype, "C" if len(shape) == 3 else (0, 2, 3, 1))
                mask = numbers.rng.random(x.shape) < (0.7, 0.2, 1.0)[i % 3]
                mask = mask if j < 2 else np.ascontiguousarray(mask.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
                for given in WINDOWS[(i + j) % 5 :: 5]:
                    if legal(x.shape, given):
                        f = functions[(i + j) % len(functions)]
                        yield lambda x=x, m=mask, g=given, f=f, **out: f(x, **g, where=m, **out)

    return f"where {dtype.name}", calls


def converted(dtype):
    """Yield averages into each other dtype, and of elements that lie apart."""

    def calls(numbers):
        others = INTEGERS[:-1] + FLOATS if dtype in INTEGERS else FLOATS
        for i, n in numbers.lengths(10):
            x = numbers((2, 6, n), dtype)
            for to in others:
                yield lambda x=x, to=to, **out: cpool.avg_pool2d(x, (2, 1), 1, dtype=to, **out)
            if n > 2:
                for to in others[i % 2 :: 2]:
                    yield lambda x=x, to=to, **out: cpool.avg_pool2d(x, (2, 3), 1, dtype=to, **out)
            for f in (cpool.max_pool2d, cpool.avg_pool2d, cpool.var_pool2d):
                x = numbers((2, 5, 2 * n), dtype)[..., ::2]
                yield lambda x=x, f=f, **out: f(x, (2, 1), 1, **out)
                x = numbers((2, 5, n), dtype)[..., ::-1]
                yield lambda x=x, f=f, **out: f(x, (2, 1), 1, **out)
                x = numbers((n, 5, 4), dtype, (2, 1, 0))
                yield lambda x=x, f=f, **out: f(x, 2, 1, **out)
                x = numbers((5, 4, 3 * (n % 9 + 1)), dtype, (0, 1, 2))[..., 1 : n % 9 + 2].transpose(
                    2, 0, 1
                )  # runs apart
                yield lambda x=x, f=f, **out: f(x, 2, 1, **out)

    return f"converted {dtype.name}", calls


def whole(dtype):
    """Yield averages of bytes and words that stay so, by many divisors."""

    def calls(numbers):
        for i, n in numbers.lengths(24):
            for j, (k, s) in enumerate(
                [(2, 2), (3, 1), (3, 2), (4, 4), ((1, 2), 1), ((2, 1), 1), (5, 1), (7, 3), (8, 8), (15, 5)]
            ):
                x = numbers((2, 16, n), dtype)
                if legal(x.shape, windows(k, s, 0)):
                    yield lambda x=x, k=k, s=s, **out: cpool.avg_pool2d(x, k, s, dtype=dtype, **out)
                    divisor = 1 + (i * 10 + j) % 256
                    yield lambda x=x, k=k, s=s, n=divisor, **out: cpool.avg_pool2d(
                        x, k, s, divisor_override=n, dtype=dtype, **out
                    )
            x = numbers((1, n, 6, 5), dtype, (0, 2, 3, 1))
            yield lambda x=x, **out: cpool.avg_pool2d(x, 2, 2, dtype=dtype, **out)
            yield lambda x=x, **out: cpool.avg_pool2d(x, 3, 1, 1, dtype=dtype, **out)
            x = numbers((n, 7, 7), dtype)
            yield lambda x=x, **out: cpool.avg_pool2d(x, 7, dtype=dtype, **out)

    return f"whole {dtype.name}", calls


def gradients(dtype):
    def calls(numbers):
        c = cpool
        some = [
            (2, 2, 0),
            (3, 1, 1),
            (3, 2, 1),
            ((1, 5), (1, 3), 0),
            ((1, 2), 1, 0),
            (2, (1, 3), 0),
            ((3, 1), 1, 0),
            ((1, 20), (1, 7), 0),
        ]
        for i, n in numbers.lengths(16):
            for j, shape in enumerate([(2, 7, n), (n, 5, 6), (1, n, 6, 5)]):
                order = "C" if j < 2 else (0, 2, 3, 1)
                for k, s, p in some[i % 3 :: 3]:
                    if not legal(shape, windows(k, s, p)):
                        continue
                    x = np.array(numbers(shape, dtype, plain=True))
                    y, at = c.max_pool2d(x, k, s, p, return_indices=True, index_dtype=(np.int32, np.int64)[i % 2])
                    g = numbers(y.shape, dtype, order)
                    yield lambda g=g, at=at, x=x, **out: c.max_pool2d_backward(g, at, x.shape, **out)
                    yield lambda g=g, at=at, x=x, **out: c.max_pool2d_backward(g, at * 0 + 1, x.shape, **out)
                    yield lambda g=g, x=x, k=k, s=s, p=p, **out: c.avg_pool2d_backward(g, x.shape, k, s, p, **out)
                    yield lambda g=g, x=x, k=k, s=s, p=p, **out: c.avg_pool2d_backward(
                        g, x.shape, k, s, p, count_include_pad=False, **out
                    )
                    if i % 2:
                        power = (2, 3, 1, np.inf, 0.5)[i // 2 % 5]
                        x = abs(x)
                        y = c.lp_pool2d(x, power, k, s, padding=p)
                        yield lambda g=g, x=x, y=y, power=power, k=k, s=s, p=p: c.lp_pool2d_backward(
                            g, x, y, power, k, s, padding=p
                        )
                    if p == 0 and k == s:
                        yield lambda g=g, at=at, k=k, x=x: c.max_unpool2d(g, at, k, output_size=x.shape[-2:])
                        yield lambda at=at, x=x: c.max_unpool2d_backward(x, at)
                g = numbers((*shape[:-2], 3, 4), dtype, order)
                yield lambda g=g, shape=shape, **out: c.adaptive_avg_pool2d_backward(g, shape, **out)
                g = numbers((*shape[:-2], 1, 1), dtype, order)
                yield lambda g=g, shape=shape, **out: c.adaptive_avg_pool2d_backward(g, shape, **out)

    return f"gradients {dtype.name}", calls


def deep(dtype):
    """Yield windows of three axes."""

    def calls(numbers):
        c = cpool
        for i, n in numbers.lengths(8):
            x = numbers((2, 5, 4, n), dtype)
            for k, s, p in [(2, 2, 0), (3, 1, 1), (3, 2, 1), ((5, 1, 1), 1, 0), ((2, 3, 1), 1, 0)]:
                if n >= 2 or (p == 1 and n > 1) or (isinstance(k, tuple) and k[2] == 1):
                    f = (c.max_pool3d, c.avg_pool3d, c.min_pool3d, c.var_pool3d)[i % 4]
                    yield lambda x=x, k=k, s=s, p=p, f=f, **out: f(x, k, s, p, **out)
                    yield lambda x=x, k=k, s=s, p=p, **out: c.max_pool3d(x, k, s, p, return_indices=True, **out)
                    yield lambda x=x, k=k, s=s, p=p, **out: c.avg_pool3d(x, k, s, p, **out)
            yield lambda x=x: c.global_avg_pool(x, axis=(1, 2))
            yield lambda x=x: c.global_max_pool(x, axis=(0, 1, 3))

    return f"deep {dtype.name}", calls


def like_numpy(dtype):
    """Yield NumPy's reductions of views of windows."""

    def calls(numbers):
        r = cpool.reduce
        functions = [r.max, r.min, r.mean, r.sum, r.median, r.nanmax, r.nanmin, r.nanmean, r.nansum, r.nanmedian]
        for i, n in numbers.lengths(12):
            x = numbers((3, 4, n), dtype)
            k = min(n, 1 + i % 9)
            view = np.lib.stride_tricks.sliding_window_view(x, (2, k), (1, 2))[:, :, :: 1 + i % 3]
            for f in functions if dtype in FLOATS else functions[:5]:
                yield lambda view=view, f=f: np.asarray(f(view, axis=(-2, -1)))

    return f"reduce {dtype.name}", calls


def groups():
    """Yield names and functions that yield calls."""
    for dtype in FLOATS + INTEGERS:
        first = dtype in FLOATS[:2]
        for number, (name, f) in enumerate(forward(dtype)):
            pooled = name not in ("avg-inside", "avg-by", "lp-1", "lp-inverse", "lp-3", "lp-inf", "avg-omit-by")
            yield rows(name, f, dtype, WINDOWS if first else WINDOWS[number % 2 :: 2])
            yield channels(name, f, dtype, WINDOWS[number % 4 :: 4])
            if pooled:
                yield planes(name, f, dtype, WINDOWS[number % 2 :: 2])
                yield global_planes(name, f, dtype)
                yield long_windows(name, f, dtype)
        for family in (adaptive, ordered, where, converted, deep, like_numpy):
            yield family(dtype)
        if dtype in FLOATS:
            yield gradients(dtype)
        if dtype.name in ("uint8", "uint16"):
            yield whole(dtype)


def results(calls, numbers):
    """Yield the parts that each call returns; of some calls once more, written to the edge."""
    for i, call in enumerate(calls(numbers)):
        cpool.set_num_threads(1 + i % 7 // 6)
        try:
            parts = all_of(call())
            if i % 3 == 0 and "out" in call.__code__.co_varnames:
                out = OUT_EDGE.array(parts[0].shape, parts[0].dtype)
                out[...] = 1
                parts = (*parts, *all_of(call(out=out)))
        except (TypeError, ValueError) as error:
            parts = (np.frombuffer(f"{type(error).__name__}: {error}".encode(), np.uint8),)
        yield parts


def directed(match=None, every=1):
    total = 0
    for name, calls in groups():
        if match is not None and match != name:
            continue
        numbers = Numbers(name, every)
        if match is not None:
            for i, parts in enumerate(results(calls, numbers)):
                print(i, *(f"{p.dtype}{list(p.shape)}" for p in parts), digest(parts), flush=True)
            continue
        print(name, end=": ", flush=True)
        each = [digest(parts) for parts in results(calls, numbers)]
        total += len(each)
        print(len(each), hashlib.sha256("".join(each).encode()).hexdigest()[:16], flush=True)
    print("directed calls:", total, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=0, help="calls that are drawn")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--directed", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="of the lengths in a group one in so many")
    parser.add_argument("--show", action="append", default=[])
    parser.add_argument("--files", help="write the names of all files that were read, for a machine that has no others")
    options = parser.parse_args()
    faulthandler.enable(sys.stdout)
    np.seterr(all="ignore")
    warnings.simplefilter("ignore")
    print("level", engine.LEVEL, flush=True)
    if options.directed:
        directed(every=options.every)
    for name in options.show:
        print(name)
        directed(name, options.every)
    random_calls(options.first, options.random)
    if options.files:
        modules = {getattr(m, "__file__", None) for m in sys.modules.values()}
        modules |= {getattr(m, "__cached__", None) for m in sys.modules.values()}
        with open("/proc/self/maps") as maps:
            mapped = {line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")}
        with open(options.files, "w") as file:
            file.write("\n".join(sorted(name for name in modules | mapped if name and name.startswith("/"))) + "\n")
    print("end", flush=True)


EDGE, OUT_EDGE = Edge(1 << 20), Edge(1 << 20)
TURNED = cpool.core.strategies.TURNED

if __name__ == "__main__":
    main()
