"""cpool: max, min and average pooling for NumPy, forward and backward.

    arguments -- geometry --> plan (which windows: one table per axis) --.
                                                                         |
    array ---- layouts ---> canonical view (P, D, H, W, I), no copy -----+--> strategies: how each axis is folded
                                                                         |
                                     driver: planes, rows, tiles, threads, scratch -- bytes and distances
                                                                         |
                                     leaves: one reduction, one type, one instruction set -- rows of numbers
                                                                         |
                                                                    output array

Every pooling is *which windows* x *which reduction* x *which memory layout*, and each has a part that knows nothing of
the others:

- ``geometry`` fills window tables from kernel, stride, padding, dilation, ceil_mode and the divisor rules. The windows
  of a gradient are tables too: which outputs see each input.
- ``core.layouts`` sees any strided array as planes, pooled axes and a contiguous run, and allocates results alike.
- ``core.strategies`` decides from both how a call is folded; ``core.engine`` prepares the call, once for each
  distinct one.
- ``core.driver`` (``kernels/driver``) walks windows and memory. It is compiled once and knows no type, no reduction and
  no instruction set.
- leaves (``kernels/leaves``) fold rows of numbers. They are compiled once per instruction set and know no window, no
  padding, no axis and no thread.
- ``threads`` decides how many threads a call uses.
- ``pool`` holds the public functions, one file per family: each checks arguments and calls the above, by way of
  ``core.calls``. ``functional`` gathers them; ``layers`` hold parameters for them.
- ``reduce`` are NumPy's reductions: ``core.views`` tells of which windows an array is a view.
- ``reference`` is the same in slow, obvious NumPy: documentation and oracle.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import functional, layers
from .core.build_info import VERSION as __version__
from .core.config import show_config
from .core.explain import Explanation, explain
from .functional import *  # noqa: F403
from .layers import *  # noqa: F403
from .threads import get_num_threads, set_num_threads

__all__ = ["Explanation", "__version__", "explain", "get_num_threads", "set_num_threads", "show_config"]
__all__ += functional.__all__
__all__ += layers.__all__

if _TYPE_CHECKING:
    from . import reduce as reduce
    from . import reference as reference

#: Submodules that are imported when they are first looked at: most programs never do.
_LAZY = ("reduce", "reference")


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
