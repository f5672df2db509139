"""A FHIR server of our own on this machine, which can be told to fail in every way we know.

::

    with FHIRStub(chart) as server:            # a list of resources, of one patient or more
        server.fault("Observation", hang)      # what a request for this type gets; "*": for any
        ...                                    # call the service with server.url as fhirServer
        assert server.asked() == ["Patient/p-1", "Observation?patient=p-1&_count=200"]

It reads ``Type/id`` and searches by patient, subject and code (see ``fhir_search``), in pages of
``page_size``. Every request is kept in ``requests`` with its path and its token; with
``server.token`` set, a request without that token gets 401. A fault is a function of the
``Handler``, which knows the server and the answer it would have given; ``fault`` replaces an
earlier one for the same type. Faults that wait do so until ``released`` is set, at the latest when
the server is left, so that no test has to sleep.

The faults: ``status(code)``, ``busy(code, retry_after, times)``, ``hang``, ``drip``, ``drip_head``,
``reset``, ``html``, ``html_error``, ``broken_json``, ``cut_short``, ``huge``, ``empty_body``,
``json_value(value)``, ``wrong_type``, ``duplicate_key``, ``nan``, ``zipped``, ``redirect_here``,
``redirect_to(url)``, ``outcome(code, severity)``, ``outcome_among_entries``, ``no_results_warning``
(Epic's 4101: an answered, empty search), ``next_is(link)``, ``page_circle``, ``next_fails``,
``small_relative_pages`` (no fault at all), ``of_patient(id)``.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from cds_service.strict_json import dumps
from tests.fhir_search import Resource, answer

PAGE = "_page"
BETWEEN_BYTES = 0.01


@dataclass(frozen=True)
class Request:
    """What was asked: path with query below the base, and the bearer token, if any."""

    path: str
    token: str | None
    headers: dict[str, str]


class FHIRStub:
    """The server; see the top of this file."""

    def __init__(self, chart: list[Resource], page_size: int = 200, base: str = "/fhir") -> None:
        self.chart = chart
        self.page_size = page_size
        self.base = base
        self.token: str | None = None
        self.requests: list[Request] = []
        self.released = threading.Event()
        self._faults: dict[str, Fault] = {}
        self._http = _HTTP(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> FHIRStub:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        """The base URL, as a call gives it in ``fhirServer``."""
        return self.origin + self.base

    def fault(self, resource_type: str, fault: Fault) -> None:
        self._faults[resource_type] = fault

    def heal(self) -> None:
        """No faults, and no requests so far."""
        self._faults.clear()
        self.requests.clear()

    def asked(self) -> list[str]:
        """The paths asked for, decoded and in order of the alphabet."""
        return sorted(unquote(request.path) for request in self.requests)

    def fault_for(self, path: str) -> Fault | None:
        resource_type = path.partition("?")[0].partition("/")[0]
        return self._faults.get(resource_type) or self._faults.get("*")

    def found(self, path: str) -> Any:
        """The resource or the page at a path below the base; None when there is none."""
        plain, _, rest = unquote(path).partition(f"&{PAGE}=")
        if "?" not in plain and "/" not in plain:
            return None
        found = deepcopy(answer(plain, self.chart))
        return self._page(found, plain, int(rest or 1)) if "?" in plain else found

    def _page(self, bundle: dict[str, Any], query: str, number: int) -> dict[str, Any]:
        first, last = (number - 1) * self.page_size, number * self.page_size
        entries = bundle["entry"]
        link = [{"relation": "self", "url": f"{self.url}/{query}"}]
        if last < len(entries):
            url = f"{self.url}/{query.replace('|', '%7C')}&{PAGE}={number + 1}"
            link.append({"relation": "next", "url": url})
        for entry in entries:
            resource = entry["resource"]
            entry["fullUrl"] = f"{self.url}/{resource['resourceType']}/{resource.get('id')}"
        return {**bundle, "link": link, "entry": entries[first:last]}


class _HTTP(ThreadingHTTPServer):
    daemon_threads = True
    # Thirteen searches come at once; a short queue makes the thirteenth wait a second.
    request_queue_size = 128
    # A client that went away is what many of these tests are about.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up on purpose here."""


