"""What makes a public function of a preparing one.

A family writes each signature once: as that of a function that *prepares* a call. Of arrays it is told how they lie,
never what they hold, and it returns what is called on them. So a call that was prepared serves all that are typed the
same, and everything else follows from that signature: what tells calls apart, the functions for 1, 2 and 3 axes, their
help, the layers, the twins for dask, and what type checkers read (`functional.pyi`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, get_origin

import numpy as np

from . import calls, checks, prepared
from .docstrings import documented

Function = Callable[..., Any]


class Outline(NamedTuple):
    """What a preparing function knows of an array: everything but its elements."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: Any
    masked: bool

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


def maskable(name: str, value: Any) -> Any:
    """Return `value` as `checks.array` does, but a masked array as one."""
    if isinstance(value, np.ma.MaskedArray):
        return np.ma.MaskedArray(checks.array(name, value.data), value.mask)
    return checks.array(name, value)


#: Leading parameters whose elements are pooled: any array, one that may be masked, indices.
Elements = Annotated[Any, checks.array]
Maskable = Annotated[Any, maskable]
Indices = Annotated[Any, calls.index_array]


#: Other parameters that are given anew with each call, for they may be arrays, or draw numbers: what is called gets
#: `out` and these.
_BESIDE = ("where", "random_samples", "rng")


def outline(array: Any) -> Outline:
    """Return how an array lies."""
    return Outline(array.shape, array.strides, array.dtype, isinstance(array, np.ma.MaskedArray))


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    """Leave out of a parameter's type that it may be anything."""
    anything = parameter.annotation is Any or get_origin(parameter.annotation) is Annotated
    return parameter.replace(annotation=parameter.empty) if anything else parameter


def functions(
    name: str,
    text: str,
    prepare: Function,
    more: Callable[[int], dict[str, Any]] = lambda ndim: {},
    some: Function | None = None,
    ndims: tuple[int, ...] = (1, 2, 3),
) -> list[Function]:
    """Return the public functions of one name.

    Parameters
    ----------
    name : str
        With ``{d}`` for the number of axes.
    text : str
        Their docstring, to be filled.
    prepare : callable
        Function of the number of pooled axes and of what the public ones take. It returns a function of arrays, or what
        is to be reduced by windows.
    more : callable
        What else than the shared texts fills the docstring.
    some : callable, optional
        Returns what is called on arrays in which only some elements may count: a function of what `prepare` returned
        and of all arguments by name. It returns None where no more is needed.
    ndims : tuple of int
        The numbers of axes.
    """
    return [_function(name.format(d=d), text, prepare, more(d), some, d) for d in ndims]


def _function(
    name: str, text: str, prepare: Function, more: dict[str, Any], some: Function | None, ndim: int
) -> Function:
    of_ndim = inspect.signature(prepare, eval_str=True)
    parameters = list(of_ndim.parameters.values())[1:]
    signature = of_ndim.replace(parameters=parameters)
    arrays = {p.name: p.annotation.__metadata__[0] for p in parameters if get_origin(p.annotation) is Annotated}

    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}

    def decide(given: dict[str, Any]) -> calls.Windowed | Function:
        decided: calls.Windowed | Function = prepare(ndim, **defaults | given)
        return decided

    beside = tuple(name for name in _BESIDE if name in signature.parameters)

    def anew(args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, others: dict[str, Any]) -> Function:
        lies = {} if out is None else {"out": calls.described(out)}
        try:
            given = signature.bind(*args, **kwargs, **lies, **others).arguments
        except TypeError as error:
            raise TypeError(f"{name}(): {error}") from None
        given |= {name: outline(given[name]) for name in arrays}
        call = decide(given)
        if not isinstance(call, calls.Windowed):
            return call
        return (some and some(call, defaults | given)) or call.prepared()

    remembering = prepared.remembering(anew, arrays, beside, "out" in signature.parameters)
    function: Any = documented(remembering, name, ndim, text, **more)
    function.__signature__ = inspect.Signature([_shown(p) for p in parameters])
    function.decide = decide
    result: Function = function
    return result
