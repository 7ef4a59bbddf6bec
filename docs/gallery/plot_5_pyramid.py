"""
A pyramid, and labels
=====================

Half the size, a quarter, an eighth. Averages suit pictures; for labels the average of 2 and 4 is nonsense, and the most
frequent label of a window is the one to keep.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import cpool

examples = next(p / "examples" for p in Path.cwd().resolve().parents if (p / "examples" / "astronaut.jpg").exists())
picture = np.asarray(Image.open(examples / "astronaut.jpg"))[:256, 96:352].transpose(2, 0, 1)
labels = np.digitize(picture.mean(axis=0), [60, 120, 180]).astype(np.uint8)

figure, axes = plt.subplots(2, 4, figsize=(9, 4.8), layout="constrained")
for level in range(4):
    axes[0, level].imshow(picture.transpose(1, 2, 0))
    axes[1, level].imshow(labels, cmap="tab10", vmin=0, vmax=9, interpolation="nearest")
    axes[0, level].set_title(f"{picture.shape[1]} x {picture.shape[2]}", fontsize=10)
    picture = cpool.avg_pool2d(picture, 2, dtype=np.uint8)
    labels = cpool.mode_pool2d(labels, 2)
for axis in axes.flat:
    axis.axis("off")
