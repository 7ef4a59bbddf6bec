"""The command line: pool pictures and arrays from file to file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

import cpool as cp

from ._config import config

Array = np.ndarray[Any, Any]
PICTURES = (".png", ".jpg", ".jpeg")


class Numbers(click.ParamType[Any]):
    """One whole number, or two separated by a comma: height,width."""

    name = "N or H,W"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            numbers = tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a whole number, or two as H,W", param, ctx)
        if len(numbers) > 2:
            self.fail(f"{value!r} has more than two numbers", param, ctx)
        return numbers[0] if len(numbers) == 1 else numbers


def read(path: Path) -> Array:
    """Return the array of a file, pictures as (channels, H, W) floats."""
    if path.suffix.lower() == ".npy":
        array: Array = np.load(path, allow_pickle=False)
        return array
    if path.suffix.lower() in PICTURES:
        with Image.open(path) as image:
            plain = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")
            pixels = np.asarray(plain, np.float32)
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    raise ValueError(
        f"{path.suffix or 'no extension'} is not a file type that cpool knows (.npy, {', '.join(PICTURES)})"
    )


def write(path: Path, array: Array) -> None:
    """Write an array to a file of the type that the name's ending asks for."""
    if path.suffix.lower() == ".npy":
        np.save(path, array)
        return
    if array.ndim != 3 or array.shape[0] not in (1, 3, 4):
        raise ValueError(f"an array of shape {array.shape} is not a picture: 1, 3 or 4 channels first")
    pixels = np.clip(np.rint(array), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    if path.suffix.lower() != ".png" and image.mode == "RGBA":
        raise ValueError("JPEG has no transparency: write .png instead")
    image.save(path)


@contextmanager
def whole_or_nothing(path: Path, force: bool) -> Iterator[Path]:
    """Yield a path beside `path` to write to, and move it into place only after success."""
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists; --force overwrites it")
    if path.suffix.lower() not in (".npy", *PICTURES):
        raise ValueError(f"OUT must end in .npy, {', '.join(PICTURES)}; got {path.name}")
    handle, name = tempfile.mkstemp(prefix=".cpool-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def run(operation: Callable[..., Any], source: Path, target: Path, force: bool, **arguments: Any) -> None:
    """Pool `source` into `target`; every expected failure becomes one line and exit code 2."""
    try:
        with whole_or_nothing(target, force) as beside:
            array = read(source)
            pooled = operation(array, **arguments)
            write(beside, pooled)
    except (OSError, ValueError, TypeError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise click.UsageError(f"{source} -> {target}: {message}") from error
    click.echo(f"{source} {'x'.join(map(str, array.shape))} -> {target} {'x'.join(map(str, pooled.shape))}")


FILE = click.Path(path_type=Path, dir_okay=False)


def pooling_command(name: str, operation: Callable[..., Any], text: str) -> None:
    """Add one subcommand."""

    @cpool.command(name, help=text)
    @click.argument("source", metavar="IN", type=FILE)
    @click.argument("target", metavar="OUT", type=FILE)
    @click.option("--kernel", "kernel_size", type=Numbers(), required=True, help="Window, as N or H,W.")
    @click.option("--stride", type=Numbers(), help="Distance of windows; the kernel if not given.")
    @click.option("--padding", type=Numbers(), default=0, show_default=True, help="Border that never counts as input.")
    @click.option("--force", is_flag=True, help="Overwrite OUT.")
    def command(source: Path, target: Path, force: bool, **arguments: Any) -> None:
        run(operation, source, target, force, **arguments)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cp.__version__, prog_name="cpool")
def cpool() -> None:
    """Pool pictures (PNG, JPEG; each colour channel by itself) and .npy arrays (the last two axes)."""


pooling_command("max", cp.max_pool2d, "Keep each window's maximum.")
pooling_command("min", cp.min_pool2d, "Keep each window's minimum.")
pooling_command("avg", cp.avg_pool2d, "Keep each window's average.")


@cpool.command()
def info() -> None:
    """Show how cpool was built and what it chose on this machine."""
    table = Table(show_header=False, box=None)
    for name, value in config().items():
        table.add_row(name, str(value))
    Console().print(table)


def main() -> int:
    """Run the command line and return its exit code; an error is one line."""
    try:
        return cpool.main(prog_name="cpool", standalone_mode=False) or 0
    except click.ClickException as error:
        click.echo(f"cpool: {error.format_message()}", err=True)
        return 2
    except click.Abort:
        click.echo("cpool: interrupted; nothing was written", err=True)
        return 130
