"""Random calls of every public function, and every small geometry: the reference's answer, or a clean error.

    python tests/explore.py --seconds 600 --seed 1      # random calls, valid and not
    python tests/explore.py --enumerate                 # all small geometries
    python tests/explore.py --only 4711                 # one call again, in full

Calls run in child processes, many on one heap. A crash, a hang, a wrong answer, a changed input, a byte written beside
`out`, or an error that is neither ValueError nor TypeError is a finding: it is printed with its seed, and the exit code
is 1. Each call depends on its seed alone. Averages, norms and gradients may differ from the reference by the rounding
of a sum (`tolerance`); everything else must be equal. ``--strict`` also compares the sign of zeros and the bits of NaN
between thread counts, and between results with and without indices.

What `cpool.explain` says of each answered call is counted: strategy x reduction x dtype x layout. After `LONG_ENOUGH`
random calls every strategy that `cpool.core.strategies` can choose (`reachable`) must have been taken, for each family
of reductions; what was not is listed, and the exit code is 1.
"""

import argparse
import collections
import contextlib
import dataclasses
import functools
import hashlib
import inspect
import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

import cpool
from cpool import geometry, reference
from cpool.core import driver, engine, strategies

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = None

#: Calls on one heap.
BATCH = 2000
#: Random calls after which every strategy was taken: ten minutes of one processor. The rarest are drawn once in about
#: 10,000 calls.
LONG_ENOUGH = 200_000
#: Most elements that the reference may gather for one call.
MOST_WORK = 200_000
#: Bytes of bands of planes, of which small planes have several.
SMALL_BANDS = 6144
#: What does not belong anywhere, or seldom.
NONSENSE = [0, -1, -7, 2**31, 2**62, 10**20, 2.0, float("nan"), "2", "same", True, None, (), (1, 2, 3, 4), [[1]], b"x"]
FLOATS = ["f2", "f4", "f8"] + ["bf16"] * (bfloat16 is not None)
WINDOW_DEFAULTS = dict(kernel_size=1, stride=None, padding=0, dilation=1, ceil_mode=False)
DTYPES = [*FLOATS, "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


class Finding(AssertionError):
    """What must not happen."""


def answers(function, *arguments, **keywords):
    """Whether this build answers a call, rather than refuses it."""
    try:
        function(*arguments, **keywords)
    except (TypeError, ValueError):
        return False
    return True


#: What a build may lack yet.
SHORT_GRADIENTS = answers(cpool.avg_pool1d_backward, np.ones(1, "f2"), (2,), 2)
ONE_FOR_ALL = answers(cpool.avg_pool2d, np.ones((2, 2)), (2,), ())


class Choices:
    """Draws, from NumPy's generator."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def one(self, options):
        return options[int(self.rng.integers(len(options)))]

    def int(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def chance(self, p):
        return bool(self.rng.random() < p)

    def length(self, most):
        """Draw from 1 to `most`, small ones as often as large ones."""
        return int(max(most, 1) ** self.rng.random() + 1e-9)


def tile(c, n):
    """Draw a number of outputs that divides an axis."""
    return c.one([m for m in range(1, n + 1) if n % m == 0] or [1])


def dtype_of(name):
    return np.dtype(bfloat16 if name == "bf16" else name)


def is_float(dtype):
    return dtype.kind == "f" or dtype == bfloat16


# ------------------------------------------------------------------------------------------------ arrays in memory


def numbers(c, shape, dtype, tame=False):
    """Draw elements: ties, NaN of both signs, infinities, zeros of both signs, extremes. `tame` ones stay near 1."""
    if dtype.kind == "b":
        return c.rng.random(shape) < c.one([0.1, 0.5, 0.9])
    if not is_float(dtype):
        limits = np.iinfo(dtype)
        if c.chance(0.7) or tame:
            return c.rng.integers(max(-4, limits.min), 5, shape).astype(dtype)
        x = c.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        x[c.rng.random(shape) < 0.2] = c.one([limits.min, limits.max])
        return x
    ties = c.chance(0.4)
    x = c.rng.integers(-3, 4, shape).astype(np.float64) if ties else c.rng.standard_normal(shape)
    x = np.round(x * 2**30) / 2**30  # the last bits of a normal number are the C library's
    if tame:
        return (x if ties else np.abs(x) + 0.25).astype(dtype)
    if c.chance(0.2):
        x = np.ldexp(x, c.rng.integers(-13, 13 if dtype.itemsize == 2 and dtype.kind == "f" else 50, shape))
        x = np.clip(x, -6e4, 6e4) if dtype.itemsize == 2 and dtype.kind == "f" else x
    x = x.astype(dtype)
    if c.chance(0.4):
        for value in (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0):
            if c.chance(0.5):
                x[c.rng.random(shape) < c.one([0.02, 0.3, 1.0])] = value
    return x


@dataclasses.dataclass
class Room:
    """An array, the memory that it is a view of, and what that memory held."""

    array: np.ndarray
    memory: np.ndarray
    layout: str

    def __post_init__(self):
        self.before = self.memory.copy()

    def check(self, what):
        if self.memory.tobytes() != self.before.tobytes():
            raise Finding(f"{what} was changed")

    def check_around(self):
        """Only the array itself may have changed, not what lies between and around its elements."""
        now = self.memory.copy()
        at = self.array.__array_interface__["data"][0] - self.memory.__array_interface__["data"][0]
        self.array[...] = np.ndarray(self.array.shape, self.array.dtype, self.before, at, self.array.strides)
        changed = np.flatnonzero(self.memory != self.before)
        self.memory[...] = now
        if changed.size:
            raise Finding(f"bytes {changed[:8].tolist()} beside out were written")


def laid_out(c, shape, dtype, as_output=False, last=None):
    """Draw an array of unset elements anyhow in memory: any order, direction, step and margin, in a room of junk.

    If `last` is an axis, only its elements lie side by side.
    """
    ndim = len(shape)
    kinds = ["C", "C", "F", "channels-last", "any order", "reversed", "stepped", "padded", "wild"]
    kind = c.one(kinds) if last is None else "channels-last"
    order = list(range(ndim))
    if kind == "F":
        order.reverse()
    elif kind == "channels-last" and ndim > 1:
        order.append(order.pop(c.int(0, ndim - 1) if last is None else last))
    elif kind in ("any order", "wild"):
        order = [int(a) for a in c.rng.permutation(ndim)]
    steps = [c.one([1, 2, 3]) if kind in ("stepped", "wild") else 1 for _ in order]
    signs = [c.one([1, -1]) if kind in ("reversed", "wild") else 1 for _ in order]
    margins = [(c.int(0, 3), c.int(0, 3)) if kind in ("padded", "wild") else (0, 0) for _ in order]
    lengths = [shape[a] for a in order]
    if math.prod(3 * n + 6 for n in lengths) > MOST_WORK:  # the room would be far larger than the array
        margins, steps = [(0, 0)] * ndim, [1] * ndim
    room = [lo + max(n - 1, 0) * s + (n > 0) + hi for n, s, (lo, hi) in zip(lengths, steps, margins, strict=True)]
    plain = dtype == bfloat16 or as_output
    kept = dtype if plain or not c.chance(0.1) else dtype.newbyteorder()
    off = 64 + (0 if as_output or c.chance(0.9) else 1)
    memory = c.rng.integers(0, 256, off + math.prod(room) * dtype.itemsize + 64, np.uint8)
    base = memory[off : len(memory) - 64].view(kept).reshape(room)
    taken = (
        tuple(
            slice(lo, lo + n * s, s) if g > 0 else slice(lo + (n - 1) * s, lo - 1 if lo else None, -s)
            for n, s, g, (lo, _) in zip(lengths, steps, signs, margins, strict=True)
        )
        if math.prod(shape)
        else tuple(slice(0, n) for n in lengths)
    )
    return base[taken].transpose(np.argsort(order)), memory, kind


def overlapping(c, x):
    """Return a view like `x`, of some of its elements, whose rows and planes share memory, as a signal's windows do."""
    steps = [1]
    for n in x.shape[:0:-1]:
        steps.insert(0, c.length(n * steps[0]))
    n = sum((n - 1) * step for n, step in zip(x.shape, steps, strict=True)) + 1
    memory = np.resize(x, n).view(np.uint8)
    array = np.ndarray(x.shape, x.dtype, memory, 0, [step * x.itemsize for step in steps])
    return Room(array, memory, "overlapping")


def placed(c, x, last=None):
    """Return `x` somewhere in memory, perhaps broadcast along axes or overlapping (with other elements then) or
    read-only."""
    if c.chance(0.05) and x.size and last is None:
        return overlapping(c, x)
    if c.chance(0.07) and x.size:
        axes = [a for a in range(x.ndim) if c.chance(0.4)]
        some = x[tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim))]
        room = placed(c, some, last)
        return Room(np.broadcast_to(room.array, x.shape), room.memory, "broadcast")
    array, memory, layout = laid_out(c, x.shape, x.dtype, last=last)
    array[...] = x
    if c.chance(0.1):
        array.flags.writeable = False
    return Room(array, memory, layout)


