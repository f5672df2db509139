"""Blood counts, premedication, blasts and reactions, as charts and orders really say them."""

from __future__ import annotations

import pytest

from tests.story import (
    SNOMED,
    Story,
    ago,
    coded,
    condition,
    day,
    dosed,
    given,
    liver,
    only,
    order,
    premedication,
    result,
    whole_chart,
)
from tests.story import _resource as resource

ANC, PLATELETS, WBC, BLASTS, BLAST_SHARE = "751-8", "777-3", "6690-2", "30376-8", "26446-5"
CELLS = "10*9/L"


@pytest.fixture
def story(client) -> Story:
    return Story(client)


def code_of(entry) -> str:
    codings = entry.get("code", {}).get("coding", [{}])
    return codings[0].get("code", "")


def chart(today=21, *more, without=()):
    """The whole chart of a well-treated patient with results added, or left out by code."""
    return [each for each in whole_chart(today) if code_of(each) not in without] + list(more)


def counts(story, *more, today=21, without=(ANC, PLATELETS)):
    """The cards about counts, for the order of a day of the course."""
    cards = story.sign([dosed(today), *premedication()], chart(today, *more, without=without))
    return {rule: cards[rule] for rule in only("INO-HEM", cards)}


def anc(value, days_ago=1.0, unit=CELLS, **more):
    return result(ANC, value, unit, days_ago, **more)


def platelets(value, days_ago=1.0, unit=CELLS, **more):
    return result(PLATELETS, value, unit, days_ago, **more)


BEFORE = (anc(2.1, 22), platelets(180, 22))


class TestDayOne:
    def test_low_neutrophils_hold_the_second_cycle(self, story):
        cards = counts(story, *BEFORE, anc(0.7), platelets(120))

        assert list(cards) == ["INO-HEM-01"]
        card = cards["INO-HEM-01"]
        assert card["indicator"] == "warning"
        assert card["summary"] == (
            "ANC 0.7 10*9/L on 2026-11-19, before treatment 2.1 10*9/L: "
            "hold this inotuzumab cycle until at least 1 × 10⁹/L"
        )
        offers = [each["label"] for each in card["suggestions"]]
        assert any(label.startswith("Hold this inotuzumab order") for label in offers)

    def test_low_platelets_per_microlitre_hold_it_too(self, story):
        cards = counts(story, *BEFORE, anc(2.0), platelets(49999, unit="/uL"))

        assert list(cards) == ["INO-HEM-02"]

    def test_exactly_the_limits_hold_nothing(self, story):
        assert counts(story, *BEFORE, anc(1.0), platelets(50)) == {}

    @pytest.mark.parametrize("today", [28, 35])
    def test_on_day_8_and_15_low_counts_hold_nothing(self, story, today):
        assert counts(story, *BEFORE, anc(0.1), platelets(5), today=today) == {}

    def test_in_the_first_cycle_low_counts_hold_nothing(self, story):
        assert counts(story, anc(0.1), platelets(5), today=0) == {}

    def test_low_before_treatment_asks_for_the_last_cycle_instead(self, story):
        cards = counts(story, anc(0.6, 22), platelets(180, 22), anc(0.3), platelets(120))

        assert list(cards) == ["INO-HEM-03"]
        assert cards["INO-HEM-03"]["summary"].startswith("ANC 0.3 10*9/L on 2026-11-19, 0.6 10*9/L")

    def test_low_before_treatment_and_not_lower_now_holds_nothing(self, story):
        assert counts(story, anc(0.3, 22), platelets(180, 22), anc(0.3), platelets(180)) == {}

    def test_counts_low_for_29_days_since_the_planned_day_end_treatment(self, story):
        doses = [given("inotuzumab", 50 - on) for on in (0, 7, 14)]
        facts = [anc(2.1, 51), anc(0.4, 30), anc(0.5, 15), anc(0.6), platelets(120)]
        cards = story.sign([order("inotuzumab")], [*doses, *facts])

        card = cards["INO-HEM-05"]
        assert card["indicator"] == "critical"
        assert "2026-10-22" in card["summary"]
        assert {action["type"] for s in card["suggestions"] for action in s["actions"]} >= {
            "delete",
            "update",
        }
        assert "INO-HEM-01" not in cards
        assert "Before treatment: 2.1" in card["detail"]

    def test_28_days_do_not(self, story):
        doses = [given("inotuzumab", 49 - on) for on in (0, 7, 14)]
        facts = [anc(2.1, 50), anc(0.4, 30), anc(0.6), platelets(120)]
        cards = story.sign([order("inotuzumab")], [*doses, *facts])

        assert "INO-HEM-05" not in cards
        assert "INO-HEM-01" in cards

    def test_no_count_is_a_card_of_its_own_and_is_not_said_again(self, story):
        cards = story.sign([dosed(), *premedication()], chart(without=(ANC, PLATELETS)))

        assert cards["INO-HEM-06"]["summary"].startswith("Cannot assess: no ANC and platelets")
        gaps = cards.get("INO-DATA-01", {}).get("detail", "")
        assert "ANC (" not in gaps


