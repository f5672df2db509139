"""The rule library, as a pharmacist searches it."""

from __future__ import annotations

import re

import pytest


def shown(client, query=""):
    page = client.get(f"/rules{query}")
    assert page.status_code == 200
    return re.findall(r'<a href="rules/(INO-[A-Z]+-\d+)">', page.get_data(as_text=True))


def test_without_a_question_every_rule_is_shown(client):
    rulebook = client.application.extensions["cds_service"].rulebook

    assert sorted(shown(client)) == sorted(rulebook.rules)


def test_all_words_must_occur_in_whatever_order_and_case(client):
    found = shown(client, "?q=hsct+BILIRUBIN")

    assert "INO-VOD-12" in found
    assert "INO-QT-01" not in found


@pytest.mark.parametrize(
    ("query", "inside", "outside"),
    [
        ("?chapter=liver", "INO-LIV-01", "INO-VOD-12"),
        ("?indicator=critical", "INO-LIV-01", "INO-LIV-07"),
        ("?grade=P", "INO-DATA-01", "INO-VOD-02"),
        ("?chapter=liver&indicator=info", "INO-LIV-07", "INO-LIV-01"),
    ],
)
def test_the_list_is_narrowed_by_what_is_chosen(client, query, inside, outside):
    found = shown(client, query)

    assert inside in found
    assert outside not in found


def test_nothing_found_is_said_with_a_way_back(client):
    page = client.get("/rules?q=<b>nothing</b>").get_data(as_text=True)

    assert "No rule fits" in page
    assert "<b>nothing</b>" not in page


def test_a_rule_says_what_it_is_and_what_it_is_not(client):
    page = client.get("/rules/INO-VOD-12").get_data(as_text=True)

    for words in ("Not reviewed", "Limits", "Sources", "Numbers", "Cases", "Changes"):
        assert words in page
