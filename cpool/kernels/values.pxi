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
    room.spare_at = room.rows_at + room.chunk * pitch + VECTOR
    room.out_at = room.spare_at + 3 * max(room.chunk, room.band, 3) * pitch + (ACCUMULATORS + VECTOR) * job.run
    room.widths_at = room.out_at + room.chunk * tile.out_pitch * job.run + VECTOR
    room.total = room.widths_at + tile.out_pitch * job.run + VECTOR
    return room


cdef inline void fold_sources(R* op, Job* job, Tile* tile, T* acc, T* spare, const char* plane, Py_ssize_t od,
                              Py_ssize_t oh) noexcept nogil:
    """Combine the input rows of one output row into the padded row `acc`, in row-major order."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Memory* x = &job.x
    cdef Py_ssize_t run = job.run, n = tile.used * run, most = (tile.pitch - tile.left) * run
    cdef Py_ssize_t td, th, held = 0, right = (tile.padded - tile.left - tile.used) * run
    cdef T* inner = acc + tile.left * run
    cdef const char* row = plane
    cdef const T* source[3]
    cdef bint started = False, as_it_lies = dense(x, acc, tile.used, run) and job.norm < 2
    cdef Py_ssize_t down = height.step * x.h, tall = taps(height, oh)
    if as_it_lies and n % VECTOR and tall > 0:
        # Whole vectors: reading on into the next row does no harm, where there is one.
        row = plane + (<Py_ssize_t>depth.end[od] - 1) * x.d + (<Py_ssize_t>height.end[oh] - 1) * x.h
        if round_up(n, VECTOR) <= most and row + round_up(n, VECTOR) * <Py_ssize_t>sizeof(T) <= x.data + x.extent:
            n = round_up(n, VECTOR)
    for td in range(taps(depth, od)):
        row = plane + (<Py_ssize_t>depth.begin[od] + td * depth.step) * x.d + <Py_ssize_t>height.begin[oh] * x.h
        for th in range(tall):
            if as_it_lies:
                source[held] = <const T*>row
            else:
                load_row(spare + held * n, row, x, tile.used, run)
                if T is float or T is double:
                    transform(spare + held * n, job.norm, job.power, n)
                source[held] = spare + held * n
            row += down
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
    if n > tile.used * run and right > 0:
        fill(inner + tile.used * run, identity(op, inner), right)


cdef inline void fold_band(R* op, Job* job, Tile* tile, T* rows, T* band, T* spare, const char* plane, Py_ssize_t od,
                           Py_ssize_t oh, Py_ssize_t chunk) noexcept nogil:
    """The same for `chunk` output rows at once: copy the input rows below them, padding included, and log-step."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Py_ssize_t pitch = tile.pitch * job.run, span = (height.kernel - 1) * height.step
    cdef Py_ssize_t td, r, h
    cdef const char* slab
    cdef T* row
    if taps(depth, od) == 0:
        fill(rows, identity(op, rows), chunk * pitch)
    for td in range(taps(depth, od)):
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
    cdef Axis* height = &job.height
    cdef Py_ssize_t run = job.run, high = height.out, deep = job.depth.out
    cdef Tile tile = tile_of(&job.width, first_out, last_out, run)
    cdef Room room = room_of(job, &tile, sizeof(T))
    cdef T* rows = scratch + room.rows_at
    cdef T* spare = scratch + room.spare_at
    cdef T* out = scratch + room.out_at
    cdef T* widths = scratch + room.widths_at
    cdef T* to
    cdef char* target
    cdef const char* plane
    cdef Py_ssize_t r, o, i, p, od, oh, chunk, n = tile.out * run
    cdef bint straight = room.chunk == 1 and dense(&job.y, scratch, tile.out, run)  # no detour through scratch
    if R is cpool_sum_t:
        fill(widths, <T>1, tile.out_pitch * run)
        for o in range(tile.out):
            for i in range(run):
                widths[o * run + i] = <T>job.width.count[first_out + o]
    if tile.padded > tile.used:
        fill(rows, identity(op, rows), room.chunk * tile.pitch * run)
    while first < last:
        p, od, oh = first // (high * deep), first // high % deep, first % high
        chunk = min(room.chunk, last - first)
        if room.band:
            chunk = min(chunk, high - oh)
            fold_band(op, job, &tile, rows, scratch, spare, job.x.data + plane_offset(job, &job.x, p)
                      + tile.first * job.x.w, od, oh, chunk)
        else:
            for r in range(chunk):
                if r == 0 or oh == high:
                    if oh == high:
                        oh, od = 0, od + 1
                    if od == deep:
                        od, p = 0, p + 1
                    plane = job.x.data + plane_offset(job, &job.x, p) + tile.first * job.x.w
                fold_sources(op, job, &tile, rows + r * tile.pitch * run, spare, plane, od, oh)
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
                target = job.y.data + plane_offset(job, &job.y, p) + od * job.y.d + first_out * job.y.w
            if R is cpool_sum_t and (T is float or T is double):
                finish_row(to, job, widths, <T>(job.depth.count[od] * height.count[oh]), n)
            if not straight:
                store_row(target, &job.y, to, tile.out, run)
                to += tile.out_pitch * run
            target += job.y.h
            oh += 1
        first += chunk
