"""Dose, schedule, body surface and infusion as a chart tells them, on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.story import (
    LOINC,
    SNOMED,
    Story,
    ago,
    coded,
    course,
    day,
    given,
    observation,
    order,
    procedure,
    response,
    transplant_planned,
)

Cards = dict[str, dict[str, Any]]
REDUCED = {"text": "25 % dose reduction for ALT"}


@pytest.fixture
def story(client: Any) -> Story:
    return Story(client)


def ino(milligrams: float, text: str = "", **dosage: Any) -> Any:
    return order("inotuzumab", dosageInstruction=[_dosage(milligrams, text, **dosage)])


def _dosage(milligrams: float, text: str = "", **more: Any) -> dict[str, Any]:
    amount = {"value": milligrams, "unit": "mg"}
    words = {"text": text} if text else {}
    return {"doseAndRate": [{"doseQuantity": amount}], **words, **more}


def measured(code: str, value: float, unit: str, days_ago: float = 1) -> Any:
    quantity = {"value": value, "unit": unit}
    return observation(coded(LOINC, code), days_ago, valueQuantity=quantity)


def bsa(days_ago: float = 1) -> Any:
    return measured("3140-1", 2.0, "m2", days_ago)


def dose(days_ago: float, milligrams: float, **more: Any) -> Any:
    amount = {"value": milligrams, "unit": "mg"}
    return given("inotuzumab", days_ago, dosage={"dose": amount}, **more)


def cycle_1() -> list[Any]:
    return [dose(28, 1.6), dose(21, 1.0), dose(14, 1.0)]


def urgency(cards: Cards) -> dict[str, str]:
    return {rule: card["indicator"] for rule, card in cards.items() if "-DOSE-" in rule}


class TestDose:
    def test_a_dose_too_high_is_critical_and_can_be_held_or_deleted(self, story: Story) -> None:
        draft = ino(2.4)
        card = story.sign([draft], [bsa()])["INO-DOSE-01"]
        actions = [each["actions"][0] for each in card["suggestions"]]

        assert card["indicator"] == "critical"
        assert "50 % above" in card["summary"]
        assert "2.0 m2 (on file" in card["detail"].replace("\\", "")
        assert {each["type"] for each in actions} == {"update", "delete"}
        assert actions[0]["resource"]["status"] == "on-hold"
        assert actions[0]["resource"]["dosageInstruction"] == draft["dosageInstruction"]

    def test_a_dose_too_low_is_a_warning(self, story: Story) -> None:
        assert urgency(story.sign([ino(1.2)], [bsa()]))["INO-DOSE-01"] == "warning"

    def test_with_a_reduction_on_file_it_is_information(self, story: Story) -> None:
        earlier = [*cycle_1()[:2], dose(14, 0.75, note=[REDUCED]), response(3, remission=False)]

        assert urgency(story.sign([ino(1.2)], [bsa(), *earlier])) == {"INO-DOSE-01": "info"}

    def test_the_formula_is_named(self, story: Story) -> None:
        body = [measured("29463-7", 176.37, "lb"), measured("8302-2", 180, "cm", 60)]
        card = story.sign([ino(2.4)], body)["INO-DOSE-01"]

        assert "Mosteller" in card["detail"]
        assert "180 cm" in card["detail"]

    @pytest.mark.parametrize(
        ("milligrams", "remission", "expected"),
        [
            (1.6, True, {"INO-DOSE-02": "warning"}),
            (1.0, False, {"INO-DOSE-03": "info"}),
            (1.6, False, {}),
            (1.0, True, {}),
            (1.6, None, {}),
            (1.0, None, {}),
        ],
    )
    def test_day_1_follows_the_response(
        self, story: Story, milligrams: float, remission: bool | None, expected: dict[str, str]
    ) -> None:
        assessed = [] if remission is None else [response(3, remission)]
        chart = [bsa(), *cycle_1(), *assessed]

        assert urgency(story.sign([ino(milligrams)], chart)) == expected

    def test_a_reduced_dose_does_not_go_up_again(self, story: Story) -> None:
        chart = [
            bsa(),
            *cycle_1()[:2],
            dose(14, 0.75, note=[REDUCED]),
            response(3, remission=False),
        ]

        assert urgency(story.sign([ino(1.6)], chart)) == {"INO-DOSE-04": "critical"}

    def test_a_single_large_dose_is_named_beside_the_alarm(self, story: Story) -> None:
        found = urgency(story.sign([ino(3.6)], [bsa()]))

        assert found == {"INO-DOSE-01": "critical", "INO-DOSE-09": "info"}

    def test_a_small_monthly_dose_after_transplant_is_named(self, story: Story) -> None:
        chart = [bsa(), procedure("234336002", 100), dose(30, 0.6)]

        assert urgency(story.sign([ino(0.6)], chart))["INO-DOSE-09"] == "info"

    def test_the_doses_of_one_cycle_are_added(self, story: Story) -> None:
        chart = [bsa(), dose(14, 1.6), dose(7, 1.6)]

        assert urgency(story.sign([ino(1.0)], chart)) == {"INO-DOSE-08": "critical"}

    def test_the_cumulative_dose_is_told_before_a_transplant(self, story: Story) -> None:
        chart = [bsa(), *(dose(56 - 7 * week, 1.2) for week in range(6)), response(3)]
        planned = [*chart, transplant_planned()]

        assert "INO-DOSE-11" in urgency(story.sign([ino(1.0)], planned))
        assert "INO-DOSE-11" not in urgency(story.sign([ino(1.0)], chart))


class TestBodySurface:
    def test_nothing_measured_asks_for_weight_and_height(self, story: Story) -> None:
        card = story.sign([ino(1.6)], [])["INO-DOSE-07"]
        created = card["suggestions"][0]["actions"][0]["resource"]

        assert card["indicator"] == "warning"
        assert created["resourceType"] == "ServiceRequest"

    def test_what_it_says_is_missing_is_not_repeated(self, story: Story) -> None:
        cards = story.sign([ino(1.6)], [])

        assert "body surface" not in cards.get("INO-DATA-01", {"detail": ""})["detail"]

    def test_a_stated_weight_is_none(self, story: Story) -> None:
        chart = [measured("3142-7", 80, "kg"), measured("8302-2", 180, "cm")]

        assert "INO-DOSE-07" in story.sign([ino(1.6)], chart)

    def test_a_weight_that_moved_away_is_told(self, story: Story) -> None:
        chart = [bsa(40), measured("29463-7", 80, "kg", 40), measured("29463-7", 70, "kg", 1)]
        card = story.sign([ino(1.6)], chart)["INO-DOSE-07"]

        assert "12.5 %" in card["summary"]

    def test_other_orders_do_not_ask_for_it(self, story: Story) -> None:
        assert urgency(story.sign([order("ondansetron")], course(1))) == {}


class TestSchedule:
    def test_five_days_are_too_few_and_six_are_not(self, story: Story) -> None:
        def found(days_ago: float) -> dict[str, str]:
            return urgency(story.sign([ino(1.0)], [bsa(), dose(days_ago, 1.6)]))

        assert found(5) == {"INO-DOSE-05": "critical"}
        assert found(6) == {}

    @pytest.mark.parametrize(("begun", "expected"), [(20, {"INO-DOSE-06": "warning"}), (21, {})])
    def test_cycle_1_lasts_21_days(
        self, story: Story, begun: int, expected: dict[str, str]
    ) -> None:
        given_so_far = [dose(begun, 1.6), dose(begun - 7, 1.0), dose(begun - 14, 1.0)]

        assert urgency(story.sign([ino(1.6)], [bsa(), *given_so_far])) == expected


class TestInfusion:
    @pytest.mark.parametrize(
        "route",
        [{"text": "subcutaneous"}, coded(SNOMED, "34206005"), {"text": "by mouth"}],
    )
    def test_another_route_is_critical(self, story: Story, route: dict[str, Any]) -> None:
        found = urgency(story.sign([ino(1.6, route=route)], [bsa()]))

        assert found == {"INO-DOSE-13": "critical"}

    @pytest.mark.parametrize("route", [{"text": "IV"}, coded(SNOMED, "47625008")])
    def test_a_vein_is_not(self, story: Story, route: dict[str, Any]) -> None:
        assert urgency(story.sign([ino(1.6, route=route)], [bsa()])) == {}

    def test_an_infusion_over_ten_minutes_is_told(self, story: Story) -> None:
        draft = ino(1.6, "1.6 mg IV over 10 minutes")

        assert urgency(story.sign([draft], [bsa()])) == {"INO-DOSE-12": "info"}

    def test_vials_counted_as_in_europe_are_told_in_the_us(self, story: Story) -> None:
        draft = ino(1.6, "1.6 mg IV over 1 hour; 1 mg per vial")

        assert urgency(story.sign([draft], [bsa()])) == {"INO-DOSE-14": "info"}


def test_a_planned_day_counts_and_not_the_day_of_signing(story: Story) -> None:
    draft = ino(1.0, timing={"event": [day(-1)]})

    assert urgency(story.sign([draft], [bsa(), dose(5, 1.6)])) == {}
    assert ago(5) < day(-1)
