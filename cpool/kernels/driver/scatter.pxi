# Along indices: the gradient of what selects, and unpooling. x is written; y and the indices are read. Every input row
# is written by one thread and in the order of the outputs, so that sums do not depend on the threads. The gradient of
# unpooling gathers instead: y is written.
#
# Sums are made where they lie, or, where numbers are summed as others than they are stored as, aside, in scratch: of
# whole planes or some of their channels, and of large planes, or those that threads share, of some rows. Floats of
# two bytes are summed as float32; but as long as no pixel gets two numbers that are not 0, as of windows side by side,
# their bits are put where they lie. Where two meet, these planes are summed aside, and those that follow.

cdef enum:
    CLEARED = 16384        # bytes of small planes that are zeroed at once: they stay in the first cache
    SUMS_BYTES = 131072    # of rows that are summed in scratch, where threads share a plane or it is large
    LOADED = 4096          # numbers of outputs that are loaded at once
    BLOCK_LINES = 4        # cache lines of a block of channels, at least
    BLOCKS = 2             # such blocks for each thread
    SEVERAL = 4            # more than one in so many output rows that add to pixels of several threads ask for blocks


cdef inline bint adds_in_place(Job* job) noexcept nogil:
    """Whether planes lie so that numbers are added, or put, where they lie."""
    return (job.x.type == job.type and job.y.type == job.type
            and lies_dense(job, &job.x, job.depth.size, job.height.size, job.width.size))


cdef Job* job_in_place(Job* job, Job* bits) noexcept nogil:
    """The job whose numbers are added, or put, where they lie: of floats of two bytes, which are put there as long as
    each is alone, that of their bits; NULL if there is none."""
    if adds_in_place(job):
        return job
    if job.assign or job.type != FLOAT32 or job.x.size != 2 or job.x.type != job.y.type:
        return NULL
    bits[0] = job[0]
    bits.type = bits.x.type = bits.y.type = UINT16
    bits.size, bits.unit = 2, 2 * job.run
    return bits if adds_in_place(bits) else NULL


cdef void settle(Job* job, char* flat, Py_ssize_t n) noexcept nogil:
    """Of n sums no NaN is another one."""
    cdef float numbers[256]
    cdef Py_ssize_t some
    if job.type != UINT16:
        job.leaves.root[job.type](flat, n, PLAIN, 1)
        return
    while n:
        some = min(n, 256)
        job.load(numbers, flat, 2, some, 1)  # still as the floats that the bits are
        job.leaves.root[FLOAT32](numbers, some, PLAIN, 1)
        job.store(flat, 2, numbers, some, 1)
        flat, n = flat + 2 * some, n - some


cdef enum:                 # what adding in place may find, besides CROWDED (two numbers met that should be alone):
    ASTRAY = -1            # an index outside the plane
    WELL = 0               # nothing


cdef struct Scattered:     # parts of scratch
    int64_t* extents       # of one plane
    char* sums             # where they are not made in place
    char* loaded           # outputs: some of a row


