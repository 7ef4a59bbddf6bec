# Values: D and H, then W, a chunk of output rows at a time, and out of scratch into the array.

cdef inline bint dense_rows(Memory* m, Job* job, Py_ssize_t columns) noexcept nogil:
    """Whether a row of `m` can be used as it lies."""
    return m.type == job.type and (m.w == job.unit or columns == 1)


cdef void finish_row(Job* job, Tile* tile, Room* room, char* to, char* row, Py_ssize_t od,
                     Py_ssize_t oh) noexcept nogil:
    """Turn a row of sums or states into averages, norms or variances, where that was not done as they were folded:
    totals to row `to`, which may be the same, all others in place."""
    cdef Py_ssize_t lanes = tile.out * job.run
    cdef double rows_count = count_of(&job.depth, od) * count_of(&job.height, oh) if job.divides else 1
    if job.reduction == TOTAL:
        job.leaves.share[job.type](to, row, job.open.apart, room.widths, room.inside, rows_count,
                                   <double>(inside_taps(&job.depth, od) * inside_taps(&job.height, oh)),
                                   0 if job.divides else job.close.divisor, <double>job.least, lanes)
    elif job.reduction == MOMENTS:
        job.leaves.vary(row, job.open.apart, job.ddof, <double>job.least, job.root, lanes)
    elif job.divides:
        job.leaves.divide[job.type](row, row, room.widths, rows_count, lanes)
    if job.norm > PLAIN:
        job.leaves.root[job.type](row, lanes, job.norm, job.power)


cdef inline bint unpooled(Axis* w) noexcept nogil:
    """Whether windows are the elements themselves."""
    return w.uniform and w.kernel == 1 and w.stride == 1 and w.before == 0 and w.out == w.size


cdef inline bint rows_lie_ready(Job* job, Tile* tile, Py_ssize_t planes, Py_ssize_t n) noexcept nogil:
    """Whether rows lie in the array as they would in scratch: nothing to fold along D and H, nothing to pad."""
    return (job.as_it_lies and job.native and not gathers(job) and unpooled(&job.depth) and unpooled(&job.height)
            and tile.used == tile.pitch and (n == 1 or job.x.h == pitch_of(job, tile))
            and (planes == 1 or (job.leads == 1 and job.x.planes[0] == n * pitch_of(job, tile))))


cdef inline bint folds_pairs(Job* job, Tile* tile) noexcept nogil:
    """Whether windows are pairs of columns, which are folded with the rows as these lie: of floats, whose totals become
    averages then, and of integers that are widened."""
    cdef Py_ssize_t rows = job.depth.kernel * job.height.kernel
    if job.along != HALVES or job.width.kernel != 2 or tile.used != 2 * tile.out:  # a pair may have a half in padding
        return False
    if job.across != AS_IT_LIES or not job.as_it_lies:  # rows come out of scratch, one by one
        return False
    if not (job.depth.uniform and job.height.uniform):  # windows have some of the rows
        return False
    if not job.native:  # the other leaf that widens, that of floats of two bytes, knows no pairs
        return job.rounds
    # What `halve` has: floats and totals, of 2 or 4 rows. Rows of less than a vector would be done lane by lane.
    if job.type > FLOAT64 or job.arrays > 2 or (rows != 2 and rows != 4) or 2 * tile.out * job.size < VECTOR:
        return False
    # And of totals: elements, as rows that lie ready are, and one divisor for all windows of a row (`average_of`).
    return job.reduction != TOTAL or (gathers(job) and job.width.one_count > 0)


