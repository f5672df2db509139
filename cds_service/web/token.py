"""A bearer token (JWT) read and checked, one question per function.

What is read before the signature is verified is used for one thing only: to find the client and
the key. Nothing a token names is ever fetched.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from jwt import PyJWS, PyJWTError

from cds_service.clients import Client, PublicKey
from cds_service.errors import CDSServiceError
from cds_service.strict_json import JSONError, parse

LEEWAY_SECONDS = 60
"""How far a caller's clock may be off."""

LONGEST_TOKEN = 8192
LONGEST_TOKEN_ID = 512
"""Characters; ids of 128 are seen, and the store remembers every one until it expires."""

_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_NUMBERS = (int, Decimal)
_signatures = PyJWS()

FindKeys = Callable[[str], tuple[PublicKey, ...]]
"""The keys a client has under a ``kid``."""


class TokenRefused(CDSServiceError):  # noqa: N818 - it says what happened, like DataUnavailable.
    """The caller is not let in (HTTP 401 or 403); ``reason`` is for the log, never for the caller.

    ``told`` is what else the log may hold: the issuer if it is one of ours, and once the signature
    is verified the tenant and the token id.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.told: dict[str, str] = {}
        super().__init__(f"the caller's token was refused: {reason}")


@contextmanager
def telling(**fields: str) -> Iterator[None]:
    """A refusal in here may be logged together with these."""
    try:
        yield
    except TokenRefused as refused:
        refused.told = fields | refused.told
        raise


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it came, with its two readable parts; nothing in it is verified yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def token_id(self) -> str:
        """Its ``jti``, or "" when that is no text."""
        return _text(self.claims.get("jti"))

    @property
    def tenant(self) -> str:
        """Its ``tenant``, or "" when that is no text."""
        return _text(self.claims.get("tenant"))


def read_token(authorization: str) -> Token:
    """The token in an ``Authorization`` header.

    Raises:
        TokenRefused: when there is none, or it is no signed JWT.
    """
    if not authorization.strip():
        raise TokenRefused("no-token")
    if len(authorization) > LONGEST_TOKEN:
        raise TokenRefused("too-long")
    credentials = _BEARER.fullmatch(authorization.strip())
    if credentials is None:
        raise TokenRefused("not-bearer")
    text = credentials.group(1)
    if not _COMPACT.fullmatch(text):
        raise TokenRefused("not-a-jwt")
    header, claims, signature = text.split(".")
    _decoded(signature)
    return Token(text, _object(header), _object(claims))


def check_signature(token: Token, client: Client, find_keys: FindKeys) -> None:
    """Whether one of the client's keys signed the token, in a way the client is allowed.

    Raises:
        TokenRefused: when not, or when the header asks for something we do not do.
    """
    header = token.header
    if _text(header.get("typ")).upper() != "JWT":
        raise TokenRefused("wrong-type")
    if "crit" in header:
        raise TokenRefused("critical-header")
    if client.jwks_url and header.get("jku", client.jwks_url) != client.jwks_url:
        raise TokenRefused("foreign-jku")
    algorithm = _text(header.get("alg"))
    if algorithm not in client.algorithms:
        raise TokenRefused("algorithm-not-allowed")
    kid = _text(header.get("kid"))
    if not kid:
        raise TokenRefused("no-kid")
    keys = find_keys(kid)
    if not keys:
        raise TokenRefused("unknown-key")
    verifiers = [key.verifiers[algorithm] for key in keys if algorithm in key.verifiers]
    if not verifiers:
        raise TokenRefused("key-does-not-fit")
    if not any(_is_signed(token.text, algorithm, verifier) for verifier in verifiers):
        raise TokenRefused("bad-signature")


def check_claims(
    token: Token, client: Client, audiences: Collection[str], now: datetime
) -> datetime:
    """Whether the token is meant for us and in force; the moment it is out of force for good.

    Raises:
        TokenRefused: when a claim is missing, of another type, or refuses the token.
    """
    claims = token.claims
    _check_audience(claims.get("aud"), audiences)
    issued, expires = _instant(claims, "iat"), _instant(claims, "exp")
    starts = _instant(claims, "nbf") if "nbf" in claims else issued
    moment = Decimal(now.timestamp())
    if expires + LEEWAY_SECONDS <= moment:
        raise TokenRefused("expired")
    if issued > moment + LEEWAY_SECONDS:
        raise TokenRefused("issued-in-the-future")
    if starts > moment + LEEWAY_SECONDS:
        raise TokenRefused("not-yet-valid")
    if not 0 < expires - issued <= client.max_token_seconds + LEEWAY_SECONDS:
        raise TokenRefused("lifetime")
    _check_token_id(claims.get("jti"))
    _check_tenant(claims, client)
    return datetime.fromtimestamp(int(expires) + LEEWAY_SECONDS + 1, now.tzinfo)


def _check_audience(written: object, audiences: Collection[str]) -> None:
    named = [written] if isinstance(written, str) else written
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise TokenRefused("audience-missing")
    if not any(each in audiences for each in named):
        raise TokenRefused("other-audience")


def _check_token_id(written: object) -> None:
    """Any printable text will do, as long as the store can remember it."""
    if not isinstance(written, str) or not written.strip():
        raise TokenRefused("token-id-missing")
    if len(written) > LONGEST_TOKEN_ID or not written.isprintable():
        raise TokenRefused("token-id-unusable")


def _check_tenant(claims: Mapping[str, Any], client: Client) -> None:
    tenant = claims.get("tenant", "")
    if not isinstance(tenant, str):
        raise TokenRefused("tenant-unreadable")
    if client.tenants and tenant not in client.tenants:
        raise TokenRefused("tenant-not-allowed")


def _instant(claims: Mapping[str, Any], name: str) -> Decimal:
    """Seconds since 1970, with or without a fraction."""
    written = claims.get(name)
    if isinstance(written, bool) or not isinstance(written, _NUMBERS):
        raise TokenRefused(f"{name}-missing")
    return Decimal(written)


def _is_signed(text: str, algorithm: str, verifier: Any) -> bool:
    try:
        _signatures.decode_complete(text, verifier, [algorithm])
    except PyJWTError:
        return False
    return True


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(part: str) -> Mapping[str, Any]:
    try:
        tree = parse(_decoded(part))
    except JSONError:
        raise TokenRefused("not-a-jwt") from None
    if not isinstance(tree, dict):
        raise TokenRefused("not-a-jwt")
    return tree


def _decoded(part: str) -> bytes:
    """The bytes of a part; only their one canonical spelling is taken, so no bit is without say."""
    try:
        data = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise TokenRefused("not-a-jwt") from None
    if urlsafe_b64encode(data).rstrip(b"=") != part.encode():
        raise TokenRefused("not-a-jwt")
    return data
