"""The hook call: what is accepted, what is refused and with which words."""

import json
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_parts import app, bare_card, card, deciding, parts, post, request_body
from werkzeug.test import EnvironBuilder, run_wsgi_app

from cds_service.decide import Decision
from cds_service.errors import DataUnavailable
from cds_service.settings import Settings
from cds_service.web.call_schema import MOST_DRAFTS, read_at_a_look, read_by_form
from cds_service.web.errors import CallError
from tests.tokens import ABSENT

SIGN = "/cds-services/inotuzumab-order-sign"


@pytest.fixture
def client():
    return app().test_client()


@pytest.fixture
def decided(monkeypatch):
    return deciding(monkeypatch, card())


def changed(path: str, value: object, hook: str = "order-sign") -> dict:
    """A good body with one place replaced, or taken away."""
    body = request_body(hook)
    *way, last = path.split(".")
    place = body
    for name in way:
        place = place[name]
    if value is ABSENT:
        place.pop(last, None)
    else:
        place[last] = value
    return body


MISSING_OR_WRONG = [
    *((name, wrong) for name in ("hook", "hookInstance") for wrong in (ABSENT, None, 1, [], {})),
    *(("context", wrong) for wrong in (ABSENT, None, "x", 1, [])),
    *(("context.patientId", wrong) for wrong in (ABSENT, None, "", "  ", 7, [], {}, "Patient/")),
    ("context.patientId", "Practitioner/1"),
    ("context.encounterId", 7),
    *(("context.draftOrders", wrong) for wrong in (ABSENT, None, "x", [], 1)),
    *(("prefetch", wrong) for wrong in ("x", 1, [])),
    *(("fhirServer", wrong) for wrong in (1, [], {})),
    *(("fhirAuthorization", wrong) for wrong in ("x", 1, [])),
]


@pytest.mark.parametrize(("path", "wrong"), MISSING_OR_WRONG, ids=str)
def test_a_missing_or_wrong_field_is_refused_by_name(client, decided, path, wrong):
    answer = post(client, changed(path, wrong))

    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"
    assert [path] in [issue["expression"] for issue in answer.json["issue"]]
    assert not decided.calls


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"hook": "order-select"}, "hook"),
        ({"hook": "Order-Sign"}, "hook"),
        ({"fhirAuthorization": {"access_token": "secret"}}, "fhirServer"),
        ({"fhirAuthorization": {}, "fhirServer": None}, "fhirServer"),
        ({"fhirAuthorization": {}, "fhirServer": ""}, "fhirServer"),
        (
            {"context": {"patientId": "1", "draftOrders": {"resourceType": "MedicationRequest"}}},
            "context.draftOrders.resourceType",
        ),
        ({"context": {"patientId": "1", "draftOrders": {}}}, "context.draftOrders.resourceType"),
        (
            {"context": {"patientId": "1", "draftOrders": {"resourceType": "Bundle", "entry": {}}}},
            "context.draftOrders.entry",
        ),
        (
            {
                "context": {
                    "patientId": "1",
                    "draftOrders": {"resourceType": "Bundle", "entry": [{}] * (MOST_DRAFTS + 1)},
                }
            },
            "context.draftOrders.entry",
        ),
    ],
)
def test_a_body_that_contradicts_itself_is_refused(client, decided, change, path):
    answer = post(client, request_body(**change))

    assert answer.status_code == 400
    assert [path] in [issue["expression"] for issue in answer.json["issue"]]
    assert "secret" not in answer.text


