"""From checked arguments to a prepared call: which leaves (instruction set, type, reduction), strategy, and threads.

Everything but the arrays is decided here once for each distinct call, and cached by the public functions.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .. import geometry, threads
from ..geometry import Plan, Table
from . import dilated, driver, layouts, networks, strategies

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]

_INTEGERS = {name: name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")}
_FLOATS = {"float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float64"}
#: What each dtype is computed in. Maximum and minimum keep integers in their own width.
VALUES = _FLOATS | _INTEGERS | {"bool": "uint8"}
#: With indices, which need 32 bits: narrower integers, and of those without a sign 32 bits too, ride in a float type
#: that holds them exactly.
PICKS = (
    _FLOATS
    | {name: "float32" if name[-1] in "86" else name for name in _INTEGERS}
    | {"uint32": "float64", "bool": "float32"}
)
#: Sums: integers as double, in which sums below 2**53 are exact.
SUMS = _FLOATS | dict.fromkeys((*_INTEGERS, "bool"), "float64")
INDEX_TYPES = ("int32", "int64")
#: Floats of two bytes.
_HALVES = ("float16", "bfloat16")
#: Reductions that add, and of these the ones with a state: sum and count; mean, count and squared distances.
_ADDS = ("sum", "total", "moments")
_STATES = _ADDS[1:]
#: Below this a sum s is a float, and so near is s / n to its float that both round to the same integer: 2**-24 of s / n
#: is less than 1 / (2 * n), by which it can miss the middle between two integers.
_EXACT_AS_FLOAT = 2**23

#: Planes of so many elements are taken for one row each, if there are many.
_ONE_ROW = 2**12
#: Bytes of sums of one plane that are kept in scratch, and channels of it that are whole cache lines if they are floats
#: of two bytes: of gradients that are not added where they lie.
_ASIDE, _WHOLE_LINES = 2**19, 32
#: Outputs of a row whose least and greatest index are quickly found, so that threads can share a plane they add to.
_LONG_ROW = 64
#: Elements of an array from which on its sums are worth several calls.
MANY = 2**15
#: Elements of a plane that is too small to have a few of them taken for channels.
_FEW_PIXELS = 64
#: Bytes of the longest slab that is summed as if it were a row.
_SLAB = 2**11
#: Bytes of an array that caches do not hold.
_FAR = 2**23
#: Windows of long rows are searched for their maxima where there is at most one for so many elements of a plane (64x64
#: windows of one channel: 0.1 to 0.8 of the time); of more where channels are last, for they are loaded one by one; a
#: few whole planes are always searched.
_SEARCHED, _SEARCHED_LAST = 256, 1024
#: Elements of a plane up to which it is turned rather than searched.
_TURNED_PLANE = 2**9
#: Bytes of the largest plane whose maximum is better found by rows and columns at once.
_CONDENSED = 256


def sums_as(source: Any, result: Any, plan: Plan) -> str:
    """Return what elements of dtype `source` are summed in over a plan's windows, for averages of dtype `result`.

    A quotient of two numbers that floats hold, computed as double and then rounded, is the one computed as float:
    double has more than twice as many bits.
    """
    if SUMS[source.name] == SUMS[result.name] == "float32":
        return "float32"
    most = plan.window << 8 * source.itemsize
    if result.kind in "iu" and most < _EXACT_AS_FLOAT:
        return "float32"
    if source.kind in "biu" and result.name == "float32" and max(most, abs(plan.divisor or 1)) <= 2 * _EXACT_AS_FLOAT:
        return "float32"
    return "float64"


#: Integers whose averages, if they are to be of the same dtype, are computed in integers of twice their bytes.
_WHOLE = {"uint8": "uint16", "uint16": "uint32"}
#: Bytes of a row of outputs from which on that is quicker (0.3 to 1 of the time, in shorter rows 1 to 7), where windows
#: move by 1 and by more.
_WHOLE_ROW, _WHOLE_ROW_APART = {"uint8": 96, "uint16": 1024}, 32


def whole_sums(plan: Plan, source: Any, result: Any, run: int) -> str | None:
    """Return what the averages of integers are summed in, if they are such integers too, and sums have one divisor;
    `run` is how many lie under each pixel."""
    if source != result or source.name not in _WHOLE:
        return None
    w = plan.axes[-1]
    least = _WHOLE_ROW[source.name] if w.stride == 1 else _WHOLE_ROW_APART
    # Small planes are turned, which makes their rows longer, and long windows need sums of many.
    turned = w.stride == 1 and 2 * w.size * run * source.itemsize <= strategies.TURNED_ROW_3
    if w.out * run * source.itemsize < least and not turned and w.kernel <= strategies.RADIX:
        return None
    most, wide = int(np.iinfo(source).max), _WHOLE[source.name]
    divisor = plan.divisor if plan.divisor is not None else math.prod(table.one_count for table in plan.tables())
    # Sums of 4 bytes are taken for signed integers; to those of 2 bytes half a divisor is added before the division.
    limit = np.iinfo("uint16" if wide == "uint16" else "int32").max
    fits = plan.window * most <= limit and 0 < divisor <= min(most + 1, limit // most)
    return wide if fits else None


def _choose_level() -> str:
    """Return the best instruction set that was built and that this CPU has, at most CPOOL_ISA."""
    runnable: list[str] = driver.levels()
    wanted = os.environ.get("CPOOL_ISA", "")
    if not wanted:
        return runnable[-1]
    if wanted not in ("baseline", "v3", "v4"):
        raise ImportError(f"CPOOL_ISA must be 'baseline', 'v3' or 'v4', got {wanted!r}")
    return [level for level in runnable if level == "baseline" or level <= wanted][-1]


LEVEL = _choose_level()


def _nothing(*arguments: Any) -> None:
    """Stand in for the driver where there is nothing to compute."""


def stored(dtype: Any) -> str:
    """Return the name of the type in which arrays of `dtype` store numbers."""
    return "uint8" if dtype.kind == "b" else str(dtype.name)


def view_of(array: Any) -> layouts.View:
    """Return the shape, strides and type of an array, or of what tells these."""
    return layouts.View(array.shape, array.strides, array.dtype.itemsize, stored(array.dtype))


def buffer(array: Array) -> Array:
    """Return the array as something with a buffer: bfloat16 has none, its bits do."""
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


class Mask(NamedTuple):
    """How the array lies that tells which elements count, and the number that is read for the others.

    Of floats it is NaN, which the reduction must pass over. Of extremes, which store it where no element of a window
    counts, it is a number that the input's dtype holds. With `omits` NaN is not looked for in what is read where it
    lies; in what is loaded it is met on the way.
    """

    view: layouts.View
    blank: Any
    omits: bool


def neutral(reduction: str, dtype: Any) -> Any:
    """Return the number of `dtype` that changes nothing. Of sums that is -0: 0 would change -0."""
    if reduction in _STATES:
        return 0
    if reduction == "sum":
        return -0.0
    if reduction.startswith("nan"):
        return np.nan
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if reduction == "max" else np.iinfo(dtype).max
    if dtype.kind == "b":
        return reduction == "min"
    return -np.inf if reduction == "max" else np.inf


def _bits(value: Any, type: str) -> bytes:
    """Return a number as what is computed in."""
    return np.array(value, type).tobytes()


def _and_mask(views: tuple[layouts.View, ...], mask: Mask | None) -> tuple[layouts.View, ...]:
    """Return the views that the driver knows, of input, output and indices; a mask is the fourth."""
    return views if mask is None else (*views, *views[-1:] * (3 - len(views)), mask.view)


def _joined(tables: list[Table], memory: layouts.Memory) -> tuple[list[Table], layouts.Memory]:
    """Take the planes for one where they follow one another and no window reaches beyond its own: for the driver, one
    tall plane is less trouble than many small ones."""
    d, h, w = tables
    if d.pooled or d.size > 1 or not h.uniform or not h.one_count or h.before or h.rows or memory.planes == 1:
        return tables, memory
    stride = h.size if h.out == 1 else h.stride
    if h.span > stride or h.out * stride != h.size:
        return tables, memory
    joined = memory.joined((h.size, h.out, h.out, h.size)[: len(memory.views)])
    if joined is None:
        return tables, memory
    n = memory.planes
    tall = Table(
        n * h.size, n * h.out, h.kernel, stride, h.step, 0, True, h.firsts, h.tap_counts, h.count[:1], rows=h.size
    )
    return [d, tall, w], joined


def _as_rows(tables: list[Table], memory: layouts.Memory, type: str) -> tuple[list[Table], layouts.Memory]:
    """Take the pixels of the only pooled axis for rows, which many planes have and threads share, where that pays."""
    d, h, w = tables
    x = memory.views[0]
    if x.type != type or not strategies.as_rows(tables, memory.run * x.itemsize):  # each row would be loaded by itself
        return tables, memory
    views = (replace(v, strides=(v.strides[0], v.strides[2], v.strides[1], *v.strides[3:])) for v in memory.views)
    return [d, w, h], replace(memory, views=tuple(views))


class Driven(NamedTuple):
    """What the driver would do for one call."""

    kind: str
    reduction: str
    type: str
    tables: list[Table]
    memory: layouts.Memory
    strategy: strategies.Strategy | None
    together: int
    threads: int
    scratch_bytes: int
    bytes_read: int
    bytes_written: int
    #: Output rows and columns of a tile whose elements are ranked at once.
    tile: tuple[int, int] | None


#: While a call is explained: what would have been done, and is not.
explained: ContextVar[list[Driven] | None] = ContextVar("explained", default=None)


def _workers(share: int) -> int:
    """Return how many threads will do what is worth `share` of them."""
    return max(1, min(share, threads.PROCESSORS))


def _driven(
    kind: str, type: str, tables: list[Table], memory: layouts.Memory, share: int, views: tuple[layouts.View, ...],
    strategy: strategies.Strategy | None, mask: Mask | None = None, **options: Any,
) -> Callable[..., Any]:  # fmt: skip
    """Prepare one call of the driver: it reads the first of `views`, or two as it follows from its kind, and
    writes the others.

    With a mask, which it reads besides, it returns whether NaN was among the elements that count (`Mask.omits`).
    """
    blank = None if mask is None else _bits(mask.blank, type)
    windows, arrays = geometry.pack(tables), memory.packed(driver.TYPES)
    watches = mask is not None and not mask.omits and type in _FLOATS.values()
    call = driver.Call(kind, LEVEL, type, windows, arrays, share, blank_bits=blank, watches=watches, **options)
    run: Callable[..., Any] = call.run if mask is None else call.run_masked
    told = explained.get()
    if told is None:
        return run
    sizes = [math.prod(view.shape) * view.itemsize for view in views]
    beside = 0 if mask is None else math.prod(mask.view.shape)
    read = 2 if kind in ("scatter", "gather", "powers") else 1
    quantiles = options.get("quantiles")
    results = 1 if quantiles is None else len(quantiles)  # the second view is the first of them
    told.append(
        Driven(
            kind, options.get("reduction", ""), type, tables, memory, strategy,
            options.get("together", 0) if options.get("turns") else 0, share,
            call.scratch_bytes, sum(sizes[:read]) + beside, results * sum(sizes[read:]),
            (options["rows"], options["columns"]) if kind == "ranked" else None,
        )
    )  # fmt: skip
    return _nothing


@dataclass(frozen=True)
class _Fold:
    """A fold, and what its strategies depend on: what is done to elements, and how rows of them can be read."""

    kind: str
    reduction: str
    type: str
    tables: list[Table]
    memory: layouts.Memory
    divides_first: bool
    omits: bool
    #: Whether planes are copied to scratch first, where rows are dense, and of the type that is computed in.
    copied: bool

    @property
    def size(self) -> int:
        """Bytes of what is computed in."""
        return np.dtype(self.type).itemsize

    @property
    def flags(self) -> dict[str, Any]:
        """What `strategies.choose` asks of it."""
        return dict(sums=self.reduction in _ADDS, picks=self.kind == "picks", divides_first=self.divides_first)

    @property
    def plain(self) -> bool:
        """Whether lanes are extremes or sums, and nothing else."""
        return self.reduction not in _STATES and self.kind == "values"

    @property
    def gathers(self) -> bool:
        """Whether elements become states as rows of them are folded where they lie."""
        return self.reduction == "total" and self.omits

    @property
    def several(self) -> bool:
        """Whether much is done to each lane: places or moments."""
        return self.kind == "picks" or self.reduction == "moments"

    @property
    def straight(self) -> bool:
        """Whether nothing is done to elements before they are folded."""
        return self.reduction not in _STATES and not self.divides_first

    @property
    def dense(self) -> bool:
        """Whether the pixels of a row lie side by side."""
        x = self.memory.views[0]
        return self.copied or x.strides[2] == self.memory.run * x.itemsize or self.tables[2].size == 1

    @property
    def native(self) -> bool:
        """Whether they do, and are of the type that is computed in."""
        return self.copied or (self.memory.views[0].type == self.type and self.dense)

    @property
    def widened(self) -> bool:
        """Whether rows are widened as they are summed where they lie."""
        stored, unit = self.memory.views[0].type, self.memory.run * self.size
        halves = self.reduction == "sum" and self.type == "float32" and stored in _HALVES
        return self.type == _WHOLE.get(stored) or (halves and strategies.widens(self.tables, unit))

    @property
    def ready(self) -> bool:
        """Whether rows can be read where they lie whatever is done along H."""
        return self.straight and (self.native or (self.dense and self.widened))

    @property
    def gapped(self) -> bool:
        """Whether that holds of rows whose pixels lie apart, where nothing is done but to read them."""
        vectors = self.memory.run * self.size >= strategies.VECTOR
        return self.straight and self.memory.views[0].type == self.type and not self.dense and vectors

    def windows_at_once(self, run: int) -> bool:
        """Whether rows and columns of windows are folded at once, `run` lanes under each pixel."""
        return self.plain and strategies.windows_at_once(self.tables, run, self.size, self.reduction in _ADDS)

    @property
    def condensed(self) -> bool:
        """The same of many windows side by side, of one lane."""
        floats = self.plain and self.straight and self.native and self.type in _FLOATS.values()
        return floats and strategies.condenses(self.tables, self.memory.run, self.memory.planes)


def _shared(
    kind: str, reduction: str, tables: list[Table], memory: layouts.Memory, size: int, share: int
) -> layouts.Memory:
    """Return the memory with channels cut into blocks, if threads or tiles would have too few windows else."""
    if reduction in _ADDS and tables[0].size > 1:  # sums of volumes are folded slab by slab
        return memory
    blocks = strategies.blocks(tables, memory.run * size, memory.planes, kind == "picks", _workers(share))
    least = strategies.BLOCK_OF_PICKS if kind == "picks" else strategies.BLOCK
    return memory.shared(blocks, least // size)


def _call(
    kind: str, reduction: str, type: str, tables: list[Table], axes: Axes, views: tuple[layouts.View, ...], work: int,
    divide: bool = False, divisor: int | None = None, divides_first: bool = False, norm: str = "plain",
    power: float = 0.0, mask: Mask | None = None, **state: Any,
) -> Callable[..., None]:  # fmt: skip
    """Prepare a fold of `views`: a function of (thread limit, x, y), a mask if there is one, and maybe indices."""
    share = threads.share(work)
    memory, size = layouts.canonical(axes, *_and_mask(views, mask)), np.dtype(type).itemsize
    parts = [] if divides_first else dilated.parts(tables[2], memory.run * size, axes[-1], len(views[0].shape))
    if parts:
        options = dict(divide=divide, divisor=divisor, norm=norm, power=power) | state
        return _in_parts(parts, kind, reduction, type, tables, axes, views, work, mask, options)
    tables, memory = _as_rows(tables, memory, type)
    memory = _shared(kind, reduction, tables, memory, size, share)
    stored = memory.views[0].type
    other = kind == "values" and stored != type and type != _WHOLE.get(stored) and not divides_first
    # With a mask, of norms, and where short rows are stored as another type.
    copied = mask is not None or norm != "plain" or (other and strategies.loads_bands(tables, memory.run, size))
    fold = _Fold(kind, reduction, type, tables, memory, divides_first, state.get("omits", False), copied)
    at_once, together, band = "condensed" if fold.condensed else None, 0, 0
    if not at_once:
        together, band = strategies.together(
            tables, memory.run, size, memory.planes, fold.several, kind == "picks", _workers(share)
        )
    turns = together > 0
    if turns:  # planes as channels, which are divided once they are turned
        run, planes, straight = together * memory.run, 1, reduction not in _STATES
        strategy = strategies.choose(
            tables, run, size, 1, straight or fold.gathers, **fold.flags | dict(divides_first=False),
            at_once="windows" if fold.windows_at_once(run) else None,
        )  # fmt: skip
        as_it_lies = straight or (fold.gathers and strategy.across == "as it lies")
    else:
        tables, memory = _joined(tables, memory)
        fold = replace(fold, tables=tables, memory=memory)
        run, planes = memory.run, memory.planes
        if not at_once and fold.straight and fold.native and fold.windows_at_once(run):
            at_once = "windows"
        direct = fold.ready or fold.gapped or (fold.gathers and fold.native)
        strategy = strategies.choose(tables, run, size, planes, direct, **fold.flags, at_once=at_once)
        as_it_lies = fold.ready or (direct and strategy.across == "as it lies")
        if fold.gapped and kind == "picks":  # and all taps are compared in one pass
            as_it_lies = strategy.one_pass
        if copied:
            together, band = strategies.counting(tables, run, size, planes, strategy.columns, _workers(share))
    if kind == "values" and strategy.along != "spread" and tables[2].repeats >= strategies.FEW_ALIKE:
        tables = [*tables[:2], replace(tables[2], period=0, advance=1)]  # by whose rule each would be folded
    even: float | None = 1.0
    count = math.prod(table.one_count for table in tables)
    if divide:
        even = divisor if divisor is not None else None if reduction == "total" else count or None
    if reduction == "total":  # where nothing is missing, rows are read as they lie if they can be
        across = strategies.choose(tables, run, size, planes, True, **fold.flags).across
        state |= dict(sum_across=across if across == "as it lies" else strategy.across, sum_divisor=count)
    return _driven(
        kind, type, tables, memory, share, views, strategy, mask, reduction=reduction,
        identity_bits=_bits(neutral(reduction, np.dtype(type)), type), norm=norm, power=power, divisor=even,
        divides=divide and even is None, divides_first=divides_first, native=fold.native, as_it_lies=as_it_lies,
        gapped=fold.gapped and as_it_lies and not turns,
        far=not copied and math.prod(views[0].shape) * views[0].itemsize > _FAR,
        **strategy._asdict(), together=together, band=band, turns=turns, **state,
    )  # fmt: skip


def _in_parts(
    parts: list[dilated.Part], kind: str, reduction: str, type: str, tables: list[Table], axes: Axes,
    views: tuple[layouts.View, ...], work: int, mask: Mask | None, options: dict[str, Any],
) -> Callable[..., Any]:  # fmt: skip
    """Prepare a fold of windows whose taps lie far apart, as `_call` does."""
    calls: list[Callable[..., Any]] = []
    told = explained.get()
    before = len(told or ())
    for part in parts:
        some = (part.read(views[0]), *map(part.written, views[1:]))
        blank = mask and mask._replace(view=part.read(mask.view))
        pooled = part.axes(axes, len(views[0].shape))
        calls.append(_call(kind, reduction, type, [*tables[:2], part.table], pooled, some, work, mask=blank, **options))
    if told is not None:  # all parts read one array, of which the first is told to read all
        sizes = [math.prod(v.shape) * v.itemsize for v in (views[0], *([] if mask is None else [mask.view]))]
        for i in range(before, len(told)):
            told[i] = told[i]._replace(bytes_read=sum(sizes) if i == before else 0)
        return _nothing

    def run(limit: int, x: Array, y: Array, *others: Array) -> bool:
        found = False
        for part, call in zip(parts, calls, strict=True):
            beside = [part.read(a) if mask is not None and a is others[0] else part.written(a) for a in others]
            found |= bool(call(limit, part.read(x), part.written(y), *beside))
            if kind == "picks":
                part.place(beside[-1], tables[2].size)
        return found

    return run


def _without_ones(plan: Plan, axes: Axes, x: layouts.View, counted: bool = True, longest: int = 1) -> tuple[Plan, Axes]:
    """Leave out last axes that no window changes, if rows of the axis before are dense then: those of one element, and
    those of a few, of less than `longest` bytes, which are channels then (0.05 to 0.8 of the time).

    `counted` says that what averages divide by matters.
    """
    n, pixel = len(axes), x.itemsize
    while n > 1 and (w := plan.axes[n - 1]).identity and (not counted or (w.counts == 1).all()):
        few = x.strides[axes[n - 1]] == pixel and pixel * w.size < longest
        if w.size > 1 and not (few and math.prod(v.size for v in plan.axes[: n - 1]) >= _FEW_PIXELS):
            break
        n, pixel = n - 1, pixel * w.size
    if x.strides[axes[n - 1]] != pixel:
        return plan, axes
    return (geometry.plan_of(plan.axes[:n], plan.divisor), axes[:n]) if n < len(axes) else (plan, axes)


def _pixel(axes: Axes, x: layouts.View) -> int:
    """Return how many bytes lie under each pixel."""
    return layouts.canonical(axes, x).run * x.itemsize


def _in_memory_order(plan: Plan, axes: Axes, x: layouts.View) -> tuple[Plan, Axes]:
    """Take pooled axes as they lie in memory, rows innermost, where the order of a fold means nothing: maxima of
    volumes in Fortran order take 0.01 to 0.3 of the time."""
    order = sorted(range(len(axes)), key=lambda i: -abs(x.strides[axes[i]] or math.inf))
    if order == list(range(len(axes))) or _pixel(axes, x) >= 2 * strategies.VECTOR:
        return plan, axes  # or pixels are worth a fold
    return geometry.plan_of([plan.axes[i] for i in order], plan.divisor), tuple(axes[i] for i in order)


def _work(plan: Plan, x: layouts.View, y: layouts.View) -> int:
    """Return how many elements are visited: each axis' taps for each output, and at least what windows see of x."""
    outputs = math.prod(y.shape)
    return max(outputs * plan.cost, min(math.prod(x.shape), outputs * plan.window))


