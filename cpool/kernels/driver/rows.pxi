# Along D and H: whole rows are folded. Every function here speaks of the input columns of one tile, `used` of them,
# as one row of lanes.
#
# A row of the window is, in this order: as it lies in the array; loaded into scratch, where numbers are stored another
# way or something is done to them first; or a row of identities, in padding.

cdef enum:
    SEEN = 512             # rows of windows of at least so many bytes are folded without the columns between windows

cdef struct Room:          # parts of scratch
    char* pad              # a row of identities
    char* nothing          # a row of NaN, where totals are made of elements
    char* flat             # rows that are folded along D and H, padding in front and behind: what W is folded from
    char* band             # input rows that output rows share
    char* slots            # rows of trees over taps
    char* longer[2]        # rows of sums or extremes of more and more taps
    char* left_over[2]     # rows of sums of the taps that are left over
    char* turned           # phases or columns
    char* folded           # the same, folded
    char* out              # output rows, dense; with places, the places of these at least
    char* ends             # output rows end to end, with what the seams give between them; or one result of each run
    char* blocks           # results of a long window's blocks
    char* widths           # what the columns of a tile are divided by
    char* inside           # of totals: how many taps windows have inside the input
    char* values           # with places: input rows that are folded along W
    const void** taps
    const void** from_     # where their places are
    int64_t* offsets       # how far from the first tap
    int64_t* steps         # along W
    int64_t* bases         # in which column windows begin
    int64_t* runs          # of neighbours that see the same: where each run ends


cdef inline Py_ssize_t lanes_of(Job* job, Tile* tile) noexcept nogil:
    return tile.used * job.run


cdef inline Py_ssize_t pitch_of(Job* job, Tile* tile) noexcept nogil:
    return tile.pitch * job.unit


cdef inline void copy_row(Job* job, void* to, const void* row, Py_ssize_t lanes) noexcept nogil:
    cdef int a
    for a in range(job.arrays):
        memcpy(<char*>to + a * job.open.apart, <const char*>row + a * job.open.apart, lanes * job.size)


cdef inline void fill_row(Job* job, char* to, Py_ssize_t lanes) noexcept nogil:
    """Write identities."""
    cdef int a
    for a in range(arrays_before(job)):
        job.fill(to + a * job.open.apart, job.identity, lanes)


cdef inline void turn_rows(Job* job, char* out, Py_ssize_t out_pitch, const char* rows, Py_ssize_t pitch, Py_ssize_t n,
                           Py_ssize_t columns, int arrays) noexcept nogil:
    cdef Py_ssize_t a, apart
    for a in range(arrays):
        apart = a * job.open.apart
        job.leaves.turn[log_of(job.size)](out + apart, out_pitch, rows + apart, pitch, n, columns)


cdef inline bint reads_rows(Job* job) noexcept nogil:
    """Whether rows are read where they lie."""
    return job.as_it_lies and job.native


cdef const void* input_row(Job* job, Tile* tile, Room* room, const char* plane, Py_ssize_t d, Py_ssize_t h,
                           char* slot) noexcept nogil:
    """Row (d, h): as it lies, in padding, or loaded into `slot`."""
    cdef const char* row = plane + d * job.x.d + h * job.x.h
    if not (0 <= d < job.depth.size and 0 <= h < job.height.size):
        return room.pad
    if reads_rows(job):
        return row
    if not job.native:
        job.load(slot, row, job.x.w, tile.used, job.run)
        row = slot
    if job.arrays > 1:
        job.leaves.begin[job.type](slot, row, job.arrays, job.open.apart, job.omits, lanes_of(job, tile))
    elif job.divides_first:
        job.leaves.divide[job.type](slot, row, room.widths, count_of(&job.depth, d) * count_of(&job.height, h),
                                    lanes_of(job, tile))
    return slot


cdef inline Py_ssize_t block_of(Py_ssize_t n) noexcept nogil:
    """Taps of one block where n are folded: the largest power of RADIX below n."""
    cdef Py_ssize_t block = 1
    while block * RADIX < n:
        block *= RADIX
    return block


cdef inline Py_ssize_t levels_of(Py_ssize_t n) noexcept nogil:
    """How deep a tree over n taps is."""
    cdef Py_ssize_t levels = 1
    while n > RADIX:
        n = parts_of(n, RADIX)
        levels += 1
    return levels


cdef inline Py_ssize_t slots_of(Py_ssize_t n) noexcept nogil:
    """Rows that a tree over n taps holds at most."""
    return levels_of(n) * min(n, RADIX)


