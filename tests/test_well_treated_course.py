"""One well-treated patient, from the first dose to the transplant: no warning, nothing critical.

Everything the label asks for is on file and in order at every step, so each interruption would be
one too many. Cards for information are allowed; what they are is printed when a test fails.
"""

from __future__ import annotations

import pytest

from tests.story import (
    STANDARD_COURSE,
    Story,
    day,
    dosed,
    lab,
    order,
    premedication,
    whole_chart,
)

CONDITIONING_DAY = 60


def urgent(cards: dict) -> dict:
    return {rule: card["summary"] for rule, card in cards.items() if card["indicator"] != "info"}


@pytest.mark.parametrize("on", STANDARD_COURSE)
def test_no_dose_of_a_standard_course_is_interrupted(client, on):
    cards = Story(client).sign([dosed(on), *premedication()], whole_chart(on))

    assert urgent(cards) == {}


def test_conditioning_with_one_alkylator_is_not_interrupted(client):
    days = {"dosageInstruction": [{"timing": {"event": [day(0), day(-1), day(-2)]}}]}
    drafts = [order("busulfan", **days), order("fludarabine", **days)]
    cards = Story(client).sign(drafts, whole_chart(CONDITIONING_DAY))

    assert urgent(cards) == {}


@pytest.mark.parametrize("on", STANDARD_COURSE)
def test_opening_the_chart_interrupts_nobody(client, on):
    assert urgent(Story(client).view(whole_chart(on + 1))) == {}


def test_the_same_course_with_one_thing_wrong_is_interrupted(client):
    """The silence above is no deafness: one raised result at the same step speaks."""
    chart = [*whole_chart(21), lab("bilirubin", "1.9 mg/dL", "1.2", 0.5)]

    assert "INO-LIV-02" in urgent(Story(client).sign([order("inotuzumab")], chart))
