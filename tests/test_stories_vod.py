"""VOD rules at every edge the catalogue names, as whole stories."""

from __future__ import annotations

from itertools import count
from uuid import UUID

import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.story import (
    ATC,
    CPT,
    HCPCS,
    NOW,
    SNOMED,
    Story,
    ago,
    care_plan,
    coded,
    condition,
    course,
    dated,
    day,
    given,
    goal,
    lab,
    liver,
    on_file,
    order,
    procedure,
    transplant_planned,
)

PCS = "http://www.cms.gov/Medicare/Coding/ICD10"


@pytest.fixture
def story(client) -> Story:
    return Story(client)


@pytest.fixture(scope="module")
def european() -> Story:
    numbers = count(1)
    app = create_app(
        Settings(profile="EU"), clock=lambda: NOW, new_id=lambda: str(UUID(int=next(numbers)))
    )
    return Story(app.test_client())


def ino(**more):
    return order("inotuzumab", **more)


def vod(status="active", **more):
    return condition("K76.5", status=status, **more)


def verification(code):
    return {"verificationStatus": {"coding": [{"code": code}]}}


class TestVODNow:
    @pytest.mark.parametrize("status", ["active", "recurrence", "relapse"])
    def test_a_live_status_is_critical(self, story, status):
        assert story.sign([ino()], [vod(status), *liver()])["INO-VOD-01"]["indicator"] == "critical"

    def test_snomed_vod_counts_too(self, story):
        entry = condition("65617004", SNOMED)
        assert "INO-VOD-01" in story.sign([ino()], [entry, *liver()])

    @pytest.mark.parametrize(
        ("status", "fires"),
        [
            ("confirmed", True),
            ("provisional", True),
            ("refuted", False),
            ("entered-in-error", False),
        ],
    )
    def test_verification_decides(self, story, status, fires):
        cards = story.sign([ino()], [vod(**verification(status)), *liver()])
        assert ("INO-VOD-01" in cards) is fires

    def test_merely_suspected_vod_is_said_not_judged(self, story):
        cards = story.sign([ino()], [vod(**verification("unconfirmed")), *liver()])
        assert "INO-VOD-01" in cards or cards["INO-DATA-01"]["indicator"] == "warning"

    @pytest.mark.parametrize(("days_ago", "fires"), [(220, True), (219, True), (221, False)])
    def test_onset_on_or_after_the_first_dose(self, story, days_ago, fires):
        entry = vod("resolved", onsetDateTime=day(days_ago), abatementDateTime=day(150))
        cards = story.sign([ino()], [given("inotuzumab", 220), entry, *liver()])
        assert ("INO-VOD-01" in cards) is fires

    def test_onset_as_a_period(self, story):
        entry = vod("resolved", onsetPeriod={"start": day(200), "end": day(190)})
        assert "INO-VOD-01" in story.sign([ino()], [given("inotuzumab", 220), entry, *liver()])

    def test_abatement_as_a_period(self, story):
        entry = vod(
            "resolved", onsetDateTime=day(400), abatementPeriod={"start": day(60), "end": day(50)}
        )
        assert "INO-VOD-01" in story.sign([ino()], [entry, *liver()])

    def test_a_failed_condition_search_is_said_as_a_warning(self, story):
        body = story.body("order-sign", [ino()], liver())
        body["prefetch"]["conditions"] = None
        cards = {c["source"]["topic"]["code"]: c for c in story.cards(body)}
        assert cards["INO-DATA-01"]["indicator"] == "warning"

    def test_vod_without_an_inotuzumab_order_is_not_ours(self, story):
        assert "INO-VOD-01" not in story.sign([order("fludarabine")], [vod(), *liver()])

    def test_never_both_vod_cards(self, story):
        old = vod("resolved", onsetDateTime=day(900), abatementDateTime=day(800))
        cards = story.sign([ino()], [vod(), old, *liver()])
        assert "INO-VOD-01" in cards
        assert "INO-VOD-02" not in cards


