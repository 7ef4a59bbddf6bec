"""cpool.dask: the values of one machine, whatever the chunks, in threads and in other processes."""

import inspect
import itertools
import os
import pickle
import signal

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
    assert ours.dtype == ours._meta.dtype == theirs.dtype
    assert type(ours._meta) is np.ndarray
    assert ours._meta.shape == (0,) * theirs.ndim
    assert ours.shape == theirs.shape
    assert all(n > 0 for chunks in ours.chunks for n in chunks)
    value = ours.compute(scheduler="threads")
    assert value.shape == theirs.shape
    assert value.dtype == theirs.dtype
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
        y, indices = lazy.max_pool2d(blocks, **arguments, return_indices=True, nan_policy=policy)
        expected, places = cpool.max_pool2d(x, **arguments, return_indices=True, nan_policy=policy)
        same(y, expected)
        same(indices, places)
        same(
            lazy.min_pool2d(blocks, **arguments, nan_policy=policy), cpool.min_pool2d(x, **arguments, nan_policy=policy)
        )
        for more in (dict(), dict(count_include_pad=False), dict(divisor_override=3)):
            more = dict(**arguments, **more, nan_policy=policy)
            same(lazy.avg_pool2d(blocks, **more), cpool.avg_pool2d(x, **more), exact=False)
    counts = np.arange(2 * 2 * 10 * 13, dtype=np.int16).reshape(x.shape)
    blocks = da.from_array(counts, chunks)
    same(lazy.max_pool2d(blocks, **arguments, nan_policy="omit"), cpool.max_pool2d(counts, **arguments))
    same(lazy.avg_pool2d(blocks, **arguments, nan_policy="omit"), cpool.avg_pool2d(counts, **arguments), exact=False)
    for pool in (lazy.max_pool2d, lazy.min_pool2d, lazy.avg_pool2d, lazy.median_pool2d):
        for policy in ("skip", None):
            with pytest.raises(ValueError, match="nan_policy must be 'propagate', 'omit' or 'raise'"):
                pool(blocks, 2, nan_policy=policy)
        same(pool(blocks, 2, nan_policy="raise"), getattr(cpool, pool.__name__)(counts, 2), exact=False)
        spoilt = pool(da.from_array(x, chunks), 2, nan_policy="raise")
        with pytest.raises(ValueError, match="x holds NaN"):
            spoilt.compute()


