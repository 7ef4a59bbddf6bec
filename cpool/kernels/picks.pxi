# Picks: (value, index) pairs. First lanes, then rows: the later of two candidates in row-major order replaces the
# earlier one only if it is greater (or NaN), and that alone is torch's rule for ties.
#
# `at` and `where` count from the first row of the chunk and the first column of the tile; indices of the plane they
# become as they are stored.


cdef inline void pick_row(Selection* op, P* best, Lane* at, const P* v, const Lane* where, Lane shift,
                          Py_ssize_t n) noexcept nogil:
    """Fold a later row of candidates into (best, at); its lanes are where + shift."""
    cdef Py_ssize_t i
    cdef bint better
    cdef Lane candidate
    for i in range(n):
        better = takes(op, best[i], v[i])
        candidate = where[i] + shift
        best[i] = v[i] if better else best[i]
        at[i] = candidate if better else at[i]


cdef inline void pick_taps(Selection* op, P* best, Index* at, const P* v, const Lane* where, Py_ssize_t down, int taps,
                           Lane shift, Py_ssize_t n) noexcept nogil:
    """One to three rows of candidates, `down` lanes apart, in one pass; `taps` is a literal in calls.

    All that is stored goes through here.
    """
    cdef Py_ssize_t i
    cdef bint better
    cdef P m, u
    cdef Lane w
    for i in range(n):
        m, w = v[i], where[i]
        if taps > 1:
            u = v[i + down]
            better = takes(op, m, u)
            m = u if better else m
            w = where[i + down] if better else w
        if taps > 2:
            u = v[i + 2 * down]
            better = takes(op, m, u)
            m = u if better else m
            w = where[i + 2 * down] if better else w
        best[i] = settled(m)
        at[i] = w + shift


cdef inline void pick_rows(Selection* op, P* best, Index* at, const P* v, const Lane* where, Py_ssize_t down,
                           Py_ssize_t taps, Lane shift, Py_ssize_t n) noexcept nogil:
    """The same for a number of rows that is known only now."""
    if taps == 2:
        pick_taps(op, best, at, v, where, down, 2, shift, n)
    elif taps == 3:
        pick_taps(op, best, at, v, where, down, 3, shift, n)
    else:
        pick_taps(op, best, at, v, where, down, 1, shift, n)


cdef inline void pick_short(Selection* op, P* best, Lane* at, const P* row, const Lane* start, const Lane* base,
                            Py_ssize_t stride, bint third, Py_ssize_t n) noexcept nogil:
    """Two or three taps in one pass; `stride` and `third` are literals where this is called."""
    cdef Py_ssize_t i
    cdef int operation = halving(op)
    cdef bint better
    cdef P m, v
    cdef Lane w
    if stride == 2 and n * <Py_ssize_t>sizeof(P) >= HALVED_BYTES:
        if P is float and Lane is int32_t:
            pick_floats(operation, best, at, row, start, base, 3 if third else 2, n)
            return
        if P is double and Lane is int64_t:
            pick_doubles(operation, best, at, row, start, base, 3 if third else 2, n)
            return
    for i in range(n):
        m, w = row[stride * i], start[i]
        v = row[stride * i + 1]
        better = takes(op, m, v)
        m = v if better else m
        w = base[i] + 1 if better else w
        if third:
            v = row[stride * i + 2]
            better = takes(op, m, v)
            m = v if better else m
            w = base[i] + 2 if better else w
        best[i] = m
        at[i] = w


cdef void pick_progression(Selection* op, P* best, Lane* at, const P* row, const Lane* where, P* spare,
                           Lane* lanes, Py_ssize_t n, Py_ssize_t taps, Py_ssize_t step) noexcept nogil:
    """fold_progression for pairs: the log-step keeps the order of the taps. `lanes` has room like `spare`."""
    cdef Py_ssize_t width = 1, reach = n + (taps - 1) * step, room = behind(0, reach), at_once = 0
    cdef const P* m = row
    cdef const Lane* w = where
    while taps > 2 * width:
        reach -= width * step
        pick_taps(op, spare + at_once, lanes + at_once, m, w, width * step, 2, <Lane>0, reach)
        m, w = spare + at_once, lanes + at_once
        at_once = room - at_once
        width *= 2
    pick_rows(op, best, at, m, w, (taps - width) * step, 2 if taps > width else 1, <Lane>0, n)


