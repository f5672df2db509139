"""Cycles, responses and transplant intent in every way a chart may say them."""

from __future__ import annotations

import pytest

from tests.story import (
    ATC,
    HCPCS,
    LOINC,
    NDC,
    SNOMED,
    Story,
    ago,
    care_plan,
    coded,
    condition,
    course,
    day,
    given,
    goal,
    liver,
    mrd,
    observation,
    on_file,
    order,
    procedure,
    response,
    transplant_planned,
)

STATUS = coded(LOINC, "97509-4")
FULL_REMISSION = coded(SNOMED, "550991000124107")


@pytest.fixture
def story(client) -> Story:
    return Story(client)


def ino(**more):
    return order("inotuzumab", **more)


def written(text: str):
    return ino(dosageInstruction=[{"text": text}])


def cycle_cards(cards):
    return sorted(rule for rule in cards if rule.startswith("INO-CYC"))


class TestWhichCycle:
    @pytest.mark.parametrize(
        "draft",
        [
            written("C4D1: 0.9 mg IV over 1 hour"),
            written("Cycle 4, Day 1 0.5 mg/m2"),
            written("cycle 4 day 1"),
            ino(note=[{"text": "C4D1"}]),
            ino(note=[{"text": "InO C4 D1, premedicate"}]),
        ],
    )
    def test_the_order_says_it(self, story, draft):
        assert "INO-CYC-03" in story.sign([draft], [transplant_planned(None), *liver()])

    @pytest.mark.parametrize(
        "more",
        [
            {"title": "Inotuzumab ozogamicin cycle 4"},
            {"title": "InO", "description": "Inotuzumab ozogamicin, Cycle 4 of 6"},
            {
                "title": "Inotuzumab ozogamicin",
                "identifier": [{"system": "urn:protocol", "value": "INO-C4D1"}],
            },
        ],
    )
    def test_the_care_plan_of_the_order_says_it(self, story, more):
        plan = care_plan(**more)
        draft = ino(basedOn=[{"reference": f"CarePlan/{plan['id']}"}])
        assert "INO-CYC-03" in story.sign([draft], [plan, transplant_planned(None), *liver()])

    @pytest.mark.parametrize(
        "plan",
        [
            {
                "activity": [{"reference": {"reference": "MedicationRequest/x1"}}],
                "title": "Cycle 4",
            },
            {"activity": [{"detail": {"description": "Inotuzumab ozogamicin cycle 4 day 1"}}]},
        ],
    )
    def test_a_plan_that_names_the_order_or_the_drug(self, story, plan):
        for activity in plan["activity"]:
            activity.get("detail", {})["status"] = "in-progress"
        draft = {**ino(), "id": "x1"}
        chart = [care_plan(**plan), transplant_planned(None), *liver()]
        assert "INO-CYC-03" in story.sign([draft], chart)

    def test_the_request_group_among_the_drafts(self, story):
        group = {
            "resourceType": "RequestGroup",
            "id": "group",
            "status": "draft",
            "intent": "plan",
            "subject": {"reference": "Patient/p-1"},
            "action": [
                {"title": "Cycle 4 day 1", "resource": {"reference": "MedicationRequest/x1"}}
            ],
        }
        drafts = [{**ino(), "id": "x1"}, group]
        assert "INO-CYC-03" in story.sign(drafts, [transplant_planned(None), *liver()])

    def test_the_doses_say_it_when_nothing_else_does(self, story):
        cards = story.sign([ino()], [*course(3), transplant_planned(None), *liver()])
        card = cards["INO-CYC-03"]
        assert "inferred" in card["summary"] + card["detail"]

    def test_the_written_number_goes_before_the_doses_and_is_named(self, story):
        cards = story.sign([written("C3D1")], [*course(1), transplant_planned(None), *liver()])
        assert "INO-CYC-06" in cards
        assert "INO-CYC-03" not in cards

    def test_a_cycle_with_an_omitted_dose_still_counts(self, story):
        doses = [given("inotuzumab", each) for each in (98, 91, 70, 63, 56, 42, 35)]
        cards = story.sign([ino()], [*doses, transplant_planned(None), *liver()])
        assert "INO-CYC-03" in cards

    @pytest.mark.parametrize(
        "dose",
        [
            {"effectivePeriod": {"start": ago(40), "end": ago(39.9)}},
            {"medicationCodeableConcept": coded(NDC, "0008-0100-01")},
            {"medicationCodeableConcept": coded(NDC, "00008-0100-01")},
            {"medicationCodeableConcept": coded(NDC, "00008010001")},
            {"medicationCodeableConcept": coded(ATC, "L01FB01")},
            {"medicationCodeableConcept": {"text": "Besponsa 0.9 mg vial"}},
        ],
    )
    def test_a_dose_in_any_form(self, story, dose):
        first = given("inotuzumab", 40, **dose)
        if "effectivePeriod" in dose:
            del first["effectiveDateTime"]
        rest = [given("inotuzumab", 33), given("inotuzumab", 26)]
        assert "INO-CYC-06" in story.sign([ino()], [first, *rest, *liver()])

    @pytest.mark.parametrize(
        "system",
        [
            HCPCS,
            "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
            "urn:oid:2.16.840.1.113883.6.285",
            "http://terminology.hl7.org/CodeSystem/HCPCS",
        ],
    )
    def test_a_dose_as_a_billed_procedure(self, story, system):
        doses = [procedure("J9229", each, system) for each in (60, 53, 46, 32, 25, 18)]
        assert "INO-VOD-07" in story.sign([ino()], [*doses, *liver()])

    def test_a_dose_as_a_completed_request(self, story):
        doses = [
            on_file("inotuzumab", status="completed", authoredOn=ago(each))
            for each in (60, 53, 46, 32, 25, 18)
        ]
        assert "INO-VOD-07" in story.sign([ino()], [*doses, *liver()])

    def test_a_dose_recorded_twice_is_one(self, story):
        twice = [*course(1), *course(1)]
        billed = [procedure("J9229", each, HCPCS) for each in (28, 21, 14)]
        assert "INO-VOD-07" not in story.sign([ino()], [*twice, *billed, *liver()])

    @pytest.mark.parametrize("status", ["not-done", "entered-in-error", "stopped"])
    def test_a_dose_not_given_is_none(self, story, status):
        refused = [given("inotuzumab", each, status=status) for each in (28, 21, 14)]
        assert "INO-CYC-06" not in story.sign([ino()], [*refused, *liver()])

    def test_gemtuzumab_ozogamicin_is_another_drug(self, story):
        other = [
            given("x", each, medicationCodeableConcept={"text": "gemtuzumab ozogamicin"})
            for each in (28, 21, 14)
        ]
        assert cycle_cards(story.sign([ino()], [*other, *liver()])) == []
        gemtuzumab = order("x", medicationCodeableConcept={"text": "Gemtuzumab ozogamicin 3 mg/m2"})
        assert story.sign([gemtuzumab], liver("5", "500")) == {}


