"""What the prefetch leaves open, fetched from the FHIR server of the EHR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cds_service.fhir.hook_call import HookCall


@dataclass(frozen=True, slots=True)
class Completed:
    """A call whose prefetch holds what could be fetched.

    A value that was fetched has the same shapes as one that was sent: a resource, a searchset
    Bundle (with a ``next`` link when pages stayed unread), or an OperationOutcome that says why
    there is none. ``fetched`` tells for each key that was asked for how that went: a name of
    ``fhir.bundle.State`` in lower case.
    """

    call: HookCall
    fetched: Mapping[str, str] = field(default_factory=dict)


class Completer(Protocol):
    """Whoever can fetch what was not sent."""

    def complete(self, call: HookCall, templates: Mapping[str, str]) -> Completed:
        """Fetch exactly the keys that were not answered; never raises for what a server does."""
