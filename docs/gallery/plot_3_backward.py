"""
Where a gradient goes
=====================

A maximum remembers where it found its winner, and sends its gradient there and nowhere else. Where windows overlap, one
element may win several of them: its gradients add up.
"""

import matplotlib.pyplot as plt
import numpy as np

import cpool

x = np.random.default_rng(3).integers(0, 10, (5, 5)).astype(np.float64)
y, indices = cpool.max_pool2d(x, 3, stride=2, return_indices=True)
gradient = np.arange(1.0, 5.0).reshape(2, 2)
back = cpool.max_pool2d_backward(gradient, indices, x.shape)
shared = cpool.avg_pool2d_backward(gradient, x.shape, 3, stride=2)


def numbers(axis, values, title, form="{:g}"):
    """Draw a matrix with its numbers."""
    axis.imshow(values, cmap="cividis", alpha=0.6)
    for (h, w), value in np.ndenumerate(values):
        axis.text(w, h, form.format(value), ha="center", va="center", fontsize=12)
    axis.set(title=title, xticks=[], yticks=[])


figure, axes = plt.subplots(2, 2, figsize=(7, 7.4), layout="constrained")
numbers(axes[0, 0], gradient, "gradient of the output")
numbers(axes[0, 1], back, "back through the maximum")
numbers(axes[1, 0], x, "input")
numbers(axes[1, 1], shared, "back through the average", "{:.2f}")
for (h, w), index in np.ndenumerate(indices):
    to = divmod(int(index), x.shape[1])
    axes[0, 1].annotate(
        "", xy=(to[1], to[0]), xycoords=axes[0, 1].transData, xytext=(w, h), textcoords=axes[0, 0].transData,
        arrowprops=dict(arrowstyle="->", color="crimson", lw=1.5, shrinkA=12, shrinkB=12),
    )  # fmt: skip
