"""Arrays in NumPy's own files: .npy in bands of rows, so that they may be larger than memory, and .npz."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..core import calls
from ..core.pieces import part, plan_of_parts
from ..geometry import AxisWindows
from .files import decoding
from .pooling import Axes, Pooling, Report

#: Bytes of input that are in memory at once when a .npy file is streamed.
BAND = 32 * 2**20


def _header(file: BinaryIO) -> tuple[Axes, bool, np.dtype[Any]]:
    """Read the head of a .npy file: shape, Fortran order, dtype."""
    version = np.lib.format.read_magic(file)
    heads = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in heads:
        raise ValueError(f"a .npy file of version {version} is not known")
    with decoding():
        return heads[version](file)


def _bands(rows: AxisWindows, planes: int, row: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut the work into planes [p, q) and output rows [first, last), about BAND bytes of input each.

    A row is what lies between two steps of the first pooled axis: `row` bytes, of a volume a whole slice.
    """
    if rows.size * row <= BAND:
        together = max(1, BAND // max(1, rows.size * row))
        for p in range(0, planes, together):
            yield p, min(p + together, planes), 0, rows.out
        return
    height = max(1, (BAND // row - rows.kernel * rows.step) // rows.stride)
    for p in range(planes):
        for first in range(0, rows.out, height):
            yield p, p + 1, first, min(first + height, rows.out)


def stream(pooling: Pooling, source: Path, target: Path, report: Report) -> tuple[Axes, Axes]:
    """Pool a .npy file into another, a band of rows at a time, or if in Fortran order at once; return both shapes."""
    with source.open("rb") as file:
        shape, fortran, dtype = _header(file)
        start = file.tell()
        if fortran or dtype.hasobject:
            y = pooling(np.load(source, mmap_mode="r", allow_pickle=False))
            np.save(target, y)
            return shape, y.shape
        axes, plan = pooling.axes(shape), pooling.plan(shape)
        native = dtype.newbyteorder("=")
        prepare = pooling.prepare(native)
        whole = prepare(plan, calls.dense_source(shape, native, axes))
        length, *row_shape = calls.sizes(shape, axes)
        row = math.prod(row_shape)
        planes = math.prod(shape[: axes[0]])
        across = [part(windows, 0, windows.out) for windows in plan.axes[1:]]
        with target.open("wb") as result:
            head = {"descr": np.lib.format.dtype_to_descr(whole.dtype), "fortran_order": False, "shape": whole.shape}
            np.lib.format.write_array_header_2_0(result, head)
            for p, q, first, last in _bands(plan.axes[0], planes, row * dtype.itemsize) if planes else ():
                rows = part(plan.axes[0], first, last)
                if q - p > 1:  # whole planes follow one another
                    rows = rows._replace(begin=0, end=length)
                file.seek(start + (p * length + rows.begin) * row * dtype.itemsize)
                count = (q - p) * (rows.end - rows.begin) * row
                x = np.fromfile(file, dtype, count)
                if x.size < count:
                    raise EOFError(f"{source} ends early")
                x = x.reshape(q - p, -1, *row_shape)[:, :, *(slice(a.begin, a.end) for a in across)]
                x = np.ascontiguousarray(x, native)
                local = plan_of_parts(plan, (rows, *across))
                y = prepare(local, calls.dense_source(x.shape, native, tuple(range(1, x.ndim))))(x)
                np.ascontiguousarray(y).tofile(result)
                report(((q - 1) * plan.out_shape[0] + last) / (planes * plan.out_shape[0]))
    return shape, whole.shape


def each_member(pooling: Pooling, source: Path, target: Path, report: Report) -> tuple[Axes, Axes]:
    """Pool every array of a .npz file, one at a time, names kept; return the shapes of the last."""
    shapes: tuple[Axes, Axes] | None = None
    with source.open("rb") as file, zipfile.ZipFile(target, "w") as result:
        with decoding():
            archive = np.lib.npyio.NpzFile(file)
        for i, name in enumerate(archive.files):
            with decoding():
                x = archive[name]
            if not isinstance(x, np.ndarray):
                raise ValueError(f"{source} holds {name}, which is no array")
            y = pooling(x)
            with result.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, y, allow_pickle=False)
            shapes = x.shape, y.shape
            report((i + 1) / len(archive.files))
    if shapes is None:
        raise ValueError(f"{source} holds no array")
    return shapes
