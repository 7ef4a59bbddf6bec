# Tiles, backward: windows side by side, as most are. Every element has one window at most, so nothing is summed: rows
# of outputs are divided, widened, and copied to the input rows that they cover.


cdef inline bint tiled(Axis* w) noexcept nogil:
    return w.uniform and w.step == 1 and w.before == 0 and (w.stride == w.kernel or w.out == 1)


cdef void join_planes(Job* job) noexcept nogil:
    """Take all planes for one, if their rows and windows go on from one to the next: small ones are then no trouble."""
    cdef Axis* height = &job.height
    cdef Memory* x = &job.x
    cdef Memory* y = &job.y
    job.even = constant(job.width.count, 0, job.width.out) and constant(height.count, 0, height.out)
    if height.size == 1:  # an axis of one element has any stride
        x.h = <Py_ssize_t>x.planes[0]
    if height.out == 1:
        y.h = <Py_ssize_t>y.planes[0]
    if job.width.out == 1:
        y.w = y.h
    if (job.even and job.leads == 1 and job.depth.size == 1 and height.size == height.out * height.kernel
            and <Py_ssize_t>x.planes[0] == height.size * x.h and <Py_ssize_t>y.planes[0] == height.out * y.h):
        height.size *= job.planes
        height.out *= job.planes
        job.planes = 1


cdef inline void widen_tiles(F* to, const F* a, Py_ssize_t taps, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Repeat each of n runs `taps` times."""
    cdef Py_ssize_t o, t
    if run == 1 and taps == 2:  # interleaved in registers
        for o in range(n):
            to[2 * o] = a[o]
            to[2 * o + 1] = a[o]
    elif run == 1:
        for o in range(n):
            fill(to + o * taps, a[o], taps)
    else:
        for o in range(n):
            for t in range(taps):
                memcpy(to + (o * taps + t) * run, a + o * run, run * sizeof(F))


cdef struct TileRoom:  # output rows at once, elements from one widened row to the next, and offsets
    Py_ssize_t chunk, pitch, shares, zeros, wide, total
    bint straight  # widened where they shall lie: long rows, or one under each output row


cdef TileRoom tile_room_of(Job* job, Py_ssize_t size) noexcept nogil:
    cdef TileRoom room
    cdef Py_ssize_t n = job.width.out * job.run
    room.pitch = max(n * job.width.kernel, job.width.size * job.run)
    room.straight = (job.x.storage == NATIVE and job.x.w == job.run * size and room.pitch == job.width.size * job.run
                     and (room.pitch * size >= 256 or job.height.kernel == 1))
    room.chunk = max(1, min(job.height.out, 8192 // (room.pitch * size)))
    if room.straight and (job.height.kernel > 1 or job.x.h != room.pitch * size):
        room.chunk = 1
    room.shares = n
    room.zeros = behind(room.shares, room.chunk * n)
    room.wide = behind(room.zeros, room.pitch)
    room.total = behind(room.wide, room.chunk * room.pitch)
    return room


cdef void copy_tiles(Job* job, F* wide, Py_ssize_t pitch, F* zeros, char* slab, Py_ssize_t oh,
                     Py_ssize_t rows) noexcept nogil:
    """Write the rows of one input slab under output rows [oh, oh + rows); behind the last one come zeros."""
    cdef Axis* height = &job.height
    cdef Memory* x = &job.x
    cdef Py_ssize_t n = job.width.size * job.run, bytes_of_row = n * <Py_ssize_t>sizeof(F), h, t = 0
    cdef Py_ssize_t under = min(height.size, (oh + rows) * height.kernel)
    cdef Py_ssize_t end = height.size if oh + rows == height.out else under
    cdef const char* last = NULL  # up to here rows may be written in whole blocks: what spills over is written next
    cdef char* to = slab + oh * height.kernel * x.h
    if dense(x, zeros, job.width.size, job.run) and x.h == bytes_of_row < 256:
        last = slab + end * x.h - round_up(bytes_of_row, BLOCK)
    if to == <char*>wide and height.kernel == 1 and under == end:
        return  # they were all widened there
    for h in range(oh * height.kernel, end):
        if h == under:
            wide, pitch = zeros, 0
        if to == <char*>wide:
            pass  # it was widened there
        elif to <= last:
            copy_blocks(<F*>to, wide, n)
        else:
            store_row(to, x, wide, job.width.size, job.run)
        to += x.h
        t += 1
        if t == height.kernel:
            wide, t = wide + pitch, 0


cdef void spread_tiles(F* scratch, void* unused, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write the input-gradient rows under output rows [first, last) of all planes' rows."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef TileRoom room = tile_room_of(job, sizeof(F))
    cdef F* shares = scratch + room.shares
    cdef F* zeros = scratch + room.zeros
    cdef F* wide = scratch + room.wide
    cdef Py_ssize_t run = job.run, n = width.out * run, rows, r, d, end
    cdef const char* source
    cdef char* plane
    cdef Rows at = rows_at(job, first)
    fill_counts(scratch, width.count, width.out, run)
    fill(zeros, <F>0, room.wide - room.zeros)
    while first < last:
        rows = min(room.chunk, last - first, height.out - at.oh)
        source = job.y.data + plane_offset(job, &job.y, at.p) + at.od * job.y.d + at.oh * job.y.h
        plane = job.x.data + plane_offset(job, &job.x, at.p)
        d = at.od * depth.kernel
        end = min(depth.size, d + depth.kernel)
        if room.straight:
            wide = <F*>(plane + d * job.x.d + at.oh * height.kernel * job.x.h)
        if job.y.h == width.out * job.y.w:
            load_row(shares, source, &job.y, rows * width.out, run)
        else:
            for r in range(rows):
                load_row(shares + r * n, source + r * job.y.h, &job.y, width.out, run)
        if job.divide and not job.even:
            for r in range(rows):
                divide_row(shares + r * n, scratch, <F>(depth.count[at.od] * height.count[at.oh + r]), n)
        elif job.divide:
            divide_all(shares, <F>(depth.count[at.od] * height.count[0]) * scratch[0], rows * n)
        settle(shares, rows * n)
        if room.pitch == n * width.kernel:
            widen_tiles(wide, shares, width.kernel, rows * width.out, run)
        else:
            for r in range(rows):
                widen_tiles(wide + r * room.pitch, shares + r * n, width.kernel, width.out, run)
                fill(wide + r * room.pitch + n * width.kernel, <F>0, room.pitch - n * width.kernel)
        while d < end:
            copy_tiles(job, wide, room.pitch, zeros, plane + d * job.x.d, at.oh, rows)
            d += 1
        while at.od == depth.out - 1 and d < depth.size:
            copy_tiles(job, zeros, 0, zeros, plane + d * job.x.d, at.oh, rows)
            d += 1
        first += rows
        at = rows_after(job, at, first, rows)
