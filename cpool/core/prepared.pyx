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

cdef object ndarray = np.ndarray, generic = np.generic, dtype = np.dtype, empty = np.empty
cdef object shares_memory = np.shares_memory

#: Candidates that are looked through before two arrays are taken to overlap.
cdef Py_ssize_t MOST_WORK = 1000
#: Elements of the longest array, list or tuple by which calls are told apart, of what is not pooled; a call with longer
#: ones is prepared anew.
cdef Py_ssize_t MOST_TYPED = 16
#: How deep lists and tuples are looked into: one may hold itself.
cdef int DEEPEST = 4

#: Calls kept by one function, and lengths of all axes of their arrays, for which tables may be kept of some 30 bytes an
#: element; beyond that it starts anew.
cdef Py_ssize_t MOST = 4096, MOST_LENGTH = 2**21

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
    WRITEABLE = 0x400


cdef bint forgetful = False


def forget(bint on):
    """While `on`, calls are neither found nor kept: they are prepared to be explained."""
    global forgetful
    forgetful = on


cdef Py_ssize_t networks_of(run) except -1:
    """Return how many numbers the networks have that a prepared call of the driver holds."""
    return getattr(getattr(run, "__self__", None), "network_steps", 0)


cdef bint overlap(object a, object b) except *:
    """Return whether two arrays have an element in common, as far as that is quickly said."""
    try:
        return shares_memory(a, b, max_work=MOST_WORK)
    except RuntimeError:  # too hard
        return True


cdef object YES = object(), NO = object(), FLOAT = object()


cdef object typed(object value, int deep=0):
    """Return what equals another's only if the values mean the same, for 1 equals True and 1.0; or NotImplemented."""
    cdef object kind = type(value)
    cdef double number
    if value is None or kind is int or kind is str or isinstance(value, (type, dtype)):
        return value
    if kind is bool:
        return YES if value else NO
    if kind is float:
        number = value
        return FLOAT, PyBytes_FromStringAndSize(<char*>&number, sizeof(number))
    if isinstance(value, generic) or (kind is ndarray and value.size <= MOST_TYPED):
        return NotImplemented if value.dtype.hasobject else (kind, value.dtype, value.shape, value.tobytes())
    if (kind is not tuple and kind is not list) or deep > DEEPEST or len(value) > MOST_TYPED:
        return NotImplemented
    entries = [kind]
    for each in value:
        each = typed(each, deep + 1)
        if each is NotImplemented:
            return each
        entries.append(each)
    return tuple(entries)


cdef object copied(object value, int deep=0):
    """Return an argument, or if somebody may change it a copy: what was prepared may hold it."""
    kind = type(value)
    if kind is ndarray:
        return value.copy()
    if (kind is not tuple and kind is not list) or deep > DEEPEST:
        return value
    copies = [copied(each, deep + 1) for each in value]
    if kind is list:
        return copies
    for a, b in zip(copies, value):
        if a is not b:
            return tuple(copies)
    return value


@cython.final
cdef class Form:
    """How an array lies: everything about it but its elements."""

    cdef bytes shape, strides
    cdef object dtype
    cdef int flags

    @staticmethod
    cdef Form of(object array, int flags):
        """Return the form of an array that has these flags, or None."""
        cdef Form form = Form.__new__(Form)
        cdef object shared  # holds what `it` points to
        cdef Interface* it
        if type(array) is not ndarray or not array.dtype.isnative:
            return None
        shared = array.__array_struct__
        it = <Interface*>PyCapsule_GetPointer(shared, NULL)
        if it.flags & flags != flags:
            return None
        form.shape = PyBytes_FromStringAndSize(<char*>it.shape, it.ndim * sizeof(Py_ssize_t))
        form.strides = PyBytes_FromStringAndSize(<char*>it.strides, it.ndim * sizeof(Py_ssize_t))
        form.dtype, form.flags = array.dtype, flags
        return form

    cdef inline bint fits(self, object array):
        """Whether an array lies like this."""
        cdef object shared
        cdef Interface* it
        cdef size_t n
        if type(array) is not ndarray or array.dtype is not self.dtype:
            return False
        shared = array.__array_struct__
        it = <Interface*>PyCapsule_GetPointer(shared, NULL)
        n = it.ndim * sizeof(Py_ssize_t)
        return (it.flags & self.flags == self.flags and len(self.shape) == <Py_ssize_t>n > 0
                and memcmp(it.shape, PyBytes_AsString(self.shape), n) == 0
                and memcmp(it.strides, PyBytes_AsString(self.strides), n) == 0)

    cdef inline tuple key(self):
        return self.shape, self.strides, self.dtype


