"""What a card was read from as a text: one for what is the same, another for all else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards import fingerprint
from cds_service.facts.answers import Later, Reading, Source
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.fhir.bundle import entries_in
from cds_service.store.keyed_hash import KeyedHash

TEXTS = st.one_of(
    st.text("abc {}[]:,\"'\\/\n\t\0\x7f", max_size=8),
    st.text(max_size=4),
    st.text(st.characters(categories=["Cs", "Ll"]), max_size=2),
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.decimals(allow_nan=False, allow_infinity=False),
        TEXTS,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=10,
)
RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "resourceType": st.sampled_from(["Observation", "Bundle", "OperationOutcome", 1, [], None]),
        "id": st.sampled_from(["1", "2", "3", 1, [], {}, None]),
        "entry": st.lists(
            st.fixed_dictionaries({"resource": st.just({"resourceType": "Group", "id": "1"})}),
            max_size=1,
        ),
    },
)
OBSERVATIONS = st.sampled_from("123").map(lambda id_: {"resourceType": "Observation", "id": id_})
ENTRIES = st.lists(
    st.one_of(
        OBSERVATIONS.map(lambda one: {"resource": one}),
        st.one_of(RESOURCES, st.lists(RESOURCES, max_size=2), VALUES).map(
            lambda one: {"resource": one}
        ),
        st.sampled_from([{}, None, "1", []]),
    ),
    max_size=4,
)
SENT = st.one_of(
    ENTRIES.map(lambda entries: {"resourceType": "Bundle", "entry": entries}),
    OBSERVATIONS.map(lambda one: {"resourceType": "Bundle", "entry": {"resource": one}}),
    RESOURCES,
    st.lists(RESOURCES, max_size=2),
    VALUES,
)


PLAIN = (
    *(None, True, False, 0, 1, "", "0", "1", "1/2", "1.0", "null", "true", "[]", "{}", "[1]"),
    *("\ud800", "\\ud800", "2026-11-20", "18446744073709551616", "nothing found"),
)
AMOUNTS = (
    *(Fraction(1, 2), Fraction(1), Decimal(1), Decimal("1.0"), Decimal("0.5")),
    *(2**64, -(2**64), 2**64 + 1),
)
"""Values that a careless text takes for one another."""
ALIKE = st.sampled_from(PLAIN)
NUMBERS = st.sampled_from(AMOUNTS)
GAPS = st.builds(Unknown, ALIKE.filter(lambda one: isinstance(one, str)), st.sampled_from(Reason))
FOUND = st.one_of(
    ALIKE,
    GAPS,
    st.builds(Interval, *[st.none() | st.sampled_from([Fraction(1, 2), Fraction(1)])] * 2),
    st.sampled_from([date(2026, 11, 20), date(2026, 11, 21)]),
)
NAMES = st.sampled_from(["name", "missing", "a", "1", "\ud800"])
SHOWN = st.recursive(
    ALIKE | NUMBERS | GAPS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(NAMES, inner, max_size=2),
    ),
    max_leaves=4,
)
WORDS = ("missing", "names", "items")
"""Those of a panel of laboratory tests."""
READINGS = st.builds(
    Reading,
    st.dictionaries(NAMES, FOUND, max_size=2),
    st.dictionaries(st.sampled_from([*WORDS, "of no kind"]), SHOWN, max_size=2),
    st.lists(st.sampled_from("ab").map(Source), max_size=2).map(tuple),
)


def meaning(value: object) -> object:
    """What a value says, by which two are told apart: numbers as they are written."""
    if value is None or isinstance(value, (bool, str)):
        return type(value).__name__, value
    if isinstance(value, (int, Decimal, Fraction)):
        return "number", str(value)
    if isinstance(value, date):
        return "str", value.isoformat()
    if isinstance(value, dict):
        return "mapping", frozenset((name, meaning(each)) for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return "collection", tuple(sorted(map(repr, map(settled, value))))
    return type(value).__name__, value


def settled(value: object) -> object:
    """The meaning, with nothing in it whose words depend on an order."""
    kind, said = meaning(value)
    return kind, sorted((name, repr(each)) for name, each in said) if kind == "mapping" else said


def sense(reading: Reading) -> object:
    return (
        {name: meaning(each) for name, each in reading.fields.items()},
        {word: settled(each) for word, each in reading.show.items() if word in WORDS},
        {source.reference for source in reading.sources},
    )


def shuffled(value: object, random: Random) -> object:
    """The same in another order, and worked out late where it may be."""
    if isinstance(value, dict):
        names = random.sample([*value], len(value))
        return {name: shuffled(value[name], random) for name in names}
    if isinstance(value, (list, tuple)):
        members = [shuffled(each, random) for each in value]
        return random.choice([list, tuple])(random.sample(members, len(members)))
    return value


def told(reading: Reading) -> str:
    return fingerprint._reading("lab_panel", reading)


@given(st.lists(READINGS, min_size=2, max_size=12))
def test_two_readings_have_one_text_exactly_when_they_say_the_same(readings):
    for one, other in pairwise(readings):
        assert (told(one) == told(other)) == (sense(one) == sense(other))


@given(st.lists(SHOWN, min_size=2, max_size=12))
def test_two_words_have_one_text_exactly_when_they_say_the_same(values):
    assert_told_apart(values)


def test_no_value_is_taken_for_another():
    alone = [*PLAIN, *AMOUNTS, Unknown("sex", Reason.NOT_FOUND), Unknown("sex", Reason.NULL)]
    assert_told_apart([*alone, [], {}, *[[each] for each in alone], *[[1, each] for each in alone]])
    assert_told_apart([*alone, *[{"a": each} for each in alone], *[{"1": each} for each in alone]])


def assert_told_apart(values):
    readings = [Reading({}, {"items": each}) for each in values]
    known = [(told(each), sense(each)) for each in readings]
    for (one, says), (other, other_says) in combinations(known, 2):
        assert (one == other) == (says == other_says)


@given(READINGS, st.randoms(use_true_random=False))
def test_a_reading_has_one_text_in_whatever_order_its_members_come(reading, random):
    again = Reading(
        shuffled(reading.fields, random),
        Later(lambda: shuffled(reading.show, random)),
        tuple(shuffled(reading.sources, random)),
    )

    assert told(again) == told(reading)


@given(READINGS)
def test_a_reading_is_told_on_one_line(reading):
    assert told(reading).isprintable()


@given(*[st.dictionaries(TEXTS, VALUES, max_size=3)] * 2)
def test_two_resources_have_one_text_exactly_when_they_are_the_same(one, other):
    assert (fingerprint._text(one) == fingerprint._text(other)) == (written(one) == written(other))
    assert fingerprint._text(dict(reversed(one.items()))) == fingerprint._text(one)


def written(value: object) -> object:
    """The value with its type, so that Python takes nothing for something else."""
    if isinstance(value, dict):
        return {name: written(each) for name, each in value.items()}
    if isinstance(value, list):
        return [written(each) for each in value]
    return "number" if type(value) in (int, Decimal) else type(value), str(value)


@pytest.mark.parametrize("text", ["plain", "\ud800", "\x7f\n\N{SNOWMAN}"], ids=ascii)
def test_every_value_that_a_request_can_hold_has_a_text(text):
    value = {text: [text, 10**99, -(10**99), Decimal("1E-99")]}
    for _ in range(100):
        value = {"extension": [value]}

    assert fingerprint._text(value).isascii() == (text != "\x7f\n\N{SNOWMAN}")
    assert "\n" not in fingerprint._text(value)


@given(SENT)
def test_the_resources_a_card_rests_on_are_found_wherever_they_were_sent(sent):
    plainly = [
        entry.resource for entry in entries_in(sent) if entry.resource.get("id") in ("1", "2")
    ]
    found = fingerprint._with_ids({"1", "2"}, sent)

    assert without_outcomes(found) == without_outcomes(plainly)


def without_outcomes(resources):
    """No fact is ever read from an outcome."""
    return [each for each in resources if each.get("resourceType") != "OperationOutcome"]


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_a_hash_that_begins_with_some_parts_is_the_hash_of_all(first, others):
    keyed_hash = KeyedHash(b"k" * 32)

    assert keyed_hash.after(*first).of_parts(*others) == keyed_hash.of_parts(*first, *others)
