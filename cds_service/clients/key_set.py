"""A JWK Set (RFC 7517): the public keys of a client, each with the algorithms it can verify."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from cds_service.errors import CDSServiceError
from cds_service.strict_json import JSONError, parse

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
# Which algorithms a key can verify follows from what it is, never from what a token says.
_FITTING: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("RSA", ""): _RSA,
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
ASYMMETRIC = tuple(name for names in _FITTING.values() for name in names)
"""Every signature algorithm a client may be allowed: the public key verifies and cannot sign."""

RSA_BITS = range(2048, 8193)
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_TEXT_MEMBERS = ("kty", "kid", "crv", "n", "e", "x", "y", "alg", "use")


class KeySetError(CDSServiceError):
    """The bytes are no JWK Set; the message repeats nothing of them."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key under its ``kid``, ready to verify with each algorithm that fits it."""

    kid: str
    verifiers: Mapping[str, PyJWK]


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable public keys of a set, and whether it also gives away a secret one."""

    keys: tuple[PublicKey, ...]
    holds_secret: bool = False

    def named(self, kid: str) -> tuple[PublicKey, ...]:
        """The keys of that ``kid``: RFC 7517 lets keys of different type share one."""
        return tuple(key for key in self.keys if key.kid == kid)


def read_key_set(data: bytes) -> KeySet:
    """The keys in a JWK Set; one that nobody could use to verify a signature is passed over.

    A key is usable when it has a ``kid``, is a public RSA (2048 to 8192 bits), EC or Ed25519 key,
    and is not reserved for encryption.

    Raises:
        KeySetError: when the bytes are not a JWK Set.
    """
    try:
        tree = parse(data)
    except JSONError:
        raise KeySetError("is not JSON as we read it") from None
    members = tree.get("keys") if isinstance(tree, dict) else None
    if not isinstance(members, list):
        raise KeySetError('is not a JWK Set: an object with an array "keys"')
    found = [each for each in members if isinstance(each, dict)]
    return KeySet(tuple(_usable(found)), holds_secret=any(map(_is_secret, found)))


def _is_secret(jwk: Mapping[str, Any]) -> bool:
    return jwk.get("kty") == "oct" or bool(_SECRET_MEMBERS & jwk.keys())


def _usable(members: list[dict[str, Any]]) -> Iterator[PublicKey]:
    for jwk in members:
        if not _is_secret(jwk) and _may_verify(jwk):
            verifiers = dict(_verifiers(jwk))
            if verifiers:
                yield PublicKey(jwk["kid"], verifiers)


def _may_verify(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        bool(jwk.get("kid"))
        and all(isinstance(jwk.get(name, ""), str) for name in _TEXT_MEMBERS)
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _verifiers(jwk: dict[str, Any]) -> Iterator[tuple[str, PyJWK]]:
    curve = "" if jwk.get("kty") == "RSA" else jwk.get("crv", "")
    for algorithm in _FITTING.get((jwk.get("kty", ""), curve), ()):
        if jwk.get("alg", algorithm) == algorithm:
            try:
                verifier = PyJWK(jwk, algorithm)
            except (PyJWTError, ValueError, TypeError):  # not on its curve, not base64, cut short
                return
            if _is_strong(verifier.key):
                yield algorithm, verifier


def _is_strong(key: object) -> bool:
    if isinstance(key, RSAPublicKey):
        return key.key_size in RSA_BITS
    return isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey)
