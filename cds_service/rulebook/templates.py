"""Checking card templates: which words they name, and how long a summary can become.

The widest rendering of a word is the table ``WIDEST`` below. Names and labels come from the chart
and have no bound: the cards room shortens them until the sentence fits, so the lint only asks that
they keep ``ROOM`` characters each.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cds_service.facts.answers import Question
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.complaints import did_you_mean, listed
from cds_service.rulebook.model import Clause, Evidence, Parameter
from cds_service.terminology import Terminology

SUMMARY_LIMIT = 139
FREE_WORDS = ("hook", "profile")
PARAMETERS = "p"
EVIDENCE = "evidence"
FILTERS = (
    "times",
    "join_and",
    "count_of",
    "of",
    "join",
    "first",
    "last",
    "lower",
    "capitalize",
    "length",
)
ROOM = 38
"""Characters that a name, or a list of names, keeps in a summary before it is shortened."""

WIDEST: Mapping[str, str] = {
    "age": "168 h ago",
    "before_date": "2026-12-31",
    "before_text": "1234.56 10*9/L",
    "baseline": "123.45 kg",
    "line": "12",
    "since": "2026-12-31",
    "change": "12.34 %",
    "cumulative": "at least 12.34 mg/m2",
    "cycle_days": "123",
    "apart": "12",
    "count": "12",
    "cycle": "12",
    "cycle_text": "cycle 12 day 15 (inferred)",
    "cycles": "12",
    "course_text": "36 doses in 12 cycles, last 2026-12-31",
    "date": "2026-12-31",
    "day": "15",
    "day0": "2026-12-31",
    "day_one": "2026-12-31",
    "days": "123",
    "doses": "36",
    "ended": "2026-12-31",
    "expected": "0.5 or 0.8 mg/m2 (0.95 or 1.52 mg)",
    "first": "2026-12-31",
    "held": "2026-12-31",
    "highest": "QTc (Fridericia) 1234 ms",
    "highest_date": "2026-12-31",
    "in_cycle": "at least 12.34 mg/m2",
    "lacking": "since 14 days before the first dose (2026-12-31)",
    "last": "2026-12-31",
    "lows": "magnesium 1.23 mg/dL (2026-12-31)" + "W" * 20,
    "list_date": "2026-12-31",
    "minutes": "120 min",
    "missing": "12",
    "name": "alkaline phosphatase",
    "ordered": "12.34 mg (1.23 mg/m2)",
    "percent": "over 10 %",
    "reduction": "0.38 mg/m2 on 2026-12-31",
    "planned": "2026-12-31",
    "prior_date": "2026-12-31",
    "prior_text": "1234.56 10*9/L",
    "reference": "MedicationRequest/" + "W" * 27,
    "rules": "INO-VOD-12, INO-LIV-01 and 39 more",
    "severity": "moderate",
    "status": "entered-in-error",
    "text": "1234.56 umol/L",
    "times": "123.45",
    "to_dilution": "23.98 h",
    "to_end": "23.98 h",
    "transfused": "2026-12-31",
    "uln": "1234.56 umol/L",
    "uln_from": " (the limit of another result)",
    "unit": "umol/L",
    "value": "1234.56",
    "vial": "0.9 mg",
}
"""The widest text of a show-word; a word that is not here is a name, which keeps ``ROOM``."""

_ENVIRONMENT = ImmutableSandboxedEnvironment(autoescape=False)


@lru_cache(maxsize=64)
def _parsed(template: str) -> nodes.Template:
    """The tree of a template; the checks of one rule look at the same few again and again.

    Raises:
        TemplateSyntaxError: when it is none.
    """
    return _ENVIRONMENT.parse(template)


@dataclass(frozen=True, slots=True)
class Words:
    """What a template of one variant may name: its clauses, and the clauses of other variants.

    The latter only where ``{% if clause is defined %}`` guards them.
    """

    clauses: Mapping[str, Clause]
    elsewhere: Collection[str]
    parameters: Mapping[str, Parameter]
    evidence: Mapping[str, Evidence] = field(default_factory=dict)


def problems(template: str, words: Words) -> Iterator[str]:
    """What is wrong with the words a template names, each as the end of a sentence."""
    try:
        tree = _parsed(template)
    except TemplateSyntaxError as error:
        yield f"is not a template: {error.message}"
        return
    for other in _other_statements(tree):
        yield f"uses {other}; a template prints, chooses (if) and repeats (for), nothing else"
    for node in tree.find_all(nodes.Filter):
        if node.name not in FILTERS:
            yield f'uses the filter "{node.name}"; filters: {listed(FILTERS)}'
    for name, attribute in _names(tree, words, frozenset()):
        yield from _problem(name, attribute, words)


def _other_statements(tree: nodes.Template) -> Iterator[str]:
    for statement in tree.find_all((nodes.Stmt, nodes.Call)):
        if not isinstance(statement, (nodes.Output, nodes.If, nodes.For)):
            yield f'"{type(statement).__name__.lower()}"'


@lru_cache(maxsize=1024)
def parameters_in(template: str) -> frozenset[str]:
    """The parameters a template prints; none when it cannot be read."""
    try:
        tree = _parsed(template)
    except TemplateSyntaxError:
        return frozenset()
    return frozenset(
        node.attr
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name == PARAMETERS
    )


def evidence_in(template: str) -> list[str]:
    """The ids of the facts a template cites: ``{{ evidence["INO-EVD-07"] }}``."""
    if EVIDENCE not in template:
        return []
    try:
        tree = _parsed(template)
    except TemplateSyntaxError:
        return []
    return [id_ for node in tree.find_all(nodes.Getitem) if (id_ := _cited(node))]


def _cited(node: nodes.Node) -> str:
    """The id in ``evidence["id"]``; empty for anything else."""
    if not isinstance(node, nodes.Getitem) or not isinstance(node.arg, nodes.Const):
        return ""
    is_evidence = isinstance(node.node, nodes.Name) and node.node.name == EVIDENCE
    return str(node.arg.value) if is_evidence else ""


def widest(template: str, words: Words, terminology: Terminology) -> int:
    """The most characters a summary can have; 0 when it cannot be rendered for other reasons."""
    values: dict[str, object] = {
        name: {word: _widest(word, clause.question, terminology) for word in _show(clause)}
        for name, clause in words.clauses.items()
    }
    values[PARAMETERS] = {p.name: printed(p.value) for p in words.parameters.values()}
    values[EVIDENCE] = {id_: str(fact) for id_, fact in words.evidence.items()}
    values |= {"hook": "order-select", "profile": "US"}
    try:
        return len(_ENVIRONMENT.from_string(template).render(values).strip())
    except (TemplateError, TypeError):
        return 0


def printed(number: Fraction) -> str:
    """A parameter as a card prints it: ``1.5``, ``14``."""
    return f"{(Decimal(number.numerator) / Decimal(number.denominator)).normalize():f}"


def _show(clause: Clause) -> Collection[str]:
    """The words of a clause: those its answers show, and what cards add over several readings."""
    show = KINDS[clause.question.kind].show
    joined = [word + "s" for word in ("name", "text") if word in show]
    return list(dict.fromkeys([*show, *joined, *(["all"] if show else [])]))


def _problem(name: str, attribute: str, words: Words) -> Iterator[str]:
    if name in FREE_WORDS:
        return
    if name == PARAMETERS:
        if attribute not in words.parameters:
            yield f'prints the parameter "{attribute}"; parameters: {listed(words.parameters)}.' + (
                did_you_mean(attribute, words.parameters)
            )
    elif name == EVIDENCE:
        if attribute not in words.evidence:
            yield (
                f'cites the evidence "{attribute}", which evidence.yaml does not hold; '
                'write evidence["id"].'
            ) + did_you_mean(attribute, words.evidence)
    elif name in words.clauses:
        show = _show(words.clauses[name])
        if attribute not in show:
            yield f'prints "{name}.{attribute}"; {name} shows: {listed(show) or "nothing"}.' + (
                did_you_mean(attribute, show)
            )
    elif name in words.elsewhere:
        yield (
            f'prints the clause "{name}", which this variant does not have; '
            f"guard it with {{% if {name} is defined %}}"
        )
    else:
        known = [*words.clauses, PARAMETERS, EVIDENCE, *FREE_WORDS]
        yield f'names "{name}"; names: {listed(known)}.' + did_you_mean(name, known)


def _names(node: nodes.Node, words: Words, local: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Every outer name of a template with the word asked of it ("" for the bare name)."""
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        if node.node.name not in local:
            yield node.node.name, node.attr
    elif id_ := _cited(node):
        yield EVIDENCE, id_
    elif isinstance(node, nodes.Name):
        if node.name not in local:
            yield node.name, ""
    elif isinstance(node, nodes.If):
        yield from _names_of_if(node, words, local)
    elif isinstance(node, nodes.For):
        inner = local | {"loop"} | {name.name for name in node.target.find_all(nodes.Name)}
        inner |= {node.target.name} if isinstance(node.target, nodes.Name) else set()
        yield from _names(node.iter, words, local)
        yield from _in_all([*node.body, *node.else_], words, inner)
    else:
        yield from _in_all(node.iter_child_nodes(), words, local)


