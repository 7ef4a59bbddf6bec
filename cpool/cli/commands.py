"""What a user types: a command for each operation, pyramid, bench, info."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

import cpool as cp

from ..core.config import config
from . import arrays, files
from .pooling import DTYPES, OPERATIONS, Axes, Operation, Pooling, Report


def numbers(text: Any) -> int | Axes:
    """Return one whole number, or one for each pooled axis.

    >>> numbers("3"), numbers("3,2")
    (3, (3, 2))
    """
    try:
        each = tuple(int(part) for part in str(text).split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a whole number, or one for each axis as H,W") from None
    return each[0] if len(each) == 1 else each


@contextmanager
def progress(text: str, source: Path) -> Iterator[Report]:
    """Show a bar on a terminal, until the work is done: how much of IN, at which rate, and the time that remains."""
    files.format_of(source, "IN")  # before a folder that is no Zarr array is searched
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f}%"))
    size = sum(file.stat().st_size for file in (source, *source.rglob("*")) if file.is_file())
    with Progress(
        *columns, TransferSpeedColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task(text, total=size)
        yield lambda done: bar.update(task, completed=done * size)


@contextmanager
def one_line(about: str) -> Iterator[None]:
    """Turn every failure to be expected into one line and exit code 2."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise click.UsageError(f"{about}: needs {missing.name}: pip install 'numpy-cpool[zarr]'") from missing
    except (OSError, ValueError, TypeError, EOFError, MemoryError) as error:
        raise click.UsageError(f"{about}: {' '.join(str(error).split()) or type(error).__name__}") from error


def run(pooling: Pooling, source: Path, target: Path, report: Report) -> tuple[Axes, Axes]:
    """Pool one file into another, by what their names end in; return both shapes."""
    formats = files.format_of(source, "IN"), files.format_of(target, "OUT")
    if ".npz" in formats:
        if formats[0] != formats[1]:
            raise ValueError(".npz goes to .npz alone")
        return arrays.each_member(pooling, source, target, report)
    if ".zarr" in formats:
        from . import zarr

        return zarr.pool(pooling, source, target, report)
    if formats == (".npy", ".npy"):
        return arrays.stream(pooling, source, target, report)
    picture = files.read(source)
    picture.refuse_to_pool(pooling.ndim)
    y = pooling(picture.array, picture.labels)
    files.write(target, picture._replace(array=y))
    return picture.array.shape, y.shape


