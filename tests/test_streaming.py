"""Files larger than memory, archives, Zarr and pyramids on the command line."""

import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

import cpool

pytest.importorskip("PIL.Image")
pytest.importorskip("click")
pytest.importorskip("rich")

from cpool import _files, geometry
from cpool._averages import average


def run(*arguments, cwd=None, **more):
    command = [sys.executable, "-m", "cpool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd, **more)


@pytest.mark.parametrize("dtype", ["f4", ">f8", "u1"])
@pytest.mark.parametrize("shape", [(40, 30), (3, 40, 30), (2, 3, 41, 7), (0, 40, 30)])
@pytest.mark.parametrize("band", [1, 2000, 2**20])
def test_bands_join(shape, dtype, band, tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "BAND", band)
    x = np.random.default_rng(0).integers(0, 99, shape).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    windows = dict(kernel_size=(3, 2), stride=(2, 1), padding=1)
    pooling = _files.Pooling(
        lambda sizes: geometry.plan(sizes, **windows), lambda plan, source: average(plan, source, None)
    )
    done = []
    shapes = _files.stream(pooling, tmp_path / "x.npy", tmp_path / "y.npy", done.append)
    expected = cpool.avg_pool2d(x, **windows)
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
    result = run("max", "x.npy", "y.npy", "--kernel", 16, cwd=tmp_path, preexec_fn=limit, env=environment)
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

    result = run("max", "x.npy", "y.npy", "--kernel", 2, cwd=tmp_path, preexec_fn=limit)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_interrupt(tmp_path):
    """Ctrl-C in the middle leaves no half-written file."""
    with (tmp_path / "x.npy").open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (400, 1024, 1024)}
        np.lib.format.write_array_header_2_0(file, head)
        file.truncate(file.tell() + 400 * 2**22)  # zeros that take no room on the disk
    command = [sys.executable, "-m", "cpool", "max", "x.npy", "y.npy", "--kernel", "31", "--stride", "1"]
    listening = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # also if the tests run in the background
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=listening)
    for _ in range(1000):
        if any(p.name.startswith(".cpool-") for p in tmp_path.iterdir()):
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said
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
        result = run("max", "x.zarr", out, "--kernel", 3, "--stride", 2, "--padding", 1, cwd=tmp_path)
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


@pytest.mark.parametrize("op", ["avg", "max", "mode"])
def test_pyramid(zarr, op, tmp_path):
    from ome_zarr_models.v05.image import Image

    x = np.random.default_rng(0).integers(0, 7, (3, 45, 64)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x)
    result = run("pyramid", "x.npy", "p.zarr", "--levels", 4, "--op", op, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    group = zarr.open_group(tmp_path / "p.zarr", mode="r")
    expected = x
    for level in range(4):
        np.testing.assert_array_equal(group[str(level)][:], expected)
        more = {"dtype": np.uint8} if op == "avg" else {}
        expected = getattr(cpool, f"{op}_pool2d")(expected, 2, ceil_mode=True, **more)
    multiscale = Image.from_zarr(group).ome_attributes.multiscales[0]
    assert [axis.name for axis in multiscale.axes] == ["c", "y", "x"]
    scale, shift = multiscale.datasets[2].coordinateTransformations
    assert list(scale.scale) == [1, 4, 4]
    assert list(shift.translation) == [0, 1.5, 1.5]


def test_pyramid_refuses(zarr, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((8, 8)))
    for arguments, says in [
        (["x.npy", "p.npy", "--levels", 2], ".zarr"),
        (["x.npy", "p.zarr", "--levels", 9], "levels=9"),
        (["x.npy", "p.zarr", "--levels", 2, "--op", "mode"], "integer"),
        (["x.npy", "p.zarr", "--levels", 2, "--ndim", 3], "axes"),
        (["missing.npy", "p.zarr", "--levels", 2], "missing"),
    ]:
        result = run("pyramid", *arguments, cwd=tmp_path)
        assert result.returncode == 2
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert says in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]
    shutil.rmtree(tmp_path)