def transfused(code, **more):
    return resource(
        "Procedure", **{"status": "completed", "code": code, "performedDateTime": day(2), **more}
    )


class TestTransfusion:
    @pytest.mark.parametrize(
        "transfusion",
        [
            transfused({"text": "Transfusion of platelets"}),
            transfused({"coding": [{"display": "Platelet transfusion"}]}),
            given("Platelet concentrate, apheresis", 2),
        ],
    )
    def test_a_count_lifted_by_one_is_not_taken_for_recovery(self, story, transfusion):
        cards = counts(story, *BEFORE, anc(2.0), platelets(60), transfusion)

        assert list(cards) == ["INO-HEM-07"]
        card = cards["INO-HEM-07"]
        assert card["indicator"] == "info"
        assert "60 10*9/L on 2026-11-19 follow a transfusion of 2026-11-18" in card["summary"]

    def test_beside_a_card_that_holds_it_is_a_line(self, story):
        transfusion = transfused({"text": "Platelet transfusion"})
        cards = counts(story, *BEFORE, anc(2.0), platelets(40), transfusion)

        assert list(cards) == ["INO-HEM-02"]
        assert "2026-11-18" in cards["INO-HEM-02"]["detail"]

    def test_one_that_was_cancelled_does_nothing(self, story):
        transfusion = transfused({"text": "Platelet transfusion"}, status="not-done")

        assert counts(story, *BEFORE, anc(2.0), platelets(60), transfusion) == {}


class TestInfectionAndBleeding:
    def card(self, story, text, **more):
        entry = condition("x", "urn:local", recordedDate=day(3), **more)
        entry["code"] = {"text": text}
        return counts(story, entry, without=())

    @pytest.mark.parametrize("text", ["Sepsis due to E. coli", "Febrile neutropenia", "Pneumonia"])
    def test_a_serious_infection_is_named(self, story, text):
        cards = self.card(story, text)

        assert list(cards) == ["INO-HEM-08"]
        assert cards["INO-HEM-08"]["summary"].startswith(text.partition(" due")[0])
        assert "by its words" in cards["INO-HEM-08"]["detail"]

    @pytest.mark.parametrize("text", ["No evidence of sepsis", "History of pneumonia", "Cold"])
    def test_what_is_denied_or_past_is_not(self, story, text):
        assert self.card(story, text) == {}

    def test_a_resolved_one_is_not(self, story):
        assert self.card(story, "Sepsis", status="resolved") == {}

    def test_the_words_of_a_code_we_do_not_know_count(self, story):
        entry = condition("I62.00", recordedDate=day(3))
        entry["code"]["coding"][0]["display"] = "Nontraumatic subdural hemorrhage, unspecified"

        assert list(counts(story, entry, without=())) == ["INO-HEM-09"]

    def test_bleeding_counts_when_it_is_severe(self, story):
        severe = {"severity": coded(SNOMED, "24484000")}

        assert list(self.card(story, "Epistaxis", **severe)) == ["INO-HEM-09"]
        assert self.card(story, "Epistaxis") == {}


class TestPremedication:
    def card(self, story, *drafts, facts=()):
        return story.sign([dosed(), *drafts], chart(21, *facts)).get("INO-PRE-01")

    def test_a_whole_set_is_silent(self, story):
        assert self.card(story, *premedication()) is None

    def test_each_missing_class_is_named_and_offered_without_a_dose(self, story):
        steroid, _, _ = premedication()
        card = self.card(story, steroid)

        assert card["indicator"] == "warning"
        assert "antipyretics and antihistamines" in card["summary"]
        made = [action["resource"] for s in card["suggestions"] for action in s["actions"]]
        names = [each["medicationCodeableConcept"]["text"] for each in made]
        assert names == ["Acetaminophen", "Loratadine"]
        assert not any("dosageInstruction" in each for each in made)

    def test_what_is_offered_completes_the_set(self, story):
        card = self.card(story)
        made = [action["resource"] for s in card["suggestions"] for action in s["actions"]]
        drafts = [{**each, "id": f"made-{number}"} for number, each in enumerate(made)]

        assert self.card(story, *drafts) is None

    def test_a_standing_steroid_counts(self, story):
        _, *others = premedication()
        standing = order("prednisone", status="active", authoredOn=ago(20))

        assert self.card(story, *others, facts=[standing]) is None

    def test_a_steroid_for_the_skin_does_not(self, story):
        _, *others = premedication()
        cream = order(
            "hydrocortisone",
            status="active",
            dosageInstruction=[{"route": {"text": "topical"}, "text": "on the rash"}],
        )

        assert "corticosteroids" in self.card(story, *others, facts=[cream])["summary"]

    def test_a_set_selected_later_counts_when_it_is_drafted_beside(self, story):
        cards = story.select([dosed()], premedication(), chart())

        assert "INO-PRE-01" not in cards

    def test_in_liver_injury_the_card_asks_about_acetaminophen(self, story):
        cards = story.sign([dosed()], whole_chart(panel=liver(alt="101")))

        assert "Liver injury" in cards["INO-PRE-01"]["detail"]


