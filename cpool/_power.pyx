"""Powers, element by element, whose bits no instruction set decides: NumPy's ``**`` rounds by CPU."""

from libc.math cimport pow

ctypedef fused F:
    float
    double


def raise_to(F[::1] a, double exponent):
    """Raise the elements of `a` to a power, by the C library in double; to -1 by division."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(a.shape[0]):
            a[i] = 1 / a[i] if exponent == -1 else <F>pow(a[i], exponent)
