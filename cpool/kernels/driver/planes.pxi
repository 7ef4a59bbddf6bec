# Planes with short rows: many of them are turned at once, so that planes become the channels of one plane, beside those
# that there are, and its rows are runs of them. Then no vector is too long, whatever the windows: what is pooled is a
# job of its own, in scratch. Of larger planes that is done to a band of rows at a time.

cdef struct Turned:        # parts of scratch
    char* loaded           # planes in a dense type of the leaves, where they do not lie so
    char* x
    char* y
    char* at
    char* widths           # what the columns of the input are divided by, where that is done before they are summed


cdef Job turned_job(Job* job, Py_ssize_t n) noexcept nogil:
    """The job of n planes that are turned into channels; where it reads and writes is still to be said."""
    cdef Job inner = job[0]
    cdef Py_ssize_t run = n * job.run, unit = run * job.size, index = run * job.at.size
    inner.planes, inner.leads, inner.run = 1, 1, run
    inner.x.w, inner.x.h, inner.x.d = unit, job.width.size * unit, job.height.size * job.width.size * unit
    inner.y.w, inner.y.h, inner.y.d = unit, job.width.out * unit, job.height.out * job.width.out * unit
    inner.at.w, inner.at.h, inner.at.d = index, job.width.out * index, job.height.out * job.width.out * index
    inner.x.type = inner.y.type = job.type
    inner.x.size = inner.y.size = job.size
    inner.native, inner.divides_first = True, False
    inner.across, inner.along, inner.single = job.inner_across, job.inner_along, job.inner_single
    inner.rows, inner.columns, inner.as_it_lies = job.inner_rows, job.inner_columns, job.inner_as_it_lies
    inner.load, inner.store = job.leaves.load[job.type][job.type], job.leaves.store[job.type][job.type]
    return inner


cdef struct Band:          # output rows of a plane that are done at once, slab after slab, and the input rows they see
    Py_ssize_t first, n, top, tall


cdef inline Py_ssize_t bands_of(Job* job) noexcept nogil:
    return (job.depth.out * job.height.out + job.band - 1) // job.band


