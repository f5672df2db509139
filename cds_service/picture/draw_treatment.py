"""The treatment panel: one row for each drug or sort of event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from cds_service.picture import shapes
from cds_service.picture.labels import Box, Paper, Spot, wrapped
from cds_service.picture.layout import Layout
from cds_service.picture.model import Event, Row
from cds_service.picture.svg import Element, group, line, words
from cds_service.picture.time_scale import TimeScale

_PLAIN = 22
_WITH_PLACES = 50
_SECOND_LANE = 14
_BOLDER = 1
"""Bold words are about as wide as plain ones of the next size."""


@dataclass(frozen=True, slots=True)
class Block:
    """What was drawn, and where it ends."""

    elements: tuple[Element, ...]
    bottom: int


def draw_rows(rows: Iterable[Row], scale: TimeScale, layout: Layout, top: int) -> Block:
    """The rows one below the other."""
    elements: list[Element] = []
    for row in rows:
        block = _draw_row(row, scale, layout, top)
        elements.append(group("course-row", block.elements))
        top = block.bottom
    return Block(tuple(elements), top)


def _draw_row(row: Row, scale: TimeScale, layout: Layout, top: int) -> Block:
    title, top = _title(row.title, layout, top)
    dated = [event for event in row.events if event.when]
    notes = [*row.notes, *(_without_date(each) for each in row.events if each.when is None)]
    marks, bottom = _marks(row, dated, scale, layout, top) if dated else ([], top)
    lines = [text for note in notes for text in wrapped(note, _room(layout), layout.size)]
    for number, text in enumerate(lines):
        y = bottom + (number + 1) * layout.line - 1
        marks.append(words("course-note", text, layout.left, y))
    bottom += len(lines) * layout.line
    return Block((*title, *marks), max(bottom, top + _PLAIN if layout.titles_beside else top) + 2)


def _title(text: str, layout: Layout, top: int) -> tuple[tuple[Element, ...], int]:
    """The title beside the row, else above it; and where the row begins."""
    room = layout.left - 12 if layout.titles_beside else layout.width
    lines = wrapped(text, room, layout.size + _BOLDER)
    placed = tuple(
        words("course-title", each, 0, top + 14 + number * layout.line)
        for number, each in enumerate(lines)
    )
    return placed, top if layout.titles_beside else top + 2 + layout.line * len(lines)


def _room(layout: Layout) -> int:
    return layout.plot_right - layout.left


def _without_date(event: Event) -> str:
    parts = (event.what, event.amount, *event.about)
    said = ", ".join(dict.fromkeys(filter(None, parts)))
    return said if "day not known" in said else f"{said}: no date"


def _marks(
    row: Row, dated: list[Event], scale: TimeScale, layout: Layout, top: int
) -> tuple[list[Element], int]:
    height = _WITH_PLACES if row.has_places else _PLAIN
    middle = top + (26 if row.has_places else 11)
    lowest = top + (height if row.has_places else height + _SECOND_LANE)
    paper = _paper(layout, top, lowest)
    paper.cross(scale.now - 1, top, scale.now + 1, lowest)
    elements: list[Element] = []
    for event in dated:
        x, drawn = _mark(row, event, scale, middle)
        paper.around(x, middle, shapes.RADIUS + 1)
        elements.extend(drawn)
    if row.has_places:
        elements.extend(_dose_labels(dated, scale, paper, middle))
        return elements, top + height
    labels = list(_labels(dated, scale, paper, middle))
    second = any(low for _, low in labels)
    elements.extend(each for each, _ in labels)
    return elements, top + height + (_SECOND_LANE if second else 0)


def _paper(layout: Layout, top: int, bottom: int) -> Paper:
    right = layout.width if layout.titles_beside else layout.plot_right + layout.right
    bounds = Box(Fraction(layout.left - 20), Fraction(top - 2), Fraction(right), Fraction(bottom))
    return Paper(bounds, layout.size)


def middle_of(event: Event, scale: TimeScale) -> Fraction:
    """The place of an event; of a vague date the middle of what it may be."""
    if event.when is None:
        raise ValueError("an event without a date has no place")
    return (scale.x(event.when.first) + scale.x(event.when.last)) / 2


def _mark(row: Row, event: Event, scale: TimeScale, y: int) -> tuple[Fraction, tuple[Element, ...]]:
    x = middle_of(event, scale)
    lines = tuple(_stretches(event, scale, x, y))
    if event.state == "not done":
        return x, (*lines, shapes.cross(x, y))
    if event.state == "unclear":
        return x, (*lines, *shapes.question(x, y))
    shape = shapes.diamond if "transplant" in event.what else shapes.disc
    drawn = shape if row.has_places or shape is shapes.diamond else shapes.square
    return x, (*lines, drawn(x, y, solid=event.state == "done"))


def _stretches(event: Event, scale: TimeScale, x: Fraction, y: int) -> Iterator[Element]:
    if event.until:
        yield line("course-bar", x, y, scale.x(event.until.last), y)
    if event.when and event.when.first != event.when.last:
        first, last = scale.x(event.when.first), scale.x(event.when.last)
        yield line("course-vague", first, y, last, y, dash="2 2")


def _dose_labels(
    dated: list[Event], scale: TimeScale, paper: Paper, middle: int
) -> Iterator[Element]:
    """Cycle and day above, the amount below, as far as there is room: the latest come first."""
    ranked = sorted(dated, key=_rank)
    for event in ranked:
        x = middle_of(event, scale)
        cycle, _, day = event.place.partition("D")
        short = cycle if day == "1" else f"D{day}"
        for text in dict.fromkeys((event.place, short)):
            spot = paper.find(text, [Spot(x, Fraction(middle - 12), "middle")]) if text else None
            if spot:
                yield words("course-place", text, spot.x, spot.y, spot.anchor)
                break
    for event in ranked:
        x = middle_of(event, scale)
        text = event.amount.replace("m2", "m²")
        spot = paper.find(text, [Spot(x, Fraction(middle + 21), "middle")]) if text else None
        if spot:
            yield words("course-amount", text, spot.x, spot.y, spot.anchor)


def _rank(event: Event) -> tuple[int, bool, int]:
    """What is planned comes first, then what was done; first days of cycles, the latest first."""
    later = -event.when.first.toordinal() if event.when else 0
    order = {"planned": 0, "done": 1}.get(event.state, 2)
    return order, not event.place.endswith("D1"), later


def _labels(
    dated: list[Event], scale: TimeScale, paper: Paper, middle: int
) -> Iterator[tuple[Element, bool]]:
    """What stands beside the marks of a row, events of one day together; and whether below."""
    together: dict[Fraction, dict[str, None]] = {}
    for event in sorted(dated, key=_rank):
        if event.place:
            together.setdefault(middle_of(event, scale), {})[event.place] = None
    for x, places in together.items():
        text = ", ".join(places)
        spot = paper.find(text, _beside(x, middle))
        if spot:
            element = words("course-place", text, spot.x, spot.y, spot.anchor)
            yield element, spot.y > middle + 6


def _beside(x: Fraction, middle: int) -> Iterator[Spot]:
    for y in (middle + 4, middle + 4 + _SECOND_LANE):
        yield Spot(x + 10, Fraction(y), "start")
        yield Spot(x - 10, Fraction(y), "end")
    yield Spot(x, Fraction(middle + 4 + _SECOND_LANE), "middle")
