"""Quiet until something changed: what an answer does to the same card the next time."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest

from cds_service.cards.context import CardContext
from cds_service.cards.quiet import EarlierAnswers, quieten
from cds_service.clients import Client
from cds_service.fhir.hook_call import HookCall
from cds_service.fixtures import load_fixture
from cds_service.store.records import Answered, FeedbackRecord
from cds_service.terminology import Terminology
from tests.golden import FIXTURES, WRITTEN_FOR
from tests.story import NOW, dosed, lab, liver, on_file, whole_chart
from tests.ward import JSON, Ward, ward
from tests.web_parts import card as some_card
from tests.web_parts import rulebook
from tests.wire_rules import assert_conforms

QUIET = "INO-QUIET"
WARNING = "INO-LIV-02"
ANSWERS: dict[str, JSON] = {
    "overridden for one of the card's reasons": {},
    "overridden, reason without display": {
        "overrideReason": {"reason": {"code": "no-alternative"}}
    },
    "overridden in Epic": {
        "overrideReason": None,
        "overrideReasons": {
            "extension": {
                "com.epic.cdshooks.feedback.overrideReason.reasonDisplay": "Does not meet criteria"
            }
        },
    },
    "overridden in words": {"overrideReason": {"userComment": "will repeat on Monday"}},
    "accepted": {"outcome": "accepted", "overrideReason": None},
}


@pytest.fixture
def us() -> Ward:
    return ward().begin()


def chart(**panel: str) -> list[Any]:
    """A bilirubin that raises one warning at order-sign, and ondansetron, which raises another."""
    return [*whole_chart(21, liver(**{"bilirubin": "1.9", **panel})), on_file("ondansetron")]


def selecting(us: Ward, draft: Any, on_record: list[Any]) -> JSON:
    reference = f"MedicationRequest/{draft['id']}"
    return us.story.body("order-select", [draft], on_record, selections=[reference])


def signing(us: Ward, draft: Any, on_record: list[Any]) -> JSON:
    return us.story.body("order-sign", [draft], on_record)


def fixture(name: str) -> tuple[Ward, JSON]:
    return ward(FIXTURES[name].profile).begin(WRITTEN_FOR), load_fixture(name, WRITTEN_FOR)


class TestEveryPatientOfTheCast:
    @pytest.mark.parametrize("name", FIXTURES)
    def test_answered_cards_as_the_table_has_them(self, name: str) -> None:
        """
        Hook by indicator: critical stays; at signing warning becomes info; before it is left out.
        """
        service, body = fixture(name)
        before = service.fire(body)
        service.answer(before.values())
        after = service.later(minutes=40).fire(body)

        assert_conforms({"cards": list(after.values())})
        for rule, card in before.items():
            check(body["hook"], card, after.get(rule))
        left_out = before.keys() - after.keys()
        assert (QUIET in after) is bool(left_out)
        if left_out:
            assert after[QUIET]["summary"].startswith(f"{len(left_out)} alert")
            assert after[QUIET]["detail"].count("\n- ") == len(left_out)

    @pytest.mark.parametrize("how", ANSWERS, ids=str)
    @pytest.mark.parametrize("name", ["bruno-both-liver-limits", "vera-inotuzumab-selected"])
    def test_a_critical_card_stays_whatever_was_answered(self, name: str, how: str) -> None:
        service, body = fixture(name)
        before = service.fire(body)
        service.answer(before.values(), **ANSWERS[how])
        after = service.later(minutes=40).fire(body)

        critical = [rule for rule, card in before.items() if card["indicator"] == "critical"]
        assert critical
        for rule in critical:
            check(body["hook"], before[rule], after.get(rule))

    @pytest.mark.parametrize("name", FIXTURES)
    def test_what_nobody_answered_is_said_again(self, name: str) -> None:
        service, body = fixture(name)
        before = told(service.fire(body))

        assert told(service.fire(body)) == before
        assert {card.shown_as for card in service.kept.call.cards} <= {"shown"}


def check(hook: str, before: JSON, after: JSON | None) -> None:
    """One cell of the table."""
    if before["indicator"] == "critical":
        assert after is not None
        assert after["indicator"] == "critical"
        assert after["summary"] == before["summary"]
        assert after["suggestions"]
    elif hook != "order-sign":
        assert after is None
        return
    assert after is not None
    assert after["indicator"] == ("critical" if before["indicator"] == "critical" else "info")
    assert after["detail"].startswith("Answered 20")
    assert len(after["suggestions"]) == len(before["suggestions"]) if "suggestions" in before else 1


def told(cards: dict[str, JSON]) -> dict[str, tuple[str, str]]:
    return {rule: (card["indicator"], card["summary"]) for rule, card in cards.items()}


class TestAtOrderSign:
    def test_a_warning_becomes_info_that_says_when_and_why(self, us: Ward) -> None:
        body = signing(us, dosed(), chart())
        us.answer(us.fire(body).values())
        card = us.later(minutes=40).fire(body)["INO-QT-01"]

        assert card["indicator"] == "info"
        assert card["summary"].startswith("(answered 09:00 UTC) Known QT risk with inotuzumab")
        assert card["detail"].startswith(
            "Answered 2026-11-20 09:00 UTC: Benefit outweighs the risk for this patient\n\n"
        )

    def test_yesterdays_answer_is_dated(self, us: Ward) -> None:
        body = signing(us, dosed(), chart())
        us.answer(us.fire(body).values(), outcomeTimestamp="2026-11-19T15:05:00Z")

        summary = us.fire(body)["INO-QT-01"]["summary"]
        assert summary.startswith("(answered 2026-11-19 15:05 UTC) ")

    def test_a_card_that_nobody_answered_comes_before_those_softened(self, us: Ward) -> None:
        body = signing(us, dosed(), chart())
        before = list(us.fire(body).values())
        us.answer(before[:1])
        after = list(us.fire(body).values())

        assert before[0]["indicator"] == "warning"
        assert [card["indicator"] for card in after][-1] == "info"
        assert after[-1]["source"]["topic"] == before[0]["source"]["topic"]

    @pytest.mark.parametrize(
        ("how", "line"),
        [
            ("overridden, reason without display", "No suitable alternative"),
            ("overridden in Epic", "Does not meet criteria"),
            ("overridden in words", "overridden, with a comment"),
            ("accepted", "accepted"),
        ],
    )
    def test_the_reason_as_it_is_said(self, us: Ward, how: str, line: str) -> None:
        body = signing(us, dosed(), chart())
        us.answer(us.fire(body).values(), **ANSWERS[how])

        detail = us.fire(body)["INO-QT-01"]["detail"]
        assert detail.startswith(f"Answered 2026-11-20 09:00 UTC: {line}\n\n")

    def test_no_comment_is_ever_shown(self, us: Ward) -> None:
        body = signing(us, dosed(), chart())
        us.answer(us.fire(body).values(), **ANSWERS["overridden in words"])

        assert "Monday" not in str(us.fire(body))

    @pytest.mark.parametrize(
        "attack",
        ["<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "# a\n\n|b|\n|-|", "x" * 5000],
        ids=["html", "link", "table", "endless"],
    )
    @pytest.mark.parametrize("hook", ["order-sign", "order-select"])
    def test_a_reason_from_the_ehr_does_nothing(self, us: Ward, attack: str, hook: str) -> None:
        at = {"order-sign": signing, "order-select": selecting}[hook]
        body = at(us, dosed(), chart())
        reason = {"code": attack, "system": attack, "display": attack}
        us.answer(us.fire(body).values(), overrideReason={"reason": reason})

        assert_conforms({"cards": list(us.fire(body).values())})


class TestBeforeSigning:
    def test_answered_cards_are_left_out_and_counted(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        before = us.fire(body)
        us.answer(before.values())
        cards = us.later(minutes=40).fire(body)

        assert list(cards) == [QUIET]
        notice = cards[QUIET]
        assert notice["indicator"] == "info"
        assert notice["summary"] == (
            f"{len(before)} alerts answered earlier today (UTC) are not repeated"
        )
        assert notice["source"]["topic"] == {
            "system": "urn:cds-service:rule",
            "code": QUIET,
            "display": "Answered earlier",
        }
        assert "suggestions" not in notice
        for card in before.values():
            assert (
                f"- {card['source']['topic']['display']}: answered 2026-11-20" in notice["detail"]
            )
        assert "Benefit outweighs the risk for this patient" in notice["detail"]
        assert "24 hours" in notice["detail"]

    def test_one_alert_of_yesterday(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        before = us.fire(body)
        us.answer([before[WARNING]], outcomeTimestamp="2026-11-19T15:05:00Z")
        cards = us.fire(body)

        assert cards[QUIET]["summary"] == "1 alert answered in the last 24 hours is not repeated"
        assert list(cards)[-1] == QUIET
        assert WARNING not in cards

    def test_what_was_answered_when_selecting_is_softened_when_signing(self, us: Ward) -> None:
        draft, on_record = dosed(), chart()
        us.answer(us.fire(selecting(us, draft, on_record)).values())
        cards = us.fire(signing(us, draft, on_record))

        assert cards[WARNING]["indicator"] == "info"
        assert QUIET not in cards

    def test_when_a_chart_is_opened(self) -> None:
        names = [name for name, info in FIXTURES.items() if info.hook == "patient-view"]
        seen = set()
        for name in names:
            service, body = fixture(name)
            before = service.fire(body)
            service.answer(before.values())
            after = service.fire(body)
            seen |= {(card["indicator"], rule in after) for rule, card in before.items()}

        assert ("warning", False) in seen
        assert ("warning", True) not in seen
        assert ("critical", False) not in seen

    def test_the_record_holds_what_was_left_out_and_the_notice(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        us.answer([us.fire(body)[WARNING]])
        notice = us.fire(body)[QUIET]

        assert us.kept.card(WARNING).shown_as == "left out"
        assert us.kept.card(QUIET).uuid == notice["uuid"]
        assert us.kept.card(QUIET).answer_key == ""

    def test_the_record_holds_what_was_softened(self, us: Ward) -> None:
        body = signing(us, dosed(), chart())
        us.answer([us.fire(body)[WARNING]])
        us.fire(body)

        assert us.kept.card(WARNING).shown_as == "softened"
        assert us.kept.card(WARNING).indicator == "info"


class TestItSpeaksAgain:
    """Nothing is softened, nothing left out: the card is as it was the first time."""

    @pytest.mark.parametrize("hook", ["order-sign", "order-select"])
    @pytest.mark.parametrize(
        "change", ["value", "date", "dose", "new order", "another result beside it"]
    )
    def test_when_something_changed(self, us: Ward, hook: str, change: str) -> None:
        at = {"order-sign": signing, "order-select": selecting}[hook]
        draft, on_record = dosed(), chart()
        us.answer(us.fire(at(us, draft, on_record)).values())
        cards = us.fire(at(us, *changed(change, draft, on_record)))

        assert cards[WARNING]["indicator"] == "warning"
        assert "Answered" not in cards[WARNING]["detail"]
        assert us.kept.card(WARNING).shown_as == "shown"

    def test_when_the_answer_is_older_than_the_hours(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        us.answer(us.fire(body).values(), outcomeTimestamp=(NOW - timedelta(hours=25)).isoformat())
        assert WARNING in us.fire(body)

    def test_when_the_hours_are_over_whatever_the_clock_of_the_ehr_said(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        ahead = (NOW + timedelta(days=300)).isoformat()
        us.answer(us.fire(body).values(), outcomeTimestamp=ahead)

        assert WARNING not in us.later(hours=23).fire(body)
        assert WARNING in us.later(hours=2).fire(body)

    def test_when_it_was_dismissed_without_a_reason(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        us.answer(us.fire(body).values(), overrideReason=None)
        assert WARNING in us.fire(body)

    def test_when_the_store_is_away(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        us.answer(us.fire(body).values())
        us.kept.away = True
        assert WARNING in us.fire(body)

    def test_when_another_card_was_answered(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        before = us.fire(body)
        us.answer([before["INO-QT-01"]])

        after = us.fire(body)
        assert WARNING in after
        assert "INO-QT-01" not in after


def changed(change: str, draft: Any, on_record: list[Any]) -> tuple[Any, list[Any]]:
    draft, on_record = deepcopy(draft), deepcopy(on_record)
    (bilirubin,) = (each for each in on_record if is_bilirubin(each))
    if change == "value":
        bilirubin["valueQuantity"]["value"] = 2.0
    elif change == "date":
        bilirubin["effectiveDateTime"] = "2026-11-19T09:30:00Z"
    elif change == "dose":
        draft["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = 0.9
    elif change == "new order":
        draft = dosed()
    else:
        newer = lab("bilirubin", "1.9 mg/dL", "1.2", 0.1)
        on_record.append(newer)
    return draft, on_record


def is_bilirubin(resource: Any) -> bool:
    codings = resource.get("code", {}).get("coding", [])
    return any(each.get("code") == "1975-2" for each in codings)


class TestWhoAnswered:
    def test_another_client_is_told_everything(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        us.answer(us.fire(body).values())

        assert WARNING in us.fire_as(body, Client("General Hospital"))
        assert WARNING not in us.fire_as(body)

    def test_another_tenant_is_told_everything(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        us.answer(us.fire_as(body, tenant="east").values())

        assert WARNING in us.fire_as(body, tenant="west")
        assert WARNING in us.fire_as(body)
        assert WARNING not in us.fire_as(body, tenant="east")

    def test_another_clients_answer_to_our_card_counts_for_nobody(self, us: Ward) -> None:
        body = selecting(us, dosed(), chart())
        shown = us.fire(body)[WARNING]
        us.kept.keep_feedback(
            [
                FeedbackRecord(
                    card=shown["uuid"],
                    client="General Hospital",
                    service_id="inotuzumab-order-select",
                    outcome="accepted",
                    outcome_at=NOW,
                    received_at=NOW,
                )
            ]
        )

        assert WARNING in us.fire(body)
        assert WARNING in us.fire_as(body, Client("General Hospital"))

    @pytest.mark.parametrize(("hours", "is_quiet"), [(None, True), (0, False), (2, True)])
    def test_a_client_may_want_other_hours(
        self, us: Ward, hours: int | None, is_quiet: bool
    ) -> None:
        client = Client("General Hospital", quiet_hours=hours)
        body = selecting(us, dosed(), chart())
        us.fire_as(body, client)
        shown = us.kept.card(WARNING)
        us.kept.keep_feedback([accepted(shown.uuid, "General Hospital")])

        assert (WARNING not in us.later(minutes=90).fire_as(body, client)) is is_quiet
        if hours == 2:
            assert WARNING in us.later(hours=1).fire_as(body, client)

    def test_an_epic_client_without_extensions_gets_a_notice_without_one(self, us: Ward) -> None:
        client = Client("General Hospital", card_extension=False)
        body = selecting(us, dosed(), chart())
        us.fire_as(body, client)
        us.kept.keep_feedback([accepted(us.kept.card(WARNING).uuid, "General Hospital")])

        assert "extension" not in us.fire_as(body, client)[QUIET]


def accepted(uuid: str, client: str) -> FeedbackRecord:
    return FeedbackRecord(
        card=uuid,
        client=client,
        service_id="inotuzumab-order-select",
        outcome="accepted",
        outcome_at=NOW,
        received_at=NOW,
    )


class TestTheRecord:
    @pytest.mark.parametrize("name", FIXTURES)
    def test_it_holds_no_patient_id_no_name_and_no_value(self, name: str) -> None:
        service, body = fixture(name)
        service.answer(service.fire(body).values())
        service.fire(body)
        record = str([asdict(call) for call in service.kept.calls])

        assert body["context"]["patientId"] not in record
        for private in private_words(body):
            assert private not in record, private


def private_words(body: JSON) -> set[str]:
    """Names, birth dates and identifiers of the Patient in a request, and every measured text."""
    found: set[str] = set()
    for value in body["prefetch"].values():
        if isinstance(value, dict) and value.get("resourceType") == "Patient":
            found |= {value.get("birthDate", "")}
            found |= {each["value"] for each in value.get("identifier", []) if "value" in each}
            for name in value.get("name", []):
                found |= {name.get("family", ""), name.get("text", ""), *name.get("given", [])}
    return {word for word in found if isinstance(word, str) and len(word) > 3}


class TestPlainly:
    """The function alone, for what no chart of ours brings about."""

    @pytest.mark.parametrize("hook", ["order-sign", "order-select", "patient-view"])
    @pytest.mark.parametrize("outcome", ["accepted", "overridden"])
    def test_a_critical_card_is_neither_left_out_nor_softened(
        self, hook: str, outcome: Any
    ) -> None:
        card = replace(some_card(indicator="critical"), answer_key="key")
        (shown,) = quiet_for([card], hook, Answered("key", outcome, NOW, "a"))

        assert shown.indicator == "critical"
        assert shown.shown_as == "shown"
        assert shown.detail.startswith("Answered 2026-11-20 09:00 UTC: a")

    @pytest.mark.parametrize(("length", "says_so"), [(118, True), (119, False)])
    def test_a_summary_says_it_only_where_there_is_room(self, length: int, says_so: bool) -> None:
        """
        A summary has 139 characters at most, of which "(answered 09:00 UTC) " takes 21.
        """
        card = replace(some_card(summary="x" * length), answer_key="key")
        (shown,) = quiet_for([card], "order-sign", Answered("key", "accepted", NOW))

        assert (len(shown.summary) == 139) is says_so
        assert shown.summary.endswith(card.summary)
        assert shown.indicator == "info"

    def test_a_card_without_a_key_is_never_quiet(self) -> None:
        (shown,) = quiet_for([some_card()], "order-select", Answered("", "accepted", NOW))
        assert shown == some_card()


def quiet_for(cards: list[Any], hook: str, answer: Answered) -> list[Any]:
    service = f"inotuzumab-{hook}"
    call = HookCall(service, hook, "x", "p-1")
    context = CardContext(lambda: "0", NOW, "http://x", Terminology.__new__(Terminology))
    earlier = EarlierAnswers(24, {answer.answer_key: answer})
    return list(quieten(cards, call, earlier, rulebook(), context))
