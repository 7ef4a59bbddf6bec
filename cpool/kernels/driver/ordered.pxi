# Windows in order: median, quantiles and mode. Tap t of many windows lies in wire t, side by side, and whole wires are
# compared: no branch, no step that depends on the numbers. A tap in padding is the greatest number there is, so that
# the taps inside come first.

cdef struct Wires:
    Py_ssize_t taps, pitch
    char* wires
    char* line              # one input row of a block of columns
    char* nan
    char* results           # doubles, or with mode values
    char* length
    char* most


cdef Wires lay_wires_out(Job* job, Scratch* scratch) noexcept nogil:
    cdef Wires wires
    cdef Axis* w = &job.width
    scratch.taken = 0
    wires.taps = job.depth.kernel * job.height.kernel * w.kernel
    wires.pitch = job.columns * job.run * job.size
    wires.wires = take(scratch, wires.taps * wires.pitch)
    wires.line = take(scratch, min(w.size, most_columns(w, job.columns)) * job.run * job.size)
    wires.nan = take(scratch, wires.pitch)
    wires.results = take(scratch, job.columns * job.run * 8)
    wires.length = take(scratch, job.columns * job.run * sizeof(int32_t))
    wires.most = take(scratch, job.columns * job.run * sizeof(int32_t))
    return wires


cdef Py_ssize_t most_columns(Axis* w, Py_ssize_t n) noexcept nogil:
    """Most input columns that n output columns see."""
    return (n - 1) * w.stride + (w.kernel - 1) * w.step + 1 if w.uniform else tallest(w, n)