cdef void fold_deep(Job* job, Tile* tile, Room* room, const char* plane, Py_ssize_t d, Py_ssize_t deep, Py_ssize_t h,
                    Py_ssize_t every, Py_ssize_t n, char* to, Py_ssize_t to_pitch, const Close* close) noexcept nogil:
    """Fold D of n rows inside the input, h and each `every`-th behind it, where they lie; at once if no slab is
    padding."""
    cdef Axis* depth = &job.depth
    cdef Py_ssize_t step = every * job.x.h, some, r = 0, t
    some = n if lie_inside(depth, d, deep) else 1
    while r < n:
        for t in range(deep):
            room.taps[t] = room.pad
            if 0 <= d + t * depth.step < depth.size:
                room.taps[t] = plane + (d + t * depth.step) * job.x.d + h * job.x.h + r * step
        job.fold(to + r * to_pitch, to_pitch, room.taps, deep, step, some, lanes_of(job, tile), close)
        r += some


cdef const void* fold_tree(Job* job, Tile* tile, Room* room, const char* plane, Py_ssize_t d, Py_ssize_t deep,
                           Py_ssize_t h, Py_ssize_t tall, char* slots, char* to, const Close* close) noexcept nogil:
    """Fold `tall` rows from h on, each of `deep` slabs from d on: D first, then H. Return where the result is, in `to`
    or as it lies.

    `slots` has room for slots_of(tall) + slots_of(deep) rows: on each level of the tree up to RADIX results wait until
    they are folded, and what is folded to make one of them waits behind these, at `others`."""
    cdef const void* taps[2 * RADIX]
    cdef Py_ssize_t n = tall if tall > 1 else deep, block = block_of(n), held = 0, done = 0, some
    cdef Py_ssize_t pitch = pitch_of(job, tile)
    cdef bint inside = lie_inside(&job.height, h, tall)
    cdef char* others = slots + min(n, RADIX) * pitch
    cdef char* slot
    if tall == 1 and deep == 1 and not close.last:
        return input_row(job, tile, room, plane, d, h, to)
    if tall == 1 and reads_rows(job) and inside:
        fold_deep(job, tile, room, plane, d, deep, h, 1, 1, to, 0, close)
        return to
    # All rows at once: there is room for them, for more than RADIX have two levels.
    if tall <= 2 * RADIX and deep > 1 and reads_rows(job) and inside:
        fold_deep(job, tile, room, plane, d, deep, h, job.height.step, tall, slots, pitch, &job.open)
        for held in range(tall):
            taps[held] = slots + held * pitch
        held = done = tall
    while done < n:
        some, slot = min(block, n - done), slots + held * pitch
        if tall == 1:
            taps[held] = fold_tree(job, tile, room, plane, d + done * job.depth.step, some, h, 1, others, slot,
                                   &job.open)
        else:
            taps[held] = fold_tree(job, tile, room, plane, d, deep, h + done * job.height.step, some, others, slot,
                                   &job.open)
        held += 1
        done += some
    job.fold(to, 0, taps, held, 0, 1, lanes_of(job, tile), close)
    return to


cdef inline void fold_taps(Job* job, void* out, Py_ssize_t out_pitch, const void** taps, const void* const* places,
                           const int64_t* offsets, Py_ssize_t n, Py_ssize_t pitch, Py_ssize_t rows, Py_ssize_t lanes,
                           const Close* close) noexcept nogil:
    """Fold taps along W; with places, which are an element's offset where they are not told."""
    if job.picks:
        job.pick(out, <char*>out + job.open.apart, out_pitch, taps, places, offsets, n, pitch, rows, lanes, 0)
    else:
        job.fold(out, out_pitch, taps, n, pitch, rows, lanes, close)


