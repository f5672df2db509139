"""One well-treated patient, from the first dose to the transplant: no warning, nothing critical.

Everything the label asks for is on file and in order at every step, so each interruption would be
one too many. Cards for information are allowed; what they are is printed when a test fails.
"""

from __future__ import annotations

import pytest

from tests.story import (
    LOINC,
    SNOMED,
    Story,
    _resource,
    ago,
    condition,
    day,
    given,
    lab,
    liver,
    mrd,
    on_file,
    order,
    response,
    transplant_planned,
)

WEIGHT, HEIGHT, BSA = 70.0, 170.0, 1.818
# Days from the first dose, cycle, day of the cycle, mg/m2: a responder from the second cycle on.
COURSE = [
    (0, 1, 1, 0.8),
    (7, 1, 8, 0.5),
    (14, 1, 15, 0.5),
    (21, 2, 1, 0.5),
    (28, 2, 8, 0.5),
    (35, 2, 15, 0.5),
]
CONDITIONING_DAY = 60
GRAFT_DAY = 66


def result(code: str, value: float, unit: str, days_ago: float = 1, **more):
    return _resource(
        "Observation",
        **{
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "effectiveDateTime": ago(days_ago),
            "valueQuantity": {"value": value, "unit": unit},
            **more,
        },
    )


def within(low: float, high: float, unit: str):
    return {
        "referenceRange": [
            {"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}
        ]
    }


def work_up() -> list:
    """What was done in the days before every dose."""
    return [
        *liver(),
        result("751-8", 2.5, "10*9/L"),
        result("777-3", 150, "10*9/L"),
        result("6690-2", 4.2, "10*9/L"),
        result("30376-8", 0, "10*9/L"),
        result("2823-3", 4.1, "mmol/L", **within(3.5, 5.1, "mmol/L")),
        result("2601-3", 0.85, "mmol/L", **within(0.7, 1.05, "mmol/L")),
        result("2000-8", 2.3, "mmol/L", **within(2.1, 2.6, "mmol/L")),
        result("76634-5", 415, "ms"),
        result("29463-7", WEIGHT, "kg"),
        result("8302-2", HEIGHT, "cm"),
        result("2532-0", 200, "U/L", **within(100, 250, "U/L")),
        _resource(
            "Observation",
            status="final",
            code={"coding": [{"system": LOINC, "code": "2118-8"}]},
            effectiveDateTime=ago(1),
            valueString="negative",
        ),
    ]


def story_so_far(today: int) -> list:
    """The chart on a day of the course, counted from the first dose."""
    doses = [
        given("inotuzumab", today - on, dosage={"dose": _mg(per_m2)})
        for on, _, _, per_m2 in COURSE
        if on < today
    ]
    chart = [
        condition("C91.02", onsetDateTime=day(today + 30)),
        condition("277571004", system=SNOMED, onsetDateTime=day(today + 400)),
        result("51124-6", 95, "%", today + 20),
        transplant_planned(GRAFT_DAY - today),
        on_file("ursodiol"),
        on_file("allopurinol"),
        *doses,
        *work_up(),
    ]
    if today > COURSE[2][0]:
        chart += [response(today - 19), mrd(today - 19)]
    return chart


def _mg(per_m2: float) -> dict:
    return {"value": round(per_m2 * BSA, 2), "unit": "mg"}


def premedication() -> list:
    once = {"dosageInstruction": [{"timing": {"event": [day(0)], "repeat": {"count": 1}}}]}
    return [
        order("dexamethasone", **once),
        order("acetaminophen", **once),
        order("diphenhydramine", **once),
    ]


def urgent(cards: dict) -> dict:
    return {rule: card["summary"] for rule, card in cards.items() if card["indicator"] != "info"}


@pytest.mark.parametrize(("on", "cycle", "day_of_cycle", "per_m2"), COURSE)
def test_no_dose_of_a_standard_course_is_interrupted(client, on, cycle, day_of_cycle, per_m2):
    draft = order(
        "inotuzumab",
        dosageInstruction=[
            {
                "text": f"C{cycle}D{day_of_cycle}: {per_m2} mg/m2 in 50 mL 0.9 % sodium chloride, "
                "IV over 1 hour",
                "timing": {"event": [day(0)]},
                "route": {"text": "intravenous"},
                "doseAndRate": [{"doseQuantity": _mg(per_m2)}],
            }
        ],
    )
    cards = Story(client).sign([draft, *premedication()], story_so_far(on))

    assert urgent(cards) == {}


def test_conditioning_with_one_alkylator_is_not_interrupted(client):
    days = {"dosageInstruction": [{"timing": {"event": [day(0), day(-1), day(-2)]}}]}
    drafts = [order("busulfan", **days), order("fludarabine", **days)]
    cards = Story(client).sign(drafts, story_so_far(CONDITIONING_DAY))

    assert urgent(cards) == {}


@pytest.mark.parametrize("on", [on for on, *_ in COURSE])
def test_opening_the_chart_interrupts_nobody(client, on):
    assert urgent(Story(client).view(story_so_far(on + 1))) == {}


def test_the_same_course_with_one_thing_wrong_is_interrupted(client):
    """The silence above is no deafness: one raised result at the same step speaks."""
    chart = [*story_so_far(21), lab("bilirubin", "1.9 mg/dL", "1.2", 0.5)]

    assert "INO-LIV-02" in urgent(Story(client).sign([order("inotuzumab")], chart))
