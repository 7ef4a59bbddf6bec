"""The package as a whole: versions agree, nothing is imported that is not needed, layers behave."""

import importlib.metadata
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import numpy as np
import pytest

import cpool

ROOT = pathlib.Path(__file__).parent.parent


def test_versions_agree():
    (version,) = re.findall(r"^  version: '([^']+)'", (ROOT / "meson.build").read_text(), re.M)
    assert cpool.__version__ == version == importlib.metadata.version("numpy-cpool")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def links(text):
    """Return where links and pictures of Markdown, and of HTML within it, lead."""
    prose = re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.M | re.S)
    inline = re.findall(r"\]\(\s*<?([^)\s>]+)", prose)
    named = re.findall(r"^\[[^\]]+\]:\s*<?([^\s>]+)", prose, re.M)
    return inline + named + re.findall(r"\b(?:src|href)\s*=\s*[\"']?([^\"'\s>]+)", prose)


def test_links_are_found():
    text = "[a](b.md) ![c](<d.svg> 'e')\n[f]: g.md\n<img src='h.png'> `[i](j)`\n```python\nx[k](l)\n```\n"
    assert links(text) == ["b.md", "d.svg", "g.md", "h.png"]


def test_links_of_the_readme_work_anywhere():
    """A package index shows the README too, and knows no relative link; those into the repository lead somewhere."""
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    raw = repository.replace("https://github.com/", "https://raw.githubusercontent.com/")
    readme = (ROOT / "README.md").read_text()
    found = links(readme)
    assert len(found) > 10
    for link in found:
        assert link.startswith("https://"), f"{link} is relative"
        inside = re.match(rf"(?:{repository}/(?:blob|tree)|{raw})/main/([^#]+)(?:#(.+))?", link)
        assert inside or not link.startswith((repository, raw)), f"{link} names no file of the repository"
        if inside:
            path, anchor = inside.groups()
            assert (ROOT / path).exists(), f"{link}: {path} is not there"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.M)
                assert anchor in [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
    undefined = set(re.findall(r"\]\[([^\]]+)\]", readme)) - set(re.findall(r"^\[([^\]]+)\]: ", readme, re.M))
    assert not undefined


def test_all_is_there_once():
    assert len(set(cpool.__all__)) == len(cpool.__all__)
    assert all(hasattr(cpool, name) for name in cpool.__all__)


def test_type_checkers_read_what_there_is():
    run = subprocess.run([sys.executable, "-P", ROOT / "tests" / "stubs.py"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_import_takes_numpy_alone():
    code = "import sys, cpool; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "click", "PIL", "rich", "ml_dtypes", "scipy"} & set(loaded)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_layers_do_what_functions_do(d):
    x = np.random.default_rng(0).standard_normal((2, 3, *(6,) * d))
    layer = getattr(cpool, f"MaxPool{d}d")(3, stride=2, padding=1)
    y, indices = getattr(cpool, f"max_pool{d}d")(x, 3, 2, 1, return_indices=True)
    np.testing.assert_array_equal(layer(x), y)
    expected = getattr(cpool, f"max_pool{d}d_backward")(np.ones_like(y), indices, x.shape)
    np.testing.assert_array_equal(layer.backward(np.ones_like(y)), expected)
    layer = getattr(cpool, f"AvgPool{d}d")(2, count_include_pad=False)
    y = getattr(cpool, f"avg_pool{d}d")(x, 2, count_include_pad=False)
    np.testing.assert_array_equal(layer(x), y)
    expected = getattr(cpool, f"avg_pool{d}d_backward")(y, x.shape, 2, count_include_pad=False)
    np.testing.assert_array_equal(layer.backward(y), expected)


def test_backward_before_forward():
    with pytest.raises(RuntimeError, match=r"MaxPool2d.backward was called before forward"):
        cpool.MaxPool2d(2).backward(np.ones((1, 1)))


def test_input_is_never_modified():
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 9))
    before = x.copy()
    y, indices = cpool.max_pool2d(x, 3, 1, 1, return_indices=True)
    cpool.avg_pool2d(x, 3, 1, 1)
    g, i = y.copy(), indices.copy()
    cpool.max_pool2d_backward(y, indices, x.shape)
    cpool.avg_pool2d_backward(y, x.shape, 3, 1, 1)
    for now, then in [(x, before), (y, g), (indices, i)]:
        np.testing.assert_array_equal(now, then)


@pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
def test_the_check_of_a_wheel_says_what_it_cannot_read(tmp_path):
    wheel = tmp_path / "foreign.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("cpool/core/driver.so", "for another machine")
    check = [sys.executable, ROOT / ".ci" / "check_wheel.py", wheel]
    result = subprocess.run(check, capture_output=True, text=True)
    assert result.returncode == 1
    assert "driver.so is no x86-64 module" in result.stderr
    assert "recogni" in result.stderr  # objdump's own words


FORK = """
import os, sys, numpy as np, cpool
cpool.set_num_threads(2)
x = np.random.default_rng(0).standard_normal((8, 16, 64, 64))
expected = cpool.max_pool2d(x, 3, 1, 1)  # on two threads
child = os.fork()
if child == 0:
    cpool.set_num_threads(2)  # as the initializer of a pool may do
    assert cpool.get_num_threads() == 1
    os._exit(0 if (cpool.max_pool2d(x, 3, 1, 1) == expected).all() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_forked_child_of_a_parallel_parent():
    """GNU's OpenMP runtime would hang there, whatever the limit is set to."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=60)
