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


cdef inline void start_pick(P* best, Lane* at, const P* v, const Lane* where, Lane shift, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    memcpy(best, v, n * sizeof(P))
    for i in range(n):
        at[i] = where[i] + shift


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
    cdef Py_ssize_t width = 1, done = 0, reach = n + (taps - 1) * step, other = reach, at_once = 0
    cdef const P* m = row
    cdef const Lane* w = where
    while True:
        if taps & width:
            if done == 0:
                start_pick(best, at, m, w, <Lane>0, n)
            else:
                pick_row(op, best, at, m + done * step, w + done * step, <Lane>0, n)
            done += width
        if done == taps:
            return
        reach -= width * step
        start_pick2(op, spare + at_once, lanes + at_once, m, w, m + width * step, w + width * step, reach)
        m, w = spare + at_once, lanes + at_once
        at_once = other - at_once
        width *= 2


cdef void pick_lanes(Selection* op, Axis* w, Tile* tile, P* best, Lane* at, const P* row, const Lane* base, P* spare,
                     Lane* lanes, Py_ssize_t rows, Py_ssize_t run) noexcept nogil:
    """Reduce the windows of `rows` rows of scratch to winners and their columns. base[i] is the column of lane i."""
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
                    best[j], at[j] = row[(r * tile.pitch + x) * run + i], <Lane>x
                for t in range(1, <Py_ssize_t>w.taps[tile.first_out + o]):
                    x += w.step
                    for i in range(run):
                        j = (r * tile.out_pitch + o) * run + i
                        if takes(op, best[j], row[(r * tile.pitch + x) * run + i]):
                            best[j], at[j] = row[(r * tile.pitch + x) * run + i], <Lane>x


cdef inline void leave_padding(Axis* w, Tile* tile, Lane* at, Py_ssize_t run) noexcept nogil:
    """Answer the first input column where a window of nothing but the identity answers the padding in front."""
    cdef Py_ssize_t o = 0, i, first
    while o < tile.out and (tile.first_out + o) * w.stride < w.before:
        first = <Py_ssize_t>w.begin[tile.first_out + o] - tile.first + tile.left
        for i in range(o * run, (o + 1) * run):
            at[i] = at[i] if at[i] > first else <Lane>first
        o += 1


cdef inline void store_lanes(char* row, Memory* m, const Lane* at, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    cdef Py_ssize_t w, i
    if run > 1 or (m.w != sizeof(int32_t) and m.w != sizeof(int64_t)):
        for w in range(n):
            for i in range(run):
                if m.storage == INT32:
                    (<int32_t*>(row + w * m.w))[i] = <int32_t>at[w * run + i]
                else:
                    (<int64_t*>(row + w * m.w))[i] = at[w * run + i]
    elif m.storage == INT32:
        for w in range(n):
            (<int32_t*>(row + w * m.w))[0] = <int32_t>at[w]
    elif m.w == sizeof(int64_t):
        for w in range(n):
            (<int64_t*>row)[w] = at[w]
    else:
        for w in range(n):
            (<int64_t*>(row + w * m.w))[0] = at[w]


cdef struct PickRoom:  # as Room; lanes are counted in Lane elements after the values
    Py_ssize_t chunk, band, best_at, spare_at, out_at, values
    Py_ssize_t where_at, lanes_at, at_at, lanes, bytes


cdef PickRoom pick_room_of(Job* job, Tile* tile, Py_ssize_t size, Py_ssize_t lane) noexcept nogil:
    """Choose how many output rows to do at once, and hold the input rows that they need, reduced along W."""
    cdef PickRoom room
    cdef Py_ssize_t o, tall = 1, deep = 1, pitch = tile.pitch * job.run, out_pitch = tile.out_pitch * job.run
    cdef Py_ssize_t apart_by = job.height.stride if job.height.uniform else 1
    for o in range(job.height.out):
        tall = max(tall, <Py_ssize_t>(job.height.end[o] - job.height.begin[o]))
    if job.height.uniform:
        tall = max(tall, (job.height.kernel - 1) * job.height.step + 1)
    for o in range(job.depth.out):
        deep = max(deep, <Py_ssize_t>job.depth.taps[o])
    room.chunk = max(1, 24576 // (pitch * size * apart_by), min(tall, 131072 // (pitch * size * apart_by)))
    room.chunk = min(room.chunk, job.height.out)
    room.band = tall
    if job.height.uniform:
        room.band = (room.chunk - 1) * job.height.stride + tall
    else:
        for o in range(job.height.out - room.chunk + 1):
            room.band = max(room.band, <Py_ssize_t>(job.height.end[o + room.chunk - 1] - job.height.begin[o]))
    room.best_at = room.band * pitch + SLACK
    room.spare_at = room.best_at + deep * room.band * out_pitch + SLACK
    room.out_at = room.spare_at + 2 * room.band * pitch + SLACK
    room.values = round_up(room.out_at + room.chunk * out_pitch + SLACK, 64)
    room.where_at = room.band * pitch + SLACK
    room.lanes_at = room.where_at + deep * room.band * out_pitch + SLACK
    room.at_at = room.lanes_at + 2 * room.band * pitch + SLACK
    room.lanes = round_up(room.at_at + room.chunk * out_pitch + SLACK, 64)
    room.bytes = room.values * size + room.lanes * lane
    return room


cdef void pick_tile(Selection* op, P* scratch, Lane* like, Job* job, Py_ssize_t first, Py_ssize_t last,
                    Py_ssize_t first_out, Py_ssize_t last_out) noexcept nogil:
    """Pool output rows [first, last) of all planes' rows and output columns [first_out, last_out) with indices."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Py_ssize_t run = job.run
    cdef Tile tile = tile_of(&job.width, first_out, last_out, run, sizeof(P))
    cdef PickRoom room = pick_room_of(job, &tile, sizeof(P), sizeof(Lane))
    cdef P* rows = scratch
    cdef P* best = scratch + room.best_at
    cdef P* spare = scratch + room.spare_at
    cdef P* out = scratch + room.out_at
    cdef Lane* base = <Lane*>(scratch + room.values)
    cdef Lane* where = base + room.where_at
    cdef Lane* lanes = base + room.lanes_at
    cdef Lane* at = base + room.at_at
    cdef Py_ssize_t pitch = tile.pitch * run, out_pitch = tile.out_pitch * run, n = tile.out * run
    cdef Py_ssize_t p, od, oh, o, i, r, d, h, td, th, top, below, chunk, deep, kept, offset
    cdef const char* slab
    cdef char* y
    cdef char* indices
    cdef bint started, log_step, straight
    cdef Lane shift, origin

    fill(rows, identity(op, rows), room.band * pitch)
    for r in range(room.band if job.width.uniform else 0):
        for o in range(tile.out_pitch):
            for i in range(run):
                base[r * out_pitch + o * run + i] = <Lane>(o * job.width.stride)
    while first < last:
        p, od = first // (height.out * depth.out), first // height.out % depth.out
        oh = first % height.out
        chunk = min(room.chunk, last - first, height.out - oh)
        deep = <Py_ssize_t>depth.taps[od]
        log_step = deep == 1 and height.uniform and height.stride == 1 and height.kernel >= 5
        if log_step:  # padding rows included, so that every window has all its taps
            top, below = oh - height.before, oh + chunk - height.before + (height.kernel - 1) * height.step
        else:
            top, below = height.size, 0
            for o in range(oh, oh + chunk):
                top, below = min(top, <Py_ssize_t>height.begin[o]), max(below, <Py_ssize_t>height.end[o])
        for td in range(deep):
            d = <Py_ssize_t>depth.begin[od] + td * depth.step
            slab = job.x.data + plane_offset(job, &job.x, p) + d * job.x.d + tile.first * job.x.w
            for h in range(max(top, 0), min(below, height.size)):
                load_row(rows + (h - top) * pitch + tile.left * run, slab + h * job.x.h, &job.x, tile.used, run)
            kept = td * room.band * out_pitch
            pick_lanes(op, &job.width, &tile, best + kept, where + kept, rows, base, spare, lanes, below - top, run)
            for h in range(top, below):
                offset = kept + (h - top) * out_pitch
                if tile.left:
                    leave_padding(&job.width, &tile, where + offset, run)
                if log_step and 0 <= h < height.size:
                    origin = <Lane>(h * job.width.size + tile.first - tile.left)
                    for i in range(n):
                        where[offset + i] += origin
                elif log_step:
                    fill(best + offset, identity(op, best), n)
                    fill(where + offset, <Lane>(-1), n)
        if log_step:
            pick_progression(op, out, at, best, where, spare, lanes, (chunk - 1) * out_pitch + n, height.kernel,
                             height.step * out_pitch)
        y = job.y.data + plane_offset(job, &job.y, p) + od * job.y.d + oh * job.y.h + first_out * job.y.w
        indices = (job.indices.data + plane_offset(job, &job.indices, p) + od * job.indices.d + oh * job.indices.h
                   + first_out * job.indices.w)
        for r in range(chunk):
            offset = r * out_pitch
            if log_step:
                origin = <Lane>(<Py_ssize_t>depth.begin[od] * height.size * job.width.size)
                if oh + r < height.before:  # nothing but the identity: the window's first tap inside the input
                    for o in range(tile.out):
                        shift = <Lane>(<Py_ssize_t>height.begin[oh + r] * job.width.size
                                       + <Py_ssize_t>job.width.begin[first_out + o])
                        for i in range(offset + o * run, offset + (o + 1) * run):
                            at[i] = shift if at[i] < 0 else at[i]
                if origin:
                    for i in range(offset, offset + n):
                        at[i] += origin
            else:
                started = False
                for td in range(deep):
                    d = <Py_ssize_t>depth.begin[od] + td * depth.step
                    for th in range(<Py_ssize_t>height.taps[oh + r]):
                        h = <Py_ssize_t>height.begin[oh + r] + th * height.step
                        shift = <Lane>((d * height.size + h) * job.width.size + tile.first - tile.left)
                        kept = (td * room.band + h - top) * out_pitch
                        if started:
                            pick_row(op, out + offset, at + offset, best + kept, where + kept, shift, n)
                        else:
                            start_pick(out + offset, at + offset, best + kept, where + kept, shift, n)
                            started = True
            store_row(y, &job.y, out + offset, tile.out, run)
            store_lanes(indices, &job.indices, at + offset, tile.out, run)
            y += job.y.h
            indices += job.indices.h
        first += chunk
