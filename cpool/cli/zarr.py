"""Zarr arrays, larger than memory: dask cuts and schedules, cpool.dask pools, nothing is held. Pyramids of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import zarr
from dask.callbacks import Callback
from dask.system import CPU_COUNT
from ome_zarr_models.v05.axes import Axis
from ome_zarr_models.v05.image_label import ImageLabelAttrs
from ome_zarr_models.v05.image_label_types import Color, Label
from ome_zarr_models.v05.multiscales import Dataset, Multiscale

from ..core import calls
from ..dask import pool_blocks
from . import files
from .pictures import IN_ARRAY, Picture, order_of
from .pooling import KEEPS_LABELS, OPERATIONS, Axes, Pooling, Report

#: OME-Zarr's names of a TIFF's axes, and of those of an array that came without words, by their number.
NAMES = {"T": "t", "C": "c", "S": "c", "Z": "z", "I": "z", "Q": "z", "Y": "y", "X": "x"}
UNSAID = {2: {2: "yx", 3: "cyx", 4: "tcyx", 5: "tczyx"}, 3: {3: "zyx", 4: "czyx", 5: "tczyx"}}
#: The letters that tifffile would have for axes that a Zarr array calls so.
LETTERS = {"t": "T", "time": "T", "c": "C", "channel": "C", "channels": "C", "z": "Z", "y": "Y", "x": "X"}
#: Bytes of a chunk that no file prescribes, and least bytes of one of many in a shard.
CHUNK, LEAST = 32 * 2**20, 32 * 2**10
TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


class _Progress(Callback):  # type: ignore[misc]
    """Report the finished part of dask's tasks."""

    def __init__(self, report: Report) -> None:
        super().__init__(posttask=self.after)
        self.report = report

    def after(self, key: Any, result: Any, tasks: Any, state: Any, worker: Any) -> None:
        """Count the tasks."""
        done = len(state["finished"])
        every = done + sum(len(state[name]) for name in ("ready", "waiting", "running"))
        self.report(done / max(1, every))


