"""The floor: a program in C that reads an array once and writes another once, the faster of two ways to write."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SOURCE = Path(__file__).with_suffix(".c")
#: Bytes that are read, then written, before the next ones.
PART = 1 << 16


@cache
def library() -> ctypes.CDLL:
    """Return the compiled program; compiled once, for this processor."""
    flags = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    name = hashlib.sha256(SOURCE.read_bytes() + " ".join(flags).encode()).hexdigest()[:16]
    built = Path(tempfile.gettempdir()) / f"cpool-floor-{name}.so"
    if not built.exists():
        fresh = built.with_suffix(f".{os.getpid()}")
        subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", fresh, SOURCE], check=True)
        fresh.rename(built)
    return ctypes.CDLL(str(built))


def floor(read: list[np.ndarray[Any, Any]], shapes: list[tuple[Any, ...]], threads: int) -> Callable[[], Any]:
    """Return a function that reads arrays and makes arrays of (shape, dtype), in the way that proved faster."""
    work = library().read_and_write
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    work.argtypes, work.restype = [pointer, size, pointer, size, ctypes.c_int, ctypes.c_int, size], ctypes.c_uint64
    sources = [(array.ctypes.data, array.nbytes) for array in read]

    def run(past: int) -> Any:
        made = [np.empty(*shape) for shape in shapes]
        for i in range(max(len(sources), len(made))):
            source = sources[i] if i < len(sources) else (0, 0)
            target = (made[i].ctypes.data, made[i].nbytes) if i < len(made) else (0, 0)
            work(*source, *target, threads, past, PART)
        return read, made

    def least(past: int) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            run(past)
            times.append(time.perf_counter() - start)
        return min(times)

    faster = min((0, 1), key=least)
    return lambda: run(faster)
