# Rows: dense runs of T in scratch. Elementwise combination, and loading and storing, the only place that knows how
# numbers are stored.

cdef extern from "half.h":
    void load_half "cpool_load_half"(float* to, const uint16_t* source, Py_ssize_t n) noexcept nogil
    void store_half "cpool_store_half"(uint16_t* to, const float* source, Py_ssize_t n) noexcept nogil
    void load_bfloat "cpool_load_bfloat"(float* to, const uint16_t* source, Py_ssize_t n) noexcept nogil
    void store_bfloat "cpool_store_bfloat"(uint16_t* to, const float* source, Py_ssize_t n) noexcept nogil

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define CPOOL_TOUCH(p) __builtin_prefetch(p)
    #else
    #define CPOOL_TOUCH(p) ((void)(p))
    #endif
    """
    void touch "CPOOL_TOUCH"(const char* p) noexcept nogil

cdef extern from "<math.h>" nogil:
    double rint(double x) noexcept
    float rintf(float x) noexcept
    double sqrt(double x) noexcept
    float sqrtf(float x) noexcept

cdef enum:
    BLOCK = 32    # bytes: rows in scratch may be read and written in whole blocks
    STRIP = 2048  # bytes of rows whose reduction goes up and down: a tall window's stay in the first cache
    AHEAD = 4096  # bytes from the row at hand to those that are prefetched
    CACHED = 8388608  # bytes of an array that a cache may well hold

cdef enum Storage:  # how an array holds its numbers; the same numbers as in _engine.py
    NATIVE = 0      # as the T of the kernel
    HALF = 1
    BFLOAT = 2
    INT8 = 3
    INT16 = 4
    INT32 = 5
    INT64 = 6
    UINT8 = 7
    UINT16 = 8
    UINT32 = 9
    UINT64 = 10
    FLOAT = 11

ctypedef fused Stored:
    float
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef inline void fill(T* a, T value, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        a[i] = value


cdef inline void fill_counts(F* a, const int64_t* count, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """What n windows divide by, once for each element of their runs."""
    cdef Py_ssize_t o, i
    for o in range(n):
        for i in range(run):
            a[o * run + i] = <F>count[o]


cdef inline void start_row(R* op, T* acc, const T* a, Py_ssize_t n) noexcept nogil:
    memcpy(acc, a, n * sizeof(T))


cdef inline void start_rows2(R* op, T* acc, const T* a, const T* b, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, a[i], b[i])


cdef inline void start_rows3(R* op, T* acc, const T* a, const T* b, const T* c, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, combine(op, a[i], b[i]), c[i])


cdef inline void start_rows4(R* op, T* acc, const T* a, const T* b, const T* c, const T* d,
                             Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, combine(op, combine(op, a[i], b[i]), c[i]), d[i])


cdef inline void fold_row(R* op, T* acc, const T* a, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, acc[i], a[i])


cdef inline void fold_rows2(R* op, T* acc, const T* a, const T* b, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, combine(op, acc[i], a[i]), b[i])


cdef inline void fold_rows3(R* op, T* acc, const T* a, const T* b, const T* c, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = combine(op, combine(op, combine(op, acc[i], a[i]), b[i]), c[i])


cdef inline T shared(R* op, T v, T count) noexcept nogil:
    """A sum's average; anything else as it is."""
    if R is cpool_sum_t and (T is float or T is double):
        return v / count
    else:
        return v