class TestBlasts:
    def first(self, story, *facts, without=(BLASTS,)):
        return story.sign([dosed(0), *premedication()], chart(0, *facts, without=without))

    def test_above_ten_thousand_they_are_reduced_first(self, story):
        cards = self.first(story, result(BLASTS, 10001, "/uL"))

        assert cards["INO-PRE-02"]["indicator"] == "warning"
        assert "10001 /uL on 2026-11-19" in cards["INO-PRE-02"]["summary"]

    def test_at_exactly_ten_thousand_the_us_label_is_content(self, story):
        assert "INO-PRE-02" not in self.first(story, result(BLASTS, 10000, "/mm3"))

    def test_a_share_is_multiplied_with_the_leukocytes_of_the_day(self, story):
        facts = (result(WBC, 30, CELLS), result(BLAST_SHARE, 50, "%"))
        cards = self.first(story, *facts, without=(BLASTS, WBC))

        assert "15.00 10*9/L" in cards["INO-PRE-02"]["summary"]
        assert "WBC 30" in cards["INO-PRE-02"]["detail"]

    def test_nothing_counted_is_a_card_of_its_own(self, story):
        cards = self.first(story)

        assert "INO-PRE-03" in cards
        assert "blasts in blood" not in cards.get("INO-DATA-01", {}).get("detail", "")

    def test_a_later_dose_is_not_asked(self, story):
        cards = story.sign([dosed(21), *premedication()], chart(21, without=(BLASTS,)))

        assert only("INO-PRE", cards) == []

    def test_the_first_dose_brings_one_word_about_observation(self, story):
        cards = self.first(story, without=())

        assert only("INO-PRE", cards) == ["INO-PRE-04"]
        assert cards["INO-PRE-04"]["indicator"] == "info"

    def test_a_high_tumour_burden_asks_for_urate_lowering(self, story):
        facts = [each for each in chart(0, result(WBC, 26, CELLS), without=(WBC,))]
        bare = [each for each in facts if "allopurinol" not in str(each)]

        assert "INO-PRE-05" not in story.sign([dosed(0), *premedication()], facts)
        card = story.sign([dosed(0), *premedication()], bare)["INO-PRE-05"]
        assert "WBC 26 10*9/L" in card["summary"]


def reaction(severity="severe", text="Infusion related reaction", suspect="inotuzumab", **more):
    drug = resource(
        "MedicationAdministration",
        status="completed",
        medicationCodeableConcept={"text": suspect},
        effectiveDateTime=ago(7),
    )
    return [
        drug,
        resource(
            "AdverseEvent",
            actuality="actual",
            event={"text": text},
            severity={"text": severity},
            date=day(7),
            suspectEntity=[{"instance": {"reference": f"MedicationAdministration/{drug['id']}"}}],
            **more,
        ),
    ]


def allergy(text="inotuzumab ozogamicin", **more):
    entry = resource("AllergyIntolerance", code={"text": text}, **more)
    entry["patient"] = entry.pop("subject")
    return entry


class TestReactions:
    def cards(self, story, *facts):
        cards = story.sign([dosed(28), *premedication()], chart(28, *facts))
        return {rule: cards[rule] for rule in (*only("INO-IRR", cards), *only("INO-ALG", cards))}

    def test_a_severe_one_ends_treatment(self, story):
        cards = self.cards(story, *reaction())

        assert list(cards) == ["INO-IRR-01"]
        card = cards["INO-IRR-01"]
        assert card["indicator"] == "critical"
        assert [a["type"] for s in card["suggestions"] for a in s["actions"]] == ["delete"]

    def test_a_milder_one_checks_premedication(self, story):
        cards = self.cards(story, *reaction("moderate"))

        assert {rule: card["indicator"] for rule, card in cards.items()} == {"INO-IRR-02": "info"}

    def test_one_without_a_severity_is_said(self, story):
        cards = self.cards(story, *reaction(""))

        assert "without a severity" in cards["INO-IRR-02"]["summary"]

    def test_a_severe_event_that_is_no_reaction_is_not(self, story):
        assert self.cards(story, *reaction(text="Neutrophil count decreased")) == {}

    def test_one_to_another_drug_is_not(self, story):
        assert self.cards(story, *reaction(suspect="rituximab")) == {}

    def test_an_allergy_is_critical(self, story):
        cards = self.cards(story, allergy())

        assert {rule: card["indicator"] for rule, card in cards.items()} == {
            "INO-ALG-01": "critical"
        }

    def test_an_allergy_to_an_ingredient_is(self, story):
        cards = self.cards(story, allergy("Polysorbate 80"))

        assert "polysorbate 80" in cards["INO-ALG-01"]["summary"]

    @pytest.mark.parametrize("text", ["penicillin", "ketorolac tromethamine", "iron sucrose"])
    def test_an_allergy_to_something_else_is_not(self, story, text):
        assert self.cards(story, allergy(text)) == {}
