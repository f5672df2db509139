"""What goes into the library at once is found there as if it had been looked at step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cds_service.facts.extract.borrowed import Lenders
from cds_service.facts.extract.labs import _results_of, read_labs
from cds_service.facts.extract.material import Material
from cds_service.facts.extract.neutrophils import with_added_neutrophils
from cds_service.fhir.bundle import entry_of
from cds_service.fhir.library import Library
from cds_service.fhir.peek import Resource
from tests.fhir_builders import NOW, PATIENT_ID, concept, hook_call, quantity, terminology

OURS = f"Patient/{PATIENT_ID}"
NAMED = (OURS, f" {OURS}", f"{OURS}/_history/2", "Patient/other", "urn:uuid:1", "#p", "", 7, None)
SUBJECTS = st.sampled_from((None, {}, 7, [], {"display": "Ada"})) | st.sampled_from(NAMED).map(
    lambda reference: {"reference": reference}
)
ADDRESS = "https://ehr.example.org/Observation/a"
ADDRESSES = st.sampled_from(
    (None, "", 7, "urn:uuid:1", " urn:uuid:1 ", ADDRESS, f"{ADDRESS}/_history/1", OURS)
)
TIMES = st.sampled_from((None, "2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z", "2026", 7))
TYPES = st.just("Observation") | st.sampled_from((" Observation", "Patient", "", 7, None))
IDS = st.sampled_from(("a", "b", "c", "d")) | st.sampled_from((" a", PATIENT_ID, "", " ", 7, None))
RESOURCES = st.fixed_dictionaries(
    {"resourceType": TYPES, "id": IDS, "subject": SUBJECTS},
    optional={
        "patient": SUBJECTS,
        "meta": TIMES.map(lambda at: {"lastUpdated": at}),
    },
)
ENTRIES = st.lists(
    st.fixed_dictionaries({"resource": RESOURCES}, optional={"fullUrl": ADDRESSES}), max_size=8
)


class StepByStep(Library):
    """A library in which each entry is looked at closely."""

    def _add_on_file(self, entries: Iterable[Resource], key: str) -> None:
        for entry in entries:
            self._add(entry_of(entry), key, "on-file")


@given(ENTRIES, ENTRIES)
@example(
    [],
    [
        {"resource": {"resourceType": "Observation", "id": id_}, "fullUrl": "urn:uuid:1"}
        for id_ in ("a", "b", "c")
    ],
)
@example(
    [],
    [
        {"resource": {"resourceType": "Observation", "id": id_}, "fullUrl": url}
        for id_, url in (("a", ""), ("b", "urn:uuid:1"), ("c", "urn:uuid:1"), ("b", ""))
    ],
)
def test_a_library_holds_the_same_and_tells_the_same_owners(
    drafts: list[Any], on_file: list[Any]
) -> None:
    call = hook_call(
        drafts=[entry["resource"] for entry in drafts],
        prefetch={"observations": {"resourceType": "Bundle", "entry": on_file}},
    )
    quick, slow = Library(call), StepByStep(call)

    assert quick.types == slow.types
    for one in quick.types:
        found = [each._replace(about=None) for each in quick.of_type(one)]
        assert found == list(slow.of_type(one))
        told = [(each, slow.ownership(each)) for each in found]
        ours, others = quick.told_apart(one)
        assert [each._replace(about=None) for each in ours] == [
            each for each, ownership in told if ownership == "ours"
        ]
        assert [(each._replace(about=None), ownership) for each, ownership in others] == [
            (each, ownership) for each, ownership in told if ownership != "ours"
        ]
    for reference in ("Observation/a", "urn:uuid:1", OURS, ADDRESS):
        base = next(quick.of_type(*quick.types), None)
        if base is not None:
            one, other = (each.resolve({"reference": reference}, base) for each in (quick, slow))
            assert (one and one._replace(about=None)) == other


OBSERVATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "resourceType": st.just("Observation"),
            "status": st.sampled_from(("final", "preliminary", "cancelled", " final", "", 7)),
            "code": st.sampled_from(
                (concept("alt"), concept("cd22"), concept("anc"), {"text": "CD22"}, {}, 7)
            ),
        },
        optional={
            "effectiveDateTime": st.sampled_from(("2026-11-19T08:00:00Z", "2026-11", "soon")),
            "valueQuantity": st.sampled_from((quantity("40", "U/L"), {}, 7)),
            "valueString": st.sampled_from(("positive", "< 3")),
            "component": st.just([{"code": concept("ast"), "valueQuantity": quantity("1", "U/L")}]),
        },
    ),
    max_size=5,
)


@given(OBSERVATIONS)
def test_results_read_at_once_are_those_read_step_by_step(observations: list[Any]) -> None:
    numbered = [{**each, "id": str(number)} for number, each in enumerate(observations)]
    quick, slow = (Material(Library(hook_call(*numbered)), terminology(), NOW) for _ in range(2))
    lenders = Lenders()
    found = [
        result
        for observation in slow.own("Observation")
        for result in _results_of(observation, slow, lenders)
    ]

    assert read_labs(quick) == with_added_neutrophils(found)
    assert quick.aside == slow.aside
