# Which reduction: an identity and a combine each, and for those that select an element, when the later one wins; and
# what a number becomes as it is stored.


cdef inline T lowest(T* like) noexcept nogil:
    if T is float or T is double:
        return <T>(-CPOOL_INFINITY)
    elif T is uint8_t or T is uint16_t or T is uint32_t or T is uint64_t:
        return 0
    else:
        return <T>(<uint64_t>1 << (8 * sizeof(T) - 1))  # the sign bit alone


cdef inline T highest(T* like) noexcept nogil:
    if T is float or T is double:
        return <T>CPOOL_INFINITY
    elif T is uint8_t or T is uint16_t or T is uint32_t or T is uint64_t:
        return <T>(-1)
    else:
        return <T>((<uint64_t>1 << (8 * sizeof(T) - 1)) - 1)


cdef inline T identity(R* op, T* like) noexcept nogil:
    if R is cpool_sum_t:
        return 0
    elif R is cpool_max_t:
        return lowest(like)
    else:
        return highest(like)


cdef inline T combine(R* op, T m, T v) noexcept nogil:
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


cdef inline bint takes(Selection* op, P m, P v) noexcept nogil:
    """Whether `v`, which comes later in row-major order, replaces `m`: torch's rule, first tie and last NaN."""
    if Selection is cpool_max_t:
        return (v > m) | (v != v)
    else:
        return (v < m) | (v != v)


cdef inline T settled(T v) noexcept nogil:
    """The one zero, +0, and the one NaN, positive and quiet.

    Which zero a maximum returns and which NaN a sum passes on depend on the order of its operands, which differs
    between instruction sets, threads, and with and without indices. So nothing is stored but these.
    """
    if T is float or T is double:
        return v + 0 if v == v else <T>CPOOL_NAN
    else:
        return v


cdef inline void settle(T* a, Py_ssize_t n) noexcept nogil:
    """The same for a row."""
    cdef Py_ssize_t i
    for i in range(n):
        a[i] = settled(a[i])