cdef inline void share_rows3(R* op, T* acc, const T* a, const T* b, const T* c, T count, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        acc[i] = shared(op, combine(op, combine(op, a[i], b[i]), c[i]), count)


cdef inline void join(R* op, bint first, T* acc, const T* a, const T* b, T count, Py_ssize_t n) noexcept nogil:
    """Combine a and, if there is one, b into acc; `first` if acc holds nothing yet. Divide sums by count, unless 1."""
    cdef Py_ssize_t i
    cdef T v
    if R is cpool_sum_t and count != 1:
        for i in range(n):
            v = a[i] if first else combine(op, acc[i], a[i])
            acc[i] = shared(op, v if b == NULL else combine(op, v, b[i]), count)
    elif first and b == NULL:
        start_row(op, acc, a, n)
    elif first:
        start_rows2(op, acc, a, b, n)
    elif b == NULL:
        fold_row(op, acc, a, n)
    else:
        fold_rows2(op, acc, a, b, n)

cdef inline void close_sum(R* op, bint first, T* acc, const T* waiting, const T* a, const T* b, T count,
                           Py_ssize_t n) noexcept nogil:
    """Add what waits, if anything does, and then the sum of a and b to acc; divide by count, unless 1."""
    cdef Py_ssize_t i
    cdef bint divided = count != 1
    cdef T v, last
    for i in range(n):
        last = combine(op, a[i], b[i])
        if waiting != NULL:
            v = waiting[i] if first else combine(op, acc[i], waiting[i])
            last = combine(op, v, last)
        elif not first:
            last = combine(op, acc[i], last)
        acc[i] = shared(op, last, count) if divided else last

# ----------------------------------------------------------------------------------------------- loading and storing


cdef inline void gather(T* to, const char* row, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Load `n` runs that lie `stride` bytes apart."""
    cdef Py_ssize_t w, i
    if stride == run * <Py_ssize_t>sizeof(T):
        memcpy(to, row, n * run * sizeof(T))
    elif run == 1:
        for w in range(n):
            to[w] = (<const T*>(row + w * stride))[0]
    else:
        for w in range(n):
            for i in range(run):
                to[w * run + i] = (<const T*>(row + w * stride))[i]


cdef inline void scatter(char* row, Py_ssize_t stride, const T* a, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Store `n` runs `stride` bytes apart: the inverse of gather."""
    cdef Py_ssize_t w, i
    if stride == run * <Py_ssize_t>sizeof(T):
        memcpy(row, a, n * run * sizeof(T))
    else:
        for w in range(n):
            for i in range(run):
                (<T*>(row + w * stride))[i] = a[w * run + i]


cdef inline void widen(F* to, const Stored* like, const char* row, Py_ssize_t stride, Py_ssize_t n,
                       Py_ssize_t run) noexcept nogil:
    cdef Py_ssize_t w, i
    if stride == run * <Py_ssize_t>sizeof(Stored):
        for i in range(n * run):
            to[i] = <F>(<const Stored*>row)[i]
    else:
        for w in range(n):
            for i in range(run):
                to[w * run + i] = <F>(<const Stored*>(row + w * stride))[i]


cdef inline Stored narrowed(Stored* like, F v) noexcept nogil:
    """The nearest Stored; integers round half to even and stay in range."""
    cdef F least, most
    if Stored is float:
        return <Stored>v
    else:
        least, most = <F>lowest(like), <F>highest(like)
        v = rintf(v) if F is float else rint(v)
        return lowest(like) if v <= least else highest(like) if v >= most else <Stored>v


cdef inline void narrow(char* row, Stored* like, Py_ssize_t stride, const F* a, Py_ssize_t n,
                        Py_ssize_t run) noexcept nogil:
    cdef Py_ssize_t w, i
    if stride == run * <Py_ssize_t>sizeof(Stored):
        for i in range(n * run):
            (<Stored*>row)[i] = narrowed(like, a[i])
    else:
        for w in range(n):
            for i in range(run):
                (<Stored*>(row + w * stride))[i] = narrowed(like, a[w * run + i])


cdef inline void load_halves(float* to, const char* row, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t run,
                             Py_ssize_t storage) noexcept nogil:
    cdef Py_ssize_t w, count = n * run if stride == 2 * run else run
    for w in range(n * run // count):
        if storage == HALF:
            load_half(to + w * count, <const uint16_t*>(row + w * stride), count)
        else:
            load_bfloat(to + w * count, <const uint16_t*>(row + w * stride), count)


cdef inline void store_halves(char* row, Py_ssize_t stride, const float* a, Py_ssize_t n, Py_ssize_t run,
                              Py_ssize_t storage) noexcept nogil:
    cdef Py_ssize_t w, count = n * run if stride == 2 * run else run
    for w in range(n * run // count):
        if storage == HALF:
            store_half(<uint16_t*>(row + w * stride), a + w * count, count)
        else:
            store_bfloat(<uint16_t*>(row + w * stride), a + w * count, count)


cdef inline void widen_halves(F* to, const char* row, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t run,
                              Py_ssize_t storage) noexcept nogil:
    cdef Py_ssize_t w, i
    cdef float f
    for w in range(n):
        for i in range(run):
            if storage == HALF:
                load_half(&f, <const uint16_t*>(row + w * stride) + i, 1)
            else:
                load_bfloat(&f, <const uint16_t*>(row + w * stride) + i, 1)
            to[w * run + i] = f


cdef inline void narrow_halves(char* row, Py_ssize_t stride, const F* a, Py_ssize_t n, Py_ssize_t run,
                               Py_ssize_t storage) noexcept nogil:
    cdef Py_ssize_t w, i
    cdef float f
    for w in range(n):
        for i in range(run):
            f = <float>a[w * run + i]
            if storage == HALF:
                store_half(<uint16_t*>(row + w * stride) + i, &f, 1)
            else:
                store_bfloat(<uint16_t*>(row + w * stride) + i, &f, 1)


cdef void load_numbers(F* to, const char* row, Py_ssize_t stride, Py_ssize_t n, Py_ssize_t run,
                       Py_ssize_t storage) noexcept nogil:
    if storage == INT8:
        widen(to, <const int8_t*>row, row, stride, n, run)
    elif storage == INT16:
        widen(to, <const int16_t*>row, row, stride, n, run)
    elif storage == INT32:
        widen(to, <const int32_t*>row, row, stride, n, run)
    elif storage == INT64:
        widen(to, <const int64_t*>row, row, stride, n, run)
    elif storage == UINT8:
        widen(to, <const uint8_t*>row, row, stride, n, run)
    elif storage == UINT16:
        widen(to, <const uint16_t*>row, row, stride, n, run)
    elif storage == UINT32:
        widen(to, <const uint32_t*>row, row, stride, n, run)
    elif storage == UINT64:
        widen(to, <const uint64_t*>row, row, stride, n, run)
    elif storage == HALF or storage == BFLOAT:
        widen_halves(to, row, stride, n, run, storage)
    else:
        widen(to, <const float*>row, row, stride, n, run)


cdef void store_numbers(char* row, Py_ssize_t stride, const F* a, Py_ssize_t n, Py_ssize_t run,
                        Py_ssize_t storage) noexcept nogil:
    if storage == INT8:
        narrow(row, <int8_t*>row, stride, a, n, run)
    elif storage == INT16:
        narrow(row, <int16_t*>row, stride, a, n, run)
    elif storage == INT32:
        narrow(row, <int32_t*>row, stride, a, n, run)
    elif storage == INT64:
        narrow(row, <int64_t*>row, stride, a, n, run)
    elif storage == UINT8:
        narrow(row, <uint8_t*>row, stride, a, n, run)
    elif storage == UINT16:
        narrow(row, <uint16_t*>row, stride, a, n, run)
    elif storage == UINT32:
        narrow(row, <uint32_t*>row, stride, a, n, run)
    elif storage == UINT64:
        narrow(row, <uint64_t*>row, stride, a, n, run)
    elif storage == HALF or storage == BFLOAT:
        narrow_halves(row, stride, a, n, run, storage)
    else:
        narrow(row, <float*>row, stride, a, n, run)


cdef inline void load_row(T* to, const char* row, Memory* m, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Load `n` runs of a row of `m` as T."""
    if T is float:
        if m.storage == HALF or m.storage == BFLOAT:
            load_halves(to, row, m.w, n, run, m.storage)
            return
    if T is float or T is double:
        if m.storage != NATIVE:
            load_numbers(to, row, m.w, n, run, m.storage)
            return
    gather(to, row, m.w, n, run)


cdef inline void store_row(char* row, Memory* m, const T* a, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Store `n` runs into a row of `m`: the inverse of load_row."""
    if T is float:
        if m.storage == HALF or m.storage == BFLOAT:
            store_halves(row, m.w, a, n, run, m.storage)
            return
    if T is float or T is double:
        if m.storage != NATIVE:
            store_numbers(row, m.w, a, n, run, m.storage)
            return
    scatter(row, m.w, a, n, run)


cdef inline void copy_blocks(T* to, const T* a, Py_ssize_t n) noexcept nogil:
    """Copy n elements and up to a block more: whole vectors, no remainder."""
    cdef Py_ssize_t i = 0, block = BLOCK // sizeof(T)
    while i < n:
        memcpy(to + i, a + i, BLOCK)  # one or two moves
        i += block


cdef inline void prefetch(const char* a, Py_ssize_t n) noexcept nogil:
    """Ask for the cache lines of [a, a + n): reading and reducing alternate too fast for the processor to guess."""
    cdef Py_ssize_t i
    for i in range(0, n, 64):
        touch(a + i)


cdef inline bint dense(Memory* m, T* like, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Whether a row of `n` runs of `m` can be used as it lies."""
    return m.storage == NATIVE and (m.w == run * <Py_ssize_t>sizeof(T) or n == 1)


cdef inline const char* whole_until(Memory* m, T* like, Py_ssize_t n, Py_ssize_t run) noexcept nogil:
    """Up to where rows of `m` may start that are read with up to a block more: nowhere if not as they lie."""
    if n == 0 or m.extent == 0 or not dense(m, like, n, run):
        return NULL
    return m.data + m.extent - n * run * <Py_ssize_t>sizeof(T) - BLOCK


cdef inline void transform(F* a, Py_ssize_t norm, double power, Py_ssize_t n) noexcept nogil:
    """Raise to the power of an lp norm (1: as is, 2: square, 3: any power, 4: magnitude)."""
    cdef Py_ssize_t i
    if norm == 2:
        for i in range(n):
            a[i] = a[i] * a[i]
    elif norm == 3:
        for i in range(n):
            a[i] = <F>pow(a[i], power)
    elif norm == 4:
        for i in range(n):
            a[i] = <F>fabs(a[i])
