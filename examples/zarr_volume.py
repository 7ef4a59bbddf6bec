"""Halve a Zarr volume that is larger than memory, with dask's progress bar.

    python zarr_volume.py volume.zarr halved.zarr

A volume that is not there is made first, of smooth noise (--gib: its size). Needs: pip install "numpy-cpool[zarr]"
"""

import argparse
import resource
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import zarr
from dask.diagnostics import ProgressBar

import cpool.dask

CHUNK = 128


def make(path: Path, gib: float) -> None:
    """Write a volume of uint16 in chunks of 128**3, one slab of chunks at a time."""
    depth = max(1, round(gib * 2**30 / (2 * 512 * 512 * CHUNK))) * CHUNK
    volume = zarr.create_array(path, shape=(depth, 512, 512), chunks=(CHUNK,) * 3, dtype=np.uint16)
    slab = np.add.outer(np.add.outer(np.arange(CHUNK), np.arange(512)), np.arange(512)).astype(np.uint16)
    for first in range(0, depth, CHUNK):
        volume[first : first + CHUNK] = slab + np.uint16(first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--gib", type=float, default=4.0)
    arguments = parser.parse_args()
    if not arguments.source.exists():
        make(arguments.source, arguments.gib)
    volume = da.from_zarr(str(arguments.source))
    halved = cpool.dask.avg_pool3d(volume, 2, ceil_mode=True, dtype=volume.dtype)
    with dask.config.set(num_workers=2), ProgressBar():
        halved.to_zarr(str(arguments.target), overwrite=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{volume.shape} -> {halved.shape}; {volume.nbytes / 2**20:.0f} MiB read, at most {peak:.0f} MiB in memory")


if __name__ == "__main__":
    main()
