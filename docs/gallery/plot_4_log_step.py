"""
Log-step windows
================

A window of 13 does not take 12 comparisons. Maxima of 2 neighbours give maxima of 4, those give 8, and two windows of 8
cover 13: a few passes over a whole row, each of them plain and vectorised, whatever the window. Sums cannot overlap:
they take 13 = 8 + 4 + 1. cpool does this along both axes where windows move by 1, four neighbours in each pass.
"""

import matplotlib.pyplot as plt
import numpy as np

import cpool

x = np.random.default_rng(0).integers(0, 100, 16)
passes = {1: x}
for width in (1, 2, 4):
    passes[2 * width] = np.maximum(passes[width][:-width], passes[width][width:])
n = x.size - 12
window = np.maximum(passes[8][:n], passes[8][5 : 5 + n])
assert np.array_equal(window, cpool.max_pool1d(x, 13, stride=1))

figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
pieces = [(8, 0), (8, 5)]
for level, (width, values) in enumerate(passes.items()):
    axis.text(-0.8, -level, f"of {width}", ha="right", va="center", fontsize=12)
    for at, value in enumerate(values):
        used = (width, at) in pieces
        axis.text(at, -level, value, ha="center", va="center", fontsize=11, color="crimson" if used else "grey")
for width, at in pieces:
    level = list(passes).index(width)
    below = 0.35 if at == 0 else 0.45
    axis.plot([at - 0.3, at + width - 0.7], [-level - below] * 2, color="crimson", lw=3, solid_capstyle="butt")
axis.text(6, -3.95, f"the window of 13 at 0: {window[0]}", ha="center", color="crimson", fontsize=12)
axis.set(xlim=(-3, x.size), ylim=(-4.3, 0.6))
axis.axis("off")