# ------------------------------------------------------------------------------------------------------- the calls


@functools.cache
def parameters(module, name):
    """Return the parameters of a function, by name."""
    return inspect.signature(getattr(module, name)).parameters


@dataclasses.dataclass
class Call:
    """One call of a public function."""

    name: str
    keywords: dict
    rooms: dict = dataclasses.field(default_factory=dict)
    positional: int = 0  # how many of the keywords are given by position
    spoilt: str = ""  # what is wrong with it, if something may be
    with_out: bool = False
    small: bool = False  # whether all elements are small whole numbers, of which sums are exact
    threads: tuple = (1, 2)
    choices: Choices | None = None

    def __str__(self):
        def said(v):
            if isinstance(v, np.ndarray) and v.ndim:
                return f"<{v.dtype}{list(v.shape)} strides {v.strides}>"
            return repr(v)

        given = ", ".join(f"{k}={said(v)}" for k, v in self.keywords.items())
        return f"{self.name}({given})" + " [out]" * self.with_out + f" [spoilt: {self.spoilt}]" * bool(self.spoilt)

    @property
    def ndim(self):
        found = re.search(r"(\d)d", self.name)
        return int(found[1]) if found else 2


def ours(call, **more):
    given = list(call.keywords.items())
    return getattr(cpool, call.name)(
        *(v for _, v in given[: call.positional]), **dict(given[call.positional :]), **more
    )


def theirs(call, **other):
    with np.errstate(all="ignore"):
        return getattr(reference, call.name)(**{**call.keywords, **other})


