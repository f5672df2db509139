"""Treatment plans as data: doses, cycle lengths and limits, each number with its source.

One YAML file per substance under ``rules/regimens/``. Code reads the few numbers it needs to place
a dose in a cycle; everything else is there for rules, cards and reviewers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import yaml

from cds_service.errors import RulesError
from cds_service.terminology.placed import PlacedFile

GRADES = ("A", "B", "C", "P")

_INFERENCE = {"doses_per_cycle": "doses", "new_cycle_after": "days"}
_LIMITS = {
    "minimum_interval": "days",
    "dose_day_shift": "days",
    "cycles_at_most": "cycles",
    "cycles_before_transplant": "cycles",
    "cycles_before_transplant_at_most": "cycles",
    "cycles_without_remission_at_most": "cycles",
}
_REDUCTIONS = {
    "next_dose_omitted_after_hold": "days",
    "reduced_after_hold": "days",
    "stopped_after_hold": "days",
    "first_reduction": "%",
    "second_reduction": "doses",
}
_BODY_SURFACE = {
    "weight_within": "days",
    "height_within": "days",
    "height_within_under_age": "days",
    "adult_age": "years",
    "weight_change": "%",
}
_FIGURE = ("value", "unit", "cite", "grade", "note")
_WHOLE = ("doses", "days", "cycles", "years")
_NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Citation:
    """A source as a reader finds it; ``local`` is the one for our own choices."""

    label: str
    section: str = ""
    url: str = ""
    read_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a regimen with its unit, the key of its citation and the grade of reading."""

    value: Fraction
    unit: str
    cite: str
    grade: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PlannedDose:
    """The dose of one day of a cycle, in mg/m2 of body surface."""

    day: int
    amount: Figure


@dataclass(frozen=True, slots=True)
class CyclePlan:
    """How one sort of cycle is given; ``extended_to`` is as long as it may be stretched."""

    title: str
    length: Figure
    doses: tuple[PlannedDose, ...]
    extended_to: Figure | None = None


@dataclass(frozen=True, slots=True)
class Regimen:
    """How one substance is given. ``cycles`` by sort: first, later-in-remission, ..."""

    substance: str
    title: str
    citations: Mapping[str, Citation]
    inference: Mapping[str, Figure]
    cycles: Mapping[str, CyclePlan]
    limits: Mapping[str, Figure]
    reductions: Mapping[str, Figure]
    body_surface: Mapping[str, Figure]

    @property
    def doses_per_cycle(self) -> int:
        """How many doses fill a cycle."""
        return int(self.inference["doses_per_cycle"].value)

    @property
    def new_cycle_after(self) -> int:
        """Days after day 1 from which a dose opens a new cycle."""
        return int(self.inference["new_cycle_after"].value)

    @property
    def minimum_interval(self) -> int:
        """Calendar days that must lie between two doses."""
        return int(self.limits["minimum_interval"].value)


def load_regimens(folder: Path) -> dict[str, Regimen]:
    """Read every regimen of a folder such as ``rules/regimens/``, by slug of its substance.

    Raises:
        RulesError: with every problem of every file as ``folder/file:line: message``.
    """
    if not folder.is_dir():
        raise RulesError([f"{folder.name}:1: the folder of regimens is missing."])
    complaints: list[str] = []
    regimens: dict[str, Regimen] = {}
    for path in sorted(folder.glob("*.yaml")):
        regimen = _Reader(PlacedFile(path, complaints)).regimen()
        if regimen.substance not in ("", path.stem):
            place = f"{folder.name}/{path.name}:1"
            complaints.append(f'{place}: name the file "{regimen.substance}.yaml".')
        regimens[regimen.substance] = regimen
    if complaints:
        raise RulesError(complaints)
    return regimens


