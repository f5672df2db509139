"""Words on the paper that keep out of each other's way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from cds_service.picture.svg import Number

Anchor = Literal["start", "middle", "end"]

_WIDE_LETTERS = frozenset("MWmw@%×—")
_SLIM_LETTERS = frozenset("ijlI.,:;'|!()[] frt")
_SPACE = Fraction(2)
"""Free paper on either side of a text."""
_STEP = 6
"""In pieces how long a slanting line is remembered."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that is taken."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction

    def meets(self, other: Box) -> bool:
        """Whether the two share some of the paper."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Whether it lies inside another."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a line of text begins, is centred or ends, at its base line."""

    x: Fraction
    y: Fraction
    anchor: Anchor = "start"


def text_width(text: str, size: int) -> Fraction:
    """About how wide a text is in a usual sans-serif face; rather too much than too little."""
    return Fraction(size, 100) * sum(map(_hundredths, text))


def _hundredths(letter: str) -> int:
    if letter in _WIDE_LETTERS:
        return 95
    if letter in _SLIM_LETTERS:
        return 40
    return 74 if letter.isupper() else 63


def box_of(text: str, spot: Spot, size: int) -> Box:
    """The paper a text takes."""
    width = text_width(text, size)
    left = {"start": spot.x, "middle": spot.x - width / 2, "end": spot.x - width}[spot.anchor]
    top, bottom = spot.y - size * Fraction(4, 5), spot.y + Fraction(size, 5)
    return Box(left - _SPACE, top, left + width + _SPACE, bottom)


class Paper:
    """Remembers what is taken, and finds room for more."""

    def __init__(self, bounds: Box, size: int) -> None:
        self._bounds = bounds
        self._size = size
        self._taken: list[Box] = []
        self._crossed: list[Box] = []

    def take(self, box: Box) -> None:
        """Nothing may be written over this."""
        self._taken.append(box)

    def cross(self, left: Number, top: Number, right: Number, bottom: Number) -> None:
        """A line runs there: words had better keep off it, where they can."""
        self._crossed.append(Box(*map(Fraction, (left, top, right, bottom))))

    def slope(self, x1: Number, y1: Number, x2: Number, y2: Number) -> None:
        """A slanting line runs there; it counts for more the more of it is written over."""
        begin, height = Fraction(x1), Fraction(y1)
        across, up = Fraction(x2) - begin, Fraction(y2) - height
        steps = max(int(max(abs(across), abs(up))) // _STEP, 1)
        for step in range(steps):
            ends = (begin + across * step / steps, begin + across * (step + 1) / steps)
            heights = (height + up * step / steps, height + up * (step + 1) / steps)
            self.cross(min(ends), min(heights) - 1, max(ends), max(heights) + 1)

    def around(self, x: Number, y: Number, radius: int) -> None:
        """Nothing may be written over a mark."""
        middle, height = Fraction(x), Fraction(y)
        self.take(Box(middle - radius, height - radius, middle + radius, height + radius))

    def find(self, text: str, spots: Iterable[Spot]) -> Spot | None:
        """The spot with room for the text, which is taken then; None when there is none.

        Of several it is the one that the fewest lines cross; of those the first.
        """
        boxes = [(spot, box_of(text, spot, self._size)) for spot in spots]
        free = [(spot, box) for spot, box in boxes if self._is_free(box)]
        if not free:
            return None
        spot, box = min(free, key=lambda each: sum(map(each[1].meets, self._crossed)))
        self.take(box)
        return spot

    def _is_free(self, box: Box) -> bool:
        return box.within(self._bounds) and not any(map(box.meets, self._taken))


def wrapped(text: str, width: int, size: int) -> tuple[str, ...]:
    """The text in lines not wider than that; a word that is wider still is cut."""
    lines: list[str] = []
    for word in text.split():
        fitting = _cut(word, width, size)
        longer = f"{lines[-1]} {fitting}" if lines else ""
        if longer and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitting)
    return tuple(lines)


def _cut(word: str, width: int, size: int) -> str:
    while text_width(word, size) > width and len(word) > 1:
        word = f"{word[:-2]}…"
    return word