OLD = {"onsetDateTime": day(900), "abatementDateTime": day(800)}
IN_THE_EU = (
    (coded(SNOMED, "24484000"), "critical"),
    ({"text": "severe"}, "critical"),
    (coded(SNOMED, "6736007"), "warning"),
    (coded(SNOMED, "255604002"), "warning"),
    ({"text": "Mild"}, "warning"),
    (None, "critical"),
)


class TestEarlierVOD:
    @pytest.mark.parametrize(("severity", "indicator"), IN_THE_EU)
    def test_severity_decides_in_the_eu(self, european, severity, indicator):
        more = {"severity": severity} if severity else {}
        cards = european.sign([ino()], [vod("resolved", **OLD, **more), *liver()])
        assert cards["INO-VOD-02"]["indicator"] == indicator
        assert cards["INO-VOD-02"]["suggestions"]

    @pytest.mark.parametrize("severity", [severity for severity, _ in IN_THE_EU])
    def test_severity_does_not_matter_in_the_us(self, story, severity):
        more = {"severity": severity} if severity else {}
        cards = story.sign([ino()], [vod("resolved", **OLD, **more), *liver()])
        assert cards["INO-VOD-02"]["indicator"] == "warning"

    @pytest.mark.parametrize("status", ["resolved", "inactive", "remission"])
    def test_any_ended_status(self, story, status):
        assert "INO-VOD-02" in story.sign([ino()], [vod(status, **OLD), *liver()])

    def test_before_the_first_dose_although_doses_followed(self, story):
        chart = [vod("resolved", **OLD), *course(1), *liver()]
        assert "INO-VOD-02" in story.sign([ino()], chart)


class TestEarlierTransplant:
    @pytest.mark.parametrize(
        ("system", "code"),
        [
            (SNOMED, "234336002"),
            (SNOMED, "23719005"),
            (CPT, "38240"),
            ("urn:oid:2.16.840.1.113883.6.12", "38240"),
            (PCS, "30243Y1"),
        ],
    )
    def test_a_completed_transplant_in_any_system(self, story, system, code):
        cards = story.sign([ino()], [procedure(code, 400, system), *liver()])
        assert cards["INO-VOD-04"]["indicator"] == "warning"
        assert day(400) in cards["INO-VOD-04"]["summary"]

    @pytest.mark.parametrize(
        ("system", "code"), [(SNOMED, "709115004"), (CPT, "38241"), (PCS, "30243Y0")]
    )
    def test_an_autologous_one_says_so(self, story, system, code):
        card = story.sign([ino()], [procedure(code, 400, system), *liver()])["INO-VOD-04"]
        assert "autologous" in card["summary"] + card["detail"]

    @pytest.mark.parametrize(
        ("system", "code"), [(SNOMED, "397554006"), (CPT, "38242"), (CPT, "38243")]
    )
    def test_what_is_no_transplant(self, story, system, code):
        assert "INO-VOD-04" not in story.sign([ino()], [procedure(code, 400, system), *liver()])

    @pytest.mark.parametrize("status", ["not-done", "preparation", "entered-in-error"])
    def test_a_transplant_not_done(self, story, status):
        undone = procedure("234336002", 5, status=status)
        assert "INO-VOD-04" not in story.sign([ino()], [undone, *liver()])

    @pytest.mark.parametrize(
        "history",
        [
            condition("Z94.84"),
            condition("Z9484"),
            condition("Z94.81", status="inactive"),
            condition("2631000119108", SNOMED),
        ],
    )
    def test_a_history_of_transplant_is_enough(self, story, history):
        assert "INO-VOD-04" in story.sign([ino()], [history, *liver()])

    def test_a_refuted_history_is_none(self, story):
        wrong = condition("Z94.84", **verification("refuted"))
        assert "INO-VOD-04" not in story.sign([ino()], [wrong, *liver()])

    def test_performed_as_a_period(self, story):
        done = procedure("234336002", 400)
        del done["performedDateTime"]
        done["performedPeriod"] = {"start": day(400), "end": day(400)}
        card = story.sign([ino()], [done, *liver()])["INO-VOD-04"]
        assert day(400) in card["summary"]


