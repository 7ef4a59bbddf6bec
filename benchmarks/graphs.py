"""Graphs of cpool.dask beside those of dask's own coarsen and map_overlap: processor time and tasks."""

import argparse
import statistics
import time

import dask
import dask.array as da
import numpy as np

import cpool.dask

WAYS = {
    "2x2": {
        "cpool.dask": lambda x: cpool.dask.max_pool2d(x, 2),
        "coarsen": lambda x: da.coarsen(np.max, x, {0: 2, 1: 2}),
    },
    "3x3, stride 1": {
        "cpool.dask": lambda x: cpool.dask.max_pool2d(x, 3, 1, 1),
        "map_overlap": lambda x: da.map_overlap(np.asarray, x, depth=1, boundary="none", meta=x._meta),
    },
}


def measured(way, chunks_a_side):
    """Return milliseconds of the call, with tasks made, with dask's optimization instead; and both numbers of tasks."""
    x = da.zeros((chunks_a_side * 8,) * 2, chunks=8, dtype=np.float32)
    start = time.process_time()
    y = way(x)
    called = time.process_time()
    tasks = len(dict(y.__dask_graph__()))
    made = time.process_time()
    start_again = time.process_time()
    (optimized,) = dask.optimize(way(x))
    left = len(dict(optimized.__dask_graph__()))
    end = time.process_time()
    return [1000 * t for t in (called - start, made - start, end - start_again)] + [tasks, left]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", type=int, nargs="+", default=[32, 100, 317], help="chunks along each of two axes")
    arguments = parser.parse_args()
    print("| windows | chunks | who | call, ms | with its tasks, ms | optimized, ms | tasks | optimized |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    for side in arguments.sides:
        for windows, ways in WAYS.items():
            figures = {name: [] for name in ways}
            for _ in range(arguments.rounds):
                for name, way in ways.items():
                    figures[name].append(measured(way, side))
            for name, rounds in figures.items():
                row = " | ".join(f"{statistics.median(column):.0f}" for column in zip(*rounds, strict=True))
                print(f"| {windows} | {side**2} | {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
