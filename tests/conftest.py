"""Shared by all tests: the installed cpool, reproducible hypothesis, thread counts."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# `python -m pytest` and `python -c` put the checkout first on the path, where cpool/ has no compiled modules.
os.environ["PYTHONSAFEPATH"] = "1"
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent.parent]

import cpool  # noqa: E402

settings.register_profile("cpool", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("cpool")


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    """Run with 1, 2 and 3 threads."""
    before = cpool.get_num_threads()
    cpool.set_num_threads(request.param)
    yield request.param
    cpool.set_num_threads(before)
