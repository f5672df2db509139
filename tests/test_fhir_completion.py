"""Exactly what a call left open is fetched, with its token, in the shapes the chart is read in."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from cds_service.clients import SANDBOX, Client
from cds_service.fhir.access import FHIRAccess, asked, exchange
from cds_service.fhir.completion import Completed
from cds_service.fhir.hook_call import Authorization, HookCall
from cds_service.fhir.library import Library
from cds_service.fhir.prefetch import read_template, search_template, subject_template
from cds_service.outbound import Outbound
from cds_service.strict_json import dumps
from tests import fhir_stub as stub
from tests.fhir_search import prefetched
from tests.fhir_stub import FHIRStub

TEMPLATES = {
    "patient": read_template("Patient"),
    "observations": search_template("Observation", ["http://loinc.org|1975-2"], newest_first=True),
    "conditions": search_template("Condition"),
    "medicationRequests": search_template("MedicationRequest"),
    "adverseEvents": subject_template("AdverseEvent"),
}
PATIENT = "p-1"
TOKEN = "a-token-nobody-may-see"
_numbers = count(1)


def resource(kind: str, **elements: Any) -> dict[str, Any]:
    whole = {"id": f"{kind[:3].lower()}-{next(_numbers)}", **elements}
    return {"resourceType": kind, "subject": {"reference": f"Patient/{PATIENT}"}, **whole}


def result(**elements: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "1975-2"}]}
    return resource("Observation", code=code, **elements)


def chart() -> list[dict[str, Any]]:
    return [
        {"resourceType": "Patient", "id": PATIENT},
        *(result() for _ in range(5)),
        resource("Condition"),
        resource("MedicationRequest", medicationCodeableConcept={"text": "ursodiol"}),
        resource("AdverseEvent"),
    ]


@pytest.fixture
def server():
    with FHIRStub(chart()) as running:
        yield running


class Pauses(list[float]):
    """Waits no time, and remembers how long it should have."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def access(pauses) -> FHIRAccess:
    return FHIRAccess(Outbound(), 60_000, pauses)


@pytest.fixture
def hasty() -> FHIRAccess:
    return FHIRAccess(Outbound(), 200)


def call(server: FHIRStub, prefetch: dict[str, Any] | None = None, **changes: Any) -> HookCall:
    return HookCall(
        **{
            "service_id": "inotuzumab-order-sign",
            "hook": "order-sign",
            "hook_instance": "1",
            "patient_id": PATIENT,
            "prefetch": prefetch or {},
            "fhir_server": server.url,
            "authorization": Authorization(TOKEN),
            "client": Client("General Hospital", fhir_servers=(server.url,)),
            **changes,
        }
    )


def sent(server: FHIRStub, **changes: Any) -> dict[str, Any]:
    """The prefetch an EHR would send of this server's chart; None leaves a key out."""
    whole = {**prefetched(TEMPLATES, PATIENT, server.chart), **changes}
    return {key: value for key, value in whole.items() if value != "left out"}


def complete(access: FHIRAccess, asking: HookCall) -> Completed:
    return access.complete(asking, TEMPLATES)


def ids(value: Any) -> list[str]:
    return [entry["resource"]["id"] for entry in value["entry"]]


def outcome_code(value: Any) -> str:
    assert value["resourceType"] == "OperationOutcome"
    return value["issue"][0]["code"]


def test_a_server_that_hangs_costs_only_its_own_clients_time(server, monkeypatch):
    monkeypatch.setattr("cds_service.fhir.access.completer.THREADS", 2)
    access, hung = FHIRAccess(Outbound(), 10_000), threading.Event()
    with FHIRStub(chart()) as slow, ThreadPoolExecutor() as calls:
        slow.fault("Patient", stub.after(hung.set, slow.released.wait))
        slow.fault("Observation", stub.after(hung.set, slow.released.wait))
        other = Client("Elsewhere", fhir_servers=(slow.url,))
        waiting = calls.submit(complete, access, call(slow, client=other))
        assert hung.wait(20)

        assert set(complete(access, call(server)).fetched.values()) == {"answered"}
        assert not waiting.done()
        slow.released.set()


