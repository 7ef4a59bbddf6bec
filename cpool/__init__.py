"""cpool: the fastest pooling for NumPy.

    arguments -- geometry --> plan (which windows: one small table per axis)
                                |
    array ---- _layout ---> canonical view (P, D, H, W, I), no copy
                                |
             _engine: kernel of this dtype and instruction set (_kernels.pyx: which reduction)
                                |
                             output array

Every pooling is *which windows* x *which reduction* x *which memory layout*, and the three never meet in one ``if``:

- ``geometry``   fills window tables from kernel, stride, padding, dilation, ceil_mode and the divisor rules.
- ``_layout``    sees any strided array as planes, pooled axes and a contiguous run, and allocates results alike.
- ``_kernels``   reduces tables over that view; compiled once per instruction set, chosen in ``_engine``.
- ``threads``    decides how many threads a call uses.
- ``functional`` is the public face: checks arguments, then calls the above. ``layers`` hold parameters for it.
- ``reference``  is the same in slow, obvious NumPy: documentation and oracle.
"""

from ._build_info import VERSION as __version__
from ._config import show_config
from .functional import (
    avg_pool1d,
    avg_pool1d_backward,
    avg_pool2d,
    avg_pool2d_backward,
    avg_pool3d,
    avg_pool3d_backward,
    global_avg_pool,
    global_max_pool,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool1d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_pool3d,
    max_pool3d_backward,
    min_pool1d,
    min_pool2d,
    min_pool3d,
    pool2d,
)
from .layers import AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d
from .threads import get_num_threads, set_num_threads

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "__version__",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
    "get_num_threads",
    "global_avg_pool",
    "global_max_pool",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool3d",
    "max_pool3d_backward",
    "min_pool1d",
    "min_pool2d",
    "min_pool3d",
    "pool2d",
    "set_num_threads",
    "show_config",
]
