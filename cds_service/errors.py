"""What this service raises on purpose.

Every exception of ours descends from `CDSServiceError`, so that one table in `web/` can turn each
into a status and an OperationOutcome. A message says what is wrong, where, and what to do; it never
holds a name, a value or an identifier of a patient.
"""

from __future__ import annotations

from collections.abc import Iterable


class CDSServiceError(Exception):
    """The root of every error this service raises on purpose."""


class RulesError(CDSServiceError):
    """The files under `rules/` cannot be used; the service refuses to start.

    `complaints` holds every problem found, not only the first, each as `file:line: message`.
    """

    def __init__(self, complaints: Iterable[str]) -> None:
        self.complaints: tuple[str, ...] = tuple(complaints)
        super().__init__("\n".join(self.complaints))


class DataUnavailable(CDSServiceError):  # noqa: N818 - the name says what is the matter, as the docs do.
    """The service needs something that was neither sent nor could be fetched (HTTP 412)."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        super().__init__(f'"{key}" is needed: {reason}')