cdef void progress(Job* job, Room* room, void* out, Py_ssize_t out_pitch, const char* row, Py_ssize_t pitch,
                   Py_ssize_t every, Py_ssize_t rows, Py_ssize_t lanes, Py_ssize_t taps, Py_ssize_t distance,
                   const Close* close) noexcept nogil:
    """Fold `taps` taps, `distance` bytes apart, of windows that move by one lane or row: neighbours share results.
    Of the rows each `every`-th is wanted.

    m1 = row, m4[i] = m1[i] o m1[i+1] o m1[i+2] o m1[i+3], m16 likewise from m4, ... An extreme is that of windows of a
    power of 4 that overlap, with its place. A sum is tree(taps): the blocks that the digits of `taps` to the base of 4
    tell.
    """
    cdef const void* t[RADIX]
    cdef const void* places[RADIX]
    cdef int64_t offsets[RADIX]
    cdef Py_ssize_t covered = 1, left = taps, i, n, first, reach, apart = distance // job.size
    cdef Py_ssize_t some = (rows - 1) * every * (pitch // job.size) + lanes
    cdef int turn = 0, other = 0
    cdef bint sums = job.reduction >= SUM
    cdef const char* m = row
    cdef const void* left_over = NULL
    while left + (left_over != NULL) > RADIX:
        if sums and left % 4:
            n = left % 4
            for i in range(n):
                t[i] = m + (left - n + i) * covered * distance
            if left_over != NULL:
                t[n] = left_over
                n += 1
            job.fold(room.left_over[other], 0, t, n, 0, 1, some, &job.open)
            left_over, other = room.left_over[other], 1 - other
        for i in range(4):
            t[i], offsets[i] = m + i * covered * distance, i * covered * job.width.step
            places[i] = <const char*>t[i] + job.open.apart
        left //= 4
        covered *= 4
        # As far as the last block begins: of extremes that is where the last window of `covered` does.
        reach = some + ((left - 1) * covered if sums else taps - covered) * apart
        fold_taps(job, room.longer[turn], 0, t, NULL if m == row else places, offsets, 4, 0, 1, reach, &job.open)
        m, turn = room.longer[turn], 1 - turn
        if not sums:
            left = parts_of(taps, covered)
    for i in range(left):
        first = i * covered if sums else min(i * covered, taps - covered)
        t[i], offsets[i] = m + first * distance, first * job.width.step
        places[i] = <const char*>t[i] + job.open.apart
    n = left
    if left_over != NULL:
        t[n] = left_over
        n += 1
    fold_taps(job, out, out_pitch, t, NULL if m == row else places, offsets, n, every * pitch, rows, lanes, close)


cdef void pad_rows(Job* job, Tile* tile, char* rows, Py_ssize_t n) noexcept nogil:
    """Write identities around the columns of n rows."""
    cdef Py_ssize_t r, size = job.unit, behind = tile.pitch - tile.left - tile.used
    for r in range(n):
        if tile.left:
            fill_row(job, rows, tile.left * job.run)
        if behind:
            fill_row(job, rows + (tile.left + tile.used) * size, behind * job.run)
        rows += tile.pitch * size


cdef void fill_band(Job* job, Tile* tile, Room* room, const char* plane, Py_ssize_t od, Py_ssize_t top,
                    Py_ssize_t n) noexcept nogil:
    """Fold D of input rows [top, top + n), those in padding included, into the band."""
    cdef Py_ssize_t h, pitch = pitch_of(job, tile), edge = tile.left * job.unit
    cdef Py_ssize_t d = first_of(&job.depth, od), deep = taps_of(&job.depth, od)
    cdef Py_ssize_t begin = max(0, top), end = min(job.height.size, top + n)
    cdef bint at_once = deep > 1 and reads_rows(job)
    cdef char* to = room.band + edge
    cdef const void* row
    if at_once and begin < end:
        fold_deep(job, tile, room, plane, d, deep, begin, 1, end - begin, to + (begin - top) * pitch, pitch, &job.open)
    for h in range(top, top + n):
        row = to
        if not 0 <= h < job.height.size:
            row = room.pad
        elif not at_once:
            row = fold_tree(job, tile, room, plane, d, deep, h, 1, room.slots, to, &job.open)
        if row != to:
            copy_row(job, to, row, lanes_of(job, tile))
        to += pitch


cdef inline bint has_gaps(Job* job) noexcept nogil:
    """Whether there are columns between windows that none sees, and those of a window are worth a fold."""
    cdef Axis* w = &job.width
    return job.along == ROWS and w.uniform and w.stride > w.span and w.span * job.unit >= SEEN


cdef void fold_seen(Job* job, Tile* tile, Room* room, char* to, Py_ssize_t n, const Close* close) noexcept nogil:
    """Fold n taps of one row, of those columns alone that windows see: windows inside the row at one distance."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = job.unit, edge = max(0, tile.start)
    cdef Py_ssize_t o = tile.begin, first, begin, end, windows, t, moved = 0
    while o < tile.end:
        first = first_of(w, o) - edge
        begin, end = max(0, first), min(tile.used, first + w.span)
        windows = at_one_distance(w, o, tile.end - o)
        if begin < end:
            for t in range(n):
                room.taps[t] = <const char*>room.taps[t] + begin * unit - moved
            moved = begin * unit
            job.fold(to + moved, w.stride * unit, room.taps, n, w.stride * unit, windows, (end - begin) * job.run,
                     close)
        o += windows


cdef void fold_gapped(Job* job, Tile* tile, Room* room, char* to, Py_ssize_t n, const void* outside,
                      const Close* close) noexcept nogil:
    """Fold n taps of one row whose pixels lie apart: all pixels at once, or one by one if a tap lies in padding."""
    cdef Py_ssize_t unit = job.unit, c = 0, t, pixels = tile.used
    for t in range(n):
        if room.taps[t] == outside:
            pixels = 1
    while c < tile.used:
        job.fold(to + c * unit, unit, room.taps, n, job.x.w, pixels, job.run, close)
        for t in range(n):
            if room.taps[t] != outside:
                room.taps[t] = <const char*>room.taps[t] + job.x.w
        c += pixels


cdef inline void average_of(Job* job, Tile* tile, Py_ssize_t od, Py_ssize_t oh, Close* close) noexcept nogil:
    """Say how totals of an output row become averages: all its windows see as much."""
    cdef Py_ssize_t all = (inside_taps(&job.depth, od) * inside_taps(&job.height, oh)
                           * inside_taps(&job.width, tile.begin))
    close.divisor = 0 if job.divides else job.close.divisor
    close.beside = count_of(&job.depth, od) * count_of(&job.height, oh) * count_of(&job.width, tile.begin) - all
    close.least = <double>job.least if all else 0


cdef void fold_rows(Job* job, Tile* tile, Room* room, const char* plane, Py_ssize_t od, Py_ssize_t oh, Py_ssize_t n,
                    char* to, Py_ssize_t to_pitch, bint pairs, const Close* close) noexcept nogil:
    """Fold D and H of output rows [oh, oh + n) of one slab into rows of `to`, and `pairs` of columns."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Py_ssize_t pitch = pitch_of(job, tile), edge = tile.left * job.unit
    cdef Py_ssize_t d, h, t, td, tall, deep, m, count
    cdef const void* row
    cdef const void* outside = room.nothing if gathers(job) else room.pad
    cdef bint gaps = has_gaps(job) and job.native
    cdef Close first = close[0]
    first.elements = gathers(job)
    d, deep = first_of(depth, od), taps_of(depth, od)
    if deep and (job.across == BAND or job.across == BAND_FLAT):
        h = first_of(height, oh)
        fill_band(job, tile, room, plane, od, h, (n - 1) * height.stride + height.span)
        if job.across == BAND_FLAT:
            progress(job, room, to, to_pitch, room.band + edge, pitch, height.stride, n, lanes_of(job, tile),
                     height.kernel, height.step * pitch, close)
        else:
            for t in range(height.kernel):
                room.taps[t] = room.band + edge + t * height.step * pitch
            job.fold(to, to_pitch, room.taps, height.kernel, height.stride * pitch, n, lanes_of(job, tile), close)
        return
    while n > 0:
        h, tall, m = first_of(height, oh), taps_of(height, oh), 1
        if tall == 0 or deep == 0:  # rows that no window sees
            if close.last:
                write_unseen(job, to, lanes_of(job, tile))
            else:
                copy_row(job, to, room.pad, lanes_of(job, tile))
        elif job.across == AS_IT_LIES:
            if lie_inside(depth, d, deep) and not (gaps or job.gapped):
                m = at_one_distance(height, oh, n)
            count = 0
            for t in range(tall):
                row = plane + (h + t * height.step) * job.x.h
                for td in range(deep):
                    if 0 <= h + t * height.step < height.size and 0 <= d + td * depth.step < depth.size:
                        room.taps[count] = <const char*>row + (d + td * depth.step) * job.x.d
                    else:
                        room.taps[count] = outside
                    count += 1
            if pairs and gathers(job):
                average_of(job, tile, od, oh, &first)
            if gaps:
                fold_seen(job, tile, room, to, count, &first)
            elif job.gapped:
                fold_gapped(job, tile, room, to, count, outside, &first)
            elif pairs and job.native:
                job.leaves.halve[job.reduction][job.type](to, to_pitch, room.taps, count, 2, height.stride * job.x.h, m,
                                                          tile.out, &first)
            elif job.native:
                job.fold(to, to_pitch, room.taps, count, height.stride * job.x.h, m, lanes_of(job, tile), &first)
            else:  # of half the bytes; a row of padding is zeros, whatever they are
                job.leaves.widen[job.type][job.x.type](to, to_pitch, room.taps, count, height.stride * job.x.h, m,
                                                       lanes_of(job, tile) // (1 + pairs), pairs, close)
        else:
            row = fold_tree(job, tile, room, plane, d, deep, h, tall, room.slots, to, close)
            if row != to:
                copy_row(job, to, row, lanes_of(job, tile))
        to += m * to_pitch
        oh += m
        n -= m
