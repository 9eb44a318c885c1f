"""Sphinx builds the documentation from this folder and from the texts that stand beside the code: `ci/docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from pricecore import __version__

project = "pricecore"
author = "the authors of pricecore"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "commands",
    "sections",
    "signatures",
    "pictures_inline",
]
exclude_patterns = ["extensions"]
nitpicky = True

# Names of other projects, which no inventory is read for: the build needs no network.
nitpick_ignore_regex = [
    (r"py:.*", r"(np|npt|numpy|pd|pl|pa|asyncio|collections\.abc|datetime|os|pathlib|threading|prometheus_client)\..*"),
    (r"py:class", r"ArrayLike|NDArray|Buffer|_[KTV]|Guard|Series|Source|pricecore\.feeds\.formats\.Format"),
    (r"ref|std:ref", r"arrays\.dtypes"),
]

myst_enable_extensions = ["colon_fence", "html_image"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

highlight_language = "none"
pygments_style = "friendly"
pygments_dark_style = "github-dark"
default_role = "py:obj"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Attributes", "params_style")]

html_theme = "furo"
html_title = "pricecore"
html_static_path = ["static"]
html_css_files = ["drawings.css", "pricecore.css"]
html_favicon = "static/mark.svg"
html_logo = "static/mark.svg"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {
        "color-brand-primary": "#155e9c",
        "color-brand-content": "#155e9c",
        "color-brand-visited": "#155e9c",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6cb2f0",
        "color-brand-content": "#6cb2f0",
        "color-brand-visited": "#6cb2f0",
    },
}
