"""cpool.torch: values, derivatives in every mode, layouts, opcheck, torch.compile and whole models."""

import copy
import doctest
import io
import pickle
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

import cpool.torch as ours  # noqa: E402
from cpool.torch import operators  # noqa: E402

# torch scripts its own decompositions when forward mode is first used, and its exporters warn of themselves.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:There is a performance drop:UserWarning"
)

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


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.uint16, torch.int32])
def test_gradients_of_unpooling_along_small_indices(dtype):
    y, indices = F.max_pool2d(numbers((1, 8, 8)), 2, return_indices=True)
    y.requires_grad_()
    (gx,) = torch.autograd.grad(ours.max_unpool2d(y, indices.to(dtype), 2).pow(2).sum(), y)
    torch.testing.assert_close(gx, 2 * y)


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
    assert np.shares_memory(operators._array(x), x.numpy())


@pytest.mark.parametrize("name", ours.__all__)
def test_functions_have_examples(name):
    tests = doctest.DocTestFinder().find(getattr(ours, name), name, module=False)
    assert any(test.examples for test in tests)
    for test in tests:
        assert doctest.DocTestRunner().run(test).failed == 0


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
    with pytest.raises(ValueError, match="kernel_size"):
        ours.avg_pool3d(torch.ones(4, 4, 4), (2, 2))
    with pytest.raises(TypeError, match="padding"):
        ours.avg_pool2d(torch.ones(4, 4), 2, padding="same")
    with pytest.raises(TypeError, match="ceil_mode"):
        ours.lp_pool2d(torch.ones(4, 4), 2, 2, ceil_mode=1)
    with pytest.raises(ValueError, match="wholly into padding"):
        ours.max_pool1d(torch.ones(1), 2, 1, 1, 2)


@pytest.mark.parametrize(
    ("indices", "error", "says"),
    [
        (None, TypeError, "indices must be a torch tensor, got NoneType"),
        (np.zeros((1, 2, 2), int), TypeError, "indices must be a torch tensor, got ndarray"),
        (torch.zeros(1, 2, 2).long().to("meta"), ValueError, "indices must be on the CPU, got a tensor on meta"),
        (torch.zeros(1, 2, 2).long().to_sparse(), TypeError, "indices must be a dense tensor, got a torch.sparse_coo"),
        (torch.zeros(1, 2, 2), TypeError, "indices must be integers"),
        (torch.zeros(2).long(), ValueError, "indices must have at least 2 axes"),
    ],
)
def test_indices_are_checked_as_the_tensor_is(indices, error, says):
    with pytest.raises(error, match=says):
        ours.max_unpool2d(torch.ones(1, 2, 2), indices, 2)


def other_kinds():
    """Yield the kind's name and such a tensor."""
    x = torch.ones(4, 4)
    yield "torch.sparse_coo", x.to_sparse()
    yield "torch.sparse_csr", x.to_sparse_csr()
    yield "torch._mkldnn", x.to_mkldnn()
    yield "nested", torch.nested.nested_tensor([x, x])
    yield "quantized", torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)


@pytest.mark.filterwarnings("ignore:Sparse|The PyTorch API of nested|torch.quantize:UserWarning")
def test_tensors_that_are_not_dense_are_refused():
    for kind, x in other_kinds():
        for call in (
            lambda x: ours.max_pool2d(x, 2), lambda x: ours.avg_pool2d(x, 2), lambda x: ours.lp_pool2d(x, 2, 2),
            lambda x: ours.adaptive_avg_pool2d(x, 2), lambda x: ours.max_unpool2d(x, x, 2),
        ):  # fmt: skip
            with pytest.raises(TypeError, match=f"x must be a dense tensor, got a {kind} one"):
                call(x)


OPS = torch.ops.cpool
SLIDING = [3, 2, 1, 0, 2, 2, 1, 0, 1, 1]  # two axes: kernel, stride, padding before and after, dilation


