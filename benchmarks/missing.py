"""What it costs to pass elements over: `nan_policy="omit"` and `where=` beside the same call in which all count.

One thread. NaN and masks are scattered, or outside of a disc, as microscopes and telescopes have it.
"""

import time
from functools import partial

import numpy as np

import cpool

SHAPES = [(1024, 1024), (4096, 4096), (32, 64, 56, 56)]
CALLS = {
    "max 2x2": lambda x, **more: cpool.max_pool2d(x, 2, **more),
    "max 3x3 s2": lambda x, **more: cpool.max_pool2d(x, 3, 2, 1, **more),
    "avg 2x2": lambda x, **more: cpool.avg_pool2d(x, 2, **more),
    "avg 3x3 s1": lambda x, **more: cpool.avg_pool2d(x, 3, 1, 1, **more),
    "var 3x3 s2": lambda x, **more: cpool.var_pool2d(x, 3, 2, 1, **more),
    "median 3x3 s1": lambda x, **more: cpool.median_pool2d(x, 3, 1, 1, **more),
    "median 3x3 s2": lambda x, **more: cpool.median_pool2d(x, 3, 2, 1, **more),
}


def disc(shape):
    """Return a mask of the largest disc in each plane."""
    y, x = (np.linspace(-1, 1, n) for n in shape[-2:])
    return np.broadcast_to(y[:, None] ** 2 + x**2 < 1, shape).copy()


def main(rounds=9):
    cpool.set_num_threads(1)
    rng = np.random.default_rng(0)
    print("| time / plain call | float32 | NaN omitted, none there | 5% NaN | 10% masked | outside a disc |")
    print("|---|---|---:|---:|---:|---:|")
    for shape in SHAPES:
        x = rng.standard_normal(shape).astype(np.float32)
        holed = np.where(rng.random(shape) < 0.05, np.float32(np.nan), x)
        kept, inside = rng.random(shape) >= 0.1, disc(shape)
        for name, call in CALLS.items():
            ways = [
                partial(call, x),
                partial(call, x, nan_policy="omit"),
                partial(call, holed, nan_policy="omit"),
                partial(call, x, where=kept),
                partial(call, x, where=inside),
            ]
            times = [[] for _ in ways]
            for _ in range(rounds):
                for way, taken in zip(ways, times, strict=True):
                    way()  # what it reads has been read last, as in the plain call
                    start = time.perf_counter()
                    way()
                    taken.append(time.perf_counter() - start)
            plain, *others = (np.median(taken) for taken in times)
            print(f"| {name} | {'x'.join(map(str, shape))} |", " | ".join(f"{t / plain:.2f}" for t in others), "|")


if __name__ == "__main__":
    main()
