# Values with places: the taps of a window are compared in the order of memory, so W comes before H and H before D.
# Either in one pass over all taps (`one_pass`: ROWS, where each column has a vector of channels, and HALVES), or first
# along W as values are (lanes.pxi), a result for each input row, and then over these rows, which output rows share.
# Places are counted in elements of the plane from the window's first tap, which may lie in padding.

cdef enum:
    AT_ONCE = 64           # taps that are listed for one call of a leaf


cdef struct Needed:        # the input rows of a chunk, in one slab: one a slot
    Py_ssize_t top, rows   # slots count rows from top on,
    bint by_taps           # or, where these are fewer, the taps of output rows


cdef inline Needed needed_rows(Job* job, Py_ssize_t oh, Py_ssize_t n) noexcept nogil:
    cdef Axis* height = &job.height
    cdef Needed needed
    needed.rows = seen_inside(height, oh, oh + n, &needed.top)
    needed.by_taps = height.uniform and n * height.kernel <= (n - 1) * height.stride + height.span
    if needed.by_taps:
        needed.rows = n * height.kernel
    return needed


cdef inline Py_ssize_t slot_of(Job* job, Needed* needed, Py_ssize_t oh, Py_ssize_t r, Py_ssize_t t) noexcept nogil:
    """Where tap t of output row oh + r has its slot."""
    if needed.by_taps:
        return r * job.height.kernel + t
    return first_of(&job.height, oh + r) + t * job.height.step - needed.top


