"""How many threads a call uses: one policy, in one place.

The default is OpenMP's (``OMP_NUM_THREADS``), capped by the processors this process may use. Small work stays on the
calling thread, without entering OpenMP. So does everything in a forked child, until it sets another limit, and whatever
it sets if its parent has pooled on several threads: GNU's OpenMP runtime hangs in a child whose parent has used it.
Whether another library has used it there, cpool does not know (see `set_num_threads`).
"""

from __future__ import annotations

import os
from typing import Any

from .core import checks, driver

#: Elements visited (window taps included) below which the dispatch of a second thread costs more than it saves.
WORTH_A_THREAD = 32768

#: Most threads that may be asked for.
MOST = 1024

#: What there can be at most, for choices that are made once for all calls.
PROCESSORS = os.cpu_count() or 1

#: The limit, read at each call.
limit = driver.omp_threads()

#: Whether this is a forked child of a process whose own calls have entered OpenMP.
_serial = False


def get_num_threads() -> int:
    """Return the largest number of threads a call may use.

    Examples
    --------
    >>> import cpool
    >>> cpool.get_num_threads() >= 1
    True
    """
    return limit


def set_num_threads(n: Any) -> None:
    """Set the largest number of threads a call may use.

    Parameters
    ----------
    n : int
        At least 1. Results do not depend on it. In a forked child of a process that has pooled on several threads the
        limit stays 1. In one of a process where another library alone has used the same GNU OpenMP runtime (as torch
        does beside a cpool that was compiled on the machine), leave it at 1, as it begins: with more the child can
        hang, as torch's own calls do there. Children that are spawned have no such limit.

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer in [1, 1024].

    Examples
    --------
    >>> import cpool
    >>> before = cpool.get_num_threads()
    >>> cpool.set_num_threads(1)
    >>> cpool.get_num_threads()
    1
    >>> cpool.set_num_threads(before)
    """
    global limit
    n = checks.integer("n", n, 1, MOST)
    limit = 1 if _serial else n


def share(work: int) -> int:
    """Return how many threads `work` visited elements can use."""
    return max(1, min(MOST, work // WORTH_A_THREAD))


def _after_fork() -> None:
    global limit, _serial
    limit, _serial = 1, _serial or driver.has_entered_openmp()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
