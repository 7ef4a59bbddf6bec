"""ONNX's own conformance cases for pooling, run by ONNX's evaluator with cpool's operators."""

import re
import warnings

import numpy as np
import pytest

pytest.importorskip("onnx")
import onnx.helper
import onnx.numpy_helper
import onnx.reference

import cpool.onnx

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # other operators' cases overflow while they are made
    from onnx.backend.test.case.node import collect_testcases

    CASES = [case for case in collect_testcases(None) if re.search("pool", case.name)]


def evaluate(node, **inputs):
    return onnx.reference.ReferenceEvaluator(node, new_ops=[*cpool.onnx.OPS]).run(None, inputs)


def test_all_cases_were_found():
    """Onnx 1.18 has 50 of them, 1.23 has 53."""
    assert len(CASES) >= 50


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_conformance(case):
    evaluator = onnx.reference.ReferenceEvaluator(case.model, new_ops=[*cpool.onnx.OPS])
    assert any(type(node) in cpool.onnx.OPS for node in evaluator.rt_nodes_)
    for inputs, outputs in case.data_sets:
        feeds = dict(zip([i.name for i in case.model.graph.input], inputs, strict=True))
        results = evaluator.run(None, feeds)
        assert len(results) == len(outputs)
        for result, expected in zip(results, outputs, strict=True):
            assert result.dtype == expected.dtype
            np.testing.assert_allclose(result, expected, rtol=case.rtol, atol=1e-6)


def test_indices_count_through_the_tensor():
    x = np.arange(2 * 3 * 4 * 6, dtype=np.float32).reshape(2, 3, 4, 6)
    for order in (0, 1):
        node = onnx.helper.make_node(
            "MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2], strides=[2, 2], storage_order=order
        )
        y, indices = evaluate(node, x=x)
        memory = x.ravel() if order == 0 else np.swapaxes(x, 2, 3).ravel()
        np.testing.assert_array_equal(memory[indices], y)


def test_norms_of_magnitudes():
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 7)).astype(np.float32)
    for p in (1, 2, 3):
        (y,) = evaluate(onnx.helper.make_node("GlobalLpPool", ["x"], ["y"], p=p), x=x)
        np.testing.assert_allclose(y, (np.abs(x) ** p).sum((2, 3), keepdims=True) ** (1 / p), rtol=1e-5)
        (y,) = evaluate(onnx.helper.make_node("LpPool", ["x"], ["y"], kernel_shape=[5, 7], p=p), x=x)
        np.testing.assert_allclose(y, (np.abs(x) ** p).sum((2, 3), keepdims=True) ** (1 / p), rtol=1e-5)


def test_other_ranks_are_refused():
    node = onnx.helper.make_node("GlobalMaxPool", ["x"], ["y"])
    with pytest.raises(Exception, match="3 to 5 axes"):
        evaluate(node, x=np.zeros((1, 1, 2, 2, 2, 2), np.float32))


BROKEN = [
    (dict(auto_pad="same_upper"), "auto_pad must be NOTSET, VALID, SAME_UPPER, SAME_LOWER; got 'same_upper'"),
    (dict(kernel_shape=[2]), "kernel_shape must have 2 entries for this input, got [2]"),
    (dict(strides=[2, 2, 2]), "strides must have 2 entries for this input, got [2, 2, 2]"),
    (dict(dilations=[1]), "dilations must have 2 entries for this input, got [1]"),
    (dict(pads=[1, 1]), "pads must have 4 entries for this input, got [1, 1]"),
]


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool", "MaxUnpool"])
@pytest.mark.parametrize(("attributes", "says"), BROKEN)
def test_broken_attributes_are_refused(op, attributes, says):
    if op == "MaxUnpool" and attributes.keys() & {"auto_pad", "dilations"}:
        return  # which it has not
    x = np.ones((1, 1, 4, 4), np.float32)
    inputs = {"x": x, "i": np.arange(16).reshape(x.shape)} if op == "MaxUnpool" else {"x": x}
    node = onnx.helper.make_node(op, list(inputs), ["y"], **{"kernel_shape": [2, 2], **attributes})
    with pytest.raises(ValueError, match=re.escape(says)):
        evaluate(node, **inputs)


def unpooled(shape, indices=None, output_shape=None, **attributes):
    """Unpool zeros to twice their sides."""
    indices = np.arange(np.prod(shape)).reshape(shape) if indices is None else indices
    inputs = {"x": np.zeros(shape, np.float32), "i": indices}
    if output_shape is not None:
        inputs["s"] = np.array(output_shape, np.int64)
    attributes = dict(kernel_shape=[2, 2], strides=[2, 2]) | attributes
    return evaluate(onnx.helper.make_node("MaxUnpool", list(inputs), ["y"], **attributes), **inputs)[0]


def test_unpooling_nothing():
    assert unpooled((0, 1, 2, 2)).shape == (0, 1, 4, 4)
    assert unpooled((0, 1, 2, 2), output_shape=(0, 1, 5, 4)).shape == (0, 1, 5, 4)
    np.testing.assert_array_equal(unpooled((1, 1, 0, 2), output_shape=(1, 1, 2, 4)), np.zeros((1, 1, 2, 4)))


@pytest.mark.parametrize("shape", [(1, 2, 4, 3), (1, 2, 4), (1, 2, 4, 4, 4), (2, 2, 4, 4), (1, 3, 4, 4), ()])
def test_output_shapes_that_do_not_fit_are_refused(shape):
    says = f"output_shape must be (1, 2, 4, 4), or longer along the last 2 axes; got {shape}"
    with pytest.raises(ValueError, match=re.escape(says)):
        unpooled((1, 2, 2, 2), output_shape=shape)
    assert unpooled((1, 2, 2, 2), output_shape=(1, 2, 6, 4)).shape == (1, 2, 6, 4)


def test_unpooling_to_less():
    y, indices = evaluate(
        onnx.helper.make_node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2], strides=[1], pads=[1, 1]),
        x=np.array([[[1, 3, 2, 4]]], np.float32),
    )
    node = onnx.helper.make_node("MaxUnpool", ["x", "i"], ["y"], kernel_shape=[2], strides=[1], pads=[1, 1])
    assert evaluate(node, x=y, i=indices)[0].tolist() == [[[1, 3, 0, 4]]]


def test_unpooling_of_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"indices must have the input's shape \(1, 1, 2, 2\), got \(1, 1, 4\)"):
        unpooled((1, 1, 2, 2), np.arange(4).reshape(1, 1, 4))
    with pytest.raises(ValueError, match=r"kernel_shape, strides and pads give an output of \(-3, 4\)"):
        unpooled((1, 1, 1, 2), pads=[2, 0, 3, 0])
