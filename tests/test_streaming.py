"""Files larger than memory, archives, Zarr and pyramids on the command line."""

import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from functools import partial

import numpy as np
import pytest

import cpool

pytest.importorskip("click")
pytest.importorskip("PIL")
pytest.importorskip("rich")
pytest.importorskip("tifffile")

import tifffile
from command_line import run, run_process
from PIL import Image

from cpool.cli import arrays
from cpool.cli.pooling import Pooling


@pytest.mark.parametrize("dtype", ["f4", ">f8", "u1"])
@pytest.mark.parametrize("shape", [(40, 30), (3, 40, 30), (2, 3, 41, 7), (0, 40, 30)])
@pytest.mark.parametrize("band", [1, 2000, 2**20])
@pytest.mark.parametrize("ndim", [2, 3])
def test_bands_join(shape, dtype, band, ndim, tmp_path, monkeypatch):
    if 0 in shape[-ndim:] or len(shape) < ndim:
        return
    monkeypatch.setattr(arrays, "BAND", band)
    x = np.random.default_rng(0).integers(0, 99, shape).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    windows = dict(kernel_size=(2, 3, 2)[-ndim:], stride=(1, 2, 1)[-ndim:], padding=1)
    done = []
    shapes = arrays.stream(Pooling("avg", ndim, windows), tmp_path / "x.npy", tmp_path / "y.npy", done.append)
    expected = getattr(cpool, f"avg_pool{ndim}d")(x, **windows, dtype=x.dtype.newbyteorder("="))
    assert shapes == (shape, expected.shape)
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert done == sorted(done)
    assert shape[0] == 0 or done[-1] == 1


def test_fortran_order_and_strides_beyond_the_kernel(tmp_path):
    x = np.asfortranarray(np.random.default_rng(0).standard_normal((40, 33)))
    np.save(tmp_path / "x.npy", x)
    assert run("max", "x.npy", "y.npy", "--kernel", 2, "--stride", 7, cwd=tmp_path).returncode == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cpool.max_pool2d(x, 2, 7))
    np.save(tmp_path / "x.npy", np.ascontiguousarray(x))
    assert run("max", "x.npy", "y.npy", "--kernel", 2, "--stride", 7, "--force", cwd=tmp_path).returncode == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cpool.max_pool2d(x, 2, 7))


def test_a_file_that_ends_early(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((64, 64)))
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole[:-1000])
    result = run("max", "x.npy", "y.npy", "--kernel", 2, cwd=tmp_path)
    assert result.returncode == 2
    assert "ends early" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on address space")
def test_larger_than_memory(tmp_path):
    """1.5 GiB pooled by a process that may have 1 GiB of address space."""
    with (tmp_path / "x.npy").open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (3, 2**13, 2**14)}
        np.lib.format.write_array_header_2_0(file, head)
        file.truncate(file.tell() + 3 * 2**27 * 4)  # zeros that take no room on the disk

    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    environment = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    result = run_process("max", "x.npy", "y.npy", "--kernel", 16, cwd=tmp_path, preexec_fn=limit, env=environment)
    assert result.returncode == 0, result.stderr
    assert np.load(tmp_path / "y.npy", mmap_mode="r").shape == (3, 512, 1024)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on file size")
def test_disk_full(tmp_path):
    """A write that fails leaves one line and no file; the limit on file size stands in for a full disk."""
    np.save(tmp_path / "x.npy", np.ones((1024, 1024)))

    def limit():
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))

    result = run_process("max", "x.npy", "y.npy", "--kernel", 2, cwd=tmp_path, preexec_fn=limit)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupt(name, tmp_path):
    """Ctrl-C in the middle leaves no half-written file, nor does an end that others wish."""
    number = getattr(signal, name)
    with (tmp_path / "x.npy").open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (400, 1024, 1024)}
        np.lib.format.write_array_header_2_0(file, head)
        file.truncate(file.tell() + 400 * 2**22)  # zeros that take no room on the disk
    command = [sys.executable, "-m", "cpool", "max", "x.npy", "y.npy", "--kernel", "31", "--stride", "1"]
    listening = partial(signal.signal, number, signal.SIG_DFL)  # also if the tests run in the background
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=listening)
    for _ in range(1000):
        if any(p.name.startswith(".cpool-") for p in tmp_path.iterdir()):
            break
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert ("interrupted" in said) == (name == "SIGINT")
    assert "Traceback" not in said
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


