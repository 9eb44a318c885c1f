"""Drawings become part of the page, so that their colours follow its theme and their text can be found."""

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes


def drawing(path: Path, label: str) -> str:
    """Return the drawing without its own style: the page's style sheet has the same rules."""
    text = re.sub(r"<style>.*?</style>\s*", "", path.read_text(), flags=re.DOTALL)
    named = text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)
    # It scrolls sideways where the page is narrow, hence by the keyboard, too.
    return f'<div class="drawing" tabindex="0">{named}</div>'


def put_in(app: Any, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        if image["uri"].endswith(".svg") and "://" not in image["uri"]:
            raw = nodes.raw("", drawing(Path(app.srcdir, image["uri"]), image.get("alt", "")), format="html")
            image.replace_self(raw)


def setup(app: Any) -> dict[str, bool]:
    app.connect("doctree-resolved", put_in)
    return {"parallel_read_safe": True}
