"""What is refused, and that it says so; what is accepted besides torch's arguments."""

import numpy as np
import pytest

import cpool
from cpool import reference

X = np.arange(48.0).reshape(1, 2, 4, 6)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (dict(kernel_size=0), ValueError, "kernel_size"),
        (dict(kernel_size=-1), ValueError, "kernel_size"),
        (dict(kernel_size=()), ValueError, "kernel_size"),
        (dict(kernel_size=(2, 2, 2)), ValueError, "kernel_size"),
        (dict(kernel_size=2**62), ValueError, "kernel_size"),
        (dict(kernel_size=10**20), ValueError, "kernel_size"),
        (dict(kernel_size=2.0), TypeError, "kernel_size"),
        (dict(kernel_size=True), TypeError, "kernel_size"),
        (dict(kernel_size=float("nan")), TypeError, "kernel_size"),
        (dict(kernel_size="2"), TypeError, "kernel_size"),
        (dict(kernel_size=9), ValueError, "kernel_size=9"),
        (dict(kernel_size=2, stride=0), ValueError, "stride"),
        (dict(kernel_size=2, stride=-1), ValueError, "stride"),
        (dict(kernel_size=2, dilation=0), ValueError, "dilation"),
        (dict(kernel_size=2, padding=-1), ValueError, "padding"),
        (dict(kernel_size=2, padding="full"), ValueError, "padding"),
        (dict(kernel_size=2, padding=2), ValueError, "wholly into padding"),
        (dict(kernel_size=2, padding=2**60), ValueError, "padding"),
        (dict(kernel_size=2, ceil_mode=1), TypeError, "ceil_mode"),
        (dict(kernel_size=2, axis=(0, 0)), ValueError, "axis"),
        (dict(kernel_size=2, axis=(0, 7)), ValueError, "axis"),
        (dict(kernel_size=2, index_dtype=np.float64), TypeError, "index_dtype"),
    ],
)
def test_bad_arguments(arguments, error, says):
    with pytest.raises(error, match=says):
        cpool.max_pool2d(X, **arguments)


@pytest.mark.parametrize("divisor", [0, 1.5, float("nan"), True])
def test_bad_divisor(divisor):
    with pytest.raises((TypeError, ValueError), match="divisor_override"):
        cpool.avg_pool2d(X, 2, divisor_override=divisor)


@pytest.mark.parametrize("dtype", ["complex128", "O", "U3", "M8[s]", "longdouble", [("a", "f8")]])
def test_unsupported_dtypes_are_named(dtype):
    with pytest.raises(TypeError, match=r"float16, bfloat16, float32, .*, got"):
        cpool.max_pool2d(np.zeros((4, 4), dtype), 2)


def test_a_mask_is_never_dropped():
    with pytest.raises(TypeError, match="masked"):
        cpool.lp_pool2d(np.ma.masked_less(X, 3), 2, 2)


@pytest.mark.parametrize("x", [np.float64(3), np.zeros(4), np.zeros((2, 0, 4)), np.zeros((3, 4, 0))])
def test_too_few_axes_or_empty_planes(x):
    with pytest.raises(ValueError, match=r"axes|size 0"):
        cpool.max_pool2d(x, 1)


def test_zero_batch_gives_an_empty_result():
    y, i = cpool.max_pool2d(np.zeros((0, 3, 4, 4)), 2, return_indices=True)
    assert y.shape == i.shape == (0, 3, 2, 2)
    assert cpool.avg_pool2d_backward(y, (0, 3, 4, 4), 2).shape == (0, 3, 4, 4)
    assert cpool.max_pool2d_backward(y, i, (0, 3, 4, 4)).shape == (0, 3, 4, 4)


def test_no_window_of_a_zero_batch_has_too_few_elements():
    """Integers have no NaN for such a window: here there is none."""
    x = np.zeros((0, 5), np.uint8)
    for pool, more in ((cpool.median_pool1d, dict(min_count=2)), (cpool.var_pool1d, dict(ddof=1))):
        assert pool(x, 1, dtype=np.uint8, **more).shape == (0, 5)
        with pytest.raises(ValueError, match="too much for a window of 1 elements"):
            pool(np.zeros((1, 5), np.uint8), 1, dtype=np.uint8, **more)


@pytest.mark.parametrize("x", ["abc", None, {1, 2}, b"ab"])
def test_what_is_no_array_is_named(x):
    with pytest.raises(TypeError, match=f"x must be an array, got {type(x).__name__}"):
        cpool.max_pool1d(x, 2)


