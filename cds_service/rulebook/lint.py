"""What a well-formed rule can still get wrong. One check, one function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook import templates, text_lint
from cds_service.rulebook.build import LOCAL, ONLY_VARIANT, Draft
from cds_service.rulebook.complaints import did_you_mean, listed
from cds_service.rulebook.model import Rule, Variant
from cds_service.terminology import Terminology

MOST_CLAUSES = 16
_ONE_PER_RULE = "lab", "order"
_ORDERS = ("order", "drugs", "conditioning", "dose_ordered", "schedule", "infusion", "preparation")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_UNREAD_GRADES = {"C", "P"}


def lint(draft: Draft, terminology: Terminology) -> None:
    """Check one rule on its own; what is wrong goes to its complaints."""
    for check in _CHECKS:
        check(draft)
    for check_text in (_check_words, _check_summary_width):
        for path, template, variant in _templates(draft):
            check_text(draft, path, template, variant, terminology)


def lint_together(drafts: Sequence[Draft]) -> None:
    """Check what only shows when all rules are seen."""
    by_id: dict[str, Draft] = {}
    for draft in drafts:
        first = by_id.setdefault(draft.rule.id, draft)
        if first is not draft:
            draft.complain(f"{draft.rule.id} is already the id of {first.rule.file}", "id")
    for draft in drafts:
        _check_names_of_rules(draft, by_id)
    _check_chapters(drafts)


def _check_file_name(draft: Draft) -> None:
    rule, path = draft.rule, PurePosixPath(draft.rule.file)
    prefix = rule.id.lower() + "-"
    if not path.stem.startswith(prefix) or not _SLUG.fullmatch(path.stem):
        draft.complain(
            f'the file of {rule.id} must be named "{prefix}what-it-is-about.yaml", lower case', "id"
        )


def _check_version(draft: Draft) -> None:
    rule = draft.rule
    if rule.version not in [change.version for change in rule.changed]:
        draft.complain(f"changes must say what is new in version {rule.version}", "changes")


def _check_unused(draft: Draft) -> None:
    rule = draft.rule
    printed = {
        name for _, template, _ in _templates(draft) for name in templates.parameters_in(template)
    }
    for name in rule.parameters:
        if name not in draft.used_parameters | printed:
            draft.complain(f'parameter "{name}" is never used', "parameters", name)
    sources = {variant.source for variant in rule.variants}
    cited = {rule.source, *sources, *rule.see_also, *(p.cite for p in rule.parameters.values())} - {
        LOCAL
    }
    for id_ in rule.citations:
        if id_ not in cited:
            draft.complain(
                f'citation "{id_}" is never used: a parameter, source or see_also should name it',
                "citations",
                id_,
            )


def _check_readings(draft: Draft) -> None:
    """Joins multiply: of the facts that come in numbers, a variant may ask one."""
    for variant in draft.rule.variants:
        many = [
            clause.name
            for clause in variant.when
            if KINDS[clause.question.kind].many_readings
            and clause.question.kind not in _ONE_PER_RULE
        ]
        if len(many) > 1:
            draft.complain(
                f'variant "{variant.name}" has several clauses with many readings '
                f"({', '.join(many)}); one is the most, besides lab and order",
                *_variant_path(draft, variant),
            )
        if len(variant.when) > MOST_CLAUSES:
            draft.complain(
                f'variant "{variant.name}" has {len(variant.when)} clauses; '
                f"{MOST_CLAUSES} are the most",
                *_variant_path(draft, variant),
            )


def _check_critical(draft: Draft) -> None:
    """A critical card about an order offers to hold or delete that order."""
    acting = {s.clause for s in draft.rule.suggestions if s.clause}
    for variant in draft.rule.variants:
        orders = {c.name for c in variant.when if c.question.kind in _ORDERS}
        if variant.indicator == "critical" and orders and not orders & acting:
            draft.complain(
                f'variant "{variant.name}" is critical and about an order: '
                f"add a suggestion that holds or deletes it ({listed(sorted(orders))})",
                *_variant_path(draft, variant),
            )


def _check_suggestions(draft: Draft) -> None:
    seen: set[str] = set()
    for position, suggestion in enumerate(draft.rule.suggestions):
        if suggestion.id in seen:
            draft.complain(f'suggestion "{suggestion.id}" is here twice', "suggestions", position)
        if suggestion.when_missing and not _names_what_is_missing(draft.rule):
            draft.complain(
                "when_missing is for a rule that asks for premedication, or for what was left "
                "open (unassessed)",
                "suggestions",
                position,
                "when_missing",
            )
        seen.add(suggestion.id)


def _names_what_is_missing(rule: Rule) -> bool:
    return rule.is_last or any(question.kind == "premedication" for question in rule.questions)


def _check_authority(draft: Draft) -> None:
    """What was only recalled or chosen by us is not what the label says."""
    if not set(draft.rule.grades) <= _UNREAD_GRADES:
        return
    for path, template, _ in _templates(draft):
        if text_lint.speaks_for_the_label(template):
            draft.complain(
                "the text names the label as its authority, but the evidence is only "
                f"{listed(draft.rule.grades)}: say whose choice it is",
                *path,
            )


def _check_text(draft: Draft) -> None:
    for path, template, _ in _templates(draft):
        for problem in text_lint.problems(template, one_line=path[-1] == "summary"):
            draft.complain(f"{path[-1]} {problem}", *path)


def _check_coverage(draft: Draft) -> None:
    """Some case fires each variant, some case is silent, and some is unknown if that can be."""
    rule = draft.rule
    seen = {case.expect for case in rule.cases}
    wanted = ["fires", "silent", *(["unknown"] if _can_be_unknown(rule) else [])]
    for outcome in wanted:
        if outcome not in seen:
            draft.complain(f'no case expects "{outcome}"', "cases")
    if len(rule.variants) > 1:
        spoken = {case.variant for case in rule.cases if case.expect == "fires"}
        for variant in rule.variants:
            if variant.name not in spoken:
                draft.complain(
                    f'no case fires with "variant: {variant.name}"', *_variant_path(draft, variant)
                )
    if not any(case.summary for case in rule.cases):
        draft.complain('no case expects the whole sentence: add "summary:" to one', "cases")


def _check_case_names(draft: Draft) -> None:
    seen: set[str] = set()
    for position, case in enumerate(draft.rule.cases):
        if case.name in seen:
            draft.complain(f'case "{case.name}" is here twice', "cases", position, "name")
        seen.add(case.name)
        if case.expect != "fires" and (case.variant or case.indicator or case.summary):
            draft.complain(
                f'case "{case.name}" expects no card: variant, indicator and summary go with fires',
                "cases",
                position,
            )


def _can_be_unknown(rule: Rule) -> bool:
    return any(KINDS[question.kind].needs for question in rule.questions)


_CHECKS: tuple[Callable[[Draft], None], ...] = (
    _check_file_name,
    _check_version,
    _check_unused,
    _check_readings,
    _check_critical,
    _check_suggestions,
    _check_authority,
    _check_text,
    _check_coverage,
    _check_case_names,
)


def _templates(draft: Draft) -> Iterator[tuple[tuple[str, ...], str, Variant]]:
    """Every template of a rule with its place and the variant it speaks for."""
    for variant in draft.rule.variants:
        own = draft.document.get("variants")
        given = own.get(variant.name) if isinstance(own, Mapping) else None
        card = given.get("card") if isinstance(given, Mapping) else None
        for part, template in (("summary", variant.card.summary), ("detail", variant.card.detail)):
            is_own = isinstance(card, Mapping) and part in card
            base = ("variants", variant.name, "card") if is_own else ("card",)
            if template:
                yield (*base, part), template, variant


def _check_words(
    draft: Draft, path: tuple[str, ...], template: str, variant: Variant, _: Terminology
) -> None:
    for problem in templates.problems(template, _words(draft, variant)):
        draft.complain(f"{path[-1]}{_of(draft, variant)} {problem}", *path)


def _check_summary_width(
    draft: Draft, path: tuple[str, ...], template: str, variant: Variant, terminology: Terminology
) -> None:
    if path[-1] != "summary":
        return
    width = templates.widest(template, _words(draft, variant), terminology)
    if width > templates.SUMMARY_LIMIT:
        draft.complain(
            f"summary{_of(draft, variant)} can become {width} characters long with the widest "
            f"values; {templates.SUMMARY_LIMIT} are the most",
            *path,
        )


def _words(draft: Draft, variant: Variant) -> templates.Words:
    clauses = {clause.name: clause for clause in variant.when}
    everywhere = {clause.name for each in draft.rule.variants for clause in each.when}
    return templates.Words(
        clauses, everywhere - clauses.keys(), draft.rule.parameters, draft.known_evidence
    )


def _of(draft: Draft, variant: Variant) -> str:
    return "" if variant.name == ONLY_VARIANT else f' of variant "{variant.name}"'


def _variant_path(draft: Draft, variant: Variant) -> tuple[str, ...]:
    return ("when",) if variant.name == ONLY_VARIANT else ("variants", variant.name)


def _check_names_of_rules(draft: Draft, by_id: Mapping[str, Draft]) -> None:
    rule = draft.rule
    named = [("unless_fires", i, id_) for i, id_ in enumerate(rule.unless_fires)]
    named += [("amends", i, id_) for i, id_ in enumerate(rule.amends)]
    for key, position, id_ in named:
        if id_ == rule.id:
            draft.complain(f"{key} names the rule itself", key, position)
        _check_rule_id(draft, id_, by_id, key, position)
    for number, case in enumerate(rule.cases):
        for position, id_ in enumerate(case.beside):
            _check_rule_id(draft, id_, by_id, "cases", number, "beside", position)
    if rule.amends_only and not rule.amends:
        draft.complain("amends_only needs amends: which cards it may add to", "amends_only")


def _check_rule_id(draft: Draft, id_: str, by_id: Mapping[str, Draft], *path: str | int) -> None:
    if id_ not in by_id:
        draft.complain(f'"{id_}" is not a rule of this rulebook.' + did_you_mean(id_, by_id), *path)


def _check_chapters(drafts: Sequence[Draft]) -> None:
    """The rules of one series (INO-VOD) live in one folder."""
    homes: dict[str, str] = {}
    for draft in drafts:
        series = draft.rule.id.rpartition("-")[0]
        home = homes.setdefault(series, draft.rule.chapter)
        if home != draft.rule.chapter:
            draft.complain(f'{series} rules live in "{home}", not "{draft.rule.chapter}"', "id")
