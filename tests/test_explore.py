"""A short exploration, a sample of the small geometries, and that the explorer notices what is wrong."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from explore import reachable

from cpool.core import driver

EXPLORE = Path(__file__).parent / "explore.py"


def explore(*options):
    return subprocess.run([sys.executable, "-P", EXPLORE, *map(str, options)], capture_output=True, text=True)


def test_random_calls():
    run = explore("--calls", 4000, "--seconds", 120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "never drawn: none" in run.stdout
    assert re.search(r"\nvalues: nested x none +sum( +\d+){9}\n", run.stdout), run.stdout


def test_some_small_geometries():
    run = explore("--enumerate", "--every", 797)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.slow
def test_more_small_geometries():
    """One in a hundred; ``explore.py --enumerate`` runs all."""
    run = explore("--enumerate", "--every", 100, "--seed", 7)
    assert run.returncode == 0, run.stdout + run.stderr


BREAKING = """
import functools, itertools, os, time
right, turns = cpool.avg_pool2d, itertools.count()

@functools.wraps(right)
def wrong(*given, **named):
    x, y = given[0] if given else named["x"], right(*given, **named)
    {fault}
    return y

cpool.avg_pool2d = wrong
"""
FAULTS = {
    "are wrong": "y = y + y.dtype.type(1)",
    "result is float16": "y = y.astype('f2')",
    "result is float64(": "y = y.ravel()",
    "ended the process with code -6": "os.abort()",
    "hangs": "time.sleep(60)",
    "x was changed": "if isinstance(x, np.ndarray) and x.flags.writeable: x.reshape(-1)[-1:] = 77",
    "raised KeyError": "raise KeyError('key')",
    "refused what has an answer": "raise ValueError('no')",
    "an error without a message": "raise ValueError",
    "out was not returned": "y = y.copy()",
    "beside out were written": "if 'out' in named: y.base[-1] += 1",
    "threads, or a second call, differ": "y[...] = np.where(y == 3, y, y + next(turns) % 2 * 1e-9)",
}


LYING = """
import dataclasses
right = cpool.explain

def explain(*given, **named):
    plan = right(*given, **named)
    return dataclasses.replace(plan, shape=(1, *plan.shape))

cpool.explain = explain
"""


def test_explanations_are_checked():
    run = explore("--calls", 50, "--match", "^avg_pool2d$", "--breaking", LYING)
    assert run.returncode == 1
    assert "explained as" in run.stdout


def test_every_name_of_the_driver_can_be_chosen():
    """Else it would be idle, or what lists the strategies would see too little."""
    kinds, across, along = set(), set(), set()
    for name, _ in reachable():
        kind, *folds = re.split(": | x |, ", name)
        kinds.add(kind)
        if folds:
            across.add(folds[0])
            along.add(folds[1])
    assert kinds == {
        "values", "picks", "finds", "ordered", "ranked", "scatter", "gather", "copies", "uneven copies", "powers",
    }  # fmt: skip
    assert across == set(driver.ACROSS)
    assert along == set(driver.ALONG)


IDLE = """
from cpool.core import strategies
right = strategies._across
strategies._across = lambda *given: right(*given).replace("band flat", "band")
"""


def test_a_strategy_that_is_never_taken_is_said():
    run = explore("--calls", 300, "--long-enough", 200, "--breaking", IDLE)
    assert run.returncode == 1, run.stdout + run.stderr
    assert ", 0 findings" in run.stdout
    assert "though it can be chosen: values: band flat x none of sums" in run.stdout
    assert "though it can be chosen: values: as it lies x none of sums" not in run.stdout


def test_notices_nothing_where_nothing_is_wrong():
    run = explore("--calls", 300, "--match", "^avg_pool2d$", "--breaking", BREAKING.format(fault=""))
    assert run.returncode == 0, run.stdout + run.stderr
    assert ", 0 findings" in run.stdout


@pytest.mark.parametrize("noticed", FAULTS)
def test_notices(noticed):
    breaking = BREAKING.format(fault=FAULTS[noticed])
    run = explore("--calls", 15, "--match", "^avg_pool2d$", "--patience", 2, "--seconds", 5, "--breaking", breaking)
    assert run.returncode == 1, run.stdout + run.stderr
    assert noticed in run.stdout
    assert "python tests/explore.py --only" in run.stdout