def test_as_many_orders_as_are_read_in_one_call_are_read(client, decided):
    drafts = {"resourceType": "Bundle", "entry": [{}] * MOST_DRAFTS}

    assert (
        post(client, request_body(context={"patientId": "1", "draftOrders": drafts})).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("selections", "path"),
    [
        (ABSENT, "context.selections"),
        (None, "context.selections"),
        ("MedicationRequest/1", "context.selections"),
        ({}, "context.selections"),
        (["MedicationRequest/1", 2], "context.selections[1]"),
        ([None], "context.selections[0]"),
    ],
    ids=str,
)
def test_order_select_needs_to_know_what_was_selected(client, decided, selections, path):
    body = changed("context.selections", selections, "order-select")

    answer = post(client, body, "/cds-services/inotuzumab-order-select")

    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == [path]


def test_every_problem_of_a_body_is_told_at_once(client, decided):
    answer = post(client, {"hook": "order-sign", "context": {"draftOrders": None}})

    assert {issue["expression"][0] for issue in answer.json["issue"]} == {
        "hookInstance",
        "context.patientId",
        "context.draftOrders",
    }


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"3", b"\xff", b"[" * 100_000, b'{"hook": NaN}'],
    ids=lambda body: body[:12],
)
@pytest.mark.parametrize("path", [SIGN, "/explain/inotuzumab-order-sign"])
def test_what_is_not_a_json_object_is_refused(client, decided, body, path):
    answer = post(client, body, path)

    assert answer.status_code == 400
    assert answer.json["issue"][0]["code"] == "structure"


def test_a_duplicate_key_is_refused_with_its_path(client, decided):
    body = b'{"hook": "order-sign", "context": {"patientId": "1", "patientId": "2"}}'

    answer = post(client, body)

    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == ["context.patientId"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/fhir+json",
        "application/json+fhir",
        "application/vnd.example+json",
        "APPLICATION/JSON",
    ],
)
def test_json_by_any_of_its_names_is_read(client, decided, content_type):
    body = json.dumps(request_body())

    assert client.post(SIGN, data=body, content_type=content_type).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
def test_what_is_not_sent_as_json_is_refused(client, decided, content_type):
    answer = client.post(SIGN, data=json.dumps(request_body()), content_type=content_type)

    assert answer.status_code == 415
    assert answer.json["resourceType"] == "OperationOutcome"


def test_a_compressed_body_is_refused(client, decided):
    answer = client.post(
        SIGN,
        data=b"\x1f\x8b",
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )

    assert answer.status_code == 415


def test_a_body_over_the_limit_is_refused(decided):
    small = app(parts(settings=Settings(max_body_bytes=1000))).test_client()

    answer = post(small, request_body(extension="x" * 1000))

    assert answer.status_code == 413
    assert answer.json["issue"][0]["code"] == "too-long"


@pytest.mark.parametrize(("over", "status"), [(0, "200 OK"), (1, "413 "), (5000, "413 ")])
def test_a_body_whose_length_was_not_announced_is_held_to_the_same_limit(decided, over, status):
    body = json.dumps(request_body(extension="x" * 70_000)).encode()
    limited = app(parts(settings=Settings(max_body_bytes=len(body) - over)))
    environ = EnvironBuilder(
        SIGN, method="POST", data=body, content_type="application/json"
    ).get_environ()
    del environ["CONTENT_LENGTH"]
    environ["wsgi.input_terminated"] = True  # how a server marks a chunked body it decodes

    _, answered, _ = run_wsgi_app(limited, environ)

    assert answered.startswith(status)


@pytest.mark.parametrize("is_terminated", [True, False])
def test_a_body_shorter_than_announced_is_told_from_a_wrong_one(decided, is_terminated):
    environ = EnvironBuilder(
        SIGN, method="POST", data=b'{"hook": ', content_type="application/json"
    ).get_environ()
    environ["CONTENT_LENGTH"] = "1000"
    environ["wsgi.input_terminated"] = is_terminated

    said, answered, _ = run_wsgi_app(app(), environ)

    assert answered.startswith("400 ")
    assert b"broke off before its announced end" in b"".join(said)


