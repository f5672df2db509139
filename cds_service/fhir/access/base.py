"""Whether a URL lies on a FHIR server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from cds_service.outbound import OutboundError, Place, place_of

# A dot, a slash, a backslash or a percent sign that is written in percent: servers differ on
# whether "%2e%2e" leads upwards.
_ENCODED_PATH = re.compile(r"%(?:2e|2f|5c|25)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Base:
    """The base URL of a FHIR server: ``url`` has no slash at its end."""

    url: str
    place: Place

    def holds(self, place: Place) -> bool:
        """Whether a place is on this server: same scheme, host and port, at or below the path."""
        root = self.place.path
        return (
            place.origin == self.place.origin
            and (place.path == root or place.path.startswith(f"{root}/"))
            and _is_plain(place.path)
        )

    def resolve(self, link: str, start: str = "") -> str:
        """The absolute URL a link on the page ``start`` means; empty when it leads elsewhere."""
        try:
            url = urljoin(start or f"{self.url}/", link.strip())
            return url if self.holds(place_of(url)) else ""
        except (OutboundError, ValueError):
            return ""


def base_of(url: str) -> Base | None:
    """The FHIR server with this base URL; None when that could be read in two ways."""
    text = url.strip().rstrip("/")
    try:
        place = place_of(text)
    except OutboundError:
        return None
    return Base(text, place) if not place.query and _is_plain(place.path) else None


def _is_plain(path: str) -> bool:
    """No segment that is empty (but the last), leads elsewhere, or hides what it is."""
    if _ENCODED_PATH.search(path):
        return False
    names = [segment.partition(";")[0] for segment in path.removeprefix("/").split("/")]
    return "" not in names[:-1] and not {".", ".."}.intersection(names)
