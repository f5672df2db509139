"""QT drugs: which count, until when, by which route, in which of the patient's lists."""

from __future__ import annotations

import pytest

from tests.story import (
    ATC,
    RXNORM,
    SNOMED,
    Story,
    ago,
    coded,
    day,
    given,
    liver,
    on_file,
    only,
    order,
    work_up,
)


@pytest.fixture
def story(client) -> Story:
    return Story(client)


def ino(**more):
    return order("inotuzumab", **more)


def statement(name: str, **more):
    """What the patient says to take: a MedicationStatement."""
    taken = on_file(name, **more)
    del taken["intent"], taken["authoredOn"]
    return {**taken, "resourceType": "MedicationStatement", "id": f"st-{taken['id']}"}


def bounded(start_days_ago: float, end_days_ago: float):
    period = {"start": ago(start_days_ago), "end": ago(end_days_ago)}
    return [{"timing": {"repeat": {"boundsPeriod": period}}}]


def routed(route):
    return {"dosageInstruction": [{"route": route}]}


def qt_cards(cards):
    return only("INO-QT", cards)


class TestKnownRisk:
    @pytest.mark.parametrize(
        ("status", "fires"),
        [
            ("active", True),
            ("on-hold", True),
            ("draft", True),
            ("stopped", False),
            ("completed", False),
            ("cancelled", False),
            ("entered-in-error", False),
        ],
    )
    def test_the_status_of_a_request(self, story, status, fires):
        chart = [on_file("ondansetron", status=status), *liver()]
        assert ("INO-QT-01" in story.sign([ino()], chart)) is fires

    @pytest.mark.parametrize(
        ("status", "fires"),
        [
            ("active", True),
            ("intended", True),
            ("completed", False),
            ("stopped", False),
            ("not-taken", False),
        ],
    )
    def test_the_status_of_a_statement(self, story, status, fires):
        chart = [statement("ondansetron", status=status), *liver()]
        assert ("INO-QT-01" in story.sign([ino()], chart)) is fires

    @pytest.mark.parametrize(
        "ended",
        [
            {"dosageInstruction": bounded(9, 2)},
            {"dispenseRequest": {"validityPeriod": {"start": ago(30), "end": ago(2)}}},
        ],
    )
    def test_an_end_that_has_passed(self, story, ended):
        assert "INO-QT-01" not in story.sign([ino()], [on_file("ondansetron", **ended), *liver()])

    def test_a_statement_that_ended(self, story):
        ended = statement("ondansetron", effectivePeriod={"start": ago(30), "end": ago(2)})
        assert "INO-QT-01" not in story.sign([ino()], [ended, *liver()])

    @pytest.mark.parametrize(("days", "fires"), [(90, True), (91, False)])
    @pytest.mark.parametrize("place", ["bounds", "validity", "statement"])
    def test_amiodarone_counts_ninety_days_after_its_end(self, story, place, days, fires):
        drug = {
            "bounds": lambda: on_file(
                "amiodarone", status="stopped", dosageInstruction=bounded(400, days)
            ),
            "validity": lambda: on_file(
                "amiodarone",
                status="completed",
                dispenseRequest={"validityPeriod": {"start": ago(400), "end": ago(days)}},
            ),
            "statement": lambda: statement(
                "amiodarone",
                status="stopped",
                effectivePeriod={"start": ago(400), "end": ago(days)},
            ),
        }[place]()
        assert ("INO-QT-01" in story.sign([ino()], [drug, *liver()])) is fires

    def test_amiodarone_stopped_nobody_knows_when(self, story):
        drug = on_file("amiodarone", status="stopped", authoredOn=ago(60))
        cards = story.sign([ino()], [drug, *liver()])
        assert "INO-QT-01" in cards or "amiodarone" in cards["INO-DATA-01"]["detail"]

    @pytest.mark.parametrize(
        "route",
        [
            coded(SNOMED, "54485002"),
            {"text": "eye drops"},
            {"text": "Ophthalmic"},
            {"text": "vaginal"},
            coded(SNOMED, "6064005"),
        ],
    )
    def test_local_routes(self, story, route):
        local = on_file("fluconazole", **routed(route))
        assert "INO-QT-01" not in story.sign([ino()], [local, *liver()])

    @pytest.mark.parametrize(
        "route",
        [coded(SNOMED, "26643006"), {"text": "oral"}, coded(SNOMED, "47625008"), {"text": "IV"}],
    )
    def test_systemic_routes(self, story, route):
        systemic = on_file("fluconazole", **routed(route))
        assert "INO-QT-01" in story.sign([ino()], [systemic, *liver()])

    @pytest.mark.parametrize("code", ["S01AE03", "S02AA15", "D01AC15"])
    def test_local_codes(self, story, code):
        local = on_file("x", medicationCodeableConcept=coded(ATC, code))
        assert "INO-QT-01" not in story.sign([ino()], [local, *liver()])

    def test_both_drafted(self, story):
        assert "INO-QT-01" in story.sign([ino(), order("ondansetron")], liver())

    def test_one_card_for_all_and_each_drug_once(self, story):
        chart = [
            on_file("ondansetron"),
            statement("ondansetron"),
            on_file("fluconazole"),
            on_file("amiodarone"),
            *liver(),
        ]
        card = story.sign([ino()], chart)["INO-QT-01"]
        assert card["summary"].count("ondansetron") == 1
        assert len(card["summary"]) < 140
        for name in ("fluconazole", "amiodarone"):
            assert name in card["detail"]

    def test_inotuzumab_is_never_listed_against_itself(self, story):
        assert qt_cards(story.sign([ino()], [on_file("inotuzumab"), *work_up()])) == []

    def test_a_drug_named_by_words_alone(self, story):
        words = on_file("x", medicationCodeableConcept={"text": "Ondansetron 8 mg tablets"})
        assert "INO-QT-01" in story.sign([ino()], [words, *liver()])

    @pytest.mark.parametrize("status", ["in-progress", "completed"])
    def test_amiodarone_given_without_an_order(self, story, status):
        infusion = given("amiodarone", 0.1, status=status)
        assert "INO-QT-01" in story.sign([ino()], [infusion, *liver()])


