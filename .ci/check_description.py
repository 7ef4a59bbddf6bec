"""Render the README of a wheel or source distribution as a package index does: no link in it may be relative.

python .ci/check_description.py DISTRIBUTION ...   (needs readme_renderer[md])
"""

import email
import re
import sys
import tarfile
import zipfile
from pathlib import Path

from readme_renderer import markdown


def metadata(path: Path) -> str:
    """Return what the index reads."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return archive.read(name).decode()
    with tarfile.open(path) as archive:
        (member,) = (m for m in archive if re.fullmatch(r"[^/]+/PKG-INFO", m.name))
        return archive.extractfile(member).read().decode()


for path in map(Path, sys.argv[1:]):
    message = email.message_from_string(metadata(path))
    assert message["Description-Content-Type"] == "text/markdown", message["Description-Content-Type"]
    html = markdown.render(message.get_payload())
    assert html, f"the description of {path.name} does not render"
    links = re.findall(r'(?:src|href)="([^"]*)"', html)
    relative = [link for link in links if not link.startswith(("https://", "#"))]
    assert links, f"the description of {path.name} has no link"
    assert not relative, f"the description of {path.name} has relative links: {relative}"
    print(f"{path.name}: its description renders, {len(links)} links")
