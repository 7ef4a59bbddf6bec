"""Elements that do not count: NaN by `nan_policy`, masks by `where`, masked arrays.

The kernels pass over both: what a mask leaves out becomes NaN for them, or of integers a number that changes nothing.
What is left for here is what NumPy's users see of it: which windows hold too little, what these give, and that NaN
which counts makes a result NaN. Where a result does not tell, the mask is pooled itself.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..core import calls, checks, engine, layouts
from ..core.prepared import Prepared
from ..core.public import Function
from ..geometry import Plan, plan_of

Array = np.ndarray[Any, Any]


def policy(nan_policy: Any) -> str:
    """Return the checked `nan_policy`."""
    if not isinstance(nan_policy, str) or nan_policy not in ("propagate", "omit", "raise"):
        raise ValueError(f"nan_policy must be 'propagate', 'omit' or 'raise', got {nan_policy!r}")
    return nan_policy


def some(windowed: calls.Windowed, given: dict[str, Any]) -> Function | None:
    """Return what is called on arrays of which only some elements may count; None where the kernel alone will do.

    `given` are all arguments of the public function.
    """
    nan_policy = policy(given.get("nan_policy", "propagate"))
    if nan_policy != "raise" and given["where"] is None and not given["x"].masked and not windowed.settles:
        return None
    calls.computed_in(engine.VALUES, given["x"].dtype)  # before elements are looked at
    room = windowed.source.out
    windowed = windowed._replace(source=windowed.source._replace(out=None))

    def call(x: Any, out: Array | None = None, where: Any = None) -> Any:
        array, mask = counting(x, where)
        if nan_policy == "raise":
            refuse_nan(array, mask)
        masked = isinstance(x, np.ma.MaskedArray)
        y, empty, *indices = pooled(windowed, array, mask, masked)
        if out is not None:  # written last, for a window may hold too little
            calls.output_view(room, y.shape, (), y.dtype)
            if engine.explained.get() is None:
                np.copyto(out, y)
            y = out
        if masked:
            y = np.ma.MaskedArray(y, np.broadcast_to(np.False_ if empty is None else empty, y.shape))
        return (y, *indices) if indices else y

    return call


def refuse_nan(x: Array, mask: Array | None = None) -> None:
    """Refuse an array with NaN among the elements that count."""
    if x.dtype.kind not in "biu" and ((x != x) & (True if mask is None else mask)).any():
        raise ValueError("x holds NaN, and nan_policy='raise'")


def counting(x: Any, where: Any) -> tuple[Array, Array | None]:
    """Return `x` without its mask, and which elements count, NaN or not; None if all do and `x` is not masked."""
    masked = isinstance(x, np.ma.MaskedArray)
    mask = ~np.ma.getmaskarray(x) if masked else None
    array = x.data if masked else x
    if where is not None:
        given = checks.array("where", where)
        if given.dtype != np.bool_:
            raise TypeError(f"where must be boolean, got {given.dtype}")
        try:
            given = given if given.shape == array.shape else np.broadcast_to(given, array.shape)
        except ValueError:
            raise ValueError(f"where of shape {given.shape} does not broadcast to x of shape {array.shape}") from None
        mask = given if mask is None else mask & given
    return array, None if mask is None or (mask.all() and not masked) else _beside(array, mask)


def _beside(array: Array, mask: Array) -> Array:
    """Return a mask that lies in memory as its array does, so that both are read a row at a time."""
    innermost = layouts.memory_order(array.shape, array.strides)[-1:]
    if all(mask.strides[a] == 1 for a in innermost):
        return mask
    laid = np.empty_like(array, np.bool_)
    np.copyto(laid, mask)
    return laid


class Pooling(NamedTuple):
    """A prepared call, and what it is called on: elements, and which of them count if not all do.

    The result is to be `masked` where too few count; then it may hold any number there.
    """

    prepared: Prepared
    plan: Plan
    axes: tuple[int, ...]
    x: Array
    mask: Array | None
    masked: bool

    def __call__(self, omits: bool, op: str = "max") -> tuple[Array, ...]:
        """Return the result, and indices if the call has any: of a maximum or minimum, as `op` says.

        Kernels take what a mask leaves out for NaN, and pass all NaN over. So unless `omits` says that this is right,
        windows that see NaN which counts are seen to here; it is seldom that there are any.
        """
        if self.mask is None:
            results, met = self.prepared(self.x), False
        else:
            results, met = self.prepared.masked(self.x, self.mask)
        results = results if isinstance(results, tuple) else (results,)
        if self.mask is not None and met and not omits:
            counted = np.where(self.mask, self.x, self.x.dtype.type(0))
            if len(results) == 1:  # an average may have windows that see no element: these are no NaN
                highest = self._of(counted, _most)
            else:
                highest, places = self._of(counted, _picked, op=op, index_dtype=self.prepared.index_dtype)
                np.copyto(results[1], places, where=highest != highest)
            np.copyto(results[0], np.nan, where=highest != highest)
        return results

    @property
    def has_nan(self) -> bool:
        """Whether elements may be NaN."""
        return bool(self.x.dtype.kind not in "biu")

    def few(self, counts: Array, least: float) -> Array:
        """Return in which windows fewer than `least` elements count, of those that see any."""
        if least <= 1:  # the greatest byte tells whether there is any
            n: Array = self._of(counts.view(np.uint8), _most)
        else:
            n = self._of(counts.view(np.uint8) != 0, _sum)
        too_few: Array = n < least
        if all(w.first_empty() is None for w in self.plan.axes):
            return too_few
        return too_few & (self.plan.inside(self.axes, counts.ndim) > 0)

    def empty(self, omits: bool, least: float) -> Array:
        """Return in which windows fewer than `least` elements count; with `omits` NaN does not."""
        counts = np.ones_like(self.x, np.bool_) if self.mask is None else self.mask
        return self.few(counts & (self.x == self.x) if omits and self.has_nan else counts, least)

    def first(self, counts: Array) -> Array:
        """Return where in its plane the first element of each window that counts stands, or the first of all."""
        indices: Array = self._of(counts, _picked, op="max", index_dtype=self.prepared.index_dtype)[1]
        return indices

    def _of(self, counts: Array, reduce: Any, **named: Any) -> Any:
        """Pool an array like the input by the windows of the call, on as many threads."""
        source = calls.Source(counts.shape, counts.strides, counts.dtype, self.axes, None)
        return _prepared(partial(reduce, **named), self.plan, source, self.prepared.single)(counts)


def _most(plan: Plan, source: calls.Source) -> Prepared:
    def make(x: layouts.View, y: layouts.View, order: Any) -> Any:
        return engine.values("max", engine.VALUES[source.dtype.name], plan, source.axes, x, y)

    return calls.prepare(source, plan, source.dtype, make)


def _sum(plan: Plan, source: calls.Source) -> Prepared:
    def make(x: layouts.View, y: layouts.View, order: Any) -> Any:
        return engine.values("sum", "float64", plan_of(plan.axes, 1), source.axes, x, y, divide=True)

    return calls.prepare(source, plan, np.dtype(np.float64), make)


def _picked(plan: Plan, source: calls.Source, op: str, index_dtype: Any) -> Prepared:
    def make(x: layouts.View, y: layouts.View, order: Any) -> Any:
        at = calls.output_view(None, y.shape, order, index_dtype)
        return engine.picks(op, engine.PICKS[source.dtype.name], plan, source.axes, x, y, at)

    return calls.prepare(source, plan, source.dtype, make, index_dtype=index_dtype)


@lru_cache(maxsize=512)
def _kept(
    reduce: Any, given: tuple[Any, ...], named: tuple[tuple[str, Any], ...], plan: Plan, source: calls.Source
) -> Prepared:
    call: Prepared = reduce(*given, plan, source, **dict(named))
    return call


def _prepared(reduce: partial[Prepared], plan: Plan, source: calls.Source, alone: bool) -> Prepared:
    """Prepare a call, once for all that are like it: masked arrays are not known to the public functions' memo.

    Not kept are those of pieces, which are pooled `alone` and have plans of their own, those of long plans, which are
    made anew, and what is explained, which computes nothing.
    """
    if alone:
        return reduce(plan, source).alone()
    if plan.long or engine.explained.get() is not None:
        return reduce(plan, source)
    return _kept(reduce.func, reduce.args, tuple(reduce.keywords.items()), plan, source)


def pooled(
    windowed: calls.Windowed, x: Array, mask: Array | None, masked: bool = False, alone: bool = False
) -> tuple[Array, Array | None, *tuple[Array, ...]]:
    """Pool `x`, of which the elements in `mask` count, all if it is None; a piece of it `alone`, on one thread.

    Returns the values, which windows of them hold too little (None if nobody asked), and indices if there are any.
    """
    source = windowed.source._replace(where=None if mask is None else engine.view_of(mask))
    prepared = _prepared(windowed.reduce, windowed.plan, source, alone)
    pooling = Pooling(prepared, windowed.plan, source.axes, x, mask, masked)
    return windowed.some(pooling)  # type: ignore[misc, no-any-return]


def number(
    pooling: Pooling, *, omits: bool, least: float = 1, answers: bool = False, instead: str = "dtype=, a float"
) -> tuple[Array, Array | None]:
    """Pool to numbers, which are NaN where fewer than `least` elements count; a dtype without NaN then has no answer.

    `answers`: there is a result even where none counts. `instead` is what an error advises.
    """
    empty = None
    whole = pooling.prepared.dtype.kind in "biu"
    if pooling.masked or (whole and pooling.mask is not None):
        empty = pooling.empty(omits, least)
        if whole and not (pooling.masked or answers) and engine.explained.get() is None and empty.any():
            raise ValueError(
                f"a window has too few elements that count, and {pooling.prepared.dtype} has no NaN; give {instead}"
            )
    (y,) = pooling(omits)
    if whole and empty is not None and not answers:
        y[..., empty] = 0  # of several quantiles
    return y, empty


def _element(initial: Any, dtype: Any) -> Any:
    """Return `initial` as an element of `dtype`; integers and bool must hold it as it is."""
    poolable = isinstance(initial, np.generic) and initial.dtype.name in engine.VALUES
    if not poolable and not isinstance(initial, (int, float, np.floating)):
        raise TypeError(f"initial must be a number, got {initial!r}")
    try:
        with np.errstate(all="ignore"):
            element = dtype.type(initial)
        held = element.item() == initial if dtype.kind in "biu" else abs(element) != np.inf or abs(initial) == np.inf
    except (OverflowError, TypeError, ValueError):
        held = False
    if not held:
        raise ValueError(f"initial must be a number that {dtype} holds, got {initial!r}")
    return element


def extreme(
    pooling: Pooling, *, op: str, omits: bool, initial: Any, least: int
) -> tuple[Array, Array | None, *tuple[Array, ...]]:
    """Pool to maxima or minima, as `op` says, with indices if the call has them."""
    dtype, has_nan = pooling.x.dtype, pooling.has_nan
    start = None if initial is None else _element(initial, dtype)
    y, *indices = pooling(omits, op)
    empty, doubtful = None, None
    explains = engine.explained.get() is not None  # then there are no values to look at
    if pooling.mask is not None and not has_nan and not explains:
        lowest = y == np.asarray(engine.neutral(op, dtype), dtype)  # that may have been read for what does not count
        doubtful = lowest if lowest.any() else None
    if pooling.masked or least > 1 or start is not None or doubtful is not None:
        empty = pooling.empty(omits, least)
        if start is None and has_nan:
            np.copyto(y, np.nan, where=empty)
        elif start is None and not explains and empty.any() and not pooling.masked:
            raise ValueError(f"initial is needed: a window has too few elements that count; {dtype} has no NaN")
    if indices and doubtful is not None and pooling.mask is not None:
        np.copyto(indices[0], pooling.first(pooling.mask), where=doubtful)
    if start is not None and empty is not None:
        y = np.where(empty, start, (np.maximum if op == "max" else np.minimum)(y, start))
        y = calls.settled(y) if has_nan else y
    return (y, empty, *indices)
