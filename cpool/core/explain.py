"""How a call would run: `cpool.explain`."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np

from .. import threads
from ..geometry import Table
from . import engine, prepared

_LOCK = threading.Lock()


@dataclass(frozen=True)
class Explanation:
    """How a call would run; printed, a table.

    Attributes
    ----------
    shape, dtype : tuple of int, dtype
        Of the result (of the values, where there are indices too).
    windows : tuple of Table
        Which inputs each output sees, along each axis that has a strategy. Empty where a call follows indices. Pooled
        axes that lie in another order (Fortran order) stand in that of memory, where a call takes them so.
    strategies : tuple of str
        How each pooled axis is folded; an axis that became part of another one, or of which nothing is to be done, has
        none. `cpool.core.strategies` tells what the names mean.
    planes_at_once : int
        Planes that are turned into channels together, or 0.
    instruction_set : str
    threads : int
        Upper limit.
    tiles : tuple of int
        Output rows and columns that are done at once.
    scratch_bytes, bytes_read, bytes_written : int
        Scratch of each thread; bytes of the arrays, each as often as it is read or written, and of converted ones as
        what they became.
    jobs : tuple of `cpool.core.engine.Driven`
        All that the driver would do, one after the other. Empty where there is nothing to compute.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> plan = cpool.explain(cpool.avg_pool1d, np.zeros((8, 100)), 5, 1)
    >>> plan.dtype, plan.strategies, plan.windows[0].kernel, plan.bytes_written
    (dtype('float64'), ('flat',), 5, 6144)
    """

    shape: tuple[int, ...]
    dtype: Any
    windows: tuple[Table, ...]
    strategies: tuple[str, ...]
    planes_at_once: int
    instruction_set: str
    threads: int
    tiles: tuple[int, int]
    scratch_bytes: int
    bytes_read: int
    bytes_written: int
    jobs: tuple[engine.Driven, ...] = ()

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        rows = [("result", f"{self.dtype}, {' x '.join(map(str, self.shape)) or 'one number'}")]
        names = "DHW"[3 - len(self.strategies) :]
        for name, strategy, w in zip(names, self.strategies, self.windows or (None,) * 3, strict=False):
            seen = f": {w.size} inputs, {w.out} outputs, at most {w.kernel} taps" if w else ""
            rows.append((f"along {name}", strategy + seen))
        if self.planes_at_once:
            rows.append(("planes", f"{self.planes_at_once} at once, turned into channels"))
        rows += [
            ("rows, columns at once", " x ".join(map(str, self.tiles))),
            ("instruction set", self.instruction_set),
            ("threads", str(self.threads)),
            ("scratch", f"{self.scratch_bytes} bytes a thread"),
            ("memory", f"{self.bytes_read} bytes read, {self.bytes_written} written"),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


#: What stands for the strategies of a kind of call that has none along H and W.
_ALONE = dict(scatter="indices", gather="indices", copies="copies", ordered="network", ranked="ranks")


def _unshared(value: Any) -> Any:
    """Return a copy of a generator; all else as it is."""
    drawn = (np.random.Generator, np.random.BitGenerator, np.random.RandomState)
    return copy.deepcopy(value) if isinstance(value, drawn) else value


def explain(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Explanation:
    """Tell how a call would run, and compute nothing.

    Parameters
    ----------
    function : callable
        A pooling function of cpool, forward or backward; or a layer, which remembers nothing of it.
    *args, **kwargs
        Its arguments. `out` is checked, not written; of a generator a copy is drawn from.

    Returns
    -------
    Explanation
        An object with attributes; printed, a table. Of a call that is made of several, as sums along one axis after the
        other, the first decides the windows and strategies, and bytes and scratch are those of all.

    Raises
    ------
    TypeError
        If `function` is not one of cpool's; else as the function.
    ValueError
        As the function.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> plan = cpool.explain(cpool.max_pool2d, np.zeros((1, 64, 112, 112), np.float32), 3, 2, 1)
    >>> plan.shape, plan.strategies
    ((1, 64, 56, 56), ('as it lies', 'halves'))
    """
    refused = f"function must be a pooling function of cpool, got {function!r}"
    if getattr(function, "__module__", "") not in ("cpool", "cpool.layers", "cpool.reduce"):
        raise TypeError(refused)
    # A layer, and what it draws from; functions are their own copies, and gradients are of what is remembered.
    if isinstance(function, MethodType) and function.__name__ != "backward":
        function = MethodType(function.__func__, copy.deepcopy(function.__self__))
    elif not isinstance(function, MethodType):
        function = copy.deepcopy(function)
    args, kwargs = tuple(map(_unshared, args)), {name: _unshared(value) for name, value in kwargs.items()}
    told: list[engine.Driven] = []
    with _LOCK:
        token = engine.explained.set(told)
        prepared.forget(True)
        try:
            with np.errstate(all="ignore"):
                result = function(*args, **kwargs)
        finally:
            prepared.forget(False)
            engine.explained.reset(token)
    values = result[0] if isinstance(result, tuple) else result
    if not isinstance(values, np.ndarray):
        raise TypeError(refused)
    if not told:  # nothing to compute: the result is empty, or NumPy gathers it
        read = sum(a.nbytes for a in (*args, *kwargs.values()) if isinstance(a, np.ndarray)) if values.size else 0
        return Explanation(values.shape, values.dtype, (), (), 0, engine.LEVEL, 1, (0, 0), 0, read, values.nbytes)
    main = told[0]
    # Planes of one row each that were taken for one tall plane (`rows` is 1) are still rows.
    axes = [t.rows != 1 and (t.size > 1 or t.out > 1 or t.pooled) for t in main.tables]
    ndim = 3 - axes.index(True) if any(axes) else 1
    last = 2 if axes[1:] == [True, False] else 3  # an axis that is pooled alone may be H
    along = main.strategy
    along_indices = main.kind in ("scatter", "gather")
    names: tuple[str, ...] = (_ALONE.get(main.kind, ""),) * 3
    if along is not None:
        names = (along.across, along.across, along.along)
    if any(each.kind == "finds" for each in told):
        names = (*names[:2], f"{names[2]}, then search")
    return Explanation(
        shape=values.shape,
        dtype=values.dtype,
        windows=() if along_indices else tuple(main.tables[3 - ndim : last]),
        strategies=names[3 - ndim : last],
        planes_at_once=main.together,
        instruction_set=engine.LEVEL,
        threads=max(1, min(main.threads, threads.get_num_threads())),
        tiles=(along.rows, along.columns) if along else main.tile or (1, main.tables[-1].out),
        scratch_bytes=max(each.scratch_bytes for each in told),
        bytes_read=sum(each.bytes_read for each in told),
        bytes_written=sum(each.bytes_written for each in told),
        jobs=tuple(told),
    )