@cython.final
cdef class Kept:
    """A prepared call, and all that it was prepared for."""

    cdef object call
    cdef tuple forms, arguments, names, values  # of arrays; as typed by position and by name
    cdef Form out
    cdef tuple joined  # names of what else comes with each call

    @staticmethod
    cdef Kept of(Py_ssize_t arrays, tuple args, dict kwargs, object out, tuple joined):
        """Return what distinguishes a call from others, or None if it cannot be kept."""
        cdef Kept kept = Kept.__new__(Kept)
        forms = [Form.of(array, ALIGNED) for array in args[:arrays]]
        if out is not None:
            kept.out = Form.of(out, ALIGNED | WRITEABLE)
        if len(forms) < arrays or None in forms or (kept.out is None) != (out is None):
            return None
        kept.forms, kept.arguments = tuple(forms), args[arrays:]
        kept.names, kept.values, kept.joined = tuple(kwargs), tuple(kwargs.values()), joined
        return kept

    cdef object key(self):
        """Return it as a key, or None."""
        arguments, values = typed(self.arguments), typed(self.values)
        if arguments is NotImplemented or values is NotImplemented:
            return None
        return (tuple([(<Form>form).key() for form in self.forms]), arguments, self.names, values, self.joined,
                None if self.out is None else self.out.key())

    cdef inline bint serves(self, tuple args, dict kwargs, object out, tuple joined):
        """Whether a call is this one, down to the objects: no hash is needed then."""
        cdef Py_ssize_t i, arrays = len(self.forms), n = len(self.arguments)
        if (len(args) != arrays + n or len(kwargs) != len(self.names) or (out is None) != (self.out is None)
                or joined != self.joined
                or (out is not None and not self.out.fits(out))):
            return False
        for i in range(arrays):
            if not (<Form>self.forms[i]).fits(args[i]):
                return False
        for i in range(n):
            if args[arrays + i] is not self.arguments[i]:
                return False
        i = 0
        for name, value in kwargs.items():
            if value is not self.values[i] or name is not self.names[i]:
                return False
            i += 1
        return True


@cython.final
cdef class Memo:
    """One public function: what it prepared, and how it prepares what it has not."""

    cdef dict calls
    cdef Kept last  # found: most calls repeat it
    cdef object prepare
    cdef tuple arrays, converters
    cdef tuple beside
    cdef bint has_out
    cdef Py_ssize_t length  # of all axes of what is kept

    def __cinit__(self, prepare, dict arrays, tuple beside, bint has_out):
        self.calls, self.prepare, self.beside, self.has_out = {}, prepare, beside, has_out
        self.arrays, self.converters = tuple(arrays), tuple(arrays.values())

    cdef object find(self, tuple args, dict kwargs, object out, tuple joined):
        """Return the call that was prepared for the same, or None."""
        cdef Kept kept, found
        with cython.critical_section(self):
            kept = self.last
        if kept is not None and kept.serves(args, kwargs, out, joined):
            return kept.call
        kept = Kept.of(len(self.arrays), args, kwargs, out, joined)
        found = None if kept is None else self.calls.get(kept.key())
        if found is None:
            return None
        with cython.critical_section(self):
            self.last = found
        return found.call

    cdef object keep(self, object call, tuple args, dict kwargs, object out, tuple joined):
        """Keep a call if it can be found again."""
        cdef Kept kept = Kept.of(len(self.arrays), args, kwargs, out, joined)
        cdef Py_ssize_t length
        key = None if kept is None else kept.key()
        if key is not None:
            kept.call = call
            length = sum([sum(array.shape) for array in args[:len(self.arrays)]])
            if type(call) is Prepared:
                length += sum((<Prepared>call).shape) + networks_of((<Prepared>call).run)
            if len(self.calls) >= MOST or self.length + length > MOST_LENGTH:
                self.calls.clear()
                self.length = 0
            self.length += length
            self.calls[key] = kept

    cdef object serve(self, tuple args, dict kwargs):
        """Do what the function does."""
        cdef Py_ssize_t i, n = len(self.arrays)
        cdef object out = kwargs.pop("out", None) if kwargs and self.has_out else None
        cdef dict beside = None
        cdef tuple joined = ()
        if kwargs and self.beside:
            beside = {name: kwargs.pop(name) for name in self.beside if name in kwargs}
            joined = tuple([name for name, value in beside.items() if value is not None])
        while len(args) < n and self.arrays[len(args)] in kwargs:
            args = (*args, kwargs.pop(self.arrays[len(args)]))
        call = None if forgetful else self.find(args, kwargs, out, joined)
        if call is None:
            plain = [convert(name, array) for convert, name, array in zip(self.converters, self.arrays, args)]
            converted = any([a is not b for a, b in zip(plain, args)])
            args = (*plain, *args[n:])
            if converted and not forgetful:
                call = self.find(args, kwargs, out, joined)
        if call is None:
            args = (*args[:n], *copied(args[n:]))
            kwargs = {name: copied(value) for name, value in kwargs.items()}
            call = self.prepare(args, kwargs, out, beside or {})
            if not forgetful:
                self.keep(call, args, kwargs, out, joined)
        if out is not None:
            for i in range(n):
                if overlap(out, args[i]):
                    raise ValueError("out overlaps an input in memory; it must be an array of its own")
        if type(call) is Prepared:
            return (<Prepared>call).fill(args[0], () if n == 1 else args[1:n], out)
        if joined:
            return call(args[0], out, **beside)
        return call(*args[:n]) if out is None else call(*args[:n], out=out)


