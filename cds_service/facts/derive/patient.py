"""Age and sex of the patient."""

from __future__ import annotations

from datetime import date

from cds_service.facts.answers import Answer, Later, Question, Reading
from cds_service.facts.derive.view import View, only
from cds_service.facts.interval import Interval
from cds_service.facts.model import Moment
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import PATIENT


def answer(question: Question, view: View) -> Answer:
    """Completed years (an interval when only the year of birth is known) and sex."""
    years = age(view)
    shown = Later(lambda: {"age": _text(years)})
    return only(question, Reading({"age": years, "sex": _sex(view)}, shown))


def age(view: View) -> Interval | Unknown:
    """Completed years at the evaluation."""
    birth = view.chart.patient.birth
    return _years(birth, view) if birth else _missing("age", view)


def completed_years(birth: date, today: date) -> int:
    """Years completed; somebody born on 29 February completes one on 1 March."""
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _sex(view: View) -> str | Unknown:
    """Female or male; FHIR's "unknown" and "other" tell neither and clear no rule."""
    recorded = view.chart.patient.sex
    if recorded in ("", "female", "male"):
        return recorded or _missing("sex", view)
    return Unknown("sex", Reason.NOT_RECORDED, "neither female nor male")


def _years(birth: Moment, view: View) -> Interval | Unknown:
    today = view.today
    if birth.first > today:
        return Unknown("age", Reason.CONFLICT, "the date of birth lies ahead")
    youngest = completed_years(min(birth.last, today), today)
    return Interval.between(youngest, completed_years(birth.first, today))


def _missing(what: str, view: View) -> Unknown:
    gaps = view.gaps((PATIENT,), what)
    return gaps[0] if gaps else Unknown(what, Reason.NOT_RECORDED)


def _text(age: Interval | Unknown) -> str:
    if isinstance(age, Unknown):
        return ""
    return f"{age.number}" if age.number is not None else f"{age.lo} or {age.hi}"