def test_what_was_read_is_let_go_when_the_answer_has_left(monkeypatch):
    class Verdict:
        """Stands for everything that a decision holds."""

    verdict = Verdict()
    held = weakref.ref(verdict)
    decisions = [Decision((), (verdict,))]
    monkeypatch.setattr("cds_service.web.hooks.decide", lambda *_: decisions.pop())
    environ = EnvironBuilder(SIGN, method="POST", json=request_body()).get_environ()
    answer = app().wsgi_app(environ, lambda *_: None)
    del verdict

    assert held() is not None
    answer.close()
    del answer, environ
    assert held() is None


@pytest.mark.parametrize(("times", "heard"), [(2, 2000), (9, 1000 * 4)])
def test_the_rest_of_a_body_over_the_limit_is_heard_out_within_reason(decided, times, heard):
    limited = app(parts(settings=Settings(max_body_bytes=1000)))
    environ = EnvironBuilder(SIGN, method="POST", data=b"x" * 1000 * times).get_environ()
    environ["wsgi.input_terminated"] = True
    sent = environ["wsgi.input"]

    _, answered, _ = run_wsgi_app(limited, environ)

    assert answered.startswith("413 ")
    assert heard <= sent.tell() <= max(heard, 65_536)


@pytest.mark.parametrize(
    "sent",
    ["123", "Patient/123", "https://ehr.example.org/fhir/Patient/123", " Patient/123/_history/2 "],
)
def test_the_patient_id_is_brought_to_its_bare_form(client, decided, sent):
    post(client, changed("context.patientId", sent))

    assert decided.call.patient_id == "123"


def test_selections_are_brought_to_type_and_id(client, decided):
    sent = ["MedicationRequest/1", "https://ehr.example.org/fhir/MedicationRequest/2", "urn:x"]

    post(
        client,
        changed("context.selections", sent, "order-select"),
        "/cds-services/inotuzumab-order-select",
    )

    assert decided.call.selections == ("MedicationRequest/1", "MedicationRequest/2", "urn:x")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("prefetch", None),
        ("prefetch", {}),
        ("prefetch", {"patient": "123", "mine": None, "observations": []}),
        ("fhirAuthorization", None),
        ("fhirServer", None),
        ("extension", None),
        ("extension", "x"),
        ("extension", [1, {}]),
        ("extension", {"com.epic.cdshooks.request.bpa-trigger-action": "23"}),
        ("hookInstance", "not a UUID"),
        ("context.userId", ABSENT),
        ("context.userId", 5),
        ("context.encounterId", None),
        ("context.draftOrders", {"resourceType": "Bundle"}),
        ("context.draftOrders", {"resourceType": "Bundle", "entry": [None, "x"]}),
        ("user", "Practitioner/1"),
        ("redirect", "https://ehr.example.org"),
    ],
    ids=str,
)
def test_what_real_clients_send_is_accepted(client, decided, path, value):
    assert post(client, changed(path, value)).status_code == 200


def test_the_call_arrives_as_it_was_sent(client, decided):
    body = request_body(
        prefetch={"patient": {"resourceType": "Patient"}, "observations": None},
        fhirServer="https://ehr.example.org/fhir",
        fhirAuthorization={"access_token": ""},
    )

    post(client, body)

    call = decided.call
    assert call.service_id == "inotuzumab-order-sign"
    assert call.prefetch == body["prefetch"]
    assert call.draft_orders == body["context"]["draftOrders"]
    assert call.fhir_server == "https://ehr.example.org/fhir"
    assert call.user_id == "Practitioner/1"
    assert call.profile == "US"


junk = st.dictionaries(
    st.text(min_size=1).map(lambda text: f"x{text}"),
    st.none() | st.integers() | st.text() | st.lists(st.integers()),
    max_size=3,
)


