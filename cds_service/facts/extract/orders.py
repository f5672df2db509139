"""What an order of a medication says, element by element and only when somebody asks.

Most orders of a chart interest no rule. That a resource can be read is settled before.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from cds_service.facts.answers import Source
from cds_service.facts.cheap import kept
from cds_service.facts.extract import dosage as dosing
from cds_service.facts.extract.dose_text import dose_in_words
from cds_service.facts.extract.infusion import infusion_of
from cds_service.facts.extract.material import Material, moment_at, moment_in, source
from cds_service.facts.extract.order_text import Place, stated_place
from cds_service.facts.extract.regimen_name import order_set_of
from cds_service.facts.extract.routes import route_of
from cds_service.facts.model import DrugUse, Infusion, Measured, Moment
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, all_of, each, name_of, text_at, text_in
from cds_service.terminology import Resolution

_KNOWN_STATUS = frozenset(
    {"active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft"}
)
"""What R4 calls the states of a medication request, without "unknown"."""


def order_of(found: Found, drug: Resolution, resource: Resource, material: Material) -> DrugUse:
    """The use that a medication request orders; ``resource`` is what of it can be read."""
    return DrugUse.read_from(_Order(found, drug, resource, material))


class _Order:
    """A medication request with every field of ``DrugUse`` under its name."""

    kind: Literal["order"] = "order"

    def __init__(
        self, found: Found, drug: Resolution, resource: Resource, material: Material
    ) -> None:
        self._found = found
        self._resource = resource
        self._material = material
        self._drug = drug
        self._dosages = all_of(resource.get("dosageInstruction"))
        self.substances = drug.substances
        self.resolved_by = drug.by
        self.role = found.role
        self.status = _status(found, resource)
        self.order_set = order_set_of(found, material)
        self.do_not_perform = resource.get("doNotPerform") is True

    @property
    def source(self) -> Source:
        return source(self._found)

    @property
    def label(self) -> str:
        return self._drug.label

    @property
    def intent(self) -> str:
        return text_in(self._resource, "intent")

    @property
    def status_reason(self) -> str:
        return name_of(self._resource.get("statusReason"))

    @property
    def local_use(self) -> bool:
        return dosing.is_local(self._drug, self._dosages)

    @property
    def route(self) -> str:
        return route_of(self._dosages)

    @kept
    def _timing(self) -> dosing.Timing:
        return dosing.timing_of(self._dosages)

    @property
    def one_off(self) -> bool:
        return dosing.is_one_off(self._dosages, self._timing)

    @kept
    def start(self) -> Moment | None:
        return dosing.first_start(self._timing) or moment_at(
            self._resource, "dispenseRequest", "validityPeriod", "start"
        )

    @property
    def end(self) -> Moment | None:
        supply_end = moment_at(self._resource, "dispenseRequest", "validityPeriod", "end")
        last_dose = dosing.last_end(self._timing)
        if supply_end is None or last_dose is None:
            return supply_end or last_dose
        return dosing.latest((last_dose, supply_end))

    @kept
    def authored(self) -> Moment | None:
        return moment_in(self._resource, "authoredOn")

    @property
    def days(self) -> tuple[date, ...]:
        """The days named; else the first day of the period; else the day it was written."""
        if named := dosing.event_days(self._timing.events):
            return tuple(named)
        first = self.start or self.authored
        return (first.day,) if first and first.day else ()

    @kept
    def _words(self) -> list[str]:
        return [text_at(dosage, "text") for dosage in self._dosages]

    @kept
    def _texts(self) -> list[str]:
        to_patient = [text_at(dosage, "patientInstruction") for dosage in self._dosages]
        notes = [text_at(note, "text") for note in each(self._resource, "note")]
        return [*self._words, *to_patient, *notes]

    @property
    def text(self) -> str:
        return " ".join(filter(None, self._texts))

    @kept
    def dose(self) -> Measured | None:
        return dosing.dose_in(self._dosages, "dose") or dose_in_words(self._words, "dose")

    @property
    def dose_per_m2(self) -> Measured | None:
        in_numbers = dosing.dose_in(self._dosages, "dose-per-m2")
        return in_numbers or dose_in_words(self._words, "dose-per-m2")

    @property
    def infusion(self) -> Infusion | None:
        if not self._found.is_draft:
            return None
        return infusion_of(self._found, self._dosages, self.dose, self._material)

    @kept
    def _place(self) -> Place:
        return stated_place([*self._texts, text_at(self._resource, "groupIdentifier", "value")])

    @property
    def cycle(self) -> int | None:
        return self._place.cycle

    @property
    def day(self) -> int | None:
        return self._place.day

    @property
    def cycle_source(self) -> str:
        return "order text" if self._place.cycle else ""


def _status(found: Found, resource: Resource) -> str:
    """As it stands; an order being signed is a draft unless a status we know says otherwise."""
    status = text_in(resource, "status")
    if found.role != "on-file":
        return status if status in _KNOWN_STATUS else "draft"
    return status or "unknown"