def test_archive(tmp_path):
    x = np.random.default_rng(0).standard_normal((2, 8, 8))
    np.savez(tmp_path / "x.npz", first=x, other=x[0].astype(np.float32))
    assert run("min", "x.npz", "y.npz", "--kernel", 2, cwd=tmp_path).returncode == 0
    with np.load(tmp_path / "y.npz") as y:
        assert sorted(y.files) == ["first", "other"]
        np.testing.assert_array_equal(y["first"], cpool.min_pool2d(x, 2))


@pytest.fixture
def zarr():
    pytest.importorskip("dask.array")
    pytest.importorskip("ome_zarr_models")
    return pytest.importorskip("zarr")


def test_zarr(zarr, tmp_path):
    x = np.random.default_rng(0).standard_normal((3, 50, 70)).astype(np.float32)
    zarr.create_array(tmp_path / "x.zarr", shape=x.shape, chunks=(1, 16, 33), dtype=x.dtype)[:] = x
    for out in ("y.zarr", "y.npy"):
        result = run_process("max", "x.zarr", out, "--kernel", 3, "--stride", 2, "--padding", 1, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    expected = cpool.max_pool2d(x, 3, 2, 1)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "y.zarr", mode="r")[:], expected)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)
    np.save(tmp_path / "x.npy", x)
    assert run("avg", "x.npy", "z.zarr", "--kernel", 2, cwd=tmp_path).returncode == 0
    assert run("avg", "x.npy", "z.zarr", "--kernel", 2, cwd=tmp_path).returncode == 2
    assert run("avg", "x.npy", "z.zarr", "--kernel", 3, "--force", cwd=tmp_path).returncode == 0
    assert zarr.open_array(tmp_path / "z.zarr", mode="r").shape == (3, 16, 23)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.npy", "x.zarr", "y.npy", "y.zarr", "z.zarr"]


@pytest.mark.parametrize("name", ["x.npy", "x.tif"])
def test_a_mapped_file_is_not_copied(name, zarr, tmp_path):
    from cpool.cli.zarr import opened

    x = np.zeros((1024, 2048))
    np.save(tmp_path / "x.npy", x)
    tifffile.imwrite(tmp_path / "x.tif", x)
    tracemalloc.start()
    try:
        opened(tmp_path / name, 2, 2**16).array.max().compute()
        assert tracemalloc.get_traced_memory()[1] < x.nbytes // 4
    finally:
        tracemalloc.stop()


def test_zarr_goes_to_npy_by_chunks(zarr, tmp_path):
    import dask

    x = np.arange(2.0**22).reshape(2048, 2048)
    zarr.create_array(tmp_path / "x.zarr", data=x, chunks=(64, 2048))
    tracemalloc.start()
    try:
        with dask.config.set(num_workers=1):
            assert run("max", "x.zarr", "y.npy", "--kernel", 1, cwd=tmp_path).returncode == 0
        assert tracemalloc.get_traced_memory()[1] < x.nbytes // 2
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), x)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_names_of_axes_are_kept(zarr_format, zarr, tmp_path):
    """What is called a channel is not pooled, what is called z is z, and other names go by number."""

    def named(name, *names):
        said = dict(dimension_names=names) if zarr_format == 3 else dict(attributes={"_ARRAY_DIMENSIONS": names})
        x = np.random.default_rng(0).integers(0, 99, range(4, 4 + len(names)), dtype=np.uint8)
        zarr.create_array(tmp_path / name, data=x, zarr_format=zarr_format, **said)

    named("stack.zarr", "z", "y", "x")
    named("last.zarr", "lat", "lon", "channel")
    named("series.zarr", "Time", "lat", "lon")
    named("mixed.zarr", "z", "c", "y", "x")
    assert run("max", "stack.zarr", "y.zarr", "--kernel", 2, cwd=tmp_path).returncode == 0
    assert zarr.open(tmp_path / "y.zarr").metadata.dimension_names == ("z", "y", "x")
    for name in ("max", "--kernel", 2), ("pyramid", "--levels", 2):
        result = run(name[0], "last.zarr", "z.zarr", *name[1:], cwd=tmp_path)
        assert result.returncode == 2
        assert "the axes are lat, lon, channel" in result.stderr
    for name, axes in ("stack", "zyx"), ("series", "tyx"), ("mixed", "czyx"):
        assert run("pyramid", f"{name}.zarr", f"{name}s.zarr", "--levels", 2, cwd=tmp_path).returncode == 0
        x = zarr.open_array(tmp_path / f"{name}.zarr")[:]
        x = np.swapaxes(x, 0, 1) if name == "mixed" else x
        (multiscale,) = levels_of(zarr.open_group(tmp_path / f"{name}s.zarr", mode="r"), x, "avg").multiscales
        assert "".join(axis.name for axis in multiscale.axes) == axes


