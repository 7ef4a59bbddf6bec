"""Writes what type checkers read of functions and layers that are made from one signature each.

python tests/stubs.py           compares, and says what differs
python tests/stubs.py --write   writes
"""

import difflib
import inspect
import sys
from pathlib import Path
from typing import Any

import cpool

HEAD = '''"""{module}

What type checkers read, written by tests/stubs.py from the signatures.
"""

# ruff: noqa: E501
# fmt: off

from typing import {types}

import numpy as np

Array = np.ndarray[Any, Any]

__all__ = [
{names}
]

'''


def parameters(function):
    """Return the parameters of a function."""
    return list(inspect.signature(function, eval_str=True).parameters.values())


def parameter(p, annotation=None, default=True):
    """Return a parameter as it is typed."""
    if p.name == "self":
        return p.name
    kind = annotation or ("Any" if p.annotation in (p.empty, Any) else inspect.formatannotation(p.annotation))
    shown = repr(p.default) if isinstance(p.default, (int, float, str, type(None))) else "..."
    return f"{p.name}: {kind}" + (f" = {shown}" if default and p.default is not p.empty else "")


def definition(name, parameters, result, indices=None, by_name=False):
    """Return what takes these parameters; `indices` is the type of `return_indices`, which is given if it is True."""
    given = indices == "Literal[True]"
    positional, named = [], []
    for p in parameters:
        kind = indices if p.name == "return_indices" else None
        if p.kind is p.KEYWORD_ONLY or (kind and given and by_name):
            named.append(parameter(p, kind, not (kind and given)))
        else:  # in front of what is given by position everything is
            positional.append(parameter(p, kind, by_name or not given))
    return f"def {name}({', '.join([*positional, *(['*', *named] if named else [])])}) -> {result}: ..."


def function(name):
    """Return the stub of a function; with `return_indices`, the type of the result follows from it."""
    taken = parameters(getattr(cpool, name))
    if all(p.name != "return_indices" for p in taken):
        return [definition(name, taken, "Array")]
    pair = "tuple[Array, Array]"
    return [
        "@overload",
        definition(name, taken, "Array", "Literal[False]"),
        "@overload",
        definition(name, taken, pair, "Literal[True]", by_name=True),
        "@overload",
        definition(name, taken, pair, "Literal[True]"),
        "@overload",
        definition(name, taken, "Any", "bool"),
    ]


def layer(name):
    """Return the stub of a layer."""
    made = getattr(cpool, name)
    lines = [f"class {name}(_Layer):", *(f"    {parameter(p, default=False)}" for p in parameters(made))]
    picks = any(p.name == "return_indices" for p in parameters(made.__init__))
    for method, result in (("__init__", "None"), ("__call__", "Any" if picks else "Array")):
        lines.append(f"    {definition(method, parameters(getattr(made, method)), result)}")
    return lines


LAYER = """class _Layer:
    training: bool
    def train(self, mode: bool = True) -> Self: ...
    def eval(self) -> Self: ...
    def backward(self, grad_output: Any) -> Array: ...
"""


def text(module, types, stub, first=""):
    """Return the text of a module's stub."""
    listed = "\n".join(f'    "{name}",' for name in module.__all__)
    head = HEAD.format(module=module.__doc__.split("\n")[0], types=types, names=listed)
    return head + first + "\n".join(line for name in module.__all__ for line in stub(name)) + "\n"


STUBS = {
    "functional.pyi": lambda: text(cpool.functional, "Any, Literal, overload", function),
    "layers.pyi": lambda: text(cpool.layers, "Any, Self", layer, LAYER),
}


def main(write):
    """Compare or write; return how many differ."""
    wrong = 0
    for file, stub in STUBS.items():
        path = Path(cpool.__file__).with_name(file)
        if write:
            path.write_text(stub())
        old = path.read_text().splitlines()
        found = list(difflib.unified_diff(old, stub().splitlines(), "is", "should be", n=0, lineterm=""))
        wrong += bool(found)
        print(*found, sep="\n", end="\n" if found else "")
    return wrong


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
