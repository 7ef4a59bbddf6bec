"""Calls with everything decided but the arrays, and where they are kept.

A tiny pooling costs what its Python costs. So all checks, plans and layouts are made once for each distinct call, and a
later one is found by what distinguishes it: the input's shape, strides and dtype, and the arguments as typed.
"""

import numpy as np

from . import _engine, _layout, threads

cdef object ndarray = np.ndarray, dtype = np.dtype, empty = np.empty

#: Calls kept by one function; beyond that it starts anew.
cdef Py_ssize_t MOST = 4096


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


cdef class Memo:
    """The prepared calls of one public function."""

    cdef dict calls

    def __cinit__(self):
        self.calls = {}

    cdef object key(self, x, tuple arguments, tuple flags):
        for each in flags:
            if each is not True and each is not False:
                return None
        if type(x) is not ndarray or not plain(arguments) or not x.flags.aligned:
            return None
        return x.shape, x.strides, x.dtype, arguments, flags

    def get(self, x, tuple arguments, tuple flags=()):
        """Return the call for `x` and arguments as the user typed them, or None."""
        cdef object key = self.key(x, arguments, flags)
        return None if key is None else self.calls.get(key)

    def keep(self, call, x, tuple arguments, tuple flags=()):
        """Keep a call if it can be found again, and return it."""
        cdef object key = self.key(x, arguments, flags)
        if key is not None and x.dtype.isnative:
            if len(self.calls) >= MOST:
                self.calls.clear()
            self.calls[key] = call
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
    cdef object order
    cdef bint bits, single

    def __cinit__(self, run, tuple shape, tuple order, dtype, bint bits=False):
        self.run, self.shape, self.dtype = run, shape, dtype
        self.order = None if order == tuple(range(len(shape))) else order
        self.bits = bits

    def alone(self):
        """Never use a second thread; return self."""
        self.single = True
        return self

    cdef inline object limit(self):
        return 1 if self.single else threads.limit

    cpdef object new(self, dtype):
        """Return a new array of the output's shape and memory order."""
        if self.order is None:
            return empty(self.shape, dtype)
        return _layout.empty(self.shape, self.order, dtype)

    def forward(self, x, out=None):
        """Pool `x` into the checked `out` or a new array."""
        cdef object y = self.new(self.dtype) if out is None else out
        if self.bits:
            self.run(self.limit(), _engine.buffer(x), _engine.buffer(y))
        else:
            self.run(self.limit(), x, y)
        return y

    def pick(self, x, index_dtype, out=None):
        """Pool `x` into the checked `out` or a new array, and return it and new indices."""
        cdef object y = self.new(self.dtype) if out is None else out
        cdef object indices = self.new(index_dtype)
        if self.bits:
            self.run(self.limit(), _engine.buffer(x), _engine.buffer(y), indices)
        else:
            self.run(self.limit(), x, y, indices)
        return y, indices

    def backward(self, grad, out=None, *indices):
        """Pass `grad` back into the checked `out` or a new array."""
        cdef object gx = self.new(self.dtype) if out is None else out
        self.run(self.limit(), gx, grad, *indices)
        return gx
