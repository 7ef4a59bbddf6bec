"""Pictures as arrays, with what their numbers mean: PNG and JPEG by Pillow, TIFF by tifffile.

A picture is an array (height, width), or (samples, height, width) if a pixel has several; the pages of a TIFF come
before its height. What a sample is, TIFF's words say, for what the other formats know is a part of that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from PIL import Image, ImageOps

Array = np.ndarray[Any, Any]

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it would print beside the one line of an error
Image.MAX_IMAGE_PIXELS = None  # large pictures are no attack: whoever runs the command names them

#: What Pillow says about a picture that pooling leaves as it is: what its colours are, and which one is not shown.
KEPT = ("icc_profile", "transparency")


class Picture(NamedTuple):
    """An array whose last axes are those of space, and what its file says about it: nothing, if that is no picture."""

    array: Any
    #: A letter for each axis, as tifffile has them: S for samples, C for channels, T for time, others for pages.
    axes: str = ""
    #: "minisblack", "miniswhite", "rgb" or "palette".
    photometric: str = ""
    #: What the samples beyond the colour are: "unassalpha", "assocalpha" or "unspecified".
    extra: tuple[str, ...] = ()
    #: (colours, 4): red, green, blue and alpha of each label, in 16 bits.
    palette: Array | None = None
    #: Of KEPT, by name.
    kept: Mapping[str, Any] = {}
    #: What a Zarr array calls its axes, if anything.
    names: tuple[str | None, ...] = ()

    @property
    def labels(self) -> bool:
        """Whether the numbers are names, between which there is nothing."""
        return self.photometric == "palette"

    def refuse_to_pool(self, ndim: int) -> None:
        """Refuse, if the last `ndim` axes are not all of space."""
        if set(self.axes[-ndim:]) & set("TCS"):
            axes = ", ".join(map(str, self.names)) or self.axes
            raise ValueError(f"--ndim {ndim} would pool along channels or time: the axes are {axes}")


class Kind(NamedTuple):
    """A kind of picture that Pillow reads and writes as it is."""

    name: str
    dtype: str
    photometric: str
    extra: tuple[str, ...] = ()
    endings: tuple[str, ...] = (".png",)

    @property
    def samples(self) -> tuple[int, ...]:
        """What stands before height and width in the array's shape.

        >>> KINDS["RGBA"].samples, KINDS["L"].samples
        ((4,), ())
        """
        count = (3 if self.photometric == "rgb" else 1) + len(self.extra)
        return (count,) if count > 1 else ()

    def fits(self, picture: Picture) -> bool:
        """Whether a picture is of this kind; an array that came without words is, by its dtype and shape."""
        said = picture.photometric, picture.extra
        return (
            said in ((self.photometric, self.extra), ("", ()))
            and picture.array.dtype == self.dtype
            and picture.array.shape[:-2] == self.samples
        )


#: By Pillow's mode. The first that fits counts, so bytes that came without words are grey, not labels.
KINDS = {
    "1": Kind("1-bit", "bool", "minisblack"),
    "L": Kind("8-bit grey", "uint8", "minisblack", endings=(".png", ".jpg")),
    "I;16": Kind("16-bit grey", "uint16", "minisblack"),
    "LA": Kind("8-bit grey with alpha", "uint8", "minisblack", ("unassalpha",)),
    "RGB": Kind("8-bit RGB", "uint8", "rgb", endings=(".png", ".jpg")),
    "RGBA": Kind("8-bit RGBA", "uint8", "rgb", ("unassalpha",)),
    "P": Kind("palette", "uint8", "palette"),
}
TIFF_PHOTOMETRICS = ("minisblack", "miniswhite", "rgb", "palette")
#: Where an axis belongs in the array, and where in a TIFF; a page's axis, whatever its letter, takes the place of Z.
IN_ARRAY, IN_TIFF = "TCSZYX", "TZCYXS"


def order_of(axes: str, wanted: str) -> list[int]:
    """Return the permutation that brings axes into the wanted order.

    >>> order_of("ZYXS", IN_ARRAY), order_of("SIYX", IN_TIFF)
    ([3, 0, 1, 2], [1, 2, 3, 0])
    """
    return sorted(range(len(axes)), key=lambda i: wanted.find(axes[i] if axes[i] in wanted else "Z"))


def _listed(ending: str) -> str:
    """Return the names of the kinds that a format holds.

    >>> _listed(".jpg")
    '8-bit grey, 8-bit RGB'
    """
    return ", ".join(kind.name for kind in KINDS.values() if ending in kind.endings)


def read(path: Path, ending: str) -> Picture:
    """Read a picture; one of TIFF is mapped into memory, so it may be larger."""
    return _read_tiff(path) if ending == ".tif" else _read_with_pillow(path, ending)


def write(path: Path, ending: str, picture: Picture) -> None:
    """Write a picture, or refuse it if the format cannot hold it as it is."""
    if "transparency" in picture.kept and ending != ".png":
        raise ValueError(f"the picture has a transparent colour, which {ending} cannot hold; .png can")
    if ending == ".tif":
        _write_tiff(path, picture)
    else:
        _write_with_pillow(path, ending, picture)


def _read_with_pillow(path: Path, ending: str) -> Picture:
    with Image.open(path, formats=("PNG", "JPEG")) as image:
        if image.mode not in KINDS:
            raise ValueError(f"its pixels are {image.mode}; {ending} is read as {_listed(ending)}")
        if image.mode != "I;16" and ";16" in str(image.tile[0][3]):
            raise ValueError("it has 16 bits a sample, of which Pillow would keep 8; as .tif it is kept")
        if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
            raise ValueError("it holds more than one picture; take .tif for many")
        image.load()
        image.apply_transparency()  # to a palette
        kept: dict[str, Any] = {name: image.info[name] for name in KEPT if name in image.info}
        ImageOps.exif_transpose(image, in_place=True)  # H and W are those that one sees
        pixels, palette, kind = np.asarray(image), None, KINDS[image.mode]
        if image.mode == "P":
            palette = np.array(image.getpalette("RGBA"), np.uint16).reshape(-1, 4) * 257
            if pixels.max() >= len(palette):
                raise ValueError(f"it has the label {pixels.max()}, but a palette of {len(palette)} colours")
    if not kind.samples:
        return Picture(pixels, "YX", kind.photometric, kind.extra, palette, kept)
    return Picture(np.moveaxis(pixels, -1, 0), "SYX", kind.photometric, kind.extra, palette, kept)


def _write_with_pillow(path: Path, ending: str, picture: Picture) -> None:
    array = picture.array
    kind = next((kind for kind in KINDS.values() if kind.fits(picture)), None)
    if kind is None or ending not in kind.endings:
        what = kind.name if kind else f"{picture.photometric} {array.dtype} of shape {array.shape}".lstrip()
        raise ValueError(f"{ending} holds {_listed(ending)}; not {what}")
    image = Image.fromarray(np.moveaxis(array, 0, -1) if kind.samples else array)
    if picture.palette is not None:
        eight, opaque = picture.palette >> 8, (picture.palette[:, 3] == 65535).all()
        if not any(np.array_equal(eight[:, :3] * unit, picture.palette[:, :3]) for unit in (256, 257)):
            raise ValueError(f"its palette has colours of 16 bits, of which {ending} holds 8")
        image.putpalette(eight[:, : 3 if opaque else 4].astype(np.uint8).tobytes(), "RGB" if opaque else "RGBA")
    image.save(path, **picture.kept)


def _upright(array: Array, orientation: int) -> Array:
    """Return a view whose last axes are the height and width that one sees, by TIFF's number of how a page lies."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(-1, -2)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return array[..., rows, columns]