class TestWhatIsFetched:
    def test_nothing_when_everything_was_sent(self, server, access):
        asking = call(server, sent(server))
        assert complete(access, asking) == Completed(asking)
        assert server.requests == []

    def test_everything_when_nothing_was_sent(self, server, access):
        done = complete(access, call(server))
        assert server.asked() == [
            "AdverseEvent?subject=Patient/p-1&_count=200",
            "Condition?patient=p-1&_count=200",
            "MedicationRequest?patient=p-1&_count=200",
            "Observation?patient=p-1&code=http://loinc.org|1975-2&_sort=-date&_count=200",
            "Patient/p-1",
        ]
        assert dict(done.fetched) == dict.fromkeys(TEMPLATES, "answered")
        assert done.call.prefetch["patient"]["id"] == PATIENT
        assert len(done.call.prefetch["observations"]["entry"]) == 5

    @pytest.mark.parametrize(
        "value",
        [
            "left out",
            None,
            {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]},
            {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]},
            {"resourceType": "Bundle", "total": 7},
            "<!doctype html>",
            {"resourceType": "Bundle", "entry": "none"},
            ["a list"],
        ],
    )
    def test_only_the_key_that_is_open(self, server, access, value):
        done = complete(access, call(server, sent(server, conditions=value)))
        assert server.asked() == ["Condition?patient=p-1&_count=200"]
        assert done.fetched == {"conditions": "answered"}
        assert len(done.call.prefetch["conditions"]["entry"]) == 1

    @pytest.mark.parametrize("value", ["left out", None, {"resourceType": "Basic"}])
    def test_an_open_read_is_read(self, server, access, value):
        done = complete(access, call(server, sent(server, patient=value)))
        assert server.asked() == ["Patient/p-1"]
        assert done.fetched == {"patient": "answered"}

    def test_an_empty_search_is_an_answer(self, server, access):
        server.chart = [each for each in server.chart if each["resourceType"] != "Condition"]
        done = complete(access, call(server))
        assert done.fetched["conditions"] == "answered"
        assert done.call.prefetch["conditions"]["entry"] == []

    def test_keys_of_the_ehrs_own_stay(self, server, access):
        done = complete(access, call(server, {"theirs": {"resourceType": "Basic"}}))
        assert done.call.prefetch["theirs"] == {"resourceType": "Basic"}

    def test_numbers_keep_every_digit(self, server, access):
        server.fault("Patient", lambda handler: handler.send(PATIENT_WITH_NUMBER))
        patient = complete(access, call(server)).call.prefetch["patient"]
        assert str(patient["extension"][0]["valueDecimal"]) == "0.80"


PATIENT_WITH_NUMBER = (
    b'{"resourceType": "Patient", "id": "p-1",'
    b' "extension": [{"url": "urn:x", "valueDecimal": 0.80}]}'
)


class TestHowItAsks:
    def test_the_token_is_on_every_request(self, server, access):
        server.token = TOKEN
        server.page_size = 2
        done = complete(access, call(server))
        assert {request.token for request in server.requests} == {TOKEN}
        assert set(done.fetched.values()) == {"answered"}

    def test_it_wants_fhir_json_uncompressed_uncached_and_brings_no_cookie(self, server, access):
        server.page_size = 2
        complete(access, call(server))
        for request in server.requests:
            assert request.headers["Accept"] == "application/fhir+json"
            assert request.headers["Accept-Encoding"] == "identity"
            assert request.headers["Cache-Control"] == "no-cache"
            assert "Cookie" not in request.headers

    def test_without_a_token_it_sends_none(self, server, access):
        complete(access, call(server, client=SANDBOX, authorization=None))
        assert {request.token for request in server.requests} == {None}

    def test_the_token_is_in_no_log_line(self, server, access, caplog):
        caplog.set_level(logging.DEBUG)
        server.fault("*", stub.status(500))
        done = complete(access, call(server))
        assert caplog.records
        assert TOKEN not in caplog.text + repr(vars(caplog.records[-1])) + repr(done)


