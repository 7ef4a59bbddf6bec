"""Writes what type checkers read of functions that are made from one signature each: `functional.pyi`.

python tests/stubs.py           compares, and says what differs
python tests/stubs.py --write   writes
"""

import difflib
import inspect
import sys
from pathlib import Path
from typing import Any

import cpool

HEAD = '''"""{module}, as type checkers see them. Written by tests/stubs.py from the signatures; not to be edited."""

# ruff: noqa: E501
# fmt: off

from typing import Any, Literal, overload

import numpy as np

Array = np.ndarray[Any, Any]

__all__ = [
{names}
]

'''


def parameter(p, annotation=None, default=True):
    """Return a parameter as it is typed."""
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
    signature = inspect.signature(getattr(cpool, name), eval_str=True)
    parameters = list(signature.parameters.values())
    if "return_indices" not in signature.parameters:
        return [definition(name, parameters, "Array")]
    pair = "tuple[Array, Array]"
    return [
        "@overload",
        definition(name, parameters, "Array", "Literal[False]"),
        "@overload",
        definition(name, parameters, pair, "Literal[True]", by_name=True),
        "@overload",
        definition(name, parameters, pair, "Literal[True]"),
        "@overload",
        definition(name, parameters, "Any", "bool"),
    ]


def functional():
    """Return the text of `functional.pyi`."""
    names = cpool.functional.__all__
    head = HEAD.format(module="The public functions", names="\n".join(f'    "{name}",' for name in names))
    return head + "\n".join(line for name in names for line in function(name)) + "\n"


STUBS = {"functional.pyi": functional}


def main(write):
    """Compare or write; return how many differ."""
    wrong = 0
    for file, text in STUBS.items():
        path = Path(cpool.__file__).with_name(file)
        if write:
            path.write_text(text())
        old = path.read_text().splitlines()
        found = list(difflib.unified_diff(old, text().splitlines(), "is", "should be", n=0, lineterm=""))
        wrong += bool(found)
        print(*found, sep="\n", end="\n" if found else "")
    return wrong


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
