"""Check a wheel: small, and what every CPU runs holds no instruction that an old CPU lacks.

python .ci/check_wheel.py WHEEL

Where leaves of several instruction sets lie in a module, only the driver's functions are looked at: a wheel built with
`-Dinstruction_sets=` holds nothing else, and is looked at as a whole.
"""

import re
import runpy
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MOST_BYTES = 2_000_000
#: Registers beyond SSE, and the prefix of VEX- and EVEX-coded instructions in objdump's mnemonics.
BEYOND_SSE = re.compile(r"%[yz]mm\d|\t(v[a-z]\w+|[sr]arx|shlx|shrx|mulx|andn|bzhi|pdep|pext)\s")
#: Functions of the driver, as Cython and OpenMP name them.
OF_THE_DRIVER = re.compile(r"^[0-9a-f]+ <(__pyx_|PyInit_)")


def disassembled(module: Path) -> list[str]:
    """Return the functions of an x86-64 module; say why there are none."""
    result = subprocess.run(["objdump", "-d", module], capture_output=True, text=True)
    code = result.stdout
    if result.returncode or not re.search(r"file format \S*x86-64", code):
        what = (result.stderr or code).strip() or f"objdump ended with {result.returncode}"
        sys.exit(
            f"{module.name} is no x86-64 module that objdump can read, so its instructions cannot be checked: {what}"
        )
    return code.split("\n\n")


def main() -> None:
    wheel = Path(sys.argv[1])
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{wheel.name} has {size} bytes, more than {MOST_BYTES}")
    with tempfile.TemporaryDirectory() as room, zipfile.ZipFile(wheel) as archive:
        archive.extractall(room)
        modules = list(Path(room).rglob("*.so"))
        assert modules, "the wheel has no compiled modules"
        for module in modules:
            functions = disassembled(module)
            built = runpy.run_path(str(module.parent / "build_info.py"))["LEVELS"]
            if module.name.startswith("driver.") and built != ["baseline"]:
                functions = [f for f in functions if OF_THE_DRIVER.match(f)]
                assert functions, f"{module.name} has no symbols by which the driver can be told from leaves"
            lines = "\n".join(functions).splitlines()
            found = [line for line in lines if BEYOND_SSE.search(line) and "verr" not in line]
            if found:
                sys.exit(f"{module.name} needs more than SSE: {found[0]}")
            print(f"{module.name}: {len(functions)} functions, {len(lines)} lines, none beyond SSE")
    print(f"{wheel.name}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