class TestLesserRisk:
    def test_possible_and_conditional_share_one_quiet_card(self, story):
        possible = on_file("x", medicationCodeableConcept={"text": "dasatinib"})
        conditional = on_file("voriconazole")
        cards = story.sign([ino()], [possible, conditional, *work_up()])
        assert qt_cards(cards) == ["INO-QT-02"]
        assert cards["INO-QT-02"]["indicator"] == "info"
        for name in ("dasatinib", "voriconazole"):
            assert name in cards["INO-QT-02"]["detail"]

    @pytest.mark.parametrize("name", ["diphenhydramine", "hydroxyzine", "famotidine"])
    @pytest.mark.parametrize(
        "once",
        [
            [{"timing": {"event": [day(0)]}}],
            [{"text": "50 mg IV once before inotuzumab"}],
            [{"timing": {"repeat": {"count": 1}}}],
        ],
    )
    def test_premedication_on_the_day(self, story, name, once):
        premedication = order(
            name, medicationCodeableConcept={"text": name}, dosageInstruction=once
        )
        assert "INO-QT-02" not in story.sign([ino(), premedication], liver())

    def test_premedication_on_another_day_counts(self, story):
        other = order("diphenhydramine", dosageInstruction=[{"timing": {"event": [day(-3)]}}])
        assert "INO-QT-02" in story.sign([ino(), other], liver())


class TestReverse:
    def test_an_order_of_inotuzumab_on_file(self, story):
        cards = story.sign([order("ondansetron")], [on_file("inotuzumab"), *liver()])
        assert cards["INO-QT-08"]["indicator"] == "warning"

    @pytest.mark.parametrize("status", ["cancelled", "stopped", "entered-in-error", "completed"])
    def test_a_dead_order_of_inotuzumab(self, story, status):
        chart = [on_file("inotuzumab", status=status, authoredOn=ago(60)), *liver()]
        assert "INO-QT-08" not in story.sign([order("ondansetron")], chart)

    def test_both_drafted_is_one_message(self, story):
        cards = story.sign([ino(), order("ondansetron")], [given("inotuzumab", 8), *work_up()])
        assert qt_cards(cards) == ["INO-QT-01"]

    def test_eye_drops_are_silent(self, story):
        drops = order("x", medicationCodeableConcept=coded(ATC, "S01AE03"))
        assert "INO-QT-08" not in story.sign([drops], [given("inotuzumab", 8), *liver()])

    def test_a_possible_risk_is_silent(self, story):
        assert "INO-QT-08" not in story.sign(
            [order("voriconazole")], [given("inotuzumab", 8), *liver()]
        )

    def test_selected(self, story):
        cards = story.select([order("ondansetron")], [], [given("inotuzumab", 8), *liver()])
        assert "INO-QT-08" in cards

    def test_in_the_background(self, story):
        cards = story.select(
            [order("fludarabine")], [order("ondansetron")], [given("inotuzumab", 8)]
        )
        assert "INO-QT-08" not in cards


