"""Plants faults, one at a time, runs the tests that should notice, and lists what nobody noticed; exit code 1 if any.

    python tests/faults.py              those of faults_python.txt: in a copy of the package, nothing is built
    python tests/faults.py --kernels    those of faults_kernels.txt: each is compiled, for one instruction set
    python tests/faults.py --match pieces --match "wrong tap"

A table names a file of the package, then fault after fault: what is wrong, the text that is replaced (-), the text that
replaces it (+), and the tests that should notice (>; ``sweep::test_norms`` means that of tests/test_sweep.py):

    [geometry.py]

    the last window is lost
    - // stride + 1
    + // stride
    > geometry sweep::test_extremes

A text that is not there exactly once, or a fault that does not compile, stops the run: a table must not rot. So does a
test that fails without a fault, which is asked at the end. The checkout itself is never touched.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import hypothesis  # noqa: F401  imported once for all runs
import numpy as np  # noqa: F401
import pytest

ROOT = Path(__file__).parent.parent
#: Where kernels are built; it is kept, so that the next run compiles only what has changed.
BUILD = ROOT / "build" / "faults"
#: Seconds after which a run of tests counts as noticed: something hangs.
PATIENCE = 600
#: What the build of the kernels needs besides the package.
BUILD_FILES = ["meson.build", "meson.options", "pyproject.toml"]


class Fault(NamedTuple):
    """One row of a table."""

    file: str
    what: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self):
        return f"{self.file}: {self.what}"

    def planted(self, text):
        """Return the text of the file with the fault in it."""
        if not self.old or self.old == self.new or not self.tests:
            raise SystemExit(f"{self}: a fault needs an old text, another new one, and tests")
        if text.count(self.old) != 1:
            raise SystemExit(
                f"{self}: the old text stands in the file {text.count(self.old)} times, not once:\n{self.old}"
            )
        return text.replace(self.old, self.new)


def test_path(name):
    """Return the test that a table calls `name`, as pytest does."""
    file, *function = name.split("::")
    path = ROOT / "tests" / f"test_{file}.py"
    if not path.exists() or (function and f"def {function[0]}(" not in path.read_text()):
        raise SystemExit(f"there is no test {name}")
    return "::".join([f"tests/test_{file}.py", *function])


def read(table):
    """Return the faults of a table."""
    faults, file = [], ""
    for block in table.read_text().split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if len(lines) == 1 and lines[0].startswith("["):
            file = lines[0].strip("[]")
        elif lines:
            marked = {mark: [line[2:] for line in lines if line.startswith(mark)] for mark in "-+>"}
            what = " ".join(line for line in lines if line[0] not in "-+>")
            if not what or what.startswith(" ") or not all(line[1] == " " for line in lines if line[0] in "-+>"):
                raise SystemExit(f"{table}: no fault reads so:\n{block}")
            tests = tuple(test_path(name) for name in " ".join(marked[">"]).split())
            faults.append(Fault(file, what, "\n".join(marked["-"]), "\n".join(marked["+"]), tests))
    return faults


def differs(new, old):
    """Whether a file must be copied."""
    return not old.exists() or new.read_bytes() != old.read_bytes()


def copy_package(to):
    """Bring the folder `to` up to the package's sources; what is the same keeps its time, for ninja."""
    for source in sorted((ROOT / "cpool").rglob("*")):
        if source.is_dir() or source.suffix in (".so", ".pyd", ".pyc") or source.name == "build_info.py":
            continue
        target = to / source.relative_to(ROOT / "cpool")
        target.parent.mkdir(parents=True, exist_ok=True)
        if differs(source, target):
            shutil.copyfile(source, target)


class Site:
    """A folder with a copy of the package, to import it from."""

    def __init__(self, folder):
        self.folder = folder
        self.sources = folder / "cpool"
        self.written = int(time.time())
        copy_package(self.sources)

    def prepare(self):
        """Add the compiled modules of the package that is installed."""
        show = "from cpool.core import build_info, driver, prepared; "
        show += "print(driver.__file__, prepared.__file__, build_info.__file__, sep='\\n')"
        installed = subprocess.run([sys.executable, "-P", "-c", show], cwd="/", text=True, capture_output=True)
        if installed.returncode:
            raise SystemExit(f"cpool must be installed:\n{installed.stderr}")
        for file in installed.stdout.splitlines():
            shutil.copy(file, self.sources / "core")

    def update(self, file):
        """Bring what is compiled up to the sources, of which `file` has changed."""

    def environment(self):
        """Return an environment in which this copy is the one imported."""
        more = dict(PYTHONPATH=str(self.folder), PYTHONPYCACHEPREFIX=str(self.folder / "pyc"), PYTHONSAFEPATH="1")
        return {k: v for k, v in os.environ.items() if k != "CPOOL_ISA"} | more

    def check(self):
        """Stop unless it is."""
        show = "import cpool, cpool.core.driver; print(cpool.__file__, cpool.core.driver.__file__, sep='\\n')"
        command = [sys.executable, "-c", show]
        imported = subprocess.run(command, cwd="/", text=True, capture_output=True, env=self.environment())
        paths = [Path(line) for line in imported.stdout.splitlines()]
        if len(paths) != 2 or any(self.folder not in path.parents for path in paths):
            raise SystemExit(f"the copy in {self.folder} is not what is imported:\n{imported.stdout}{imported.stderr}")

    @contextlib.contextmanager
    def planted(self, fault):
        """Keep a fault in the copy for a while."""
        path = self.sources / fault.file
        right = path.read_text()
        self.write(path, fault.planted(right))
        try:
            yield
        finally:
            self.write(path, right)

    def write(self, path, text):
        """Write a source at a time of its own, by which Python tells whether it must be compiled again."""
        path.write_text(text)
        self.written += 1
        os.utime(path, (self.written, self.written))


