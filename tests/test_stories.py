"""The rules as a haematologist would try them: plain FHIR in, cards out.

Every expectation comes from the clinical catalogue; each story crosses the whole house.
"""

from __future__ import annotations

import pytest

from tests.story import (
    ATC,
    RXNORM,
    SNOMED,
    Story,
    ago,
    condition,
    course,
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


@pytest.fixture
def story(client) -> Story:
    return Story(client)


def ino(**more):
    return order("inotuzumab", **more)


class TestVOD:
    def test_active_vod_is_critical_and_offers_to_stop_the_order(self, story):
        draft = ino()
        cards = story.sign([draft], [condition("K76.5"), *liver()])
        card = cards["INO-VOD-01"]
        assert card["indicator"] == "critical"
        actions = [a for s in card["suggestions"] for a in s.get("actions", [])]
        assert {"delete", "update"} & {a["type"] for a in actions}

    def test_refuted_vod_is_no_vod(self, story):
        refuted = condition("K76.5", verificationStatus={"coding": [{"code": "refuted"}]})
        assert "INO-VOD-01" not in story.sign([ino()], [refuted, *liver()])

    def test_vod_that_began_after_the_first_dose_counts_even_if_resolved(self, story):
        vod = condition(
            "K76.5", status="resolved", onsetDateTime=day(200), abatementDateTime=day(150)
        )
        chart = [given("inotuzumab", 220), vod, *liver()]
        assert story.sign([ino()], chart)["INO-VOD-01"]["indicator"] == "critical"

    @pytest.mark.parametrize(("days", "fires"), [(90, True), (91, False)])
    def test_vod_that_ended_within_90_days_counts(self, story, days, fires):
        vod = condition(
            "K76.5", status="resolved", onsetDateTime=day(400), abatementDateTime=day(days)
        )
        cards = story.sign([ino()], [vod, *liver()])
        assert ("INO-VOD-01" in cards) is fires
        assert ("INO-VOD-02" in cards) is not fires

    def test_earlier_resolved_vod_is_a_warning_in_the_us(self, story):
        vod = condition(
            "K76.5", status="resolved", onsetDateTime=day(900), abatementDateTime=day(800)
        )
        assert story.sign([ino()], [vod, *liver()])["INO-VOD-02"]["indicator"] == "warning"

    def test_a_transplant_before_is_a_warning(self, story):
        done = {
            "resourceType": "Procedure",
            "id": "hsct",
            "status": "completed",
            "subject": {"reference": "Patient/p-1"},
            "code": {"coding": [{"system": SNOMED, "code": "234336002"}]},
            "performedDateTime": day(400),
        }
        assert story.sign([ino()], [done, *liver()])["INO-VOD-04"]["indicator"] == "warning"

    def test_limbal_stem_cells_are_not_hsct(self, story):
        limbal = {
            "resourceType": "Procedure",
            "id": "limbal",
            "status": "completed",
            "subject": {"reference": "Patient/p-1"},
            "code": {"coding": [{"system": SNOMED, "code": "397554006"}]},
            "performedDateTime": day(400),
        }
        assert "INO-VOD-04" not in story.sign([ino()], [limbal, *liver()])

    def test_third_cycle_is_many(self, story):
        chart = [*course(2), *liver()]
        assert story.sign([ino()], chart)["INO-VOD-07"]["indicator"] == "info"
        assert "INO-VOD-07" not in story.sign([ino()], [*course(1), *liver()])

    def test_second_alkylator_is_critical(self, story):
        chart = [*course(2, 30), on_file("busulfan"), transplant_planned(6), *liver()]
        card = story.sign([order("melphalan")], chart)["INO-VOD-08"]
        assert card["indicator"] == "critical"
        assert card["suggestions"]

    def test_one_alkylator_with_fludarabine_is_silent(self, story):
        chart = [*course(2, 30), on_file("busulfan"), transplant_planned(6), *liver()]
        assert "INO-VOD-08" not in story.sign([order("fludarabine")], chart)

    def test_two_orders_of_one_alkylator_are_one(self, story):
        chart = [*course(2, 30), on_file("busulfan"), transplant_planned(6), *liver()]
        assert "INO-VOD-08" not in story.sign([order("busulfan")], chart)

    def test_cyclophosphamide_after_the_graft_is_prophylaxis(self, story):
        late = order("cyclophosphamide", dosageInstruction=[{"timing": {"event": [day(-9)]}}])
        chart = [*course(2, 30), on_file("busulfan"), transplant_planned(6), *liver()]
        assert "INO-VOD-08" not in story.sign([late], chart)

    def test_cyclophosphamide_before_the_graft_is_conditioning(self, story):
        early = order("cyclophosphamide", dosageInstruction=[{"timing": {"event": [day(-3)]}}])
        chart = [*course(2, 30), on_file("busulfan"), transplant_planned(6), *liver()]
        assert "INO-VOD-08" in story.sign([early], chart)

    def test_alkylators_without_inotuzumab_are_not_ours(self, story):
        chart = [on_file("busulfan"), transplant_planned(6), *liver()]
        assert "INO-VOD-08" not in story.sign([order("melphalan")], chart)

    def test_thiotepa_is_named(self, story):
        chart = [*course(1, 30), transplant_planned(6), *liver()]
        assert story.sign([order("thiotepa")], chart)["INO-VOD-11"]["indicator"] == "warning"

    @pytest.mark.parametrize(("value", "fires"), [("1.19", False), ("1.2", True), ("1.21", True)])
    def test_bilirubin_at_the_uln_before_hsct(self, story, value, fires):
        chart = [*course(2, 30), transplant_planned(20), *liver(bilirubin=value)]
        assert ("INO-VOD-12" in story.sign([order("busulfan")], chart)) is fires
        assert ("INO-VOD-12" in story.view(chart)) is fires

    @pytest.mark.parametrize(("in_days", "fires"), [(30, True), (31, False)])
    def test_transplant_within_thirty_days(self, story, in_days, fires):
        chart = [*course(2, 30), transplant_planned(in_days), *liver(bilirubin="1.5")]
        assert ("INO-VOD-12" in story.view(chart)) is fires

    def test_no_bilirubin_before_hsct_is_said(self, story):
        cards = story.sign([order("busulfan")], [*course(2, 30), transplant_planned(10)])
        assert "total bilirubin" in cards["INO-DATA-01"]["detail"]

    def test_azole_beside_conditioning(self, story):
        chart = [*course(2, 30), transplant_planned(10), on_file("voriconazole"), *liver()]
        assert story.sign([order("busulfan")], chart)["INO-VOD-13"]["indicator"] == "warning"

    def test_ursodiol_missing_and_present(self, story):
        chart = [transplant_planned(60), *liver()]
        card = story.sign([ino()], chart)["INO-VOD-14"]
        assert card["indicator"] == "info"
        created = card["suggestions"][0]["actions"][0]["resource"]
        assert created["resourceType"] == "MedicationRequest"
        assert "INO-VOD-14" not in story.sign([ino()], [*chart, on_file("ursodiol")])


class TestCycles:
    def test_third_cycle_after_goal_reached(self, story):
        chart = [*course(2), response(5), mrd(5), transplant_planned(None), *liver()]
        cards = story.sign([ino()], chart)
        assert cards["INO-CYC-01"]["indicator"] == "warning"
        assert "INO-CYC-02" not in cards

    def test_third_cycle_with_goal_not_reached(self, story):
        chart = [*course(2), response(5), mrd(5, "positive"), transplant_planned(None), *liver()]
        cards = story.sign([ino()], chart)
        assert cards["INO-CYC-02"]["indicator"] == "info"
        assert "INO-CYC-01" not in cards

    def test_fourth_cycle_before_hsct(self, story):
        chart = [*course(3), response(40), mrd(40), transplant_planned(None), *liver()]
        assert story.sign([ino()], chart)["INO-CYC-03"]["indicator"] == "critical"

    def test_fourth_cycle_with_the_number_written_on_the_order(self, story):
        draft = ino(dosageInstruction=[{"text": "C4D1: 0.5 mg/m2 IV over 1 hour"}])
        chart = [*course(1), response(40), transplant_planned(None), *liver()]
        assert "INO-CYC-03" in story.sign([draft], chart)

    def test_seventh_cycle_whatever_the_intent(self, story):
        chart = [*course(6), response(100), *liver()]
        cards = story.sign([ino()], chart)
        assert cards["INO-CYC-04"]["indicator"] == "critical"
        assert "INO-CYC-04" not in story.sign([ino()], [*course(5), response(100), *liver()])

    def test_no_response_within_three_cycles(self, story):
        chart = [*course(3), response(5, remission=False), *liver()]
        assert story.sign([ino()], chart)["INO-CYC-05"]["indicator"] == "critical"

    def test_response_not_recorded(self, story):
        assert story.sign([ino()], [*course(1), *liver()])["INO-CYC-06"]["indicator"] == "info"
        assert story.sign([ino()], [*course(2), *liver()])["INO-CYC-06"]["indicator"] == "warning"
        assert "INO-CYC-06" not in story.sign([ino()], [*course(1), response(3), *liver()])

    def test_intent_unknown_at_the_third_cycle(self, story):
        chart = [*course(2), response(5), mrd(5), *liver()]
        assert story.sign([ino()], chart)["INO-CYC-07"]["indicator"] == "info"

    def test_intent_ruled_out_is_known(self, story):
        chart = [
            *course(2),
            response(5),
            mrd(5),
            transplant_planned(None, doNotPerform=True),
            *liver(),
        ]
        cards = story.sign([ino()], chart)
        assert "INO-CYC-07" not in cards
        assert "INO-CYC-01" not in cards


class TestLiver:
    def test_both_limits(self, story):
        card = story.sign([ino()], liver(bilirubin="1.9", alt="120"))["INO-LIV-01"]
        assert card["indicator"] == "critical"
        assert "1.9 mg/dL" in card["summary"] + card["detail"]
        assert card["suggestions"]

    @pytest.mark.parametrize(
        ("bilirubin", "alt", "rule"),
        [
            ("1.8", "100", "INO-LIV-07"),
            ("1.81", "100", "INO-LIV-02"),
            ("1.8", "101", "INO-LIV-02"),
            ("1.81", "101", "INO-LIV-01"),
            ("1.2", "40", None),
            ("1.21", "40", "INO-LIV-07"),
            ("1.2", "41", "INO-LIV-07"),
        ],
    )
    def test_both_sides_of_each_limit(self, story, bilirubin, alt, rule):
        cards = story.sign([ino()], liver(bilirubin=bilirubin, alt=alt))
        assert [each for each in cards if each.startswith("INO-LIV")] == [rule] * (rule is not None)

    def test_gilbert_softens(self, story):
        chart = [*liver(bilirubin="1.9", alt="120"), condition("E80.4")]
        assert story.sign([ino()], chart)["INO-LIV-01"]["indicator"] == "warning"
        chart = [*liver(bilirubin="1.9"), condition("E80.4")]
        assert story.sign([ino()], chart)["INO-LIV-02"]["indicator"] == "info"

    def test_micromoles_and_microkatals(self, story):
        chart = [
            lab(
                "bilirubin",
                "35 umol/L",
                "21",
                code={"coding": [{"system": "http://loinc.org", "code": "14631-6"}]},
            ),
            lab("alt", "2.6 ukat/L", "0.75"),
            lab("ast", "0.3 ukat/L", "0.75"),
            lab("alp", "1.1 ukat/L", "2.0"),
        ]
        assert story.sign([ino()], chart)["INO-LIV-01"]["indicator"] == "critical"

    def test_a_missing_panel_is_a_warning_of_its_own(self, story):
        card = story.sign([ino()], [])["INO-LIV-05"]
        assert card["indicator"] == "warning"
        assert "bilirubin" in card["summary"] + card["detail"]

    def test_a_value_before_the_last_dose_does_not_count(self, story):
        chart = [given("inotuzumab", 3), *liver(bilirubin="1.9", alt="120", days_ago=5)]
        cards = story.sign([ino()], chart)
        assert "INO-LIV-05" in cards
        assert "INO-LIV-01" not in cards

    def test_without_a_reference_range_alt_is_unknown_and_said(self, story):
        chart = [*liver("1.9")[:1], lab("alt", "300 U/L", None), *liver()[2:]]
        cards = story.sign([ino()], chart)
        assert "ALT" in cards["INO-DATA-01"]["detail"]
        assert cards["INO-DATA-01"]["indicator"] == "warning"
        assert "INO-LIV-02" in cards

    def test_before_the_first_dose_the_card_says_so_and_stays_one(self, story):
        cards = story.sign([ino()], liver(bilirubin="1.9", alt="120"))
        assert "INO-LIV-06" not in cards


class TestQT:
    def test_known_risk_drugs_share_one_card(self, story):
        chart = [on_file("ondansetron"), on_file("fluconazole"), *liver()]
        card = story.sign([ino()], chart)["INO-QT-01"]
        assert card["indicator"] == "warning"
        assert "ondansetron" in card["detail"]
        assert "fluconazole" in card["detail"]

    def test_eye_drops_are_silent(self, story):
        drops = on_file(
            "x", medicationCodeableConcept={"coding": [{"system": ATC, "code": "S01AE03"}]}
        )
        assert "INO-QT-01" not in story.sign([ino()], [drops, *liver()])

    def test_amiodarone_lingers(self, story):
        stopped = on_file(
            "amiodarone",
            status="stopped",
            dosageInstruction=[
                {"timing": {"repeat": {"boundsPeriod": {"start": ago(300), "end": ago(60)}}}}
            ],
        )
        assert "INO-QT-01" in story.sign([ino()], [stopped, *liver()])
        other = on_file(
            "ondansetron",
            status="stopped",
            dosageInstruction=[
                {"timing": {"repeat": {"boundsPeriod": {"start": ago(9), "end": ago(2)}}}}
            ],
        )
        assert "INO-QT-01" not in story.sign([ino()], [other, *liver()])

    def test_premedication_is_not_alerted(self, story):
        once = order("diphenhydramine", dosageInstruction=[{"timing": {"repeat": {"count": 1}}}])
        assert "INO-QT-02" not in story.sign([ino(), once], liver())
        standing = on_file(
            "diphenhydramine",
            dosageInstruction=[
                {"timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}}
            ],
        )
        assert story.sign([ino()], [standing, *liver()])["INO-QT-02"]["indicator"] == "info"

    @pytest.mark.parametrize(("days", "fires"), [(28, True), (29, False)])
    def test_new_qt_drug_after_inotuzumab(self, story, days, fires):
        cards = story.sign([order("ondansetron")], [given("inotuzumab", days), *liver()])
        assert ("INO-QT-08" in cards) is fires

    def test_any_coding_of_the_drug_is_understood(self, story):
        for coding in (
            {"system": RXNORM, "code": "1942954"},
            {"system": "urn:oid:2.16.840.1.113883.6.88", "code": "1942950"},
            {"system": ATC, "code": "L01XC26"},
            {"system": "http://hl7.org/fhir/sid/ndc", "code": "0008-0100-01"},
        ):
            draft = ino(medicationCodeableConcept={"coding": [coding]})
            assert "INO-QT-01" in story.sign([draft], [on_file("ondansetron"), *liver()])


class TestData:
    def test_a_failed_search_is_never_an_all_clear(self, story):
        for key in story.templates["order-sign"]:
            if key == "patient":
                continue
            for broken in (
                "missing",
                None,
                {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "error", "code": "exception"}],
                },
            ):
                body = story.body("order-sign", [ino()], [*course(2), *liver()])
                if broken == "missing":
                    del body["prefetch"][key]
                else:
                    body["prefetch"][key] = broken
                cards = {c["source"]["topic"]["code"]: c for c in story.cards(body)}
                assert "INO-DATA-01" in cards, (key, broken)

    def test_everything_missing_is_a_warning(self, story):
        body = story.body("order-sign", [ino()], [])
        body["prefetch"] = {"patient": body["prefetch"]["patient"]}
        cards = {c["source"]["topic"]["code"]: c for c in story.cards(body)}
        assert cards["INO-DATA-01"]["indicator"] == "warning"

    def test_no_patient_is_412(self, story):
        body = story.body("order-sign", [ino()], [])
        body["prefetch"] = {}
        assert story.post("/cds-services/inotuzumab-order-sign", body).status_code == 412

    def test_an_unidentified_drug_is_named(self, story):
        strange = on_file(
            "x",
            medicationCodeableConcept={
                "coding": [{"system": "urn:oid:1.2.3", "code": "9"}],
                "text": "Study drug 17",
            },
        )
        cards = story.sign([ino()], [strange, *liver()])
        assert "Study drug 17" in cards["INO-DATA-02"]["detail"]

    def test_another_patients_result_is_set_aside_and_said(self, story):
        body = story.body("order-sign", [ino()], liver())
        foreign = lab("bilirubin", "9 mg/dL", "1.2", 0.5, subject={"reference": "Patient/other"})
        body["prefetch"]["observations"]["entry"].append({"resource": foreign})
        cards = {c["source"]["topic"]["code"]: c for c in story.cards(body)}
        assert "INO-LIV-02" not in cards
        assert "INO-DATA-01" in cards

    def test_an_unrelated_order_raises_nothing(self, story):
        assert story.sign([order("fludarabine")], liver()) == {}

    def test_background_drafts_raise_no_ordering_card(self, story):
        chart = liver(bilirubin="1.9", alt="120")
        assert "INO-LIV-01" in story.select([ino()], [order("fludarabine")], chart)
        assert "INO-LIV-01" not in story.select([order("fludarabine")], [ino()], chart)
