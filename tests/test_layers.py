"""Layers in training mode remember what backward needs, whatever becomes of the input; in eval mode nothing."""

import copy
import inspect
import pickle
import tracemalloc
import weakref

import numpy as np
import pytest

import cpool

X = np.random.default_rng(0).permutation(2 * 3 * 8 * 9).reshape(2, 3, 8, 9).astype(np.float64)
#: Layers, each made anew: one of them draws its windows from a generator.
PICKING = {
    "max": lambda: cpool.MaxPool2d(3, 2, 1),
    "min": lambda: cpool.MinPool2d(2),
    "adaptive max": lambda: cpool.AdaptiveMaxPool2d((3, 4)),
    "fractional max": lambda: cpool.FractionalMaxPool2d(2, output_ratio=0.6, rng=5),
}
LAYERS = PICKING | {
    "avg": lambda: cpool.AvgPool2d(3, 2, 1),
    "adaptive avg": lambda: cpool.AdaptiveAvgPool2d((3, 4)),
    "lp": lambda: cpool.LpPool2d(2, 2),
}
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


def peak(function):
    """Return how many bytes of arrays there were at most while `function` ran."""
    function()  # what is kept between calls is there
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@every_layer
def test_values_are_the_same_in_both_modes(make):
    training, evaluating = make(), make().eval()
    for _ in range(3):
        np.testing.assert_array_equal(training(X), evaluating(X))


@every_layer
def test_no_backward_after_a_forward_pass_that_kept_nothing(make):
    layer = make()
    y = layer(X)
    expected = layer.backward(np.ones_like(y))
    layer.eval()
    np.testing.assert_array_equal(layer.backward(np.ones_like(y)), expected)  # of the call in training mode
    layer(X)
    for mode in (False, True):
        layer.train(mode)
        with pytest.raises(RuntimeError, match=r"Pool2d\.backward was called before forward in training mode"):
            layer.backward(np.ones_like(y))
    y = layer(X)
    assert layer.backward(np.ones_like(y)).shape == X.shape


def test_unpooling_in_both_modes():
    y, indices = cpool.max_pool2d(X[..., :8], 2, return_indices=True)
    layer = cpool.MaxUnpool2d(2)
    expected = layer(y, indices)
    np.testing.assert_array_equal(layer.eval()(y, indices), expected)
    with pytest.raises(RuntimeError, match="before forward"):
        layer.backward(expected)
    layer.train()(y, indices)
    np.testing.assert_array_equal(layer.backward(expected), y)


@pytest.mark.parametrize("make", [make for name, make in LAYERS.items() if name != "lp"])
def test_gradients_are_of_the_input_as_it_was(make):
    """Input and output may be overwritten before backward: a step later the same arrays hold other numbers."""
    layer, twin, x = make(), make(), X.copy()
    y = layer(x)
    grad = np.random.default_rng(1).standard_normal(y.shape)
    twin(X)
    x[:] = -x  # other winners everywhere
    y[:] = 0
    np.testing.assert_array_equal(layer.backward(grad), twin.backward(grad))


@pytest.mark.parametrize("make", PICKING.values(), ids=PICKING)
def test_indices_are_computed_for_backward_alone(make):
    """They have the room of the output once more (float64 and int64), which the functions without them do not take."""
    x = np.zeros((4, 16, 128, 128))
    layer = make()
    size = layer(x).nbytes
    layer(x[:0])  # forget the indices of x
    assert peak(lambda: layer(x)) > 2 * size
    layer.eval()
    layer(x[:0])
    assert size <= peak(lambda: layer(x)) < 1.5 * size


def test_nothing_is_kept_alive_outside_training():
    layer = cpool.LpPool2d(2, 2)  # remembers its input
    x = X.copy()
    seen = weakref.ref(x)
    layer(x)
    del x
    assert seen() is not None
    layer.eval()(X[:, :1].copy())
    assert seen() is None


def test_mode_is_chained_copied_and_checked():
    layer = cpool.MaxPool2d(2)
    assert layer.training
    assert layer.eval() is layer
    assert not copy.deepcopy(layer).training
    assert not pickle.loads(pickle.dumps(layer)).training
    assert layer.train() is layer
    assert layer.training
    with pytest.raises(TypeError, match="mode must be True or False, got 'eval'"):
        layer.train("eval")
    assert layer.training


@every_layer
def test_copies_and_pickles_remember_nothing(make):
    """A batch would be of no use there; the layer itself still has it."""
    layer = make()
    y = layer(X)
    assert len(pickle.dumps(layer)) < X.nbytes
    for other in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        with pytest.raises(RuntimeError, match="before forward"):
            other.backward(y)
        assert other(X).shape == y.shape
    assert layer.backward(y).shape == X.shape


