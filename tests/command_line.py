"""The command line as a user types it, in a process of its own; or in this one, which has all of it imported."""

import contextlib
import io
import subprocess
import sys
from types import SimpleNamespace
from unittest import mock

from cpool import cli


def run_process(*arguments, **more):
    """Run a command in a process; `more` are keywords of `subprocess.run`."""
    command = [sys.executable, "-m", "cpool", *map(str, arguments)]
    caught = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return subprocess.run(command, text=True, timeout=300, **caught | more)


def run(*arguments, cwd="."):
    """Run a command here; return what `run_process` does of it."""
    out, err = io.StringIO(), io.StringIO()
    typed = mock.patch("sys.argv", ["cpool", *map(str, arguments)])
    with typed, contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main()
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())