def test_huge_dilation_with_kernel_one_is_legal():
    assert np.array_equal(cpool.max_pool2d(X, 1, dilation=2**31 - 1), X)


def test_huge_padding_costs_no_memory():
    assert cpool.max_pool2d(X, 2**30, stride=2**29, padding=2**29).max() == X.max()
    assert (cpool.avg_pool2d(X, 2**30, 2**29, 2**29, divisor_override=1) == X.sum((2, 3))[..., None, None]).any()


def test_out():
    out = np.full((1, 2, 2, 3), 7.0)
    assert cpool.max_pool2d(X, 2, out=out) is out
    assert np.array_equal(out, cpool.max_pool2d(X, 2))


def _read_only():
    out = np.zeros((1, 2, 2, 3))
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    ("out", "error"),
    [
        (np.zeros((1, 2, 2, 2)), ValueError),
        (np.zeros((1, 2, 2, 3), np.float32), TypeError),
        (np.zeros((1, 2, 2, 3), ">f8"), TypeError),
        ([[0.0]], TypeError),
        (_read_only(), ValueError),
        (X[:, :, :2, :3], ValueError),
    ],
)
def test_bad_out_is_refused_and_nothing_written(out, error):
    before = X.copy()
    with pytest.raises(error, match="out"):
        cpool.max_pool2d(X, 2, out=out)
    assert np.array_equal(X, before)


@pytest.mark.parametrize("bad", [-1, 24, 1250999896764, 2**32 + 3])
@pytest.mark.parametrize("shape", [(4, 6), (40, 60)])
def test_indices_outside_the_plane_are_refused_and_nothing_written(bad, shape, threads):
    size = shape[0] * shape[1]
    grad = np.ones((64, shape[0] // 2, shape[1] // 2))
    indices = np.zeros(grad.shape, np.int64)
    indices[-1, -1, -1] = size if bad == 24 else bad
    out = np.full((64, *shape), 7.0)
    with pytest.raises(ValueError, match="indices must lie in the plane"):
        cpool.max_pool2d_backward(grad, indices, out.shape, out=out)
    assert (out == 7).all()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((np.ones((1, 2, 2)), np.zeros((1, 2, 3), int), (1, 4, 4)), ValueError),
        ((np.ones((1, 2, 2)), np.zeros((1, 2, 2)), (1, 4, 4)), TypeError),
        ((np.ones((1, 2, 2)), np.full((1, 2, 2), 2**63, np.uint64), (1, 4, 4)), ValueError),
        ((np.ones((1, 2, 2)), np.zeros((1, 2, 2), int), (11, 4, 4)), ValueError),
        ((np.ones((1, 2, 2)), np.zeros((1, 2, 2), int), (4, 4)), ValueError),
        ((np.ones((1, 2, 2)), np.zeros((1, 2, 2), int), (1, -4, 4)), ValueError),
        ((np.ones((1, 2, 2)), np.zeros((1, 2, 2), int), (1, 2**40, 2**40)), ValueError),
        ((np.ones((1, 2, 2)), np.zeros((1, 2, 2), int), "144"), TypeError),
        ((np.ones((1, 0, 2)), np.zeros((1, 0, 2), int), (1, 4, 4)), ValueError),
    ],
)
def test_bad_max_backward(arguments, error):
    with pytest.raises(error):
        cpool.max_pool2d_backward(*arguments)


def test_avg_backward_checks_the_shape():
    with pytest.raises(ValueError, match="does not belong"):
        cpool.avg_pool2d_backward(np.ones((1, 3, 3)), (1, 4, 4), 2)


def test_read_only_and_swapped_inputs_are_accepted_and_kept():
    x = X.copy()
    x.flags.writeable = False
    assert np.array_equal(cpool.max_pool2d(x, 2), cpool.max_pool2d(X.astype(">f8"), 2))
    assert np.array_equal(x, X)


def test_axis_pools_any_axes_in_any_order():
    nhwc = np.ascontiguousarray(X.transpose(0, 2, 3, 1))
    expected = cpool.max_pool2d(X, (2, 3)).transpose(0, 2, 3, 1)
    assert np.array_equal(cpool.max_pool2d(nhwc, (2, 3), axis=(1, 2)), expected)
    assert np.array_equal(cpool.max_pool2d(nhwc, (3, 2), axis=(-2, 1)), expected)


