# Values: first the rows of a window, combined elementwise, then its lanes. This order is part of the contract: it fixes
# every bit of a sum, whatever the threads, the instruction set and the memory order.


cdef struct Room:  # how a tile's work is cut, and where its scratch lies, in elements
    Py_ssize_t chunk, band, rows_at, spare_at, out_at, widths_at, total


cdef inline bint banded(Job* job) noexcept nogil:
    """Whether rows are reduced by log-step too, over a band of rows copied into scratch."""
    return job.height.uniform and job.height.stride == 1 and job.height.kernel >= 5


cdef Room room_of(Job* job, Tile* tile, Py_ssize_t size) noexcept nogil:
    """Choose how many output rows to do at once: about 16 KiB of them, or a band that outweighs what bands share."""
    cdef Room room
    cdef Py_ssize_t pitch = tile.pitch * job.run, span = (job.height.kernel - 1) * job.height.step
    cdef Py_ssize_t most = job.planes * job.depth.out * job.height.out
    room.chunk = max(1, 16384 // (pitch * size))
    room.band = 0
    if banded(job):
        room.chunk = min(job.height.out, max(room.chunk, min(2 * span, max(8, 65536 // (pitch * size)))))
        room.band = room.chunk + span
    room.chunk = min(room.chunk, most)
    room.rows_at = room.band * pitch
    room.spare_at = room.rows_at + room.chunk * pitch + SLACK
    room.out_at = room.spare_at + 3 * max(room.chunk, room.band, 3) * pitch + (ACCUMULATORS + SLACK) * job.run
    room.widths_at = room.out_at + room.chunk * tile.out_pitch * job.run + SLACK
    room.total = room.widths_at + tile.out_pitch * job.run + SLACK
    return room


cdef void fold_sources(R* op, Job* job, Tile* tile, T* inner, T* spare, const char* slab, Py_ssize_t deep,
                       Py_ssize_t tall) noexcept nogil:
    """Combine the input rows of one output row, deep x tall of them from `slab` on, in row-major order."""
    cdef Memory* x = &job.x
    cdef Py_ssize_t n = tile.used * job.run, td, th, held = 0
    cdef const char* row
    cdef const T* source[3]
    cdef bint started = False, as_it_lies = dense(x, inner, tile.used, job.run) and job.norm < 2
    for td in range(deep):
        row = slab + td * job.depth.step * x.d
        for th in range(tall):
            if as_it_lies:
                source[held] = <const T*>row
            else:
                load_row(spare + held * n, row, x, tile.used, job.run)
                if T is float or T is double:
                    transform(spare + held * n, job.norm, job.power, n)
                source[held] = spare + held * n
            row += job.height.step * x.h
            held += 1
            if started and held == 2:
                fold_rows2(op, inner, source[0], source[1], n)
                held = 0
            elif held == 3:
                start_rows3(op, inner, source[0], source[1], source[2], n)
                started, held = True, 0
    if started and held == 1:
        fold_row(op, inner, source[0], n)
    elif not started and held == 2:
        start_rows2(op, inner, source[0], source[1], n)
    elif not started and held == 1:
        start_row(op, inner, source[0], n)
    elif not started:
        fill(inner, identity(op, inner), n)


cdef inline void fold_few(R* op, T* inner, const char* row, Py_ssize_t down, Py_ssize_t tall,
                          Py_ssize_t n) noexcept nogil:
    """The same for one to three rows that can be used as they lie: what most windows are."""
    if tall == 2:
        start_rows2(op, inner, <const T*>row, <const T*>(row + down), n)
    elif tall == 3:
        start_rows3(op, inner, <const T*>row, <const T*>(row + down), <const T*>(row + 2 * down), n)
    else:
        start_row(op, inner, <const T*>row, n)


cdef void fold_band(R* op, Job* job, Tile* tile, T* rows, T* band, T* spare, const char* plane, Py_ssize_t od,
                    Py_ssize_t oh, Py_ssize_t chunk) noexcept nogil:
    """The same for `chunk` output rows at once: copy the input rows below them, padding included, and log-step."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Py_ssize_t pitch = tile.pitch * job.run, span = (height.kernel - 1) * height.step
    cdef Py_ssize_t td, r, h
    cdef const char* slab
    cdef T* row
    if <Py_ssize_t>depth.taps[od] == 0:
        fill(rows, identity(op, rows), chunk * pitch)
    for td in range(<Py_ssize_t>depth.taps[od]):
        slab = plane + (<Py_ssize_t>depth.begin[od] + td * depth.step) * job.x.d
        for r in range(chunk + span):
            h = oh - height.before + r
            row = band + r * pitch
            fill(row, identity(op, row), pitch)
            if 0 <= h < height.size:
                row += tile.left * job.run
                load_row(row, slab + h * job.x.h, &job.x, tile.used, job.run)
                if T is float or T is double:
                    transform(row, job.norm, job.power, tile.used * job.run)
        fold_progression(op, td == 0, rows, band, spare, chunk * pitch, height.kernel, height.step * pitch)


cdef inline void finish_row(F* a, Job* job, const F* widths, F across, Py_ssize_t n) noexcept nogil:
    """Turn sums into averages or norms."""
    cdef Py_ssize_t i
    if job.divide:
        for i in range(n):
            a[i] = a[i] / (across * widths[i])
    if job.norm == 2:
        for i in range(n):
            a[i] = a[i] ** 0.5
    elif job.norm == 3:
        for i in range(n):
            a[i] = <F>pow(a[i], 1.0 / job.power)


cdef void pool_tile(R* op, T* scratch, Job* job, Py_ssize_t first, Py_ssize_t last, Py_ssize_t first_out,
                    Py_ssize_t last_out) noexcept nogil:
    """Pool output rows [first, last) of all planes' rows and output columns [first_out, last_out)."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Py_ssize_t run = job.run, high = height.out, deep = depth.out
    cdef Tile tile = tile_of(&job.width, first_out, last_out, run, sizeof(T))
    cdef Room room = room_of(job, &tile, sizeof(T))
    cdef T* rows = scratch + room.rows_at
    cdef T* spare = scratch + room.spare_at
    cdef T* out = scratch + room.out_at
    cdef T* widths = scratch + room.widths_at
    cdef T* inner
    cdef T* to
    cdef char* target
    cdef const char* plane = NULL
    cdef const char* slab = NULL
    cdef const char* row
    cdef Py_ssize_t p, od, oh, r, o, i, chunk, tall, n
    cdef Py_ssize_t pitch = tile.pitch * run, out_pitch = tile.out_pitch * run, out_n = tile.out * run
    cdef Py_ssize_t used = tile.used * run, whole = round_up(used, BLOCK // sizeof(T)), down = height.step * job.x.h
    cdef Py_ssize_t next_rows = min(height.stride * job.x.h, 4 * used * <Py_ssize_t>sizeof(T))
    cdef Py_ssize_t right = (tile.padded - tile.left - tile.used) * run
    cdef const char* limit = job.x.data + job.x.extent - whole * sizeof(T)
    cdef bint as_it_lies = dense(&job.x, scratch, tile.used, run) and job.norm < 2 and used > 0
    cdef bint straight = room.chunk == 1 and dense(&job.y, scratch, tile.out, run)  # no detour through scratch
    # Rows of the output that follow one another may be stored in whole blocks: what spills over is stored next.
    cdef bint spill = (dense(&job.y, scratch, tile.out, run) and job.y.h == tile.out * job.y.w and job.leads == 1
                       and (job.y.d == high * job.y.h or deep == 1)
                       and (<Py_ssize_t>job.y.planes[0] == deep * high * job.y.h or job.planes == 1))
    if whole > pitch - tile.left * run:
        whole = used
    if R is cpool_sum_t:
        for o in range(tile.out):
            for i in range(run):
                widths[o * run + i] = <T>job.width.count[first_out + o]
    if tile.padded > tile.used:
        fill(rows, identity(op, rows), room.chunk * pitch)
    while first < last:
        p, od, oh = first // (high * deep), first // high % deep, first % high
        chunk = min(room.chunk, last - first)
        plane = job.x.data + plane_offset(job, &job.x, p) + tile.first * job.x.w
        if room.band:
            chunk = min(chunk, high - oh)
            fold_band(op, job, &tile, rows, scratch, spare, plane, od, oh, chunk)
        else:
            slab = plane + <Py_ssize_t>depth.begin[od] * job.x.d
            inner = rows + tile.left * run
            for r in range(chunk):
                if oh == high:
                    oh, od = 0, od + 1
                    if od == deep:
                        od, p = 0, p + 1
                        plane = job.x.data + plane_offset(job, &job.x, p) + tile.first * job.x.w
                    slab = plane + <Py_ssize_t>depth.begin[od] * job.x.d
                row = slab + <Py_ssize_t>height.begin[oh] * job.x.h
                tall = <Py_ssize_t>height.taps[oh]
                if as_it_lies and 0 < tall <= 3 and depth.taps[od] == 1:
                    # Whole blocks: reading on into the next row does no harm, where there is one.
                    prefetch(row + AHEAD, next_rows)
                    n = whole if row + (tall - 1) * down <= limit else used
                    fold_few(op, inner, row, down, tall, n)
                    if n > used and right > 0:
                        fill(inner + used, identity(op, inner), right)
                else:
                    fold_sources(op, job, &tile, inner, spare, row, <Py_ssize_t>depth.taps[od], tall)
                inner += pitch
                oh += 1
            p, od, oh = first // (high * deep), first // high % deep, first % high
        target = job.y.data + plane_offset(job, &job.y, p) + od * job.y.d + oh * job.y.h + first_out * job.y.w
        to = <T*>target if straight else out
        fold_lanes(op, &job.width, &tile, to, rows, spare, chunk, run)
        for r in range(chunk):
            if oh == high:
                oh, od = 0, od + 1
                if od == deep:
                    od, p = 0, p + 1
                if not spill:
                    target = job.y.data + plane_offset(job, &job.y, p) + od * job.y.d + first_out * job.y.w
            if R is cpool_sum_t and (T is float or T is double):
                finish_row(to, job, widths, <T>(depth.count[od] * height.count[oh]), out_n)
            if not straight:
                if spill and (chunk - r) * out_n * <Py_ssize_t>sizeof(T) >= out_n * <Py_ssize_t>sizeof(T) + BLOCK:
                    copy_blocks(<T*>target, to, out_n)
                else:
                    store_row(target, &job.y, to, tile.out, run)
                to += out_pitch
            target += job.y.h
            oh += 1
        first += chunk
