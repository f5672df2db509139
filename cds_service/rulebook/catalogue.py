"""The rulebook as a page for people: ``docs/rules.md``, written from the rule files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from cds_service.rulebook.model import Parameter, Rule, Rulebook
from cds_service.rulebook.templates import printed

GRADES = {
    "A": "read in the source",
    "B": "read in a secondary professional source",
    "C": "recalled, not re-read",
    "S": "from a briefing text",
    "P": "project choice",
}


def catalogue(rulebook: Rulebook) -> str:
    """Every rule by chapter: what it says when, on whose word, and where it is blind."""
    return "\n".join(_lines(rulebook)) + "\n"


def _lines(rulebook: Rulebook) -> Iterator[str]:
    rules = sorted(rulebook.rules.values(), key=lambda rule: (rule.chapter, rule.id))
    reviewed = sum(bool(rule.sign_off.by) for rule in rules)
    yield "# The rules"
    yield ""
    yield "Written by `cds-service rules catalogue` from the files under `rules/`; a test holds it."
    yield f"{len(rules)} rules, {reviewed} reviewed by a clinician. Not for use on patients."
    yield ""
    yield "Evidence grades: " + "; ".join(f"**{key}** {text}" for key, text in GRADES.items()) + "."
    for chapter, members in groupby(rules, lambda rule: rule.chapter):
        yield ""
        yield f"## {chapter.capitalize()}"
        for rule in members:
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield ""
    yield f"### {rule.id} {rule.title}"
    yield ""
    yield rule.why.strip()
    yield ""
    indicators = dict.fromkeys(variant.indicator for variant in rule.variants)
    yield f"- Status: {rule.status}, version {rule.version}, {_review(rule)}"
    yield f"- Hooks: {', '.join(rule.hooks)}"
    yield f"- Indicator: {', '.join(indicators)}; evidence {', '.join(rule.grades)}"
    yield from (_parameter(rule, each) for each in rule.parameters.values())
    for citation in rule.citations.values():
        section = f", {citation.section}" if citation.section else ""
        yield f"- Source: {citation.label}{section} ({citation.grade})"
    for spot in rule.blind_spots:
        yield f"- Blind spot: {spot}"
    if rule.unless_fires:
        yield f"- Silent when {', '.join(rule.unless_fires)} speaks"
    if rule.amends:
        yield f"- Adds its words to the card of {', '.join(rule.amends)} when that one speaks"
    yield f"- Cases: {len(rule.cases)}, in `{rule.file}`"


def _parameter(rule: Rule, parameter: Parameter) -> str:
    cited = rule.citations.get(parameter.cite)
    source = f"{cited.label} ({cited.grade})" if cited else f"our choice: {parameter.note}"
    name = parameter.name.replace("_", " ")
    return f"- Number: {name} {printed(parameter.value)} {parameter.unit}; {source}"


def _review(rule: Rule) -> str:
    return f"signed by {rule.sign_off.by}" if rule.sign_off.by else "not reviewed by a clinician"