def values(
    reduction: str, type: str, plan: Plan, axes: Axes, x: layouts.View, y: layouts.View,
    divide: bool = False, norm: str = "plain", power: float = 0.0, mask: Mask | None = None, **state: Any,
) -> Callable[..., None]:  # fmt: skip
    """Prepare a pooling without places: a function of (thread limit, x, y).

    `reduction` is a maximum ("max"), minimum ("min"; "nanmax", "nanmin" pass NaN over), sum ("sum"), average of what
    counts ("total") or variance ("moments"). The last two have a `state`: whether NaN is passed over (`omits`), the
    fewest elements (`least`), and for a variance `ddof` and whether its `root` is wanted. With a `mask` the function
    takes the array of bool besides, and an extreme of what does not count is what stands for it.
    """
    if 0 in y.shape:
        return _nothing
    in_any_order = reduction not in _ADDS or sum(not w.identity for w in plan.axes) < 2
    if in_any_order or (reduction == "sum" and mask is None and norm == "plain"):
        in_order = _in_memory_order(plan, axes, x)
        if in_any_order:
            plan, axes = in_order
        elif math.prod(x.shape) >= MANY:
            across = axes != in_order[1] and _pixel(axes, x) < strategies.VECTOR
            if across or _slabs_first(type, plan, axes, x):
                return _axis_by_axis(type, plan, axes, x, y, divide, 2 if across else 1)
    plan, axes = _without_ones(plan, axes, x, reduction in _ADDS, strategies.VECTOR)
    work = _work(plan, x, y)
    row = plan.elements * np.dtype(type).itemsize
    if (
        reduction not in _ADDS and mask is None and norm == "plain"  # the order means nothing
        and x.strides[axes[-1]] == x.itemsize  # and there are no channels, which make rows that are worth a fold
        and _CONDENSED < row <= strategies.WIDEST_ROW
    ):  # fmt: skip
        plan, axes, (x, y) = _as_one_row(plan, axes, x, y)
    return _call(
        "values", reduction, type, plan.tables(), axes, (x, y), work, divide, plan.divisor, norm=norm, power=power,
        mask=mask, **state,
    )  # fmt: skip


