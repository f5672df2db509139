"""Edges that stories of one chapter do not reach."""

from __future__ import annotations

import pytest

from tests.story import Story, ago, course, lab, liver, order


@pytest.fixture
def story(client) -> Story:
    return Story(client)


def test_a_raised_result_with_a_time_of_issue_alone_is_not_passed_over(story):
    raised = lab("bilirubin", "1.9 mg/dL", "1.2", issued=ago(1))
    del raised["effectiveDateTime"]

    assert "INO-LIV-02" in story.sign([order("inotuzumab")], [raised, *liver()[1:]])


def test_the_group_of_an_order_may_name_its_cycle(story):
    draft = order("inotuzumab", groupIdentifier={"value": "INO-C7D1"})

    assert "INO-CYC-04" in story.sign([draft], [*course(1), *liver()])
