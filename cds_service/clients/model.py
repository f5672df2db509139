"""One EHR that may call us, as the operator's clients file describes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Dialect = Literal["standard", "epic"]
ALGORITHMS = ("ES384", "RS384")
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Client:
    """One EHR that we trust, and how it is served.

    ``jwks_url`` or ``jwks_file`` says where its public keys are. ``audiences`` are extra accepted
    ``aud`` values, ``fhir_servers`` the only base URLs we call for it (without a slash at their
    end), ``tenants`` the allowed ``tenant`` claims (empty: any), ``cors_origins`` the origins of
    its pages, as a browser writes them. ``profile`` and ``quiet_hours`` (how long an answered card
    is not repeated; 0: always repeated) are the service's own when None. ``max_token_seconds``
    caps the lifetime that a token may claim.
    """

    name: str
    issuer: str = ""
    jwks_url: str = ""
    jwks_file: Path | None = None
    algorithms: tuple[str, ...] = ALGORITHMS
    audiences: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    refuse_replay: bool = True
    tenants: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    profile: Literal["US", "EU"] | None = None
    card_extension: bool = True
    dialect: Dialect = "standard"
    quiet_hours: int | None = None
    max_token_seconds: int = DAY_SECONDS

    @property
    def is_sandbox(self) -> bool:
        """Whether this is the caller of sandbox mode, whom nobody authenticated."""
        return self is SANDBOX

    @property
    def chooses_profile(self) -> bool:
        """Whether a call may name the label profile it is judged by."""
        return self is SANDBOX or self is WORKBENCH


SANDBOX = Client("sandbox")
"""Whoever calls in sandbox mode: nobody in particular, and only loopback FHIR servers."""

WORKBENCH = Client("workbench")
"""Whoever uses the workbench in clients mode; it has no FHIR servers."""

RESERVED_NAMES = frozenset({"demo", SANDBOX.name, WORKBENCH.name})
"""Callers that no clients file describes; in the card log an EHR must not pass for one of them."""