class _Mapped:
    """A mapped array of which dask sees parts alone: it would copy what has a method `copy`, and digest the rest."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim

    def __dask_tokenize__(self) -> int:
        return id(self)

    def __getitem__(self, at: Any) -> Any:
        return self.array[at]

    def __setitem__(self, at: Any, part: Any) -> None:
        self.array[at] = part


@contextmanager
def computing(report: Report) -> Iterator[None]:
    """Let dask compute; when it is over, also by an error, no task is left that would still write."""
    workers = ThreadPoolExecutor(dask.config.get("num_workers", CPU_COUNT))
    with workers, dask.config.set(pool=workers), _Progress(report), files.decoding():
        yield


def _letters(names: tuple[str | None, ...], ndim: int) -> str:
    """Return letters of a Zarr array's axes, of those whose names say nothing by their number; none if all are such.

    >>> _letters(("time", "lat", "lon"), 2), _letters(("lat", "lon"), 2), _letters(("z", "y", "x"), 2)
    ('TYX', '', 'ZYX')
    """
    known = [LETTERS.get(str(name).lower()) for name in names]
    unsaid = UNSAID[ndim].get(len(names), "q" * len(names)).upper()
    return "".join(k or u for k, u in zip(known, unsaid, strict=True)) if any(known) else ""


def opened(path: Path, ndim: int, chunk: int = CHUNK) -> Picture:
    """Return a file with its array as dask's, which is read when it is needed; only PNG and JPEG are so at once.

    A Zarr array comes in its own chunks, others in chunks of at most `chunk` bytes. The last `ndim` axes are pooled.
    """
    if files.format_of(path, "IN") != ".zarr":
        picture = files.read(path)
        array = picture.array.view(np.dtype(picture.array.dtype.str))  # int64, where it is C's long long
        chunks = f"{chunk}B" if array.size else -1
        x = da.from_array(_Mapped(array), chunks=chunks, name=False)  # a name would be a digest of all of it
        return picture._replace(array=x.astype(x.dtype.newbyteorder("=")))
    with files.decoding():
        found = zarr.open(path, mode="r")
        if isinstance(found, zarr.Array):
            names = getattr(found.metadata, "dimension_names", None) or found.attrs.get("_ARRAY_DIMENSIONS", ())
            names = tuple(names) if len(names) == found.ndim else ()
            return Picture(da.from_zarr(found), _letters(names, ndim), names=names)
        names = ", ".join(sorted(found.array_keys()))
    raise ValueError(f"{path} is a Zarr group; name one of its arrays: {names or 'none'}")


def _pooled(pooling: Pooling, x: Any, labels: bool) -> Any:
    """Return the lazy result."""
    source = calls.dense_source(x.shape, x.dtype, pooling.axes(x.shape))
    return pool_blocks(calls.Windowed(pooling.plan(x.shape), source, partial(pooling.prepare(x.dtype, labels))), x)


def _chunks(x: Any) -> Axes:
    """Return one shape for all chunks of a dask array."""
    return tuple(max(1, *lengths) for lengths in x.chunks)


def store(
    arrays: Mapping[Path, Any], chunks: Axes, report: Report, shards: Axes | None = None,
    names: Sequence[str | None] = (),
) -> None:  # fmt: skip
    """Write dask arrays as Zarr arrays, in one pass over what they are made of.

    Chunks have one shape in all of them, or the array's where that is smaller. With `shards`, so many of them along
    each axis are one file.
    """
    cut, stored = [], []
    for path, x in arrays.items():
        chunk = tuple(max(1, min(c, n)) for c, n in zip(chunks, x.shape, strict=True))
        shard = shards and tuple(c * min(s, -(-n // c) or 1) for c, s, n in zip(chunk, shards, x.shape, strict=True))
        cut.append(x.rechunk(shard or chunk))  # a task writes whole files
        stored.append(
            zarr.create_array(
                path, shape=x.shape, chunks=chunk, shards=shard, dtype=x.dtype, dimension_names=[*names] or None
            )
        )
    with computing(report):
        da.store(cut, stored, lock=False)


def pool(pooling: Pooling, source: Path, target: Path, report: Report) -> tuple[Axes, Axes]:
    """Pool from or to Zarr; return both shapes."""
    picture = opened(source, pooling.ndim)
    picture.refuse_to_pool(pooling.ndim)
    y = _pooled(pooling, picture.array, picture.labels)
    if files.format_of(target, "OUT") == ".zarr":
        store({target: y}, _chunks(y), report, names=picture.names)
    elif files.format_of(target, "OUT") == ".npy":
        with computing(report):
            da.store(y, _Mapped(files.new_array(target, y.shape, y.dtype)), lock=False)
    else:
        with computing(report):
            result = y.compute()
        files.write(target, picture._replace(array=result))
    return picture.array.shape, y.shape


def _names(picture: Picture, ndim: int) -> str:
    """Return OME-Zarr's names of a picture's axes, of which the last `ndim` are halved."""
    count = picture.array.ndim
    if not picture.axes:
        if count not in UNSAID[ndim]:
            raise ValueError(f"an image of {ndim} pooled axes has {ndim} to 5 axes, got shape {picture.array.shape}")
        return UNSAID[ndim][count]
    names = "".join(NAMES.get(axis, "") for axis in picture.axes)
    if len(set(names)) < count:
        raise ValueError(f"OME-Zarr has time, channel, z, y and x once each; the axes are {picture.axes}")
    return names


def _colours(picture: Picture) -> Label | None:
    """Return the palette as OME-Zarr has it."""
    if picture.palette is None:
        return None
    eight = (picture.palette >> 8).tolist()
    colours = tuple(Color(label_value=i, rgba=tuple(colour)) for i, colour in enumerate(eight))
    return Label(colors=colours, version="0.5")


def pyramid(
    source: Path, target: Path, levels: int, op: str, ndim: int, report: Report, ignore: int | None = None,
    shards: int = 1,
) -> list[Axes]:  # fmt: skip
    """Write an OME-Zarr 0.5 image of `levels` levels, each half the one above; return their shapes.

    A block of the picture is read once: while it is in memory it is stored, and pooled for the levels below. A
    remainder of one row makes a window of its own (ceil_mode), so nothing of the picture is lost.
    """
    picture = opened(source, ndim, max(LEAST, CHUNK // shards**ndim))
    pooling = Pooling(op, ndim, dict(kernel_size=2, stride=2, ceil_mode=True), ignore=ignore)
    picture.refuse_to_pool(ndim)
    if picture.axes:  # a Zarr array's may stand in any order
        order = order_of(picture.axes, IN_ARRAY)
        axes = "".join(picture.axes[i] for i in order)
        picture = picture._replace(array=picture.array.transpose(order), axes=axes)
    x = picture.array
    pooling.axes(x.shape)
    names = _names(picture, ndim)
    if levels > max(x.shape[-ndim:]).bit_length() + 1:
        raise ValueError(f"levels={levels} is more than an image of shape {x.shape} can be halved into")
    if x.dtype == bool and OPERATIONS[op].between:
        raise TypeError(f"{op} of bits gives no bits; a pyramid keeps IN's dtype: take --op {KEEPS_LABELS}")
    pooling.prepare(x.dtype, picture.labels)
    zarr.open_group(target, mode="w")
    chunks, carried = _chunks(x), x.ndim - ndim
    arrays, datasets = {}, []
    for level in range(levels):
        if level:
            x = _pooled(pooling, x, picture.labels).rechunk(chunks)
        arrays[target / str(level)] = x
        scale = [1.0] * carried + [2.0**level] * ndim
        shift = [0.0] * carried + [(2.0**level - 1) / 2] * ndim  # the centre of the first window
        datasets.append(Dataset.build(path=str(level), scale=scale, translation=shift))
    store(arrays, chunks, report, (1,) * carried + (shards,) * ndim if shards > 1 else None, names)
    multiscale = Multiscale(
        axes=[Axis(name=n, type=TYPES[n]) for n in names], datasets=tuple(datasets), name=source.stem, type=op
    )
    attributes = ImageLabelAttrs(multiscales=[multiscale], image_label=_colours(picture), version="0.5")
    zarr.open_group(target, mode="a").attrs["ome"] = attributes.model_dump(by_alias=True, exclude_none=True)
    return [x.shape for x in arrays.values()]