class TestIntent:
    YES = (
        transplant_planned(None),
        transplant_planned(None, status="draft"),
        transplant_planned(None, status="on-hold"),
        transplant_planned(None, intent="order"),
        transplant_planned(None, intent="proposal"),
        transplant_planned(20),
        care_plan(
            activity=[{"detail": {"status": "not-started", "code": coded(SNOMED, "234336002")}}]
        ),
        care_plan(
            activity=[{"detail": {"status": "scheduled", "description": "Allogeneic HSCT in CR2"}}]
        ),
        care_plan(title="Bridge to allogeneic stem cell transplant"),
        goal("Allogeneic stem cell transplant in remission"),
        goal("Bridge to HSCT", lifecycleStatus="accepted"),
        procedure("234336002", -20, status="preparation"),
    )
    NO = (
        transplant_planned(None, doNotPerform=True),
        transplant_planned(None, status="revoked"),
        care_plan(title="Inotuzumab", description="Not a transplant candidate."),
        care_plan(
            activity=[{"detail": {"status": "cancelled", "code": coded(SNOMED, "234336002")}}]
        ),
        care_plan(
            activity=[
                {
                    "detail": {
                        "status": "not-started",
                        "doNotPerform": True,
                        "code": coded(SNOMED, "234336002"),
                    }
                }
            ]
        ),
        goal("Allogeneic stem cell transplant", lifecycleStatus="rejected"),
        goal("Allogeneic stem cell transplant", lifecycleStatus="cancelled"),
        care_plan(note=[{"text": "Patient is not a transplant candidate"}]),
    )
    CHART = (*course(3), response(40), mrd(40), *liver())

    @pytest.mark.parametrize("sign", YES)
    def test_planned(self, story, sign):
        cards = story.sign([ino()], [*self.CHART, sign])
        assert "INO-CYC-03" in cards
        assert "INO-CYC-07" not in cards

    @pytest.mark.parametrize("sign", NO)
    def test_ruled_out(self, story, sign):
        cards = story.sign([ino()], [*self.CHART, sign])
        assert "INO-CYC-03" not in cards
        assert "INO-CYC-07" not in cards

    def test_both_are_unknown_and_said(self, story):
        cards = story.sign([ino()], [*self.CHART, self.YES[0], self.NO[2]])
        assert "INO-CYC-03" not in cards
        assert cards["INO-CYC-07"]["indicator"] == "info"
        assert "not clear" in cards["INO-CYC-07"]["summary"]
        assert "Not a transplant candidate" in cards["INO-CYC-07"]["detail"]

    @pytest.mark.parametrize(
        "sign",
        [
            transplant_planned(None, status="entered-in-error"),
            care_plan(title="Consider transplant"),
            condition("Z76.82"),
            procedure("397554006", -20, status="preparation"),
        ],
    )
    def test_what_says_nothing(self, story, sign):
        cards = story.sign([ino()], [*self.CHART, sign])
        assert "INO-CYC-07" in cards
        assert "INO-CYC-03" not in cards

    def test_conditioning_on_order_is_intent(self, story):
        cards = story.sign([ino()], [*self.CHART, on_file("busulfan")])
        assert "INO-CYC-03" in cards

    @pytest.mark.parametrize(("cycles", "fires"), [(1, False), (2, True), (3, True)])
    def test_unknown_matters_from_the_third_cycle(self, story, cycles, fires):
        cards = story.sign([ino()], [*course(cycles), response(5), mrd(5), *liver()])
        assert ("INO-CYC-07" in cards) is fires


