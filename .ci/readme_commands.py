"""Print one of the README's Quick start, 1 or 2: exactly two fenced sh blocks."""

import re
import sys
from pathlib import Path

readme = Path(__file__).parent.parent.joinpath("README.md").read_text()
blocks = re.findall(r"```sh\n(.*?)```", readme.split("## Quick start")[1].split("\n## ")[0], re.DOTALL)
assert len(blocks) == 2, f"the Quick start has {len(blocks)} sh blocks, not 2"
print(blocks[int(sys.argv[1]) - 1].strip())