def _slabs_first(type: str, plan: Plan, axes: Axes, x: layouts.View) -> bool:
    """Return whether whole slabs are summed before anything else: there are 3 or more in a window, which hardly share
    any, and they are as long as rows are (mostly 0.3 to 1.1 of the time; longer ones 0.6 to 1.5)."""
    d = plan.axes[0]
    if len(axes) < 3 or d.kernel < 3 or d.out * d.kernel > d.size + d.out or all(w.identity for w in plan.axes[1:]):
        return False
    slab = x.shape[axes[1]] * x.shape[axes[2]]
    dense = x.strides[axes[0]] == slab * x.itemsize and x.strides[axes[2]] == x.itemsize
    return dense and strategies.PIXEL_ROW <= slab * np.dtype(type).itemsize <= _SLAB


def _axis_by_axis(
    type: str, plan: Plan, axes: Axes, x: layouts.View, y: layouts.View, divide: bool, first: int
) -> Callable[..., None]:
    """Prepare sums along the `first` axes one after the other, then along what is left, by way of arrays that lie as x
    does, of what is computed in. The order is that of all sums: D, H, W. So it is done where pooled axes lie in another
    order (0.05 to 0.6 of the time)."""
    if type in _WHOLE.values():  # not of what has been added
        type = sums_as(np.dtype(x.type), np.dtype(y.type), plan)
    order, size = layouts.memory_order(x.shape, x.strides), np.dtype(type).itemsize
    windows, shape, view = list(plan.axes), list(x.shape), x
    steps: list[tuple[Callable[..., None], Axes]] = []
    for i, axis in enumerate(axes[: min(first, len(axes) - 1)]):
        if not windows[i].identity:
            shape[axis] = windows[i].out
            to = layouts.View(tuple(shape), layouts.dense_strides(tuple(shape), order, size), size, type)
            steps.append((values("sum", type, geometry.plan_of([windows[i]]), (axis,), view, to), to.shape))
            view, windows[i] = to, windows[i].done()
    last = values("sum", type, geometry.plan_of(windows, plan.divisor), axes, view, y, divide)
    if explained.get() is not None:
        return _nothing

    def run(limit: int, x: Array, y: Array) -> None:
        for add, shape in steps:
            sums = layouts.empty(shape, order, type)
            add(limit, x, sums)
            x = sums
        last(limit, x, y)

    return run


