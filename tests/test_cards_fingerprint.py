"""The hash of what a card was read from: the quick ways write what the plain ones write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards import fingerprint
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


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_a_resource_is_written_as_the_standard_library_writes_it(resource):
    assert fingerprint._text(resource, frozenset()) == fingerprint._SORTED(resource)


@given(st.builds(Unknown, TEXTS, st.sampled_from(Reason), TEXTS, TEXTS, TEXTS))
def test_a_gap_is_told_as_python_shows_it(gap):
    assert fingerprint._value(gap) == repr(gap)


def test_most_resources_are_written_the_quick_way():
    weight = {"resourceType": "Observation", "code": {"text": 'a "b", c: d'}, "value": [1, True]}

    assert fingerprint._in_ascii(weight) == fingerprint._SORTED(weight)


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
