"""QT, electrolytes, held doses and other toxicity, told from plain FHIR to the card."""

from __future__ import annotations

from typing import Any

import pytest

from tests.story import (
    Story,
    _resource,
    ago,
    condition,
    day,
    dosed,
    given,
    lab,
    on_file,
    order,
    premedication,
    result,
    whole_chart,
    within,
)

TODAY = 21
"""The day of the course in these stories: cycle 2 day 1."""


@pytest.fixture
def story(client: Any) -> Story:
    return Story(client)


def cards(story: Story, *chart: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The cards of a well-treated patient's cycle 2 day 1, with something more on file."""
    kept = [each for each in whole_chart(TODAY) if not _is_of(each, without)]
    return story.sign([dosed(TODAY), *premedication()], [*kept, *chart])


def _is_of(resource: dict[str, Any], codes: tuple[str, ...]) -> bool:
    coded = resource.get("code", {}).get("coding", [])
    return any(coding.get("code") in codes for coding in coded)


def qtc(value: float, days_ago: float = 1, code: str = "76634-5", **more: Any) -> dict[str, Any]:
    return result(code, value, "ms", days_ago, **more)


class TestECG:
    def test_none_on_file_is_information(self, story):
        card = cards(story, without=("76634-5",))["INO-QT-03"]
        assert card["indicator"] == "info"
        assert [each["label"] for each in card["suggestions"]] == ["Order a 12-lead ECG"]

    def test_none_since_a_known_risk_drug_began_is_a_warning(self, story):
        drug = on_file("fluconazole", authoredOn=ago(0.5))
        card = cards(story, drug)["INO-QT-03"]
        assert card["indicator"] == "warning"
        assert "since fluconazole began on 2026-11-19" in card["summary"]

    def test_an_ecg_of_the_same_day_but_later_is_enough(self, story):
        drug = on_file("fluconazole", authoredOn=ago(0.5))
        assert "INO-QT-03" not in cards(story, drug, qtc(420, 0.1))

    @pytest.mark.parametrize(
        ("value", "indicator"), [(501, "critical"), (500, "warning"), (480, "info"), (470, None)]
    )
    def test_a_long_qtc_is_told_by_its_length(self, story, value, indicator):
        found = cards(story, qtc(value, 0.2)).get("INO-QT-06", {})
        assert found.get("indicator") == indicator

    def test_a_critical_qtc_offers_to_hold_the_order(self, story):
        labels = [each["label"] for each in cards(story, qtc(510, 0.2))["INO-QT-06"]["suggestions"]]
        assert "Hold this inotuzumab order until cardiology has advised" in labels

    def test_a_component_of_an_ecg_panel_is_read(self, story):
        panel = _resource(
            "Observation",
            status="final",
            code={"coding": [{"system": "http://loinc.org", "code": "34534-8"}]},
            effectiveDateTime=ago(0.2),
            component=[
                {
                    "code": {"coding": [{"system": "http://loinc.org", "code": "8636-3"}]},
                    "valueQuantity": {"value": 0.512, "unit": "s"},
                }
            ],
        )
        assert cards(story, panel)["INO-QT-06"]["indicator"] == "critical"

    def test_long_qt_on_file_is_a_warning(self, story):
        card = cards(story, condition("I45.81"))["INO-QT-07"]
        assert card["indicator"] == "warning"
        assert card["summary"].startswith("On file: Long QT syndrome. ")


class TestElectrolytes:
    def test_missing_ones_are_named(self, story):
        card = cards(story, without=("2823-3",))["INO-QT-04"]
        assert card["indicator"] == "info"
        assert "potassium" in card["summary"]
        assert "magnesium" not in card["summary"]

    def test_low_ones_are_named_with_value_date_and_limit(self, story):
        low = result("2823-3", 3.1, "mmol/L", 0.2, **within(3.5, 5.1, "mmol/L"))
        card = cards(story, low)["INO-QT-05"]
        assert card["indicator"] == "warning"
        assert "potassium 3.1 mmol/L (2026-11-20)" in card["summary"]
        assert "lower limit 3.5 mmol/L" in card["detail"]

    def test_calcium_is_corrected_for_albumin(self, story):
        calcium = result("17861-6", 7.9, "mg/dL", 0.2, **within(8.5, 10.2, "mg/dL"))
        assert "INO-QT-05" in cards(story, calcium, result("1751-7", 3.9, "g/dL", 0.2))
        assert "INO-QT-05" not in cards(story, calcium, result("1751-7", 2.5, "g/dL", 0.2))


class TestHeldDoses:
    def hold(self, days_ago: float, reason: str = "Hepatotoxicity") -> dict[str, Any]:
        return on_file(
            "inotuzumab",
            status="on-hold",
            statusReason={"text": reason},
            dosageInstruction=[{"timing": {"event": [day(days_ago)]}}],
        )

    @pytest.mark.parametrize(
        ("days", "indicator"), [(6, "info"), (7, "warning"), (28, "warning"), (29, "critical")]
    )
    def test_the_length_of_a_hold_decides(self, story, days, indicator):
        found = story.sign([order("inotuzumab")], [self.hold(days)])["INO-NHT-02"]
        assert found["indicator"] == indicator

    def test_a_dose_not_given_is_a_hold(self, story):
        missed = given("inotuzumab", 8, status="not-done", statusReason=[{"text": "Toxicity"}])
        found = story.sign([order("inotuzumab")], [missed])["INO-NHT-02"]
        assert found["indicator"] == "warning"

    def test_a_hold_for_a_holiday_is_nobodys_business(self, story):
        chart = [self.hold(10, "Patient on holiday")]
        assert "INO-NHT-02" not in story.sign([order("inotuzumab")], chart)

    def test_a_liver_that_does_not_recover_is_critical(self, story):
        chart = [self.hold(30), lab("alt", "200 U/L", "40", 30), lab("alt", "120 U/L", "40", 1)]
        card = story.sign([order("inotuzumab")], chart)["INO-LIV-03"]
        assert card["indicator"] == "critical"
        assert (
            "on 2026-11-19, above 2.5 × ULN on every result since the dose held on 2026-10-21"
            in card["summary"]
        )


class TestOtherToxicity:
    def event(self, **more: Any) -> dict[str, Any]:
        return _resource(
            "AdverseEvent",
            **{
                "actuality": "actual",
                "event": {"text": "Nausea grade 2"},
                "date": ago(3),
                "suspectEntity": [{"instance": {"display": "inotuzumab ozogamicin"}}],
                **more,
            },
        )

    def test_an_unresolved_event_of_grade_2_is_a_warning(self, story):
        assert cards(story, self.event())["INO-NHT-01"]["indicator"] == "warning"

    @pytest.mark.parametrize(
        "more",
        [
            {"event": {"text": "Nausea grade 1"}},
            {"outcome": {"coding": [{"code": "resolved"}]}},
        ],
        ids=["grade 1", "resolved"],
    )
    def test_a_mild_or_resolved_event_is_silent(self, story, more):
        assert "INO-NHT-01" not in cards(story, self.event(**more))

    def test_lipase_above_twice_its_limit_is_information(self, story):
        high = result("3040-3", 130, "U/L", **within(10, 60, "U/L"))
        card = cards(story, high)["INO-PAN-01"]
        assert card["indicator"] == "info"
        assert "Lipase 130" in card["summary"]

    def test_a_very_low_creatinine_clearance_is_information(self, story):
        assert cards(story, result("2164-2", 12, "mL/min"))["INO-REN-01"]["indicator"] == "info"

    def test_dialysis_is_information(self, story):
        assert cards(story, condition("Z99.2"))["INO-REN-01"]["indicator"] == "info"

    @pytest.mark.parametrize(
        "concept",
        [
            {"text": "Oncaspar"},
            {"coding": [{"system": "http://www.whocc.no/atc", "code": "L01XX24"}]},
            {"coding": [{"system": "http://www.whocc.no/atc", "code": "L01FX02"}]},
        ],
        ids=["pegaspargase by name", "pegaspargase by code", "gemtuzumab ozogamicin"],
    )
    def test_another_drug_that_strains_the_liver_is_information(self, story, concept):
        dose = given("inotuzumab", 20, medicationCodeableConcept=concept)
        assert cards(story, dose)["INO-LIV-08"]["indicator"] == "info"

    def test_none_of_this_speaks_for_a_patient_who_is_well(self, story):
        speaking = {
            rule for rule in cards(story) if rule.split("-")[1] in ("QT", "NHT", "PAN", "REN")
        }
        assert speaking == set()
