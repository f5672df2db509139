"""Facts by the words they bear, so that a question looks at its own facts and at no others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Generic, TypeVar

T = TypeVar("T")


class Index(Generic[T]):
    """Facts of a chart by word: drugs by substance, diagnoses by concept."""

    def __init__(self, facts: Iterable[T], words_of: Callable[[T], Iterable[str]]) -> None:
        """Read the words of every fact, once."""
        self._bearing: dict[str, dict[int, T]] = defaultdict(dict)
        for place, fact in enumerate(facts):
            for word in words_of(fact):
                self._bearing[word][place] = fact
        self.words = frozenset(self._bearing)
        self._known: dict[frozenset[str], tuple[T, ...]] = {}

    def of(self, words: frozenset[str]) -> tuple[T, ...]:
        """The facts that bear any of the words, in the order of the chart."""
        found = self._known.get(words)
        if found is None:
            borne = self.words & words
            by_place: dict[int, T] = {}
            for word in borne:
                by_place |= self._bearing[word]
            if len(borne) > 1:
                by_place = dict(sorted(by_place.items(), key=itemgetter(0)))
            found = self._known[words] = tuple(by_place.values())
        return found

    def of_word(self, word: str) -> tuple[T, ...]:
        """The facts that bear the word, in the order of the chart."""
        return tuple(self._bearing[word].values()) if word in self.words else ()
