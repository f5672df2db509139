"""The same in words: for whoever cannot see the picture, and for whoever wants the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cds_service.facts.derive.numbers import multiple
from cds_service.facts.unknown import Reason
from cds_service.picture.model import Course, Event, Limit, Panel, Result, Row
from cds_service.picture.results import TIMES_ULN
from cds_service.picture.value_scale import tick_words


@dataclass(frozen=True, slots=True)
class Line:
    """One entry: when, what, the value, what else must be known, which rules fired, and where."""

    date: str
    what: str
    value: str
    about: str
    rules: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Section:
    """A panel in words. ``notes`` are whole sentences without their stop."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    limits: tuple[str, ...]
    notes: tuple[str, ...]


def tell(course: Course) -> tuple[Section, ...]:
    """Every entry of every panel exactly once, the earliest first."""
    lines = [_event_line(event) for row in course.rows for event in row.events]
    notes = tuple(f"{row.title}: {note}" for row in course.rows for note in row.notes)
    treatment = Section("Treatment", "", _in_order(lines), (), notes)
    return (treatment, *map(_panel_section, course.panels))


def title_of(course: Course) -> str:
    """What the picture is, in one line."""
    return f"Course of treatment up to {course.today.isoformat()}"


def describe(course: Course) -> str:
    """What the picture shows, in a few sentences."""
    return " ".join((*_rows_told(course.rows), *_panels_told(course.panels)))


def _rows_told(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        done = sum(event.state == "done" for event in row.events)
        planned = sum(event.state == "planned" for event in row.events)
        yield f"{row.title}: {done} done, {planned} ordered or planned."


def _panels_told(panels: Iterable[Panel]) -> Iterator[str]:
    for panel in panels:
        count = len(panel.results)
        rung = [result for result in panel.results if result.rules]
        results = "1 result" if count == 1 else f"{count} results"
        yield f"{panel.title}: {results if count else Reason.NOT_FOUND}."
        for each in rung:
            yield f"{each.what} {each.printed} on {each.when} fired {', '.join(each.rules)}."


def _panel_section(panel: Panel) -> Section:
    lines = _in_order(map(_result_line, panel.results))
    gaps = panel.gaps or (() if lines else (str(Reason.NOT_FOUND),))
    limits = tuple(_limit_told(panel, limit) for limit in panel.limits)
    return Section(panel.title, panel.unit, lines, limits, gaps)


def limit_words(panel: Panel, limit: Limit) -> str:
    """The number of a limit; a multiple has at least one decimal: ``1.0``, ``50``."""
    return multiple(limit.value) if panel.unit == TIMES_ULN else tick_words(limit.value)


def _limit_told(panel: Panel, limit: Limit) -> str:
    names = f" for {', '.join(limit.names)}" if limit.names else ""
    return f"{limit_words(panel, limit)} {panel.unit}{names}: {', '.join(limit.rules)}"


def _event_line(event: Event) -> Line:
    until = f", until {event.until}" if event.until else ""
    place = event.place if event.place != event.what else ""
    value = " ".join(filter(None, (place, event.amount)))
    about = ", ".join(dict.fromkeys((event.state, *event.about)))
    return Line(_date(event), event.what, value, about + until, (), event.reference)


def _result_line(result: Result) -> Line:
    about = ", ".join(result.about)
    return Line(_date(result), result.what, result.printed, about, result.rules, result.reference)


def _date(entry: Event | Result) -> str:
    return str(entry.when) if entry.when else str(Reason.NO_DATE)


def _in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """By date; ISO dates are followed by what has none."""
    return tuple(sorted(lines, key=lambda line: (line.date == Reason.NO_DATE, line.date)))
