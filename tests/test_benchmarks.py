"""The benchmark of random shapes runs, and what it says of a case is enough to measure it again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXPLORE = Path(__file__).parent.parent / "benchmarks" / "explore.py"
CASES = [
    "operation=max_indices layout=NHWC dtype=uint8 shape=2x3x9x8 kernel=3x2 stride=2x2 padding=1x0 dilation=1x2 ceil=1",
    "operation=avg_backward layout=channels_last dtype=float64 shape=1x2x9x9 kernel=3x3 stride=2x2 padding=1x1 "
    "dilation=1x1 count_padding=0",
    "operation=adaptive_avg_backward layout=NCHW dtype=float32 shape=2x3x7 kernel=3",
    "operation=max_backward layout=NCHW dtype=float32 shape=2x3x17 kernel=3 stride=2 padding=1 dilation=1",
]


def explore(*options):
    beside = {
        name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"
    }  # it imports its neighbours
    command = [sys.executable, EXPLORE, "--threads", "1", "--rounds", "1", *options]
    return subprocess.run(command, capture_output=True, text=True, env=beside)


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


def test_cases_are_measured_as_they_are_written():
    run = explore(*(word for case in CASES for word in ("--case", case)))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 cases" in run.stdout
    assert "Values unlike torch's: 0" in run.stdout


def test_random_cases():
    run = explore("--cases", "5", "--only", "dtype=float32", "layout=channels_last")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 cases" in run.stdout


def test_a_window_that_sees_only_padding_is_refused():
    run = explore(
        "--case", "operation=max layout=NCHW dtype=float32 shape=1x1x1 kernel=2 stride=1 padding=1 dilation=2"
    )
    assert run.returncode != 0
    assert "sees only padding" in run.stderr
