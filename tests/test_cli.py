"""The command line: files in, files out, and one line with exit code 2 for everything that cannot be done."""

import doctest
import importlib
import os
import pathlib
import pkgutil
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cpool

pytest.importorskip("click")
pytest.importorskip("PIL")
pytest.importorskip("rich")
pytest.importorskip("tifffile")

import click
import tifffile
from command_line import run, run_process
from PIL import Image

from cpool import cli

PHOTOGRAPH = pathlib.Path(__file__).parent.parent / "examples" / "astronaut.jpg"


def refused(tmp_path, *arguments):
    """Run a command that must fail as promised; return what it said."""
    before = sorted(tmp_path.iterdir())
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert sorted(tmp_path.iterdir()) == before
    return result.stderr


def command(*arguments):
    """Run a command in this process; one that cannot be done raises."""
    cli.commands.cpool.main([*map(str, arguments)], standalone_mode=False)


def opened(path):
    """Return a picture, loaded; the alpha of a palette with its colours."""
    with Image.open(path) as image:
        image.load()
        image.apply_transparency()
    return image


def samples_first(image):
    """Return a picture as the array that is pooled."""
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)


def by_hand(op, x, kernel, stride=None, padding=0, dtype=None):
    """Pool an array as a command promises to: averages and medians in its own dtype, or in `dtype`."""
    more = {"dtype": dtype or x.dtype} if op == "avg" else {}
    y = getattr(cpool, f"{op}_pool{2 if np.ndim(kernel) == 0 else len(kernel)}d")(x, kernel, stride, padding, **more)
    if op == "median" and x.dtype.kind in "iu":
        y = np.rint(y)
    return y.astype(dtype or x.dtype)


COLOURS = np.random.default_rng(1).integers(0, 256, (11, 4), dtype=np.uint8)


def picture(mode, shape, rng):
    """Return a picture of random pixels in one of Pillow's modes."""
    if mode == "1":
        return Image.fromarray(rng.random(shape) > 0.5)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 2**16, shape, dtype=np.uint16))
    if mode.startswith("P"):
        image = Image.fromarray(rng.integers(0, 11, shape, dtype=np.uint8))
        colours = "RGBA" if mode == "PA" else "RGB"
        image.putpalette(COLOURS[:, : len(colours)].tobytes(), colours)
        return image
    channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}[mode]
    return Image.fromarray(rng.integers(0, 256, (*shape, *channels), dtype=np.uint8))


LABELS = ("1", "P", "PA")  # PA here: a palette with an alpha, of which Pillow's mode is P too
NUMBERS = ("L", "I;16", "LA", "RGB", "RGBA")
SIDES = st.integers(2, 40)
WINDOWS = dict(kernel=st.integers(2, 5), stride=st.integers(1, 4), padding=st.integers(0, 1))


def same_kind(one, other):
    """Assert that two pictures mean the same by their numbers; a TIFF gives its palette 256 colours."""
    assert one.mode == other.mode
    assert np.asarray(one).dtype == np.asarray(other).dtype
    if one.mode == "P":
        colours = one.getpalette("RGBA")
        assert colours == other.getpalette("RGBA")[: len(colours)]


@settings(max_examples=60)
@given(
    mode=st.sampled_from(LABELS + NUMBERS), op=st.sampled_from(["max", "min", "mode", "avg", "median"]),
    ending=st.sampled_from([".png", ".tif"]), height=SIDES, width=SIDES, seed=st.integers(0, 99), **WINDOWS,
)  # fmt: skip
def test_every_kind_of_picture(mode, op, ending, height, width, seed, kernel, stride, padding, tmp_path_factory):
    """Through PNG, or by way of TIFF: mode, dtype and palette are kept, the values are those of the array."""
    assume(min(height, width) + 2 * padding >= kernel)
    assume(not (mode in LABELS and op in ("avg", "median")))
    assume(not (mode == "PA" and ending == ".tif"))
    folder = tmp_path_factory.mktemp("picture")
    given = picture(mode, (height, width), np.random.default_rng(seed))
    given.save(folder / "in.png")
    command(op, folder / "in.png", folder / f"out{ending}", *windows(kernel, stride, padding))
    if ending == ".tif":
        command("max", folder / "out.tif", folder / "out.png", "--kernel", 1)
    result = opened(folder / "out.png")
    same_kind(given, result)
    np.testing.assert_array_equal(samples_first(result), by_hand(op, samples_first(given), kernel, stride, padding))