SOURCE = click.argument("source", metavar="IN", type=click.Path(path_type=Path))
TARGET = click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
NUMBERS: dict[str, Any] = dict(type=numbers, metavar="N or H,W")
KERNEL = click.option("--kernel", **NUMBERS, required=True, help="Window, of volumes N or D,H,W.")
STRIDE = click.option("--stride", **NUMBERS, help="Distance of windows; the kernel if not given.")
PADDING = click.option(
    "--padding", **NUMBERS, default=0, show_default=True,
    help="Border on every side: for avg zeros that count, else nothing.",
)  # fmt: skip
NDIM = click.option(
    "--ndim", type=click.IntRange(2, 3), default=2, show_default=True,
    help="Pool the last 2 axes, height and width, or the last 3: depth (pages) too.",
)  # fmt: skip
DTYPE = click.option("--dtype", type=click.Choice(DTYPES), help="Of the result; IN's if not given.")
IGNORE = click.option("--ignore", type=int, help="Of mode: a label that counts only where a window has no other.")
FORCE = click.option("--force", is_flag=True, help="Overwrite OUT.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cp.__version__, prog_name="cpool")
def cpool() -> None:
    """Pool pictures and arrays from file to file. What IN and OUT are, their endings say:

    \b
    .png        1-bit, 8- and 16-bit grey, 8-bit grey with alpha, RGB, RGBA; palette
    .jpg .jpeg  8-bit grey, RGB
    .tif .tiff  any dtype; samples, channels, pages; palette
    .npy .npz   arrays; a .npy in C order may be larger than memory
    .zarr       arrays, larger than memory too

    Height and width are pooled, with --ndim 3 depth too, and each channel by itself. In an array these are the last
    axes: (..., height, width). So a colour picture is (channels, height, width), and a TIFF of many pages
    (pages, height, width), a volume. An array (height, width, channels) must be turned first.

    Pictures keep their kind and dtype. The numbers of a palette are labels; the palette goes along into a picture. Only
    avg and median of integers are rounded, half to even, unless --dtype asks for another dtype. What OUT's format
    cannot hold is refused.
    """


def pooling_command(op: str, operation: Operation) -> None:
    """Add one subcommand."""

    def command(
        source: Path, target: Path, kernel: Any, stride: Any, padding: Any, ndim: int, force: bool, dtype: Any = None,
        ignore: int | None = None,
    ) -> None:  # fmt: skip
        windows = dict(kernel_size=kernel, stride=stride, padding=padding)
        pooling = Pooling(op, ndim, windows, np.dtype(dtype) if dtype else None, ignore)
        with (
            one_line(f"{source} -> {target}"),
            files.whole_or_nothing(target, force) as beside,
            progress(op, source) as bar,
        ):
            before, after = run(pooling, source, beside, bar)
        click.echo(f"{source} {'x'.join(map(str, before))} -> {target} {'x'.join(map(str, after))}")

    own = [DTYPE] if operation.between else [IGNORE] if operation.ignores else []
    for parameter in reversed([SOURCE, TARGET, KERNEL, STRIDE, PADDING, NDIM, *own, FORCE]):
        command = parameter(command)
    cpool.command(op, help=operation.text)(command)


for op, operation in OPERATIONS.items():
    pooling_command(op, operation)


@cpool.command()
@SOURCE
@TARGET
@click.option("--levels", type=click.IntRange(1, 64), required=True, help="Levels, the full picture included.")
@click.option("--op", type=click.Choice([*OPERATIONS]), default="avg", show_default=True,
              help="How 2 pixels by 2 become one; mode for labels.")  # fmt: skip
@IGNORE
@NDIM
@click.option("--shards", type=click.IntRange(1, 64), default=1, show_default=True,
              help="Chunks along each halved axis that are stored in one file, a Zarr shard.")  # fmt: skip
@FORCE
def pyramid(
    source: Path, target: Path, levels: int, op: str, ignore: int | None, ndim: int, shards: int, force: bool
) -> None:
    """Write a picture and its halves, quarters ... as a multi-level Zarr (OME-Zarr 0.5).

    All levels have the picture's dtype. A palette becomes the colours of the labels.
    """
    with one_line(f"{source} -> {target}"):
        from . import zarr

        if files.format_of(source, "IN") == ".npz":
            raise ValueError("IN must hold one array, not several as .npz does")
        if files.format_of(target, "OUT") != ".zarr":
            raise ValueError(f"OUT must end in .zarr; got {target.name}")
        with files.whole_or_nothing(target, force) as beside, progress("pyramid", source) as bar:
            shapes = zarr.pyramid(source, beside, levels, op, ndim, bar, ignore, shards)
    click.echo(f"{source} -> {target} {', '.join('x'.join(map(str, shape)) for shape in shapes)}")


@cpool.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Each is timed once in a round.")
def bench(rounds: int) -> None:
    """Time cpool against NumPy's way, and against torch if it is installed, in one interleaved run."""
    from .bench import measured, peers

    table = Table("operation", "shape", *(f"{name} / cpool" for name in peers()), title="times the time of cpool")
    for operation, shape, ratios in measured(rounds):
        table.add_row(operation, "x".join(map(str, shape)), *(f"{ratio:.1f}" for ratio in ratios))
    Console().print(table)


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
        return cpool.main(sys.argv[1:] or ["--help"], prog_name="cpool", standalone_mode=False) or 0
    except click.ClickException as error:
        click.echo(f"cpool: {error.format_message()}", err=True)
        return 2
    except click.Abort:
        click.echo("cpool: interrupted; nothing was written", err=True)
        return 130
    except OSError as error:  # those of files are ClickExceptions by now
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # else Python would try once more as it ends
        click.echo(f"cpool: standard output: {error.strerror or error}", err=True)
        return 1
