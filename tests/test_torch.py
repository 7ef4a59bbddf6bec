"""Live cross-check against torch: values, indices and gradients, everywhere torch accepts the arguments."""

import numpy as np
import pytest
from cases import GEOMETRIES, difficult, torch_accepts

import cpool

torch = pytest.importorskip("torch")
F = torch.nn.functional

DTYPES = [np.float32, np.float64]
MAX_CASES = [(sizes, kw) for sizes, kw in GEOMETRIES if torch_accepts(sizes, **kw)]
AVG_CASES = [
    (sizes, {k: v for k, v in kw.items() if k != "dilation"}) for sizes, kw in MAX_CASES if kw["dilation"] == 1
]


def memory_orders(x):
    """Yield equal arrays in every memory order that the kernels tell apart."""
    yield "C", x
    yield "channels_last", np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    yield "fortran", np.asfortranarray(x)
    yield "negative", np.ascontiguousarray(x[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]
    wide = np.zeros((x.shape[0], 2 * x.shape[1], x.shape[2], 2 * x.shape[3]), x.dtype)
    wide[:, ::2, :, ::2] = x
    yield "stepped", wide[:, ::2, :, ::2]


def same(a, b):
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", range(8))
def test_max_grid(dtype, part):
    for sizes, kw in MAX_CASES[part::8]:
        x = difficult((2, 3, *sizes), dtype)
        y, i = F.max_pool2d(torch.from_numpy(x), **kw, return_indices=True)
        ours, at = cpool.max_pool2d(x, **kw, return_indices=True)
        same(ours, y)
        same(at, i)
        same(cpool.max_pool2d(x, **kw), y)
        low, at_low = cpool.min_pool2d(-x, **kw, return_indices=True)
        same(-low, y)
        same(at_low, i)
        same(cpool.min_pool2d(-x, **kw), low)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", range(4))
def test_max_backward_grid(dtype, part):
    rng = np.random.default_rng(1)
    for sizes, kw in MAX_CASES[part::4]:
        x = rng.integers(-3, 4, (2, 3, *sizes)).astype(dtype)
        t = torch.from_numpy(x).requires_grad_()
        y, i = F.max_pool2d(t, **kw, return_indices=True)
        g = rng.integers(-9, 10, y.shape).astype(dtype)
        y.backward(torch.from_numpy(g))
        for index_dtype in (np.int64, np.int32, np.uint16):
            same(cpool.max_pool2d_backward(g, i.numpy().astype(index_dtype), x.shape), t.grad)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("divisor_override", [None, 3, -2])
def test_avg_grid(dtype, count_include_pad, divisor_override):
    rng = np.random.default_rng(2)
    # sums of up to 169 terms, divided by as little as 2: the error scales with the terms, not with the result
    close = dict(rtol=3e-6, atol=2e-5) if dtype == np.float32 else dict(rtol=1e-14, atol=4e-14)
    for sizes, kw in AVG_CASES:
        kw = {**kw, "count_include_pad": count_include_pad, "divisor_override": divisor_override}
        x = rng.standard_normal((2, 3, *sizes)).astype(dtype)
        t = torch.from_numpy(x).requires_grad_()
        y = F.avg_pool2d(t, **kw)
        g = rng.standard_normal(y.shape).astype(dtype)
        y.backward(torch.from_numpy(g))
        np.testing.assert_allclose(cpool.avg_pool2d(x, **kw), y.detach().numpy(), **close)
        np.testing.assert_allclose(cpool.avg_pool2d_backward(g, x.shape, **kw), t.grad.numpy(), **close)


@pytest.mark.parametrize("dtype", DTYPES)
def test_avg_spreads_nan_and_infinity_no_further_than_their_windows(dtype):
    for width in range(1, 71):
        x = difficult((1, 2, 5, width), dtype, width)
        k = min(3, width)
        same(cpool.avg_pool2d(x, (3, k), 1), F.avg_pool2d(torch.from_numpy(x), (3, k), 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 7, 12])
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_widths_around_the_vector_length(dtype, kernel, stride):
    for width in range(kernel, 71):
        x = difficult((1, 2, 3, width), dtype, width)
        kw = dict(kernel_size=(2, kernel), stride=(1, stride), padding=(1, kernel // 2))
        y, i = F.max_pool2d(torch.from_numpy(x), **kw, return_indices=True)
        ours, at = cpool.max_pool2d(x, **kw, return_indices=True)
        same(ours, y)
        same(at, i)
        same(cpool.max_pool2d(x, **kw), y)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_memory_order(dtype, threads):
    x = difficult((3, 5, 40, 37), dtype)
    kw = dict(kernel_size=(3, 4), stride=(2, 1), padding=(1, 2))
    y, i = F.max_pool2d(torch.from_numpy(x), **kw, return_indices=True)
    finite = np.nan_to_num(x, posinf=4, neginf=-4)
    average = cpool.avg_pool2d(finite, **kw)
    gradient = cpool.avg_pool2d_backward(average, x.shape, **kw)
    scattered = cpool.max_pool2d_backward(average, i.numpy(), x.shape)
    for name, view in memory_orders(x):
        ours, at = cpool.max_pool2d(view, **kw, return_indices=True)
        same(ours, y)
        same(at, i)
        same(cpool.max_pool2d(view, **kw), y)
        for order, out in memory_orders(np.empty_like(ours)):
            assert cpool.max_pool2d(view, **kw, out=out) is out, (name, order)
            same(out, y)
    for _, view in memory_orders(finite):
        assert cpool.avg_pool2d(view, **kw).tobytes() == average.tobytes()
    for (_, g), (_, at) in zip(memory_orders(average), memory_orders(i.numpy()), strict=True):
        for _, out in memory_orders(np.ones_like(x)):
            assert cpool.avg_pool2d_backward(g, x.shape, **kw, out=out).tobytes() == gradient.tobytes()
            assert cpool.max_pool2d_backward(g, at, x.shape, out=out).tobytes() == scattered.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ndim", [1, 3])
def test_one_and_three_axes(dtype, ndim):
    rng = np.random.default_rng(3)
    torch_max, torch_avg = getattr(F, f"max_pool{ndim}d"), getattr(F, f"avg_pool{ndim}d")
    for k, s, p, d, c in [(2, None, 0, 1, False), (3, 2, 1, 1, True), (3, 1, 1, 2, False), (4, 3, 2, 1, True)]:
        x = difficult((2, 2, 9, 10, 11)[: 2 + ndim], dtype)
        t = torch.from_numpy(x).requires_grad_()
        y, i = torch_max(t, k, s, p, d, c, return_indices=True)
        ours, at = getattr(cpool, f"max_pool{ndim}d")(x, k, s, p, d, c, return_indices=True)
        same(ours, y.detach())
        same(at, i)
        same(getattr(cpool, f"max_pool{ndim}d")(x, k, s, p, d, c), y.detach())
        g = rng.integers(-5, 6, y.shape).astype(dtype)
        y.backward(torch.from_numpy(g))
        same(getattr(cpool, f"max_pool{ndim}d_backward")(g, at, x.shape), t.grad)

        finite = rng.standard_normal(x.shape).astype(dtype)
        t = torch.from_numpy(finite).requires_grad_()
        y = torch_avg(t, k, s, p, c, False)
        g = rng.standard_normal(y.shape).astype(dtype)
        y.backward(torch.from_numpy(g))
        np.testing.assert_allclose(
            getattr(cpool, f"avg_pool{ndim}d")(finite, k, s, p, c, False), y.detach(), rtol=1e-5, atol=1e-6
        )
        ours = getattr(cpool, f"avg_pool{ndim}d_backward")(g, x.shape, k, s, p, c, False)
        np.testing.assert_allclose(ours, t.grad, rtol=1e-5, atol=1e-6)