def test_plain_matrix():
    assert cpool.max_pool2d(X[0, 0], 2).tolist() == [[7, 9, 11], [19, 21, 23]]


def test_layers_say_what_they_are_and_refuse_backward_first():
    layer = cpool.AvgPool3d(2, padding=1)
    assert repr(layer).startswith("AvgPool3d(kernel_size=2, stride=2, padding=1")
    with pytest.raises(RuntimeError, match="before forward"):
        layer.backward(X)


@pytest.mark.parametrize("n", [0, -1, 2.0, True, None])
def test_bad_thread_counts(n):
    with pytest.raises((TypeError, ValueError), match="n must be"):
        cpool.set_num_threads(n)


def test_unaligned_arrays_are_copied():
    record = np.zeros(16, dtype=np.dtype([("tag", "u1"), ("value", "<f4")]))
    record["value"] = np.arange(16)
    x = record["value"].reshape(4, 4)
    assert not x.flags.aligned
    assert cpool.max_pool2d(x, 2).tolist() == [[5, 7], [13, 15]]
    with pytest.raises(ValueError, match="aligned"):
        cpool.max_pool2d(np.zeros((8, 8), np.float32), 2, out=x)


def test_a_kept_call_draws_anew():
    """From the generator that it was given, and no other."""
    x = np.random.default_rng(0).random((2, 3, 32, 32))
    for seed in (1, 2):
        drawn, beside = np.random.default_rng(seed), np.random.default_rng(seed)
        for _ in range(3):
            y = cpool.fractional_max_pool2d(x, 2, 8, rng=drawn)
            samples = beside.random((2, 3, 2))
            np.testing.assert_array_equal(y, cpool.fractional_max_pool2d(x, 2, 8, random_samples=samples))


def test_a_kept_call_serves_its_own_arguments_alone():
    """A repeated call is known by the objects it is made of; whatever differs is another call."""
    x = np.arange(64.0).reshape(8, 8)
    for _ in range(2):
        assert cpool.max_pool2d(x, 1).shape == (8, 8)
        for equal_to_1 in (True, 1.0, np.float32(1)):
            with pytest.raises(TypeError, match="kernel_size"):
                cpool.max_pool2d(x, equal_to_1)
        with pytest.raises(TypeError, match="ceil_mode"):
            cpool.max_pool2d(x, 1, ceil_mode=0)
        kernel = [2, 2]
        assert cpool.max_pool2d(x, kernel).shape == (4, 4)
        kernel[0] = 4
        assert cpool.max_pool2d(x, kernel).shape == (2, 4)
        for other in (
            x.T,
            x[::-1],
            x[:, ::2],
            x.astype("f4"),
            x.astype(">f8"),
            x[:4],
            x.reshape(1, 8, 8),
            x.astype("i4"),
        ):
            np.testing.assert_array_equal(cpool.max_pool2d(other, 2), reference.max_pool2d(other, 2))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_sequence_of_one_stands_for_all_axes_and_an_empty_stride_for_the_kernel(d):
    """As torch takes them, wherever windows are given."""
    x = np.random.default_rng(0).standard_normal((2, *(8,) * d))
    whole = dict(kernel_size=(2,) * d, stride=(2,) * d, padding=(1,) * d, dilation=(2,) * d)
    for given in (
        dict(kernel_size=(2,), stride=(2,), padding=(1,), dilation=(2,)),
        dict(kernel_size=[2], stride=[], padding=[1], dilation=[2]),
        dict(kernel_size=np.array([2]), stride=np.array([], int), padding=np.array([1]), dilation=np.array([2])),
        dict(kernel_size=2, stride=(), padding=1, dilation=2),
    ):
        for name in ("max_pool", "min_pool", "avg_pool", "median_pool"):
            pool = getattr(cpool, f"{name}{d}d")
            np.testing.assert_array_equal(pool(x, **given), pool(x, **whole))
        y = getattr(cpool, f"avg_pool{d}d")(x, **given)
        back = getattr(cpool, f"avg_pool{d}d_backward")
        np.testing.assert_array_equal(back(y, x.shape, **given), back(y, x.shape, **whole))
        pool, back = getattr(cpool, f"lp_pool{d}d"), getattr(cpool, f"lp_pool{d}d_backward")
        y = pool(x, 2, **given)
        np.testing.assert_array_equal(y, pool(x, 2, **whole))
        np.testing.assert_array_equal(back(y, x, y, 2, **given), back(y, x, y, 2, **whole))
    y, at = getattr(cpool, f"max_pool{d}d")(x, (2,), (), return_indices=True)
    unpool = getattr(cpool, f"max_unpool{d}d")
    np.testing.assert_array_equal(unpool(y, at, (2,), (), (0,)), unpool(y, at, 2))
    layer = getattr(cpool, f"MaxPool{d}d")((2,), (), (1,))
    np.testing.assert_array_equal(layer(x), getattr(cpool, f"max_pool{d}d")(x, 2, 2, 1))
    assert layer.backward(layer(x)).shape == x.shape
    layer = getattr(cpool, f"AvgPool{d}d")((2,), (), (1,))
    np.testing.assert_array_equal(layer(x), getattr(cpool, f"avg_pool{d}d")(x, 2, 2, 1))
    assert layer.backward(layer(x)).shape == x.shape


