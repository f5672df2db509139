"""Questions that rules ask of a chart, and the answers facts give.

A rule's clause is a question ("the latest total bilirubin of the last 7 days") and a few tests on
the fields of its answer (``times_uln`` above 1.5). Two clauses that ask the same share one answer.

How a clause is judged, by every evaluator alike:

* a reading holds when all tests hold on its fields; a field that is ``Unknown`` makes that test
  unknown, a field that is ``None`` or absent (does not apply) makes it false;
* the clause holds when **any** reading certainly holds (a preliminary result beside a final one,
  ALT beside AST, two conflicting finals: the worse speaks);
* it fails when every reading certainly fails **and** the answer has no gaps;
* anything else is unknown, and the gaps and unknown fields say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from threading import Lock
from weakref import WeakValueDictionary

from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Unknown

Selector = str | Fraction | bool | tuple[str, ...]
Value = Interval | bool | str | date | Unknown | None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True, init=False)
class Question:
    """What a clause asks for: a kind of the vocabulary and the selectors that narrow it down.

    Two that ask the same are one object, so that one lookup among answers, of hundreds in a call,
    compares nothing.
    """

    kind: str
    selectors: tuple[tuple[str, Selector], ...]
    _by_name: Mapping[str, Selector] = field(init=False, repr=False)

    def __new__(cls, kind: str, selectors: tuple[tuple[str, Selector], ...] = ()) -> Question:
        """The one question that asks this."""
        key = kind, selectors
        with _ASKING:
            question = _QUESTIONS.get(key)
            if question is None:
                question = _QUESTIONS[key] = object.__new__(cls)
                object.__setattr__(question, "kind", kind)
                object.__setattr__(question, "selectors", selectors)
                object.__setattr__(question, "_by_name", dict(reversed(selectors)))
        return question

    def __reduce__(self) -> tuple[type[Question], tuple[object, ...]]:
        """Copied, it is the same one."""
        return Question, (self.kind, self.selectors)

    def get(self, name: str) -> Selector | None:
        """The selector of that name, None when the rule left it out."""
        return self._by_name.get(name)


_QUESTIONS: WeakValueDictionary[tuple[object, ...], Question] = WeakValueDictionary()
_ASKING = Lock()


@cheap_dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read: a reference such as ``Observation/1`` and the element."""

    reference: str
    element: str = ""


class Later(Mapping[str, object]):
    """Words that are worked out when the first of them is read: most readings end on no card."""

    __slots__ = ("_words", "_work_out")

    def __init__(self, work_out: Callable[[], Mapping[str, object]]) -> None:
        """Keep how they are worked out, which changes nothing and always says the same."""
        self._work_out = work_out
        self._words: Mapping[str, object] | None = None

    def words(self) -> Mapping[str, object]:
        """All of them."""
        if self._words is None:
            self._words = self._work_out()
        return self._words

    def __getitem__(self, name: str) -> object:
        """The word of that name.

        Raises:
            KeyError: when there is none.
        """
        return self.words()[name]

    def __iter__(self) -> Iterator[str]:
        """The names, in the order they were worked out."""
        return iter(self.words())

    def __len__(self) -> int:
        """How many there are."""
        return len(self.words())

    def __repr__(self) -> str:
        """As the mapping they make up."""
        return repr(self.words())


class WithLast(Mapping[str, Value]):
    """Fields of which the last is worked out when it is read: few rules test it."""

    __slots__ = ("_fields", "_last", "_work_out")

    def __init__(self, fields: dict[str, Value], last: str, work_out: Callable[[], Value]) -> None:
        """Take the fields, and the name of the last and how it is worked out."""
        self._fields = fields
        self._last = last
        self._work_out = work_out

    def __getitem__(self, name: str) -> Value:
        """The value of that field.

        Raises:
            KeyError: when there is none.
        """
        fields = self._fields
        if name == self._last and name not in fields:
            fields[name] = self._work_out()
        return fields[name]

    def __iter__(self) -> Iterator[str]:
        """The names in their order."""
        yield from (name for name in self._fields if name != self._last)
        yield self._last

    def __len__(self) -> int:
        """How many there are."""
        return len(self._fields) + (self._last not in self._fields)

    def __repr__(self) -> str:
        """As the mapping they make up."""
        return repr(dict(self))


@cheap_dataclass(frozen=True, slots=True)
class Reading:
    """One way to answer: fields for the tests, ``show`` for the words on the card."""

    fields: Mapping[str, Value]
    show: Mapping[str, object] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()


def words_of(reading: Reading) -> Mapping[str, object]:
    """What it shows, worked out by now."""
    show = reading.show
    return show.words() if isinstance(show, Later) else show


@cheap_dataclass(frozen=True, slots=True)
class Answer:
    """Everything the chart says to a question. ``gaps``: why it may not be everything."""

    question: Question
    readings: tuple[Reading, ...]
    gaps: tuple[Unknown, ...] = ()
