"""Zarr arrays for the command line, larger than memory: dask cuts and schedules, cpool.dask pools, nothing is held."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import zarr
from dask.callbacks import Callback
from ome_zarr_models.v05.axes import Axis
from ome_zarr_models.v05.image import ImageAttrs
from ome_zarr_models.v05.multiscales import Dataset, Multiscale

from . import _files, geometry
from ._averages import average
from ._extremes import select
from ._files import Axes, Pooling, Report
from ._sorted import statistic
from .dask import pool_blocks

#: Names of the axes by how many are pooled and how many there are (OME-Zarr 0.5: time, channel, then space).
NAMES = {2: {2: "yx", 3: "cyx", 4: "tcyx", 5: "tczyx"}, 3: {3: "zyx", 4: "czyx", 5: "tczyx"}}
TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


class _Progress(Callback):  # type: ignore[misc]
    """Report the finished part of dask's tasks."""

    def __init__(self, report: Report, first: float = 0.0, share: float = 1.0) -> None:
        super().__init__(posttask=self.after)
        self.report, self.first, self.share = report, first, share

    def after(self, key: Any, result: Any, tasks: Any, state: Any, worker: Any) -> None:
        """Count the tasks."""
        done = len(state["finished"])
        every = done + sum(len(state[name]) for name in ("ready", "waiting", "running"))
        self.report(self.first + self.share * done / max(1, every))


def opened(path: Path) -> Any:
    """Return a file as a dask array; only pictures are read into memory."""
    ending = _files.kind(path, "IN")
    if ending == ".zarr":
        found = zarr.open(path, mode="r")
        if not isinstance(found, zarr.Array):
            raise ValueError(
                f"{path} is a Zarr group; name one of its arrays: {', '.join(found.array_keys()) or 'none'}"
            )
        return da.from_zarr(found)
    if ending == ".npy":
        return da.from_array(np.load(path, mmap_mode="r", allow_pickle=False), chunks="32MiB")
    return da.from_array(_files.read(path))


def store(
    x: Any, target: Path, report: Report, names: str | None = None, first: float = 0.0, share: float = 1.0
) -> None:
    """Write a dask array as a Zarr array, in chunks of one shape."""
    chunks = tuple(max(lengths, default=1) for lengths in x.chunks)
    array = zarr.create_array(target, shape=x.shape, chunks=chunks, dtype=x.dtype, dimension_names=names and [*names])
    with _Progress(report, first, share):
        da.store(x.rechunk(chunks), array, lock=False)  # a task writes whole chunks


def pool(pooling: Pooling, source: Path, target: Path, report: Report) -> tuple[Axes, Axes]:
    """Pool from or to Zarr; return both shapes."""
    x = opened(source)
    axes = _files.last_two(x.shape)
    y = pool_blocks(pooling.prepare, pooling.plan(x.shape[-2:]), x, axes)
    if target.suffix.lower() == ".zarr":
        store(y, target, report)
    else:
        with _Progress(report):
            _files.write(target, y.compute())
    return x.shape, y.shape


def pyramid(source: Path, target: Path, levels: int, op: str, ndim: int, report: Report) -> list[Axes]:
    """Write an OME-Zarr 0.5 image of `levels` levels, each half the one above; return their shapes.

    Each level is pooled from the stored level above it, so one pass over a level makes the next. A remainder of one row
    makes a window of its own (ceil_mode), so nothing of the picture is lost.
    """
    x = opened(source)
    if x.ndim not in NAMES[ndim]:
        raise ValueError(f"an image of {ndim} pooled axes has {min(NAMES[ndim])} to 5 axes, got shape {x.shape}")
    names, axes = NAMES[ndim][x.ndim], tuple(range(x.ndim - ndim, x.ndim))
    longest = max(x.shape[-ndim:])
    if levels > longest.bit_length() + 1:
        raise ValueError(f"levels={levels} is more than an image of shape {x.shape} can be halved into")
    prepare = {
        "avg": partial(average, dtype=x.dtype if x.dtype.kind in "iu" else None),
        "max": partial(select, "max"),
        "mode": partial(statistic, "mode"),
    }[op]
    zarr.open_group(target, mode="w")
    shapes, datasets = [], []
    for level in range(levels):
        if level:
            x = da.from_zarr(str(target / str(level - 1)))
            plan = geometry.plan(x.shape[-ndim:], 2, 2, ceil_mode=True, needs_input=op != "avg")
            x = pool_blocks(prepare, plan, x, axes)
        store(x, target / str(level), report, names, level / levels, 1 / levels)
        shapes.append(x.shape)
        scale = [1.0] * (x.ndim - ndim) + [2.0**level] * ndim
        shift = [0.0] * (x.ndim - ndim) + [(2.0**level - 1) / 2] * ndim  # the centre of the first window
        datasets.append(Dataset.build(path=str(level), scale=scale, translation=shift))
    multiscale = Multiscale(
        axes=[Axis(name=n, type=TYPES[n]) for n in names], datasets=tuple(datasets), name=source.stem, type=op
    )
    attributes = ImageAttrs(multiscales=[multiscale], version="0.5")
    zarr.open_group(target, mode="a").attrs["ome"] = attributes.model_dump(exclude_none=True)
    return shapes