class TestResponse:
    """Third cycle, transplant planned, MRD negative: 01 with CR/CRi, 02 without."""

    REMISSION = (
        {"code": STATUS, "valueCodeableConcept": FULL_REMISSION},
        {"code": STATUS, "valueCodeableConcept": coded(SNOMED, "103338009")},
        {"code": STATUS, "valueCodeableConcept": {"text": "CRi"}},
        {"code": STATUS, "valueString": "Complete remission"},
        {"code": {"text": "Response assessment"}, "valueString": "CR"},
        {"code": {"text": "Response assessment"}, "valueString": "CR, no evidence of relapse"},
        {"code": {"text": "Response"}, "valueCodeableConcept": {"text": "CRi"}},
        {
            "code": {"coding": [{"system": "urn:local", "code": "RESP"}], "text": "Disease status"},
            "valueCodeableConcept": coded("urn:local", "CRi"),
        },
    )
    NO_REMISSION = (
        {"code": STATUS, "valueCodeableConcept": coded(SNOMED, "268910001")},
        {"code": STATUS, "valueCodeableConcept": coded(SNOMED, "359746009")},
        {"code": STATUS, "valueCodeableConcept": coded(SNOMED, "551001000124108")},
        {"code": STATUS, "valueString": "not in remission"},
        {"code": {"text": "Response assessment"}, "valueString": "Not in remission"},
        {"code": coded(LOINC, "11150-0"), "valueQuantity": {"value": 12, "unit": "%"}},
    )

    def chart(self, assessment, *more):
        return [*course(2), observation(days_ago=5, **assessment), *more]

    @pytest.mark.parametrize("assessment", REMISSION)
    def test_remission(self, story, assessment):
        chart = self.chart(assessment, mrd(5), transplant_planned(None), *liver())
        assert cycle_cards(story.sign([ino()], chart)) == ["INO-CYC-01"]

    @pytest.mark.parametrize("assessment", NO_REMISSION)
    def test_no_remission(self, story, assessment):
        chart = self.chart(assessment, mrd(5), transplant_planned(None), *liver())
        assert cycle_cards(story.sign([ino()], chart)) == ["INO-CYC-02"]

    @pytest.mark.parametrize("assessment", NO_REMISSION)
    def test_no_remission_in_three_cycles(self, story, assessment):
        chart = [*course(3), observation(days_ago=5, **assessment), *liver()]
        assert story.sign([ino()], chart)["INO-CYC-05"]["indicator"] == "critical"

    @pytest.mark.parametrize("assessment", REMISSION)
    def test_remission_in_three_cycles(self, story, assessment):
        chart = [*course(3), observation(days_ago=40, **assessment), *liver()]
        assert "INO-CYC-05" not in story.sign([ino()], chart)

    def test_no_assessment_is_not_no_response(self, story):
        cards = story.sign([ino()], [*course(3), *liver()])
        assert "INO-CYC-05" not in cards
        assert cards["INO-CYC-06"]["indicator"] == "warning"

    @pytest.mark.parametrize(
        "condition_",
        [
            condition("C91.01", recordedDate=day(5), onsetDateTime=day(5)),
            condition("C91.00", status="remission", recordedDate=day(5), abatementDateTime=day(5)),
        ],
    )
    def test_remission_on_the_problem_list(self, story, condition_):
        chart = [*course(2), condition_, mrd(5), transplant_planned(None), *liver()]
        assert cycle_cards(story.sign([ino()], chart)) == ["INO-CYC-01"]

    @pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
    def test_a_response_taken_back_is_none(self, story, status):
        loose = {**response(5), "status": status}
        chart = [*course(2), loose, mrd(5), transplant_planned(None), *liver()]
        assert story.sign([ino()], chart)["INO-CYC-06"]["indicator"] == "warning"

    def test_a_preliminary_response_settles_nothing(self, story):
        loose = {**response(5), "status": "preliminary"}
        chart = [*course(3), loose, *liver()]
        assert "INO-CYC-05" not in story.sign([ino()], chart)

    def test_a_response_before_the_last_dose_is_too_old(self, story):
        chart = [*course(2), response(15), mrd(15), transplant_planned(None), *liver()]
        assert story.sign([ino()], chart)["INO-CYC-06"]["indicator"] == "warning"

    def test_a_response_not_done_is_none(self, story):
        none = observation(STATUS, 5, dataAbsentReason={"text": "not done"})
        assert "INO-CYC-06" in story.sign([ino()], [*course(1), none, *liver()])