def work(shape, axes, given):
    """Return about how many elements the reference gathers; of no planes as many as of one, for it walks windows."""
    d, most = len(axes), max(1, math.prod(n for a, n in enumerate(shape) if a not in axes))

    def at(key, i, other):
        value = given.get(key, other)
        return 0 if isinstance(value, str) else reference._each(other if value == () else value, d)[i]

    for i, n in enumerate(shape[a] for a in axes):
        if "output_size" in given:
            m = at("output_size", i, 1)
            most *= n if m is None else n + 2 * m
        else:
            k = at("kernel_size", i, 1)
            pad = at("padding", i, 0)
            most *= ((n + (sum(pad) if isinstance(pad, tuple) else 2 * pad)) // at("stride", i, k) + 1) * k
    return most


class Drawing:
    """Draws one call."""

    def __init__(self, seed, names):
        self.c = Choices(seed)
        self.name = self.c.one(names)
        self.call = Call(self.name, {}, choices=self.c)
        self.d = self.call.ndim
        #: Whether each axis is cut in a manner of its own, and which axis lies side by side in memory, if it matters.
        self.mixed, self.last = self.c.chance(0.6), None
        self.parameters = list(parameters(cpool, self.name))

    def per_axis(self, low, high):
        """Draw a value for each pooled axis, written as users may."""
        c = self.c
        values = [low + c.length(h - low + 1) - 1 for h in high]
        if c.chance(0.4):
            values = [min(values)] * self.d
            return c.one([values[0], tuple(values), [values[0]] if ONE_FOR_ALL else values[0]])
        return tuple(values)

    def shape(self):
        """Draw a shape, and which of its axes are pooled."""
        c, d = self.c, self.d
        sizes, others, side_by_side = self.mixed_lengths() if self.mixed else self.lengths()
        lead = len(others)
        if others and c.chance(0.02):
            others[c.int(0, len(others) - 1)] = 0
        if c.chance(0.01):
            sizes[c.int(0, d - 1)] = 0
        axes = tuple(range(lead, lead + d))
        shape = [*others, *sizes]
        if "axis" in self.parameters and self.name[-1] != "l" and c.chance(0.3):
            axes = tuple(int(a) for a in c.rng.permutation(lead + d)[:d])
            left = iter(others)
            shape = [sizes[axes.index(a)] if a in axes else next(left) for a in range(lead + d)]
            self.call.keywords["axis"] = tuple(a - c.one([0, lead + d]) for a in axes)
            if d == 1 and c.chance(0.5):
                self.call.keywords["axis"] = self.call.keywords["axis"][0]
        self.last = max(a for a in range(len(shape)) if a not in axes) if side_by_side else None
        return tuple(shape), axes

    def lengths(self):
        """Draw the lengths of pooled axes and of others: mostly short ones."""
        c, d = self.c, self.d
        if c.chance(0.08):
            return [c.int(4, 8) for _ in range(d)], [c.int(8, 40)], False  # many small planes
        lead = c.one([0, 1, 1, 2, 2, 3, 4, 5])
        most = c.one([30, 200, 200, 2000])
        sizes = [1] * d
        for a in c.rng.permutation(d):
            sizes[a] = c.length(min(most, 80))
            most //= sizes[a]
        if c.chance(0.03):
            sizes = [c.length(3) for _ in sizes]
            sizes[c.int(0, d - 1)] = c.int(500, 9000)
            most = 3
        others = []
        for _ in range(lead):
            others.append(c.length(min(most, 12)))
            most //= others[-1]
        return sizes, others, False

    def mixed_lengths(self):
        """Draw lengths with room for tall windows: a long row; few large planes; many small ones, or many channels."""
        c, d = self.c, self.d
        planes = [c.int(1, 3) for _ in range(c.int(0, 2))]
        if c.chance(0.15):
            return [1, c.one([1, 1, 3]), c.int(100, 600)][-d:], planes[:1], False
        if c.chance(0.4):
            return [c.int(1, 5), c.int(2, 30), c.one([c.int(2, 40), c.int(2, 600)])][-d:], planes, False
        sizes = [c.int(2, 6), c.int(9, 12), c.int(2, 7)] if d == 3 else [c.int(9, 30), c.int(2, 17)][-d:]
        return sizes, [c.int(1, 2), c.int(8, 24)][c.int(0, 1) :], c.chance(0.5)

    def windows(self, sizes):
        """Draw which windows: larger than the plane at times, and farther apart than it is long."""
        c, d = self.c, self.d
        if self.name == "pool2d":
            return dict(pool_size=self.per_axis(1, [min(n, 9) for n in sizes]))
        if self.name.startswith("adaptive"):
            wanted = [c.one([1, None, tile(c, n), c.length(12), c.int(1, max(n, 1)), n * c.int(1, 3)]) for n in sizes]
            return dict(output_size=tuple(wanted))
        if self.name.startswith("fractional"):
            kernel = tuple(c.length(min(n, 6)) for n in sizes)
            given = dict(kernel_size=kernel)
            if c.chance(0.6):
                return given | dict(output_size=tuple(c.length(n - k + 1) for n, k in zip(sizes, kernel, strict=True)))
            return given | dict(output_ratio=c.one([0.3, 0.5, 0.8]))
        if "kernel_size" not in self.parameters:
            return {}
        if self.mixed:
            return self.mixed_windows(sizes)
        if sizes and min(sizes) >= 4 and max(sizes) <= 8 and c.chance(0.7):
            return dict(kernel_size=tuple(sizes))  # of which each is one window
        loose = c.chance(0.1)
        given = dict(kernel_size=self.per_axis(1, [min(n + 4 * loose, 40) for n in sizes]))
        beside = c.chance(0.15)  # windows side by side, the last of which may reach beyond the input
        if beside:
            given["ceil_mode"] = c.chance(0.7)
        elif c.chance(0.7):
            given["stride"] = self.per_axis(1, [min(n + 2, 12) for n in sizes])
        elif c.chance(0.3) and ONE_FOR_ALL:
            given["stride"] = ()
        half = [k // 2 if not loose else k for k in reference._each(given["kernel_size"], d)]
        if "avg" in self.name and c.chance(0.1):
            given["padding"] = self.per_axis(0, [3 * h + 2 for h in half])  # averages of nothing but padding are 0
        elif c.chance(0.2 if beside else 0.5):
            given["padding"] = self.per_axis(0, half)
        elif c.chance(0.4):
            pairs = tuple((c.int(0, h), c.int(0, h)) for h in half)
            given["padding"] = c.one(["same", "same_lower", "valid", pairs])
        if c.chance(0.3) and not beside:
            given["dilation"] = self.per_axis(1, [3] * d)
        if c.chance(0.02):
            given["stride"] = 2**31 - 1
        if c.chance(0.1) and set(reference._each(given["kernel_size"], d)) == {1}:
            given["dilation"] = 2**31 - 1
        if c.chance(0.4):
            given["ceil_mode"] = c.chance(0.7)
        return {k: v for k, v in given.items() if k in self.parameters}

    def mixed_windows(self, sizes):
        """Draw windows of another manner along each axis."""
        c = self.c
        axes = []
        for n in sizes:
            k = c.int(2, 7)
            manners = [
                (1, 1),  # the elements themselves
                (k, 1),
                (c.int(2, 3), 2),
                (k, c.int(1, k - 1)),  # overlapping
                (k, k + c.int(0, 2)),  # apart
                (n, 1),  # all at once
                (n // 2, 1),  # tall
                (c.int(n // 3, n), 1),
                (c.int(n // 3, n), c.int(1, 3)),
            ]
            k, s = c.one(manners)
            axes.append((max(1, min(k, n)), s))
        kernel, stride = map(tuple, zip(*axes, strict=True))
        given = dict(kernel_size=kernel, stride=stride)
        if c.chance(0.3):
            given["padding"] = tuple(c.int(0, k // 2) for k in kernel)
        if c.chance(0.1):
            given["dilation"] = tuple(c.int(1, 2) if 2 * k <= n else 1 for k, n in zip(kernel, sizes, strict=True))
        return {k: v for k, v in given.items() if k in self.parameters}

    def mask(self, shape):
        """Draw which elements count: by chance, or all but those of one place along an axis, or all but one."""
        c, mask = self.c, np.ones(shape, bool)
        if mask.size and c.chance(0.4):
            axis = c.int(0, len(shape) - 1) if shape else 0
            places = [c.int(0, n - 1) for n in shape]
            mask[tuple(places if c.chance(0.5) else [slice(None)] * axis + places[axis : axis + 1])] = False
            return mask
        return c.rng.random(shape) < c.one([0.3, 0.8])

    def keywords(self, dtype, shape):
        """Draw what is beside the windows, of the parameters that the function has."""
        c = self.c
        options = dict(
            count_include_pad=lambda: c.chance(0.5),
            divisor_override=lambda: c.one([1, 3, -2, 100]),
            nan_policy=lambda: c.one(["propagate", "omit", "omit", "raise"]),
            min_count=lambda: c.int(1, 4),
            where=lambda: self.mask(shape),
            initial=lambda: dtype.type(c.int(0, 5)),
            index_dtype=lambda: c.one([np.int32, np.int64]),
            return_indices=lambda: c.chance(0.8),
            dtype=lambda: dtype_of(c.one(DTYPES[:-1] if dtype.kind in "biu" else FLOATS)),
            ddof=lambda: c.int(0, 2),
            method=lambda: c.one(["linear", "lower", "higher", "nearest", "midpoint"]),
            ignore=lambda: c.int(0, 3),
            keepdims=lambda: c.chance(0.5),
            mode=lambda: c.one(["max", "avg"]),
            norm_type=lambda: c.one([1, 2, 2, 3, 2.5, 0.5, -1, np.inf, -np.inf]),
            q=lambda: c.one([0.0, 1.0, 0.5, 0.25, c.rng.random(), [0.1, 0.5], np.array([0.9])]),
            random_samples=lambda: c.rng.random((*shape[: -self.d], self.d), c.one(["f4", "f8"])),
            rng=lambda: c.int(0, 99),
        )
        often = dict(return_indices=0.6, count_include_pad=0.5, nan_policy=0.4, where=0.2, initial=0.15)
        often |= dict.fromkeys(["mode", "norm_type", "q", "rng"], 1)
        return {k: draw() for k, draw in options.items() if k in self.parameters and c.chance(often.get(k, 0.25))}

    def draw(self):
        """Draw again until the reference can answer in a moment."""
        for _ in range(20):
            self.call.keywords = {}
            shape, axes = self.shape()
            sizes = [shape[a] for a in axes]
            given = self.windows(sizes)
            if work(shape, axes, given) <= MOST_WORK:
                break
        self.fill(shape, axes, sizes, given)
        return self.finish()

    def fill(self, shape, axes, sizes, given):
        c, name, keywords = self.c, self.name, self.call.keywords
        is_backward = name.endswith("backward")
        floating = is_backward or (name.startswith(("lp", "max_unpool")) and c.chance(0.9))
        short = SHORT_GRADIENTS or not is_backward
        floats = FLOATS if short else ["f4", "f8"]
        dtype = dtype_of(c.one(floats if floating or c.chance(0.3) else [*DTYPES, "i1", "u1"]))
        if name.startswith("mode") and c.chance(0.95):
            dtype = dtype_of(c.one(DTYPES[len(FLOATS) :]))
        axis = keywords.pop("axis", None)
        if name.startswith("global"):
            rank = len(shape)
            picked = c.rng.permutation(rank)[: c.int(1, min(3, rank))]
            axis = tuple(int(a) for a in picked) if c.chance(0.7) or rank < 2 else (-2, -1)
        more = self.keywords(dtype, shape)
        if axis is not None:
            more["axis"] = axis
        forward = name.removesuffix("_backward")
        if name.startswith(("max_pool", "max_unpool")) and (is_backward or "unpool" in name):
            self.fill_scatter(shape, axes, sizes, dtype, more)
        elif is_backward and name.startswith("lp"):
            x = numbers(c, shape, dtype, tame=True)
            x = np.abs(x) if more["norm_type"] == -1 else x  # sums of inverses that cancel would be anything
            try:
                with np.errstate(all="ignore"):
                    y = getattr(reference, forward)(x, **given, **more)
            except ValueError:
                y = x
            self.give(grad_output=numbers(c, y.shape, dtype, tame=True), x=x, output=y, **given, **more)
        elif is_backward:
            if name.startswith("adaptive"):
                lengths = [n if m is None else m for n, m in zip(sizes, given.pop("output_size"), strict=True)]
                to = [lengths[axes.index(a)] if a in axes else n for a, n in enumerate(shape)]
            else:
                try:
                    windows = reference._sliding(sizes, *(given.get(k, o) for k, o in WINDOW_DEFAULTS.items()))
                    to = [windows.out[axes.index(a)] if a in axes else n for a, n in enumerate(shape)]
                except ValueError:
                    to = shape
            self.give(grad_output=numbers(c, tuple(to), dtype), input_shape=shape, **given, **more)
        else:
            x = numbers(c, shape, dtype, tame=name.startswith(("lp", "var", "std")))
            self.give(x=np.abs(x) if more.get("norm_type") == -1 else x, **given, **more)

    def fill_scatter(self, shape, axes, sizes, dtype, more):
        """Draw a gradient or values with indices: those of a maximum mostly, else any in the plane."""
        c, name, d = self.c, self.name, self.d
        pool = getattr(reference, f"max_pool{d}d")
        kernel = tuple(c.length(min(n, 5)) for n in sizes)
        stride = kernel if "unpool" in name or c.chance(0.5) else tuple(c.length(k) for k in kernel)
        try:
            y, at = pool(c.rng.integers(-9, 9, shape).astype("f4"), kernel, stride, axis=axes, return_indices=True)
        except ValueError:
            y, at = np.zeros(shape, "f4"), np.zeros(shape, np.int64)
        if c.chance(0.3) and math.prod(sizes):
            at = c.rng.integers(0, math.prod(sizes), at.shape)
        most = np.iinfo(np.int64).max if not at.size else int(at.max())
        at = at.astype(c.one([t for t in ("i8", "i4", "i2", "u8", "u1") if np.iinfo(t).max >= most] or ["i8"]))
        if name.startswith("max_pool"):
            self.give(grad_output=numbers(c, y.shape, dtype), indices=at, input_shape=shape, **more)
        elif name.endswith("backward"):
            self.give(grad_output=numbers(c, shape, dtype), indices=at)
        else:
            given = dict(output_size=c.one([shape, tuple(sizes)]))
            if c.chance(0.2):
                given = dict(padding=tuple(c.int(0, k // 2) for k in kernel))
            if c.chance(0.5):
                given["stride"] = stride
            self.give(x=numbers(c, y.shape, dtype), indices=at, kernel_size=kernel, **given)

    def give(self, **keywords):
        """Place the arrays in memory, and order the arguments as the signature does."""
        rooms = {k: v for k, v in keywords.items() if k in ("x", "grad_output", "output", "indices", "where")}
        self.call.rooms = {k: placed(self.c, v, self.last) for k, v in rooms.items()}
        keywords |= {k: room.array for k, room in self.call.rooms.items()}
        if "where" in self.parameters and self.c.chance(0.04):
            x = keywords["x"]
            keywords["x"] = np.ma.MaskedArray(x, self.c.rng.random(x.shape) < self.c.one([0.1, 0.7]))
        self.call.keywords = {k: keywords[k] for k in self.parameters if k in keywords}

    def finish(self):
        c, call = self.c, self.call
        kinds = parameters(cpool, self.name)
        leading = itertools.takewhile(
            lambda pair: pair[0] == pair[1] and kinds[pair[0]].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD,
            zip(call.keywords, self.parameters, strict=False),
        )
        call.positional = c.int(0, len(list(leading)))
        call.threads = (c.int(1, 3), c.int(1, 3))
        call.with_out = "out" in self.parameters and c.chance(0.4)
        if c.chance(0.15):
            self.spoil()
        return call

    def spoil(self):
        """Put something where it does not belong; once in a while it does."""
        c, call = self.c, self.call
        if call.with_out and c.chance(0.3):
            call.spoilt = "out"
            return
        call.with_out = False
        key = c.one(list(call.keywords))
        value = call.keywords[key]
        if key == "indices" and c.chance(0.8):
            bad = np.array(value).astype(np.int64)
            if bad.size:
                bad.reshape(-1)[c.int(0, bad.size - 1)] = c.one([-1, 2**32 + 3, 1250999896764, -(2**63), 9001 * 9001])
            value = c.one([bad, bad[:-1] if bad.ndim else bad, bad.astype("f8"), bad.astype("u8")])
        elif isinstance(value, np.ndarray) and value.ndim and c.chance(0.8):
            # Numbers that fit: what a cast makes of others differs from machine to machine.
            numbers = np.nan_to_num(value.astype("f8")).clip(-(2**30), 2**30)
            value = c.one(
                [value[..., :-1], value[None], value.reshape(-1), value.astype("O"), numbers.astype("i4")]
                + [np.zeros(value.shape, kind) for kind in ("c16", "M8[s]", "U3", "V5")]
            )
        elif key in ("kernel_size", "stride", "padding", "dilation", "output_size") and c.chance(0.4):
            value = c.one([(1,) * (self.d + 1), (2, "a", 1)[: self.d], [0] * self.d, np.array(2.5), (-1,) * self.d])
        elif key == "input_shape" and c.chance(0.6):
            value = c.one([value[1:], (*value, 1), tuple(-n for n in value), tuple(n + 1 for n in value), (2**62,) * 3])
        elif key == "axis" and c.chance(0.6):
            value = c.one([0, (0, 0), (0, 0, 0), 99, -99, (0, 1, 2, 3), "x", 1.0])
        else:
            value = c.one([v for v in NONSENSE if v is not None or key != "rng"])  # None draws anew each time
        call.keywords[key] = value
        call.rooms.pop(key, None)
        call.spoilt = key


# -------------------------------------------------------------------------------------------------------- checking


def values_of(result):
    return result if isinstance(result, tuple) else (result,)


def same(a, b, strict):
    """Whether two answers of the fast code have the same bits; the bits of NaN and of zeros only if `strict`."""
    if isinstance(a, np.ma.MaskedArray):
        a, b = a.filled(0), b.filled(0)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.tobytes() == b.tobytes():
        return True
    return not strict and bool(((a == b) | ((a != a) & (b != b))).all())


def unit(dtype):
    """Return the distance of 1 to the next number."""
    if dtype == bfloat16:
        return 2.0**-7
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.0**-52


def magnitudes(x):
    """Return the sizes of finite numbers, and 0 of others."""
    x = np.abs(np.asarray(x).astype(np.float64))
    return np.where(np.isfinite(x), x, 0)


def all_finite(call):
    """Return whether what is pooled, or passed back, has neither NaN nor infinity."""
    source = call.keywords.get("grad_output", call.keywords.get("x"))
    return source is not None and bool(np.isfinite(np.asarray(source).astype(np.float64)).all())


def tolerance(call, expected):
    """Return by how much each element may differ: by rounding, of sums whose terms are as large as `expected` says."""
    name, given = call.name, call.keywords
    whole = magnitudes(expected)
    ulp = unit(expected.dtype) if is_float(expected.dtype) else 0
    if name.startswith(("max_unpool", "min", "adaptive_max", "fractional", "mode", "global_max")) or name in (
        "max_pool1d", "max_pool2d", "max_pool3d",
    ) or (name == "pool2d" and given.get("mode", "max") == "max"):  # fmt: skip
        return 0 * whole
    if name.startswith(("median", "quantile")) or (call.small and not name.endswith("backward")):
        return 2 * ulp * whole
    source = np.asarray(given["grad_output" if "grad_output" in given else "x"])
    working = 2.0**-23 if is_float(source.dtype) and source.dtype.itemsize < 8 else 2.0**-52
    terms = 4 + np.sqrt(max(source.size, expected.size))
    if name.startswith("lp") and -np.inf < given["norm_type"] < 0 and (source < 0).any():
        return np.inf  # inverse powers of both signs may cancel to nothing
    if name.startswith("lp"):
        factor = 64 if name.endswith("backward") else 8
        other = {k: magnitudes(given[k]) for k in ("x", "grad_output", "output") if k in given}
        scale = magnitudes(theirs(call, **other))
        return factor * terms * working * np.maximum(scale, whole) + ulp * whole
    if name.startswith(("var", "std")):
        square = dict(x=magnitudes(source) ** 2) | dict.fromkeys(["dtype"] if "dtype" in given else [], np.float64)
        keys = parameters(reference, "avg_pool1d")
        kept = {k: v for k, v in {**given, **square}.items() if k in keys}
        scale = magnitudes(getattr(reference, "avg" + name[3:])(**kept, count_include_pad=False))
        error = terms * 2.0**-52 * scale * 4
        error = np.sqrt(error) if name.startswith("std") else error
        return error + ulp * whole if is_float(expected.dtype) else 1 + error  # a middle is rounded either way
    key = "grad_output" if "grad_output" in given else "x"
    absolute = magnitudes(source)
    if given.get("nan_policy") == "omit":
        absolute = np.where(source == source, absolute, np.nan)
    if isinstance(given.get("x"), np.ma.MaskedArray):
        absolute = np.ma.MaskedArray(absolute, given["x"].mask)
    other = {key: absolute} | ({"dtype": np.float64} if "dtype" in given else {})
    scale = magnitudes(theirs(call, **other))
    error = terms * working * scale
    if not is_float(expected.dtype):
        return np.where(error < 1e-6, 0, 1 + error)
    smallest = 2.0**-24 if expected.dtype.itemsize == 2 and expected.dtype.kind == "f" else 1e-38
    return error + ulp * whole + smallest * (expected.dtype.itemsize < 8)


def compare(call, result, expected):
    """Raise if the fast function's answer is not the reference's."""
    parts, wanted = values_of(result), values_of(expected)
    if len(parts) != len(wanted):
        raise Finding(f"returned {len(parts)} arrays, not {len(wanted)}")
    for i, (y, e) in enumerate(zip(parts, wanted, strict=True)):
        what = "indices" if i else "result"
        if isinstance(e, np.ma.MaskedArray):
            if not isinstance(y, np.ma.MaskedArray) or (np.ma.getmaskarray(y) != e.mask).any():
                raise Finding(f"{what} is not masked as {e!r}")
            y, e = y.filled(0), e.filled(0)
        if not isinstance(y, np.ndarray) or y.shape != e.shape or y.dtype != e.dtype:
            raise Finding(f"{what} is {getattr(y, 'dtype', y)}{getattr(y, 'shape', '')}, not {e.dtype}{e.shape}")
        if i or e.dtype.kind == "b":
            wrong = y != e
        else:
            allowed = tolerance(call, e)
            exact = (y == e) | ((y != y) & (e != e))
            ours, right = y.astype(np.float64), e.astype(np.float64)
            with np.errstate(all="ignore"):
                if e.dtype.kind == "f" and all_finite(call):  # infinite is what was rounded beyond the largest number
                    beyond = float(np.finfo(e.dtype).max) * (1 + unit(e.dtype))
                    ours, right = np.clip(ours, -beyond, beyond), np.clip(right, -beyond, beyond)
                near = np.abs(ours - right) <= allowed
            near |= np.isinf(allowed)  # then one may be NaN
            if e.dtype.kind in "iu":
                near &= allowed > 0  # float64 does not tell large neighbours apart
            wrong = ~(exact | near)
        if wrong.any():
            at = tuple(int(n) for n in np.argwhere(wrong)[0])
            raise Finding(f"{what}{list(at)} is {y[at]!r}, not {e[at]!r}; {int(wrong.sum())} of {wrong.size} are wrong")


def check_adjoint(call, gx):
    """Check ``<g, A x> == <A'g, x>``, which needs no reference: `gx` is ``A'g``, and A the forward function."""
    given = dict(call.keywords)
    g = np.asarray(given.pop("grad_output")).astype(np.float64)
    gx = np.asarray(gx).astype(np.float64)
    if not (gx.size and np.isfinite(g).all() and np.isfinite(gx).all()):
        return
    forward = getattr(cpool, call.name.removesuffix("_backward"))
    if call.name.startswith("max_pool"):  # A fetches by index
        axis, shape = given.get("axis"), given["input_shape"]
        planes = reference._Planes(call.ndim, axis, g.ndim)
        x = np.random.default_rng(0).standard_normal(shape)
        ax = np.take_along_axis(planes.flat(x), planes.flat(given["indices"]).astype(np.int64), -1)
        left, right = planes.flat(g) * ax, gx * x
    elif call.name.startswith("max_unpool"):
        flat = reference._Planes(call.ndim, None, g.ndim).flat(given["indices"])
        kernel = tuple(m - n + 1 for m, n in zip(g.shape[-call.ndim :], gx.shape[-call.ndim :], strict=True))
        if min(kernel) < 1 or any(len(set(flat[i].tolist())) < flat.shape[-1] for i in np.ndindex(flat.shape[:-1])):
            return  # where an index stands twice, one value is lost, and the forward function is another one
        x = np.random.default_rng(0).standard_normal(gx.shape)
        left, right = g * forward(x, given["indices"], kernel, 1), gx * x
    else:
        shape = given.pop("input_shape")
        x = np.random.default_rng(0).standard_normal(shape)
        if call.name.startswith("adaptive"):
            planes = reference._Planes(call.ndim, given.get("axis"), g.ndim)
            given["output_size"] = planes.sizes(g.shape)
        left, right = g * forward(x, **given), gx * x
    dtype = np.asarray(call.keywords["grad_output"]).dtype
    room = unit(dtype) * (8 + np.sqrt(left.size + right.size)) * (np.abs(left).sum() + np.abs(right).sum())
    least = np.finfo(dtype).smallest_subnormal if dtype.kind == "f" else 0  # below it a gradient is rounded away
    if abs(left.sum() - right.sum()) > room + float(least) * np.abs(x).sum() + 1e-30:
        raise Finding(f"not adjoint: <g, Ax> = {left.sum()}, <A'g, x> = {right.sum()}")


def expected_of(call):
    """Return the reference's answer, or why it refuses."""
    try:
        return theirs(call), None
    except (ValueError, IndexError) as error:
        return None, error


def output_of(call, expected):
    """Return a room for the result: of the right shape and dtype anywhere in memory, or a wrong one."""
    c, (y, *_) = call.choices, values_of(expected)
    shape, dtype = y.shape, y.dtype
    fault = c.one(["shape", "dtype", "read-only", "unaligned", "overlap"]) if call.spoilt == "out" else ""
    if fault == "shape":
        shape = c.one([(*shape, 1), shape[1:], tuple(n + 1 for n in shape)])
    elif fault == "dtype":
        dtype = c.one([np.dtype(t) for t in ("f8", "f4", "i8", "c16") if t != dtype])
    elif fault == "unaligned" and dtype.itemsize > 1 and math.prod(shape):
        memory = np.zeros(math.prod(shape) * dtype.itemsize + 1, np.uint8)
        return Room(memory[1:].view(dtype).reshape(shape), memory, fault)
    elif fault == "overlap":
        of = call.rooms.get("x", call.rooms.get("grad_output"))
        start, size = 64, math.prod(shape) * dtype.itemsize
        copied = not (of.array.dtype.isnative and of.array.flags.aligned)  # then nothing is shared
        if size and start + size <= of.memory.size and not copied:
            array = of.memory[start : start + size].view(dtype).reshape(shape)
            if np.may_share_memory(array, of.array):
                return Room(array, of.memory, fault)
    room = Room(*laid_out(c, shape, dtype, as_output=True))
    if fault in ("read-only", "unaligned", "overlap"):
        room.array.flags.writeable = False
    return room


def check(call, strict=False):
    """Run one call. Return "answered" or "refused", rows for the table of strategies, and a digest of the results."""
    expected, refusal = expected_of(call) if call.spoilt in ("", "out") else (None, None)
    room = output_of(call, expected) if call.with_out and expected is not None else None
    cpool.set_num_threads(call.threads[0])
    try:
        result = ours(call, **({} if room is None else {"out": room.array}))
    except (ValueError, TypeError) as error:
        if not str(error):
            raise Finding("an error without a message") from error
        if not call.spoilt and refusal is None and not declined(call):
            raise Finding(f"refused what has an answer: {error}") from error
        if room is not None:
            room.check("out of a refused call")
        return "refused", [], ""
    except Exception as error:
        raise Finding(f"raised {type(error).__name__}: {error}") from error
    finally:
        for key, used in call.rooms.items():
            used.check(key)
    if refusal is not None:
        raise Finding(f"answered what has no answer: {refusal}")
    if call.spoilt == "out" and room is not None:
        raise Finding(f"took an unfit out: {room.layout}, {room.array.dtype}{room.array.shape}")
    if call.spoilt and expected is None:
        try:
            expected = theirs(call)
        except Exception:
            return "answered", [], ""  # the reference checks no types, nor sizes
    parts = values_of(result)
    if room is not None:
        held = parts[0].data if isinstance(parts[0], np.ma.MaskedArray) else parts[0]
        if parts[0] is not room.array and (held is parts[0] or held.ctypes.data != room.array.ctypes.data):
            raise Finding("out was not returned")
        room.check_around()
    compare(call, result, expected)
    if not call.spoilt:
        repeat(call, parts, strict)
    return "answered", explained(call, parts[0]), digest(parts)


def digest(parts):
    """Return what tells one result's bits from another's."""
    return hashlib.sha256(b"".join(np.ma.filled(part, 0).tobytes() for part in parts)).hexdigest()[:16]


def declined(call):
    """Whether the function may refuse, by its documentation, what the reference answers."""
    kind = np.asarray(call.keywords.get("x", call.keywords.get("grad_output"))).dtype
    name = call.name
    sizes = call.keywords.get("input_shape", np.shape(call.keywords.get("x", call.keywords.get("grad_output"))))
    if 0 in sizes:
        return True  # an empty plane has no answer, even where there is no plane
    return is_float(kind) if name.startswith("mode") else not is_float(kind) and name.startswith("lp")


def repeat(call, parts, strict):
    """Call again on the same heap, with another number of threads, and without indices: the same bits."""
    cpool.set_num_threads(call.threads[1])
    again = values_of(ours(call))
    for a, b in zip(parts, again, strict=True):
        if not same(a, b, strict):
            raise Finding(f"{call.threads[0]} and {call.threads[1]} threads, or a second call, differ")
    if len(parts) > 1:
        short = ours(Call(call.name, call.keywords | {"return_indices": False}))
        if not same(parts[0], short, strict):
            raise Finding("the results with and without indices differ")
    linear = ("avg_pool", "adaptive_avg_pool", "max_pool", "max_unpool")
    if call.name.startswith(linear) and call.name.endswith("backward"):
        check_adjoint(call, parts[0])


def explained(call, y):
    """Check what `cpool.explain` says of an answered call, and return how each of its jobs is done, to be counted."""
    plan = cpool.explain(getattr(cpool, call.name), **call.keywords)
    if tuple(plan.shape) != y.shape or plan.dtype != y.dtype:
        raise Finding(f"explained as {plan.dtype}{plan.shape}, but the result is {y.dtype}{y.shape}")
    return [[way(job.kind, job.strategy, job.together, job.tables), job.reduction, *array_of(job)] for job in plan.jobs]


# ------------------------------------------------------------------------------------- which strategies there are

#: In columns of the table: how numbers are stored, and how they lie.
STORED = ("float", "short float", "integer")
LAYOUTS = ("rows", "strided", "channels")


def way(kind, strategy, together, tables=()):
    """Return the name of a strategy, as one row of the table."""
    if strategy is None:
        uneven = kind == "copies" and not all(table.one_count for table in tables)
        return f"uneven {kind}" if uneven else kind
    name = f"{kind}: {strategy.across} x {strategy.along}" + ", one pass" * strategy.one_pass
    return name + ", planes as channels" * bool(together)


def array_of(job):
    """Return how the first array that a job reads stores numbers, and how they lie."""
    x = job.memory.views[0]
    stored = {"float16": "short float", "bfloat16": "short float"}.get(x.type, x.type.rstrip("0123456789"))
    stored = stored.removeprefix("u").replace("int", "integer")
    layout = "channels" if job.memory.run > 1 else "rows" if x.strides[2] == x.itemsize else "strided"
    return stored, layout


def small_plans():
    """Yield how windows are cut, whether for a gradient, and (D, H, W), of many small planes."""
    lengths = (1, 9, 24, 600)
    single = geometry.single_window(1)
    families = dict(
        sliding=[
            geometry.sliding_windows(n, k, s, 0, 0, 1, False, True, "W")
            for n in lengths
            for k in (1, 2, 3, 9, 20, 100)
            for s in (1, 2, 3)
            if k <= n
        ]
        + [geometry.sliding_windows(7, 7, 7, 0, 0, 1, False, True, "W")],
        adaptive=[geometry.adaptive_windows(n, m, "W") for n in lengths for m in (1, 5, n, 31, 48)],
    )
    for turn, backward in ((geometry.AxisWindows.forward, False), (geometry.AxisWindows.transposed, True)):
        for manner, windows in families.items():
            # of several that are cut alike, one
            tables = {(t.size, t.out, t.kernel, t.stride, t.uniform, t.period): t for t in map(turn, windows)}
            depth = [turn(single), turn(geometry.sliding_windows(5, 3, 2, 0, 0, 1, False, True, "D"))]
            for plan in itertools.product(depth, tables.values(), tables.values()):
                if math.prod(t.size for t in plan) + math.prod(t.out for t in plan) < MOST_WORK:
                    yield manner, backward, list(plan)


#: What the driver computes: an extreme, a sum, or a state of several numbers.
FAMILIES = {
    name: "sums" if name == "sum" else "states" if name in ("total", "moments") else "extremes"
    for name in ("", *driver.REDUCTIONS)
}


@functools.cache
def reachable():
    """Return all strategies that `cpool.core.strategies` chooses for small plans, each with a family of reductions."""
    found = {("finds", "extremes"), ("gather", "extremes"), ("scatter", "sums")}
    found |= {("ordered", "extremes"), ("ranked", "extremes")}
    found |= {("copies", "sums"), ("uneven copies", "sums"), ("powers", "sums")}
    # kind, reductions, bytes of a number, and whether the input is divided before it is summed
    forwards = [("values", "extremes", 1, False), ("values", "extremes", 4, False), ("values", "sums", 4, False)]
    forwards += [("picks", "extremes", 4, False)]
    states = [("values", "states", 4, False)]
    gradients = [("values", "sums", 4, False), ("values", "sums", 4, True)]
    for manner, backward, plan in small_plans():
        jobs = gradients if backward else forwards + states * (manner == "sliding")
        for kind, family, size, divides_first in jobs:
            sums, picks, state = family != "extremes", kind == "picks", family == "states"
            # Numbers are read where they lie unless something is done to them first, as norms do, whose windows slide.
            # Of states totals are made of them there.
            direct = {not divides_first, (picks or size == 1 or manner == "adaptive") and not divides_first}
            for planes, run, native, straight in itertools.product((1, 20), (1, 3, 40), (True, False), direct):
                condensed = kind == "values" and size == 4 and native and straight and not (divides_first or state)
                condensed = condensed and strategies.condenses(plan, run, planes)
                plain = kind == "values" and not state
                together = 0
                if not condensed:
                    together, _ = strategies.together(plan, run, size, planes, picks or state, picks, 1)
                if together:  # planes are loaded before they are turned, and divided after
                    first, lanes, others = False, together * run, 1
                    as_it_lies = straight or divides_first or family == "extremes"
                else:
                    first, as_it_lies, lanes, others = divides_first, straight and native, run, planes
                windows = plain and as_it_lies and strategies.windows_at_once(plan, lanes, size, sums)
                at_once = "condensed" if condensed else "windows" if windows else None
                chosen = strategies.choose(plan, lanes, size, others, as_it_lies, sums, picks, first, at_once)
                found.add((way(kind, chosen, together), family))
    return found


@functools.cache
def functions(match=""):
    """Return the public functions of this build that can be drawn and match a pattern, those of several axes twice.

    Those of plain windows stand there more often: for them there are the most strategies.
    """
    names = [name for name in cpool.functional.__all__ if hasattr(reference, name) and re.search(match, name)]
    several = [name for name in names if "2d" in name or "3d" in name]
    plain = [
        name for name in several if re.fullmatch(r"((adaptive_)?max|min|lp|var)_pool.d|avg_pool.d(_backward)?", name)
    ]
    return names + several + 16 * plain


def random_call(seed, match=""):
    """Return the one call of a seed."""
    return [Drawing(seed, functions(match)).draw()]


# --------------------------------------------------------------------------------------------- all small geometries


def axis_windows():
    """Return for each rounding the distinct ways in which a short axis is cut, by the first arguments that do so."""
    ways = {False: {}, True: {}}
    for n, k, s, p, d, ceil in itertools.product(
        range(1, 6), range(1, 6), range(1, 4), range(3), (1, 2), (False, True)
    ):
        try:
            windows = reference._sliding((n,), k, s, p, d, ceil)
        except ValueError:
            continue
        if windows.inside.any(-1).all():
            raw = np.arange(windows.out[0])[:, None] * s - p + np.arange(k) * d
            ways[ceil].setdefault((n, p, raw.tobytes(), windows.out), (n, k, s, p, d))
    return {ceil: list(found.values()) for ceil, found in ways.items()}


@functools.cache
def geometries():
    """Return all small geometries: (sizes, arguments of the windows). 1-D and 2-D whole, 3-D a sample."""
    every = itertools.product(range(1, 6), range(1, 6), range(1, 4), range(3), (1, 2), (False, True))
    found = [((n,), dict(kernel_size=k, stride=s, padding=p, dilation=d, ceil_mode=c)) for n, k, s, p, d, c in every]
    for ndim in (1, 2, 3):
        for sizes in itertools.product(range(1, 6), repeat=ndim):
            found += [(sizes, dict(output_size=to)) for to in itertools.product(range(1, 6), repeat=ndim)]
    ways, rng = axis_windows(), np.random.default_rng(0)
    for ceil, cuts in ways.items():
        pairs = list(itertools.product(cuts, repeat=2))
        triples = [[cuts[i] for i in three] for three in rng.integers(len(cuts), size=(5_000, 3))]
        for axes in pairs + triples:
            n, k, s, p, d = zip(*axes, strict=True)
            found.append((n, dict(kernel_size=k, stride=s, padding=p, dilation=d, ceil_mode=ceil)))
    return found


def geometry_calls(number, match=""):
    """Return the calls that one geometry is tried with: max and indices, averages, gradients; float and integer."""
    sizes, given = geometries()[number]
    rng, d, include = np.random.default_rng(number), len(sizes), number % 2 == 0
    prefix, more, back = "", dict(count_include_pad=include), given
    if "output_size" in given:
        prefix, more, back = "adaptive_", {}, {}
    x = rng.integers(-3, 4, (3, *sizes))  # one plane with ties, one without, and one of either
    x[1] = rng.permutation(x[1].size).reshape(sizes)
    shape, average, maximum = x.shape, f"{prefix}avg_pool{d}d", f"{prefix}max_pool{d}d"
    calls = [
        Call(maximum, dict(x=x.astype(dtype), **given, return_indices=True), small=True) for dtype in ("f4", "i2")
    ] + [Call(average, dict(x=x.astype(dtype), **given, **more), small=True) for dtype in ("f4", "i2")]
    if more:
        calls.append(Call(average, dict(x=x.astype("f4"), **given, count_include_pad=not include), small=True))
    with contextlib.suppress(ValueError):  # where there is no answer, there is no gradient
        g = rng.integers(-9, 10, theirs(calls[2]).shape).astype("f4")
        calls.append(Call(f"{average}_backward", dict(grad_output=g, input_shape=shape, **back, **more), small=True))
        at = theirs(calls[0])[1]
        given = dict(grad_output=g, indices=at, input_shape=shape)
        calls.append(Call(f"max_pool{d}d_backward", given, small=True))
    return [call for call in calls if re.search(match, call.name)]


# -------------------------------------------------------------------------------------------------- children, report


LIMITS = {
    name: getattr(strategies, name) for name in ("WIDEST_ROW", "WIDEST_PIXELS", "BAND", "CHUNK", "TALL", "FEW_ROWS")
}
SMALL_LIMITS = {"WIDEST_ROW": 256, "WIDEST_PIXELS": 512, "BAND": 1024, "CHUNK": 128, "TALL": 10, "FEW_ROWS": 5}
SMALL_LIMITS |= {"SLIDING": 2, "SLIDING_MORE": 2, "MOST_IN_NETWORK": 3, "RANKED": 64}


def set_limits(number, bands=strategies.TURNED, counting=strategies.COUNTING, padding=geometry.MOST_STORED_PADDING):
    """Let small calls do what is done to large ones: of each fourth call bands of planes are cut, of others padding is
    not stored, so that windows are read from tables, or windows are longer than tiles; and sums of arrays whose axes
    lie in another order are made one after the other."""
    small = number % 4 == 3
    for name, limit in (SMALL_LIMITS if number % 8 == 6 else LIMITS).items():
        setattr(strategies, name, limit)
    engine.MANY = 1 if number % 3 else 2**15
    strategies.TURNED, strategies.COUNTING = (SMALL_BANDS, SMALL_BANDS // 4) if small else (bands, counting)
    geometry.MOST_STORED_PADDING = number // 8 % 3 if number % 8 == 5 else padding


def child(options):
    """Run numbers one after the other, and say before each which it is, so that a crash has a name."""
    parent = os.getppid()
    log = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    make = geometry_calls if options.enumerate else random_call
    if options.enumerate:
        geometries()  # they are listed before the clock runs

    def say(*record):
        os.write(log, (json.dumps(record) + "\n").encode())

    warnings.simplefilter("ignore")  # of casting junk; what is wrong with an answer shows in its elements
    if options.breaking:
        exec(options.breaking, {"cpool": cpool, "np": np})
    for number in options.numbers:
        if time.time() > options.until or os.getppid() != parent:
            return
        set_limits(number)
        signal.setitimer(signal.ITIMER_REAL, options.patience)  # kills the process
        call = None
        try:
            say("draw", number)
            for call in make(number, options.match):
                say("call", number, call.name)
                outcome, rows, bits = check(call, options.strict)
                say(outcome, number, call.name, rows, bits)
        except Exception as error:
            what = str(error) if isinstance(error, Finding) else f"the explorer failed: {traceback.format_exc()}"
            say("finding", number, f"{call}: {what}")
    signal.setitimer(signal.ITIMER_REAL, 0)


class Report:
    """Counts what children say."""

    def __init__(self, options):
        self.options = options
        self.outcomes = collections.Counter()
        self.taken = collections.Counter()
        self.missed = []
        self.digests = []
        self.findings = 0

    def finding(self, number, what, first=None):
        self.findings += 1
        how = " --enumerate" * self.options.enumerate + " --strict" * self.options.strict
        how += f" --match '{self.options.match}'" * bool(self.options.match)
        print(f"seed {number}: {what}\n    python tests/explore.py --only {number}{how}", flush=True)
        if first is not None and first != number:
            step = self.options.every
            how = f"--seed {first} --calls {(number - first) // step + 1}" + f" --every {step}" * (step > 1) + how
            print(f"    or, if that alone is harmless: {how}", flush=True)

    def read(self, records, code, first):
        """Take in one batch; return the last number that was begun, or None."""
        last, name = None, "drawing"
        for what, number, *more in records:
            last = number
            if what == "call":
                name = more[0]
            elif what == "finding":
                self.finding(number, more[0])
            elif what != "draw":
                self.outcomes[what, more[0]] += 1
                self.taken.update(map(tuple, more[1]))
                self.digests.append(f"{number} {more[0]} {more[2]}")
        if code == -signal.SIGALRM:
            self.finding(last, f"{name} hangs: more than {self.options.patience:g} seconds", first)
        elif code:
            self.finding(last, f"{name} ended the process with code {code}", first)
        return last

    @property
    def calls(self):
        return sum(self.outcomes.values())

    def show(self, elapsed):
        names = sorted({name for _, name in self.outcomes})
        print(f"\n{'function':32}{'answered':>10}{'refused':>10}")
        for name in names:
            print(f"{name:32}{self.outcomes['answered', name]:>10}{self.outcomes['refused', name]:>10}")
        total = {what: sum(n for (w, _), n in self.outcomes.items() if w == what) for what in ("answered", "refused")}
        print(f"{'all':32}{total['answered']:>10}{total['refused']:>10}")
        never = sorted(set(cpool.functional.__all__) - set(names))
        if not self.options.enumerate and not self.options.match:
            print("never drawn:", ", ".join(never) or "none")
        self.show_strategies()
        print(f"{self.calls} calls in {elapsed:.0f} seconds, {self.findings} findings")

    def show_strategies(self):
        """Print how often each strategy was taken: for which reduction, how numbers are stored, and how they lie."""
        columns = list(itertools.product(STORED, LAYOUTS))
        print(f"\n{'':62}" + "".join(f"{stored:^27}" for stored in STORED))
        print(f"{'strategy':54}{'of':8}" + "".join(f"{layout:>9}" for _, layout in columns))
        for name, reduction in sorted({row[:2] for row in self.taken}):
            counts = (self.taken[name, reduction, *column] for column in columns)
            print(f"{name:54}{reduction:8}" + "".join(f"{n or '.':>9}" for n in counts))
        if not self.options.enumerate and not self.options.match:
            never = self.never_taken()
            print(f"{len(reachable()) - len(never)} of {len(reachable())} strategies were taken")
            self.missed = never if self.calls >= self.options.long_enough else []
            for name in self.missed:
                print(f"never taken in {self.calls} calls, though it can be chosen: {name}")

    def never_taken(self):
        """Return the strategies that could have been taken, and were not."""
        taken = {(name, FAMILIES[reduction]) for name, reduction, *_ in self.taken}
        return sorted(f"{name} of {family}" for name, family in reachable() - taken)


def batches(options, report, end):
    """Run batch after batch in a child of its own, and go on behind the number that ended one."""
    step = options.every
    number, stop = options.seed, options.seed + options.calls * step if options.calls else None
    if options.enumerate:
        stop = min(stop or sys.maxsize, len(geometries()))
    while time.time() < end and (stop is None or number < stop):
        until = min(number + BATCH * step, stop or sys.maxsize)
        with tempfile.NamedTemporaryFile(suffix=".log") as log:
            command = [sys.executable, "-P", __file__, "--log", log.name, "--until", str(end), "--numbers"]
            command += [str(number), str(until), str(step), *["--enumerate"] * options.enumerate]
            command += ["--patience", str(options.patience)]
            command += ["--strict"] * options.strict + ["--match", options.match, "--breaking", options.breaking]
            code = subprocess.run(command).returncode
            records = [json.loads(line) for line in Path(log.name).read_text().splitlines()]
        last = report.read(records, code, number)
        if last is None:
            if code:
                raise SystemExit(f"the child did not start: code {code}")
            return
        number = last + step


def only(options):
    """Run one number in this process, and print it in full."""
    set_limits(options.only)
    for call in (geometry_calls if options.enumerate else random_call)(options.only, options.match):
        print(call, flush=True)
        for key, room in call.rooms.items():
            print(f"{key} =\n{room.array!r}")
        print(check(call, options.strict)[0], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop after so many")
    parser.add_argument("--calls", type=int, help="stop after so many seeds")
    parser.add_argument("--seed", type=int, default=0, help="of the first call; the next have the following ones")
    parser.add_argument("--every", type=int, default=1, help="step from seed to seed: a sample of the geometries")
    parser.add_argument("--only", type=int, help="run one seed here, and print it in full")
    parser.add_argument("--enumerate", action="store_true", help="all small geometries instead of random calls")
    parser.add_argument("--strict", action="store_true", help="compare the bits of zeros and NaN")
    parser.add_argument(
        "--patience", type=float, default=10, help="seconds after which a call hangs; more where all is slow"
    )
    parser.add_argument(
        "--long-enough", type=int, default=LONG_ENOUGH, help="calls after which every strategy must have been taken"
    )
    parser.add_argument(
        "--digests", type=Path, help="write a line for each call with a digest of its bits, to compare two machines"
    )
    parser.add_argument("--match", default="", help="only functions whose names match this pattern")
    parser.add_argument("--breaking", default="", help="Python that breaks cpool first, to see it noticed")
    parser.add_argument("--log", help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--numbers", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.log:
        options.numbers = range(*options.numbers)
        return child(options)
    if options.only is not None:
        return only(options)
    if not options.enumerate and options.calls is None and options.seconds == math.inf:
        parser.error("give --seconds or --calls")
    start = time.time()
    report = Report(options)
    batches(options, report, start + options.seconds)
    report.show(time.time() - start)
    if options.digests:
        options.digests.write_text("\n".join(report.digests) + "\n")
    return sys.exit(1 if report.findings or report.missed else 0)


if __name__ == "__main__":
    main()
