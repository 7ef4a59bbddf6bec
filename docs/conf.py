"""How the pages are built: `sphinx-build -W docs public` after `pip install ".[docs]"`."""

import os

import cpool

os.environ.setdefault("MPLBACKEND", "agg")
project, author, release = "cpool", "the cpool developers", cpool.__version__
extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]  # fmt: skip
myst_heading_anchors = 3
exclude_patterns = ["gallery/*", "public"]

html_theme = "furo"
html_title = "cpool"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_copyright = False
html_extra_path = ["speed.svg"]

napoleon_google_docstring = False
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say more
copybutton_prompt_text = ">>> "

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"\.py",
    "within_subsection_order": "FileNameSortKey",
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
    "min_reported_time": 10**6,
    "abort_on_example_error": True,
}
