"""Groups of clauses and of variants, each judged on one kind of wide fact.

A group of clauses belongs to a few questions. Its first fact holds the first reading of each of
them, the second fact the second readings, and so on: a clause asks one question, so it never
mixes two readings. The only fact of a group of variants holds the clauses that hold.

Every rule tests its group first, so that a fact meets the rules of its own group alone. What is
told are integers: a flag is 1 or 0, a word has a number, so that no word of a chart enters the
engine. What is unknown is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cds_service.engine.encoding import INFINITE, encode, encode_bounds
from cds_service.facts.answers import Question, Reading
from cds_service.facts.interval import Interval
from cds_service.rulebook.model import Test

Expression = dict[str, Any]

# The extension takes at most 31 expressions in one condition; two are the list of them all.
MAX_EXPRESSIONS = 29
# A fact may wait at 64 branches of one rule set at a time (error 303 beyond). It waits at no more
# than there are clauses or variants in its group, a choice of words counted by its words. Larger
# groups need more packs (``packing.py``), smaller ones more facts.
MAX_BRANCHES = 34
# A node leads to at most 256 rules.
MAX_RULES = 200
# A fact has at most 255 properties.
MAX_NAMES = 200

# Sessions and messages are looked up by a 32-bit hash, and the key itself is not compared. One
# session at a time therefore always has the same name, and messages are numbered from zero.
SESSION = "0"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules by name, each with what one fact must hold; and the groups whose facts it takes."""

    conditions: Mapping[str, Expression]
    groups: Sequence[int]


@dataclass(slots=True)
class _Field:
    """How one field of a question is told in its group: the sides and words that are tested.

    ``told`` has of each word what is told when the field has it.
    """

    name: str
    number: int
    lower: str = ""
    upper: str = ""
    words: dict[str | bool, int] = field(default_factory=dict)
    told: dict[str | bool, str] = field(default_factory=dict)

    def tested(self, test: Test) -> Iterator[Expression]:
        """The test as comparisons on the lower (l) or upper (h) bound, or on a flag or word (w)."""
        operand = test.operand
        if isinstance(operand, frozenset):
            words = [self._word(word) for word in sorted(operand)]
            yield words[0] if len(words) == 1 else {"$or": words}
        elif isinstance(operand, bool | str):
            yield self._word(operand)
        else:
            limit = encode(operand)
            if test.op in ("gt", "gte", "eq"):
                self.lower = f',"l{self.number}":'
                yield {"$gt" if test.op == "gt" else "$gte": {f"l{self.number}": limit}}
            if test.op in ("lt", "lte", "eq"):
                self.upper = f',"h{self.number}":'
                yield {"$lt" if test.op == "lt" else "$lte": {f"h{self.number}": limit}}

    def _word(self, word: str | bool) -> Expression:
        number = int(word) if isinstance(word, bool) else len(self.words) + 2
        number = self.words.setdefault(word, number)
        self.told[word] = f',"w{self.number}":{number}'
        return {f"w{self.number}": number}

    def worst(self, turn: int) -> str:
        """What passes every comparison of a number, and one of the words, another at each turn."""
        lower = f"{self.lower}{INFINITE}" if self.lower else ""
        upper = f"{self.upper}{-INFINITE}" if self.upper else ""
        words = list(self.told.values())
        return lower + upper + (words[turn % len(words)] if words else "")


@dataclass(slots=True)
class Asked:
    """How the readings of one question are told in one group."""

    group: int
    number: int
    fields: list[_Field] = field(default_factory=list)
    mark: str = ""

    def field(self, name: str, number: int) -> _Field:
        """The field of that name, which gets the number if it is new."""
        found = next((each for each in self.fields if each.name == name), None)
        if found is None:
            self.fields.append(found := _Field(name, number))
        return found

    def tell(self, reading: Reading) -> str:
        """What the tests can see of a reading."""
        told, values = self.mark, reading.fields
        for each in self.fields:
            value = values.get(each.name)
            if isinstance(value, Interval):
                lower, upper = encode_bounds(value)
                if each.lower:
                    told += f"{each.lower}{lower}"
                if each.upper:
                    told += f"{each.upper}{upper}"
            elif each.told and isinstance(value, (bool, str)) and value in each.told:
                told += each.told[value]
        return told

    def worst(self) -> list[str]:
        """Readings that pass as many tests at once as no real one can."""
        turns = max((len(each.words) for each in self.fields), default=0) or 1
        return [
            self.mark + "".join(each.worst(turn) for each in self.fields) for turn in range(turns)
        ]


