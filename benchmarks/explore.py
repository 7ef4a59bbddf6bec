"""Random shapes and windows, both memory layouts: cpool and torch on the same bytes. Where is cpool slower, and why?

    python benchmarks/explore.py [--cases 1000] [--seconds 900] [--seed 0] [--threads 2] [--only WORD …] [--json FILE]
    python benchmarks/explore.py --others ...    # norms, unpooling, fractional and adaptive pooling with indices
    python benchmarks/explore.py --dtypes ...    # the first operations, of floats of two bytes, integers and float64
    python benchmarks/explore.py --case "operation=max layout=NCHW dtype=float32 shape=8x64x56x56 kernel=3x3 …"

Both libraries live in one process and pool one array in turns, a pair of samples in each round, each the first in every
other round; a figure is the median of the pairs' ratios. A case counts as lost (above 1.1) if a second, longer
measurement says so too. The values are compared before the clock starts: if they differ, the exit code is 1.
`report.py` makes the README's first table of what is written by
``--cases 1000 --seed 2026 --threads 2 --json benchmarks/explored.json``, and one in benchmarks/README.md of what
``--others --cases 600 …`` and ``--dtypes --cases 600 …`` write to benchmarks/others.json and benchmarks/dtypes.json.

Layouts: NCHW; channels_last, the memory of torch's format, which cpool sees as a strided NCHW view; NHWC, the same
memory, pooled with ``axis=``. A case depends on its seed and number alone, and is printed as ``--case`` takes it.
"""

from __future__ import annotations

import argparse
import collections
import functools
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from ml_dtypes import bfloat16
from peers import enough, sample
from run import machine

import cpool

Sizes = tuple[int, ...]

#: Operations, and how often each is drawn.
OPERATIONS = {
    "max": 4, "max_indices": 3, "max_backward": 3, "avg": 4, "avg_backward": 3,
    "adaptive_max": 2, "adaptive_avg": 3, "adaptive_avg_backward": 2,
}  # fmt: skip
#: The same of other families, with ``--others``. Behind "lp" stands the norm.
OTHERS = {
    "lp1": 1, "lp2": 2, "lp3": 2, "lp2.5": 1, "lp2_backward": 2, "lp3_backward": 1, "unpool": 3, "unpool_backward": 2,
    "fractional": 2, "fractional_indices": 1, "adaptive_max_indices": 3, "adaptive_max_backward": 2,
}  # fmt: skip
LAYOUTS = {"NCHW": 9, "channels_last": 8, "NHWC": 3}
DTYPES = {"float32": 16, "float64": 3, "uint8": 1}
#: The same with ``--dtypes``, where torch has the operation.
OTHER_DTYPES = {
    "float16": 4, "bfloat16": 5, "float64": 3, "int8": 1, "uint8": 2, "int16": 1, "int32": 2, "int64": 3,
}  # fmt: skip
#: Sizes that networks and pictures have, and how many elements an input has at least and at most.
SIZES = (7, 8, 13, 14, 16, 17, 28, 32, 33, 35, 55, 56, 64, 112, 128, 224, 256, 299, 512)
CHANNELS = (1, 2, 3, 4, 16, 32, 64, 96, 128, 192, 256, 512, 768, 1024, 2048)
ELEMENTS = (2**10, 2**22)
#: Most elements that all windows of a case have together, for torch looks at each of them.
MOST_WORK = 1e7
#: Microseconds beyond which a case counts; what both do in less is mostly the price of a call.
LONG_ENOUGH = 20
#: Ratio above which a case is measured again, and lost if it stays there.
LOST = 1.1


class Case(NamedTuple):
    """One call. Adaptive pooling has its output sizes in place of a kernel, fractional in place of a stride."""

    operation: str
    layout: str
    dtype: str
    shape: Sizes
    kernel: Sizes
    stride: Sizes = ()
    padding: Sizes = ()
    dilation: Sizes = ()
    ceil: bool = False
    count_padding: bool = True

    @property
    def norm(self) -> float | None:
        """The norm of lp pooling."""
        return float(self.operation.partition("_")[0][2:]) if self.operation.startswith("lp") else None

    @property
    def adaptive(self) -> bool:
        """Whether the kernel is an output size."""
        return self.operation.startswith("adaptive")

    def __str__(self) -> str:
        words = {}
        for name, value in self._asdict().items():
            if isinstance(value, tuple):
                value = "x".join(map(str, value))
            if value != "" and value != self._field_defaults.get(name):
                words[name] = value
        return " ".join(f"{name}={int(value) if value in (True, False) else value}" for name, value in words.items())

    @classmethod
    def parse(cls, text: str) -> Case:
        """Read what `str` wrote."""
        given: dict[str, Any] = dict(word.split("=") for word in text.split())
        for name in ("shape", "kernel", "stride", "padding", "dilation"):
            given[name] = tuple(map(int, given[name].split("x"))) if name in given else ()
        for name in ("ceil", "count_padding"):
            if name in given:
                given[name] = bool(int(given[name]))
        return cls(**given)


