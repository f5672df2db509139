"""Marks that differ in shape, so that nothing depends on colour."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from cds_service.picture.svg import Element, Number, line, path, words

RADIUS = 5
RING = 9
DASHES = ("", "6 3", "2 3")
"""How the line of the first, second and third series is dashed."""


def mark(series: int, x: Number, y: Number, *, solid: bool) -> Element:
    """The mark of a series: circle, square or triangle; hollow when not solid."""
    shape = _SHAPES[series % len(_SHAPES)](Fraction(x), Fraction(y))
    return _drawn(f"course-mark course-series-{series % len(_SHAPES) + 1}", shape, solid=solid)


def diamond(x: Number, y: Number, *, solid: bool) -> Element:
    """The mark of a transplant."""
    at, height, half = Fraction(x), Fraction(y), RADIUS + 2
    corners = (
        ("M", at, height - half),
        ("L", at + half, height),
        ("L", at, height + half),
        ("L", at - half, height),
    )
    return _drawn("course-event", Element("path", (("d", path(*corners) + " Z"),)), solid=solid)


def disc(x: Number, y: Number, *, solid: bool) -> Element:
    """The mark of a dose."""
    return _drawn("course-event", _circle(Fraction(x), Fraction(y)), solid=solid)


def square(x: Number, y: Number, *, solid: bool) -> Element:
    """The mark of any other event."""
    return _drawn("course-event", _square(Fraction(x), Fraction(y)), solid=solid)


def cross(x: Number, y: Number) -> Element:
    """The mark of what was not done."""
    at, height, half = Fraction(x), Fraction(y), RADIUS
    strokes = (
        ("M", at - half, height - half),
        ("L", at + half, height + half),
        ("M", at - half, height + half),
        ("L", at + half, height - half),
    )
    return Element(
        "path",
        (
            *(("class", "course-cross"), ("d", path(*strokes)), ("fill", "none")),
            *(("stroke", "currentColor"), ("stroke-width", 2)),
        ),
    )


def question(x: Number, y: Number) -> tuple[Element, Element]:
    """The mark of what is not clear: hollow, with a question mark beside it."""
    return (disc(x, y, solid=False), words("course-note", "?", x + RADIUS + 2, y + 4))


def ring(x: Number, y: Number) -> Element:
    """What surrounds a value that caused a card."""
    return Element(
        "circle",
        (
            *(("class", "course-ring"), ("cx", x), ("cy", y), ("r", RING), ("fill", "none")),
            *(("stroke", "currentColor"), ("stroke-width", 2)),
        ),
    )


def whisker(x: Number, low: Number, high: Number) -> Element:
    """A value known only to lie between two places."""
    return line("course-whisker", x, low, x, high)


def _drawn(name: str, shape: Element, *, solid: bool) -> Element:
    look = "course-solid" if solid else "course-hollow"
    return Element(
        shape.tag,
        (
            ("class", f"{name} {look}"),
            *shape.attributes,
            ("fill", "currentColor" if solid else "none"),
            *(("stroke", "currentColor"), ("stroke-width", Fraction(3, 2))),
        ),
    )


def _circle(x: Fraction, y: Fraction) -> Element:
    return Element("circle", (("cx", x), ("cy", y), ("r", RADIUS)))


def _square(x: Fraction, y: Fraction) -> Element:
    half = Fraction(9, 2)
    size = 2 * half
    return Element("rect", (("x", x - half), ("y", y - half), ("width", size), ("height", size)))


def _triangle(x: Fraction, y: Fraction) -> Element:
    corners = (("M", x, y - 6), ("L", x + 5, y + 4), ("L", x - 5, y + 4))
    return Element("path", (("d", path(*corners) + " Z"),))


_SHAPES: tuple[Callable[[Fraction, Fraction], Element], ...] = (_circle, _square, _triangle)