def _as_one_row(plan: Plan, axes: Axes, *views: layouts.View) -> tuple[Plan, Axes, list[layouts.View]]:
    """Take planes of which each is one window for rows, where memory allows: the order of their elements stays."""
    flat, rows = layouts.flattened(axes, *views) if plan.whole and len(axes) > 1 else (axes, list(views))
    return (plan.as_one_row(), flat, rows) if flat != axes else (plan, axes, rows)


def picks(
    reduction: str, type: str, plan: Plan, axes: Axes, x: layouts.View, y: layouts.View, indices: layouts.View,
    mask: Mask | None = None,
) -> Callable[..., None]:  # fmt: skip
    """Prepare a maximum or minimum with indices: a function of (thread limit, x, y, indices)."""
    if 0 in y.shape:
        return _nothing
    plan, axes = _without_ones(plan, axes, x)
    work = _work(plan, x, y)
    flat_plan, flat, views = plan, axes, [x, y, indices]
    if mask is None:
        flat_plan, flat, views = _as_one_row(plan, axes, *views)
    memory = layouts.canonical(flat, *views)
    turns = flat_plan.elements <= _TURNED_PLANE and memory.planes >= strategies.RADIX
    narrow = memory.run * np.dtype(type).itemsize < strategies.VECTOR
    few = flat_plan.whole and memory.planes < strategies.RADIX
    each = 1 if few else _SEARCHED if memory.run == 1 else _SEARCHED_LAST
    searched = narrow and flat_plan.searched(each)
    if searched and not turns and not reduction.startswith("nan") and mask is None:
        memory = layouts.canonical(flat, *views, runs=False)
        pool = values(reduction, VALUES[x.type], plan, axes, x, y)
        find = _driven(
            "finds", type, flat_plan.tables(), memory, threads.share(work), (x, indices), None,
            as_it_lies=x.type == type and views[0].strides[flat[-1]] == x.itemsize,
        )  # fmt: skip

        def pool_and_find(limit: int, x: Array, y: Array, indices: Array) -> None:
            pool(limit, x, y)
            find(limit, x, y, indices)

        return pool_and_find
    if type in ("float32", "int32") and flat_plan.reach >= 2**30:  # 32 bits may not hold all places
        type = "float64"
    return _call("picks", reduction, type, flat_plan.tables(), flat, tuple(views), _PICK * work, mask=mask)