class _Reader:
    """Reads one file. What is wrong is complained about and read as empty; nobody uses it then."""

    def __init__(self, file: PlacedFile) -> None:
        self._file = file
        self._cited: tuple[str, ...] = ()

    def regimen(self) -> Regimen:
        """The regimen of the file; of use only when there was no complaint."""
        needed = (
            *("substance", "title", "citations", "inference", "cycles", "limits"),
            *("reductions", "body_surface"),
        )
        top = self._fields(self._file.root(), needed, needed)
        citations = self._each(top.get("citations"), self._citation)
        self._cited = tuple(citations)
        return Regimen(
            substance=self._text(top, "substance"),
            title=self._text(top, "title"),
            citations=citations,
            inference=self._figures(top.get("inference"), _INFERENCE),
            cycles=self._each(top.get("cycles"), self._cycle),
            limits=self._figures(top.get("limits"), _LIMITS),
            reductions=self._figures(top.get("reductions"), _REDUCTIONS),
            body_surface=self._figures(top.get("body_surface"), _BODY_SURFACE),
        )

    def _citation(self, node: yaml.Node) -> Citation:
        parts = self._fields(node, ("label", "section", "url", "read_on", "note"), ("label",))
        return Citation(
            label=self._text(parts, "label"),
            section=self._text(parts, "section"),
            url=self._text(parts, "url"),
            read_on=self._file.day(parts.get("read_on"), "read_on"),
            note=self._text(parts, "note"),
        )

    def _cycle(self, node: yaml.Node) -> CyclePlan:
        needed = ("title", "length", "doses")
        parts = self._fields(node, (*needed, "extended_to"), needed)
        stretch = parts.get("extended_to")
        return CyclePlan(
            title=self._text(parts, "title"),
            length=self._figure(parts.get("length"), "days"),
            doses=tuple(map(self._dose, self._file.items(parts.get("doses"), "doses"))),
            extended_to=self._figure(stretch, "days") if stretch else None,
        )

    def _dose(self, node: yaml.Node) -> PlannedDose:
        amount = self._figure(node, "mg/m2", "day")
        day = self._file.entries(node).get("day")
        return PlannedDose(int(self._number(day, "days")), amount)

    def _figures(self, node: yaml.Node | None, units: Mapping[str, str]) -> dict[str, Figure]:
        parts = self._fields(node, tuple(units), tuple(units))
        return {name: self._figure(part, units[name]) for name, part in parts.items()}

    def _figure(self, node: yaml.Node | None, unit: str, *besides: str) -> Figure:
        """One number; it must have the unit its place asks for, and a known citation."""
        needed = (*besides, "value", "unit", "cite", "grade")
        parts = self._fields(node, (*needed, "note"), needed)
        return Figure(
            value=self._number(parts.get("value"), unit),
            unit=self._file.choice(parts.get("unit"), "unit", (unit,)) or unit,
            cite=self._file.choice(parts.get("cite"), "cite", self._cited) or "",
            grade=self._file.choice(parts.get("grade"), "grade", GRADES) or "",
            note=self._text(parts, "note"),
        )

    def _number(self, node: yaml.Node | None, unit: str) -> Fraction:
        """A number above zero, exact as written; a count is whole."""
        written = node.value if isinstance(node, yaml.ScalarNode) else ""
        number = Fraction(written) if _NUMBER.fullmatch(written) else Fraction(0)
        whole = unit in _WHOLE
        if node and (number <= 0 or (whole and number.denominator != 1)):
            self._file.complain(f"expected a {'whole ' if whole else ''}number above zero.", node)
        return number

    def _text(self, parts: Mapping[str, yaml.Node], key: str) -> str:
        return self._file.text(parts.get(key), key) or ""

    def _each(self, node: yaml.Node | None, read: Callable[[yaml.Node], _Part]) -> dict[str, _Part]:
        entries = self._file.entries(node) if node else {}
        return {key: read(value) for key, value in entries.items()}

    def _fields(
        self, node: yaml.Node | None, allowed: tuple[str, ...], required: tuple[str, ...]
    ) -> dict[str, yaml.Node]:
        return self._file.fields(node, allowed, required) if node else {}
