"""However a chart comes, sent along, fetched, or some of each, the clinician is told the same.

What is fetched comes from a real FHIR server that holds the resources of the request: only the
drafts stay in the context, where the EHR has them before it has signed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import pytest

from tests.golden import FIXTURES, indicators, kept
from tests.hospital import JSON, Called, Patient, as_stored, resources_in, told
from tests.medplum import HAS_NODE, WITHOUT_NODE, Medplum, medplum

pytestmark = pytest.mark.skipif(not HAS_NODE, reason=WITHOUT_NODE)


@dataclass(frozen=True, slots=True)
class Story:
    """A patient whose request is about data that did not come: once fetched, it is another story.

    ``left_out`` are the keys that the request does not answer, ``cards`` what is told in the end.
    """

    why: str
    left_out: str
    cards: str


ANOTHER_STORY: Mapping[str, Story] = {
    "farid-two-alkylators": Story(
        "Six keys were left out. His server has nothing more, so that INO-DATA-01, which could"
        " not tell his active medications, is silent.",
        "recentObservations medicationStatements carePlans goals adverseEvents allergyIntolerances",
        "INO-VOD-08",
    ),
    "rosa-nothing-arrived": Story(
        "Searches were null, too slow, forbidden, cut off, never made. Her server answers them and"
        " has next to nothing: what INO-DATA-01 could not tell is now found missing, rule by rule.",
        "observations recentObservations conditions medicationRequests medicationAdministrations"
        " adverseEvents allergyIntolerances",
        "INO-DOSE-07 INO-HEM-06 INO-IND-02 INO-LIV-05 INO-PRE-01 INO-PRE-03 INO-IND-03 INO-INF-01"
        " INO-QT-03 INO-QT-04 INO-VOD-05 INO-PRE-04 INO-DATA-01",
    ),
    "xenia-own-prefetch-keys": Story(
        "Only the patient came under a key of ours. Her server has the orders that came under a key"
        " of the client's own, and nothing else: that is now found missing, rule by rule.",
        "observations recentObservations conditions medicationRequests medicationStatements"
        " medicationAdministrations procedures serviceRequests carePlans goals adverseEvents"
        " allergyIntolerances",
        "INO-QT-03 INO-QT-04 INO-DOSE-07 INO-HEM-06 INO-IND-02 INO-LIV-05 INO-PRE-01 INO-QT-01"
        " INO-DATA-01 INO-CYC-06 INO-IND-03",
    ),
}

HALVES = ("one half", "other half")

every_patient = pytest.mark.parametrize("name", FIXTURES)
every_way = pytest.mark.parametrize("way", ["sent", "fetched", *HALVES])
another_story = pytest.mark.parametrize("name", ANOTHER_STORY)

Patients = Callable[[str], Patient]
Calls = Callable[[str, str], Called]


@pytest.fixture(scope="module")
def server() -> Iterator[Medplum]:
    with medplum() as running:
        yield running


@pytest.fixture(scope="module")
def patients(server: Medplum) -> Patients:
    return cache(lambda name: Patient(name, server))


@pytest.fixture(scope="module")
def called(patients: Patients) -> Calls:
    """What comes of calling for a patient in one of the ways; each is called once."""
    return cache(lambda name, way: patients(name).call(prefetch(patients(name), way)))


def prefetch(patient: Patient, way: str) -> JSON:
    """What is sent along: everything, nothing, or the answers to every other key.

    Of a half, the smallest search is null instead, and the fullest ends after its first page.
    """
    if way == "sent":
        return patient.sent
    if way == "fetched":
        return {}
    half = list(patient.queries)[HALVES.index(way) :: 2]
    sent = {key: patient.sent[key] for key in half if key in patient.sent}
    length = {key: len(resources_in(value)) for key, value in sent.items() if key != "patient"}
    searches = sorted(length, key=length.__getitem__)
    nothing = dict.fromkeys(searches[:1])
    cut = {key: patient.half(key) for key in searches[-1:] if length[key] > 1}
    return {**sent, **nothing, **cut}


def rule_of(card: JSON) -> str:
    return str(card["source"]["topic"]["code"])


@every_way
@every_patient
def test_the_cards_are_the_same_whichever_way_the_chart_comes(
    patients: Patients, called: Calls, name: str, way: str
) -> None:
    if name not in ANOTHER_STORY:
        expected = told(kept(name))
    else:
        everything = {key: patients(name).whole(key) for key in patients(name).queries}
        expected = patients(name).call(everything).cards
    assert called(name, way).status == 200
    assert called(name, way).cards == expected


@every_way
@every_patient
def test_exactly_what_was_left_open_is_asked_with_the_token_of_the_call(
    patients: Patients, called: Calls, name: str, way: str
) -> None:
    patient, call = patients(name), called(name, way)
    left_open = patient.open_keys(call.prefetch)
    assert call.searches == patient.searches(left_open)
    assert call.medications == patient.medications(left_open)
    assert all(each.allowed and each.method == "GET" for each in call.asked)


@every_patient
def test_with_everything_sent_no_request_reaches_the_server(called: Calls, name: str) -> None:
    if name not in ANOTHER_STORY:
        assert called(name, "sent").asked == []


@another_story
def test_a_story_about_transport_names_what_was_left_out(patients: Patients, name: str) -> None:
    left_open = patients(name).open_keys(patients(name).sent)
    assert left_open == set(ANOTHER_STORY[name].left_out.split())


@another_story
def test_a_story_about_transport_ends_as_another(called: Calls, name: str) -> None:
    rules = [rule_of(card) for card in called(name, "fetched").cards]
    assert rules == ANOTHER_STORY[name].cards.split()


@every_patient
def test_with_a_wrong_token_nothing_missing_goes_unsaid(patients: Patients, name: str) -> None:
    """Every rule says what it says to a caller who grants no access at all, and why is told."""
    patient = patients(name)
    sent = prefetch(patient, "one half")
    refused, without = patient.call(sent, token="of-another-call"), patient.call(sent, token=None)
    assert refused.asked
    assert not any(each.allowed for each in refused.asked)
    assert indicators({"cards": refused.cards}) == indicators({"cards": without.cards})
    (not_assessed,) = (card for card in refused.cards if rule_of(card) == "INO-DATA-01")
    assert "not allowed" in not_assessed["detail"]


@every_patient
def test_with_a_wrong_token_and_no_patient_there_is_no_answer(
    patients: Patients, name: str
) -> None:
    assert patients(name).call({}, token="of-another-call").status == 412


def test_a_long_search_is_read_page_by_page(called: Calls) -> None:
    paths = [each.path for each in called("dana-held-for-liver-toxicity", "fetched").asked]
    pages = [path for path in paths if path.startswith("Observation") and "_offset" in path]
    assert len(pages) > 1


def test_the_server_refuses_a_search_that_it_does_not_understand(server: Medplum) -> None:
    with pytest.raises(AssertionError, match="no search parameter pateint"):
        server.get("anybody", "Observation?pateint=1&_count=200")


@every_patient
def test_the_server_keeps_a_chart_as_it_is(patients: Patients, name: str) -> None:
    patient = patients(name)
    sent = [as_stored(each, patient.base) for each in patient.chart.values()]
    assert [as_stored(each, patient.base) for each in patient.stored] == sent
