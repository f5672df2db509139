"""The words a rule may use: kinds of question, their selectors and the fields of their answers.

This table is what the rule lint checks against and what ``docs/writing-a-rule.md`` is held to.
How each kind is answered is told in ``facts/derive``, one file per kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["number", "flag", "word"]
SelectorType = Literal["substance", "drug-class", "analyte", "concept", "number", "flag", "word"]

# Prefetch keys. Published: never rename one.
PATIENT = "patient"
OBSERVATIONS = "observations"
RECENT_OBSERVATIONS = "recentObservations"
CONDITIONS = "conditions"
MEDICATION_REQUESTS = "medicationRequests"
MEDICATION_STATEMENTS = "medicationStatements"
MEDICATION_ADMINISTRATIONS = "medicationAdministrations"
PROCEDURES = "procedures"
SERVICE_REQUESTS = "serviceRequests"
CARE_PLANS = "carePlans"
GOALS = "goals"
ADVERSE_EVENTS = "adverseEvents"
ALLERGIES = "allergyIntolerances"

DOSES = (MEDICATION_ADMINISTRATIONS, MEDICATION_REQUESTS, PROCEDURES)
TRANSPLANT = (SERVICE_REQUESTS, CARE_PLANS, GOALS, PROCEDURES, CONDITIONS)
BODY = ("bsa", "body-weight", "body-height", "body-weight-stated")


@dataclass(frozen=True, slots=True)
class Selector:
    """A word that narrows a question down. ``many``: a list is allowed; ``choices``: closed set."""

    type: SelectorType
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A word a clause may test. Numbers carry their unit; words may be a closed set."""

    type: FieldType
    meaning: str
    unit: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of question.

    ``many_readings``: the answer may hold several readings, of which any one that holds is enough;
    at most one clause of a rule variant should be of such a kind beyond labs.
    ``needs``: prefetch keys the answer depends on. ``show``: names a card template may print.
    ``analytes``: those the answer reads without being told to by a selector.
    """

    name: str
    meaning: str
    fields: Mapping[str, Field]
    selectors: Mapping[str, Selector]
    needs: tuple[str, ...]
    show: tuple[str, ...] = ()
    many_readings: bool = False
    analytes: tuple[str, ...] = ()


_SUBSTANCE = Selector("substance", required=True)
_DAYS = Selector("number", unit="days")

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "setting",
            "Which label profile and which hook this call is judged under.",
            {
                "profile": Field("word", "label profile of the client", choices=("US", "EU")),
                "hook": Field(
                    "word", "hook called", choices=("order-sign", "order-select", "patient-view")
                ),
            },
            {},
            (),
        ),
        Kind(
            "patient",
            "Age and administrative sex.",
            {
                "age": Field("number", "completed years", "years"),
                "sex": Field("word", "FHIR administrative gender"),
            },
            {},
            (PATIENT,),
            ("age",),
        ),
        Kind(
            "order",
            "The order being signed (or selected) now for one substance, with its place in the "
            "course. One reading per draft order; one with placed false when there is none.",
            {
                "placed": Field("flag", "such an order is among the drafts"),
                "cycle": Field("number", "cycle of the dose ordered, stated or inferred"),
                "day": Field("number", "day of that cycle, stated or inferred", "days"),
                "day_one": Field("flag", "it is the first dose of its cycle"),
                "first_dose": Field("flag", "no dose was given before"),
                "stated": Field("flag", "cycle and day are written with the order, not inferred"),
            },
            {"substance": _SUBSTANCE},
            (*DOSES, CARE_PLANS),
            ("label", "reference", "cycle", "day", "cycle_text"),
            many_readings=True,
        ),
        Kind(
            "exposure",
            "Doses of a substance already given, by whatever resource records them.",
            {
                "exposed": Field("flag", "at least one dose was given, ever"),
                "doses": Field("number", "doses given, one per calendar day"),
                "cycles": Field("number", "cycles begun, inferred from the doses"),
                "days_since_last": Field("number", "calendar days since the last dose", "days"),
            },
            {"substance": _SUBSTANCE},
            DOSES,
            ("doses", "cycles", "first", "last", "course_text"),
        ),
        Kind(
            "lab",
            "The latest result of an analyte (or of each of several); a later preliminary result "
            "and a conflicting final are further readings.",
            {
                "times_uln": Field("number", "value as multiple of the laboratory's ULN", "x ULN"),
                "value": Field("number", "value in the analyte's canonical unit"),
                "days_ago": Field("number", "days before the evaluation", "days"),
            },
            {
                "analyte": Selector("analyte", required=True, many=True),
                "within": _DAYS,
                "after_dose_of": Selector("substance"),
                "before_transplant": Selector("flag"),
            },
            (OBSERVATIONS,),
            ("name", "value", "unit", "date", "uln", "times", "uln_from", "text", "age", "status"),
            many_readings=True,
        ),
        Kind(
            "lab_panel",
            "Which of several analytes have no usable result in a window.",
            {"missing": Field("number", "analytes without such a result")},
            {
                "analytes": Selector("analyte", required=True, many=True),
                "within": _DAYS,
                "after_dose_of": Selector("substance"),
            },
            (OBSERVATIONS,),
            ("missing", "names", "items"),
        ),
        Kind(
            "drugs",
            "Medications of a class or substance in force at the evaluation; with state ever, "
            "those on file that were taken at any time.",
            {
                "count": Field("number", "distinct ingredients found"),
                "days_ahead": Field(
                    "number", "days to the first planned day, 0 when none is named", "days"
                ),
            },
            {
                "class": Selector("drug-class", many=True),
                "substance": Selector("substance", many=True),
                "state": Selector(
                    "word", choices=("drafted", "current", "drafted-or-current", "ever")
                ),
                "use": Selector("word", choices=("systemic", "any")),
                "except_single_doses_of": Selector("substance", many=True),
                "given_with": Selector("substance"),
                "lingering": Selector("substance"),
                "lingers": _DAYS,
                "other_than": Selector("substance", many=True),
            },
            (MEDICATION_REQUESTS, MEDICATION_STATEMENTS),
            ("names", "items", "count", "list_date"),
        ),
        Kind(
            "conditioning",
            "Alkylating agents given or ordered as conditioning for a transplant (window before "
            "the graft, or within the window of each other when no graft day is known).",
            {
                "alkylators": Field("number", "distinct alkylator ingredients in the window"),
                "drafted": Field("flag", "one of them is being ordered now"),
                "ordered": Field("flag", "one of them is ordered now or active, as conditioning"),
                "transplant_evidence": Field(
                    "flag", "a transplant is intended, or a typical conditioning drug is among them"
                ),
                "contains": Field("flag", "the substance asked for is among them"),
            },
            {
                "class": Selector("drug-class", required=True),
                "window": Selector("number", required=True, unit="days"),
                "typical": Selector("substance", required=True, many=True),
                "prophylaxis_after_graft": Selector("substance"),
                "substance": Selector("substance"),
            },
            (MEDICATION_REQUESTS, MEDICATION_ADMINISTRATIONS, *TRANSPLANT),
            ("names", "count", "day0", "items"),
        ),
        Kind(
            "transplant",
            "Haematopoietic stem cell transplant: intended, planned for a day, or done.",
            {
                "intended": Field("word", "whether one is intended", choices=("yes", "no")),
                "intent_known": Field(
                    "flag", "the chart says whether one is intended, without contradiction"
                ),
                "drafted": Field("flag", "a request for one is being signed now"),
                "days_ahead": Field("number", "days to the planned graft infusion", "days"),
                "done": Field("flag", "one was done before now"),
                "autologous": Field("flag", "the one done was autologous"),
                "days_since": Field("number", "days since the last one", "days"),
            },
            {"typical": Selector("substance", many=True)},
            TRANSPLANT,
            ("day0", "date", "label", "why"),
        ),
        Kind(
            "condition",
            "Diagnoses of a concept that are confirmed, provisional or without verification "
            "status; one reading per entry.",
            {
                "active": Field("flag", "clinical status active, recurrence or relapse"),
                "resolved": Field("flag", "clinical status resolved, remission or inactive"),
                "since_first_dose": Field("flag", "onset on or after the first dose"),
                "before_first_dose": Field("flag", "abated before the first dose, or no dose yet"),
                "days_since_abatement": Field("number", "days since it ended", "days"),
                "days_since_noted": Field(
                    "number", "days since its onset or the day it was recorded, the later", "days"
                ),
                "severity": Field(
                    "word", "as coded", choices=("mild", "moderate", "severe", "unrecorded")
                ),
            },
            {
                "concept": Selector("concept", required=True, many=True),
                "dose_of": Selector("substance"),
            },
            (CONDITIONS,),
            ("label", "date", "ended", "status", "severity", "by_words"),
            many_readings=True,
        ),
        Kind(
            "diagnoses",
            "How many diagnoses of a concept are on file, confirmed, provisional or without "
            "verification status.",
            {"count": Field("number", "entries found")},
            {
                "concept": Selector("concept", required=True, many=True),
                "status": Selector("word", choices=("active", "relapsed")),
            },
            (CONDITIONS,),
            ("names", "count", "by_words"),
        ),
        Kind(
            "marker",
            "Whether the disease bears a marker, as the words of its diagnoses say.",
            {"positive": Field("flag", "a diagnosis says so, and none denies it")},
            {
                "stated_by": Selector("concept", required=True),
                "denied_by": Selector("concept", required=True),
            },
            (CONDITIONS,),
            ("label",),
        ),
        Kind(
            "line_of_therapy",
            "The line of therapy as plans state it; never inferred from names of drugs.",
            {
                "line": Field("number", "line stated, the highest of several"),
                "highest": Field("number", "the same, and 0 when none is stated"),
            },
            {},
            (CARE_PLANS, MEDICATION_REQUESTS, CONDITIONS),
            ("line", "label"),
        ),
        Kind(
            "finding",
            "Results of an analyte that words or a number may give (pregnancy test, CD22), one "
            "reading per result.",
            {
                "positive": Field("flag", "the words say positive; holds no test for a number"),
                "value": Field("number", "value in the canonical unit, if it is a number"),
                "latest": Field("flag", "no final result is later"),
                "days_ago": Field("number", "days before the evaluation", "days"),
            },
            {"analyte": Selector("analyte", required=True), "within": _DAYS},
            (OBSERVATIONS,),
            ("name", "text", "date", "status"),
            many_readings=True,
        ),
        Kind(
            "tested",
            "Whether an analyte that words or a number may give was tested in a window.",
            {"done": Field("flag", "a final result is there")},
            {"analyte": Selector("analyte", required=True), "within": _DAYS},
            (OBSERVATIONS,),
            ("name",),
        ),
        Kind(
            "weight_change",
            "How much the weight changed since the last dose or since the day of the transplant; "
            "the baseline is the last weight of that day or of the days before it.",
            {"percent": Field("number", "change in percent of the baseline, a gain above 0", "%")},
            {
                "analyte": Selector("analyte", required=True),
                "substance": _SUBSTANCE,
                "since": Selector("word", required=True, choices=("last-dose", "transplant")),
                "within": _DAYS,
                "baseline_within": _DAYS,
            },
            (OBSERVATIONS, *DOSES),
            ("percent", "text", "date", "baseline", "since"),
        ),
        Kind(
            "response",
            "Response to treatment: after the last dose of the cycle before the one ordered, or "
            "at any time up to the end of an early cycle.",
            {
                "assessed": Field("flag", "a response assessment is on file"),
                "remission": Field("flag", "CR or CRi recorded"),
                "mrd_assessed": Field("flag", "an MRD result is on file"),
                "mrd_negative": Field("flag", "MRD recorded as negative"),
                "goal_reached": Field("flag", "CR or CRi and MRD negative"),
            },
            {
                "substance": _SUBSTANCE,
                "after": Selector("word", choices=("last-cycle",)),
                "within_cycles": Selector("number"),
            },
            (*DOSES, OBSERVATIONS, RECENT_OBSERVATIONS, CONDITIONS),
            ("text", "date", "cycle"),
        ),
        Kind(
            "body",
            "The body surface that doses are computed from: as recorded, else by Mosteller's "
            "formula from weight and height; how old these may be is in the regimen.",
            {
                "usable": Field("flag", "a body surface is on file or can be computed"),
                "weight_changed": Field(
                    "flag", "the weight moved too far since the surface on file was determined"
                ),
            },
            {"substance": _SUBSTANCE},
            (OBSERVATIONS, PATIENT),
            ("text", "names", "items", "change", "weights"),
            analytes=BODY,
        ),
        Kind(
            "dose_ordered",
            "The dose of each order being signed now, beside the labelled one of its place in the "
            "course; while the response is not known, beside the nearer of the two levels.",
            {
                "cycle": Field("number", "cycle of the dose ordered, stated or inferred"),
                "day_one": Field("flag", "it is the first dose of its cycle"),
                "days_since_last": Field("number", "days since the last dose given", "days"),
                "per_m2": Field("number", "dose ordered per body surface", "mg/m2"),
                "over": Field("number", "percent above the labelled dose", "%"),
                "under": Field("number", "percent below the labelled dose", "%"),
                "other_level": Field(
                    "flag", "it is the day 1 dose that the label gives for the other response"
                ),
                "remission": Field("flag", "latest word on CR or CRi since the first dose"),
                "in_cycle": Field("number", "all doses of its cycle, with this one", "mg/m2"),
                "cumulative": Field(
                    "number", "all doses ever, with this one, to a hundredth", "mg/m2"
                ),
                "reduced": Field(
                    "flag", "a dose reduction for toxicity is on file or in the order"
                ),
                "above_reduced": Field("number", "percent above the reduced dose on file", "%"),
            },
            {"substance": _SUBSTANCE, "tolerance": Selector("number", unit="%")},
            (*DOSES, CARE_PLANS, OBSERVATIONS, RECENT_OBSERVATIONS, CONDITIONS, PATIENT),
            (
                *("label", "reference", "cycle", "cycle_text", "date", "ordered", "expected"),
                *("percent", "bsa", "response", "reduction", "in_cycle", "cumulative"),
            ),
            many_readings=True,
            analytes=BODY,
        ),
        Kind(
            "schedule",
            "How long before each order being signed now the last dose was given and the cycle "
            "before began, in calendar days up to the day it is planned for.",
            {
                "cycle": Field("number", "cycle of the dose ordered, stated or inferred"),
                "day_one": Field("flag", "it is the first dose of its cycle"),
                "days_since_last": Field("number", "days since the last dose given", "days"),
                "days_since_day_one": Field(
                    "number", "days since day 1 of the cycle before this one", "days"
                ),
            },
            {"substance": _SUBSTANCE},
            (*DOSES, CARE_PLANS),
            (
                *("label", "reference", "cycle", "cycle_text", "date", "last", "day_one"),
                *("days", "cycle_days"),
            ),
            many_readings=True,
        ),
        Kind(
            "infusion",
            "How each order being signed now says that the dose is prepared and run; what it does "
            "not say holds no test.",
            {
                "intravenous": Field("flag", "the route named is into a vein"),
                "syringe": Field("flag", "it is given by syringe"),
                "minutes": Field("number", "how long it runs", "minutes"),
                "other_diluent": Field("flag", "a diluent other than sodium chloride is named"),
                "mixed": Field("flag", "another drug is in the same bag or line"),
                "vial_content": Field("number", "what the order counts for a vial", "mg"),
            },
            {"substance": _SUBSTANCE},
            (),
            ("label", "reference", "route", "minutes", "diluents", "mixed_with", "vial"),
            many_readings=True,
        ),
        Kind(
            "blood_count",
            "The latest count of one kind of blood cell (and what stands beside it as for a lab), "
            "beside the last one before treatment and since the planned day 1 of the next cycle.",
            {
                "value": Field(
                    "number", "the count now; after a transfusion at most as measured", "10*9/L"
                ),
                "before_treatment": Field(
                    "number", "the last count before the first dose", "10*9/L"
                ),
                "days_low": Field(
                    "number", "days since the planned day 1 without a recovery", "days"
                ),
            },
            {
                "analyte": Selector("analyte", required=True),
                "substance": _SUBSTANCE,
                "within": _DAYS,
                "below": Selector("number", unit="10*9/L"),
                "transfusion": Selector("concept"),
                "transfusion_within": _DAYS,
            },
            (OBSERVATIONS, *DOSES, CARE_PLANS),
            (
                *("name", "text", "date", "age", "status", "before_text", "before_date"),
                *("planned", "planned_how"),
            ),
            many_readings=True,
        ),
        Kind(
            "count_recovery",
            "Neutrophils and platelets together: before treatment, at the start of the last cycle "
            "and now.",
            {
                "low_before_treatment": Field("flag", "one was below its limit before treatment"),
                "below_last_cycle": Field(
                    "flag", "one is below its count at the last cycle's day 1"
                ),
                "at_limits": Field("flag", "each is at least its limit now"),
            },
            {
                "analytes": Selector("analyte", required=True, many=True),
                "substance": _SUBSTANCE,
                "within": _DAYS,
                "neutrophils_at_least": Selector("number", required=True, unit="10*9/L"),
                "platelets_at_least": Selector("number", required=True, unit="10*9/L"),
                "transfusion": Selector("concept"),
                "transfusion_within": _DAYS,
            },
            (OBSERVATIONS, *DOSES),
            (
                *("name", "text", "date", "prior_text", "prior_date", "before_text"),
                *("before_date", "items"),
            ),
        ),
        Kind(
            "transfusion",
            "Whether the latest count was measured so soon after a transfusion that it depends on "
            "it. Transfusions are known by their words.",
            {"before_count": Field("flag", "one was given in the window before the count")},
            {
                "transfusion": Selector("concept", required=True),
                "transfusion_within": Selector("number", required=True, unit="days"),
                "analyte": Selector("analyte", required=True),
                "within": _DAYS,
            },
            (OBSERVATIONS, PROCEDURES, MEDICATION_ADMINISTRATIONS),
            ("name", "text", "date", "transfused", "label"),
            many_readings=True,
        ),
        Kind(
            "blasts",
            "Blasts in the blood: as counted, or leukocytes times their share of one draw.",
            {
                "count": Field("number", "blasts in the blood", "10*9/L"),
                "reported": Field("flag", "blasts or another part of a differential are on file"),
            },
            {
                "analyte": Selector("analyte", required=True),
                "percent": Selector("analyte", required=True),
                "leukocytes": Selector("analyte", required=True),
                "differential": Selector("analyte", many=True),
                "within": _DAYS,
                "hours_apart": Selector("number", required=True, unit="hours"),
            },
            (OBSERVATIONS,),
            ("name", "text", "date", "how"),
            many_readings=True,
        ),
        Kind(
            "premedication",
            "Which of several drug classes no systemic order, statement or administration covers "
            "on the days doses are ordered for.",
            {"missing": Field("number", "classes without such a drug")},
            {
                "classes": Selector("drug-class", required=True, many=True),
                "substance": _SUBSTANCE,
            },
            (MEDICATION_REQUESTS, MEDICATION_STATEMENTS, MEDICATION_ADMINISTRATIONS),
            ("missing", "names", "items", "day"),
        ),
        Kind(
            "harm",
            "Adverse events and allergies put down to a substance and not called unrelated; one "
            "reading per entry.",
            {
                "severity": Field(
                    "word",
                    "as coded, else as its grade is described",
                    choices=("mild", "moderate", "severe", "life-threatening"),
                ),
                "severity_recorded": Field("flag", "a severity or grade is recorded"),
                "grade": Field(
                    "number", "CTCAE grade; without one, the grade that its severity describes"
                ),
                "active": Field("flag", "an allergy that still stands; always true for an event"),
                "resolved": Field("flag", "recorded as over"),
            },
            {
                "substance": _SUBSTANCE,
                "type": Selector("word", choices=("adverse-event", "allergy")),
                "concept": Selector("concept", many=True),
            },
            (ADVERSE_EVENTS, ALLERGIES, *DOSES),
            ("label", "date", "severity", "type"),
            many_readings=True,
        ),
        Kind(
            "electrolytes",
            "Electrolytes below their lower limit of normal: the laboratory's own, else the one "
            "given here. With albumin among the analytes, total calcium is corrected for it.",
            {"low": Field("number", "electrolytes below their limit")},
            {
                "analytes": Selector("analyte", required=True, many=True),
                "within": _DAYS,
                "potassium_floor": Selector("number", unit="mmol/L"),
                "magnesium_floor": Selector("number", unit="mmol/L"),
                "calcium_floor": Selector("number", unit="mmol/L"),
                "albumin_normal": Selector("number", unit="g/dL"),
                "calcium_per_albumin": Selector("number", unit="mg/dL per g/dL"),
            },
            (OBSERVATIONS,),
            ("low", "names", "lows", "items"),
        ),
        Kind(
            "qtc",
            "The latest corrected QT interval; of several of one ECG, the analyte named first "
            "counts. A later preliminary result and a conflicting final are further readings.",
            {
                "value": Field("number", "its length", "ms"),
                "days_ago": Field("number", "days before the evaluation", "days"),
                "above_baseline": Field(
                    "number",
                    "by how much it exceeds the latest one from before the first dose; only for "
                    "the analyte named first",
                    "ms",
                ),
                "highest": Field("number", "the longest on file", "ms"),
            },
            {
                "analytes": Selector("analyte", required=True, many=True),
                "dose_of": Selector("substance"),
            },
            (OBSERVATIONS,),
            (
                *("name", "text", "date", "age", "status"),
                *("baseline", "baseline_date", "highest", "highest_date"),
            ),
            many_readings=True,
        ),
        Kind(
            "ecg",
            "Whether an ECG with a corrected QT interval is due: none from the days before the "
            "first dose or later, or none since a current systemic drug of a class was begun.",
            {"due": Field("flag", "such an ECG is not on file")},
            {
                "analytes": Selector("analyte", required=True, many=True),
                "dose_of": Selector("substance", required=True),
                "within": Selector("number", required=True, unit="days"),
                "since_start_of": Selector("drug-class", many=True),
            },
            (OBSERVATIONS, MEDICATION_REQUESTS, MEDICATION_STATEMENTS),
            ("lacking", "items", "latest"),
        ),
        Kind(
            "hold",
            "The earliest dose held since the last one given, up to the order being signed now.",
            {
                "held": Field("flag", "a dose was held"),
                "for_toxicity": Field("flag", "the reason recorded is toxicity"),
                "days": Field("number", "days from its planned day to the order now", "days"),
                "step": Field(
                    "word",
                    "what the regimen asks of the next doses after a hold of so many days",
                    choices=("delay", "omit", "reduce", "stop"),
                ),
            },
            {"substance": _SUBSTANCE},
            DOSES,
            (
                *("days", "date", "reason", "apart", "omit_from", "reduce_from", "stop_after"),
                *("reduction", "doses_left"),
            ),
        ),
        Kind(
            "lab_since_hold",
            "How low a test came since a dose was held: one reading per analyte with final results "
            "since then; none when no dose is held.",
            {
                "lowest_times_uln": Field("number", "lowest multiple of the ULN since", "x ULN"),
                "days": Field("number", "days from the held dose to the latest result", "days"),
            },
            {"analyte": Selector("analyte", required=True, many=True), "substance": _SUBSTANCE},
            (OBSERVATIONS, *DOSES),
            ("name", "text", "date", "held", "days", "count", "times"),
            many_readings=True,
        ),
        Kind(
            "recent_drugs",
            "Medications of a class or substance ordered, taken or given now or in the days "
            "before; local use does not count.",
            {"count": Field("number", "distinct ingredients found")},
            {
                "class": Selector("drug-class", many=True),
                "substance": Selector("substance", many=True),
                "within": Selector("number", required=True, unit="days"),
                "except_route": Selector("word", choices=("intrathecal",)),
            },
            (MEDICATION_REQUESTS, MEDICATION_STATEMENTS, MEDICATION_ADMINISTRATIONS),
            ("names", "items", "count"),
        ),
        Kind(
            "preparation",
            "How the dose of each order being signed now was prepared, where a pharmacy note with "
            "the order tells; what it does not tell holds no test.",
            {
                "hours_to_dilution": Field("number", "from reconstitution to dilution", "hours"),
                "hours_to_end": Field(
                    "number", "from reconstitution to the end of the infusion", "hours"
                ),
                "frozen": Field("flag", "the note says that it was frozen"),
                "light": Field("flag", "the note says that it was exposed to light"),
            },
            {"substance": _SUBSTANCE},
            (),
            ("label", "reference", "to_dilution", "to_end"),
            many_readings=True,
        ),
        Kind(
            "unresolved_drugs",
            "Medications in scope whose drug was not identified by code: drafts, active drugs, and "
            "those found by text only.",
            {
                "count": Field("number", "medications not identified by code"),
                "drafted": Field("flag", "one of them is being ordered now"),
            },
            {"substance": _SUBSTANCE},
            (MEDICATION_REQUESTS, MEDICATION_STATEMENTS),
            ("names", "items", "drafts"),
        ),
        Kind(
            "conflicts",
            "Values or entries that contradict each other; the worse one is used.",
            {"count": Field("number", "contradictions found")},
            {
                "analytes": Selector("analyte", many=True),
                "within": _DAYS,
                "minutes_apart": Selector("number", unit="minutes"),
            },
            (OBSERVATIONS, CONDITIONS),
            ("names", "items"),
        ),
        Kind(
            "unassessed",
            "What the other rules of this call could not judge and no card of this answer says. "
            "Stated after all other verdicts.",
            {
                "count": Field("number", "things that could not be judged"),
                "could_be_critical": Field(
                    "flag", "a rule that could have been critical is among those left open"
                ),
            },
            {},
            (),
            ("items", "reasons", "names", "rules"),
        ),
    )
}
