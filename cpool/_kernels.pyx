"""Kernels: reduce a plan's windows over the canonical view (P, D, H, W, I).

P independent planes, up to three pooled axes, and I, the contiguous run under one pixel (I = 1 for NCHW memory, I = C
for channels-last). A kernel knows windows only as tables (see geometry.py) and a reduction only as `combine`.

    values    rows of a window are combined elementwise into one padded row ("fold_row"), then that row is reduced
              along W ("fold_lanes"): first rows, then lanes, a fixed order that fixes every bit of a sum.
    indices   lanes first, then rows: then "the right one only if greater" is row-major order, ties included.
    backward  max scatters along the indices; average spreads each output row over its lanes, then over its rows.

This file is compiled once per instruction set. Inner loops run over plain pointers and are meant for the compiler's
vectoriser: look at -fopt-info-vec after a change. Arguments are checked in Python; nothing here validates but indices.
"""

from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef extern from *:
    """
    typedef struct { char unused; } cpool_max_t;
    typedef struct { char unused; } cpool_min_t;
    typedef struct { char unused; } cpool_sum_t;
    #define CPOOL_INFINITY __builtin_inf()
    """
    ctypedef struct cpool_max_t:
        char unused
    ctypedef struct cpool_min_t:
        char unused
    ctypedef struct cpool_sum_t:
        char unused
    double CPOOL_INFINITY

# ---------------------------------------------------------------------------------------------------------- types

ctypedef fused T:
    float
    double

ctypedef fused R:          # a reduction of values
    cpool_max_t
    cpool_min_t
    cpool_sum_t

ctypedef fused Selection:  # a reduction that picks one element, so that it has an index
    cpool_max_t
    cpool_min_t

ctypedef fused Lane:       # index while computing: 32 bits where the plane allows, for twice the vector lanes
    int32_t
    int64_t

ctypedef fused Index:      # index as the caller stores it
    int32_t
    int64_t

cdef struct Axis:
    Py_ssize_t size, out, kernel, stride, step, before, uniform
    const int64_t* begin
    const int64_t* end
    const int64_t* count

cdef Py_ssize_t HEADER = 7


cdef void read_plan(const int64_t[::1] packed, Axis* axes) noexcept nogil:
    """Unpack D, H and W."""
    cdef const int64_t* p = &packed[0]
    cdef int i
    for i in range(3):
        axes[i].size, axes[i].out, axes[i].kernel = <Py_ssize_t>p[0], <Py_ssize_t>p[1], <Py_ssize_t>p[2]
        axes[i].stride, axes[i].step = <Py_ssize_t>p[3], <Py_ssize_t>p[4]
        axes[i].before, axes[i].uniform = <Py_ssize_t>p[5], <Py_ssize_t>p[6]
        axes[i].begin = p + HEADER
        axes[i].end = axes[i].begin + axes[i].out
        axes[i].count = axes[i].end + axes[i].out
        p = axes[i].count + axes[i].out


cdef Py_ssize_t padded_length(Axis* w) noexcept nogil:
    """Columns that the windows of one row span, padding included: [-before, last window's end)."""
    if w.uniform:
        return (w.out - 1) * w.stride + (w.kernel - 1) * w.step + 1
    return w.size


cdef inline Py_ssize_t taps(Axis* w, Py_ssize_t o) noexcept nogil:
    """How many taps of window o lie inside the input."""
    return (w.end[o] - w.begin[o] + w.step - 1) // w.step


