"""The short benchmark behind ``cpool bench``; the whole one, against every peer, lies beside the sources."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import cpool

Shape = tuple[int, ...]
#: What, on which shape, with which kernel, stride and padding.
CASES: list[tuple[str, Shape, tuple[int, int, int]]] = [
    ("max", (1, 64, 112, 112), (3, 2, 1)),
    ("max with indices", (1, 64, 112, 112), (3, 2, 1)),
    ("average", (1, 64, 112, 112), (3, 2, 1)),
    ("max", (1, 64, 224, 224), (2, 2, 0)),
    ("average", (1, 64, 224, 224), (2, 2, 0)),
    ("max", (1, 3, 512, 512), (15, 1, 7)),
]


def peers() -> list[str]:
    """Return who can be measured here."""
    return ["NumPy"] + (["torch"] if importlib.util.find_spec("torch") else [])


def _ours(operation: str, x: Any, window: tuple[int, int, int]) -> Callable[[], Any]:
    if operation == "average":
        return lambda: cpool.avg_pool2d(x, *window)
    return lambda: cpool.max_pool2d(x, *window, return_indices=operation == "max with indices")


def _numpy(operation: str, x: Any, window: tuple[int, int, int]) -> Callable[[], Any]:
    """Windows as a view of the padded array, reduced."""
    k, s, p = window

    def run() -> Any:
        padded = np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)], constant_values=0 if operation == "average" else -np.inf)
        view = np.lib.stride_tricks.sliding_window_view(padded, (k, k), (2, 3))[:, :, ::s, ::s]
        if operation == "max with indices":
            return view.max((4, 5)), view.reshape(*view.shape[:4], k * k).argmax(-1)
        return view.mean((4, 5)) if operation == "average" else view.max((4, 5))

    return run


def _torch(operation: str, x: Any, window: tuple[int, int, int]) -> Callable[[], Any]:
    import torch

    functional, t = torch.nn.functional, torch.from_numpy(x)
    torch.set_num_threads(cpool.get_num_threads())
    if operation == "average":
        return lambda: functional.avg_pool2d(t, *window)
    return lambda: functional.max_pool2d(t, *window, return_indices=operation == "max with indices")


def measured(rounds: int) -> Iterator[tuple[str, Shape, list[float]]]:
    """Yield operation, shape, and each peer's median time as a multiple of cpool's."""
    makers = {"NumPy": _numpy, "torch": _torch}
    for operation, shape, window in CASES:
        x = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
        functions = [_ours(operation, x, window), *(makers[name](operation, x, window) for name in peers())]
        times: list[list[float]] = [[] for _ in functions]
        for _ in range(rounds):
            for function, into in zip(functions, times, strict=True):
                time.sleep(0.02)  # until the threads of the one before no longer wait by spinning
                function()
                start = time.perf_counter()
                function()
                into.append(time.perf_counter() - start)
        ours, *others = map(statistics.median, times)
        yield operation, shape, [other / ours for other in others]
