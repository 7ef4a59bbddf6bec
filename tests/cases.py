"""The one list of geometries that the torch cross-checks, live and recorded, run through."""

import itertools

import numpy as np

#: (H, W), then torch's arguments by name.
GEOMETRIES = [
    ((h, w), dict(kernel_size=k, stride=s, padding=p, dilation=d, ceil_mode=c))
    for (h, w), k, s, p, d, c in itertools.product(
        [(1, 1), (4, 4), (5, 7), (14, 14), (9, 33)],
        [1, 2, 3, (2, 3), (5, 1), 13],
        [None, 1, 2, 3, (2, 1), 4],
        [0, 1, (0, 1), 6],
        [1, 2, (1, 3)],
        [False, True],
    )
]


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def torch_accepts(sizes, kernel_size, stride, padding, dilation, ceil_mode):
    """Whether torch takes the arguments; where a window lies wholly in padding, it then writes outside its arrays."""
    from cpool import geometry

    if any(p > k // 2 for p, k in zip(pair(padding), pair(kernel_size), strict=True)):
        return False
    try:
        geometry.plan(sizes, kernel_size, stride, padding, dilation, ceil_mode, needs_input=True)
    except ValueError:
        return False
    return True


def difficult(shape, dtype, seed=0):
    """Return values with ties, NaN and both infinities."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, shape).astype(dtype)
    flat = x.reshape(-1)
    for value in (np.nan, np.inf, -np.inf):
        flat[rng.random(flat.size) < 0.04] = value
    return x


def recorded_name(sizes, arguments):
    """Return the key of a geometry in recorded/torch.npz: a literal that gives it back."""
    return repr((sizes, arguments))


def channels_last(x):
    """Return the same numbers with axis 1 innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


#: Memory layouts that hold the same values.
LAYOUTS = ["C", "F", "channels-last", "reversed", "strided", "swapped", "read-only", "unaligned"]


def laid_out(x, layout):
    """Return an array equal to `x` that lies in memory as asked."""
    x = np.ascontiguousarray(x)
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "channels-last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    if layout == "reversed":
        every = (slice(None, None, -1),) * x.ndim
        return np.ascontiguousarray(x[every])[every]
    if layout == "strided":
        room = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
        room[(slice(1, None, 2),) * x.ndim] = x
        return room[(slice(1, None, 2),) * x.ndim]
    if layout == "swapped":
        return x.astype(x.dtype.newbyteorder())
    if layout == "read-only":
        x = x.copy()
        x.flags.writeable = False
        return x
    if layout == "unaligned":
        room = np.zeros(x.nbytes + 1, np.uint8)
        room[1:] = x.reshape(-1).view(np.uint8)
        return room[1:].view(x.dtype).reshape(x.shape)
    return x