cdef void fold_planes(Job* job, Tile* tile, Room* room, Py_ssize_t p, Py_ssize_t planes, Py_ssize_t od, Py_ssize_t oh,
                      Py_ssize_t n, char* out, Py_ssize_t out_pitch) noexcept nogil:
    """Fold output rows [oh, oh + n) of one slab, or all rows of several planes."""
    cdef Py_ssize_t size = job.unit, pitch = pitch_of(job, tile), q, r, o, taps, windows, distance
    cdef char* to
    cdef bint pairs = folds_pairs(job, tile)
    cdef const char* source
    if lays_rows(job) and rows_lie_ready(job, tile, planes, n):
        source = pixel(job, &job.x, p, od, oh, tile.start)
        fold_lanes(job, tile, room, out, out_pitch, source, planes * n)
        return
    if job.along == CONDENSED:
        windows, distance = n, job.height.stride * job.x.h
        if n == 1 and job.leads == 1:  # planes are windows
            windows, distance, planes = planes, job.x.planes[0], 1
        for q in range(planes):
            source = plane_of(job, tile, p + q) + first_of(&job.height, oh) * job.x.h
            job.leaves.condense[job.reduction][job.type](
                out + q * n * out_pitch, out_pitch, source, distance, job.height.step * job.x.h, job.height.kernel,
                job.width.kernel, windows, &job.close)
        return
    for q in range(planes):
        source = plane_of(job, tile, p + q)
        if job.along == WINDOWS:
            fold_windows(job, tile, room, source, od, oh, n, out + q * n * out_pitch, out_pitch)
        elif job.along == NONE or pairs:
            fold_rows(job, tile, room, source, od, oh, n, out + q * n * out_pitch, out_pitch, pairs, &job.close)
        elif job.along == LONG:
            for r in range(n):
                for o in range(tile.out):
                    taps = taps_of(&job.width, tile.begin + o)
                    to = out + (q * n + r) * out_pitch + o * size
                    if taps:
                        fold_long(job, room, p + q, od, oh + r, first_of(&job.width, tile.begin + o), taps, 0, to,
                                  &job.close)
                    else:
                        write_unseen(job, to, job.run)
        elif tile.used:
            fold_rows(job, tile, room, source, od, oh, n, room.flat + q * n * pitch + tile.left * size, pitch,
                      False, &job.open)
    if lays_rows(job) and not pairs:
        fold_lanes(job, tile, room, out, out_pitch, room.flat, planes * n)


cdef bint lacks_nothing(Job* job, Tile* tile, Py_ssize_t p, Py_ssize_t planes, Py_ssize_t od, Py_ssize_t oh,
                        Py_ssize_t n) noexcept nogil:
    """Whether a chunk of totals is one of plain sums: no window sees NaN."""
    cdef Py_ssize_t q, d, h, begin, end, rows = 1
    cdef Seen seen
    cdef const char* source
    if job.reduction != TOTAL or not job.omits or not job.native or job.least > 1 or job.run * tile.used == 0:
        return False
    seen = seen_by(&job.height, oh, oh + n)
    begin, end = max(0, seen.begin), min(job.height.size, seen.end)
    if job.x.h == tile.used * job.unit and begin < end:  # rows that lie end to end are one
        end, rows = begin + 1, end - begin
    for q in range(planes):
        source = plane_of(job, tile, p + q)
        for d in range(max(0, first_of(&job.depth, od)), min(job.depth.size, end_of(&job.depth, od))):
            for h in range(begin, end):
                if job.leaves.lacks[job.type](source + d * job.x.d + h * job.x.h, rows * lanes_of(job, tile)):
                    return False
    return True


cdef Job sum_job(Job* job) noexcept nogil:
    """The job of sums that gives the same as totals where all elements count."""
    cdef Job sums = job[0]
    sums.across, sums.as_it_lies = job.sum_across, True
    sums.reduction, sums.arrays = SUM, 1
    sums.fold = job.leaves.fold[SUM][job.type]
    if job.divides and job.sum_divisor:
        sums.divides, sums.close.divisor = False, job.sum_divisor
    return sums