class Handler(BaseHTTPRequestHandler):
    """Answers one connection. ``value`` is what the answer would have been."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    stub: FHIRStub
    path_below: str

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the requests are kept by the stub."""

    def do_GET(self) -> None:
        self.path_below = self.path.removeprefix(self.stub.base).removeprefix("/")
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        sent = Request(
            self.path_below, token if scheme == "Bearer" else None, dict(self.headers.items())
        )
        self.stub.requests.append(sent)
        fault = self.stub.fault_for(self.path_below)
        if not self.path.startswith(f"{self.stub.base}/"):
            return self.send(b"not here", 404, "text/plain")
        if self.stub.token is not None and sent.token != self.stub.token:
            return self.send(b"", 401)
        return fault(self) if fault else self.answer(self.value)

    @property
    def value(self) -> Any:
        return self.stub.found(self.path_below)

    @property
    def is_search(self) -> bool:
        return "?" in self.path_below

    @property
    def is_later_page(self) -> bool:
        return f"{PAGE}=" in self.path_below

    def answer(self, value: Any) -> None:
        """Send a resource, or 404 for None."""
        self.send(b"" if value is None else dumps(_exact(value)), 404 if value is None else 200)

    def send(
        self,
        body: bytes,
        status: int = 200,
        content_type: str = "application/fhir+json",
        **headers: str,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=1; Path=/")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


Fault = Callable[[Handler], None]


def _handler_of(stub: FHIRStub) -> type[Handler]:
    return type("StubHandler", (Handler,), {"stub": stub})


def _exact(value: Any) -> Any:
    """Story builders write floats; as text they are the decimals that were meant."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {name: _exact(child) for name, child in value.items()}
    return [_exact(child) for child in value] if isinstance(value, list) else value


def status(code: int) -> Fault:
    return lambda handler: handler.send(b'{"resourceType": "OperationOutcome"}', code)


def busy(code: int, retry_after: str | None, times: int = 1_000_000) -> Fault:
    """429 or 503 for the first requests for each path, then the answer."""

    def fault(handler: Handler) -> None:
        asked = sum(each.path == handler.path_below for each in handler.stub.requests)
        if asked > times:
            handler.answer(handler.value)
        elif retry_after is None:
            handler.send(b"", code)
        else:
            handler.send(b"", code, Retry_After=retry_after)

    return fault


def hang(handler: Handler) -> None:
    """Take the request and say nothing."""
    handler.stub.released.wait()
    handler.close_connection = True


def after(*first: Callable[[], object]) -> Fault:
    """Answer as ever, once something was done or waited for."""

    def fault(handler: Handler) -> None:
        for each in first:
            each()
        handler.answer(handler.value)

    return fault


def drip(handler: Handler) -> None:
    """Promise a long body and send it byte by byte."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    _drip(handler, b" ")


def drip_head(handler: Handler) -> None:
    """Never come to the end of the headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    _drip(handler, b"x")


def _drip(handler: Handler, byte: bytes) -> None:
    handler.close_connection = True
    while not handler.stub.released.wait(BETWEEN_BYTES):
        handler.wfile.write(byte)
        handler.wfile.flush()


def reset(handler: Handler) -> None:
    """Hang up without a word."""
    handler.close_connection = True
    handler.connection.close()


def html(handler: Handler) -> None:
    """A login page with status 200."""
    handler.send(b"<!doctype html><title>Please log in</title>", 200, "text/html")


def html_error(handler: Handler) -> None:
    handler.send(b"<!doctype html><title>Bad gateway</title>", 502, "text/html")


def broken_json(handler: Handler) -> None:
    """The first half of the answer, as if it were all."""
    body = dumps(_exact(handler.value))
    handler.send(body[: len(body) // 2])


def cut_short(handler: Handler) -> None:
    """The first half of the answer, and then the connection ends."""
    body = dumps(_exact(handler.value))
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def huge(handler: Handler) -> None:
    """More than any chart."""
    handler.send(b'{"resourceType": "Bundle", "x": "' + b"x" * (11 * 1024 * 1024) + b'"}')


def empty_body(handler: Handler) -> None:
    handler.send(b"")


def json_value(value: Any) -> Fault:
    return lambda handler: handler.send(dumps(_exact(value)))


def wrong_type(handler: Handler) -> None:
    handler.answer({"resourceType": "Basic", "id": "1", "code": {"text": "nothing"}})


def duplicate_key(handler: Handler) -> None:
    body = dumps(_exact(handler.value))
    handler.send(body[:-1] + b', "resourceType": "Bundle"}')


def nan(handler: Handler) -> None:
    body = dumps(_exact(handler.value))
    handler.send(body[:-1] + b', "extension": [{"valueDecimal": NaN}]}')


def zipped(handler: Handler) -> None:
    """Compressed although nobody asked for that: one byte may be a thousand."""
    handler.send(gzip.compress(dumps(_exact(handler.value))), Content_Encoding="gzip")


def redirect_here(handler: Handler) -> None:
    handler.send(b"", 302, Location=f"{handler.path}&again=1")


def redirect_to(url: str) -> Fault:
    return lambda handler: handler.send(b"", 307, Location=url)


def outcome(code: str, severity: str = "error") -> Fault:
    """Status 200, and an OperationOutcome where the answer should be."""
    issue = {"severity": severity, "code": code}
    return json_value({"resourceType": "OperationOutcome", "issue": [issue]})


def outcome_among_entries(handler: Handler) -> None:
    """Some results, and between them the word that something went wrong."""
    if not handler.is_search:
        return handler.answer(handler.value)
    issue = {"severity": "error", "code": "incomplete"}
    failed = {"resource": {"resourceType": "OperationOutcome", "issue": [issue]}}
    return handler.answer({**handler.value, "entry": [*handler.value["entry"][:1], failed]})


def no_results_warning(handler: Handler) -> None:
    """How Epic answers a search that found nothing."""
    issue = {
        "severity": "warning",
        "code": "processing",
        "details": {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.0", "code": "4101"}]},
    }
    entry = {
        "resource": {"resourceType": "OperationOutcome", "issue": [issue]},
        "search": {"mode": "outcome"},
    }
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": [entry]}
    handler.answer(bundle if handler.is_search else handler.value)


def next_is(link: str) -> Fault:
    """The first entry alone, with a next link as given; ``{origin}`` and ``{base}`` are filled."""

    def fault(handler: Handler) -> None:
        if not handler.is_search:
            return handler.answer(handler.value)
        url = link.format(origin=handler.stub.origin, base=handler.stub.url)
        links = [{"relation": "next", "url": url}]
        return handler.answer(
            {**handler.value, "link": links, "entry": handler.value["entry"][1:2]}
        )

    return fault


def page_circle(handler: Handler) -> None:
    """Every page says that the next one is itself."""
    next_is("{base}/" + handler.path_below.replace("{", "{{").replace("}", "}}"))(handler)


def small_relative_pages(handler: Handler) -> None:
    """A page for every entry, and next links without a host."""
    if not handler.is_search:
        return handler.answer(handler.value)
    plain, _, number = handler.path_below.partition(f"&{PAGE}=")
    whole, page = handler.stub.found(plain), int(number or 1)
    links = [{"relation": "next", "url": f"{plain}&{PAGE}={page + 1}"}]
    is_last = page >= len(whole["entry"])
    entries = whole["entry"][page - 1 : page]
    return handler.answer({**whole, "link": [] if is_last else links, "entry": entries})


def next_fails(handler: Handler) -> None:
    """The first page is fine, the second is a 500."""
    if handler.is_later_page:
        return handler.send(b"", 500)
    return next_is("{base}/" + handler.path_below + f"&{PAGE}=2")(handler)


def of_patient(patient_id: str) -> Fault:
    """Everything, but as another patient's."""

    def fault(handler: Handler) -> None:
        handler.answer(_of_patient(handler.value, patient_id))

    return fault


def _of_patient(value: Any, patient_id: str) -> Any:
    if isinstance(value, list):
        return [_of_patient(child, patient_id) for child in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _of_patient(child, patient_id) for name, child in value.items()}
    if value.get("resourceType") == "Patient":
        changed["id"] = patient_id
    for name in ("subject", "patient"):
        if isinstance(value.get(name), dict):
            changed[name] = {"reference": f"Patient/{patient_id}"}
    return changed
