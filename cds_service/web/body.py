"""The body of a request: JSON by name, small enough, and strictly read."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from cds_service.settings import MEGABYTE
from cds_service.strict_json import JSONError, parse
from cds_service.web.errors import CallError, Issue, malformed
from cds_service.web.parts import parts

_BREAKS_OFF = (ClientDisconnected, OSError, ParseException)
"""A body that is cut off, does not go on for long, or is not chunked as its headers say."""
_CHUNK = 65_536
_PATIENCE = 4
"""How many times the limit is read of a body that is refused for its length."""


def json_object(request: Request) -> dict[str, Any]:
    """The JSON object that was sent.

    Raises:
        CallError: as `received` and `object_in` do.
    """
    return object_in(received(request))


def received(request: Request) -> bytes:
    """The body, when all of it is here.

    Raises:
        CallError: 413 when it is too large, 415 when it is not sent as JSON in UTF-8, 400 when
            it broke off.
    """
    body = _read(request)
    _expect_json(request)
    return body


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Raises:
        CallError: 400 when it is not an object or not acceptable JSON.
    """
    try:
        tree = parse(body)
    except JSONError as refused:
        raise malformed(_sentence(refused), refused.path) from None
    if not isinstance(tree, dict):
        raise malformed("the body must be a JSON object")
    return tree


def _sentence(refused: JSONError) -> str:
    return f"{refused.path}: {refused}" if refused.path else str(refused)


def _read(request: Request) -> bytes:
    """The whole body, or a refusal when it is longer than the limit or was cut off."""
    limit = parts().settings.max_body_bytes
    try:
        body = _all_of(request, limit)
    except RequestEntityTooLarge:
        _hear_out(request, limit)
        raise _too_large(limit) from None
    except _BREAKS_OFF:
        raise malformed("the body broke off before its announced end") from None
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _all_of(request: Request, limit: int) -> bytes:
    """What was sent; where its length is announced, read at once and not in pieces.

    Raises:
        ClientDisconnected: when it is shorter than announced.
        RequestEntityTooLarge: when more than the limit is announced.
    """
    announced = request.content_length
    if announced is None or announced > limit:
        return request.get_data(cache=False, parse_form_data=False)
    body: bytes = request.environ["wsgi.input"].read(announced)
    if len(body) < announced:
        raise ClientDisconnected
    return body


def _hear_out(request: Request, limit: int) -> None:
    """Read some of the rest and forget it: many clients see no answer before all is sent."""
    if not request.environ.get("wsgi.input_terminated"):
        return  # reading past its end would never return
    rest = request.environ["wsgi.input"]
    with suppress(*_BREAKS_OFF):
        for _ in range(0, _PATIENCE * limit, _CHUNK):
            if not rest.read(_CHUNK):
                return


def _too_large(limit: int) -> CallError:
    problem = f"the body is larger than the limit of {limit / MEGABYTE:.6g} megabytes"
    return CallError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, [Issue("too-long", problem)])


def _expect_json(request: Request) -> None:
    mimetype = request.mimetype
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    is_json = mimetype in ("application/json", "application/json+fhir") or (
        mimetype.startswith("application/") and mimetype.endswith("+json")
    )
    if not is_json or charset not in ("utf-8", "utf8") or request.content_encoding:
        issue = Issue(
            "not-supported",
            "the body must be sent with Content-Type application/json (or another JSON type), "
            "in UTF-8 and without Content-Encoding",
        )
        raise CallError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, [issue])