class TestManyCycles:
    @pytest.mark.parametrize(("text", "fires"), [("C2D1", False), ("C3D1", True), ("C3D8", True)])
    def test_the_number_on_the_order(self, story, text, fires):
        draft = ino(dosageInstruction=[{"text": f"{text}: 0.9 mg IV"}])
        assert ("INO-VOD-07" in story.sign([draft], liver())) is fires

    @pytest.mark.parametrize(("cycles", "fires"), [(2, False), (3, True)])
    def test_conditioning_after_many_cycles(self, story, cycles, fires):
        chart = [*course(cycles, 30), transplant_planned(6), *liver()]
        assert ("INO-VOD-07" in story.sign([order("busulfan")], chart)) is fires


class TestTwoAlkylators:
    def chart(self, *more):
        return [*course(2, 40), *more, *liver()]

    def test_both_drafted_together(self, story):
        drafts = [order("busulfan"), order("cyclophosphamide")]
        card = story.sign(drafts, self.chart())["INO-VOD-08"]
        assert card["indicator"] == "critical"
        assert "busulfan" in card["summary"]
        assert "cyclophosphamide" in card["summary"]
        named = {
            action.get("resourceId")
            for suggestion in card["suggestions"]
            for action in suggestion.get("actions", [])
            if action["type"] == "delete"
        }
        assert named <= {f"MedicationRequest/{draft['id']}" for draft in drafts}
        assert named

    def test_without_sign_of_a_transplant_it_is_a_warning(self, story):
        drafts = [order("cyclophosphamide"), order("ifosfamide")]
        assert story.sign(drafts, self.chart())["INO-VOD-08"]["indicator"] == "warning"

    @pytest.mark.parametrize(
        "sign",
        [
            transplant_planned(10),
            transplant_planned(None, intent="proposal"),
            care_plan(
                activity=[{"detail": {"status": "scheduled", "code": coded(SNOMED, "234336002")}}]
            ),
            goal("Proceed to allogeneic stem cell transplantation"),
            procedure("234336002", -10, status="preparation"),
        ],
    )
    def test_any_sign_of_a_transplant_makes_it_critical(self, story, sign):
        drafts = [order("cyclophosphamide"), order("ifosfamide")]
        assert story.sign(drafts, self.chart(sign))["INO-VOD-08"]["indicator"] == "critical"

    @pytest.mark.parametrize("typical", ["busulfan", "melphalan", "thiotepa"])
    def test_a_typical_drug_is_sign_enough(self, story, typical):
        drafts = [order("cyclophosphamide"), order(typical)]
        assert story.sign(drafts, self.chart())["INO-VOD-08"]["indicator"] == "critical"

    @pytest.mark.parametrize(("days", "fires"), [(14, True), (15, False)])
    def test_without_a_graft_day_alkylators_within_14_days_stand_together(self, story, days, fires):
        cards = story.sign([order("melphalan")], self.chart(given("busulfan", days)))
        assert ("INO-VOD-08" in cards) is fires

    @pytest.mark.parametrize(("before_graft", "fires"), [(14, True), (15, False)])
    def test_the_window_before_the_graft(self, story, before_graft, fires):
        chart = self.chart(transplant_planned(20))
        drafts = [dated(order("busulfan"), 20 - before_graft), dated(order("melphalan"), 18)]
        assert ("INO-VOD-08" in story.sign(drafts, chart)) is fires

    @pytest.mark.parametrize(("after_graft", "fires"), [(-1, True), (0, False), (3, False)])
    def test_cyclophosphamide_from_the_graft_on_is_prophylaxis(self, story, after_graft, fires):
        chart = self.chart(transplant_planned(6), on_file("busulfan"))
        drafts = [dated(order("cyclophosphamide"), 6 + after_graft)]
        assert ("INO-VOD-08" in story.sign(drafts, chart)) is fires

    @pytest.mark.parametrize("status", ["cancelled", "stopped", "entered-in-error"])
    def test_a_dead_order_adds_nothing(self, story, status):
        chart = self.chart(on_file("busulfan", status=status, authoredOn=ago(20)))
        assert "INO-VOD-08" not in story.sign([order("melphalan")], chart)

    def test_brand_and_atc_are_the_same_alkylator(self, story):
        twin = on_file("x", medicationCodeableConcept=coded(ATC, "L01AB01"))
        assert "INO-VOD-08" not in story.sign([order("busulfan")], self.chart(twin))

    @pytest.mark.parametrize(
        "exposure",
        [
            given("inotuzumab", 60),
            procedure("J9229", 60, HCPCS),
            on_file("inotuzumab", status="completed", authoredOn=ago(60)),
        ],
    )
    def test_any_trace_of_inotuzumab_is_exposure(self, story, exposure):
        drafts = [order("busulfan"), order("melphalan")]
        assert "INO-VOD-08" in story.sign(drafts, [exposure, *liver()])

    def test_an_order_of_inotuzumab_never_given_is_no_exposure(self, story):
        drafts = [order("busulfan"), order("melphalan")]
        assert "INO-VOD-08" not in story.sign(drafts, [on_file("inotuzumab"), *liver()])

    def test_an_unmapped_drug_of_the_order_set_is_named_and_left_open(self, story):
        order_set = {"groupIdentifier": {"value": "FLU-X"}}
        strange = order("x", medicationCodeableConcept={"text": "Agent Z"}, **order_set)
        drafts = [order("busulfan", **order_set), strange]
        cards = story.sign(drafts, self.chart(transplant_planned(6)))
        assert "Agent Z" in cards["INO-DATA-02"]["detail"]
        assert cards["INO-DATA-01"]["indicator"] == "warning"

    def test_no_alkylating_companions(self, story):
        chart = self.chart(
            transplant_planned(6),
            on_file("fludarabine"),
            on_file("x", medicationCodeableConcept=coded(ATC, "L04AA04")),
            on_file("x", medicationCodeableConcept={"text": "etoposide"}),
        )
        assert "INO-VOD-08" not in story.sign([order("melphalan")], chart)


