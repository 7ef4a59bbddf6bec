"""The public functions, gathered from the files that hold their families.

What type checkers read is beside this file; `tests/stubs.py` writes it from the functions' signatures.
"""

from .pool import adaptive, averages, extremes, fractional, norms, order_statistics, unpooling, variances, whole

_FAMILIES = (adaptive, averages, extremes, fractional, norms, order_statistics, unpooling, variances, whole)
_FUNCTIONS = {
    name: function
    for family in _FAMILIES
    for name, function in vars(family).items()
    if getattr(function, "__module__", "") == "cpool"
}
globals().update(_FUNCTIONS)
__all__ = sorted(_FUNCTIONS)
