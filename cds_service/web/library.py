"""The rule library for people: what each rule says, why, and on whose word."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from itertools import groupby

from flask import Blueprint, Response

from cds_service.rulebook.model import Clause, Rule
from cds_service.web.explained import asked, number
from cds_service.web.page import page
from cds_service.web.parts import parts

blueprint = Blueprint("library", __name__, url_prefix="/rules")


@blueprint.get("")
def listing() -> Response:
    """All rules by chapter."""
    rules = sorted(parts().rulebook.rules.values(), key=lambda rule: (rule.chapter, rule.id))
    return page("rules.html", root="", chapters=_chapters(rules))


@blueprint.get("/<rule_id>")
def one(rule_id: str) -> Response:
    """One rule, whole."""
    rule = parts().rulebook.rules.get(rule_id)
    if rule is None:
        return page("no_rule.html", root="../", status=HTTPStatus.NOT_FOUND)
    return page("rule.html", root="../", rule=rule, when=_when(rule), number=number)


def _chapters(rules: Iterable[Rule]) -> list[tuple[str, list[Rule]]]:
    return [(chapter, list(group)) for chapter, group in groupby(rules, lambda rule: rule.chapter)]


def _when(rule: Rule) -> list[tuple[str, str, list[tuple[Clause, str]]]]:
    """Per variant: name, indicator, and each clause with its words."""
    return [
        (
            variant.name,
            variant.indicator,
            [(clause, asked(clause, rule)) for clause in variant.when],
        )
        for variant in rule.variants
    ]
