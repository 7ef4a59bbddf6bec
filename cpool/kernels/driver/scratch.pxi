# Scratch is taken, not computed: `lay_out` takes every part from one cursor, first to measure and then to place, so
# that sizes and places cannot disagree.

cdef extern from "guard.h":
    enum:
        GAP "CPOOL_GAP"
    void close_gap "cpool_close_gap"(char* gap, Py_ssize_t n) noexcept nogil
    void open_gap "cpool_open_gap"(char* gap, Py_ssize_t n) noexcept nogil
    int gap_is_whole "cpool_gap_is_whole"(const char* gap, Py_ssize_t n) noexcept nogil

cdef enum:
    LINE = 64          # parts begin at multiples of it, so that no vector lies across two cache lines

cdef struct Scratch:
    char* base         # NULL while measuring
    Py_ssize_t taken, size


cdef inline char* take(Scratch* scratch, Py_ssize_t n) noexcept nogil:
    """The next n bytes; behind them is a gap that nobody may touch."""
    cdef Py_ssize_t begin = scratch.taken
    scratch.taken = round_up(begin + n + GAP, LINE)
    if scratch.base == NULL:
        return NULL
    open_gap(scratch.base + begin, n)
    close_gap(scratch.base + begin + n, scratch.taken - begin - n)
    return scratch.base + begin
