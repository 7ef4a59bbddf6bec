# Values: first the rows of a window, combined elementwise, then its lanes. This order is part of the contract: it fixes
# every bit of a sum, whatever the threads, the instruction set and the memory order.


cdef struct Room:  # how a tile's work is cut, and where its scratch lies, in elements
    Py_ssize_t chunk, band, rows_at, pad_at, spare_at, out_at, widths_at, total
    bint slides  # how bands are reduced: not by log-step


cdef inline bint banded(Job* job) noexcept nogil:
    """Whether output rows share so many input rows that a band of them is reduced at once."""
    return job.height.uniform and job.height.stride == 1 and job.height.kernel >= 5 and job.height.out > 4


cdef Room room_of(Job* job, Py_ssize_t size, bint sums) noexcept nogil:
    """Choose how many output rows to do at once: about 16 KiB of them, or a band that outweighs what bands share."""
    cdef Room room
    cdef Tile tile = widest_tile(job)
    # Windows that a table gives may be more than the columns that they see, or see none.
    cdef Py_ssize_t pitch = max(tile.pitch, tile.out_pitch) * job.run, span = (job.height.kernel - 1) * job.height.step
    cdef Py_ssize_t most = job.planes * job.depth.out * job.height.out
    cdef Py_ssize_t tail = tile.left * job.run  # behind the last row: its padding
    room.chunk = max(1, 16384 // (pitch * size))
    room.band = 0
    room.slides = not sums and job.depth.kernel == 1 and tile.used * job.run * size >= 128
    if banded(job) and room.slides:
        room.chunk = min(job.height.out, max(1, room.chunk // (span + job.height.step)) * (span + job.height.step))
        room.band = span + 2 * job.height.step
    elif banded(job):
        room.chunk = min(job.height.out, max(room.chunk, min(2 * span, max(8, 65536 // (pitch * size)))))
        room.band = room.chunk + span
    room.chunk = min(room.chunk, most)
    room.rows_at = behind(0, room.band * round_up(pitch, BLOCK // size) + tail)
    room.pad_at = behind(room.rows_at, room.chunk * pitch + tail)
    room.spare_at = behind(room.pad_at, pitch)
    room.out_at = room.spare_at + 3 * behind(0, max(room.chunk, room.band, 3) * pitch + tail + ACCUMULATORS * job.run)
    room.widths_at = behind(room.out_at, room.chunk * tile.out_pitch * job.run)
    room.total = behind(room.widths_at, tile.out_pitch * job.run)
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


cdef void fold_stretch(R* op, T* inner, const T* pad, Py_ssize_t used, Py_ssize_t pitch, const char* row,
                       Py_ssize_t following, Py_ssize_t down, Py_ssize_t tall, Py_ssize_t count,
                       Py_ssize_t ahead) noexcept nogil:
    """The same for `count` output rows whose input rows lie `following` bytes apart and can be used as they lie.

    In whole blocks, so that there is no code for the rest of a row: what spills over is written next.
    """
    cdef Py_ssize_t r, t, n = round_up(used, BLOCK // <Py_ssize_t>sizeof(T))
    for r in range(count):
        prefetch(row + AHEAD, ahead)
        if tall == 2:
            start_rows2(op, inner, <const T*>row, <const T*>(row + down), n)
        elif tall == 1:
            start_row(op, inner, <const T*>row, n)
        elif tall == 3:
            start_rows3(op, inner, <const T*>row, <const T*>(row + down), <const T*>(row + 2 * down), n)
        else:
            start_rows4(op, inner, <const T*>row, <const T*>(row + down), <const T*>(row + 2 * down),
                        <const T*>(row + 3 * down), n)
            t = 4
            while t + 2 < tall:
                fold_rows3(op, inner, <const T*>(row + t * down), <const T*>(row + (t + 1) * down),
                           <const T*>(row + (t + 2) * down), n)
                t += 3
            if t < tall:
                join(op, False, inner, <const T*>(row + t * down),
                     <const T*>(row + (t + 1) * down) if t + 1 < tall else NULL, <T>1, n)
        copy_blocks(inner + used, pad, pitch - used)
        row += following
        inner += pitch


cdef inline const T* source_row(T* spare, const T* pad, Job* job, Tile* tile, const char* slab, Py_ssize_t h,
                                const char* limit) noexcept nogil:
    """Row h of a slab, to be read in whole blocks: as it lies up to `limit`, or in `spare`; outside, padding."""
    cdef const char* row = slab + h * job.x.h
    if not 0 <= h < job.height.size:
        return pad
    if row <= limit:
        return <const T*>row
    load_row(spare, row, &job.x, tile.used, job.run)
    if T is float or T is double:
        transform(spare, job.norm, job.power, tile.used * job.run)
    return spare


cdef void fold_band(R* op, Job* job, Tile* tile, T* rows, T* band, const T* pad, T* spare, const char* plane,
                    Py_ssize_t od, Py_ssize_t oh, Py_ssize_t chunk) noexcept nogil:
    """The same for `chunk` output rows at once: copy the input rows below them, padding included, and log-step."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Py_ssize_t run = job.run, pitch = tile.pitch * run, edge = tile.left * run, used = tile.used * run, td, r
    cdef const char* limit = whole_until(&job.x, rows, tile.used, run) if job.norm < 2 else NULL
    cdef const char* slab
    cdef T* row
    if <Py_ssize_t>depth.taps[od] == 0:
        fill(rows, identity(op, rows), chunk * pitch + edge)
    for td in range(<Py_ssize_t>depth.taps[od]):
        slab = plane + (<Py_ssize_t>depth.begin[od] + td * depth.step) * job.x.d
        row = band + edge
        for r in range(chunk + (height.kernel - 1) * height.step):
            copy_blocks(row, source_row(spare, pad, job, tile, slab, oh - height.before + r, limit), used)
            copy_blocks(row + used, pad, pitch - used)
            row += pitch
        fold_progression(op, td == 0, rows, band, spare, <T>1, chunk * pitch + edge, height.kernel, height.step * pitch)


cdef void slide_band(R* op, Job* job, Tile* tile, T* rows, T* band, const T* pad, T* spare, const char* slab,
                     Py_ssize_t oh, Py_ssize_t chunk) noexcept nogil:
    """The same for maxima and minima of one slab, at three `combine` for an element however tall the window (van Herk).

        rows     a b c d|e f g h   as many as a window is tall, a border, and as many again
        windows  [. . .|. .]       above the border: a b c d, b c d, c d, d, computed from the border upwards;
                                   below it: nothing, e, e f, e f g, collected on the way down
    """
    cdef Axis* height = &job.height
    cdef Py_ssize_t step = height.step, tall = height.kernel * step, used = tile.used * job.run, size = sizeof(T)
    cdef Py_ssize_t pitch = tile.pitch * job.run, r, start, top, lo, n, edge
    cdef const char* limit = whole_until(&job.x, rows, tile.used, job.run) if job.norm < 2 else NULL
    cdef Py_ssize_t strip = round_up(min(used, STRIP // size if limit != NULL else used), BLOCK // size)
    cdef const T* source
    cdef T* above
    cdef T* below
    cdef T* to
    lo = (used - 1) // strip * strip  # from right to left: what spills over a row is written later
    while lo >= 0:
        n = min(strip, round_up(used - lo, BLOCK // size))
        edge = 0 if lo + strip < used else pitch - used
        start = 0
        while start < chunk:
            top = oh - height.before + start
            for r in range(tall - 1, -1, -1):
                source = source_row(spare, pad, job, tile, slab, top + r, limit) + lo
                above = band + r * strip
                if r + step < tall:
                    start_rows2(op, above, source, above + step * strip, n)
                else:
                    start_row(op, above, source, n)
            for r in range(min(tall, chunk - start)):
                above = band + r * strip
                to = rows + tile.left * job.run + (start + r) * pitch + lo
                if r < step:
                    start_row(op, to, above, n)
                else:
                    source = source_row(spare, pad, job, tile, slab, top + tall + r - step, limit) + lo
                    below = band + (tall + r % step) * strip
                    if r < 2 * step:
                        start_row(op, below, source, n)
                    else:
                        fold_row(op, below, source, n)
                    start_rows2(op, to, above, below, n)
                copy_blocks(to + used - lo, pad, edge)
            start += tall
        lo -= strip


cdef inline void finish_norm(F* a, Job* job, Py_ssize_t n) noexcept nogil:
    """Undo the power of a norm."""
    cdef Py_ssize_t i
    if job.norm == 2:
        for i in range(n):
            a[i] = sqrtf(a[i]) if F is float else sqrt(a[i])
    elif job.norm == 3:
        for i in range(n):
            a[i] = <F>pow(a[i], 1.0 / job.power)


cdef inline void divide_row(F* a, const F* widths, F across, Py_ssize_t n) noexcept nogil:
    """Turn sums into averages."""
    cdef Py_ssize_t i
    for i in range(n):
        a[i] = a[i] / (across * widths[i])


cdef inline bint constant(const int64_t* counts, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    cdef Py_ssize_t o
    for o in range(first + 1, last):
        if counts[o] != counts[first]:
            return False
    return True


cdef struct Rows:  # where output row r of all planes' rows stands
    Py_ssize_t p, od, oh


cdef inline Rows rows_at(Job* job, Py_ssize_t r) noexcept nogil:
    cdef Rows at
    at.oh = r % job.height.out
    r //= job.height.out
    at.od = r % job.depth.out
    at.p = r // job.depth.out
    return at


cdef inline Rows rows_after(Job* job, Rows at, Py_ssize_t r, Py_ssize_t m) noexcept nogil:
    """Go m rows on, to row r."""
    at.oh += m
    if at.oh > job.height.out:
        return rows_at(job, r)
    if at.oh == job.height.out:
        at.oh, at.od = 0, at.od + 1
        if at.od == job.depth.out:
            at.od, at.p = 0, at.p + 1
    return at


cdef inline void load_stretch(T* to, Job* job, Tile* tile, const char* row, Py_ssize_t rows) noexcept nogil:
    """Load input rows one behind the other, each element once, as what is to be reduced."""
    cdef Memory* x = &job.x
    cdef Py_ssize_t n = tile.used * job.run, r
    if x.h == tile.used * x.w:
        load_row(to, row, x, rows * tile.used, job.run)
    else:
        for r in range(rows):
            load_row(to + r * n, row + r * x.h, x, tile.used, job.run)
    if T is float or T is double:
        transform(to, job.norm, job.power, rows * n)


cdef void fold_chunk(R* op, Job* job, Tile* tile, T* rows, const T* pad, T* spare, Py_ssize_t space, Py_ssize_t first,
                     Py_ssize_t chunk, Py_ssize_t pitch) noexcept nogil:
    """Combine the input rows of `chunk` output rows, in stretches that follow one another at one distance.

    Rows that cannot be used as they lie are loaded into `spare` first, as many as its `space` holds.
    """
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Memory* x = &job.x
    cdef Py_ssize_t run = job.run, r = 0, m, tall, span, used = tile.used * run, size = sizeof(T)
    cdef Py_ssize_t down = height.step * x.h
    cdef Py_ssize_t following = height.stride * x.h
    cdef Py_ssize_t rows_on = height.stride  # the same, in input rows
    # Where rows are short and come from memory, not from a cache, the processor's guesses are not enough.
    cdef Py_ssize_t ahead = min(following, 4 * used * size) if 64 <= used * size < 4096 and x.extent > CACHED else 0
    # Output rows [begin, end) have all their taps; and if that is all rows, the next plane may simply go on.
    cdef Py_ssize_t begin = 0, end = height.out
    cdef bint as_it_lies = dense(x, rows, tile.used, run) and job.norm < 2, through
    cdef const char* limit = whole_until(x, rows, tile.used, run)
    cdef const char* row
    cdef T* inner = rows + tile.left * run
    cdef Rows at = rows_at(job, first)
    while begin < end and <Py_ssize_t>height.taps[begin] < height.kernel:
        begin += 1
    while end > begin and <Py_ssize_t>height.taps[end - 1] < height.kernel:
        end -= 1
    if not height.uniform:
        begin = end = 0
    if height.out == 1:
        following = <Py_ssize_t>x.planes[0]
        rows_on = following // x.h if x.h != 0 and following % x.h == 0 else 0
    through = (end - begin == height.out and depth.out == 1 and job.leads == 1
               and <Py_ssize_t>x.planes[0] == height.out * following)
    if not as_it_lies:
        following, down, ahead = rows_on * used * size, height.step * used * size, 0
    while r < chunk:
        tall = <Py_ssize_t>height.taps[at.oh]
        span = (tall - 1) * height.step + 1
        row = (x.data + plane_offset(job, x, at.p) + tile.first * x.w
               + <Py_ssize_t>depth.begin[at.od] * x.d + <Py_ssize_t>height.begin[at.oh] * x.h)
        m = 0
        if tall > 0 and used > 0 and depth.taps[at.od] == 1:
            m = 1
            if through:
                m = chunk - r
            elif begin <= at.oh < end:
                m = min(chunk - r, end - at.oh)
            if not as_it_lies:
                m = min(m, (space // used - span) // rows_on + 1) if 0 < rows_on <= span else 1
                m = m if span * used <= space else 0
            while m > 0 and as_it_lies and row + (m - 1) * following + (tall - 1) * down > limit:
                m -= 1
        if m > 0:
            if not as_it_lies:
                load_stretch(spare, job, tile, row, (m - 1) * rows_on + span)
                row = <const char*>spare
            if pitch == used and following == used * size:  # one long row
                fold_stretch(op, inner, pad, m * used, m * used, row, 0, down, tall, 1, ahead)
            else:
                fold_stretch(op, inner, pad, used, pitch, row, following, down, tall, m, ahead)
        else:
            fold_sources(op, job, tile, inner, spare, row, <Py_ssize_t>depth.taps[at.od], tall)
            copy_blocks(inner + used, pad, pitch - used)
            m = 1
        r += m
        inner += m * pitch
        at = rows_after(job, at, first + r, m)


cdef void store_chunk(Job* job, Tile* tile, T* out, T* spare, Py_ssize_t first, Py_ssize_t chunk) noexcept nogil:
    """Store `chunk` rows of out_pitch: at once, or at least in whole blocks, if they follow one another in memory."""
    cdef Memory* y = &job.y
    cdef Rows at = rows_at(job, first)
    cdef Py_ssize_t n = tile.out * job.run, out_pitch = tile.out_pitch * job.run, r = 0, size = sizeof(T)
    cdef char* target = (y.data + plane_offset(job, y, at.p) + at.od * y.d + at.oh * y.h + tile.first_out * y.w)
    if in_one_line(job, y, tile.out * y.w):
        if dense(y, out, 2, job.run):
            while r < chunk and (chunk - r - 1) * n * size >= BLOCK:
                copy_blocks(<T*>target, out, n)  # what spills over is stored next
                target += n * size
                out += out_pitch
                r += 1
            at = rows_at(job, first + r)
        else:
            for r in range(chunk):
                copy_blocks(spare + r * n, out + r * out_pitch, n)
            store_row(target, y, spare, chunk * tile.out, job.run)
            return
    while r < chunk:
        target = (y.data + plane_offset(job, y, at.p) + at.od * y.d + at.oh * y.h + tile.first_out * y.w)
        store_row(target, y, out, tile.out, job.run)
        out += out_pitch
        r += 1
        at = rows_after(job, at, first + r, 1)


cdef inline void finish_rows(F* to, Job* job, const F* widths, bint even, Rows at, Py_ssize_t first, Py_ssize_t rows,
                             Py_ssize_t out_pitch, Py_ssize_t n) noexcept nogil:
    """Turn the sums of `rows` rows, of which `at` is row `first`, into norms, or into averages, if they have not one
    divisor.
    """
    cdef Py_ssize_t r
    if not job.divide:
        finish_norm(to, job, (rows - 1) * out_pitch + n)
    elif not even:
        for r in range(rows):
            divide_row(to + r * out_pitch, widths, <F>(job.depth.count[at.od] * job.height.count[at.oh]), n)
            at = rows_after(job, at, first + r + 1, 1)


cdef void pool_tile(R* op, T* scratch, Job* job, Py_ssize_t first, Py_ssize_t last, Py_ssize_t first_out,
                    Py_ssize_t last_out) noexcept nogil:
    """Pool output rows [first, last) of all planes' rows and output columns [first_out, last_out)."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef Py_ssize_t run = job.run, high = height.out, deep = depth.out
    cdef Tile tile = tile_of(width, first_out, last_out, run == 1)
    cdef Room room = room_of(job, sizeof(T), R is cpool_sum_t)
    cdef const char* plane
    cdef T* rows = scratch + room.rows_at
    cdef T* pad = scratch + room.pad_at
    cdef T* spare = scratch + room.spare_at
    cdef T* out = scratch + room.out_at
    cdef T* widths = scratch + room.widths_at
    cdef T* to
    cdef const T* source
    cdef Rows at
    cdef Py_ssize_t r, rows_at_once, chunk
    cdef Py_ssize_t pitch = tile.pitch * run, out_pitch = tile.out_pitch * run, n = tile.out * run
    cdef Py_ssize_t space = min(room.out_at - room.spare_at - SLACK, 8192 // <Py_ssize_t>sizeof(T))
    # No detour through scratch for an input row that is a window high.
    cdef bint alone = (room.chunk == 1 and dense(&job.x, scratch, tile.used, run) and tile.padded == tile.used
                       and height.kernel == 1 and depth.kernel == 1 and job.norm < 2)
    # Nor for output rows that lie as they come.
    cdef bint straight = (dense(&job.y, scratch, tile.out, run)
                          and (room.chunk == 1 or out_pitch == n and in_one_line(job, &job.y, n * sizeof(T))))
    # Rows of some width are written one by one, rather than all to scratch and then copied.
    cdef bint by_rows = not straight and dense(&job.y, scratch, tile.out, run) and n * <Py_ssize_t>sizeof(T) >= 128
    cdef T count = 1  # what all sums are divided by
    cdef bint even = (constant(width.count, first_out, last_out) and constant(height.count, 0, high)
                      and constant(depth.count, 0, deep))
    if R is cpool_sum_t and (T is float or T is double):
        fill_counts(widths, width.count + first_out, tile.out, run)
        if job.divide and even:
            count = <T>(depth.count[0] * height.count[0]) * widths[0]
    fill(scratch, identity(op, scratch), room.spare_at)
    while first < last:
        chunk = min(room.chunk, last - first)
        at = rows_at(job, first)
        source = rows
        if alone and height.taps[at.oh] == 1 and depth.taps[at.od] == 1:
            source = <const T*>(job.x.data + plane_offset(job, &job.x, at.p) + tile.first * job.x.w
                                + <Py_ssize_t>depth.begin[at.od] * job.x.d + <Py_ssize_t>height.begin[at.oh] * job.x.h)
        elif room.band:
            chunk = min(chunk, high - at.oh)
            plane = job.x.data + plane_offset(job, &job.x, at.p) + tile.first * job.x.w
            if R is not cpool_sum_t and room.slides and depth.taps[at.od] == 1:
                slide_band(op, job, &tile, rows, scratch, pad, spare,
                           plane + <Py_ssize_t>depth.begin[at.od] * job.x.d, at.oh, chunk)
            else:
                fold_band(op, job, &tile, rows, scratch, pad, spare, plane, at.od, at.oh, chunk)
        else:
            fold_chunk(op, job, &tile, rows, pad, spare, space, first, chunk, pitch)
        r, rows_at_once = 0, 1 if by_rows else chunk
        while r < chunk:
            to = out
            if straight or by_rows:
                to = <T*>(job.y.data + plane_offset(job, &job.y, at.p) + at.od * job.y.d + at.oh * job.y.h
                          + first_out * job.y.w)
            fold_lanes(op, width, &tile, to, source + r * pitch, spare, count, rows_at_once, run)
            if R is cpool_sum_t and (T is float or T is double):
                finish_rows(to, job, widths, even, at, first + r, rows_at_once, out_pitch, n)
            if T is float or T is double:
                settle(to, (rows_at_once - 1) * out_pitch + n)
            r += rows_at_once
            at = rows_after(job, at, first + r, rows_at_once)
        if not straight and not by_rows:
            store_chunk(job, &tile, out, spare, first, chunk)
        first += chunk
