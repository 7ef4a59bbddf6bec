# What the kernels compute with: C types, the window tables of an axis, the memory of an array, and a job of both.

from cpython.buffer cimport PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython.parallel cimport prange, threadid
from libc.math cimport fabs, pow
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    typedef struct { char unused; } cpool_max_t;
    typedef struct { char unused; } cpool_min_t;
    typedef struct { char unused; } cpool_sum_t;
    typedef struct { char unused; } cpool_median_t;
    typedef struct { char unused; } cpool_mode_t;
    #include <math.h>
    #define CPOOL_INFINITY HUGE_VAL
    #define CPOOL_NAN NAN
    """
    ctypedef struct cpool_max_t:
        char unused
    ctypedef struct cpool_min_t:
        char unused
    ctypedef struct cpool_sum_t:
        char unused
    ctypedef struct cpool_median_t:
        char unused
    ctypedef struct cpool_mode_t:
        char unused
    double CPOOL_INFINITY, CPOOL_NAN

ctypedef fused T:          # what values are while they are reduced
    float
    double
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t

ctypedef fused P:          # what values are while indices are picked: narrower numbers fit exactly and are widened
    float
    double
    int64_t
    uint64_t

ctypedef fused F:          # what can be summed: narrower numbers are widened as rows are loaded
    float
    double

ctypedef fused R:          # a reduction of values
    cpool_max_t
    cpool_min_t
    cpool_sum_t

ctypedef fused Selection:  # a reduction that picks one element, so that it has an index
    cpool_max_t
    cpool_min_t

ctypedef fused Index:      # index as the caller holds it
    int32_t
    int64_t

ctypedef fused Lane:       # index while computing: 32 bits where the plane allows, for twice the vector lanes
    int32_t
    int64_t

cdef struct Axis:          # the windows of one axis: geometry.AxisWindows
    Py_ssize_t size, out, kernel, stride, step, before, uniform
    const int64_t* begin
    const int64_t* end
    const int64_t* taps    # those inside the input
    const int64_t* count   # those that an average divides by

cdef struct Memory:        # one array as (planes, D, H, W, I): strides in bytes, I contiguous
    char* data
    Py_ssize_t d, h, w, storage, extent  # extent: bytes from data to the end; 0 where a stride is negative
    const int64_t* planes

cdef struct Job:
    Axis depth, height, width
    Memory x, y, indices   # input, output and index arrays; in a backward pass y and indices are read, x is written
    Py_ssize_t planes, leads, run
    Py_ssize_t columns     # output columns of a tile
    const int64_t* lead_shape
    Py_ssize_t threads, divide, norm, assign, checks
    Py_ssize_t even        # whether the windows of tiles have one divisor, whatever the row
    double power
    int64_t* extents       # least and greatest index of each output row, for max's backward, unless it checks itself
    Py_ssize_t astray      # whether it met an index outside the plane


cdef Py_ssize_t AXIS_HEADER = 7


cdef const int64_t* read_axis(const int64_t* p, Axis* w) noexcept nogil:
    """Unpack the table of one axis; return where the next one starts."""
    w.size, w.out, w.kernel = <Py_ssize_t>p[0], <Py_ssize_t>p[1], <Py_ssize_t>p[2]
    w.stride, w.step, w.before, w.uniform = <Py_ssize_t>p[3], <Py_ssize_t>p[4], <Py_ssize_t>p[5], <Py_ssize_t>p[6]
    if w.out == 1:
        w.stride = 1  # a single window does not move
    w.begin = p + AXIS_HEADER
    w.end = w.begin + w.out
    w.taps = w.end + w.out
    w.count = w.taps + w.out
    return w.count + w.out


cdef const int64_t* read_memory(const int64_t* p, Job* job, Memory* m) noexcept nogil:
    """Unpack the strides of one array; return where the next one's start."""
    m.storage, m.extent = <Py_ssize_t>p[0], <Py_ssize_t>p[1]
    m.d, m.h, m.w = <Py_ssize_t>p[2], <Py_ssize_t>p[3], <Py_ssize_t>p[4]
    m.planes = p + 5
    return m.planes + job.leads


cdef inline Py_ssize_t plane_offset(Job* job, Memory* m, Py_ssize_t p) noexcept nogil:
    """Bytes from the array's start to plane p; the leading axes count p as digits."""
    cdef Py_ssize_t axis, offset = 0
    for axis in range(job.leads - 1, 0, -1):
        offset += p % <Py_ssize_t>job.lead_shape[axis] * <Py_ssize_t>m.planes[axis]
        p //= <Py_ssize_t>job.lead_shape[axis]
    return offset + p * <Py_ssize_t>m.planes[0]


cdef inline bint in_one_line(Job* job, Memory* m, Py_ssize_t row_bytes) noexcept nogil:
    """Whether the output rows of all planes follow one another in `m`."""
    cdef Py_ssize_t high = job.height.out, deep = job.depth.out
    return ((high == 1 or m.h == row_bytes) and (deep == 1 or m.d == high * row_bytes) and job.leads == 1
            and (job.planes == 1 or <Py_ssize_t>m.planes[0] == deep * high * row_bytes))


cdef inline Py_ssize_t round_up(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return (n + multiple - 1) // multiple * multiple


cdef inline Py_ssize_t gcd(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a
