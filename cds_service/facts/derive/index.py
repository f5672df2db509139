"""Facts by the words they bear, so that a question looks at its own facts and at no others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Index(Generic[T]):
    """Facts of a chart by word: drugs by substance, diagnoses by concept."""

    def __init__(self, facts: Iterable[T], words_of: Callable[[T], Iterable[str]]) -> None:
        """Read the words of every fact, once."""
        self._facts = tuple(facts)
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, fact in enumerate(self._facts):
            for word in words_of(fact):
                self._places[word].append(place)
        self.words = frozenset(self._places)
        self._known: dict[frozenset[str], tuple[T, ...]] = {}

    def of(self, words: frozenset[str]) -> tuple[T, ...]:
        """The facts that bear any of the words, in the order of the chart."""
        found = self._known.get(words)
        if found is None:
            borne = self.words & words
            if len(borne) > 1:
                places = sorted({place for word in borne for place in self._places[word]})
                found = tuple([self._facts[place] for place in places])
            else:
                found = self.of_word(*borne) if borne else ()
            self._known[words] = found
        return found

    def of_word(self, word: str) -> tuple[T, ...]:
        """The facts that bear the word, in the order of the chart."""
        places = self._places.get(word)
        return tuple([self._facts[place] for place in places]) if places else ()
