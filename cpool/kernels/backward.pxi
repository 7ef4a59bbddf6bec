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
            flat[index[w]] = settled(flat[index[w]] + g[w])
        return
    for w in range(job.width.out):
        for i in range(run):
            x = <Py_ssize_t>(<const Index*>(at + w * job.indices.w))[i]
            if whole or lo <= x < hi:
                g = <const F*>(gy + w * job.y.w) + i
                flat[x * run + i] = g[0] if job.assign else settled(flat[x * run + i] + g[0])


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
                flat[p][at[p][w]] = settled(flat[p][at[p][w]] + g[p][w])
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
                to[0] = g if job.assign else settled(to[0] + g)


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


# Sliding windows: an element is reached by every stride-th tap, its phase, and the outputs that reach it that way
# follow one another. So each phase of an axis is a progression of outputs; the phases of a row are then interleaved.
#
#     3 taps that move by 2:   phase 0: |g0      |g0+g1   |g1+g2  ..
#                              phase 1: |    g0  |     g1 |    g2 ..
#
# First rows, then columns; outputs lie in scratch with zeros around them, so that all rows are summed as one flat run:
#
#     |lead zeros|g0 g1 g2 ..|zeros|     row 0, of one pitch
#     |lead zeros|g0 g1 g2 ..|zeros|     row 1

cdef struct SpreadRoom:  # output rows at once, those above that reach as far, elements from row to row; then offsets
    Py_ssize_t chunk, above, pitch, lead, zeros, band, apart, sums, phases, row, spare, places, total
    Py_ssize_t tall, wide  # phases of rows and of columns that a tap reaches


