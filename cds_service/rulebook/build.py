"""From a rule file in good form to a Rule: every name resolved, every complaint with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from cds_service.rulebook.clauses import Author, read_clauses
from cds_service.rulebook.complaints import Complaints, did_you_mean, listed
from cds_service.rulebook.model import (
    CardText,
    Case,
    Change,
    Citation,
    Clause,
    Evidence,
    Parameter,
    Rule,
    SignOff,
    Suggestion,
    Variant,
)
from cds_service.rulebook.reading import Fields
from cds_service.rulebook.schema import RuleForm, in_form
from cds_service.rulebook.shared_files import Shared
from cds_service.rulebook.templates import evidence_in
from cds_service.terminology import Terminology

LOCAL = "local"
ONLY_VARIANT = "main"


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as built, with the document it came from and what was noted on the way."""

    rule: Rule
    document: Fields
    complaints: Complaints
    used_parameters: frozenset[str]
    known_evidence: Mapping[str, Evidence] = field(default_factory=dict)

    def line(self, *path: str | int) -> int:
        """The line of the deepest part of a path that the document has."""
        return line_of(self.document, path)

    def complain(self, message: str, *path: str | int) -> None:
        """Complain about what stands at a path of the document."""
        self.complaints.at(self.line(*path), message)


def build(
    document: Fields,
    path: Path,
    sha256: str,
    shared: Shared,
    terminology: Terminology,
    complaints: Complaints,
) -> Draft | None:
    """The rule a document states; None when its form is too broken to go on."""
    form = in_form(RuleForm, document, complaints)
    if form is None:
        return None
    return _Builder(document, form, shared, terminology, complaints).build(path, sha256)