class TestFailures:
    @pytest.mark.parametrize(
        ("fault", "code", "state"),
        [
            (stub.status(400), "exception", "failed"),
            (stub.status(401), "login", "not_allowed"),
            (stub.status(403), "forbidden", "not_allowed"),
            (stub.status(404), "not-found", "failed"),
            (stub.status(410), "not-found", "failed"),
            (stub.status(500), "exception", "failed"),
            (stub.status(599), "exception", "failed"),
            (stub.status(202), "exception", "failed"),
            (stub.status(504), "timeout", "failed"),
            (stub.busy(429, "0"), "throttled", "failed"),
            (stub.busy(503, "0"), "transient", "failed"),
            (stub.reset, "exception", "failed"),
            (stub.cut_short, "exception", "failed"),
            (stub.html, "structure", "failed"),
            (stub.html_error, "exception", "failed"),
            (stub.broken_json, "structure", "failed"),
            (stub.empty_body, "structure", "failed"),
            (stub.json_value([]), "structure", "failed"),
            (stub.json_value({"entry": []}), "structure", "failed"),
            (stub.wrong_type, "structure", "failed"),
            (stub.duplicate_key, "structure", "failed"),
            (stub.nan, "structure", "failed"),
            (stub.zipped, "structure", "failed"),
            (stub.huge, "too-long", "failed"),
            (stub.redirect_here, "exception", "failed"),
            (stub.outcome("exception"), "exception", "failed"),
            (stub.outcome("forbidden"), "forbidden", "not_allowed"),
            (stub.outcome("informational", "warning"), "exception", "failed"),
        ],
    )
    def test_each_is_said_in_its_own_words(self, server, access, fault, code, state):
        server.fault("Condition", fault)
        done = complete(access, call(server))
        assert outcome_code(done.call.prefetch["conditions"]) == code
        others = dict.fromkeys(TEMPLATES, "answered")
        assert done.fetched == {**others, "conditions": state}

    @pytest.mark.parametrize("fault", [stub.hang, stub.drip, stub.drip_head])
    def test_a_server_that_takes_its_time_is_left_at_the_deadline(self, server, hasty, fault):
        server.fault("*", fault)
        done = complete(hasty, call(server))
        assert not server.released.is_set()
        assert {outcome_code(done.call.prefetch[key]) for key in TEMPLATES} == {"timeout"}
        assert set(done.fetched.values()) == {"failed"}

    @pytest.mark.parametrize("code", [404, 410])
    def test_a_patient_that_is_not_there_is_not_found(self, server, access, code):
        server.fault("Patient", stub.status(code))
        done = complete(access, call(server))
        assert done.call.prefetch["patient"] is None
        assert done.fetched["patient"] == "not_found"

    def test_an_error_among_the_entries_is_a_failure(self, server, access):
        server.fault("Observation", stub.outcome_among_entries)
        assert complete(access, call(server)).fetched["observations"] == "failed"

    def test_a_warning_that_there_are_no_results_is_an_answer(self, server, access):
        server.fault("Condition", stub.no_results_warning)
        assert complete(access, call(server)).fetched["conditions"] == "answered"

    def test_an_answer_of_other_resources_is_unreadable(self, server, access):
        server.fault(
            "Condition",
            stub.json_value({"resourceType": "Bundle", "entry": [{"resource": resource("Goal")}]}),
        )
        assert complete(access, call(server)).fetched["conditions"] == "unreadable"

    def test_all_answers_together_have_a_limit(self, server, access, monkeypatch):
        """However many of them are read at the same moment."""
        monkeypatch.setattr(exchange, "LARGEST_CALL", 2000)
        note = [{"text": "x" * 900}]
        server.chart += [resource(kind, note=note) for kind in ("Condition", "AdverseEvent")]
        together = threading.Barrier(len(TEMPLATES))
        for kind in ("Patient", "Observation", "Condition", "MedicationRequest", "AdverseEvent"):
            server.fault(kind, stub.after(lambda: together.wait(20)))

        values = complete(access, call(server)).call.prefetch.values()
        failed = [each for each in values if each["resourceType"] == "OperationOutcome"]
        assert {outcome_code(each) for each in failed} == {"too-long"}
        assert sum(len(dumps(each)) for each in values if each not in failed) <= 2000

    def test_an_answer_that_fails_takes_nothing_from_the_others(self, server, access, monkeypatch):
        monkeypatch.setattr(exchange, "LARGEST_CALL", 30_000)
        server.fault("Observation", stub.busy(503, "0", times=1))
        server.fault("Condition", stub.cut_short)
        server.chart += [resource("MedicationRequest", note=[{"text": "x" * 25_000}])]
        assert complete(access, call(server)).fetched["medicationRequests"] == "answered"

    def test_a_fault_of_ours_is_logged_and_counts_as_failed(self, server, access, monkeypatch):
        def stumble(*_: object) -> None:
            raise RuntimeError("not the server's fault")

        monkeypatch.setattr(asked.Asked, "_search", stumble)
        done = complete(access, call(server))
        assert done.fetched["conditions"] == "failed"
        assert done.fetched["patient"] == "answered"

    def test_what_went_wrong_is_logged_once_without_anything_of_the_call(
        self, server, access, caplog
    ):
        server.fault("Condition", stub.status(500))
        complete(access, call(server))
        (line,) = [each for each in caplog.records if each.name == "cds_service.fhir"]
        assert line.client == "General Hospital"
        assert line.problems == {"conditions": "HTTP 500"}


