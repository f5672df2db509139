"""SVG as a small tree that cannot hold anything but shapes, words and presentation attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

Tag = Literal["svg", "g", "title", "desc", "text", "line", "path", "circle", "rect"]
# fmt: off
Attribute = Literal[
    "class", "role", "id", "xmlns", "viewBox", "aria-labelledby", "font-size", "font-family",
    "fill", "stroke", "stroke-width", "stroke-dasharray", "text-anchor",
    "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "d", "width", "height",
]
# fmt: on
Number = int | Fraction

# Characters that XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its attributes in order, and its children or its words."""

    tag: Tag
    attributes: tuple[tuple[Attribute, str | Number], ...] = ()
    children: tuple[Element | str, ...] = ()

    def __str__(self) -> str:
        """The element as XML, everything in it escaped."""
        attributes = "".join(
            f" {name}={quoteattr(_clean(number(value) if isinstance(value, Number) else value))}"
            for name, value in self.attributes
        )
        inner = "".join(
            escape(_clean(each)) if isinstance(each, str) else str(each) for each in self.children
        )
        return f"<{self.tag}{attributes}>{inner}</{self.tag}>"


def number(value: Number) -> str:
    """A coordinate with at most one decimal."""
    tenths = round(Fraction(value) * 10)
    whole, rest = divmod(abs(tenths), 10)
    sign = "-" if tenths < 0 else ""
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def path(*points: tuple[str, Number, Number]) -> str:
    """Path data from commands with a point each: ``("M", 0, 0), ("L", 5, 5)``."""
    return " ".join(f"{command}{number(x)} {number(y)}" for command, x, y in points)


def group(name: str, children: Iterable[Element | str]) -> Element:
    """A group under a class."""
    return Element("g", (("class", name),), tuple(children))


def line(name: str, x1: Number, y1: Number, x2: Number, y2: Number, dash: str = "") -> Element:
    """A straight line; ``dash`` lengths tell lines apart without colour."""
    ends: tuple[tuple[Attribute, str | Number], ...] = (
        *(("class", name), ("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)),
        ("stroke", "currentColor"),
    )
    return Element("line", (*ends, ("stroke-dasharray", dash)) if dash else ends)


def words(
    name: str, text: str, x: Number, y: Number, anchor: Literal["start", "middle", "end"] = "start"
) -> Element:
    """A line of text at its base line."""
    place: tuple[tuple[Attribute, str | Number], ...] = (("class", name), ("x", x), ("y", y))
    if anchor != "start":
        place = (*place, ("text-anchor", anchor))
    return Element("text", (*place, ("fill", "currentColor")), (text,))


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