cdef inline int64_t most_pixels(Job* job) noexcept nogil:
    """Most pixels that are summed in scratch at once, of some rows or of a part of one."""
    return max(1, SUMS_BYTES // job.unit)


cdef inline Py_ssize_t elements_of(Job* job) noexcept nogil:
    """Pixels of a plane."""
    return job.depth.size * job.height.size * job.width.size


cdef Scattered lay_scattered(Job* job, Scratch* scratch) noexcept nogil:
    """Take all parts. A run may ask for less than was measured: `by_planes` only rises, and `checks` only falls."""
    cdef Scattered parts
    cdef Py_ssize_t sums = 0, loaded = 0, extents = 0
    if job.lanes_aside:
        sums, loaded = max(elements_of(job) * job.lanes_aside, LOADED) * job.size, max(LOADED, job.lanes_aside)
    if not adds_in_place(job) and not (job.lanes_aside and job.by_planes):
        sums, loaded = max(sums, most_pixels(job) * job.unit), max(LOADED, job.run)
        extents = job.depth.out * job.height.out * 2 * sizeof(int64_t) if job.checks else 0
    lay_anew(scratch)
    parts.extents = <int64_t*>take(scratch, extents)
    parts.sums = take(scratch, sums)
    parts.loaded = take(scratch, loaded * job.size)
    return parts


cdef void find_extents(Job* job, int64_t* extents, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write the least and the greatest index of each of output rows [first, last) of all planes, and say whether one is
    outside the plane."""
    cdef Memory* m = &job.at
    cdef Py_ssize_t rows = job.depth.out * job.height.out, r
    for r in range(first, last):
        job.leaves.extent[m.type == INT64](extents, row_in(m, plane_at(job, m, r // rows), r % rows, job.height.out),
                                           m.w, job.width.out, job.run)
        if extents[0] < 0 or extents[1] >= elements_of(job):
            raise_flag(job.astray)
        extents += 2


cdef void extent_rows(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    find_extents(job, job.extents + 2 * first, first, last)


cdef int add_rows(Job* job, const int64_t* extents, Py_ssize_t p, Py_ssize_t planes, int64_t lo, int64_t hi,
                  Py_ssize_t channel, Py_ssize_t lanes) noexcept nogil:
    """Zero elements [lo, hi) of plane p where they lie, and add what belongs there, of `lanes` channels from `channel`
    on; or do so with several whole planes that are small (`planes_at_once`). Of one whole plane extents are NULL; where
    there are some, all indices lie in the plane, and all channels are wanted. Return WELL, ASTRAY or CROWDED."""
    cdef Memory* y = &job.y
    cdef Memory* m = &job.at
    cdef Py_ssize_t unit = job.unit, high = job.height.out, outs = job.width.out, o
    # Of one output the distance to the next says nothing: that of outputs which lie end to end, the quickest to add.
    cdef Py_ssize_t g_stride = y.w if outs > 1 else unit, stride = m.w if outs > 1 else job.run * m.size
    cdef int64_t cleared = lo
    cdef char* flat = plane_at(job, &job.x, p) + channel * job.size
    cdef const char* gradients = plane_at(job, y, p) + channel * job.size
    cdef const char* indices = plane_at(job, m, p) + channel * m.size
    cdef const char* g
    cdef const char* at
    cdef bint longs = m.type == INT64  # indices of 8 bytes
    cdef int odd = 0, found
    if planes > 1:  # all is zero when the leaf is called
        memset(flat, 0, planes * hi * unit)
        cleared = hi
    for o in range(job.depth.out * high):
        g, at = row_in(y, gradients, o, high), row_in(m, indices, o, high)
        if planes > 1 or extents == NULL or (lo <= extents[2 * o] and extents[2 * o + 1] < hi):
            found = job.leaves.add[job.type][longs](flat, hi * unit, g, y.planes[0], g_stride, at, m.planes[0], stride,
                                                    planes, outs, job.run, lanes, &cleared, hi, job.assign)
            if found < 0:
                return ASTRAY
            odd |= found
        elif extents[2 * o] < hi and extents[2 * o + 1] >= lo:  # a row that others add to as well
            memset(flat + cleared * unit, 0, (hi - cleared) * unit)
            cleared = hi
            odd |= job.leaves.scatter[job.type][longs](flat + lo * unit, g, g_stride, at, stride, outs, job.run, lo, hi,
                                                       job.assign)
        if odd & CROWDED:
            return CROWDED
    if lanes == job.run:
        memset(flat + cleared * unit, 0, (hi - cleared) * unit)
        if odd:
            settle(job, flat + lo * unit, planes * (hi - lo) * job.run)
        return WELL
    for o in range(cleared, hi):
        memset(flat + o * unit, 0, lanes * job.size)
    for o in range(lo, hi if odd else lo):
        settle(job, flat + o * unit, lanes)
    return WELL


cdef inline Py_ssize_t planes_at_once(Job* job) noexcept nogil:
    """How many planes are added to at once: they lie end to end, are small, and have one row of outputs each; else 1.
    """
    cdef Py_ssize_t plane = elements_of(job) * job.size
    if (job.depth.out * job.height.out == 1 and job.run == 1 and job.leads == 1 and job.by_planes
            and job.x.planes[0] == plane):
        return max(1, CLEARED // plane)
    return 1


cdef inline bint planes_end_to_end(Memory* m, Py_ssize_t elements) noexcept nogil:
    """Whether planes of one row of single elements lie end to end. The stride must say so even of one element, for it
    is what leads from one to the next."""
    return m.planes[0] == elements * m.size and m.w == m.size


cdef bint sum_aside(Job* job, Scattered* parts, const int64_t* extents, Py_ssize_t p, Py_ssize_t planes, int64_t lo,
                    int64_t hi, Py_ssize_t channel, Py_ssize_t lanes) noexcept nogil:
    """Sum elements [lo, hi) of planes [p, p + planes), of `lanes` channels from `channel` on, in scratch, and store
    them. Several planes are rows that lie end to end. Of whole planes extents are NULL, and indices are compared as
    they are used; return whether all lie in the plane."""
    cdef Memory* x = &job.x
    cdef Memory* y = &job.y
    cdef Memory* m = &job.at
    cdef Py_ssize_t elements = hi - lo, high = job.height.out, unit = lanes * job.size, o, first, n, stride, row, column
    cdef Py_ssize_t wide = job.width.size, most = max(1, LOADED // lanes)
    cdef int64_t cleared = 0
    cdef char* plane = plane_at(job, x, p) + channel * x.size
    cdef char* sums = parts.sums
    cdef const char* gradients = plane_at(job, y, p) + channel * y.size
    cdef const char* indices = plane_at(job, m, p) + channel * m.size
    cdef const char* g
    cdef const char* at
    cdef bint longs = m.type == INT64
    cdef int odd = 0, found
    if planes > 1 or extents != NULL:  # zeroing on the way is for one whole plane alone
        memset(sums, 0, planes * elements * unit)
        cleared = elements
    for o in range(job.depth.out * high):
        if extents != NULL and (extents[2 * o] >= hi or extents[2 * o + 1] < lo):
            continue
        first = 0
        while first < job.width.out:
            n = min(most, job.width.out - first)
            g, at, stride = row_in(y, gradients, o, high) + first * y.w, row_in(m, indices, o, high) + first * m.w, y.w
            if extents == NULL or y.type != job.type:
                job.load(parts.loaded, g, y.w, planes * n, lanes)
                g, stride = parts.loaded, unit
            if extents == NULL:
                found = job.leaves.add[job.type][longs](sums, elements * unit, g, n * unit, stride, at, m.planes[0],
                                                        m.w, planes, n, lanes, lanes, &cleared, elements, job.assign)
            else:
                found = job.leaves.scatter[job.type][longs](sums, g, stride, at, m.w, n, lanes, lo, hi, job.assign)
            if found < 0:
                return False
            odd |= found
            first += n
    memset(sums + cleared * unit, 0, (elements - cleared) * unit)
    if odd:
        settle(job, sums, planes * elements * lanes)
    while lo < hi:  # whole rows, or a part of one
        row, column = lo // wide, lo % wide
        n = min(wide - column, hi - lo)
        job.store(row_in(x, plane, row, job.height.size) + column * x.w, x.w, sums, planes * n, lanes)
        sums += n * unit
        lo += n
    return True


cdef bint sum_channels(Job* job, Scattered* parts, Py_ssize_t p, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Sum and store channels [begin, end) of plane p, as many at once as scratch has room for, as `sum_aside`."""
    while begin < end:
        if not sum_aside(job, parts, NULL, p, 1, 0, elements_of(job), begin, min(job.lanes_aside, end - begin)):
            return False
        begin += job.lanes_aside
    return True


cdef bint sum_planes(Job* job, Scattered* parts, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Sum and store planes [first, last), many small ones at once; return as `sum_aside`."""
    cdef Py_ssize_t elements = elements_of(job), outs = job.width.out, n = 1
    if (job.run == 1 and job.leads == 1 and elements == job.width.size and job.depth.out * job.height.out == 1
            and planes_end_to_end(&job.x, elements) and planes_end_to_end(&job.y, outs)):
        n = max(1, LOADED // max(elements, outs))
    while first < last:
        n = min(n, last - first)
        if not (sum_aside(job, parts, NULL, first, n, 0, elements, 0, 1) if job.run == 1
                else sum_channels(job, parts, first, 0, job.run)):
            return False
        first += n
    return True


cdef inline Py_ssize_t channel_blocks_of(Job* job) noexcept nogil:
    """Into how many blocks of channels planes can be divided, so that there are some for each thread: none shares a
    cache line with another, so pixels lie whole lines apart."""
    cdef Py_ssize_t unit = job.run * job.x.size
    if not (job.lanes_aside or adds_in_place(job)) or unit % LINE:
        return 1
    return max(1, min(unit // (BLOCK_LINES * LINE), parts_of(BLOCKS * job.threads, job.planes)))


cdef bint is_shared_by_rows(Job* job) noexcept nogil:
    """Whether most output rows add to pixels of one thread alone."""
    cdef Py_ssize_t outs = job.depth.out * job.height.out, several = 0, r
    cdef int64_t plane = elements_of(job)
    cdef int64_t part = parts_of(job.planes * plane, job.threads)
    for r in range(job.planes * outs):
        several += ((r // outs * plane + job.extents[2 * r]) // part
                    != (r // outs * plane + job.extents[2 * r + 1]) // part)
    return SEVERAL * several <= job.planes * outs


cdef inline Py_ssize_t first_channel(Job* job, Py_ssize_t block) noexcept nogil:
    """The first channel of a block: there begins a cache line, unless it is the first of all."""
    cdef Py_ssize_t each = parts_of(job.run * job.x.size // LINE, job.channel_blocks) * LINE
    cdef Py_ssize_t before = <Py_ssize_t>job.x.data % LINE
    if block == job.channel_blocks:
        return job.run
    return min(job.run, max(0, block * each - before) // job.x.size)


cdef bint told(Job* job, int found) noexcept nogil:
    """Tell the other threads what was found, and return whether the numbers are where they belong."""
    if found == ASTRAY:
        raise_flag(job.astray)
    if found == CROWDED:
        raise_flag(job.crowded)
    return found != CROWDED


cdef void scatter_channels(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write blocks [first, last) of channels of whole planes."""
    cdef Py_ssize_t task, begin, end, p, elements = elements_of(job)
    cdef Scattered parts = lay_scattered(job, scratch)
    cdef Job bits
    cdef Job* in_place = job_in_place(job, &bits)
    for task in range(first, last):
        begin, end = first_channel(job, task % job.channel_blocks), first_channel(job, task % job.channel_blocks + 1)
        if begin == end:
            continue
        p = task // job.channel_blocks
        if (in_place == NULL or raised(job.crowded)
                or not told(job, add_rows(in_place, NULL, p, 1, 0, elements, begin, end - begin))):
            sum_channels(job, &parts, p, begin, end)


cdef inline Py_ssize_t row_pixels(Job* job) noexcept nogil:
    """Pixels of a task: any number of them, where sums are made in place, and else those of a row."""
    return 1 if adds_in_place(job) else job.width.size


cdef void scatter_rows(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write tasks [first, last) of all planes: rows, or pixels."""
    cdef Py_ssize_t wide = row_pixels(job), rows = elements_of(job) // wide
    cdef Py_ssize_t outs = job.depth.out * job.height.out, p, top, below, n
    cdef int64_t lo, hi, stop, most = most_pixels(job)
    cdef const int64_t* extents
    cdef Scattered parts = lay_scattered(job, scratch)
    cdef Job bits
    cdef Job* in_place = job_in_place(job, &bits)
    while first < last and not raised(job.astray):
        p, top = first // rows, first % rows
        below = min(rows, top + last - first)
        lo, stop = top * wide, below * wide
        extents = NULL if job.checks else job.extents + 2 * p * outs
        if in_place != NULL and not raised(job.crowded):
            n = max(1, min(planes_at_once(in_place), (last - first) // rows))
            if told(job, add_rows(in_place, extents, p, n, lo, stop, 0, job.run)):
                first += n * (below - top)
                continue
        first += below - top
        if job.lanes_aside and job.by_planes:
            if not sum_planes(job, &parts, p, last // rows):
                raise_flag(job.astray)
            return
        if job.checks:
            find_extents(job, parts.extents, p * outs, (p + 1) * outs)
            extents = parts.extents
        while lo < stop and not raised(job.astray):
            hi = min(stop, lo + most // wide * wide) if wide <= most else min(lo + most, (lo // wide + 1) * wide)
            sum_aside(job, &parts, extents, p, 1, lo, hi, 0, job.run)
            lo = hi


cdef void gather_rows(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write output rows [first, last) of all planes, whose pixels lie at one distance; planes of one row at once."""
    cdef Memory* x = &job.x
    cdef Memory* y = &job.y
    cdef Memory* m = &job.at
    cdef Py_ssize_t high = job.height.out, rows = job.depth.out * high, p, n = 1
    if job.leads == 1 and rows == 1:
        n = last - first
    while first < last:
        p = first // rows
        if not job.leaves.gather[log_of(job.size)][m.type == INT64](
                row_in(y, plane_at(job, y, p), first % rows, high), y.planes[0], y.w, plane_at(job, x, p), x.planes[0],
                x.w, row_in(m, plane_at(job, m, p), first % rows, high), m.planes[0], m.w, n, job.width.out, job.run,
                elements_of(job)):
            raise_flag(job.astray)
            return
        first += n
