"""The tables of planted faults hold, and what plants them tells a fault that is noticed from one that is not."""

import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent / "faults.py"

TABLE = """
[core/checks.py]

a length of an array may be negative
- lengths = tuple(integer(f"{name}[{i}]", v, 0, 2**63 - 1)
+ lengths = tuple(integer(f"{name}[{i}]", v, -1, 2**63 - 1)
> textbook

a number may be 0
- if number == 0 or number != number:
+ if number != number:
> norms::test_bad_norm
"""


def faults(*options):
    return subprocess.run([sys.executable, "-P", FAULTS, *map(str, options)], capture_output=True, text=True)


@pytest.mark.parametrize("options", [[], ["--kernels"]])
def test_every_fault_can_be_planted(options):
    """Text that has changed must change in the table too."""
    run = faults("--check", *options)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.slow
def test_what_is_missed_is_said(tmp_path):
    table = tmp_path / "table.txt"
    table.write_text(TABLE)
    run = faults("--table", table)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "MISSED" in run.stdout
    assert "2 faults, 1 missed" in run.stdout
    assert run.stdout.rstrip().endswith("core/checks.py: a length of an array may be negative")
    assert "by tests/test_norms.py::test_bad_norm" in run.stdout


@pytest.mark.parametrize(
    ("old", "new"), [("0, 2**63", "7, 2**63"), ("> textbook", "> nothing"), ("- if number", "+ if number")]
)
def test_a_table_that_rots_is_refused(old, new, tmp_path):
    table = tmp_path / "table.txt"
    assert TABLE.count(old) == 1
    table.write_text(TABLE.replace(old, new))
    run = faults("--table", table, "--check")
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
