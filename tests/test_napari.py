"""napari takes the levels of the guide as one layer: its model is asked, no window is opened."""

import pathlib
import re

import numpy as np
import pytest

layers = pytest.importorskip("napari.layers")
PAGE = pathlib.Path(__file__).parent.parent / "docs" / "guides" / "napari.md"


def test_levels_make_multiscale_layers():
    names = {}
    exec(re.search(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S).group(1), names)
    for kind, levels in ((layers.Image, names["pictures"]), (layers.Labels, names["cells"])):
        layer = kind(levels)
        assert layer.multiscale
        assert [tuple(shape) for shape in layer.level_shapes] == [level.shape for level in levels]
        assert layer.data[-1].dtype == levels[0].dtype
        scale = np.divide(levels[0].shape, levels[-1].shape)
        np.testing.assert_allclose(layer.downsample_factors[-1], scale)
