"""Kernels: reduce a plan's windows over the canonical view (P, D, H, W, I).

P independent planes, up to three pooled axes, and I, the contiguous run under one pixel (I = 1 for NCHW memory, I = C
for channels-last). A kernel knows windows only as tables (geometry.py), memory only as strides (_layout.py), and a
reduction only as an identity and a `combine`:

    types.pxi       what the kernels compute with: fused types, the tables of an axis, the strides of an array, a Job
    reductions.pxi  identity, combine, takes
    rows.pxi        elementwise over rows; loading and storing every dtype
    lanes.pxi       along W, over many rows of scratch at once
    halving.h       windows of 2 or 3 columns that move by 2, shuffled by hand; half.h: rows of 2-byte floats
    values.pxi      max, min, sum: rows, then lanes
    picks.pxi       values with indices: lanes, then rows
    located.pxi     indices of values that are known
    sorted.pxi      median, mode: a sorting network over the taps of many windows
    backward.pxi    scatter along indices; spread over windows
    tiled.pxi       spread over windows side by side
    this file       one driver that shares rows out to threads, and Call, what Python holds

This file is compiled once per instruction set. Inner loops run over plain pointers and are meant for the compiler's
vectoriser: look at -fopt-info-vec after a change. Arguments are checked in Python; nothing here validates but indices.
"""

include "types.pxi"
include "reductions.pxi"
include "rows.pxi"
include "lanes.pxi"
include "values.pxi"
include "picks.pxi"
include "located.pxi"
include "sorted.pxi"
include "backward.pxi"
include "tiled.pxi"

# ---------------------------------------------------------------------------------------------------------- driver

