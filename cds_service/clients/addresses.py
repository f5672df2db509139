"""What an address in the clients file must be: a key URL, a FHIR server, an origin."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

# No user, no fragment, no other letters than those every reader of a URL understands alike.
_PLAIN = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?(?:/[a-z0-9._~!$&'()+,;=:%/-]*)?"
    r"(?:\?[a-z0-9._~!$&'()+,;=:%/?-]*)?",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}


def key_url(text: str) -> str:
    """The address of a JWK Set, as it stands.

    Raises:
        ValueError: unless it is https, or http on this very machine.
    """
    parts = _split(text)
    is_safe = parts and (parts.scheme == "https" or _is_loopback(parts.hostname or ""))
    if not is_safe:
        raise ValueError(
            "must be an https URL without user and fragment (http only for this very machine)"
        )
    return text


def fhir_server(text: str) -> str:
    """A FHIR base URL, without a slash at its end.

    Raises:
        ValueError: when it could stand for more than one place.
    """
    parts = _split(text)
    if not parts or "?" in text or _has_dot_segment(parts.path):
        raise ValueError(
            "must be an absolute http or https URL without user, query, fragment and dot segments, "
            "for example https://ehr.example.org/fhir"
        )
    return text.rstrip("/")


def origin(text: str) -> str:
    """An origin as a browser writes it: lower case, without the port its scheme implies.

    Raises:
        ValueError: when it is none; "*" would let every page read what is about a patient.
    """
    parts = _split(text)
    if not parts or parts.path or "?" in text:
        raise ValueError(
            "must be an origin, scheme://host or scheme://host:port, without a path and never *"
        )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port
    is_implied = port is None or port == _PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" if is_implied else f"{parts.scheme}://{host}:{port}"


def _split(text: str) -> SplitResult | None:
    """The parts of an absolute http(s) URL without user and fragment; None when it is none."""
    if not _PLAIN.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:  # a port or an IPv6 address beyond all bounds
        return None


def _has_dot_segment(path: str) -> bool:
    return any(unquote(segment) in (".", "..") for segment in path.split("/"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
