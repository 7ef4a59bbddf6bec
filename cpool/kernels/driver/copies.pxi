# Copies: the gradient of windows that lie side by side. Each element was in one window, so it gets that window's share,
# as do its neighbours: along each axis element o sees input (o + before) // period of the gradient.

cdef struct Copied:        # parts of scratch
    char* widths           # what the columns of a tile are divided by
    char* rows             # shares


cdef inline Py_ssize_t source_of(Axis* w, Py_ssize_t o) noexcept nogil:
    return (o + w.before) // w.period


cdef inline Py_ssize_t inputs_seen(Axis* w) noexcept nogil:
    return source_of(w, w.out - 1) + 1


cdef Copied lay_copied(Job* job, Scratch* scratch) noexcept nogil:
    cdef Copied parts
    cdef Py_ssize_t row = job.columns * job.size
    lay_anew(scratch)
    parts.widths = take(scratch, row if job.divides else 0)
    parts.rows = take(scratch, job.rows * row + VECTOR)
    return parts


cdef void copy_shares(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks [first, last) count output rows of all planes, for one tile of input columns after the other."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef Py_ssize_t high = height.out, deep = depth.out, all_rows = job.planes * deep * high, begin, end
    cdef Py_ssize_t r, p, od, oh, d, h, column, n, m, o, lanes, row, rows, columns
    cdef Copied parts = lay_copied(job, scratch)
    cdef const void* source
    while first < last:
        column, r = first // all_rows * job.columns, first % all_rows
        lanes = min(job.columns, inputs_seen(width) - column)
        begin = max(0, column * width.period - width.before)
        end = min(width.out, (column + lanes) * width.period - width.before)
        row = lanes * job.size
        if job.divides:
            fill_counts(job, parts.widths, column, min(lanes, width.size - column), 1, False)
        p, od, oh = r // (deep * high), r // high % deep, r % high
        h, n = source_of(height, oh), min(min(high - oh, last - first), all_rows - r)
        m = min(job.rows, source_of(height, oh + n - 1) - h + 1)
        n = min(n, (h + m) * height.period - height.before - oh)
        # Behind the last window are elements that nobody saw: 0.
        d, rows, columns = source_of(depth, od), min(m, height.size - h), min(lanes, width.size - column)
        if d >= depth.size or rows <= 0 or columns <= 0:
            rows = columns = 0
        if rows * columns < m * lanes:
            memset(parts.rows, 0, m * row)
        source = pixel(job, &job.x, p, d, h, column)
        if not job.divides and columns:
            job.fold(parts.rows, row, &source, 1, job.x.h, rows, columns, &job.close)
        for o in range(rows if job.divides else 0):
            job.leaves.divide[job.type](parts.rows + o * row, <const char*>source + o * job.x.h, parts.widths,
                                        count_of(depth, d) * count_of(height, h + o), columns)
        job.leaves.repeat[log_of(job.size)](
            pixel(job, &job.y, p, od, oh, begin), job.y.h, parts.rows, row, n, end - begin, height.period,
            oh + height.before - h * height.period, width.period, begin + width.before - column * width.period)
        first += n