#: How many elements take as long as a power, as one that is compared for its place, and as one that is added to one.
_POWER, _PICK, _ADDED = 8, 2, 3
#: Bytes of rows of one block of columns: all stay in the second cache while they are ordered.
_ORDERED_BYTES = 98304
#: Windows that are ordered at once, at least.
_ORDERED = 32
#: Bytes of the input and output of planes that are turned into channels to be ordered (0.1 to 0.7 of the time).
_ORDERED_PLANES = 786432


def _ranks(quantiles: Array, taps: int) -> tuple[int, ...]:
    """Return the ranks between which the quantiles of so many elements lie."""
    places = quantiles * (taps - 1)
    return tuple(sorted({int(rank) for rank in (*np.floor(places), *np.ceil(places))}))


def _turned(tables: list[Table], memory: layouts.Memory, size: int, workers: int) -> int:
    """Return how many planes are turned into channels before their windows are ordered, 0 if none: those of which
    several stay in the second cache, where lanes are not channels already."""
    if memory.run * size >= strategies.VECTOR:
        return 0
    out = math.prod(table.out for table in tables) * memory.views[1].itemsize
    each = memory.run * (math.prod(table.size for table in tables) * size + out)
    n = min(2 * strategies.LANES // memory.run, memory.planes // workers, _ORDERED_PLANES // each)
    return n if n >= strategies.RADIX else 0


def ordered(
    type: str, plan: Plan, axes: Axes, x: layouts.View, y: layouts.View, quantiles: Array | None = None,
    method: str = "linear", pitch: int = 0, omits: bool = False, least: int = 1, skip: Any = None,
    mask: Mask | None = None,
) -> Callable[..., None]:  # fmt: skip
    """Prepare quantiles, `pitch` bytes apart in y, or without them a mode: a function of (thread limit, x, y).

    NaN, or of a mode the label `skip`, is passed over where there is anything else; NaN only if `omits`, and windows of
    fewer than `least` elements give NaN. With a `mask` NaN is always passed over.
    """
    if 0 in y.shape:
        return _nothing
    in_order = _in_memory_order(plan, axes, x)
    if in_order[0].axes[-1].stride == 1 or plan.axes[-1].stride > 1:  # else windows would no longer share columns
        plan, axes = in_order
    plan, axes = _without_ones(plan, axes, x)
    memory, tables = layouts.canonical(axes, *_and_mask((x, y), mask)), plan.tables()
    taps, w = math.prod(table.kernel for table in tables), tables[-1]
    height, size = taps // w.kernel, np.dtype(type).itemsize
    share = threads.share(math.prod(y.shape) * taps)
    given = dict(
        identity_bits=_bits(neutral("min", np.dtype(type)), type), quantiles=quantiles, method=method,
        quantile_pitch=pitch, least=least, omits=omits or mask is not None,
    )  # fmt: skip
    if quantiles is not None and strategies.ranks(tables, size, memory.planes * memory.run, len(quantiles)):
        slabs, rows, columns = strategies.ranked_tile(tables, memory.planes * memory.run, _workers(share))
        return _driven(
            "ranked", type, tables, memory, share, (x, y), None, mask, slabs=slabs, rows=rows, columns=columns, **given
        )
    column = networks.sorting(height) if 1 < height < taps else networks.unsorted(height)
    inside = height if column.steps else 1  # taps of a column in order
    wanted = every = tuple(range(taps))
    if quantiles is not None:  # and of windows in which fewer elements count
        wanted, fewest = _ranks(quantiles, taps), _ranks(quantiles, min(least, taps))
        every = tuple(range(fewest[0], wanted[-1] + 1))
    wanted_ranks = networks.selecting(taps // inside, inside, wanted)
    all_ranks = wanted_ranks if every == wanted else networks.selecting(taps // inside, inside, every)
    h = tables[1]
    unsaid = mask is not None and skip is None and np.dtype(type).kind != "f"  # no number says that one is left out
    together = 0 if unsaid else _turned(tables, memory, size, _workers(share))
    run = memory.run * max(1, together)
    shares = w.uniform and w.stride == 1 and w.out > 1
    rows = column.rows * (1 if shares else w.kernel) + wanted_ranks.rows - taps
    windows = min(max(1, _ORDERED // run, _ORDERED_BYTES // (rows * size * run)), max(w.out, h.out))
    return _driven(
        "ordered", type, tables, memory, share, (x, y), None, mask, block_windows=windows, together=together,
        turns=together > 0, band=math.prod(table.out for table in tables[:2]), columns=w.out, as_it_lies=together > 0
        or (mask is None and x.type == type and memory.views[0].strides[2] == memory.run * size),
        networks=networks.packed((column, wanted_ranks, all_ranks)),
        shares=shares and (w.kernel - 1) * w.step <= windows * w.kernel,  # else there would be more columns than taps
        skip_bits=None if skip is None else _bits(skip, type), **given,
    )  # fmt: skip


def scatter(
    axes: Axes, type: str, gx: layouts.View, gy: layouts.View, indices: layouts.View, assign: bool = False,
    fresh: bool = False,
) -> Callable[..., None]:  # fmt: skip
    """Prepare adding gy to gx = 0 along indices, or with `assign` letting the last one stand; summed as `type`.

    `fresh` says that gx is a new array, in which something may have been written when an error is found.

    Returns a function of (thread limit, gx, gy, indices), which refuses indices outside the plane.
    """
    if 0 in gx.shape:
        return _nothing
    if 0 in gy.shape:
        return lambda limit, gx, gy, indices: gx.fill(0)
    elements = math.prod(gx.shape[a] for a in axes)
    share = threads.share(math.prod(gx.shape) + _ADDED * math.prod(gy.shape))
    workers = _workers(share)
    memory = layouts.canonical(axes, gx, gy, indices)
    in_place = gy.type == type == gx.type and memory.views[0].strides[2] == memory.run * gx.itemsize
    row = gy.shape[axes[-1]] * memory.run
    # Each plane is added to by one thread, or all threads look for what belongs into their rows.
    by_planes = memory.planes >= workers or (2 * memory.planes >= workers and row < _LONG_ROW)
    channels = _ASIDE // (elements * np.dtype(type).itemsize)
    lanes_aside = 0 if in_place else memory.run if channels >= memory.run else channels // _WHOLE_LINES * _WHOLE_LINES
    if by_planes and (in_place or lanes_aside):
        axes, (gx, gy, indices) = layouts.flattened(axes, gx, gy, indices)
    tables = geometry.shapes(tuple(gx.shape[a] for a in axes), tuple(gy.shape[a] for a in axes))
    memory = layouts.canonical(axes, gx, gy, indices)
    add = _driven(
        "scatter", type, tables, memory, share, (gy, indices, gx), None, reduction="sum", assign=assign, fresh=fresh,
        by_planes=by_planes, lanes_aside=lanes_aside,
    )  # fmt: skip

    def run(*arguments: Any) -> None:
        if add(*arguments):
            raise _outside(elements, arguments[-1])

    return run


def _outside(elements: int, indices: Array) -> ValueError:
    """Return the error of indices that are not all in a plane of so many elements."""
    plane = f"0 to {elements - 1}" if elements else "which is empty"
    return ValueError(f"indices must lie in the plane, {plane}; got {indices.min()} to {indices.max()}")


def gather(axes: Axes, x: layouts.View, y: layouts.View, indices: layouts.View) -> Callable[..., None]:
    """Prepare y = what x, whose pixels lie at one distance, holds at the indices.

    Returns a function of (thread limit, x, y, indices), which refuses indices outside the plane.
    """
    if 0 in y.shape:
        return _nothing
    elements, type = math.prod(x.shape[a] for a in axes), f"uint{8 * x.itemsize}"
    x, y = (layouts.View(view.shape, view.strides, view.itemsize, type) for view in (x, y))
    if 0 not in x.shape:
        axes, (x, y, indices) = layouts.flattened(axes, x, y, indices)
    tables = geometry.shapes(tuple(x.shape[a] for a in axes), tuple(y.shape[a] for a in axes))
    memory = layouts.canonical(axes, x, y, indices)
    take = _driven("gather", type, tables, memory, threads.share(4 * math.prod(y.shape)), (x, indices, y), None)

    def run(limit: int, x: Array, y: Array, at: Array) -> None:
        if take(limit, x, y, at):
            raise _outside(elements, at)

    return run


def spread(
    plan: Plan, axes: Axes, dtype: Any, gx: layouts.View, gy: layouts.View, divide: bool = True
) -> Callable[..., None]:
    """Prepare the gradient of averages over the plan's windows, or without `divide` of sums: (threads, gx, gy).

    It is a sum itself, of the outputs that see each input, each divided by its count.
    """
    if 0 in gx.shape:
        return _nothing
    in_order = _in_memory_order(plan, axes, gx)
    if in_order[1] != axes and all(table.kernel <= 1 for table in plan.transposed()):  # no two numbers are added
        plan, axes = in_order
    plan, axes = _without_ones(plan, axes, gx)
    if plan.elements <= _ONE_ROW:
        plan, axes, (gy, gx) = _as_one_row(plan, axes, gy, gx)
    tables = plan.transposed()
    work = math.prod(gx.shape) + math.prod(gy.shape) * plan.cost
    even = plan.divisor if plan.divisor is not None else math.prod(table.one_count for table in tables)
    type = SUMS[dtype.name]
    how: dict[str, Any] = dict(divides_first=True)
    if even or not divide:
        how = dict(divide=divide, divisor=even)
    pool = (
        _copied(type, tables, axes, (gy, gx), (even or None) if divide else 1)
        or _rows_first(type, tables, axes, (gy, gx), work, how)
        or _call("values", "sum", type, tables, axes, (gy, gx), work, **how)
    )
    return lambda limit, gx, gy: pool(limit, gy, gx)


def _rows_first(
    type: str, tables: list[Table], axes: Axes, views: tuple[layouts.View, layouts.View], work: int, how: dict[str, Any]
) -> Callable[..., None] | None:
    """Prepare the same along D and H first, by way of an array of as few columns as the gradient has, if its rows
    become much longer and follow no rule (0.4 to 0.8 of the time): then all that is done along H is done to short rows.
    """
    (gy, gx), (d, h, w) = views, tables
    memory, size = layouts.canonical(axes, gy, gx), np.dtype(type).itemsize
    if memory.run > 1 or not strategies.widens_last(tables, size):
        return None
    axis, order = axes[-1], layouts.memory_order(gx.shape, gx.strides)
    shape = (*gx.shape[:axis], w.size, *gx.shape[axis + 1 :])
    sums = layouts.View(shape, layouts.dense_strides(shape, order, size), size, type)
    alone, first = geometry.shapes((1,), (1,)), "divides_first" in how
    short = geometry.shapes((w.size,), (w.size,))[2]
    add = _call(
        "values", "sum", type, [d, h, replace(short, count=w.count)], axes, (gy, sums), work, **how if first else {}
    )
    widen = _call("values", "sum", type, [*alone[:2], w], (axis,), (sums, gx), work, **{} if first else how)
    if explained.get() is not None:
        return _nothing

    def run(limit: int, gy: Array, gx: Array) -> None:
        between = layouts.empty(shape, order, type)
        add(limit, gy, between)
        widen(limit, between, gx)

    return run


def powers(type: str, n: int, power: float, zeros: bool) -> Callable[..., None]:
    """Prepare g * x**power of n numbers that lie densely: a function of (thread limit, g, result, x).

    With `zeros` the result is 0 where x is.
    """
    if n == 0:
        return _nothing
    size = np.dtype(type).itemsize
    views = (layouts.View((n,), (size,), size, type),) * 3
    return _driven(
        "powers", type, geometry.shapes((n,), (n,)), layouts.canonical((0,), *views), threads.share(_POWER * n), views,
        None, reduction="sum", power=power, zeros=zeros,
    )  # fmt: skip


#: Bytes of the smallest slab that is filled with copies, unless all are taken for one; and of the shortest row, twice
#: that if it begins or ends within a window, unless all rows are one. Smaller ones are turned, but for those that have
#: many copies of few elements.
_LEAST_COPIED = 4096
_LEAST_COPIED_ROW = 96


def _copied(
    type: str, tables: list[Table], axes: Axes, views: tuple[layouts.View, layouts.View], divisor: int | None
) -> Callable[..., None] | None:
    """Prepare the same of windows that lie side by side, if rows lie densely: each element gets a copy of one share.

    Shares are the gradient divided by `divisor`, or by the counts of the windows.
    """
    memory, size, last = layouts.canonical(axes, *views), np.dtype(type).itemsize, tables[2]
    dense = all(v.strides[2] == size or n == 1 for v, n in zip(memory.views, (last.size, last.out), strict=True))
    if memory.run > 1 or not dense or {v.type for v in views} != {type}:
        return None
    d, h, w = (table.copies for table in tables)
    if d is None or h is None or w is None:
        return None
    tall = h.joined(memory.planes) if d.out == 1 and divisor is not None else None
    if tall and (joined := memory.joined((h.size, h.out))):
        h, memory = tall, joined
    whole = w.joined(h.out)
    least = _LEAST_COPIED_ROW if whole else 2 * _LEAST_COPIED_ROW
    short = w.out * size < least and not (whole and h.period == 1)
    if (short or h.out * w.out * size < _LEAST_COPIED) and w.period < strategies.ALIKE:
        return None
    columns = min((w.out - 1 + w.before) // w.period + 1, strategies.WIDEST_ROW // size)
    return _driven(
        "copies", type, [d, h, w], memory, threads.share(math.prod(views[1].shape)), views, None, reduction="sum",
        divisor=divisor, divides=divisor is None, columns=columns,
        rows=max(1, strategies.WIDEST_ROW // (columns * size)),
    )  # fmt: skip
