"""How a call is computed: one function decides, `cpool.explain` shows it.

Along H rows are folded, ``across``:

=============  =======================================================================================================
as it lies     rows are read where they lie in the array
nested         rows are loaded, or folded along D first, as they are needed: no rows are shared, or too many for scratch
band           the input rows under a chunk of output rows are loaded once, or folded along D, and shared
band flat      the same, and neighbouring windows share results, as `flat` ones do along W
=============  =======================================================================================================

Along W lanes are folded, ``along``: the list is at the head of `kernels/driver/lanes.pxi`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..geometry import Table

#: Bytes of a vector: runs of channels as long as that need no transposition, and shorter rows lie end to end.
VECTOR = 32
#: Bytes of the rows of a chunk: they stay in the first cache between the steps.
CHUNK = 16384
#: Bytes of one row in scratch, above which columns are cut into tiles.
WIDEST_ROW = 32768
#: The same of a row of channels: longer, so that memory is read in long pieces. Where places are wanted, it is BAND.
WIDEST_PIXELS = 65536
#: Rows of a tile are as long as so many windows, if these share columns.
SHARED = 4
#: Bytes of the input rows that output rows share: they stay in the second cache.
BAND = 131072
#: Bytes of a row of a tile under tall windows, at least.
NARROWEST = 64
#: Bytes of a block of channels, at least; and the same where places are wanted.
BLOCK = 64
BLOCK_OF_PICKS = 128
#: Taps of the largest windows that are put in order by networks if their elements can be ranked, whatever they share:
#: larger networks take seconds to build.
MOST_IN_NETWORK = 4096
#: Taps of networks that are built for any number of windows.
BUILT_FOR_ANY = 128
#: Windows of dilated taps are ranked with what lies between them, up to so many times as many elements.
SPARSE = 8
#: Elements that are ranked at once, unless windows are larger.
RANKED = 32768
#: Rows that are turned into lanes at once, if there are so many.
LANES = 64
#: Taps of one pass; longer windows that overlap share results.
RADIX = 8
#: Windows of so many rows share results although no band of whole rows stays in the second cache (fewer rows are folded
#: where they lie in 0.5 to 1 of the time),
TALL = 32
#: if there are more output rows than these and than a quarter of a window's,
FEW_ROWS = 16
#: and a band has no more bytes.
TALLEST_BAND = 2**21
#: Windows that move by more than 1 share results as if they moved by 1 if each column is in so many of them (16: 0.5 to
#: 0.8 of the time, 40: 0.3); where places are wanted, and along H, if it is in as many as the second number, sums along
#: H twice as many; and if a tile, which holds several, has no more bytes along W.
SLIDING, SLIDING_MORE = 16, 20
WIDEST_SLIDING = 2**19
#: Taps of windows of few rows that follow no rule but have as many taps each, or one more, which are folded as if they
#: began at every column (0.1 to 0.6 of the time).
LISTED = 16
#: Taps that are compared in one pass, also where output rows share input rows.
SINGLE = 25
#: Elements of the largest plane that is turned into channels where windows move by 1, or a plane is one row.
MOST_TURNED = 1024
#: The same of a plane that is one row, on which windows move by 1.
MOST_TURNED_ROW = 48
#: Pixels of the longest row of planes with channels that are turned, if there is one number a lane.
TURNED_PIXELS = 24
#: Fewest planes that are turned.
FEWEST = 4
#: Most lanes that planes are turned into at once.
TOGETHER = 256
#: Bytes of the band of rows of all planes that are turned at once: they stay in the second cache.
TURNED = 196608
#: Bytes of the band of planes that are copied at once where not all elements count, or powers of them are wanted: they
#: stay in the second cache unless windows are taller than that.
COUNTING = 262144
#: Bytes of rows, below which those that have to be loaded are loaded as a band: mostly 0.1 to 0.9 of the time.
LOADED_ROW = 1024
#: So many bands for each thread, at least.
SHARES = 4
#: Bytes of the longest row of planes that are turned into channels, where windows move by more than 1.
TURNED_ROW = 80
#: The same of windows that move by 1, of up to 3 taps and of more.
TURNED_ROW_3 = 60
TURNED_ROW_MORE = 128
#: Phases of a gradient that are put together.
MOST_PHASES = 32
#: Fewest taps of windows that are folded along H and W at once.
CONDENSED = 25
#: Windows of so many columns, if there are few, are folded in blocks.
LONG = 64
#: The same of few channels, if a window has so many bytes of each.
LONG_CHANNEL = 512
#: So many neighbours that see the same are one result, copied.
ALIKE = 12
#: Pixels of so many bytes are rows themselves if no other axis is pooled, and windows have up to RADIX of them and lie
#: apart, or up to half as many and are so many (0.2 to 1.0 of the time; with places 0.5 to 1.1).
PIXEL_ROW, MANY_WINDOWS = 128, 16
#: So many neighbours alike make copies worthwhile: in planes of one row (0.4 to 0.5 of the time that turned ones take),
#: of rows, and of columns whose windows follow a rule. Rows that are summed before they are widened become so many
#: times as long, and have so many bytes then.
FEW_ALIKE = 4
WIDENED, WIDENED_ROW = 10, 128
#: Windows that begin so many columns apart are folded one by one.
APART = 32


class Strategy(NamedTuple):
    """How H and W are folded, how many output rows and columns at once, and whether places are found in one pass."""

    across: str
    along: str
    rows: int
    columns: int
    one_pass: bool


def _halved(w: Table, run: int) -> bool:
    """Return whether windows are of 2 or 3 columns that move by 2, so that shuffles take them apart."""
    return w.uniform and w.stride == 2 and w.step == 1 and w.kernel in (2, 3) and run == 1


def _at_once(tables: list[Table]) -> bool:
    """Return whether all taps of a window are compared in one pass: they are few, or no output row shares them."""
    h = tables[1]
    return math.prod(min(t.kernel, t.size) for t in tables) <= SINGLE or (h.uniform and h.stride >= h.span)


def _picked_by_halves(tables: list[Table], run: int, size: int, least: int) -> bool:
    """Return whether places are found by halves: rows of outputs have `least` bytes, or nearly a vector and follow one
    another without a gap through all planes, as do the rows that they see."""
    _, h, w = tables
    if not (_at_once(tables) and _halved(w, run)):
        return False
    tiles = w.size == 2 * w.out and w.kernel == 2 and not w.before and h.uniform and h.out * h.stride == h.size
    return w.out * size >= least or (4 * w.out * size >= 3 * VECTOR and tiles and not h.before and h.span <= h.stride)


def _slides_along(w: Table, run: int, size: int, picks: bool) -> bool:
    """Return whether windows that begin at every column are folded, of which those that are not wanted are left out."""
    if not w.uniform or w.out == 1:
        return False
    if w.stride == 1:
        return True
    if 1 < run < VECTOR // size and max(w.kernel, w.stride) <= (RADIX // 2 if picks else RADIX):
        return True  # cheaper than a transposition of channels
    if SHARED * w.span * run * size > WIDEST_SLIDING:
        return False
    return w.kernel * w.out >= (SLIDING_MORE if picks else SLIDING) * ((w.out - 1) * w.stride + w.span)


def _singly(w: Table, run: int, size: int) -> bool:
    """Return whether windows begin so many columns apart that each is folded by itself."""
    apart = w.size // w.out if not w.uniform else w.kernel if w.out == 1 else w.stride
    return w.pooled and run == 1 and w.step == 1 and apart >= APART and w.span * size <= WIDEST_ROW


def _shares_rows(h: Table) -> bool:
    """Return whether output rows see some input rows that others see."""
    return h.uniform and h.stride < h.span and h.out > 1


def mostly_alike(w: Table) -> bool:
    """Return whether many neighbours see the same, as those of the gradient of large windows do."""
    return w.out > 1 and min(w.out, ALIKE) <= w.repeats


def _along(h: Table, w: Table, run: int, size: int, rows: int, picks: bool, halves: bool, divides_first: bool) -> str:
    """Choose the strategy along W; `rows` is how many output rows there are in all planes."""
    if not w.pooled:
        return "none"
    unit = run * size
    alike = not picks and mostly_alike(w)  # of neighbours one is folded, and copied
    long = not picks and not divides_first and w.kernel >= LONG and w.step == 1
    slides = _slides_along(w, run, size, picks)
    if unit >= VECTOR:
        if slides:
            return "flat"
        return "long" if long and w.span * unit > BAND else "rows"
    if not picks and _singly(w, run, size) and not slides:
        return "singly"
    if not w.uniform:
        if 1 < w.period <= min(w.out, MOST_PHASES) and w.advance == 1 and run == 1 and not (picks or alike):
            return "spread"
        # Where most rows are copied, few are folded at once; and long runs are filled as quickly one by one.
        filled = w.out >= ALIKE and (run > 1 or h.repeats >= FEW_ALIKE or w.repeats >= 8 * LONG)
        if rows >= RADIX and not (alike and filled):
            return "turned"
        if run == 1 and not alike and w.kernel <= LISTED and 0 < w.fewest >= w.kernel - 1:
            return "flat"
        return "long" if long else "rows"
    if slides:
        return "flat"
    if w.uniform and w.out > 1 and w.stride * unit > WIDEST_ROW:
        return "long" if long else "rows"  # phases would hold what lies between windows
    # Windows of few channels that share little: long enough for each channel to be a row.
    apart = run > 1 and w.kernel <= 2 * w.stride and not _shares_rows(h) and w.kernel * size >= LONG_CHANNEL
    if long and (rows * w.out < RADIX or w.span * unit > WIDEST_ROW or apart):
        return "long"
    if _halved(w, run) and (halves if picks else w.out > 1):
        return "halves"
    return "phases"


def _slides(h: Table, sums: bool) -> bool:
    """Return whether tall windows overlap so much that they can share results as they do along W."""
    least = RADIX if h.stride == 1 else SLIDING_MORE * h.stride * (1 + sums)
    return h.uniform and h.kernel > least and h.out > 4


def _tall(h: Table, row: int, sums: bool) -> bool:
    """Return whether tall windows share results although a band of rows of so many bytes does not stay in the second
    cache."""
    many = h.out * h.stride > max(FEW_ROWS, h.kernel // 4)
    return _slides(h, sums) and h.kernel >= TALL and many and (h.span + h.stride) * row <= TALLEST_BAND


def _across(d: Table, h: Table, as_it_lies: bool, along: str, row: int, sums: bool) -> str:
    """Choose the strategy along D and H; `row` is the bytes of one row in scratch."""
    shared = _shares_rows(h) and along != "long"
    fits = (h.span + h.stride) * row <= 2 * BAND
    if shared and (_slides(h, sums) if fits else _tall(h, row, sums)):
        return "band flat"
    shared = shared and fits
    together = not sums or (d.kernel <= RADIX and d.binary)  # D first, then H, is the same sum
    if as_it_lies and together and (d.kernel <= 2 or not shared):
        return "as it lies"
    return "band" if shared else "nested"


def as_rows(tables: list[Table], pixel: int) -> bool:
    """Return whether the pixels along W, of so many bytes, are taken for rows along H: W alone is pooled."""
    d, h, w = tables
    alone = d.size * h.size == 1 and w.pooled and not (d.pooled or h.pooled)
    apart = w.stride >= w.span
    few = w.uniform and w.kernel <= (RADIX if apart else RADIX // 2) and (apart or w.out >= MANY_WINDOWS)
    return alone and few and pixel >= PIXEL_ROW


def condenses(tables: list[Table], run: int, planes: int) -> bool:
    """Return whether each row is one window of a few columns, and windows have few rows, which they do not share."""
    d, h, w = tables
    if h.kernel * w.kernel < CONDENSED:
        return False
    rows = h.uniform and not h.before and h.kernel <= RADIX and (h.out - 1) * h.stride + h.span <= h.size
    rows = rows and (h.out == 1 or h.stride >= h.span)
    columns = w.uniform and not w.before and w.out == 1 < w.kernel <= RADIX and w.span == w.size == w.kernel
    return rows and columns and run == d.size == d.out == 1 and not d.pooled and planes * h.out >= RADIX


def windows_at_once(tables: list[Table], run: int, size: int, sums: bool) -> bool:
    """Return whether pixels are vectors, and windows have few of them, which they do not share along W; of sums in an
    order that is that of rows first."""
    d, h, w = tables
    uniform = d.uniform and h.uniform and w.uniform  # tables may have windows that see nothing
    if run * size < VECTOR or d.kernel > 1 or not (uniform and w.pooled):
        return False
    return h.kernel * w.kernel <= RADIX and w.stride >= w.span and (not sums or h.kernel in (1, 2, 4))


def choose(
    tables: list[Table],
    run: int,
    size: int,
    planes: int,
    as_it_lies: bool,
    sums: bool,
    picks: bool,
    divides_first: bool,
    at_once: str | None = None,
) -> Strategy:
    """Decide everything about one call.

    Parameters
    ----------
    tables : list of Table
        The windows of D, H and W.
    run, size, planes : int
        Elements under one pixel, bytes of one, and planes.
    as_it_lies : bool
        Whether rows can be read where they lie.
    sums, picks, divides_first : bool
        Whether the order of a fold matters; whether places are wanted; whether the input is divided before it is
        summed.
    at_once : str, optional
        How rows and columns are folded at once, where rows are read as they lie: "condensed", of floats, if
        `condenses`, or "windows" if `windows_at_once`.
    """
    d, h, w = tables
    unit = run * size
    total = planes * d.out * h.out
    one_pass = picks and _at_once(tables)
    halves = picks and _picked_by_halves(tables, run, size, VECTOR)
    along = at_once or _along(h, w, run, size, total, picks, halves, divides_first)
    stride = w.stride if w.uniform else 1
    # Columns: as many as make a row of scratch of the allowed length, but whole windows.
    # Of few rows threads share the tiles.
    widest = max(1, (WIDEST_ROW if unit < VECTOR or total < RADIX else BAND if picks else WIDEST_PIXELS) // unit)
    if picks and along != "none":
        widest = max(1, min(widest, 2 * BAND // (unit * max(1, min(h.span, h.size) * d.kernel))))
    # However long windows are, a tile holds several, which share columns: with places fewer, so that bands fit, if many
    # begin in it. Under tall windows it is as narrow as that allows.
    least = 1
    if along in ("flat", "rows", "phases", "halves") and w.uniform and w.out > 1 and w.stride < w.span:
        least = w.span * 5 // 4 if picks and (along != "flat" or w.stride == 1) else SHARED * w.span
    narrow = max(NARROWEST // unit, least, 2 * BAND // (unit * (h.span + h.stride)))
    if not picks and along != "long" and _tall(h, min(narrow, widest) * unit, sums):
        widest = min(narrow, widest)
    widest = max(widest, least)
    if along == "turned":
        widest = max(1, min(widest, 4 * CHUNK // (unit * min(total, LANES))))
    if w.uniform or along == "spread":
        columns = max(1, (widest - w.span) // stride + 1)
    else:
        columns = max(1, (widest - w.kernel) * w.out // max(w.size, w.out))
    phases = w.period if along == "spread" else 1
    tiles = math.ceil(w.out / (columns * phases))  # all of one width
    columns = min(w.out, math.ceil(w.out / (tiles * phases)) * phases)
    span = (
        min((columns - 1) * stride + w.span, w.size + w.span)
        if w.uniform
        else max(1, columns * w.size // w.out + w.kernel)
    )
    row = span * unit
    across = "as it lies" if at_once else _across(d, h, as_it_lies, along, row, sums)
    # Rows: a chunk of them, or as many as make lanes; in a band at least as many as windows share.
    rows = CHUNK // max(row, columns * unit)
    if along == "turned":
        rows = LANES
    elif along in ("phases", "flat") and stride > 1 and w.out * run < RADIX:
        rows = max(rows, min(LANES, 4 * CHUNK // row))
    if across == "band flat":
        rows = max(rows, min(2 * h.span, max(h.span // 2, BAND // row - h.span)) // h.stride)
    elif across == "band":
        rows = max(rows, min(h.span, max(1, BAND // row - h.span)))
    if picks and along != "none":
        rows = max(1, min(rows * 2, (2 * BAND // row - h.span) // min(h.stride, h.span) + 1 if h.uniform else rows))
        if h.uniform:
            rows = max(rows, h.span // (4 * h.stride))
    if along == "long":
        rows, columns = 1, max(1, min(w.out, CHUNK // unit))
    if h.out <= rows and d.out == 1:
        rows = min(rows // h.out, planes) * h.out
    return Strategy(across, along, max(1, min(rows, total)), columns, one_pass and along in ("rows", "halves"))


def blocks(tables: list[Table], unit: int, planes: int, picks: bool, workers: int) -> int:
    """Return into how many blocks channels are cut, `unit` bytes of them: for as many threads, where there are fewer
    windows, or so many that rows of a tile hold several windows which share columns."""
    d, h, w = tables
    shared = w.uniform and w.stride < w.span and w.out > 1 and w.kernel > 2 and not (picks and _at_once(tables))
    return max(workers // (planes * d.out * h.out), SHARED * w.span * unit // WIDEST_ROW if shared else 1)


def together(
    tables: list[Table], run: int, size: int, planes: int, several: bool, picks: bool, workers: int
) -> tuple[int, int]:
    """Return how many planes are turned at once, so that they become channels, and how many of their output rows.

    0 planes if they are not. A row of them is short, and all that is done along it would be done to a few lanes.
    `several`: much is done to each lane, for places (`picks`) or moments. `workers`: threads that share the planes.
    """
    d, h, w = tables
    slides = w.uniform and (w.stride == 1 or d.size == h.size == 1)
    most, unit = max(math.prod(t.size for t in tables), d.out * h.out * w.out), run * size
    row = w.size * unit
    if planes * run < RADIX or planes < FEWEST or (not w.pooled and row >= VECTOR):  # else its rows are vectors already
        return 0, 0
    if run > 1 and (unit > 2 * VECTOR or (w.size > TURNED_PIXELS and not several)):
        return 0, 0
    if picks and _picked_by_halves(tables, run, size, 2 * VECTOR):
        return 0, 0
    if run == 1 and not several and w.uniform:
        ends_meet = w.kernel == 2 and w.size == 2 * w.out and not w.before  # then rows are halved as one
        least = VECTOR if h.out > RADIX // 2 else 2 * VECTOR  # of few rows each costs more than its lanes
        halves = _halved(w, run) and (w.out * size >= least or (ends_meet and row >= VECTOR))
        one_row = d.size == h.size == 1 and w.pooled and w.stride in (1, 2, 4)
        longest = TURNED_ROW if w.stride > 1 else TURNED_ROW_3 if w.kernel <= 3 else TURNED_ROW_MORE
        if row > longest or halves or one_row:
            return 0, 0  # these are quicker as they are
    if not several and _singly(w, run, size):
        return 0, 0
    fit = row >= (VECTOR if h.stride >= h.span else 2 * VECTOR)
    flat = d.size == 1 or (d.out == 1 and d.uniform and not d.before and most > MOST_TURNED)
    if w.out == 1 and flat and not several and fit and h.uniform and not h.before:
        return 0, 0  # most is done once D and H are folded, and that of all rows at once
    more = 4 // min(size, 4) if row <= VECTOR else 1  # narrow elements take no more room
    if slides and most > (MOST_TURNED_ROW if w.stride == 1 and d.size == h.size == 1 else more * MOST_TURNED):
        return 0, 0
    copied = w.repeats >= ALIKE and w.out * unit * h.repeats >= 8 * VECTOR
    widened = d.out == h.out == 1 and w.repeats >= FEW_ALIKE and w.out * unit >= 32 * VECTOR
    if not several and (copied or widened):
        return 0, 0  # most is copied
    lanes = max(16, VECTOR // size, min(TOGETHER, 2 * WIDEST_ROW // (most * size)) // 16 * 16)
    at_once = min(max(FEWEST, lanes // run), planes, max(RADIX, planes // workers // RADIX * RADIX))
    unit *= at_once
    # Bands are of whole slabs, or of the rows of the only one: turned, their input and output stay in the second cache.
    axis, lines, outs = (d, h.size * w.size, h.out * w.out) if d.size > 1 or d.out > 1 else (h, w.size, w.out)
    line, each = unit * lines, unit * max(lines * axis.size / axis.out, outs)
    halo = line * max(0, axis.span - (axis.stride if axis.uniform else 1))
    n = axis.out if axis.out * each <= TURNED else int((TURNED - halo) // each)
    if n < 1 or (n < axis.out and halo > n * each / 2):
        return 0, 0
    return at_once, n * (h.out if axis is d else 1)


def widens_last(tables: list[Table], size: int) -> bool:
    """Return whether short rows are summed before they are widened: along W neighbours see the same, along D and H only
    few, for these are copied."""
    d, h, w = tables
    widened = not w.uniform and 0 < WIDENED * w.size <= w.out and w.out * size >= WIDENED_ROW
    return widened and (d.pooled or h.pooled) and max(d.repeats, h.repeats) < FEW_ALIKE


def loads_bands(tables: list[Table], run: int, size: int) -> bool:
    """Return whether rows that have to be loaded are so short that it is better done to bands of planes at once, of
    which a window is not too large a part."""
    d, h, w = tables
    deep = d.size > 1 or d.out > 1
    row = w.size * run * size
    axis, line = (d, h.size * row) if deep else (h, row)
    plane = axis.size * line
    fits = plane <= COUNTING or 2 * axis.span * line <= COUNTING
    return run * size < VECTOR and row < LOADED_ROW and plane > 0 and fits


def ranks(tables: list[Table], size: int, planes: int, wanted: int) -> bool:
    """Return whether elements, of `size` bytes, are ranked for so many `wanted` quantiles rather than put in order by
    networks: windows are large and share much, or very large, or too few to build a network for."""
    w, taps = tables[2], math.prod(table.kernel for table in tables)
    spanned = math.prod(min(table.span, table.size) for table in tables)
    if not all(table.uniform for table in tables) or spanned > SPARSE * taps:
        return False
    if w.stride % w.step and w.out > 1:  # neighbours share no column
        return False
    if taps > MOST_IN_NETWORK:
        return True
    # In nanoseconds, about: what each window is searched for, gains and loses, and elements that are ranked for it.
    changed = taps // w.kernel * min(w.kernel, w.stride // w.step)
    fresh = math.prod(min(table.kernel, table.stride) for table in tables)
    each, exchanges = 60 * wanted + 3 * changed + 15 * fresh, taps * math.log2(taps) ** 2
    # A network is built if that takes less than thirty times what ranks take: if there are so many calls, it has paid.
    few = taps > BUILT_FOR_ANY and each * planes * math.prod(table.out for table in tables) < 40 * exchanges
    return few or each < size * exchanges / 350


def ranked_tile(tables: list[Table], planes: int, workers: int) -> tuple[int, int, int]:
    """Return how many slabs, rows and columns of outputs are a tile whose elements are ranked at once: what it sees is
    several times as long as windows, along each axis."""
    n = [table.out for table in tables]
    spans = [min(table.span, table.size) for table in tables]

    def seen() -> list[int]:
        axes = zip(tables, n, strict=True)
        return [min(t.size, (i - 1) * t.stride + t.span) for t, i in axes]

    total = planes * math.prod(table.size for table in tables)
    most = max(min(RANKED, total // (SHARES * workers)), SHARED * math.prod(spans))
    while math.prod(seen()) > most and max(n) > 1:
        room = [size / span if i > 1 else 0.0 for size, span, i in zip(seen(), spans, n, strict=True)]
        longest = room.index(max(room))
        n[longest] = math.ceil(n[longest] / 2)
    return n[0], n[1], n[2]


def widens(tables: list[Table], unit: int) -> bool:
    """Return whether rows of floats of two bytes are widened as they are summed: there are several, of which other
    output rows need less than half, of pixels that are vectors."""
    d, h, _ = tables
    return unit >= VECTOR and d.kernel * h.kernel > 1 and not (h.uniform and h.out > 1 and 2 * h.stride <= h.span)


def counting(tables: list[Table], run: int, size: int, planes: int, columns: int, workers: int) -> tuple[int, int]:
    """Return how many planes are copied at once where not all elements count, or powers of them are wanted, and how
    many of their output rows: of several planes all, of larger ones a band."""
    d, h, w = tables
    deep = d.size > 1 or d.out > 1
    axis, lines = (d, h.size) if deep else (h, 1)
    line = run * size * lines * min(w.size, columns * w.size // w.out + w.span)
    plane = axis.size * line
    if plane <= COUNTING:
        return max(1, min(COUNTING // plane, planes // (SHARES * workers))), d.out * h.out
    each = max(1, line * axis.size // axis.out)
    halo = line * max(0, axis.span - (axis.stride if axis.uniform else 1))
    n = max(1, (COUNTING - halo) // each, 2 * halo // each)  # what bands share is copied for each of them
    n = min(n, math.ceil(axis.out / (SHARES * workers)) if planes < SHARES * workers else n)
    return 1, min(axis.out, max(n, halo // each)) * (h.out if deep else 1)
