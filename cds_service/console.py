"""Answers of the service as text for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent, wrap
from typing import Any

WIDTH = 100
SIGNS: Mapping[str, str] = {"critical": "!!", "warning": "! ", "info": "i "}


def cards_text(answer: Mapping[str, Any]) -> Iterator[str]:
    """The cards of an answer, one paragraph each."""
    cards: Sequence[Mapping[str, Any]] = answer["cards"]
    if not cards:
        yield "No cards: every rule of this service was judged, and none speaks."
    for card in cards:
        yield from _card(card)
        yield ""


def _card(card: Mapping[str, Any]) -> Iterator[str]:
    source = card["source"]
    yield f"{SIGNS[card['indicator']]} {card['indicator'].upper()}  {card['summary']}"
    for paragraph in card.get("detail", "").split("\n"):
        yield from _indented(paragraph, "     ")
    for suggestion in card.get("suggestions", ()):
        changes = ", ".join(action["description"] for action in suggestion.get("actions", ()))
        yield from _indented(f"→ {suggestion['label']}" + (f": {changes}" if changes else ""))
    if reasons := [reason["display"] for reason in card.get("overrideReasons", ())]:
        yield from _indented(f"May be overridden because: {'; '.join(reasons)}")
    yield from _indented(f"[{source['topic']['code']}] {source['label']}")


def verdicts_text(answer: Mapping[str, Any], *, only: str = "") -> Iterator[str]:
    """Every rule with its verdict and the clauses behind it; ``only`` keeps one verdict."""
    for rule in answer["rules"]:
        if only and rule["verdict"] != only:
            continue
        urgency = f" ({rule['indicator']})" if "indicator" in rule else ""
        yield f"{rule['verdict'].upper():8}{rule['id']}{urgency}  {rule['title']}"
        if "because" in rule:
            yield from _indented(rule["because"])
        for variant in rule["variants"]:
            yield from _variant(variant, named=len(rule["variants"]) > 1)
        yield ""


def _variant(variant: Mapping[str, Any], *, named: bool) -> Iterator[str]:
    if named:
        yield f"    {variant['name']}: {variant['outcome']}"
    for clause in variant["clauses"]:
        yield from _indented(f"{clause['truth']:8}{clause['name']}: {clause['asks']}", "      ")
        for found in clause["found"]:
            yield from _indented(f"found {found}", "                ")
        if "gap" in clause:
            yield from _indented(f"gap {clause['gap']['words']}", "                ")
        for missing in clause["missing"]:
            yield from _indented(f"missing {missing}", "                ")
        if "sought" in clause:
            yield from _indented(clause["sought"]["words"], "                ")


def outcome_text(status: int, outcome: Mapping[str, Any]) -> Iterator[str]:
    """A refusal: the status and what is wrong where."""
    yield f"No answer: HTTP {status}"
    for issue in outcome.get("issue", ()):
        where = ", ".join(issue.get("expression", ()))
        yield "  " + ": ".join(filter(None, (where, issue.get("diagnostics", issue["code"]))))


def _indented(text: str, margin: str = "     ") -> Iterator[str]:
    if text.strip():
        yield indent("\n".join(wrap(text, WIDTH - len(margin))), margin)