def calls_of_operators():
    """Yield operator and arguments for opcheck."""
    x = numbers((2, 3, 8, 9), torch.float32)
    y, at = OPS.pick(x, SLIDING, True, "max")
    grad = torch.ones_like(y).requires_grad_()
    wants = x.clone().requires_grad_()
    last = x.to(memory_format=torch.channels_last).requires_grad_()
    yield OPS.extreme, (x, SLIDING, False, "min")
    yield OPS.extreme, (wants, [3, 4], False, "max")
    yield OPS.pick, (wants, SLIDING, False, "max")
    yield OPS.pick, (last, SLIDING, True, "min")
    yield OPS.pick, (wants, [3, 4], False, "max")
    yield OPS.average, (wants, SLIDING, True, True, None)
    yield OPS.average, (last, SLIDING, True, False, 5)
    yield OPS.average, (wants, [3, 4])
    yield OPS.average, (torch.arange(72).reshape(8, 9), SLIDING)
    yield OPS.average, (torch.ones(8, 9, dtype=torch.bool), [3, 4])
    yield OPS.spread, (grad, [8, 9], SLIDING, True, True, None)
    yield OPS.spread, (torch.ones(2, 3, 3, 4).requires_grad_(), [8, 9], [3, 4])
    yield OPS.norm, (wants, SLIDING, False, 2.0)
    yield OPS.scatter, (grad, at, [8, 9])
    yield OPS.unpool, (y.detach().requires_grad_(), at, [8, 9], [5, 1], [2, 1], [1, 0])


@pytest.mark.slow
@pytest.mark.parametrize("i", range(15))
def test_opcheck(i):
    op, arguments = list(calls_of_operators())[i]
    torch.library.opcheck(op, arguments)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64])
def test_what_averages_of_integers_will_be(dtype):
    x = torch.ones(8, 9, dtype=dtype)
    for windows in (SLIDING, [3, 4]):
        assert OPS.average(x.to("meta"), windows).dtype == OPS.average(x, windows).dtype == torch.float64


# Each takes a function and where to evaluate it; `cube` makes scalars whose higher derivatives are not constant.
MODES = {
    "grad": lambda f, x: torch.func.grad(cube(f))(x),
    "jacrev": lambda f, x: torch.func.jacrev(f)(x),
    "jacfwd": lambda f, x: torch.func.jacfwd(f)(x),
    "jvp": lambda f, x: torch.func.jvp(f, (x,), (x.sin(),))[1],
    "dual": lambda f, x: dual_along(f, x, x.sin()),
    "forward over reverse by dual_level": lambda f, x: dual_of_gradient(cube(f), x, x.sin()),
    "reverse over forward by dual_level": lambda f, x: gradient_of_dual(cube(f), x, x.sin()),
    "hessian": lambda f, x: torch.func.hessian(cube(f))(x),
    "reverse over reverse": lambda f, x: torch.func.jacrev(torch.func.jacrev(cube(f)))(x),
    "reverse over forward": lambda f, x: torch.func.jacrev(torch.func.jacfwd(cube(f)))(x),
    "forward over forward": lambda f, x: torch.func.jacfwd(torch.func.jacfwd(cube(f)))(x),
    "third": lambda f, x: torch.func.jvp(torch.func.hessian(cube(f)), (x,), (x.sin(),))[1],
    "vmap": lambda f, x: torch.vmap(f, -1)(x.expand(2, *x.shape).movedim(0, -1)),
    "vmap of grad": lambda f, x: torch.vmap(torch.func.grad(cube(f)))(torch.stack([x, x.sin()])),
    "grad of vmap": lambda f, x: torch.func.grad(lambda z: torch.vmap(cube(f))(z).sum())(torch.stack([x, x.sin()])),
    "jvp of vmap": lambda f, x: torch.func.jvp(
        torch.vmap(f), (torch.stack([x, x.sin()]),), (torch.ones(2, *x.shape).double(),)
    )[1],
}


def cube(f):
    # Of the square of x, so that what a tangent depends on is itself to be differentiated.
    return lambda x: f(x * x).pow(3).sum()


def dual_along(f, x, t):
    with torch.autograd.forward_ad.dual_level():
        return torch.autograd.forward_ad.unpack_dual(f(torch.autograd.forward_ad.make_dual(x, t))).tangent


def dual_of_gradient(f, x, t):
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x.detach().requires_grad_(), t)
        (gradient,) = torch.autograd.grad(f(dual), dual, create_graph=True)
        return torch.autograd.forward_ad.unpack_dual(gradient).tangent.detach()