def test_an_array_inside_of_a_group(zarr, tmp_path):
    x = np.random.default_rng(0).integers(0, 99, (12, 10)).astype("u1")
    for name in "zxya":
        zarr.create_array(tmp_path / "g.zarr", name=f"deep/{name}", data=x)
    refused = run("max", "g.zarr/deep", "y.zarr", "--kernel", 2, cwd=tmp_path)
    assert "name one of its arrays: a, x, y, z" in refused.stderr.replace("\n", " ")
    assert run("max", "g.zarr/deep/x", "y.zarr", "--kernel", 2, cwd=tmp_path).returncode == 0
    np.testing.assert_array_equal(zarr.open(tmp_path / "y.zarr")[:], cpool.max_pool2d(x, 2))


def levels_of(group, x, op, ndim=2):
    """Assert that the levels of a pyramid are x, its half, and so on; return its metadata, checked."""
    from ome_zarr_models.v05.image_label import ImageLabel

    attributes = ImageLabel.from_zarr(group).ome_attributes
    expected = x
    for level in range(len(attributes.multiscales[0].datasets)):
        found = group[str(level)][:]
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(found, expected)
        more = {"dtype": x.dtype} if op == "avg" else {}
        expected = getattr(cpool, f"{op}_pool{ndim}d")(expected, 2, ceil_mode=True, **more)
        if op == "median":
            expected = np.rint(expected).astype(x.dtype)
    return attributes