cdef Py_ssize_t gcd(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a

# ----------------------------------------------------------------------------------------------------- reductions


cdef inline T identity(R op, T* like) noexcept nogil:
    if R is cpool_sum_t:
        return 0
    elif R is cpool_max_t:
        return <T>(-CPOOL_INFINITY)
    else:
        return <T>CPOOL_INFINITY


cdef inline T combine(R op, T m, T v) noexcept nogil:
    """`m` came first. A NaN on either side wins. Two selects: the form that GCC turns into vector blends."""
    cdef T r
    if R is cpool_sum_t:
        return m + v
    elif R is cpool_max_t:
        r = v if v > m else m
        return r if v == v else v
    else:
        r = v if v < m else m
        return r if v == v else v


cdef inline bint takes(Selection op, T m, T v) noexcept nogil:
    """Whether `v`, which comes later in row-major order, replaces `m`: torch's rule, first tie and last NaN."""
    if Selection is cpool_max_t:
        return (v > m) | (v != v)
    else:
        return (v < m) | (v != v)

# ------------------------------------------------------------------------------------- rows: elementwise, vector code


cdef inline void fill(T* a, T value, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        a[i] = value


cdef inline void start_row(R op, T* acc, const T* a, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = a[i]


cdef inline void start_rows2(R op, T* acc, const T* a, const T* b, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, a[i], b[i])


cdef inline void start_rows3(R op, T* acc, const T* a, const T* b, const T* c, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, combine(op, a[i], b[i]), c[i])


cdef inline void fold_row(R op, T* acc, const T* a, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, acc[i], a[i])


cdef inline void copy_strided(T* to, const char* row, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Gather `n` runs that lie `stride` bytes apart into one dense row."""
    cdef Py_ssize_t w, i
    for w in range(n):
        for i in range(run):
            to[w * run + i] = (<const T*>(row + w * stride))[i]


cdef inline void store_strided(char* row, Py_ssize_t stride, const T* a, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """The inverse of copy_strided."""
    cdef Py_ssize_t w, i
    for w in range(n):
        for i in range(run):
            (<T*>(row + w * stride))[i] = a[w * run + i]

# ------------------------------------------------------------------------------------------- lanes: along one row


cdef inline void take_phase(T* to, const T* row, Py_ssize_t stride, Py_ssize_t phase, Py_ssize_t n,
                            Py_ssize_t run) noexcept nogil:
    """Gather every `stride`-th run of `row` from `phase` on; constant strides let the compiler shuffle vectors."""
    cdef Py_ssize_t w, i
    if run > 1:
        for w in range(n):
            for i in range(run):
                to[w * run + i] = row[(w * stride + phase) * run + i]
    elif stride == 2:
        for w in range(n):
            to[w] = row[2 * w + phase]
    elif stride == 3:
        for w in range(n):
            to[w] = row[3 * w + phase]
    elif stride == 4:
        for w in range(n):
            to[w] = row[4 * w + phase]
    else:
        for w in range(n):
            to[w] = row[w * stride + phase]


cdef inline void fold_progression(R op, bint first, T* out, const T* row, T* spare, Py_ssize_t n, Py_ssize_t taps,
                                  Py_ssize_t step) noexcept nogil:
    """Reduce ``row[i + t*step], t < taps`` for i < n into out[i], after what out holds unless `first`.

    Log-step: with m1 = row and m2[i] = m1[i] o m1[i+step], m4[i] = m2[i] o m2[i+2*step], ... the binary digits of
    `taps` tell which of them cover the window: log2(taps) passes, no subtraction, and sums come out pairwise.
    `spare` has room for two rows of ``n + (taps-1)*step``.
    """
    cdef Py_ssize_t i, width = 1, done = 0, reach = n + (taps - 1) * step
    cdef const T* m = row
    cdef T* doubled = spare
    if first and taps == 2:
        start_rows2(op, out, row, row + step, n)
        return
    if first and taps == 3:
        start_rows3(op, out, row, row + step, row + 2 * step, n)
        return
    while True:
        if taps & width:
            if first and done == 0:
                start_row(op, out, m, n)
            else:
                fold_row(op, out, m + done * step, n)
            done += width
        if done == taps:
            return
        reach -= width * step
        start_rows2(op, doubled, m, m + width * step, reach)
        m = doubled
        doubled = spare + (n + (taps - 1) * step if doubled == spare else 0)
        width *= 2


cdef inline void fold_lanes(R op, Axis* w, T* out, const T* row, T* spare, Py_ssize_t run) noexcept nogil:
    """Reduce the windows of one padded row (or of one bare row where the windows are not uniform) into `out`.

    A stride s > 1 splits the row into s phases ``row[i*s + j]``. Tap t lies in phase (t*step) % s, and the taps of one
    phase are again a progression: the same code serves every stride, kernel and dilation.
    """
    cdef Py_ssize_t n = w.out * run, o, x, t, i, residue, residues, members, start, apart, length
    if w.uniform and w.stride == 1:
        fold_progression(op, True, out, row, spare, n, w.kernel, w.step * run)
        return
    if w.uniform:
        residues = w.stride // gcd(w.stride, w.step)
        apart = residues * w.step // w.stride  # distance within a phase
        for residue in range(min(residues, w.kernel)):
            members = (w.kernel - residue + residues - 1) // residues
            start = residue * w.step
            length = w.out + (members - 1) * apart
            take_phase(spare, row + start * run, w.stride, 0, length, run)
            fold_progression(op, residue == 0, out, spare, spare + length * run, n, members, apart * run)
        return
    for o in range(w.out):
        fill(out + o * run, identity(op, out), run)
        for t in range(taps(w, o)):
            x = w.begin[o] + t * w.step
            for i in range(run):
                out[o * run + i] = combine(op, out[o * run + i], row[x * run + i])

# ---------------------------------------------------------------------------------------- values: max, min and sum


cdef void pool_rows(
    R op, const T[:, :, :, :, :] x, T[:, :, :, :, :] y, Axis* axes, bint divide, T* scratch,
    Py_ssize_t p, Py_ssize_t od, Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """Pool output rows [first, last) of plane p at output depth od."""
    cdef Axis* depth = &axes[0]
    cdef Axis* height = &axes[1]
    cdef Axis* width = &axes[2]
    cdef Py_ssize_t run = x.shape[4], before = width.before if width.uniform else 0
    cdef Py_ssize_t padded = padded_length(width), used = min(width.size, padded - before) * run
    cdef T* row = scratch
    cdef T* inner = row + before * run  # where the input's first column stands
    cdef T* gathered = row + padded * run
    cdef T* dense = gathered + 3 * width.size * run
    cdef T* spare = dense + width.out * run
    cdef const T* source[3]
    cdef T* out
    cdef bint dense_in = x.strides[3] == <Py_ssize_t>sizeof(T) * run
    cdef bint dense_out = y.strides[3] == <Py_ssize_t>sizeof(T) * run or width.out == 1
    cdef Py_ssize_t oh, d, h, td, th, i, o, held
    cdef bint started
    cdef T divisor

    fill(row, identity(op, row), padded * run)
    for oh in range(first, last):
        started = False
        held = 0
        for td in range(taps(depth, od)):
            d = depth.begin[od] + td * depth.step
            for th in range(taps(height, oh)):
                h = height.begin[oh] + th * height.step
                if dense_in:
                    source[held] = &x[p, d, h, 0, 0]
                else:
                    copy_strided(gathered + held * used, <const char*>&x[p, d, h, 0, 0], x.strides[3], used // run, run)
                    source[held] = gathered + held * used
                held += 1
                if started:
                    fold_row(op, inner, source[0], used)
                    held = 0
                elif held == 3:
                    start_rows3(op, inner, source[0], source[1], source[2], used)
                    started, held = True, 0
        if held == 2:
            start_rows2(op, inner, source[0], source[1], used)
        elif held == 1:
            start_row(op, inner, source[0], used)
        elif not started:
            fill(inner, identity(op, row), used)

        out = &y[p, od, oh, 0, 0] if dense_out else dense
        fold_lanes(op, width, out, row, spare, run)
        if divide:
            for o in range(width.out):
                divisor = <T>(depth.count[od] * height.count[oh] * width.count[o])
                for i in range(run):
                    out[o * run + i] = out[o * run + i] / divisor
        if not dense_out:
            store_strided(<char*>&y[p, od, oh, 0, 0], y.strides[3], dense, width.out, run)


cdef int pool(R op, const T[:, :, :, :, :] x, T[:, :, :, :, :] y, const int64_t[::1] plan, bint divide,
              Py_ssize_t bands, int threads) except -1:
    """Run pool_rows over (plane, output depth, band of output rows)."""
    cdef Axis axes[3]
    read_plan(plan, axes)
    cdef Py_ssize_t run = x.shape[4], columns = padded_length(&axes[2]) + axes[2].size
    cdef Py_ssize_t each = (6 * columns + 3 * axes[2].out) * run + 64
    cdef T* scratch = <T*>malloc(threads * each * sizeof(T))
    cdef Py_ssize_t depths = axes[0].out, rows = axes[1].out, tasks = x.shape[0] * depths * bands, t
    if scratch == NULL:
        raise MemoryError
    with nogil:
        if threads == 1:  # no OpenMP at all: safe in a forked child, and nothing to pay for small work
            for t in range(tasks):
                pool_rows(op, x, y, axes, divide, scratch, t // (bands * depths), t // bands % depths,
                          t % bands * rows // bands, (t % bands + 1) * rows // bands)
        else:
            for t in prange(tasks, num_threads=threads, schedule="static"):
                pool_rows(op, x, y, axes, divide, scratch + threadid() * each, t // (bands * depths),
                          t // bands % depths, t % bands * rows // bands, (t % bands + 1) * rows // bands)
    free(scratch)
    return 0


def max_forward(const T[:, :, :, :, :] x, T[:, :, :, :, :] y, const int64_t[::1] plan, Py_ssize_t bands, int threads):
    cdef cpool_max_t op
    op.unused = 0
    pool(op, x, y, plan, False, bands, threads)


def min_forward(const T[:, :, :, :, :] x, T[:, :, :, :, :] y, const int64_t[::1] plan, Py_ssize_t bands, int threads):
    cdef cpool_min_t op
    op.unused = 0
    pool(op, x, y, plan, False, bands, threads)


def avg_forward(const T[:, :, :, :, :] x, T[:, :, :, :, :] y, const int64_t[::1] plan, Py_ssize_t bands, int threads):
    cdef cpool_sum_t op
    op.unused = 0
    pool(op, x, y, plan, True, bands, threads)

# ------------------------------------------------------------------------------------------------ value and index


cdef inline void pick_row(Selection op, T* best, Lane* at, const T* v, const Lane* where, Lane shift,
                          Py_ssize_t n) noexcept nogil:
    """Let a later row's winners replace the earlier ones: an if per lane, written as selects."""
    cdef Py_ssize_t i
    cdef bint better
    cdef Lane candidate
    for i in range(n):
        better = takes(op, best[i], v[i])
        candidate = where[i] + shift
        best[i] = v[i] if better else best[i]
        at[i] = candidate if better else at[i]


cdef inline void pick_tap(Selection op, T* best, Lane* at, const T* v, Lane tap, Py_ssize_t n) noexcept nogil:
    """The same where every lane's candidate is the tap number `tap`."""
    cdef Py_ssize_t i
    cdef bint better
    for i in range(n):
        better = takes(op, best[i], v[i])
        best[i] = v[i] if better else best[i]
        at[i] = tap if better else at[i]


cdef inline void pick_lanes(Selection op, Axis* w, T* best, Lane* at, const T* row, T* spare,
                            Py_ssize_t run) noexcept nogil:
    """Reduce the windows of one padded row to winners and their columns, earliest tap first.

    Padding never wins: it holds the identity, and a window of nothing but the identity answers its first column.
    """
    cdef Py_ssize_t n = w.out * run, o, x, i, t
    if w.uniform:
        for t in range(w.kernel):
            if w.stride == 1:
                if t == 0:
                    start_row(op, best, row, n)
                else:
                    pick_tap(op, best, at, row + t * w.step * run, <Lane>t, n)
            else:
                take_phase(spare, row + t * w.step * run, w.stride, 0, w.out, run)
                if t == 0:
                    start_row(op, best, spare, n)
                else:
                    pick_tap(op, best, at, spare, <Lane>t, n)
            if t == 0:
                memset(at, 0, n * sizeof(Lane))
        for o in range(w.out):
            for i in range(run):
                x = o * w.stride - w.before + at[o * run + i] * w.step
                at[o * run + i] = <Lane>max(x, <Py_ssize_t>w.begin[o])
        return
    for o in range(w.out):
        for i in range(run):
            best[o * run + i] = row[w.begin[o] * run + i]
            at[o * run + i] = <Lane>w.begin[o]
            for t in range(1, taps(w, o)):
                x = w.begin[o] + t * w.step
                if takes(op, best[o * run + i], row[x * run + i]):
                    best[o * run + i] = row[x * run + i]
                    at[o * run + i] = <Lane>x


cdef void pick_rows(
    Selection op, const T[:, :, :, :, :] x, T[:, :, :, :, :] y, Index[:, :, :, :, :] indices, Axis* axes,
    T* scratch, Lane* lanes, Py_ssize_t* held, Py_ssize_t ring,
    Py_ssize_t p, Py_ssize_t od, Py_ssize_t first, Py_ssize_t last,
) noexcept nogil:
    """Pool output rows [first, last) with indices.

    `ring` input rows per depth stay reduced along W for the windows that overlap; held[] names the row of each slot.
    """
    cdef Axis* depth = &axes[0]
    cdef Axis* height = &axes[1]
    cdef Axis* width = &axes[2]
    cdef Py_ssize_t run = x.shape[4], before = width.before if width.uniform else 0, n = width.out * run
    cdef Py_ssize_t padded = padded_length(width), used = min(width.size, padded - before)
    cdef Py_ssize_t depths = taps(depth, od)
    cdef T* row = scratch
    cdef T* spare = row + padded * run
    cdef T* best = spare + n
    cdef T* kept = best + n
    cdef Lane* at = lanes
    cdef Lane* kept_at = lanes + n
    cdef bint dense_in = x.strides[3] == <Py_ssize_t>sizeof(T) * run
    cdef const T* bare
    cdef Py_ssize_t oh, d, h, td, th, i, o, slot
    cdef Lane shift
    cdef bint started

    fill(row, identity(op, row), padded * run)
    for i in range(depths * ring):
        held[i] = -1
    for oh in range(first, last):
        started = False
        for td in range(taps(depth, od)):
            d = depth.begin[od] + td * depth.step
            for th in range(taps(height, oh)):
                h = height.begin[oh] + th * height.step
                slot = td * ring + h % ring
                if held[slot] != h:
                    held[slot] = h
                    if dense_in and padded == width.size and before == 0:
                        bare = &x[p, d, h, 0, 0]
                    else:
                        copy_strided(row + before * run, <const char*>&x[p, d, h, 0, 0], x.strides[3], used, run)
                        bare = row
                    pick_lanes(op, width, kept + slot * n, kept_at + slot * n, bare, spare, run)
                shift = <Lane>((d * height.size + h) * width.size)
                if started:
                    pick_row(op, best, at, kept + slot * n, kept_at + slot * n, shift, n)
                else:
                    started = True
                    for i in range(n):
                        best[i] = kept[slot * n + i]
                        at[i] = kept_at[slot * n + i] + shift
        store_strided(<char*>&y[p, od, oh, 0, 0], y.strides[3], best, width.out, run)
        for o in range(width.out):
            for i in range(run):
                indices[p, od, oh, o, i] = <Index>at[o * run + i]


cdef int pick(Selection op, const T[:, :, :, :, :] x, T[:, :, :, :, :] y, Index[:, :, :, :, :] indices, Lane like,
              const int64_t[::1] plan, Py_ssize_t bands, int threads) except -1:
    """Run pick_rows over (plane, output depth, band of output rows)."""
    cdef Axis axes[3]
    read_plan(plan, axes)
    cdef Py_ssize_t run = x.shape[4], n = axes[2].out * run, slots = 1, ring = 1, o
    for o in range(axes[1].out):
        ring = max(ring, <Py_ssize_t>(axes[1].end[o] - axes[1].begin[o]))
    for o in range(axes[0].out):
        slots = max(slots, taps(&axes[0], o))
    slots *= ring
    cdef Py_ssize_t each = padded_length(&axes[2]) * run + (slots + 2) * n + 64
    cdef T* scratch = <T*>malloc(threads * each * sizeof(T))
    cdef Lane* lanes = <Lane*>malloc(threads * (slots + 1) * n * sizeof(Lane))
    cdef Py_ssize_t* held = <Py_ssize_t*>malloc(threads * slots * sizeof(Py_ssize_t))
    cdef Py_ssize_t depths = axes[0].out, rows = axes[1].out, tasks = x.shape[0] * depths * bands, t
    if scratch == NULL or lanes == NULL or held == NULL:
        free(scratch)
        free(lanes)
        free(held)
        raise MemoryError
    with nogil:
        if threads == 1:
            for t in range(tasks):
                pick_rows(op, x, y, indices, axes, scratch, lanes, held, ring, t // (bands * depths),
                          t // bands % depths, t % bands * rows // bands, (t % bands + 1) * rows // bands)
        else:
            for t in prange(tasks, num_threads=threads, schedule="static"):
                pick_rows(op, x, y, indices, axes, scratch + threadid() * each, lanes + threadid() * (slots + 1) * n,
                          held + threadid() * slots, ring, t // (bands * depths), t // bands % depths,
                          t % bands * rows // bands, (t % bands + 1) * rows // bands)
    free(scratch)
    free(lanes)
    free(held)
    return 0


cdef int pick_any(Selection op, const T[:, :, :, :, :] x, T[:, :, :, :, :] y, Index[:, :, :, :, :] indices,
                  const int64_t[::1] plan, Py_ssize_t bands, int threads) except -1:
    """Choose the lanes: 32 bits where every index fits."""
    if x.shape[1] * x.shape[2] * x.shape[3] < 2**31:
        pick(op, x, y, indices, <int32_t>0, plan, bands, threads)
    else:
        pick(op, x, y, indices, <int64_t>0, plan, bands, threads)
    return 0


def argmax_forward(const T[:, :, :, :, :] x, T[:, :, :, :, :] y, Index[:, :, :, :, :] indices,
                   const int64_t[::1] plan, Py_ssize_t bands, int threads):
    cdef cpool_max_t op
    op.unused = 0
    pick_any(op, x, y, indices, plan, bands, threads)


def argmin_forward(const T[:, :, :, :, :] x, T[:, :, :, :, :] y, Index[:, :, :, :, :] indices,
                   const int64_t[::1] plan, Py_ssize_t bands, int threads):
    cdef cpool_min_t op
    op.unused = 0
    pick_any(op, x, y, indices, plan, bands, threads)

# ------------------------------------------------------------------------------------------------------- backward


cdef bint in_plane(const Index[:, :, :, :, :] indices, Py_ssize_t p, Py_ssize_t size) noexcept nogil:
    """Whether every index of plane p lies in [0, size)."""
    cdef Py_ssize_t d, h, w, i
    cdef bint bad = False
    for d in range(indices.shape[1]):
        for h in range(indices.shape[2]):
            for w in range(indices.shape[3]):
                for i in range(indices.shape[4]):
                    bad |= (indices[p, d, h, w, i] < 0) | (indices[p, d, h, w, i] >= size)
    return not bad


def indices_in_plane(const Index[:, :, :, :, :] indices, Py_ssize_t size, int threads):
    """Whether every index lies in [0, size); nothing else is read or written."""
    cdef Py_ssize_t p, bad = 0
    with nogil:
        if threads == 1:
            for p in range(indices.shape[0]):
                bad += not in_plane(indices, p, size)
        else:
            for p in prange(indices.shape[0], num_threads=threads, schedule="static"):
                bad += not in_plane(indices, p, size)
    return bad == 0


cdef void scatter_plane(const T[:, :, :, :, :] gy, const Index[:, :, :, :, :] indices, T[:, :, :, :, :] gx,
                        Py_ssize_t p) noexcept nogil:
    """Zero plane p of gx, then add every gradient to its winner, in row-major order."""
    cdef Py_ssize_t d, h, w, i, at, height = gx.shape[2], width = gx.shape[3], run = gx.shape[4]
    cdef bint dense = (gx.strides[3] == <Py_ssize_t>sizeof(T) * run and gx.strides[2] == width * gx.strides[3]
                       and gx.strides[1] == height * gx.strides[2])
    cdef T* flat = &gx[p, 0, 0, 0, 0]
    if dense:
        memset(flat, 0, gx.shape[1] * height * width * run * sizeof(T))
    else:
        for d in range(gx.shape[1]):
            for h in range(height):
                for w in range(width):
                    for i in range(run):
                        gx[p, d, h, w, i] = 0
    for d in range(gy.shape[1]):
        for h in range(gy.shape[2]):
            for w in range(gy.shape[3]):
                for i in range(run):
                    at = <Py_ssize_t>indices[p, d, h, w, i]
                    if dense:
                        flat[at * run + i] += gy[p, d, h, w, i]
                    else:
                        gx[p, at // (height * width), at // width % height, at % width, i] += gy[p, d, h, w, i]


def max_backward(const T[:, :, :, :, :] gy, const Index[:, :, :, :, :] indices, T[:, :, :, :, :] gx, int threads):
    """Scatter; the indices must have been checked. Planes are independent, so any thread count gives the same bits."""
    cdef Py_ssize_t p
    with nogil:
        if threads == 1:
            for p in range(gx.shape[0]):
                scatter_plane(gy, indices, gx, p)
        else:
            for p in prange(gx.shape[0], num_threads=threads, schedule="static"):
                scatter_plane(gy, indices, gx, p)


cdef inline void spread_lanes(Axis* w, T* spread, const T* g, Py_ssize_t run) noexcept nogil:
    """Add g[o] to every lane of window o: the transpose of fold_lanes for sums. `spread` is a padded row."""
    cdef Py_ssize_t o, t, x, i
    fill(spread, <T>0, padded_length(w) * run)
    if w.uniform and w.stride == 1:
        for t in range(w.kernel):
            for i in range(w.out * run):
                spread[t * w.step * run + i] += g[i]
    elif w.uniform and run == 1 and w.stride == 2:
        for t in range(w.kernel):
            for o in range(w.out):
                spread[2 * o + t * w.step] += g[o]
    elif w.uniform:
        for t in range(w.kernel):
            for o in range(w.out):
                for i in range(run):
                    spread[(o * w.stride + t * w.step) * run + i] += g[o * run + i]
    else:
        for o in range(w.out):
            for t in range(taps(w, o)):
                x = w.begin[o] + t * w.step
                for i in range(run):
                    spread[x * run + i] += g[o * run + i]


cdef void spread_rows(const T[:, :, :, :, :] gy, T[:, :, :, :, :] gx, Axis* axes, T* scratch, Py_ssize_t p,
                      Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write input-gradient rows [first, last) of plane p, at every depth: add up the windows that cover them.

    Windows are taken in row-major order, so a row's sum does not depend on which band computes it.
    """
    cdef Axis* depth = &axes[0]
    cdef Axis* height = &axes[1]
    cdef Axis* width = &axes[2]
    cdef Py_ssize_t run = gx.shape[4], before = width.before if width.uniform else 0
    cdef Py_ssize_t padded = padded_length(width), used = min(width.size, padded - before) * run
    cdef T* g = scratch
    cdef T* spread = g + width.out * run
    cdef const T* inner = spread + before * run
    cdef Py_ssize_t od, oh, o, d, h, td, th, w, i, top, rows
    cdef bint dense = gx.strides[3] == <Py_ssize_t>sizeof(T) * run
    cdef T divisor
    cdef T* to

    for d in range(depth.size):
        for h in range(first, last):
            if dense:
                memset(&gx[p, d, h, 0, 0], 0, width.size * run * sizeof(T))
            else:
                for w in range(width.size):
                    memset(&gx[p, d, h, w, 0], 0, run * sizeof(T))
    for od in range(depth.out):
        for oh in range(height.out):
            if height.end[oh] <= first or height.begin[oh] >= last:
                continue
            for o in range(width.out):
                divisor = <T>(depth.count[od] * height.count[oh] * width.count[o])
                for i in range(run):
                    g[o * run + i] = gy[p, od, oh, o, i] / divisor
            spread_lanes(width, spread, g, run)
            top = height.begin[oh]
            if top < first:
                top += (first - top + height.step - 1) // height.step * height.step
            rows = (min(<Py_ssize_t>height.end[oh], last) - top + height.step - 1) // height.step
            for td in range(taps(depth, od)):
                d = depth.begin[od] + td * depth.step
                for th in range(rows):
                    h = top + th * height.step
                    if dense:
                        to = &gx[p, d, h, 0, 0]
                        for i in range(used):
                            to[i] += inner[i]
                    else:
                        for w in range(used // run):
                            for i in range(run):
                                gx[p, d, h, w, i] += inner[w * run + i]


def avg_backward(const T[:, :, :, :, :] gy, T[:, :, :, :, :] gx, const int64_t[::1] plan, Py_ssize_t bands,
                 int threads):
    """Spread each output's share over its window; tasks are (plane, band of input rows)."""
    cdef Axis axes[3]
    read_plan(plan, axes)
    cdef Py_ssize_t each = (axes[2].out + padded_length(&axes[2])) * gx.shape[4] + 64
    cdef Py_ssize_t rows = axes[1].size, tasks = gx.shape[0] * bands, t
    cdef T* scratch = <T*>malloc(threads * each * sizeof(T))
    if scratch == NULL:
        raise MemoryError
    with nogil:
        if threads == 1:
            for t in range(tasks):
                spread_rows(gy, gx, axes, scratch, t // bands, t % bands * rows // bands,
                            (t % bands + 1) * rows // bands)
        else:
            for t in prange(tasks, num_threads=threads, schedule="static"):
                spread_rows(gy, gx, axes, scratch + threadid() * each, t // bands, t % bands * rows // bands,
                            (t % bands + 1) * rows // bands)
    free(scratch)