def windows(kernel, stride, padding):
    return "--kernel", kernel, "--stride", stride, "--padding", padding


@settings(max_examples=60)
@given(
    axes=st.sampled_from(["YX", "ZYX", "CYX", "YXS", "ZYXS", "TZCYX", "TZCYXS"]),
    dtype=st.sampled_from(["bool", *cli.pooling.DTYPES]),
    op=st.sampled_from(["max", "min", "mode", "avg", "median"]), volume=st.booleans(), seed=st.integers(0, 99),
    **WINDOWS,
)  # fmt: skip
def test_every_kind_of_tiff(axes, dtype, op, volume, seed, kernel, stride, padding, tmp_path_factory):
    """Pages and channels keep their axes and their order, and the samples of a pixel stay together."""
    assume(not (dtype == "bool" and (op in ("avg", "median") or "S" in axes)))
    assume(not (dtype.startswith("float") and op == "mode"))
    volume = volume and "Z" in axes
    rng, lengths = np.random.default_rng(seed), {"T": 2, "C": 2, "Z": 5, "S": 3, "Y": 9, "X": 14}
    x = (rng.random([lengths[a] for a in axes]) * 99).astype(dtype)
    colour = dict(photometric="rgb" if "S" in axes else "minisblack", metadata={"axes": axes})
    folder = tmp_path_factory.mktemp("tiff")
    tifffile.imwrite(folder / "in.tif", x, **colour)
    command(op, folder / "in.tif", folder / "out.tif", *windows(kernel, stride, padding), "--ndim", 3 if volume else 2)
    space = [axes.index(a) for a in ("ZYX" if volume else "YX")]
    last = range(-len(space), 0)
    expected = by_hand(op, np.moveaxis(x, space, last), (kernel,) * len(space), stride, padding)
    with tifffile.TiffFile(folder / "out.tif") as file:
        (series,) = file.series
        assert series.axes == axes
        assert series.dtype == dtype
        assert series.keyframe.photometric.name.lower() == colour["photometric"]
        np.testing.assert_array_equal(np.moveaxis(series.asarray(), space, last), expected)


