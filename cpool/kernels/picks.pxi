# Picks: (value, index) pairs. First lanes, then rows: the later of two candidates in row-major order replaces the
# earlier one only if it is greater (or NaN), and that alone is torch's rule for ties.
#
# `at` holds columns of the scratch row while lanes are reduced, and indices of the plane afterwards.


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


cdef inline void start_pick(P* best, Lane* at, const P* v, const Lane* where, Py_ssize_t n) noexcept nogil:
    memcpy(best, v, n * sizeof(P))
    memcpy(at, where, n * sizeof(Lane))


cdef inline void start_pick2(Selection* op, P* best, Lane* at, const P* a, const Lane* a_where, const P* b,
                             const Lane* b_where, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef bint better
    cdef P u, v
    cdef Lane s, t
    for i in range(n):
        u, v, s, t = a[i], b[i], a_where[i], b_where[i]
        better = takes(op, u, v)
        best[i] = v if better else u
        at[i] = t if better else s


cdef inline void pick_short(Selection* op, P* best, Lane* at, const P* row, const Lane* base, Py_ssize_t stride,
                            bint third, Lane step, Py_ssize_t n) noexcept nogil:
    """Two or three taps in one pass; `stride` and `third` are literals where this is called."""
    cdef Py_ssize_t i
    cdef bint better
    cdef P m, v
    cdef Lane w
    for i in range(n):
        m, w = row[stride * i], base[i]
        v = row[stride * i + step]
        better = takes(op, m, v)
        m = v if better else m
        w = base[i] + step if better else w
        if third:
            v = row[stride * i + 2 * step]
            better = takes(op, m, v)
            m = v if better else m
            w = base[i] + 2 * step if better else w
        best[i] = m
        at[i] = w


cdef void pick_progression(Selection* op, P* best, Lane* at, const P* row, const Lane* where, P* spare,
                           Lane* lanes, Py_ssize_t n, Py_ssize_t taps, Py_ssize_t step) noexcept nogil:
    """fold_progression for pairs: the log-step keeps the order of the taps. `lanes` has room like `spare`."""
    cdef Py_ssize_t width = 1, reach = n + (taps - 1) * step, room = reach, at_once = 0, last
    cdef const P* m = row
    cdef const Lane* w = where
    while taps > 2 * width:
        reach -= width * step
        start_pick2(op, spare + at_once, lanes + at_once, m, w, m + width * step, w + width * step, reach)
        m, w = spare + at_once, lanes + at_once
        at_once = room - at_once
        width *= 2
    last = (taps - width) * step
    if last == 0:
        start_pick(best, at, m, w, n)
    else:
        start_pick2(op, best, at, m, w, m + last, w + last, n)


cdef void pick_lanes(Selection* op, Axis* w, Tile* tile, P* best, Lane* at, const P* row, const Lane* base, P* spare,
                     Lane* lanes, Py_ssize_t rows, Py_ssize_t run) noexcept nogil:
    """Reduce the windows of `rows` rows of scratch to winners and where they stand.

    base[i] is where the first tap of lane i stands; if windows are not uniform, where its row begins.
    """
    cdef Py_ssize_t n = ((rows - 1) * tile.out_pitch + tile.out) * run, r, o, x, i, j, t
    cdef Lane step = <Lane>w.step
    if w.uniform and run == 1 and step == 1 and w.stride == 2 and w.kernel == 2:
        pick_short(op, best, at, row, base, 2, False, <Lane>1, n)
    elif w.uniform and run == 1 and step == 1 and w.stride == 2 and w.kernel == 3:
        pick_short(op, best, at, row, base, 2, True, <Lane>1, n)
    elif w.uniform and w.stride == 1:
        pick_progression(op, best, at, row, base, spare, lanes, n, w.kernel, w.step * run)
    elif w.uniform:
        take_phase(best, row, w.stride, n // run, run)
        memcpy(at, base, n * sizeof(Lane))
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


cdef inline void leave_left(Axis* w, Tile* tile, Lane* at, Lane origin, Py_ssize_t run) noexcept nogil:
    """In one row, which begins at `origin`: a window of nothing but the identity answers its first input column."""
    cdef Py_ssize_t o = 0, i
    cdef Lane first
    while o < tile.out and (tile.first_out + o) * w.stride < w.before:
        first = origin + <Lane>(<Py_ssize_t>w.begin[tile.first_out + o] - tile.first + tile.left)
        for i in range(o * run, (o + 1) * run):
            at[i] = at[i] if at[i] > first else first
        o += 1


cdef inline void leave_top(Axis* w, Tile* tile, Lane* at, Lane edge, Lane row, Py_ssize_t run) noexcept nogil:
    """Likewise its first input row, if what was picked stands before the plane, which begins at `edge`."""
    cdef Py_ssize_t o, i
    cdef Lane first
    for o in range(tile.out):
        first = edge + row + <Lane>w.begin[tile.first_out + o]
        for i in range(o * run, (o + 1) * run):
            at[i] = first if at[i] < edge else at[i]


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


cdef inline void store_lane_blocks(char* row, Memory* m, const Lane* at, int64_t shift, Py_ssize_t n) noexcept nogil:
    """The same for a dense row, and up to seven lanes more."""
    cdef Py_ssize_t i, whole = (n + 7) // 8 * 8
    if m.storage == INT32:
        for i in range(whole):
            (<int32_t*>row)[i] = <int32_t>(at[i] + shift)
    else:
        for i in range(whole):
            (<int64_t*>row)[i] = at[i] + shift


# How rows lie in scratch. Row i of a chunk goes to phase i % stride, so that the rows which one tap meets, from all
# output rows, follow one another and are folded as one flat stretch; so do the planes of a stack:
#
#     phase 0: |plane 0: rows 0, s, 2s ..|plane 1: rows 0, s, 2s ..|      tap t of all output rows begins in phase
#     phase 1: |plane 0: rows 1, 1 + s ..|plane 1: rows 1, 1 + s ..|      t*step % s, at row t*step / s
#
# What a tap collects across the seam of two planes is never looked at. Rows are written in whole blocks, as those of
# one phase come in order.

cdef struct PickRoom:  # counts of scratch rows; then offsets in elements, those of lanes behind the values
    Py_ssize_t chunk, stack, phases, high, band
    Py_ssize_t phase, pad_at, best_at, spare_at, out_at, values  # phase: from the rows of one to those of the next
    Py_ssize_t where_at, lanes_at, at_at, lanes, bytes


cdef PickRoom pick_room_of(Job* job, Py_ssize_t size, Py_ssize_t lane) noexcept nogil:
    """Choose how many output rows to do at once, of one plane or of a stack of whole ones.

    band: rows of a chunk; high: those of one phase; phases: as many as taps can meet.
    """
    cdef PickRoom room
    cdef Tile tile = widest_tile(job)
    cdef Axis* height = &job.height
    cdef Py_ssize_t o, tall = 1, rows, pitch = tile.pitch * job.run, out_pitch = tile.out_pitch * job.run
    cdef Py_ssize_t stride = height.stride if height.uniform else 1
    for o in range(height.out):
        tall = max(tall, <Py_ssize_t>(height.end[o] - height.begin[o]))
    if height.uniform:
        tall = (height.kernel - 1) * height.step + 1
    room.chunk = max(1, 16384 // (pitch * size * stride), min(tall, 131072 // (pitch * size * stride)))
    room.chunk = min(room.chunk, height.out)
    room.phases, room.stack, room.band = min(stride, tall), 1, tall
    if height.uniform:
        room.band = (room.chunk - 1) * stride + tall
    else:
        for o in range(height.out - room.chunk + 1):
            room.band = max(room.band, <Py_ssize_t>(height.end[o + room.chunk - 1] - height.begin[o]))
    room.high = (room.band + stride - 1) // stride
    if height.uniform and room.chunk == height.out and job.depth.out == 1:
        room.stack = max(1, min(job.planes, 8192 // (room.phases * room.high * pitch * size)))
    rows = room.phases * room.stack * room.high
    room.phase = room.stack * room.high * pitch + tile.left * job.run + SLACK  # with what is behind the last row
    room.pad_at = room.phases * room.phase
    room.best_at = room.pad_at + pitch + SLACK
    room.spare_at = room.best_at + rows * out_pitch + SLACK
    room.out_at = room.spare_at + 2 * (rows * pitch + tile.left * job.run) + SLACK
    room.values = round_up(room.out_at + room.stack * room.high * out_pitch + SLACK, 64)
    room.where_at = rows * out_pitch + SLACK
    room.lanes_at = room.where_at + rows * out_pitch + SLACK
    room.at_at = room.lanes_at + 2 * (rows * pitch + tile.left * job.run) + SLACK
    room.lanes = round_up(room.at_at + room.stack * room.high * out_pitch + SLACK, 64)
    room.bytes = room.values * size + room.lanes * lane
    return room


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
    cdef P* rows = scratch
    cdef P* pad = scratch + room.pad_at
    cdef P* best = scratch + room.best_at
    cdef P* spare = scratch + room.spare_at
    cdef P* out = scratch + room.out_at
    cdef P* to
    cdef Lane* base = <Lane*>(scratch + room.values)
    cdef Lane* where = base + room.where_at
    cdef Lane* lanes = base + room.lanes_at
    cdef Lane* at = base + room.at_at
    cdef Py_ssize_t pitch = tile.pitch * run, out_pitch = tile.out_pitch * run, n = tile.out * run
    cdef Py_ssize_t apart_by = height.stride if height.uniform else 1, phase = room.stack * room.high
    cdef Py_ssize_t used = tile.used * run, size = sizeof(P)
    cdef const char* limit = NULL  # up to here whole blocks may be read
    # Rows of the output that follow one another are stored in whole blocks, or as one where they lie as they come.
    cdef Py_ssize_t lane = sizeof(int32_t) if job.indices.storage == INT32 else sizeof(int64_t)
    cdef bint spill = (run == 1 and job.y.storage == NATIVE and job.y.w == size and job.indices.w == lane
                       and (height.out == 1 or job.y.h == n * size and job.indices.h == n * lane))
    cdef Py_ssize_t p, od, oh, o, i, q, f, r, h, d, td, th, top, band, chunk, stack, deep, tap, offset
    cdef const char* slab
    cdef const char* source
    cdef char* y
    cdef char* indices
    cdef Py_ssize_t ahead = used * size if used * size >= 256 else 0
    cdef bint log_step
    cdef Lane edge, further

    if dense(&job.x, rows, tile.used, run) and job.x.extent > 0:
        limit = job.x.data + job.x.extent - round_up(used * size, BLOCK)
    fill(rows, identity(op, rows), room.best_at)
    for r in range(room.phases * phase):
        h = r % room.high * apart_by + r // phase
        for o in range(tile.out_pitch):
            for i in range(run):
                d = o * width.stride if width.uniform else 0
                base[r * out_pitch + o * run + i] = <Lane>(h * width.size + d)
    while first < last:
        p, od = first // (height.out * depth.out), first // height.out % depth.out
        oh = first % height.out
        chunk = min(room.chunk, last - first, height.out - oh)
        stack = max(1, min(room.stack, (last - first) // height.out)) if chunk == height.out else 1
        deep = <Py_ssize_t>depth.taps[od]
        if height.uniform:  # padding rows included, so that every window has all its taps
            top, band = oh * height.stride - height.before, room.band - (room.chunk - chunk) * height.stride
        else:
            top, band = height.size, 0
            for o in range(oh, oh + chunk):
                top, band = min(top, <Py_ssize_t>height.begin[o]), max(band, <Py_ssize_t>height.end[o])
            band -= top
        log_step = deep == 1 and height.uniform and height.stride == 1 and height.kernel >= 5
        for td in range(deep):
            d = <Py_ssize_t>depth.begin[od] + td * depth.step
            for q in range(stack):
                slab = job.x.data + plane_offset(job, &job.x, p + q) + d * job.x.d + tile.first * job.x.w
                to, f = rows + q * room.high * pitch + tile.left * run, 0
                for h in range(top, top + band):
                    if f < room.phases:
                        source = slab + h * job.x.h
                        if not 0 <= h < height.size:
                            copy_blocks(to, pad, pitch)
                        else:
                            prefetch(source + AHEAD, ahead)
                            if source <= limit:
                                copy_blocks(to, <const P*>source, used)
                            else:
                                load_row(to, source, &job.x, tile.used, run)
                            copy_blocks(to + used, pad, pitch - used)
                    f, to = f + 1, to + room.phase
                    if f == apart_by:
                        f, to = 0, to - apart_by * room.phase + pitch
            for f in range(min(room.phases, band)):
                r = (stack - 1) * room.high + (band - 1 - f) // apart_by + 1
                offset = f * phase * out_pitch
                pick_lanes(op, width, &tile, best + offset, where + offset, rows + f * room.phase, base + offset,
                           spare, lanes, r, run)
                for i in range(r if tile.left else 0):
                    leave_left(width, &tile, where + offset + i * out_pitch, base[offset + i * out_pitch], run)
            further = <Lane>(td * depth.step * height.size * width.size)
            i = ((stack - 1) * room.high + chunk - 1) * out_pitch + n
            if log_step:
                pick_progression(op, out, at, best, where, spare, lanes, i, height.kernel, height.step * out_pitch)
            elif height.uniform:
                for th in range(height.kernel):
                    tap = th * height.step
                    offset = (tap % height.stride * phase + tap // height.stride) * out_pitch
                    if td > 0 or th > 1:
                        pick_row(op, out, at, best + offset, where + offset, further, i)
                    elif th == 1:
                        start_pick2(op, out, at, best, where, best + offset, where + offset, i)
                    elif height.kernel == 1:
                        start_pick(out, at, best, where, i)
            else:
                for r in range(chunk):
                    for th in range(<Py_ssize_t>height.taps[oh + r]):
                        offset = (<Py_ssize_t>height.begin[oh + r] + th * height.step - top) * out_pitch
                        if td > 0 or th > 0:
                            pick_row(op, out + r * out_pitch, at + r * out_pitch, best + offset, where + offset,
                                     further, n)
                        else:
                            start_pick(out + r * out_pitch, at + r * out_pitch, best + offset, where + offset, n)
        edge = <Lane>(tile.left - tile.first - top * width.size)
        for q in range(stack):
            y = job.y.data + plane_offset(job, &job.y, p + q) + od * job.y.d + oh * job.y.h + first_out * job.y.w
            indices = (job.indices.data + plane_offset(job, &job.indices, p + q) + od * job.indices.d
                       + oh * job.indices.h + first_out * job.indices.w)
            further = <Lane>(depth.begin[od] * height.size * width.size) - edge
            r = 0
            while r < chunk and height.uniform and (oh + r) * height.stride < height.before:
                leave_top(width, &tile, at + (q * room.high + r) * out_pitch, edge,
                          <Lane>(height.begin[oh + r] * width.size), run)
                r += 1
            offset, r = q * room.high * out_pitch, 0
            if spill and out_pitch == n:
                store_row(y, &job.y, out + offset, chunk * tile.out, 1)
                store_lanes(indices, &job.indices, at + offset, further, chunk * tile.out, 1)
                r = chunk
            while r < chunk:
                if spill and (chunk - r - 1) * n >= 8:  # the row stored next goes over what is too much
                    copy_blocks(<P*>y, out + offset, n)
                    store_lane_blocks(indices, &job.indices, at + offset, further, n)
                else:
                    store_row(y, &job.y, out + offset, tile.out, run)
                    store_lanes(indices, &job.indices, at + offset, further, tile.out, run)
                y += job.y.h
                indices += job.indices.h
                offset += out_pitch
                r += 1
        first += stack * chunk
