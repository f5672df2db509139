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

from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Unknown

Selector = str | Fraction | bool | tuple[str, ...]
Value = Interval | bool | str | date | Unknown | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a clause asks for: a kind of the vocabulary and the selectors that narrow it down."""

    kind: str
    selectors: tuple[tuple[str, Selector], ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)
    _by_name: Mapping[str, Selector] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work the hash out once: answers are looked up hundreds of times per call."""
        object.__setattr__(self, "_hash", hash((self.kind, self.selectors)))
        object.__setattr__(self, "_by_name", dict(reversed(self.selectors)))

    def __hash__(self) -> int:
        """The same for questions that are equal."""
        return self._hash

    def get(self, name: str) -> Selector | None:
        """The selector of that name, None when the rule left it out."""
        return self._by_name.get(name)


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