@pytest.mark.parametrize("op", ["avg", "max", "min", "median", "mode"])
def test_pyramid(zarr, op, tmp_path):
    x = np.random.default_rng(0).integers(0, 7, (3, 45, 64)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    result = run("pyramid", "x.npy", "p.zarr", "--levels", 4, "--op", op, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (multiscale,) = levels_of(zarr.open_group(tmp_path / "p.zarr", mode="r"), x, op).multiscales
    assert [axis.name for axis in multiscale.axes] == ["c", "y", "x"]
    assert len(multiscale.datasets) == 4
    scale, shift = multiscale.datasets[2].coordinateTransformations
    assert list(scale.scale) == [1, 4, 4]
    assert list(shift.translation) == [0, 1.5, 1.5]


def test_pyramid_of_a_photograph(zarr, tmp_path):
    """A picture of bytes stays one of bytes."""
    x = np.random.default_rng(0).integers(0, 256, (45, 64, 3), dtype=np.uint8)
    Image.fromarray(x).save(tmp_path / "x.jpg")
    assert run("pyramid", "x.jpg", "p.zarr", "--levels", 3, cwd=tmp_path).returncode == 0
    with Image.open(tmp_path / "x.jpg") as image:
        pixels = np.moveaxis(np.asarray(image), -1, 0)
    (multiscale,) = levels_of(zarr.open_group(tmp_path / "p.zarr", mode="r"), pixels, "avg").multiscales
    assert [axis.name for axis in multiscale.axes] == ["c", "y", "x"]


@pytest.mark.parametrize("shape", [(3, 37, 64), (20, 37, 64)])
@pytest.mark.parametrize("ndim", [2, 3])
def test_pyramid_in_shards(zarr, shape, ndim, tmp_path):
    """Chunks of all levels have the shape of IN's; so many of them along each halved axis are one file."""
    x = np.random.default_rng(0).integers(0, 2**16, shape, dtype=np.uint16)
    zarr.create_array(tmp_path / "x.zarr", shape=shape, chunks=(2, 8, 16), dtype=x.dtype)[:] = x
    for shards in (1, 3):
        out = f"p{shards}.zarr"
        result = run("pyramid", "x.zarr", out, "--levels", 3, "--ndim", ndim, "--shards", shards, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        group = zarr.open_group(tmp_path / out, mode="r")
        levels_of(group, x, "avg", ndim)
        for level in range(3):
            array = group[str(level)]
            chunk = tuple(min(c, n) for c, n in zip((2, 8, 16), array.shape, strict=True))
            assert array.chunks == chunk
            many = [min(shards, -(-n // c)) for c, n in zip(chunk, array.shape, strict=True)]
            many[: 3 - ndim] = [1] * (3 - ndim)
            whole = tuple(c * m for c, m in zip(chunk, many, strict=True))
            assert array.shards == (None if shards == 1 else whole)
            files = [f for f in (tmp_path / out / str(level) / "c").rglob("*") if f.is_file()]
            assert len(files) == np.prod([-(-n // w) for w, n in zip(whole, array.shape, strict=True)])


def test_chunks_of_many_in_a_shard_are_no_crumbs(zarr, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((64, 64, 64), np.uint8))
    result = run("pyramid", "x.npy", "p.zarr", "--levels", 2, "--ndim", 3, "--shards", 64, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert min(zarr.open_array(tmp_path / "p.zarr" / "0", mode="r").chunks) > 25


def test_pyramid_of_nothing_in_shards(zarr, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((0, 3, 50, 28), np.float32))
    result = run("pyramid", "x.npy", "p.zarr", "--levels", 3, "--shards", 2, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert zarr.open_group(tmp_path / "p.zarr", mode="r")["2"].shape == (0, 3, 13, 7)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_tiff_of_eight_bytes(zarr, dtype, tmp_path):
    """tifffile gives C's long long, a name that Zarr does not have."""
    x = np.arange(64, dtype=dtype).reshape(8, 8)
    tifffile.imwrite(tmp_path / "x.tif", x)
    for name, *more in (("max", "--kernel", 2), ("pyramid", "--levels", 2, "--op", "max")):
        result = run(name, "x.tif", f"{name}.zarr", *more, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
    for found in zarr.open_array(tmp_path / "max.zarr"), zarr.open_group(tmp_path / "pyramid.zarr")["1"]:
        np.testing.assert_array_equal(found[:], cpool.max_pool2d(x, 2))
        assert found.dtype == dtype


def test_pyramid_reads_a_picture_once(zarr, tmp_path, monkeypatch):
    """All levels are made of one pass over IN, and each chunk is written once."""
    from cpool.cli.zarr import pyramid

    x = np.random.default_rng(0).integers(0, 256, (64, 96), dtype=np.uint8)
    zarr.create_array(tmp_path / "x.zarr", shape=x.shape, chunks=(16, 16), dtype=x.dtype)[:] = x
    elements = {"read": [], "written": []}
    read, write = zarr.Array.__getitem__, zarr.Array.__setitem__

    def reading(self, at):
        y = read(self, at)
        elements["read"].append(y.size)
        return y

    def writing(self, at, y):
        elements["written"].append(y.size)
        write(self, at, y)

    monkeypatch.setattr(zarr.Array, "__getitem__", reading)
    monkeypatch.setattr(zarr.Array, "__setitem__", writing)
    shapes = pyramid(tmp_path / "x.zarr", tmp_path / "p.zarr", 3, "avg", 2, lambda done: None)
    assert shapes == [(64, 96), (32, 48), (16, 24)]
    assert sum(elements["read"]) == x.size
    assert sum(elements["written"]) == sum(a * b for a, b in shapes)


@pytest.mark.parametrize("op", ["mode", "max"])
def test_pyramid_of_labels(zarr, op, tmp_path):
    """Of a palette the colours become those of the labels; bits stay bits."""
    labels = np.random.default_rng(0).integers(0, 5, (45, 64), dtype=np.uint8)
    image = Image.fromarray(labels)
    image.putpalette(bytes(range(20)), "RGBA")
    image.save(tmp_path / "labels.png")
    Image.fromarray(labels > 2).save(tmp_path / "bits.png")
    for name, x in (("labels", labels), ("bits", labels > 2)):
        result = run("pyramid", f"{name}.png", f"{name}.zarr", "--levels", 3, "--op", op, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        attributes = levels_of(zarr.open_group(tmp_path / f"{name}.zarr", mode="r"), x, op)
        colours = attributes.image_label.colors if name == "labels" else ()
        assert [(c.label_value, c.rgba) for c in colours] == [
            (i, (4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3)) for i in range(5 if name == "labels" else 0)
        ]
    result = run("pyramid", "labels.png", "avg.zarr", "--levels", 3, cwd=tmp_path)
    assert result.returncode == 2
    assert "not for labels" in result.stderr


def test_pyramid_without_background(zarr, tmp_path):
    """A level is empty only where the one above has nothing else."""
    x = np.random.default_rng(0).integers(0, 3, (45, 64)).astype(np.uint32) * (np.arange(64) > 20)
    np.save(tmp_path / "x.npy", x)
    result = run("pyramid", "x.npy", "p.zarr", "--levels", 4, "--op", "mode", "--ignore", 0, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for level in range(4):
        np.testing.assert_array_equal(zarr.open_array(tmp_path / "p.zarr" / str(level), mode="r")[:], x)
        x = cpool.mode_pool2d(x, 2, ceil_mode=True, ignore=0)


def test_mode_without_a_label(tmp_path):
    x = np.random.default_rng(0).integers(0, 3, (45, 64)).astype(np.uint32)
    np.save(tmp_path / "x.npy", x)
    assert run("mode", "x.npy", "y.npy", "--kernel", 3, "--ignore", 1, cwd=tmp_path).returncode == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), cpool.mode_pool2d(x, 3, ignore=1))


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_pyramid_of_pages(zarr, ndim, compression, tmp_path):
    """A TIFF's channels come before its pages, which are z."""
    x = np.random.default_rng(0).integers(0, 2**16, (9, 2, 30, 20)).astype(">u2")
    tifffile.imwrite(
        tmp_path / "x.tif", x, byteorder=">", photometric="minisblack", compression=compression,
        metadata={"axes": "ZCYX"},
    )  # fmt: skip
    result = run("pyramid", "x.tif", "p.zarr", "--levels", 3, "--ndim", ndim, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    native = np.moveaxis(x, 0, 1).astype(np.uint16)
    (multiscale,) = levels_of(zarr.open_group(tmp_path / "p.zarr", mode="r"), native, "avg", ndim).multiscales
    assert [axis.name for axis in multiscale.axes] == ["c", "z", "y", "x"]
    assert list(multiscale.datasets[1].coordinateTransformations[0].scale) == [1, ndim - 1, 2, 2]


def test_pictures_through_zarr(zarr, tmp_path):
    """A TIFF into a Zarr and out of it into a PNG."""
    x = np.random.default_rng(0).integers(0, 2**16, (30, 20), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", x, photometric="minisblack")
    assert run("median", "x.tif", "y.zarr", "--kernel", 3, cwd=tmp_path).returncode == 0
    assert run("max", "y.zarr", "z.png", "--kernel", 1, cwd=tmp_path).returncode == 0
    with Image.open(tmp_path / "z.png") as image:
        assert image.mode == "I;16"
        np.testing.assert_array_equal(image, cpool.median_pool2d(x, 3))


def test_pyramid_refuses(zarr, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((8, 8)))
    for name, axes in {"angles": "RYX", "two": "QZYX"}.items():
        x = np.zeros((2,) * len(axes))
        tifffile.imwrite(tmp_path / f"{name}.tif", x, photometric="minisblack", metadata={"axes": axes})
    for arguments, says in [
        (["x.npy", "p.npy", "--levels", 2], ".zarr"),
        (["x.npy", "p.zarr", "--levels", 9], "levels=9"),
        (["x.npy", "p.zarr", "--levels", 2, "--op", "mode"], "integer"),
        (["x.npy", "p.zarr", "--levels", 2, "--op", "max", "--ignore", 0], "--ignore is of mode"),
        (["x.npy", "p.zarr", "--levels", 2, "--ndim", 3], "axes"),
        (["x.npy", "p.zarr", "--levels", 2, "--shards", 0], "--shards"),
        (["missing.npy", "p.zarr", "--levels", 2], "missing"),
        (["angles.tif", "p.zarr", "--levels", 2], "the axes are RYX"),
        (["two.tif", "p.zarr", "--levels", 2], "the axes are QZYX"),
    ]:
        result = run("pyramid", *arguments, cwd=tmp_path)
        assert result.returncode == 2
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert says in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["angles.tif", "two.tif", "x.npy"]
    shutil.rmtree(tmp_path)