FLOW = {"text": "MRD by flow cytometry"}


class TestMRD:
    NEGATIVE = (
        {"code": FLOW, "valueString": "negative"},
        {"code": FLOW, "valueString": "Not detected"},
        {"code": FLOW, "valueString": "< 0.01 %"},
        {"code": FLOW, "valueCodeableConcept": coded(SNOMED, "260385009")},
        {"code": FLOW, "valueCodeableConcept": {"text": "MRD negative"}},
        {"code": FLOW, "valueQuantity": {"value": 0.01, "comparator": "<", "unit": "%"}},
        {
            "code": {
                "coding": [{"system": "urn:local", "code": "MRD", "display": "MRD flow, marrow"}]
            },
            "valueString": "undetectable",
        },
        {"code": {"text": "Minimal residual disease"}, "valueString": "Negative (<1E-4)"},
        {"code": {"text": "Measurable residual disease"}, "valueString": "no evidence of MRD"},
    )
    POSITIVE = (
        {"code": FLOW, "valueString": "positive"},
        {"code": FLOW, "valueString": "Detected"},
        {"code": FLOW, "valueCodeableConcept": coded(SNOMED, "10828004")},
        {"code": FLOW, "valueQuantity": {"value": 0.5, "unit": "%"}},
        {"code": FLOW, "valueString": "0.5 %"},
    )

    def sign(self, story, result):
        chart = [*course(2), response(5), transplant_planned(None), *liver()]
        return story.sign([ino()], [*chart, observation(days_ago=5, **result)])

    @pytest.mark.parametrize("result", NEGATIVE)
    def test_negative(self, story, result):
        assert cycle_cards(self.sign(story, result)) == ["INO-CYC-01"]

    @pytest.mark.parametrize("result", POSITIVE)
    def test_positive(self, story, result):
        assert cycle_cards(self.sign(story, result)) == ["INO-CYC-02"]

    @pytest.mark.parametrize("text", ["pending", "indeterminate", "insufficient sample"])
    def test_neither(self, story, text):
        cards = self.sign(story, {"code": FLOW, "valueString": text})
        assert cycle_cards(cards) == ["INO-CYC-06"]
        assert "MRD" in cards["INO-CYC-06"]["summary"]

    def test_missing(self, story):
        chart = [*course(2), response(5), transplant_planned(None), *liver()]
        card = story.sign([ino()], chart)["INO-CYC-06"]
        assert card["indicator"] == "warning"
        assert "MRD" in card["summary"]

    def test_missing_does_not_matter_without_a_transplant(self, story):
        chart = [*course(2), response(5), transplant_planned(None, doNotPerform=True), *liver()]
        assert cycle_cards(story.sign([ino()], chart)) == []

    def test_missing_does_not_matter_without_remission(self, story):
        chart = [*course(2), response(5, remission=False), transplant_planned(None), *liver()]
        assert cycle_cards(story.sign([ino()], chart)) == ["INO-CYC-02"]

    @pytest.mark.parametrize(
        "words",
        ["CR, MRD negative", "MRD-negative CRi", "Complete remission with MRD negativity"],
    )
    def test_together_with_the_response_in_one_text(self, story, words):
        chart = [*course(2), transplant_planned(None), *liver()]
        both = observation({"text": "Response"}, 5, valueString=words)
        assert cycle_cards(story.sign([ino()], [*chart, both])) == ["INO-CYC-01"]