@dataclass(slots=True)
class ClauseGroup:
    """Clauses of a few questions, below the limit of branches."""

    number: int
    conditions: dict[str, Expression] = field(default_factory=dict)
    asked: dict[Question, Asked] = field(default_factory=dict)
    _size: int = 0
    _fields: int = 0

    def takes(self, tests: Sequence[Test]) -> bool:
        """Whether there is room for one more clause."""
        return not self.conditions or self._size + _branches(tests) <= MAX_BRANCHES

    def add(self, name: str, question: Question, tests: Sequence[Test]) -> None:
        """Make the clause a rule. One without tests holds for any reading, by its mark."""
        asked = self.asked.setdefault(question, Asked(self.number, len(self.asked)))
        expressions = [_of(self.number)]
        for test in tests:
            tested = asked.field(test.field, self._fields)
            self._fields = max(self._fields, tested.number + 1)
            expressions += tested.tested(test)
        if not tests:
            asked.mark = f',"q{asked.number}":1'
            expressions.append({f"q{asked.number}": 1})
        self.conditions[name] = {"$and": expressions}
        self._size += _branches(tests)


@dataclass(slots=True)
class VariantGroup:
    """Sets of clauses, each of which is a variant; ``names`` number them."""

    number: int
    conditions: dict[str, Expression] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)

    def takes(self, clauses: Sequence[str]) -> bool:
        """Whether there is room for one more variant."""
        names = len(self.names.keys() | set(clauses))
        return not self.conditions or (len(self.conditions) < MAX_BRANCHES and names <= MAX_NAMES)

    def tell(self, clause: str) -> str:
        """That the clause holds."""
        return f',"c{self.names[clause]}":1'

    def add(self, name: str, clauses: Sequence[str]) -> None:
        """Make the variant a rule."""
        expressions = [_of(self.number)]
        for clause in clauses:
            number = self.names.setdefault(clause, len(self.names))
            expressions.append({f"c{number}": 1})
        self.conditions[name] = {"$and": expressions}


def fact(number: int, group: int, properties: str) -> str:
    """A fact in JSON. All are of one session; ``number`` is its own among them."""
    return f'{{"id":"{number}","sid":"{SESSION}","g{group}":1{properties}}}'


def _of(group: int) -> Expression:
    return {f"g{group}": 1}


def group_of(condition: Expression) -> int:
    """The group whose facts a condition takes: the first that it tests."""
    (name,) = condition["$and"][0]
    return int(name[1:])


def size(tests: Iterable[Test]) -> int:
    """How many comparisons are made."""
    return sum(map(_size, tests))


def _size(test: Test) -> int:
    if isinstance(test.operand, frozenset):
        return len(test.operand)
    return 2 if test.op == "eq" else 1


def _branches(tests: Sequence[Test]) -> int:
    """At how many branches of its group a fact may wait because of one clause."""
    return max(1, size(tests))


def clause_groups(
    clauses: Mapping[Question, Mapping[str, Sequence[Test]]],
) -> list[ClauseGroup]:
    """All clauses by name, those of a question together as far as there is room."""
    groups = [ClauseGroup(0)]
    for question, named in clauses.items():
        for name, tests in named.items():
            if not groups[-1].takes(tests):
                groups.append(ClauseGroup(len(groups)))
            groups[-1].add(name, question, tests)
    return groups


def variant_groups(variants: Mapping[str, Sequence[str]]) -> list[VariantGroup]:
    """All variants by name; those that begin with the same clauses share a group and branches."""
    groups = [VariantGroup(0)]
    for name, clauses in sorted(variants.items(), key=lambda each: list(each[1])):
        if not groups[-1].takes(clauses):
            groups.append(VariantGroup(len(groups)))
        groups[-1].add(name, clauses)
    return groups


def rule_sets(groups: Iterable[ClauseGroup | VariantGroup]) -> Iterator[RuleSet]:
    """The groups, in as many rule sets as keep each below its limit of rules."""
    conditions: dict[str, Expression] = {}
    numbers: list[int] = []
    for group in groups:
        if conditions and len(conditions) + len(group.conditions) > MAX_RULES:
            yield RuleSet(conditions, numbers)
            conditions, numbers = {}, []
        conditions |= group.conditions
        numbers.append(group.number)
    if conditions:
        yield RuleSet(conditions, numbers)
