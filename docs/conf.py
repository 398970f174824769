"""How `make docs` builds these pages."""

from importlib.metadata import version as installed_version

project = "splice-dataset-builder"
version = release = installed_version("splice-dataset-builder")
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
