"""Where a little more work takes much longer: each sweep makes one number larger by a quarter at a time, and tells when
the time jumps from one to the next; then how much longer arrays in any order of axes take than in C order.

    python benchmarks/cliffs.py [--only NAME] [--most 2.0]

One thread, least of several times; a jump is measured again before it counts. Nothing is compared with others here.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from run import machine

import cpool

Function = Callable[[], Any]
POOL: dict[str, Callable[..., Any]] = {
    "max": cpool.max_pool2d,
    "avg": cpool.avg_pool2d,
    "var": cpool.var_pool2d,
    "indices": lambda x, *windows, **more: cpool.max_pool2d(x, *windows, return_indices=True, **more),
    "omit": lambda x, *windows, **more: cpool.avg_pool2d(x, *windows, nan_policy="omit", **more),
    "median": cpool.median_pool2d,
}
LONG = ("max", "avg", "var", "indices", "omit")


def lengths(first: int, last: int) -> Iterator[int]:
    """Yield lengths that grow by a quarter."""
    while first <= last:
        yield first
        first += max(1, first // 4)


def sweeps() -> Iterator[tuple[str, list[tuple[int, Function]]]]:
    """Yield the name of each sweep and what it times, by the number that changes."""
    rng = np.random.default_rng(0)

    def floats(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32)

    def sweep(op: str, x: Any, windows: Callable[[int], tuple[Any, ...]], numbers: Iterator[int], **more: Any) -> Any:
        return [(n, partial(POOL[op], x, *windows(n), **more)) for n in numbers]

    row, tall, square = floats(1, 40000), floats(4000, 64), floats(500, 500)
    for op in LONG:
        yield f"{op}, one row of 40000, windows of n", sweep(op, row, lambda n: ((1, n), 1), lengths(2, 30000))
        yield f"{op}, 4000x64, windows of n rows", sweep(op, tall, lambda n: ((n, 1), 1), lengths(2, 3000))
        yield f"{op}, 500x500, windows of nxn", sweep(op, square, lambda n: (n, 1), lengths(2, 400))
        for channels in (16, 100, 509, 1024):
            x = floats(1, 800, channels)
            given: dict[str, Any] = dict(windows=lambda n: ((1, n), 1), numbers=lengths(2, 600), axis=(0, 1))
            yield f"{op}, 800 pixels of {channels} channels, windows of n", sweep(op, x, **given)
    for op in LONG:
        yield (
            f"{op}, one row of 40000, windows of 1000 that move by n",
            sweep(op, row, lambda n: ((1, 1000), (1, n)), lengths(1, 1500)),
        )
        yield f"{op}, 500x500, windows of 60x60 that move by n", sweep(op, square, lambda n: (60, n), lengths(1, 90))
        for channels in (2, 3, 16):
            x = floats(1, 40000, channels)
            given = dict(windows=lambda n: ((1, n),), numbers=lengths(2, 15000), axis=(0, 1))
            yield f"{op}, 40000 pixels of {channels} channels, windows of n side by side", sweep(op, x, **given)
    yield "median, one row of 40000, windows of n", sweep("median", row, lambda n: ((1, n), 1), lengths(2, 6000))
    yield "median, 500x500, windows of nxn", sweep("median", square, lambda n: (n, 1), lengths(2, 60))
    for op, dtype in itertools.product(("max", "avg", "indices", "median"), ("uint8", "float32")):
        for stride, padding in ((1, 0), (1, 1), (2, 1)):
            for high in (7, 60):
                planes = [(n, rng.integers(0, 99, (500, high, n)).astype(dtype)) for n in lengths(3, 80)]
                timed: list[tuple[int, Function]] = [(n, partial(POOL[op], x, 3, stride, padding)) for n, x in planes]
                yield f"{op} of {dtype}, 500 planes of {high}xn, 3x3, stride {stride}, padding {padding}", timed


def orders() -> Iterator[tuple[str, list[Function]]]:
    """Yield what is timed in each order of three axes, C order first."""
    rng = np.random.default_rng(0)
    for op, dtype, windows in itertools.product(POOL, ("uint8", "float32"), ((3, 1, 1), (2, 2, 0))):
        x = rng.integers(0, 99, (100, 110, 120)).astype(dtype)
        turned = [
            np.ascontiguousarray(x.transpose(o)).transpose(np.argsort(o)) for o in itertools.permutations(range(3))
        ]
        name = f"{op} of {dtype}, {windows[0]}x{windows[0]}, stride {windows[1]}"
        yield name, [partial(POOL[op], x, *windows) for x in turned]


def taken(call: Function) -> float:
    """Return the least of some times."""
    call()
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.01 and len(times) < 100):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
        if times[-1] > 1:
            break
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", default="", help="sweeps whose names hold this")
    parser.add_argument("--most", type=float, default=2.0, help="the least ratio that is told")
    options = parser.parse_args()
    cpool.set_num_threads(1)
    print(machine())
    told = count = 0
    print("| sweep | jump | from n | to n | ms | ms |\n|---|---:|---:|---:|---:|---:|")
    for name, points in sweeps():
        if options.only not in name:
            continue
        times = [taken(call) for _, call in points]
        for i, (one, other) in enumerate(itertools.pairwise(times)):
            count += 1
            if other / one >= options.most:
                one, other = min(one, taken(points[i][1])), min(other, taken(points[i + 1][1]))
            if other / one >= options.most:
                told += 1
                print(f"| {name} | {other / one:.1f} | {points[i][0]} | {points[i + 1][0]} |", end="")
                print(f" {one * 1e3:.3f} | {other * 1e3:.3f} |", flush=True)
    print(f"\n{told} of {count} steps took {options.most} times as long as the one before, or longer.\n")
    print("| order of axes | worst / C order |\n|---|---:|")
    for name, calls in orders():
        if options.only in name:
            first, *others = (taken(call) for call in calls)
            print(f"| {name} | {max(others) / first:.1f} |", flush=True)


if __name__ == "__main__":
    main()