class TestThiotepaAndAzoles:
    def test_thiotepa_by_atc(self, story):
        draft = order("x", medicationCodeableConcept=coded(ATC, "L01AC01"))
        assert "INO-VOD-11" in story.sign([draft], [*course(1, 30), *liver()])

    def test_thiotepa_may_speak_beside_two_alkylators(self, story):
        cards = story.sign([order("thiotepa"), order("busulfan")], [*course(1, 30), *liver()])
        assert {"INO-VOD-08", "INO-VOD-11"} <= set(cards)

    def test_thiotepa_on_file_when_another_drug_is_signed(self, story):
        chart = [*course(1, 30), transplant_planned(5), on_file("thiotepa"), *liver()]
        assert "INO-VOD-11" in story.sign([order("fludarabine")], chart)

    def test_thiotepa_without_inotuzumab(self, story):
        assert "INO-VOD-11" not in story.sign([order("thiotepa")], liver())

    @pytest.mark.parametrize(
        ("code", "fires"),
        [("J02AC03", True), ("J02AC04", True), ("D01AC08", False), ("J02AX04", False)],
    )
    def test_systemic_azoles_only(self, story, code, fires):
        azole = on_file("x", medicationCodeableConcept=coded(ATC, code))
        chart = [*course(1, 30), transplant_planned(5), azole, *liver()]
        assert ("INO-VOD-13" in story.sign([order("busulfan")], chart)) is fires

    def test_a_new_azole_beside_conditioning_on_file(self, story):
        chart = [*course(1, 30), transplant_planned(5), on_file("busulfan"), *liver()]
        assert "INO-VOD-13" in story.sign([order("voriconazole")], chart)

    def test_an_azole_that_was_stopped(self, story):
        azole = on_file("voriconazole", status="stopped")
        chart = [*course(1, 30), transplant_planned(5), azole, *liver()]
        assert "INO-VOD-13" not in story.sign([order("busulfan")], chart)