# ------------------------------------------------------------------------------------------------ cases


def starts(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> range:
    """Return where the windows of an axis begin, as torch places them: none starts in the padding behind the input."""
    span = dilation * (kernel - 1) + 1
    room = n + 2 * padding - span
    out = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (out - 1) * stride >= n + padding:
        out -= 1
    return range(-padding, -padding + max(out, 0) * stride, stride)


def outputs(case: Case) -> Sizes | None:
    """Return the output's sizes, or None if torch refuses the case or a window sees nothing but padding.

    torch writes beside its arrays if a window of a maximum sees nothing.
    """
    if case.adaptive:
        return case.kernel
    if case.operation.startswith("fractional"):
        return case.stride
    sizes = []
    for n, k, s, p, d in zip(case.shape[2:], case.kernel, case.stride, case.padding, case.dilation, strict=True):
        windows = starts(n, k, s, p, d, case.ceil)
        if p > k // 2 or not windows:
            return None
        if any(all(not 0 <= w + i * d < n for i in range(k)) for w in windows):
            return None
        sizes.append(len(windows))
    return tuple(sizes)


def work(case: Case, out: Sizes) -> int:
    """Return how many elements the windows have together."""
    planes = math.prod(case.shape[:2])
    if case.adaptive:
        return planes * math.prod(max(n, m) for n, m in zip(case.shape[2:], out, strict=True))
    return planes * math.prod(out) * math.prod(case.kernel)


class Draws(random.Random):
    """Random choices."""

    def one(self, weights: dict[Any, int]) -> Any:
        """Draw a key by its weight."""
        return self.choices(list(weights), list(weights.values()))[0]

    def length(self, low: int, high: int) -> int:
        """Draw a length, short ones as often as long ones."""
        return round(math.exp(self.uniform(math.log(low), math.log(high))))

    def each(self, n: int, draw: Callable[[int], int]) -> Sizes:
        """Draw one number for each axis, often the same one."""
        if self.random() < 0.7:
            return (draw(0),) * n
        return tuple(draw(i) for i in range(n))

    def shape(self, d: int, layout: str) -> Sizes:
        """Draw N, C and the sizes of the pooled axes."""
        most = {1: 20000, 2: 512, 3: 64}[d]
        sizes = self.each(d, lambda _: self.choice(SIZES) if self.random() < 0.4 else self.length(1, most))
        # In memory, channels are last only if there are some, and something before them.
        channels = self.choice(CHANNELS) if self.random() < 0.7 else self.length(1, 300)
        if layout != "NCHW":
            channels = max(channels, 2)
        wanted = self.length(*ELEMENTS)
        return (min(64, max(1, wanted // (channels * math.prod(sizes)))), channels, *sizes)

    def kernel(self, sizes: Sizes) -> Sizes:
        """Draw a window, the whole plane now and then."""
        if self.random() < 0.07:
            return sizes
        drawn = self.each(
            len(sizes), lambda _: self.one({1: 1, 2: 10, 3: 12, 4: 2, 5: 3, 7: 2, 0: 4}) or self.length(2, 40)
        )
        return tuple(map(min, drawn, sizes))

    def windows(self, operation: str, sizes: Sizes) -> dict[str, Any]:
        """Draw everything about the windows."""
        d = len(sizes)
        if operation.startswith("adaptive"):
            kind = self.one({"one": 2, "few": 6, "any": 2, "more": 1})
            if kind == "one":
                return dict(kernel=(1,) * d)
            draw = {
                "few": lambda i: self.randint(1, min(sizes[i], 14)),
                "any": lambda i: self.randint(1, sizes[i]),
                "more": lambda i: sizes[i] + self.randint(0, 3),
            }[kind]
            return dict(kernel=tuple(min(draw(i), 2 * sizes[i]) for i in range(d)))
        k = self.kernel(sizes)
        if operation.startswith("fractional"):
            part = self.uniform(0.2, 1)
            return dict(kernel=k, stride=tuple(max(1, int(part * (n - m + 1))) for n, m in zip(sizes, k, strict=True)))
        if operation.startswith(("lp", "unpool")):
            steps = {k: 8, (1,) * d: 2, (2,) * d: 4, self.each(d, lambda i: self.randint(1, k[i] + 2)): 2}
            return dict(kernel=k, stride=self.one(steps), padding=(0,) * d, dilation=(1,) * d)
        return dict(
            kernel=k,
            stride=self.one({k: 8, (1,) * d: 5, (2,) * d: 4, self.each(d, lambda i: self.randint(1, k[i] + 2)): 3}),
            padding=self.one({(0,) * d: 9, tuple(n // 2 for n in k): 7, tuple(self.randint(0, n // 2) for n in k): 4}),
            dilation=self.each(d, lambda _: self.randint(2, 3))
            if operation.startswith("max") and self.random() < 0.1
            else (1,) * d,
            ceil=self.random() < 0.15,
            count_padding=not operation.startswith("avg") or self.random() < 0.6,
        )


def drawn(seed: int, operations: dict[str, int], dtypes: dict[str, int]) -> Iterator[Case]:
    """Draw cases that torch may accept and that take no more than a moment."""
    number = 0
    while True:
        draws = Draws(f"{seed}/{number}")
        number += 1
        operation, layout = draws.one(operations), draws.one(LAYOUTS)
        d = draws.one({2: 14, 3: 4, 1: 2})
        if operation.startswith(("unpool", "fractional")):  # of the last axes alone; fractional of two or three
            layout, d = layout.replace("NHWC", "channels_last"), d + (d == 1 and operation != "unpool")
        if d == 1:
            layout = "NCHW"  # torch has no other format of rows
        if dtypes is OTHER_DTYPES or (
            "max" in operation and "backward" not in operation and "adaptive_max_i" not in operation
        ):
            dtype = draws.one(dtypes)
        else:
            dtype = draws.one({"float32": 6, "float64": 1})
        shape = draws.shape(d, layout)
        case = Case(operation, layout, dtype, shape, **draws.windows(operation, shape[2:]))
        out = outputs(case)
        if out is None or math.prod(shape) > 2 * ELEMENTS[1] or work(case, out) > MOST_WORK:
            continue
        if layout != "NCHW" and math.prod(shape[2:]) == 1:
            continue
        if "backward" in operation and "int" in dtype:  # integers have no gradients
            continue
        yield case


# ------------------------------------------------------------------------------------------------ calls


def numbers(case: Case, sizes: Sizes, dtype: str) -> Any:
    """Make an NCHW array of these sizes in the memory of the case's layout."""
    n, channels, *pooled = sizes
    rng = np.random.default_rng(0)
    memory = (n, channels, *pooled) if case.layout == "NCHW" else (n, *pooled, channels)
    if "int" in dtype:
        info = np.iinfo(dtype)
        x = rng.integers(max(info.min, -(2**20)), min(info.max, 2**20), memory, dtype, endpoint=True)
    else:
        x = rng.random(memory, "float64" if dtype == "float64" else "float32") - 0.5
        x = x.astype(bfloat16 if dtype == "bfloat16" else dtype, copy=False)
    return x if case.layout == "NCHW" else np.moveaxis(x, -1, 1)


def tensor(x: Any) -> Any:
    """Return a tensor of the same memory, which for bfloat16 has to be said."""
    if x.dtype != bfloat16:
        return torch.from_numpy(x)
    return torch.from_numpy(x.view("int16")).view(torch.bfloat16)


def cpool_call(case: Case, x: Any, grad: Any) -> functools.partial[Any]:
    """Return cpool's call."""
    d, by_axis = x.ndim - 2, {}
    if case.layout == "NHWC":
        x, grad = np.moveaxis(x, 1, -1), np.moveaxis(grad, 1, -1)
        by_axis = dict(axis=tuple(range(1, d + 1)))
    name, _, what = case.operation.removeprefix("adaptive_").partition("_")
    if case.norm is not None:
        return cpool_norm(case, x, grad, by_axis)
    if name in ("unpool", "fractional"):
        return cpool_along(case, x, what)
    pool = getattr(cpool, f"{'adaptive_' * case.adaptive}{name}_pool{d}d")
    adaptive = "adaptive_" * (case.adaptive and name == "avg")
    backward = getattr(cpool, f"{adaptive}{name}_pool{d}d_backward")
    if case.adaptive:
        if what == "backward":
            indices = (pool(x, case.kernel, True, **by_axis)[1],) if name == "max" else ()
            return functools.partial(backward, grad, *indices, x.shape, **by_axis)
        return functools.partial(pool, x, case.kernel, *(True,) * (what == "indices"), **by_axis)
    windows = (case.kernel, case.stride, case.padding)
    if name == "max":
        windows += (case.dilation, case.ceil)
        if what == "backward":
            indices = pool(x, *windows, return_indices=True, **by_axis)[1]
            return functools.partial(backward, grad, indices, x.shape, **by_axis)
        return functools.partial(pool, x, *windows, what == "indices", **by_axis)
    windows += (case.ceil, case.count_padding)
    if what == "backward":
        return functools.partial(backward, grad, x.shape, *windows, **by_axis)
    return functools.partial(pool, x, *windows, **by_axis)


def cpool_norm(case: Case, x: Any, grad: Any, by_axis: dict[str, Any]) -> functools.partial[Any]:
    """Return cpool's call of norms."""
    d, windows = x.ndim - 2, (case.norm, case.kernel, case.stride)
    pool = functools.partial(getattr(cpool, f"lp_pool{d}d"), x, *windows, **by_axis)
    if not case.operation.endswith("backward"):
        return pool
    return functools.partial(getattr(cpool, f"lp_pool{d}d_backward"), grad, x, pool(), *windows, **by_axis)


def cpool_along(case: Case, x: Any, what: str) -> functools.partial[Any]:
    """Return cpool's call of unpooling or of fractional pooling."""
    d = x.ndim - 2
    if case.operation.startswith("fractional"):
        pool = getattr(cpool, f"fractional_max_pool{d}d")
        return functools.partial(pool, x, case.kernel, case.stride, None, what == "indices", random_samples=samples(x))
    y, indices = getattr(cpool, f"max_pool{d}d")(x, case.kernel, case.stride, return_indices=True)
    if what == "backward":
        return functools.partial(getattr(cpool, f"max_unpool{d}d_backward"), x, indices)
    return functools.partial(getattr(cpool, f"max_unpool{d}d"), y, indices, case.kernel, case.stride, 0, x.shape)


def samples(x: Any) -> Any:
    """Return what fractional windows are drawn from."""
    return np.random.default_rng(1).random((*x.shape[:2], x.ndim - 2), np.float32).astype(x.dtype)


def torch_other(case: Case, x: Any, grad: Any) -> functools.partial[Any]:
    """Return torch's call of other families."""
    d, functional = x.ndim - 2, torch.nn.functional
    name, _, what = case.operation.removeprefix("adaptive_").partition("_")
    if name == "fractional":
        pool = getattr(functional, f"fractional_max_pool{d}d")
        numbers = torch.from_numpy(samples(x.numpy()))
        return functools.partial(
            pool, x, case.kernel, case.stride, None, return_indices=what == "indices", _random_samples=numbers
        )
    if name == "unpool":
        pool, unpool = getattr(functional, f"max_pool{d}d"), getattr(functional, f"max_unpool{d}d")
        y, indices = pool(x, case.kernel, case.stride, return_indices=True)
        if what == "backward":
            flat, at = x.flatten(2), indices.flatten(2)
            return functools.partial(lambda: flat.gather(2, at).reshape(indices.shape))
        return functools.partial(unpool, y, indices, case.kernel, case.stride, 0, list(x.shape))
    if case.adaptive:
        pool = functools.partial(getattr(functional, f"adaptive_max_pool{d}d"), x, case.kernel, what == "indices")
    else:
        windows = (case.kernel, case.stride) if d > 1 else (case.kernel[0], case.stride[0])
        pool = functools.partial(getattr(functional, f"lp_pool{d}d"), x, case.norm, *windows)
    if what != "backward":
        return pool
    with torch.enable_grad():
        x.requires_grad_()
        y = pool()
    return functools.partial(lambda: torch.autograd.grad(y, x, grad, retain_graph=True)[0])


def torch_call(case: Case, x: Any, grad: Any) -> functools.partial[Any]:
    """Return torch's call on the same memory; gradients by the operators that autograd calls."""
    d = x.ndim - 2
    functional, aten = torch.nn.functional, torch.ops.aten
    x, grad = tensor(x), tensor(grad)
    name, _, what = case.operation.removeprefix("adaptive_").partition("_")
    if case.operation in OTHERS:
        return torch_other(case, x, grad)
    if what != "backward":
        pool = getattr(functional, f"{'adaptive_' * case.adaptive}{name}_pool{d}d")
        if case.adaptive:
            return functools.partial(pool, x, case.kernel)
        windows = (case.kernel, case.stride, case.padding)
        if name == "max":
            return functools.partial(pool, x, *windows, case.dilation, case.ceil, what == "indices")
        return functools.partial(pool, x, *windows, case.ceil, case.count_padding)
    if d == 1:  # torch pools rows as pictures one pixel high
        x, grad = x.unsqueeze(-2), grad.unsqueeze(-2)
        case = case._replace(
            kernel=(1, *case.kernel), stride=(1, *case.stride), padding=(0, *case.padding), dilation=(1, *case.dilation)
        )
        d = 2
    windows = (case.kernel, case.stride, case.padding)
    if case.adaptive:
        return functools.partial(getattr(aten, f"_adaptive_avg_pool{d}d_backward"), grad, x)
    if name == "avg":
        backward = getattr(aten, f"avg_pool{d}d_backward")
        return functools.partial(backward, grad, x, *windows, case.ceil, case.count_padding, None)
    windows += (case.dilation, case.ceil)
    indices = getattr(aten, f"max_pool{d}d_with_indices")(x, *windows)[1]
    return functools.partial(getattr(aten, f"max_pool{d}d_with_indices_backward"), grad, x, *windows, indices)


def differ(case: Case, ours: Any, theirs: Any) -> bool:
    """Whether the results are not the same, but for the rounding of sums."""
    if isinstance(ours, tuple):
        return any(differ(case, a, b) for a, b in zip(ours, theirs, strict=True))
    theirs = theirs.view(torch.int16).numpy().view(bfloat16) if theirs.dtype == torch.bfloat16 else theirs.numpy()
    if case.layout == "NHWC":
        ours = np.moveaxis(ours, -1, 1)
    theirs = theirs.reshape(ours.shape)
    if "avg" in case.operation or "backward" in case.operation or case.norm is not None:
        if case.dtype == "int64":  # which torch divides as integers
            return bool((np.abs(ours - theirs) > 1).any())
        rtol, atol = {"float64": (1e-3, 1e-10), "float32": (1e-3, 1e-4)}.get(case.dtype, (0.02, 0.02))
        if case.operation == "max_backward" and atol == 0.02:  # which torch sums in two bytes
            atol *= math.prod(case.kernel)
        return not np.allclose(ours.astype("f8"), theirs.astype("f8"), rtol, atol)
    return not np.array_equal(ours, theirs)


# ------------------------------------------------------------------------------------------------ measurement


def paired(functions: list[Callable[[], Any]], rounds: int) -> tuple[float, float, float]:
    """Return the median of the ratios of the first to the second, and the median of each in microseconds."""
    calls = [enough(f) for f in functions]
    times: tuple[list[float], list[float]] = [], []
    for i in range(rounds):
        for which in ((0, 1), (1, 0))[i % 2]:
            times[which].append(1e6 * sample(functions[which], calls[which]))
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    return ratio, statistics.median(times[0]), statistics.median(times[1])


class Result(NamedTuple):
    """What was measured: the ratio of times, and microseconds."""

    case: Case
    ratio: float
    cpool: float
    torch: float
    strategies: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether the call takes long enough to tell of the kernels."""
        return max(self.cpool, self.torch) > LONG_ENOUGH

    def __str__(self) -> str:
        strategies = f"  [{', '.join(self.strategies)}]" if self.strategies else ""
        return f"{self.ratio:7.2f} {self.cpool:10.1f} {self.torch:10.1f}  {self.case}{strategies}"


def measure(case: Case, rounds: int) -> Result | None:
    """Compare values, then times; None if torch has no such call."""
    out = outputs(case)
    if out is None:
        raise ValueError(f"torch refuses this case, or a window of it sees only padding: {case}")
    x, grad = numbers(case, case.shape, case.dtype), numbers(case, (*case.shape[:2], *out), case.dtype)
    if case.norm is not None:  # of negative numbers some are NaN
        x = np.abs(x)
    try:
        theirs = torch_call(case, x, grad)
        expected = theirs()
    except RuntimeError:  # not for this dtype, or not for so many of it
        return None
    ours = cpool_call(case, x, grad)
    if differ(case, ours(), expected):
        raise AssertionError(f"not torch's values: {case}")
    del expected
    ratio, mine, other = paired([ours, theirs], rounds)
    if ratio > LOST:
        ratio, mine, other = paired([ours, theirs], 3 * rounds)
    explain = getattr(cpool, "explain", None)
    strategies = tuple(explain(ours.func, *ours.args, **ours.keywords).strategies) if explain else ()
    return Result(case, ratio, mine, other, strategies)


# ------------------------------------------------------------------------------------------------ report


def line(name: str, results: list[Result]) -> str:
    """Return one line of the table."""
    ratios = [r.ratio for r in results]
    lost = sum(ratio > LOST for ratio in ratios)
    return (
        f"| {name} | {len(ratios)} | {statistics.geometric_mean(ratios):.2f} | {max(ratios):.2f} "
        f"| {sum(r > 1 for r in ratios)} | {lost} ({100 * lost / len(ratios):.1f}%) |"
    )


def report(results: list[Result], worst: int) -> None:
    """Print geometric means by operation and layout, losses, and the worst cases."""
    counted = [r for r in results if r.counts]
    short = [r.ratio for r in results if not r.counts]
    print(f"\n{len(results)} cases, {len(counted)} of them beyond {LONG_ENOUGH} us. Ratios: time of cpool / torch.")
    if short:
        print(f"Shorter ones: geometric mean {statistics.geometric_mean(short):.2f}, worst {max(short):.2f}.")
    if not counted:
        return
    print(f"\n| operation, layout | cases | geometric mean | worst | above 1 | above {LOST} |")
    print("|---|---:|---:|---:|---:|---:|")
    groups: dict[str, list[Result]] = collections.defaultdict(list)
    for r in counted:
        groups[f"{r.case.operation}, {r.case.layout}"].append(r)
        groups[f"all, {r.case.layout}"].append(r)
        groups["all"].append(r)
    for name in sorted(groups, key=lambda name: (name.startswith("all"), name)):
        print(line(name, groups[name]))
    print("\nThe worst: ratio, microseconds of cpool and of torch, --case [strategies]")
    for r in sorted(counted, key=lambda r: -r.ratio)[:worst]:
        print(r)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000, help="how many to measure")
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop after so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9, help="pairs of samples; three times as many the second time")
    parser.add_argument("--only", nargs="*", default=[], help="draw only cases with these words: layout=NHWC …")
    parser.add_argument("--others", action="store_true", help="draw other families")
    parser.add_argument("--dtypes", action="store_true", help="draw other dtypes")
    parser.add_argument("--case", action="append", help="measure this case instead; may be given repeatedly")
    parser.add_argument("--worst", type=int, default=15, help="how many to print")
    parser.add_argument("--json", help="write all results to this file")
    options = parser.parse_args()
    cpool.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    about = f"{machine()}, {options.threads} thread{'s' * (options.threads > 1)}, torch {torch.__version__}"
    print(f"{about}; seed {options.seed}", flush=True)
    end = time.monotonic() + options.seconds
    results, wrong, absent = [], [], 0
    operations, dtypes = OTHERS if options.others else OPERATIONS, OTHER_DTYPES if options.dtypes else DTYPES
    for case in map(Case.parse, options.case) if options.case else drawn(options.seed, operations, dtypes):
        if not set(options.only) <= set(str(case).split()):
            continue
        try:
            result = measure(case, options.rounds)
        except AssertionError as error:
            wrong.append(str(error))
            print(error, flush=True)
            continue
        if result is None:
            absent += 1
            continue
        results.append(result)
        if result.ratio > LOST and result.counts:
            print(result, flush=True)
        if len(results) == options.cases or time.monotonic() > end:
            break
    report(results, options.worst)
    print(f"\nRefused by torch: {absent}. Values unlike torch's: {len(wrong)}.", *wrong, sep="\n")
    if options.json:
        arguments = f"--cases {len(results)} --seed {options.seed} --threads {options.threads}"
        arguments += " --others" * options.others + " --dtypes" * options.dtypes
        head = {"machine": about, "arguments": arguments, "long_enough": LONG_ENOUGH}
        found = [json.dumps({**r._asdict(), "case": str(r.case)}) for r in results]  # a line for each, to be compared
        with open(options.json, "w") as file:
            file.write(f'{json.dumps(head)[:-1]}, "results": [\n' + ",\n".join(found) + "\n]}\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