@pytest.mark.parametrize("chunks", CHUNKINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_masks(chunks, dtype):
    x, counts = array(dtype), np.random.default_rng(2).random((2, 2, 10, 13)) < 0.4
    blocks, where = da.from_array(x, chunks), da.from_array(counts, (1, 2, 4, 13))
    arguments = dict(kernel_size=3, stride=2, padding=1)
    for more in (dict(min_count=2, initial=1), dict(initial=0), dict(nan_policy="omit", initial=2)):
        y, indices = lazy.max_pool2d(blocks, **arguments, return_indices=True, where=where, **more)
        expected, places = cpool.max_pool2d(x, **arguments, return_indices=True, where=counts, **more)
        same(y, expected)
        same(indices, places)
        same(lazy.min_pool2d(blocks, **arguments, **more), cpool.min_pool2d(x, **arguments, **more))
    for more in (dict(where=counts[0, 0]), dict(where=where, min_count=2)):
        ours = more | dict(where=np.asarray(more["where"]))
        same(lazy.avg_pool2d(blocks, **arguments, **more), cpool.avg_pool2d(x, **arguments, **ours), exact=False)
        same(lazy.std_pool2d(blocks, **arguments, **more), cpool.std_pool2d(x, **arguments, **ours), exact=False)
        same(lazy.median_pool2d(blocks, **arguments, **more), cpool.median_pool2d(x, **arguments, **ours))
        q = [0.2, 0.8]
        y = lazy.quantile_pool2d(blocks, q, **arguments, **more)
        same(y, cpool.quantile_pool2d(x, q, **arguments, **ours))
    if dtype is np.uint8:
        y = lazy.mode_pool2d(blocks, **arguments, where=where, ignore=3)
        same(y, cpool.mode_pool2d(x, **arguments, where=counts, ignore=3))
        lacking = lazy.max_pool2d(blocks, **arguments, where=where)
        with pytest.raises(ValueError, match="initial is needed"):
            lacking.compute()


def test_a_masked_mask_is_named():
    where = da.from_array(np.ma.ones((4, 8), bool), (4, 3))
    with pytest.raises(TypeError, match="where is a masked array"):
        lazy.max_pool2d(da.zeros((4, 8), chunks=(4, 3)), 2, where=where)


@pytest.mark.parametrize("lengths", [(0, 1), (1, 0), (0, 0, 1)])
def test_masks_that_are_stretched_have_empty_chunks(lengths):
    x, counts = np.random.default_rng(0).random((6, 8)), np.arange(8)[None] % 3 > 0
    name = f"stretched {lengths}"
    where = da.Array({(name, i, 0): counts[:n] for i, n in enumerate(lengths)}, name, (lengths, (8,)), meta=counts[:0])
    y = lazy.max_pool2d(da.from_array(x, (4, 3)), 2, where=where)
    same(y, cpool.max_pool2d(x, 2, where=counts))


def test_several_quantiles_are_read_from_one_sort():
    blocks = da.ones((64, 64), chunks=16)
    for kernel in (4, 5):  # blockwise, and one layer of pieces
        y = lazy.quantile_pool2d(blocks, [0.1, 0.5, 0.9], kernel, 4)
        assert y.shape[0] == 3
        assert y.chunks[0] == (3,)
        (name,) = [name for name in y.dask.layers if name.startswith("pool-")]
        assert len(y.dask.layers[name].get_output_keys()) == 16


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


def tasks_of(y):
    """Keys of the tasks that dask runs."""
    (optimized,) = dask.optimize(y)
    return dict(optimized.__dask_graph__())


@pytest.mark.parametrize("side", [8, 12])
def test_aligned_windows_are_one_fused_task_a_chunk(side):
    x = da.zeros((6 * side, 5 * side), chunks=side, dtype=np.float32)
    for y in (lazy.max_pool2d(x, 2), lazy.avg_pool2d(x, (4, 2)), lazy.adaptive_max_pool2d(x, (12, 5))):
        layer = y.dask.layers[y.name]
        assert type(layer).__name__ == "Blockwise"
        assert not layer.is_materialized()
        assert len(layer) == 30
        assert len(tasks_of(y + 1)) == 30
        assert y.chunks == tuple(
            tuple(n * o // i for n in c) for c, i, o in zip(x.chunks, x.shape, y.shape, strict=True)
        )


def test_other_windows_are_a_task_a_chunk_and_a_head_of_each_chunk_behind():
    x = da.zeros((6, 32, 40, 24), chunks=(2, 8, 8, 8), dtype=np.float32)
    y = lazy.max_pool3d(x, 3, 1, 1)
    assert y.chunks == ((2, 2, 2), (9, 8, 8, 7), (9, 8, 8, 8, 7), (9, 8, 7))
    layer = y.dask.layers[y.name]
    assert not layer.is_materialized()
    heads = sum(2 ** ((a < 3) + (b < 4) + (c < 2)) - 1 for a, b, c in np.ndindex(4, 5, 3))
    assert len(layer) == 3 * (60 + heads)
    overlapped = da.map_overlap(lambda a: a, x, depth=(0, 1, 1, 1), boundary="none", meta=x._meta)
    assert len(dict(y.dask)) < len(dict(overlapped.dask))
    assert layer.is_materialized()


def test_a_part_of_a_result_makes_its_own_tasks_alone():
    x = da.zeros((800_000, 800), chunks=80, dtype=np.float32)
    y = lazy.max_pool2d(x, 3, 1, 1)
    assert len(tasks_of(y[:10, :10])) <= 9
    assert not y.dask.layers[y.name].is_materialized()


@pytest.mark.parametrize("window", [dict(kernel_size=2), dict(kernel_size=3, stride=1, padding=1)])
def test_a_hundred_thousand_chunks(window):
    x = da.zeros((317 * 4, 317 * 4), chunks=4, dtype=np.float32)
    y, indices = lazy.max_pool2d(x, **window, return_indices=True)
    assert y.numblocks == indices.numblocks == x.numblocks
    layers = [layer for name, layer in y.dask.layers.items() if name not in x.dask.layers]
    assert len(layers) == 2
    assert not any(layer.is_materialized() for layer in layers)
    assert y[-1:, -1:].compute(scheduler="sync").shape == (1, 1)


@pytest.mark.parametrize("window", [dict(kernel_size=2), dict(kernel_size=3, stride=1, padding=1)])
def test_values_and_indices_are_computed_once(window, monkeypatch):
    calls = []
    pooled = lazy._pool_chunk
    monkeypatch.setattr(lazy, "_pool_chunk", lambda *given: calls.append(given) or pooled(*given))
    x = np.random.default_rng(0).random((16, 24))
    y, indices = lazy.max_pool2d(da.from_array(x, 8), **window, return_indices=True)
    expected = cpool.max_pool2d(x, **window, return_indices=True)
    for ours, theirs in zip(dask.compute(y, indices, scheduler="sync"), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(calls) == 6


@pytest.mark.parametrize("chunks", [((0, 4, 0, 3, 1, 0, 0, 5, 0), (5, 0, 6)), ((13,), (0, 11))])
def test_empty_chunks(chunks):
    x = np.random.default_rng(0).random((2, 13, 11))
    blocks = da.from_array(x, 13).rechunk((1, 2, 3))
    blocks = da.concatenate([blocks[:0], blocks])
    edges = [[(0, 2)], *(list(itertools.pairwise([0, *itertools.accumulate(c)])) for c in chunks)]
    places = itertools.product(*([slice(*edge) for edge in along] for along in edges))
    keys = itertools.product([f"uneven {chunks}"], *(range(len(along)) for along in edges))
    graph = {key: x[place] for key, place in zip(keys, places, strict=True)}
    uneven = da.Array(graph, f"uneven {chunks}", ((2,), *chunks), meta=x[:0, :0, :0])
    for window in (dict(kernel_size=1), dict(kernel_size=3, stride=2, padding=1), dict(kernel_size=5, stride=1)):
        y, indices = lazy.max_pool2d(uneven, **window, return_indices=True)
        expected, places = cpool.max_pool2d(x, **window, return_indices=True)
        same(y, expected)
        same(indices, places)
    y = lazy.max_pool2d(blocks, 2)
    assert y.chunks[0] == blocks.chunks[0]
    np.testing.assert_array_equal(y.compute(scheduler="sync"), cpool.max_pool2d(x, 2))
    nothing = lazy.avg_pool2d(blocks[:0], 3, 1)
    assert nothing.compute(scheduler="sync").shape == nothing.shape == (0, 11, 9)


def test_results_without_elements():
    x = da.ones((3, 4, 4), chunks=2)
    for name in ("adaptive_max_pool2d", "adaptive_avg_pool2d"):
        for size in (0, (0, 2)):
            y, expected = (getattr(module, name)(a, size) for module, a in ((lazy, x), (cpool, x.compute())))
            assert y.compute(scheduler="sync").shape == y.shape == expected.shape


def test_names_tell_calls_apart():
    x = da.zeros((8, 8), chunks=4)
    assert lazy.max_pool2d(x, 3).name == lazy.max_pool2d(x, 3).name
    others = [
        lazy.max_pool2d(x, 3), lazy.min_pool2d(x, 3), lazy.max_pool2d(x, 3, 1), lazy.max_pool2d(x + 1, 3),
        lazy.max_pool2d(x, 3, nan_policy="omit"), lazy.max_pool2d(x, 3, return_indices=True)[0],
        lazy.avg_pool2d(x, 3), lazy.avg_pool2d(x, 3, dtype=np.float32), lazy.avg_pool2d(x, 3, divisor_override=2),
        lazy.avg_pool2d(x, 3, 1, 1), lazy.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    ]  # fmt: skip
    assert len({y.name for y in others}) == len(others)


def test_other_byte_order_and_chunks_that_are_not_what_they_say():
    x = np.arange(48.0).reshape(6, 8).astype(">f8")
    for window in (dict(kernel_size=2), dict(kernel_size=3, stride=1)):
        same(lazy.max_pool2d(da.from_array(x, (2, 4)), **window), cpool.max_pool2d(x, **window))
        lies = da.from_array(x, (2, 4)).map_blocks(lambda a: a[:1], meta=np.empty((0, 0)))
        with pytest.raises(ValueError, match="the chunks that it says"):
            lazy.max_pool2d(lies, **window).compute(scheduler="sync")
    with pytest.raises(TypeError, match="masked"):
        lazy.max_pool2d(da.ma.masked_equal(da.ones((4, 4), chunks=2), 0), 2)


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
    with pytest.raises(TypeError, match="where must be boolean, got int64"):
        lazy.max_pool2d(blocks, 2, where=np.ones(8, int))
    with pytest.raises(ValueError, match=r"where of shape \(5,\) does not broadcast"):
        lazy.max_pool2d(blocks, 2, where=np.ones(5, bool))
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        lazy.max_pool1d(blocks[blocks > 0], 2)


@pytest.mark.parametrize("name", lazy.__all__)
def test_arguments_are_those_of_the_function(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (lazy, cpool))
    assert list(ours.items()) == [p for p in theirs.items() if p[0] != "out"]


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


@pytest.mark.slow
@pytest.mark.parametrize("window", [dict(kernel_size=2), dict(kernel_size=3, stride=1, padding=1)])
def test_a_worker_that_dies_loses_nothing(tmp_path, window):
    """The first process to begin its eighth chunk is killed, with what it had finished."""
    distributed = pytest.importorskip("distributed")
    x = np.random.default_rng(0).random((24, 32))

    def chunk(part, block_info=None):
        (tmp_path / f"{os.getpid()} {block_info[0]['chunk-location']}").touch()
        if len(list(tmp_path.glob(f"{os.getpid()} *"))) == 8:
            try:
                (tmp_path / "killed").touch(exist_ok=False)
            except FileExistsError:
                return part
            os.kill(os.getpid(), signal.SIGKILL)
        return part

    blocks = da.from_array(x, 4).map_blocks(chunk, dtype=x.dtype, meta=x[:0, :0])
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster),
    ):
        results = dask.compute(*lazy.max_pool2d(blocks, **window, return_indices=True))
    for ours, theirs in zip(results, cpool.max_pool2d(x, **window, return_indices=True), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    begun = [path.name for path in tmp_path.glob("* *")]
    assert (tmp_path / "killed").exists()
    assert len(begun) > len({name.partition(" ")[2] for name in begun}) == 48


def test_graphs_can_be_pickled():
    x = da.from_array(np.zeros((1, 2, 70, 90), "f4"), chunks=(1, 2, 30, 40))
    for y in (lazy.max_pool2d(x, 3, 2, 1), lazy.avg_pool2d(x, 5, 3, 2, count_include_pad=False)):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(y)).compute(), y.compute())
