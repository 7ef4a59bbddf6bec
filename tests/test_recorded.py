"""torch's answers, recorded by recorded/make.py: the cross-check where torch is not installed."""

import ast
import pathlib

import numpy as np
import pytest

import cpool

ANSWERS = dict(np.load(pathlib.Path(__file__).parent / "recorded" / "torch.npz"))
NAMES = sorted({key.rpartition("/")[0] for key in ANSWERS})


def test_there_are_enough():
    assert len(NAMES) > 100


@pytest.mark.parametrize("name", NAMES)
def test_max(name):
    sizes, arguments = ast.literal_eval(name)
    d = len(sizes)
    x = ANSWERS[f"{name}/x"]
    y, indices = getattr(cpool, f"max_pool{d}d")(x, **arguments, return_indices=True)
    np.testing.assert_array_equal(y, ANSWERS[f"{name}/max"])
    np.testing.assert_array_equal(indices, ANSWERS[f"{name}/indices"])
    np.testing.assert_array_equal(getattr(cpool, f"max_pool{d}d")(x, **arguments), y)
    grad = np.arange(y.size, dtype=np.float32).reshape(y.shape)
    gx = getattr(cpool, f"max_pool{d}d_backward")(grad, indices, x.shape)
    np.testing.assert_allclose(gx, ANSWERS[f"{name}/max_grad"], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_average(name):
    sizes, arguments = ast.literal_eval(name)
    d = len(sizes)
    del arguments["dilation"]  # torch's average has none
    x = ANSWERS[f"{name}/x"]
    y = getattr(cpool, f"avg_pool{d}d")(x, **arguments)
    np.testing.assert_allclose(y, ANSWERS[f"{name}/avg"], rtol=1e-5, atol=1e-6)
    gx = getattr(cpool, f"avg_pool{d}d_backward")(np.ones_like(y), x.shape, **arguments)
    np.testing.assert_allclose(gx, ANSWERS[f"{name}/avg_grad"], rtol=1e-5, atol=1e-7)
