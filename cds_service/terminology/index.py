"""The dictionaries behind `Terminology`, each built once from the value sets of a site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from cds_service.terminology.model import (
    DRUG_KINDS,
    Coding,
    Families,
    Kind,
    Row,
    ValueSet,
    Words,
)
from cds_service.terminology.systems import canonical_code, canonical_system

DILUENT = "diluent"

Key = tuple[str, str]
"""A canonical system and a code in that system's own form: a code alone means nothing."""


@dataclass(frozen=True, slots=True)
class DrugCode:
    """What one drug code says: the ingredients, and which of them it says are used how."""

    substances: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    systemic: frozenset[str] = frozenset()


def keys_of(codings: Iterable[Coding]) -> Iterator[Key]:
    """The keys of those codings that have both a system and a code."""
    for coding in codings:
        if coding.system and coding.code:
            yield key_of(coding.system, coding.code)


def key_of(system: str, code: str) -> Key:
    """The key of one code."""
    canonical = canonical_system(system)
    return canonical, canonical_code(canonical, code)


def drug_codes(sets: Iterable[ValueSet]) -> dict[Key, DrugCode]:
    """What every drug code says. Files may repeat a code as long as they agree."""
    found: dict[Key, DrugCode] = {}
    for value_set, row in _rows(sets):
        if value_set.kind not in DRUG_KINDS:
            continue
        key = key_of(value_set.system, row.code)
        known = found.get(key, DrugCode())
        substances = frozenset(row.substances)
        found[key] = DrugCode(
            known.substances | substances,
            known.local | substances if row.use == "local" else known.local,
            known.systemic | substances if row.use == "systemic" else known.systemic,
        )
    return found


def known_alone(
    drugs: Mapping[Key, DrugCode], diluents: frozenset[str]
) -> dict[Key, tuple[frozenset[str], bool]]:
    """The ingredients of every code without a diluent, and whether it is for local use only."""
    return {
        key: (said.substances, said.substances <= said.local - said.systemic)
        for key, said in drugs.items()
        if said.substances and said.substances.isdisjoint(diluents)
    }


def class_members(
    sets: Iterable[ValueSet], words: Words, families: Families
) -> dict[str, frozenset[str]]:
    """The substances of every drug class.

    A code for local use says how a product is used, not what its ingredient belongs to, and adds
    no member.
    """
    members: dict[str, set[str]] = defaultdict(set)
    for value_set, row in _rows(sets):
        if value_set.kind == "drug-class" and row.use != "local":
            members[value_set.concept].update(row.substances)
    if words.diluents:
        members[DILUENT].update(words.diluents)
    for family, included in families.includes.items():
        for concept in included:
            if concept in members:
                members[family] |= members[concept]
    for drug_class, left_out in families.excludes.items():
        members[drug_class].difference_update(left_out)
    return {drug_class: frozenset(found) for drug_class, found in members.items() if found}


