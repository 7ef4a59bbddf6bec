"""Random arguments, valid and not, for every public function: the reference's answer or a clean error.

    python tests/fuzz.py --minutes 30

runs longer than the test run does, and reports how many calls were answered and how many refused.
"""

import argparse
import collections
import time

import numpy as np
from cases import LAYOUTS, laid_out

import cpool
from cpool import reference

WINDOWED = [f"{op}_pool{d}d" for op in ("max", "min", "avg", "lp", "median", "mode") for d in (1, 2, 3)]
ADAPTIVE = [f"adaptive_{op}_pool{d}d" for op in ("max", "avg") for d in (1, 2, 3)]
BACKWARD = [f"{op}_pool{d}d_backward" for op in ("max", "avg", "lp", "adaptive_avg") for d in (1, 2, 3)]
OTHERS = ["max_unpool1d", "max_unpool2d", "max_unpool3d", "fractional_max_pool2d", "fractional_max_pool3d"]
OTHERS += ["max_unpool2d_backward", "global_max_pool", "global_avg_pool", "pool2d"]
NAMES = [*WINDOWED, *ADAPTIVE, *BACKWARD, *OTHERS]
#: What does not belong anywhere.
NONSENSE = [0, -1, -7, 2**31, 2**62, 10**20, 2.0, float("nan"), "2", "same", True, None, (), (1, 2, 3, 4), [[1]], b"x"]


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

    def per_axis(self, d, low, high):
        return self.int(low, high) if self.chance(0.5) else tuple(self.int(low, high) for _ in range(d))

    def spoilt(self, value, p=0.03):
        return self.one(NONSENSE) if self.chance(p) else value


def array(c, d, dtypes="f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 ? >f4 >i2"):
    shape = tuple(c.int(0 if c.chance(0.05) else 1, 70 if c.chance(0.05) else 7) for _ in range(d + c.int(0, 2)))
    dtype = np.dtype(c.one(dtypes.split()))
    x = c.rng.integers(0, 2 if dtype.kind == "b" else 9, shape).astype(dtype)
    if dtype.kind == "f" and c.chance(0.2) and x.size:
        x.reshape(-1)[:: c.int(1, 9)] = c.one([np.nan, np.inf, -np.inf])
    if c.chance(0.02):
        return c.one([np.zeros(shape, "c16"), np.zeros(shape, "M8[s]"), np.zeros(shape, "O"), "text", None, 1.5])
    return laid_out(x, c.one(LAYOUTS))


def windows(c, d):
    """Draw kernel, stride, padding, dilation, ceil_mode."""
    padding = c.per_axis(d, 0, 3)
    if c.chance(0.2):
        padding = c.one(["same", "same_lower", "valid", tuple((c.int(0, 2), c.int(0, 2)) for _ in range(d))])
    return dict(
        kernel_size=c.spoilt(c.per_axis(d, 1, 5)),
        stride=c.spoilt(None if c.chance(0.3) else c.per_axis(d, 1, 4)),
        padding=c.spoilt(padding),
        dilation=c.spoilt(1 if c.chance(0.6) else c.per_axis(d, 1, 3)),
        ceil_mode=c.spoilt(c.chance(0.3)),
    )


def shape_of(x):
    return getattr(x, "shape", ())


def grown(c, x, d):
    """Draw an input shape for a gradient: mostly of the right rank."""
    shape = [n if i < len(shape_of(x)) - d else n + c.int(0, 3) for i, n in enumerate(shape_of(x))]
    return c.spoilt(tuple(shape), 0.05)


