"""Calls with everything decided but the arrays, and where they are kept.

A tiny pooling costs what its Python costs. So all checks, plans and layouts are made once for each distinct call, and a
later one is found by what distinguishes it: the input's shape, strides and dtype, and the arguments as typed.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.string cimport memcmp
cimport cython

import numpy as np

from .. import threads
from . import engine

cdef object ndarray = np.ndarray, dtype = np.dtype, empty = np.empty

#: Calls kept by one function; beyond that it starts anew.
cdef Py_ssize_t MOST = 4096

cdef struct Interface:  # what ``__array_struct__`` of NumPy's array interface points to
    int two
    int ndim
    char typekind
    int itemsize
    int flags
    Py_ssize_t* shape
    Py_ssize_t* strides

cdef enum:
    ALIGNED = 0x100


cdef bint forgetful = False


def forget(bint on):
    """While `on`, calls are neither found nor kept: they are prepared to be explained."""
    global forgetful
    forgetful = on


cdef bint plain(object value):
    """Whether equal values mean the same: so for int, str, types and tuples of them, but 1 equals True and 1.0."""
    cdef object kind = type(value)
    if value is None or kind is int or kind is str or isinstance(value, (type, dtype)):
        return True
    if kind is not tuple:
        return False
    for each in <tuple>value:
        if not plain(each):
            return False
    return True


cdef inline bint identical(tuple a, tuple b):
    """Whether two tuples hold the same objects."""
    cdef Py_ssize_t i, n = len(a)
    if n != len(b):
        return False
    for i in range(n):
        if a[i] is not b[i]:
            return False
    return True


cdef object key_of(object x, Interface* array, tuple arguments, tuple flags):
    """What distinguishes a call from others, or None if it cannot be kept."""
    if not array.flags & ALIGNED or not plain(arguments):
        return None
    for each in flags:
        if each is not True and each is not False:
            return None
    return (PyBytes_FromStringAndSize(<char*>array.shape, array.ndim * sizeof(Py_ssize_t)),
            PyBytes_FromStringAndSize(<char*>array.strides, array.ndim * sizeof(Py_ssize_t)), x.dtype, arguments, flags)


@cython.final
cdef class Kept:
    """A prepared call, and what it was prepared for."""

    cdef bytes shape, strides
    cdef object dtype, call
    cdef tuple arguments, flags

    def __cinit__(self, tuple key, call):
        self.shape, self.strides, self.dtype, self.arguments, self.flags = key
        self.call = call

    cdef inline bint serves(self, Interface* array, object dtype, tuple arguments, tuple flags):
        """Whether the array and the arguments are those of this call, down to the objects: no hash is needed then."""
        cdef size_t n = array.ndim * sizeof(Py_ssize_t)
        return (dtype is self.dtype and array.flags & ALIGNED and len(self.shape) == <Py_ssize_t>n > 0
                and memcmp(array.shape, PyBytes_AsString(self.shape), n) == 0
                and memcmp(array.strides, PyBytes_AsString(self.strides), n) == 0
                and identical(arguments, self.arguments) and identical(flags, self.flags))


@cython.final
cdef class Memo:
    """The prepared calls of one public function."""

    cdef dict calls
    cdef Kept last  # found: most calls repeat it

    def __cinit__(self):
        self.calls = {}

    def get(self, x, tuple arguments, tuple flags=()):
        """Return the call for `x` and arguments as the user typed them, or None."""
        cdef object shared  # holds what `array` points to
        cdef Interface* array
        cdef Kept kept
        if type(x) is not ndarray or forgetful:
            return None
        shared = x.__array_struct__
        array = <Interface*>PyCapsule_GetPointer(shared, NULL)
        with cython.critical_section(self):
            kept = self.last
        if kept is None or not kept.serves(array, x.dtype, arguments, flags):
            key = key_of(x, array, arguments, flags)
            kept = self.calls.get(key)
            if kept is None:
                return None
            with cython.critical_section(self):
                self.last = kept
        return kept.call

    def keep(self, call, x, tuple arguments, tuple flags=()):
        """Keep a call if it can be found again, and return it."""
        cdef object shared
        if type(x) is ndarray and x.dtype.isnative and not forgetful:
            shared = x.__array_struct__
            key = key_of(x, <Interface*>PyCapsule_GetPointer(shared, NULL), arguments, flags)
            if key is not None:
                if len(self.calls) >= MOST:
                    self.calls.clear()
                self.calls[key] = Kept(key, call)
        return call


cdef class Prepared:
    """A call: the kernel's `run`, and how to make new outputs.

    Parameters
    ----------
    run : callable
        Function of (thread limit, x, y) or more arrays.
    shape : tuple of int
        Of the output.
    order : tuple of int
        Axes of the output from the outermost to the innermost in memory.
    dtype : dtype
        Of the output.
    bits : bool
        Whether an array is of bfloat16, which has no buffer of its own.
    """

    cdef readonly object run, dtype
    cdef readonly tuple shape
    cdef object laid, inverse  # the shape in memory order, and how its axes are turned; None in C order
    cdef bint bits, single

    def __cinit__(self, run, tuple shape, tuple order, dtype, bint bits=False):
        self.run, self.shape, self.dtype = run, shape, dtype
        if order != tuple(range(len(shape))):
            self.laid = tuple(shape[a] for a in order)
            self.inverse = tuple(order.index(a) for a in range(len(shape)))
        self.bits = bits

    def alone(self):
        """Never use a second thread; return self."""
        self.single = True
        return self

    cdef inline object limit(self):
        return 1 if self.single else threads.limit

    cpdef object new(self, dtype):
        """Return a new array of the output's shape and memory order."""
        if self.laid is None:
            return empty(self.shape, dtype)
        return empty(self.laid, dtype).transpose(self.inverse)

    def forward(self, x, out=None):
        """Pool `x` into the checked `out` or a new array."""
        cdef object y = self.new(self.dtype) if out is None else out
        if self.bits:
            self.run(self.limit(), engine.buffer(x), engine.buffer(y))
        else:
            self.run(self.limit(), x, y)
        return y

    def pick(self, x, index_dtype, out=None):
        """Pool `x` into the checked `out` or a new array, and return it and new indices."""
        cdef object y = self.new(self.dtype) if out is None else out
        cdef object indices = self.new(index_dtype)
        if self.bits:
            self.run(self.limit(), engine.buffer(x), engine.buffer(y), indices)
        else:
            self.run(self.limit(), x, y, indices)
        return y, indices

    def backward(self, grad, out=None, *indices):
        """Pass `grad` back into the checked `out` or a new array."""
        cdef object gx = self.new(self.dtype) if out is None else out
        if self.bits:
            self.run(self.limit(), engine.buffer(gx), engine.buffer(grad), *indices)
        else:
            self.run(self.limit(), gx, grad, *indices)
        return gx