class TestABusyServer:
    @pytest.mark.parametrize("code", [429, 503])
    @pytest.mark.parametrize(("header", "waited"), [("1", 1.0), ("0", 0.0), (None, 0.1)])
    def test_is_asked_once_more(self, server, access, pauses, code, header, waited):
        server.fault("Condition", stub.busy(code, header, times=1))
        done = complete(access, call(server))
        assert done.fetched["conditions"] == "answered"
        assert pauses == [waited]

    def test_but_only_once(self, server, access, pauses):
        server.fault("Condition", stub.busy(429, "0"))
        complete(access, call(server, sent(server, conditions=None)))
        assert len(server.requests) == 2
        assert len(pauses) == 1

    @pytest.mark.parametrize("header", ["3600", "Fri, 31 Dec 2999 23:59:59 GMT", "9" * 400])
    def test_and_not_at_all_when_the_wait_is_longer_than_there_is_time(
        self, server, access, pauses, header
    ):
        server.fault("Condition", stub.busy(503, header, times=1))
        done = complete(access, call(server))
        assert outcome_code(done.call.prefetch["conditions"]) == "transient"
        assert pauses == []

    @pytest.mark.parametrize("header", ["soon", "-5", "1.5", "²", "Fri, 31 Dec 1999 23:59:59 GMT"])
    def test_a_wait_that_means_nothing_is_a_short_one(self, server, access, pauses, header):
        fault = stub.busy(429, header.encode("utf-8").decode("latin-1"), times=1)
        server.fault("Condition", fault)
        assert complete(access, call(server)).fetched["conditions"] == "answered"
        assert pauses == [0.1]


