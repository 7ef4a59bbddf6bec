"""Which windows: every padding, stride, dilation and rounding rule becomes one small table per pooled axis.

A window of an axis is the arithmetic progression ``begin[o], begin[o] + step, ... < end[o]``, already clipped to the
input, and the number ``count[o]`` that an average divides by. The divisor of a box window is the product of its axes'
counts. Kernels read these tables and know no padding rule; a new rule is a new way to fill a table, here.

    raw window of output o (kernel 3, stride 2, padding 1), o = 0:

        padding |  input
           -1   |  0   1   2  ...        begin[0] = 0 (clipped), end[0] = 2
            ^------------^               count[0] = 3 with count_include_pad, else 2
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property, wraps
from typing import Any

import numpy as np

from .core import checks

Array = np.ndarray[Any, Any]

#: The tables of windows that need none.
_NONE: Array = np.empty(0, np.int64)

#: Windows of which each row is so long are searched for a value faster than an index is carried along.
LONG_ROW = 16

#: Most plans that are kept, and windows along all axes of one: they take 24 bytes each.
_MOST_PLANS, _MOST_KEPT = 512, 2**13
#: A window of the fast path may reach this far into padding; farther ones take the table path, which stores none.
MOST_STORED_PADDING = 4096


def _steps(begin: Array, end: Array, step: int) -> Array:
    """Return how many taps lie from begin on before end."""
    length: Array = end - begin
    return -(-length // step)


@dataclass(frozen=True)
class Table:
    """The windows of one axis as the driver reads them: tap t of output o is input ``firsts[o] + t*step``.

    Taps outside the input meet the reduction's identity. The order of a sum follows from the taps alone, inside or not.

    Attributes
    ----------
    size, out, kernel, stride, step, before : int
        Lengths of the input and of the output axis, most taps of a window, distance of windows and of taps, padding.
    uniform : bool
        Windows begin at ``o*stride - before`` and have `kernel` taps: there are no tables.
    firsts, tap_counts : ndarray of int64, shape (out,)
        Tables of the others, which have ``tap_counts[o]`` taps.
    count : ndarray of int64
        What averages divide by: one for each output, or in a gradient for each input; or the one of all.
    period, advance : int
        Of tables: windows o and o + period have as many taps, `advance` inputs apart; period 0 without such a rule.
    rows : int
        Where planes were joined to one, the rows of each; else 0.
    """

    size: int
    out: int
    kernel: int
    stride: int
    step: int
    before: int
    uniform: bool
    firsts: Array
    tap_counts: Array
    count: Array
    period: int = 0
    advance: int = 1
    rows: int = 0

    @property
    def _rule(self) -> Sliding:
        return Sliding(self.size, self.span, self.stride, self.before, 0, self.step, False)

    @property
    def first(self) -> Array:
        """The first tap of each window, of uniform ones that inside the input."""
        return self._rule(np.arange(self.out, dtype=np.int64))[0] if self.uniform else self.firsts

    @property
    def taps(self) -> Array:
        """How many taps each window has, of uniform ones inside the input."""
        if not self.uniform:
            return self.tap_counts
        begin, end, _ = self._rule(np.arange(self.out, dtype=np.int64))
        return _steps(begin, end, self.step)

    @property
    def span(self) -> int:
        """Elements from a window's first tap to its last, both counted."""
        return (self.kernel - 1) * self.step + 1

    @property
    def repeats(self) -> float:
        """How many neighbours see the same, on average, as those of a gradient of large windows do."""
        return 1 if self.uniform else self.out / max(1, int(np.count_nonzero(self.alike == 1)))

    @property
    def alike(self) -> Array:
        """How many windows from each one on see the same: of tables, and counted until another one does not.

        Examples
        --------
        >>> import cpool.geometry as geometry
        >>> geometry.adaptive_windows(2, 5, "W").forward().alike
        array([2, 1, 1, 2, 1])
        """
        o = np.arange(self.out, dtype=np.int64)
        last = np.append(np.flatnonzero(np.diff(self.first) | np.diff(self.taps)), self.out - 1)
        return last[np.searchsorted(last, o)] - o + 1

    @property
    def fewest(self) -> int:
        """Fewest taps of a window, inside or not."""
        return self.kernel if self.uniform else int(self.taps.min(initial=self.kernel))

    @property
    def pooled(self) -> bool:
        """Whether windows are anything but the elements themselves."""
        return not (self.uniform and self.kernel == self.stride == 1 and self.before == 0 and self.out == self.size)

    @property
    def copies(self) -> Copies | None:
        """The same, if each output sees one input alone, as in the gradient of windows that lie side by side; or None.

        Examples
        --------
        >>> import cpool.geometry as geometry
        >>> plan = geometry.sliding_plan((7,), (3,), (3,), ((1, 1),), (1,), True, True, None, False)
        >>> copies = plan.transposed()[2].copies
        >>> copies.period, copies.before, copies.first
        (3, 1, array([0, 0, 1, 1, 1, 2, 2]))
        """
        if not self.pooled:
            period, before = 1, 0
        elif self.uniform or not self.out:
            return None
        else:
            begins = np.flatnonzero(np.diff(self.first, prepend=self.first[0] - 1))
            lengths = np.diff(begins, append=self.out)  # of neighbours that begin alike
            period = int(lengths.max())
            before = period - int(lengths[0]) if len(lengths) > 1 else 0
            rule = (np.arange(self.out) + before) // period
            sees = (self.taps > 0) & (self.first < self.size)
            alone = (self.taps == 1) & (self.first == rule)
            if not np.where(rule < self.size, alone, ~sees).all():
                return None
        return Copies(
            self.size, self.out, 1, 1, 1, before, False, self.firsts, self.tap_counts, self.count, period,
            rows=self.rows,
        )  # fmt: skip

    @property
    def binary(self) -> bool:
        """Whether each window has a power of two of taps, or none."""
        taps = np.array([self.kernel]) if self.uniform else self.taps
        return bool(((taps & (taps - 1)) == 0).all())

    @property
    def one_count(self) -> int:
        """The count of all, or 0 if they differ."""
        first = int(self.count[0]) if self.count.size else 1
        return first if (self.count == first).all() else 0

    @property
    def listed(self) -> bool:
        """Whether the driver reads tables of the windows."""
        return not self.uniform

    @property
    def packed(self) -> list[Any]:
        """Integers and arrays, in the order in which the driver reads them."""
        header = [self.size, self.out, self.kernel, self.stride, self.step, self.before, self.period]
        header += [int(not self.listed), self.advance, self.rows, self.one_count, len(self.count)]
        tables = [self.first, self.taps, self.alike] if self.listed else []
        return [header, *tables, *([] if self.one_count else [self.count])]