class Built(Site):
    """The same, compiled from the copy itself."""

    def __init__(self, folder):
        self.folder, self.sources = folder / "site", folder / "source" / "cpool"
        self.build = folder / "build"
        copy_package(self.sources)
        copy_package(self.folder / "cpool")

    def prepare(self):
        """Configure: one level, with AVX2 if there is, and optimised less, for it is built often and used shortly."""
        for name in BUILD_FILES:
            if differs(ROOT / name, self.sources.parent / name):
                shutil.copyfile(ROOT / name, self.sources.parent / name)
        recipe = self.sources / "meson.build"
        if recipe.read_text().count("'-O2'") != 1:
            raise SystemExit("cpool/meson.build sets -O2 no longer")
        recipe.write_text(recipe.read_text().replace("'-O2'", "'-O0'"))
        if not (self.build / "build.ninja").exists():
            options = ["-Dinstruction_sets=", "-Dchecks=true"]  # what is written beyond scratch ends the process
            cpu = Path("/proc/cpuinfo")
            if cpu.exists() and " avx2 " in cpu.read_text():  # some leaves have more code with it
                options.append("-Dc_args=-mavx2")
            command = ["meson", "setup", str(self.build), str(self.sources.parent), *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        self.update(None)

    def write(self, path, text):
        """Write a source; ninja looks at the time."""
        path.write_text(text)

    def update(self, file):
        """Compile, and copy the modules to where they are imported from."""
        if file and file.endswith(".pxi"):  # ninja does not know who includes it
            (self.sources / "kernels" / "driver" / "driver.pyx").touch()
        done = subprocess.run(["ninja", "-C", str(self.build)], text=True, capture_output=True)
        if done.returncode:
            raise SystemExit(f"{file or 'the package'} does not compile:\n{done.stdout[-4000:]}")
        for path in (self.build / "cpool").iterdir():
            if path.suffix == ".so" or path.name == "build_info.py":
                target = self.folder / "cpool" / "core" / path.name
                target.unlink(missing_ok=True)
                shutil.copy(path, target)


def run_tests(site, tests):
    """Return what noticed: the first test that failed, a crash, a hang; None if all passed.

    In a fork, which has all modules but cpool already: most of the time would else go to their import.
    """
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.chdir(ROOT)
            os.environ.update(site.environment(), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
            sys.path[:0] = [str(site.folder)]
            sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
            sys.stdout.flush()
            os._exit(code)
        end = time.monotonic() + PATIENCE
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return "a hang"
            time.sleep(0.02)
        output.seek(0)
        lines = output.read().splitlines()
    if status == 0:
        return None
    if os.WIFSIGNALED(status):
        return f"a crash by signal {os.WTERMSIG(status)}"
    if os.waitstatus_to_exitcode(status) == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise SystemExit(f"there is nothing in {tests}")
    failed = [line.split(" ", 1)[1].split(" - ")[0] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return failed[0] if failed else f"an error before the first test: {lines[-1] if lines else ''}"


def try_out(site, faults):
    """Plant one fault after the other; return those that nobody noticed."""
    site.prepare()
    site.check()
    missed, failed = [], []
    for fault in faults:
        begin = time.monotonic()
        with site.planted(fault):
            site.update(fault.file)
            noticed = run_tests(site, fault.tests)
        print(f"{'noticed' if noticed else 'MISSED ':7} {time.monotonic() - begin:5.1f} s  {fault}")
        print(f"{'':18}by {noticed}" if noticed else f"{'':18}not by {' '.join(fault.tests)}", flush=True)
        if not noticed:
            missed.append(fault)
        failed += [noticed] if noticed and "::" in noticed else fault.tests if noticed else []
    site.update(fault.file)
    wrong = run_tests(site, sorted(set(failed)))
    if wrong:
        raise SystemExit(f"without a fault there is {wrong}")
    return missed


def main():
    """Read the table, plant, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", action="store_true", help="driver and leaves, compiled for each fault")
    parser.add_argument("--match", action="append", help="faults whose file or description holds this text")
    parser.add_argument("--table", type=Path, help="another table")
    parser.add_argument("--check", action="store_true", help="only that every text and every test is there")
    given = parser.parse_args()
    table = given.table or Path(__file__).with_name("faults_kernels.txt" if given.kernels else "faults_python.txt")
    faults = [f for f in read(table) if not given.match or any(text in str(f) for text in given.match)]
    if not faults:
        raise SystemExit("no fault matches")
    for fault in faults:
        fault.planted((ROOT / "cpool" / fault.file).read_text())
    if given.check:
        print(f"{len(faults)} faults can be planted")
        return 0
    begin = time.monotonic()
    if given.kernels:
        missed = try_out(Built(BUILD), faults)
    else:
        with tempfile.TemporaryDirectory() as folder:
            missed = try_out(Site(Path(folder)), faults)
    print(f"{len(faults)} faults, {len(missed)} missed, {time.monotonic() - begin:.0f} s", *missed, sep="\n  ")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
