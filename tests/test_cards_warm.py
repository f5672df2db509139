"""What is the same on every card is worked out before the first call."""

from __future__ import annotations

from cds_service.cards import fine_print, suggestions, templates
from cds_service.cards.warm import warm
from cds_service.rulebook.model import Rulebook
from tests.test_rules_all import loaded, terminology


def test_the_first_card_of_a_warm_rulebook_reads_no_template_and_checks_no_resource(monkeypatch):
    rulebook: Rulebook = loaded()[0]
    warm(rulebook, terminology())
    for module, work in (
        (templates, "_plain"),
        (fine_print, "not_from_the_label"),
        (suggestions, "is_valid"),
    ):
        monkeypatch.setattr(module, work, refused)

    warm(rulebook, terminology())


def refused(*given: object) -> None:
    raise AssertionError("It was not worked out")
