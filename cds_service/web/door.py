"""Who may use the workbench in clients mode, where it is off unless the operator opens it.

Either by a password (HTTP basic), or by a header in which the proxy names who is signed in. A page
of the workbench may then call what an EHR calls; pages of other sites may not, in anybody's name.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Request, Response

from cds_service.settings import Settings
from cds_service.web.errors import Issue, outcome
from cds_service.web.token import TokenRefused

ROOMS = frozenset({"workbench", "course", "fixtures", "analytics"})
"""The blueprints of the workbench; in clients mode nothing is there without a door."""

USER = "workbench"
MOST_WRONG = 20
BRAKE = timedelta(minutes=1)
"""After so many wrong passwords within so long, a worker process looks at no more of them."""

_CALLED_BY_PAGES = frozenset({"hooks.call", "hooks.explain", "feedback.feedback"})
_LONGEST_CREDENTIALS = 1024
_LONGEST_USER = 256
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2}) *", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}

_NO_PASSWORD = "workbench-no-password"  # noqa: S105 - a word of the log, no secret
_WRONG_PASSWORD = "workbench-wrong-password"  # noqa: S105 - a word of the log, no secret
_TOO_MANY = "workbench-too-many-tries"
_NO_USER = "workbench-no-user"
_OTHER_SITE = "workbench-other-site"
NOT_A_TRY = frozenset({_NO_PASSWORD})
"""How every browser begins: it asks first, and shows its password only when told to."""

_LOGIN = Issue("login", "the workbench needs its user name and password")
_ANSWERS: Mapping[str, tuple[HTTPStatus, Issue]] = {
    _NO_PASSWORD: (HTTPStatus.UNAUTHORIZED, _LOGIN),
    _WRONG_PASSWORD: (HTTPStatus.UNAUTHORIZED, _LOGIN),
    _TOO_MANY: (
        HTTPStatus.TOO_MANY_REQUESTS,
        Issue("throttled", "too many wrong passwords; try again in a minute"),
    ),
    _NO_USER: (
        HTTPStatus.FORBIDDEN,
        Issue("forbidden", "the workbench is for people whom the proxy has signed in"),
    ),
    _OTHER_SITE: (
        HTTPStatus.FORBIDDEN,
        Issue(
            "forbidden",
            "only a page of this service may ask this; without TLS, one opened at CDS_PUBLIC_URL",
        ),
    ),
}


def door_of(settings: Settings, clock: Callable[[], datetime]) -> Door | None:
    """The way in that the operator has opened, if any."""
    if settings.workbench_password:
        return PasswordDoor(settings, clock)
    return HeaderDoor(settings) if settings.workbench_header else None


def refusal(refused: TokenRefused) -> Response:
    """The answer to who was not let in to the workbench."""
    status, issue = _ANSWERS[refused.reason]
    answer = outcome(status, [issue])
    if status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = f'Basic realm="{USER}", charset="UTF-8"'
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        answer.headers["Retry-After"] = str(int(BRAKE.total_seconds()))
    return answer


class Door:
    """A way into the workbench; which one, its kinds say."""

    def __init__(self, settings: Settings) -> None:
        self._origin = _origin_of(settings.public_url)

    def is_knocked_at(self, request: Request) -> bool:
        """Whether this comes from the workbench, to an address that is otherwise for EHRs."""
        return request.endpoint in _CALLED_BY_PAGES and self._is_offered(request)

    def admit(self, request: Request) -> None:
        """Let the request pass.

        Raises:
            TokenRefused: when it does not come from somebody who may use the workbench, or would
                have us do something at the wish of another site.
        """
        self._check(request)
        if request.method not in ("GET", "HEAD") and not self._is_of_own_page(request):
            raise TokenRefused(_OTHER_SITE)

    def _is_of_own_page(self, request: Request) -> bool:
        """Browsers say which site asks: over TLS and on this machine directly, else by origin."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        return request.headers.get("Origin") == self._origin

    def _is_offered(self, request: Request) -> bool:
        raise NotImplementedError

    def _check(self, request: Request) -> None:
        raise NotImplementedError


class PasswordDoor(Door):
    """HTTP basic; the password is the only secret, and is compared in constant time."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        super().__init__(settings)
        self._expected = _digest(f"{USER}:{settings.workbench_password}".encode())
        self._clock = clock
        self._wrong: deque[datetime] = deque(maxlen=MOST_WRONG)

    def _is_offered(self, request: Request) -> bool:
        return request.headers.get("Authorization", "").lower().startswith("basic ")

    def _check(self, request: Request) -> None:
        if not self._is_offered(request):
            raise TokenRefused(_NO_PASSWORD)
        now = self._clock()
        if len(self._wrong) == MOST_WRONG and now - self._wrong[0] < BRAKE:
            raise TokenRefused(_TOO_MANY)
        offered = _digest(_credentials(request.headers["Authorization"]))
        if not hmac.compare_digest(offered, self._expected):
            self._wrong.append(now)
            raise TokenRefused(_WRONG_PASSWORD)


class HeaderDoor(Door):
    """A header that only the proxy sets; who is signed in is asked for nothing but being there."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._header = settings.workbench_header

    def _is_offered(self, request: Request) -> bool:
        return self._header in request.headers and "Authorization" not in request.headers

    def _check(self, request: Request) -> None:
        user = request.headers.get(self._header, "").strip()
        if not user or len(user) > _LONGEST_USER or not user.isprintable():
            raise TokenRefused(_NO_USER)


def _credentials(authorization: str) -> bytes:
    """User and password as bytes; nothing where they cannot be read."""
    if len(authorization) > _LONGEST_CREDENTIALS:
        return b""
    written = _BASIC.fullmatch(authorization.strip())
    try:
        return b64decode(written.group(1), validate=True) if written else b""
    except ValueError:
        return b""


def _digest(credentials: bytes) -> bytes:
    """Texts of all lengths become bytes of one, so that comparing tells no length either."""
    return sha256(credentials).digest()


def _origin_of(url: str) -> str:
    """The origin of a base URL, as browsers write it."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
