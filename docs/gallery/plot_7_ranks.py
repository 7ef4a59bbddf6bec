"""
Medians, quantiles, modes
=========================

Single bad pixels smear over an average, and vanish in a median. Quantiles follow the darker and the brighter part of
each window. Labels have no order: the mode keeps the most frequent one.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import cpool

examples = next(p / "examples" for p in Path.cwd().resolve().parents if (p / "examples" / "astronaut.jpg").exists())
picture = np.asarray(Image.open(examples / "astronaut.jpg").convert("L"))[:192, 128:320]
rng = np.random.default_rng(0)
noisy = np.where(rng.random(picture.shape) < 0.08, rng.choice(np.array([0, 255], np.uint8), picture.shape), picture)
labels = np.digitize(noisy, [60, 120, 180]).astype(np.uint8)

same = dict(kernel_size=3, stride=1, padding=1)
low, high = cpool.quantile_pool2d(noisy, [0.2, 0.8], 5, stride=1, padding=2)
results = {
    "bad pixels": noisy,
    "average of 3 x 3": cpool.avg_pool2d(noisy, **same, count_include_pad=False),
    "median of 3 x 3": cpool.median_pool2d(noisy, **same),
    "quantile 0.2 of 5 x 5": low,
    "quantile 0.8 of 5 x 5": high,
    "labels": labels,
    "mode of 4 x 4": cpool.mode_pool2d(labels, 4),
    "mode of 8 x 8": cpool.mode_pool2d(labels, 8),
}
figure, axes = plt.subplots(2, 4, figsize=(9, 5), layout="constrained")
for axis, (name, result) in zip(axes.flat, results.items(), strict=True):
    of_labels = name.startswith(("labels", "mode"))
    style = dict(cmap="tab10", vmin=0, vmax=9) if of_labels else dict(cmap="gray", vmin=0, vmax=255)
    axis.imshow(result, interpolation="nearest", **style)
    axis.set_title(name, fontsize=11)
    axis.axis("off")
