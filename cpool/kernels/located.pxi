# Located: where a value stands, for windows that are long and share nothing. They are pooled for their values alone,
# and then searched, which costs less than to carry indices along.

cdef enum:
    STRETCH = 64  # elements that are searched at once, without a branch that data decide


cdef inline Py_ssize_t first_equal(const P* a, int32_t n, int32_t whole, P m) noexcept nogil:
    """Return where `m` stands first among n elements, or -1. What is read behind them in whole vectors never counts."""
    cdef int32_t i, candidate, left = 0  # elements from there to the end: their maximum is a vector's
    for i in range(whole):
        candidate = n - i if a[i] == m else 0
        left = candidate if candidate > left else left
    return n - left if left else -1


cdef inline Py_ssize_t last_nan(const P* a, int32_t n) noexcept nogil:
    """Return where the last NaN stands, or -1."""
    cdef int32_t i, candidate, found = 0
    for i in range(n):
        candidate = i + 1 if a[i] != a[i] else 0
        found = candidate if candidate > found else found
    return found - 1


cdef Py_ssize_t find_in_row(P m, P* spare, const char* row, Memory* x, Py_ssize_t taps) noexcept nogil:
    """Return where m stands in a row, or -1: first, or if it is NaN, last."""
    cdef Py_ssize_t t = 0, found = -1, at
    cdef int32_t n
    cdef const P* stretch
    cdef bint as_it_lies = dense(x, spare, taps, 1)
    while t < taps:
        n = <int32_t>min(taps - t, STRETCH)
        stretch = <const P*>(row + t * x.w)
        if not as_it_lies:
            load_row(spare, row + t * x.w, x, n, 1)
            stretch = spare
        at = first_equal(stretch, n, n, m) if m == m else last_nan(stretch, n)
        if at >= 0:
            found = t + at
            if m == m:
                return found
        t += n
    return found


cdef void locate_rows(P* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Find the values of output rows [first, last) of all planes' rows in their windows."""
    cdef Axis* depth = &job.depth
    cdef Axis* height = &job.height
    cdef Axis* width = &job.width
    cdef Py_ssize_t o, td, th, d, h, w, at, found
    cdef const char* plane
    cdef const char* y
    cdef char* indices
    cdef P m
    cdef Rows to = rows_at(job, first)
    while first < last:
        plane = job.x.data + plane_offset(job, &job.x, to.p)
        y = job.y.data + plane_offset(job, &job.y, to.p) + to.od * job.y.d + to.oh * job.y.h
        indices = (job.indices.data + plane_offset(job, &job.indices, to.p) + to.od * job.indices.d
                   + to.oh * job.indices.h)
        for o in range(width.out):
            load_row(&m, y + o * job.y.w, &job.y, 1, 1)
            w, found = <Py_ssize_t>width.begin[o], -1
            for td in range(<Py_ssize_t>depth.taps[to.od]):
                d = <Py_ssize_t>depth.begin[to.od] + td * depth.step
                for th in range(<Py_ssize_t>height.taps[to.oh]):
                    h = <Py_ssize_t>height.begin[to.oh] + th * height.step
                    if found < 0 or m != m:
                        at = find_in_row(m, scratch, plane + d * job.x.d + h * job.x.h + w * job.x.w, &job.x,
                                         <Py_ssize_t>width.taps[o])
                        found = (d * height.size + h) * width.size + w + at if at >= 0 else found
            if job.indices.storage == INT32:
                (<int32_t*>(indices + o * job.indices.w))[0] = <int32_t>found
            else:
                (<int64_t*>(indices + o * job.indices.w))[0] = found
        first += 1
        to = rows_after(job, to, first, 1)


cdef inline bint short_rows(Job* job, P* like) noexcept nogil:
    """Whether each window is a single short row that can be used as it lies."""
    return (job.depth.kernel == 1 and job.height.kernel == 1 and job.width.kernel <= STRETCH
            and dense(&job.x, like, job.width.size, 1) and job.y.storage == NATIVE)


cdef void locate_short(P* scratch, void* like, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The same where windows are short rows: with next to nothing around the search."""
    cdef Axis* width = &job.width
    cdef const char* limit = job.x.data + job.x.extent - 2 * STRETCH * <Py_ssize_t>sizeof(P)
    cdef Py_ssize_t r, o, d, h, w, at
    cdef int32_t taps
    cdef const char* row
    cdef const P* window
    cdef const char* y
    cdef char* indices
    cdef P m
    cdef Rows to = rows_at(job, first)
    for r in range(first, last):
        d, h = <Py_ssize_t>job.depth.begin[to.od], <Py_ssize_t>job.height.begin[to.oh]
        row = job.x.data + plane_offset(job, &job.x, to.p) + d * job.x.d + h * job.x.h
        y = job.y.data + plane_offset(job, &job.y, to.p) + to.od * job.y.d + to.oh * job.y.h
        indices = (job.indices.data + plane_offset(job, &job.indices, to.p) + to.od * job.indices.d
                   + to.oh * job.indices.h)
        for o in range(width.out):
            w, taps = <Py_ssize_t>width.begin[o], <int32_t>width.taps[o]
            window = <const P*>row + w
            m = (<const P*>y)[0]
            if m == m:
                at = first_equal(window, taps, (taps + 15) // 16 * 16 if <const char*>window <= limit else taps, m)
            else:
                at = last_nan(window, taps)
            at += (d * job.height.size + h) * width.size + w
            if job.indices.storage == INT32:
                (<int32_t*>indices)[0] = <int32_t>at
            else:
                (<int64_t*>indices)[0] = at
            y += job.y.w
            indices += job.indices.w
        to = rows_after(job, to, r + 1, 1)
