"""A short run of the fuzzer; fuzz.py runs as long as one likes."""

import collections

import pytest
from fuzz import NAMES, Choices, attempt


@pytest.mark.parametrize("block", range(4))
def test_random_arguments(block, threads):
    count = collections.Counter(attempt(seed) for seed in range(1000 * block, 1000 * block + 500))
    assert count["answered"] > 100  # it does not merely refuse everything
    assert count["refused"] > 20


def test_every_function_is_drawn():
    drawn = {Choices(seed).one(NAMES) for seed in range(4000)}
    assert drawn == set(NAMES)
