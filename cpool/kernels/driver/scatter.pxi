# Along indices: the gradient of what selects, and unpooling. x is written; y and the indices are read. Every input row
# is written by one thread and in the order of the outputs, so that sums do not depend on the threads.

cdef enum:
    TURNS = 4              # small planes that are added to in turns
    SMALL_PLANE = 65536    # bytes of one
    CLEARED = 16384        # bytes that are zeroed at once, so that they are still in the cache when they are added to
    BLOCK_BYTES = 131072   # of rows that are summed in scratch


cdef inline const int64_t* extents_of(Job* job, int64_t* extents, Py_ssize_t p) noexcept nogil:
    """Write the least and the greatest index of each output row of plane p."""
    cdef Memory* m = &job.at
    cdef Py_ssize_t o
    cdef const char* row
    for o in range(job.depth.out * job.height.out):
        row = m.data + plane_offset(job, m, p) + o // job.height.out * m.d + o % job.height.out * m.h
        job.leaves.extent[m.type == INT64](extents + 2 * o, row, m.w, job.width.out, job.run)
    return extents


cdef void extent_planes(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    cdef Py_ssize_t p
    for p in range(first, last):
        extents_of(job, job.extents + 2 * p * job.depth.out * job.height.out, p)


cdef void add_planes(Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Zero dense planes [first, last) and add all their gradients: an index is looked at once."""
    cdef Py_ssize_t elements = job.depth.size * job.height.size * job.width.size
    cdef Py_ssize_t plane_bytes = elements * job.run * job.size, outs = job.depth.out * job.height.out
    cdef Py_ssize_t cleared = first, together = 1, p, q, o, turns = 1
    cdef int wide = job.at.type == INT64
    cdef void* flat[4]
    cdef const void* g[4]
    cdef const void* at[4]
    if outs == 1 and plane_bytes <= SMALL_PLANE and job.run == 1 and (
            job.width.out == 1 or (job.y.w == job.size and job.at.w == (8 if wide else 4))):
        turns = TURNS
        if job.leads == 1 and <Py_ssize_t>job.x.planes[0] == plane_bytes:
            together = max(TURNS, CLEARED // plane_bytes // TURNS * TURNS)
    while first < last:
        if first + turns > last:
            turns = 1
        for q in range(turns):
            p = first + q
            flat[q] = job.x.data + plane_offset(job, &job.x, p)
            g[q] = job.y.data + plane_offset(job, &job.y, p)
            at[q] = job.at.data + plane_offset(job, &job.at, p)
            if p == cleared:
                cleared = min(last, p + together)
                memset(flat[q], 0, (cleared - p) * plane_bytes)
        for o in range(outs):
            if o:
                g[0] = (job.y.data + plane_offset(job, &job.y, first) + o // job.height.out * job.y.d
                        + o % job.height.out * job.y.h)
                at[0] = (job.at.data + plane_offset(job, &job.at, first) + o // job.height.out * job.at.d
                         + o % job.height.out * job.at.h)
            if not job.leaves.add[job.type][wide](flat, g, job.y.w, at, job.at.w, <int>turns, job.width.out, job.run,
                                                  elements):
                job.astray = True
                return
        first += turns


cdef void scatter_block(Job* job, char* block, char* loaded, const int64_t* extents, Py_ssize_t p, int64_t lo,
                        int64_t hi) noexcept nogil:
    """Zero elements [lo, hi) of plane p and add what belongs there."""
    cdef Memory* y = &job.y
    cdef Memory* m = &job.at
    cdef Py_ssize_t o, stride = y.w
    cdef const char* g
    cdef const char* at
    memset(block, 0, (hi - lo) * job.run * job.size)
    for o in range(job.depth.out * job.height.out):
        if extents[2 * o] >= hi or extents[2 * o + 1] < lo:
            continue
        g = y.data + plane_offset(job, y, p) + o // job.height.out * y.d + o % job.height.out * y.h
        at = m.data + plane_offset(job, m, p) + o // job.height.out * m.d + o % job.height.out * m.h
        if y.type != job.type:
            job.load(loaded, g, y.w, job.width.out, job.run)
            g, stride = loaded, job.run * job.size
        job.leaves.scatter[job.type][m.type == INT64](block, g, stride, at, m.w, job.width.out, job.run, lo, hi,
                                                      job.assign)


cdef void store_block(Job* job, const char* block, Py_ssize_t p, int64_t lo, int64_t hi) noexcept nogil:
    """Store elements [lo, hi) of plane p: whole rows, or a part of one."""
    cdef Memory* x = &job.x
    cdef Py_ssize_t wide = job.width.size, row, column, n
    cdef char* plane = x.data + plane_offset(job, x, p)
    while lo < hi:
        row, column = lo // wide, lo % wide
        n = min(wide - column, hi - lo)
        job.store(plane + row // job.height.size * x.d + row % job.height.size * x.h + column * x.w, x.w, block, n,
                  job.run)
        block += n * job.run * job.size
        lo += n


cdef void scatter_rows(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write input rows [first, last) of all planes' rows."""
    cdef Axis* height = &job.height
    cdef Py_ssize_t rows = job.depth.size * height.size, wide = job.width.size, unit = job.run * job.size
    cdef Py_ssize_t outs = job.depth.out * height.out, p, top, below, o
    cdef int64_t lo, hi, stop, most = max(1, BLOCK_BYTES // unit)
    cdef const int64_t* extents
    cdef Memory* x = &job.x
    cdef bint dense = (dense_rows(x, job, wide) and (height.size == 1 or x.h == wide * unit)
                       and (job.depth.size == 1 or x.d == height.size * wide * unit))
    cdef char* block
    cdef char* loaded
    cdef int64_t* own
    start(scratch)
    own = <int64_t*>take(scratch, outs * 2 * sizeof(int64_t) if job.checks else 0)
    block = take(scratch, max(most, wide) * unit)
    loaded = take(scratch, job.width.out * unit)
    if job.checks and dense and not job.assign and job.y.type == job.type:
        add_planes(job, first // rows, last // rows)
        return
    while first < last:
        p, top = first // rows, first % rows
        below = min(rows, top + last - first)
        extents = extents_of(job, own, p) if job.checks else job.extents + 2 * p * outs
        for o in range(outs):
            if extents[2 * o] < 0 or extents[2 * o + 1] >= rows * wide:
                job.astray = True
                return
        if dense:  # where it is summed in place: rows of outputs are looked at by few blocks
            most = max(most, wide)
        lo, stop = top * wide, below * wide
        while lo < stop:
            hi = min(stop, lo + most // wide * wide) if wide <= most else min(lo + most, (lo // wide + 1) * wide)
            if dense:
                block = x.data + plane_offset(job, x, p) + lo * unit
            scatter_block(job, block, loaded, extents, p, lo, hi)
            if not dense:
                store_block(job, block, p, lo, hi)
            lo = hi
        first += below - top