cdef void fold_chunk(Job* job, Tile* tile, Room* room, Py_ssize_t p, Py_ssize_t planes, Py_ssize_t od, Py_ssize_t oh,
                     Py_ssize_t n) noexcept nogil:
    """Pool output rows [oh, oh + n) of one slab, or all rows of several planes."""
    cdef Memory* y = &job.y
    cdef Py_ssize_t size = job.unit, q, r, rows = planes * n
    cdef char* row
    cdef char* to
    cdef char* base = pixel(job, y, p, od, oh, tile.begin)
    cdef bint dense = dense_rows(y, job, tile.out), averaged = job.reduction == TOTAL and folds_pairs(job, tile)
    cdef bint straight = (job.arrays == 1 or averaged) and dense and (
        planes == 1 or (job.leads == 1 and y.planes[0] == n * y.h))
    cdef bint shares = job.reduction == TOTAL and dense and not averaged  # averages are written where they lie
    cdef char* out = base if straight else room.out
    cdef Py_ssize_t out_pitch = y.h if straight else tile.out * size
    cdef Job sums
    if not averaged and lacks_nothing(job, tile, p, planes, od, oh, n):
        sums = sum_job(job)
        fold_chunk(&sums, tile, room, p, planes, od, oh, n)
        return
    fold_planes(job, tile, room, p, planes, od, oh, n, out, out_pitch)
    if not averaged and (job.divides or job.norm > PLAIN or job.arrays > 1):
        for r in range(rows):
            row = out + r * out_pitch
            to = row
            if shares:
                to = pixel(job, y, p + r // n, od, oh + r % n, tile.begin)
            finish_row(job, tile, room, to, row, od, oh + r % n)
    if straight or shares:
        return
    if job.rounds:
        job.leaves.round[job.type](room.out, <Py_ssize_t>job.close.divisor, rows * tile.out * job.run)
        size = job.run * y.size
    for q in range(planes):
        base = pixel(job, y, p + q, od, oh, tile.begin)
        out = room.out + q * n * tile.out * size
        if y.h == tile.out * y.w:  # rows lie end to end
            job.store(base, y.w, out, n * tile.out, job.run)
            continue
        for r in range(n):
            job.store(base + r * y.h, y.w, out + r * tile.out * size, tile.out, job.run)


cdef void start_tile(Job* job, Tile* tile, Room* room) noexcept nogil:
    """Write what stays in scratch while a tile's rows are pooled: padding, divisors, and of places where windows
    begin."""
    cdef Py_ssize_t o, lanes = min(max(tile.used, 1), row_columns(job, tile)) * job.run
    cdef int64_t begin = first_of(&job.width, tile.begin), stride = job.width.stride
    cdef int64_t* bases = room.bases
    if job.picks:
        for o in range(tile.out if job.width.uniform else 0):  # in vectors, for rows may be long and few
            bases[o] = begin + o * stride
        for o in range(0 if job.width.uniform else tile.out):
            bases[o] = first_of(&job.width, tile.begin + o)
        for o in range(steps_along(job)):
            room.steps[o] = o * job.width.step
        if picks_lanes_first(job):
            pad_rows(job, tile, room.band, input_rows(job))
        return
    if may_expand(job):
        find_runs(job, tile, room.runs)
    fill_row(job, room.pad, lanes)
    if gathers(job):
        fill_number(job, room.nothing, NAN, lanes)
    if lays_rows(job):
        pad_rows(job, tile, room.flat, job.rows)
    if job.across == BAND_FLAT:
        pad_rows(job, tile, room.band, input_rows(job))
    if room.widths != NULL and job.divides_first:
        fill_counts(job, room.widths, max(0, tile.start), tile.used, job.run, False)
    elif room.widths != NULL:
        fill_counts(job, room.widths, tile.begin, tile.out, job.run, False)
    if room.inside != NULL:
        fill_counts(job, room.inside, tile.begin, tile.out, job.run, True)


cdef inline void fill_number(Job* job, char* to, double value, Py_ssize_t lanes) noexcept nogil:
    cdef float float32 = <float>value
    if job.size == 4:
        job.fill(to, &float32, lanes)
    else:
        job.fill(to, &value, lanes)


cdef inline Py_ssize_t alike_counts(Axis* w, Py_ssize_t o, Py_ssize_t end) noexcept nogil:
    """How many windows from o on, up to `end`, have the count of window o; of long rows nearly all have."""
    cdef Py_ssize_t n = 1
    if w.one_count or memcmp(w.counts + o, w.counts + o + 1, (end - o - 1) * sizeof(int64_t)) == 0:
        return end - o
    while o + n < end and w.counts[o + n] == w.counts[o]:
        n += 1
    return n


cdef Job divided_job(Job* job, Tile* tile) noexcept nogil:
    """The job of a tile of sums: where all its windows have one divisor, they are divided as they are folded."""
    cdef Job divided = job[0]
    cdef double across, count
    if (job.reduction == SUM and job.depth.one_count and job.height.one_count
            and alike_counts(&job.width, tile.begin, tile.end) == tile.out):
        divided.divides = False
        across, count = count_of(&job.depth, 0) * count_of(&job.height, 0), count_of(&job.width, tile.begin)
        divided.close.divisor = <float>across * <float>count if job.size == 4 else across * count  # as `divide` rounds
    return divided


cdef void fill_counts(Job* job, char* to, Py_ssize_t first, Py_ssize_t n, Py_ssize_t run, bint inside) noexcept nogil:
    """Write the counts of n windows along W, from the first one on, each `run` times; or how many of their taps lie
    inside the input."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t o = first, end = first + n, same
    while o < end:
        same = as_many_inside(w, o, end) if inside else alike_counts(w, o, end)
        fill_number(job, to + (o - first) * run * job.size, inside_taps(w, o) if inside else count_of(w, o), same * run)
        o += same


cdef enum:
    REPEATED_BYTES = 512   # of equal output rows, from which copies are cheaper
    REPEATED_ROWS = 4      # so many of them are enough if rows lie end to end
    REPEATED_TURNED = 8    # and so many are needed where W is turned, for there rows are the lanes


cdef inline Py_ssize_t rows_alike(Job* job, Py_ssize_t oh, Py_ssize_t most) noexcept nogil:
    """How many output rows from oh on have the same windows along H, as those of gradients do, and can be copied."""
    if (job.divides and not job.height.one_count) or not dense_rows(&job.y, job, job.width.out):
        return 1
    return alike_from(&job.height, oh, oh + most)


cdef inline Py_ssize_t rows_above(Job* job, Py_ssize_t r, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """How many output rows from row r on, of tasks [first, end), are those of the slab before."""
    cdef Py_ssize_t high = job.height.out, od = r // high % job.depth.out
    if (job.depth.uniform or od == 0 or r - high < first or alike_from(&job.depth, od - 1, od + 1) == 1
            or (job.divides and not job.depth.one_count) or not dense_rows(&job.y, job, job.width.out)):
        return 0
    return min(high - r % high, end - r)


cdef inline bint is_copied(Job* job, Tile* tile, Py_ssize_t same) noexcept nogil:
    """Whether one of so many output rows that are alike is folded and the others are copied."""
    cdef Py_ssize_t bytes = tile.out * job.unit
    if job.along == TURNED and same < REPEATED_TURNED:  # its lanes are rows
        return False
    return same > 1 and (same * bytes >= REPEATED_BYTES or (same >= REPEATED_ROWS and job.y.h == bytes))


cdef Py_ssize_t rows_to_fold(Job* job, Tile* tile, Py_ssize_t oh, Py_ssize_t most) noexcept nogil:
    """How many output rows from oh on are folded, up to those that are copied."""
    cdef Py_ssize_t n = 0, same
    if job.height.uniform:
        return most
    while n < most:
        same = rows_alike(job, oh + n, most - n)
        if is_copied(job, tile, same):
            break
        n += same
    return n


cdef void copy_rows(Job* job, Tile* tile, Py_ssize_t p, Py_ssize_t od, Py_ssize_t oh, Py_ssize_t n,
                    Py_ssize_t back) noexcept nogil:
    """Copy to output rows [oh, oh + n) what lies `back` bytes before each of them: one row, or as many of a slab."""
    cdef Py_ssize_t pitch = job.y.h, bytes = tile.out * job.unit, r
    cdef char* row = pixel(job, &job.y, p, od, oh, tile.begin)
    if pitch != bytes:
        for r in range(n):
            memcpy(row + r * pitch, row + r * pitch - back, bytes)
    elif back == pitch:
        repeat(row - bytes, bytes, n + 1)
    else:
        memcpy(row, row - back, n * bytes)


cdef inline Py_ssize_t copy_alike(Job* job, Tile* tile, Room* room, Py_ssize_t r, Py_ssize_t first,
                                  Py_ssize_t end) noexcept nogil:
    """Pool output row r, of tasks [first, end), and copy it to those behind it that are alike, or copy rows from the
    slab before; return how many rows that were, 0 if none is copied."""
    cdef Py_ssize_t high = job.height.out, p = r // (job.depth.out * high), od = r // high % job.depth.out
    cdef Py_ssize_t oh = r % high, n = rows_above(job, r, first, end)
    if n:
        copy_rows(job, tile, p, od, oh, n, job.y.d)
        return n
    n = rows_alike(job, oh, min(high - oh, end - r))
    if not is_copied(job, tile, n):
        return 0
    fold_chunk(job, tile, room, p, 1, od, oh, 1)
    copy_rows(job, tile, p, od, oh + 1, n - 1, job.y.h)
    return n


cdef void pool_tile(Job* job, Tile* tile, Room* room, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Pool output rows [begin, end), counted through all planes, of a tile that was started."""
    cdef Py_ssize_t high = job.height.out, deep = job.depth.out, r = begin, p, od, oh, n, planes
    while r < end:
        n = 0 if job.picks else copy_alike(job, tile, room, r, begin, end)
        if n:
            r += n
            continue
        p, od, oh = r // (deep * high), r // high % deep, r % high
        planes, n = 1, min(min(high - oh, job.rows), end - r)
        if not job.picks:
            n = rows_to_fold(job, tile, oh, n)
        if oh == 0 and deep == 1 and n == high:
            planes = max(1, min(job.rows // high, (end - r) // high))
        if job.picks:
            pick_chunk(job, tile, room, p, planes, od, oh, n)
        else:
            fold_chunk(job, tile, room, p, planes, od, oh, n)
        r += planes * n


cdef void pool_rows(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks [first, last) count output rows of all planes, for one tile of columns after the other."""
    cdef Py_ssize_t all_rows = job.planes * job.depth.out * job.height.out, begin, end
    cdef Tile tile
    cdef Room room
    cdef Job divided
    cdef Job* of_tile = job
    while first < last:
        begin, end = first % all_rows, min(all_rows, first % all_rows + last - first)
        tile = tile_at(job, first // all_rows)
        if job.divides:
            divided = divided_job(job, &tile)
            of_tile = &divided
        room = lay_out(of_tile, scratch, &tile)
        start_tile(of_tile, &tile, &room)
        pool_tile(of_tile, &tile, &room, begin, end)
        first += end - begin