class _Builder:
    """Builds one rule; a part that cannot be built is complained about and left out."""

    def __init__(
        self,
        document: Fields,
        form: Mapping[str, Any],
        shared: Shared,
        terminology: Terminology,
        complaints: Complaints,
    ) -> None:
        self._document = document
        self._form = form
        self._shared = shared
        self._complaints = complaints
        self._citations = {
            id_: Citation(id=id_, **given) for id_, given in form["citations"].items()
        }
        self._parameters = {
            name: Parameter(
                name, Fraction(given["value"]), given["unit"], given["cite"], given.get("note", "")
            )
            for name, given in form.get("parameters", {}).items()
        }
        self._author = Author(terminology, self._parameters, complaints)

    def build(self, path: Path, sha256: str) -> Draft:
        """The rule with all its parts."""
        form = self._form
        self._check_citation(form["source"], "source")
        for position, id_ in enumerate(form.get("see_also", ())):
            self._check_citation(id_, "see_also", position)
        for parameter in self._parameters.values():
            self._check_parameter(parameter)
        sign_off = form["sign_off"]
        variants = self._variants()
        rule = Rule(
            id=form["id"],
            version=form["version"],
            status=form["status"],
            chapter=path.parent.name,
            title=form["title"],
            why=form["why"],
            hooks=tuple(form["hooks"]),
            grades=tuple(form["evidence"]),
            variants=variants,
            source=form["source"],
            citations=self._citations,
            parameters=self._parameters,
            blind_spots=tuple(form["blind_spots"]),
            suggestions=tuple(map(self._suggestion, range(len(form.get("suggestions", ()))))),
            override_reasons=tuple(
                self._shared.reasons[id_]
                for position, id_ in enumerate(form["override_reasons"])
                if self._is_known(
                    id_, self._shared.reasons, "override reason", "override_reasons", position
                )
            ),
            sign_off=SignOff(**sign_off),
            changed=tuple(Change(**change) for change in form["changes"]),
            cases=tuple(map(self._case, range(len(form["cases"])))),
            file=self._complaints.file,
            unless_fires=tuple(form.get("unless_fires", ())),
            amends=tuple(form.get("amends", ())),
            amends_only=form.get("amends_only", False),
            left_open=form.get("left_open", "info"),
            see_also=tuple(form.get("see_also", ())),
            evidence=self._evidence(variants),
            equivalent_mutants={
                entry["mutant"]: entry["because"] for entry in form.get("equivalent_mutants", ())
            },
            sha256=sha256,
        )
        return Draft(
            rule,
            self._document,
            self._complaints,
            frozenset(self._author.used),
            self._shared.evidence,
        )

    def _complain(self, message: str, *path: str | int) -> None:
        self._complaints.at(line_of(self._document, path), message)

    def _is_known(self, name: str, known: Iterable[str], what: str, *path: str | int) -> bool:
        if name in known:
            return True
        self._complain(
            f'"{name}" is not a known {what}; known: {listed(known)}.' + did_you_mean(name, known),
            *path,
        )
        return False

    def _check_citation(self, id_: str, *path: str | int) -> None:
        self._is_known(id_, self._citations, "citation of this rule", *path)

    def _check_parameter(self, parameter: Parameter) -> None:
        path = ("parameters", parameter.name)
        if parameter.cite != LOCAL:
            self._check_citation(parameter.cite, *path, "cite")
        elif not parameter.note:
            self._complain(
                f'parameter "{parameter.name}" is local: a note must say why this number', *path
            )

    def _evidence(self, variants: Iterable[Variant]) -> dict[str, Evidence]:
        """The facts its texts cite; an id nobody knows is for the lint to complain about."""
        cited = (
            id_
            for variant in variants
            for template in (variant.card.summary, variant.card.detail)
            for id_ in evidence_in(template)
        )
        known = self._shared.evidence
        return {id_: known[id_] for id_ in dict.fromkeys(cited) if id_ in known}

    def _variants(self) -> tuple[Variant, ...]:
        common = self._clauses(self._form.get("when", {}))
        named = self._form.get("variants")
        if named is None:
            if not common:
                self._complain('"when" is missing: the rule asks nothing', "when")
            return (self._variant(ONLY_VARIANT, common, {}),)
        if not named:
            self._complain("variants must have at least one", "variants")
        return tuple(
            self._variant(name, self._joined(name, common, given["when"]), given)
            for name, given in named.items()
        )

    def _clauses(self, when: Mapping[str, object]) -> tuple[Clause, ...]:
        return read_clauses(when, self._author)

    def _joined(
        self, name: str, common: tuple[Clause, ...], own: Mapping[str, object]
    ) -> tuple[Clause, ...]:
        for clause in common:
            if clause.name in own:
                self._complain(
                    f'clause "{clause.name}" of variant "{name}" is already in the common "when"',
                    "variants",
                    name,
                    "when",
                    clause.name,
                )
        return (*common, *self._clauses(own))

    def _variant(self, name: str, when: tuple[Clause, ...], given: Mapping[str, Any]) -> Variant:
        path = ("variants", name) if given else ()
        indicator = given.get("indicator") or self._form.get("indicator")
        card = {**self._form.get("card", {}), **given.get("card", {})}
        if indicator is None:
            self._complain(f'"indicator" is missing for variant "{name}"', *path)
        if "summary" not in card:
            self._complain(f'"card.summary" is missing for variant "{name}"', *path)
        text = CardText(card.get("summary", ""), card.get("detail", ""))
        source = given.get("source", "")
        if source:
            self._check_citation(source, *path, "source")
        return Variant(name, when, indicator or "info", text, source)

    def _suggestion(self, position: int) -> Suggestion:
        given = self._form["suggestions"][position]
        path = ("suggestions", position)
        acts_on_order = given["action"] in ("delete-order", "hold-order")
        self._expect(acts_on_order, given, "order", path)
        self._expect(given["action"] == "create", given, "resource", path)
        if "resource" in given:
            self._is_known(given["resource"], self._shared.resources, "resource", *path, "resource")
        if "order" in given:
            self._is_known(given["order"], self._clause_names(), "clause", *path, "order")
        missing = tuple(given.get("when_missing", ()))
        for number, name in enumerate(missing):
            names = self._author.terminology.names
            self._is_known(
                name, names, "analyte, drug class or concept", *path, "when_missing", number
            )
        return Suggestion(
            given["id"],
            given["label"],
            given["action"],
            given.get("order", ""),
            given.get("resource", ""),
            missing,
        )

    def _expect(
        self, wanted: bool, given: Mapping[str, Any], key: str, path: tuple[str | int, ...]
    ) -> None:
        """A key goes with some actions and not with others."""
        if wanted != (key in given):
            verb = "needs" if wanted else "does not take"
            self._complain(f'the action "{given["action"]}" {verb} "{key}"', *path)

    def _clause_names(self) -> list[str]:
        names = dict.fromkeys(self._form.get("when", {}))
        for variant in self._form.get("variants", {}).values():
            names |= dict.fromkeys(variant["when"])
        return list(names)

    def _case(self, position: int) -> Case:
        given = self._form["cases"][position]
        path = ("cases", position)
        expect, missing = self._expected(given["expect"], path)
        variants = self._form.get("variants", {ONLY_VARIANT: {}})
        if "variant" in given:
            self._is_known(given["variant"], variants, "variant", *path, "variant")
        if "hook" in given:
            self._is_known(given["hook"], self._form["hooks"], "hook of this rule", *path, "hook")
        return Case(
            name=given["name"],
            today=given["today"],
            given=given["given"],
            expect=expect,
            missing=missing,
            variant=given.get("variant", ""),
            indicator=given.get("indicator", ""),
            summary=given.get("summary", ""),
            profile=given.get("profile", "US"),
            hook=given.get("hook", self._form["hooks"][0]),
            gaps=given.get("gaps", {}),
            beside=tuple(given.get("beside", ())),
            line=line_of(self._document, path),
        )

    def _expected(self, expect: object, path: tuple[str | int, ...]) -> tuple[Any, str]:
        if expect in ("fires", "silent", "unknown"):
            return expect, ""
        if isinstance(expect, Fields) and list(expect) == ["unknown"]:
            clause = str(expect["unknown"])
            self._is_known(clause, self._clause_names(), "clause", *path, "expect")
            return "unknown", clause
        self._complain(
            "expect must be: fires, silent, unknown or {unknown: clause}", *path, "expect"
        )
        return "silent", ""


def line_of(document: Fields, path: Iterable[str | int]) -> int:
    """The line of the deepest part of a path that a document has."""
    value: Any = document
    line = document.line
    for step in path:
        try:
            line, value = value.lines[step], value[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line
