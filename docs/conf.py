"""The pages, for Sphinx: `sphinx-build -W docs docs/_build` (pip install '.[docs]').

SKLEARN_RNN_GALLERY=1 runs the examples of the gallery whose names begin with "plot_".
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from order_of_examples import SECTIONS, pattern_of_runnable

import sklearn_rnn

project = "sklearn_rnn"
author = "the sklearn_rnn developers"
copyright = f"2026, {author}"  # the name that Sphinx wants
version = release = sklearn_rnn.__version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "repository_pages",
    "grouped_parameters",
    "links_to_names",
    "search_index",
]
exclude_patterns = ["_build", "**/*.ipynb", "**/README.txt"]
templates_path = ["_templates"]
smartquotes = False  # they change options such as --small

# Markdown: the pages are read on code hosts, too.
myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_block"]
myst_heading_anchors = 3

# The reference
autosummary_generate = True
autosummary_imported_members = True
autodoc_default_options = {"members": False}
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
default_role = "py:obj"  # single backquotes in docstrings are names; those of no page are code
add_module_names = False
toc_object_entries_show_parents = "hide"

# Examples
sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["examples"],
    "plot_gallery": os.environ.get("SKLEARN_RNN_GALLERY") == "1",
    "filename_pattern": pattern_of_runnable(),
    "subsection_order": [f"../examples/{section}" for section in SECTIONS],
    "within_subsection_order": "order_of_examples.Order",
    "default_thumb_file": str(Path(__file__).parent / "_static" / "unrolled.png"),
    "doc_module": ("sklearn_rnn",),
    "backreferences_dir": None,
    "capture_repr": ("_repr_html_",),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_rnn"
html_favicon = "_static/unrolled.png"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "getting_started": [], "glossary": []}
# Two codes side by side need the whole width.
WIDE = [f"coming_from/{page.stem}" for page in (Path(__file__).parent / "coming_from").glob("*.md")]
html_theme_options = {
    "logo": {"text": "sklearn_rnn"},
    "show_prev_next": False,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], **{page: [] for page in WIDE}},
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
