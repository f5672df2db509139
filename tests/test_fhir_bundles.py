"""What a prefetch value says about its own completeness."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir.bundle import (
    State,
    broken_entries,
    entries_in,
    state_of_read,
    state_of_search,
)
from tests.fhir_builders import bundle, medication_request, observation, outcome, patient

EPIC_EMPTY = bundle(
    {"resource": outcome("warning", "not-found"), "search": {"mode": "outcome"}}, total=0
)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        pytest.param(bundle(observation()), State.ANSWERED, id="a result"),
        pytest.param(bundle(), State.ANSWERED, id="an empty answer"),
        pytest.param(EPIC_EMPTY, State.ANSWERED, id="Epic's empty answer with a warning"),
        pytest.param(bundle(observation(), type="collection", total=None), State.ANSWERED,
                     id="a collection without total"),
        pytest.param({"resourceType": "Bundle"}, State.ANSWERED, id="no entry, no type, no total"),
        pytest.param(bundle({"resource": None}, {"resource": observation()}, total=1),
                     State.ANSWERED, id="an entry without resource"),
        pytest.param(bundle(observation(), patient()), State.ANSWERED, id="an included resource"),
        pytest.param(None, State.NULL, id="null"),
        pytest.param(outcome(), State.FAILED, id="an outcome instead"),
        pytest.param(outcome("warning"), State.FAILED, id="a warning is no answer either"),
        pytest.param(bundle(outcome("fatal")), State.FAILED, id="an outcome as entry"),
        pytest.param(bundle(observation(), outcome("error")), State.FAILED,
                     id="a result and an error"),
        pytest.param(outcome(code="forbidden"), State.NOT_ALLOWED, id="forbidden"),
        pytest.param(bundle(outcome(code="security")), State.NOT_ALLOWED, id="security as entry"),
        pytest.param(outcome(code="login"), State.NOT_ALLOWED, id="login"),
        pytest.param(bundle(observation(), link=[{"relation": "next", "url": "https://x/2"}]),
                     State.TRUNCATED, id="a next page"),
        pytest.param(bundle(observation(), total=7), State.TRUNCATED, id="fewer than found"),
        pytest.param("<html>Sign in</html>", State.UNREADABLE, id="a page of HTML"),
        pytest.param([observation()], State.UNREADABLE, id="an array"),
        pytest.param(7, State.UNREADABLE, id="a number"),
        pytest.param({}, State.UNREADABLE, id="an empty object"),
        pytest.param(observation(), State.UNREADABLE, id="a resource that is no Bundle"),
        pytest.param(bundle(medication_request()), State.UNREADABLE, id="only other types"),
        pytest.param({"resourceType": "Bundle", "entry": "x"}, State.UNREADABLE, id="a text"),
    ],
)  # fmt: skip
def test_a_search_is_answered_or_says_how_it_was_not(value: Any, state: State) -> None:
    assert state_of_search(value, "Observation") is state


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (patient(), State.ANSWERED),
        (bundle(patient()), State.ANSWERED),
        (None, State.NOT_FOUND),
        (outcome(code="forbidden"), State.NOT_ALLOWED),
        (outcome("information"), State.FAILED),
        ("123", State.UNREADABLE),
        (observation(), State.UNREADABLE),
    ],
)
def test_a_read_that_is_null_was_not_found(value: Any, state: State) -> None:
    assert state_of_read(value, "Patient") is state


def test_resources_are_found_in_arrays_and_in_bundles_of_bundles() -> None:
    inner = bundle(observation(id="a"))
    found = [entry.resource["id"] for entry in entries_in([inner, bundle(bundle(patient()))])]

    assert found == ["a", "ada"]


def test_bundles_nested_deeper_than_the_call_stack_are_read() -> None:
    nested: dict[str, Any] = bundle(patient())
    for _ in range(5000):
        nested = {"resourceType": "Bundle", "entry": [{"resource": nested}]}

    assert [entry.resource["id"] for entry in entries_in(nested)] == ["ada"]


def test_an_entry_that_holds_text_is_broken_and_one_that_holds_nothing_is_not() -> None:
    value = bundle({"resource": "x"}, {"resource": None}, {"resource": patient()})

    assert list(broken_entries(value)) == ["entry 0"]
