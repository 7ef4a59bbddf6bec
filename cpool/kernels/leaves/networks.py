"""Write the networks that are compiled as C: one function for each, of whole vectors, included once for each type.

    python networks.py ../../core/networks.py networks.h

What rows hold between two steps stays in registers; only wanted ranks are stored, in the rows that the network names.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any


def function(number: int, network: Any) -> str:
    """Return the function of one network."""
    value = {row: f"v{row}" for row in range(network.inputs)}  # of each row, the variable that it holds
    body = [f"const T v{row} = in{row}[i + j];" for row in range(network.inputs)]
    names = (f"w{i}" for i in range(2 * len(network.steps)))
    for low, high, a, b in network.steps:
        x, y = value[a], value[b]
        for row, which in ((low, "LOWER"), (high, "HIGHER")):
            if row >= 0:
                value[row] = next(names)
                body.append(f"const T {value[row]} = {which}({x}, {y});")
    wanted = [row for row in network.order if row >= network.inputs]
    body += [f"out{row}[i + j] = {value[row]};" for row in wanted]
    read = [f"const T *in{row} = (const T *)rows[{row}];" for row in range(network.inputs)]
    written = [f"T *restrict out{row} = (T *)rows[{row}];" for row in wanted]
    return "\n".join([
        f"CPOOL_INLINE void OF(network_{number}_of)(char *const *rows, ptrdiff_t lanes, const ptrdiff_t whole) {{",
        *(f"  {line}" for line in read + written),
        "  for (ptrdiff_t lane = 0; lane < lanes; lane += whole) {",
        "    const ptrdiff_t i = lane + whole <= lanes ? lane : lanes - whole;",
        "    CPOOL_INDEPENDENT for (int j = 0; j < (int)whole; j++) {",
        *(f"      {line}" for line in body),
        "    }",
        "  }",
        "}",
        f"static CPOOL_NOINLINE void OF(network_{number})(char *const *rows, ptrdiff_t lanes) {{",
        "  enum { widest = CPOOL_WIDEST / sizeof(T), vector = CPOOL_VECTOR / sizeof(T) };",
        f"  if (widest == vector || lanes >= widest) OF(network_{number}_of)(rows, lanes, widest);",
        f"  else OF(network_{number}_of)(rows, lanes, vector);",
        "}",
    ])  # fmt: skip


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    networks = runpy.run_path(str(source))
    functions = [function(i, networks["selecting"](*which)) for i, which in enumerate(networks["COMPILED"])]
    names = ", ".join(f"OF(network_{i})" for i in range(len(functions)))
    table = f"static void (*const OF(networks)[])(char *const *rows, ptrdiff_t lanes) = {{{names}}};"
    text = "\n\n".join([*functions, table]) + "\n"
    if not target.exists() or target.read_text() != text:  # else all leaves would be compiled again
        target.write_text(text)


if __name__ == "__main__":
    main()
