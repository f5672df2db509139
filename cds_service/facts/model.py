"""What a chart can state, as typed facts. Written by ``extract``, read by ``derive``.

Nothing here knows FHIR element names; nothing here knows what a rule wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from cds_service.facts.answers import Source
from cds_service.facts.cheap import cheap_dataclass, read_when_asked
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown


@cheap_dataclass(frozen=True, slots=True)
class Moment:
    """A point in time as exactly as it was written.

    ``first`` and ``last`` are the calendar days it may be (equal for a full date; a month or a
    year spans several), in the offset of the text. ``at`` is the instant (with offset) if a time
    was given.
    """

    first: date
    last: date
    at: datetime | None = None

    @property
    def day(self) -> date | None:
        """The calendar day when it is known, else None (only a month or year was written)."""
        return self.first if self.first == self.last else None

    def __str__(self) -> str:
        """ISO day; a vaguer moment as ``2026-11`` or ``2026``."""
        if self.day:
            return self.day.isoformat()
        same_month = (self.first.year, self.first.month) == (self.last.year, self.last.month)
        return f"{self.first:%Y-%m}" if same_month else f"{self.first:%Y}"


@cheap_dataclass(frozen=True, slots=True)
class Measured:
    """A measured amount: the number (exact or an interval), the unit, and how it was printed."""

    value: Interval
    unit: str
    printed: str


@read_when_asked("analyte")
@dataclass(frozen=True)
class LabResult:
    """One numeric result, vital sign or ECG interval.

    ``value`` is None when there is a result but its number or unit could not be understood; then
    ``problem`` says why. ``canonical`` is the value in the analyte's canonical unit (see
    ``facts.quantity``), None when there is no conversion. ``uln`` and ``lln`` are in the unit of
    ``value``; ``uln_from`` says where the limit came from when not the result's own range.
    """

    analyte: str
    value: Measured | None
    when: Moment | None
    source: Source
    status: Literal["final", "preliminary"] = "final"
    canonical: Interval | None = None
    uln: Measured | None = None
    lln: Measured | None = None
    uln_from: str = ""
    uln_note: str = ""
    code: str = ""
    performer: str = ""
    specimen: str = ""
    issued: datetime | None = None
    problem: Unknown | None = None

    @classmethod
    def read_from(cls, record: Any) -> LabResult:
        """A result whose fields are read, each once, from the attributes of ``record``."""
        result = object.__new__(cls)
        fields = result.__dict__
        fields["_record"] = record
        fields["analyte"] = record.analyte
        return result


@dataclass(frozen=True, slots=True)
class Infusion:
    """How a dose is to be prepared and run, as far as the order says.

    ``minutes``: duration. ``diluents``: substance slugs (``sodium-chloride``, ``glucose``, ...).
    ``mixed_with``: active ingredients in the same bag or line, where there are several; the drug
    itself may be among them. ``syringe``: given by syringe.
    """

    minutes: Interval | None = None
    volume_ml: Interval | None = None
    diluents: frozenset[str] = frozenset()
    mixed_with: frozenset[str] = frozenset()
    syringe: bool = False


@read_when_asked(
    "substances", "kind", "role", "status", "do_not_perform", "resolved_by", "order_set"
)
@dataclass(frozen=True)
class DrugUse:
    """One order, statement or administration of a medication.

    ``role``: ``draft`` is being ordered now (for order-select: selected); ``background`` is a
    draft not selected; ``on-file`` is everything from the chart.
    ``status`` is FHIR's word (draft, active, on-hold, completed, stopped, cancelled, ...; an
    administration's in-progress, completed, not-done, ...). ``end`` is the latest end the chart
    states. ``days`` are planned or real calendar days of doses, in order.
    ``cycle`` and ``day`` are those **stated** with the order ("C2D8"), never inferred.
    ``route`` is one word (intravenous, oral, subcutaneous, intramuscular, intrathecal, ...), or
    else as the chart writes it.
    ``label`` is the drug as the chart names it, ``order_set`` the regimen or group it belongs to.
    """

    substances: frozenset[str]
    kind: Literal["order", "statement", "administration"]
    role: Literal["draft", "background", "on-file"]
    status: str
    source: Source
    label: str
    resolved_by: Literal["code", "text", "nothing"] = "code"
    intent: str = ""
    local_use: bool = False
    route: str = ""
    one_off: bool = False
    do_not_perform: bool = False
    start: Moment | None = None
    end: Moment | None = None
    authored: Moment | None = None
    days: tuple[date, ...] = ()
    dose: Measured | None = None
    dose_per_m2: Measured | None = None
    cycle: int | None = None
    day: int | None = None
    cycle_source: str = ""
    status_reason: str = ""
    text: str = ""
    order_set: str = ""
    infusion: Infusion | None = None

    @classmethod
    def read_from(cls, record: Any) -> DrugUse:
        """A use whose fields are read, each once, from the attributes of ``record``."""
        use = object.__new__(cls)
        fields = use.__dict__
        fields["_record"] = record
        # What tells whether a use matters at all is read at once.
        fields["substances"] = record.substances
        fields["kind"] = record.kind
        fields["role"] = record.role
        fields["status"] = record.status
        fields["do_not_perform"] = record.do_not_perform
        fields["resolved_by"] = record.resolved_by
        fields["order_set"] = record.order_set
        return use


@cheap_dataclass(frozen=True, slots=True)
class ConditionEntry:
    """One diagnosis. ``concepts`` are our value-set ids (``vod-sos``, ``gilbert``, ...).

    ``by_words``: no code told the concepts, its words did.
    """

    concepts: frozenset[str]
    clinical_status: str
    verification: str
    source: Source
    label: str
    onset: Moment | None = None
    abatement: Moment | None = None
    recorded: Moment | None = None
    severity: str = ""
    by_words: bool = False


@dataclass(frozen=True, slots=True)
class ProcedureEntry:
    """One procedure that was done, is being done or is prepared."""

    concepts: frozenset[str]
    status: str
    source: Source
    label: str
    performed: Moment | None = None


@dataclass(frozen=True, slots=True)
class TransplantStatement:
    """One sign that a transplant is or is not intended (design: HSCT intent).

    ``stance``: yes or no. ``day0`` is the planned graft infusion. ``role`` as for a drug order.
    """

    stance: Literal["yes", "no"]
    source: Source
    label: str
    day0: Moment | None = None
    autologous: bool = False
    role: Literal["draft", "background", "on-file"] = "on-file"


@dataclass(frozen=True, slots=True)
class ResponseEntry:
    """One response or MRD assessment: None where it says nothing about that part."""

    when: Moment | None
    source: Source
    label: str
    remission: bool | None = None
    mrd_negative: bool | None = None
    status: Literal["final", "preliminary"] = "final"


@dataclass(frozen=True, slots=True)
class CourseStatement:
    """A plan (CarePlan or RequestGroup) that names a cycle.

    ``substances`` are those it names or its orders contain; empty means the chart does not tell.
    """

    cycle: int
    source: Source
    label: str
    day: int | None = None
    start: Moment | None = None
    substances: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FindingResult:
    """A result that is no number: a pregnancy test, an immunophenotype.

    ``positive`` is None when the result cannot be read as positive or negative.
    """

    analyte: str
    positive: bool | None
    when: Moment | None
    source: Source
    text: str = ""
    status: Literal["final", "preliminary"] = "final"


@dataclass(frozen=True, slots=True)
class HarmEntry:
    """An adverse event, or an allergy or intolerance.

    ``substances`` are those suspected (empty: none named). ``severity``: mild, moderate, severe or
    life-threatening, "" when not recorded. ``grade``: CTCAE grade when written. ``concepts`` are
    value-set ids of what happened. ``ended``: recorded as resolved.
    """

    kind: Literal["adverse-event", "allergy"]
    substances: frozenset[str]
    label: str
    source: Source
    concepts: frozenset[str] = frozenset()
    severity: str = ""
    grade: int | None = None
    onset: Moment | None = None
    ended: bool = False
    active: bool = True
    related: bool = True


@dataclass(frozen=True, slots=True)
class LineStatement:
    """A plan or extension that names the line of therapy."""

    line: int
    source: Source
    label: str = ""
    when: Moment | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A resource that could not be used. Facts that may have needed it become unknown.

    ``concerns`` names the analytes, substances or concepts it is about; empty means it could be
    about anything its prefetch key holds.
    """

    need: str
    reference: str
    reason: Reason
    detail: str = ""
    concerns: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Patient:
    """The patient as far as rules care."""

    birth: Moment | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything stated about one patient for one hook call.

    ``now`` is the evaluation time with offset. ``gaps`` maps a prefetch key (``observations``,
    ``medicationRequests``, ...) to why its answer is missing or incomplete; a key that is not
    there was answered completely.
    """

    now: datetime
    hook: str = "order-sign"
    profile: str = "US"
    patient: Patient = Patient()
    labs: tuple[LabResult, ...] = ()
    drugs: tuple[DrugUse, ...] = ()
    conditions: tuple[ConditionEntry, ...] = ()
    procedures: tuple[ProcedureEntry, ...] = ()
    transplant: tuple[TransplantStatement, ...] = ()
    responses: tuple[ResponseEntry, ...] = ()
    courses: tuple[CourseStatement, ...] = ()
    findings: tuple[FindingResult, ...] = ()
    harms: tuple[HarmEntry, ...] = ()
    lines: tuple[LineStatement, ...] = ()
    gaps: Mapping[str, Unknown] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()

    @property
    def today(self) -> date:
        """The calendar day of the evaluation."""
        return self.now.date()