cdef void lay_taps(Job* job, Wires* wires, const char* plane, Py_ssize_t od, Py_ssize_t oh, Py_ssize_t first,
                   Py_ssize_t n) noexcept nogil:
    """Lay the taps of output columns [first, first + n) of one output row on wires."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t unit = job.run * job.size, start = first_of(w, first), td, th, tw, d, h, x, o, least, most
    cdef Py_ssize_t begin = max(0, start), end = min(w.size, end_of(w, first + n - 1))
    cdef Load again = job.leaves.load[job.type][job.type]
    cdef char* wire = wires.wires
    cdef bint inside
    for td in range(job.depth.kernel):
        d = first_of(&job.depth, od) + td * job.depth.step
        for th in range(job.height.kernel):
            h = first_of(&job.height, oh) + th * job.height.step
            inside = (0 <= d < job.depth.size and 0 <= h < job.height.size and begin < end
                      and td < taps_of(&job.depth, od) and th < taps_of(&job.height, oh))
            if inside:
                job.load(wires.line, plane + d * job.x.d + h * job.x.h + begin * job.x.w, job.x.w, end - begin, job.run)
            for tw in range(w.kernel):
                if w.uniform:
                    x = start + tw * w.step  # outputs [least, most) have this tap inside the input
                    least = min(n, (max(0, begin - x) + w.stride - 1) // w.stride) if inside else n
                    most = min(n, max(least, (end - x + w.stride - 1) // w.stride)) if inside else n
                    job.fill(wire, job.identity, least * job.run)
                    if most > least:
                        again(wire + least * unit, wires.line + (x + least * w.stride - begin) * unit, w.stride * unit,
                              most - least, job.run)
                    job.fill(wire + most * unit, job.identity, (n - most) * job.run)
                else:
                    for o in range(n):
                        x = first_of(w, first + o) + tw * w.step
                        if inside and tw < taps_of(w, first + o) and begin <= x < end:
                            memcpy(wire + o * unit, wires.line + (x - begin) * unit, unit)
                        else:
                            job.fill(wire + o * unit, job.identity, job.run)
                wire += wires.pitch


cdef void read_quantiles(Job* job, Wires* wires, char* y, Py_ssize_t tall, Py_ssize_t first,
                         Py_ssize_t n) noexcept nogil:
    """Store each quantile of each window: at q * (taps - 1), between two taps where that is no whole number."""
    cdef Py_ssize_t q, o, i, taps, at, next_one
    cdef double place, part
    cdef double* result = <double*>wires.results
    for q in range(job.n_quantiles):
        o = 0
        while o < n:
            taps, i = tall * inside_taps(&job.width, first + o), o
            while o < n and tall * inside_taps(&job.width, first + o) == taps:
                o += 1
            place = job.quantiles[q] * (taps - 1)
            at = <Py_ssize_t>place
            part = method_part(job, place, &at)
            next_one = min(at + 1, taps - 1)
            job.leaves.between[job.type](result + i * job.run, wires.wires + at * wires.pitch + i * job.run * job.size,
                                         wires.wires + next_one * wires.pitch + i * job.run * job.size, part,
                                         wires.nan + i * job.run * job.size, (o - i) * job.run)
        job.store(y + q * job.quantile_pitch, job.y.w, result, n, job.run)


cdef inline double method_part(Job* job, double place, Py_ssize_t* at) noexcept nogil:
    """How much of the way from the tap below to the one above: linear, lower, higher, nearest, midpoint."""
    cdef double part = place - at[0]
    if job.method == 0:
        return part
    if job.method == 1 or part == 0:
        return 0
    if job.method == 4:
        return 0.5
    if job.method == 2 or part > 0.5 or (part == 0.5 and at[0] % 2 == 1):
        at[0] += 1
    return 0


cdef void read_modes(Job* job, Wires* wires, char* y, Py_ssize_t tall, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Store the value of each window's longest run of equal taps, of equally long ones the first and smallest."""
    cdef Py_ssize_t t, o, i, taps, unit = job.run * job.size
    cdef int32_t one = 1
    cdef char* wire
    cdef char* result = wires.results
    job.leaves.fill[2](wires.length, &one, n * job.run)
    job.leaves.fill[2](wires.most, &one, n * job.run)
    memcpy(result, wires.wires, n * unit)
    for t in range(1, wires.taps):
        wire = wires.wires + t * wires.pitch
        o = 0
        while o < n:  # some windows have no more taps
            i = o
            while o < n and tall * inside_taps(&job.width, first + o) > t:
                o += 1
            if o > i:
                job.leaves.count[job.type](result + i * unit, (<int32_t*>wires.length) + i * job.run,
                                           (<int32_t*>wires.most) + i * job.run, wire - wires.pitch + i * unit,
                                           wire + i * unit, (o - i) * job.run)
            else:
                o += 1
    job.store(y, job.y.w, result, n, job.run)


cdef void pool_ordered(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Pool output rows [first, last) of all planes' rows."""
    cdef Wires wires = lay_wires_out(job, scratch)
    cdef Py_ssize_t r, p, od, oh, o, n, t, tall, high = job.height.out, deep = job.depth.out
    cdef const char* plane
    cdef char* y
    for r in range(first, last):
        p, od, oh = r // (high * deep), r // high % deep, r % high
        plane = job.x.data + plane_offset(job, &job.x, p)
        y = job.y.data + plane_offset(job, &job.y, p) + od * job.y.d + oh * job.y.h
        tall = inside_taps(&job.depth, od) * inside_taps(&job.height, oh)
        o = 0
        while o < job.width.out:
            n = min(job.columns, job.width.out - o)
            lay_taps(job, &wires, plane, od, oh, o, n)
            memset(wires.nan, 0, wires.pitch)
            if job.type == FLOAT32 or job.type == FLOAT64:
                for t in range(wires.taps):
                    job.leaves.mark[job.type](wires.nan, wires.wires + t * wires.pitch, n * job.run)
            job.leaves.exchange[job.type](wires.wires, job.pairs, job.exchanges, wires.pitch, n * job.run)
            if job.n_quantiles:
                read_quantiles(job, &wires, y + o * job.y.w, tall, o, n)
            else:
                read_modes(job, &wires, y + o * job.y.w, tall, o, n)
            o += n
