"""cpool.torch over the samples by which PyTorch tests its own pooling: OpInfo and ModuleInfo, which torch ships."""

import copy
import pickle
import warnings
from functools import partial

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # what torch.testing's internals import
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.testing._internal.common_modules import module_db

import cpool.torch as ours  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch scripts its own decompositions

OPERATIONS = [op for op in op_db if op.name.rpartition(".")[2] in ours.__all__]
LAYERS = [info for info in module_db if "Pool" in info.name and "Fractional" not in info.name]


def title(info):
    return f"{info.name.rpartition('.')[2]} {getattr(info, 'variant_test_name', '')}".strip()


def samples(op, dtype, requires_grad=False, every=1):
    """Yield cpool's and torch's function of one tensor, and the tensor; of many samples each `every`-th."""
    given = list(op.sample_inputs("cpu", dtype, requires_grad=requires_grad))
    for sample in given[:: every if len(given) > 50 else 1]:
        mine, theirs = (
            partial(called, f, sample.args, sample.kwargs) for f in (getattr(ours, op.name.rpartition(".")[2]), op)
        )
        mine(sample.input)  # refuses windows wholly in padding, before torch meets them
        yield mine, theirs, sample.input


def called(function, arguments, keywords, x):
    return function(x, *arguments, **keywords)


def values(result):
    """Return the pooled tensor of a result that may have indices."""
    return result[0] if isinstance(result, tuple) else result


def test_there_are_samples_of_every_function_that_torch_has():
    assert {op.name.rpartition(".")[2] for op in OPERATIONS} == {
        name for name in ours.__all__ if "pool" in name and not name.startswith(("min", "lp"))
    }
    assert len(LAYERS) == 15  # unpooling has none


DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int32, torch.uint8]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("op", OPERATIONS, ids=title)
def test_values(op, dtype):
    if dtype not in op.supported_dtypes("cpu") or ("avg" in op.name and not dtype.is_floating_point):
        pytest.skip("torch does not pool it, or cpool has averages of integers in float64")
    if dtype == torch.bfloat16:
        pytest.importorskip("ml_dtypes")
    for mine, theirs, x in samples(op, dtype, every=1 if dtype == torch.float64 else 17):
        expected = theirs(x)
        if dtype in (torch.float16, torch.bfloat16) and "avg" in op.name:
            expected = theirs(x.double()).to(dtype)  # torch sums adaptive averages of volumes in 2 bytes
        torch.testing.assert_close(mine(x), expected)


# Of unpooling, PyTorch differentiates the samples of the variant "grad" alone: in the others indices stand twice.
@pytest.mark.parametrize(
    "op", [op for op in OPERATIONS if "unpool" not in op.name or op.variant_test_name == "grad"], ids=title
)
def test_derivatives(op):
    generator = torch.Generator().manual_seed(0)
    count = 0
    for mine, theirs, x in samples(op, torch.float64, requires_grad=True, every=5):
        y = values(theirs(x))
        into, along = (torch.rand(shape, generator=generator, dtype=torch.float64) for shape in (y.shape, x.shape))
        into.requires_grad_()
        found = []
        for f in (mine, theirs):
            y = values(f(x))
            (gx,) = torch.autograd.grad(y, x, into, create_graph=True)
            (twice,) = torch.autograd.grad(gx, into, along)
            tangent = torch.func.jvp(lambda v, f=f: values(f(v)), (x.detach(),), (along,))[1]
            found.append((gx, twice, tangent))
        torch.testing.assert_close(*found)
        count += y.numel() > 0
    assert count


@pytest.mark.parametrize("info", LAYERS, ids=title)
def test_layers(info):
    for sample in info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True, training=True):
        theirs = info.module_cls(*sample.constructor_input.args, **sample.constructor_input.kwargs)
        mine = ours.accelerate(copy.deepcopy(theirs))
        assert type(mine) is not type(theirs)
        found = []
        for layer in (theirs, mine, pickle.loads(pickle.dumps(mine))):
            result = layer(*sample.forward_input.args, **sample.forward_input.kwargs)
            y = values(result)
            found.append((result, *torch.autograd.grad(y.sin().sum(), sample.forward_input.args)))
        torch.testing.assert_close(found[1], found[0], equal_nan=True)  # fractional powers of negatives
        torch.testing.assert_close(found[2], found[1], rtol=0, atol=0, equal_nan=True)
        assert type(ours.restore(mine)) is type(theirs)


@pytest.mark.parametrize("op", OPERATIONS, ids=title)
def test_what_torch_refuses(op):
    """The same is refused, by name; but cpool's padding has no limit, and its leading axes have none to have."""
    function = getattr(ours, op.name.rpartition(".")[2])
    if op.error_inputs_func is None:
        return
    for error in op.error_inputs("cpu"):
        sample = error.sample_input
        wider = ("pad should be at most half", "mension", "Expected 2D or 3D")
        if any(words in error.error_regex for words in wider):
            continue
        with pytest.raises((TypeError, ValueError)):
            function(sample.input, *sample.args, **sample.kwargs)
