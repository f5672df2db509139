"""No fault of a FHIR server, in no transport, turns an alert into silence."""

from __future__ import annotations

import pytest

from tests.fault_matrix import (
    FAULTS,
    GAP,
    IN_ALL_SITUATIONS,
    OVERCOME,
    SITUATIONS,
    TELLING,
    TRANSPORTS,
    Seen,
    ask,
    judged,
    run,
    served,
    whole_answer,
)

LOUD = {"INO-LIV-01": ("critical", "Bilirubin high", "")}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_said_or_changes_nothing(fault, transport):
    results = run(fault, transport)
    assert [each for each in results.items() if "UNSAFE" in each[1]] == []
    if fault in OVERCOME:
        assert set(results.values()) == {"same cards"}


def test_the_situations_every_fault_is_put_to_are_among_all():
    assert set(TELLING) <= set(SITUATIONS)
    assert set(FAULTS) >= IN_ALL_SITUATIONS


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: f"{each.fixture}-{each.lacks}")
def test_what_is_fetched_says_the_same_as_what_was_sent(situation):
    with served(situation.fixture) as (server, request):
        sent = ask({**request, "fhirServer": None})
        whole = whole_answer(situation.fixture)
        assert server.requests == []
    if GAP not in sent.cards:
        assert whole == sent
    else:  # the cast has patients whose EHR sends less than it has
        assert whole.reasons < sent.reasons


class TestTheJudgement:
    @pytest.mark.parametrize(
        "seen",
        [
            Seen(200, {}, frozenset()),
            Seen(500, {}, frozenset()),
            Seen(404, {}, frozenset()),
            Seen(200, {GAP: ("info", "", "")}, frozenset()),
            Seen(200, {"INO-LIV-01": ("warning", "Bilirubin high", "")}, frozenset()),
        ],
    )
    def test_knows_silence(self, seen):
        assert judged(seen, Seen(200, LOUD, frozenset())).startswith("UNSAFE")

    @pytest.mark.parametrize(
        "seen",
        [
            Seen(412, {}, frozenset()),
            Seen(200, LOUD, frozenset()),
            Seen(200, {"INO-LIV-01": ("critical", "in other words", "")}, frozenset()),
            Seen(200, {GAP: ("warning", "", "")}, frozenset({"search failed"})),
        ],
    )
    def test_knows_what_is_said(self, seen):
        assert "UNSAFE" not in judged(seen, Seen(200, LOUD, frozenset()))