@pytest.mark.parametrize(
    "arguments",
    [
        dict(kernel_size=()),
        dict(kernel_size=2, padding=()),
        dict(kernel_size=2, dilation=[]),
        dict(kernel_size=2, stride=(2, 2, 2)),
        dict(kernel_size=2, padding=((1,), (1,))),
        dict(kernel_size=2, padding=((1, 1), (1, 1), (1, 1))),
        dict(kernel_size=(2.0,)),
        dict(kernel_size=2, stride=""),
    ],
)
def test_other_lengths_are_refused(arguments):
    with pytest.raises((ValueError, TypeError), match=list(arguments)[-1]):
        cpool.max_pool2d(X, **arguments)


def test_short_sequences_equal_torch():
    torch = pytest.importorskip("torch")
    for name, given in [
        ("avg_pool2d", ((2, 2), (), (1,))),
        ("avg_pool2d", ((2,), (1,))),
        ("max_pool2d", ((2,), (), (1,), (1,))),
        ("lp_pool2d", (2, (2, 2), ())),
    ]:
        theirs = getattr(torch.nn.functional, name)(torch.from_numpy(X), *given)
        np.testing.assert_allclose(getattr(cpool, name)(X, *given), theirs.numpy())


def test_operations_without_a_kernel_are_refused():
    """None may fall through to another one's kernel: whoever adds a reduction must hear of it."""
    from cpool import geometry
    from cpool.core import engine, layouts

    plan = geometry.plan((4,), 2)
    x, y, at = (layouts.View(shape, (8,), 8, "float64") for shape in ((4,), (2,), (2,)))
    for make, op, type, views in [
        (engine.values, "product", "float64", (x, y)),
        (engine.values, "sum", "int64", (x, y)),
        (engine.values, "sum", "float16", (x, y)),
        (engine.picks, "sum", "float64", (x, y, at)),
    ]:
        with pytest.raises(ValueError, match=f"{op}|{type}"):
            make(op, type, plan, (0,), *views)


def test_one_pair_and_arrays_of_padding():
    expected = cpool.max_pool2d(X, 2, 1, ((1, 0), (1, 0)))
    for padding in (((1, 0),), np.array([[1, 0], [1, 0]]), [np.int64([1, 0]).tolist()]):
        np.testing.assert_array_equal(cpool.max_pool2d(X, 2, 1, padding), expected)
        np.testing.assert_array_equal(reference.max_pool2d(X, 2, 1, padding), expected)
    for padding in ([np.array([1, 0])], [np.array([1, 0]), np.array([1, 0])], [np.array([1, 0]), (1, 0)]):
        np.testing.assert_array_equal(cpool.max_pool2d(X, 2, 1, padding), expected)
    np.testing.assert_array_equal(cpool.avg_pool2d(X, 2, 1, np.array([1, 1])), cpool.avg_pool2d(X, 2, 1, 1))


def test_dtypes_of_results_are_native():
    swapped = np.dtype(np.float32).newbyteorder("S")
    y = cpool.avg_pool2d(X, 2, dtype=swapped)
    assert y.dtype.isnative
    np.testing.assert_array_equal(y, cpool.avg_pool2d(X, 2, dtype=np.float32))
    index_dtype = np.dtype(np.int32).newbyteorder("S")
    indices = cpool.max_pool2d(X, 2, return_indices=True, index_dtype=index_dtype)[1]
    np.testing.assert_array_equal(indices, cpool.max_pool2d(X, 2, return_indices=True)[1])
    assert indices.dtype == np.int32
    np.testing.assert_array_equal(
        cpool.quantile_pool2d(X, 0.3, 2, dtype=swapped), cpool.quantile_pool2d(X, 0.3, 2, dtype=np.float32)
    )


