# What a call is made of: windows of three axes, the memory of up to four arrays, and what to do.

cdef extern from "leaves.h":
    enum:
        COMPUTED "CPOOL_COMPUTED"
        STORED "CPOOL_STORED"
        FLOAT32 "CPOOL_FLOAT32"
        FLOAT64 "CPOOL_FLOAT64"
        INT64 "CPOOL_INT64"
        UINT16 "CPOOL_UINT16"
        CROWDED "CPOOL_CROWDED"
        SUM "CPOOL_SUM"
        TOTAL "CPOOL_TOTAL"
        MOMENTS "CPOOL_MOMENTS"
        KINDS "CPOOL_REDUCTIONS"
        RADIX "CPOOL_RADIX"
        VECTOR "CPOOL_VECTOR"
        PLAIN "CPOOL_PLAIN"
    ctypedef struct Close "cpool_close":
        int last
        double divisor
        Py_ssize_t apart
        int far
        int elements
        double beside, least

ctypedef void (*Fold)(void*, Py_ssize_t, const void* const*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                      const Close*) noexcept nogil
ctypedef void (*Pick)(void*, void*, Py_ssize_t, const void* const*, const void* const*, const int64_t*, Py_ssize_t,
                      Py_ssize_t, Py_ssize_t, Py_ssize_t, int) noexcept nogil
