"""How Sphinx makes the site of the pages that stage.py has put together."""

import os

project = "Forkcast"
release = version = os.environ.get("FORKCAST_DOCS_VERSION", "")
copyright = "the Forkcast authors"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
root_doc = "index"

myst_heading_anchors = 4  # links to headings, as GitHub makes them
myst_links_external_new_tab = False
# Excerpts of JSON, and shells of other languages, are coloured as far as they can be.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
smartquotes = False  # texts have commands and JSON in them
nitpicky = True
highlight_language = "text"

html_theme = "furo"
html_title = "Forkcast"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
