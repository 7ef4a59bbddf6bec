"""Print the README's Quick start: exactly two fenced sh blocks."""

import re
from pathlib import Path

readme = Path(__file__).parent.parent.joinpath("README.md").read_text()
blocks = re.findall(r"```sh\n(.*?)```", readme.split("## Quick start")[1].split("\n## ")[0], re.DOTALL)
assert len(blocks) == 2, f"the Quick start has {len(blocks)} sh blocks, not 2"
print("\n".join(blocks))