def gradient_of_dual(f, x, t):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(dual_along(f, x, t), x)[0]


def families(d):
    """Yield name, arguments and keywords where torch has an answer in every mode."""
    yield from calls(d)
    yield f"lp_pool{d}d", (1.0, 2), {}
    yield f"lp_pool{d}d", (2, 3, 1), dict(ceil_mode=True)
    yield f"lp_pool{d}d", (0.5, 2, 1), {}


def given(function, arguments, keywords):
    return lambda x: function(x, *arguments, **keywords)


def compared(mode, name, x, arguments, keywords):
    mine, theirs = (MODES[mode](given(getattr(library, name), arguments, keywords), x) for library in (ours, F))
    torch.testing.assert_close(mine, theirs)
    assert theirs.count_nonzero() > 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_derivatives_are_those_of_torch(mode, d):
    x = 1 + numbers({1: (2, 7), 2: (1, 4, 5), 3: (1, 3, 4, 3)}[d])
    for name, arguments, keywords in families(d):
        compared(mode, name, x, arguments, keywords)


@pytest.mark.parametrize("mode", ["grad", "jvp", "hessian", "forward over forward", "vmap of grad"])
def test_derivatives_of_minima_and_unpooling(mode):
    x = 1 + numbers((1, 4, 6))
    torch.testing.assert_close(
        MODES[mode](lambda v: ours.min_pool2d(v, 2), x), MODES[mode](lambda v: -F.max_pool2d(-v, 2), x)
    )
    _, indices = F.max_pool2d(numbers((1, 8, 12)), 2, return_indices=True)
    mine, theirs = (MODES[mode](lambda v, f=f: f(v, indices, 2), x) for f in (ours.max_unpool2d, F.max_unpool2d))
    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("p", [2.0, 3.0, 0.5, 1.0])
def test_norms_of_zeros_have_the_gradient_zero(p):
    x = torch.zeros(1, 4, 4, dtype=torch.float64)
    x[0, 0, 0] = 1
    for mode in ("grad", "jvp", "hessian"):
        assert MODES[mode](lambda v: ours.lp_pool2d(v, p, 2), x).isfinite().all(), mode


@pytest.mark.parametrize("p", [3.0, 0.5])
def test_norms_forward_over_reverse(p):
    x = (1 + numbers((1, 4, 5))).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda v: ours.lp_pool2d(v, p, 2), x, check_fwd_over_rev=True)


@pytest.mark.parametrize("p", [float("inf"), -float("inf")])
def test_infinite_norms_are_extremes_of_magnitudes(p):
    x = numbers((2, 4, 6)) - 0.3
    for mode in MODES:
        compared(mode, "lp_pool2d", x, (p, 2), {})