ctypedef void (*Load)(void*, const char*, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
ctypedef void (*Store)(char*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t) noexcept nogil
ctypedef void (*Fill)(void*, const void*, Py_ssize_t) noexcept nogil

cdef extern from "leaves.h":
    ctypedef struct Ranked "cpool_set":
        uint64_t* members
        Py_ssize_t count, cursors
        Py_ssize_t* word
        Py_ssize_t* before
    ctypedef struct Leaves "cpool_leaves":
        Fold fold[KINDS][COMPUTED]
        void (*halve[KINDS][COMPUTED])(void*, Py_ssize_t, const void* const*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                       Py_ssize_t, Py_ssize_t, const Close*) noexcept nogil
        void (*shrink[KINDS][COMPUTED])(void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                        const Close*) noexcept nogil
        void (*condense[KINDS][2])(void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                   Py_ssize_t, const Close*) noexcept nogil
        Pick pick[KINDS][COMPUTED]
        void (*pick_halves[KINDS][COMPUTED])(void*, void*, Py_ssize_t, const void* const*, const int64_t*, Py_ssize_t,
                                             Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                             Py_ssize_t) noexcept nogil
        Py_ssize_t (*find[COMPUTED])(const void*, const void*, Py_ssize_t) noexcept nogil
        void (*place)(void*, int, Py_ssize_t, Py_ssize_t, const void*, int, const int64_t*, int64_t, int64_t,
                      Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*turn[4])(void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*turn_runs)(void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*keep)(void*, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*repeat[4])(void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                          Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*expand[4])(void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, const int64_t*,
                          Py_ssize_t) noexcept nogil
        Load load[COMPUTED][STORED]
        Store store[COMPUTED][STORED]
        Fill fill[4]
        int (*blank[COMPUTED])(void*, const void*, int32_t*, const unsigned char*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                               const void*) noexcept nogil
        void (*widen[COMPUTED][STORED])(void*, Py_ssize_t, const void* const*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                        Py_ssize_t, int, const Close*) noexcept nogil
        void (*round[COMPUTED])(void*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*raise_ "raise"[2])(void*, const void*, Py_ssize_t, int, double) noexcept nogil
        void (*root[2])(void*, Py_ssize_t, int, double) noexcept nogil
        void (*divide[2])(void*, const void*, const void*, double, Py_ssize_t) noexcept nogil
        void (*times_power[2])(void*, const void*, const void*, Py_ssize_t, double, int) noexcept nogil
        void (*begin[2])(void*, const void*, int, Py_ssize_t, int, Py_ssize_t) noexcept nogil
        int (*lacks[2])(const void*, Py_ssize_t) noexcept nogil
        void (*share[2])(void*, const void*, Py_ssize_t, const void*, const void*, double, double, double, double,
                         Py_ssize_t) noexcept nogil
        void (*vary)(void*, Py_ssize_t, double, double, int, Py_ssize_t) noexcept nogil
        void (*exchange[COMPUTED])(char**, int, const int32_t*, Py_ssize_t, Py_ssize_t) noexcept nogil
        int (*mark[COMPUTED])(void*, int32_t*, const void*, const void*, const void*, Py_ssize_t) noexcept nogil
        void (*between[COMPUTED])(double*, const void* const*, const void* const*, const double*, const int32_t*,
                                  Py_ssize_t) noexcept nogil
        void (*count[COMPUTED])(void*, int32_t*, int32_t*, const int32_t*, int32_t, const void*, const void*,
                                Py_ssize_t) noexcept nogil
        void (*rank[COMPUTED])(int32_t*, int32_t*, const void*, const int32_t*, Py_ssize_t, void*) noexcept nogil
        void (*slide)(Ranked*, const int32_t*, const int32_t*, const Py_ssize_t*, Py_ssize_t) noexcept nogil
        int32_t (*seek)(Ranked*, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*extent[2])(int64_t*, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        int (*scatter[COMPUTED][2])(void*, const void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                    int64_t, int64_t, int) noexcept nogil
        int (*add[COMPUTED][2])(void*, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, const void*, Py_ssize_t,
                                Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, int64_t*, int64_t,
                                int) noexcept nogil
        int (*gather[4][2])(void*, Py_ssize_t, Py_ssize_t, const void*, Py_ssize_t, Py_ssize_t, const void*, Py_ssize_t,
                            Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t, int64_t) noexcept nogil


cdef enum Across:          # along H (and D)
    AS_IT_LIES, NESTED, BAND, BAND_FLAT

cdef enum Along:           # along W
    NONE, FLAT, ROWS, HALVES, PHASES, TURNED, SPREAD, LONG, SINGLY, CONDENSED, WINDOWS

cdef enum:
    MOST_AXES = 64         # of an array
    SEARCHED = 1024        # columns that are searched at once


cdef enum Method:          # between ranks
    LINEAR, LOWER, HIGHER, NEAREST, MIDPOINT


cdef struct Axis:          # windows: tap t of output o is input first + t*step, for t < taps
    Py_ssize_t size, out, kernel, stride, step, before, period
    Py_ssize_t span        # from the first tap to the last
    Py_ssize_t plane_rows  # of H: rows of a plane, where several were joined to one; else all
    Py_ssize_t fewest      # taps of any window
    Py_ssize_t every, advance  # windows `every` apart have the same taps, `advance` columns further
    bint uniform           # first = o*stride - before, taps = kernel: there are no tables
    Py_ssize_t one_count   # the divisor of all windows, or 0 where `counts` tells
    const int64_t* firsts
    const int64_t* tap_counts
    const int64_t* alike    # how many windows from each one on see the same
    const int64_t* counts

cdef struct Memory:        # one array as (planes, D, H, W, run): strides in bytes; elements of a run lie side by side
    char* data
    Py_ssize_t d, h, w, type, size
    const int64_t* planes

cdef struct Network:       # cpool/core/networks.py
    int number
    Py_ssize_t inputs, rows, n
    const int32_t* steps
    const int32_t* order

cdef struct Job:
    Axis depth, height, width
    Memory x, y, at, where  # input, output, indices, and which elements of x count
    bint masked             # whether not all do
    bint watches            # whether it is asked if NaN is among those that do
    int* met                # and the answer
    Py_ssize_t planes, leads, run
    Py_ssize_t threads, limit  # how many threads share the work, and how many there may be
    Py_ssize_t size, unit   # bytes of an element, and of the run under a pixel
    const int64_t* lead_shape
    int reduction, type, norm
    int arrays              # of a lane's state, in scratch: array a of what lies at p lies at p + a * close.apart
    double power, ddof
    bint root               # the square root of a variance
    bint zeros              # powers of 0 are 0
    Py_ssize_t across, along, rows, columns  # strategies of H and W, and most output rows and columns at once
    Py_ssize_t slabs        # of ranked windows also output slabs at once
    bint divides, divides_first  # sums by their counts, or what is summed by them; else by close.divisor
    bint native             # rows are dense, and of the type that is computed in
    bint as_it_lies         # nothing is done to elements before they are folded
    bint gapped             # rows are read as they lie, but their pixels are not side by side
    bint picks, one_pass      # places are wanted; all taps of a window are compared in one pass
    bint rounds             # sums of integers become the integers nearest to their quotients, of half the bytes
    Py_ssize_t long_columns  # columns of a long window that are folded at once: a power of RADIX
    Py_ssize_t together, band  # planes that are turned or loaded at once, or 0, and how many output rows of them
    Py_ssize_t tallest      # input rows that these see, at most
    bint assign, checks     # scatter: the last one stands; indices are checked as they are used;
    bint by_planes          # a thread adds to whole planes
    Py_ssize_t lanes_aside  # and sums so many channels of one in scratch; 0 if they are too large, or added in place
    int64_t* extents        # scatter: least and greatest index of each output row
    Py_ssize_t channel_blocks  # scatter: each of them is one task
    int* astray             # scatter and gather: whether an index outside the plane was met
    int* crowded            # scatter: whether two numbers of two bytes met in one place, and have to be summed
    Network column, wanted_ranks, all_ranks  # ordered windows: of a column's taps, and of a window's
    Py_ssize_t block_windows  # most of a block, be they side by side or one below the other
    bint shares, marks      # windows share columns; some elements do not count
    bint omits              # NaN does not count; ordered windows are read without it
    Py_ssize_t sum_across   # totals of which no element is missing are plain sums: how H is folded then,
    double sum_divisor      # and their one divisor, 0 if there is none
    char skip[8]            # of integers, the one that does not count
    bint skips              # whether there is such a number, or NaN
    char blank_bits[8]      # what stands for an element that does not count by `where`
    Py_ssize_t method       # of quantiles between two elements
    Py_ssize_t least        # fewest elements that must be there
    const double* quantiles
    Py_ssize_t n_quantiles, quantile_pitch
    Close close, open       # of a window's last step, and of those before
    char identity[8]
    const Leaves* leaves
    Fold fold
    Pick pick
    Load load
    Store store, direct     # direct: of ordered windows' elements as they are, NULL if there is none
    Fill fill


cdef extern from "keep.h":
    char* take_block "cpool_take_block"(Py_ssize_t n) noexcept nogil
    void release_block "cpool_release_block"(char* block) noexcept nogil
    int64_t take_number "cpool_take_number"(int64_t* next) noexcept nogil
    void raise_flag "cpool_raise"(int* flag) noexcept nogil
    bint raised "cpool_raised"(int* flag) noexcept nogil


cdef inline bint lays_rows(Job* job) noexcept nogil:
    """Whether W is folded from rows of scratch, with padding around them."""
    return job.along != NONE and job.along != LONG and job.along != CONDENSED and job.along != WINDOWS


cdef inline bint picks_lanes_first(Job* job) noexcept nogil:
    """Whether places are found along W first, for each input row, and then over these."""
    return job.along != NONE and not job.one_pass


cdef inline bint puts_in_order(Job* job) noexcept nogil:
    """Whether windows are put in order, by networks."""
    return job.column.inputs > 0


cdef inline bint gathers(Job* job) noexcept nogil:
    """Whether totals are made of rows as they lie, in the first fold."""
    return job.as_it_lies and job.reduction == TOTAL


cdef inline Py_ssize_t steps_along(Job* job) noexcept nogil:
    """How many taps along W are listed with their places."""
    return 0 if job.along == FLAT else job.width.kernel


cdef inline int arrays_before(Job* job) noexcept nogil:
    """Arrays of what W is folded from: there are no places yet."""
    return 1 if job.picks else job.arrays


cdef inline Py_ssize_t parts_of(Py_ssize_t n, Py_ssize_t each) noexcept nogil:
    """How many parts of so many each n has; what is left over is one more."""
    return (n + each - 1) // each


cdef inline Py_ssize_t round_up(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return parts_of(n, multiple) * multiple


cdef inline Py_ssize_t first_of(Axis* w, Py_ssize_t o) noexcept nogil:
    return o * w.stride - w.before if w.uniform else w.firsts[o]


cdef inline Py_ssize_t taps_of(Axis* w, Py_ssize_t o) noexcept nogil:
    return w.kernel if w.uniform else w.tap_counts[o]


cdef inline Py_ssize_t alike_from(Axis* w, Py_ssize_t o, Py_ssize_t end) noexcept nogil:
    """How many windows from o on, up to `end`, see the same."""
    return 1 if w.uniform else min(end - o, w.alike[o])


cdef inline Py_ssize_t end_of(Axis* w, Py_ssize_t o) noexcept nogil:
    """One past the last tap."""
    return first_of(w, o) + (taps_of(w, o) - 1) * w.step + 1


cdef struct Seen:          # inputs [begin, end), whether they lie inside or not; end is 0 if there are none
    Py_ssize_t begin, end


cdef inline Seen seen_by(Axis* w, Py_ssize_t o, Py_ssize_t end) noexcept nogil:
    """What outputs [o, end) see. Firsts of tables need not rise: where windows are dilated, the first tap inside may
    lie before that of the window before."""
    cdef Seen seen
    seen.begin, seen.end = first_of(w, o), end_of(w, end - 1)
    if w.uniform:
        return seen
    seen.begin, seen.end = w.size, 0
    while o < end:
        if taps_of(w, o):
            seen.begin, seen.end = min(seen.begin, first_of(w, o)), max(seen.end, end_of(w, o))
        o += alike_from(w, o, end)
    return seen


cdef inline Py_ssize_t seen_inside(Axis* w, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t* first) noexcept nogil:
    """How many inputs inside outputs [begin, end) see, and the first of them."""
    cdef Seen seen = seen_by(w, begin, end)
    first[0] = max(0, seen.begin)
    return max(0, min(w.size, seen.end) - first[0])


cdef inline bint lie_inside(Axis* w, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Whether n taps, of which the first is input `first`, lie inside the input."""
    return first >= 0 and first + (n - 1) * w.step < w.size


cdef inline Py_ssize_t skipped_taps(Axis* w, Py_ssize_t o) noexcept nogil:
    """How many taps of a window lie before the input, if it has as many."""
    cdef Py_ssize_t first = first_of(w, o)
    return parts_of(-first, w.step) if first < 0 else 0


cdef inline Py_ssize_t inside_taps(Axis* w, Py_ssize_t o) noexcept nogil:
    """How many taps of a window lie inside the input."""
    cdef Py_ssize_t first = first_of(w, o), n = taps_of(w, o)
    if lie_inside(w, first, n):
        return n
    return max(0, min(n, parts_of(w.size - first, w.step) if first < w.size else 0) - skipped_taps(w, o))


cdef inline Py_ssize_t as_many_inside(Axis* w, Py_ssize_t o, Py_ssize_t end) noexcept nogil:
    """How many windows from o on, up to `end`, have as many taps inside the input as window o."""
    cdef Py_ssize_t n = 1, taps = inside_taps(w, o)
    while o + n < end and inside_taps(w, o + n) == taps:
        n += 1
    return n


cdef inline double count_of(Axis* w, Py_ssize_t o) noexcept nogil:
    return <double>w.one_count if w.one_count else <double>w.counts[o]


cdef inline char* plane_at(Job* job, Memory* m, Py_ssize_t p) noexcept nogil:
    """Where plane p starts; the leading axes count p as digits."""
    cdef Py_ssize_t axis, offset = 0
    for axis in range(job.leads - 1, 0, -1):
        offset += p % job.lead_shape[axis] * m.planes[axis]
        p //= job.lead_shape[axis]
    return m.data + offset + p * m.planes[0]


cdef inline char* pixel(Job* job, Memory* m, Py_ssize_t p, Py_ssize_t d, Py_ssize_t h, Py_ssize_t w) noexcept nogil:
    """Where pixel (d, h, w) of plane p is."""
    return plane_at(job, m, p) + d * m.d + h * m.h + w * m.w


cdef inline char* row_in(Memory* m, const char* plane, Py_ssize_t row, Py_ssize_t high) noexcept nogil:
    """Where a row starts, if those of all slabs, of `high` rows each, are counted."""
    return <char*>plane + (row * m.h if row < high else row // high * m.d + row % high * m.h)


cdef inline bint lies_dense(Job* job, Memory* m, Py_ssize_t deep, Py_ssize_t high, Py_ssize_t wide) noexcept nogil:
    """Whether the pixels of each plane lie end to end."""
    cdef Py_ssize_t unit = job.run * m.size
    return ((wide == 1 or m.w == unit) and (high == 1 or m.h == wide * unit)
            and (deep == 1 or m.d == high * wide * unit))


cdef inline Py_ssize_t at_one_distance(Axis* w, Py_ssize_t o, Py_ssize_t most) noexcept nogil:
    """How many windows from o on, up to `most`, lie inside the input and follow one another at one distance; 1 of
    others."""
    if not w.uniform or first_of(w, o) < 0 or end_of(w, o) > w.size:
        return 1
    return min(most, (w.size - end_of(w, o)) // w.stride + 1)


cdef struct Tile:          # output columns [begin, end), and the input columns that they see
    Py_ssize_t begin, end, out
    Py_ssize_t start, span  # the first input column of a row in scratch (negative in padding), and how many there are
    Py_ssize_t left, used   # of these, columns in padding before, and columns inside the input
    Py_ssize_t pitch        # columns from one row in scratch to the next
    Py_ssize_t distinct     # of neighbours that see the same one result is wanted, if they are less than `out`


cdef inline Py_ssize_t row_columns(Job* job, Tile* tile) noexcept nogil:
    """Columns of the longest row in scratch."""
    return job.long_columns if job.along == LONG else tile.span


cdef inline const char* plane_of(Job* job, Tile* tile, Py_ssize_t p) noexcept nogil:
    """Plane p from the first column on that the tile sees."""
    return plane_at(job, &job.x, p) + max(0, tile.start) * job.x.w


cdef inline Py_ssize_t log_of(Py_ssize_t size) noexcept nogil:
    """The logarithm of a power of two up to 8."""
    return 3 if size == 8 else size // 2


cdef inline Py_ssize_t spread_first(Axis* w, Py_ssize_t phase) noexcept nogil:
    """The first result of a phase: result i is number (i + before) // period of phase (i + before) % period."""
    return (phase - w.before % w.period + w.period) % w.period


cdef inline void set_padding(Tile* tile, Axis* w) noexcept nogil:
    """Say how many of the input columns of a tile lie before the input, and inside."""
    tile.left = min(tile.span, max(0, -tile.start))
    tile.used = max(0, min(w.size, tile.start + tile.span) - max(0, tile.start))


cdef Tile tile_at(Job* job, Py_ssize_t number) noexcept nogil:
    """Tile `number` of the output's columns."""
    cdef Tile tile
    cdef Axis* w = &job.width
    cdef Py_ssize_t begin = number * job.columns, end = min(w.out, begin + job.columns)
    cdef Seen seen = seen_by(w, begin, end)
    cdef Py_ssize_t o, i, stop = seen.end, first, last, shift
    tile.begin, tile.end, tile.out = begin, end, end - begin
    tile.start, tile.distinct = seen.begin, end - begin
    if job.along == SPREAD:  # whole phases, also where they reach beyond the tile
        first, last = (begin + w.before) // w.period, (end - 1 + w.before) // w.period
        tile.start, stop = w.size, 0
        for o in range(w.period):
            i = spread_first(w, o)
            if i < w.out and taps_of(w, i):
                shift = first_of(w, i) - (i + w.before) // w.period
                tile.start = min(tile.start, shift + first)
                stop = max(stop, shift + last + (taps_of(w, i) - 1) * w.step + 1)
    # Where no window has a tap, `seen` is empty: one column of padding stands for it, at -1. A tile may lie in padding
    # as a whole, before the input or behind it: then `used` is 0, and nobody reads from `start` on.
    tile.start = min(tile.start, stop - 1)
    tile.span = max(1, stop - tile.start)
    set_padding(&tile, w)
    tile.pitch = round_up(tile.span, w.stride) if job.along == PHASES or job.along == HALVES else tile.span
    return tile
