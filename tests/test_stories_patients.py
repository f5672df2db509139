"""Who is treated: disease, age, pregnancy, vaccines, and signs of VOD, as whole stories."""

from __future__ import annotations

import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.fhir_search import Resource
from tests.story import (
    ATC,
    LOINC,
    NOW,
    SNOMED,
    Story,
    by_rule,
    care_plan,
    coded,
    condition,
    course,
    day,
    dosed,
    given,
    lab,
    observation,
    on_file,
    order,
    patient,
    procedure,
    result,
    transplant_planned,
    whole_chart,
)

HCG_WORDS = coded(LOINC, "2118-8")
LIVE_ZOSTER, RECOMBINANT_ZOSTER = coded(ATC, "J07BK02"), coded(ATC, "J07BK03")


@pytest.fixture
def story(client) -> Story:
    return Story(client)


@pytest.fixture(scope="module")
def eu_story() -> Story:
    return Story(create_app(Settings(profile="EU"), clock=lambda: NOW).test_client())


def signed(told: Story, *drafts: Resource, who: Resource | None = None) -> dict:
    """Cards of an order-sign call on a chart that holds nothing but the patient."""
    body = told.body("order-sign", list(drafts), [])
    if who:
        body["prefetch"]["patient"] = who
    return by_rule(told.cards(body))


def indicator(cards: dict, rule: str) -> str:
    return cards[rule]["indicator"] if rule in cards else ""


class TestDisease:
    """INO-IND-02 to -05."""

    def test_a_whole_chart_says_nothing_of_the_disease(self, story):
        cards = story.sign([dosed()], whole_chart())

        assert not [rule for rule in cards if "-IND-" in rule]

    def test_no_leukaemia_on_file(self, story):
        assert indicator(signed(story, order("inotuzumab")), "INO-IND-02") == "warning"

    @pytest.mark.parametrize("words", ["Relapsed B-ALL", "B-cell acute lymphoblastic leukemia"])
    def test_a_diagnosis_in_words_is_a_diagnosis(self, story, words):
        chart = [condition("x") | {"code": {"text": words}}]

        assert "INO-IND-02" not in story.sign([order("inotuzumab")], chart)

    def test_t_cell_all(self, story):
        chart = [condition("277575008", SNOMED)]

        assert "T-cell" in story.sign([order("inotuzumab")], chart)["INO-IND-02"]["summary"]

    def test_lymphoma_alone(self, story):
        assert indicator(
            story.sign([order("inotuzumab")], [condition("C83.50")]), "INO-IND-02"
        ) == ("info")

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ({"valueQuantity": {"value": 0, "unit": "%"}}, "warning"),
            ({"valueQuantity": {"value": 40, "unit": "%"}}, ""),
            ({"valueString": "CD22 negative"}, "warning"),
            ({"valueString": "positive"}, ""),
        ],
    )
    def test_cd22(self, story, value, expected):
        chart = [observation(coded(LOINC, "51124-6"), 10, **value)]

        assert indicator(story.sign([order("inotuzumab")], chart), "INO-IND-03") == expected

    @pytest.mark.parametrize(
        ("disease", "fires"),
        [
            (condition("C91.02"), False),
            (condition("277571004", SNOMED, status="relapse"), False),
            (condition("277571004", SNOMED), True),
            (condition("C91.00"), True),
        ],
    )
    def test_front_line(self, story, disease, fires):
        cards = story.sign([order("inotuzumab")], [disease])

        assert ("INO-IND-04" in cards) is fires

    def test_a_second_line_is_no_front_line(self, story):
        chart = [condition("277571004", SNOMED), care_plan(title="Second-line therapy")]

        assert "INO-IND-04" not in story.sign([order("inotuzumab")], chart)

    @pytest.mark.parametrize(("drug", "fires"), [("dasatinib", False), ("ursodiol", True)])
    def test_philadelphia_positive(self, story, eu_story, drug, fires):
        disease = condition("277571004", SNOMED) | {
            "code": {**coded(SNOMED, "277571004"), "text": "Ph-positive B-ALL"}
        }
        chart = [disease, on_file(drug, status="stopped")]

        us, eu = (each.sign([order("inotuzumab")], chart) for each in (story, eu_story))

        assert indicator(us, "INO-IND-05") == ("info" if fires else "")
        assert indicator(eu, "INO-IND-05") == ("warning" if fires else "")


