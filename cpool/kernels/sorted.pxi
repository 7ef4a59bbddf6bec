# Sorted windows: median and mode. Tap t of many windows lies side by side in wire t, and a sorting network compares
# whole wires: no branch and no data-dependent step, vectorised as rows are. A tap in padding is the greatest number
# there is, so that the taps inside come first.

ctypedef fused Rank:       # what is read off a sorted window
    cpool_median_t
    cpool_mode_t


cdef struct Wires:         # scratch: `taps` wires of `pitch` lanes, and the input rows of one block of columns
    Py_ssize_t taps, columns, pitch, line, lines_at, spare_at, total


cdef Wires wires_of(Job* job, Py_ssize_t size) noexcept nogil:
    """Choose the output columns of a block: about 24 KiB of wires, all in the first cache while they are sorted."""
    cdef Wires wires
    cdef Axis* w = &job.width
    wires.taps = job.depth.kernel * job.height.kernel * w.kernel
    wires.columns = min(w.out, max(max(1, 32 // job.run), 24576 // (wires.taps * size * job.run)))
    wires.pitch = round_up(wires.columns * job.run, BLOCK)
    wires.line = min(w.size, (wires.columns - 1) * w.stride + (w.kernel - 1) * w.step + 1) * job.run
    wires.lines_at = wires.taps * wires.pitch
    wires.spare_at = wires.lines_at + wires.line
    wires.total = (wires.spare_at + 2 * wires.pitch) * size + 2 * wires.pitch * sizeof(double)
    return wires


cdef inline void exchange(T* low, T* high, Py_ssize_t n) noexcept nogil:
    """Order two wires, lane by lane. What a NaN does to its lane does not matter."""
    cdef Py_ssize_t i
    cdef T a, b
    for i in range(n):
        a, b = low[i], high[i]
        low[i] = combine(<cpool_min_t*>NULL, a, b)
        high[i] = combine(<cpool_max_t*>NULL, a, b)


cdef void sort_wires(T* wires, Py_ssize_t taps, Py_ssize_t pitch) noexcept nogil:
    """Batcher's merge exchange (Knuth, TAOCP 5.2.2, algorithm M): the same comparisons for every lane."""
    cdef Py_ssize_t top = 1, p, q, r, d, i
    while 2 * top < taps:
        top *= 2
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            for i in range(taps - d):
                if i & p == r:
                    exchange(wires + i * pitch, wires + (i + d) * pitch, pitch)
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2


cdef void lay_wires(T* wires, Wires* room, Job* job, const char* plane, Py_ssize_t od, Py_ssize_t oh,
                    Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Lay the taps of output columns [first, last) of one output row on wires."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t run = job.run, n = last - first, td, th, tw, d, h, x, least, most
    cdef Py_ssize_t start = first * w.stride - w.before
    cdef Py_ssize_t begin = max(0, start), end = min(w.size, start + (last - first - 1) * w.stride
                                                     + (w.kernel - 1) * w.step + 1)
    cdef T* line = wires + room.lines_at
    cdef T* wire = wires
    cdef T nothing = highest(wires)
    cdef bint inside
    for td in range(job.depth.kernel):
        d = od * job.depth.stride - job.depth.before + td * job.depth.step
        for th in range(job.height.kernel):
            h = oh * job.height.stride - job.height.before + th * job.height.step
            inside = 0 <= d < job.depth.size and 0 <= h < job.height.size and begin < end
            if inside:
                load_row(line, plane + d * job.x.d + h * job.x.h + begin * job.x.w, &job.x, end - begin, run)
            for tw in range(w.kernel):
                x = start + tw * w.step  # columns [least, most) have this tap inside the input
                least = min(n, (max(0, begin - x) + w.stride - 1) // w.stride) if inside else n
                most = min(n, max(least, (end - x + w.stride - 1) // w.stride)) if inside else n
                fill(wire, nothing, least * run)
                take_phase(wire + least * run, line + (x + least * w.stride - begin) * run, w.stride, most - least, run)
                fill(wire + most * run, nothing, (n - most) * run)
                wire += room.pitch


cdef void find_nan(T* nan, const T* wires, Wires* room) noexcept nogil:
    """Write a lane's NaN if it has one, else 0."""
    cdef Py_ssize_t t, i
    cdef T v
    fill(nan, <T>0, room.pitch)
    for t in range(room.taps):
        for i in range(room.pitch):
            v = wires[t * room.pitch + i]
            nan[i] = v if v != v else nan[i]


cdef void read_median(T* wires, Wires* room, double* result, const T* nan, Job* job, Py_ssize_t tall,
                      Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write the middle of each lane's taps, of an even number the mean of the two."""
    cdef Py_ssize_t o = 0, i, n
    cdef const T* below
    cdef const T* above
    while o < last - first:
        n = tall * <Py_ssize_t>job.width.taps[first + o]
        below, above = wires + (n - 1) // 2 * room.pitch, wires + n // 2 * room.pitch
        i = o * job.run
        while o < last - first and tall * <Py_ssize_t>job.width.taps[first + o] == n:
            o += 1
        for i in range(i, o * job.run):
            result[i] = (<double>below[i] + <double>above[i]) / 2
    if T is float or T is double:
        for i in range((last - first) * job.run):
            result[i] = settled(<double>nan[i] if nan[i] != nan[i] else result[i])


cdef void read_mode(T* wires, Wires* room, T* result, int32_t* length, int32_t* most, Job* job, Py_ssize_t tall,
                    Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write the value of each lane's longest run of equal taps, of equally long ones the first and smallest."""
    cdef Py_ssize_t t, o, i, n = (last - first) * job.run, least = tall * job.width.kernel
    cdef T* wire
    cdef bint better
    for o in range(first, last):
        least = min(least, tall * <Py_ssize_t>job.width.taps[o])
    fill(length, <int32_t>1, n)
    fill(most, <int32_t>1, n)
    memcpy(result, wires, n * sizeof(T))
    for t in range(1, room.taps):
        wire = wires + t * room.pitch
        if t < least:
            for i in range(n):
                length[i] = length[i] + 1 if wire[i] == wire[i - room.pitch] else 1
                better = length[i] > most[i]
                most[i] = length[i] if better else most[i]
                result[i] = wire[i] if better else result[i]
            continue
        for i in range(n):  # some lanes have no more taps
            if t < tall * job.width.taps[first + i // job.run]:
                length[i] = length[i] + 1 if wire[i] == wire[i - room.pitch] else 1
                if length[i] > most[i]:
                    most[i], result[i] = length[i], wire[i]


cdef void sorted_rows(Rank* op, T* scratch, Job* job, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Pool output rows [first, last) of all planes' rows."""
    cdef Wires room = wires_of(job, sizeof(T))
    cdef Py_ssize_t r, p, od, oh, o, end, tall, high = job.height.out, deep = job.depth.out
    cdef T* spare = scratch + room.spare_at
    cdef char* rest = <char*>scratch + round_up((room.spare_at + 2 * room.pitch) * sizeof(T), sizeof(double))
    cdef const char* plane
    cdef char* y
    for r in range(first, last):
        p, od, oh = r // (high * deep), r // high % deep, r % high
        plane = job.x.data + plane_offset(job, &job.x, p)
        y = job.y.data + plane_offset(job, &job.y, p) + od * job.y.d + oh * job.y.h
        tall = <Py_ssize_t>(job.depth.taps[od] * job.height.taps[oh])
        o = 0
        while o < job.width.out:
            end = min(o + room.columns, job.width.out)
            lay_wires(scratch, &room, job, plane, od, oh, o, end)
            if Rank is cpool_median_t:
                if T is float or T is double:
                    find_nan(spare, scratch, &room)
                sort_wires(scratch, room.taps, room.pitch)
                read_median(scratch, &room, <double*>rest, spare, job, tall, o, end)
                store_row(y + o * job.y.w, &job.y, <double*>rest, end - o, job.run)
            else:
                sort_wires(scratch, room.taps, room.pitch)
                read_mode(scratch, &room, spare, <int32_t*>rest, <int32_t*>rest + room.pitch, job, tall, o, end)
                store_row(y + o * job.y.w, &job.y, spare, end - o, job.run)
            o = end
