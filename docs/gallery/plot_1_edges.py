"""
An edge, a shift, and a maximum
===============================

A convolution with ``[1, -1]`` answers at an edge. Shift the picture by one pixel and its answer shifts too; the maximum
over windows of two still stands where it stood: that is what pooling is for.
"""

import matplotlib.pyplot as plt
import numpy as np

import cpool

picture = np.zeros((4, 8))
picture[:, :4] = 1
pictures = np.stack([picture, np.roll(picture, 1, axis=1)])
pictures[1, :, 0] = 1
response = pictures[..., :-1] - pictures[..., 1:]
pooled = cpool.max_pool2d(response, (1, 2), stride=1)

figure, axes = plt.subplots(2, 3, figsize=(8, 3.4), layout="constrained")
for row, stages in zip(axes, zip(pictures, response, pooled, strict=True), strict=True):
    for axis, stage in zip(row, stages, strict=True):
        axis.imshow(stage, cmap="cividis", vmin=0, vmax=1)
        axis.set(xticks=range(stage.shape[1]), yticks=[])
for axis, title in zip(axes[0], ["picture", "response of [1, -1]", "maximum of two neighbours"], strict=True):
    axis.set_title(title)
axes[0, 0].set_ylabel("edge after 3")
axes[1, 0].set_ylabel("edge after 4")

# %%
# Column 3 of the maximum sees the edge in both pictures, column 3 of the response in the first alone.

print(response[:, 0, 3], pooled[:, 0, 3])
