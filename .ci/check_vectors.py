"""Check leaves: those whose loops the compiler turns into vectors hold vectors, whichever compiler it was.

python .ci/check_vectors.py BUILD/cpool/libleaves_v3.a

A loop that stays scalar gives the same results, many times as slowly, so that no test notices. It has happened: GCC 13
did not make vectors of what GCC 12 did.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

#: Leaves that every type, or each that is summed, picked or varied, has.
LEAF = re.compile(r"(\w+_(first_pass|last_pass|each_eight|pick_some)|lower|higher|both|vary)_(FLOAT|U?INT)\d+")
#: Which part of their instructions works on whole vectors, at least: 0.064 to 0.47 by five compilers, 0 to 0.061 where
#: loops stayed scalar. What is in between is narrow, but the leaves of a type fail together, most of them far below.
LEAST = 0.062


def main() -> None:
    archive = Path(sys.argv[1])
    code = subprocess.run(["objdump", "-d", archive], capture_output=True, text=True, check=True).stdout
    instructions: dict[str, int] = defaultdict(int)
    vectors: dict[str, int] = defaultdict(int)
    for function in code.split("\n\n"):  # a compiler may have made several of one
        if head := re.match(r"[0-9a-f]+ <(\w+)[.\w]*>:\n", function):
            leaf = head[1]
            instructions[leaf] += function.count("\n")
            vectors[leaf] += len(re.findall(r"\n.*%ymm", function))
    shares = {leaf: vectors[leaf] / instructions[leaf] for leaf in instructions if LEAF.fullmatch(leaf)}
    assert len(shares) > 100, f"{archive} has {len(shares)} leaves that should hold vectors: is it of the level v3?"
    scalar = sorted(leaf for leaf, share in shares.items() if share < LEAST)
    if scalar:
        sys.exit(f"{archive.name}: {len(scalar)} of {len(shares)} leaves are not vectors: {', '.join(scalar)}")
    print(f"{archive.name}: {len(shares)} leaves, all of vectors, the least {min(shares.values()):.0%}")


if __name__ == "__main__":
    main()
