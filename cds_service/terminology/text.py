"""Finding drugs named in free text: whole words, the longest phrase first."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

_WORD = re.compile(r"[^\W_]+")

Phrase = tuple[str, ...]


def words_of(text: str) -> Phrase:
    """The words of a text, without letter case and accents; every other sign separates them."""
    if text.isascii():
        return tuple(_WORD.findall(text.lower()))
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return tuple(_WORD.findall(plain))


class Phrases:
    """A dictionary of phrases that name substances.

    The longest phrase wins, so that "melphalan flufenamide" is not also melphalan.
    """

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        """Take each substance with the phrases that name it."""
        by_first_word: dict[str, dict[Phrase, str]] = defaultdict(dict)
        for substance, texts in phrases.items():
            for phrase in filter(None, map(words_of, texts)):
                by_first_word[phrase[0]][phrase] = substance
        self._starting_with = {
            first: sorted(known.items(), key=lambda item: len(item[0]), reverse=True)
            for first, known in by_first_word.items()
        }

    def find(self, text: str) -> frozenset[str]:
        """Every substance named in the text."""
        words = words_of(text)
        if self._starting_with.keys().isdisjoint(words):
            return frozenset()
        found: set[str] = set()
        at = 0
        while at < len(words):
            known = self._starting_with.get(words[at])
            substance, length = _longest(known, words, at) if known else ("", 1)
            if substance:
                found.add(substance)
            at += length
        return frozenset(found)


def _longest(known: Iterable[tuple[Phrase, str]], words: Phrase, at: int) -> tuple[str, int]:
    for phrase, substance in known:
        if words[at : at + len(phrase)] == phrase:
            return substance, len(phrase)
    return "", 1
