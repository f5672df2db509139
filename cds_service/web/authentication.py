"""Who calls: in clients mode a trusted EHR with a valid token, in sandbox mode anybody.

In clients mode the workbench has a door of its own, if the operator opened it.

The token is looked at before the body, and whatever is wrong with it, the caller reads the same
401; the log names the reason. A trusted client whose tenant is not listed reads 403.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import cast

from flask import Flask, Response, abort, g, request

from cds_service.clients import SANDBOX, WORKBENCH, Client
from cds_service.outbound import Outbound
from cds_service.store.port import CardLog
from cds_service.web.call_schema import Caller
from cds_service.web.door import NOT_A_TRY, ROOMS, Door, door_of, refusal
from cds_service.web.errors import Issue, outcome
from cds_service.web.keys import keys_of
from cds_service.web.parts import parts
from cds_service.web.token import (
    FindKeys,
    Token,
    TokenRefused,
    check_claims,
    check_signature,
    read_token,
    telling,
)

log = logging.getLogger(__name__)

# Everything else needs a token, whatever is added later.
_OPEN = frozenset({"health", "metrics", "description", "library", "static"})

_FEEDBACK = "/feedback"
_LOGGED_CHARACTERS = 128
NOT_ALLOWED = frozenset({"tenant-not-allowed"})
"""Why a client that we know, with a token that is sound, is still not served (HTTP 403)."""
_FORBIDDEN = Issue("forbidden", "this client is known, but not allowed to call for this tenant")
_LOGIN = Issue("login", "this address needs a valid bearer token")


@dataclass(frozen=True, slots=True)
class Trusted:
    """A client and where its keys are found."""

    client: Client
    find_keys: FindKeys


class Gate:
    """Lets in whom the clients file names.

    ``public_url`` is the base URL that tokens are addressed to, ``card_log`` remembers their ids.
    """

    def __init__(
        self,
        trusted: Sequence[Trusted],
        public_url: str,
        card_log: CardLog,
        clock: Callable[[], datetime],
    ) -> None:
        self._trusted: Mapping[str, Trusted] = {each.client.issuer: each for each in trusted}
        self._public_url = public_url
        self._card_log = card_log
        self._clock = clock

    def admit(self, authorization: str, path: str) -> tuple[Client, str]:
        """The client that sent this ``Authorization`` header to a path, and its tenant ("": none).

        Raises:
            TokenRefused: when nobody is let in on it.
            StoreUnavailable: when nobody can tell whether the token was used before.
        """
        token = read_token(authorization)
        issuer = token.claims.get("iss")
        trusted = self._trusted.get(issuer) if isinstance(issuer, str) else None
        if trusted is None:
            raise TokenRefused("unknown-issuer")
        client = trusted.client
        with telling(issuer=client.issuer):
            check_signature(token, client, trusted.find_keys)
            with telling(tenant=_bounded(token.tenant), token_id=_bounded(token.token_id)):
                self._check_use(token, client, path)
        return client, token.tenant

    def _check_use(self, token: Token, client: Client, path: str) -> None:
        now = self._clock()
        audiences = {*self._addresses(path), *client.audiences}
        until = check_claims(token, client, audiences, now)
        if client.refuse_replay and not self._card_log.is_first_use(
            client.issuer, token.token_id, until, now
        ):
            raise TokenRefused("used-before")

    def _addresses(self, path: str) -> set[str]:
        """What a token for this path may be addressed to; feedback may name its service."""
        url = f"{self._public_url}{path}"
        urls = {url, url.removesuffix(_FEEDBACK)} if _is_feedback(path) else {url}
        return urls | {f"{each}/" for each in urls}


def register_authentication(app: Flask) -> None:
    """Find out who calls before any view runs; the app's parts say in which mode."""
    app.register_error_handler(TokenRefused, _unauthorized)
    with app.app_context():
        joined = parts()
    clients = joined.settings.clients
    if clients is None:
        app.before_request(_let_in)
        return
    outbound = Outbound()
    trusted = [Trusted(client, keys_of(client, outbound).find) for client in clients]
    gate = Gate(trusted, joined.settings.public_url, joined.card_log, joined.clock)
    door = door_of(joined.settings, joined.clock)
    app.before_request(partial(_authenticate, gate, door))


def caller() -> Caller:
    """Who sent the request that is being answered."""
    return cast(Caller, g.caller)


def _let_in() -> None:
    g.caller = Caller(SANDBOX, parts().settings.profile)


def _authenticate(gate: Gate, door: Door | None) -> None:
    room = request.blueprint or request.endpoint
    if room in ROOMS and door is None:
        abort(HTTPStatus.NOT_FOUND)
    if room is None or room in _OPEN or request.method == "OPTIONS":
        return
    if door is not None and (room in ROOMS or door.is_knocked_at(request)):
        door.admit(request)
        g.caller = Caller(WORKBENCH, parts().settings.profile)
        return
    client, tenant = gate.admit(request.headers.get("Authorization", ""), request.path)
    g.caller = Caller(client, client.profile or parts().settings.profile, tenant)


def _unauthorized(refused: TokenRefused) -> Response:
    if refused.reason not in NOT_A_TRY:
        fields = {"request_id": g.request_id, "reason": refused.reason, "issuer": "unknown"}
        parts().metrics.refusal(refused.reason)
        log.warning("caller refused", extra=fields | refused.told)
    if request.blueprint in ROOMS:
        return refusal(refused)
    if refused.reason in NOT_ALLOWED:
        return outcome(HTTPStatus.FORBIDDEN, [_FORBIDDEN])
    answer = outcome(HTTPStatus.UNAUTHORIZED, [_LOGIN])
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _is_feedback(path: str) -> bool:
    return path.startswith("/cds-services/") and path.endswith(_FEEDBACK)


def _bounded(text: str) -> str:
    return text[:_LOGGED_CHARACTERS]
