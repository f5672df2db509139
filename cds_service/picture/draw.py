"""The whole picture: panels over one time axis, and today's line through all of them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from cds_service.picture.draw_results import draw_panel
from cds_service.picture.draw_treatment import draw_rows
from cds_service.picture.labels import Box, Paper, Spot, text_width, wrapped
from cds_service.picture.layout import Layout
from cds_service.picture.model import Course
from cds_service.picture.svg import Element, group, line, words
from cds_service.picture.time_scale import MONTHS, TimeScale

_KEY = (
    "● filled: given, done or final. ○ hollow: ordered or planned, preliminary, or no exact "
    "value. ✕ not given. ? not clear. Ring: made the rule named beside it fire. Dashed level "
    "lines: limits, with the rule they come from. Dotted upright lines: doses given. "
    "// on the time axis: time without any entry, cut short."
)
_TOP = 22
_TICKS = 40


def draw_course(course: Course, layout: Layout, title: str, description: str) -> Element:
    """The course as one ``svg`` element."""
    title_id, desc_id = f"course-title-{layout.name}", f"course-description-{layout.name}"
    scale = TimeScale(course.days, course.today, layout.left, layout.plot_right)
    rows = draw_rows(course.rows, scale, layout, _TOP)
    elements, bottom = list(rows.elements), rows.bottom + 8
    for panel in course.panels:
        block = draw_panel(panel, scale, layout, bottom)
        elements.extend(block.elements)
        bottom = block.bottom
    axis = list(_axis(scale, course, layout, bottom))
    key, end = _key(layout, bottom + _TICKS + (layout.line if scale.cuts else 0))
    return Element(
        "svg",
        (
            *(("xmlns", "http://www.w3.org/2000/svg"), ("class", f"course {layout.name}")),
            *(("viewBox", f"0 0 {layout.width} {end}"), ("role", "img")),
            *(("aria-labelledby", f"{title_id} {desc_id}"), ("fill", "none")),
            *(("font-family", "system-ui, sans-serif"), ("font-size", layout.size)),
        ),
        (
            Element("title", (("id", title_id),), (title,)),
            Element("desc", (("id", desc_id),), (description,)),
            group("course-back", (*_back(scale, course, bottom), _now_line(scale, bottom))),
            *elements,
            group("course-time", axis),
            group("course-key", key),
            _now_label(scale, course, layout),
        ),
    )


def _back(scale: TimeScale, course: Course, bottom: int) -> Iterator[Element]:
    """What runs through all panels behind everything: what was cut out, and the doses given."""
    for cut in scale.cuts:
        middle = (cut.begin + cut.end) / 2
        yield line("course-cut", middle - 3, _TOP, middle - 3, bottom, dash="1 3")
        yield line("course-cut", middle + 3, _TOP, middle + 3, bottom, dash="1 3")
    given = {
        event.when.first
        for row in course.rows
        if row.has_places
        for event in row.events
        if event.when and event.state == "done"
    }
    for day in sorted(given):
        x = scale.x(day)
        yield line("course-dose-line", x, _TOP + 26, x, bottom, dash="1 4")


def _axis(scale: TimeScale, course: Course, layout: Layout, top: int) -> Iterator[Element]:
    yield line("course-axis", layout.left, top, layout.plot_right, top)
    for tick in scale.ticks(layout.tick_gap, course.today):
        yield line("course-axis", tick.x, top, tick.x, top + 5)
        yield words("course-tick", tick.words, tick.x, top + 18, "middle")
        if tick.names_year:
            yield words("course-tick", str(tick.day.year), tick.x, top + 33, "middle")
    bounds = Box(Fraction(0), Fraction(top), Fraction(layout.width), Fraction(top + 60))
    paper = Paper(bounds, layout.size)
    for cut in scale.cuts:
        middle = (cut.begin + cut.end) / 2
        for x in (middle - 3, middle + 3):
            yield line("course-axis", x - 3, top + 5, x + 3, top - 5)
        text = f"{cut.words} cut"
        y = Fraction(top + 49)
        spots = [Spot(middle, y, "middle"), Spot(middle - 3, y), Spot(middle + 3, y, "end")]
        if spot := paper.find(text, spots):
            yield words("course-note", text, spot.x, spot.y, spot.anchor)


def _now_line(scale: TimeScale, bottom: int) -> Element:
    return line("course-today", scale.now, _TOP - 4, scale.now, bottom, dash="7 3")


def _now_label(scale: TimeScale, course: Course, layout: Layout) -> Element:
    """Names the moment of the order, above its line."""
    day = course.today
    text = f"{course.moment} {day.day} {MONTHS[day.month - 1]} {day.year}"
    half = text_width(text, layout.size + 1) / 2
    centre = min(max(scale.now, half), layout.width - half)
    return words("course-now-label", text, centre, 13, "middle")


def _key(layout: Layout, top: int) -> tuple[tuple[Element, ...], int]:
    left = layout.left if layout.titles_beside else 0
    lines = wrapped(_KEY, layout.width - left, layout.size)
    elements = tuple(
        words("course-note", text, left, top + 12 + number * layout.line)
        for number, text in enumerate(lines)
    )
    return elements, top + 12 + layout.line * len(lines)
