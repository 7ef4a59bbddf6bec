"""
Which elements a window sees
============================

One axis of 8 elements, and what the arguments do to the windows over it. A row is an output, its dots are the taps.
The grey columns are padding, which never wins a maximum; in an average it counts as 0, unless
``count_include_pad=False``.
"""

import matplotlib.pyplot as plt
import numpy as np

import cpool
from cpool import geometry

N = 8
cases = {
    "kernel_size=3": dict(kernel_size=3),
    "kernel_size=3, stride=1": dict(kernel_size=3, stride=1),
    "kernel_size=3, stride=2, padding=1": dict(kernel_size=3, stride=2, padding=1),
    "kernel_size=3, ceil_mode=True": dict(kernel_size=3, ceil_mode=True),
    "kernel_size=3, stride=1, dilation=2": dict(kernel_size=3, stride=1, dilation=2),
    'kernel_size=3, stride=1, padding="same"': dict(kernel_size=3, stride=1, padding="same"),
}

figure, axes = plt.subplots(3, 2, figsize=(8, 7), layout="constrained")
for axis, (title, arguments) in zip(axes.flat, cases.items(), strict=True):
    windows = geometry.plan((N,), **arguments).axes[0]
    for o, (begin, end) in enumerate(zip(windows.begin, windows.end, strict=True)):
        taps = np.arange(begin, end, arguments.get("dilation", 1))
        axis.plot(taps, np.full(taps.size, o), "o-", color="#1f5fbf")
    assert windows.out == cpool.max_pool1d(np.zeros(N), **arguments).size
    axis.axvspan(-1.5, -0.5, color="#dddddd")
    axis.axvspan(N - 0.5, N + 0.5, color="#dddddd")
    axis.set(title=title, xlim=(-1.5, N + 0.5), ylim=(windows.out - 0.4, -0.6), xticks=range(N))
    axis.set_yticks(range(windows.out))
    axis.title.set_fontsize(11)
for axis in axes[-1]:
    axis.set_xlabel("element")
for axis in axes[:, 0]:
    axis.set_ylabel("output")
