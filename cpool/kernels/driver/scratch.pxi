# Scratch is taken, not computed: `lay_out` takes every part from one cursor, first to measure and then to place, so
# that sizes and places of one job cannot disagree.

cdef extern from "guard.h":
    enum:
        GAP "CPOOL_GAP"
    void close_gap "cpool_close_gap"(char* gap, Py_ssize_t n) noexcept nogil
    void open_gap "cpool_open_gap"(char* gap, Py_ssize_t n) noexcept nogil
    int gap_is_whole "cpool_gap_is_whole"(const char* gap, Py_ssize_t n) noexcept nogil

cdef enum:
    LINE = 64          # parts begin at multiples of it, so that no vector lies across two cache lines
    MOST_GAPS = 192    # of one layout, or two where one lies in the rest of another, of up to three arrays each

cdef struct Scratch:
    char* base         # NULL while measuring
    Py_ssize_t taken, most  # most: how much was measured
    int arrays         # every part is there as often, `apart` bytes from one to the next, for a lane's state
    Py_ssize_t apart
    char* gaps[MOST_GAPS]    # where there are any: what a checking build looks at
    Py_ssize_t lengths[MOST_GAPS]
    Py_ssize_t n


cdef inline Scratch scratch_at(char* base, Py_ssize_t most, int arrays, Py_ssize_t apart) noexcept nogil:
    cdef Scratch scratch
    scratch.base, scratch.taken, scratch.n = base, 0, 0
    scratch.most = apart if arrays > 1 else most
    scratch.arrays, scratch.apart = arrays, apart
    return scratch


cdef inline char* take(Scratch* scratch, Py_ssize_t n) noexcept nogil:
    """The next n bytes; behind them is a gap that nobody may touch."""
    cdef Py_ssize_t begin = scratch.taken, a
    cdef char* part
    scratch.taken = round_up(begin + n + GAP, LINE)
    if scratch.base == NULL:
        return NULL
    if GAP and scratch.taken > scratch.most:  # more is taken than was measured
        abort()
    for a in range(scratch.arrays if GAP else 0):
        part = scratch.base + a * scratch.apart + begin
        open_gap(part, n)
        close_gap(part + n, scratch.taken - begin - n)
        if scratch.n == MOST_GAPS:
            abort()
        scratch.gaps[scratch.n], scratch.lengths[scratch.n] = part + n, scratch.taken - begin - n
        scratch.n += 1
    return scratch.base + begin


cdef inline void lay_anew(Scratch* scratch) noexcept nogil:
    """Begin a layout anew. What was overrun in the one before ends the process of a checking build."""
    cdef Py_ssize_t i
    for i in range(scratch.n if GAP else 0):
        if not gap_is_whole(scratch.gaps[i], scratch.lengths[i]):
            abort()
    scratch.taken = scratch.n = 0