def turned_round(members: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """From class → substances to substance → classes."""
    classes: dict[str, set[str]] = defaultdict(set)
    for drug_class, substances in members.items():
        for substance in substances:
            classes[substance].add(drug_class)
    return {substance: frozenset(found) for substance, found in classes.items()}


def concept_codes(sets: Iterable[ValueSet], families: Families) -> dict[Key, frozenset[str]]:
    """The concepts, families included, that every code other than a drug's names."""
    families_of = turned_round({f: frozenset(m) for f, m in families.includes.items()})
    found: dict[Key, frozenset[str]] = {}
    for value_set, row in _rows(sets):
        if value_set.kind in DRUG_KINDS:
            continue
        key = key_of(value_set.system, row.code)
        concepts = families_of.get(value_set.concept, frozenset()) | {value_set.concept}
        found[key] = found.get(key, frozenset()) | concepts
    return found


def as_listed(
    sets: Iterable[ValueSet], concepts: Mapping[Key, frozenset[str]]
) -> dict[Key, frozenset[str]]:
    """The concepts of every such code by its system and itself as our files spell them."""
    return {
        (value_set.system, row.code): concepts[key_of(value_set.system, row.code)]
        for value_set, row in _rows(sets)
        if value_set.kind not in DRUG_KINDS
    }


def codes_by_name(sets: Iterable[ValueSet], families: Families) -> dict[str, tuple[Coding, ...]]:
    """The verified codes of every concept and substance, in the order of the files."""
    found: dict[str, dict[Coding, None]] = defaultdict(dict)
    for value_set, row in _rows(sets):
        coding = Coding(value_set.system, row.code, row.display)
        for name in {value_set.concept, *row.substances}:
            found[name][coding] = None
    for family, included in families.includes.items():
        for concept in included:
            found[family].update(found.get(concept, {}))
    return {name: tuple(codings) for name, codings in found.items()}


def displays(sets: Iterable[ValueSet]) -> dict[Key, str]:
    """The words for every code other than a drug's."""
    return {
        key_of(value_set.system, row.code): row.display
        for value_set, row in _rows(sets)
        if value_set.kind not in DRUG_KINDS
    }


def kinds(sets: Iterable[ValueSet], words: Words, families: Families) -> dict[str, Kind]:
    """What every concept is; a family is what its members are."""
    found: dict[str, Kind] = {value_set.concept: value_set.kind for value_set in sets}
    if words.diluents:
        found.setdefault(DILUENT, "drug-class")
    found = {**dict.fromkeys(words.conditions, "condition"), **found}
    found = {**dict.fromkeys(words.procedures, "procedure"), **found}
    for family, included in families.includes.items():
        for concept in included:
            if concept in found:
                found.setdefault(family, found[concept])
    return found


def titles(sets: Iterable[ValueSet], words: Words) -> dict[str, str]:
    """The printed names of concepts, and of substances whose slug would print wrong."""
    found = dict(words.names)
    for value_set in sets:
        found.setdefault(value_set.concept, value_set.title)
    return found


def oldest_dates(sets: Iterable[ValueSet]) -> dict[str, date]:
    """The oldest date of every concept's files: a card must not look fresher than its list."""
    found: dict[str, date] = {}
    for value_set in sets:
        known = found.get(value_set.concept, value_set.dated)
        found[value_set.concept] = min(known, value_set.dated)
    return found


def all_substances(sets: Iterable[ValueSet], words: Words) -> frozenset[str]:
    """Every substance a code or a word names."""
    coded = {substance for _, row in _rows(sets) for substance in row.substances}
    return frozenset(coded | words.words.keys() | words.diluents.keys())


def phrases(substances: Iterable[str], words: Words) -> dict[str, tuple[str, ...]]:
    """Every substance with the phrases that name it, its own name first."""
    return {
        substance: (
            substance,
            *words.words.get(substance, ()),
            *words.diluents.get(substance, ()),
        )
        for substance in substances
    }


def disagreements(sets: Iterable[ValueSet]) -> Iterator[str]:
    """Complaints about files that contradict one another."""
    sets = tuple(sets)
    yield from _repeated_codes(sets)
    yield from _contradicting_kinds(sets)
    yield from _contradicting_substances(sets)


def _repeated_codes(sets: Iterable[ValueSet]) -> Iterator[str]:
    for value_set in sets:
        first: dict[str, Row] = {}
        for row in value_set.rows:
            if row.code in first:
                earlier = first[row.code].place
                yield f'{row.place}: code "{row.code}" is already listed at {earlier}.'
            first.setdefault(row.code, row)


def _contradicting_kinds(sets: Iterable[ValueSet]) -> Iterator[str]:
    first: dict[str, ValueSet] = {}
    for value_set in sets:
        known = first.setdefault(value_set.concept, value_set)
        if known.kind != value_set.kind:
            yield (
                f'{value_set.place}: "{value_set.concept}" is of kind {value_set.kind} here'
                f" and of kind {known.kind} at {known.place}."
            )


def _contradicting_substances(sets: Iterable[ValueSet]) -> Iterator[str]:
    first: dict[Key, Row] = {}
    for value_set, row in _rows(sets):
        if value_set.kind not in DRUG_KINDS:
            continue
        known = first.setdefault(key_of(value_set.system, row.code), row)
        if set(known.substances) != set(row.substances):
            yield (
                f'{row.place}: code "{row.code}" is {" and ".join(row.substances)} here'
                f" and {' and '.join(known.substances)} at {known.place}."
            )


def _rows(sets: Iterable[ValueSet]) -> Iterator[tuple[ValueSet, Row]]:
    for value_set in sets:
        for row in value_set.rows:
            yield value_set, row