def test_what_goes_with_a_tiff(tmp_path):
    """A palette of 16 bits, the kind of alpha, inverted grey, and a profile of colours."""
    rng = np.random.default_rng(0)
    labels, colours = rng.integers(0, 7, (5, 8, 9), dtype=np.uint8), rng.integers(0, 2**16, (3, 256), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "p.tif", labels, photometric="palette", colormap=colours, metadata={"axes": "ZYX"})
    rgba = rng.integers(0, 256, (8, 9, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["assocalpha"], iccprofile=b"profile")
    tifffile.imwrite(tmp_path / "w.tif", rgba[:, :, 0], photometric="miniswhite")
    for name in ("p", "a", "w"):
        command("max", tmp_path / f"{name}.tif", tmp_path / f"{name}.tiff", "--kernel", 2)
    with tifffile.TiffFile(tmp_path / "p.tiff") as file:
        np.testing.assert_array_equal(file.pages[0].colormap, colours)
        np.testing.assert_array_equal(file.asarray(), cpool.max_pool2d(labels, 2))
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        assert file.pages[0].extrasamples == (tifffile.EXTRASAMPLE.ASSOCALPHA,)
        assert file.pages[0].iccprofile == b"profile"
    with tifffile.TiffFile(tmp_path / "w.tiff") as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.MINISWHITE


def test_what_goes_with_a_png(tmp_path):
    """The colour that is not shown, and a profile of colours; JPEG has the latter."""
    pixels = picture("RGB", (8, 9), np.random.default_rng(0))
    pixels.save(tmp_path / "in.png", transparency=(1, 2, 3), icc_profile=b"profile")
    command("max", tmp_path / "in.png", tmp_path / "out.png", "--kernel", 2)
    assert opened(tmp_path / "out.png").info == {"transparency": (1, 2, 3), "icc_profile": b"profile"}
    pixels.save(tmp_path / "in.png", icc_profile=b"profile")
    command("max", tmp_path / "in.png", tmp_path / "out.jpg", "--kernel", 2)
    assert opened(tmp_path / "out.jpg").info["icc_profile"] == b"profile"


def test_a_photograph_is_pooled_upright(tmp_path):
    """Height and width are those that one sees, whichever way the camera was held."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.fromarray(np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[:, None], 16, 1)).save(
        tmp_path / "in.jpg", exif=exif
    )
    command("max", tmp_path / "in.jpg", tmp_path / "out.png", "--kernel", "2,4")
    assert opened(tmp_path / "out.png").size == (24 // 4, 16 // 2)


@pytest.mark.parametrize("orientation", range(10))
def test_a_tiff_is_pooled_upright(orientation, tmp_path):
    """As a PNG whose EXIF says the same, pages and samples too; a number that says nothing turns nothing."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png", exif=exif)
    tag = dict(extratags=[(0x0112, "H", 1, orientation, True)])
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", **tag)
    grey = dict(photometric="minisblack", metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "pages.tif", np.moveaxis(pixels, -1, 0), **grey, **tag)
    for name, out in (("in.png", "png"), ("in.tif", "tif"), ("pages.tif", "pages")):
        command("max", tmp_path / name, tmp_path / f"{out}.npy", "--kernel", "2,1")
    np.testing.assert_array_equal(np.load(tmp_path / "tif.npy"), np.load(tmp_path / "png.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "pages.npy"), np.load(tmp_path / "png.npy"))


def test_pictures_of_any_size():
    """Pillow refuses large ones, as those of strangers."""
    assert Image.MAX_IMAGE_PIXELS is None


@pytest.mark.parametrize("op", ["max", "min", "avg", "median"])
def test_photograph(op, tmp_path):
    """Each colour channel is pooled by itself, from end to end."""
    result = run_process(op, PHOTOGRAPH, tmp_path / "out.png", "--kernel", 3, "--stride", "2,1", "--padding", 1)
    assert result.returncode == 0, result.stderr
    expected = by_hand(op, samples_first(opened(PHOTOGRAPH)), 3, (2, 1), 1)
    np.testing.assert_array_equal(samples_first(opened(tmp_path / "out.png")), expected)


def test_a_dtype_that_was_asked_for(tmp_path):
    """Averages go unrounded into what can hold them; ones among bits are counted."""
    rng = np.random.default_rng(0)
    for mode in ("L", "1", "RGB"):
        image = picture(mode, (20, 30), rng)
        image.save(tmp_path / "in.png")
        for out in ("out.npy", "out.tif"):
            command("avg", tmp_path / "in.png", tmp_path / out, "--kernel", 3, "--dtype", "float32", "--force")
        expected = cpool.avg_pool2d(samples_first(image), 3, dtype=np.float32)
        assert np.load(tmp_path / "out.npy").dtype == np.float32
        np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected)
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), samples_last(expected))
    command("median", tmp_path / "in.png", tmp_path / "out.npy", "--kernel", 2, "--dtype", "float64", "--force")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), cpool.median_pool2d(samples_first(image), 2))


def samples_last(array):
    return array if array.ndim == 2 else np.moveaxis(array, 0, -1)


def test_between_pictures_and_arrays(tmp_path):
    """An array in front of which stand as many planes as a kind of picture has samples becomes one."""
    for mode in NUMBERS:
        image = picture(mode, (6, 7), np.random.default_rng(0))
        image.save(tmp_path / "in.png")
        command("max", tmp_path / "in.png", tmp_path / "x.npy", "--kernel", 1, "--force")
        np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), samples_first(image))
        command("max", tmp_path / "x.npy", tmp_path / "out.png", "--kernel", 1, "--force")
        same_kind(image, opened(tmp_path / "out.png"))
        np.testing.assert_array_equal(opened(tmp_path / "out.png"), image)
    command("max", tmp_path / "x.npy", tmp_path / "pages.tif", "--kernel", 1)
    with tifffile.TiffFile(tmp_path / "pages.tif") as file:
        assert len(file.pages) == 4


def test_grey_picture_and_jpeg(tmp_path):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "grey.png")
    assert run("max", "grey.png", "out.jpg", "--kernel", 2, cwd=tmp_path).returncode == 0
    assert (opened(tmp_path / "out.jpg").size, opened(tmp_path / "out.jpg").mode) == ((4, 4), "L")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX modes and links")