@dataclass(frozen=True)
class Copies(Table):
    """Outputs of which number o sees input ``(o + before) // period`` alone."""

    @property
    def pooled(self) -> bool:
        """Whether there is more than one copy of anything."""
        return self.period > 1

    @property
    def listed(self) -> bool:
        """No: there is that rule."""
        return False

    def joined(self, n: int) -> Copies | None:
        """Return the axis of n planes taken for one tall plane, unless copies would reach from one to the next."""
        if self.before or self.size * self.period != self.out or not self.one_count:
            return None
        return replace(self, size=n * self.size, out=n * self.out, rows=self.size)


@dataclass(frozen=True)
class Sliding:
    """The rule of windows that slide by a constant stride: of outputs, first tap inside, one past the last, divisor."""

    size: int
    span: int
    stride: int
    before: int
    after: int
    step: int
    padding_counts: bool

    def __call__(self, o: Array) -> tuple[Array, Array, Array]:
        raw = o * self.stride - self.before
        begin = np.minimum(raw + np.where(raw < 0, -(raw // self.step) * self.step, 0), self.size)  # the first tap >= 0
        end = np.minimum(raw + self.span, self.size)
        taps = np.maximum(0, _steps(begin, end, self.step))
        # The padding counts, but nothing beyond it: ceil_mode's overhang never does.
        padded = _steps(raw, np.minimum(raw + self.span, self.size + self.after), self.step)
        count = padded if self.padding_counts else taps
        return begin, np.maximum(end, begin), np.maximum(count, 1)


@dataclass(frozen=True)
class Listed:
    """The rule of windows that are told one by one."""

    begin: Array
    end: Array
    count: Array

    def __call__(self, o: Array) -> tuple[Array, Array, Array]:
        return self.begin[o], self.end[o], self.count[o]


@dataclass(frozen=True)
class Itself:
    """The rule of elements that were windows of another rule, whose divisors they keep."""

    windows: Callable[[Array], tuple[Array, Array, Array]]

    def __call__(self, o: Array) -> tuple[Array, Array, Array]:
        return o, o + 1, self.windows(o)[2]


@dataclass(frozen=True, eq=False)
class AxisWindows:
    """The windows along one pooled axis.

    Attributes
    ----------
    size, out : int
        Length of the input and of the output axis.
    kernel, stride, step, before : int
        Taps of a window, distance of windows, distance of taps, and padding in front of the input.
    sliding : bool
        Every window is ``o*stride - before + t*step`` for ``t < kernel``, clipped to the input.
    rule : callable
        Of an array of outputs: first tap inside the input, one past the last, and the average's divisor.
    alike : pair of int
        Outputs [a, b) whose windows lie wholly inside, a stride apart each, and have one divisor: one stands for all,
        so that long axes need no arrays.
    period, advance : int
        Of windows that do not slide, as in `Table`.
    """

    size: int
    out: int
    kernel: int
    stride: int
    step: int
    before: int
    sliding: bool
    rule: Callable[[Array], tuple[Array, Array, Array]]
    alike: tuple[int, int] = (0, 0)
    period: int = 0
    advance: int = 1

    @cached_property
    def _all(self) -> tuple[Array, Array, Array]:
        return self.rule(np.arange(self.out, dtype=np.int64))

    @property
    def begin(self) -> Array:
        """First tap of each window inside the input."""
        return self._all[0]

    @property
    def end(self) -> Array:
        """One past the last."""
        return self._all[1]

    @property
    def count(self) -> Array:
        """What the average over each window divides by."""
        return self._all[2]

    @property
    def taps(self) -> Array:
        """How many taps of each window lie inside the input."""
        return _steps(self.begin, self.end, self.step)

    @cached_property
    def some(self) -> tuple[Array, Array, Array, Array]:
        """Outputs that stand for all: first tap, taps inside and count of each, and which they are."""
        a, b = self.alike
        o = np.arange(self.out if a >= b else a + 1, dtype=np.int64)
        if a < b:
            o = np.concatenate([o, np.arange(b, self.out, dtype=np.int64)])
        begin, end, count = self.rule(o)
        return begin, _steps(begin, end, self.step), count, o

    @property
    def counts(self) -> Array:
        """The divisor of each window, or the only one."""
        _, _, count, o = self.some
        if (count == count[:1]).all():
            return count[:1]
        counts = np.full(self.out, count[min(self.alike[0], len(count) - 1)], np.int64)
        counts[o] = count
        return counts

    def first_empty(self) -> int | None:
        """Return the first output position whose window has no tap inside the input, or None."""
        _, taps, _, o = self.some
        empty = np.flatnonzero(taps <= 0)
        return int(o[empty[0]]) if empty.size else None

    @property
    def fewest(self) -> float:
        """Taps inside the input of the window that has fewest of those that have any; infinity if none has."""
        taps = self.some[1]
        return float(taps[taps > 0].min(initial=self.size)) if (taps > 0).any() else math.inf

    @property
    def whole(self) -> bool:
        """Whether there is one window, and it sees all."""
        return self.out == 1 and int(self.some[1][0]) == self.size

    @property
    def uniform(self) -> bool:
        """Whether windows are read whole, padding included: not where it would be more than is worth storing."""
        reach = (self.out - 1) * self.stride + (self.kernel - 1) * self.step + 1
        return self.sliding and max(self.before, reach - self.before - self.size) <= MOST_STORED_PADDING

    @property
    def identity(self) -> bool:
        """Whether the windows are the elements themselves, whatever rule made them."""
        if self.out != self.size or (self.stride > 1 and self.alike[1] - self.alike[0] > 1):
            return False
        begin, taps, _, o = self.some
        return bool((taps == 1).all() and (begin == o).all())

    def done(self) -> AxisWindows:
        """Return the windows of what has been pooled along this axis: its elements, with the counts of the windows."""
        return AxisWindows(self.out, self.out, 1, 1, 1, 0, True, Itself(self.rule), self.alike)

    def _itself(self) -> Table:
        return Table(self.size, self.size, 1, 1, 1, 0, True, _NONE, _NONE, self.counts)

    def forward(self) -> Table:
        """Return the windows as the driver reads them."""
        if self.identity:
            return self._itself()
        stride = self.stride if self.out > 1 or not self.sliding else (self.kernel - 1) * self.step + 1
        kernel, first, taps = self.kernel, _NONE, _NONE
        if not self.uniform:
            kernel, first, taps = int(self.taps.max(initial=1)), self.begin, self.taps
        return Table(
            self.size, self.out, kernel, stride, self.step, self.before, self.uniform, first, taps, self.counts,
            self.period, self.advance,
        )  # fmt: skip

    def transposed(self) -> Table:
        """Return the windows of the gradient: which outputs see each input.

        They are a progression too. By the rule of sliding windows input i is tap t of output o where
        ``o*stride = i + before - t*step``: of each ``stride / g`` taps one, of outputs ``step / g`` apart, where g is
        the greatest common divisor of stride and step. Of other windows, whose begins and ends only rise, an interval.
        """
        if self.identity:
            return self._itself()
        i = np.arange(self.size, dtype=np.int64)
        if not self.sliding or self.out == 1 or not self.uniform:
            return self._seen_by(i)
        g = math.gcd(self.stride, self.step)
        every, step, phase = self.stride // g, self.step // g, (i + self.before) % self.stride
        tap = np.full(self.stride, self.kernel, np.int64)  # the first tap of each phase
        places = np.arange(min(every, self.kernel), dtype=np.int64) * self.step % self.stride
        tap[places] = np.arange(len(places))
        taps = (self.kernel - tap + every - 1) // every
        last = tap + (taps - 1) * every
        first = np.where(taps[phase] > 0, (i + self.before - last[phase] * self.step) // self.stride, 0)
        slides = self.stride == 1
        before = (self.kernel - 1) * self.step - self.before if slides else self.before
        return Table(
            self.out, self.size, int(taps.max()), 1, step, before, slides, first, taps[phase], self.counts,
            0 if slides else self.stride,
        )  # fmt: skip

    def _seen_by(self, i: Array) -> Table:
        """Return the windows of the gradient by search: outputs between whose begin and end element i is a tap."""
        begin, end = self.begin, self.end
        if self.sliding:  # those inside need not rise where windows are dilated
            begin = np.arange(self.out, dtype=np.int64) * self.stride - self.before
            end = begin + (self.kernel - 1) * self.step + 1
        first = np.searchsorted(end, i, "right")
        taps = np.searchsorted(begin, i, "right") - first
        step = 1
        if self.sliding and self.step > 1:
            seen = [
                f + np.flatnonzero((p - begin[f : f + n]) % self.step == 0)
                for p, f, n in zip(i, first, taps, strict=True)
            ]
            step = self.step // math.gcd(self.stride, self.step)
            first = np.array([o[0] if len(o) else 0 for o in seen], np.int64)
            taps = np.array([len(o) for o in seen], np.int64)
        taps = np.maximum(taps, 0)
        period, advance = (self.advance, self.period) if self.period else (0, 1)
        if np.ptp(first) == np.ptp(taps) == 0:  # all see the same
            period, advance = 1, 0
        return Table(
            self.out, self.size, int(taps.max(initial=1)), 1, step, 0, False, first, taps, self.counts, period, advance
        )


@dataclass(frozen=True, eq=False)  # each its own: they are kept by what they were made for
class Plan:
    """The windows of one to three pooled axes.

    ``divisor`` is that of averages, instead of the counts.
    """

    axes: tuple[AxisWindows, ...]
    out_shape: tuple[int, ...]
    divisor: int | None = None

    @property
    def elements(self) -> int:
        """Elements of one input plane."""
        return math.prod(w.size for w in self.axes)

    @property
    def window(self) -> int:
        """Elements of the largest window."""
        return math.prod(w.kernel for w in self.axes)

    @property
    def long(self) -> bool:
        """Whether it takes so much memory that it is not kept for another call."""
        return sum(self.out_shape) > _MOST_KEPT

    @property
    def fewest(self) -> float:
        """Elements inside the input of the smallest window that has any; infinity if none has."""
        return math.prod(w.fewest for w in self.axes)

    @property
    def cost(self) -> int:
        """Elements that are visited for one output, axis by axis."""
        return sum(min(w.kernel, w.size) for w in self.axes)

    @property
    def reach(self) -> int:
        """Elements of one input plane with all the padding that its windows meet."""
        return math.prod(max(w.size, w.out * w.stride + (w.kernel - 1) * w.step + 1) for w in self.axes)

    @property
    def whole(self) -> bool:
        """Whether there is one window: the plane."""
        return all(w.whole for w in self.axes)

    def searched(self, each: int) -> bool:
        """Whether windows have long dense rows, and there is at most one for `each` so many elements."""
        w = self.axes[-1]
        return w.step == 1 and w.kernel >= LONG_ROW and each * math.prod(self.out_shape) <= self.elements

    def as_one_row(self) -> Plan:
        """Return the plan of the same elements in a row, if the plan is `whole`."""
        n, count = self.elements, math.prod(int(w.count[0]) for w in self.axes)
        rule = Listed(*(np.array([v], np.int64) for v in (0, n, count)))
        return plan_of([AxisWindows(n, 1, n, n, 1, 0, True, rule)], self.divisor)

    def tables(self) -> list[Table]:
        """Return the windows of D, H and W; axes that are not pooled are windows of one element."""
        return [_no_axis()] * (3 - len(self.axes)) + [w.forward() for w in self.axes]

    def transposed(self) -> list[Table]:
        """Return the windows of the gradient, of D, H and W: outputs that see each input."""
        return [_no_axis()] * (3 - len(self.axes)) + [w.transposed() for w in self.axes]

    def inside(self, axes: tuple[int, ...], ndim: int) -> Array:
        """Return how many elements each window sees, for arrays of `ndim` axes that are pooled along `axes`."""
        product: Array = np.ones((1,) * ndim, np.int64)
        for w, axis in zip(self.axes, axes, strict=True):
            product = product * w.taps.reshape([-1 if a == axis else 1 for a in range(ndim)])
        return product


def output_length(size: int, kernel: int, stride: int, before: int, after: int, dilation: int, ceil_mode: bool) -> int:
    """Return how many windows fit: integers only, floor division rounding down (ATen's Pool.h).

    With `ceil_mode` a last window that would start beyond input and leading padding is dropped.

    Examples
    --------
    >>> output_length(5, kernel=2, stride=2, before=0, after=0, dilation=1, ceil_mode=False)
    2
    >>> output_length(5, kernel=2, stride=2, before=0, after=0, dilation=1, ceil_mode=True)
    3
    """
    span = dilation * (kernel - 1) + 1
    out = (size + before + after - span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (out - 1) * stride >= size + before:
        out -= 1
    return out


def same_padding(size: int, kernel: int, stride: int, dilation: int, extra_first: bool) -> tuple[int, int]:
    """Return (before, after) such that the output has ``ceil(size / stride)`` positions (TensorFlow, ONNX SAME)."""
    total = max(0, (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
    small = total // 2
    return (total - small, small) if extra_first else (small, total - small)


def sliding_windows(
    size: int,
    kernel: int,
    stride: int,
    before: int,
    after: int,
    dilation: int,
    ceil_mode: bool,
    count_include_pad: bool,
    axis_name: str,
) -> AxisWindows:
    """Fill the table for windows that slide by a constant stride."""
    span = dilation * (kernel - 1) + 1
    if size < 1:
        raise ValueError(f"pooled axis {axis_name} has size {size}; a pooled axis must have at least one element")
    out = output_length(size, kernel, stride, before, after, dilation, ceil_mode)
    if out < 1:
        raise ValueError(
            f"kernel_size={kernel} with dilation={dilation} spans {span} elements, more than pooled axis {axis_name} "
            f"of size {size} padded by ({before}, {after})"
        )
    if out > 2**40:
        raise ValueError(f"padding=({before}, {after}) makes pooled axis {axis_name} {out} windows long")
    rule = Sliding(size, span, stride, before, after, dilation, count_include_pad)
    inside = (min(-(-before // stride), out), max(0, min((size - span + before) // stride + 1, out)))
    return AxisWindows(size, out, kernel, stride, dilation, before, True, rule, inside)


def single_window(size: int) -> AxisWindows:
    """Return the identity windows of an axis that is not pooled."""
    return sliding_windows(size, 1, 1, 0, 0, 1, False, True, "D")


@cache
def _no_axis() -> Table:
    """Return the windows of an axis that there is not."""
    return single_window(1).forward()


def pack(tables: Iterable[Table]) -> Array:
    """Lay the windows of D, H and W end to end, as the driver reads them."""
    return np.concatenate([part for table in tables for part in table.packed], dtype=np.int64)


def _kept(make: Callable[..., Plan]) -> Callable[..., Plan]:
    """Return a function that makes each plan once, unless it is long."""
    plans: dict[tuple[Any, ...], Plan] = {}

    @wraps(make)
    def plan_for(*given: Any) -> Plan:
        plan = plans.get(given)
        if plan is None:
            plan = make(*given)
            if len(plans) >= _MOST_PLANS:
                plans.clear()
            if not plan.long:
                plans[given] = plan
        return plan

    return plan_for


@_kept
def sliding_plan(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...] | str,
    dilation: tuple[int, ...],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    needs_input: bool,
) -> Plan:
    """Return the plan of windows that slide along each axis, checked; `needs_input` refuses windows of only padding."""
    names = "DHW"[3 - len(sizes) :]
    axes = []
    for i, name in enumerate(names):
        if padding == "valid":
            before, after = 0, 0
        elif isinstance(padding, str):
            before, after = same_padding(sizes[i], kernel[i], stride[i], dilation[i], padding == "same_lower")
        else:
            before, after = padding[i]
        reach = (before, after)
        if needs_input:  # as far as there is a window of only padding, which is refused: not one for each element of it
            span = dilation[i] * (kernel[i] - 1) + 1
            reach = (min(before, span), min(after, span + stride[i]))
        windows = sliding_windows(
            sizes[i], kernel[i], stride[i], *reach, dilation[i], ceil_mode, count_include_pad, name
        )
        empty = windows.first_empty() if needs_input else None
        if empty is not None:
            raise ValueError(
                f"padding=({before}, {after}) with kernel_size={kernel[i]} and dilation={dilation[i]} puts the window "
                f"of output position {empty} on pooled axis {name} (size {sizes[i]}) wholly into padding"
            )
        axes.append(windows)
    return plan_of(axes, divisor_override)


def table_windows(size: int, begin: Array, end: Array, period: int = 0, advance: int = 1) -> AxisWindows:
    """Return windows that do not slide, each a whole interval of the input."""
    taps = end - begin
    most, rule = int(taps.max(initial=1)), Listed(begin, end, taps)
    return AxisWindows(size, len(begin), most, 1, 1, 0, False, rule, period=period, advance=advance)


def adaptive_windows(size: int, out: int, axis_name: str) -> AxisWindows:
    """Return `out` windows that cover an axis: from ``floor(i*size/out)`` to ``ceil((i + 1)*size/out)`` (ATen).

    Examples
    --------
    >>> w = adaptive_windows(5, 3, "W")
    >>> w.begin.tolist(), w.end.tolist()
    ([0, 1, 3], [2, 4, 5])
    """
    if size < 1:
        raise ValueError(f"pooled axis {axis_name} has size {size}; a pooled axis must have at least one element")
    if out and size % out == 0:  # they are tiles
        return sliding_windows(size, size // out, size // out, 0, 0, 1, False, True, axis_name)
    i = np.arange(out, dtype=np.int64)  # below 2**31, and so is size % out: no product overflows
    whole, rest = (size // out, size % out) if out else (0, 0)
    begin, end = i * whole + i * rest // max(out, 1), (i + 1) * whole - (-(i + 1) * rest // max(out, 1))
    g = math.gcd(size, out)
    return table_windows(size, begin, end, out // g, size // g)


@_kept
def adaptive_plan(sizes: tuple[int, ...], output_size: tuple[int | None, ...]) -> Plan:
    """Return the plan of windows that cover each axis with a given number of outputs; None keeps an axis."""
    names = "DHW"[3 - len(sizes) :]
    return plan_of(
        adaptive_windows(n, n if o is None else o, name) for n, o, name in zip(sizes, output_size, names, strict=True)
    )


def fractional_starts(size: int, kernel: int, out: int, samples: Array) -> Array:
    """Return where `out` windows of each plane start: Graham's pseudo-random sequence, in the samples' type (ATen).

    Examples
    --------
    >>> fractional_starts(10, 2, 5, np.array([0.5, 0.0])).tolist()
    [[0, 2, 4, 6, 8], [0, 2, 4, 6, 8]]
    """
    begin = np.full((len(samples), out), size - kernel, np.int64)
    if out > 1:
        alpha = samples.dtype.type(size - kernel) / samples.dtype.type(out - 1)
        each = samples[:, None]
        i = np.arange(out - 1).astype(samples.dtype)
        begin[:, :-1] = ((i + each) * alpha).astype(np.int64) - (each * alpha).astype(np.int64)
    return begin


def plan_of(axes: Iterable[AxisWindows], divisor: int | None = None) -> Plan:
    """Return the plan of the given windows, one per pooled axis."""
    windows = tuple(axes)
    return Plan(windows, tuple(w.out for w in windows), divisor)


def shapes(sizes: tuple[int, ...], out_shape: tuple[int, ...]) -> list[Table]:
    """Return tables of shapes alone, for scattering along indices, which needs no windows."""
    none: Array = np.ones(1, np.int64)
    pairs = [(1, 1)] * (3 - len(sizes)) + list(zip(sizes, out_shape, strict=True))
    return [Table(n, o, 1, 1, 1, 0, True, none, none, none) for n, o in pairs]


def plan(
    sizes: tuple[int, ...],
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
    *,
    needs_input: bool = False,
) -> Plan:
    """Check the arguments as users type them and return the cached plan.

    Examples
    --------
    >>> p = plan((4, 4), kernel_size=3, stride=2, padding=1)
    >>> p.out_shape
    (2, 2)
    >>> p.axes[0].begin.tolist(), p.axes[0].end.tolist()
    ([0, 1], [2, 4])
    """
    ndim = len(sizes)
    kernel = checks.per_axis("kernel_size", kernel_size, ndim, 1)
    return sliding_plan(
        sizes,
        kernel,
        checks.strides(stride, kernel),
        explicit_padding(padding, ndim),
        checks.per_axis("dilation", dilation, ndim, 1),
        checks.flag("ceil_mode", ceil_mode),
        checks.flag("count_include_pad", count_include_pad),
        None if divisor_override is None else nonzero("divisor_override", divisor_override),
        needs_input,
    )


def nonzero(name: str, value: Any) -> int:
    """Return `value` as an int other than 0."""
    number = checks.integer(name, value, -checks.LARGEST)
    if number == 0:
        raise ValueError(f"{name} must not be 0")
    return number


def explicit_padding(padding: Any, ndim: int) -> tuple[tuple[int, int], ...] | str:
    """Return `padding` (int, one per axis, one pair per axis, or a rule's name) as pairs or the rule's name."""
    if isinstance(padding, str):
        if padding not in ("valid", "same", "same_lower"):
            raise ValueError(f"padding must be an int, ints, pairs, 'valid', 'same' or 'same_lower', got {padding!r}")
        return padding
    given = padding.tolist() if isinstance(padding, np.ndarray) else padding
    if isinstance(given, (tuple, list)) and any(isinstance(p, (tuple, list, np.ndarray)) for p in given):
        if len(given) not in (1, ndim):
            raise ValueError(f"padding must have one (before, after) pair per pooled axis ({ndim}), got {padding!r}")
        each = [*given] * (ndim // len(given))
        pairs = [checks.ints(f"padding[{i}]", p, 2, 0) for i, p in enumerate(each)]
        return tuple((p[0], p[1]) for p in pairs)
    return tuple((p, p) for p in checks.per_axis("padding", padding, ndim, 0))
