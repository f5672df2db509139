"""Any coding to what we know it by: the ingredients of a drug, or the concept of anything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from cds_service.errors import RulesError
from cds_service.terminology import index
from cds_service.terminology.files import read_families, read_value_sets, read_words
from cds_service.terminology.model import Coding, Families, Kind, Resolution, ValueSet, Words
from cds_service.terminology.text import Phrases

_NONE: frozenset[str] = frozenset()


class Terminology:
    """All value sets of a site, loaded once and never changed; every question is a dict lookup.

    A *substance* is one active ingredient under one slug (`inotuzumab-ozogamicin`), synonyms and
    salts folded in. A *concept* is what a value set is named for: a drug class, an analyte, a
    condition, a procedure or a status.
    """

    def __init__(self, value_sets: Iterable[ValueSet], words: Words, families: Families) -> None:
        """Index value sets that do not contradict one another; `load` reads and checks them."""
        sets = tuple(value_sets)
        self._drugs = index.drug_codes(sets)
        self._concepts = index.concept_codes(sets, families)
        self._as_listed = index.as_listed(sets, self._concepts)
        self._codes = index.codes_by_name(sets, families)
        self._members = index.class_members(sets, words, families)
        self._classes = index.turned_round(self._members)
        self._diluents = self._members.get(index.DILUENT, _NONE)
        self._known_alone = index.known_alone(self._drugs, self._diluents)
        self._kinds = index.kinds(sets, words, families)
        self._titles = index.titles(sets, words)
        self._displays = index.displays(sets)
        self._dates = index.oldest_dates(sets)
        self._substances = index.all_substances(sets, words)
        self._phrases = Phrases(index.phrases(self._substances, words))
        self._condition_words = Phrases(words.conditions)
        self._procedure_words = Phrases(words.procedures)

    @classmethod
    def load(cls, folder: Path) -> Terminology:
        """Read a folder of value sets, such as `rules/valuesets/`.

        Raises RulesError with every problem of every file as `folder/file:line: message`.
        """
        complaints: list[str] = []
        value_sets = read_value_sets(folder, complaints)
        words = read_words(folder, complaints)
        families = read_families(folder, complaints)
        complaints.extend(index.disagreements(value_sets))
        if complaints:
            raise RulesError(complaints)
        return cls(value_sets, words, families)

    def resolve_drug(self, codings: Iterable[Coding], text: str | None = None) -> Resolution:
        """The ingredients of one medication: the union over all codings whose code is known.

        Words (`text` and every display) are read only when no code is known, or when the codes
        name nothing but a diluent ("inotuzumab in saline", coded as saline). Unknown systems and
        codes are ignored. Resolve each ingredient of a mixture on its own, or the words of an
        uncoded ingredient go unread beside the code of another.
        """
        codings = tuple(codings)
        texts = [words for words in (text, *[coding.display for coding in codings]) if words]
        label = next(filter(None, map(str.strip, texts)), "")
        hits = [hit for key in index.keys_of(codings) if (hit := self._drugs.get(key))]
        coded = _NONE.union(*[hit.substances for hit in hits])
        if not coded <= self._diluents:
            return Resolution(coded, "code", coded <= _local(hits), label)
        named = _NONE.union(*map(self._phrases.find, texts))
        if named - coded:
            return Resolution(coded | named, "text", False, label)
        return Resolution(coded, "code" if coded else "nothing", False, label)

    def drug_of_code(self, system: str, code: str) -> tuple[frozenset[str], bool] | None:
        """What one code says whose system and form are spelled as usual, and no other code beside.

        Its ingredients, and whether they are for local use only. None for a code that is not
        known, is spelled otherwise or names a diluent: see `resolve_drug`.
        """
        return self._known_alone.get((system, code))

    def classes_of(self, substance: str) -> frozenset[str]:
        """The drug classes a substance belongs to; none for an unknown substance."""
        return self._classes.get(substance, _NONE)

    def substances_in(self, drug_class: str) -> frozenset[str]:
        """The substances of a drug class; none for an unknown class."""
        return self._members.get(drug_class, _NONE)

    def concepts_of(self, codings: Iterable[Coding]) -> frozenset[str]:
        """The analytes, conditions, procedures and statuses named, with their families."""
        return _NONE.union(
            *(
                self.concepts_of_code(coding.system, coding.code)
                for coding in codings
                if coding.system and coding.code
            )
        )

    def concepts_of_code(self, system: str, code: str) -> frozenset[str]:
        """The concepts one code names in its system, however the two are spelled."""
        listed = self._as_listed.get((system, code))
        if listed is not None:
            return listed
        return self._concepts.get(index.key_of(system, code), _NONE)

    def conditions_in(self, text: str) -> frozenset[str]:
        """The diagnoses that words name for which no code was verified: a weak match."""
        return self._condition_words.find(text)

    def procedures_in(self, text: str) -> frozenset[str]:
        """The procedures that words name for which no code was verified: a weak match."""
        return self._procedure_words.find(text)

    def codes(self, concept: str) -> tuple[Coding, ...]:
        """The verified codes of a concept (or of a substance) in a stable order; may be empty."""
        return self._codes.get(concept, ())

    def has(self, concept: str) -> bool:
        """Whether a value set or a family bears this name, even one without a verified code."""
        return concept in self._kinds

    def kind_of(self, concept: str) -> Kind | None:
        """What a concept is; None for a name that no value set and no family bears."""
        return self._kinds.get(concept)

    def display_name(self, substance_or_concept: str) -> str:
        """The name to print, such as "total bilirubin", "ALT" or "inotuzumab ozogamicin"."""
        return self._titles.get(substance_or_concept) or substance_or_concept.replace("-", " ")

    def display_of(self, coding: Coding) -> str:
        """What the value sets call a code that is no drug's; empty for one they do not hold."""
        return next((self._displays.get(key, "") for key in index.keys_of([coding])), "")

    def dated(self, concept: str) -> date | None:
        """The date of a concept's value set: the oldest, when its files differ."""
        return self._dates.get(concept)

    @property
    def substances(self) -> frozenset[str]:
        """Every substance known by a code or a word."""
        return self._substances

    @property
    def names(self) -> frozenset[str]:
        """Every concept and every substance, for "did you mean"."""
        return self._substances | self._kinds.keys()


def _local(hits: Sequence[index.DrugCode]) -> frozenset[str]:
    """The substances some code names for local use and no code names for systemic use."""
    local = _NONE.union(*[hit.local for hit in hits])
    return local.difference(*[hit.systemic for hit in hits]) if local else local