def remembering(prepare, dict arrays, tuple beside, bint has_out):
    """Return a function that calls what `prepare` makes of a call, and has each distinct call prepared once.

    Parameters
    ----------
    prepare : callable
        Function of the positional and the other arguments as typed, of `out` and of what comes beside, by name. What it
        returns is called on the arrays, and on these if they were given. It must not depend on what arrays hold, but
        on all else it may.
    arrays : dict
        The leading parameters whose elements are pooled, and for each a function of (name, value) that makes an array.
    beside : tuple of str
        Names of parameters that are given anew with each call, whatever they hold.
    has_out : bool
        Whether there is a parameter `out`.
    """
    cdef Memo memo = Memo(prepare, arrays, beside, has_out)

    def function(*args, **kwargs):
        return memo.serve(args, kwargs)

    return function


@cython.final
cdef class Prepared:
    """A call: the kernel's `run`, and how to make new outputs. It is called on arrays, and on `out` if there is one.

    Parameters
    ----------
    run : callable
        Function of (thread limit, x, y), then of what the call takes besides x, and of indices.
    shape : tuple of int
        Of the output.
    order : tuple of int
        Axes of the output from the outermost to the innermost in memory.
    dtype : dtype
        Of the output.
    bits : bool
        Whether an array is of bfloat16, which has no buffer of its own.
    index_dtype : dtype, optional
        Of the indices that are a second output, if they are.
    back : bool
        Whether it passes a gradient back: then `run` takes the output first, and then all inputs.
    """

    cdef readonly object run, dtype, index_dtype
    cdef readonly tuple shape
    cdef object laid, inverse  # the shape in memory order, and how its axes are turned; None in C order
    cdef readonly bint single
    cdef bint bits, back

    def __cinit__(self, run, tuple shape, tuple order, dtype, bint bits=False, index_dtype=None, bint back=False):
        self.run, self.shape, self.dtype, self.index_dtype = run, shape, dtype, index_dtype
        if order != tuple(range(len(shape))):
            self.laid = tuple(shape[a] for a in order)
            self.inverse = tuple(order.index(a) for a in range(len(shape)))
        self.bits, self.back = bits, back

    def alone(self):
        """Never use a second thread; return self."""
        self.single = True
        return self

    cdef inline object new(self, dtype):
        """Return a new array of the output's shape and memory order."""
        if self.laid is None:
            return empty(self.shape, dtype)
        return empty(self.laid, dtype).transpose(self.inverse)

    cdef object fill(self, x, tuple more, out, list told=None):
        """Fill the checked `out` or a new array, and return it, and new indices if there are any. What `run` returned
        is appended to `told`."""
        cdef object y = self.new(self.dtype) if out is None else out
        cdef object limit = 1 if self.single else threads.limit
        cdef object source = x, target = y
        if self.bits:
            source, target = engine.buffer(x), engine.buffer(y)
        if self.back:
            self.run(limit, target, source, *more)
            return y
        indices = None if self.index_dtype is None else self.new(self.index_dtype)
        met = self.run(limit, source, target, *more) if indices is None else self.run(
            limit, source, target, *more, indices)
        if told is not None:
            told.append(met)
        return y if indices is None else (y, indices)

    def __call__(self, x, *more, out=None):
        return self.fill(x, more, out)

    def masked(self, x, where):
        """Return the results, and whether NaN was among the elements of `x` that count."""
        cdef list told = []
        return self.fill(x, (where,), None, told), bool(told[0])
