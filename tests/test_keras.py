"""The lines of docs/guides/keras.md in the place of the pooling that Keras's NumPy backend borrows from JAX."""

import itertools
import os
import pathlib
import re

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "numpy")
pytest.importorskip("jax")
keras = pytest.importorskip("keras")
if keras.config.backend() != "numpy":
    pytest.skip("Keras runs on another backend", allow_module_level=True)

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "guides" / "keras.md"
WINDOWS = list(itertools.product([1, 2, 3], [1, 2, 3], ["valid", "same"]))


@pytest.fixture(scope="module")
def replaced():
    """Run the page's first block; return its names, and put Keras's functions back afterwards."""
    names = {}
    exec(re.search(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S).group(1), names)
    yield names
    names["nn"].max_pool, names["nn"].average_pool = names["keras_max_pool"], names["keras_average_pool"]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(("size", "stride", "padding"), WINDOWS)
def test_values_are_those_of_jax(replaced, ndim, size, stride, padding, data_format):
    x = np.random.default_rng(ndim).standard_normal((2, *(7, 8, 9)[:ndim], 3), dtype=np.float32)
    if data_format == "channels_first":
        x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    windows = dict(strides=(stride,) * ndim, padding=padding, data_format=data_format)
    size = (size, *(2,) * (ndim - 1))
    theirs = replaced["keras_max_pool"](x, size, **windows)
    ours = keras.ops.max_pool(x, size, **windows)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
    theirs = replaced["keras_average_pool"](x, size, **windows)
    ours = keras.ops.average_pool(x, size, **windows)
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_layers_call_cpool(replaced, ndim, kind, monkeypatch):
    """Layers made before the functions were replaced, too, for they look them up when they are called."""
    x = np.random.default_rng(0).standard_normal((1, *(6,) * ndim, 2), dtype=np.float32)
    layer = getattr(keras.layers, f"{kind}Pooling{ndim}D")(3, strides=2, padding="same")
    name = f"{kind.lower()}_pool"
    ours = layer(x)
    with monkeypatch.context() as patch:
        patch.setattr(replaced["nn"], name, replaced[f"keras_{name}"])
        theirs = layer(x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    called = []
    monkeypatch.setattr(replaced["nn"], name, lambda *a, **k: called.append(name) or ours)
    layer(x)
    assert called == [name]


def test_what_only_the_replacement_does(replaced):
    x = np.arange(2 * 6 * 6 * 3).reshape(2, 6, 6, 3)
    assert keras.ops.max_pool(x, 2).tolist() == x[:, 1::2, 1::2].tolist()
    with pytest.raises(TypeError):
        replaced["keras_max_pool"](x.astype(np.float32), 2)  # no strides
    ones = np.full((1, 60, 60, 1), 1.0, np.float16)
    ones[0, 0, 0, 0] = 2048
    average = keras.ops.average_pool(ones, 60)
    assert average.item() == np.float16((2048 + 3599) / 3600)
