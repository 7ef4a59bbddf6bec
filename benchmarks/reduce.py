"""cpool.reduce beside NumPy on the same views of a 4096x4096 float32 picture: medians of interleaved rounds."""

import argparse
import statistics
import time

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import cpool

SIDE = 4096
BLOCKS = ["max", "mean", "nanmax", "nanmean", "median", "nanmedian"]
WINDOW = 50


def cases():
    """Yield what is measured: words, the function's name, the view and its reduced axes."""
    x = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    holed = np.where(np.random.default_rng(1).random(x.shape, dtype=np.float32) < 0.01, np.float32(np.nan), x)
    for name in BLOCKS:
        picture = holed if name.startswith("nan") else x
        yield "blocks of 2x2", name, picture.reshape(SIDE // 2, 2, SIDE // 2, 2), (1, 3)
    line = x.reshape(-1)[: SIDE * SIDE // 8]
    for name in ("max", "mean", "median"):
        yield f"rolling, {WINDOW} of a series", name, sliding_window_view(line, WINDOW), -1
    yield f"rolling, {WINDOW} rows", "max", sliding_window_view(x[:512], WINDOW, axis=0), -1
    yield "sliding 5x5", "max", sliding_window_view(x[:1024, :1024], (5, 5)), (2, 3)
    yield "sliding 5x5", "median", sliding_window_view(x[:512, :512], (5, 5)), (2, 3)
    for name in ("max", "mean"):
        yield "rows", name, x, 1
        yield "planes of 8x8", name, x.reshape(-1, 8, 8), (1, 2)


def milliseconds(function, view, axis):
    start = time.perf_counter()
    function(view, axis=axis)
    return 1000 * (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=cpool.get_num_threads())
    arguments = parser.parse_args()
    cpool.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads, medians of {arguments.rounds} rounds\n")
    print("| view | reduction | NumPy, ms | cpool, ms | NumPy / cpool |\n|---|---|---:|---:|---:|")
    for words, name, view, axis in cases():
        functions = getattr(np, name), getattr(cpool.reduce, name)
        np.testing.assert_allclose(functions[1](view, axis=axis), functions[0](view, axis=axis), rtol=1e-4, atol=1e-5)
        times = [[milliseconds(f, view, axis) for f in functions] for _ in range(arguments.rounds)]
        numpy, ours = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"| {words} | {name} | {numpy:.1f} | {ours:.2f} | {numpy / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
