# Lanes: reducing along W, over many rows of scratch at once.
#
#     rows of one pitch lie end to end:   |pad| row 0 |pad| row 1 |pad|..
#     and are reduced as one flat run; what a window collects across the seam of two rows is never looked at. So short
#     rows cost no remainder loops. The padding behind a row is the one before the next. The pitch is a multiple of the
#     stride, so the windows keep step with the rows; where it is out * stride, the results lie as the output does.

cdef enum:
    SLACK = 32         # elements that scratch keeps free behind each part: a block of the narrowest type
    LINE = 64          # parts of scratch begin at multiples of it: no vector lies across two cache lines
    ACCUMULATORS = 16  # of a long window: enough to hide the latency of an addition

cdef extern from "halving.h":
    enum:
        OTHER "CPOOL_OTHER"
        MAX "CPOOL_MAX"
        MIN "CPOOL_MIN"
        SUM "CPOOL_SUM"
        HALVED_BYTES "CPOOL_HALVED_BYTES"
    void halve_floats "cpool_halve_float"(int op, void* out, const void* row, int taps, float count,
                                          Py_ssize_t n) noexcept nogil
    void halve_doubles "cpool_halve_double"(int op, void* out, const void* row, int taps, double count,
                                            Py_ssize_t n) noexcept nogil
    void pick_floats "cpool_pick_float"(int op, void* best, void* at, const void* row, const void* start,
                                        const void* base, int taps, Py_ssize_t n) noexcept nogil
    void pick_doubles "cpool_pick_double"(int op, void* best, void* at, const void* row, const void* start,
                                          const void* base, int taps, Py_ssize_t n) noexcept nogil

cdef inline Py_ssize_t behind(Py_ssize_t part, Py_ssize_t n) noexcept nogil:
    """Where the part of scratch begins that follows one of n elements."""
    return round_up(part + n + SLACK, LINE)


cdef struct Tile:  # output columns [first_out, first_out + out) and the input columns that they see
    Py_ssize_t first_out, out, left, first, used, padded, pitch, out_pitch
    bint mended


