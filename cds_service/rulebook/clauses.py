"""Reading the clauses of a rule: every word checked against the vocabulary and the value sets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import cast

from cds_service.facts import vocabulary
from cds_service.facts.answers import Question
from cds_service.facts.answers import Selector as Selected
from cds_service.facts.quantity import canonical_unit
from cds_service.facts.vocabulary import KINDS, Kind
from cds_service.rulebook.complaints import Complaints, did_you_mean, listed
from cds_service.rulebook.model import Clause, Operator, Parameter, Test
from cds_service.rulebook.reading import Fields, Items
from cds_service.terminology import Terminology

COMPARISONS = ("gt", "gte", "lt", "lte")
_LOWER = {"gt", "gte"}
_BARE = (0, 1)

_one_question = lru_cache(maxsize=None)(Question)
"""Equal questions are one object, so that looking up an answer need not compare them."""


@dataclass(slots=True)
class Author:
    """What a clause may name, and where complaints and used parameters are noted down."""

    terminology: Terminology
    parameters: Mapping[str, Parameter]
    complaints: Complaints
    used: set[str] = field(default_factory=set)


def read_clauses(when: Mapping[str, object], author: Author) -> tuple[Clause, ...]:
    """The clauses of one ``when``; those that cannot be read are complained about."""
    read = (_clause(name, cast(Fields, entry), author) for name, entry in when.items())
    return tuple(clause for clause in read if clause)


def words_of(type_: vocabulary.SelectorType, terminology: Terminology) -> Collection[str]:
    """Every name a selector of that type may take."""
    if type_ == "substance":
        return terminology.substances
    kinds = {
        "drug-class": {"drug-class"},
        "analyte": {"analyte"},
        "concept": {"condition", "procedure", "status"},
    }[type_]
    return [name for name in terminology.names if terminology.kind_of(name) in kinds]


def _clause(name: str, entry: Fields, author: Author) -> Clause | None:
    fact = entry.get("fact")
    kind = KINDS.get(fact) if isinstance(fact, str) else None
    if kind is None:
        author.complaints.at(
            entry.lines.get("fact", entry.line),
            f'clause "{name}" asks for the fact "{fact}"; facts: {listed(KINDS)}.'
            + did_you_mean(fact, KINDS),
        )
        return None
    return _ClauseReader(name, entry, kind, author).read()


class _ClauseReader:
    """Reads one clause whose kind is known."""

    def __init__(self, name: str, entry: Fields, kind: Kind, author: Author) -> None:
        self._name = name
        self._entry = entry
        self._kind = kind
        self._author = author
        self._parameters: dict[str, str] = {}

    def read(self) -> Clause | None:
        """The clause, as far as it could be read."""
        for word in self._entry:
            self._check_word(word)
        for word, selector in self._kind.selectors.items():
            if selector.required and word not in self._entry:
                self._complain(
                    None, f'{_article(self._kind.name)} {self._kind.name} needs "{word}"'
                )
        selectors = [
            (word, value)
            for word in sorted(self._kind.selectors)
            if word in self._entry and (value := self._selected(word)) is not None
        ]
        tests = [
            test for word in self._kind.fields if word in self._entry for test in self._tests(word)
        ]
        if not any(word in self._kind.fields for word in self._entry):
            self._complain(None, f"tests nothing; fields: {listed(self._kind.fields)}")
        question = _one_question(self._kind.name, tuple(selectors))
        return Clause(
            self._name, question, tuple(tests), self._entry.line, tuple(self._parameters.items())
        )

    def _check_word(self, word: str) -> None:
        allowed = [*self._kind.selectors, *self._kind.fields]
        if word not in allowed and word != "fact":
            self._author.complaints.at(
                self._entry.lines[word],
                f'clause "{self._name}" asks for "{word}"; {_article(self._kind.name)} '
                f"{self._kind.name} has: "
                f"{listed(allowed)}." + did_you_mean(word, allowed),
            )

    def _complain(self, word: str | None, message: str) -> None:
        line = self._entry.lines[word] if word else self._entry.line
        subject = f'clause "{self._name}"' + (f", {word}:" if word else "")
        self._author.complaints.at(line, f"{subject} {message}")

    def _selected(self, word: str) -> Selected | None:
        selector = self._kind.selectors[word]
        value = self._entry[word]
        if selector.type == "number":
            return self._number(word, value, selector.unit, selector=True)
        if selector.type == "flag":
            return self._flag(word, value)
        values = value if isinstance(value, Items) else [value]
        if isinstance(value, Items) and not (selector.many and value):
            self._complain(word, "takes a list of at least one" if selector.many else "takes one")
            return None
        allowed = selector.choices or words_of(selector.type, self._author.terminology)
        names = [each for each in values if self._is_one_of(word, each, allowed, selector.type)]
        if len(names) < len(values):
            return None
        return tuple(cast(list[str], names)) if selector.many else cast(str, names[0])

    def _is_one_of(self, word: str, value: object, allowed: Collection[str], type_: str) -> bool:
        if isinstance(value, str) and value in allowed:
            return True
        self._complain(
            word,
            f'"{value}" is not {_article(type_)} {type_} we know'
            + (f": {listed(allowed)}." if len(allowed) <= 12 else ".")
            + did_you_mean(value, allowed),
        )
        return False

    def _flag(self, word: str, value: object) -> bool | None:
        if isinstance(value, bool):
            return value
        self._complain(word, "is true or false")
        return None

    def _tests(self, word: str) -> list[Test]:
        field_, value = self._kind.fields[word], self._entry[word]
        if field_.type == "flag":
            flag = self._flag(word, value)
            return [] if flag is None else [Test(word, "is", flag)]
        if field_.type == "word":
            return self._word_tests(word, value, field_.choices)
        unit = field_.unit or self._unit_of_value(word)
        if isinstance(value, Fields):
            return self._comparisons(word, value, unit)
        number = self._number(word, value, unit)
        return [] if number is None else [Test(word, "eq", number, _parameter(value))]

    def _unit_of_value(self, word: str) -> str:
        """A bare value is compared in the canonical unit of its analytes, when they share one."""
        asked = self._entry.get("analyte") if word == "value" else None
        analytes = asked if isinstance(asked, Items) else [asked]
        units = {canonical_unit(analyte) for analyte in analytes if isinstance(analyte, str)}
        return units.pop() if len(units) == 1 else ""

    def _word_tests(self, word: str, value: object, choices: tuple[str, ...]) -> list[Test]:
        if isinstance(value, Fields):
            return self._in_test(word, value, choices)
        if not isinstance(value, str):
            self._complain(word, "is compared with a word or {in: [...]}")
            return []
        if choices and not self._is_one_of(word, value, choices, "word"):
            return []
        return [Test(word, "is", value)]

    def _in_test(self, word: str, value: Fields, choices: tuple[str, ...]) -> list[Test]:
        items = value.get("in")
        if list(value) != ["in"] or not isinstance(items, Items) or not items:
            self._complain(word, "is compared with a word or {in: [...]}")
            return []
        for item in items:
            if not isinstance(item, str):
                self._complain(word, "takes words in its list")
                return []
            if choices and not self._is_one_of(word, item, choices, "word"):
                return []
        return [Test(word, "in", frozenset(cast(list[str], items)))]

    def _comparisons(self, word: str, value: Fields, unit: str) -> list[Test]:
        if not value:
            self._complain(word, f"needs a comparison: {listed(COMPARISONS)}")
        if (len(value) == 2 and len(_LOWER & set(value)) != 1) or len(value) > 2:
            self._complain(word, "takes at most one lower and one upper bound")
        tests = []
        for op, operand in value.items():
            if op not in COMPARISONS:
                self._complain(
                    word,
                    f'is compared by "{op}"; comparisons: {listed(COMPARISONS)}.'
                    + did_you_mean(op, COMPARISONS),
                )
            elif (number := self._number(word, operand, unit)) is not None:
                tests.append(Test(word, cast(Operator, op), number, _parameter(operand)))
        return tests

    def _number(
        self, word: str, value: object, unit: str, *, selector: bool = False
    ) -> Fraction | None:
        if isinstance(value, str) and value.startswith("$"):
            return self._from_parameter(word, value[1:], unit, selector=selector)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            if value in _BARE and not selector:
                return Fraction(value)
            self._complain(
                word, f"takes a $parameter, not the bare number {value}; give it a unit and source"
            )
            return None
        self._complain(word, "takes a $parameter" + ("" if selector else ", 0 or 1"))
        return None

    def _from_parameter(
        self, word: str, name: str, unit: str, *, selector: bool
    ) -> Fraction | None:
        parameter = self._author.parameters.get(name)
        if parameter is None:
            known = self._author.parameters
            self._complain(
                word,
                f'names the parameter "${name}"; parameters: {listed(known) or "none"}.'
                + did_you_mean(name, known),
            )
            return None
        self._author.used.add(name)
        if selector:
            self._parameters[word] = name
        if unit and parameter.unit != unit:
            self._complain(word, f'is in {unit}, but ${name} is in "{parameter.unit}"')
        return parameter.value


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def _parameter(value: object) -> str:
    return value[1:] if isinstance(value, str) else ""