class TestBilirubinBeforeTransplant:
    def test_direct_bilirubin_is_no_substitute(self, story):
        direct = lab("bilirubin", "2 mg/dL", "0.3", code=coded("http://loinc.org", "1968-7"))
        cards = story.sign([order("busulfan")], [*course(1, 30), transplant_planned(10), direct])
        assert "INO-VOD-12" not in cards
        assert "total bilirubin" in cards["INO-DATA-01"]["detail"]

    @pytest.mark.parametrize(("days", "fires"), [(7, True), (7.01, False)])
    def test_the_week(self, story, days, fires):
        chart = [*course(1, 30), transplant_planned(10), *liver("1.5", days_ago=days)]
        cards = story.sign([order("busulfan")], chart)
        assert ("INO-VOD-12" in cards) is fires
        assert ("INO-DATA-01" in cards) is not fires

    def test_conditioning_without_a_transplant_request_is_enough(self, story):
        assert "INO-VOD-12" in story.sign([order("busulfan")], [*course(1, 30), *liver("1.5")])

    def test_without_inotuzumab_it_is_not_ours(self, story):
        chart = [transplant_planned(10), *liver("1.5")]
        assert "INO-VOD-12" not in story.sign([order("busulfan")], chart)

    @pytest.mark.parametrize(
        "occurrence",
        [
            {"occurrenceDateTime": day(-10)},
            {"occurrenceDateTime": ago(-10)},
            {"occurrencePeriod": {"start": day(-10), "end": day(-9)}},
            {"occurrenceTiming": {"event": [day(-10)]}},
        ],
    )
    def test_the_day_of_the_graft_in_every_form(self, story, occurrence):
        chart = [*course(1, 30), transplant_planned(None, **occurrence), *liver("1.5")]
        card = story.view(chart)["INO-VOD-12"]
        assert card["indicator"] == "warning"
        assert "1.5 mg/dL" in card["summary"] + card["detail"]
        assert "1.2 mg/dL" in card["summary"] + card["detail"]

    @pytest.mark.parametrize("status", ["revoked", "entered-in-error", "completed"])
    def test_a_request_that_is_over(self, story, status):
        chart = [*course(1, 30), transplant_planned(10, status=status), *liver("1.5")]
        assert "INO-VOD-12" not in story.view(chart)


class TestProphylaxis:
    def test_conditioning_after_inotuzumab(self, story):
        chart = [*course(1, 30), *liver()]
        assert "INO-VOD-14" in story.sign([order("busulfan")], chart)

    def test_no_transplant_no_prophylaxis(self, story):
        assert "INO-VOD-14" not in story.sign([ino()], liver())

    def test_ursodiol_drafted_beside(self, story):
        chart = [transplant_planned(60), *liver()]
        assert "INO-VOD-14" not in story.sign([ino(), order("ursodiol")], chart)

    @pytest.mark.parametrize("status", ["stopped", "cancelled", "entered-in-error"])
    def test_ursodiol_that_ended(self, story, status):
        ended = on_file("ursodiol", status=status)
        assert "INO-VOD-14" in story.sign([ino()], [transplant_planned(60), ended, *liver()])

    def test_ursodiol_as_a_statement_by_its_european_name(self, story):
        statement = {
            "resourceType": "MedicationStatement",
            "id": "urso",
            "status": "active",
            "subject": {"reference": "Patient/p-1"},
            "medicationCodeableConcept": coded(ATC, "A05AA02"),
            "effectivePeriod": {"start": day(30)},
        }
        chart = [transplant_planned(60), statement, *liver()]
        assert "INO-VOD-14" not in story.sign([ino()], chart)
