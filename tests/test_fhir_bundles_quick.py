"""A Bundle of one type is told at a glance, and then says the same as one looked at closely."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.bundle import (
    State,
    broken_entries,
    entries_in,
    entry_of,
    only_type_in,
    state_of_search,
)

TYPES = st.sampled_from(
    ("Observation", "Condition", " Observation", "", "Bundle", "OperationOutcome", 7, None)
)
RESOURCES = st.fixed_dictionaries({}, optional={"resourceType": TYPES, "id": st.just("a")})
USUAL = st.just({"resourceType": "Observation"})
ENTRIES = st.fixed_dictionaries(
    {"resource": USUAL | USUAL | USUAL | RESOURCES | st.sampled_from((None, 7, "x", []))},
    optional={
        "fullUrl": st.sampled_from((" urn:uuid:1 ", "", 7)),
        "response": st.sampled_from(({}, {"outcome": {"resourceType": "OperationOutcome"}})),
    },
)
SEVERAL = st.lists(ENTRIES | st.sampled_from(({}, None, "x", [])), max_size=4)
VALUES = st.fixed_dictionaries(
    {"resourceType": st.sampled_from(("Bundle", "Bundle", "Bundle", "Observation", 7))},
    optional={
        "entry": SEVERAL | SEVERAL | ENTRIES | st.sampled_from((None, {}, "x", 7)),
        "total": st.sampled_from((0, 1, 9, "9")),
        "link": st.sampled_from(([], [{"relation": "next"}], [{"relation": "self"}], 7)),
    },
)


@given(VALUES, st.sampled_from(("Observation", "Condition", " Observation")))
def test_a_bundle_of_one_type_says_what_a_close_look_finds(value: Any, asked_for: str) -> None:
    only = only_type_in(value)
    if only is None:
        return
    found = entries_in(value)

    assert found == [entry_of(entry) for entry in value.get("entry") or ()]
    assert {entry.resource["resourceType"] for entry in found} == ({only} if only else set())
    assert broken_entries(value) == []
    # A further entry without a resource changes no answer, but asks for a close look.
    slot = {**value, "entry": [*(value.get("entry") or ()), {"resource": None}]}
    assert only_type_in(slot) is None
    closely = state_of_search(slot, asked_for)
    assert state_of_search(value, asked_for, only) is state_of_search(value, asked_for) is closely
    if only not in ("", asked_for):
        assert closely is State.UNREADABLE
