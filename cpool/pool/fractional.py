"""Fractional max pooling (Graham, arXiv:1412.6071): windows of one size at pseudo-random places."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import geometry
from ..core import calls, checks, engine
from ..core.public import Elements, Function, functions
from . import extremes

Array = np.ndarray[Any, Any]


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


def _output_lengths(sizes: tuple[int, ...], kernel: tuple[int, ...], output_size: Any, ratio: Any) -> tuple[int, ...]:
    """Return the checked length of each output axis."""
    if (output_size is None) == (ratio is None):
        raise ValueError(
            f"one of output_size and output_ratio must be given, got output_size={output_size!r} and "
            f"output_ratio={ratio!r}"
        )
    if output_size is not None:
        lengths = checks.ints("output_size", output_size, len(sizes), 1)
    else:
        given = tuple(ratio) if isinstance(ratio, (tuple, list, np.ndarray)) else (ratio,) * len(sizes)
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


def _samples(given: Any, rng: Any, lead: tuple[int, ...], ndim: int, dtype: Any) -> Array:
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

    def pool(x: Array) -> Any:
        samples = _samples(random_samples, rng, lead, ndim, x.dtype)
        y = np.empty(lead + lengths, x.dtype)
        indices = np.empty(y.shape if with_indices else 0, np.int64)
        for plane, sample in zip(np.ndindex(lead), samples, strict=True):
            plan = geometry.plan_of(
                geometry.fractional_windows(n, k, o, s)
                for n, k, o, s in zip(sizes, kernel, lengths, sample[order], strict=True)
            )
            at = x[plane]
            result = extremes.select("max", plan, calls.source(at, None, ndim, None), with_indices)(at)
            if with_indices:
                y[plane], indices[plane] = result
            else:
                y[plane] = result
        return (y, indices) if with_indices else y

    return pool


def _last(ndim: int) -> dict[str, str]:
    """Return how the last row of the example prints."""
    row = np.arange(4.0**ndim).reshape((4,) * ndim)[(-1,) * (ndim - 1)][1:]
    return dict(last=repr(row)[len("array([") : -2])


fractional_max_pool2d, fractional_max_pool3d = functions("fractional_max_pool{d}d", _POOL, _pool, _last, ndims=(2, 3))