class TestEdges:
    @pytest.mark.parametrize(("text", "indicator"), [("C2D1", "info"), ("C3D1", "warning")])
    def test_a_response_is_missed_although_no_dose_is_on_file(self, story, text, indicator):
        assert story.sign([written(text)], liver())["INO-CYC-06"]["indicator"] == indicator

    @pytest.mark.parametrize(("cycles", "fires"), [(2, False), (3, True), (5, True)])
    def test_beyond_the_third_before_a_transplant(self, story, cycles, fires):
        chart = [*course(cycles), response(5), mrd(5), transplant_planned(None), *liver()]
        assert ("INO-CYC-03" in story.sign([ino()], chart)) is fires

    @pytest.mark.parametrize(("text", "fires"), [("C6D15", False), ("C7D1", True), ("C7D8", True)])
    def test_more_than_six(self, story, text, fires):
        assert ("INO-CYC-04" in story.sign([written(text)], liver())) is fires

    def test_seven_cycles_is_one_message(self, story):
        chart = [*course(6), response(170), mrd(170), transplant_planned(None), *liver()]
        assert "INO-CYC-04" in story.sign([ino()], chart)

    @pytest.mark.parametrize("text", ["C3D8", "C3D15"])
    def test_only_day_one_opens_a_cycle(self, story, text):
        chart = [*course(2), response(5), mrd(5), transplant_planned(None), *liver()]
        cards = story.sign([written(text)], chart)
        assert not {"INO-CYC-01", "INO-CYC-02"} & set(cards)

    def test_the_first_cycle_needs_no_response(self, story):
        assert cycle_cards(story.sign([ino()], liver())) == []
        assert cycle_cards(story.sign([written("C1D8")], [given("inotuzumab", 7), *liver()])) == []

    def test_a_critical_cycle_card_offers_to_stop_the_order(self, story):
        for chart in (
            [*course(3), response(5), transplant_planned(None), *liver()],
            [*course(6), response(5), *liver()],
            [*course(3), response(5, remission=False), *liver()],
        ):
            for card in story.sign([ino()], chart).values():
                if card["indicator"] == "critical":
                    types = {a["type"] for s in card["suggestions"] for a in s.get("actions", [])}
                    assert {"delete", "update"} & types
