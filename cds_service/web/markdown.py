"""Markdown of cards and rules as HTML that is safe to put into a page."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

# CommonMark and strikethrough; raw HTML is shown as text, script links stay text, and nothing is
# loaded from elsewhere.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").disable("image")


def as_html(text: str) -> Markup:
    """The text as HTML; whatever tags it holds come out as text."""
    return Markup(_markdown.render(text))  # noqa: S704 - the renderer escapes everything it was given.
