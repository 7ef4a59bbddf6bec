"""The command line: pool pictures and arrays from file to file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

import cpool as cp

from . import _files, geometry
from ._averages import average
from ._config import config
from ._extremes import select

Shape = tuple[int, ...]


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


@contextmanager
def progress(text: str, source: Path) -> Iterator[_files.Report]:
    """Show a bar on a terminal, until the work is done: how much of IN, at which rate, and the time that remains."""
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
    except (OSError, ValueError, TypeError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise click.UsageError(f"{about}: {' '.join(str(error).split()) or type(error).__name__}") from error


def run(pooling: _files.Pooling, source: Path, target: Path, report: _files.Report) -> tuple[Shape, Shape]:
    """Pool one file into another, by what their names end in; return both shapes."""
    endings = _files.kind(source, "IN"), _files.kind(target, "OUT")
    if ".npz" in endings:
        if endings[0] != endings[1]:
            raise ValueError(".npz goes to .npz alone")
        return _files.each_member(pooling, source, target, report)
    if ".zarr" in endings:
        from . import _zarr

        return _zarr.pool(pooling, source, target, report)
    if endings == (".npy", ".npy"):
        return _files.stream(pooling, source, target, report)
    x = _files.read(source)
    y = pooling(x)
    _files.write(target, y)
    return x.shape, y.shape


PATH = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cp.__version__, prog_name="cpool")
def cpool() -> None:
    """Pool pictures (PNG, JPEG; each colour channel by itself) and the last two axes of .npy, .npz and .zarr arrays.

    .npy and .zarr may be larger than memory.
    """


def pooling_command(name: str, needs_input: bool, prepare: Callable[..., Any], text: str) -> None:
    """Add one subcommand."""

    @cpool.command(name, help=text)
    @click.argument("source", metavar="IN", type=PATH)
    @click.argument("target", metavar="OUT", type=PATH)
    @click.option("--kernel", type=Numbers(), required=True, help="Window, as N or H,W.")
    @click.option("--stride", type=Numbers(), help="Distance of windows; the kernel if not given.")
    @click.option("--padding", type=Numbers(), default=0, show_default=True, help="Border that never counts as input.")
    @click.option("--force", is_flag=True, help="Overwrite OUT.")
    def command(source: Path, target: Path, kernel: Any, stride: Any, padding: Any, force: bool) -> None:
        def plan(sizes: Shape) -> geometry.Plan:
            return geometry.plan(sizes, kernel, stride, padding, needs_input=needs_input)

        with (
            one_line(f"{source} -> {target}"),
            _files.whole_or_nothing(target, force) as beside,
            progress(name, source) as bar,
        ):
            before, after = run(_files.Pooling(plan, prepare), source, beside, bar)
        click.echo(f"{source} {'x'.join(map(str, before))} -> {target} {'x'.join(map(str, after))}")


extreme = partial(partial, select, with_indices=False, index_dtype=np.int64)
pooling_command("max", True, partial(select, "max"), "Keep each window's maximum.")
pooling_command("min", True, partial(select, "min"), "Keep each window's minimum.")
pooling_command("avg", False, average, "Keep each window's average.")


@cpool.command()
@click.argument("source", metavar="IN", type=PATH)
@click.argument("target", metavar="OUT", type=PATH)
@click.option("--levels", type=click.IntRange(1, 64), required=True, help="Levels, the full picture included.")
@click.option("--op", type=click.Choice(["avg", "max", "mode"]), default="avg", show_default=True,
              help="How 2 pixels by 2 become one; mode for labels.")  # fmt: skip
@click.option("--ndim", type=click.IntRange(2, 3), default=2, show_default=True, help="Halve the last 2 or 3 axes.")
@click.option("--force", is_flag=True, help="Overwrite OUT.")
def pyramid(source: Path, target: Path, levels: int, op: str, ndim: int, force: bool) -> None:
    """Write a picture and its halves, quarters ... as a multi-level Zarr (OME-Zarr 0.5)."""
    with one_line(f"{source} -> {target}"):
        from . import _zarr

        if _files.kind(source, "IN") == ".npz":
            raise ValueError("IN must hold one array, not several as .npz does")
        if _files.kind(target, "OUT") != ".zarr":
            raise ValueError(f"OUT must end in .zarr; got {target.name}")
        with _files.whole_or_nothing(target, force) as beside, progress("pyramid", source) as bar:
            shapes = _zarr.pyramid(source, beside, levels, op, ndim, bar)
    click.echo(f"{source} -> {target} {', '.join('x'.join(map(str, shape)) for shape in shapes)}")


@cpool.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Each is timed once in a round.")
def bench(rounds: int) -> None:
    """Time cpool against NumPy's way, and against torch if it is installed, in one interleaved run."""
    from ._bench import measured, peers

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
        return cpool.main(prog_name="cpool", standalone_mode=False) or 0
    except click.ClickException as error:
        click.echo(f"cpool: {error.format_message()}", err=True)
        return 2
    except click.Abort:
        click.echo("cpool: interrupted; nothing was written", err=True)
        return 130