cdef void pick_lanes(Selection* op, Axis* w, Tile* tile, P* best, Lane* at, const P* row, const Lane* start,
                     const Lane* base, P* spare, Lane* lanes, Py_ssize_t rows, Py_ssize_t run) noexcept nogil:
    """Reduce the windows of `rows` rows of scratch to winners and where they stand.

    base[i] is where the first tap of lane i stands, start[i] the first one inside: the answer of a window of nothing
    but the identity. If windows are not uniform, base[i] is where the row begins.
    """
    cdef Py_ssize_t n = ((rows - 1) * tile.out_pitch + tile.out) * run, r, o, x, i, j, t
    cdef Lane step = <Lane>w.step
    if w.uniform and run == 1 and step == 1 and w.stride == 2 and w.kernel == 2:
        pick_short(op, best, at, row, start, base, 2, False, n)
    elif w.uniform and run == 1 and step == 1 and w.stride == 2 and w.kernel == 3:
        pick_short(op, best, at, row, start, base, 2, True, n)
    elif w.uniform and run == 1 and step == 1 and w.stride == 1 and w.kernel == 3:
        pick_short(op, best, at, row, start, base, 1, True, n)
    elif w.uniform and w.stride == 1:
        pick_progression(op, best, at, row, start, spare, lanes, n, w.kernel, w.step * run)
    elif w.uniform:
        take_phase(best, row, w.stride, n // run, run)
        memcpy(at, start, n * sizeof(Lane))
        for t in range(1, w.kernel):
            take_phase(spare, row + t * w.step * run, w.stride, n // run, run)
            pick_row(op, best, at, spare, base, <Lane>t * step, n)
    else:
        for r in range(rows):
            for o in range(tile.out):
                x = <Py_ssize_t>w.begin[tile.first_out + o] - tile.first
                for i in range(run):
                    j = (r * tile.out_pitch + o) * run + i
                    best[j], at[j] = row[(r * tile.pitch + x) * run + i], base[j] + <Lane>x
                for t in range(1, <Py_ssize_t>w.taps[tile.first_out + o]):
                    x += w.step
                    for i in range(run):
                        j = (r * tile.out_pitch + o) * run + i
                        if takes(op, best[j], row[(r * tile.pitch + x) * run + i]):
                            best[j], at[j] = row[(r * tile.pitch + x) * run + i], base[j] + <Lane>x


cdef inline void store_lanes(char* row, Memory* m, const Lane* at, int64_t shift, Py_ssize_t n,
                             Py_ssize_t run) noexcept nogil:
    cdef Py_ssize_t w, i
    if run > 1 or (m.w != sizeof(int32_t) and m.w != sizeof(int64_t)):
        for w in range(n):
            for i in range(run):
                if m.storage == INT32:
                    (<int32_t*>(row + w * m.w))[i] = <int32_t>(at[w * run + i] + shift)
                else:
                    (<int64_t*>(row + w * m.w))[i] = at[w * run + i] + shift
    elif m.storage == INT32:
        for w in range(n):
            (<int32_t*>(row + w * m.w))[0] = <int32_t>(at[w] + shift)
    elif m.w == sizeof(int64_t):
        for w in range(n):
            (<int64_t*>row)[w] = at[w] + shift
    else:
        for w in range(n):
            (<int64_t*>(row + w * m.w))[0] = at[w] + shift


# How rows lie in scratch: those of a chunk's windows one after the other, as in the plane; so do the planes of a stack.
# Where input rows are lanes without padding, they are not even copied:
#
#     lanes of plane 0: |row 0|row 1|row 2|..     each output row then picks from those that its window meets, and is
#     lanes of plane 1: |row 0|row 1|row 2|..     written where it belongs
#
# Long windows that move by 1 are reduced by log-step, over rows of padding too.

cdef struct PickRoom:  # counts of scratch rows; then offsets in elements, those of lanes behind the values
    Py_ssize_t chunk, stack, high  # high: from plane to plane
    Py_ssize_t pad_at, best_at, spare_at, out_at, values
    Py_ssize_t start_at, where_at, lanes_at, at_at, lanes, bytes
    bint log_step, slides, straight


cdef PickRoom pick_room_of(Job* job, Py_ssize_t size, Py_ssize_t lane) noexcept nogil:
    """Choose how many output rows to do at once, of one plane or of a stack of whole ones."""
    cdef PickRoom room
    cdef Tile tile = widest_tile(job)
    cdef Axis* height = &job.height
    cdef Memory* x = &job.x
    cdef Py_ssize_t o, rows, outs, tail, tall = (height.kernel - 1) * height.step + 1
    cdef Py_ssize_t row_bytes = job.width.size * job.run * size
    cdef Py_ssize_t pitch = tile.pitch * job.run, out_pitch = tile.out_pitch * job.run, widest = max(pitch, out_pitch)
    cdef Py_ssize_t stride = height.stride if height.uniform else 1
    room.log_step = height.uniform and stride == 1 and height.kernel >= 5 and job.depth.kernel == 1
    room.straight = (x.storage == NATIVE and x.w == job.run * size and x.h == row_bytes and pitch * size == row_bytes
                     and tile.used == job.width.size and not room.log_step)
    room.chunk = max(1, 16384 // (pitch * size * stride), min(tall, 131072 // (pitch * size * stride)))
    room.slides = room.log_step and tile.out * job.run * size >= 512
    if room.slides:  # all windows of a chunk meet one border
        room.chunk = height.kernel * height.step
    room.chunk = min(room.chunk, height.out)
    room.stack, room.high = 1, (room.chunk - 1) * stride + tall
    if not height.uniform:
        for o in range(height.out - room.chunk + 1):
            room.high = max(room.high, <Py_ssize_t>(height.end[o + room.chunk - 1] - height.begin[o]))
    if room.straight and room.chunk == height.out:
        room.high = height.size
    if room.chunk == height.out and job.depth.out == 1:
        room.stack = max(1, min(job.planes, 8192 // (room.high * pitch * size)))
    if room.straight and room.stack > 1 and not (job.leads == 1 and x.planes[0] == height.size * row_bytes):
        room.stack = 1
    rows, outs = room.stack * room.high, room.stack * max(room.high, room.chunk)
    tail = tile.left * job.run  # behind the last row: its padding
    room.pad_at = behind(0, rows * pitch + tail)
    room.best_at = behind(room.pad_at, pitch)
    room.spare_at = behind(room.best_at, rows * out_pitch)
    room.out_at = room.spare_at + 2 * behind(0, outs * widest + tail)  # of input rows or of windows
    room.values = behind(room.out_at, outs * out_pitch)
    room.start_at = behind(0, rows * out_pitch)
    room.where_at = behind(room.start_at, rows * out_pitch)
    room.lanes_at = behind(room.where_at, rows * out_pitch)
    room.at_at = room.lanes_at + 2 * behind(0, outs * widest + tail)
    room.lanes = behind(room.at_at, outs * out_pitch)
    room.bytes = room.values * size + room.lanes * lane
    return room


cdef inline void load_slab(P* rows, const P* pad, P* spare, Job* job, Tile* tile, const char* slab, Py_ssize_t top,
                           Py_ssize_t band) noexcept nogil:
    """Copy input rows [top, top + band) of a slab, with the padding between them. In whole blocks, in order.

    Rows that follow one another and are not as the kernel computes are loaded at once, into `spare`.
    """
    cdef Memory* x = &job.x
    cdef Py_ssize_t pitch = tile.pitch * job.run, used = tile.used * job.run, following = x.h, h
    cdef Py_ssize_t begin = max(0, top), end = min(job.height.size, top + band)
    cdef bint at_once = not dense(x, rows, tile.used, job.run) and x.h == tile.used * x.w
    cdef const char* limit = whole_until(x, rows, tile.used, job.run)
    cdef const char* source = slab + begin * x.h
    cdef P* to = rows + tile.left * job.run + (begin - top) * pitch
    if at_once and begin < end:
        load_row(spare, source, x, (end - begin) * tile.used, job.run)
        source, following = <const char*>spare, used * <Py_ssize_t>sizeof(P)
    for h in range(begin, end):
        if at_once or source <= limit:
            copy_blocks(to, <const P*>source, used)
        else:
            load_row(to, source, x, tile.used, job.run)
        copy_blocks(to + used, pad, pitch - used)
        source += following
        to += pitch


cdef inline void leave_padding(Selection* op, P* best, Lane* where, const Lane* start, Job* job, Py_ssize_t top,
                               Py_ssize_t band, Py_ssize_t n) noexcept nogil:
    """Rows of padding hold the identity; those above the plane stand where its first row does."""
    cdef Py_ssize_t h
    for h in range(top, top + band):
        if not 0 <= h < job.height.size:
            fill(best, identity(op, best), n)
        if h < 0:
            memcpy(where, start - top * n, n * sizeof(Lane))
        best += n
        where += n


cdef inline void pick_above(Selection* op, P* best, Lane* where, Py_ssize_t rows, Py_ssize_t down, Py_ssize_t pitch,
                            Py_ssize_t n) noexcept nogil:
    """What slide_band does above the border: fold into each row those of its window that follow, `down` lanes apart."""
    cdef Py_ssize_t at = rows * pitch - down
    while at > 0:
        at -= pitch
        pick_row(op, best + at, where + at, best + at + down, where + at + down, <Lane>0, n)


cdef void pick_tile(Selection* op, P* scratch, Lane* like, Job* job, Py_ssize_t first, Py_ssize_t last,
                    Py_ssize_t first_out, Py_ssize_t last_out) noexcept nogil:
    """Pool output rows [first, last) of all planes' rows and output columns [first_out, last_out) with indices.

    In scratch, where a value stands is counted from the first row of the chunk and the first column of the tile.
    """
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef Py_ssize_t run = job.run
    cdef Tile tile = tile_of(width, first_out, last_out, False)
    cdef PickRoom room = pick_room_of(job, sizeof(P), sizeof(Lane))
    cdef P* pad = scratch + room.pad_at
    cdef P* best = scratch + room.best_at
    cdef P* spare = scratch + room.spare_at
    cdef P* out = scratch + room.out_at
    cdef Lane* base = <Lane*>(scratch + room.values)
    cdef Lane* start = base + room.start_at if width.before else base
    cdef Lane* where = base + room.where_at
    cdef Lane* lanes = base + room.lanes_at
    cdef Lane* at = base + room.at_at
    cdef Py_ssize_t pitch = tile.pitch * run, out_pitch = tile.out_pitch * run, n = tile.out * run
    cdef Py_ssize_t high = room.high, down = height.step * out_pitch, tap = down
    cdef Py_ssize_t border = height.kernel * height.step, below, beyond
    # Rows of the output that follow one another are stored in whole blocks: the next one goes over what is too much.
    cdef Py_ssize_t lane = sizeof(int32_t) if job.indices.storage == INT32 else sizeof(int64_t)
    cdef bint direct = dense(&job.y, scratch, tile.out, run) and (job.indices.w == run * lane or tile.out == 1)
    cdef bint spill = in_one_line(job, &job.y, n * sizeof(P)) and in_one_line(job, &job.indices, n * lane)
    # And all at once, if they are not as the kernel computes.
    cdef bint at_once = (not direct and in_one_line(job, &job.y, tile.out * job.y.w)
                         and in_one_line(job, &job.indices, tile.out * job.indices.w))
    cdef Py_ssize_t p, od, oh, o, i, q, r, d, inside, td, th, top, band, chunk, stack, deep, taps, offset, whole
    cdef const P* source
    cdef const P* v
    cdef const Lane* w
    cdef const char* slab
    cdef char* y
    cdef char* indices
    cdef Lane further
    cdef bint gathered

    fill(scratch, identity(op, scratch), room.best_at)
    for r in range(room.stack * high):
        for o in range(tile.out_pitch):
            d = inside = o * width.stride if width.uniform else 0
            if o < tile.out and (first_out + o) * width.stride < width.before:
                inside = <Py_ssize_t>width.begin[first_out + o] - tile.first + tile.left
            for i in range((r * tile.out_pitch + o) * run, (r * tile.out_pitch + o + 1) * run):
                base[i], start[i] = <Lane>(r % high * width.size + d), <Lane>(r % high * width.size + inside)
    while first < last:
        p, od = first // (height.out * depth.out), first // height.out % depth.out
        oh = first % height.out
        chunk = min(room.chunk, last - first, height.out - oh)
        stack = max(1, min(room.stack, (last - first) // height.out)) if chunk == height.out else 1
        deep = <Py_ssize_t>depth.taps[od]
        gathered = not room.slides and (room.log_step or deep > 1 or height.kernel > 3)
        if room.log_step:  # padding rows included, so that every window has all its taps
            top, band = oh - height.before, chunk + (height.kernel - 1) * height.step
        else:
            top, band = height.size, 0
            for r in range(oh, oh + chunk):
                top, band = min(top, <Py_ssize_t>height.begin[r]), max(band, <Py_ssize_t>height.end[r])
            band -= top
        for td in range(deep):
            d = <Py_ssize_t>depth.begin[od] + td * depth.step
            source = scratch
            if room.straight:
                source = <const P*>(job.x.data + plane_offset(job, &job.x, p) + d * job.x.d + top * job.x.h)
            for q in range(0 if room.straight else stack):
                slab = job.x.data + plane_offset(job, &job.x, p + q) + d * job.x.d + tile.first * job.x.w
                load_slab(scratch + q * high * pitch, pad, spare, job, &tile, slab, top, band)
            pick_lanes(op, width, &tile, best, where, source, start, base, spare, lanes, (stack - 1) * high + band, run)
            further = <Lane>(td * depth.step * height.size * width.size)
            if room.log_step:
                for q in range(stack):
                    leave_padding(op, best + q * high * out_pitch, where + q * high * out_pitch, start, job, top, band,
                                  out_pitch)
                    if room.slides:
                        pick_above(op, best + q * high * out_pitch, where + q * high * out_pitch, min(border, band),
                                   down, out_pitch, n)
            if room.log_step and not room.slides:
                pick_progression(op, out, at, best, where, spare, lanes,
                                 ((stack - 1) * high + chunk - 1) * out_pitch + n, height.kernel, down)
            for r in range(stack * chunk if gathered and not room.log_step else 0):
                offset = (<Py_ssize_t>height.begin[oh + r % chunk] - top + r // chunk * high) * out_pitch
                taps = <Py_ssize_t>height.taps[oh + r % chunk]
                if td == 0:
                    pick_rows(op, out + r * out_pitch, at + r * out_pitch, best + offset, where + offset, down,
                              min(taps, 3), <Lane>0, n)
                for th in range(0 if td else 3, taps):
                    pick_row(op, out + r * out_pitch, at + r * out_pitch, best + offset + th * down,
                             where + offset + th * down, further, n)
        further = <Lane>(((<Py_ssize_t>depth.begin[od]) * height.size + top) * width.size + tile.first - tile.left)
        for q in range(stack):
            y = job.y.data + plane_offset(job, &job.y, p + q) + od * job.y.d + oh * job.y.h + first_out * job.y.w
            indices = (job.indices.data + plane_offset(job, &job.indices, p + q) + od * job.indices.d
                       + oh * job.indices.h + first_out * job.indices.w)
            for r in range(chunk):
                whole = round_up(n, 8) if spill and (last - first - q * chunk - r - 1) * n >= 8 else n
                v, w, taps, offset = out, at, 1, (q * (high if room.log_step else chunk) + r) * out_pitch
                if room.slides:  # and below the border: what is collected there is the other one of two taps
                    v, w, taps = best, where, 2 if r >= height.step else 1
                    below = (q * high + border + r % height.step) * out_pitch
                    if r >= 2 * height.step:
                        beyond = (q * high + border + r - height.step) * out_pitch
                        pick_row(op, best + below, where + below, best + beyond, where + beyond, <Lane>0, n)
                    tap = below - offset
                elif not gathered:
                    v, w, taps = best, where, <Py_ssize_t>height.taps[oh + r]
                    offset = (<Py_ssize_t>height.begin[oh + r] - top + q * high) * out_pitch
                if at_once:
                    pick_rows(op, spare + r * n, lanes + r * n, v + offset, w + offset, tap, taps, <Lane>0,
                              round_up(n, 8))
                elif not direct:
                    pick_rows(op, spare, lanes, v + offset, w + offset, tap, taps, <Lane>0, n)
                    store_row(y, &job.y, spare, tile.out, run)
                    store_lanes(indices, &job.indices, lanes, further, tile.out, run)
                elif job.indices.storage == INT32:
                    pick_rows(op, <P*>y, <int32_t*>indices, v + offset, w + offset, tap, taps, further, whole)
                else:
                    pick_rows(op, <P*>y, <int64_t*>indices, v + offset, w + offset, tap, taps, further, whole)
                y += job.y.h
                indices += job.indices.h
            if at_once:
                store_row(y - chunk * job.y.h, &job.y, spare, chunk * tile.out, run)
                store_lanes(indices - chunk * job.indices.h, &job.indices, lanes, further, chunk * tile.out, run)
        first += stack * chunk
