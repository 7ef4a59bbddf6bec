"""cpool.dask: the values of one machine, whatever the chunks, in threads and in other processes."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

da = pytest.importorskip("dask.array")
import dask  # noqa: E402

import cpool  # noqa: E402
import cpool.dask as lazy  # noqa: E402

CHUNKINGS = [(2, 1, 4, 5), (1, 2, 1, 40), (-1, -1, 7, 3), (2, 1, -1, -1)]
ARGUMENTS = [
    dict(kernel_size=2),
    dict(kernel_size=3, stride=2, padding=1),
    dict(kernel_size=(5, 3), stride=(1, 4), padding="same"),
    dict(kernel_size=3, stride=2, padding=1, ceil_mode=True),
    dict(kernel_size=2, stride=1, dilation=3),
    dict(kernel_size=2, stride=3, axis=(2, 0)),
]


def array(dtype=np.float64):
    return np.random.default_rng(0).integers(0, 9, (2, 2, 10, 13)).astype(dtype)


def same(ours, theirs, exact=True):
    """Values, and metadata that tells the truth."""
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert all(n > 0 for chunks in ours.chunks for n in chunks)
    value = ours.compute(scheduler="threads")
    assert value.shape == theirs.shape
    first = ours.blocks[(0,) * ours.ndim]
    assert first.compute(scheduler="sync").shape == first.shape
    (np.testing.assert_array_equal if exact else np.testing.assert_allclose)(value, theirs)


@pytest.mark.parametrize("chunks", CHUNKINGS)
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_windows(arguments, chunks):
    x = array()
    blocks = da.from_array(x, chunks)
    y, indices = lazy.max_pool2d(blocks, **arguments, return_indices=True)
    expected, places = cpool.max_pool2d(x, **arguments, return_indices=True)
    same(y, expected)
    same(indices, places)
    same(lazy.min_pool2d(blocks, **arguments), cpool.min_pool2d(x, **arguments))
    same(lazy.median_pool2d(blocks, **arguments), cpool.median_pool2d(x, **arguments))
    for divisor in (dict(count_include_pad=True), dict(count_include_pad=False), dict(divisor_override=5)):
        y = lazy.avg_pool2d(blocks, **arguments, **divisor)
        same(y, cpool.avg_pool2d(x, **arguments, **divisor), exact=False)
    same(lazy.lp_pool2d(blocks, 2, **arguments), cpool.lp_pool2d(x, 2, **arguments), exact=False)
    labels = x.astype(np.uint8)
    for ignore in (None, 0):
        y = lazy.mode_pool2d(da.from_array(labels, chunks), **arguments, ignore=ignore)
        same(y, cpool.mode_pool2d(labels, **arguments, ignore=ignore))


@pytest.mark.parametrize("chunks", CHUNKINGS)
def test_quantiles_and_missing_values(chunks):
    arguments = dict(kernel_size=3, stride=2, padding=1)
    x = array(np.float32)
    x[np.random.default_rng(1).random(x.shape) < 0.3] = np.nan
    blocks = da.from_array(x, chunks)
    for policy in ("propagate", "omit"):
        more = dict(nan_policy=policy, min_count=2, dtype=np.float64)
        same(lazy.median_pool2d(blocks, **arguments, **more), cpool.median_pool2d(x, **arguments, **more))
        for q in (0.3, [0.3, 1]):
            same(lazy.quantile_pool2d(blocks, q, **arguments, **more), cpool.quantile_pool2d(x, q, **arguments, **more))
    y, indices = lazy.max_pool2d(blocks, **arguments, return_indices=True, nan_policy="omit")
    expected, places = cpool.max_pool2d(x, **arguments, return_indices=True, nan_policy="omit")
    same(y, expected)
    same(indices, places)
    same(lazy.avg_pool2d(blocks, 3, nan_policy="omit"), cpool.avg_pool2d(x, 3, nan_policy="omit"), exact=False)
    for pool in (lazy.median_pool2d, lazy.max_pool2d, lazy.avg_pool2d):
        for policy in ("raise", "ignore", None):
            with pytest.raises(ValueError, match="nan_policy"):
                pool(blocks, 2, nan_policy=policy)


@pytest.mark.parametrize("chunks", CHUNKINGS)
def test_adaptive_and_other_dimensions(chunks):
    x = array(np.float32)
    blocks = da.from_array(x, chunks)
    for size in (1, 5, (None, 3)):
        y, indices = lazy.adaptive_max_pool2d(blocks, size, True)
        expected, places = cpool.adaptive_max_pool2d(x, size, True)
        same(y, expected)
        same(indices, places)
        same(lazy.adaptive_avg_pool2d(blocks, size), cpool.adaptive_avg_pool2d(x, size), exact=False)
    same(lazy.max_pool1d(blocks, 3), cpool.max_pool1d(x, 3))
    same(lazy.avg_pool3d(blocks, 2), cpool.avg_pool3d(x, 2), exact=False)
    same(lazy.avg_pool2d(blocks.astype(np.int16), 2), cpool.avg_pool2d(x.astype(np.int16), 2))


def test_windows_wholly_in_padding():
    x = array()
    blocks = da.from_array(x, (3, 4, 5, 5))
    same(lazy.avg_pool2d(blocks, 2, 2, 7), cpool.avg_pool2d(x, 2, 2, 7), exact=False)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_chunks_and_windows(data):
    n = data.draw(st.integers(1, 40))
    chunks = tuple(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=8)))
    n = sum(chunks)
    k, s, p, d = (data.draw(st.integers(low, 6)) for low in (1, 1, 0, 1))
    ceil = data.draw(st.booleans())
    x = np.random.default_rng(n).integers(0, 99, n).astype(np.float32)
    blocks = da.from_array(x, (chunks,))
    try:
        expected, places = cpool.max_pool1d(x, k, s, p, d, ceil, True)
    except ValueError:
        with pytest.raises(ValueError, match=r"kernel|padding"):
            lazy.max_pool1d(blocks, k, s, p, d, ceil, True)
        return
    y, indices = lazy.max_pool1d(blocks, k, s, p, d, ceil, True)
    np.testing.assert_array_equal(y.compute(scheduler="sync"), expected)
    np.testing.assert_array_equal(indices.compute(scheduler="sync"), places)
    mean = lazy.avg_pool1d(blocks, k, s, p, ceil, dilation=d).compute(scheduler="sync")
    np.testing.assert_allclose(mean, cpool.avg_pool1d(x, k, s, p, ceil, dilation=d), rtol=1e-6)


def test_only_what_is_seen_is_moved():
    """A block of the result needs the input blocks that its windows touch, and no others."""
    seen = []

    def block(part, block_info=None):
        seen.append(block_info[None]["chunk-location"])
        return np.ones(part.shape)

    x = da.ones((60, 60), chunks=10).map_blocks(block, dtype=float, meta=np.empty((0, 0)))
    lazy.max_pool2d(x, 3, 1, 1)[:10, :10].compute(scheduler="sync")
    assert set(seen) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_errors_come_at_once():
    blocks = da.ones((4, 8, 8), chunks=4)
    with pytest.raises(TypeError, match="dask array"):
        lazy.max_pool2d(np.ones((4, 4)), 2)
    with pytest.raises(ValueError, match="stride"):
        lazy.max_pool2d(blocks, 2, 0)
    with pytest.raises(TypeError, match="integer"):
        lazy.mode_pool2d(blocks, 2)
    with pytest.raises(TypeError, match="'where'"):
        lazy.max_pool2d(blocks, 2, where=True)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        lazy.max_pool1d(blocks[blocks > 0], 2)


@pytest.mark.parametrize("name", lazy.__all__)
def test_arguments_are_those_of_the_function(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (lazy, cpool))
    assert list(ours.items()) == [p for p in theirs.items() if p[0] not in ("out", "where", "initial")]


@pytest.mark.slow
def test_cluster_of_processes():
    distributed = pytest.importorskip("distributed")
    x = array()
    blocks = da.from_array(x, (1, 4, 8, 8))
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        y, indices = lazy.max_pool2d(blocks, 3, 2, 1, return_indices=True)
        expected, places = cpool.max_pool2d(x, 3, 2, 1, return_indices=True)
        np.testing.assert_array_equal(y.compute(), expected)
        np.testing.assert_array_equal(indices.compute(), places)