def test_what_is_overwritten_keeps_its_mode_and_place(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "y.npy").touch(0o640)
    (tmp_path / "link.npy").symlink_to("there/y.npy")
    command("max", tmp_path / "x.npy", tmp_path / "link.npy", "--kernel", 2, "--force")
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "there" / "y.npy").shape == (2, 2)
    assert (tmp_path / "there" / "y.npy").stat().st_mode & 0o777 == 0o640
    assert [p.name for p in (tmp_path / "there").iterdir()] == ["y.npy"]


def test_no_folder_is_searched_that_is_no_array(tmp_path, monkeypatch):
    monkeypatch.setattr(pathlib.Path, "rglob", lambda *_: pytest.fail("searched"))
    assert "IN must end in" in refused(tmp_path, "max", tmp_path, "y.png", "--kernel", 2)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["info"], ["max", "x.npy", "y.npy", "--kernel", 2], []])
def test_output_that_cannot_be_written(arguments, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    with open("/dev/full", "w") as full:
        result = run_process(*arguments, cwd=tmp_path, stdout=full)
    assert result.returncode == 1
    assert result.stderr.startswith("cpool: standard output: ")
    assert len(result.stderr.splitlines()) == 1


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
        (["max", "x.npy", "y.npy", "--kernel", "2,2,2"], "an int or 2 ints"),
        (["max", "x.npy", "y.npy", "--kernel", "2", "--ndim", "3"], "no 3 axes"),
        (["max", "x.npy", "y.npy", "--kernel", "0"], "kernel_size"),
        (["max", "x.npy", "y.npy", "--kernel", "9"], "kernel_size=9"),
        (["max", "x.npy", "y.npy", "--kernel", "2", "--stride", "0"], "stride"),
        (["max", "x.npy", "y.npy", "--kernel", "2", "--shape", "3"], "--shape"),
        (["max", "missing.npy", "y.npy", "--kernel", "2"], "missing.npy"),
        (["max", "broken.npy", "y.npy", "--kernel", "2"], "broken.npy"),
        (["max", "broken.png", "y.png", "--kernel", "2"], "broken.png"),
        (["max", "broken.tif", "y.tif", "--kernel", "2"], "cannot be read"),
        (["max", "x.bmp", "y.npy", "--kernel", "2"], "x.bmp"),
        (["max", "x.npy", "y.gif", "--kernel", "2"], "y.gif"),
        (["max", "x.npy", "y.png", "--kernel", "2"], "not float64 of shape (2, 2)"),
        (["max", "x.npy", "nowhere/y.npy", "--kernel", "2"], "nowhere"),
        (["max", "text.npy", "y.npy", "--kernel", "2"], "dtype"),
        (["sum", "x.npy", "y.npy"], "sum"),
    ],
)
def test_one_line_and_nothing_written(arguments, says, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 4)))
    np.save(tmp_path / "text.npy", np.full((4, 4), "a"))
    (tmp_path / "broken.tif").write_bytes(b"II")
    (tmp_path / "x.bmp").write_bytes(b"BM")
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "broken.png").write_bytes(PHOTOGRAPH.read_bytes()[:100])
    assert says in refused(tmp_path, *arguments)