cdef SpreadRoom spread_room_of(Job* job, Py_ssize_t size) noexcept nogil:
    cdef SpreadRoom room
    cdef Axis* height = &job.height
    cdef Axis* w = &job.width
    cdef Py_ssize_t n = w.out * job.run, row_bytes
    room.above = (height.kernel - 1) * height.step // height.stride
    room.lead = (w.kernel - 1) * w.step // w.stride * job.run
    room.pitch = room.lead + max(w.out, (w.before + w.size - 1) // w.stride + 1) * job.run
    room.tall, room.wide = min(every(height), height.kernel), min(every(w), w.kernel)
    row_bytes = room.pitch * room.tall * room.wide * size
    room.chunk = max(1, 16384 // row_bytes, min(2 * room.above, 65536 // row_bytes))
    room.chunk = min(room.chunk, (height.before + height.size - 1) // height.stride + 1)
    room.zeros = behind(0, n)
    room.band = behind(room.zeros, room.pitch)
    room.sums = behind(room.band, (room.above + room.chunk) * room.pitch + room.lead)
    room.apart = behind(0, room.chunk * room.pitch) // LINE | 1  # one phase from the next: no power of two, for then
    room.apart *= LINE                                           # all would meet in the same places of the cache
    room.phases = room.sums + room.tall * room.apart
    room.row = room.phases + (room.tall * room.wide + 1) * room.apart  # the last one is of those that no tap reaches
    room.spare = behind(room.row, w.size * job.run)
    room.places = room.spare + 2 * behind(0, (room.above + room.chunk) * room.pitch)
    room.total = behind(room.places, 2 * room.tall * (1 + w.stride))  # of pointers, which are two elements at most
    return room


cdef void load_shares(F* band, const F* widths, const F* zeros, SpreadRoom* room, Job* job, const char* plane,
                      Py_ssize_t od, Py_ssize_t top, Py_ssize_t rows) noexcept nogil:
    """Load what one element of each window gets, of output rows [top, top + rows) of one slab; zeros around them."""
    cdef Memory* y = &job.y
    cdef Py_ssize_t n = job.width.out * job.run, oh
    band += room.lead
    for oh in range(top, top + rows):
        if not 0 <= oh < job.height.out:
            copy_blocks(band, zeros, n)
        else:
            load_row(band, plane + od * y.d + oh * y.h, y, job.width.out, job.run)
            if job.divide:
                divide_row(band, widths, <F>(job.depth.count[od] * job.height.count[oh]), n)
        copy_blocks(band + n, zeros, room.pitch - n)
        band += room.pitch


cdef inline Py_ssize_t tap_of(Axis* w, Py_ssize_t phase) noexcept nogil:
    """The first tap of a phase, or -1."""
    cdef Py_ssize_t t
    if w.step == 1:
        return phase if phase < w.kernel else -1
    for t in range(min(every(w), w.kernel)):
        if t * w.step % w.stride == phase:
            return t
    return -1


cdef const F* fold_phase(F* out, bint first, bint lasting, const F* g, F* spare, Axis* w, Py_ssize_t tap, Py_ssize_t n,
                         Py_ssize_t unit) noexcept nogil:
    """Sum the outputs, `unit` apart, that reach n elements by the phase of `tap`; return where the sums are.

    That is in `out`, but for a single tap where the outputs lie, if they are `lasting`.
    """
    cdef cpool_sum_t* op = NULL
    cdef Py_ssize_t members = (w.kernel - tap + every(w) - 1) // every(w), distance = every(w) * w.step // w.stride
    g -= (tap * w.step // w.stride + (members - 1) * distance) * unit
    if members == 1 and lasting:
        return g
    fold_progression(op, first, out, g, spare, <F>1, n, members, distance * unit)
    return out


cdef inline void interleave(F* to, const F** phases, Py_ssize_t at, Axis* w, Py_ssize_t run) noexcept nogil:
    """Write one row of columns from its phases."""
    cdef Py_ssize_t s = w.stride, c, i, residue
    cdef const F* even = phases[w.before % s] + at + w.before // s * run
    cdef const F* odd = phases[(w.before + 1) % s] + at + (w.before + 1) // s * run
    if s == 1:
        memcpy(to, even, w.size * run * sizeof(F))
    elif s == 2 and run == 1:  # in registers
        for c in range(w.size // 2):
            to[2 * c] = even[c]
            to[2 * c + 1] = odd[c]
        if w.size % 2:
            to[w.size - 1] = even[w.size // 2]
    else:
        for residue in range(min(s, w.size)):
            even = phases[(w.before + residue) % s] + at + (w.before + residue) // s * run
            for c in range((w.size - residue + s - 1) // s):
                for i in range(run):
                    to[(c * s + residue) * run + i] = even[c * run + i]


cdef void spread_sliding(F* scratch, void* unused, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write input-gradient rows [first, last) of all planes' rows, for windows that slide along H and W."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* w = &job.width
    cdef SpreadRoom room = spread_room_of(job, sizeof(F))
    cdef F* zeros = scratch + room.zeros
    cdef F* band = scratch + room.band
    cdef F* sums = scratch + room.sums
    cdef F* row = scratch + room.row
    cdef F* spare = scratch + room.spare
    cdef const F** summed = <const F**>(scratch + room.places)  # where the phases of rows lie, by their first taps,
    cdef const F** phases = summed + room.tall  # and for each of them those of its columns
    cdef F* columns
    cdef Py_ssize_t run = job.run, stride = height.stride, p, d, h, r, t, tap, top, rows, od, chunk, at
    cdef const char* plane
    cdef char* to
    cdef bint started, straight = dense(&job.x, scratch, w.size, run)
    # Whether an input slab is reached by one output slab alone: a kernel of 1 in a table may repeat.
    cdef bint alone = depth.out == 1 or depth.uniform and depth.kernel == 1

    fill_counts(scratch, w.count, w.out, run)
    fill(zeros, <F>0, room.spare - room.zeros)
    for at in range(room.tall * w.stride):
        phases[at] = scratch + room.phases + room.tall * room.wide * room.apart
    while first < last:
        p, d, h = first // (depth.size * height.size), first // height.size % depth.size, first % height.size
        plane = job.y.data + plane_offset(job, &job.y, p)
        to = job.x.data + plane_offset(job, &job.x, p) + d * job.x.d + h * job.x.h
        top = (h + height.before) // stride
        rows = min((top + room.chunk) * stride - height.before - h, last - first, height.size - h)
        chunk = (h + rows - 1 + height.before) // stride - top + 1
        started = False
        for t in range(room.tall):
            summed[t] = sums + t * room.apart
        for od in range(depth.out):
            if not depth.begin[od] <= d < depth.end[od] or (d - depth.begin[od]) % depth.step:
                continue
            load_shares(band, scratch, zeros, &room, job, plane, od, top - room.above, room.above + chunk)
            for t in range(room.tall):
                summed[t] = fold_phase(sums + t * room.apart, not started, alone,
                                       band + room.above * room.pitch, spare, height, t, chunk * room.pitch, room.pitch)
            started = True
        if not started:
            fill(sums, <F>0, room.phases - room.sums)
        for t in range(room.tall):
            for tap in range(room.wide):
                at = room.phases + (t * room.wide + tap) * room.apart
                phases[t * w.stride + tap * w.step % w.stride] = fold_phase(
                    scratch + at, True, True, summed[t] + room.lead, spare, w, tap, chunk * room.pitch - room.lead,
                    run) - room.lead
        for r in range(h + height.before, h + height.before + rows):
            at = (r // stride - top) * room.pitch + room.lead
            t = tap_of(height, r % stride)
            columns = <F*>to if straight else row
            if t < 0:
                fill(columns, <F>0, w.size * run)
            else:
                interleave(columns, phases + t * w.stride, at, w, run)
                settle(columns, w.size * run)
            if not straight:
                store_row(to, &job.x, row, w.size, run)
            to += job.x.h
        first += rows


cdef void spread_rows(F* scratch, void* unused, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The same for windows that a table gives along H or W: rows of outputs first, then lanes."""
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
        settle(out, width.size * run)
        store_row(job.x.data + plane_offset(job, &job.x, p) + d * job.x.d + h * job.x.h, &job.x, out, width.size, run)
        first += 1