def arguments(c, name):
    """Draw positional and keyword arguments of a function."""
    if name == "pool2d":
        x = array(c, 2)
        x = x.reshape(-1, max(1, x.shape[-1])) if isinstance(x, np.ndarray) and x.ndim > 2 else x
        return [x, c.spoilt(c.per_axis(2, 1, 4)), c.one(["max", "avg", "sum", 1])], {}
    if name.startswith("global"):
        return [array(c, 2)], dict(keepdims=c.chance(0.5))
    d = next(n for n in (1, 2, 3) if f"{n}d" in name)
    if name.startswith("max_unpool"):
        x = array(c, d)
        at = c.rng.integers(0 if c.chance(0.8) else -3, 12, shape_of(x)).astype(c.one(["i8", "i4", "u1", "f4"]))
        if name.endswith("backward"):
            return [x, at], {}
        return [x, at, c.spoilt(c.per_axis(d, 1, 3))], {}
    if name.startswith("fractional"):
        size = {c.one(["output_size", "output_ratio"]): c.one([1, 2, 3, 0.5, 0.7, 0, 1.5, (2,) * d])}
        return [array(c, d), c.spoilt(c.per_axis(d, 1, 3))], dict(**size, rng=c.one([0, None, 7]))
    if name.startswith("adaptive") and not name.endswith("backward"):
        return [array(c, d), c.spoilt(c.per_axis(d, 0, 9))], {}
    if name.startswith("adaptive"):
        x = array(c, d, "f4 f8")
        return [x, grown(c, x, d)], {}
    if name.startswith("max") and name.endswith("backward"):
        x = array(c, d, "f4 f8")
        at = c.rng.integers(0 if c.chance(0.9) else -3, 6, shape_of(x)).astype(c.one(["i8", "i4", "i2", "u8", "f8"]))
        return [x, at, grown(c, x, d)], {}
    given = windows(c, d)
    if name.startswith("avg") and name.endswith("backward"):
        x = array(c, d, "f4 f8")
        return [x, grown(c, x, d)], given
    if name.startswith("lp"):
        p = c.one([1, 2, 3, 2.5, np.inf, 0, np.nan, "2"])
        if name.endswith("backward"):
            x = np.abs(c.rng.standard_normal(shape_of(array(c, d)))) + 0.5  # a gradient is not defined at 0
            try:
                y = getattr(cpool, name.removesuffix("_backward"))(x, p, **given)
            except (ValueError, TypeError):
                y = x
            return [np.ones_like(y), x, y, p], given
        return [array(c, d), p], given
    if c.chance(0.1):
        given["axis"] = c.one([0, (0, 1), (-1, 0, 1), (1, 1), 9, "x", tuple(range(d))])
    if name.startswith("avg"):
        given |= dict(count_include_pad=c.chance(0.5), divisor_override=c.one([None, None, 3, 1, 0, 1.5]))
    if name.startswith(("max", "min")):
        given |= dict(return_indices=c.chance(0.5))
    return [array(c, d)], given


def attempt(seed):
    """Call one function. Return "answered" or "refused"; raise what must not happen."""
    c = Choices(seed)
    name = c.one(NAMES)
    given, keywords = arguments(c, name)
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in given]
    try:
        with np.errstate(all="ignore"):
            ours = getattr(cpool, name)(*given, **keywords)
    except (ValueError, TypeError):
        return "refused"
    finally:
        for a, b in zip(given, before, strict=True):
            if isinstance(a, np.ndarray):
                assert a.tobytes() == b.tobytes(), f"{name} changed an input"
    slow = getattr(reference, name, None)
    if slow is None:
        return "answered"
    if name.startswith(("avg", "adaptive_avg")) and "backward" not in name:
        given[0] = np.asarray(given[0]).astype(np.float64)
    with np.errstate(all="ignore"):
        expected = slow(*given, **keywords)
    kind = np.asarray(given[0]).dtype.newbyteorder("=")
    for y, e in zip(*((v if isinstance(v, tuple) else (v,)) for v in (ours, expected)), strict=True):
        loose = {2: 3e-3, 4: 1e-5}.get(np.asarray(y).dtype.itemsize if kind.kind == "f" else 8, 1e-10)
        np.testing.assert_allclose(
            np.asarray(y, np.float64), np.asarray(e, np.float64), rtol=loose, atol=loose, err_msg=f"{name} {keywords}"
        )
    return "answered"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**40)
    options = parser.parse_args()
    end, count, seed = time.monotonic() + 60 * options.minutes, collections.Counter(), options.seed
    while time.monotonic() < end:
        try:
            count[attempt(seed)] += 1
        except BaseException:
            print(f"seed {seed}, after {dict(count)}")
            raise
        seed += 1
    print(f"seeds {options.seed} to {seed - 1}: {dict(count)}")


if __name__ == "__main__":
    main()
