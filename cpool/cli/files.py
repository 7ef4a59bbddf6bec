"""Files for the command line: pictures and .npz in memory, .npy in bands of rows, Zarr by dask. Whole or not at all."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from . import _call, geometry
from ._pieces import part, plan_of_parts

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]
#: Called with the part of the work that is done, from 0 to 1.
Report = Callable[[float], None]

PICTURES = (".png", ".jpg", ".jpeg")
KNOWN = (".npy", ".npz", ".zarr", *PICTURES)
#: Bytes of input that are in memory at once when a .npy file is streamed.
BAND = 32 * 2**20


class Pooling(NamedTuple):
    """What to do to the last two axes: the windows of each length, and the call for a plan."""

    plan: Callable[[Axes], geometry.Plan]
    prepare: _call.Prepare

    def __call__(self, x: Array) -> Array:
        """Pool an array."""
        axes = last_two(x.shape)
        x = np.ascontiguousarray(x, x.dtype.newbyteorder("="))
        call = self.prepare(self.plan(x.shape[-2:]), _call.dense_source(x.shape, x.dtype, axes))
        return call.forward(x)


def last_two(shape: Axes) -> Axes:
    """Return the pooled axes."""
    if len(shape) < 2:
        raise ValueError(f"an array of shape {shape} has no two axes to pool")
    return len(shape) - 2, len(shape) - 1


def kind(path: Path, name: str) -> str:
    """Return the ending of a file name, if it is one that cpool knows."""
    if path.suffix.lower() not in KNOWN:
        raise ValueError(f"{name} must end in {', '.join(KNOWN)}; got {path.name}")
    return path.suffix.lower()


def read(path: Path) -> Array:
    """Return the array of a file, of a picture as (channels, H, W) floats."""
    if kind(path, "IN") == ".npy":
        array: Array = np.load(path, allow_pickle=False)
        return array
    with Image.open(path) as image:
        plain = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")
        pixels = np.asarray(plain, np.float32)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def write(path: Path, array: Array) -> None:
    """Write an array as the file that the name's ending asks for."""
    if path.suffix.lower() == ".npy":
        np.save(path, array)
        return
    if array.ndim != 3 or array.shape[0] not in (1, 3, 4):
        raise ValueError(f"an array of shape {array.shape} is not a picture: 1, 3 or 4 channels first")
    pixels = np.clip(np.rint(array), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    if path.suffix.lower() != ".png" and image.mode == "RGBA":
        raise ValueError("JPEG has no transparency: write .png instead")
    image.save(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def whole_or_nothing(path: Path, force: bool) -> Iterator[Path]:
    """Yield a path beside `path` to write to, and move it into place only after success."""
    folder = kind(path, "OUT") == ".zarr"
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists; --force overwrites it")
    if path.exists() and path.is_dir() != folder:
        raise FileExistsError(f"{path} is {'not ' if folder else ''}a folder")
    room = Path(tempfile.mkdtemp(prefix=".cpool-", dir=path.parent))
    beside = room / f"out{path.suffix}"
    try:
        yield beside
        if folder and path.exists():
            path.rename(room / "old")
        if not folder:
            beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    finally:
        shutil.rmtree(room, ignore_errors=True)


# ------------------------------------------------------------------------------------------------------------- .npy


def _header(file: BinaryIO) -> tuple[Axes, bool, np.dtype[Any]]:
    """Read the head of a .npy file: shape, Fortran order, dtype."""
    version = np.lib.format.read_magic(file)
    heads = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in heads:
        raise ValueError(f"a .npy file of version {version} is not known")
    return heads[version](file)


def _pieces(sizes: Axes, planes: int, row: int, plan: geometry.Plan) -> Iterator[tuple[int, int, int, int]]:
    """Cut the work into planes [p, q) and output rows [first, last), about BAND bytes of input each."""
    height = plan.axes[0]
    if sizes[0] * row <= BAND:
        together = max(1, BAND // max(1, sizes[0] * row))
        for p in range(0, planes, together):
            yield p, min(p + together, planes), 0, height.out
        return
    rows = max(1, (BAND // row - height.kernel * height.step) // height.stride)
    for p in range(planes):
        for first in range(0, height.out, rows):
            yield p, p + 1, first, min(first + rows, height.out)


def stream(pooling: Pooling, source: Path, target: Path, report: Report) -> tuple[Axes, Axes]:
    """Pool a .npy file into another without ever holding more than a band of rows; return both shapes."""
    with source.open("rb") as file:
        shape, fortran, dtype = _header(file)
        start = file.tell()
        if fortran or len(shape) < 2 or dtype.hasobject:
            y = pooling(read(source))
            np.save(target, y)
            return shape, y.shape
        plan = pooling.plan(shape[-2:])
        native, lead = dtype.newbyteorder("="), shape[:-2]
        whole = pooling.prepare(plan, _call.dense_source(shape, native, last_two(shape)))
        across = part(plan.axes[1], 0, plan.axes[1].out)
        planes, row = math.prod(lead), shape[-1] * dtype.itemsize
        with target.open("wb") as result:
            head = {"descr": np.lib.format.dtype_to_descr(whole.dtype), "fortran_order": False, "shape": whole.shape}
            np.lib.format.write_array_header_2_0(result, head)
            for p, q, first, last in _pieces(shape[-2:], planes, row, plan) if planes else ():
                rows = part(plan.axes[0], first, last)
                if q - p > 1:  # whole planes follow one another
                    rows = rows._replace(begin=0, end=shape[-2])
                file.seek(start + (p * shape[-2] + rows.begin) * row)
                count = (q - p) * (rows.end - rows.begin) * shape[-1]
                x = np.fromfile(file, dtype, count)
                if x.size < count:
                    raise EOFError(f"{source} ends early")
                x = x.reshape(q - p, -1, shape[-1])[:, :, across.begin : across.end]
                x = np.ascontiguousarray(x, native)
                local = plan_of_parts(plan, (rows, across))
                y = pooling.prepare(local, _call.dense_source(x.shape, x.dtype, (1, 2))).forward(x)
                np.ascontiguousarray(y).tofile(result)
                report(((q - 1) * plan.out_shape[0] + last) / (planes * plan.out_shape[0]))
    return shape, whole.shape


# ------------------------------------------------------------------------------------------------------------- .npz


def each_member(pooling: Pooling, source: Path, target: Path, report: Report) -> tuple[Axes, Axes]:
    """Pool every array of a .npz file, one at a time, names kept; return the shapes of the last."""
    shapes: tuple[Axes, Axes] | None = None
    with np.load(source, allow_pickle=False) as archive, zipfile.ZipFile(target, "w") as result:
        for i, name in enumerate(archive.files):
            x = archive[name]
            y = pooling(x)
            with result.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, y, allow_pickle=False)
            shapes = x.shape, y.shape
            report((i + 1) / len(archive.files))
    if shapes is None:
        raise ValueError(f"{source} holds no array")
    return shapes