ctypedef void (*Work)(void* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil


cdef void pool_work(R* op, T* scratch, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks are rows of tiles: [first, last) counts rows x column tiles, the tiles of one row range outermost."""
    cdef Py_ssize_t columns = job.columns, rows = job.planes * job.depth.out * job.height.out, tile, end
    while first < last:
        tile, end = first // rows, min(last, (first // rows + 1) * rows)
        pool_tile(op, scratch, job, first % rows, end - tile * rows, tile * columns,
                  min((tile + 1) * columns, job.width.out))
        first = end


cdef void pick_work(Selection* op, P* scratch, Lane* like, Job* job, Py_ssize_t first,
                    Py_ssize_t last) noexcept nogil:
    cdef Py_ssize_t columns = job.columns, rows = job.planes * job.depth.out * job.height.out, tile, end
    while first < last:
        tile, end = first // rows, min(last, (first // rows + 1) * rows)
        pick_tile(op, scratch, like, job, first % rows, end - tile * rows, tile * columns,
                  min((tile + 1) * columns, job.width.out))
        first = end


cdef void max_values(T* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    pool_work(<cpool_max_t*>NULL, scratch, job, first, last)


cdef void min_values(T* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    pool_work(<cpool_min_t*>NULL, scratch, job, first, last)


cdef void sum_values(F* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    pool_work(<cpool_sum_t*>NULL, scratch, job, first, last)


cdef void max_picks(P* scratch, Lane* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    if P is float or Lane is int64_t:  # narrow lanes go with float alone; what nobody calls would take time to compile
        pick_work(<cpool_max_t*>NULL, scratch, like, job, first, last)


cdef void min_picks(P* scratch, Lane* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    if P is float or Lane is int64_t:
        pick_work(<cpool_min_t*>NULL, scratch, like, job, first, last)


cdef void median_values(T* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    sorted_rows(<cpool_median_t*>NULL, scratch, job, first, last)


cdef void mode_values(T* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    sorted_rows(<cpool_mode_t*>NULL, scratch, job, first, last)


cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    static int omp_get_max_threads(void) { return 1; }
    #endif
    """
    int omp_get_max_threads() noexcept nogil

cdef int OMP_AT_IMPORT = omp_get_max_threads()


cdef inline Py_ssize_t allowed(Py_ssize_t threads) noexcept nogil:
    """Respect whoever has lowered OpenMP's own limit since the import, as threadpoolctl does."""
    cdef Py_ssize_t now = omp_get_max_threads()
    return min(threads, now) if now < OMP_AT_IMPORT else threads


cdef int share_out(Work work, Job* job, Py_ssize_t total, Py_ssize_t unit, Py_ssize_t scratch_bytes) except -1:
    """Call `work` for [0, total) in one piece, or in pieces of whole units on several threads."""
    cdef Py_ssize_t each = round_up(scratch_bytes + 128, 128), units = total // unit, pieces, t
    cdef int threads = <int>min(allowed(job.threads), units) if job.threads > 1 else 1
    cdef char* room = <char*>calloc(max(threads, 1) * each + LINE, 1)
    cdef char* scratch = <char*>round_up(<Py_ssize_t>room, LINE)
    if room == NULL:
        raise MemoryError
    with nogil:
        if threads <= 1:  # no OpenMP at all: safe in a forked child, and nothing to pay for small work
            work(scratch, scratch, job, 0, total)
        else:
            pieces = min(units, 8 * threads)
            for t in prange(pieces, num_threads=threads, schedule="dynamic", chunksize=1):
                work(scratch + threadid() * each, scratch, job, t * units // pieces * unit,
                     (t + 1) * units // pieces * unit)
    free(room)
    return 0


cdef class Call:
    """One pooling, all decided but the arrays: which kernel, windows, strides and threads.

    Made by the functions below. Immutable, so that any number of threads may run it at once.
    """

    cdef Job job
    cdef Work work, check
    cdef Py_ssize_t total, unit, scratch
    cdef bint backward
    cdef const int64_t[::1] plan, memory  # the tables that job points into

    def __cinit__(self, const int64_t[::1] plan, const int64_t[::1] memory, int threads):
        cdef const int64_t* p = &memory[0]
        self.plan, self.memory = plan, memory
        self.job.threads, self.unit = threads, 1
        self.job.planes, self.job.leads, self.job.run = <Py_ssize_t>p[0], <Py_ssize_t>p[1], <Py_ssize_t>p[2]
        self.job.lead_shape = p + 3
        p = read_memory(p + 3 + self.job.leads, &self.job, &self.job.x)
        p = read_memory(p, &self.job, &self.job.y)
        read_memory(p, &self.job, &self.job.indices)
        p = read_axis(&plan[0], &self.job.depth)
        p = read_axis(p, &self.job.height)
        read_axis(p, &self.job.width)

    cdef void count_tiles(self, Py_ssize_t most):
        """Cut rows into tiles, of windows that span `most` elements; there are that many rows of tiles."""
        cdef Py_ssize_t columns = tile_columns(&self.job, most)
        self.job.columns = columns
        self.total = (self.job.planes * self.job.depth.out * self.job.height.out
                      * ((self.job.width.out + columns - 1) // columns))

    cdef void count_rows(self):
        self.total = self.job.planes * self.job.depth.size * self.job.height.size

    cdef bint outside(self, Job* job, int64_t* least, int64_t* most):
        """Find the least and the greatest of all indices, and return whether one is outside the plane."""
        cdef Py_ssize_t r
        for r in range(job.planes * job.depth.out * job.height.out):
            least[0], most[0] = min(least[0], job.extents[2 * r]), max(most[0], job.extents[2 * r + 1])
        return least[0] < 0 or most[0] >= job.depth.size * job.height.size * job.width.size

    def run(self, int threads, x, y, indices=None):
        """On at most `threads` threads. Forward: read x, write y and, with an index kernel,
        indices. Backward: read y and indices, write x.

        Indices that are read are checked before they are used, and before anything is written to memory that the caller
        knows: the pair (least, greatest) is returned if one is outside the plane.
        """
        cdef Job job = self.job
        cdef Py_buffer a, b, c
        cdef Py_ssize_t rows = job.planes * job.depth.out * job.height.out
        cdef int64_t least = 0, most = 0
        job.threads = min(job.threads, threads)
        cdef int read = PyBUF_STRIDES, written = PyBUF_STRIDES | PyBUF_WRITABLE
        PyObject_GetBuffer(x, &a, written if self.backward else read)
        try:
            PyObject_GetBuffer(y, &b, read if self.backward else written)
            try:
                job.x.data, job.y.data = <char*>a.buf, <char*>b.buf
                if indices is None:
                    share_out(self.work, &job, self.total, self.unit, self.scratch)
                    return None
                PyObject_GetBuffer(indices, &c, read if self.backward else written)
                try:
                    job.indices.data = <char*>c.buf
                    if not self.backward:
                        share_out(self.work, &job, self.total, self.unit, self.scratch)
                        return None
                    if job.checks:
                        share_out(self.work, &job, self.total, self.unit, self.scratch)
                        if not job.astray:
                            return None
                    job.extents = <int64_t*>calloc(rows, 2 * sizeof(int64_t))
                    if job.extents == NULL:
                        raise MemoryError
                    try:
                        share_out(self.check, &job, rows, 1, 0)
                        if self.outside(&job, &least, &most):
                            return least, most
                        share_out(self.work, &job, self.total, self.unit, self.scratch)
                        return None
                    finally:
                        free(job.extents)
                finally:
                    PyBuffer_Release(&c)
            finally:
                PyBuffer_Release(&b)
        finally:
            PyBuffer_Release(&a)

# ---------------------------------------------------------------------- calls; the first arguments only give the type


cdef Call known(Call call, str op):
    """Return the call; refuse an operation for which its maker has no kernel: none may fall through to another."""
    if call.work == NULL:
        raise ValueError(f"op must be one that there is a kernel for, got {op!r}")
    return call


def values(T like, str op, const int64_t[::1] plan, const int64_t[::1] memory, int threads, bint divide=False,
           int norm=0, double power=0):
    """A maximum ("max"), minimum ("min") or sum ("sum"; divided by the counts, or as the norm of a power)."""
    cdef Call call = Call(plan, memory, threads)
    call.job.divide, call.job.norm, call.job.power = divide, norm, power
    call.count_tiles(65536)
    call.scratch = room_of(&call.job, sizeof(T), op == "sum").total * sizeof(T)
    if op == "max":
        call.work = <Work>max_values[T]
    elif op == "min":
        call.work = <Work>min_values[T]
    elif T is float or T is double:
        if op == "sum":
            call.work = <Work>sum_values[T]
    return known(call, op)


def picks(P like, Lane lane, str op, const int64_t[::1] plan, const int64_t[::1] memory, int threads):
    """A maximum or minimum with its index."""
    cdef Call call = Call(plan, memory, threads)
    call.count_tiles(16384)
    call.scratch = pick_room_of(&call.job, sizeof(P), sizeof(Lane)).bytes
    if op == "max":
        call.work = <Work>max_picks[P, Lane]
    elif op == "min":
        call.work = <Work>min_picks[P, Lane]
    return known(call, op)


def locates(P like, const int64_t[::1] plan, const int64_t[::1] memory, int threads):
    """The indices of values that stand in y; None if the windows are not those of single rows of numbers."""
    cdef Call call = Call(plan, memory, threads)
    call.total = call.job.planes * call.job.depth.out * call.job.height.out
    call.scratch = STRETCH * sizeof(P)
    call.work = <Work>locate_short[P] if short_rows(&call.job, &like) else <Work>locate_rows[P]
    return call if call.job.run == 1 else None


def sorts(T like, str op, const int64_t[::1] plan, const int64_t[::1] memory, int threads):
    """A median, of which y holds doubles unless storage says otherwise, or a mode."""
    cdef Call call = Call(plan, memory, threads)
    call.total = call.job.planes * call.job.depth.out * call.job.height.out
    call.scratch = wires_of(&call.job, sizeof(T)).total
    if op == "median":
        call.work = <Work>median_values[T]
    elif op == "mode":
        call.work = <Work>mode_values[T]
    return known(call, op)


def scatter_back(F like, Index index, const int64_t[::1] plan, const int64_t[::1] memory, int threads, int workers,
                 bint assign=False, bint fresh=False):
    """The gradient of max and min, or with `assign` unpooling; `fresh` if nobody minds what x holds after an error.

    Planes are not cut where there are enough of them for `workers`, threads of which each has a processor.
    """
    cdef Call call = Call(plan, memory, threads)
    call.job.assign, call.backward = assign, True
    call.count_rows()
    if workers == 1 or call.job.planes >= 4 * workers:
        call.unit = call.job.depth.size * call.job.height.size
        call.job.checks = fresh  # a plane's indices are read once from memory, and again from the cache
        call.scratch = call.job.depth.out * call.job.height.out * 2 * sizeof(int64_t)
    call.work, call.check = <Work>scatter_rows[F, Index], <Work>extent_rows[Index]
    return call


def spread_back(F like, const int64_t[::1] plan, const int64_t[::1] memory, int threads, bint divide=True):
    """The gradient of an average, or without `divide` of a sum."""
    cdef Call call = Call(plan, memory, threads)
    call.job.divide, call.backward = divide, True
    call.count_rows()
    if tiled(&call.job.width) and tiled(&call.job.height) and tiled(&call.job.depth):
        join_planes(&call.job)
        call.total = call.job.planes * call.job.depth.out * call.job.height.out
        call.scratch = tile_room_of(&call.job, sizeof(F)).total * sizeof(F)
        call.work = <Work>spread_tiles[F]
    elif not (call.job.width.uniform and call.job.height.uniform):
        call.scratch = (3 * call.job.width.out + call.job.width.size + SLACK) * call.job.run * sizeof(F)
        call.work = <Work>spread_rows[F]
    else:
        call.scratch = spread_room_of(&call.job, sizeof(F)).total * sizeof(F)
        call.work = <Work>spread_sliding[F]
    return call