@every_layer
def test_what_is_explained_changes_no_layer(make):
    """Neither what it remembers nor what it draws from."""
    layer, twin = make(), make()
    y = layer(X)
    expected = layer.backward(y)
    twin(X)
    assert cpool.explain(layer, -X[:1]).shape[1:] == y.shape[1:]
    np.testing.assert_array_equal(layer.backward(y), expected)
    assert cpool.explain(layer.backward, y).shape == X.shape
    np.testing.assert_array_equal(layer(X), twin(X))


@pytest.mark.parametrize("name", cpool.layers.__all__)
def test_parameters_are_those_of_the_function(name):
    layer = getattr(cpool, name)
    taken = inspect.signature(layer).parameters
    assert {"kernel_size", "output_size"} & set(taken)
    for wrong in (dict(x=2), dict(indices=2), dict(out=2), dict(nan_policy="omit")):
        with pytest.raises(TypeError, match=rf"^{name}\(\): .*argument"):
            layer(**wrong)
    given = {p: i + 2 for i, p in enumerate(taken)}
    named = {p for p in taken if taken[p].kind is inspect.Parameter.KEYWORD_ONLY}
    assert named == {"padding", "dilation", "axis"} & named
    made = layer(*(v for p, v in given.items() if p not in named), **{p: given[p] for p in named})
    assert made.__class__.__name__ == name
    assert {p: getattr(made, p) for p in given if p != "rng"} == {p: v for p, v in given.items() if p != "rng"}
    assert repr(made) == f"{name}({', '.join(f'{p}={v}' for p, v in given.items() if p != 'rng')})"
    some = {p: v for p, v in given.items() if p not in {*named, "return_indices", "rng"}}
    assert repr(layer(**some)) == f"{name}({', '.join(f'{p}={v}' for p, v in some.items())})"


@pytest.mark.parametrize("name", ["MaxPool", "AvgPool", "LPPool", "AdaptiveMaxPool", "AdaptiveAvgPool", "MaxUnpool"])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_order_is_that_of_torchs_modules(name, d):
    torch = pytest.importorskip("torch")
    theirs = list(inspect.signature(getattr(torch.nn, f"{name}{d}d").__init__).parameters)[1:]
    taken = inspect.signature(getattr(cpool, f"{name.replace('LP', 'Lp')}{d}d")).parameters
    ours = [p for p in taken if taken[p].kind is not inspect.Parameter.KEYWORD_ONLY]
    assert ours[: len(theirs)] == theirs if name != "AvgPool" or d > 1 else ours[:5] == theirs


@pytest.mark.parametrize("mode", [True, False])
def test_indices_and_other_axes(mode):
    x = np.random.default_rng(0).standard_normal((2, 9, 8, 3))
    layer = cpool.MaxPool2d(3, 2, 1, return_indices=True, axis=(1, 2)).train(mode)
    expected = cpool.max_pool2d(x, 3, 2, 1, return_indices=True, axis=(1, 2))
    for ours, theirs in zip(layer(x), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert "return_indices=True, ceil_mode=False, axis=(1, 2)" in repr(layer)
    g = np.ones_like(expected[0])
    if mode:
        np.testing.assert_array_equal(
            layer.backward(g), cpool.max_pool2d_backward(g, expected[1], x.shape, axis=(1, 2))
        )
    layer = cpool.AvgPool2d(2, dilation=2, axis=(1, 2))
    np.testing.assert_array_equal(layer(x), cpool.avg_pool2d(x, 2, dilation=2, axis=(1, 2)))
    np.testing.assert_array_equal(
        layer.backward(np.ones_like(layer(x))),
        cpool.avg_pool2d_backward(np.ones_like(layer(x)), x.shape, 2, dilation=2, axis=(1, 2)),
    )
    assert repr(cpool.MaxPool2d(2, axis=np.array([1, 2]))).endswith("axis=array([1, 2]))")
    with pytest.raises(TypeError, match="return_indices"):
        cpool.MaxPool2d(2, return_indices="no")(x)
    pooled, indices = cpool.MaxPool2d(2, return_indices=True)(x[..., :2])
    assert cpool.MaxUnpool2d(2)(pooled, indices).max() == x[..., :2].max()
    assert cpool.AdaptiveMaxPool2d(2, True)(x)[1].shape == (2, 9, 2, 2)
    assert cpool.FractionalMaxPool2d(2, 3, return_indices=True, rng=0)(np.ones((1, 8, 8)))[1].dtype == np.int64