MEDICATION = {"resourceType": "Medication", "id": "m1", "code": coded(RXNORM, "1942954")}


class TestTheOrderItself:
    """One QT drug on file: the card shows whether the draft was read as an order of inotuzumab."""

    CHART = (on_file("ondansetron"), *liver())

    @pytest.mark.parametrize("status", ["draft", "active", "on-hold"])
    def test_live_drafts(self, story, status):
        assert "INO-QT-01" in story.sign([ino(status=status)], [*self.CHART])

    @pytest.mark.parametrize("status", ["cancelled", "stopped", "entered-in-error", "completed"])
    def test_dead_drafts(self, story, status):
        assert "INO-QT-01" not in story.sign([ino(status=status)], [*self.CHART])

    def test_not_to_be_given(self, story):
        assert "INO-QT-01" not in story.sign([ino(doNotPerform=True)], [*self.CHART])

    def by_reference(self, reference: str, **more):
        draft = ino(medicationReference={"reference": reference}, **more)
        del draft["medicationCodeableConcept"]
        return draft

    def test_a_contained_medication(self, story):
        draft = self.by_reference("#m1", contained=[MEDICATION])
        assert "INO-QT-01" in story.sign([draft], [*self.CHART])

    @pytest.mark.parametrize(
        ("reference", "full_url"),
        [
            ("Medication/m1", "http://ehr.invalid/fhir/Medication/m1"),
            ("http://ehr.invalid/fhir/Medication/m1", "http://ehr.invalid/fhir/Medication/m1"),
            (
                "urn:uuid:0f1e2d3c-0000-4000-8000-000000000001",
                "urn:uuid:0f1e2d3c-0000-4000-8000-000000000001",
            ),
            ("Medication/m1", None),
            ("Medication/m1/_history/2", None),
        ],
    )
    def test_a_medication_among_the_drafts(self, story, reference, full_url):
        body = story.body("order-sign", [self.by_reference(reference)], [*self.CHART])
        entry = {"resource": MEDICATION} | ({"fullUrl": full_url} if full_url else {})
        body["context"]["draftOrders"]["entry"].append(entry)
        assert "INO-QT-01" in {c["source"]["topic"]["code"] for c in story.cards(body)}

    def test_a_mixture(self, story):
        mixture = {
            "resourceType": "Medication",
            "id": "m1",
            "ingredient": [
                {"itemCodeableConcept": coded(RXNORM, "1942950")},
                {"itemCodeableConcept": {"text": "Sodium chloride 0.9 %"}},
            ],
        }
        draft = self.by_reference("#m1", contained=[mixture])
        cards = story.sign([draft], [*self.CHART])
        assert "INO-QT-01" in cards
        assert "INO-DATA-02" not in cards

    @pytest.mark.parametrize(
        "text", ["Inotuzumab ozogamicin 0.9 mg", "BESPONSA", "besponsa 1 mg vial"]
    )
    def test_words_alone_count_and_are_said(self, story, text):
        cards = story.sign([ino(medicationCodeableConcept={"text": text})], [*self.CHART])
        assert "INO-QT-01" in cards
        assert text in cards["INO-DATA-02"]["detail"]

    def test_a_reference_that_leads_nowhere_is_said(self, story):
        answer = story.post(
            "/cds-services/inotuzumab-order-sign",
            story.body("order-sign", [self.by_reference("Medication/gone")], [*self.CHART]),
        )
        assert answer.status_code == 412 or "INO-DATA-02" in answer.get_data(as_text=True)

    def test_the_same_cards_when_selected_as_when_signed(self, story):
        """But what INO-PRE-04 says of the infusion is said once, when the order is signed."""
        draft = ino()
        signed = set(story.sign([draft], [*self.CHART]))
        assert set(story.select([draft], [], [*self.CHART])) == signed - {"INO-PRE-04"}
