# Planes with short rows: many of them are turned at once, so that planes become the channels of one plane, beside those
# that there are, and its rows are runs of them. Rows then fill vectors, whatever the windows: what is pooled is a job
# of its own, in scratch. Of larger planes that is done to a band of rows at a time.
#
# Where not all elements count, bands of planes are copied to scratch first, with a number that changes nothing for
# those that do not: what is pooled then is an array like any other.

cdef struct Turned:        # parts of scratch
    char* loaded           # planes in a dense type of the leaves, where they do not lie so
    char* x
    char* y
    char* at
    char* widths           # what the columns of the input are divided by, where that is done before they are summed


cdef Job turned_job(Job* job, Py_ssize_t n) noexcept nogil:
    """The job of n planes that are turned into channels, for which the strategy was chosen; where it reads and writes
    is still to be said. Results stay in the type they are computed in until they are turned back; those of windows in
    order and of sums of integers are of y's type at once."""
    cdef Job inner = job[0]
    cdef Py_ssize_t run = n * job.run, unit = run * job.size, index = run * job.at.size, result
    inner.planes, inner.leads, inner.run, inner.unit = 1, 1, run, unit
    inner.x.type, inner.x.size, inner.load = job.type, job.size, job.leaves.load[job.type][job.type]
    if not (puts_in_order(job) or job.rounds):
        inner.y.type, inner.y.size, inner.store = job.type, job.size, job.leaves.store[job.type][job.type]
    result = run * inner.y.size
    inner.x.w, inner.x.h, inner.x.d = unit, job.width.size * unit, job.height.size * job.width.size * unit
    inner.y.w, inner.y.h, inner.y.d = result, job.width.out * result, job.height.out * job.width.out * result
    inner.at.w, inner.at.h, inner.at.d = index, job.width.out * index, job.height.out * job.width.out * index
    inner.quantile_pitch = job.depth.out * inner.y.d
    inner.native, inner.divides_first, inner.masked = True, False, False
    inner.open.far = inner.close.far = False
    return inner


cdef struct Band:          # output rows of a plane that are done at once, slab after slab, and the input rows they see
    Py_ssize_t first, n, top, tall


cdef inline Py_ssize_t bands_of(Job* job) noexcept nogil:
    return parts_of(job.depth.out * job.height.out, job.band)


