"""Axes of one element behind the pooled ones: series that are pictures of width 1, pictures that are flat volumes."""

import numpy as np
import pytest

import cpool
from cpool import reference


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("shape", "kernel"), [((3, 40, 1), (3, 1)), ((2, 9, 11, 1), (3, 3, 1)), ((2, 30, 1, 1), (4, 1, 1))]
)
@pytest.mark.parametrize("padding", [0, 1])
def test_as_the_reference(shape, kernel, padding, order, threads):
    """Windows that change the axis of one, by padding that counts, are no such case."""
    d = len(kernel)
    x = np.asarray(np.random.default_rng(0).standard_normal(shape), order=order)
    for pads in {(padding, *(0,) * (d - 1)), (*(0,) * (d - 1), padding)}:
        windows = dict(kernel_size=[max(k, 2 * p) for k, p in zip(kernel, pads, strict=True)], stride=2, padding=pads)
        for name, more in [("max", dict(return_indices=True)), ("min", {}), ("avg", {}), ("lp", dict(norm_type=2))]:
            ours, theirs = (getattr(m, f"{name}_pool{d}d")(x, **windows, **more) for m in (cpool, reference))
            for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (ours, theirs)), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12)
        y = cpool.avg_pool3d(x, **windows) if d == 3 else cpool.avg_pool2d(x, **windows)
        back = f"avg_pool{d}d_backward"
        gx, expected = (getattr(m, back)(y, x.shape, **windows) for m in (cpool, reference))
        np.testing.assert_allclose(gx, expected, rtol=1e-12)


def test_no_outputs():
    """Then there is no window that could leave the axis as it is."""
    gx = cpool.adaptive_avg_pool2d_backward(np.empty((8, 1, 0)), (8, 65, 1))
    assert gx.shape == (8, 65, 1)
    assert not gx.any()


def test_they_are_pooled_as_series():
    x = np.zeros((2, 64, 1), np.float32)
    assert (
        cpool.explain(cpool.max_pool2d, x, (2, 1)).strategies
        == cpool.explain(cpool.max_pool1d, x[..., 0], 2).strategies
    )
