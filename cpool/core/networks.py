"""Selection networks: which pairs of rows to put in order, one step after the other, until wanted ranks are known.

A network does not depend on the numbers, so whole rows of them go through it, one window per lane. It starts as a
sorting network of odd-even merges (Knuth, TAOCP 5.3.4). Of its exchanges those go whose outcome follows from earlier
ones, and those of elements that have too many below or above them to have a wanted rank; and of the others the half
that nobody reads.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

Pairs = list[tuple[int, int]]
#: Arguments of `selecting` whose networks are compiled (kernels/leaves/networks.py); others go step by step from row to
#: row. Columns of 2, 3, 5 and 9 taps; medians of 2x2, 3x3, 5x5, 3x3x3, and of 3 and 5 taps along one axis; 3x3 of which
#: not all taps count.
COMPILED = (
    (2, 1, (0, 1)), (3, 1, (0, 1, 2)), (5, 1, (0, 1, 2, 3, 4)), (9, 1, (0, 1, 2, 3, 4, 5, 6, 7, 8)),
    (2, 2, (1, 2)), (3, 3, (4,)), (5, 5, (12,)), (3, 9, (13,)), (3, 1, (1,)), (5, 1, (2,)),
    (3, 3, (0, 1, 2, 3, 4)),
)  # fmt: skip
#: Most taps of which it is tracked what follows from what: its cost grows with their cube.
_FOLLOWED = 128
#: Most taps of networks that are kept, 256 of them: larger ones take megabytes.
_MOST_KEPT = 1024


class Network(NamedTuple):
    """Steps over rows, of which the first are the inputs; these are only read.

    Attributes
    ----------
    inputs, rows : int
        How many there are.
    steps : list of (low, high, a, b)
        Row `low` becomes the minimum and `high` the maximum of rows `a` and `b`, four different ones; none if -1.
    order : list of int
        The row of each rank, -1 of those that are not wanted.
    number : int
        Of the compiled function that does all of it, or -1.
    """

    inputs: int
    rows: int
    steps: list[tuple[int, int, int, int]]
    order: list[int]
    number: int = -1


def packed(networks: Iterable[Network]) -> array[int]:
    """Return one array of int32: for each network its number, those of inputs, rows and steps, the steps, the order."""
    parts = [
        [n.number, n.inputs, n.rows, len(n.steps), *(row for step in n.steps for row in step), *n.order]
        for n in networks
    ]
    return array("i", [number for part in parts for number in part])


def _merged(a: list[int], b: list[int]) -> tuple[Pairs, list[int]]:
    """Return the exchanges that merge two sorted lists of rows, and the rows in order."""
    if not a or not b:
        return [], a + b
    if len(a) == len(b) == 1:
        return [(a[0], b[0])], a + b
    pairs, first = _merged(a[::2], b[::2])
    more, second = _merged(a[1::2], b[1::2])
    last = list(zip(second, first[1:], strict=False))
    order = [first[0], *(row for pair in last for row in pair), *first[len(last) + 1 :], *second[len(last) :]]
    return pairs + more + last, order


def _sorted(lists: list[list[int]]) -> tuple[Pairs, list[int]]:
    """Return the exchanges that merge sorted lists of rows into one, and the rows in order."""
    pairs: Pairs = []
    while len(lists) > 1:
        merged = [_merged(*two) for two in zip(lists[::2], lists[1::2], strict=False)]
        pairs += [pair for exchanges, _ in merged for pair in exchanges]
        lists = [order for _, order in merged] + lists[len(lists) & ~1 :]
    return pairs, lists[0]


class _Known:
    """What is known of the order of elements: sets, as bits, of those below and above each, itself included."""

    def __init__(self, n: int, least: int, most: int) -> None:
        self.below = [1 << i for i in range(n)]
        self.above = [1 << i for i in range(n)]
        self.low = [False] * n  # too low for any rank from `least` on
        self.high = [False] * n  # too high for any up to `most`
        self.fewest_above, self.fewest_below = n - least, most + 1

    def settle(self, i: int) -> None:
        self.low[i] = self.above[i].bit_count() > self.fewest_above
        self.high[i] = self.below[i].bit_count() > self.fewest_below

    def learn(self, sequences: list[list[int]]) -> None:
        """Take it that each sequence is in order."""
        for sequence in sequences:
            for i, j in itertools.pairwise(sequence):
                self.below[j] |= 1 << i
        n = len(self.below)
        for m in range(n):
            for i in range(n):
                self.below[i] |= self.below[m] if self.below[i] >> m & 1 else 0
        for i in range(n):
            self.above[i] = sum(1 << j for j in range(n) if self.below[j] >> i & 1)
            self.settle(i)

    def settled(self, i: int, j: int) -> bool:
        """Whether i need not be compared with j, for it counts as the lower one."""
        return self.low[i] or self.high[j] or bool(self.below[j] >> i & 1)

    def exchange(self, i: int, j: int) -> None:
        """Let i be the lower and j the higher of both."""
        both, one, other = 1 << i | 1 << j, 1 << i, 1 << j
        for sets, least in ((self.below, one), (self.above, other)):
            for k, known in enumerate(sets):
                if known & both and k not in (i, j):
                    sets[k] = known & ~both | (both if known & both == both else least)
            shared, joined = sets[i] & sets[j] & ~both, (sets[i] | sets[j]) | both
            sets[i], sets[j] = (shared | least, joined) if least == one else (joined, shared | least)
        self.settle(i)
        self.settle(j)


def _pruned(
    n: int, stages: list[tuple[list[list[int]], Pairs]], order: list[int], wanted: list[int]
) -> tuple[Pairs, list[int]]:
    """Return the exchanges that are needed, and what stands where `order` says after them.

    A stage is what is known before it, and its exchanges.
    """
    if n > _FOLLOWED or len(wanted) == n:
        return [pair for _, pairs in stages for pair in pairs], order
    known, named, kept = _Known(n, min(wanted), max(wanted)), list(range(n)), []
    for sequences, pairs in stages:
        known.learn([[named[i] for i in sequence] for sequence in sequences])
        for a, b in pairs:
            i, j = named[a], named[b]
            if known.settled(i, j):
                continue
            if known.settled(j, i):
                named[a], named[b] = j, i
                continue
            kept.append((i, j))
            known.exchange(i, j)
    return kept, [named[i] for i in order]


def _placed(n: int, pairs: Pairs, order: list[int], wanted: list[int]) -> Network:
    """Return the network of exchanges whose halves somebody reads, each result in a row that is free."""
    read = {order[rank] for rank in wanted}
    halves = []
    for i, j in reversed(pairs):
        if i in read or j in read:
            halves.append((i, j, i in read, j in read))
            read |= {i, j}
    row, free, rows, steps = list(range(n)), list[int](), n, []
    for i, j, low, high in reversed(halves):
        a, b = row[i], row[j]
        for element, needed in ((i, low), (j, high)):
            if needed and not free:
                free.append(rows)
                rows += 1
            row[element] = free.pop() if needed else -1
        steps.append((row[i], row[j], a, b))
        free += [used for used in (a, b) if used >= n]
    return Network(n, rows, steps, [row[order[rank]] if rank in wanted else -1 for rank in range(n)])


def sorting(taps: int) -> Network:
    """Return the network that orders so many rows."""
    return selecting(taps, 1, tuple(range(taps)))


def unsorted(taps: int) -> Network:
    """Return the network that leaves so many rows as they are."""
    return Network(taps, taps, [], list(range(taps)))


def selecting(columns: int, height: int, wanted: tuple[int, ...]) -> Network:
    """Return the network that finds the wanted ranks of so many columns of rows, each column in order already."""
    return (_kept if columns * height <= _MOST_KEPT else _selecting)(columns, height, wanted)


def _selecting(columns: int, height: int, wanted: tuple[int, ...]) -> Network:
    """Return the same, made anew.

    Where columns are in order, each row of them is put in order first: the columns stay so, and an element then has all
    those below it that stand neither to the right of it nor under it.
    """
    n = columns * height
    lists = [list(range(i * height, (i + 1) * height)) for i in range(columns)]
    stages: list[tuple[list[list[int]], Pairs]] = []
    if height > 1 and len(wanted) < n <= _FOLLOWED:
        across = [_sorted([[column[i]] for column in lists]) for i in range(height)]
        stages.append((lists, [pair for pairs, _ in across for pair in pairs]))
        rows = [row for _, row in across]
        lists = [list(column) for column in zip(*rows, strict=True)]
        stages.append((rows + lists, []))
    pairs, order = _sorted(lists)
    stages.append((lists, pairs))
    network = _placed(n, *_pruned(n, stages, order, list(wanted)), list(wanted))
    which = columns, height, wanted
    return network._replace(number=COMPILED.index(which) if which in COMPILED else -1)


_kept = lru_cache(maxsize=256)(_selecting)
