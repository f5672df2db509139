"""How an order says that the dose is prepared and run; what it does not say does not apply."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.derive.numbers import plain
from cds_service.facts.derive.view import View, slug
from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse, Infusion
from cds_service.facts.unknown import Reason, Unknown

_SALINE = "sodium-chloride"
_INTRAVENOUS_CODE = "47625008"
"""SNOMED CT (FHIR value set route-codes): intravenous; an order may carry the bare code."""

_OTHER_CODES = frozenset({"26643006", "34206005", "78421000", "72607000"})
"""From the same value set: oral, subcutaneous, intramuscular, intrathecal."""

_INTRAVENOUS = re.compile(
    r"\bi\.?v\b|\bintra-?v(?:en(?!t)|eine)|\bendoven|\bvenous\b|\bcentral line\b|\bPICC\b", re.I
)
_OTHER = re.compile(
    r"\b(?:oral\w*|p\.?o|by mouth|sub-?cut\w*|s\.?c|s\.?q|intra-?(?:muscular|thecal|peritoneal"
    r"|osseous|arterial|dermal|vesical|ventricular)\w*|i\.?m|i\.?t|topical|rectal|inhal\w*)\b",
    re.I,
)
_VIAL = re.compile("vial", re.I)
_PER_VIAL = re.compile(r"(\d+(?:\.\d+)?) ?mg ?(?:per|/|in each|a|each) ?vial", re.I)
_VIAL_NAMED = re.compile(r"(\d+(?:\.\d+)?)[ -]?mg vials?\b", re.I)
_VIALS_OF = re.compile(r"\bvials? (?:of|at|à|with|containing) (\d+(?:\.\d+)?) ?mg\b", re.I)
_VIALS_MAKE = re.compile(r"\b(\d{1,2}) vials? ?(?:=|\(|:|makes?) ?(\d+(?:\.\d+)?) ?mg\b", re.I)


def answer(question: Question, view: View) -> Answer:
    """A reading per order of the substance that is being signed now."""
    substance = slug(question, "substance")
    unread = view.unread_orders(substance)
    drafts = view.drafts(substance)
    return Answer(question, tuple(_reading(view, substance, use) for use in drafts), unread)


def _reading(view: View, substance: str, use: DrugUse) -> Reading:
    run = use.infusion or Infusion()
    others = run.mixed_with - {substance}
    vial = vial_content(use.text)
    fields: dict[str, Value] = {
        "intravenous": is_intravenous(use),
        "syringe": run.syringe,
        "minutes": run.minutes,
        "other_diluent": bool(run.diluents - {_SALINE}),
        "mixed": bool(others),
        "vial_content": Interval.exactly(vial) if vial else None,
    }
    shown = Later(lambda: _shown(view, use, run, others, vial))
    return Reading(fields, shown, (use.source,))


def _shown(
    view: View, use: DrugUse, run: Infusion, others: frozenset[str], vial: Fraction | None
) -> dict[str, object]:
    return {
        "label": use.label,
        "reference": use.source.reference,
        "route": use.route,
        "minutes": _minutes(run),
        "diluents": view.names(run.diluents),
        "mixed_with": view.names(others),
        "vial": f"{plain(vial)} mg" if vial else "",
    }


def is_intravenous(use: DrugUse) -> bool | Unknown | None:
    """Whether the route named is into a vein; None when none is named."""
    route = use.route.strip()
    if not route:
        return None
    if route == _INTRAVENOUS_CODE or _INTRAVENOUS.search(route):
        return True
    if route in _OTHER_CODES or _OTHER.search(route) or use.local_use:
        return False
    return Unknown("route of this order", Reason.UNREADABLE, reference=use.source.reference)


def vial_content(text: str) -> Fraction | None:
    """The mg that an order's text counts for a vial; None when it counts no vials, or in two ways.

    ``2 vials (2 mg)``, ``1 mg per vial``, ``2 x 1 mg vial``, ``2 vials of 0.9 mg``.
    """
    if not _VIAL.search(text):
        return None
    worded = (_PER_VIAL, _VIAL_NAMED, _VIALS_OF)
    said = {Fraction(Decimal(each)) for words in worded for each in words.findall(text)}
    said |= {
        Fraction(Decimal(amount)) / int(vials)
        for vials, amount in _VIALS_MAKE.findall(text)
        if int(vials)
    }
    return said.pop() if len(said) == 1 else None


def _minutes(run: Infusion) -> str:
    if run.minutes is None or run.minutes.number is None:
        return ""
    return f"{plain(run.minutes.number)} min"