def _read_tiff(path: Path) -> Picture:
    with tifffile.TiffFile(path) as file:
        if len(file.series) != 1:
            raise ValueError(f"it holds {len(file.series)} series of pictures; cpool reads files of one")
        series, page = file.series[0], file.series[0].keyframe
        photometric = tifffile.PHOTOMETRIC(page.photometric).name.lower()
        if photometric not in TIFF_PHOTOMETRICS:
            raise ValueError(f"its pixels are {photometric}; .tif is read as {', '.join(TIFF_PHOTOMETRICS)}")
        if page.bitspersample not in (1, 8 * series.dtype.itemsize):
            raise ValueError(f"it has {page.bitspersample} bits a sample; .tif is read with 1, 8, 16, 32 or 64")
        order = order_of(series.axes, IN_ARRAY)
        axes = "".join(series.axes[i] for i in order)
        array = _upright(series.asarray(out="memmap").transpose(order), page.tags.valueof(274, 1))
        palette = None
        if photometric == "palette" and page.colormap is not None:
            palette = np.insert(page.colormap.T, 3, 65535, axis=1)
        kept = {"icc_profile": page.iccprofile} if page.iccprofile else {}
        extra = tuple(tifffile.EXTRASAMPLE(sample).name.lower() for sample in page.extrasamples)
    return Picture(array, axes, photometric, extra, palette, kept)


def _write_tiff(path: Path, picture: Picture) -> None:
    array, colours = picture.array, None
    axes = picture.axes or "Q" * (array.ndim - 2) + "YX"
    order = order_of(axes, IN_TIFF)
    if picture.palette is not None:
        if (picture.palette[:, 3] != 65535).any():
            raise ValueError("its palette has transparent colours, which .tif cannot hold; .png can")
        colours = np.zeros((3, 2 ** (8 * array.itemsize)), np.uint16)
        colours[:, : len(picture.palette)] = picture.palette[:, :3].T
    tifffile.imwrite(
        path, array.transpose(order), photometric=picture.photometric or "minisblack", extrasamples=picture.extra,
        planarconfig="contig" if "S" in axes else None, colormap=colours, iccprofile=picture.kept.get("icc_profile"),
        metadata={"axes": "".join(axes[i] for i in order)},
    )  # fmt: skip
