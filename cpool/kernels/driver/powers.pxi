# Powers: what the gradient of a norm is multiplied by, number by number, of arrays that lie densely and alike.

cdef enum:
    MULTIPLIED = 4096      # numbers of one task


cdef void multiply_powers(Job* job, Scratch* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Write x * at**power to y: the third array holds numbers here, no indices."""
    cdef Py_ssize_t begin = first * MULTIPLIED * job.size
    cdef Py_ssize_t n = min(job.width.size, last * MULTIPLIED) - first * MULTIPLIED
    job.leaves.times_power[job.type](job.y.data + begin, job.x.data + begin, job.at.data + begin, n, job.power,
                                     job.zeros)
