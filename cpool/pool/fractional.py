"""Fractional max pooling (Graham, arXiv:1412.6071): windows of one size at pseudo-random places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks, engine
from ..core.prepared import Prepared
from ..core.public import Elements, Function, functions
from . import extremes

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


_POOL = """Maximum of windows that lie pseudo-randomly over the {last_axes}, for each plane its own.

    Parameters
    ----------
    {x}
    {kernel_size}
    output_size : int or {ints}, optional
        Length of each output axis.
    output_ratio : float or {d} floats, optional
        The same as a part of the input's, between 0 and 1. One of the two must be given.
    return_indices : bool
        Also return where each maximum stands.
    random_samples : array_like of float, shape (..., {d}), optional
        One number in [0, 1) for each plane and axis, in torch's order; fixes the windows.
    rng : numpy.random.Generator or int, optional
        Draws the samples if they are not given, by ``numpy.random.default_rng(rng)``.

    Returns
    -------
    ndarray or (ndarray, ndarray)
        As `max_pool{d}d`; the same windows as torch for the same samples and dtype.

    Raises
    ------
    TypeError
        If `x` has another dtype, or an argument is not a number where one belongs.
    ValueError
        If an argument is out of range, or both or neither of `output_size` and `output_ratio` are given.

    References
    ----------
    Ben Graham, *Fractional Max-Pooling*, arXiv:1412.6071.

    Examples
    --------
    >>> import numpy as np, cpool
    >>> x = np.arange({size}.0).reshape({cube})
    >>> cpool.{name}(x, 2, output_size=3, random_samples=np.full({d}, 0.5)).ravel()[-3:]
    array([{last}])
    """


def _output_lengths(sizes: Axes, kernel: Axes, output_size: Any, ratio: Any) -> Axes:
    """Return the checked length of each output axis."""
    if (output_size is None) == (ratio is None):
        raise ValueError(
            f"one of output_size and output_ratio must be given, got output_size={output_size!r} and "
            f"output_ratio={ratio!r}"
        )
    if output_size is not None:
        lengths = checks.ints("output_size", output_size, len(sizes), 1)
    else:
        given = tuple(ratio) if checks.sequence(ratio) else (ratio,) * len(sizes)
        if len(given) != len(sizes):
            raise ValueError(f"output_ratio must be a number or {len(sizes)} of them, got {ratio!r}")
        for r in given:
            if not 0 < checks.nonzero_number("output_ratio", r) < 1:
                raise ValueError(f"output_ratio must be between 0 and 1, got {r!r}")
        lengths = tuple(int(n * float(r)) for n, r in zip(sizes, given, strict=True))
    for size, k, length in zip(sizes, kernel, lengths, strict=True):
        if length < 1 or length + k - 1 > size:
            raise ValueError(
                f"kernel_size={k} and an output of {length} do not fit a pooled axis of {size}: the output must be at "
                f"least 1 and at most size - kernel_size + 1"
            )
    return lengths


def _samples(given: Any, rng: Any, lead: Axes, ndim: int, dtype: Any) -> Array:
    """Return the checked random samples, one row per plane, as the float type that torch computes in."""
    wanted = (*lead, ndim)
    kind = np.float64 if dtype == np.float64 else np.float32
    if given is None:
        return checks.generator("rng", rng).random(wanted, kind).reshape(-1, ndim)
    samples = checks.array("random_samples", given)
    if samples.dtype.kind != "f":
        raise TypeError(f"random_samples must be floating point, got {samples.dtype}")
    if samples.shape != wanted:
        raise ValueError(f"random_samples must have shape {wanted}, got {samples.shape}")
    if not ((samples >= 0) & (samples < 1)).all():
        raise ValueError("random_samples must lie in [0, 1)")
    return samples.astype(kind).reshape(-1, ndim)


#: Elements of planes that are pooled at once: they stay in the caches.
_AT_ONCE = 2**16
#: If windows have fewer elements than one in so many of a plane, these are gathered, and all others are left alone.
_FEW = 4


def _positions(starts: list[Array], sizes: Axes) -> Array:
    """Return, of each plane, where windows start in dense planes of these sizes, from the first plane on."""
    at: Array = np.arange(len(starts[0])).reshape(-1, *(1,) * len(sizes))
    for axis, (begin, n) in enumerate(zip(starts, sizes, strict=True)):
        shape = [len(begin), *(1,) * len(sizes)]
        shape[1 + axis] = -1
        at = at * n + begin.reshape(shape)
    return at.reshape(len(at), -1)


def _every(shape: Axes, kernel: Axes, dtype: Any, with_indices: bool) -> Prepared:
    """Prepare a pooling of dense planes by windows that begin at each element."""
    plan = geometry.plan(shape[1:], kernel, 1)
    source = calls.dense_source(shape, dtype, tuple(range(1, len(shape))))
    return extremes.select("max", plan, source, with_indices)


def _pool(
    ndim: int,
    x: Elements,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    *,
    random_samples: Any = None,
    rng: Any = None,
) -> Function:
    calls.computed_in(engine.PICKS, x.dtype)
    sizes = calls.sizes(x.shape, checks.pooled_axes(None, ndim, x.ndim))
    kernel = checks.per_axis("kernel_size", kernel_size, ndim, 1)
    lengths = _output_lengths(sizes, kernel, output_size, output_ratio)
    lead = x.shape[:-ndim]
    with_indices = checks.flag("return_indices", return_indices)
    # torch gives a plane's samples to the axes D, H, W in 3d, but to W, H in 2d.
    order = slice(None, None, -1) if ndim == 2 else slice(None)
    planes, outputs, taps = math.prod(lead), math.prod(lengths), math.prod(kernel)
    # Either all windows are pooled, and the wanted ones taken; or their elements are gathered, a row of each.
    few = math.prod(sizes) > _FEW * outputs * taps
    block = max(1, _AT_ONCE // (outputs * taps if few else math.prod(sizes)))
    pooled = {
        n: _every((n * outputs, taps) if few else (n, *sizes), (taps,) if few else kernel, x.dtype, with_indices)
        for n in {min(block, planes), planes % block} - {0}
    }
    places = sizes if few else tuple(n - k + 1 for n, k in zip(sizes, kernel, strict=True))
    offsets = _positions([np.arange(k)[None] for k in kernel], sizes) if few else None

    def pool(x: Array, out: None = None, random_samples: Any = None, rng: Any = None) -> Any:
        samples = _samples(random_samples, rng, lead, ndim, x.dtype)[:, order]
        flat, y = x.reshape(planes, *sizes), np.empty((planes, outputs), x.dtype)
        indices = np.empty(y.shape if with_indices else 0, np.int64)
        for first in range(0, planes, block):
            some = slice(first, min(planes, first + block))
            dense, every = np.ascontiguousarray(flat[some]), pooled[some.stop - first]
            windows = zip(sizes, kernel, lengths, samples[some].T, strict=True)
            at = _positions([geometry.fractional_starts(*of_axis) for of_axis in windows], places)
            if offsets is not None:
                at = at.reshape(-1, 1) + offsets
                dense = dense.take(at)
            result, *where = every(dense) if with_indices else (every(dense),)
            y[some] = result.reshape(-1, outputs) if few else result.take(at)
            if where and few:
                winners = np.arange(0, at.size, taps) + where[0][:, 0]  # where nothing is computed, anything
                indices[some] = at.take(winners, mode="clip").reshape(-1, outputs) % math.prod(sizes)
            elif where:
                indices[some] = where[0].take(at)
        y = y.reshape(lead + lengths)
        return (y, indices.reshape(y.shape)) if with_indices else y

    return pool


def _last(ndim: int) -> dict[str, str]:
    """Return how the last row of the example prints."""
    row = np.arange(4.0**ndim).reshape((4,) * ndim)[(-1,) * (ndim - 1)][1:]
    return dict(last=repr(row)[len("array([") : -2])


fractional_max_pool2d, fractional_max_pool3d = functions("fractional_max_pool{d}d", _POOL, _pool, _last, ndims=(2, 3))