class TestPatient:
    """Age, sex, pregnancy and breast-feeding."""

    @pytest.mark.parametrize(
        ("born", "us", "eu"),
        [
            ("2026-02-01", "critical", "critical"),
            ("2015-02-01", "", "warning"),
            ("1990-02-01", "", ""),
        ],
    )
    def test_age(self, story, eu_story, born, us, eu):
        who = patient(birthDate=born)

        for told, expected in ((story, us), (eu_story, eu)):
            cards = signed(told, order("inotuzumab"), who=who)
            assert indicator(cards, "INO-IND-01") == expected

    def test_a_positive_test_is_critical_and_the_race_code_is_no_test(self, story):
        positive = observation(HCG_WORDS, 3, valueString="positive")
        race = observation(
            coded("urn:oid:2.16.840.1.113883.6.238", "2106-3"), valueString="positive"
        )

        assert indicator(story.sign([order("inotuzumab")], [positive]), "INO-REP-01") == "critical"
        assert "INO-REP-01" not in story.sign([order("inotuzumab")], [race])

    @pytest.mark.parametrize(("hcg", "fires"), [(2, False), (5, False), (6, True), (900, True)])
    def test_a_test_in_numbers(self, story, hcg, fires):
        limit = {"referenceRange": [{"high": {"value": 5, "unit": "mIU/mL"}}]}
        chart = [result("19080-1", hcg, "mIU/mL", 2, **limit)]

        cards = story.sign([order("inotuzumab")], chart)

        assert ("INO-REP-01" in cards) is fires
        assert "INO-REP-02" not in cards

    def test_a_woman_without_a_test_and_a_man(self, story):
        woman = signed(story, order("inotuzumab"))
        man = signed(story, order("inotuzumab"), who=patient(gender="male"))

        assert indicator(woman, "INO-REP-02") == "warning"
        assert "INO-REP-02" not in man
        assert "8 months" in woman["INO-REP-03"]["summary"]
        assert "5 months" in man["INO-REP-03"]["summary"]

    def test_later_doses_ask_for_nothing_again(self, story):
        cards = story.sign([order("inotuzumab")], [given("inotuzumab", 7)])

        assert not {"INO-REP-02", "INO-REP-03", "INO-INF-01"} & set(cards)

    def test_breast_feeding(self, story):
        chart = [condition("Z39.1")]

        assert indicator(story.sign([order("inotuzumab")], chart), "INO-REP-04") == "warning"


class TestVaccines:
    """INO-VAC-01."""

    @pytest.mark.parametrize(
        ("vaccine", "fires"), [(LIVE_ZOSTER, True), (RECOMBINANT_ZOSTER, False)]
    )
    def test_only_the_live_zoster_vaccine_speaks(self, story, vaccine, fires):
        draft = order("vaccine", medicationCodeableConcept=vaccine)

        assert ("INO-VAC-01" in story.sign([draft], [given("inotuzumab", 30)])) is fires

    def test_a_patient_without_inotuzumab_is_left_alone(self, story):
        assert signed(story, order("vaccine", medicationCodeableConcept=LIVE_ZOSTER)) == {}


class TestSignsOfVOD:
    """INO-VOD-16, -17 and INO-NRM-01."""

    def signs(self, *more):
        return [given("inotuzumab", 15), lab("bilirubin", "2.1 mg/dL", "1.2"), *more]

    @pytest.mark.parametrize(
        "sign",
        [
            [condition("R18.8")],
            [condition("R16.0")],
            [result("29463-7", 70, "kg", 15), result("29463-7", 75, "kg", 1)],
        ],
    )
    def test_bilirubin_and_a_sign(self, story, sign):
        cards = story.view(self.signs(*sign))

        assert indicator(cards, "INO-VOD-16") == "warning"
        assert "diagnosed" not in str(cards["INO-VOD-16"]).casefold()

    def test_bilirubin_and_a_steady_weight(self, story):
        weights = [result("29463-7", 70, "kg", 15), result("29463-7", 71, "kg", 1)]

        assert "INO-VOD-16" not in story.view(self.signs(*weights))

    @pytest.mark.parametrize(("days", "fires"), [(30, True), (31, False)])
    def test_the_first_month_after_a_transplant(self, story, days, fires):
        chart = [*course(2, 60), procedure("234336002", days)]

        assert ("INO-VOD-17" in story.view(chart)) is fires

    def test_a_transplant_ordered_after_inotuzumab(self, story):
        draft = {**transplant_planned(30), "status": "draft"}

        assert indicator(story.sign([draft], course(2)), "INO-NRM-01") == "info"
        assert "INO-NRM-01" not in signed(story, draft)


class TestRiskFactors:
    """INO-VOD-03, -05, -06 and -15."""

    def test_cirrhosis_under_both_labels(self, story, eu_story):
        chart = [condition("K74.60")]

        assert indicator(story.sign([order("inotuzumab")], chart), "INO-VOD-03") == "warning"
        assert indicator(eu_story.sign([order("inotuzumab")], chart), "INO-VOD-03") == "critical"

    @pytest.mark.parametrize(("born", "fires"), [("1971-11-20", True), ("1971-11-21", False)])
    def test_the_55th_birthday(self, story, born, fires):
        cards = signed(story, order("inotuzumab"), who=patient(birthDate=born))

        assert ("INO-VOD-05" in cards) is fires

    @pytest.mark.parametrize(("title", "fires"), [("Third-line", True), ("Second-line", False)])
    def test_the_line_of_therapy(self, story, title, fires):
        chart = [care_plan(title=f"{title} therapy: inotuzumab ozogamicin", created=day(10))]

        assert ("INO-VOD-06" in story.sign([order("inotuzumab")], chart)) is fires

    def test_the_line_alone_raises_no_card_of_its_own(self, story):
        chart = [each for each in whole_chart() if each["resourceType"] != "CarePlan"]

        assert "INO-DATA-01" not in story.sign([dosed()], chart)

    def test_defibrotide(self, story):
        cards = story.sign([order("inotuzumab")], [on_file("defibrotide")])

        assert indicator(cards, "INO-VOD-15") == "warning"
