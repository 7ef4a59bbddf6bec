# Backward: max scatters along the indices, average spreads each output over its window. Both write whole input rows,
# each by one thread and in row-major order of the outputs, so the sums do not depend on the threads.


cdef void extent_rows(void* scratch, Index* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write the least and the greatest index of output rows [first, last) into job.extents."""
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
        job.extents[2 * r], job.extents[2 * r + 1] = least, most


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
    cdef Py_ssize_t outs = job.depth.out * job.height.out, p, top, below, clear, reach, r, o
    cdef int64_t least, most
    cdef Memory* x = &job.x
    cdef Memory* y = &job.y
    cdef Py_ssize_t row_bytes = wide * job.run * sizeof(F)
    cdef bint flat = (dense(x, scratch, wide, job.run) and (high == 1 or x.h == row_bytes)
                      and (job.depth.size == 1 or x.d == high * row_bytes))
    cdef char* gx
    cdef const char* gy
    cdef const char* at
    while first < last:
        p, top = first // rows, first % rows
        below = min(rows, top + last - first)
        clear = top
        gx = x.data + plane_offset(job, x, p)
        if job.checks:
            extent_rows(scratch, index, job, p * outs, (p + 1) * outs)
        for o in range(outs):
            r = p * outs + o
            least, most = job.extents[2 * r], job.extents[2 * r + 1]
            if least < 0 or most >= rows * wide:
                break  # reported by the caller
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


cdef inline void spread_lanes(Axis* w, F* out, const F* acc, F* stuffed, F* spare, Py_ssize_t run) noexcept nogil:
    """Add acc[o] to every column of window o: the transpose of fold_lanes.

    Uniform windows: the outputs stand at their stride in a row of zeros, and a column sums the `kernel` places of it
    that reach the column, again a progression.
    """
    cdef cpool_sum_t* op = NULL
    cdef Py_ssize_t o, t, i, x, reach = (w.kernel - 1) * w.step
    if not w.uniform:
        fill(out, <F>0, w.size * run)
        for o in range(w.out):
            for t in range(<Py_ssize_t>w.taps[o]):
                x = <Py_ssize_t>w.begin[o] + t * w.step
                for i in range(run):
                    out[x * run + i] += acc[o * run + i]
    elif w.stride == w.kernel and w.step == 1 and w.before == 0:  # tiles: every column has one window at most
        o = 0
        if run == 1 and w.stride == 2:  # interleaved in registers
            for o in range(min(w.out, w.size // 2)):
                out[2 * o] = acc[o]
                out[2 * o + 1] = acc[o]
            o = min(w.out, w.size // 2)
        for o in range(o, w.out):
            x = o * w.stride
            if run == 1:
                fill(out + x, acc[o], min(w.kernel, w.size - x))
            for t in range(min(w.kernel, w.size - x) if run > 1 else 0):
                memcpy(out + (x + t) * run, acc + o * run, run * sizeof(F))
        x = min(w.size, w.out * w.stride)
        fill(out + x * run, <F>0, (w.size - x) * run)
    else:
        fill(stuffed, <F>0, (max((w.out - 1) * w.stride + 1, w.before + w.size) + reach) * run)
        if run == 1 and w.stride == 2:
            for o in range(w.out):
                stuffed[reach + 2 * o] = acc[o]
        else:
            for o in range(w.out):
                for i in range(run):
                    stuffed[(reach + o * w.stride) * run + i] = acc[o * run + i]
        fold_progression(op, True, out, stuffed + w.before * run, spare, w.size * run, w.kernel, w.step * run)


cdef Py_ssize_t spread_room(Job* job) noexcept nogil:
    """Elements of scratch that spread_rows needs."""
    cdef Axis* w = &job.width
    return (3 * w.out + 5 * (max(w.out * w.stride, w.before + w.size) + w.kernel * w.step)) * job.run + 64


cdef void spread_rows(F* scratch, void* unused, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write input-gradient rows [first, last) of all planes' rows: rows of outputs first, then lanes."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef Py_ssize_t run = job.run, n = width.out * run, wide = width.size * run
    cdef Py_ssize_t reach = (max(width.out * width.stride, width.before + width.size) + width.kernel * width.step) * run
    cdef F* acc = scratch
    cdef F* widths = acc + n
    cdef F* g = widths + n
    cdef F* stuffed = g + n
    cdef F* out = stuffed + reach
    cdef F* spare = out + reach
    cdef const F* source
    cdef const char* plane
    cdef char* slab
    cdef char* to
    cdef char* previous = NULL
    cdef Py_ssize_t r, p, d, h, od, oh, o, i, least, covering
    cdef bint as_it_lies = dense(&job.y, scratch, width.out, run), straight = dense(&job.x, scratch, width.size, run)
    for o in range(width.out):
        for i in range(run):
            widths[o * run + i] = <F>width.count[o]
    least, covering = 0, -1
    p, d, h = first // (depth.size * height.size), first // height.size % depth.size, first % height.size
    plane, slab = job.y.data + plane_offset(job, &job.y, p), job.x.data + plane_offset(job, &job.x, p)
    for r in range(first, last):
        if h == height.size:
            h, d = 0, d + 1
            least, previous = 0, NULL
            if d == depth.size:
                d, p = 0, p + 1
                plane, slab = job.y.data + plane_offset(job, &job.y, p), job.x.data + plane_offset(job, &job.x, p)
        to = slab + d * job.x.d + h * job.x.h
        if previous != NULL and straight and height.step == 1 and least < height.out and (
                height.begin[least] < h < height.end[least]
                and (least + 1 == height.out or height.begin[least + 1] > h) and covering == least):
            memcpy(to, previous, wide * sizeof(F))  # the same one window as the row above
            previous, h = to, h + 1
            continue
        fill(acc, <F>0, n)
        while least < height.out and height.end[least] <= h:  # windows above this row, and above all later ones
            least += 1
        oh = -1
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
        covering = least if oh == least + 1 else -1  # the row's only window along H, if it has but one
        previous, h = to, h + 1
        spread_lanes(width, <F*>to if straight else out, acc, stuffed, spare, run)
        if not straight:
            store_row(to, &job.x, out, width.size, run)