@pytest.mark.parametrize("padding", [2**31 - 1, ((0, 2**31 - 1),), ((2**31 - 1, 0),)])
def test_padding_that_is_refused_at_once(padding):
    """No table is made of windows that have no answer."""
    with pytest.raises(ValueError, match=r"wholly into padding"):
        cpool.max_pool1d(np.zeros((2, 8)), 3, 1, padding)
    with pytest.raises(ValueError, match=r"output position 4 .* wholly into padding"):
        cpool.median_pool1d(np.zeros((2, 8)), 3, 2, (0, 2**31 - 1) if padding == 0 else ((0, 2**31 - 1),))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: cpool.lp_pool2d(X, 10**400, 2), "norm_type"),
        (lambda: cpool.var_pool2d(X, 2, ddof=10**400), "ddof"),
        (lambda: cpool.max_pool2d_backward(X, X.astype(int), np.array(4)), "input_shape"),
        (lambda: cpool.quantile_pool1d(X, [0.1, [0.2]], 2), "q must"),
        (lambda: cpool.explain(cpool.set_num_threads, 2), "function"),
        (lambda: cpool.explain(reference.max_pool2d, X, 2), "function"),
    ],
)
def test_errors_name_what_is_wrong(call, name):
    threads = cpool.get_num_threads()
    with pytest.raises((ValueError, TypeError), match=name):
        call()
    assert cpool.get_num_threads() == threads


def test_out_may_lie_between_the_elements_of_an_input():
    z = np.random.default_rng(0).standard_normal((6, 6, 2))
    expected = cpool.max_pool2d(z[..., 0].copy(), 2, 1, ((1, 0), (1, 0)))
    assert cpool.max_pool2d(z[..., 0], 2, 1, ((1, 0), (1, 0)), out=z[..., 1]).base is z
    np.testing.assert_array_equal(z[..., 1], expected)
    with pytest.raises(ValueError, match="overlaps"):
        cpool.max_pool2d(z[..., 0], 1, out=z[..., 0])