def _in_all(
    inner: Collection[nodes.Node] | Iterator[nodes.Node], words: Words, local: frozenset[str]
) -> Iterator[tuple[str, str]]:
    return itertools.chain.from_iterable(_names(node, words, local) for node in inner)


def _names_of_if(node: nodes.If, words: Words, local: frozenset[str]) -> Iterator[tuple[str, str]]:
    """A guard ``x is defined`` decides here which of its branches this variant can print."""
    guarded = _guarded(node.test)
    if guarded in words.clauses:
        return _in_all(node.body, words, local)
    if guarded in words.elsewhere:
        return _in_all([*node.elif_, *node.else_], words, local)
    return _in_all(node.iter_child_nodes(), words, local)


def _guarded(test: nodes.Node) -> str:
    """The name in ``name is defined``, else ""."""
    if isinstance(test, nodes.Test) and test.name == "defined":
        return test.node.name if isinstance(test.node, nodes.Name) else ""
    return ""


def _widest(word: str, question: Question, terminology: Terminology) -> object:
    """The widest text of a word, the longest name where the question says what it may find."""
    if word == "all":
        return [{each: _widest(each, question, terminology) for each in KINDS[question.kind].show}]
    if word == "texts":
        return ", ".join([WIDEST["text"]] * 2)
    names = sorted(_names_asked(question, terminology), key=len) or ["W" * ROOM]
    if word == "names":
        return f"{', '.join(names[-2:])} and 9 more"[:ROOM]
    if word == "name":
        return names[-1]
    return WIDEST.get(word, "W" * ROOM)


def _names_asked(question: Question, terminology: Terminology) -> list[str]:
    """The printed names of everything a question may find."""
    names: set[str] = set()
    for _, value in question.selectors:
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, str) and each in terminology.names:
                members = terminology.substances_in(each) or {each}
                names |= {terminology.display_name(member) for member in members}
    return list(names)