def test_operators_themselves_keep_tangents():
    x, t = numbers((1, 8, 9)), numbers((1, 8, 9), seed=1)
    _, at = OPS.pick(x, SLIDING, False, "max")
    for f in (
        lambda v: OPS.extreme(v, SLIDING, False, "max"),
        lambda v: OPS.pick(v, SLIDING, False, "max")[0],
        lambda v: OPS.average(v, SLIDING),
        lambda v: OPS.average(v, [3, 4]),
        lambda v: OPS.norm(v, SLIDING, False, 3.0),
        lambda v: OPS.spread(v, [8, 9], [1, 1, 0, 0, 1] * 2),
        lambda v: OPS.scatter(v[:, : at.shape[1], : at.shape[2]], at, [8, 9]),
        lambda v: OPS.unpool(v[:, : at.shape[1], : at.shape[2]], at, [8, 9], [5, 1], [2, 1], [1, 0]),
    ):
        step = 1e-6
        expected = (f(x + step * t) - f(x - step * t)) / (2 * step)
        torch.testing.assert_close(torch.func.jvp(f, (x,), (t,))[1], expected, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(dual_along(f, x, t), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_small_floats_in_forward_mode(dtype):
    if dtype == torch.bfloat16:
        pytest.importorskip("ml_dtypes")
    x = (1 + numbers((1, 8, 9))).to(dtype)
    for name, arguments, keywords in calls(2):
        mine, theirs = (
            torch.func.jvp(given(getattr(library, name), arguments, keywords), (z,), (z,))[1]
            for library, z in ((ours, x), (F, x.double()))
        )
        assert mine.dtype == dtype
        torch.testing.assert_close(mine.double(), theirs, rtol=2e-2, atol=2e-2)


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


LAYERS = [
    torch.nn.MaxPool1d(2), torch.nn.MaxPool2d(3, 2, 1, return_indices=True), torch.nn.MaxPool3d(2, ceil_mode=True),
    torch.nn.AvgPool1d(2), torch.nn.AvgPool2d((2, 3), 1), torch.nn.AvgPool3d(2, divisor_override=3),
    torch.nn.LPPool1d(1, 2), torch.nn.LPPool2d(2, 2), torch.nn.LPPool3d(3, 2, 1),
    torch.nn.AdaptiveMaxPool1d(3, return_indices=True), torch.nn.AdaptiveMaxPool2d((2, 3)),
    torch.nn.AdaptiveMaxPool3d(2), torch.nn.AdaptiveAvgPool1d(3), torch.nn.AdaptiveAvgPool2d((2, 3)),
    torch.nn.AdaptiveAvgPool3d(2),
]  # fmt: skip


def accelerated(layer):
    return ours.accelerate(copy.deepcopy(layer))


def example(layer, dtype=torch.float32):
    d = int(type(layer).__name__[-2])
    return numbers(SHAPES[d], dtype).abs()


class Called(TorchDispatchMode):
    """Which operators of cpool a block calls."""

    def __enter__(self):
        self.names = set()
        return super().__enter__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.namespace == "cpool":
            self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def runs_on_cpool(call):
    with Called() as called:
        call()
    return bool(called.names)


def test_compile():
    torch.manual_seed(0)
    net = Net()
    x = torch.randn(2, 1, 16, 16)
    expected = net(x)
    fast = torch.compile(ours.accelerate(net), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(fast(x), expected)
    fast(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("mode", ["grad", "jvp", pytest.param("hessian", marks=pytest.mark.slow)])
def test_compiled_derivatives(mode):
    x = 1 + numbers((1, 4, 6))
    for name, arguments, keywords in calls(2):
        torch.compiler.reset()
        f = given(getattr(ours, name), arguments, keywords)
        compiled = torch.compile(lambda v, f=f: MODES[mode](f, v), fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(x), MODES[mode](f, x))


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_compiled_layers(layer):
    torch.compiler.reset()
    x, mine = example(layer).requires_grad_(), accelerated(layer)
    found = []
    for call in (torch.compile(mine, fullgraph=True, backend="aot_eager", dynamic=True), mine):
        result = call(x)
        y = result[0] if isinstance(result, tuple) else result
        found.append((result, torch.autograd.grad(y.sin().sum(), x)))
    torch.testing.assert_close(*found)


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


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_every_layer_is_swapped_and_back(layer):
    x = example(layer)
    mine = accelerated(layer)
    assert isinstance(mine, type(layer))
    assert repr(mine) == repr(layer)
    assert runs_on_cpool(lambda: mine(x))
    torch.testing.assert_close(mine(x), layer(x))
    before = pickle.dumps(layer)
    assert pickle.dumps(ours.restore(mine)) == before
    assert not runs_on_cpool(lambda: mine(x))


def test_unpooling_layers():
    for d in (1, 2, 3):
        x = numbers((2, 3, *(4,) * d))
        y, at = getattr(F, f"max_pool{d}d")(x, 2, return_indices=True)
        layer = getattr(torch.nn, f"MaxUnpool{d}d")(2)
        mine = accelerated(layer)
        for size in (x.shape, x.shape[-d:], None):
            assert torch.equal(mine(y, at, output_size=size), layer(y, at, output_size=size))
        assert runs_on_cpool(lambda y=y, at=at, mine=mine: mine(y, at))
        assert torch.equal(torch.jit.script(mine)(y, at), layer(y, at))
        assert type(ours.restore(mine)) is type(layer)


def test_unpooling_layers_are_torchs_for_indices_elsewhere():
    y, at = F.max_pool2d(numbers((1, 4, 4)), 2, return_indices=True)
    with pytest.raises(RuntimeError, match="device"):  # torch's
        accelerated(torch.nn.MaxUnpool2d(2))(y, at.to("meta"))


@pytest.mark.parametrize(
    ("layer", "on_cpool"),
    [
        (torch.nn.MaxPool2d(2, return_indices=1), True), (torch.nn.AdaptiveMaxPool2d(2, return_indices=0), True),
        (torch.nn.AvgPool2d(2, divisor_override=2**31), False), (torch.nn.LPPool2d(True, 2), False),
        (torch.nn.LPPool2d(torch.tensor(2.0), 2), False),
    ],
    ids=repr,
)  # fmt: skip
def test_layers_take_what_torchs_take(layer, on_cpool):
    x, mine = example(layer), accelerated(layer)
    torch.testing.assert_close(mine(x), layer(x))
    assert runs_on_cpool(lambda: mine(x)) == on_cpool


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if "Max" in repr(layer)], ids=repr)
def test_vectorized_hessians(layer):
    """Of `torch.autograd`, which batches in a way of its own."""
    x = example(layer, torch.float64)[..., :4].contiguous()

    def hessian(layer):
        values = (lambda x: layer(x)[0]) if getattr(layer, "return_indices", False) else layer
        return torch.autograd.functional.hessian(lambda x: values(x).pow(3).sum(), x, vectorize=True)

    torch.testing.assert_close(hessian(accelerated(layer)), hessian(layer))


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_layers_are_torchs_where_a_model_is_recorded(layer):
    x, mine = example(layer), accelerated(layer)
    expected = layer(x)
    recorded = {
        "traced": torch.jit.trace(mine, x),
        "scripted": torch.jit.script(mine),
        "symbolic": torch.fx.symbolic_trace(mine),
        "exported": torch.export.export(mine, (x,)).module(),
    }
    for how, module in recorded.items():
        torch.testing.assert_close(module(x), expected, rtol=0, atol=0, msg=how)
        assert not runs_on_cpool(lambda module=module: module(x)), how
    assert runs_on_cpool(lambda: mine(x))  # recording changed nothing


def test_layers_are_torchs_where_cpool_does_not_apply():
    layer, mine = torch.nn.AvgPool2d(2), ours.accelerate(torch.nn.AvgPool2d(2))
    whole = torch.arange(16).reshape(1, 4, 4)
    assert torch.equal(mine(whole), layer(whole))  # torch's integers stay integers
    assert mine(torch.ones(1, 4, 4, device="meta")).device.type == "meta"
    for x in (torch.ones(1, 4, 4, dtype=torch.complex64), torch.ones(1, 4, 4).to(torch.float8_e4m3fn)):
        with pytest.raises(RuntimeError):
            mine(x)

    class Tagged(torch.Tensor):
        pass

    assert isinstance(mine(torch.ones(1, 4, 4).as_subclass(Tagged)), Tagged)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_layers_under_autocast(layer):
    if torch.bfloat16 not in type(accelerated(layer))._dtypes:
        pytest.skip("NumPy does not know bfloat16 without ml_dtypes")
    x = example(layer, torch.bfloat16)
    near = dict(rtol=0.02, atol=0) if isinstance(layer, torch.nn.LPPool3d) else {}  # torch widens after taking powers
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(accelerated(layer)(x), layer(x), **near)  # and dtypes


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_unpooling_layers_under_autocast(d, dtype):
    y, at = getattr(F, f"max_pool{d}d")(numbers((1, *[4] * d), dtype), 2, return_indices=True)
    layer = getattr(torch.nn, f"MaxUnpool{d}d")(2)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(accelerated(layer)(y, at), layer(y, at))  # and dtypes


@pytest.mark.parametrize("dtype", sorted(ours.layers.FLOATS, key=str), ids=str)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_functions_under_autocast(d, dtype):
    """Of 3 axes, and unpooled, narrow floats become float32, but for maxima with places: as torch has it."""
    x = numbers(SHAPES[d], dtype).abs()
    y, at = getattr(F, f"max_pool{d}d")(x, 2, return_indices=True)
    cases = [(name, (x, *arguments), more) for name, arguments, more in calls(d)]
    cases += [(f"{kind}max_pool{d}d", (x, 2), dict(return_indices=True)) for kind in ("", "adaptive_")]
    for name, arguments, more in (*cases, (f"max_unpool{d}d", (y, at, 2), dict(output_size=x.shape[2:]))):
        with torch.autocast("cpu", torch.bfloat16):
            found, expected = (getattr(library, name)(*arguments, **more) for library in (ours, F))
        near = dict(rtol=0.02, atol=0) if name == "lp_pool3d" else {}  # torch widens after taking powers
        torch.testing.assert_close(found, expected, **near, msg=lambda text, name=name: f"{name}: {text}")


def test_a_model_can_be_saved_and_sent(tmp_path):
    torch.manual_seed(0)
    model = ours.accelerate(Net())
    x = torch.randn(2, 1, 16, 16)
    torch.save(model, tmp_path / "model.pt")
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    copies.append(torch.load(tmp_path / "model.pt", weights_only=False))
    fresh = Net()
    fresh.load_state_dict(model.state_dict())
    for twin in (*copies, ours.accelerate(fresh)):
        assert torch.equal(twin(x), model(x))
        assert [type(m) for m in twin.modules()] == [type(m) for m in model.modules()]
    # In a process that has not heard of cpool.
    code = "import sys, torch; print(type(torch.load(sys.argv[1], weights_only=False)[2]).__module__)"
    torch.save(model.body, tmp_path / "model.pt")
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model.pt"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "cpool.torch.layers"


def test_onnx_export():
    onnx = pytest.importorskip("onnx")
    model, x, file = Net(), torch.randn(2, 1, 16, 16), io.BytesIO()
    torch.onnx.export(ours.accelerate(model), (x,), file, dynamo=False)
    nodes = onnx.load_from_string(file.getvalue()).graph.node
    assert {"MaxPool", "AveragePool", "GlobalAveragePool"} <= {node.op_type for node in nodes}
    assert {node.domain for node in nodes} == {""}


def test_subclasses_are_left_alone():
    class Mine(torch.nn.MaxPool2d):
        pass

    layer = Mine(2)
    assert type(ours.accelerate(layer)) is Mine
    assert type(ours.restore(layer)) is Mine


def test_what_is_no_model_is_refused():
    for function in (ours.accelerate, ours.restore):
        with pytest.raises(TypeError, match="model"):
            function(torch.nn.functional.max_pool2d)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_norms_beyond_the_input_are_torchs_in_a_model(d):
    """torch scales them up to a whole window; the function is that of the elements that there are."""
    x = torch.arange(1.0, 1 + 5**d).reshape(1, 1, *[5] * d)
    layer = getattr(torch.nn, f"LPPool{d}d")(2, 2, ceil_mode=True)
    assert torch.equal(accelerated(layer)(x), layer(x))
    assert not runs_on_cpool(lambda: accelerated(layer)(x))
    layer.ceil_mode = False
    assert runs_on_cpool(lambda: accelerated(layer)(x))
    torch.testing.assert_close(accelerated(layer)(x), layer(x))


def test_sizes_of_unpooling_are_of_the_pooled_axes_or_all():
    x, indices = torch.ones(1, 2, 2), torch.tensor([[[0, 2], [8, 10]]])
    assert ours.max_unpool2d(x, indices, 2, output_size=(1, 5, 5)).shape == (1, 5, 5)
    with pytest.raises(ValueError, match="output_size"):
        ours.max_unpool2d(x, indices, 2, output_size=(9, 9, 5, 5))
    with pytest.raises(ValueError, match="output_size"):
        ours.max_unpool2d(x, indices, 2, output_size=(5,))


@pytest.mark.parametrize(
    "behind", [torch.nn.ReLU(inplace=True), torch.nn.Hardtanh(inplace=True), torch.nn.LeakyReLU(inplace=True)]
)
@pytest.mark.parametrize(
    "layer", [torch.nn.LPPool2d(2, 2), torch.nn.LPPool2d(4, 3, 1), torch.nn.MaxPool2d(2), torch.nn.AvgPool2d(2)]
)
def test_layers_before_in_place_ones_train(layer, behind):
    """As torch's do: what they need for the way back is not their result."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 1), layer, behind)
    x = torch.rand(2, 1, 9, 9)
    model(x).sum().backward()
    expected = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model = ours.accelerate(copy.deepcopy(model))
    model(x).sum().backward()
    for p, e in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, e)