@pytest.mark.parametrize("p", [2, np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_explain_does_not_write_gradients_of_norms(dtype, p):
    x = np.ones((4, 4), dtype)
    y, out = cpool.lp_pool2d(x, p, 2), np.full((4, 4), 7, dtype)
    cpool.explain(cpool.lp_pool2d_backward, y, x, y, p, 2, out=out)
    assert (out == 7).all()


def test_lists_and_arrays_of_arguments_may_change():
    """Calls are told apart by what lists and arrays hold, when they are called and whatever becomes of these then."""
    x = np.random.default_rng(0).standard_normal((3, 4, 5))
    axis, kernel, q = [0, 1], np.array([2, 2]), np.array([0.25, 0.75])
    whole, turned = cpool.max_pool2d(x, (2, 2), axis=(0, 1)), cpool.max_pool2d(x, (1, 2), axis=(1, 2))
    for _ in range(3):
        np.testing.assert_array_equal(cpool.max_pool2d(x, kernel, axis=axis), whole)
        axis[:], kernel[:] = [1, 2], [1, 2]
        np.testing.assert_array_equal(cpool.max_pool2d(x, kernel, axis=axis), turned)
        np.testing.assert_array_equal(cpool.max_pool2d(x, kernel, axis=[1, 2]), turned)
        axis[:], kernel[:] = [0, 1], [2, 2]
        quarters = cpool.quantile_pool2d(x, q, 2)
        q[:] = 0.5
        np.testing.assert_array_equal(cpool.quantile_pool2d(x, q, 2), [cpool.median_pool2d(x, 2)] * 2)
        q[:] = 0.25, 0.75
        np.testing.assert_array_equal(cpool.quantile_pool2d(x, [0.25, 0.75], 2), quarters)
        np.testing.assert_array_equal(cpool.max_pool2d(x, [2, 2], padding=[[0, 0], [1, 1]]).shape, (3, 2, 3))
        np.testing.assert_array_equal(cpool.max_pool2d(x, [2, 2], padding=[[1, 1], [0, 0]]).shape, (3, 3, 2))
    padding = ([1, 1], [0, 0])
    assert cpool.max_pool2d(x, 2, padding=padding).shape == (3, 3, 2)
    padding[0][0] = padding[0][1] = 0
    assert cpool.max_pool2d(x, 2, padding=padding).shape == (3, 2, 2)
    assert cpool.max_pool2d(x, 2, padding=([1, 1], [0, 0])).shape == (3, 3, 2)
    inside_of_itself = [2]
    inside_of_itself.append(inside_of_itself)
    for wrong in (inside_of_itself, [[[[[[[2]]]]]]]):
        for call in (lambda w: cpool.max_pool2d(x, w), lambda w: cpool.max_pool2d(x, 2, padding=(w, 0))):
            with pytest.raises((TypeError, ValueError), match=r"kernel_size|padding"):
                call(wrong)
    assert cpool.avg_pool2d(x, 2, dtype=("f4", ())).dtype == np.float32
    with pytest.raises(TypeError, match="dtype"):
        cpool.avg_pool2d(x, 2, dtype=["f4", ()])
    y = np.abs(x)
    norm = cpool.lp_pool2d(y, 3, 2, axis=axis)
    first = cpool.lp_pool2d_backward(norm, y, norm, 3, 2, axis=axis)
    axis[:] = [1, 2]  # what was prepared holds another list
    np.testing.assert_array_equal(cpool.lp_pool2d_backward(norm, y, norm, 3, 2, axis=[0, 1]), first)


def test_a_mask_is_one_of_its_call():
    """Calls with a mask are kept without it."""
    x = np.arange(36.0).reshape(6, 6)
    plain = cpool.max_pool2d(x, 2)
    for threshold in (30, 20, 33, 100):
        y = cpool.max_pool2d(x, 2, where=x < threshold)
        expected = reference.max_pool2d(x, 2, where=x < threshold)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(cpool.max_pool2d(x, 2), plain)
        np.testing.assert_array_equal(cpool.max_pool2d(x, 2, where=None), plain)
        out = np.empty((3, 3))
        assert cpool.max_pool2d(x, 2, where=x < threshold, out=out) is out
        np.testing.assert_array_equal(out, expected)
    with pytest.raises(TypeError, match="where"):
        cpool.lp_pool2d(x, 2, 2, where=None)


@pytest.mark.parametrize("strides", [(0, 8), (8, 8), (16, 8), (-16, 8), (24, 0)])
def test_out_must_have_room_for_each_element(strides):
    """Else the last one written would depend on the threads."""
    memory = np.zeros(16)
    out = np.lib.stride_tricks.as_strided(memory[6:], (3, 3), strides)
    with pytest.raises(ValueError, match="out must have room"):
        cpool.max_pool2d(np.ones((6, 6)), 2, out=out)
    assert not memory.any()


def test_every_other_element_of_out():
    memory = np.zeros((3, 6))
    assert (cpool.max_pool2d(np.ones((6, 6)), 2, out=memory[::-1, ::2]) == 1).all()
    assert memory.tolist() == [[1, 0, 1, 0, 1, 0]] * 3


@pytest.mark.parametrize("more", [{}, dict(where=np.ones(4, bool)), dict(nan_policy="raise")])
@pytest.mark.parametrize("pool", [cpool.avg_pool1d, cpool.median_pool1d, cpool.std_pool1d])
def test_a_dtype_is_read_before_it_is_remembered(pool, more):
    with pytest.raises(TypeError, match="dtype must be a dtype"):
        pool(np.arange(4.0), 2, dtype=["f4"], **more)
    with pytest.raises(TypeError, match="index_dtype must be a dtype"):
        cpool.max_pool1d(np.arange(4.0), 2, return_indices=True, index_dtype=["i4"], **more)


def test_masks_within_lists_are_not_lost():
    rows = np.ma.MaskedArray([[1.0, 2], [3, 1e9]], [[0, 0], [0, 1]])
    for nested in ([rows, rows], [[rows]], ([rows], [rows])):
        with pytest.raises(TypeError, match="x is a masked array, whose mask would be lost"):
            cpool.avg_pool2d(nested, 2)
    assert cpool.avg_pool2d([[1, 2], [3, 4]], 2).tolist() == [[2.5]]


def test_arrays_where_a_name_belongs():
    with pytest.raises(ValueError, match="nan_policy must be 'propagate', 'omit' or 'raise', got array"):
        cpool.max_pool2d(np.ones((4, 4)), 2, nan_policy=np.array(["omit", "x"]))
    with pytest.raises(ValueError, match="mode must be 'max' or 'avg', got array"):
        cpool.pool2d(np.ones((4, 4)), 2, np.array(["max", "avg"]))
