"""What is drawn, before anybody knows how large the paper is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from cds_service.facts.interval import Interval
from cds_service.facts.model import Moment
from cds_service.rulebook.model import Indicator

State = Literal["done", "planned", "not done", "unclear"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something of the treatment on a day, or from a day ``until`` another.

    ``what`` is a name of ours, never the chart's text. ``place`` is the cycle and day ("C2D8"),
    ``amount`` the dose as printed; either may be empty.
    """

    what: str
    when: Moment | None
    state: State
    reference: str
    until: Moment | None = None
    place: str = ""
    amount: str = ""
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the treatment panel. ``notes`` say what its events do not."""

    title: str
    events: tuple[Event, ...]
    notes: tuple[str, ...] = ()
    has_places: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """One result. ``at`` is its place on the value axis, None when it has none.

    ``printed`` is the value as the laboratory wrote it, ``about`` what else must be known of it
    ("preliminary", "no reference range"). A result that is not ``sure`` is drawn hollow.
    ``rules`` are the rules with a card that this very result made fire, most urgent first.
    """

    what: str
    when: Moment | None
    at: Interval | None
    printed: str
    reference: str
    about: tuple[str, ...] = ()
    sure: bool = True
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """The results of one analyte, the earliest first; those without a date come last."""

    name: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of the rulebook as a line: for which series, in which rules, how urgent at most."""

    value: Fraction
    names: tuple[str, ...]
    rules: tuple[str, ...]
    indicator: Indicator


@dataclass(frozen=True, slots=True)
class Panel:
    """Results on one value axis. ``gaps`` say why there may be more than is drawn."""

    title: str
    unit: str
    series: tuple[Series, ...]
    limits: tuple[Limit, ...] = ()
    gaps: tuple[str, ...] = ()
    from_zero: bool = True

    @property
    def results(self) -> tuple[Result, ...]:
        """All results of the panel."""
        return tuple(result for each in self.series for result in each.results)


@dataclass(frozen=True, slots=True)
class Course:
    """One patient's course as far as this request tells it. ``moment`` names today's line."""

    today: date
    moment: str
    rows: tuple[Row, ...]
    panels: tuple[Panel, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """Every day that has to be on the time axis."""
        moments = [
            moment
            for row in self.rows
            for event in row.events
            for moment in (event.when, event.until)
        ]
        moments += [result.when for panel in self.panels for result in panel.results]
        return (self.today, *(day for each in moments if each for day in (each.first, each.last)))
