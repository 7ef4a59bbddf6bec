"""What more threads buy: times the time of one thread, for one large plane, many planes, tiny planes, both layouts.

    python benchmarks/scaling.py [--most 16] [--rounds 15]

The arrays are the same for all numbers of threads, the results fresh ones. The serial part is what Amdahl's law makes
of the last column: (threads / speed-up - 1) / (threads - 1). The first rows are the floor (`floor.c`): what the memory
and the caches of the machine have for more threads, and what a fresh result costs them, whatever is computed.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from floor import floor
from run import machine

import cpool

Function = Callable[[], Any]


def channels_last(x: Any) -> Any:
    """Return the same numbers with axis 1 innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def cases() -> dict[str, Function]:
    """Return what is timed."""
    rng = np.random.default_rng(0)

    def floats(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32)

    plane, many, tiny = floats(1, 1, 4096, 4096), floats(32, 64, 112, 112), floats(256, 512, 7, 7)
    last, small = channels_last(many), floats(8, 64, 28, 28)
    pooled, indices = cpool.max_pool2d(many, 3, 2, 1, return_indices=True)
    volume = floats(1, 1, 256, 256, 256)

    def floor_of(x: Any, *written: int) -> Function:
        """Return what reads x and writes so many floats, on as many threads as cpool has then."""
        prepared = functools.cache(lambda threads: floor([x], [(written, np.float32)], threads))
        return lambda: prepared(cpool.get_num_threads())()

    return {
        "floor: one plane read, one written": floor_of(plane, *plane.shape),
        "floor: many planes read, a quarter written": floor_of(many, *pooled.shape),
        "floor: a small call, a quarter written": floor_of(small, 8, 64, 14, 14),
        "one plane, max 5x5": lambda: cpool.max_pool2d(plane, 5, 1, 2),
        "one plane, average 2x2": lambda: cpool.avg_pool2d(plane, 2),
        "one volume, average 2x2x2": lambda: cpool.avg_pool3d(volume, 2),
        "many planes, max 3x3, stride 2": lambda: cpool.max_pool2d(many, 3, 2, 1),
        "... with indices": lambda: cpool.max_pool2d(many, 3, 2, 1, return_indices=True),
        "... gradient": lambda: cpool.max_pool2d_backward(pooled, indices, many.shape),
        "... channels-last": lambda: cpool.max_pool2d(last, 3, 2, 1),
        "tiny planes, global average 7x7": lambda: cpool.avg_pool2d(tiny, 7),
        "tiny planes, max 3x3, stride 1": lambda: cpool.max_pool2d(tiny, 3, 1, 1),
        "a small call, max 2x2": lambda: cpool.max_pool2d(small, 2),
        "one plane, median 3x3": lambda: cpool.median_pool2d(plane, 3, 1, 1),
    }


def seconds(function: Function, rounds: int) -> float:
    """Return the median time of a call."""
    times = []
    function()
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=len(os.sched_getaffinity(0)), help="threads, at most")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    threads = sorted({1, options.most} | {1 << i for i in range(options.most.bit_length()) if 1 << i < options.most})
    print(f"{machine()}, {os.cpu_count()} processors\n")
    print(f"| case | 1 thread, ms | {' | '.join(f'{n} threads' for n in threads[1:])} | serial part |")
    print("|---|---:|" + "---:|" * len(threads))
    for name, function in cases().items():
        times = []
        for n in threads:
            cpool.set_num_threads(n)
            times.append(seconds(function, options.rounds))
        gains = [times[0] / t for t in times[1:]]
        serial = (threads[-1] / gains[-1] - 1) / (threads[-1] - 1) if gains else 0
        print(f"| {name} | {times[0] * 1e3:.2f} | {' | '.join(f'{g:.2f}' for g in gains)} | {serial:.1%} |", flush=True)


if __name__ == "__main__":
    main()
