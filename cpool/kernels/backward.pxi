# Backward: max scatters along the indices, average spreads each output over its window. Both write whole input rows,
# each by one thread and in row-major order of the outputs, so the sums do not depend on the threads.


cdef void find_extents(int64_t* extents, Index* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write the least and the greatest index of each of output rows [first, last)."""
    cdef Py_ssize_t r, w, i, high = job.height.out, deep = job.depth.out, run = job.run, n = job.width.out
    cdef Memory* m = &job.indices
    cdef const char* row
    cdef Index at, least, most
    for r in range(first, last):
        row = m.data + plane_offset(job, m, r // (high * deep)) + r // high % deep * m.d + r % high * m.h
        least = most = (<const Index*>row)[0]
        if m.w == run * <Py_ssize_t>sizeof(Index):
            for w in range(n * run):
                at = (<const Index*>row)[w]
                least = at if at < least else least
                most = at if at > most else most
        else:
            for w in range(n):
                for i in range(run):
                    at = (<const Index*>(row + w * m.w))[i]
                    least = at if at < least else least
                    most = at if at > most else most
        extents[0], extents[1] = least, most
        extents += 2


cdef void extent_rows(void* scratch, Index* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    find_extents(job.extents + 2 * first, like, job, first, last)


cdef inline void scatter_row(F* flat, Index* like, Job* job, const char* gy, const char* at, Py_ssize_t lo,
                             Py_ssize_t hi, bint whole) noexcept nogil:
    """Add one row of gradients to those of their winners that lie in [lo, hi) of a dense plane."""
    cdef Py_ssize_t w, i, x, run = job.run
    cdef const F* g = <const F*>gy
    cdef const Index* index = <const Index*>at
    if whole and run == 1 and not job.assign and job.y.w == sizeof(F) and job.indices.w == sizeof(Index):
        for w in range(job.width.out):
            flat[index[w]] += g[w]
        return
    for w in range(job.width.out):
        for i in range(run):
            x = <Py_ssize_t>(<const Index*>(at + w * job.indices.w))[i]
            if whole or lo <= x < hi:
                g = <const F*>(gy + w * job.y.w) + i
                flat[x * run + i] = g[0] if job.assign else flat[x * run + i] + g[0]


cdef inline bint add_planes(F** flat, const F** g, const Index** at, Py_ssize_t planes, Py_ssize_t outs,
                            Py_ssize_t elements) noexcept nogil:
    """Add the gradients of some planes in turns; False if an index is outside. `planes` is a literal in calls.

    Many short streams are too much for the processor's guesses: what the next planes need is asked for.
    """
    cdef Py_ssize_t start, w, p
    for start in range(0, outs, 8):  # a cache line of indices
        for p in range(planes if planes > 1 else 0):
            touch(<const char*>(at[p] + planes * outs + start))
            touch(<const char*>(g[p] + planes * outs + start))
        for w in range(start, min(start + 8, outs)):
            for p in range(planes):
                if <uint64_t>at[p][w] >= <uint64_t>elements:
                    return False
                flat[p][at[p][w]] += g[p][w]
    return True


cdef inline void scatter_planes(F* like, Index* index, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Zero dense planes [first, last) and add all their gradients, one row each: an index is looked at once.

    Small planes by fours: a gradient with the winner of the one before it must wait for that, but not for other planes.
    """
    cdef Py_ssize_t elements = job.depth.size * job.height.size * job.width.size, plane_bytes = elements * sizeof(F)
    cdef Py_ssize_t outs = job.width.out, cleared = first, together = 1, turns = 4 if plane_bytes <= 65536 else 1, p, q
    cdef F* flat[4]
    cdef const F* g[4]
    cdef const Index* at[4]
    cdef bint inside
    if turns == 4 and job.leads == 1 and <Py_ssize_t>job.x.planes[0] == plane_bytes:
        together = max(4, 16384 // plane_bytes // 4 * 4)
    while first < last:
        if first + turns > last:
            turns = 1
        for q in range(turns):
            p = first + q
            flat[q] = <F*>(job.x.data + plane_offset(job, &job.x, p))
            g[q] = <const F*>(job.y.data + plane_offset(job, &job.y, p))
            at[q] = <const Index*>(job.indices.data + plane_offset(job, &job.indices, p))
            if p == cleared:
                cleared = min(last, p + together)
                memset(flat[q], 0, (cleared - p) * plane_bytes)
        if turns == 4:
            inside = add_planes(flat, g, at, 4, outs, elements)
        else:
            inside = add_planes(flat, g, at, 1, outs, elements)
        if not inside:
            job.astray = True
            return
        first += turns


cdef inline void scatter_far(F* like, Index* index, Job* job, char* gx, const char* gy, const char* at, Py_ssize_t lo,
                             Py_ssize_t hi) noexcept nogil:
    """The same where the plane is not dense."""
    cdef Py_ssize_t w, i, x, high = job.height.size, wide = job.width.size
    cdef F* to
    cdef F g
    for w in range(job.width.out):
        for i in range(job.run):
            x = <Py_ssize_t>(<const Index*>(at + w * job.indices.w))[i]
            if lo <= x < hi:
                g = (<const F*>(gy + w * job.y.w))[i]
                to = <F*>(gx + x // (high * wide) * job.x.d + x // wide % high * job.x.h + x % wide * job.x.w) + i
                to[0] = g if job.assign else to[0] + g


cdef inline void clear_rows(F* like, Job* job, char* gx, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Zero rows [first, last) of one plane."""
    cdef Py_ssize_t r, w, high = job.height.size, wide = job.width.size, run = job.run
    cdef Memory* x = &job.x
    cdef char* row
    for r in range(first, last):
        row = gx + r // high * x.d + r % high * x.h
        if dense(x, like, wide, run):
            memset(row, 0, wide * run * sizeof(F))
        else:
            for w in range(wide):
                memset(row + w * x.w, 0, run * sizeof(F))


cdef void scatter_rows(F* scratch, Index* index, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Zero input rows [first, last) of all planes' rows, and add the gradients whose winners lie there.

    Rows are zeroed as the winners reach them, so that they are still in the cache when the gradients come.
    """
    cdef Py_ssize_t high = job.height.size, rows = job.depth.size * high, wide = job.width.size
    cdef Py_ssize_t outs = job.depth.out * job.height.out, p, top, below, clear, reach, o
    cdef int64_t least, most
    cdef int64_t* extents = <int64_t*>scratch
    cdef Memory* x = &job.x
    cdef Memory* y = &job.y
    cdef Py_ssize_t row_bytes = wide * job.run * sizeof(F)
    cdef bint flat = (dense(x, scratch, wide, job.run) and (high == 1 or x.h == row_bytes)
                      and (job.depth.size == 1 or x.d == high * row_bytes))
    cdef char* gx
    cdef const char* gy
    cdef const char* at
    if (job.checks and outs == 1 and flat and job.run == 1 and not job.assign and dense(y, scratch, job.width.out, 1)
            and (job.indices.w == sizeof(Index) or job.width.out == 1)):
        scatter_planes(scratch, index, job, first // rows, last // rows)
        return
    while first < last:
        p, top = first // rows, first % rows
        below = min(rows, top + last - first)
        clear = top
        gx = x.data + plane_offset(job, x, p)
        if job.checks:
            find_extents(extents, index, job, p * outs, (p + 1) * outs)
        else:
            extents = job.extents + 2 * p * outs
        for o in range(outs):
            least, most = extents[2 * o], extents[2 * o + 1]
            if least < 0 or most >= rows * wide:
                job.astray = True
                break
            if least >= below * wide or most < top * wide:
                continue
            reach = min(below, <Py_ssize_t>most // wide + 1)
            if reach > clear:
                clear_rows(scratch, job, gx, clear, reach)
                clear = reach
            gy = y.data + plane_offset(job, y, p) + o // job.height.out * y.d + o % job.height.out * y.h
            at = (job.indices.data + plane_offset(job, &job.indices, p) + o // job.height.out * job.indices.d
                  + o % job.height.out * job.indices.h)
            if flat:
                scatter_row(<F*>gx, index, job, gy, at, top * wide, below * wide, below - top == rows)
            else:
                scatter_far(scratch, index, job, gx, gy, at, top * wide, below * wide)
        clear_rows(scratch, job, gx, clear, below)
        first += below - top

# -------------------------------------------------------------------------------------------------------- average


cdef inline void share_row(F* acc, const F* g, const F* widths, F across, bint divide, Py_ssize_t n) noexcept nogil:
    """Add an output row's shares."""
    cdef Py_ssize_t i
    if divide:
        for i in range(n):
            acc[i] += g[i] / (across * widths[i])
    else:
        for i in range(n):
            acc[i] += g[i]


# Sliding windows along W: the outputs of a row stand at their stride in a row of zeros, and a column sums the `kernel`
# places of it that reach the column, again a progression. Many such rows lie end to end and are summed as one flat run:
#
#     |reach zeros|g0 0 g1 0 g2 ..|zeros|     row 0, of one pitch
#     |reach zeros|g0 0 g1 0 g2 ..|zeros|     row 1

cdef struct SpreadRoom:  # rows at once, rows of outputs that they see (0: one by one), and offsets in elements
    Py_ssize_t chunk, band, pitch, reach, divided, band_at, stuffed, acc, out, spare, total


cdef SpreadRoom spread_room_of(Job* job, Py_ssize_t size) noexcept nogil:
    cdef SpreadRoom room
    cdef Axis* w = &job.width
    cdef Axis* height = &job.height
    cdef Py_ssize_t n = w.out * job.run, span = (height.kernel - 1) * height.step
    room.reach = (w.kernel - 1) * w.step * job.run
    room.pitch = room.reach + max((w.out - 1) * w.stride + 1, w.before + w.size) * job.run
    room.chunk = max(1, min(height.size, 8192 // (room.pitch * size)))
    room.band = 0
    if height.uniform and height.stride == 1 and (room.chunk + span) * room.pitch * size <= 65536:
        room.band = room.chunk + span
    room.divided = behind(0, n)
    room.band_at = behind(room.divided, n)
    room.stuffed = behind(room.band_at, room.band * room.pitch)
    room.acc = behind(room.stuffed, room.chunk * room.pitch)
    room.out = behind(room.acc, room.chunk * n)
    room.spare = behind(room.out, room.chunk * room.pitch)
    room.total = room.spare + 2 * behind(0, room.chunk * room.pitch)
    return room


cdef inline void shares_of(F* to, const F* g, const F* widths, F across, bint divide, Py_ssize_t n) noexcept nogil:
    """What one element of each window gets."""
    cdef Py_ssize_t i
    if divide:
        for i in range(n):
            to[i] = g[i] / (across * widths[i])
    else:
        memcpy(to, g, n * sizeof(F))


cdef inline void stuff(F* to, const F* row, Axis* w, Py_ssize_t run) noexcept nogil:
    """Let the runs of a row stand at the windows' stride."""
    cdef Py_ssize_t o
    if w.stride == 1:
        memcpy(to, row, w.out * run * sizeof(F))
    elif run > 1:
        for o in range(w.out):
            memcpy(to + o * w.stride * run, row + o * run, run * sizeof(F))
    elif w.stride == 2:  # interleaved in registers; what follows a row is zero as well
        for o in range(w.out):
            to[2 * o] = row[o]
            to[2 * o + 1] = 0
    else:
        for o in range(w.out):
            to[o * w.stride] = row[o]


cdef void spread_stretch(F* scratch, const F* widths, SpreadRoom* room, Job* job, const char* plane, Py_ssize_t d,
                         Py_ssize_t top, Py_ssize_t rows) noexcept nogil:
    """Sum the outputs' shares, window row by window row, into `rows` stuffed rows from input row `top` on."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef cpool_sum_t* op = NULL
    cdef F* divided = scratch + room.divided
    cdef F* band = scratch + room.band_at
    cdef F* stuffed = scratch + room.stuffed
    cdef F* acc = scratch + room.acc
    cdef F* to
    cdef Py_ssize_t run = job.run, n = width.out * run, od, oh, r, h, t, span = (height.kernel - 1) * height.step
    cdef const F* source
    cdef bint as_it_lies = dense(&job.y, scratch, width.out, run)

    fill(stuffed if room.band else acc, <F>0, rows * (room.pitch if room.band else n))
    for od in range(depth.out):
        if not depth.begin[od] <= d < depth.end[od] or (d - depth.begin[od]) % depth.step:
            continue
        oh = top + height.before - span if room.band else 0  # the output row whose last tap meets `top`
        while not room.band and oh < height.out and height.end[oh] <= top:
            oh += 1
        r = 0
        while r < rows + span if room.band else oh < height.out and height.begin[oh] < top + rows + height.step - 1:
            if 0 <= oh < height.out:
                source = <const F*>(plane + od * job.y.d + oh * job.y.h)
                if not as_it_lies:
                    load_row(divided, <const char*>source, &job.y, width.out, run)
                    source = divided
                shares_of(divided, source, widths, <F>(depth.count[od] * height.count[oh]), job.divide, n)
            if room.band:
                to = band + r * room.pitch + room.reach
                if 0 <= oh < height.out:
                    stuff(to, divided, width, run)
                else:
                    fill(to, <F>0, room.pitch - room.reach)
            else:
                h = <Py_ssize_t>height.begin[oh]
                h += max(0, (top - h + height.step - 1) // height.step) * height.step
                while h < min(<Py_ssize_t>height.end[oh], top + rows):
                    fold_row(op, acc + (h - top) * n, divided, n)
                    h += height.step
            oh += 1
            r += 1
        for t in range(height.kernel if room.band else 0):
            fold_row(op, stuffed, band + t * height.step * room.pitch, rows * room.pitch)
    for r in range(0 if room.band else rows):
        stuff(stuffed + r * room.pitch + room.reach, acc + r * n, width, run)


cdef void spread_sliding(F* scratch, void* unused, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write input-gradient rows [first, last) of all planes' rows, for windows that slide along W."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef SpreadRoom room = spread_room_of(job, sizeof(F))
    cdef cpool_sum_t* op = NULL
    cdef F* out = scratch + room.out
    cdef F* stuffed = scratch + room.stuffed + width.before * job.run
    cdef Py_ssize_t run = job.run, wide = width.size * run, p, d, h, r, rows
    cdef const char* plane
    cdef char* to
    cdef bint straight = dense(&job.x, scratch, width.size, run) and wide >= 100  # no detour through scratch

    fill_counts(scratch, width.count, width.out, run)
    fill(scratch + room.band_at, <F>0, room.acc - room.band_at)  # what lies between outputs stays 0
    while first < last:
        p, d, h = first // (depth.size * height.size), first // height.size % depth.size, first % height.size
        rows = min(room.chunk, last - first, height.size - h)
        plane = job.y.data + plane_offset(job, &job.y, p)
        to = job.x.data + plane_offset(job, &job.x, p) + d * job.x.d + h * job.x.h
        spread_stretch(scratch, scratch, &room, job, plane, d, h, rows)
        if not straight:
            fold_progression(op, True, out, stuffed, scratch + room.spare, <F>1, (rows - 1) * room.pitch + wide,
                             width.kernel, width.step * run)
        for r in range(rows):
            if straight:
                fold_progression(op, True, <F*>to, stuffed + r * room.pitch, scratch + room.spare, <F>1, wide,
                                 width.kernel, width.step * run)
            else:
                store_row(to, &job.x, out + r * room.pitch, width.size, run)
            to += job.x.h
        first += rows


cdef void spread_rows(F* scratch, void* unused, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The same for windows along W that a table gives: rows of outputs first, then lanes."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef Py_ssize_t run = job.run, n = width.out * run, p, d, h, od, oh, o, i, t, x, least = 0
    cdef F* acc = scratch
    cdef F* widths = acc + n
    cdef F* g = widths + n
    cdef F* out = g + n
    cdef const F* source
    cdef const char* plane
    cdef bint as_it_lies = dense(&job.y, scratch, width.out, run)
    fill_counts(widths, width.count, width.out, run)
    while first < last:
        p, d, h = first // (depth.size * height.size), first // height.size % depth.size, first % height.size
        plane = job.y.data + plane_offset(job, &job.y, p)
        least = least if h else 0
        while least < height.out and height.end[least] <= h:  # windows above this row, and above all later ones
            least += 1
        fill(acc, <F>0, n)
        for od in range(depth.out):
            if not depth.begin[od] <= d < depth.end[od] or (d - depth.begin[od]) % depth.step:
                continue
            oh = least
            while oh < height.out and height.begin[oh] < h + height.step:  # clipping raises a begin by less than a step
                if h < height.end[oh] and (h - height.begin[oh]) % height.step == 0:
                    source = <const F*>(plane + od * job.y.d + oh * job.y.h)
                    if not as_it_lies:
                        load_row(g, <const char*>source, &job.y, width.out, run)
                        source = g
                    share_row(acc, source, widths, <F>(depth.count[od] * height.count[oh]), job.divide, n)
                oh += 1
        fill(out, <F>0, width.size * run)
        for o in range(width.out):
            for t in range(<Py_ssize_t>width.taps[o]):
                x = <Py_ssize_t>width.begin[o] + t * width.step
                for i in range(run):
                    out[x * run + i] += acc[o * run + i]
        store_row(job.x.data + plane_offset(job, &job.x, p) + d * job.x.d + h * job.x.h, &job.x, out, width.size, run)
        first += 1
