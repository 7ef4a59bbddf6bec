"""cpool.torch: values, gradients, layouts, opcheck, torch.compile and whole models."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import cpool.torch as ours  # noqa: E402

F = torch.nn.functional
SHAPES = {1: (2, 3, 12), 2: (2, 3, 8, 9), 3: (1, 2, 6, 7, 5)}


def numbers(shape, dtype=torch.float64, seed=0):
    """Return distinct numbers, so that central differences meet no ties."""
    generator = torch.Generator().manual_seed(seed)
    n = int(np.prod(shape))
    return ((torch.randperm(n, generator=generator).to(torch.float64) - 0.3137 * n) / n).reshape(shape).to(dtype)


def calls(d):
    """Yield name, arguments, keywords for every function of d axes."""
    yield f"max_pool{d}d", (3, 2, 1), dict(dilation=1, ceil_mode=True)
    yield f"avg_pool{d}d", (3, 2, 1), dict(count_include_pad=False)
    yield f"lp_pool{d}d", (3.0, 2, 2), {}
    yield f"adaptive_max_pool{d}d", (3,), {}
    yield f"adaptive_avg_pool{d}d", (3,), {}


ALL = [(d, *call) for d in (1, 2, 3) for call in calls(d)]


@pytest.mark.parametrize(("d", "name", "arguments", "keywords"), ALL)
def test_values_and_gradients(d, name, arguments, keywords):
    x = numbers(SHAPES[d]).abs().requires_grad_()
    y = getattr(ours, name)(x, *arguments, **keywords)
    expected = getattr(F, name)(x.detach(), *arguments, **keywords)
    torch.testing.assert_close(y.detach(), expected)
    assert torch.autograd.gradcheck(lambda v: getattr(ours, name)(v, *arguments, **keywords), x)
    if "lp" not in name:
        assert torch.autograd.gradgradcheck(lambda v: getattr(ours, name)(v, *arguments, **keywords), x)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_indices_and_unpooling(d):
    x = numbers(SHAPES[d])
    y, indices = getattr(ours, f"max_pool{d}d")(x, 2, return_indices=True)
    theirs, at = getattr(F, f"max_pool{d}d")(x, 2, return_indices=True)
    assert torch.equal(y, theirs)
    assert torch.equal(indices, at)
    y.requires_grad_()
    back = getattr(ours, f"max_unpool{d}d")(y, indices, 2, output_size=x.shape)
    assert torch.equal(back.detach(), getattr(F, f"max_unpool{d}d")(theirs, at, 2, output_size=list(x.shape[-d:])))
    assert torch.autograd.gradcheck(lambda v: getattr(ours, f"max_unpool{d}d")(v, indices, 2, output_size=x.shape), y)
    low = getattr(ours, f"min_pool{d}d")(x, 2)
    assert torch.equal(low, -getattr(F, f"max_pool{d}d")(-x, 2))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_small_floats_train(dtype):
    if dtype == torch.bfloat16:
        pytest.importorskip("ml_dtypes")
    x = numbers(SHAPES[2], dtype).requires_grad_()
    for name in ("max_pool2d", "avg_pool2d"):
        (theirs,) = torch.autograd.grad(getattr(F, name)(x, 2).float().sum(), x)
        y = getattr(ours, name)(x, 2)
        assert y.dtype == dtype
        (gx,) = torch.autograd.grad(y.float().sum(), x)
        assert gx.dtype == dtype
        torch.testing.assert_close(gx, theirs)


def test_layouts_are_kept_and_nothing_is_copied():
    x = numbers((2, 4, 8, 8), torch.float32).to(memory_format=torch.channels_last)
    for y in (ours.max_pool2d(x, 2), ours.avg_pool2d(x, 3, 2, 1), ours.adaptive_avg_pool2d(x, 2)):
        assert y.is_contiguous(memory_format=torch.channels_last)
    assert np.shares_memory(ours._array(x), x.numpy())


def test_padding_beyond_torch():
    x = numbers((1, 1, 4, 4))
    assert ours.max_pool2d(x, 3, 1, ((0, 2), (2, 0))).shape == (1, 1, 4, 4)
    assert ours.avg_pool2d(x, 2, 1, dilation=2).shape == (1, 1, 2, 2)


def test_refused():
    with pytest.raises(TypeError, match="tensor"):
        ours.max_pool2d(np.ones((4, 4)), 2)
    with pytest.raises(ValueError, match="CPU"):
        ours.max_pool2d(torch.ones(1, 4, 4, device="meta"), 2)
    with pytest.raises(ValueError, match="axes"):
        ours.max_pool3d(torch.ones(4, 4), 2)
    with pytest.raises(ValueError, match="stride"):
        ours.max_pool2d(torch.ones(4, 4), 2, 0)


def operators():
    """Yield operator and arguments for opcheck."""
    x = numbers((2, 3, 8, 9), torch.float32)
    two, one, none = [2, 2], [1, 1], [0, 0, 0, 0]
    window = (two, two, none, one, False)
    ops = torch.ops.cpool
    y, at = ops.pick(x, "max", *window)
    grad = torch.ones_like(y).requires_grad_()
    wants = x.clone().requires_grad_()
    last = x.to(memory_format=torch.channels_last).requires_grad_()
    yield ops.extreme, (x, "min", *window)
    yield ops.pick, (wants, "max", *window)
    yield ops.pick, (last, "max", [3, 3], two, [1, 1, 1, 1], one, True)
    yield ops.scatter, (grad, at, [8, 9])
    yield ops.gather, (wants, at, 2)
    yield ops.unpool, (y.detach().requires_grad_(), at, two, two, [0, 0], [8, 9])
    yield ops.average, (wants, *window, True, None)
    yield ops.average, (last, [3, 3], two, [1, 1, 1, 1], one, True, False, 5)
    yield ops.average_backward, (grad, [8, 9], *window, True, None)
    yield ops.norm, (wants, 2.0, *window)
    yield ops.norm_backward, (grad.detach(), x, ops.norm(x, 2.0, *window), 2.0, *window)
    yield ops.adaptive_pick, (wants, [3, 4])
    yield ops.adaptive_average, (wants, [3, 4])
    yield ops.adaptive_average_backward, (torch.ones(2, 3, 3, 4).requires_grad_(), [8, 9])


@pytest.mark.slow
@pytest.mark.parametrize("i", range(14))
def test_opcheck(i):
    op, arguments = list(operators())[i]
    torch.library.opcheck(op, arguments)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(3, 2, 1),
            torch.nn.Conv2d(8, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.AvgPool2d(2),
            torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(16, 10),
        )  # fmt: skip

    def forward(self, x):
        return self.body(x)


def test_compile():
    torch.manual_seed(0)
    net = Net()
    x = torch.randn(2, 1, 16, 16)
    expected = net(x)
    fast = torch.compile(ours.accelerate(net), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(fast(x), expected)
    fast(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_accelerated_model_learns_the_same():
    """The loss curve of a small CNN on digits-like data with and without."""
    torch.manual_seed(0)
    net = Net()
    twin = ours.accelerate(copy.deepcopy(net))
    assert list(twin.state_dict()) == list(net.state_dict())
    assert repr(twin) == repr(net)
    assert type(twin.body[2]) is not torch.nn.MaxPool2d
    x, target = torch.randn(64, 1, 16, 16), torch.randint(0, 10, (64,))
    curves = []
    for model in (net, twin):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        curve = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
        curves.append(curve)
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)
    assert curves[0][-1] < curves[0][0]


def test_every_layer_is_swapped():
    layers = [
        torch.nn.MaxPool2d(2, return_indices=True), torch.nn.LPPool2d(2, 2), torch.nn.AdaptiveMaxPool2d((2, None)),
        torch.nn.AvgPool1d(2), torch.nn.AvgPool3d(2, divisor_override=3), torch.nn.MaxPool1d(2),
        torch.nn.LPPool1d(1, 2),
    ]  # fmt: skip
    for layer in layers:
        d = int(type(layer).__name__[-2])
        x = numbers(SHAPES[d], torch.float32).abs()
        expected = layer(x)
        y = ours.accelerate(layer)(x)
        if isinstance(y, tuple):
            assert torch.equal(y[1], expected[1])
            y, expected = y[0], expected[0]
        torch.testing.assert_close(y, expected)
    y, at = F.max_pool2d(numbers(SHAPES[2]), 2, return_indices=True)
    unpool = torch.nn.MaxUnpool2d(2)
    expected = unpool(y, at, output_size=(8, 9))
    assert torch.equal(ours.accelerate(unpool)(y, at, output_size=(8, 9)), expected)


def test_subclasses_are_left_alone():
    class Mine(torch.nn.MaxPool2d):
        pass

    layer = Mine(2)
    assert type(ours.accelerate(layer)) is Mine