@given(top=junk, context=junk, authorization=junk)
def test_unknown_keys_change_nothing(top, context, authorization):
    body = request_body(fhirServer="https://x", fhirAuthorization=authorization, **top)
    body["context"] |= context

    with pytest.MonkeyPatch.context() as patch:
        decided = deciding(patch, card())
        answer = post(app().test_client(), body)
        plain = post(app().test_client(), request_body(fhirServer="https://x"))

    assert answer.data == plain.data
    assert decided.calls[0] == decided.calls[1]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
keys = st.sampled_from(["hook", "hookInstance", "context", "prefetch", "fhirServer"])


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(body):
    with pytest.MonkeyPatch.context() as patch:
        deciding(patch)
        answer = post(app().test_client(), body)

    assert answer.status_code == 400
    assert answer.json["resourceType"] == "OperationOutcome"


@given(st.dictionaries(keys, json_values), st.sampled_from(["order-sign", None]))
def test_arbitrary_json_is_refused_or_decided_but_never_a_failure(body, hook):
    sent = {**body, "hook": hook} if hook else body
    with pytest.MonkeyPatch.context() as patch:
        decided = deciding(patch)
        answer = post(app().test_client(), json.dumps(sent).encode())

    assert answer.status_code == (200 if decided.calls else 400)
    assert ("cards" in answer.json) == bool(decided.calls)


def test_data_that_is_needed_and_missing_is_412(client, decided):
    decided.failure = DataUnavailable("patient", "it was not sent and there is no FHIR access")

    answer = post(client, request_body())

    assert answer.status_code == 412
    assert answer.json["issue"][0]["code"] == "incomplete"
    assert "patient" in answer.json["issue"][0]["diagnostics"]


@pytest.mark.parametrize("path", [SIGN, "/explain/inotuzumab-order-sign"])
def test_an_unexpected_failure_is_500_and_says_nothing_of_the_chart(client, decided, path):
    decided.failure = ValueError("Jane Roe 1288992")

    answer = post(client, request_body(), path)

    assert answer.status_code == 500
    assert answer.json["issue"][0]["code"] == "exception"
    assert "Roe" not in answer.text
    assert "cards" not in answer.json


def test_a_card_that_cannot_be_written_is_500_and_not_a_missing_card(client, monkeypatch):
    deciding(monkeypatch, card(summary=""), bare_card())

    assert post(client, request_body()).status_code == 500


ODD = [ABSENT, None, "", " ", "x", " x", "Patient/1", "a/b", 1, True, [], ["x"], {}, {"a": 1}]
ODD_ORDERS = [{"resourceType": "Bundle", "entry": wrong} for wrong in (None, {}, [{}], [1] * 501)]
ODD_SELECTIONS = [["A/1", wrong] for wrong in (1, " B/2", "https://ehr/B/2", "")] + [["A/1"] * 1001]
PLACES = (
    *("hook", "hookInstance", "fhirServer", "fhirAuthorization", "prefetch", "context"),
    *("context.patientId", "context.encounterId", "context.userId", "context.draftOrders"),
    "context.selections",
)


@given(
    st.sampled_from(["patient-view", "order-sign", "order-select"]),
    st.dictionaries(
        st.sampled_from(PLACES), st.sampled_from(ODD + ODD_ORDERS + ODD_SELECTIONS), max_size=3
    ),
)
def test_what_is_taken_at_a_look_is_what_the_form_reads(hook, odd):
    body = request_body(hook)
    for path, value in odd.items():
        name = path.removeprefix("context.")
        place = body if name == path else body.get("context")
        if isinstance(place, dict):
            place.pop(name, None)
            place |= {} if value is ABSENT else {name: value}
    try:
        by_form = read_by_form(body, hook)
    except CallError:
        by_form = None

    at_a_look = read_at_a_look(body, hook)

    assert at_a_look is None or {**at_a_look, "hook": hook} == by_form


@pytest.mark.parametrize("hook", ["patient-view", "order-sign", "order-select"])
def test_a_call_as_most_are_needs_no_second_look(hook):
    assert read_at_a_look(request_body(hook), hook) is not None
