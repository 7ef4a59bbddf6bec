"""The textbook page on pooling, value for value, and the runnable example of it."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import cpool

X = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(("mode", "expected"), [("max", [[4, 5], [7, 8]]), ("avg", [[2, 3], [5, 6]])])
def test_pool2d(mode, expected):
    assert cpool.pool2d([[0, 1, 2], [3, 4, 5], [6, 7, 8]], (2, 2), mode=mode).tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (dict(kernel_size=3), [[[[10]]]]),
        (dict(kernel_size=3, padding=1, stride=2), [[[[5, 7], [13, 15]]]]),
        (dict(kernel_size=(2, 3), padding=(1, 1), stride=(2, 3)), [[[[1, 3], [9, 11], [13, 15]]]]),
    ],
)
def test_max_pool_layer(arguments, expected):
    assert cpool.MaxPool2d(**arguments)(X).tolist() == expected


def test_each_channel_is_pooled_alone():
    pooled = cpool.MaxPool2d(3, padding=1, stride=2)(np.concatenate([X, X + 1], axis=1))
    assert pooled.tolist() == [[[[5, 7], [13, 15]], [[6, 8], [14, 16]]]]


def test_pooling_keeps_an_edge_that_moves_by_one_pixel():
    def pooled_response(edge):
        picture = np.zeros((6, 8))
        picture[:, :edge] = 1
        response = picture[:, :-1] - picture[:, 1:]  # the kernel [1, -1]
        assert response[:, edge - 1].all()
        assert response.sum() == 6
        return cpool.max_pool2d(response, (1, 2), stride=1)

    at = 2  # where the unmoved edge answers
    assert pooled_response(3)[:, at].all()
    assert pooled_response(4)[:, at].all()


def test_global_average_is_one_number_per_channel():
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    assert cpool.global_avg_pool(x, keepdims=False).tolist() == x.mean(axis=(2, 3)).tolist()
    assert cpool.global_avg_pool(x).shape == (2, 3, 1, 1)
    assert cpool.global_max_pool(x, keepdims=False).tolist() == x.max(axis=(2, 3)).tolist()


def test_example_runs(capsys):
    runpy.run_path(str(ROOT / "examples" / "textbook.py"))
    assert "two channels: [[[[5.0, 7.0], [13.0, 15.0]], [[6.0, 8.0], [14.0, 16.0]]]]" in capsys.readouterr().out
