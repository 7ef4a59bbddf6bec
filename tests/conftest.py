"""Shared by all tests: reproducible hypothesis, thread counts."""

import pytest
from hypothesis import settings

import cpool

settings.register_profile("cpool", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("cpool")


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    """Run with 1, 2 and 3 threads."""
    before = cpool.get_num_threads()
    cpool.set_num_threads(request.param)
    yield request.param
    cpool.set_num_threads(before)
