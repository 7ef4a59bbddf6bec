"""Check a wheel: small, and its baseline modules hold no instruction that an old CPU lacks.

python .ci/check_wheel.py WHEEL
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MOST_BYTES = 3_000_000
#: Registers beyond SSE, and the prefix of VEX- and EVEX-coded instructions in objdump's mnemonics.
BEYOND_SSE = re.compile(r"%[yz]mm\d|\t(v[a-z]\w+|[sr]arx|shlx|shrx|mulx|andn|bzhi|pdep|pext)\s")


def disassembled(module: Path) -> str:
    """Return the code of an x86-64 module; say why there is none."""
    result = subprocess.run(["objdump", "-d", module], capture_output=True, text=True)
    code = result.stdout
    if result.returncode or not re.search(r"file format \S*x86-64", code):
        what = (result.stderr or code).strip() or f"objdump ended with {result.returncode}"
        sys.exit(
            f"{module.name} is no x86-64 module that objdump can read, so its instructions cannot be checked: {what}"
        )
    return code


def main() -> None:
    wheel = Path(sys.argv[1])
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{wheel.name} has {size} bytes, more than {MOST_BYTES}")
    with tempfile.TemporaryDirectory() as room, zipfile.ZipFile(wheel) as archive:
        archive.extractall(room)
        modules = [p for p in Path(room).rglob("*.so") if not re.match(r"_kernels_v\d", p.name)]
        assert modules, "the wheel has no compiled modules"
        for module in modules:
            code = disassembled(module)
            found = [line for line in code.splitlines() if BEYOND_SSE.search(line) and "verr" not in line]
            if found:
                sys.exit(f"{module.name} needs more than SSE: {found[0]}")
            print(f"{module.name}: {code.count(chr(10))} lines, none beyond SSE")
    print(f"{wheel.name}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
