"""References in any form a chart may hold, taken apart.

Only ``access`` follows one over the network, and only to the call's own FHIR server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_HISTORY = re.compile(r"/_history/[^/]*$")
_TYPE_AND_ID = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([^/?#]+)$")


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference string.

    ``contained`` is the id after ``#``. ``type`` and ``id`` are those of ``Type/id``, alone or at
    the end of an absolute URL, whose host (with port) is ``origin``.
    """

    text: str
    contained: str = ""
    type: str = ""
    id: str = ""
    origin: str = ""

    @property
    def local(self) -> str:
        """``Type/id``, or empty."""
        return f"{self.type}/{self.id}" if self.type else ""


def parse_reference(text: str) -> Reference:
    """Take a reference apart; what is not understood keeps only its text."""
    plain = without_version(text)
    if plain.startswith("#"):
        return Reference(plain, contained=plain[1:])
    found = _TYPE_AND_ID.search(plain)
    if found is None or plain.startswith("urn:"):
        return Reference(plain)
    return Reference(plain, type=found[1], id=found[2], origin=origin_of(plain))


def without_version(url: str) -> str:
    """The address of a resource, whichever version of it was meant."""
    return _HISTORY.sub("", url.strip()) if "/_history/" in url else url.strip()


def origin_of(url: str) -> str:
    """Host and port of an absolute URL, in lower case; empty for anything else.

    The scheme is left out: behind a proxy one server goes by http and https.
    """
    if "://" not in url:
        return ""
    try:
        return urlsplit(url).netloc.casefold()
    except ValueError:
        return "unreadable"
