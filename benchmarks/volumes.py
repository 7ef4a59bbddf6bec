"""`cpool pyramid` of a volume beside ngff-zarr and ome-zarr-py: time, memory, values. Each run is a new process.

The others are asked for the mean of 2x2x2, rounded as each of them rounds, in chunks of the same shape. `copy` reads
the volume and writes it again by dask and Zarr: what it takes is not a pyramid's to save.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zarr
from ome_zarr_models.v05.image import Image

CHUNKS = (64, 128, 128)
LEVELS = 4
COPY = """
import dask.array as da, zarr
x = da.from_zarr(source)
da.store(x, zarr.create_array(target, shape=x.shape, chunks=x.chunksize, dtype=x.dtype), lock=False)
"""
CPOOL = f"""
from cpool.cli import main
sys.argv = ["cpool", "pyramid", source, target, "--levels", "{LEVELS}", "--ndim", "3"]
main()
"""
SHARDED = CPOOL.replace('"3"]', '"3", "--shards", "2"]')
NGFF_ZARR = f"""
import dask.array as da, ngff_zarr as nz
image = nz.to_ngff_image(da.from_zarr(source), dims="zyx")
factors = [2**level for level in range(1, {LEVELS})]
levels = nz.to_multiscales(image, factors, method=nz.Methods.ITKWASM_BIN_SHRINK, chunks={CHUNKS})
nz.to_ngff_zarr(target, levels, version="0.5")
"""
OME_ZARR_PY = f"""
import dask.array as da
from ome_zarr.scale import Methods
from ome_zarr.writer import write_image
factors = [dict.fromkeys("zyx", 2**level) for level in range(1, {LEVELS})]
write_image(da.from_zarr(source), target, factors, method=Methods.LOCAL_MEAN, axes="zyx",
            storage_options={{"chunks": {CHUNKS}}})
"""
PROGRAMS = {
    "copy": COPY, "cpool": CPOOL, "cpool, --shards 2": SHARDED, "ngff-zarr": NGFF_ZARR, "ome-zarr-py": OME_ZARR_PY,
}  # fmt: skip
#: Around each: the paths come as arguments, and the last line tells the most memory that the process had (Linux).
PROGRAM = """
import sys
source, target = sys.argv[1:]
{}
print("\\n", next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def write_volume(path, shape):
    """Write what a microscope gives: light that changes smoothly, counted photon by photon."""
    rng = np.random.default_rng(0)
    y, x = (np.linspace(0, 6, n, dtype=np.float32) for n in shape[1:])
    volume = zarr.create_array(path, shape=shape, chunks=CHUNKS, dtype=np.uint16, dimension_names=["z", "y", "x"])
    for z in range(0, shape[0], CHUNKS[0]):
        depth = np.arange(z, min(z + CHUNKS[0], shape[0]), dtype=np.float32)[:, None, None]
        light = 400 + 300 * np.sin(depth / 40 + y[:, None]) * np.cos(x)
        volume[z : z + CHUNKS[0]] = rng.poisson(light).astype(np.uint16)


def measured(program, source, target):
    """Run a program; return its seconds, those of its processors, and its most memory in MiB."""
    subprocess.run(["rm", "-rf", target], check=True)
    os.sync()
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(program), source, target], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, after = time.perf_counter() - start, os.times()
    processors = after.children_user - before.children_user + after.children_system - before.children_system
    return seconds, processors, int(done.stdout.split()[-1]) / 1024


def halved(x):
    """Return the means of 2x2x2, not rounded."""
    z, y, x_ = (n // 2 for n in x.shape)
    return x.reshape(z, 2, y, 2, x_, 2).mean((1, 3, 5))


def apart(target):
    """Return how many elements are not the rounded mean of the level above, and how far one is from it at most."""
    group = zarr.open_group(target, mode="r")
    image = Image.from_zarr(group)  # refuses what is no OME-Zarr 0.5
    paths = [dataset.path for dataset in image.ome_attributes.multiscales[0].datasets]
    assert len(paths) == LEVELS, paths
    wrong, count, most = 0, 0, 0.0
    for above, below in itertools.pairwise(paths):
        found, exact = group[below][:], halved(group[above][:])
        assert found.dtype == np.uint16
        wrong += np.count_nonzero(found != np.rint(exact))
        most = max(most, np.abs(found - exact).max())
        count += found.size
    return f"{wrong / count:.1%}, {most:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(256, 1024, 1024), help="of the volume, in uint16")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "volume.zarr")
        write_volume(source, tuple(arguments.shape))
        targets = {name: os.path.join(folder, f"{name}.zarr") for name in PROGRAMS}
        found = {name: [] for name in PROGRAMS}
        for i in range(arguments.rounds):
            for name in list(PROGRAMS)[:: (1, -1)[i % 2]]:
                found[name].append(measured(PROGRAMS[name], source, targets[name]))
        print("| who | time / copy | of processors / copy | memory, MiB | files, MiB | not the rounded mean, off by |")
        print("|---|---:|---:|---:|---:|---:|")
        base = [statistics.median(column) for column in zip(*found["copy"], strict=True)]
        for name, rows in found.items():
            wall, processors, memory = (statistics.median(column) for column in zip(*rows, strict=True))
            files = [path.stat().st_size for path in Path(targets[name]).rglob("*") if path.is_file()]
            print(
                f"| {name} | {wall / base[0]:.2f} | {processors / base[1]:.2f} | {memory:.0f} | "
                f"{len(files)}, {sum(files) >> 20} | {'' if name == 'copy' else apart(targets[name])} |"
            )
        print(f"\ncopy: {base[0]:.1f} s, {base[1]:.1f} s of processors; medians of {arguments.rounds} rounds")


if __name__ == "__main__":
    main()