class TestPages:
    def test_are_read_to_the_end_and_joined(self, server, access):
        server.page_size = 2
        done = complete(access, call(server))
        bundle = done.call.prefetch["observations"]
        assert done.fetched["observations"] == "answered"
        assert sorted(ids(bundle)) == sorted(
            each["id"] for each in server.chart if each["resourceType"] == "Observation"
        )

    @pytest.mark.parametrize("link", ["{base}/Other?x=1", "Other?x=1", "?x=1", "/fhir/Other?x=1"])
    def test_are_followed_by_absolute_and_relative_links(self, server, access, link):
        first = server.found("Observation?patient=p-1")
        server.fault(
            "Observation",
            lambda handler: (
                handler.answer({**first, "link": [], "entry": first["entry"][2:]})
                if "x=1" in handler.path_below
                else stub.next_is(link)(handler)
            ),
        )
        server.fault(
            "Other",
            lambda handler: handler.answer({**first, "link": [], "entry": first["entry"][:1]}),
        )
        done = complete(access, call(server))
        assert len(done.call.prefetch["observations"]["entry"]) > 1
        assert any("x=1" in path for path in server.asked())

    @pytest.mark.parametrize(
        "fault",
        [
            stub.page_circle,
            stub.next_fails,
            stub.next_is("http://127.0.0.2/fhir/Observation?page=2"),
            stub.next_is("https://{base}/Observation?page=2"),
            stub.next_is("{origin}/elsewhere/Observation?page=2"),
            stub.next_is("{base}/../elsewhere/Observation?page=2"),
            stub.next_is("{base}/%2e%2e/elsewhere?page=2"),
            stub.next_is("{base}x/Observation?page=2"),
            stub.next_is("//127.0.0.2/fhir/Observation?page=2"),
            stub.next_is("file:///etc/passwd"),
            stub.next_is("http://["),
            stub.next_is(""),
        ],
    )
    def test_that_cannot_be_read_leave_the_search_truncated(self, server, access, fault):
        server.fault("Observation", fault)
        done = complete(access, call(server))
        assert done.fetched["observations"] == "truncated"
        assert done.call.prefetch["observations"]["entry"]
        assert not [path for path in server.asked() if "elsewhere" in path]

    def test_have_a_limit_of_number(self, server, access, monkeypatch):
        monkeypatch.setattr(asked, "MOST_PAGES", 2)
        server.page_size = 1
        done = complete(access, call(server))
        assert done.fetched["observations"] == "truncated"
        assert len(done.call.prefetch["observations"]["entry"]) == 2

    def test_have_a_limit_of_entries(self, server, access, monkeypatch):
        monkeypatch.setattr(asked, "MOST_ENTRIES", 3)
        server.page_size = 2
        done = complete(access, call(server))
        assert done.fetched["observations"] == "truncated"
        assert len(done.call.prefetch["observations"]["entry"]) == 4

    def test_that_were_read_before_the_deadline_count(self, server):
        server.page_size = 2
        patient = FHIRAccess(Outbound(), 2000)
        answered = stub.FHIRStub.found

        def slow_later(handler: stub.Handler) -> None:
            if handler.is_later_page:
                stub.hang(handler)
            else:
                handler.answer(answered(handler.stub, handler.path_below))

        server.fault("Observation", slow_later)
        done = complete(patient, call(server, sent(server, observations=None)))
        assert done.fetched["observations"] == "truncated"
        assert len(done.call.prefetch["observations"]["entry"]) == 2

    def test_that_repeat_an_entry_do_not_hide_one_that_is_missing(self, server, access):
        first = server.found("Observation?patient=p-1")

        def shifted(handler: stub.Handler) -> None:
            part = slice(2, 5) if handler.is_later_page else slice(0, 3)
            link = [] if handler.is_later_page else [{"relation": "next", "url": "?x=1&_page=2"}]
            handler.answer({**first, "total": 6, "link": link, "entry": first["entry"][part]})

        server.fault("Observation", shifted)
        done = complete(access, call(server))
        assert len(done.call.prefetch["observations"]["entry"]) == 5
        assert done.fetched["observations"] == "truncated"


