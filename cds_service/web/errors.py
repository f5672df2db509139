"""One table: what went wrong → status and OperationOutcome.

The text names the place and what to do; it never repeats a value the caller sent. A failure is
never a 200 with empty cards, because clients show those as "all clear".
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from cds_service.errors import CDSServiceError, DataUnavailable
from cds_service.fixtures import UnknownFixtureError
from cds_service.store.port import StoreUnavailable
from cds_service.web.answer import json_answer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Issue:
    """One entry of an OperationOutcome: FHIR issue type, sentence, and path into the body."""

    code: str
    diagnostics: str
    path: str = ""

    def as_json(self) -> dict[str, object]:
        """The issue as FHIR R4 JSON."""
        issue: dict[str, object] = {
            "severity": "error",
            "code": self.code,
            "diagnostics": self.diagnostics,
        }
        if self.path:
            issue["expression"] = [self.path]
        return issue


class CallError(CDSServiceError):
    """The request cannot be answered as it is; ``issues`` say where and why."""

    def __init__(self, status: HTTPStatus, issues: Iterable[Issue]) -> None:
        self.status = status
        self.issues = tuple(issues)
        super().__init__("; ".join(issue.diagnostics for issue in self.issues))


def malformed(diagnostics: str, path: str = "", code: str = "structure") -> CallError:
    """The refusal of a body that is not what the hook asks for (400)."""
    return CallError(HTTPStatus.BAD_REQUEST, [Issue(code, diagnostics, path)])


# What the web server's own refusals mean; anything else of 4xx is "invalid".
_HTTP_ISSUES: Mapping[int, Issue] = {
    404: Issue(
        "not-found", "there is nothing at this address; GET /cds-services lists the services"
    ),
    405: Issue("not-supported", "this address does not know that method; see the Allow header"),
    413: Issue("too-long", "the body is larger than this service reads"),
    415: Issue("not-supported", "the body must be sent as application/json in UTF-8"),
}


def register_errors(app: Flask) -> None:
    """Answer every exception with an OperationOutcome."""
    app.register_error_handler(CallError, _refused)
    app.register_error_handler(DataUnavailable, _unavailable)
    app.register_error_handler(StoreUnavailable, _store_away)
    app.register_error_handler(UnknownFixtureError, _unknown_fixture)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def outcome(status: int, issues: Iterable[Issue]) -> Response:
    """An answer that says what went wrong."""
    body = {"resourceType": "OperationOutcome", "issue": [issue.as_json() for issue in issues]}
    return json_answer(body, status)


def _refused(error: CallError) -> Response:
    return outcome(error.status, error.issues)


def _unavailable(error: DataUnavailable) -> Response:
    return outcome(HTTPStatus.PRECONDITION_FAILED, [Issue("incomplete", str(error))])


def _store_away(error: StoreUnavailable) -> Response:
    log.error("store unavailable", exc_info=error, extra={"request_id": g.get("request_id")})
    problem = "the store is away, so nothing was assessed and nothing kept; try again later"
    return outcome(HTTPStatus.SERVICE_UNAVAILABLE, [Issue("transient", problem)])


def _unknown_fixture(error: UnknownFixtureError) -> Response:
    return outcome(HTTPStatus.NOT_FOUND, [Issue("not-found", str(error))])


def _http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(error)
    issue = _HTTP_ISSUES.get(status) or Issue("invalid", HTTPStatus(status).phrase)
    answer = outcome(status, [issue])
    answer.headers.extend(
        (name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After")
    )
    return answer


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error, extra={"request_id": g.get("request_id")})
    issue = Issue(
        "exception",
        "no answer: the service failed on this request; nothing was assessed. "
        "The log holds the place under the X-Request-ID of this answer",
    )
    return outcome(HTTPStatus.INTERNAL_SERVER_ERROR, [issue])
