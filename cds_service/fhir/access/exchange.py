"""What one hook call asks of its FHIR server: one token, one deadline, one share of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from cds_service.errors import CDSServiceError
from cds_service.fhir.access.base import Base
from cds_service.fhir.access.permission import Permission
from cds_service.fhir.peek import Resource
from cds_service.outbound import Answer, Outbound, OutboundError
from cds_service.strict_json import JSONError, parse

MEGABYTE = 1024 * 1024
LARGEST_ANSWER = 10 * MEGABYTE
LARGEST_CALL = 50 * MEGABYTE
"""Bytes kept for one hook call, all answers together."""

RETRY_AFTER_SECONDS = 0.1
"""How long a server that is busy rests when it does not say itself."""

_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

_CODE_OF_STATUS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "login",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.GONE: "not-found",
    HTTPStatus.REQUEST_TIMEOUT: "timeout",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout",
    HTTPStatus.TOO_MANY_REQUESTS: "throttled",
    HTTPStatus.SERVICE_UNAVAILABLE: "transient",
}
_CODE_OF_PROBLEM = {"timeout": "timeout", "too-large": "too-long", "encoded": "structure"}


class FetchError(CDSServiceError):
    """The FHIR server gave no resource; ``code`` is the FHIR issue type that says why."""

    def __init__(self, code: str, why: str) -> None:
        self.code = code
        self.why = why
        super().__init__(f"nothing could be fetched: {why}")

    def outcome(self) -> dict[str, Any]:
        """The OperationOutcome that stands where the resource should."""
        issue = {"severity": "error", "code": self.code, "diagnostics": self.why}
        return {"resourceType": "OperationOutcome", "issue": [issue]}


class Exchange:
    """Asks one server on behalf of one hook call, from many threads."""

    def __init__(
        self,
        outbound: Outbound,
        permission: Permission,
        deadline: float,
        pause: Callable[[float], None],
    ) -> None:
        """``deadline`` is an instant of ``time.monotonic()``; ``pause`` waits some seconds."""
        self.deadline = deadline
        self._outbound = outbound
        self._permission = permission
        self._pause = pause
        self._memory = _Memory(LARGEST_CALL)
        self._headers = {
            "Accept": "application/fhir+json",
            # Some servers answer a search from a cache that is a minute old.
            "Cache-Control": "no-cache",
            "User-Agent": "cds-service",
        }
        if permission.token:
            self._headers["Authorization"] = f"Bearer {permission.token}"

    @property
    def base(self) -> Base:
        """The server."""
        return self._permission.base

    def get(self, url: str) -> Resource:
        """The resource at a URL of this server.

        Raises:
            FetchError: for any other answer, or none.
        """
        answer = self._once(url)
        if answer.status in _BUSY:
            rest = _seconds_to_rest(answer.headers.get("retry-after", ""))
            if rest < self.deadline - time.monotonic():
                self._pause(rest)
                answer = self._once(url)
        return _resource_in(answer)

    def _once(self, url: str) -> Answer:
        share = _Share(self._memory)
        may_connect = self._permission.may_connect
        try:
            return self._outbound.get(
                url, self._headers, self.deadline, LARGEST_ANSWER, may_connect, share.take
            )
        except OutboundError as problem:
            share.give_back()
            code = _CODE_OF_PROBLEM.get(problem.reason, "exception")
            raise FetchError(code, problem.reason) from None


class _Memory:
    """The bytes that may still be read for one hook call, by many threads."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Take so many bytes, or none when there are not so many left."""
        with self._lock:
            if count > self._left:
                return False
            self._left -= count
            return True

    def give_back(self, count: int) -> None:
        """Leave to others what was taken."""
        with self._lock:
            self._left += count


class _Share:
    """What one answer takes of the memory; it gives it back when it comes to nothing."""

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory
        self._taken = 0

    def take(self, count: int) -> bool:
        """Take so many bytes more, if they are left."""
        if not self._memory.take(count):
            return False
        self._taken += count
        return True

    def give_back(self) -> None:
        """Leave it to other answers."""
        self._memory.give_back(self._taken)


def _resource_in(answer: Answer) -> Resource:
    if answer.status != HTTPStatus.OK:
        code = _CODE_OF_STATUS.get(answer.status, "exception")
        raise FetchError(code, f"HTTP {answer.status}")
    try:
        found = parse(answer.body)
    except JSONError:
        raise FetchError("structure", "not JSON that can be read") from None
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        raise FetchError("structure", "not a FHIR resource")
    return found


def _seconds_to_rest(retry_after: str) -> float:
    """What a Retry-After header asks for, in seconds or as a date."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return RETRY_AFTER_SECONDS
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(RETRY_AFTER_SECONDS, (aware - datetime.now(UTC)).total_seconds())