class TestATruncatedPrefetch:
    def truncated(self, server: FHIRStub, link: str | None = None) -> dict[str, Any]:
        """The first two results, and where the rest is."""
        server.page_size = 2
        page = server.found("Observation?patient=p-1")
        return {**page, "link": [{"relation": "next", "url": link}]} if link else page

    def test_is_continued_from_its_own_link(self, server, access):
        done = complete(access, call(server, sent(server, observations=self.truncated(server))))
        assert server.asked() == [
            "Observation?patient=p-1&_page=2",
            "Observation?patient=p-1&_page=3",
        ]
        assert len(done.call.prefetch["observations"]["entry"]) == 5
        assert done.fetched == {"observations": "answered"}

    @pytest.mark.parametrize("link", ["http://127.0.0.2/fhir/Observation", "Gone?page=2"])
    def test_is_searched_anew_when_its_link_leads_nowhere(self, server, access, link):
        page = self.truncated(server, link)
        server.page_size = 200
        server.fault("Gone", stub.status(410))
        done = complete(access, call(server, sent(server, observations=page)))
        assert done.fetched == {"observations": "answered"}
        assert len(done.call.prefetch["observations"]["entry"]) == 5

    def test_keeps_what_was_sent_when_nothing_can_be_fetched(self, server, access):
        page = self.truncated(server)
        server.fault("Observation", stub.status(500))
        done = complete(access, call(server, sent(server, observations=page)))
        assert done.call.prefetch["observations"] == page
        assert done.fetched == {"observations": "truncated"}

    def test_keeps_beside_a_new_search_what_that_did_not_bring(self, server, access):
        mine = result()
        page = {"resourceType": "Bundle", "total": 9, "entry": [{"resource": mine}]}
        done = complete(access, call(server, sent(server, observations=page)))
        assert len(done.call.prefetch["observations"]["entry"]) == 5
        assert mine in [found.resource for found in Library(done.call).of_type("Observation")]

    def test_a_failed_search_keeps_the_results_that_came_with_it(self, server, access):
        mine = result()
        failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
        page = {"resourceType": "Bundle", "entry": [{"resource": mine}, {"resource": failed}]}
        server.fault("Observation", stub.hang)
        hasty = FHIRAccess(Outbound(), 200)
        done = complete(hasty, call(server, sent(server, observations=page)))
        assert done.call.prefetch["observations"] == page
        assert done.fetched == {"observations": "failed"}


class TestPermission:
    def kept(self, access: FHIRAccess, asking: HookCall) -> None:
        assert complete(access, asking) == Completed(asking)

    def test_none_without_a_server(self, server, access):
        self.kept(access, call(server, fhir_server="", authorization=None))
        assert server.requests == []

    def test_none_without_a_token(self, server, access):
        self.kept(access, call(server, authorization=None))
        assert server.requests == []

    def test_none_for_a_server_that_is_not_listed(self, server, access, caplog):
        self.kept(access, call(server, client=Client("General Hospital")))
        assert server.requests == []
        (line,) = [each for each in caplog.records if each.name == "cds_service.fhir"]
        assert (line.client, line.reason) == ("General Hospital", "not listed for this client")

    def test_no_word_about_it_when_nothing_is_open(self, server, access, caplog):
        self.kept(access, call(server, sent(server), client=Client("General Hospital")))
        assert caplog.records == []

    @pytest.mark.parametrize("token", ["a b", "a\r\nX-Evil: 1", "tökén", "\x00"])
    def test_none_with_a_token_that_is_no_token(self, server, access, token):
        self.kept(access, call(server, authorization=Authorization(token)))
        assert server.requests == []

    def test_a_token_for_another_patient_is_not_used(self, server, access, caplog):
        asking = call(server, authorization=Authorization(TOKEN, "somebody-else"))
        done = complete(access, replace(asking, prefetch=sent(server, conditions=None)))
        assert server.requests == []
        assert outcome_code(done.call.prefetch["conditions"]) == "forbidden"
        assert done.fetched == {"conditions": "not_allowed"}
        assert "somebody-else" not in caplog.text + str(done.call.prefetch["conditions"])
        assert caplog.records[-1].reason == "token is for another patient"

    def test_a_token_for_this_patient_is(self, server, access):
        done = complete(access, call(server, authorization=Authorization(TOKEN, PATIENT)))
        assert set(done.fetched.values()) == {"answered"}

    @pytest.mark.parametrize("patient_id", ["..", ".", "1,2", "1|2", "$everything", "a b", "é", ""])
    def test_an_id_that_means_something_to_a_search_is_not_searched_for(
        self, server, access, patient_id
    ):
        done = complete(access, call(server, patient_id=patient_id))
        assert server.requests == []
        assert set(done.fetched.values()) == {"failed"}


