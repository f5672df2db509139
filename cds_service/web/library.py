"""The rule library for people: what each rule says, why, and on whose word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from itertools import groupby

from flask import Blueprint, Response, request

from cds_service.rulebook.model import Clause, Rule
from cds_service.web.asked import asked
from cds_service.web.page import page
from cds_service.web.parts import parts
from cds_service.web.words import number

blueprint = Blueprint("library", __name__, url_prefix="/rules")


@blueprint.get("")
def listing() -> Response:
    """The rules by chapter, narrowed by words and by chapter, indicator, grade or status."""
    everything = sorted(parts().rulebook.rules.values(), key=lambda rule: (rule.chapter, rule.id))
    asked_for = {name: request.args.get(name, "").strip() for name in ("q", *_FILTERS)}
    rules = [rule for rule in everything if _fits(rule, asked_for)]
    return page(
        "rules.html",
        root="",
        chapters=_chapters(rules),
        choices={name: _choices(everything, of) for name, of in _FILTERS.items()},
        asked=asked_for,
        shown=len(rules),
        total=len(everything),
    )


@blueprint.get("/<rule_id>")
def one(rule_id: str) -> Response:
    """One rule, whole."""
    rule = parts().rulebook.rules.get(rule_id)
    if rule is None:
        return page("no_rule.html", root="../", status=HTTPStatus.NOT_FOUND)
    return page("rule.html", root="../", rule=rule, when=_when(rule), number=number)


def _indicators(rule: Rule) -> tuple[str, ...]:
    return tuple(dict.fromkeys(variant.indicator for variant in rule.variants))


# What a reader may narrow the list by, and the words a rule answers to.
_FILTERS: Mapping[str, Callable[[Rule], tuple[str, ...]]] = {
    "chapter": lambda rule: (rule.chapter,),
    "indicator": _indicators,
    "grade": lambda rule: rule.grades,
    "status": lambda rule: (rule.status,),
}


def _fits(rule: Rule, asked_for: Mapping[str, str]) -> bool:
    narrowed = all(
        not asked_for[name] or asked_for[name] in words(rule) for name, words in _FILTERS.items()
    )
    sources = (citation.label for citation in rule.citations.values())
    text = " ".join((rule.id, rule.title, rule.why, *rule.blind_spots, *sources)).casefold()
    return narrowed and all(word in text for word in asked_for["q"].casefold().split())


def _choices(rules: Iterable[Rule], words: Callable[[Rule], tuple[str, ...]]) -> list[str]:
    return sorted({word for rule in rules for word in words(rule)})


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