cdef Band band_at(Job* job, Py_ssize_t number) noexcept nogil:
    cdef Band band
    cdef bint deep = job.depth.size > 1 or job.depth.out > 1  # then bands are whole slabs, else rows of the only one
    cdef Axis* axis = &job.depth if deep else &job.height
    cdef Py_ssize_t into = job.height.size if deep else 1, out = job.height.out if deep else 1
    cdef Py_ssize_t o, begin = axis.size, end = 0
    band.first = number * job.band
    band.n = min(job.band, job.depth.out * job.height.out - band.first)
    band.top, band.tall = 0, job.depth.size * job.height.size
    if bands_of(job) == 1:
        return band
    for o in range(band.first // out, (band.first + band.n) // out):
        if taps_of(axis, o):
            begin = min(begin, max(0, first_of(axis, o)))
            end = max(end, min(axis.size, end_of(axis, o)))
    band.top, band.tall = begin * into, max(0, end - begin) * into
    return band


cdef Py_ssize_t tallest_band(Job* job) noexcept nogil:
    cdef Py_ssize_t number, most = 0
    for number in range(bands_of(job)):
        most = max(most, band_at(job, number).tall)
    return most


cdef Turned lay_turned(Job* job, Scratch* scratch) noexcept nogil:
    cdef Turned turned
    cdef Py_ssize_t lanes = job.together * job.run, into = tallest_band(job) * job.width.size
    cdef Py_ssize_t out = job.band * job.width.out
    turned.loaded = take(scratch, lanes * max(into, out) * 8)
    turned.x = take(scratch, lanes * into * job.size)
    turned.y = take(scratch, lanes * out * job.size)
    turned.at = take(scratch, lanes * out * 8 if job.picks else 0)
    turned.widths = take(scratch, lanes * job.width.size * job.size if job.divides_first else 0)
    return turned


cdef inline bint dense_planes(Job* job, Memory* m, Py_ssize_t deep, Py_ssize_t high, Py_ssize_t wide) noexcept nogil:
    """Whether each plane lies end to end, and planes at one distance."""
    cdef Py_ssize_t unit = job.run * m.size
    return (job.leads == 1 and (wide == 1 or m.w == unit) and (high == 1 or m.h == wide * unit)
            and (deep == 1 or m.d == high * wide * unit))


cdef void turn_planes(Job* job, char* out, const char* planes, Py_ssize_t pitch, Py_ssize_t n, Py_ssize_t elements,
                      Py_ssize_t size) noexcept nogil:
    """Let n planes become channels."""
    cdef Py_ssize_t unit = job.run * size
    if unit <= 8 and unit & (unit - 1) == 0:
        job.leaves.turn[log_of(unit)](out, n * unit, planes, pitch, n, elements)
    else:
        job.leaves.turn_runs(out, unit, n * unit, planes, pitch, unit, n, elements, unit)


cdef void turn_back(Job* job, char* planes, Py_ssize_t pitch, const char* turned, Py_ssize_t n, Py_ssize_t elements,
                    Py_ssize_t size) noexcept nogil:
    """Let channels become n planes again."""
    cdef Py_ssize_t unit = job.run * size
    if unit <= 8 and unit & (unit - 1) == 0:
        job.leaves.turn[log_of(unit)](planes, pitch, turned, n * unit, elements, n)
    else:
        job.leaves.turn_runs(planes, pitch, unit, turned, unit, n * unit, n, elements, unit)


cdef void load_turned(Job* job, Turned* turned, Band* band, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    cdef Memory* x = &job.x
    cdef Py_ssize_t wide = job.width.size, high = job.height.size, elements = band.tall * wide, q, r
    cdef Py_ssize_t unit = job.run * job.size
    cdef bint dense = dense_planes(job, x, job.depth.size, high, wide)
    cdef const char* plane
    cdef char* to
    if dense and x.type == job.type:
        turn_planes(job, turned.x, x.data + first * <Py_ssize_t>x.planes[0] + band.top * wide * unit,
                    <Py_ssize_t>x.planes[0], n, elements, job.size)
        return
    for q in range(n):
        plane, to = x.data + plane_offset(job, x, first + q), turned.loaded + q * elements * unit
        if dense:
            job.load(to, plane + band.top * wide * job.run * x.size, job.run * x.size, elements, job.run)
            continue
        for r in range(band.top, band.top + band.tall):
            job.load(to + (r - band.top) * wide * unit, plane + r // high * x.d + r % high * x.h, x.w, wide, job.run)
    turn_planes(job, turned.x, turned.loaded, elements * unit, n, elements, job.size)


cdef void divide_turned(Job* job, Turned* turned, Band* band, Py_ssize_t n) noexcept nogil:
    """Divide what is loaded, each element by the count of its window."""
    cdef Py_ssize_t r, o, run = n * job.run, lanes = job.width.size * run, high = job.height.size
    for o in range(job.width.size):
        fill_number(job, turned.widths + o * run * job.size, count_of(&job.width, o), run)
    for r in range(band.top, band.top + band.tall):
        job.leaves.divide[job.type](turned.x + (r - band.top) * lanes * job.size, turned.widths,
                                    count_of(&job.depth, r // high) * count_of(&job.height, r % high), lanes, 0)


cdef void store_turned(Job* job, Memory* m, Py_ssize_t type, Store store, Py_ssize_t size, const char* results,
                       char* loaded, Band* band, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Turn results of `size` bytes back, and store them where they do not lie so."""
    cdef Py_ssize_t wide = job.width.out, high = job.height.out, outs = band.n * wide, unit = job.run * size, q, r
    cdef bint dense = dense_planes(job, m, job.depth.out, high, wide)
    cdef char* plane
    cdef const char* row
    if dense and m.type == type:
        turn_back(job, m.data + first * <Py_ssize_t>m.planes[0] + band.first * wide * unit, <Py_ssize_t>m.planes[0],
                  results, n, outs, size)
        return
    turn_back(job, loaded, outs * unit, results, n, outs, size)
    for q in range(n):
        plane, row = m.data + plane_offset(job, m, first + q), loaded + q * outs * unit
        if dense:
            store(plane + band.first * wide * job.run * m.size, job.run * m.size, row, outs, job.run)
            continue
        for r in range(band.first, band.first + band.n):
            store(plane + r // high * m.d + r % high * m.h, m.w, row + (r - band.first) * wide * unit, wide, job.run)


cdef void pool_planes(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks [first, last) are bands of so many planes as are turned together."""
    cdef Turned turned
    cdef Scratch rest
    cdef Job inner
    cdef Band band
    cdef Py_ssize_t tiles = (job.width.out + job.inner_columns - 1) // job.inner_columns, task, p, n, tile
    cdef Py_ssize_t rows = job.depth.out * job.height.out
    start(scratch)
    turned = lay_turned(job, scratch)
    rest = scratch_at(scratch.base + scratch.taken, scratch.most - scratch.taken, job.arrays, job.open.apart)
    for task in range(first, last):
        band = band_at(job, task % bands_of(job))
        p = task // bands_of(job) * job.together
        n = min(job.together, job.planes - p)
        inner = turned_job(job, n)
        load_turned(job, &turned, &band, p, n)
        if job.divides_first:
            divide_turned(job, &turned, &band, n)
        # As if all rows were there, of which no other is touched.
        inner.x.data, inner.y.data = turned.x - band.top * inner.x.h, turned.y - band.first * inner.y.h
        inner.at.data = turned.at - band.first * inner.at.h
        for tile in range(tiles):
            if job.picks:
                pool_picks(&inner, &rest, tile * rows + band.first, tile * rows + band.first + band.n)
            else:
                pool_values(&inner, &rest, tile * rows + band.first, tile * rows + band.first + band.n)
        start(&rest)
        if job.picks:
            store_turned(job, &job.at, job.at.type, job.leaves.store[job.at.type][job.at.type], job.at.size, turned.at,
                         turned.loaded, &band, p, n)
        store_turned(job, &job.y, job.type, job.store, job.size, turned.y, turned.loaded, &band, p, n)