def order(reference: str, **more: Any) -> dict[str, Any]:
    return resource("MedicationRequest", medicationReference={"reference": reference}, **more)


def medication(id_: str, *ingredients: str) -> dict[str, Any]:
    parts = [{"itemReference": {"reference": reference}} for reference in ingredients]
    return {"resourceType": "Medication", "id": id_, "code": {"text": id_}, "ingredient": parts}


class TestMedications:
    def drugs(self, done: Completed) -> set[str]:
        return {found.reference for found in Library(done.call).of_type("Medication", "Substance")}

    def test_that_fetched_orders_name_are_read(self, server, access):
        server.chart += [order("Medication/m-1"), order("Medication/m-1"), medication("m-1")]
        done = complete(access, call(server))
        assert server.asked().count("Medication/m-1") == 1
        assert self.drugs(done) == {"Medication/m-1"}
        assert done.fetched["fetchedMedications"] == "answered"

    def test_that_only_a_draft_names_are_read(self, server, access):
        prefetch = sent(server)
        server.chart.append(medication("m-1"))
        drafts = {"resourceType": "Bundle", "entry": [{"resource": order("Medication/m-1")}]}
        done = complete(access, call(server, prefetch, draft_orders=drafts))
        assert server.asked() == ["Medication/m-1"]
        assert self.drugs(done) == {"Medication/m-1"}

    def test_are_found_by_an_absolute_reference_to_this_server(self, server, access):
        reference = f"{server.url}/Medication/m-1".replace("http:", "HTTP:")
        server.chart += [order(reference), medication("m-1")]
        done = complete(access, call(server))
        (found,) = Library(done.call).of_type("Medication")
        assert Library(done.call).resolve({"reference": reference}, found) == found

    @pytest.mark.parametrize(
        "reference",
        [
            "http://127.0.0.2/fhir/Medication/m-1",
            "https://ehr.example.org/fhir/Medication/m-1",
            "{origin}/other/Medication/m-1",
            "{base}/../other/Medication/m-1",
            "{base}/deeper/Medication/m-1",
            "http://user@{host}/fhir/Medication/m-1",
            "../Medication/m-1",
            "/Medication/m-1",
            "Medication/..",
            "Medication/m-1?x=y",
            "urn:uuid:0d3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
            "#m-1",
            "Patient/p-2",
            "Medication?code=1",
        ],
    )
    def test_elsewhere_are_never_asked_for(self, server, access, reference):
        host = server.origin.removeprefix("http://")
        text = reference.format(origin=server.origin, base=server.url, host=host)
        prefetch = sent(server)
        drafts = {"resourceType": "Bundle", "entry": [{"resource": order(text)}]}
        complete(access, call(server, prefetch, draft_orders=drafts))
        assert server.requests == []

    def test_that_came_with_the_call_are_not_asked_for(self, server, access):
        drafts = [
            order("Medication/m-1"),
            medication("m-1"),
            order("#in", contained=[{"id": "in"}]),
        ]
        bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in drafts]}
        complete(access, call(server, sent(server), draft_orders=bundle))
        assert server.requests == []

    def test_of_other_patients_are_not_asked_for(self, server, access):
        foreign = order("Medication/m-1", subject={"reference": "Patient/p-2"})
        bundle = {"resourceType": "Bundle", "entry": [{"resource": foreign}]}
        complete(access, call(server, {**sent(server), "more": bundle}))
        assert server.requests == []

    def test_bring_their_ingredients(self, server, access):
        server.chart += [
            order("Medication/mix"),
            medication("mix", "Medication/drug", "Substance/salt"),
            medication("drug", "Medication/too-deep"),
            {"resourceType": "Substance", "id": "salt"},
            medication("too-deep"),
        ]
        done = complete(access, call(server))
        assert self.drugs(done) == {"Medication/mix", "Medication/drug", "Substance/salt"}

    @pytest.mark.parametrize(
        "fault", [stub.status(404), stub.status(403), stub.html, stub.wrong_type, stub.reset]
    )
    def test_that_cannot_be_read_stay_unresolved(self, server, access, fault):
        server.chart.append(order("Medication/m-1"))
        server.fault("Medication", fault)
        done = complete(access, call(server))
        assert self.drugs(done) == set()
        assert done.fetched["fetchedMedications"] == "failed"

    def test_of_another_id_than_was_asked_for_are_not_taken(self, server, access):
        server.chart.append(order("Medication/m-1"))
        server.fault("Medication", stub.json_value(medication("m-2")))
        assert self.drugs(complete(access, call(server))) == set()

    def test_are_read_up_to_a_limit_drafts_first(self, server, access, monkeypatch):
        monkeypatch.setattr("cds_service.fhir.access.completer.MOST_MEDICATIONS", 2)
        server.chart += [order(f"Medication/m-{n}") for n in range(5)]
        server.chart += [medication(name) for name in ("m-0", "m-1", "draft")]
        drafts = {"resourceType": "Bundle", "entry": [{"resource": order("Medication/draft")}]}
        done = complete(access, call(server, draft_orders=drafts))
        assert len(self.drugs(done)) == 2
        assert "Medication/draft" in self.drugs(done)

    def test_a_value_of_the_ehrs_own_under_the_same_key_stays(self, server, access):
        server.chart += [order("Medication/m-1"), medication("m-1")]
        theirs = {"resourceType": "Bundle", "entry": [{"resource": medication("theirs")}]}
        done = complete(access, call(server, {"fetchedMedications": theirs}))
        assert self.drugs(done) == {"Medication/theirs", "Medication/m-1"}


def test_calls_of_two_patients_at_once_keep_their_tokens_apart(server, access):
    server.chart += [{"resourceType": "Patient", "id": "p-2"}]

    def ask(number: int) -> Completed:
        patient_id = f"p-{1 + number % 2}"
        asking = call(server, patient_id=patient_id, authorization=Authorization(f"t-{patient_id}"))
        return complete(access, asking)

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(ask, range(16)))
    assert all(each.call.prefetch["patient"]["id"] == each.call.patient_id for each in done)
    assert len(server.requests) == 16 * len(TEMPLATES)
    asked_with = {(request.token, "p-2" in request.path) for request in server.requests}
    assert asked_with == {("t-p-1", False), ("t-p-2", True)}


def test_a_late_answer_changes_nothing_any_more(server, hasty):
    """What a thread still reads after the deadline must not reach a chart that is being judged."""
    server.fault("Condition", stub.hang)
    done = complete(hasty, call(server))
    before = dict(done.call.prefetch)
    server.released.set()
    assert done.call.prefetch == before
    assert done.fetched["conditions"] == "failed"


def test_without_time_nothing_is_asked(server):
    done = FHIRAccess(Outbound(), 0).complete(call(server), TEMPLATES)
    assert set(done.fetched.values()) == {"failed"}