cdef void load_needed(Job* job, Tile* tile, Needed* needed, const char* plane, Py_ssize_t d, Py_ssize_t oh,
                      char* to) noexcept nogil:
    """Load the needed rows of slab d into the band."""
    cdef Axis* height = &job.height
    cdef Py_ssize_t slot, h, pitch = pitch_of(job, tile), edge = tile.left * job.unit
    for slot in range(needed.rows):
        h = needed.top + slot
        if needed.by_taps:
            h = first_of(height, oh + slot // height.kernel) + slot % height.kernel * height.step
        if 0 <= h < height.size and tile.used:
            job.load(to + slot * pitch + edge, plane + d * job.x.d + h * job.x.h, job.x.w, tile.used, job.run)


cdef void mend_places(Job* job, Tile* tile, char* places, Py_ssize_t rows, Py_ssize_t pitch) noexcept nogil:
    """Where all taps inside are identities the first tap is the winner, be it in padding: take the first inside."""
    cdef Py_ssize_t o, i, r, inside
    cdef char* place
    for o in range(tile.out):
        inside = skipped_taps(&job.width, tile.begin + o) * job.width.step
        if inside == 0:
            return
        for r in range(rows):
            place = places + r * pitch + o * job.unit
            for i in range(job.run):
                if job.size == 8 and (<int64_t*>place)[i] == 0:
                    (<int64_t*>place)[i] = inside
                elif job.size < 8 and (<int32_t*>place)[i] == 0:
                    (<int32_t*>place)[i] = <int32_t>inside


cdef inline Py_ssize_t hop_of(Job* job) noexcept nogil:
    """Bytes from one pixel to the next, where rows are read in one pass."""
    return job.x.w if job.as_it_lies else job.unit


cdef void pick_windows(Job* job, Tile* tile, Room* room, char* value, char* place, Py_ssize_t rows, Py_ssize_t o,
                       Py_ssize_t n, Py_ssize_t pitch, Py_ssize_t every) noexcept nogil:
    """Compare all taps inside of n windows of the same taps, `every` outputs apart, in one pass over `rows` rows."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = job.unit, edge = max(0, tile.start), begin = first_of(w, tile.begin + o), r, t, c
    cdef Py_ssize_t count = 0, hop = hop_of(job)
    cdef bint going = False
    cdef const void* taps[AT_ONCE]
    cdef int64_t offsets[AT_ONCE]
    for r in range(rows):
        for t in range(taps_of(w, tile.begin + o)):
            c = begin + t * w.step
            if 0 <= c < w.size:
                taps[count] = <const char*>room.taps[r] + (c - edge) * hop
                offsets[count] = room.offsets[r] + t * w.step
                count += 1
            if count == AT_ONCE or (count and r == rows - 1 and t == taps_of(w, tile.begin + o) - 1):
                job.pick(value + o * unit, place + o * unit, every * unit, taps, NULL, offsets, count, pitch, n,
                         job.run, going)
                going, count = True, 0


cdef void pick_at_once(Job* job, Tile* tile, Room* room, char* value, char* place, Py_ssize_t rows) noexcept nogil:
    """One output row in one pass: `rows` input rows, whose first columns and places are in `taps` and `offsets`."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t o = 0, n, phase
    if not w.uniform and w.period:
        for phase in range(min(w.every, tile.out)):
            pick_windows(job, tile, room, value, place, rows, phase, parts_of(tile.out - phase, w.every),
                         w.advance * hop_of(job), w.every)
        return
    while o < tile.out:
        n = at_one_distance(w, tile.begin + o, tile.out - o)
        pick_windows(job, tile, room, value, place, rows, o, n, w.stride * hop_of(job), 1)
        o += n


cdef void store_picked(Job* job, Tile* tile, Room* room, const char* value, const char* place, char* y, char* at,
                       Py_ssize_t od, Py_ssize_t oh, Py_ssize_t n) noexcept nogil:
    """Store n rows of values, all of one plane, unless y is NULL, and turn places into indices of that plane."""
    cdef Py_ssize_t high = job.height.plane_rows, h = first_of(&job.height, oh), lanes = tile.out * job.run, r
    cdef int64_t shift = (first_of(&job.depth, od) * high + (h % high if h >= high else h)) * job.width.size
    for r in range(n if y != NULL else 0):
        job.store(y + r * job.y.h, job.y.w, value + r * lanes * job.size, tile.out, job.run)
    job.leaves.place(at, job.at.type == INT64, job.at.h, job.at.w, place, job.size == 8, room.bases, shift,
                     job.height.stride * job.width.size, n, tile.out, job.run)


cdef inline Py_ssize_t rows_in_plane(Job* job, Py_ssize_t oh, Py_ssize_t most) noexcept nogil:
    """How many output rows from oh on belong to the same plane, where planes are joined to one."""
    cdef Axis* height = &job.height
    cdef Py_ssize_t high = height.plane_rows
    if high == height.size:
        return most
    return min(most, parts_of(high - first_of(height, oh) % high, height.stride))


cdef void pick_chunk(Job* job, Tile* tile, Room* room, Py_ssize_t p, Py_ssize_t planes, Py_ssize_t od, Py_ssize_t oh,
                     Py_ssize_t n) noexcept nogil:
    """Pool output rows [oh, oh + n) of one slab, or all rows of several planes."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Py_ssize_t unit = job.unit, pitch = pitch_of(job, tile), out_pitch = tile.out * unit
    cdef Py_ssize_t q, r, t, td, d, h, m, count, slot, top, distance
    cdef Py_ssize_t front = first_of(depth, od), deep = taps_of(depth, od)
    cdef Py_ssize_t area = height.plane_rows * job.width.size
    cdef Needed needed = needed_rows(job, oh, n)
    cdef Py_ssize_t in_plane = deep * needed.rows
    cdef bint lanes_first = picks_lanes_first(job), as_it_lies = job.as_it_lies and not lanes_first
    cdef bint straight = dense_rows(&job.y, job, tile.out)
    cdef bint several = (job.along == HALVES or not job.one_pass) and (not straight or job.y.h == out_pitch)
    cdef const char* plane
    cdef char* value
    cdef char* y
    cdef char* at
    cdef char* place = room.out + job.open.apart
    distance = height.kernel if needed.by_taps else height.stride  # from an output row's slots to the next one's
    distance *= out_pitch if lanes_first else pitch
    if as_it_lies:
        distance = height.stride * job.x.h
    for q in range(planes):
        plane = plane_of(job, tile, p + q)
        for td in range(deep):
            d = front + td * depth.step
            if 0 <= d < depth.size and not as_it_lies:
                load_needed(job, tile, &needed, plane, d, oh, room.band + (q * in_plane + td * needed.rows) * pitch)
    if lanes_first:
        fold_lanes(job, tile, room, room.values, out_pitch, room.band, planes * in_plane)
        mend_places(job, tile, room.values + job.open.apart, planes * in_plane, out_pitch)
    for q in range(planes):
        plane, r = plane_of(job, tile, p + q), 0
        y = pixel(job, &job.y, p + q, od, oh, tile.begin)
        at = pixel(job, &job.at, p + q, od, oh, tile.begin)
        while r < n:
            top, m, count = first_of(height, oh + r), at_one_distance(height, oh + r, n - r) if several else 1, 0
            for td in range(deep):
                d = front + td * depth.step
                for t in range(taps_of(height, oh + r)):
                    h = top + t * height.step
                    if not (0 <= d < depth.size and 0 <= h < height.size):
                        continue
                    slot = q * in_plane + td * needed.rows + slot_of(job, &needed, oh, r, t)
                    room.offsets[count] = td * depth.step * area + t * height.step * job.width.size
                    if as_it_lies:
                        room.taps[count] = plane + d * job.x.d + h * job.x.h
                    elif lanes_first:
                        room.taps[count] = room.values + slot * out_pitch
                        room.from_[count] = room.values + job.open.apart + slot * out_pitch
                    else:
                        room.taps[count] = room.band + slot * pitch + tile.left * unit
                    count += 1
            value = y + r * job.y.h if straight else room.out
            if job.along == HALVES:
                job.leaves.pick_halves[job.reduction][job.type](
                    value, place, out_pitch, room.taps, room.offsets, count, job.width.kernel,
                    first_of(&job.width, tile.begin) - max(0, tile.start), tile.used, distance, m, tile.out)
            elif job.one_pass:
                pick_at_once(job, tile, room, value, place, count)
            else:
                job.pick(value, place, out_pitch, room.taps, room.from_ if lanes_first else NULL, room.offsets,
                         count, distance, m, tile.out * job.run, 0)
            while m > 0:
                t = rows_in_plane(job, oh + r, m)
                store_picked(job, tile, room, value, place, NULL if straight else y + r * job.y.h, at + r * job.at.h,
                             od, oh + r, t)
                value, place, r, m = value + t * out_pitch, place + t * out_pitch, r + t, m - t
            place = room.out + job.open.apart


# ------------------------------------------------------------------------------------- indices of values that are known

cdef void find_row(Job* job, char* line, Py_ssize_t p, Py_ssize_t od, Py_ssize_t oh) noexcept nogil:
    """Search the windows of one output row for the values that stand in y."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t o, td, th, d, h, begin, end, c, n, found, high = job.height.plane_rows
    cdef double number = 0  # or whatever type it is of
    cdef char* value = <char*>&number
    cdef int64_t index
    cdef const void* row
    cdef bint searched
    for o in range(w.out):
        job.load(value, pixel(job, &job.y, p, od, oh, o), 0, 1, 1)
        begin, end = max(0, first_of(w, o)), min(w.size, end_of(w, o))
        index = -1
        searched = False
        for td in range(taps_of(&job.depth, od)):
            d = first_of(&job.depth, od) + td * job.depth.step
            for th in range(taps_of(&job.height, oh)):
                h = first_of(&job.height, oh) + th * job.height.step
                if searched or not (0 <= d < job.depth.size and 0 <= h < job.height.size):
                    continue
                c = begin
                while c < end and not searched:
                    n = min(SEARCHED, end - c)
                    row = pixel(job, &job.x, p, d, h, c)
                    if not job.as_it_lies:
                        job.load(line, <const char*>row, job.x.w, n, 1)
                        row = line
                    found = job.leaves.find[job.type](row, value, n)
                    if found >= 0:
                        index = (d * high + h % high) * w.size + c + found
                        # Of several NaN the last one counts.
                        searched = job.type > FLOAT64 or not job.leaves.lacks[job.type](value, 1)
                    c += n
        if job.at.type == INT64:
            (<int64_t*>pixel(job, &job.at, p, od, oh, o))[0] = index
        else:
            (<int32_t*>pixel(job, &job.at, p, od, oh, o))[0] = <int32_t>index


cdef void find_rows(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    cdef Py_ssize_t r, high = job.height.out, deep = job.depth.out
    cdef char* line
    lay_anew(scratch)
    line = take(scratch, SEARCHED * job.size)
    for r in range(first, last):
        find_row(job, line, r // (deep * high), r // high % deep, r % high)