cdef Tile tile_of(Axis* w, Py_ssize_t first_out, Py_ssize_t last_out, bint mend) noexcept nogil:
    """left: padding columns in front; first, used: input columns; padded: all columns that the windows span.

    With `mend`, rows under windows of 3 that move by 1 follow one another without padding: then several are one long
    row, and the results lie as the output does. Only the first and the last window of a row must be mended.
    """
    cdef Tile t
    cdef Py_ssize_t start, o, last, right
    t.first_out, t.out = first_out, last_out - first_out
    if w.uniform:
        start = first_out * w.stride - w.before
        t.padded = (t.out - 1) * w.stride + (w.kernel - 1) * w.step + 1
        t.left, t.first = min(max(0, -start), t.padded), max(0, start)
        t.used = max(0, min(w.size - t.first, t.padded - t.left))
        right = t.padded - t.left - t.used
        t.out_pitch = max(t.out, (t.used + max(t.left, right) + w.stride - 1) // w.stride)
        t.mended = (mend and w.stride == 1 and w.kernel == 3 and w.step == 1 and t.left == 1 and right == 1
                    and t.used == t.out > 1)
        if t.mended:
            t.out_pitch = t.out
        t.pitch = t.out_pitch * w.stride
    else:
        t.mended = False
        t.first, last = w.size, 0
        for o in range(first_out, last_out):
            t.first, last = min(t.first, <Py_ssize_t>w.begin[o]), max(last, <Py_ssize_t>w.end[o])
        t.left, t.used = 0, max(0, last - t.first)
        t.padded = t.used
        t.pitch, t.out_pitch = t.padded, t.out
    return t


cdef Py_ssize_t tile_columns(Job* job, Py_ssize_t most) noexcept nogil:
    """Output columns of a tile: all, unless a row, or `most` elements of a tall window, would leave the cache."""
    cdef Axis* w = &job.width
    cdef Py_ssize_t span = (w.kernel - 1) * w.step + 1
    most = max(2 * span, (min(1024, most // job.height.kernel) if job.height.kernel >= 5 else 8192) // job.run)
    if not w.uniform or (w.out - 1) * w.stride + span <= most + most // 2:
        return w.out
    return min(w.out, max(1, (most - span) // w.stride + 1))


cdef Tile widest_tile(Job* job) noexcept nogil:
    """What no tile exceeds, wherever it lies: scratch is laid out for it."""
    cdef Axis* w = &job.width
    cdef Tile t = tile_of(w, 0, job.columns, False)
    if w.uniform:
        t.left = min(w.before, t.padded)
        t.out_pitch = (t.padded + w.stride - 1) // w.stride
        t.pitch = t.out_pitch * w.stride
    return t


cdef inline void take_phase(T* to, const T* row, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Gather every `stride`-th run of `row`; constant strides let the compiler shuffle vectors."""
    cdef Py_ssize_t w, i
    if run > 1:
        for w in range(n):
            for i in range(run):
                to[w * run + i] = row[w * stride * run + i]
    elif stride == 1:
        memcpy(to, row, n * sizeof(T))
    elif stride == 2:
        for w in range(n):
            to[w] = row[2 * w]
    elif stride == 3:
        for w in range(n):
            to[w] = row[3 * w]
    elif stride == 4:
        for w in range(n):
            to[w] = row[4 * w]
    else:
        for w in range(n):
            to[w] = row[w * stride]


cdef inline Py_ssize_t every(Axis* w) noexcept nogil:
    """How many taps from one of a phase to the next."""
    return w.stride // gcd(w.stride, w.step)


cdef void fold_progression(R* op, bint first, T* out, const T* row, T* spare, T count, Py_ssize_t n,
                           Py_ssize_t taps, Py_ssize_t step) noexcept nogil:
    """Reduce ``row[i + t*step], t < taps`` for i < n into out[i], after what out holds unless `first`.

    A sum is divided by `count` as it is stored, for a division takes its time beside the additions.

    Log-step: m1 = row, m2[i] = m1[i] o m1[i+step], m4[i] = m2[i] o m2[i+2*step], ... A maximum is that of two windows
    of a power of two that overlap. A sum takes those that the binary digits of `taps` tell, so it comes out pairwise
    and without subtraction. `spare` has room for two parts of ``n + (taps-1)*step``.
    """
    cdef Py_ssize_t width = 1, done = 0, reach = n + (taps - 1) * step
    cdef const T* m = row
    cdef const T* waiting = NULL  # a part of the sum: two at once spare a pass
    cdef T* doubled = spare
    cdef T* other = spare + behind(0, reach)
    if first and taps == 3:
        if R is cpool_sum_t and count != 1:
            share_rows3(op, out, row, row + step, row + 2 * step, count, n)
        else:
            start_rows3(op, out, row, row + step, row + 2 * step, n)
        return
    while True:
        if R is not cpool_sum_t:
            if taps <= 2 * width:
                join(op, first, out, m, m + (taps - width) * step if taps > width else NULL, count, n)
                return
        elif taps & width:
            if waiting == NULL:
                waiting = m + done * step
            else:
                join(op, first, out, waiting, m + done * step, <T>1, n)
                first, waiting = False, NULL
            done += width
        if done == taps:
            if waiting != NULL:
                join(op, first, out, waiting, NULL, count, n)
            return
        if R is cpool_sum_t and taps - done == 2 * width:  # the last part is not worth a pass of its own
            close_sum(op, first, out, waiting, m + done * step, m + (done + width) * step, count, n)
            return
        if waiting != NULL and doubled <= waiting < doubled + n + (taps - 1) * step:
            join(op, first, out, waiting, NULL, <T>1, n)
            first, waiting = False, NULL
        reach -= width * step
        start_rows2(op, doubled, m, m + width * step, reach)
        m = doubled
        doubled, other = other, doubled
        width *= 2


cdef inline void mend(R* op, T* out, const T* row, T count, Py_ssize_t n, Py_ssize_t rows) noexcept nogil:
    """Put right the first and the last of n windows of 3 in each row, which have seen the rows beside theirs."""
    cdef Py_ssize_t r
    cdef T outside = identity(op, out)
    for r in range(rows):
        out[0] = shared(op, combine(op, combine(op, outside, row[1]), row[2]), count)
        out[n - 1] = shared(op, combine(op, combine(op, row[n - 1], row[n]), outside), count)
        out += n
        row += n


cdef inline void divide_all(F* a, F count, Py_ssize_t n) noexcept nogil:
    """Turn sums into averages; division by a power of two is the product with the inverse, exactly."""
    cdef Py_ssize_t i
    cdef F inverse = 1 / count
    cdef int64_t whole = <int64_t>count if 1 <= count < <F>2**62 else 0
    if whole > 0 and whole & (whole - 1) == 0:
        for i in range(n):
            a[i] = a[i] * inverse
    else:
        for i in range(n):
            a[i] = a[i] / count


cdef inline void divide_sums(R* op, T* out, T count, Py_ssize_t n) noexcept nogil:
    if R is cpool_sum_t and (T is float or T is double):
        if count != 1:
            divide_all(out, count, n)


cdef inline void fold_tiles(R* op, T* out, const T* row, Py_ssize_t taps, Py_ssize_t n) noexcept nogil:
    """Windows of 3 or 4, side by side: one pass, de-interleaved in registers; `taps` is a literal in calls."""
    cdef Py_ssize_t i
    cdef T v
    for i in range(n):
        v = combine(op, combine(op, row[taps * i], row[taps * i + 1]), row[taps * i + 2])
        if taps > 3:
            v = combine(op, v, row[taps * i + 3])
        out[i] = v


cdef inline int halving(R* op) noexcept nogil:
    """What halving.h calls a reduction, if it knows it."""
    return MAX if R is cpool_max_t else MIN if R is cpool_min_t else SUM if R is cpool_sum_t else OTHER


cdef inline void fold_halved(R* op, T* out, const T* row, int taps, T count, Py_ssize_t n) noexcept nogil:
    """Windows of 2 or 3 at stride 2, likewise; phase by phase, as fold_lanes sums all strided windows."""
    cdef Py_ssize_t i
    cdef T m
    cdef int operation = halving(op)
    if T is float and operation != OTHER and n * <Py_ssize_t>sizeof(T) >= HALVED_BYTES:
        halve_floats(operation, out, row, taps, count, n)
    elif T is double and operation != OTHER and n * <Py_ssize_t>sizeof(T) >= HALVED_BYTES:
        halve_doubles(operation, out, row, taps, count, n)
    else:
        for i in range(n):
            m = combine(op, row[2 * i], row[2 * i + 2]) if taps > 2 else row[2 * i]
            out[i] = combine(op, m, row[2 * i + 1])
        divide_sums(op, out, count, n)


cdef void fold_window(R* op, T* out, const T* row, T* spare, Py_ssize_t taps, Py_ssize_t step,
                      Py_ssize_t run) noexcept nogil:
    """Reduce one window of `taps` runs. A long dense one goes through ACCUMULATORS partial results."""
    cdef Py_ssize_t t = ACCUMULATORS, i, j
    if step == 1 and taps >= ACCUMULATORS:
        start_row(op, spare, row, ACCUMULATORS * run)
        while t + ACCUMULATORS <= taps:
            fold_row(op, spare, row + t * run, ACCUMULATORS * run)
            t += ACCUMULATORS
        fold_row(op, spare, row + t * run, (taps - t) * run)
        j = ACCUMULATORS // 2
        while j:
            fold_row(op, spare, spare + j * run, j * run)
            j //= 2
        start_row(op, out, spare, run)
        return
    fill(out, identity(op, out), run)
    for t in range(taps):
        for i in range(run):
            out[i] = combine(op, out[i], row[t * step * run + i])


cdef inline bint apart(Axis* w) noexcept nogil:
    """Long windows that do not overlap are reduced one by one: nothing is shared between them."""
    return w.kernel >= ACCUMULATORS and (w.stride >= w.kernel or w.out == 1)


cdef void fold_lanes(R* op, Axis* w, Tile* tile, T* out, const T* row, T* spare, T count, Py_ssize_t rows,
                     Py_ssize_t run) noexcept nogil:
    """Reduce the windows of `rows` rows of scratch into rows of out_pitch; divide sums by `count`, unless it is 1.

    A stride s > 1 splits the row into s phases ``row[i*s + j]``. Tap t lies in phase (t*step) % s, and the taps of one
    phase are again a progression: the same code serves every stride, kernel and dilation.
    """
    cdef Py_ssize_t n = (rows - 1) * tile.out_pitch + tile.out
    cdef Py_ssize_t r, o, residue, residues, members, start, distance, length
    if w.uniform and apart(w):
        for r in range(rows):
            for o in range(tile.out):
                fold_window(op, out + (r * tile.out_pitch + o) * run, row + (r * tile.pitch + o * w.stride) * run,
                            spare, w.kernel, w.step, run)
    elif w.uniform and w.stride == 1:
        fold_progression(op, True, out, row, spare, count, n * run, w.kernel, w.step * run)
        if tile.mended:
            mend(op, out, row, count, tile.out, rows)
        return
    elif w.uniform and w.stride == 2 and w.step == 1 and w.kernel == 2 and run == 1:
        fold_halved(op, out, row, 2, count, n)
        return
    elif w.uniform and w.stride == 2 and w.step == 1 and w.kernel == 3 and run == 1:
        fold_halved(op, out, row, 3, count, n)
        return
    elif w.uniform and w.stride == w.kernel and w.step == 1 and w.kernel == 3 and run == 1:
        fold_tiles(op, out, row, 3, n)
    elif w.uniform and w.stride == w.kernel and w.step == 1 and w.kernel == 4 and run == 1:
        fold_tiles(op, out, row, 4, n)
    elif w.uniform:
        residues = every(w)
        distance = residues * w.step // w.stride  # of the taps within a phase
        residues = min(residues, w.kernel)
        for residue in range(residues):
            members = (w.kernel - residue + residues - 1) // residues
            start = residue * w.step
            length = n + (members - 1) * distance
            take_phase(spare, row + start * run, w.stride, length, run)
            fold_progression(op, residue == 0, out, spare, spare + length * run,
                             count if residue == residues - 1 else <T>1, n * run, members, distance * run)
        return
    else:
        for r in range(rows):
            for o in range(tile.first_out, tile.first_out + tile.out):
                fold_window(op, out + (r * tile.out_pitch + o - tile.first_out) * run,
                            row + (r * tile.pitch + <Py_ssize_t>w.begin[o] - tile.first) * run, spare,
                            <Py_ssize_t>w.taps[o], w.step, run)
    divide_sums(op, out, count, n * run)
