"""
What a maximum keeps, what an average keeps
===========================================

Windows of 8 that tile a photograph, and the same windows in steps of 4, which overlap. The maximum keeps the brightest
detail of a window, the minimum the darkest, the average the light as a whole. Colours are pooled one by one: three
channels go in and three come out.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import cpool

examples = next(p / "examples" for p in Path.cwd().resolve().parents if (p / "examples" / "astronaut.jpg").exists())
picture = np.asarray(Image.open(examples / "astronaut.jpg"))[:256, 96:352].transpose(2, 0, 1)  # channels first

results = {
    "picture": picture,
    "maximum": cpool.max_pool2d(picture, 8),
    "minimum": cpool.min_pool2d(picture, 8),
    "average": cpool.avg_pool2d(picture, 8, dtype=np.uint8),
    "maximum, overlapping": cpool.max_pool2d(picture, 8, stride=4),
    "median": cpool.median_pool2d(picture, 8).astype(np.uint8),
}
figure, axes = plt.subplots(2, 3, figsize=(9, 6.4), layout="constrained")
for axis, (name, result) in zip(axes.flat, results.items(), strict=True):
    axis.imshow(result.transpose(1, 2, 0))
    axis.set_title(f"{name}\n{result.shape[1]} x {result.shape[2]}", fontsize=10)
    axis.axis("off")
