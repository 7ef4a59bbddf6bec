# Small planes: many of them are turned at once, so that planes become the channels of one plane, and its rows are runs
# of them. Then no vector is too long, whatever the windows: what is pooled is a job of its own, in scratch.

cdef struct Turned:        # parts of scratch
    char* loaded           # planes in a dense type of the leaves, where they do not lie so
    char* x
    char* y
    char* at


cdef Job turned_job(Job* job, Py_ssize_t n) noexcept nogil:
    """The job of n planes that are turned into channels; where it reads and writes is still to be said."""
    cdef Job inner = job[0]
    cdef Py_ssize_t unit = n * job.size, index = n * (8 if job.at.type == INT64 else 4)
    inner.planes, inner.leads, inner.run = 1, 1, n
    inner.x.w, inner.x.h, inner.x.d = unit, job.width.size * unit, job.height.size * job.width.size * unit
    inner.y.w, inner.y.h, inner.y.d = unit, job.width.out * unit, job.height.out * job.width.out * unit
    inner.at.w, inner.at.h, inner.at.d = index, job.width.out * index, job.height.out * job.width.out * index
    inner.x.type = inner.y.type = job.type
    inner.native = True
    inner.across, inner.along, inner.single = job.inner_across, job.inner_along, job.inner_single
    inner.rows, inner.columns, inner.as_it_lies = job.inner_rows, job.inner_columns, job.inner_as_it_lies
    inner.load, inner.store = job.leaves.load[job.type][job.type], job.leaves.store[job.type][job.type]
    return inner


cdef inline Py_ssize_t elements_of(Job* job) noexcept nogil:
    return job.depth.size * job.height.size * job.width.size


cdef inline Py_ssize_t outputs_of(Job* job) noexcept nogil:
    return job.depth.out * job.height.out * job.width.out


cdef Turned lay_turned(Job* job, Scratch* scratch) noexcept nogil:
    cdef Turned turned
    cdef Py_ssize_t most = max(elements_of(job), outputs_of(job))
    turned.loaded = take(scratch, job.together * most * 8)
    turned.x = take(scratch, job.together * elements_of(job) * job.size)
    turned.y = take(scratch, job.together * outputs_of(job) * job.size)
    turned.at = take(scratch, job.together * outputs_of(job) * 8 if job.picks else 0)
    return turned


cdef inline bint dense_planes(Job* job, Memory* m, Py_ssize_t size, Py_ssize_t deep, Py_ssize_t high,
                              Py_ssize_t wide) noexcept nogil:
    """Whether each plane lies end to end, and planes at one distance."""
    return (job.leads == 1 and (wide == 1 or m.w == size) and (high == 1 or m.h == wide * size)
            and (deep == 1 or m.d == high * wide * size))


cdef void load_turned(Job* job, Turned* turned, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    cdef Memory* x = &job.x
    cdef Py_ssize_t wide = job.width.size, high = job.height.size, elements = elements_of(job), q, r
    cdef const char* plane
    cdef Turn turn = job.leaves.turn[job.log_size]
    if x.type == job.type and dense_planes(job, x, job.size, job.depth.size, high, wide):
        turn(turned.x, n * job.size, x.data + first * <Py_ssize_t>x.planes[0], <Py_ssize_t>x.planes[0], n, elements)
        return
    for q in range(n):
        plane = x.data + plane_offset(job, x, first + q)
        for r in range(job.depth.size * high):
            job.load(turned.loaded + (q * elements + r * wide) * job.size, plane + r // high * x.d + r % high * x.h,
                     x.w, wide, 1)
    turn(turned.x, n * job.size, turned.loaded, elements * job.size, n, elements)


cdef void store_turned(Job* job, Memory* m, Py_ssize_t type, Store store, Py_ssize_t size, Py_ssize_t log_size,
                       const char* results, char* loaded, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Turn results back, and store them where they do not lie so."""
    cdef Py_ssize_t wide = job.width.out, high = job.height.out, outs = outputs_of(job), q, r
    cdef char* plane
    cdef Turn turn = job.leaves.turn[log_size]
    if m.type == type and dense_planes(job, m, size, job.depth.out, high, wide):
        turn(m.data + first * <Py_ssize_t>m.planes[0], <Py_ssize_t>m.planes[0], results, n * size, outs, n)
        return
    turn(loaded, outs * size, results, n * size, outs, n)
    for q in range(n):
        plane = m.data + plane_offset(job, m, first + q)
        for r in range(job.depth.out * high):
            store(plane + r // high * m.d + r % high * m.h, m.w, loaded + (q * outs + r * wide) * size, wide, 1)


cdef void pool_planes(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks [first, last) are planes."""
    cdef Turned turned
    cdef Scratch rest
    cdef Job inner
    cdef Py_ssize_t n, tiles = (job.width.out + job.inner_columns - 1) // job.inner_columns, log_index
    start(scratch)
    turned = lay_turned(job, scratch)
    rest = scratch_at(scratch.base + scratch.taken, scratch.most - scratch.taken, job.arrays, job.open.apart)
    while first < last:
        n = min(job.together, last - first)
        inner = turned_job(job, n)
        inner.x.data, inner.y.data, inner.at.data = turned.x, turned.y, turned.at
        load_turned(job, &turned, first, n)
        if job.picks:
            pool_picks(&inner, &rest, 0, job.depth.out * job.height.out * tiles)
            log_index = 3 if job.at.type == INT64 else 2
            store_turned(job, &job.at, job.at.type, job.leaves.store[job.at.type][job.at.type], 1 << log_index,
                         log_index, turned.at, turned.loaded, first, n)
        else:
            pool_values(&inner, &rest, 0, job.depth.out * job.height.out * tiles)
        start(&rest)
        store_turned(job, &job.y, job.type, job.store, job.size, job.log_size, turned.y, turned.loaded, first, n)
        first += n