@pytest.fixture
def pictures(tmp_path):
    """Lay pictures that not everything can be done to."""
    rng = np.random.default_rng(0)
    for mode in LABELS + NUMBERS:
        picture(mode, (8, 9), rng).save(tmp_path / f"{mode.replace(';', '')}.png")
    Image.new("CMYK", (9, 8)).save(tmp_path / "cmyk.jpg")
    picture("L", (8, 9), rng).save(tmp_path / "key.png", transparency=3)
    frames = [picture("L", (8, 9), rng) for _ in range(2)]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    (tmp_path / "rgb16.png").write_bytes(rgb_of_16_bits(rng.integers(0, 2**16, (8, 9, 3))))
    (tmp_path / "colour9.png").write_bytes(recoloured((tmp_path / "P.png").read_bytes(), 9))
    pages = rng.integers(0, 9, (4, 8, 9), dtype=np.uint16)
    for name, axes in (("volume", "ZYX"), ("times", "TYX")):
        tifffile.imwrite(tmp_path / f"{name}.tif", pages, photometric="minisblack", metadata={"axes": axes})
    tifffile.imwrite(tmp_path / "white.tif", np.zeros((8, 9), np.uint8), photometric="miniswhite")
    tifffile.imwrite(tmp_path / "cmyk.tif", np.zeros((8, 9, 4), np.uint8), photometric="separated")
    colours = np.arange(768, dtype=np.uint16).reshape(3, 256)
    tifffile.imwrite(tmp_path / "deep.tif", np.zeros((8, 9), np.uint8), photometric="palette", colormap=colours)
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as file:
        file.write(np.zeros((8, 9), np.uint8), photometric="minisblack")
        file.write(np.zeros((5, 5), np.float32), photometric="minisblack")
    np.save(tmp_path / "hwc.npy", np.zeros((8, 9, 3), np.uint8))
    np.save(tmp_path / "deep.npy", np.zeros((8, 9), np.int16))
    return tmp_path


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def rgb_of_16_bits(pixels):
    """Return a PNG file as Pillow cannot write it."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def recoloured(png, count):
    """Return a PNG file whose palette has been cut to `count` colours."""
    at = png.index(b"PLTE")
    length = int.from_bytes(png[at - 4 : at], "big")
    return png[: at - 4] + chunk(b"PLTE", png[at + 4 :][: 3 * count]) + png[at + 4 + length + 4 :]


REFUSED = [
    ("avg P.png y.png", "avg is not for labels"),
    ("median P.png y.tif", "take max, min, mode"),
    ("avg P.png y.npy --dtype float32", "avg is not for labels"),
    ("avg 1.png y.png", "--dtype"),
    ("median 1.png y.png", "take max, min, mode"),
    ("avg I16.png y.png --dtype uint8", "--dtype uint8 cannot hold every value of uint16"),
    ("avg L.png y.npy --dtype complex64", "complex64"),
    ("max L.png y.npy --dtype float32", "--dtype"),
    ("avg L.png y.png --dtype float32", "minisblack float32"),
    ("max I16.png y.jpg", ".jpg holds 8-bit grey, 8-bit RGB; not 16-bit grey"),
    ("max RGBA.png y.jpg", "not 8-bit RGBA"),
    ("max LA.png y.jpg", "not 8-bit grey with alpha"),
    ("max P.png y.jpg", "not palette"),
    ("max 1.png y.jpg", "not 1-bit"),
    ("max PA.png y.tif", "transparent colours, which .tif cannot hold"),
    ("max key.png y.tif", "transparent colour, which .tif cannot hold"),
    ("max key.png y.jpg", "transparent colour, which .jpg cannot hold"),
    ("max cmyk.jpg y.png", "its pixels are CMYK; .jpg is read as 8-bit grey, 8-bit RGB"),
    ("max cmyk.tif y.tif", "its pixels are separated"),
    ("max rgb16.png y.png", "16 bits a sample"),
    ("max moving.png y.png", "more than one picture"),
    ("max colour9.png y.png", "the label 10, but a palette of 9 colours"),
    ("max mixed.tif y.tif", "2 series"),
    ("max volume.tif y.png", "not minisblack uint16 of shape (4, 4, 4)"),
    ("max white.tif y.png", "not miniswhite uint8"),
    ("max deep.tif y.png", "colours of 16 bits"),
    ("max times.tif y.tif --ndim 3", "channels or time: the axes are TYX"),
    ("max RGB.png y.npy --ndim 3", "channels or time: the axes are SYX"),
    ("max L.png y.npy --ndim 3", "no 3 axes"),
    ("max hwc.npy y.png --kernel 1", "not uint8 of shape (8, 9, 3)"),
    ("max deep.npy y.png", "not int16"),
]


@pytest.mark.parametrize(("arguments", "says"), REFUSED, ids=[arguments for arguments, _ in REFUSED])
def test_what_cannot_be_kept_is_refused(arguments, says, pictures, monkeypatch):
    monkeypatch.chdir(pictures)
    before = sorted(pictures.iterdir())
    with pytest.raises(click.ClickException) as refusal:
        command(*arguments.split(), *([] if "--kernel" in arguments else ["--kernel", 2]))
    assert says in refusal.value.format_message()
    assert sorted(pictures.iterdir()) == before


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif"])
def test_broken_files(ending, tmp_path):
    """Whatever a decoder makes of them, they are refused in one line, or are still a picture."""
    rng, refusals = np.random.default_rng(0), 0
    path, out = tmp_path / f"in{ending}", tmp_path / f"out{ending}"
    pixels = rng.integers(0, 9, (20, 30, 3), dtype=np.uint8)
    if ending == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb", compression="zlib")
    else:
        Image.fromarray(pixels).save(path)
    whole = path.read_bytes()
    for i in range(60):
        broken = bytearray(whole[: rng.integers(len(whole))] if i % 3 == 0 else whole)
        for at in rng.integers(0, len(broken) or 1, 0 if i % 3 == 0 else 4):
            broken[at] = rng.integers(256)
        path.write_bytes(broken)
        try:
            command("max", path, out, "--kernel", 2, "--force")
        except click.ClickException:
            refusals += 1
    assert refusals > 20


def broken(name, tmp_path):
    """Write a file that holds too little, or what is no array."""
    x, path = np.arange(400.0).reshape(20, 20), tmp_path / name
    if name.endswith(".npy"):
        np.save(path, x)
        path.write_bytes(path.read_bytes().replace(b"(20, 20)", b"(20, 20 "))  # not closed
        return
    np.savez_compressed(path, x=x)
    whole = bytearray(path.read_bytes())
    if name == "cut.npz":
        path.write_bytes(whole[:-30])
    elif name == "damaged.npz":
        whole[200:210] = bytes(10)
        path.write_bytes(whole)
    else:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("note.txt", "no array")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("head.npy", "cannot be read"),
        ("cut.npz", "cannot be read"),
        ("damaged.npz", "cannot be read"),
        ("note.npz", "holds note.txt, which is no array"),
    ],
)
def test_broken_arrays(name, says, tmp_path):
    broken(name, tmp_path)
    assert says in refused(tmp_path, "max", name, f"out{name[-4:]}", "--kernel", 2)


@pytest.fixture
def zarr():
    pytest.importorskip("ome_zarr_models")
    return pytest.importorskip("zarr")


@pytest.mark.parametrize("spoilt", ["c/0/1", "zarr.json"])
def test_broken_zarr(spoilt, zarr, tmp_path):
    x = np.arange(400.0).reshape(20, 20)
    zarr.create_array(tmp_path / "x.zarr", shape=x.shape, chunks=(10, 10), dtype=x.dtype)[:] = x
    (tmp_path / "x.zarr" / spoilt).write_bytes(b"{}" * 20)
    for arguments in (("max", "x.zarr", "y.zarr", "--kernel", 2), ("max", "x.zarr", "y.npy", "--kernel", 2)):
        assert "x.zarr -> y" in refused(tmp_path, *arguments)
    assert "x.zarr -> y" in refused(tmp_path, "pyramid", "x.zarr", "y.zarr", "--levels", 2)


@pytest.mark.parametrize("op", ["avg", "median"])
def test_pyramids_of_bits_are_told_what_there_is(op, zarr, tmp_path):
    np.save(tmp_path / "bits.npy", np.eye(8, dtype=bool))
    said = refused(tmp_path, "pyramid", "bits.npy", "y.zarr", "--levels", 2, "--op", op)
    assert "take --op max, min, mode" in said
    assert "--dtype" not in said


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(cli.__path__) if m.name != "zarr"])
def test_docstrings(name):
    assert doctest.testmod(importlib.import_module(f"cpool.cli.{name}")).failed == 0


def test_help():
    """It says which axes are pooled, and of every format what it holds."""
    text = run_process("--help").stdout
    assert run().stdout == text
    assert run().returncode == 0
    assert "(channels, height, width)" in text
    assert all(ending in text for ending in cli.files.FORMATS)
    for op in ("max", "min", "avg", "median", "mode"):
        assert f"  {op} " in text
        assert ("--dtype" in run(op, "--help").stdout) == (op in ("avg", "median"))
        assert ("--ignore" in run(op, "--help").stdout) == (op == "mode")


def test_bench():
    result = run_process("bench", "--rounds", 1)
    assert result.returncode == 0, result.stderr
    assert "NumPy / cpool" in result.stdout
    assert "max with indices" in result.stdout


def test_info():
    result = run_process("info")
    assert result.returncode == 0
    assert cpool.__version__ in result.stdout
    assert "instruction set chosen" in result.stdout
