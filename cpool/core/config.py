"""What this build is and what it chose on this machine."""

from __future__ import annotations

from typing import Any

from .. import threads
from . import build_info, engine


def config() -> dict[str, Any]:
    """Return version, build and run-time choices by name."""
    return {
        "version": build_info.VERSION,
        "compiler": build_info.COMPILER,
        "flags": build_info.FLAGS,
        "openmp": "yes" if build_info.OPENMP else "NO: built without OpenMP, every call runs on one thread",
        "checks": "yes (debug build, slow)" if build_info.CHECKS else "no",
        "instruction sets built": ", ".join(build_info.LEVELS),
        "instruction set chosen": engine.LEVEL,
        "threads": threads.get_num_threads(),
    }


def show_config() -> None:
    """Print version, compiler, flags, OpenMP, the instruction sets built and the one chosen, and the thread limit.

    Examples
    --------
    >>> import cpool
    >>> cpool.show_config()  # doctest: +ELLIPSIS
    version: ...
    """
    for name, value in config().items():
        print(f"{name}: {value}")
