"""The command line: files in, files out, and one line with exit code 2 for everything that cannot be done."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

import cpool

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("click")
pytest.importorskip("rich")

PHOTOGRAPH = pathlib.Path(__file__).parent.parent / "examples" / "astronaut.jpg"


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "cpool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd)


def refused(tmp_path, *arguments):
    """Run a command that must fail as promised; return what it said."""
    before = sorted(tmp_path.iterdir())
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert sorted(tmp_path.iterdir()) == before
    return result.stderr


@pytest.mark.parametrize("op", ["max", "min", "avg"])
def test_photograph(op, tmp_path):
    """Each colour channel is pooled by itself, and rounded only when it is written."""
    result = run(op, PHOTOGRAPH, tmp_path / "out.png", "--kernel", 3, "--stride", "2,1", "--padding", 1)
    assert result.returncode == 0, result.stderr
    with Image.open(PHOTOGRAPH) as image:
        pixels = np.asarray(image, np.float32).transpose(2, 0, 1)
    expected = getattr(cpool, f"{op}_pool2d")(pixels, 3, (2, 1), 1)
    with Image.open(tmp_path / "out.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.rint(expected).astype(np.uint8).transpose(1, 2, 0))


def test_grey_picture_and_jpeg(tmp_path):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "grey.png")
    assert run("max", "grey.png", "out.jpg", "--kernel", 2, cwd=tmp_path).returncode == 0
    with Image.open(tmp_path / "out.jpg") as image:
        assert (image.size, image.mode) == ((4, 4), "L")


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_arrays(dtype, tmp_path):
    x = np.arange(60).reshape(3, 4, 5).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    assert run("max", "x.npy", "y.npy", "--kernel", 2, cwd=tmp_path).returncode == 0
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, cpool.max_pool2d(x, 2))


def test_existing_output_needs_force(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    (tmp_path / "y.npy").write_text("precious")
    assert "--force" in refused(tmp_path, "max", "x.npy", "y.npy", "--kernel", 2)
    assert (tmp_path / "y.npy").read_text() == "precious"
    assert run("max", "x.npy", "y.npy", "--kernel", 2, "--force", cwd=tmp_path).returncode == 0
    assert np.load(tmp_path / "y.npy").shape == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["max", "x.npy", "y.npy"], "--kernel"),
        (["max", "x.npy", "y.npy", "--kernel", "two"], "two"),
        (["max", "x.npy", "y.npy", "--kernel", "2,2,2"], "more than two"),
        (["max", "x.npy", "y.npy", "--kernel", "0"], "kernel_size"),
        (["max", "x.npy", "y.npy", "--kernel", "9"], "kernel_size=9"),
        (["max", "x.npy", "y.npy", "--kernel", "2", "--stride", "0"], "stride"),
        (["max", "x.npy", "y.npy", "--kernel", "2", "--shape", "3"], "--shape"),
        (["max", "missing.npy", "y.npy", "--kernel", "2"], "missing.npy"),
        (["max", "broken.npy", "y.npy", "--kernel", "2"], "broken.npy"),
        (["max", "broken.png", "y.png", "--kernel", "2"], "broken.png"),
        (["max", "x.tiff", "y.npy", "--kernel", "2"], ".tiff"),
        (["max", "x.npy", "y.gif", "--kernel", "2"], "y.gif"),
        (["max", "x.npy", "y.png", "--kernel", "2"], "not a picture"),
        (["max", "x.npy", "nowhere/y.npy", "--kernel", "2"], "nowhere"),
        (["max", "text.npy", "y.npy", "--kernel", "2"], "dtype"),
        (["sum", "x.npy", "y.npy"], "sum"),
    ],
)
def test_one_line_and_nothing_written(arguments, says, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    np.save(tmp_path / "text.npy", np.full((4, 4), "a"))
    (tmp_path / "x.tiff").write_bytes(b"II")
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "broken.png").write_bytes(PHOTOGRAPH.read_bytes()[:100])
    assert says in refused(tmp_path, *arguments)


def test_bench():
    result = run("bench", "--rounds", 1)
    assert result.returncode == 0, result.stderr
    assert "NumPy / cpool" in result.stdout
    assert "max with indices" in result.stdout


def test_info():
    result = run("info")
    assert result.returncode == 0
    assert cpool.__version__ in result.stdout
    assert "instruction set chosen" in result.stdout
