"""Every example in the docstrings and in the documents runs."""

import doctest
import importlib
import os
import pathlib
import pkgutil
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest

import cpool
from cpool.core import driver

ROOT = pathlib.Path(__file__).parent.parent
OPTIONAL = {"cli", "__main__", "onnx", "torch", "dask"}  # need extras
MODULES = [m.name for m in pkgutil.iter_modules(cpool.__path__) if m.name not in OPTIONAL]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PARTNERS = {
    "torch.md": ["torch"],
    "onnx.md": ["onnx"],
    "dask.md": ["dask"],
    "windows.md": ["dask", "xarray", "skimage", "scipy"],
    "keras.md": ["jax", "keras"],
    "scipy.md": ["scipy"],
    "scikit-image.md": ["skimage"],
    "xarray.md": ["dask", "xarray"],
    "napari.md": ["dask"],
    "rasterio.md": ["rasterio", "tifffile"],
}
GALLERY = sorted((ROOT / "docs" / "gallery").glob("plot_*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    module = importlib.import_module(f"cpool.{name}")
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(("name", "needs"), [("torch", "torch"), ("dask", "dask.array"), ("onnx", "onnx")])
def test_docstrings_of_partners(name, needs):
    pytest.importorskip(needs)
    module = importlib.import_module(f"cpool.{name}")
    assert doctest.testmod(module).failed == 0


def test_tables_are_those_of_the_results():
    beside = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}  # it imports run.py
    subprocess.run([sys.executable, ROOT / "benchmarks" / "report.py", "--check"], check=True, env=beside)


@pytest.mark.parametrize("name", cpool.__all__)
def test_public_functions_have_examples(name):
    """Functions made by a factory are not found by testmod."""
    thing = getattr(cpool, name)
    if not callable(thing):
        return
    assert thing.__doc__
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    tests = finder.find(thing, name, module=False, globs={"np": np, "cpool": cpool})
    assert any(test.examples for test in tests), f"{name} has no example"
    for test in tests:
        assert runner.run(test).failed == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")  # Keras's own arrays
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_documents(document, tmp_path, monkeypatch):
    """The python blocks of a document are one program."""
    for partner in PARTNERS.get(document.name, ()):
        pytest.importorskip(partner)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in re.findall(r"^```python\n(.*?)^```", document.read_text(), re.M | re.S):
        exec(compile(block, document.name, "exec"), namespace)


@pytest.mark.parametrize("script", GALLERY, ids=lambda p: p.stem)
def test_gallery(script, monkeypatch):
    """The figures can be drawn, and what their scripts assert is so."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    monkeypatch.chdir(script.parent)
    runpy.run_path(str(script))
    matplotlib.pyplot.close("all")


def test_reference_lists_every_function():
    listed = (ROOT / "docs" / "reference.md").read_text().split()
    functions = {name for name in cpool.__all__ if callable(getattr(cpool, name)) and name.islower()}
    assert not functions - set(listed)


def test_explain_page_shows_what_is_printed():
    page = (ROOT / "docs" / "explain.md").read_text()
    (shown,) = re.findall(r"^```text\n(.*?)^```", page, re.M | re.S)
    plan = cpool.explain(cpool.max_pool2d, np.zeros((1, 64, 112, 112), np.float32), 3, 2, 1)

    def lines(text):
        found = dict(re.split(r"  +", line, maxsplit=1) for line in text.splitlines())
        kept = {name: text for name, text in found.items() if name.startswith(("result", "along", "memory"))}
        return list(found), kept  # the others depend on the machine, and tiles on what was measured last

    assert lines(shown) == lines(str(plan))


def test_explain_page_lists_every_strategy():
    page = (ROOT / "docs" / "explain.md").read_text()
    listed = re.findall(r"^\| `([a-z ]+)` \|", page, re.M)
    assert sorted(listed) == sorted([*driver.ACROSS, *driver.ALONG])


def test_readme_begins_with_two_commands():
    """The first two fenced blocks, and no other, are shell: the main job, and the tests."""
    fences = re.findall(r"^```(\w+)\n", (ROOT / "README.md").read_text(), re.M)
    assert fences[:2] == ["sh", "sh"]
    assert "sh" not in fences[2:]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone")
def test_what_the_readme_writes_is_ignored():
    """Its commands leave no file that git would show."""
    written = re.findall(r"bin/cpool \w+ \S+ (\S+)", (ROOT / "README.md").read_text())
    assert written
    subprocess.run(["git", "-C", ROOT, "check-ignore", "--quiet", *written], check=True)