cdef Band band_at(Job* job, Py_ssize_t number) noexcept nogil:
    cdef Band band
    cdef bint deep = job.depth.size > 1 or job.depth.out > 1  # then bands are whole slabs, else rows of the only one
    cdef Axis* axis = &job.depth if deep else &job.height
    cdef Py_ssize_t into = job.height.size if deep else 1, out = job.height.out if deep else 1
    cdef Seen seen
    band.first = number * job.band
    band.n = min(job.band, job.depth.out * job.height.out - band.first)
    band.top, band.tall = 0, job.depth.size * job.height.size
    if bands_of(job) == 1:
        return band
    seen = seen_by(axis, band.first // out, (band.first + band.n) // out)
    band.top = max(0, seen.begin) * into
    band.tall = max(0, min(axis.size, seen.end) * into - band.top)
    return band


cdef Py_ssize_t tallest_band(Job* job) noexcept nogil:
    cdef Py_ssize_t number, most = 0
    for number in range(bands_of(job)):
        most = max(most, band_at(job, number).tall)
    return most


cdef Turned lay_turned(Job* job, Scratch* scratch) noexcept nogil:
    cdef Turned turned
    cdef Py_ssize_t lanes = job.together * job.run, into = job.tallest * job.width.size
    cdef Py_ssize_t out = job.band * job.width.out
    turned.loaded = take(scratch, lanes * max(into, out) * 8)
    turned.x = take(scratch, lanes * into * job.size)
    turned.y = take(scratch, lanes * out * max(job.size, job.y.size) * max(1, job.n_quantiles))
    turned.at = take(scratch, lanes * out * 8 if job.picks else 0)
    turned.widths = take(scratch, lanes * job.width.size * job.size if job.divides_first else 0)
    return turned


cdef inline bint dense_planes(Job* job, Memory* m, Py_ssize_t deep, Py_ssize_t high, Py_ssize_t wide) noexcept nogil:
    """Whether each plane lies end to end, and planes at one distance."""
    return job.leads == 1 and lies_dense(job, m, deep, high, wide)


cdef void turn(Job* job, char* to, Py_ssize_t to_pitch, const char* rows, Py_ssize_t pitch, Py_ssize_t n,
               Py_ssize_t columns, Py_ssize_t unit) noexcept nogil:
    """Turn n rows of runs of so many bytes: run c of row r becomes run r of row c. Planes are rows of pixels, which
    become channels, and these planes again."""
    if unit <= 8 and unit & (unit - 1) == 0:  # one number to the leaf that transposes
        job.leaves.turn[log_of(unit)](to, to_pitch, rows, pitch, n, columns)
    else:
        job.leaves.turn_runs(to, to_pitch, rows, pitch, n, columns, unit)


cdef bint all_count(Job* job, Band* band, Py_ssize_t p, Py_ssize_t n, Py_ssize_t first, Py_ssize_t wide) noexcept nogil:
    """Whether all elements of columns [first, first + wide) of a band of n planes count, as far as is quickly seen."""
    cdef Memory* m = &job.where
    cdef Py_ssize_t q, r, high = job.height.size
    cdef const char* plane
    if not job.masked:
        return True
    if wide > 1 and m.w != job.run:
        return False
    if (wide == job.width.size and dense_planes(job, m, job.depth.size, high, wide)
            and (n == 1 or m.planes[0] == band.tall * wide * job.run)):
        plane = plane_at(job, m, p) + band.top * wide * job.run
        return memchr(plane, 0, n * band.tall * wide * job.run) == NULL
    for q in range(n):
        plane = plane_at(job, m, p + q) + first * m.w
        for r in range(band.top, band.top + band.tall):
            if memchr(row_in(m, plane, r, high), 0, wide * job.run):
                return False
    return True


cdef bint is_as_it_lies(Job* job, Band* band, Py_ssize_t p, Py_ssize_t n, Py_ssize_t first,
                        Py_ssize_t wide) noexcept nogil:
    """Whether nothing is done to the elements of a band before they are pooled; then say if NaN is among them, for
    what is loaded is looked at on the way."""
    cdef Py_ssize_t q, r, high = job.height.size
    cdef const char* plane
    if job.x.type != job.type or job.norm > PLAIN or not all_count(job, band, p, n, first, wide):
        return False
    if not job.watches or raised(job.met):
        return True
    for q in range(n):
        plane = plane_at(job, &job.x, p + q) + first * job.x.w
        for r in range(band.top, band.top + band.tall):
            if job.leaves.lacks[job.type](row_in(&job.x, plane, r, high), wide * job.run):
                raise_flag(job.met)
                return True
    return True


cdef inline void load_pixels(Job* job, char* to, const char* x, Py_ssize_t hop, const char* where,
                             Py_ssize_t where_hop, Py_ssize_t n) noexcept nogil:
    """Load n pixels, `hop` bytes apart; where not all elements count, a number that changes nothing instead of those
    that do not; of norms their powers."""
    if not (job.masked or job.norm > PLAIN) or job.x.type != job.type or hop != job.unit:
        job.load(to, x, hop, n, job.run)
        x = to
    if job.masked:
        if job.leaves.blank[job.type](to, x, NULL, <const unsigned char*>where, where_hop, n, job.run, job.blank_bits):
            raise_flag(job.met)
        x = to
    if job.norm > PLAIN:
        job.leaves.raise_[job.type](to, x, n * job.run, job.norm, job.power)


cdef void load_band(Job* job, char* to, Band* band, Py_ssize_t p, Py_ssize_t n, Py_ssize_t first,
                    Py_ssize_t wide) noexcept nogil:
    """Load columns [first, first + wide) of a band of n planes, end to end."""
    cdef Memory* x = &job.x
    cdef Memory* m = &job.where
    cdef Py_ssize_t high = job.height.size, row = wide * job.unit, elements = band.tall * wide, q, r
    cdef bint whole = wide == job.width.size and dense_planes(job, x, job.depth.size, high, wide) and (
        not job.masked or dense_planes(job, m, job.depth.size, high, wide))
    cdef const char* plane
    cdef const char* where = NULL
    if whole and x.planes[0] == elements * job.run * x.size and (not job.masked or m.planes[0] == elements * job.run):
        elements, n = n * elements, 1
    for q in range(n):
        plane = plane_at(job, x, p + q) + first * x.w
        if job.masked:
            where = plane_at(job, m, p + q) + first * m.w
        if whole:
            load_pixels(job, to, plane + band.top * wide * job.run * x.size, job.run * x.size,
                        where + band.top * wide * job.run if job.masked else NULL, job.run, elements)
            to += band.tall * row
            continue
        for r in range(band.top, band.top + band.tall):
            load_pixels(job, to, row_in(x, plane, r, high), x.w,
                        row_in(m, where, r, high) if job.masked else NULL, m.w, wide)
            to += row


cdef void load_turned(Job* job, Turned* turned, Band* band, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t wide = job.width.size, elements = band.tall * wide, unit = job.unit
    if dense_planes(job, &job.x, job.depth.size, job.height.size, wide) and is_as_it_lies(job, band, first, n, 0, wide):
        turn(job, turned.x, n * unit, job.x.data + first * job.x.planes[0] + band.top * wide * unit,
             job.x.planes[0], n, elements, unit)
        return
    load_band(job, turned.loaded, band, first, n, 0, wide)
    turn(job, turned.x, n * unit, turned.loaded, elements * unit, n, elements, unit)


cdef void divide_turned(Job* job, Turned* turned, Band* band, Py_ssize_t n) noexcept nogil:
    """Divide what is loaded, each element by the count of its window."""
    cdef Py_ssize_t r, run = n * job.run, lanes = job.width.size * run, high = job.height.size
    cdef char* row
    fill_counts(job, turned.widths, 0, job.width.size, run, False)
    for r in range(band.top, band.top + band.tall):
        row = turned.x + (r - band.top) * lanes * job.size
        job.leaves.divide[job.type](row, row, turned.widths, count_of(&job.depth, r // high)
                                    * count_of(&job.height, r % high), lanes)


cdef void store_turned(Job* job, Memory* m, Memory* made, const char* results, char* loaded, Band* band,
                       Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Turn results, which are of the type of `made`, back, and store them in m where they do not lie so."""
    cdef Py_ssize_t type = made.type, unit = job.run * made.size, wide = job.width.out, high = job.height.out, q, r
    cdef Py_ssize_t outs = band.n * wide
    cdef Store store = job.leaves.store[type][m.type] if type < COMPUTED else job.leaves.store[UINT16][UINT16]
    cdef bint dense = dense_planes(job, m, job.depth.out, high, wide)
    cdef char* plane
    cdef const char* row
    if dense and m.type == type:
        turn(job, m.data + first * m.planes[0] + band.first * wide * unit, m.planes[0],
             results, n * unit, outs, n, unit)
        return
    turn(job, loaded, outs * unit, results, n * unit, outs, n, unit)
    for q in range(n):
        plane, row = plane_at(job, m, first + q), loaded + q * outs * unit
        if dense:
            store(plane + band.first * wide * job.run * m.size, job.run * m.size, row, outs, job.run)
            continue
        for r in range(band.first, band.first + band.n):
            store(row_in(m, plane, r, high), m.w, row + (r - band.first) * wide * unit, wide, job.run)


cdef void pool_planes(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks [first, last) are bands of so many planes as are turned together."""
    cdef Turned turned
    cdef Scratch rest
    cdef Job inner
    cdef Band band
    cdef Memory y = job.y
    cdef Py_ssize_t tiles = parts_of(job.width.out, job.columns), task, p, n, tile, q
    cdef Py_ssize_t rows = job.depth.out * job.height.out
    lay_anew(scratch)
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
        if puts_in_order(job):
            pool_ordered(&inner, &rest, band.first, band.first + band.n)
        else:
            for tile in range(tiles):
                pool_rows(&inner, &rest, tile * rows + band.first, tile * rows + band.first + band.n)
        lay_anew(&rest)
        if job.picks:
            store_turned(job, &job.at, &inner.at, turned.at, turned.loaded, &band, p, n)
        for q in range(max(1, job.n_quantiles)):
            y.data = job.y.data + q * job.quantile_pitch
            store_turned(job, &y, &inner.y, turned.y + q * inner.quantile_pitch, turned.loaded, &band, p, n)


# ------------------------------------------------------------------------------------------------- what does not count
#
# With a mask, or for powers of a norm, where planes are not turned. A tile is laid out and started once; then bands are
# pooled from the array, if all of one counts as it lies, or else from where it was loaded: `together` planes of at most
# `tallest` rows, end to end, of the tile's `used` columns alone. A band's job differs from the call's in where x lies
# and how it is loaded, in nothing else.

cdef char* lay_counting(Job* job, Scratch* scratch) noexcept nogil:
    """Take the room for what is loaded at once, of the widest tile."""
    cdef Tile tile = widest(job)
    return take(scratch, job.together * job.tallest * min(tile.span, job.width.size) * job.unit)


cdef Job counting_job(Job* job, Tile* tile, Band* band, Py_ssize_t p, const char* loaded,
                      int64_t* planes) noexcept nogil:
    """The job that pools a tile of a band from where it was loaded, as if all planes, rows and columns were there, of
    which no other is touched; `planes` is for distances. The tile was started for `job`: nothing is changed that
    `lay_out` and `start_tile` read."""
    cdef Job inner = job[0]
    cdef Memory* x = &inner.x
    cdef Py_ssize_t axis, distance
    x.type, x.size, inner.load = job.type, job.size, job.leaves.load[job.type][job.type]
    x.w = job.unit
    x.h = tile.used * x.w
    x.d = job.height.size * x.h
    distance, x.planes = band.tall * x.h, planes
    x.data = <char*>loaded - p * distance - band.top * x.h - max(0, tile.start) * x.w
    for axis in range(job.leads - 1, -1, -1):
        planes[axis] = distance
        distance *= job.lead_shape[axis]
    return inner


cdef void pool_counting(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks [first, last) are bands of so many planes as are loaded at once, for one tile after the other."""
    cdef Py_ssize_t rows = job.depth.out * job.height.out, bands = bands_of(job), task, p, n, beside, row, number = -1
    cdef Py_ssize_t groups = parts_of(job.planes, job.together)
    cdef int64_t planes[MOST_AXES]
    cdef Scratch rest
    cdef Band band
    cdef Tile tile
    cdef Room room
    cdef Job inner
    cdef char* loaded
    lay_anew(scratch)
    loaded = lay_counting(job, scratch)
    rest = scratch_at(scratch.base + scratch.taken, scratch.most - scratch.taken, job.arrays, job.open.apart)
    for task in range(first, last):
        band = band_at(job, task % bands)
        p = task // bands % groups * job.together
        n = min(job.together, job.planes - p)
        if task // (bands * groups) != number:
            number = task // (bands * groups)
            tile = tile_at(job, number)
            room = lay_out(job, &rest, &tile)
            start_tile(job, &tile, &room)
        beside = max(0, tile.start)
        if dense_rows(&job.x, job, job.width.size) and is_as_it_lies(job, &band, p, n, beside, tile.used):
            inner = job[0]
        else:
            load_band(job, loaded, &band, p, n, beside, tile.used)
            inner = counting_job(job, &tile, &band, p, loaded, planes)
        row = p * rows + band.first
        pool_tile(&inner, &tile, &room, row, row + (n - 1) * rows + band.n)
    lay_anew(&rest)
