"""Files by their endings: the one place where they are read and written, whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from . import pictures
from .pictures import Picture

#: What a file's name may end in, and the name by which cpool knows the format.
FORMATS = {
    ".png": ".png", ".jpg": ".jpg", ".jpeg": ".jpg", ".tif": ".tif", ".tiff": ".tif",
    ".npy": ".npy", ".npz": ".npz", ".zarr": ".zarr",
}  # fmt: skip


def format_of(path: Path, name: str) -> str:
    """Return the format of a file, if its name ends as one that cpool knows; IN may lie inside of a Zarr group."""
    if name == "IN" and not path.suffix and any(parent.suffix.lower() == ".zarr" for parent in path.parents):
        return ".zarr"
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{name} must end in {', '.join(FORMATS)}; got {path.name or path}")
    return FORMATS[path.suffix.lower()]


@contextmanager
def decoding() -> Iterator[None]:
    """Turn what a decoder raises over a broken file, which is not documented, into a ValueError."""
    try:
        yield
    except (OSError, ValueError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"cannot be read: {error or type(error).__name__}") from error


def read(path: Path) -> Picture:
    """Read a picture or a .npy file, mapped into memory where its format allows."""
    ending = format_of(path, "IN")
    with decoding():
        if ending == ".npy":
            return Picture(np.load(path, mmap_mode="r", allow_pickle=False))
        return pictures.read(path, ending)


def write(path: Path, picture: Picture) -> None:
    """Write a picture, or its array alone if the name ends in .npy."""
    ending = format_of(path, "OUT")
    if ending == ".npy":
        np.save(path, picture.array)
    else:
        pictures.write(path, ending, picture)


def new_array(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return a new .npy file, mapped into memory; a full disk is told now, as later it would end the process."""
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        try:
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # not every file system can say
                raise
    return array


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _terminable() -> Iterator[None]:
    """Let signals that would end the process at once end it as Ctrl-C does, by an exception."""

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    here = threading.current_thread() is threading.main_thread()  # where alone Python lets them be handled
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if here and hasattr(signal, name)]
    ours = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]  # nohup's stay ignored
    try:
        for number in ours:
            signal.signal(number, leave)
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def whole_or_nothing(path: Path, force: bool) -> Iterator[Path]:
    """Yield a path beside `path` to write to, and move it into place only after success.

    A file that is overwritten keeps its mode, and a link leads to it still.
    """
    folder = format_of(path, "OUT") == ".zarr"
    if os.path.lexists(path) and not force:
        raise FileExistsError(f"{path} exists; --force overwrites it")
    if path.exists() and path.is_dir() != folder:
        raise FileExistsError(f"{path} is {'not ' if folder else ''}a folder")
    place = Path(os.path.realpath(path))
    if not place.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {place.parent} to write {place.name} to")
    room = place.parent / f".cpool-{secrets.token_hex(8)}"
    beside = room / f"out{path.suffix}"
    with _terminable():
        try:  # named before it is made: whenever Ctrl-C comes, the folder is removed
            room.mkdir(0o700)
            yield beside
            mode = place.stat().st_mode if place.exists() else 0o666 & ~_umask()
            if folder and place.exists():
                place.rename(room / "old")
            if not folder:
                beside.chmod(mode & 0o777)
            beside.replace(place)
        finally:
            shutil.rmtree(room, ignore_errors=True)
