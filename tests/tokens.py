"""Tokens as an EHR signs them, and as nobody should: any header, any claim, any defect."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from cds_service.clients import Client
from cds_service.settings import Settings
from cds_service.store.port import NoLog, StoreUnavailable
from cds_service.store.records import Answered

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
"""The moment at which every token here is used."""

INSTANT = int(NOW.timestamp())
ISSUER = "https://ehr.example.org"
PUBLIC_URL = "https://cds.example.org/ino"
SERVICE_PATH = "/cds-services/inotuzumab-order-sign"


class Absent:
    """Stands for a field that is left out; its name is the same in every process."""

    def __str__(self) -> str:
        return "absent"


ABSENT: Any = Absent()
"""A header or claim that is left out."""


@dataclass(frozen=True)
class SigningKey:
    """A private key under a ``kid``, and the algorithm it signs with."""

    kid: str
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half, as a client publishes it."""
        library = get_default_algorithms()[self.algorithm]
        told: dict[str, Any] = library.to_jwk(self.private.public_key(), as_dict=True)
        return {**told, "kid": self.kid, "use": "sig"}

    @property
    def pem(self) -> bytes:
        """Its public half as PEM."""
        spki = PublicFormat.SubjectPublicKeyInfo
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, spki)
        return pem

    def sign(self, message: bytes, algorithm: str = "") -> bytes:
        """A signature by this key, if need be in another way than its own."""
        return get_default_algorithms()[algorithm or self.algorithm].sign(message, self.private)


@cache
def ec_key(kid: str = "ec-1", algorithm: str = "ES384") -> SigningKey:
    """An elliptic-curve key; the same one for the same name."""
    curve = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}[algorithm]
    return SigningKey(kid, algorithm, ec.generate_private_key(curve()))


@cache
def rsa_key(kid: str = "rsa-1", algorithm: str = "RS384", bits: int = 2048) -> SigningKey:
    """An RSA key; the same one for the same name."""
    private = rsa.generate_private_key(65537, bits)
    return SigningKey(kid, algorithm, private)


@cache
def edwards_key(kid: str = "ed-1") -> SigningKey:
    """An Ed25519 key; the same one for the same name."""
    return SigningKey(kid, "EdDSA", ed25519.Ed25519PrivateKey.generate())


def key_set(*keys: SigningKey | Mapping[str, Any]) -> bytes:
    """A JWK Set of public keys, or of JWKs as they are."""
    return json.dumps({"keys": [k.jwk if isinstance(k, SigningKey) else k for k in keys]}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """The payload of a good token for order-sign, issued now, good for five minutes."""
    whole = {
        "iss": ISSUER,
        "aud": PUBLIC_URL + SERVICE_PATH,
        "iat": INSTANT,
        "exp": INSTANT + 300,
        "jti": "d9bd2a9e-0a52-4a3c-a8f5-2f2d0a3a1c11",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ABSENT}


def part(value: object) -> str:
    """A part of a token: JSON (or bytes as they are) in base64url."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def token(
    key: SigningKey | None = None, header: Mapping[str, Any] | None = None, **changes: Any
) -> str:
    """A signed token; ``changes`` go to the claims, ``header`` to the header."""
    signer = key or ec_key()
    written = {"alg": signer.algorithm, "kid": signer.kid, "typ": "JWT", **(header or {})}
    told = {name: value for name, value in written.items() if value is not ABSENT}
    return signed(signer, told, claims(**changes))


def signed(key: SigningKey, header: object, payload: object) -> str:
    """Any header over any payload, with a signature by this key."""
    message = f"{part(header)}.{part(payload)}"
    return f"{message}.{part(key.sign(message.encode()))}"


def hmac_token(secret: bytes, header: Mapping[str, Any]) -> str:
    """A good payload signed with a shared secret (HS256), whatever the header says."""
    message = f"{part(header)}.{part(claims())}"
    mac = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return f"{message}.{part(mac)}"


def bearer(*args: Any, **changes: Any) -> str:
    """The ``Authorization`` header of a token made like ``token``."""
    return f"Bearer {token(*args, **changes)}"


def client(folder: Path, *keys: SigningKey | Mapping[str, Any], **changes: Any) -> Client:
    """A trusted client whose keys lie in a file of this folder."""
    base = Client("General Hospital", ISSUER)
    whole = replace(base, **changes)
    if whole.jwks_url:
        return whole
    file = folder / f"{whole.name}.json"
    file.write_bytes(key_set(*keys or (ec_key(), rsa_key())))
    return replace(whole, jwks_file=file)


def settings(*clients: Client, **changes: Any) -> Settings:
    """Settings of clients mode, under a public URL with a path."""
    return replace(Settings(public_url=PUBLIC_URL, clients=clients), **changes)


class TokenMemory(NoLog):
    """A card log that remembers token ids, as the store does, and nothing else."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], datetime] = {}
        self.is_away = False
        self._lock = threading.Lock()

    def is_first_use(self, issuer: str, token_id: str, until: datetime, now: datetime) -> bool:
        """Whether nobody of that issuer used the id before."""
        if self.is_away:
            raise StoreUnavailable("the test took the store away")
        with self._lock:
            is_first = (issuer, token_id) not in self.used
            self.used.setdefault((issuer, token_id), until)
            return is_first

    def problems(self) -> Sequence[str]:
        """Nothing is wrong."""
        return ()

    def answered(self, keys: Iterable[str], since: datetime) -> Mapping[str, Answered]:
        """Nothing was answered."""
        return {}
